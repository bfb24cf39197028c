//! Expressions with holes: what a rewrite rule looks for, and what it puts there.
//!
//! In: the text of a NumPy expression. Out: a [`Pattern`], which [`Pattern::matches`] finds in a graph
//! and [`Pattern::build`] adds to one.
//!
//! `"log(1 + x)"`: a call is an operation by its name in the graph, or the reduction `sum`, over the
//! same axes on both sides; the letters `a` to `d` stand for scalar constants of moderate size, all other
//! names for anything; a name that is used twice must be the same node twice.
//!
//! Source: one-sided matching of linear and non-linear patterns, Baader and Nipkow, *Term Rewriting
//! and All That*, chapter 4; operands of commuting operations are tried in both orders.

use lazy_core::error::{Error, ErrorKind, Result};
use lazy_core::graph::{Aval, Builder, NodeId, Operands};
use lazy_core::ops::{Axes, Constant, Elementwise, Op, Reduction};
use rustpython_ast::{self as ast, Expr};
use rustpython_parser::Parse;
use smallvec::SmallVec;

use super::{commutes, scalar};

/// An expression with holes.
#[derive(Clone, Debug, PartialEq)]
pub enum Pattern {
    /// The hole of this index; whether only a scalar constant of moderate size fits.
    Hole {
        index: usize,
        constant: bool,
    },
    Number(f64),
    Apply(Elementwise, Vec<Pattern>),
    Reduce(Reduction, Box<Pattern>),
}

/// What filled the holes, and what was looked through.
#[derive(Clone, Debug, Default)]
pub struct Match {
    pub holes: SmallVec<[Option<NodeId>; 4]>,
    /// The axes of the reductions.
    pub axes: Option<Axes>,
    /// The matched nodes below the root, one for each way there.
    pub interior: SmallVec<[Edge; 8]>,
}

/// A matched node as an operand of another one, or of the root, which is not in the graph yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    pub node: NodeId,
    pub user: Option<NodeId>,
    pub position: usize,
}

impl Pattern {
    /// Reads a pattern; `names` are the holes so far, in order of appearance, shared by both sides of a rule.
    ///
    /// # Errors
    /// `Syntax` if the text is not an expression of known operations.
    pub fn read(text: &str, names: &mut Vec<String>) -> Result<Pattern> {
        let expression = Expr::parse(text, "<rule>")
            .map_err(|e| syntax(format!("the pattern {text:?} is not an expression: {e}")))?;
        pattern(&expression, names).ok_or_else(|| {
            syntax(format!(
                "the pattern {text:?} uses something that is not an operation"
            ))
        })
    }

    /// Finds the pattern at a node that is given by its operation and operands.
    pub fn matches(&self, b: &Builder, op: &Op, operands: &[NodeId]) -> Option<Match> {
        let mut found = Match::default();
        self.fits(b, op, operands, None, &mut found)
            .then_some(found)
    }

    fn fits(
        &self,
        b: &Builder,
        op: &Op,
        operands: &[NodeId],
        user: Option<NodeId>,
        found: &mut Match,
    ) -> bool {
        match (self, op, operands) {
            (Pattern::Apply(wanted, parts), Op::Elementwise(e), _) if wanted == e => {
                let before = found.clone();
                if all_fit(b, parts, operands, [0, 1], user, found) {
                    return true;
                }
                *found = before;
                matches!((commutes(*e), operands), (true, &[x, y])
                    if all_fit(b, parts, &[y, x], [1, 0], user, found))
            }
            (Pattern::Reduce(wanted, part), Op::Reduce { kind, axes }, &[x]) if wanted == kind => {
                let same_axes = found.axes.get_or_insert_with(|| axes.clone()) == axes;
                same_axes && part.fits_at(b, x, user, 0, found)
            }
            _ => false,
        }
    }

    fn fits_at(
        &self,
        b: &Builder,
        node: NodeId,
        user: Option<NodeId>,
        position: usize,
        found: &mut Match,
    ) -> bool {
        match self {
            Pattern::Hole { index, constant } => {
                if *constant && !scalar(b.graph(), node).is_some_and(is_moderate) {
                    return false;
                }
                if found.holes.len() <= *index {
                    found.holes.resize(index + 1, None);
                }
                *found.holes[*index].get_or_insert(node) == node
            }
            Pattern::Number(wanted) => {
                scalar(b.graph(), node).is_some_and(|c| is_number(c, *wanted))
            }
            Pattern::Apply(..) | Pattern::Reduce(..) => {
                found.interior.push(Edge {
                    node,
                    user,
                    position,
                });
                let operands = b.graph().operands(node);
                self.fits(b, b.op(node), &operands, Some(node), found)
            }
        }
    }

