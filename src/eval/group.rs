//! Fusion groups: elementwise work and the reductions at its end, chunk by chunk.
//!
//! In: a plan's nodes over one iteration space, and where their operands lie. Out: a [`Group`], a
//! program for a small machine whose registers hold a chunk each, so that intermediates stay in cache.
//! `sum(exp(x) * y)` over 10⁶ elements runs `exp`, `multiply` and a sum 977 times over 1024 elements,
//! and adds the 977 partial sums in pairs.
//! Source: the vectorised interpreters of numexpr and MonetDB/X100 (Boncz et al., CIDR 2005).
//!
//! Chunks are ranges of the space in C order, fixed by its shape alone, so that results do not depend on
//! the number of threads.

use std::sync::OnceLock;

use smallvec::SmallVec;

use super::buffers::Block;
use super::kernels::{Check, Kernel};
use super::layout::{Walk, fill};
use super::machine::Row;
use super::plan::{Place, Run, Source};
use super::reduce::Fold;
use super::threads;
use crate::error::{Error, Result};
use crate::graph::DType;
use crate::ops::Elementwise;

/// Of an elementwise operation: `betainc_derivative` has as many.
const MOST_OPERANDS: usize = 5;

/// Elements of a chunk: a register of float64 is 8 kB, a few of them fill the first-level cache.
pub const CHUNK: usize = 1024;
/// Bytes of a register.
const REGISTER: usize = CHUNK * 16;
/// Work below which waking another thread does not pay.
pub(super) const PARALLEL_NS: f64 = 40_000.0;
/// Blocks into which a reduced outer axis is cut at most, each with its own accumulators.
const BLOCKS: usize = 32;

/// An entry of the machine's table of pointers.
pub type Slot = u32;

/// A compiled group.
#[derive(Debug, Default)]
pub struct Group {
    pub partition: Partition,
    pub slots: usize,
    pub registers: usize,
    /// Slots that have a register, and which.
    pub homes: Vec<(Slot, u32)>,
    /// Constants, as a register's worth of equal elements.
    pub constants: Vec<(Slot, Source)>,
    /// Values that are the same for all elements: put into a register once per thread.
    pub uniforms: Vec<Uniform>,
    /// Contiguous memory, read or written in place.
    pub direct: Vec<Direct>,
    /// Where values are written in place.
    pub stored: Vec<Source>,
    pub code: Vec<Instruction>,
    pub folds: Vec<FoldStep>,
    /// Estimated nanoseconds for everything on one thread.
    pub cost: f64,
}

#[derive(Debug)]
pub struct Uniform {
    pub slot: Slot,
    pub place: Place,
    /// To the dtype that the group uses it in.
    pub cast: Option<Kernel>,
    pub dtype: DType,
}

#[derive(Debug)]
pub struct Direct {
    pub slot: Slot,
    pub source: Source,
    pub offset: isize,
    /// Bytes per element.
    pub size: usize,
}

#[derive(Debug)]
pub enum Instruction {
    /// Brings a strided operand's elements into a register, or points to them if they are in a row.
    Load {
        slot: Slot,
        register: Slot,
        source: Source,
        walk: Walk,
        aligned: bool,
    },
    Call {
        kernel: Kernel,
        check: Option<Check>,
        slot: Slot,
        operands: SmallVec<[Slot; 3]>,
        /// The operation, if it works on floats of this dtype or on flags: it can be merged with another.
        arithmetic: Option<(Elementwise, DType)>,
    },
    /// Several calls as machine code.
    Row {
        row: Row,
        slot: Slot,
        operands: SmallVec<[Slot; 3]>,
    },
}

impl Instruction {
    /// The slot that is written, and those that are read.
    pub fn touched(&self) -> (Slot, &[Slot]) {
        match self {
            Instruction::Load { register, .. } => (*register, &[]),
            Instruction::Call { slot, operands, .. } | Instruction::Row { slot, operands, .. } => {
                (*slot, operands)
            }
        }
    }
}

