//! Elementwise operations: Python's operators where NumPy has them, functions elsewhere.
//!
//! In: an operation and its operands. Out: `lam * w + np.exp(-x)`. Casts, broadcasts and dtypes of
//! numbers are left out wherever NumPy does the same by itself (NEP 50).

use rustpython_ast::{CmpOp, Expr, Operator, UnaryOp};

use super::constant::{as_kind, literal};
use super::{Spelled, Speller, Step};
use crate::emit::syntax::{apply, binary, call, compare, dtype, float, int, subscript, unary};
use crate::error::{Error, Result};
use crate::graph::{Aval, DType, Kind, NodeId, Shape};
use crate::ops::{Constant, Elementwise, Op};

/// An operand as it will be written.
#[derive(Clone)]
enum Operand {
    Node(NodeId),
    /// A number without dtype.
    Literal(Constant),
}

impl Speller<'_, '_> {
    /// # Errors
    /// If there is no spelling.
    pub fn elementwise(&mut self, e: Elementwise, id: NodeId) -> Result<Spelled> {
        if let Some(spelled) = self.accumulation(e, id) {
            return Ok(spelled);
        }
        let operands = self.relaxed(e, id);
        if e == Elementwise::MakeComplex {
            return self.make_complex(&operands, id);
        }
        if let Some(expr) = self.signed_sum(e, &operands) {
            return Ok(expr.into());
        }
        let weak = self.facts.aval(id).weak;
        let mut args: Vec<Expr> = operands.iter().map(|o| self.write(o)).collect();
        if let (Some(op), [_, _]) = (operator(e), args.as_slice()) {
            let literal_last = matches!(operands[1], Operand::Literal(_));
            let right = args.remove(1);
            let left = args.remove(0);
            // `2.0 * x`, as formulas have it.
            if e == Elementwise::Multiply && literal_last {
                return Ok(binary(op, right, left).into());
            }
            return Ok(binary(op, left, right).into());
        }
        if let (Some(op), [_, _]) = (comparison(e), args.as_slice()) {
            let right = args.remove(1);
            return Ok(compare(op, args.remove(0), right).into());
        }
        let expr = match (e, args.as_slice()) {
            (Elementwise::Negative, [_]) => unary(UnaryOp::USub, args.remove(0)),
            (Elementwise::Positive, [_]) => unary(UnaryOp::UAdd, args.remove(0)),
            (Elementwise::Invert, [_]) => unary(UnaryOp::Invert, args.remove(0)),
            (Elementwise::LogicalNot, [_]) if weak => unary(UnaryOp::Not, args.remove(0)),
            (Elementwise::Square, [_]) => binary(Operator::Pow, args.remove(0), int(2)),
            (Elementwise::Reciprocal, [_]) if self.facts.aval(id).dtype.is_inexact() => {
                binary(Operator::Div, float(1.0), args.remove(0))
            }
            (Elementwise::Absolute, [_]) if weak => return Ok(call("abs", args, []).into()),
            (Elementwise::FrexpMantissa, [_]) => subscript(call("np.frexp", args, []), int(0)),
            (Elementwise::FrexpExponent, [_]) => subscript(call("np.frexp", args, []), int(1)),
            (Elementwise::Modf, [_]) => subscript(call("np.modf", args, []), int(0)),
            // These spare the reader, and the program, SciPy.
            (Elementwise::Expit, [_]) => {
                let exp = call("np.exp", [unary(UnaryOp::USub, args.remove(0))], []);
                let denominator = binary(Operator::Add, float(1.0), exp);
                binary(Operator::Div, float(1.0), denominator)
            }
            (Elementwise::LogExpit, [_]) => {
                let x = unary(UnaryOp::USub, args.remove(0));
                unary(UnaryOp::USub, call("np.logaddexp", [float(0.0), x], []))
            }
            (Elementwise::Softplus, [_]) => call("np.logaddexp", [float(0.0), args.remove(0)], []),
            _ => call(&self.function(e)?, args, []),
        };
        let python_number = matches!(
            e,
            Elementwise::Negative
                | Elementwise::Positive
                | Elementwise::Invert
                | Elementwise::LogicalNot
                | Elementwise::Square
                | Elementwise::Reciprocal
        );
        if weak && !python_number {
            let kind = self.facts.aval(id).dtype.kind();
            return Ok(call(python_type(kind), [expr], []).into());
        }
        Ok(expr.into())
    }

