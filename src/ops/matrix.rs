//! What rules on matrices are written with: products, adjoints, diagonals, triangles.
//!
//! In: nodes whose last two axes are a matrix and whose other axes are a batch. Out: more nodes.
//! `product(b, x, adjoint(b, x)?)` is `x @ x.conj().T` for each matrix of the batch.
//!
//! Source: the notation of Golub and Van Loan, *Matrix Computations*.

use smallvec::SmallVec;

use super::{Axes, Elementwise as E, Op, Range, Reduction};
use crate::error::Result;
use crate::graph::{Builder, DType, Dim, NodeId, Shape};

/// Rows and columns.
pub fn sizes(b: &Builder, x: NodeId) -> (Dim, Dim) {
    let shape = &b.aval(x).shape;
    let rank = shape.len();
    (shape[rank - 2].clone(), shape[rank - 1].clone())
}

/// `x @ y` for each matrix; the batches are equal.
pub fn product(b: &mut Builder, x: NodeId, y: NodeId) -> Result<NodeId> {
    let last = b.aval(x).rank() - 1;
    let batch = (0..last - 1).map(|axis| (axis, axis)).collect();
    let contract = [(last, last - 1)].into_iter().collect();
    b.add(Op::Contract { batch, contract }, &[x, y])
}

/// `trace(x @ y)` for each matrix, without the product.
pub fn trace_of_product(b: &mut Builder, x: NodeId, y: NodeId) -> Result<NodeId> {
    let last = b.aval(x).rank() - 1;
    let batch = (0..last - 1).map(|axis| (axis, axis)).collect();
    let contract = [(last - 1, last), (last, last - 1)].into_iter().collect();
    b.add(Op::Contract { batch, contract }, &[x, y])
}

/// Rows and columns exchanged.
pub fn transposed(b: &mut Builder, x: NodeId) -> Result<NodeId> {
    let rank = b.aval(x).rank();
    let mut perm: Axes = (0..rank).collect();
    perm.swap(rank - 2, rank - 1);
    b.transpose(x, perm)
}

/// The conjugate of complex numbers; others as they are.
pub fn conjugate(b: &mut Builder, x: NodeId) -> Result<NodeId> {
    match b.aval(x).dtype.is_complex() {
        true => b.elementwise(E::Conjugate, &[x]),
        false => Ok(x),
    }
}

/// The conjugate transpose.
pub fn adjoint(b: &mut Builder, x: NodeId) -> Result<NodeId> {
    let turned = transposed(b, x)?;
    conjugate(b, turned)
}

/// The real part, of the real dtype.
pub fn real(b: &mut Builder, x: NodeId) -> Result<NodeId> {
    match b.aval(x).dtype.is_complex() {
        true => b.elementwise(E::Real, &[x]),
        false => Ok(x),
    }
}

pub fn add(b: &mut Builder, x: NodeId, y: NodeId) -> Result<NodeId> {
    b.elementwise(E::Add, &[x, y])
}

pub fn subtract(b: &mut Builder, x: NodeId, y: NodeId) -> Result<NodeId> {
    b.elementwise(E::Subtract, &[x, y])
}

pub fn multiply(b: &mut Builder, x: NodeId, y: NodeId) -> Result<NodeId> {
    b.elementwise(E::Multiply, &[x, y])
}

pub fn divide(b: &mut Builder, x: NodeId, y: NodeId) -> Result<NodeId> {
    b.elementwise(E::Divide, &[x, y])
}

/// `0, 1, ..., size-1` along `axis` of an array of rank `rank`.
pub fn iota(b: &mut Builder, size: Dim, axis: usize, rank: usize) -> Result<NodeId> {
    let line = Op::Iota {
        size: size.clone(),
        dtype: DType::I64,
    };
    let line = b.add(line, &[])?;
    let mut shape: Shape = (0..rank).map(|_| Dim::known(1)).collect();
    shape[axis] = size;
    b.reshape(line, shape)
}

/// How a position's row and column compare.
fn positions(b: &mut Builder, compare: E, rows: Dim, columns: Dim) -> Result<NodeId> {
    let (i, j) = (iota(b, rows, 0, 2)?, iota(b, columns, 1, 2)?);
    b.elementwise(compare, &[i, j])
}

/// `x` where `compare(row, column)`, 0 elsewhere.
fn masked(b: &mut Builder, x: NodeId, compare: E) -> Result<NodeId> {
    let (rows, columns) = sizes(b, x);
    let mask = positions(b, compare, rows, columns)?;
    let zero = b.full(0.0, b.aval(x).dtype, Shape::new())?;
    b.elementwise(E::Where, &[mask, x, zero])
}

/// `np.tril(x)`.
pub fn lower(b: &mut Builder, x: NodeId) -> Result<NodeId> {
    masked(b, x, E::GreaterEqual)
}

/// `np.tril(x, -1)`.
pub fn strictly_lower(b: &mut Builder, x: NodeId) -> Result<NodeId> {
    masked(b, x, E::Greater)
}