/// A reduction at the end of a group.
#[derive(Debug)]
pub struct FoldStep {
    pub slot: Slot,
    /// Of the elements, and of the partial results.
    pub first: Fold,
    pub second: Fold,
    /// Bytes of an element, and of a result.
    pub size: usize,
    pub out_size: usize,
    pub out: Place,
    pub scope: Scope,
    /// Memory for [`Partition::partials`] results.
    pub partials: Source,
    /// A register's slot, for [`Scope::Columns`].
    pub accumulator: Slot,
}

/// What a reduction leaves of the space `(outer, middle, inner)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scope {
    /// One element.
    All,
    /// `outer` elements: `inner` is 1.
    Rows,
    /// `outer * inner` elements.
    Columns,
}

/// The iteration space `(outer, middle, inner)`, of which reductions drop `middle`, cut into tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Partition {
    pub outer: usize,
    pub middle: usize,
    pub inner: usize,
}

impl Partition {
    pub fn elements(&self) -> usize {
        self.outer * self.middle * self.inner
    }

    fn is_columns(&self) -> bool {
        self.inner > 1
    }

    /// Whole rows per chunk, if rows fit one.
    fn rows_per_chunk(&self) -> usize {
        match self.is_columns() {
            true => (CHUNK / self.inner).clamp(1, self.middle),
            false => CHUNK / self.middle,
        }
    }

    /// Chunks into which a row is cut.
    pub(super) fn pieces(&self) -> usize {
        let row = if self.is_columns() {
            self.inner
        } else {
            self.middle
        };
        row.div_ceil(CHUNK)
    }

    /// Rows per block of a reduced outer axis: whole chunks, and at most [`BLOCKS`] blocks.
    fn rows_per_block(&self) -> usize {
        let rows = self.rows_per_chunk();
        self.middle.div_ceil(BLOCKS).next_multiple_of(rows)
    }

    fn blocks(&self) -> usize {
        self.middle.div_ceil(self.rows_per_block())
    }

    pub(super) fn tasks(&self) -> usize {
        if self.elements() == 0 {
            0
        } else if self.is_columns() {
            self.outer * self.blocks() * self.pieces()
        } else if self.middle <= CHUNK {
            self.outer.div_ceil(self.rows_per_chunk())
        } else {
            self.outer * self.pieces()
        }
    }

    /// Chunks in a task.
    fn chunks(&self) -> usize {
        match self.is_columns() {
            true => self.rows_per_block() / self.rows_per_chunk(),
            false => 1,
        }
    }

    /// Partial results of a reduction, before they are combined.
    pub fn partials(&self, scope: Scope) -> usize {
        match scope {
            _ if self.elements() == 0 => 0,
            Scope::All => self.tasks() * self.chunks(),
            Scope::Rows if self.pieces() == 1 => 0,
            Scope::Rows => self.outer * self.pieces(),
            Scope::Columns if self.blocks() == 1 => 0,
            Scope::Columns => self.outer * self.blocks() * self.inner,
        }
    }

    /// Elements of a register that a chunk may use.
    fn chunk_len(&self) -> usize {
        self.elements().min(CHUNK)
    }
}

impl Group {
    /// Runs the group.
    ///
    /// # Errors
    /// What an operation raises for its operands' values.
    pub fn run(&self, run: &Run) -> Result<()> {
        let tasks = self.partition.tasks();
        let threads = if self.cost > PARALLEL_NS {
            threads::get()
        } else {
            1
        };
        let failure = OnceLock::new();
        threads::run(tasks, threads, &|claims| {
            let mut worker = None;
            for task in claims {
                let worker = worker.get_or_insert_with(|| Worker::new(self, run));
                if let Err(error) = worker.task(task) {
                    let _ = failure.set(error);
                    break;
                }
            }
        });
        if let Some(error) = failure.into_inner() {
            return Err(error);
        }
        for fold in &self.folds {
            self.finish(fold, run);
        }
        Ok(())
    }

