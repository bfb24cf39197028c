//! Machine code, made while the program runs: for x86-64 under Linux.
//!
//! In: steps of arithmetic on float64 or float32. Out: a [`Row`], which does them all in one pass over memory.
//! [`row`] translates, [`assembler`] knows the encoding, [`memory`] is where code may run. Other machines
//! do without, and so does this one if `LAZY_INTERPRET` is set: kernels stay the reference, and every
//! user of this folder has them to fall back to.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub mod assembler;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub mod memory;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod row;

use std::sync::OnceLock;

use smallvec::SmallVec;

use super::kernels::cpu::{Level, level};
use crate::graph::DType;
use crate::ops::Elementwise;
use crate::ops::elementwise::Resolution;

/// An input, or the result of a step after all inputs.
pub type Lane = usize;

/// What an input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// An element per element of the result.
    Array,
    /// One for all of them.
    Number,
}

/// An operation on lanes: of floats of one dtype, or of what comparisons of them gave.
#[derive(Clone, Debug)]
pub struct Step {
    pub op: Elementwise,
    pub operands: SmallVec<[Lane; 3]>,
}

/// Machine code for steps of arithmetic on floats of one dtype.
#[derive(Debug)]
pub struct Row(Code);

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
type Code = memory::Executable;
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
type Code = std::convert::Infallible;

impl Row {
    /// None if this machine, the dtype or an operation has no code, or if too much is needed at once.
    pub fn new(dtype: DType, inputs: &[Input], steps: &[Step], results: &[Lane]) -> Option<Row> {
        // The code works on registers of 32 bytes.
        if !is_wanted() || level() < Level::V3 {
            return None;
        }
        Self::made(dtype, inputs, steps, results)
    }

    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    fn made(dtype: DType, inputs: &[Input], steps: &[Step], results: &[Lane]) -> Option<Row> {
        let precision = match dtype {
            DType::F32 => assembler::Precision::Single,
            DType::F64 => assembler::Precision::Double,
            _ => return None,
        };
        let code = row::emit(precision, inputs, steps, results)?;
        memory::Executable::new(&code).map(Row)
    }

    #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
    fn made(_: DType, _: &[Input], _: &[Step], _: &[Lane]) -> Option<Row> {
        None
    }

    /// Does the steps for `n` elements.
    ///
    /// # Safety
    /// `pointers` are those of the inputs and then of the results, each valid for `n` floats (a
    /// number's for one) at the byte strides given in the same order. A result may be exactly an input,
    /// and must not overlap one otherwise.
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    pub unsafe fn run(&self, pointers: &[*mut u8], strides: &[isize], n: usize) {
        type Entry = unsafe extern "C" fn(*const *mut u8, *const isize, usize);
        // SAFETY: the memory holds a function of this type, and the caller vouches for the rest.
        unsafe {
            let entry: Entry = std::mem::transmute(self.0.start());
            entry(pointers.as_ptr(), strides.as_ptr(), n);
        }
    }

    /// # Safety
    /// There is no code to call this of.
    #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
    pub unsafe fn run(&self, _: &[*mut u8], _: &[isize], _: usize) {
        match self.0 {}
    }
}

/// The one dtype of the floats that an operation takes and gives, beside flags; bool if there are none.
/// Flags are told from floats by the operation.
pub fn dtype_of(resolution: &Resolution) -> Option<DType> {
    let all = resolution.operands.iter().chain([&resolution.out]);
    let mut others = all.copied().filter(|d| *d != DType::Bool);
    let dtype = others.next().unwrap_or(DType::Bool);
    let is_fit = dtype == DType::Bool || dtype.is_float();
    (is_fit && others.all(|d| d == dtype)).then_some(dtype)
}

/// Whether code is to be made at all.
pub fn is_wanted() -> bool {
    static WANTED: OnceLock<bool> = OnceLock::new();
    *WANTED.get_or_init(|| std::env::var_os("LAZY_INTERPRET").is_none())
}
