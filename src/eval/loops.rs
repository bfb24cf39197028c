//! Loops and branches as steps.
//!
//! In: a `Loop` or `Cond` node whose operands have places. Out: one step. If the nested graphs are
//! scalar work and short arrays, it is a [`Program`]; otherwise their own executable, run once per
//! trip, whose results of one trip are the operands of the next.
//!
//! ```text
//! for t in range(100): x = 0.5 * (x[1:] ...)      100 runs of an executable between two memories
//! for i in range(n): s += x[i] * y[i]             one program
//! ```

use super::layout::{Layout, copy};
use super::plan::{Place, Planner, Run, Symbols};
use super::program::{self, Given, Program};
use super::schedule;
use super::step::Step;
use super::value::{Value, View};
use super::{Executable, NoCallbacks, Outputs};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Aval, Builder, DType, Graph, NodeId};
use crate::ops::{self, Loop, Op};

/// Elements from which an array is worth an executable: one pass over it for several operations, and
/// several threads. A program whose passes are machine code is as good for longer.
const LONG: usize = 1 << 12;
const LONG_COMPILED: usize = 1 << 20;

/// A step of control flow.
#[derive(Debug)]
pub struct Control {
    kind: Kind,
    operands: Vec<Place>,
    results: Vec<Place>,
}

#[derive(Debug)]
enum Kind {
    Program(Box<Program>),
    /// The body, and the shape of the loop.
    Loop {
        body: Box<Executable>,
        carried: usize,
        conditional: bool,
    },
    /// The sides of a branch.
    Cond([Box<Executable>; 2]),
}

/// Plans a node of control flow.
///
/// # Errors
/// NumPy's, if sizes make it impossible.
pub fn lower(p: &mut Planner<'_>, id: NodeId, operands: &[Place]) -> Result<()> {
    let graph = p.graph;
    let op = graph.op(id);
    let mut scratch = Builder::extend(graph);
    let avals = ops::results(&mut scratch, op, &graph.operands(id))?;
    let kind = match as_program(p, id, operands, &avals) {
        Ok(program) => Kind::Program(Box::new(program)),
        Err(error) => match error.kind {
            ErrorKind::Unlifted { .. } => general(op)?,
            _ => return Err(error),
        },
    };
    let mut results = Vec::with_capacity(avals.len());
    for (k, aval) in avals.iter().enumerate() {
        results.push(p.result(id, k, aval)?);
    }
    p.steps.push(Step::Control(Box::new(Control {
        kind,
        operands: operands.to_vec(),
        results,
    })));
    Ok(())
}

/// The node alone, as a graph whose inputs are its operands, as a program.
fn as_program(p: &Planner<'_>, id: NodeId, operands: &[Place], avals: &[Aval]) -> Result<Program> {
    let graph = p.graph;
    let op = graph.op(id);
    let length = length_of_wholes(op, operands);
    if length >= LONG_COMPILED {
        return Err(too_long());
    }
    let mut b = Builder::new("control");
    let mut inputs = Vec::with_capacity(operands.len());
    let mut symbols = Symbols::new();
    for (&operand, place) in graph.operands(id).iter().zip(operands) {
        let mut aval = graph.aval(operand).clone();
        for (dim, &size) in aval.shape.iter_mut().zip(&place.layout.shape) {
            *dim = size.into();
        }
        inputs.push(b.input("x", aval));
    }
    // The number of trips must look like the size that it is, where stacks are as high.
    if let (Op::Loop(l), Some(&trips)) = (op, graph.operands(id).first())
        && l.stacks() > 0
    {
        let stack = avals.get(l.carried).and_then(|aval| aval.shape.first());
        let count = stack.map(|dim| p.size(dim)).transpose()?;
        let count = b.int(count.unwrap_or(0) as i64);
        inputs[0] = match graph.aval(trips).weak {
            true => count,
            false => b.cast(count, DType::I64)?,
        };
    }
    let node = b.add(op.clone(), &inputs)?;
    let mut outputs = vec![node];
    for k in 1..avals.len() {
        outputs.push(b.add(Op::Part(k), &[node])?);
    }
    let whole = b.finish(outputs);
    symbols.resize(whole.symbols().len(), None);
    let program = program::compile(&whole, &symbols)?;
    match length >= LONG && !program.is_compiled() {
        true => Err(too_long()),
        false => Ok(program),
    }
}

fn too_long() -> Box<Error> {
    Error::unlifted("a program", "its arrays are long")
}

/// How long the arrays are that the nested graphs work on as wholes.
fn length_of_wholes(op: &Op, operands: &[Place]) -> usize {
    let longest = operands.iter().map(|place| place.layout.len()).max();
    match ops::control::nested(op).into_iter().any(works_on_wholes) {
        true => longest.unwrap_or(0),
        false => 0,
    }
}

/// Whether a graph has elementwise work, reductions or products over arrays that have a size of its
/// inputs' on each axis.
fn works_on_wholes(graph: &Graph) -> bool {
    let rank = |id: NodeId| graph.aval(id).rank();
    let widest = graph.inputs().iter().map(|&i| rank(i)).max().unwrap_or(0);
    graph.nodes().any(|id| match graph.op(id) {
        Op::Elementwise(_) | Op::Contract { .. } => {
            rank(id) == widest && widest > 0 && !has_searches(graph)
        }
        op => ops::control::nested(op).into_iter().any(works_on_wholes),
    })
}

fn has_searches(graph: &Graph) -> bool {
    let needed = schedule::needed(graph);
    graph
        .nodes()
        .any(|id| needed[id.index()] && schedule::is_search(graph.op(id)))
}

