//! `numpy.linalg` beyond products and norms: systems, decompositions, and what is made of them.
//!
//! In: a bound call. Out: decompositions of stacks of matrices, and compositions of those.
//! `np.linalg.solve(A, b)` of a vector is a system with one column, which is dropped again.
//!
//! Source: NumPy 2.4, `numpy/linalg/_linalg.py`. LAPACK computes in double precision there, too.

use super::argument::*;
use super::signature::Call;
use super::{Arg, Either};
use crate::error::{Error, Exception, Result};
use crate::graph::{Builder, DType, Dim, NodeId, Shape};
use crate::ops::decompose::{Decomposition, System, Triangle};
use crate::ops::{Axes, Elementwise as E, Op, Range, Reduction, matrix};

/// Arrays under the common dtype of `numpy.linalg`: float64, unless all are single precision.
pub(super) fn common(b: &mut Builder, args: &[Arg]) -> Result<Vec<NodeId>> {
    let mut nodes = Vec::with_capacity(args.len());
    for arg in args {
        let x = array(b, arg)?;
        nodes.push(inexact(b, x)?);
    }
    let dtypes = nodes.iter().map(|&x| b.aval(x).dtype);
    let dtype = dtypes.reduce(DType::promote).unwrap_or(DType::F64);
    nodes.into_iter().map(|x| convert(b, x, dtype)).collect()
}

/// A stack of matrices.
pub(super) fn matrices(call: &mut Call<'_>, name: &str) -> Result<NodeId> {
    let arg = call.arg(name);
    let x = common(call.b, &[arg])?[0];
    require_matrices(call.b, x)?;
    Ok(x)
}

fn require_matrices(b: &Builder, x: NodeId) -> Result<()> {
    match b.aval(x).rank() {
        rank @ (0 | 1) => Err(linalg_error(format!(
            "{rank}-dimensional array given. Array must be at least two-dimensional"
        ))),
        _ => Ok(()),
    }
}

pub(super) fn linalg_error(message: impl Into<String>) -> Box<Error> {
    Error::raises(Exception::LinAlg, message)
}

pub(super) fn of(b: &mut Builder, kind: Decomposition, a: NodeId) -> Result<NodeId> {
    b.add(Op::Decompose(kind), &[a])
}

/// All results of a decomposition.
fn all_of(b: &mut Builder, kind: Decomposition, a: NodeId) -> Result<Vec<NodeId>> {
    let first = of(b, kind, a)?;
    let mut nodes = vec![first];
    for k in 1..kind.result_count() {
        nodes.push(b.add(Op::Part(k), &[first])?);
    }
    Ok(nodes)
}

fn tuple(b: &Builder, nodes: &[NodeId]) -> Arg {
    Arg::Tuple(nodes.iter().map(|&x| scalar_or_array(b, x)).collect())
}

/// A function of square matrices with one result.
pub(super) fn single(call: &mut Call<'_>, kind: Decomposition) -> Result<Arg> {
    let a = matrices(call, "a")?;
    let node = of(call.b, kind, a)?;
    Ok(scalar_or_array(call.b, node))
}

/// A decomposition of which all results are asked for.
pub(super) fn several(call: &mut Call<'_>, kind: Decomposition) -> Result<Arg> {
    let a = matrices(call, "a")?;
    let nodes = all_of(call.b, kind, a)?;
    Ok(tuple(call.b, &nodes))
}

/// `np.linalg.solve(a, b)`.
pub(super) fn solve(call: &mut Call<'_>) -> Result<Arg> {
    let args = [call.arg("a"), call.arg("b")];
    let nodes = common(call.b, &args)?;
    let (a, rhs) = (nodes[0], nodes[1]);
    require_matrices(call.b, a)?;
    require_square(call.b, a)?;
    if call.b.aval(rhs).rank() == 0 {
        return Err(Error::value(
            "solve: Input operand 1 does not have enough dimensions (has 0, gufunc core with signature (m,m),(m,n)->(m,n) requires 2)",
        ));
    }
    Ok(as_array(solution(call.b, System::General, a, rhs)?))
}

fn require_square(b: &mut Builder, a: NodeId) -> Result<()> {
    let (m, n) = matrix::sizes(b, a);
    match b.assume_equal(&m, &n) {
        true => Ok(()),
        false => Err(linalg_error(
            "Last 2 dimensions of the array must be square",
        )),
    }
}

