//! Products of matrices, by batches.
//!
//! In: `(batch, m, k)` and `(batch, k, n)`, strided. Out: `(batch, m, n)`, contiguous.
//! `einsum("ij,kj->ik", a, b)` is one product whose right side is read as a transpose: no copy.
//! Large products are NumPy's own, by the BLAS that it carries, where a host has it and the sides lie in
//! memory as BLAS reads them.
//! Source: the crate `gemm` for blocked products; BLIS (Van Zee and van de Geijn, 2015) for the method.

use std::array::from_fn;

use gemm::Parallelism;

use super::buffers::Block;
use super::element::{Item, for_dtype};
use super::kernels::cpu::vectorized;
use super::native::{self, Batch, Native};
use super::plan::{Place, Run};
use super::threads;
use crate::graph::DType;

/// A product whose sides are laid out as three axes, aligned, strides in whole elements.
#[derive(Debug)]
pub struct Contract {
    pub left: Place,
    pub right: Place,
    pub to: Place,
}

/// A matrix in memory; strides in elements.
#[derive(Clone, Copy)]
struct Matrix<T> {
    start: *const T,
    row: isize,
    column: isize,
}

impl<T: Item> Matrix<T> {
    /// # Safety
    /// The element must exist.
    unsafe fn at(&self, row: usize, column: usize) -> *const T {
        // SAFETY: as the caller promises.
        unsafe {
            self.start
                .offset(row as isize * self.row + column as isize * self.column)
        }
    }

    /// An axis of one element may have any stride: here one that says that elements do not overlap.
    fn settled(self, rows: usize, columns: usize) -> Matrix<T> {
        match (rows, columns) {
            (_, 1) => Matrix { column: 1, ..self },
            (1, _) => Matrix {
                row: columns as isize * self.column,
                ..self
            },
            _ => self,
        }
    }

    fn transposed(self) -> Matrix<T> {
        Matrix {
            start: self.start,
            row: self.column,
            column: self.row,
        }
    }
}

/// Rows or columns of a large result that a task computes; fixed, so that results do not depend on
/// the number of threads.
const PART: usize = 256;
/// Results that are few enough to be kept once per task, and how many terms of theirs a task adds up at
/// least, in at most so many tasks; fixed as well.
const FEW: usize = 64 * 64;
const LONG: usize = 4096;
const TASKS: usize = 64;
/// Products of fewer multiplications are done by plain loops.
const SMALL: usize = 8 * 8 * 8;
/// Products of at least so many multiplications are left to BLAS.
const BLAS: usize = 16 * 16 * 16;
/// Work below which waking another thread does not pay.
const PARALLEL_NS: f64 = 60_000.0;

impl Contract {
    fn sizes(&self) -> [usize; 4] {
        let [batch, m, k] = self.left.layout.shape[..] else {
            return [0; 4];
        };
        [batch, m, k, self.right.layout.shape[2]]
    }

    /// Estimated nanoseconds.
    pub fn cost(&self) -> f64 {
        let [batch, m, k, n] = self.sizes().map(|n| n as f64);
        let each = match self.to.layout.dtype {
            DType::F32 => 0.03,
            DType::F64 | DType::C64 => 0.06,
            _ => 0.5,
        };
        // A vector is read once and used once: memory is what it costs.
        batch * m * k * n * if m == 1.0 || n == 1.0 { 0.3 } else { each }
    }

    pub fn run(&self, run: &Run<'_>) {
        for_dtype!(self.to.layout.dtype, T => self.run_as::<T>(run));
    }

