//! Sampling a model: from a Python function to posterior draws.
//!
//! In: a sampling program, its arguments, the values that are given. Out: a dict of arrays
//! `(chain, draw, ...)`, one per unknown. Lift, take the likelihood, map it to the real line,
//! differentiate; then [`crate::sampler`] runs without Python.

use lazy_core::error::{Error, Result};
use lazy_core::eval::Executable;
use lazy_core::eval::value::Value;
use lazy_core::graph::{Aval, Dim, Graph};
use lazy_core::lift::Twins;
use lazy_transforms::simplify::Truths;
use lazy_transforms::{Transform, autodiff, likelihood};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::convert;
use crate::derive;
use crate::exceptions;
use crate::function::Dispatcher;
use crate::guards::Program;
use crate::host::{Object, unexpected};
use crate::ndarray;
use crate::sampler::{self, Settings};

/// Posterior draws, and what the sampler says of them: `(draws, statistics)`.
///
/// # Errors
/// If the model has no density, a given value does not fit, or no starting point is found.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "the arguments of lazy.sample")]
pub fn sample<'py>(
    py: Python<'py>,
    model: &Bound<'py, Dispatcher>,
    args: &Bound<'py, PyTuple>,
    given: &Bound<'py, PyDict>,
    draws: usize,
    tune: usize,
    chains: usize,
    seed: u64,
) -> PyResult<(Bound<'py, PyDict>, Bound<'py, PyDict>)> {
    convert::guarded(|| {
        let settings = Settings {
            draws,
            tune,
            chains,
            seed,
        };
        let prepared =
            prepare(py, model, args, given).map_err(|e| exceptions::exception(py, &e))?;
        let stopped = || Python::attach(|py| py.check_signals().is_err());
        let trace = py.detach(|| {
            sampler::sample(
                &prepared.density,
                &prepared.expand,
                &prepared.fixed,
                prepared.dimension,
                &settings,
                &stopped,
            )
        });
        py.check_signals()?;
        let trace = trace.map_err(|e| exceptions::exception(py, &e))?;
        let values = PyDict::new(py);
        for (name, value) in prepared.names.iter().zip(&trace.values) {
            values.set_item(name, convert::array(py, value)?)?;
        }
        let statistics = PyDict::new(py);
        statistics.set_item("divergences", trace.divergences)?;
        statistics.set_item("gradients", trace.gradients)?;
        Ok((values, statistics))
    })
}

/// A posterior ready to be sampled.
struct Prepared {
    density: Executable,
    expand: Executable,
    fixed: Vec<Value>,
    dimension: usize,
    names: Vec<String>,
}

fn prepare<'py>(
    py: Python<'py>,
    model: &Bound<'py, Dispatcher>,
    args: &Bound<'py, PyTuple>,
    given: &Bound<'py, PyDict>,
) -> Result<Prepared> {
    let raised = |e: PyErr| unexpected(py, &e);
    let this = model.borrow();
    let arguments = this
        .bind_arguments(py, args, None)
        .map_err(|e| Error::type_error(e.value(py).to_string()))?;
    let objects: Vec<Object> = arguments.iter().map(Object::new).collect();
    let lifted = this.lift_chain(py, &objects, Twins::One)?;
    let mut names = Vec::new();
    for key in given.keys() {
        names.push(
            key.extract::<String>()
                .map_err(|_| Error::type_error("names must be strings"))?,
        );
    }
    let (graph, variables) = likelihood::likelihood(&lifted.graph, &names)?;
    let unconstrained = likelihood::unconstrain(&graph, &variables)?;
    let mut fixed = Vec::new();
    for variable in variables.iter().filter(|v| v.given) {
        let object = given.get_item(&*variable.name).map_err(raised)?;
        let object = object.ok_or_else(|| Error::internal("a given value is gone"))?;
        fixed.push(given_value(py, &variable.name, &object, &variable.aval)?);
    }
    let slots = lifted.inputs.iter().map(|i| i.slot).collect();
    let program = Program::new(py, lifted.guards.clone(), slots);
    let mut found = program.objects(&arguments);
    let api = ndarray::api(py).map_err(raised)?;
    for input in &lifted.inputs {
        let object = program.object(py, &mut found, input.slot);
        let value = object.and_then(|o| {
            convert::value(api, &o).or_else(|| {
                Some(convert::owned(
                    &convert::number(api, &o)?.cast(input.dtype)?.view(),
                ))
            })
        });
        fixed.push(value.ok_or_else(|| Error::internal("an input is gone"))?);
    }
    let dimension = dimension(&unconstrained.density, &fixed, &unconstrained.dimension)?;
    let density = autodiff::value_and_grad(vec![0], 0).apply(&unconstrained.density)?;
    let ready = |graph: &Graph| -> Result<Executable> {
        Executable::new(&derive::prepared(
            &derive::completed(graph, Truths::Default)?,
            Truths::Default,
        )?)
    };
    Ok(Prepared {
        density: ready(&density)?,
        expand: ready(&unconstrained.expand)?,
        fixed,
        dimension,
        names: variables
            .iter()
            .filter(|v| !v.given)
            .map(|v| v.name.to_string())
            .collect(),
    })
}

/// A given value as an array of the variable's dtype and shape.
fn given_value(
    py: Python<'_>,
    name: &str,
    object: &Bound<'_, PyAny>,
    aval: &Aval,
) -> Result<Value> {
    let raised = |e: PyErr| Error::value(format!("the given {name}: {}", e.value(py)));
    let api = ndarray::api(py).map_err(raised)?;
    let numpy = py.import("numpy").map_err(raised)?;
    let array = numpy
        .call_method1("asarray", (object, api.descr(py, aval.dtype)))
        .map_err(raised)?;
    let value = convert::value(api, &array);
    let value = value.ok_or_else(|| Error::value(format!("the given {name} is no array")))?;
    let fits = value.shape.len() == aval.rank()
        && value
            .shape
            .iter()
            .zip(&aval.shape)
            .all(|(n, d)| d.as_known().is_none_or(|k| k == *n as i64));
    if fits {
        Ok(value)
    } else {
        let shape = aval
            .shape
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", ");
        Err(Error::value(format!(
            "the given {name} has shape {:?}, where the model draws ({shape})",
            value.shape
        )))
    }
}

/// The length of `u`: sizes of the fixed inputs decide.
fn dimension(graph: &Graph, fixed: &[Value], dimension: &Dim) -> Result<usize> {
    let size = |symbol: lazy_core::graph::Symbol| {
        let origin = graph.symbols().get(symbol.0 as usize)?;
        let input = graph.inputs().iter().position(|n| *n == origin.node)?;
        let value = fixed.get(input.checked_sub(1)?)?;
        value.shape.get(origin.axis).map(|n| *n as i64)
    };
    dimension
        .evaluate(&size)
        .and_then(|n| usize::try_from(n).ok())
        .ok_or_else(|| Error::internal("the number of unknowns cannot be told from the inputs"))
}
