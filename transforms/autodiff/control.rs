//! Derivatives of loops and branches: the transforms applied to their nested graphs.
//!
//! In: a `Loop` or `Cond` node with tangents of its operands, or cotangents of its results. Out: nodes
//! that are loops and branches again, so that every order follows.
//!
//! ```text
//! loop(n, c, x)        forward:   loop(n, c, t_c, x, t_x)      the body pushes tangents as well
//!                      reverse:   x0, x1, ... = loop(n, c, x)  what each trip starts from
//!                                 loop(n, c, xs, c_x, c_c)     trips backwards: the body's own pullback
//! ```
//!
//! The backward loop computes each trip again from what it started from, so that a nest of loops of
//! depth d costs d + 1 times its work and keeps one value per trip and level. Cotangents of constants are
//! summed over the trips. A loop that runs while a condition holds is first counted. On request it keeps less
//! ([`super::bisection`]).
//!
//! Source: reverse mode through loops with checkpoints at every trip, Griewank and Walther, *Evaluating
//! Derivatives* (2008), chapter 12; the jvp of `scan` in JAX.

use std::collections::HashMap;
use std::sync::Arc;

use lazy_core::error::{Error, Result};
use lazy_core::graph::{Aval, Builder, DType, Dim, Graph, NodeId, Operands, Symbol};
use lazy_core::ops::control::States;
use lazy_core::ops::{self, Cond, Elementwise, Loop, Op};

use super::bisection::Bisection;
use super::{forward, reverse};
use crate::simplify::{dce, prune, reordered};

/// The tangents of the results of a loop or branch.
///
/// # Errors
/// `NotDifferentiable`, from within.
pub(super) fn push(
    b: &mut Builder,
    op: &Op,
    operands: &[NodeId],
    tangents: &[Option<NodeId>],
) -> Result<Vec<Option<NodeId>>> {
    match op {
        Op::Loop(l) => push_loop(b, l, operands, tangents),
        Op::Cond(c) => push_cond(b, c, operands, tangents),
        other => Err(Error::internal(format!("no control flow: {other:?}"))),
    }
}

/// A nested graph with tangents of the inputs in `seeded` as further inputs, and the tangents of its outputs.
struct Pushed {
    b: Builder,
    outputs: Vec<Option<NodeId>>,
}

fn pushed(graph: &Graph, seeded: &[bool]) -> Result<Pushed> {
    let mut b = Builder::extend(graph);
    let mut seeds = Vec::new();
    for (&input, _) in graph.inputs().iter().zip(seeded).filter(|(_, s)| **s) {
        let name = graph.node(input).name.as_deref().unwrap_or("x");
        let aval = graph.aval(input).clone();
        seeds.push((input, b.input(&format!("t_{name}"), aval)));
    }
    let tangents = forward::push(&mut b, graph, &seeds, graph.outputs())?;
    let outputs = graph.outputs().iter().map(|&o| tangents.of(o)).collect();
    Ok(Pushed { b, outputs })
}

fn tangent_or_zeros(b: &mut Builder, tangent: Option<NodeId>, aval: &Aval) -> Result<NodeId> {
    match tangent {
        Some(t) => {
            // A cast keeps what is linear linear, where a literal would be replaced.
            let t = match b.aval(t).dtype == aval.dtype && b.aval(t).weak == aval.weak {
                true => t,
                false => b.cast(t, aval.dtype)?,
            };
            b.broadcast_to(t, aval.shape.clone())
        }
        None => zeros(b, aval),
    }
}

fn zeros(b: &mut Builder, aval: &Aval) -> Result<NodeId> {
    match aval.weak {
        true => Ok(b.weak_zero(aval.dtype)),
        false => b.full(0.0, aval.dtype, aval.shape.clone()),
    }
}

