//! Derivatives of elementwise operations that take more than a line of the table.
//!
//! In: operands and result as [`Term`]s. Out: a [`Partial`], itself differentiable.
//! Where calculus leaves a removable hole (`x**0` and `hypot` at 0), the formula is finite there.
//!
//! ```text
//! power(x, 2) by x: 2 * x      power(x, y) by x: y * x**where(y == 0, 1, y - 1)
//! ```

use smallvec::SmallVec;

use super::{Elementwise, Partial};
use crate::error::{Error, Result};
use crate::graph::term::{Term, formula};
use crate::graph::{Builder, NodeId};
use crate::ops::Op;

/// Builds the partial of `op` by operand `wrt`, in the dtype of the result.
pub fn build(
    op: Elementwise,
    b: &mut Builder,
    x: &[NodeId],
    out: NodeId,
    wrt: usize,
) -> Result<Partial> {
    let Some(slope) = op.def().partials.get(wrt) else {
        return Err(Error::internal(format!("{op:?} has no operand {wrt}")));
    };
    let mut x: SmallVec<[NodeId; 3]> = x.into();
    let mut result = out;
    if b.aval(out).weak {
        // Where the slope has a pole the function's own value may be fine, and Python would raise.
        for node in x.iter_mut().chain([&mut result]) {
            *node = of_numpy(b, *node)?;
        }
    }
    let partial = formula(b, |scope| {
        let operands: SmallVec<[Term<'_>; 3]> = x.iter().map(|&node| scope.term(node)).collect();
        slope(&operands, scope.term(result))
    })?;
    match partial {
        Partial::Node(node) => in_precision_of(b, node, out).map(Partial::Node),
        Partial::Real(node) => in_precision_of(b, node, out).map(Partial::Real),
        Partial::Zero | Partial::One | Partial::MinusOne | Partial::NotDifferentiable(_) => {
            Ok(partial)
        }
    }
}

/// A computed float of Python's as one of NumPy's.
fn of_numpy(b: &mut Builder, node: NodeId) -> Result<NodeId> {
    let aval = b.aval(node);
    let dtype = aval.dtype;
    if !aval.weak || !dtype.is_inexact() {
        return Ok(node);
    }
    match b.op(node) {
        Op::Constant(_) => Ok(node),
        Op::Elementwise(Elementwise::Item) => Ok(b.graph().operands(node)[0]),
        _ => b.cast(node, dtype),
    }
}

/// A choice between literals is float64 in NumPy; beside float32 it is cast.
fn in_precision_of(b: &mut Builder, node: NodeId, out: NodeId) -> Result<NodeId> {
    let (slope, result) = (b.aval(node), b.aval(out));
    let precision = if slope.dtype.is_complex() {
        result.dtype.complex()
    } else {
        result.dtype.real()
    };
    if slope.weak || slope.dtype == precision || !result.dtype.is_inexact() {
        Ok(node)
    } else {
        b.cast(node, precision)
    }
}

/// `x**n` by `x`.
pub fn power_base(x: &[Term<'_>], out: Term<'_>) -> Partial {
    let (base, exponent) = (x[0], x[1]);
    match exponent.as_number() {
        Some(0.0) => Partial::Zero,
        Some(1.0) => Partial::One,
        Some(2.0) => (2 * base).into(),
        Some(0.5) => (0.5 / out).into(),
        Some(-1.0) => (-(out * out)).into(),
        // Written as the user wrote the exponent: an integer or a float.
        Some(n) if exponent.dtype().is_integer() => (exponent * base.pow(n as i64 - 1)).into(),
        Some(n) => (exponent * base.pow(n - 1.0)).into(),
        None => {
            // At exponent 0 the slope is 0 even where the base is.
            let reduced = exponent.equals(0).choose(1, exponent - 1);
            (exponent * base.pow(reduced)).into()
        }
    }
}

/// `x**y` by `y`: 0 where the base is not positive, as it is at `0**y`.
pub fn power_exponent(x: &[Term<'_>], out: Term<'_>) -> Partial {
    let base = x[0];
    match base.as_number() {
        Some(c) if c > 0.0 => (out * base.log()).into(),
        _ if out.dtype().is_complex() => {
            let base = base.in_kind_of(out);
            (out * base.equals(0).choose(1, base).log()).into()
        }
        _ => (out * base.above(0).choose(base, 1).log()).into(),
    }
}

/// `|x|` by `x`.
pub fn absolute(x: &[Term<'_>], out: Term<'_>) -> Partial {
    if x[0].dtype().is_complex() {
        // The conjugate of the sign, in operations that can be differentiated again.
        Partial::Real((x[0].conj() / out.equals(0).choose(1, out)).node)
    } else {
        x[0].sign().into()
    }
}

/// Of `conjugate` and `real` of a real number; of a complex one they are linear over the reals only.
pub fn real_linear(x: &[Term<'_>], _out: Term<'_>) -> Partial {
    if x[0].dtype().is_complex() {
        Partial::NotDifferentiable("it is linear over the real numbers only")
    } else {
        Partial::One
    }
}

/// Of `imag`.
pub fn imag(x: &[Term<'_>], _out: Term<'_>) -> Partial {
    if x[0].dtype().is_complex() {
        Partial::NotDifferentiable("it is linear over the real numbers only")
    } else {
        Partial::Zero
    }
}

/// Of `sign`: zero but at the jump.
pub fn sign(x: &[Term<'_>], _out: Term<'_>) -> Partial {
    if x[0].dtype().is_complex() {
        Partial::NotDifferentiable("the sign of a complex number is not holomorphic")
    } else {
        Partial::Zero
    }
}

/// Of `maximum` by either operand: the larger takes all, a tie is shared.
pub fn larger<'s>(this: Term<'s>, other: Term<'s>) -> Partial {
    match other.as_number() {
        Some(0.0) if !this.dtype().is_complex() => this.apply2(Elementwise::Heaviside, 0.5).into(),
        Some(c) if c.is_finite() && !this.dtype().is_complex() => {
            (this - other).apply2(Elementwise::Heaviside, 0.5).into()
        }
        _ => this.equals(other).choose(0.5, this.above(other)).into(),
    }
}

/// Of `minimum` by either operand.
pub fn smaller<'s>(this: Term<'s>, other: Term<'s>) -> Partial {
    match other.as_number() {
        Some(0.0) if !this.dtype().is_complex() => {
            (-this).apply2(Elementwise::Heaviside, 0.5).into()
        }
        Some(c) if c.is_finite() && !this.dtype().is_complex() => {
            (other - this).apply2(Elementwise::Heaviside, 0.5).into()
        }
        _ => this.equals(other).choose(0.5, other.above(this)).into(),
    }
}

/// Of `fmax`: beside NaN a number takes all.
pub fn larger_number<'s>(this: Term<'s>, other: Term<'s>) -> Partial {
    let wins = this
        .above(other)
        .apply2(Elementwise::LogicalOr, other.apply(Elementwise::Isnan));
    this.equals(other).choose(0.5, wins).into()
}

/// Of `fmin`.
pub fn smaller_number<'s>(this: Term<'s>, other: Term<'s>) -> Partial {
    let wins = other
        .above(this)
        .apply2(Elementwise::LogicalOr, other.apply(Elementwise::Isnan));
    this.equals(other).choose(0.5, wins).into()
}

/// `x / y`, 0 where both are.
pub fn ratio_or_zero<'s>(x: Term<'s>, y: Term<'s>) -> Partial {
    let both_zero = x.equals(0).apply2(Elementwise::LogicalAnd, y.equals(0));
    (x / both_zero.choose(1, y)).into()
}

/// Of the distance `out` by one side: 0 at the origin.
pub fn hypot<'s>(side: Term<'s>, out: Term<'s>) -> Partial {
    (side / out.equals(0).choose(1, out)).into()
}
