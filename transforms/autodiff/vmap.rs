//! One more axis: a graph for single examples made one for batches.
//!
//! In: a node's operation and its operands, some with a leading axis that its rule does not know of.
//! Out: a node with that axis in front of its result.
//!
//! ```text
//! transpose(float64[3, 4], (1, 0))      transpose(float64[n0, 3, 4], (0, 2, 1))
//! ```
//!
//! Source: the batching rules of JAX (`jax/_src/interpreters/batching.py`), with the axis always first.

use std::collections::HashMap;
use std::sync::Arc;

use lazy_core::error::{Error, Result};
use lazy_core::graph::{Aval, Builder, DType, Dim, Graph, NodeId, Operands, Shape};
use lazy_core::ops::outside::FurtherAxes;
use lazy_core::ops::{Axes, Cond, Elementwise, Loop, Op, Range};
use smallvec::SmallVec;

use super::custom;
use crate::Transform;
use crate::simplify::dce;

/// Maps over axis `in_axes[i]` of input `i`, or not at all where that is `None`. The axis is the
/// first of every output.
///
/// # Errors
/// `Unlifted` for draws and for results whose size depends on values.
pub fn vmap(in_axes: Vec<Option<usize>>) -> impl Transform {
    move |graph: &Graph| {
        let mut mapped = mapped(graph, &in_axes)?;
        let mut outputs = Vec::with_capacity(graph.outputs().len());
        for (&output, &operand) in graph.outputs().iter().zip(&mapped.outputs) {
            let aval = graph.aval(output);
            outputs.push(whole(&mut mapped.b, operand, aval, &mapped.size)?);
        }
        mapped.b.set_origin(None);
        dce(&mapped.b.finish(outputs))
    }
}

/// A graph with one more axis, the first, on the inputs that `batched` says and on all outputs.
///
/// # Errors
/// As [`vmap`].
pub(super) fn over_first(graph: &Graph, batched: &[bool]) -> Result<Graph> {
    vmap(axes(batched)).apply(graph)
}

/// A graph with one more axis on some of its inputs.
struct Mapped {
    b: Builder,
    size: Dim,
    outputs: Vec<Operand>,
}

fn mapped(graph: &Graph, in_axes: &[Option<usize>]) -> Result<Mapped> {
    let mut b = Builder::rebuild(graph);
    let mut size = None;
    let mut new: Vec<Operand> = Vec::with_capacity(graph.len());
    let mut axes = in_axes.iter();
    // The results of loops and branches, by the parts that hold them.
    let mut results: HashMap<NodeId, Operand> = HashMap::new();
    for id in graph.nodes() {
        if let Some(&result) = results.get(&id) {
            new.push(result);
            continue;
        }
        let operands: SmallVec<[Operand; 4]> =
            graph.operands(id).iter().map(|o| new[o.index()]).collect();
        let axis = match graph.op(id) {
            Op::Input => axes.next().copied().flatten(),
            _ => None,
        };
        new.push(match (axis, &size) {
            (None, Some(size))
                if matches!(graph.op(id), Op::Loop(_) | Op::Cond(_))
                    && operands.iter().any(|o| o.batched) =>
            {
                b.set_origin(graph.origin(id).cloned());
                let all = nested(&mut b, graph, id, &operands, size)?;
                for (part, &result) in graph.parts(id).iter().zip(&all) {
                    results.extend(part.map(|part| (part, result)));
                }
                all[0]
            }
            (Some(axis), _) => mapped_input(&mut b, graph, id, axis, &mut size)?,
            (None, Some(size)) if operands.iter().any(|o| o.batched) => {
                b.set_origin(graph.origin(id).cloned());
                let node = batch(&mut b, graph, id, &operands, size)?;
                if let Some(name) = &graph.node(id).name {
                    b.name(node, name.clone());
                }
                Operand {
                    node,
                    batched: true,
                }
            }
            (None, _) => {
                let operands: Operands = operands.iter().map(|o| o.node).collect();
                Operand {
                    node: b.copy(graph, id, &operands),
                    batched: false,
                }
            }
        });
    }
    let size =
        size.ok_or_else(|| Error::value("vmap needs an argument with an axis to map over"))?;
    let outputs = graph.outputs().iter().map(|o| new[o.index()]).collect();
    Ok(Mapped { b, size, outputs })
}

