//! Loops over a chunk: one per elementwise operation and loop dtype.
//!
//! In: an operation and the dtypes of its loop (from [`Elementwise::result_dtype`]).
//! Out: a [`Kernel`], or `None` if NumPy has no such loop.
//!
//! ```
//! use lazy_core::eval::kernels::lookup;
//! use lazy_core::{graph::DType, ops::Elementwise};
//! let add = lookup(Elementwise::Add, &[DType::F64, DType::F64]).unwrap();
//! let (x, y, mut sum) = ([1.0, 2.0], [10.0, 20.0], [0.0; 2]);
//! // SAFETY: all three hold two float64.
//! unsafe { add(&[x.as_ptr().cast(), y.as_ptr().cast()], sum.as_mut_ptr().cast(), 2) };
//! assert_eq!(sum, [11.0, 22.0]);
//! ```
//!
//! Values are NumPy's: integers wrap, integer division by zero is 0, minima propagate NaN. A kernel
//! cannot fail; where NumPy raises (integers to negative powers), [`check`] gives a test of the
//! operands that the evaluator runs before the loop.

pub mod arithmetic;
pub mod cast;
pub mod compare;
pub mod complex;
pub mod cpu;
pub mod elementary;
pub mod float;
pub mod functions;
pub mod integer;
pub mod lane;
pub mod loops;
pub mod pairs;
pub mod special;
#[cfg(target_arch = "x86_64")]
pub mod wide;

use crate::error::{Error, Result};
use crate::graph::DType;
use crate::ops::Elementwise;

pub use cast::cast;

/// A loop over `len` elements. Inputs and output are contiguous and aligned, in the loop's dtypes;
/// the output may be the same memory as an input, but not partly overlap one.
///
/// # Safety
/// Each pointer must be valid for `len` elements of the kernel's dtype for it.
pub type Kernel = unsafe fn(inputs: &[*const u8], output: *mut u8, len: usize);

/// The loop of `op` whose operands, after casting, have the dtypes `operands`.
pub fn lookup(op: Elementwise, operands: &[DType]) -> Option<Kernel> {
    if operands.len() == op.arity() {
        (op.def().kernel)(operands)
    } else {
        None
    }
}

/// A test that operands must pass before the loop, where NumPy raises an exception.
///
/// # Safety
/// Each pointer must be valid for its number of elements of the loop's dtype. (Operands that
/// broadcast may be shorter than the result: a check looks at each operand alone.)
pub type Check = unsafe fn(inputs: &[(*const u8, usize)]) -> Result<()>;

/// The check of `op` with operands cast to `operands`, if it can fail.
pub fn check(op: Elementwise, operands: &[DType]) -> Option<Check> {
    match (op, operands) {
        (Elementwise::Power, [DType::I8, _]) => Some(no_negative_exponent::<i8>),
        (Elementwise::Power, [DType::I16, _]) => Some(no_negative_exponent::<i16>),
        (Elementwise::Power, [DType::I32, _]) => Some(no_negative_exponent::<i32>),
        (Elementwise::Power, [DType::I64, _]) => Some(no_negative_exponent::<i64>),
        (_, _) => None,
    }
}

/// # Safety
/// As for [`Check`].
unsafe fn no_negative_exponent<T: Copy + Into<i64>>(inputs: &[(*const u8, usize)]) -> Result<()> {
    let (pointer, len) = inputs[1];
    // SAFETY: the caller vouches for `len` elements of the loop's dtype.
    let exponents = unsafe { std::slice::from_raw_parts(pointer.cast::<T>(), len) };
    if exponents.iter().any(|&e| e.into() < 0) {
        return Err(Error::value(
            "Integers to negative integer powers are not allowed.",
        ));
    }
    Ok(())
}
