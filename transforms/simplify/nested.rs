//! Passes within loops and branches, and what they alone need: results that nobody reads go.
//!
//! In: a graph with `Loop` and `Cond` nodes. Out: the same with each nested graph simplified, without
//! carried values, constants and results that decide nothing.
//!
//! ```text
//! loop(n, c, x, y) where only y is read and y's body does not look at x   =>   loop(n, c, y)
//! ```
//!
//! A carried value that every trip leaves as it is becomes a constant of the loop.

use std::sync::Arc;

use lazy_core::error::Result;
use lazy_core::graph::{Builder, Dim, Graph, NodeId, Operands, Shape};
use lazy_core::ops::{self, Cond, Loop, Op};

use super::{cse, dce};
use crate::Transform;

/// Applies a pass to all nested graphs, innermost first, and to the graph.
///
/// # Errors
/// The pass's own.
pub fn everywhere(pass: &impl Transform, graph: &Graph) -> Result<Graph> {
    if !has_nested(graph) {
        return pass.apply(graph);
    }
    let mut out = graph.clone();
    for id in graph.nodes() {
        if matches!(graph.op(id), Op::Loop(_) | Op::Cond(_)) {
            let mut within = |inner: &Graph| everywhere(pass, inner);
            out.set_op(id, ops::control::map_nested(graph.op(id), &mut within)?);
        }
    }
    pass.apply(&out)
}

pub(super) fn has_nested(graph: &Graph) -> bool {
    graph
        .nodes()
        .any(|id| matches!(graph.op(id), Op::Loop(_) | Op::Cond(_)))
}

/// Drops what no result of a loop or branch needs that is read, here and within.
///
/// # Errors
/// None that a well-formed graph can cause.
pub fn prune(graph: &Graph) -> Result<Graph> {
    let graph = dce(graph)?;
    let mut b = Builder::rebuild(&graph);
    let mut new: Vec<NodeId> = vec![NodeId::end(); graph.len()];
    for id in graph.nodes() {
        let op = graph.op(id);
        if matches!(op, Op::Part(_)) && new[id.index()] != NodeId::end() {
            continue;
        }
        let operands: Operands = graph.operands(id).iter().map(|o| new[o.index()]).collect();
        let parts = graph.parts(id);
        let read: Vec<bool> = parts
            .iter()
            .map(|part| part.is_some_and(|p| is_read(&graph, p)))
            .collect();
        let kept = match op {
            Op::Loop(l) => Some(prune_loop(l, &read)?),
            Op::Cond(c) => Some(prune_cond(c, &read)?),
            _ => None,
        };
        let is_whole = kept.as_ref().is_some_and(|k| !k.results.is_empty());
        if !is_whole
            && !graph.effects().contains(&id)
            && let Some(same) = kept.as_ref().and_then(|kept| all_unchanged(kept, &read))
        {
            // What is read goes through as it is: the node is gone. What is not read is anything.
            for (part, operand) in parts.iter().zip(same) {
                if let Some(part) = part {
                    new[part.index()] = operands[operand];
                }
            }
            continue;
        }
        let Some(kept) = kept.filter(|_| is_whole) else {
            new[id.index()] = b.copy(&graph, id, &operands);
            continue;
        };
        let operands: Operands = kept.operands.iter().map(|&i| operands[i]).collect();
        b.set_origin(graph.origin(id).cloned());
        let node = b.add(kept.op, &operands)?;
        for (k, part) in parts.iter().enumerate() {
            let Some(part) = part else { continue };
            let place = kept.results.iter().position(|&r| r == k);
            let found = match (place, kept.unchanged.get(k).copied().flatten()) {
                (_, Some(operand)) => new[graph.operands(id)[operand].index()],
                (Some(0), None) => node,
                (Some(at), None) => b.add(Op::Part(at), &[node])?,
                // Not read: the node stands for it.
                (None, None) => node,
            };
            if let Some(name) = &graph.node(*part).name
                && place.is_some()
            {
                b.name(found, name.clone());
            }
            new[part.index()] = found;
        }
    }
    b.set_origin(None);
    let outputs = graph.outputs().iter().map(|o| new[o.index()]).collect();
    dce(&b.finish(outputs))
}

/// Per result, the operand that it is; the first for results that are not read.
fn all_unchanged(kept: &Kept, read: &[bool]) -> Option<Vec<usize>> {
    let operand = |k: usize| match (kept.unchanged.get(k).copied().flatten(), read[k]) {
        (Some(operand), _) => Some(operand),
        (None, true) => None,
        (None, false) => Some(0),
    };
    (0..read.len()).map(operand).collect()
}

