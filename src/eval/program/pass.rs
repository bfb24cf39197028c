//! One pass over arrays: the elementwise work of a [`Fused`] instruction.
//!
//! In: its inputs, as descriptors and registers. Out: the elements of its result, in fresh memory or in
//! a view. Rows, which are runs along the last axes, are done one after the other: as machine code if
//! there is some, else by kernels that hand on a chunk of elements at a time.
//!
//! ```text
//! y[:j] += a * y[j-1::-1]        source and target overlap: by way of memory of its own
//! ```

use smallvec::{SmallVec, smallvec};

use super::Location;
use super::code::{Fused, FusedStep};
use super::compile::RANK;
use super::descriptor::Array;
use super::run::Cell;
use super::vector::{Memory, State, room, widen};
use crate::error::{Error, Result};
use crate::eval::layout::{alignment, copy, copy_row, fill, merge_axes};
use crate::eval::machine::{Input, Row, Step};
use crate::graph::DType;

/// The steps as machine code, where all are arithmetic of floats of one dtype.
pub(super) fn machine_code(inputs: &[(Location, DType)], steps: &[FusedStep]) -> Option<Row> {
    let kind = |location: &Location| match location {
        Location::Array(_) => Input::Array,
        Location::Register(_) => Input::Number,
    };
    let inputs: Vec<Input> = inputs.iter().map(|(location, _)| kind(location)).collect();
    let of = |step: &FusedStep| {
        let operands = step.operands.clone();
        let (op, dtype) = step.arithmetic?;
        Some(Step {
            op,
            dtype,
            operands,
        })
    };
    let steps = steps.iter().map(of).collect::<Option<Vec<_>>>()?;
    let result = inputs.len() + steps.len() - 1;
    Row::new(&inputs, &steps, &[result])
}

/// Elements of a chunk.
const CHUNK: usize = 1024;

/// An input or the result over the space of a pass.
#[derive(Clone, Copy)]
struct Side {
    start: *mut u8,
    strides: [isize; RANK],
    dtype: DType,
}

impl Side {
    fn of(array: &Array) -> Side {
        Side {
            start: array.start,
            strides: array.strides,
            dtype: array.dtype,
        }
    }
}

