//! Bessel functions of real order.
//!
//! In: an order and an argument. Out: J and Y, or I and K scaled by `exp(-x)` and `exp(x)`.
//! Sources: N. M. Temme, *On the numerical evaluation of the modified Bessel function of the third
//! kind*, J. Comput. Phys. 19 (1975), and *of the ordinary Bessel function of the second kind*, 21
//! (1976), for small arguments; Steed's continued fractions (A. R. Barnett, *Comput. Phys. Commun.*
//! 8 (1974)) for larger; Hankel's expansions (DLMF 10.17, 10.40) for arguments that dwarf the order.
//!
//! ```text
//! jv(0.5, 1.0) == 0.6713967071418031    kv(0.5, 1.0) == 0.4610685044478946
//! ```

use std::f64::consts::PI;

use super::polynomial;

const SMALL: f64 = 1e-300;
const MOST_STEPS: usize = 1_000_000;

/// Both functions at an order, as `(J, Y)` or `(I exp(-x), K exp(x))`.
type Pair = (f64, f64);

/// Where Hankel's expansions have converged.
fn is_large(order: f64, x: f64) -> bool {
    x > 25.0f64.max(0.5 * order * order)
}

/// The order's nearest integer and the rest, at most a half.
fn split(order: f64) -> (usize, f64) {
    let whole = (order + 0.5).floor();
    (whole as usize, order - whole)
}

/// Temme's two quotients of gamma functions, and `1/gamma(1 + mu)`, `1/gamma(1 - mu)`, for `|mu| <= 1/2`.
fn temme(mu: f64) -> (f64, f64, f64, f64) {
    // 1/gamma(1 + z) = sum of C[k] z**k (DLMF 5.7.1, shifted).
    const C: [f64; 25] = [
        1.0,
        0.577_215_664_901_532_9,
        -0.655_878_071_520_253_9,
        -0.042_002_635_034_095_24,
        0.166_538_611_382_291_5,
        -0.042_197_734_555_544_34,
        -0.009_621_971_527_876_973,
        0.007_218_943_246_663_1,
        -0.001_165_167_591_859_065_1,
        -0.000_215_241_674_114_950_98,
        0.000_128_050_282_388_116_2,
        -2.013_485_478_078_824e-5,
        -1.250_493_482_142_670_7e-6,
        1.133_027_231_981_696e-6,
        -2.056_338_416_977_607e-7,
        6.116_095_104_481_416e-9,
        5.002_007_644_469_223e-9,
        -1.181_274_570_487_020_2e-9,
        1.043_426_711_691_100_5e-10,
        7.782_263_439_905_071e-12,
        -3.696_805_618_642_206e-12,
        5.100_370_287_454_475e-13,
        -2.058_326_053_566_507e-14,
        -5.348_122_539_423_018e-15,
        1.226_778_628_238_261e-15,
    ];
    let square = mu * mu;
    let every_second = |start: usize| {
        let terms = C[start..].iter().step_by(2);
        terms.rev().fold(0.0, |sum, c| sum * square + c)
    };
    let (even, odd) = (every_second(0), every_second(1));
    // gamma1 = (1/gamma(1 - mu) - 1/gamma(1 + mu)) / (2 mu), gamma2 = their mean.
    (-odd, even, even + mu * odd, even - mu * odd)
}

/// `K_mu(x)` and `K_{mu+1}(x)`, times `exp(x)`.
fn k_pair(mu: f64, x: f64) -> (f64, f64) {
    if x < 2.0 {
        let (gamma1, gamma2, plus, minus) = temme(mu);
        let half = 0.5 * x;
        let log = -half.ln();
        let e = mu * log;
        let angle = PI * mu;
        let ratio = if angle.abs() < 1e-15 {
            1.0
        } else {
            angle / angle.sin()
        };
        let sinhc = if e.abs() < 1e-15 { 1.0 } else { e.sinh() / e };
        let mut f = ratio * (gamma1 * e.cosh() + gamma2 * sinhc * log);
        let power = e.exp();
        let mut p = 0.5 * power / plus;
        let mut q = 0.5 / (power * minus);
        let mut c = 1.0;
        let square = half * half;
        let (mut sum, mut next) = (f, p);
        for k in 1..100 {
            let k = f64::from(k);
            f = (k * f + p + q) / (k * k - mu * mu);
            c *= square / k;
            p /= k - mu;
            q /= k + mu;
            let term = c * f;
            sum += term;
            next += c * (p - k * f);
            if term.abs() < 1e-17 * sum.abs() {
                break;
            }
        }
        return (sum * x.exp(), next * x.exp() * 2.0 / x);
    }
    // Steed's second continued fraction.
    let a1 = 0.25 - mu * mu;
    let mut b = 2.0 * (1.0 + x);
    let mut d = 1.0 / b;
    let (mut h, mut delta) = (d, d);
    let (mut q1, mut q2) = (0.0, 1.0);
    let mut q = a1;
    let mut c = a1;
    let mut a = -a1;
    let mut s = 1.0 + q * delta;
    for i in 2..10_000 {
        a -= 2.0 * f64::from(i - 1);
        c = -a * c / f64::from(i);
        let new = (q1 - b * q2) / a;
        (q1, q2) = (q2, new);
        q += c * new;
        b += 2.0;
        d = 1.0 / (b + a * d);
        delta *= b * d - 1.0;
        h += delta;
        let change = q * delta;
        s += change;
        if (change / s).abs() < 1e-17 {
            break;
        }
    }
    let k = (PI / (2.0 * x)).sqrt() / s;
    (k, k * (mu + x + 0.5 - a1 * h) / x)
}

