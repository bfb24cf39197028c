//! Reductions along axes, and what is composed of them.
//!
//! In: a bound call. Out: reduce nodes and arithmetic around them.
//! `mean(x)` is `sum(x) / size`; `var(x)` is the mean of `square(x - mean(x))`.
//! `keepdims` is a reshape afterwards; small integers are cast before sums, as NumPy does.

use super::argument::*;
use super::signature::Call;
use super::{Arg, Either, Symbolic};
use crate::error::{Error, Exception, Result};
use crate::graph::{Builder, DType, Dim, Kind, NodeId, Shape};
use crate::ops::{Axes, Cumulation, Elementwise as E, Extreme, Op, Reduction};

/// The operand of a reduction and the axes it runs over.
struct Reduced {
    x: NodeId,
    axes: Axes,
    /// Of the operand.
    shape: Shape,
    keep: bool,
}

impl Reduced {
    fn new(call: &mut Call<'_>) -> Result<Reduced> {
        let arg = call.arg("a");
        let x = array(call.b, &arg)?;
        let shape = call.b.aval(x).shape.clone();
        let axis = call.arg("axis");
        let axes = reduced_axes(call.b, &axis, shape.len())?;
        let keep = call.flag("keepdims")?;
        Ok(Reduced {
            x,
            axes,
            shape,
            keep,
        })
    }

    /// Number of elements that fall into one.
    fn count(&self) -> Dim {
        let sizes = self.axes.iter().map(|&a| self.shape[a].clone());
        sizes.fold(Dim::known(1), |p, d| p * d)
    }

    /// For functions that refuse `axis=0` of a scalar, which ufuncs' reductions allow.
    fn strict(call: &mut Call<'_>) -> Result<Reduced> {
        let scalar_axis = call.peek("axis").is_some_and(|a| *a != Arg::None);
        let r = Reduced::new(call)?;
        if scalar_axis && r.shape.is_empty() {
            axis(call.b, &Arg::Int(0), 0)?;
        }
        Ok(r)
    }

    /// For the statistics that skip NaN, which are the plain ones for integers.
    fn nan(call: &mut Call<'_>) -> Result<Reduced> {
        let inexact = match call.peek("a") {
            Some(Arg::Array(x)) => call.b.aval(x.node).dtype.is_inexact(),
            _ => true,
        };
        if inexact {
            Reduced::new(call)
        } else {
            Reduced::strict(call)
        }
    }

    fn reduce(&self, b: &mut Builder, kind: Reduction, x: NodeId) -> Result<NodeId> {
        b.reduce(kind, x, self.axes.clone())
    }

    fn keep_dims(&self, b: &mut Builder, reduced: NodeId) -> Result<NodeId> {
        keep_dims(b, reduced, &self.shape, &self.axes)
    }

    fn finish(&self, b: &mut Builder, reduced: NodeId) -> Result<Arg> {
        let node = if self.keep {
            self.keep_dims(b, reduced)?
        } else {
            reduced
        };
        Ok(scalar_or_array(b, node))
    }
}

/// Sums and products of bools and small integers are computed in 64 bits.
pub(super) fn accumulator(dtype: DType) -> DType {
    match dtype.kind() {
        Kind::Bool => DType::I64,
        Kind::Int if dtype.is_unsigned() => DType::U64,
        Kind::Int => DType::I64,
        Kind::Float | Kind::Complex => dtype,
    }
}

/// `where=`: elements outside it become `neutral`.
fn masked(call: &mut Call<'_>, x: NodeId, neutral: f64) -> Result<NodeId> {
    match call.given("where") {
        None => Ok(x),
        Some(mask) => {
            let mask = array(call.b, &mask)?;
            let mask = truth(call.b, mask)?;
            let neutral = call.b.constant_like(neutral, x);
            let node = call.b.elementwise(E::Where, &[mask, x, neutral])?;
            same_shape(call, node, x)
        }
    }
}

