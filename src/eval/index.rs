//! Reading and writing at places given by index arrays.
//!
//! In: an array and index arrays. Out: the elements there ([`Gather`]), the array with elements
//! written there ([`Scatter`]), or where elements are not zero ([`arg_where`]).
//! `x[[2, 0]]` of a matrix gathers two rows: one offset per index, one run of memory per row.
//! Source: NumPy's advanced indexing.

use super::buffers::Block;
use super::element::{Item, for_dtype};
use super::layout::Walk;
use super::plan::{Place, Run};
use super::value::{Sizes, Value, View};
use crate::error::{Error, Exception, Result};
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
        for (place, &(axis, size, stride)) in self.arrays.iter().zip(&self.axes) {
            // SAFETY: index arrays are int64, contiguous and aligned, with `count` elements.
            let indices =
                unsafe { std::slice::from_raw_parts(run.at(place).cast::<i64>(), self.count) };
            for (&index, out) in indices.iter().zip(out.iter_mut()) {
                let from_start = if index < 0 {
                    index + size as i64
                } else {
                    index
                };
                if from_start < 0 || from_start >= size as i64 {
                    return Err(Error::raises(
                        Exception::Index,
                        format!("index {index} is out of bounds for axis {axis} with size {size}"),
                    ));
                }
                *out += from_start as isize * stride;
            }
        }
        Ok(offsets)
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
        let mut offsets = self.indices.offsets(run)?;
        let (source, target) = (run.at(&self.from), run.at(&self.to));
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

    /// # Safety
    /// The offsets must be valid for `source`, and `target` for all elements.
    unsafe fn read<T: Copy>(&self, offsets: &[isize], source: *const u8, mut target: *mut u8) {
        if self.indices.before_len == 1 && self.indices.after_len == 1 {
            for (i, &offset) in offsets.iter().enumerate() {
                // SAFETY: as the caller promises.
                unsafe {
                    let element = source.offset(offset).cast::<T>().read_unaligned();
                    target.cast::<T>().add(i).write_unaligned(element);
                }
            }
            return;
        }
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
    let Some((&n, outer)) = view.shape.split_last() else {
        // SAFETY: the view holds one element.
        let element = unsafe { view.ptr.cast::<T>().read_unaligned() };
        return Value::from_slice::<i64>(&[], &[usize::from(element.is_nonzero()), 0]);
    };
    let (rank, rows) = (view.shape.len(), outer.iter().product::<usize>());
    let (mut found, mut count): (Vec<i64>, usize) = (vec![], 0);
    let mut index = vec![0i64; rank];
    for _ in 0..rows {
        let steps = index[..rank - 1].iter().zip(&view.strides);
        let offset: isize = steps.map(|(&i, &s)| i as isize * s).sum();
        // SAFETY: the index is that of a row of the view.
        let row = unsafe { view.ptr.offset(offset) };
        // Every position is written where the next one found belongs, which saves asking.
        found.resize((count + n + 1) * rank, 0);
        for j in 0..n {
            let to = &mut found[count * rank..][..rank];
            if rank > 1 {
                to.copy_from_slice(&index);
            }
            to[rank - 1] = j as i64;
            // SAFETY: the position is within the row, and the view is of elements `T`.
            let element = unsafe {
                let at = row.offset(j as isize * view.strides[rank - 1]);
                at.cast::<T>().read_unaligned()
            };
            count += usize::from(element.is_nonzero());
        }
        for axis in (0..rank - 1).rev() {
            index[axis] += 1;
            if (index[axis] as usize) < view.shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    Value::from_slice(&found[..count * rank], &[count, rank])
}
