"""Functions of SciPy that lazy calls, or lifts as NumPy code: the check of derivatives that names with rows have.

Rows are templates of arguments as in `cases`. That a derivative by an order is refused is checked at the end.
"""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import scipy.signal
import scipy.stats
from scipy import special

import lazy
from cases import describe
from cases.arrays import STACK, Case, M, N, V, W, c, fill, positive, square
from cases.derivatives import SCOPE, check, program_of

SCOPE["scipy"] = scipy

P = np.array([0.3, 0.8, 1.3, 2.5, 6.0])
Z = np.array([0.3 + 0.4j, -1.2 + 0.7j, 2.5 - 1.1j, 0.5 + 0j, 3 - 2j])
ONE, SINGLE, PAIR = np.float64(0.7), P.astype(np.float32), np.array([0.3, 0.7])
LEVELS, PLACES = np.array([0.3, 0.4]), np.array([0.4, 0.5])

# Functions of an order and an argument, complex or real, and what else has a rule.
ORDERS = ["jv", "yv", "iv", "kv", "kve", "hankel1", "hankel2", "hankel1e", "hankel2e", "jve", "yve", "ive"]
KELVIN = ["ber", "bei", "ker", "kei", "berp", "beip", "kerp", "keip", "kelvin"]
INTEGRALS = ["itstruve0", "it2struve0", "itmodstruve0", "itj0y0", "iti0k0", "it2j0y0", "it2i0k0"]
GAMMAS = ["gamma", "rgamma", "loggamma", "digamma", "psi"]
SPECIAL: dict[str, list[Case]] = {
    **{f: [c(0, Z), c(1.5, Z), c(2, Z), c(1, Z.astype(np.complex64)), c(1.5, P)] for f in ORDERS},
    **{f: [c(v, P) for v in [0, 1, 1.5]] + [c(1, SINGLE), c(1, ONE)] for f in ["struve", "modstruve"]},
    **{f: [c(P), c(SINGLE), c(ONE)] for f in [*KELVIN, *INTEGRALS]},
    **{f: [c(Z), c(Z.astype(np.complex64)), c(np.complex128(0.3 + 1j)), c(P)] for f in GAMMAS},
    # SciPy computes these integrals to some 1e-5.
    "itairy": [c(P[:2])],
    "hyp0f1": [c(1.5, Z)],
    "hyp1f1": [c(0.5, 1.5, Z)],
    "hyp2f1": [c(0.5, 1.5, 2.5, 0.2 * Z)],
    "hyperu": [c(0.5, 1.5, P)],
    "wright_bessel": [c(0.5, 1.5, P)],
    "log_wright_bessel": [c(0.5, 1.5, P)],
    **{f: [c(0.5, P), c(1.5, P)] for f in ["pbdv", "pbvv", "pbwa"]},
    "ellipj": [
        c(P, np.array([0.1, 0.3, 0.5, 0.7, 0.9])),
        c(P, 0.5),
        c(SINGLE, np.float32(0.5)),
        c(ONE, np.float64(0.2)),
        c(P, np.array([0.0, 0.1, 0.2, 0.3, 0.4])),
    ],
    "chndtr": [c(P, 2.5, np.array([1.0, 2.0, 0.5, 3.0, 1.0]))],
    "stdtridf": [c(np.array([0.7, 0.8]), np.array([0.8, 1.2]))],
    "chdtriv": [c(np.array([0.3, 0.5]), np.array([2.0, 3.0]))],
    "gdtrib": [c(np.array([1.2, 0.8]), LEVELS, np.array([2.0, 1.0]))],
    "btdtria": [c(LEVELS, np.array([2.0, 1.5]), PLACES)],
    "btdtrib": [c(np.array([2.0, 1.5]), LEVELS, PLACES)],
    "gdtrix": [c(np.array([1.2, 0.8]), LEVELS, np.array([0.2, 0.1]))],
    "gdtria": [c(np.array([0.2, 0.8]), np.array([1.3, 0.4]), np.array([2.2, 1.0]))],
    "bdtri": [c(2, 6, PAIR)],
    "nbdtri": [c(2, 6, PAIR)],
    "pdtri": [c(2, PAIR)],
    "nrdtrimn": [c(PAIR, PAIR + 1, PAIR)],
    "nrdtrisd": [c(PAIR, PAIR, PAIR + 2)],
    "diric": [c(V, 5), c(PAIR, 4)],
}

