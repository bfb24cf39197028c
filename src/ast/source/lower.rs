//! Statements and expressions onto the stack machine.
//!
//! In: a function's syntax tree. Out: a filled [`Builder`]. Expressions leave one value on the
//! stack, statements leave it as it was:
//!
//! ```text
//! for x in xs: s += x      push xs; iter; next; store x; load s; load x; inplace +; store s; ...
//! ```

mod comprehension;
mod control;
mod display;
mod exception;
mod expression;
mod statement;

use std::sync::Arc;

use super::Text;
use super::find::{Found, Kind};
use crate::ast::build::Builder;
use crate::ast::build::make::none;
use crate::ast::listing::operator;
use crate::ast::py::{Ranged, Stmt};
use crate::ast::{BlockId, Code};
use crate::error::Result;

/// A construct that `break`, `continue` and `return` leave, and what to do then.
#[derive(Clone)]
enum Scope<'a> {
    Loop {
        again: BlockId,
        end: BlockId,
        /// Stack at the head of the loop, and after it.
        depth: usize,
        end_depth: usize,
    },
    /// Position of the [`Slot::Exit`], and the handler outside.
    With(usize, Option<BlockId>),
    Finally(&'a [Stmt], Option<BlockId>),
    /// The name an `except` clause bound.
    Caught(&'a str, Option<BlockId>),
}

struct Lowering<'a> {
    builder: Builder,
    text: &'a Text<'a>,
    scopes: Vec<Scope<'a>>,
    /// Of expressions inside one another.
    depth: usize,
}

/// Deeper expressions are left to the bytecode front, which does not recurse.
const DEEPEST: usize = 400;

/// Lowers what was found for `code`.
pub fn lower(code: &Arc<Code>, text: &Text<'_>, found: Found<'_>) -> Result<Builder> {
    let mut lowering = Lowering {
        builder: Builder::new(code),
        text,
        scopes: Vec::new(),
        depth: 0,
    };
    if code.flags & 0x380 != 0 {
        lowering.builder.unread("async");
        return Ok(lowering.builder);
    }
    match found {
        Found::Def(def) => {
            lowering.body(&def.body)?;
            lowering.builder.push(none());
        }
        Found::Lambda(body) => lowering.expr(body)?,
        Found::Comprehension(kind, results, generators) => {
            if kind != Kind::Generator {
                lowering.empty(kind);
            }
            lowering.builder.load(".0");
            lowering.generators(kind, results, generators, 0)?;
            if kind == Kind::Generator {
                lowering.builder.push(none());
            }
        }
    }
    if lowering.builder.reachable() {
        lowering.builder.ret()?;
    }
    Ok(lowering.builder)
}

impl<'a> Lowering<'a> {
    fn at(&mut self, node: &impl Ranged) {
        self.builder.span = self.text.span(node.range());
    }

    /// What the code object calls a name: `__x` in a class is `_Class__x`.
    fn mangled(&self, id: &str) -> String {
        if !id.starts_with("__") || id.ends_with("__") {
            return id.to_owned();
        }
        let code = &self.builder.code;
        let known = |id: &String| {
            [&code.names, &code.varnames, &code.cellvars, &code.freevars]
                .into_iter()
                .any(|table| table.contains(id))
        };
        code.qualname
            .rsplit('.')
            .map(|class| format!("_{}{id}", class.trim_start_matches('_')))
            .find(known)
            .unwrap_or_else(|| id.to_owned())
    }

    fn body(&mut self, body: &'a [Stmt]) -> Result<()> {
        for statement in body {
            if !self.builder.reachable() {
                break;
            }
            self.at(statement);
            self.statement(statement)?;
        }
        Ok(())
    }

    fn unread(&mut self, construct: &str) -> Result<()> {
        self.builder.unread(construct);
        Ok(())
    }
}
