//! Binding a call's arguments to a function's parameters, in the order of `co_varnames`.

use lazy_core::lift::host::Host;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::function::Arguments;
use crate::host::{Cpython, Object};

const VARARGS: u32 = 0x04;
const VARKEYWORDS: u32 = 0x08;

/// The Python function behind a callable: methods give theirs, and so does what wraps one.
pub fn plain(host: &Cpython<'_>, function: &Bound<'_, PyAny>) -> Object {
    let mut object = Object::new(function);
    for _ in 0..8 {
        if host.function(&object).is_some() {
            break;
        }
        let bound = object.bind(function.py());
        match bound
            .getattr("__func__")
            .ok()
            .map(|f| Object::new(&f))
            .or_else(|| host.unwrap(&object))
        {
            Some(inner) => object = inner,
            None => break,
        }
    }
    object
}

/// The number of parameters of a plain function that has only ordinary ones. Should its `__code__` be
/// replaced later, the guard on the code fails, and lifting reads the new one.
pub fn simple(function: &Bound<'_, PyAny>) -> Option<usize> {
    if function.hasattr("__func__").ok()? {
        return None;
    }
    let code = function.getattr("__code__").ok()?;
    let flags: u32 = code.getattr("co_flags").ok()?.extract().ok()?;
    let only: usize = code.getattr("co_kwonlyargcount").ok()?.extract().ok()?;
    let count = code.getattr("co_argcount").ok()?.extract().ok()?;
    (flags & (VARARGS | VARKEYWORDS) == 0 && only == 0).then_some(count)
}

/// Binds as Python does.
///
/// # Errors
/// `TypeError`, worded as Python's.
pub fn bind<'py>(
    py: Python<'py>,
    function: &Bound<'py, PyAny>,
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Arguments<'py>> {
    let mut receiver = None;
    let mut inner = function.clone();
    for _ in 0..8 {
        if inner.hasattr("__code__")? && !inner.hasattr("__func__")? {
            break;
        }
        if let Ok(f) = inner.getattr("__func__") {
            receiver = Some(inner.getattr("__self__")?);
            inner = f;
        } else if let Ok(f) = inner
            .getattr("_implementation")
            .or_else(|_| inner.getattr("__wrapped__"))
        {
            inner = f;
        } else {
            if kwargs.is_some_and(|k| !k.is_empty()) {
                let name = inner.get_type().name()?;
                return Err(PyTypeError::new_err(format!(
                    "the parameters of a {name} have no known names: pass positional arguments"
                )));
            }
            return Ok(receiver.into_iter().chain(args.iter()).collect());
        }
    }
    let code = inner.getattr("__code__")?;
    let count: usize = code.getattr("co_argcount")?.extract()?;
    let flags: u32 = code.getattr("co_flags")?.extract()?;
    let only: usize = code.getattr("co_kwonlyargcount")?.extract()?;
    let simple =
        flags & (VARARGS | VARKEYWORDS) == 0 && only == 0 && kwargs.is_none_or(|k| k.is_empty());
    let given = args.len() + usize::from(receiver.is_some());
    if simple && given == count {
        return Ok(receiver.into_iter().chain(args.iter()).collect());
    }
    // The parameters of the code that runs, not of what it wraps.
    let options = PyDict::new(py);
    options.set_item("follow_wrapped", false)?;
    let signature = py
        .import("inspect")?
        .call_method("signature", (&inner,), Some(&options))?;
    let all = PyTuple::new(
        py,
        receiver.into_iter().chain(args.iter()).collect::<Vec<_>>(),
    )?;
    let bound = signature.call_method("bind", &all, kwargs)?;
    bound.call_method0("apply_defaults")?;
    let arguments = bound.getattr("arguments")?;
    let names: Vec<String> = code.getattr("co_varnames")?.extract()?;
    let extra = usize::from(flags & VARARGS != 0) + usize::from(flags & VARKEYWORDS != 0);
    names
        .iter()
        .take(count + only + extra)
        .map(|name| arguments.get_item(name))
        .collect()
}
