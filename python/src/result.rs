//! Results as Python objects.
//!
//! In: a [`Tree`] and the graph's outputs. Out: the containers Python would have returned.

use lazy_core::graph::{Dim, Symbol};
use lazy_core::lift::{Made, TextPiece, Tree};
use lazy_core::ops::Op;
use pyo3::exceptions::{PyBaseException, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PySet, PySlice, PyString, PyTuple, PyType};

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
        Tree::Set(items) => {
            let items = items.iter().map(|o| o.bind(py));
            PySet::new(py, items.collect::<Vec<_>>())?.into_any()
        }
        Tree::Instance(made) => {
            if let Some(known) = found.made.get(&made.identity).cloned()
                && is_current(py, &known, made, outputs, program, found)?
            {
                set_attributes(py, &known, made, outputs, program, found)?;
                return Ok(known);
            }
            let object = instance(py, made, outputs, program, found)?;
            found.made.insert(made.identity, object.clone());
            object
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

/// An object of a class written in Python, without running the class's code: the lift has run it.
fn instance<'py>(
    py: Python<'py>,
    made: &Made<Object>,
    outputs: &[Bound<'py, PyAny>],
    program: &Program,
    found: &mut Objects<'py>,
) -> PyResult<Bound<'py, PyAny>> {
    let class = made.class.bind(py);
    let content = match &made.content {
        Some(tree) => Some(build(py, tree, outputs, program, found)?),
        None => None,
    };
    if !is_heap(class)? {
        let attributes = PyDict::new(py);
        for (name, tree) in &made.attributes {
            let value = build(py, tree, outputs, program, found)?;
            attributes.set_item(name.bind(py), value)?;
        }
        let build = py.import("lazy._standins")?.getattr("build")?;
        return build.call1((class, content, attributes));
    }
    let is_exception = class
        .cast::<PyType>()?
        .is_subclass_of::<PyBaseException>()?;
    let object = match &content {
        None => py.get_type::<PyAny>().call_method1("__new__", (class,))?,
        Some(args) if is_exception => {
            let mut all = vec![class.clone()];
            all.extend(args.try_iter()?.collect::<PyResult<Vec<_>>>()?);
            let new = py.get_type::<PyBaseException>().getattr("__new__")?;
            new.call1(PyTuple::new(py, all)?)?
        }
        Some(items) if items.is_instance_of::<PyTuple>() => py
            .get_type::<PyTuple>()
            .call_method1("__new__", (class, items))?,
        Some(items) => {
            let base = items.get_type();
            let object = base.call_method1("__new__", (class,))?;
            base.call_method1("__init__", (&object, items))?;
            object
        }
    };
    set_attributes(py, &object, made, outputs, program, found)?;
    Ok(object)
}

/// Gives an object its attributes as they are by now. One of a class without a `__dict__` has got them.
fn set_attributes<'py>(
    py: Python<'py>,
    object: &Bound<'py, PyAny>,
    made: &Made<Object>,
    outputs: &[Bound<'py, PyAny>],
    program: &Program,
    found: &mut Objects<'py>,
) -> PyResult<()> {
    if !is_heap(made.class.bind(py))? {
        return Ok(());
    }
    let class = made.class.bind(py);
    let set = py.get_type::<PyAny>().getattr("__setattr__")?;
    for (name, tree) in &made.attributes {
        let value = build(py, tree, outputs, program, found)?;
        let name = name.bind(py);
        // What is not a slot goes past the class: a property of that name was not asked either.
        match object.getattr("__dict__") {
            Ok(attributes) if !is_slot(class, name) => attributes.set_item(name, value)?,
            _ => drop(set.call1((object, name, value))?),
        }
    }
    Ok(())
}

/// Whether a tuple that was made before an effect holds what it holds now: an array may have been
/// written to since, of which it has a copy.
fn is_current<'py>(
    py: Python<'py>,
    known: &Bound<'py, PyAny>,
    made: &Made<Object>,
    outputs: &[Bound<'py, PyAny>],
    program: &Program,
    found: &mut Objects<'py>,
) -> PyResult<bool> {
    let Some(content) = &made.content else {
        return Ok(true);
    };
    let content = build(py, content, outputs, program, found)?;
    let (Ok(held), Ok(now)) = (known.cast::<PyTuple>(), content.cast::<PyTuple>()) else {
        return Ok(true);
    };
    Ok(held.len() == now.len() && held.iter().zip(now.iter()).all(|(a, b)| a.is(&b)))
}

/// Whether a class is written in Python.
fn is_heap(class: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(class.getattr("__flags__")?.extract::<u64>()? & (1 << 9) != 0)
}

/// Whether a class keeps the attribute in a slot.
fn is_slot(class: &Bound<'_, PyAny>, name: &Bound<'_, PyAny>) -> bool {
    let Ok(found) = name.extract::<String>().map(|name| class.getattr(name)) else {
        return false;
    };
    found.is_ok_and(|found| {
        let kind = found.get_type().name();
        kind.is_ok_and(|kind| kind == "member_descriptor")
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
        "%" => return PyString::new(py, spec).rem(value)?.extract(),
        "format" => {
            let args = value.cast_into::<PyTuple>()?;
            let template = PyString::new(py, spec);
            return template.getattr("format")?.call1(args)?.extract();
        }
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
