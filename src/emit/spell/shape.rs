//! Shapes, slices and sizes.
//!
//! ```text
//! reshape(x) [n, 1]                       x[:, None]
//! slice(x) [n - 1 from 1]                 x[1:]
//! broadcast_to(0.0) shape of w            np.zeros_like(w)
//! unslice(v) + unslice(u)                 out = np.zeros_like(w); out[1:] = v; out[:-1] += u
//! ```

use rustpython_ast::{Expr, Operator};

use super::constant::{as_float, as_kind, literal, natural};
use super::{Spelled, Speller, Step};
use crate::emit::syntax::{
    attribute, binary, call, dtype, index, int, list, method, none, slice, subscript, tuple,
};
use crate::graph::dim::Atom;
use crate::graph::{Dim, NodeId};
use crate::ops::{Op, Range};

impl Speller<'_, '_> {
    /// A size: `n - 1`, `2 * n`.
    pub fn dim(&mut self, dim: &Dim) -> Expr {
        let dim = self.facts.canonical(dim);
        let (constants, mut terms): (Vec<_>, Vec<_>) = dim
            .terms()
            .into_iter()
            .partition(|(factors, _)| factors.is_empty());
        // `n - m`, not `-m + n`.
        terms.sort_by_key(|(_, coefficient)| *coefficient < 0);
        let mut sum: Option<Expr> = None;
        for (factors, coefficient) in terms.into_iter().chain(constants) {
            let magnitude = coefficient.saturating_abs();
            let mut term = (magnitude != 1 || factors.is_empty()).then(|| int(magnitude));
            for factor in factors {
                let factor = self.atom(&factor);
                term = Some(match term {
                    Some(t) => binary(Operator::Mult, t, factor),
                    None => factor,
                });
            }
            let term = term.unwrap_or_else(|| int(1));
            sum = Some(match (sum, coefficient < 0) {
                (None, false) => term,
                (None, true) => binary(Operator::Sub, int(0), term),
                (Some(s), false) => binary(Operator::Add, s, term),
                (Some(s), true) => binary(Operator::Sub, s, term),
            });
        }
        match dim.as_known() {
            Some(k) => int(k),
            None => sum.unwrap_or_else(|| int(0)),
        }
    }

    fn atom(&mut self, atom: &Atom) -> Expr {
        match atom {
            Atom::Symbol(s) => self.names.size(*s),
            Atom::Quotient(p) => binary(Operator::FloorDiv, self.dim(&p.0), self.dim(&p.1)),
            Atom::Max(p) => call("max", [self.dim(&p.0), self.dim(&p.1)], []),
        }
    }

    /// A shape as an argument: `n`, `(n, 3)`, `X.shape`.
    pub fn shape(&mut self, shape: &[Dim]) -> Expr {
        if let [one] = shape {
            return self.dim(one);
        }
        if shape.iter().any(|d| d.as_known().is_none())
            && let Some(input) = self.facts.input_shaped(shape)
        {
            return attribute(self.value(input), "shape");
        }
        tuple(shape.iter().map(|d| self.dim(d)).collect())
    }

    /// An array of one value: `np.zeros_like(w)`, `np.full((n, 3), 2.0)`.
    fn filled(&mut self, value: &Expr, number: Option<f64>, id: NodeId, natural: bool) -> Expr {
        let aval = self.facts.aval(id);
        let word = match number {
            Some(x) if x.to_bits() == 0 => "zeros",
            Some(1.0) => "ones",
            _ => "full",
        };
        let argument = (word == "full").then(|| value.clone());
        if let Some(input) = self.facts.input_like(aval) {
            let like = self.value(input);
            return call(
                &format!("np.{word}_like"),
                [like].into_iter().chain(argument),
                [],
            );
        }
        let shape = self.shape(&aval.shape);
        let default = if word == "full" {
            natural
        } else {
            aval.dtype == crate::graph::DType::F64
        };
        let d = (!default).then(|| dtype(aval.dtype));
        call(
            &format!("np.{word}"),
            [shape].into_iter().chain(argument).chain(d),
            [],
        )
    }

    fn zeros(&mut self, id: NodeId) -> Expr {
        self.filled(&int(0), Some(0.0), id, false)
    }