/// The solution of a system whose right side is one vector or a stack of matrices, broadcast.
pub(super) fn solution(b: &mut Builder, system: System, a: NodeId, rhs: NodeId) -> Result<NodeId> {
    let is_vector = b.aval(rhs).rank() == 1;
    let rhs = if is_vector {
        expand(b, rhs, &[1])?
    } else {
        rhs
    };
    let (n, _) = matrix::sizes(b, a);
    let (rows, _) = matrix::sizes(b, rhs);
    if !b.assume_equal(&n, &rows) {
        let (name, signature) = match is_vector {
            true => ("solve1", "(m,m),(m)->(m)"),
            false => ("solve", "(m,m),(m,n)->(m,n)"),
        };
        return Err(Error::value(format!(
            "{name}: Input operand 1 has a mismatch in its core dimension 0, with gufunc signature {signature} (size {} is different from {})",
            shown(b, &rows),
            shown(b, &n)
        )));
    }
    let (a, rhs) = same_batch(b, a, rhs)?;
    let x = b.add(Op::Solve(system), &[a, rhs])?;
    if !is_vector {
        return Ok(x);
    }
    let mut shape = b.aval(x).shape.clone();
    shape.pop();
    b.reshape(x, shape)
}

/// Two stacks broadcast to the same outer axes.
pub(super) fn same_batch(b: &mut Builder, x: NodeId, y: NodeId) -> Result<(NodeId, NodeId)> {
    let outer = |b: &Builder, x: NodeId| -> Shape {
        let shape = &b.aval(x).shape;
        shape[..shape.len() - 2].into()
    };
    let shapes = [outer(b, x), outer(b, y)];
    let batch = broadcast_shapes(b, &shapes)?;
    let mut both = [x, y];
    for node in &mut both {
        *node = super::linalg::with_batch(b, *node, &batch)?;
    }
    Ok((both[0], both[1]))
}

/// `np.linalg.cholesky(a, upper)`.
pub(super) fn cholesky(call: &mut Call<'_>) -> Result<Arg> {
    let a = matrices(call, "a")?;
    let upper = call.flag("upper")?;
    Ok(as_array(cholesky_factor(call.b, a, upper)?))
}

/// The lower factor of what the lower triangle means, or the upper factor of what the upper one means.
pub(super) fn cholesky_factor(b: &mut Builder, a: NodeId, upper: bool) -> Result<NodeId> {
    if !upper {
        return of(b, Decomposition::Cholesky, a);
    }
    let turned = matrix::adjoint(b, a)?;
    let factor = of(b, Decomposition::Cholesky, turned)?;
    matrix::adjoint(b, factor)
}

/// The namedtuples that NumPy's decompositions give.
const RESULTS: &[(&str, &str)] = &[
    ("numpy.linalg.eig", "numpy.linalg._linalg.EigResult"),
    ("numpy.linalg.eigh", "numpy.linalg._linalg.EighResult"),
    ("numpy.linalg.qr", "numpy.linalg._linalg.QRResult"),
    ("numpy.linalg.slogdet", "numpy.linalg._linalg.SlogdetResult"),
    ("numpy.linalg.svd", "numpy.linalg._linalg.SVDResult"),
];

/// The class of the tuple that a function gives, if that has fields.
pub fn result_class(name: &str) -> Option<&'static str> {
    let mut found = RESULTS.iter().filter(|(of, _)| *of == name);
    found.next().map(|(_, class)| *class)
}

/// `np.linalg.qr(a, mode)`.
pub(super) fn qr(call: &mut Call<'_>) -> Result<Arg> {
    let mode = call.arg("mode");
    if let Arg::Str(mode) = &mode
        && !["reduced", "complete", "r", "raw"].contains(&mode.as_str())
    {
        return Err(Error::value(format!("Unrecognized mode '{mode}'")));
    }
    let a = matrices(call, "a")?;
    match mode {
        Arg::Str(mode) if mode == "reduced" => {
            let nodes = all_of(call.b, Decomposition::Qr, a)?;
            Ok(tuple(call.b, &nodes))
        }
        Arg::Str(mode) if mode == "r" => {
            let nodes = all_of(call.b, Decomposition::Qr, a)?;
            Ok(as_array(nodes[1]))
        }
        Arg::Str(mode) if mode == "complete" => {
            let (q, r) = complete_qr(call.b, a)?;
            Ok(tuple(call.b, &[q, r]))
        }
        _ => Err(call.unlifted("this `mode`")),
    }
}

