//! Joining and splitting arrays.
//!
//! In: a bound call. Out: concatenate and slice nodes.
//! `np.stack([x, y])` reshapes both to one row and concatenates; `np.split(x, 2)` is two slices.

use smallvec::SmallVec;

use super::argument::*;
use super::shape::{operand, with_rank};
use super::signature::Call;
use super::{Arg, Form, Symbolic};
use crate::error::{Error, Result};
use crate::graph::{Builder, Dim, NodeId};
use crate::ops::{Op, Range};

// Joining.

/// The arrays of a sequence argument under one dtype.
fn arrays(call: &mut Call<'_>, name: &str) -> Result<Vec<NodeId>> {
    let arg = call.arg(name);
    let list = items(call.b, &arg)?;
    if list.is_empty() {
        return Err(Error::value("need at least one array to concatenate"));
    }
    let mut nodes = Vec::with_capacity(list.len());
    for item in &list {
        nodes.push(array(call.b, item)?);
    }
    Ok(nodes)
}

/// Joins arrays whose dtypes and shapes are still to be checked.
pub(super) fn join(call: &mut Call<'_>, nodes: &[NodeId], axis: usize) -> Result<Arg> {
    let wanted = match dtype(&call.arg("dtype"))? {
        Some(d) => d,
        None => common_dtype(
            call.b,
            &nodes
                .iter()
                .map(|&node| Symbolic {
                    node,
                    form: Form::Array,
                })
                .collect::<Vec<_>>(),
        ),
    };
    let mut parts = Vec::with_capacity(nodes.len());
    for &node in nodes {
        parts.push(convert(call.b, node, wanted)?);
    }
    Ok(as_array(concatenate(call.b, &parts, axis)?))
}

/// `np.concatenate(arrays, axis=0)`.
pub(super) fn concatenate_all(call: &mut Call<'_>) -> Result<Arg> {
    let mut nodes = arrays(call, "arrays")?;
    let at = match call.arg("axis") {
        Arg::None => {
            for node in &mut nodes {
                *node = ravel(call.b, *node)?;
            }
            0
        }
        given => {
            let rank = call.b.aval(nodes[0]).rank();
            if rank == 0 {
                return Err(Error::value(
                    "zero-dimensional arrays cannot be concatenated",
                ));
            }
            axis(call.b, &given, rank)?
        }
    };
    join(call, &nodes, at)
}

/// `np.append(arr, values, axis)`.
pub(super) fn append(call: &mut Call<'_>) -> Result<Arg> {
    let mut nodes = vec![operand(call, "arr")?, operand(call, "values")?];
    let at = match call.arg("axis") {
        Arg::None => {
            for node in &mut nodes {
                *node = ravel(call.b, *node)?;
            }
            0
        }
        given => {
            let rank = call.b.aval(nodes[0]).rank();
            axis(call.b, &given, rank)?
        }
    };
    join(call, &nodes, at)
}

/// `np.stack(arrays, axis=0)`.
pub(super) fn stack(call: &mut Call<'_>) -> Result<Arg> {
    let mut nodes =
        arrays(call, "arrays").map_err(|e| retell(e, "need at least one array to stack"))?;
    let given = call.arg("axis");
    let first = call.b.aval(nodes[0]).shape.clone();
    let at = axis(call.b, &given, first.len() + 1)?;
    for node in &mut nodes {
        let shape = call.b.aval(*node).shape.clone();
        let mut same = shape.len() == first.len();
        for (a, c) in shape.iter().zip(&first) {
            same = same && call.b.assume_equal(a, c);
        }
        if !same {
            return Err(Error::value("all input arrays must have the same shape"));
        }
        *node = expand(call.b, *node, &[at])?;
    }
    join(call, &nodes, at)
}

/// `np.vstack`, `np.dstack`: arrays of at least rank `rank`, joined along `axis`.
pub(super) fn stack_at_least(call: &mut Call<'_>, rank: usize, axis: usize) -> Result<Arg> {
    let mut nodes = arrays(call, "tup")?;
    for node in &mut nodes {
        *node = with_rank(call.b, *node, rank)?;
    }
    join(call, &nodes, axis)
}

/// `np.hstack`: vectors end to end, anything else side by side.
pub(super) fn hstack(call: &mut Call<'_>) -> Result<Arg> {
    let mut nodes = arrays(call, "tup")?;
    for node in &mut nodes {
        *node = with_rank(call.b, *node, 1)?;
    }
    let axis = usize::from(call.b.aval(nodes[0]).rank() > 1);
    join(call, &nodes, axis)
}

