//! The function in the text.
//!
//! In: text, and a code object that was compiled from it. Out: the statement's lines, and in their
//! syntax tree the `def`, lambda or comprehension that became the code object:
//!
//! ```text
//! f, g = lambda x: x, lambda x: 2 * x    code at columns 27..32    =>    the second
//! ```

use std::sync::Arc;

use rustpython_parser::text_size::TextRange;

use super::Text;
use super::walk::{Child, children, expressions};
use crate::ast::py::Stmt;
use crate::ast::py::{Comprehension, Expr, Ranged, StmtFunctionDef};
use crate::ast::{Code, Const, Span};

/// What a code object was compiled from.
#[derive(Clone, Copy)]
pub enum Found<'a> {
    Def(&'a StmtFunctionDef),
    Lambda(&'a Expr),
    /// Result expressions (key and value of a dict) and generators.
    Comprehension(Kind, [Option<&'a Expr>; 2], &'a [Comprehension]),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    List,
    Set,
    Dict,
    Generator,
}

impl Kind {
    pub fn code_name(self) -> &'static str {
        match self {
            Kind::List => "<listcomp>",
            Kind::Set => "<setcomp>",
            Kind::Dict => "<dictcomp>",
            Kind::Generator => "<genexpr>",
        }
    }
}

/// Start of a logical line: offset, line number, indentation.
struct Logical {
    offset: usize,
    line: u32,
    indent: usize,
}

/// The whole lines of the statement that covers line `wanted`, and the number of their first.
pub fn statement(text: &str, first_line: u32, wanted: u32) -> Option<(&str, u32)> {
    let content = |line: &Logical| text.get(line.offset + line.indent..).unwrap_or_default();
    // The statements that the current line is in, outermost first.
    let mut around: Vec<Logical> = Vec::new();
    let mut decorated = false;
    let mut end = text.len();
    for line in logical_lines(text, first_line) {
        let clause = continues(content(&line));
        if line.line <= wanted {
            around.retain(|outer| outer.indent < line.indent + usize::from(clause));
            decorated = content(&line).starts_with('@');
            if !clause || around.last().is_none_or(|outer| outer.indent < line.indent) {
                around.push(line);
            }
            continue;
        }
        let first = around.last()?;
        let same = line.indent == first.indent;
        if line.indent > first.indent || same && clause {
            continue;
        }
        if !(same && decorated) {
            end = line.offset;
            break;
        }
        decorated = content(&line).starts_with('@');
    }
    let start = around.last()?;
    Some((text.get(start.offset..end)?, start.line))
}

/// Whether a line is a later clause of the statement before it.
fn continues(line: &str) -> bool {
    let word = line
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .next();
    matches!(word, Some("elif" | "else" | "except" | "finally"))
}

/// Logical lines, found by following brackets, strings, comments and backslashes.
fn logical_lines(text: &str, first_line: u32) -> impl Iterator<Item = Logical> {
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut line = first_line;
    std::iter::from_fn(move || {
        loop {
            let offset = at;
            while matches!(bytes.get(at), Some(b' ' | b'\t' | b'\x0c')) {
                at += 1;
            }
            let indent = at - offset;
            let begin = line;
            let blank = matches!(bytes.get(at), None | Some(b'\n' | b'\r' | b'#'));
            (at, line) = end_of_logical(bytes, at, line);
            if !blank {
                return Some(Logical {
                    offset,
                    line: begin,
                    indent,
                });
            }
            if at >= bytes.len() {
                return None;
            }
        }
    })
}

/// Past the newline that ends the logical line at `at`.
fn end_of_logical(bytes: &[u8], mut at: usize, mut line: u32) -> (usize, u32) {
    let mut depth = 0usize;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'#' => {
                while bytes.get(at).is_some_and(|&byte| byte != b'\n') {
                    at += 1;
                }
            }
            b'\\' => {
                if bytes.get(at) == Some(&b'\r') {
                    at += 1;
                }
                if bytes.get(at) == Some(&b'\n') {
                    line += 1;
                }
                at += 1;
            }
            b'\'' | b'"' => (at, line) = end_of_string(bytes, at - 1, line),
            b'\n' => {
                line += 1;
                if depth == 0 {
                    break;
                }
            }
            _ => {}
        }
    }
    (at.min(bytes.len()), line)
}

/// Past the string that opens at `at`.
fn end_of_string(bytes: &[u8], mut at: usize, mut line: u32) -> (usize, u32) {
    let quote = bytes[at];
    let triple = bytes.get(at + 1) == Some(&quote) && bytes.get(at + 2) == Some(&quote);
    at += if triple { 3 } else { 1 };
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'\\' => {
                if bytes.get(at) == Some(&b'\n') {
                    line += 1;
                }
                at += 1;
            }
            b'\n' if triple => line += 1,
            b'\n' => return (at - 1, line),
            _ if byte != quote => {}
            _ if !triple => break,
            _ if bytes.get(at) == Some(&quote) && bytes.get(at + 1) == Some(&quote) => {
                at += 2;
                break;
            }
            _ => {}
        }
    }
    (at, line)
}

/// What `code` was compiled from, if there is exactly one candidate.
pub fn function<'a>(code: &Code, suite: &'a [Stmt], text: &Text<'_>) -> Option<Found<'a>> {
    let mut found = Vec::new();
    search_statements(code, suite, text, &mut found);
    if found.len() > 1 && code.name.starts_with('<') && !has_columns(code) {
        return None;
    }
    // Of candidates inside one another the outer one also covers the inner one's code.
    let smallest = found.iter().map(|(range, _)| range.len()).min()?;
    let mut innermost = found
        .into_iter()
        .filter(|(range, _)| range.len() == smallest);
    match (innermost.next(), innermost.next()) {
        (Some((_, found)), None) => Some(found),
        _ => None,
    }
}

