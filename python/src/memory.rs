//! Memory of large results, which is used again when their arrays are gone.
//!
//! In: a number of bytes, asked by NumPy. Out: a block of the evaluator's pool. The array owns it as any other
//! array does, and gives it back when it is freed: a loop that makes an 8 MB array per round faults its pages in
//! once.
//! Source: NEP 49, "Data allocation strategies": a handler is set while an array is made, and kept by it.

use std::ffi::{CStr, c_char, c_void};

use lazy_core::eval::buffers::Block;
use pyo3::ffi::{PyCapsule_New, PyObject};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// Arrays of fewer bytes come from NumPy's own allocator, which has them at hand.
pub const LARGE: usize = 1 << 17;

/// `PyDataMem_Handler`.
#[repr(C)]
struct Handler {
    name: [c_char; 127],
    version: u8,
    context: *mut c_void,
    malloc: unsafe extern "C" fn(*mut c_void, usize) -> *mut u8,
    calloc: unsafe extern "C" fn(*mut c_void, usize, usize) -> *mut u8,
    realloc: unsafe extern "C" fn(*mut c_void, *mut u8, usize) -> *mut u8,
    free: unsafe extern "C" fn(*mut c_void, *mut u8, usize),
}

// SAFETY: it is never written to.
unsafe impl Sync for Handler {}

static HANDLER: Handler = Handler {
    name: name(b"lazy"),
    version: 1,
    context: std::ptr::null_mut(),
    malloc,
    calloc,
    realloc,
    free,
};

const fn name(text: &[u8]) -> [c_char; 127] {
    let mut name = [0; 127];
    let mut i = 0;
    while i < text.len() {
        name[i] = text[i] as c_char;
        i += 1;
    }
    name
}

const CAPSULE: &CStr = c"mem_handler";

/// The handler as NumPy takes it.
///
/// # Errors
/// `MemoryError`.
pub fn handler(py: Python<'_>) -> PyResult<&'static Py<PyAny>> {
    static OBJECT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    OBJECT.get_or_try_init(py, || {
        let pointer = std::ptr::from_ref(&HANDLER).cast_mut().cast();
        // SAFETY: the handler and its name live as long as the process.
        let capsule: *mut PyObject = unsafe { PyCapsule_New(pointer, CAPSULE.as_ptr(), None) };
        // SAFETY: a new reference, or null with an exception set.
        unsafe { Bound::from_owned_ptr_or_err(py, capsule) }.map(Bound::unbind)
    })
}

/// Before the data, in a line of its own: the capacity of the block.
const HEAD: usize = 64;

unsafe extern "C" fn malloc(_: *mut c_void, bytes: usize) -> *mut u8 {
    let block = bytes.checked_add(HEAD).and_then(Block::shared);
    let Some(block) = block else {
        return std::ptr::null_mut();
    };
    let (start, capacity) = block.into_raw();
    // SAFETY: the block has room for its head, and is aligned for it.
    unsafe {
        start.cast::<usize>().write(capacity);
        start.add(HEAD)
    }
}

unsafe extern "C" fn calloc(context: *mut c_void, count: usize, size: usize) -> *mut u8 {
    let Some(bytes) = count.checked_mul(size) else {
        return std::ptr::null_mut();
    };
    // SAFETY: a block of this size, if there is one.
    unsafe {
        let data = malloc(context, bytes);
        if !data.is_null() {
            data.write_bytes(0, bytes);
        }
        data
    }
}

/// `ndarray.resize`.
unsafe extern "C" fn realloc(context: *mut c_void, data: *mut u8, bytes: usize) -> *mut u8 {
    // SAFETY: NumPy gives data of ours, or null for none; both blocks hold what is copied.
    unsafe {
        let new = malloc(context, bytes);
        if !data.is_null() && !new.is_null() {
            let held = data.sub(HEAD).cast::<usize>().read() - HEAD;
            new.copy_from_nonoverlapping(data, bytes.min(held));
            free(context, data, held);
        }
        new
    }
}

unsafe extern "C" fn free(_: *mut c_void, data: *mut u8, _: usize) {
    if data.is_null() {
        return;
    }
    // SAFETY: `malloc` wrote the head of the block whose data this is; NumPy frees it once.
    unsafe {
        let start = data.sub(HEAD);
        let capacity = start.cast::<usize>().read();
        Block::from_raw(start, capacity).share();
    }
}
