//! Functions that NumPy composes of universal functions.
//!
//! In: a bound call. Out: elementwise nodes.
//! `np.clip(x, 0, 1)` is `minimum(maximum(x, 0), 1)`; `np.sinc(x)` is `sin(pi*x) / (pi*x)`, 1 at 0.

use super::argument::*;
use super::signature::Call;
use super::ufunc::{check_literals, part, settle};
use super::{Arg, Form};
use crate::error::{Error, Result};
use crate::graph::{Builder, DType, NodeId};
use crate::ops::{Elementwise as E, Reduction};

/// `np.real`, `np.imag`, `np.conj`, `x.conj()`, `x.real`.
pub(super) fn complex_part(call: &mut Call<'_>, op: E) -> Result<Arg> {
    let arg = call.arg("val");
    let x = symbolic(call.b, &arg)?;
    let node = strong(call.b, x.node)?;
    let node = part(call.b, op, node)?;
    Ok(match x.form {
        Form::Python => as_python(node),
        Form::Scalar | Form::Array => like(call.b, x, node),
    })
}

/// `np.angle(z, deg=False)`.
pub(super) fn angle(call: &mut Call<'_>) -> Result<Arg> {
    let arg = call.arg("z");
    let z = array(call.b, &arg)?;
    let z = inexact(call.b, z)?;
    let im = part(call.b, E::Imag, z)?;
    let re = part(call.b, E::Real, z)?;
    let mut node = binary(call.b, E::Arctan2, im, re)?;
    if call.flag("deg")? {
        let scale = call.b.float(180.0 / std::f64::consts::PI);
        node = binary(call.b, E::Multiply, node, scale)?;
    }
    Ok(scalar_or_array(call.b, node))
}

/// `np.clip(a, min, max)`; either bound may be missing.
pub(super) fn clip(call: &mut Call<'_>) -> Result<Arg> {
    let mut lower = call.arg("a_min");
    let mut upper = call.arg("a_max");
    if let Some(min) = call.given("min") {
        lower = min;
    }
    if let Some(max) = call.given("max") {
        upper = max;
    }
    if let Some(d) = dtype(&call.arg("dtype"))? {
        let arg = call.arg("a");
        let x = symbolic(call.b, &arg)?;
        let node = convert(call.b, x.node, d)?;
        return clipped(call, as_array(node), lower, upper);
    }
    let a = call.arg("a");
    clipped(call, a, lower, upper)
}

fn clipped(call: &mut Call<'_>, a: Arg, lower: Arg, upper: Arg) -> Result<Arg> {
    let x = symbolic(call.b, &a)?;
    let (mut operands, mut ops) = (vec![x], vec![]);
    for (bound, op) in [(lower, E::Maximum), (upper, E::Minimum)] {
        if bound != Arg::None {
            operands.push(symbolic(call.b, &bound)?);
            ops.push(op);
        }
    }
    if ops.is_empty() {
        let node = unary(call.b, E::Positive, x.node)?;
        return Ok(scalar_or_array(call.b, node));
    }
    // Both bounds take part in the dtype, even of the first comparison.
    let wanted = common_dtype(call.b, &operands);
    let nodes = settle(call.b, &operands)?;
    let mut node = nodes[0];
    if call.b.aval(node).dtype != wanted {
        node = convert(call.b, node, wanted)?;
    }
    for (op, bound) in ops.into_iter().zip(&nodes[1..]) {
        check_literals(call.b, op, &[node, *bound])?;
        node = binary(call.b, op, node, *bound)?;
    }
    let node = strong(call.b, node)?;
    Ok(scalar_or_array(call.b, node))
}

/// `np.where(condition, x, y)`, or `np.nonzero(condition)`.
pub(super) fn choose_by(call: &mut Call<'_>) -> Result<Arg> {
    let condition = call.arg("condition");
    let condition = array(call.b, &condition)?;
    let (x, y) = match (call.given("x"), call.given("y")) {
        (Some(x), Some(y)) => (x, y),
        (None, None) => return super::take::nonzero_of(call.b, condition),
        _ => {
            return Err(Error::value(
                "either both or neither of x and y should be given",
            ));
        }
    };
    let condition = truth(call.b, condition)?;
    let x = symbolic(call.b, &x)?;
    let y = symbolic(call.b, &y)?;
    let sides = settle(call.b, &[x, y])?;
    let node = call
        .b
        .elementwise(E::Where, &[condition, sides[0], sides[1]])?;
    let node = strong(call.b, node)?;
    Ok(as_array(node))
}

