//! What a lifted function does besides computing: prints, warnings, changes of objects outside.
//!
//! In: the effects of a lift, in order, and the outputs of a run. Out: each call made by Python, with the
//! values of this run. The objects they refer to are looked up first: a change must not move them.

use lazy_core::lift::guard::Slot;
use lazy_core::lift::{Effect, Lifted, TextPiece, Tree};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::guards::{Objects, Program};
use crate::host::Object;
use crate::result;

/// Looks up every object that effects and the result refer to, before anything is changed.
pub fn hold<'py>(
    py: Python<'py>,
    lifted: &Lifted<Object>,
    program: &Program,
    found: &mut Objects<'py>,
) {
    let mut slots = Vec::new();
    for Effect::Call(_, args, keywords) in &lifted.effects {
        args.iter().for_each(|tree| slots_of(tree, &mut slots));
        keywords
            .iter()
            .for_each(|(_, tree)| slots_of(tree, &mut slots));
    }
    slots_of(&lifted.result, &mut slots);
    for slot in slots {
        // One that is gone is missed where it is needed.
        program.object(py, found, slot);
    }
}

/// Makes the calls.
///
/// # Errors
/// Theirs.
pub fn repeat<'py>(
    py: Python<'py>,
    effects: &[Effect<Object>],
    outputs: &[Bound<'py, PyAny>],
    program: &Program,
    found: &mut Objects<'py>,
) -> PyResult<()> {
    for Effect::Call(callee, args, keywords) in effects {
        let mut made = Vec::new();
        for tree in args {
            made.push(result::build(py, tree, outputs, program, found)?);
        }
        let named = PyDict::new(py);
        for (name, tree) in keywords {
            named.set_item(name, result::build(py, tree, outputs, program, found)?)?;
        }
        let callee = callee.bind(py);
        callee.call(PyTuple::new(py, made)?, Some(&named))?;
    }
    Ok(())
}

fn slots_of(tree: &Tree<Object>, out: &mut Vec<Slot>) {
    match tree {
        Tree::Same(slot) => out.push(*slot),
        Tree::Leaf(..) | Tree::Known(_) | Tree::Set(_) => {}
        Tree::Tuple(items) | Tree::List(items) => items.iter().for_each(|t| slots_of(t, out)),
        Tree::Dict(entries) => entries.iter().for_each(|(_, t)| slots_of(t, out)),
        Tree::Instance(made) => {
            made.content.iter().for_each(|t| slots_of(t, out));
            made.attributes.iter().for_each(|(_, t)| slots_of(t, out));
        }
        Tree::Text(pieces) => pieces.iter().for_each(|piece| match piece {
            TextPiece::Known(_) => {}
            TextPiece::Field(t, ..) => slots_of(t, out),
        }),
    }
}
