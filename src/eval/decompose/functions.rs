//! Functions of square matrices, and their derivatives along a direction.
//!
//! In: a matrix, complex for all but the exponential. Out: the principal value. A root and a logarithm are those
//! of the triangle of a Schur form:
//!
//! ```text
//! a = q t q^H      sqrt(a) = q sqrt(t) q^H      sqrt of [[a, e], [0, a]] = [[sqrt(a), derivative], [0, sqrt(a)]]
//! ```
//!
//! Sources: Higham, *The Scaling and Squaring Method for the Matrix Exponential Revisited* (2005); Björck and
//! Hammarling, *A Schur Method for the Square Root of a Matrix* (1983); Higham, *Functions of Matrices* (2008),
//! theorem 3.6 and chapter 11; Golub and Van Loan, *Matrix Computations*, section 7.5.

use faer::Mat;
use num_complex::Complex64;

use super::{Number, Pivoted, failed, substitute};
use crate::error::Result;
use crate::ops::decompose::{MatrixFunction, Triangle};

/// The function of a matrix.
pub(super) fn of<T: Number>(f: MatrixFunction, a: &Mat<T>) -> Result<Mat<T>> {
    let Some(of_triangle) = by_triangle(f) else {
        return exponential(a);
    };
    let a = converted::<T, Complex64>(a);
    if !is_finite(&a) {
        return Ok(not_a_number(a.nrows()));
    }
    let (q, t) = schur(&a)?;
    Ok(converted(&(&q * of_triangle(&t) * q.adjoint())))
}

/// The derivative of a function along a direction: a corner of the function of a larger matrix.
pub(super) fn frechet<T: Number>(
    f: MatrixFunction,
    a: &Mat<T>,
    direction: &Mat<T>,
) -> Result<Mat<T>> {
    let n = a.nrows();
    let Some(of_triangle) = by_triangle(f) else {
        let whole = exponential(&dual(a, direction))?;
        return Ok(Mat::from_fn(n, n, |i, j| whole[(i, j + n)]));
    };
    let a = converted::<T, Complex64>(a);
    let direction = converted::<T, Complex64>(direction);
    if !is_finite(&a) || !is_finite(&direction) {
        return Ok(not_a_number(n));
    }
    // Equal eigenvalues stay equal: the larger matrix is in Schur form with the smaller one.
    let (q, t) = schur(&a)?;
    let turned = q.adjoint() * &direction * &q;
    let whole = of_triangle(&dual(&t, &turned));
    let corner = Mat::from_fn(n, n, |i, j| whole[(i, j + n)]);
    Ok(converted(&(&q * corner * q.adjoint())))
}

/// `[[a, e], [0, a]]`.
fn dual<T: Number>(a: &Mat<T>, direction: &Mat<T>) -> Mat<T> {
    let n = a.nrows();
    Mat::from_fn(2 * n, 2 * n, |i, j| match (i < n, j < n) {
        (true, true) => a[(i, j)],
        (true, false) => direction[(i, j - n)],
        (false, true) => T::from_complex(Complex64::ZERO),
        (false, false) => a[(i - n, j - n)],
    })
}

fn converted<T: Number, U: Number>(a: &Mat<T>) -> Mat<U> {
    Mat::from_fn(a.nrows(), a.ncols(), |i, j| {
        U::from_complex(a[(i, j)].to_complex())
    })
}

fn is_finite(a: &Mat<Complex64>) -> bool {
    (0..a.ncols()).all(|j| (0..a.nrows()).all(|i| a[(i, j)].is_finite()))
}

fn not_a_number<T: Number>(n: usize) -> Mat<T> {
    Mat::from_fn(n, n, |_, _| T::from_complex(f64::NAN.into()))
}

/// A function of an upper triangle.
type OfTriangle = fn(&Mat<Complex64>) -> Mat<Complex64>;