/// `(I exp(-x), K exp(x))` for `order >= 0` and `x > 0`.
fn modified(order: f64, x: f64) -> Pair {
    if is_large(order, x) {
        return modified_asymptotic(order, x);
    }
    let (steps, mu) = split(order);
    let (mut k, mut k_next) = k_pair(mu, x);
    // The first continued fraction, I_{order+1}/I_order, by the modified Lentz method.
    let mut b = 2.0 * (order + 1.0) / x;
    let mut f = b.max(SMALL);
    let (mut c, mut d) = (f, 0.0);
    for _ in 0..MOST_STEPS {
        b += 2.0 / x;
        d = 1.0 / (b + d);
        c = b + 1.0 / c;
        let change = c * d;
        f *= change;
        if (change - 1.0).abs() < 1e-16 {
            break;
        }
    }
    for i in 0..steps {
        let factor = 2.0 * (mu + i as f64 + 1.0) / x;
        (k, k_next) = (k_next, factor * k_next + k);
    }
    // The Wronskian: I_v K_{v+1} + I_{v+1} K_v = 1/x.
    (1.0 / (x * (k_next + k / f)), k)
}

fn modified_asymptotic(order: f64, x: f64) -> Pair {
    let square = 4.0 * order * order;
    let (mut term, mut i, mut k) = (1.0f64, 1.0, 1.0);
    for n in 1..200 {
        let odd = f64::from(2 * n - 1);
        let next = term * (square - odd * odd) / (8.0 * x * f64::from(n));
        if next.abs() > term.abs() && odd > 2.0 * order {
            break;
        }
        term = next;
        i += if n % 2 == 0 { term } else { -term };
        k += term;
        if term.abs() < 1e-18 {
            break;
        }
    }
    (i / (2.0 * PI * x).sqrt(), k * (PI / (2.0 * x)).sqrt())
}

/// `I exp(-|x|)`.
pub fn ive(order: f64, x: f64) -> f64 {
    if order.is_nan() || x.is_nan() {
        return f64::NAN;
    }
    let whole = order == order.floor();
    if x < 0.0 {
        let sign = if order.rem_euclid(2.0) == 0.0 {
            1.0
        } else {
            -1.0
        };
        return if whole {
            sign * ive(order, -x)
        } else {
            f64::NAN
        };
    }
    if order < 0.0 && whole {
        return ive(-order, x);
    }
    if x == 0.0 {
        return match order {
            0.0 => 1.0,
            v if v > 0.0 => 0.0,
            _ => f64::INFINITY,
        };
    }
    if x.is_infinite() {
        // As Amos' routines have it.
        return f64::NAN;
    }
    let (i, k) = modified(order.abs(), x);
    if order < 0.0 {
        i + 2.0 / PI * sin_pi(-order) * k * (-2.0 * x).exp()
    } else {
        i
    }
}

pub fn iv(order: f64, x: f64) -> f64 {
    let scaled = ive(order, x);
    // In two factors: the exponential alone may overflow.
    let half = (0.5 * x.abs()).exp();
    scaled * half * half
}

/// `K exp(x)`.
pub fn kve(order: f64, x: f64) -> f64 {
    if order.is_nan() || x.is_nan() || x < 0.0 {
        f64::NAN
    } else if x == 0.0 {
        f64::INFINITY
    } else if x.is_infinite() {
        f64::NAN
    } else {
        modified(order.abs(), x).1
    }
}

pub fn kv(order: f64, x: f64) -> f64 {
    let half = (-0.5 * x).exp();
    if half == 0.0 {
        0.0
    } else {
        kve(order, x) * half * half
    }
}

