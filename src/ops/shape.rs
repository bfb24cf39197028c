//! Operations that move elements and compute nothing.
//!
//! In: the avals of the operands. Out: the aval of the result; derivatives, which move the tangent
//! the same way and the cotangent back.
//!
//! ```text
//! reshape(float64[n0, 3], [3*n0]) : float64[3*n0]        its transpose reshapes back
//! slice(float64[n0], 1:n0) : float64[n0 - 1]             its transpose is unslice
//! ```

use smallvec::SmallVec;

use super::derivative::{materialized, not_linear, settled, tangent_or_zeros};
use super::{Axes, Op, Range, broadcasts_to, one, same_dtype, show_shape, size_along};
use crate::error::{Error, Result};
use crate::graph::{Aval, Builder, Dim, NodeId, Shape};

/// Shape and dtype of the result.
///
/// # Errors
/// What NumPy would raise.
pub fn infer(b: &mut Builder, op: &Op, avals: &[Aval]) -> Result<Aval> {
    match op {
        Op::Reshape(shape) => infer_reshape(b, one(avals)?, shape),
        Op::Transpose(perm) => {
            let x = one(avals)?;
            let mut axes: Vec<usize> = perm.to_vec();
            axes.sort_unstable();
            if axes.into_iter().ne(0..x.rank()) {
                return Err(Error::value("axes don't match array"));
            }
            let shape = perm.iter().map(|&axis| x.shape[axis].clone());
            Ok(Aval::new(x.dtype, shape))
        }
        Op::BroadcastTo(shape) => {
            let x = one(avals)?;
            if !broadcasts_to(b, &x.shape, shape) {
                return Err(Error::value(format!(
                    "operands could not be broadcast together with remapped shapes \
                     [original->remapped]: {}  and requested shape {}",
                    show_shape(b, &x.shape),
                    show_shape(b, shape)
                )));
            }
            Ok(Aval::new(x.dtype, shape.iter().cloned()))
        }
        Op::Slice(ranges) => {
            let x = one(avals)?;
            check_ranges(&x.shape, ranges)?;
            Ok(Aval::new(x.dtype, sliced(ranges)))
        }
        Op::Unslice { shape, ranges } => {
            let x = one(avals)?;
            check_ranges(shape, ranges)?;
            if !broadcasts_to(b, &x.shape, &sliced(ranges)) || x.rank() != ranges.len() {
                return Err(Error::internal(
                    "unslice of a shape that is not the slice's",
                ));
            }
            Ok(Aval::new(x.dtype, shape.iter().cloned()))
        }
        Op::Concatenate { axis } => infer_concatenate(b, avals, *axis),
        Op::Iota { size, dtype } => Ok(Aval::new(*dtype, [size.clone()])),
        other => Err(Error::internal(format!("not a shape operation: {other:?}"))),
    }
}

fn infer_reshape(b: &mut Builder, x: &Aval, shape: &Shape) -> Result<Aval> {
    let result = Aval::new(x.dtype, shape.iter().cloned());
    if !b.assume_equal(&x.size(), &result.size()) {
        let size = b.example(&x.size());
        return Err(Error::value(format!(
            "cannot reshape array of size {} into shape {}",
            size.map_or_else(|| x.size().to_string(), |k| k.to_string()),
            show_shape(b, shape)
        )));
    }
    Ok(result)
}

/// The shape that ranges leave.
pub(super) fn sliced(ranges: &[Range]) -> Shape {
    ranges.iter().map(|r| r.size.clone()).collect()
}

/// One range per axis, each within its axis where that is known.
pub(super) fn check_ranges(shape: &Shape, ranges: &[Range]) -> Result<()> {
    if shape.len() != ranges.len() {
        return Err(Error::internal(format!(
            "{} ranges for {} axes",
            ranges.len(),
            shape.len()
        )));
    }
    for (axis, range) in shape.iter().zip(ranges) {
        let last =
            range.start.clone() + (range.size.clone() - Dim::known(1)) * Dim::known(range.step);
        let bounds = (axis.as_known(), range.start.as_known(), last.as_known());
        if let (Some(n), Some(start), Some(last)) = bounds
            && range.size.as_known().is_some_and(|k| k > 0)
            && !((0..n).contains(&start) && (0..n).contains(&last))
        {
            return Err(Error::internal(format!(
                "range {start}..={last} outside an axis of size {n}"
            )));
        }
    }
    Ok(())
}

