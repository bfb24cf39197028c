//! Expressions: `rustpython_ast::Expr` in, a document with the fewest parentheses out.
//!
//! ```text
//! BinOp(BinOp(a + b) * Unary(-c ** 2))   =>   (a + b) * -c**2
//! ```
//!
//! Source: the Python Language Reference, 6.17, Operator precedence.

use rustpython_ast::{
    Arg, ArgWithDefault, Arguments, BoolOp, CmpOp, Comprehension, Constant, ConversionFlag, Expr,
    ExprCall, ExprFormattedValue, ExprJoinedStr, Keyword, Operator, UnaryOp,
};

use super::layout::{
    Doc, bracketed, concat, enclosed, group, parenthesized_if_broken, separated, text,
};
use super::literal;

/// How tightly an expression binds; a context asks for a least level.
pub mod level {
    pub const TUPLE: u8 = 0;
    pub const NAMED: u8 = 1;
    pub const TEST: u8 = 2;
    pub const OR: u8 = 3;
    pub const AND: u8 = 4;
    pub const NOT: u8 = 5;
    pub const COMPARISON: u8 = 6;
    pub const BIT_OR: u8 = 7;
    pub const BIT_XOR: u8 = 8;
    pub const BIT_AND: u8 = 9;
    pub const SHIFT: u8 = 10;
    pub const ARITHMETIC: u8 = 11;
    pub const TERM: u8 = 12;
    pub const FACTOR: u8 = 13;
    pub const POWER: u8 = 14;
    pub const AWAIT: u8 = 15;
    pub const ATOM: u8 = 16;
}

/// Prints expressions; `quote` is the preferred quotation mark, which changes inside f-strings.
#[derive(Clone, Copy)]
pub struct Printer {
    pub quote: char,
}

impl Printer {
    /// An expression where at least `least` is needed: in parentheses if it binds more loosely.
    pub fn expr(self, e: &Expr, least: u8) -> Doc {
        match e {
            _ if binding(e) >= least => self.bare(e),
            Expr::Tuple(t) if t.elts.len() > 1 => bracketed("(", self.items(&t.elts), ")"),
            _ => enclosed("(", self.bare(e), ")"),
        }
    }

    /// An expression at the end of a statement: what does not fit on the line gets parentheses.
    pub fn statement_value(self, e: &Expr, least: u8) -> Doc {
        if binding(e) < least {
            return self.expr(e, least);
        }
        match e {
            Expr::Tuple(t) if t.elts.len() > 1 => {
                let items = concat([separated(self.items(&t.elts)), Doc::Broken(",")]);
                parenthesized_if_broken(items)
            }
            Expr::BoolOp(_)
            | Expr::BinOp(_)
            | Expr::UnaryOp(_)
            | Expr::Compare(_)
            | Expr::IfExp(_)
            | Expr::NamedExpr(_)
            | Expr::Lambda(_)
            | Expr::Yield(_)
            | Expr::YieldFrom(_) => parenthesized_if_broken(self.bare(e)),
            Expr::Tuple(_)
            | Expr::Dict(_)
            | Expr::Set(_)
            | Expr::ListComp(_)
            | Expr::SetComp(_)
            | Expr::DictComp(_)
            | Expr::GeneratorExp(_)
            | Expr::Await(_)
            | Expr::Call(_)
            | Expr::FormattedValue(_)
            | Expr::JoinedStr(_)
            | Expr::Constant(_)
            | Expr::Attribute(_)
            | Expr::Subscript(_)
            | Expr::Starred(_)
            | Expr::Name(_)
            | Expr::List(_)
            | Expr::Slice(_) => self.bare(e),
        }
    }

