//! What the elementary functions are written in: the operations of one vector lane.
//!
//! In: nothing but the trait. Out: types that implement it. An algorithm generic over [`Lane`] is
//! branch-free and touches no memory, so that the same definition is a vectorised loop here (the
//! compiler sees plain float64 arithmetic) and can be instantiated with a type that records
//! instructions.
//!
//! ```
//! use lazy_core::eval::kernels::{elementary, lane::{Lane, Plain}};
//! assert_eq!(elementary::exp(Plain::of(0.0)).get(), 1.0);
//! ```

use std::ops::{Add, BitAnd, BitOr, Div, Mul, Neg, Not, Sub};

/// What the CPU can do.
pub trait Isa {
    type F64: Lane;
    const FUSED: bool;
}

/// Any CPU.
#[derive(Clone, Copy, Debug)]
pub struct Portable;

/// A CPU with fused multiply-add.
#[derive(Clone, Copy, Debug)]
pub struct Fused;

impl Isa for Portable {
    type F64 = Plain;
    const FUSED: bool = false;
}

impl Isa for Fused {
    type F64 = Contracted;
    const FUSED: bool = true;
}

/// A float64 in a vector.
pub trait Lane:
    Copy
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// The result of a comparison.
    type Mask: Copy
        + BitAnd<Output = Self::Mask>
        + BitOr<Output = Self::Mask>
        + Not<Output = Self::Mask>;

    fn of(value: f64) -> Self;
    fn get(self) -> f64;
    /// `self * factor + term`, rounded once or twice.
    fn mul_add(self, factor: Self, term: Self) -> Self;
    /// The product and its rounding error.
    fn product(self, other: Self) -> (Self, Self);
    fn sqrt(self) -> Self;
    fn abs(self) -> Self;
    /// The absolute value with the sign of `sign`.
    fn copysign(self, sign: Self) -> Self;
    fn less(self, other: Self) -> Self::Mask;
    fn equal(self, other: Self) -> Self::Mask;
    fn choose(mask: Self::Mask, yes: Self, no: Self) -> Self;
    /// `2**self` for a whole number in -1023..=1023 (0 at -1023).
    fn exponentiate(self) -> Self;
    /// For a positive normal number: `(m, k)` with `self == m * 2**k` and m in [sqrt(1/2), sqrt(2)).
    fn split(self) -> (Self, Self);

    /// The nearest whole number, halves to even; exact for absolute values below 2**51.
    #[inline(always)]
    fn round(self) -> Self {
        let shift = Self::of(SHIFT);
        (self + shift) - shift
    }

    /// The larger; `self` if that is NaN.
    #[inline(always)]
    fn at_least(self, bound: f64) -> Self {
        Self::choose(self.less(Self::of(bound)), Self::of(bound), self)
    }

    /// The smaller; `self` if that is NaN.
    #[inline(always)]
    fn at_most(self, bound: f64) -> Self {
        Self::choose(Self::of(bound).less(self), Self::of(bound), self)
    }

    /// `c[0] + c[1]*self + ...`.
    #[inline(always)]
    fn polynomial<const N: usize>(self, c: [f64; N]) -> Self {
        let mut sum = Self::of(c[N - 1]);
        for k in (0..N - 1).rev() {
            sum = sum.mul_add(self, Self::of(c[k]));
        }
        sum
    }
}

/// Adding this leaves a whole number in the low bits of the mantissa.
const SHIFT: f64 = 6_755_399_441_055_744.0;
const MANTISSA: u32 = 52;

/// A float64 whose products are rounded before they are added.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct Plain(pub f64);

/// A float64 with fused multiply-add.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct Contracted(pub f64);

macro_rules! operators {
    ($T:ident: $($trait:ident $method:ident),*) => {$(
        impl $trait for $T {
            type Output = $T;
            #[inline(always)]
            fn $method(self, other: $T) -> $T {
                $T(self.0.$method(other.0))
            }
        }
    )*};
}

macro_rules! lanes {
    ($($T:ident: |$a:ident, $b:ident, $c:ident| $mul_add:expr, $product:expr;)*) => {$(
        operators!($T: Add add, Sub sub, Mul mul, Div div);

        impl Neg for $T {
            type Output = $T;
            #[inline(always)]
            fn neg(self) -> $T {
                $T(-self.0)
            }
        }

        impl Lane for $T {
            type Mask = bool;

            #[inline(always)]
            fn of(value: f64) -> $T {
                $T(value)
            }

            #[inline(always)]
            fn get(self) -> f64 {
                self.0
            }

            #[inline(always)]
            fn mul_add(self, factor: $T, term: $T) -> $T {
                let ($a, $b, $c) = (self.0, factor.0, term.0);
                $T($mul_add)
            }

            #[inline(always)]
            fn product(self, other: $T) -> ($T, $T) {
                let ($a, $b) = (self.0, other.0);
                let $c = $a * $b;
                ($T($c), $T($product))
            }

            #[inline(always)]
            fn sqrt(self) -> $T {
                $T(self.0.sqrt())
            }

            #[inline(always)]
            fn abs(self) -> $T {
                $T(self.0.abs())
            }

            #[inline(always)]
            fn copysign(self, sign: $T) -> $T {
                $T(self.0.copysign(sign.0))
            }

            #[inline(always)]
            fn less(self, other: $T) -> bool {
                self.0 < other.0
            }

            #[inline(always)]
            fn equal(self, other: $T) -> bool {
                self.0 == other.0
            }

            #[inline(always)]
            fn choose(mask: bool, yes: $T, no: $T) -> $T {
                if mask { yes } else { no }
            }

            #[inline(always)]
            fn exponentiate(self) -> $T {
                $T(f64::from_bits((self.0 + (SHIFT + 1023.0)).to_bits() << MANTISSA))
            }

            #[inline(always)]
            fn split(self) -> ($T, $T) {
                const ROOT_HALF: u64 = 0x3FE6_A09E_667F_3BCD;
                let bits = self.0.to_bits();
                let above = bits.wrapping_sub(ROOT_HALF);
                let m = bits.wrapping_sub(above & (0xFFF << MANTISSA));
                // The exponent as a float: made positive, shifted down, put under SHIFT's exponent.
                let k = above.wrapping_add(1024 << MANTISSA) >> MANTISSA;
                let k = f64::from_bits(k | SHIFT.to_bits()) - (SHIFT + 1024.0);
                ($T(f64::from_bits(m)), $T(k))
            }
        }
    )*};
}
lanes! {
    Plain: |a, b, c| a * b + c, {
        // Dekker's product: halves of 26 bits multiply exactly.
        let halves = |x: f64| {
            let t = 134_217_729.0 * x;
            let high = t - (t - x);
            (high, x - high)
        };
        let ((ah, al), (bh, bl)) = (halves(a), halves(b));
        al * bl - (((c - ah * bh) - al * bh) - ah * bl)
    };
    Contracted: |a, b, c| a.mul_add(b, c), a.mul_add(b, -c);
}