impl State<'_> {
    /// # Safety
    /// Descriptors and registers must be those of the program.
    pub(super) unsafe fn fused(&mut self, f: &Fused, registers: *mut Cell) -> Result<()> {
        if let Some(row) = &f.row {
            // SAFETY: as the caller promises.
            let done = unsafe { self.one_row(f, row, registers)? };
            if done {
                return Ok(());
            }
        }
        let view = self.arrays[f.to as usize];
        let (mut shape, mut rank) = ([1; RANK], 0);
        match f.buffer {
            None => (shape, rank) = (view.sizes, view.rank),
            Some(_) => {
                for (input, _) in &f.inputs {
                    if let Location::Array(array) = input {
                        rank = widen(&mut shape, rank, self.arrays[*array as usize].shape())?;
                    }
                }
            }
        }
        let shape = &shape[..rank];
        let mut sides: SmallVec<[Side; 12]> = SmallVec::new();
        let mut overlaps = false;
        for &(input, dtype) in &f.inputs {
            sides.push(match input {
                Location::Register(r) => Side {
                    // SAFETY: registers are the program's.
                    start: unsafe { registers.add(r as usize).cast() },
                    strides: [0; RANK],
                    dtype,
                },
                Location::Array(array) => {
                    let array = self.arrays[array as usize].broadcast(shape)?;
                    overlaps |= f.buffer.is_none() && overlap(&array, &view);
                    Side::of(&array)
                }
            });
        }
        let target = match f.buffer {
            Some(buffer) => self.fresh(buffer, self.program.arrays[f.to as usize].dtype, shape)?,
            None if overlaps => {
                let start = room(&mut self.scratch[0], view.len() * view.dtype.size())?;
                Array::contiguous(start, view.dtype, shape)
            }
            None => view,
        };
        sides.push(Side::of(&target));
        // SAFETY: all sides are valid for the shape, and the target apart from them or exactly one.
        unsafe {
            over(f, &sides, shape, &mut self.lanes)?;
            if overlaps {
                copy(target.start, &target.layout(), view.start, &view.layout());
            }
        }
        self.arrays[f.to as usize] = match overlaps {
            true => view,
            false => target,
        };
        Ok(())
    }

    /// Runs machine code over arrays of one axis, which needs no more than where they are; whether they
    /// are all such, and none lies where the result goes.
    ///
    /// # Safety
    /// As for [`State::fused`].
    unsafe fn one_row(&mut self, f: &Fused, row: &Row, registers: *mut Cell) -> Result<bool> {
        let view = self.arrays[f.to as usize];
        let mut pointers: SmallVec<[*mut u8; 12]> = SmallVec::new();
        let mut strides: SmallVec<[isize; 12]> = SmallVec::new();
        let mut n = match f.buffer {
            None if view.rank != 1 => return Ok(false),
            None => Some(view.sizes[0]),
            Some(_) => None,
        };
        for &(input, _) in &f.inputs {
            match input {
                Location::Register(r) => {
                    // SAFETY: registers are the program's.
                    pointers.push(unsafe { registers.add(r as usize).cast() });
                    strides.push(0);
                }
                Location::Array(array) => {
                    let array = &self.arrays[array as usize];
                    if array.rank != 1
                        || *n.get_or_insert(array.sizes[0]) != array.sizes[0]
                        || f.buffer.is_none() && overlap(array, &view)
                    {
                        return Ok(false);
                    }
                    pointers.push(array.start);
                    strides.push(array.strides[0]);
                }
            }
        }
        let Some(n) = n else { return Ok(false) };
        let target = match f.buffer {
            Some(buffer) => {
                let dtype = self.program.arrays[f.to as usize].dtype;
                self.fresh(buffer, dtype, &[n])?
            }
            None => view,
        };
        pointers.push(target.start);
        strides.push(target.strides[0]);
        let strides = if n == 1 { row.strides() } else { &strides };
        // SAFETY: all are valid for `n` elements, and the target apart from the others or one of them.
        unsafe { row.run(&pointers, strides, n) };
        self.arrays[f.to as usize] = target;
        Ok(true)
    }
}

/// The axes of a space, those that lie in one piece for all sides as one; the innermost first.
struct Axes {
    sizes: SmallVec<[usize; RANK]>,
    /// Per axis, the stride of each side.
    strides: SmallVec<[SmallVec<[isize; 12]>; 2]>,
}

impl Axes {
    fn new(sides: &[Side], shape: &[usize]) -> Axes {
        let mut axes = Axes {
            sizes: SmallVec::new(),
            strides: SmallVec::new(),
        };
        for (axis, &size) in shape.iter().enumerate().rev() {
            if size == 1 {
                continue;
            }
            let strides: SmallVec<[isize; 12]> = sides.iter().map(|s| s.strides[axis]).collect();
            if let (Some(n), Some(inner)) = (axes.sizes.last_mut(), axes.strides.last())
                && strides
                    .iter()
                    .zip(inner)
                    .all(|(a, b)| *a == b * *n as isize)
            {
                *n *= size;
                continue;
            }
            axes.sizes.push(size);
            axes.strides.push(strides);
        }
        if axes.sizes.is_empty() {
            axes.sizes.push(1);
            axes.strides.push(smallvec![0; sides.len()]);
        }
        axes
    }
}

/// Where the rows of a space are, one after the other.
struct Rows<'a> {
    axes: &'a Axes,
    index: [usize; RANK],
    pointers: SmallVec<[*mut u8; 12]>,
}

