//! Reading and writing at places given by index arrays.
//!
//! In: an array and index arrays. Out: the elements there ([`Gather`]), the array with elements
//! written there ([`Scatter`]), or where elements are not zero ([`arg_where`]).
//! `x[[2, 0]]` of a matrix gathers two rows: one offset per index, one run of memory per row.
//! Source: NumPy's advanced indexing.

use std::borrow::Cow;

use super::buffers::Block;
use super::element::{Item, for_dtype};
use super::layout::{Layout, Walk};
use super::plan::{Place, Run};
use super::value::{Sizes, Value, View};
use crate::error::{Error, Exception, Result};
use crate::graph::DType;
use crate::ops::Write;

/// Which elements of an array index arrays mean.
#[derive(Debug)]
pub struct Indices {
    /// int64, contiguous, all of one shape.
    pub arrays: Vec<Place>,
    /// Per array: the axis that it indexes, its size and its stride.
    pub axes: Vec<(usize, usize, isize)>,
    /// Elements of each index array.
    pub count: usize,
    /// The kept axes before and after the place of the indices.
    pub before: Walk,
    pub before_len: usize,
    pub after: Walk,
    pub after_len: usize,
    /// The shape of what is read or written.
    pub shape: Sizes,
}

/// Reads elements into a contiguous array.
#[derive(Debug)]
pub struct Gather {
    pub from: Place,
    pub indices: Indices,
    pub to: Place,
}

/// Writes the elements of a contiguous array.
#[derive(Debug)]
pub struct Scatter {
    pub kind: Write,
    pub values: Place,
    pub indices: Indices,
    pub to: Place,
}

impl Indices {
    /// The byte offset that each index means, in memory of the pool.
    fn offsets(&self, run: &Run<'_>) -> Result<Offsets> {
        let mut offsets = Offsets {
            block: Block::new(self.count * size_of::<isize>()),
            len: self.count,
        };
        let out = offsets.as_mut_slice();
        out.fill(0);
        for (place, &axis) in self.arrays.iter().zip(&self.axes) {
            self.each_offset([place], [axis], run, |i, offset| out[i] += offset)?;
        }
        Ok(offsets)
    }

    /// Calls `visit` with the number of each index and the byte offset that some of the arrays mean by it.
    #[inline(always)]
    fn each_offset<const N: usize>(
        &self,
        places: [&Place; N],
        axes: [(usize, usize, isize); N],
        run: &Run<'_>,
        mut visit: impl FnMut(usize, isize),
    ) -> Result<()> {
        // SAFETY: index arrays are int64, contiguous and aligned, with `count` elements.
        let arrays = places.map(|place| unsafe {
            std::slice::from_raw_parts(run.at(place).cast::<i64>(), self.count)
        });
        for i in 0..self.count {
            let mut offset = 0;
            for (indices, (axis, size, stride)) in arrays.iter().zip(axes) {
                offset += position(indices[i], axis, size)? as isize * stride;
            }
            visit(i, offset);
        }
        Ok(())
    }

    /// Gives `visit` every run of the array, `(byte offset, stride, length)`, in the order of the
    /// contiguous side.
    fn each_run(&self, offsets: &[isize], mut visit: impl FnMut(isize, isize, usize)) {
        if self.before_len == 0 || self.after_len == 0 {
            return;
        }
        self.before.runs(0, self.before_len, |start, stride, n| {
            for i in 0..n as isize {
                for offset in offsets {
                    let at = start + i * stride + offset;
                    self.after.runs(0, self.after_len, |inner, stride, n| {
                        visit(at + inner, stride, n);
                    });
                }
            }
        });
    }
}

#[cold]
#[inline(never)]
fn out_of_bounds(index: i64, axis: usize, size: usize) -> Box<Error> {
    Error::raises(
        Exception::Index,
        format!("index {index} is out of bounds for axis {axis} with size {size}"),
    )
}

/// The position that an index means, from the start.
#[inline(always)]
pub(super) fn position(index: i64, axis: usize, size: usize) -> Result<usize> {
    if (index as u64) < size as u64 {
        return Ok(index as usize);
    }
    let from_end = index.wrapping_add(size as i64);
    if index < 0 && from_end >= 0 {
        Ok(from_end as usize)
    } else {
        Err(out_of_bounds(index, axis, size))
    }
}

