//! Line breaking: a document of texts, groups and possible breaks in, lines out.
//!
//! A group is written on one line if it fits, and otherwise broken at all of its own breaks; groups
//! within it decide for themselves.
//!
//! ```text
//! group(f( nest(soft a, line b) soft ))   =>   f(a, b)      or      f(
//!                                                                       a,
//!                                                                       b,
//!                                                                   )
//! ```
//!
//! Source: P. Wadler, *A prettier printer* (2003), in the strict form of C. Lindig's *Strictly Pretty* (2000).

use std::borrow::Cow;

/// The width that `ruff format` and `black` keep to.
const WIDTH: usize = 88;
const INDENT: usize = 4;

#[derive(Clone, Debug)]
pub enum Doc {
    Text(Cow<'static, str>),
    /// A space, or a new line if the group is broken.
    Line,
    /// Nothing, or a new line if the group is broken.
    Soft,
    /// Written only if the group is broken: a bracket, a trailing comma.
    Broken(&'static str),
    Concat(Vec<Doc>),
    /// Lines within are indented by one more step.
    Nest(Box<Doc>),
    Group(Box<Doc>),
}

pub fn text(s: impl Into<Cow<'static, str>>) -> Doc {
    Doc::Text(s.into())
}

pub fn concat(docs: impl IntoIterator<Item = Doc>) -> Doc {
    Doc::Concat(docs.into_iter().collect())
}

pub fn nest(doc: Doc) -> Doc {
    Doc::Nest(Box::new(doc))
}

pub fn group(doc: Doc) -> Doc {
    Doc::Group(Box::new(doc))
}

/// `open items close`: on one line, or the items on one indented line, or one item per line.
pub fn bracketed(open: &'static str, items: Vec<Doc>, close: &'static str) -> Doc {
    if items.is_empty() {
        return concat([text(open), text(close)]);
    }
    let inner = group(concat([separated(items), Doc::Broken(",")]));
    group(concat([
        text(open),
        nest(concat([Doc::Soft, inner])),
        Doc::Soft,
        text(close),
    ]))
}

/// As [`bracketed`] for what must not be followed by a comma.
pub fn enclosed(open: &'static str, inner: Doc, close: &'static str) -> Doc {
    group(concat([
        text(open),
        nest(concat([Doc::Soft, group(inner)])),
        Doc::Soft,
        text(close),
    ]))
}

/// The document, in parentheses if it does not fit on a line.
pub fn parenthesized_if_broken(inner: Doc) -> Doc {
    group(concat([
        Doc::Broken("("),
        nest(concat([Doc::Soft, group(inner)])),
        Doc::Soft,
        Doc::Broken(")"),
    ]))
}

/// Items with commas, breakable after each.
pub fn separated(items: Vec<Doc>) -> Doc {
    let mut out = Vec::with_capacity(items.len() * 3);
    for (i, item) in items.into_iter().enumerate() {
        if i > 0 {
            out.push(text(","));
            out.push(Doc::Line);
        }
        out.push(item);
    }
    Doc::Concat(out)
}

/// The document as text, its first line starting at `depth` steps of indentation (which are written).
pub fn render(doc: &Doc, depth: usize) -> String {
    let mut out = " ".repeat(depth * INDENT);
    let mut column = out.len();
    let mut work = vec![(depth * INDENT, false, doc)];
    while let Some((indent, flat, doc)) = work.pop() {
        match doc {
            Doc::Text(s) => {
                out.push_str(s);
                column = match s.rfind('\n') {
                    Some(at) => s[at + 1..].chars().count(),
                    None => column + s.chars().count(),
                };
            }
            Doc::Line if flat => {
                out.push(' ');
                column += 1;
            }
            Doc::Soft if flat => {}
            Doc::Line | Doc::Soft => {
                out.push('\n');
                out.push_str(&" ".repeat(indent));
                column = indent;
            }
            Doc::Broken(s) => {
                if !flat {
                    out.push_str(s);
                    column += s.len();
                }
            }
            Doc::Concat(docs) => work.extend(docs.iter().rev().map(|d| (indent, flat, d))),
            Doc::Nest(inner) => work.push((indent + INDENT, flat, inner)),
            Doc::Group(inner) => {
                let flat = flat || fits(WIDTH.saturating_sub(column), inner, &work);
                work.push((indent, flat, inner));
            }
        }
    }
    out
}

/// Whether `doc` on one line, and what follows up to the next possible break, fit in `width`.
fn fits(width: usize, doc: &Doc, rest: &[(usize, bool, &Doc)]) -> bool {
    let mut left = width;
    let mut rest = rest.iter().rev();
    let mut work = vec![(true, doc)];
    loop {
        let (flat, doc) = match work.pop() {
            Some(next) => next,
            None => match rest.next() {
                Some(&(_, flat, doc)) => (flat, doc),
                None => return true,
            },
        };
        let used = match doc {
            Doc::Text(s) => match s.find('\n') {
                Some(at) => return s[..at].chars().count() <= left,
                None => s.chars().count(),
            },
            Doc::Line if flat => 1,
            Doc::Soft if flat => 0,
            Doc::Line | Doc::Soft => return true,
            Doc::Broken(s) => {
                if flat {
                    0
                } else {
                    s.len()
                }
            }
            Doc::Concat(docs) => {
                work.extend(docs.iter().rev().map(|d| (flat, d)));
                0
            }
            Doc::Nest(inner) => {
                work.push((flat, inner));
                0
            }
            // What follows a group may still be broken at the next break.
            Doc::Group(inner) => {
                work.push((flat, inner));
                0
            }
        };
        match left.checked_sub(used) {
            Some(more) => left = more,
            None => return false,
        }
    }
}