    pub fn broadcast(&mut self, id: NodeId, shape: &[Dim]) -> Expr {
        let x = self.facts.operand(id);
        let aval = self.facts.aval(id);
        if self.facts.same_shape(&self.facts.aval(x).shape, shape) {
            return self.value(x);
        }
        if let Op::Constant(c) = self.facts.op(x)
            && !matches!(c, crate::ops::Constant::Array(_))
        {
            let c = as_kind(c, aval.dtype.kind());
            let is_natural = aval.dtype == natural(aval.dtype.kind());
            return self.filled(&literal(&c), as_float(&c), id, is_natural);
        }
        let value = self.value(x);
        if self.facts.aval(x).rank() == 0 {
            return self.filled(&value, None, id, true);
        }
        let shape = self.shape(shape);
        call("np.broadcast_to", [value, shape], [])
    }

    pub fn transpose(&mut self, id: NodeId, perm: &[usize]) -> Expr {
        let x = self.facts.operand(id);
        if perm == [1, 0]
            && let Some(product) = self.transposed_product(x)
        {
            return product;
        }
        let value = self.value(x);
        self.transposed(value, perm)
    }

    pub fn transposed(&mut self, value: Expr, perm: &[usize]) -> Expr {
        if perm.iter().enumerate().all(|(i, &p)| i == p) {
            value
        } else if perm.iter().rev().enumerate().all(|(i, &p)| i == p) {
            super::linalg::t(value)
        } else {
            let perm = perm.iter().map(|&p| int(p as i64)).collect();
            call("np.transpose", [value, tuple(perm)], [])
        }
    }

    pub fn reshape(&mut self, id: NodeId, shape: &[Dim]) -> Expr {
        if let Some(solution) = self.solution_vector(id) {
            return solution;
        }
        let x = self.facts.operand(id);
        let from = &self.facts.aval(x).shape;
        if self.facts.same_shape(from, shape) {
            return self.value(x);
        }
        if from.is_empty() {
            let value = self.value(x);
            if shape.len() == 1 && !self.facts.aval(x).weak {
                return call("np.array", [list(vec![value])], []);
            }
            let shape = self.shape(shape);
            return call("np.reshape", [value, shape], []);
        }
        if let Some(axes) = self.matched(from, shape) {
            return self.indexed(x, &axes);
        }
        let value = self.value(x);
        if let [_] = shape {
            return method(value, "ravel", []);
        }
        if let Some(input) = self.facts.input_shaped(shape)
            && shape.iter().any(|d| d.as_known().is_none())
        {
            let like = attribute(self.value(input), "shape");
            return method(value, "reshape", [like]);
        }
        // One size may be left to NumPy, if the others cannot be zero.
        let unknown: Vec<usize> = (0..shape.len())
            .filter(|&i| shape[i].as_known().is_none_or(|k| k == 0))
            .collect();
        let sizes: Vec<Expr> = (0..shape.len())
            .map(|i| match unknown.as_slice() {
                [only] if *only == i && shape[i].as_known().is_none() => int(-1),
                _ => self.dim(&shape[i]),
            })
            .collect();
        method(value, "reshape", sizes)
    }

    /// How `from` becomes `to` by inserting and dropping axes of size 1.
    fn matched(&self, from: &[Dim], to: &[Dim]) -> Option<Vec<Axis>> {
        let mut axes = Vec::new();
        let (mut i, mut j) = (0, 0);
        loop {
            match (from.get(i), to.get(j)) {
                (Some(a), Some(b)) if self.facts.same(a, b) => {
                    axes.push(Axis::Keep);
                    (i, j) = (i + 1, j + 1);
                }
                (_, Some(b)) if b.is_one() => {
                    axes.push(Axis::New);
                    j += 1;
                }
                (Some(a), _) if a.is_one() => {
                    axes.push(Axis::Drop);
                    i += 1;
                }
                (None, None) => return Some(axes),
                _ => return None,
            }
        }
    }

