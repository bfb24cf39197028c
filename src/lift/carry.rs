//! Values that go from trip to trip of a loop, or out of either side of a branch.
//!
//! In: a machine value. Out: its [`Pattern`]: which of its parts are computed, and of what kind. Two
//! values that may stand in the same place have a joined pattern; a pattern and nodes give a value.
//!
//! ```text
//! s = 0.0 before the loop, s + x[i] after a trip      join: a float64 that is NumPy's
//! ```

use std::rc::Rc;

use super::host::{Class, Host};
use super::machine::Machine;
use super::numpy::Form;
use super::value::{ArrayRef, Buffer, Value};
use crate::error::{Error, Result};
use crate::graph::{Aval, NodeId, result_type};

/// What a value is made of.
#[derive(Debug)]
pub(super) enum Pattern<O> {
    /// This very value.
    Same(Value<O>),
    Number(Aval, Form),
    Array(Aval),
    Tuple(Vec<Pattern<O>>),
}

impl<O: Clone> Clone for Pattern<O> {
    fn clone(&self) -> Self {
        match self {
            Pattern::Same(value) => Pattern::Same(value.clone()),
            Pattern::Number(aval, form) => Pattern::Number(aval.clone(), *form),
            Pattern::Array(aval) => Pattern::Array(aval.clone()),
            Pattern::Tuple(items) => Pattern::Tuple(items.clone()),
        }
    }
}

impl<O> Pattern<O> {
    /// The avals of the computed parts, left to right.
    pub fn avals(&self) -> Vec<Aval> {
        match self {
            Pattern::Same(_) => vec![],
            Pattern::Number(aval, _) | Pattern::Array(aval) => vec![aval.clone()],
            Pattern::Tuple(items) => items.iter().flat_map(Pattern::avals).collect(),
        }
    }

    /// Whether values of the other pattern are of this one as they are.
    pub fn covers(&self, other: &Pattern<O>) -> bool {
        match (self, other) {
            (Pattern::Same(_), Pattern::Same(_)) => true,
            (Pattern::Number(a, f), Pattern::Number(b, g)) => {
                a.dtype == b.dtype && a.weak == b.weak && f == g
            }
            (Pattern::Array(a), Pattern::Array(b)) => a.dtype == b.dtype && a.rank() == b.rank(),
            (Pattern::Tuple(a), Pattern::Tuple(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.covers(b))
            }
            _ => false,
        }
    }
}

fn refused(what: &str) -> Box<Error> {
    Error::unlifted(what, "it does not stay of one kind")
}

