//! `vmap`: a function of single examples made one of batches.
//!
//! In: the batches that a call gives. Out: one example of each, to lift the function with; then the lifted
//! call with an axis more in every mapped input and in every result.

use lazy_core::error::{Error, Result};
use lazy_core::graph::Builder;
use lazy_core::lift::guard::{Check, Fetch, Slot};
use lazy_core::lift::numpy::Form;
use lazy_core::lift::{Lifted, Tree};
use lazy_core::ops::Axes;
use lazy_transforms::{Transform, autodiff};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use super::arguments::{result_with_leaves, with_outputs};
use crate::host::Object;
use crate::ndarray::{self, Api};

/// Which axis of each argument is mapped over, and where it goes in the results.
#[derive(Clone, Debug)]
pub struct Mapping {
    axes: In,
    out: i64,
}

#[derive(Clone, Debug)]
enum In {
    /// The same axis of all arrays.
    All(i64),
    /// By position of the argument; `None` is not mapped.
    Each(Vec<Option<i64>>),
}

impl Mapping {
    /// From `in_axes` and `out_axes` as JAX has them.
    ///
    /// # Errors
    /// `TypeError` for anything else.
    pub fn read(axes: &Bound<'_, PyAny>, out: &Bound<'_, PyAny>) -> PyResult<Mapping> {
        let wrong = |_| PyTypeError::new_err("in_axes must be an int or a tuple of ints and None");
        let axes = match axes.extract::<i64>() {
            Ok(axis) => In::All(axis),
            Err(_) => In::Each(axes.extract().map_err(wrong)?),
        };
        let out = out
            .extract()
            .map_err(|_| PyTypeError::new_err("out_axes must be an int"))?;
        Ok(Mapping { axes, out })
    }

    fn axis(&self, argument: usize) -> Option<i64> {
        match &self.axes {
            In::All(axis) => Some(*axis),
            In::Each(axes) => axes.get(argument).copied().flatten(),
        }
    }

    /// Those of `count` arguments that are batches, with their axes.
    pub fn axes(&self, count: usize) -> Vec<(usize, Option<i64>)> {
        let axes = (0..count).map(|i| (i, self.axis(i)));
        axes.filter(|(_, axis)| axis.is_some()).collect()
    }

    /// The first example of each argument.
    ///
    /// # Errors
    /// `ValueError` for an array without the axis, or without an example, and for batches of different sizes.
    pub fn examples(&self, py: Python<'_>, arguments: &[Object]) -> PyResult<Vec<Object>> {
        let api = ndarray::api(py)?;
        let mut size = None;
        let mut examples = Vec::with_capacity(arguments.len());
        for (i, object) in arguments.iter().enumerate() {
            examples.push(match self.axis(i) {
                Some(axis) => Object::new(&example(api, object.bind(py), axis, &mut size)?),
                None => object.clone(),
            });
        }
        Ok(examples)
    }

    /// Maps the lifted call of the examples.
    ///
    /// # Errors
    /// `Unlifted` for what differs from example to example, and for effects.
    pub fn apply(&self, lifted: &mut Lifted<Object>) -> Result<()> {
        if !lifted.effects.is_empty() || !lifted.writes.is_empty() {
            return Err(Error::unlifted(
                "vmap of a function with effects",
                "they would happen once, not for each example",
            ));
        }
        let axes: Vec<Option<usize>> = (0..lifted.inputs.len())
            .map(|i| self.axis_of_input(lifted, i))
            .collect();
        let result = result_with_leaves(lifted)?;
        lifted.graph = autodiff::vmap(axes.clone()).apply(&lifted.graph)?;
        let slots: Vec<Slot> = (0..axes.len())
            .filter(|&i| axes[i].is_some())
            .map(|i| lifted.inputs[i].slot)
            .collect();
        raise_ranks(lifted, &slots);
        let array = |i: usize, form: Form| match axes.get(i) {
            Some(Some(_)) => Tree::Leaf(i, Form::Array),
            _ => Tree::Leaf(i, form),
        };
        for parameter in &mut lifted.parameters {
            parameter.tree = parameter.tree.map(&mut |i, form| array(i, form));
        }
        for (input, axis) in lifted.inputs.iter_mut().zip(&axes) {
            if axis.is_some() {
                input.form = Form::Array;
            }
        }
        lifted.views.clear();
        lifted.result = result.map(&mut |i, _| Tree::Leaf(i, Form::Array));
        self.move_out(lifted)
    }