impl<'a> Rows<'a> {
    fn new(axes: &'a Axes, sides: &[Side]) -> Rows<'a> {
        Rows {
            axes,
            index: [0; RANK],
            pointers: sides.iter().map(|side| side.start).collect(),
        }
    }

    /// Goes to the next row; false after the last.
    fn next(&mut self) -> bool {
        for axis in 1..self.axes.sizes.len() {
            let (size, strides) = (self.axes.sizes[axis], &self.axes.strides[axis]);
            self.index[axis] += 1;
            let back = match self.index[axis] < size {
                true => 1,
                false => 1 - size as isize,
            };
            for (pointer, stride) in self.pointers.iter_mut().zip(strides) {
                *pointer = pointer.wrapping_offset(back * stride);
            }
            if self.index[axis] < size {
                return true;
            }
            self.index[axis] = 0;
        }
        false
    }
}

/// # Safety
/// The sides, of which the last is the result, must be valid for the shape; the result must be apart
/// from the others, or exactly one of them.
unsafe fn over(f: &Fused, sides: &[Side], shape: &[usize], lanes: &mut Memory) -> Result<()> {
    if shape.contains(&0) {
        return Ok(());
    }
    let axes = Axes::new(sides, shape);
    let mut rows = Rows::new(&axes, sides);
    let (n, inner) = (axes.sizes[0], &axes.strides[0]);
    if let Some(row) = &f.row {
        // A row of one element has no strides.
        let strides = if n == 1 { row.strides() } else { inner };
        loop {
            // SAFETY: the rows are within their sides.
            unsafe { row.run(&rows.pointers, strides, n) };
            if !rows.next() {
                return Ok(());
            }
        }
    }
    let mut chunks = Chunks::new(f, sides, shape, lanes)?;
    let last = sides.len() - 1;
    // Short rows fill a chunk together; long ones are cut.
    let together = (CHUNK / n).max(1);
    let mut targets = Rows::new(&axes, sides);
    let mut more = true;
    while more {
        // SAFETY: as the caller promises; a chunk has room for what is put there.
        unsafe {
            if n > CHUNK / 2 {
                let mut done = 0;
                while done < n {
                    let len = CHUNK.min(n - done);
                    let at = |k: usize| rows.pointers[k].wrapping_offset(done as isize * inner[k]);
                    for k in 0..last {
                        chunks.take(k, at(k), inner[k], len);
                    }
                    chunks.compute(at(last), inner[last], len)?;
                    done += len;
                }
                more = rows.next();
                continue;
            }
            let mut count = 0;
            while more && count < together {
                for k in 0..last {
                    chunks.append(k, rows.pointers[k], inner[k], count * n, n);
                }
                count += 1;
                more = rows.next();
            }
            let result = chunks.run(count * n)?;
            for row in 0..count {
                let (dtype, size) = (sides[last].dtype, sides[last].dtype.size());
                let from = result.add(row * n * size);
                copy_row(
                    from,
                    size as isize,
                    targets.pointers[last],
                    inner[last],
                    n,
                    dtype,
                );
                targets.next();
            }
        }
    }
    Ok(())
}

/// The lanes of a pass, a chunk at a time.
struct Chunks<'a> {
    f: &'a Fused,
    sides: &'a [Side],
    /// Per lane, its own memory, and where its elements are now.
    rooms: SmallVec<[*mut u8; 12]>,
    at: SmallVec<[*mut u8; 12]>,
}

