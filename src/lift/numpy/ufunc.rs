//! Universal functions, operators and numbers: everything that works element by element.
//!
//! In: a bound call. Out: elementwise nodes.
//! `x + 1` with `x: float32[n]` is `add(x, 1)`, of dtype float32: the literal stays weak.
//!
//! Nodes know weakness (NEP 50) only of literals; Python sees more: `math.exp(x)` is a Python
//! float, `np.exp(2.0)` is not. [`settle`] reconciles the two where they would differ.
//! Where Python's own arithmetic or `math` raises (`math.sqrt(-1.0)`, `1.0 / x` for `x == 0.0`), the
//! graph has no way to raise and gives NumPy's NaN or infinity.

use super::argument::*;
use super::signature::Call;
use super::{Arg, Form, Symbolic};
use crate::error::{Error, Result};
use crate::graph::{Builder, DType, Dim, NodeId, result_type};
use crate::ops::elementwise::check_literal;
use crate::ops::{Constant, Elementwise, Op, Reduction};

use Elementwise as E;

/// Signatures by number of operands.
pub(super) const UNARY: &str = "x, /, out=None, *, where=True, casting=same_kind|safe|unsafe|no|equiv, order=K|C|A, dtype=None, subok=True|False, signature=None";
pub(super) const BINARY: &str = "x1, x2, /, out=None, *, where=True, casting=same_kind|safe|unsafe|no|equiv, order=K|C|A, dtype=None, subok=True|False, signature=None";

/// The parameters of a ufunc of this many operands.
pub(super) fn operand_names(arity: usize) -> &'static [&'static str] {
    match arity {
        1 => &["x"],
        2 => &["x1", "x2"],
        _ => &["x1", "x2", "x3"],
    }
}

/// Makes nodes promote as Python sees them promote: a Python number that is not a literal takes
/// the dtype of what it meets; a NumPy scalar made from literals keeps its own.
pub(super) fn settle(b: &mut Builder, xs: &[Symbolic]) -> Result<Vec<NodeId>> {
    let nodes: Vec<NodeId> = xs.iter().map(|x| x.node).collect();
    let by_nodes = {
        let avals: Vec<_> = nodes.iter().map(|n| b.aval(*n)).collect();
        result_type(&avals).0
    };
    let wanted = common_dtype(b, xs);
    if by_nodes == wanted {
        return Ok(nodes);
    }
    xs.iter()
        .map(|x| {
            let weak = seen(b, *x).weak;
            match (weak, b.aval(x.node).weak) {
                (true, false) => convert(b, x.node, wanted),
                (false, true) => strong(b, x.node),
                _ => Ok(x.node),
            }
        })
        .collect()
}

/// Applies an operation to array-likes.
pub(super) fn apply(b: &mut Builder, op: E, args: &[Arg]) -> Result<NodeId> {
    let mut xs = Vec::with_capacity(args.len());
    for arg in args {
        xs.push(symbolic(b, arg)?);
    }
    apply_to(b, op, &xs)
}

fn apply_to(b: &mut Builder, op: E, xs: &[Symbolic]) -> Result<NodeId> {
    let nodes = settle(b, xs)?;
    match op {
        E::Power => check_integer_power(b, &nodes)?,
        // NumPy conjugates bools as int8.
        E::Conjugate if b.aval(nodes[0]).dtype == DType::Bool => {
            return convert(b, nodes[0], DType::I8);
        }
        E::Real | E::Imag | E::Conjugate => return part(b, op, nodes[0]),
        // The sign of an integer has no loop but that of floats, for small ones of float16.
        E::Signbit if !b.aval(nodes[0]).dtype.is_inexact() => {
            let x = convert(b, nodes[0], DType::F64)?;
            return b.elementwise(op, &[x]);
        }
        _ => {}
    }
    check_literals(b, op, &nodes)?;
    b.elementwise(op, &nodes)
}

