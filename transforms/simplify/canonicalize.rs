//! One spelling for each thing, so that rules and comparison need to know only one.
//!
//! In: a graph. Out: one with the same values, bit for bit, in which chains of views are one view,
//! casts and views that change nothing are gone, operands are not broadcast where the operation
//! does it anyway, constants are Python literals where that gives the same dtype, and come first in
//! a product.
//!
//! ```text
//! x.reshape(2, 3).reshape(6)   =>  x.reshape(6)
//! np.broadcast_to(g, (n,)) * x =>  g * x
//! x + -3.0                     =>  x - 3.0
//! ```
//!
//! Source: the canonicalisation passes of MLIR and XLA, kept to what is exact in NumPy.

use lazy_core::error::Result;
use lazy_core::graph::{Aval, Builder, DType, Graph, Kind, NodeId, Operands};
use lazy_core::ops::{Axes, Constant, Elementwise, Op, Range, infer};
use smallvec::SmallVec;

use super::{rewrite, scalar};

/// Brings a graph to its canonical form.
///
/// # Errors
/// Only if inference refuses a node that it accepted before, which is a bug.
pub fn canonicalize(graph: &Graph) -> Result<Graph> {
    rewrite(graph, |b, id, operands| {
        let aval = graph.aval(id);
        let found = match graph.op(id) {
            Op::Elementwise(op) => elementwise(b, *op, aval, operands)?,
            Op::Contract { .. } => product(b, graph.op(id), operands)?,
            op => view(b, op, aval, operands)?,
        };
        // Another aval would be another program: keep the node as it was.
        Ok(found.filter(|&new| b.aval(new) == aval))
    })
}

/// A product reads its operands in any order of axes: transposing them first is not needed, unless
/// that decides the order of the result's axes.
fn product(b: &mut Builder, op: &Op, operands: &[NodeId]) -> Result<Option<NodeId>> {
    let (Op::Contract { batch, contract }, &[left, right]) = (op, operands) else {
        return Ok(None);
    };
    let (mut batch, mut contract) = (batch.clone(), contract.clone());
    let mut sources = [left, right];
    for (side, source) in sources.iter_mut().enumerate() {
        let Op::Transpose(perm) = b.op(*source).clone() else {
            continue;
        };
        let mut pairs: Vec<(usize, usize)> = batch.iter().chain(&contract).copied().collect();
        let free = (0..perm.len())
            .filter(|&axis| !pairs.iter_mut().any(|p| *axis_of(p, side) == axis))
            .map(|axis| perm[axis]);
        if !free.is_sorted() {
            continue;
        }
        for pair in batch.iter_mut().chain(&mut contract) {
            let axis = axis_of(pair, side);
            *axis = perm[*axis];
        }
        *source = b.graph().operands(*source)[0];
    }
    if sources == [left, right] {
        return Ok(None);
    }
    b.add(Op::Contract { batch, contract }, &sources).map(Some)
}

/// A pair's axis of the left operand (side 0) or of the right.
fn axis_of(pair: &mut (usize, usize), side: usize) -> &mut usize {
    if side == 0 { &mut pair.0 } else { &mut pair.1 }
}

/// Views of views, and views of everything.
fn view(b: &mut Builder, op: &Op, aval: &Aval, operands: &[NodeId]) -> Result<Option<NodeId>> {
    let &[x] = operands else { return Ok(None) };
    let inner = b.op(x).clone();
    let source = b.graph().operands(x).first().copied();
    let composed = match (op, inner, source) {
        (Op::Reshape(shape), Op::Reshape(_), Some(source)) => (Op::Reshape(shape.clone()), source),
        (Op::BroadcastTo(shape), Op::BroadcastTo(_), Some(source)) => {
            (Op::BroadcastTo(shape.clone()), source)
        }
        (Op::Transpose(outer), Op::Transpose(inner), Some(source)) => {
            let perm: Axes = outer.iter().map(|&axis| inner[axis]).collect();
            (Op::Transpose(perm), source)
        }
        (Op::Slice(outer), Op::Slice(inner), Some(source)) => {
            (Op::Slice(compose(&inner, outer)), source)
        }
        (Op::Cast(to), Op::Cast(via), Some(source))
            if holds(via, b.aval(source).dtype) && !b.aval(source).weak =>
        {
            (Op::Cast(*to), source)
        }
        _ => (op.clone(), x),
    };
    let (new, x) = composed;
    if changes_nothing(&new, b.aval(x), aval) {
        return Ok(Some(x));
    }
    if &new == op {
        return Ok(None);
    }
    b.add(new, &[x]).map(Some)
}

/// Whether an operation on `operand` with the same aval as its result gives the operand itself.
fn changes_nothing(op: &Op, operand: &Aval, result: &Aval) -> bool {
    if operand != result {
        return false;
    }
    match op {
        Op::Reshape(_) | Op::BroadcastTo(_) | Op::Cast(_) => true,
        Op::Transpose(perm) => perm.iter().enumerate().all(|(axis, &p)| axis == p),
        Op::Slice(ranges) => ranges
            .iter()
            .zip(&operand.shape)
            .all(|(range, size)| *range == Range::full(size.clone())),
        Op::Concatenate { .. } => true,
        _ => false,
    }
}

/// `x[inner][outer]` as one slice.
fn compose(inner: &[Range], outer: &[Range]) -> SmallVec<[Range; 4]> {
    let axes = inner.iter().zip(outer);
    axes.map(|(inner, outer)| Range {
        start: inner.start.clone() + outer.start.clone() * inner.step.into(),
        size: outer.size.clone(),
        step: inner.step * outer.step,
    })
    .collect()
}

