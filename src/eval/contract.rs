//! Products of matrices, by batches.
//!
//! In: `(batch, m, k)` and `(batch, k, n)`, strided. Out: `(batch, m, n)`, contiguous.
//! `einsum("ij,kj->ik", a, b)` is one product whose right side is read as a transpose: no copy.
//! Source: the crate `gemm` for blocked products; BLIS (Van Zee and van de Geijn, 2015) for the method.

use gemm::Parallelism;

use super::element::{Item, for_dtype};
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
/// Products of fewer multiplications are done by plain loops.
const SMALL: usize = 8 * 8 * 8;
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
        let size = size_of::<T>() as isize;
        let strides = |place: &Place| -> [isize; 3] {
            std::array::from_fn(|axis| place.layout.strides[axis] / size)
        };
        let ([left_step, a, b], [right_step, c, d]) = (strides(&self.left), strides(&self.right));
        let shared = Pointers([run.at(&self.left), run.at(&self.right), run.at(&self.to)]);
        let parts = m.max(n).div_ceil(PART);
        let threads = if self.cost() > PARALLEL_NS {
            threads::get()
        } else {
            1
        };
        threads::run(batch * parts, threads, &|claims| {
            let shared = &shared;
            for task in claims {
                let (item, part) = ((task / parts) as isize, task % parts * PART);
                // SAFETY: places are valid for their layouts, and tasks write disjoint parts.
                unsafe {
                    let mut left = Matrix {
                        start: shared.0[0]
                            .cast::<T>()
                            .cast_const()
                            .offset(item * left_step),
                        row: a,
                        column: b,
                    };
                    let mut right = Matrix {
                        start: shared.0[1]
                            .cast::<T>()
                            .cast_const()
                            .offset(item * right_step),
                        row: c,
                        column: d,
                    };
                    let mut out = shared.0[2].cast::<T>().add(item as usize * m * n);
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
}

/// The three memories of a product, for its tasks.
struct Pointers([*mut u8; 3]);

// SAFETY: tasks read the first two and write disjoint parts of the third.
unsafe impl Sync for Pointers {}

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
            for (out, &x) in out.iter_mut().zip(x) {
                *out = out.add(factor.mul(x));
            }
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
            for l in 0..k {
                add_multiple(out, *x.offset(l as isize * step), matrix.at(0, l), 1);
            }
            return;
        }
        for i in 0..m {
            out.add(i * stride)
                .write(dot(matrix.at(i, 0), matrix.column, x, step, k));
        }
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
        let mut lanes = [T::ZERO; LANES];
        if a_step == 1 && b_step == 1 {
            let a = std::slice::from_raw_parts(a, k).chunks(LANES);
            let b = std::slice::from_raw_parts(b, k).chunks(LANES);
            for (a, b) in a.zip(b) {
                for (lane, (&a, &b)) in lanes.iter_mut().zip(a.iter().zip(b)) {
                    *lane = lane.add(a.mul(b));
                }
            }
        } else {
            for i in 0..k {
                let (a, b) = (
                    *a.offset(i as isize * a_step),
                    *b.offset(i as isize * b_step),
                );
                lanes[i % LANES] = lanes[i % LANES].add(a.mul(b));
            }
        }
        let mut width = LANES / 2;
        while width > 0 {
            for i in 0..width {
                lanes[i] = lanes[i].add(lanes[i + width]);
            }
            width /= 2;
        }
        lanes[0]
    }
}
