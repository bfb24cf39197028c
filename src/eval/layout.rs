//! Where the elements of an array lie in memory, and moving them.
//!
//! In: a layout and a change of it (a transpose, a slice). Out: a layout of the same memory, or a copy.
//! The transpose of a C-contiguous `(2, 3)` float64 has strides `(8, 24)` and no element has moved.
//! Source: NumPy's `_attempt_nocopy_reshape` for when a reshape is a view.

use smallvec::SmallVec;

use super::value::{Sizes, Strides, contiguous};
use crate::graph::DType;

/// Shape, byte strides and byte offset of an array in some memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    pub dtype: DType,
    pub shape: Sizes,
    pub strides: Strides,
    pub offset: isize,
}

/// A range along an axis, with known numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    pub start: isize,
    pub size: usize,
    pub step: isize,
}

impl Layout {
    pub fn contiguous(dtype: DType, shape: &[usize]) -> Layout {
        Layout {
            dtype,
            shape: shape.into(),
            strides: contiguous(shape, dtype),
            offset: 0,
        }
    }

    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the elements lie in C order without gaps. Strides of axes of size 1 do not matter.
    pub fn is_contiguous(&self) -> bool {
        let mut step = self.dtype.size() as isize;
        for (&size, &stride) in self.shape.iter().zip(&self.strides).rev() {
            if size == 0 {
                return true;
            }
            if size != 1 {
                if stride != step {
                    return false;
                }
                step *= size as isize;
            }
        }
        true
    }

    /// Whether every element is aligned, given that the memory's start is.
    pub fn is_aligned(&self) -> bool {
        let align = alignment(self.dtype) as isize;
        let steps = self.shape.iter().zip(&self.strides);
        self.offset % align == 0 && steps.into_iter().all(|(&n, s)| n <= 1 || s % align == 0)
    }

    pub fn transpose(&self, perm: &[usize]) -> Layout {
        Layout {
            shape: perm.iter().map(|&p| self.shape[p]).collect(),
            strides: perm.iter().map(|&p| self.strides[p]).collect(),
            ..*self
        }
    }

    pub fn slice(&self, spans: &[Span]) -> Layout {
        let mut out = self.clone();
        for (axis, span) in spans.iter().enumerate() {
            // An empty axis has no first element; its offset could leave the memory.
            if span.size > 0 {
                out.offset += span.start * self.strides[axis];
            }
            out.shape[axis] = span.size;
            out.strides[axis] = span.step * self.strides[axis];
        }
        out
    }

    /// `np.broadcast_to`, if this shape broadcasts to the other.
    pub fn broadcast(&self, shape: &[usize]) -> Option<Layout> {
        let new = shape.len().checked_sub(self.shape.len())?;
        let mut strides: Strides = SmallVec::from_elem(0, shape.len());
        for (axis, (&size, &stride)) in self.shape.iter().zip(&self.strides).enumerate() {
            if size == shape[new + axis] {
                strides[new + axis] = stride;
            } else if size != 1 {
                return None;
            }
        }
        Some(Layout {
            shape: shape.into(),
            strides,
            ..*self
        })
    }

    /// The same elements in C order under another shape, if no element has to move.
    pub fn reshape(&self, shape: &[usize]) -> Option<Layout> {
        if self.is_contiguous() {
            return Some(Layout {
                offset: self.offset,
                ..Layout::contiguous(self.dtype, shape)
            });
        }
        let (old_shape, old_strides) = merge_axes(&self.shape, &self.strides);
        let mut strides: Strides = SmallVec::from_elem(0, shape.len());
        // Each merged axis must be exactly a run of new axes, counted from the last.
        let mut axis = shape.len();
        for (&size, &stride) in old_shape.iter().zip(&old_strides).rev() {
            let (mut covered, mut step) = (1, stride);
            while covered < size {
                axis = axis.checked_sub(1)?;
                strides[axis] = step;
                step *= shape[axis] as isize;
                covered *= shape[axis];
            }
            if covered != size {
                return None;
            }
        }
        Some(Layout {
            shape: shape.into(),
            strides,
            ..*self
        })
    }
}

/// What the Rust type of the dtype must be aligned to.
pub fn alignment(dtype: DType) -> usize {
    match dtype {
        DType::Bool | DType::I8 | DType::U8 => 1,
        DType::I16 | DType::U16 => 2,
        DType::I32 | DType::U32 | DType::F32 | DType::C64 => 4,
        DType::I64 | DType::U64 | DType::F64 | DType::C128 => 8,
    }
}

/// The same walk over memory with as few axes as possible: no axes of size 1, and neighbours that
/// are one run of memory become one axis.
pub fn merge_axes(shape: &[usize], strides: &[isize]) -> (Sizes, Strides) {
    let (sizes, [strides]) = merge_axes_together(shape, [strides]);
    (sizes, strides)
}