/// The function of a triangle in Schur form, if that is how it is computed.
fn by_triangle(f: MatrixFunction) -> Option<OfTriangle> {
    match f {
        MatrixFunction::Exp => None,
        MatrixFunction::Sqrt => Some(root),
        MatrixFunction::Log => Some(logarithm),
    }
}

/// Largest 1-norms for which the approximant of each degree is exact to double precision, with its
/// coefficients.
const PADE: [(f64, &[f64]); 5] = [
    (1.495585217958292e-2, &[120.0, 60.0, 12.0, 1.0]),
    (
        2.539_398_330_063_23e-1,
        &[30240.0, 15120.0, 3360.0, 420.0, 30.0, 1.0],
    ),
    (
        9.504178996162932e-1,
        &[
            17297280.0, 8648640.0, 1995840.0, 277200.0, 25200.0, 1512.0, 56.0, 1.0,
        ],
    ),
    (
        2.097847961257068e0,
        &[
            17643225600.0,
            8821612800.0,
            2075673600.0,
            302702400.0,
            30270240.0,
            2162160.0,
            110880.0,
            3960.0,
            90.0,
            1.0,
        ],
    ),
    (
        5.371920351148152e0,
        &[
            64764752532480000.0,
            32382376266240000.0,
            7771770303897600.0,
            1187353796428800.0,
            129060195264000.0,
            10559470521600.0,
            670442572800.0,
            33522128640.0,
            1323241920.0,
            40840800.0,
            960960.0,
            16380.0,
            182.0,
            1.0,
        ],
    ),
];

/// By a Padé approximant of the matrix divided by a power of two, squared as often.
fn exponential<T: Number>(a: &Mat<T>) -> Result<Mat<T>> {
    let n = a.nrows();
    if n == 0 {
        return Ok(a.clone());
    }
    let norm = norm(a);
    if !norm.is_finite() {
        return Ok(not_a_number(n));
    }
    let (largest, highest) = PADE[PADE.len() - 1];
    if let Some((_, coefficients)) = PADE.iter().find(|(bound, _)| norm <= *bound) {
        return approximant(a, coefficients);
    }
    let squarings = (norm / largest).log2().ceil().max(0.0) as i32;
    let scale = 0.5f64.powi(squarings);
    let scaled = Mat::from_fn(n, n, |i, j| T::from_complex(a[(i, j)].to_complex() * scale));
    let mut x = approximant(&scaled, highest)?;
    for _ in 0..squarings {
        x = &x * &x;
    }
    Ok(x)
}

/// `(v - u)^-1 (v + u)`, `u` and `v` being the odd and the even terms.
fn approximant<T: Number>(a: &Mat<T>, coefficients: &[f64]) -> Result<Mat<T>> {
    let n = a.nrows();
    let square = a * a;
    let mut power = Mat::<T>::identity(n, n);
    let mut odd = Mat::<T>::zeros(n, n);
    let mut even = Mat::<T>::zeros(n, n);
    let add = |sum: &mut Mat<T>, factor: f64, term: &Mat<T>| {
        *sum = Mat::from_fn(n, n, |i, j| {
            T::from_complex(sum[(i, j)].to_complex() + term[(i, j)].to_complex() * factor)
        });
    };
    for (k, pair) in coefficients.chunks(2).enumerate() {
        if k > 0 {
            power = &power * &square;
        }
        add(&mut even, pair[0], &power);
        if let Some(&factor) = pair.get(1) {
            add(&mut odd, factor, &power);
        }
    }
    let odd = a * &odd;
    let (sum, difference) = (&even + &odd, &even - &odd);
    let lu = Pivoted::of(difference)?;
    lu.require_regular()?;
    Ok(lu.solve(&sum))
}

/// The sum of the sizes of a column, at its largest.
fn norm<T: Number>(a: &Mat<T>) -> f64 {
    let n = a.nrows();
    let column = |j: usize| -> f64 { (0..n).map(|i| a[(i, j)].to_complex().norm()).sum() };
    (0..n).map(column).fold(0.0, f64::max)
}

