//! `with` and `try`.
//!
//! In: a statement. Out: its body in blocks with a handler, and the handler:
//!
//! ```text
//! try: f()                 1 (except -> 2): f()   goto 4
//! except E: g()            2: $e = $$caught()   $m = $$matches($e, E)   branch $m -> 3, 5
//!                          3: g()   goto 4                5: raise $e
//! ```
//!
//! Source: `compiler_try_except`, `compiler_try_finally`, `compiler_with` of CPython.

use super::{Lowering, Scope};
use crate::ast::build::Slot;
use crate::ast::build::make::none;
use crate::ast::intrinsic;
use crate::ast::py::{ExceptHandler, Stmt, StmtTry, StmtWith, WithItem};
use crate::error::Result;

impl<'a> Lowering<'a> {
    pub(super) fn with(&mut self, s: &'a StmtWith, items: &'a [WithItem]) -> Result<()> {
        let Some((item, rest)) = items.split_first() else {
            return self.body(&s.body);
        };
        let outer = self.builder.handler;
        let [handler, swallowed, raises, end] = [(); 4].map(|()| self.builder.block(true));
        self.expr(&item.context_expr)?;
        self.at(&item.context_expr);
        self.enter()?;
        let at = self.builder.stack.len().saturating_sub(2);
        self.builder.protect(Some(handler))?;
        self.builder.expect(handler, at + 1)?;
        self.scopes.push(Scope::With(at, outer));
        match &item.optional_vars {
            Some(target) => self.store(target)?,
            None => self.builder.discard()?,
        }
        self.with(s, rest)?;
        self.scopes.pop();
        self.at(&item.context_expr);
        self.builder.protect(outer)?;
        if self.builder.reachable() {
            if let Slot::Exit(manager) = self.builder.pop_slot()? {
                self.builder
                    .effect_intrinsic(intrinsic::EXIT, vec![manager])?;
            }
            self.builder.goto(end)?;
        }
        self.builder.handler = outer;
        self.builder.start(handler);
        self.caught();
        let exception = self.builder.peek(1)?;
        if let Some(Slot::Exit(manager)) = self.builder.stack.get(at).cloned() {
            self.builder
                .emit_intrinsic(intrinsic::EXIT, vec![manager, exception]);
        } else {
            self.builder.push(none());
        }
        self.builder.branch(swallowed, raises)?;
        self.builder.start(raises);
        let exception = self.builder.pop()?;
        self.builder.raise(Some(exception), None);
        self.builder.start(swallowed);
        self.builder.leave(end, at)?;
        self.builder.start(end);
        Ok(())
    }

    /// Replaces the manager by its exit and what entering it gives.
    pub(super) fn enter(&mut self) -> Result<()> {
        let manager = self.builder.pop()?;
        self.builder.stack.push(Slot::Exit(manager.clone()));
        self.builder.emit_intrinsic(intrinsic::ENTER, vec![manager]);
        Ok(())
    }

    pub(super) fn caught(&mut self) {
        self.builder.emit_intrinsic(intrinsic::CAUGHT, Vec::new());
    }

    pub(super) fn try_finally(&mut self, s: &'a StmtTry) -> Result<()> {
        if s.finalbody.is_empty() {
            return self.try_except(s);
        }
        let outer = self.builder.handler;
        let depth = self.builder.stack.len();
        let [handler, end] = [(); 2].map(|()| self.builder.block(true));
        self.builder.protect(Some(handler))?;
        self.builder.expect(handler, depth)?;
        self.scopes.push(Scope::Finally(&s.finalbody, outer));
        match s.handlers.is_empty() {
            true => self.body(&s.body)?,
            false => self.try_except(s)?,
        }
        self.scopes.pop();
        self.builder.protect(outer)?;
        self.body(&s.finalbody)?;
        self.builder.goto(end)?;
        self.builder.handler = outer;
        self.builder.start(handler);
        self.caught();
        self.body(&s.finalbody)?;
        if self.builder.reachable() {
            let exception = self.builder.pop()?;
            self.builder.raise(Some(exception), None);
        }
        self.builder.start(end);
        Ok(())
    }

    pub(super) fn try_except(&mut self, s: &'a StmtTry) -> Result<()> {
        let outer = self.builder.handler;
        let depth = self.builder.stack.len();
        let [handler, end] = [(); 2].map(|()| self.builder.block(true));
        self.builder.protect(Some(handler))?;
        self.builder.expect(handler, depth)?;
        self.body(&s.body)?;
        self.builder.protect(outer)?;
        self.body(&s.orelse)?;
        self.builder.goto(end)?;
        self.builder.handler = outer;
        self.builder.start(handler);
        self.caught();
        for ExceptHandler::ExceptHandler(clause) in &s.handlers {
            self.at(clause);
            let next = self.builder.block(true);
            if let Some(class) = &clause.type_ {
                let body = self.builder.block(true);
                self.builder.copy(1)?;
                self.expr(class)?;
                let args = self.builder.pop_many(2)?;
                self.builder.emit_intrinsic(intrinsic::MATCHES, args);
                self.builder.branch(body, next)?;
                self.builder.start(body);
            }
            match &clause.name {
                None => self.body(&clause.body)?,
                Some(id) => self.named_clause(id, &clause.body)?,
            }
            self.builder.leave(end, depth)?;
            self.builder.start(next);
        }
        if self.builder.reachable() {
            let exception = self.builder.pop()?;
            self.builder.raise(Some(exception), None);
        }
        self.builder.start(end);
        Ok(())
    }

    pub(super) fn named_clause(&mut self, id: &'a str, body: &'a [Stmt]) -> Result<()> {
        let outer = self.builder.handler;
        self.builder.copy(1)?;
        self.store_name(id)?;
        let cleanup = self.builder.block(true);
        self.builder.protect(Some(cleanup))?;
        let depth = self.builder.stack.len();
        self.builder.expect(cleanup, depth)?;
        self.scopes.push(Scope::Caught(id, outer));
        self.body(body)?;
        self.scopes.pop();
        self.builder.protect(outer)?;
        let after = self.builder.block(true);
        if self.builder.reachable() {
            self.forget(id)?;
        }
        self.builder.goto(after)?;
        self.builder.handler = outer;
        self.builder.start(cleanup);
        self.caught();
        self.forget(id)?;
        if self.builder.reachable() {
            let exception = self.builder.pop()?;
            self.builder.raise(Some(exception), None);
        }
        self.builder.start(after);
        Ok(())
    }
}
