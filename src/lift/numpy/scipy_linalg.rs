//! `scipy.linalg` where it calls LAPACK or builds matrices by strides.
//!
//! In: a bound call. Out: the same operations as `numpy.linalg`, under SciPy's conventions.
//! `cho_solve((c, True), b)` is two triangular systems.
//!
//! Source: SciPy 1.17, `scipy/linalg`. Its `check_finite` is not done: what is not finite spreads.

use super::argument::*;
use super::decompose::{
    cholesky_factor, common, complete_qr, epsilon, matrices, of, solution, svd_factors,
};
use super::signature::Call;
use super::{Arg, Either};
use crate::error::{Error, Result};
use crate::graph::{Builder, DType, Dim, NodeId, Shape};
use crate::ops::decompose::{Decomposition, MatrixFunction, System, Triangle, permuted_rows};
use crate::ops::{Elementwise as E, Op, Range, Reduction, matrix};

fn triangle(lower: bool) -> Triangle {
    if lower {
        Triangle::Lower
    } else {
        Triangle::Upper
    }
}

/// A matrix and a right side under their common dtype.
fn pair(call: &mut Call<'_>, left: &str, right: &str) -> Result<(NodeId, NodeId)> {
    let args = [call.arg(left), call.arg(right)];
    let nodes = common(call.b, &args)?;
    for (node, least) in [(nodes[0], 2), (nodes[1], 1)] {
        if call.b.aval(node).rank() < least {
            return Err(call.unlifted("an argument with too few axes"));
        }
    }
    Ok((nodes[0], nodes[1]))
}

/// `op(a)` for `trans` of LAPACK: 0 or "N", 1 or "T", 2 or "C".
fn turned(call: &mut Call<'_>, a: NodeId) -> Result<(NodeId, bool)> {
    match call.arg("trans") {
        Arg::Int(0) => Ok((a, false)),
        Arg::Int(1) => Ok((matrix::transposed(call.b, a)?, true)),
        Arg::Int(2) => Ok((matrix::adjoint(call.b, a)?, true)),
        Arg::Str(name) if name == "N" => Ok((a, false)),
        Arg::Str(name) if name == "T" => Ok((matrix::transposed(call.b, a)?, true)),
        Arg::Str(name) if name == "C" => Ok((matrix::adjoint(call.b, a)?, true)),
        _ => Err(call.unlifted("this `trans`")),
    }
}

/// The Hermitian, or symmetric, matrix that one triangle means.
fn mirrored(b: &mut Builder, a: NodeId, lower: bool, conjugate: bool) -> Result<NodeId> {
    let (own, strict) = match lower {
        true => (matrix::lower(b, a)?, matrix::strictly_lower(b, a)?),
        false => (matrix::upper(b, a)?, matrix::strictly_upper(b, a)?),
    };
    let other = match conjugate {
        true => matrix::adjoint(b, strict)?,
        false => matrix::transposed(b, strict)?,
    };
    matrix::add(b, own, other)
}

/// The matrix that `assume_a` says `a` is, and whether it is positive definite.
fn assumed(call: &mut Call<'_>, a: NodeId, lower: bool) -> Result<(NodeId, bool)> {
    match call.arg("assume_a") {
        Arg::None => Ok((a, false)),
        Arg::Str(kind) => match kind.as_str() {
            "gen" | "general" => Ok((a, false)),
            "sym" | "symmetric" => Ok((mirrored(call.b, a, lower, false)?, false)),
            "her" | "hermitian" => Ok((mirrored(call.b, a, lower, true)?, false)),
            "pos" | "positive definite" => Ok((mirrored(call.b, a, lower, true)?, true)),
            _ => Err(call.unlifted("this `assume_a`")),
        },
        _ => Err(call.unlifted("this `assume_a`")),
    }
}

/// `scipy.linalg.solve(a, b, lower, assume_a, transposed)`.
pub(super) fn solve(call: &mut Call<'_>) -> Result<Arg> {
    let (a, rhs) = pair(call, "a", "b")?;
    let lower = call.flag("lower")?;
    let (mut a, positive) = assumed(call, a, lower)?;
    if call.flag("transposed")? {
        a = matrix::transposed(call.b, a)?;
    }
    let x = match positive {
        true => {
            let factor = of(call.b, Decomposition::Cholesky, a)?;
            by_cholesky(call.b, factor, true, rhs)?
        }
        false => solution(call.b, System::General, a, rhs)?,
    };
    Ok(as_array(x))
}