    fn bare(self, e: &Expr) -> Doc {
        match e {
            Expr::BoolOp(b) => {
                let (word, own) = match b.op {
                    BoolOp::And => ("and ", level::AND),
                    BoolOp::Or => ("or ", level::OR),
                };
                let operands = b.values.iter().map(|v| self.expr(v, own + 1));
                infix(operands, std::iter::repeat(word))
            }
            Expr::NamedExpr(n) => concat([
                self.expr(&n.target, level::ATOM),
                text(" := "),
                self.expr(&n.value, level::TEST),
            ]),
            Expr::BinOp(b) if b.op == Operator::Pow => concat([
                self.expr(&b.left, level::AWAIT),
                text(
                    if is_hugged(&b.left) && is_hugged(&b.right) && binding(&b.left) > level::FACTOR
                    {
                        "**"
                    } else {
                        " ** "
                    },
                ),
                self.expr(&b.right, level::FACTOR),
            ]),
            Expr::BinOp(_) => self.chain(e),
            Expr::UnaryOp(u) => {
                let (word, own) = unary(u.op);
                concat([text(word), self.expr(&u.operand, own)])
            }
            Expr::Lambda(l) => {
                let arguments = self.arguments(&l.args, false);
                let head = if arguments.is_empty() {
                    "lambda"
                } else {
                    "lambda "
                };
                concat([
                    text(head),
                    flat_list(arguments),
                    text(": "),
                    self.expr(&l.body, level::TEST),
                ])
            }
            Expr::IfExp(i) => concat([
                self.expr(&i.body, level::OR),
                Doc::Line,
                text("if "),
                self.expr(&i.test, level::OR),
                Doc::Line,
                text("else "),
                self.expr(&i.orelse, level::TEST),
            ]),
            Expr::Dict(d) => {
                let items = d.keys.iter().zip(&d.values).map(|(key, value)| match key {
                    Some(key) => concat([
                        self.expr(key, level::TEST),
                        text(": "),
                        self.expr(value, level::TEST),
                    ]),
                    None => concat([text("**"), self.expr(value, level::BIT_OR)]),
                });
                bracketed("{", items.collect(), "}")
            }
            Expr::Set(s) if s.elts.is_empty() => text("{*()}"),
            Expr::Set(s) => bracketed("{", self.items(&s.elts), "}"),
            Expr::ListComp(c) => enclosed("[", self.comprehension(&c.elt, &c.generators), "]"),
            Expr::SetComp(c) => enclosed("{", self.comprehension(&c.elt, &c.generators), "}"),
            Expr::DictComp(c) => {
                let item = concat([
                    self.expr(&c.key, level::TEST),
                    text(": "),
                    self.expr(&c.value, level::TEST),
                ]);
                enclosed("{", concat([item, self.generators(&c.generators)]), "}")
            }
            Expr::GeneratorExp(c) => enclosed("(", self.comprehension(&c.elt, &c.generators), ")"),
            Expr::Await(a) => concat([text("await "), self.expr(&a.value, level::ATOM)]),
            Expr::Yield(y) => match &y.value {
                Some(value) => concat([text("yield "), self.expr(value, level::TUPLE)]),
                None => text("yield"),
            },
            Expr::YieldFrom(y) => concat([text("yield from "), self.expr(&y.value, level::TEST)]),
            Expr::Compare(c) => {
                let operands = std::iter::once(&*c.left).chain(&c.comparators);
                let operands = operands.map(|v| self.expr(v, level::BIT_OR));
                infix(operands, c.ops.iter().map(|op| comparison(*op)))
            }
            Expr::Call(c) => self.call(c),
            Expr::FormattedValue(_) => self.f_string(std::slice::from_ref(e)),
            Expr::JoinedStr(j) => self.f_string(&j.values),
            Expr::Constant(c) => {
                let prefix = c.kind.as_deref().unwrap_or("");
                text(format!(
                    "{prefix}{}",
                    literal::constant(&c.value, self.quote)
                ))
            }
            Expr::Attribute(a) => {
                // `1.real` would be read as a float followed by a name.
                let value = match &*a.value {
                    Expr::Constant(c) if matches!(c.value, Constant::Int(_)) => {
                        concat([text("("), self.bare(&a.value), text(")")])
                    }
                    other => self.expr(other, level::ATOM),
                };
                concat([value, text("."), text(a.attr.to_string())])
            }
            Expr::Subscript(s) => concat([
                self.expr(&s.value, level::ATOM),
                self.subscript_index(&s.slice),
            ]),
            Expr::Starred(s) => concat([text("*"), self.expr(&s.value, level::BIT_OR)]),
            Expr::Name(n) => text(n.id.to_string()),
            Expr::List(l) => bracketed("[", self.items(&l.elts), "]"),
            Expr::Tuple(t) => self.tuple(&t.elts),
            Expr::Slice(s) => {
                let part = |e: &Option<Box<Expr>>| match e {
                    Some(e) => self.expr(e, level::TEST),
                    None => text(""),
                };
                let mut parts = vec![part(&s.lower), text(":"), part(&s.upper)];
                if s.step.is_some() {
                    parts.extend([text(":"), part(&s.step)]);
                }
                Doc::Concat(parts)
            }
        }
    }

