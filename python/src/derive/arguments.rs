//! The arguments and results of a lifted call, as the transforms see them.
//!
//! In: a [`Lifted`] call and positions of its arguments. Out: graph inputs, and containers like theirs.

use std::sync::Arc;

use lazy_core::error::{Error, ErrorKind, Result};
use lazy_core::eval::value::Value;
use lazy_core::graph::{Aval, Builder, Graph, NodeId};
use lazy_core::lift::guard::{Fetch, Slot};
use lazy_core::lift::numpy::Form;
use lazy_core::lift::{Lifted, Made, ParameterKind, Tree};
use lazy_core::ops::Constant;
use pyo3::prelude::*;

use super::Argnums;
use crate::convert;
use crate::host::Object;
use crate::ndarray;

/// The same graph with other outputs.
pub(super) fn with_outputs(graph: &Graph, outputs: Vec<NodeId>) -> Graph {
    Builder::extend(graph).finish(outputs)
}

/// Forgets what a call does beside giving a result: a derivative alone is wanted.
pub(super) fn without_effects(lifted: &mut Lifted<Object>) {
    lifted.effects.clear();
    lifted.writes.clear();
    lifted.views.clear();
}

/// Names and containers of what is passed by position, where the items of `*args` count one by one; then
/// of what is passed by name.
pub(super) fn arguments(lifted: &Lifted<Object>) -> Vec<(String, &Tree<Object>)> {
    let mut out = Vec::new();
    let mut named = Vec::new();
    let receiver = usize::from(lifted.receiver);
    for parameter in lifted.parameters.iter().skip(receiver) {
        match (parameter.kind, &parameter.tree) {
            (ParameterKind::Variadic, Tree::Tuple(items)) => {
                let name = |i| format!("{}[{i}]", parameter.name);
                out.extend(items.iter().enumerate().map(|(i, item)| (name(i), item)));
            }
            (ParameterKind::KeywordOnly, tree) => named.push((parameter.name.clone(), tree)),
            (_, tree) => out.push((parameter.name.clone(), tree)),
        }
    }
    out.extend(named);
    out
}

/// The graph inputs that are the leaves of arguments.
pub(super) fn differentiated(
    lifted: &Lifted<Object>,
    argnums: &Argnums,
) -> Result<(Vec<usize>, Vec<usize>)> {
    let arguments = arguments(lifted);
    let positions = argnums.resolve(arguments.len())?;
    let mut inputs = Vec::new();
    for &p in &positions {
        let (name, tree) = &arguments[p];
        require_floats(&lifted.graph, name, tree)?;
        inputs.extend(tree.leaves());
    }
    Ok((positions, inputs))
}

pub(super) fn require_floats(graph: &Graph, name: &str, tree: &Tree<Object>) -> Result<()> {
    let refuse = |argument: String, dtype: String| {
        Err(Error::new(ErrorKind::IntegerArgument { argument, dtype }))
    };
    match tree {
        Tree::Leaf(input, _) => {
            let id = graph.inputs()[*input];
            let aval = graph.aval(id);
            if aval.dtype.is_inexact() {
                return Ok(());
            }
            let label = graph.node(id).name.as_deref().unwrap_or(name).to_string();
            refuse(label, aval.dtype.to_string())
        }
        Tree::Known(object) => refuse(name.to_string(), type_name(object)),
        Tree::Same(_) | Tree::Text(_) | Tree::Set(_) => {
            refuse(name.to_string(), "not an array".into())
        }
        Tree::Instance(made) => {
            let attributes = made.attributes.iter().map(|(_, tree)| tree);
            let mut parts = made.content.iter().chain(attributes);
            parts.try_for_each(|tree| require_floats(graph, name, tree))
        }
        Tree::Tuple(items) | Tree::List(items) => items
            .iter()
            .try_for_each(|t| require_floats(graph, name, t)),
        Tree::Dict(entries) => entries
            .iter()
            .try_for_each(|(_, t)| require_floats(graph, name, t)),
    }
}

