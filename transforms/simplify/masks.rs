//! Elements picked by a mask, computed with and put back or summed: the same on the whole arrays.
//!
//! In: a graph. Out: one in which values at the true elements of a mask are not gathered first.
//!
//! ```text
//! x[m] = f(x[m], y[m])        =>   x = where(m, f(x, y), x)
//! x[m].sum() / x[m].size      =>   sum(where(m, x, 0)) / sum(m)
//! ```
//!
//! How many elements are true need not be known then: it is one pass over the arrays, which can be
//! fused. `f` is computed of elements that are not asked for, too, which nobody sees. For the evaluator
//! only, since what the user wrote reads better.

use std::collections::HashMap;

use lazy_core::error::Result;
use lazy_core::graph::{Assumption, Aval, Builder, DType, Dim, Graph, NodeId, Symbol};
use lazy_core::ops::{Axes, Constant, Elementwise, Op, Reduction, Write};

use super::{dce, rewrite};

/// Computes on whole arrays what is computed on the true elements of a mask.
///
/// # Errors
/// Only if inference refuses what it accepted before, which is a bug.
pub fn masks(graph: &Graph) -> Result<Graph> {
    if !graph.nodes().any(|id| *graph.op(id) == Op::ArgWhere) {
        return Ok(graph.clone());
    }
    let mut dense = Dense::default();
    let rewritten = rewrite(graph, |b, id, operands| {
        let found = dense.visit(graph, b, id, operands)?;
        Ok(found.filter(|&new| b.aval(new) == graph.aval(id)))
    })?;
    let mut rewritten = dce(&rewritten)?;
    let trivial: Vec<Assumption> = rewritten
        .assumptions()
        .iter()
        .filter(|assumption| is_trivial(&rewritten, assumption))
        .cloned()
        .collect();
    rewritten.drop_assumptions(&trivial);
    Ok(rewritten)
}

/// Values at the true elements of masks, by the nodes of the old graph.
#[derive(Default)]
struct Dense {
    /// The mask in the new graph.
    masks: HashMap<NodeId, NodeId>,
    /// Per value, its mask, and the whole array that it is the elements of.
    values: HashMap<NodeId, (NodeId, NodeId)>,
}

impl Dense {
    /// Notes what a node is the elements of; the node that replaces it, if it no longer needs them.
    fn visit(
        &mut self,
        graph: &Graph,
        b: &mut Builder,
        id: NodeId,
        operands: &[NodeId],
    ) -> Result<Option<NodeId>> {
        let old = graph.operands(id);
        match graph.op(id) {
            Op::ArgWhere => {
                self.masks.insert(old[0], operands[0]);
            }
            Op::Gather { axes, at: 0 } => {
                if let Some(mask) = picked(graph, axes, &old[1..])
                    && covers(graph, old[0], mask)
                {
                    self.values.insert(id, (mask, operands[0]));
                }
            }
            Op::Cast(dtype) => {
                if let Some(&(mask, whole)) = self.values.get(&old[0]) {
                    let whole = b.cast(whole, *dtype)?;
                    self.values.insert(id, (mask, whole));
                }
            }
            Op::Elementwise(op) => {
                if let Some(value) = self.elementwise(graph, b, id, *op, operands)? {
                    self.values.insert(id, value);
                } else if graph.aval(id).rank() == 0 {
                    return self.counted(graph, b, id, *op, operands);
                }
            }
            Op::Reduce {
                kind: Reduction::Sum,
                axes,
            } if axes[..] == [0] => {
                if let Some(&(mask, whole)) = self.values.get(&old[0]) {
                    return self.summed(graph, b, mask, whole).map(Some);
                }
            }
            Op::Scatter {
                kind: Write::Set,
                axes,
                at: 0,
            } => {
                let Some(mask) = picked(graph, axes, &old[2..]) else {
                    return Ok(None);
                };
                if !covers(graph, old[0], mask) {
                    return Ok(None);
                }
                let whole = match self.values.get(&old[1]) {
                    Some(&(of, whole)) if of == mask => whole,
                    None if graph.aval(old[1]).rank() == 0 => operands[1],
                    _ => return Ok(None),
                };
                let flag = self.flag(b, mask, b.aval(operands[0]).rank())?;
                return b
                    .elementwise(Elementwise::Where, &[flag, whole, operands[0]])
                    .map(Some);
            }
            _ => {}
        }
        Ok(None)
    }

    /// An operation on elements of one mask, and on numbers.
    fn elementwise(
        &self,
        graph: &Graph,
        b: &mut Builder,
        id: NodeId,
        op: Elementwise,
        operands: &[NodeId],
    ) -> Result<Option<(NodeId, NodeId)>> {
        let aval = graph.aval(id);
        // Whole numbers to a negative power are refused, and who asks for them may not be meant.
        if op == Elementwise::Power && !aval.dtype.is_inexact() {
            return Ok(None);
        }
        let mut of = None;
        let mut wholes = Vec::with_capacity(operands.len());
        for (&old, &new) in graph.operands(id).iter().zip(operands) {
            match self.values.get(&old) {
                Some(&(mask, whole)) if of.is_none_or(|m| m == mask) => {
                    of = Some(mask);
                    wholes.push(whole);
                }
                None if graph.aval(old).rank() == 0 => wholes.push(new),
                _ => return Ok(None),
            }
        }
        let Some(mask) = of else { return Ok(None) };
        let whole = b.elementwise(op, &wholes)?;
        Ok(Some((mask, whole)))
    }

