//! Bits, shifts and divisors of integers, and what NumPy's integers do at their limits.
//!
//! In: the loop's dtypes. Out: a kernel. Source: NumPy's `loops.c.src`, `npy_math_internal.h.src`.
//!
//! ```text
//! left_shift(1, 64) == 0    right_shift(-8, 64) == -1    gcd(-12, 18) == 6    bitwise_count(-3) == 2
//! ```

use super::Kernel;
use super::loops::by_dtype;
use crate::graph::DType;

/// What the loops ask of an integer type.
pub trait Integer: Copy {
    /// By squaring, wrapping. Negative exponents are refused before the loop.
    fn power(self, exponent: Self) -> Self;
    fn shift_left(self, by: Self) -> Self;
    fn shift_right(self, by: Self) -> Self;
    fn gcd(self, other: Self) -> Self;
    fn lcm(self, other: Self) -> Self;
    /// C's conversion on x86-64, which NumPy's results show: out of range gives the lowest integer
    /// of 32 or 64 bits, of which the low bits are kept.
    fn from_float(x: f64) -> Self;
}

/// `cvttsd2si`: truncation to 64 bits, the lowest integer if that does not fit.
#[inline(always)]
fn truncate64(x: f64) -> i64 {
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&x) {
        x as i64
    } else {
        i64::MIN
    }
}

/// The same to 32 bits.
#[inline(always)]
fn truncate32(x: f64) -> i32 {
    if x > -2_147_483_649.0 && x < 2_147_483_648.0 {
        x as i32
    } else {
        i32::MIN
    }
}

/// To uint64 as compilers do: above 2**63 by subtracting it first.
#[inline(always)]
fn truncate_unsigned(x: f64) -> u64 {
    const HALF: f64 = 9_223_372_036_854_775_808.0;
    if x >= HALF {
        (truncate64(x - HALF) as u64) ^ (1 << 63)
    } else {
        truncate64(x) as u64
    }
}

macro_rules! integers {
    ($($T:ty, $U:ty, $abs:ident, $x:ident => $from:expr;)*) => {$(
        impl Integer for $T {
            #[inline(always)]
            fn power(self, exponent: $T) -> $T {
                let (mut base, mut left, mut result) = (self, exponent, 1 as $T);
                while left > 0 {
                    if left & 1 == 1 {
                        result = result.wrapping_mul(base);
                    }
                    base = base.wrapping_mul(base);
                    left >>= 1;
                }
                result
            }

            #[inline(always)]
            fn shift_left(self, by: $T) -> $T {
                if (by as $U) < <$T>::BITS as $U { self << by } else { 0 }
            }

            #[inline(always)]
            fn shift_right(self, by: $T) -> $T {
                let last = (<$T>::BITS - 1) as $T;
                if (by as $U) < <$T>::BITS as $U {
                    self >> by
                } else {
                    // The sign for signed types; 0 for unsigned ones.
                    (self >> last) & (0 as $T).wrapping_sub(<$T>::from(<$T>::MIN != 0))
                }
            }

            #[inline(always)]
            fn gcd(self, other: $T) -> $T {
                let (mut a, mut b) = (self.$abs() as $U, other.$abs() as $U);
                while a != 0 {
                    (a, b) = (b % a, a);
                }
                b as $T
            }

            #[inline(always)]
            fn lcm(self, other: $T) -> $T {
                let (a, b) = (self.$abs() as $U, other.$abs() as $U);
                let divisor = self.gcd(other) as $U;
                if divisor == 0 { 0 } else { (a / divisor).wrapping_mul(b) as $T }
            }

            #[inline(always)]
            fn from_float($x: f64) -> $T {
                $from
            }
        }
    )*};
}
integers! {
    i8, u8, unsigned_abs, x => truncate32(x) as i8;
    i16, u16, unsigned_abs, x => truncate32(x) as i16;
    i32, u32, unsigned_abs, x => truncate32(x);
    i64, u64, unsigned_abs, x => truncate64(x);
    u8, u8, clone, x => truncate32(x) as u8;
    u16, u16, clone, x => truncate32(x) as u16;
    u32, u32, clone, x => truncate64(x) as u32;
    u64, u64, clone, x => truncate_unsigned(x);
}

pub fn and(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], { boolean => |a, b| a & b, integer => |a, b| a & b })
}

pub fn or(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], { boolean => |a, b| a | b, integer => |a, b| a | b })
}

pub fn xor(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], { boolean => |a, b| a ^ b, integer => |a, b| a ^ b })
}

pub fn invert(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], { boolean => |a| !a, integer => |a| !a })
}

pub fn left_shift(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], { integer => |a, b| a.shift_left(b) })
}

pub fn right_shift(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], { integer => |a, b| a.shift_right(b) })
}

/// Bits set in the absolute value.
pub fn count(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], {
        signed => (u8) |a| a.unsigned_abs().count_ones() as u8,
        unsigned => (u8) |a| a.count_ones() as u8,
    })
}

pub fn gcd(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], { integer => |a, b| Integer::gcd(a, b) })
}

pub fn lcm(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], { integer => |a, b| Integer::lcm(a, b) })
}
