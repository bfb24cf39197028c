//! Special functions of one element.
//!
//! In: float64. Out: the function to some 1e-15, relative. Sources: libm (gamma, lgamma);
//! J. M. Bernardo, *Algorithm AS 103* (digamma by recurrence and asymptotic series) with the rational
//! approximation of Boost.Math around its positive root; Euler and Maclaurin's formula (polygamma).
//!
//! ```text
//! digamma(1) == -0.5772156649015329    polygamma(1, 1) == pi**2 / 6
//! ```

use std::f64::consts::PI;

/// NaN at the negative integers, as in SciPy; infinite at the zeros by their sign.
pub fn gamma(x: f64) -> f64 {
    if x == f64::NEG_INFINITY || (x < 0.0 && x == x.floor()) {
        f64::NAN
    } else {
        libm::tgamma(x)
    }
}

/// `log |gamma(x)|`.
pub fn gammaln(x: f64) -> f64 {
    if x.is_infinite() {
        // At minus infinity too, as SciPy.
        x
    } else if x <= 0.0 && x == x.floor() {
        f64::INFINITY
    } else {
        libm::lgamma(x)
    }
}

/// `1/tan(pi x)`, exact in its poles and zeros.
fn cotangent_pi(x: f64) -> f64 {
    let r = x - x.round();
    if r.abs() == 0.5 {
        0.0
    } else if r.abs() > 0.25 {
        // Near a half, where the tangent is large.
        let t = (PI * (r.abs() - 0.5)).tan();
        if r < 0.0 { t } else { -t }
    } else {
        1.0 / (PI * r).tan()
    }
}

/// The derivative of `gammaln`.
pub fn digamma(x: f64) -> f64 {
    if x.is_nan() || x == f64::INFINITY {
        return x;
    }
    if x == 0.0 {
        return f64::INFINITY.copysign(-x);
    }
    if x < 0.0 {
        if x == x.floor() {
            return f64::NAN;
        }
        // The reflection formula; close to zero the recurrence keeps more digits.
        return if x > -0.5 {
            digamma(x + 1.0) - 1.0 / x
        } else {
            digamma(1.0 - x) - PI * cotangent_pi(x)
        };
    }
    if x >= 10.0 {
        return digamma_asymptotic(x);
    }
    let (mut x, mut shift) = (x, 0.0);
    while x > 2.0 {
        x -= 1.0;
        shift += 1.0 / x;
    }
    if x < 1.0 {
        shift -= 1.0 / x;
        x += 1.0;
    }
    shift + digamma_near_root(x)
}

/// For `x >= 10`: `log x - 1/(2x) - sum of B(2k) / (2k x**(2k))`.
fn digamma_asymptotic(x: f64) -> f64 {
    const C: [f64; 7] = [
        1.0 / 12.0,
        -1.0 / 120.0,
        1.0 / 252.0,
        -1.0 / 240.0,
        1.0 / 132.0,
        -691.0 / 32760.0,
        1.0 / 12.0,
    ];
    let z = 1.0 / (x * x);
    let tail = z * C.iter().rev().fold(0.0, |sum, c| sum * z + c);
    x.ln() - 0.5 / x - tail
}

/// For x in [1, 2]: the distance from the root, held in three parts, times a slowly varying factor.
fn digamma_near_root(x: f64) -> f64 {
    const Y: f64 = 0.995_581_626_892_089_8;
    const ROOT: [f64; 3] = [
        1_569_415_565.0 / 1_073_741_824.0,
        (381_566_830.0 / 1_073_741_824.0) / 1_073_741_824.0,
        9.016_312_093_258_695e-20,
    ];
    const P: [f64; 6] = [
        0.254_798_510_611_315_51,
        -0.325_550_311_868_044_9,
        -0.650_318_537_708_965_1,
        -0.289_191_264_447_747_84,
        -0.045_251_321_448_739_06,
        -0.002_071_332_116_774_595,
    ];
    const Q: [f64; 7] = [
        1.0,
        2.076_711_702_373_047,
        1.460_624_290_976_351_5,
        0.435_935_296_926_659_69,
        0.054_151_797_245_674_225,
        0.002_128_498_701_782_114_4,
        -5.578_984_132_167_536e-7,
    ];
    let g = ((x - ROOT[0]) - ROOT[1]) - ROOT[2];
    let at = x - 1.0;
    let evaluate = |c: &[f64]| c.iter().rev().fold(0.0, |sum, c| sum * at + c);
    g * Y + g * (evaluate(&P) / evaluate(&Q))
}

/// The `n`-th derivative of digamma: `(-1)**(n+1) n! zeta(n+1, x)`.
pub fn polygamma(n: f64, x: f64) -> f64 {
    if n == 0.0 {
        return digamma(x);
    }
    if n < 0.0 || n != n.floor() || n > 170.0 || x.is_nan() {
        return f64::NAN;
    }
    let sign = if n % 2.0 == 0.0 { -1.0 } else { 1.0 };
    sign * libm::tgamma(n + 1.0) * hurwitz_zeta(n + 1.0, x)
}

/// `sum over k >= 0 of (x + k)**-s` for whole `s >= 2`.
fn hurwitz_zeta(s: f64, x: f64) -> f64 {
    // B(2k) / (2k)!
    const C: [f64; 8] = [
        1.0 / 12.0,
        -1.0 / 720.0,
        1.0 / 30_240.0,
        -1.0 / 1_209_600.0,
        1.0 / 47_900_160.0,
        -691.0 / 1_307_674_368_000.0,
        1.0 / 74_724_249_600.0,
        -3617.0 / 10_670_622_842_880_000.0,
    ];
    if x <= 0.0 && x == x.floor() {
        return f64::INFINITY;
    }
    if x < -1e6 {
        // Direct summation would take too long; SciPy gives NaN for all negative arguments.
        return f64::NAN;
    }
    let power = |base: f64| base.powi(-(s as i32));
    let (mut at, mut sum) = (x, 0.0);
    while at < 10.0 + s / 2.0 {
        sum += power(at);
        at += 1.0;
    }
    // Euler and Maclaurin for the rest.
    let first = power(at);
    let mut tail = first * at / (s - 1.0) + first / 2.0;
    let mut factor = first * s / at;
    for (k, c) in C.iter().enumerate() {
        tail += c * factor;
        let j = 2.0 * k as f64 + 1.0;
        factor *= (s + j) * (s + j + 1.0) / (at * at);
    }
    sum + tail
}

/// `x log(y)`, 0 where `x` is, unless `y` is NaN.
pub fn xlogy(x: f64, y: f64) -> f64 {
    if x == 0.0 && !y.is_nan() {
        0.0
    } else {
        x * y.ln()
    }
}

/// `x log(1 + y)`, 0 where `x` is, unless `y` is NaN.
pub fn xlog1py(x: f64, y: f64) -> f64 {
    if x == 0.0 && !y.is_nan() {
        0.0
    } else {
        x * y.ln_1p()
    }
}