/// The first axis of those that have it.
fn axes(batched: &[bool]) -> Vec<Option<usize>> {
    batched.iter().map(|&flag| flag.then_some(0)).collect()
}

/// The results of a loop or branch of which some operands have the axis.
///
/// # Errors
/// `Unlifted` where elements would need different trips.
pub(super) fn nested(
    b: &mut Builder,
    graph: &Graph,
    id: NodeId,
    operands: &[Operand],
    size: &Dim,
) -> Result<Vec<Operand>> {
    let avals: Vec<Aval> = graph
        .operands(id)
        .iter()
        .map(|&o| graph.aval(o).clone())
        .collect();
    let given = |b: &mut Builder, i: usize, batched: bool| match batched {
        true => whole(b, operands[i], &avals[i], size),
        false => Ok(operands[i].node),
    };
    let refused = || {
        Error::unlifted(
            "vmap of a loop",
            "each element may need another trip or side",
        )
    };
    match graph.op(id) {
        Op::Loop(l) => {
            if operands[0].batched {
                return Err(refused());
            }
            let count = operands.len();
            let first = count - l.carried;
            let mut flags: Vec<bool> = operands.iter().map(|o| o.batched).collect();
            // A value that a trip leaves with the axis has it from the next trip on.
            let mut inner = loop {
                let inner = mapped(&l.body, &axes(&flags))?;
                let grown = (0..l.carried).find(|&k| inner.outputs[k].batched && !flags[first + k]);
                match grown {
                    Some(k) => flags[first + k] = true,
                    None => break inner,
                }
            };
            if l.conditional && flags[first] {
                return Err(refused());
            }
            let mut outputs = Vec::new();
            for (k, &output) in l.body.outputs().iter().enumerate() {
                let wanted = k < l.carried && flags[first + k];
                let operand = inner.outputs[k];
                outputs.push(match wanted {
                    true => whole(&mut inner.b, operand, l.body.aval(output), &inner.size)?,
                    false => operand.node,
                });
            }
            let rows: Vec<bool> = inner.outputs[l.carried..]
                .iter()
                .map(|o| o.batched)
                .collect();
            let op = Op::Loop(Arc::new(Loop {
                body: dce(&inner.b.finish(outputs))?,
                ..**l
            }));
            let mut nodes = Operands::new();
            for (i, &flag) in flags.iter().enumerate() {
                nodes.push(given(b, i, flag)?);
            }
            let node = b.add(op, &nodes)?;
            let mut out = Vec::new();
            for k in 0..l.carried {
                let node = part(b, node, k)?;
                let batched = flags[first + k];
                out.push(Operand { node, batched });
            }
            for (r, batched) in rows.into_iter().enumerate() {
                let stack = part(b, node, l.carried + r)?;
                // Trips come first in a stack.
                let node = match batched {
                    true => to_front(b, stack, 1)?,
                    false => stack,
                };
                out.push(Operand { node, batched });
            }
            Ok(out)
        }
        Op::Cond(c) => {
            let flags: Vec<bool> = operands[1..].iter().map(|o| o.batched).collect();
            let mut sides = match flags.contains(&true) {
                true => [
                    mapped(&c.then, &axes(&flags))?,
                    mapped(&c.otherwise, &axes(&flags))?,
                ],
                false => return chosen(b, c, operands, size),
            };
            let count = c.then.outputs().len();
            let batched: Vec<bool> = (0..count)
                .map(|k| operands[0].batched || sides.iter().any(|s| s.outputs[k].batched))
                .collect();
            let mut graphs = Vec::with_capacity(2);
            for (side, graph) in sides.iter_mut().zip([&c.then, &c.otherwise]) {
                let mut outputs = Vec::new();
                for (k, &output) in graph.outputs().iter().enumerate() {
                    outputs.push(match batched[k] {
                        true => {
                            whole(&mut side.b, side.outputs[k], graph.aval(output), &side.size)?
                        }
                        false => side.outputs[k].node,
                    });
                }
                graphs.push(dce(&std::mem::take(&mut side.b).finish(outputs))?);
            }
            let mut nodes = Operands::new();
            for (i, &flag) in flags.iter().enumerate() {
                nodes.push(given(b, i + 1, flag)?);
            }
            let [then, otherwise] =
                <[Graph; 2]>::try_from(graphs).map_err(|_| Error::internal("two sides"))?;
            if !operands[0].batched {
                nodes.insert(0, operands[0].node);
                let node = b.add(Op::Cond(Arc::new(Cond { then, otherwise })), &nodes)?;
                return (0..count)
                    .map(|k| {
                        let node = part(b, node, k)?;
                        let batched = batched[k];
                        Ok(Operand { node, batched })
                    })
                    .collect();
            }
            select(b, operands[0].node, [&then, &otherwise], &nodes)
        }
        other => Err(Error::internal(format!("no control flow: {other:?}"))),
    }
}

