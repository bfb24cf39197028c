//! Decompositions of matrices, functions of them, and linear systems, by batches.
//!
//! In: contiguous batches of matrices. Out: contiguous batches of each result that anything reads.
//! `solve(float64[7, 3, 3], float64[7, 3, 1])` is seven systems.
//! Everything is in double precision: the planner converts other matrices.
//!
//! NumPy's own loops are used where a host provides them ([`numpy`]), so that signs and last digits
//! are NumPy's. Sources of the rest: the crate `faer`. Functions of matrices: [`functions`].

mod functions;
mod numpy;

use std::ops::{Div, Mul, Range, Sub};
use std::sync::{Mutex, PoisonError};

use faer::{Mat, MatRef, Side};
use num_complex::Complex64;

use crate::error::{Error, Exception, Result};
use crate::eval::plan::{Place, Run};
use crate::eval::threads;
use crate::graph::DType;
use crate::ops::decompose::{Decomposition, MatrixFunction, System, Triangle};

/// What is done with the matrices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Routine {
    Of(Decomposition),
    Solve(System),
    PseudoInverse,
    Frechet(MatrixFunction),
}

/// One routine over a batch. All places are contiguous and aligned.
#[derive(Debug)]
pub struct Decompose {
    pub routine: Routine,
    pub batch: usize,
    pub operands: Vec<Place>,
    /// None where nothing reads a result.
    pub results: Vec<Option<Place>>,
}

/// Work below which waking another thread does not pay.
const PARALLEL_NS: f64 = 60_000.0;

impl Decompose {
    /// Estimated nanoseconds.
    pub fn cost(&self) -> f64 {
        let [m, n] = core(&self.operands[0]).map(|n| n as f64);
        let each = match self.routine {
            Routine::Solve(System::Triangular { .. }) => {
                let [_, k] = core(&self.operands[1]).map(|n| n as f64);
                m * n * k * 0.3
            }
            Routine::Solve(System::General) => {
                let [_, k] = core(&self.operands[1]).map(|n| n as f64);
                m * n * (m + k) * 0.3
            }
            Routine::Of(_) => m * n * m.min(n) * 3.0,
            Routine::PseudoInverse => m * n * m.min(n) * 10.0,
            Routine::Frechet(_) => m * n * n * 30.0,
        };
        self.batch as f64 * (each + 1_000.0)
    }

    /// # Errors
    /// NumPy's `LinAlgError`.
    pub fn run(&self, run: &Run<'_>) -> Result<()> {
        let threads = match self.cost() > PARALLEL_NS && self.batch > 1 {
            true => threads::get(),
            false => 1,
        };
        let memory = Memory(
            self.operands.iter().map(|p| run.at(p)).collect(),
            (self.results.iter().map(|p| p.as_ref().map(|p| run.at(p)))).collect(),
        );
        let complex = self.operands[0].layout.dtype.is_complex();
        let native = numpy::has(self.routine, complex);
        let each = self.items_per_task();
        let failed = Mutex::new(None);
        threads::run(self.batch.div_ceil(each), threads, &|claims| {
            for task in claims {
                let items = task * each..self.batch.min((task + 1) * each);
                // SAFETY: each item reads and writes its own part of places that are valid for the batch.
                let done = unsafe {
                    match (native, complex) {
                        (true, _) => self.by_numpy(&memory, items),
                        (false, true) => self.by_faer::<Complex64>(&memory, items),
                        (false, false) => self.by_faer::<f64>(&memory, items),
                    }
                };
                if let Err(error) = done {
                    let mut first = failed.lock().unwrap_or_else(PoisonError::into_inner);
                    first.get_or_insert(error);
                }
            }
        });
        match failed.into_inner() {
            Ok(Some(error)) => Err(error),
            Ok(None) | Err(_) => Ok(()),
        }
    }

    /// Small matrices are computed many at a time.
    fn items_per_task(&self) -> usize {
        let items = self.batch.max(1);
        let each = self.cost() / items as f64;
        ((PARALLEL_NS / 2.0 / each) as usize).clamp(1, items)
    }