/// A mask must not make the operand larger.
fn same_shape(call: &Call<'_>, masked: NodeId, x: NodeId) -> Result<NodeId> {
    if call.b.aval(masked).shape == call.b.aval(x).shape {
        Ok(masked)
    } else {
        Err(Error::value(
            "non-broadcastable operand with the shape of `where`",
        ))
    }
}

/// `np.sum`, `np.prod`, `np.add.reduce`, `np.multiply.reduce`.
pub(super) fn accumulate(call: &mut Call<'_>, kind: Reduction) -> Result<Arg> {
    let mut r = Reduced::new(call)?;
    let wanted = match dtype(&call.arg("dtype"))? {
        Some(d) => d,
        None => accumulator(call.b.aval(r.x).dtype),
    };
    r.x = convert(call.b, r.x, wanted)?;
    let (op, neutral) = match kind {
        Reduction::Prod => (E::Multiply, 1.0),
        _ => (E::Add, 0.0),
    };
    let x = masked(call, r.x, neutral)?;
    let mut node = r.reduce(call.b, kind, x)?;
    if let Some(initial) = call.given("initial")
        && initial != Arg::None
    {
        let initial = array(call.b, &initial)?;
        let initial = convert(call.b, initial, wanted)?;
        node = binary(call.b, op, initial, node)?;
    }
    r.finish(call.b, node)
}

/// `np.max`, `np.min` and the like.
pub(super) fn extreme(call: &mut Call<'_>, kind: Reduction) -> Result<Arg> {
    let mut r = Reduced::new(call)?;
    if let Some(d) = dtype(&call.arg("dtype"))? {
        r.x = convert(call.b, r.x, d)?;
    }
    let d = call.b.aval(r.x).dtype;
    let (op, word) = match kind {
        Reduction::Min => (E::Minimum, "minimum"),
        _ => (E::Maximum, "maximum"),
    };
    let initial = match call.given("initial") {
        None | Some(Arg::None) => None,
        Some(value) => {
            let value = array(call.b, &value)?;
            Some(convert(call.b, value, d)?)
        }
    };
    let mut x = r.x;
    if let Some(mask) = call.given("where") {
        let Some(initial) = initial else {
            return Err(Error::value(format!(
                "reduction operation '{word}' does not have an identity, so to use a where mask one has to specify 'initial'"
            )));
        };
        let mask = array(call.b, &mask)?;
        let mask = truth(call.b, mask)?;
        let node = call.b.elementwise(E::Where, &[mask, x, initial])?;
        x = same_shape(call, node, x)?;
    }
    let node = match initial {
        Some(initial) if r.count().as_known() == Some(0) => {
            let kept = r.shape.iter().enumerate();
            let shape = kept
                .filter(|(i, _)| !r.axes.contains(i))
                .map(|(_, d)| d.clone())
                .collect();
            call.b.broadcast_to(initial, shape)?
        }
        Some(initial) => {
            let node = r.reduce(call.b, kind, x)?;
            binary(call.b, op, initial, node)?
        }
        None => r.reduce(call.b, kind, x)?,
    };
    r.finish(call.b, node)
}

/// `np.any`, `np.all`.
pub(super) fn logical(call: &mut Call<'_>, kind: Reduction) -> Result<Arg> {
    let mut r = Reduced::new(call)?;
    r.x = truth(call.b, r.x)?;
    let neutral = if kind == Reduction::All { 1.0 } else { 0.0 };
    let x = match call.given("where") {
        None => r.x,
        Some(mask) => {
            let mask = array(call.b, &mask)?;
            let mask = truth(call.b, mask)?;
            let neutral = call.b.full(neutral, DType::Bool, Shape::new())?;
            let node = call.b.elementwise(E::Where, &[mask, r.x, neutral])?;
            same_shape(call, node, r.x)?
        }
    };
    let node = r.reduce(call.b, kind, x)?;
    r.finish(call.b, node)
}

