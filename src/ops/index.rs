//! Reading and writing at positions: by integer arrays, by slices, in sorted order.
//!
//! In: the avals of the array, the values and the indices. Out: the aval of what is read, or of the
//! array after the write; derivatives. Reading and accumulating are each other's transpose.
//!
//! ```text
//! gather(float64[n0, n1], int64[5]) axes=(0,) at=0 : float64[5, n1]
//! scatter add(float64[n0, n1], float64[5, n1], int64[5]) axes=(0,) at=0 : float64[n0, n1]
//! ```

use super::derivative::{materialized, not_linear, settled, tangent_or_zeros};
use super::shape::{check_ranges, sliced};
use super::{
    Elementwise, Op, Write, broadcasts_to, fits_into, one, same_dtype, show_shape, show_shapes,
    size_along, try_broadcast, two,
};
use crate::error::{Error, Exception, Result};
use crate::graph::{Aval, Builder, DType, Dim, Graph, Kind, NodeId, Shape};

/// Shape and dtype of the result.
///
/// # Errors
/// What NumPy would raise.
pub fn infer(b: &mut Builder, op: &Op, avals: &[Aval]) -> Result<Aval> {
    match op {
        Op::Gather { axes, at } => {
            let (x, indices) = avals
                .split_first()
                .ok_or_else(|| Error::internal("gather of nothing"))?;
            let shape = gathered(b, x, indices, axes, *at)?;
            Ok(Aval::new(x.dtype, shape))
        }
        Op::Scatter { axes, at, .. } => {
            let (x, values) = two(avals)?;
            same_dtype("scatter", &avals[..2])?;
            let slots = gathered(b, x, &avals[2..], axes, *at)?;
            if !broadcasts_to(b, &values.shape, &slots) {
                return Err(Error::value(format!(
                    "shape mismatch: value array of shape {} could not be broadcast to indexing \
                     result of shape {}",
                    show_shape(b, &values.shape),
                    show_shape(b, &slots)
                )));
            }
            Ok(Aval::new(x.dtype, x.shape.iter().cloned()))
        }
        Op::SliceWrite { ranges, .. } => {
            let (x, values) = two(avals)?;
            same_dtype("slice write", avals)?;
            check_ranges(&x.shape, ranges)?;
            fits_into(b, &values.shape, &sliced(ranges))?;
            Ok(Aval::new(x.dtype, x.shape.iter().cloned()))
        }
        // How many there are is known only when evaluated: the builder puts a symbol here.
        Op::ArgWhere => {
            let x = one(avals)?;
            Ok(Aval::new(DType::I64, [Dim::known(0), Dim::from(x.rank())]))
        }
        Op::Arange => {
            let count = one(avals)?;
            if count.rank() > 0 || count.dtype != DType::I64 {
                return Err(Error::internal(format!("arange of {count}")));
            }
            Ok(Aval::new(DType::I64, [Dim::known(0)]))
        }
        Op::SearchSorted { .. } => {
            let (sorted, values) = two(avals)?;
            same_dtype("searchsorted", avals)?;
            let batch = sorted.rank().checked_sub(1);
            let fits =
                batch.is_some_and(|n| values.rank() >= n && sorted.shape[..n] == values.shape[..n]);
            match fits {
                true => Ok(values.with_dtype(DType::I64)),
                false => Err(Error::internal(format!(
                    "searchsorted of {sorted} and {values}"
                ))),
            }
        }
        Op::ArgSort { axis } => {
            let x = one(avals)?;
            size_along(x, *axis)?;
            Ok(x.with_dtype(DType::I64))
        }
        other => Err(Error::internal(format!("not an indexing: {other:?}"))),
    }
}

