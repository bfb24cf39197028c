//! Sums of products that are wider than either factor, as products of matrices.
//!
//! In: a graph and the truths allowed. Out: the graph in which no such product is made.
//!
//! ```text
//! (x[:, :, None] * w[None, :, :]).sum(axis=1)  =>  x @ w
//! ```
//!
//! For the evaluator, since it is not what the user wrote. The terms are those of the sum, added in
//! another order. Source: contraction of indices, as `np.einsum` has it.

use lazy_core::error::Result;
use lazy_core::graph::{Builder, Graph, NodeId, Shape};
use lazy_core::ops::{Axes, Elementwise, Op, Reduction};
use smallvec::SmallVec;

use super::{Truth, Truths, rewrite};
use crate::Transform;

/// Writes sums of outer products as contractions.
pub fn products(truths: Truths) -> impl Transform {
    move |graph: &Graph| {
        if !truths.allow(Truth::Ulp(4)) {
            return Ok(graph.clone());
        }
        rewrite(graph, |b, id, operands| {
            let (
                Op::Reduce {
                    kind: Reduction::Sum,
                    axes,
                },
                &[product],
            ) = (graph.op(id), operands)
            else {
                return Ok(None);
            };
            let before = graph.operands(id)[0];
            let is_private = graph.users(before).count() == 1 && !graph.outputs().contains(&before);
            if !is_private || *b.op(product) != Op::Elementwise(Elementwise::Multiply) {
                return Ok(None);
            }
            let found = contraction(b, product, axes, &graph.aval(id).shape)?;
            Ok(found.filter(|&new| b.aval(new) == graph.aval(id)))
        })
    }
}

/// The sum of a product over axes, if each factor has axes of its own that are kept.
fn contraction(
    b: &mut Builder,
    product: NodeId,
    axes: &Axes,
    shape: &Shape,
) -> Result<Option<NodeId>> {
    let factors = b.graph().operands(product);
    let (dtype, rank) = (b.aval(product).dtype, b.aval(product).rank());
    let alike = factors.iter().all(|&f| b.aval(f).dtype == dtype);
    if !alike || !dtype.is_inexact() || factors[0] == factors[1] {
        return Ok(None);
    }
    let [left, right] = [own_axes(b, factors[0], rank), own_axes(b, factors[1], rank)];
    let (mut batch, mut contract) = (SmallVec::new(), SmallVec::new());
    // The axes of the product in the order in which a contraction gives them.
    let (mut both, mut of_left, mut of_right) = (Axes::new(), Axes::new(), Axes::new());
    for axis in 0..rank {
        let at = |own: &Axes| own.iter().position(|&a| a == axis);
        match (at(&left), at(&right), axes.contains(&axis)) {
            (Some(l), Some(r), true) => contract.push((l, r)),
            (Some(l), Some(r), false) => {
                batch.push((l, r));
                both.push(axis);
            }
            (Some(_), None, false) => of_left.push(axis),
            (None, Some(_), false) => of_right.push(axis),
            (Some(_), None, true) | (None, Some(_), true) => return Ok(None),
            (None, None, _) => {}
        }
    }
    if contract.is_empty() || of_left.is_empty() || of_right.is_empty() {
        return Ok(None);
    }
    let sides = [
        squeezed(b, factors[0], &left, rank)?,
        squeezed(b, factors[1], &right, rank)?,
    ];
    let node = b.add(Op::Contract { batch, contract }, &sides)?;
    let given: Axes = both.into_iter().chain(of_left).chain(of_right).collect();
    let mut wanted = given.clone();
    wanted.sort_unstable();
    let place = |axis| given.iter().position(|a| a == axis).unwrap_or(0);
    let node = b.transpose(node, wanted.iter().map(place).collect())?;
    b.reshape(node, shape.clone()).map(Some)
}

/// The axes of a product along which a factor has elements of its own.
fn own_axes(b: &mut Builder, factor: NodeId, rank: usize) -> Axes {
    let shape = b.aval(factor).shape.clone();
    let missing = rank - shape.len();
    let own = shape
        .iter()
        .enumerate()
        .filter(|(_, dim)| !b.assumed_one(dim));
    own.map(|(axis, _)| missing + axis).collect()
}

/// A factor without axes of one element.
fn squeezed(b: &mut Builder, factor: NodeId, own: &Axes, rank: usize) -> Result<NodeId> {
    let shape = &b.aval(factor).shape;
    let missing = rank - shape.len();
    let shape: Shape = own.iter().map(|&a| shape[a - missing].clone()).collect();
    b.reshape(factor, shape)
}
