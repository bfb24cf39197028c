//! The axes of an array: reshaped, permuted, added, dropped, broadcast.
//!
//! In: a bound call. Out: reshape, transpose and broadcast nodes.
//! `np.expand_dims(x, 0)` is a reshape; `x.reshape(2, -1, order="F")` reverses the axes, reshapes and
//! reverses again.

use super::argument::*;
use super::index::position;
use super::join::slice_axis;
use super::signature::Call;
use super::{Arg, Form, Symbolic};
use crate::error::{Error, Result};
use crate::graph::{Builder, Dim, NodeId, Shape};
use crate::ops::{Axes, Range};

pub(super) fn operand(call: &mut Call<'_>, name: &str) -> Result<NodeId> {
    let arg = call.arg(name);
    array(call.b, &arg)
}

// Axes and sizes.

/// `np.reshape(a, shape, order)`, `x.reshape(2, 3)`.
pub(super) fn reshape(call: &mut Call<'_>) -> Result<Arg> {
    let given = call.arg("a");
    let form = symbolic(call.b, &given)?.form;
    let x = array(call.b, &given)?;
    let target = match call.rest().as_slice() {
        [] => call.arg("shape"),
        [one] => one.clone(),
        several => Arg::Tuple(several.to_vec()),
    };
    let mut shape = sizes(call.b, &target)?;
    let size = call.b.aval(x).size();
    fill_in(call.b, &size, &mut shape)?;
    let fortran = match call.arg("order") {
        Arg::Str(order) if order == "F" => true,
        Arg::Str(order) if order == "C" || order == "A" => false,
        Arg::None => false,
        _ => return Err(Error::value("order must be one of 'C', 'F' or 'A'")),
    };
    let node = if fortran {
        let x = reverse_axes(call.b, x)?;
        shape.reverse();
        let y = call.b.reshape(x, shape)?;
        reverse_axes(call.b, y)?
    } else {
        call.b.reshape(x, shape)?
    };
    let form = if form == Form::Array || call.b.aval(node).rank() > 0 {
        Form::Array
    } else {
        Form::Scalar
    };
    Ok(Arg::Array(Symbolic { node, form }))
}

/// A shape in which one size may be -1.
fn sizes(b: &mut Builder, arg: &Arg) -> Result<Shape> {
    let list = match arg {
        Arg::Tuple(_) | Arg::List(_) => items(b, arg)?,
        one => vec![one.clone()],
    };
    list.iter().map(|item| dim(b, item, "a size")).collect()
}

/// Replaces -1 by what is left.
fn fill_in(b: &mut Builder, size: &Dim, shape: &mut Shape) -> Result<()> {
    let is_unknown = |d: &Dim| d.as_known().is_some_and(|k| k < 0);
    let unknown: Vec<usize> = (0..shape.len())
        .filter(|&i| is_unknown(&shape[i]))
        .collect();
    let known = shape.iter().filter(|d| !is_unknown(d)).cloned();
    let known = known.fold(Dim::known(1), |a, b| a * b);
    let fits = match unknown.as_slice() {
        // The size is checked when the node is made.
        [] => return Ok(()),
        [_] if known.as_known() == Some(0) => false,
        [at] => {
            shape[*at] = size.floor_div(&known);
            let product = shape[*at].clone() * known;
            b.assume_equal(&product, size)
        }
        _ => {
            return Err(Error::value("can only specify one unknown dimension"));
        }
    };
    if fits {
        return Ok(());
    }
    let text = shape.iter().enumerate().map(|(i, d)| {
        if unknown.contains(&i) {
            "newaxis".to_owned()
        } else {
            shown(b, d)
        }
    });
    Err(Error::value(format!(
        "cannot reshape array of size {} into shape {}",
        shown(b, size),
        tuple_text(text)
    )))
}

fn reverse_axes(b: &mut Builder, x: NodeId) -> Result<NodeId> {
    let rank = b.aval(x).rank();
    b.transpose(x, (0..rank).rev().collect())
}

/// `np.ravel`, `x.flatten()`.
pub(super) fn flat(call: &mut Call<'_>) -> Result<Arg> {
    let x = operand(call, "a")?;
    let x = match call.arg("order") {
        Arg::Str(order) if order == "F" => reverse_axes(call.b, x)?,
        _ => x,
    };
    Ok(as_array(ravel(call.b, x)?))
}

