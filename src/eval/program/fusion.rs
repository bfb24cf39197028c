//! Elementwise work of a program in one pass: which nodes go together, and the instruction for them.
//!
//! In: a graph being compiled. Out: per node the one that computes it too, its root; and one
//! [`Fused`](super::code::Fused) per root.
//!
//! ```text
//! %4 = multiply(%1, %2); %5 = add(%4, %3); %6 = slice_write(%0, %5)       one pass, into the slice
//! ```
//!
//! A node joins its readers if they are all of one root and of its shape, and if nothing is written
//! between it and the root: what it reads is then still there.

use std::collections::HashMap;

use smallvec::{SmallVec, smallvec};

use super::Location;
use super::code::{ArrayId, ArrayOp, BufferId, Fused, FusedStep};
use super::compile::{Compiler, Scope, outside, resolution};
use super::pass::machine_code;
use crate::error::{Error, Result};
use crate::eval::kernels;
use crate::eval::machine::{self, Lane};
use crate::graph::dim::Equalities;
use crate::graph::{Assumption, DType, Dim, Graph, NodeId};
use crate::ops::index::is_range;
use crate::ops::{Op, Write};

/// Per node, its root, if that is another node.
pub(super) fn roots(graph: &Graph) -> Vec<Option<NodeId>> {
    let mut equal = Equalities::default();
    for assumption in graph.assumptions() {
        if let Assumption::Equal(a, b) = assumption {
            equal.add(a, b);
        }
    }
    let mut roots: Vec<Option<NodeId>> = vec![None; graph.len()];
    let mut is_output = vec![false; graph.len()];
    for &id in graph.outputs() {
        is_output[id.index()] = true;
    }
    // The next node from here on that changes memory.
    let mut writer = usize::MAX;
    for id in graph.nodes().rev() {
        if can_join(graph, id) && !is_output[id.index()] {
            let mut found = graph
                .users(id)
                .map(|user| root_by(graph, &roots, user, id, &equal));
            if let Some(Some(root)) = found.next()
                && root.index() <= writer
                && found.all(|other| other == Some(root))
            {
                roots[id.index()] = Some(root);
            }
        }
        if is_writer(graph.op(id)) {
            writer = id.index();
        }
    }
    roots
}

fn is_writer(op: &Op) -> bool {
    matches!(
        op,
        Op::Scatter { .. } | Op::SliceWrite { .. } | Op::Loop(_) | Op::Cond(_)
    )
}

/// Whether a node is elementwise work on arrays that cannot fail.
fn can_join(graph: &Graph, id: NodeId) -> bool {
    let operands = graph.operands(id);
    graph.aval(id).rank() > 0
        && match graph.op(id) {
            Op::Elementwise(op) => {
                let avals: Vec<_> = operands.iter().map(|&o| graph.aval(o)).collect();
                let resolved = op.result_dtype(&avals);
                resolved.is_ok_and(|r| kernels::check(*op, &r).is_none())
            }
            Op::Cast(dtype) => graph.aval(operands[0]).dtype != *dtype,
            Op::BroadcastTo(_) => graph.aval(operands[0]).rank() == 0,
            _ => false,
        }
}

/// The root that a node would have by one of its readers.
fn root_by(
    graph: &Graph,
    roots: &[Option<NodeId>],
    reader: NodeId,
    id: NodeId,
    equal: &Equalities,
) -> Option<NodeId> {
    let shape = &graph.aval(id).shape;
    match graph.op(reader) {
        Op::Elementwise(_) | Op::Cast(_) => {
            is_same(shape.iter(), graph.aval(reader).shape.iter(), equal)
                .then(|| roots[reader.index()].unwrap_or(reader))
        }
        Op::SliceWrite { kind, .. } | Op::Scatter { kind, .. } => {
            let mut uses = graph.operands(reader).into_iter().enumerate();
            let values_only = uses.all(|(k, operand)| (operand == id) == (k == 1));
            (*kind == Write::Set
                && values_only
                && !matches!(graph.op(id), Op::BroadcastTo(_))
                && fills(graph, reader, shape, equal))
            .then_some(reader)
        }
        _ => None,
    }
}