    /// # Safety
    /// The memory must be that of the places, and the items within the batch.
    unsafe fn by_numpy(&self, memory: &Memory, items: Range<usize>) -> Result<()> {
        let at = |start: *mut u8, place: &Place| {
            let bytes = per_item(place, self.batch) * place.layout.dtype.size();
            // SAFETY: the item's elements follow those of the items before it.
            unsafe { start.add(items.start * bytes) }
        };
        let operands = self.operands.iter().zip(&memory.0);
        let operands: Vec<_> = operands
            .map(|(place, &start)| (at(start, place), core(place)))
            .collect();
        let results = self.results.iter().zip(&memory.1);
        let results: Vec<_> = results
            .map(|(place, start)| Some(at((*start)?, place.as_ref()?)))
            .collect();
        if let (Routine::Of(Decomposition::Eig | Decomposition::Eigenvalues), (start, [n, _])) =
            (self.routine, operands[0])
        {
            let numbers =
                items.len() * n * n * self.operands[0].layout.dtype.size() / size_of::<f64>();
            // SAFETY: the matrices are that many numbers, aligned.
            let numbers = unsafe { std::slice::from_raw_parts(start.cast::<f64>(), numbers) };
            require_finite(numbers.iter().all(|x| x.is_finite()))?;
        }
        let task = numpy::Task {
            routine: self.routine,
            complex: self.operands[0].layout.dtype.is_complex(),
            count: items.len(),
            operands: &operands,
            results: &results,
        };
        // SAFETY: as the caller promises.
        match unsafe { numpy::run(&task) } {
            true => Ok(()),
            false => Err(self.failure()),
        }
    }

    /// NumPy's words for a matrix that has no result.
    fn failure(&self) -> Box<Error> {
        use Decomposition::*;
        match self.routine {
            Routine::Of(Cholesky) => failed("Matrix is not positive definite"),
            Routine::Of(Svd | SvdFull | SingularValues) | Routine::PseudoInverse => {
                failed("SVD did not converge")
            }
            Routine::Of(Eigh(_) | EigenvaluesOfHermitian(_) | Eig | Eigenvalues) => {
                no_eigenvalues()
            }
            Routine::Of(Qr | QrComplete) => {
                failed("Incorrect argument found while performing QR factorization")
            }
            Routine::Of(Inverse | Determinant | Adjugate | SignLogDet | Lu | Function(_))
            | Routine::Solve(_)
            | Routine::Frechet(_) => singular(),
        }
    }

    /// # Safety
    /// As for [`Decompose::by_numpy`].
    unsafe fn by_faer<T: Number>(&self, memory: &Memory, mut items: Range<usize>) -> Result<()> {
        // SAFETY: as the caller promises.
        items.try_for_each(|item| unsafe { self.item::<T>(memory, item) })
    }

    /// # Safety
    /// As for [`Decompose::by_numpy`].
    unsafe fn item<T: Number>(&self, memory: &Memory, item: usize) -> Result<()> {
        let load = |i: usize| {
            let place = &self.operands[i];
            let dtype = place.layout.dtype;
            let [m, n] = core(place);
            // SAFETY: the item's elements follow those of the items before it.
            unsafe {
                let start = memory.0[i].add(item * per_item(place, self.batch) * dtype.size());
                Mat::<T>::from_fn(m, n, |row, column| {
                    T::from_complex(read(dtype, start, row * n + column))
                })
            }
        };
        let results = match self.routine {
            Routine::Of(kind) => decomposed(kind, load(0))?,
            Routine::Solve(system) => vec![row_major(&solved(system, load(0), load(1))?)],
            Routine::PseudoInverse => {
                let rcond = load(1);
                vec![row_major(&pseudo_inverse(
                    &load(0),
                    rcond[(0, 0)].to_complex().re,
                )?)]
            }
            Routine::Frechet(f) => {
                vec![row_major(&functions::frechet(f, &load(0), &load(1))?)]
            }
        };
        for (values, (place, start)) in results.iter().zip(self.results.iter().zip(&memory.1)) {
            let (Some(place), Some(start)) = (place, start) else {
                continue;
            };
            let dtype = place.layout.dtype;
            let size = per_item(place, self.batch);
            if values.len() != size {
                return Err(Error::internal("a result of another size"));
            }
            // SAFETY: as for loading.
            unsafe {
                let start = start.add(item * size * dtype.size());
                for (i, value) in values.iter().enumerate() {
                    write(dtype, start, i, *value);
                }
            }
        }
        Ok(())
    }
}

