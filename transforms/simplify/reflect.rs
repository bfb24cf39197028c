//! Functions of `x` and of `-x` that are dear where they are equal.
//!
//! In: a graph. Out: one in which `softplus(x)` and `softplus(-x)` share their exponential and logarithm.
//! The values are the same, bit for bit in float64, to 1 ULP in float32.
//!
//! ```text
//! y*softplus(-z) + (1 - y)*softplus(z)
//!     =>  y*(maximum(-z, 0) + t) + (1 - y)*(maximum(z, 0) + t)   with t = softplus(-absolute(z))
//! ```
//!
//! The evaluator computes `softplus(x)` as `maximum(x, 0) + log1p(exp(-|x|))`, whose second term is even.
//! Source: Mächler, "Accurately computing log(1 - exp(-|a|))" (2012), for the identity.

use std::collections::HashMap;

use lazy_core::error::Result;
use lazy_core::graph::{Builder, Graph, NodeId};
use lazy_core::ops::{Elementwise, Op};

use super::rewrite;

/// Lets functions of opposite arguments share what they have in common.
///
/// # Errors
/// Only if inference refuses what it accepted before, which is a bug.
pub fn reflect(graph: &Graph) -> Result<Graph> {
    let mut signs: HashMap<NodeId, [bool; 2]> = HashMap::new();
    for id in graph.nodes() {
        if let Some(Softplus { of, negated, .. }) = softplus(graph, id) {
            signs.entry(of).or_default()[usize::from(negated)] = true;
        }
    }
    signs.retain(|_, both| *both == [true, true]);
    if signs.is_empty() {
        return Ok(graph.clone());
    }
    let mut even: HashMap<NodeId, NodeId> = HashMap::new();
    rewrite(graph, |b, id, operands| {
        let Some(found) = softplus(graph, id).filter(|f| signs.contains_key(&f.of)) else {
            return Ok(None);
        };
        b.set_origin(graph.origin(id).cloned());
        let operand = operands[0];
        // The node's operand is `of` or its negation: the absolute value is the same.
        let term = match even.get(&found.of) {
            Some(&term) => term,
            None => *even.entry(found.of).or_insert(even_term(b, operand)?),
        };
        let argument = match found.log_expit {
            true => b.elementwise(Elementwise::Negative, &[operand])?,
            false => operand,
        };
        let zero = b.int(0);
        let positive = b.elementwise(Elementwise::Maximum, &[argument, zero])?;
        let mut value = b.elementwise(Elementwise::Add, &[positive, term])?;
        if found.log_expit {
            value = b.elementwise(Elementwise::Negative, &[value])?;
        }
        Ok(Some(value).filter(|&new| b.aval(new) == graph.aval(id)))
    })
}

/// `softplus(-|x|)`.
fn even_term(b: &mut Builder, x: NodeId) -> Result<NodeId> {
    let size = b.elementwise(Elementwise::Absolute, &[x])?;
    let minus = b.elementwise(Elementwise::Negative, &[size])?;
    b.elementwise(Elementwise::Softplus, &[minus])
}

/// A node that is a softplus, or the negative of one.
struct Softplus {
    of: NodeId,
    /// Whether the softplus is that of `-of`.
    negated: bool,
    /// `log_expit(x)` is `-softplus(-x)`.
    log_expit: bool,
}

fn softplus(graph: &Graph, id: NodeId) -> Option<Softplus> {
    let log_expit = match graph.op(id) {
        Op::Elementwise(Elementwise::Softplus) => false,
        Op::Elementwise(Elementwise::LogExpit) => true,
        _ => return None,
    };
    let operand = graph.operands(id)[0];
    let (of, negative) = match graph.op(operand) {
        Op::Elementwise(Elementwise::Negative) => (graph.operands(operand)[0], true),
        _ => (operand, false),
    };
    Some(Softplus {
        of,
        negated: negative != log_expit,
        log_expit,
    })
}
