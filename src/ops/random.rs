//! Distributions that a draw can have: one row each.
//!
//! In: a distribution, a value and parameters. Out: dtype, support, and the log-density as nodes.
//!
//! ```
//! use lazy_core::graph::{Aval, Builder, DType};
//! use lazy_core::ops::{Distribution, random};
//! let mut b = Builder::new("density");
//! let x = b.input("x", Aval::scalar(DType::F64));
//! // `rng.normal(2.0)`: the scale has its default.
//! let loc = b.float(2.0);
//! let density = random::log_density(&mut b, Distribution::Normal, x, &[loc]).unwrap();
//! assert_eq!(b.aval(density).to_string(), "float64[]");
//! ```
//!
//! Source: the parametrisations are those of NumPy's manual (`numpy.random.Generator`); the densities
//! are in Johnson, Kotz and Balakrishnan, *Continuous Univariate Distributions* (1994, 1995), and
//! Johnson, Kemp and Kotz, *Univariate Discrete Distributions* (2005). NumPy's `pareto` is Lomax's.

use std::f64::consts::{LN_2, PI};

use crate::error::{Error, Result};
use crate::graph::term::{Operand, Term, formula};
use crate::graph::{Builder, DType, NodeId};
use crate::ops::Elementwise;

/// Where a density is positive. Indices are those of parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Support {
    Real,
    /// Without zero.
    Positive,
    /// With zero.
    NonNegative,
    /// From 0 to 1.
    Unit,
    /// Between two parameters.
    Between(usize, usize),
    /// Integers from here on.
    Integers {
        from: i64,
    },
    /// Integers from 0 to a parameter.
    Counts(usize),
}

impl Support {
    pub fn is_discrete(self) -> bool {
        match self {
            Support::Integers { .. } | Support::Counts(_) => true,
            Support::Real
            | Support::Positive
            | Support::NonNegative
            | Support::Unit
            | Support::Between(..) => false,
        }
    }
}

/// A method's arguments by position, with the defaults of its parameters.
pub type Signature = &'static [(&'static str, Option<f64>)];