/// Where operands and results start.
struct Memory(Vec<*mut u8>, Vec<Option<*mut u8>>);

// SAFETY: items read the first and write disjoint parts of the second.
unsafe impl Sync for Memory {}

/// Rows and columns; a number is a matrix of one element.
fn core(place: &Place) -> [usize; 2] {
    match place.layout.shape[..] {
        [.., m, n] => [m, n],
        [] | [_] => [1, 1],
    }
}

fn per_item(place: &Place, batch: usize) -> usize {
    place.layout.len() / batch.max(1)
}

/// # Safety
/// Element `i` must be readable at `start`, aligned, of float64 or complex128.
unsafe fn read(dtype: DType, start: *const u8, i: usize) -> Complex64 {
    // SAFETY: as the caller promises.
    unsafe {
        match dtype.is_complex() {
            true => *start.cast::<Complex64>().add(i),
            false => (*start.cast::<f64>().add(i)).into(),
        }
    }
}

/// # Safety
/// Element `i` must be writable at `start`, aligned, of double precision or an index.
unsafe fn write(dtype: DType, start: *mut u8, i: usize, value: Complex64) {
    // SAFETY: as the caller promises.
    unsafe {
        match dtype {
            DType::I32 => *start.cast::<i32>().add(i) = value.re as i32,
            DType::I64 => *start.cast::<i64>().add(i) = value.re as i64,
            dtype if dtype.is_complex() => *start.cast::<Complex64>().add(i) = value,
            _ => *start.cast::<f64>().add(i) = value.re,
        }
    }
}