/// `np.transpose(a, axes)`, `x.transpose(1, 0)`, `x.T`.
pub(super) fn transpose(call: &mut Call<'_>) -> Result<Arg> {
    let given = call.arg("a");
    let x = symbolic(call.b, &given)?;
    let node = strong(call.b, x.node)?;
    let rank = call.b.aval(node).rank();
    let axes = match call.rest().as_slice() {
        [] => call.arg("axes"),
        [one] => one.clone(),
        several => Arg::Tuple(several.to_vec()),
    };
    let perm: Axes = match &axes {
        Arg::None => (0..rank).rev().collect(),
        Arg::Tuple(list) | Arg::List(list) if list.len() != rank => {
            return Err(Error::value("axes don't match array"));
        }
        Arg::Tuple(_) | Arg::List(_) => super::argument::axes(call.b, &axes, rank)
            .map_err(|e| retell(e, "repeated axis in transpose"))?,
        _ if rank == 1 => super::argument::axes(call.b, &axes, rank)?,
        _ => return Err(Error::value("axes don't match array")),
    };
    let out = call.b.transpose(node, perm)?;
    Ok(like(call.b, x, out))
}

/// `np.swapaxes`.
pub(super) fn swap_axes(call: &mut Call<'_>) -> Result<Arg> {
    let x = operand(call, "a")?;
    let rank = call.b.aval(x).rank();
    let mut perm: Axes = (0..rank).collect();
    let (i, j) = (call.arg("axis1"), call.arg("axis2"));
    perm.swap(axis(call.b, &i, rank)?, axis(call.b, &j, rank)?);
    Ok(as_array(call.b.transpose(x, perm)?))
}

/// `np.moveaxis`.
pub(super) fn move_axis(call: &mut Call<'_>) -> Result<Arg> {
    let x = operand(call, "a")?;
    let rank = call.b.aval(x).rank();
    let (from, to) = (call.arg("source"), call.arg("destination"));
    let (from, to) = (axes(call.b, &from, rank)?, axes(call.b, &to, rank)?);
    if from.len() != to.len() {
        return Err(Error::value(
            "`source` and `destination` arguments must have the same number of elements",
        ));
    }
    let mut perm: Axes = (0..rank).filter(|a| !from.contains(a)).collect();
    let mut pairs: Vec<_> = to.into_iter().zip(from).collect();
    pairs.sort_unstable();
    for (place, source) in pairs {
        perm.insert(place, source);
    }
    Ok(as_array(call.b.transpose(x, perm)?))
}

/// `np.rollaxis(a, axis, start)`.
pub(super) fn roll_axis(call: &mut Call<'_>) -> Result<Arg> {
    let x = operand(call, "a")?;
    let rank = call.b.aval(x).rank();
    let (from, start) = (call.arg("axis"), call.arg("start"));
    let from = axis(call.b, &from, rank)?;
    let mut to = match known_integer(call.b, &start, "start")? {
        start if start == rank as i64 => rank,
        start => axis(call.b, &Arg::Int(start), rank)?,
    };
    if from < to {
        to -= 1;
    }
    let mut perm: Axes = (0..rank).filter(|a| *a != from).collect();
    perm.insert(to, from);
    Ok(as_array(call.b.transpose(x, perm)?))
}

/// `np.matrix_transpose`, `x.mT`.
pub(super) fn matrix_transpose(call: &mut Call<'_>) -> Result<Arg> {
    let x = operand(call, "x")?;
    let rank = call.b.aval(x).rank();
    if rank < 2 {
        return Err(Error::value(format!(
            "Input array must be at least 2-dimensional, but it is {rank}"
        )));
    }
    let mut perm: Axes = (0..rank).collect();
    perm.swap(rank - 2, rank - 1);
    Ok(as_array(call.b.transpose(x, perm)?))
}

/// `np.squeeze(a, axis)`.
pub(super) fn squeeze(call: &mut Call<'_>) -> Result<Arg> {
    let given = call.arg("a");
    let x = symbolic(call.b, &given)?;
    let node = strong(call.b, x.node)?;
    let shape = call.b.aval(node).shape.clone();
    let dropped: Axes = match call.arg("axis") {
        Arg::None => {
            let mut dropped = Axes::new();
            for (i, size) in shape.iter().enumerate() {
                if is_one(call, size)? {
                    dropped.push(i);
                }
            }
            dropped
        }
        Arg::Int(0 | -1) if shape.is_empty() => Axes::new(),
        given => axes(call.b, &given, shape.len())?,
    };
    for &axis in &dropped {
        if !call.b.assume_equal(&shape[axis], &Dim::known(1)) {
            return Err(Error::value(
                "cannot select an axis to squeeze out which has size not equal to one",
            ));
        }
    }
    let kept = shape
        .iter()
        .enumerate()
        .filter(|(i, _)| !dropped.contains(i));
    let kept = kept.map(|(_, d)| d.clone()).collect();
    let out = call.b.reshape(node, kept)?;
    Ok(if x.form == Form::Array {
        as_array(out)
    } else {
        scalar_or_array(call.b, out)
    })
}

/// Whether an axis has one place: where the size is not known, it is assumed to be as on this call.
fn is_one(call: &mut Call<'_>, size: &Dim) -> Result<bool> {
    if size.as_known().is_some() {
        return Ok(size.is_one());
    }
    match call.b.example(size) {
        Some(few @ (0 | 1)) => {
            call.b.assume_equal(size, &Dim::known(few));
            Ok(few == 1)
        }
        Some(_) => {
            call.b.assume_at_most(&Dim::known(2), size);
            Ok(false)
        }
        None => Err(call.unlifted("an axis whose length is not known")),
    }
}

