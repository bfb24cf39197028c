//! Decompositions by NumPy's own loops.
//!
//! In: contiguous double-precision batches of matrices. Out: whether each had a result, which is then
//! in its place, to the bit what NumPy computes.
//! `qr` takes two loops: LAPACK's packed factors, and `q` formed from them.
//!
//! Source: `numpy/linalg/umath_linalg.cpp`, and `_linalg.py` for the order of calls.

use num_complex::Complex64;

use super::Routine;
use crate::eval::native::{Batch, Native, REPORTS, call, find};
use crate::graph::DType;
use crate::ops::decompose::{Decomposition, System, Triangle};

fn dtype_of(complex: bool) -> DType {
    if complex { DType::C128 } else { DType::F64 }
}

/// What a routine is given, and where its results go.
pub struct Task<'a> {
    pub routine: Routine,
    pub complex: bool,
    /// Items of the batch.
    pub count: usize,
    /// Rows and columns of each operand.
    pub operands: &'a [(*mut u8, [usize; 2])],
    /// None where nothing reads the result.
    pub results: &'a [Option<*mut u8>],
}

/// Whether all loops that a routine takes are there.
pub fn has(routine: Routine, complex: bool) -> bool {
    REPORTS
        && names(routine).is_some_and(|names| {
            names
                .iter()
                .all(|name| find(name, dtype_of(complex)).is_some())
        })
}

fn names(routine: Routine) -> Option<&'static [&'static str]> {
    use Decomposition::*;
    Some(match routine {
        Routine::Solve(System::General) => &["solve"],
        Routine::Solve(System::Triangular { .. })
        | Routine::PseudoInverse
        | Routine::Frechet(_)
        | Routine::Of(Adjugate | Lu | Function(_)) => return None,
        Routine::Of(Inverse) => &["inv"],
        Routine::Of(Determinant) => &["det"],
        Routine::Of(SignLogDet) => &["slogdet"],
        Routine::Of(Cholesky) => &["cholesky_lo"],
        Routine::Of(Qr) => &["qr_r_raw", "qr_reduced"],
        Routine::Of(QrComplete) => &["qr_r_raw", "qr_complete", "qr_reduced"],
        Routine::Of(Svd) => &["svd_s"],
        Routine::Of(SvdFull) => &["svd_f"],
        Routine::Of(SingularValues) => &["svd"],
        Routine::Of(Eigh(Triangle::Lower)) => &["eigh_lo"],
        Routine::Of(Eigh(Triangle::Upper)) => &["eigh_up"],
        Routine::Of(EigenvaluesOfHermitian(Triangle::Lower)) => &["eigvalsh_lo"],
        Routine::Of(EigenvaluesOfHermitian(Triangle::Upper)) => &["eigvalsh_up"],
        Routine::Of(Eig) => &["eig"],
        Routine::Of(Eigenvalues) => &["eigvals"],
    })
}