    fn run_as<T: Item>(&self, run: &Run<'_>) {
        let [batch, m, k, n] = self.sizes();
        let sides = self.sides::<T>(run);
        if sides.are_for_blas([m, k, n])
            && let Some(matmul) = native::find("matmul", self.to.layout.dtype)
        {
            // SAFETY: places are valid for their layouts.
            unsafe { sides.by_blas(matmul, batch, [m, k, n]) };
            return;
        }
        let threads = if self.cost() > PARALLEL_NS {
            threads::get()
        } else {
            1
        };
        if batch == 1 && m * n <= FEW && k >= 2 * LONG {
            return sides.long_sums([m, k, n], threads);
        }
        let parts = m.max(n).div_ceil(PART);
        threads::run(batch * parts, threads, &|claims| {
            for task in claims {
                let (item, part) = (task / parts, task % parts * PART);
                // SAFETY: places are valid for their layouts, and tasks write disjoint parts.
                unsafe {
                    let (mut left, mut right, mut out) = sides.item(item, m * n);
                    let mut sizes = [m, k, n];
                    if m >= n {
                        left.start = left.at(part, 0);
                        out = out.add(part * n);
                        sizes[0] = PART.min(m - part);
                    } else {
                        right.start = right.at(0, part);
                        out = out.add(part);
                        sizes[2] = PART.min(n - part);
                    }
                    product(left, right, out, n, sizes);
                }
            }
        });
    }

    fn sides<T: Item>(&self, run: &Run<'_>) -> Sides<T> {
        let matrix = |place: &Place| {
            let step = |axis: usize| place.layout.strides[axis] / size_of::<T>() as isize;
            let start = run.at(place).cast::<T>().cast_const();
            let (row, column) = (step(1), step(2));
            (Matrix { start, row, column }, step(0))
        };
        let ((left, left_step), (right, right_step)) = (matrix(&self.left), matrix(&self.right));
        Sides {
            left,
            right,
            steps: [left_step, right_step],
            out: run.at(&self.to).cast(),
        }
    }
}

/// The three memories of a product, for its tasks.
struct Sides<T> {
    left: Matrix<T>,
    right: Matrix<T>,
    /// Elements between the items of a batch.
    steps: [isize; 2],
    out: *mut T,
}

// SAFETY: tasks read two of the memories and write disjoint parts of the third.
unsafe impl<T> Sync for Sides<T> {}

impl<T: Item> Sides<T> {
    /// Whether BLAS is worth while, and reads both sides as they are: rows or columns of neighbours, one
    /// after the other.
    fn are_for_blas(&self, [m, k, n]: [usize; 3]) -> bool {
        // A vector may have any positive stride.
        let suits = |matrix: Matrix<T>, rows: usize, columns: usize| {
            let line = |near: isize, far: isize, width: usize| near == 1 && far >= width as isize;
            line(matrix.column, matrix.row, columns) || line(matrix.row, matrix.column, rows)
        };
        let left = if m == 1 {
            self.left.column > 0
        } else {
            suits(self.left, m, k)
        };
        let right = if n == 1 {
            self.right.row > 0
        } else {
            suits(self.right, k, n)
        };
        m * k * n >= BLAS && left && right
    }

    /// All products of the batch.
    ///
    /// # Safety
    /// The memories must be valid for the sizes, and the loop one for `T`.
    unsafe fn by_blas(&self, matmul: Native, batch: usize, [m, k, n]: [usize; 3]) {
        let size = size_of::<T>() as isize;
        let side = |matrix: Matrix<T>, step: isize| Batch {
            start: matrix.start.cast::<u8>().cast_mut(),
            step: step * size,
            strides: [matrix.row * size, matrix.column * size]
                .into_iter()
                .collect(),
        };
        let batches = [
            side(self.left.settled(m, k), self.steps[0]),
            side(self.right.settled(k, n), self.steps[1]),
            Batch::contiguous(self.out.cast(), size as usize, &[m, n]),
        ];
        // SAFETY: as the caller promises. That a product is not a number is no failure.
        unsafe { native::call(matmul, batch, &[m, k, n], &batches) };
    }

    /// One product of a batch, with results of `size` elements.
    ///
    /// # Safety
    /// There must be such an item.
    unsafe fn item(&self, item: usize, size: usize) -> (Matrix<T>, Matrix<T>, *mut T) {
        let moved = |matrix: Matrix<T>, step: isize| Matrix {
            // SAFETY: as the caller promises.
            start: unsafe { matrix.start.offset(item as isize * step) },
            ..matrix
        };
        let (left, right) = (
            moved(self.left, self.steps[0]),
            moved(self.right, self.steps[1]),
        );
        // SAFETY: as the caller promises.
        (left, right, unsafe { self.out.add(item * size) })
    }

