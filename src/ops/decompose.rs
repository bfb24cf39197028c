//! Decompositions of matrices, functions of them, and linear systems.
//!
//! In: avals whose last two axes are a matrix and whose other axes are a batch. Out: the avals of all
//! results; derivatives, which are products and systems again, so that they have derivatives too.
//!
//! ```text
//! solve(float64[n0, n0], float64[n0, 2]) : float64[n0, 2]        t_x = solve(a, t_b - t_a @ x)
//! ```
//!
//! Conventions. `cholesky` and `eigh` read one triangle, and so only that has a derivative. Vectors
//! keep their phase: the derivative of an eigenvector has no component along it (for complex general
//! matrices, its largest component stays real, as LAPACK has it). Columns of `q`, `u` and `v` beyond those that the
//! matrix decides do not turn among each other, so that what does not depend on their choice is right. The derivative of vectors whose
//! eigenvalues or singular values coincide does not exist and comes out as NaN; that of the values
//! alone is that of the values in the basis found.
//!
//! Sources: Giles, *Collected Matrix Derivative Results* (2008); Seeger et al., *Auto-Differentiating
//! Linear Algebra* (2017); Walter and Lehmann (2012) for wide `qr`; JAX for complex `svd`; Higham,
//! *Functions of Matrices* (2008), theorem 3.6, for functions.

use smallvec::{SmallVec, smallvec};

use super::derivative::{materialized, not_differentiable, not_linear};
use super::matrix::{self, add, adjoint, divide, multiply, product, subtract};
use super::{
    Axes, Constant, Elementwise as E, Extreme, Op, Reduction, same_dtype, show_shape, two,
};
use crate::error::{Error, Exception, Result};
use crate::graph::term::formula;
use crate::graph::{Aval, Builder, DType, Dim, NodeId, Shape};

/// Which triangle of a Hermitian matrix is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Triangle {
    Lower,
    Upper,
}

/// What is computed of one matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decomposition {
    Inverse,
    Determinant,
    /// `det(a) * inv(a)`, and what that tends to where `a` is singular.
    Adjugate,
    /// The determinant's sign (or phase) and the logarithm of its size.
    SignLogDet,
    /// The lower factor. Reads the lower triangle.
    Cholesky,
    /// LAPACK's packed factors, its row exchanges, and the permutation that these make.
    Lu,
    /// `q` and `r`, as small as possible.
    Qr,
    /// `q` and `r`, `q` being square.
    QrComplete,
    /// `u`, `s` and `v^H`, as small as possible.
    Svd,
    /// `u`, `s` and `v^H`, `u` and `v` being square.
    SvdFull,
    SingularValues,
    /// Eigenvalues, ascending, and eigenvectors of a Hermitian matrix.
    Eigh(Triangle),
    EigenvaluesOfHermitian(Triangle),
    /// Eigenvalues and eigenvectors, complex.
    Eig,
    Eigenvalues,
    Function(MatrixFunction),
}

/// A function of a square matrix, defined by its power series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MatrixFunction {
    Exp,
    /// The root whose eigenvalues lie in the right half plane.
    Sqrt,
    /// The logarithm whose eigenvalues have imaginary parts up to pi.
    Log,
}

/// What is known of the matrix of a linear system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum System {
    General,
    /// One triangle is read; with `unit`, ones are taken for its diagonal.
    Triangular {
        triangle: Triangle,
        unit: bool,
    },
}

impl Triangle {
    pub fn other(self) -> Triangle {
        match self {
            Triangle::Lower => Triangle::Upper,
            Triangle::Upper => Triangle::Lower,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Triangle::Lower => "lower",
            Triangle::Upper => "upper",
        }
    }
}

impl MatrixFunction {
    pub const ALL: [MatrixFunction; 3] = [
        MatrixFunction::Exp,
        MatrixFunction::Sqrt,
        MatrixFunction::Log,
    ];

    pub fn name(self) -> &'static str {
        match self {
            MatrixFunction::Exp => "expm",
            MatrixFunction::Sqrt => "sqrtm",
            MatrixFunction::Log => "logm",
        }
    }

    /// The name of its derivative along a direction.
    pub fn frechet_name(self) -> &'static str {
        match self {
            MatrixFunction::Exp => "expm_frechet",
            MatrixFunction::Sqrt => "sqrtm_frechet",
            MatrixFunction::Log => "logm_frechet",
        }
    }
}

impl Decomposition {
    pub const ALL: [Decomposition; 20] = [
        Decomposition::Inverse,
        Decomposition::Determinant,
        Decomposition::Adjugate,
        Decomposition::SignLogDet,
        Decomposition::Cholesky,
        Decomposition::Lu,
        Decomposition::Qr,
        Decomposition::QrComplete,
        Decomposition::Svd,
        Decomposition::SvdFull,
        Decomposition::SingularValues,
        Decomposition::Eigh(Triangle::Lower),
        Decomposition::Eigh(Triangle::Upper),
        Decomposition::EigenvaluesOfHermitian(Triangle::Lower),
        Decomposition::EigenvaluesOfHermitian(Triangle::Upper),
        Decomposition::Eig,
        Decomposition::Eigenvalues,
        Decomposition::Function(MatrixFunction::Exp),
        Decomposition::Function(MatrixFunction::Sqrt),
        Decomposition::Function(MatrixFunction::Log),
    ];