fn push_loop(
    b: &mut Builder,
    l: &Loop,
    operands: &[NodeId],
    tangents: &[Option<NodeId>],
) -> Result<Vec<Option<NodeId>>> {
    let body = strong(&l.body)?;
    let operands = strong_operands(b, operands)?;
    let first = body.inputs().len() - l.carried;
    let mut seeded: Vec<bool> = tangents.iter().map(Option::is_some).collect();
    seeded[0] = false;
    // A value that a trip leaves with a tangent has one from the next trip on.
    let inner = loop {
        let inner = pushed(&body, &seeded)?;
        let mut grew = false;
        for k in 0..l.carried {
            if inner.outputs[k].is_some() && !seeded[first + k] {
                seeded[first + k] = true;
                grew = true;
            }
        }
        if !grew {
            break inner;
        }
    };
    let Pushed {
        b: mut body_b,
        outputs,
    } = inner;
    let moved: Vec<usize> = (0..l.carried).filter(|k| seeded[first + k]).collect();
    let mut results = body.outputs()[..l.carried].to_vec();
    for &k in &moved {
        let aval = body.aval(body.outputs()[k]).clone();
        results.push(tangent_or_zeros(&mut body_b, outputs[k], &aval)?);
    }
    let rows = &body.outputs()[l.carried..];
    results.extend(rows);
    let mut row_tangents = Vec::new();
    for (&row, tangent) in rows.iter().zip(&outputs[l.carried..]) {
        if let Some(t) = tangent {
            let aval = body.aval(row).clone();
            results.push(ops::materialized(&mut body_b, *t, &aval)?);
        }
        row_tangents.push(tangent.is_some());
    }
    // Constants come before what is carried.
    let count = body.inputs().len();
    let with_tangent: Vec<usize> = (0..count).filter(|&i| seeded[i]).collect();
    let place = |i: &usize| count + with_tangent.iter().position(|j| j == i).unwrap_or(0);
    let of_constants = with_tangent.iter().filter(|i| **i < first).map(place);
    let of_carried = with_tangent.iter().filter(|i| **i >= first).map(place);
    let order: Vec<usize> = (0..first)
        .chain(of_constants)
        .chain(first..count)
        .chain(of_carried)
        .collect();
    let whole = dce(&body_b.finish(results))?;
    let op = Op::Loop(Arc::new(Loop {
        body: reordered(&whole, &order),
        carried: l.carried + moved.len(),
        conditional: l.conditional,
        states: l.states,
    }));
    let mut given = Operands::from_slice(&operands[..first]);
    for i in (0..first).filter(|&i| seeded[i]) {
        let aval = b.aval(operands[i]).clone();
        given.push(tangent_or_zeros(b, tangents[i], &aval)?);
    }
    given.extend_from_slice(&operands[first..]);
    for &k in &moved {
        let aval = b.aval(operands[first + k]).clone();
        given.push(tangent_or_zeros(b, tangents[first + k], &aval)?);
    }
    let node = b.add(op, &given)?;
    let mut out = vec![None; l.carried + l.stacks()];
    for (at, &k) in moved.iter().enumerate() {
        out[k] = Some(part(b, node, l.carried + at)?);
    }
    let mut next = l.carried + moved.len() + l.stacks();
    for (r, has) in row_tangents.into_iter().enumerate() {
        if has {
            out[l.carried + r] = Some(part(b, node, next)?);
            next += 1;
        }
    }
    Ok(out)
}

pub(super) fn part(b: &mut Builder, node: NodeId, k: usize) -> Result<NodeId> {
    match k {
        0 => Ok(node),
        _ => b.add(Op::Part(k), &[node]),
    }
}

/// The graph with Python's floats made NumPy's, whose derivatives are: inputs and outputs.
fn strong(graph: &Graph) -> Result<Graph> {
    let is_weak = |id: &NodeId| graph.aval(*id).weak && graph.aval(*id).dtype.is_inexact();
    if !graph.inputs().iter().chain(graph.outputs()).any(is_weak) {
        return Ok(graph.clone());
    }
    let mut b = Builder::rebuild(graph);
    let mut inputs = Vec::new();
    for input in graph.inputs() {
        let new = b.copy(graph, *input, &[]);
        if is_weak(input) {
            b.strengthen(new);
        }
        inputs.push(new);
    }
    let nodes = b.inline(graph, &inputs)?;
    let mut outputs = Vec::new();
    for &output in graph.outputs() {
        let node = nodes[output.index()];
        let dtype = graph.aval(output).dtype;
        outputs.push(match dtype.is_inexact() {
            true => b.cast(node, dtype)?,
            false => node,
        });
    }
    Ok(b.finish(outputs))
}

