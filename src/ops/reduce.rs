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

use super::{Axes, Extreme, Op, Reduction, one, size_along};
use crate::error::{Error, Result};
use crate::graph::{Aval, Builder, DType};

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
