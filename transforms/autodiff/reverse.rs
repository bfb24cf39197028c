//! Cotangents, pulled back: linearize, then transpose.
//!
//! In: a builder that extends a graph, inputs, and cotangents of outputs. Out: the inputs'
//! cotangents. The tangent nodes that linearization leaves in the builder are dead afterwards.
//!
//! ```text
//! t_y = y * t_x        c_x = y * c_y
//! ```

use std::collections::HashMap;

use lazy_core::error::Result;
use lazy_core::graph::{Builder, Graph, NodeId, Operands};
use lazy_core::ops::{self, Op};
use smallvec::SmallVec;

use super::{control, forward};

/// The cotangents of `inputs` for `seeds`, pairs of an output and its cotangent: of the inputs'
/// shapes and dtypes, and named after them.
///
/// # Errors
/// `NotDifferentiable`, at the line of the operation.
pub(super) fn pull(
    b: &mut Builder,
    graph: &Graph,
    inputs: &[NodeId],
    seeds: &[(NodeId, NodeId)],
) -> Result<Vec<NodeId>> {
    // Stand for arbitrary tangents: only their avals matter, and nothing reads them in the end.
    let mut tangent_of_input = Vec::with_capacity(inputs.len());
    for &x in inputs {
        let aval = graph.aval(x).clone();
        // The literal 0.0 would make a real number of a complex one's cotangent.
        let any = match aval.weak && !aval.dtype.is_complex() {
            true => b.float(0.0),
            false => b.full(0.0, aval.dtype, aval.shape)?,
        };
        tangent_of_input.push((x, any));
    }
    let first = b.graph().len();
    let targets: Vec<NodeId> = seeds.iter().map(|seed| seed.0).collect();
    let tangents = forward::push(b, graph, &tangent_of_input, &targets)?;

    let mut pullback = Pullback::default();
    for id in graph.nodes() {
        if let Some(t) = tangents.of(id) {
            pullback.primal.entry(t).or_insert(id);
        }
    }
    for &(output, cotangent) in seeds {
        if let Some(t) = tangents.of(output) {
            pullback.add(b, t, cotangent)?;
        }
    }
    let linear = linear_nodes(b, &tangent_of_input, first);
    pullback.run(b, graph, &linear, first)?;

    let mut out = Vec::with_capacity(inputs.len());
    for (x, t) in tangent_of_input {
        let aval = graph.aval(x);
        let cotangent = match pullback.cotangents.get(&t) {
            Some(&c) => ops::materialized(b, c, aval)?,
            None => b.full(0.0, aval.dtype, aval.shape.clone())?,
        };
        name_after(b, graph, cotangent, x);
        out.push(cotangent);
    }
    Ok(out)
}

/// Marks the nodes that depend on the tangents of the inputs.
fn linear_nodes(b: &Builder, seeds: &[(NodeId, NodeId)], first: usize) -> Vec<bool> {
    let graph = b.graph();
    let mut linear = vec![false; graph.len()];
    for (_, seed) in seeds {
        linear[seed.index()] = true;
    }
    for id in graph.nodes().skip(first) {
        linear[id.index()] = graph.operands(id).iter().any(|o| linear[o.index()]);
    }
    linear
}

/// `d_weights`, for a node that the derivative made and that has no name yet.
fn name_after(b: &mut Builder, graph: &Graph, cotangent: NodeId, primal: NodeId) {
    if let Some(name) = &graph.node(primal).name
        && cotangent.index() >= graph.len()
    {
        b.name(cotangent, format!("d_{name}"));
    }
}

/// Cotangents of tangent nodes, as they are collected.
#[derive(Default)]
struct Pullback {
    cotangents: HashMap<NodeId, NodeId>,
    /// Whose tangent a node is.
    primal: HashMap<NodeId, NodeId>,
}

impl Pullback {
    fn add(&mut self, b: &mut Builder, t: NodeId, cotangent: NodeId) -> Result<()> {
        let aval = b.aval(t).clone();
        let sum = match self.cotangents.get(&t) {
            None => cotangent,
            Some(&sum) => ops::accumulated(b, sum, cotangent, &aval)?,
        };
        self.cotangents.insert(t, sum);
        Ok(())
    }

    /// Walks the linear nodes backwards.
    fn run(&mut self, b: &mut Builder, graph: &Graph, linear: &[bool], first: usize) -> Result<()> {
        for t in (first..linear.len()).rev().map(NodeId::new) {
            // Results beyond the first wait for the node that they are parts of.
            // A tangent that depends on none of the inputs', as a rule's zero, takes its cotangent nowhere.
            if matches!(b.op(t), Op::Part(_)) || !linear[t.index()] {
                continue;
            }
            let results = b.graph().parts(t);
            let of_result = |part: &Option<NodeId>| self.cotangents.get(part.as_ref()?).copied();
            let cotangents: SmallVec<[Option<NodeId>; 2]> = results.iter().map(of_result).collect();
            if cotangents.iter().all(Option::is_none) {
                continue;
            }
            for (result, cotangent) in results.iter().zip(&cotangents) {
                if let (Some(result), Some(cotangent)) = (result, *cotangent)
                    && let Some(&primal) = self.primal.get(result)
                {
                    name_after(b, graph, cotangent, primal);
                }
            }
            let operands: Operands = b.graph().operands(t);
            let marks: Vec<bool> = operands.iter().map(|o| linear[o.index()]).collect();
            b.set_origin(b.graph().origin(t).cloned());
            let parts = match b.op(t) {
                Op::Loop(_) | Op::Cond(_) => control::pull(b, t, &marks, &cotangents)?,
                _ => ops::transpose_results(b, t, &marks, &cotangents)?,
            };
            for (&operand, part) in operands.iter().zip(parts) {
                if let Some(part) = part {
                    self.add(b, operand, part)?;
                }
            }
        }
        Ok(())
    }
}
