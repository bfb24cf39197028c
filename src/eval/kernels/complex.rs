//! Complex arithmetic and functions with NumPy's conventions.
//!
//! In: complex numbers. Out: the principal values, continuous from the side that the sign of a zero
//! part names. Sources: NumPy's `loops.c.src` and `funcs.inc.src` (division, power); W. Kahan,
//! *Branch cuts for complex elementary functions, or much ado about nothing's sign bit*.
//!
//! ```text
//! sqrt(-1+0j) == 1j    sqrt(-1-0j) == -1j    log(-1+0j) == pi*1j
//! ```

use num_complex::Complex;

use super::lane::Isa;

/// Arithmetic in the precision of the parts, operation by operation as NumPy's.
pub trait Part: Copy {
    /// The product; with one rounding less where the CPU fuses, as NumPy's vector loops.
    fn multiply<L: Isa>(a: Complex<Self>, b: Complex<Self>) -> Complex<Self>;
    fn divide(a: Complex<Self>, b: Complex<Self>) -> Complex<Self>;
    fn reciprocal(a: Complex<Self>) -> Complex<Self>;
    /// `|z|`: the root of the sum of squares, where that neither overflows nor loses bits.
    fn size(a: Complex<Self>) -> Self;
    /// `z / |z|`, 0 at 0.
    fn sign(a: Complex<Self>) -> Complex<Self>;
}

macro_rules! parts {
    ($($F:ty),*) => {$(
        impl Part for $F {
            #[inline(always)]
            fn multiply<L: Isa>(a: Complex<$F>, b: Complex<$F>) -> Complex<$F> {
                if L::FUSED {
                    Complex::new(
                        a.re.mul_add(b.re, -(a.im * b.im)),
                        a.re.mul_add(b.im, a.im * b.re),
                    )
                } else {
                    Complex::new(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re)
                }
            }

            /// Smith's method.
            #[inline(always)]
            fn divide(a: Complex<$F>, b: Complex<$F>) -> Complex<$F> {
                if b.re.abs() >= b.im.abs() {
                    if b.re == 0.0 && b.im == 0.0 {
                        return Complex::new(a.re / b.re.abs(), a.im / b.re.abs());
                    }
                    let ratio = b.im / b.re;
                    let scale = 1.0 / (b.re + b.im * ratio);
                    Complex::new((a.re + a.im * ratio) * scale, (a.im - a.re * ratio) * scale)
                } else {
                    let ratio = b.re / b.im;
                    let scale = 1.0 / (b.im + b.re * ratio);
                    Complex::new((a.re * ratio + a.im) * scale, (a.im * ratio - a.re) * scale)
                }
            }

            #[inline(always)]
            fn reciprocal(a: Complex<$F>) -> Complex<$F> {
                if a.im.abs() <= a.re.abs() {
                    let ratio = a.im / a.re;
                    let scale = a.re + a.im * ratio;
                    Complex::new(1.0 / scale, -ratio / scale)
                } else {
                    let ratio = a.re / a.im;
                    let scale = a.re * ratio + a.im;
                    Complex::new(ratio / scale, -1.0 / scale)
                }
            }

            #[inline(always)]
            fn size(a: Complex<$F>) -> $F {
                // Below, the smaller square may be denormal, and the bits that it lacks be seen.
                const LOW: $F = <$F>::MIN_POSITIVE / (<$F>::EPSILON * <$F>::EPSILON);
                let sum = a.re * a.re + a.im * a.im;
                match (LOW..<$F>::INFINITY).contains(&sum) {
                    true => sum.sqrt(),
                    false => a.re.hypot(a.im),
                }
            }

            #[inline(always)]
            fn sign(a: Complex<$F>) -> Complex<$F> {
                let size = Part::size(a);
                if size == 0.0 {
                    Complex::new(0.0, 0.0)
                } else if size.is_infinite() {
                    match (a.re.is_infinite(), a.im.is_infinite()) {
                        (true, true) => Complex::new(<$F>::NAN, <$F>::NAN),
                        (true, false) => Complex::new((1.0 as $F).copysign(a.re), 0.0),
                        (false, _) => Complex::new(0.0, (1.0 as $F).copysign(a.im)),
                    }
                } else {
                    Complex::new(a.re / size, a.im / size)
                }
            }
        }
    )*};
}
parts!(f32, f64);

type Z = Complex<f64>;

/// `i z`.
fn times_i(z: Z) -> Z {
    Z::new(-z.im, z.re)
}

/// `-i z`.
fn over_i(z: Z) -> Z {
    Z::new(z.im, -z.re)
}

fn multiply(a: Z, b: Z) -> Z {
    Z::new(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re)
}