    /// NumPy's name where it has one.
    pub fn name(self) -> &'static str {
        match self {
            Decomposition::Inverse => "inv",
            Decomposition::Determinant => "det",
            Decomposition::Adjugate => "adjugate",
            Decomposition::SignLogDet => "slogdet",
            Decomposition::Cholesky => "cholesky",
            Decomposition::Lu => "lu",
            Decomposition::Qr => "qr",
            Decomposition::QrComplete => "qr_complete",
            Decomposition::Svd => "svd",
            Decomposition::SvdFull => "svd_full",
            Decomposition::SingularValues => "svdvals",
            Decomposition::Eigh(_) => "eigh",
            Decomposition::EigenvaluesOfHermitian(_) => "eigvalsh",
            Decomposition::Eig => "eig",
            Decomposition::Eigenvalues => "eigvals",
            Decomposition::Function(f) => f.name(),
        }
    }

    pub fn triangle(self) -> Option<Triangle> {
        match self {
            Decomposition::Eigh(triangle) | Decomposition::EigenvaluesOfHermitian(triangle) => {
                Some(triangle)
            }
            Decomposition::Inverse
            | Decomposition::Determinant
            | Decomposition::Adjugate
            | Decomposition::SignLogDet
            | Decomposition::Cholesky
            | Decomposition::Lu
            | Decomposition::Qr
            | Decomposition::QrComplete
            | Decomposition::Svd
            | Decomposition::SvdFull
            | Decomposition::SingularValues
            | Decomposition::Eig
            | Decomposition::Eigenvalues
            | Decomposition::Function(_) => None,
        }
    }

    /// How many results there are.
    pub fn result_count(self) -> usize {
        match self {
            Decomposition::Inverse
            | Decomposition::Determinant
            | Decomposition::Adjugate
            | Decomposition::Cholesky
            | Decomposition::SingularValues
            | Decomposition::EigenvaluesOfHermitian(_)
            | Decomposition::Eigenvalues
            | Decomposition::Function(_) => 1,
            Decomposition::SignLogDet
            | Decomposition::Qr
            | Decomposition::QrComplete
            | Decomposition::Eigh(_)
            | Decomposition::Eig => 2,
            Decomposition::Lu | Decomposition::Svd | Decomposition::SvdFull => 3,
        }
    }

    fn needs_square(self) -> bool {
        !matches!(
            self,
            Decomposition::Lu
                | Decomposition::Qr
                | Decomposition::QrComplete
                | Decomposition::Svd
                | Decomposition::SvdFull
                | Decomposition::SingularValues
        )
    }
}

/// Shapes and dtypes of all results.
///
/// # Errors
/// What NumPy would raise.
pub fn results(b: &mut Builder, op: &Op, avals: &[Aval]) -> Result<SmallVec<[Aval; 2]>> {
    match op {
        Op::Decompose(kind) => of_matrix(b, *kind, super::one(avals)?),
        Op::Solve(_) => {
            let (a, rhs) = two(avals)?;
            same_dtype("linear system", avals)?;
            let (batch, n, _) = matrix_of(a)?;
            require_square(b, a)?;
            let (batch_of_rhs, rows, _) = matrix_of(rhs)?;
            let fits = batch.len() == batch_of_rhs.len()
                && b.assume_equal(&n, &rows)
                && batch
                    .iter()
                    .zip(&batch_of_rhs)
                    .all(|(x, y)| b.assume_equal(x, y));
            if !fits {
                return Err(Error::internal(format!(
                    "a system of {} and {}: broadcast first",
                    show_shape(b, &a.shape),
                    show_shape(b, &rhs.shape)
                )));
            }
            Ok(smallvec![rhs.with_dtype(rhs.dtype)])
        }
        Op::PseudoInverse => {
            let (a, _) = two(avals)?;
            let (mut shape, m, n) = matrix_of(a)?;
            shape.extend([n, m]);
            Ok(smallvec![Aval::new(a.dtype, shape)])
        }
        Op::Frechet(_) => {
            let (a, direction) = two(avals)?;
            same_dtype("derivative of a function", avals)?;
            require_square(b, a)?;
            let same = a.rank() == direction.rank()
                && (a.shape.iter().zip(&direction.shape)).all(|(x, y)| b.assume_equal(x, y));
            if !same {
                return Err(Error::value("expected A to be the same shape as E"));
            }
            Ok(smallvec![a.with_dtype(a.dtype)])
        }
        other => Err(Error::internal(format!("not a decomposition: {other:?}"))),
    }
}

