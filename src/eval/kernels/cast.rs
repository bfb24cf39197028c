//! `astype`: every dtype to every other.
//!
//! In: two dtypes. Out: a kernel. Complex to real drops the imaginary part; floats out of an integer's
//! range give what NumPy gives on x86-64 (see [`Integer::from_float`]).
//!
//! ```text
//! int8 <- 300.7: 44    bool <- nan: True    uint8 <- -1.0: 255
//! ```

use std::marker::PhantomData;

use num_complex::Complex;

use super::Kernel;
use super::integer::Integer;
use super::lane::Isa;
use super::loops::{Map1, kernel1};
use crate::graph::DType;

use DType::*;

/// The loop that converts elements as `astype` does.
pub fn cast(from: DType, to: DType) -> Kernel {
    match from {
        Bool => cast_from::<bool>(to),
        I8 => cast_from::<i8>(to),
        I16 => cast_from::<i16>(to),
        I32 => cast_from::<i32>(to),
        I64 => cast_from::<i64>(to),
        U8 => cast_from::<u8>(to),
        U16 => cast_from::<u16>(to),
        U32 => cast_from::<u32>(to),
        U64 => cast_from::<u64>(to),
        F32 => cast_from::<f32>(to),
        F64 => cast_from::<f64>(to),
        C64 => cast_from::<Complex<f32>>(to),
        C128 => cast_from::<Complex<f64>>(to),
    }
}

fn cast_from<A: ToAll>(to: DType) -> Kernel {
    match to {
        Bool => kernel1::<Cast<A, bool>>(),
        I8 => kernel1::<Cast<A, i8>>(),
        I16 => kernel1::<Cast<A, i16>>(),
        I32 => kernel1::<Cast<A, i32>>(),
        I64 => kernel1::<Cast<A, i64>>(),
        U8 => kernel1::<Cast<A, u8>>(),
        U16 => kernel1::<Cast<A, u16>>(),
        U32 => kernel1::<Cast<A, u32>>(),
        U64 => kernel1::<Cast<A, u64>>(),
        F32 => kernel1::<Cast<A, f32>>(),
        F64 => kernel1::<Cast<A, f64>>(),
        C64 => kernel1::<Cast<A, Complex<f32>>>(),
        C128 => kernel1::<Cast<A, Complex<f64>>>(),
    }
}

struct Cast<A, B>(PhantomData<(A, B)>);

impl<A: To<B> + Copy, B: Copy + Default> Map1 for Cast<A, B> {
    type A = A;
    type Out = B;
    #[inline(always)]
    fn block<L: Isa, const N: usize>(a: [A; N]) -> [B; N] {
        a.map(To::to)
    }
}

/// How one element becomes another.
trait To<B> {
    fn to(self) -> B;
}

macro_rules! conversions {
    ($($A:ty: [$($B:ty),+] |$a:ident| $e:expr;)*) => {$($(
        impl To<$B> for $A {
            #[inline(always)]
            fn to(self) -> $B {
                type B = $B;
                let $a = self;
                std::convert::identity::<B>($e)
            }
        }
    )+)*};
}

macro_rules! all_from {
    ($($A:ty),+) => {
        trait ToAll: Copy $(+ To<$A>)+ {}
        $(impl ToAll for $A {})+
    };
}
all_from!(
    bool,
    i8,
    i16,
    i32,
    i64,
    u8,
    u16,
    u32,
    u64,
    f32,
    f64,
    Complex<f32>,
    Complex<f64>
);

macro_rules! from_integers {
    ($($A:ty),+) => {
        conversions! {$(
            $A: [bool] |a| a != 0;
            $A: [i8, i16, i32, i64, u8, u16, u32, u64, f32, f64] |a| a as B;
            $A: [Complex<f32>] |a| B::from(a as f32);
            $A: [Complex<f64>] |a| B::from(a as f64);
        )+}
    };
}
from_integers!(i8, i16, i32, i64, u8, u16, u32, u64);

conversions! {
    bool: [bool] |a| a;
    bool: [i8, i16, i32, i64, u8, u16, u32, u64, f32, f64] |a| u8::from(a) as B;
    bool: [Complex<f32>] |a| B::from(f32::from(a));
    bool: [Complex<f64>] |a| B::from(f64::from(a));

    f32: [bool] |a| a != 0.0;
    f32: [i8, i16, i32, i64, u8, u16, u32, u64] |a| B::from_float(a.into());
    f32: [f32, f64] |a| a as B;
    f32: [Complex<f32>] |a| B::from(a);
    f32: [Complex<f64>] |a| B::from(f64::from(a));

    f64: [bool] |a| a != 0.0;
    f64: [i8, i16, i32, i64, u8, u16, u32, u64] |a| B::from_float(a);
    f64: [f32, f64] |a| a as B;
    f64: [Complex<f32>] |a| B::from(a as f32);
    f64: [Complex<f64>] |a| B::from(a);

    Complex<f32>: [bool] |a| (a.re != 0.0) | (a.im != 0.0);
    Complex<f32>: [i8, i16, i32, i64, u8, u16, u32, u64] |a| B::from_float(a.re.into());
    Complex<f32>: [f32, f64] |a| a.re as B;
    Complex<f32>: [Complex<f32>] |a| a;
    Complex<f32>: [Complex<f64>] |a| B::new(a.re.into(), a.im.into());

    Complex<f64>: [bool] |a| (a.re != 0.0) | (a.im != 0.0);
    Complex<f64>: [i8, i16, i32, i64, u8, u16, u32, u64] |a| B::from_float(a.re);
    Complex<f64>: [f32, f64] |a| a.re as B;
    Complex<f64>: [Complex<f32>] |a| B::new(a.re as f32, a.im as f32);
    Complex<f64>: [Complex<f64>] |a| a;
}
