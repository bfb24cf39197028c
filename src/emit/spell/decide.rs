//! Decisions: the source is that of one path, and says so to a call that would take another.
//!
//! In: the value a decision was taken by, and what it was. Out: `assert total > 0, "..."`.

use rustpython_ast::{CmpOp, Expr, Stmt, UnaryOp};

use super::constant::literal;
use crate::emit::syntax::{asserts, call, compare, unary};
use crate::ops::Constant;

/// What the emitted source says of a call that it was not made for.
const ELSEWHERE: &str = "this source is of calls that branch another way";

/// The statement that keeps the source to its path.
pub fn decision(value: Expr, expected: &Constant) -> Stmt {
    let holds = match expected {
        Constant::Bool(true) => value,
        Constant::Bool(false) => unary(UnaryOp::Not, value),
        Constant::Float(x) if x.is_nan() => call("np.isnan", [value], []),
        Constant::Int(_)
        | Constant::UInt(_)
        | Constant::Float(_)
        | Constant::Complex(_)
        | Constant::Array(_) => compare(CmpOp::Eq, value, literal(expected)),
    };
    asserts(holds, ELSEWHERE)
}
