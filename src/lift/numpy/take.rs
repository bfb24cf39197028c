//! Functions that read by position or by mask.
//!
//! In: a bound call. Out: gather and argwhere nodes.
//! `np.take(x, i, axis=0)` is `x[i]`; `np.compress(mask, x)` gathers where the mask is true.

use super::Arg;
use super::argument::*;
use super::index::{along, gather, positions};
use super::shape::operand;
use super::signature::Call;
use crate::error::{Error, Exception, Result};
use crate::graph::{Builder, NodeId, Shape};
use crate::ops::{Elementwise as E, Op};

/// `np.nonzero(x)`.
pub(super) fn nonzero(call: &mut Call<'_>) -> Result<Arg> {
    let arg = call.arg("a");
    let x = array(call.b, &arg)?;
    nonzero_of(call.b, x)
}

pub(super) fn nonzero_of(b: &mut Builder, x: NodeId) -> Result<Arg> {
    if b.aval(x).rank() == 0 {
        return Err(Error::value(
            "Calling nonzero on 0d arrays is not allowed. Use np.atleast_1d(scalar).nonzero() instead. If the context of this error is of the form `arr[nonzero(cond)]`, just use `arr[cond]`.",
        ));
    }
    let mask = truth(b, x)?;
    let found = positions(b, mask)?;
    Ok(Arg::Tuple(found.into_iter().map(as_array).collect()))
}

/// `np.argwhere(x)`.
pub(super) fn arg_where(call: &mut Call<'_>) -> Result<Arg> {
    let arg = call.arg("a");
    let x = array(call.b, &arg)?;
    if call.b.aval(x).rank() == 0 {
        return Err(call.unlifted("arrays of rank 0"));
    }
    let mask = truth(call.b, x)?;
    let node = call.b.add(Op::ArgWhere, &[mask])?;
    Ok(as_array(node))
}

/// `np.flatnonzero(x)`.
pub(super) fn flat_nonzero(call: &mut Call<'_>) -> Result<Arg> {
    let arg = call.arg("a");
    let x = array(call.b, &arg)?;
    let flat = ravel(call.b, x)?;
    let mask = truth(call.b, flat)?;
    let found = positions(call.b, mask)?;
    Ok(as_array(found[0]))
}

/// `np.take(a, indices, axis, mode)`.
pub(super) fn take(call: &mut Call<'_>) -> Result<Arg> {
    let arg = call.arg("a");
    let mut x = array(call.b, &arg)?;
    let indices = call.arg("indices");
    let mut indices = array(call.b, &indices)?;
    if !call.b.aval(indices).dtype.is_integer() {
        return Err(Error::type_error(format!(
            "Cannot cast array data from dtype('{}') to dtype('int64') according to the rule 'safe'",
            call.b.aval(indices).dtype
        )));
    }
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
    let size = call.b.aval(x).shape[at].clone();
    if size.as_known() == Some(0) && call.b.aval(indices).size().as_known() != Some(0) {
        return Err(Error::raises(
            Exception::Index,
            "cannot do a non-empty take from an empty axes.",
        ));
    }
    let size = call.b.size(size);
    match call.arg("mode") {
        Arg::Str(mode) if mode == "raise" => {}
        Arg::Str(mode) if mode == "wrap" => {
            indices = binary(call.b, E::Remainder, indices, size)?;
        }
        Arg::Str(mode) if mode == "clip" => {
            let (zero, one) = (call.b.int(0), call.b.int(1));
            let last = binary(call.b, E::Subtract, size, one)?;
            indices = binary(call.b, E::Maximum, indices, zero)?;
            indices = binary(call.b, E::Minimum, indices, last)?;
        }
        _ => return Err(call.unlifted("this `mode`")),
    }
    let node = gather(call.b, x, &[at], at, &[indices])?;
    Ok(scalar_or_array(call.b, node))
}

/// `np.take_along_axis(arr, indices, axis)`.
pub(super) fn take_along_axis(call: &mut Call<'_>) -> Result<Arg> {
    let arg = call.arg("arr");
    let mut x = array(call.b, &arg)?;
    let indices = call.arg("indices");
    let indices = array(call.b, &indices)?;
    let at = match call.arg("axis") {
        Arg::None => {
            x = ravel(call.b, x)?;
            0
        }
        given => {
            let rank = call.b.aval(x).rank();
            axis(call.b, &given, rank)?
        }
    };
    if !call.b.aval(indices).dtype.is_integer() {
        return Err(Error::raises(
            Exception::Index,
            "`indices` must be an integer array",
        ));
    }
    if call.b.aval(indices).rank() != call.b.aval(x).rank() {
        return Err(Error::value(
            "`indices` and `arr` must have the same number of dimensions",
        ));
    }
    let node = along(call.b, x, indices, at)?;
    Ok(as_array(node))
}

/// `np.compress(condition, a, axis)`, `np.extract(condition, arr)`.
pub(super) fn compress(call: &mut Call<'_>) -> Result<Arg> {
    let condition = call.arg("condition");
    let condition = array(call.b, &condition)?;
    let condition = truth(call.b, condition)?;
    let arg = call.arg("a");
    let mut x = array(call.b, &arg)?;
    let at = match call.arg("axis") {
        Arg::None => {
            x = ravel(call.b, x)?;
            0
        }
        given => {
            let rank = call.b.aval(x).rank();
            axis(call.b, &given, rank)?
        }
    };
    let flat = ravel(call.b, condition)?;
    let found = positions(call.b, flat)?;
    let node = gather(call.b, x, &[at], at, &found)?;
    Ok(as_array(node))
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
