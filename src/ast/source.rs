//! The source front: text to blocks.
//!
//! In: a code object, and the text it was compiled from. Out: its blocks.
//!
//! ```text
//! return x if x > 0 else -x      0: $0 = x > 0    branch $0 -> 1, 2
//!                                1: $1 = x        goto 3
//!                                2: $1 = -x       goto 3
//!                                3: return $1
//! ```
//!
//! Statements are lowered as CPython's own compiler does (`Python/compile.c`), onto the stack machine
//! of [`super::build`]; the bytecode front interprets what CPython made of the same text.
//! Only the statement that holds the function is parsed, at its indentation, so columns are right.

mod find;
mod lower;
pub(super) mod walk;

use std::sync::Arc;

use rustpython_parser::Parse;
use rustpython_parser::text_size::TextRange;

pub use find::statement;

use super::py::{self, Ranged, Stmt};
use super::{Code, Front, Function, Span};
use crate::error::{Error, ErrorKind, Place, Result};

/// Text being read, and where its lines begin.
pub(super) struct Text<'t> {
    text: &'t str,
    /// Offset of each line's first byte.
    lines: Vec<u32>,
    /// Number of the first line.
    first_line: u32,
}

impl<'t> Text<'t> {
    fn new(text: &'t str, first_line: u32) -> Text<'t> {
        let mut lines = vec![0];
        lines.extend(
            text.bytes()
                .enumerate()
                .filter(|(_, byte)| *byte == b'\n')
                .map(|(at, _)| at as u32 + 1),
        );
        Text {
            text,
            lines,
            first_line,
        }
    }

    fn place(&self, offset: u32, in_bytes: bool) -> (u32, u32) {
        let line = self
            .lines
            .partition_point(|&start| start <= offset)
            .saturating_sub(1);
        let start = self.lines.get(line).copied().unwrap_or(0);
        let column = match in_bytes {
            true => offset - start,
            false => self
                .text
                .get(start as usize..offset as usize)
                .map_or(offset - start, |before| before.chars().count() as u32),
        };
        (self.first_line + line as u32, column)
    }

    fn measure(&self, range: TextRange, in_bytes: bool) -> Span {
        let (line, column) = self.place(range.start().into(), in_bytes);
        let (end_line, end_column) = self.place(range.end().into(), in_bytes);
        Span {
            line,
            column,
            end_line,
            end_column,
        }
    }

    /// Columns in characters, for messages.
    pub fn span(&self, range: TextRange) -> Span {
        self.measure(range, false)
    }

    /// Where a function expression's code may be, in bytes. CPython counts the parentheses of a
    /// call to a generator expression that is its only argument; the parser does not.
    pub fn extent(&self, expr: &py::Expr) -> Span {
        let range = expr.range();
        let (start, end) = (usize::from(range.start()), usize::from(range.end()));
        let before = self
            .text
            .get(..start)
            .map(str::trim_end)
            .unwrap_or_default();
        let after = self.text.get(end..).unwrap_or_default();
        let close = end + after.len() - after.trim_start().len();
        if matches!(expr, py::Expr::GeneratorExp(_))
            && before.ends_with('(')
            && self
                .text
                .get(close..)
                .is_some_and(|rest| rest.starts_with(')'))
        {
            let wider = TextRange::new((before.len() as u32 - 1).into(), (close as u32 + 1).into());
            return self.position(wider);
        }
        self.position(range)
    }

    /// Columns in UTF-8 bytes, as in `co_positions()`.
    pub fn position(&self, range: TextRange) -> Span {
        self.measure(range, true)
    }
}

/// Reads `code` from `text`, a file or a part of it that holds whole lines at their own
/// indentation, whose first line is number `first_line`.
///
/// # Errors
/// `Unread` if the text does not parse, or the function is not found in it without doubt.
pub fn read(code: &Arc<Code>, text: &str, first_line: u32) -> Result<Function> {
    if !matches!(code.version, (3, 11..)) {
        return Err(unread(code, "code of this Python version"));
    }
    // The statement alone usually parses; a lambda in an `elif` needs the whole.
    if let Some((part, line)) = find::statement(text, first_line, code.first_line)
        && let Ok(function) = read_part(code, part, line)
    {
        return Ok(function);
    }
    read_part(code, text, first_line)
}

fn read_part(code: &Arc<Code>, part: &str, first_line: u32) -> Result<Function> {
    let indented = part.starts_with([' ', '\t']);
    let wrapped;
    let (text, first_line) = match indented {
        true => {
            wrapped = format!("if 1:\n{part}");
            (wrapped.as_str(), first_line.wrapping_sub(1))
        }
        false => (part, first_line),
    };
    let suite: Vec<Stmt> =
        py::Suite::parse(text, "").map_err(|_| unread(code, "source that does not parse"))?;
    let text = Text::new(text, first_line);
    let found = find::function(code, &suite, &text)
        .ok_or_else(|| unread(code, "a function that is not in the text found for it"))?;
    lower::lower(code, &text, found)?.finish(Front::Source)
}

fn unread(code: &Code, construct: &str) -> Box<Error> {
    Error::new(ErrorKind::Unread {
        construct: construct.into(),
    })
    .at(Place {
        file: code.filename.as_str().into(),
        span: Span {
            line: code.first_line,
            end_line: code.first_line,
            ..Span::default()
        },
        text: None,
    })
}