fn infer_concatenate(b: &mut Builder, avals: &[Aval], axis: usize) -> Result<Aval> {
    let first = avals
        .first()
        .ok_or_else(|| Error::value("need at least one array to concatenate"))?;
    if avals.iter().any(|a| a.rank() == 0) {
        return Err(Error::value(
            "zero-dimensional arrays cannot be concatenated",
        ));
    }
    same_dtype("concatenate", avals)?;
    size_along(first, axis)?;
    let mut shape = first.shape.clone();
    for (i, other) in avals.iter().enumerate().skip(1) {
        if other.rank() != first.rank() {
            return Err(Error::value(format!(
                "all the input arrays must have same number of dimensions, but the array at index 0 \
                 has {} dimension(s) and the array at index {i} has {} dimension(s)",
                first.rank(),
                other.rank()
            )));
        }
        for (k, (x, y)) in first.shape.iter().zip(&other.shape).enumerate() {
            if k != axis && !b.assume_equal(x, y) {
                let show = |d: &Dim| b.example(d).map_or(d.to_string(), |v| v.to_string());
                return Err(Error::value(format!(
                    "all the input array dimensions except for the concatenation axis must match \
                     exactly, but along dimension {k}, the array at index 0 has size {} and the \
                     array at index {i} has size {}",
                    show(x),
                    show(y)
                )));
            }
        }
        shape[axis] = shape[axis].clone() + other.shape[axis].clone();
    }
    Ok(Aval::new(first.dtype, shape))
}

/// The tangent moves as the value does.
pub fn jvp(
    b: &mut Builder,
    op: &Op,
    operands: &[NodeId],
    tangents: &[Option<NodeId>],
) -> Result<Option<NodeId>> {
    match op {
        Op::Reshape(_)
        | Op::Transpose(_)
        | Op::BroadcastTo(_)
        | Op::Slice(_)
        | Op::Unslice { .. }
        | Op::Concatenate { .. } => {
            let mut moved = Vec::with_capacity(operands.len());
            for (&tangent, &operand) in tangents.iter().zip(operands) {
                moved.push(tangent_or_zeros(b, tangent, operand)?);
            }
            b.add(op.clone(), &moved).map(Some)
        }
        Op::Iota { .. } => Ok(None),
        other => Err(Error::internal(format!("not a shape operation: {other:?}"))),
    }
}

/// The cotangent moves back.
pub fn transpose(
    b: &mut Builder,
    op: &Op,
    operands: &[NodeId],
    linear: &[bool],
    cotangent: NodeId,
    result: &Aval,
) -> Result<Vec<Option<NodeId>>> {
    let is_number = b.aval(cotangent).rank() == 0;
    let moved = match op {
        // The same number everywhere stays so in any order.
        Op::Reshape(_) | Op::Transpose(_) if is_number => cotangent,
        Op::Reshape(_) => {
            let whole = materialized(b, cotangent, result)?;
            let shape = b.aval(operands[0]).shape.clone();
            b.reshape(whole, shape)?
        }
        Op::Transpose(perm) => {
            let whole = materialized(b, cotangent, result)?;
            b.transpose(whole, inverse(perm))?
        }
        Op::BroadcastTo(_) => settled(b, cotangent, result, operands[0])?,
        Op::Slice(ranges) => {
            let whole = materialized(b, cotangent, result)?;
            let back = Op::Unslice {
                shape: b.aval(operands[0]).shape.clone(),
                ranges: ranges.clone(),
            };
            b.add(back, &[whole])?
        }
        Op::Unslice { ranges, .. } => {
            let whole = materialized(b, cotangent, result)?;
            b.add(Op::Slice(ranges.clone()), &[whole])?
        }
        Op::Concatenate { axis } => {
            let whole = materialized(b, cotangent, result)?;
            return split(b, whole, operands, linear, *axis);
        }
        other => return Err(not_linear(other)),
    };
    Ok(vec![Some(moved)])
}

/// The permutation that undoes `perm`.
pub fn inverse(perm: &[usize]) -> Axes {
    let mut back: Axes = perm.into();
    for (i, &p) in perm.iter().enumerate() {
        back[p] = i;
    }
    back
}

/// Each operand's part of a cotangent of their concatenation.
fn split(
    b: &mut Builder,
    whole: NodeId,
    operands: &[NodeId],
    linear: &[bool],
    axis: usize,
) -> Result<Vec<Option<NodeId>>> {
    let mut start = Dim::known(0);
    let mut parts = Vec::with_capacity(operands.len());
    for (&operand, &linear) in operands.iter().zip(linear) {
        let shape = b.aval(operand).shape.clone();
        let size = shape[axis].clone();
        let mut ranges: SmallVec<[Range; 4]> = shape.into_iter().map(Range::full).collect();
        ranges[axis].start = start.clone();
        start = start + size;
        parts.push(match linear {
            true => Some(b.add(Op::Slice(ranges), &[whole])?),
            false => None,
        });
    }
    Ok(parts)
}
