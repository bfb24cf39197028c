//! Reading and writing at positions: by integer arrays, by slices, in sorted order.
//!
//! In: the avals of the array, the values and the indices. Out: the aval of what is read, or of the
//! array after the write; derivatives. Reading and accumulating are each other's transpose.
//!
//! ```text
//! gather(float64[n0, n1], int64[5]) axes=(0,) at=0 : float64[5, n1]
//! scatter add(float64[n0, n1], float64[5, n1], int64[5]) axes=(0,) at=0 : float64[n0, n1]
//! ```

use super::shape::{check_ranges, sliced};
use super::{
    Op, broadcasts_to, fits_into, one, same_dtype, show_shape, show_shapes, size_along,
    try_broadcast, two,
};
use crate::error::{Error, Exception, Result};
use crate::graph::{Aval, Builder, DType, Dim, Kind, Shape};

/// Shape and dtype of the result.
///
/// # Errors
/// What NumPy would raise.
pub fn infer(b: &mut Builder, op: &Op, avals: &[Aval]) -> Result<Aval> {
    match op {
        Op::Gather { axes, at } => {
            let (x, indices) = avals
                .split_first()
                .ok_or_else(|| Error::internal("gather of nothing"))?;
            let shape = gathered(b, x, indices, axes, *at)?;
            Ok(Aval::new(x.dtype, shape))
        }
        Op::Scatter { axes, at, .. } => {
            let (x, values) = two(avals)?;
            same_dtype("scatter", &avals[..2])?;
            let slots = gathered(b, x, &avals[2..], axes, *at)?;
            if !broadcasts_to(b, &values.shape, &slots) {
                return Err(Error::value(format!(
                    "shape mismatch: value array of shape {} could not be broadcast to indexing \
                     result of shape {}",
                    show_shape(b, &values.shape),
                    show_shape(b, &slots)
                )));
            }
            Ok(Aval::new(x.dtype, x.shape.iter().cloned()))
        }
        Op::SliceWrite { ranges, .. } => {
            let (x, values) = two(avals)?;
            same_dtype("slice write", avals)?;
            check_ranges(&x.shape, ranges)?;
            fits_into(b, &values.shape, &sliced(ranges))?;
            Ok(Aval::new(x.dtype, x.shape.iter().cloned()))
        }
        // How many there are is known only when evaluated: the builder puts a symbol here.
        Op::ArgWhere => {
            let x = one(avals)?;
            Ok(Aval::new(DType::I64, [Dim::known(0), Dim::from(x.rank())]))
        }
        Op::ArgSort { axis } => {
            let x = one(avals)?;
            size_along(x, *axis)?;
            Ok(x.with_dtype(DType::I64))
        }
        other => Err(Error::internal(format!("not an indexing: {other:?}"))),
    }
}

/// The shape that a gather gives: the index arrays' broadcast shape at `at` among the kept axes.
pub(super) fn gathered(
    b: &mut Builder,
    x: &Aval,
    indices: &[Aval],
    axes: &[usize],
    at: usize,
) -> Result<Shape> {
    let kept = x.rank().checked_sub(axes.len());
    if indices.len() != axes.len() || axes.is_empty() || kept.is_none_or(|k| at > k) {
        return Err(Error::internal("indices and axes do not match"));
    }
    for (i, index) in indices.iter().enumerate() {
        size_along(x, axes[i])?;
        if index.dtype.kind() != Kind::Int {
            return Err(Error::raises(
                Exception::Index,
                "arrays used as indices must be of integer (or boolean) type",
            ));
        }
    }
    let shapes: Vec<&Shape> = indices.iter().map(|i| &i.shape).collect();
    let slots = try_broadcast(b, &shapes).ok_or_else(|| {
        Error::raises(
            Exception::Index,
            format!(
                "shape mismatch: indexing arrays could not be broadcast together with shapes {}",
                show_shapes(b, &shapes)
            ),
        )
    })?;
    let mut shape: Shape = (0..x.rank())
        .filter(|axis| !axes.contains(axis))
        .map(|axis| x.shape[axis].clone())
        .collect();
    shape.insert_many(at, slots);
    Ok(shape)
}