/// Byte offsets in memory of the pool.
struct Offsets {
    block: Block,
    len: usize,
}

impl Offsets {
    fn as_mut_slice(&mut self) -> &mut [isize] {
        // SAFETY: the block holds `len` offsets, which are any bytes; it is ours.
        unsafe { std::slice::from_raw_parts_mut(self.block.as_mut_ptr().cast(), self.len) }
    }
}

impl Gather {
    /// # Errors
    /// An index out of range.
    pub fn run(&self, run: &Run<'_>) -> Result<()> {
        let (source, target) = (run.at(&self.from), run.at(&self.to));
        if self.indices.before_len == 1 && self.indices.after_len == 1 {
            // SAFETY: the result has the indices' shape, and there is one element per index.
            return unsafe {
                match self.to.layout.dtype.size() {
                    1 => self.pick::<u8>(run, source, target.cast()),
                    2 => self.pick::<u16>(run, source, target.cast()),
                    4 => self.pick::<u32>(run, source, target.cast()),
                    8 => self.pick::<u64>(run, source, target.cast()),
                    _ => self.pick::<u128>(run, source, target.cast()),
                }
            };
        }
        let mut offsets = self.indices.offsets(run)?;
        // SAFETY: all offsets were checked; the result has the indices' shape.
        unsafe {
            match self.to.layout.dtype.size() {
                1 => self.read::<u8>(offsets.as_mut_slice(), source, target),
                2 => self.read::<u16>(offsets.as_mut_slice(), source, target),
                4 => self.read::<u32>(offsets.as_mut_slice(), source, target),
                8 => self.read::<u64>(offsets.as_mut_slice(), source, target),
                _ => self.read::<u128>(offsets.as_mut_slice(), source, target),
            }
        }
        Ok(())
    }

    /// Single elements, whose places need no memory.
    ///
    /// # Safety
    /// `target` must be valid for all elements.
    unsafe fn pick<T: Copy>(&self, run: &Run<'_>, source: *const u8, target: *mut T) -> Result<()> {
        let read = |i: usize, offset: isize| {
            // SAFETY: the offset was checked, and the target has room for each index.
            unsafe {
                let element = source.offset(offset).cast::<T>().read_unaligned();
                target.add(i).write_unaligned(element);
            }
        };
        // One or two arrays of indices are told at compile time: the loop over arrays is gone.
        match (&self.indices.arrays[..], &self.indices.axes[..]) {
            ([array], [axis]) => self.indices.each_offset([array], [*axis], run, read),
            ([a, b], [i, j]) => self.indices.each_offset([a, b], [*i, *j], run, read),
            _ => {
                let mut offsets = self.indices.offsets(run)?;
                let offsets = offsets.as_mut_slice().iter();
                offsets.enumerate().for_each(|(i, &offset)| read(i, offset));
                Ok(())
            }
        }
    }

    /// # Safety
    /// The offsets must be valid for `source`, and `target` for all elements.
    unsafe fn read<T: Copy>(&self, offsets: &[isize], source: *const u8, mut target: *mut u8) {
        let size = size_of::<T>();
        self.indices.each_run(offsets, |offset, stride, n| {
            // SAFETY: as the caller promises; runs follow each other in the target.
            unsafe {
                let source = source.offset(offset);
                if stride == size as isize {
                    target.copy_from_nonoverlapping(source, n * size);
                } else {
                    for i in 0..n {
                        let element = source.offset(i as isize * stride).cast::<T>();
                        target
                            .cast::<T>()
                            .add(i)
                            .write_unaligned(element.read_unaligned());
                    }
                }
                target = target.add(n * size);
            }
        });
    }
}

impl Scatter {
    /// # Errors
    /// An index out of range.
    pub fn run(&self, run: &Run<'_>) -> Result<()> {
        let mut offsets = self.indices.offsets(run)?;
        // SAFETY: all offsets were checked, and the planner made a value for each element written.
        unsafe {
            for_dtype!(self.to.layout.dtype, T => self.write::<T>(offsets.as_mut_slice(), run));
        }
        Ok(())
    }