    /// Elements of a tuple without parentheses, on one line.
    fn tuple(self, elements: &[Expr]) -> Doc {
        match elements {
            [] => text("()"),
            [one] => concat([self.expr(one, level::TEST), text(",")]),
            _ => flat_list(self.items(elements)),
        }
    }

    fn items(self, elements: &[Expr]) -> Vec<Doc> {
        elements.iter().map(|e| self.expr(e, level::TEST)).collect()
    }

    /// `a + b - c` as one list of operands, so that it breaks before each operator or nowhere.
    fn chain(self, e: &Expr) -> Doc {
        let own = binding(e);
        let mut operands = Vec::new();
        let mut words = Vec::new();
        let mut left = e;
        while let Expr::BinOp(b) = left
            && binding(left) == own
        {
            operands.push(self.expr(&b.right, own + 1));
            words.push(operator(b.op));
            left = &b.left;
        }
        operands.push(self.expr(left, own));
        operands.reverse();
        words.reverse();
        infix(operands, words)
    }

    fn call(self, c: &ExprCall) -> Doc {
        let function = self.expr(&c.func, level::ATOM);
        if let ([Expr::GeneratorExp(g)], []) = (c.args.as_slice(), c.keywords.as_slice()) {
            let inner = self.comprehension(&g.elt, &g.generators);
            return concat([function, enclosed("(", inner, ")")]);
        }
        concat([
            function,
            bracketed("(", self.call_arguments(&c.args, &c.keywords), ")"),
        ])
    }

    pub fn call_arguments(self, args: &[Expr], keywords: &[Keyword]) -> Vec<Doc> {
        let positional = args.iter().map(|a| self.expr(a, level::NAMED));
        let named = keywords.iter().map(|k| match &k.arg {
            Some(name) => concat([text(format!("{name}=")), self.expr(&k.value, level::TEST)]),
            None => concat([text("**"), self.expr(&k.value, level::TEST)]),
        });
        positional.chain(named).collect()
    }

    fn subscript_index(self, index: &Expr) -> Doc {
        match index {
            Expr::Tuple(t) if t.elts.len() > 1 => bracketed("[", self.items(&t.elts), "]"),
            other => enclosed("[", self.expr(other, level::TUPLE), "]"),
        }
    }

    fn comprehension(self, element: &Expr, generators: &[Comprehension]) -> Doc {
        concat([self.expr(element, level::TEST), self.generators(generators)])
    }

    fn generators(self, generators: &[Comprehension]) -> Doc {
        let mut out = Vec::new();
        for g in generators {
            out.push(Doc::Line);
            out.push(text(if g.is_async { "async for " } else { "for " }));
            out.push(self.expr(&g.target, level::TUPLE));
            out.push(text(" in "));
            out.push(self.expr(&g.iter, level::OR));
            for test in &g.ifs {
                out.extend([Doc::Line, text("if "), self.expr(test, level::OR)]);
            }
        }
        Doc::Concat(out)
    }

    /// Parameters, with `/` and `*` where needed.
    pub fn arguments(self, a: &Arguments, annotated: bool) -> Vec<Doc> {
        let one = |p: &ArgWithDefault| {
            let name = self.parameter(&p.def, annotated);
            match &p.default {
                Some(default) => {
                    let spaced = annotated && p.def.annotation.is_some();
                    let sign = text(if spaced { " = " } else { "=" });
                    concat([name, sign, self.expr(default, level::TEST)])
                }
                None => name,
            }
        };
        let mut out: Vec<Doc> = a.posonlyargs.iter().map(one).collect();
        if !out.is_empty() {
            out.push(text("/"));
        }
        out.extend(a.args.iter().map(one));
        match &a.vararg {
            Some(p) => out.push(concat([text("*"), self.parameter(p, annotated)])),
            None if !a.kwonlyargs.is_empty() => out.push(text("*")),
            None => {}
        }
        out.extend(a.kwonlyargs.iter().map(one));
        if let Some(p) = &a.kwarg {
            out.push(concat([text("**"), self.parameter(p, annotated)]));
        }
        out
    }