/// A branch of which only the flag has the axis.
fn chosen(b: &mut Builder, c: &Cond, operands: &[Operand], size: &Dim) -> Result<Vec<Operand>> {
    let nodes: Operands = operands[1..].iter().map(|o| o.node).collect();
    let mut sides = Vec::with_capacity(2);
    for graph in [&c.then, &c.otherwise] {
        let inlined = b.inline(graph, &nodes)?;
        let mut outputs = Vec::new();
        for &output in graph.outputs() {
            let node = inlined[output.index()];
            outputs.push(b.broadcast_to(node, prefixed(size, &graph.aval(output).shape))?);
        }
        sides.push(outputs);
    }
    merged(b, operands[0].node, &sides[0], &sides[1])
}

/// Both sides of a branch, and per element the one that its flag says.
fn select(
    b: &mut Builder,
    flag: NodeId,
    sides: [&Graph; 2],
    operands: &[NodeId],
) -> Result<Vec<Operand>> {
    let mut all = Vec::with_capacity(2);
    for graph in sides {
        let nodes = b.inline(graph, operands)?;
        all.push(
            graph
                .outputs()
                .iter()
                .map(|o| nodes[o.index()])
                .collect::<Vec<NodeId>>(),
        );
    }
    merged(b, flag, &all[0], &all[1])
}

fn merged(
    b: &mut Builder,
    flag: NodeId,
    then: &[NodeId],
    otherwise: &[NodeId],
) -> Result<Vec<Operand>> {
    let pair = |(&yes, &no): (&NodeId, &NodeId)| {
        let mut shape = b.aval(flag).shape.clone();
        shape.resize(b.aval(yes).rank(), Dim::known(1));
        let flag = b.reshape(flag, shape)?;
        let node = b.elementwise(Elementwise::Where, &[flag, yes, no])?;
        Ok(Operand {
            node,
            batched: true,
        })
    };
    then.iter().zip(otherwise).map(pair).collect()
}

fn part(b: &mut Builder, node: NodeId, k: usize) -> Result<NodeId> {
    match k {
        0 => Ok(node),
        _ => b.add(Op::Part(k), &[node]),
    }
}

/// The input with one more axis, moved to the front. The first of them defines the size.
fn mapped_input(
    b: &mut Builder,
    graph: &Graph,
    id: NodeId,
    axis: usize,
    size: &mut Option<Dim>,
) -> Result<Operand> {
    let aval = graph.aval(id);
    if axis > aval.rank() {
        return Err(Error::value(format!(
            "vmap got an axis {axis} for an argument of {} axes",
            aval.rank() + 1
        )));
    }
    let name = graph.node(id).name.as_deref().unwrap_or("x");
    let (dtype, mut shape) = (aval.dtype, aval.shape.clone());
    shape.insert(axis, size.clone().unwrap_or(Dim::known(1)));
    let input = b.input(name, Aval::new(dtype, shape));
    b.replace_mapped(graph, id, input, axis);
    if size.is_none() {
        *size = Some(b.symbolic_axis(input, axis));
    }
    let mut perm: Axes = (0..=aval.rank()).filter(|&a| a != axis).collect();
    perm.insert(0, axis);
    Ok(Operand {
        node: b.transpose(input, perm)?,
        batched: true,
    })
}