    /// `np.exp`, `special.gammaln`.
    fn function(&mut self, e: Elementwise) -> Result<String> {
        let dotted = e.def().numpy.first().copied().unwrap_or_default();
        if let Some(name) = dotted.strip_prefix("numpy.") {
            Ok(format!("np.{name}"))
        } else if let Some(name) = dotted.strip_prefix("scipy.special.") {
            self.names.needs_special();
            Ok(format!("special.{name}"))
        } else {
            Err(Error::internal(format!(
                "{} has no spelling in NumPy",
                e.def().name
            )))
        }
    }

    fn write(&mut self, operand: &Operand) -> Expr {
        match operand {
            Operand::Node(id) => self.value(*id),
            Operand::Literal(c) => literal(c),
        }
    }

    /// The operands with everything dropped that does not change loop, dtype or shape.
    fn relaxed(&self, e: Elementwise, id: NodeId) -> Vec<Operand> {
        let operands = self.facts.graph.operands(id);
        let mut avals: Vec<Aval> = operands
            .iter()
            .map(|&o| self.facts.aval(o).clone())
            .collect();
        let mut out: Vec<Operand> = operands.iter().map(|&o| Operand::Node(o)).collect();
        let Ok(wanted) = e.result_dtype(&avals.iter().collect::<Vec<_>>()) else {
            return out;
        };
        for k in 0..out.len() {
            while let Operand::Node(node) = out[k]
                && let Some((operand, aval)) = self.simpler(node)
            {
                let kept = std::mem::replace(&mut avals[k], aval);
                let all: Vec<&Aval> = avals.iter().collect();
                let shapes: Vec<&[_]> = avals.iter().map(|a| a.shape.as_slice()).collect();
                let same = e.result_dtype(&all).is_ok_and(|found| found == wanted)
                    && self.facts.broadcasts(&shapes, &self.facts.aval(id).shape);
                if !same {
                    avals[k] = kept;
                    break;
                }
                out[k] = operand;
            }
        }
        out
    }

    /// A value that may do in place of `id` as an operand.
    fn simpler(&self, id: NodeId) -> Option<(Operand, Aval)> {
        let aval = self.facts.aval(id);
        match self.facts.op(id) {
            Op::BroadcastTo(_) | Op::Cast(_) => {
                let x = self.facts.operand(id);
                Some((Operand::Node(x), self.facts.aval(x).clone()))
            }
            Op::Constant(Constant::Array(_)) => None,
            Op::Constant(c) if !aval.weak && aval.rank() == 0 => {
                let kind = aval.dtype.kind();
                let literal = Aval {
                    dtype: DType::default_for(kind),
                    weak: true,
                    shape: Shape::new(),
                };
                Some((Operand::Literal(as_kind(c, kind)), literal))
            }
            // A literal as it is.
            Op::Constant(c) if aval.weak => Some((Operand::Literal(c.clone()), aval.clone())),
            _ => None,
        }
    }

    /// `a - b` for `a + -b`, `a + b` for `a - -b`.
    fn signed_sum(&mut self, e: Elementwise, operands: &[Operand]) -> Option<Expr> {
        let [left, right] = operands else { return None };
        let (a, b) = (self.negated(left), self.negated(right));
        let (op, left, right) = match (e, a, b) {
            (Elementwise::Add, _, Some(b)) => (Operator::Sub, left.clone(), Operand::Node(b)),
            (Elementwise::Add, Some(a), None) => (Operator::Sub, right.clone(), Operand::Node(a)),
            (Elementwise::Subtract, _, Some(b)) => (Operator::Add, left.clone(), Operand::Node(b)),
            _ => return None,
        };
        let left = self.write(&left);
        Some(binary(op, left, self.write(&right)))
    }

