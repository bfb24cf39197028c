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
struct Added<'a, 'py> {
    py: Python<'py>,
    lifted: &'a mut Lifted<Object>,
    name: String,
    /// (name, aval, slot, form) of each new input.
    inputs: Vec<(String, Slot, Form)>,
}

impl<'py> Added<'_, 'py> {
    fn slot(&mut self, fetch: Fetch<Object>) -> Slot {
        self.lifted.guards.fetches.push(fetch);
        self.lifted.guards.fetches.len() - 1
    }

    /// Follows `tree` through `object`, if it is known yet; `aval` is what the leaf must be.
    fn walk(
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

/// Adds the last parameter, `name`: containers like those of `tree`, whose leaf `k` becomes a new input of
/// aval `avals[k]`, called `label(k)`. `object` is what is passed for it, if that is known already.
///
/// # Errors
/// `ValueError` for an object of other containers.
pub(super) fn add_parameter(
    py: Python<'_>,
    lifted: &mut Lifted<Object>,
    name: &str,
    tree: &Tree<Object>,
    object: Option<&Object>,
    avals: &[Aval],
    label: &dyn Fn(usize) -> String,
) -> Result<()> {
    let (count, base) = (lifted.parameters.len(), lifted.inputs.len());
    let mut added = Added {
        py,
        lifted,
        name: format!("the {name}"),
        inputs: Vec::new(),
    };
    let slot = added.slot(Fetch::Argument(count));
    added.walk(
        tree,
        object.map(|o| o.bind(py)),
        slot,
        &mut |k| avals[k].clone(),
        &mut |k| label(k),
    )?;
    for ((label, slot, form), aval) in added.inputs.into_iter().zip(avals) {
        lifted.inputs.push(Input {
            slot,
            name: label.as_str().into(),
            dtype: aval.dtype,
            form,
            argument: true,
            spelling: label,
        });
    }
    let tree = tree.map(&mut |k, form| Tree::Leaf(base + k, form));
    lifted.parameters.push(positional(name, tree));
    Ok(())
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
