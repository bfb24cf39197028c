//! Memory that outlives a call, so that the next one need not ask the system for it.
//!
//! In: a number of bytes. Out: a block, given back to its pool when dropped.
//! Two calls that each need 64 MB of intermediates fault its pages in once.
//! Source: measured here: faulting in fresh pages costs more than a pass over them.

use std::cell::RefCell;
use std::sync::Mutex;

/// A line of cache.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Blocks up to this size are kept by the thread that used them, larger ones by the process.
const SMALL: usize = 1 << 20;
/// What the process keeps at most, in bytes, and in blocks.
const KEPT: usize = 1 << 28;
const COUNT: usize = 64;
/// Blocks from this size on ask for huge pages.
const HUGE: usize = 4 << 20;

thread_local! {
    static SMALL_BLOCKS: RefCell<Vec<Vec<Line>>> = const { RefCell::new(Vec::new()) };
}
static LARGE_BLOCKS: Mutex<Vec<Vec<Line>>> = Mutex::new(Vec::new());

/// Scratch memory, aligned to 64 bytes, of unspecified content.
pub struct Block(Vec<Line>);

impl Block {
    pub fn new(bytes: usize) -> Block {
        let lines = bytes.div_ceil(64);
        let mut memory = if bytes <= SMALL {
            SMALL_BLOCKS
                .try_with(|blocks| blocks.borrow_mut().pop())
                .ok()
                .flatten()
                .unwrap_or_default()
        } else {
            take_large(lines).unwrap_or_default()
        };
        if memory.capacity() < lines {
            memory = Vec::with_capacity(lines);
            advise(memory.as_mut_ptr().cast(), lines * 64);
        }
        Block(memory)
    }

    /// A block that outlives the call and may be given back by another thread; `None` if there is no memory.
    pub fn shared(bytes: usize) -> Option<Block> {
        let lines = bytes.div_ceil(64);
        if let Some(memory) = take_large(lines) {
            return Some(Block(memory));
        }
        let mut memory: Vec<Line> = Vec::new();
        memory.try_reserve_exact(lines).ok()?;
        advise(memory.as_mut_ptr().cast(), lines * 64);
        Some(Block(memory))
    }

    /// Gives a block of [`Block::shared`] back to the process.
    pub fn share(mut self) {
        keep_large(std::mem::take(&mut self.0));
    }

    pub fn capacity(&self) -> usize {
        self.0.capacity() * 64
    }

    /// The memory and its capacity, to be put together again by [`Block::from_raw`].
    pub fn into_raw(mut self) -> (*mut u8, usize) {
        let mut memory = std::mem::ManuallyDrop::new(std::mem::take(&mut self.0));
        (memory.as_mut_ptr().cast(), memory.capacity() * 64)
    }

    /// # Safety
    /// Both must come from one call of [`Block::into_raw`], each used once.
    pub unsafe fn from_raw(start: *mut u8, capacity: usize) -> Block {
        // SAFETY: as the caller promises: it is a vector's memory, of which no element is in use.
        Block(unsafe { Vec::from_raw_parts(start.cast(), 0, capacity / 64) })
    }

    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        self.0.as_mut_ptr().cast()
    }
}

/// The smallest block of the process's that is large enough and not wastefully so.
fn take_large(lines: usize) -> Option<Vec<Line>> {
    let mut blocks = LARGE_BLOCKS.try_lock().ok()?;
    let fitting = blocks
        .iter()
        .enumerate()
        .filter(|(_, b)| b.capacity() >= lines && b.capacity() / 4 <= lines);
    let (at, _) = fitting.min_by_key(|(_, b)| b.capacity())?;
    Some(blocks.swap_remove(at))
}

