//! Derivatives: from a graph to the graph that computes its derivative.
//!
//! In: a graph and the positions of the inputs the derivative is taken by. Out: a graph, which can be
//! differentiated again, in any mode and to any order.
//!
//! ```text
//! f(x) = sum(x * x)          grad(vec![0])      f'(x) = 2 * x
//!                            jvp(vec![0])       (x, t_x) -> (f(x), sum(2 * x * t_x))
//! ```
//!
//! | derivation | inputs | outputs |
//! |---|---|---|
//! | [`grad`] | the same | one gradient per `wrt` |
//! | [`value_and_grad`] | the same | value, auxiliary outputs, gradients |
//! | [`jvp`] | and one tangent per `wrt` | outputs, then their tangents |
//! | [`vjp`] | and one cotangent per output | outputs, then one cotangent per `wrt` |
//! | [`hvp`] | and one tangent per `wrt` | the Hessian times the tangents, per `wrt` |
//! | [`jacfwd`], [`jacrev`] | the same | per output, per `wrt`: shape of the output, then of the input |
//! | [`hessian`] | the same | per `wrt`, per `wrt` |
//! | [`sparsity`] | and marks of one input, mapped | the marks of the outputs |
//! | [`vmap`] | some with one more axis | all with one more axis, the first |
//!
//! Reverse mode is linearization followed by transposition: the tangents are pushed forward, which
//! gives nodes that are linear in the seeds; those are walked backwards. So an operation needs one
//! rule, its jvp, and only linear operations have a transpose. The facts are in `lazy_core::ops`.
//!
//! Complex numbers: the gradient of a real function of `x + i*y` is `df/dx - i*df/dy`, as in JAX;
//! descent steps along its conjugate.
//!
//! Source: Radul et al., *You Only Linearize Once* (POPL 2023).

mod bisection;
mod control;
mod custom;
mod forward;
mod jacobian;
mod reverse;
mod sparsity;
mod vmap;

pub use custom::erase_rules;
pub use jacobian::{hessian, hvp, jacfwd, jacrev};
pub use sparsity::sparsity;
pub use vmap::vmap;

use lazy_core::error::{Error, ErrorKind, Result};
use lazy_core::graph::{Aval, Builder, DType, Graph, NodeId};

use crate::Transform;
use crate::simplify::dce;
use forward::Tangents;

/// The gradients of a scalar by the inputs `wrt`, each of its input's shape and dtype.
///
/// # Errors
/// [`ErrorKind::NonScalarLoss`], [`ErrorKind::IntegerArgument`], [`ErrorKind::NotDifferentiable`].
pub fn grad(wrt: Vec<usize>) -> impl Transform {
    move |graph: &Graph| {
        let (mut b, gradients) = gradients(graph, &wrt, 0)?;
        b.set_origin(None);
        dce(&b.finish(gradients))
    }
}

/// The value, the `aux` outputs that follow it, and the gradients of the value by the inputs `wrt`.
///
/// # Errors
/// As [`grad`].
pub fn value_and_grad(wrt: Vec<usize>, aux: usize) -> impl Transform {
    move |graph: &Graph| {
        let (mut b, gradients) = gradients(graph, &wrt, aux)?;
        b.set_origin(None);
        let outputs = [graph.outputs(), &gradients].concat();
        dce(&b.finish(outputs))
    }
}

/// The outputs, and their tangents for the tangents of the inputs `wrt`, which become inputs.
/// Outputs that are not inexact have zeros as their tangent.
///
/// # Errors
/// [`ErrorKind::IntegerArgument`], [`ErrorKind::NotDifferentiable`].
pub fn jvp(wrt: Vec<usize>) -> impl Transform {
    move |graph: &Graph| {
        let mut b = Builder::extend(graph);
        let tangents = pushed(&mut b, graph, &wrt)?;
        let mut outputs = graph.outputs().to_vec();
        for &output in graph.outputs() {
            let tangent = match tangents.of(output) {
                Some(t) => t,
                None => zeros(&mut b, graph.aval(output))?,
            };
            if let Some(name) = &graph.node(output).name {
                b.name(tangent, format!("t_{name}"));
            }
            outputs.push(tangent);
        }
        b.set_origin(None);
        dce(&b.finish(outputs))
    }
}

