//! Random draws by NumPy's own generators.
//!
//! In: a draw's site and its parameters. Out: the sample, from the very stream that NumPy would use; or,
//! while lifting, from a copy of the generator, so that looking ahead takes nothing from the stream.

use std::cell::RefCell;

use lazy_core::eval::value::Value;
use lazy_core::graph::DType;
use lazy_core::lift::DrawSite;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::convert;
use crate::host::Object;
use crate::ndarray;

/// Calls the method of the generator.
///
/// # Errors
/// What it raises.
pub fn draw(
    site: &DrawSite<Object>,
    generator: &Bound<'_, PyAny>,
    parameters: &[Value],
    shape: &[usize],
    dtype: DType,
) -> PyResult<Value> {
    let py = generator.py();
    let api = ndarray::api(py)?;
    let mut args = Vec::new();
    for value in parameters {
        let array = convert::array(py, value)?;
        args.push(if value.shape.is_empty() {
            array.call_method0("item")?
        } else {
            array
        });
    }
    let named = PyDict::new(py);
    if matches!(site.method.as_str(), "rand" | "randn") {
        // Their arguments are the sizes.
        for &size in shape {
            args.push(size.into_pyobject(py)?.into_any());
        }
    } else if site.sized {
        named.set_item("size", PyTuple::new(py, shape)?)?;
    }
    let args = PyTuple::new(py, args)?;
    let drawn = generator.call_method(site.method.as_str(), args, Some(&named))?;
    let asarray = py.import("numpy")?.getattr("asarray")?;
    let array = asarray.call1((drawn, api.descr(py, dtype)))?;
    convert::value(api, &array).ok_or_else(|| PyTypeError::new_err("a draw gave no array"))
}

/// Where generators stood before a run, which may turn out to be of another path.
pub struct Streams<'py>(Vec<(Bound<'py, PyAny>, Bound<'py, PyAny>)>);

impl<'py> Streams<'py> {
    /// # Errors
    /// If a generator does not say where it stands.
    pub fn of(generators: impl IntoIterator<Item = Bound<'py, PyAny>>) -> PyResult<Streams<'py>> {
        let stands = |generator: Bound<'py, PyAny>| {
            let state = match bits_of(&generator) {
                Some(bits) => bits.getattr("state"),
                None => generator.call_method0("get_state"),
            };
            state.map(|state| (generator, state))
        };
        generators
            .into_iter()
            .map(stands)
            .collect::<PyResult<_>>()
            .map(Streams)
    }

    /// # Errors
    /// If a generator cannot be set back.
    pub fn rewind(self) -> PyResult<()> {
        for (generator, state) in self.0 {
            match bits_of(&generator) {
                Some(bits) => bits.setattr("state", state)?,
                None => drop(generator.call_method1("set_state", (state,))?),
            }
        }
        Ok(())
    }
}

/// Where a generator's state is; `numpy.random` has a module by this name, and its state elsewhere.
fn bits_of<'py>(generator: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    let bits = generator.getattr("bit_generator").ok()?;
    bits.hasattr("state").is_ok_and(|has| has).then_some(bits)
}

/// Copies of generators, each made when it is first needed.
#[derive(Default)]
pub struct Rehearsal(RefCell<Vec<(Object, Object)>>);

impl Rehearsal {
    /// The copy of a generator; of the module `numpy.random`, one in its present state.
    ///
    /// # Errors
    /// If it cannot be copied.
    pub fn copy_of<'py>(&self, original: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = original.py();
        let mut copies = self.0.borrow_mut();
        if let Some((_, copy)) = copies.iter().find(|(o, _)| o.bind(py).is(original)) {
            return Ok(copy.bind(py).clone());
        }
        let random = py.import("numpy.random")?;
        let copy = if original.is(&random) {
            let state = random.call_method0("get_state")?;
            let copy = random.call_method0("RandomState")?;
            copy.call_method1("set_state", (state,))?;
            copy
        } else {
            py.import("copy")?.call_method1("deepcopy", (original,))?
        };
        copies.push((Object::new(original), Object::new(&copy)));
        Ok(copy)
    }
}
