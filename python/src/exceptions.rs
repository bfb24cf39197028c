//! The core's errors as Python exceptions.
//!
//! In: an [`Error`]. Out: what NumPy would raise, with the user's line as a note; or one of the
//! classes of `lazy._errors`, whose message is [`Error`]'s own.

use lazy_core::error::{Error, ErrorKind, Exception};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyType;

/// The exception to raise.
pub fn exception(py: Python<'_>, error: &Error) -> PyErr {
    let error = &with_text(py, error);
    let class = match &error.kind {
        ErrorKind::Raises { exception, message } => {
            return raised(py, exception.name(), message, error);
        }
        ErrorKind::Internal { .. } | ErrorKind::Sampling { .. } => {
            return PyRuntimeError::new_err(error.render());
        }
        ErrorKind::NeedsValue { .. }
        | ErrorKind::SideEffect { .. }
        | ErrorKind::Unread { .. }
        | ErrorKind::UnknownCall { .. }
        | ErrorKind::Unlifted { .. }
        | ErrorKind::Uncovered { .. }
        | ErrorKind::TooLong { .. } => "GraphBreak",
        ErrorKind::Assumption { .. } => "LiftError",
        ErrorKind::NotDifferentiable { .. }
        | ErrorKind::NonScalarLoss { .. }
        | ErrorKind::IntegerArgument { .. } => "NotDifferentiable",
        ErrorKind::NoDensity { .. } => "NoDensity",
        ErrorKind::Syntax { .. } => "GraphSyntaxError",
    };
    instance(py, &["lazy._errors"], class, &error.render())
}

/// The error with the text of its line: transforms know where it is, not what stands there.
fn with_text(py: Python<'_>, error: &Error) -> Error {
    let mut error = error.clone();
    if let Some(place) = &mut error.place
        && place.text.is_none()
    {
        let line = py
            .import("linecache")
            .and_then(|m| m.call_method1("getline", (&*place.file, place.span.line)))
            .and_then(|line| line.extract::<String>());
        place.text = line
            .ok()
            .filter(|line| !line.is_empty())
            .map(|line| line.trim_end().into());
    }
    error
}

/// The exception that plain Python would raise here. Its message stays as it is; where it happened is
/// a note below the traceback.
fn raised(py: Python<'_>, class: &str, message: &str, error: &Error) -> PyErr {
    let modules = ["builtins", "numpy.exceptions", "numpy.linalg"];
    let out = instance(py, &modules, class, message);
    if error.place.is_some() {
        // A failure to attach the note must not replace the exception itself.
        let _ = out.value(py).call_method1("add_note", (error.render(),));
    }
    out
}

/// What Python raised, as an error of the core.
pub fn caught(py: Python<'_>, error: &PyErr) -> Box<Error> {
    let name = error.get_type(py).name().map(|n| n.to_string());
    let exception = Exception::Named(name.unwrap_or_default().as_str().into());
    Error::raises(exception, error.value(py).to_string())
}

/// An instance of the first class with this name.
fn instance(py: Python<'_>, modules: &[&str], class: &str, message: &str) -> PyErr {
    let found = modules.iter().find_map(|module| {
        let class = py.import(*module).ok()?.getattr(class).ok()?;
        class.cast_into::<PyType>().ok()
    });
    match found {
        Some(class) => PyErr::from_type(class, message.to_owned()),
        None => PyRuntimeError::new_err(format!("{class}: {message}")),
    }
}

/// `?` from the core's results to Python's.
pub trait Raise<T> {
    /// # Errors
    /// The exception for the core's error.
    fn raise(self, py: Python<'_>) -> PyResult<T>;
}

impl<T> Raise<T> for lazy_core::error::Result<T> {
    fn raise(self, py: Python<'_>) -> PyResult<T> {
        self.map_err(|error| exception(py, &error))
    }
}
