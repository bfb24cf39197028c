//! Jacobians and Hessians: all directions at once.
//!
//! In: a graph. Out: the graph of the derivative of each output element by each input element: the
//! tangents (or cotangents) of the rows of an identity matrix, mapped over its rows.
//!
//! ```text
//! jacobian of X @ w by w, float64[n1, n0]:   X @ e for each e in identity(n0)
//! ```
//!
//! The values are computed once; only what is linear in the directions gets the axis.

use std::collections::HashMap;

use lazy_core::error::Result;
use lazy_core::graph::{Aval, Builder, DType, Dim, Graph, NodeId, Shape};
use lazy_core::ops::{Axes, Elementwise, Op};
use smallvec::SmallVec;

use super::vmap::{Operand, batch, nested};
use super::{forward, grad, inexact_inputs, jvp, reverse, zeros};
use crate::Transform;
use crate::simplify::dce;

/// Per output, per input of `wrt`: the derivatives, of the output's shape and then the input's.
/// One direction per input element.
///
/// # Errors
/// As [`jvp`]; `Unlifted` if an operation cannot be mapped.
pub fn jacfwd(wrt: Vec<usize>) -> impl Transform {
    move |graph: &Graph| {
        let mut b = Builder::extend(graph);
        let inputs = inexact_inputs(graph, &wrt)?;
        let mut columns = Vec::with_capacity(inputs.len());
        for &x in &inputs {
            columns.push(by_tangents(&mut b, graph, x)?);
        }
        let by_output = (0..graph.outputs().len())
            .flat_map(|row| columns.iter().map(move |column| column[row]));
        let outputs = by_output.collect();
        b.set_origin(None);
        dce(&b.finish(outputs))
    }
}

/// The Jacobian of every output by one input.
fn by_tangents(b: &mut Builder, graph: &Graph, x: NodeId) -> Result<Vec<NodeId>> {
    let aval = graph.aval(x).clone();
    // Stands for any tangent, until the basis takes its place.
    let any = b.full(0.0, aval.dtype, aval.shape.clone())?;
    let tangents = forward::push(b, graph, &[(x, any)], graph.outputs())?;
    let wanted: Vec<Option<NodeId>> = graph.outputs().iter().map(|&o| tangents.of(o)).collect();
    let directions = mapped_over_basis(b, any, &wanted)?;

    let mut out = Vec::with_capacity(directions.len());
    for (direction, &output) in directions.into_iter().zip(graph.outputs()) {
        let primal = graph.aval(output);
        let shape: Shape = primal.shape.iter().chain(&aval.shape).cloned().collect();
        let Some(direction) = direction else {
            let aval = Aval::new(primal.dtype, shape);
            out.push(zeros(b, &aval)?);
            continue;
        };
        let mut perm: Axes = (1..=primal.rank()).collect();
        perm.push(0);
        let last = b.transpose(direction, perm)?;
        out.push(b.reshape(last, shape)?);
    }
    Ok(out)
}

/// Per output, per input of `wrt`: the derivatives, of the output's shape and then the input's.
/// One direction per output element.
///
/// # Errors
/// As [`super::vjp`]; `Unlifted` if an operation cannot be mapped.
pub fn jacrev(wrt: Vec<usize>) -> impl Transform {
    move |graph: &Graph| {
        let mut b = Builder::extend(graph);
        let inputs = inexact_inputs(graph, &wrt)?;
        let mut outputs = Vec::new();
        for &output in graph.outputs() {
            outputs.extend(by_cotangents(&mut b, graph, output, &inputs)?);
        }
        b.set_origin(None);
        dce(&b.finish(outputs))
    }
}