/// `scipy.linalg.inv(a, assume_a, lower)`.
pub(super) fn inverse(call: &mut Call<'_>) -> Result<Arg> {
    let a = matrices(call, "a")?;
    let lower = call.flag("lower")?;
    let (a, _) = assumed(call, a, lower)?;
    Ok(as_array(of(call.b, Decomposition::Inverse, a)?))
}

/// `scipy.linalg.det(a)`, in double precision.
pub(super) fn determinant(call: &mut Call<'_>) -> Result<Arg> {
    let a = matrices(call, "a")?;
    let double = call.b.aval(a).dtype.promote(DType::F64);
    let a = convert(call.b, a, double)?;
    let node = of(call.b, Decomposition::Determinant, a)?;
    Ok(scalar_or_array(call.b, node))
}

/// `scipy.linalg.norm(a, ord, axis, keepdims)`: a Python number where BLAS or LAPACK has it.
pub(super) fn norm(call: &mut Call<'_>) -> Result<Arg> {
    let whole = matches!(call.peek("axis"), None | Some(Arg::None))
        && matches!(call.peek("keepdims"), None | Some(Arg::Bool(false)));
    let rank = match call.peek("a").cloned() {
        Some(given) => {
            let x = array(call.b, &given)?;
            call.b.aval(x).rank()
        }
        None => 0,
    };
    let routine = match call.peek("ord") {
        None | Some(Arg::None | Arg::Int(2)) => rank == 1,
        Some(Arg::Int(1)) => rank == 2,
        Some(Arg::Float(order)) => rank == 2 && *order == f64::INFINITY,
        _ => false,
    };
    match super::linalg::norm(call, "a")? {
        Arg::Array(found) if whole && routine => Ok(as_python(found.node)),
        other => Ok(other),
    }
}

/// `scipy.linalg.solve_triangular(a, b, trans, lower, unit_diagonal)`.
pub(super) fn solve_triangular(call: &mut Call<'_>) -> Result<Arg> {
    let (a, rhs) = pair(call, "a", "b")?;
    let (a, is_turned) = turned(call, a)?;
    let lower = call.flag("lower")? != is_turned;
    let unit = call.flag("unit_diagonal")?;
    let triangle = triangle(lower);
    let system = System::Triangular { triangle, unit };
    Ok(as_array(solution(call.b, system, a, rhs)?))
}

/// `scipy.linalg.cholesky(a, lower)`.
pub(super) fn cholesky(call: &mut Call<'_>) -> Result<Arg> {
    let a = matrices(call, "a")?;
    let lower = call.flag("lower")?;
    Ok(as_array(cholesky_factor(call.b, a, !lower)?))
}

/// `scipy.linalg.cho_factor(a, lower)`: what is not the factor stays as it was.
pub(super) fn cho_factor(call: &mut Call<'_>) -> Result<Arg> {
    let a = matrices(call, "a")?;
    let lower = call.flag("lower")?;
    let factor = cholesky_factor(call.b, a, !lower)?;
    let rest = match lower {
        true => matrix::strictly_upper(call.b, a)?,
        false => matrix::strictly_lower(call.b, a)?,
    };
    let both = matrix::add(call.b, factor, rest)?;
    Ok(Arg::Tuple(vec![as_array(both), Arg::Bool(lower)]))
}

/// The solution of `c @ c^H @ x = rhs` or `c^H @ c @ x = rhs`.
fn by_cholesky(b: &mut Builder, c: NodeId, lower: bool, rhs: NodeId) -> Result<NodeId> {
    let adjoint = matrix::adjoint(b, c)?;
    let (first, second) = if lower { (c, adjoint) } else { (adjoint, c) };
    let system = |triangle| System::Triangular {
        triangle,
        unit: false,
    };
    let half = solution(b, system(Triangle::Lower), first, rhs)?;
    solution(b, system(Triangle::Upper), second, half)
}