    /// # Safety
    /// The offsets must be valid for the target, of elements `T`, and the values as many as needed.
    unsafe fn write<T: Item>(&self, offsets: &[isize], run: &Run<'_>) {
        let (mut values, target) = (run.at(&self.values), run.at(&self.to));
        self.indices.each_run(offsets, |offset, stride, n| {
            // SAFETY: as the caller promises; runs follow each other in the values.
            unsafe {
                for i in 0..n {
                    let out = target.offset(offset + i as isize * stride).cast::<T>();
                    let value = values.cast::<T>().add(i).read_unaligned();
                    out.write_unaligned(match self.kind {
                        Write::Set => value,
                        Write::Add => out.read_unaligned().add(value),
                    });
                }
                values = values.add(n * size_of::<T>());
            }
        });
    }
}

/// `np.argwhere`: the indices of the elements that are not zero, in C order.
pub fn arg_where(view: &View<'_>) -> Value {
    for_dtype!(view.dtype, T => arg_where_of::<T>(view))
}

/// `np.arange` of the one int64 that the view holds.
pub fn arange(view: &View<'_>) -> Value {
    // SAFETY: the view holds an int64.
    let count = unsafe { view.ptr.cast::<i64>().read_unaligned() }.max(0);
    let values: Vec<i64> = (0..count).collect();
    Value::from_slice(&values, &[values.len()])
}

fn arg_where_of<T: Item>(view: &View<'_>) -> Value {
    let is_bytes = T::DTYPE == DType::Bool && view.is_contiguous();
    let flags: Cow<'_, [u8]> = match is_bytes {
        // SAFETY: the view is of as many bools in one piece, which are bytes of 0 or 1.
        true => Cow::Borrowed(unsafe { std::slice::from_raw_parts(view.ptr, view.len()) }),
        false => Cow::Owned(flags_of::<T>(view)),
    };
    let rank = view.shape.len();
    let mut found = Value::zeros(DType::I64, &[count(&flags), rank]);
    let out = found.as_mut_slice::<i64>();
    match view.shape.split_last() {
        None => {}
        Some((_, [])) => {
            let mut out = out.iter_mut();
            each_set(&flags, |at| {
                if let Some(to) = out.next() {
                    *to = at as i64;
                }
            });
        }
        Some((&n, outer)) => {
            let mut out = out.chunks_exact_mut(rank);
            // The indices of the last row in which something was found.
            let (mut row, mut index) = (0, vec![0; rank - 1]);
            each_set(&flags, |at| {
                if at / n != row {
                    row = at / n;
                    let mut rest = row;
                    for (index, size) in index.iter_mut().zip(outer).rev() {
                        *index = (rest % size) as i64;
                        rest /= size;
                    }
                }
                if let Some((last, others)) = out.next().and_then(|to| to.split_last_mut()) {
                    *last = (at % n) as i64;
                    others.copy_from_slice(&index);
                }
            });
        }
    }
    found
}

/// Whether each element is not zero, as bytes of 0 or 1 in C order.
fn flags_of<T: Item>(view: &View<'_>) -> Vec<u8> {
    let mut flags = Vec::with_capacity(view.len());
    let layout = Layout {
        dtype: view.dtype,
        shape: view.shape.clone(),
        strides: view.strides.clone(),
        offset: 0,
    };
    Walk::new(&layout).runs(0, view.len(), |offset, stride, n| {
        for i in 0..n as isize {
            // SAFETY: the walk stays within the view, which is of elements `T`.
            let element = unsafe { view.ptr.offset(offset + i * stride).cast::<T>() };
            // SAFETY: as above.
            flags.push(u8::from(unsafe { element.read_unaligned() }.is_nonzero()));
        }
    });
    flags
}

/// How many of the flags, which are bytes of 0 or 1, are set.
fn count(flags: &[u8]) -> usize {
    // As many as a byte can count.
    let sums = flags.chunks(255).map(|part| part.iter().sum::<u8>());
    sums.map(usize::from).sum()
}

/// Calls `visit` with the position of each flag that is set.
#[inline(always)]
fn each_set(flags: &[u8], mut visit: impl FnMut(usize)) {
    let (words, rest) = flags.as_chunks::<8>();
    for (k, word) in words.iter().enumerate() {
        let mut left = u64::from_le_bytes(*word);
        while left != 0 {
            visit(8 * k + left.trailing_zeros() as usize / 8);
            left &= left - 1;
        }
    }
    for (i, &flag) in rest.iter().enumerate() {
        if flag != 0 {
            visit(8 * words.len() + i);
        }
    }
}