/// Adds a tangent input per `wrt` and pushes them through the whole graph.
fn pushed(b: &mut Builder, graph: &Graph, wrt: &[usize]) -> Result<Tangents> {
    let mut seeds = Vec::with_capacity(wrt.len());
    for x in inexact_inputs(graph, wrt)? {
        let name = format!("t_{}", name_of(graph, x));
        seeds.push((x, b.input(&name, graph.aval(x).clone())));
    }
    forward::push(b, graph, &seeds, graph.outputs())
}

/// The outputs, and the cotangents of the inputs `wrt` for those of the outputs, which become inputs.
///
/// # Errors
/// [`ErrorKind::IntegerArgument`], [`ErrorKind::NotDifferentiable`].
pub fn vjp(wrt: Vec<usize>) -> impl Transform {
    move |graph: &Graph| {
        let mut b = Builder::extend(graph);
        let mut seeds = Vec::with_capacity(graph.outputs().len());
        for (i, &output) in graph.outputs().iter().enumerate() {
            let name = match &graph.node(output).name {
                Some(name) => format!("c_{name}"),
                None => format!("c{i}"),
            };
            seeds.push((output, b.input(&name, graph.aval(output).clone())));
        }
        let inputs = inexact_inputs(graph, &wrt)?;
        let cotangents = reverse::pull(&mut b, graph, &inputs, &seeds)?;
        b.set_origin(None);
        let outputs = [graph.outputs(), &cotangents].concat();
        dce(&b.finish(outputs))
    }
}

fn gradients(graph: &Graph, wrt: &[usize], aux: usize) -> Result<(Builder, Vec<NodeId>)> {
    let loss = scalar_loss(graph, aux)?;
    let inputs = inexact_inputs(graph, wrt)?;
    let mut b = Builder::extend(graph);
    let one = match graph.aval(loss).rank() {
        0 => b.float(1.0),
        _ => b.full_like(1.0, loss)?,
    };
    let gradients = reverse::pull(&mut b, graph, &inputs, &[(loss, one)])?;
    Ok((b, gradients))
}

/// The first output, if it is one number, so that there is a gradient of it, and `aux` others follow.
fn scalar_loss(graph: &Graph, aux: usize) -> Result<NodeId> {
    let (&loss, rest) = graph
        .outputs()
        .split_first()
        .ok_or_else(|| Error::internal("the gradient of nothing"))?;
    let aval = graph.aval(loss);
    let kind = if rest.len() != aux {
        ErrorKind::NonScalarLoss {
            shape: format!("{} values", graph.outputs().len()),
        }
    } else if aval.size().as_known() != Some(1) {
        ErrorKind::NonScalarLoss {
            shape: match aval.rank() {
                1 => format!("a {} array with one axis", aval.dtype),
                rank => format!("a {} array with {rank} axes", aval.dtype),
            },
        }
    } else if !aval.dtype.is_float() {
        ErrorKind::NotDifferentiable {
            operation: "the result".into(),
            reason: format!("it is {}, not a real floating-point number", aval.dtype),
        }
    } else {
        return Ok(loss);
    };
    Err(graph.locate(Error::new(kind), loss))
}

/// The inputs at the positions `wrt`, which must be floating point.
fn inexact_inputs(graph: &Graph, wrt: &[usize]) -> Result<Vec<NodeId>> {
    let inexact = |&position: &usize| {
        let &x = graph.inputs().get(position).ok_or_else(|| {
            Error::internal(format!("input {position} of {}", graph.inputs().len()))
        })?;
        let dtype = graph.aval(x).dtype;
        if dtype.is_inexact() {
            return Ok(x);
        }
        let kind = ErrorKind::IntegerArgument {
            argument: name_of(graph, x).into(),
            dtype: dtype.to_string(),
        };
        Err(graph.locate(Error::new(kind), x))
    };
    wrt.iter().map(inexact).collect()
}

fn name_of(graph: &Graph, id: NodeId) -> &str {
    graph.node(id).name.as_deref().unwrap_or("the argument")
}

/// The zero tangent of a value; of integers and bools it is real.
fn zeros(b: &mut Builder, primal: &Aval) -> Result<NodeId> {
    let dtype = match primal.dtype.is_inexact() {
        true => primal.dtype,
        false => DType::F64,
    };
    b.full(0.0, dtype, primal.shape.clone())
}