/// `scipy.linalg.cho_solve((c, lower), b)`.
pub(super) fn cho_solve(call: &mut Call<'_>) -> Result<Arg> {
    let given = call.arg("c_and_lower");
    let (Arg::Tuple(parts) | Arg::List(parts)) = given else {
        return Err(call.unlifted("a factor that is no tuple"));
    };
    let [c, lower] = parts.as_slice() else {
        return Err(call.unlifted("a factor that is no pair"));
    };
    let lower = match lower {
        Arg::Bool(lower) => *lower,
        Arg::Int(lower) => *lower != 0,
        _ => return Err(call.unlifted("this `lower`")),
    };
    let args = [c.clone(), call.arg("b")];
    let nodes = common(call.b, &args)?;
    Ok(as_array(by_cholesky(call.b, nodes[0], lower, nodes[1])?))
}

/// `scipy.linalg.lu_factor(a)`.
pub(super) fn lu_factor(call: &mut Call<'_>) -> Result<Arg> {
    let a = matrices(call, "a")?;
    let packed = of(call.b, Decomposition::Lu, a)?;
    let pivots = call.b.add(Op::Part(1), &[packed])?;
    Ok(Arg::Tuple(vec![as_array(packed), as_array(pivots)]))
}

/// `scipy.linalg.lu_solve((lu, piv), b, trans)` of what `lu_factor` gave.
pub(super) fn lu_solve(call: &mut Call<'_>) -> Result<Arg> {
    let given = call.arg("lu_and_piv");
    let (Arg::Tuple(parts) | Arg::List(parts)) = given else {
        return Err(call.unlifted("factors that are no tuple"));
    };
    let (Some(Arg::Array(packed)), Some(Arg::Array(pivots))) = (parts.first(), parts.get(1)) else {
        return Err(call.unlifted("factors that are no arrays"));
    };
    let whole = match call.b.op(pivots.node) {
        Op::Part(1) => call.b.graph().operands(pivots.node)[0],
        _ => return Err(call.unlifted("row exchanges that are not those of lu_factor")),
    };
    if *call.b.op(whole) != Op::Decompose(Decomposition::Lu) || call.b.aval(whole).rank() != 2 {
        return Err(call.unlifted("row exchanges that are not those of lu_factor"));
    }
    let permutation = call.b.add(Op::Part(2), &[whole])?;
    let args = [Arg::Array(*packed), call.arg("b")];
    let nodes = common(call.b, &args)?;
    let (lu, mut rhs) = (nodes[0], nodes[1]);
    let is_vector = call.b.aval(rhs).rank() == 1;
    if is_vector {
        rhs = expand(call.b, rhs, &[1])?;
    }
    let system = |triangle, unit| System::Triangular { triangle, unit };
    let (lower, upper) = (Triangle::Lower, Triangle::Upper);
    let (factors, is_turned) = turned(call, lu)?;
    let x = match is_turned {
        false => {
            let permuted = permuted_rows(call.b, rhs, permutation)?;
            let half = solution(call.b, system(lower, true), factors, permuted)?;
            solution(call.b, system(upper, false), factors, half)?
        }
        true => {
            let half = solution(call.b, system(lower, false), factors, rhs)?;
            let x = solution(call.b, system(upper, true), factors, half)?;
            let back = call.b.add(Op::ArgSort { axis: 0 }, &[permutation])?;
            permuted_rows(call.b, x, back)?
        }
    };
    Ok(as_array(if is_vector { ravel(call.b, x)? } else { x }))
}

/// `scipy.linalg.lu(a, permute_l, p_indices)`.
pub(super) fn lu(call: &mut Call<'_>) -> Result<Arg> {
    let a = matrices(call, "a")?;
    if call.b.aval(a).rank() != 2 {
        return Err(call.unlifted("a stack of matrices"));
    }
    let (permute_l, indices) = (call.flag("permute_l")?, call.flag("p_indices")?);
    let packed = of(call.b, Decomposition::Lu, a)?;
    let permutation = call.b.add(Op::Part(2), &[packed])?;
    let (m, n) = matrix::sizes(call.b, a);
    let k = match call.b.assume_at_most(&m, &n) {
        true => m,
        false => n,
    };
    let zero = Dim::known(0);
    let l = matrix::columns(call.b, packed, zero.clone(), k.clone())?;
    let l = matrix::strictly_lower(call.b, l)?;
    let l = matrix::with_diagonal(call.b, l, 1.0)?;
    let u = matrix::rows(call.b, packed, zero, k)?;
    let u = matrix::upper(call.b, u)?;
    // Row i of the matrix is row `back[i]` of the product.
    let back = call.b.add(Op::ArgSort { axis: 0 }, &[permutation])?;
    if permute_l {
        let l = permuted_rows(call.b, l, back)?;
        return Ok(Arg::Tuple(vec![as_array(l), as_array(u)]));
    }
    if indices {
        let back = convert(call.b, back, DType::I32)?;
        return Ok(Arg::Tuple(vec![as_array(back), as_array(l), as_array(u)]));
    }
    let rows = expand(call.b, back, &[1])?;
    let size = call.b.aval(back).shape[0].clone();
    let line = iota(call.b, size, 1, 2)?;
    let matrix = binary(call.b, E::Equal, rows, line)?;
    let real = call.b.aval(a).dtype.real();
    let matrix = convert(call.b, matrix, real)?;
    Ok(Arg::Tuple(vec![as_array(matrix), as_array(l), as_array(u)]))
}

