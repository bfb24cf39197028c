//! Diagonals and triangles of matrices.
//!
//! In: a bound call. Out: gathers of diagonals, scatters to them, masks of triangles.
//! `np.diag(v)` writes `v` into zeros at `(i, i)`; `np.tril(x)` is `where(i >= j, x, 0)`.

use super::Arg;
use super::argument::*;
use super::index::gather;
use super::shape::operand;
use super::signature::Call;
use crate::error::{Error, Result};
use crate::graph::{Builder, Dim, NodeId, Shape};
use crate::ops::{Elementwise as E, Op, Write};

/// The diagonal between two axes, as a new last axis.
pub(super) fn diagonal_of(
    b: &mut Builder,
    x: NodeId,
    offset: &Dim,
    first: usize,
    second: usize,
) -> Result<NodeId> {
    let shape = b.aval(x).shape.clone();
    let zero = Dim::known(0);
    let (row, column) = if b.assume_at_most(&zero, offset) {
        (zero.clone(), offset.clone())
    } else {
        (zero.clone() - offset.clone(), zero.clone())
    };
    let rows = shape[first].clone() - row.clone();
    let columns = shape[second].clone() - column.clone();
    let mut size = if b.assume_at_most(&rows, &columns) {
        rows
    } else {
        columns
    };
    if !b.assume_at_most(&zero, &size) {
        size = zero;
    }
    let line = iota(b, size, 0, 1)?;
    let shifted = |b: &mut Builder, by: Dim| -> Result<NodeId> {
        if by.as_known() == Some(0) {
            return Ok(line);
        }
        let by = b.size(by);
        binary(b, E::Add, line, by)
    };
    let (i, j) = (shifted(b, row)?, shifted(b, column)?);
    gather(b, x, &[first, second], shape.len() - 2, &[i, j])
}

/// `np.diagonal(a, offset, axis1, axis2)`.
pub(super) fn diagonal(call: &mut Call<'_>) -> Result<Arg> {
    let node = diagonal_node(call)?;
    Ok(as_array(node))
}

pub(super) fn diagonal_node(call: &mut Call<'_>) -> Result<NodeId> {
    let x = operand(call, "a")?;
    let rank = call.b.aval(x).rank();
    if rank < 2 {
        return Err(Error::value(
            "diag requires an array of at least two dimensions",
        ));
    }
    let offset = call.arg("offset");
    let offset = dim(call.b, &offset, "an offset")?;
    let (i, j) = (call.arg("axis1"), call.arg("axis2"));
    let (i, j) = (axis(call.b, &i, rank)?, axis(call.b, &j, rank)?);
    if i == j {
        return Err(Error::value("axis1 and axis2 cannot be the same"));
    }
    diagonal_of(call.b, x, &offset, i, j)
}

/// `np.diag(v, k)`: builds a matrix from a vector, reads the diagonal of a matrix.
pub(super) fn diag(call: &mut Call<'_>) -> Result<Arg> {
    let x = operand(call, "v")?;
    let k = call.arg("k");
    let k = dim(call.b, &k, "k")?;
    match call.b.aval(x).rank() {
        1 => Ok(as_array(matrix_of_diagonal(call.b, x, &k)?)),
        2 => Ok(as_array(diagonal_of(call.b, x, &k, 0, 1)?)),
        _ => Err(Error::value("Input must be 1- or 2-d.")),
    }
}

/// `np.diagflat(v, k)`.
pub(super) fn diag_flat(call: &mut Call<'_>) -> Result<Arg> {
    let x = operand(call, "v")?;
    let k = call.arg("k");
    let k = dim(call.b, &k, "k")?;
    let x = ravel(call.b, x)?;
    Ok(as_array(matrix_of_diagonal(call.b, x, &k)?))
}

fn matrix_of_diagonal(b: &mut Builder, x: NodeId, k: &Dim) -> Result<NodeId> {
    let aval = b.aval(x).clone();
    let zero = Dim::known(0);
    let below = !b.assume_at_most(&zero, k);
    let shift = if below { zero - k.clone() } else { k.clone() };
    let n = aval.shape[0].clone();
    let size = n.clone() + shift.clone();
    let empty = b.full(0.0, aval.dtype, [size.clone(), size].into_iter().collect())?;
    let line = iota(b, n, 0, 1)?;
    let beside = if shift.as_known() == Some(0) {
        line
    } else {
        let shift = b.size(shift);
        binary(b, E::Add, line, shift)?
    };
    let (i, j) = if below {
        (beside, line)
    } else {
        (line, beside)
    };
    let op = Op::Scatter {
        kind: Write::Set,
        axes: [0, 1].into_iter().collect(),
        at: 0,
    };
    b.add(op, &[empty, x, i, j])
}

/// True on and below diagonal `k` of a matrix.
pub(super) fn lower_mask(b: &mut Builder, rows: Dim, columns: Dim, k: &Dim) -> Result<NodeId> {
    let i = iota(b, rows, 0, 2)?;
    let j = iota(b, columns, 1, 2)?;
    let i = if k.as_known() == Some(0) {
        i
    } else {
        let k = b.size(k.clone());
        binary(b, E::Add, i, k)?
    };
    binary(b, E::GreaterEqual, i, j)
}

/// `np.tril`, `np.triu`.
pub(super) fn triangle(call: &mut Call<'_>, upper: bool) -> Result<Arg> {
    let mut x = operand(call, "m")?;
    let k = call.arg("k");
    let mut k = dim(call.b, &k, "k")?;
    if call.b.aval(x).rank() == 1 {
        // A vector counts as equal rows.
        let n = call.b.aval(x).shape[0].clone();
        x = call
            .b
            .broadcast_to(x, [n.clone(), n].into_iter().collect())?;
    }
    let shape = call.b.aval(x).shape.clone();
    let [.., rows, columns] = shape.as_slice() else {
        return Err(Error::type_error(
            "tri() missing 1 required positional argument: 'N'",
        ));
    };
    if upper {
        k = k - Dim::known(1);
    }
    let mask = lower_mask(call.b, rows.clone(), columns.clone(), &k)?;
    let zero = call.b.full(0.0, call.b.aval(x).dtype, Shape::new())?;
    let sides = if upper { [zero, x] } else { [x, zero] };
    let node = call.b.elementwise(E::Where, &[mask, sides[0], sides[1]])?;
    Ok(as_array(node))
}
