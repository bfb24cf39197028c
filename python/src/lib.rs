//! The extension module `lazy._lazy`: conversions only.

use pyo3::prelude::*;

pub mod convert;
pub mod exceptions;
pub mod ndarray;

#[pymodule]
fn _lazy(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add("__version__", env!("CARGO_PKG_VERSION"))
}
