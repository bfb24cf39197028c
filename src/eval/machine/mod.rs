//! Machine code, made while the program runs: for x86-64 under Linux.
//!
//! In: steps of arithmetic on float64 or float32, and on flags. Out: a [`Row`], which does them all in one pass over memory.
//! [`row`] translates, [`assembler`] knows the encoding, [`memory`] is where code may run. Other machines
//! do without, and so does this one if `LAZY_INTERPRET` is set: kernels stay the reference, and every
//! user of this folder has them to fall back to.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub mod assembler;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub mod memory;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod row;

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

/// What the elements of a lane are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Float,
    /// Bytes of 0 or 1 in memory; masks in registers.
    Flag,
}

impl Kind {
    /// Bytes of an element, where floats have so many.
    fn size(self, float: usize) -> usize {
        match self {
            Kind::Float => float,
            Kind::Flag => 1,
        }
    }
}

/// An operation on lanes: of floats of one dtype, or of what comparisons of them gave.
#[derive(Clone, Debug)]
pub struct Step {
    pub op: Elementwise,
    /// Of its floats; bool if it has none.
    pub dtype: DType,
    pub operands: SmallVec<[Lane; 3]>,
}

/// Machine code for steps of arithmetic on floats of one dtype.
#[derive(Debug)]
pub struct Row {
    code: Code,
    /// Bytes from one element to the next where inputs and results lie in one piece.
    strides: SmallVec<[isize; 8]>,
}

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
type Code = memory::Executable;
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
type Code = std::convert::Infallible;

impl Row {
    /// None if this machine, a dtype or an operation has no code, if there are several dtypes, or if too
    /// much is needed at once.
    pub fn new(inputs: &[Input], steps: &[Step], results: &[Lane]) -> Option<Row> {
        // The code works on registers of 32 bytes.
        if !is_wanted() || level() < Level::V3 {
            return None;
        }
        let mut floats = steps.iter().map(|s| s.dtype).filter(|d| *d != DType::Bool);
        let dtype = floats.next()?;
        if !floats.all(|other| other == dtype) {
            return None;
        }
        let (code, kinds) = made(dtype, inputs, steps, results)?;
        let sides = (0..inputs.len()).chain(results.iter().copied());
        Some(Row {
            code,
            strides: sides
                .map(|lane| kinds[lane].size(dtype.size()) as isize)
                .collect(),
        })
    }

    /// Per input and result, bytes from one element to the next where it lies in one piece.
    pub fn strides(&self) -> &[isize] {
        &self.strides
    }

    /// Does the steps for `n` elements.
    ///
    /// # Safety
    /// `pointers` are those of the inputs and then of the results, each valid for `n` elements (a
    /// number's for one) at the byte strides given in the same order. A result may be exactly an input,
    /// and must not overlap one otherwise.
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    pub unsafe fn run(&self, pointers: &[*mut u8], strides: &[isize], n: usize) {
        type Entry = unsafe extern "C" fn(*const *mut u8, *const isize, usize);
        // SAFETY: the memory holds a function of this type, and the caller vouches for the rest.
        unsafe {
            let entry: Entry = std::mem::transmute(self.code.start());
            entry(pointers.as_ptr(), strides.as_ptr(), n);
        }
    }

    /// # Safety
    /// There is no code to call this of.
    #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
    pub unsafe fn run(&self, _: &[*mut u8], _: &[isize], _: usize) {
        match self.code {}
    }
}

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn made(
    dtype: DType,
    inputs: &[Input],
    steps: &[Step],
    results: &[Lane],
) -> Option<(Code, Vec<Kind>)> {
    let precision = match dtype {
        DType::F32 => assembler::Precision::Single,
        DType::F64 => assembler::Precision::Double,
        _ => return None,
    };
    let kinds = row::kinds(inputs, steps)?;
    let code = row::emit(precision, inputs, steps, results, &kinds)?;
    Some((memory::Executable::new(&code)?, kinds))
}

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
fn made(_: DType, _: &[Input], _: &[Step], _: &[Lane]) -> Option<(Code, Vec<Kind>)> {
    None
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

/// Whether an operation compares two elements.
pub fn is_comparison(op: Elementwise) -> bool {
    use Elementwise as E;
    matches!(
        op,
        E::Equal | E::NotEqual | E::Less | E::LessEqual | E::Greater | E::GreaterEqual
    )
}

/// Whether code is to be made at all: asked each time code would be, since tests change it.
pub fn is_wanted() -> bool {
    std::env::var_os("LAZY_INTERPRET").is_none()
}
