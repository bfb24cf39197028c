//! Checking, at each call, that a lift is valid; and finding its inputs on the way.
//!
//! In: the call's arguments and a [`Program`]. Out: the objects that are graph inputs, or `None`.
//! The checks run in the order in which lifting made them, fetching objects as they are needed.

use std::collections::HashMap;

use lazy_core::lift::guard::{Check, Fetch, Guards, Slot};
use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyDict, PyList, PyString, PyTuple};
use smallvec::SmallVec;

use crate::host::Object;
use crate::ndarray::Api;

/// Objects by slot, during one check.
type Found<'py> = SmallVec<[Option<Bound<'py, PyAny>>; 16]>;

/// Guards made ready to run: names are interned strings.
#[derive(Debug)]
pub struct Program {
    fetches: Vec<Ready>,
    checks: Vec<(Slot, Check<Object>)>,
    inputs: Vec<Slot>,
}

/// A fetch whose names are Python strings already.
#[derive(Debug)]
enum Ready {
    Argument(usize),
    Held(Object),
    Global(Object, Py<PyString>),
    Made(Object, Vec<Object>),
    Cell(Object),
    Attribute(Slot, Py<PyString>),
    Item(Slot, usize),
    Entry(Slot, Object),
}

impl Program {
    /// `inputs`: the slot of each graph input.
    pub fn new(py: Python<'_>, guards: Guards<Object>, inputs: Vec<Slot>) -> Program {
        let intern = |name: &str| PyString::intern(py, name).unbind();
        let fetches = guards
            .fetches
            .into_iter()
            .map(|fetch| match fetch {
                Fetch::Argument(i) => Ready::Argument(i),
                Fetch::Held(o) => Ready::Held(o),
                Fetch::Global(globals, name) => Ready::Global(globals, intern(&name)),
                Fetch::Made(callee, args) => Ready::Made(callee, args),
                Fetch::Cell(cell) => Ready::Cell(cell),
                Fetch::Attribute(slot, name) => Ready::Attribute(slot, intern(&name)),
                Fetch::Item(slot, i) => Ready::Item(slot, i),
                Fetch::Entry(slot, key) => Ready::Entry(slot, key),
            })
            .collect();
        Program {
            fetches,
            checks: guards.checks,
            inputs,
        }
    }

