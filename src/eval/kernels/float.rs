//! Rounding, parts and neighbours of floats.
//!
//! In: the loop's dtypes. Out: a kernel. Source: NumPy's `npy_math`, C99.
//!
//! ```text
//! rint(2.5) == 2.0    frexp(8.0) == (0.5, 4)    heaviside(0, h) == h    spacing(1.0) == 2**-52
//! ```

use super::Kernel;
use super::loops::{by_dtype, map};
use crate::graph::DType;

/// What the loops ask of `f32` and `f64`.
pub trait Float: Copy {
    /// Python's `divmod`: the floor of the quotient, the remainder with the divisor's sign.
    fn divide_and_remainder(self, other: Self) -> (Self, Self);
    /// Mantissa with absolute value in [0.5, 1), and exponent.
    fn frexp(self) -> (Self, i32);
    fn ldexp(self, exponent: i64) -> Self;
    /// The neighbour of `self` towards `other`.
    fn next_after(self, other: Self) -> Self;
    /// Distance to the neighbour away from zero.
    fn spacing(self) -> Self;
}

macro_rules! floats {
    ($($T:ident, $U:ident, $mantissa:expr, $bias:expr;)*) => {$(
        impl Float for $T {
            /// As `npy_divmod`.
            #[inline(always)]
            fn divide_and_remainder(self, other: $T) -> ($T, $T) {
                let (a, b) = (self, other);
                let mut remainder = a % b;
                if b == 0.0 {
                    return (a / b, remainder);
                }
                let mut quotient = (a - remainder) / b;
                if remainder != 0.0 {
                    if (b < 0.0) != (remainder < 0.0) {
                        remainder += b;
                        quotient -= 1.0;
                    }
                } else {
                    remainder = (0.0 as $T).copysign(b);
                }
                let floor = if quotient != 0.0 {
                    let floor = quotient.floor();
                    if quotient - floor > 0.5 { floor + 1.0 } else { floor }
                } else {
                    (0.0 as $T).copysign(a / b)
                };
                (floor, remainder)
            }

            #[inline(always)]
            fn frexp(self) -> ($T, i32) {
                if self == 0.0 || !self.is_finite() {
                    return (self, 0);
                }
                // Denormals are first scaled into the normal range.
                let (x, shift) = if self.abs() < $T::MIN_POSITIVE {
                    (self * ((1u64 << 60) as $T), -60)
                } else {
                    (self, 0)
                };
                let bits = x.to_bits();
                let mask = (1 << (<$U>::BITS - 1 - $mantissa)) - 1;
                let exponent = ((bits >> $mantissa) & mask) as i32 - ($bias - 1);
                let mantissa = (bits & !(mask << $mantissa)) | (($bias - 1) << $mantissa);
                ($T::from_bits(mantissa), exponent + shift)
            }

            #[inline(always)]
            fn ldexp(self, exponent: i64) -> $T {
                // Exact until the last product, which rounds once.
                let power = |e: i64| $T::from_bits(((e + $bias) as $U) << $mantissa);
                let (x, e) = self.frexp();
                if x == 0.0 || !x.is_finite() {
                    return self;
                }
                // x * 2**total with x in [0.5, 1).
                let total = exponent.clamp(-100_000, 100_000) + i64::from(e);
                if total > $bias + 1 {
                    $T::INFINITY.copysign(x)
                } else if total > 1 - $bias {
                    (x * 2.0) * power(total - 1)
                } else if total >= -$bias - $mantissa {
                    // Denormal: the smallest normal number times what is left below 1.
                    (x * power(total + $bias - 1)) * $T::MIN_POSITIVE
                } else {
                    (0.0 as $T).copysign(x)
                }
            }

            #[inline(always)]
            fn next_after(self, other: $T) -> $T {
                if self.is_nan() || other.is_nan() {
                    self + other
                } else if self == other {
                    other
                } else if self == 0.0 {
                    $T::from_bits(1).copysign(other)
                } else if (self < other) == (self > 0.0) {
                    $T::from_bits(self.to_bits() + 1)
                } else {
                    $T::from_bits(self.to_bits() - 1)
                }
            }

            #[inline(always)]
            fn spacing(self) -> $T {
                if self == 0.0 {
                    $T::from_bits(1)
                } else if self.is_finite() {
                    self.next_after($T::INFINITY.copysign(self)) - self
                } else {
                    $T::NAN
                }
            }
        }
    )*};
}
floats! {
    f32, u32, 23, 127;
    f64, u64, 52, 1023;
}

macro_rules! rounding {
    ($($name:ident => $method:ident;)*) => {$(
        /// Integers are whole already.
        pub fn $name(d: &[DType]) -> Option<Kernel> {
            by_dtype!(d[0], { boolean => |a| a, integer => |a| a, float => |a| a.$method() })
        }
    )*};
}
rounding! { floor => floor; ceil => ceil; trunc => trunc; }

/// Halves to even.
pub fn rint(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], {
        float => |a| a.round_ties_even(),
        complex => |a| T::new(a.re.round_ties_even(), a.im.round_ties_even()),
    })
}

pub fn copysign(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], { float => |a, b| a.copysign(b) })
}

pub fn nextafter(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], { float => |a, b| a.next_after(b) })
}

pub fn spacing(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], { float => |a| Float::spacing(a) })
}

pub fn ldexp(d: &[DType]) -> Option<Kernel> {
    match d {
        [DType::F32, DType::I64] => Some(map!(|a: f32, b: i64| -> f32 { a.ldexp(b) })),
        [DType::F64, DType::I64] => Some(map!(|a: f64, b: i64| -> f64 { a.ldexp(b) })),
        _ => None,
    }
}

pub fn frexp_mantissa(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], { float => |a| Float::frexp(a).0 })
}

pub fn frexp_exponent(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], { float => (i32) |a| Float::frexp(a).1 })
}

/// The part after the point, with the sign of the whole.
pub fn modf(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], {
        float => |a| if a.is_infinite() { (0.0 as T).copysign(a) } else { (a - a.trunc()).copysign(a) },
    })
}

pub fn heaviside(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], {
        float => |a, b| if a.is_nan() { a } else if a == 0.0 { b } else if a < 0.0 { 0.0 } else { 1.0 },
    })
}

pub fn signbit(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], { float => (bool) |a| a.is_sign_negative() })
}

macro_rules! classes {
    ($($name:ident: $whole:expr, |$a:ident| $float:expr, $join:tt;)*) => {$(
        /// Of a complex number, from both parts.
        pub fn $name(d: &[DType]) -> Option<Kernel> {
            by_dtype!(d[0], {
                boolean => (bool) |_a| $whole,
                integer => (bool) |_a| $whole,
                float => (bool) |$a| $float,
                complex => (bool) |z| {
                    let re = { let $a = z.re; $float };
                    let im = { let $a = z.im; $float };
                    re $join im
                },
            })
        }
    )*};
}
classes! {
    isnan: false, |a| a.is_nan(), |;
    isinf: false, |a| a.is_infinite(), |;
    isfinite: true, |a| a.is_finite(), &;
}
