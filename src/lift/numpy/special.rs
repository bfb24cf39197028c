//! Functions of `scipy.special` that are composed of others.
//!
//! In: a bound call. Out: elementwise nodes.
//! `special.chdtr(v, x)` is `gammainc(v/2, x/2)`; `special.sici(x)` gives both integrals.
//!
//! Source: the definitions in SciPy's documentation; Abramowitz and Stegun, chapter 26.

use std::f64::consts::PI;

use super::argument::*;
use super::signature::Call;
use super::ufunc::{apply_to, settle};
use super::{Arg, Symbolic};
use crate::error::Result;
use crate::graph::{Builder, DType, NodeId, term::Term, term::formula};
use crate::ops::Elementwise as E;

/// The arguments as floats of one dtype, float64 unless all are float32.
fn operands(call: &mut Call<'_>, names: &[&str]) -> Result<Vec<NodeId>> {
    let mut xs = Vec::with_capacity(names.len());
    for name in names {
        let arg = call.arg(name);
        xs.push(symbolic(call.b, &arg)?);
    }
    if xs.iter().any(|x| call.b.aval(x.node).dtype.is_complex()) {
        return Err(call.unlifted("complex numbers"));
    }
    floats(call.b, xs)
}

fn floats(b: &mut Builder, mut xs: Vec<Symbolic>) -> Result<Vec<NodeId>> {
    if xs.iter().all(|x| !b.aval(x.node).dtype.is_inexact()) {
        for x in &mut xs {
            x.node = convert(b, x.node, DType::F64)?;
        }
    }
    let nodes = settle(b, &xs)?;
    let is_strong = |n: &&NodeId| !b.aval(**n).weak;
    let dtypes = nodes.iter().filter(is_strong).map(|n| b.aval(*n).dtype);
    // Python's numbers beside arrays are of their dtype before anything is done with them.
    let dtype = dtypes.reduce(DType::promote);
    nodes
        .into_iter()
        .map(|n| match dtype {
            Some(dtype) if b.aval(n).weak && dtype.is_inexact() => convert(b, n, dtype),
            Some(_) => Ok(n),
            None => strong(b, n),
        })
        .collect()
}

/// A function of the named arguments, written as a formula.
fn composed(
    call: &mut Call<'_>,
    names: &[&str],
    write: impl for<'s> FnOnce(&[Term<'s>]) -> Term<'s>,
) -> Result<Arg> {
    let nodes = operands(call, names)?;
    written(call, nodes, write)
}

/// The arguments as float64.
fn doubles(call: &mut Call<'_>, names: &[&str]) -> Result<Vec<NodeId>> {
    let nodes = operands(call, names)?;
    let nodes = nodes
        .into_iter()
        .map(|node| convert(call.b, node, DType::F64));
    nodes.collect()
}

fn written(
    call: &mut Call<'_>,
    nodes: Vec<NodeId>,
    write: impl for<'s> FnOnce(&[Term<'s>]) -> Term<'s>,
) -> Result<Arg> {
    let node = formula(call.b, |scope| {
        let terms: Vec<Term<'_>> = nodes.iter().map(|n| scope.term(*n)).collect();
        write(&terms).node
    })?;
    Ok(scalar_or_array(call.b, node))
}

