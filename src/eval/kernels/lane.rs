//! What the elementary functions are written in: the operations of one vector lane.
//!
//! In: nothing but the trait. Out: types that implement it. An algorithm generic over [`Lane`] is
//! branch-free and touches no memory, so that the same definition is a vectorised loop here (of plain
//! float64 arithmetic, which the compiler vectorises, or of vector registers where the instruction set
//! has more than that: see [`super::wide`]) and can be instantiated with a type that records instructions.
//!
//! ```
//! use lazy_core::eval::kernels::{elementary, lane::{Lane, Plain}};
//! assert_eq!(elementary::exp(Plain::of(0.0)).0, 1.0);
//! ```

use std::ops::{Add, BitAnd, BitOr, Div, Mul, Neg, Not, Sub};

/// What the CPU can do.
pub trait Isa {
    type F64: Lane;
    /// As many at once as the registers hold with the intermediates of a function.
    type Many: Lane;
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
    type Many = Plain;
    const FUSED: bool = false;
}

impl Isa for Fused {
    type F64 = Contracted;
    type Many = Contracted;
    const FUSED: bool = true;
}

/// A float64, or a vector of them.
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

    /// How many float64 it is.
    const WIDTH: usize;
    /// The first [`Lane::WIDTH`] elements.
    fn load(from: &[f64]) -> Self;
    fn store(self, to: &mut [f64]);
    fn of(value: f64) -> Self;
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
    /// `self * 2**k` for a whole number in -2040..=2040, rounded once.
    fn scale(self, k: Self) -> Self;
    /// For a positive normal number: `(m, k)` with `self == m * 2**k` and m in [sqrt(1/2), sqrt(2)).
    fn split(self) -> (Self, Self);

    /// The nearest whole number, halves to even; exact for absolute values below 2**51.
    #[inline(always)]
    fn round(self) -> Self {
        let shift = Self::of(SHIFT);
        (self + shift) - shift
    }

    /// `self / divisor` to 1 ULP, for a divisor in 2**-100..2**100.
    #[inline(always)]
    fn quotient(self, divisor: Self) -> Self {
        self / divisor
    }

    /// What a logarithm of `self` is at 0, infinity, NaN and below 0, where `value` is not.
    #[inline(always)]
    fn log_edges(self, value: Self) -> Self {
        let value = Self::choose(self.less(Self::of(f64::INFINITY)), value, self);
        let pole = Self::of(f64::NEG_INFINITY);
        let value = Self::choose(self.equal(Self::of(0.0)), pole, value);
        Self::choose(self.less(Self::of(0.0)), Self::of(f64::NAN), value)
    }

    /// The whole number nearest to `self * factor`, as [`Lane::round`].
    #[inline(always)]
    fn round_product(self, factor: f64) -> Self {
        let shift = Self::of(SHIFT);
        self.mul_add(Self::of(factor), shift) - shift
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
        // Even and odd powers apart: two chains of half the length.
        let square = self * self;
        let mut sums = [Self::of(c[N - 1]), Self::of(c[N - 2])];
        for k in (0..N - 2).rev() {
            let sum = &mut sums[(N - 1 - k) % 2];
            *sum = sum.mul_add(square, Self::of(c[k]));
        }
        sums[N % 2].mul_add(self, sums[(N + 1) % 2])
    }
}

/// Adding this leaves a whole number in the low bits of the mantissa.
pub(super) const SHIFT: f64 = 6_755_399_441_055_744.0;
pub(super) const MANTISSA: u32 = 52;
/// The bits of `sqrt(1/2)`.
pub(super) const ROOT_HALF: u64 = 0x3FE6_A09E_667F_3BCD;

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

            const WIDTH: usize = 1;

            #[inline(always)]
            fn load(from: &[f64]) -> $T {
                $T(from[0])
            }

            #[inline(always)]
            fn store(self, to: &mut [f64]) {
                to[0] = self.0;
            }

            #[inline(always)]
            fn of(value: f64) -> $T {
                $T(value)
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
            fn scale(self, k: $T) -> $T {
                // In two exact steps, so that neither factor leaves the range.
                let power = |k: f64| f64::from_bits((k + (SHIFT + 1023.0)).to_bits() << MANTISSA);
                let half = (k * $T(0.5)).round().0;
                $T((self.0 * power(half)) * power(k.0 - half))
            }

            #[inline(always)]
            fn split(self) -> ($T, $T) {
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
