//! Dead code: drops the nodes that no output needs.
//!
//! In: a graph. Out: the same without them. Inputs stay, since they are the signature; draws stay,
//! since they move the generator; so do the nodes that define a size, which other sizes may mention.
//!
//! `a = x + 1; b = x * 2; return b` loses `a`.
//!
//! Source: mark and sweep over the operands, Muchnick, section 18.10.

use lazy_core::error::Result;
use lazy_core::graph::{Builder, Graph, NodeId, Operands};

/// Drops what no output, input, draw or size needs.
///
/// # Errors
/// None: the signature is that of every transform.
pub fn dce(graph: &Graph) -> Result<Graph> {
    let mut live = vec![false; graph.len()];
    let roots = graph.outputs().iter().chain(graph.inputs());
    for root in roots.chain(graph.effects()) {
        live[root.index()] = true;
    }
    for symbol in graph.symbols() {
        live[symbol.node.index()] = true;
    }
    for id in graph.nodes().rev() {
        if live[id.index()] {
            for operand in graph.operands(id) {
                live[operand.index()] = true;
            }
        }
    }
    if live.iter().all(|&l| l) {
        return Ok(graph.clone());
    }
    let mut b = Builder::rebuild(graph);
    let mut new: Vec<NodeId> = vec![NodeId::end(); graph.len()];
    for id in graph.nodes().filter(|id| live[id.index()]) {
        let operands: Operands = graph
            .operands(id)
            .iter()
            .map(|operand| new[operand.index()])
            .collect();
        new[id.index()] = b.copy(graph, id, &operands);
    }
    let outputs = graph.outputs().iter().map(|o| new[o.index()]).collect();
    Ok(b.finish(outputs))
}
