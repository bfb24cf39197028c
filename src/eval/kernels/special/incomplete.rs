//! Incomplete gamma and beta functions, their inverses, and their derivatives in the parameters.
//!
//! In: float64. Out: the regularized functions by Cephes (`spec_math`); their derivatives of any order
//! by the series and continued fractions of DLMF 8.7, 8.9, 8.17 and 8.25, computed in [`Jet`]s.
//!
//! ```text
//! gammainc(1.0, 1.0) == 1 - exp(-1)    gammainc_derivative(1.0, 1.0, 1.0) == -0.596347...
//! ```

use spec_math::cephes64;

use super::jet::{Jet, Scalar, compose};
use super::polygamma;

const MOST_STEPS: usize = 100_000;
/// Derivatives in a parameter are known below this order.
pub const ORDERS: usize = 5;

/// The regularized lower function.
pub fn gammainc(a: f64, x: f64) -> f64 {
    if a.is_nan() || x.is_nan() || a < 0.0 || x < 0.0 {
        f64::NAN
    } else if a == 0.0 {
        if x > 0.0 { 1.0 } else { f64::NAN }
    } else if x == 0.0 {
        0.0
    } else if a.is_infinite() {
        if x.is_infinite() { f64::NAN } else { 0.0 }
    } else if x.is_infinite() {
        1.0
    } else {
        cephes64::igam(a, x)
    }
}

/// The regularized upper function.
pub fn gammaincc(a: f64, x: f64) -> f64 {
    if a.is_nan() || x.is_nan() || a < 0.0 || x < 0.0 {
        f64::NAN
    } else if a == 0.0 {
        if x > 0.0 { 0.0 } else { f64::NAN }
    } else if x == 0.0 {
        1.0
    } else if a.is_infinite() {
        if x.is_infinite() { f64::NAN } else { 1.0 }
    } else if x.is_infinite() {
        0.0
    } else {
        cephes64::igamc(a, x)
    }
}

/// The inverse of `gammainc` in `x`.
pub fn gammaincinv(a: f64, p: f64) -> f64 {
    if a.is_nan() || p.is_nan() || a < 0.0 || !(0.0..=1.0).contains(&p) {
        f64::NAN
    } else if p == 1.0 {
        f64::INFINITY
    } else if p == 0.0 || a == 0.0 {
        0.0
    } else {
        cephes64::igami(a, p)
    }
}

/// The inverse of `gammaincc` in `x`.
pub fn gammainccinv(a: f64, q: f64) -> f64 {
    if a.is_nan() || q.is_nan() || a < 0.0 || !(0.0..=1.0).contains(&q) {
        f64::NAN
    } else if q == 0.0 {
        f64::INFINITY
    } else if q == 1.0 || a == 0.0 {
        0.0
    } else {
        cephes64::igamci(a, q)
    }
}

/// `x**a (1-x)**b / (a beta(a, b))`-like ends of the interval and of the parameters.
fn beta_edge(a: f64, b: f64, x: f64) -> Option<f64> {
    if a.is_nan() || b.is_nan() || !(0.0..=1.0).contains(&x) || a < 0.0 || b < 0.0 {
        Some(f64::NAN)
    } else if a == 0.0 || b.is_infinite() {
        Some(if b == 0.0 || a.is_infinite() {
            f64::NAN
        } else if x > 0.0 {
            1.0
        } else {
            0.0
        })
    } else if b == 0.0 || a.is_infinite() {
        Some(if x < 1.0 { 0.0 } else { 1.0 })
    } else if x == 0.0 || x == 1.0 {
        Some(x)
    } else {
        None
    }
}

/// The regularized function.
pub fn betainc(a: f64, b: f64, x: f64) -> f64 {
    beta_edge(a, b, x).unwrap_or_else(|| cephes64::incbet(a, b, x))
}

/// `1 - betainc(a, b, x)`, not by that difference.
pub fn betaincc(a: f64, b: f64, x: f64) -> f64 {
    match beta_edge(a, b, x) {
        Some(edge) => 1.0 - edge,
        // Near zero nothing is lost by the difference, near one the mirror image keeps the digits.
        None if x < 0.5 => 1.0 - cephes64::incbet(a, b, x),
        None => cephes64::incbet(b, a, 1.0 - x),
    }
}

/// The inverse of `betainc` in `x`.
pub fn betaincinv(a: f64, b: f64, p: f64) -> f64 {
    if a.is_nan() || b.is_nan() || a <= 0.0 || b <= 0.0 || !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    if p == 0.0 || p == 1.0 {
        return p;
    }
    let mut x = cephes64::incbi(a, b, p);
    // Cephes stops early; Newton's method squares the error that is left.
    for _ in 0..3 {
        let log_density = (a - 1.0) * x.ln() + (b - 1.0) * (-x).ln_1p() - super::betaln(a, b);
        let next = x - (betainc(a, b, x) - p) / log_density.exp();
        if !(next > 0.0 && next < 1.0) || (next - x).abs() > 1e-3 * x.min(1.0 - x) {
            break;
        }
        x = next;
    }
    x
}

