//! Python's syntax, one short function per construct: pieces in, `rustpython_ast` out.
//!
//! ```text
//! call("np.sum", [x], [("axis", int(0))])   =>   np.sum(x, axis=0)
//! ```

use num_bigint::BigInt;
use num_complex::Complex64;
use rustpython_ast::text_size::TextRange;
use rustpython_ast::{
    CmpOp, Constant, Expr, ExprAttribute, ExprBinOp, ExprCall, ExprCompare, ExprConstant,
    ExprContext, ExprDict, ExprList, ExprName, ExprSlice, ExprSubscript, ExprTuple, ExprUnaryOp,
    Keyword, Operator, Stmt, StmtAssign, StmtAugAssign, StmtExpr, UnaryOp,
};

use crate::graph::DType;

fn range() -> TextRange {
    TextRange::default()
}

pub fn name(id: impl Into<String>) -> Expr {
    Expr::Name(ExprName {
        range: range(),
        id: rustpython_ast::Identifier::new(id),
        ctx: ExprContext::Load,
    })
}

pub fn constant(value: Constant) -> Expr {
    Expr::Constant(ExprConstant {
        range: range(),
        value,
        kind: None,
    })
}

pub fn int(value: i64) -> Expr {
    constant(Constant::Int(BigInt::from(value)))
}

pub fn unsigned(value: u64) -> Expr {
    constant(Constant::Int(BigInt::from(value)))
}

/// A literal where there is one; infinities and NaN by NumPy's names.
pub fn float(value: f64) -> Expr {
    if value.is_nan() {
        dotted("np.nan")
    } else if value.is_infinite() && value < 0.0 {
        unary(UnaryOp::USub, dotted("np.inf"))
    } else if value.is_infinite() {
        dotted("np.inf")
    } else {
        constant(Constant::Float(value))
    }
}

/// `2j`, or `complex(a, b)`, which keeps signs of zeros and infinities as a sum would not.
pub fn complex(value: Complex64) -> Expr {
    if value.re.to_bits() == 0 && value.im.is_finite() && value.im.is_sign_positive() {
        constant(Constant::Complex {
            real: 0.0,
            imag: value.im,
        })
    } else {
        call("complex", [float(value.re), float(value.im)], [])
    }
}

pub fn string(value: &str) -> Expr {
    constant(Constant::Str(value.into()))
}

pub fn boolean(value: bool) -> Expr {
    constant(Constant::Bool(value))
}

pub fn ellipsis() -> Expr {
    constant(Constant::Ellipsis)
}

pub fn none() -> Expr {
    constant(Constant::None)
}

/// `np.linalg.inv` from its text.
pub fn dotted(path: &str) -> Expr {
    let mut parts = path.split('.');
    let first = name(parts.next().unwrap_or_default());
    parts.fold(first, attribute)
}

pub fn dtype(dtype: DType) -> Expr {
    match dtype {
        DType::Bool => dotted("np.bool_"),
        other => attribute(name("np"), other.name()),
    }
}

pub fn attribute(value: Expr, attr: &str) -> Expr {
    Expr::Attribute(ExprAttribute {
        range: range(),
        value: Box::new(value),
        attr: rustpython_ast::Identifier::new(attr),
        ctx: ExprContext::Load,
    })
}

pub fn call<const K: usize>(
    function: &str,
    args: impl IntoIterator<Item = Expr>,
    keywords: [(&str, Expr); K],
) -> Expr {
    apply(dotted(function), args, keywords)
}

/// `object.method(args)`.
pub fn method(object: Expr, method: &str, args: impl IntoIterator<Item = Expr>) -> Expr {
    apply(attribute(object, method), args, [])
}

pub fn apply<'a>(
    function: Expr,
    args: impl IntoIterator<Item = Expr>,
    keywords: impl IntoIterator<Item = (&'a str, Expr)>,
) -> Expr {
    let keyword = |(arg, value)| Keyword {
        range: range(),
        arg: Some(rustpython_ast::Identifier::new(arg)),
        value,
    };
    Expr::Call(ExprCall {
        range: range(),
        func: Box::new(function),
        args: args.into_iter().collect(),
        keywords: keywords.into_iter().map(keyword).collect(),
    })
}

pub fn subscript(value: Expr, index: Expr) -> Expr {
    Expr::Subscript(ExprSubscript {
        range: range(),
        value: Box::new(value),
        slice: Box::new(index),
        ctx: ExprContext::Load,
    })
}