/// Whether every value of `from` is a value of `to`.
fn holds(to: DType, from: DType) -> bool {
    // Bits of the magnitude: what a float's mantissa must have room for.
    let integer_bits = |d: DType| match d {
        DType::Bool => 1,
        d if d.is_unsigned() => 8 * d.size(),
        d => 8 * d.size() - 1,
    };
    let mantissa = if to.real() == DType::F32 { 24 } else { 53 };
    match (from.is_inexact(), to.is_inexact()) {
        (false, false) => {
            from == to
                || from == DType::Bool
                || (to != DType::Bool
                    && (from.is_unsigned() || !to.is_unsigned())
                    && integer_bits(from) <= integer_bits(to))
        }
        (false, true) => integer_bits(from) <= mantissa,
        (true, false) => false,
        (true, true) => {
            from.real().size() <= to.real().size() && (to.is_complex() || !from.is_complex())
        }
    }
}

/// Drops broadcasts that the operation does itself, spells constants as literals, puts them first
/// in products, and turns sums with negative constants into differences.
fn elementwise(
    b: &mut Builder,
    op: Elementwise,
    aval: &Aval,
    operands: &[NodeId],
) -> Result<Option<NodeId>> {
    let mut now = Operands::from_slice(operands);
    for at in 0..now.len() {
        let bare = stripped(b, now[at]);
        keep_if_same(b, op, aval, &mut now, at, bare)?;
        if let Some(literal) = literal(b, &now, at) {
            keep_if_same(b, op, aval, &mut now, at, literal)?;
        }
    }
    if op == Elementwise::Multiply && is_scalar(b, now[1]) && !is_scalar(b, now[0]) {
        now.swap(0, 1);
    }
    if let Some(new) = hoisted(b, op, aval, &now)? {
        return Ok(Some(new));
    }
    if let Some(new) = signs(b, op, aval, &now)? {
        return Ok(Some(new));
    }
    if now.as_slice() == operands {
        return Ok(None);
    }
    b.elementwise(op, &now).map(Some)
}

/// What is broadcast, if `id` is a broadcast.
fn stripped(b: &Builder, id: NodeId) -> NodeId {
    match b.op(id) {
        Op::BroadcastTo(_) => b.graph().operands(id)[0],
        _ => id,
    }
}

/// Replaces operand `at` if the operation then still has the same aval.
fn keep_if_same(
    b: &mut Builder,
    op: Elementwise,
    aval: &Aval,
    now: &mut Operands,
    at: usize,
    operand: NodeId,
) -> Result<()> {
    if operand == now[at] {
        return Ok(());
    }
    let before = std::mem::replace(&mut now[at], operand);
    if infer(b, &Op::Elementwise(op), now)? != *aval {
        now[at] = before;
    }
    Ok(())
}

/// The Python literal for operand `at`, if it is a scalar constant beside an operand of its own dtype:
/// the loop then runs in the same dtype.
fn literal(b: &mut Builder, operands: &[NodeId], at: usize) -> Option<NodeId> {
    let (constant, aval) = (scalar(b.graph(), operands[at])?, b.aval(operands[at]));
    let beside = |&(other, &id): &(usize, &NodeId)| {
        other != at && !b.aval(id).weak && b.aval(id).dtype == aval.dtype
    };
    operands.iter().enumerate().find(beside)?;
    if aval.weak || aval.rank() > 0 {
        return None;
    }
    let kind = match constant {
        Constant::Bool(_) => Kind::Bool,
        Constant::Int(_) => Kind::Int,
        Constant::Float(_) => Kind::Float,
        Constant::Complex(_) => Kind::Complex,
        // Beyond int64, where weak integers are kept.
        Constant::UInt(_) | Constant::Array(_) => return None,
    };
    let constant = constant.clone();
    Some(b.constant(constant, Aval::weak(DType::default_for(kind))))
}

fn is_scalar(b: &Builder, id: NodeId) -> bool {
    scalar(b.graph(), id).is_some()
}

/// An operation on what is broadcast, then one broadcast of the smaller result.
fn hoisted(
    b: &mut Builder,
    op: Elementwise,
    aval: &Aval,
    operands: &[NodeId],
) -> Result<Option<NodeId>> {
    let bare: Operands = operands.iter().map(|&id| stripped(b, id)).collect();
    if bare.as_slice() == operands {
        return Ok(None);
    }
    let small = infer(b, &Op::Elementwise(op), &bare)?;
    if small.weak || small.dtype != aval.dtype {
        return Ok(None);
    }
    let new = b.elementwise(op, &bare)?;
    b.broadcast_to(new, aval.shape.clone()).map(Some)
}

/// `x + -c` as `x - c` and `x - -c` as `x + c`, in floats, where both are the same operation.
fn signs(
    b: &mut Builder,
    op: Elementwise,
    aval: &Aval,
    operands: &[NodeId],
) -> Result<Option<NodeId>> {
    let (opposite, x, c) = match (op, operands) {
        (Elementwise::Add, &[c, x]) if is_scalar(b, c) => (Elementwise::Subtract, x, c),
        (Elementwise::Add, &[x, c]) => (Elementwise::Subtract, x, c),
        (Elementwise::Subtract, &[x, c]) => (Elementwise::Add, x, c),
        _ => return Ok(None),
    };
    let positive = match scalar(b.graph(), c) {
        Some(&Constant::Float(v)) if v < 0.0 => Constant::Float(-v),
        Some(&Constant::Int(v)) if v < 0 && v > i64::MIN => Constant::Int(-v),
        _ => return Ok(None),
    };
    if !aval.dtype.is_float() {
        return Ok(None);
    }
    let c = b.constant(positive, b.aval(c).clone());
    b.elementwise(opposite, &[x, c]).map(Some)
}
