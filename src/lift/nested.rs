//! Transformed functions called by the function being lifted: `grad(lambda v: -logp(v))`.
//!
//! In: such a function and machine values. Out: its result, computed by its own lifted and transformed
//! graph, copied into this one. The inner lift sees stand-ins of the arguments, which hold what those are
//! on this call; the decisions it takes by them are copied with the rest.

use std::collections::HashMap;
use std::rc::Rc;

use super::guard::{Check, Fetch, Guards, Slot};
use super::host::{Host, TransformedCall};
use super::machine::Machine;
use super::numpy::Form;
use super::value::{ArrayRef, Value};
use super::{Lifted, Tree};
use crate::error::{Error, Result};
use crate::graph::{Assumption, Dim, NodeId, Symbol};
use crate::ops::Op;

/// Stand-ins, and the values they stand for.
type StandIns<O> = Vec<(O, Value<O>)>;

impl<H: Host> Machine<'_, H> {
    pub fn call_transformed(
        &mut self,
        callee: &H::Object,
        args: &[Value<H::Object>],
    ) -> Result<Value<H::Object>> {
        let mut stand_ins = Vec::new();
        let objects = args
            .iter()
            .map(|v| self.stand_in(v, &mut stand_ins))
            .collect::<Result<Vec<_>>>()?;
        let TransformedCall {
            lifted: inner,
            objects: found,
        } = self.host.lift_transformed(callee, &objects)?;
        let has_effects = !inner.draws.is_empty()
            || !inner.calls.is_empty()
            || !inner.effects.is_empty()
            || !inner.writes.is_empty();
        if has_effects {
            let what = format!("a call of the transformed {}", self.host.describe(callee));
            return Err(Error::unlifted(
                what,
                "it draws, calls compiled code, prints or writes to its arguments",
            ));
        }
        let slots = self.merge_guards(&inner.guards)?;
        let mut inputs = Vec::new();
        for (input, object) in inner.inputs.iter().zip(&found) {
            inputs.push(match self.original(object, &stand_ins) {
                Some(value) => self.node(&value)?,
                None => {
                    let slot = slots.get(&input.slot).copied();
                    let value = self.wrap(object.clone(), slot)?;
                    self.node(&value)?
                }
            });
        }
        let nodes = self.copy_graph(&inner, &inputs)?;
        let outputs: Vec<NodeId> = inner.graph.outputs().iter().map(|o| nodes[o]).collect();
        self.rebuild(&inner, &inner.result, &outputs, &stand_ins, &found)
    }

    /// An object that is what a value is on this call.
    pub fn stand_in(
        &mut self,
        value: &Value<H::Object>,
        all: &mut StandIns<H::Object>,
    ) -> Result<H::Object> {
        let object = match value {
            Value::Array(_) | Value::Scalar(..) => {
                let node = self.node(value)?;
                let elements = self.observe(node, "a transformed function")?;
                let form = match value {
                    Value::Scalar(_, form) => *form,
                    _ => Form::Array,
                };
                self.host.scalar(&elements, form)
            }
            Value::Tuple(items, _) => {
                let items = items
                    .iter()
                    .map(|v| self.stand_in(v, all))
                    .collect::<Result<_>>()?;
                return Ok(self.host.tuple(items));
            }
            Value::List(list) => {
                let items = list.items.borrow().clone();
                let items = items
                    .iter()
                    .map(|v| self.stand_in(v, all))
                    .collect::<Result<_>>()?;
                let tuple = self.host.tuple(items);
                return self.build("list", tuple);
            }
            Value::Dict(dict) => {
                let mut pairs = Vec::new();
                for (key, value) in dict.entries.borrow().clone() {
                    let value = self.stand_in(&value, all)?;
                    pairs.push(self.host.tuple(vec![key, value]));
                }
                let pairs = self.host.tuple(pairs);
                return self.build("dict", pairs);
            }
            other => return self.known(other, "an argument of a transformed function"),
        };
        all.push((object.clone(), value.clone()));
        Ok(object)
    }

    fn build(&mut self, class: &str, items: H::Object) -> Result<H::Object> {
        let class = self.host.builtin(class);
        self.host
            .call(&class, &[items], &[])
            .map_err(|raised| Error::type_error(raised.text))
    }

    fn original(
        &self,
        object: &H::Object,
        stand_ins: &StandIns<H::Object>,
    ) -> Option<Value<H::Object>> {
        let found = stand_ins.iter().find(|(o, _)| self.host.is(o, object));
        found.map(|(_, value)| value.clone())
    }

    /// Takes over the guards on everything but the arguments, which are not there yet.
    fn merge_guards(&mut self, guards: &Guards<H::Object>) -> Result<HashMap<Slot, Slot>> {
        let mut slots: HashMap<Slot, Slot> = HashMap::new();
        for (old, fetch) in guards.fetches.iter().enumerate() {
            let moved = match fetch {
                Fetch::Argument(_) => None,
                Fetch::Held(o) => Some(Fetch::Held(o.clone())),
                Fetch::Global(globals, name) => Some(Fetch::Global(globals.clone(), name.clone())),
                Fetch::Made(callee, args) => Some(Fetch::Made(callee.clone(), args.clone())),
                Fetch::Cell(cell) => Some(Fetch::Cell(cell.clone())),
                Fetch::Attribute(parent, name) => slots
                    .get(parent)
                    .map(|p| Fetch::Attribute(*p, name.clone())),
                Fetch::Item(parent, i) => slots.get(parent).map(|p| Fetch::Item(*p, *i)),
                Fetch::Entry(parent, key) => {
                    slots.get(parent).map(|p| Fetch::Entry(*p, key.clone()))
                }
            };
            if let Some(fetch) = moved {
                let slot = self.slot(fetch, format!("captured_{old}"));
                slots.insert(old, slot);
            }
        }
        for (old, check) in &guards.checks {
            match (slots.get(old), check) {
                // Arrays and numbers are inputs of this graph then, and checked as such.
                (_, Check::Array { .. } | Check::Number { .. } | Check::Type(_)) => {}
                (Some(slot), Check::Same(other)) => {
                    if let Some(other) = slots.get(other) {
                        self.check(*slot, Check::Same(*other));
                    }
                }
                (Some(slot), Check::Apart(other)) => {
                    if let Some(other) = slots.get(other) {
                        self.check(*slot, Check::Apart(*other));
                    }
                }
                (Some(slot), check) => self.check(*slot, check.clone()),
                (None, _) => {}
            }
        }
        Ok(slots)
    }

    fn copy_graph(
        &mut self,
        inner: &Lifted<H::Object>,
        inputs: &[NodeId],
    ) -> Result<HashMap<NodeId, NodeId>> {
        let graph = &inner.graph;
        let mut nodes: HashMap<NodeId, NodeId> = graph
            .inputs()
            .iter()
            .copied()
            .zip(inputs.iter().copied())
            .collect();
        let sizes = |machine: &Self, nodes: &HashMap<NodeId, NodeId>, symbol: Symbol| -> Dim {
            let origin = graph.symbols().get(symbol.0 as usize);
            let size = origin.and_then(|o| {
                machine
                    .b
                    .aval(*nodes.get(&o.node)?)
                    .shape
                    .get(o.axis)
                    .cloned()
            });
            size.unwrap_or_else(|| Dim::symbol(symbol))
        };
        for assumption in graph.assumptions() {
            let here = |machine: &Self, dim: &Dim| dim.substitute(&|s| sizes(machine, &nodes, s));
            let holds = match assumption {
                Assumption::Equal(a, b) => {
                    let (a, b) = (here(self, a), here(self, b));
                    self.b.assume_equal(&a, &b)
                }
                Assumption::AtMost(a, b) => {
                    let (a, b) = (here(self, a), here(self, b));
                    self.b.assume_at_most(&a, &b)
                }
            };
            if !holds {
                return Err(Error::internal(
                    "sizes of a transformed function do not fit its call",
                ));
            }
        }
        for id in graph.nodes() {
            if matches!(graph.op(id), Op::Input) {
                continue;
            }
            let operands: Vec<NodeId> = graph.operands(id).iter().map(|o| nodes[o]).collect();
            let mut op = graph.op(id).clone();
            op.map_sizes(&|dim| dim.substitute(&|s| sizes(self, &nodes, s)));
            let new = match &op {
                Op::Constant(value) => self.b.constant(value.clone(), graph.aval(id).clone()),
                Op::Size(dim) => self.b.size(dim.clone()),
                _ => self.b.add(op, &operands)?,
            };
            nodes.insert(id, new);
        }
        Ok(nodes)
    }

    fn rebuild(
        &mut self,
        inner: &Lifted<H::Object>,
        tree: &Tree<H::Object>,
        outputs: &[NodeId],
        stand_ins: &StandIns<H::Object>,
        found: &[H::Object],
    ) -> Result<Value<H::Object>> {
        let mut all = |trees: &[Tree<H::Object>]| -> Result<Vec<_>> {
            trees
                .iter()
                .map(|t| self.rebuild(inner, t, outputs, stand_ins, found))
                .collect()
        };
        Ok(match tree {
            Tree::Leaf(output, Form::Array) => Value::Array(ArrayRef::fresh(outputs[*output])),
            Tree::Leaf(output, form) => Value::Scalar(outputs[*output], *form),
            Tree::Known(object) => self.wrap(object.clone(), None)?,
            Tree::Tuple(items) => Value::Tuple(Rc::new(all(items)?), None),
            Tree::List(items) => {
                let items = all(items)?;
                self.list(items)
            }
            Tree::Dict(entries) => {
                let mut out = Vec::new();
                for (key, value) in entries {
                    out.push((
                        key.clone(),
                        self.rebuild(inner, value, outputs, stand_ins, found)?,
                    ));
                }
                self.dict(out)
            }
            Tree::Same(slot) => {
                let input = inner.inputs.iter().position(|i| i.slot == *slot);
                let object = input.and_then(|i| found.get(i));
                let value = object.and_then(|o| self.original(o, stand_ins));
                value.ok_or_else(|| {
                    Error::unlifted("the result of a transformed function", "it is not computed")
                })?
            }
            Tree::Text(_) | Tree::Set(_) | Tree::Instance(_) => {
                return Err(Error::unlifted(
                    "this result of a transformed function",
                    "it is not computed",
                ));
            }
        })
    }
}
