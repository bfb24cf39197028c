//! Memory that code can run in: written first, then made executable and no longer writable.

use std::ffi::{c_int, c_void};

/// A function's bytes, executable.
#[derive(Debug)]
pub struct Executable {
    start: *mut c_void,
    size: usize,
}

// SAFETY: the memory is only read and run once it is made.
unsafe impl Send for Executable {}
// SAFETY: as above.
unsafe impl Sync for Executable {}

const READ: c_int = 1;
const WRITE: c_int = 2;
const EXECUTE: c_int = 4;
/// Private and of no file; Linux's numbers.
const PRIVATE_ANONYMOUS: c_int = 0x22;

unsafe extern "C" {
    fn mmap(
        address: *mut c_void,
        size: usize,
        protection: c_int,
        flags: c_int,
        file: c_int,
        offset: i64,
    ) -> *mut c_void;
    fn mprotect(address: *mut c_void, size: usize, protection: c_int) -> c_int;
    fn munmap(address: *mut c_void, size: usize) -> c_int;
}

impl Executable {
    /// None if the system does not give such memory.
    pub fn new(code: &[u8]) -> Option<Executable> {
        let size = code.len().max(1);
        // SAFETY: fresh memory is asked for, of no file.
        let start = unsafe {
            mmap(
                std::ptr::null_mut(),
                size,
                READ | WRITE,
                PRIVATE_ANONYMOUS,
                -1,
                0,
            )
        };
        if start.is_null() || start.addr() == usize::MAX {
            return None;
        }
        let memory = Executable { start, size };
        // SAFETY: the memory is ours, writable and large enough; nothing runs in it yet.
        let protected = unsafe {
            std::ptr::copy_nonoverlapping(code.as_ptr(), start.cast(), code.len());
            mprotect(start, size, READ | EXECUTE)
        };
        (protected == 0).then_some(memory)
    }

    pub fn start(&self) -> *const c_void {
        self.start
    }
}

impl Drop for Executable {
    fn drop(&mut self) {
        // SAFETY: the memory was mapped with this size, and nobody runs in it any more.
        unsafe { munmap(self.start, self.size) };
    }
}
