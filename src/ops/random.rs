//! Distributions that a draw can have.

use crate::graph::DType;

/// By NumPy's method names. Operands of the draw are the parameters in NumPy's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Distribution {
    /// loc, scale.
    Normal,
    /// low, high.
    Uniform,
    /// scale.
    Exponential,
    /// shape, scale.
    Gamma,
    /// a, b.
    Beta,
    /// n, p.
    Binomial,
    /// lam.
    Poisson,
}

impl Distribution {
    /// The dtype of its samples.
    pub fn dtype(self) -> DType {
        match self {
            Distribution::Normal
            | Distribution::Uniform
            | Distribution::Exponential
            | Distribution::Gamma
            | Distribution::Beta => DType::F64,
            Distribution::Binomial | Distribution::Poisson => DType::I64,
        }
    }
}
