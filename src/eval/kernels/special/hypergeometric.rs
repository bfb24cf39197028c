//! Hypergeometric functions of a real argument.
//!
//! In: parameters and argument. Out: 0F1, 1F1 and 2F1. Sources: DLMF 15.2, 15.8 (transformations of
//! the argument), 13.2, 13.7 (Kummer's transformation and the expansion at infinity), 10.39.9 (0F1 as
//! a Bessel function).
//!
//! ```text
//! hyp2f1(1.0, 1.0, 2.0, 0.5) == 2 * log(2)    hyp1f1(1.0, 1.0, 3.0) == exp(3)
//! ```

use super::bessel::{iv, jv};
use super::{digamma, gamma, gammaln, rgamma};

const MOST_TERMS: usize = 20_000;

fn is_pole(c: f64) -> bool {
    c <= 0.0 && c == c.floor()
}

/// The sum of a series from the quotients of its terms.
fn series(quotient: impl Fn(f64) -> f64) -> f64 {
    let (mut term, mut sum) = (1.0f64, 1.0f64);
    for k in 0..MOST_TERMS {
        term *= quotient(k as f64);
        sum += term;
        if term == 0.0 || (term.abs() < 1e-17 * sum.abs() && quotient(k as f64 + 1.0).abs() < 1.0) {
            return sum;
        }
    }
    if term.abs() < 1e-9 * sum.abs() {
        sum
    } else {
        f64::NAN
    }
}

pub fn hyp0f1(c: f64, x: f64) -> f64 {
    if c.is_nan() || !x.is_finite() || is_pole(c) {
        return f64::NAN;
    }
    if x.abs() < 1.0 + c.abs() {
        return series(|k| x / ((c + k) * (k + 1.0)));
    }
    let root = x.abs().sqrt();
    let front = gamma(c) * root.powf(1.0 - c);
    if x > 0.0 {
        front * iv(c - 1.0, 2.0 * root)
    } else {
        front * jv(c - 1.0, 2.0 * root)
    }
}

pub fn hyp1f1(a: f64, b: f64, x: f64) -> f64 {
    if a.is_nan() || b.is_nan() || x.is_nan() {
        return f64::NAN;
    }
    if is_pole(b) && !(is_pole(a) && a > b) {
        return f64::INFINITY;
    }
    if a == 0.0 || x == 0.0 {
        return 1.0;
    }
    if is_pole(a) {
        return series(|k| (a + k) / (b + k) * x / (k + 1.0));
    }
    if x < 0.0 {
        // Kummer's transformation; the result may be a product of large and small.
        let (value, log) = hyp1f1_positive(b - a, b, -x);
        return value * (log + x).exp();
    }
    let (value, log) = hyp1f1_positive(a, b, x);
    value * log.exp()
}

/// A value and the logarithm of a factor, for `x > 0`.
fn hyp1f1_positive(a: f64, b: f64, x: f64) -> (f64, f64) {
    let large = x > 40.0 + 2.0 * (a * a).max((b - a).powi(2)) && !is_pole(a);
    if large {
        let tail = series_at_infinity(|k| (b - a + k) * (1.0 - a + k) / ((k + 1.0) * x));
        let sign = gamma(b).signum() * gamma(a).signum();
        let log = x + (a - b) * x.ln() + gammaln(b) - gammaln(a);
        return (sign * tail, log);
    }
    (series(|k| (a + k) / (b + k) * x / (k + 1.0)), 0.0)
}

/// An asymptotic series, cut at its smallest term.
fn series_at_infinity(quotient: impl Fn(f64) -> f64) -> f64 {
    let (mut term, mut sum) = (1.0f64, 1.0f64);
    for k in 0..500 {
        let next = term * quotient(f64::from(k));
        if next.abs() > term.abs() || next.abs() < 1e-18 * sum.abs() {
            break;
        }
        term = next;
        sum += term;
    }
    sum
}

