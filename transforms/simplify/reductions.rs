//! Reductions of reductions, and of what was broadcast.
//!
//! In: a graph and the truths allowed. Out: the graph in which two sums in a row are one, and a sum
//! over copies is a multiple.
//!
//! ```text
//! x.sum(axis=1).sum()                =>  x.sum()
//! np.broadcast_to(a, (n, 3)).sum(0)  =>  n * a
//! ```
//!
//! Source: linearity of the sum; that a product rounds once where a sum of copies rounds n times.

use lazy_core::error::Result;
use lazy_core::graph::{Builder, Dim, Graph, NodeId};
use lazy_core::ops::{Axes, Elementwise, Op, Reduction};

use super::{Truth, Truths, rewrite};
use crate::Transform;

/// Merges reductions.
pub fn reductions(truths: Truths) -> impl Transform {
    move |graph: &Graph| {
        rewrite(graph, |b, id, operands| {
            let (Op::Reduce { kind, axes }, &[x]) = (graph.op(id), operands) else {
                return Ok(None);
            };
            if !truths.allow(truth(*kind, graph, id)) {
                return Ok(None);
            }
            let before = graph.operands(id)[0];
            let once = graph.users(before).count() == 1 && !graph.outputs().contains(&before);
            let found = match b.op(x) {
                Op::Reduce { .. } if once => of_reduction(b, *kind, axes, x)?,
                Op::BroadcastTo(_) => of_broadcast(b, *kind, axes, x)?,
                _ => None,
            };
            Ok(found.filter(|&new| b.aval(new) == graph.aval(id)))
        })
    }
}

/// How true it is that the order and number of steps of a reduction do not matter.
fn truth(kind: Reduction, graph: &Graph, id: NodeId) -> Truth {
    match kind {
        Reduction::Min | Reduction::Max | Reduction::Any | Reduction::All => Truth::Exact,
        Reduction::Sum | Reduction::Prod if graph.aval(id).dtype.is_inexact() => Truth::Ulp(4),
        Reduction::Sum | Reduction::Prod => Truth::Exact,
    }
}

fn of_reduction(
    b: &mut Builder,
    kind: Reduction,
    outer: &Axes,
    x: NodeId,
) -> Result<Option<NodeId>> {
    let Op::Reduce { kind: same, axes } = b.op(x).clone() else {
        return Ok(None);
    };
    let source = b.graph().operands(x)[0];
    if same != kind {
        return Ok(None);
    }
    let kept: Axes = (0..b.aval(source).rank())
        .filter(|axis| !axes.contains(axis))
        .collect();
    let mut both: Axes = outer.iter().map(|&axis| kept[axis]).collect();
    both.extend(axes);
    both.sort_unstable();
    b.reduce(kind, source, both).map(Some)
}

fn of_broadcast(
    b: &mut Builder,
    kind: Reduction,
    axes: &Axes,
    x: NodeId,
) -> Result<Option<NodeId>> {
    if kind == Reduction::Prod {
        return Ok(None);
    }
    let source = b.graph().operands(x)[0];
    let (wide, narrow) = (b.aval(x).shape.clone(), b.aval(source).shape.clone());
    let added = wide.len() - narrow.len();
    let mut copies = Dim::known(1);
    let mut left = Axes::new();
    for &axis in axes {
        let own = axis.checked_sub(added);
        // Sizes whose forms differ may still be equal by assumption: only ones are copied.
        if own.is_none_or(|own| b.assumed_one(&narrow[own])) {
            copies = copies * wide[axis].clone();
        }
        left.extend(own);
    }
    // Symbolic sizes are at least two; an extreme over no copies is an error, and their sum is 0 whatever
    // they would be.
    if copies.is_one() || copies.as_known().is_some_and(|n| n < 1) {
        return Ok(None);
    }
    let mut new = b.reduce(kind, source, left)?;
    if kind == Reduction::Sum {
        let copies = b.size(copies);
        new = b.elementwise(Elementwise::Multiply, &[copies, new])?;
    }
    let shape = wide
        .iter()
        .enumerate()
        .filter(|(axis, _)| !axes.contains(axis));
    let shape = shape.map(|(_, size)| size.clone()).collect();
    b.broadcast_to(new, shape).map(Some)
}