/// A row of the table.
#[derive(Debug)]
pub struct Def {
    /// The method of NumPy's generators.
    pub name: &'static str,
    /// In NumPy's order, with their defaults.
    pub parameters: Signature,
    /// The parameters, then `size`: what the method takes by position.
    pub arguments: Signature,
    pub support: Support,
    /// Whether the formula is -inf outside of the support by itself: the poles of `gammaln` see to it
    /// (but for impossible counts of probability 0 or 1, which give NaN).
    vanishes: bool,
    /// The log-density inside the support.
    density: for<'s> fn(Term<'s>, &[Term<'s>]) -> Term<'s>,
}

macro_rules! table {
    ($($(#[$doc:meta])* $distribution:ident => {
        name: $name:literal,
        parameters: [$($parameter:expr),*],
        support: $support:expr,
        $(vanishes: $vanishes:literal,)?
        density: |$x:pat_param, $p:pat_param| $density:expr,
    })*) => {
        /// The closed list, by NumPy's method names. Operands of a draw are the parameters in NumPy's
        /// order; a draw by a shorter spelling (`standard_normal`) has fewer: the others are the defaults.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Distribution {
            $($(#[$doc])* $distribution,)*
        }

        impl Distribution {
            pub const ALL: &[Distribution] = &[$(Distribution::$distribution),*];

            /// The row of the table.
            pub fn def(self) -> &'static Def {
                use Support::*;
                match self {
                    $(Distribution::$distribution => const {
                        &Def {
                            name: $name,
                            parameters: &[$($parameter),*],
                            arguments: &[$($parameter,)* ("size", None)],
                            support: $support,
                            vanishes: false $(|| $vanishes)?,
                            density: |$x, $p| $density,
                        }
                    },)*
                }
            }
        }
    };
}

/// `log(pi)`.
const LOG_PI: f64 = 1.144_729_885_849_400_2;
/// `log(2*pi)/2`.
const HALF_LOG_TAU: f64 = 0.918_938_533_204_672_8;

table! {
    Normal => {
        name: "normal",
        parameters: [("loc", Some(0.0)), ("scale", Some(1.0))],
        support: Real,
        density: |x, p| -0.5 * ((x - p[0]) / p[1]).square() - p[1].log() - HALF_LOG_TAU,
    }
    Uniform => {
        name: "uniform",
        parameters: [("low", Some(0.0)), ("high", Some(1.0))],
        support: Between(0, 1),
        density: |_, p| -(p[1] - p[0]).log(),
    }
    Exponential => {
        name: "exponential",
        parameters: [("scale", Some(1.0))],
        support: NonNegative,
        density: |x, p| -x / p[0] - p[0].log(),
    }
    Gamma => {
        name: "gamma",
        parameters: [("shape", None), ("scale", Some(1.0))],
        support: NonNegative,
        density: |x, p| (p[0] - 1.0).xlogy(x) - x / p[1] - p[0].gammaln() - p[0] * p[1].log(),
    }
    Beta => {
        name: "beta",
        parameters: [("a", None), ("b", None)],
        support: Unit,
        density: |x, p| (p[0] - 1.0).xlogy(x) + (p[1] - 1.0).xlog1py(-x) - log_beta(p[0], p[1]),
    }
    Binomial => {
        name: "binomial",
        parameters: [("n", None), ("p", None)],
        support: Counts(0),
        vanishes: true,
        density: |k, p| log_choose(p[0], k) + (k.xlogy(p[1]) + (p[0] - k).xlog1py(-p[1])),
    }
    Poisson => {
        name: "poisson",
        parameters: [("lam", Some(1.0))],
        support: Integers { from: 0 },
        vanishes: true,
        density: |k, p| k.xlogy(p[0]) - p[0] - (k + 1).gammaln(),
    }
    Laplace => {
        name: "laplace",
        parameters: [("loc", Some(0.0)), ("scale", Some(1.0))],
        support: Real,
        density: |x, p| -((x - p[0]) / p[1]).abs() - p[1].log() - LN_2,
    }
    Logistic => {
        name: "logistic",
        parameters: [("loc", Some(0.0)), ("scale", Some(1.0))],
        support: Real,
        density: |x, p| {
            let z = (x - p[0]) / p[1];
            -z - p[1].log() - 2.0 * softplus(-z)
        },
    }
    Gumbel => {
        name: "gumbel",
        parameters: [("loc", Some(0.0)), ("scale", Some(1.0))],
        support: Real,
        density: |x, p| {
            let z = (x - p[0]) / p[1];
            -z - (-z).exp() - p[1].log()
        },
    }
    Lognormal => {
        name: "lognormal",
        parameters: [("mean", Some(0.0)), ("sigma", Some(1.0))],
        support: Positive,
        density: |x, p| {
            let log = x.log();
            -0.5 * ((log - p[0]) / p[1]).square() - log - p[1].log() - HALF_LOG_TAU
        },
    }
    StandardCauchy => {
        name: "standard_cauchy",
        parameters: [],
        support: Real,
        density: |x, _| -x.square().log1p() - LOG_PI,
    }
    StandardT => {
        name: "standard_t",
        parameters: [("df", None)],
        support: Real,
        density: |x, p| {
            let half = 0.5 * (p[0] + 1.0);
            half.gammaln() - (0.5 * p[0]).gammaln() - 0.5 * (PI * p[0]).log()
                - half * (x.square() / p[0]).log1p()
        },
    }
    Chisquare => {
        name: "chisquare",
        parameters: [("df", None)],
        support: NonNegative,
        density: |x, p| {
            let half = 0.5 * p[0];
            (half - 1.0).xlogy(x) - 0.5 * x - half.gammaln() - LN_2 * half
        },
    }
    F => {
        name: "f",
        parameters: [("dfnum", None), ("dfden", None)],
        support: NonNegative,
        density: |x, p| {
            let (a, b) = (0.5 * p[0], 0.5 * p[1]);
            a * (p[0] / p[1]).log() + (a - 1.0).xlogy(x)
                - (a + b) * (p[0] * x / p[1]).log1p() - log_beta(a, b)
        },
    }
    Weibull => {
        name: "weibull",
        parameters: [("a", None)],
        support: NonNegative,
        density: |x, p| p[0].log() + (p[0] - 1.0).xlogy(x) - x.pow(p[0]),
    }
    Pareto => {
        name: "pareto",
        parameters: [("a", None)],
        support: NonNegative,
        density: |x, p| p[0].log() - (p[0] + 1.0) * x.log1p(),
    }
    Power => {
        name: "power",
        parameters: [("a", None)],
        support: Unit,
        density: |x, p| p[0].log() + (p[0] - 1.0).xlogy(x),
    }
    Rayleigh => {
        name: "rayleigh",
        parameters: [("scale", Some(1.0))],
        support: NonNegative,
        density: |x, p| x.log() - 2.0 * p[0].log() - 0.5 * (x / p[0]).square(),
    }
    Wald => {
        name: "wald",
        parameters: [("mean", None), ("scale", None)],
        support: Positive,
        density: |x, p| {
            let z = (x - p[0]) / p[0];
            0.5 * p[1].log() - 1.5 * x.log() - HALF_LOG_TAU - 0.5 * p[1] * z.square() / x
        },
    }
    Geometric => {
        name: "geometric",
        parameters: [("p", None)],
        support: Integers { from: 1 },
        density: |k, p| (k - 1).xlog1py(-p[0]) + p[0].log(),
    }
    NegativeBinomial => {
        name: "negative_binomial",
        parameters: [("n", None), ("p", None)],
        support: Integers { from: 0 },
        density: |k, p| {
            (k + p[0]).gammaln() - p[0].gammaln() - (k + 1).gammaln()
                + p[0] * p[1].log() + k.xlog1py(-p[1])
        },
    }
    Logseries => {
        name: "logseries",
        parameters: [("p", None)],
        support: Integers { from: 1 },
        density: |k, p| k * p[0].log() - k.log() - (-(-p[0]).log1p()).log(),
    }
}

impl Distribution {
    /// The dtype of its samples.
    pub fn dtype(self) -> DType {
        if self.def().support.is_discrete() {
            DType::I64
        } else {
            DType::F64
        }
    }

