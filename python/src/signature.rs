//! Binding a call's arguments to a function's parameters, in the order of `co_varnames`.

use lazy_core::lift::host::Host;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::function::Arguments;
use crate::host::{Cpython, Object};

const VARARGS: u32 = 0x04;
const VARKEYWORDS: u32 = 0x08;

/// What a lift begins with.
pub struct Target {
    /// The Python function behind a callable, to whose parameters arguments are bound: methods give theirs,
    /// and so does what wraps one.
    pub function: Object,
    /// What is called with them in its place: something that lazy knows as a whole, or that only pretends
    /// to be the function.
    pub callee: Option<Object>,
}

pub fn target(host: &Cpython<'_>, callable: &Bound<'_, PyAny>) -> Target {
    let mut function = Object::new(callable);
    let mut callee = None;
    for _ in 0..8 {
        let is_known = host.operation(&function).is_some() || host.stand_in(&function).is_some();
        if callee.is_none() && is_known {
            callee = Some(function.clone());
        }
        if host.function(&function).is_some() {
            break;
        }
        let bound = function.bind(callable.py());
        let inner = |name: &str| bound.getattr(name).ok().map(|f| Object::new(&f));
        function = match inner("__func__").or_else(|| host.unwrap(&function)) {
            Some(inner) => inner,
            None => match inner("__wrapped__") {
                Some(wrapped) => {
                    callee.get_or_insert(function);
                    wrapped
                }
                None => break,
            },
        };
    }
    Target { function, callee }
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
    bind_code(
        &inner,
        &code,
        receiver.into_iter().chain(args.iter()).collect(),
        kwargs,
    )
}

/// Binds to the parameters of the code itself, whatever signature the function pretends to have.
fn bind_code<'py>(
    function: &Bound<'py, PyAny>,
    code: &Bound<'py, PyAny>,
    given: Arguments<'py>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Arguments<'py>> {
    let py = function.py();
    let wrong = |message: String| {
        let name = function
            .getattr("__qualname__")
            .map(|n| n.to_string())
            .unwrap_or_default();
        PyTypeError::new_err(format!("{name}() {message}"))
    };
    let names: Vec<String> = code.getattr("co_varnames")?.extract()?;
    let flags: u32 = code.getattr("co_flags")?.extract()?;
    let positional: usize = code.getattr("co_argcount")?.extract()?;
    let only: usize = code.getattr("co_kwonlyargcount")?.extract()?;
    let first_named: usize = code.getattr("co_posonlyargcount")?.extract()?;
    let named = positional + only;
    let mut slots: Vec<Option<Bound<'py, PyAny>>> = vec![None; named];
    let mut rest = given.into_iter();
    for (slot, object) in slots.iter_mut().take(positional).zip(rest.by_ref()) {
        *slot = Some(object);
    }
    let rest: Vec<_> = rest.collect();
    if flags & VARARGS == 0 && !rest.is_empty() {
        return Err(wrong(format!(
            "takes {positional} positional arguments but more were given"
        )));
    }
    let extra = PyDict::new(py);
    for (key, value) in kwargs.into_iter().flatten() {
        let name: String = key.extract()?;
        match names.iter().take(named).position(|n| *n == name) {
            Some(at) if at >= first_named => {
                if slots[at].replace(value).is_some() {
                    return Err(wrong(format!("got multiple values for argument '{name}'")));
                }
            }
            _ if flags & VARKEYWORDS != 0 => extra.set_item(key, value)?,
            _ => {
                return Err(wrong(format!(
                    "got an unexpected keyword argument '{name}'"
                )));
            }
        }
    }
    let defaults = function.getattr("__defaults__")?;
    let defaults: Vec<Bound<'py, PyAny>> = if defaults.is_none() {
        vec![]
    } else {
        defaults.extract()?
    };
    let keyword_defaults = function.getattr("__kwdefaults__")?;
    let first_default = positional.saturating_sub(defaults.len());
    let mut out = Arguments::new();
    for (at, (slot, name)) in slots.into_iter().zip(&names).enumerate() {
        let value = match slot {
            Some(value) => Some(value),
            None if at < positional => at
                .checked_sub(first_default)
                .and_then(|k| defaults.get(k).cloned()),
            None if keyword_defaults.is_none() => None,
            None => keyword_defaults.get_item(name).ok(),
        };
        out.push(value.ok_or_else(|| wrong(format!("missing 1 required argument: '{name}'")))?);
    }
    if flags & VARARGS != 0 {
        out.push(PyTuple::new(py, rest)?.into_any());
    }
    if flags & VARKEYWORDS != 0 {
        out.push(extra.into_any());
    }
    Ok(out)
}
