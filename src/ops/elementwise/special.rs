//! Derivatives of special functions that take more than a line of the table.
//!
//! In: operands and result as [`Term`]s. Out: terms, themselves differentiable: derivatives in a
//! parameter are operations of their own whose first operand is the order, a literal.
//!
//! ```text
//! gammainc(a, x) by a: gammainc_derivative(1, a, x)      by x: x**(a - 1) * exp(-x) / gamma(a)
//! ```
//!
//! Sources: DLMF 8.17, 10.6, 10.29, 15.5, 19.4; Faà di Bruno's formula as a recursion.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use super::Partial::{self, NotDifferentiable};
use super::{Elementwise, Elementwise as E};
use crate::eval::kernels::special::incomplete::ORDERS;
use crate::graph::term::Term;

/// `1 / sqrt(2 pi)`.
pub const FRAC_1_SQRT_TAU: f64 = 0.398_942_280_401_432_7;

const TOO_HIGH: Partial =
    NotDifferentiable("its derivatives in a parameter are known to the fourth order");

pub fn normal_density(x: Term<'_>) -> Term<'_> {
    (-0.5 * (x * x)).exp() * FRAC_1_SQRT_TAU
}

pub fn owens_t_by_h<'s>(x: &[Term<'s>]) -> Term<'s> {
    let (h, a) = (x[0], x[1]);
    let erf = (a * h * FRAC_1_SQRT_2).apply(E::Erf);
    -0.5 * normal_density(h) * erf
}

pub fn owens_t_by_a<'s>(x: &[Term<'s>]) -> Term<'s> {
    let (h, a) = (x[0], x[1]);
    let slope = 1.0 + a * a;
    (-0.5 * (h * h) * slope).exp() / (2.0 * PI * slope)
}

/// By the reflection formula left of zero, where `gamma` has poles.
pub fn rgamma<'s>(x: Term<'s>, out: Term<'s>) -> Term<'s> {
    let right = x.above(0);
    let positive = right.choose(x, 1.0);
    let mirrored = 1.0 - right.choose(0.0, x);
    let angle = PI * x;
    let left =
        mirrored.apply(E::Gamma) * (angle.cos() - mirrored.digamma() * angle.sin() * (1.0 / PI));
    right.choose(-out * positive.digamma(), left)
}

/// Both parameters, `s` and `q`, after the order.
pub fn zeta_derivative<'s>(order: i64, x: &[Term<'s>]) -> Term<'s> {
    let order = x[0].scope().int(order);
    order.apply_with(E::ZetaDerivative, x)
}

/// The derivative of Riemann's zeta function; left of zero that of the reflection formula (DLMF 25.4.1).
pub fn riemann_zeta<'s>(s: Term<'s>) -> Term<'s> {
    let scope = s.scope();
    let left = (-s).above(0);
    let right = left.choose(2.0, s);
    let mirrored = left.choose(1.0 - s, 2.0);
    let one = scope.float(1.0);
    let zeta = mirrored.apply2(E::Zeta, one);
    let angle = 0.5 * PI * s;
    let turning = (2.0 * PI).ln() * angle.sin() + 0.5 * PI * angle.cos();
    let rest = mirrored.digamma() * zeta + zeta_derivative(1, &[mirrored, one]);
    let front = 2.0 * ((2.0 * PI).ln() * (s - 1.0)).exp() * mirrored.apply(E::Gamma);
    let reflected = front * (turning * zeta - angle.sin() * rest);
    left.choose(reflected, zeta_derivative(1, &[right, one]))
}

pub fn zeta_derivative_by_s(x: &[Term<'_>]) -> Partial {
    match next_order(x[0]) {
        Some(order) => zeta_derivative(order, &x[1..]).into(),
        None => TOO_HIGH,
    }
}

/// `-s zeta(s + 1, q)`, differentiated by `s` as a product.
pub fn zeta_derivative_by_q(x: &[Term<'_>]) -> Partial {
    let Some(next) = next_order(x[0]) else {
        return TOO_HIGH;
    };
    let (order, s, q) = (next - 1, x[1], x[2]);
    let higher = |n: i64| zeta_derivative(n, &[s + 1, q]);
    (-s * higher(order) - order * higher(order - 1)).into()
}

/// One more than a literal order, if that has a kernel.
fn next_order(order: Term<'_>) -> Option<i64> {
    let next = order.as_number()? as i64 + 1;
    (next < ORDERS as i64).then_some(next)
}

pub fn gammainc_derivative<'s>(order: i64, x: &[Term<'s>]) -> Term<'s> {
    x[0].scope().int(order).apply_with(E::GammaincDerivative, x)
}

