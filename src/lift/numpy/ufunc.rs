//! Universal functions and operators: everything that works element by element.
//!
//! In: a bound call. Out: elementwise nodes.
//! `x + 1` with `x: float32[n]` is `add(x, 1)`, of dtype float32: the literal stays weak.
//!
//! Nodes know weakness (NEP 50) only of literals; Python sees more: `math.exp(x)` is a Python
//! float, `np.exp(2.0)` is not. [`settle`] reconciles the two where they would differ. Arithmetic of
//! Python's that may raise is on weak nodes ([`number_of_python`]), which the evaluator checks.

use super::argument::*;
use super::signature::Call;
use super::{Arg, Form, Symbolic};
use crate::error::{Error, Result};
use crate::graph::{Builder, DType, Dim, NodeId, result_type};
use crate::ops::elementwise::{Loop, Loops, check_literal};
use crate::ops::{Constant, Elementwise, Op};

use Elementwise as E;

/// Signatures by number of operands.
pub(super) const UNARY: &str = "x, /, out=None, *, where=True, casting=same_kind|safe|unsafe|no|equiv, order=K|C|A, dtype=None, subok=True|False, signature=None";
pub(super) const BINARY: &str = "x1, x2, /, out=None, *, where=True, casting=same_kind|safe|unsafe|no|equiv, order=K|C|A, dtype=None, subok=True|False, signature=None";
pub(super) const TERNARY: &str = "x1, x2, x3, /, out=None, *, where=True, casting=same_kind|safe|unsafe|no|equiv, order=K|C|A, dtype=None, subok=True|False, signature=None";
pub(super) const QUATERNARY: &str = "x1, x2, x3, x4, /, out=None, *, where=True, casting=same_kind|safe|unsafe|no|equiv, order=K|C|A, dtype=None, subok=True|False, signature=None";

/// The parameters of a ufunc of this many operands.
pub(super) fn operand_names(arity: usize) -> &'static [&'static str] {
    match arity {
        1 => &["x"],
        2 => &["x1", "x2"],
        3 => &["x1", "x2", "x3"],
        _ => &["x1", "x2", "x3", "x4"],
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

pub(super) fn apply_to(b: &mut Builder, op: E, xs: &[Symbolic]) -> Result<NodeId> {
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
pub(super) fn check_literals(b: &Builder, op: E, nodes: &[NodeId]) -> Result<()> {
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
pub(super) fn part(b: &mut Builder, op: E, x: NodeId) -> Result<NodeId> {
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
    let mut xs = operands(call, arity)?;
    // `np.sin(True)` is that of a NumPy bool.
    for x in &mut xs {
        if call.b.aval(x.node).dtype == DType::Bool {
            x.node = strong(call.b, x.node)?;
        }
    }
    let node = apply_to(call.b, op, &xs)?;
    Ok(scalar_or_array(call.b, node))
}

/// A function of `scipy.special`, which knows no float16: integers are float64.
pub(super) fn special(call: &mut Call<'_>, op: E, arity: usize) -> Result<Arg> {
    let mut xs = operands(call, arity)?;
    let single_first = matches!(op.def().loops, Loops::Same([Loop::Of(DType::F32), ..], _));
    let exact = |x: &Symbolic| {
        let aval = call.b.aval(x.node);
        !aval.dtype.is_inexact() && (aval.weak || !single_first)
    };
    if xs.iter().all(exact) {
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
    // What a ufunc makes of Python's numbers is NumPy's: its arithmetic gives NaN where Python's raises.
    if xs.iter().all(|x| call.b.aval(x.node).weak) {
        xs[0].node = strong(call.b, xs[0].node)?;
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
    if may_raise(op) {
        for x in &mut xs {
            x.node = number_of_python(b, x.node)?;
        }
    }
    let node = apply_to(b, op, &xs)?;
    Ok(as_python(node))
}

/// Whether Python raises, or has integers of any length, where NumPy has an infinity or wraps.
fn may_raise(op: E) -> bool {
    matches!(
        op,
        E::Add
            | E::Subtract
            | E::Multiply
            | E::Divide
            | E::FloorDivide
            | E::Remainder
            | E::Power
            | E::LeftShift
            | E::RightShift
            | E::Negative
            | E::Absolute
    )
}