/// `np.mean`.
pub(super) fn mean(call: &mut Call<'_>) -> Result<Arg> {
    let r = Reduced::strict(call)?;
    let (r, count) = averaged(call, r)?;
    let sum = r.reduce(call.b, Reduction::Sum, r.x)?;
    let node = binary(call.b, E::Divide, sum, count)?;
    r.finish(call.b, node)
}

/// The floating-point operand of a mean (zero outside the mask) and the number of elements.
fn averaged(call: &mut Call<'_>, mut r: Reduced) -> Result<(Reduced, NodeId)> {
    r.x = match dtype(&call.arg("dtype"))? {
        Some(d) if d.is_inexact() => convert(call.b, r.x, d)?,
        Some(d) => return Err(call.unlifted(format!("dtype={d}"))),
        None => inexact(call.b, r.x)?,
    };
    let count = match call.given("where") {
        None => call.b.size(r.count()),
        Some(mask) => {
            let (x, count) = counted(call, &r, &mask)?;
            r.x = x;
            count
        }
    };
    Ok((r, count))
}

/// The operand with zeros outside the mask, and how many are inside.
fn counted(call: &mut Call<'_>, r: &Reduced, mask: &Arg) -> Result<(NodeId, NodeId)> {
    let mask = array(call.b, mask)?;
    let mask = truth(call.b, mask)?;
    let mask = call.b.broadcast_to(mask, r.shape.clone())?;
    let zero = call.b.constant_like(0.0, r.x);
    let x = call.b.elementwise(E::Where, &[mask, r.x, zero])?;
    let real = call.b.aval(r.x).dtype.real();
    let ones = convert(call.b, mask, real)?;
    let count = r.reduce(call.b, Reduction::Sum, ones)?;
    Ok((x, count))
}

/// `np.var` and `np.std`.
pub(super) fn variance(call: &mut Call<'_>) -> Result<(NodeId, Arg)> {
    let mask = call.given("where");
    let ddof = match call.given("correction") {
        Some(correction) => correction,
        None => call.arg("ddof"),
    };
    let given_mean = call.given("mean");
    let r = Reduced::strict(call)?;
    let (mut r, mut count) = averaged(call, r)?;
    let plain = r.x;
    if let Some(mask) = &mask {
        (r.x, count) = counted(call, &r, mask)?;
    }
    let mean = match given_mean {
        Some(mean) => array(call.b, &mean)?,
        None => {
            let sum = r.reduce(call.b, Reduction::Sum, r.x)?;
            let mean = binary(call.b, E::Divide, sum, count)?;
            r.keep_dims(call.b, mean)?
        }
    };
    let mut deviation = binary(call.b, E::Subtract, plain, mean)?;
    if let Some(mask) = &mask {
        deviation = counted(
            call,
            &Reduced {
                x: deviation,
                axes: r.axes.clone(),
                shape: r.shape.clone(),
                keep: r.keep,
            },
            mask,
        )?
        .0;
    }
    let squares = squared(call.b, deviation)?;
    let sum = r.reduce(call.b, Reduction::Sum, squares)?;
    let freedom = freedom(call, count, r.count(), &ddof, mask.is_some())?;
    let node = binary(call.b, E::Divide, sum, freedom)?;
    let out = r.finish(call.b, node)?;
    Ok((node, out))
}

/// `count - ddof`, at least 0.
fn freedom(
    call: &mut Call<'_>,
    count: NodeId,
    size: Dim,
    ddof: &Arg,
    masked: bool,
) -> Result<NodeId> {
    match ddof {
        Arg::Int(0) => Ok(count),
        Arg::Int(ddof) if !masked => {
            let left = size - Dim::known(*ddof);
            let enough = call.b.assume_at_most(&Dim::known(0), &left);
            Ok(call.b.size(if enough { left } else { Dim::known(0) }))
        }
        other => {
            let ddof = symbolic(call.b, other)?.node;
            let left = binary(call.b, E::Subtract, count, ddof)?;
            let zero = call.b.float(0.0);
            binary(call.b, E::Maximum, left, zero)
        }
    }
}