    /// A product of few elements that are long sums: each task adds up a part of all of them, and the
    /// parts are added in pairs.
    fn long_sums(&self, [m, k, n]: [usize; 3], threads: usize) {
        let long = LONG.max(k.div_ceil(TASKS));
        let (parts, size) = (k.div_ceil(long), m * n);
        let mut block = Block::new(parts * size * size_of::<T>());
        let partial = Partial(block.as_mut_ptr().cast::<T>());
        threads::run(parts, threads, &|claims| {
            let partial = &partial;
            for part in claims {
                let first = part * long;
                // SAFETY: the part is within the sums, and its results are its own.
                unsafe {
                    let (mut left, mut right) = (self.left, self.right);
                    left.start = left.at(0, first);
                    right.start = right.at(first, 0);
                    let out = partial.0.add(part * size);
                    product(left, right, out, n, [m, long.min(k - first), n]);
                }
            }
        });
        // SAFETY: the block holds `size` results of each part, all written; so does the output of one.
        unsafe {
            let sums = std::slice::from_raw_parts_mut(partial.0, parts * size);
            let mut width = 1;
            while width < parts {
                for at in (0..parts - width).step_by(2 * width) {
                    let (into, from) = sums[at * size..].split_at_mut(width * size);
                    for (a, &b) in into.iter_mut().zip(&from[..size]) {
                        *a = a.add(b);
                    }
                }
                width *= 2;
            }
            self.out.copy_from_nonoverlapping(partial.0, size);
        }
    }
}

/// Memory for partial results, of which each task writes its own.
struct Partial<T>(*mut T);

// SAFETY: as above.
unsafe impl<T> Sync for Partial<T> {}

/// `out = left @ right`, rows of `out` being `stride` elements apart.
///
/// # Safety
/// All must be valid for `sizes`, which are `m, k, n`; `out` must not overlap the others.
unsafe fn product<T: Item>(
    left: Matrix<T>,
    right: Matrix<T>,
    out: *mut T,
    stride: usize,
    [m, k, n]: [usize; 3],
) {
    // SAFETY: as the caller promises; zero strides and sizes reach no other elements.
    unsafe {
        if k == 0 {
            for i in 0..m {
                std::slice::from_raw_parts_mut(out.add(i * stride), n).fill(T::ZERO);
            }
        } else if n == 1 {
            vector(left, right.start, right.row, out, stride, [m, k]);
        } else if m == 1 {
            vector(right.transposed(), left.start, left.column, out, 1, [n, k]);
        } else if m * k * n > SMALL && blocked(left, right, out, stride, [m, k, n]) {
        } else {
            plain(left, right, out, stride, [m, k, n]);
        }
    }
}

/// By the crate `gemm`, if it has the dtype.
///
/// # Safety
/// As for [`product`].
unsafe fn blocked<T: Item>(
    left: Matrix<T>,
    right: Matrix<T>,
    out: *mut T,
    stride: usize,
    [m, k, n]: [usize; 3],
) -> bool {
    match T::DTYPE {
        DType::F32 | DType::F64 | DType::C64 | DType::C128 => {}
        DType::Bool
        | DType::I8
        | DType::I16
        | DType::I32
        | DType::I64
        | DType::U8
        | DType::U16
        | DType::U32
        | DType::U64 => return false,
    }
    // SAFETY: as the caller promises. Threads are ours, so gemm is told to use none.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out,
            1,
            stride as isize,
            false,
            left.start,
            left.column,
            left.row,
            right.start,
            right.column,
            right.row,
            T::ZERO,
            T::ONE,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
    true
}