/// A node, and whether it has the axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operand {
    pub node: NodeId,
    pub batched: bool,
}

/// Node `id` of `graph` for operands of which at least one has the axis, whose size is `size`.
///
/// # Errors
/// `Unlifted` if the operation cannot be mapped.
pub(super) fn batch(
    b: &mut Builder,
    graph: &Graph,
    id: NodeId,
    operands: &[Operand],
    size: &Dim,
) -> Result<NodeId> {
    let avals: Vec<Aval> = graph
        .operands(id)
        .iter()
        .map(|&o| graph.aval(o).clone())
        .collect();
    let rule = Rule {
        operands,
        avals,
        size,
    };
    rule.apply(b, graph.op(id), graph.aval(id))
        .map_err(|error| graph.locate(error, id))
}

/// With the axis, whether it had it or not.
fn whole(b: &mut Builder, x: Operand, aval: &Aval, size: &Dim) -> Result<NodeId> {
    if x.batched {
        Ok(x.node)
    } else {
        b.broadcast_to(x.node, prefixed(size, &aval.shape))
    }
}

fn prefixed(size: &Dim, shape: &[Dim]) -> Shape {
    std::iter::once(size).chain(shape).cloned().collect()
}

fn shifted(axes: &[usize]) -> Axes {
    axes.iter().map(|axis| axis + 1).collect()
}

fn ranges_after(size: &Dim, ranges: &[Range]) -> SmallVec<[Range; 4]> {
    let whole = std::iter::once(Range::full(size.clone()));
    whole.chain(ranges.iter().cloned()).collect()
}

/// What a rule looks at: the operands, and their avals without the axis.
struct Rule<'a> {
    operands: &'a [Operand],
    avals: Vec<Aval>,
    size: &'a Dim,
}