    /// `x[:, None]`, `x[0]`; of a slice that only this uses, `x[1:, None]`, `x[:, k]`.
    fn indexed(&mut self, id: NodeId, axes: &[Axis]) -> Expr {
        let (x, ranges) = match self.facts.op(id) {
            Op::Slice(ranges) if self.facts.is_private(id) => {
                (self.facts.operand(id), ranges.to_vec())
            }
            _ => {
                let sizes = self.facts.aval(id).shape.iter().cloned();
                (id, sizes.map(Range::full).collect())
            }
        };
        let value = self.value(x);
        let shape = self.facts.aval(x).shape.clone();
        let mut sizes = shape.iter().zip(&ranges);
        let mut entries = Vec::new();
        let mut last = 0;
        for axis in axes {
            match axis {
                Axis::New => {
                    entries.push(none());
                    last = entries.len();
                }
                Axis::Keep => {
                    let Some((size, range)) = sizes.next() else {
                        continue;
                    };
                    let is_full = self.is_full(size, range);
                    entries.push(self.range(size, range));
                    // `x[None, :]` says more than `x[None]`, but `x[0]` is plain.
                    if !is_full || axes.contains(&Axis::New) {
                        last = entries.len();
                    }
                }
                Axis::Drop => {
                    let Some((size, range)) = sizes.next() else {
                        continue;
                    };
                    entries.push(self.offset(size, &range.start));
                    last = entries.len();
                }
            }
        }
        entries.truncate(last);
        subscript(value, index(entries))
    }

    /// A position along an axis, from its end if it is known only from there.
    fn offset(&mut self, size: &Dim, at: &Dim) -> Expr {
        let from_end = self.facts.canonical(&(at.clone() - size.clone()));
        match from_end.as_known() {
            Some(k) if at.as_known().is_none() && k < 0 => int(k),
            _ => self.dim(at),
        }
    }

    fn is_full(&self, size: &Dim, range: &Range) -> bool {
        range.step == 1 && range.start == Dim::known(0) && self.facts.same(size, &range.size)
    }

    /// What stands in brackets for a slice; `None` if that is all of the array.
    pub fn slice_index(&mut self, shape: &[Dim], ranges: &[Range]) -> Option<Expr> {
        let full = |(size, range): (&Dim, &Range)| self.is_full(size, range);
        let last = shape.iter().zip(ranges).rposition(|pair| !full(pair))?;
        let entries = shape[..=last].iter().zip(ranges);
        Some(index(
            entries.map(|(size, r)| self.range(size, r)).collect(),
        ))
    }

    /// What stands in brackets where operand `k` of `id` is written: a number has positions, not slices
    /// of one element. `None` if that is all of the array.
    pub fn write_index(
        &mut self,
        id: NodeId,
        k: usize,
        shape: &[Dim],
        ranges: &[Range],
    ) -> Option<Expr> {
        let single = self.facts.aval(self.write_operand(id, k)).rank() == 0
            && !ranges.is_empty()
            && ranges.iter().all(|r| r.size.is_one());
        if !single {
            return self.slice_index(shape, ranges);
        }
        let positions = shape.iter().zip(ranges);
        let positions = positions.map(|(size, r)| self.offset(size, &r.start));
        Some(index(positions.collect()))
    }

    /// `1:`, `:-1`, `::2`, `::-1`.
    fn range(&mut self, size: &Dim, range: &Range) -> Expr {
        let (start, step) = (&range.start, range.step);
        let last = start.clone() + (range.size.clone() - Dim::known(1)) * Dim::known(step);
        let known_step = (step != 1).then(|| int(step));
        if step > 0 {
            let rest = size.clone() - start.clone();
            let to_end = self.facts.same(&rest.ceil_div(step), &range.size);
            let stop = if step == 1 {
                start.clone() + range.size.clone()
            } else {
                last + Dim::known(1)
            };
            let lower = (*start != Dim::known(0)).then(|| self.offset(size, start));
            let upper = (!to_end).then(|| self.stop(size, &stop));
            return slice(lower, upper, known_step);
        }
        let from_end = self.facts.same(&(size.clone() - Dim::known(1)), start);
        let steps = start.clone() + Dim::known(1);
        let to_start = self.facts.same(&steps.ceil_div(-step), &range.size);
        let lower = (!from_end).then(|| self.offset(size, start));
        let upper = (!to_start).then(|| self.offset(size, &(last - Dim::known(1))));
        slice(lower, upper, known_step)
    }

    /// Where a slice stops, not at the end: `-1` rather than `n - 1`.
    fn stop(&mut self, size: &Dim, stop: &Dim) -> Expr {
        let from_end = self.facts.canonical(&(stop.clone() - size.clone()));
        match from_end.as_known() {
            Some(k) if k < 0 && stop.as_known().is_none_or(|s| -k < s) => int(k),
            _ => self.dim(stop),
        }
    }

