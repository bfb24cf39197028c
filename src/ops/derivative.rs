//! Derivatives of single nodes: which family answers, and the rules of the elementwise family.
//!
//! In: a node and the tangents of its operands, or a linear node and the cotangent of its result.
//! Out: more nodes of the same builder.
//!
//! ```text
//! jvp        y = x * w       t_y = t_x * w + x * t_w
//! transpose  t_y = x * t_w   c_w = x * c_y                (summed over the axes that w is stretched along)
//! ```
//!
//! A tangent has its primal's shape and dtype, and `None` is zero. A *cotangent* may have any shape
//! that broadcasts to its primal's (the derivative of a mean stays a number), and may be a literal;
//! [`materialized`] gives it the full shape where that matters.
//!
//! Of complex numbers the pairing is `real(cotangent * tangent)`, as in JAX: the gradient of a real
//! function of `x + i*y` is `df/dx - i*df/dy`.
//!
//! Source: Radul et al., *You Only Linearize Once* (POPL 2023).

use smallvec::SmallVec;

use super::elementwise::{Linearity, Partial};
use super::{
    Axes, Elementwise, Op, Reduction, Write, custom, decompose, fourier, index, linalg, outside,
    reduce, shape,
};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::term::formula;
use crate::graph::{Aval, Builder, DType, Dim, NodeId, Operands, Shape};
use crate::ops::Constant;

/// The tangents of all results of `node`, which is `op` of `operands`; `results` are the nodes that
/// hold them, where anything reads them.
///
/// # Errors
/// As [`jvp`].
pub fn jvp_results(
    b: &mut Builder,
    results: &[Option<NodeId>],
    op: &Op,
    operands: &[NodeId],
    tangents: &[Option<NodeId>],
) -> Result<Vec<Option<NodeId>>> {
    if let Op::Decompose(_) | Op::Solve(_) | Op::PseudoInverse | Op::Frechet(_) = op {
        return match tangents.iter().all(Option::is_none) {
            true => Ok(vec![None; results.len()]),
            false => decompose::jvp(b, results, op, operands, tangents),
        };
    }
    match results {
        _ if matches!(op, Op::Call { .. }) => outside::jvp(b, results, op, operands, tangents),
        _ if matches!(op, Op::Custom(_)) => custom::jvp(b, op, operands, tangents),
        _ if matches!(op, Op::Pullback(_)) => Err(custom::only_backwards(op)),
        [Some(node)] => Ok(vec![jvp(b, *node, op, operands, tangents)?]),
        _ => Err(Error::internal(format!(
            "one result of {op:?} is all it has"
        ))),
    }
}

/// The tangent of `node`, which is `op` of `operands`, given theirs. `None` is zero.
///
/// # Errors
/// `NotDifferentiable`, naming the operation.
pub fn jvp(
    b: &mut Builder,
    node: NodeId,
    op: &Op,
    operands: &[NodeId],
    tangents: &[Option<NodeId>],
) -> Result<Option<NodeId>> {
    if tangents.iter().all(Option::is_none) || !b.aval(node).dtype.is_inexact() {
        return Ok(None);
    }
    match op {
        Op::Input | Op::Constant(_) | Op::Size(_) | Op::Part(_) => Ok(None),
        Op::Elementwise(e) => jvp_elementwise(b, node, *e, operands, tangents),
        Op::Cast(dtype) => match tangents {
            [Some(t)] => convert(b, *t, *dtype).map(Some),
            _ => Ok(None),
        },
        Op::Reshape(_)
        | Op::Transpose(_)
        | Op::BroadcastTo(_)
        | Op::Slice(_)
        | Op::Unslice { .. }
        | Op::Concatenate { .. }
        | Op::Iota { .. } => shape::jvp(b, op, operands, tangents),
        Op::Reduce { .. } | Op::ArgReduce { .. } | Op::Cumulate { .. } => {
            reduce::jvp(b, node, op, operands, tangents)
        }
        Op::Gather { .. }
        | Op::Scatter { .. }
        | Op::SliceWrite { .. }
        | Op::ArgWhere
        | Op::Arange
        | Op::ArgSort { .. }
        | Op::SearchSorted { .. } => index::jvp(b, op, operands, tangents),
        Op::Contract { .. } => linalg::jvp(b, op, operands, tangents),
        Op::Decide { .. } => Ok(tangents[0]),
        Op::Call { .. } | Op::Custom(_) | Op::Pullback(_) => {
            Err(Error::internal("it may have several results"))
        }
        Op::Fourier { .. } => fourier::jvp(b, op, tangents),
        Op::Decompose(_) | Op::Solve(_) | Op::PseudoInverse | Op::Frechet(_) => {
            decompose::jvp(b, &[Some(node)], op, operands, tangents)
                .map(|mut all| all.swap_remove(0))
        }
        Op::Loop(_) | Op::Cond(_) => Err(nested(op)),
        Op::Draw { distribution, .. } => Err(not_differentiable(
            &format!("a draw ({distribution:?})"),
            "its parameters depend on what the derivative is taken by, and samples are not \
             differentiated through",
        )),
    }
}