/// A distribution function of discrete distributions: its count is rounded down.
fn floor(x: Term<'_>) -> Term<'_> {
    x.apply(E::Floor)
}

/// `bdtr(k, n, p)`, and above `k`.
pub(super) fn binomial(call: &mut Call<'_>, above: bool) -> Result<Arg> {
    composed(call, &["k", "n", "p"], |x| {
        let (k, n, p) = (floor(x[0]), x[1], x[2]);
        if above {
            (k + 1).apply_with(E::Betainc, &[n - k, p])
        } else {
            (n - k).apply_with(E::Betainc, &[k + 1, 1.0 - p])
        }
    })
}

/// `nbdtr(k, n, p)`, and above `k`.
pub(super) fn negative_binomial(call: &mut Call<'_>, above: bool) -> Result<Arg> {
    // SciPy's first loop is of integers, and of float64.
    let mut counts = true;
    for name in ["k", "n"] {
        if let Some(given) = call.peek(name).cloned() {
            let x = symbolic(call.b, &given)?;
            counts &= !call.b.aval(x.node).dtype.is_inexact();
        }
    }
    let names = ["k", "n", "p"];
    let nodes = match counts {
        true => doubles(call, &names)?,
        false => operands(call, &names)?,
    };
    written(call, nodes, |x| {
        let (k, n, p) = (x[0], x[1], x[2]);
        if above {
            (k + 1).apply_with(E::Betainc, &[n, 1.0 - p])
        } else {
            n.apply_with(E::Betainc, &[k + 1, p])
        }
    })
}

/// `pdtr(k, m)`, and above `k`.
pub(super) fn poisson(call: &mut Call<'_>, op: E) -> Result<Arg> {
    composed(call, &["k", "m"], |x| (floor(x[0]) + 1).apply2(op, x[1]))
}

/// `chdtr(v, x)`, and above `x`.
pub(super) fn chi_square(call: &mut Call<'_>, op: E) -> Result<Arg> {
    composed(call, &["v", "x"], |x| (0.5 * x[0]).apply2(op, 0.5 * x[1]))
}

/// `chdtri(v, p)`: the inverse of `chdtrc`.
pub(super) fn chi_square_inverse(call: &mut Call<'_>) -> Result<Arg> {
    composed(call, &["v", "p"], |x| {
        2.0 * (0.5 * x[0]).apply2(E::Gammainccinv, x[1])
    })
}

/// `gdtr(a, b, x)`, and above `x`.
pub(super) fn gamma(call: &mut Call<'_>, op: E) -> Result<Arg> {
    composed(call, &["a", "b", "x"], |x| x[1].apply2(op, x[0] * x[2]))
}

/// `fdtr(dfn, dfd, x)`, and above `x`.
pub(super) fn fisher(call: &mut Call<'_>, above: bool) -> Result<Arg> {
    composed(call, &["dfn", "dfd", "x"], |x| {
        let (first, second) = (0.5 * x[0], 0.5 * x[1]);
        let scaled = x[0] * x[2];
        if above {
            second.apply_with(E::Betainc, &[first, x[1] / (x[1] + scaled)])
        } else {
            first.apply_with(E::Betainc, &[second, scaled / (x[1] + scaled)])
        }
    })
}

/// `fdtri(dfn, dfd, p)`: the inverse of `fdtr`.
pub(super) fn fisher_inverse(call: &mut Call<'_>) -> Result<Arg> {
    composed(call, &["dfn", "dfd", "p"], |x| {
        let (a, b) = (0.5 * x[0], 0.5 * x[1]);
        let below = a.apply_with(E::Betaincinv, &[b, x[2]]);
        let above = b.apply_with(E::Betainccinv, &[a, x[2]]);
        x[1] * below / (x[0] * above)
    })
}

/// `radian(d, m, s)`: degrees, minutes and seconds.
pub(super) fn radian(call: &mut Call<'_>) -> Result<Arg> {
    composed(call, &["d", "m", "s"], |x| {
        ((x[2] / 60.0 + x[1]) / 60.0 + x[0]) * (PI / 180.0)
    })
}

/// `powm1(x, y)`: `x**y - 1`.
pub(super) fn power_less_one(call: &mut Call<'_>) -> Result<Arg> {
    composed(call, &["x", "y"], |x| (x[1] * x[0].log()).apply(E::Expm1))
}

/// `exp10(x)`.
pub(super) fn power_of_ten(call: &mut Call<'_>) -> Result<Arg> {
    composed(call, &["x"], |x| x[0].scope().float(10.0).pow(x[0]))
}

/// `comb(N, k)`: 0 unless `0 <= k <= N`; with repetition of `N + k - 1`.
pub(super) fn combinations(call: &mut Call<'_>) -> Result<Arg> {
    let repeated = call.flag("repetition")?;
    composed(call, &["N", "k"], |x| {
        let n = if repeated { x[0] + x[1] - 1 } else { x[0] };
        counted(x[0], n, x[1], |n, k| n.apply2(E::Binom, k))
    })
}

/// `perm(N, k)`: `poch(N - k + 1, k)`, 0 unless `0 <= k <= N`.
pub(super) fn permutations(call: &mut Call<'_>) -> Result<Arg> {
    composed(call, &["N", "k"], |x| {
        counted(x[0], x[0], x[1], |n, k| (n - k + 1).apply2(E::Poch, k))
    })
}

/// A count of choices of `k` out of `n`, where there are any.
fn counted<'s>(
    given: Term<'s>,
    n: Term<'s>,
    k: Term<'s>,
    count: impl FnOnce(Term<'s>, Term<'s>) -> Term<'s>,
) -> Term<'s> {
    let inside = k
        .apply2(E::LessEqual, n)
        .apply2(E::LogicalAnd, given.apply2(E::GreaterEqual, 0))
        .apply2(E::LogicalAnd, k.apply2(E::GreaterEqual, 0));
    let value = count(inside.choose(n, 1.0), inside.choose(k, 1.0));
    inside.choose(value, 0.0)
}

