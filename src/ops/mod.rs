//! What a node can do.
//!
//! One closed enum, [`Op`], by family. Facts of mathematics live here: shape and dtype, meaning,
//! derivative. An elementwise operation is one row of [`elementwise`]; each other family is a file
//! with the same functions in the same order: `infer`, `jvp`, `transpose`.
//! To add an operation: add the variant, then do what `cargo check` lists.

pub mod control;
pub mod custom;
pub mod decide;
pub mod decompose;
pub mod derivative;
pub mod elementwise;
pub mod fourier;
pub mod index;
pub mod linalg;
pub mod matrix;
pub mod outside;
pub mod random;
pub mod reduce;
pub mod shape;

use std::sync::Arc;

use num_complex::Complex64;
use smallvec::{SmallVec, smallvec};

use crate::error::{Error, Exception, Result};
use crate::eval::value::Value;
use crate::graph::{Aval, Builder, DType, Dim, NodeId, Shape};
pub use control::{Cond, Loop};
pub use custom::{Custom, Rule};
pub use decompose::{Decomposition, MatrixFunction, System};
pub use derivative::{accumulated, jvp, jvp_results, materialized, transpose, transpose_results};
pub use elementwise::Elementwise;
pub use fourier::Fourier;
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
    /// Result `k` of an operand with several results; the operand itself stands for its first, so
    /// `k` is at least 1. There is at most one such node for each result.
    Part(usize),

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
    /// `np.arange(n)` of an int64 number: int64, its size known only when evaluated. What `x[i:j]`
    /// reads for bounds that are values is a gather at `i + arange(j - i)`.
    Arange,
    /// Indices that sort along an axis, stable: int64.
    ArgSort {
        axis: usize,
    },
    /// `np.searchsorted`: where values belong among sorted ones, before or after equals: int64. Sorted
    /// rows are the last axis of the first operand; the axes before it are the first of the values, too.
    SearchSorted {
        right: bool,
    },

    // linalg.rs
    /// The general product of two operands: `batch` pairs of axes are aligned, `contract` pairs are
    /// summed over. Result axes: batch (in order), then free axes of the left, then of the right.
    Contract {
        batch: SmallVec<[(usize, usize); 2]>,
        contract: SmallVec<[(usize, usize); 2]>,
    },

    // decompose.rs: the last two axes of an operand are a matrix, those before them a batch.
    /// The factors or a function of one matrix.
    Decompose(Decomposition),
    /// `x` in `a @ x = b`. Operands are `a` (..., n, n) and `b` (..., n, k) of the same batch.
    Solve(System),
    /// The pseudo-inverse. Operands are the matrix, and the fraction of the largest singular value
    /// up to which others count as 0.
    PseudoInverse,
    /// The derivative of a function at a matrix, along another: the operands.
    Frechet(MatrixFunction),

    // fourier.rs
    /// A transform along an axis, not normalised.
    Fourier {
        kind: Fourier,
        axis: usize,
    },
    // control.rs: see there for operands and results.
    Loop(Arc<Loop>),
    Cond(Arc<Cond>),

    // custom.rs: see there for operands and results.
    Custom(Arc<Custom>),
    Pullback(Arc<Custom>),

    // random.rs
    /// A sample from a distribution. Operands are its parameters in NumPy's order, broadcast;
    /// the node's shape is `shape`. Executed in node order by the caller's generator.
    Draw {
        distribution: Distribution,
        shape: Shape,
        generator: u32,
    },

    // outside.rs
    /// A call of compiled code, made by the caller of the graph; its results are those that it had when
    /// the graph was made, in number, dtypes and shapes. `site` says which call of the program it is.
    Call {
        site: u32,
        callee: Arc<str>,
        results: Vec<Aval>,
        further: outside::FurtherAxes,
    },

    // decide.rs
    /// A decision that lifting took by a value: the operand, a number, was `expected`. Gives the
    /// operand. An effect: a run in which it is something else ends there, with `Assumption`.
    Decide {
        expected: Constant,
    },
}

impl Op {
    /// Whether it must happen, in the order of the graph, even if nothing reads its result.
    pub fn is_effect(&self) -> bool {
        matches!(self, Op::Draw { .. } | Op::Decide { .. })
    }