    /// The distribution that a method of `np.random`, a `Generator` or a `RandomState` samples.
    /// `rand` and `randn`, whose arguments are sizes, are among them.
    pub fn from_method(method: &str) -> Option<Distribution> {
        let name = match method {
            "standard_normal" | "randn" => "normal",
            "random" | "random_sample" | "ranf" | "sample" | "rand" => "uniform",
            "standard_exponential" => "exponential",
            "standard_gamma" => "gamma",
            other => other,
        };
        let mut all = Distribution::ALL.iter().copied();
        all.find(|distribution| distribution.def().name == name)
    }

    /// The arguments of a method: the parameters it has, then `size`. `None` if they are all sizes.
    pub fn signature(method: &str) -> Option<Signature> {
        const SIZE: (&str, Option<f64>) = ("size", None);
        if matches!(method, "rand" | "randn") {
            return None;
        }
        if let "standard_normal"
        | "random"
        | "random_sample"
        | "ranf"
        | "sample"
        | "standard_exponential" = method
        {
            return Some(&[SIZE]);
        }
        if method == "standard_gamma" {
            return Some(&[("shape", None), SIZE]);
        }
        Some(Distribution::from_method(method)?.def().arguments)
    }
}

/// The log-density of `distribution` at `x`, elementwise: -inf outside of the support. Missing
/// parameters have NumPy's defaults.
///
/// # Errors
/// If shapes do not broadcast, or a parameter without default is missing.
pub fn log_density(
    b: &mut Builder,
    distribution: Distribution,
    x: NodeId,
    parameters: &[NodeId],
) -> Result<NodeId> {
    let def = distribution.def();
    let missing = def.parameters.iter().skip(parameters.len());
    let mut nodes = parameters.to_vec();
    for (name, default) in missing {
        let default = default
            .ok_or_else(|| Error::internal(format!("a draw of {} without {name}", def.name)))?;
        nodes.push(b.float(default));
    }
    formula(b, |scope| {
        let x = scope.term(x);
        let p: Vec<Term<'_>> = nodes.iter().map(|&node| scope.term(node)).collect();
        match inside(def, x, &p) {
            Some(inside) => {
                // The formula sees a value inside only, so that no NaN enters its derivative.
                let x = match def.support {
                    Support::Unit => inside.choose(x, 0.5),
                    _ => inside.choose(x, 1),
                };
                inside.choose((def.density)(x, &p), f64::NEG_INFINITY)
            }
            None => (def.density)(x, &p),
        }
        .node
    })
}

/// Where `x` is in the support, unless the formula takes care of it.
fn inside<'s>(def: &Def, x: Term<'s>, p: &[Term<'s>]) -> Option<Term<'s>> {
    let between = |low: Term<'s>, high: Term<'s>| {
        x.apply2(Elementwise::GreaterEqual, low).apply2(
            Elementwise::LogicalAnd,
            x.apply2(Elementwise::LessEqual, high),
        )
    };
    let scope = x.scope();
    match def.support {
        _ if def.vanishes => None,
        Support::Real => None,
        Support::Positive => Some(x.above(0.0)),
        Support::NonNegative => Some(x.apply2(Elementwise::GreaterEqual, 0.0)),
        Support::Unit => Some(between(scope.float(0.0), scope.float(1.0))),
        Support::Between(low, high) => Some(between(p[low], p[high])),
        Support::Integers { from } => Some(x.apply2(Elementwise::GreaterEqual, from)),
        Support::Counts(most) => Some(between(scope.int(0), p[most])),
    }
}

/// What densities use beside arithmetic.
trait Special<'s>: Sized {
    fn square(self) -> Self;
    fn log1p(self) -> Self;
    fn gammaln(self) -> Self;
    fn xlogy(self, y: impl Operand) -> Self;
    fn xlog1py(self, y: impl Operand) -> Self;
}

impl<'s> Special<'s> for Term<'s> {
    fn square(self) -> Term<'s> {
        self.pow(2)
    }

    fn log1p(self) -> Term<'s> {
        self.apply(Elementwise::Log1p)
    }

    fn gammaln(self) -> Term<'s> {
        self.apply(Elementwise::Gammaln)
    }

    fn xlogy(self, y: impl Operand) -> Term<'s> {
        self.apply2(Elementwise::Xlogy, y)
    }

    fn xlog1py(self, y: impl Operand) -> Term<'s> {
        self.apply2(Elementwise::Xlog1py, y)
    }
}

/// `log(1 + exp(x))`.
fn softplus(x: Term<'_>) -> Term<'_> {
    x.scope().int(0).apply2(Elementwise::Logaddexp, x)
}

/// The logarithm of Euler's beta function.
fn log_beta<'s>(a: Term<'s>, b: Term<'s>) -> Term<'s> {
    a.gammaln() + b.gammaln() - (a + b).gammaln()
}

/// The logarithm of a binomial coefficient.
fn log_choose<'s>(n: Term<'s>, k: Term<'s>) -> Term<'s> {
    (n + 1).gammaln() - (k + 1).gammaln() - (n - k + 1).gammaln()
}