pub fn sqrt(z: Z) -> Z {
    let (x, y) = (z.re, z.im);
    if x == 0.0 && y == 0.0 {
        return Z::new(0.0, y);
    }
    if y.is_infinite() {
        return Z::new(f64::INFINITY, y);
    }
    if x == f64::INFINITY {
        let im = if y.is_nan() { y } else { 0f64.copysign(y) };
        return Z::new(x, im);
    }
    if x == f64::NEG_INFINITY {
        let re = if y.is_nan() { y } else { 0.0 };
        return Z::new(re, f64::INFINITY.copysign(y));
    }
    // Scaled, so that the sum below neither overflows nor loses denormals.
    let size = x.abs().max(y.abs());
    let (factor, back) = if size > 1e300 {
        (0.0625, 4.0)
    } else if size < 1e-290 {
        (2f64.powi(200), 2f64.powi(-100))
    } else {
        (1.0, 1.0)
    };
    let (x, y) = (x * factor, y * factor);
    let t = ((x.abs() + x.hypot(y)) * 0.5).sqrt();
    if x >= 0.0 {
        Z::new(t * back, y / (2.0 * t) * back)
    } else {
        Z::new(y.abs() / (2.0 * t) * back, t.copysign(y) * back)
    }
}

pub fn exp(z: Z) -> Z {
    let (x, y) = (z.re, z.im);
    if y == 0.0 {
        return Z::new(x.exp(), y);
    }
    if !y.is_finite() {
        return match x {
            f64::NEG_INFINITY => Z::new(0.0, 0.0),
            f64::INFINITY => Z::new(x, f64::NAN),
            _ => Z::new(f64::NAN, f64::NAN),
        };
    }
    let (sin, cos) = y.sin_cos();
    if x > 709.0 && x.is_finite() {
        // In two steps: a small cosine may bring an overflow back.
        let half = (x / 2.0).exp();
        return Z::new(half * cos * half, half * sin * half);
    }
    let size = x.exp();
    Z::new(size * cos, size * sin)
}

pub fn expm1(z: Z) -> Z {
    let half = (z.im / 2.0).sin();
    Z::new(
        z.re.exp_m1() * z.im.cos() - 2.0 * half * half,
        z.re.exp() * z.im.sin(),
    )
}

/// `log |z|` without cancellation near the unit circle.
fn log_size(x: f64, y: f64) -> f64 {
    let (large, small) = if x.abs() >= y.abs() {
        (x.abs(), y.abs())
    } else {
        (y.abs(), x.abs())
    };
    if (0.5..=2.0).contains(&large) {
        0.5 * ((large - 1.0) * (large + 1.0) + small * small).ln_1p()
    } else if (1e-150..1e150).contains(&large) || !large.is_finite() {
        x.hypot(y).ln()
    } else {
        // Neither the square nor the size may leave the range.
        large.ln() + 0.5 * ((small / large) * (small / large)).ln_1p()
    }
}

pub fn log(z: Z) -> Z {
    if z.re == 0.0 && z.im == 0.0 {
        return Z::new(f64::NEG_INFINITY, z.im.atan2(z.re));
    }
    Z::new(log_size(z.re, z.im), z.im.atan2(z.re))
}

pub fn log1p(z: Z) -> Z {
    let (x, y) = (z.re, z.im);
    let re = if x.abs() < 0.5 && y.abs() < 0.5 {
        0.5 * (x * (2.0 + x) + y * y).ln_1p()
    } else {
        log_size(1.0 + x, y)
    };
    Z::new(re, y.atan2(1.0 + x))
}

/// As NumPy: small whole exponents by multiplication, others by `exp(b log a)`.
pub fn power(a: Z, b: Z) -> Z {
    const ONE: Z = Z::new(1.0, 0.0);
    if b.re == 0.0 && b.im == 0.0 {
        return ONE;
    }
    if a.re == 0.0 && a.im == 0.0 {
        return if b.re > 0.0 && b.im == 0.0 {
            Z::ZERO
        } else {
            Z::new(f64::NAN, f64::NAN)
        };
    }
    if b.im == 0.0 && b.re == b.re.trunc() && b.re.abs() < 100.0 {
        let mut n = b.re.abs() as u32;
        let (mut base, mut result) = (a, None);
        while n > 0 {
            if n & 1 == 1 {
                result = Some(result.map_or(base, |r| multiply(r, base)));
            }
            base = multiply(base, base);
            n >>= 1;
        }
        let result = result.unwrap_or(ONE);
        return if b.re < 0.0 {
            Part::divide(ONE, result)
        } else {
            result
        };
    }
    exp(multiply(b, log(a)))
}

pub fn sinh(z: Z) -> Z {
    let (sin, cos) = z.im.sin_cos();
    if z.im == 0.0 {
        return Z::new(z.re.sinh(), z.im);
    }
    if z.re == 0.0 {
        return Z::new(if cos.is_nan() { z.re } else { z.re * cos }, sin);
    }
    Z::new(z.re.sinh() * cos, z.re.cosh() * sin)
}

