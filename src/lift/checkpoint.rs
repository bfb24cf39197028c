//! Calls of `lazy.checkpoint`: what they compute on the way is computed again by the way back, and not kept.
//!
//! In: a function and its arguments. Out: its result, from a loop of one trip around what it computes.
//!
//! ```text
//! %1 = sin(%0); %2 = exp(%1)        %3 = loop(1, %0, zeros) { exp(sin(x)) }
//! ```
//!
//! The way back through a loop runs each trip again from what it started from, which is here the arguments
//! (`transforms/autodiff/control.rs`). Source: Griewank and Walther, *Evaluating Derivatives* (2008), chapter 12.

use std::sync::Arc;

use super::host::Host;
use super::machine::Machine;
use super::value::{ArrayRef, Value};
use crate::error::{Error, Result};
use crate::graph::extract::Extract;
use crate::graph::{Aval, DType, Mark, NodeId};
use crate::ops::control::States;
use crate::ops::{Loop, Op};

impl<H: Host> Machine<'_, H> {
    /// `call_checkpointed(function, args, keywords, loops)`. A function that draws or has effects is called as any
    /// other; of one for whose loops it is asked, these keep less.
    ///
    /// # Errors
    /// Those of the function.
    pub fn call_checkpointed(&mut self, given: &[Value<H::Object>]) -> Result<Value<H::Object>> {
        let [function, args, keywords, loops] = given else {
            return Err(Error::internal("call_checkpointed takes four arguments"));
        };
        let args = self.items_of(args)?;
        let keywords = self.keywords_of(keywords)?;
        if self.truth(loops, "loops=")? {
            let outside = std::mem::replace(&mut self.states, States::Bisected);
            let result = self.call(function, args, keywords);
            self.states = outside;
            return result;
        }
        let mark = self.b.mark();
        let before = (self.effects.len(), self.draws.len());
        let result = self.call(function, args, keywords)?;
        let mut made = Vec::new();
        self.mapped(&result, &mut |machine, leaf| {
            if let Some(node) = machine.made_since(leaf, &mark)? {
                made.push(node);
            }
            Ok(leaf.clone())
        })?;
        if made.is_empty() || before != (self.effects.len(), self.draws.len()) {
            return Ok(result);
        }
        let node = self.once(&made, &mark)?;
        let mut parts = self.parts(node, made.len())?.into_iter();
        self.mapped(&result, &mut |machine, leaf| {
            if machine.made_since(leaf, &mark)?.is_none() {
                return Ok(leaf.clone());
            }
            let node = parts.next();
            let node = node.ok_or_else(|| Error::internal("too few results"))?;
            Ok(match leaf {
                Value::Scalar(_, form) => Value::Scalar(node, *form),
                _ => Value::Array(ArrayRef::fresh(node)),
            })
        })
    }

    /// The node of a leaf that has memory of its own, made since the mark, and a size that was known before.
    fn made_since(&mut self, leaf: &Value<H::Object>, mark: &Mark) -> Result<Option<NodeId>> {
        let own = match leaf {
            Value::Array(array) => array.buffer.made.index() >= mark.nodes,
            Value::Scalar(..) => true,
            _ => false,
        };
        if !own {
            return Ok(None);
        }
        let node = self.node(leaf)?;
        let aval = self.b.aval(node);
        let symbols = self.b.graph().symbols();
        let is_known = |symbol: crate::graph::Symbol| {
            let origin = symbols.get(symbol.0 as usize);
            origin.is_some_and(|origin| origin.node.index() < mark.nodes)
        };
        let fixed = aval
            .shape
            .iter()
            .flat_map(|dim| dim.symbols())
            .all(is_known);
        let keeps = node.index() >= mark.nodes && aval.dtype.is_inexact() && fixed;
        Ok(keeps.then_some(node))
    }

    /// A loop of one trip that computes nodes made since the mark.
    fn once(&mut self, made: &[NodeId], mark: &Mark) -> Result<NodeId> {
        let mut outputs = Vec::new();
        let mut starts = Vec::new();
        let mut carried = Vec::new();
        for &node in made {
            let Aval { dtype, shape, weak } = self.b.aval(node).clone();
            // Python's floats are NumPy's from trip to trip.
            outputs.push(if weak {
                self.b.cast(node, dtype)?
            } else {
                node
            });
            starts.push(self.b.full(0.0, dtype, shape.clone())?);
            carried.push(self.b.placeholder(Aval::new(dtype, shape)));
        }
        let index = self.b.placeholder(Aval::weak(DType::I64));
        let extract = Extract::new(self.b.graph(), mark.nodes, &[], &outputs, vec![]);
        let body = extract.build("checkpoint", &[index], &carried, &outputs)?;
        let captured = extract.captured;
        let mut operands = vec![self.b.int(1)];
        operands.extend(captured);
        operands.extend(starts);
        let op = Op::Loop(Arc::new(Loop {
            body,
            carried: carried.len(),
            conditional: false,
            states: States::All,
        }));
        self.b.add(op, &operands)
    }
}