/// `np.expand_dims(a, axis)`.
pub(super) fn expand_dims(call: &mut Call<'_>) -> Result<Arg> {
    let x = operand(call, "a")?;
    let given = call.arg("axis");
    let count = match &given {
        Arg::Tuple(list) | Arg::List(list) => list.len(),
        _ => 1,
    };
    let rank = call.b.aval(x).rank() + count;
    let mut places = axes(call.b, &given, rank)?;
    places.sort_unstable();
    Ok(as_array(expand(call.b, x, &places)?))
}

/// `np.broadcast_to(array, shape)`.
pub(super) fn broadcast_to(call: &mut Call<'_>) -> Result<Arg> {
    let x = operand(call, "array")?;
    let wanted = call.arg("shape");
    let wanted = shape(call.b, &wanted)?;
    let have = call.b.aval(x).shape.clone();
    if have.len() > wanted.len() {
        return Err(Error::value(
            "input operand has more dimensions than allowed by the axis remapping",
        ));
    }
    Ok(as_array(call.b.broadcast_to(x, wanted)?))
}

/// `np.broadcast_arrays(*args)`.
pub(super) fn broadcast_arrays(call: &mut Call<'_>) -> Result<Arg> {
    let mut nodes = Vec::new();
    for arg in call.rest() {
        nodes.push(array(call.b, &arg)?);
    }
    let shapes: Vec<Shape> = nodes
        .iter()
        .map(|n| call.b.aval(*n).shape.clone())
        .collect();
    let common = broadcast_shapes(call.b, &shapes)?;
    let out = nodes
        .into_iter()
        .map(|n| Ok(as_array(call.b.broadcast_to(n, common.clone())?)));
    Ok(Arg::Tuple(out.collect::<Result<_>>()?))
}

/// `np.broadcast_shapes(*shapes)`.
pub(super) fn broadcast_shapes_of(call: &mut Call<'_>) -> Result<Arg> {
    let mut shapes = Vec::new();
    for arg in call.rest() {
        shapes.push(shape(call.b, &arg)?);
    }
    let common = broadcast_shapes(call.b, &shapes)?;
    Ok(Arg::Tuple(common.into_iter().map(size).collect()))
}

/// `np.atleast_1d` and its like.
pub(super) fn at_least(call: &mut Call<'_>, rank: usize) -> Result<Arg> {
    let mut out = Vec::new();
    for arg in call.rest() {
        let x = array(call.b, &arg)?;
        out.push(as_array(with_rank(call.b, x, rank)?));
    }
    match <[Arg; 1]>::try_from(out) {
        Ok([one]) => Ok(one),
        Err(several) => Ok(Arg::Tuple(several)),
    }
}

/// New axes where `np.atleast_nd` puts them: a vector is a row, and lies in the middle of three.
pub(super) fn with_rank(b: &mut Builder, x: NodeId, rank: usize) -> Result<NodeId> {
    let places: &[usize] = match (rank, b.aval(x).rank()) {
        (1, 0) => &[0],
        (2, 0) => &[0, 1],
        (2, 1) => &[0],
        (3, 0) => &[0, 1, 2],
        (3, 1) => &[0, 2],
        (3, 2) => &[2],
        _ => return Ok(x),
    };
    expand(b, x, places)
}

/// `x.astype(dtype)`.
pub(super) fn as_type(call: &mut Call<'_>) -> Result<Arg> {
    let given = call.arg("x");
    let x = symbolic(call.b, &given)?;
    let Some(wanted) = dtype(&call.arg("dtype"))? else {
        let node = convert(call.b, x.node, crate::graph::DType::F64)?;
        return Ok(like(call.b, x, node));
    };
    let node = convert(call.b, x.node, wanted)?;
    Ok(like(call.b, x, node))
}

/// `x.copy()`, `x.conj()` of real numbers: the same value.
pub(super) fn copy(call: &mut Call<'_>) -> Result<Arg> {
    let given = call.arg("a");
    let x = symbolic(call.b, &given)?;
    let node = strong(call.b, x.node)?;
    Ok(like(call.b, x, node))
}

/// The element at a known place of a vector.
pub(super) fn element(b: &mut Builder, x: NodeId, axis: usize, at: i64) -> Result<NodeId> {
    let shape = b.aval(x).shape.clone();
    let start = position(b, &Dim::known(at), axis, &shape[axis])?;
    let range = Range {
        start,
        size: Dim::known(1),
        step: 1,
    };
    let one = slice_axis(b, x, axis, range)?;
    let kept = shape.iter().enumerate().filter(|(i, _)| *i != axis);
    b.reshape(one, kept.map(|(_, d)| d.clone()).collect())
}
