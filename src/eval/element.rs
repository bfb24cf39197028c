//! What reductions, products and sorting ask of an element type.
//!
//! In: two elements. Out: one, as NumPy's `add`, `multiply`, `minimum`, `maximum` give it:
//! integers wrap around, NaN wins, complex numbers compare by real part and then imaginary part.
//! `for_dtype!(dtype, T => size_of::<T>())` is the size of an element of `dtype`.

use std::cmp::Ordering;

use num_complex::Complex;

use super::value::Element;

/// Runs an expression with `$T` bound to the Rust type of a dtype.
macro_rules! for_dtype {
    ($dtype:expr, $T:ident => $body:expr) => {{
        use $crate::graph::DType;
        macro_rules! with {
            ($t:ty) => {{
                type $T = $t;
                $body
            }};
        }
        match $dtype {
            DType::Bool => with!(bool),
            DType::I8 => with!(i8),
            DType::I16 => with!(i16),
            DType::I32 => with!(i32),
            DType::I64 => with!(i64),
            DType::U8 => with!(u8),
            DType::U16 => with!(u16),
            DType::U32 => with!(u32),
            DType::U64 => with!(u64),
            DType::F32 => with!(f32),
            DType::F64 => with!(f64),
            DType::C64 => with!(num_complex::Complex32),
            DType::C128 => with!(num_complex::Complex64),
        }
    }};
}
pub(crate) use for_dtype;

/// An element with NumPy's arithmetic.
pub trait Item: Element {
    const ZERO: Self;
    const ONE: Self;
    fn add(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    fn is_nan(self) -> bool;
    /// The order of `np.sort`: NaN last.
    fn order(self, other: Self) -> Ordering;
    /// From an index; the nearest value of the type.
    fn from_index(index: usize) -> Self;

    fn is_nonzero(self) -> bool;

    /// Whether `self` replaces the running minimum `best`: it is smaller, or the first NaN.
    fn below(self, best: Self) -> bool {
        !best.is_nan() && (self.is_nan() || self.order(best) == Ordering::Less)
    }

    /// Whether `self` replaces the running maximum `best`: it is larger, or the first NaN.
    fn above(self, best: Self) -> bool {
        !best.is_nan() && (self.is_nan() || self.order(best) == Ordering::Greater)
    }

    fn minimum(self, other: Self) -> Self {
        if other.below(self) { other } else { self }
    }

    fn maximum(self, other: Self) -> Self {
        if other.above(self) { other } else { self }
    }
}

impl Item for bool {
    const ZERO: bool = false;
    const ONE: bool = true;
    fn add(self, other: bool) -> bool {
        self | other
    }
    fn mul(self, other: bool) -> bool {
        self & other
    }
    fn is_nan(self) -> bool {
        false
    }
    fn order(self, other: bool) -> Ordering {
        self.cmp(&other)
    }
    fn from_index(index: usize) -> bool {
        index != 0
    }
    fn is_nonzero(self) -> bool {
        self
    }
}

macro_rules! integers {
    ($($t:ty),*) => {$(
        impl Item for $t {
            const ZERO: $t = 0;
            const ONE: $t = 1;
            fn add(self, other: $t) -> $t {
                self.wrapping_add(other)
            }
            fn mul(self, other: $t) -> $t {
                self.wrapping_mul(other)
            }
            fn is_nan(self) -> bool {
                false
            }
            fn order(self, other: $t) -> Ordering {
                self.cmp(&other)
            }
            fn from_index(index: usize) -> $t {
                index as $t
            }
            fn is_nonzero(self) -> bool {
                self != 0
            }
            fn minimum(self, other: $t) -> $t {
                self.min(other)
            }
            fn maximum(self, other: $t) -> $t {
                self.max(other)
            }
        }
    )*};
}
integers!(i8, i16, i32, i64, u8, u16, u32, u64);

macro_rules! floats {
    ($($t:ty),*) => {$(
        impl Item for $t {
            const ZERO: $t = 0.0;
            const ONE: $t = 1.0;
            fn add(self, other: $t) -> $t {
                self + other
            }
            fn mul(self, other: $t) -> $t {
                self * other
            }
            fn is_nan(self) -> bool {
                <$t>::is_nan(self)
            }
            fn order(self, other: $t) -> Ordering {
                self.partial_cmp(&other)
                    .unwrap_or_else(|| <$t>::is_nan(self).cmp(&<$t>::is_nan(other)))
            }
            fn from_index(index: usize) -> $t {
                index as $t
            }
            fn is_nonzero(self) -> bool {
                self != 0.0
            }
            // Without the generic order's branches, so that the loops vectorise.
            fn minimum(self, other: $t) -> $t {
                if self <= other || self != self { self } else { other }
            }
            fn maximum(self, other: $t) -> $t {
                if self >= other || self != self { self } else { other }
            }
        }

        impl Item for Complex<$t> {
            const ZERO: Self = Complex::new(0.0, 0.0);
            const ONE: Self = Complex::new(1.0, 0.0);
            fn add(self, other: Self) -> Self {
                self + other
            }
            fn mul(self, other: Self) -> Self {
                self * other
            }
            fn is_nan(self) -> bool {
                self.re.is_nan() || self.im.is_nan()
            }
            fn order(self, other: Self) -> Ordering {
                // NumPy sorts by real part, then imaginary part, after moving any number with a NaN
                // to the end: those with NaN only in the imaginary part first.
                let rank = |z: Self| (z.re.is_nan(), z.im.is_nan());
                rank(self)
                    .cmp(&rank(other))
                    .then(Item::order(self.re, other.re))
                    .then(Item::order(self.im, other.im))
            }
            fn from_index(index: usize) -> Self {
                Complex::new(index as $t, 0.0)
            }
            fn is_nonzero(self) -> bool {
                self.re != 0.0 || self.im != 0.0
            }
        }
    )*};
}
floats!(f32, f64);
