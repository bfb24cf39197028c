//! Calls of compiled code, with real arrays.
//!
//! In: a call's site and the values of its operands. Out: its results, in the order of the site's leaves.

use lazy_core::error::Result;
use lazy_core::eval::plan::violated;
use lazy_core::eval::value::Value;
use lazy_core::lift::numpy::Form;
use lazy_core::lift::{CallSite, Tree};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::convert;
use crate::exceptions;
use crate::guards::{Objects, Program};
use crate::host::Object;
use crate::ndarray;
use crate::result;

/// Calls the function of the site.
///
/// # Errors
/// What it raises; `Assumption` if what it gives has not the structure it had when lifting.
pub fn call<'py>(
    py: Python<'py>,
    site: &CallSite<Object>,
    operands: &[Value],
    program: &Program,
    found: &mut Objects<'py>,
) -> Result<Vec<Value>> {
    let made = make(py, site, operands, program, found);
    let (given, filled) = made.map_err(|error| exceptions::caught(py, &error))?;
    let mut values = Vec::new();
    let mut flat = flatten(&site.result, &given, &mut values);
    for array in &filled {
        let leaf = Tree::Leaf(0, Form::Array);
        flat = flat.and_then(|()| flatten(&leaf, array, &mut values));
    }
    match flat {
        Some(()) => Ok(values),
        None => Err(violated("a call gave something else than before".into())),
    }
}

/// What the function gives, and the arrays that it filled.
type Given<'py> = (Bound<'py, PyAny>, Vec<Bound<'py, PyAny>>);

fn make<'py>(
    py: Python<'py>,
    site: &CallSite<Object>,
    operands: &[Value],
    program: &Program,
    found: &mut Objects<'py>,
) -> PyResult<Given<'py>> {
    let mut forms = vec![Form::Array; operands.len()];
    let keywords = site.keywords.iter().map(|(_, tree)| tree);
    for tree in site.args.iter().chain(keywords) {
        tree.map(&mut |i, form| {
            forms[i] = form;
            Tree::Leaf(i, form)
        });
    }
    let objects = operands.iter().zip(forms);
    let objects = objects.map(|(value, form)| convert::object(py, value, form));
    let mut objects = objects.collect::<PyResult<Vec<_>>>()?;
    for &at in &site.filled {
        for leaf in site.args[at].leaves() {
            objects[leaf] = objects[leaf].call_method0("copy")?;
        }
    }
    let mut args = Vec::with_capacity(site.args.len());
    for tree in &site.args {
        args.push(result::build(py, tree, &objects, program, found)?);
    }
    let named = PyDict::new(py);
    for (name, tree) in &site.keywords {
        named.set_item(name, result::build(py, tree, &objects, program, found)?)?;
    }
    let filled = site.filled.iter().map(|&at| args[at].clone()).collect();
    let args = PyTuple::new(py, args)?;
    let given = site.callee.bind(py).call(args, Some(&named))?;
    Ok((given, filled))
}

/// The leaves of what a call gave; `None` if its containers are others.
fn flatten(tree: &Tree<Object>, given: &Bound<'_, PyAny>, values: &mut Vec<Value>) -> Option<()> {
    let py = given.py();
    match tree {
        Tree::Leaf(..) => {
            let api = ndarray::api(py).ok()?;
            let value = convert::value(api, given)
                .or_else(|| convert::number(api, given).map(|n| convert::owned(&n.view())));
            values.push(value?);
        }
        Tree::Tuple(items) | Tree::List(items) => {
            if given.len().ok()? != items.len() {
                return None;
            }
            for (i, item) in items.iter().enumerate() {
                flatten(item, &given.get_item(i).ok()?, values)?;
            }
        }
        Tree::Known(object) if given.is(object.bind(py)) => {}
        Tree::Known(_)
        | Tree::Same(_)
        | Tree::Dict(_)
        | Tree::Set(_)
        | Tree::Instance(_)
        | Tree::Text(_) => return None,
    }
    Some(())
}