/// As [`transpose`], for an operation with several results: `cotangents` has one for each that anything reads.
///
/// # Errors
/// As [`transpose`].
pub fn transpose_results(
    b: &mut Builder,
    node: NodeId,
    linear: &[bool],
    cotangents: &[Option<NodeId>],
) -> Result<Vec<Option<NodeId>>> {
    let (op, operands) = (b.op(node).clone(), b.graph().operands(node));
    if matches!(op, Op::Pullback(_)) {
        return custom::transpose(b, &op, &operands, cotangents);
    }
    let aval = b.aval(node).clone();
    match cotangents {
        [Some(cotangent)] => transpose(b, &op, &operands, linear, *cotangent, &aval),
        _ => Err(not_linear(&op)),
    }
}

/// The cotangents of the operands that `linear` marks, given that of the result, whose aval is `result`.
///
/// # Errors
/// `Internal` if the operation is not linear in those operands.
pub fn transpose(
    b: &mut Builder,
    op: &Op,
    operands: &[NodeId],
    linear: &[bool],
    cotangent: NodeId,
    result: &Aval,
) -> Result<Vec<Option<NodeId>>> {
    match op {
        Op::Elementwise(e) => transpose_elementwise(b, *e, operands, linear, cotangent, result),
        Op::Cast(_) => Ok(vec![Some(settled(b, cotangent, result, operands[0])?)]),
        Op::Reshape(_)
        | Op::Transpose(_)
        | Op::BroadcastTo(_)
        | Op::Slice(_)
        | Op::Unslice { .. }
        | Op::Concatenate { .. } => shape::transpose(b, op, operands, linear, cotangent, result),
        Op::Reduce { .. } | Op::Cumulate { .. } => {
            reduce::transpose(b, op, operands, cotangent, result)
        }
        Op::Gather { .. } | Op::Scatter { .. } | Op::SliceWrite { .. } => {
            index::transpose(b, op, operands, linear, cotangent, result)
        }
        Op::Fourier { .. } => fourier::transpose(b, op, operands, cotangent, result),
        Op::Loop(_) | Op::Cond(_) => Err(nested(op)),
        Op::Contract { .. } => linalg::transpose(b, op, operands, linear, cotangent, result),
        Op::Solve(_) | Op::Frechet(_) => {
            decompose::transpose(b, op, operands, linear, cotangent, result)
        }
        Op::Input
        | Op::Constant(_)
        | Op::Size(_)
        | Op::Part(_)
        | Op::Iota { .. }
        | Op::ArgReduce { .. }
        | Op::ArgWhere
        | Op::Arange
        | Op::ArgSort { .. }
        | Op::SearchSorted { .. }
        | Op::Draw { .. }
        | Op::Decide { .. }
        | Op::Call { .. }
        | Op::Custom(_)
        | Op::Pullback(_)
        | Op::Decompose(_)
        | Op::PseudoInverse => Err(not_linear(op)),
    }
}

