//! The way back through a loop with few of the values that its trips started from.
//!
//! In: a loop, within the backward trip that needs what trip `at` started from. Out: that, computed again from
//! the last trip before it that is kept, while the trips half way, three quarters of the way, and so on, are
//! kept for those that come later.
//!
//! ```text
//! kept: 0                 at = 7      0 4 6 7      trips 0 to 6 are run again
//!       0 4 6             at = 6      0 4 6        none
//!       0 4               at = 5      0 4 5        trip 4
//! ```
//!
//! A loop of n trips keeps at most `log2(n) + 2` of its states, and runs each trip again `log2(n) / 2` times on
//! average. Source: Griewank, *Achieving logarithmic growth of temporal and spatial complexity in reverse automatic
//! differentiation* (1992); Griewank and Walther, *Evaluating Derivatives* (2008), chapter 12.

use std::sync::Arc;

use lazy_core::error::{Error, Result};
use lazy_core::graph::{Aval, Builder, DType, Dim, Graph, NodeId, Operands};
use lazy_core::ops::control::{States, trip_count};
use lazy_core::ops::{Elementwise, Loop, Op, Write};

use super::control::{Advance, Table, advance, part};
use crate::simplify::reordered;

/// The states that are kept, as a stack that grows and shrinks from trip to trip.
pub(super) struct Bisection {
    advance: Advance,
    /// How many are kept, the trips they are of, and for each carried value of `advance` its rows. First around
    /// the backward loop, then within it.
    depth: NodeId,
    trips: NodeId,
    rows: Vec<NodeId>,
    /// The constants of `advance`, within the backward loop.
    constants: Vec<NodeId>,
}

fn read(b: &mut Builder, rows: NodeId, at: NodeId) -> Result<NodeId> {
    let axes = std::iter::once(0).collect();
    b.add(Op::Gather { axes, at: 0 }, &[rows, at])
}

fn write(b: &mut Builder, rows: NodeId, row: NodeId, at: NodeId) -> Result<NodeId> {
    let row = b.cast(row, b.aval(rows).dtype)?;
    let axes = std::iter::once(0).collect();
    let kind = Write::Set;
    b.add(Op::Scatter { kind, axes, at: 0 }, &[rows, row, at])
}

fn one_less(b: &mut Builder, x: NodeId) -> Result<NodeId> {
    let one = b.int(1);
    b.elementwise(Elementwise::Subtract, &[x, one])
}

/// The levels of a bisection of so many trips, and two more.
fn most(b: &mut Builder, trips: NodeId) -> Result<Dim> {
    if let Some(n) = trip_count(b, trips).and_then(|n| n.as_known()) {
        return Ok(Dim::known(i64::from(n.max(1).ilog2()) + 3));
    }
    let (one, three) = (b.float(1.0), b.int(3));
    let n = b.cast(trips, DType::F64)?;
    let n = b.elementwise(Elementwise::Maximum, &[n, one])?;
    let levels = b.elementwise(Elementwise::Log2, &[n])?;
    let levels = b.elementwise(Elementwise::Floor, &[levels])?;
    let levels = b.cast(levels, DType::I64)?;
    let levels = b.elementwise(Elementwise::Add, &[levels, three])?;
    let counted = b.add(Op::Arange, &[levels])?;
    Ok(b.aval(counted).shape[0].clone())
}

impl Bisection {
    /// With what the first trip starts from.
    pub fn new(
        b: &mut Builder,
        l: &Loop,
        operands: &[NodeId],
        kept: &[usize],
        trips: NodeId,
    ) -> Result<Bisection> {
        let advance = advance(l, kept)?;
        let size = most(b, trips)?;
        let (zero, depth) = (b.int(0), b.int(1));
        let mut rows = Vec::new();
        for &i in &advance.carried {
            let aval = b.aval(operands[i]).clone();
            let shape = std::iter::once(&size).chain(&aval.shape).cloned().collect();
            let empty = b.full(0.0, aval.dtype, shape)?;
            rows.push(write(b, empty, operands[i], zero)?);
        }
        let trips = b.full(0.0, DType::I64, [size].into_iter().collect())?;
        Ok(Bisection {
            advance,
            depth,
            trips,
            rows,
            constants: vec![],
        })
    }

    /// Brings what the trips read into the backward loop; `known` are inputs of the body that are there.
    pub fn take_constants(
        &mut self,
        b: &Builder,
        inner: &mut Builder,
        outer: &mut Operands,
        table: &mut Table,
        operands: &[NodeId],
        known: &mut [Option<NodeId>],
    ) -> Result<()> {
        for &i in &self.advance.constants {
            let node = match known[i] {
                Some(node) => node,
                None => table.input(b, inner, operands[i], outer)?,
            };
            known[i] = Some(node);
            self.constants.push(node);
        }
        Ok(())
    }

