//! Discrete Fourier transforms along an axis.
//!
//! In: an array of any strides. Out: its spectrum, contiguous.
//! A `(4, 6, 5)` array along axis 1 is `4 * 5` transforms of 6 numbers.
//!
//! NumPy's own loops are used where a host provides them, so that the digits are NumPy's. Sources of
//! the rest: Cooley and Tukey (1965) for factors up to [`LARGEST`], Bluestein (1970) for other lengths.

use std::f64::consts::TAU;

use num_complex::{Complex, Complex64};

use super::native::{self, Batch};
use super::plan::{Place, Run};
use super::threads;
use crate::graph::DType;
use crate::ops::fourier::Fourier;

/// A transform of `outer * inner` lines.
#[derive(Debug)]
pub struct Transform {
    pub kind: Fourier,
    /// Lines before and after the axis.
    pub outer: usize,
    pub inner: usize,
    /// Contiguous, aligned.
    pub from: Place,
    pub to: Place,
    pub axis: usize,
}

/// Work below which waking another thread does not pay.
const PARALLEL_NS: f64 = 60_000.0;
/// Prime factors above this are left to Bluestein's convolution.
const LARGEST: usize = 61;

impl Transform {
    fn lengths(&self) -> (usize, usize) {
        let along = |place: &Place| place.layout.shape[self.axis];
        (along(&self.from), along(&self.to))
    }

    /// Estimated nanoseconds.
    pub fn cost(&self) -> f64 {
        let (m, n) = self.lengths();
        let n = m.max(n) as f64;
        (self.outer * self.inner) as f64 * n * (n + 1.0).log2()
    }

    pub fn run(&self, run: &Run<'_>) {
        let (m, n) = self.lengths();
        let memory = Memory(run.at(&self.from), run.at(&self.to));
        let (m_bytes, n_bytes) = (self.from.layout.dtype.size(), self.to.layout.dtype.size());
        let dtype = self.from.layout.dtype;
        let name = match self.kind {
            Fourier::Forward => "fft",
            Fourier::Inverse => "ifft",
            Fourier::RealForward if m.is_multiple_of(2) => "rfft_n_even",
            Fourier::RealForward => "rfft_n_odd",
            Fourier::RealInverse(_) => "irfft",
        };
        let native = native::find(name, dtype);
        let threads = if self.cost() > PARALLEL_NS {
            threads::get()
        } else {
            1
        };
        // Lines that lie together are one task; so are all lines along the last axis, in parts.
        let (tasks, each) = match self.inner {
            1 => (self.outer.div_ceil(LINES), LINES),
            _ => (self.outer, 1),
        };
        threads::run(tasks, threads, &|claims| {
            let memory = &memory;
            for task in claims {
                let first = task * each;
                let items = each.min(self.outer - first);
                // SAFETY: both places are contiguous and valid for their shapes, and tasks write
                // different lines.
                unsafe {
                    let from = memory.0.add(first * m * self.inner * m_bytes);
                    let to = memory.1.add(first * n * self.inner * n_bytes);
                    let lines = Lines {
                        count: items * self.inner,
                        // One line after the other, or side by side.
                        steps: match self.inner {
                            1 => (m, n),
                            _ => (1, 1),
                        },
                        stride: self.inner,
                        lengths: (m, n),
                        dtypes: (dtype, self.to.layout.dtype),
                    };
                    match native {
                        Some(native) => lines.by_numpy(native, from, to),
                        None => lines.by_loops(&self.kind, from, to),
                    }
                }
            }
        });
    }
}

/// Lines along the last axis that one task transforms.
const LINES: usize = 16;

struct Memory(*mut u8, *mut u8);

// SAFETY: tasks read the first and write disjoint parts of the second.
unsafe impl Sync for Memory {}

/// Lines of a common layout; distances in elements.
struct Lines {
    count: usize,
    steps: (usize, usize),
    stride: usize,
    lengths: (usize, usize),
    dtypes: (DType, DType),
}

impl Lines {
    /// # Safety
    /// The memory must be valid for the lines.
    unsafe fn by_numpy(&self, native: native::Native, from: *mut u8, to: *mut u8) {
        let (mut one, mut single) = (1.0f64, 1.0f32);
        let is_single = matches!(self.dtypes.0, DType::F32 | DType::C64);
        let factor: *mut u8 = match is_single {
            true => (&raw mut single).cast(),
            false => (&raw mut one).cast(),
        };
        let along = |start, dtype: DType, step: usize| Batch {
            start,
            step: (step * dtype.size()) as isize,
            strides: [(self.stride * dtype.size()) as isize]
                .into_iter()
                .collect(),
        };
        let batches = [
            along(from, self.dtypes.0, self.steps.0),
            Batch {
                start: factor,
                step: 0,
                strides: Default::default(),
            },
            along(to, self.dtypes.1, self.steps.1),
        ];
        let sizes = [self.lengths.0, self.lengths.1];
        // SAFETY: as the caller promises; the factor lives until the call returns.
        unsafe { native::call(native, self.count, &sizes, &batches) };
    }