/// The density of the gamma distribution of shape `x[0]` at `x[1]`.
pub fn gamma_density<'s>(x: &[Term<'s>]) -> Term<'s> {
    let (a, x) = (x[0], x[1]);
    ((a - 1).apply2(E::Xlogy, x) - x - a.apply(E::Gammaln)).exp()
}

pub fn gammainc_derivative_by_a(x: &[Term<'_>]) -> Partial {
    match next_order(x[0]) {
        Some(order) => gammainc_derivative(order, &x[1..]).into(),
        None => TOO_HIGH,
    }
}

/// The density's derivative in `a`, of the same order.
pub fn gammainc_derivative_by_x(x: &[Term<'_>]) -> Partial {
    let Some(order) = x[0].as_number() else {
        return TOO_HIGH;
    };
    let (a, at) = (x[1], x[2]);
    let log = at.log();
    // Derivatives of the density's logarithm, of order k >= 1.
    let exponent = |k: usize| match k {
        1 => log - a.digamma(),
        _ => -polygamma(k - 1, a),
    };
    let mut densities = vec![gamma_density(&x[1..])];
    for n in 1..=order as usize {
        let terms = (0..n).map(|i| binomial(n - 1, i) * (densities[i] * exponent(n - i)));
        let Some(sum) = terms.reduce(|a, b| a + b) else {
            return TOO_HIGH;
        };
        densities.push(sum);
    }
    densities[order as usize].into()
}

fn polygamma(order: usize, x: Term<'_>) -> Term<'_> {
    x.scope().int(order as i64).apply2(E::Polygamma, x)
}

fn binomial(n: usize, k: usize) -> i64 {
    (0..k).fold(1, |c, i| c * (n - i) as i64 / (i + 1) as i64)
}

pub fn betainc_derivative<'s>(orders: [i64; 2], x: &[Term<'s>]) -> Term<'s> {
    let scope = x[0].scope();
    let operands = [scope.int(orders[1]), x[0], x[1], x[2]];
    scope
        .int(orders[0])
        .apply_with(E::BetaincDerivative, &operands)
}

/// The density of the beta distribution of parameters `x[0]` and `x[1]` at `x[2]`.
pub fn beta_density<'s>(x: &[Term<'s>]) -> Term<'s> {
    let (a, b, x) = (x[0], x[1], x[2]);
    let log = (a - 1).apply2(E::Xlogy, x) + (b - 1).apply2(E::Xlog1py, -x);
    (log - a.apply2(E::Betaln, b)).exp()
}

pub fn betainc_derivative_by(step: [i64; 2], x: &[Term<'_>]) -> Partial {
    let (Some(m), Some(n)) = (x[0].as_number(), x[1].as_number()) else {
        return TOO_HIGH;
    };
    let orders = [m as i64 + step[0], n as i64 + step[1]];
    if orders.iter().any(|&order| order >= ORDERS as i64) {
        return TOO_HIGH;
    }
    betainc_derivative(orders, &x[2..]).into()
}

/// The density's derivative of the same orders.
pub fn betainc_derivative_by_x(x: &[Term<'_>]) -> Partial {
    let (Some(m), Some(n)) = (x[0].as_number(), x[1].as_number()) else {
        return TOO_HIGH;
    };
    let (m, n) = (m as usize, n as usize);
    let (a, b, at) = (x[2], x[3], x[4]);
    let both = a + b;
    // Derivatives of the density's logarithm.
    let exponent = |i: usize, j: usize| match (i, j) {
        (1, 0) => at.log() - a.digamma() + both.digamma(),
        (0, 1) => (-at).apply(E::Log1p) - b.digamma() + both.digamma(),
        (i, 0) => polygamma(i - 1, both) - polygamma(i - 1, a),
        (0, j) => polygamma(j - 1, both) - polygamma(j - 1, b),
        (i, j) => polygamma(i + j - 1, both),
    };
    // The derivative of order (i, j) is that of `density * exponent`, one order lower in one of them.
    let mut densities = vec![vec![beta_density(&x[2..])]];
    for i in 0..=m {
        for j in 0..=n {
            if i + j == 0 {
                continue;
            }
            let (low_i, low_j) = if i > 0 { (i - 1, j) } else { (0, j - 1) };
            let mut sum: Option<Term<'_>> = None;
            for (p, row) in densities.iter().enumerate().take(low_i + 1) {
                for (q, &density) in row.iter().enumerate().take(low_j + 1) {
                    let count = binomial(low_i, p) * binomial(low_j, q);
                    let term = count * (density * exponent(i - p, j - q));
                    sum = Some(sum.map_or(term, |sum| sum + term));
                }
            }
            let Some(sum) = sum else { return TOO_HIGH };
            if densities.len() == i {
                densities.push(vec![]);
            }
            densities[i].push(sum);
        }
    }
    densities[m][n].into()
}

/// An inverse by a parameter: the level stays where it is.
pub fn betaincinv<'s>(orders: [i64; 2], x: &[Term<'s>], out: Term<'s>) -> Term<'s> {
    let at = [x[0], x[1], out];
    -betainc_derivative(orders, &at) / beta_density(&at)
}

pub fn student_density<'s>(x: &[Term<'s>]) -> Term<'s> {
    let (df, t) = (x[0], x[1]);
    let half = 0.5 * df;
    let scale = half.apply2(E::Betaln, 0.5) + 0.5 * df.log();
    (-scale - (half + 0.5) * (t * t / df).apply(E::Log1p)).exp()
}

