//! Python's own numbers: its builtins and `math`, and what turns arrays into numbers.
//!
//! In: a bound call on symbolic numbers. Out: nodes of rank 0 that are weak under NEP 50.
//! `float(x.sum())` is the same node as `x.sum()`, seen as a Python float, until something is computed
//! of it that raises in Python (`math.sqrt(-1.0)`): that is done on a weak node.
//!
//! What Python can only do with the value itself (`int(x)` of a float, `round(x)`) is refused.

use super::argument::*;
use super::composed::round_to_decimals;
use super::signature::Call;
use super::ufunc::{apply_to, operand_names, operate, settle};
use super::{Arg, Form, Symbolic};
use crate::error::{Error, Result};
use crate::graph::{DType, Dim, NodeId};
use crate::ops::elementwise::check_literal;
use crate::ops::{Elementwise as E, Reduction};

/// The single element of an array-like.
fn number(call: &mut Call<'_>, name: &str) -> Result<NodeId> {
    let arg = call.arg(name);
    let x = symbolic(call.b, &arg)?;
    if call.b.aval(x.node).rank() == 0 {
        return Ok(x.node);
    }
    Err(Error::type_error(
        "only 0-dimensional arrays can be converted to Python scalars",
    ))
}

/// `float(x)`, `complex(x)`, `bool(x)`; `int(x)` of integers.
pub(super) fn python_number(call: &mut Call<'_>, dtype: DType) -> Result<Arg> {
    let x = number(call, "x")?;
    let from = call.b.aval(x).dtype;
    if dtype == DType::F64 && from.is_complex() {
        return Err(Error::type_error(
            "float() argument must be a string or a real number, not 'complex'",
        ));
    }
    if dtype == DType::I64 && from.is_inexact() {
        // Python raises for NaN and infinity, and what needs an int mostly needs its value.
        return Err(needs_value("int(...)"));
    }
    let node = if from == dtype {
        x
    } else {
        convert(call.b, x, dtype)?
    };
    Ok(as_python(node))
}

/// `complex(re, im)`.
pub(super) fn python_complex(call: &mut Call<'_>) -> Result<Arg> {
    let Some(imag) = call.given("imag") else {
        return python_number(call, DType::C128);
    };
    let re = number(call, "x")?;
    let im = symbolic(call.b, &imag)?.node;
    let re = convert(call.b, re, DType::F64)?;
    let im = convert(call.b, im, DType::F64)?;
    let node = binary(call.b, E::MakeComplex, re, im)?;
    Ok(as_python(node))
}

/// `x.item()`.
pub(super) fn item(call: &mut Call<'_>) -> Result<Arg> {
    let arg = call.arg("self");
    let mut x = symbolic(call.b, &arg)?;
    let index = match call.rest().as_slice() {
        [] => None,
        [Arg::Tuple(index)] => Some(Arg::Tuple(index.clone())),
        [Arg::Int(flat)] => {
            x.node = ravel(call.b, x.node)?;
            Some(Arg::Int(*flat))
        }
        several => Some(Arg::Tuple(several.to_vec())),
    };
    if let Some(index) = index {
        let found = super::index::getitem(call.b, x, &index)?;
        x = symbolic(call.b, &found)?;
    }
    for dim in call.b.aval(x.node).shape.clone() {
        if !call.b.assume_equal(&dim, &Dim::known(1)) {
            return Err(Error::value(
                "can only convert an array of size 1 to a Python scalar",
            ));
        }
    }
    let node = call.b.reshape(x.node, [].into_iter().collect())?;
    Ok(as_python(node))
}

/// `x.tolist()` of a scalar.
pub(super) fn to_list(call: &mut Call<'_>) -> Result<Arg> {
    let arg = call.arg("self");
    let x = symbolic(call.b, &arg)?;
    if call.b.aval(x.node).rank() > 0 {
        return Err(needs_value("tolist()"));
    }
    Ok(as_python(x.node))
}