    fn parameter(self, p: &Arg, annotated: bool) -> Doc {
        match &p.annotation {
            Some(annotation) if annotated => concat([
                text(format!("{}: ", p.arg)),
                self.expr(annotation, level::TEST),
            ]),
            _ => text(p.arg.to_string()),
        }
    }

    /// `f"..."`, in quotes that occur in none of the replaced expressions, which before
    /// Python 3.12 could hold neither the outer quotation mark nor a backslash.
    fn f_string(self, values: &[Expr]) -> Doc {
        let quotes = [("\"", '\''), ("'", '"'), ("\"\"\"", '\''), ("'''", '"')];
        let attempts = quotes.map(|(outer, inner)| {
            let printer = Printer { quote: inner };
            let mut clean = true;
            let body = printer.f_string_body(values, outer, &mut clean);
            (clean, format!("f{outer}{body}{outer}"))
        });
        let chosen = attempts.iter().find(|(clean, _)| *clean);
        let (_, source) = chosen.unwrap_or(&attempts[0]);
        text(source.clone())
    }

    fn f_string_body(self, values: &[Expr], outer: &str, clean: &mut bool) -> String {
        let mut out = String::new();
        for value in values {
            match value {
                Expr::Constant(c) => {
                    if let Constant::Str(s) = &c.value {
                        for c in s.chars() {
                            match c {
                                '{' => out.push_str("{{"),
                                '}' => out.push_str("}}"),
                                c => literal::escape(&mut out, c, outer.chars().next()),
                            }
                        }
                    }
                }
                Expr::FormattedValue(f) => self.field(&mut out, f, outer, clean),
                other => {
                    let source = flat(&self.expr(other, level::OR));
                    *clean &= !source.contains(outer) && !source.contains('\\');
                    out.push_str(&format!("{{{source}}}"));
                }
            }
        }
        out
    }

    fn field(self, out: &mut String, f: &ExprFormattedValue, outer: &str, clean: &mut bool) {
        let source = flat(&self.expr(&f.value, level::OR));
        *clean &= !source.contains(outer) && !source.contains('\\');
        // `{{` would be an escaped brace.
        out.push_str(if source.starts_with('{') { "{ " } else { "{" });
        out.push_str(&source);
        out.push_str(match f.conversion {
            ConversionFlag::None => "",
            ConversionFlag::Str => "!s",
            ConversionFlag::Repr => "!r",
            ConversionFlag::Ascii => "!a",
        });
        if let Some(spec) = &f.format_spec {
            out.push(':');
            let parts = match &**spec {
                Expr::JoinedStr(ExprJoinedStr { values, .. }) => values.as_slice(),
                other => std::slice::from_ref(other),
            };
            out.push_str(&self.f_string_body(parts, outer, clean));
        }
        out.push('}');
    }
}

/// Operands joined by words, breaking before each word.
fn infix(
    operands: impl IntoIterator<Item = Doc>,
    words: impl IntoIterator<Item = &'static str>,
) -> Doc {
    let mut operands = operands.into_iter();
    let mut out: Vec<Doc> = operands.next().into_iter().collect();
    for (operand, word) in operands.zip(words) {
        out.extend([Doc::Line, text(word), operand]);
    }
    group(Doc::Concat(out))
}

fn flat_list(items: Vec<Doc>) -> Doc {
    let mut out = Vec::new();
    for (i, item) in items.into_iter().enumerate() {
        if i > 0 {
            out.push(text(", "));
        }
        out.push(item);
    }
    Doc::Concat(out)
}

/// On one line, whatever its length.
pub fn flat(doc: &Doc) -> String {
    let mut out = String::new();
    fn write(doc: &Doc, out: &mut String) {
        match doc {
            Doc::Text(s) => out.push_str(s),
            Doc::Line => out.push(' '),
            Doc::Soft | Doc::Broken(_) => {}
            Doc::Concat(docs) => docs.iter().for_each(|d| write(d, out)),
            Doc::Nest(d) | Doc::Group(d) => write(d, out),
        }
    }
    write(doc, &mut out);
    out
}

