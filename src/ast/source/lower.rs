//! Statements and expressions onto the stack machine.
//!
//! In: a function's syntax tree. Out: a filled [`Builder`]. Expressions leave one value on the
//! stack, statements leave it as it was:
//!
//! ```text
//! for x in xs: s += x      push xs; iter; next; store x; load s; load x; inplace +; store s; ...
//! ```

use std::sync::Arc;

use super::Text;
use super::find::{Found, Kind, comprehension, nested};
use super::walk::expressions;
use crate::ast::build::{
    Builder, Slot, attribute, binary, compare, constant, dict, int, list, name, none, set, starred,
    subscript, tuple, unary,
};
use crate::ast::listing::operator;
use crate::ast::py::{
    Arguments, BoolOp, CmpOp, Comprehension, Constant, ConversionFlag, ExceptHandler, Expr,
    ExprCall, ExprCompare, Pattern, Ranged, Stmt, StmtFor, StmtFunctionDef, StmtMatch, StmtTry,
    StmtWhile, StmtWith, UnaryOp, WithItem,
};
use crate::ast::{BlockId, Code, Span, intrinsic};
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

    // Statements.

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

    fn statement(&mut self, statement: &'a Stmt) -> Result<()> {
        match statement {
            Stmt::FunctionDef(s) => self.function(s),
            Stmt::Return(s) => {
                match &s.value {
                    Some(value) => self.expr(value)?,
                    None => self.builder.push(none()),
                }
                self.at(statement);
                let handler = self.builder.handler;
                self.unwind(0)?;
                self.builder.ret()?;
                self.builder.handler = handler;
                Ok(())
            }
            Stmt::Delete(s) => s.targets.iter().try_for_each(|target| self.delete(target)),
            Stmt::Assign(s) => {
                if let ([Expr::Tuple(targets)], Expr::Tuple(values)) =
                    (s.targets.as_slice(), &*s.value)
                    && targets.elts.len() == values.elts.len()
                    && !targets
                        .elts
                        .iter()
                        .chain(&values.elts)
                        .any(|e| matches!(e, Expr::Starred(_)))
                {
                    values.elts.iter().try_for_each(|value| self.expr(value))?;
                    let from = self.builder.stack.len() - values.elts.len();
                    self.builder.stack[from..].reverse();
                    return targets
                        .elts
                        .iter()
                        .try_for_each(|target| self.store(target));
                }
                self.expr(&s.value)?;
                for _ in 1..s.targets.len() {
                    self.builder.copy(1)?;
                }
                s.targets.iter().try_for_each(|target| self.store(target))
            }
            Stmt::AugAssign(s) => self.augmented(&s.target, operator(s.op), &s.value, statement),
            Stmt::AnnAssign(s) => match &s.value {
                Some(value) => {
                    self.expr(value)?;
                    self.store(&s.target)
                }
                None => Ok(()),
            },
            Stmt::For(s) => self.for_loop(s),
            Stmt::While(s) => self.while_loop(s),
            Stmt::If(s) => {
                let [then, otherwise, end] = [(); 3].map(|()| self.builder.block(true));
                self.jump_if(&s.test, then, otherwise)?;
                self.builder.start(then);
                self.body(&s.body)?;
                self.builder.goto(end)?;
                self.builder.start(otherwise);
                self.body(&s.orelse)?;
                self.builder.goto(end)?;
                self.builder.start(end);
                Ok(())
            }
            Stmt::With(s) => self.with(s, &s.items),
            Stmt::Match(s) => self.match_cases(s),
            Stmt::Raise(s) => {
                let mut pair = [None, None];
                for (value, out) in [&s.exc, &s.cause].into_iter().zip(&mut pair) {
                    if let Some(value) = value {
                        self.expr(value)?;
                        *out = Some(());
                    }
                }
                self.at(statement);
                let cause = pair[1].map(|()| self.builder.pop()).transpose()?;
                let exception = pair[0].map(|()| self.builder.pop()).transpose()?;
                self.builder.raise(exception, cause);
                Ok(())
            }
            Stmt::Try(s) => self.try_finally(s),
            Stmt::Assert(s) => {
                let [holds, fails] = [(); 2].map(|()| self.builder.block(true));
                self.jump_if(&s.test, holds, fails)?;
                self.builder.start(fails);
                self.builder.push(name("AssertionError"));
                if let Some(message) = &s.msg {
                    self.expr(message)?;
                    let args = self.builder.pop_many(1)?;
                    let class = self.builder.pop()?;
                    self.builder.call(class, args, Vec::new());
                }
                self.at(statement);
                let exception = self.builder.pop()?;
                self.builder.raise(Some(exception), None);
                self.builder.start(holds);
                Ok(())
            }
            Stmt::Import(s) => {
                for alias in &s.names {
                    self.builder.emit_intrinsic(
                        intrinsic::IMPORT,
                        vec![constant(alias.name.to_string()), none(), int(0)],
                    );
                    let mut parts = alias.name.split('.');
                    let top = parts.next().unwrap_or_default();
                    match &alias.asname {
                        None => self.store_name(top)?,
                        Some(asname) => {
                            for part in parts {
                                let module = self.builder.pop()?;
                                self.builder.emit_intrinsic(
                                    intrinsic::IMPORT_FROM,
                                    vec![module, constant(part.to_owned())],
                                );
                            }
                            self.store_name(asname)?;
                        }
                    }
                }
                Ok(())
            }
            Stmt::ImportFrom(s) => {
                let names = s
                    .names
                    .iter()
                    .map(|alias| Constant::Str(alias.name.to_string()));
                let args = vec![
                    constant(
                        s.module
                            .as_ref()
                            .map_or(String::new(), |module| module.to_string()),
                    ),
                    constant(Constant::Tuple(names.collect())),
                    int(s.level.map_or(0, |level| level.to_usize())),
                ];
                self.builder.emit_intrinsic(intrinsic::IMPORT, args);
                for alias in &s.names {
                    let module = self.builder.peek(1)?;
                    let args = vec![module, constant(alias.name.to_string())];
                    self.builder.emit_intrinsic(intrinsic::IMPORT_FROM, args);
                    self.store_name(alias.asname.as_ref().unwrap_or(&alias.name))?;
                }
                self.builder.discard()
            }
            Stmt::Expr(s) => {
                if matches!(&*s.value, Expr::Constant(_)) {
                    return Ok(());
                }
                self.expr(&s.value)?;
                self.builder.discard()
            }
            Stmt::Break(_) => self.leave_loop(true),
            Stmt::Continue(_) => self.leave_loop(false),
            Stmt::Global(_) | Stmt::Nonlocal(_) | Stmt::Pass(_) => Ok(()),
            Stmt::ClassDef(_) => self.unread("class"),
            Stmt::AsyncFunctionDef(_) | Stmt::AsyncFor(_) | Stmt::AsyncWith(_) => {
                self.unread("async")
            }
            Stmt::TryStar(_) => self.unread("except*"),
            Stmt::TypeAlias(_) => self.unread("type"),
        }
    }

    fn unread(&mut self, construct: &str) -> Result<()> {
        self.builder.unread(construct);
        Ok(())
    }

    fn store_name(&mut self, id: &str) -> Result<()> {
        let id = self.mangled(id);
        self.builder.store(&id)
    }

    fn store(&mut self, target: &Expr) -> Result<()> {
        match target {
            Expr::Name(e) => self.store_name(&e.id),
            Expr::Attribute(_) | Expr::Subscript(_) => {
                let place = self.place(target)?;
                let value = self.builder.pop()?;
                self.at(target);
                self.builder.store_to(place, value);
                Ok(())
            }
            Expr::Tuple(e) => self.store_items(&e.elts),
            Expr::List(e) => self.store_items(&e.elts),
            Expr::Starred(e) => self.store(&e.value),
            _ => Err(self.builder.refuse("this assignment target")),
        }
    }

    fn store_items(&mut self, targets: &[Expr]) -> Result<()> {
        let star = targets
            .iter()
            .position(|target| matches!(target, Expr::Starred(_)));
        match star {
            None => self.builder.unpack(targets.len(), None)?,
            Some(at) => self.builder.unpack(at, Some(targets.len() - at - 1))?,
        }
        targets.iter().try_for_each(|target| self.store(target))
    }

    /// An attribute or subscript whose parts have been evaluated.
    fn place(&mut self, target: &Expr) -> Result<Expr> {
        match target {
            Expr::Attribute(e) => {
                self.expr(&e.value)?;
                let attr = self.mangled(&e.attr);
                Ok(attribute(self.builder.pop()?, &attr))
            }
            Expr::Subscript(e) => {
                self.expr(&e.value)?;
                self.expr(&e.slice)?;
                let slice = self.builder.pop()?;
                Ok(subscript(self.builder.pop()?, slice))
            }
            Expr::Name(e) => Ok(name(&self.mangled(&e.id))),
            _ => Err(self.builder.refuse("this target")),
        }
    }

    fn delete(&mut self, target: &Expr) -> Result<()> {
        match target {
            Expr::Tuple(e) => e.elts.iter().try_for_each(|target| self.delete(target)),
            Expr::List(e) => e.elts.iter().try_for_each(|target| self.delete(target)),
            _ => {
                let place = self.place(target)?;
                self.at(target);
                self.builder.delete(place);
                Ok(())
            }
        }
    }

    fn augmented(&mut self, target: &Expr, op: &str, value: &Expr, whole: &Stmt) -> Result<()> {
        match target {
            Expr::Attribute(e) => self.expr(&e.value)?,
            Expr::Subscript(e) => {
                self.expr(&e.value)?;
                self.expr(&e.slice)?;
            }
            _ => {}
        }
        // The place stays on the stack while the value is computed.
        let parts = match target {
            Expr::Attribute(_) => 1,
            Expr::Subscript(_) => 2,
            _ => 0,
        };
        for _ in 0..parts {
            self.builder.copy(parts)?;
        }
        self.at(target);
        match target {
            Expr::Attribute(e) => {
                let object = self.builder.pop()?;
                let attr = self.mangled(&e.attr);
                self.builder.emit(attribute(object, &attr));
            }
            Expr::Subscript(_) => {
                let slice = self.builder.pop()?;
                let object = self.builder.pop()?;
                self.builder.emit(subscript(object, slice));
            }
            _ => self.expr(target)?,
        }
        self.expr(value)?;
        self.at(whole);
        let right = self.builder.pop()?;
        let left = self.builder.pop()?;
        self.builder.emit_intrinsic(
            intrinsic::INPLACE,
            vec![constant(op.to_owned()), left, right],
        );
        match target {
            Expr::Attribute(e) => {
                let result = self.builder.pop()?;
                let object = self.builder.pop()?;
                let attr = self.mangled(&e.attr);
                self.builder.store_to(attribute(object, &attr), result);
                Ok(())
            }
            Expr::Subscript(_) => {
                let result = self.builder.pop()?;
                let slice = self.builder.pop()?;
                let object = self.builder.pop()?;
                self.builder.store_to(subscript(object, slice), result);
                Ok(())
            }
            _ => self.store(target),
        }
    }

    fn function(&mut self, def: &'a StmtFunctionDef) -> Result<()> {
        def.decorator_list
            .iter()
            .try_for_each(|decorator| self.expr(decorator))?;
        let line = match def.decorator_list.first() {
            Some(first) => self.text.position(first.range()).line,
            None => self.text.position(def.range).line,
        };
        let place = Span {
            line,
            ..Span::default()
        };
        self.closure(&def.args, &def.name, &place)?;
        for _ in &def.decorator_list {
            let function = self.builder.pop()?;
            let decorator = self.builder.pop()?;
            self.builder.call(decorator, vec![function], Vec::new());
        }
        self.store_name(&def.name)
    }

    /// Evaluates defaults and pushes the function.
    fn closure(&mut self, args: &Arguments, id: &str, place: &Span) -> Result<()> {
        let positional: Vec<&Expr> = args
            .posonlyargs
            .iter()
            .chain(&args.args)
            .filter_map(|arg| arg.default.as_deref())
            .collect();
        let keyword: Vec<_> = args
            .kwonlyargs
            .iter()
            .filter_map(|arg| Some((arg.def.arg.as_str(), arg.default.as_deref()?)))
            .collect();
        if !positional.is_empty() {
            self.display_tuple(positional.iter().copied())?;
        }
        keyword.iter().try_for_each(|(_, value)| self.expr(value))?;
        let mut kwdefaults = none();
        if !keyword.is_empty() {
            let values = self.builder.pop_many(keyword.len())?;
            let keys = keyword
                .iter()
                .map(|(id, _)| constant(self.mangled(id)))
                .collect();
            self.builder.emit(dict(keys, values));
            kwdefaults = self.builder.pop()?;
        }
        let defaults = match positional.is_empty() {
            true => none(),
            false => self.builder.pop()?,
        };
        match nested(&self.builder.code, id, place) {
            Some(code) => self.builder.closure(&code, defaults, kwdefaults),
            None => {
                // CPython compiles no function where it sees that the place is never reached.
                self.builder.unread("a function that was compiled away");
                self.builder.push(none());
            }
        }
        Ok(())
    }

    // Loops and exits.

    fn for_loop(&mut self, s: &'a StmtFor) -> Result<()> {
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

    fn while_loop(&mut self, s: &'a StmtWhile) -> Result<()> {
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

    fn leave_loop(&mut self, out: bool) -> Result<()> {
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
    fn unwind(&mut self, to: usize) -> Result<()> {
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
    fn forget(&mut self, id: &str) -> Result<()> {
        self.builder.push(none());
        self.store_name(id)?;
        let id = self.mangled(id);
        self.builder.delete(name(&id));
        Ok(())
    }

    // Exceptions.

    fn with(&mut self, s: &'a StmtWith, items: &'a [WithItem]) -> Result<()> {
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
    fn enter(&mut self) -> Result<()> {
        let manager = self.builder.pop()?;
        self.builder.stack.push(Slot::Exit(manager.clone()));
        self.builder.emit_intrinsic(intrinsic::ENTER, vec![manager]);
        Ok(())
    }

    fn caught(&mut self) {
        self.builder.emit_intrinsic(intrinsic::CAUGHT, Vec::new());
    }

    fn try_finally(&mut self, s: &'a StmtTry) -> Result<()> {
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

    fn try_except(&mut self, s: &'a StmtTry) -> Result<()> {
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

    fn named_clause(&mut self, id: &'a str, body: &'a [Stmt]) -> Result<()> {
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

    fn match_cases(&mut self, s: &'a StmtMatch) -> Result<()> {
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
    fn pattern(
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

    // Expressions.

    fn expr(&mut self, expr: &Expr) -> Result<()> {
        if self.depth == DEEPEST {
            return Err(self.builder.refuse("so deep an expression"));
        }
        self.depth += 1;
        let result = self.lower_expr(expr);
        self.depth -= 1;
        result
    }

    fn lower_expr(&mut self, expr: &Expr) -> Result<()> {
        self.at(expr);
        match expr {
            Expr::Constant(e) => self.builder.push(constant(e.value.clone())),
            Expr::Name(e) => {
                let id = self.mangled(&e.id);
                self.builder.load(&id);
            }
            Expr::BoolOp(e) => {
                let end = self.builder.block(true);
                for value in &e.values[..e.values.len() - 1] {
                    self.expr(value)?;
                    let depth = self.builder.stack.len();
                    let next = self.builder.block(false);
                    match e.op {
                        BoolOp::And => self.builder.branch_at((next, depth - 1), (end, depth))?,
                        BoolOp::Or => self.builder.branch_at((end, depth), (next, depth - 1))?,
                    }
                    self.builder.start(next);
                }
                self.expr(&e.values[e.values.len() - 1])?;
                self.builder.goto(end)?;
                self.builder.start(end);
            }
            Expr::NamedExpr(e) => {
                self.expr(&e.value)?;
                self.builder.copy(1)?;
                self.store(&e.target)?;
            }
            Expr::BinOp(e) => {
                self.expr(&e.left)?;
                self.expr(&e.right)?;
                self.at(expr);
                let right = self.builder.pop()?;
                let left = self.builder.pop()?;
                self.builder.emit(binary(left, e.op, right));
            }
            Expr::UnaryOp(e) => {
                if let (UnaryOp::USub, Expr::Constant(operand)) = (e.op, &*e.operand)
                    && let Some(value) = negative(&operand.value)
                {
                    self.builder.push(constant(value));
                    return Ok(());
                }
                self.expr(&e.operand)?;
                self.at(expr);
                let operand = self.builder.pop()?;
                self.builder.emit(unary(e.op, operand));
            }
            Expr::Lambda(e) => {
                let place = self.text.extent(expr);
                self.closure(&e.args, "<lambda>", &place)?;
            }
            Expr::IfExp(e) => {
                let [then, otherwise, end] = [(); 3].map(|()| self.builder.block(true));
                self.jump_if(&e.test, then, otherwise)?;
                let depth = self.builder.stack.len();
                self.builder.start(then);
                self.expr(&e.body)?;
                self.builder.goto(end)?;
                self.builder.stack.truncate(depth);
                self.builder.start(otherwise);
                self.expr(&e.orelse)?;
                self.builder.goto(end)?;
                self.builder.start(end);
            }
            Expr::Dict(e) => self.display_dict(&e.keys, &e.values)?,
            Expr::Set(e) => self.display(Kind::Set, &e.elts)?,
            Expr::List(e) => self.display(Kind::List, &e.elts)?,
            Expr::Tuple(e) => match e.elts.iter().any(|e| matches!(e, Expr::Starred(_))) {
                false => self.display_tuple(e.elts.iter())?,
                true => {
                    self.display(Kind::List, &e.elts)?;
                    let items = self.builder.pop()?;
                    self.builder.emit_intrinsic(intrinsic::TUPLE, vec![items]);
                }
            },
            Expr::ListComp(_) | Expr::SetComp(_) | Expr::DictComp(_) | Expr::GeneratorExp(_) => {
                self.comprehension(expr)?;
            }
            Expr::Await(_) => self.unread_expr("await"),
            Expr::Yield(_) => self.unread_expr("yield"),
            Expr::YieldFrom(_) => self.unread_expr("yield from"),
            Expr::Compare(e) => self.comparison(e)?,
            Expr::Call(e) => self.call(e)?,
            Expr::FormattedValue(_) => self.formatted(expr)?,
            Expr::JoinedStr(e) => {
                for part in &e.values {
                    self.formatted(part)?;
                }
                let single = matches!(
                    e.values.as_slice(),
                    [Expr::FormattedValue(_) | Expr::Constant(_)]
                );
                let parts = self.builder.pop_many(e.values.len())?;
                match (single, parts.as_slice()) {
                    (true, [part]) => self.builder.push(part.clone()),
                    _ => {
                        self.at(expr);
                        self.builder.emit_intrinsic(intrinsic::JOIN, parts);
                    }
                }
            }
            Expr::Attribute(e) => {
                self.expr(&e.value)?;
                self.at(expr);
                let value = self.builder.pop()?;
                let attr = self.mangled(&e.attr);
                self.builder.emit(attribute(value, &attr));
            }
            Expr::Subscript(e) => {
                self.expr(&e.value)?;
                self.expr(&e.slice)?;
                self.at(expr);
                let slice = self.builder.pop()?;
                let value = self.builder.pop()?;
                self.builder.emit(subscript(value, slice));
            }
            Expr::Slice(e) => {
                for part in [&e.lower, &e.upper, &e.step] {
                    match part {
                        Some(part) => self.expr(part)?,
                        None => self.builder.push(none()),
                    }
                }
                self.at(expr);
                let parts = self.builder.pop_many(3)?;
                self.builder.emit_intrinsic(intrinsic::SLICE, parts);
            }
            Expr::Starred(_) => return Err(self.builder.refuse("a star here")),
        }
        Ok(())
    }

    fn unread_expr(&mut self, construct: &str) {
        self.builder.unread(construct);
        self.builder.push(none());
    }

    /// Goes to `then` or `otherwise` by the truth of `test`.
    fn jump_if(&mut self, test: &Expr, then: BlockId, otherwise: BlockId) -> Result<()> {
        match test {
            Expr::UnaryOp(e) if e.op == UnaryOp::Not => self.jump_if(&e.operand, otherwise, then),
            Expr::BoolOp(e) => {
                for (at, value) in e.values.iter().enumerate() {
                    if at + 1 == e.values.len() {
                        return self.jump_if(value, then, otherwise);
                    }
                    let next = self.builder.block(true);
                    match e.op {
                        BoolOp::And => self.jump_if(value, next, otherwise)?,
                        BoolOp::Or => self.jump_if(value, then, next)?,
                    }
                    self.builder.start(next);
                }
                Ok(())
            }
            Expr::Compare(e) if e.ops.len() > 1 => {
                self.expr(&e.left)?;
                let pairs = e.ops.len();
                for (at, (op, right)) in e.ops.iter().zip(&e.comparators).enumerate() {
                    self.expr(right)?;
                    if at + 1 == pairs {
                        self.at(test);
                        self.compare_top(*op)?;
                        return self.builder.branch(then, otherwise);
                    }
                    self.builder.copy(1)?;
                    self.rotate()?;
                    self.at(test);
                    self.compare_top(*op)?;
                    let depth = self.builder.stack.len();
                    let next = self.builder.block(false);
                    self.builder
                        .branch_at((next, depth - 1), (otherwise, depth - 2))?;
                    self.builder.start(next);
                }
                Ok(())
            }
            _ => {
                self.expr(test)?;
                self.at(test);
                self.builder.branch(then, otherwise)
            }
        }
    }

    /// `a, b, b` to `b, a, b`.
    fn rotate(&mut self) -> Result<()> {
        self.builder.swap(2)?;
        self.builder.swap(3)?;
        self.builder.swap(2)
    }

    fn compare_top(&mut self, op: CmpOp) -> Result<()> {
        let right = self.builder.pop()?;
        let left = self.builder.pop()?;
        self.builder.emit(compare(left, op, right));
        Ok(())
    }

    fn comparison(&mut self, e: &ExprCompare) -> Result<()> {
        self.expr(&e.left)?;
        if let ([op], [right]) = (e.ops.as_slice(), e.comparators.as_slice()) {
            self.expr(right)?;
            self.at(e);
            return self.compare_top(*op);
        }
        let [cleanup, end] = [(); 2].map(|()| self.builder.block(true));
        for (at, (op, right)) in e.ops.iter().zip(&e.comparators).enumerate() {
            self.expr(right)?;
            if at + 1 == e.ops.len() {
                self.at(e);
                self.compare_top(*op)?;
                self.builder.goto(end)?;
                break;
            }
            self.builder.copy(1)?;
            self.rotate()?;
            self.at(e);
            self.compare_top(*op)?;
            let depth = self.builder.stack.len();
            let next = self.builder.block(false);
            self.builder
                .branch_at((next, depth - 1), (cleanup, depth))?;
            self.builder.start(next);
        }
        self.builder.start(cleanup);
        if self.builder.reachable() {
            self.builder.swap(2)?;
            self.builder.discard()?;
            self.builder.goto(end)?;
        }
        self.builder.start(end);
        Ok(())
    }

    fn call(&mut self, e: &ExprCall) -> Result<()> {
        self.expr(&e.func)?;
        for arg in &e.args {
            match arg {
                Expr::Starred(arg) => self.expr(&arg.value)?,
                arg => self.expr(arg)?,
            }
        }
        for keyword in &e.keywords {
            self.expr(&keyword.value)?;
        }
        self.at(e);
        let values = self.builder.pop_many(e.keywords.len())?;
        let mut args = self.builder.pop_many(e.args.len())?;
        for (arg, written) in args.iter_mut().zip(&e.args) {
            if matches!(written, Expr::Starred(_)) {
                *arg = starred(arg.clone());
            }
        }
        let names = e
            .keywords
            .iter()
            .map(|k| k.arg.as_ref().map(|id| self.mangled(id)));
        let keywords = names.collect::<Vec<_>>().into_iter().zip(values).collect();
        let function = self.builder.pop()?;
        self.builder.call(function, args, keywords);
        Ok(())
    }

    fn formatted(&mut self, part: &Expr) -> Result<()> {
        let Expr::FormattedValue(e) = part else {
            return self.expr(part);
        };
        self.expr(&e.value)?;
        match &e.format_spec {
            Some(spec) => self.expr(spec)?,
            None => self.builder.push(constant(String::new())),
        }
        self.at(part);
        let spec = self.builder.pop()?;
        let value = self.builder.pop()?;
        let conversion = match e.conversion {
            ConversionFlag::None => "",
            ConversionFlag::Str => "s",
            ConversionFlag::Repr => "r",
            ConversionFlag::Ascii => "a",
        };
        let args = vec![value, constant(conversion.to_owned()), spec];
        self.builder.emit_intrinsic(intrinsic::FORMAT, args);
        Ok(())
    }

    // Displays.

    fn display_tuple<'e>(&mut self, elts: impl Iterator<Item = &'e Expr>) -> Result<()> {
        let span = self.builder.span.clone();
        let mut count = 0;
        for elt in elts {
            self.expr(elt)?;
            count += 1;
        }
        let atoms = self.builder.pop_many(count)?;
        self.builder.span = span;
        match constants(&atoms) {
            Some(values) => self.builder.push(constant(Constant::Tuple(values))),
            None => self.builder.emit(tuple(atoms)),
        }
        Ok(())
    }

    /// A list or set, with stars or without.
    fn display(&mut self, kind: Kind, elts: &[Expr]) -> Result<()> {
        let span = self.builder.span.clone();
        let plain = elts
            .iter()
            .take_while(|e| !matches!(e, Expr::Starred(_)))
            .count();
        let (plain, rest) = elts.split_at(plain);
        plain.iter().try_for_each(|elt| self.expr(elt))?;
        let atoms = self.builder.pop_many(plain.len())?;
        self.builder.span = span;
        match kind {
            Kind::Set if atoms.is_empty() => self.empty(Kind::Set),
            Kind::Set => self.builder.emit(set(atoms)),
            _ => self.builder.emit(list(atoms)),
        }
        for elt in rest {
            let (value, one, many) = match elt {
                Expr::Starred(e) => (&*e.value, false, kind),
                elt => (elt, true, kind),
            };
            self.expr(value)?;
            let item = self.builder.pop()?;
            let container = self.builder.peek(1)?;
            let which = match (many, one) {
                (Kind::Set, true) => intrinsic::ADD,
                (Kind::Set, false) => intrinsic::UPDATE,
                (_, true) => intrinsic::APPEND,
                (_, false) => intrinsic::EXTEND,
            };
            self.builder
                .effect_intrinsic(which, vec![container, item])?;
        }
        Ok(())
    }

    fn display_dict(&mut self, keys: &[Option<Expr>], values: &[Expr]) -> Result<()> {
        let span = self.builder.span.clone();
        let plain = keys.iter().take_while(|key| key.is_some()).count();
        for (key, value) in keys.iter().zip(values).take(plain) {
            key.iter().try_for_each(|key| self.expr(key))?;
            self.expr(value)?;
        }
        let atoms = self.builder.pop_many(2 * plain)?;
        self.builder.span = span;
        let (keys_now, values_now) = atoms
            .chunks_exact(2)
            .map(|pair| (pair[0].clone(), pair[1].clone()))
            .unzip();
        self.builder.emit(dict(keys_now, values_now));
        for (key, value) in keys.iter().zip(values).skip(plain) {
            key.iter().try_for_each(|key| self.expr(key))?;
            self.expr(value)?;
            let mut args = self.builder.pop_many(1 + usize::from(key.is_some()))?;
            args.insert(0, self.builder.peek(1)?);
            let which = if key.is_some() {
                intrinsic::PUT
            } else {
                intrinsic::UPDATE
            };
            self.builder.effect_intrinsic(which, args)?;
        }
        Ok(())
    }

    // Comprehensions.

    fn empty(&mut self, kind: Kind) {
        match kind {
            Kind::Set => self.builder.emit(set(Vec::new())),
            Kind::Dict => self.builder.emit(dict(Vec::new(), Vec::new())),
            Kind::List | Kind::Generator => self.builder.emit(list(Vec::new())),
        }
    }

    fn comprehension(&mut self, expr: &Expr) -> Result<()> {
        let Some(Found::Comprehension(kind, results, generators)) = comprehension(expr) else {
            return Err(self.builder.refuse("this comprehension"));
        };
        let Some(first) = generators.first() else {
            return Err(self.builder.refuse("this comprehension"));
        };
        if generators.iter().any(|generator| generator.is_async) {
            self.unread_expr("async");
            return Ok(());
        }
        let mut variables = Vec::new();
        generators
            .iter()
            .for_each(|generator| targets(&generator.target, &mut variables));
        let captured = captures(expr, &variables);
        let nested_call =
            kind == Kind::Generator || captured && self.builder.code.version < (3, 12);
        if nested_call {
            let place = self.text.extent(expr);
            match nested(&self.builder.code, kind.code_name(), &place) {
                Some(code) => self.builder.closure(&code, none(), none()),
                None => {
                    self.unread_expr("a function that was compiled away");
                    return Ok(());
                }
            }
        }
        self.expr(&first.iter)?;
        let iterable = self.builder.pop()?;
        self.builder.emit_intrinsic(intrinsic::ITER, vec![iterable]);
        if nested_call {
            self.at(expr);
            let iterator = self.builder.pop()?;
            let function = self.builder.pop()?;
            self.builder.call(function, vec![iterator], Vec::new());
            return Ok(());
        }
        for id in &variables {
            let cell = captured && captures(expr, &[id]);
            let id = self.mangled(id);
            self.builder.hide(&id);
            if cell {
                self.builder.hide_cell(&id);
            }
            self.builder.swap(2)?;
        }
        self.empty(kind);
        self.builder.swap(2)?;
        self.generators(kind, results, generators, 0)?;
        for id in variables.iter().rev() {
            let id = self.mangled(id);
            self.builder.swap(2)?;
            self.builder.reveal(&id)?;
        }
        Ok(())
    }

    /// Loops over generator number `at` and those inside; its iterator is on the top, and goes.
    fn generators(
        &mut self,
        kind: Kind,
        results: [Option<&Expr>; 2],
        generators: &[Comprehension],
        at: usize,
    ) -> Result<()> {
        let Some(generator) = generators.get(at) else {
            return self.result(kind, results, at);
        };
        if at > 0 {
            self.expr(&generator.iter)?;
            let iterable = self.builder.pop()?;
            self.builder.emit_intrinsic(intrinsic::ITER, vec![iterable]);
        }
        let depth = self.builder.stack.len();
        let [head, exhausted] = [(); 2].map(|()| self.builder.block(true));
        let body = self.builder.block(false);
        self.builder.goto(head)?;
        self.builder.start(head);
        self.builder
            .next(body, exhausted, depth.saturating_sub(1))?;
        self.builder.start(body);
        self.store(&generator.target)?;
        for test in &generator.ifs {
            let passed = self.builder.block(true);
            self.jump_if(test, passed, head)?;
            self.builder.start(passed);
        }
        self.generators(kind, results, generators, at + 1)?;
        self.builder.goto(head)?;
        self.builder.start(exhausted);
        Ok(())
    }

    /// Adds one result to the container below `loops` iterators.
    fn result(&mut self, kind: Kind, results: [Option<&Expr>; 2], loops: usize) -> Result<()> {
        let mut count = 0;
        for result in results.into_iter().flatten() {
            self.expr(result)?;
            count += 1;
        }
        let mut args = self.builder.pop_many(count)?;
        if kind != Kind::Generator {
            args.insert(0, self.builder.peek(loops + 1)?);
        }
        let which = match kind {
            Kind::List => intrinsic::APPEND,
            Kind::Set => intrinsic::ADD,
            Kind::Dict => intrinsic::PUT,
            Kind::Generator => intrinsic::YIELD,
        };
        self.builder.effect_intrinsic(which, args)
    }
}

/// Names bound by a target.
fn targets<'e>(target: &'e Expr, out: &mut Vec<&'e str>) {
    match target {
        Expr::Name(e) if !out.contains(&e.id.as_str()) => out.push(&e.id),
        Expr::Tuple(e) => e.elts.iter().for_each(|e| targets(e, out)),
        Expr::List(e) => e.elts.iter().for_each(|e| targets(e, out)),
        Expr::Starred(e) => targets(&e.value, out),
        _ => {}
    }
}

/// Whether a function made inside a comprehension uses one of its variables.
fn captures(expr: &Expr, variables: &[&str]) -> bool {
    fn uses(expr: &Expr, variables: &[&str]) -> bool {
        match expr {
            Expr::Name(e) => variables.contains(&e.id.as_str()),
            expr => expressions(expr)
                .into_iter()
                .any(|child| uses(child, variables)),
        }
    }
    expressions(expr).into_iter().any(|child| match child {
        Expr::Lambda(_) | Expr::GeneratorExp(_) => uses(child, variables),
        child => captures(child, variables),
    })
}

fn constants(atoms: &[Expr]) -> Option<Vec<Constant>> {
    atoms
        .iter()
        .map(|atom| match atom {
            Expr::Constant(e) => Some(e.value.clone()),
            _ => None,
        })
        .collect()
}

fn negative(value: &Constant) -> Option<Constant> {
    match value {
        Constant::Int(i) => Some(Constant::Int(-i)),
        Constant::Float(x) => Some(Constant::Float(-x)),
        Constant::Complex { real, imag } => Some(Constant::Complex {
            real: -real,
            imag: -imag,
        }),
        _ => None,
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
