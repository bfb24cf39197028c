//! Loops, the ways out of them, and `match`.
//!
//! In: a compound statement. Out: blocks; `break`, `continue` and `return` first leave the scopes
//! they are in, innermost first:
//!
//! ```text
//! with cm: return f()      $0 = f()   $$exit(cm)   return $0
//! ```
//!
//! Source: `compiler_unwind_fblock` of CPython.

use super::{Lowering, Scope};
use crate::ast::build::Slot;
use crate::ast::build::make::{constant, name, none};
use crate::ast::py::{CmpOp, Constant, Expr, Pattern, StmtFor, StmtMatch, StmtWhile};
use crate::ast::{BlockId, intrinsic};
use crate::error::Result;

impl<'a> Lowering<'a> {
    pub(super) fn for_loop(&mut self, s: &'a StmtFor) -> Result<()> {
        self.expr(&s.iter)?;
        self.at(&*s.iter);
        let iterable = self.builder.pop()?;
        self.builder.emit_intrinsic(intrinsic::ITER, vec![iterable]);
        let depth = self.builder.stack.len();
        let [head, body, exhausted, end] = [(); 4].map(|()| self.builder.block(true));
        self.builder.goto(head)?;
        self.builder.start(head);
        self.builder
            .next(body, exhausted, depth.saturating_sub(1))?;
        self.builder.start(body);
        self.scopes.push(Scope::Loop {
            again: head,
            end,
            depth,
            end_depth: depth.saturating_sub(1),
        });
        self.store(&s.target)?;
        self.body(&s.body)?;
        self.scopes.pop();
        self.builder.goto(head)?;
        self.builder.start(exhausted);
        self.body(&s.orelse)?;
        self.builder.goto(end)?;
        self.builder.start(end);
        Ok(())
    }

    pub(super) fn while_loop(&mut self, s: &'a StmtWhile) -> Result<()> {
        let depth = self.builder.stack.len();
        let [head, body, exhausted, end] = [(); 4].map(|()| self.builder.block(true));
        self.builder.goto(head)?;
        self.builder.start(head);
        let forever = matches!(&*s.test, Expr::Constant(test) if truth(&test.value));
        match forever {
            true => self.builder.goto(body)?,
            false => self.jump_if(&s.test, body, exhausted)?,
        }
        self.builder.start(body);
        self.scopes.push(Scope::Loop {
            again: head,
            end,
            depth,
            end_depth: depth,
        });
        self.body(&s.body)?;
        self.scopes.pop();
        self.builder.goto(head)?;
        self.builder.start(exhausted);
        self.body(&s.orelse)?;
        self.builder.goto(end)?;
        self.builder.start(end);
        Ok(())
    }

    pub(super) fn leave_loop(&mut self, out: bool) -> Result<()> {
        let found = self
            .scopes
            .iter()
            .rposition(|scope| matches!(scope, Scope::Loop { .. }));
        let Some((
            at,
            Scope::Loop {
                again,
                end,
                depth,
                end_depth,
            },
        )) = found.and_then(|at| Some((at, self.scopes.get(at)?.clone())))
        else {
            return Err(self.builder.refuse("a break outside a loop"));
        };
        let handler = self.builder.handler;
        self.unwind(at + 1)?;
        match out {
            true => self.builder.leave(end, end_depth)?,
            false => self.builder.leave(again, depth)?,
        }
        self.builder.handler = handler;
        Ok(())
    }

    /// Does what leaving the scopes from the innermost down to number `to` asks for.
    pub(super) fn unwind(&mut self, to: usize) -> Result<()> {
        let saved = self.scopes.clone();
        while self.scopes.len() > to {
            match self.scopes.pop() {
                None | Some(Scope::Loop { .. }) => {}
                Some(Scope::With(at, outer)) => {
                    self.builder.protect(outer)?;
                    if let Some(Slot::Exit(manager)) = self.builder.stack.get(at).cloned() {
                        self.builder
                            .effect_intrinsic(intrinsic::EXIT, vec![manager])?;
                    }
                }
                Some(Scope::Finally(body, outer)) => {
                    self.builder.protect(outer)?;
                    self.body(body)?;
                }
                Some(Scope::Caught(id, outer)) => {
                    self.builder.protect(outer)?;
                    self.forget(id)?;
                }
            }
        }
        self.scopes = saved;
        Ok(())
    }

    /// The end of `except ... as id`.
    pub(super) fn forget(&mut self, id: &str) -> Result<()> {
        self.builder.push(none());
        self.store_name(id)?;
        let id = self.mangled(id);
        self.builder.delete(name(&id));
        Ok(())
    }

    pub(super) fn match_cases(&mut self, s: &'a StmtMatch) -> Result<()> {
        self.expr(&s.subject)?;
        let depth = self.builder.stack.len();
        let end = self.builder.block(true);
        for case in &s.cases {
            let next = self.builder.block(true);
            let mut bound = Vec::new();
            if !self.pattern(&case.pattern, next, &mut bound)? {
                return self.unread("match on a structure");
            }
            for id in bound {
                self.builder.copy(1)?;
                self.store_name(id)?;
            }
            if let Some(guard) = &case.guard {
                let taken = self.builder.block(true);
                self.jump_if(guard, taken, next)?;
                self.builder.start(taken);
            }
            self.body(&case.body)?;
            self.builder.leave(end, depth - 1)?;
            self.builder.start(next);
        }
        self.builder.leave(end, depth - 1)?;
        self.builder.start(end);
        Ok(())
    }

    /// Goes on if the top matches, to `next` if not. False: such patterns are not read.
    pub(super) fn pattern(
        &mut self,
        pattern: &'a Pattern,
        next: BlockId,
        bound: &mut Vec<&'a str>,
    ) -> Result<bool> {
        let matched = self.builder.block(true);
        match pattern {
            Pattern::MatchValue(p) => {
                self.builder.copy(1)?;
                self.expr(&p.value)?;
                self.compare_top(CmpOp::Eq)?;
                self.builder.branch(matched, next)?;
            }
            Pattern::MatchSingleton(p) => {
                self.builder.copy(1)?;
                self.builder.push(constant(p.value.clone()));
                self.compare_top(CmpOp::Is)?;
                self.builder.branch(matched, next)?;
            }
            Pattern::MatchAs(p) => {
                if let Some(inner) = &p.pattern
                    && !self.pattern(inner, next, bound)?
                {
                    return Ok(false);
                }
                bound.extend(p.name.as_ref().map(|id| id.as_str()));
                return Ok(true);
            }
            Pattern::MatchOr(p) => {
                let before = bound.len();
                for alternative in &p.patterns {
                    let other = self.builder.block(true);
                    if !self.pattern(alternative, other, bound)? || bound.len() > before {
                        return Ok(false);
                    }
                    self.builder.goto(matched)?;
                    self.builder.start(other);
                }
                self.builder.goto(next)?;
            }
            Pattern::MatchSequence(_)
            | Pattern::MatchMapping(_)
            | Pattern::MatchClass(_)
            | Pattern::MatchStar(_) => return Ok(false),
        }
        self.builder.start(matched);
        Ok(true)
    }
}

/// Whether a loop's constant test is true.
fn truth(value: &Constant) -> bool {
    match value {
        Constant::Bool(b) => *b,
        Constant::Int(i) => *i != 0.into(),
        _ => false,
    }
}
