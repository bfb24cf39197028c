//! Elementwise operations: Python's operators where NumPy has them, functions elsewhere.
//!
//! In: an operation and its operands. Out: `lam * w + np.exp(-x)`. Casts, broadcasts and dtypes of
//! numbers are left out wherever NumPy does the same by itself (NEP 50).

use num_bigint::Sign;
use rustpython_ast::{CmpOp, Expr, Operator, UnaryOp};

use super::constant::{as_float, as_kind, literal};
use super::{Spelled, Speller, Step};
use crate::emit::syntax::{
    apply, binary, call, compare, constant, dtype, float, int, subscript, unary,
};
use crate::error::{Error, Result};
use crate::graph::{Aval, DType, Kind, NodeId, Shape};
use crate::ops::elementwise::Resolution;
use crate::ops::{Constant, Elementwise, Op};

/// Sums and products of more terms are not looked through.
const LONG: usize = 16;

/// An operand as it will be written.
#[derive(Clone)]
enum Operand {
    Node(NodeId),
    /// A Python number whose conversion to one may be left out, since its dtype does not matter here.
    Number(NodeId),
    /// A number without dtype.
    Literal(Constant),
}

/// Factors above and below a line.
#[derive(Default)]
struct Product {
    negative: bool,
    numerators: Vec<NodeId>,
    denominators: Vec<NodeId>,
}