    /// A number computed with how many elements are true.
    fn counted(
        &self,
        graph: &Graph,
        b: &mut Builder,
        id: NodeId,
        op: Elementwise,
        operands: &[NodeId],
    ) -> Result<Option<NodeId>> {
        let aval = graph.aval(id);
        let mut new = operands.to_vec();
        let mut changed = false;
        for (&old, new) in graph.operands(id).iter().zip(&mut new) {
            let Op::Size(dim) = graph.op(old) else {
                continue;
            };
            let mask = dim.as_symbol().and_then(|s| mask_of(graph, s));
            if let Some(mask) = mask
                && self.masks.contains_key(&mask)
                && aval.dtype.is_float()
                && !aval.weak
            {
                let flags = b.cast(self.masks[&mask], DType::I64)?;
                let axes = (0..b.aval(flags).rank()).collect();
                let count = b.reduce(Reduction::Sum, flags, axes)?;
                *new = b.cast(count, aval.dtype)?;
                changed = true;
            }
        }
        match changed {
            true => b.elementwise(op, &new).map(Some),
            false => Ok(None),
        }
    }

    fn summed(
        &self,
        graph: &Graph,
        b: &mut Builder,
        mask: NodeId,
        whole: NodeId,
    ) -> Result<NodeId> {
        let flag = self.flag(b, mask, b.aval(whole).rank())?;
        let dtype = b.aval(whole).dtype;
        let zero = match dtype {
            DType::Bool => Constant::Bool(false),
            _ if dtype.is_integer() => Constant::Int(0),
            _ => Constant::Float(0.0),
        };
        let zero = b.constant(zero, Aval::scalar(dtype));
        let kept = b.elementwise(Elementwise::Where, &[flag, whole, zero])?;
        let axes: Axes = (0..graph.aval(mask).rank()).collect();
        b.reduce(Reduction::Sum, kept, axes)
    }

    /// The mask, for an array that has more axes behind those of the mask.
    fn flag(&self, b: &mut Builder, mask: NodeId, rank: usize) -> Result<NodeId> {
        let flag = self.masks[&mask];
        let mut shape = b.aval(flag).shape.clone();
        if shape.len() >= rank {
            return Ok(flag);
        }
        shape.resize(rank, Dim::known(1));
        b.reshape(flag, shape)
    }
}

/// The mask whose true elements indices are, if they are all its positions.
fn picked(graph: &Graph, axes: &[usize], indices: &[NodeId]) -> Option<NodeId> {
    let (mask, _) = position(graph, *indices.first()?)?;
    let in_order = axes.iter().enumerate().all(|(at, &axis)| at == axis);
    let all = indices
        .iter()
        .enumerate()
        .all(|(axis, &index)| position(graph, index) == Some((mask, axis)));
    (in_order && all && graph.aval(mask).rank() == indices.len()).then_some(mask)
}

/// The mask of which an index has the positions, and on which axis.
fn position(graph: &Graph, index: NodeId) -> Option<(NodeId, usize)> {
    let Op::Reshape(_) = graph.op(index) else {
        return None;
    };
    if graph.aval(index).rank() != 1 {
        return None;
    }
    let column = graph.operands(index)[0];
    let (found, axis) = match graph.op(column) {
        Op::ArgWhere => (column, 0),
        Op::Slice(ranges) => {
            let [all, one] = &ranges[..] else {
                return None;
            };
            let found = graph.operands(column)[0];
            let whole = all.start == Dim::known(0)
                && all.step == 1
                && graph.aval(found).shape.first() == Some(&all.size);
            if !whole || one.size != Dim::known(1) {
                return None;
            }
            (found, usize::try_from(one.start.as_known()?).ok()?)
        }
        _ => return None,
    };
    (*graph.op(found) == Op::ArgWhere).then(|| (graph.operands(found)[0], axis))
}

/// Whether an array has the axes of a mask first.
fn covers(graph: &Graph, array: NodeId, mask: NodeId) -> bool {
    let (array, mask) = (&graph.aval(array).shape, &graph.aval(mask).shape);
    array.len() >= mask.len() && array.iter().zip(mask).all(|(a, b)| a == b)
}

/// The mask whose true elements a size counts.
fn mask_of(graph: &Graph, symbol: Symbol) -> Option<NodeId> {
    let origin = graph.symbols().get(symbol.0 as usize)?;
    let counts = *graph.op(origin.node) == Op::ArgWhere && origin.axis == 0;
    counts.then(|| graph.operands(origin.node)[0])
}

/// Whether an assumption says that one mask has as many true elements as itself, where no node depends
/// on it any more.
fn is_trivial(graph: &Graph, assumption: &Assumption) -> bool {
    let Assumption::Equal(a, b) = assumption else {
        return false;
    };
    let mask = |dim: &Dim| mask_of(graph, dim.as_symbol()?);
    let unused = |dim: &Dim| {
        let symbols = dim.symbols();
        graph.nodes().all(|id| {
            let sizes = graph.aval(id).shape.iter().chain(graph.op(id).sizes());
            *graph.op(id) == Op::ArgWhere
                || sizes.flat_map(Dim::symbols).all(|s| !symbols.contains(&s))
        })
    };
    mask(a).is_some() && mask(a) == mask(b) && unused(a) && unused(b)
}