/// `expn` by its argument: `-expn(n - 1, x)`, of which order -1 follows from the recurrence (DLMF 8.19.12).
pub fn expn<'s>(x: &[Term<'s>], out: Term<'s>) -> Term<'s> {
    let (n, at) = (x[0], x[1]);
    let zero = n.equals(0);
    let lower = zero.choose(1, n - 1).apply2(E::Expn, at);
    -zero.choose(((-at).exp() + out) / at, lower)
}

/// Through `stdtr(df, t) = 1 - betainc(df/2, 1/2, df/(df + t**2)) / 2` for positive `t`.
pub fn student_by_df<'s>(x: &[Term<'s>]) -> Term<'s> {
    let (df, t) = (x[0], x[1]);
    let (half, square) = (0.5 * df, t * t);
    let at = df / (df + square);
    let by_a = betainc_derivative([1, 0], &[half, x[0].scope().float(0.5), at]);
    // The density in x times dx/ddf has no pole at t = 0: it is t times Student's density over df.
    let by_x = t * student_density(x) / df;
    -0.25 * t.sign() * by_a - 0.5 * by_x
}

pub fn pseudo_huber_by_delta<'s>(x: &[Term<'s>]) -> Term<'s> {
    let (delta, r) = (x[0], x[1]);
    let root = (1.0 + (r / delta) * (r / delta)).sqrt();
    delta * (root - 1.0) * (root - 1.0) / root
}

/// `log(x)**2 exprel'(lambda log(x))`.
pub fn boxcox_by_lambda<'s>(log: Term<'s>, lambda: Term<'s>) -> Term<'s> {
    let slope = log.scope().int(1).apply2(E::ExprelDerivative, lambda * log);
    log * log * slope
}

/// The derivative of `log1p(lambda y) / lambda` in `lambda`.
pub fn inv_boxcox_by_lambda<'s>(x: &[Term<'s>]) -> Term<'s> {
    let (y, lambda) = (x[0], x[1]);
    let zero = lambda.equals(0);
    let safe = zero.choose(1.0, lambda);
    let slope = (y / (1 + safe * y) - (safe * y).apply(E::Log1p) / safe) / safe;
    let u = lambda * y;
    let series = (u * 0.8 - 0.75) * u + 2.0 / 3.0;
    zero.choose(y * y * (u * series - 0.5), slope)
}

/// The derivative of J or Y of a literal order (DLMF 10.6.1).
pub fn cylinder<'s>(op: Elementwise, order: i64, x: Term<'s>) -> Term<'s> {
    let of = |order: i64| x.scope().int(order).apply2(op, x);
    0.5 * (of(order - 1) - of(order + 1))
}

/// The mean of the neighbouring orders, the derivative of I and less that of K (DLMF 10.29.1).
pub fn modified<'s>(op: Elementwise, order: i64, x: Term<'s>) -> Term<'s> {
    let of = |order: i64| x.scope().int(order).apply2(op, x);
    0.5 * (of(order - 1) + of(order + 1))
}

/// `n/x j_n - j_{n+1}`, at zero 1/3 for the first order alone (DLMF 10.51.2).
pub fn spherical<'s>(x: &[Term<'s>]) -> Term<'s> {
    let (n, at) = (x[0], x[1]);
    // What order -1 would be is multiplied by zero.
    let lower = n.equals(0).choose(0, n - 1).apply2(E::SphericalJn, at);
    let higher = (n + 1).apply2(E::SphericalJn, at);
    (n * lower - (n + 1) * higher) / (2 * n + 1)
}

pub fn hyp1f1<'s>(x: &[Term<'s>]) -> Term<'s> {
    let (a, b) = (x[0], x[1]);
    a / b * (a + 1).apply_with(E::Hyp1f1, &[b + 1, x[2]])
}

pub fn hyp2f1<'s>(x: &[Term<'s>]) -> Term<'s> {
    let (a, b, c) = (x[0], x[1], x[2]);
    a * b / c * (a + 1).apply_with(E::Hyp2f1, &[b + 1, c + 1, x[3]])
}