    /// The axis over which a graph input is mapped, counted in the batch.
    fn axis_of_input(&self, lifted: &Lifted<Object>, input: usize) -> Option<usize> {
        let mut slot = lifted.inputs[input].slot;
        let argument = loop {
            match &lifted.guards.fetches[slot] {
                Fetch::Argument(i) => break *i,
                Fetch::Item(parent, _) | Fetch::Entry(parent, _) => slot = *parent,
                _ => return None,
            }
        };
        // A Python number is the same for all examples.
        if lifted.inputs[input].form == Form::Python {
            return None;
        }
        let axis = self.axis(argument)?;
        let rank = lifted.graph.aval(lifted.graph.inputs()[input]).rank() as i64 + 1;
        usize::try_from(if axis < 0 { axis + rank } else { axis }).ok()
    }

    /// Puts the mapped axis of the results where it is wanted.
    fn move_out(&self, lifted: &mut Lifted<Object>) -> Result<()> {
        if self.out == 0 {
            return Ok(());
        }
        let mut outputs = lifted.graph.outputs().to_vec();
        let mut b = Builder::extend(&lifted.graph);
        for leaf in lifted.result.leaves() {
            let rank = b.aval(outputs[leaf]).rank() as i64;
            let to = if self.out < 0 {
                self.out + rank
            } else {
                self.out
            };
            if !(0..rank).contains(&to) {
                return Err(Error::value(format!(
                    "out_axes is {} for a result of {rank} axes",
                    self.out
                )));
            }
            let mut perm: Axes = (1..rank as usize).collect();
            perm.insert(to as usize, 0);
            outputs[leaf] = b.transpose(outputs[leaf], perm)?;
        }
        lifted.graph = with_outputs(&b.finish(outputs.clone()), outputs);
        Ok(())
    }
}

/// Arrays where examples were: of one rank more, and no longer numbers.
fn raise_ranks(lifted: &mut Lifted<Object>, mapped: &[Slot]) {
    let numbers: Vec<Slot> = lifted
        .guards
        .checks
        .iter()
        .filter(|(slot, check)| mapped.contains(slot) && matches!(check, Check::Number { .. }))
        .map(|(slot, _)| *slot)
        .collect();
    lifted
        .guards
        .checks
        .retain(|(slot, check)| !(numbers.contains(slot) && matches!(check, Check::Type(_))));
    for (slot, check) in &mut lifted.guards.checks {
        if !mapped.contains(slot) {
            continue;
        }
        match check {
            Check::Array { rank, .. } => *rank += 1,
            Check::Number { dtype, input } => {
                *check = Check::Array {
                    dtype: *dtype,
                    rank: 1,
                    input: *input,
                }
            }
            _ => {}
        }
    }
}

/// One example of a batch, in nested containers too; what is no array stays.
fn example<'py>(
    api: &Api,
    object: &Bound<'py, PyAny>,
    axis: i64,
    size: &mut Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = object.py();
    if let Some(fields) = api.fields(object) {
        let rank = fields.shape().len() as i64;
        if !(-rank..rank).contains(&axis) {
            return Err(PyValueError::new_err(format!(
                "vmap got an axis {axis} for an argument of {rank} axes"
            )));
        }
        let own = fields.shape()[axis.rem_euclid(rank) as usize];
        let expected = *size.get_or_insert(own);
        if own != expected {
            return Err(PyValueError::new_err(format!(
                "vmap got batches of different sizes: {expected} and {own}"
            )));
        }
        return object.call_method1("take", (0, axis));
    }
    if let Ok(dict) = object.cast_exact::<PyDict>() {
        let out = PyDict::new(py);
        for (key, value) in dict {
            out.set_item(key, example(api, &value, axis, size)?)?;
        }
        return Ok(out.into_any());
    }
    let mut each = |items: &Bound<'py, PyAny>| -> PyResult<Vec<Bound<'py, PyAny>>> {
        items
            .try_iter()?
            .map(|item| example(api, &item?, axis, size))
            .collect()
    };
    if object.cast_exact::<PyList>().is_ok() {
        return Ok(PyList::new(py, each(object)?)?.into_any());
    }
    if object.cast_exact::<PyTuple>().is_ok() {
        return Ok(PyTuple::new(py, each(object)?)?.into_any());
    }
    Ok(object.clone())
}