    /// What it loops over, if it is work that can be fused.
    pub fn space(&self) -> Option<Space> {
        match self {
            Op::Elementwise(_) | Op::Cast(_) => Some(Space::Result),
            Op::Reduce { .. } => Some(Space::Operand),
            Op::Input
            | Op::Constant(_)
            | Op::Size(_)
            | Op::Part(_)
            | Op::Reshape(_)
            | Op::Transpose(_)
            | Op::BroadcastTo(_)
            | Op::Slice(_)
            | Op::Unslice { .. }
            | Op::Concatenate { .. }
            | Op::Iota { .. }
            | Op::ArgReduce { .. }
            | Op::Cumulate { .. }
            | Op::Gather { .. }
            | Op::Scatter { .. }
            | Op::SliceWrite { .. }
            | Op::ArgWhere
            | Op::Arange
            | Op::Loop(_)
            | Op::Cond(_)
            | Op::Custom(_)
            | Op::Pullback(_)
            | Op::ArgSort { .. }
            | Op::SearchSorted { .. }
            | Op::Contract { .. }
            | Op::Draw { .. }
            | Op::Decide { .. }
            | Op::Call { .. }
            | Op::Decompose(_)
            | Op::Solve(_)
            | Op::PseudoInverse
            | Op::Frechet(_)
            | Op::Fourier { .. } => None,
        }
    }

    /// How many results an operation has that gives a tuple of them.
    pub fn result_count(&self) -> Option<usize> {
        match self {
            Op::Decompose(kind) => Some(kind.result_count()).filter(|&count| count > 1),
            Op::Input
            | Op::Constant(_)
            | Op::Size(_)
            | Op::Part(_)
            | Op::Elementwise(_)
            | Op::Cast(_)
            | Op::Reshape(_)
            | Op::Transpose(_)
            | Op::BroadcastTo(_)
            | Op::Slice(_)
            | Op::Unslice { .. }
            | Op::Concatenate { .. }
            | Op::Iota { .. }
            | Op::Reduce { .. }
            | Op::ArgReduce { .. }
            | Op::Cumulate { .. }
            | Op::Gather { .. }
            | Op::Scatter { .. }
            | Op::SliceWrite { .. }
            | Op::ArgWhere
            | Op::Arange
            | Op::Loop(_)
            | Op::Cond(_)
            | Op::ArgSort { .. }
            | Op::SearchSorted { .. }
            | Op::Contract { .. }
            | Op::Solve(_)
            | Op::PseudoInverse
            | Op::Frechet(_)
            | Op::Fourier { .. }
            | Op::Draw { .. }
            | Op::Decide { .. } => None,
            Op::Call { results, .. } => Some(results.len()).filter(|&count| count > 1),
            Op::Custom(c) | Op::Pullback(c) => Some(c.results).filter(|&count| count > 1),
        }
    }

    /// The sizes that the operation has as attributes.
    pub fn sizes(&self) -> Vec<&Dim> {
        match self {
            Op::Size(dim)
            | Op::Iota { size: dim, .. }
            | Op::Fourier {
                kind: Fourier::RealInverse(dim),
                ..
            } => vec![dim],
            Op::Reshape(shape) | Op::BroadcastTo(shape) | Op::Draw { shape, .. } => {
                shape.iter().collect()
            }
            Op::Slice(ranges) | Op::SliceWrite { ranges, .. } => {
                ranges.iter().flat_map(|r| [&r.start, &r.size]).collect()
            }
            Op::Unslice { shape, ranges } => {
                let ranges = ranges.iter().flat_map(|r| [&r.start, &r.size]);
                shape.iter().chain(ranges).collect()
            }
            Op::Call { results, .. } => results.iter().flat_map(|a| &a.shape).collect(),
            Op::Input
            | Op::Constant(_)
            | Op::Part(_)
            | Op::Elementwise(_)
            | Op::Cast(_)
            | Op::Transpose(_)
            | Op::Concatenate { .. }
            | Op::Reduce { .. }
            | Op::ArgReduce { .. }
            | Op::Cumulate { .. }
            | Op::Gather { .. }
            | Op::Scatter { .. }
            | Op::ArgWhere
            | Op::Arange
            | Op::ArgSort { .. }
            | Op::SearchSorted { .. }
            | Op::Loop(_)
            | Op::Cond(_)
            | Op::Custom(_)
            | Op::Pullback(_)
            | Op::Contract { .. }
            | Op::Decide { .. }
            | Op::Decompose(_)
            | Op::Solve(_)
            | Op::PseudoInverse
            | Op::Frechet(_)
            | Op::Fourier { .. } => vec![],
        }
    }