fn of_matrix(b: &mut Builder, kind: Decomposition, a: &Aval) -> Result<SmallVec<[Aval; 2]>> {
    use Decomposition::*;
    let (batch, m, n) = matrix_of(a)?;
    if kind.needs_square() {
        require_square(b, a)?;
    }
    if !a.dtype.is_inexact() {
        return Err(Error::internal(format!("{} of {}", kind.name(), a.dtype)));
    }
    let with = |dtype: DType, sizes: &[&Dim]| {
        let sizes = sizes.iter().map(|&d| d.clone());
        Aval::new(dtype, batch.iter().cloned().chain(sizes))
    };
    let (own, real, complex) = (a.dtype, a.dtype.real(), a.dtype.complex());
    let k = match b.seen_equal(&m, &n) || b.assume_at_most(&m, &n) {
        true => m.clone(),
        false => n.clone(),
    };
    Ok(match kind {
        Inverse | Adjugate | Cholesky | Function(_) => smallvec![with(own, &[&m, &n])],
        Determinant => smallvec![with(own, &[])],
        SignLogDet => smallvec![with(own, &[]), with(real, &[])],
        Lu => smallvec![
            with(own, &[&m, &n]),
            with(DType::I32, &[&k]),
            with(DType::I64, &[&m])
        ],
        Qr => smallvec![with(own, &[&m, &k]), with(own, &[&k, &n])],
        QrComplete => smallvec![with(own, &[&m, &m]), with(own, &[&m, &n])],
        Svd => smallvec![
            with(own, &[&m, &k]),
            with(real, &[&k]),
            with(own, &[&k, &n])
        ],
        SvdFull => smallvec![
            with(own, &[&m, &m]),
            with(real, &[&k]),
            with(own, &[&n, &n])
        ],
        SingularValues => smallvec![with(real, &[&k])],
        Eigh(_) => smallvec![with(real, &[&n]), with(own, &[&n, &n])],
        EigenvaluesOfHermitian(_) => smallvec![with(real, &[&n])],
        Eig => smallvec![with(complex, &[&n]), with(complex, &[&n, &n])],
        Eigenvalues => smallvec![with(complex, &[&n])],
    })
}

/// The batch, the rows and the columns.
fn matrix_of(a: &Aval) -> Result<(Shape, Dim, Dim)> {
    match a.shape.as_slice() {
        [batch @ .., m, n] => Ok((batch.into(), m.clone(), n.clone())),
        few => Err(linalg_error(format!(
            "{}-dimensional array given. Array must be at least two-dimensional",
            few.len()
        ))),
    }
}

fn require_square(b: &mut Builder, a: &Aval) -> Result<()> {
    let (_, m, n) = matrix_of(a)?;
    match b.assume_equal(&m, &n) {
        true => Ok(()),
        false => Err(linalg_error(
            "Last 2 dimensions of the array must be square",
        )),
    }
}

fn linalg_error(message: impl Into<String>) -> Box<Error> {
    Error::raises(Exception::LinAlg, message)
}

/// The tangents of all results; `results` are the nodes that hold them, as far as anything reads them.
///
/// # Errors
/// `NotDifferentiable`.
pub fn jvp(
    b: &mut Builder,
    results: &[Option<NodeId>],
    op: &Op,
    operands: &[NodeId],
    tangents: &[Option<NodeId>],
) -> Result<Vec<Option<NodeId>>> {
    let Some(&Some(first)) = results.first() else {
        return Err(Error::internal("a node without itself"));
    };
    match (op, operands, tangents) {
        (Op::Decompose(kind), &[a], &[Some(t)]) => {
            let rule = Rule { a, t, first };
            rule.apply(b, *kind, results)
        }
        (Op::Solve(system), &[a, _], &[by_matrix, by_rhs]) => {
            let moved = match by_matrix {
                Some(t) => {
                    let read = match system {
                        System::General => t,
                        System::Triangular { triangle, unit } => part_read(b, t, *triangle, *unit)?,
                    };
                    Some(product(b, read, first)?)
                }
                None => None,
            };
            let rhs = match (by_rhs, moved) {
                (Some(t), Some(moved)) => subtract(b, t, moved)?,
                (Some(t), None) => t,
                (None, Some(moved)) => b.elementwise(E::Negative, &[moved])?,
                (None, None) => return Ok(vec![None]),
            };
            Ok(vec![Some(b.add(op.clone(), &[a, rhs])?)])
        }
        (Op::PseudoInverse, &[a, fraction], &[Some(t), _]) => {
            let tangent = match drops_parts(b, fraction) {
                true => truncated_inverse(b, a, t, fraction)?,
                false => pseudo_inverse(b, a, t, first)?,
            };
            Ok(vec![Some(tangent)])
        }
        (Op::Frechet(f), &[a, direction], &[by_matrix, by_direction]) => {
            let along = match by_direction {
                Some(t) => Some(b.add(op.clone(), &[a, t])?),
                None => None,
            };
            let bent = match by_matrix {
                Some(t) => Some(second_derivative(b, *f, a, direction, t)?),
                None => None,
            };
            Ok(vec![match (along, bent) {
                (Some(x), Some(y)) => Some(add(b, x, y)?),
                (x, y) => x.or(y),
            }])
        }
        _ => Ok(vec![None; results.len()]),
    }
}

/// What a triangular system reads of its matrix, apart from a diagonal of ones.
fn part_read(b: &mut Builder, x: NodeId, triangle: Triangle, unit: bool) -> Result<NodeId> {
    match (triangle, unit) {
        (Triangle::Lower, false) => matrix::lower(b, x),
        (Triangle::Lower, true) => matrix::strictly_lower(b, x),
        (Triangle::Upper, false) => matrix::upper(b, x),
        (Triangle::Upper, true) => matrix::strictly_upper(b, x),
    }
}

/// The Hermitian matrix that has the same triangle.
fn hermitian(b: &mut Builder, x: NodeId, triangle: Triangle) -> Result<NodeId> {
    let strict = part_read(b, x, triangle, true)?;
    let mirrored = adjoint(b, strict)?;
    let sum = match b.aval(x).dtype.is_complex() {
        // An imaginary part of the diagonal is not read.
        true => {
            let rest = matrix::with_diagonal(b, x, 0.0)?;
            let diagonal = subtract(b, x, rest)?;
            let diagonal = matrix::real(b, diagonal)?;
            add(b, diagonal, strict)?
        }
        false => part_read(b, x, triangle, false)?,
    };
    add(b, sum, mirrored)
}

