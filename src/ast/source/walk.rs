//! Children of statements and expressions, all of them.
//!
//! In: a node. Out: its direct sub-expressions and sub-statements, in the order of evaluation:
//!
//! ```text
//! f(x, *y, k=z)   =>   f, x, *y, z
//! ```
//!
//! The parser's own `Visitor` skips keywords, comprehensions and arguments.

use crate::ast::py::{Arguments, Comprehension, ExceptHandler, Expr, Pattern, Stmt};

/// A child of a statement.
pub enum Child<'a> {
    Expr(&'a Expr),
    Body(&'a [Stmt]),
}

fn defaults(args: &Arguments) -> impl Iterator<Item = &Expr> {
    args.posonlyargs
        .iter()
        .chain(&args.args)
        .chain(&args.kwonlyargs)
        .filter_map(|arg| arg.default.as_deref())
}

fn generators<'a>(generators: &'a [Comprehension], out: &mut Vec<&'a Expr>) {
    for generator in generators {
        out.extend([&generator.iter, &generator.target]);
        out.extend(&generator.ifs);
    }
}

/// The direct sub-expressions. A lambda's are its defaults and its body.
pub fn expressions(expr: &Expr) -> Vec<&Expr> {
    let mut out: Vec<&Expr> = Vec::new();
    match expr {
        Expr::BoolOp(e) => out.extend(&e.values),
        Expr::NamedExpr(e) => out.extend([&*e.value, &*e.target]),
        Expr::BinOp(e) => out.extend([&*e.left, &*e.right]),
        Expr::UnaryOp(e) => out.push(&e.operand),
        Expr::Lambda(e) => {
            out.extend(defaults(&e.args));
            out.push(&e.body);
        }
        Expr::IfExp(e) => out.extend([&*e.test, &*e.body, &*e.orelse]),
        Expr::Dict(e) => {
            for (key, value) in e.keys.iter().zip(&e.values) {
                out.extend(key);
                out.push(value);
            }
        }
        Expr::Set(e) => out.extend(&e.elts),
        Expr::ListComp(e) => {
            generators(&e.generators, &mut out);
            out.push(&e.elt);
        }
        Expr::SetComp(e) => {
            generators(&e.generators, &mut out);
            out.push(&e.elt);
        }
        Expr::DictComp(e) => {
            generators(&e.generators, &mut out);
            out.extend([&*e.key, &*e.value]);
        }
        Expr::GeneratorExp(e) => {
            generators(&e.generators, &mut out);
            out.push(&e.elt);
        }
        Expr::Await(e) => out.push(&e.value),
        Expr::Yield(e) => out.extend(e.value.as_deref()),
        Expr::YieldFrom(e) => out.push(&e.value),
        Expr::Compare(e) => {
            out.push(&e.left);
            out.extend(&e.comparators);
        }
        Expr::Call(e) => {
            out.push(&e.func);
            out.extend(&e.args);
            out.extend(e.keywords.iter().map(|keyword| &keyword.value));
        }
        Expr::FormattedValue(e) => {
            out.push(&e.value);
            out.extend(e.format_spec.as_deref());
        }
        Expr::JoinedStr(e) => out.extend(&e.values),
        Expr::Constant(_) | Expr::Name(_) => {}
        Expr::Attribute(e) => out.push(&e.value),
        Expr::Subscript(e) => out.extend([&*e.value, &*e.slice]),
        Expr::Starred(e) => out.push(&e.value),
        Expr::List(e) => out.extend(&e.elts),
        Expr::Tuple(e) => out.extend(&e.elts),
        Expr::Slice(e) => {
            out.extend(
                [&e.lower, &e.upper, &e.step]
                    .into_iter()
                    .filter_map(|e| e.as_deref()),
            );
        }
    }
    out
}

fn pattern<'a>(p: &'a Pattern, out: &mut Vec<Child<'a>>) {
    match p {
        Pattern::MatchValue(p) => out.push(Child::Expr(&p.value)),
        Pattern::MatchSingleton(_) | Pattern::MatchStar(_) => {}
        Pattern::MatchSequence(p) => p.patterns.iter().for_each(|p| pattern(p, out)),
        Pattern::MatchMapping(p) => {
            out.extend(p.keys.iter().map(Child::Expr));
            p.patterns.iter().for_each(|p| pattern(p, out));
        }
        Pattern::MatchClass(p) => {
            out.push(Child::Expr(&p.cls));
            p.patterns
                .iter()
                .chain(&p.kwd_patterns)
                .for_each(|p| pattern(p, out));
        }
        Pattern::MatchAs(p) => p.pattern.iter().for_each(|p| pattern(p, out)),
        Pattern::MatchOr(p) => p.patterns.iter().for_each(|p| pattern(p, out)),
    }
}

