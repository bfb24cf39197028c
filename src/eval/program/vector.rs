//! Arrays of a running program: memory, and the operations on whole arrays.
//!
//! In: an [`ArrayOp`], the descriptors and the registers. Out: a descriptor set, elements written.
//! `y[:j]` sets a descriptor; `np.dot(y[:j], z[:j])` sums into a register.
//! Memory of a result is kept from trip to trip, and grows where a later one is longer.

use smallvec::SmallVec;

use super::code::{ArrayId, ArrayOp, BufferId, Contract, Number, Picked, Reduce};
use super::compile::RANK;
use super::descriptor::{Array, slice, view};
use super::run::Cell;
use super::{Location, Program};
use crate::error::{Error, Result};
use crate::eval::contract;
use crate::eval::element::{Item, for_dtype};
use crate::eval::group::no_identity;
use crate::eval::index::position;
use crate::eval::layout::{Layout, Walk, copy};
use crate::eval::reduce;
use crate::graph::DType;
use crate::ops::{Extreme, Write};

/// Three axes in memory: where they start, and their byte strides.
type Strided = (*const u8, [isize; 3]);

/// Memory of 16-byte alignment.
pub(super) type Memory = Vec<Cell>;

/// What a running program has besides registers.
pub struct State<'p> {
    pub(super) program: &'p Program,
    pub arrays: Vec<Array>,
    buffers: Vec<Memory>,
    /// For operands that kernels cannot read as they are.
    pub(super) scratch: [Memory; 4],
    /// For the lanes of a pass.
    pub(super) lanes: Memory,
    offsets: Vec<isize>,
}

pub(super) fn room(memory: &mut Memory, bytes: usize) -> Result<*mut u8> {
    let cells = bytes.div_ceil(size_of::<Cell>());
    if memory.capacity() < cells {
        let more = cells.max(2 * memory.capacity()) - memory.len();
        memory.try_reserve_exact(more).map_err(|_| {
            Error::raises(
                crate::error::Exception::Memory,
                "Unable to allocate an array",
            )
        })?;
    }
    Ok(memory.as_mut_ptr().cast())
}