A, B, D = square((3, 3)), fill((3, 3), "float64", 8), positive((3, 3))
C, S = square((3, 3), "complex128"), A + A.T
BANDS = np.array([[0.0, 1, 2, 1], [9, 8, 7, 6]])
LINALG: dict[str, list[Case]] = {
    "schur": [
        *[c(a) for a in [A, B, C, A.astype(np.float32), fill((4, 4), "float64", 21)]],
        c(B, output="complex"),
    ],
    "eigh": [
        *[c(D), c(D, driver="evr"), c(D.astype(np.float32)), c(D + 1j * (A - A.T))],
        *[c(D, subset_by_index=[0, 1]), c(D, subset_by_value=[0.0, 5.0]), c(D, eigvals_only=True)],
        *[c(np.stack([D, S + 9 * np.eye(3)])), c(np.stack([S, D]), np.stack([D, D + np.eye(3)]))],
        *[c(S, D, type=t, lower=u) for t in [1, 2, 3] for u in [True, False]],
        *[c(S, D, type=3, subset_by_index=[1, 2]), c(S, D, eigvals_only=True)],
    ],
    "eigvalsh": [c(D, subset_by_index=[1, 2]), c(S, D, type=3)],
    "eigvals": [c(A, D), c(A.astype(np.float32), D.astype(np.float32))],
    "null_space": [c(M)],
    "orth": [c(N), c(A)],
    **{
        f: [c(0.2 * B), c(D), c(0.3 * C)]
        for f in ["cosm", "sinm", "tanm", "coshm", "sinhm", "tanhm", "sqrtm", "logm"]
    },
    "signm": [c(D), c(A)],
    "fractional_matrix_power": [c(D, 0.5), c(A, np.float64(0.3)), c(A, 2), c(A, -1)],
    "polar": [c(A), c(M)],
    "solve_sylvester": [c(A, D, B)],
    "solve_continuous_lyapunov": [c(A, B)],
    "solve_discrete_lyapunov": [c(0.1 * A, B)],
    "orthogonal_procrustes": [c(A, B)],
    "solve_circulant": [c(V, fill((4,), "float64", 9))],
    "solve_toeplitz": [c(np.array([4.0, 1, 0.5]), W), c((np.array([4.0, 1, 0.5]), np.array([4.0, 2, 1])), W)],
    "matmul_toeplitz": [c(np.array([4.0, 1, 0.5]), W)],
    "cholesky_banded": [c(BANDS), c(BANDS[::-1, [1, 2, 3, 0]], lower=True)],
    "cho_solve_banded": [c((BANDS, False), V)],
    "eigvalsh_tridiagonal": [c(np.array([1.0, 2, 4, 8]), np.array([0.5, 0.3, 0.2]))],
    "khatri_rao": [c(A, B)],
    "companion": [c(V)],
    "convolution_matrix": [c(V, 3)],
    "leslie": [c(V, W)],
    "fiedler": [c(V)],
    "fiedler_companion": [c(V)],
    "diagsvd": [c(W, 3, 4)],
    "lstsq": [c(N, fill((4, 2), "float64", 3))],
    "pinvh": [c(D)],
}