/// `sin(x) / x`.
pub fn sinc(x: Term<'_>) -> Term<'_> {
    x.scope().int(0).apply2(E::SphericalJn, x)
}

/// `sinh(x) / x`, 1 at 0.
pub fn sinhc(x: Term<'_>) -> Term<'_> {
    // exprel(2x) exp(-x), without a hole.
    (2 * x).apply(E::Exprel) * (-x).exp()
}

/// `log(x) / (1 - x)`, at 1 the start of its series, so that it has derivatives.
pub fn spence(x: Term<'_>) -> Term<'_> {
    let one = x.equals(1);
    let u = 1.0 - x;
    let series = (u * 0.25 + 1.0 / 3.0) * u + 0.5;
    one.choose(-(u * series) - 1.0, x.log() / one.choose(1.0, u))
}

/// A hypergeometric function of `m`, which the derivatives of complete elliptic integrals are; the
/// closed formula of `far` loses digits near zero.
fn near_zero<'s>(
    m: Term<'s>,
    [a, b, c]: [f64; 3],
    far: impl FnOnce(Term<'s>) -> Term<'s>,
) -> Term<'s> {
    let scope = m.scope();
    let near = (0.25 - m.abs()).above(0);
    let inside = near.choose(m, 0.0);
    let series = scope
        .float(a)
        .apply_with(E::Hyp2f1, &[scope.float(b), scope.float(c), inside]);
    near.choose(series * (PI / 8.0), far(near.choose(0.5, m)))
}

pub fn ellipk<'s>(m: Term<'s>, out: Term<'s>) -> Term<'s> {
    near_zero(m, [1.5, 1.5, 2.0], |m| {
        (m.apply(E::Ellipe) / (1.0 - m) - out) / (2 * m)
    })
}

pub fn ellipe<'s>(m: Term<'s>, out: Term<'s>) -> Term<'s> {
    -near_zero(m, [0.5, 1.5, 2.0], |m| (m.apply(E::Ellipk) - out) / (2 * m))
}

/// `sqrt(1 - m sin(phi)**2)`.
pub fn elliptic_root<'s>(x: &[Term<'s>]) -> Term<'s> {
    let sin = x[0].sin();
    (1.0 - x[1] * (sin * sin)).sqrt()
}

/// At `m = 0` the integral of `sin**2 / 2`.
pub fn ellipkinc_by_m<'s>(x: &[Term<'s>], out: Term<'s>) -> Term<'s> {
    let (phi, m) = (x[0], x[1]);
    let zero = m.equals(0);
    let safe = zero.choose(0.5, m);
    let second = phi.apply2(E::Ellipeinc, m);
    let sine = (2 * phi).sin();
    let slope = second / (2 * safe * (1.0 - safe))
        - out / (2 * safe)
        - sine / (4 * (1.0 - safe) * elliptic_root(x));
    let [first, second, third] = powers_of_sine(phi);
    let series = 0.5 * first + m * (0.75 * second + m * (0.9375 * third));
    zero.choose(series, slope)
}

/// The integrals of `sin**2`, `sin**4` and `sin**6` from 0: the series of elliptic integrals at 0 is made of them.
fn powers_of_sine<'s>(phi: Term<'s>) -> [Term<'s>; 3] {
    let (sine, cosine) = (phi.sin(), phi.cos());
    let square = sine * sine;
    let mut power = sine * cosine;
    let first = 0.5 * (phi - power);
    power = power * square;
    let second = 0.25 * (3 * first - power);
    power = power * square;
    [first, second, (1.0 / 6.0) * (5 * second - power)]
}

pub fn ellipeinc_by_m<'s>(x: &[Term<'s>], out: Term<'s>) -> Term<'s> {
    let (phi, m) = (x[0], x[1]);
    let zero = m.equals(0);
    let safe = zero.choose(0.5, m);
    let slope = (out - phi.apply2(E::Ellipkinc, m)) / (2 * safe);
    let [first, second, third] = powers_of_sine(phi);
    let series = 0.5 * first + m * (0.25 * second + m * (0.1875 * third));
    zero.choose(-series, slope)
}

/// `logaddexp` by either operand; equal infinities share it.
pub fn share<'s>(this: Term<'s>, other: Term<'s>) -> Term<'s> {
    let plain = (this - other).expit();
    if other
        .as_number()
        .or(this.as_number())
        .is_some_and(f64::is_finite)
    {
        return plain;
    }
    let infinite = this.apply(E::Isinf);
    let same = this.equals(other).apply2(E::LogicalAnd, infinite);
    same.choose(0.5, plain)
}
