//! The derivatives: `grad`, `jvp`, `vjp`, Jacobians and products with the Hessian.
//!
//! In: a [`Lifted`] call. Out: the same with its derivative as result, in containers like the arguments'.

use lazy_core::error::{Error, Result};
use lazy_core::graph::{Aval, Builder, NodeId};
use lazy_core::lift::numpy::Form;
use lazy_core::lift::{Lifted, Tree};
use lazy_core::ops::Elementwise;
use lazy_transforms::{Transform, autodiff};
use pyo3::prelude::*;

use super::Argnums;
use super::added::add_parameter;
use super::arguments::{
    describe_input, differentiated, like_parameters, loss_of, result_with_leaves, shift_outputs,
    with_outputs, without_effects,
};
use crate::host::Object;

pub(super) fn grad(
    lifted: &mut Lifted<Object>,
    argnums: &Argnums,
    has_aux: bool,
    value: bool,
) -> Result<()> {
    let (loss, aux) = loss_of(lifted, has_aux)?;
    let (positions, wrt) = differentiated(lifted, argnums)?;
    // The loss first, everything else that the call still needs behind it.
    let old = lifted.graph.outputs().to_vec();
    let mut outputs = vec![old[loss]];
    outputs.extend(old.iter().copied());
    let kept = old.len();
    let graph = with_outputs(&lifted.graph, outputs);
    let graph = autodiff::value_and_grad(wrt.clone(), kept).apply(&graph)?;
    let first = 1 + kept;
    let gradients = like_parameters(lifted, &positions, argnums.single, &mut |input, form| {
        let at = wrt.iter().position(|w| *w == input).unwrap_or(0);
        Tree::Leaf(first + at, form)
    });
    let shift = |tree: &Tree<Object>| tree.map(&mut |i, form| Tree::Leaf(i + 1, form));
    let form = match &lifted.result {
        Tree::Leaf(_, form) => *form,
        _ => Form::Scalar,
    };
    let loss_tree = Tree::Leaf(0, form);
    let aux = aux.map(|t| shift(&t));
    shift_outputs(lifted, 1);
    lifted.result = match (value, aux) {
        (false, None) => gradients,
        (false, Some(aux)) => Tree::Tuple(vec![gradients, aux]),
        (true, None) => Tree::Tuple(vec![loss_tree, gradients]),
        (true, Some(aux)) => Tree::Tuple(vec![Tree::Tuple(vec![loss_tree, aux]), gradients]),
    };
    lifted.graph = graph;
    Ok(())
}

/// Puts the real part of the loss in its place: its gradient is the complex derivative of a holomorphic loss.
pub(super) fn real_loss(lifted: &mut Lifted<Object>, has_aux: bool) -> Result<()> {
    let (loss, aux) = loss_of(lifted, has_aux)?;
    let mut outputs = lifted.graph.outputs().to_vec();
    let mut b = Builder::extend(&lifted.graph);
    let real = b.elementwise(Elementwise::Real, &[outputs[loss]])?;
    outputs.push(real);
    let at = outputs.len() - 1;
    lifted.graph = b.finish(outputs);
    let tree = Tree::Leaf(at, Form::Scalar);
    lifted.result = match aux {
        Some(aux) => Tree::Tuple(vec![tree, aux]),
        None => tree,
    };
    Ok(())
}

/// Containers over graph inputs as containers over their places in `wrt`.
fn numbered(tree: &Tree<Object>, wrt: &[usize]) -> Tree<Object> {
    let place = |input: usize| wrt.iter().position(|w| *w == input).unwrap_or(0);
    tree.map(&mut |input, form| Tree::Leaf(place(input), form))
}

pub(super) fn push_forward(
    py: Python<'_>,
    lifted: &mut Lifted<Object>,
    primals: usize,
    tangents: Option<&Object>,
) -> Result<()> {
    let (positions, wrt) = differentiated(lifted, &Argnums::first(primals))?;
    let trees = like_parameters(lifted, &positions, false, &mut |i, form| {
        Tree::Leaf(i, form)
    });
    let (names, avals): (Vec<String>, Vec<Aval>) =
        wrt.iter().map(|&i| describe_input(lifted, i)).unzip();
    let result = result_with_leaves(lifted)?;
    let graph = autodiff::jvp(wrt.clone()).apply(&lifted.graph)?;
    let outputs = lifted.graph.outputs().len();
    let trees = numbered(&trees, &wrt);
    let label = |k: usize| format!("d_{}", names[k]);
    add_parameter(py, lifted, "tangents", &trees, tangents, &avals, &label)?;
    let tangent = result
        .map(&mut |i, form| Tree::Leaf(outputs + i, form))
        .apart();
    lifted.result = Tree::Tuple(vec![result, tangent]);
    lifted.graph = graph;
    Ok(())
}