/// Column by column, from the diagonal up.
fn root(t: &Mat<Complex64>) -> Mat<Complex64> {
    let n = t.nrows();
    let mut r = Mat::<Complex64>::zeros(n, n);
    for j in 0..n {
        r[(j, j)] = t[(j, j)].sqrt();
        for i in (0..j).rev() {
            let known: Complex64 = (i + 1..j).map(|k| r[(i, k)] * r[(k, j)]).sum();
            let rest = t[(i, j)] - known;
            if rest != Complex64::ZERO {
                r[(i, j)] = rest / (r[(i, i)] + r[(j, j)]);
            }
        }
    }
    r
}

/// Nodes and weights of Gauss's and Legendre's rule on [-1, 1]: the approximant of degree 7 of `log(1 + x)`.
const GAUSS: [(f64, f64); 7] = [
    (-0.949_107_912_342_758_5, 0.129_484_966_168_869_7),
    (-0.741_531_185_599_394_4, 0.279_705_391_489_276_64),
    (-0.405_845_151_377_397_2, 0.381_830_050_505_118_9),
    (0.0, 0.417_959_183_673_469_4),
    (0.405_845_151_377_397_2, 0.381_830_050_505_118_9),
    (0.741_531_185_599_394_4, 0.279_705_391_489_276_64),
    (0.949_107_912_342_758_5, 0.129_484_966_168_869_7),
];
/// The largest norm for which it is exact to double precision (Higham 2008, table 11.1).
const NEAR_ONE: f64 = 0.264;
/// As often the root of the largest number is within that of 1.
const MOST_ROOTS: i32 = 64;
/// What SciPy takes for an eigenvalue of zero.
const ALMOST_ZERO: f64 = 1e-20;

/// By roots until it is near 1, and twice the logarithm as often.
fn logarithm(t: &Mat<Complex64>) -> Mat<Complex64> {
    let n = t.nrows();
    let mut t = t.clone();
    for i in 0..n {
        if t[(i, i)] == Complex64::ZERO {
            t[(i, i)] = ALMOST_ZERO.into();
        }
    }
    let one = Mat::<Complex64>::identity(n, n);
    let (mut r, mut roots) = (t.clone(), 0);
    while norm(&(&r - &one)) > NEAR_ONE && roots < MOST_ROOTS {
        r = root(&r);
        roots += 1;
    }
    let x = &r - &one;
    let mut log = Mat::<Complex64>::zeros(n, n);
    for (node, weight) in GAUSS {
        let at = 0.5 * (1.0 + node);
        let shifted = Mat::from_fn(n, n, |i, j| one[(i, j)] + x[(i, j)] * at);
        let mut term = x.clone();
        substitute(shifted.as_ref(), Triangle::Upper, false, &mut term);
        log = Mat::from_fn(n, n, |i, j| log[(i, j)] + term[(i, j)] * (0.5 * weight));
    }
    let scale = 2f64.powi(roots);
    let mut log = Mat::from_fn(n, n, |i, j| log[(i, j)] * scale);
    // The subtraction of 1 lost digits that the two diagonals need not lose.
    for i in 0..n {
        log[(i, i)] = t[(i, i)].ln();
    }
    for i in 1..n {
        log[(i - 1, i)] = t[(i - 1, i)] * slope_of_logarithm(t[(i - 1, i - 1)], t[(i, i)]);
    }
    log
}

/// `(log b - log a) / (b - a)` (Higham 2008, formula 11.28).
fn slope_of_logarithm(a: Complex64, b: Complex64) -> Complex64 {
    let gap = b - a;
    if gap == Complex64::ZERO {
        return a.inv();
    }
    let difference = b.ln() - a.ln();
    if gap.norm() > 0.5 * (a + b).norm() {
        return difference / gap;
    }
    let turns = ((difference.im - std::f64::consts::PI) / std::f64::consts::TAU).ceil();
    let turned = Complex64::new(0.0, std::f64::consts::TAU * turns);
    (2.0 * (gap / (a + b)).atanh() + turned) / gap
}