/// The Jacobian of one output by every input.
fn by_cotangents(
    b: &mut Builder,
    graph: &Graph,
    output: NodeId,
    inputs: &[NodeId],
) -> Result<Vec<NodeId>> {
    let primal = graph.aval(output).clone();
    let any = zeros(b, &primal)?;
    let cotangents = reverse::pull(b, graph, inputs, &[(output, any)])?;
    let wanted: Vec<Option<NodeId>> = cotangents.iter().copied().map(Some).collect();
    let directions = mapped_over_basis(b, any, &wanted)?;
    let mut out = Vec::with_capacity(inputs.len());
    for (direction, &x) in directions.into_iter().zip(inputs) {
        let aval = graph.aval(x);
        let shape: Shape = primal.shape.iter().chain(&aval.shape).cloned().collect();
        out.push(match direction {
            Some(direction) => b.reshape(direction, shape)?,
            None => zeros(b, &Aval::new(aval.dtype, shape))?,
        });
    }
    Ok(out)
}

/// Second derivatives of a scalar, forward over reverse: per input of `wrt`, per input of `wrt`, of
/// the shape of the one and then the other.
///
/// # Errors
/// As [`grad`] and [`jacfwd`].
pub fn hessian(wrt: Vec<usize>) -> impl Transform {
    grad(wrt.clone()).then(jacfwd(wrt))
}

/// The Hessian of a scalar times the tangents of the inputs `wrt`, which become inputs.
///
/// # Errors
/// As [`grad`].
pub fn hvp(wrt: Vec<usize>) -> impl Transform {
    let count = wrt.len();
    let tangents_only = move |graph: &Graph| {
        let outputs = graph.outputs()[count..].to_vec();
        dce(&Builder::extend(graph).finish(outputs))
    };
    grad(wrt.clone()).then(jvp(wrt)).then(tangents_only)
}

/// The nodes `wanted` for every unit vector in place of `any`, along a new first axis;
/// `None` where a node does not depend on it.
fn mapped_over_basis(
    b: &mut Builder,
    any: NodeId,
    wanted: &[Option<NodeId>],
) -> Result<Vec<Option<NodeId>>> {
    let graph = b.graph().clone();
    let aval = graph.aval(any);
    let size = aval.size();
    let basis = identity(b, aval.dtype, &size)?;
    let shape: Shape = std::iter::once(&size).chain(&aval.shape).cloned().collect();
    let basis = b.reshape(basis, shape)?;
    let mut batched = HashMap::from([(any, basis)]);
    let of = |batched: &HashMap<NodeId, NodeId>, id: NodeId| match batched.get(&id) {
        Some(&node) => Operand {
            node,
            batched: true,
        },
        None => Operand {
            node: id,
            batched: false,
        },
    };
    let last = wanted.iter().flatten().max().copied().unwrap_or(any);
    for id in graph
        .nodes()
        .skip(any.index() + 1)
        .take_while(|id| *id <= last)
    {
        let operands: SmallVec<[Operand; 4]> = graph
            .operands(id)
            .iter()
            .map(|&o| of(&batched, o))
            .collect();
        if operands.iter().any(|o| o.batched) {
            b.set_origin(graph.origin(id).cloned());
            match graph.op(id) {
                Op::Loop(_) | Op::Cond(_) => {
                    let results = nested(b, &graph, id, &operands, &size)?;
                    for (part, result) in graph.parts(id).into_iter().zip(results) {
                        if let (Some(part), true) = (part, result.batched) {
                            batched.insert(part, result.node);
                        }
                    }
                }
                // Its whole has said whether it is batched.
                Op::Part(_) => {}
                _ => {
                    let node = batch(b, &graph, id, &operands, &size)?;
                    batched.insert(id, node);
                }
            }
        }
    }
    let mut out = Vec::with_capacity(wanted.len());
    for id in wanted {
        out.push(match id.map(|id| of(&batched, id)) {
            Some(x) if x.batched => Some(x.node),
            _ => None,
        });
    }
    Ok(out)
}

/// The identity matrix.
fn identity(b: &mut Builder, dtype: DType, size: &Dim) -> Result<NodeId> {
    let iota = Op::Iota {
        size: size.clone(),
        dtype: DType::I64,
    };
    let row = b.add(iota, &[])?;
    let column = b.reshape(row, [size.clone(), Dim::known(1)].into_iter().collect())?;
    let diagonal = b.elementwise(Elementwise::Equal, &[column, row])?;
    b.cast(diagonal, dtype)
}