/// The derivative of a derivative, which is symmetric in its directions: a corner of that of a matrix
/// of twice the size.
fn second_derivative(
    b: &mut Builder,
    f: MatrixFunction,
    a: NodeId,
    direction: NodeId,
    t: NodeId,
) -> Result<NodeId> {
    let (n, _) = matrix::sizes(b, a);
    let larger = matrix::dual(b, a, direction)?;
    let zero = b.full_like(0.0, a)?;
    let top = matrix::beside(b, &[t, zero])?;
    let bottom = matrix::beside(b, &[zero, t])?;
    let along = matrix::stacked(b, &[top, bottom])?;
    let whole = b.add(Op::Frechet(f), &[larger, along])?;
    matrix::corner(b, whole, n)
}

/// Golub and Pereyra (1973): the rank must not change.
fn pseudo_inverse(b: &mut Builder, a: NodeId, t: NodeId, p: NodeId) -> Result<NodeId> {
    let t_adjoint = adjoint(b, t)?;
    let p_adjoint = adjoint(b, p)?;
    // -p t p
    let middle = product(b, t, p)?;
    let first = product(b, p, middle)?;
    // p p^H t^H (1 - a p)
    let left = product(b, p_adjoint, t_adjoint)?;
    let left = product(b, p, left)?;
    let kept = product(b, a, p)?;
    let projected = product(b, left, kept)?;
    let second = subtract(b, left, projected)?;
    // (1 - p a) t^H p^H p
    let right = product(b, p_adjoint, p)?;
    let right = product(b, t_adjoint, right)?;
    let kept = product(b, p, a)?;
    let projected = product(b, kept, right)?;
    let third = subtract(b, right, projected)?;
    let sum = add(b, second, third)?;
    subtract(b, sum, first)
}

/// Whether singular values are dropped that are more than rounding. What is dropped is zero otherwise, for which
/// the rule without a decomposition holds.
fn drops_parts(b: &Builder, fraction: NodeId) -> bool {
    const ROUNDING: f64 = 1e-6;
    match b.op(fraction) {
        Op::Constant(Constant::Float(v)) => *v > ROUNDING,
        Op::Cast(_) => drops_parts(b, b.graph().operands(fraction)[0]),
        _ => false,
    }
}

/// The tangent of `v r u^H`, where `r` are the reciprocals of the singular values that are kept.
fn truncated_inverse(b: &mut Builder, a: NodeId, t: NodeId, fraction: NodeId) -> Result<NodeId> {
    let first = b.add(Op::Decompose(Decomposition::Svd), &[a])?;
    let parts = [
        first,
        b.add(Op::Part(1), &[first])?,
        b.add(Op::Part(2), &[first])?,
    ];
    let moved = Rule { a, t, first }.apply(b, Decomposition::Svd, &parts.map(Some))?;
    let [Some(t_u), Some(t_s), Some(t_vh)] = moved[..] else {
        return Err(Error::internal("svd without all of its tangents"));
    };
    let [u, s, vh] = parts;
    let shape = b.aval(s).shape.clone();
    let last = shape.len() - 1;
    let largest = b.reduce(Reduction::Max, s, Axes::from_slice(&[last]))?;
    let mut kept_shape = shape.clone();
    kept_shape[last] = Dim::known(1);
    let largest = b.reshape(largest, kept_shape)?;
    let (r, t_r) = formula(b, |scope| {
        let [s, t_s, largest, fraction] = [s, t_s, largest, fraction].map(|x| scope.term(x));
        let kept = s.above(fraction * largest);
        let r = kept.choose(1.0 / kept.choose(s, 1.0), 0.0);
        (r.node, (-(r * r) * t_s).node)
    })?;
    let (r, t_r) = (matrix::as_row(b, r)?, matrix::as_row(b, t_r)?);
    let [v, t_v, uh, t_uh] = [
        adjoint(b, vh)?,
        adjoint(b, t_vh)?,
        adjoint(b, u)?,
        adjoint(b, t_u)?,
    ];
    let (scaled, by_v, by_r) = (
        multiply(b, v, r)?,
        multiply(b, t_v, r)?,
        multiply(b, v, t_r)?,
    );
    let left = add(b, by_v, by_r)?;
    let left = product(b, left, uh)?;
    let right = product(b, scaled, t_uh)?;
    add(b, left, right)
}

/// A matrix, its tangent, and the first result.
struct Rule {
    a: NodeId,
    t: NodeId,
    first: NodeId,
}