/// `np.uint8(1) + 300` raises: the loop's dtype cannot hold the literal. Comparisons are exact.
fn check_literals(b: &Builder, op: E, nodes: &[NodeId]) -> Result<()> {
    let avals: Vec<_> = nodes.iter().map(|n| b.aval(*n)).collect();
    let resolution = op.result_dtype(&avals)?;
    if resolution.out == DType::Bool {
        return Ok(());
    }
    for (node, dtype) in nodes.iter().zip(&resolution.operands) {
        if b.aval(*node).weak
            && let Op::Constant(Constant::Int(v)) = b.op(*node)
        {
            check_literal(i128::from(*v), *dtype)?;
        }
    }
    Ok(())
}

/// NumPy raises for negative integer exponents of integers; a literal shows it here already.
fn check_integer_power(b: &Builder, nodes: &[NodeId]) -> Result<()> {
    let integers = nodes.iter().all(|n| b.aval(*n).dtype.is_integer());
    match b.op(nodes[1]) {
        Op::Constant(Constant::Int(v)) if integers && *v < 0 => Err(Error::value(
            "Integers to negative integer powers are not allowed.",
        )),
        _ => Ok(()),
    }
}

/// Real and imaginary parts and the conjugate, which are trivial for real numbers.
fn part(b: &mut Builder, op: E, x: NodeId) -> Result<NodeId> {
    if b.aval(x).dtype.is_complex() {
        return b.elementwise(op, &[x]);
    }
    match op {
        E::Imag => b.full_like(0.0, x),
        _ => Ok(x),
    }
}

/// A ufunc called as a function.
pub(super) fn ufunc(call: &mut Call<'_>, op: E, arity: usize) -> Result<Arg> {
    let xs = operands(call, arity)?;
    let node = apply_to(call.b, op, &xs)?;
    Ok(scalar_or_array(call.b, node))
}

/// A function of `scipy.special`, which knows no float16: integers are float64.
pub(super) fn special(call: &mut Call<'_>, op: E, arity: usize) -> Result<Arg> {
    let mut xs = operands(call, arity)?;
    if xs.iter().all(|x| !call.b.aval(x.node).dtype.is_inexact()) {
        for x in &mut xs {
            x.node = convert(call.b, x.node, DType::F64)?;
        }
    }
    let node = apply_to(call.b, op, &xs)?;
    Ok(scalar_or_array(call.b, node))
}

/// The operands of a ufunc, cast where `dtype=` asks for it.
fn operands(call: &mut Call<'_>, arity: usize) -> Result<Vec<Symbolic>> {
    let wanted = dtype(&call.arg("dtype"))?;
    let mut xs = Vec::with_capacity(arity);
    for name in operand_names(arity) {
        let arg = call.arg(name);
        let mut x = symbolic(call.b, &arg)?;
        if let Some(wanted) = wanted {
            same_kind(call, x, wanted)?;
            x.node = convert(call.b, x.node, wanted)?;
            x.form = Form::Array;
        }
        xs.push(x);
    }
    Ok(xs)
}

fn same_kind(call: &Call<'_>, x: Symbolic, wanted: DType) -> Result<()> {
    let from = call.b.aval(x.node).dtype;
    if from.kind() <= wanted.kind() {
        return Ok(());
    }
    Err(Error::type_error(format!(
        "Cannot cast ufunc '{}' input from dtype('{from}') to dtype('{wanted}') with casting rule 'same_kind'",
        call.name
    )))
}

/// `np.modf`: the fraction, and the whole as a float too.
pub(super) fn modf(call: &mut Call<'_>) -> Result<Arg> {
    let xs = operands(call, 1)?;
    let fraction = apply_to(call.b, E::Modf, &xs)?;
    let dtype = call.b.aval(fraction).dtype;
    let x = convert(call.b, xs[0].node, dtype)?;
    let whole = unary(call.b, E::Trunc, x)?;
    let results = [fraction, whole].map(|node| scalar_or_array(call.b, node));
    Ok(Arg::Tuple(results.to_vec()))
}

