//! Special functions of one element.
//!
//! In: float64. Out: the function to some 1e-15, relative. Sources: libm (gamma, lgamma);
//! Cephes as `spec_math` has it; J. M. Bernardo, *Algorithm AS 103* (digamma by recurrence and
//! asymptotic series) with the rational approximation of Boost.Math around its positive root; Euler's
//! and Maclaurin's formula (zeta, polygamma). By family: [`error`], [`incomplete`], [`bessel`],
//! [`hypergeometric`].
//!
//! ```text
//! digamma(1) == -0.5772156649015329    polygamma(1, 1) == pi**2 / 6
//! ```

pub mod bessel;
pub mod error;
pub mod hypergeometric;
pub mod incomplete;
mod jet;

use std::f64::consts::PI;

use spec_math::{cephes64, misc};

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

/// `B(2k) / (2k)!`, the coefficients of Euler's and Maclaurin's formula.
const BERNOULLI: [f64; 10] = [
    1.0 / 12.0,
    -1.0 / 720.0,
    1.0 / 30_240.0,
    -1.0 / 1_209_600.0,
    1.0 / 47_900_160.0,
    -691.0 / 1_307_674_368_000.0,
    1.0 / 74_724_249_600.0,
    -3617.0 / 10_670_622_842_880_000.0,
    43867.0 / 5_109_094_217_170_944_000.0,
    -174_611.0 / 802_857_662_698_291_200_000.0,
];

/// `sum over k >= 0 of (x + k)**-s` for whole `s >= 2`.
fn hurwitz_zeta(s: f64, x: f64) -> f64 {
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
    for (k, c) in BERNOULLI.iter().enumerate() {
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

/// `c[0] + c[1] x + ...`.
fn polynomial(x: f64, c: &[f64]) -> f64 {
    c.iter().rev().fold(0.0, |sum, c| sum * x + c)
}

/// The sign of `gamma`, 0 at its poles as in SciPy.
pub fn gammasgn(x: f64) -> f64 {
    if x.is_nan() {
        x
    } else if x == 0.0 {
        1f64.copysign(x)
    } else if x > 0.0 {
        1.0
    } else if x == x.floor() || x.is_infinite() {
        f64::NAN
    } else if x.floor() % 2.0 == 0.0 {
        1.0
    } else {
        -1.0
    }
}

/// `gammaln` where `gamma` is positive on the real axis' right half; NaN left of it.
pub fn loggamma(x: f64) -> f64 {
    if x < 0.0 { f64::NAN } else { gammaln(x) }
}

/// `1 / gamma(x)`, 0 at its poles.
pub fn rgamma(x: f64) -> f64 {
    if x <= 0.0 && x == x.floor() {
        0.0
    } else if !(-170.0..=170.0).contains(&x) {
        if x > 0.0 {
            (-libm::lgamma(x)).exp()
        } else {
            gammasgn(x) * (-libm::lgamma(x)).exp()
        }
    } else {
        1.0 / libm::tgamma(x)
    }
}

/// `log |beta(a, b)|`.
pub fn betaln(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        return f64::NAN;
    }
    let (small, large) = (a.min(b), a.max(b));
    if small > 0.0 && large.is_infinite() {
        return f64::NEG_INFINITY;
    }
    if small <= 0.0 || large < 10.0 {
        if small > 0.0 && small + large < 20.0 {
            return beta(a, b).ln();
        }
        return cephes64::lbeta(a, b);
    }
    // Stirling's corrections, in which large terms have cancelled (DLMF 5.11.3).
    let ratio = small / large;
    if small >= 10.0 {
        return -0.5 * large.ln()
            + 0.918_938_533_204_672_7
            + (stirling(small) + stirling(large) - stirling(small + large))
            + (small - 0.5) * (ratio / (1.0 + ratio)).ln()
            - large * ratio.ln_1p();
    }
    let correction = stirling(large) - stirling(small + large);
    gammaln(small) + correction + small
        - small * (small + large).ln()
        - (large - 0.5) * ratio.ln_1p()
}

/// `gammaln(x) - ((x - 1/2) log(x) - x + log(2 pi)/2)` for `x >= 10`.
fn stirling(x: f64) -> f64 {
    const C: [f64; 8] = [
        1.0 / 12.0,
        -1.0 / 360.0,
        1.0 / 1260.0,
        -1.0 / 1680.0,
        1.0 / 1188.0,
        -691.0 / 360_360.0,
        1.0 / 156.0,
        -3617.0 / 122_400.0,
    ];
    polynomial(1.0 / (x * x), &C) / x
}

/// Euler's beta function.
pub fn beta(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        return f64::NAN;
    }
    if a > 0.0 && b > 0.0 {
        if a + b > 20.0 {
            return betaln(a, b).exp();
        }
        // Divided first, so that nothing overflows.
        let (small, large) = (a.min(b), a.max(b));
        return libm::tgamma(large) / libm::tgamma(a + b) * libm::tgamma(small);
    }
    cephes64::beta(a, b)
}