/// `J_mu`, `Y_mu`, `Y_{mu+1}` and `J'_mu` by the first continued fraction's value at `mu`.
fn ordinary(order: f64, x: f64) -> Pair {
    if is_large(order, x) {
        return ordinary_asymptotic(order, x);
    }
    // Below the turning point the order is brought to a half, above it near the argument.
    let steps = if x < 2.0 {
        (order + 0.5).floor()
    } else {
        (order - x + 1.5).floor().max(0.0)
    };
    let mu = order - steps;
    let steps = steps as usize;
    // The first continued fraction: J'/J at the order, and the sign of J.
    let mut sign = 1.0f64;
    let mut f = (order / x).max(SMALL);
    let mut b = 2.0 * order / x;
    let (mut c, mut d) = (f, 0.0);
    for _ in 0..MOST_STEPS {
        b += 2.0 / x;
        d = b - d;
        if d.abs() < SMALL {
            d = SMALL;
        }
        c = b - 1.0 / c;
        if c.abs() < SMALL {
            c = SMALL;
        }
        d = 1.0 / d;
        let change = c * d;
        f *= change;
        if d < 0.0 {
            sign = -sign;
        }
        if (change - 1.0).abs() < 1e-16 {
            break;
        }
    }
    let (mut first, mut j) = (sign * SMALL, sign * SMALL);
    let mut slope = f * j;
    let mut order_now = order / x;
    for _ in 0..steps {
        let lower = order_now * j + slope;
        order_now -= 1.0 / x;
        slope = order_now * lower - j;
        j = lower;
        if j.abs() > 1e250 {
            (j, slope, first) = (j * 1e-250, slope * 1e-250, first * 1e-250);
        }
    }
    if j == 0.0 {
        j = 1e-16 * SMALL;
    }
    let ratio = slope / j;
    let (j_mu, mut y, mut y_next) = if x < 2.0 {
        let (y, y_next) = y_pair(mu, x);
        let y_slope = mu / x * y - y_next;
        // The Wronskian is 2 / (pi x).
        (2.0 / (PI * x) / (y_slope - ratio * y), y, y_next)
    } else {
        let (p, q) = steed(mu, x);
        let gamma = (p - ratio) / q;
        let j_mu = (2.0 / (PI * x) / ((p - ratio) * gamma + q))
            .sqrt()
            .copysign(j);
        let y = j_mu * gamma;
        let y_slope = y * (p + q / gamma);
        let y = if gamma == 0.0 { 0.0 } else { y };
        let y_slope = if gamma == 0.0 { j_mu * q } else { y_slope };
        (j_mu, y, mu / x * y - y_slope)
    };
    for i in 0..steps {
        let factor = 2.0 * (mu + i as f64 + 1.0) / x;
        (y, y_next) = (y_next, factor * y_next - y);
    }
    (first * (j_mu / j), y)
}

/// `Y_mu` and `Y_{mu+1}` for `x < 2` by Temme's series.
fn y_pair(mu: f64, x: f64) -> (f64, f64) {
    let (gamma1, gamma2, plus, minus) = temme(mu);
    let half = 0.5 * x;
    let log = -half.ln();
    let e = mu * log;
    let angle = PI * mu;
    let ratio = if angle.abs() < 1e-15 {
        1.0
    } else {
        angle / angle.sin()
    };
    let sinhc = if e.abs() < 1e-15 { 1.0 } else { e.sinh() / e };
    let mut f = 2.0 / PI * ratio * (gamma1 * e.cosh() + gamma2 * sinhc * log);
    let power = e.exp();
    let mut p = power / (plus * PI);
    let mut q = 1.0 / (power * PI * minus);
    let half_angle = 0.5 * angle;
    let sinc = if half_angle.abs() < 1e-15 {
        1.0
    } else {
        half_angle.sin() / half_angle
    };
    let r = PI * half_angle * sinc * sinc;
    let mut c = 1.0;
    let square = -half * half;
    let (mut sum, mut next) = (f + r * q, p);
    for k in 1..100 {
        let k = f64::from(k);
        f = (k * f + p + q) / (k * k - mu * mu);
        c *= square / k;
        p /= k - mu;
        q /= k + mu;
        let term = c * (f + r * q);
        sum += term;
        next += c * p - k * term;
        if term.abs() < 1e-17 * (1.0 + sum.abs()) {
            break;
        }
    }
    (-sum, -next * 2.0 / x)
}