/// Row by row, adding multiples of the right side's rows.
///
/// # Safety
/// As for [`product`].
unsafe fn plain<T: Item>(
    left: Matrix<T>,
    right: Matrix<T>,
    out: *mut T,
    stride: usize,
    [m, k, n]: [usize; 3],
) {
    for i in 0..m {
        // SAFETY: as the caller promises.
        unsafe {
            let row = std::slice::from_raw_parts_mut(out.add(i * stride), n);
            row.fill(T::ZERO);
            for l in 0..k {
                let factor = *left.at(i, l);
                add_multiple(row, factor, right.at(l, 0), right.column);
            }
        }
    }
}

/// # Safety
/// `x` must be valid for as many elements as `out`.
unsafe fn add_multiple<T: Item>(out: &mut [T], factor: T, x: *const T, step: isize) {
    // SAFETY: as the caller promises.
    unsafe {
        if step == 1 {
            let x = std::slice::from_raw_parts(x, out.len());
            vectorized(|| {
                for (out, &x) in out.iter_mut().zip(x) {
                    *out = out.add(factor.mul(x));
                }
            });
        } else {
            for (j, out) in out.iter_mut().enumerate() {
                *out = out.add(factor.mul(*x.offset(j as isize * step)));
            }
        }
    }
}

/// A matrix times a vector: dot products of its rows, or the sum of its columns' multiples.
///
/// # Safety
/// All must be valid for `sizes`, which are `m, k`; results are `stride` elements apart.
unsafe fn vector<T: Item>(
    matrix: Matrix<T>,
    x: *const T,
    step: isize,
    out: *mut T,
    stride: usize,
    [m, k]: [usize; 2],
) {
    // SAFETY: as the caller promises.
    unsafe {
        if matrix.row == 1 && stride == 1 && m > 1 {
            let out = std::slice::from_raw_parts_mut(out, m);
            out.fill(T::ZERO);
            let column = |l: usize| std::slice::from_raw_parts(matrix.at(0, l), m);
            let factor = |l: usize| *x.offset(l as isize * step);
            return vectorized(|| {
                let together = k - k % TOGETHER;
                for l in (0..together).step_by(TOGETHER) {
                    let at: [usize; TOGETHER] = from_fn(|i| l + i);
                    add_multiples(out, at.map(factor), at.map(column));
                }
                for l in together..k {
                    add_multiples(out, [factor(l)], [column(l)]);
                }
            });
        }
        let mut first = 0;
        if matrix.column == 1 && step == 1 && k <= BLOCK {
            let x = std::slice::from_raw_parts(x, k);
            let row = |i: usize| std::slice::from_raw_parts(matrix.at(i, 0), k);
            first = m - m % TOGETHER;
            vectorized(|| {
                for i in (0..first).step_by(TOGETHER) {
                    let at: [usize; TOGETHER] = from_fn(|j| i + j);
                    for (i, sum) in at.into_iter().zip(dots(at.map(row), x)) {
                        out.add(i * stride).write(sum);
                    }
                }
            });
        }
        for i in first..m {
            out.add(i * stride)
                .write(dot(matrix.at(i, 0), matrix.column, x, step, k));
        }
    }
}

/// Rows or columns that are read together, so that what they meet is read once.
const TOGETHER: usize = 4;

/// Adds multiples of several vectors, in order.
#[inline(always)]
fn add_multiples<T: Item, const N: usize>(out: &mut [T], factors: [T; N], x: [&[T]; N]) {
    let x = x.map(|x| &x[..out.len()]);
    for (j, out) in out.iter_mut().enumerate() {
        let mut sum = *out;
        for i in 0..N {
            sum = sum.add(factors[i].mul(x[i][j]));
        }
        *out = sum;
    }
}

/// Elements that are summed by running accumulators before pairs are formed.
const BLOCK: usize = 256;
/// Accumulators of a block.
const LANES: usize = 16;

