//! NumPy's own loops for decompositions and Fourier transforms, for the evaluator.
//!
//! In: NumPy's generalised functions. Out: their inner loops, which need no GIL.
//! What a NumPy does not have is computed by the evaluator itself.
//!
//! Source: `PyUFuncObject` in NumPy's `ufuncobject.h`, unchanged through all of NumPy 2.

use std::ffi::{c_char, c_int, c_void};

use lazy_core::eval::native::{Loop, Loops, NAMES, Native, provide};
use lazy_core::graph::DType;
use pyo3::ffi::PyObject;
use pyo3::prelude::*;

/// The head of `PyUFuncObject`.
#[repr(C)]
struct Ufunc {
    head: PyObject,
    inputs: c_int,
    outputs: c_int,
    arguments: c_int,
    identity: c_int,
    functions: *const Option<Loop>,
    data: *const *mut c_void,
    kinds: c_int,
    reserved: c_int,
    name: *const c_char,
    types: *const c_char,
}

/// The dtype of a type number of NumPy.
fn dtype(number: c_char) -> Option<DType> {
    match number {
        11 => Some(DType::F32),
        12 => Some(DType::F64),
        14 => Some(DType::C64),
        15 => Some(DType::C128),
        _ => None,
    }
}

/// Gives the evaluator what this NumPy has.
pub fn install(py: Python<'_>) {
    let Ok(ufunc) = py.import("numpy").and_then(|numpy| numpy.getattr("ufunc")) else {
        return;
    };
    let mut found = Loops::new();
    for (module, names) in NAMES {
        if let Ok(module) = py.import(module) {
            for name in names {
                if let Ok(function) = module.getattr(name)
                    && function.is_instance(&ufunc).unwrap_or(false)
                {
                    collect(name, &function, &mut found);
                }
            }
        }
    }
    provide(found);
}

fn collect(name: &'static str, function: &Bound<'_, PyAny>, found: &mut Loops) {
    // SAFETY: the object is a ufunc, whose head is this in every NumPy 2.
    let head = unsafe { &*function.as_ptr().cast::<Ufunc>() };
    for kind in 0..head.kinds as usize {
        // SAFETY: the tables have one entry per kind, `types` one per kind and argument.
        unsafe {
            let first = *head.types.add(kind * head.arguments as usize);
            if let (Some(dtype), Some(function)) = (dtype(first), *head.functions.add(kind)) {
                let data = match head.data.is_null() {
                    true => std::ptr::null_mut(),
                    false => *head.data.add(kind),
                };
                found.insert((name, dtype), Native { function, data });
            }
        }
    }
}
