//! Python objects to the core's values, and back.
//!
//! In: arguments of a call. Out: [`View`]s of their memory, [`Arg`]s for NumPy's vocabulary, and for
//! results [`Arrays`], which lets the evaluator write where the user's arrays will live.
//!
//! ```text
//! np.ones(3)      -> View { float64, [3], [8] }         no copy
//! (0, None, "ij") -> Arg::Tuple([Int(0), None, Str("ij")])
//! ```

use std::panic::{AssertUnwindSafe, catch_unwind};

use lazy_core::error::Result;
use lazy_core::eval::Outputs;
use lazy_core::eval::value::{Value, View};
use lazy_core::graph::DType;
use lazy_core::lift::numpy::{Arg, Form};
use num_complex::Complex64;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyComplex, PyEllipsis, PyFloat, PyInt, PyList, PySlice, PyString, PyTuple, PyType,
};
use smallvec::SmallVec;

use crate::ndarray::{self, Api};

/// The memory of an `np.ndarray`, borrowed. `None` if it is not one, or of a dtype that is not lifted.
///
/// Python code that writes to the array meanwhile makes a data race, as it does within NumPy.
#[inline]
pub fn view<'a>(api: &Api, object: &'a Bound<'_, PyAny>) -> Option<View<'a>> {
    let fields = api.fields(object)?;
    let dtype = fields.dtype()?;
    // SAFETY: NumPy promises that every element within shape and strides is readable while the
    // array lives, which the borrow of `object` ensures.
    Some(unsafe {
        View::from_raw(
            dtype,
            fields.data,
            SmallVec::from_slice(fields.shape()),
            SmallVec::from_slice(fields.strides()),
        )
    })
}

/// A number as memory: what a rank-0 input is read from.
#[derive(Clone, Copy, Debug)]
pub struct Number {
    pub dtype: DType,
    /// A Python scalar, not a NumPy one.
    pub weak: bool,
    bytes: [u64; 2],
}

impl Number {
    fn new(dtype: DType, weak: bool, bytes: [u64; 2]) -> Number {
        Number { dtype, weak, bytes }
    }

    /// The same number where a value of `dtype` is expected: Python's own widening of integers to
    /// floats, and of floats to complex numbers; nothing that loses.
    pub fn cast(self, dtype: DType) -> Option<Number> {
        if self.dtype == dtype {
            return Some(self);
        }
        let value = match self.dtype {
            DType::F64 => f64::from_bits(self.bytes[0]),
            DType::I64 => self.bytes[0] as i64 as f64,
            _ => return None,
        };
        match dtype {
            DType::F64 => Some(Number::new(dtype, self.weak, [value.to_bits(), 0])),
            DType::C128 => Some(Number::new(dtype, self.weak, [value.to_bits(), 0])),
            _ => None,
        }
    }

    pub fn view(&self) -> View<'_> {
        let shape = SmallVec::new();
        // SAFETY: 16 bytes hold one element of any dtype, and live as long as `self`.
        unsafe {
            View::from_raw(
                self.dtype,
                self.bytes.as_ptr().cast(),
                shape,
                SmallVec::new(),
            )
        }
    }
}

/// A Python or NumPy scalar. `None` if it is not one, or does not fit (integers beyond 64 bits).
#[inline]
pub fn number(api: &Api, object: &Bound<'_, PyAny>) -> Option<Number> {
    if let Ok(x) = object.cast_exact::<PyFloat>() {
        return Some(Number::new(DType::F64, true, [x.value().to_bits(), 0]));
    }
    if let Ok(x) = object.cast_exact::<PyInt>() {
        let x: i64 = x.extract().ok()?;
        return Some(Number::new(DType::I64, true, [x as u64, 0]));
    }
    if let Ok(x) = object.cast_exact::<PyBool>() {
        let mut bytes = [0; 2];
        bytes[0] = u64::from_ne_bytes([u8::from(x.is_true()), 0, 0, 0, 0, 0, 0, 0]);
        return Some(Number::new(DType::Bool, true, bytes));
    }
    if let Ok(x) = object.cast_exact::<PyComplex>() {
        let bytes = [x.real().to_bits(), x.imag().to_bits()];
        return Some(Number::new(DType::C128, true, bytes));
    }
    if api.is_scalar(object) {
        let (dtype, bytes) = api.scalar(object)?;
        return Some(Number::new(dtype, false, bytes));
    }
    None
}