/// A unitary `q` and an upper triangle `t` with `a = q t q^H`. Of `[[a, b], [0, c]]` they are made of those of `a`
/// and `c`, so that eigenvalues that are equal in both come out equal.
fn schur(a: &Mat<Complex64>) -> Result<(Mat<Complex64>, Mat<Complex64>)> {
    let n = a.nrows();
    let half = n / 2;
    let is_zero = |row: usize, column: usize| {
        (0..half).all(|i| (0..half).all(|j| a[(row + i, column + j)] == Complex64::ZERO))
    };
    if n < 2 || n % 2 == 1 || !(is_zero(half, 0) || is_zero(0, half)) {
        return triangulated(a);
    }
    if !is_zero(half, 0) {
        // Of [[a, 0], [b, c]] the halves change places.
        let other = |i: usize| (i + half) % n;
        let turned = Mat::from_fn(n, n, |i, j| a[(other(i), other(j))]);
        let (q, t) = schur(&turned)?;
        return Ok((Mat::from_fn(n, n, |i, j| q[(other(i), j)]), t));
    }
    let part =
        |row: usize, column: usize| Mat::from_fn(half, half, |i, j| a[(row + i, column + j)]);
    let (q, t) = schur(&part(0, 0))?;
    let (p, u) = schur(&part(half, half))?;
    let corner = q.adjoint() * part(0, half) * &p;
    let zero = Complex64::ZERO;
    let whole = |first: &Mat<Complex64>,
                 corner: &dyn Fn(usize, usize) -> Complex64,
                 last: &Mat<Complex64>| {
        Mat::from_fn(n, n, |i, j| match (i < half, j < half) {
            (true, true) => first[(i, j)],
            (true, false) => corner(i, j - half),
            (false, true) => zero,
            (false, false) => last[(i - half, j - half)],
        })
    };
    Ok((
        whole(&q, &|_, _| zero, &p),
        whole(&t, &|i, j| corner[(i, j)], &u),
    ))
}

/// Steps without an eigenvalue after which another shift is tried, and after which there is none.
const STUCK: usize = 10;
const GIVEN_UP: usize = 60;

/// Householder's reduction to Hessenberg form, then QR steps with Wilkinson's shift.
fn triangulated(a: &Mat<Complex64>) -> Result<(Mat<Complex64>, Mat<Complex64>)> {
    let n = a.nrows();
    let is_real = (0..n).all(|i| (0..n).all(|j| a[(i, j)].im == 0.0));
    let mut t = a.clone();
    let mut q = Mat::<Complex64>::identity(n, n);
    for k in 0..n.saturating_sub(2) {
        reflect(&mut t, &mut q, k);
    }
    let scale = norm(a);
    let mut last = n.saturating_sub(1);
    let mut steps = 0;
    while last > 0 {
        let negligible = |t: &Mat<Complex64>, i: usize| {
            let near = t[(i, i)].norm() + t[(i - 1, i - 1)].norm();
            let near = if near == 0.0 { scale } else { near };
            t[(i, i - 1)].norm() <= f64::EPSILON * near
        };
        let first = (1..=last).rev().find(|&i| negligible(&t, i)).unwrap_or(0);
        if first > 0 {
            t[(first, first - 1)] = Complex64::ZERO;
        }
        if first == last {
            last -= 1;
            steps = 0;
            continue;
        }
        steps += 1;
        if steps > GIVEN_UP {
            return Err(failed("Schur form not found"));
        }
        let shift = match steps % STUCK {
            0 => t[(last, last)] + t[(last, last - 1)].norm(),
            _ => nearest_eigenvalue(&t, last),
        };
        step(&mut t, &mut q, first, last, shift);
    }
    // Rounding must not decide on which side of the cut a real eigenvalue lies.
    for i in 0..n {
        if is_real && t[(i, i)].im.abs() <= 1e2 * f64::EPSILON * scale {
            t[(i, i)].im = 0.0;
        }
        for j in 0..i {
            t[(i, j)] = Complex64::ZERO;
        }
    }
    Ok((q, t))
}

