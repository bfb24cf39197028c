//! A function's blocks as text.
//!
//! In: a [`Function`]. Out: what a person reads, the same on every run:
//!
//! ```text
//! f(x)
//! 0:
//!   $0 = x * 2.0
//!   branch flag -> 1, 2
//! ```

use std::fmt::Write;

use super::py::{Constant, Expr, Operator, Stmt, UnaryOp};
use super::{Function, Terminator};

pub fn listing(function: &Function) -> String {
    let code = &function.code;
    let mut out = format!("{}({})\n", code.name, parameters(function).join(", "));
    for (at, block) in function.blocks.iter().enumerate() {
        let handler = block
            .handler
            .map_or(String::new(), |handler| format!("  except -> {handler}"));
        let _ = writeln!(out, "{at}:{handler}");
        for statement in &block.statements {
            let _ = writeln!(out, "  {}", stmt(&statement.node));
        }
        let _ = writeln!(out, "  {}", terminator(&block.end.node));
    }
    for (at, code) in function.nested.iter().enumerate() {
        let _ = writeln!(out, "function {at}: {} at {}", code.name, code.first_line);
    }
    out
}

fn parameters(function: &Function) -> Vec<&str> {
    let code = &function.code;
    let count = code.argcount + code.kwonlyargcount + (code.flags >> 2 & 1) + (code.flags >> 3 & 1);
    code.varnames
        .iter()
        .take(count as usize)
        .map(String::as_str)
        .collect()
}

pub fn terminator(end: &Terminator) -> String {
    match end {
        Terminator::Goto(target) => format!("goto {target}"),
        Terminator::Branch {
            test,
            then,
            otherwise,
        } => {
            format!("branch {} -> {then}, {otherwise}", expr(test))
        }
        Terminator::Next {
            iterator,
            target,
            body,
            exit,
        } => {
            format!("next {target} of {iterator} -> {body}, {exit}")
        }
        Terminator::Return(value) => format!("return {}", expr(value)),
        Terminator::Raise { exception, cause } => {
            let mut out = "raise".to_owned();
            if let Some(exception) = exception {
                out = format!("{out} {}", expr(exception));
            }
            if let Some(cause) = cause {
                out = format!("{out} from {}", expr(cause));
            }
            out
        }
        Terminator::Unread(construct) => format!("unread {construct}"),
    }
}

/// A statement of the form.
pub fn stmt(statement: &Stmt) -> String {
    match statement {
        Stmt::Assign(s) => {
            let targets: Vec<String> = s.targets.iter().map(expr).collect();
            format!("{} = {}", targets.join(" = "), expr(&s.value))
        }
        Stmt::Expr(s) => expr(&s.value),
        Stmt::Delete(s) => format!("del {}", many(&s.targets)),
        other => format!("{other:?}"),
    }
}

fn many(exprs: &[Expr]) -> String {
    exprs.iter().map(expr).collect::<Vec<_>>().join(", ")
}

/// An expression of the form: atoms, or one operation on atoms.
pub fn expr(e: &Expr) -> String {
    match e {
        Expr::Name(e) => e.id.to_string(),
        Expr::Constant(e) => constant(&e.value),
        Expr::BinOp(e) => format!("{} {} {}", expr(&e.left), operator(e.op), expr(&e.right)),
        Expr::UnaryOp(e) => {
            let op = match e.op {
                UnaryOp::Invert => "~",
                UnaryOp::Not => "not ",
                UnaryOp::UAdd => "+",
                UnaryOp::USub => "-",
            };
            format!("{op}{}", expr(&e.operand))
        }
        Expr::Compare(e) => {
            let mut out = expr(&e.left);
            for (op, right) in e.ops.iter().zip(&e.comparators) {
                let _ = write!(out, " {} {}", op.as_str(), expr(right));
            }
            out
        }
        Expr::Call(e) => {
            let mut args: Vec<String> = e.args.iter().map(expr).collect();
            args.extend(e.keywords.iter().map(|k| match &k.arg {
                Some(arg) => format!("{arg}={}", expr(&k.value)),
                None => format!("**{}", expr(&k.value)),
            }));
            format!("{}({})", expr(&e.func), args.join(", "))
        }
        Expr::Attribute(e) => format!("{}.{}", expr(&e.value), e.attr),
        Expr::Subscript(e) => format!("{}[{}]", expr(&e.value), expr(&e.slice)),
        Expr::Starred(e) => format!("*{}", expr(&e.value)),
        Expr::Tuple(e) if e.elts.len() == 1 => format!("({},)", many(&e.elts)),
        Expr::Tuple(e) => format!("({})", many(&e.elts)),
        Expr::List(e) => format!("[{}]", many(&e.elts)),
        Expr::Set(e) if e.elts.is_empty() => "set()".into(),
        Expr::Set(e) => format!("{{{}}}", many(&e.elts)),
        Expr::Dict(e) => {
            let items: Vec<String> = e
                .keys
                .iter()
                .zip(&e.values)
                .map(|(key, value)| match key {
                    Some(key) => format!("{}: {}", expr(key), expr(value)),
                    None => format!("**{}", expr(value)),
                })
                .collect();
            format!("{{{}}}", items.join(", "))
        }
        other => format!("{other:?}"),
    }
}

/// The operator as in source.
pub fn operator(op: Operator) -> &'static str {
    match op {
        Operator::Add => "+",
        Operator::Sub => "-",
        Operator::Mult => "*",
        Operator::MatMult => "@",
        Operator::Div => "/",
        Operator::Mod => "%",
        Operator::Pow => "**",
        Operator::LShift => "<<",
        Operator::RShift => ">>",
        Operator::BitOr => "|",
        Operator::BitXor => "^",
        Operator::BitAnd => "&",
        Operator::FloorDiv => "//",
    }
}

/// A constant as Python writes it.
pub fn constant(value: &Constant) -> String {
    match value {
        Constant::None => "None".into(),
        Constant::Bool(true) => "True".into(),
        Constant::Bool(false) => "False".into(),
        Constant::Str(s) => string(s),
        Constant::Bytes(bytes) => {
            let mut out = "b'".to_owned();
            for &byte in bytes {
                match byte {
                    b'\'' | b'\\' => {
                        let _ = write!(out, "\\{}", byte as char);
                    }
                    b' '..=b'~' => out.push(byte as char),
                    _ => {
                        let _ = write!(out, "\\x{byte:02x}");
                    }
                }
            }
            out + "'"
        }
        Constant::Int(i) => i.to_string(),
        Constant::Tuple(items) if items.len() == 1 => format!("({},)", constant(&items[0])),
        Constant::Tuple(items) => {
            format!(
                "({})",
                items.iter().map(constant).collect::<Vec<_>>().join(", ")
            )
        }
        Constant::Float(x) => float(*x),
        Constant::Complex { real, imag } if *real == 0.0 && real.is_sign_positive() => {
            format!("{}j", float(*imag))
        }
        Constant::Complex { real, imag } => format!("complex({}, {})", float(*real), float(*imag)),
        Constant::Ellipsis => "...".into(),
    }
}

fn float(x: f64) -> String {
    if x.is_infinite() {
        return if x > 0.0 {
            "1e999".into()
        } else {
            "-1e999".into()
        };
    }
    format!("{x:?}")
}

fn string(s: &str) -> String {
    let mut out = "'".to_owned();
    for c in s.chars() {
        match c {
            '\'' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out + "'"
}