/// An owned copy of an array, for constants. `None` as in [`view`].
pub fn value(api: &Api, object: &Bound<'_, PyAny>) -> Option<Value> {
    view(api, object).map(|v| owned(&v))
}

/// A C-contiguous copy.
pub fn owned(view: &View<'_>) -> Value {
    let mut out = Value::zeros(view.dtype, &view.shape);
    if out.is_empty() {
        return out;
    }
    let size = view.dtype.size();
    let (inner, step) = match (view.shape.last(), view.strides.last()) {
        (Some(&n), Some(&s)) => (n, s),
        _ => (1, size as isize),
    };
    let outer = view.shape.len().saturating_sub(1);
    let mut index: SmallVec<[usize; 4]> = SmallVec::from_elem(0, outer);
    let mut to = out.as_mut_ptr();
    let mut from = view.ptr;
    loop {
        // SAFETY: `from` walks over elements that the view says are readable, one row of `inner`
        // elements at a time; `to` over as many elements of `out`.
        unsafe {
            if step == size as isize {
                std::ptr::copy_nonoverlapping(from, to, inner * size);
            } else {
                for k in 0..inner {
                    let element = from.offset(step * k as isize);
                    std::ptr::copy_nonoverlapping(element, to.add(k * size), size);
                }
            }
            to = to.add(inner * size);
        }
        let Some(axis) = (0..outer).rev().find(|&a| index[a] + 1 < view.shape[a]) else {
            return out;
        };
        index[axis] += 1;
        index[axis + 1..].fill(0);
        let offset: isize = index
            .iter()
            .zip(&view.strides)
            .map(|(&i, &s)| i as isize * s)
            .sum();
        from = view.ptr.wrapping_offset(offset);
    }
}

/// A new `np.ndarray` with a copy of the value.
///
/// # Errors
/// `MemoryError`.
pub fn array<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    let api = ndarray::api(py)?;
    let out = api.empty(py, value.dtype, &value.shape)?;
    if let Some(fields) = api.fields(&out) {
        let bytes = value.len() * value.dtype.size();
        // SAFETY: the new array is C-contiguous, of the value's shape and dtype, and nobody else has it yet.
        unsafe { std::ptr::copy_nonoverlapping(value.as_ptr(), fields.data, bytes) };
    }
    Ok(out)
}

/// The value as Python code would have got it: an ndarray, or a scalar where the form says so.
///
/// # Errors
/// `MemoryError`.
pub fn object<'py>(py: Python<'py>, value: &Value, form: Form) -> PyResult<Bound<'py, PyAny>> {
    if !value.shape.is_empty() || form == Form::Array {
        return array(py, value);
    }
    let mut bytes = [0u64; 2];
    // SAFETY: one element has at most 16 bytes.
    unsafe {
        let to = bytes.as_mut_ptr().cast::<u8>();
        std::ptr::copy_nonoverlapping(value.as_ptr(), to, value.dtype.size());
    }
    scalar(py, ndarray::api(py)?, value.dtype, form, &bytes)
}