/// Nested graphs are differentiated by the transforms, which work on graphs.
fn nested(op: &Op) -> Box<Error> {
    Error::internal(format!("a rule for single nodes applied to {op:?}"))
}

pub(super) fn not_linear(op: &Op) -> Box<Error> {
    Error::internal(format!("the transpose of {op:?}, which is not linear"))
}

pub(super) fn not_differentiable(operation: &str, reason: &str) -> Box<Error> {
    Error::new(ErrorKind::NotDifferentiable {
        operation: operation.into(),
        reason: reason.into(),
    })
}

fn jvp_elementwise(
    b: &mut Builder,
    node: NodeId,
    op: Elementwise,
    operands: &[NodeId],
    tangents: &[Option<NodeId>],
) -> Result<Option<NodeId>> {
    let result = b.aval(node).clone();
    let mut sum = Sum::default();
    for (i, tangent) in tangents.iter().enumerate() {
        let Some(t) = *tangent else { continue };
        match (op, op.def().linear) {
            (Elementwise::Add | Elementwise::Positive | Elementwise::Item, _) => sum.add(b, t)?,
            (Elementwise::Subtract, _) if i == 0 => sum.add(b, t)?,
            (Elementwise::Subtract | Elementwise::Negative, _) => sum.subtract(b, t)?,
            (Elementwise::Sign, _) if result.dtype.is_complex() => {
                let term = turn(b, operands[0], node, t)?;
                sum.add(b, term)?;
            }
            (Elementwise::Multiply, _) if operands[0] == operands[1] => {
                if i == 0 {
                    let two = b.int(2);
                    let slope = b.elementwise(Elementwise::Multiply, &[two, operands[0]])?;
                    sum.add_product(b, slope, t)?;
                }
            }
            (_, Linearity::Each) => {
                let applied = with(operands, i, t);
                let term = b.elementwise(op, &applied)?;
                sum.add(b, term)?;
            }
            (_, Linearity::Jointly(set)) if set.contains(&i) => {
                // All operands of the set at once, when the first of them comes.
                if set.iter().find(|&&k| tangents[k].is_some()) == Some(&i)
                    && let Some(term) = apply_jointly(b, op, operands, set, tangents)?
                {
                    sum.add(b, term)?;
                }
            }
            (_, Linearity::No | Linearity::Jointly(_)) => {
                match op.partial(b, operands, node, i)? {
                    Partial::Zero => {}
                    Partial::One => sum.add(b, t)?,
                    Partial::MinusOne => sum.subtract(b, t)?,
                    Partial::Node(slope) => sum.add_product(b, slope, t)?,
                    Partial::Real(slope) => {
                        let product = b.elementwise(Elementwise::Multiply, &[slope, t])?;
                        let real = b.elementwise(Elementwise::Real, &[product])?;
                        sum.add(b, real)?;
                    }
                    Partial::NotDifferentiable(reason) => {
                        return Err(not_differentiable(op.def().name, reason));
                    }
                }
            }
        }
    }
    match sum.0 {
        None => Ok(None),
        Some(t) => full_tangent(b, t, &result).map(Some),
    }
}

/// The tangent of `sign`, the direction of a complex number: what of the number's own tangent is across it.
/// At 0 it is 0.
fn turn(b: &mut Builder, z: NodeId, sign: NodeId, tangent: NodeId) -> Result<NodeId> {
    formula(b, |scope| {
        let [z, sign, tangent] = [z, sign, tangent].map(|node| scope.term(node));
        let size = z.abs();
        let along = sign * (sign.conj() * tangent).real();
        ((tangent - along) / size.equals(0).choose(f64::INFINITY, size)).node
    })
}

/// A sum that starts empty.
#[derive(Default)]
struct Sum(Option<NodeId>);