/// `|x|**2`, real.
pub(super) fn squared(b: &mut Builder, x: NodeId) -> Result<NodeId> {
    if !b.aval(x).dtype.is_complex() {
        return unary(b, E::Square, x);
    }
    let (re, im) = (unary(b, E::Real, x)?, unary(b, E::Imag, x)?);
    let (re, im) = (unary(b, E::Square, re)?, unary(b, E::Square, im)?);
    binary(b, E::Add, re, im)
}

pub(super) fn var(call: &mut Call<'_>) -> Result<Arg> {
    Ok(variance(call)?.1)
}

pub(super) fn std(call: &mut Call<'_>) -> Result<Arg> {
    let (_, variance) = variance(call)?;
    root_of(call, variance)
}

fn root_of(call: &mut Call<'_>, variance: Arg) -> Result<Arg> {
    let x = symbolic(call.b, &variance)?;
    let node = super::linalg::root_of_squares(call.b, x.node)?;
    Ok(scalar_or_array(call.b, node))
}

/// `np.ptp`.
pub(super) fn peak_to_peak(call: &mut Call<'_>) -> Result<Arg> {
    let r = Reduced::new(call)?;
    let largest = r.reduce(call.b, Reduction::Max, r.x)?;
    let smallest = r.reduce(call.b, Reduction::Min, r.x)?;
    let node = binary(call.b, E::Subtract, largest, smallest)?;
    r.finish(call.b, node)
}

/// `np.argmax`, `np.argmin`.
pub(super) fn arg_extreme(call: &mut Call<'_>, kind: Extreme) -> Result<Arg> {
    let arg = call.arg("a");
    let x = array(call.b, &arg)?;
    let shape = call.b.aval(x).shape.clone();
    let keep = call.flag("keepdims")?;
    let node = match call.arg("axis") {
        Arg::None => {
            let flat = ravel(call.b, x)?;
            let node = call.b.add(Op::ArgReduce { kind, axis: 0 }, &[flat])?;
            let all: Vec<usize> = (0..shape.len()).collect();
            if keep {
                keep_dims(call.b, node, &shape, &all)?
            } else {
                node
            }
        }
        given => {
            let flat_scalar = shape.is_empty();
            let x = if flat_scalar { ravel(call.b, x)? } else { x };
            let at = axis(call.b, &given, shape.len().max(1))?;
            let node = call.b.add(Op::ArgReduce { kind, axis: at }, &[x])?;
            if keep && !flat_scalar {
                keep_dims(call.b, node, &shape, &[at])?
            } else {
                node
            }
        }
    };
    Ok(scalar_or_array(call.b, node))
}

/// `np.cumsum`, `np.cumprod`, `np.add.accumulate`.
pub(super) fn cumulate(call: &mut Call<'_>, kind: Cumulation) -> Result<Arg> {
    let arg = call.arg("a");
    let x = array(call.b, &arg)?;
    let axis = call.arg("axis");
    let node = cumulative(call, x, kind, &axis)?;
    Ok(as_array(node))
}

fn cumulative(call: &mut Call<'_>, x: NodeId, kind: Cumulation, at: &Arg) -> Result<NodeId> {
    let wanted = match dtype(&call.arg("dtype"))? {
        Some(d) => d,
        None => accumulator(call.b.aval(x).dtype),
    };
    let x = convert(call.b, x, wanted)?;
    let rank = call.b.aval(x).rank();
    let (x, axis) = match at {
        Arg::None => (ravel(call.b, x)?, 0),
        given if rank == 0 => (ravel(call.b, x)?, axis(call.b, given, 1)?),
        given => (x, axis(call.b, given, rank)?),
    };
    call.b.add(Op::Cumulate { kind, axis }, &[x])
}

