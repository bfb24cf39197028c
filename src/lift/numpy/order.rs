//! Sorting, and what is read off a sorted array.
//!
//! In: a bound call. Out: argsort and gather nodes, so that sorting has a derivative.
//! `np.sort(x)` is `x[argsort(x)]` along an axis; the median is the mean of its middle.

use super::Arg;
use super::argument::*;
use super::index::along;
use super::shape::slice_axis;
use super::signature::Call;
use super::ufunc::inexact;
use crate::error::Result;
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