/// `x**2`, but `(a + b) ** 2`: as `ruff format` has it, names, numbers and attributes are hugged.
fn is_hugged(e: &Expr) -> bool {
    match e {
        Expr::Name(_) => true,
        Expr::Constant(c) => matches!(
            c.value,
            Constant::Int(_) | Constant::Float(_) | Constant::Complex { .. }
        ),
        Expr::Attribute(a) => is_hugged(&a.value),
        Expr::UnaryOp(u) => u.op == UnaryOp::USub && is_hugged(&u.operand),
        _ => false,
    }
}

/// How tightly the outermost operator of an expression binds.
pub fn binding(e: &Expr) -> u8 {
    match e {
        Expr::Tuple(t) if t.elts.is_empty() => level::ATOM,
        Expr::Tuple(_) | Expr::Yield(_) | Expr::YieldFrom(_) => level::TUPLE,
        Expr::NamedExpr(_) => level::NAMED,
        Expr::Lambda(_) | Expr::IfExp(_) => level::TEST,
        Expr::BoolOp(b) => match b.op {
            BoolOp::Or => level::OR,
            BoolOp::And => level::AND,
        },
        Expr::UnaryOp(u) => unary(u.op).1,
        Expr::Compare(_) => level::COMPARISON,
        Expr::BinOp(b) => match b.op {
            Operator::BitOr => level::BIT_OR,
            Operator::BitXor => level::BIT_XOR,
            Operator::BitAnd => level::BIT_AND,
            Operator::LShift | Operator::RShift => level::SHIFT,
            Operator::Add | Operator::Sub => level::ARITHMETIC,
            Operator::Mult
            | Operator::MatMult
            | Operator::Div
            | Operator::Mod
            | Operator::FloorDiv => level::TERM,
            Operator::Pow => level::POWER,
        },
        Expr::Await(_) => level::AWAIT,
        Expr::Constant(c) if literal::is_signed(&c.value) => level::FACTOR,
        // A star is allowed wherever items are listed.
        Expr::Starred(_)
        | Expr::Constant(_)
        | Expr::Dict(_)
        | Expr::Set(_)
        | Expr::ListComp(_)
        | Expr::SetComp(_)
        | Expr::DictComp(_)
        | Expr::GeneratorExp(_)
        | Expr::Call(_)
        | Expr::FormattedValue(_)
        | Expr::JoinedStr(_)
        | Expr::Attribute(_)
        | Expr::Subscript(_)
        | Expr::Name(_)
        | Expr::List(_)
        | Expr::Slice(_) => level::ATOM,
    }
}

fn unary(op: UnaryOp) -> (&'static str, u8) {
    match op {
        UnaryOp::Invert => ("~", level::FACTOR),
        UnaryOp::Not => ("not ", level::NOT),
        UnaryOp::UAdd => ("+", level::FACTOR),
        UnaryOp::USub => ("-", level::FACTOR),
    }
}

/// The operator with the space after it.
fn operator(op: Operator) -> &'static str {
    match op {
        Operator::Add => "+ ",
        Operator::Sub => "- ",
        Operator::Mult => "* ",
        Operator::MatMult => "@ ",
        Operator::Div => "/ ",
        Operator::Mod => "% ",
        Operator::Pow => "** ",
        Operator::LShift => "<< ",
        Operator::RShift => ">> ",
        Operator::BitOr => "| ",
        Operator::BitXor => "^ ",
        Operator::BitAnd => "& ",
        Operator::FloorDiv => "// ",
    }
}

/// The word of `x op= y`.
pub fn augmented(op: Operator) -> String {
    format!(" {}= ", operator(op).trim_end())
}

fn comparison(op: CmpOp) -> &'static str {
    match op {
        CmpOp::Eq => "== ",
        CmpOp::NotEq => "!= ",
        CmpOp::Lt => "< ",
        CmpOp::LtE => "<= ",
        CmpOp::Gt => "> ",
        CmpOp::GtE => ">= ",
        CmpOp::Is => "is ",
        CmpOp::IsNot => "is not ",
        CmpOp::In => "in ",
        CmpOp::NotIn => "not in ",
    }
}
