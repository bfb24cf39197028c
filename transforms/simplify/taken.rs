//! A path of the program whose decisions are not asked again.
//!
//! In: the graph of a path. Out: the same without its decisions, for a call that is known to be on it.
//!
//! ```text
//! %5 = decide(%4) expected=True          (gone; %4, if something reads it)
//! ```

use lazy_core::error::Result;
use lazy_core::graph::{Builder, Graph, NodeId, Operands};
use lazy_core::ops::Op;

/// The graph without decisions.
///
/// # Errors
/// None that a well-formed graph can cause.
pub fn taken(graph: &Graph) -> Result<Graph> {
    let mut b = Builder::rebuild(graph);
    let mut new: Vec<NodeId> = Vec::with_capacity(graph.len());
    for id in graph.nodes() {
        let operands = graph.operands(id);
        let operands: Operands = operands.iter().map(|o| new[o.index()]).collect();
        new.push(match graph.op(id) {
            Op::Decide { .. } => {
                b.replace(graph, id, operands[0]);
                operands[0]
            }
            _ => b.copy(graph, id, &operands),
        });
    }
    let outputs = graph.outputs().iter().map(|o| new[o.index()]).collect();
    Ok(b.finish(outputs))
}