/// Zeros below the subdiagonal of column `k`.
fn reflect(t: &mut Mat<Complex64>, q: &mut Mat<Complex64>, k: usize) {
    let n = t.nrows();
    let size = (k + 1..n).map(|i| t[(i, k)].norm_sqr()).sum::<f64>().sqrt();
    let first = t[(k + 1, k)];
    if size == 0.0 {
        return;
    }
    let phase = match first.norm() {
        0.0 => Complex64::ONE,
        norm => first / norm,
    };
    let mut v: Vec<Complex64> = (k + 1..n).map(|i| t[(i, k)]).collect();
    v[0] += phase * size;
    let length = v.iter().map(Complex64::norm_sqr).sum::<f64>();
    let at = |i: usize| v[i - k - 1];
    for j in 0..n {
        let along: Complex64 = (k + 1..n).map(|i| at(i).conj() * t[(i, j)]).sum();
        for i in k + 1..n {
            t[(i, j)] -= at(i) * along * (2.0 / length);
        }
    }
    for m in [t, q] {
        for i in 0..n {
            let along: Complex64 = (k + 1..n).map(|j| m[(i, j)] * at(j)).sum();
            for j in k + 1..n {
                m[(i, j)] -= along * at(j).conj() * (2.0 / length);
            }
        }
    }
}

/// The eigenvalue of the two by two matrix that ends at `last` which is nearer to its last element.
fn nearest_eigenvalue(t: &Mat<Complex64>, last: usize) -> Complex64 {
    let (a, b) = (t[(last - 1, last - 1)], t[(last - 1, last)]);
    let (c, d) = (t[(last, last - 1)], t[(last, last)]);
    let half = 0.5 * (a - d);
    let root = (half * half + b * c).sqrt();
    let sum = match (half + root).norm() > (half - root).norm() {
        true => half + root,
        false => half - root,
    };
    match sum == Complex64::ZERO {
        true => d,
        false => d - b * c / sum,
    }
}

/// One QR step on the block from `first` to `last`, by rotations.
fn step(
    t: &mut Mat<Complex64>,
    q: &mut Mat<Complex64>,
    first: usize,
    last: usize,
    shift: Complex64,
) {
    let n = t.nrows();
    let mut rotations = Vec::with_capacity(last - first);
    for i in first..=last {
        t[(i, i)] -= shift;
    }
    for k in first..last {
        let (x, y) = (t[(k, k)], t[(k + 1, k)]);
        let size = x.norm().hypot(y.norm());
        let (c, s) = match size == 0.0 {
            true => (Complex64::ONE, Complex64::ZERO),
            false => (x / size, y / size),
        };
        for j in k..n {
            let (up, down) = (t[(k, j)], t[(k + 1, j)]);
            t[(k, j)] = c.conj() * up + s.conj() * down;
            t[(k + 1, j)] = c * down - s * up;
        }
        rotations.push((c, s));
    }
    for (k, (c, s)) in (first..last).zip(rotations) {
        let turn = |m: &mut Mat<Complex64>, rows: usize| {
            for i in 0..rows {
                let (left, right) = (m[(i, k)], m[(i, k + 1)]);
                m[(i, k)] = left * c + right * s;
                m[(i, k + 1)] = right * c.conj() - left * s.conj();
            }
        };
        turn(t, last.min(k + 1) + 1);
        turn(q, n);
    }
    for i in first..=last {
        t[(i, i)] += shift;
    }
}