/// `np.add.accumulate`.
pub(super) fn accumulate_ufunc(call: &mut Call<'_>, kind: Cumulation) -> Result<Arg> {
    let arg = call.arg("a");
    let x = array(call.b, &arg)?;
    let at = call.arg("axis");
    if call.b.aval(x).rank() == 0 {
        return Err(match at {
            Arg::Int(0 | -1) => Error::type_error("cannot accumulate on a scalar"),
            other => match axis(call.b, &other, 0) {
                Err(error) => error,
                Ok(_) => Error::internal("an axis of a scalar"),
            },
        });
    }
    let node = cumulative(call, x, kind, &at)?;
    Ok(as_array(node))
}

/// `np.cumulative_sum`, `np.cumulative_prod`.
pub(super) fn cumulative_with_initial(call: &mut Call<'_>, kind: Cumulation) -> Result<Arg> {
    let arg = call.arg("x");
    let x = array(call.b, &arg)?;
    let rank = call.b.aval(x).rank();
    let at = match call.arg("axis") {
        Arg::None if rank <= 1 => Arg::Int(0),
        Arg::None => {
            return Err(Error::value(
                "For arrays which have more than one dimension ``axis`` argument is required.",
            ));
        }
        given => {
            axis(call.b, &given, rank)?;
            given
        }
    };
    let initial = call.flag("include_initial")?;
    let mut node = cumulative(call, x, kind, &at)?;
    if initial {
        let aval = call.b.aval(node).clone();
        let at = axis(call.b, &at, aval.rank())?;
        let mut shape = aval.shape.clone();
        shape[at] = Dim::known(1);
        let neutral = if kind == Cumulation::Prod { 1.0 } else { 0.0 };
        let first = call.b.full(neutral, aval.dtype, shape)?;
        node = concatenate(call.b, &[first, node], at)?;
    }
    Ok(as_array(node))
}

/// `np.count_nonzero`.
pub(super) fn count_nonzero(call: &mut Call<'_>) -> Result<Arg> {
    let mut r = Reduced::new(call)?;
    let x = truth(call.b, r.x)?;
    r.x = convert(call.b, x, DType::I64)?;
    let node = r.reduce(call.b, Reduction::Sum, r.x)?;
    r.finish(call.b, node)
}

/// `np.average(a, axis, weights, returned, keepdims)`.
pub(super) fn average(call: &mut Call<'_>) -> Result<Arg> {
    let Some(weights) = call.given("weights") else {
        let mut r = Reduced::strict(call)?;
        r.x = inexact(call.b, r.x)?;
        let empty = |a: usize| !r.axes.contains(&a) && r.shape[a].as_known() == Some(0);
        if (0..r.shape.len()).any(empty) {
            return Err(Error::raises(Exception::ZeroDivision, "division by zero"));
        }
        let count = call.b.size(r.count());
        let sum = r.reduce(call.b, Reduction::Sum, r.x)?;
        let mean = binary(call.b, E::Divide, sum, count)?;
        return averages(call, &r, mean, None);
    };
    let mut r = Reduced::new(call)?;
    r.x = inexact(call.b, r.x)?;
    let weights = array(call.b, &weights)?;
    let weights = inexact(call.b, weights)?;
    let weights = align_weights(call, &r, weights)?;
    let products = binary(call.b, E::Multiply, r.x, weights)?;
    let total = r.reduce(call.b, Reduction::Sum, products)?;
    let dtype = call.b.aval(products).dtype;
    let whole = call.b.broadcast_to(weights, r.shape.clone())?;
    let whole = convert(call.b, whole, dtype)?;
    let scale = r.reduce(call.b, Reduction::Sum, whole)?;
    let mean = binary(call.b, E::Divide, total, scale)?;
    let zero = call.b.constant_like(0.0, scale);
    let nonzero = binary(call.b, E::NotEqual, scale, zero)?;
    let axes = (0..call.b.aval(nonzero).rank()).collect();
    let message = "Weights sum to zero, can't be normalized";
    Ok(Arg::Either(Box::new(Either {
        condition: call.b.reduce(Reduction::All, nonzero, axes)?,
        holds: averages(call, &r, mean, Some(scale))?,
        fails: Err((Exception::ZeroDivision, message)),
    })))
}