/// `scipy.linalg.qr(a, mode)`.
pub(super) fn qr(call: &mut Call<'_>) -> Result<Arg> {
    let a = matrices(call, "a")?;
    if call.b.aval(a).rank() != 2 {
        return Err(call.unlifted("a stack of matrices"));
    }
    match call.arg("mode") {
        Arg::Str(mode) if mode == "full" => {
            let (q, r) = complete_qr(call.b, a)?;
            Ok(Arg::Tuple(vec![as_array(q), as_array(r)]))
        }
        Arg::Str(mode) if mode == "r" => {
            let (_, r) = complete_qr(call.b, a)?;
            Ok(Arg::Tuple(vec![as_array(r)]))
        }
        Arg::Str(mode) if mode == "economic" => {
            let q = of(call.b, Decomposition::Qr, a)?;
            let r = call.b.add(Op::Part(1), &[q])?;
            Ok(Arg::Tuple(vec![as_array(q), as_array(r)]))
        }
        _ => Err(call.unlifted("this `mode`")),
    }
}

/// `scipy.linalg.svd(a, full_matrices, compute_uv)`.
pub(super) fn svd(call: &mut Call<'_>) -> Result<Arg> {
    let a = matrices(call, "a")?;
    let full = call.flag("full_matrices")?;
    if !call.flag("compute_uv")? {
        return Ok(as_array(of(call.b, Decomposition::SingularValues, a)?));
    }
    let nodes = svd_factors(call.b, a, full)?;
    Ok(Arg::Tuple(nodes.into_iter().map(as_array).collect()))
}

/// `scipy.linalg.eigvalsh(a, b, lower)`, and `eigh` if only values are asked for.
pub(super) fn eigenvalues_of_hermitian(call: &mut Call<'_>) -> Result<Arg> {
    let a = matrices(call, "a")?;
    let lower = call.flag("lower")?;
    let a = match call.arg("b") {
        Arg::None => a,
        given => whitened(call, a, &given, lower)?,
    };
    let kind = Decomposition::EigenvaluesOfHermitian(triangle(lower));
    Ok(as_array(of(call.b, kind, a)?))
}

/// `scipy.linalg.eigh(a, b, lower, eigvals_only)`: the signs of vectors are those of the driver that SciPy calls.
pub(super) fn eigh(call: &mut Call<'_>) -> Result<Arg> {
    match call.flag("eigvals_only")? {
        true => eigenvalues_of_hermitian(call),
        false => Err(call.unlifted("eigenvectors")),
    }
}

/// `l^-1 a l^-H` for the Cholesky factor `l` of `b`.
fn whitened(call: &mut Call<'_>, a: NodeId, given: &Arg, lower: bool) -> Result<NodeId> {
    let metric = common(call.b, std::slice::from_ref(given))?[0];
    let dtype = call.b.aval(a).dtype.promote(call.b.aval(metric).dtype);
    let (a, metric) = (convert(call.b, a, dtype)?, convert(call.b, metric, dtype)?);
    let factor = match lower {
        true => of(call.b, Decomposition::Cholesky, metric)?,
        false => {
            let upper = cholesky_factor(call.b, metric, true)?;
            matrix::adjoint(call.b, upper)?
        }
    };
    let whole = mirrored(call.b, a, lower, true)?;
    let system = System::Triangular {
        triangle: Triangle::Lower,
        unit: false,
    };
    let half = solution(call.b, system, factor, whole)?;
    let half = matrix::adjoint(call.b, half)?;
    solution(call.b, system, factor, half)
}

