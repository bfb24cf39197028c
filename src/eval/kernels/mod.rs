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
pub mod python;
pub mod special;
#[cfg(target_arch = "x86_64")]
pub mod wide;

use crate::error::{Error, Result};
use crate::graph::DType;
use crate::ops::Elementwise;
use crate::ops::elementwise::Resolution;

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

/// A test that operands must pass before the loop, where NumPy or Python raises an exception.
#[derive(Clone, Copy, Debug)]
pub enum Check {
    /// Of exponents of this integer dtype: none is negative.
    Exponents(DType),
    /// Of Python's integers: what Python computes of them.
    Integers(fn(i64, i64) -> Result<i64>),
    /// Of Python's floats.
    Floats(fn(f64, f64) -> Result<()>),
}

/// The check of `op` as resolved, if it can fail. Weak results are Python's.
pub fn check(op: Elementwise, resolution: &Resolution) -> Option<Check> {
    if resolution.weak {
        return python::check(op, resolution.out);
    }
    match (op, resolution.operands.as_slice()) {
        (
            Elementwise::Power,
            &[
                dtype @ (DType::I8 | DType::I16 | DType::I32 | DType::I64),
                _,
            ],
        ) => Some(Check::Exponents(dtype)),
        _ => None,
    }
}

impl Check {
    /// Tests operands of these numbers of elements: those that broadcast may be shorter than the result.
    /// Python's numbers have rank 0, so that where they are spread, all elements are alike; an
    /// operation of one operand gets it as both.
    ///
    /// # Safety
    /// Each pointer must be valid for its number of elements of the loop's dtype.
    ///
    /// # Errors
    /// NumPy's or Python's.
    pub unsafe fn run(self, inputs: &[(*const u8, usize)]) -> Result<()> {
        let (Some(&(a, len)), Some(&last)) = (inputs.first(), inputs.last()) else {
            return Ok(());
        };
        if len == 0 {
            return Ok(());
        }
        // SAFETY: the caller vouches for elements of the loop's dtype, and there is one.
        unsafe {
            match self {
                Check::Exponents(DType::I8) => not_negative::<i8>(last),
                Check::Exponents(DType::I16) => not_negative::<i16>(last),
                Check::Exponents(DType::I32) => not_negative::<i32>(last),
                Check::Exponents(_) => not_negative::<i64>(last),
                Check::Integers(compute) => {
                    compute(a.cast::<i64>().read(), last.0.cast::<i64>().read()).map(drop)
                }
                Check::Floats(test) => test(a.cast::<f64>().read(), last.0.cast::<f64>().read()),
            }
        }
    }
}

/// # Safety
/// As for [`Check::run`].
unsafe fn not_negative<T: Copy + Into<i64>>((pointer, len): (*const u8, usize)) -> Result<()> {
    // SAFETY: the caller vouches for `len` elements of the loop's dtype.
    let exponents = unsafe { std::slice::from_raw_parts(pointer.cast::<T>(), len) };
    if exponents.iter().any(|&e| e.into() < 0) {
        return Err(Error::value(
            "Integers to negative integer powers are not allowed.",
        ));
    }
    Ok(())
}
