//! Reductions, with the means and the kept axes that NumPy has words for.
//!
//! ```text
//! sum(x) axes=[1], divide by n, reshape [m, 1]   =>   np.mean(x, axis=1, keepdims=True)
//! ```

use rustpython_ast::Expr;

use super::Speller;
use super::constant::as_float;
use crate::emit::syntax::{self, apply, dotted, dtype, int, tuple};
use crate::graph::{DType, Dim, NodeId};
use crate::ops::{Axes, Cumulation, Elementwise, Extreme, Op, Reduction};

/// A reduction as NumPy would be called for it.
struct Found {
    function: &'static str,
    x: NodeId,
    axes: Axes,
    /// The dtype to accumulate in, where NumPy would choose another.
    dtype: Option<DType>,
}

impl Speller<'_, '_> {
    /// The node as one call of a reduction, if it is one.
    pub fn reduction(&mut self, id: NodeId) -> Option<Expr> {
        let (found, keepdims) = match self.facts.op(id) {
            Op::Reshape(shape) => {
                let inner = self.facts.operand(id);
                let found = self
                    .find(inner)
                    .filter(|_| self.facts.is_private(inner))
                    .filter(|found| self.keeps(found, shape))?;
                (found, true)
            }
            _ => (self.find(id)?, false),
        };
        let mut keywords = Vec::new();
        if found.axes.len() < self.facts.aval(found.x).rank() {
            keywords.push(("axis", axes(&found.axes)));
        }
        if keepdims {
            let yes = syntax::constant(rustpython_ast::Constant::Bool(true));
            keywords.push(("keepdims", yes));
        }
        if let Some(d) = found.dtype {
            keywords.push(("dtype", dtype(d)));
        }
        let value = self.value(found.x);
        Some(apply(dotted(found.function), [value], keywords))
    }

    /// Whether `shape` is that of the operand with the reduced axes kept as 1.
    fn keeps(&self, found: &Found, shape: &[Dim]) -> bool {
        let mut kept = self.facts.aval(found.x).shape.clone();
        for &axis in &found.axes {
            kept[axis] = Dim::known(1);
        }
        self.facts.same_shape(&kept, shape)
    }

    fn find(&self, id: NodeId) -> Option<Found> {
        match self.facts.op(id) {
            Op::Reduce { kind, axes } => {
                let mut x = self.facts.operand(id);
                let function = match kind {
                    Reduction::Sum => "np.sum",
                    Reduction::Prod => "np.prod",
                    Reduction::Min => "np.min",
                    Reduction::Max => "np.max",
                    Reduction::Any => "np.any",
                    Reduction::All => "np.all",
                };
                let mut own = None;
                if matches!(kind, Reduction::Sum | Reduction::Prod) {
                    x = self.uncast(x, accumulator);
                    let d = self.facts.aval(id).dtype;
                    own = (accumulator(self.facts.aval(x).dtype) != d).then_some(d);
                }
                Some(Found {
                    function,
                    x,
                    axes: axes.clone(),
                    dtype: own,
                })
            }
            Op::Elementwise(Elementwise::Divide) => self.find_mean(id),
            _ => None,
        }
    }

    /// `sum(x) / count`.
    fn find_mean(&self, id: NodeId) -> Option<Found> {
        let [total, count] = self.facts.graph.operands(id)[..] else {
            return None;
        };
        let Op::Reduce {
            kind: Reduction::Sum,
            axes,
        } = self.facts.op(total)
        else {
            return None;
        };
        let x = self.facts.operand(total);
        let aval = self.facts.aval(x);
        let sizes = axes.iter().map(|&a| aval.shape[a].clone());
        let size = sizes.fold(Dim::known(1), |a, b| a * b);
        let mean = self.facts.is_private(total)
            && aval.dtype.is_inexact()
            && self.facts.aval(id).dtype == aval.dtype
            && self.is_size(count, &size);
        mean.then(|| Found {
            function: "np.mean",
            x: self.uncast(x, |d| if d.is_inexact() { d } else { DType::F64 }),
            axes: axes.clone(),
            dtype: None,
        })
    }

    /// Whether the node is the number `size`.
    fn is_size(&self, id: NodeId, size: &Dim) -> bool {
        match self.facts.op(id) {
            Op::Size(dim) => self.facts.same(dim, size),
            Op::Constant(c) => size
                .as_known()
                .is_some_and(|k| as_float(c) == Some(k as f64)),
            Op::Cast(_) => self.is_size(self.facts.operand(id), size),
            _ => false,
        }
    }

    /// The operand of a private cast to what NumPy would accumulate in anyway.
    fn uncast(&self, x: NodeId, chosen: impl Fn(DType) -> DType) -> NodeId {
        if let Op::Cast(to) = self.facts.op(x) {
            let inner = self.facts.operand(x);
            let from = self.facts.aval(inner).dtype;
            if self.facts.is_private(x) && from != *to && chosen(from) == *to {
                return inner;
            }
        }
        x
    }

    /// `axis=`, left out where the array has one axis.
    fn axis_keyword(&self, x: NodeId, axis: usize) -> Vec<(&'static str, Expr)> {
        if self.facts.aval(x).rank() == 1 {
            vec![]
        } else {
            vec![("axis", int(axis as i64))]
        }
    }

    /// `x`, if `id` is `x.ravel()`, which these functions do by themselves.
    fn unraveled(&self, id: NodeId) -> Option<NodeId> {
        match self.facts.op(id) {
            Op::Reshape(shape) if shape.len() == 1 && self.facts.is_private(id) => {
                Some(self.facts.operand(id)).filter(|&x| self.facts.aval(x).rank() > 1)
            }
            _ => None,
        }
    }

    pub fn arg_reduce(&mut self, id: NodeId, kind: Extreme, axis: usize) -> Expr {
        let function = match kind {
            Extreme::Min => "np.argmin",
            Extreme::Max => "np.argmax",
        };
        let x = self.facts.operand(id);
        let (x, keywords) = match self.unraveled(x) {
            Some(flat) => (flat, vec![]),
            None => (x, self.axis_keyword(x, axis)),
        };
        apply(dotted(function), [self.value(x)], keywords)
    }

    pub fn cumulate(&mut self, id: NodeId, kind: Cumulation, axis: usize) -> Expr {
        let function = match kind {
            Cumulation::Sum => "np.cumsum",
            Cumulation::Prod => "np.cumprod",
        };
        let d = self.facts.aval(id).dtype;
        let x = self.uncast(self.facts.operand(id), accumulator);
        let (x, mut keywords) = match self.unraveled(x) {
            Some(flat) => (flat, vec![]),
            None => (x, self.axis_keyword(x, axis)),
        };
        if accumulator(self.facts.aval(x).dtype) != d {
            keywords.push(("dtype", dtype(d)));
        }
        apply(dotted(function), [self.value(x)], keywords)
    }
}

/// The dtype in which NumPy sums.
fn accumulator(d: DType) -> DType {
    match d {
        DType::Bool | DType::I8 | DType::I16 | DType::I32 => DType::I64,
        DType::U8 | DType::U16 | DType::U32 => DType::U64,
        DType::I64 | DType::U64 | DType::F32 | DType::F64 | DType::C64 | DType::C128 => d,
    }
}

/// `0` or `(0, 1)`.
pub fn axes(axes: &[usize]) -> Expr {
    match axes {
        [one] => int(*one as i64),
        _ => tuple(axes.iter().map(|&a| int(a as i64)).collect()),
    }
}
