//! Descriptors of arrays, and the views that are nothing but other descriptors.
//!
//! In: a descriptor, numbers and ranges. Out: where the elements of the view are: `a[i, :j]` starts
//! `i` rows further on, and has one axis of `j` elements.

use super::code::{Index, Number, Part};
use super::compile::RANK;
use crate::error::{Error, Result};
use crate::eval::index::position;
use crate::eval::layout::{Layout, alignment};
use crate::eval::value::Value;
use crate::graph::DType;

/// A descriptor.
#[derive(Clone, Copy)]
pub struct Array {
    pub start: *mut u8,
    pub sizes: [usize; RANK],
    pub strides: [isize; RANK],
    pub rank: usize,
    pub dtype: DType,
}

impl Array {
    pub fn new(start: *mut u8, layout: &Layout) -> Array {
        let mut array = Array {
            start,
            sizes: [1; RANK],
            strides: [0; RANK],
            rank: layout.shape.len(),
            dtype: layout.dtype,
        };
        array.sizes[..array.rank].copy_from_slice(&layout.shape);
        array.strides[..array.rank].copy_from_slice(&layout.strides);
        array
    }

    pub fn of_value(value: &Value) -> Array {
        let layout = Layout::contiguous(value.dtype, &value.shape);
        Array::new(value.as_ptr().cast_mut(), &layout)
    }

    pub fn shape(&self) -> &[usize] {
        &self.sizes[..self.rank]
    }