/// Results of a run, as Python objects: the evaluator writes into arrays that are ready to return.
pub struct Arrays<'a, 'py> {
    py: Python<'py>,
    api: &'static Api,
    forms: &'a [Form],
    slots: SmallVec<[Slot<'py>; 2]>,
}

enum Slot<'py> {
    Empty,
    Array(Bound<'py, PyAny>),
    /// Boxed, so that its address holds while the evaluator writes.
    Scalar(DType, Box<[u64; 2]>),
    Failed(PyErr),
}

impl<'a, 'py> Arrays<'a, 'py> {
    /// One form per output of the graph.
    ///
    /// # Errors
    /// If NumPy cannot be imported.
    pub fn new(py: Python<'py>, forms: &'a [Form]) -> PyResult<Arrays<'a, 'py>> {
        Ok(Arrays {
            py,
            api: ndarray::api(py)?,
            forms,
            slots: forms.iter().map(|_| Slot::Empty).collect(),
        })
    }

    /// The results. Call this even if the run failed: it knows of a `MemoryError` that made it fail.
    ///
    /// # Errors
    /// NumPy's, if an output could not be allocated.
    pub fn finish(self) -> PyResult<SmallVec<[Bound<'py, PyAny>; 2]>> {
        let mut out = SmallVec::with_capacity(self.slots.len());
        for (slot, &form) in self.slots.into_iter().zip(self.forms) {
            out.push(match slot {
                Slot::Array(array) => array,
                Slot::Scalar(dtype, bytes) => scalar(self.py, self.api, dtype, form, &bytes)?,
                Slot::Failed(error) => return Err(error),
                Slot::Empty => {
                    return Err(PyRuntimeError::new_err(
                        "bug in lazy: an output was not computed",
                    ));
                }
            });
        }
        Ok(out)
    }
}

impl Outputs for Arrays<'_, '_> {
    fn allocate(&mut self, index: usize, dtype: DType, shape: &[usize]) -> Result<*mut u8> {
        let scalar = shape.is_empty() && self.forms.get(index) != Some(&Form::Array);
        let Some(slot) = self.slots.get_mut(index) else {
            return Err(lazy_core::error::Error::internal(format!(
                "there is no output {index}"
            )));
        };
        if scalar {
            let mut bytes = Box::new([0; 2]);
            let pointer = bytes.as_mut_ptr().cast();
            *slot = Slot::Scalar(dtype, bytes);
            return Ok(pointer);
        }
        let made = self.api.empty_recycled(self.py, dtype, shape);
        match made.map(|array| (self.api.fields(&array).map(|f| f.data), array)) {
            Ok((Some(data), array)) => {
                *slot = Slot::Array(array);
                Ok(data)
            }
            Ok((None, _)) => Err(lazy_core::error::Error::internal(
                "NumPy did not make an ndarray",
            )),
            Err(error) => {
                let message = error.value(self.py).to_string();
                *slot = Slot::Failed(error);
                Err(lazy_core::error::Error::raises(
                    lazy_core::error::Exception::Memory,
                    message,
                ))
            }
        }
    }
}

/// A result of rank 0 in the form that Python code would have given it.
fn scalar<'py>(
    py: Python<'py>,
    api: &Api,
    dtype: DType,
    form: Form,
    bytes: &[u64; 2],
) -> PyResult<Bound<'py, PyAny>> {
    let data: *const u8 = bytes.as_ptr().cast();
    // SAFETY: 16 bytes hold one element of any dtype.
    let boxed = || unsafe { api.new_scalar(py, dtype, data) };
    match form {
        Form::Array | Form::Scalar => boxed(),
        Form::Python => match dtype {
            DType::F64 => Ok(PyFloat::new(py, f64::from_bits(bytes[0])).into_any()),
            DType::I64 => Ok((bytes[0] as i64).into_pyobject(py)?.into_any()),
            DType::Bool => Ok(PyBool::new(py, bytes[0].to_ne_bytes()[0] != 0)
                .to_owned()
                .into_any()),
            DType::C128 => {
                let (re, im) = (f64::from_bits(bytes[0]), f64::from_bits(bytes[1]));
                Ok(PyComplex::from_doubles(py, re, im).into_any())
            }
            // Python has no such scalars; NumPy's own conversion to the nearest.
            DType::I8
            | DType::I16
            | DType::I32
            | DType::U8
            | DType::U16
            | DType::U32
            | DType::U64
            | DType::F32
            | DType::C64 => boxed()?.call_method0("item"),
        },
    }
}