impl Speller<'_, '_> {
    /// # Errors
    /// If there is no spelling.
    pub fn elementwise(&mut self, e: Elementwise, id: NodeId) -> Result<Spelled> {
        if let Some(spelled) = self.accumulation(e, id) {
            return Ok(spelled);
        }
        if let Some(expr) = self.quotient(e, id) {
            return Ok(expr.into());
        }
        let operands = self.relaxed(e, id);
        if e == Elementwise::MakeComplex {
            return self.make_complex(&operands, id);
        }
        if let Some(expr) = self.signed_sum(e, &operands) {
            return Ok(expr.into());
        }
        let weak = self.facts.aval(id).weak;
        let of_floats = self
            .facts
            .graph
            .operands(id)
            .iter()
            .all(|&x| self.facts.aval(x).dtype.is_float());
        let mut args: Vec<Expr> = operands.iter().map(|o| self.write(o)).collect();
        if let (Some(op), [_, _]) = (operator(e), args.as_slice()) {
            let literal_last = matches!(operands[1], Operand::Literal(_));
            let right = args.remove(1);
            let left = args.remove(0);
            // `2.0 * x`, as formulas have it.
            if e == Elementwise::Multiply && literal_last {
                return Ok(binary(op, right, left).into());
            }
            if op == Operator::Add
                && let Some(positive) = without_sign(&right)
            {
                return Ok(binary(Operator::Sub, left, positive).into());
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
            (Elementwise::Item, [_]) => {
                let kind = self.facts.aval(id).dtype.kind();
                call(python_type(kind), args, [])
            }
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
            (Elementwise::Expit, [_]) if of_floats => {
                let exp = call("np.exp", [unary(UnaryOp::USub, args.remove(0))], []);
                let denominator = binary(Operator::Add, float(1.0), exp);
                binary(Operator::Div, float(1.0), denominator)
            }
            (Elementwise::LogExpit, [_]) if of_floats => {
                let x = unary(UnaryOp::USub, args.remove(0));
                unary(UnaryOp::USub, call("np.logaddexp", [float(0.0), x], []))
            }
            (Elementwise::Softplus, [_]) => call("np.logaddexp", [float(0.0), args.remove(0)], []),
            _ => call(&self.function(e)?, args, []),
        };
        if weak && !is_python(e) {
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
            self.names.needs_scipy("special");
            Ok(format!("special.{name}"))
        } else {
            Err(Error::unlifted(
                format!("the source of {}", e.def().name),
                "NumPy and SciPy have no function for it",
            ))
        }
    }

    fn write(&mut self, operand: &Operand) -> Expr {
        match operand {
            Operand::Node(id) => self.value(*id),
            Operand::Number(id) => unconverted(self.value(*id)),
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
        // NumPy's functions give NumPy's numbers, whatever numbers they get.
        let is_call = operator(e).is_none() && !is_python(e) && !wanted.weak;
        let suffices = |found: Resolution| {
            (Resolution {
                weak: found.weak && !is_call,
                ..found
            }) == wanted
        };
        for k in 0..out.len() {
            while let Operand::Node(node) = out[k]
                && let Some((operand, aval)) = self.simpler(node)
            {
                let kept = std::mem::replace(&mut avals[k], aval);
                let all: Vec<&Aval> = avals.iter().collect();
                let shapes: Vec<&[_]> = avals.iter().map(|a| a.shape.as_slice()).collect();
                let same = e.result_dtype(&all).is_ok_and(suffices)
                    && self.facts.broadcasts(&shapes, &self.facts.aval(id).shape);
                if !same {
                    avals[k] = kept;
                    break;
                }
                out[k] = operand;
            }
            // As a NumPy scalar instead of a Python number.
            if let Operand::Node(node) = out[k]
                && avals[k].weak
            {
                let strong = avals[k].with_dtype(avals[k].dtype);
                let weak = std::mem::replace(&mut avals[k], strong);
                let all: Vec<&Aval> = avals.iter().collect();
                if e.result_dtype(&all).is_ok_and(suffices) {
                    out[k] = Operand::Number(node);
                } else {
                    avals[k] = weak;
                }
            }
        }
        out
    }

    /// A product with reciprocals or signs among its factors, as a quotient: `-y * e / (1.0 + e) / n`.
    /// It rounds once where the product rounds twice.
    fn quotient(&mut self, e: Elementwise, id: NodeId) -> Option<Expr> {
        let aval = self.facts.aval(id);
        if !aval.dtype.is_float() || !matches!(e, Elementwise::Multiply | Elementwise::Negative) {
            return None;
        }
        let mut product = Product::default();
        self.factors(id, id, true, &mut product);
        let Product {
            negative,
            mut numerators,
            denominators,
        } = product;
        if denominators.is_empty() && (!negative || numerators.len() < 2) {
            return None;
        }
        // Integers may only be converted to floats, never be multiplied among themselves.
        let exact = |x: &&NodeId| !self.facts.aval(**x).dtype.is_inexact();
        if numerators.iter().filter(exact).count() > 1 {
            return None;
        }
        let one = Aval::weak(DType::F64);
        let first = numerators.first().map_or(&one, |&x| self.facts.aval(x));
        let mut found = (first.dtype, first.weak);
        let rest = numerators
            .iter()
            .skip(1)
            .map(|&x| (Elementwise::Multiply, x));
        let below = denominators.iter().map(|&x| (Elementwise::Divide, x));
        for (op, x) in rest.chain(below) {
            let so_far = Aval {
                dtype: found.0,
                weak: found.1,
                shape: Shape::new(),
            };
            let next = op.result_dtype(&[&so_far, self.facts.aval(x)]).ok()?;
            found = (next.out, next.weak);
        }
        let all = numerators.iter().chain(&denominators);
        let shapes: Vec<&[_]> = all.map(|&x| self.facts.aval(x).shape.as_slice()).collect();
        let fits = self.facts.broadcasts(&shapes, &aval.shape) || aval.rank() == 0;
        if found != (aval.dtype, aval.weak) || !fits {
            return None;
        }
        // `2.0 * x`, as formulas have it.
        let literal = |&x: &NodeId| matches!(self.facts.op(x), Op::Constant(_));
        if numerators.len() > 1 && literal(&numerators[1]) && !literal(&numerators[0]) {
            numerators.swap(0, 1);
        }
        // The sign goes to the first factor that has one: a bool or an unsigned integer has none.
        let signed = |&x: &NodeId| {
            let aval = self.facts.aval(x);
            aval.dtype.is_inexact() || (aval.weak && aval.dtype == DType::I64)
        };
        let sign = numerators.iter().position(signed).filter(|_| negative);
        if negative && sign.is_none() && !numerators.is_empty() {
            return None;
        }
        let mut out: Option<Expr> = None;
        for (k, x) in numerators.into_iter().enumerate() {
            let mut value = self.value(x);
            if sign == Some(k) {
                value = unary(UnaryOp::USub, value);
            }
            out = Some(match out {
                Some(product) => binary(Operator::Mult, product, value),
                None => value,
            });
        }
        let mut out = out.unwrap_or_else(|| float(if negative { -1.0 } else { 1.0 }));
        for x in denominators {
            out = binary(Operator::Div, out, self.value(x));
        }
        Some(out)
    }

    /// The factors of `id`, looking into products, signs and reciprocals that only it uses; into a
    /// quotient too where it is `alone`, below signs only.
    fn factors(&self, id: NodeId, top: NodeId, alone: bool, product: &mut Product) {
        let mut id = id;
        // A broadcast is implied by the product, which `quotient` checks.
        while id != top
            && self.facts.is_private(id)
            && matches!(self.facts.op(id), Op::BroadcastTo(_))
        {
            id = self.facts.operand(id);
        }
        let long = product.numerators.len() + product.denominators.len() > LONG;
        // What is rounded to fewer digits before it is multiplied stays so.
        let aval = self.facts.aval(id);
        let same_precision = aval.weak || aval.dtype == self.facts.aval(top).dtype;
        let inside = id == top || (self.facts.is_private(id) && !long && same_precision);
        let is_float = self.facts.aval(id).dtype.is_float();
        let operands = self.facts.graph.operands(id);
        match (self.facts.op(id), operands.as_slice()) {
            (Op::Elementwise(Elementwise::Multiply), &[a, b]) if inside && is_float => {
                self.factors(a, top, false, product);
                self.factors(b, top, false, product);
            }
            (Op::Elementwise(Elementwise::Negative), &[x]) if inside && is_float => {
                product.negative = !product.negative;
                self.factors(x, top, alone, product);
            }
            (Op::Elementwise(Elementwise::Divide), &[one, x])
                if inside && is_float && self.is_one(one) =>
            {
                product.denominators.push(x);
            }
            (Op::Elementwise(Elementwise::Divide), &[a, x]) if inside && is_float && alone => {
                product.numerators.push(a);
                product.denominators.push(x);
            }
            (Op::Elementwise(Elementwise::Reciprocal), &[x]) if inside && is_float => {
                product.denominators.push(x);
            }
            _ => product.numerators.push(id),
        }
    }

    fn is_one(&self, id: NodeId) -> bool {
        match self.facts.op(id) {
            Op::Constant(c) => as_float(c) == Some(1.0),
            Op::BroadcastTo(_) | Op::Cast(_) => self.is_one(self.facts.operand(id)),
            _ => false,
        }
    }

    /// A value that may do in place of `id` as an operand.
    fn simpler(&self, id: NodeId) -> Option<(Operand, Aval)> {
        let aval = self.facts.aval(id);
        match self.facts.op(id) {
            Op::BroadcastTo(_) => {
                let x = self.facts.operand(id);
                Some((Operand::Node(x), self.facts.aval(x).clone()))
            }
            // A conversion without loss, which the loop would do by itself.
            Op::Cast(to) => {
                let x = self.facts.operand(id);
                let from = self.facts.aval(x);
                (from.dtype.promote(*to) == *to).then(|| (Operand::Node(x), from.clone()))
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
            Op::Constant(c) if aval.weak => {
                let c = as_kind(c, aval.dtype.kind());
                Some((Operand::Literal(c), aval.clone()))
            }
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
            Operand::Node(_) | Operand::Number(_) | Operand::Literal(_) => None,
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
            if others.len() + unslices.len() > LONG {
                return None;
            }
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

/// `2 * x` for `-2 * x`: the sign of the first factor taken off.
fn without_sign(e: &Expr) -> Option<Expr> {
    match e {
        Expr::Constant(c) => match &c.value {
            rustpython_ast::Constant::Int(i) if i.sign() == Sign::Minus => {
                Some(constant(rustpython_ast::Constant::Int(-i)))
            }
            rustpython_ast::Constant::Float(x) if *x < 0.0 => Some(float(-x)),
            _ => None,
        },
        Expr::UnaryOp(u) if u.op == UnaryOp::USub => Some((*u.operand).clone()),
        Expr::BinOp(b) if matches!(b.op, Operator::Mult | Operator::Div) => {
            let left = without_sign(&b.left)?;
            Some(binary(b.op, left, (*b.right).clone()))
        }
        _ => None,
    }
}

/// `np.log(x)` for `float(np.log(x))`.
fn unconverted(e: Expr) -> Expr {
    match e {
        Expr::Call(mut c) if c.args.len() == 1 && c.keywords.is_empty() => match &*c.func {
            Expr::Name(n) if matches!(n.id.as_str(), "float" | "int" | "bool" | "complex") => {
                c.args.remove(0)
            }
            _ => Expr::Call(c),
        },
        other => other,
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

/// Operations that Python's own syntax spells, besides the binary operators.
fn is_python(e: Elementwise) -> bool {
    matches!(
        e,
        Elementwise::Negative
            | Elementwise::Positive
            | Elementwise::Item
            | Elementwise::Invert
            | Elementwise::LogicalNot
            | Elementwise::Square
            | Elementwise::Reciprocal
    )
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
