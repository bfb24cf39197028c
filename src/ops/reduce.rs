//! Reductions and scans along axes.
//!
//! In: the aval of the operand. Out: the aval without the reduced axes (a scan keeps them);
//! derivatives.
//!
//! ```text
//! reduce sum axes=(0,) (float64[n0, 3]) : float64[3]      its transpose is broadcast_to
//! ```
//!
//! Reduced axes are dropped and never empty; dtypes are not changed, except that `any` and `all`
//! give bool and positions are int64.

use smallvec::SmallVec;

use super::derivative::{materialized, not_linear, with_ones};
use super::{Axes, Cumulation, Elementwise, Extreme, Op, Range, Reduction, one, size_along};
use crate::error::{Error, Result};
use crate::graph::{Aval, Builder, DType, Dim, NodeId};

/// Shape and dtype of the result.
///
/// # Errors
/// What NumPy would raise.
pub fn infer(_b: &mut Builder, op: &Op, avals: &[Aval]) -> Result<Aval> {
    let x = one(avals)?;
    match op {
        Op::Reduce { kind, axes } => infer_reduce(*kind, axes, x),
        Op::ArgReduce { kind, axis } => {
            if size_along(x, *axis)?.as_known() == Some(0) {
                return Err(Error::value(format!(
                    "attempt to get {} of an empty sequence",
                    match kind {
                        Extreme::Min => "argmin",
                        Extreme::Max => "argmax",
                    }
                )));
            }
            Ok(without(x, &[*axis], DType::I64))
        }
        Op::Cumulate { axis, .. } => {
            size_along(x, *axis)?;
            Ok(x.clone())
        }
        other => Err(Error::internal(format!("not a reduction: {other:?}"))),
    }
}

fn infer_reduce(kind: Reduction, axes: &Axes, x: &Aval) -> Result<Aval> {
    if axes.is_empty() {
        return Err(Error::internal("a reduction over no axes"));
    }
    for (i, &axis) in axes.iter().enumerate() {
        size_along(x, axis)?;
        if axes[..i].contains(&axis) {
            return Err(Error::value("duplicate value in 'axis'"));
        }
    }
    let empty = axes.iter().any(|&a| x.shape[a].as_known() == Some(0));
    let (dtype, identity) = match kind {
        Reduction::Sum | Reduction::Prod => (x.dtype, Ok(())),
        Reduction::Any | Reduction::All => (DType::Bool, Ok(())),
        Reduction::Min => (x.dtype, Err("minimum")),
        Reduction::Max => (x.dtype, Err("maximum")),
    };
    if let (true, Err(ufunc)) = (empty, identity) {
        return Err(Error::value(format!(
            "zero-size array to reduction operation {ufunc} which has no identity"
        )));
    }
    Ok(without(x, axes, dtype))
}

fn without(x: &Aval, axes: &[usize], dtype: DType) -> Aval {
    let kept = (0..x.rank()).filter(|axis| !axes.contains(axis));
    Aval::new(dtype, kept.map(|axis| x.shape[axis].clone()))
}

/// Sums are linear; a product's zeros are taken care of; of several extremes each takes an equal share.
pub fn jvp(
    b: &mut Builder,
    node: NodeId,
    op: &Op,
    operands: &[NodeId],
    tangents: &[Option<NodeId>],
) -> Result<Option<NodeId>> {
    let (&[x], &[Some(t)]) = (operands, tangents) else {
        return Ok(None);
    };
    match op {
        Op::Reduce { kind, axes } => match kind {
            Reduction::Sum => b.reduce(Reduction::Sum, t, axes.clone()).map(Some),
            Reduction::Prod => jvp_prod(b, node, x, t, axes).map(Some),
            Reduction::Min | Reduction::Max => jvp_extreme(b, node, x, t, axes).map(Some),
            Reduction::Any | Reduction::All => Ok(None),
        },
        Op::Cumulate { kind, axis } => match kind {
            Cumulation::Sum => b.add(op.clone(), &[t]).map(Some),
            Cumulation::Prod => jvp_cumprod(b, node, x, t, *axis).map(Some),
        },
        Op::ArgReduce { .. } => Ok(None),
        other => Err(Error::internal(format!("not a reduction: {other:?}"))),
    }
}

/// A reduction's result, shaped to meet its operand.
fn beside(b: &mut Builder, reduced: NodeId, x: NodeId, axes: &[usize]) -> Result<NodeId> {
    let leading = axes.iter().all(|&axis| axis < axes.len());
    if leading {
        return Ok(reduced);
    }
    let shape = with_ones(&b.aval(x).shape, axes);
    b.reshape(reduced, shape)
}