/// `gamma(a + m) / gamma(a)`.
pub fn poch(a: f64, m: f64) -> f64 {
    if a.is_nan() || m.is_nan() || m == f64::NEG_INFINITY {
        f64::NAN
    } else {
        misc::poch(a, m)
    }
}

/// `n` over `k`, of real numbers.
pub fn binom(n: f64, k: f64) -> f64 {
    if k == f64::NEG_INFINITY {
        return 0.0;
    }
    if n.is_nan() || !k.is_finite() || (n < 0.0 && n == n.floor()) {
        return f64::NAN;
    }
    if k == k.floor() && k >= 0.0 {
        // For a whole `k` the product is exact as long as it fits.
        let k = if n == n.floor() && n > 0.0 && k > 0.5 * n {
            n - k
        } else {
            k
        };
        if (0.0..20.0).contains(&k) {
            let (mut top, mut bottom) = (1.0f64, 1.0f64);
            for i in 1..=k as i32 {
                top *= n - k + f64::from(i);
                bottom *= f64::from(i);
                if top.abs() > 1e50 {
                    top /= bottom;
                    bottom = 1.0;
                }
            }
            return top / bottom;
        }
        if k < 0.0 {
            return 0.0;
        }
    }
    if n >= 0.0 && k >= 0.0 && k <= n && n > 20.0 {
        return (-(betaln(1.0 + n - k, 1.0 + k))).exp() / (n + 1.0);
    }
    gamma(n + 1.0) * rgamma(k + 1.0) * rgamma(n - k + 1.0)
}

/// Hurwitz' zeta function.
pub fn zeta(s: f64, q: f64) -> f64 {
    if s.is_nan() || q.is_nan() || s < 1.0 {
        f64::NAN
    } else if s == 1.0 {
        f64::INFINITY
    } else if q <= 0.0 {
        if q == q.floor() {
            f64::INFINITY
        } else {
            f64::NAN
        }
    } else {
        cephes64::zeta(s, q)
    }
}

/// Riemann's zeta function.
pub fn riemann_zeta(s: f64) -> f64 {
    if s.is_nan() {
        s
    } else {
        cephes64::riemann_zeta(s)
    }
}

/// Riemann's zeta function less one.
pub fn zetac(s: f64) -> f64 {
    if s.is_nan() { s } else { cephes64::zetac(s) }
}

/// The `n`-th derivative of `(exp(x) - 1) / x`, the integral of `t**n exp(t x)` over [0, 1].
pub fn exprel_derivative(n: f64, x: f64) -> f64 {
    if n < 0.0 || n != n.floor() || x.is_nan() {
        return f64::NAN;
    }
    if x == f64::INFINITY {
        return x;
    }
    if x == f64::NEG_INFINITY {
        return 0.0;
    }
    if n == 0.0 && x.abs() > 1e-5 {
        return x.exp_m1() / x;
    }
    if x.abs() > n + 4.0 {
        // By parts, upwards from the function itself: stable while |x| exceeds the order.
        let exp = x.exp();
        return (1..=n as u32).fold(x.exp_m1() / x, |e, k| (exp - f64::from(k) * e) / x);
    }
    // sum of x**k / (k! (n + k + 1)); for negative x by Kummer's transformation.
    if x < 0.0 {
        let (mut term, mut sum) = (1.0 / (n + 1.0), 0.0);
        for k in 1..400 {
            sum += term;
            term *= -x / (n + 1.0 + f64::from(k));
            if term < 1e-17 * sum {
                break;
            }
        }
        return sum * x.exp();
    }
    let (mut power, mut sum) = (1.0, 0.0);
    for k in 0..400 {
        let k = f64::from(k);
        let term = power / (n + k + 1.0);
        sum += term;
        if term < 1e-17 * sum {
            break;
        }
        power *= x / (k + 1.0);
    }
    sum
}