/// As [`merge_axes`] for arrays that are walked together.
fn merge_axes_together<const N: usize>(
    shape: &[usize],
    strides: [&[isize]; N],
) -> (Sizes, [Strides; N]) {
    let mut sizes = Sizes::new();
    let mut merged: [Strides; N] = std::array::from_fn(|_| Strides::new());
    for (axis, &size) in shape.iter().enumerate() {
        if size == 1 {
            continue;
        }
        let is_run =
            |(outer, own): (&Strides, &[isize])| outer.last() == Some(&(own[axis] * size as isize));
        match sizes.last_mut() {
            Some(n) if merged.iter().zip(strides).all(is_run) => {
                *n *= size;
                for outer in &mut merged {
                    outer.pop();
                }
            }
            _ => sizes.push(size),
        }
        for (outer, own) in merged.iter_mut().zip(strides) {
            outer.push(own[axis]);
        }
    }
    (sizes, merged)
}

/// Copies elements between two layouts of the same shape and dtype. Neither need be aligned.
///
/// # Safety
/// Every element of `from` must be readable relative to `source`, every one of `to` writable
/// relative to `target`, and the two must not overlap.
pub unsafe fn copy(source: *const u8, from: &Layout, target: *mut u8, to: &Layout) {
    debug_assert_eq!(from.shape, to.shape);
    debug_assert_eq!(from.dtype, to.dtype);
    if from.is_empty() {
        return;
    }
    let (shape, [a, b]) = merge_axes_together(&from.shape, [&from.strides, &to.strides]);
    // SAFETY: the caller's promise covers every element; merged axes reach the same ones.
    unsafe {
        let (source, target) = (source.offset(from.offset), target.offset(to.offset));
        match from.dtype.size() {
            1 => copy_axes::<u8>(source, target, &shape, &a, &b),
            2 => copy_axes::<u16>(source, target, &shape, &a, &b),
            4 => copy_axes::<u32>(source, target, &shape, &a, &b),
            8 => copy_axes::<u64>(source, target, &shape, &a, &b),
            _ => copy_axes::<u128>(source, target, &shape, &a, &b),
        }
    }
}

/// Sides of the tiles in which transposed matrices are copied: 32 lines of cache for each side.
const TILE: usize = 32;

/// # Safety
/// As for [`copy`], with strides in bytes from the two starts.
unsafe fn copy_axes<T: Copy>(
    source: *const u8,
    target: *mut u8,
    shape: &[usize],
    a: &[isize],
    b: &[isize],
) {
    // SAFETY: each recursion stays within the elements that the caller vouches for.
    unsafe {
        match shape {
            [] => copy_run::<T>(source, 0, target, 0, 1),
            [n] => copy_run::<T>(source, a[0], target, b[0], *n),
            [n, m] if a[0].abs() < a[1].abs() => {
                for i in (0..*n).step_by(TILE) {
                    for j in (0..*m).step_by(TILE) {
                        let width = TILE.min(m - j);
                        for k in i..(i + TILE).min(*n) {
                            copy_run::<T>(
                                source.offset(k as isize * a[0] + j as isize * a[1]),
                                a[1],
                                target.offset(k as isize * b[0] + j as isize * b[1]),
                                b[1],
                                width,
                            );
                        }
                    }
                }
            }
            [n, rest @ ..] => {
                for i in 0..*n as isize {
                    copy_axes::<T>(
                        source.offset(i * a[0]),
                        target.offset(i * b[0]),
                        rest,
                        &a[1..],
                        &b[1..],
                    );
                }
            }
        }
    }
}

/// # Safety
/// As for [`copy`], for `n` elements along one axis.
unsafe fn copy_run<T: Copy>(source: *const u8, a: isize, target: *mut u8, b: isize, n: usize) {
    let size = size_of::<T>() as isize;
    // SAFETY: the caller vouches for `n` elements at these strides; unaligned access is allowed for.
    unsafe {
        if a == size && b == size {
            target.copy_from_nonoverlapping(source, n * size_of::<T>());
            return;
        }
        for i in 0..n as isize {
            let element = source.offset(i * a).cast::<T>().read_unaligned();
            target.offset(i * b).cast::<T>().write_unaligned(element);
        }
    }
}

/// Writes one element `n` times, contiguously.
///
/// # Safety
/// `source` must be readable for an element, `target` writable for `n`.
pub unsafe fn fill(source: *const u8, target: *mut u8, n: usize, dtype: DType) {
    // SAFETY: a stride of 0 reads the one element again and again.
    unsafe { copy_row(source, 0, target, dtype.size() as isize, n, dtype) }
}

