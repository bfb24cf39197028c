//! Python source from the AST, the mirror of [`super::source`].
//!
//! In: `rustpython_ast` statements or an expression. Out: text in the style of `ruff format` that
//! parses back to the same AST. (The printer that comes with `rustpython_ast` writes
//! 0.9999999999999999 as 1.0, and has no statements.)
//!
//! ```text
//! Return(BinOp(x * Constant(2.0)))   =>   return x * 2.0
//! ```

mod expression;
mod layout;
mod literal;
mod pattern;

use rustpython_ast::{
    Alias, Arguments, Constant, ExceptHandler, Expr, Identifier, Int, Stmt, StmtClassDef, StmtIf,
    TypeParam, WithItem,
};

use rustpython_parser::{Parse, ast::Suite};

use crate::error::{Error, ErrorKind, Result};
use expression::{Printer, augmented, level};
use layout::{Doc, bracketed, concat, render, text};

const PRINTER: Printer = Printer { quote: '"' };

/// A module.
pub fn statements(body: &[Stmt]) -> String {
    let mut out = Output::default();
    out.body(body);
    out.text
}

/// Source in, the same program in this printer's layout out.
///
/// # Errors
/// `Syntax` if it does not parse.
pub fn reprint(source: &str) -> Result<String> {
    let module = Suite::parse(source, "<source>").map_err(|error| {
        Error::new(ErrorKind::Syntax {
            message: error.to_string(),
        })
    })?;
    Ok(statements(&module))
}

/// An expression, in several lines if it is long.
pub fn expression(e: &Expr) -> String {
    render(&PRINTER.statement_value(e, level::TUPLE), 0)
}

/// How many columns an expression takes on one line.
pub fn width(e: &Expr) -> usize {
    expression::flat(&PRINTER.expr(e, level::TUPLE))
        .chars()
        .count()
}

/// Text so far, and the indentation of the next line.
#[derive(Default)]
struct Output {
    text: String,
    depth: usize,
}

impl Output {
    fn line(&mut self, parts: impl IntoIterator<Item = Doc>) {
        self.text.push_str(&render(&concat(parts), self.depth));
        self.text.push('\n');
    }

    fn body(&mut self, body: &[Stmt]) {
        for (i, statement) in body.iter().enumerate() {
            if i > 0 && (is_definition(statement) || is_definition(&body[i - 1])) {
                self.text
                    .push_str(if self.depth == 0 { "\n\n" } else { "\n" });
            }
            let leads = i == 0 && self.depth > 0;
            match docstring(statement).filter(|_| leads) {
                Some(s) => self.line([text(s)]),
                None => self.statement(statement),
            }
        }
    }

    /// An indented suite.
    fn suite(&mut self, body: &[Stmt]) {
        self.depth += 1;
        if body.is_empty() {
            self.line([text("pass")]);
        }
        self.body(body);
        self.depth -= 1;
    }

    /// `head:` and its suite.
    fn block(&mut self, head: impl IntoIterator<Item = Doc>, body: &[Stmt]) {
        self.line(head.into_iter().chain([text(":")]));
        self.suite(body);
    }

    fn optional_block(&mut self, word: &'static str, body: &[Stmt]) {
        if !body.is_empty() {
            self.block([text(word)], body);
        }
    }

