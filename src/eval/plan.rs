//! A stage of a graph for concrete sizes: a list of steps over known memory.
//!
//! In: a stage, and the views it is given. Out: a [`Plan`], kept and run again for views alike.
//! For `x[1:] - x[:-1]` over 10 elements the plan is one step: the slices are layouts of `x`, and
//! nothing is copied.
//! Source: buffers are shared by liveness, first fit over the order of the steps.

use std::collections::HashMap;

use smallvec::SmallVec;

use super::buffers::{Arena, Block};
use super::compile::{compile, shared_space};
use super::layout::{Layout, alignment, fill};
use super::schedule::{Stage, is_view};
use super::step::Step;
use super::value::{Element, Sizes, Strides, Value, View};
use super::{Callbacks, Outputs, kernels, lower, rows};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Assumption, Aval, DType, Dim, Graph, NodeId};
use crate::ops::Op;

/// Sizes of the graph's symbols, as far as they are known.
pub type Symbols = SmallVec<[Option<i64>; 8]>;

/// Where memory comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Source {
    /// The stage's imports.
    Input(u32),
    /// The stage's exports.
    Output(u32),
    /// Bytes into the memory for intermediates.
    Arena(usize),
    /// The plan's own values.
    Constant(u32),
}

/// Where a value is.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    pub source: Source,
    pub layout: Layout,
}

/// A stage made ready for views alike.
#[derive(Debug)]
pub struct Plan {
    keys: SmallVec<[Key; 4]>,
    /// The sizes known before, and with those that the views tell.
    symbols: Symbols,
    pub bound: Symbols,
    steps: Vec<Step>,
    exports: Vec<(DType, Sizes)>,
    constants: Vec<Value>,
    arena: usize,
    /// Estimated nanoseconds.
    cost: f64,
}

/// What a plan depends on of a view.
#[derive(Debug)]
struct Key {
    dtype: DType,
    shape: Sizes,
    strides: Strides,
    aligned: bool,
}

impl Key {
    fn of(view: &View<'_>) -> Key {
        Key {
            dtype: view.dtype,
            shape: view.shape.clone(),
            strides: view.strides.clone(),
            aligned: is_aligned(view),
        }
    }

    fn fits(&self, view: &View<'_>) -> bool {
        self.dtype == view.dtype
            && self.shape == view.shape
            && self.strides == view.strides
            && self.aligned == is_aligned(view)
    }
}

fn is_aligned(view: &View<'_>) -> bool {
    (view.ptr as usize).is_multiple_of(alignment(view.dtype))
}

/// Work below which releasing the GIL does not pay.
const DETACH_NS: f64 = 20_000.0;

/// The memory of one run of a plan.
pub struct Run<'a> {
    inputs: &'a [View<'a>],
    outputs: &'a [*mut u8],
    arena: *mut u8,
    constants: &'a [Value],
}

// SAFETY: steps write to disjoint memory of outputs and arena, and only read the rest.
unsafe impl Sync for Run<'_> {}
// SAFETY: as above.
unsafe impl Send for Run<'_> {}

impl Run<'_> {
    /// The start of the memory. That of inputs and constants is only to be read.
    pub fn pointer(&self, source: Source) -> *mut u8 {
        match source {
            Source::Input(i) => self.inputs[i as usize].ptr.cast_mut(),
            Source::Output(i) => self.outputs[i as usize],
            // SAFETY: the plan keeps offsets within the arena it asks for.
            Source::Arena(offset) => unsafe { self.arena.add(offset) },
            Source::Constant(i) => self.constants[i as usize].as_ptr().cast_mut(),
        }
    }

    /// The first element of a place.
    pub fn at(&self, place: &Place) -> *mut u8 {
        // SAFETY: the plan keeps offsets within the memory of their source.
        unsafe { self.pointer(place.source).offset(place.layout.offset) }
    }

    /// The elements of a contiguous, aligned place.
    pub fn slice<T: Element>(&self, place: &Place) -> &[T] {
        assert!(place.layout.dtype == T::DTYPE && place.layout.is_contiguous());
        // SAFETY: the place is valid for its layout, and no step writes where it reads.
        unsafe { std::slice::from_raw_parts(self.at(place).cast(), place.layout.len()) }
    }

    /// The elements of a place that the current step fills, on one thread.
    #[expect(
        clippy::mut_from_ref,
        reason = "a run is the right to write to its places"
    )]
    pub fn slice_mut<T: Element>(&self, place: &Place) -> &mut [T] {
        assert!(place.layout.dtype == T::DTYPE && place.layout.is_contiguous());
        // SAFETY: the place is valid for its layout, and belongs to the step that fills it.
        unsafe { std::slice::from_raw_parts_mut(self.at(place).cast(), place.layout.len()) }
    }
}

