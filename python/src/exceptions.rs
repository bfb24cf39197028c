//! The core's errors as Python exceptions.
//!
//! In: an [`Error`]. Out: what NumPy would raise, with the user's line as a note; or one of the
//! classes of `lazy._errors`, whose message is [`Error`]'s own.

use lazy_core::error::{Error, ErrorKind, Exception};
use pyo3::exceptions::{
    PyIndexError, PyMemoryError, PyOverflowError, PyRuntimeError, PyTypeError, PyValueError,
    PyZeroDivisionError,
};
use pyo3::prelude::*;
use pyo3::types::PyType;

/// The exception to raise.
pub fn exception(py: Python<'_>, error: &Error) -> PyErr {
    let class = match &error.kind {
        ErrorKind::Raises { exception, message } => {
            let raised = numpys(py, *exception, message);
            if error.place.is_some() {
                // The message stays NumPy's; where it happened goes below the traceback. A failure
                // to attach a note must not replace the exception itself.
                let _ = raised
                    .value(py)
                    .call_method1("add_note", (error.to_string(),));
            }
            return raised;
        }
        ErrorKind::Internal { message } => {
            return PyRuntimeError::new_err(format!("bug in lazy: {message}"));
        }
        ErrorKind::DataDependentBranch { .. }
        | ErrorKind::NeedsValue { .. }
        | ErrorKind::SideEffect { .. } => "GraphBreak",
        ErrorKind::Unread { .. }
        | ErrorKind::UnknownCall { .. }
        | ErrorKind::Unlifted { .. }
        | ErrorKind::TooLong { .. }
        | ErrorKind::Assumption { .. } => "LiftError",
        ErrorKind::NotDifferentiable { .. }
        | ErrorKind::NonScalarLoss { .. }
        | ErrorKind::IntegerArgument { .. } => "NotDifferentiable",
        ErrorKind::NoDensity { .. } => "NoDensity",
        ErrorKind::Syntax { .. } => "GraphSyntaxError",
    };
    ours(py, class, error.to_string()).unwrap_or_else(|failure| failure)
}

fn numpys(py: Python<'_>, exception: Exception, message: &str) -> PyErr {
    let message = message.to_owned();
    match exception {
        Exception::Value => PyValueError::new_err(message),
        Exception::Type => PyTypeError::new_err(message),
        Exception::Index => PyIndexError::new_err(message),
        Exception::ZeroDivision => PyZeroDivisionError::new_err(message),
        Exception::Overflow => PyOverflowError::new_err(message),
        Exception::Memory => PyMemoryError::new_err(message),
        Exception::Axis => from_class(py, "numpy.exceptions", "AxisError", message)
            .unwrap_or_else(|failure| failure),
    }
}

fn ours(py: Python<'_>, class: &str, message: String) -> PyResult<PyErr> {
    from_class(py, "lazy._errors", class, message)
}

fn from_class(py: Python<'_>, module: &str, class: &str, message: String) -> PyResult<PyErr> {
    let class = py.import(module)?.getattr(class)?.cast_into::<PyType>()?;
    Ok(PyErr::from_type(class, message))
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