    /// # Safety
    /// The memory must be valid for the lines.
    unsafe fn by_loops(&self, kind: &Fourier, from: *const u8, to: *mut u8) {
        let (m, n) = self.lengths;
        for line in 0..self.count {
            // SAFETY: as the caller promises.
            let at = |i: usize| unsafe {
                read(self.dtypes.0, from, line * self.steps.0 + i * self.stride)
            };
            let numbers: Vec<Complex64> = match kind {
                // The other half is the mirror image.
                Fourier::RealInverse(_) => (0..n)
                    .map(|k| match 2 * k <= n {
                        true if k == 0 || 2 * k == n => at(k).re.into(),
                        true => at(k),
                        false => at(n - k).conj(),
                    })
                    .collect(),
                Fourier::Forward | Fourier::Inverse | Fourier::RealForward => {
                    (0..m).map(at).collect()
                }
            };
            let sign = match kind {
                Fourier::Forward | Fourier::RealForward => -1.0,
                Fourier::Inverse | Fourier::RealInverse(_) => 1.0,
            };
            for (i, value) in transformed(&numbers, sign).into_iter().take(n).enumerate() {
                // SAFETY: as the caller promises.
                unsafe {
                    write(
                        self.dtypes.1,
                        to,
                        line * self.steps.1 + i * self.stride,
                        value,
                    )
                };
            }
        }
    }
}

/// # Safety
/// Element `i` must be readable, aligned.
unsafe fn read(dtype: DType, start: *const u8, i: usize) -> Complex64 {
    // SAFETY: as the caller promises.
    unsafe {
        match dtype {
            DType::F32 => f64::from(*start.cast::<f32>().add(i)).into(),
            DType::C64 => {
                let z = *start.cast::<Complex<f32>>().add(i);
                Complex64::new(z.re.into(), z.im.into())
            }
            dtype if dtype.is_complex() => *start.cast::<Complex64>().add(i),
            _ => (*start.cast::<f64>().add(i)).into(),
        }
    }
}

/// # Safety
/// Element `i` must be writable, aligned.
unsafe fn write(dtype: DType, start: *mut u8, i: usize, value: Complex64) {
    // SAFETY: as the caller promises.
    unsafe {
        match dtype {
            DType::F32 => *start.cast::<f32>().add(i) = value.re as f32,
            DType::C64 => {
                *start.cast::<Complex<f32>>().add(i) =
                    Complex::new(value.re as f32, value.im as f32);
            }
            dtype if dtype.is_complex() => *start.cast::<Complex64>().add(i) = value,
            _ => *start.cast::<f64>().add(i) = value.re,
        }
    }
}

/// `exp(sign * 2j * pi * k / n)`.
fn root(k: usize, n: usize, sign: f64) -> Complex64 {
    let angle = TAU * ((k % n) as f64 / n as f64);
    Complex64::new(angle.cos(), sign * angle.sin())
}

/// `y[k] = sum(x[j] * exp(sign * 2j * pi * j * k / n))`.
fn transformed(x: &[Complex64], sign: f64) -> Vec<Complex64> {
    let n = x.len();
    let Some(p) = (2..=LARGEST).find(|p| n.is_multiple_of(*p)) else {
        return if n <= 1 {
            x.to_vec()
        } else {
            by_convolution(x, sign)
        };
    };
    let m = n / p;
    let parts: Vec<Vec<Complex64>> = (0..p)
        .map(|r| {
            let part: Vec<Complex64> = x.iter().skip(r).step_by(p).copied().collect();
            transformed(&part, sign)
        })
        .collect();
    let roots: Vec<Complex64> = (0..n).map(|k| root(k, n, sign)).collect();
    (0..n)
        .map(|k| (0..p).map(|r| parts[r][k % m] * roots[r * k % n]).sum())
        .collect()
}

/// A transform of any length as a cyclic convolution with a chirp, whose length is a power of two.
fn by_convolution(x: &[Complex64], sign: f64) -> Vec<Complex64> {
    let n = x.len();
    let chirp: Vec<Complex64> = (0..n).map(|k| root(k * k % (2 * n), 2 * n, sign)).collect();
    let length = (2 * n - 1).next_power_of_two();
    let mut left = vec![Complex64::ZERO; length];
    let mut right = vec![Complex64::ZERO; length];
    for k in 0..n {
        left[k] = x[k] * chirp[k];
        right[k] = chirp[k].conj();
        right[(length - k) % length] = chirp[k].conj();
    }
    let (left, right) = (transformed(&left, -1.0), transformed(&right, -1.0));
    let product: Vec<Complex64> = left.iter().zip(&right).map(|(a, b)| a * b).collect();
    let back = transformed(&product, 1.0);
    (0..n).map(|k| back[k] * chirp[k] / length as f64).collect()
}