/// The two kinds of numbers that matrices are computed in.
trait Number:
    faer::traits::ComplexField<Real = f64>
    + Copy
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
{
    fn from_complex(z: Complex64) -> Self;
    fn to_complex(self) -> Complex64;
    fn eigen(a: MatRef<'_, Self>) -> Option<(Vec<Complex64>, Mat<Complex64>)>;
}

impl Number for f64 {
    fn from_complex(z: Complex64) -> f64 {
        z.re
    }
    fn to_complex(self) -> Complex64 {
        self.into()
    }
    fn eigen(a: MatRef<'_, f64>) -> Option<(Vec<Complex64>, Mat<Complex64>)> {
        let found = a.eigen().ok()?;
        Some((
            found.S().column_vector().iter().copied().collect(),
            found.U().to_owned(),
        ))
    }
}

impl Number for Complex64 {
    fn from_complex(z: Complex64) -> Complex64 {
        z
    }
    fn to_complex(self) -> Complex64 {
        self
    }
    fn eigen(a: MatRef<'_, Complex64>) -> Option<(Vec<Complex64>, Mat<Complex64>)> {
        let found = a.eigen().ok()?;
        Some((
            found.S().column_vector().iter().copied().collect(),
            found.U().to_owned(),
        ))
    }
}

fn row_major<T: Number>(a: &Mat<T>) -> Vec<Complex64> {
    let (m, n) = (a.nrows(), a.ncols());
    let at = |i: usize, j: usize| a[(i, j)].to_complex();
    (0..m).flat_map(|i| (0..n).map(move |j| at(i, j))).collect()
}

fn singular() -> Box<Error> {
    failed("Singular matrix")
}

fn failed(message: &str) -> Box<Error> {
    Error::raises(Exception::LinAlg, message)
}

/// The results of one matrix, in row-major order.
fn decomposed<T: Number>(kind: Decomposition, a: Mat<T>) -> Result<Vec<Vec<Complex64>>> {
    use Decomposition::*;
    let (m, n) = (a.nrows(), a.ncols());
    if m == 0 || n == 0 {
        return Ok(of_nothing(kind, m, n));
    }
    let real = |values: Vec<f64>| values.into_iter().map(Complex64::from).collect::<Vec<_>>();
    Ok(match kind {
        Inverse => {
            let lu = Pivoted::of(a)?;
            lu.require_regular()?;
            vec![row_major(&lu.inverse())]
        }
        Determinant => vec![vec![Pivoted::of(a)?.determinant().to_complex()]],
        Adjugate => vec![row_major(&adjugate(a)?)],
        SignLogDet => {
            let (sign, size) = Pivoted::of(a)?.sign_and_log();
            vec![vec![sign], vec![size.into()]]
        }
        Cholesky => {
            let factor = real_diagonal(&a)
                .llt(Side::Lower)
                .map_err(|_| failed("Matrix is not positive definite"))?;
            vec![row_major(&factor.L().to_owned())]
        }
        Lu => {
            let lu = Pivoted::of(a)?;
            let pivots = lu.exchanges.iter().map(|&i| (i as f64).into()).collect();
            let permutation = lu.permutation.iter().map(|&i| (i as f64).into()).collect();
            vec![row_major(&lu.packed), pivots, permutation]
        }
        Qr => {
            let factors = a.qr();
            let (q, r) = with_real_diagonal(factors.compute_thin_Q(), factors.thin_R().to_owned());
            vec![row_major(&q), row_major(&r)]
        }
        QrComplete => {
            let factors = a.qr();
            let thin = factors.thin_R();
            let r = Mat::from_fn(m, n, |i, j| match i < thin.nrows() {
                true => thin[(i, j)],
                false => T::from_complex(Complex64::ZERO),
            });
            let (q, r) = with_real_diagonal(factors.compute_Q(), r);
            vec![row_major(&q), row_major(&r)]
        }
        Svd => {
            let found = a.thin_svd().map_err(|_| failed("SVD did not converge"))?;
            let s = found
                .S()
                .column_vector()
                .iter()
                .map(|s| s.to_complex())
                .collect();
            let vh = found.V().adjoint().to_owned();
            vec![row_major(&found.U().to_owned()), s, row_major(&vh)]
        }
        SvdFull => {
            let found = a.svd().map_err(|_| failed("SVD did not converge"))?;
            let s = found
                .S()
                .column_vector()
                .iter()
                .map(|s| s.to_complex())
                .collect();
            let vh = found.V().adjoint().to_owned();
            vec![row_major(&found.U().to_owned()), s, row_major(&vh)]
        }
        SingularValues => {
            vec![real(
                a.singular_values()
                    .map_err(|_| failed("SVD did not converge"))?,
            )]
        }
        Eigh(triangle) => {
            let found = real_diagonal(&a)
                .self_adjoint_eigen(side(triangle))
                .map_err(|_| no_eigenvalues())?;
            let w = found
                .S()
                .column_vector()
                .iter()
                .map(|w| w.to_complex())
                .collect();
            vec![w, row_major(&found.U().to_owned())]
        }
        EigenvaluesOfHermitian(triangle) => {
            vec![real(
                real_diagonal(&a)
                    .self_adjoint_eigenvalues(side(triangle))
                    .map_err(|_| no_eigenvalues())?,
            )]
        }
        Eig => {
            let (w, v) = eigen(&a)?;
            vec![w, row_major(&v)]
        }
        Eigenvalues => vec![eigen(&a)?.0],
        Function(f) => vec![row_major(&functions::of(f, &a)?)],
    })
}

/// Matrices without elements: determinants are 1, and complete factors of tall ones the identity.
fn of_nothing(kind: Decomposition, m: usize, n: usize) -> Vec<Vec<Complex64>> {
    use Decomposition::*;
    match kind {
        Determinant => vec![vec![Complex64::ONE]],
        SignLogDet => vec![vec![Complex64::ONE], vec![Complex64::ZERO]],
        Lu => vec![vec![], vec![], (0..m).map(|i| (i as f64).into()).collect()],
        QrComplete => vec![row_major(&Mat::<f64>::identity(m, m)), vec![]],
        SvdFull => {
            let square = |n| row_major(&Mat::<f64>::identity(n, n));
            vec![square(m), vec![], square(n)]
        }
        Inverse
        | Adjugate
        | Cholesky
        | Qr
        | Svd
        | SingularValues
        | Eigh(_)
        | EigenvaluesOfHermitian(_)
        | Eig
        | Eigenvalues
        | Function(_) => vec![vec![]; 3],
    }
}

/// A Hermitian matrix as it is read: an imaginary part of the diagonal is not.
fn real_diagonal<T: Number>(a: &Mat<T>) -> Mat<T> {
    Mat::from_fn(a.nrows(), a.ncols(), |i, j| match i == j {
        true => T::from_complex(a[(i, i)].to_complex().re.into()),
        false => a[(i, j)],
    })
}

/// The same product with a real diagonal of `r`, as LAPACK has it.
fn with_real_diagonal<T: Number>(mut q: Mat<T>, mut r: Mat<T>) -> (Mat<T>, Mat<T>) {
    for k in 0..r.nrows().min(r.ncols()) {
        let diagonal = r[(k, k)].to_complex();
        if diagonal.im == 0.0 {
            continue;
        }
        let phase = diagonal / diagonal.norm();
        for i in 0..q.nrows() {
            q[(i, k)] = T::from_complex(q[(i, k)].to_complex() * phase);
        }
        for j in 0..r.ncols() {
            r[(k, j)] = T::from_complex(r[(k, j)].to_complex() / phase);
        }
        r[(k, k)] = T::from_complex(diagonal.norm().into());
    }
    (q, r)
}

fn side(triangle: Triangle) -> Side {
    match triangle {
        Triangle::Lower => Side::Lower,
        Triangle::Upper => Side::Upper,
    }
}

fn require_finite(finite: bool) -> Result<()> {
    match finite {
        true => Ok(()),
        false => Err(failed("Array must not contain infs or NaNs")),
    }
}

fn no_eigenvalues() -> Box<Error> {
    failed("Eigenvalues did not converge")
}

/// Eigenvalues and eigenvectors, of length 1 and with a real largest component.
fn eigen<T: Number>(a: &Mat<T>) -> Result<(Vec<Complex64>, Mat<Complex64>)> {
    require_finite(a.is_all_finite())?;
    let (w, mut v) = T::eigen(a.as_ref()).ok_or_else(no_eigenvalues)?;
    for j in 0..v.ncols() {
        let column: Vec<Complex64> = (0..v.nrows()).map(|i| v[(i, j)]).collect();
        let length = column.iter().map(|z| z.norm_sqr()).sum::<f64>().sqrt();
        let largest = column.iter().fold(Complex64::ZERO, |best, &z| {
            if z.norm() > best.norm() { z } else { best }
        });
        let turn = if largest.im == 0.0 {
            Complex64::ONE
        } else {
            largest.conj() / largest.norm()
        };
        for (i, z) in column.into_iter().enumerate() {
            v[(i, j)] = z * turn / length;
        }
    }
    Ok((w, v))
}

/// `p a = l u` by partial pivoting.
struct Pivoted<T> {
    /// `l` below the diagonal, `u` on and above it.
    packed: Mat<T>,
    /// Row `i` was exchanged with row `exchanges[i]`, in order.
    exchanges: Vec<usize>,
    /// Row `i` of the product is row `permutation[i]` of the matrix.
    permutation: Vec<usize>,
}

/// Matrices up to this size are factored by plain loops.
const SMALL: usize = 16;

impl<T: Number> Pivoted<T> {
    fn of(a: Mat<T>) -> Result<Pivoted<T>> {
        if a.nrows().max(a.ncols()) <= SMALL {
            return Ok(Pivoted::by_loops(a));
        }
        let found = a.partial_piv_lu();
        let (l, u) = (found.L(), found.U());
        let packed = Mat::from_fn(a.nrows(), a.ncols(), |i, j| {
            if i > j { l[(i, j)] } else { u[(i, j)] }
        });
        let permutation = found.P().arrays().0.to_vec();
        let exchanges = exchanges(&permutation, a.nrows().min(a.ncols()));
        Ok(Pivoted {
            packed,
            exchanges,
            permutation,
        })
    }

    fn by_loops(mut a: Mat<T>) -> Pivoted<T> {
        let (m, n) = (a.nrows(), a.ncols());
        let mut permutation: Vec<usize> = (0..m).collect();
        let mut exchanges = Vec::with_capacity(m.min(n));
        for k in 0..m.min(n) {
            let pivot = (k..m).fold(k, |best, i| {
                if a[(i, k)].to_complex().l1_norm() > a[(best, k)].to_complex().l1_norm() {
                    i
                } else {
                    best
                }
            });
            exchanges.push(pivot);
            if pivot != k {
                permutation.swap(pivot, k);
                for j in 0..n {
                    let held = a[(k, j)];
                    a[(k, j)] = a[(pivot, j)];
                    a[(pivot, j)] = held;
                }
            }
            let diagonal = a[(k, k)];
            if diagonal.to_complex() == Complex64::ZERO {
                continue;
            }
            for i in k + 1..m {
                let factor = a[(i, k)] / diagonal;
                a[(i, k)] = factor;
                for j in k + 1..n {
                    a[(i, j)] = a[(i, j)] - factor * a[(k, j)];
                }
            }
        }
        Pivoted {
            packed: a,
            exchanges,
            permutation,
        }
    }

    fn diagonal(&self) -> impl Iterator<Item = Complex64> + '_ {
        (0..self.packed.nrows().min(self.packed.ncols())).map(|i| self.packed[(i, i)].to_complex())
    }

    fn require_regular(&self) -> Result<()> {
        match self.diagonal().any(|d| d == Complex64::ZERO) {
            true => Err(singular()),
            false => Ok(()),
        }
    }

    fn is_odd(&self) -> bool {
        self.exchanges
            .iter()
            .enumerate()
            .filter(|&(i, &j)| i != j)
            .count()
            % 2
            == 1
    }

    fn determinant(&self) -> T {
        let sign = if self.is_odd() { -1.0 } else { 1.0 };
        T::from_complex(self.diagonal().fold(sign.into(), |product, d| product * d))
    }

    fn sign_and_log(&self) -> (Complex64, f64) {
        let mut sign = Complex64::from(if self.is_odd() { -1.0 } else { 1.0 });
        let mut size = 0.0;
        for d in self.diagonal() {
            if d == Complex64::ZERO {
                return (Complex64::ZERO, f64::NEG_INFINITY);
            }
            sign *= d / d.norm();
            size += d.norm().ln();
        }
        (sign, size)
    }

    /// `a^-1 rhs`.
    fn solve(&self, rhs: &Mat<T>) -> Mat<T> {
        let mut x = Mat::from_fn(rhs.nrows(), rhs.ncols(), |i, j| {
            rhs[(self.permutation[i], j)]
        });
        substitute(self.packed.as_ref(), Triangle::Lower, true, &mut x);
        substitute(self.packed.as_ref(), Triangle::Upper, false, &mut x);
        x
    }

    fn inverse(&self) -> Mat<T> {
        self.solve(&Mat::identity(self.packed.nrows(), self.packed.nrows()))
    }
}