impl<H: Host> Machine<'_, H> {
    /// Whether two values are one.
    pub fn is_same(&self, a: &Value<H::Object>, b: &Value<H::Object>) -> bool {
        match (a, b) {
            (Value::Object(a, _), Value::Object(b, _)) => self.host.is(a, b),
            (Value::Array(a), Value::Array(b)) => a.is_same(b),
            (Value::Scalar(a, f), Value::Scalar(b, g)) => a == b && f == g,
            (Value::Size(a), Value::Size(b)) => a == b,
            (Value::Tuple(a, _), Value::Tuple(b, _)) => {
                a.len() == b.len() && a.iter().zip(&**b).all(|(a, b)| self.is_same(a, b))
            }
            (Value::List(a), Value::List(b)) => Rc::ptr_eq(a, b),
            (Value::Dict(a), Value::Dict(b)) => Rc::ptr_eq(a, b),
            (Value::Closure(a), Value::Closure(b)) => Rc::ptr_eq(a, b),
            (Value::Iterator(a), Value::Iterator(b)) => Rc::ptr_eq(a, b),
            (Value::Unbound, Value::Unbound) => true,
            _ => false,
        }
    }

    /// The pattern of a value whose numbers and arrays may be others next time.
    pub fn pattern(&mut self, value: &Value<H::Object>) -> Result<Pattern<H::Object>> {
        Ok(match value {
            Value::Array(_) => {
                let node = self.node(value)?;
                Pattern::Array(self.b.aval(node).clone())
            }
            Value::Scalar(node, form) => Pattern::Number(self.b.aval(*node).clone(), *form),
            Value::Size(_) => Pattern::Number(Aval::weak(crate::graph::DType::I64), Form::Python),
            Value::Object(o, _) => match self.host.class(o) {
                Class::Bool(_) | Class::Int(_) | Class::Float(_) | Class::Complex(..) => {
                    let node = self.node_of_number(value)?;
                    Pattern::Number(self.b.aval(node).clone(), Form::Python)
                }
                Class::NumPyScalar(_) => {
                    let node = self.node_of_number(value)?;
                    Pattern::Number(self.b.aval(node).clone(), Form::Scalar)
                }
                _ => Pattern::Same(value.clone()),
            },
            Value::Tuple(items, _) => {
                let items = items.iter().map(|v| self.pattern(v));
                Pattern::Tuple(items.collect::<Result<_>>()?)
            }
            other => Pattern::Same(other.clone()),
        })
    }

    fn node_of_number(&mut self, value: &Value<H::Object>) -> Result<NodeId> {
        match self.argument_of(value)? {
            super::numpy::Arg::Bool(x) => {
                let constant = crate::ops::Constant::Bool(x);
                let aval = constant.aval();
                Ok(self.b.constant(constant, aval))
            }
            super::numpy::Arg::Int(x) => Ok(self.b.int(x)),
            super::numpy::Arg::Float(x) => Ok(self.b.float(x)),
            super::numpy::Arg::Complex(z) => {
                let constant = crate::ops::Constant::Complex(z);
                let aval = constant.aval();
                Ok(self.b.constant(constant, aval))
            }
            super::numpy::Arg::Array(x) => Ok(x.node),
            _ => Err(refused(&self.describe(value))),
        }
    }

    /// The pattern of two values that may stand in one place.
    pub fn joined(
        &mut self,
        a: &Value<H::Object>,
        b: &Value<H::Object>,
    ) -> Result<Pattern<H::Object>> {
        if self.is_same(a, b) {
            return Ok(Pattern::Same(a.clone()));
        }
        let (p, q) = (self.pattern(a)?, self.pattern(b)?);
        self.join_patterns(&p, &q)
    }

    pub fn join_patterns(
        &mut self,
        a: &Pattern<H::Object>,
        b: &Pattern<H::Object>,
    ) -> Result<Pattern<H::Object>> {
        match (a, b) {
            (Pattern::Same(x), Pattern::Same(y)) if self.is_same(x, y) => Ok(a.clone()),
            (Pattern::Number(x, f), Pattern::Number(y, g)) => {
                let form = match (f, g) {
                    (Form::Python, Form::Python) => Form::Python,
                    _ => Form::Scalar,
                };
                let (x_kind, y_kind) = (x.dtype.kind(), y.dtype.kind());
                let bools = [x_kind, y_kind].contains(&crate::graph::Kind::Bool);
                // A Python number takes the kind that the others have, but an int beside a float of
                // Python's stays apart: it prints and divides in another way.
                let both_weak = x.weak && y.weak;
                if bools && x_kind != y_kind || both_weak && x.dtype != y.dtype {
                    return Err(refused("a number"));
                }
                let avals = [x.clone(), y.clone()];
                let dtype = result_type(&[&avals[0], &avals[1]]).0;
                let strong = [x, y].iter().all(|a| a.weak || a.dtype == dtype);
                if !strong {
                    return Err(refused("a number"));
                }
                let aval = match both_weak {
                    true => Aval::weak(dtype),
                    false => Aval::scalar(dtype),
                };
                Ok(Pattern::Number(aval, form))
            }
            (Pattern::Array(x), Pattern::Array(y)) => {
                let same = x.dtype == y.dtype
                    && x.rank() == y.rank()
                    && x.shape.iter().zip(&y.shape).all(|(a, b)| {
                        self.b.assumed_equal(a, b)
                            || self.b.example(a).is_some()
                                && self.b.example(a) == self.b.example(b)
                                && self.b.assume_equal(a, b)
                    });
                match same {
                    true => Ok(a.clone()),
                    false => Err(refused("an array")),
                }
            }
            (Pattern::Tuple(x), Pattern::Tuple(y)) if x.len() == y.len() => {
                let items = x.iter().zip(y).map(|(x, y)| self.join_patterns(x, y));
                Ok(Pattern::Tuple(items.collect::<Result<_>>()?))
            }
            _ => Err(refused("a value")),
        }
    }

    /// The nodes of a value's computed parts, of the kinds that the pattern asks for.
    pub fn leaves(
        &mut self,
        value: &Value<H::Object>,
        pattern: &Pattern<H::Object>,
        out: &mut Vec<NodeId>,
    ) -> Result<()> {
        match (pattern, value) {
            (Pattern::Same(_), _) => {}
            (Pattern::Number(aval, _), Value::Object(..)) => {
                let node = self.node_of_number(value)?;
                out.push(self.as_number(node, aval)?);
            }
            (Pattern::Number(aval, _), _) => {
                let node = self.node(value)?;
                out.push(self.as_number(node, aval)?);
            }
            (Pattern::Array(_), _) => out.push(self.node(value)?),
            (Pattern::Tuple(patterns), Value::Tuple(items, _)) if patterns.len() == items.len() => {
                for (pattern, item) in patterns.iter().zip(&**items) {
                    self.leaves(item, pattern, out)?;
                }
            }
            (Pattern::Tuple(_), _) => return Err(refused("a tuple")),
        }
        Ok(())
    }

    /// Nodes of the kinds that a pattern asks for, for a value that nobody reads.
    pub fn anything(&mut self, pattern: &Pattern<H::Object>, out: &mut Vec<NodeId>) -> Result<()> {
        for aval in pattern.avals() {
            out.push(match aval.weak {
                true => self.b.weak_zero(aval.dtype),
                false => self.b.full(0.0, aval.dtype, aval.shape)?,
            });
        }
        Ok(())
    }

    fn as_number(&mut self, node: NodeId, aval: &Aval) -> Result<NodeId> {
        let own = self.b.aval(node);
        if own.dtype == aval.dtype && own.weak == aval.weak {
            return Ok(node);
        }
        if aval.weak {
            return Err(refused("a number of Python's"));
        }
        self.b.cast(node, aval.dtype)
    }

    /// A value of the pattern made of nodes. Arrays are fresh; `uncertain` says why they may not be
    /// written to, if they may not.
    pub fn filled_in(
        &self,
        pattern: &Pattern<H::Object>,
        nodes: &mut dyn std::iter::Iterator<Item = NodeId>,
        uncertain: Option<&'static str>,
    ) -> Result<Value<H::Object>> {
        let mut next = || nodes.next().ok_or_else(|| Error::internal("too few nodes"));
        Ok(match pattern {
            Pattern::Same(value) => value.clone(),
            Pattern::Number(_, form) => Value::Scalar(next()?, *form),
            Pattern::Array(_) => {
                let made = next()?;
                Value::Array(ArrayRef::of(Buffer {
                    uncertain,
                    ..Buffer::fresh(made)
                }))
            }
            Pattern::Tuple(items) => {
                let items = items.iter().map(|p| self.filled_in(p, nodes, uncertain));
                Value::Tuple(Rc::new(items.collect::<Result<_>>()?), None)
            }
        })
    }
}
