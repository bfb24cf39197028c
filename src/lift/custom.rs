//! Calls of functions with a derivative that their author gave: `lazy.custom_jvp`, `lazy.custom_vjp`.
//!
//! In: the function, its rule, and machine values. Out: the function's result, passed through an
//! [`Op::Custom`] that carries the rule as a graph:
//!
//! ```text
//! f.defjvp(lambda primals, tangents: (f(x), cos(x) * t))     %2 = sin(%0)
//!                                                            %3 = cos(%0)
//!                                                            %4 = custom(%2, %0, %3) forward rule(t, c) { c * t }
//! ```
//!
//! Rule and function run in the same builder, so that what both compute is one node. A rule that calls its
//! own function holds the rule once more, for derivatives of higher order, as deep as [`MAX_NESTED`].

use std::sync::Arc;

use super::host::{Attribute, Base, Class, Host};
use super::machine::Machine;
use super::value::{ArrayRef, Instance, Value};
use crate::error::{Error, Result};
use crate::graph::extract::Extract;
use crate::graph::{Aval, NodeId};
use crate::ops::{Custom, Op, Rule};

/// How often a function may be met within its own rule: the order of the derivatives that follow it.
const MAX_NESTED: usize = 3;

/// What stands in the place of a leaf.
pub(super) type OnLeaf<'f, M, O> = dyn FnMut(&mut M, &Value<O>) -> Result<Value<O>> + 'f;

/// The Python functions of a rule.
enum Given<'a, O> {
    Forward(&'a Value<O>),
    Reverse(&'a Value<O>, &'a Value<O>),
}

/// A function called with values, and what it gave.
struct Call<'a, O> {
    name: Arc<str>,
    arguments: &'a [Value<O>],
    /// Which of the arguments the rule has no derivative by.
    fixed: &'a [usize],
    result: &'a Value<O>,
    /// Nodes made before are from outside.
    mark: usize,
}