/// The operands of a [`strong`] graph.
fn strong_operands(b: &mut Builder, operands: &[NodeId]) -> Result<Operands> {
    let mut out = Operands::new();
    for &operand in operands {
        let aval = b.aval(operand).clone();
        out.push(match aval.weak && aval.dtype.is_inexact() {
            true => b.cast(operand, aval.dtype)?,
            false => operand,
        });
    }
    Ok(out)
}

fn push_cond(
    b: &mut Builder,
    c: &Cond,
    operands: &[NodeId],
    tangents: &[Option<NodeId>],
) -> Result<Vec<Option<NodeId>>> {
    let seeded: Vec<bool> = tangents[1..].iter().map(Option::is_some).collect();
    let operands = strong_operands(b, operands)?;
    let graphs = [strong(&c.then)?, strong(&c.otherwise)?];
    let mut sides = [pushed(&graphs[0], &seeded)?, pushed(&graphs[1], &seeded)?];
    let count = c.then.outputs().len();
    let moved: Vec<usize> = (0..count)
        .filter(|&k| sides.iter().any(|side| side.outputs[k].is_some()))
        .collect();
    if moved.is_empty() {
        return Ok(vec![None; count]);
    }
    let mut pushed = Vec::with_capacity(2);
    for (side, graph) in sides.iter_mut().zip(&graphs) {
        let mut results = Vec::new();
        for &k in &moved {
            let aval = graph.aval(graph.outputs()[k]).clone();
            results.push(tangent_or_zeros(&mut side.b, side.outputs[k], &aval)?);
        }
        let inner = std::mem::take(&mut side.b);
        pushed.push(dce(&inner.finish(results))?);
    }
    let [then, otherwise] =
        <[Graph; 2]>::try_from(pushed).map_err(|_| Error::internal("two sides"))?;
    let mut given = operands.clone();
    for (&operand, tangent) in operands[1..].iter().zip(&tangents[1..]) {
        if tangent.is_some() {
            let aval = b.aval(operand).clone();
            given.push(tangent_or_zeros(b, *tangent, &aval)?);
        }
    }
    let node = b.add(Op::Cond(Arc::new(Cond { then, otherwise })), &given)?;
    let mut out = vec![None; count];
    for (at, &k) in moved.iter().enumerate() {
        out[k] = Some(part(b, node, at)?);
    }
    Ok(out)
}

/// The cotangents of the operands that `linear` marks, for those of the results.
///
/// # Errors
/// `NotDifferentiable`, from within.
pub(super) fn pull(
    b: &mut Builder,
    node: NodeId,
    linear: &[bool],
    cotangents: &[Option<NodeId>],
) -> Result<Vec<Option<NodeId>>> {
    let operands = b.graph().operands(node);
    let op = b.op(node).clone();
    // Results beyond the last that is read have none.
    let mut cotangents = cotangents.to_vec();
    cotangents.resize(ops::results(b, &op, &operands)?.len(), None);
    match op {
        Op::Loop(l) => pull_loop(b, &l, &operands, linear, &cotangents),
        Op::Cond(c) => pull_cond(b, &c, &operands, linear, &cotangents),
        other => Err(Error::internal(format!("no control flow: {other:?}"))),
    }
}

/// The pullback of a nested graph: its inputs, then cotangents of `outputs`, to cotangents of `inputs`.
fn pullback(graph: &Graph, inputs: &[NodeId], outputs: &[NodeId]) -> Result<Graph> {
    let mut b = Builder::extend(graph);
    let mut seeds = Vec::new();
    for &output in outputs {
        let mut aval = graph.aval(output).clone();
        aval.weak = false;
        let name = graph.node(output).name.as_deref().unwrap_or("x");
        seeds.push((output, b.input(&format!("c_{name}"), aval)));
    }
    let pulled = reverse::pull(&mut b, graph, inputs, &seeds)?;
    prune(&b.finish(pulled))
}

