//! Indexing by arrays, and writes.
//!
//! ```text
//! gather(x, i, j) axes=[0, 1]       x[i, j]
//! gather(x, argwhere(m))            x[m]
//! slice_set(x, v) ranges=[…]        out = x.copy(); out[1:] = v
//! scatter_add(x, v, i)              out = x.copy(); np.add.at(out, i, v)
//! ```

use rustpython_ast::Expr;

use super::{Spelled, Speller, Step};
use crate::emit::syntax::{
    apply, call, dotted, index, int, method, none, slice, string, subscript,
};
use crate::error::{Error, Result};
use crate::graph::{Dim, NodeId};
use crate::ops::{Elementwise, Op, Range, Write};

impl Speller<'_, '_> {
    pub fn gather(&mut self, id: NodeId, axes: &[usize], at: usize) -> Expr {
        let operands = self.facts.graph.operands(id);
        let Some((&x, indices)) = operands.split_first() else {
            return none();
        };
        let value = self.value(x);
        let (entries, natural) = self.entries(indices, axes);
        let found = subscript(value, index(entries));
        let slots = self.slots(indices);
        let rank = self.facts.aval(id).rank();
        match natural {
            Some(natural) if natural != at && slots > 0 => {
                // NumPy puts the axes of the indices elsewhere: result axis `i` is axis `perm[i]` of what it gives.
                let mut perm: Vec<usize> = (0..rank)
                    .filter(|k| !(natural..natural + slots).contains(k))
                    .collect();
                for k in 0..slots {
                    perm.insert(at + k, natural + k);
                }
                self.transposed(found, &perm)
            }
            _ => found,
        }
    }

    /// The rank of the indices together.
    fn slots(&self, indices: &[NodeId]) -> usize {
        let ranks = indices.iter().map(|&i| self.facts.aval(i).rank());
        ranks.max().unwrap_or(0)
    }

    /// What stands in brackets, and where NumPy then puts the axes of the indices
    /// (`None` if there are none, since all are integers).
    fn entries(&mut self, indices: &[NodeId], axes: &[usize]) -> (Vec<Expr>, Option<usize>) {
        let first = axes.iter().copied().min().unwrap_or(0);
        let last = axes.iter().copied().max().unwrap_or(0);
        let together = last - first + 1 == axes.len();
        let natural = (self.slots(indices) > 0).then_some(if together { first } else { 0 });
        if let Some(mask) = self.mask(indices, axes) {
            let mut entries = vec![slice(None, None, None); first];
            entries.push(self.value(mask));
            return (entries, natural);
        }
        let entries = (0..=last).map(|axis| match axes.iter().position(|&a| a == axis) {
            Some(k) => self.value(indices[k]),
            None => slice(None, None, None),
        });
        (entries.collect(), natural)
    }

    /// The boolean array whose `np.nonzero` the indices are.
    fn mask(&self, indices: &[NodeId], axes: &[usize]) -> Option<NodeId> {
        let mut found = None;
        for (k, &i) in indices.iter().enumerate() {
            if axes[k] != axes[0] + k {
                return None;
            }
            // reshape(slice(argwhere(mask))), the slice left out if there is one axis.
            let Op::Reshape(shape) = self.facts.op(i) else {
                return None;
            };
            let mut x = self.facts.operand(i);
            if let Op::Slice(ranges) = self.facts.op(x) {
                let [_, column] = ranges.as_slice() else {
                    return None;
                };
                if column.start != Dim::from(k) {
                    return None;
                }
                x = self.facts.operand(x);
            }
            if *self.facts.op(x) != Op::ArgWhere || shape.len() != 1 {
                return None;
            }
            let mask = self.facts.operand(x);
            if self.facts.aval(mask).rank() != indices.len()
                || *found.get_or_insert(mask) != mask
                || self.facts.aval(mask).dtype != crate::graph::DType::Bool
            {
                return None;
            }
        }
        found
    }

    /// A write, with the writes before it that only it sees, into one array.
    pub fn writes(&mut self, id: NodeId) -> Result<Spelled> {
        let mut chain = vec![id];
        let mut x = self.facts.operand(id);
        while matches!(self.facts.op(x), Op::SliceWrite { .. } | Op::Scatter { .. })
            && self.facts.is_private(x)
        {
            chain.push(x);
            x = self.facts.operand(x);
        }
        let mut out = self.target(x)?;
        for &write in chain.iter().rev() {
            let step = match self.facts.op(write) {
                Op::SliceWrite { kind, ranges } => self.slice_write(write, *kind, ranges),
                Op::Scatter { kind, axes, at } => self.scatter(write, *kind, axes, *at)?,
                other => return Err(Error::internal(format!("not a write: {other:?}"))),
            };
            out.push(step);
        }
        Ok(out)
    }