/// The inverse of `betaincc` in `x`.
pub fn betainccinv(a: f64, b: f64, q: f64) -> f64 {
    let mirrored = betaincinv(b, a, q);
    if mirrored < 0.5 || q < 0.5 && mirrored < 0.999 {
        1.0 - mirrored
    } else {
        betaincinv(a, b, 1.0 - q)
    }
}

/// Student's distribution function.
pub fn stdtr(df: f64, t: f64) -> f64 {
    if df.is_nan() || t.is_nan() || df <= 0.0 {
        return f64::NAN;
    }
    if df.is_infinite() {
        return super::error::ndtr(t);
    }
    let square = t * t;
    // The tail, by whichever end of the interval keeps its digits.
    let tail = if square < df {
        0.5 * betaincc(0.5, 0.5 * df, square / (df + square))
    } else {
        0.5 * betainc(0.5 * df, 0.5, df / (df + square))
    };
    if t < 0.0 { tail } else { 1.0 - tail }
}

/// The inverse of `stdtr` in `t`.
pub fn stdtrit(df: f64, p: f64) -> f64 {
    if df.is_nan() || df <= 0.0 || !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    if df.is_infinite() {
        return super::error::ndtri(p);
    }
    if p == 0.0 || p == 1.0 {
        // At both ends, as SciPy has it.
        return f64::INFINITY;
    }
    let lower = p.min(1.0 - p);
    let t = if lower > 0.25 {
        // Near the middle the other end of the interval keeps the digits.
        let z = betaincinv(0.5, 0.5 * df, 1.0 - 2.0 * lower);
        (df * z / (1.0 - z)).sqrt()
    } else {
        let z = betaincinv(0.5 * df, 0.5, 2.0 * lower);
        (df * (1.0 - z) / z).sqrt()
    };
    if p < 0.5 { -t } else { t }
}

/// `log gamma` of a series.
fn log_gamma<S: Scalar>(x: S, terms: usize) -> S {
    let at = x.value();
    let mut taylor = vec![super::gammaln(at)];
    let mut factorial = 1.0;
    for k in 1..terms {
        factorial *= k as f64;
        taylor.push(polygamma(k as f64 - 1.0, at) / factorial);
    }
    compose(x, &taylor)
}

/// `k!`, by which a coefficient becomes a derivative.
fn factorial(k: usize) -> f64 {
    (1..=k).map(|i| i as f64).product()
}

/// The `order`-th derivative of `gammainc(a, x)` in `a`.
pub fn gammainc_derivative(order: f64, a: f64, x: f64) -> f64 {
    if order == 0.0 {
        return gammainc(a, x);
    }
    if a.is_nan() || x.is_nan() || a <= 0.0 || x < 0.0 {
        return f64::NAN;
    }
    if x == 0.0 || x.is_infinite() {
        return 0.0;
    }
    match order {
        1.0 => gammainc_series::<2>(a, x),
        2.0 => gammainc_series::<3>(a, x),
        3.0 => gammainc_series::<4>(a, x),
        4.0 => gammainc_series::<5>(a, x),
        _ => f64::NAN,
    }
}

fn gammainc_series<const N: usize>(a: f64, x: f64) -> f64 {
    let one = Jet::<f64, N>::constant(1.0);
    let v = Jet::<f64, N>::variable(a);
    let front = (v.scale(x.ln()) - Jet::constant(x) - log_gamma(v, N)).exp();
    let derivative = |lower: Jet<f64, N>| lower.0[N - 1] * factorial(N - 1);
    if x < a + 1.0 {
        let mut term = one / v;
        let mut sum = term;
        for k in 1..MOST_STEPS {
            term = term.scale(x) / (v + Jet::constant(k as f64));
            sum = sum + term;
            if term.size() < 1e-17 * sum.0[N - 1].abs() {
                break;
            }
        }
        return derivative(front * sum);
    }
    // Legendre's continued fraction for the upper function, by the modified Lentz method.
    let mut b = Jet::constant(x + 1.0) - v;
    let mut c = Jet::constant(1e300);
    let mut d = one / b;
    let mut f = d;
    for k in 1..MOST_STEPS {
        let k = k as f64;
        let factor = (v - Jet::constant(k)).scale(k);
        b = b + Jet::constant(2.0);
        d = one / (b + factor * d);
        c = b + factor / c;
        let change = c * d;
        f = f * change;
        if (change - one).size() < 1e-16 {
            break;
        }
    }
    -derivative(front * f)
}