/// Weights of the shape of the reduced axes, put beside them.
fn align_weights(call: &mut Call<'_>, r: &Reduced, weights: NodeId) -> Result<NodeId> {
    let shape = call.b.aval(weights).shape.clone();
    if shape.len() == r.shape.len()
        && std::iter::zip(&shape, &r.shape).all(|(m, n)| call.b.assume_equal(m, n))
    {
        return Ok(weights);
    }
    if r.axes.len() > 1 && shape.len() == r.axes.len() {
        return Err(call.unlifted("weights along several axes"));
    }
    if shape.len() != r.axes.len() || r.axes.len() == r.shape.len() {
        return Err(
            if shape.len() == r.shape.len() || r.axes.len() == r.shape.len() {
                Error::type_error("Axis must be specified when shapes of a and weights differ.")
            } else {
                Error::value(
                    "Shape of weights must be consistent with shape of a along specified axis.",
                )
            },
        );
    }
    let mut wanted: Shape = r.shape.iter().map(|_| Dim::known(1)).collect();
    for (dim, &axis) in shape.iter().zip(&r.axes) {
        if !call.b.assume_equal(dim, &r.shape[axis]) {
            return Err(Error::value(
                "Shape of weights must be consistent with shape of a along specified axis.",
            ));
        }
        wanted[axis] = dim.clone();
    }
    call.b.reshape(weights, wanted)
}

fn averages(call: &mut Call<'_>, r: &Reduced, mean: NodeId, scale: Option<NodeId>) -> Result<Arg> {
    let out = r.finish(call.b, mean)?;
    if !call.flag("returned")? {
        return Ok(out);
    }
    let result = symbolic(call.b, &out)?.node;
    let shape = call.b.aval(result).clone();
    let scale = match scale {
        Some(scale) if r.keep => r.keep_dims(call.b, scale)?,
        Some(scale) => scale,
        None => {
            let count = call.b.size(r.count());
            convert(call.b, count, shape.dtype)?
        }
    };
    let scale = call.b.broadcast_to(scale, shape.shape)?;
    let scale = scalar_or_array(call.b, scale);
    Ok(Arg::Tuple(vec![out, scale]))
}

// Reductions that skip NaN.

/// The operand with NaN replaced, and where it had none; as it is for integers.
fn without_nan(call: &mut Call<'_>, x: NodeId, by: f64) -> Result<(NodeId, Option<NodeId>)> {
    if !call.b.aval(x).dtype.is_inexact() {
        return Ok((x, None));
    }
    let missing = unary(call.b, E::Isnan, x)?;
    let by = call.b.float(by);
    let node = call.b.elementwise(E::Where, &[missing, by, x])?;
    let present = unary(call.b, E::LogicalNot, missing)?;
    Ok((node, Some(present)))
}

/// `np.nansum`, `np.nanprod`.
pub(super) fn nan_accumulate(call: &mut Call<'_>, kind: Reduction) -> Result<Arg> {
    let mut r = Reduced::new(call)?;
    let neutral = if kind == Reduction::Prod { 1.0 } else { 0.0 };
    r.x = without_nan(call, r.x, neutral)?.0;
    let wanted = match dtype(&call.arg("dtype"))? {
        Some(d) => d,
        None => accumulator(call.b.aval(r.x).dtype),
    };
    r.x = convert(call.b, r.x, wanted)?;
    let node = r.reduce(call.b, kind, r.x)?;
    r.finish(call.b, node)
}

