//! Laws of likelihoods: densities are SciPy's, and the model's names and shapes are the program's.

mod common;
#[path = "common/models.rs"]
mod models;

use common::evaluate;
use lazy_core::eval::value::Value;
use lazy_core::graph::{Aval, Builder, DType, NodeId};
use lazy_core::ops::Distribution::{self, *};
use lazy_core::ops::{Elementwise, random};
use lazy_transforms::Transform;
use lazy_transforms::likelihood::{Bounds, likelihood, unconstrain};
use lazy_transforms::simplify::standard;
use models::{bioassay, draw, input};

/// A float64 value's elements.
fn float64(value: &Value) -> &[f64] {
    value.as_slice()
}

/// Distribution, parameters, value, and `scipy.stats`' logpdf or logpmf there.
const REFERENCE: &[(Distribution, &[f64], f64, f64)] = &[
    (Normal, &[1.5, 0.7], -2.3, -15.296957466816963),
    (Normal, &[1.5, 0.7], 0.0, -2.8581819566128788),
    (Normal, &[1.5, 0.7], 1.5, -0.5622635892659402),
    (Normal, &[1.5, 0.7], 4.0, -6.939814609674104),
    (Normal, &[], 0.3, -0.9639385332046727),
    (Uniform, &[-1.0, 3.0], -1.0, -1.3862943611198906),
    (Uniform, &[-1.0, 3.0], 0.2, -1.3862943611198906),
    (Uniform, &[-1.0, 3.0], 2.9, -1.3862943611198906),
    (Uniform, &[-1.0, 3.0], -1.1, f64::NEG_INFINITY),
    (Uniform, &[-1.0, 3.0], 3.5, f64::NEG_INFINITY),
    (Exponential, &[2.5], 0.0, -0.9162907318741551),
    (Exponential, &[2.5], 0.3, -1.0362907318741552),
    (Exponential, &[2.5], 7.0, -3.716290731874155),
    (Exponential, &[2.5], -0.1, f64::NEG_INFINITY),
    (Gamma, &[2.2, 1.3], 0.01, -6.208045379497138),
    (Gamma, &[2.2, 1.3], 1.0, -1.4433796178498886),
    (Gamma, &[2.2, 1.3], 6.5, -3.427986236337209),
    (Gamma, &[2.2, 1.3], -1.0, f64::NEG_INFINITY),
    (Gamma, &[1.0], 0.0, 0.0),
    (Gamma, &[1.0], 2.0, -2.0),
    (Gamma, &[1.0], -1.0, f64::NEG_INFINITY),
    (Beta, &[2.5, 0.8], 0.1, -2.882449507337525),
    (Beta, &[2.5, 0.8], 0.5, -0.3507353057059508),
    (Beta, &[2.5, 0.8], 0.97, 1.205978797258911),
    (Beta, &[2.5, 0.8], -0.1, f64::NEG_INFINITY),
    (Beta, &[2.5, 0.8], 1.2, f64::NEG_INFINITY),
    (Binomial, &[7.0, 0.3], 0.0, -2.496724607571127),
    (Binomial, &[7.0, 0.3], 3.0, -1.4832701272433244),
    (Binomial, &[7.0, 0.3], 7.0, -8.427809630281553),
    (Binomial, &[7.0, 0.3], -1.0, f64::NEG_INFINITY),
    (Binomial, &[7.0, 0.3], 8.0, f64::NEG_INFINITY),
    (Binomial, &[5.0, 0.0], 0.0, 0.0),
    (Binomial, &[1.0, 0.25], 0.0, -0.2876820724517809),
    (Binomial, &[1.0, 0.25], 1.0, -1.3862943611198906),
    (Binomial, &[1.0, 0.25], 2.0, f64::NEG_INFINITY),
    (Poisson, &[3.2], 0.0, -3.2),
    (Poisson, &[3.2], 2.0, -1.5668455609485838),
    (Poisson, &[3.2], 11.0, -7.9076489380113975),
    (Poisson, &[3.2], -1.0, f64::NEG_INFINITY),
    (Laplace, &[0.5, 2.0], -3.0, -3.136294361119891),
    (Laplace, &[0.5, 2.0], 0.7, -1.4862943611198904),
    (Logistic, &[0.5, 2.0], -3.0, -2.76359548143612),
    (Logistic, &[0.5, 2.0], 0.7, -2.0819405007070872),
    (Logistic, &[0.5, 2.0], 90.0, -45.44314718055995),
    (Gumbel, &[0.5, 2.0], -3.0, -4.697749856565676),
    (Gumbel, &[0.5, 2.0], 0.7, -1.6979845985959048),
    (Lognormal, &[0.4, 0.9], 0.2, -1.696634379142076),
    (Lognormal, &[0.4, 0.9], 3.0, -2.21346137404094),
    (Lognormal, &[0.4, 0.9], 0.0, f64::NEG_INFINITY),
    (Lognormal, &[0.4, 0.9], -1.0, f64::NEG_INFINITY),
    (StandardCauchy, &[], -3.0, -3.447314978843446),
    (StandardCauchy, &[], 0.7, -1.5435060058067678),
    (StandardT, &[4.5], -3.0, -3.9952444831275984),
    (StandardT, &[4.5], 0.7, -1.2582966000049678),
    (Chisquare, &[3.5], 0.2, -2.435684879284994),
    (Chisquare, &[3.5], 3.0, -1.8046472284583364),
    (Chisquare, &[3.5], -1.0, f64::NEG_INFINITY),
    (F, &[3.5, 6.0], 0.2, -0.4746502231236125),
    (F, &[3.5, 6.0], 3.0, -2.724563631217622),
    (F, &[3.5, 6.0], -1.0, f64::NEG_INFINITY),
    (Weibull, &[1.7], 0.2, -0.6608045515094103),
    (Weibull, &[1.7], 3.0, -5.173350986793932),
    (Weibull, &[1.7], -1.0, f64::NEG_INFINITY),
    (Pareto, &[2.7], 0.0, 0.9932517730102834),
    (Pareto, &[2.7], 3.0, -4.136037363133312),
    (Pareto, &[2.7], -1.0, f64::NEG_INFINITY),
    (Power, &[2.7], 0.2, -1.7427926781276872),
    (Power, &[2.7], 0.9, 0.8141388963919788),
    (Power, &[2.7], -1.0, f64::NEG_INFINITY),
    (Power, &[2.7], 1.5, f64::NEG_INFINITY),
    (Rayleigh, &[1.7], 0.2, -2.6776148297833546),
    (Rayleigh, &[1.7], 3.0, -1.5197376390617672),
    (Rayleigh, &[1.7], -1.0, f64::NEG_INFINITY),
    (Wald, &[1.7, 2.2], 0.2, -2.392559904786611),
    (Wald, &[1.7, 2.2], 3.0, -2.3870458177432723),
    (Wald, &[1.7, 2.2], -1.0, f64::NEG_INFINITY),
    (Wald, &[1.7, 2.2], 0.0, f64::NEG_INFINITY),
    (Geometric, &[0.3], 1.0, -1.2039728043259361),
    (Geometric, &[0.3], 4.0, -2.2739976361421332),
    (Geometric, &[0.3], 0.0, f64::NEG_INFINITY),
    (NegativeBinomial, &[2.5, 0.3], 0.0, -3.00993201081484),
    (NegativeBinomial, &[2.5, 0.3], 4.0, -2.236806427533494),
    (NegativeBinomial, &[2.5, 0.3], -1.0, f64::NEG_INFINITY),
    (Logseries, &[0.4], 1.0, -0.24456373978203308),
    (Logseries, &[0.4], 4.0, -4.3797302965243885),
    (Logseries, &[0.4], 0.0, f64::NEG_INFINITY),
];

