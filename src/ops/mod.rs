//! What a node can do.
//!
//! One closed enum, [`Op`], by family. Facts of mathematics live here: shape and dtype, meaning,
//! derivative. An elementwise operation is one row of [`elementwise`]; each other family is a file
//! with the same five functions in the same order: `infer`, `eval`, `jvp`, `transpose`, `print`.
//! To add an operation: add the variant, then do what `cargo check` lists.

pub mod elementwise;
pub mod index;
pub mod linalg;
pub mod random;
pub mod reduce;
pub mod shape;

use std::sync::Arc;

use num_complex::Complex64;
use smallvec::SmallVec;

use crate::eval::value::Value;
use crate::graph::{DType, Dim, Shape};
pub use elementwise::Elementwise;
pub use random::Distribution;

/// Axes of an array, each in `0..rank`.
pub type Axes = SmallVec<[usize; 4]>;

/// What a node does to its operands.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// An argument of the graph. No operands.
    Input,
    /// A value known when lifting. Its aval is the node's, so `Float(2.0)` may be a float32. No operands.
    Constant(Constant),
    /// A size as a value: a weak int64 scalar. No operands.
    Size(Dim),

    /// Elementwise, broadcasting its operands as NumPy does; operands may differ in dtype.
    Elementwise(Elementwise),
    /// `astype`. One operand.
    Cast(DType),

    // shape.rs: one operand unless said otherwise.
    Reshape(Shape),
    /// Result axis `i` is operand axis `perm[i]`.
    Transpose(Axes),
    /// To a shape that the operand's broadcasts to.
    BroadcastTo(Shape),
    /// Basic slicing, one range per axis.
    Slice(SmallVec<[Range; 4]>),
    /// The transpose of `Slice`: the operand placed into zeros of the shape.
    Unslice {
        shape: Shape,
        ranges: SmallVec<[Range; 4]>,
    },
    /// Any number of operands along an existing axis.
    Concatenate {
        axis: usize,
    },
    /// `0, 1, ..., size-1`. No operands.
    Iota {
        size: Dim,
        dtype: DType,
    },

    // reduce.rs: one operand; reduced axes are dropped.
    Reduce {
        kind: Reduction,
        axes: Axes,
    },
    /// Index of the first extreme along an axis: int64.
    ArgReduce {
        kind: Extreme,
        axis: usize,
    },
    /// `cumsum`, `cumprod` along an axis.
    Cumulate {
        kind: Cumulation,
        axis: usize,
    },

    // index.rs
    /// `operand[..., i0, i1, ...]` for integer arrays: operands are the array, then one index array
    /// per entry of `axes`. The broadcast index shape takes the place `at` among the kept axes.
    /// Negative indices count from the end; out of range is an `IndexError` when evaluated.
    Gather {
        axes: Axes,
        at: usize,
    },
    /// The array with `values` placed at the indices: operands are the array, the values (broadcast to
    /// what `Gather` gives), then the index arrays. `Add` accumulates repeated indices; the last write wins in `Set`.
    Scatter {
        kind: Write,
        axes: Axes,
        at: usize,
    },
    /// The array with `values` (second operand) written to, or added to, a slice of it.
    SliceWrite {
        kind: Write,
        ranges: SmallVec<[Range; 4]>,
    },
    /// `np.argwhere`: int64 of shape (k, rank), k known only when evaluated.
    ArgWhere,
    /// Indices that sort along an axis, stable: int64.
    ArgSort {
        axis: usize,
    },

    // linalg.rs
    /// The general product of two operands: `batch` pairs of axes are aligned, `contract` pairs are
    /// summed over. Result axes: batch (in order), then free axes of the left, then of the right.
    Contract {
        batch: SmallVec<[(usize, usize); 2]>,
        contract: SmallVec<[(usize, usize); 2]>,
    },

    // random.rs
    /// A sample from a distribution. Operands are its parameters in NumPy's order, broadcast;
    /// the node's shape is `shape`. Executed in node order by the caller's generator.
    Draw {
        distribution: Distribution,
        shape: Shape,
        generator: u32,
    },
}

/// A range along an axis: `start, start+step, ...`, `size` of them. `start` counts from 0.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Range {
    pub start: Dim,
    pub size: Dim,
    pub step: i64,
}

impl Range {
    /// The whole of an axis.
    pub fn full(size: Dim) -> Range {
        Range {
            start: Dim::known(0),
            size,
            step: 1,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reduction {
    Sum,
    Prod,
    Min,
    Max,
    Any,
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Extreme {
    Min,
    Max,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cumulation {
    Sum,
    Prod,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Write {
    Set,
    Add,
}

/// A value known when lifting.
#[derive(Clone, Debug, PartialEq)]
pub enum Constant {
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    Complex(Complex64),
    Array(Arc<Value>),
}

/// Shape and dtype of `op` applied to `operands`. May record assumptions on sizes.
///
/// # Errors
/// What NumPy would raise for these shapes and dtypes.
pub fn infer(
    _b: &mut crate::graph::Builder,
    _op: &Op,
    _operands: &[crate::graph::NodeId],
) -> crate::error::Result<crate::graph::Aval> {
    todo!("inference")
}