/// The exchanges of rows, in order, that make a permutation.
fn exchanges(permutation: &[usize], count: usize) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..permutation.len()).collect();
    let mut out = Vec::with_capacity(count);
    for (i, &wanted) in permutation.iter().enumerate().take(count) {
        let at = rows.iter().position(|&row| row == wanted).unwrap_or(i);
        rows.swap(i, at);
        out.push(at);
    }
    out
}

/// Overwrites `x` with the solution of a triangular system.
fn substitute<T: Number>(a: MatRef<'_, T>, triangle: Triangle, unit: bool, x: &mut Mat<T>) {
    use faer::linalg::triangular_solve as by;
    let (x, par) = (x.as_mut(), faer::Par::Seq);
    match (triangle, unit) {
        (Triangle::Lower, false) => by::solve_lower_triangular_in_place(a, x, par),
        (Triangle::Lower, true) => by::solve_unit_lower_triangular_in_place(a, x, par),
        (Triangle::Upper, false) => by::solve_upper_triangular_in_place(a, x, par),
        (Triangle::Upper, true) => by::solve_unit_upper_triangular_in_place(a, x, par),
    }
}

fn solved<T: Number>(system: System, a: Mat<T>, rhs: Mat<T>) -> Result<Mat<T>> {
    if a.nrows() == 0 || rhs.ncols() == 0 {
        return Ok(rhs);
    }
    match system {
        System::General => {
            let lu = Pivoted::of(a)?;
            lu.require_regular()?;
            Ok(lu.solve(&rhs))
        }
        System::Triangular { triangle, unit } => {
            let zero = |i: usize| a[(i, i)].to_complex() == Complex64::ZERO;
            if let Some(i) = (0..a.nrows()).find(|&i| !unit && zero(i)) {
                return Err(failed(&format!(
                    "singular matrix: resolution failed at diagonal {i}"
                )));
            }
            let mut x = rhs;
            substitute(a.as_ref(), triangle, unit, &mut x);
            Ok(x)
        }
    }
}

