//! What depends on the order of elements: sorting, medians, differences of neighbours.
//!
//! In: a bound call. Out: argsort and gather nodes, so that sorting has a derivative; slices.
//! `np.sort(x)` is `x[argsort(x)]` along an axis; the median is the mean of its middle;
//! `np.diff(x)` is `x[1:] - x[:-1]`.

use super::Arg;
use super::argument::*;
use super::index::along;
use super::join::{between, join, slice_axis};
use super::shape::operand;
use super::signature::Call;
use crate::error::{Error, Result};
use crate::graph::{Builder, Dim, NodeId, Shape};
use crate::ops::{Elementwise as E, Op, Range, Reduction};

/// `np.sort(a, axis)`.
pub(super) fn sort(call: &mut Call<'_>) -> Result<Arg> {
    let arg = call.arg("a");
    let x = array(call.b, &arg)?;
    let (x, at) = sortable(call, x)?;
    Ok(as_array(sorted(call.b, x, at)?))
}

/// `np.argsort(a, axis)`: stable, which every `kind` allows.
pub(super) fn arg_sort(call: &mut Call<'_>) -> Result<Arg> {
    let arg = call.arg("a");
    let x = array(call.b, &arg)?;
    // A scalar counts as an array of one element.
    let x = if call.b.aval(x).rank() == 0 {
        ravel(call.b, x)?
    } else {
        x
    };
    let (x, at) = sortable(call, x)?;
    let node = call.b.add(Op::ArgSort { axis: at }, &[x])?;
    Ok(as_array(node))
}

/// `np.searchsorted(a, v, side, sorter)`.
pub(super) fn search_sorted(call: &mut Call<'_>) -> Result<Arg> {
    let right = match call.arg("side") {
        Arg::Str(side) if side == "right" => true,
        Arg::Str(side) if side == "left" => false,
        _ => return Err(call.unlifted("a side that is neither left nor right")),
    };
    let given = [call.arg("a"), call.arg("v")];
    let nodes = promoted(call.b, &given)?;
    let (mut sorted, values) = (nodes[0], nodes[1]);
    if call.b.aval(sorted).rank() != 1 {
        return Err(Error::unlifted(
            "searchsorted of an array that is no row",
            "NumPy does not have it either",
        ));
    }
    let sorter = call.arg("sorter");
    if !matches!(sorter, Arg::None) {
        let order = array(call.b, &sorter)?;
        sorted = along(call.b, sorted, order, 0)?;
    }
    let place = call.b.add(Op::SearchSorted { right }, &[sorted, values])?;
    Ok(scalar_or_array(call.b, place))
}

fn sortable(call: &mut Call<'_>, x: NodeId) -> Result<(NodeId, usize)> {
    match call.arg("axis") {
        Arg::None => Ok((ravel(call.b, x)?, 0)),
        given => {
            let rank = call.b.aval(x).rank();
            let at = axis(call.b, &given, rank)?;
            Ok((x, at))
        }
    }
}

fn sorted(b: &mut Builder, x: NodeId, axis: usize) -> Result<NodeId> {
    let order = b.add(Op::ArgSort { axis }, &[x])?;
    along(b, x, order, axis)
}

/// `np.median(a, axis, keepdims)`.
pub(super) fn median(call: &mut Call<'_>) -> Result<Arg> {
    let arg = call.arg("a");
    let x = array(call.b, &arg)?;
    let x = inexact(call.b, x)?;
    let shape = call.b.aval(x).shape.clone();
    let given = call.arg("axis");
    let axes = match &given {
        Arg::None => (0..shape.len()).collect(),
        some => axes(call.b, some, shape.len())?,
    };
    let keep = call.flag("keepdims")?;
    let line = last_axis(call.b, x, &axes)?;
    let at = call.b.aval(line).rank() - 1;
    let size = call.b.aval(line).shape[at].clone();
    if size.as_known() == Some(0) {
        return Err(call.unlifted("empty arrays"));
    }
    let middle = middle(call, line, at, &size)?;
    let node = if keep {
        keep_dims(call.b, middle, &shape, &axes)?
    } else {
        middle
    };
    Ok(scalar_or_array(call.b, node))
}

/// The axes joined to one, the last.
fn last_axis(b: &mut Builder, x: NodeId, axes: &[usize]) -> Result<NodeId> {
    let shape = b.aval(x).shape.clone();
    let kept = (0..shape.len()).filter(|a| !axes.contains(a));
    let perm = kept.clone().chain(axes.iter().copied()).collect();
    let mut joined: Shape = kept.map(|a| shape[a].clone()).collect();
    let sizes = axes.iter().map(|&a| shape[a].clone());
    joined.push(sizes.fold(Dim::known(1), |p, d| p * d));
    let x = b.transpose(x, perm)?;
    b.reshape(x, joined)
}

/// The mean of the one or two elements in the middle; NaN if there is any.
fn middle(call: &mut Call<'_>, x: NodeId, axis: usize, size: &Dim) -> Result<NodeId> {
    // Even and odd sizes need different graphs, so the size's parity is fixed by fixing the size.
    let n = call
        .b
        .concretize(size)
        .ok_or_else(|| needs_value("median"))?;
    let b = &mut *call.b;
    let sorted = sorted(b, x, axis)?;
    let count = if n % 2 == 0 { 2 } else { 1 };
    let range = Range {
        start: Dim::known((n - 1) / 2),
        size: Dim::known(count),
        step: 1,
    };
    let middle = slice_axis(b, sorted, axis, range)?;
    let axes: crate::ops::Axes = [axis].into_iter().collect();
    let sum = b.reduce(Reduction::Sum, middle, axes.clone())?;
    let mean = if count == 2 {
        let two = b.float(2.0);
        binary(b, E::Divide, sum, two)?
    } else {
        sum
    };
    // NaN sorts to the end.
    let last = Range {
        start: Dim::known(n - 1),
        size: Dim::known(1),
        step: 1,
    };
    let last = slice_axis(b, sorted, axis, last)?;
    let last = b.reduce(Reduction::Sum, last, axes)?;
    let missing = unary(b, E::Isnan, last)?;
    let nan = b.float(f64::NAN);
    b.elementwise(E::Where, &[missing, nan, mean])
}

// Neighbours.

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
