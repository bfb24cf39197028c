//! Tangents, pushed forward.
//!
//! In: a builder that extends a graph, tangents of some of its nodes, and the nodes whose tangents
//! are wanted. Out: the tangent of every node on a path between them.
//!
//! ```text
//! y = exp(x)       t_y = y * t_x
//! ```

use lazy_core::error::Result;
use lazy_core::graph::{Builder, Graph, NodeId};
use lazy_core::ops::{self, Op};
use smallvec::SmallVec;

use super::control;

/// The tangent of each node of a graph; `None` is zero.
pub(super) struct Tangents(Vec<Option<NodeId>>);

impl Tangents {
    pub(super) fn of(&self, id: NodeId) -> Option<NodeId> {
        self.0[id.index()]
    }
}

/// Pushes `seeds`, pairs of a node and its tangent, to `targets`.
///
/// # Errors
/// `NotDifferentiable`, at the line of the operation.
pub(super) fn push(
    b: &mut Builder,
    graph: &Graph,
    seeds: &[(NodeId, NodeId)],
    targets: &[NodeId],
) -> Result<Tangents> {
    let mut tangents = vec![None; graph.len()];
    for &(node, seed) in seeds {
        tangents[node.index()] = Some(seed);
    }
    let needed = ancestors(graph, targets);
    for id in graph.nodes().filter(|id| needed[id.index()]) {
        if tangents[id.index()].is_some() {
            continue;
        }
        let operands = graph.operands(id);
        let given: SmallVec<[Option<NodeId>; 4]> =
            operands.iter().map(|o| tangents[o.index()]).collect();
        if matches!(graph.op(id), Op::Part(_)) {
            continue;
        }
        b.set_origin(graph.origin(id).cloned());
        let parts = graph.parts(id);
        let pushed = match graph.op(id) {
            Op::Loop(_) | Op::Cond(_) if given.iter().all(Option::is_none) => Ok(vec![]),
            op @ (Op::Loop(_) | Op::Cond(_)) => control::push(b, op, &operands, &given),
            op => ops::jvp_results(b, &parts, op, &operands, &given),
        };
        let pushed = pushed.map_err(|error| graph.locate(error, id))?;
        for (part, tangent) in parts.iter().zip(pushed) {
            if let Some(part) = part {
                tangents[part.index()] = tangent;
            }
        }
    }
    Ok(Tangents(tangents))
}

/// Marks the nodes that `targets` are computed from.
fn ancestors(graph: &Graph, targets: &[NodeId]) -> Vec<bool> {
    let mut marked = vec![false; graph.len()];
    for &target in targets {
        marked[target.index()] = true;
    }
    for id in graph.nodes().rev() {
        if marked[id.index()] {
            let operands = graph.operands(id);
            // A rule replaces the derivative of what computed the results, and reads the rest as it is.
            let wanted = match graph.op(id) {
                Op::Custom(c) => c.results..c.before_captured(),
                _ => 0..operands.len(),
            };
            for operand in &operands[wanted] {
                marked[operand.index()] = true;
            }
        }
    }
    marked
}
