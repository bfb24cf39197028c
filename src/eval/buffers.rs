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
/// What the process keeps at most, in bytes.
const KEPT: usize = 1 << 29;

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
        }
        Block(memory)
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
        if memory.capacity() * 64 <= SMALL {
            // While a thread ends its store may be gone; the memory is then simply freed.
            let _ = SMALL_BLOCKS.try_with(|blocks| {
                let mut blocks = blocks.borrow_mut();
                if blocks.len() < 8 {
                    blocks.push(memory);
                }
            });
        } else if let Ok(mut blocks) = LARGE_BLOCKS.try_lock() {
            let kept: usize = blocks.iter().map(|b| b.capacity() * 64).sum();
            if kept + memory.capacity() * 64 <= KEPT {
                blocks.push(memory);
            }
        }
    }
}

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
