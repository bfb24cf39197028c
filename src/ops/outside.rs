//! Calls of compiled code that lazy has no operation for.
//!
//! In: arrays and numbers. Out: what the function gave when the graph was made, in number, dtypes and
//! shapes; a run in which it gives anything else ends there, with `Assumption`.
//!
//! ```text
//! %3 = call(%1, %2) site=0 callee="numpy.digitize" results=[int64[n0]] : int64[n0]
//! ```
//!
//! The caller of the graph makes the call. The function has no effects, so that it may be left out.

use smallvec::SmallVec;

use super::Op;
use super::derivative::not_differentiable;
use crate::error::{Error, Result};
use crate::graph::{Aval, NodeId};

/// The avals of the results.
///
/// # Errors
/// `Internal` if there are none.
pub fn results(op: &Op) -> Result<SmallVec<[Aval; 2]>> {
    match op {
        Op::Call { results, .. } if !results.is_empty() => Ok(results.iter().cloned().collect()),
        other => Err(Error::internal(format!(
            "a call without results: {other:?}"
        ))),
    }
}

/// No derivative is known.
///
/// # Errors
/// `NotDifferentiable`, naming the function, if an operand has a tangent.
pub fn jvp(op: &Op, tangents: &[Option<NodeId>], count: usize) -> Result<Vec<Option<NodeId>>> {
    match op {
        Op::Call { callee, .. } if tangents.iter().any(Option::is_some) => Err(not_differentiable(
            callee,
            "it is compiled code that lazy has no derivative for",
        )),
        _ => Ok(vec![None; count]),
    }
}
