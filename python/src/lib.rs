//! The extension module `lazy._lazy`: conversions only.

use pyo3::prelude::*;

pub mod array;
pub mod code;
pub mod convert;
pub mod exceptions;
pub mod ndarray;
pub mod operations;
pub mod record;
pub mod sampler;

#[pymodule]
fn _lazy(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<record::Array>()?;
    m.add_function(wrap_pyfunction!(record::record_call, m)?)?;
    m.add_function(wrap_pyfunction!(record::names, m)?)?;
    m.add_function(wrap_pyfunction!(record::compute_all, m)?)?;
    m.add_function(wrap_pyfunction!(record::wrap, m)?)?;
    m.add_function(wrap_pyfunction!(record::variable, m)?)?;
    m.add_function(wrap_pyfunction!(record::recorded_source, m)?)?;
    m.add_function(wrap_pyfunction!(operations::operations, m)?)?;
    m.add_function(wrap_pyfunction!(code::blocks, m)?)?;
    m.add("__version__", env!("CARGO_PKG_VERSION"))
}