pub fn hyp2f1(a: f64, b: f64, c: f64, x: f64) -> f64 {
    if a.is_nan() || b.is_nan() || c.is_nan() || x.is_nan() {
        return f64::NAN;
    }
    if x == 0.0 || ((a == 0.0 || b == 0.0) && c != 0.0) {
        return 1.0;
    }
    if x == f64::NEG_INFINITY && a > 0.0 && b > 0.0 {
        return 0.0;
    }
    let terminates = |p: f64| is_pole(p) && (!is_pole(c) || p > c);
    let polynomial = terminates(a) || terminates(b);
    if is_pole(c) && !polynomial {
        return f64::INFINITY;
    }
    if polynomial && (x.abs() < 2.0 || c > 0.0) {
        return gauss(a, b, c, x);
    }
    if x > 1.0 {
        // Beyond the branch point only whole powers of `1 - x` are real.
        let power = if a == c { b } else { a };
        return match (a == c || b == c) && power == power.floor() {
            true => (1.0 - x).powf(-power),
            false => f64::INFINITY,
        };
    }
    let rest = c - a - b;
    if x == 1.0 {
        return if rest > 0.0 {
            let signs = [c, rest].map(|p| gamma(p).signum()).iter().product::<f64>();
            let below = [c - a, c - b]
                .map(|p| rgamma(p).signum())
                .iter()
                .product::<f64>();
            let log = gammaln(c) + gammaln(rest) - gammaln(c - a) - gammaln(c - b);
            signs * below * log.exp()
        } else {
            f64::INFINITY
        };
    }
    if x < 0.0 {
        // Pfaff's transformation, by the parameter that keeps the terms smaller.
        let (a, b) = if a.abs() < b.abs() { (b, a) } else { (a, b) };
        if x > -0.3 {
            return gauss(a, b, c, x);
        }
        return (1.0 - x).powf(-b) * hyp2f1(c - a, b, c, x / (x - 1.0));
    }
    if x < 0.8 || rest.abs() > 100.0 {
        // Euler's transformation where it makes the terms decay.
        return if rest < 0.0 && c - a > 0.0 && c - b > 0.0 && a > 0.0 && b > 0.0 {
            (1.0 - x).powf(rest) * gauss(c - a, c - b, c, x)
        } else {
            gauss(a, b, c, x)
        };
    }
    near_one(a, b, c, x)
}

/// Gauss' series.
fn gauss(a: f64, b: f64, c: f64, x: f64) -> f64 {
    series(|k| (a + k) * (b + k) / ((c + k) * (k + 1.0)) * x)
}

/// In powers of `1 - x` (DLMF 15.8.4, 15.8.10 where `c - a - b` is whole).
fn near_one(a: f64, b: f64, c: f64, x: f64) -> f64 {
    let (rest, y) = (c - a - b, 1.0 - x);
    if (rest - rest.round()).abs() < 1e-3 {
        if rest == rest.round() {
            return if rest < 0.0 {
                y.powf(rest) * logarithmic(c - a, c - b, -rest as usize, y)
            } else {
                logarithmic(a, b, rest as usize, y)
            };
        }
        return gauss(a, b, c, x);
    }
    let first = gamma(c) * gamma(rest) * rgamma(c - a) * rgamma(c - b);
    let second = gamma(c) * gamma(-rest) * rgamma(a) * rgamma(b) * y.powf(rest);
    first * gauss(a, b, 1.0 - rest, y) + second * gauss(c - a, c - b, 1.0 + rest, y)
}

/// `hyp2f1(a, b, a + b + m, 1 - y)`.
fn logarithmic(a: f64, b: f64, m: usize, y: f64) -> f64 {
    let whole = m as f64;
    let c = a + b + whole;
    let mut finite = 0.0;
    let mut term = gamma(c) * gamma(whole) * rgamma(a + whole) * rgamma(b + whole);
    for k in 0..m {
        let at = k as f64;
        finite += term;
        if k + 1 < m {
            term *= (a + at) * (b + at) * -y / ((at + 1.0) * (whole - 1.0 - at));
        }
    }
    let front = -gamma(c) * rgamma(a) * rgamma(b) * (-y).powi(m as i32);
    let mut term = front / gamma(whole + 1.0);
    let mut sum = 0.0;
    for k in 0..MOST_TERMS {
        let at = k as f64;
        let bracket = y.ln() - digamma(at + 1.0) - digamma(at + whole + 1.0)
            + digamma(a + at + whole)
            + digamma(b + at + whole);
        sum += term * bracket;
        term *= (a + whole + at) * (b + whole + at) * y / ((at + 1.0) * (at + whole + 1.0));
        if (term * bracket).abs() < 1e-18 * (sum + finite).abs() {
            break;
        }
    }
    finite + sum
}