fn pull_cond(
    b: &mut Builder,
    c: &Cond,
    operands: &[NodeId],
    linear: &[bool],
    cotangents: &[Option<NodeId>],
) -> Result<Vec<Option<NodeId>>> {
    let wanted: Vec<usize> = (1..operands.len()).filter(|&i| linear[i]).collect();
    let given: Vec<usize> = (0..cotangents.len())
        .filter(|&k| cotangents[k].is_some())
        .collect();
    let side = |graph: &Graph| {
        let inputs: Vec<NodeId> = wanted.iter().map(|&i| graph.inputs()[i - 1]).collect();
        let outputs: Vec<NodeId> = given.iter().map(|&k| graph.outputs()[k]).collect();
        pullback(graph, &inputs, &outputs)
    };
    let (then, otherwise) = (side(&c.then)?, side(&c.otherwise)?);
    let mut all = Operands::from_slice(operands);
    for &k in &given {
        let mut aval = c.then.aval(c.then.outputs()[k]).clone();
        aval.weak = false;
        let outer = ops::results(b, &Op::Cond(Arc::new(c.clone())), operands)?;
        aval.shape = outer[k].shape.clone();
        if let Some(cotangent) = cotangents[k] {
            all.push(ops::materialized(b, cotangent, &aval)?);
        }
    }
    let node = b.add(Op::Cond(Arc::new(Cond { then, otherwise })), &all)?;
    let mut out = vec![None; operands.len()];
    for (at, &i) in wanted.iter().enumerate() {
        out[i] = Some(part(b, node, at)?);
    }
    Ok(out)
}