/// `np.triu(x)`.
pub fn upper(b: &mut Builder, x: NodeId) -> Result<NodeId> {
    masked(b, x, E::LessEqual)
}

/// `np.triu(x, 1)`.
pub fn strictly_upper(b: &mut Builder, x: NodeId) -> Result<NodeId> {
    masked(b, x, E::Less)
}

/// `x` with `value` on the diagonal.
pub fn with_diagonal(b: &mut Builder, x: NodeId, value: f64) -> Result<NodeId> {
    let (rows, columns) = sizes(b, x);
    let mask = positions(b, E::Equal, rows, columns)?;
    let value = b.full(value, b.aval(x).dtype, Shape::new())?;
    b.elementwise(E::Where, &[mask, value, x])
}

/// The diagonal of square matrices, as the last axis.
pub fn diagonal(b: &mut Builder, x: NodeId) -> Result<NodeId> {
    let last = b.aval(x).rank() - 1;
    let size = b.aval(x).shape[last].clone();
    let line = iota(b, size, 0, 1)?;
    let gather = Op::Gather {
        axes: [last - 1, last].into_iter().collect(),
        at: last - 1,
    };
    b.add(gather, &[x, line, line])
}

/// The identity, broadcast to the shape of `x`.
pub fn identity_like(b: &mut Builder, x: NodeId) -> Result<NodeId> {
    let aval = b.aval(x).clone();
    let (rows, columns) = sizes(b, x);
    let mask = positions(b, E::Equal, rows, columns)?;
    let one = b.cast(mask, aval.dtype)?;
    b.broadcast_to(one, aval.shape)
}

/// A vector per matrix as a row, to meet the matrix's columns.
pub fn as_row(b: &mut Builder, v: NodeId) -> Result<NodeId> {
    let mut shape = b.aval(v).shape.clone();
    shape.insert(shape.len() - 1, Dim::known(1));
    b.reshape(v, shape)
}

/// A vector per matrix as a column, to meet the matrix's rows.
pub fn as_column(b: &mut Builder, v: NodeId) -> Result<NodeId> {
    let mut shape = b.aval(v).shape.clone();
    shape.push(Dim::known(1));
    b.reshape(v, shape)
}

/// A number per matrix, to meet all of its elements.
pub fn as_number(b: &mut Builder, v: NodeId) -> Result<NodeId> {
    let mut shape = b.aval(v).shape.clone();
    shape.extend([Dim::known(1), Dim::known(1)]);
    b.reshape(v, shape)
}

/// The sum over rows: a number per column.
pub fn sum_of_rows(b: &mut Builder, x: NodeId) -> Result<NodeId> {
    let axis = b.aval(x).rank() - 2;
    b.reduce(Reduction::Sum, x, [axis].into_iter().collect())
}

/// Ranges that take everything except along one axis.
fn along(b: &Builder, x: NodeId, axis: usize, start: Dim, size: Dim) -> SmallVec<[Range; 4]> {
    let shape = b.aval(x).shape.iter().cloned();
    let mut ranges: SmallVec<[Range; 4]> = shape.map(Range::full).collect();
    ranges[axis].start = start;
    ranges[axis].size = size;
    ranges
}

/// `size` columns from `start` on.
pub fn columns(b: &mut Builder, x: NodeId, start: Dim, size: Dim) -> Result<NodeId> {
    let ranges = along(b, x, b.aval(x).rank() - 1, start, size);
    b.add(Op::Slice(ranges), &[x])
}

/// `size` rows from `start` on.
pub fn rows(b: &mut Builder, x: NodeId, start: Dim, size: Dim) -> Result<NodeId> {
    let ranges = along(b, x, b.aval(x).rank() - 2, start, size);
    b.add(Op::Slice(ranges), &[x])
}

/// Matrices side by side.
pub fn beside(b: &mut Builder, parts: &[NodeId]) -> Result<NodeId> {
    let axis = b.aval(parts[0]).rank() - 1;
    b.add(Op::Concatenate { axis }, parts)
}

/// Matrices below each other.
pub fn stacked(b: &mut Builder, parts: &[NodeId]) -> Result<NodeId> {
    let axis = b.aval(parts[0]).rank() - 2;
    b.add(Op::Concatenate { axis }, parts)
}

/// `[[x, y], [0, x]]`: a function of it has the function's derivative along `y` in its corner.
pub fn dual(b: &mut Builder, x: NodeId, y: NodeId) -> Result<NodeId> {
    let zero = b.full_like(0.0, x)?;
    let (top, bottom) = (beside(b, &[x, y])?, beside(b, &[zero, x])?);
    stacked(b, &[top, bottom])
}

/// The upper right quarter of matrices that [`dual`] made larger; `n` rows and columns of it.
pub fn corner(b: &mut Builder, x: NodeId, n: Dim) -> Result<NodeId> {
    let top = rows(b, x, Dim::known(0), n.clone())?;
    columns(b, top, n.clone(), n)
}