X, TAPS, POLES = fill((9,), "float64", 3), np.array([0.2, 0.3, 0.1]), np.array([1.5, 0.4, 0.2])
SECTIONS = np.array([[0.2, 0.3, 0.1, 1, 0.4, 0.2], [0.5, 0.1, 0.2, 1, 0.1, 0.3]])
IMAGE, KERNEL, LONG = fill((4, 5), "float64", 6), fill((3, 2), "float64", 5), fill((30,), "float64", 1)
SIGNAL: dict[str, list[Case]] = {
    "lfilter": [
        *[c(TAPS, POLES, X), c(TAPS, POLES, fill((2, 9), "float64", 4)), c(TAPS, np.array([2.0]), X)],
        *[c(TAPS, POLES, fill((9, 2), "float64", 4), axis=0), c(TAPS, POLES, X, zi=np.array([0.3, 0.4]))],
        c(TAPS.astype(np.float32), POLES.astype(np.float32), X.astype(np.float32)),
    ],
    "lfilter_zi": [c(TAPS, POLES)],
    "filtfilt": [c(TAPS, POLES, LONG)],
    "upfirdn": [c(TAPS, X), c(TAPS, X, 3, 2)],
    "resample_poly": [c(X, 3, 2)],
    **{
        f: [c(IMAGE, KERNEL, m, b) for m in ["full", "same", "valid"] for b in ["fill", "symm", "wrap"]]
        for f in ["convolve2d", "correlate2d"]
    },
    **{f: [c(X, TAPS)] for f in ["convolve", "correlate", "fftconvolve", "oaconvolve"]},
    "detrend": [c(X)],
    "savgol_filter": [c(X, 5, 2)],
}
FFT: dict[str, list[Case]] = {
    **{
        f: [c(STACK, t, norm=m) for t in [1, 2, 3, 4] for m in [None, "ortho"]]
        + [c(STACK, 2, (3, 4), (0, 1))]
        for f in ["dctn", "idctn", "dstn", "idstn"]
    },
    **{f: [c(M + 1j), c(STACK + 1j, norm="ortho", axes=(1, 2))] for f in ["hfftn", "hfft2"]},
    **{f: [c(M), c(STACK, norm="ortho", axes=(1, 2))] for f in ["ihfftn", "ihfft2"]},
}
MODULES = {"special": SPECIAL, "linalg": LINALG, "signal": SIGNAL, "fft": FFT}
ROWS = {f"scipy.{m}.{f}": cases for m, rows in MODULES.items() for f, cases in rows.items()}

# What decides by values, or gives as much as values say, is no batch.
NO_BATCH = [
    "diric",
    "filtfilt",
    "lfilter_zi",
    "companion",
    "fiedler_companion",
    "fractional_matrix_power",
    "logm",
    "lstsq",
    "null_space",
    "orth",
    "orthogonal_procrustes",
    "signm",
    "solve_circulant",
    "sqrtm",
]
# A derivative keeps the phase of complex vectors, LAPACK its own.
PHASES = {"scipy.linalg.schur", "scipy.linalg.eigh"}


@pytest.mark.parametrize("name", ROWS)
def test_derivatives(name: str) -> None:
    failures = []
    for case in ROWS[name]:
        try:
            check(program_of(name, case), name.rpartition(".")[2] not in NO_BATCH)
        except Exception as error:  # every failing row is listed, not only the first
            if (
                name in PHASES
                and np.iscomplexobj(case[0][0])
                and re.search("^tangent: .*j is not", str(error))
            ):
                continue
            failures.append(f"{describe(case)}: {type(error).__name__} {str(error).strip()[:300]}")
    assert not failures, f"{len(failures)} of {len(ROWS[name])} rows\n" + "\n".join(failures)


def test_sections_are_constants() -> None:
    for x in (X, fill((2, 9), "float64", 4)):
        ours = lazy.jit(lambda x: scipy.signal.sosfilt(SECTIONS, x))(x)
        np.testing.assert_allclose(ours, scipy.signal.sosfilt(SECTIONS, x), rtol=1e-12)
        w = np.cos(np.arange(x.size)).reshape(x.shape)
        slope = lazy.grad(lambda x, w=w: np.sum(w * scipy.signal.sosfilt(SECTIONS, x)))(x)
        # A filter is its own transpose backwards.
        expected = scipy.signal.sosfilt(SECTIONS, w[..., ::-1])[..., ::-1]
        np.testing.assert_allclose(slope, expected, rtol=1e-10)