    fn statement(&mut self, s: &Stmt) {
        let p = PRINTER;
        match s {
            Stmt::FunctionDef(f) => {
                self.decorators(&f.decorator_list);
                let head = signature("def ", &f.name, &f.type_params, &f.args, &f.returns);
                self.block([head], &f.body);
            }
            Stmt::AsyncFunctionDef(f) => {
                self.decorators(&f.decorator_list);
                let head = signature("async def ", &f.name, &f.type_params, &f.args, &f.returns);
                self.block([head], &f.body);
            }
            Stmt::ClassDef(c) => self.class(c),
            Stmt::Return(r) => match &r.value {
                Some(v) => self.line([text("return "), p.statement_value(v, level::TUPLE)]),
                None => self.line([text("return")]),
            },
            Stmt::Delete(d) => {
                let targets = d.targets.iter().map(|t| p.statement_value(t, level::TEST));
                self.line([text("del "), commas(targets)]);
            }
            Stmt::Assign(a) => {
                let mut line = Vec::new();
                for target in &a.targets {
                    line.extend([p.statement_value(target, level::TUPLE), text(" = ")]);
                }
                line.push(p.statement_value(&a.value, level::TUPLE));
                self.line(line);
            }
            Stmt::TypeAlias(t) => self.line([
                text("type "),
                p.statement_value(&t.name, level::ATOM),
                type_parameters(&t.type_params),
                text(" = "),
                p.statement_value(&t.value, level::TEST),
            ]),
            Stmt::AugAssign(a) => self.line([
                p.statement_value(&a.target, level::ATOM),
                text(augmented(a.op)),
                p.statement_value(&a.value, level::TUPLE),
            ]),
            Stmt::AnnAssign(a) => {
                let target = p.statement_value(&a.target, level::ATOM);
                // `(x): int` is not the declaration of a local name.
                let mut line = match &*a.target {
                    Expr::Name(_) if !a.simple => vec![text("("), target, text(")")],
                    _ => vec![target],
                };
                line.extend([text(": "), p.statement_value(&a.annotation, level::TEST)]);
                if let Some(value) = &a.value {
                    line.extend([text(" = "), p.statement_value(value, level::TEST)]);
                }
                self.line(line);
            }
            Stmt::For(f) => self.loop_over("for ", &f.target, &f.iter, &f.body, &f.orelse),
            Stmt::AsyncFor(f) => {
                self.loop_over("async for ", &f.target, &f.iter, &f.body, &f.orelse);
            }
            Stmt::While(w) => {
                let test = p.statement_value(&w.test, level::NAMED);
                self.block([text("while "), test], &w.body);
                self.optional_block("else", &w.orelse);
            }
            Stmt::If(i) => self.conditional("if ", i),
            Stmt::With(w) => self.with("with ", &w.items, &w.body),
            Stmt::AsyncWith(w) => self.with("async with ", &w.items, &w.body),
            Stmt::Match(m) => {
                let subject = p.statement_value(&m.subject, level::TUPLE);
                self.line([text("match "), subject, text(":")]);
                self.depth += 1;
                for case in &m.cases {
                    let mut head = vec![text("case "), pattern::open(&case.pattern)];
                    if let Some(guard) = &case.guard {
                        head.extend([text(" if "), p.statement_value(guard, level::NAMED)]);
                    }
                    self.block(head, &case.body);
                }
                self.depth -= 1;
            }
            Stmt::Raise(r) => {
                let mut line = vec![text("raise")];
                if let Some(exc) = &r.exc {
                    line.extend([text(" "), p.statement_value(exc, level::TEST)]);
                }
                if let Some(cause) = &r.cause {
                    line.extend([text(" from "), p.statement_value(cause, level::TEST)]);
                }
                self.line(line);
            }
            Stmt::Try(t) => self.attempt("except", &t.body, &t.handlers, &t.orelse, &t.finalbody),
            Stmt::TryStar(t) => {
                self.attempt("except*", &t.body, &t.handlers, &t.orelse, &t.finalbody);
            }
            Stmt::Assert(a) => {
                let mut line = vec![text("assert "), p.statement_value(&a.test, level::TEST)];
                if let Some(message) = &a.msg {
                    line.extend([text(", "), p.statement_value(message, level::TEST)]);
                }
                self.line(line);
            }
            Stmt::Import(i) => self.line([text("import "), commas(i.names.iter().map(alias))]),
            Stmt::ImportFrom(i) => {
                let dots = ".".repeat(i.level.as_ref().map_or(0, Int::to_usize));
                let module = i.module.as_ref().map_or("", |m| m.as_str());
                let head = text(format!("from {dots}{module} import "));
                let names: Vec<Doc> = i.names.iter().map(alias).collect();
                let star = i.names.iter().any(|n| n.name.as_str() == "*");
                self.line([head, if star { text("*") } else { imported(names) }]);
            }
            Stmt::Global(g) => self.line([text("global "), names(&g.names)]),
            Stmt::Nonlocal(n) => self.line([text("nonlocal "), names(&n.names)]),
            Stmt::Expr(e) => {
                let least = match &*e.value {
                    Expr::NamedExpr(_) => level::TEST,
                    _ => level::TUPLE,
                };
                self.line([p.statement_value(&e.value, least)]);
            }
            Stmt::Pass(_) => self.line([text("pass")]),
            Stmt::Break(_) => self.line([text("break")]),
            Stmt::Continue(_) => self.line([text("continue")]),
        }
    }