impl<'a> Chunks<'a> {
    fn new(
        f: &'a Fused,
        sides: &'a [Side],
        shape: &[usize],
        lanes: &mut Memory,
    ) -> Result<Chunks<'a>> {
        let len = CHUNK.min(shape.iter().product());
        let size = (len * size_of::<Cell>()).next_multiple_of(64);
        let count = f.rooms.iter().max().map_or(0, |&room| room + 1);
        let start = room(lanes, count * size)?;
        let rooms: SmallVec<[*mut u8; 12]> = f
            .rooms
            .iter()
            .map(|&room| start.wrapping_add(room * size))
            .collect();
        for (k, (input, dtype)) in f.inputs.iter().enumerate() {
            if let Location::Register(_) = input {
                // SAFETY: a register holds an element, a room a chunk.
                unsafe { fill(sides[k].start, rooms[k], len, *dtype) };
            }
        }
        let at = rooms.clone();
        Ok(Chunks {
            f,
            sides,
            rooms,
            at,
        })
    }

    fn is_number(&self, k: usize) -> bool {
        matches!(self.f.inputs[k].0, Location::Register(_))
    }

    /// Points to elements, or copies them if kernels cannot read them where they are.
    ///
    /// # Safety
    /// There must be so many, and no more than a chunk.
    unsafe fn take(&mut self, k: usize, from: *mut u8, stride: isize, len: usize) {
        let dtype = self.sides[k].dtype;
        let aligned = (from as usize).is_multiple_of(alignment(dtype));
        if stride == dtype.size() as isize && aligned && !self.is_number(k) {
            self.at[k] = from;
            return;
        }
        // SAFETY: as the caller promises.
        unsafe { self.append(k, from, stride, 0, len) };
    }

    /// Copies elements into a chunk, from element `first` on.
    ///
    /// # Safety
    /// As for [`Self::take`].
    unsafe fn append(&mut self, k: usize, from: *mut u8, stride: isize, first: usize, len: usize) {
        self.at[k] = self.rooms[k];
        if !self.is_number(k) {
            let dtype = self.sides[k].dtype;
            let size = dtype.size();
            let to = self.rooms[k].wrapping_add(first * size);
            // SAFETY: as the caller promises.
            unsafe { copy_row(from, stride, to, size as isize, len, dtype) };
        }
    }

    /// Runs the steps, the last into `to`.
    ///
    /// # Safety
    /// As for [`Self::take`].
    unsafe fn compute(&mut self, to: *mut u8, stride: isize, len: usize) -> Result<()> {
        let dtype = self.sides[self.sides.len() - 1].dtype;
        let size = dtype.size() as isize;
        // SAFETY: as the caller promises.
        unsafe {
            let result = self.run(len)?;
            copy_row(result, size, to, stride, len, dtype);
        }
        Ok(())
    }

    /// Runs the steps; where the last one's elements are.
    ///
    /// # Safety
    /// Every input must have been given `len` elements.
    unsafe fn run(&mut self, len: usize) -> Result<*mut u8> {
        let mut result = Err(Error::internal("a pass without a step"));
        for (k, step) in self.f.steps.iter().enumerate() {
            let operands = &step.operands;
            let pointers: SmallVec<[*const u8; 5]> = operands
                .iter()
                .map(|&lane| self.at[lane].cast_const())
                .collect();
            let to = self.rooms[self.f.inputs.len() + k];
            // SAFETY: operands hold `len` elements of the kernel's dtypes.
            unsafe {
                if let Some(check) = step.check {
                    let given: SmallVec<[(*const u8, usize); 5]> =
                        pointers.iter().map(|&p| (p, len)).collect();
                    check.run(&given)?;
                }
                (step.kernel)(&pointers, to, len);
            }
            result = Ok(to);
        }
        result
    }
}

/// Whether writing one array may change what is still to be read of the other. That they are the same
/// elements in the same order does no harm.
fn overlap(read: &Array, written: &Array) -> bool {
    let extent = |array: &Array| {
        let (mut low, mut high) = (array.start as isize, array.start as isize);
        for axis in 0..array.rank {
            let reach = (array.sizes[axis] as isize - 1) * array.strides[axis];
            low += reach.min(0);
            high += reach.max(0);
        }
        (low, high + array.dtype.size() as isize)
    };
    if written.len() == 0 {
        return false;
    }
    let ((a, b), (c, d)) = (extent(read), extent(written));
    if b <= c || d <= a {
        return false;
    }
    let mut axes = (0..written.rank).filter(|&axis| written.sizes[axis] > 1);
    if read.dtype != written.dtype || axes.any(|axis| read.strides[axis] != written.strides[axis]) {
        return true;
    }
    let (sizes, strides) = merge_axes(written.shape(), &written.strides[..written.rank]);
    let (apart, size) = (
        read.start as isize - written.start as isize,
        written.dtype.size() as isize,
    );
    // Elements of the same strides meet where a step from one to another is as long as from start to start.
    let meets = |apart: isize, n: usize, stride: isize| {
        let steps = (apart as f64 / stride as f64).round() as isize;
        stride.abs() < size || steps.unsigned_abs() < n && (apart - steps * stride).abs() < size
    };
    match (&sizes[..], &strides[..]) {
        _ if apart == 0 => false,
        ([], _) => apart.abs() < size,
        (&[n], &[stride]) => meets(apart, n, stride),
        (&[outer, n], &[step, stride]) if outer <= CHUNK => {
            let outer = outer as isize;
            (1 - outer..outer).any(|i| meets(apart - i * step, n, stride))
        }
        _ => true,
    }
}