fn pull_loop(
    b: &mut Builder,
    l: &Loop,
    operands: &[NodeId],
    linear: &[bool],
    cotangents: &[Option<NodeId>],
) -> Result<Vec<Option<NodeId>>> {
    if cotangents.iter().skip(l.carried).any(Option::is_some) {
        return pull_rows(b, l, operands, linear, cotangents);
    }
    let body = &l.body;
    let first = body.inputs().len() - l.carried;
    let is_linear = linear_inputs(l, linear);
    let trips = counted(b, l, operands)?;
    // The trip's own pullback.
    let inputs: Vec<usize> = (1..body.inputs().len()).filter(|&i| is_linear[i]).collect();
    let carried: Vec<usize> = inputs.iter().copied().filter(|&i| i >= first).collect();
    let summed: Vec<usize> = inputs.iter().copied().filter(|&i| i < first).collect();
    let nodes = |of: &[usize]| -> Vec<NodeId> { of.iter().map(|&i| body.inputs()[i]).collect() };
    let outputs: Vec<NodeId> = carried.iter().map(|&i| body.outputs()[i - first]).collect();
    let ordered: Vec<usize> = carried.iter().chain(&summed).copied().collect();
    let pulled = pullback(body, &nodes(&ordered), &outputs)?;
    let is_read = |i: &usize| reads(&pulled, pulled.inputs()[*i]);
    // What each trip starts from, of the values that are not linear and that the way back reads.
    let kept: Vec<usize> = (first..body.inputs().len())
        .filter(|&i| !is_linear[i])
        .filter(is_read)
        .collect();
    let constants: Vec<usize> = (1..first).filter(is_read).collect();
    let bisects = l.states == States::Bisected && !kept.is_empty();
    let stacks = match bisects {
        true => vec![],
        false => stacked(b, l, operands, &kept, trips)?,
    };
    // The backward trip around it.
    let mut inner = Builder::new("back");
    let index = inner.input("k", Aval::weak(DType::I64));
    let mut outer = Operands::from_slice(&[trips]);
    let mut new: Vec<Option<NodeId>> = vec![None; body.inputs().len()];
    let mut table = Table::default();
    let last = table.input(b, &mut inner, trips, &mut outer)?;
    for &i in &constants {
        new[i] = Some(table.input(b, &mut inner, operands[i], &mut outer)?);
    }
    let mut rows = Vec::new();
    for &stack in &stacks {
        rows.push(table.input(b, &mut inner, stack, &mut outer)?);
    }
    // What is not read may say a size.
    for i in 1..body.inputs().len() {
        if new[i].is_none() && !kept.contains(&i) && says_size(&pulled, pulled.inputs()[i]) {
            new[i] = Some(table.input(b, &mut inner, operands[i], &mut outer)?);
        }
    }
    let mut bisection = match bisects {
        true => Some(Bisection::new(b, l, operands, &kept, trips)?),
        false => None,
    };
    if let Some(bisection) = &mut bisection {
        bisection.take_constants(b, &mut inner, &mut outer, &mut table, operands, &mut new)?;
    }
    let constants_end = inner.graph().inputs().len();
    let mut states = Vec::new();
    for &i in &carried {
        let aval = strengthened(b.aval(operands[i]));
        let start = match cotangents[i - first] {
            Some(c) => ops::materialized(b, c, &aval)?,
            None => zeros(b, &aval)?,
        };
        states.push(table.input(b, &mut inner, start, &mut outer)?);
    }
    let mut sums = Vec::new();
    for &i in &summed {
        let aval = strengthened(b.aval(operands[i]));
        let start = zeros(b, &aval)?;
        sums.push(table.input(b, &mut inner, start, &mut outer)?);
    }
    if let Some(bisection) = &mut bisection {
        bisection.take_carried(b, &mut inner, &mut outer, &mut table)?;
    }
    let one = inner.int(1);
    let before = inner.elementwise(Elementwise::Subtract, &[last, one])?;
    let at = inner.elementwise(Elementwise::Subtract, &[before, index])?;
    new[0] = Some(at);
    let mut left = Vec::new();
    if let Some(bisection) = &bisection {
        let (read, next) = bisection.restore(&mut inner, at, &kept)?;
        for (&i, node) in kept.iter().zip(read) {
            new[i] = Some(node);
        }
        left = next;
    }
    for (&i, &row) in kept.iter().zip(&rows) {
        let axes = std::iter::once(0).collect();
        let read = inner.add(Op::Gather { axes, at: 0 }, &[row, at])?;
        new[i] = Some(read);
    }
    let mut given = Vec::with_capacity(pulled.inputs().len());
    for (i, &input) in pulled.inputs().iter().enumerate() {
        given.push(match new.get(i).copied().flatten() {
            Some(node) => node,
            None if i < new.len() => zeros_of_rank(&mut inner, pulled.aval(input))?,
            None => states[i - new.len()],
        });
    }
    let nodes = inner.inline(&pulled, &given)?;
    let mut results = Vec::new();
    for (at, &state) in states.iter().enumerate() {
        let node = nodes[pulled.outputs()[at].index()];
        let aval = inner.aval(state).clone();
        results.push(ops::materialized(&mut inner, node, &aval)?);
    }
    for (at, &sum) in sums.iter().enumerate() {
        let node = nodes[pulled.outputs()[carried.len() + at].index()];
        let aval = inner.aval(sum).clone();
        let total = ops::accumulated(&mut inner, sum, node, &aval)?;
        results.push(ops::materialized(&mut inner, total, &aval)?);
    }
    if results.is_empty() {
        return Ok(vec![None; operands.len()]);
    }
    results.extend(left);
    let carried_count = results.len();
    let mut out = vec![None; operands.len()];
    let whole = dce(&inner.finish(results))?;
    debug_assert_eq!(whole.inputs().len() - carried_count, constants_end);
    let node = b.add(
        Op::Loop(Arc::new(Loop {
            body: whole,
            carried: carried_count,
            conditional: false,
            states: l.states,
        })),
        &outer,
    )?;
    for (at, &i) in ordered.iter().enumerate() {
        if linear[i] {
            out[i] = Some(part(b, node, at)?);
        }
    }
    Ok(out)
}

fn strengthened(aval: &Aval) -> Aval {
    Aval {
        weak: false,
        ..aval.clone()
    }
}

/// For an input that is not read.
fn zeros_of_rank(b: &mut Builder, aval: &Aval) -> Result<NodeId> {
    let shape = aval.shape.iter().map(|_| Dim::known(1)).collect();
    b.full(0.0, aval.dtype, shape)
}

fn reads(graph: &Graph, input: NodeId) -> bool {
    graph.users(input).next().is_some() || graph.outputs().contains(&input)
}

fn says_size(graph: &Graph, input: NodeId) -> bool {
    graph.symbols().iter().any(|origin| origin.node == input)
}