    /// Adds the expression; its numbers are written as a person would beside the dtype of `like`.
    ///
    /// # Errors
    /// If the operations do not fit what fills the holes.
    pub fn build(&self, b: &mut Builder, found: &Match, like: &Aval) -> Result<NodeId> {
        match self {
            Pattern::Hole { index, .. } => {
                let filled = found.holes.get(*index).copied().flatten();
                filled.ok_or_else(|| Error::internal("a rule's right side has a name of its own"))
            }
            Pattern::Number(v) if like.dtype.is_inexact() || v.fract() != 0.0 => Ok(b.float(*v)),
            Pattern::Number(v) => Ok(b.int(*v as i64)),
            Pattern::Apply(e, parts) => {
                let operands = parts.iter().map(|part| part.build(b, found, like));
                let operands = operands.collect::<Result<Operands>>()?;
                b.elementwise(*e, &operands)
            }
            Pattern::Reduce(kind, part) => {
                let x = part.build(b, found, like)?;
                b.reduce(*kind, x, found.axes.clone().unwrap_or_default())
            }
        }
    }
}

/// Whether each part fits its operand; `positions` are where the first two stand in the graph.
fn all_fit(
    b: &Builder,
    parts: &[Pattern],
    operands: &[NodeId],
    positions: [usize; 2],
    user: Option<NodeId>,
    found: &mut Match,
) -> bool {
    let mut pairs = parts.iter().zip(operands).enumerate();
    parts.len() == operands.len()
        && pairs.all(|(i, (part, &node))| {
            let position = positions.get(i).copied().unwrap_or(i);
            part.fits_at(b, node, user, position, found)
        })
}

/// Whether arithmetic with this constant stays far from overflow and underflow, in float32 too.
fn is_moderate(constant: &Constant) -> bool {
    let magnitude = match constant {
        Constant::Int(v) => v.unsigned_abs() as f64,
        Constant::UInt(v) => *v as f64,
        Constant::Float(v) => v.abs(),
        Constant::Bool(_) | Constant::Complex(_) | Constant::Array(_) => return false,
    };
    (2f64.powi(-40)..2f64.powi(40)).contains(&magnitude)
}

/// Whether a constant is this number, -0.0 told from 0.0.
fn is_number(constant: &Constant, wanted: f64) -> bool {
    match constant {
        Constant::Bool(v) => f64::from(u8::from(*v)) == wanted,
        Constant::Int(v) => *v as f64 == wanted,
        Constant::UInt(v) => *v as f64 == wanted,
        Constant::Float(v) => v.to_bits() == wanted.to_bits(),
        Constant::Complex(_) | Constant::Array(_) => false,
    }
}

fn pattern(expression: &Expr, names: &mut Vec<String>) -> Option<Pattern> {
    match expression {
        Expr::Name(name) => {
            let name = name.id.as_str();
            let index = names.iter().position(|n| n == name).unwrap_or_else(|| {
                names.push(name.to_owned());
                names.len() - 1
            });
            Some(Pattern::Hole {
                index,
                constant: matches!(name, "a" | "b" | "c" | "d"),
            })
        }
        Expr::Constant(c) => number(&c.value).map(Pattern::Number),
        Expr::UnaryOp(unary) => {
            let x = pattern(&unary.operand, names)?;
            match (unary.op, x) {
                (ast::UnaryOp::USub, Pattern::Number(v)) => Some(Pattern::Number(-v)),
                (ast::UnaryOp::USub, x) => Some(Pattern::Apply(Elementwise::Negative, vec![x])),
                _ => None,
            }
        }
        Expr::BinOp(binary) => {
            let op = match binary.op {
                ast::Operator::Add => Elementwise::Add,
                ast::Operator::Sub => Elementwise::Subtract,
                ast::Operator::Mult => Elementwise::Multiply,
                ast::Operator::Div => Elementwise::Divide,
                ast::Operator::Pow => Elementwise::Power,
                _ => return None,
            };
            let x = pattern(&binary.left, names)?;
            Some(Pattern::Apply(op, vec![x, pattern(&binary.right, names)?]))
        }
        Expr::Call(call) => {
            let Expr::Name(name) = call.func.as_ref() else {
                return None;
            };
            let parts = call.args.iter().map(|arg| pattern(arg, names));
            let mut parts = parts.collect::<Option<Vec<_>>>()?;
            match name.id.as_str() {
                "sum" => Some(Pattern::Reduce(Reduction::Sum, Box::new(parts.pop()?))),
                name => Some(Pattern::Apply(Elementwise::from_name(name)?, parts)),
            }
        }
        _ => None,
    }
}

pub(super) fn syntax(message: String) -> Box<Error> {
    Error::new(ErrorKind::Syntax { message })
}

fn number(constant: &ast::Constant) -> Option<f64> {
    match constant {
        ast::Constant::Int(v) => v.to_string().parse().ok(),
        ast::Constant::Float(v) => Some(*v),
        _ => None,
    }
}