impl Sum {
    fn add(&mut self, b: &mut Builder, term: NodeId) -> Result<()> {
        self.0 = Some(match self.0 {
            None => term,
            Some(sum) => b.elementwise(Elementwise::Add, &[sum, term])?,
        });
        Ok(())
    }

    fn subtract(&mut self, b: &mut Builder, term: NodeId) -> Result<()> {
        self.0 = Some(match self.0 {
            None => b.elementwise(Elementwise::Negative, &[term])?,
            Some(sum) => b.elementwise(Elementwise::Subtract, &[sum, term])?,
        });
        Ok(())
    }

    fn add_product(&mut self, b: &mut Builder, slope: NodeId, tangent: NodeId) -> Result<()> {
        let term = match over(b, slope, tangent)? {
            Some(quotient) => quotient,
            None => b.elementwise(Elementwise::Multiply, &[slope, tangent])?,
        };
        self.add(b, term)
    }
}

fn with(operands: &[NodeId], i: usize, replacement: NodeId) -> SmallVec<[NodeId; 4]> {
    let mut out = SmallVec::from_slice(operands);
    out[i] = replacement;
    out
}

/// `op` of the tangents in place of the operands of `set`, in which it is jointly linear.
fn apply_jointly(
    b: &mut Builder,
    op: Elementwise,
    operands: &[NodeId],
    set: &[usize],
    tangents: &[Option<NodeId>],
) -> Result<Option<NodeId>> {
    if let [Some(t)] = tangents
        && !b.aval(*t).dtype.is_complex()
    {
        match op {
            Elementwise::Real | Elementwise::Conjugate => return Ok(Some(*t)),
            Elementwise::Imag => return Ok(None),
            _ => {}
        }
    }
    let mut applied: SmallVec<[NodeId; 4]> = SmallVec::from_slice(operands);
    for &k in set {
        applied[k] = match tangents[k] {
            Some(t) => t,
            None => b.float(0.0),
        };
    }
    b.elementwise(op, &applied).map(Some)
}

/// A tangent in the shape and dtype of its primal.
fn full_tangent(b: &mut Builder, t: NodeId, primal: &Aval) -> Result<NodeId> {
    let t = convert(b, t, primal.dtype)?;
    b.broadcast_to(t, primal.shape.clone())
}

/// To a dtype; the derivative of dropping an imaginary part is taking the real part.
fn convert(b: &mut Builder, x: NodeId, dtype: DType) -> Result<NodeId> {
    let from = b.aval(x).dtype;
    if from == dtype {
        Ok(x)
    } else if from.is_complex() && !dtype.is_complex() {
        let real = b.elementwise(Elementwise::Real, &[x])?;
        convert(b, real, dtype)
    } else {
        b.cast(x, dtype)
    }
}

fn transpose_elementwise(
    b: &mut Builder,
    op: Elementwise,
    operands: &[NodeId],
    linear: &[bool],
    cotangent: NodeId,
    result: &Aval,
) -> Result<Vec<Option<NodeId>>> {
    let mut out = vec![None; operands.len()];
    for i in (0..operands.len()).filter(|&i| linear[i]) {
        let part = transpose_by(b, op, operands, i, cotangent)?;
        out[i] = Some(settled(b, part, result, operands[i])?);
    }
    Ok(out)
}

