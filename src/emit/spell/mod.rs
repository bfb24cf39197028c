//! One node as Python: which expression NumPy has for it, and what that refers to.
//!
//! In: a node. Out: a [`Spelled`] expression over other nodes' expressions, which are asked of
//! [`Names`]. The same code runs twice: to count references, and to write.
//!
//! ```text
//! %5 = sum(%4) axes=[1],  %6 = reshape(%5) shape=[n0, 1]   =>   np.sum(margins, axis=1, keepdims=True)
//! ```

pub mod constant;
pub mod decide;
mod decompose;
mod elementwise;
mod fourier;
mod index;
mod linalg;
mod random;
mod reduce;
mod shape;

use std::sync::Arc;

use rustpython_ast::{Expr, Operator};

use super::facts::Facts;
use super::signature::Generator;
use super::syntax;
use crate::error::{Error, Result};
use crate::eval::value::Value;
use crate::graph::{NodeId, Symbol};
use crate::ops::{self, Op};

/// How a node refers to what is not itself.
pub trait Names {
    /// The value of another node.
    fn value(&mut self, id: NodeId) -> Expr;
    /// The size a symbol stands for.
    fn size(&mut self, symbol: Symbol) -> Expr;
    /// An array that is too long to be written in an expression.
    fn hoisted(&mut self, value: &Arc<Value>) -> Expr;
    /// A module of SciPy is needed.
    fn needs_scipy(&mut self, module: &'static str);
    /// How the generator of draws is written.
    fn generator(&mut self, generator: u32) -> Generator;
}

/// A value: an expression, followed by writes into it.
#[derive(Clone, Debug)]
pub struct Spelled {
    pub start: Expr,
    pub steps: Vec<Step>,
}

/// One write into an array that nobody else sees.
#[derive(Clone, Debug)]
pub enum Step {
    /// `out[index] = value`
    Set(Expr, Expr),
    /// `out[index] += value`
    Add(Expr, Expr),
    /// `np.add.at(out, index, value)`
    AddAt(Expr, Expr),
    /// `out.real = value`
    Attribute(&'static str, Expr),
}

impl From<Expr> for Spelled {
    fn from(start: Expr) -> Spelled {
        Spelled {
            start,
            steps: Vec::new(),
        }
    }
}

impl Spelled {
    /// Adds a write; one into the slice just written becomes part of that write.
    fn push(&mut self, step: Step) {
        if let Step::Add(index, value) = &step
            && let Some(Step::Set(before, sum) | Step::Add(before, sum)) = self.steps.last_mut()
            && before == index
        {
            *sum = syntax::binary(Operator::Add, sum.clone(), value.clone());
        } else {
            self.steps.push(step);
        }
    }
}

/// What spelling works with: facts on the graph, and names.
pub struct Speller<'a, 'g> {
    pub facts: &'a Facts<'g>,
    pub names: &'a mut dyn Names,
}

impl Speller<'_, '_> {
    /// Python for a node that is not an input.
    ///
    /// # Errors
    /// If NumPy has no words for it.
    pub fn spell(&mut self, id: NodeId) -> Result<Spelled> {
        if let Some(expr) = self.reduction(id) {
            return Ok(expr.into());
        }
        let expr = match self.facts.op(id) {
            Op::Input => return Err(Error::internal("an input has no expression")),
            Op::Constant(c) => self.constant(c, self.facts.aval(id)),
            Op::Size(dim) => self.dim(dim),
            Op::Call { callee, .. } => {
                return Err(Error::unlifted(
                    format!("the source of a call of {callee}"),
                    "it is code outside the graph",
                ));
            }
            Op::Decide { .. } => self.value(self.facts.operand(id)),
            Op::Part(_) => return Err(Error::internal("a part is written with its whole")),
            Op::Elementwise(e) => return self.elementwise(*e, id),
            Op::Cast(dtype) => self.cast(id, *dtype),
            Op::Reshape(shape) => self.reshape(id, shape),
            Op::Transpose(perm) => self.transpose(id, perm),
            Op::BroadcastTo(shape) => self.broadcast(id, shape),
            Op::Slice(ranges) => {
                let x = self.facts.operand(id);
                let value = self.value(x);
                match self.slice_index(&self.facts.aval(x).shape, ranges) {
                    Some(index) => syntax::subscript(value, index),
                    None => value,
                }
            }
            Op::Unslice { .. } => return Ok(self.accumulated(&[], &[id], id)),
            Op::Concatenate { axis } => self.concatenate(id, *axis),
            Op::Iota { size, dtype } => self.iota(size, *dtype),
            Op::Reduce { .. } => return Err(Error::internal("a reduction without spelling")),
            Op::ArgReduce { kind, axis } => self.arg_reduce(id, *kind, *axis),
            Op::Cumulate { kind, axis } => self.cumulate(id, *kind, *axis),
            Op::Gather { axes, at } => self.gather(id, axes, *at),
            Op::Scatter { .. } | Op::SliceWrite { .. } => return self.writes(id),
            Op::ArgWhere => {
                let x = self.value(self.facts.operand(id));
                syntax::call("np.argwhere", [x], [])
            }
            Op::Arange => {
                let count = self.value(self.facts.operand(id));
                syntax::call("np.arange", [count], [])
            }
            Op::Loop(_) | Op::Cond(_) => {
                return Err(Error::unlifted("a loop", "it is not an expression"));
            }
            Op::Custom(_) => {
                return Err(Error::internal(
                    "a rule of a function is erased before it is written",
                ));
            }
            op @ Op::Pullback(_) => return Err(ops::custom::only_backwards(op)),
            Op::ArgSort { axis } => self.arg_sort(id, *axis),
            Op::SearchSorted { right } => self.search_sorted(id, *right)?,
            Op::Contract { batch, contract } => self.contract(id, batch, contract),
            Op::Decompose(kind) => self.decompose(id, *kind),
            Op::Solve(system) => self.solve(id, *system),
            Op::PseudoInverse => self.pseudo_inverse(id),
            Op::Frechet(f) => self.frechet(id, *f),
            Op::Fourier { kind, axis } => self.fourier(id, kind, *axis),
            Op::Draw {
                distribution,
                shape,
                generator,
            } => self.draw(id, *distribution, shape, *generator),
        };
        Ok(expr.into())
    }

    fn value(&mut self, id: NodeId) -> Expr {
        self.names.value(id)
    }
}