/// A square `q`, and `r` with rows of zeros: `r` is that of the smaller factors, which has a derivative.
pub(super) fn complete_qr(b: &mut Builder, a: NodeId) -> Result<(NodeId, NodeId)> {
    let (m, n) = matrix::sizes(b, a);
    let nodes = all_of(b, Decomposition::Qr, a)?;
    if b.assume_at_most(&m, &n) {
        return Ok((nodes[0], nodes[1]));
    }
    let q = of(b, Decomposition::QrComplete, a)?;
    let shape = b.aval(a).shape.clone();
    let inner = b.aval(nodes[1]).shape.clone();
    let ranges = inner.into_iter().map(Range::full).collect();
    let r = b.add(Op::Unslice { shape, ranges }, &[nodes[1]])?;
    Ok((q, r))
}

/// `np.linalg.svd(a, full_matrices, compute_uv, hermitian)`.
pub(super) fn svd(call: &mut Call<'_>) -> Result<Arg> {
    let a = matrices(call, "a")?;
    let full = call.flag("full_matrices")?;
    if !call.flag("compute_uv")? {
        return Ok(as_array(of(call.b, Decomposition::SingularValues, a)?));
    }
    let nodes = svd_factors(call.b, a, full)?;
    Ok(tuple(call.b, &nodes))
}

/// `u`, `s` and `v^H`. Of full factors of a matrix that is not square, only `s` has a derivative, so
/// it is computed apart.
pub(super) fn svd_factors(b: &mut Builder, a: NodeId, full: bool) -> Result<Vec<NodeId>> {
    let (m, n) = matrix::sizes(b, a);
    if !full || b.assume_equal(&m, &n) {
        return all_of(b, Decomposition::Svd, a);
    }
    let mut nodes = all_of(b, Decomposition::SvdFull, a)?;
    nodes[1] = of(b, Decomposition::SingularValues, a)?;
    Ok(nodes)
}

/// `np.linalg.svdvals(x)`, whose argument SciPy calls `a`.
pub(super) fn singular_values(call: &mut Call<'_>, name: &str) -> Result<Arg> {
    let a = matrices(call, name)?;
    Ok(as_array(of(call.b, Decomposition::SingularValues, a)?))
}

fn triangle(call: &mut Call<'_>) -> Result<Triangle> {
    match call.arg("UPLO") {
        Arg::Str(side) if side.eq_ignore_ascii_case("L") => Ok(Triangle::Lower),
        Arg::Str(side) if side.eq_ignore_ascii_case("U") => Ok(Triangle::Upper),
        _ => Err(Error::value("UPLO argument must be 'L' or 'U'")),
    }
}

/// `np.linalg.eigh(a, UPLO)`.
pub(super) fn eigh(call: &mut Call<'_>) -> Result<Arg> {
    let a = matrices(call, "a")?;
    let triangle = triangle(call)?;
    let nodes = all_of(call.b, Decomposition::Eigh(triangle), a)?;
    Ok(tuple(call.b, &nodes))
}

/// `np.linalg.eigvalsh(a, UPLO)`.
pub(super) fn eigenvalues_of_hermitian(call: &mut Call<'_>) -> Result<Arg> {
    let a = matrices(call, "a")?;
    let triangle = triangle(call)?;
    let kind = Decomposition::EigenvaluesOfHermitian(triangle);
    Ok(as_array(of(call.b, kind, a)?))
}

/// `np.linalg.eig(a)` and `eigvals(a)`: the dtype of a real matrix's depends on its values.
pub(super) fn eigen(call: &mut Call<'_>, vectors: bool) -> Result<Arg> {
    let a = matrices(call, "a")?;
    let nodes = match vectors {
        true => all_of(call.b, Decomposition::Eig, a)?,
        false => vec![of(call.b, Decomposition::Eigenvalues, a)?],
    };
    let result = |b: &Builder, nodes: &[NodeId]| match nodes {
        [values] => as_array(*values),
        both => tuple(b, both),
    };
    let complex = result(call.b, &nodes);
    if call.b.aval(a).dtype.is_complex() {
        return Ok(complex);
    }
    let imaginary = unary(call.b, E::Imag, nodes[0])?;
    let zero = call.b.float(0.0);
    let is_real = binary(call.b, E::Equal, imaginary, zero)?;
    let axes = (0..call.b.aval(is_real).rank()).collect();
    let condition = call.b.reduce(Reduction::All, is_real, axes)?;
    let mut real = Vec::with_capacity(nodes.len());
    for node in nodes {
        real.push(unary(call.b, E::Real, node)?);
    }
    let holds = result(call.b, &real);
    let fails = Ok(complex);
    Ok(Arg::Either(Box::new(Either {
        condition,
        holds,
        fails,
    })))
}

