//! Loops and branches as programs of registers: what a [`Loop`](crate::ops::Op::Loop) node runs as.
//!
//! In: a graph whose nodes are scalar arithmetic, reads and writes of elements, operations on short
//! arrays, and loops and branches over such graphs. Out: a [`Program`], run without allocation in
//! its inner loops.
//!
//! ```text
//! for j in range(n): s += a[j] * x        top:  r5 = a0[r4]
//!                                               r6 = r5 * r2
//!                                               r3 = r3 + r6
//!                                               next r4 < r1 -> top
//! ```
//!
//! Scalars live in registers of 16 bytes, one per node. An array is a descriptor: a pointer, sizes
//! and strides, so that `a[i, :j]` is a new descriptor and not a copy. Nodes run in the order of the
//! graph, which is the program's own: so a write can go to the memory of the array it is applied to,
//! if nothing reads the old content later ([`compile`] decides that once).
//!
//! [`code`] is the instruction set and [`run`] its interpreter; [`vector`] works on whole arrays;
//! [`native`] makes machine code of the same list of instructions.
//!
//! Source: register machines of Lua 5 (Ierusalimschy et al. 2005); the conditions for writing in place
//! are those of Hudak and Bloss, "The aggregate update problem" (1985), for one order of evaluation.

mod arrays;
mod coalesce;
pub mod code;
mod compile;
mod control;
mod descriptor;
mod fusion;
mod keep;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod native;
mod pass;
mod run;
mod scalars;
mod vector;

use std::sync::OnceLock;

use super::layout::Layout;
use super::value::Value;
use crate::error::Result;
use crate::graph::DType;
use code::{ArrayId, ArrayOp, BufferId, Code, Reg};

pub use compile::compile;

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
use native::Native;

/// Other machines interpret.
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
#[derive(Debug)]
enum Native {}

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
impl Native {
    fn new(_: &Program) -> Option<Native> {
        None
    }

    unsafe fn run<'p>(
        &self,
        _: &'p Program,
        _: *mut run::Cell,
        _: &mut vector::State<'p>,
    ) -> Result<()> {
        match *self {}
    }
}

/// Where a value is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Location {
    Register(Reg),
    Array(ArrayId),
}

/// A graph made ready to run for sizes that are known where they have to be.
#[derive(Debug, Default)]
pub struct Program {
    pub(super) code: Vec<Code>,
    ops: Vec<ArrayOp>,
    calls: Vec<code::Call>,
    /// Per element that is not read or written by a short instruction: its indices.
    elements: Vec<code::Element>,
    /// The content of registers at the start.
    constants: Vec<(Reg, [u64; 2])>,
    /// Arrays that are part of the program.
    values: Vec<(ArrayId, Value)>,
    registers: usize,
    arrays: Vec<ArrayInfo>,
    buffers: usize,
    inputs: Vec<Location>,
    outputs: Vec<Location>,
    /// The buffer each output array ends in, if the program owns it.
    homes: Vec<Option<BufferId>>,
    /// The same as machine code, made for the first run.
    native: OnceLock<Option<Native>>,
}

/// What is known of an array before the program runs.
#[derive(Clone, Copy, Debug)]
struct ArrayInfo {
    dtype: DType,
    rank: usize,
}

/// Memory given to a program: where a value starts, and how it lies there.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    pub start: *mut u8,
    pub layout: &'a Layout,
}

impl Program {
    /// Runs the program.
    ///
    /// # Safety
    /// Inputs must be readable and outputs writable as their layouts say, contiguously for outputs,
    /// and no output may overlap anything else.
    ///
    /// # Errors
    /// NumPy's and Python's: an index out of range, a division by zero, an integer that does not fit.
    pub unsafe fn run(&self, inputs: &[Given<'_>], outputs: &[Given<'_>]) -> Result<()> {
        // SAFETY: as the caller promises.
        unsafe { run::run(self, inputs, outputs) }
    }

    fn native(&self) -> Option<&Native> {
        self.native.get_or_init(|| Native::new(self)).as_ref()
    }

    /// Whether all work on whole arrays is a pass of machine code.
    pub fn is_compiled(&self) -> bool {
        self.ops.iter().all(|op| match op {
            ArrayOp::Fused(fused) => fused.row.is_some(),
            ArrayOp::Reduce(_)
            | ArrayOp::Contract(_)
            | ArrayOp::Gather { .. }
            | ArrayOp::Scatter { .. }
            | ArrayOp::Cumulate { .. }
            | ArrayOp::ArgReduce { .. } => false,
            ArrayOp::Alias { .. }
            | ArrayOp::Allocate { .. }
            | ArrayOp::Copy { .. }
            | ArrayOp::Rotate(_)
            | ArrayOp::Slice { .. }
            | ArrayOp::View { .. }
            | ArrayOp::Transpose { .. }
            | ArrayOp::Broadcast { .. }
            | ArrayOp::Reshape { .. }
            | ArrayOp::Write { .. }
            | ArrayOp::Zero { .. }
            | ArrayOp::Iota { .. }
            | ArrayOp::Expect { .. }
            | ArrayOp::SizeOf { .. } => true,
        })
    }

    /// Estimated nanoseconds of one trip of the longest loop: whether releasing the GIL pays.
    pub fn cost(&self) -> f64 {
        1e6
    }
}