/// `scipy.linalg.expm(A)`.
pub(super) fn exponential(call: &mut Call<'_>) -> Result<Arg> {
    let a = matrices(call, "A")?;
    let kind = Decomposition::Function(MatrixFunction::Exp);
    Ok(as_array(of(call.b, kind, a)?))
}

/// `scipy.linalg.expm_frechet(A, E, compute_expm)`.
pub(super) fn exponential_derivative(call: &mut Call<'_>) -> Result<Arg> {
    let (a, direction) = pair(call, "A", "E")?;
    let f = MatrixFunction::Exp;
    let derivative = as_array(call.b.add(Op::Frechet(f), &[a, direction])?);
    if !call.flag("compute_expm")? {
        return Ok(derivative);
    }
    let value = as_array(of(call.b, Decomposition::Function(f), a)?);
    Ok(Arg::Tuple(vec![value, derivative]))
}

/// `scipy.linalg.pinv(a, rtol)`.
pub(super) fn pseudo_inverse(call: &mut Call<'_>) -> Result<Arg> {
    let a = matrices(call, "a")?;
    let fraction = match call.arg("rtol") {
        Arg::None => {
            let (m, n) = matrix::sizes(call.b, a);
            let larger = call.b.size(m.maximum(&n));
            let epsilon = call.b.float(epsilon(call.b.aval(a).dtype));
            binary(call.b, E::Multiply, larger, epsilon)?
        }
        given => symbolic(call.b, &given)?.node,
    };
    let fraction = convert(call.b, fraction, DType::F64)?;
    Ok(as_array(call.b.add(Op::PseudoInverse, &[a, fraction])?))
}

/// `scipy.linalg.sqrtm(A)`: of a real matrix it is real unless an eigenvalue is negative.
pub(super) fn square_root(call: &mut Call<'_>) -> Result<Arg> {
    let a = matrices(call, "A")?;
    let root = principal(call, MatrixFunction::Sqrt, a)?;
    if call.b.aval(a).dtype.is_complex() {
        return Ok(as_array(root));
    }
    let values = of(call.b, Decomposition::Eigenvalues, a)?;
    let (re, im) = (
        unary(call.b, E::Real, values)?,
        unary(call.b, E::Imag, values)?,
    );
    let zero = call.b.float(0.0);
    let negative = binary(call.b, E::Less, re, zero)?;
    let real = binary(call.b, E::Equal, im, zero)?;
    let on_cut = binary(call.b, E::LogicalAnd, negative, real)?;
    let is_fine = unary(call.b, E::LogicalNot, on_cut)?;
    real_if(call, is_fine, root)
}

/// `scipy.linalg.logm(A)`, in double precision: of a real matrix it is real if its imaginary part is rounding.
pub(super) fn logarithm(call: &mut Call<'_>) -> Result<Arg> {
    let a = matrices(call, "A")?;
    let a = convert(call.b, a, call.b.aval(a).dtype.promote(DType::F64))?;
    let log = principal(call, MatrixFunction::Log, a)?;
    if call.b.aval(a).dtype.is_complex() {
        return Ok(as_array(log));
    }
    // As SciPy has it in `_maybe_real`.
    let tolerance = 1e6 * f64::EPSILON;
    let im = unary(call.b, E::Imag, log)?;
    let size = unary(call.b, E::Absolute, im)?;
    let tolerance = call.b.float(tolerance);
    let is_fine = binary(call.b, E::LessEqual, size, tolerance)?;
    real_if(call, is_fine, log)
}

/// A function that may be complex of real matrices.
fn principal(call: &mut Call<'_>, f: MatrixFunction, a: NodeId) -> Result<NodeId> {
    let a = convert(call.b, a, call.b.aval(a).dtype.complex())?;
    of(call.b, Decomposition::Function(f), a)
}

/// The real part where all of `conditions` hold.
fn real_if(call: &mut Call<'_>, conditions: NodeId, x: NodeId) -> Result<Arg> {
    let axes = (0..call.b.aval(conditions).rank()).collect();
    let condition = call.b.reduce(Reduction::All, conditions, axes)?;
    let real = unary(call.b, E::Real, x)?;
    Ok(Arg::Either(Box::new(Either {
        condition,
        holds: as_array(real),
        fails: Ok(as_array(x)),
    })))
}

// Matrices of a pattern.