/// `round(x)`, `round(x, n)`.
pub(super) fn python_round(call: &mut Call<'_>) -> Result<Arg> {
    let arg = call.arg("number");
    let x = symbolic(call.b, &arg)?;
    if x.form == Form::Array {
        return Err(Error::type_error(
            "type numpy.ndarray doesn't define __round__ method",
        ));
    }
    match (call.given("ndigits"), x.form) {
        (None, _) => Err(needs_value("round(...)")),
        (Some(_), Form::Python) => Err(call
            .unlifted("Python rounds its floats to the nearest decimal exactly, NumPy does not")),
        (Some(decimals), _) => {
            let decimals = known_integer(call.b, &decimals, "ndigits")?;
            let node = round_to_decimals(call, x.node, decimals)?;
            Ok(like(call.b, x, node))
        }
    }
}

/// `max(a, b, ...)` and `min(a, b, ...)` of numbers: the first one wins ties, as in Python.
pub(super) fn python_extreme(call: &mut Call<'_>, better: E) -> Result<Arg> {
    let mut args = call.rest();
    if let [Arg::List(items) | Arg::Tuple(items)] = args.as_slice() {
        args = items.clone();
    }
    if args.len() < 2 {
        return Err(call.unlifted("it iterates over its argument"));
    }
    let mut best = symbolic(call.b, &args[0])?;
    for arg in &args[1..] {
        let next = symbolic(call.b, arg)?;
        if call.b.aval(best.node).rank() + call.b.aval(next.node).rank() > 0 {
            return Err(needs_value("a comparison of arrays"));
        }
        let test = apply_to(call.b, better, &[next, best])?;
        let sides = settle(call.b, &[next, best])?;
        let node = call.b.elementwise(E::Where, &[test, sides[0], sides[1]])?;
        let python = best.form == Form::Python && next.form == Form::Python;
        let form = if python { Form::Python } else { Form::Scalar };
        best = Symbolic { node, form };
    }
    Ok(Arg::Array(best))
}

/// `sum(xs)` as Python adds.
pub(super) fn python_sum(call: &mut Call<'_>) -> Result<Arg> {
    let mut total = call.arg("start");
    let list = match call.arg("iterable") {
        Arg::Array(x) if call.b.aval(x.node).rank() > 0 => {
            let mut x = x.node;
            if call.b.aval(x).dtype == DType::Bool {
                x = call.b.cast(x, DType::I64)?;
            }
            let sum = call
                .b
                .reduce(Reduction::Sum, x, [0].into_iter().collect())?;
            vec![scalar_or_array(call.b, sum)]
        }
        other => items(call.b, &other)?,
    };
    let mut list = list.into_iter();
    if total == Arg::Int(0) && list.len() > 0 {
        // `0 + x` is `x`, except that bools become integers.
        let first = list.next().unwrap_or(Arg::Int(0));
        let x = symbolic(call.b, &first)?;
        total = if call.b.aval(x.node).dtype == DType::Bool {
            operate(call.b, E::Add, &[total, first])?
        } else {
            first
        };
    }
    for item in list {
        total = operate(call.b, E::Add, &[total, item])?;
    }
    Ok(total)
}

/// `len(x)`.
pub(super) fn length(call: &mut Call<'_>) -> Result<Arg> {
    match call.arg("obj") {
        Arg::List(items) | Arg::Tuple(items) => Ok(Arg::Int(items.len() as i64)),
        other => {
            let x = symbolic(call.b, &other)?;
            match call.b.aval(x.node).shape.first() {
                Some(first) => Ok(size(first.clone())),
                None => Err(Error::type_error("len() of unsized object")),
            }
        }
    }
}