/// The direct sub-expressions and bodies.
pub fn children(statement: &Stmt) -> Vec<Child<'_>> {
    let mut out = Vec::new();
    match statement {
        Stmt::FunctionDef(s) => {
            out.extend(s.decorator_list.iter().map(Child::Expr));
            out.extend(defaults(&s.args).map(Child::Expr));
            out.push(Child::Body(&s.body));
        }
        Stmt::AsyncFunctionDef(s) => {
            out.extend(s.decorator_list.iter().map(Child::Expr));
            out.extend(defaults(&s.args).map(Child::Expr));
            out.push(Child::Body(&s.body));
        }
        Stmt::ClassDef(s) => {
            out.extend(s.decorator_list.iter().map(Child::Expr));
            out.extend(s.bases.iter().map(Child::Expr));
            out.extend(s.keywords.iter().map(|keyword| Child::Expr(&keyword.value)));
            out.push(Child::Body(&s.body));
        }
        Stmt::Return(s) => out.extend(s.value.as_deref().map(Child::Expr)),
        Stmt::Delete(s) => out.extend(s.targets.iter().map(Child::Expr)),
        Stmt::Assign(s) => {
            out.push(Child::Expr(&s.value));
            out.extend(s.targets.iter().map(Child::Expr));
        }
        Stmt::TypeAlias(s) => out.push(Child::Expr(&s.value)),
        Stmt::AugAssign(s) => out.extend([Child::Expr(&s.target), Child::Expr(&s.value)]),
        Stmt::AnnAssign(s) => {
            out.extend(s.value.as_deref().map(Child::Expr));
            out.push(Child::Expr(&s.target));
        }
        Stmt::For(s) => {
            out.extend([Child::Expr(&s.iter), Child::Expr(&s.target)]);
            out.extend([Child::Body(&s.body), Child::Body(&s.orelse)]);
        }
        Stmt::AsyncFor(s) => {
            out.extend([Child::Expr(&s.iter), Child::Expr(&s.target)]);
            out.extend([Child::Body(&s.body), Child::Body(&s.orelse)]);
        }
        Stmt::While(s) => {
            out.push(Child::Expr(&s.test));
            out.extend([Child::Body(&s.body), Child::Body(&s.orelse)]);
        }
        Stmt::If(s) => {
            out.push(Child::Expr(&s.test));
            out.extend([Child::Body(&s.body), Child::Body(&s.orelse)]);
        }
        Stmt::With(s) => {
            for item in &s.items {
                out.push(Child::Expr(&item.context_expr));
                out.extend(item.optional_vars.as_deref().map(Child::Expr));
            }
            out.push(Child::Body(&s.body));
        }
        Stmt::AsyncWith(s) => {
            for item in &s.items {
                out.push(Child::Expr(&item.context_expr));
                out.extend(item.optional_vars.as_deref().map(Child::Expr));
            }
            out.push(Child::Body(&s.body));
        }
        Stmt::Match(s) => {
            out.push(Child::Expr(&s.subject));
            for case in &s.cases {
                pattern(&case.pattern, &mut out);
                out.extend(case.guard.as_deref().map(Child::Expr));
                out.push(Child::Body(&case.body));
            }
        }
        Stmt::Raise(s) => {
            out.extend(s.exc.as_deref().map(Child::Expr));
            out.extend(s.cause.as_deref().map(Child::Expr));
        }
        Stmt::Try(s) => try_children(&s.body, &s.handlers, &s.orelse, &s.finalbody, &mut out),
        Stmt::TryStar(s) => try_children(&s.body, &s.handlers, &s.orelse, &s.finalbody, &mut out),
        Stmt::Assert(s) => {
            out.push(Child::Expr(&s.test));
            out.extend(s.msg.as_deref().map(Child::Expr));
        }
        Stmt::Expr(s) => out.push(Child::Expr(&s.value)),
        Stmt::Import(_)
        | Stmt::ImportFrom(_)
        | Stmt::Global(_)
        | Stmt::Nonlocal(_)
        | Stmt::Pass(_)
        | Stmt::Break(_)
        | Stmt::Continue(_) => {}
    }
    out
}

fn try_children<'a>(
    body: &'a [Stmt],
    handlers: &'a [ExceptHandler],
    orelse: &'a [Stmt],
    finalbody: &'a [Stmt],
    out: &mut Vec<Child<'a>>,
) {
    out.push(Child::Body(body));
    for ExceptHandler::ExceptHandler(handler) in handlers {
        out.extend(handler.type_.as_deref().map(Child::Expr));
        out.push(Child::Body(&handler.body));
    }
    out.extend([Child::Body(orelse), Child::Body(finalbody)]);
}
