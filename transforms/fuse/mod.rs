//! The pass that says which nodes are computed together.
//!
//! In: a graph. Out: the same graph with `group` set on elementwise nodes, casts and reductions, so
//! that the evaluator computes each group chunk by chunk with no array between its nodes.
//!
//! ```text
//! m = max(x)              alone
//! e = exp(x - m)          group 0
//! s = sum(e)              group 0
//! p = e / s               alone: the sum must be complete
//! ```
//!
//! Every node gets a *stage*: operands from the same pass over the elements leave it unchanged, a
//! value that must be complete first (a reduction, a product, a slice) raises it. Nodes of one stage
//! and one iteration space form a group. Any way out of a group raises the stage, and stages never fall
//! along a path, so none leads back in.
//! Source: loop fusion by levels, Kennedy and McKinley, "Maximizing loop parallelism" (1993), §4.

use std::collections::HashMap;

use lazy_core::error::Result;
use lazy_core::graph::{Assumption, Dim, Graph, NodeId, Shape};
use lazy_core::ops::{Axes, Op, Space};

/// Groups nodes that share an iteration space.
///
/// # Errors
/// None: a graph that cannot be fused is returned as it is.
pub fn fuse(graph: &Graph) -> Result<Graph> {
    let spaces = spaces(graph);
    let mut stage = earliest(graph, &spaces);
    postpone(graph, &spaces, &mut stage);
    let groups = gather(graph, &spaces, &stage);
    let mut fused = graph.clone();
    for id in graph.nodes() {
        fused.set_group(id, groups[id.index()]);
    }
    Ok(fused)
}

/// Per node, the shape over which it loops, if it can be in a group.
fn spaces(graph: &Graph) -> Vec<Option<Shape>> {
    let mut same: HashMap<&Dim, &Dim> = HashMap::new();
    for assumption in graph.assumptions() {
        if let Assumption::Equal(a, b) = assumption {
            same.insert(a, same.get(b).copied().unwrap_or(b));
        }
    }
    let canonical = |shape: &Shape| -> Shape {
        let dims = shape.iter().map(|d| (*same.get(d).unwrap_or(&d)).clone());
        dims.collect()
    };
    graph
        .nodes()
        .map(|id| match (graph.op(id).space()?, graph.op(id)) {
            (Space::Operand, Op::Reduce { axes, .. }) if !are_neighbours(axes) => None,
            (Space::Operand, _) => Some(canonical(&graph.aval(graph.operands(id)[0]).shape)),
            (Space::Result, _) => Some(canonical(&graph.aval(id).shape)),
        })
        .collect()
}

/// Whether the axes follow each other, so that what is reduced lies together in memory.
fn are_neighbours(axes: &Axes) -> bool {
    let (first, last) = (axes.iter().min(), axes.iter().max());
    first
        .zip(last)
        .is_some_and(|(a, b)| b - a + 1 == axes.len())
}

fn is_reduction(graph: &Graph, id: NodeId) -> bool {
    matches!(graph.op(id), Op::Reduce { .. })
}

/// Whether `user` can read `id` element by element, while both are computed.
fn flows(graph: &Graph, spaces: &[Option<Shape>], id: NodeId, user: NodeId) -> bool {
    spaces[id.index()].is_some()
        && !is_reduction(graph, id)
        && spaces[id.index()] == spaces[user.index()]
}

/// The first stage in which each node can be computed.
fn earliest(graph: &Graph, spaces: &[Option<Shape>]) -> Vec<u32> {
    let mut stage = vec![0; graph.len()];
    // The stage in which a node's whole value can be read.
    let mut ready = vec![0; graph.len()];
    let mut drawn = 0;
    for id in graph.nodes() {
        let operands = graph.operands(id);
        let needs = operands.iter().map(|&operand| {
            if flows(graph, spaces, operand, id) {
                stage[operand.index()]
            } else {
                ready[operand.index()]
            }
        });
        let mut first = needs.max().unwrap_or(0);
        if graph.op(id).is_effect() {
            // Effects keep their order, whatever is fused around them.
            first = first.max(drawn);
            drawn = first;
        }
        stage[id.index()] = first;
        ready[id.index()] = first + u32::from(spaces[id.index()].is_some());
    }
    stage
}

/// Moves a node to the stage of its users, where that saves keeping its value in memory.
fn postpone(graph: &Graph, spaces: &[Option<Shape>], stage: &mut [u32]) {
    let mut is_output = vec![false; graph.len()];
    for id in graph.outputs() {
        is_output[id.index()] = true;
    }
    for id in graph.nodes().rev() {
        if is_output[id.index()] || spaces[id.index()].is_none() || is_reduction(graph, id) {
            continue;
        }
        let users: Vec<NodeId> = graph.users(id).collect();
        if !users.iter().all(|&u| flows(graph, spaces, id, u)) {
            continue;
        }
        let Some(first) = users.iter().map(|u| stage[u.index()]).min() else {
            continue;
        };
        // Operands that others read in this stage would have to be kept in place of this value.
        let kept = graph.operands(id).into_iter().filter(|&operand| {
            flows(graph, spaces, operand, id)
                && stage[operand.index()] == stage[id.index()]
                && graph.users(operand).any(|user| user != id)
        });
        if kept.count() < 2 {
            stage[id.index()] = first.max(stage[id.index()]);
        }
    }
}

/// Numbers the groups, in the order of their first nodes; a node alone needs none.
fn gather(graph: &Graph, spaces: &[Option<Shape>], stage: &[u32]) -> Vec<Option<u32>> {
    #[derive(Default)]
    struct Group<'a> {
        nodes: Vec<NodeId>,
        /// What its reductions leave out, if not everything: one cut of the space serves all.
        axes: Option<&'a Axes>,
    }
    let mut index: HashMap<(u32, &Shape), usize> = HashMap::new();
    let mut groups: Vec<Group<'_>> = vec![];
    for id in graph.nodes() {
        let Some(space) = &spaces[id.index()] else {
            continue;
        };
        let next = groups.len();
        let at = *index.entry((stage[id.index()], space)).or_insert(next);
        if at == next {
            groups.push(Group::default());
        }
        if let Op::Reduce { axes, .. } = graph.op(id)
            && axes.len() < space.len()
            && groups[at].axes.get_or_insert(axes) != &axes
        {
            continue;
        }
        groups[at].nodes.push(id);
    }
    let mut group_of = vec![None; graph.len()];
    for (number, group) in groups.iter().filter(|g| g.nodes.len() > 1).enumerate() {
        for id in &group.nodes {
            group_of[id.index()] = Some(number as u32);
        }
    }
    group_of
}

#[cfg(test)]
mod tests {
    use lazy_core::graph::{Aval, Builder, DType};
    use lazy_core::ops::{Elementwise, Reduction};

    use super::*;

    #[test]
    fn softmax_is_read_three_times() -> Result<()> {
        let mut b = Builder::new("softmax");
        let x = b.input("x", Aval::new(DType::F64, [Dim::known(9)]));
        let m = b.reduce(Reduction::Max, x, [0].into_iter().collect())?;
        let shifted = b.elementwise(Elementwise::Subtract, &[x, m])?;
        let e = b.elementwise(Elementwise::Exp, &[shifted])?;
        let s = b.reduce(Reduction::Sum, e, [0].into_iter().collect())?;
        let p = b.elementwise(Elementwise::Divide, &[e, s])?;
        let graph = fuse(&b.finish(vec![p]))?;
        let groups = [m, shifted, e, s, p].map(|id| graph.node(id).group);
        assert_eq!(groups, [None, Some(0), Some(0), Some(0), None]);
        Ok(())
    }
}