pub fn cosh(z: Z) -> Z {
    let (sin, cos) = z.im.sin_cos();
    if z.im == 0.0 {
        return Z::new(z.re.cosh(), z.im * 1f64.copysign(z.re));
    }
    if z.re == 0.0 {
        return Z::new(cos, if sin.is_nan() { z.re } else { z.re * sin });
    }
    Z::new(z.re.cosh() * cos, z.re.sinh() * sin)
}

/// Kahan's form, which does not cancel.
pub fn tanh(z: Z) -> Z {
    if z.im == 0.0 {
        return Z::new(z.re.tanh(), z.im);
    }
    if z.re.abs() > 22.0 {
        let decay = (-2.0 * z.re.abs()).exp();
        let im = if z.im.is_finite() {
            4.0 * z.im.sin() * z.im.cos() * decay
        } else {
            0f64.copysign(z.im)
        };
        return Z::new(1f64.copysign(z.re), im);
    }
    let t = z.im.tan();
    let beta = 1.0 + t * t;
    let s = z.re.sinh();
    let rho = (1.0 + s * s).sqrt();
    if t.is_infinite() {
        return Z::new(rho / s, 1.0 / t);
    }
    let d = 1.0 + beta * s * s;
    Z::new(beta * rho * s / d, t / d)
}

pub fn sin(z: Z) -> Z {
    over_i(sinh(times_i(z)))
}

pub fn cos(z: Z) -> Z {
    cosh(times_i(z))
}

pub fn tan(z: Z) -> Z {
    over_i(tanh(times_i(z)))
}

/// The square roots of 1-z and 1+z, which keep the sign of a zero imaginary part.
fn roots(z: Z) -> (Z, Z) {
    (
        sqrt(Z::new(1.0 - z.re, -z.im)),
        sqrt(Z::new(1.0 + z.re, z.im)),
    )
}

/// Too large for the roots' product: there the inverse functions are logarithms.
fn is_large(z: Z) -> bool {
    z.re.abs() > 1e140 || z.im.abs() > 1e140
}

pub fn asin(z: Z) -> Z {
    if is_large(z) {
        let size = log_size(z.re, z.im) + std::f64::consts::LN_2;
        return Z::new(z.re.atan2(z.im.abs()), size.copysign(z.im));
    }
    let (below, above) = roots(z);
    Z::new(
        z.re.atan2(multiply(below, above).re),
        asinh_real(multiply(below.conj(), above).im),
    )
}

pub fn acos(z: Z) -> Z {
    if is_large(z) {
        let size = log_size(z.re, z.im) + std::f64::consts::LN_2;
        return Z::new(z.im.abs().atan2(z.re), -size.copysign(z.im));
    }
    let (below, above) = roots(z);
    Z::new(
        2.0 * below.re.atan2(above.re),
        asinh_real(multiply(above.conj(), below).im),
    )
}

/// The inverse hyperbolic sine of a real number.
fn asinh_real(x: f64) -> f64 {
    super::elementary::asinh(super::lane::Plain(x)).0
}

pub fn asinh(z: Z) -> Z {
    over_i(asin(times_i(z)))
}

pub fn acosh(z: Z) -> Z {
    let w = acos(z);
    // i acos(z), on the side with a real part that is not negative.
    if w.im <= 0.0 && !(w.im == 0.0 && w.im.is_sign_positive()) {
        Z::new(-w.im, w.re)
    } else {
        Z::new(w.im, -w.re)
    }
}

pub fn atanh(z: Z) -> Z {
    let (x, y) = (z.re.abs(), z.im);
    let (re, im) = if x > 1e100 || y.abs() > 1e100 {
        let size = x.max(y.abs());
        let (a, b) = (x / size, y / size);
        let re = if size.is_infinite() {
            0.0
        } else {
            a / (a * a + b * b) / size
        };
        let im = if y.is_nan() {
            y
        } else {
            std::f64::consts::FRAC_PI_2.copysign(y)
        };
        (re, im)
    } else {
        let below = 1.0 - x;
        let distance = below * below + y * y;
        let re = 0.25 * (4.0 * x / distance).ln_1p();
        (re, 0.5 * (2.0 * y).atan2(below * (1.0 + x) - y * y))
    };
    if z.re.is_sign_negative() {
        // Odd: the reflection keeps the imaginary part.
        Z::new(-re, im)
    } else {
        Z::new(re, im)
    }
}

pub fn atan(z: Z) -> Z {
    over_i(atanh(times_i(z)))
}

pub fn xlogy(x: Z, y: Z) -> Z {
    if x == Z::ZERO && !y.is_nan() {
        Z::ZERO
    } else {
        multiply(x, log(y))
    }
}

pub fn xlog1py(x: Z, y: Z) -> Z {
    if x == Z::ZERO && !y.is_nan() {
        Z::ZERO
    } else {
        multiply(x, log1p(y))
    }
}
