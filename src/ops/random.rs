//! Distributions that a draw can have.

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
