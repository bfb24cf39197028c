//! Loops over a chunk: one per elementwise operation and loop dtype.

use crate::graph::DType;
use crate::ops::Elementwise;

/// A loop over `len` elements. Inputs and output are contiguous and aligned, in the loop's dtypes;
/// the output may be the same memory as an input, but not partly overlap one.
///
/// # Safety
/// Each pointer must be valid for `len` elements of the kernel's dtype for it.
pub type Kernel = unsafe fn(inputs: &[*const u8], output: *mut u8, len: usize);

/// The loop of `op` whose operands (after casting) all have dtype `operand`, except where the
/// operation's row says otherwise (`where`'s condition is bool).
pub fn lookup(_op: Elementwise, _operand: DType) -> Option<Kernel> {
    None
}

/// The loop that converts elements as `astype` does.
pub fn cast(_from: DType, _to: DType) -> Kernel {
    todo!("casts")
}