fn is_read(graph: &Graph, id: NodeId) -> bool {
    graph.outputs().contains(&id)
        || graph
            .users(id)
            .any(|user| !matches!(graph.op(user), Op::Part(_)))
}

/// What is left of a node.
struct Kept {
    op: Op,
    /// Positions of operands and of results in those of the whole node.
    operands: Vec<usize>,
    results: Vec<usize>,
    /// Per result, the operand that it is.
    unchanged: Vec<Option<usize>>,
}

/// Makes one input of those that a nested graph is given the same value for, outermost first, so that
/// what is computed from them is one node within; and one size of those that are equal outside.
///
/// # Errors
/// None that a well-formed graph can cause.
pub fn share(graph: &Graph) -> Result<Graph> {
    let mut out = cse(graph)?;
    for id in out.nodes().collect::<Vec<_>>() {
        let operands = out.operands(id);
        // What a loop carries is another value in each trip.
        let (first, constants) = match out.op(id) {
            Op::Loop(l) => (0, 1..operands.len() - l.carried),
            Op::Cond(_) => (1, 0..operands.len() - 1),
            _ => continue,
        };
        let given = &operands[first..];
        let first_given = |i: usize| match constants.contains(&i) {
            true => constants
                .clone()
                .find(|&j| given[j] == given[i])
                .unwrap_or(i),
            false => i,
        };
        let same: Vec<usize> = (0..given.len()).map(first_given).collect();
        let shapes: Vec<Shape> = given.iter().map(|&x| out.aval(x).shape.clone()).collect();
        let mut within = |inner: &Graph| {
            let mut inner = with_shared_inputs(inner, &same);
            let alike = alike(&inner, &shapes);
            inner.write_alike(&alike);
            share(&inner)
        };
        let op = ops::control::map_nested(out.op(id), &mut within)?;
        out.set_op(id, op);
    }
    Ok(out)
}

/// The sizes of a nested graph's inputs that are equal, since they are in the graph around it.
fn alike(inner: &Graph, given: &[Shape]) -> Vec<(Dim, Dim)> {
    let mut first: Vec<(&Dim, &Dim)> = Vec::new();
    let mut equal = Vec::new();
    for (&input, outside) in inner.inputs().iter().zip(given) {
        for (size, outside) in inner.aval(input).shape.iter().zip(outside) {
            match first.iter().find(|(_, seen)| *seen == outside) {
                Some((other, _)) if *other != size => equal.push(((*other).clone(), size.clone())),
                Some(_) => {}
                None => first.push((size, outside)),
            }
        }
    }
    equal
}

/// The graph in which each input is read from the one that `same` tells.
fn with_shared_inputs(graph: &Graph, same: &[usize]) -> Graph {
    if same.iter().enumerate().all(|(i, &first)| i == first) {
        return graph.clone();
    }
    let mut b = Builder::rebuild(graph);
    let mut new = vec![NodeId::end(); graph.len()];
    for id in graph.nodes() {
        let operands: Operands = graph.operands(id).iter().map(|o| new[o.index()]).collect();
        new[id.index()] = b.copy(graph, id, &operands);
        if let Some(i) = graph.inputs().iter().position(|&input| input == id) {
            let first = graph.inputs()[same[i]];
            if graph.aval(first) == graph.aval(id) {
                new[id.index()] = new[first.index()];
            }
        }
    }
    b.finish(graph.outputs().iter().map(|o| new[o.index()]).collect())
}