/// The slope by each factor is the product of the others: `out / x`, unless a factor is zero. If one
/// alone is, it has the product of the rest; of two each has that times the other, which is zero but
/// has a derivative. (Third derivatives by three factors that are all zero are lost.)
fn jvp_prod(b: &mut Builder, node: NodeId, x: NodeId, t: NodeId, axes: &Axes) -> Result<NodeId> {
    use Elementwise::{Divide, Equal, Multiply, Subtract, Where};
    let (zero, one, two, none) = (b.int(0), b.int(1), b.int(2), b.float(0.0));
    let is_zero = b.elementwise(Equal, &[x, zero])?;
    let nonzero = {
        let one = b.float(1.0);
        b.elementwise(Where, &[is_zero, one, x])?
    };
    let rest = b.reduce(Reduction::Prod, nonzero, axes.clone())?;
    let rest = beside(b, rest, x, axes)?;
    let as_int = b.cast(is_zero, DType::I64)?;
    let zeros = b.reduce(Reduction::Sum, as_int, axes.clone())?;
    let zeros = beside(b, zeros, x, axes)?;
    let alone = b.elementwise(Equal, &[zeros, one])?;
    let pair = b.elementwise(Equal, &[zeros, two])?;
    let both = b.elementwise(Where, &[is_zero, x, none])?;
    let both = b.reduce(Reduction::Sum, both, axes.clone())?;
    let both = beside(b, both, x, axes)?;
    let other = b.elementwise(Subtract, &[both, x])?;
    let of_pair = b.elementwise(Multiply, &[rest, other])?;
    let of_pair = b.elementwise(Where, &[pair, of_pair, none])?;
    let of_zero = b.elementwise(Where, &[alone, rest, of_pair])?;
    let out = beside(b, node, x, axes)?;
    let of_nonzero = b.elementwise(Divide, &[out, nonzero])?;
    let slope = b.elementwise(Where, &[is_zero, of_zero, of_nonzero])?;
    let product = b.elementwise(Multiply, &[slope, t])?;
    b.reduce(Reduction::Sum, product, axes.clone())
}

fn jvp_extreme(b: &mut Builder, node: NodeId, x: NodeId, t: NodeId, axes: &Axes) -> Result<NodeId> {
    use Elementwise::{Divide, Equal, Where};
    let dtype = b.aval(x).dtype;
    let out = beside(b, node, x, axes)?;
    let is_extreme = b.elementwise(Equal, &[x, out])?;
    let as_float = b.cast(is_extreme, dtype)?;
    let count = b.reduce(Reduction::Sum, as_float, axes.clone())?;
    let zero = b.float(0.0);
    let chosen = b.elementwise(Where, &[is_extreme, t, zero])?;
    let sum = b.reduce(Reduction::Sum, chosen, axes.clone())?;
    b.elementwise(Divide, &[sum, count])
}

/// The share of each factor that is not zero is `out * t / x`; a zero that is alone so far has the
/// product of the other factors, and of two each has that times the other (as in [`jvp_prod`]).
fn jvp_cumprod(b: &mut Builder, node: NodeId, x: NodeId, t: NodeId, axis: usize) -> Result<NodeId> {
    use Elementwise::{Add, Divide, Equal, Multiply, Subtract, Where};
    let so_far = |b: &mut Builder, kind, x: NodeId| b.add(Op::Cumulate { kind, axis }, &[x]);
    let (zero, one, two, none) = (b.int(0), b.int(1), b.int(2), b.float(0.0));
    let is_zero = b.elementwise(Equal, &[x, zero])?;
    let nonzero = b.elementwise(Where, &[is_zero, one, x])?;
    let rest = so_far(b, Cumulation::Prod, nonzero)?;
    let as_int = b.cast(is_zero, DType::I64)?;
    let zeros = so_far(b, Cumulation::Sum, as_int)?;

    let others = b.elementwise(Where, &[is_zero, none, t])?;
    let shares = b.elementwise(Divide, &[others, nonzero])?;
    let shares = so_far(b, Cumulation::Sum, shares)?;
    let of_nonzero = b.elementwise(Multiply, &[node, shares])?;

    let own = b.elementwise(Where, &[is_zero, t, none])?;
    let value = b.elementwise(Where, &[is_zero, x, none])?;
    let itself = b.elementwise(Multiply, &[own, value])?;
    let own = so_far(b, Cumulation::Sum, own)?;
    let value = so_far(b, Cumulation::Sum, value)?;
    let itself = so_far(b, Cumulation::Sum, itself)?;
    let crossed = b.elementwise(Multiply, &[own, value])?;
    let crossed = b.elementwise(Subtract, &[crossed, itself])?;
    let pair = b.elementwise(Equal, &[zeros, two])?;
    let of_pair = b.elementwise(Where, &[pair, crossed, none])?;
    let alone = b.elementwise(Equal, &[zeros, one])?;
    let of_zeros = b.elementwise(Where, &[alone, own, of_pair])?;
    let of_zeros = b.elementwise(Multiply, &[rest, of_zeros])?;
    b.elementwise(Add, &[of_nonzero, of_zeros])
}

/// A sum's cotangent goes to every term; a running sum's is summed from the end.
pub fn transpose(
    b: &mut Builder,
    op: &Op,
    operands: &[NodeId],
    cotangent: NodeId,
    result: &Aval,
) -> Result<Vec<Option<NodeId>>> {
    let x = operands[0];
    match op {
        Op::Reduce {
            kind: Reduction::Sum,
            axes,
        } => {
            if b.aval(cotangent).rank() == 0 {
                return Ok(vec![Some(cotangent)]);
            }
            let whole = materialized(b, cotangent, result)?;
            Ok(vec![Some(beside(b, whole, x, axes)?)])
        }
        Op::Cumulate {
            kind: Cumulation::Sum,
            axis,
        } => {
            let whole = materialized(b, cotangent, result)?;
            let back = reversed(b, whole, *axis)?;
            let sums = b.add(op.clone(), &[back])?;
            Ok(vec![Some(reversed(b, sums, *axis)?)])
        }
        other => Err(not_linear(other)),
    }
}

/// The array with an axis in the opposite order.
fn reversed(b: &mut Builder, x: NodeId, axis: usize) -> Result<NodeId> {
    let shape = b.aval(x).shape.clone();
    let mut ranges: SmallVec<[Range; 4]> = shape.into_iter().map(Range::full).collect();
    ranges[axis].start = ranges[axis].size.clone() - Dim::known(1);
    ranges[axis].step = -1;
    b.add(Op::Slice(ranges), &[x])
}