/// `(x**lambda - 1) / lambda`, `log(x)` at 0.
pub fn boxcox(x: f64, lambda: f64) -> f64 {
    if lambda.abs() < 1e-19 {
        x.ln()
    } else {
        (lambda * x.ln()).exp_m1() / lambda
    }
}

/// `boxcox(1 + x, lambda)`.
pub fn boxcox1p(x: f64, lambda: f64) -> f64 {
    let log = x.ln_1p();
    if lambda.abs() < 1e-19 || (log.abs() < 1e-289 && lambda.abs() < 1e273) {
        log
    } else {
        (lambda * log).exp_m1() / lambda
    }
}

/// The inverse of `boxcox` in `x`.
pub fn inv_boxcox(y: f64, lambda: f64) -> f64 {
    if lambda == 0.0 {
        y.exp()
    } else {
        ((lambda * y).ln_1p() / lambda).exp()
    }
}

/// The inverse of `boxcox1p` in `x`.
pub fn inv_boxcox1p(y: f64, lambda: f64) -> f64 {
    if lambda == 0.0 {
        y.exp_m1()
    } else if (lambda * y).abs() < 1e-154 {
        y
    } else {
        ((lambda * y).ln_1p() / lambda).exp_m1()
    }
}

/// `-x log(x)`.
pub fn entr(x: f64) -> f64 {
    if x > 0.0 || x.is_nan() {
        -x * x.ln()
    } else if x == 0.0 {
        0.0
    } else {
        f64::NEG_INFINITY
    }
}

/// `x log(x / y)`.
pub fn rel_entr(x: f64, y: f64) -> f64 {
    if x.is_nan() || y.is_nan() {
        f64::NAN
    } else if x > 0.0 && y > 0.0 {
        let ratio = x / y;
        if ratio > 0.5 && ratio < 2.0 {
            x * ((x - y) / y).ln_1p()
        } else if ratio > 1e-300 && ratio < f64::INFINITY {
            x * ratio.ln()
        } else {
            x * (x.ln() - y.ln())
        }
    } else if x == 0.0 && y >= 0.0 {
        0.0
    } else {
        f64::INFINITY
    }
}

/// `x log(x / y) - x + y`.
pub fn kl_div(x: f64, y: f64) -> f64 {
    let entropy = rel_entr(x, y);
    if entropy == f64::INFINITY {
        entropy
    } else {
        entropy - x + y
    }
}

/// Half the square, continued by a line beyond `delta`.
pub fn huber(delta: f64, r: f64) -> f64 {
    if delta < 0.0 {
        f64::INFINITY
    } else if r.abs() <= delta {
        0.5 * r * r
    } else {
        delta * (r.abs() - 0.5 * delta)
    }
}

/// `delta**2 (sqrt(1 + (r / delta)**2) - 1)`.
pub fn pseudo_huber(delta: f64, r: f64) -> f64 {
    if delta < 0.0 {
        f64::INFINITY
    } else if delta == 0.0 || r == 0.0 {
        0.0
    } else {
        let z = (r / delta) * (r / delta);
        if z.is_infinite() {
            return delta * r.abs();
        }
        // The difference without cancellation.
        delta * delta * (z / (1.0 + (1.0 + z).sqrt()))
    }
}

/// The inverse of the logistic function.
pub fn logit(p: f64) -> f64 {
    if p > 0.3 && p < 0.65 {
        // Near a half the quotient's distance from one is known exactly.
        let s = 2.0 * (p - 0.5);
        s.ln_1p() - (-s).ln_1p()
    } else {
        (p / (1.0 - p)).ln()
    }
}

