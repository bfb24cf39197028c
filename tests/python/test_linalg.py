"""Decompositions, systems and transforms: derivatives to second order, their source, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.fft
import scipy.linalg

import lazy

RNG = np.random.default_rng(0)


def matrices(*shape: int) -> np.ndarray:
    """Inverses, eigenvalues and singular values exist and are well apart."""
    x = RNG.normal(size=shape)
    n = min(shape[-2:])
    x[..., range(n), range(n)] += 2.0 * np.arange(1, n + 1)
    return x


def parts(z: Any) -> Any:
    return (z.real, z.imag) if np.iscomplexobj(z) else z


B = RNG.normal(size=(4, 4)) / 4
A3 = matrices(3, 3)
LA, SL, F, SF = np.linalg, scipy.linalg, np.fft, scipy.fft
SQUARE = [matrices(4, 4), matrices(1, 1)]
STACKS = [matrices(3, 3), matrices(2, 3, 3)]
RECTANGLES = [matrices(4, 4), matrices(5, 3), matrices(3, 5), matrices(2, 4, 3)]


def positive(a: np.ndarray) -> np.ndarray:
    return a @ a.T + 3 * np.eye(len(a))


def lu_solved(a: np.ndarray) -> Any:
    factors = SL.lu_factor(a)
    return SL.lu_solve(factors, np.arange(4.0)), SL.lu_solve(factors, np.ones((4, 2)), trans=1)


def gaussian_process(a: np.ndarray) -> Any:
    k = positive(a)
    sign, size = LA.slogdet(k)
    return np.ones(4) @ LA.solve(k, np.ones(4)) + sign * size


def by_factor(a: np.ndarray) -> Any:
    factor = SL.cho_factor(positive(a), lower=True)
    return SL.cho_solve(factor, np.arange(4.0)), np.log(np.diag(factor[0])).sum()


Case = tuple[Callable[..., Any], list[np.ndarray]]
CASES: dict[str, Case] = {
    "solve": (lambda a: LA.solve(a, np.arange(3.0)), STACKS),
    "solve for b": (lambda b: LA.solve(A3, b), [RNG.normal(size=3), RNG.normal(size=(3, 2))]),
    "inv": (LA.inv, STACKS),
    "det": (LA.det, STACKS),
    "slogdet": (lambda a: LA.slogdet(a)[1], STACKS),
    "cholesky": (lambda a: LA.cholesky(positive(a)), SQUARE),
    "cholesky of a triangle": (LA.cholesky, [positive(matrices(3, 3))]),
    "cholesky upper": (lambda a: LA.cholesky(a, upper=True), [positive(matrices(3, 3))]),
    "qr": (lambda a: tuple(LA.qr(a)), RECTANGLES),
    "qr r": (lambda a: LA.qr(a, mode="r"), RECTANGLES),
    "qr complete r": (lambda a: LA.qr(a, mode="complete")[1], [matrices(5, 3)]),
    "svd": (lambda a: tuple(LA.svd(a, full_matrices=False)), RECTANGLES),
    "svd s": (lambda a: LA.svd(a)[1], RECTANGLES),
    "svdvals": (LA.svdvals, RECTANGLES),
    "eigh": (lambda a: tuple(LA.eigh(a)), STACKS),
    "eigh upper": (lambda a: tuple(LA.eigh(a, UPLO="U")), STACKS),
    "eigvalsh": (LA.eigvalsh, STACKS),
    "eigh function": (lambda a: (lambda w, v: (v * np.sin(w)) @ v.T)(*LA.eigh(a + a.T)), SQUARE),
    "eig": (lambda a: tuple(LA.eig(a)), [np.diag([1.0, 3.0, 6.0]) + RNG.normal(size=(3, 3)) / 9]),
    "eigvals": (LA.eigvals, [np.diag([1.0, 3.0, 6.0]) + RNG.normal(size=(3, 3)) / 9]),
    "eigvals of a rotation": (lambda a: parts(LA.eigvals(a)), [np.array([[1.0, -2.0], [3.0, 1.5]])]),
    "eig complex": (lambda a: [parts(x) for x in LA.eig(a + 1j * B)][1], [matrices(4, 4)]),
    "pinv": (LA.pinv, [matrices(4, 3), matrices(3, 4)]),
    "lstsq": (lambda a: LA.lstsq(a, np.ones(len(a)))[0], [matrices(4, 3), matrices(3, 4)]),
    "lstsq residuals": (lambda a: LA.lstsq(a, np.ones(len(a)))[1], [matrices(4, 3)]),
    "matrix_power": (lambda a: (LA.matrix_power(a / 4, 5), LA.matrix_power(a, -2)), SQUARE),
    "cond": (lambda a: tuple(LA.cond(a, p) for p in [None, -2, 1, np.inf, "fro"]), [matrices(4, 4)]),
    "norm": (lambda a: tuple(LA.norm(a, o) for o in [None, 2, -2, "nuc", 1, np.inf]), [matrices(4, 3)]),
    "tensorsolve": (lambda a: LA.tensorsolve(a, np.ones((2, 3))), [matrices(6, 6).reshape(2, 3, 6)]),
    "tensorinv": (lambda a: LA.tensorinv(a, 1), [matrices(6, 6).reshape(6, 2, 3)]),
    "complex qr": (lambda a: parts(LA.qr(a + 1j * B)[0]), [matrices(4, 4)]),
    "complex svd": (lambda a: (lambda u, s, v: parts((u * s**2) @ v))(*LA.svd(a + 1j * B)), [matrices(4, 4)]),
    "complex cholesky": (
        lambda a: parts(LA.cholesky((a + 1j * B) @ (a + 1j * B).conj().T + np.eye(4))),
        [matrices(4, 4)],
    ),
    "gaussian process": (gaussian_process, [matrices(4, 4)]),
    "scipy solve": (lambda a: SL.solve(positive(a), np.ones((4, 2)), assume_a="pos"), [matrices(4, 4)]),
    "scipy triangular": (
        lambda a: (
            SL.solve_triangular(a, np.ones(4), lower=True, trans=1),
            SL.solve_triangular(a, np.ones((4, 2))),
        ),
        [matrices(4, 4)],
    ),
    "scipy cho_solve": (by_factor, [matrices(4, 4)]),
    "scipy lu_solve": (lu_solved, [matrices(4, 4)]),
    "scipy lu": (lambda a: SL.lu(a)[1:], [matrices(4, 4)]),
    "scipy qr": (lambda a: SL.qr(a, mode="economic"), [matrices(4, 3)]),
    "scipy eigh": (lambda a: SL.eigvalsh(a + a.T, positive(B)), [matrices(4, 4)]),
    "scipy expm": (SL.expm, [B.copy(), 5 * B]),
    "scipy expm_frechet": (lambda a: SL.expm_frechet(a, B), [B.T.copy()]),
    "scipy pinv": (SL.pinv, [matrices(4, 3)]),
    "scipy block_diag": (lambda a: SL.block_diag(a, a[0], 2 * a), [matrices(2, 2)]),
    "scipy toeplitz": (lambda a: (SL.toeplitz(a), SL.hankel(a, a**2), SL.circulant(a)), [RNG.normal(size=4)]),
    "scipy banded": (lambda a: SL.solve_banded((1, 1), a, np.ones(4)), [np.array([[0, 9, 0]]).T + B[:3]]),
    **{
        f"{name} {n}": (lambda a, name=name, n=n: parts(getattr(F, name)(a, n, norm="ortho")), [B[0], B[:3]])
        for name in ["fft", "ifft", "rfft", "ihfft", "irfft", "hfft"]
        for n in [None, 3, 7]
    },
    **{
        name: (lambda a, name=name: parts(getattr(F, name)(a)), [B[:3]])
        for name in ["fft2", "rfft2", "irfftn", "ifftn"]
    },
    "fftshift": (lambda a: F.ifftshift(F.fftshift(a) ** 2, axes=0), [B[:3]]),
    **{
        f"{name} {k}": (lambda a, name=name, k=k: getattr(SF, name)(a, k, norm="ortho"), [B[0], B[:3]])
        for name in ["dct", "idct", "dst", "idst"]
        for k in [1, 2, 3, 4]
    },
}


def flat(out: Any) -> list[Any]:
    return [np.asarray(x) for x in out] if isinstance(out, (tuple, list)) else [np.asarray(out)]


def slope(f: Callable[[np.ndarray], Any], x: np.ndarray, t: np.ndarray) -> Any:
    """A central difference, extrapolated once."""

    def quotient(h: float) -> Any:
        return (f(x + h * t) - f(x - h * t)) / (2 * h)

    return (4 * quotient(1e-4) - quotient(2e-4)) / 3


@pytest.mark.parametrize("name", CASES)
def test_values_and_derivatives(name: str) -> None:
    f, points = CASES[name]
    for x in points:
        ours, theirs = flat(lazy.jit(f)(x)), flat(f(x))
        for a, b in zip(ours, theirs, strict=True):
            assert (a.dtype, a.shape) == (b.dtype, b.shape)
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)
        weights = [np.random.default_rng(1).normal(size=np.shape(o)) for o in theirs]

        def loss(x: np.ndarray, f: Any = f, weights: Any = weights) -> Any:
            out = f(x)
            out = out if isinstance(out, (tuple, list)) else (out,)
            total = 0.0
            for w, o in zip(weights, out, strict=False):
                total = total + np.sum(w * o**2)
            return total

        t = np.random.default_rng(2).normal(size=x.shape)
        gradient = lazy.grad(loss)
        np.testing.assert_allclose(np.sum(gradient(x) * t), slope(loss, x, t), rtol=1e-6, atol=1e-7)
        second = lazy.grad(lambda x, g=gradient, t=t: np.sum(g(x) * t))
        expected = slope(gradient, x, t)
        np.testing.assert_allclose(second(x), expected, rtol=1e-5, atol=1e-6 * max(1, np.abs(expected).max()))


@pytest.mark.parametrize("name", CASES)
def test_the_source_of_a_gradient_computes_it(name: str) -> None:
    f, points = CASES[name]
    x = points[0]

    def loss(x: np.ndarray) -> Any:
        out = f(x)
        out = out if isinstance(out, (tuple, list)) else (out,)
        total = 0.0
        for o in out:
            total = total + np.sum(o**2)
        return total

    gradient = lazy.grad(loss)
    expected = gradient(x)
    scale = max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(gradient.python_for(x)(x), expected, rtol=1e-9, atol=1e-9 * scale)


def test_numpys_own_bits() -> None:
    """The evaluator calls the LAPACK and the FFT that NumPy calls."""
    a = matrices(7, 7)
    for f in [LA.inv, LA.det, LA.cholesky, LA.qr, LA.svd, LA.eigh, F.fft, F.rfft]:
        x = positive(a) if f is LA.cholesky else a
        for ours, theirs in zip(flat(lazy.jit(lambda x, f=f: f(x))(x)), flat(f(x)), strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("f", "x", "message"),
    [
        (LA.inv, np.ones((2, 2)), "Singular matrix"),
        (LA.cholesky, -np.eye(2), "Matrix is not positive definite"),
        (LA.eigvals, np.full((2, 2), np.nan), "Array must not contain infs or NaNs"),
        (LA.inv, np.ones((2, 3)), "Last 2 dimensions of the array must be square"),
    ],
)
def test_errors_are_numpys(f: Any, x: np.ndarray, message: str) -> None:
    for call in [f, lazy.jit(lambda x: f(x))]:
        with pytest.raises(LA.LinAlgError, match=message):
            call(x)


@pytest.mark.parametrize("columns", [lambda a: LA.qr(a, mode="complete")[0], lambda a: LA.svd(a)[0]])
def test_what_does_not_depend_on_a_choice_of_columns(columns: Any) -> None:
    """The projection to what is orthogonal to a matrix, by columns that are not unique."""
    a = matrices(5, 2)
    w = np.arange(25.0).reshape(5, 5)

    def by_columns(a: Any) -> Any:
        others = columns(a)[:, 2:]
        return np.sum(w * (others @ others.T))

    def directly(a: Any) -> Any:
        return np.sum(w * (np.eye(5) - a @ LA.solve(a.T @ a, a.T)))

    np.testing.assert_allclose(lazy.grad(by_columns)(a), lazy.grad(directly)(a), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(lazy.hessian(by_columns)(a), lazy.hessian(directly)(a), rtol=1e-8, atol=1e-7)


def test_vectors_of_equal_eigenvalues_have_no_derivative() -> None:
    assert np.isnan(lazy.grad(lambda a: LA.eigh(a)[1][0, 0])(np.eye(2))).any()
    # Their values have.
    np.testing.assert_array_equal(lazy.grad(lambda a: LA.eigvalsh(a).sum())(np.eye(2)), np.eye(2))


def test_norm_at_zero() -> None:
    np.testing.assert_array_equal(lazy.grad(lambda x: LA.norm(x) ** 2)(np.zeros(3)), np.zeros(3))
    np.testing.assert_array_equal(lazy.grad(lambda x: LA.norm(x))(np.zeros(3)), np.zeros(3))


def test_decisions_follow_the_values() -> None:
    values = lazy.jit(LA.eigvals)
    for a in [np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[0.0, -1.0], [1.0, 0.0]]), np.eye(2)]:
        ours, theirs = values(a), LA.eigvals(a)
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
    solved = lazy.jit(lambda a: LA.lstsq(a, np.ones(3))[1])
    for a in [matrices(3, 2), np.ones((3, 2))]:
        assert solved(a).shape == LA.lstsq(a, np.ones(3))[1].shape


def symmetric(a):
    return (a + a.T) / 2


SCIPY = {
    "lstsq": (lambda a, b: SL.lstsq(a, b[:, 0])[:2], [(5, 3), (5, 2)]),
    "pinvh": (lambda a: SL.pinvh(symmetric(a)), [(3, 3)]),
    "eigvals": (lambda a: SL.eigvals(a + np.diag([1.0, 5.0, 9.0])), [(3, 3)]),
    "eig": (lambda a: np.abs(SL.eig(a + np.diag([1.0, 5.0, 9.0]))[1]), [(3, 3)]),
    "sylvester": (SL.solve_sylvester, [(3, 3), (2, 2), (3, 2)]),
    "lyapunov": (SL.solve_continuous_lyapunov, [(3, 3), (3, 3)]),
    "tridiagonal": (SL.eigvalsh_tridiagonal, [(4,), (3,)]),
    "banded": (lambda bands: SL.eigvals_banded(bands, lower=True), [(2, 4)]),
    "banded above": (SL.eigvals_banded, [(3, 4)]),
}


@pytest.mark.parametrize("name", SCIPY)
def test_scipys_lapack_as_numpy(name):
    f, shapes = SCIPY[name]
    rng = np.random.default_rng(4)
    arguments = tuple(rng.normal(size=shape) for shape in shapes)
    theirs, ours = f(*arguments), lazy.jit(f)(*arguments)
    for u, t in zip(ours, theirs, strict=True):
        assert u.dtype == t.dtype
        np.testing.assert_allclose(u, t, rtol=1e-10, atol=1e-12)
    assert "plain Python" not in lazy.explain(f, *arguments)
    assert lazy.check_grad(lambda *a: [np.real(x) for x in f(*a)], *arguments, rtol=1e-6)


def test_results_of_decompositions_have_fields():
    a = np.random.default_rng(5).normal(size=(4, 3))
    square = a.T @ a
    for f in (np.linalg.svd, np.linalg.qr):
        assert type(lazy.jit(f)(a)) is type(f(a))
    for f in (np.linalg.eig, np.linalg.eigh, np.linalg.slogdet):
        assert type(lazy.jit(f)(square)) is type(f(square))
    gradient = lazy.grad(lambda s: np.linalg.slogdet(s).logabsdet)(square)
    np.testing.assert_allclose(gradient, np.linalg.inv(square).T)
    whole = lazy.grad(lambda s: np.sum(np.linalg.eigh(s).eigenvalues))(square)
    np.testing.assert_allclose(whole, np.eye(3), atol=1e-12)