/// Copies `n` elements between memories of the strides `from` and `to`.
///
/// # Safety
/// `source` must be readable and `target` writable for the elements; they must not overlap.
pub unsafe fn copy_row(
    source: *const u8,
    from: isize,
    target: *mut u8,
    to: isize,
    n: usize,
    dtype: DType,
) {
    // SAFETY: as the caller promises.
    unsafe {
        match dtype.size() {
            1 => copy_run::<u8>(source, from, target, to, n),
            2 => copy_run::<u16>(source, from, target, to, n),
            4 => copy_run::<u32>(source, from, target, to, n),
            8 => copy_run::<u64>(source, from, target, to, n),
            _ => copy_run::<u128>(source, from, target, to, n),
        }
    }
}

/// A walk over the rows (last axes) of a strided array from any element on.
#[derive(Clone, Debug)]
pub struct Walk {
    pub shape: Sizes,
    pub strides: Strides,
    pub offset: isize,
    pub dtype: DType,
}

impl Walk {
    pub fn new(layout: &Layout) -> Walk {
        let (shape, strides) = merge_axes(&layout.shape, &layout.strides);
        Walk {
            shape,
            strides,
            offset: layout.offset,
            dtype: layout.dtype,
        }
    }

    /// Gives `visit` the runs `(byte offset, stride, length)` that make up the elements
    /// `start..start + len` in C order.
    pub fn runs(&self, start: usize, len: usize, mut visit: impl FnMut(isize, isize, usize)) {
        let Some((&row, &stride)) = self.shape.last().zip(self.strides.last()) else {
            return visit(self.offset, 0, len);
        };
        let outer = self.shape.len() - 1;
        let mut at: Sizes = SmallVec::from_elem(0, outer);
        let (mut rest, column) = (start / row, start % row);
        let mut offset = self.offset;
        for axis in (0..outer).rev() {
            at[axis] = rest % self.shape[axis];
            rest /= self.shape[axis];
            offset += at[axis] as isize * self.strides[axis];
        }
        let (mut done, mut column) = (0, column);
        loop {
            let n = (row - column).min(len - done);
            visit(offset + column as isize * stride, stride, n);
            done += n;
            if done == len {
                return;
            }
            column = 0;
            for axis in (0..outer).rev() {
                at[axis] += 1;
                offset += self.strides[axis];
                if at[axis] < self.shape[axis] {
                    break;
                }
                offset -= at[axis] as isize * self.strides[axis];
                at[axis] = 0;
            }
        }
    }

    /// Copies the elements `start..start + len` in C order to `target`.
    ///
    /// # Safety
    /// The elements must be readable relative to `source`, and `target` writable for `len`.
    pub unsafe fn pack(&self, source: *const u8, start: usize, len: usize, target: *mut u8) {
        // SAFETY: as the caller promises; runs visit exactly these elements in order.
        unsafe {
            match self.dtype.size() {
                1 => self.pack_as::<u8>(source, start, len, target),
                2 => self.pack_as::<u16>(source, start, len, target),
                4 => self.pack_as::<u32>(source, start, len, target),
                8 => self.pack_as::<u64>(source, start, len, target),
                _ => self.pack_as::<u128>(source, start, len, target),
            }
        }
    }

    /// # Safety
    /// As for [`Walk::pack`].
    unsafe fn pack_as<T: Copy>(
        &self,
        source: *const u8,
        start: usize,
        len: usize,
        mut target: *mut u8,
    ) {
        let size = size_of::<T>();
        self.runs(start, len, |offset, stride, n| {
            // SAFETY: as the caller promises.
            unsafe {
                copy_run::<T>(source.offset(offset), stride, target, size as isize, n);
                target = target.add(n * size);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transposed_matrix_reshapes_only_by_copying() {
        let matrix = Layout::contiguous(DType::F64, &[2, 3]);
        assert_eq!(matrix.transpose(&[1, 0]).reshape(&[6]), None);
        let split = matrix.transpose(&[1, 0]).reshape(&[3, 2, 1]);
        assert_eq!(split.map(|l| l.strides[..2].to_vec()), Some(vec![8, 24]));
    }

    #[test]
    fn walks_start_anywhere() {
        let values: Vec<u8> = (0..24).collect();
        let layout = Layout::contiguous(DType::U8, &[2, 3, 4]).transpose(&[2, 0, 1]);
        let mut whole = vec![0u8; 24];
        let target = Layout::contiguous(DType::U8, &[4, 2, 3]);
        // SAFETY: both hold 24 bytes.
        unsafe { copy(values.as_ptr(), &layout, whole.as_mut_ptr(), &target) };
        for start in 0..24 {
            for len in 1..24 - start {
                let mut part = vec![0u8; len];
                // SAFETY: the part lies within the 24 elements.
                unsafe { Walk::new(&layout).pack(values.as_ptr(), start, len, part.as_mut_ptr()) };
                assert_eq!(part, whole[start..start + len]);
            }
        }
    }
}
