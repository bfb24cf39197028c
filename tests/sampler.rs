//! The sampler reaches known posteriors, and its draws depend on the seed alone.

#[path = "common/models.rs"]
mod models;
#[path = "../python/src/sampler.rs"]
mod sampler;

use lazy_core::eval::Executable;
use lazy_core::eval::value::Value;
use lazy_core::graph::{Builder, Graph};
use lazy_core::ops::{Distribution, Elementwise};
use lazy_transforms::likelihood::{likelihood, unconstrain};
use lazy_transforms::simplify::standard;
use lazy_transforms::{Transform, autodiff};
use models::{bioassay, draw, input};
use sampler::{Settings, Trace, sample};

fn run(model: &Graph, given: &[String], fixed: &[Value], seed: u64) -> Trace {
    let (graph, variables) = likelihood(model, given).unwrap();
    let free = unconstrain(&graph, &variables).unwrap();
    let dimension = free.dimension.as_known().unwrap() as usize;
    let gradient = autodiff::value_and_grad(vec![0], 0).then(standard());
    let density = Executable::new(&gradient.apply(&free.density).unwrap()).unwrap();
    let expand = Executable::new(&free.expand).unwrap();
    let settings = Settings {
        draws: 1500,
        tune: 500,
        chains: 4,
        seed,
    };
    sample(&density, &expand, fixed, dimension, &settings, &|| false).unwrap()
}

fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

fn covariance(x: &[f64], y: &[f64]) -> f64 {
    let (a, b) = (mean(x), mean(y));
    let products: Vec<f64> = x.iter().zip(y).map(|(x, y)| (x - a) * (y - b)).collect();
    mean(&products)
}

#[test]
fn the_bioassay_posterior() {
    let fixed = [
        Value::from_slice(&[0i64, 1, 3, 5], &[4]),
        Value::from_slice(&[-0.86, -0.3, -0.05, 0.73], &[4]),
    ];
    let trace = run(&bioassay(), &["deaths".to_string()], &fixed, 1);
    assert_eq!(trace.values[0].shape.as_slice(), [4, 1500]);
    let (alpha, beta) = (trace.values[0].as_slice(), trace.values[1].as_slice());
    let sd = |x: &[f64]| covariance(x, x).sqrt();
    let correlation = covariance(alpha, beta) / (sd(alpha) * sd(beta));
    let got = [mean(alpha), mean(beta), sd(alpha), sd(beta), correlation];
    // By quadrature on a grid; the tolerance is some five standard errors of 6000 draws.
    let known = [
        (0.956, 0.09),
        (8.893, 0.4),
        (0.934, 0.08),
        (3.933, 0.4),
        (0.582, 0.07),
    ];
    for (got, (expected, tolerance)) in got.iter().zip(known) {
        assert!(
            (got - expected).abs() < tolerance,
            "{got} is not {expected}"
        );
    }
    assert_eq!(trace.divergences.len(), 4);
    assert!(trace.gradients.iter().all(|&n| n > 2000));
}

#[test]
fn the_seed_decides() {
    // s ~ exponential(2), v ~ uniform(0, s): an interval that depends on another unknown.
    let mut b = Builder::new("model");
    let (zero, two) = (b.float(0.0), b.float(2.0));
    let s = draw(&mut b, Distribution::Exponential, &[], &[two]);
    b.name(s, "s");
    let v = draw(&mut b, Distribution::Uniform, &[2], &[zero, s]);
    b.name(v, "v");
    let model = b.finish(vec![v]);
    let sampled = |seed| run(&model, &[], &[], seed);
    let (first, again, other) = (sampled(5), sampled(5), sampled(6));
    assert_eq!(first.values, again.values);
    assert_ne!(first.values, other.values);
    let s = first.values[0].as_slice::<f64>();
    let v = first.values[1].as_slice::<f64>();
    assert_eq!(first.values[1].shape.as_slice(), [4, 1500, 2]);
    // Nothing is given: the prior. E[s] = 2, E[v] = E[s]/2.
    assert!((mean(s) - 2.0).abs() < 0.3, "{}", mean(s));
    assert!((mean(v) - 1.0).abs() < 0.2, "{}", mean(v));
    let inside = |(v, s): (&[f64], &f64)| v.iter().all(|v| (0.0..=*s).contains(v));
    assert!(v.chunks(2).zip(s).all(inside));
}

#[test]
fn interruptions_and_impossible_data_are_reported() {
    let mut b = Builder::new("model");
    let low = input(&mut b, "low", &[]);
    let p = draw(&mut b, Distribution::Normal, &[], &[]);
    b.name(p, "p");
    let y = draw(&mut b, Distribution::Uniform, &[], &[low]);
    b.name(y, "y");
    let scaled = b.elementwise(Elementwise::Multiply, &[p, y]).unwrap();
    let (graph, variables) = likelihood(&b.finish(vec![scaled]), &["y".into()]).unwrap();
    let free = unconstrain(&graph, &variables).unwrap();
    let gradient = autodiff::value_and_grad(vec![0], 0);
    let density = Executable::new(&gradient.apply(&free.density).unwrap()).unwrap();
    let expand = Executable::new(&free.expand).unwrap();
    let settings = Settings {
        draws: 1_000_000,
        tune: 1000,
        chains: 2,
        seed: 0,
    };
    let tried = |y: f64, interrupted: bool| {
        let fixed = [Value::from_slice(&[y], &[]), Value::from_slice(&[0.0], &[])];
        let trace = sample(&density, &expand, &fixed, 1, &settings, &|| interrupted);
        trace.unwrap_err().render()
    };
    assert!(tried(3.0, false).contains("starting point"));
    assert!(tried(0.5, true).contains("interrupted"));
}