/// `cos(x) - 1`.
pub fn cosm1(x: f64) -> f64 {
    let half = libm::sin(0.5 * x);
    -2.0 * half * half
}

/// `log(1 + x) - x`.
pub fn log1pmx(x: f64) -> f64 {
    if x.abs() > 0.5 {
        return x.ln_1p() - x;
    }
    let (mut power, mut sum) = (x, 0.0f64);
    for k in 2..80 {
        power *= -x;
        let term = power / f64::from(k);
        sum += term;
        if term.abs() < 1e-17 * sum.abs() {
            break;
        }
    }
    sum
}

/// The sine of degrees, exact at multiples of 30; 0 at infinity, as SciPy has it.
pub fn sindg(x: f64) -> f64 {
    if x.is_infinite() {
        return 0.0;
    }
    let r = x % 360.0;
    let (r, sign) = if r < 0.0 { (-r, -1.0) } else { (r, 1.0) };
    let (r, sign) = if r > 180.0 {
        (r - 180.0, -sign)
    } else {
        (r, sign)
    };
    let r = if r > 90.0 { 180.0 - r } else { r };
    let value = if r == 30.0 {
        0.5
    } else if r > 45.0 {
        libm::cos((90.0 - r) * (PI / 180.0))
    } else {
        libm::sin(r * (PI / 180.0))
    };
    sign * value
}

pub fn cosdg(x: f64) -> f64 {
    if x.is_infinite() {
        0.0
    } else {
        sindg(90.0 - x.abs() % 360.0)
    }
}

pub fn tandg(x: f64) -> f64 {
    if x.is_infinite() {
        return 0.0;
    }
    let r = x % 180.0;
    match r.abs() {
        90.0 => f64::INFINITY,
        a if a == 45.0 || a == 135.0 => {
            if (a == 45.0) == (r > 0.0) {
                1.0
            } else {
                -1.0
            }
        }
        _ => sindg(x) / cosdg(x),
    }
}

/// The exponential integral of order `n`, of which SciPy drops what follows the point.
pub fn expn(n: f64, x: f64) -> f64 {
    let n = n.trunc();
    if n.is_nan() || x.is_nan() || n < 0.0 || x < 0.0 {
        return f64::NAN;
    }
    if x == 0.0 && n < 2.0 {
        return f64::INFINITY;
    }
    if n == 0.0 {
        return (-x).exp() / x;
    }
    cephes64::expn(n as i32, x)
}

/// `E1`, the exponential integral of order one.
pub fn exp1(x: f64) -> f64 {
    if x.is_nan() || x < 0.0 {
        f64::NAN
    } else if x == 0.0 {
        f64::INFINITY
    } else if x <= 1.0 {
        -EULER - x.ln() - exponential_series(-x)
    } else if x.is_infinite() {
        0.0
    } else {
        cephes64::expn(1, x)
    }
}

const EULER: f64 = 0.577_215_664_901_532_9;

/// `sum over k >= 1 of x**k / (k k!)`.
fn exponential_series(x: f64) -> f64 {
    let (mut power, mut sum) = (1.0, 0.0f64);
    for k in 1..500 {
        let k = f64::from(k);
        power *= x / k;
        let term = power / k;
        sum += term;
        if term.abs() < 1e-17 * sum.abs() {
            break;
        }
    }
    sum
}

/// `Ei`.
pub fn expi(x: f64) -> f64 {
    /// The zero of `Ei`, and what is left of it.
    const ROOT: f64 = 0.372_507_410_781_366_6;
    const REST: f64 = 3.170_917_127_411_871e-17;
    if x.is_nan() {
        return x;
    }
    if x == 0.0 {
        return f64::NEG_INFINITY;
    }
    if x == f64::INFINITY {
        return x;
    }
    if x < 0.0 {
        return -exp1(-x);
    }
    if x < 40.0 {
        if (x - ROOT).abs() < 0.05 {
            // Around the root by Taylor's series, where the terms of the other cancel.
            return expi_near_root(x - ROOT - REST, ROOT);
        }
        return EULER + x.ln() + exponential_series(x);
    }
    let (mut term, mut sum) = (1.0f64, 1.0);
    for k in 1..60 {
        let next = term * f64::from(k) / x;
        if next > term || next < 1e-18 {
            break;
        }
        term = next;
        sum += term;
    }
    (x - x.ln()).exp() * sum
}