pub(super) fn pull_back(
    py: Python<'_>,
    lifted: &mut Lifted<Object>,
    primals: usize,
    cotangent: Option<&Object>,
) -> Result<()> {
    let (positions, wrt) = differentiated(lifted, &Argnums::first(primals))?;
    let none = Object::new(&py.None().into_bound(py));
    // Integers have no cotangents.
    let result = result_with_leaves(lifted)?;
    let result = result.map(&mut |o, form| {
        let node = lifted.graph.outputs()[o];
        match lifted.graph.aval(node).dtype.is_inexact() {
            true => Tree::Leaf(o, form),
            false => Tree::Known(none.clone()),
        }
    });
    let leaves = result.leaves();
    // Only the result has cotangents; what is printed or written has none.
    let nodes: Vec<NodeId> = leaves.iter().map(|&o| lifted.graph.outputs()[o]).collect();
    let avals: Vec<Aval> = nodes
        .iter()
        .map(|n| lifted.graph.aval(*n).clone())
        .collect();
    let plain = with_outputs(&lifted.graph, nodes);
    let graph = autodiff::vjp(wrt.clone()).apply(&plain)?;
    // An output may be several leaves, each with its own cotangent.
    let mut next = 0..;
    let result = result.map(&mut |_, form| Tree::Leaf(next.next().unwrap_or(0), form));
    let pulled = like_parameters(lifted, &positions, false, &mut |input, form| {
        let at = wrt.iter().position(|w| *w == input).unwrap_or(0);
        Tree::Leaf(leaves.len() + at, form)
    });
    let label = |k: usize| format!("cotangent_{k}");
    add_parameter(py, lifted, "cotangent", &result, cotangent, &avals, &label)?;
    without_effects(lifted);
    lifted.result = pulled;
    lifted.graph = graph;
    Ok(())
}

pub(super) fn hessian_product(
    py: Python<'_>,
    lifted: &mut Lifted<Object>,
    argnums: &Argnums,
    vector: Option<&Object>,
) -> Result<()> {
    let (positions, wrt) = differentiated(lifted, argnums)?;
    let (names, avals): (Vec<String>, Vec<Aval>) =
        wrt.iter().map(|&i| describe_input(lifted, i)).unzip();
    let tree = like_parameters(lifted, &positions, argnums.single, &mut |i, f| {
        Tree::Leaf(i, f)
    });
    let graph = autodiff::jvp(wrt.clone()).apply(&lifted.graph)?;
    let outputs = lifted.graph.outputs().len();
    let tree = numbered(&tree, &wrt);
    let label = |k: usize| format!("d_{}", names[k]);
    add_parameter(py, lifted, "vector", &tree, vector, &avals, &label)?;
    lifted.result = lifted
        .result
        .map(&mut |i, form| Tree::Leaf(outputs + i, form));
    lifted.graph = graph;
    Ok(())
}

/// Which elements of the results depend on marked elements of an argument; the marks are one parameter more.
pub(super) fn sparsity(
    py: Python<'_>,
    lifted: &mut Lifted<Object>,
    argnums: &Argnums,
    marks: Option<&Object>,
) -> Result<()> {
    let (_, wrt) = differentiated(lifted, argnums)?;
    let [input] = wrt[..] else {
        return Err(Error::type_error("sparsity is by one array"));
    };
    let result = result_with_leaves(lifted)?;
    let graph = autodiff::sparsity(input).apply(&lifted.graph)?;
    let aval = graph.aval(graph.inputs()[lifted.inputs.len()]).clone();
    let tree = Tree::Leaf(0, Form::Array);
    let label = |_: usize| "marks".to_string();
    add_parameter(py, lifted, "marks", &tree, marks, &[aval], &label)?;
    without_effects(lifted);
    lifted.result = result.map(&mut |i, _| Tree::Leaf(i, Form::Array));
    lifted.graph = graph;
    Ok(())
}

pub(super) fn jacobian(
    lifted: &mut Lifted<Object>,
    argnums: &Argnums,
    forward: bool,
) -> Result<()> {
    let (positions, wrt) = differentiated(lifted, argnums)?;
    let result = result_with_leaves(lifted)?;
    let leaves = result.leaves();
    let nodes = leaves.iter().map(|&o| lifted.graph.outputs()[o]).collect();
    let plain = with_outputs(&lifted.graph, nodes);
    // Outputs of the derivation: for each result, for each input.
    let graph = if forward {
        autodiff::jacfwd(wrt.clone()).apply(&plain)?
    } else {
        autodiff::jacrev(wrt.clone()).apply(&plain)?
    };
    let jacobian = result.map(&mut |o, _| {
        let row = leaves.iter().position(|l| *l == o).unwrap_or(0);
        like_parameters(lifted, &positions, argnums.single, &mut |input, _| {
            let column = wrt.iter().position(|w| *w == input).unwrap_or(0);
            Tree::Leaf(row * wrt.len() + column, Form::Array)
        })
    });
    without_effects(lifted);
    lifted.result = jacobian;
    lifted.graph = graph;
    Ok(())
}