#[test]
fn densities_are_those_of_scipy() {
    for &(distribution, parameters, x, expected) in REFERENCE {
        let mut b = Builder::new("density");
        let node = b.input("x", Aval::scalar(distribution.dtype()));
        let parameters: Vec<NodeId> = parameters.iter().map(|&p| b.float(p)).collect();
        let density = random::log_density(&mut b, distribution, node, &parameters).unwrap();
        let graph = b.finish(vec![density]);
        let x = match distribution.dtype() {
            DType::I64 => Value::from_slice(&[x as i64], &[]),
            _ => Value::from_slice(&[x], &[]),
        };
        for graph in [&graph, &standard().apply(&graph).unwrap()] {
            let got = float64(&evaluate(graph, std::slice::from_ref(&x))[0])[0];
            let close = (got - expected).abs() <= 2e-14 * expected.abs().max(1.0);
            assert!(
                got == expected || close,
                "{distribution:?}: {got} is not {expected}\n{graph}"
            );
        }
    }
}

#[test]
fn every_distribution_is_compared() {
    for distribution in Distribution::ALL {
        assert!(
            REFERENCE.iter().any(|row| row.0 == *distribution),
            "{distribution:?}"
        );
    }
}

#[test]
fn the_bioassay_density() {
    let (graph, variables) = likelihood(&bioassay(), &["deaths".into()]).unwrap();
    let names: Vec<&str> = variables.iter().map(|v| &*v.name).collect();
    assert_eq!(names, ["alpha", "beta", "deaths"]);
    assert!(variables[2].given && variables[2].bounds == Bounds::Discrete);
    let values = [
        Value::from_slice(&[0.8], &[]),
        Value::from_slice(&[7.7], &[]),
        Value::from_slice(&[0i64, 1, 3, 5], &[4]),
        Value::from_slice(&[-0.86, -0.3, -0.05, 0.73], &[4]),
    ];
    // scipy: norm(0, 10).logpdf([.8, 7.7]).sum() + binom(5, expit(.8 + 7.7*dose)).logpmf(deaths).sum()
    let expected = -8.726684441885029;
    for graph in [&graph, &standard().apply(&graph).unwrap()] {
        let got = float64(&evaluate(graph, &values)[0])[0];
        assert!((got - expected).abs() < 1e-13, "{got} is not {expected}");
    }
}