impl Rule {
    fn apply(
        &self,
        b: &mut Builder,
        kind: Decomposition,
        results: &[Option<NodeId>],
    ) -> Result<Vec<Option<NodeId>>> {
        use Decomposition::*;
        let Rule { a, t, first } = *self;
        let of_a = |b: &mut Builder, kind| b.add(Op::Decompose(kind), &[a]);
        let single = |tangent: NodeId| vec![Some(tangent)];
        Ok(match kind {
            Inverse => {
                let moved = product(b, first, t)?;
                let moved = product(b, moved, first)?;
                single(b.elementwise(E::Negative, &[moved])?)
            }
            Determinant => {
                let adjugate = of_a(b, Adjugate)?;
                single(matrix::trace_of_product(b, adjugate, t)?)
            }
            Adjugate => {
                let inverse = of_a(b, Inverse)?;
                let slope = matrix::trace_of_product(b, first, t)?;
                let slope = matrix::as_number(b, slope)?;
                let grown = multiply(b, slope, inverse)?;
                let moved = product(b, first, t)?;
                let moved = product(b, moved, inverse)?;
                single(subtract(b, grown, moved)?)
            }
            SignLogDet => {
                let inverse = of_a(b, Inverse)?;
                let slope = matrix::trace_of_product(b, inverse, t)?;
                if !b.aval(a).dtype.is_complex() {
                    return Ok(vec![None, Some(slope)]);
                }
                let size = matrix::real(b, slope)?;
                let turn = b.elementwise(E::Imag, &[slope])?;
                let zero = b.float(0.0);
                let turn = b.elementwise(E::MakeComplex, &[zero, turn])?;
                let sign = multiply(b, first, turn)?;
                let sign = b.cast(sign, b.aval(first).dtype)?;
                vec![Some(sign), Some(size)]
            }
            Cholesky => single(self.cholesky(b)?),
            Lu => self.lu(b)?,
            Qr => self.qr(b, results)?,
            QrComplete => self.complete_qr(b)?,
            SvdFull => self.full_svd(b)?,
            Svd => {
                let s = b.add(Op::Part(1), &[first])?;
                let vh = b.add(Op::Part(2), &[first])?;
                self.svd(b, [first, s, vh])?.map(Some).to_vec()
            }
            SingularValues => {
                let u = of_a(b, Svd)?;
                let vh = b.add(Op::Part(2), &[u])?;
                let (left, right) = (adjoint(b, u)?, adjoint(b, vh)?);
                let moved = product(b, left, t)?;
                let moved = product(b, moved, right)?;
                let diagonal = matrix::diagonal(b, moved)?;
                single(matrix::real(b, diagonal)?)
            }
            Eigh(triangle) => {
                let vectors = b.add(Op::Part(1), &[first])?;
                let moved = self.in_basis_of(b, vectors, triangle)?;
                let diagonal = matrix::diagonal(b, moved)?;
                let values = matrix::real(b, diagonal)?;
                let mixed = over_gaps(b, moved, first)?;
                vec![Some(values), Some(product(b, vectors, mixed)?)]
            }
            EigenvaluesOfHermitian(triangle) => {
                let values = of_a(b, Eigh(triangle))?;
                let vectors = b.add(Op::Part(1), &[values])?;
                let moved = self.in_basis_of(b, vectors, triangle)?;
                let diagonal = matrix::diagonal(b, moved)?;
                single(matrix::real(b, diagonal)?)
            }
            Eig => self.eig(b, first)?,
            Eigenvalues => {
                let values = of_a(b, Eig)?;
                self.eig(b, values)?[..1].to_vec()
            }
            Function(f) => single(b.add(Op::Frechet(f), &[a, t])?),
        })
    }

    /// `l phi(l^-1 t l^-H)`: the lower triangle, half of the diagonal.
    fn cholesky(&self, b: &mut Builder) -> Result<NodeId> {
        let whole = hermitian(b, self.t, Triangle::Lower)?;
        let system = Op::Solve(System::Triangular {
            triangle: Triangle::Lower,
            unit: false,
        });
        let half = b.add(system.clone(), &[self.first, whole])?;
        let half = adjoint(b, half)?;
        let moved = b.add(system, &[self.first, half])?;
        let below = matrix::lower(b, moved)?;
        let strict = matrix::strictly_lower(b, moved)?;
        let sum = add(b, below, strict)?;
        let two = b.float(2.0);
        let halved = divide(b, sum, two)?;
        product(b, self.first, halved)
    }

    /// `p a = l u`, both factors packed into one matrix.
    fn lu(&self, b: &mut Builder) -> Result<Vec<Option<NodeId>>> {
        let (m, n) = matrix::sizes(b, self.a);
        if !b.assumed_equal(&m, &n) {
            return Err(not_differentiable(
                "lu of a matrix that is not square",
                "its derivative is not written",
            ));
        }
        let permutation = b.add(Op::Part(2), &[self.first])?;
        let permuted = permuted_rows(b, self.t, permutation)?;
        let strict = matrix::strictly_lower(b, self.first)?;
        let l = matrix::with_diagonal(b, strict, 1.0)?;
        let u = matrix::upper(b, self.first)?;
        let unit_lower = System::Triangular {
            triangle: Triangle::Lower,
            unit: true,
        };
        let left = b.add(Op::Solve(unit_lower), &[l, permuted])?;
        let inner = solve_from_the_right(b, u, left)?;
        let (below, above) = (matrix::strictly_lower(b, inner)?, matrix::upper(b, inner)?);
        let (below, above) = (product(b, l, below)?, product(b, above, u)?);
        Ok(vec![Some(add(b, below, above)?), None, None])
    }

