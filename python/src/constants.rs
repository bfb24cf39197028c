//! Constants of code, as the AST has them and as Python has them.
//!
//! In: `1`, `"ij"`, `(1, None)`. Out: [`Constant`], and back. NumPy scalars are no constants.

use lazy_core::ast::py::bigint::BigInt;
use lazy_core::ast::py::{Constant, Expr, ExprConstant};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyComplex, PyEllipsis, PyFloat, PyInt, PyString, PyTuple};

/// A Python object as a constant.
///
/// # Errors
/// `ValueError` for what Python does not write as a constant.
pub fn from_object(object: &Bound<'_, PyAny>) -> PyResult<Constant> {
    Ok(if object.is_none() {
        Constant::None
    } else if object.is(object.py().Ellipsis()) {
        Constant::Ellipsis
    } else if let Ok(b) = object.cast_exact::<PyBool>() {
        Constant::Bool(b.is_true())
    } else if object.is_exact_instance_of::<PyInt>() {
        Constant::Int(integer(object)?)
    } else if let Ok(x) = object.cast_exact::<PyFloat>() {
        Constant::Float(x.value())
    } else if let Ok(z) = object.cast_exact::<PyComplex>() {
        Constant::Complex {
            real: z.real(),
            imag: z.imag(),
        }
    } else if let Ok(s) = object.cast_exact::<PyString>() {
        Constant::Str(s.extract()?)
    } else if let Ok(bytes) = object.cast_exact::<PyBytes>() {
        Constant::Bytes(bytes.as_bytes().to_vec())
    } else if let Ok(items) = object.cast_exact::<PyTuple>() {
        Constant::Tuple(
            items
                .iter()
                .map(|item| from_object(&item))
                .collect::<PyResult<_>>()?,
        )
    } else {
        return Err(PyValueError::new_err(format!(
            "a constant of {}",
            object.get_type()
        )));
    })
}

fn integer(object: &Bound<'_, PyAny>) -> PyResult<BigInt> {
    if let Ok(small) = object.extract::<i64>() {
        return Ok(small.into());
    }
    // Decimal digits are limited by sys.set_int_max_str_digits; hexadecimal ones are not.
    let digits: String = object.call_method1("__format__", ("x",))?.extract()?;
    BigInt::parse_bytes(digits.as_bytes(), 16)
        .ok_or_else(|| PyValueError::new_err("an integer constant"))
}

/// A constant as a Python object.
///
/// # Errors
/// `MemoryError`.
pub fn to_object<'py>(py: Python<'py>, value: &Constant) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Constant::None => py.None().into_bound(py),
        Constant::Bool(b) => PyBool::new(py, *b).to_owned().into_any(),
        Constant::Str(s) => PyString::new(py, s).into_any(),
        Constant::Bytes(bytes) => PyBytes::new(py, bytes).into_any(),
        Constant::Int(i) => match i64::try_from(i) {
            Ok(small) => small.into_pyobject(py)?.into_any(),
            Err(_) => py.get_type::<PyInt>().call1((i.to_str_radix(16), 16))?,
        },
        Constant::Tuple(items) => {
            let items = items
                .iter()
                .map(|c| to_object(py, c))
                .collect::<PyResult<Vec<_>>>()?;
            PyTuple::new(py, items)?.into_any()
        }
        Constant::Float(x) => PyFloat::new(py, *x).into_any(),
        Constant::Complex { real, imag } => PyComplex::from_doubles(py, *real, *imag).into_any(),
        Constant::Ellipsis => PyEllipsis::get(py).to_owned().into_any(),
    })
}

/// A constant as an expression.
pub fn expr(value: Constant) -> Expr {
    Expr::Constant(ExprConstant {
        value,
        kind: None,
        range: Default::default(),
    })
}
