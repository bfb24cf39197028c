//! Rearranging, joining and splitting arrays.
//!
//! In: a bound call. Out: reshape, transpose, broadcast, slice and concatenate nodes.
//! `np.expand_dims(x, 0)` is a reshape; `np.roll(x, 1)` joins two slices;
//! `x.reshape(2, -1, order="F")` reverses the axes, reshapes and reverses again.

use smallvec::SmallVec;

use super::argument::*;
use super::index::{along, gather, position};
use super::signature::Call;
use super::{Arg, Form, Symbolic};
use crate::error::{Error, Exception, Result};
use crate::eval::value::Value;
use crate::graph::{Builder, Dim, NodeId, Shape};
use crate::ops::{Axes, Elementwise as E, Op, Range, Write};

fn operand(call: &mut Call<'_>, name: &str) -> Result<NodeId> {
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
            d.to_string()
        }
    });
    Err(Error::value(format!(
        "cannot reshape array of size {size} into shape {}",
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

/// A `ValueError` under other words.
fn retell(error: Box<Error>, words: &str) -> Box<Error> {
    match error.kind {
        crate::error::ErrorKind::Raises {
            exception: Exception::Value,
            ..
        } => Error::value(words),
        _ => error,
    }
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
        Arg::None => (0..shape.len()).filter(|&i| shape[i].is_one()).collect(),
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
fn with_rank(b: &mut Builder, x: NodeId, rank: usize) -> Result<NodeId> {
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
fn join(call: &mut Call<'_>, nodes: &[NodeId], axis: usize) -> Result<Arg> {
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

// Moving elements.

/// `np.flip(m, axis)`.
pub(super) fn flip(call: &mut Call<'_>) -> Result<Arg> {
    let x = operand(call, "m")?;
    let rank = call.b.aval(x).rank();
    let axes = match call.arg("axis") {
        Arg::None => (0..rank).collect(),
        given => axes(call.b, &given, rank)?,
    };
    let node = reverse(call.b, x, &axes)?;
    Ok(scalar_or_array(call.b, node))
}

/// `np.flipud`, `np.fliplr`.
pub(super) fn flip_axis(call: &mut Call<'_>, axis: usize) -> Result<Arg> {
    let x = operand(call, "m")?;
    if call.b.aval(x).rank() <= axis {
        return Err(Error::value(format!("Input must be >= {}-d.", axis + 1)));
    }
    Ok(as_array(reverse(call.b, x, &[axis])?))
}

fn reverse(b: &mut Builder, x: NodeId, axes: &[usize]) -> Result<NodeId> {
    let shape = b.aval(x).shape.clone();
    let backwards = |(i, size): (usize, Dim)| {
        if axes.contains(&i) && size.as_known() != Some(0) {
            Range {
                start: size.clone() - Dim::known(1),
                size,
                step: -1,
            }
        } else {
            Range::full(size)
        }
    };
    if axes.is_empty() {
        return Ok(x);
    }
    let ranges = shape.into_iter().enumerate().map(backwards).collect();
    b.add(Op::Slice(ranges), &[x])
}

/// `np.rot90(m, k, axes)`.
pub(super) fn rotate(call: &mut Call<'_>) -> Result<Arg> {
    let x = operand(call, "m")?;
    let rank = call.b.aval(x).rank();
    let plane = match call.given("axes") {
        Some(given) => items(call.b, &given)?,
        None => vec![Arg::Int(0), Arg::Int(1)],
    };
    let [first, second] = plane.as_slice() else {
        return Err(Error::value("len(axes) must be 2."));
    };
    let i = known_integer(call.b, first, "an axis")?;
    let j = known_integer(call.b, second, "an axis")?;
    if i == j || (i - j).abs() == rank as i64 {
        return Err(Error::value("Axes must be different."));
    }
    let out_of_range = || {
        Error::value(format!(
            "Axes=({i}, {j}) out of range for array of ndim={rank}."
        ))
    };
    let first = axis(call.b, first, rank).map_err(|_| out_of_range())?;
    let second = axis(call.b, second, rank).map_err(|_| out_of_range())?;
    let turns = call.arg("k");
    let turns = known_integer(call.b, &turns, "k")?.rem_euclid(4);
    let mut perm: Axes = (0..rank).collect();
    perm.swap(first, second);
    let node = match turns {
        0 => x,
        1 => {
            let flipped = reverse(call.b, x, &[second])?;
            call.b.transpose(flipped, perm)?
        }
        2 => reverse(call.b, x, &[first, second])?,
        _ => {
            let turned = call.b.transpose(x, perm)?;
            reverse(call.b, turned, &[second])?
        }
    };
    Ok(as_array(node))
}

/// `np.roll(a, shift, axis)`.
pub(super) fn roll(call: &mut Call<'_>) -> Result<Arg> {
    let x = operand(call, "a")?;
    let shape = call.b.aval(x).shape.clone();
    let shifts = match call.arg("shift") {
        Arg::Tuple(list) | Arg::List(list) => list,
        one => vec![one],
    };
    let given = call.arg("axis");
    if given == Arg::None {
        let mut node = ravel(call.b, x)?;
        for shift in &shifts {
            node = rolled(call.b, node, 0, shift)?;
        }
        return Ok(as_array(call.b.reshape(node, shape)?));
    }
    let list = match given {
        Arg::Tuple(list) | Arg::List(list) => list,
        one => vec![one],
    };
    let count = list.len().max(shifts.len());
    if (list.len() != count && list.len() != 1) || (shifts.len() != count && shifts.len() != 1) {
        return Err(Error::value(
            "'shift' and 'axis' should be scalars or 1D sequences",
        ));
    }
    let mut node = x;
    for k in 0..count {
        let at = axis(call.b, &list[k.min(list.len() - 1)], shape.len())?;
        node = rolled(call.b, node, at, &shifts[k.min(shifts.len() - 1)])?;
    }
    Ok(as_array(node))
}

fn rolled(b: &mut Builder, x: NodeId, axis: usize, shift: &Arg) -> Result<NodeId> {
    let size = b.aval(x).shape[axis].clone();
    if size.as_known() == Some(0) {
        return Ok(x);
    }
    let mut shift = dim(b, shift, "a shift")?;
    // Into 0..size; a shift beyond the size fixes the size.
    if !b.assume_at_most(&Dim::known(0), &shift) {
        shift = shift + size.clone();
    }
    if !(b.assume_at_most(&Dim::known(0), &shift) && b.assume_at_most(&shift, &size)) {
        let (s, n) = (b.concretize(&shift), b.concretize(&size));
        match (s, n) {
            (Some(s), Some(n)) => shift = Dim::known(s.rem_euclid(n)),
            _ => return Err(needs_value("a shift")),
        }
    }
    if shift.as_known() == Some(0) || shift == size {
        return Ok(x);
    }
    let cut = size.clone() - shift;
    let tail = between(b, x, axis, &cut, &size)?;
    let head = between(b, x, axis, &Dim::known(0), &cut)?;
    concatenate(b, &[tail, head], axis)
}

/// `np.tile(A, reps)`.
pub(super) fn tile(call: &mut Call<'_>) -> Result<Arg> {
    let x = operand(call, "A")?;
    let reps = call.arg("reps");
    let mut reps = shape(call.b, &reps)?;
    let mut have = call.b.aval(x).shape.clone();
    while have.len() < reps.len() {
        have.insert(0, Dim::known(1));
    }
    while reps.len() < have.len() {
        reps.insert(0, Dim::known(1));
    }
    // (a, b) repeated (r, s): reshape to (1, a, 1, b), broadcast to (r, a, s, b), reshape.
    let (mut apart, mut full, mut joined) = (Shape::new(), Shape::new(), Shape::new());
    for (size, rep) in have.iter().zip(&reps) {
        if !rep.is_one() {
            apart.push(Dim::known(1));
            full.push(rep.clone());
        }
        apart.push(size.clone());
        full.push(size.clone());
        joined.push(size.clone() * rep.clone());
    }
    let x = call.b.reshape(x, apart)?;
    let x = call.b.broadcast_to(x, full)?;
    Ok(as_array(call.b.reshape(x, joined)?))
}

/// `np.repeat(a, repeats, axis)` for known counts.
pub(super) fn repeat(call: &mut Call<'_>) -> Result<Arg> {
    let mut x = operand(call, "a")?;
    let repeats = call.arg("repeats");
    let at = match call.arg("axis") {
        Arg::None => {
            x = ravel(call.b, x)?;
            0
        }
        given => {
            if call.b.aval(x).rank() == 0 {
                x = ravel(call.b, x)?;
            }
            let rank = call.b.aval(x).rank();
            axis(call.b, &given, rank)?
        }
    };
    let shape = call.b.aval(x).shape.clone();
    let one = match &repeats {
        Arg::List(list) | Arg::Tuple(list) if list.len() == 1 => integer(call.b, &list[0]),
        other => integer(call.b, other),
    };
    if let Some(count) = one {
        if count.as_known().is_some_and(|k| k < 0) {
            return Err(Error::value("repeats may not contain negative values."));
        }
        let x = expand(call.b, x, &[at + 1])?;
        let (mut full, mut joined) = (call.b.aval(x).shape.clone(), shape);
        full[at + 1] = count.clone();
        joined[at] = joined[at].clone() * count;
        let x = call.b.broadcast_to(x, full)?;
        return Ok(as_array(call.b.reshape(x, joined)?));
    }
    let counts = match &repeats {
        Arg::List(list) | Arg::Tuple(list) => list.clone(),
        _ => return Err(needs_value("the number of repeats")),
    };
    if !call.b.assume_equal(&Dim::from(counts.len()), &shape[at]) {
        return Err(Error::value(format!(
            "operands could not be broadcast together with shape ({},) ({},)",
            shape[at],
            counts.len()
        )));
    }
    let mut places = Vec::new();
    for (i, count) in counts.iter().enumerate() {
        let count = known_integer(call.b, count, "the number of repeats")?;
        let count = usize::try_from(count)
            .map_err(|_| Error::value("repeats may not contain negative values."))?;
        places.extend(std::iter::repeat_n(i as i64, count));
    }
    let index = array_constant(call.b, Value::from_slice(&places, &[places.len()]));
    Ok(as_array(gather(call.b, x, &[at], at, &[index])?))
}

// Padding.

/// `np.pad(array, pad_width, mode, constant_values)`.
pub(super) fn pad(call: &mut Call<'_>) -> Result<Arg> {
    let mut x = operand(call, "array")?;
    let widths = call.arg("pad_width");
    let mode = match call.arg("mode") {
        Arg::Str(mode) => mode,
        _ => return Err(call.unlifted("a function as `mode`")),
    };
    let rank = call.b.aval(x).rank();
    let widths = pairs(call.b, &widths, rank)?;
    let mut dims = Vec::with_capacity(rank);
    for pair in &widths {
        let before = dim(call.b, &pair[0], "a pad width")?;
        let after = dim(call.b, &pair[1], "a pad width")?;
        for d in [&before, &after] {
            if d.as_known().is_some_and(|k| k < 0) {
                return Err(Error::value("index can't contain negative values"));
            }
        }
        dims.push((before, after));
    }
    if mode == "constant" {
        let values = call.arg("constant_values");
        let values = pairs(call.b, &values, rank)?;
        return Ok(as_array(pad_constant(call, x, &dims, &values)?));
    }
    for (axis, (before, after)) in dims.into_iter().enumerate() {
        if before.as_known() != Some(0) || after.as_known() != Some(0) {
            x = pad_by_index(call, x, axis, &before, &after, &mode)?;
        }
    }
    Ok(as_array(x))
}

/// `v`, `(v,)`, `(u, v)` or one of these per axis, as one pair per axis.
fn pairs(b: &mut Builder, arg: &Arg, rank: usize) -> Result<Vec<[Arg; 2]>> {
    let pair = |b: &mut Builder, arg: &Arg| -> Result<[Arg; 2]> {
        let list = match arg {
            Arg::Tuple(_) | Arg::List(_) => items(b, arg)?,
            one => vec![one.clone()],
        };
        match list.as_slice() {
            [one] => Ok([one.clone(), one.clone()]),
            [before, after] => Ok([before.clone(), after.clone()]),
            _ => Err(Error::value("operands could not be broadcast together")),
        }
    };
    let nested = match arg {
        Arg::Tuple(list) | Arg::List(list) => list
            .iter()
            .any(|i| matches!(i, Arg::Tuple(_) | Arg::List(_))),
        _ => false,
    };
    if !nested {
        let one = pair(b, arg)?;
        return Ok(vec![one; rank]);
    }
    let list = items(b, arg)?;
    if list.len() == 1 {
        let one = pair(b, &list[0])?;
        return Ok(vec![one; rank]);
    }
    if list.len() != rank {
        return Err(Error::value(format!(
            "operands could not be broadcast together with remapped shapes [original->remapped]: ({},2)  and requested shape ({rank},2)",
            list.len()
        )));
    }
    list.iter().map(|item| pair(b, item)).collect()
}

fn pad_constant(
    call: &mut Call<'_>,
    x: NodeId,
    widths: &[(Dim, Dim)],
    values: &[[Arg; 2]],
) -> Result<NodeId> {
    let b = &mut *call.b;
    let aval = b.aval(x).clone();
    let range = |(size, (before, _)): (&Dim, &(Dim, Dim))| Range {
        start: before.clone(),
        size: size.clone(),
        step: 1,
    };
    let ranges: SmallVec<[Range; 4]> = aval.shape.iter().zip(widths).map(range).collect();
    let sizes = aval.shape.iter().zip(widths);
    let shape: Shape = sizes
        .map(|(d, (before, after))| d.clone() + before.clone() + after.clone())
        .collect();
    let zero = [Arg::Int(0), Arg::Int(0)];
    if values.iter().all(|v| *v == zero) {
        return b.add(Op::Unslice { shape, ranges }, &[x]);
    }
    if let Some(same) = values.first()
        && same[0] == same[1]
        && values.iter().all(|v| v == same)
    {
        let value = array(b, &same[0])?;
        let value = convert(b, value, aval.dtype)?;
        let filled = b.broadcast_to(value, shape)?;
        let kind = Write::Set;
        return b.add(Op::SliceWrite { kind, ranges }, &[filled, x]);
    }
    let mut out = x;
    for (axis, ((before, after), pair)) in widths.iter().zip(values).enumerate() {
        let mut parts = vec![out];
        for (width, value, first) in [(before, &pair[0], true), (after, &pair[1], false)] {
            if width.as_known() == Some(0) {
                continue;
            }
            let mut shape = b.aval(out).shape.clone();
            shape[axis] = width.clone();
            let value = array(b, value)?;
            let value = convert(b, value, aval.dtype)?;
            let border = b.broadcast_to(value, shape)?;
            parts.insert(if first { 0 } else { parts.len() }, border);
        }
        out = concatenate(b, &parts, axis)?;
    }
    Ok(out)
}

/// Padding that repeats elements: each new place reads an old one.
fn pad_by_index(
    call: &mut Call<'_>,
    x: NodeId,
    axis: usize,
    before: &Dim,
    after: &Dim,
    mode: &str,
) -> Result<NodeId> {
    let size = call.b.aval(x).shape[axis].clone();
    if size.as_known() == Some(0) {
        return Err(Error::value(format!(
            "can't extend empty axis {axis} using modes other than 'constant' or 'empty'"
        )));
    }
    let total = size.clone() + before.clone() + after.clone();
    let n = call.b.size(size.clone());
    let last = call.b.size(size.clone() - Dim::known(1));
    let offset = call.b.size(before.clone());
    let b = &mut *call.b;
    let place = iota(b, total, 0, 1)?;
    let place = binary(b, E::Subtract, place, offset)?;
    let index = match mode {
        "edge" => {
            let zero = b.int(0);
            let index = binary(b, E::Maximum, place, zero)?;
            binary(b, E::Minimum, index, last)?
        }
        "wrap" => binary(b, E::Remainder, place, n)?,
        // Mirrored at the edges: a triangle wave over the positions.
        "reflect" | "symmetric" if mode == "symmetric" || size.as_known() != Some(1) => {
            let half = if mode == "reflect" { last } else { n };
            let two = b.int(2);
            let period = binary(b, E::Multiply, two, half)?;
            let phase = binary(b, E::Remainder, place, period)?;
            let back = binary(b, E::Subtract, period, phase)?;
            let one = b.int(1);
            let back = if mode == "reflect" {
                back
            } else {
                binary(b, E::Subtract, back, one)?
            };
            binary(b, E::Minimum, phase, back)?
        }
        _ => return Err(call.unlifted(format!("mode '{mode}'"))),
    };
    gather(b, x, &[axis], axis, &[index])
}

// Diagonals and triangles.

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

// Elements by place, for `x.flat[i]` and the like, and differences of neighbours.

/// `np.diff(a, n, axis, prepend, append)`.
pub(super) fn diff(call: &mut Call<'_>) -> Result<Arg> {
    let mut x = operand(call, "a")?;
    let rank = call.b.aval(x).rank();
    if rank == 0 {
        return Err(Error::value(
            "diff requires input that is at least one dimensional",
        ));
    }
    let given = call.arg("axis");
    let at = axis(call.b, &given, rank)?;
    let times = call.arg("n");
    let times = known_integer(call.b, &times, "n")?;
    if times < 0 {
        return Err(Error::value(format!(
            "order must be non-negative but got {times}"
        )));
    }
    for (name, first) in [("prepend", true), ("append", false)] {
        if let Some(border) = call.given(name) {
            let border = array(call.b, &border)?;
            let mut shape = call.b.aval(x).shape.clone();
            shape[at] = Dim::known(1);
            let border = if call.b.aval(border).rank() == 0 {
                call.b.broadcast_to(border, shape)?
            } else {
                border
            };
            let parts = if first { [border, x] } else { [x, border] };
            let joined = join(call, &parts, at)?;
            x = array(call.b, &joined)?;
        }
    }
    let bools = call.b.aval(x).dtype == crate::graph::DType::Bool;
    let op = if bools { E::NotEqual } else { E::Subtract };
    for _ in 0..times {
        let (left, right) = neighbours(call.b, x, at)?;
        x = binary(call.b, op, right, left)?;
    }
    Ok(as_array(x))
}

/// `x[:-1]` and `x[1:]` along an axis.
fn neighbours(b: &mut Builder, x: NodeId, axis: usize) -> Result<(NodeId, NodeId)> {
    let size = b.aval(x).shape[axis].clone();
    let (zero, one) = (Dim::known(0), Dim::known(1));
    if size.as_known() == Some(0) {
        return Ok((x, x));
    }
    let left = between(b, x, axis, &zero, &(size.clone() - one.clone()))?;
    let right = between(b, x, axis, &one, &size)?;
    Ok((left, right))
}

/// `np.trapezoid(y, x=None, dx=1.0, axis=-1)`.
pub(super) fn trapezoid(call: &mut Call<'_>) -> Result<Arg> {
    let y = operand(call, "y")?;
    let rank = call.b.aval(y).rank();
    let given = call.arg("axis");
    let at = axis(call.b, &given, rank)?;
    let step = match call.given("x") {
        None => {
            let dx = call.arg("dx");
            symbolic(call.b, &dx)?.node
        }
        Some(x) => {
            let x = array(call.b, &x)?;
            if call.b.aval(x).rank() == 1 {
                let (left, right) = neighbours(call.b, x, 0)?;
                let step = binary(call.b, E::Subtract, right, left)?;
                let mut shape: Shape = (0..rank).map(|_| Dim::known(1)).collect();
                shape[at] = call.b.aval(step).shape[0].clone();
                call.b.reshape(step, shape)?
            } else {
                let (left, right) = neighbours(call.b, x, at)?;
                binary(call.b, E::Subtract, right, left)?
            }
        }
    };
    let (left, right) = neighbours(call.b, y, at)?;
    let sum = binary(call.b, E::Add, right, left)?;
    let area = binary(call.b, E::Multiply, step, sum)?;
    let two = call.b.float(2.0);
    let area = binary(call.b, E::Divide, area, two)?;
    let node = call
        .b
        .reduce(crate::ops::Reduction::Sum, area, [at].into_iter().collect())?;
    Ok(scalar_or_array(call.b, node))
}

/// `np.choose(a, choices)` with indices in range.
pub(super) fn choose(call: &mut Call<'_>) -> Result<Arg> {
    let index = operand(call, "a")?;
    let choices = call.arg("choices");
    let choices = items(call.b, &choices)?;
    let nodes = promoted(call.b, &choices)?;
    let mut shapes: Vec<Shape> = nodes
        .iter()
        .map(|n| call.b.aval(*n).shape.clone())
        .collect();
    shapes.push(call.b.aval(index).shape.clone());
    let common = broadcast_shapes(call.b, &shapes)?;
    let mut rows = Vec::with_capacity(nodes.len());
    for node in nodes {
        let whole = call.b.broadcast_to(node, common.clone())?;
        rows.push(expand(call.b, whole, &[0])?);
    }
    let stacked = concatenate(call.b, &rows, 0)?;
    let index = call.b.broadcast_to(index, common)?;
    let index = expand(call.b, index, &[0])?;
    let picked = along(call.b, stacked, index, 0)?;
    let shape = call.b.aval(picked).shape[1..].iter().cloned().collect();
    Ok(as_array(call.b.reshape(picked, shape)?))
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