    fn decorators(&mut self, decorators: &[Expr]) {
        for d in decorators {
            self.line([text("@"), PRINTER.statement_value(d, level::NAMED)]);
        }
    }

    fn class(&mut self, c: &StmtClassDef) {
        self.decorators(&c.decorator_list);
        let head = text(format!("class {}", c.name));
        let bases = PRINTER.call_arguments(&c.bases, &c.keywords);
        let bases = if bases.is_empty() {
            text("")
        } else {
            bracketed("(", bases, ")")
        };
        self.block([head, type_parameters(&c.type_params), bases], &c.body);
    }

    fn conditional(&mut self, word: &'static str, i: &StmtIf) {
        let test = PRINTER.statement_value(&i.test, level::NAMED);
        self.block([text(word), test], &i.body);
        match i.orelse.as_slice() {
            [Stmt::If(next)] => self.conditional("elif ", next),
            other => self.optional_block("else", other),
        }
    }

    fn loop_over(
        &mut self,
        word: &'static str,
        target: &Expr,
        iter: &Expr,
        body: &[Stmt],
        orelse: &[Stmt],
    ) {
        let target = PRINTER.statement_value(target, level::TUPLE);
        let iter = PRINTER.statement_value(iter, level::TEST);
        self.block([text(word), target, text(" in "), iter], body);
        self.optional_block("else", orelse);
    }

    fn with(&mut self, word: &'static str, items: &[WithItem], body: &[Stmt]) {
        let item = |i: &WithItem| {
            let context = PRINTER.statement_value(&i.context_expr, level::TEST);
            match (&i.optional_vars, &i.context_expr) {
                (Some(v), _) => concat([
                    context,
                    text(" as "),
                    PRINTER.statement_value(v, level::TEST),
                ]),
                // `with (a, b):` would be two contexts.
                (None, Expr::Tuple(_)) if items.len() == 1 => {
                    concat([text("("), context, text(")")])
                }
                (None, _) => context,
            }
        };
        self.block([text(word), commas(items.iter().map(item))], body);
    }

    fn attempt(
        &mut self,
        word: &'static str,
        body: &[Stmt],
        handlers: &[ExceptHandler],
        orelse: &[Stmt],
        finalbody: &[Stmt],
    ) {
        self.block([text("try")], body);
        for ExceptHandler::ExceptHandler(h) in handlers {
            let mut head = vec![text(word)];
            if let Some(kind) = &h.type_ {
                head.extend([text(" "), PRINTER.statement_value(kind, level::TEST)]);
            }
            if let Some(name) = &h.name {
                head.push(text(format!(" as {name}")));
            }
            self.block(head, &h.body);
        }
        self.optional_block("else", orelse);
        self.optional_block("finally", finalbody);
    }
}

fn is_definition(s: &Stmt) -> bool {
    matches!(
        s,
        Stmt::FunctionDef(_) | Stmt::AsyncFunctionDef(_) | Stmt::ClassDef(_)
    )
}

/// A string of several lines that stands alone, in triple quotes if it needs no escapes.
fn docstring(s: &Stmt) -> Option<String> {
    let Stmt::Expr(e) = s else { return None };
    let Expr::Constant(c) = &*e.value else {
        return None;
    };
    let Constant::Str(s) = &c.value else {
        return None;
    };
    let mut escaped = String::new();
    s.chars()
        .for_each(|c| literal::escape(&mut escaped, c, None));
    let plain = escaped.replace("\\n", "\n") == *s && !s.contains('\\');
    let open = s.contains("\"\"\"") || s.ends_with('"');
    (c.kind.is_none() && plain && !open).then(|| format!("\"\"\"{s}\"\"\""))
}

fn signature(
    word: &'static str,
    name: &Identifier,
    type_params: &[TypeParam],
    args: &Arguments,
    returns: &Option<Box<Expr>>,
) -> Doc {
    let mut parts = vec![
        text(word),
        text(name.to_string()),
        type_parameters(type_params),
        bracketed("(", PRINTER.arguments(args, true), ")"),
    ];
    if let Some(returns) = returns {
        parts.extend([text(" -> "), PRINTER.statement_value(returns, level::TEST)]);
    }
    Doc::Concat(parts)
}

