//! Truncated power series in a small step, so that a kernel written once gives derivatives in its
//! parameters to any order.
//!
//! In: series. Out: their sums, products, quotients, exponentials, all cut after `N` terms.
//! Source: Griewank and Walther, *Evaluating Derivatives*, chapter 13.
//!
//! ```text
//! let a = Jet::<f64, 3>::variable(2.0);    (1 / a).0 == [0.5, -0.25, 0.125]
//! ```
//!
//! A jet of jets is a series in two steps: the inner jet holds the second one.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// What the algorithms of this folder compute in.
pub trait Scalar:
    Copy
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    fn constant(x: f64) -> Self;
    /// The value, without the steps.
    fn value(self) -> f64;
    fn exp(self) -> Self;
    fn scale(self, by: f64) -> Self;
    /// The largest coefficient.
    fn size(self) -> f64;
}

impl Scalar for f64 {
    fn constant(x: f64) -> f64 {
        x
    }
    fn value(self) -> f64 {
        self
    }
    fn exp(self) -> f64 {
        f64::exp(self)
    }
    fn scale(self, by: f64) -> f64 {
        self * by
    }
    fn size(self) -> f64 {
        self.abs()
    }
}

/// `sum of c[k] step**k`.
#[derive(Clone, Copy, Debug)]
pub struct Jet<T, const N: usize>(pub [T; N]);

impl<T: Scalar, const N: usize> Jet<T, N> {
    /// `x` and no step.
    pub fn fixed(x: T) -> Self {
        let mut out = [T::constant(0.0); N];
        out[0] = x;
        Jet(out)
    }

    /// `x + step`.
    pub fn variable(x: T) -> Self {
        let mut out = Self::fixed(x);
        if N > 1 {
            out.0[1] = T::constant(1.0);
        }
        out
    }
}

/// `f(x)` from the Taylor coefficients of `f` at the value of `x`, of which there must be enough.
pub fn compose<T: Scalar>(x: T, taylor: &[f64]) -> T {
    let step = x - T::constant(x.value());
    let sum = |sum: T, c: &f64| sum * step + T::constant(*c);
    taylor.iter().rev().fold(T::constant(0.0), sum)
}

impl<T: Scalar, const N: usize> Scalar for Jet<T, N> {
    fn constant(x: f64) -> Self {
        Self::fixed(T::constant(x))
    }
    fn value(self) -> f64 {
        self.0[0].value()
    }
    fn exp(self) -> Self {
        // From y' = x' y.
        let mut out = Self::fixed(self.0[0].exp());
        for k in 1..N {
            let mut sum = T::constant(0.0);
            for j in 1..=k {
                sum = sum + self.0[j].scale(j as f64) * out.0[k - j];
            }
            out.0[k] = sum.scale(1.0 / k as f64);
        }
        out
    }
    fn scale(self, by: f64) -> Self {
        Jet(self.0.map(|c| c.scale(by)))
    }
    fn size(self) -> f64 {
        self.0.iter().map(|c| c.size()).fold(0.0, f64::max)
    }
}

impl<T: Scalar, const N: usize> Add for Jet<T, N> {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Jet(std::array::from_fn(|k| self.0[k] + other.0[k]))
    }
}

impl<T: Scalar, const N: usize> Sub for Jet<T, N> {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Jet(std::array::from_fn(|k| self.0[k] - other.0[k]))
    }
}

impl<T: Scalar, const N: usize> Neg for Jet<T, N> {
    type Output = Self;
    fn neg(self) -> Self {
        Jet(self.0.map(|c| -c))
    }
}

impl<T: Scalar, const N: usize> Mul for Jet<T, N> {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Jet(std::array::from_fn(|k| {
            let product = |j: usize| self.0[j] * other.0[k - j];
            (1..=k).fold(product(0), |sum, j| sum + product(j))
        }))
    }
}

impl<T: Scalar, const N: usize> Div for Jet<T, N> {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        let mut out = self;
        for k in 0..N {
            for j in 0..k {
                out.0[k] = out.0[k] - out.0[j] * other.0[k - j];
            }
            out.0[k] = out.0[k] / other.0[0];
        }
        out
    }
}
