//! The densities of models, called by the function being lifted: `lazy.grad(lambda v: -logp(v))`.
//!
//! In: such a function and machine values. Out: its result, computed by its own lifted and transformed
//! graph, copied into this one. The inner lift sees stand-ins of the arguments, which hold what those are
//! on this call; the decisions it takes by them are copied with the rest.

use std::collections::HashMap;

use super::guard::{Check, Fetch, Guards, Slot};
use super::host::{Host, TransformedCall};
use super::machine::Machine;
use super::numpy::Form;
use super::value::Value;
use crate::error::{Error, Result};
use crate::graph::NodeId;

/// Objects that stand for values, and the values.
type StandIns<O> = Vec<(O, Value<O>)>;

impl<H: Host> Machine<'_, H> {
    /// Calls the density of a model, which is lifted by itself: its draws must not be made here.
    pub fn call_density(
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
        let nodes = self.b.inline(&inner.graph, &inputs)?;
        let outputs = inner.graph.outputs().iter().map(|o| nodes[o.index()]);
        let outputs: Vec<NodeId> = outputs.collect();
        let values: Vec<_> = inner.inputs.iter().zip(&found).collect();
        let originals: Vec<_> = values
            .iter()
            .filter_map(|(input, object)| Some((input.slot, self.original(object, &stand_ins)?)))
            .collect();
        self.rebuild(&inner.result, &outputs, &|slot| {
            let found = originals.iter().find(|(s, _)| *s == slot);
            found.map(|(_, value)| value.clone())
        })
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
}
