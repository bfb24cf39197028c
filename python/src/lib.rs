//! The extension module `lazy._lazy`: conversions only.

use pyo3::prelude::*;

pub mod array;
mod calls;
pub mod code;
pub mod constants;
pub mod convert;
pub mod derive;
mod draws;
mod effects;
pub mod exceptions;
pub mod function;
pub mod guards;
pub mod host;
pub mod memory;
pub mod native;
pub mod ndarray;
pub mod operations;
pub mod posterior;
pub mod record;
pub mod result;
pub mod sampler;
pub mod signature;
pub mod source;
pub mod text;

#[pymodule]
fn _lazy(m: &Bound<'_, PyModule>) -> PyResult<()> {
    native::install(m.py());
    m.add_class::<record::Array>()?;
    m.add_class::<function::Dispatcher>()?;
    m.add_function(wrap_pyfunction!(posterior::sample, m)?)?;
    m.add_function(wrap_pyfunction!(record::record_call, m)?)?;
    m.add_function(wrap_pyfunction!(record::names, m)?)?;
    m.add_function(wrap_pyfunction!(record::compute_all, m)?)?;
    m.add_function(wrap_pyfunction!(record::wrap, m)?)?;
    m.add_function(wrap_pyfunction!(record::variable, m)?)?;
    m.add_function(wrap_pyfunction!(record::recorded_source, m)?)?;
    m.add_function(wrap_pyfunction!(operations::operations, m)?)?;
    m.add_function(wrap_pyfunction!(threads, m)?)?;
    m.add_function(wrap_pyfunction!(set_threads, m)?)?;
    m.add_function(wrap_pyfunction!(code::blocks, m)?)?;
    m.add_function(wrap_pyfunction!(text::emitted, m)?)?;
    m.add_function(wrap_pyfunction!(text::evaluated, m)?)?;
    m.add_function(wrap_pyfunction!(text::printed, m)?)?;
    m.add("__version__", env!("CARGO_PKG_VERSION"))
}

/// How many threads a call may use.
#[pyfunction]
fn threads() -> usize {
    lazy_core::eval::threads::get()
}

/// Limits them; 0 goes back to the default.
#[pyfunction]
fn set_threads(number: usize) {
    lazy_core::eval::threads::set(number);
}