    /// The layout relative to the first element.
    pub fn layout(&self) -> Layout {
        Layout {
            dtype: self.dtype,
            shape: self.shape().into(),
            strides: self.strides[..self.rank].into(),
            offset: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.shape().iter().product()
    }

    pub(super) fn is_contiguous(&self) -> bool {
        let mut step = self.dtype.size() as isize;
        for axis in (0..self.rank).rev() {
            if self.sizes[axis] != 1 && self.strides[axis] != step {
                return self.sizes[..self.rank].contains(&0);
            }
            step *= self.sizes[axis] as isize;
        }
        (self.start as usize).is_multiple_of(alignment(self.dtype))
    }

    /// Whether elements may be read by their type: aligned, and at strides of whole elements.
    pub(super) fn is_typed(&self) -> bool {
        let size = self.dtype.size() as isize;
        (self.start as usize).is_multiple_of(alignment(self.dtype))
            && self.strides[..self.rank].iter().all(|s| s % size == 0)
    }

    pub(super) fn contiguous(start: *mut u8, dtype: DType, shape: &[usize]) -> Array {
        let mut array = Array {
            start,
            sizes: [1; RANK],
            strides: [0; RANK],
            rank: shape.len(),
            dtype,
        };
        let mut step = dtype.size() as isize;
        for (axis, &size) in shape.iter().enumerate().rev() {
            array.sizes[axis] = size;
            array.strides[axis] = step;
            step *= size as isize;
        }
        array
    }

    /// The axes in another order.
    pub(super) fn transposed(&self, axes: &[usize]) -> Array {
        let mut out = *self;
        for (to, &from) in axes.iter().enumerate() {
            out.sizes[to] = self.sizes[from];
            out.strides[to] = self.strides[from];
        }
        out
    }

    pub(super) fn broadcast(&self, shape: &[usize]) -> Result<Array> {
        let new = shape.len().checked_sub(self.rank);
        let new = new.ok_or_else(|| no_room(self.shape(), shape))?;
        let mut out = Array {
            rank: shape.len(),
            strides: [0; RANK],
            ..*self
        };
        out.sizes[..shape.len()].copy_from_slice(shape);
        for axis in 0..self.rank {
            if self.sizes[axis] == shape[new + axis] {
                out.strides[new + axis] = self.strides[axis];
            } else if self.sizes[axis] != 1 {
                return Err(no_room(self.shape(), shape));
            }
        }
        Ok(out)
    }
}

#[cold]
pub fn no_room(from: &[usize], to: &[usize]) -> Box<Error> {
    Error::value(format!(
        "could not broadcast input array from shape {from:?} into shape {to:?}"
    ))
}

/// A view by numbers and ranges, of which the axis of the range is moved to place `at`.
///
/// # Errors
/// A position that is not within its axis.
#[inline(always)]
pub fn view(
    to: &mut Array,
    from: &Array,
    indices: &[Index],
    at: usize,
    number: impl Fn(&Number) -> i64,
) -> Result<()> {
    let (mut start, mut rank, mut moved) = (from.start, 0, at);
    let whole = from.rank - indices.len().min(from.rank);
    let rest = std::iter::repeat_n(&Index::Whole, whole);
    for (axis, index) in indices.iter().chain(rest).enumerate() {
        let (mut size, mut stride) = (from.sizes[axis], from.strides[axis]);
        match index {
            Index::Whole => {}
            Index::At(register) => {
                let at = position(number(&Number::Register(*register)), axis, size)?;
                start = start.wrapping_offset(at as isize * stride);
                continue;
            }
            Index::Range(part) => {
                let range = Range::of(part, &number).within(size);
                start = start.wrapping_offset(range.first(axis, size)? * stride);
                (size, stride) = (range.size(), stride * range.step as isize);
                moved = rank;
            }
            Index::Array(_) => return Err(Error::internal("an index array is no view")),
        }
        (to.sizes[rank], to.strides[rank]) = (size, stride);
        rank += 1;
    }
    (to.start, to.rank, to.dtype) = (start, rank, from.dtype);
    match moved < at {
        true => {
            to.sizes[moved..=at].rotate_left(1);
            to.strides[moved..=at].rotate_left(1);
        }
        false => {
            to.sizes[at..=moved].rotate_right(1);
            to.strides[at..=moved].rotate_right(1);
        }
    }
    Ok(())
}

/// A view by a range along each of the first axes.
///
/// # Errors
/// A range over the end of its axis.
#[inline(always)]
pub fn slice(
    to: &mut Array,
    from: &Array,
    parts: &[Part],
    number: impl Fn(&Number) -> i64,
) -> Result<()> {
    (to.start, to.rank, to.dtype) = (from.start, from.rank, from.dtype);
    for axis in 0..from.rank {
        let (mut size, mut stride) = (from.sizes[axis], from.strides[axis]);
        if let Some(part) = parts.get(axis) {
            let range = Range::of(part, &number);
            to.start = to.start.wrapping_offset(range.first(axis, size)? * stride);
            (size, stride) = (range.size(), stride * range.step as isize);
        }
        (to.sizes[axis], to.strides[axis]) = (size, stride);
    }
    Ok(())
}

/// A [`Part`] whose numbers are known.
#[derive(Clone, Copy)]
struct Range {
    start: i64,
    count: i64,
    step: i64,
}

impl Range {
    #[inline(always)]
    fn of(part: &Part, number: &impl Fn(&Number) -> i64) -> Range {
        Range {
            start: number(&part.start),
            count: number(&part.size),
            step: number(&part.step),
        }
    }

    /// As positions of an index array, which may count from the end.
    #[inline(always)]
    fn within(mut self, whole: usize) -> Range {
        if self.start < 0 && self.count > 0 {
            let further = self.count.saturating_sub(1).saturating_mul(self.step);
            if self.start.saturating_add(further) < 0 {
                self.start += whole as i64;
            }
        }
        self
    }

    #[inline(always)]
    fn size(&self) -> usize {
        self.count.max(0) as usize
    }

    /// The first position, if all lie within an axis; any, if there is none.
    #[inline(always)]
    fn first(&self, axis: usize, whole: usize) -> Result<isize> {
        if self.count <= 0 {
            return Ok(0);
        }
        let within = |i: i64| (i as u64) < whole as u64;
        let further = (self.count - 1).checked_mul(self.step);
        let last = further.and_then(|n| n.checked_add(self.start));
        if within(self.start) && last.is_some_and(within) {
            return Ok(self.start as isize);
        }
        Err(self.outside(axis, whole, last.unwrap_or(i64::MAX)))
    }

    #[cold]
    fn outside(&self, axis: usize, whole: usize, last: i64) -> Box<Error> {
        let ends = [self.start, last].map(|end| position(end, axis, whole).err());
        let error = ends.into_iter().flatten().next();
        error.unwrap_or_else(|| Error::internal("a range over the end of an axis"))
    }
}
