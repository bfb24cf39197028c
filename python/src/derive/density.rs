//! The log-density of a sampling program.
//!
//! In: a [`Lifted`] program. Out: its joint log-density, with the values of its random variables as the
//! first parameter: a dict by name.

use lazy_core::error::{Error, Result};
use lazy_core::lift::guard::{Check, Fetch};
use lazy_core::lift::numpy::Form;
use lazy_core::lift::{Input, Lifted, Tree};
use lazy_transforms::likelihood;
use lazy_transforms::simplify::Truths;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::added::positional;
use super::simplified;
use crate::host::Object;

pub(super) fn log_density(
    py: Python<'_>,
    mut lifted: Lifted<Object>,
    given: &[(String, Object)],
    values: &Object,
) -> Result<Lifted<Object>> {
    let names: Vec<String> = given.iter().map(|(name, _)| name.clone()).collect();
    let (graph, variables) = likelihood::likelihood(&lifted.graph, &names)?;
    let values = values.bind(py);
    if values.cast::<PyDict>().is_err() {
        return Err(Error::type_error(
            "the first argument must be a dict of values by name",
        ));
    }
    // The old inputs keep their order behind those of the variables.
    let shift = variables.len();
    for fetch in &mut lifted.guards.fetches {
        if let Fetch::Argument(i) = fetch {
            *i += 1;
        }
    }
    for (_, check) in &mut lifted.guards.checks {
        match check {
            Check::Array { input, .. } | Check::Number { input, .. } => *input += shift,
            Check::Is(_)
            | Check::Equals(_)
            | Check::Type(_)
            | Check::Length(_)
            | Check::Keys(_)
            | Check::Same(_)
            | Check::Apart(_)
            | Check::InOrder
            | Check::Lacks(_) => {}
        }
    }
    for parameter in &mut lifted.parameters {
        parameter.tree = parameter
            .tree
            .map(&mut |i, form| Tree::Leaf(i + shift, form));
    }
    let mut inputs = Vec::new();
    let mut entries = Vec::new();
    let dict = {
        lifted.guards.fetches.push(Fetch::Argument(0));
        lifted.guards.fetches.len() - 1
    };
    for (position, variable) in variables.iter().enumerate() {
        let key = Object::new(PyString::new(py, &variable.name).as_any());
        let observed = given.iter().find(|(name, _)| **name == *variable.name);
        let (slot, object) = match observed {
            Some((_, object)) => {
                lifted.guards.fetches.push(Fetch::Held(object.clone()));
                (lifted.guards.fetches.len() - 1, object.bind(py).clone())
            }
            None => {
                lifted.guards.fetches.push(Fetch::Entry(dict, key.clone()));
                let object = values.get_item(&*variable.name).map_err(|_| {
                    Error::raises(
                        lazy_core::error::Exception::Key,
                        format!("no value for the random variable '{}'", variable.name),
                    )
                })?;
                (lifted.guards.fetches.len() - 1, object)
            }
        };
        let id = graph.inputs()[position];
        let aval = graph.aval(id);
        let is_array = crate::ndarray::api(py)
            .map_err(|e| crate::host::unexpected(py, &e))?
            .fields(&object)
            .is_some();
        let check = if is_array {
            Check::Array {
                dtype: aval.dtype,
                rank: aval.rank(),
                input: position,
            }
        } else {
            let class = Object::new(object.get_type().as_any());
            lifted.guards.checks.push((slot, Check::Type(class)));
            Check::Number {
                dtype: aval.dtype,
                input: position,
            }
        };
        lifted.guards.checks.push((slot, check));
        let form = if is_array { Form::Array } else { Form::Python };
        inputs.push(Input {
            slot,
            name: variable.name.clone(),
            dtype: aval.dtype,
            form,
            argument: observed.is_none(),
            spelling: variable.name.to_string(),
        });
        if observed.is_none() {
            entries.push((key, Tree::Leaf(position, form)));
        }
    }
    inputs.extend(lifted.inputs);
    lifted.inputs = inputs;
    lifted
        .parameters
        .insert(0, positional("values", Tree::Dict(entries)));
    lifted.draws.clear();
    lifted.effects.clear();
    lifted.writes.clear();
    lifted.views.clear();
    lifted.result = Tree::Leaf(0, Form::Scalar);
    // Before anybody differentiates it: the density over a logistic `p` becomes one over its logit.
    lifted.graph = simplified(&graph, Truths::Default)?;
    Ok(lifted)
}