/// The functions of `math` that are elementwise operations.
pub(super) const MATH: &[(&str, E, usize)] = &[
    ("math.exp", E::Exp, 1),
    ("math.exp2", E::Exp2, 1),
    ("math.expm1", E::Expm1, 1),
    ("math.log2", E::Log2, 1),
    ("math.log10", E::Log10, 1),
    ("math.log1p", E::Log1p, 1),
    ("math.sqrt", E::Sqrt, 1),
    ("math.cbrt", E::Cbrt, 1),
    ("math.pow", E::Power, 2),
    ("math.sin", E::Sin, 1),
    ("math.cos", E::Cos, 1),
    ("math.tan", E::Tan, 1),
    ("math.asin", E::Arcsin, 1),
    ("math.acos", E::Arccos, 1),
    ("math.atan", E::Arctan, 1),
    ("math.atan2", E::Arctan2, 2),
    ("math.hypot", E::Hypot, 2),
    ("math.sinh", E::Sinh, 1),
    ("math.cosh", E::Cosh, 1),
    ("math.tanh", E::Tanh, 1),
    ("math.asinh", E::Arcsinh, 1),
    ("math.acosh", E::Arccosh, 1),
    ("math.atanh", E::Arctanh, 1),
    ("math.fabs", E::Fabs, 1),
    ("math.fmod", E::Fmod, 2),
    ("math.copysign", E::Copysign, 2),
    ("math.degrees", E::Rad2deg, 1),
    ("math.radians", E::Deg2rad, 1),
    ("math.erf", E::Erf, 1),
    ("math.erfc", E::Erfc, 1),
    ("math.lgamma", E::Gammaln, 1),
    ("math.isnan", E::Isnan, 1),
    ("math.isinf", E::Isinf, 1),
    ("math.isfinite", E::Isfinite, 1),
];

/// A function of `math`: Python floats in and out.
pub(super) fn math(call: &mut Call<'_>, op: E, arity: usize) -> Result<Arg> {
    let mut nodes = Vec::with_capacity(arity);
    for name in operand_names(arity) {
        nodes.push(float_number(call, name)?);
    }
    let node = call.b.elementwise(op, &nodes)?;
    Ok(as_python(node))
}

fn float_number(call: &mut Call<'_>, name: &str) -> Result<NodeId> {
    let x = number(call, name)?;
    let from = call.b.aval(x).dtype;
    if from.is_complex() {
        return Err(Error::type_error("must be real number, not complex"));
    }
    let node = match from {
        DType::F64 => x,
        _ => convert(call.b, x, DType::F64)?,
    };
    number_of_python(call.b, node)
}

/// `math.log(x, base)`.
pub(super) fn math_log(call: &mut Call<'_>) -> Result<Arg> {
    let x = float_number(call, "x")?;
    let mut node = unary(call.b, E::Log, x)?;
    if let Some(base) = call.given("base") {
        let base = symbolic(call.b, &base)?.node;
        let base = convert(call.b, base, DType::F64)?;
        let base = number_of_python(call.b, base)?;
        let base = unary(call.b, E::Log, base)?;
        node = binary(call.b, E::Divide, node, base)?;
    }
    Ok(as_python(node))
}

/// `divmod(a, b)`.
pub(super) fn python_divmod(call: &mut Call<'_>) -> Result<Arg> {
    let args = [call.arg("a"), call.arg("b")];
    let quotient = operate(call.b, E::FloorDivide, &args)?;
    let remainder = operate(call.b, E::Remainder, &args)?;
    Ok(Arg::Tuple(vec![quotient, remainder]))
}

/// `not x` of a number or an array of one element.
pub(super) fn negate_truth(call: &mut Call<'_>) -> Result<Arg> {
    let x = number(call, "a")?;
    let node = unary(call.b, E::LogicalNot, x)?;
    Ok(as_python(node))
}

/// `np.float64(x)` and its like.
pub(super) fn scalar_type(call: &mut Call<'_>, dtype: DType) -> Result<Arg> {
    let arg = match call.arg("value") {
        Arg::None => Arg::Int(0),
        value => value,
    };
    let x = symbolic(call.b, &arg)?;
    let d = call.b.aval(x.node).dtype;
    if d.is_complex() && !dtype.is_complex() {
        return Err(Error::type_error(
            "float() argument must be a string or a real number, not 'complex'",
        ));
    }
    if let Arg::Int(v) = &arg {
        check_literal(i128::from(*v), dtype)?;
    }
    let node = convert(call.b, x.node, dtype)?;
    Ok(scalar_or_array(call.b, node))
}