    /// Makes the stack something that the backward loop carries.
    pub fn take_carried(
        &mut self,
        b: &Builder,
        inner: &mut Builder,
        outer: &mut Operands,
        table: &mut Table,
    ) -> Result<()> {
        let own = [&mut self.depth, &mut self.trips].into_iter();
        for value in own.chain(&mut self.rows) {
            *value = table.input(b, inner, *value, outer)?;
        }
        Ok(())
    }

    /// What trip `at` starts from, of the inputs `kept` of the body, and the stack for the trip before it.
    pub fn restore(
        &self,
        b: &mut Builder,
        at: NodeId,
        kept: &[usize],
    ) -> Result<(Vec<NodeId>, Vec<NodeId>)> {
        let node = self.seek(b, at)?;
        let mut stack = Vec::with_capacity(2 + self.rows.len());
        for k in 0..2 + self.rows.len() {
            stack.push(part(b, node, k + 1)?);
        }
        let top = one_less(b, stack[0])?;
        let mut out = Vec::with_capacity(kept.len());
        for i in kept {
            let at = self.advance.carried.iter().position(|c| c == i);
            let at = at.ok_or_else(|| Error::internal("a state that is not carried"))?;
            out.push(read(b, stack[2 + at], top)?);
        }
        stack[0] = top;
        Ok((out, stack))
    }

    /// Runs trips until the stack ends with `at`, half of the way each time.
    fn seek(&self, b: &mut Builder, at: NodeId) -> Result<NodeId> {
        let top = one_less(b, self.depth)?;
        let last = read(b, self.trips, top)?;
        let goes_on = b.elementwise(Elementwise::Less, &[last, at])?;
        let mut inner = Builder::new("seek");
        inner.input("k", Aval::weak(DType::I64));
        let mut outer = Operands::from_slice(&[b.int(i64::MAX)]);
        let mut table = Table::default();
        let mut take = |inner: &mut Builder, value| table.input(b, inner, value, &mut outer);
        let at = take(&mut inner, at)?;
        let mut given = Operands::new();
        for &constant in &self.constants {
            given.push(take(&mut inner, constant)?);
        }
        take(&mut inner, goes_on)?;
        let depth = take(&mut inner, self.depth)?;
        let trips = take(&mut inner, self.trips)?;
        let mut rows = Vec::new();
        for &value in &self.rows {
            rows.push(take(&mut inner, value)?);
        }
        let (one, two) = (inner.int(1), inner.int(2));
        let top = one_less(&mut inner, depth)?;
        let start = read(&mut inner, trips, top)?;
        let way = inner.elementwise(Elementwise::Subtract, &[at, start])?;
        let more = inner.elementwise(Elementwise::Add, &[way, one])?;
        let half = inner.elementwise(Elementwise::FloorDivide, &[more, two])?;
        let middle = inner.elementwise(Elementwise::Add, &[start, half])?;
        given.insert(0, half);
        given.push(start);
        for &row in &rows {
            given.push(read(&mut inner, row, top)?);
        }
        let run = Op::Loop(Arc::new(Loop {
            body: from_a_trip_on(&self.advance)?,
            carried: rows.len(),
            conditional: false,
            states: States::All,
        }));
        let run = inner.add(run, &given)?;
        let goes_on = inner.elementwise(Elementwise::Less, &[middle, at])?;
        let deeper = inner.elementwise(Elementwise::Add, &[depth, one])?;
        let mut outputs = vec![goes_on, deeper, write(&mut inner, trips, middle, depth)?];
        for (k, &row) in rows.iter().enumerate() {
            let state = part(&mut inner, run, k)?;
            outputs.push(write(&mut inner, row, state, depth)?);
        }
        let op = Op::Loop(Arc::new(Loop {
            carried: outputs.len(),
            body: inner.finish(outputs),
            conditional: true,
            states: States::All,
        }));
        b.add(op, &outer)
    }
}

/// A trip whose index counts from a further constant, the last.
fn from_a_trip_on(advance: &Advance) -> Result<Graph> {
    let graph = &advance.body;
    let mut b = Builder::rebuild(graph);
    let mut given: Vec<NodeId> = Vec::new();
    for &input in graph.inputs() {
        given.push(b.copy(graph, input, &[]));
    }
    let start = b.input("start", Aval::weak(DType::I64));
    given[0] = b.elementwise(Elementwise::Add, &[given[0], start])?;
    let nodes = b.inline(graph, &given)?;
    let outputs = graph.outputs().iter().map(|o| nodes[o.index()]).collect();
    let whole = b.finish(outputs);
    let (first, count) = (1 + advance.constants.len(), graph.inputs().len());
    let order: Vec<usize> = (0..first).chain([count]).chain(first..count).collect();
    Ok(reordered(&whole, &order))
}
