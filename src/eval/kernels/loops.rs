//! From a function of elements to a loop over a chunk, once per instruction set.
//!
//! In: a `Map1`, `Map2` or `Map3`, made by the macros `map!` and `by_dtype!`. Out: a [`Kernel`].
//!
//! ```text
//! by_dtype!(dtype, { integer => |a, b| a.wrapping_add(b), float => |a, b| a + b })
//! ```
//!
//! A loop works on blocks of elements: a block is read into registers, computed, and written. So the
//! compiler vectorises without asking whether the memory overlaps (writing over an operand is allowed),
//! and a short rest costs one padded block of [`BLOCK`], not a scalar loop.

use super::Kernel;
use super::cpu::{Level, level};
use super::lane::{Fused, Isa, Lane, Portable};
#[cfg(target_arch = "x86_64")]
use super::wide::Avx512;

/// Elements per block: a register of float64 with AVX-512, two with AVX2.
pub const BLOCK: usize = 8;
/// Elements per block of a long loop of functions of lanes, where the CPU has the registers.
const MANY: usize = 4 * BLOCK;

/// A function of the elements of a block; `L` is what the CPU can do.
pub trait Map1 {
    /// Whether it is a function of lanes.
    const IN_LANES: bool = false;
    type A: Copy;
    type Out: Copy + Default;
    fn block<L: Isa, const N: usize>(a: [Self::A; N]) -> [Self::Out; N];
}

pub trait Map2 {
    /// Whether it is a function of lanes.
    const IN_LANES: bool = false;
    type A: Copy;
    type B: Copy;
    type Out: Copy + Default;
    fn block<L: Isa, const N: usize>(a: [Self::A; N], b: [Self::B; N]) -> [Self::Out; N];
}

pub trait Map3 {
    /// Whether it is a function of lanes.
    const IN_LANES: bool = false;
    type A: Copy;
    type B: Copy;
    type C: Copy;
    type Out: Copy + Default;
    fn block<L: Isa, const N: usize>(
        a: [Self::A; N],
        b: [Self::B; N],
        c: [Self::C; N],
    ) -> [Self::Out; N];
}