/// The shape that a gather gives: the index arrays' broadcast shape at `at` among the kept axes.
pub(super) fn gathered(
    b: &mut Builder,
    x: &Aval,
    indices: &[Aval],
    axes: &[usize],
    at: usize,
) -> Result<Shape> {
    let kept = x.rank().checked_sub(axes.len());
    if indices.len() != axes.len() || axes.is_empty() || kept.is_none_or(|k| at > k) {
        return Err(Error::internal("indices and axes do not match"));
    }
    for (i, index) in indices.iter().enumerate() {
        size_along(x, axes[i])?;
        if index.dtype.kind() != Kind::Int {
            return Err(Error::raises(
                Exception::Index,
                "arrays used as indices must be of integer (or boolean) type",
            ));
        }
    }
    let shapes: Vec<&Shape> = indices.iter().map(|i| &i.shape).collect();
    let slots = try_broadcast(b, &shapes).ok_or_else(|| {
        Error::raises(
            Exception::Index,
            format!(
                "shape mismatch: indexing arrays could not be broadcast together with shapes {}",
                show_shapes(b, &shapes)
            ),
        )
    })?;
    let mut shape: Shape = (0..x.rank())
        .filter(|axis| !axes.contains(axis))
        .map(|axis| x.shape[axis].clone())
        .collect();
    shape.insert_many(at, slots);
    Ok(shape)
}

/// Tangents are read and written at the same places.
pub fn jvp(
    b: &mut Builder,
    op: &Op,
    operands: &[NodeId],
    tangents: &[Option<NodeId>],
) -> Result<Option<NodeId>> {
    match op {
        Op::Gather { .. } => match tangents[0] {
            None => Ok(None),
            Some(t) => b.add(op.clone(), &replaced(operands, &[t])).map(Some),
        },
        Op::Scatter { kind, .. } | Op::SliceWrite { kind, .. } => {
            if let (Write::Add, [Some(t), None, ..]) = (kind, tangents) {
                return Ok(Some(*t));
            }
            if let (Op::SliceWrite { ranges, .. }, [None, Some(t)]) = (op, tangents) {
                let t = b.broadcast_to(*t, sliced(ranges))?;
                let shape = b.aval(operands[0]).shape.clone();
                let ranges = ranges.clone();
                return b.add(Op::Unslice { shape, ranges }, &[t]).map(Some);
            }
            let array = tangent_or_zeros(b, tangents[0], operands[0])?;
            let values = match tangents[1] {
                Some(t) => t,
                None => zero_of(b, operands[0])?,
            };
            b.add(op.clone(), &replaced(operands, &[array, values]))
                .map(Some)
        }
        Op::ArgWhere | Op::Arange | Op::ArgSort { .. } | Op::SearchSorted { .. } => Ok(None),
        other => Err(Error::internal(format!("not an indexing: {other:?}"))),
    }
}

/// The operands with the first ones replaced.
fn replaced(operands: &[NodeId], first: &[NodeId]) -> Vec<NodeId> {
    let mut out = operands.to_vec();
    out[..first.len()].copy_from_slice(first);
    out
}

/// A scalar zero in the dtype of `like`.
fn zero_of(b: &mut Builder, like: NodeId) -> Result<NodeId> {
    let dtype = b.aval(like).dtype;
    b.full(0.0, dtype, Shape::new())
}

/// What was read is accumulated where it was; what was written is read back, and what it replaced
/// has no part in the result.
pub fn transpose(
    b: &mut Builder,
    op: &Op,
    operands: &[NodeId],
    linear: &[bool],
    cotangent: NodeId,
    result: &Aval,
) -> Result<Vec<Option<NodeId>>> {
    let whole = materialized(b, cotangent, result)?;
    let mut out = vec![None; operands.len()];
    match op {
        Op::Gather { axes, at } => {
            let zeros = b.full_like(0.0, operands[0])?;
            let back = Op::Scatter {
                kind: Write::Add,
                axes: axes.clone(),
                at: *at,
            };
            let operands = [&[zeros, whole], &operands[1..]].concat();
            out[0] = Some(b.add(back, &operands)?);
        }
        Op::Scatter { kind, axes, at } => {
            let indices = &operands[2..];
            if linear[0] {
                out[0] = Some(erased(b, op, *kind, operands, whole)?);
            }
            if linear[1] {
                let gather = Op::Gather {
                    axes: axes.clone(),
                    at: *at,
                };
                let mut read = b.add(gather.clone(), &[&[whole], indices].concat())?;
                if *kind == Write::Set && !distinct(b, indices) {
                    read = last_writers(b, op, &gather, operands, read)?;
                }
                let slots = b.aval(read).clone();
                out[1] = Some(settled(b, read, &slots, operands[1])?);
            }
        }
        Op::SliceWrite { kind, ranges } => {
            if linear[0] {
                out[0] = Some(erased(b, op, *kind, operands, whole)?);
            }
            if linear[1] {
                let read = b.add(Op::Slice(ranges.clone()), &[whole])?;
                let slots = b.aval(read).clone();
                out[1] = Some(settled(b, read, &slots, operands[1])?);
            }
        }
        other => return Err(not_linear(other)),
    }
    Ok(out)
}