fn type_name(object: &Object) -> String {
    Python::attach(|py| {
        let name = object.bind(py).get_type().name();
        name.map(|n| n.to_string()).unwrap_or_default()
    })
}

/// The gradients' containers, like those of the parameters.
pub(super) fn like_parameters(
    lifted: &Lifted<Object>,
    positions: &[usize],
    single: bool,
    output: &mut dyn FnMut(usize, Form) -> Tree<Object>,
) -> Tree<Object> {
    let arguments = arguments(lifted);
    let mut trees: Vec<_> = positions
        .iter()
        .map(|&p| arguments[p].1.map(output).apart())
        .collect();
    if single && trees.len() == 1 {
        trees.remove(0)
    } else {
        Tree::Tuple(trees)
    }
}

/// The output that is the loss, and what comes with it.
pub(super) fn loss_of(
    lifted: &mut Lifted<Object>,
    has_aux: bool,
) -> Result<(usize, Option<Tree<Object>>)> {
    let (loss, aux) = match (lifted.result.clone(), has_aux) {
        (Tree::Tuple(mut items), true) if items.len() == 2 => {
            let aux = items.pop();
            (items.remove(0), aux)
        }
        (_, true) => {
            return Err(Error::type_error(
                "with has_aux the function must return (loss, aux)",
            ));
        }
        (tree, false) => (tree, None),
    };
    match with_leaves(lifted, &loss)? {
        Tree::Leaf(output, _) => Ok((output, aux)),
        Tree::Same(_) => Err(non_scalar("an object")),
        Tree::Known(object) => Err(non_scalar(&format!("a {}", type_name(&object)))),
        Tree::Tuple(_) => Err(non_scalar("a tuple")),
        Tree::List(_) => Err(non_scalar("a list")),
        Tree::Dict(_) => Err(non_scalar("a dict")),
        Tree::Text(_) => Err(non_scalar("a string")),
        Tree::Set(_) => Err(non_scalar("a set")),
        Tree::Instance(_) => Err(non_scalar("an object")),
    }
}

pub(super) fn non_scalar(what: &str) -> Box<Error> {
    Error::new(ErrorKind::NonScalarLoss { shape: what.into() })
}

/// Moves every reference to an output, except the result's, by `by`.
pub(super) fn shift_outputs(lifted: &mut Lifted<Object>, by: usize) {
    for (_, output) in &mut lifted.writes {
        *output += by;
    }
    for view in &mut lifted.views {
        view.moved(|output| output + by);
    }
    for effect in &mut lifted.effects {
        let lazy_core::lift::Effect::Call(_, args, keywords) = effect;
        let shift = |t: &mut Tree<Object>| *t = t.map(&mut |i, form| Tree::Leaf(i + by, form));
        args.iter_mut().for_each(shift);
        keywords
            .iter_mut()
            .for_each(|(_, t)| *t = t.map(&mut |i, form| Tree::Leaf(i + by, form)));
    }
}

pub(super) fn describe_input(lifted: &Lifted<Object>, input: usize) -> (String, Aval) {
    let id = lifted.graph.inputs()[input];
    (
        lifted.inputs[input].name.to_string(),
        lifted.graph.aval(id).clone(),
    )
}

/// The result with nothing but outputs where numbers and arrays are: those that are arguments, or known,
/// become outputs of the graph.
pub(super) fn result_with_leaves(lifted: &mut Lifted<Object>) -> Result<Tree<Object>> {
    lifted.result = with_leaves(lifted, &lifted.result.clone())?;
    Ok(lifted.result.clone())
}

