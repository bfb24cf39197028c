//! The general product of two arrays.
//!
//! In: the avals of two operands and which of their axes pair up. Out: the aval of the product;
//! derivatives, which are products of the same kind.
//!
//! ```text
//! contract(float64[n0, n1], float64[n1]) contract=((1, 0),) : float64[n0]      X @ w
//! ```

use super::{Op, same_dtype, show_shape, size_along, two};
use crate::error::{Error, Result};
use crate::graph::{Aval, Builder};

/// Shape and dtype of the result.
///
/// # Errors
/// What NumPy would raise.
pub fn infer(b: &mut Builder, op: &Op, avals: &[Aval]) -> Result<Aval> {
    let Op::Contract { batch, contract } = op else {
        return Err(Error::internal(format!("not a product: {op:?}")));
    };
    let (left, right) = two(avals)?;
    same_dtype("product", avals)?;
    let mut shape = Vec::new();
    for &(l, r) in batch.iter().chain(contract) {
        let (m, n) = (size_along(left, l)?, size_along(right, r)?);
        if !b.assume_equal(m, n) {
            let show = |d| {
                b.example(d)
                    .map_or_else(|| format!("{d}"), |v| v.to_string())
            };
            return Err(Error::value(format!(
                "shapes {} and {} not aligned: {} (dim {l}) != {} (dim {r})",
                show_shape(b, &left.shape),
                show_shape(b, &right.shape),
                show(m),
                show(n),
            )));
        }
    }
    shape.extend(batch.iter().map(|&(l, _)| left.shape[l].clone()));
    let pairs = || batch.iter().chain(contract);
    let free = |x: &Aval, used: &dyn Fn(usize) -> bool| {
        let axes: Vec<usize> = (0..x.rank()).filter(|&axis| !used(axis)).collect();
        axes
    };
    for axis in free(left, &|axis| pairs().any(|p| p.0 == axis)) {
        shape.push(left.shape[axis].clone());
    }
    for axis in free(right, &|axis| pairs().any(|p| p.1 == axis)) {
        shape.push(right.shape[axis].clone());
    }
    Ok(Aval::new(left.dtype, shape))
}