/// The derivative of `betainc(a, b, x)` of order `m` in `a` and `n` in `b`.
pub fn betainc_derivative(m: f64, n: f64, a: f64, b: f64, x: f64) -> f64 {
    if m == 0.0 && n == 0.0 {
        return betainc(a, b, x);
    }
    if !(a > 0.0 && b > 0.0 && (0.0..=1.0).contains(&x)) {
        return f64::NAN;
    }
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (m, n) = (m as usize, n as usize);
    match m.max(n) {
        1 => betainc_series::<2>(m, n, a, b, x),
        2 => betainc_series::<3>(m, n, a, b, x),
        3 => betainc_series::<4>(m, n, a, b, x),
        4 => betainc_series::<5>(m, n, a, b, x),
        _ => f64::NAN,
    }
}

fn betainc_series<const N: usize>(m: usize, n: usize, a: f64, b: f64, x: f64) -> f64 {
    if x > (a + 1.0) / (a + b + 2.0) {
        return -betainc_fraction::<N>(n, m, b, a, 1.0 - x, x);
    }
    betainc_fraction::<N>(m, n, a, b, x, 1.0 - x)
}

/// DLMF 8.17.22, where `y` is `1 - x`.
fn betainc_fraction<const N: usize>(m: usize, n: usize, a: f64, b: f64, x: f64, y: f64) -> f64 {
    type Series<const N: usize> = Jet<Jet<f64, N>, N>;
    let constant = Series::<N>::constant;
    let one = constant(1.0);
    let (va, vb) = (
        Series::<N>::variable(Jet::fixed(a)),
        Series::<N>::fixed(Jet::variable(b)),
    );
    let terms = 2 * N - 1;
    let log_beta = log_gamma(va, terms) + log_gamma(vb, terms) - log_gamma(va + vb, terms);
    let front = (va.scale(x.ln()) + vb.scale(y.ln()) - log_beta).exp() / va;
    let mut c = one;
    let mut d = one / (one - ((va + vb) / (va + one)).scale(x));
    let mut f = d;
    for k in 1..MOST_STEPS {
        let k = k as f64;
        let twice = va + constant(2.0 * k);
        let even = ((vb - constant(k)) / (twice * (twice - one))).scale(k * x);
        d = one / (one + even * d);
        c = one + even / c;
        f = f * c * d;
        let odd =
            -((va + constant(k)) * (va + vb + constant(k)) / (twice * (twice + one))).scale(x);
        d = one / (one + odd * d);
        c = one + odd / c;
        let change = c * d;
        f = f * change;
        if (change - one).size() < 1e-16 {
            break;
        }
    }
    (front * f).0[m].0[n] * factorial(m) * factorial(n)
}

/// The `order`-th derivative of Hurwitz' zeta function in `s`.
pub fn zeta_derivative(order: f64, s: f64, q: f64) -> f64 {
    // Left of -1 the formula loses digits; there the reflection formula is taken.
    if s.is_nan() || q.is_nan() || s == 1.0 || s < -1.0 || q <= 0.0 {
        return f64::NAN;
    }
    if s == f64::INFINITY {
        return if q >= 1.0 { 0.0 } else { f64::NAN };
    }
    match order {
        0.0 => super::zeta(s, q),
        1.0 => zeta_series::<2>(s, q),
        2.0 => zeta_series::<3>(s, q),
        3.0 => zeta_series::<4>(s, q),
        4.0 => zeta_series::<5>(s, q),
        _ => f64::NAN,
    }
}

/// Euler's and Maclaurin's formula.
fn zeta_series<const N: usize>(s: f64, q: f64) -> f64 {
    let v = Jet::<f64, N>::variable(s);
    let power = |base: f64| (-v.scale(base.ln())).exp();
    let (mut at, mut sum) = (q, Jet::constant(0.0));
    while at < 10.0 + s / 2.0 {
        let term = power(at);
        sum = sum + term;
        // Of a large exponent the first terms are all that there is.
        if s > 2.0 && term.0.iter().all(|c| c.abs() <= 1e-20 * sum.0[0]) {
            return sum.0[N - 1] * factorial(N - 1);
        }
        at += 1.0;
    }
    let first = power(at);
    let one = Jet::constant(1.0);
    let mut tail = first.scale(at) / (v - one) + first.scale(0.5);
    let mut factor = first * v.scale(1.0 / at);
    for (k, c) in super::BERNOULLI.iter().enumerate() {
        tail = tail + factor.scale(*c);
        let j = 2.0 * k as f64 + 1.0;
        let next = (v + Jet::constant(j)) * (v + Jet::constant(j + 1.0));
        factor = factor * next.scale(1.0 / (at * at));
    }
    (sum + tail).0[N - 1] * factorial(N - 1)
}