    fn qr(&self, b: &mut Builder, results: &[Option<NodeId>]) -> Result<Vec<Option<NodeId>>> {
        let q = self.first;
        let r = b.add(Op::Part(1), &[q])?;
        let (_, n) = matrix::sizes(b, self.a);
        let (_, k) = matrix::sizes(b, q);
        if b.assumed_equal(&k, &n) {
            let (t_q, t_r) = tall_qr(b, q, r, self.t)?;
            return Ok(vec![Some(t_q), Some(t_r)]);
        }
        // Wide: the first columns decide `q`, the others are carried along.
        let zero = Dim::known(0);
        let rest = n - k.clone();
        let t_first = matrix::columns(b, self.t, zero.clone(), k.clone())?;
        let r_first = matrix::columns(b, r, zero, k.clone())?;
        let (t_q, t_r_first) = tall_qr(b, q, r_first, t_first)?;
        if results.len() < 2 {
            return Ok(vec![Some(t_q)]);
        }
        let t_last = matrix::columns(b, self.t, k.clone(), rest.clone())?;
        let r_last = matrix::columns(b, r, k, rest)?;
        let turned = product(b, t_q, r_last)?;
        let moved = subtract(b, t_last, turned)?;
        let q_adjoint = adjoint(b, q)?;
        let t_r_last = product(b, q_adjoint, moved)?;
        let t_r = matrix::beside(b, &[t_r_first, t_r_last])?;
        Ok(vec![Some(t_q), Some(t_r)])
    }

    /// Of a tall matrix: the columns that it decides, and the others, which LAPACK's reflections decide.
    fn complete_qr(&self, b: &mut Builder) -> Result<Vec<Option<NodeId>>> {
        let q = self.first;
        let r = b.add(Op::Part(1), &[q])?;
        let (m, n) = matrix::sizes(b, self.a);
        let (zero, rest) = (Dim::known(0), m - n.clone());
        let q_first = matrix::columns(b, q, zero.clone(), n.clone())?;
        let r_first = matrix::rows(b, r, zero, n.clone())?;
        let (t_first, t_r) = tall_qr(b, q_first, r_first, self.t)?;
        let t_last = reflected(b, q_first, t_first)?;
        let t_q = matrix::beside(b, &[t_first, t_last])?;
        let below = matrix::rows(b, r, n, rest)?;
        let zeros = b.full_like(0.0, below)?;
        Ok(vec![Some(t_q), Some(matrix::stacked(b, &[t_r, zeros])?)])
    }

    /// The vectors that the matrix decides, and the others.
    fn full_svd(&self, b: &mut Builder) -> Result<Vec<Option<NodeId>>> {
        let u = self.first;
        let s = b.add(Op::Part(1), &[u])?;
        let vh = b.add(Op::Part(2), &[u])?;
        let v = adjoint(b, vh)?;
        let k = b.aval(s).shape[b.aval(s).rank() - 1].clone();
        let mut halves = [[u, u], [v, v]];
        for half in &mut halves {
            let rest = matrix::sizes(b, half[0]).1 - k.clone();
            let whole = half[0];
            *half = [
                matrix::columns(b, whole, Dim::known(0), k.clone())?,
                matrix::columns(b, whole, k.clone(), rest)?,
            ];
        }
        let [u, v] = halves;
        let vh = adjoint(b, v[0])?;
        let [t_u, t_s, t_vh] = self.svd(b, [u[0], s, vh])?;
        let t_v = adjoint(b, t_vh)?;
        let (t_u, t_v) = (with_others(b, u, t_u)?, with_others(b, v, t_v)?);
        Ok(vec![Some(t_u), Some(t_s), Some(adjoint(b, t_v)?)])
    }

    /// The tangents of `u`, `s` and `v^H`, as small as possible.
    fn svd(&self, b: &mut Builder, [u, s, vh]: [NodeId; 3]) -> Result<[NodeId; 3]> {
        let (uh, v) = (adjoint(b, u)?, adjoint(b, vh)?);
        let right = product(b, self.t, v)?;
        let moved = product(b, uh, right)?;
        let diagonal = matrix::diagonal(b, moved)?;
        let t_s = matrix::real(b, diagonal)?;
        let (row, column) = (matrix::as_row(b, s)?, matrix::as_column(b, s)?);
        // s_j^2 - s_i^2
        let (sum, gap) = (add(b, row, column)?, subtract(b, row, column)?);
        let gaps = multiply(b, sum, gap)?;
        let gaps = matrix::with_diagonal(b, gaps, 1.0)?;
        let over = |b: &mut Builder, x: NodeId| -> Result<NodeId> {
            let x_adjoint = adjoint(b, x)?;
            let symmetric = add(b, x, x_adjoint)?;
            let quotient = divide(b, symmetric, gaps)?;
            matrix::with_diagonal(b, quotient, 0.0)
        };
        let (by_row, by_column) = (multiply(b, moved, row)?, multiply(b, moved, column)?);
        let mut mix_u = over(b, by_row)?;
        let mix_v = over(b, by_column)?;
        if b.aval(u).dtype.is_complex() {
            // The phase that both vectors of a pair share is given to `u`.
            let moved_adjoint = adjoint(b, moved)?;
            let skew = subtract(b, moved, moved_adjoint)?;
            let rest = matrix::with_diagonal(b, skew, 0.0)?;
            let phases = subtract(b, skew, rest)?;
            let two = b.float(2.0);
            let twice = multiply(b, two, row)?;
            let phases = divide(b, phases, twice)?;
            mix_u = add(b, mix_u, phases)?;
        }
        let (mut t_u, mut t_v) = (product(b, u, mix_u)?, product(b, v, mix_v)?);
        let (m, n) = matrix::sizes(b, self.a);
        let (_, k) = matrix::sizes(b, u);
        if !b.assumed_equal(&k, &m) {
            let outside = outside(b, right, u, uh)?;
            let outside = divide(b, outside, row)?;
            t_u = add(b, t_u, outside)?;
        }
        if !b.assumed_equal(&k, &n) {
            let t_adjoint = adjoint(b, self.t)?;
            let left = product(b, t_adjoint, u)?;
            let outside = outside(b, left, v, vh)?;
            let outside = divide(b, outside, row)?;
            t_v = add(b, t_v, outside)?;
        }
        Ok([t_u, t_s, adjoint(b, t_v)?])
    }

