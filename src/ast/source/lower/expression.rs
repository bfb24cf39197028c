//! Expressions and conditions.
//!
//! In: an expression. Out: one more atom on the stack, or a jump by its truth:
//!
//! ```text
//! f(x, y + 1)      $0 = y + 1   $1 = f(x, $0)   push $1
//! ```
//!
//! Source: `compiler_visit_expr` and `compiler_jump_if` of CPython.

use super::super::find::Kind;
use super::{DEEPEST, Lowering};
use crate::ast::build::make::{
    attribute, binary, compare, constant, none, starred, subscript, unary,
};
use crate::ast::py::{
    BoolOp, CmpOp, Constant, ConversionFlag, Expr, ExprCall, ExprCompare, UnaryOp,
};
use crate::ast::{BlockId, intrinsic};
use crate::error::Result;

impl<'a> Lowering<'a> {
    pub(super) fn expr(&mut self, expr: &Expr) -> Result<()> {
        if self.depth == DEEPEST {
            return Err(self.builder.refuse("so deep an expression"));
        }
        self.depth += 1;
        let result = self.lower_expr(expr);
        self.depth -= 1;
        result
    }

    pub(super) fn lower_expr(&mut self, expr: &Expr) -> Result<()> {
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
            Expr::Yield(e) => {
                match &e.value {
                    Some(value) => self.expr(value)?,
                    None => self.builder.push(none()),
                }
                self.at(expr);
                let value = self.builder.pop()?;
                self.builder.emit_intrinsic(intrinsic::YIELD, vec![value]);
            }
            Expr::YieldFrom(e) => {
                self.expr(&e.value)?;
                self.at(expr);
                let items = self.builder.pop()?;
                self.builder
                    .emit_intrinsic(intrinsic::YIELD_FROM, vec![items]);
            }
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

    pub(super) fn unread_expr(&mut self, construct: &str) {
        self.builder.unread(construct);
        self.builder.push(none());
    }

    /// Goes to `then` or `otherwise` by the truth of `test`.
    pub(super) fn jump_if(&mut self, test: &Expr, then: BlockId, otherwise: BlockId) -> Result<()> {
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
    pub(super) fn rotate(&mut self) -> Result<()> {
        self.builder.swap(2)?;
        self.builder.swap(3)?;
        self.builder.swap(2)
    }

    pub(super) fn compare_top(&mut self, op: CmpOp) -> Result<()> {
        let right = self.builder.pop()?;
        let left = self.builder.pop()?;
        self.builder.emit(compare(left, op, right));
        Ok(())
    }

    pub(super) fn comparison(&mut self, e: &ExprCompare) -> Result<()> {
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

    pub(super) fn call(&mut self, e: &ExprCall) -> Result<()> {
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

    pub(super) fn formatted(&mut self, part: &Expr) -> Result<()> {
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
