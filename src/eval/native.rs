//! The inner loops of NumPy's generalised functions, where a host has them.
//!
//! In: batches of arrays. Out: the same bits that NumPy computes, by the BLAS, the LAPACK and the FFT that
//! NumPy carries; the loops need no GIL.
//! `svd_s` takes `(m,n)` and gives `(m,p),(p),(p,n)`: dimensions `[batch, m, n, p]`, then the strides
//! of the batch for each argument, then those of each argument's own axes.
//!
//! Source: NumPy's C API, "Generalized universal functions".

use std::collections::HashMap;
use std::ffi::{c_char, c_int, c_void};
use std::sync::OnceLock;

use smallvec::SmallVec;

use crate::graph::DType;

/// `PyUFuncGenericFunction`.
pub type Loop = unsafe extern "C" fn(*mut *mut c_char, *const isize, *const isize, *mut c_void);

/// A loop with its data.
#[derive(Clone, Copy, Debug)]
pub struct Native {
    pub function: Loop,
    pub data: *mut c_void,
}

// SAFETY: NumPy's tables are immutable and live as long as the process.
unsafe impl Send for Native {}
// SAFETY: as above.
unsafe impl Sync for Native {}

/// The loops by the function's name and the dtype of its first operand.
pub type Loops = HashMap<(&'static str, DType), Native>;

/// The functions that [`provide`] may give, by module.
pub const NAMES: [(&str, &[&str]); 3] = [
    ("numpy", &["matmul"]),
    (
        "numpy.linalg._umath_linalg",
        &[
            "inv",
            "det",
            "slogdet",
            "cholesky_lo",
            "solve",
            "eigh_lo",
            "eigh_up",
            "eigvalsh_lo",
            "eigvalsh_up",
            "eig",
            "eigvals",
            "svd",
            "svd_s",
            "svd_f",
            "qr_r_raw",
            "qr_reduced",
            "qr_complete",
        ],
    ),
    (
        "numpy.fft._pocketfft_umath",
        &["fft", "ifft", "rfft_n_even", "rfft_n_odd", "irfft"],
    ),
];

static LOOPS: OnceLock<Loops> = OnceLock::new();

/// Called once by a host that has NumPy.
pub fn provide(loops: Loops) {
    // A second host would bring the same loops.
    let _ = LOOPS.set(loops);
}

/// The loop of a function for a dtype.
pub fn find(name: &'static str, dtype: DType) -> Option<Native> {
    LOOPS.get()?.get(&(name, dtype)).copied()
}

/// How the bits of a floating-point exception are asked for.
#[cfg(all(unix, any(target_arch = "x86_64", target_arch = "aarch64")))]
mod status {
    use std::ffi::c_int;

    pub const INVALID: c_int = 1;

    unsafe extern "C" {
        pub fn feclearexcept(exceptions: c_int) -> c_int;
        pub fn fetestexcept(exceptions: c_int) -> c_int;
    }
}

/// Elsewhere the loops are not used, because they report failure by such a bit.
#[cfg(not(all(unix, any(target_arch = "x86_64", target_arch = "aarch64"))))]
mod status {
    use std::ffi::c_int;

    pub const INVALID: c_int = 1;

    pub unsafe fn feclearexcept(_: c_int) -> c_int {
        0
    }
    pub unsafe fn fetestexcept(_: c_int) -> c_int {
        INVALID
    }
}

/// Whether failure can be told from success here.
pub const REPORTS: bool = cfg!(all(
    unix,
    any(target_arch = "x86_64", target_arch = "aarch64")
));

/// A batch of arrays: where it starts, how far the next array is, and the strides within one, in bytes.
#[derive(Clone, Debug)]
pub struct Batch {
    pub start: *mut u8,
    pub step: isize,
    pub strides: SmallVec<[isize; 2]>,
}

impl Batch {
    /// C-contiguous arrays, one after the other.
    pub fn contiguous(start: *mut u8, element: usize, sizes: &[usize]) -> Batch {
        let mut step = element as isize;
        let mut strides: SmallVec<[isize; 2]> = SmallVec::from_elem(0, sizes.len());
        for (stride, &size) in strides.iter_mut().zip(sizes).rev() {
            *stride = step;
            step *= size as isize;
        }
        Batch {
            start,
            step,
            strides,
        }
    }
}

/// Runs a loop; false if it reports that a matrix had no result.
///
/// # Safety
/// The batches must be valid for `count` items and fit the loop's signature and `dimensions`.
pub unsafe fn call(native: Native, count: usize, dimensions: &[usize], batches: &[Batch]) -> bool {
    let mut args: Vec<*mut c_char> = batches.iter().map(|b| b.start.cast()).collect();
    let sizes = std::iter::once(&count).chain(dimensions);
    let sizes: Vec<isize> = sizes.map(|&n| n as isize).collect();
    let mut steps: Vec<isize> = batches.iter().map(|b| b.step).collect();
    steps.extend(batches.iter().flat_map(|b| b.strides.iter().copied()));
    let invalid: c_int = status::INVALID;
    // SAFETY: as the caller promises; the flags belong to this thread.
    unsafe {
        status::feclearexcept(invalid);
        (native.function)(
            args.as_mut_ptr(),
            sizes.as_ptr(),
            steps.as_ptr(),
            native.data,
        );
        let failed = status::fetestexcept(invalid) != 0;
        status::feclearexcept(invalid);
        !failed
    }
}