/// `Ei(root + step)` from the derivatives of `exp(x) / x`.
fn expi_near_root(step: f64, root: f64) -> f64 {
    let exp = root.exp();
    // c[k] are the Taylor coefficients of exp(x)/x: x f = exp.
    let (mut c, mut power, mut sum, mut factorial) = (exp / root, step, 0.0, 1.0);
    for k in 1..40 {
        let k = f64::from(k);
        sum += c * power / k;
        power *= step;
        factorial *= k;
        c = (exp / factorial - c) / root;
    }
    sum
}

/// Both sine and cosine integrals.
pub fn sici(x: f64) -> (f64, f64) {
    if x.is_nan() {
        (x, x)
    } else {
        cephes64::sici(x)
    }
}

/// Both hyperbolic integrals.
pub fn shichi(x: f64) -> (f64, f64) {
    if x.is_nan() {
        (x, x)
    } else {
        cephes64::shichi(x)
    }
}

/// Both integrals of Fresnel, S and C.
pub fn fresnel(x: f64) -> (f64, f64) {
    if x.is_nan() {
        (x, x)
    } else {
        cephes64::fresnl(x)
    }
}

/// The complete elliptic integral of the first kind at `1 - p`.
pub fn ellipkm1(p: f64) -> f64 {
    if p.is_nan() || p < 0.0 {
        f64::NAN
    } else if p == 0.0 {
        f64::INFINITY
    } else {
        // By the arithmetic and geometric mean (DLMF 19.8.5).
        0.5 * PI / mean(1.0, p.sqrt()).0
    }
}

pub fn ellipk(m: f64) -> f64 {
    ellipkm1(1.0 - m)
}

/// The complete elliptic integral of the second kind.
pub fn ellipe(m: f64) -> f64 {
    if m.is_nan() || m > 1.0 {
        f64::NAN
    } else if m == 1.0 {
        1.0
    } else if m < 0.0 {
        // Of positive parameter (DLMF 19.7.2), where nothing cancels.
        (1.0 - m).sqrt() * ellipe(m / (m - 1.0))
    } else {
        let (mean, sum) = mean(1.0, (1.0 - m).sqrt());
        0.5 * PI / mean * (1.0 - 0.5 * m - sum)
    }
}

/// The arithmetic and geometric mean of two numbers, and `sum of 2**(n-1) c[n]**2` for `n >= 1`.
fn mean(a: f64, b: f64) -> (f64, f64) {
    let (mut a, mut g, mut sum, mut factor) = (a, b, 0.0, 1.0);
    for _ in 0..60 {
        let c = 0.5 * (a - g);
        sum += factor * c * c;
        (a, g) = (0.5 * (a + g), (a * g).sqrt());
        factor *= 2.0;
        // The next difference is its square.
        if c.abs() < 1e-9 * a {
            break;
        }
    }
    (a, sum)
}

/// The incomplete elliptic integral of the first kind.
pub fn ellipkinc(phi: f64, m: f64) -> f64 {
    if phi.is_nan() || m.is_nan() || m > 1.0 {
        f64::NAN
    } else {
        cephes64::ellik(phi, m)
    }
}

/// The incomplete elliptic integral of the second kind.
pub fn ellipeinc(phi: f64, m: f64) -> f64 {
    if phi.is_nan() || m.is_nan() || m > 1.0 {
        f64::NAN
    } else {
        cephes64::ellie(phi, m)
    }
}

/// A function of Cephes that does not expect NaN.
macro_rules! cephes {
    ($($name:ident),*) => {$(
        pub fn $name(x: f64) -> f64 {
            if x.is_nan() { x } else { cephes64::$name(x) }
        }
    )*};
}
cephes!(j0, j1, y0, y1, i0, i0e, i1, i1e, k0, k0e, k1, k1e, spence);
