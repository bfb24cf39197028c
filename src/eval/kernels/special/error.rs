//! The error function's relatives: the normal distribution, Dawson's and Owen's integrals.
//!
//! In: float64. Out: the function to a few units in the last place. Sources: Cephes (by `spec_math`)
//! for the inverses; DLMF 7.12 (`erfcx` by its asymptotic series); D. B. Owen, *Tables for computing
//! bivariate normal probabilities* (1956), whose integral is summed by Gauss and Legendre's rule.
//!
//! ```text
//! log_ndtr(-40.0) == -804.608442013754    owens_t(0.0, 1.0) == 0.125
//! ```

use std::f64::consts::{FRAC_1_SQRT_2, PI, SQRT_2};
use std::sync::LazyLock;

use spec_math::{cephes64, misc};

/// `sqrt(pi)`.
const SQRT_PI: f64 = 1.772_453_850_905_516;
/// `sqrt(2 pi)`.
const SQRT_TAU: f64 = 2.506_628_274_631_000_7;

/// `exp(x**2)` without the error of the rounded square.
fn exp_square(x: f64) -> f64 {
    let square = x * x;
    let rest = x.mul_add(x, -square);
    let large = square.exp();
    if large.is_finite() {
        large + large * rest
    } else {
        large
    }
}

/// `exp(x**2) erfc(x)`.
pub fn erfcx(x: f64) -> f64 {
    if x < 25.0 {
        return exp_square(x) * libm::erfc(x);
    }
    // Six terms are enough: the seventh is 1e-17 of the first.
    let z = 0.5 / (x * x);
    let series = (1..=6)
        .rev()
        .fold(1.0, |sum, k| 1.0 - f64::from(2 * k - 1) * z * sum);
    series / (x * SQRT_PI)
}

/// The normal distribution function.
pub fn ndtr(x: f64) -> f64 {
    0.5 * libm::erfc(-x * FRAC_1_SQRT_2)
}

/// `log(ndtr(x))`.
pub fn log_ndtr(x: f64) -> f64 {
    if x < -1.0 {
        (0.5 * erfcx(-x * FRAC_1_SQRT_2)).ln() - 0.5 * x * x
    } else {
        (-0.5 * libm::erfc(x * FRAC_1_SQRT_2)).ln_1p()
    }
}

/// The inverse of `ndtr`.
pub fn ndtri(p: f64) -> f64 {
    match p {
        0.0 => f64::NEG_INFINITY,
        1.0 => f64::INFINITY,
        p if p > 0.0 && p < 1.0 => cephes64::ndtri(p),
        _ => f64::NAN,
    }
}

/// The inverse of `log_ndtr`.
pub fn ndtri_exp(y: f64) -> f64 {
    if y.is_nan() || y > 0.0 {
        return f64::NAN;
    }
    if y > -1e-2 {
        return -ndtri(-y.exp_m1());
    }
    if y > -300.0 {
        return ndtri(y.exp());
    }
    if y == f64::NEG_INFINITY {
        return y;
    }
    // Newton's method on a concave function, from the leading terms of its expansion.
    let start = -2.0 * y;
    let mut x = -(start - (2.0 * PI * start).ln()).sqrt();
    for _ in 0..4 {
        let slope = SQRT_2 / (SQRT_PI * erfcx(-x * FRAC_1_SQRT_2));
        x -= (log_ndtr(x) - y) / slope;
    }
    x
}

pub fn erfinv(y: f64) -> f64 {
    match y.abs() {
        1.0 => f64::INFINITY.copysign(y),
        a if a < 1e-8 => y * (0.5 * SQRT_PI),
        a if a < 1.0 => {
            let x = misc::erfinv(y);
            // One step of Newton's method: Cephes' inverse loses digits near zero.
            x - (libm::erf(x) - y) * 0.5 * SQRT_PI * exp_square(x)
        }
        _ => f64::NAN,
    }
}

pub fn erfcinv(y: f64) -> f64 {
    match y {
        0.0 => f64::INFINITY,
        2.0 => f64::NEG_INFINITY,
        y if y > 0.5 && y < 1.5 => erfinv(1.0 - y),
        y if y > 0.0 && y < 2.0 => -ndtri(0.5 * y) * FRAC_1_SQRT_2,
        _ => f64::NAN,
    }
}

/// Dawson's integral.
pub fn dawsn(x: f64) -> f64 {
    if x.is_nan() { x } else { cephes64::dawsn(x) }
}

/// Nodes and weights of Gauss and Legendre's rule on [0, 1].
static LEGENDRE: LazyLock<Vec<(f64, f64)>> = LazyLock::new(|| {
    const N: usize = 40;
    (0..N)
        .map(|i| {
            let mut x = (PI * (i as f64 + 0.75) / (N as f64 + 0.5)).cos();
            let mut slope = 1.0;
            for _ in 0..8 {
                let (mut p, mut before) = (1.0, 0.0);
                for k in 0..N {
                    let k = k as f64;
                    (p, before) = (((2.0 * k + 1.0) * x * p - k * before) / (k + 1.0), p);
                }
                slope = N as f64 * (x * p - before) / (x * x - 1.0);
                x -= p / slope;
            }
            (0.5 * (1.0 + x), 1.0 / ((1.0 - x * x) * slope * slope))
        })
        .collect()
});

/// Owen's T: the probability of `X > h` and `0 < Y < a X`.
pub fn owens_t(h: f64, a: f64) -> f64 {
    if h.is_nan() || a.is_nan() {
        return f64::NAN;
    }
    let (h, slope) = (h.abs(), a.abs());
    let t = if slope <= 1.0 {
        owens_integral(h, slope)
    } else if slope.is_infinite() {
        0.5 * ndtr(-h)
    } else {
        let (p, q) = (ndtr(-h), ndtr(-slope * h));
        0.5 * (p + q) - p * q - owens_integral(slope * h, 1.0 / slope)
    };
    t.copysign(a)
}

/// Owen's integral for `a <= 1`. Beyond nine deviations nothing is left of the integrand.
fn owens_integral(h: f64, a: f64) -> f64 {
    let end = a.min(9.0 / h);
    let at = |x: f64| (-0.5 * h * h * (1.0 + x * x)).exp() / (1.0 + x * x);
    let sum: f64 = LEGENDRE.iter().map(|(x, w)| w * at(end * x)).sum();
    end * sum / (2.0 * PI)
}

/// The density of Student's distribution with `df` degrees of freedom.
pub fn student_density(df: f64, t: f64) -> f64 {
    if df.is_infinite() {
        return (-0.5 * t * t).exp() / SQRT_TAU;
    }
    let scale = super::betaln(0.5 * df, 0.5) + 0.5 * df.ln();
    (-scale - 0.5 * (df + 1.0) * (t * t / df).ln_1p()).exp()
}