/// Pivots further apart than this are left to the singular values.
const WELL_CONDITIONED: f64 = 1e-8;

/// `det(a) a^-1`; of nearly singular matrices `det(u) det(v^H) v adj(s) u^H`, which divides by nothing.
fn adjugate<T: Number>(a: Mat<T>) -> Result<Mat<T>> {
    let n = a.nrows();
    let lu = Pivoted::of(a.clone())?;
    let sizes = || lu.diagonal().map(|d| d.norm());
    let (least, most) = (
        sizes().fold(f64::INFINITY, f64::min),
        sizes().fold(0.0, f64::max),
    );
    if least > WELL_CONDITIONED * most {
        let det = lu.determinant().to_complex();
        let inverse = lu.inverse();
        return Ok(Mat::from_fn(n, n, |i, j| {
            T::from_complex(inverse[(i, j)].to_complex() * det)
        }));
    }
    let found = a.svd().map_err(|_| failed("SVD did not converge"))?;
    let (u, v) = (found.U().to_owned(), found.V().to_owned());
    let s: Vec<f64> = found
        .S()
        .column_vector()
        .iter()
        .map(|s| s.to_complex().re)
        .collect();
    let phase = Pivoted::of(u.clone())?.determinant().to_complex()
        * Pivoted::of(v.clone())?.determinant().to_complex().conj();
    let others = |skip: usize| -> f64 { (0..n).filter(|&i| i != skip).map(|i| s[i]).product() };
    let others: Vec<f64> = (0..n).map(others).collect();
    Ok(Mat::from_fn(n, n, |i, j| {
        let terms =
            (0..n).map(|k| v[(i, k)].to_complex() * others[k] * u[(j, k)].to_complex().conj());
        T::from_complex(terms.sum::<Complex64>() * phase)
    }))
}

fn pseudo_inverse<T: Number>(a: &Mat<T>, rcond: f64) -> Result<Mat<T>> {
    let (m, n) = (a.nrows(), a.ncols());
    if m == 0 || n == 0 {
        return Ok(Mat::zeros(n, m));
    }
    let found = a.thin_svd().map_err(|_| failed("SVD did not converge"))?;
    let (u, v) = (found.U(), found.V());
    let s: Vec<f64> = found
        .S()
        .column_vector()
        .iter()
        .map(|s| s.to_complex().re)
        .collect();
    let cutoff = rcond * s.iter().fold(0.0, |most: f64, &s| most.max(s));
    let scaled = Mat::from_fn(n, s.len(), |i, k| {
        let factor = if s[k] > cutoff { 1.0 / s[k] } else { 0.0 };
        T::from_complex(v[(i, k)].to_complex() * factor)
    });
    Ok(scaled * u.adjoint())
}