    /// Combines the partial results of a reduction.
    fn finish(&self, fold: &FoldStep, run: &Run) {
        let out = run.at(&fold.out);
        let partition = &self.partition;
        // SAFETY: `out` holds the results and `partials` what `Partition::partials` promises; no
        // worker writes to them any more.
        unsafe {
            if partition.elements() == 0 {
                if let Some(identity) = fold.second.identity {
                    identity(out, fold.out.layout.len());
                }
                return;
            }
            let partials = run.pointer(fold.partials);
            match fold.scope {
                Scope::All => {
                    (fold.second.run)(partials, partition.partials(Scope::All), out);
                }
                Scope::Rows => {
                    let pieces = partition.pieces();
                    if pieces > 1 {
                        for row in 0..partition.outer {
                            (fold.second.run)(
                                partials.add(row * pieces * fold.out_size),
                                pieces,
                                out.add(row * fold.out_size),
                            );
                        }
                    }
                }
                Scope::Columns => {
                    let (blocks, width) = (partition.blocks(), partition.inner);
                    let bytes = width * fold.out_size;
                    for row in (0..partition.outer).filter(|_| blocks > 1) {
                        let (out, first) = (out.add(row * bytes), row * blocks);
                        out.copy_from_nonoverlapping(partials.add(first * bytes), bytes);
                        for block in 1..blocks {
                            (fold.second.into)(out, partials.add((first + block) * bytes), width);
                        }
                    }
                }
            }
        }
    }
}

/// A thread's state while it runs a group.
pub(super) struct Worker<'a> {
    group: &'a Group,
    run: &'a Run<'a>,
    /// Where each slot's elements are, for the current chunk.
    pointers: SmallVec<[*mut u8; 32]>,
    /// The start of each of the group's direct operands.
    bases: SmallVec<[*mut u8; 16]>,
    _registers: Block,
}

