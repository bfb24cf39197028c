//! From a function of elements to a loop over a chunk, once per instruction set.
//!
//! In: a `Map1`, `Map2` or `Map3`, made by the macros `map!` and `by_dtype!`. Out: a [`Kernel`].
//!
//! ```text
//! by_dtype!(dtype, { integer => |a, b| a.wrapping_add(b), float => |a, b| a + b })
//! ```
//!
//! A loop works on blocks of [`BLOCK`] elements: a block is read into registers, computed, and
//! written. So the compiler vectorises without asking whether the memory overlaps (writing over an
//! operand is allowed), and a short rest costs one padded block, not a scalar loop.

use super::Kernel;
use super::lane::{Fused, Isa, Portable};

/// Elements per block: two AVX2 registers of float64.
pub const BLOCK: usize = 8;

/// A function of one element; `L` is what the CPU can do.
pub trait Map1 {
    type A: Copy;
    type Out: Copy + Default;
    fn at<L: Isa>(a: Self::A) -> Self::Out;
    /// Whether an element is outside what `at` can do; its block is then left to `at_hard`.
    #[inline(always)]
    fn is_hard(_a: Self::A) -> bool {
        false
    }
    fn at_hard(a: Self::A) -> Self::Out {
        Self::at::<Portable>(a)
    }
}

pub trait Map2 {
    type A: Copy;
    type B: Copy;
    type Out: Copy + Default;
    fn at<L: Isa>(a: Self::A, b: Self::B) -> Self::Out;
}

pub trait Map3 {
    type A: Copy;
    type B: Copy;
    type C: Copy;
    type Out: Copy + Default;
    fn at<L: Isa>(a: Self::A, b: Self::B, c: Self::C) -> Self::Out;
}

/// The last elements, fewer than a block, with the first of them repeated to fill one.
///
/// # Safety
/// `from` must be valid for reading `count` elements, and `count` be in `1..BLOCK`.
#[inline(always)]
unsafe fn pad<T: Copy>(from: *const T, count: usize) -> [T; BLOCK] {
    // SAFETY: the caller vouches for `count >= 1` elements.
    unsafe {
        let mut block = [from.read(); BLOCK];
        std::ptr::copy_nonoverlapping(from, block.as_mut_ptr(), count);
        block
    }
}

macro_rules! fill {
    ($block:ident, $M:ty, $L:ty, $($x:ident),+) => {
        for k in 0..BLOCK {
            $block[k] = <$M>::at::<$L>($($x[k]),+);
        }
    };
}

macro_rules! fill_or_leave {
    ($block:ident, $M:ty, $L:ty, $x:ident) => {
        if $x.iter().fold(false, |hard, &x| hard | <$M>::is_hard(x)) {
            for k in 0..BLOCK {
                $block[k] = <$M>::at_hard($x[k]);
            }
        } else {
            fill!($block, $M, $L, $x);
        }
    };
}