/// `np.column_stack`: vectors as columns.
pub(super) fn column_stack(call: &mut Call<'_>) -> Result<Arg> {
    let mut nodes = arrays(call, "tup")?;
    for node in &mut nodes {
        *node = match call.b.aval(*node).rank() {
            0 => expand(call.b, *node, &[0, 1])?,
            1 => expand(call.b, *node, &[1])?,
            _ => *node,
        };
    }
    join(call, &nodes, 1)
}

// Splitting.

/// `np.split`, `np.array_split` along an axis.
pub(super) fn split(call: &mut Call<'_>, uneven: bool) -> Result<Arg> {
    let x = operand(call, "ary")?;
    let given = call.arg("axis");
    let rank = call.b.aval(x).rank();
    let at = axis(call.b, &given, rank)?;
    split_along(call, x, at, uneven)
}

/// `np.vsplit`, `np.dsplit`.
pub(super) fn split_at(call: &mut Call<'_>, axis: usize, name: &str) -> Result<Arg> {
    let x = operand(call, "ary")?;
    if call.b.aval(x).rank() <= axis {
        return Err(Error::value(format!(
            "{name} only works on arrays of {} or more dimensions",
            axis + 1
        )));
    }
    split_along(call, x, axis, false)
}

/// `np.vsplit`, which needs two dimensions.
pub(super) fn vsplit(call: &mut Call<'_>) -> Result<Arg> {
    let x = operand(call, "ary")?;
    if call.b.aval(x).rank() < 2 {
        return Err(Error::value(
            "vsplit only works on arrays of 2 or more dimensions",
        ));
    }
    split_along(call, x, 0, false)
}

/// `np.hsplit`: columns, or pieces of a vector.
pub(super) fn hsplit(call: &mut Call<'_>) -> Result<Arg> {
    let x = operand(call, "ary")?;
    let axis = match call.b.aval(x).rank() {
        0 => {
            return Err(Error::value(
                "hsplit only works on arrays of 1 or more dimensions",
            ));
        }
        1 => 0,
        _ => 1,
    };
    split_along(call, x, axis, false)
}

fn split_along(call: &mut Call<'_>, x: NodeId, axis: usize, uneven: bool) -> Result<Arg> {
    let given = call.arg("indices_or_sections");
    let size = call.b.aval(x).shape[axis].clone();
    let mut bounds = vec![Dim::known(0)];
    match &given {
        Arg::Tuple(_) | Arg::List(_) => {
            for index in items(call.b, &given)? {
                let slice = [Arg::None, index, Arg::None];
                bounds.push(super::index::resolve(call.b, &size, &slice)?.size);
            }
        }
        sections => {
            let sections = known_integer(call.b, sections, "the number of sections")?;
            if sections <= 0 {
                return Err(Error::value("number sections must be larger than 0."));
            }
            let each = size.floor_div(&Dim::known(sections));
            let whole = each.clone() * Dim::known(sections);
            if !uneven {
                if !call.b.assume_equal(&whole, &size) {
                    return Err(Error::value(
                        "array split does not result in an equal division",
                    ));
                }
                bounds.extend((1..sections).map(|k| each.clone() * Dim::known(k)));
            } else {
                let size = call.b.concretize(&size);
                let size = size.ok_or_else(|| needs_value("array_split"))?;
                let (each, extra) = (size / sections, size % sections);
                bounds.extend((1..sections).map(|k| Dim::known(each * k + k.min(extra))));
            }
        }
    }
    bounds.push(size);
    let mut parts = Vec::with_capacity(bounds.len() - 1);
    for pair in bounds.windows(2) {
        parts.push(as_array(between(call.b, x, axis, &pair[0], &pair[1])?));
    }
    Ok(Arg::List(parts))
}

/// `x[..., start:stop, ...]` along an axis; nothing if they are out of order.
pub(super) fn between(
    b: &mut Builder,
    x: NodeId,
    axis: usize,
    start: &Dim,
    stop: &Dim,
) -> Result<NodeId> {
    let size = if b.assume_at_most(start, stop) {
        stop.clone() - start.clone()
    } else {
        Dim::known(0)
    };
    let range = Range {
        start: start.clone(),
        size,
        step: 1,
    };
    slice_axis(b, x, axis, range)
}

/// A slice of one axis.
pub(super) fn slice_axis(b: &mut Builder, x: NodeId, axis: usize, range: Range) -> Result<NodeId> {
    let shape = b.aval(x).shape.clone();
    if range == Range::full(shape[axis].clone()) {
        return Ok(x);
    }
    let mut ranges: SmallVec<[Range; 4]> = shape.into_iter().map(Range::full).collect();
    ranges[axis] = range;
    b.add(Op::Slice(ranges), &[x])
}
