//! Simple statements, assignment and definitions.
//!
//! In: a statement. Out: its effects on the builder; the stack is as before:
//!
//! ```text
//! a[i] += f(x)      $0 = a[i]   $1 = f(x)   $2 = $$inplace('+', $0, $1)   a[i] = $2
//! ```
//!
//! Source: `compiler_visit_stmt` of CPython.

use super::super::find::nested;
use super::{Lowering, operator};
use crate::ast::Span;
use crate::ast::build::make::{attribute, constant, dict, int, name, none, subscript};
use crate::ast::intrinsic;
use crate::ast::py::{Arguments, Constant, Expr, Ranged, Stmt, StmtFunctionDef};
use crate::error::Result;

impl<'a> Lowering<'a> {
    pub(super) fn statement(&mut self, statement: &'a Stmt) -> Result<()> {
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

    pub(super) fn store_name(&mut self, id: &str) -> Result<()> {
        let id = self.mangled(id);
        self.builder.store(&id)
    }

    pub(super) fn store(&mut self, target: &Expr) -> Result<()> {
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

    pub(super) fn store_items(&mut self, targets: &[Expr]) -> Result<()> {
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
    pub(super) fn place(&mut self, target: &Expr) -> Result<Expr> {
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

    pub(super) fn delete(&mut self, target: &Expr) -> Result<()> {
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

    pub(super) fn augmented(
        &mut self,
        target: &Expr,
        op: &str,
        value: &Expr,
        whole: &Stmt,
    ) -> Result<()> {
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

    pub(super) fn function(&mut self, def: &'a StmtFunctionDef) -> Result<()> {
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
    pub(super) fn closure(&mut self, args: &Arguments, id: &str, place: &Span) -> Result<()> {
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
}