/// Runs a routine for which [`has`] is true; false if a matrix had no result.
///
/// # Safety
/// The memory must be valid for the batch, contiguous, aligned and in double precision.
pub unsafe fn run(task: &Task<'_>) -> bool {
    use Decomposition::*;
    let Some(&[first, ..]) = names(task.routine) else {
        return false;
    };
    let Some(native) = find(first, dtype_of(task.complex)) else {
        return false;
    };
    let (a, [m, n]) = task.operands[0];
    let k = m.min(n);
    let own = if task.complex {
        size_of::<Complex64>()
    } else {
        size_of::<f64>()
    };
    let (real, complex) = (size_of::<f64>(), size_of::<Complex64>());
    let matrix = Batch::contiguous(a, own, &[m, n]);
    // The sizes that the signature names, and each result's element and sizes.
    let (dimensions, results): (Vec<usize>, Vec<(usize, Vec<usize>)>) = match task.routine {
        Routine::Of(Qr | QrComplete) => {
            // SAFETY: as the caller promises.
            return unsafe { qr(task, native) };
        }
        Routine::Solve(_) => {
            let (rhs, [_, columns]) = task.operands[1];
            let batches = [
                matrix,
                Batch::contiguous(rhs, own, &[n, columns]),
                Batch::contiguous(
                    task.results[0].unwrap_or(std::ptr::null_mut()),
                    own,
                    &[n, columns],
                ),
            ];
            // SAFETY: as the caller promises.
            return unsafe { call(native, task.count, &[n, columns], &batches) };
        }
        Routine::Of(kind) => match kind {
            Inverse | Cholesky | Adjugate | Function(_) => (vec![n], vec![(own, vec![n, n])]),
            Determinant => (vec![n], vec![(own, vec![])]),
            SignLogDet => (vec![n], vec![(own, vec![]), (real, vec![])]),
            Eigh(_) => (vec![n], vec![(real, vec![n]), (own, vec![n, n])]),
            EigenvaluesOfHermitian(_) => (vec![n], vec![(real, vec![n])]),
            Eig => (vec![n], vec![(complex, vec![n]), (complex, vec![n, n])]),
            Eigenvalues => (vec![n], vec![(complex, vec![n])]),
            SingularValues => (vec![m, n, k], vec![(real, vec![k])]),
            Svd => (
                vec![m, n, k],
                vec![(own, vec![m, k]), (real, vec![k]), (own, vec![k, n])],
            ),
            SvdFull => (
                vec![m, n, k],
                vec![(own, vec![m, m]), (real, vec![k]), (own, vec![n, n])],
            ),
            Lu | Qr | QrComplete => return false,
        },
        Routine::PseudoInverse | Routine::Frechet(_) => return false,
    };
    let mut scratch = Scratch::default();
    let mut batches = vec![matrix];
    for (i, (element, sizes)) in results.iter().enumerate() {
        let bytes = sizes.iter().product::<usize>() * element * task.count;
        let start = match task.results.get(i).copied().flatten() {
            Some(start) => start,
            None => scratch.take(bytes),
        };
        batches.push(Batch::contiguous(start, *element, sizes));
    }
    // SAFETY: as the caller promises; the scratch memory outlives the call.
    unsafe { call(native, task.count, &dimensions, &batches) }
}

/// Memory for what nothing reads.
#[derive(Default)]
struct Scratch(Vec<Vec<Complex64>>);

impl Scratch {
    fn take(&mut self, bytes: usize) -> *mut u8 {
        let elements = bytes.div_ceil(size_of::<Complex64>()).max(1);
        let mut memory = vec![Complex64::ZERO; elements];
        let start = memory.as_mut_ptr().cast();
        // The vector's memory stays where it is when the vector moves.
        self.0.push(memory);
        start
    }
}

/// LAPACK's packed factors first, then `q`; `r` is their upper triangle.
///
/// # Safety
/// As for [`run`].
unsafe fn qr(task: &Task<'_>, raw: Native) -> bool {
    let (a, [m, n]) = task.operands[0];
    let k = m.min(n);
    let own = if task.complex {
        size_of::<Complex64>()
    } else {
        size_of::<f64>()
    };
    let square = task.routine == Routine::Of(Decomposition::QrComplete);
    let complete = square && m > n;
    let columns = if complete { m } else { k };
    let mut scratch = Scratch::default();
    let bytes = task.count * m * n * own;
    let packed = scratch.take(bytes);
    // SAFETY: both hold the whole batch.
    unsafe { packed.copy_from_nonoverlapping(a, bytes) };
    let packed = Batch::contiguous(packed, own, &[m, n]);
    let tau = Batch::contiguous(scratch.take(task.count * k * own), own, &[k]);
    let q = match task.results[0] {
        Some(start) => start,
        None => scratch.take(task.count * m * columns * own),
    };
    let q = Batch::contiguous(q, own, &[m, columns]);
    let name = if complete {
        "qr_complete"
    } else {
        "qr_reduced"
    };
    let Some(form) = find(name, dtype_of(task.complex)) else {
        return false;
    };
    let dimensions: &[usize] = if complete { &[m, n] } else { &[m, n, k] };
    // SAFETY: as the caller promises; the scratch memory outlives the calls.
    unsafe {
        if !call(raw, task.count, &[m, n, k], &[packed.clone(), tau.clone()])
            || !call(form, task.count, dimensions, &[packed.clone(), tau, q])
        {
            return false;
        }
        if let Some(&Some(r)) = task.results.get(1) {
            let rows = if complete { m } else { k };
            let row = n * own;
            r.write_bytes(0, task.count * rows * row);
            for item in 0..task.count {
                for i in 0..rows.min(n) {
                    let (from, to) = ((item * m + i) * row, (item * rows + i) * row);
                    let skipped = i * own;
                    r.add(to + skipped)
                        .copy_from_nonoverlapping(packed.start.add(from + skipped), row - skipped);
                }
            }
        }
    }
    true
}