/// Which inputs of the body a linear loop is linear in: those marked, and what they reach.
fn linear_inputs(l: &Loop, marked: &[bool]) -> Vec<bool> {
    let body = &l.body;
    let first = body.inputs().len() - l.carried;
    let mut linear = marked.to_vec();
    linear[0] = false;
    loop {
        let mut reached = vec![false; body.len()];
        for (&input, &is_linear) in body.inputs().iter().zip(&linear) {
            reached[input.index()] = is_linear;
        }
        for id in body.nodes() {
            if !matches!(body.op(id), Op::Input) {
                reached[id.index()] = body.operands(id).iter().any(|o| reached[o.index()]);
            }
        }
        let mut grew = false;
        for (k, output) in body.outputs()[..l.carried].iter().enumerate() {
            if reached[output.index()] && !linear[first + k] {
                linear[first + k] = true;
                grew = true;
            }
        }
        if !grew {
            return linear;
        }
    }
}

/// The number of trips, which is a size then.
fn counted(b: &mut Builder, l: &Loop, operands: &[NodeId]) -> Result<NodeId> {
    let mut trips = operands[0];
    if l.conditional {
        let mut inner = Builder::extend(&l.body);
        let counter = inner.input("trips", Aval::weak(DType::I64));
        let one = inner.int(1);
        let next = inner.elementwise(Elementwise::Add, &[counter, one])?;
        let mut outputs = l.body.outputs()[..l.carried].to_vec();
        outputs.push(next);
        let counting = Op::Loop(Arc::new(Loop {
            body: inner.finish(outputs),
            carried: l.carried + 1,
            conditional: true,
            states: States::All,
        }));
        let mut given = Operands::from_slice(operands);
        given.push(b.int(0));
        let node = b.add(counting, &given)?;
        trips = part(b, node, l.carried)?;
    }
    if ops::control::trip_count(b, trips).is_none() {
        let zero = b.int(0);
        trips = b.elementwise(Elementwise::Maximum, &[trips, zero])?;
        b.add(Op::Arange, &[trips])?;
    }
    Ok(trips)
}

/// A trip as far as some of what it starts from needs it.
pub(super) struct Advance {
    /// From the index, constants and what is carried, to what is carried next.
    pub body: Graph,
    /// Which inputs of the whole body these are.
    pub constants: Vec<usize>,
    pub carried: Vec<usize>,
}

/// The trips that make the carried inputs `kept`.
pub(super) fn advance(l: &Loop, kept: &[usize]) -> Result<Advance> {
    let body = &l.body;
    let count = body.inputs().len();
    let first = count - l.carried;
    // They, and what they are computed from.
    let mut carried = vec![false; count];
    kept.iter().for_each(|&i| carried[i] = true);
    let needed = loop {
        let mut needed = vec![false; body.len()];
        // Sizes that are found within stay: their numbers are what other sizes are written with.
        for found in body.symbols() {
            needed[found.node.index()] |= !matches!(body.op(found.node), Op::Input);
        }
        for i in (first..count).filter(|&i| carried[i]) {
            needed[body.outputs()[i - first].index()] = true;
        }
        for id in body
            .nodes()
            .rev()
            .filter(|id| !matches!(body.op(*id), Op::Input))
        {
            if needed[id.index()] {
                for operand in body.operands(id) {
                    needed[operand.index()] = true;
                }
            }
        }
        let more = (first..count).find(|&i| !carried[i] && needed[body.inputs()[i].index()]);
        match more {
            Some(i) => carried[i] = true,
            None => break needed,
        }
    };
    let carried: Vec<usize> = (first..count).filter(|&i| carried[i]).collect();
    let outputs = carried.iter().map(|&i| body.outputs()[i - first]).collect();
    let whole = dce(&Builder::extend(body).finish(outputs))?;
    let is_constant =
        |i: &usize| needed[body.inputs()[*i].index()] || says_size(&whole, whole.inputs()[*i]);
    let constants: Vec<usize> = (1..count)
        .filter(|i| !carried.contains(i))
        .filter(is_constant)
        .collect();
    let order: Vec<usize> = std::iter::once(0)
        .chain(constants.iter().copied())
        .chain(carried.iter().copied())
        .collect();
    Ok(Advance {
        body: reordered(&whole, &order),
        constants,
        carried,
    })
}