fn prune_loop(l: &Loop, read: &[bool]) -> Result<Kept> {
    let body = prune(&l.body)?;
    let count = body.inputs().len();
    let first = count - l.carried;
    // What every trip leaves as it is.
    let same = |k: usize| body.outputs()[k] == body.inputs()[first + k];
    let flag = usize::from(l.conditional);
    let is_constant: Vec<bool> = (0..l.carried).map(|k| k >= flag && same(k)).collect();
    let is_read = |k: usize| read.get(k).copied().unwrap_or(false);
    let mut kept: Vec<bool> = (0..l.carried)
        .map(|k| !is_constant[k] && (is_read(k) || k < flag))
        .collect();
    let rows: Vec<usize> = (l.carried..body.outputs().len())
        .filter(|&k| is_read(k))
        .collect();
    let needed = loop {
        let outputs = (0..l.carried)
            .filter(|&k| kept[k])
            .chain(rows.iter().copied());
        let needed = needed_of(&body, outputs.map(|k| body.outputs()[k]));
        let more: Vec<usize> = (0..l.carried)
            .filter(|&k| !kept[k] && !is_constant[k] && needed[body.inputs()[first + k].index()])
            .collect();
        if more.is_empty() {
            break needed;
        }
        more.into_iter().for_each(|k| kept[k] = true);
    };
    let says_size = |i: usize| body.symbols().iter().any(|s| s.node == body.inputs()[i]);
    let stays = |i: usize| needed[body.inputs()[i].index()] || says_size(i);
    let carried: Vec<usize> = (0..l.carried).filter(|&k| kept[k]).collect();
    let mut order: Vec<usize> = vec![0];
    order.extend((1..first).filter(|&i| stays(i)));
    order.extend(
        (0..l.carried)
            .filter(|&k| !kept[k])
            .map(|k| first + k)
            .filter(|&i| stays(i)),
    );
    order.extend(carried.iter().map(|&k| first + k));
    let results: Vec<usize> = carried.iter().copied().chain(rows).collect();
    let outputs = results.iter().map(|&k| body.outputs()[k]).collect();
    let inner = Builder::extend(&body).finish(outputs);
    let unchanged = (0..body.outputs().len())
        .map(|k| (k < l.carried && is_constant[k]).then_some(first + k))
        .collect();
    Ok(Kept {
        op: Op::Loop(Arc::new(Loop {
            body: dce(&reordered(&inner, &order))?,
            carried: carried.len(),
            conditional: l.conditional,
            states: l.states,
        })),
        operands: order,
        results,
        unchanged,
    })
}

fn prune_cond(c: &Cond, read: &[bool]) -> Result<Kept> {
    let (then, otherwise) = (prune(&c.then)?, prune(&c.otherwise)?);
    let input =
        |graph: &Graph, k: usize| graph.inputs().iter().position(|&i| i == graph.outputs()[k]);
    let count = then.outputs().len();
    let unchanged: Vec<Option<usize>> = (0..count)
        .map(|k| {
            input(&then, k)
                .filter(|i| input(&otherwise, k) == Some(*i))
                .map(|i| i + 1)
        })
        .collect();
    let results: Vec<usize> = (0..count)
        .filter(|&k| read.get(k).copied().unwrap_or(false) && unchanged[k].is_none())
        .collect();
    let outputs =
        |graph: &Graph| -> Vec<NodeId> { results.iter().map(|&k| graph.outputs()[k]).collect() };
    let needed = [&then, &otherwise].map(|g| needed_of(g, outputs(g).into_iter()));
    let stays = |i: usize| {
        [&then, &otherwise]
            .iter()
            .zip(&needed)
            .any(|(graph, needed)| {
                let id = graph.inputs()[i];
                needed[id.index()] || graph.symbols().iter().any(|s| s.node == id)
            })
    };
    let order: Vec<usize> = (0..then.inputs().len()).filter(|&i| stays(i)).collect();
    let side = |graph: &Graph| {
        let inner = Builder::extend(graph).finish(outputs(graph));
        dce(&reordered(&inner, &order))
    };
    let mut operands = vec![0];
    operands.extend(order.iter().map(|i| i + 1));
    Ok(Kept {
        op: Op::Cond(Arc::new(Cond {
            then: side(&then)?,
            otherwise: side(&otherwise)?,
        })),
        operands,
        results,
        unchanged,
    })
}

/// What outputs need, and what finds the sizes within.
fn needed_of(graph: &Graph, outputs: impl Iterator<Item = NodeId>) -> Vec<bool> {
    let mut needed = vec![false; graph.len()];
    let found = graph.symbols().iter().map(|s| s.node);
    let found = found.filter(|&id| !matches!(graph.op(id), Op::Input));
    outputs
        .chain(found)
        .for_each(|id| needed[id.index()] = true);
    for id in graph.nodes().rev() {
        if needed[id.index()] {
            for operand in graph.operands(id) {
                needed[operand.index()] = true;
            }
        }
    }
    needed
}

/// The graph with its inputs in another order, without those that are not named, which nothing reads.
pub(crate) fn reordered(graph: &Graph, order: &[usize]) -> Graph {
    let outputs = graph.outputs().iter().copied();
    let needed = needed_of(graph, outputs.chain(graph.symbols().iter().map(|s| s.node)));
    let mut b = Builder::rebuild(graph);
    let mut new = vec![NodeId::end(); graph.len()];
    for &i in order {
        let id = graph.inputs()[i];
        new[id.index()] = b.copy(graph, id, &[]);
    }
    for id in graph.nodes().filter(|id| needed[id.index()]) {
        if !matches!(graph.op(id), Op::Input) {
            let operands: Operands = graph.operands(id).iter().map(|o| new[o.index()]).collect();
            new[id.index()] = b.copy(graph, id, &operands);
        }
    }
    b.finish(graph.outputs().iter().map(|o| new[o.index()]).collect())
}