/// The cotangent of the array that was written to.
fn erased(
    b: &mut Builder,
    op: &Op,
    kind: Write,
    operands: &[NodeId],
    cotangent: NodeId,
) -> Result<NodeId> {
    match kind {
        Write::Add => Ok(cotangent),
        Write::Set => {
            let zero = zero_of(b, cotangent)?;
            b.add(op.clone(), &replaced(operands, &[cotangent, zero]))
        }
    }
}

/// Whether the indices surely name each place once: a single place, or places found by `argwhere`.
fn distinct(b: &Builder, indices: &[NodeId]) -> bool {
    let mut found = false;
    for &index in indices {
        let mut id = index;
        loop {
            match b.op(id) {
                Op::ArgWhere | Op::Arange => {
                    found = true;
                    break;
                }
                // A range with a start: each place once, unless its step is 0.
                Op::Elementwise(Elementwise::Add) => {
                    let operands = b.graph().operands(id);
                    match operands.iter().find(|&&o| b.aval(o).rank() > 0) {
                        Some(&array) if operands.iter().any(|&o| b.aval(o).rank() == 0) => {
                            id = array;
                        }
                        _ => break,
                    }
                }
                Op::Slice(_) | Op::Reshape(_) | Op::Cast(_) => id = b.graph().operands(id)[0],
                _ => break,
            }
        }
    }
    found || indices.iter().all(|&i| b.aval(i).rank() == 0)
}

/// `read`, with zeros where a later write to the same place won. Each slot writes its number, and has
/// won where it reads that number back.
fn last_writers(
    b: &mut Builder,
    scatter: &Op,
    gather: &Op,
    operands: &[NodeId],
    read: NodeId,
) -> Result<NodeId> {
    let slots = b.aval(read).clone();
    let numbers = Op::Iota {
        size: slots.size(),
        dtype: DType::I64,
    };
    let numbers = b.add(numbers, &[])?;
    let numbers = b.reshape(numbers, slots.shape.clone())?;
    let shape = b.aval(operands[0]).shape.clone();
    let blank = b.full(0.0, DType::I64, shape)?;
    let owners = b.add(scatter.clone(), &replaced(operands, &[blank, numbers]))?;
    let owner = b.add(gather.clone(), &[&[owners], &operands[2..]].concat())?;
    let won = b.elementwise(Elementwise::Equal, &[owner, numbers])?;
    let zero = b.float(0.0);
    b.elementwise(Elementwise::Where, &[won, read, zero])
}

/// Whether a node is `start + step * arange(n)` of int64: positions that a slice could have.
pub fn is_range(graph: &Graph, id: NodeId) -> bool {
    let operands = graph.operands(id);
    match graph.op(id) {
        Op::Arange => true,
        Op::Iota { dtype, .. } => *dtype == DType::I64,
        Op::Elementwise(Elementwise::Add | Elementwise::Multiply)
            if graph.aval(id).dtype == DType::I64 =>
        {
            let of = |array: NodeId, number: NodeId| {
                graph.aval(array).rank() == 1
                    && graph.aval(number).rank() == 0
                    && graph.aval(number).dtype == DType::I64
                    && is_range(graph, array)
            };
            of(operands[0], operands[1]) || of(operands[1], operands[0])
        }
        _ => false,
    }
}