/// `np.nancumsum`, `np.nancumprod`.
pub(super) fn nan_cumulate(call: &mut Call<'_>, kind: Cumulation) -> Result<Arg> {
    let arg = call.arg("a");
    let x = array(call.b, &arg)?;
    let neutral = if kind == Cumulation::Prod { 1.0 } else { 0.0 };
    let x = without_nan(call, x, neutral)?.0;
    let axis = call.arg("axis");
    let node = cumulative(call, x, kind, &axis)?;
    Ok(as_array(node))
}

/// `np.nanmax`, `np.nanmin`: NaN only where nothing else is.
pub(super) fn nan_extreme(call: &mut Call<'_>, kind: Reduction) -> Result<Arg> {
    let r = Reduced::new(call)?;
    let worst = if kind == Reduction::Max {
        f64::NEG_INFINITY
    } else {
        f64::INFINITY
    };
    if call.b.aval(r.x).dtype.is_complex() {
        return Err(call.unlifted("complex numbers"));
    }
    let (x, present) = without_nan(call, r.x, worst)?;
    let mut node = r.reduce(call.b, kind, x)?;
    if let Some(present) = present {
        let any = r.reduce(call.b, Reduction::Any, present)?;
        let nan = call.b.float(f64::NAN);
        node = call.b.elementwise(E::Where, &[any, node, nan])?;
    }
    r.finish(call.b, node)
}

/// `np.nanmean`.
pub(super) fn nan_mean(call: &mut Call<'_>) -> Result<Arg> {
    let r = Reduced::nan(call)?;
    let (mut r, mut count) = averaged(call, r)?;
    let (x, present) = without_nan(call, r.x, 0.0)?;
    if let Some(present) = present {
        (r.x, count) = counted(call, &r, &as_array(present))?;
    }
    let _ = x;
    let sum = r.reduce(call.b, Reduction::Sum, r.x)?;
    let node = binary(call.b, E::Divide, sum, count)?;
    r.finish(call.b, node)
}

/// `np.nanvar`.
pub(super) fn nan_var(call: &mut Call<'_>) -> Result<Arg> {
    let ddof = call.arg("ddof");
    let r = Reduced::nan(call)?;
    let (mut r, _) = averaged(call, r)?;
    let present = {
        let missing = unary(call.b, E::Isnan, r.x)?;
        as_array(unary(call.b, E::LogicalNot, missing)?)
    };
    let plain = r.x;
    let (x, count) = counted(call, &r, &present)?;
    let sum = r.reduce(call.b, Reduction::Sum, x)?;
    let mean = binary(call.b, E::Divide, sum, count)?;
    let mean = r.keep_dims(call.b, mean)?;
    r.x = binary(call.b, E::Subtract, plain, mean)?;
    let (deviation, _) = counted(call, &r, &present)?;
    let squares = squared(call.b, deviation)?;
    let sum = r.reduce(call.b, Reduction::Sum, squares)?;
    let ddof = symbolic(call.b, &ddof)?.node;
    let freedom = binary(call.b, E::Subtract, count, ddof)?;
    // NumPy gives NaN where too little is left, also where it would be a division of 0 by -1.
    let zero = call.b.float(0.0);
    let enough = binary(call.b, E::Greater, freedom, zero)?;
    let ratio = binary(call.b, E::Divide, sum, freedom)?;
    let nan = call.b.float(f64::NAN);
    let node = call.b.elementwise(E::Where, &[enough, ratio, nan])?;
    r.finish(call.b, node)
}

pub(super) fn nan_std(call: &mut Call<'_>) -> Result<Arg> {
    let variance = nan_var(call)?;
    root_of(call, variance)
}

// Stable sums of exponentials.

