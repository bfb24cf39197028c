//! All that a graph computes, node by node.
//!
//! In: a lifted call. Out: the same call, which gives the list of the values of its nodes; and where each
//! comes from. What a loop or a branch has inside is not told apart.

use lazy_core::graph::{Graph, NodeId, print::mnemonic};
use lazy_core::lift::numpy::Form;
use lazy_core::lift::{Lifted, Tree};
use lazy_core::ops::Op;

use super::arguments::{with_outputs, without_effects};
use crate::host::Object;

/// Makes the values of all nodes the result.
pub(super) fn all(lifted: &mut Lifted<Object>) {
    let graph = &lifted.graph;
    let ids: Vec<NodeId> = graph.nodes().filter(|&id| is_computed(graph, id)).collect();
    let leaves = ids.iter().enumerate().map(|(k, &id)| {
        let form = match graph.aval(id).rank() {
            0 => Form::Scalar,
            _ => Form::Array,
        };
        Tree::Leaf(k, form)
    });
    lifted.result = Tree::List(leaves.collect());
    without_effects(lifted);
    lifted.graph = with_outputs(&lifted.graph, ids);
}

fn is_computed(graph: &Graph, id: NodeId) -> bool {
    !matches!(
        graph.op(id),
        Op::Input | Op::Constant(_) | Op::Size(_) | Op::Decide { .. }
    )
}

/// File, line, operation and name of a node.
pub type Placed = (String, u32, String, Option<String>);

/// Where each output of a graph comes from.
pub fn places(graph: &Graph) -> Vec<Placed> {
    let place = |&id: &NodeId| {
        let (file, line) = match graph.origin(id) {
            Some(origin) => (origin.file.to_string(), origin.span.line),
            None => (String::new(), 0),
        };
        let name = graph.node(id).name.as_ref().map(ToString::to_string);
        (file, line, mnemonic(graph.op(id)).to_string(), name)
    };
    graph.outputs().iter().map(place).collect()
}