/// The distance from 1 to the next number.
pub(super) fn epsilon(dtype: DType) -> f64 {
    match dtype.real() {
        DType::F32 => f64::from(f32::EPSILON),
        _ => f64::EPSILON,
    }
}

/// `epsilon * max(rows, columns)` as a node.
fn default_tolerance(b: &mut Builder, a: NodeId, epsilon: f64) -> Result<NodeId> {
    let (m, n) = matrix::sizes(b, a);
    let larger = b.size(m.maximum(&n));
    let epsilon = b.float(epsilon);
    binary(b, E::Multiply, larger, epsilon)
}

/// A tolerance that is one number.
fn tolerance(call: &mut Call<'_>, given: &Arg) -> Result<NodeId> {
    let x = symbolic(call.b, given)?.node;
    match call.b.aval(x).rank() {
        0 => convert(call.b, x, DType::F64),
        _ => Err(call.unlifted("a tolerance per matrix")),
    }
}

/// `np.linalg.pinv(a, rcond, hermitian, rtol)`.
pub(super) fn pseudo_inverse(call: &mut Call<'_>) -> Result<Arg> {
    let a = matrices(call, "a")?;
    let given = call.peek("rtol").cloned();
    let fraction = match (call.arg("rcond"), given) {
        (Arg::None, None) => Arg::Float(1e-15),
        (Arg::None, Some(_)) => call.arg("rtol"),
        (rcond, None) => rcond,
        (_, Some(_)) => return Err(Error::value("`rtol` and `rcond` can't be both set.")),
    };
    let fraction = match fraction {
        Arg::None => {
            let epsilon = epsilon(call.b.aval(a).dtype);
            let node = default_tolerance(call.b, a, epsilon)?;
            convert(call.b, node, DType::F64)?
        }
        given => tolerance(call, &given)?,
    };
    Ok(as_array(call.b.add(Op::PseudoInverse, &[a, fraction])?))
}

/// `np.linalg.matrix_rank(A, tol, hermitian, rtol)`.
pub(super) fn matrix_rank(call: &mut Call<'_>) -> Result<Arg> {
    let arg = call.arg("A");
    let a = common(call.b, &[arg])?[0];
    if call.b.aval(a).rank() < 2 {
        let zero = call.b.float(0.0);
        let nonzero = binary(call.b, E::NotEqual, a, zero)?;
        let axes = (0..call.b.aval(a).rank()).collect();
        let any = call.b.reduce(Reduction::Any, nonzero, axes)?;
        let node = convert(call.b, any, DType::I64)?;
        return Ok(as_python(node));
    }
    let s = of(call.b, Decomposition::SingularValues, a)?;
    let last: Axes = [call.b.aval(s).rank() - 1].into_iter().collect();
    let bound = match (call.arg("tol"), call.arg("rtol")) {
        (Arg::None, relative) => {
            let relative = match relative {
                Arg::None => {
                    let epsilon = epsilon(call.b.aval(s).dtype);
                    default_tolerance(call.b, a, epsilon)?
                }
                given => tolerance(call, &given)?,
            };
            if call.b.aval(s).shape[last[0]].as_known() == Some(0) {
                relative
            } else {
                let most = call.b.reduce(Reduction::Max, s, last.clone())?;
                let shape = call.b.aval(s).shape.clone();
                let most = keep_dims(call.b, most, &shape, &last)?;
                binary(call.b, E::Multiply, most, relative)?
            }
        }
        (given, Arg::None) => tolerance(call, &given)?,
        _ => return Err(Error::value("`tol` and `rtol` can't be both set.")),
    };
    let counted = binary(call.b, E::Greater, s, bound)?;
    let counted = convert(call.b, counted, DType::I64)?;
    let node = call.b.reduce(Reduction::Sum, counted, last)?;
    Ok(scalar_or_array(call.b, node))
}