/// The largest element along the axes, with them kept; 0 where it is not finite.
fn finite_maximum(b: &mut Builder, r: &Reduced) -> Result<NodeId> {
    let largest = r.reduce(b, Reduction::Max, r.x)?;
    let finite = unary(b, E::Isfinite, largest)?;
    let zero = b.float(0.0);
    let node = b.elementwise(E::Where, &[finite, largest, zero])?;
    r.keep_dims(b, node)
}

/// `scipy.special.logsumexp(a, axis, b, keepdims, return_sign)`, `np.logaddexp.reduce`.
pub(super) fn log_sum_exp(call: &mut Call<'_>) -> Result<Arg> {
    let mut r = Reduced::new(call)?;
    r.x = inexact(call.b, r.x)?;
    if call.b.aval(r.x).dtype.is_complex() {
        return Err(call.unlifted("complex numbers"));
    }
    let largest = finite_maximum(call.b, &r)?;
    let shifted = binary(call.b, E::Subtract, r.x, largest)?;
    let mut terms = unary(call.b, E::Exp, shifted)?;
    if let Some(weights) = call.given("b") {
        let weights = array(call.b, &weights)?;
        terms = binary(call.b, E::Multiply, weights, terms)?;
        if call.b.aval(terms).shape != r.shape {
            return Err(call.unlifted("`b` larger than `a`"));
        }
    }
    let sum = r.reduce(call.b, Reduction::Sum, terms)?;
    let log = unary(call.b, E::Log, sum)?;
    let kept = r.keep_dims(call.b, log)?;
    let mut node = binary(call.b, E::Add, kept, largest)?;
    if !r.keep {
        let shape = call.b.aval(log).shape.clone();
        node = call.b.reshape(node, shape)?;
    }
    Ok(scalar_or_array(call.b, node))
}

/// `scipy.special.softmax(x, axis)`.
pub(super) fn softmax(call: &mut Call<'_>) -> Result<Arg> {
    let (r, shifted) = shifted(call)?;
    let terms = unary(call.b, E::Exp, shifted)?;
    let sum = r.reduce(call.b, Reduction::Sum, terms)?;
    let sum = r.keep_dims(call.b, sum)?;
    let node = binary(call.b, E::Divide, terms, sum)?;
    Ok(scalar_or_array(call.b, node))
}

/// `scipy.special.log_softmax(x, axis)`.
pub(super) fn log_softmax(call: &mut Call<'_>) -> Result<Arg> {
    let (r, shifted) = shifted(call)?;
    let terms = unary(call.b, E::Exp, shifted)?;
    let sum = r.reduce(call.b, Reduction::Sum, terms)?;
    let log = unary(call.b, E::Log, sum)?;
    let log = r.keep_dims(call.b, log)?;
    let node = binary(call.b, E::Subtract, shifted, log)?;
    Ok(scalar_or_array(call.b, node))
}

fn shifted(call: &mut Call<'_>) -> Result<(Reduced, NodeId)> {
    let mut r = Reduced::new(call)?;
    r.x = inexact(call.b, r.x)?;
    let largest = finite_maximum(call.b, &r)?;
    let shifted = binary(call.b, E::Subtract, r.x, largest)?;
    Ok((r, shifted))
}

/// `X.outer(a, b)` for a binary ufunc.
pub(super) fn outer(call: &mut Call<'_>, op: E) -> Result<Arg> {
    let (a, c) = (call.arg("A"), call.arg("B"));
    let (x, y) = (symbolic(call.b, &a)?, symbolic(call.b, &c)?);
    let rank = call.b.aval(y.node).rank();
    let mut shape = call.b.aval(x.node).shape.clone();
    shape.extend((0..rank).map(|_| Dim::known(1)));
    let left = Symbolic {
        node: call.b.reshape(x.node, shape)?,
        form: x.form,
    };
    let node = super::ufunc::apply(call.b, op, &[Arg::Array(left), Arg::Array(y)])?;
    Ok(scalar_or_array(call.b, node))
}