/// Steed's second continued fraction `p + iq`, for `x >= 2`.
fn steed(mu: f64, x: f64) -> (f64, f64) {
    use num_complex::Complex64;
    let i = Complex64::I;
    let mut a = 0.25 - mu * mu;
    let mut b = Complex64::new(2.0 * x, 2.0);
    // Lentz's method after its first step.
    let mut d = b.inv();
    let mut f = a * d;
    let mut c = b + a / SMALL;
    for k in 1..MOST_STEPS {
        a += 2.0 * k as f64;
        b += Complex64::new(0.0, 2.0);
        d = (b + a * d).inv();
        c = b + a / c;
        let change = c * d;
        f *= change;
        if (change - 1.0).norm() < 1e-16 || f == Complex64::ZERO {
            break;
        }
    }
    // p + iq = -1/(2x) + i + (i/x) f.
    let value = Complex64::new(-0.5 / x, 1.0) + i / x * f;
    (value.re, value.im)
}

fn ordinary_asymptotic(order: f64, x: f64) -> Pair {
    let square = 4.0 * order * order;
    let (mut term, mut p, mut q) = (1.0f64, 1.0, 0.0);
    for n in 1..200u32 {
        let odd = f64::from(2 * n - 1);
        let next = term * (square - odd * odd) / (8.0 * x * f64::from(n));
        if next.abs() > term.abs() && odd > 2.0 * order {
            break;
        }
        term = next;
        match n % 4 {
            0 => p += term,
            1 => q += term,
            2 => p -= term,
            _ => q -= term,
        }
        if term.abs() < 1e-18 {
            break;
        }
    }
    let (sin_x, cos_x) = (libm::sin(x), libm::cos(x));
    let phase = 0.5 * order + 0.25;
    let (s, c) = (sin_pi(phase), sin_pi(phase + 0.5));
    let (sin, cos) = (sin_x * c - cos_x * s, cos_x * c + sin_x * s);
    let scale = (2.0 / (PI * x)).sqrt();
    (scale * (p * cos - q * sin), scale * (p * sin + q * cos))
}

/// `sin(pi x)`, exact at multiples of a half.
pub fn sin_pi(x: f64) -> f64 {
    let r = x.rem_euclid(2.0);
    match r {
        r if r <= 0.5 => (PI * r).sin(),
        r if r <= 1.5 => (PI * (1.0 - r)).sin(),
        r => (PI * (r - 2.0)).sin(),
    }
}

fn cos_pi(x: f64) -> f64 {
    let r = x.abs() % 2.0;
    if r == 0.5 || r == 1.5 {
        0.0
    } else {
        (PI * r).cos()
    }
}

pub fn jv(order: f64, x: f64) -> f64 {
    if order.is_nan() || x.is_nan() {
        return f64::NAN;
    }
    let whole = order == order.floor();
    let parity = if order.rem_euclid(2.0) == 0.0 {
        1.0
    } else {
        -1.0
    };
    if whole && order < 0.0 {
        return parity * jv(-order, x);
    }
    if x < 0.0 {
        return if whole {
            parity * jv(order, -x)
        } else {
            f64::NAN
        };
    }
    if x == 0.0 {
        return match order {
            0.0 => 1.0,
            v if v > 0.0 => 0.0,
            v => f64::INFINITY.copysign(super::gamma(v + 1.0)),
        };
    }
    if x.is_infinite() {
        return f64::NAN;
    }
    let (j, y) = ordinary(order.abs(), x);
    if order < 0.0 {
        cos_pi(order) * j - sin_pi(-order) * y
    } else {
        j
    }
}

pub fn yv(order: f64, x: f64) -> f64 {
    if order.is_nan() || x.is_nan() || x < 0.0 {
        return f64::NAN;
    }
    if x == 0.0 {
        return f64::NEG_INFINITY;
    }
    if x.is_infinite() {
        return f64::NAN;
    }
    let (j, y) = ordinary(order.abs(), x);
    if order < 0.0 {
        sin_pi(-order) * j + cos_pi(order) * y
    } else {
        y
    }
}

/// The spherical function `sqrt(pi / 2x) J_{n+1/2}(x)`, finite at zero.
pub fn spherical_jn(n: f64, x: f64) -> f64 {
    if n < 0.0 || n != n.floor() {
        return f64::NAN;
    }
    if x.abs() < 0.5 {
        // Its power series (DLMF 10.53.1).
        let z = -0.5 * x * x;
        let terms: Vec<f64> = (0..12)
            .scan(1.0, |term, k| {
                let now = *term;
                *term /= f64::from(k + 1) * (2.0 * (n + f64::from(k)) + 3.0);
                Some(now)
            })
            .collect();
        let front = (0..n as usize).fold(1.0, |f, k| f * x / (2.0 * k as f64 + 3.0));
        return front * polynomial(z, &terms);
    }
    let sign = if x < 0.0 && n % 2.0 == 1.0 { -1.0 } else { 1.0 };
    sign * (0.5 * PI / x.abs()).sqrt() * jv(n + 0.5, x.abs())
}