    /// An array to write into: `x` itself if it is new and nobody else sees it, or a copy.
    fn target(&mut self, x: NodeId) -> Result<Spelled> {
        if self.facts.is_private(x) && matches!(self.facts.op(x), Op::Unslice { .. }) {
            return self.spell(x);
        }
        let value = self.value(x);
        let fresh = self.facts.is_private(x)
            && match self.facts.op(x) {
                Op::BroadcastTo(_) => self.facts.aval(self.facts.operand(x)).rank() == 0,
                // The parts of an array are views of it.
                Op::Elementwise(Elementwise::Real | Elementwise::Imag) => false,
                Op::Elementwise(_) | Op::Concatenate { .. } | Op::Cast(_) | Op::Iota { .. } => true,
                _ => false,
            };
        Ok(if self.facts.aval(x).rank() == 0 {
            call("np.array", [value], []).into()
        } else if fresh {
            value.into()
        } else {
            method(value, "copy", []).into()
        })
    }

    fn slice_write(&mut self, id: NodeId, kind: Write, ranges: &[Range]) -> Step {
        let x = self.facts.operand(id);
        let index = match self.write_index(id, 1, &self.facts.aval(x).shape, ranges) {
            Some(index) => index,
            None if ranges.is_empty() => crate::emit::syntax::tuple(vec![]),
            None => slice(None, None, None),
        };
        let value = self.written(id, 1);
        match kind {
            Write::Set => Step::Set(index, value),
            Write::Add => Step::Add(index, value),
        }
    }

    fn scatter(&mut self, id: NodeId, kind: Write, axes: &[usize], at: usize) -> Result<Step> {
        let operands = self.facts.graph.operands(id);
        let [x, values, ref indices @ ..] = operands[..] else {
            return Err(Error::internal("a scatter without values"));
        };
        let (entries, natural) = self.entries(indices, axes);
        let slots = self.slots(indices);
        let value = match natural {
            Some(natural) if natural != at && slots > 0 => {
                let rank = self.facts.aval(x).rank() - axes.len() + slots;
                if self.facts.aval(values).rank() != rank {
                    return Err(Error::internal("values of a scatter that are broadcast"));
                }
                // The values' axes move to where NumPy wants them: the inverse of `gather`'s.
                let mut perm: Vec<usize> = (0..rank)
                    .filter(|k| !(at..at + slots).contains(k))
                    .collect();
                for k in 0..slots {
                    perm.insert(natural + k, at + k);
                }
                let value = self.value(values);
                self.transposed(value, &perm)
            }
            _ => self.written(id, 1),
        };
        let once = natural.is_none() || self.mask(indices, axes).is_some();
        Ok(match kind {
            Write::Set => Step::Set(index(entries), value),
            // No element is met twice.
            Write::Add if once => Step::Add(index(entries), value),
            Write::Add => Step::AddAt(index(entries.into_iter().map(as_value).collect()), value),
        })
    }

    pub fn arg_sort(&mut self, id: NodeId, axis: usize) -> Expr {
        let x = self.facts.operand(id);
        let mut keywords = Vec::new();
        if axis + 1 != self.facts.aval(x).rank() {
            keywords.push(("axis", int(axis as i64)));
        }
        keywords.push(("kind", string("stable")));
        apply(dotted("np.argsort"), [self.value(x)], keywords)
    }

    /// # Errors
    /// For several rows at once, which NumPy does not have.
    pub fn search_sorted(&mut self, id: NodeId, right: bool) -> Result<Expr> {
        let operands = self.facts.graph.operands(id);
        let (sorted, values) = (operands[0], operands[1]);
        if self.facts.aval(sorted).rank() > 1 {
            return Err(Error::unlifted(
                "the source of a search in several rows",
                "NumPy searches in one",
            ));
        }
        let mut keywords = Vec::new();
        if right {
            keywords.push(("side", string("right")));
        }
        let operands = [self.value(sorted), self.value(values)];
        Ok(apply(dotted("np.searchsorted"), operands, keywords))
    }
}

/// A slice as an argument of a function: `slice(None)`.
fn as_value(entry: Expr) -> Expr {
    match entry {
        Expr::Slice(_) => call("slice", [none()], []),
        other => other,
    }
}