    /// The graph inputs' objects in order, if all checks hold. `arguments` are the bound parameters.
    pub fn check<'py>(
        &self,
        py: Python<'py>,
        api: &Api,
        arguments: &[Bound<'py, PyAny>],
    ) -> Option<(SmallVec<[Bound<'py, PyAny>; 8]>, Objects<'py>)> {
        let mut found: Found<'py> = SmallVec::from_elem(None, self.fetches.len());
        for (slot, check) in &self.checks {
            let object = self.fetch(py, arguments, &mut found, *slot)?;
            let holds = match check {
                Check::Is(expected) => {
                    object.as_ptr() == expected.as_ptr()
                        || is_same_method(&object, expected.bind(py))
                }
                Check::Equals(expected) => {
                    let expected = expected.bind(py);
                    object.is(expected)
                        || (object.get_type().is(expected.get_type())
                            && object.eq(expected).unwrap_or(false))
                }
                Check::Type(class) => object.get_type().as_ptr() == class.as_ptr(),
                Check::Length(n) => object.len().is_ok_and(|len| len == *n),
                Check::Keys(keys) => {
                    let found: Vec<_> = object.try_iter().ok()?.collect::<PyResult<_>>().ok()?;
                    found.len() == keys.len()
                        && found.iter().zip(keys).all(|(a, b)| {
                            a.as_ptr() == b.as_ptr() || a.eq(b.bind(py)).unwrap_or(false)
                        })
                }
                Check::Array { dtype, rank, .. } => api.fields(&object).is_some_and(|fields| {
                    fields.shape().len() == *rank && fields.dtype() == Some(*dtype)
                }),
                Check::Number { .. } => true,
                Check::Same(other) => {
                    let other = self.fetch(py, arguments, &mut found, *other)?;
                    object.is(&other)
                }
                Check::Apart(other) => {
                    let other = self.fetch(py, arguments, &mut found, *other)?;
                    !object.is(&other)
                }
                Check::InOrder => in_order(api, &object),
                Check::Lacks(name) => !object.hasattr(name.as_str()).unwrap_or(true),
            };
            if !holds {
                return None;
            }
        }
        let mut inputs = SmallVec::new();
        for slot in &self.inputs {
            inputs.push(self.fetch(py, arguments, &mut found, *slot)?);
        }
        Some((
            inputs,
            Objects {
                made: HashMap::new(),
                found,
                arguments: arguments.iter().cloned().collect(),
            },
        ))
    }

    /// The objects of a call, before anything is fetched.
    pub fn objects<'py>(&self, arguments: &[Bound<'py, PyAny>]) -> Objects<'py> {
        Objects {
            made: HashMap::new(),
            found: SmallVec::from_elem(None, self.fetches.len()),
            arguments: arguments.iter().cloned().collect(),
        }
    }

    /// The object at a slot, after a successful check.
    pub fn object<'py>(
        &self,
        py: Python<'py>,
        objects: &mut Objects<'py>,
        slot: Slot,
    ) -> Option<Bound<'py, PyAny>> {
        let arguments = objects.arguments.clone();
        self.fetch(py, &arguments, &mut objects.found, slot)
    }

    fn fetch<'py>(
        &self,
        py: Python<'py>,
        arguments: &[Bound<'py, PyAny>],
        found: &mut Found<'py>,
        slot: Slot,
    ) -> Option<Bound<'py, PyAny>> {
        if let Some(object) = &found[slot] {
            return Some(object.clone());
        }
        let object = match &self.fetches[slot] {
            Ready::Argument(i) => arguments.get(*i)?.clone(),
            Ready::Held(object) => object.bind(py).clone(),
            Ready::Global(globals, name) => {
                let globals = globals.bind(py).cast::<PyDict>().ok()?;
                match globals.get_item(name.bind(py)).ok()? {
                    Some(object) => object,
                    None => py.import("builtins").ok()?.getattr(name.bind(py)).ok()?,
                }
            }
            Ready::Made(callee, args) => {
                let args = args.iter().map(|o| o.bind(py)).collect::<Vec<_>>();
                callee.bind(py).call1(PyTuple::new(py, args).ok()?).ok()?
            }
            Ready::Cell(cell) => cell.bind(py).getattr("cell_contents").ok()?,
            Ready::Attribute(parent, name) => {
                let parent = self.fetch(py, arguments, found, *parent)?;
                parent.getattr(name.bind(py)).ok()?
            }
            Ready::Item(parent, i) => {
                let parent = self.fetch(py, arguments, found, *parent)?;
                match parent.cast::<PyTuple>() {
                    Ok(tuple) => tuple.get_item(*i).ok()?,
                    Err(_) => parent.cast::<PyList>().ok()?.get_item(*i).ok()?,
                }
            }
            Ready::Entry(parent, key) => {
                let parent = self.fetch(py, arguments, found, *parent)?;
                match parent.cast::<PyDict>() {
                    Ok(dict) => dict.get_item(key.bind(py)).ok()??,
                    // A read-only view of one.
                    Err(_) => parent.get_item(key.bind(py)).ok()?,
                }
            }
        };
        found[slot] = Some(object.clone());
        Some(object)
    }
}

/// Whether two compiled methods are one, as `chain.from_iterable`, which is made each time it is asked for.
fn is_same_method(a: &Bound<'_, PyAny>, b: &Bound<'_, PyAny>) -> bool {
    a.is_exact_instance_of::<PyCFunction>()
        && b.is_exact_instance_of::<PyCFunction>()
        && a.eq(b).unwrap_or(false)
}

/// Whether an array's elements lie in C order.
pub fn in_order(api: &Api, object: &Bound<'_, PyAny>) -> bool {
    let Some(fields) = api.fields(object) else {
        return false;
    };
    let Some(dtype) = fields.dtype() else {
        return false;
    };
    let mut expected = dtype.size() as isize;
    let axes = fields.shape().iter().zip(fields.strides()).rev();
    for (&size, &stride) in axes {
        if size != 1 && stride != expected {
            return false;
        }
        expected *= size as isize;
    }
    true
}

/// What a check found, for results that are such objects themselves.
pub struct Objects<'py> {
    /// Instances made for results, by identity: one that is met twice is one object.
    pub made: HashMap<usize, Bound<'py, PyAny>>,
    found: Found<'py>,
    arguments: SmallVec<[Bound<'py, PyAny>; 8]>,
}