impl<'a> Worker<'a> {
    pub(super) fn new(group: &'a Group, run: &'a Run<'a>) -> Worker<'a> {
        let len = group.partition.chunk_len();
        let stride = (len * 16).next_multiple_of(64).min(REGISTER);
        let mut registers = Block::new(stride * group.registers);
        let memory = registers.as_mut_ptr();
        let mut pointers = SmallVec::from_elem(std::ptr::null_mut(), group.slots);
        for &(slot, home) in &group.homes {
            // SAFETY: the block holds all registers.
            pointers[slot as usize] = unsafe { memory.add(home as usize * stride) };
        }
        for &(slot, source) in &group.constants {
            pointers[slot as usize] = run.pointer(source);
        }
        for uniform in &group.uniforms {
            // SAFETY: the register holds `len` elements of any dtype; the place holds one.
            unsafe { uniform.spread(run, pointers[uniform.slot as usize], len) };
        }
        let bases = group.direct.iter().map(|d| {
            // SAFETY: the plan keeps offsets within the memory of their source.
            unsafe { run.pointer(d.source).offset(d.offset) }
        });
        Worker {
            bases: bases.collect(),
            group,
            run,
            pointers,
            _registers: registers,
        }
    }

    pub(super) fn task(&mut self, task: usize) -> Result<()> {
        let partition = self.group.partition;
        if partition.is_columns() {
            return self.columns(task);
        }
        let (start, len) = if partition.middle <= CHUNK {
            let rows = partition.rows_per_chunk();
            let first = task * rows;
            let count = rows.min(partition.outer - first);
            (first * partition.middle, count * partition.middle)
        } else {
            let (row, piece) = (task / partition.pieces(), task % partition.pieces());
            let first = piece * CHUNK;
            let len = CHUNK.min(partition.middle - first);
            (row * partition.middle + first, len)
        };
        self.chunk(start, len)?;
        for fold in &self.group.folds {
            let (data, run) = (self.pointers[fold.slot as usize], self.run);
            let partials = run.pointer(fold.partials);
            // SAFETY: the slot holds `len` elements; each task has its own results.
            unsafe {
                match fold.scope {
                    Scope::All | Scope::Columns => {
                        (fold.first.run)(data, len, partials.add(task * fold.out_size));
                    }
                    Scope::Rows if partition.pieces() > 1 => {
                        (fold.first.run)(data, len, partials.add(task * fold.out_size));
                    }
                    Scope::Rows => {
                        let out = run.at(&fold.out);
                        for row in 0..len / partition.middle {
                            (fold.first.run)(
                                data.add(row * partition.middle * fold.size),
                                partition.middle,
                                out.add((start / partition.middle + row) * fold.out_size),
                            );
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// A task of a space with an outer reduced axis: a block of rows of a piece of the columns.
    fn columns(&mut self, task: usize) -> Result<()> {
        let p = self.group.partition;
        let (pieces, blocks) = (p.pieces(), p.blocks());
        let (piece, block, outer) = (
            task % pieces,
            task / pieces % blocks,
            task / pieces / blocks,
        );
        let column = piece * CHUNK;
        let width = CHUNK.min(p.inner - column);
        let rows = p.rows_per_chunk();
        let first = block * p.rows_per_block();
        let end = p.middle.min(first + p.rows_per_block());
        let height = rows.min(end - first);
        for (chunk, row) in (first..end).step_by(rows).enumerate() {
            let len = rows.min(end - row) * width;
            self.chunk((outer * p.middle + row) * p.inner + column, len)?;
            for fold in &self.group.folds {
                let data = self.pointers[fold.slot as usize];
                let accumulator = self.pointers[fold.accumulator as usize];
                let partials = self.run.pointer(fold.partials);
                // SAFETY: slot and accumulator hold `len` elements; each chunk has its own result.
                unsafe {
                    match fold.scope {
                        Scope::Columns if chunk == 0 => (fold.first.begin)(accumulator, data, len),
                        Scope::Columns => (fold.first.into)(accumulator, data, len),
                        Scope::All | Scope::Rows => {
                            let at = task * p.chunks() + chunk;
                            (fold.first.run)(data, len, partials.add(at * fold.out_size));
                        }
                    }
                }
            }
        }
        // Blocks whose last chunks lack rows leave partial results unwritten: see `Group::finish`.
        for fold in self.group.folds.iter() {
            match fold.scope {
                Scope::Columns => {}
                Scope::All | Scope::Rows => {
                    let written = (end - first).div_ceil(rows);
                    let missing = p.chunks() - written;
                    let at = task * p.chunks() + written;
                    // SAFETY: these results belong to this task.
                    unsafe { fold.neutral(self.run, at, missing) };
                    continue;
                }
            }
            let accumulator = self.pointers[fold.accumulator as usize];
            let bytes = width * fold.out_size;
            let (target, at) = match blocks {
                1 => (self.run.at(&fold.out), outer * p.inner + column),
                _ => (
                    self.run.pointer(fold.partials),
                    (outer * blocks + block) * p.inner + column,
                ),
            };
            // SAFETY: the accumulator holds `height` rows of `width` results; the target's range is
            // this task's own.
            unsafe {
                for row in 1..height {
                    (fold.second.into)(accumulator, accumulator.add(row * bytes), width);
                }
                target
                    .add(at * fold.out_size)
                    .copy_from_nonoverlapping(accumulator, bytes);
            }
        }
        Ok(())
    }

    /// Runs the code over elements `start..start + len` of the space.
    fn chunk(&mut self, start: usize, len: usize) -> Result<()> {
        let pointers = &mut self.pointers;
        for (direct, &base) in self.group.direct.iter().zip(&self.bases) {
            // SAFETY: the memory holds every element of the space.
            pointers[direct.slot as usize] = unsafe { base.add(start * direct.size) };
        }
        for instruction in &self.group.code {
            match instruction {
                Instruction::Call {
                    kernel,
                    check,
                    slot,
                    operands,
                    ..
                } => {
                    let mut inputs = [std::ptr::null::<u8>(); MOST_OPERANDS];
                    for (input, &operand) in inputs.iter_mut().zip(operands) {
                        *input = pointers[operand as usize];
                    }
                    let inputs = &inputs[..operands.len()];
                    // SAFETY: every slot holds at least `len` elements of the dtype that the
                    // compiler of the group gave it, aligned, and the result's may at most be
                    // exactly an operand's.
                    unsafe {
                        if let Some(check) = check {
                            let operands: SmallVec<[(*const u8, usize); 4]> =
                                inputs.iter().map(|&p| (p, len)).collect();
                            check.run(&operands)?;
                        }
                        kernel(inputs, pointers[*slot as usize], len);
                    }
                }
                Instruction::Row {
                    row,
                    slot,
                    operands,
                } => {
                    let sides = operands.iter().chain([slot]);
                    let sides: SmallVec<[*mut u8; 12]> =
                        sides.map(|&side| pointers[side as usize]).collect();
                    // SAFETY: as for a call; all lie in one piece.
                    unsafe { row.run(&sides, row.strides(), len) };
                }
                Instruction::Load {
                    slot,
                    register,
                    source,
                    walk,
                    aligned,
                } => {
                    let (source, register) =
                        (self.run.pointer(*source), pointers[*register as usize]);
                    // SAFETY: the walk stays within the operand; a register holds `len` elements.
                    pointers[*slot as usize] =
                        unsafe { load(walk, source, start, len, register, *aligned) };
                }
            }
        }
        Ok(())
    }
}

/// Points to the elements if they are a run of aligned memory, and else packs them into a register.
///
/// # Safety
/// As for [`Walk::pack`].
unsafe fn load(
    walk: &Walk,
    source: *mut u8,
    start: usize,
    len: usize,
    register: *mut u8,
    aligned: bool,
) -> *mut u8 {
    let size = walk.dtype.size() as isize;
    if aligned
        && let (Some(&row), Some(&stride)) = (walk.shape.last(), walk.strides.last())
        && stride == size
        && start % row + len <= row
    {
        let mut at = 0;
        walk.runs(start, len, |offset, _, _| at = offset);
        // SAFETY: the run's first element.
        return unsafe { source.offset(at) };
    }
    // SAFETY: as the caller promises.
    unsafe { walk.pack(source, start, len, register) };
    register
}

impl Uniform {
    /// # Safety
    /// `register` must be valid for `len` elements of the uniform's dtype.
    unsafe fn spread(&self, run: &Run, register: *mut u8, len: usize) {
        let source = run.at(&self.place);
        let mut aligned = [0u128; 2];
        let [from, to] = &mut aligned;
        let (from, to) = (
            std::ptr::from_mut(from).cast::<u8>(),
            std::ptr::from_mut(to).cast::<u8>(),
        );
        // SAFETY: both locals hold an element of any dtype.
        unsafe {
            from.copy_from_nonoverlapping(source, self.place.layout.dtype.size());
            match self.cast {
                Some(cast) => {
                    cast(&[from.cast_const()], to, 1);
                    fill(to, register, len, self.dtype);
                }
                None => fill(from, register, len, self.dtype),
            }
        }
    }
}

impl FoldStep {
    /// Writes results that change nothing when combined, `len` of them from `at` on.
    ///
    /// # Safety
    /// The partial results must be nobody else's, and the one before `at` written.
    unsafe fn neutral(&self, run: &Run, at: usize, len: usize) {
        // SAFETY: as the caller promises.
        unsafe {
            let partials = run.pointer(self.partials);
            match self.second.identity {
                Some(identity) => identity(partials.add(at * self.out_size), len),
                // Minima and maxima: repeating a result changes nothing.
                None => {
                    for i in at..at + len {
                        partials.add(i * self.out_size).copy_from_nonoverlapping(
                            partials.add((at - 1) * self.out_size),
                            self.out_size,
                        );
                    }
                }
            }
        }
    }
}

/// The error for a reduction of nothing.
pub fn no_identity(name: &str) -> Box<Error> {
    Error::value(format!(
        "zero-size array to reduction operation {name} which has no identity"
    ))
}
