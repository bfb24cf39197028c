//! Rules that authors gave: over batches, and gone when no derivative will be taken any more.
//!
//! In: a graph with `Custom` nodes. Out: one in which they are what they compute, or a node over examples.

use std::collections::HashMap;

use lazy_core::error::Result;
use lazy_core::graph::{Graph, NodeId, Operands};
use lazy_core::ops::{Custom, Op, Rule};

use super::vmap;
use crate::simplify::{everywhere, rewrite};

/// The graph without rules: each function that has one is what it computed.
///
/// # Errors
/// None that a well-formed graph can cause.
pub fn erase_rules(graph: &Graph) -> Result<Graph> {
    everywhere(&erased, graph)
}

fn erased(graph: &Graph) -> Result<Graph> {
    if !graph
        .nodes()
        .any(|id| matches!(graph.op(id), Op::Custom(_)))
    {
        return Ok(graph.clone());
    }
    let mut results: HashMap<NodeId, Operands> = HashMap::new();
    rewrite(graph, |_, id, operands| {
        Ok(match graph.op(id) {
            Op::Custom(_) => {
                results.insert(id, Operands::from_slice(operands));
                operands.first().copied()
            }
            Op::Part(k) => {
                let whole = results.get(&graph.operands(id)[0]);
                whole.and_then(|results| results.get(*k).copied())
            }
            _ => None,
        })
    })
}

/// The function and its rule over examples. `batched` says which of the operands have the axis; results
/// and arguments all have it.
///
/// # Errors
/// As [`super::vmap`].
pub(super) fn over_examples(c: &Custom, batched: &[bool]) -> Result<Custom> {
    let mapped = |rule: &Graph, given: usize| -> Result<Graph> {
        let flags =
            std::iter::repeat_n(true, given).chain(batched[c.before_captured()..].iter().copied());
        vmap::over_first(rule, &flags.collect::<Vec<bool>>())
    };
    Ok(Custom {
        rule: match &c.rule {
            Rule::Forward(rule) => Rule::Forward(mapped(rule, c.arguments)?),
            Rule::Reverse(rule) => Rule::Reverse(mapped(rule, c.results)?),
            Rule::Exhausted => Rule::Exhausted,
        },
        ..c.clone()
    })
}