/// Keeps the compiler from vectorising a loop over blocks across them: it would gather the first
/// elements of eight blocks, then the second ones.
#[inline(always)]
fn block_by_block() {
    #[cfg(not(miri))]
    // SAFETY: no instruction.
    unsafe {
        std::arch::asm!("", options(nomem, nostack, preserves_flags));
    }
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

/// The loop for each arity, and its instance per instruction set.
macro_rules! loops {
    ($($map:ident, $kernel:ident, $blocks:ident, $run:ident, $portable:ident, $v3:ident, $v4:ident: $($operand:ident $index:tt $x:ident),+;)*) => {$(
        /// # Safety
        /// As for [`Kernel`].
        #[inline(always)]
        unsafe fn $run<M: $map, L: Isa>(inputs: &[*const u8], output: *mut u8, len: usize) {
            let output = output.cast::<M::Out>();
            $(let $x = inputs[$index].cast::<M::$operand>();)+
            // One element, as programs of scalars compute: not a whole block for it.
            if M::IN_LANES && L::F64::WIDTH == 1 && len == 1 {
                // SAFETY: the one element of each array.
                unsafe {
                    let [one] = M::block::<L, 1>($([$x.read()]),+);
                    output.write(one);
                }
                return;
            }
            let many = if M::IN_LANES && L::Many::WIDTH > BLOCK { len / MANY } else { 0 };
            let start = many * MANY;
            let (blocks, rest) = ((len - start) / BLOCK, len % BLOCK);
            // SAFETY: blocks of either size, then `rest` elements, are within the `len` of each array.
            unsafe {
                if M::IN_LANES && L::Many::WIDTH > BLOCK {
                    $blocks::<M, L, MANY>(output, many, $($x),+);
                }
                $blocks::<M, L, BLOCK>(output.add(start), blocks, $($x.add(start)),+);
                if rest > 0 {
                    let start = start + blocks * BLOCK;
                    $(let $x = pad($x.add(start), rest);)+
                    let last = M::block::<L, BLOCK>($($x),+);
                    std::ptr::copy_nonoverlapping(last.as_ptr(), output.add(start), rest);
                }
            }
        }

        /// # Safety
        /// Each pointer must be valid for `count` blocks of `N`; inputs may be the output.
        #[inline(always)]
        unsafe fn $blocks<M: $map, L: Isa, const N: usize>(
            output: *mut M::Out,
            count: usize,
            $($x: *const M::$operand),+
        ) {
            for i in 0..count {
                // SAFETY: the caller vouches for block `i`.
                unsafe {
                    $(let $x = $x.cast::<[M::$operand; N]>().add(i).read();)+
                    output.cast::<[M::Out; N]>().add(i).write(M::block::<L, N>($($x),+));
                }
                block_by_block();
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
        /// As for [`Kernel`], on a CPU with AVX-512.
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
        unsafe fn $v4<M: $map>(inputs: &[*const u8], output: *mut u8, len: usize) {
            // SAFETY: the same contract.
            unsafe { $run::<M, Avx512>(inputs, output, len) }
        }

        /// The loop of `M` for this CPU.
        pub fn $kernel<M: $map>() -> Kernel {
            match level() {
                #[cfg(target_arch = "x86_64")]
                Level::V4 => $v4::<M>,
                #[cfg(target_arch = "x86_64")]
                Level::V3 => $v3::<M>,
                _ => $portable::<M>,
            }
        }
    )*};
}
loops! {
    Map1, kernel1, blocks1, run1, portable1, v3_1, v4_1: A 0 a;
    Map2, kernel2, blocks2, run2, portable2, v3_2, v4_2: A 0 a, B 1 b;
    Map3, kernel3, blocks3, run3, portable3, v3_3, v4_3: A 0 a, B 1 b, C 2 c;
}

/// A kernel from an expression: `map!(|a: f64, b: f64| -> bool { a < b })`.
/// In the expression `L` is the instruction set.
macro_rules! map {
    (|$a:ident: $A:ty| -> $Out:ty { $e:expr }) => {{
        struct M;
        impl $crate::eval::kernels::loops::Map1 for M {
            type A = $A;
            type Out = $Out;
            $crate::eval::kernels::loops::block!($Out, $e, $a: $A);
        }
        $crate::eval::kernels::loops::kernel1::<M>()
    }};
    (|$a:ident: $A:ty, $b:ident: $B:ty| -> $Out:ty { $e:expr }) => {{
        struct M;
        impl $crate::eval::kernels::loops::Map2 for M {
            type A = $A;
            type B = $B;
            type Out = $Out;
            $crate::eval::kernels::loops::block!($Out, $e, $a: $A, $b: $B);
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
            $crate::eval::kernels::loops::block!($Out, $e, $a: $A, $b: $B, $c: $C);
        }
        $crate::eval::kernels::loops::kernel3::<M>()
    }};
}

/// The function of a block, element by element.
macro_rules! block {
    ($Out:ty, $e:expr, $($x:ident: $X:ty),+) => {
        #[inline(always)]
        fn block<L: $crate::eval::kernels::lane::Isa, const N: usize>($($x: [$X; N]),+) -> [$Out; N] {
            let mut out = [<$Out>::default(); N];
            for (k, out) in out.iter_mut().enumerate() {
                $(let $x = $x[k];)+
                *out = $e;
            }
            out
        }
    };
}

/// The kernel of a dtype, by classes of dtypes with one expression each. `T` is the element type
/// in it; the result has type `T` too, or the one named after `=>`.
macro_rules! by_dtype {
    ($dtype:expr, {}) => {
        None
    };
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
    ($T:ty, (), ($a:ident, $b:ident, $c:ident), $e:expr) => {
        $crate::eval::kernels::loops::map!(|$a: $T, $b: $T, $c: $T| -> $T { $e })
    };
    ($T:ty, ($Out:ty), ($a:ident), $e:expr) => {
        $crate::eval::kernels::loops::map!(|$a: $T| -> $Out { $e })
    };
    ($T:ty, ($Out:ty), ($a:ident, $b:ident), $e:expr) => {
        $crate::eval::kernels::loops::map!(|$a: $T, $b: $T| -> $Out { $e })
    };
}

pub(crate) use {block, by_dtype, class, each, map, one};
