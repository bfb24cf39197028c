//! Arithmetic on every dtype: what `+ - * / // % **` and their relatives do to elements.
//!
//! In: the loop's dtypes. Out: a kernel. Source: NumPy's `loops.c.src`, `npy_math` (`npy_divmod`).
//!
//! ```text
//! floor_divide(-7, 2) == -4    remainder(-7, 2) == 1    floor_divide(1, 0) == 0    int8: 100 + 100 == -56
//! ```

use num_complex::Complex;

use super::Kernel;
use super::complex::Part;
use super::float::Float;
use super::integer::Integer;
use super::loops::{by_dtype, map};
use crate::graph::DType;

pub fn add(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], {
        boolean => |a, b| a | b,
        integer => |a, b| a.wrapping_add(b),
        float => |a, b| a + b,
        complex => |a, b| a + b,
    })
}

pub fn subtract(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], {
        integer => |a, b| a.wrapping_sub(b),
        float => |a, b| a - b,
        complex => |a, b| a - b,
    })
}

pub fn multiply(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], {
        boolean => |a, b| a & b,
        integer => |a, b| a.wrapping_mul(b),
        float => |a, b| a * b,
        complex => |a, b| Part::multiply::<L>(a, b),
    })
}

pub fn divide(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], { float => |a, b| a / b, complex => |a, b| Part::divide(a, b) })
}

pub fn floor_divide(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], {
        signed => |a, b| if b == 0 { 0 } else { let q = a.wrapping_div(b); q.wrapping_sub(T::from(a.wrapping_rem(b) != 0 && (a < 0) != (b < 0))) },
        unsigned => |a, b| a.checked_div(b).unwrap_or(0),
        float => |a, b| a.divide_and_remainder(b).0,
    })
}

pub fn remainder(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], {
        signed => |a, b| if b == 0 { 0 } else { let r = a.wrapping_rem(b); if r != 0 && (r < 0) != (b < 0) { r.wrapping_add(b) } else { r } },
        unsigned => |a, b| if b == 0 { 0 } else { a % b },
        float => |a, b| a.divide_and_remainder(b).1,
    })
}

/// The remainder with the dividend's sign.
pub fn fmod(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], {
        integer => |a, b| if b == 0 { 0 } else { a.wrapping_rem(b) },
        float => |a, b| a % b,
    })
}

pub fn power(d: &[DType]) -> Option<Kernel> {
    if d[0].is_inexact() {
        return super::functions::power(d);
    }
    by_dtype!(d[0], { integer => |a, b| Integer::power(a, b) })
}

pub fn negative(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], { integer => |a| a.wrapping_neg(), float => |a| -a, complex => |a| -a })
}

/// The same number.
pub fn identity(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], {
        boolean => |a| a,
        integer => |a| a,
        float => |a| a,
        complex => |a| a,
    })
}

pub fn absolute(d: &[DType]) -> Option<Kernel> {
    if d[0] == DType::C64 {
        return Some(map!(|a: Complex<f32>| -> f32 { Part::size(a) }));
    }
    if d[0] == DType::C128 {
        return Some(map!(|a: Complex<f64>| -> f64 { Part::size(a) }));
    }
    by_dtype!(d[0], {
        boolean => |a| a,
        signed => |a| a.wrapping_abs(),
        unsigned => |a| a,
        float => |a| a.abs(),
    })
}

pub fn square(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], {
        integer => |a| a.wrapping_mul(a),
        float => |a| a * a,
        complex => |a| Part::multiply::<L>(a, a),
    })
}

pub fn reciprocal(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], {
        integer => |a| Integer::from_float(1.0 / a as f64),
        float => |a| 1.0 / a,
        complex => |a| Part::reciprocal(a),
    })
}

pub fn sign(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], {
        signed => |a| a.signum(),
        unsigned => |a| T::from(a != 0),
        float => |a| if a > 0.0 { 1.0 } else if a < 0.0 { -1.0 } else if a == 0.0 { 0.0 } else { a },
        complex => |a| Part::sign(a),
    })
}

pub fn conjugate(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], { integer => |a| a, float => |a| a, complex => |a| a.conj() })
}

pub fn real(d: &[DType]) -> Option<Kernel> {
    match d[0] {
        DType::C64 => Some(map!(|a: Complex<f32>| -> f32 { a.re })),
        DType::C128 => Some(map!(|a: Complex<f64>| -> f64 { a.re })),
        _ => identity(d),
    }
}

pub fn imag(d: &[DType]) -> Option<Kernel> {
    match d[0] {
        DType::C64 => return Some(map!(|a: Complex<f32>| -> f32 { a.im })),
        DType::C128 => return Some(map!(|a: Complex<f64>| -> f64 { a.im })),
        _ => {}
    }
    by_dtype!(d[0], { boolean => |_a| false, integer => |_a| 0, float => |_a| 0.0 })
}

/// `re + 1j*im`, exactly.
pub fn make_complex(d: &[DType]) -> Option<Kernel> {
    match d[0] {
        DType::F32 => Some(map!(|a: f32, b: f32| -> Complex<f32> {
            Complex::new(a, b)
        })),
        DType::F64 => Some(map!(|a: f64, b: f64| -> Complex<f64> {
            Complex::new(a, b)
        })),
        _ => None,
    }
}