    /// `v^H t v` for the Hermitian matrix that the tangent's triangle means.
    fn in_basis_of(&self, b: &mut Builder, v: NodeId, triangle: Triangle) -> Result<NodeId> {
        let whole = hermitian(b, self.t, triangle)?;
        let vh = adjoint(b, v)?;
        let moved = product(b, vh, whole)?;
        product(b, moved, v)
    }

    /// Vectors have length 1 and a real largest component: what the unnormalised derivative has along
    /// them is removed.
    fn eig(&self, b: &mut Builder, values: NodeId) -> Result<Vec<Option<NodeId>>> {
        let v = b.add(Op::Part(1), &[values])?;
        let dtype = b.aval(v).dtype;
        let t = b.cast(self.t, dtype)?;
        let moved = product(b, t, v)?;
        let moved = b.add(Op::Solve(System::General), &[v, moved])?;
        let t_values = matrix::diagonal(b, moved)?;
        let mixed = over_gaps(b, moved, values)?;
        let free = product(b, v, mixed)?;
        // real(v^H t_v) = 0, for the length.
        let turned = matrix::conjugate(b, v)?;
        let along = multiply(b, turned, free)?;
        let along = matrix::sum_of_rows(b, along)?;
        let along = matrix::real(b, along)?;
        // imag(t_v) = 0 where v is largest, for the phase.
        let sizes = b.elementwise(E::Absolute, &[v])?;
        let axis = b.aval(v).rank() - 2;
        let kind = Extreme::Max;
        let largest = b.add(Op::ArgReduce { kind, axis }, &[sizes])?;
        let (at_free, at_v) = (
            entry_of_rows(b, free, largest)?,
            entry_of_rows(b, v, largest)?,
        );
        let (turn, size) = (b.elementwise(E::Imag, &[at_free])?, matrix::real(b, at_v)?);
        let turn = divide(b, turn, size)?;
        let correction = b.elementwise(E::MakeComplex, &[along, turn])?;
        let correction = b.cast(correction, dtype)?;
        let correction = matrix::as_row(b, correction)?;
        let correction = multiply(b, v, correction)?;
        let t_vectors = subtract(b, free, correction)?;
        Ok(vec![Some(t_values), Some(t_vectors)])
    }
}

/// The tangent of orthonormal columns of which a matrix decides the first only, given theirs. The others stay
/// orthogonal to them, and do not turn among each other.
fn with_others(b: &mut Builder, [first, last]: [NodeId; 2], t: NodeId) -> Result<NodeId> {
    let moved = adjoint(b, t)?;
    let moved = product(b, moved, last)?;
    let moved = product(b, first, moved)?;
    let moved = b.elementwise(E::Negative, &[moved])?;
    matrix::beside(b, &[t, moved])
}

/// The tangent of the columns by which a product of reflections completes its first ones, given theirs.
///
/// The product is `1 - v t v^h` with as many columns `v`, of which the upper ones are a triangle. So the
/// first columns are `q = [1; 0] - v t v1^h`, and the last ones `[0; 1] - v t v2^h = [0; 1] + ([1; 0] - q) s`
/// with `s = (1 - q1)^-h q2^h`, where `q1` is the upper square of `q` and `q2` what is below.
/// Source: Schreiber and Van Loan, *A storage-efficient WY representation*, 1989.
fn reflected(b: &mut Builder, q: NodeId, t: NodeId) -> Result<NodeId> {
    let (m, n) = matrix::sizes(b, q);
    let (zero, rest) = (Dim::known(0), m - n.clone());
    let mut parts = [q, q, t, t];
    for (k, part) in parts.iter_mut().enumerate() {
        *part = match k % 2 {
            0 => matrix::rows(b, *part, zero.clone(), n.clone())?,
            _ => matrix::rows(b, *part, n.clone(), rest.clone())?,
        };
    }
    let [upper, below, t_upper, t_below] = parts;
    let one = matrix::identity_like(b, upper)?;
    let square = subtract(b, one, upper)?;
    let system = adjoint(b, square)?;
    let right = adjoint(b, below)?;
    let s = b.add(Op::Solve(System::General), &[system, right])?;
    let t_below = adjoint(b, t_below)?;
    let t_upper = adjoint(b, t_upper)?;
    let moved = product(b, t_upper, s)?;
    let moved = add(b, t_below, moved)?;
    let t_s = b.add(Op::Solve(System::General), &[system, moved])?;
    let below = b.elementwise(E::Negative, &[below])?;
    let whole = matrix::stacked(b, &[square, below])?;
    let (by_s, by_q) = (product(b, whole, t_s)?, product(b, t, s)?);
    subtract(b, by_s, by_q)
}