#[test]
fn logits_beyond_the_range_of_probabilities_keep_their_density() {
    let (graph, _) = likelihood(&bioassay(), &["deaths".into()]).unwrap();
    let values = [
        Value::from_slice(&[900.0], &[]),
        Value::from_slice(&[0.0], &[]),
        Value::from_slice(&[0i64, 1, 3, 5], &[4]),
        Value::from_slice(&[-0.86, -0.3, -0.05, 0.73], &[4]),
    ];
    let got = float64(&evaluate(&standard().apply(&graph).unwrap(), &values)[0])[0];
    assert!(got.is_finite() && got < -9000.0, "{got}");
}

#[test]
fn what_is_shifted_scaled_and_exponentiated_is_the_variable() {
    // y = exp(m + 2 * rng.standard_normal(3)) is lognormal.
    let mut b = Builder::new("model");
    let m = input(&mut b, "m", &[]);
    let noise = draw(&mut b, Normal, &[3], &[]);
    let two = b.int(2);
    let scaled = b.elementwise(Elementwise::Multiply, &[two, noise]).unwrap();
    let shifted = b.elementwise(Elementwise::Add, &[m, scaled]).unwrap();
    let y = b.elementwise(Elementwise::Exp, &[shifted]).unwrap();
    b.name(y, "y");
    let (graph, variables) = likelihood(&b.finish(vec![y]), &[]).unwrap();
    assert_eq!(&*variables[0].name, "y");
    let x = [0.5, 1.0, 9.0];
    let inputs = [Value::from_slice(&x, &[3]), Value::from_slice(&[0.3], &[])];
    let got = float64(&evaluate(&graph, &inputs)[0])[0];
    let mut b = Builder::new("direct");
    let y = input(&mut b, "y", &[3]);
    let (mean, sigma) = (b.float(0.3), b.float(2.0));
    let direct = random::log_density(&mut b, Lognormal, y, &[mean, sigma]).unwrap();
    let direct = evaluate(&b.finish(vec![direct]), &inputs[..1]);
    let direct = float64(&direct[0]);
    assert!((got - direct.iter().sum::<f64>()).abs() < 1e-13);
    // Outside of the image there is no density.
    let inputs = [
        Value::from_slice(&[0.5, -1.0, 9.0], &[3]),
        inputs[1].clone(),
    ];
    assert_eq!(float64(&evaluate(&graph, &inputs)[0])[0], f64::NEG_INFINITY);
}