impl<H: Host> Machine<'_, H> {
    /// `with_jvp(function, rule, fixed, arguments)`.
    ///
    /// # Errors
    /// Those of the function and of the rule.
    pub fn with_jvp(&mut self, args: &[Value<H::Object>]) -> Result<Value<H::Object>> {
        let [function, rule, fixed, arguments] = args else {
            return Err(Error::internal("with_jvp takes four arguments"));
        };
        self.with_rule(function, &Given::Forward(rule), fixed, arguments)
    }

    /// `with_vjp(function, forward, backward, fixed, arguments)`.
    ///
    /// # Errors
    /// Those of the function and of the rule.
    pub fn with_vjp(&mut self, args: &[Value<H::Object>]) -> Result<Value<H::Object>> {
        let [function, forward, backward, fixed, arguments] = args else {
            return Err(Error::internal("with_vjp takes five arguments"));
        };
        let given = Given::Reverse(forward, backward);
        self.with_rule(function, &given, fixed, arguments)
    }

    fn with_rule(
        &mut self,
        function: &Value<H::Object>,
        given: &Given<'_, H::Object>,
        fixed: &Value<H::Object>,
        arguments: &Value<H::Object>,
    ) -> Result<Value<H::Object>> {
        let mut fixed_at = Vec::new();
        for position in self.items_of(fixed)? {
            fixed_at.push(self.int_of(&position, "nondiff_argnums")? as usize);
        }
        // Arrays of its own, so that a write to an argument is noticed.
        let mut own = Vec::new();
        for argument in self.items_of(arguments)? {
            own.push(self.mapped(&argument, &mut |machine, leaf| machine.fresh(leaf))?);
        }
        let mark = self.b.mark().nodes;
        let before = self.inexact(&own)?;
        let result = self.call(function, own.clone(), vec![])?;
        self.refuse_writes(&own)?;
        if self.inexact(&own)? != before {
            return Err(Error::unlifted(
                "a function with its own derivative",
                "it changes its argument",
            ));
        }
        let call = Call {
            name: self.describe(function).as_str().into(),
            arguments: &own,
            fixed: &fixed_at,
            result: &result,
            mark,
        };
        let results = self.inexact(std::slice::from_ref(&result))?;
        let differentiated = call.differentiated().cloned().collect::<Vec<_>>();
        let wrt = self.inexact(&differentiated)?;
        if results.is_empty() || wrt.is_empty() {
            return Ok(result);
        }
        let (rule, captured) = self.rule(function, given, &call, &results, &wrt)?;
        let computed = [results.as_slice(), &captured].concat();
        let graph = self.b.graph();
        let mut outside = Extract::new(graph, mark, &[], &computed, vec![]).captured;
        outside.retain(|id| graph.aval(*id).dtype.is_inexact() && !wrt.contains(id));
        let custom = Custom {
            name: call.name,
            results: results.len(),
            arguments: wrt.len(),
            outside: outside.len(),
            rule,
        };
        let operands = [results.as_slice(), &wrt, &outside, &captured].concat();
        let node = self.b.add(Op::Custom(Arc::new(custom)), &operands)?;
        let mut nodes = self.parts(node, results.len())?.into_iter();
        self.mapped(&result, &mut |machine, leaf| {
            machine.on_node(leaf, &mut |_, _| {
                nodes
                    .next()
                    .ok_or_else(|| Error::internal("too few results"))
            })
        })
    }

    /// The rule as a graph, and the nodes that it reads beside its inputs.
    fn rule(
        &mut self,
        function: &Value<H::Object>,
        given: &Given<'_, H::Object>,
        call: &Call<'_, H::Object>,
        results: &[NodeId],
        wrt: &[NodeId],
    ) -> Result<(Rule, Vec<NodeId>)> {
        let depth = self
            .rules
            .iter()
            .filter(|f| self.is_same_function(f, function))
            .count();
        if depth >= MAX_NESTED {
            return Ok((Rule::Exhausted, vec![]));
        }
        let before = (self.effects.len(), self.draws.len());
        self.rules.push(function.clone());
        let made = match given {
            Given::Forward(rule) => self.forward(rule, call, results),
            Given::Reverse(forward, backward) => self.reverse(forward, backward, call, wrt),
        };
        self.rules.pop();
        let (placeholders, outputs) = made?;
        if before != (self.effects.len(), self.draws.len()) {
            let what = format!("the derivative rule of {}", call.name);
            return Err(Error::unlifted(what, "it prints or draws"));
        }
        let graph = self.b.graph();
        let extract = Extract::new(graph, call.mark, &placeholders, &outputs, vec![]);
        let rule = extract.build(&call.name, &placeholders, &[], &outputs)?;
        let rule = match given {
            Given::Forward(_) => Rule::Forward(rule),
            Given::Reverse(..) => Rule::Reverse(rule),
        };
        Ok((rule, extract.captured))
    }

    fn is_same_function(&self, a: &Value<H::Object>, b: &Value<H::Object>) -> bool {
        match (a, b) {
            (Value::Closure(a), Value::Closure(b)) => Arc::ptr_eq(&a.function, &b.function),
            _ => self.is_same(a, b),
        }
    }

    /// `rule(*fixed, primals, tangents)`: placeholders of the tangents, and the results' tangents.
    fn forward(
        &mut self,
        rule: &Value<H::Object>,
        call: &Call<'_, H::Object>,
        results: &[NodeId],
    ) -> Result<(Vec<NodeId>, Vec<NodeId>)> {
        let mut placeholders = Vec::new();
        let mut tangents = Vec::new();
        for primal in call.differentiated() {
            tangents.push(self.stands_for(primal, "t", &mut placeholders)?);
        }
        let primals = call.differentiated().cloned().collect();
        let mut given: Vec<_> = call.fixed_arguments().cloned().collect();
        given.push(Value::Tuple(std::rc::Rc::new(primals), None));
        given.push(Value::Tuple(std::rc::Rc::new(tangents), None));
        let pair = self.call(rule, given, vec![])?;
        let pair = self.items_of(&pair)?;
        let [_, tangent] = pair.as_slice() else {
            let message = format!(
                "the jvp rule of {} must return the value and its tangent",
                call.name
            );
            return Err(Error::type_error(message));
        };
        let mut outputs = Vec::new();
        self.along(call.result, tangent, &call.name, &mut outputs)?;
        debug_assert_eq!(outputs.len(), results.len());
        Ok((placeholders, outputs))
    }

    /// `forward(*arguments)`, then `backward(*fixed, residuals, cotangent)`: placeholders of the
    /// cotangents, and the arguments' cotangents.
    fn reverse(
        &mut self,
        forward: &Value<H::Object>,
        backward: &Value<H::Object>,
        call: &Call<'_, H::Object>,
        wrt: &[NodeId],
    ) -> Result<(Vec<NodeId>, Vec<NodeId>)> {
        let pair = self.call(forward, call.arguments.to_vec(), vec![])?;
        let pair = self.items_of(&pair)?;
        let [_, residuals] = pair.as_slice() else {
            let message = format!(
                "the forward rule of {} must return the value and what the backward rule needs",
                call.name
            );
            return Err(Error::type_error(message));
        };
        let mut placeholders = Vec::new();
        let cotangent = self.stands_for(call.result, "c", &mut placeholders)?;
        let mut given: Vec<_> = call.fixed_arguments().cloned().collect();
        given.push(residuals.clone());
        given.push(cotangent);
        let all = self.call(backward, given, vec![])?;
        let all = self.items_of(&all)?;
        let expected = call.differentiated().count();
        if all.len() != expected {
            return Err(Error::type_error(format!(
                "the backward rule of {} must return a tuple of {expected} cotangents, one per argument, \
                 not {}",
                call.name,
                all.len()
            )));
        }
        let mut outputs = Vec::new();
        for (primal, cotangent) in call.differentiated().zip(&all) {
            self.along(primal, cotangent, &call.name, &mut outputs)?;
        }
        debug_assert_eq!(outputs.len(), wrt.len());
        Ok((placeholders, outputs))
    }

    /// The value with placeholders for its inexact leaves, and zeros for what has no derivative.
    fn stands_for(
        &mut self,
        value: &Value<H::Object>,
        name: &str,
        placeholders: &mut Vec<NodeId>,
    ) -> Result<Value<H::Object>> {
        self.mapped(value, &mut |machine, leaf| {
            if let Value::Object(o, _) = leaf {
                return Ok(match machine.host.class(o) {
                    Class::Int(_) | Class::Bool(_) => machine.int(0),
                    Class::Float(_) => machine.constant(&crate::ast::py::Constant::Float(0.0)),
                    _ => leaf.clone(),
                });
            }
            machine.on_node(leaf, &mut |machine, node| {
                let aval = machine.b.aval(node).clone();
                let placeholder = machine.b.placeholder(aval);
                machine.b.name(placeholder, name);
                placeholders.push(placeholder);
                Ok(placeholder)
            })
        })
    }

    /// The derivatives that a rule gave, along the inexact leaves of the value they belong to.
    fn along(
        &mut self,
        primal: &Value<H::Object>,
        given: &Value<H::Object>,
        name: &str,
        out: &mut Vec<NodeId>,
    ) -> Result<()> {
        let is_none = matches!(given, Value::Object(o, _) if self.host.class(o) == Class::None);
        if is_none {
            for node in self.inexact(std::slice::from_ref(primal))? {
                let Aval { dtype, shape, .. } = self.b.aval(node).clone();
                out.push(self.b.full(0.0, dtype, shape)?);
            }
            return Ok(());
        }
        match primal {
            Value::Tuple(..) | Value::List(_) => {
                let (primals, all) = (self.items_of(primal)?, self.items_of(given)?);
                if primals.len() != all.len() {
                    return Err(Error::type_error(format!(
                        "a rule of {name} gives {} derivatives for {} values",
                        all.len(),
                        primals.len()
                    )));
                }
                for (primal, given) in primals.iter().zip(&all) {
                    self.along(primal, given, name, out)?;
                }
            }
            Value::Dict(dict) => {
                for (key, primal) in dict.entries.borrow().clone() {
                    let given = self.get_item(given, &Value::Object(key, None))?;
                    self.along(&primal, &given, name, out)?;
                }
            }
            Value::Instance(instance) if self.is_record(&instance.class) => {
                if let Some(content) = &instance.content {
                    self.along(content, given, name, out)?;
                }
                for (key, primal) in instance.attributes.entries.borrow().clone() {
                    let Class::Str(field) = self.host.class(&key) else {
                        continue;
                    };
                    let given = self.attribute(given, &field)?;
                    self.along(&primal, &given, name, out)?;
                }
            }
            leaf => {
                for node in self.inexact(std::slice::from_ref(leaf))? {
                    let aval = self.b.aval(node).clone();
                    let given = self.node(given)?;
                    if self.b.aval(given).rank() > aval.rank() {
                        let (found, wanted) = (self.b.aval(given).clone(), aval);
                        return Err(Error::value(format!(
                            "a rule of {name} gives a derivative {found} of a value {wanted}"
                        )));
                    }
                    let given = self.b.cast(given, aval.dtype)?;
                    out.push(self.b.broadcast_to(given, aval.shape)?);
                }
            }
        }
        Ok(())
    }

    /// The nodes of the inexact leaves, in order.
    fn inexact(&mut self, values: &[Value<H::Object>]) -> Result<Vec<NodeId>> {
        let mut nodes = Vec::new();
        for value in values {
            self.mapped(value, &mut |machine, leaf| {
                machine.on_node(leaf, &mut |_, node| {
                    nodes.push(node);
                    Ok(node)
                })
            })?;
        }
        Ok(nodes)
    }

    /// The containers of a value with each leaf replaced.
    pub(super) fn mapped(
        &mut self,
        value: &Value<H::Object>,
        f: &mut OnLeaf<'_, Self, H::Object>,
    ) -> Result<Value<H::Object>> {
        Ok(match value {
            Value::Tuple(items, _) => {
                let items = items.iter().map(|item| self.mapped(item, f));
                Value::Tuple(std::rc::Rc::new(items.collect::<Result<_>>()?), None)
            }
            Value::List(list) => {
                let items = list.items.borrow().clone();
                let items = items.iter().map(|item| self.mapped(item, f));
                let items = items.collect::<Result<_>>()?;
                self.list(items)
            }
            Value::Dict(dict) => {
                let mut entries = Vec::new();
                for (key, item) in dict.entries.borrow().clone() {
                    entries.push((key, self.mapped(&item, f)?));
                }
                self.dict(entries)
            }
            Value::Instance(instance) if self.is_record(&instance.class) => {
                let content = instance.content.as_ref();
                let content = content.map(|content| self.mapped(content, f));
                let content = content.transpose()?;
                let mut attributes = Vec::new();
                for (key, item) in instance.attributes.entries.borrow().clone() {
                    attributes.push((key, self.mapped(&item, f)?));
                }
                let Value::Dict(attributes) = self.dict(attributes) else {
                    return Err(Error::internal("attributes that are no dict"));
                };
                Value::Instance(std::rc::Rc::new(Instance {
                    class: instance.class.clone(),
                    attributes,
                    content,
                }))
            }
            Value::Object(object, _) if !self.host.fields(object).is_empty() => {
                let record = self.taken_apart(value, object)?;
                self.mapped(&record, f)?
            }
            leaf => f(self, leaf)?,
        })
    }

    /// Whether a class is one of containers: of namedtuples or dataclasses.
    fn is_record(&self, class: &H::Object) -> bool {
        let named = |name: &str| {
            let found = self.host.look_up(class, None, name);
            matches!(found, Attribute::Value(_))
        };
        self.host.base(class) == Base::Tuple || named("__dataclass_fields__")
    }

    /// A leaf with another node, if it is inexact.
    fn on_node(
        &mut self,
        leaf: &Value<H::Object>,
        f: &mut dyn FnMut(&mut Self, NodeId) -> Result<NodeId>,
    ) -> Result<Value<H::Object>> {
        let node = match leaf {
            Value::Array(_) | Value::Scalar(..) => self.node(leaf)?,
            other => return Ok(other.clone()),
        };
        if !self.b.aval(node).dtype.is_inexact() {
            return Ok(leaf.clone());
        }
        let node = f(self, node)?;
        Ok(match leaf {
            Value::Scalar(_, form) => Value::Scalar(node, *form),
            _ => Value::Array(ArrayRef::fresh(node)),
        })
    }

    fn fresh(&mut self, leaf: &Value<H::Object>) -> Result<Value<H::Object>> {
        match leaf {
            Value::Array(_) => Ok(Value::Array(ArrayRef::fresh(self.node(leaf)?))),
            other => Ok(other.clone()),
        }
    }

    fn refuse_writes(&mut self, own: &[Value<H::Object>]) -> Result<()> {
        for argument in own {
            self.mapped(argument, &mut |_, leaf| match leaf {
                Value::Array(array) if array.buffer.version.get().0 != array.buffer.made => {
                    Err(Error::unlifted(
                        "a function with its own derivative",
                        "it writes to its argument",
                    ))
                }
                _ => Ok(leaf.clone()),
            })?;
        }
        Ok(())
    }
}

impl<O> Call<'_, O> {
    fn differentiated(&self) -> impl Iterator<Item = &Value<O>> {
        let all = self.arguments.iter().enumerate();
        all.filter(|(at, _)| !self.fixed.contains(at))
            .map(|(_, value)| value)
    }

    fn fixed_arguments(&self) -> impl Iterator<Item = &Value<O>> {
        self.fixed.iter().filter_map(|&at| self.arguments.get(at))
    }
}