/// An elementwise linear operation multiplies each element by a number, and so is its own transpose,
/// except where it joins or parts real and imaginary numbers.
fn transpose_by(
    b: &mut Builder,
    op: Elementwise,
    operands: &[NodeId],
    i: usize,
    cotangent: NodeId,
) -> Result<NodeId> {
    use Elementwise::*;
    let scales = matches!(op, Multiply | Divide | Negative | Subtract);
    if let (true, Some((mask, sides))) = (scales, masked(b, cotangent)) {
        // What was not chosen takes no part, be its slope infinite: the choice stays outermost.
        let mut choice = [mask, sides[0], sides[1]];
        for side in &mut choice[1..] {
            if literal(b, *side) != Some(0.0) {
                *side = transpose_by(b, op, operands, i, *side)?;
            }
        }
        return b.elementwise(Where, &choice);
    }
    if let (true, Some((write, mut written))) = (scales, cleared(b, cotangent)) {
        let moved = transpose_by(b, op, operands, i, written[0])?;
        if b.aval(moved).dtype == b.aval(written[0]).dtype
            && b.aval(moved).shape == b.aval(written[0]).shape
        {
            written[0] = moved;
            return b.add(write, &written);
        }
    }
    match op {
        Add | Positive | Item => Ok(cotangent),
        Subtract if i == 0 => Ok(cotangent),
        Subtract | Negative => negated(b, cotangent),
        Multiply => {
            let some = some_part(b, cotangent)?;
            let product = product(b, operands, i, cotangent)?;
            match some {
                Some(some) => {
                    let zero = b.float(0.0);
                    b.elementwise(Where, &[some, product, zero])
                }
                None => Ok(product),
            }
        }
        // real(c * real(t)) = real(c * t); the imaginary part of c is zero.
        Real => Ok(cotangent),
        Imag => {
            // real(c * imag(t)) = real(-i * c * t)
            let zero = b.float(0.0);
            let minus = negated(b, cotangent)?;
            b.elementwise(MakeComplex, &[zero, minus])
        }
        MakeComplex if i == 0 => b.elementwise(Real, &[cotangent]),
        MakeComplex => {
            // real(c * i * t) = -imag(c) * t
            let imag = b.elementwise(Imag, &[cotangent])?;
            negated(b, imag)
        }
        _ => {
            let Linearity::Jointly(set) = op.def().linear else {
                return Err(not_linear(&Op::Elementwise(op)));
            };
            let mut applied: SmallVec<[NodeId; 4]> = SmallVec::from_slice(operands);
            for &k in set {
                applied[k] = if k == i { cotangent } else { b.float(0.0) };
            }
            b.elementwise(op, &applied)
        }
    }
}

/// The condition and the sides of a choice between something and zero.
fn masked(b: &Builder, x: NodeId) -> Option<(NodeId, [NodeId; 2])> {
    if *b.op(x) != Op::Elementwise(Elementwise::Where) {
        return None;
    }
    let operands = b.graph().operands(x);
    let sides = [operands[1], operands[2]];
    let is_zero = |x: &NodeId| literal(b, *x) == Some(0.0);
    sides.iter().any(is_zero).then_some((operands[0], sides))
}

/// A write of zeros into something, and its operands: what was overwritten takes no part either.
fn cleared(b: &Builder, x: NodeId) -> Option<(Op, Operands)> {
    let op = b.op(x).clone();
    let (Op::Scatter { kind, .. } | Op::SliceWrite { kind, .. }) = &op else {
        return None;
    };
    let operands = b.graph().operands(x);
    let value = match b.op(operands[1]) {
        Op::BroadcastTo(_) => b.graph().operands(operands[1])[0],
        _ => operands[1],
    };
    let zero = matches!(b.op(value), Op::Constant(Constant::Float(value)) if *value == 0.0);
    (*kind == Write::Set && zero).then_some((op, operands))
}

/// Whether anything was chosen of what a cotangent is the sum of, if it is a number: what it is multiplied
/// by may be infinite.
fn some_part(b: &mut Builder, cotangent: NodeId) -> Result<Option<NodeId>> {
    let Op::Reduce {
        kind: Reduction::Sum,
        axes,
    } = b.op(cotangent).clone()
    else {
        return Ok(None);
    };
    let summed = b.graph().operands(cotangent)[0];
    let Some((mask, sides)) = masked(b, summed).filter(|_| b.aval(cotangent).rank() == 0) else {
        return Ok(None);
    };
    let shape = b.aval(summed).shape.clone();
    let chosen = match literal(b, sides[1]) {
        Some(0.0) => mask,
        _ => b.elementwise(Elementwise::LogicalNot, &[mask])?,
    };
    let chosen = b.broadcast_to(chosen, shape)?;
    b.reduce(Reduction::Any, chosen, axes).map(Some)
}