#[test]
fn half_normal_and_bernoulli() {
    let mut b = Builder::new("model");
    let noise = draw(&mut b, Normal, &[], &[]);
    let sigma = b.elementwise(Elementwise::Absolute, &[noise]).unwrap();
    b.name(sigma, "sigma");
    let p = b.float(0.3);
    let u = draw(&mut b, Uniform, &[4], &[]);
    let hit = b.elementwise(Elementwise::Less, &[u, p]).unwrap();
    let (graph, variables) = likelihood(&b.finish(vec![hit]), &["observed".into()]).unwrap();
    assert_eq!(variables[0].bounds, Bounds::Positive);
    assert_eq!(variables[1].aval.dtype, DType::Bool);
    let inputs = [
        Value::from_slice(&[0.7], &[]),
        Value::from_slice(&[true, false, false, true], &[4]),
    ];
    let got = float64(&evaluate(&graph, &inputs)[0])[0];
    let half_normal = -0.5 * 0.49 - 0.918_938_533_204_672_8 + 2f64.ln();
    let expected = half_normal + 2.0 * 0.3f64.ln() + 2.0 * 0.7f64.ln();
    assert!((got - expected).abs() < 1e-14, "{got} is not {expected}");
}

#[test]
fn names_are_unique_and_unnamed_draws_are_numbered() {
    let mut b = Builder::new("model");
    let first = draw(&mut b, Normal, &[], &[]);
    b.name(first, "y");
    let second = draw(&mut b, Normal, &[], &[]);
    b.name(second, "y");
    let third = draw(&mut b, Gamma, &[], &[first]);
    let sum = b.elementwise(Elementwise::Add, &[second, third]).unwrap();
    let twice = b.elementwise(Elementwise::Add, &[sum, third]).unwrap();
    let (_, variables) = likelihood(&b.finish(vec![twice]), &[]).unwrap();
    let names: Vec<&str> = variables.iter().map(|v| &*v.name).collect();
    assert_eq!(names, ["y", "y_1", "gamma_0"]);
}

#[test]
fn unknown_names_and_programs_without_draws_are_refused() {
    let message = likelihood(&bioassay(), &["dead".into()])
        .unwrap_err()
        .render();
    assert!(message.contains("alpha, beta, deaths"), "{message}");
    let mut b = Builder::new("plain");
    let x = input(&mut b, "x", &[]);
    assert!(likelihood(&b.finish(vec![x]), &[]).is_err());
    let (graph, variables) = likelihood(&bioassay(), &[]).unwrap();
    let message = unconstrain(&graph, &variables).unwrap_err().render();
    assert!(
        message.contains("deaths") && message.contains("discrete"),
        "{message}"
    );
}

#[test]
fn unconstrained_densities_count_the_volume() {
    // s ~ exponential(2), u ~ uniform(s, 5): the second's interval depends on the first.
    let mut b = Builder::new("model");
    let (two, five) = (b.float(2.0), b.float(5.0));
    let s = draw(&mut b, Exponential, &[], &[two]);
    b.name(s, "s");
    let v = draw(&mut b, Uniform, &[2], &[s, five]);
    b.name(v, "v");
    let (graph, variables) = likelihood(&b.finish(vec![v]), &[]).unwrap();
    let free = unconstrain(&graph, &variables).unwrap();
    let u = [0.4, -1.2, 0.9];
    let inputs = [Value::from_slice(&u, &[3])];
    let values = evaluate(&free.expand, &inputs);
    let s = 0.4f64.exp();
    let logistic = |x: f64| 1.0 / (1.0 + (-x).exp());
    let v = [-1.2, 0.9].map(|x| s + (5.0 - s) * logistic(x));
    assert!((float64(&values[0])[0] - s).abs() < 1e-15);
    for (got, expected) in float64(&values[1]).iter().zip(v) {
        assert!((got - expected).abs() < 1e-14);
    }
    let constrained = -s / 2.0 - 2f64.ln() - 2.0 * (5.0 - s).ln();
    let slope = |x: f64| (logistic(x) * (1.0 - logistic(x))).ln();
    let volume = 0.4 + 2.0 * (5.0 - s).ln() + slope(-1.2) + slope(0.9);
    let got = float64(&evaluate(&standard().apply(&free.density).unwrap(), &inputs)[0])[0];
    assert!((got - constrained - volume).abs() < 1e-13, "{got}");
}