/// Whether a write's values, of this shape, are all elements that it writes to, which are a view.
fn fills(graph: &Graph, write: NodeId, shape: &[Dim], equal: &Equalities) -> bool {
    let operands = graph.operands(write);
    let written: Vec<&Dim> = match graph.op(write) {
        Op::SliceWrite { ranges, .. } => ranges.iter().map(|range| &range.size).collect(),
        Op::Scatter { axes, at, .. } => {
            let indices = &operands[2..];
            let mut ranges = indices.iter().filter(|&&i| graph.aval(i).rank() > 0);
            let range = ranges.next();
            if ranges.next().is_some() || range.is_some_and(|&range| !is_range(graph, range)) {
                return false;
            }
            let whole = graph.aval(operands[0]).shape.iter().enumerate();
            let mut kept: Vec<&Dim> = whole
                .filter(|(axis, _)| !axes.contains(axis))
                .map(|(_, dim)| dim)
                .collect();
            if let Some(&range) = range {
                kept.insert(*at, &graph.aval(range).shape[0]);
            }
            kept
        }
        _ => return false,
    };
    is_same(shape.iter(), written.into_iter(), equal)
}

fn is_same<'d>(
    a: impl ExactSizeIterator<Item = &'d Dim>,
    b: impl ExactSizeIterator<Item = &'d Dim>,
    equal: &Equalities,
) -> bool {
    a.len() == b.len()
        && a.zip(b)
            .all(|(a, b)| a == b || equal.canonical(a) == equal.canonical(b))
}

impl Compiler {
    /// An elementwise node, and all that it is the root of, into fresh memory.
    pub fn map(&mut self, scope: &Scope<'_>, id: NodeId) -> Result<Location> {
        let aval = scope.graph.aval(id);
        let (to, buffer) = self.owned(aval.dtype, aval.rank(), scope.depth)?;
        self.fused(scope, id, to, Some(buffer))?;
        Ok(Location::Array(to))
    }

    /// The values of a write into the view `to`, if they are computed for it alone; whether they are.
    pub fn write_fused(&mut self, scope: &Scope<'_>, write: NodeId, to: ArrayId) -> Result<bool> {
        let values = scope.graph.operands(write)[1];
        let is_joined = scope.roots[values.index()] == Some(write);
        if is_joined {
            self.fused(scope, write, to, None)?;
        }
        Ok(is_joined)
    }

    /// What `root` is the root of, and the root itself if it is elementwise.
    fn fused(
        &mut self,
        scope: &Scope<'_>,
        root: NodeId,
        to: ArrayId,
        buffer: Option<BufferId>,
    ) -> Result<()> {
        let mut lanes = Lanes::default();
        let itself = buffer.is_some().then_some(&root);
        for &id in scope.joined_to(root).iter().chain(itself) {
            self.fused_node(scope, id, &mut lanes)?;
        }
        let inputs = lanes.inputs.len();
        // Steps come after all inputs.
        let steps: Vec<FusedStep> = lanes
            .steps
            .into_iter()
            .map(|step| FusedStep {
                operands: step
                    .operands
                    .iter()
                    .map(|lane| lane.number(inputs))
                    .collect(),
                ..step.made
            })
            .collect();
        let row = machine_code(&lanes.inputs, &steps);
        let fused = Fused::new(lanes.inputs, steps, row, to, buffer);
        self.array_op(ArrayOp::Fused(Box::new(fused)));
        Ok(())
    }