    fn negated(&self, operand: &Operand) -> Option<NodeId> {
        match operand {
            Operand::Node(id)
                if *self.facts.op(*id) == Op::Elementwise(Elementwise::Negative)
                    && self.facts.is_private(*id) =>
            {
                Some(self.facts.operand(*id))
            }
            Operand::Node(_) | Operand::Literal(_) => None,
        }
    }

    /// A sum in which slices' transposes take part is written slice by slice.
    fn accumulation(&mut self, e: Elementwise, id: NodeId) -> Option<Spelled> {
        if e != Elementwise::Add {
            return None;
        }
        let aval = self.facts.aval(id);
        let (mut others, mut unslices) = (Vec::new(), Vec::new());
        let mut work = vec![id];
        while let Some(term) = work.pop() {
            let private = term == id || self.facts.is_private(term);
            match self.facts.op(term) {
                Op::Elementwise(Elementwise::Add) if private => {
                    work.extend(self.facts.graph.operands(term).iter().rev());
                }
                Op::Unslice { shape, .. }
                    if private && self.facts.same_shape(shape, &aval.shape) =>
                {
                    unslices.push(term);
                }
                _ => others.push(term),
            }
        }
        let whole = |o: &NodeId| {
            let other = self.facts.aval(*o);
            other.dtype == aval.dtype && self.facts.same_shape(&other.shape, &aval.shape)
        };
        if unslices.is_empty() || !others.iter().all(whole) {
            return None;
        }
        Some(self.accumulated(&others, &unslices, id))
    }

    /// Parts are stored into an array: `re + 1j * im` would make NaN of infinities.
    fn make_complex(&mut self, operands: &[Operand], id: NodeId) -> Result<Spelled> {
        let [re, im] = operands else {
            return Err(Error::internal("a complex number has two parts"));
        };
        let (re, im) = (self.write(re), self.write(im));
        let aval = self.facts.aval(id);
        if aval.rank() == 0 {
            let number = call("complex", [re, im], []);
            if aval.weak {
                return Ok(number.into());
            }
            let number = apply(dtype(aval.dtype), [number], []);
            return Ok(number.into());
        }
        let shape = self.shape(&aval.shape);
        Ok(Spelled {
            start: call("np.empty", [shape, dtype(aval.dtype)], []),
            steps: vec![Step::Attribute("real", re), Step::Attribute("imag", im)],
        })
    }
}

fn python_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Bool => "bool",
        Kind::Int => "int",
        Kind::Float => "float",
        Kind::Complex => "complex",
    }
}

fn operator(e: Elementwise) -> Option<Operator> {
    Some(match e {
        Elementwise::Add => Operator::Add,
        Elementwise::Subtract => Operator::Sub,
        Elementwise::Multiply => Operator::Mult,
        Elementwise::Divide => Operator::Div,
        Elementwise::FloorDivide => Operator::FloorDiv,
        Elementwise::Remainder => Operator::Mod,
        Elementwise::Power => Operator::Pow,
        Elementwise::BitwiseAnd => Operator::BitAnd,
        Elementwise::BitwiseOr => Operator::BitOr,
        Elementwise::BitwiseXor => Operator::BitXor,
        Elementwise::LeftShift => Operator::LShift,
        Elementwise::RightShift => Operator::RShift,
        _ => return None,
    })
}

fn comparison(e: Elementwise) -> Option<CmpOp> {
    Some(match e {
        Elementwise::Equal => CmpOp::Eq,
        Elementwise::NotEqual => CmpOp::NotEq,
        Elementwise::Less => CmpOp::Lt,
        Elementwise::LessEqual => CmpOp::LtE,
        Elementwise::Greater => CmpOp::Gt,
        Elementwise::GreaterEqual => CmpOp::GtE,
        _ => return None,
    })
}