/// `-x`; of a literal, the literal.
fn negated(b: &mut Builder, x: NodeId) -> Result<NodeId> {
    match literal(b, x) {
        Some(value) => Ok(b.float(-value)),
        None => b.elementwise(Elementwise::Negative, &[x]),
    }
}

/// The product with operand `i` replaced by a cotangent, which is often the literal 1.
fn product(b: &mut Builder, operands: &[NodeId], i: usize, cotangent: NodeId) -> Result<NodeId> {
    let other = operands[1 - i];
    if literal(b, other).is_some_and(|factor| !factor.is_finite()) {
        // What takes no part has a cotangent of zero, which stays so beside an infinite constant.
        let zero = b.float(0.0);
        let is_zero = b.elementwise(Elementwise::Equal, &[cotangent, zero])?;
        let product = b.elementwise(Elementwise::Multiply, &with(operands, i, cotangent))?;
        return b.elementwise(Elementwise::Where, &[is_zero, zero, product]);
    }
    match over(b, cotangent, other)? {
        Some(quotient) => Ok(quotient),
        None => b.elementwise(Elementwise::Multiply, &with(operands, i, cotangent)),
    }
}

/// `factor * x` for a factor that is `1` over something, or over a few things in turn: `x / n / y`.
fn over(b: &mut Builder, factor: NodeId, x: NodeId) -> Result<Option<NodeId>> {
    let mut numerator = factor;
    let mut divisors: SmallVec<[NodeId; MOST_DIVISORS]> = SmallVec::new();
    let mut quotient = loop {
        match literal(b, numerator) {
            Some(1.0) => break x,
            Some(-1.0) => break b.elementwise(Elementwise::Negative, &[x])?,
            Some(_) => return Ok(None),
            None => {}
        }
        if *b.op(numerator) != Op::Elementwise(Elementwise::Divide)
            || divisors.len() == MOST_DIVISORS
        {
            return Ok(None);
        }
        let operands = b.graph().operands(numerator);
        numerator = operands[0];
        divisors.push(operands[1]);
    };
    for &divisor in divisors.iter().rev() {
        quotient = b.elementwise(Elementwise::Divide, &[quotient, divisor])?;
    }
    Ok(Some(quotient))
}

/// How far [`over`] looks: a mean's count and a divisor or two.
const MOST_DIVISORS: usize = 4;

/// `cotangent * factor` for a factor of the same or a wider shape.
pub(super) fn scaled(b: &mut Builder, cotangent: NodeId, factor: NodeId) -> Result<NodeId> {
    product(b, &[cotangent, factor], 0, cotangent)
}

/// The value of a weak float: what a cotangent starts from.
fn literal(b: &Builder, x: NodeId) -> Option<f64> {
    match b.op(x) {
        Op::Constant(Constant::Float(value)) if b.aval(x).weak => Some(*value),
        _ => None,
    }
}

/// A cotangent of a result of shape `result`, made one of `operand`, which was broadcast to it:
/// summed over the axes along which the operand was stretched, and in its dtype.
pub(super) fn settled(
    b: &mut Builder,
    cotangent: NodeId,
    result: &Aval,
    operand: NodeId,
) -> Result<NodeId> {
    let aval = b.aval(operand).clone();
    let part = in_kind_of(b, cotangent, &aval)?;
    if aval.shape == result.shape {
        return Ok(part);
    }
    let lead = result.rank() - aval.rank();
    let stretched: Axes = (0..result.rank())
        .filter(|&axis| {
            axis < lead || b.assumed_one(&aval.shape[axis - lead]) && !result.shape[axis].is_one()
        })
        .collect();
    // Sizes may be equal by assumption though their forms differ.
    if stretched.is_empty() {
        return Ok(part);
    }
    // A number that stands for a whole array is summed by multiplying.
    if b.aval(part).rank() == 0 {
        let times = stretched
            .iter()
            .fold(Dim::known(1), |n, &axis| n * result.shape[axis].clone());
        if times.is_one() {
            return Ok(part);
        }
        let times = b.size(times);
        return b.elementwise(Elementwise::Multiply, &[part, times]);
    }
    let whole = b.broadcast_to(part, result.shape.clone())?;
    let sum = b.reduce(Reduction::Sum, whole, stretched)?;
    b.reshape(sum, aval.shape)
}

