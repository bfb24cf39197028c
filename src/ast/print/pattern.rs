//! Patterns of `match` statements.
//!
//! ```text
//! MatchClass(Point, [MatchAs(x)], y=MatchValue(0))   =>   Point(x, y=0)
//! ```
//!
//! Source: PEP 634.

use rustpython_ast::{Identifier, Pattern};

use super::PRINTER;
use super::expression::level;
use super::layout::{Doc, bracketed, concat, text};
use super::literal;

/// A pattern where `|` and `as` need no parentheses.
pub fn open(p: &Pattern) -> Doc {
    match p {
        Pattern::MatchAs(a) => match (&a.pattern, &a.name) {
            (Some(inner), Some(name)) => concat([closed(inner, true), text(format!(" as {name}"))]),
            (_, Some(name)) => text(name.to_string()),
            (_, None) => text("_"),
        },
        Pattern::MatchOr(o) => {
            let mut out = Vec::new();
            for (i, alternative) in o.patterns.iter().enumerate() {
                if i > 0 {
                    out.push(text(" | "));
                }
                out.push(closed(alternative, false));
            }
            Doc::Concat(out)
        }
        Pattern::MatchValue(v) => PRINTER.expr(&v.value, level::BIT_OR),
        Pattern::MatchSingleton(s) => text(literal::constant(&s.value, PRINTER.quote)),
        Pattern::MatchSequence(s) => bracketed("[", s.patterns.iter().map(open).collect(), "]"),
        Pattern::MatchMapping(m) => {
            let mut items: Vec<Doc> = Vec::new();
            for (key, value) in m.keys.iter().zip(&m.patterns) {
                items.push(concat([
                    PRINTER.expr(key, level::BIT_OR),
                    text(": "),
                    open(value),
                ]));
            }
            items.extend(m.rest.iter().map(|rest| text(format!("**{rest}"))));
            bracketed("{", items, "}")
        }
        Pattern::MatchClass(c) => {
            let named = c.kwd_attrs.iter().zip(&c.kwd_patterns);
            let named = named
                .map(|(name, p): (&Identifier, _)| concat([text(format!("{name}=")), open(p)]));
            let items = c.patterns.iter().map(open).chain(named).collect();
            concat([
                PRINTER.expr(&c.cls, level::ATOM),
                bracketed("(", items, ")"),
            ])
        }
        Pattern::MatchStar(s) => match &s.name {
            Some(name) => text(format!("*{name}")),
            None => text("*_"),
        },
    }
}

/// A pattern within another: `as` in parentheses, and `|` too unless `alternatives` may stand bare.
fn closed(p: &Pattern, alternatives: bool) -> Doc {
    let parentheses = match p {
        Pattern::MatchAs(a) => a.pattern.is_some(),
        Pattern::MatchOr(_) => !alternatives,
        _ => false,
    };
    if parentheses {
        concat([text("("), open(p), text(")")])
    } else {
        open(p)
    }
}
