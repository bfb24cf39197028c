//! What was just written need not be read back, nor written again.
//!
//! In: a graph. Out: one without reads of elements that the write before has set, and without writes of
//! what is there already.
//!
//! ```text
//! a[i, :j] += v      gather, add, scatter, gather, scatter   =>   gather, add, scatter
//! ```
//!
//! Python's `a[i] += v` is a read, a change in place and a write of the result to where it already is.

use lazy_core::error::Result;
use lazy_core::graph::{Builder, Graph, NodeId};
use lazy_core::ops::{Elementwise, Op, Write};

use super::rewrite;

/// Forwards written values to reads of the same elements, and drops writes that change nothing.
///
/// # Errors
/// None that a well-formed graph can cause.
pub fn writes(graph: &Graph) -> Result<Graph> {
    rewrite(graph, |b, id, operands| {
        let found = match graph.op(id) {
            Op::Gather { .. } | Op::Slice(_) => written(b, graph.op(id), operands),
            Op::Scatter { .. } | Op::SliceWrite { .. } => unchanged(b, graph.op(id), operands),
            _ => None,
        };
        Ok(found.filter(|&new| b.aval(new) == graph.aval(id)))
    })
}

/// The value that a read of an array finds, if the write that made the array put it there.
fn written(b: &Builder, read: &Op, operands: &[NodeId]) -> Option<NodeId> {
    let (&array, indices) = operands.split_first()?;
    let before = b.graph().operands(array);
    let (&[_, value], same) = before.split_first_chunk::<2>()?;
    let is_same = match (read, b.op(array)) {
        (Op::Slice(read), Op::SliceWrite { kind, ranges }) => *kind == Write::Set && read == ranges,
        (
            Op::Gather { axes, at },
            Op::Scatter {
                kind,
                axes: own,
                at: there,
            },
        ) => {
            *kind == Write::Set
                && (axes, at) == (own, there)
                && same == indices
                && are_distinct(b, indices)
        }
        _ => false,
    };
    is_same.then_some(value)
}

/// The array, if a write puts there what it has.
fn unchanged(b: &Builder, write: &Op, operands: &[NodeId]) -> Option<NodeId> {
    let (&[array, value], indices) = operands.split_first_chunk::<2>()?;
    let before = b.graph().operands(array);
    let again = b.op(array) == write && before[1..] == operands[1..];
    let back = match (write, b.op(value)) {
        (Op::SliceWrite { kind, ranges }, Op::Slice(read)) => {
            *kind == Write::Set && read == ranges && b.graph().operands(value)[0] == array
        }
        _ => false,
    };
    let sets = matches!(
        write,
        Op::Scatter {
            kind: Write::Set,
            ..
        } | Op::SliceWrite {
            kind: Write::Set,
            ..
        }
    );
    (back || again && sets && are_distinct(b, indices)).then_some(array)
}

/// Whether indices name no element twice: numbers, and at most one run of positions.
fn are_distinct(b: &Builder, indices: &[NodeId]) -> bool {
    let mut arrays = indices.iter().filter(|&&index| b.aval(index).rank() > 0);
    arrays.next().is_none_or(|&index| is_run(b, index)) && arrays.next().is_none()
}

fn is_run(b: &Builder, index: NodeId) -> bool {
    match b.op(index) {
        Op::Arange | Op::Iota { .. } => true,
        Op::Elementwise(Elementwise::Add | Elementwise::Subtract) => {
            let operands = b.graph().operands(index);
            let (arrays, numbers): (Vec<NodeId>, Vec<NodeId>) =
                operands.iter().partition(|&&o| b.aval(o).rank() > 0);
            arrays.len() == 1 && numbers.len() == 1 && is_run(b, arrays[0])
        }
        _ => false,
    }
}