impl<'p> State<'p> {
    pub fn new(program: &'p Program) -> State<'p> {
        let nowhere = Array {
            start: std::ptr::null_mut(),
            sizes: [0; RANK],
            strides: [0; RANK],
            rank: 0,
            dtype: DType::Bool,
        };
        State {
            program,
            arrays: vec![nowhere; program.arrays.len()],
            buffers: (0..program.buffers).map(|_| Memory::new()).collect(),
            scratch: Default::default(),
            lanes: Memory::new(),
            offsets: vec![],
        }
    }

    pub(super) fn fresh(
        &mut self,
        buffer: BufferId,
        dtype: DType,
        shape: &[usize],
    ) -> Result<Array> {
        let bytes = shape
            .iter()
            .try_fold(dtype.size(), |n, &size| n.checked_mul(size))
            .ok_or_else(|| Error::value("array is too big"))?;
        let start = room(&mut self.buffers[buffer as usize], bytes)?;
        Ok(Array::contiguous(start, dtype, shape))
    }

    /// A contiguous copy of an array, in memory of its own.
    ///
    /// # Safety
    /// The array must be readable.
    unsafe fn copied(&mut self, buffer: BufferId, from: &Array) -> Result<Array> {
        let to = self.fresh(buffer, from.dtype, from.shape())?;
        // SAFETY: the memory is fresh and large enough.
        unsafe { copy(from.start, &from.layout(), to.start, &to.layout()) };
        Ok(to)
    }

    /// # Safety
    /// The operation and the registers must be those of the program.
    pub unsafe fn perform(&mut self, op: &ArrayOp, registers: *mut Cell) -> Result<()> {
        let number = |n: &Number| match *n {
            Number::Known(known) => known,
            // SAFETY: the compiler keeps registers within their file.
            Number::Register(r) => unsafe { *registers.add(r as usize).cast::<i64>() },
        };
        // What short trips are made of comes first; the rest has a frame of its own.
        // SAFETY: descriptors were set by operations before this one, for memory that lives as long
        // as the program runs; the compiler writes only to memory of the program's own.
        unsafe {
            match op {
                ArrayOp::Slice { to, from, parts } => {
                    let [to, from] = self.two(*to, *from)?;
                    slice(to, from, parts, number)
                }
                ArrayOp::View {
                    to,
                    from,
                    indices,
                    at,
                } => {
                    let [to, from] = self.two(*to, *from)?;
                    view(to, from, indices, *at, number)
                }
                ArrayOp::Contract(c) => self.contract(c, registers),
                ArrayOp::Fused(f) => self.fused(f, registers),
                other => self.perform_longer(other, registers),
            }
        }
    }

    /// Two descriptors, one of them to be set.
    fn two(&mut self, to: ArrayId, from: ArrayId) -> Result<[&mut Array; 2]> {
        self.arrays
            .get_disjoint_mut([to as usize, from as usize])
            .map_err(|_| Error::internal("a view of itself"))
    }

    /// # Safety
    /// As for [`State::perform`].
    #[inline(never)]
    unsafe fn perform_longer(&mut self, op: &ArrayOp, registers: *mut Cell) -> Result<()> {
        let number = |n: &Number| match *n {
            Number::Known(known) => known,
            // SAFETY: the compiler keeps registers within their file.
            Number::Register(r) => unsafe { *registers.add(r as usize).cast::<i64>() },
        };
        let sizes = |numbers: &[Number]| -> Result<([usize; RANK], usize)> {
            let mut out = [1; RANK];
            for (to, n) in out.iter_mut().zip(numbers) {
                *to = usize::try_from(number(n))
                    .map_err(|_| Error::value("negative dimensions are not allowed"))?;
            }
            Ok((out, numbers.len()))
        };
        // SAFETY: as for the operations above.
        unsafe {
            match op {
                ArrayOp::Slice { .. }
                | ArrayOp::View { .. }
                | ArrayOp::Contract(_)
                | ArrayOp::Fused(_) => {
                    return Err(Error::internal("a short operation among the longer"));
                }
                ArrayOp::Alias { to, from } => {
                    self.arrays[*to as usize] = self.arrays[*from as usize];
                }
                ArrayOp::Allocate { to, buffer, shape } => {
                    let dtype = self.program.arrays[*to as usize].dtype;
                    let (shape, rank) = sizes(shape)?;
                    self.arrays[*to as usize] = self.fresh(*buffer, dtype, &shape[..rank])?;
                }
                ArrayOp::Copy { to, buffer, from } => {
                    let from = self.arrays[*from as usize];
                    self.arrays[*to as usize] = self.copied(*buffer, &from)?;
                }
                ArrayOp::Rotate(moves) => self.rotate(moves),
                ArrayOp::Transpose { to, from, axes } => {
                    self.arrays[*to as usize] = self.arrays[*from as usize].transposed(axes);
                }
                ArrayOp::Broadcast { to, from, shape } => {
                    let (shape, rank) = sizes(shape)?;
                    let Location::Array(from) = from else {
                        return Err(Error::internal("a number is no view"));
                    };
                    let from = self.arrays[*from as usize];
                    self.arrays[*to as usize] = from.broadcast(&shape[..rank])?;
                }
                ArrayOp::Reshape {
                    to,
                    buffer,
                    from,
                    shape,
                } => {
                    let from = self.arrays[*from as usize];
                    let (shape, rank) = sizes(shape)?;
                    let shape = &shape[..rank];
                    if shape.iter().product::<usize>() != from.len() {
                        return Err(Error::value(format!(
                            "cannot reshape array of size {} into shape {shape:?}",
                            from.len()
                        )));
                    }
                    self.arrays[*to as usize] = match from.layout().reshape(shape) {
                        Some(layout) => Array::new(from.start, &layout),
                        None => {
                            let copied = self.copied(*buffer, &from)?;
                            Array::contiguous(copied.start, copied.dtype, shape)
                        }
                    };
                }
                ArrayOp::Write { kind, to, values } => {
                    let to = self.arrays[*to as usize];
                    let values = self.values(values, to.dtype, registers);
                    let values = values.broadcast(to.shape())?;
                    match kind {
                        Write::Set => copy(values.start, &values.layout(), to.start, &to.layout()),
                        Write::Add => for_dtype!(to.dtype, T => add_into::<T>(&values, &to)),
                    }
                }
                ArrayOp::Zero { to } => {
                    let to = self.arrays[*to as usize];
                    to.start.write_bytes(0, to.len() * to.dtype.size());
                }
                ArrayOp::Reduce(r) => {
                    let from = self.arrays[r.from as usize];
                    let to = self.target(r.to, r.buffer, r.out, &from, &r.axes, registers)?;
                    self.reduce(r, &from, to)?;
                }
                ArrayOp::Iota { to, buffer, size } => {
                    let dtype = self.program.arrays[*to as usize].dtype;
                    let size = usize::try_from(number(size)).unwrap_or(0);
                    let array = self.fresh(*buffer, dtype, &[size])?;
                    for_dtype!(dtype, T => {
                        for i in 0..size {
                            array.start.cast::<T>().add(i).write(T::from_index(i));
                        }
                    });
                    self.arrays[*to as usize] = array;
                }
                ArrayOp::Gather {
                    to,
                    buffer,
                    from,
                    picked,
                } => {
                    let from = self.arrays[*from as usize];
                    if let [Location::Array(index)] = picked.indices[..]
                        && let index = self.arrays[index as usize]
                        && from.rank == 1
                        && index.rank == 1
                    {
                        let out = self.fresh(*buffer, from.dtype, &[index.sizes[0]])?;
                        gather_row(&from, &index, out.start)?;
                        self.arrays[*to as usize] = out;
                        return Ok(());
                    }
                    let (shape, rank) = self.picked(&from, picked, registers)?;
                    let out = self.fresh(*buffer, from.dtype, &shape[..rank])?;
                    let size = from.dtype.size();
                    let mut target = out.start;
                    let run = |n: usize, stride: isize| Layout {
                        dtype: from.dtype,
                        shape: [n].into_iter().collect(),
                        strides: [stride].into_iter().collect(),
                        offset: 0,
                    };
                    each_run(&from, picked, &self.offsets, |source, stride, n| {
                        copy(source, &run(n, stride), target, &run(n, size as isize));
                        target = target.add(n * size);
                    });
                    self.arrays[*to as usize] = out;
                }
                ArrayOp::Scatter {
                    kind,
                    to,
                    values,
                    picked,
                } => {
                    let to = self.arrays[*to as usize];
                    let (shape, rank) = self.picked(&to, picked, registers)?;
                    let values = self.values(values, to.dtype, registers);
                    let values = values.broadcast(&shape[..rank])?;
                    let values = self.scratched(0, &values)?;
                    let mut source = values.start.cast_const();
                    for_dtype!(to.dtype, T => {
                        each_run(&to, picked, &self.offsets, |target, stride, n| {
                            for i in 0..n {
                                let out = target.offset(i as isize * stride).cast::<T>();
                                let value = source.cast::<T>().add(i).read_unaligned();
                                out.write_unaligned(match kind {
                                    Write::Set => value,
                                    Write::Add => out.read_unaligned().add(value),
                                });
                            }
                            source = source.add(n * to.dtype.size());
                        });
                    });
                }
                ArrayOp::Cumulate {
                    kind,
                    to,
                    buffer,
                    from,
                    axis,
                } => {
                    let from = self.arrays[*from as usize];
                    let out = self.copied(*buffer, &from)?;
                    let shape = out.shape();
                    let sizes = [
                        shape[..*axis].iter().product(),
                        shape[*axis],
                        shape[axis + 1..].iter().product(),
                    ];
                    for_dtype!(out.dtype, T => {
                        let all = std::slice::from_raw_parts_mut(out.start.cast::<T>(), out.len());
                        reduce::cumulate(*kind, all, sizes);
                    });
                    self.arrays[*to as usize] = out;
                }
                ArrayOp::ArgReduce {
                    kind,
                    to,
                    buffer,
                    from,
                    axis,
                } => {
                    let from = self.arrays[*from as usize];
                    let n = from.sizes[*axis];
                    if n == 0 {
                        let name = match kind {
                            Extreme::Min => "argmin",
                            Extreme::Max => "argmax",
                        };
                        return Err(Error::value(format!(
                            "attempt to get {name} of an empty sequence"
                        )));
                    }
                    let to = self.target(*to, *buffer, DType::I64, &from, &[*axis], registers)?;
                    let mut order: Vec<usize> = (0..from.rank).filter(|a| a != axis).collect();
                    order.push(*axis);
                    let rows = self.scratched(0, &from.transposed(&order))?;
                    for_dtype!(from.dtype, T => {
                        let x = std::slice::from_raw_parts(rows.start.cast::<T>(), from.len());
                        let out = std::slice::from_raw_parts_mut(to.cast::<i64>(), from.len() / n);
                        reduce::arg_reduce(*kind, x, n, out);
                    });
                }
                ArrayOp::Expect { a, b, at_most } => {
                    let (a, b) = (number(a), number(b));
                    if if *at_most { a > b } else { a != b } {
                        return Err(Error::value(format!(
                            "operands could not be broadcast together with shapes ({a},) ({b},)"
                        )));
                    }
                }
                ArrayOp::SizeOf { to, array, axis } => {
                    let size = self.arrays[*array as usize].sizes[*axis] as i64;
                    registers.add(*to as usize).cast::<i64>().write(size);
                }
            }
        }
        Ok(())
    }

    /// Where the result of reducing axes goes: fresh memory, or a register.
    ///
    /// # Safety
    /// The registers must be those of the program.
    unsafe fn target(
        &mut self,
        to: Location,
        buffer: BufferId,
        dtype: DType,
        from: &Array,
        axes: &[usize],
        registers: *mut Cell,
    ) -> Result<*mut u8> {
        match to {
            // SAFETY: as the caller promises.
            Location::Register(r) => Ok(unsafe { registers.add(r as usize).cast() }),
            Location::Array(array) => {
                let mut shape = [0; RANK];
                let mut rank = 0;
                for axis in (0..from.rank).filter(|a| !axes.contains(a)) {
                    shape[rank] = from.sizes[axis];
                    rank += 1;
                }
                let out = self.fresh(buffer, dtype, &shape[..rank])?;
                self.arrays[array as usize] = out;
                Ok(out.start)
            }
        }
    }

    fn rotate(&mut self, moves: &[(u16, BufferId, u16, BufferId)]) {
        let taken: Vec<(Array, Memory)> = moves
            .iter()
            .map(|&(_, own, from, buffer)| {
                let memory = match own == buffer {
                    true => Memory::new(),
                    false => std::mem::take(&mut self.buffers[buffer as usize]),
                };
                (self.arrays[from as usize], memory)
            })
            .collect();
        let mut left = Vec::new();
        for (&(to, own, _, buffer), (array, memory)) in moves.iter().zip(taken) {
            self.arrays[to as usize] = array;
            if own != buffer {
                let old = std::mem::replace(&mut self.buffers[own as usize], memory);
                if old.capacity() > 0 {
                    left.push(old);
                }
            }
        }
        // The memory that was given up serves those whose was taken.
        for &(_, own, _, buffer) in moves {
            if own != buffer
                && !moves.iter().any(|m| m.1 == buffer)
                && let Some(memory) = left.pop()
            {
                self.buffers[buffer as usize] = memory;
            }
        }
    }

    /// The array itself if it is contiguous, or a copy in scratch memory.
    ///
    /// # Safety
    /// The array must be readable.
    unsafe fn scratched(&mut self, which: usize, array: &Array) -> Result<Array> {
        if array.is_contiguous() {
            return Ok(*array);
        }
        let start = room(&mut self.scratch[which], array.len() * array.dtype.size())?;
        let to = Array::contiguous(start, array.dtype, array.shape());
        // SAFETY: the scratch memory is large enough.
        unsafe { copy(array.start, &array.layout(), to.start, &to.layout()) };
        Ok(to)
    }

    /// # Safety
    /// `to` must have room for the result, `from` be readable.
    unsafe fn reduce(&mut self, r: &Reduce, from: &Array, to: *mut u8) -> Result<()> {
        let mut order = [0; RANK];
        let mut rank = 0;
        for axis in (0..from.rank).filter(|a| !r.axes.contains(a)) {
            order[rank] = axis;
            rank += 1;
        }
        let rows: usize = order[..rank].iter().map(|&a| from.sizes[a]).product();
        for &axis in &r.axes {
            order[rank] = axis;
            rank += 1;
        }
        let n: usize = r.axes.iter().map(|&a| from.sizes[a]).product();
        // SAFETY: as the caller promises.
        unsafe {
            if n == 0 {
                return match r.fold.identity {
                    Some(identity) => {
                        identity(to, rows);
                        Ok(())
                    }
                    None if rows == 0 => Ok(()),
                    None => Err(no_identity(r.name)),
                };
            }
            let array = self.scratched(0, &from.transposed(&order[..rank]))?;
            let (size, out_size) = (from.dtype.size(), r.out.size());
            for row in 0..rows {
                let elements = array.start.add(row * n * size);
                (r.fold.run)(elements, n, to.add(row * out_size));
            }
        }
        Ok(())
    }

    /// # Safety
    /// The sides must be readable, the registers those of the program.
    unsafe fn contract(&mut self, c: &Contract, registers: *mut Cell) -> Result<()> {
        let [left, right] = c.sides.map(|side| &self.arrays[side as usize]);
        for &(a, b) in c.batch.iter().chain(&c.contract) {
            if left.sizes[a] != right.sizes[b] {
                return Err(Error::value(format!(
                    "shapes {:?} and {:?} not aligned",
                    left.shape(),
                    right.shape()
                )));
            }
        }
        let is_row = |array: &Array| array.rank == 1 && array.is_typed();
        if let Location::Register(to) = c.to
            && is_row(left)
            && is_row(right)
        {
            let sides = [left, right].map(|a| (a.start.cast_const(), a.strides[0]));
            // SAFETY: both are rows of one size, and the register is the program's.
            unsafe {
                let to = registers.add(to as usize);
                for_dtype!(left.dtype, T => {
                    to.cast::<T>().write(contract::dot_of_rows(sides, left.sizes[0]));
                });
            }
            return Ok(());
        }
        let (left, right) = (*left, *right);
        let [left_order, right_order] = &c.orders;
        // SAFETY: as the caller promises.
        unsafe {
            let (left_matrix, [batch, m, k]) = self.matrix(0, &left, left_order)?;
            let (right_matrix, [_, _, n]) = self.matrix(1, &right, right_order)?;
            let out = match c.to {
                Location::Register(r) => registers.add(r as usize).cast(),
                Location::Array(array) => {
                    let mut shape = [0; RANK];
                    let mut rank = 0;
                    let kept = left_order[0].iter().chain(&left_order[1]);
                    let kept = kept.map(|&a| left.sizes[a]);
                    for size in kept.chain(right_order[2].iter().map(|&a| right.sizes[a])) {
                        shape[rank] = size;
                        rank += 1;
                    }
                    let out = self.fresh(c.buffer, left.dtype, &shape[..rank])?;
                    self.arrays[array as usize] = out;
                    out.start
                }
            };
            for_dtype!(left.dtype, T => contract::serial::<T>(
                left_matrix, right_matrix, out, [batch, m, k, n],
            ));
        }
        Ok(())
    }

    /// An array as three axes, each made of some of its own: where it starts, its byte strides, its sizes.
    ///
    /// # Safety
    /// The array must be readable.
    unsafe fn matrix(
        &mut self,
        which: usize,
        array: &Array,
        axes: &[Vec<usize>; 3],
    ) -> Result<(Strided, [usize; 3])> {
        let sizes = [0, 1, 2].map(|k| axes[k].iter().map(|&a| array.sizes[a]).product());
        let size = array.dtype.size() as isize;
        if array.is_typed() && axes.iter().all(|group| group.len() <= 1) {
            let stride = |k: usize| axes[k].first().map_or(0, |&a| array.strides[a]);
            return Ok(((array.start.cast_const(), [0, 1, 2].map(stride)), sizes));
        }
        let order = axes.concat();
        // SAFETY: as the caller promises.
        let copied = unsafe { self.scratched(which, &array.transposed(&order))? };
        let row = sizes[2] as isize * size;
        let strides = [sizes[1] as isize * row, row, size];
        Ok(((copied.start.cast_const(), strides), sizes))
    }

    /// The offsets of the elements that index arrays mean, in `self.offsets`; the result is a
    /// descriptor of nothing with the shape of what is picked.
    ///
    /// # Safety
    /// The registers must be those of the program.
    unsafe fn picked(
        &mut self,
        of: &Array,
        p: &Picked,
        registers: *mut Cell,
    ) -> Result<([usize; RANK], usize)> {
        let mut shape = [1usize; RANK];
        let mut rank = 0;
        for index in &p.indices {
            if let Location::Array(array) = index {
                rank = widen(&mut shape, rank, self.arrays[*array as usize].shape())?;
            }
        }
        let count: usize = shape[..rank].iter().product();
        self.offsets.clear();
        self.offsets.resize(count, 0);
        for (k, (&axis, index)) in p.axes.iter().zip(&p.indices).enumerate() {
            let (size, stride) = (of.sizes[axis], of.strides[axis]);
            // SAFETY: indices are int64 registers or arrays.
            unsafe {
                match index {
                    Location::Register(r) => {
                        let index = *registers.add(*r as usize).cast::<i64>();
                        let offset = position(index, axis, size)? as isize * stride;
                        self.offsets.iter_mut().for_each(|o| *o += offset);
                    }
                    Location::Array(array) => {
                        let array = self.arrays[*array as usize].broadcast(&shape[..rank])?;
                        let array = self.scratched(k.min(3), &array)?;
                        for i in 0..count {
                            let index = *array.start.cast::<i64>().add(i);
                            self.offsets[i] += position(index, axis, size)? as isize * stride;
                        }
                    }
                }
            }
        }
        let mut whole = [0; RANK];
        let mut total = 0;
        let kept = (0..of.rank).filter(|a| !p.axes.contains(a));
        let kept: SmallVec<[usize; RANK]> = kept.map(|a| of.sizes[a]).collect();
        let sizes = kept[..p.at]
            .iter()
            .chain(&shape[..rank])
            .chain(&kept[p.at..]);
        for &size in sizes {
            let place = whole.get_mut(total);
            *place.ok_or_else(|| Error::internal("too many axes"))? = size;
            total += 1;
        }
        Ok((whole, total))
    }

    /// The values of a write, as a descriptor.
    ///
    /// # Safety
    /// The registers must be those of the program.
    unsafe fn values(&self, values: &Location, dtype: DType, registers: *mut Cell) -> Array {
        match values {
            Location::Array(values) => self.arrays[*values as usize],
            Location::Register(r) => {
                // SAFETY: as the caller promises.
                let first = unsafe { registers.add(*r as usize).cast() };
                Array::contiguous(first, dtype, &[])
            }
        }
    }
}

/// The elements of a row at int64 positions.
///
/// # Safety
/// Both must be readable, and `to` writable for as many elements as there are positions.
unsafe fn gather_row(from: &Array, index: &Array, to: *mut u8) -> Result<()> {
    let (size, stride) = (from.sizes[0], from.strides[0]);
    // SAFETY: positions are checked before an element is read.
    unsafe {
        for_dtype!(from.dtype, T => {
            for i in 0..index.sizes[0] {
                let at = index.start.offset(i as isize * index.strides[0]).cast::<i64>();
                let at = position(at.read_unaligned(), 0, size)?;
                let element = from.start.offset(at as isize * stride).cast::<T>();
                to.cast::<T>().add(i).write(element.read_unaligned());
            }
        });
    }
    Ok(())
}

/// Broadcasts a shape with another, in place; the common rank.
pub(super) fn widen(shape: &mut [usize; RANK], rank: usize, other: &[usize]) -> Result<usize> {
    let common = rank.max(other.len());
    let mut out = [1; RANK];
    for back in 1..=common {
        let a = if back <= rank { shape[rank - back] } else { 1 };
        let b = if back <= other.len() {
            other[other.len() - back]
        } else {
            1
        };
        out[common - back] = match (a, b) {
            (1, n) | (n, 1) => n,
            (n, m) if n == m => n,
            _ => {
                return Err(Error::value(format!(
                    "operands could not be broadcast together with shapes {:?} {other:?}",
                    &shape[..rank]
                )));
            }
        };
    }
    *shape = out;
    Ok(common)
}

/// Gives `visit` every run of what index arrays pick, `(start, stride, length)`, in C order.
///
/// # Safety
/// The offsets must be within the array.
unsafe fn each_run(
    array: &Array,
    p: &Picked,
    offsets: &[isize],
    mut visit: impl FnMut(*mut u8, isize, usize),
) {
    let kept: SmallVec<[usize; RANK]> = (0..array.rank).filter(|a| !p.axes.contains(a)).collect();
    let walk = |axes: &[usize]| {
        let layout = array.transposed(axes);
        let layout = Layout {
            shape: axes.iter().map(|&a| array.sizes[a]).collect(),
            strides: axes.iter().map(|&a| array.strides[a]).collect(),
            ..layout.layout()
        };
        (Walk::new(&layout), layout.len())
    };
    let (before, after) = (walk(&kept[..p.at]), walk(&kept[p.at..]));
    if before.1 == 0 || after.1 == 0 {
        return;
    }
    before.0.runs(0, before.1, |start, stride, n| {
        for i in 0..n as isize {
            for offset in offsets {
                let at = start + i * stride + offset;
                after.0.runs(0, after.1, |inner, stride, n| {
                    visit(array.start.wrapping_offset(at + inner), stride, n);
                });
            }
        }
    });
}

/// # Safety
/// Both must be valid for elements `T` and not overlap.
unsafe fn add_into<T: Item>(from: &Array, to: &Array) {
    let (outer, n) = match to.rank {
        0 => (1, 1),
        rank => (
            to.sizes[..rank - 1].iter().product::<usize>(),
            to.sizes[rank - 1],
        ),
    };
    let last = to.rank.saturating_sub(1);
    let mut index = [0usize; RANK];
    for _ in 0..outer {
        let (mut a, mut b) = (from.start, to.start);
        for (axis, &i) in index[..last].iter().enumerate() {
            a = a.wrapping_offset(i as isize * from.strides[axis]);
            b = b.wrapping_offset(i as isize * to.strides[axis]);
        }
        for i in 0..n as isize {
            // SAFETY: the index is within the shape of both.
            unsafe {
                let x = a.offset(i * from.strides[last]).cast::<T>();
                let out = b.offset(i * to.strides[last]).cast::<T>();
                out.write_unaligned(out.read_unaligned().add(x.read_unaligned()));
            }
        }
        for axis in (0..last).rev() {
            index[axis] += 1;
            if index[axis] < to.sizes[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
}

/// Adds one element to another.
///
/// # Safety
/// Both must be valid for an element of the dtype.
pub unsafe fn add_element(dtype: DType, to: *mut u8, from: *const u8) {
    // SAFETY: as the caller promises.
    unsafe {
        for_dtype!(dtype, T => {
            let (to, from) = (to.cast::<T>(), from.cast::<T>());
            to.write_unaligned(to.read_unaligned().add(from.read_unaligned()));
        });
    }
}