    fn fused_node(&mut self, scope: &Scope<'_>, id: NodeId, lanes: &mut Lanes) -> Result<()> {
        let graph = scope.graph;
        let operands = graph.operands(id);
        let lane = match graph.op(id) {
            Op::Elementwise(op) => {
                let resolved = resolution(scope, id, *op)?;
                let mut of = SmallVec::new();
                for (&operand, &dtype) in operands.iter().zip(&resolved.operands) {
                    of.push(self.lane(scope, operand, dtype, lanes)?);
                }
                let kernel = kernels::lookup(*op, &resolved.operands)
                    .ok_or_else(|| Error::internal(format!("no loop of {op:?}")))?;
                let made = FusedStep {
                    kernel,
                    check: kernels::check(*op, &resolved),
                    operands: smallvec![],
                    dtype: resolved.out,
                    arithmetic: machine::dtype_of(&resolved).map(|dtype| (*op, dtype)),
                };
                lanes.step(made, of)
            }
            Op::Cast(dtype) => self.lane(scope, operands[0], *dtype, lanes)?,
            Op::BroadcastTo(_) => {
                let dtype = graph.aval(id).dtype;
                self.lane(scope, operands[0], dtype, lanes)?
            }
            other => return Err(outside(crate::graph::print::mnemonic(other))),
        };
        lanes.of.insert(id, lane);
        Ok(())
    }

    /// An operand in a dtype.
    fn lane(
        &mut self,
        scope: &Scope<'_>,
        id: NodeId,
        dtype: DType,
        lanes: &mut Lanes,
    ) -> Result<Made> {
        let from = scope.graph.aval(id).dtype;
        let lane = match lanes.of.get(&id) {
            Some(&lane) => lane,
            None => match scope.location(id)? {
                Location::Register(register) => {
                    let register = self.cast(register, from, dtype)?;
                    return Ok(lanes.input(Location::Register(register), dtype));
                }
                array @ Location::Array(_) => {
                    let lane = lanes.input(array, from);
                    lanes.of.insert(id, lane);
                    lane
                }
            },
        };
        Ok(match from == dtype {
            true => lane,
            false => lanes.cast(lane, from, dtype),
        })
    }

    /// An array in another dtype.
    pub fn cast_array(&mut self, array: ArrayId, dtype: DType, depth: usize) -> Result<ArrayId> {
        let from = self.dtype(array);
        if from == dtype {
            return Ok(array);
        }
        let (to, buffer) = self.owned(dtype, self.rank(array), depth)?;
        let step = FusedStep {
            operands: smallvec![0],
            ..cast(from, dtype)
        };
        let inputs = vec![(Location::Array(array), from)];
        let fused = Fused::new(inputs, vec![step], None, to, Some(buffer));
        self.array_op(ArrayOp::Fused(Box::new(fused)));
        Ok(to)
    }
}

fn cast(from: DType, to: DType) -> FusedStep {
    FusedStep {
        kernel: kernels::cast(from, to),
        check: None,
        operands: smallvec![],
        dtype: to,
        arithmetic: None,
    }
}

/// A lane while inputs are still being found.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Made {
    Input(usize),
    Step(usize),
}

impl Made {
    fn number(self, inputs: usize) -> Lane {
        match self {
            Made::Input(k) => k,
            Made::Step(k) => inputs + k,
        }
    }
}

struct MadeStep {
    made: FusedStep,
    operands: SmallVec<[Made; 3]>,
}

/// The lanes of one pass.
#[derive(Default)]
struct Lanes {
    inputs: Vec<(Location, DType)>,
    steps: Vec<MadeStep>,
    of: HashMap<NodeId, Made>,
    casts: HashMap<(usize, bool, DType), Made>,
}

impl Lanes {
    fn input(&mut self, location: Location, dtype: DType) -> Made {
        let found = self.inputs.iter().position(|&i| i == (location, dtype));
        Made::Input(found.unwrap_or_else(|| {
            self.inputs.push((location, dtype));
            self.inputs.len() - 1
        }))
    }

    fn step(&mut self, made: FusedStep, operands: SmallVec<[Made; 3]>) -> Made {
        self.steps.push(MadeStep { made, operands });
        Made::Step(self.steps.len() - 1)
    }

    fn cast(&mut self, lane: Made, from: DType, to: DType) -> Made {
        let key = match lane {
            Made::Input(k) => (k, true, to),
            Made::Step(k) => (k, false, to),
        };
        if let Some(&made) = self.casts.get(&key) {
            return made;
        }
        let made = self.step(cast(from, to), smallvec![lane]);
        self.casts.insert(key, made);
        made
    }
}