    /// Rewrites every size the operation mentions.
    pub fn map_sizes(&mut self, f: &dyn Fn(&Dim) -> Dim) {
        let shape = |shape: &mut Shape| shape.iter_mut().for_each(|d| *d = f(d));
        let all = |ranges: &mut SmallVec<[Range; 4]>| {
            for range in ranges {
                range.start = f(&range.start);
                range.size = f(&range.size);
            }
        };
        match self {
            Op::Size(size)
            | Op::Iota { size, .. }
            | Op::Fourier {
                kind: Fourier::RealInverse(size),
                ..
            } => *size = f(size),
            Op::Reshape(to) | Op::BroadcastTo(to) => shape(to),
            Op::Slice(ranges) | Op::SliceWrite { ranges, .. } => all(ranges),
            Op::Unslice { shape: to, ranges } => {
                shape(to);
                all(ranges);
            }
            Op::Draw { shape: to, .. } => shape(to),
            Op::Call { results, .. } => results.iter_mut().for_each(|a| shape(&mut a.shape)),
            Op::Input
            | Op::Constant(_)
            | Op::Part(_)
            | Op::Elementwise(_)
            | Op::Cast(_)
            | Op::Transpose(_)
            | Op::Concatenate { .. }
            | Op::Reduce { .. }
            | Op::ArgReduce { .. }
            | Op::Cumulate { .. }
            | Op::Gather { .. }
            | Op::Scatter { .. }
            | Op::ArgWhere
            | Op::Arange
            | Op::ArgSort { .. }
            | Op::SearchSorted { .. }
            | Op::Loop(_)
            | Op::Cond(_)
            | Op::Custom(_)
            | Op::Pullback(_)
            | Op::Contract { .. }
            | Op::Decide { .. }
            | Op::Decompose(_)
            | Op::Solve(_)
            | Op::PseudoInverse
            | Op::Frechet(_)
            | Op::Fourier { .. } => {}
        }
    }
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

/// What work done element by element loops over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// The elements of its result.
    Result,
    /// Those of its operand, which it reduces.
    Operand,
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

impl Constant {
    /// What it is on its own: a Python literal, or an array.
    pub fn aval(&self) -> Aval {
        match self {
            Constant::Bool(_) => Aval::weak(DType::Bool),
            Constant::Int(_) => Aval::weak(DType::I64),
            Constant::UInt(_) => Aval::weak(DType::U64),
            Constant::Float(_) => Aval::weak(DType::F64),
            Constant::Complex(_) => Aval::weak(DType::C128),
            Constant::Array(value) => {
                Aval::new(value.dtype, value.shape.iter().map(|&n| Dim::from(n)))
            }
        }
    }
}

/// The avals of all results of `op` applied to `operands`: the node's own, then those that
/// [`Op::Part`] reads.
///
/// # Errors
/// As [`infer`].
pub fn results(b: &mut Builder, op: &Op, operands: &[NodeId]) -> Result<SmallVec<[Aval; 2]>> {
    match op {
        Op::Decompose(_) => {
            let avals: SmallVec<[Aval; 4]> = operands.iter().map(|&x| b.aval(x).clone()).collect();
            decompose::results(b, op, &avals)
        }
        Op::Call { .. } => outside::results(op),
        Op::Custom(c) | Op::Pullback(c) => {
            let avals: SmallVec<[Aval; 4]> = operands.iter().map(|&x| b.aval(x).clone()).collect();
            custom::results(c, &avals)
        }
        Op::Loop(_) | Op::Cond(_) => {
            let mut avals = control::results(b, op, operands)?;
            for size in avals.iter_mut().flat_map(|aval| &mut aval.shape) {
                *size = b.canonical(size);
            }
            Ok(avals)
        }
        _ => Ok(smallvec![infer(b, op, operands)?]),
    }
}

/// Shape and dtype of `op` applied to `operands`. May record assumptions on sizes.
///
/// # Errors
/// What NumPy would raise for these shapes and dtypes.
pub fn infer(b: &mut Builder, op: &Op, operands: &[NodeId]) -> Result<Aval> {
    let mut aval = infer_by_family(b, op, operands)?;
    for size in &mut aval.shape {
        *size = b.canonical(size);
    }
    Ok(aval)
}

fn infer_by_family(b: &mut Builder, op: &Op, operands: &[NodeId]) -> Result<Aval> {
    let avals: SmallVec<[Aval; 4]> = operands.iter().map(|&x| b.aval(x).clone()).collect();
    match op {
        Op::Input => Err(Error::internal("an input is declared, not inferred")),
        Op::Constant(constant) => Ok(constant.aval()),
        Op::Size(_) => Ok(Aval::weak(DType::I64)),
        Op::Part(k) => part(b, *k, operands),
        Op::Loop(_) | Op::Cond(_) => {
            let first = control::results(b, op, operands)?.into_iter().next();
            first.ok_or_else(|| Error::internal("a nested graph without results"))
        }
        Op::Elementwise(e) => {
            let shapes: SmallVec<[&Shape; 4]> = avals.iter().map(|a| &a.shape).collect();
            let shape = broadcast_shapes(b, &shapes)?;
            let avals: SmallVec<[&Aval; 4]> = avals.iter().collect();
            let chosen = e.result_dtype(&avals)?;
            Ok(Aval {
                dtype: chosen.out,
                weak: chosen.weak && shape.is_empty(),
                shape,
            })
        }
        Op::Cast(dtype) => Ok(one(&avals)?.with_dtype(*dtype)),
        Op::Reshape(_)
        | Op::Transpose(_)
        | Op::BroadcastTo(_)
        | Op::Slice(_)
        | Op::Unslice { .. }
        | Op::Concatenate { .. }
        | Op::Iota { .. } => shape::infer(b, op, &avals),
        Op::Reduce { .. } | Op::ArgReduce { .. } | Op::Cumulate { .. } => {
            reduce::infer(b, op, &avals)
        }
        Op::Gather { .. }
        | Op::Scatter { .. }
        | Op::SliceWrite { .. }
        | Op::ArgWhere
        | Op::Arange
        | Op::ArgSort { .. }
        | Op::SearchSorted { .. } => index::infer(b, op, &avals),
        Op::Contract { .. } => linalg::infer(b, op, &avals),
        Op::Fourier { .. } => fourier::infer(b, op, &avals),
        Op::Decompose(_) | Op::Solve(_) | Op::PseudoInverse | Op::Frechet(_) => {
            decompose::results(b, op, &avals).map(|mut all| all.swap_remove(0))
        }
        Op::Draw {
            distribution,
            shape,
            ..
        } => Ok(Aval::new(distribution.dtype(), shape.iter().cloned())),
        Op::Decide { .. } => decide::infer(op, &avals),
        Op::Call { .. } => Ok(outside::results(op)?.swap_remove(0)),
        Op::Custom(c) | Op::Pullback(c) => Ok(custom::results(c, &avals)?.swap_remove(0)),
    }
}

/// Result `k` of the only operand.
fn part(b: &mut Builder, k: usize, operands: &[NodeId]) -> Result<Aval> {
    let &[of] = operands else {
        return Err(Error::internal("a part of several values"));
    };
    let (op, operands) = (b.op(of).clone(), b.graph().operands(of));
    let mut avals = results(b, &op, &operands)?;
    if k == 0 || k >= avals.len() {
        return Err(Error::internal(format!(
            "result {k} of an operation with {}",
            avals.len()
        )));
    }
    Ok(avals.swap_remove(k))
}

/// The only operand.
pub(crate) fn one(avals: &[Aval]) -> Result<&Aval> {
    match avals {
        [a] => Ok(a),
        _ => Err(Error::internal(format!("{} operands, not 1", avals.len()))),
    }
}

/// The first two operands.
pub(crate) fn two(avals: &[Aval]) -> Result<(&Aval, &Aval)> {
    match avals {
        [a, b, ..] => Ok((a, b)),
        _ => Err(Error::internal(format!("{} operands, not 2", avals.len()))),
    }
}

/// Structural operations do not convert: whoever builds them casts first.
pub(crate) fn same_dtype(what: &str, avals: &[Aval]) -> Result<()> {
    match avals.iter().find(|a| a.dtype != avals[0].dtype) {
        None => Ok(()),
        Some(other) => Err(Error::internal(format!(
            "{what} of {} and {}: cast first",
            avals[0].dtype, other.dtype
        ))),
    }
}

/// The axis, checked.
pub(crate) fn size_along(aval: &Aval, axis: usize) -> Result<&Dim> {
    aval.shape.get(axis).ok_or_else(|| {
        Error::raises(
            Exception::Axis,
            format!(
                "axis {axis} is out of bounds for array of dimension {}",
                aval.rank()
            ),
        )
    })
}

/// NumPy's broadcasting of shapes, aligned at the right.
///
/// # Errors
/// `ValueError` with the text of ufuncs.
pub fn broadcast_shapes(b: &mut Builder, shapes: &[&Shape]) -> Result<Shape> {
    try_broadcast(b, shapes).ok_or_else(|| {
        Error::value(format!(
            "operands could not be broadcast together with shapes {}",
            show_shapes(b, shapes)
        ))
    })
}

/// As [`broadcast_shapes`], leaving the message to the caller.
pub fn try_broadcast(b: &mut Builder, shapes: &[&Shape]) -> Option<Shape> {
    let rank = shapes.iter().map(|s| s.len()).max().unwrap_or(0);
    (0..rank)
        .map(|axis| {
            let mut size = Dim::known(1);
            for shape in shapes {
                if let Some(at) = (axis + shape.len()).checked_sub(rank) {
                    size = broadcast_sizes(b, &size, &shape[at])?;
                }
            }
            Some(size)
        })
        .collect()
}

/// Whether `from` broadcasts to exactly `to`.
pub fn broadcasts_to(b: &mut Builder, from: &Shape, to: &Shape) -> bool {
    from.len() <= to.len()
        && from
            .iter()
            .rev()
            .zip(to.iter().rev())
            .all(|(f, t)| f == t || b.assumed_one(f) || b.assume_equal(f, t))
}

/// Broadcasts `from` to `to`, saying what NumPy says of assignments if it does not fit.
pub(crate) fn fits_into(b: &mut Builder, from: &Shape, to: &Shape) -> Result<()> {
    if broadcasts_to(b, from, to) {
        return Ok(());
    }
    Err(Error::value(format!(
        "could not broadcast input array from shape {} into shape {}",
        show_shape(b, from),
        show_shape(b, to)
    )))
}

fn broadcast_sizes(b: &mut Builder, x: &Dim, y: &Dim) -> Option<Dim> {
    if x == y || y.is_one() {
        return Some(x.clone());
    }
    if x.is_one() {
        return Some(y.clone());
    }
    // A size that happened to be 1 on the call being lifted broadcasts, and is from then on 1.
    match (b.assumed_one(x), b.assumed_one(y)) {
        (_, true) => Some(x.clone()),
        (true, false) => Some(y.clone()),
        (false, false) => b
            .assume_equal(x, y)
            .then(|| if y.as_known().is_some() { y } else { x }.clone()),
    }
}

/// `(3, 4)`, `(3,)`, `()`: sizes as seen when lifting where they are symbolic.
pub(crate) fn show_shape(b: &Builder, shape: &[Dim]) -> String {
    let sizes: Vec<String> = shape
        .iter()
        .map(|d| {
            b.example(d)
                .map_or_else(|| d.to_string(), |k| k.to_string())
        })
        .collect();
    match sizes.as_slice() {
        [only] => format!("({only},)"),
        many => format!("({})", many.join(",")),
    }
}

/// `(3,) (4,) `, with the space that NumPy leaves at the end.
pub(crate) fn show_shapes(b: &Builder, shapes: &[&Shape]) -> String {
    shapes.iter().map(|s| show_shape(b, s) + " ").collect()
}