/// `scipy.linalg.block_diag(*arrs)`.
pub(super) fn block_diagonal(call: &mut Call<'_>) -> Result<Arg> {
    let blocks = call.rest();
    let mut nodes = promoted(call.b, &blocks)?;
    for node in &mut nodes {
        let shape = call.b.aval(*node).shape.clone();
        *node = match shape.len() {
            0 => expand(call.b, *node, &[0, 1])?,
            1 => expand(call.b, *node, &[0])?,
            2 => *node,
            _ => return Err(call.unlifted("stacks of blocks")),
        };
    }
    let Some(&first) = nodes.first() else {
        return Err(call.unlifted("no blocks"));
    };
    let sizes: Vec<(Dim, Dim)> = nodes.iter().map(|&x| matrix::sizes(call.b, x)).collect();
    let total = |pick: fn(&(Dim, Dim)) -> &Dim| {
        sizes
            .iter()
            .fold(Dim::known(0), |sum, s| sum + pick(s).clone())
    };
    let shape: Shape = [total(|s| &s.0), total(|s| &s.1)].into_iter().collect();
    let mut out = call.b.full(0.0, call.b.aval(first).dtype, shape)?;
    let mut at = (Dim::known(0), Dim::known(0));
    for (node, (m, n)) in nodes.into_iter().zip(sizes) {
        let range = |start: &Dim, size: &Dim| Range {
            start: start.clone(),
            size: size.clone(),
            step: 1,
        };
        let write = Op::SliceWrite {
            kind: crate::ops::Write::Set,
            ranges: [range(&at.0, &m), range(&at.1, &n)].into_iter().collect(),
        };
        out = call.b.add(write, &[out, node])?;
        at = (at.0 + m, at.1 + n);
    }
    Ok(as_array(out))
}

/// A vector argument.
fn vector(call: &mut Call<'_>, arg: &Arg) -> Result<NodeId> {
    let x = array(call.b, arg)?;
    match call.b.aval(x).rank() {
        0 | 1 => ravel(call.b, x),
        _ => Err(call.unlifted("stacks of vectors")),
    }
}

/// `values[first + i * by_row + j * by_column]` for each row and column.
fn patterned(
    b: &mut Builder,
    values: NodeId,
    [rows, columns]: [Dim; 2],
    first: Dim,
    [by_row, by_column]: [i64; 2],
) -> Result<NodeId> {
    let signed = |b: &mut Builder, size: Dim, axis: usize, sign: i64| -> Result<NodeId> {
        let index = iota(b, size, axis, 2)?;
        match sign {
            1 => Ok(index),
            _ => unary(b, E::Negative, index),
        }
    };
    let i = signed(b, rows, 0, by_row)?;
    let j = signed(b, columns, 1, by_column)?;
    let mut at = binary(b, E::Add, i, j)?;
    if first.as_known() != Some(0) {
        let first = b.size(first);
        at = binary(b, E::Add, at, first)?;
    }
    super::index::gather(b, values, &[0], 0, &[at])
}

fn tail(b: &mut Builder, x: NodeId) -> Result<NodeId> {
    let n = b.aval(x).shape[0].clone();
    let range = Range {
        start: Dim::known(1),
        size: n - Dim::known(1),
        step: 1,
    };
    super::join::slice_axis(b, x, 0, range)
}

/// `scipy.linalg.toeplitz(c, r)`.
pub(super) fn toeplitz(call: &mut Call<'_>) -> Result<Arg> {
    let given = call.arg("c");
    let column = vector(call, &given)?;
    let row = match call.arg("r") {
        Arg::None => matrix::conjugate(call.b, column)?,
        given => vector(call, &given)?,
    };
    let nodes = promoted(call.b, &[as_array(column), as_array(row)])?;
    let (column, row) = (nodes[0], nodes[1]);
    let (m, n) = (
        call.b.aval(column).shape[0].clone(),
        call.b.aval(row).shape[0].clone(),
    );
    let last = m.clone() - Dim::known(1);
    let backwards = Range {
        start: last.clone(),
        size: m.clone(),
        step: -1,
    };
    let reversed = super::join::slice_axis(call.b, column, 0, backwards)?;
    let rest = tail(call.b, row)?;
    let values = concatenate(call.b, &[reversed, rest], 0)?;
    Ok(as_array(patterned(call.b, values, [m, n], last, [-1, 1])?))
}