/// An object as an argument of a NumPy function. `array` is asked first about what may be an array or
/// a NumPy scalar; what nobody knows becomes [`Arg::Other`], by the name of its type.
///
/// # Errors
/// Those of `array`.
pub fn arg<'py>(
    object: &Bound<'py, PyAny>,
    array: &mut dyn FnMut(&Bound<'py, PyAny>) -> PyResult<Option<Arg>>,
) -> PyResult<Arg> {
    if object.is_none() {
        return Ok(Arg::None);
    }
    if let Ok(x) = object.cast_exact::<PyFloat>() {
        return Ok(Arg::Float(x.value()));
    }
    if let Ok(x) = object.cast_exact::<PyBool>() {
        return Ok(Arg::Bool(x.is_true()));
    }
    if let Ok(x) = object.cast_exact::<PyInt>() {
        return Ok(x.extract().map_or_else(
            |_| Arg::Other("a Python integer beyond 64 bits".into()),
            Arg::Int,
        ));
    }
    if let Some(found) = array(object)? {
        return Ok(found);
    }
    if let Ok(x) = object.cast_exact::<PyComplex>() {
        return Ok(Arg::Complex(Complex64::new(x.real(), x.imag())));
    }
    if let Ok(x) = object.cast::<PyString>() {
        return Ok(Arg::Str(x.to_str()?.to_owned()));
    }
    if object.is(PyEllipsis::get(object.py())) {
        return Ok(Arg::Ellipsis);
    }
    if let Ok(x) = object.cast::<PyTuple>() {
        return Ok(Arg::Tuple(
            x.iter().map(|o| arg(&o, array)).collect::<PyResult<_>>()?,
        ));
    }
    if let Ok(x) = object.cast::<PyList>() {
        return Ok(Arg::List(
            x.iter().map(|o| arg(&o, array)).collect::<PyResult<_>>()?,
        ));
    }
    if let Ok(x) = object.cast::<PySlice>() {
        let part = |name| -> PyResult<_> { x.as_any().getattr(name) };
        return Ok(Arg::Slice(Box::new([
            arg(&part("start")?, array)?,
            arg(&part("stop")?, array)?,
            arg(&part("step")?, array)?,
        ])));
    }
    let api = ndarray::api(object.py())?;
    if api.is_dtype(object) || object.is_instance_of::<PyType>() {
        return Ok(dtype(api, object));
    }
    Ok(Arg::Other(format!("a {}", object.get_type().name()?)))
}

/// A keyword argument: as [`arg`], except that `dtype="f4"` is a dtype and not a string.
///
/// # Errors
/// Those of `array`.
pub fn keyword<'py>(
    name: &str,
    object: &Bound<'py, PyAny>,
    array: &mut dyn FnMut(&Bound<'py, PyAny>) -> PyResult<Option<Arg>>,
) -> PyResult<Arg> {
    if name == "dtype" && !object.is_none() {
        return Ok(dtype(ndarray::api(object.py())?, object));
    }
    arg(object, array)
}

/// What NumPy takes as a dtype: `np.float32`, `"f4"`, `float`, `np.dtype(...)`.
pub fn dtype(api: &Api, object: &Bound<'_, PyAny>) -> Arg {
    match api.as_descr(object) {
        Ok(descr) => match api.dtype(&descr) {
            Some(dtype) => Arg::DType(dtype),
            None => Arg::Other(format!("dtype {descr}")),
        },
        Err(_) => Arg::Other(format!("{object}")),
    }
}

/// Runs `f`; a panic in it becomes an exception.
///
/// # Errors
/// Those of `f`, and `RuntimeError` for a panic.
pub fn guarded<T>(f: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|payload| {
        let message = payload
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| payload.downcast_ref::<&str>().copied())
            .unwrap_or("a panic");
        Err(PyRuntimeError::new_err(format!("bug in lazy: {message}")))
    })
}