/// A cotangent in the dtype of its primal. Literals may stay literals.
fn in_kind_of(b: &mut Builder, cotangent: NodeId, primal: &Aval) -> Result<NodeId> {
    let aval = b.aval(cotangent);
    if aval.weak && aval.dtype.is_float() || aval.dtype == primal.dtype {
        return Ok(cotangent);
    }
    match b.op(cotangent) {
        Op::Constant(Constant::Int(value)) => {
            let value = *value as f64;
            Ok(b.float(value))
        }
        _ => convert(b, cotangent, primal.dtype),
    }
}

/// A cotangent in the full shape and dtype of its primal.
pub fn materialized(b: &mut Builder, cotangent: NodeId, primal: &Aval) -> Result<NodeId> {
    let cotangent = in_kind_of(b, cotangent, primal)?;
    let strong = match literal(b, cotangent) {
        Some(value) => return b.full(value, primal.dtype, primal.shape.clone()),
        None => b.cast(cotangent, primal.dtype)?,
    };
    b.broadcast_to(strong, primal.shape.clone())
}

/// The sum of two cotangents of a value. What was read from a part of it is added to that part alone.
///
/// # Errors
/// None that well-formed cotangents can cause.
pub fn accumulated(b: &mut Builder, sum: NodeId, term: NodeId, primal: &Aval) -> Result<NodeId> {
    let operands = b.graph().operands(term);
    // What is the same along an axis may lack it.
    let is_whole = b.aval(term).shape == primal.shape;
    match b.op(term).clone() {
        Op::Unslice { ranges, .. } if is_whole => {
            let sum = materialized(b, sum, primal)?;
            let write = Op::SliceWrite {
                kind: Write::Add,
                ranges,
            };
            b.add(write, &[sum, operands[0]])
        }
        op @ Op::Scatter {
            kind: Write::Add, ..
        } if is_whole && is_zero(b, operands[0]) => {
            let sum = materialized(b, sum, primal)?;
            b.add(op, &with(&operands, 0, sum))
        }
        _ => b.elementwise(Elementwise::Add, &[sum, term]),
    }
}

/// A scalar zero, or one broadcast.
fn is_zero(b: &Builder, x: NodeId) -> bool {
    match b.op(x) {
        Op::Constant(Constant::Float(value)) => *value == 0.0,
        Op::Constant(Constant::Complex(value)) => *value == num_complex::Complex64::ZERO,
        Op::BroadcastTo(_) => is_zero(b, b.graph().operands(x)[0]),
        _ => false,
    }
}

/// The tangent, or zeros of its primal's shape and dtype.
pub(super) fn tangent_or_zeros(
    b: &mut Builder,
    tangent: Option<NodeId>,
    primal: NodeId,
) -> Result<NodeId> {
    match tangent {
        Some(t) => Ok(t),
        None => b.full_like(0.0, primal),
    }
}

/// The shape with ones in place of `axes`.
pub(super) fn with_ones(shape: &Shape, axes: &[usize]) -> Shape {
    let size = |(axis, d): (usize, &Dim)| {
        if axes.contains(&axis) {
            Dim::known(1)
        } else {
            d.clone()
        }
    };
    shape.iter().enumerate().map(size).collect()
}