    pub fn concatenate(&mut self, id: NodeId, axis: usize) -> Expr {
        let operands = self.facts.graph.operands(id);
        // `np.stack` of arrays that each got an axis for it.
        let parts: Option<Vec<NodeId>> = operands
            .iter()
            .map(|&o| self.stacked(o, axis))
            .collect::<Option<Vec<_>>>()
            .filter(|parts| parts.len() > 1);
        let (word, parts) = match parts {
            Some(parts) if parts.iter().all(|&p| self.facts.aval(p).rank() == 0) => {
                let parts = parts.into_iter().map(|p| self.value(p)).collect();
                return call("np.array", [list(parts)], []);
            }
            Some(parts) => ("np.stack", parts),
            None => ("np.concatenate", operands.to_vec()),
        };
        let parts = tuple(parts.into_iter().map(|p| self.value(p)).collect());
        if axis == 0 {
            call(word, [parts], [])
        } else {
            call(word, [parts], [("axis", int(axis as i64))])
        }
    }

    /// `x`, if `id` is `x` with an axis of size 1 inserted at `axis`.
    fn stacked(&self, id: NodeId, axis: usize) -> Option<NodeId> {
        let Op::Reshape(shape) = self.facts.op(id) else {
            return None;
        };
        let x = self.facts.operand(id);
        let mut expected = self.facts.aval(x).shape.clone();
        if axis > expected.len() || !self.facts.is_private(id) || self.facts.aval(x).weak {
            return None;
        }
        expected.insert(axis, Dim::known(1));
        self.facts.same_shape(&expected, shape).then_some(x)
    }

    /// The sum of `others` and of the `unslices`, as writes into slices of an array.
    pub fn accumulated(&mut self, others: &[NodeId], unslices: &[NodeId], id: NodeId) -> Spelled {
        let mut start: Option<Expr> = None;
        for &other in others {
            let value = self.value(other);
            start = Some(match start {
                Some(sum) => binary(Operator::Add, sum, value),
                None if others.len() == 1 => method(value, "copy", []),
                None => value,
            });
        }
        let mut fresh = start.is_none();
        let mut spelled = Spelled::from(start.unwrap_or_else(|| self.zeros(id)));
        for &unslice in unslices {
            let Op::Unslice { shape, ranges } = self.facts.op(unslice) else {
                continue;
            };
            let index = self
                .write_index(unslice, 0, shape, ranges)
                .unwrap_or_else(|| slice(None, None, None));
            let value = self.written(unslice, 0);
            spelled.push(if fresh {
                Step::Set(index, value)
            } else {
                Step::Add(index, value)
            });
            fresh = false;
        }
        spelled
    }

    /// Operand `k` of a draw: NumPy converts and broadcasts parameters itself, but not beyond the
    /// shape that the parameters have together.
    pub fn argument(&mut self, id: NodeId, k: usize) -> Expr {
        let operand = self.facts.graph.operands(id)[k];
        if self.facts.aval(operand).rank() == 0 {
            self.written(id, k)
        } else {
            self.value(operand)
        }
    }

    /// Operand `k` of a node that writes it somewhere: what broadcasts need not be broadcast,
    /// and a number need not have a dtype.
    pub fn written(&mut self, id: NodeId, k: usize) -> Expr {
        let operand = self.write_operand(id, k);
        match self.facts.op(operand) {
            Op::Constant(c) if !matches!(c, crate::ops::Constant::Array(_)) => {
                literal(&as_kind(c, self.facts.aval(operand).dtype.kind()))
            }
            _ => self.value(operand),
        }
    }

    /// What broadcasts to operand `k` of a node that writes it.
    fn write_operand(&self, id: NodeId, k: usize) -> NodeId {
        let mut operand = self.facts.graph.operands(id)[k];
        loop {
            let inner = self.facts.operand(operand);
            match self.facts.op(operand) {
                Op::BroadcastTo(_) => operand = inner,
                Op::Reshape(_) if self.facts.aval(inner).rank() == 0 => operand = inner,
                // A write converts a Python number.
                Op::Cast(to)
                    if self.facts.aval(inner).weak
                        && self.facts.aval(inner).dtype.promote(*to) == *to =>
                {
                    operand = inner;
                }
                _ => return operand,
            }
        }
    }
}

/// What becomes of an axis when axes of size 1 come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Axis {
    Keep,
    New,
    Drop,
}