/// The loop for each arity, and its instance per instruction set.
macro_rules! loops {
    ($($map:ident, $fill:ident, $kernel:ident, $blocks:ident, $run:ident, $portable:ident, $v3:ident, $v4:ident: $($operand:ident $index:tt $x:ident),+;)*) => {$(
        /// # Safety
        /// As for [`Kernel`].
        #[inline(always)]
        unsafe fn $run<M: $map, L: Isa>(inputs: &[*const u8], output: *mut u8, len: usize) {
            let output = output.cast::<M::Out>();
            $(let $x = inputs[$index].cast::<M::$operand>();)+
            let (blocks, rest) = (len / BLOCK, len % BLOCK);
            // SAFETY: whole blocks, then `rest` elements, are within the `len` of each array.
            unsafe {
                $blocks::<M, L>(output, blocks, $($x),+);
                if rest > 0 {
                    let start = blocks * BLOCK;
                    $(let $x = pad($x.add(start), rest);)+
                    let mut last = [M::Out::default(); BLOCK];
                    $blocks::<M, L>(last.as_mut_ptr(), 1, $($x.as_ptr()),+);
                    std::ptr::copy_nonoverlapping(last.as_ptr(), output.add(start), rest);
                }
            }
        }

        /// # Safety
        /// Each pointer must be valid for `count` blocks; inputs may be the output.
        #[inline(always)]
        unsafe fn $blocks<M: $map, L: Isa>(
            output: *mut M::Out,
            count: usize,
            $($x: *const M::$operand),+
        ) {
            for i in 0..count {
                // SAFETY: the caller vouches for block `i`.
                unsafe {
                    $(let $x = $x.cast::<[M::$operand; BLOCK]>().add(i).read();)+
                    let mut block = [M::Out::default(); BLOCK];
                    $fill!(block, M, L, $($x),+);
                    output.cast::<[M::Out; BLOCK]>().add(i).write(block);
                }
            }
        }

        /// # Safety
        /// As for [`Kernel`].
        unsafe fn $portable<M: $map>(inputs: &[*const u8], output: *mut u8, len: usize) {
            // SAFETY: the same contract.
            unsafe { $run::<M, Portable>(inputs, output, len) }
        }

        /// # Safety
        /// As for [`Kernel`], on a CPU with AVX2 and FMA.
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
        unsafe fn $v3<M: $map>(inputs: &[*const u8], output: *mut u8, len: usize) {
            // SAFETY: the same contract.
            unsafe { $run::<M, Fused>(inputs, output, len) }
        }

        /// # Safety
        /// As for [`Kernel`], on a CPU with AVX-512: a block of float64 is one register.
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
        unsafe fn $v4<M: $map>(inputs: &[*const u8], output: *mut u8, len: usize) {
            // SAFETY: the same contract.
            unsafe { $run::<M, Fused>(inputs, output, len) }
        }

        /// The loop of `M` for this CPU.
        pub fn $kernel<M: $map>() -> Kernel {
            #[cfg(target_arch = "x86_64")]
            if has_v4() {
                return $v4::<M>;
            }
            #[cfg(target_arch = "x86_64")]
            if has_v3() {
                return $v3::<M>;
            }
            $portable::<M>
        }
    )*};
}
loops! {
    Map1, fill_or_leave, kernel1, blocks1, run1, portable1, v3_1, v4_1: A 0 a;
    Map2, fill, kernel2, blocks2, run2, portable2, v3_2, v4_2: A 0 a, B 1 b;
    Map3, fill, kernel3, blocks3, run3, portable3, v3_3, v4_3: A 0 a, B 1 b, C 2 c;
}

/// Whether the CPU has what `x86-64-v3` asks of the loops (the standard library remembers the answer).
#[cfg(target_arch = "x86_64")]
fn has_v3() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt")
}

/// Whether the CPU has what `x86-64-v4` adds to that.
#[cfg(target_arch = "x86_64")]
fn has_v4() -> bool {
    has_v3()
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512cd")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
}

/// A kernel from an expression: `map!(|a: f64, b: f64| -> bool { a < b })`.
/// In the expression `L` is the instruction set.
macro_rules! map {
    (|$a:ident: $A:ty| -> $Out:ty { $e:expr }) => {{
        struct M;
        impl $crate::eval::kernels::loops::Map1 for M {
            type A = $A;
            type Out = $Out;
            #[inline(always)]
            fn at<L: $crate::eval::kernels::lane::Isa>($a: $A) -> $Out {
                $e
            }
        }
        $crate::eval::kernels::loops::kernel1::<M>()
    }};
    (|$a:ident: $A:ty, $b:ident: $B:ty| -> $Out:ty { $e:expr }) => {{
        struct M;
        impl $crate::eval::kernels::loops::Map2 for M {
            type A = $A;
            type B = $B;
            type Out = $Out;
            #[inline(always)]
            fn at<L: $crate::eval::kernels::lane::Isa>($a: $A, $b: $B) -> $Out {
                $e
            }
        }
        $crate::eval::kernels::loops::kernel2::<M>()
    }};
    (|$a:ident: $A:ty, $b:ident: $B:ty, $c:ident: $C:ty| -> $Out:ty { $e:expr }) => {{
        struct M;
        impl $crate::eval::kernels::loops::Map3 for M {
            type A = $A;
            type B = $B;
            type C = $C;
            type Out = $Out;
            #[inline(always)]
            fn at<L: $crate::eval::kernels::lane::Isa>($a: $A, $b: $B, $c: $C) -> $Out {
                $e
            }
        }
        $crate::eval::kernels::loops::kernel3::<M>()
    }};
}

