//! Writing: what `x[key] = value` and `np.add.at(x, key, value)` mean.
//!
//! In: an array, a key, a value. Out: the next version of the array.
//!
//! ```text
//! x[1:] = v        slice write
//! x[i] = v         scatter
//! x[x < 0] = 0.0   where
//! ```

use super::Arg;
use super::argument::*;
use super::index::{Plan, check_mask, is_whole, plan, read_view, several_windows};
use crate::error::{Error, Result};
use crate::graph::{Builder, DType, Dim, NodeId, Shape};
use crate::ops::elementwise::check_literal;
use crate::ops::{Constant, Elementwise as E, Op, Write, fits_into, show_shape};

/// The array after `array[key] = value`.
///
/// # Errors
/// What NumPy raises for this key and value.
pub fn setitem(b: &mut Builder, array: NodeId, key: &Arg, value: &Arg) -> Result<NodeId> {
    let value = written(b, array, value)?;
    if let Some(done) = write_mask(b, array, key, value)? {
        return Ok(done);
    }
    write(b, array, key, value, Write::Set)
}

/// The array after `np.add.at(array, key, value)`.
///
/// # Errors
/// What NumPy raises for this key and value.
pub fn add_at(b: &mut Builder, array: NodeId, key: &Arg, value: &Arg) -> Result<NodeId> {
    let given = symbolic(b, value)?;
    if b.aval(given.node).dtype.kind() > b.aval(array).dtype.kind() {
        return Err(Error::unlifted(
            "ufunc.at with values of a wider kind",
            "each sum is rounded to the array's dtype before the next",
        ));
    }
    let value = written(b, array, value)?;
    write(b, array, key, value, Write::Add)
}

/// The value under the array's dtype. NumPy writes floats into integers by truncation.
fn written(b: &mut Builder, target: NodeId, value: &Arg) -> Result<NodeId> {
    let x = symbolic(b, value)?;
    let (from, to) = (b.aval(x.node).dtype, b.aval(target).dtype);
    if from.is_complex() && !to.is_complex() {
        return Err(if b.aval(x.node).rank() == 0 {
            Error::type_error(format!(
                "{} argument must be a string or a real number, not 'complex'",
                if to.is_integer() { "int()" } else { "float()" }
            ))
        } else {
            Error::unlifted("assignment", "it discards the imaginary part")
        });
    }
    if let Op::Constant(Constant::Int(v)) = b.op(x.node)
        && b.aval(x.node).weak
    {
        check_literal(i128::from(*v), to)?;
    }
    convert(b, x.node, to)
}

/// `x[mask] = value` where the value does not depend on how many are true.
fn write_mask(b: &mut Builder, target: NodeId, key: &Arg, value: NodeId) -> Result<Option<NodeId>> {
    let key = match key {
        Arg::Tuple(parts) if parts.len() == 1 => &parts[0],
        other => other,
    };
    let mask = match key {
        Arg::Array(_) => array(b, key)?,
        Arg::List(items) if matches!(items.first(), Some(Arg::Bool(_))) => array(b, key)?,
        _ => return Ok(None),
    };
    let (aval, shape) = (b.aval(mask).clone(), b.aval(target).shape.clone());
    let inner = match shape.len().checked_sub(aval.rank()) {
        Some(inner) if aval.dtype == DType::Bool => inner,
        _ => return Ok(None),
    };
    let value_shape = b.aval(value).shape.clone();
    if value_shape.len() > inner {
        return Ok(None);
    }
    check_mask(b, &shape, 0, &aval.shape)?;
    let places: Vec<usize> = (aval.rank()..shape.len()).collect();
    let mask = expand(b, mask, &places)?;
    let value = fit(b, value, &shape[aval.rank()..].into())?;
    Ok(Some(b.elementwise(E::Where, &[mask, value, target])?))
}

fn write(b: &mut Builder, target: NodeId, key: &Arg, value: NodeId, kind: Write) -> Result<NodeId> {
    if let Some((window, rest)) = several_windows(b, target, key) {
        let form = super::Form::Array;
        let whole = super::Symbolic { node: target, form };
        let seen = super::index::getitem(b, whole, &window)?;
        let seen = symbolic(b, &seen)?.node;
        let new = write(b, seen, &rest, value, kind)?;
        return write(b, target, &window, new, Write::Set);
    }
    let plan = plan(b, target, key)?.by_positions(b, target)?;
    let sliced: Shape = plan.ranges.iter().map(|r| r.size.clone()).collect();
    if plan.axes.is_empty() {
        let value = fit(b, value, &plan.view)?;
        if kind == Write::Set && is_whole(b, target, &plan.ranges) {
            return b.reshape(value, sliced);
        }
        return write_slice(b, target, &plan, value, kind);
    }
    let view = read_view(b, target, &plan)?;
    let selection = selection_shape(b, &plan)?;
    let value = fit(b, value, &selection)?;
    let mut operands = vec![view, value];
    operands.extend_from_slice(&plan.indices);
    let op = Op::Scatter {
        kind,
        axes: plan.axes.clone(),
        at: plan.at,
    };
    let scattered = b.add(op, &operands)?;
    if is_whole(b, target, &plan.ranges) {
        let shape = b.aval(target).shape.clone();
        return b.reshape(scattered, shape);
    }
    write_slice(b, target, &plan, scattered, Write::Set)
}

fn write_slice(
    b: &mut Builder,
    target: NodeId,
    plan: &Plan,
    value: NodeId,
    kind: Write,
) -> Result<NodeId> {
    let sliced: Shape = plan.ranges.iter().map(|r| r.size.clone()).collect();
    let value = b.reshape(value, sliced)?;
    let ranges = plan.ranges.clone();
    b.add(Op::SliceWrite { kind, ranges }, &[target, value])
}

/// The shape of what a gather by this plan gives.
fn selection_shape(b: &mut Builder, plan: &Plan) -> Result<Shape> {
    let shapes: Vec<Shape> = plan
        .indices
        .iter()
        .map(|i| b.aval(*i).shape.clone())
        .collect();
    let index = broadcast_shapes(b, &shapes)?;
    let kept = plan.view.iter().enumerate();
    let kept: Vec<Dim> = kept
        .filter(|(i, _)| !plan.axes.contains(i))
        .map(|(_, d)| d.clone())
        .collect();
    let mut out: Shape = kept[..plan.at].iter().cloned().collect();
    out.extend(index);
    out.extend(kept[plan.at..].iter().cloned());
    Ok(out)
}

/// A value broadcast to the places it is written to; leading axes of size 1 may be too many.
fn fit(b: &mut Builder, value: NodeId, wanted: &Shape) -> Result<NodeId> {
    let given = b.aval(value).shape.clone();
    let mut shape = given.clone();
    while shape.len() > wanted.len() && shape[0].is_one() {
        shape.remove(0);
    }
    fits_into(b, &shape, wanted).map_err(|_| no_fit(b, &given, wanted))?;
    let value = b.reshape(value, shape)?;
    b.broadcast_to(value, wanted.clone())
}

fn no_fit(b: &Builder, given: &Shape, wanted: &Shape) -> Box<Error> {
    Error::value(format!(
        "could not broadcast input array from shape {} into shape {}",
        show_shape(b, given),
        show_shape(b, wanted)
    ))
}