/// `[T: bound, *Ts, **P]`, of Python 3.12.
fn type_parameters(parameters: &[TypeParam]) -> Doc {
    if parameters.is_empty() {
        return text("");
    }
    let one = |p: &TypeParam| match p {
        TypeParam::TypeVar(t) => match &t.bound {
            Some(bound) => concat([
                text(format!("{}: ", t.name)),
                PRINTER.expr(bound, level::TEST),
            ]),
            None => text(t.name.to_string()),
        },
        TypeParam::ParamSpec(t) => text(format!("**{}", t.name)),
        TypeParam::TypeVarTuple(t) => text(format!("*{}", t.name)),
    };
    bracketed("[", parameters.iter().map(one).collect(), "]")
}

fn alias(a: &Alias) -> Doc {
    match &a.asname {
        Some(name) => text(format!("{} as {name}", a.name)),
        None => text(a.name.to_string()),
    }
}

/// Imported names, in parentheses if they do not fit on a line.
fn imported(names: Vec<Doc>) -> Doc {
    layout::parenthesized_if_broken(concat([layout::separated(names), Doc::Broken(",")]))
}

fn commas(items: impl IntoIterator<Item = Doc>) -> Doc {
    let mut out = Vec::new();
    for (i, item) in items.into_iter().enumerate() {
        if i > 0 {
            out.push(text(", "));
        }
        out.push(item);
    }
    Doc::Concat(out)
}

fn names(names: &[Identifier]) -> Doc {
    commas(names.iter().map(|n| text(n.to_string())))
}

#[cfg(test)]
mod tests {
    fn printed(source: &str) -> String {
        super::reprint(source).expect("the example parses")
    }

    /// These lines print as they are written.
    #[test]
    fn canonical_lines() {
        for line in [
            "x = (a + b) * -c**2",
            "x = (-c) ** 2",
            "x = 2**-n + 2.0**0.5",
            "x = a - (b - c)",
            "x = (a**b) ** c",
            "x = a ** b**c",
            "x = 0.9999999999999999",
            "x = 1e300 * 1e-7 * 1e309",
            "x = not (a and (b or c)) and not d",
            "x = a if b else (c if d else e) if f else g",
            "x = (a if b else c) + 1",
            "x = lambda a, *b, c=1, **d: (a, b)",
            "x = lambda: (yield)",
            "x[1:, ::-1, None, ...] = y[a, :] @ z.T",
            "x[:], y = f(*a, b, c=1, **d)",
            "x = (a < b) == (c <= d < e) is not None",
            "x = [i for i, j in y if i if j for k in j]",
            "x = {**a, 'b': [c, *d], 1: (2,)}"
                .replace('\'', "\"")
                .as_str(),
            "x = sum(i for i in y)",
            "x = f\"{a!r:>{width}} {{}} {b['c']}\\n\"",
            "x = \"it's\"",
            "x = 'say \"so\"'",
            "x = (1).real + 1.0.real + 2.0j",
            "x = (y := 3) + 1",
            "x = ~(a | b) & c ^ d << 2",
            "x: int = 3",
            "x @= y",
            "assert x == 1, \"no\"",
            "from ..a import b as c, d",
            "del x, y[0]",
        ] {
            assert_eq!(printed(line), format!("{line}\n"));
        }
    }

    #[test]
    fn long_lines_break() {
        let source = "gradient = lam * weights + np.sum(margins * labels[:, None], axis=0) / n_samples - np.mean(offsets)";
        assert_eq!(
            printed(source),
            "\
gradient = (
    lam * weights
    + np.sum(margins * labels[:, None], axis=0) / n_samples
    - np.mean(offsets)
)
"
        );
    }

    #[test]
    fn blocks() {
        let source = "\
import numpy as np


def f(a, /, b=1, *args, c: int = 2, **kwargs) -> float:
    \"\"\"Says
    something.\"\"\"
    if a:
        return b
    elif c:
        pass
    else:
        raise ValueError(\"no\") from e
    for i, x in enumerate(a):
        continue
    else:
        x += 1
    while True:
        break
    with open(a) as f, g:
        global y
    try:
        yield x
    except (A, B) as e:
        raise
    finally:
        print()
    match x:
        case Point(x=0, y=[a, *_]) | {\"k\": 1, **rest} if a > 0:
            return 1
        case 1 | 2 as z:
            pass
        case _:
            return a, *b

    @decorator(1)
    async def g():
        await h()
";
        assert_eq!(printed(source), source);
    }
}