impl Drop for Block {
    fn drop(&mut self) {
        let memory = std::mem::take(&mut self.0);
        if memory.capacity() == 0 {
            // It was handed on.
        } else if memory.capacity() * 64 <= SMALL {
            // While a thread ends its store may be gone; the memory is then simply freed.
            let _ = SMALL_BLOCKS.try_with(|blocks| {
                let mut blocks = blocks.borrow_mut();
                if blocks.len() < 8 {
                    blocks.push(memory);
                }
            });
        } else {
            keep_large(memory);
        }
    }
}

/// Keeps a block for the process, if there is room.
fn keep_large(memory: Vec<Line>) {
    if let Ok(mut blocks) = LARGE_BLOCKS.try_lock() {
        let kept: usize = blocks.iter().map(|b| b.capacity() * 64).sum();
        if blocks.len() < COUNT && kept + memory.capacity() * 64 <= KEPT {
            blocks.push(memory);
        }
    }
}

/// Asks for huge pages, where the system gives them on request: faulting in small ones costs more than a pass
/// over the memory.
#[cfg(all(target_os = "linux", not(miri)))]
fn advise(start: *mut u8, bytes: usize) {
    use std::ffi::{c_int, c_void};
    unsafe extern "C" {
        fn madvise(start: *mut c_void, bytes: usize, advice: c_int) -> c_int;
    }
    const HUGE_PAGES: c_int = 14;
    const PAGE: usize = 4096;
    if bytes >= HUGE {
        let first = start.align_offset(PAGE);
        // SAFETY: whole pages of our own memory; the advice changes no content, and may be refused.
        unsafe {
            madvise(
                start.add(first).cast(),
                (bytes - first) / PAGE * PAGE,
                HUGE_PAGES,
            )
        };
    }
}

#[cfg(not(all(target_os = "linux", not(miri))))]
fn advise(_: *mut u8, _: usize) {}

/// Assigns offsets in one block to values that do not live at the same time.
#[derive(Debug, Default)]
pub struct Arena {
    /// Free ranges `(offset, bytes)` below `end`, sorted, never adjacent.
    free: Vec<(usize, usize)>,
    end: usize,
    /// The largest `end` so far.
    pub bytes: usize,
}

impl Arena {
    /// The offset for a value of `bytes`, aligned to 64: the first hole that fits.
    pub fn take(&mut self, bytes: usize) -> usize {
        let bytes = round(bytes);
        if let Some(at) = self.free.iter().position(|&(_, size)| size >= bytes) {
            let (offset, size) = self.free[at];
            if size == bytes {
                self.free.remove(at);
            } else {
                self.free[at] = (offset + bytes, size - bytes);
            }
            return offset;
        }
        let offset = self.end;
        self.end += bytes;
        self.bytes = self.bytes.max(self.end);
        offset
    }

    /// Gives back what [`Arena::take`] gave for `bytes`.
    pub fn give(&mut self, offset: usize, bytes: usize) {
        let bytes = round(bytes);
        let at = self.free.partition_point(|&(o, _)| o < offset);
        self.free.insert(at, (offset, bytes));
        if at + 1 < self.free.len() && offset + bytes == self.free[at + 1].0 {
            self.free[at].1 += self.free.remove(at + 1).1;
        }
        if at > 0 && self.free[at - 1].0 + self.free[at - 1].1 == offset {
            self.free[at - 1].1 += self.free.remove(at).1;
        }
        if let Some(&(o, size)) = self.free.last()
            && o + size == self.end
        {
            self.free.pop();
            self.end = o;
        }
    }
}

/// Up to whole lines, so that values never share one; at least one line.
fn round(bytes: usize) -> usize {
    bytes.max(1).next_multiple_of(64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_filled_and_joined() {
        let mut arena = Arena::default();
        let [a, b, c] = [100, 64, 1].map(|bytes| arena.take(bytes));
        assert_eq!([a, b, c], [0, 128, 192]);
        arena.give(a, 100);
        arena.give(b, 64);
        assert_eq!(arena.take(192), 0);
        arena.give(c, 1);
        assert_eq!(arena.take(64), 192);
        assert_eq!(arena.bytes, 256);
    }
}