/// # Safety
/// Both must be valid for `k` elements at their steps.
unsafe fn dot<T: Item>(a: *const T, a_step: isize, b: *const T, b_step: isize, k: usize) -> T {
    // SAFETY: as the caller promises.
    unsafe {
        if k > BLOCK {
            let half = k.div_ceil(BLOCK).div_ceil(2) * BLOCK;
            let left = dot(a, a_step, b, b_step, half);
            let (a, b) = (
                a.offset(half as isize * a_step),
                b.offset(half as isize * b_step),
            );
            return left.add(dot(a, a_step, b, b_step, k - half));
        }
        if a_step == 1 && b_step == 1 {
            let (a, b) = (
                std::slice::from_raw_parts(a, k),
                std::slice::from_raw_parts(b, k),
            );
            let [sum] = vectorized(|| dots([a], b));
            return sum;
        }
        let mut lanes = [T::ZERO; LANES];
        let (mut a, mut b) = (a, b);
        let mut next = || {
            let product = (*a).mul(*b);
            a = a.wrapping_offset(a_step);
            b = b.wrapping_offset(b_step);
            product
        };
        for _ in 0..k / LANES {
            for lane in &mut lanes {
                *lane = lane.add(next());
            }
        }
        for lane in lanes.iter_mut().take(k % LANES) {
            *lane = lane.add(next());
        }
        sum_lanes(lanes)
    }
}

/// The products of several vectors with one.
#[inline(always)]
fn dots<T: Item, const N: usize>(a: [&[T]; N], b: &[T]) -> [T; N] {
    let mut lanes = [[T::ZERO; LANES]; N];
    let a = a.map(|a| &a[..b.len()]);
    let whole = b.len() - b.len() % LANES;
    for l in (0..whole).step_by(LANES) {
        for (lanes, a) in lanes.iter_mut().zip(a) {
            for j in 0..LANES {
                lanes[j] = lanes[j].add(a[l + j].mul(b[l + j]));
            }
        }
    }
    for (lanes, a) in lanes.iter_mut().zip(a) {
        for (lane, (&a, &b)) in lanes.iter_mut().zip(a[whole..].iter().zip(&b[whole..])) {
            *lane = lane.add(a.mul(b));
        }
    }
    lanes.map(sum_lanes)
}

#[inline(always)]
fn sum_lanes<T: Item>(mut lanes: [T; LANES]) -> T {
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] = lanes[i].add(lanes[i + width]);
        }
        width /= 2;
    }
    lanes[0]
}

/// The product of two rows, each given by its start and byte stride.
///
/// # Safety
/// Both must be valid and aligned for `k` elements at strides of whole elements.
pub unsafe fn dot_of_rows<T: Item>(
    [(a, a_stride), (b, b_stride)]: [(*const u8, isize); 2],
    k: usize,
) -> T {
    let size = size_of::<T>() as isize;
    // SAFETY: as the caller promises.
    unsafe { dot(a.cast(), a_stride / size, b.cast(), b_stride / size, k) }
}

/// The product of `(batch, m, k)` and `(batch, k, n)`, each given by its start and byte strides, on
/// this thread; contiguous. `sizes` are `batch, m, k, n`.
///
/// # Safety
/// Both must be valid and aligned for `sizes`, at strides of whole elements, and `out` for the result,
/// apart from them.
pub unsafe fn serial<T: Item>(
    left: (*const u8, [isize; 3]),
    right: (*const u8, [isize; 3]),
    out: *mut u8,
    [batch, m, k, n]: [usize; 4],
) {
    let size = size_of::<T>() as isize;
    let matrix = |(start, [_, row, column]): (*const u8, [isize; 3])| Matrix {
        start: start.cast::<T>(),
        row: row / size,
        column: column / size,
    };
    let sides = Sides {
        left: matrix(left),
        right: matrix(right),
        steps: [left.1[0] / size, right.1[0] / size],
        out: out.cast::<T>(),
    };
    // SAFETY: as the caller promises.
    unsafe {
        if sides.are_for_blas([m, k, n])
            && let Some(matmul) = native::find("matmul", T::DTYPE)
        {
            return sides.by_blas(matmul, batch, [m, k, n]);
        }
        for item in 0..batch {
            let (left, right, out) = sides.item(item, m * n);
            product(left, right, out, n, [m, k, n]);
        }
    }
}
