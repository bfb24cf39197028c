//! Results as Python objects.
//!
//! In: a [`Tree`] and the graph's outputs. Out: the containers Python would have returned.

use lazy_core::graph::{Dim, Symbol};
use lazy_core::lift::{TextPiece, Tree};
use lazy_core::ops::Op;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PySlice, PyString, PyTuple};

use crate::guards::{Objects, Program};
use crate::host::Object;

/// Builds the object a tree describes.
///
/// # Errors
/// Those of formatting a value (`f"{x:d}"` of a float).
pub fn build<'py>(
    py: Python<'py>,
    tree: &Tree<Object>,
    outputs: &[Bound<'py, PyAny>],
    program: &Program,
    found: &mut Objects<'py>,
) -> PyResult<Bound<'py, PyAny>> {
    let mut each = |trees: &[Tree<Object>]| -> PyResult<Vec<Bound<'py, PyAny>>> {
        trees
            .iter()
            .map(|t| build(py, t, outputs, program, found))
            .collect()
    };
    Ok(match tree {
        Tree::Leaf(output, _) => outputs[*output].clone(),
        Tree::Known(object) => object.bind(py).clone(),
        Tree::Same(slot) => program
            .object(py, found, *slot)
            .ok_or_else(|| PyRuntimeError::new_err("bug in lazy: an object is gone"))?,
        Tree::Tuple(items) => PyTuple::new(py, each(items)?)?.into_any(),
        Tree::List(items) => PyList::new(py, each(items)?)?.into_any(),
        Tree::Dict(entries) => {
            let dict = PyDict::new(py);
            for (key, value) in entries {
                dict.set_item(key.bind(py), build(py, value, outputs, program, found)?)?;
            }
            dict.into_any()
        }
        Tree::Text(pieces) => {
            let mut text = String::new();
            for piece in pieces {
                match piece {
                    TextPiece::Known(known) => text.push_str(known),
                    TextPiece::Field(value, conversion, spec) => {
                        let value = build(py, value, outputs, program, found)?;
                        text.push_str(&format(py, value, conversion, spec)?);
                    }
                }
            }
            PyString::new(py, &text).into_any()
        }
    })
}

/// A view of an array, made by NumPy itself: memory is shared exactly where NumPy shares it.
///
/// # Errors
/// NumPy's.
pub fn view<'py>(
    py: Python<'py>,
    base: Bound<'py, PyAny>,
    ops: &[Op],
    size: &dyn Fn(Symbol) -> Option<i64>,
) -> PyResult<Bound<'py, PyAny>> {
    let known = |dim: &Dim| {
        dim.evaluate(size)
            .ok_or_else(|| PyRuntimeError::new_err("bug in lazy: a size is not known"))
    };
    let mut array = base;
    for op in ops {
        array = match op {
            Op::Reshape(shape) => {
                let shape = shape.iter().map(known).collect::<PyResult<Vec<_>>>()?;
                array.call_method1("reshape", (PyTuple::new(py, shape)?,))?
            }
            Op::BroadcastTo(shape) => {
                let shape = shape.iter().map(known).collect::<PyResult<Vec<_>>>()?;
                let shape = PyTuple::new(py, shape)?;
                py.import("numpy")?
                    .call_method1("broadcast_to", (array, shape))?
            }
            Op::Transpose(perm) => {
                array.call_method1("transpose", (PyTuple::new(py, perm.iter())?,))?
            }
            Op::Slice(ranges) => {
                let mut keys = Vec::new();
                for range in ranges {
                    let (start, count) = (known(&range.start)?, known(&range.size)?);
                    let stop = start + count * range.step;
                    // A negative stop would count from the end.
                    let stop = (stop >= 0).then_some(stop as isize);
                    let slice = py.get_type::<PySlice>();
                    keys.push(slice.call1((start, stop, range.step))?);
                }
                array.get_item(PyTuple::new(py, keys)?)?
            }
            other => {
                return Err(PyRuntimeError::new_err(format!(
                    "bug in lazy: {other:?} is no view"
                )));
            }
        };
    }
    Ok(array)
}

fn format(
    py: Python<'_>,
    value: Bound<'_, PyAny>,
    conversion: &str,
    spec: &str,
) -> PyResult<String> {
    let builtins = py.import("builtins")?;
    let value = match conversion {
        "r" => builtins.call_method1("repr", (value,))?,
        "a" => builtins.call_method1("ascii", (value,))?,
        "s" => value.str()?.into_any(),
        _ => value,
    };
    builtins.call_method1("format", (value, spec))?.extract()
}

/// Writes new content into an argument.
///
/// # Errors
/// NumPy's.
pub fn overwrite(
    py: Python<'_>,
    target: &Bound<'_, PyAny>,
    content: &Bound<'_, PyAny>,
) -> PyResult<()> {
    py.import("numpy")?
        .call_method1("copyto", (target, content))
        .map(drop)
}