/// `np.linalg.lstsq(a, b, rcond)`.
pub(super) fn least_squares(call: &mut Call<'_>) -> Result<Arg> {
    let args = [call.arg("a"), call.arg("b")];
    let nodes = common(call.b, &args)?;
    // Single precision too is solved in double.
    let own = call.b.aval(nodes[0]).dtype;
    let a = convert(call.b, nodes[0], own.promote(DType::F64))?;
    let mut rhs = convert(call.b, nodes[1], own.promote(DType::F64))?;
    let is_vector = call.b.aval(rhs).rank() == 1;
    if is_vector {
        rhs = expand(call.b, rhs, &[1])?;
    }
    for node in [a, rhs] {
        let rank = call.b.aval(node).rank();
        if rank != 2 {
            return Err(linalg_error(format!(
                "{rank}-dimensional array given. Array must be two-dimensional"
            )));
        }
    }
    let ((m, n), (rows, _)) = (matrix::sizes(call.b, a), matrix::sizes(call.b, rhs));
    if !call.b.assume_equal(&m, &rows) {
        return Err(linalg_error("Incompatible dimensions"));
    }
    let fraction = match call.arg("rcond") {
        Arg::None => default_tolerance(call.b, a, f64::EPSILON)?,
        given => tolerance(call, &given)?,
    };
    let fraction = convert(call.b, fraction, DType::F64)?;
    let inverse = call.b.add(Op::PseudoInverse, &[a, fraction])?;
    let solution = matrix::product(call.b, inverse, rhs)?;
    let x = match is_vector {
        true => call
            .b
            .reshape(solution, [n.clone()].into_iter().collect())?,
        false => solution,
    };
    let x = convert(call.b, x, own)?;
    let s = of(call.b, Decomposition::SingularValues, a)?;
    let most = call
        .b
        .reduce(Reduction::Max, s, [0].into_iter().collect())?;
    let bound = binary(call.b, E::Multiply, most, fraction)?;
    let counted = binary(call.b, E::Greater, s, bound)?;
    let counted = convert(call.b, counted, DType::I32)?;
    let rank = call
        .b
        .reduce(Reduction::Sum, counted, [0].into_iter().collect())?;
    let rank = convert(call.b, rank, DType::I32)?;
    let empty: Shape = [Dim::known(0)].into_iter().collect();
    let none = as_array(call.b.full(0.0, own.real(), empty)?);
    // Only a tall matrix of full rank leaves residuals.
    let residuals = match call.b.assume_at_most(&m, &n) {
        true => none,
        false => {
            let columns = call.b.size(n);
            let condition = binary(call.b, E::Equal, rank, columns)?;
            let missed = residuals(call.b, a, solution, rhs)?;
            let missed = convert(call.b, missed, own.real())?;
            Arg::Either(Box::new(Either {
                condition,
                holds: as_array(missed),
                fails: Ok(none),
            }))
        }
    };
    Ok(Arg::Tuple(vec![
        as_array(x),
        residuals,
        scalar_or_array(call.b, rank),
        as_array(convert(call.b, s, own.real())?),
    ]))
}

/// The squared lengths of the columns of `rhs - a @ x`.
fn residuals(b: &mut Builder, a: NodeId, x: NodeId, rhs: NodeId) -> Result<NodeId> {
    let reached = matrix::product(b, a, x)?;
    let missed = matrix::subtract(b, rhs, reached)?;
    let squares = super::reduce::squared(b, missed)?;
    b.reduce(Reduction::Sum, squares, [0].into_iter().collect())
}

/// `np.linalg.matrix_power(a, n)`, by the products that NumPy makes.
pub(super) fn matrix_power(call: &mut Call<'_>) -> Result<Arg> {
    let arg = call.arg("a");
    let mut a = array(call.b, &arg)?;
    require_matrices(call.b, a)?;
    require_square(call.b, a)?;
    let exponent = call.arg("n");
    if let Arg::Float(_) = exponent {
        return Err(Error::type_error("exponent must be an integer"));
    }
    let mut n = known_integer(call.b, &exponent, "exponent")?;
    if n == 0 {
        return Ok(as_array(matrix::identity_like(call.b, a)?));
    }
    if n < 0 {
        a = inexact(call.b, a)?;
        a = of(call.b, Decomposition::Inverse, a)?;
        n = -n;
    }
    if n == 3 {
        let square = matrix::product(call.b, a, a)?;
        return Ok(as_array(matrix::product(call.b, square, a)?));
    }
    let (mut power, mut result) = (a, None);
    loop {
        if n % 2 == 1 {
            result = Some(match result {
                None => power,
                Some(so_far) => matrix::product(call.b, so_far, power)?,
            });
        }
        n /= 2;
        match (n, result) {
            (0, Some(node)) => return Ok(as_array(node)),
            _ => power = matrix::product(call.b, power, power)?,
        }
    }
}