impl Plan {
    /// Whether the plan is for views like these.
    pub fn fits(&self, inputs: &[View<'_>], symbols: &Symbols) -> bool {
        self.keys.len() == inputs.len()
            && self.keys.iter().zip(inputs).all(|(k, v)| k.fits(v))
            && self.symbols == *symbols
    }

    /// Runs the steps; export `i` goes to the memory that `outputs` gives for `i`.
    ///
    /// # Errors
    /// NumPy's exceptions that depend on values.
    pub fn run(
        &self,
        inputs: &[View<'_>],
        outputs: &mut dyn Outputs,
        callbacks: &mut dyn Callbacks,
    ) -> Result<()> {
        let exports = self.exports.iter().enumerate();
        let outputs = exports
            .map(|(i, (dtype, shape))| outputs.allocate(i, *dtype, shape))
            .collect::<Result<SmallVec<[*mut u8; 8]>>>()?;
        let mut block = (self.arena > 0).then(|| Block::new(self.arena));
        let run = Run {
            inputs,
            outputs: &outputs,
            arena: block
                .as_mut()
                .map_or(std::ptr::null_mut(), Block::as_mut_ptr),
            constants: &self.constants,
        };
        // Draws and calls go back into Python; what lies between them need not hold the GIL.
        for steps in self
            .steps
            .chunk_by(|a, b| !a.is_outside() && !b.is_outside())
        {
            if let [Step::Outside(outside)] = steps {
                outside.run(&run, callbacks)?;
            } else if self.cost > DETACH_NS {
                let mut done = Ok(());
                callbacks.detached(&mut || done = run_steps(steps, &run));
                done?;
            } else {
                run_steps(steps, &run)?;
            }
        }
        Ok(())
    }
}

fn run_steps(steps: &[Step], run: &Run<'_>) -> Result<()> {
    steps.iter().try_for_each(|step| step.run(run))
}

/// Makes a plan.
///
/// # Errors
/// `Assumption` if the sizes do not fit the graph; NumPy's, if they make an operation impossible.
pub fn plan(graph: &Graph, stage: &Stage, inputs: &[View<'_>], known: &Symbols) -> Result<Plan> {
    let symbols = bind(graph, stage, inputs, known)?;
    let mut planner = Planner::new(graph, stage, inputs, &symbols);
    let mut streak = Streak::default();
    for (at, unit) in stage.units.iter().enumerate() {
        let extent = planner.extent(&unit.nodes)?;
        if !streak.takes(&extent) {
            planner.close(&streak, at);
            streak = Streak {
                unit: at,
                step: planner.steps.len(),
                extent,
            };
        }
        planner.current = at;
        planner.unit(&unit.nodes)?;
    }
    planner.close(&streak, stage.units.len());
    let exports = planner.export()?;
    Ok(Plan {
        keys: inputs.iter().map(Key::of).collect(),
        symbols: known.clone(),
        cost: planner.steps.iter().map(Step::cost).sum(),
        steps: planner.steps,
        exports,
        constants: planner.constants,
        arena: planner.arena.bytes,
        bound: symbols.clone(),
    })
}

/// What a unit goes over.
#[derive(Debug, Default, PartialEq)]
enum Extent {
    Space(Sizes),
    /// Nothing: it is a view or a constant.
    View,
    #[default]
    Other,
}

/// Neighbouring units over one space of several axes, and views between them. What they use is given back
/// at their end, so that they can be run together, row by row.
#[derive(Debug, Default)]
struct Streak {
    unit: usize,
    step: usize,
    extent: Extent,
}

impl Streak {
    fn takes(&self, extent: &Extent) -> bool {
        match extent {
            Extent::Space(sizes) => sizes.len() > 1 && self.extent == *extent,
            Extent::View => true,
            Extent::Other => false,
        }
    }
}

/// The symbols that the views tell, after checking the views and the graph's assumptions.
fn bind(graph: &Graph, stage: &Stage, inputs: &[View<'_>], known: &Symbols) -> Result<Symbols> {
    let mut symbols = known.clone();
    symbols.resize(graph.symbols().len(), None);
    if inputs.len() != stage.imports.len() {
        return Err(Error::internal(format!(
            "{} inputs for {}",
            inputs.len(),
            stage.imports.len()
        )));
    }
    for (&id, view) in stage.imports.iter().zip(inputs) {
        let aval = graph.aval(id);
        if aval.dtype != view.dtype || aval.rank() != view.shape.len() {
            return Err(Error::internal(format!(
                "{} with {} axes for {aval}",
                view.dtype,
                view.shape.len()
            )));
        }
        for (symbol, origin) in symbols.iter_mut().zip(graph.symbols()) {
            if origin.node == id {
                *symbol = Some(view.shape[origin.axis] as i64);
            }
        }
    }
    for (&id, view) in stage.imports.iter().zip(inputs) {
        for (dim, &size) in graph.aval(id).shape.iter().zip(&view.shape) {
            let expected = value(dim, &symbols);
            if expected.is_some_and(|n| n != size as i64) {
                return Err(violated(format!("a size is {dim}, not {size}")));
            }
        }
    }
    for assumption in graph.assumptions() {
        let (a, b) = match assumption {
            Assumption::Equal(a, b) | Assumption::AtMost(a, b) => (a, b),
        };
        let (Some(x), Some(y)) = (value(a, &symbols), value(b, &symbols)) else {
            continue;
        };
        match assumption {
            Assumption::Equal(..) if x != y => return Err(violated(format!("{a} = {b}"))),
            Assumption::AtMost(..) if x > y => return Err(violated(format!("{a} <= {b}"))),
            Assumption::Equal(..) | Assumption::AtMost(..) => {}
        }
    }
    Ok(symbols)
}

fn value(dim: &Dim, symbols: &Symbols) -> Option<i64> {
    dim.evaluate(&|s| symbols.get(s.0 as usize).copied().flatten())
}

pub fn violated(what: String) -> Box<Error> {
    Error::new(ErrorKind::Assumption { what })
}

/// A plan in the making.
pub struct Planner<'a> {
    pub graph: &'a Graph,
    pub steps: Vec<Step>,
    stage: &'a Stage,
    symbols: &'a Symbols,
    inputs_aligned: SmallVec<[bool; 8]>,
    /// Where each node's value is, once it is.
    places: Vec<Option<Place>>,
    /// Nodes that are computed where an export must be.
    homes: HashMap<NodeId, u32>,
    is_export: Vec<bool>,
    arena: Arena,
    /// The unit being planned.
    current: usize,
    /// What to give back to the arena after each unit.
    ending: Vec<Vec<(usize, usize)>>,
    /// What to give back after the current unit.
    temporaries: Vec<(usize, usize)>,
    constants: Vec<Value>,
    /// Constants already spread over a register.
    spread: HashMap<(Vec<u8>, DType, usize), Source>,
}

impl<'a> Planner<'a> {
    fn new(
        graph: &'a Graph,
        stage: &'a Stage,
        inputs: &[View<'_>],
        symbols: &'a Symbols,
    ) -> Planner<'a> {
        let mut planner = Planner {
            graph,
            steps: vec![],
            stage,
            symbols,
            inputs_aligned: inputs.iter().map(is_aligned).collect(),
            places: vec![None; graph.len()],
            homes: HashMap::new(),
            is_export: vec![false; graph.len()],
            arena: Arena::default(),
            current: 0,
            ending: vec![vec![]; stage.units.len()],
            temporaries: vec![],
            constants: vec![],
            spread: HashMap::new(),
        };
        for (i, (&id, view)) in stage.imports.iter().zip(inputs).enumerate() {
            planner.places[id.index()] = Some(Place {
                source: Source::Input(i as u32),
                layout: Layout {
                    dtype: view.dtype,
                    shape: view.shape.clone(),
                    strides: view.strides.clone(),
                    offset: 0,
                },
            });
        }
        for (i, export) in stage.exports.iter().enumerate() {
            planner.is_export[export.node.index()] = true;
            // A reshape of a fresh value is the same memory, and so is what is changed in place: compute
            // it where the export must be.
            let mut root = Some(export.node);
            while let Some(id) = root {
                if !is_view(graph.op(id)) {
                    planner.homes.entry(id).or_insert(i as u32);
                }
                root = match graph.op(id) {
                    Op::Reshape(_) => Some(graph.operands(id)[0]),
                    _ => stage.changes[id.index()],
                };
            }
        }
        planner
    }

    pub fn is_export(&self, id: NodeId) -> bool {
        self.is_export[id.index()]
    }

    /// The nodes that read a value, except dead ones.
    pub fn readers(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let users = self.graph.users(id);
        users.filter(|user| self.stage.needed[user.index()])
    }

    /// Whether the memory starts aligned.
    pub fn is_aligned(&self, source: Source) -> bool {
        match source {
            Source::Input(i) => self.inputs_aligned[i as usize],
            Source::Output(_) | Source::Arena(_) | Source::Constant(_) => true,
        }
    }

    pub fn size(&self, dim: &Dim) -> Result<usize> {
        value(dim, self.symbols)
            .and_then(|n| usize::try_from(n).ok())
            .ok_or_else(|| violated(format!("{dim} is a size")))
    }

    /// A number that may be negative: the start of a range.
    pub fn number(&self, dim: &Dim) -> Result<isize> {
        value(dim, self.symbols)
            .map(|n| n as isize)
            .ok_or_else(|| Error::internal(format!("the size {dim} is not bound")))
    }

    pub fn sizes(&self, shape: &[Dim]) -> Result<Sizes> {
        shape.iter().map(|dim| self.size(dim)).collect()
    }

    pub fn shape(&self, id: NodeId) -> Result<Sizes> {
        match &self.places[id.index()] {
            Some(place) => Ok(place.layout.shape.clone()),
            None => self.sizes(&self.graph.aval(id).shape),
        }
    }

    /// The layout broadcast to a shape.
    ///
    /// # Errors
    /// If the sizes of this call do not fit.
    pub fn broadcast(&self, layout: &Layout, shape: &[usize]) -> Result<Layout> {
        layout
            .broadcast(shape)
            .ok_or_else(|| violated(format!("{:?} broadcasts to {shape:?}", layout.shape)))
    }

    /// Where a computed value is.
    pub fn place(&self, id: NodeId) -> Result<&Place> {
        self.places[id.index()]
            .as_ref()
            .ok_or_else(|| Error::internal(format!("%{} is not computed yet", id.index())))
    }

    pub fn set_place(&mut self, id: NodeId, place: Place) {
        self.places[id.index()] = Some(place);
    }

    /// Memory for a node's value, contiguous; it lives until its last use.
    pub fn destination(&mut self, id: NodeId) -> Result<Place> {
        let dtype = self.graph.aval(id).dtype;
        let layout = Layout::contiguous(dtype, &self.shape(id)?);
        let source = match self.homes.get(&id) {
            Some(&export) => Source::Output(export),
            None => {
                let bytes = bytes_of(&layout)?;
                let offset = self.arena.take(bytes);
                let last = self.stage.last_use[id.index()] as usize;
                if let Some(ending) = self.ending.get_mut(last) {
                    ending.push((offset, bytes));
                }
                Source::Arena(offset)
            }
        };
        let place = Place { source, layout };
        self.set_place(id, place.clone());
        Ok(place)
    }

    /// Memory for result `k` of a node; for the current unit only, if nothing reads it.
    pub fn result(&mut self, id: NodeId, k: usize, aval: &Aval) -> Result<Place> {
        match self.graph.part(id, k) {
            Some(part) => self.destination(part),
            None => {
                let shape = self.sizes(&aval.shape)?;
                self.temporary_array(aval.dtype, &shape)
            }
        }
    }

    /// Memory for a node's value that holds that of its first operand, contiguous: the operand's own memory
    /// if it ends here, else a copy.
    pub fn changed(&mut self, id: NodeId) -> Result<Place> {
        let operand = self.graph.operands(id)[0];
        let to = self.destination_over(id)?;
        let from = self.place(operand)?.clone();
        if from != to {
            self.steps.push(Step::copy(from, to.clone()));
        }
        Ok(to)
    }

    /// As [`Planner::destination`], but in the memory of the operand that the node may change, if that is
    /// where its value can be.
    pub fn destination_over(&mut self, id: NodeId) -> Result<Place> {
        let Some(operand) = self.stage.changes[id.index()] else {
            return self.destination(id);
        };
        let from = self.place(operand)?.clone();
        let is_own = match from.source {
            Source::Output(i) => self.homes.get(&id) == Some(&i),
            Source::Arena(_) => !self.homes.contains_key(&id),
            Source::Input(_) | Source::Constant(_) => false,
        };
        if is_own && from.layout == Layout::contiguous(from.layout.dtype, &self.shape(id)?) {
            self.inherit(id, &from);
            return Ok(from);
        }
        let to = self.destination(id)?;
        if from.source == to.source {
            return Err(Error::internal("a value is changed that is still needed"));
        }
        Ok(to)
    }

    /// Lets memory that would be given back after the current unit live as long as a node's value.
    fn inherit(&mut self, id: NodeId, place: &Place) {
        self.set_place(id, place.clone());
        let Source::Arena(start) = place.source else {
            return;
        };
        let ending = &mut self.ending[self.current];
        let Some(at) = ending.iter().position(|&(offset, _)| offset == start) else {
            return;
        };
        let memory = ending.swap_remove(at);
        let last = self.stage.last_use[id.index()] as usize;
        if let Some(ending) = self.ending.get_mut(last) {
            ending.push(memory);
        }
    }

    /// Memory for the current unit only.
    pub fn temporary(&mut self, bytes: usize) -> Source {
        let offset = self.arena.take(bytes);
        self.temporaries.push((offset, bytes));
        Source::Arena(offset)
    }

    /// A contiguous array for the current unit only.
    pub fn temporary_array(&mut self, dtype: DType, shape: &[usize]) -> Result<Place> {
        let layout = Layout::contiguous(dtype, shape);
        let source = self.temporary(bytes_of(&layout)?);
        Ok(Place { source, layout })
    }

    fn extent(&self, nodes: &[NodeId]) -> Result<Extent> {
        let of_nothing = |op: &Op| is_view(op) || matches!(op, Op::Constant(_) | Op::Size(_));
        if nodes.iter().all(|&id| of_nothing(self.graph.op(id))) {
            return Ok(Extent::View);
        }
        Ok(match shared_space(self, nodes)? {
            Some(sizes) => Extent::Space(sizes),
            None => Extent::Other,
        })
    }

    /// Ends the streak before unit `end`.
    fn close(&mut self, streak: &Streak, end: usize) {
        for unit in streak.unit..end {
            self.release(unit);
        }
        let steps = self.steps.split_off(streak.step);
        self.steps.extend(rows::join(steps));
    }

    fn release(&mut self, unit: usize) {
        let ended = std::mem::take(&mut self.ending[unit]);
        for (offset, bytes) in self.temporaries.drain(..).chain(ended) {
            self.arena.give(offset, bytes);
        }
    }

    /// A value of the plan.
    pub fn constant(&mut self, value: Value) -> Place {
        let layout = Layout::contiguous(value.dtype, &value.shape);
        self.constants.push(value);
        let source = Source::Constant(self.constants.len() as u32 - 1);
        Place { source, layout }
    }

    /// The one element of a constant, converted and repeated.
    pub fn spread_constant(&mut self, place: &Place, dtype: DType, len: usize) -> Source {
        let Source::Constant(index) = place.source else {
            unreachable!("only constants are spread when planning");
        };
        let from = place.layout.dtype;
        let element = unsafe {
            // SAFETY: the place is within the value, which outlives the slice.
            let start = self.constants[index as usize].as_ptr();
            std::slice::from_raw_parts(start.offset(place.layout.offset), from.size())
        }
        .to_vec();
        let key = (element, from, len * DType::ALL.len() + dtype as usize);
        if let Some(&source) = self.spread.get(&key) {
            return source;
        }
        let mut one = Value::zeros(from, &[]);
        let mut cast = Value::zeros(dtype, &[]);
        let mut all = Value::zeros(dtype, &[len.max(1)]);
        // SAFETY: each value holds the elements written to it.
        unsafe {
            one.as_mut_ptr()
                .copy_from_nonoverlapping(key.0.as_ptr(), from.size());
            kernels::cast(from, dtype)(&[one.as_ptr()], cast.as_mut_ptr(), 1);
            fill(cast.as_ptr(), all.as_mut_ptr(), len, dtype);
        }
        let source = self.constant(all).source;
        self.spread.insert(key, source);
        source
    }

    /// Plans one unit of the schedule.
    fn unit(&mut self, nodes: &[NodeId]) -> Result<()> {
        let fusible = |&id: &NodeId| self.graph.op(id).space().is_some();
        if nodes.iter().all(fusible) {
            if let Some(group) = compile(self, nodes)? {
                self.steps.push(Step::Group(Box::new(group)));
                return Ok(());
            }
            if nodes.len() == 1 {
                return Err(Error::internal("an operation without an iteration space"));
            }
        } else if let [id] = nodes {
            return lower::lower(self, *id);
        }
        // Not a group for these sizes: node by node.
        nodes.iter().try_for_each(|&id| self.unit(&[id]))
    }

    /// Copies exports that are not yet where they must be.
    fn export(&mut self) -> Result<Vec<(DType, Sizes)>> {
        let stage = self.stage;
        let mut exports = Vec::with_capacity(stage.exports.len());
        for (i, export) in stage.exports.iter().enumerate() {
            let place = self.place(export.node)?.clone();
            let (dtype, shape) = (place.layout.dtype, place.layout.shape.clone());
            let target = Place {
                source: Source::Output(i as u32),
                layout: Layout::contiguous(dtype, &shape),
            };
            if place.source != target.source || !place.layout.is_contiguous() {
                self.steps.push(Step::copy(place, target));
            }
            exports.push((dtype, shape));
        }
        Ok(exports)
    }
}

fn bytes_of(layout: &Layout) -> Result<usize> {
    let mut sizes = layout.shape.iter();
    sizes
        .try_fold(layout.dtype.size(), |bytes, &n| bytes.checked_mul(n))
        .filter(|&bytes| bytes <= isize::MAX as usize / 4)
        .ok_or_else(|| {
            Error::raises(
                crate::error::Exception::Memory,
                format!("Unable to allocate an array with shape {:?}", layout.shape),
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::schedule;
    use crate::graph::{Aval, Builder};
    use crate::ops::{Elementwise, Range, Write};

    /// `for i in range(n): x[i] = i` copies n numbers, not n arrays.
    #[test]
    fn a_write_copies_what_is_written() -> Result<()> {
        const N: usize = 50;
        let mut b = Builder::new("writes");
        let x = b.input("x", Aval::new(DType::F64, [Dim::from(N)]));
        let mut x = b.elementwise(Elementwise::Negative, &[x])?;
        for i in 0..N {
            let range = Range {
                start: Dim::from(i),
                size: Dim::known(1),
                step: 1,
            };
            let kind = Write::Set;
            let ranges = [range].into_iter().collect();
            let number = b.full(i as f64, DType::F64, [].into_iter().collect())?;
            x = b.add(Op::SliceWrite { kind, ranges }, &[x, number])?;
        }
        let graph = b.finish(vec![x]);
        let value = Value::zeros(DType::F64, &[N]);
        let stage = &schedule::stages(&graph)[0];
        let plan = plan(&graph, stage, &[value.view()], &Symbols::new())?;
        let copied = plan.steps.iter().map(|step| match step {
            Step::Copy(sides) => sides[1].layout.len(),
            _ => 0,
        });
        assert_eq!(copied.sum::<usize>(), N);
        assert_eq!(plan.arena, 0, "it is written where the output must be");
        Ok(())
    }
}
