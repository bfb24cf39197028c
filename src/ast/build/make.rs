//! Expressions of the form.
//!
//! In: atoms. Out: one operation on them, without ranges, which are the statements':
//!
//! ```text
//! binary(name("x"), Operator::Add, int(1))   =>   x + 1
//! ```

use crate::ast::py::{self, Constant, Expr};

pub fn name(id: &str) -> Expr {
    Expr::Name(py::ExprName {
        range: Default::default(),
        id: py::Identifier::new(id),
        ctx: py::ExprContext::Load,
    })
}

pub fn constant(value: impl Into<Constant>) -> Expr {
    Expr::Constant(py::ExprConstant {
        range: Default::default(),
        value: value.into(),
        kind: None,
    })
}

pub fn none() -> Expr {
    constant(Constant::None)
}

pub fn int(value: usize) -> Expr {
    constant(Constant::Int(value.into()))
}

pub fn attribute(value: Expr, attr: &str) -> Expr {
    Expr::Attribute(py::ExprAttribute {
        range: Default::default(),
        value: Box::new(value),
        attr: py::Identifier::new(attr),
        ctx: py::ExprContext::Load,
    })
}

pub fn subscript(value: Expr, slice: Expr) -> Expr {
    Expr::Subscript(py::ExprSubscript {
        range: Default::default(),
        value: Box::new(value),
        slice: Box::new(slice),
        ctx: py::ExprContext::Load,
    })
}

pub fn tuple(elts: Vec<Expr>) -> Expr {
    Expr::Tuple(py::ExprTuple {
        range: Default::default(),
        elts,
        ctx: py::ExprContext::Load,
    })
}

pub fn list(elts: Vec<Expr>) -> Expr {
    Expr::List(py::ExprList {
        range: Default::default(),
        elts,
        ctx: py::ExprContext::Load,
    })
}

pub fn set(elts: Vec<Expr>) -> Expr {
    Expr::Set(py::ExprSet {
        range: Default::default(),
        elts,
    })
}

pub fn dict(keys: Vec<Expr>, values: Vec<Expr>) -> Expr {
    Expr::Dict(py::ExprDict {
        range: Default::default(),
        keys: keys.into_iter().map(Some).collect(),
        values,
    })
}

pub fn starred(value: Expr) -> Expr {
    Expr::Starred(py::ExprStarred {
        range: Default::default(),
        value: Box::new(value),
        ctx: py::ExprContext::Load,
    })
}

pub fn unary(op: py::UnaryOp, operand: Expr) -> Expr {
    Expr::UnaryOp(py::ExprUnaryOp {
        range: Default::default(),
        op,
        operand: Box::new(operand),
    })
}

pub fn binary(left: Expr, op: py::Operator, right: Expr) -> Expr {
    Expr::BinOp(py::ExprBinOp {
        range: Default::default(),
        left: Box::new(left),
        op,
        right: Box::new(right),
    })
}

pub fn compare(left: Expr, op: py::CmpOp, right: Expr) -> Expr {
    Expr::Compare(py::ExprCompare {
        range: Default::default(),
        left: Box::new(left),
        ops: vec![op],
        comparators: vec![right],
    })
}

/// `keywords`: a name, or `None` for `**`.
pub fn call(func: Expr, args: Vec<Expr>, keywords: Vec<(Option<String>, Expr)>) -> Expr {
    let keywords = keywords
        .into_iter()
        .map(|(arg, value)| py::Keyword {
            range: Default::default(),
            arg: arg.map(py::Identifier::new),
            value,
        })
        .collect();
    Expr::Call(py::ExprCall {
        range: Default::default(),
        func: Box::new(func),
        args,
        keywords,
    })
}

pub fn intrinsic_call(which: &str, args: Vec<Expr>) -> Expr {
    call(name(which), args, Vec::new())
}

pub fn is_name(atom: &Expr, id: &str) -> bool {
    matches!(atom, Expr::Name(n) if n.id.as_str() == id)
}

pub fn name_of(atom: &Expr) -> Option<&str> {
    match atom {
        Expr::Name(n) => Some(n.id.as_str()),
        _ => None,
    }
}

pub fn spill_name(depth: usize) -> String {
    format!("$s{depth}")
}