/// The kernel of a dtype, by classes of dtypes with one expression each. `T` is the element type
/// in it; the result has type `T` too, or the one named after `=>`.
macro_rules! by_dtype {
    ($dtype:expr, { $($class:ident => $(($Out:ty))? |$($x:ident),+| $e:expr),+ $(,)? }) => {{
        let dtype: $crate::graph::DType = $dtype;
        $($crate::eval::kernels::loops::class!(dtype, $class, ($($Out)?), ($($x),+), $e);)+
        None
    }};
}

macro_rules! class {
    ($d:ident, boolean, $o:tt, $x:tt, $e:expr) => {
        $crate::eval::kernels::loops::each!($d, $o, $x, $e, Bool bool)
    };
    ($d:ident, signed, $o:tt, $x:tt, $e:expr) => {
        $crate::eval::kernels::loops::each!($d, $o, $x, $e, I8 i8, I16 i16, I32 i32, I64 i64)
    };
    ($d:ident, unsigned, $o:tt, $x:tt, $e:expr) => {
        $crate::eval::kernels::loops::each!($d, $o, $x, $e, U8 u8, U16 u16, U32 u32, U64 u64)
    };
    ($d:ident, integer, $o:tt, $x:tt, $e:expr) => {
        $crate::eval::kernels::loops::each!($d, $o, $x, $e, I8 i8, I16 i16, I32 i32, I64 i64, U8 u8, U16 u16, U32 u32, U64 u64)
    };
    ($d:ident, float, $o:tt, $x:tt, $e:expr) => {
        $crate::eval::kernels::loops::each!($d, $o, $x, $e, F32 f32, F64 f64)
    };
    ($d:ident, f32, $o:tt, $x:tt, $e:expr) => {
        $crate::eval::kernels::loops::each!($d, $o, $x, $e, F32 f32)
    };
    ($d:ident, f64, $o:tt, $x:tt, $e:expr) => {
        $crate::eval::kernels::loops::each!($d, $o, $x, $e, F64 f64)
    };
    ($d:ident, complex, $o:tt, $x:tt, $e:expr) => {
        $crate::eval::kernels::loops::each!($d, $o, $x, $e, C64 num_complex::Complex32, C128 num_complex::Complex64)
    };
}

macro_rules! each {
    ($d:ident, $o:tt, $x:tt, $e:expr, $($D:ident $T:ty),+) => {$(
        if $d == $crate::graph::DType::$D {
            type T = $T;
            return Some($crate::eval::kernels::loops::one!(T, $o, $x, $e));
        }
    )+};
}

macro_rules! one {
    ($T:ty, (), ($a:ident), $e:expr) => {
        $crate::eval::kernels::loops::map!(|$a: $T| -> $T { $e })
    };
    ($T:ty, (), ($a:ident, $b:ident), $e:expr) => {
        $crate::eval::kernels::loops::map!(|$a: $T, $b: $T| -> $T { $e })
    };
    ($T:ty, ($Out:ty), ($a:ident), $e:expr) => {
        $crate::eval::kernels::loops::map!(|$a: $T| -> $Out { $e })
    };
    ($T:ty, ($Out:ty), ($a:ident, $b:ident), $e:expr) => {
        $crate::eval::kernels::loops::map!(|$a: $T, $b: $T| -> $Out { $e })
    };
}

pub(crate) use {by_dtype, class, each, map, one};