def _normal_densities() -> dict[str, Any]:
    stats, point, more = scipy.stats, W, np.stack([W, 2 * W])

    def symmetric(a: Any) -> Any:
        return 0.5 * (a + a.T)

    return {
        "lower triangle": lambda a: stats.multivariate_normal.logpdf(point, W, a),
        "points": lambda a: np.sum(stats.multivariate_normal.pdf(more, 0 * W, symmetric(a))),
        "entropy": lambda a: stats.multivariate_normal.entropy(0 * W, symmetric(a)),
        "frozen": lambda a: stats.multivariate_normal(0 * W, symmetric(a)).logpdf(point),
        "t": lambda a: stats.multivariate_t.logpdf(point, 0 * W, symmetric(a), 5),
        "matrix": lambda a: stats.matrix_normal.logpdf(more.T, rowcov=symmetric(a), colcov=np.eye(2)),
    }


@pytest.mark.parametrize("name", _normal_densities())
def test_densities_by_a_covariance_whose_eigenvalues_meet(name: str) -> None:
    f = _normal_densities()[name]
    for a in (D, np.eye(3), 0.1 + np.eye(3)):
        assert lazy.jit(f)(a) == pytest.approx(f(a), rel=1e-12)
        slope = lazy.grad(f)
        way, step = np.cos(np.arange(9.0)).reshape(3, 3), 1e-4
        for exact, g in (slope(a), f), (lazy.jacobian(slope)(a), slope):
            quotient = (np.asarray(g(a + step * way)) - g(a - step * way)) / (2 * step)
            np.testing.assert_allclose(np.tensordot(exact, way), quotient, rtol=1e-5, atol=1e-6)


def test_densities_of_a_singular_covariance() -> None:
    normal, a, x = scipy.stats.multivariate_normal, np.diag([1.0, 2.0, 0.0]), np.array([0.3, 0.1, 0.0])

    def density(x: Any, a: Any, allow: bool) -> Any:
        return normal.logpdf(x, np.zeros(3), a, allow_singular=allow)

    np.testing.assert_allclose(lazy.grad(lambda x: density(x, a, True))(x), [-0.3, -0.05, 0.0], atol=1e-12)
    for wrong, error in (a, np.linalg.LinAlgError), (-a, ValueError):
        with pytest.raises(error, match="must be symmetric positive"):
            lazy.jit(lambda a: density(x, a, False))(wrong)


def test_branches_of_the_square_root_and_the_logarithm() -> None:
    negative = np.diag([-1.0, 2.0, -3.0]) + 0.1 * B
    for f in (scipy.linalg.sqrtm, scipy.linalg.logm):
        jitted = lazy.jit(f)
        for a in (D, negative, -D):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                theirs = f(a)
            ours = jitted(a)
            assert ours.dtype == theirs.dtype
            np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    "f",
    [
        lambda v: special.struve(v, 1.0),
        lambda v: np.real(special.jv(v, 1.0 + 1j)),
        lambda a: special.hyperu(a, 2.0, 0.5),
        lambda v: special.pbdv(v, 0.5)[0],
    ],
)
def test_orders_are_refused(f: Any) -> None:
    with pytest.raises(lazy.NotDifferentiable, match="derivative"):
        lazy.grad(f)(1.5)


def test_compiled_code_is_called_unless_it_is_transformed() -> None:
    def loss(x: Any) -> Any:
        return np.sum(scipy.signal.lfilter(TAPS, POLES, x) ** 2)

    jitted = lazy.jit(loss)
    assert jitted(X) == loss(X)
    assert "= call(" in str(jitted.graph)
    slope = lazy.grad(loss)(X)
    for nested in (lazy.grad(jitted), lazy.jit(lambda x: lazy.grad(loss)(x))):
        np.testing.assert_array_equal(nested(X), slope)
    np.testing.assert_allclose(lazy.vmap(loss)(np.stack([X, 2 * X])), [loss(X), loss(2 * X)])