impl Rule<'_> {
    fn apply(&self, b: &mut Builder, op: &Op, result: &Aval) -> Result<NodeId> {
        let size = self.size;
        let on_first = |b: &mut Builder, op: Op| b.add(op, &[self.operands[0].node]);
        match op {
            Op::Elementwise(e) => {
                let mut operands = self.aligned(b, 0..self.operands.len(), result.rank())?;
                if *e == Elementwise::Item {
                    return Ok(operands[0]);
                }
                // A number of Python's that is mapped is an array, which no longer adapts its dtype.
                let avals: Vec<&Aval> = self.avals.iter().collect();
                let resolved = e.result_dtype(&avals)?.operands;
                for ((node, own), dtype) in operands.iter_mut().zip(avals).zip(resolved) {
                    if own.weak && !b.aval(*node).weak {
                        *node = b.cast(*node, dtype)?;
                    }
                }
                b.add(op.clone(), &operands)
            }
            Op::Cast(_) | Op::Part(_) => on_first(b, op.clone()),
            Op::Reshape(shape) => on_first(b, Op::Reshape(prefixed(size, shape))),
            Op::Transpose(perm) => {
                let mut perm = shifted(perm);
                perm.insert(0, 0);
                on_first(b, Op::Transpose(perm))
            }
            Op::BroadcastTo(shape) => {
                let x = self.padded(b, 0, shape.len())?;
                b.broadcast_to(x, prefixed(size, shape))
            }
            Op::Slice(ranges) => on_first(b, Op::Slice(ranges_after(size, ranges))),
            Op::Unslice { shape, ranges } => {
                let op = Op::Unslice {
                    shape: prefixed(size, shape),
                    ranges: ranges_after(size, ranges),
                };
                on_first(b, op)
            }
            Op::Concatenate { axis } => {
                let mut parts = Operands::new();
                for i in 0..self.operands.len() {
                    parts.push(self.whole(b, i)?);
                }
                b.add(Op::Concatenate { axis: axis + 1 }, &parts)
            }
            Op::Reduce { kind, axes } => {
                let (kind, axes) = (*kind, shifted(axes));
                on_first(b, Op::Reduce { kind, axes })
            }
            Op::ArgReduce { kind, axis } => {
                let (kind, axis) = (*kind, axis + 1);
                on_first(b, Op::ArgReduce { kind, axis })
            }
            Op::Cumulate { kind, axis } => {
                let (kind, axis) = (*kind, axis + 1);
                on_first(b, Op::Cumulate { kind, axis })
            }
            Op::ArgSort { axis } => on_first(b, Op::ArgSort { axis: axis + 1 }),
            Op::SearchSorted { .. } => {
                let [sorted, values] = [self.operands[0], self.operands[1]];
                // In one row that is the same for all examples, they are more values to look for.
                let operands = match !sorted.batched && self.avals[0].rank() == 1 {
                    true => [sorted.node, values.node],
                    false => [self.whole(b, 0)?, self.whole(b, 1)?],
                };
                b.add(op.clone(), &operands)
            }
            Op::Gather { axes, at } => self.gather(b, axes, *at),
            Op::Scatter { .. } => self.scatter(b, op),
            Op::SliceWrite { kind, ranges } => {
                let array = self.whole(b, 0)?;
                let values = self.padded(b, 1, ranges.len())?;
                let (kind, ranges) = (*kind, ranges_after(size, ranges));
                b.add(Op::SliceWrite { kind, ranges }, &[array, values])
            }
            Op::Contract { batch, contract } => self.contract(b, batch, contract),
            Op::Decompose(_) => on_first(b, op.clone()),
            Op::Fourier { kind, axis } => {
                let (kind, axis) = (kind.clone(), axis + 1);
                on_first(b, Op::Fourier { kind, axis })
            }
            Op::Solve(_) if !self.operands[0].batched => self.solve(b, op),
            Op::Solve(_) | Op::Frechet(_) => {
                let [sorted, values] = [self.operands[0], self.operands[1]];
                // In one row that is the same for all examples, they are more values to look for.
                let operands = match !sorted.batched && self.avals[0].rank() == 1 {
                    true => [sorted.node, values.node],
                    false => [self.whole(b, 0)?, self.whole(b, 1)?],
                };
                b.add(op.clone(), &operands)
            }
            Op::PseudoInverse if !self.operands[1].batched => {
                b.add(op.clone(), &[self.operands[0].node, self.operands[1].node])
            }
            Op::PseudoInverse => Err(Error::unlifted(
                "vmap of pinv",
                "it is mapped over its tolerance",
            )),
            Op::ArgWhere => Err(Error::unlifted(
                "vmap of argwhere",
                "each element would have a result of its own size",
            )),
            op @ (Op::Custom(c) | Op::Pullback(c)) => {
                let mut operands = Operands::new();
                for (i, operand) in self.operands.iter().enumerate() {
                    operands.push(match i < c.results + c.arguments {
                        true => self.whole(b, i)?,
                        false => operand.node,
                    });
                }
                let batched: Vec<bool> = self.operands.iter().map(|o| o.batched).collect();
                let mapped = Arc::new(custom::over_examples(c, &batched)?);
                let op = match matches!(op, Op::Pullback(_)) {
                    true => Op::Pullback(mapped),
                    false => Op::Custom(mapped),
                };
                b.add(op, &operands)
            }
            Op::Call {
                site,
                callee,
                results,
                further,
            } if *further != FurtherAxes::Refused => {
                let count = self.operands.len();
                let operands = match further {
                    FurtherAxes::Leading => {
                        let all = (0..count).map(|i| self.whole(b, i));
                        all.collect::<Result<Operands>>()?
                    }
                    FurtherAxes::Elementwise | FurtherAxes::Refused => {
                        self.aligned(b, 0..count, result.rank())?
                    }
                };
                let mut results = results.clone();
                for aval in &mut *results {
                    aval.shape = prefixed(size, &aval.shape);
                    // Python's numbers are arrays now.
                    aval.weak = false;
                }
                let op = Op::Call {
                    site: *site,
                    callee: callee.clone(),
                    results,
                    further: *further,
                };
                b.add(op, &operands)
            }
            Op::Call { callee, .. } => Err(Error::unlifted(
                format!("vmap of {callee}"),
                "it is compiled code that takes whole arrays",
            )),
            Op::Decide { .. } => Err(Error::unlifted(
                "vmap of a branch on values",
                "each element may take another side",
            )),
            Op::Arange => Err(Error::unlifted(
                "vmap of arange",
                "each element would have a result of its own size",
            )),
            Op::Loop(_) | Op::Cond(_) => Err(Error::internal("nested graphs are mapped as wholes")),
            Op::Draw { .. } => Err(Error::unlifted(
                "vmap of a random draw",
                "whether the elements share one sample is not said",
            )),
            Op::Input | Op::Constant(_) | Op::Size(_) | Op::Iota { .. } => {
                Err(Error::internal("an operation without operands has no axis"))
            }
        }
    }

    fn whole(&self, b: &mut Builder, i: usize) -> Result<NodeId> {
        whole(b, self.operands[i], &self.avals[i], self.size)
    }

    /// Operand `i`, so that its own axes meet the last ones of `rank` and the new axis comes before them.
    fn padded(&self, b: &mut Builder, i: usize, rank: usize) -> Result<NodeId> {
        let Operand { node, batched } = self.operands[i];
        let own = &self.avals[i].shape;
        if !batched || own.len() >= rank {
            return Ok(node);
        }
        let mut shape: Shape = SmallVec::from_elem(Dim::known(1), rank - own.len());
        shape.insert(0, self.size.clone());
        shape.extend(own.iter().cloned());
        b.reshape(node, shape)
    }

    fn aligned(
        &self,
        b: &mut Builder,
        which: std::ops::Range<usize>,
        rank: usize,
    ) -> Result<Operands> {
        which.map(|i| self.padded(b, i, rank)).collect()
    }

    /// The index arrays from operand `first` on, all with the axis, and their common rank without it.
    fn indices(&self, b: &mut Builder, first: usize) -> Result<(Operands, usize)> {
        let last = self.operands.len();
        let rank = (first..last).map(|i| self.avals[i].rank()).max();
        let rank = rank.unwrap_or(0);
        Ok((self.aligned(b, first..last, rank)?, rank))
    }

    /// `0, 1, ...` along the new axis, to be an index beside others of rank `rank`.
    fn positions(&self, b: &mut Builder, rank: usize) -> Result<NodeId> {
        let iota = Op::Iota {
            size: self.size.clone(),
            dtype: DType::I64,
        };
        let iota = b.add(iota, &[])?;
        let mut shape: Shape = SmallVec::from_elem(Dim::known(1), rank);
        shape.insert(0, self.size.clone());
        b.reshape(iota, shape)
    }

    fn gather(&self, b: &mut Builder, axes: &Axes, at: usize) -> Result<NodeId> {
        let array = self.operands[0];
        if self.operands[1..].iter().all(|i| !i.batched) {
            let (axes, at) = (shifted(axes), at + 1);
            let operands: Operands = self.operands.iter().map(|o| o.node).collect();
            return b.add(Op::Gather { axes, at }, &operands);
        }
        let (mut operands, rank) = self.indices(b, 1)?;
        let mut axes = axes.clone();
        if array.batched {
            axes = shifted(&axes);
            axes.insert(0, 0);
            operands.insert(0, self.positions(b, rank)?);
        }
        operands.insert(0, array.node);
        let read = b.add(Op::Gather { axes, at }, &operands)?;
        to_front(b, read, at)
    }

    fn scatter(&self, b: &mut Builder, op: &Op) -> Result<NodeId> {
        let Op::Scatter { kind, axes, at } = op else {
            return Err(Error::internal("not a scatter"));
        };
        let (kind, at) = (*kind, *at);
        let array = self.whole(b, 0)?;
        let slots = (2..self.operands.len())
            .map(|i| self.avals[i].rank())
            .max()
            .unwrap_or(0);
        let rank = self.avals[0].rank() - axes.len() + slots;
        if self.operands[2..].iter().all(|i| !i.batched) {
            let values = self.padded(b, 1, rank)?;
            let mut operands: Operands = self.operands.iter().map(|o| o.node).collect();
            operands[0] = array;
            operands[1] = values;
            let (axes, at) = (shifted(axes), at + 1);
            return b.add(Op::Scatter { kind, axes, at }, &operands);
        }
        let values = Operand {
            node: self.whole(b, 1)?,
            batched: true,
        };
        let values = Rule {
            operands: &[values],
            avals: vec![self.avals[1].clone()],
            size: self.size,
        }
        .padded(b, 0, rank)?;
        let mut perm: Axes = (1..=rank).collect();
        perm.insert(at, 0);
        let values = b.transpose(values, perm)?;
        let (indices, _) = self.indices(b, 2)?;
        let mut operands: Operands = SmallVec::from_slice(&[array, values]);
        operands.push(self.positions(b, slots)?);
        operands.extend(indices);
        let mut axes = shifted(axes);
        axes.insert(0, 0);
        b.add(Op::Scatter { kind, axes, at }, &operands)
    }

    fn contract(
        &self,
        b: &mut Builder,
        batch: &[(usize, usize)],
        contract: &[(usize, usize)],
    ) -> Result<NodeId> {
        let (left, right) = (self.operands[0], self.operands[1]);
        let (dl, dr) = (usize::from(left.batched), usize::from(right.batched));
        let shift = |&(l, r): &(usize, usize)| (l + dl, r + dr);
        let mut pairs: SmallVec<[(usize, usize); 2]> = batch.iter().map(shift).collect();
        let contract = contract.iter().map(shift).collect::<SmallVec<_>>();
        if left.batched && right.batched {
            pairs.insert(0, (0, 0));
        }
        let free_of_left = self.avals[0].rank() - batch.len() - contract.len();
        let at = match (left.batched, right.batched) {
            (true, true) => 0,
            (true, false) => batch.len(),
            (false, _) => batch.len() + free_of_left,
        };
        let op = Op::Contract {
            batch: pairs,
            contract,
        };
        let product = b.add(op, &[left.node, right.node])?;
        to_front(b, product, at)
    }
}

impl Rule<'_> {
    /// One matrix, many right sides: they are more columns.
    fn solve(&self, b: &mut Builder, op: &Op) -> Result<NodeId> {
        let (a, rhs) = (self.operands[0].node, self.operands[1].node);
        let shape = b.aval(rhs).shape.clone();
        let last = shape.len() - 1;
        // (size, ..., n, k) to (..., n, size, k) to (..., n, size * k), and back.
        let mut perm: Axes = (1..last).collect();
        perm.extend([0, last]);
        let moved = b.transpose(rhs, perm.clone())?;
        let apart = b.aval(moved).shape.clone();
        let mut joined: Shape = apart[..last - 1].into();
        joined.push(apart[last - 1].clone() * apart[last].clone());
        let columns = b.reshape(moved, joined)?;
        let solved = b.add(op.clone(), &[a, columns])?;
        let solved = b.reshape(solved, apart)?;
        b.transpose(solved, lazy_core::ops::shape::inverse(&perm))
    }
}

fn to_front(b: &mut Builder, x: NodeId, axis: usize) -> Result<NodeId> {
    let mut perm: Axes = (0..b.aval(x).rank()).filter(|&a| a != axis).collect();
    perm.insert(0, axis);
    b.transpose(x, perm)
}
