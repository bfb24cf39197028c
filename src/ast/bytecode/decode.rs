//! Bytes to instructions, and the exception table.
//!
//! In: `co_code` and `co_exceptiontable`. Out: instructions with their whole arguments, and which
//! handler covers which:
//!
//! ```text
//! 90 01 64 2c      EXTENDED_ARG 1, LOAD_CONST 44      =>      LOAD_CONST 300
//! ```
//!
//! Source: `Objects/exception_handling_notes.txt` and `Lib/dis.py` of CPython.

use super::unread;
use crate::ast::Code;
use crate::ast::opcodes::{Action, Direction, Row};
use crate::error::Result;

/// One instruction, its caches left out.
pub(super) struct Instruction {
    pub offset: usize,
    /// Of the instruction that follows in memory.
    pub next: usize,
    pub name: &'static str,
    pub action: Action,
    pub arg: usize,
}

impl Instruction {
    /// Where it may jump to.
    pub fn jump(&self) -> Option<usize> {
        match self.action {
            Action::Jump(direction) | Action::PopJump(direction, _) => match direction {
                Direction::Forward => Some(self.next + 2 * self.arg),
                Direction::Backward => self.next.checked_sub(2 * self.arg),
            },
            Action::JumpOrPop(_) | Action::Next => Some(self.next + 2 * self.arg),
            Action::YieldFrom => Some(self.arg),
            _ => None,
        }
    }

    pub fn falls_through(&self) -> bool {
        !matches!(
            self.action,
            Action::Jump(_)
                | Action::YieldFrom
                | Action::Return
                | Action::ReturnConstant
                | Action::Raise
                | Action::RaiseAgain
                | Action::Unread(_)
        )
    }
}

/// A row of the exception table.
pub(super) struct Protected {
    pub start: usize,
    pub end: usize,
    pub handler: usize,
    pub depth: usize,
    /// Whether the handler finds the offset of the instruction below the exception.
    pub offset: bool,
}

/// The table is a sequence of big-endian numbers of six-bit digits.
pub(super) fn exception_table(bytes: &[u8]) -> Option<Vec<Protected>> {
    let mut bytes = bytes.iter();
    let mut rows = Vec::new();
    while let Some(&first) = bytes.next() {
        let mut number = |first: Option<u8>| -> Option<usize> {
            let mut byte = first.or_else(|| bytes.next().copied())?;
            let mut value = usize::from(byte & 63);
            while byte & 64 != 0 {
                byte = bytes.next().copied()?;
                value = value.checked_mul(64)? + usize::from(byte & 63);
            }
            Some(value)
        };
        let start = 2 * number(Some(first))?;
        let length = 2 * number(None)?;
        let handler = 2 * number(None)?;
        let depth = number(None)?;
        rows.push(Protected {
            start,
            end: start + length,
            handler,
            depth: depth >> 1,
            offset: depth & 1 == 1,
        });
    }
    Some(rows)
}

pub(super) fn decode(code: &Code, rows: &'static [Row]) -> Result<Vec<Instruction>> {
    let mut by_number = [None; 256];
    for row in rows {
        by_number[usize::from(row.0)] = Some(row);
    }
    let mut instructions = Vec::new();
    let mut start = 0;
    let mut at = 0;
    let mut high = 0usize;
    while let Some(&[opcode, low]) = code
        .bytecode
        .get(at..at + 2)
        .and_then(|unit| unit.first_chunk())
    {
        let Some(&(_, name, caches, action)) = by_number[usize::from(opcode)] else {
            return Err(unread(format!("opcode {opcode}")));
        };
        let arg = high << 8 | usize::from(low);
        at += 2;
        if action == Action::Extend {
            high = arg & 0xff_ffff;
            continue;
        }
        high = 0;
        at += 2 * usize::from(caches);
        instructions.push(Instruction {
            offset: start,
            next: at,
            name,
            action,
            arg,
        });
        start = at;
    }
    // `yield from` is LOAD_CONST None, then SEND, which jumps behind its loop.
    for at in 0..instructions.len() {
        if instructions[at].action == Action::YieldFrom {
            let send = instructions.get(at + 2).filter(|i| i.name == "SEND");
            let send = send.ok_or_else(|| unread("yield from".into()))?;
            instructions[at].arg = send.next + 2 * send.arg;
        }
    }
    Ok(instructions)
}

#[cfg(test)]
mod tests {
    use super::exception_table;

    #[test]
    fn the_exception_table_has_six_bit_digits() {
        // start 3, length 64 + 2, handler 70, depth 1 with the offset pushed.
        let rows = exception_table(&[128 | 3, 64 | 1, 2, 64 | 1, 6, 3]).unwrap_or_default();
        assert_eq!(rows.len(), 1);
        let row = &rows[0];
        assert_eq!(
            (row.start, row.end, row.handler, row.depth, row.offset),
            (6, 138, 140, 1, true)
        );
        assert!(exception_table(&[128 | 3, 64]).is_none());
    }
}
