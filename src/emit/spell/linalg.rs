//! Products: `@` for vectors and matrices, NumPy's other functions for the rest.
//!
//! ```text
//! contract=[(1, 0)] of a matrix and a vector    A @ b
//! contract=[(0, 0)] of two matrices             A.T @ B
//! nothing contracted, two vectors               np.outer(a, b)
//! ```

use rustpython_ast::{Expr, Operator};

use super::Speller;
use crate::emit::syntax::{attribute, binary, call, int, string, tuple};
use crate::graph::NodeId;
use crate::ops::Op;

type Pairs<'a> = &'a [(usize, usize)];

impl Speller<'_, '_> {
    pub fn contract(&mut self, id: NodeId, batch: Pairs<'_>, contract: Pairs<'_>) -> Expr {
        let operands = self.facts.graph.operands(id);
        let (a, b) = (operands[0], operands[1]);
        let ranks = (self.facts.aval(a).rank(), self.facts.aval(b).rank());
        let (x, y) = (self.value(a), self.value(b));
        if batch.is_empty() {
            return unbatched(x, y, ranks, contract);
        }
        if let Some(product) = batched(&x, &y, ranks, batch, contract) {
            return product;
        }
        let text = subscripts(ranks, batch, contract);
        call("np.einsum", [string(&text), x, y], [])
    }
}

impl Speller<'_, '_> {
    /// `B.T @ A.T` for the transpose of `A @ B`, if nobody else needs that.
    pub fn transposed_product(&mut self, id: NodeId) -> Option<Expr> {
        let Op::Contract { batch, contract } = self.facts.op(id) else {
            return None;
        };
        let [a, b] = self.facts.graph.operands(id)[..] else {
            return None;
        };
        let matrices = self.facts.aval(a).rank() == 2 && self.facts.aval(b).rank() == 2;
        let [(l, r)] = contract.as_slice() else {
            return None;
        };
        if !matrices || !batch.is_empty() || !self.facts.is_private(id) {
            return None;
        }
        let (x, y) = (self.value(a), self.value(b));
        let left = if *r == 0 { t(y) } else { y };
        let right = if *l == 1 { t(x) } else { x };
        Some(at(left, right))
    }
}

fn at(left: Expr, right: Expr) -> Expr {
    binary(Operator::MatMult, left, right)
}

/// The transpose, or what a transpose is one of.
pub fn t(matrix: Expr) -> Expr {
    match matrix {
        Expr::Attribute(a) if a.attr.as_str() == "T" => *a.value,
        other => attribute(other, "T"),
    }
}

fn unbatched(x: Expr, y: Expr, ranks: (usize, usize), contract: Pairs<'_>) -> Expr {
    match (ranks, contract) {
        ((1, 1), [(0, 0)]) => at(x, y),
        ((2, 1), [(1, 0)]) => at(x, y),
        ((2, 1), [(0, 0)]) => at(t(x), y),
        ((1, 2), [(0, 0)]) => at(x, y),
        ((1, 2), [(0, 1)]) => at(y, x),
        ((2, 2), [(1, 0)]) => at(x, y),
        ((2, 2), [(0, 0)]) => at(t(x), y),
        ((2, 2), [(1, 1)]) => at(x, t(y)),
        ((2, 2), [(0, 1)]) => at(t(x), t(y)),
        ((1, 1), []) => call("np.outer", [x, y], []),
        ((0, _) | (_, 0), []) => binary(Operator::Mult, x, y),
        // `@` contracts the last axis with the last but one.
        ((m, 1 | 2), [(i, 0)]) if i + 1 == m => at(x, y),
        (_, []) => call("np.multiply.outer", [x, y], []),
        _ => {
            let left = contract.iter().map(|p| int(p.0 as i64)).collect();
            let right = contract.iter().map(|p| int(p.1 as i64)).collect();
            let axes = tuple(vec![tuple(left), tuple(right)]);
            call("np.tensordot", [x, y], [("axes", axes)])
        }
    }
}

/// `x @ y` where the leading axes are the batch, or a sum of products where all axes are aligned.
fn batched(
    x: &Expr,
    y: &Expr,
    ranks: (usize, usize),
    batch: Pairs<'_>,
    contract: Pairs<'_>,
) -> Option<Expr> {
    let k = batch.len();
    let leading = batch.iter().enumerate().all(|(i, &p)| p == (i, i));
    if leading && ranks == (k + contract.len(), k + contract.len()) {
        let aligned = contract.iter().all(|p| p.0 == p.1);
        let axes: Vec<usize> = contract.iter().map(|p| p.0).collect();
        let product = binary(Operator::Mult, x.clone(), y.clone());
        return match (aligned, axes.as_slice()) {
            (true, []) => Some(product),
            (true, axes) => Some(call(
                "np.sum",
                [product],
                [("axis", super::reduce::axes(axes))],
            )),
            _ => None,
        };
    }
    let matrices = leading && ranks == (k + 2, k + 2);
    let swap = |e: &Expr| call("np.swapaxes", [e.clone(), int(-1), int(-2)], []);
    match contract {
        [(l, r)] if matrices => {
            let x = if *l == k + 1 { x.clone() } else { swap(x) };
            let y = if *r == k { y.clone() } else { swap(y) };
            Some(at(x, y))
        }
        _ => None,
    }
}

/// `"bij,bjk->bik"`.
fn subscripts(ranks: (usize, usize), batch: Pairs<'_>, contract: Pairs<'_>) -> String {
    let mut letters = ('a'..='z').chain('A'..='Z');
    let mut left = vec![' '; ranks.0];
    let mut right = vec![' '; ranks.1];
    for &(l, r) in batch.iter().chain(contract) {
        let letter = letters.next().unwrap_or('?');
        (left[l], right[r]) = (letter, letter);
    }
    for slot in left.iter_mut().chain(&mut right).filter(|c| **c == ' ') {
        *slot = letters.next().unwrap_or('?');
    }
    let mut out: String = batch.iter().map(|p| left[p.0]).collect();
    let used = |pick: fn(&(usize, usize)) -> usize, axis: usize| {
        batch.iter().chain(contract).any(|p| pick(p) == axis)
    };
    out.extend((0..ranks.0).filter(|&i| !used(|p| p.0, i)).map(|i| left[i]));
    out.extend(
        (0..ranks.1)
            .filter(|&i| !used(|p| p.1, i))
            .map(|i| right[i]),
    );
    let (left, right): (String, String) = (left.iter().collect(), right.iter().collect());
    format!("{left},{right}->{out}")
}