/// By the nested graphs' own executables.
fn general(op: &Op) -> Result<Kind> {
    Ok(match op {
        Op::Loop(l) => {
            let Loop {
                body,
                carried,
                conditional,
                states: _,
            } = &**l;
            Kind::Loop {
                body: Box::new(Executable::new(body)?),
                carried: *carried,
                conditional: *conditional,
            }
        }
        Op::Cond(c) => Kind::Cond([
            Box::new(Executable::new(&c.then)?),
            Box::new(Executable::new(&c.otherwise)?),
        ]),
        other => return Err(Error::internal(format!("no control flow: {other:?}"))),
    })
}

impl Control {
    /// Estimated nanoseconds.
    pub fn cost(&self) -> f64 {
        1e6
    }

    /// # Errors
    /// NumPy's and Python's, for values.
    pub fn run(&self, run: &Run<'_>) -> Result<()> {
        match &self.kind {
            Kind::Program(program) => {
                let (inputs, outputs) = (given(run, &self.operands), given(run, &self.results));
                // SAFETY: the planner made operands readable and results apart from them.
                unsafe { program.run(&inputs, &outputs) }
            }
            Kind::Loop {
                body,
                carried,
                conditional,
            } => self.trips(run, body, *carried, *conditional),
            Kind::Cond([then, otherwise]) => {
                // SAFETY: the flag is a bool.
                let flag = unsafe { run.at(&self.operands[0]).read() } != 0;
                let side = if flag { then } else { otherwise };
                let views: Vec<View<'_>> =
                    self.operands[1..].iter().map(|p| view(run, p)).collect();
                let mut memory = Memory {
                    run,
                    results: &self.results,
                    next: vec![],
                    row: 0,
                };
                side.run(&views, &mut memory, &mut NoCallbacks)
            }
        }
    }

    /// Trip after trip, between two memories for each carried value.
    fn trips(
        &self,
        run: &Run<'_>,
        body: &Executable,
        carried: usize,
        conditional: bool,
    ) -> Result<()> {
        let first = self.operands.len() - carried;
        // SAFETY: the number of trips is an int64.
        let trips = unsafe { run.at(&self.operands[0]).cast::<i64>().read_unaligned() };
        let mut values: Vec<Value> = self.operands[first..]
            .iter()
            .map(|p| value(run, p))
            .collect();
        let mut memory = Memory {
            run,
            results: &self.results[carried..],
            next: values.clone(),
            row: 0,
        };
        let goes_on = |values: &[Value]| {
            !conditional || values.first().is_some_and(|flag| flag.bytes() != [0])
        };
        while (memory.row as i64) < trips && goes_on(&values) {
            let trip = Value::from_slice(&[memory.row as i64], &[]);
            let mut views = vec![trip.view()];
            views.extend(self.operands[1..first].iter().map(|p| view(run, p)));
            views.extend(values.iter().map(Value::view));
            body.run(&views, &mut memory, &mut NoCallbacks)?;
            drop(views);
            std::mem::swap(&mut values, &mut memory.next);
            memory.row += 1;
        }
        for (value, place) in values.iter().zip(&self.results) {
            let layout = Layout::contiguous(value.dtype, &value.shape);
            if layout.shape != place.layout.shape {
                return Err(super::plan::violated(
                    "a loop keeps the shape of its values".into(),
                ));
            }
            // SAFETY: the place is for a value of this shape and dtype.
            unsafe {
                copy(
                    value.as_ptr(),
                    &layout,
                    run.pointer(place.source),
                    &place.layout,
                )
            };
        }
        Ok(())
    }
}

fn given<'a>(run: &Run<'_>, places: &'a [Place]) -> Vec<Given<'a>> {
    let one = |place: &'a Place| Given {
        start: run.pointer(place.source),
        layout: &place.layout,
    };
    places.iter().map(one).collect()
}

fn view<'a>(run: &Run<'a>, place: &Place) -> View<'a> {
    // SAFETY: the planner keeps places valid while the step runs, which is as long as the view lives.
    unsafe {
        View::from_raw(
            place.layout.dtype,
            run.at(place),
            place.layout.shape.clone(),
            place.layout.strides.clone(),
        )
    }
}

fn value(run: &Run<'_>, place: &Place) -> Value {
    let mut value = Value::zeros(place.layout.dtype, &place.layout.shape);
    let layout = Layout::contiguous(value.dtype, &value.shape);
    // SAFETY: the value is fresh and of the place's shape.
    unsafe {
        copy(
            run.pointer(place.source),
            &place.layout,
            value.as_mut_ptr(),
            &layout,
        )
    };
    value
}

/// Where a nested executable writes: values for the next trip first, then into the results.
struct Memory<'a, 'r> {
    run: &'a Run<'r>,
    results: &'a [Place],
    next: Vec<Value>,
    /// The trip, whose row of a stack is written.
    row: usize,
}

impl Outputs for Memory<'_, '_> {
    fn allocate(&mut self, index: usize, dtype: DType, shape: &[usize]) -> Result<*mut u8> {
        if let Some(value) = self.next.get_mut(index) {
            if value.dtype != dtype || value.shape[..] != *shape {
                *value = Value::zeros(dtype, shape);
            }
            return Ok(value.as_mut_ptr());
        }
        let place = self.results.get(index - self.next.len());
        let place = place.ok_or_else(|| Error::internal("a result without a place"))?;
        let row = shape.iter().product::<usize>() * dtype.size();
        let fits = (self.row + 1) * row <= place.layout.len() * dtype.size();
        if !fits || place.layout.dtype != dtype {
            return Err(super::plan::violated(
                "the rows of a stack are alike".into(),
            ));
        }
        // SAFETY: the place has room for the row.
        Ok(unsafe { self.run.at(place).add(self.row * row) })
    }
}
