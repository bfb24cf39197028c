//! Parameters that a transform adds: tangents, cotangents, vectors.
//!
//! In: containers of graph inputs, and the object passed for them. Out: new inputs with their guards.

use lazy_core::error::{Error, Result};
use lazy_core::graph::Aval;
use lazy_core::lift::guard::{Check, Fetch, Slot};
use lazy_core::lift::numpy::Form;
use lazy_core::lift::{Input, Lifted, Parameter, ParameterKind, Tree};
use pyo3::prelude::*;

use crate::host::Object;

/// A parameter added to a lifted call: an object shaped like `tree`, whose leaves become new graph inputs
/// with the avals `aval` gives. Returns the new inputs in the order of the leaves.
pub(super) struct Added<'a, 'py> {
    pub(super) py: Python<'py>,
    pub(super) lifted: &'a mut Lifted<Object>,
    pub(super) name: String,
    /// (name, aval, slot, form) of each new input.
    pub(super) inputs: Vec<(String, Slot, Form)>,
}

impl<'py> Added<'_, 'py> {
    pub(super) fn slot(&mut self, fetch: Fetch<Object>) -> Slot {
        self.lifted.guards.fetches.push(fetch);
        self.lifted.guards.fetches.len() - 1
    }

    /// Follows `tree` through `object`, if it is known yet; `aval` is what the leaf must be.
    pub(super) fn walk(
        &mut self,
        tree: &Tree<Object>,
        object: Option<&Bound<'py, PyAny>>,
        slot: Slot,
        aval: &mut dyn FnMut(usize) -> Aval,
        label: &mut dyn FnMut(usize) -> String,
    ) -> Result<()> {
        match tree {
            Tree::Leaf(leaf, form) => {
                let expected = aval(*leaf);
                let input = self.lifted.inputs.len() + self.inputs.len();
                let number = crate::ndarray::api(self.py)
                    .map_err(|e| crate::host::unexpected(self.py, &e))?;
                let is_array = match object {
                    Some(object) => number.fields(object).is_some(),
                    None => expected.rank() > 0,
                };
                if is_array {
                    let check = Check::Array {
                        dtype: expected.dtype,
                        rank: expected.rank(),
                        input,
                    };
                    self.lifted.guards.checks.push((slot, check));
                } else if let Some(object) = object {
                    let check = Check::Number {
                        dtype: expected.dtype,
                        input,
                    };
                    let class = Object::new(object.get_type().as_any());
                    self.lifted.guards.checks.push((slot, Check::Type(class)));
                    self.lifted.guards.checks.push((slot, check));
                }
                self.inputs.push((
                    label(*leaf),
                    slot,
                    if is_array { Form::Array } else { *form },
                ));
                Ok(())
            }
            Tree::Known(_) | Tree::Same(_) | Tree::Text(_) | Tree::Set(_) => Ok(()),
            Tree::Instance(made) => {
                if let Some(content) = &made.content {
                    self.walk(content, object, slot, aval, label)?;
                }
                for (key, item) in &made.attributes {
                    let name: String = key.bind(self.py).extract().unwrap_or_default();
                    let child = object.map(|o| o.getattr(name.as_str())).transpose();
                    let child = child.map_err(|e| Error::value(e.value(self.py).to_string()))?;
                    let at = self.slot(Fetch::Attribute(slot, name));
                    self.walk(item, child.as_ref(), at, aval, label)?;
                }
                Ok(())
            }
            Tree::Tuple(items) | Tree::List(items) => {
                let length = object.map_or(items.len(), |o| o.len().unwrap_or(0));
                if length != items.len() {
                    return Err(Error::value(format!(
                        "{} has {length} items where the function has {}",
                        self.name,
                        items.len()
                    )));
                }
                for (i, item) in items.iter().enumerate() {
                    let child = object.map(|o| o.get_item(i)).transpose();
                    let child = child.map_err(|e| Error::value(e.value(self.py).to_string()))?;
                    let at = self.slot(Fetch::Item(slot, i));
                    self.walk(item, child.as_ref(), at, aval, label)?;
                }
                Ok(())
            }
            Tree::Dict(entries) => {
                for (key, item) in entries {
                    let child = object.map(|o| o.get_item(key.bind(self.py))).transpose();
                    let child = child.map_err(|_| {
                        Error::value(format!("{} lacks the key {}", self.name, key.bind(self.py)))
                    })?;
                    let at = self.slot(Fetch::Entry(slot, key.clone()));
                    self.walk(item, child.as_ref(), at, aval, label)?;
                }
                Ok(())
            }
        }
    }
}

/// A parameter that a transform adds.
pub(super) fn positional(name: &str, tree: Tree<Object>) -> Parameter<Object> {
    Parameter {
        name: name.into(),
        kind: ParameterKind::PositionalOnly,
        default: None,
        tree,
    }
}

/// Declares the new inputs with the parameter that holds them.
pub(super) fn declare(
    lifted: &mut Lifted<Object>,
    added: Vec<(String, Slot, Form)>,
    avals: &[Aval],
    parameter: Option<(usize, Parameter<Object>)>,
) {
    for ((name, slot, form), aval) in added.into_iter().zip(avals) {
        lifted.inputs.push(Input {
            slot,
            name: name.as_str().into(),
            dtype: aval.dtype,
            form,
            argument: true,
            spelling: name,
        });
    }
    if let Some((at, parameter)) = parameter {
        lifted.parameters.insert(at, parameter);
    }
}