/// `np.linalg.cond(x, p)`.
pub(super) fn condition(call: &mut Call<'_>) -> Result<Arg> {
    let x = matrices(call, "x")?;
    let rank = call.b.aval(x).rank();
    let order = call.arg("p");
    let ratio = match order {
        Arg::None | Arg::Int(2 | -2) => {
            let s = of(call.b, Decomposition::SingularValues, x)?;
            let last = call.b.aval(s).rank() - 1;
            let most = super::shape::element(call.b, s, last, 0)?;
            let least = super::shape::element(call.b, s, last, -1)?;
            match order {
                Arg::Int(-2) => binary(call.b, E::Divide, least, most)?,
                _ => binary(call.b, E::Divide, most, least)?,
            }
        }
        order => {
            let inverse = of(call.b, Decomposition::Inverse, x)?;
            let own = super::linalg::matrix_norm(call, x, rank - 2, rank - 1, &order)?;
            let other = super::linalg::matrix_norm(call, inverse, rank - 2, rank - 1, &order)?;
            binary(call.b, E::Multiply, own, other)?
        }
    };
    // What is not a number of numbers is infinite.
    let unknown = unary(call.b, E::Isnan, ratio)?;
    let given = unary(call.b, E::Isnan, x)?;
    let axes = [rank - 2, rank - 1].into_iter().collect();
    let given = call.b.reduce(Reduction::Any, given, axes)?;
    let given = unary(call.b, E::LogicalNot, given)?;
    let lost = binary(call.b, E::LogicalAnd, unknown, given)?;
    let infinite = call.b.float(f64::INFINITY);
    let node = call.b.elementwise(E::Where, &[lost, infinite, ratio])?;
    Ok(scalar_or_array(call.b, node))
}

/// `np.linalg.tensorsolve(a, b, axes)`.
pub(super) fn tensor_solve(call: &mut Call<'_>) -> Result<Arg> {
    let args = [call.arg("a"), call.arg("b")];
    let nodes = common(call.b, &args)?;
    let (mut a, rhs) = (nodes[0], nodes[1]);
    let rank = call.b.aval(a).rank();
    if let given @ (Arg::Tuple(_) | Arg::List(_)) = call.arg("axes") {
        let moved = axes(call.b, &given, rank)?;
        let mut order: Axes = (0..rank).collect();
        for axis in moved {
            order.retain(|other| *other != axis);
            order.push(axis);
        }
        a = call.b.transpose(a, order)?;
    }
    let first = call.b.aval(rhs).rank();
    let shape: Shape = call.b.aval(a).shape[first.min(rank)..].into();
    let n = shape.iter().cloned().fold(Dim::known(1), |n, d| n * d);
    let whole = call.b.aval(a).size();
    let square = n.clone() * n.clone();
    if !call.b.assume_equal(&whole, &square) {
        return Err(linalg_error(
            "Input arrays must satisfy the requirement             prod(a.shape[b.ndim:]) == prod(a.shape[:b.ndim])",
        ));
    }
    let a = call.b.reshape(a, [n.clone(), n].into_iter().collect())?;
    let rhs = ravel(call.b, rhs)?;
    let x = solution(call.b, System::General, a, rhs)?;
    Ok(as_array(call.b.reshape(x, shape)?))
}

/// `np.linalg.tensorinv(a, ind)`.
pub(super) fn tensor_inverse(call: &mut Call<'_>) -> Result<Arg> {
    let arg = call.arg("a");
    let a = common(call.b, &[arg])?[0];
    let split = call.arg("ind");
    let split = known_integer(call.b, &split, "ind")?;
    if split <= 0 {
        return Err(Error::value("Invalid ind argument."));
    }
    let shape = call.b.aval(a).shape.clone();
    let split = (split as usize).min(shape.len());
    let (first, last) = shape.split_at(split);
    let count = |dims: &[Dim]| dims.iter().cloned().fold(Dim::known(1), |n, d| n * d);
    let (rows, columns) = (count(last), count(first));
    let a = call.b.reshape(a, [rows, columns].into_iter().collect())?;
    require_square(call.b, a)?;
    let inverse = of(call.b, Decomposition::Inverse, a)?;
    let back = last.iter().chain(first).cloned().collect();
    Ok(as_array(call.b.reshape(inverse, back)?))
}