/// What stands in brackets: one index by itself, several as a tuple.
pub fn index(mut entries: Vec<Expr>) -> Expr {
    if entries.len() == 1 {
        entries.remove(0)
    } else {
        tuple(entries)
    }
}

pub fn slice(lower: Option<Expr>, upper: Option<Expr>, step: Option<Expr>) -> Expr {
    Expr::Slice(ExprSlice {
        range: range(),
        lower: lower.map(Box::new),
        upper: upper.map(Box::new),
        step: step.map(Box::new),
    })
}

pub fn tuple(elts: Vec<Expr>) -> Expr {
    Expr::Tuple(ExprTuple {
        range: range(),
        elts,
        ctx: ExprContext::Load,
    })
}

pub fn list(elts: Vec<Expr>) -> Expr {
    Expr::List(ExprList {
        range: range(),
        elts,
        ctx: ExprContext::Load,
    })
}

pub fn dict(items: Vec<(Expr, Expr)>) -> Expr {
    let (keys, values) = items.into_iter().map(|(k, v)| (Some(k), v)).unzip();
    Expr::Dict(ExprDict {
        range: range(),
        keys,
        values,
    })
}

pub fn binary(op: Operator, left: Expr, right: Expr) -> Expr {
    Expr::BinOp(ExprBinOp {
        range: range(),
        left: Box::new(left),
        op,
        right: Box::new(right),
    })
}

pub fn unary(op: UnaryOp, operand: Expr) -> Expr {
    Expr::UnaryOp(ExprUnaryOp {
        range: range(),
        op,
        operand: Box::new(operand),
    })
}

pub fn compare(op: CmpOp, left: Expr, right: Expr) -> Expr {
    Expr::Compare(ExprCompare {
        range: range(),
        left: Box::new(left),
        ops: vec![op],
        comparators: vec![right],
    })
}

pub fn assign(target: Expr, value: Expr) -> Stmt {
    Stmt::Assign(StmtAssign {
        range: range(),
        targets: vec![target],
        value: Box::new(value),
        type_comment: None,
    })
}

/// `target += value`, or `target -= value` of what is negated.
pub fn add_to(target: Expr, value: Expr) -> Stmt {
    let (op, value) = match value {
        Expr::UnaryOp(u) if u.op == UnaryOp::USub => (Operator::Sub, u.operand),
        other => (Operator::Add, Box::new(other)),
    };
    Stmt::AugAssign(StmtAugAssign {
        range: range(),
        target: Box::new(target),
        op,
        value,
    })
}

pub fn asserts(test: Expr, message: &str) -> Stmt {
    Stmt::Assert(rustpython_ast::StmtAssert {
        range: range(),
        test: Box::new(test),
        msg: Some(Box::new(string(message))),
    })
}

pub fn for_loop(target: Expr, iter: Expr, body: Vec<Stmt>) -> Stmt {
    Stmt::For(rustpython_ast::StmtFor {
        range: range(),
        target: Box::new(target),
        iter: Box::new(iter),
        body: or_pass(body),
        orelse: vec![],
        type_comment: None,
    })
}

pub fn while_loop(test: Expr, body: Vec<Stmt>) -> Stmt {
    Stmt::While(rustpython_ast::StmtWhile {
        range: range(),
        test: Box::new(test),
        body: or_pass(body),
        orelse: vec![],
    })
}

pub fn if_else(test: Expr, body: Vec<Stmt>, orelse: Vec<Stmt>) -> Stmt {
    Stmt::If(rustpython_ast::StmtIf {
        range: range(),
        test: Box::new(test),
        body: or_pass(body),
        orelse,
    })
}

pub fn breaks() -> Stmt {
    Stmt::Break(rustpython_ast::StmtBreak { range: range() })
}

pub fn not(operand: Expr) -> Expr {
    unary(UnaryOp::Not, operand)
}

fn or_pass(body: Vec<Stmt>) -> Vec<Stmt> {
    match body.is_empty() {
        true => vec![Stmt::Pass(rustpython_ast::StmtPass { range: range() })],
        false => body,
    }
}

pub fn evaluate(value: Expr) -> Stmt {
    Stmt::Expr(StmtExpr {
        range: range(),
        value: Box::new(value),
    })
}

pub fn returns(value: Expr) -> Stmt {
    Stmt::Return(rustpython_ast::StmtReturn {
        range: range(),
        value: Some(Box::new(value)),
    })
}