fn search_statements<'a>(
    code: &Code,
    suite: &'a [Stmt],
    text: &Text<'_>,
    found: &mut Vec<(TextRange, Found<'a>)>,
) {
    for statement in suite {
        if let Stmt::FunctionDef(def) = statement {
            let start = def
                .decorator_list
                .first()
                .map_or(def.range.start(), |first| first.range().start());
            let line = text.position(TextRange::new(start, start)).line;
            let line_of_def = text.position(def.range).line;
            if def.name.as_str() == code.name
                && (line == code.first_line || line_of_def == code.first_line)
            {
                found.push((def.range, Found::Def(def)));
            }
        }
        for child in children(statement) {
            match child {
                Child::Expr(expr) => search_expression(code, expr, text, found),
                Child::Body(body) => search_statements(code, body, text, found),
            }
        }
    }
}

fn search_expression<'a>(
    code: &Code,
    expr: &'a Expr,
    text: &Text<'_>,
    found: &mut Vec<(TextRange, Found<'a>)>,
) {
    if code.name.starts_with('<') {
        let candidate = match expr {
            Expr::Lambda(e) if code.name == "<lambda>" => Some(Found::Lambda(&e.body)),
            _ => comprehension(expr).filter(|candidate| {
                matches!(candidate, Found::Comprehension(kind, ..) if kind.code_name() == code.name)
            }),
        };
        if let Some(candidate) = candidate
            && compiled_from(code, &text.extent(expr))
            && within(code, &text.extent(instructions(expr)))
        {
            found.push((expr.range(), candidate));
        }
    }
    for child in expressions(expr) {
        search_expression(code, child, text, found);
    }
}

/// The part of an expression that its code is about: the code of `lambda a: lambda b: b` is within the
/// inner lambda too, but not within its body.
fn instructions(expr: &Expr) -> &Expr {
    match expr {
        Expr::Lambda(lambda) => &lambda.body,
        _ => expr,
    }
}

pub fn comprehension(expr: &Expr) -> Option<Found<'_>> {
    Some(match expr {
        Expr::ListComp(e) => Found::Comprehension(Kind::List, [Some(&e.elt), None], &e.generators),
        Expr::SetComp(e) => Found::Comprehension(Kind::Set, [Some(&e.elt), None], &e.generators),
        Expr::DictComp(e) => {
            Found::Comprehension(Kind::Dict, [Some(&e.key), Some(&e.value)], &e.generators)
        }
        Expr::GeneratorExp(e) => {
            Found::Comprehension(Kind::Generator, [Some(&e.elt), None], &e.generators)
        }
        _ => return None,
    })
}

/// Without columns (`-X no_debug_ranges`) lambdas of one line cannot be told apart.
fn has_columns(code: &Code) -> bool {
    code.positions.iter().flatten().any(|at| at.end_column > 0)
}

/// Whether `code` begins in this expression, and all its instructions are inside.
fn compiled_from(code: &Code, place: &Span) -> bool {
    (place.line..=place.end_line).contains(&code.first_line) && within(code, place)
}

fn within(code: &Code, place: &Span) -> bool {
    code.positions
        .iter()
        .flatten()
        .filter(|at| (at.line, at.column) < (at.end_line, at.end_column))
        .all(|at| {
            (at.line, at.column) >= (place.line, place.column)
                && (at.end_line, at.end_column) <= (place.end_line, place.end_column)
        })
}

/// The code object compiled from a nested function at `place`, searched in `code`'s constants and,
/// as comprehensions are read into their function, in theirs.
pub fn nested(code: &Code, name: &str, place: &Span) -> Option<Arc<Code>> {
    for constant in &code.consts {
        let Const::Code(inner) = constant else {
            continue;
        };
        let named = inner.name == name;
        let fits = match name.starts_with('<') {
            true => has_columns(inner) && compiled_from(inner, place),
            false => inner.first_line == place.line,
        };
        if named && fits {
            return Some(Arc::clone(inner));
        }
        if ["<listcomp>", "<setcomp>", "<dictcomp>"].contains(&inner.name.as_str())
            && let Some(found) = nested(inner, name, place)
        {
            return Some(found);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::statement;

    const TEXT: &str = "\
x = ')' # (
class A:
    @d
    @e(
        1)
    def f(self):
        '''
not a statement
        '''
        return 1

    if x:
        g = 2
    elif (lambda: 1)():
        g = 3
y = \\
    (lambda:
  1)
";

    #[test]
    fn a_statement_is_found_by_any_of_its_lines() {
        let of = |line| statement(TEXT, 1, line).map(|(part, first)| (part.trim_end(), first));
        assert_eq!(of(1), Some(("x = ')' # (", 1)));
        let (method, first) = of(3).unwrap_or_default();
        assert!(first == 3 && method.starts_with("    @d") && method.ends_with("return 1"));
        let (choice, first) = of(14).unwrap_or_default();
        assert!(first == 12 && choice.starts_with("    if x:") && choice.ends_with("g = 3"));
        let (last, first) = of(17).unwrap_or_default();
        assert!(first == 16 && last.ends_with("1)"));
    }

    #[test]
    fn text_without_the_line_has_no_statement() {
        assert_eq!(statement("", 1, 1), None);
        assert_eq!(statement("# only\n", 1, 1), None);
    }
}