/// `scipy.linalg.hankel(c, r)`.
pub(super) fn hankel(call: &mut Call<'_>) -> Result<Arg> {
    let given = call.arg("c");
    let column = vector(call, &given)?;
    let row = match call.arg("r") {
        Arg::None => call.b.full_like(0.0, column)?,
        given => vector(call, &given)?,
    };
    let nodes = promoted(call.b, &[as_array(column), as_array(row)])?;
    let (column, row) = (nodes[0], nodes[1]);
    let (m, n) = (
        call.b.aval(column).shape[0].clone(),
        call.b.aval(row).shape[0].clone(),
    );
    let rest = tail(call.b, row)?;
    let values = concatenate(call.b, &[column, rest], 0)?;
    let zero = Dim::known(0);
    Ok(as_array(patterned(call.b, values, [m, n], zero, [1, 1])?))
}

/// `scipy.linalg.circulant(c)`.
pub(super) fn circulant(call: &mut Call<'_>) -> Result<Arg> {
    let given = call.arg("c");
    let column = vector(call, &given)?;
    let n = call.b.aval(column).shape[0].clone();
    let i = iota(call.b, n.clone(), 0, 2)?;
    let j = iota(call.b, n.clone(), 1, 2)?;
    let at = binary(call.b, E::Subtract, i, j)?;
    let n = call.b.size(n);
    let at = binary(call.b, E::Remainder, at, n)?;
    Ok(as_array(super::index::gather(
        call.b,
        column,
        &[0],
        0,
        &[at],
    )?))
}

/// `scipy.linalg.solve_banded((l, u), ab, b)` and `solveh_banded(ab, b, lower)`: a dense system.
pub(super) fn solve_banded(call: &mut Call<'_>, hermitian: bool) -> Result<Arg> {
    /// Sizes up to which a dense matrix is made.
    const LARGEST: i64 = 1024;
    let (bands, rhs) = pair(call, "ab", "b")?;
    if call.b.aval(bands).rank() != 2 {
        return Err(call.unlifted("stacks of bands"));
    }
    let (count, n) = matrix::sizes(call.b, bands);
    if call.b.example(&n).is_none_or(|n| n > LARGEST) {
        return Err(call.unlifted("a system that is too large for a dense matrix"));
    }
    let count = call
        .b
        .concretize(&count)
        .ok_or_else(|| needs_value("the number of bands"))?;
    let (lower, upper) = match hermitian {
        true if call.flag("lower")? => (count - 1, 0),
        true => (0, count - 1),
        false => match call.arg("l_and_u") {
            Arg::Tuple(both) | Arg::List(both) if both.len() == 2 => (
                known_integer(call.b, &both[0], "l")?,
                known_integer(call.b, &both[1], "u")?,
            ),
            _ => return Err(call.unlifted("this `l_and_u`")),
        },
    };
    if lower + upper + 1 != count {
        return Err(Error::value(format!(
            "invalid values for the number of lower and upper diagonals: l+u+1 ({}) does not equal ab.shape[0] ({count})",
            lower + upper + 1
        )));
    }
    // a[i, j] = ab[upper + i - j, j], where there is such a band.
    let i = iota(call.b, n.clone(), 0, 2)?;
    let j = iota(call.b, n.clone(), 1, 2)?;
    let band = binary(call.b, E::Subtract, i, j)?;
    let (first, zero, last) = (call.b.int(upper), call.b.int(0), call.b.int(count - 1));
    let band = binary(call.b, E::Add, band, first)?;
    let from = binary(call.b, E::GreaterEqual, band, zero)?;
    let until = binary(call.b, E::LessEqual, band, last)?;
    let within = binary(call.b, E::LogicalAnd, from, until)?;
    let row = call.b.elementwise(E::Where, &[within, band, zero])?;
    let read = super::index::gather(call.b, bands, &[0, 1], 0, &[row, j])?;
    let nothing = call.b.full(0.0, call.b.aval(bands).dtype, Shape::new())?;
    let mut a = call.b.elementwise(E::Where, &[within, read, nothing])?;
    if !hermitian {
        return Ok(as_array(solution(call.b, System::General, a, rhs)?));
    }
    a = mirrored(call.b, a, lower > 0, true)?;
    let factor = of(call.b, Decomposition::Cholesky, a)?;
    Ok(as_array(by_cholesky(call.b, factor, true, rhs)?))
}
