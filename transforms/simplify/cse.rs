//! Common subexpressions: nodes that compute the same thing become one.
//!
//! In: a graph. Out: the same in which no two nodes have equal operation, operands and aval.
//! The first keeps its place and its name. Draws are never merged: each moves the generator.
//!
//! `np.exp(x) / (1 + np.exp(x))` computes one exponential.
//!
//! Source: value numbering, Muchnick, section 12.4, over a graph that is already in SSA form.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use lazy_core::error::Result;
use lazy_core::eval::value::Value;
use lazy_core::graph::{Aval, Graph, NodeId, Operands};
use lazy_core::ops::{Constant, Op};
use smallvec::SmallVec;

use super::{commutes, rewrite};

/// Merges equal nodes.
///
/// # Errors
/// None: the signature is that of every transform.
pub fn cse(graph: &Graph) -> Result<Graph> {
    let mut seen: HashMap<u64, SmallVec<[NodeId; 1]>> = HashMap::with_capacity(graph.len());
    // Which node each of them was.
    let mut old: HashMap<NodeId, NodeId> = HashMap::with_capacity(graph.len());
    rewrite(graph, |b, id, operands| {
        let op = graph.op(id);
        let aval = graph.aval(id);
        let operands = ordered(op, operands);
        let candidates = seen.entry(hash(op, aval, &operands)).or_default();
        let known = candidates.iter().copied().find(|&other| {
            same_op(op, b.op(other))
                && aval == b.aval(other)
                && operands == ordered(op, &b.graph().operands(other))
                && old
                    .get(&other)
                    .is_none_or(|&first| are_alike(graph, first, id))
        });
        if known.is_none() {
            let new = NodeId::new(b.graph().len());
            candidates.push(new);
            old.insert(new, id);
        }
        Ok(known)
    })
}

/// Whether the further results of two nodes have the same avals: a size that was found twice has two names,
/// and a result has one.
fn are_alike(graph: &Graph, a: NodeId, b: NodeId) -> bool {
    let avals = |id| {
        graph
            .parts(id)
            .into_iter()
            .map(|part| part.map(|p| graph.aval(p)))
    };
    let pairs = avals(a).zip(avals(b)).skip(1);
    pairs
        .into_iter()
        .all(|(a, b)| a.is_none() || b.is_none() || a == b)
}

/// The operands in the order that is compared: sorted where the operation commutes. The graph keeps
/// the user's own order.
fn ordered(op: &Op, operands: &[NodeId]) -> Operands {
    let mut operands = Operands::from_slice(operands);
    if let Op::Elementwise(e) = op
        && commutes(*e)
    {
        operands.sort();
    }
    operands
}

fn hash(op: &Op, aval: &Aval, operands: &[NodeId]) -> u64 {
    let mut h = DefaultHasher::new();
    std::mem::discriminant(op).hash(&mut h);
    if let Op::Elementwise(e) = op {
        e.hash(&mut h);
    } else if let Op::Constant(c) = op {
        hash_constant(c, &mut h);
    }
    aval.hash(&mut h);
    operands.hash(&mut h);
    h.finish()
}

fn hash_constant(constant: &Constant, h: &mut DefaultHasher) {
    match constant {
        Constant::Bool(v) => v.hash(h),
        Constant::Int(v) => v.hash(h),
        Constant::UInt(v) => v.hash(h),
        Constant::Float(v) => v.to_bits().hash(h),
        Constant::Complex(v) => (v.re.to_bits(), v.im.to_bits()).hash(h),
        Constant::Array(v) => bytes(v).iter().take(64).for_each(|byte| byte.hash(h)),
    }
}

fn bytes(value: &Value) -> &[u8] {
    // SAFETY: a value holds at least `len * size` initialised bytes, borrowed as long as it is.
    unsafe { std::slice::from_raw_parts(value.as_ptr(), value.len() * value.dtype.size()) }
}

/// Whether two operations are the same, constants compared by their bits: -0.0 is not 0.0, and a
/// NaN is itself.
pub(super) fn same_op(a: &Op, b: &Op) -> bool {
    match (a, b) {
        (Op::Constant(a), Op::Constant(b)) => same_constant(a, b),
        (a, b) => a == b,
    }
}

fn same_constant(a: &Constant, b: &Constant) -> bool {
    match (a, b) {
        (Constant::Float(a), Constant::Float(b)) => a.to_bits() == b.to_bits(),
        (Constant::Complex(a), Constant::Complex(b)) => {
            (a.re.to_bits(), a.im.to_bits()) == (b.re.to_bits(), b.im.to_bits())
        }
        (a, b) => a == b,
    }
}

/// Whether two graphs have the same nodes in the same order.
pub(super) fn same_program(a: &Graph, b: &Graph) -> bool {
    a.len() == b.len()
        && a.outputs() == b.outputs()
        && a.nodes().all(|id| {
            same_op(a.op(id), b.op(id))
                && a.aval(id) == b.aval(id)
                && a.operands(id) == b.operands(id)
        })
}