/// `np.divmod`, `np.frexp`: one operation per result.
pub(super) fn several(call: &mut Call<'_>, ops: &[E], arity: usize) -> Result<Arg> {
    let xs = operands(call, arity)?;
    let results = ops.iter().map(|op| {
        let node = apply_to(call.b, *op, &xs)?;
        Ok(scalar_or_array(call.b, node))
    });
    Ok(Arg::Tuple(results.collect::<Result<_>>()?))
}

/// An operator: numbers of Python stay numbers of Python.
pub(super) fn operator(call: &mut Call<'_>, op: E) -> Result<Arg> {
    let args: Vec<Arg> = ["a", "b"][..arity(op)]
        .iter()
        .map(|n| call.arg(n))
        .collect();
    operate(call.b, op, &args)
}

fn arity(op: E) -> usize {
    match op {
        E::Negative | E::Positive | E::Invert | E::Absolute | E::LogicalNot => 1,
        _ => 2,
    }
}

pub(super) fn operate(b: &mut Builder, op: E, args: &[Arg]) -> Result<Arg> {
    if let Some(dim) = sizes(b, op, args) {
        return Ok(size(dim));
    }
    let mut xs = Vec::with_capacity(args.len());
    for arg in args {
        // Lists meet arrays as arrays.
        xs.push(symbolic(b, arg)?);
    }
    if xs.iter().all(|x| x.form == Form::Python) {
        return python_operate(b, op, xs);
    }
    let node = match fast_power(b, op, &xs) {
        Some(fast) => unary(b, fast, xs[0].node)?,
        None => apply_to(b, op, &xs)?,
    };
    Ok(scalar_or_array(b, node))
}

/// NumPy computes `array ** 0.5` as a square root, and `bools ** 2` as squares, with other results
/// than powers have. (It has more such cases, where the result is the same.)
fn fast_power(b: &Builder, op: E, xs: &[Symbolic]) -> Option<E> {
    if op != E::Power || xs[0].form != Form::Array || !b.aval(xs[1].node).weak {
        return None;
    }
    match (b.aval(xs[0].node).dtype, b.op(xs[1].node)) {
        (d, Op::Constant(Constant::Float(v))) if d.is_inexact() && *v == 0.5 => Some(E::Sqrt),
        (DType::Bool, Op::Constant(Constant::Int(2))) => Some(E::Square),
        _ => None,
    }
}

/// Arithmetic of sizes stays exact.
fn sizes(b: &Builder, op: E, args: &[Arg]) -> Option<Dim> {
    if !args.iter().any(|a| matches!(a, Arg::Dim(_))) {
        return None;
    }
    let dims: Vec<Dim> = args.iter().map(|a| integer(b, a)).collect::<Option<_>>()?;
    match (op, dims.as_slice()) {
        (E::Negative, [x]) => Some(x.clone() * Dim::known(-1)),
        (E::Positive, [x]) => Some(x.clone()),
        (E::Add, [x, y]) => Some(x.clone() + y.clone()),
        (E::Subtract, [x, y]) => Some(x.clone() - y.clone()),
        (E::Multiply, [x, y]) => Some(x.clone() * y.clone()),
        (E::FloorDivide, [x, y]) if y.as_known().is_some_and(|k| k > 0) => Some(x.floor_div(y)),
        (E::Remainder, [x, y]) if y.as_known().is_some_and(|k| k > 0) => {
            Some(x.clone() - x.floor_div(y) * y.clone())
        }
        _ => None,
    }
}