/// `np.select(conditions, choices, default)`.
pub(super) fn select(call: &mut Call<'_>) -> Result<Arg> {
    let conditions = call.arg("condlist");
    let conditions = items(call.b, &conditions)?;
    let choices = call.arg("choicelist");
    let choices = items(call.b, &choices)?;
    if conditions.len() != choices.len() {
        return Err(Error::value(
            "list of cases must be same length as list of conditions",
        ));
    }
    if conditions.is_empty() {
        return Err(Error::value(
            "select with an empty condition list is not possible",
        ));
    }
    let mut values = choices;
    values.push(call.arg("default"));
    let mut symbols = Vec::with_capacity(values.len());
    for value in &values {
        symbols.push(symbolic(call.b, value)?);
    }
    let wanted = common_dtype(call.b, &symbols);
    let mut values = Vec::with_capacity(symbols.len());
    for x in symbols {
        values.push(convert(call.b, x.node, wanted)?);
    }
    let mut result = values.pop().ok_or_else(|| Error::internal("select"))?;
    for (condition, value) in conditions.iter().zip(values).rev() {
        let condition = array(call.b, condition)?;
        if call.b.aval(condition).dtype != DType::Bool {
            return Err(Error::type_error(
                "invalid entry 0 in condlist: should be boolean ndarray",
            ));
        }
        result = call.b.elementwise(E::Where, &[condition, value, result])?;
    }
    Ok(as_array(result))
}

/// `np.nan_to_num(x, nan=0.0, posinf=None, neginf=None)`.
pub(super) fn nan_to_num(call: &mut Call<'_>) -> Result<Arg> {
    let arg = call.arg("x");
    let x = array(call.b, &arg)?;
    let d = call.b.aval(x).dtype;
    let nan = call.arg("nan");
    let (posinf, neginf) = (call.given("posinf"), call.given("neginf"));
    if !d.is_inexact() {
        return Ok(scalar_or_array(call.b, x));
    }
    let largest = match d.real() {
        DType::F32 => f64::from(f32::MAX),
        _ => f64::MAX,
    };
    let values = [
        nan,
        posinf.unwrap_or(Arg::Float(largest)),
        neginf.unwrap_or(Arg::Float(-largest)),
    ];
    let node = if d.is_complex() {
        let (re, im) = (part(call.b, E::Real, x)?, part(call.b, E::Imag, x)?);
        let (re, im) = (
            finite_part(call.b, re, &values)?,
            finite_part(call.b, im, &values)?,
        );
        call.b.elementwise(E::MakeComplex, &[re, im])?
    } else {
        finite_part(call.b, x, &values)?
    };
    Ok(scalar_or_array(call.b, node))
}

/// A real array with other values in the place of NaN, infinity and its negative.
fn finite_part(b: &mut Builder, x: NodeId, values: &[Arg; 3]) -> Result<NodeId> {
    let zero = b.float(0.0);
    let is_nan = unary(b, E::Isnan, x)?;
    let infinite = unary(b, E::Isinf, x)?;
    let positive = binary(b, E::Greater, x, zero)?;
    let positive = binary(b, E::LogicalAnd, infinite, positive)?;
    let negative = binary(b, E::Less, x, zero)?;
    let negative = binary(b, E::LogicalAnd, infinite, negative)?;
    let dtype = b.aval(x).dtype;
    let mut node = x;
    for (test, value) in [is_nan, positive, negative].into_iter().zip(values) {
        let value = symbolic(b, value)?.node;
        let value = convert(b, value, dtype)?;
        node = b.elementwise(E::Where, &[test, value, node])?;
    }
    Ok(node)
}

/// `np.isclose(a, b, rtol, atol, equal_nan)`.
pub(super) fn is_close(call: &mut Call<'_>) -> Result<Arg> {
    let node = close(call)?;
    Ok(scalar_or_array(call.b, node))
}

/// `np.allclose`: a Python bool.
pub(super) fn all_close(call: &mut Call<'_>) -> Result<Arg> {
    let node = close(call)?;
    let axes = (0..call.b.aval(node).rank()).collect();
    let node = call.b.reduce(Reduction::All, node, axes)?;
    Ok(as_python(node))
}

fn close(call: &mut Call<'_>) -> Result<NodeId> {
    let (a, y) = (call.arg("a"), call.arg("b"));
    let tolerances = [call.arg("rtol"), call.arg("atol")];
    let equal_nan = call.flag("equal_nan")?;
    let b = &mut *call.b;
    let pair = [symbolic(b, &a)?, symbolic(b, &y)?];
    let [x, y]: [NodeId; 2] = settle(b, &pair)?
        .try_into()
        .map_err(|_| Error::internal("two operands"))?;
    let y = if b.aval(y).dtype.is_inexact() {
        y
    } else {
        convert(b, y, DType::F64)?
    };
    let rtol = symbolic(b, &tolerances[0])?.node;
    let atol = symbolic(b, &tolerances[1])?.node;
    let x = truth_as_number(b, x)?;
    let difference = binary(b, E::Subtract, x, y)?;
    let difference = unary(b, E::Absolute, difference)?;
    let scale = unary(b, E::Absolute, y)?;
    let scaled = binary(b, E::Multiply, rtol, scale)?;
    let bound = binary(b, E::Add, atol, scaled)?;
    let within = binary(b, E::LessEqual, difference, bound)?;
    let finite = unary(b, E::Isfinite, y)?;
    let within = binary(b, E::BitwiseAnd, within, finite)?;
    let equal = binary(b, E::Equal, x, y)?;
    let mut node = binary(b, E::BitwiseOr, within, equal)?;
    if equal_nan {
        let (u, v) = (unary(b, E::Isnan, x)?, unary(b, E::Isnan, y)?);
        let both = binary(b, E::BitwiseAnd, u, v)?;
        node = binary(b, E::BitwiseOr, node, both)?;
    }
    Ok(node)
}