/// What each trip starts from, of the carried inputs `kept`.
fn stacked(
    b: &mut Builder,
    l: &Loop,
    operands: &[NodeId],
    kept: &[usize],
    trips: NodeId,
) -> Result<Vec<NodeId>> {
    if kept.is_empty() {
        return Ok(vec![]);
    }
    let Advance {
        body,
        constants,
        carried,
    } = advance(l, kept)?;
    let place = |i: &usize| carried.iter().position(|c| c == i).unwrap_or(0);
    let rows = kept
        .iter()
        .map(|i| body.inputs()[1 + constants.len() + place(i)]);
    let outputs = body.outputs().iter().copied().chain(rows).collect();
    let op = Op::Loop(Arc::new(Loop {
        body: Builder::extend(&body).finish(outputs),
        carried: carried.len(),
        conditional: false,
        states: States::All,
    }));
    let mut given = Operands::from_slice(&[trips]);
    given.extend(constants.iter().chain(&carried).map(|&i| operands[i]));
    let node = b.add(op, &given)?;
    (0..kept.len())
        .map(|at| part(b, node, carried.len() + at))
        .collect()
}

/// As [`pull_loop`], for a loop whose stacks have cotangents: their rows are read trip by trip.
fn pull_rows(
    b: &mut Builder,
    l: &Loop,
    operands: &[NodeId],
    linear: &[bool],
    cotangents: &[Option<NodeId>],
) -> Result<Vec<Option<NodeId>>> {
    // A row is as good as a write to a carried stack at the trip's place.
    let body = &l.body;
    let results = ops::results(b, &Op::Loop(Arc::new(l.clone())), operands)?;
    let mut inner = Builder::extend(body);
    let mut carried = body.outputs()[..l.carried].to_vec();
    let mut given = Operands::from_slice(operands);
    let mut marks = linear.to_vec();
    let index = body.inputs()[0];
    for (r, &row) in body.outputs()[l.carried..].iter().enumerate() {
        let aval = strengthened(&results[l.carried + r]);
        let start = zeros(b, &aval)?;
        given.push(start);
        marks.push(false);
        let mut own = body.aval(row).clone();
        own.weak = false;
        let mut stack = Aval::new(own.dtype, [Dim::known(1)]);
        stack.shape.extend(own.shape.iter().cloned());
        let input = inner.input("rows", stack);
        inner.symbolic_axis(input, 0);
        let row = inner.cast(row, own.dtype)?;
        let axes = std::iter::once(0).collect();
        let kind = ops::Write::Set;
        carried.push(inner.add(Op::Scatter { kind, axes, at: 0 }, &[input, row, index])?);
    }
    let count = carried.len();
    let whole = Loop {
        body: inner.finish(carried),
        carried: count,
        conditional: l.conditional,
        states: l.states,
    };
    let mut pulled = pull_loop(b, &whole, &given, &marks, cotangents)?;
    pulled.truncate(operands.len());
    Ok(pulled)
}

/// Values of a graph as inputs of one nested in it.
#[derive(Default)]
pub(super) struct Table {
    sizes: HashMap<Symbol, Dim>,
}

impl Table {
    /// An input for a value of the graph around, which becomes an operand. Sizes that are symbols
    /// around become symbols inside, told by the first input that has them.
    pub fn input(
        &mut self,
        b: &Builder,
        inner: &mut Builder,
        value: NodeId,
        operands: &mut Operands,
    ) -> Result<NodeId> {
        let aval = b.aval(value).clone();
        operands.push(value);
        let name = b
            .graph()
            .node(value)
            .name
            .as_deref()
            .unwrap_or("x")
            .to_owned();
        let ones = aval.shape.iter().map(|_| Dim::known(1)).collect();
        let input = inner.input(
            &name,
            Aval {
                shape: ones,
                ..aval.clone()
            },
        );
        for (axis, dim) in aval.shape.iter().enumerate() {
            let known = dim.as_known().map(Dim::known);
            let size = match (known, dim.as_symbol()) {
                (Some(known), _) => known,
                (None, Some(symbol)) => match self.sizes.get(&symbol) {
                    Some(size) => size.clone(),
                    None => {
                        let size = inner.symbolic_axis(input, axis);
                        self.sizes.insert(symbol, size.clone());
                        size
                    }
                },
                (None, None) => inner.symbolic_axis(input, axis),
            };
            inner.set_size(input, axis, size);
        }
        Ok(input)
    }
}
