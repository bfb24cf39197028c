//! The general product of two arrays.
//!
//! In: the avals of two operands and which of their axes pair up. Out: the aval of the product;
//! derivatives, which are products of the same kind.
//!
//! ```text
//! contract(float64[n0, n1], float64[n1]) contract=((1, 0),) : float64[n0]      X @ w
//! ```

use smallvec::SmallVec;

use super::derivative::{materialized, not_linear, scaled};
use super::shape::inverse;
use super::{Elementwise, Op, same_dtype, show_shape, size_along, two};
use crate::error::{Error, Result};
use crate::graph::{Aval, Builder, NodeId};

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
    for axis in free(left.rank(), pairs().map(|p| p.0)) {
        shape.push(left.shape[axis].clone());
    }
    for axis in free(right.rank(), pairs().map(|p| p.1)) {
        shape.push(right.shape[axis].clone());
    }
    Ok(Aval::new(left.dtype, shape))
}

/// The product rule.
pub fn jvp(
    b: &mut Builder,
    op: &Op,
    operands: &[NodeId],
    tangents: &[Option<NodeId>],
) -> Result<Option<NodeId>> {
    let (&[left, right], &[by_left, by_right]) = (operands, tangents) else {
        return Err(Error::internal("a product of two operands"));
    };
    if let (true, Some(t)) = (left == right && is_symmetric(op, b.aval(left)), by_left) {
        let half = b.add(op.clone(), &[left, t])?;
        let two = b.int(2);
        return b.elementwise(Elementwise::Multiply, &[two, half]).map(Some);
    }
    let by_left = by_left
        .map(|t| b.add(op.clone(), &[t, right]))
        .transpose()?;
    let by_right = by_right
        .map(|t| b.add(op.clone(), &[left, t]))
        .transpose()?;
    match (by_left, by_right) {
        (Some(l), Some(r)) => b.elementwise(Elementwise::Add, &[l, r]).map(Some),
        (one, None) | (None, one) => Ok(one),
    }
}

/// Whether exchanging two operands of this aval changes nothing: every axis is paired with itself.
fn is_symmetric(op: &Op, aval: &Aval) -> bool {
    let Op::Contract { batch, contract } = op else {
        return false;
    };
    let pairs = || batch.iter().chain(contract);
    pairs().count() == aval.rank() && pairs().all(|(l, r)| l == r)
}

/// The cotangent contracted with the other operand over the axes that one brought to the result.
pub fn transpose(
    b: &mut Builder,
    op: &Op,
    operands: &[NodeId],
    linear: &[bool],
    cotangent: NodeId,
    result: &Aval,
) -> Result<Vec<Option<NodeId>>> {
    let (Op::Contract { batch, contract }, &[left, right]) = (op, operands) else {
        return Err(not_linear(op));
    };
    let (l_rank, r_rank) = (b.aval(left).rank(), b.aval(right).rank());
    let l_free = free(l_rank, batch.iter().chain(contract).map(|p| p.0));
    let r_free = free(r_rank, batch.iter().chain(contract).map(|p| p.1));
    let (n, l_end) = (batch.len(), batch.len() + l_free.len());
    let mut out = vec![None, None];
    if linear[0] {
        // Result axes: batch, free of the left (both from the cotangent), contracted in the right's order.
        let pairs = Pairs {
            batch: (0..n).map(|i| (i, batch[i].1)).collect(),
            contract: r_free
                .iter()
                .enumerate()
                .map(|(i, &r)| (l_end + i, r))
                .collect(),
        };
        let mut order: Vec<usize> = batch.iter().map(|p| p.0).collect();
        order.extend(&l_free);
        order.extend(sorted_by(contract, |p| p.1).iter().map(|p| p.0));
        out[0] = Some(pairs.product(b, cotangent, result, right, Side::Left, &order)?);
    }
    if linear[1] {
        // Result axes: batch, contracted in the left's order, free of the right.
        let pairs = Pairs {
            batch: (0..n).map(|i| (batch[i].0, i)).collect(),
            contract: l_free
                .iter()
                .enumerate()
                .map(|(i, &l)| (l, n + i))
                .collect(),
        };
        let mut order: Vec<usize> = batch.iter().map(|p| p.1).collect();
        order.extend(sorted_by(contract, |p| p.0).iter().map(|p| p.1));
        order.extend(&r_free);
        out[1] = Some(pairs.product(b, cotangent, result, left, Side::Right, &order)?);
    }
    Ok(out)
}

/// Which side of the product the cotangent is on.
enum Side {
    Left,
    Right,
}

/// How the cotangent's axes pair with the other operand's.
struct Pairs {
    batch: SmallVec<[(usize, usize); 2]>,
    contract: SmallVec<[(usize, usize); 2]>,
}

impl Pairs {
    /// The product, whose axis `i` is then axis `order[i]` of the operand it is the cotangent of.
    /// The factors change places if that gives the axes in order.
    fn product(
        self,
        b: &mut Builder,
        cotangent: NodeId,
        result: &Aval,
        other: NodeId,
        side: Side,
        order: &[usize],
    ) -> Result<NodeId> {
        if result.rank() == 0 {
            let product = scaled(b, cotangent, other)?;
            return b.transpose(product, inverse(order));
        }
        let Pairs {
            mut batch,
            mut contract,
        } = self;
        let whole = materialized(b, cotangent, result)?;
        let mut factors = match side {
            Side::Left => [whole, other],
            Side::Right => [other, whole],
        };
        let mut order = order.to_vec();
        let first = b.aval(factors[0]).rank() - contract.len();
        let mut exchanged = order.clone();
        exchanged[batch.len()..].rotate_left(first - batch.len());
        if !order.is_sorted() && exchanged.is_sorted() {
            order = exchanged;
            factors.reverse();
            for (l, r) in batch.iter_mut().chain(&mut contract) {
                std::mem::swap(l, r);
            }
        }
        let product = b.add(Op::Contract { batch, contract }, &factors)?;
        b.transpose(product, inverse(&order))
    }
}

/// The axes that are in no pair.
fn free(rank: usize, paired: impl Iterator<Item = usize>) -> Vec<usize> {
    let paired: Vec<usize> = paired.collect();
    (0..rank).filter(|axis| !paired.contains(axis)).collect()
}

fn sorted_by(
    pairs: &[(usize, usize)],
    key: impl Fn(&(usize, usize)) -> usize,
) -> Vec<(usize, usize)> {
    let mut sorted = pairs.to_vec();
    sorted.sort_by_key(key);
    sorted
}
