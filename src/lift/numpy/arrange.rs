//! Elements moved, repeated and surrounded.
//!
//! In: a bound call. Out: slice, concatenate, broadcast and gather nodes.
//! `np.flip(x)` is a slice with step -1; `np.roll(x, 1)` joins two slices; `np.tile(x, 2)` broadcasts
//! a new axis and joins it to the next.

use smallvec::SmallVec;

use super::Arg;
use super::argument::*;
use super::index::gather;
use super::join::between;
use super::shape::operand;
use super::signature::Call;
use crate::error::{Error, Result};
use crate::eval::value::Value;
use crate::graph::{Builder, Dim, NodeId, Shape};
use crate::ops::{Axes, Elementwise as E, Op, Range, Write};

/// `np.lib.stride_tricks.sliding_window_view(x, window_shape, axis)`: elements `start + offset`, with an axis
/// of offsets after all others for each axis of starts.
pub(super) fn windows(call: &mut Call<'_>) -> Result<Arg> {
    let mut x = operand(call, "x")?;
    let given = call.arg("window_shape");
    let sizes = match &given {
        Arg::Tuple(_) | Arg::List(_) => items(call.b, &given)?,
        one => vec![one.clone()],
    };
    let rank = call.b.aval(x).rank();
    let along: Axes = match call.arg("axis") {
        Arg::None => (0..rank).collect(),
        given => axes(call.b, &given, rank)?,
    };
    if sizes.len() != along.len() {
        return Err(Error::value(
            "Must provide matching length window_shape and axis",
        ));
    }
    for (&at, size) in along.iter().zip(&sizes) {
        let size = dim(call.b, size, "a window")?;
        let length = call.b.aval(x).shape[at].clone();
        if !call.b.assume_at_most(&size, &length) {
            return Err(Error::value(
                "window shape cannot be larger than input array shape",
            ));
        }
        let starts = iota(call.b, length - size.clone() + Dim::known(1), 0, 2)?;
        let offsets = iota(call.b, size, 1, 2)?;
        let places = binary(call.b, E::Add, starts, offsets)?;
        let picked = gather(call.b, x, &[at], at, &[places])?;
        let last = call.b.aval(picked).rank() - 1;
        let order = (0..=last).filter(|axis| *axis != at + 1).chain([at + 1]);
        x = call.b.transpose(picked, order.collect())?;
    }
    Ok(as_array(x))
}

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
        Arg::Array(x) if call.b.aval(x.node).rank() == 1 => {
            return Err(Error::unlifted("np.repeat", "an array says how often"));
        }
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