/// Python's own arithmetic: bools are integers, and an integer to a negative power is a float.
fn python_operate(b: &mut Builder, op: E, mut xs: Vec<Symbolic>) -> Result<Arg> {
    let logical = matches!(
        op,
        E::BitwiseAnd | E::BitwiseOr | E::BitwiseXor | E::LogicalNot
    );
    for x in &mut xs {
        if !logical && b.aval(x.node).dtype == DType::Bool {
            x.node = convert(b, x.node, DType::I64)?;
        }
    }
    let negative_power = op == E::Power
        && matches!(b.op(xs[1].node), Op::Constant(Constant::Int(v)) if *v < 0)
        && b.aval(xs[0].node).dtype.is_integer();
    if negative_power {
        xs[0].node = convert(b, xs[0].node, DType::F64)?;
    }
    let node = apply_to(b, op, &xs)?;
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

// Numbers of Python.

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
    if from == DType::F64 {
        Ok(x)
    } else {
        convert(call.b, x, DType::F64)
    }
}

/// `math.log(x, base)`.
pub(super) fn math_log(call: &mut Call<'_>) -> Result<Arg> {
    let x = float_number(call, "x")?;
    let mut node = unary(call.b, E::Log, x)?;
    if let Some(base) = call.given("base") {
        let base = symbolic(call.b, &base)?.node;
        let base = convert(call.b, base, DType::F64)?;
        let base = unary(call.b, E::Log, base)?;
        node = binary(call.b, E::Divide, node, base)?;
    }
    Ok(as_python(node))
}

// Functions that NumPy composes of ufuncs.

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

/// Integers and bools as float64.
pub(super) fn inexact(b: &mut Builder, x: NodeId) -> Result<NodeId> {
    if b.aval(x).dtype.is_inexact() {
        Ok(x)
    } else {
        convert(b, x, DType::F64)
    }
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
        (None, None) => return super::index::nonzero_of(call.b, condition),
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

/// Truth of each element.
pub(super) fn truth(b: &mut Builder, x: NodeId) -> Result<NodeId> {
    convert(b, x, DType::Bool)
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
    if d.is_complex() {
        return Err(call.unlifted("complex numbers"));
    }
    let largest = if d == DType::F32 {
        f64::from(f32::MAX)
    } else {
        f64::MAX
    };
    let zero = call.b.float(0.0);
    let is_nan = unary(call.b, E::Isnan, x)?;
    let infinite = unary(call.b, E::Isinf, x)?;
    let positive = binary(call.b, E::Greater, x, zero)?;
    let positive = binary(call.b, E::LogicalAnd, infinite, positive)?;
    let negative = binary(call.b, E::Less, x, zero)?;
    let negative = binary(call.b, E::LogicalAnd, infinite, negative)?;
    let mut node = x;
    let replacements = [
        (is_nan, nan),
        (positive, posinf.unwrap_or(Arg::Float(largest))),
        (negative, neginf.unwrap_or(Arg::Float(-largest))),
    ];
    for (test, value) in replacements {
        let value = symbolic(call.b, &value)?.node;
        let value = convert(call.b, value, d)?;
        node = call.b.elementwise(E::Where, &[test, value, node])?;
    }
    Ok(scalar_or_array(call.b, node))
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

fn round_to_decimals(call: &mut Call<'_>, x: NodeId, decimals: i64) -> Result<NodeId> {
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
    // The smallest argument at which sin(y)/y is 1; dividing by it has a derivative.
    let tiny = call.b.float(1.0e-20);
    let y = call.b.elementwise(E::Where, &[at_zero, tiny, y])?;
    let sine = unary(call.b, E::Sin, y)?;
    let node = binary(call.b, E::Divide, sine, y)?;
    Ok(scalar_or_array(call.b, node))
}

/// `np.isreal`, `np.iscomplex`.
pub(super) fn compare_imag(call: &mut Call<'_>, op: E) -> Result<Arg> {
    let arg = call.arg("x");
    let x = array(call.b, &arg)?;
    let im = part(call.b, E::Imag, x)?;
    let zero = call.b.constant_like(0.0, im);
    let node = binary(call.b, op, im, zero)?;
    Ok(scalar_or_array(call.b, node))
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