/// `x[i, j] / (w[j] - w[i])`, zero on the diagonal.
fn over_gaps(b: &mut Builder, x: NodeId, w: NodeId) -> Result<NodeId> {
    let (row, column) = (matrix::as_row(b, w)?, matrix::as_column(b, w)?);
    let gaps = subtract(b, row, column)?;
    // Ones, so that nothing is divided by zero where the quotient is not used.
    let gaps = matrix::with_diagonal(b, gaps, 1.0)?;
    let quotient = divide(b, x, gaps)?;
    matrix::with_diagonal(b, quotient, 0.0)
}

/// What of `x` is orthogonal to the columns of `q`.
fn outside(b: &mut Builder, x: NodeId, q: NodeId, q_adjoint: NodeId) -> Result<NodeId> {
    let along = product(b, q_adjoint, x)?;
    let along = product(b, q, along)?;
    subtract(b, x, along)
}

/// `x r^-1` for an upper triangle `r`.
fn solve_from_the_right(b: &mut Builder, r: NodeId, x: NodeId) -> Result<NodeId> {
    let system = Op::Solve(System::Triangular {
        triangle: Triangle::Lower,
        unit: false,
    });
    let (r, x) = (matrix::transposed(b, r)?, matrix::transposed(b, x)?);
    let solved = b.add(system, &[r, x])?;
    matrix::transposed(b, solved)
}

/// Tangents of `q` and a square `r`.
fn tall_qr(b: &mut Builder, q: NodeId, r: NodeId, t: NodeId) -> Result<(NodeId, NodeId)> {
    let moved = solve_from_the_right(b, r, t)?;
    let q_adjoint = adjoint(b, q)?;
    let inside = product(b, q_adjoint, moved)?;
    let below = matrix::strictly_lower(b, inside)?;
    let above = adjoint(b, below)?;
    let mut turn = subtract(b, below, above)?;
    if b.aval(q).dtype.is_complex() {
        // The diagonal of r stays real.
        let rest = matrix::with_diagonal(b, inside, 0.0)?;
        let diagonal = subtract(b, inside, rest)?;
        let imaginary = b.elementwise(E::Imag, &[diagonal])?;
        let zero = b.float(0.0);
        let imaginary = b.elementwise(E::MakeComplex, &[zero, imaginary])?;
        let imaginary = b.cast(imaginary, b.aval(q).dtype)?;
        turn = add(b, turn, imaginary)?;
    }
    let rest = subtract(b, turn, inside)?;
    let along = product(b, q, rest)?;
    let t_q = add(b, along, moved)?;
    let triangle = subtract(b, inside, turn)?;
    let t_r = product(b, triangle, r)?;
    Ok((t_q, t_r))
}

/// Indices of each batch axis, to meet index arrays of `rank` axes.
fn batch_indices(b: &mut Builder, x: NodeId, rank: usize) -> Result<Vec<NodeId>> {
    let batch = b.aval(x).rank() - 2;
    let sizes: Vec<Dim> = b.aval(x).shape[..batch].to_vec();
    let mut indices = Vec::with_capacity(batch + 2);
    for (axis, size) in sizes.into_iter().enumerate() {
        indices.push(matrix::iota(b, size, axis, rank)?);
    }
    Ok(indices)
}

/// `x[permutation]` for each matrix.
pub fn permuted_rows(b: &mut Builder, x: NodeId, permutation: NodeId) -> Result<NodeId> {
    let batch = b.aval(x).rank() - 2;
    let mut operands = vec![x];
    operands.extend(batch_indices(b, x, batch + 1)?);
    operands.push(permutation);
    let gather = Op::Gather {
        axes: (0..=batch).collect(),
        at: 0,
    };
    b.add(gather, &operands)
}

/// `x[row[j], j]` for each column `j` of each matrix.
fn entry_of_rows(b: &mut Builder, x: NodeId, row: NodeId) -> Result<NodeId> {
    let batch = b.aval(x).rank() - 2;
    let (_, n) = matrix::sizes(b, x);
    let mut operands = vec![x];
    operands.extend(batch_indices(b, x, batch + 1)?);
    operands.push(row);
    operands.push(matrix::iota(b, n, batch, batch + 1)?);
    let gather = Op::Gather {
        axes: (0..batch + 2).collect(),
        at: 0,
    };
    b.add(gather, &operands)
}

/// A linear system is linear in its right side, a derivative in its direction.
pub fn transpose(
    b: &mut Builder,
    op: &Op,
    operands: &[NodeId],
    linear: &[bool],
    cotangent: NodeId,
    result: &Aval,
) -> Result<Vec<Option<NodeId>>> {
    let (&[a, _], [false, true]) = (operands, linear) else {
        return Err(not_linear(op));
    };
    let turned = matrix::transposed(b, a)?;
    let whole = materialized(b, cotangent, result)?;
    let back = match op {
        Op::Solve(System::General) | Op::Frechet(_) => op.clone(),
        Op::Solve(System::Triangular { triangle, unit }) => Op::Solve(System::Triangular {
            triangle: triangle.other(),
            unit: *unit,
        }),
        other => return Err(not_linear(other)),
    };
    Ok(vec![None, Some(b.add(back, &[turned, whole])?)])
}