fn with_leaves(lifted: &mut Lifted<Object>, tree: &Tree<Object>) -> Result<Tree<Object>> {
    let mut all = |trees: &[Tree<Object>]| -> Result<Vec<_>> {
        trees.iter().map(|tree| with_leaves(lifted, tree)).collect()
    };
    Ok(match tree {
        Tree::Leaf(..) | Tree::Text(_) | Tree::Set(_) => tree.clone(),
        Tree::Tuple(items) => Tree::Tuple(all(items)?),
        Tree::List(items) => Tree::List(all(items)?),
        Tree::Dict(entries) => {
            let (keys, trees): (Vec<_>, Vec<_>) = entries.iter().cloned().unzip();
            Tree::Dict(keys.into_iter().zip(all(&trees)?).collect())
        }
        Tree::Instance(made) => {
            let content = made.content.as_ref();
            let content = content.map(|c| with_leaves(lifted, c)).transpose()?;
            let mut attributes = Vec::new();
            for (name, tree) in &made.attributes {
                attributes.push((name.clone(), with_leaves(lifted, tree)?));
            }
            Tree::Instance(Box::new(Made {
                identity: made.identity,
                class: made.class.clone(),
                content,
                attributes,
            }))
        }
        Tree::Same(slot) => {
            let tree = tree_at(lifted, *slot);
            let tree = tree.ok_or_else(|| non_scalar("an object that is no array"))?;
            // What was written to an argument is what is returned.
            let nodes: Vec<NodeId> = (0..lifted.inputs.len())
                .map(|input| match lifted.writes.iter().find(|w| w.0 == input) {
                    Some((_, output)) => lifted.graph.outputs()[*output],
                    None => lifted.graph.inputs()[input],
                })
                .collect();
            let tree =
                tree.map(&mut |input, form| Tree::Leaf(add_output(lifted, nodes[input]), form));
            with_leaves(lifted, &tree)?
        }
        Tree::Known(object) => match Python::attach(|py| number(object.bind(py))) {
            Some((value, form)) => {
                let mut b = Builder::extend(&lifted.graph);
                let outputs = lifted.graph.outputs().to_vec();
                let aval = Aval {
                    weak: form == Form::Python,
                    ..Aval::scalar(value.dtype)
                };
                let node = b.constant(Constant::Array(Arc::new(value)), aval);
                lifted.graph = b.finish(outputs);
                Tree::Leaf(add_output(lifted, node), form)
            }
            None => tree.clone(),
        },
    })
}

fn add_output(lifted: &mut Lifted<Object>, node: NodeId) -> usize {
    let mut outputs = lifted.graph.outputs().to_vec();
    outputs.push(node);
    let at = outputs.len() - 1;
    lifted.graph = with_outputs(&lifted.graph, outputs);
    at
}

/// What is found at a slot, if it is an argument, a part of one, or a graph input: over graph inputs.
fn tree_at(lifted: &Lifted<Object>, slot: Slot) -> Option<Tree<Object>> {
    if let Some(input) = lifted.inputs.iter().position(|i| i.slot == slot) {
        return Some(Tree::Leaf(input, lifted.inputs[input].form));
    }
    match &lifted.guards.fetches[slot] {
        Fetch::Argument(i) => lifted.parameters.get(*i).map(|p| p.tree.clone()),
        Fetch::Item(parent, k) => match tree_at(lifted, *parent)? {
            Tree::Tuple(items) | Tree::List(items) => items.get(*k).cloned(),
            Tree::Instance(made) => match made.content {
                Some(Tree::Tuple(items)) => items.get(*k).cloned(),
                _ => None,
            },
            _ => None,
        },
        Fetch::Entry(parent, key) => match tree_at(lifted, *parent)? {
            Tree::Dict(entries) => {
                let found = entries
                    .into_iter()
                    .find(|(k, _)| k.as_ptr() == key.as_ptr());
                found.map(|(_, tree)| tree)
            }
            _ => None,
        },
        _ => None,
    }
}

/// A number that is known, and how Python sees it.
fn number(object: &Bound<'_, PyAny>) -> Option<(Value, Form)> {
    let api = ndarray::api(object.py()).ok()?;
    let form = match api.is_scalar(object) {
        true => Form::Scalar,
        false => Form::Python,
    };
    Some((convert::owned(&convert::number(api, object)?.view()), form))
}
