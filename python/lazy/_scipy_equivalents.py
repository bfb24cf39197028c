"""SciPy's functions that end in compiled code, as NumPy code: see `lazy._equivalents`.

The tables are made when the module that they are of is loaded.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from lazy._equivalents import uncovered

Table = dict[Any, Callable[..., Any]]

# Kronecker products are of the square of this size.
_MAX_UNKNOWNS = 400


# -- scipy.linalg ------------------------------------------------------------------------------


def _lstsq(
    a: Any,
    b: Any,
    cond: Any = None,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    lapack_driver: Any = None,
) -> Any:
    if lapack_driver not in (None, "gelsd", "gelss"):
        uncovered(f"driver {lapack_driver!r}")
    a, b = np.asarray(a), np.asarray(b)
    if a.ndim != 2:
        uncovered("a batch of matrices")
    if cond is None:
        cond = np.finfo(np.result_type(a.dtype, b.dtype, np.float32)).eps
    x, _, rank, s = np.linalg.lstsq(a, b, rcond=cond)
    residuals = np.zeros(0, dtype=x.dtype)
    if a.shape[0] > a.shape[1] and rank == a.shape[1]:
        residuals = np.sum(np.abs(b - a @ x) ** 2, axis=0)
    return x, residuals, rank, s


def _pinvh(
    a: Any,
    atol: Any = None,
    rtol: Any = None,
    lower: bool = True,
    return_rank: bool = False,
    check_finite: bool = True,
) -> Any:
    a = np.asarray(a)
    if return_rank or a.ndim != 2:
        uncovered("its rank, or a batch of matrices")
    triangle = np.tril(a) if lower else np.triu(a)
    whole = triangle + np.conj(triangle - np.diag(np.diag(a))).T
    largest = np.max(np.abs(np.linalg.eigvalsh(whole)))
    rtol = a.shape[0] * np.finfo(a.dtype).eps if rtol is None else rtol
    share = rtol if atol is None else rtol + atol / largest
    return np.linalg.pinv(whole, rcond=share, hermitian=True)


def _eig(
    a: Any,
    b: Any = None,
    left: bool = False,
    right: bool = True,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    homogeneous_eigvals: bool = False,
) -> Any:
    if b is not None or left or homogeneous_eigvals:
        uncovered("generalized eigenvalues, or left eigenvectors")
    w, v = np.linalg.eig(a)
    w = w.astype(np.result_type(w.dtype, np.complex64))
    return (w, v) if right else w


def _eigvals(
    a: Any,
    b: Any = None,
    overwrite_a: bool = False,
    check_finite: bool = True,
    homogeneous_eigvals: bool = False,
) -> Any:
    return _eig(a, b, right=False, homogeneous_eigvals=homogeneous_eigvals)


def _solve_sylvester(a: Any, b: Any, q: Any) -> Any:
    """``a x + x b = q``, row by row one system."""
    a, b, q = np.asarray(a), np.asarray(b), np.asarray(q)
    n, m = q.shape
    if n * m > _MAX_UNKNOWNS:
        uncovered(f"more than {_MAX_UNKNOWNS} unknowns")
    system = np.kron(a, np.eye(m)) + np.kron(np.eye(n), b.T)
    return np.linalg.solve(system, q.reshape(-1)).reshape(q.shape)


def _solve_lyapunov(a: Any, q: Any) -> Any:
    return _solve_sylvester(a, np.conj(a).T, q)


def _tridiagonal(d: Any, e: Any) -> Any:
    return np.diag(d) + np.diag(e, 1) + np.diag(e, -1)


def _eigvalsh_tridiagonal(
    d: Any,
    e: Any,
    select: str = "a",
    select_range: Any = None,
    check_finite: bool = True,
    tol: float = 0.0,
    lapack_driver: str = "auto",
) -> Any:
    if select not in ("a", "all"):
        uncovered("some of the eigenvalues")
    return np.linalg.eigvalsh(_tridiagonal(d, e))


def _banded(bands: Any, lower: bool) -> Any:
    """The symmetric matrix whose bands are given."""
    bands = np.asarray(bands)
    below = bands if lower else bands[::-1]
    whole = np.diag(below[0])
    for k in range(1, below.shape[0]):
        band = below[k, :-k] if lower else below[k, k:]
        whole = whole + np.diag(band, -k) + np.diag(np.conj(band), k)
    return whole if lower or bands.dtype.kind != "c" else np.conj(whole)


def _eigvals_banded(
    a_band: Any,
    lower: bool = False,
    overwrite_a_band: bool = False,
    select: str = "a",
    select_range: Any = None,
    check_finite: bool = True,
) -> Any:
    if select not in ("a", "all"):
        uncovered("some of the eigenvalues")
    return np.linalg.eigvalsh(_banded(a_band, lower))


def _linalg() -> Table:
    module = sys.modules["scipy.linalg"]
    return {
        module.lstsq: _lstsq,
        module.pinvh: _pinvh,
        module.eig: _eig,
        module.eigvals: _eigvals,
        module.solve_sylvester: _solve_sylvester,
        module.solve_continuous_lyapunov: _solve_lyapunov,
        module.eigvalsh_tridiagonal: _eigvalsh_tridiagonal,
        module.eigvals_banded: _eigvals_banded,
    }


# -- scipy.special -----------------------------------------------------------------------------


def _half_order(function: str, sign: int) -> Callable[..., Any]:
    """Spherical Bessel functions by those of half-integer order; `sign` is that of the recurrence."""

    def spherical(n: Any, z: Any, derivative: bool = False) -> Any:
        from scipy import special

        def of(n: Any) -> Any:
            return np.sqrt(np.pi / (2 * z)) * getattr(special, function)(n + 0.5, z)

        if not isinstance(n, int):
            uncovered("an order that is an array")
        z = np.asarray(z)[()]
        if not derivative:
            return of(n)
        # The derivative by the functions of one order more.
        return n / z * of(n) + sign * of(n + 1)

    return spherical


def _hankel(sign: int) -> Callable[..., Any]:
    def hankel(v: Any, z: Any, out: Any = None) -> Any:
        from scipy import special

        if out is not None or np.iscomplexobj(z):
            uncovered("complex arguments")
        return special.jv(v, z) + sign * 1j * special.yv(v, z)

    return hankel


def _yve(v: Any, z: Any, out: Any = None) -> Any:
    from scipy import special

    if out is not None or np.iscomplexobj(z):
        uncovered("complex arguments")
    return special.yv(v, z)


def _voigt_profile(x: Any, sigma: Any, gamma: Any, out: Any = None) -> Any:
    from scipy import special

    if out is not None:
        uncovered("out=")
    scale = sigma * np.sqrt(2.0)
    return np.real(special.wofz((x + 1j * gamma) / scale)) / (scale * np.sqrt(np.pi))


def _agm(a: Any, b: Any, out: Any = None) -> Any:
    from scipy import special

    if out is not None:
        uncovered("out=")
    return np.pi / 4 * (a + b) / special.ellipk(((a - b) / (a + b)) ** 2)


def _polynomial(first: Callable[..., Any], step: Callable[..., Any]) -> Callable[..., Any]:
    """A family of orthogonal polynomials: that of degree 1, and a step of its recurrence."""

    def value(n: Any, *parameters: Any) -> Any:
        if not isinstance(n, int) or not 0 <= n <= 64:
            uncovered("a degree that is no small integer")
        *shape, x = parameters
        x = np.asarray(x)[()]
        before, now = np.ones_like(x), first(x, *shape)
        if n == 0:
            return before
        for k in range(1, n):
            before, now = now, step(k, x, now, before, *shape)
        return now

    return value


_POLYNOMIALS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "eval_legendre": (lambda x: x, lambda k, x, p, q: ((2 * k + 1) * x * p - k * q) / (k + 1)),
    "eval_chebyt": (lambda x: x, lambda k, x, p, q: 2 * x * p - q),
    "eval_chebyu": (lambda x: 2 * x, lambda k, x, p, q: 2 * x * p - q),
    "eval_hermite": (lambda x: 2 * x, lambda k, x, p, q: 2 * x * p - 2 * k * q),
    "eval_hermitenorm": (lambda x: x, lambda k, x, p, q: x * p - k * q),
    "eval_laguerre": (lambda x: 1 - x, lambda k, x, p, q: ((2 * k + 1 - x) * p - k * q) / (k + 1)),
    "eval_genlaguerre": (
        lambda x, a: 1 + a - x,
        lambda k, x, p, q, a: ((2 * k + 1 + a - x) * p - (k + a) * q) / (k + 1),
    ),
    "eval_gegenbauer": (
        lambda x, a: 2 * a * x,
        lambda k, x, p, q, a: (2 * x * (k + a) * p - (k + 2 * a - 1) * q) / (k + 1),
    ),
    "eval_jacobi": (
        lambda x, a, b: (a + 1) + (a + b + 2) * (x - 1) / 2,
        lambda k, x, p, q, a, b: _jacobi_step(k, 2 * k + a + b, x, p, q, a, b),
    ),
}


def _jacobi_step(k: int, c: Any, x: Any, p: Any, q: Any, a: Any, b: Any) -> Any:
    middle = (c + 1) * ((c + 2) * c * x + a * a - b * b)
    return (middle * p - 2 * (k + a) * (k + b) * (c + 2) * q) / (2 * (k + 1) * (k + a + b + 1) * c)


# Densities that `scipy.stats` has of Boost, by their logarithms.


def _beta_pdf(x: Any, a: Any, b: Any) -> Any:
    from scipy import special

    log = special.xlogy(a - 1.0, x) + special.xlog1py(b - 1.0, -np.asarray(x)[()])
    return np.exp(log - special.betaln(a, b))


def _binom_pmf(k: Any, n: Any, p: Any) -> Any:
    from scipy import special

    ways = special.gammaln(n + 1.0) - special.gammaln(k + 1.0) - special.gammaln(n - k + 1.0)
    return np.exp(ways + special.xlogy(k, p) + special.xlog1py(n - k, -p))


def _nbinom_pmf(k: Any, n: Any, p: Any) -> Any:
    from scipy import special

    ways = special.gammaln(n + k) - special.gammaln(k + 1.0) - special.gammaln(n)
    return np.exp(ways + special.xlogy(n, p) + special.xlog1py(k, -p))


_DENSITIES = {"_beta_pdf": _beta_pdf, "_binom_pmf": _binom_pmf, "_nbinom_pmf": _nbinom_pmf}


def _special() -> Table:
    module = sys.modules["scipy.special"]
    compiled = sys.modules["scipy.special._ufuncs"]
    return {
        module.spherical_yn: _half_order("yv", -1),
        module.spherical_in: _half_order("iv", 1),
        module.spherical_kn: _half_order("kv", -1),
        module.hankel1: _hankel(1),
        module.hankel2: _hankel(-1),
        module.yve: _yve,
        module.voigt_profile: _voigt_profile,
        module.agm: _agm,
        module.exp2: lambda x: np.exp2(x),
        module.cotdg: lambda x: 1 / module.tandg(x),
        module.round: lambda x: np.rint(x),
        **{getattr(compiled, name): f for name, f in _DENSITIES.items() if hasattr(compiled, name)},
        **{getattr(module, name): _polynomial(*parts) for name, parts in _POLYNOMIALS.items()},
    }


# -- scipy.signal ------------------------------------------------------------------------------


def _correlate_nd(a: Any, b: Any, out: Any, mode: int) -> Any:
    """``sum(a[i + k] * conj(b[k]))``; unless all of ``b`` is inside, ``a`` has zeros behind it already."""
    rank, kernel = a.ndim, b.shape
    if mode != 0:
        a = np.pad(a, [(n - 1, 0) for n in kernel])
    windows = np.lib.stride_tricks.sliding_window_view(a, kernel)
    full = np.tensordot(windows, np.conj(b), axes=(list(range(rank, 2 * rank)), list(range(rank))))
    if mode == 1:
        # The middle of the full correlation.
        for axis, n in enumerate(kernel):
            full = np.moveaxis(np.moveaxis(full, axis, 0)[(n - 1) // 2 :][: out.shape[axis]], 0, axis)
    return full.astype(out.dtype)


def _signal() -> Table:
    module = sys.modules["scipy.signal._signaltools"]
    return {module._sigtools._correlateND: _correlate_nd}


# -- scipy.ndimage -----------------------------------------------------------------------------

# `np.pad` by the codes of `scipy.ndimage._ni_support._extend_mode_to_code`.
_EXTENSIONS = {0: "edge", 1: "wrap", 2: "symmetric", 3: "reflect", 4: "constant"}


def _lines(x: Any, before: int, after: int, axis: int, mode: int, cval: Any) -> Any:
    """The array with ``axis`` last, and elements added at its ends as the filters see them."""
    if mode not in _EXTENSIONS:
        uncovered("a mode of interpolation")
    lines = np.moveaxis(np.asarray(x), axis, -1)
    if mode == 3 and lines.shape[-1] == 1:
        uncovered("the reflection of a single element")
    widths = [(0, 0)] * (lines.ndim - 1) + [(before, after)]
    if mode == 4:
        return np.pad(lines, widths, constant_values=cval)
    return np.pad(lines, widths, mode=_EXTENSIONS[mode])  # type: ignore[call-overload]


def _correlate1d(x: Any, weights: Any, axis: int, output: Any, mode: int, cval: Any, origin: int) -> None:
    """``sum(x[i - n // 2 - origin + k] * weights[k])`` along an axis."""
    size, count = len(weights), x.shape[axis]
    before = size // 2 + origin
    if output.dtype.kind != "f" or x.dtype.kind == "c":
        uncovered("integers, which are rounded, or complex numbers")
    lines = _lines(x.astype(float), before, size - 1 - before, axis, mode, cval)
    result = lines[..., :count] * weights[0]
    for k in range(1, size):
        result = result + lines[..., k : k + count] * weights[k]
    output[...] = np.moveaxis(result, -1, axis)


def _uniform_filter1d(x: Any, size: int, axis: int, output: Any, mode: int, cval: Any, origin: int) -> None:
    _correlate1d(x, np.full(size, 1.0 / size), axis, output, mode, cval, origin)


def _ndimage() -> Table:
    module = sys.modules["scipy.ndimage._filters"]._nd_image
    return {module.correlate1d: _correlate1d, module.uniform_filter1d: _uniform_filter1d}


TABLES: dict[str, Callable[[], Table]] = {
    "scipy.ndimage._filters": _ndimage,
    "scipy.linalg": _linalg,
    "scipy.special": _special,
    "scipy.signal._signaltools": _signal,
}
