//! Comprehensions as loops, generator expressions as calls.
//!
//! In: a comprehension. Out: its container on the stack, its variables hidden while it is filled:
//!
//! ```text
//! [f(x) for x in xs]      $0 = $$iter(xs)   $1 = []   next $x of $0: $2 = f($x)   $$append($1, $2)
//! ```
//!
//! Source: PEP 709, which makes this the meaning from 3.12 on; before, no program can tell.

use super::super::find::{Found, Kind, comprehension, nested};
use super::super::walk::expressions;
use super::Lowering;
use crate::ast::build::make::{dict, list, none, set};
use crate::ast::intrinsic;
use crate::ast::py::{Comprehension, Expr};
use crate::error::Result;

impl<'a> Lowering<'a> {
    pub(super) fn empty(&mut self, kind: Kind) {
        match kind {
            Kind::Set => self.builder.emit(set(Vec::new())),
            Kind::Dict => self.builder.emit(dict(Vec::new(), Vec::new())),
            Kind::List | Kind::Generator => self.builder.emit(list(Vec::new())),
        }
    }

    pub(super) fn comprehension(&mut self, expr: &Expr) -> Result<()> {
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
    pub(super) fn generators(
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
    pub(super) fn result(
        &mut self,
        kind: Kind,
        results: [Option<&Expr>; 2],
        loops: usize,
    ) -> Result<()> {
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