fn truth_as_number(b: &mut Builder, x: NodeId) -> Result<NodeId> {
    if b.aval(x).dtype == DType::Bool {
        convert(b, x, DType::F64)
    } else {
        Ok(x)
    }
}

/// `np.array_equal(a1, a2, equal_nan=False)`: a Python bool.
pub(super) fn array_equal(call: &mut Call<'_>) -> Result<Arg> {
    let (a, c) = (call.arg("a1"), call.arg("a2"));
    let (x, y) = (array(call.b, &a)?, array(call.b, &c)?);
    let (s, t) = (call.b.aval(x).shape.clone(), call.b.aval(y).shape.clone());
    if s.len() != t.len() {
        return Ok(Arg::Bool(false));
    }
    for (m, n) in s.iter().zip(&t) {
        if !call.b.assume_equal(m, n) {
            return Ok(Arg::Bool(false));
        }
    }
    let mut equal = binary(call.b, E::Equal, x, y)?;
    if call.flag("equal_nan")? {
        let (u, v) = (unary(call.b, E::Isnan, x)?, unary(call.b, E::Isnan, y)?);
        let both = binary(call.b, E::BitwiseAnd, u, v)?;
        equal = binary(call.b, E::BitwiseOr, equal, both)?;
    }
    let node = call
        .b
        .reduce(Reduction::All, equal, (0..s.len()).collect())?;
    Ok(as_python(node))
}

/// `np.round(a, decimals=0)`.
pub(super) fn round(call: &mut Call<'_>) -> Result<Arg> {
    let arg = call.arg("a");
    let x = array(call.b, &arg)?;
    let decimals = call.arg("decimals");
    let decimals = known_integer(call.b, &decimals, "decimals")?;
    let node = round_to_decimals(call, x, decimals)?;
    Ok(scalar_or_array(call.b, node))
}

pub(super) fn round_to_decimals(call: &mut Call<'_>, x: NodeId, decimals: i64) -> Result<NodeId> {
    let d = call.b.aval(x).dtype;
    if !d.is_inexact() {
        return match decimals {
            _ if d == DType::Bool => Err(call.unlifted("bools round to float16")),
            0.. => Ok(x),
            _ => Err(call.unlifted("integers with negative decimals")),
        };
    }
    if decimals == 0 {
        return unary(call.b, E::Rint, x);
    }
    let scale = call.b.float(10f64.powi(decimals.unsigned_abs() as i32));
    let (up, down) = if decimals > 0 {
        (E::Multiply, E::Divide)
    } else {
        (E::Divide, E::Multiply)
    };
    let scaled = binary(call.b, up, x, scale)?;
    let rounded = unary(call.b, E::Rint, scaled)?;
    binary(call.b, down, rounded, scale)
}

/// `np.sinc`: `sin(pi x) / (pi x)`, 1 at 0.
pub(super) fn sinc(call: &mut Call<'_>) -> Result<Arg> {
    let arg = call.arg("x");
    let x = array(call.b, &arg)?;
    let x = inexact(call.b, x)?;
    let zero = call.b.float(0.0);
    let at_zero = binary(call.b, E::Equal, x, zero)?;
    let pi = call.b.float(std::f64::consts::PI);
    let y = binary(call.b, E::Multiply, pi, x)?;
    // At 0 the start of the series, so that it has the derivatives that the quotient has not.
    let sixth = call.b.float(1.0 / 6.0);
    let square = binary(call.b, E::Multiply, y, y)?;
    let loss = binary(call.b, E::Multiply, sixth, square)?;
    let one = call.b.float(1.0);
    let series = binary(call.b, E::Subtract, one, loss)?;
    let safe = call.b.elementwise(E::Where, &[at_zero, one, y])?;
    let sine = unary(call.b, E::Sin, safe)?;
    let quotient = binary(call.b, E::Divide, sine, safe)?;
    let node = call.b.elementwise(E::Where, &[at_zero, series, quotient])?;
    Ok(scalar_or_array(call.b, node))
}

/// `np.isreal`, `np.iscomplex`.
pub(super) fn compare_imag(call: &mut Call<'_>, op: E) -> Result<Arg> {
    let arg = call.arg("x");
    let x = array(call.b, &arg)?;
    let im = part(call.b, E::Imag, x)?;
    let zero = call.b.constant_like(0.0, im);
    let node = binary(call.b, op, im, zero)?;
    // `isreal` compares what Python's own `x.imag` is.
    Ok(match symbolic(call.b, &arg)?.form {
        Form::Python if op == E::Equal => as_python(node),
        Form::Python | Form::Scalar | Form::Array => scalar_or_array(call.b, node),
    })
}