/// `factorial(n)`: 0 of negative numbers.
pub(super) fn factorial(call: &mut Call<'_>) -> Result<Arg> {
    composed(call, &["n"], |x| {
        let negative = x[0].apply2(E::Less, 0);
        negative.choose(0.0, (negative.choose(0.0, x[0]) + 1).apply(E::Gamma))
    })
}

/// `zeta(x, q)`, of one argument Riemann's.
pub(super) fn zeta(call: &mut Call<'_>) -> Result<Arg> {
    if call.peek("q").is_some_and(|q| *q != Arg::None) {
        return composed(call, &["x", "q"], |x| x[0].apply2(E::Zeta, x[1]));
    }
    composed(call, &["x"], |x| 1.0 + x[0].apply(E::Zetac))
}

/// `spherical_jn(n, z)`, or its derivative.
pub(super) fn spherical_jn(call: &mut Call<'_>) -> Result<Arg> {
    let derivative = call.flag("derivative")?;
    let mut nodes = operands(call, &["n", "z"])?;
    if call.b.aval(nodes[0]).dtype.is_inexact() {
        // SciPy makes integers of the orders.
        nodes[0] = call.b.elementwise(E::Trunc, &[nodes[0]])?;
    }
    if !derivative {
        let node = call.b.elementwise(E::SphericalJn, &nodes)?;
        return Ok(scalar_or_array(call.b, node));
    }
    let slope = formula(call.b, |scope| {
        let x = [scope.term(nodes[0]), scope.term(nodes[1])];
        crate::ops::elementwise::spherical_slope(&x).node
    })?;
    Ok(scalar_or_array(call.b, slope))
}

/// `multigammaln(a, d)`: `d(d-1)/4 log(pi) + sum of gammaln(a - j/2)`.
pub(super) fn multigammaln(call: &mut Call<'_>) -> Result<Arg> {
    let d = call.arg("d");
    let d = known_integer(call.b, &d, "the dimension of multigammaln")?;
    if d < 1 {
        return Err(call.unlifted("a dimension below one"));
    }
    let nodes = operands(call, &["a"])?;
    let sum = formula(call.b, |scope| {
        let a = scope.term(nodes[0]);
        let terms = (0..d).map(|j| (a - 0.5 * j as f64).apply(E::Gammaln));
        terms.reduce(|a, b| a + b).unwrap_or(a).node
    })?;
    // SciPy adds a float64.
    let sum = convert(call.b, sum, DType::F64)?;
    let front = (d * (d - 1)) as f64 * 0.25 * PI.ln();
    written(call, vec![sum], |x| x[0] + front)
}

/// `polygamma(n, x)`, for which SciPy computes a factorial in float64.
pub(super) fn polygamma(call: &mut Call<'_>) -> Result<Arg> {
    let order = call.arg("n");
    let order = symbolic(call.b, &order)?.node;
    let x = doubles(call, &["x"])?[0];
    let order = match call.b.aval(order).dtype.is_inexact() {
        true => convert(call.b, order, DType::F64)?,
        false => order,
    };
    let node = call.b.elementwise(E::Polygamma, &[order, x])?;
    Ok(scalar_or_array(call.b, node))
}

/// Functions with two results.
pub(super) fn both(call: &mut Call<'_>, ops: [E; 2]) -> Result<Arg> {
    let arg = call.arg("x");
    let mut x = symbolic(call.b, &arg)?;
    let aval = call.b.aval(x.node);
    if aval.dtype.is_complex() {
        return Err(call.unlifted("complex numbers"));
    }
    if aval.weak {
        x.node = convert(call.b, x.node, DType::F64)?;
    }
    let results = ops.iter().map(|op| {
        let node = apply_to(call.b, *op, &[x])?;
        Ok(scalar_or_array(call.b, node))
    });
    Ok(Arg::Tuple(results.collect::<Result<_>>()?))
}

/// `numpy.i0(x)`.
pub(super) fn i0(call: &mut Call<'_>) -> Result<Arg> {
    let arg = call.arg("x");
    let x = array(call.b, &arg)?;
    if call.b.aval(x).dtype.is_complex() {
        return Err(call.unlifted("complex numbers"));
    }
    let x = inexact(call.b, x)?;
    let node = unary(call.b, E::I0, x)?;
    Ok(as_array(node))
}
