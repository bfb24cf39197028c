//! The arguments and results of a lifted call, as the transforms see them.
//!
//! In: a [`Lifted`] call and positions of its arguments. Out: graph inputs, and containers like theirs.

use lazy_core::error::{Error, ErrorKind, Result};
use lazy_core::graph::{Aval, Builder, Graph, NodeId};
use lazy_core::lift::numpy::Form;
use lazy_core::lift::{Lifted, ParameterKind, Tree};
use pyo3::prelude::*;

use super::Argnums;
use crate::host::Object;

/// The same graph with other outputs.
pub(super) fn with_outputs(graph: &Graph, outputs: Vec<NodeId>) -> Graph {
    Builder::extend(graph).finish(outputs)
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
        Tree::Known(object) => {
            let kind = Python::attach(|py| {
                object
                    .bind(py)
                    .get_type()
                    .name()
                    .map(|n| n.to_string())
                    .unwrap_or_default()
            });
            refuse(name.to_string(), kind)
        }
        Tree::Same(_) | Tree::Text(_) | Tree::Set(_) | Tree::Instance(_) => {
            refuse(name.to_string(), "not an array".into())
        }
        Tree::Tuple(items) | Tree::List(items) => items
            .iter()
            .try_for_each(|t| require_floats(graph, name, t)),
        Tree::Dict(entries) => entries
            .iter()
            .try_for_each(|(_, t)| require_floats(graph, name, t)),
    }
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
        .map(|&p| arguments[p].1.map(output))
        .collect();
    if single && trees.len() == 1 {
        trees.remove(0)
    } else {
        Tree::Tuple(trees)
    }
}

/// The output that is the loss, and what comes with it.
pub(super) fn loss_of(
    lifted: &Lifted<Object>,
    has_aux: bool,
) -> Result<(usize, Option<Tree<Object>>)> {
    let (loss, aux) = match (&lifted.result, has_aux) {
        (Tree::Tuple(items), true) if items.len() == 2 => (&items[0], Some(items[1].clone())),
        (_, true) => {
            return Err(Error::type_error(
                "with has_aux the function must return (loss, aux)",
            ));
        }
        (tree, false) => (tree, None),
    };
    match loss {
        Tree::Leaf(output, _) => Ok((*output, aux)),
        Tree::Same(slot) => {
            // The loss is an argument itself.
            let input = lifted.inputs.iter().position(|i| i.slot == *slot);
            let node = input.map(|i| lifted.graph.inputs()[i]);
            let found = node.and_then(|n| lifted.graph.outputs().iter().position(|o| *o == n));
            found
                .map(|o| (o, aux))
                .ok_or_else(|| non_scalar("a container"))
        }
        Tree::Known(_) => Err(Error::new(ErrorKind::NonScalarLoss {
            shape: "a constant that depends on no argument".into(),
        })),
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
        view.output += by;
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

/// The result, with arguments that are returned as they are made outputs.
pub(super) fn result_with_leaves(lifted: &mut Lifted<Object>) -> Result<Tree<Object>> {
    if let Tree::Same(slot) = lifted.result {
        let input = lifted.inputs.iter().position(|i| i.slot == slot);
        let input = input.ok_or_else(|| non_scalar("an object that is no array"))?;
        let mut outputs = lifted.graph.outputs().to_vec();
        outputs.push(lifted.graph.inputs()[input]);
        let at = outputs.len() - 1;
        lifted.graph = with_outputs(&lifted.graph, outputs);
        lifted.result = Tree::Leaf(at, lifted.inputs[input].form);
    }
    Ok(lifted.result.clone())
}
