"""SciPy's functions that end in compiled code, as NumPy code: see `lazy._equivalents`.

The tables are made when the module that they are of is loaded.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from lazy import _special_rules
from lazy._custom import call_for_each, with_jvp
from lazy._equivalents import uncovered, unless_transformed

Table = dict[Any, Callable[..., Any]]


def _transformed(table: Table) -> Table:
    """What SciPy's own code is faster than, unless it is transformed."""
    return {function: unless_transformed(function, code) for function, code in table.items()}


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
    rank = int(rank)
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
    if left or homogeneous_eigvals or (right and b is not None):
        uncovered("vectors of a pair of matrices, or left ones")
    if b is not None:
        return _generalised_values(np.asarray(a), np.asarray(b))
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


def _schur_turn(t: Any, moved: Any) -> Any:
    """The generator ``w`` of the turn of Schur vectors: ``moved - w t + t w`` has the form of ``t``.

    Its lower triangle is the solution of a linear system. What is zero in ``t`` stays zero; of a block of two
    conjugate eigenvalues the diagonal stays equal, as LAPACK has it.
    """
    n = t.shape[0]
    at = np.arange(n * n).reshape(n, n)
    lower = (at // n > at % n).reshape(-1)
    system = np.kron(np.eye(n), t.T) - np.kron(t, np.eye(n))
    right = moved.reshape(-1)
    if t.dtype.kind == "f":
        system = system - system[:, at.T.reshape(-1)]
        below, first, second = at.diagonal(-1), at.diagonal()[:-1], at.diagonal()[1:]
        block = np.diagonal(t, -1) != 0
        system[below] = np.where(block[:, None], system[first] - system[second], system[below])
        right = right.copy()
        right[below] = np.where(block, right[first] - right[second], right[below])
    system = np.where(lower[:, None] & lower, system, np.eye(n * n, dtype=t.dtype))
    turn = np.linalg.solve(system, np.where(lower, right, 0)).reshape(n, n)
    return turn - np.conj(turn).T


def _schur_form(a: Any, output: str) -> Any:
    def value(a: Any) -> Any:
        return call_for_each(sys.modules["scipy.linalg"].schur, (a,), {"output": output})

    def rule(primals: Any, tangents: Any) -> Any:
        t, z = _schur_form(primals[0], output)
        moved = np.conj(z).T @ tangents[0] @ z
        turn = _schur_turn(t, moved)
        free = moved - turn @ t + t @ turn
        return (t, z), (np.where(np.tril(t == 0, -1), 0, free), z @ turn)

    return with_jvp(value, rule, (), (a,))


def _schur(
    a: Any,
    output: str = "real",
    lwork: Any = None,
    overwrite_a: bool = False,
    sort: Any = None,
    check_finite: bool = True,
) -> Any:
    a = np.asarray(a)
    if sort is not None or a.ndim != 2 or a.shape[0] ** 2 > _MAX_UNKNOWNS:
        uncovered(f"sorted eigenvalues, a batch, or more than {_MAX_UNKNOWNS} numbers")
    a = a.astype(np.result_type(a.dtype, np.float32 if a.dtype.kind in "fc" else np.float64))
    if output in ("complex", "c"):
        a = a.astype(np.result_type(a.dtype, np.complex64))
    return _schur_form(a, output)


def _fractional_power(A: Any, t: Any) -> Any:
    linalg = sys.modules["scipy.linalg"]
    A = np.asarray(A)
    if isinstance(t, int):
        return np.linalg.matrix_power(A, t)
    power = linalg.expm(t * linalg.logm(A.astype(np.result_type(A.dtype, np.complex64))))
    if np.iscomplexobj(A):
        return power
    # SciPy gives real numbers where all eigenvalues have real logarithms.
    values = np.linalg.eigvals(A)
    return np.real(power) if np.isrealobj(values) and np.all(values >= 0) else power


def _signm(A: Any, disp: Any = None) -> Any:
    A = np.asarray(A)
    if disp is not None or A.ndim != 2:
        uncovered("an estimate of the error, or a batch")
    return A @ np.linalg.inv(sys.modules["scipy.linalg"].sqrtm(A @ A))


def _adjoint(a: Any) -> Any:
    return np.conj(np.swapaxes(a, -1, -2))


def _triangle(a: Any, lower: bool) -> Any:
    """The Hermitian matrix that one triangle means."""
    kept = np.tril(a) if lower else np.triu(a)
    strict = np.tril(a, -1) if lower else np.triu(a, 1)
    return kept + _adjoint(strict)


def _move_pairs(some: Any, every: Any, by_a: Any, by_metric: Any, first: Any) -> Any:
    """The tangents of eigenvalues and vectors of ``a v = w metric v``, where ``v^H metric v`` is 1.

    They are of the pairs in ``some``, which are those of ``every`` from number ``first`` on; without a metric
    ``by_metric`` is None.
    """
    (w, v), (values, vectors) = some, every
    same = np.arange(values.shape[-1])[:, None] == first + np.arange(w.shape[-1])
    row = w[..., None, :]
    moved, own = by_a @ v, 0.0
    if by_metric is not None:
        length = by_metric @ v
        moved, own = moved - length * row, -0.5 * _adjoint(vectors) @ length
    gaps = np.where(same, 1.0, row - values[..., :, None])
    mix = np.where(same, own, _adjoint(vectors) @ moved / gaps)
    return np.real(np.sum(np.conj(v) * moved, axis=-2)), vectors @ mix


def _eigh(
    a: Any,
    b: Any = None,
    *,
    lower: bool = True,
    eigvals_only: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    type: int = 1,
    check_finite: bool = True,
    subset_by_index: Any = None,
    subset_by_value: Any = None,
    driver: Any = None,
) -> Any:
    """SciPy's own values, under the rule of ``a v = w metric v``, to which the other types are brought."""
    a = np.asarray(a)
    if a.ndim < 2 or (a.ndim > 2 and subset_by_value is not None):
        uncovered("no matrix, or as many vectors of each as values say")
    dtype = np.result_type(a.dtype, np.float64 if a.dtype.kind in "biu" else np.float32)
    if b is not None:
        dtype = np.result_type(dtype, np.asarray(b).dtype)
    matrices = (a.astype(dtype),) if b is None else (a.astype(dtype), np.asarray(b).astype(dtype))
    subset = {"subset_by_index": subset_by_index, "subset_by_value": subset_by_value, "driver": driver}

    def solved(given: Any, options: dict[str, Any]) -> Any:
        function = sys.modules["scipy.linalg"].eigh
        return call_for_each(function, given, {"lower": lower, "type": type, **options})

    def ruled(given: Any, options: dict[str, Any]) -> Any:
        def value(*given: Any) -> Any:
            return solved(given, options)

        def rule(primals: Any, tangents: Any) -> Any:
            some, every = ruled(primals, options), ruled(primals, {})
            first = 0
            if options.get("subset_by_index") is not None:
                first = options["subset_by_index"][0]
            elif options.get("subset_by_value") is not None:
                first = np.sum(every[0] <= options["subset_by_value"][0])
            whole = [_triangle(x, lower) for x in primals]
            moves = [_triangle(x, lower) for x in tangents]
            by_a, by_metric = moves[0], None if b is None else moves[1]
            if b is not None and type == 2:
                # a b v = w v, times b from the left.
                side = moves[1] @ whole[0] @ whole[1]
                by_a = side + _adjoint(side) + whole[1] @ moves[0] @ whole[1]
            elif b is not None and type == 3:
                # b a v = w v, times the inverse of b from the left.
                inverse = np.linalg.inv(whole[1])
                by_metric = -inverse @ moves[1] @ inverse
            return some, _move_pairs(some, every, by_a, by_metric, first)

        return with_jvp(value, rule, (), given)

    w, v = ruled(matrices, {key: value for key, value in subset.items() if value is not None})
    return w if eigvals_only else (w, v)


def _eigvalsh(a: Any, b: Any = None, **options: Any) -> Any:
    return _eigh(a, b, eigvals_only=True, **options)


def _generalised_values(a: Any, b: Any) -> Any:
    """Those of ``a v = w b v``, in SciPy's order."""
    dtype = np.result_type(a.dtype, b.dtype, np.complex64)

    def value(a: Any, b: Any) -> Any:
        return call_for_each(sys.modules["scipy.linalg"].eigvals, (a, b), {})

    def rule(primals: Any, tangents: Any) -> Any:
        (a, b), (by_a, by_b) = primals, tangents
        w = _generalised_values(a, b)
        # With vectors, the values come in another order.
        found, v = np.linalg.eig(np.linalg.solve(b, a))
        v = v[:, np.argmin(np.abs(w[:, None] - found), axis=1)]
        left = np.linalg.inv(b @ v)
        return w, np.sum(left.T * (by_a @ v - (by_b @ v) * w), axis=0)

    return with_jvp(value, rule, (), (a.astype(dtype), b.astype(dtype)))


def _solve_toeplitz(c_or_cr: Any, b: Any, check_finite: bool = True) -> Any:
    linalg = sys.modules["scipy.linalg"]
    c, r = c_or_cr if isinstance(c_or_cr, tuple) else (c_or_cr, None)
    if np.ndim(c) != 1:
        uncovered("a batch of matrices")
    return np.linalg.solve(linalg.toeplitz(c, r), b)


def _with_bands(stored: Any, whole: Any, lower: bool) -> Any:
    """The bands of a matrix as SciPy stores those of a symmetric one; what it does not read stays."""
    count = stored.shape[0]
    if whole.shape[0] < count:
        uncovered("more bands than rows")
    rows = []
    for k in range(count):
        if lower:
            rows.append(np.concatenate((np.diagonal(whole, -k), stored[k, stored.shape[1] - k :])))
        else:
            rows.append(np.concatenate((stored[count - 1 - k, :k], np.diagonal(whole, k))))
    return np.stack(rows if lower else rows[::-1])


def _cholesky_banded(
    ab: Any, overwrite_ab: bool = False, lower: bool = False, check_finite: bool = True
) -> Any:
    ab = np.asarray(ab)
    if ab.ndim != 2:
        uncovered("a batch of matrices")
    factor = sys.modules["scipy.linalg"].cholesky(_banded(ab, lower), lower=lower)
    return _with_bands(ab, factor, lower)


def _cho_solve_banded(cb_and_lower: Any, b: Any, overwrite_b: bool = False, check_finite: bool = True) -> Any:
    bands, lower = cb_and_lower
    bands = np.asarray(bands)
    if bands.ndim != 2:
        uncovered("a batch of matrices")
    factor = np.tril(_banded(bands, True)) if lower else np.triu(_banded(bands, False))
    return sys.modules["scipy.linalg"].cho_solve((factor, lower), b)


def plain_routines(names: Any, dtypes: tuple[Any, ...], *rest: Any, **options: Any) -> Any:
    """Routines of BLAS or LAPACK, which lifting asks for rather than enters: asking marks them."""
    arrays = tuple(np.zeros(1, dtype=dtype) for dtype in dtypes)
    return sys.modules["scipy.linalg.blas"]._get_funcs(names, arrays, *rest, **options)


def _routines(names: Any, arrays: Any, *rest: Any, **options: Any) -> Any:
    """Where the elements lie decides between routines that give the same."""
    dtypes = tuple([np.asarray(array).dtype for array in arrays])
    return plain_routines(names, dtypes, *rest, **options)


def _blas() -> Table:
    return {sys.modules["scipy.linalg.blas"]._get_funcs: _routines}


def _linalg() -> Table:
    module = sys.modules["scipy.linalg"]
    return {
        module.eigh: _eigh,
        module.eigvalsh: _eigvalsh,
        **_transformed(
            {
                module.solve_toeplitz: _solve_toeplitz,
                module.cholesky_banded: _cholesky_banded,
                module.cho_solve_banded: _cho_solve_banded,
                module.signm: _signm,
            }
        ),
        module.schur: _schur,
        module.fractional_matrix_power: _fractional_power,
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


def _of_reals(real: Callable[..., Any], ruled: Callable[..., Any]) -> Callable[..., Any]:
    """A Bessel function by others if its argument is real."""

    def either(v: Any, z: Any, out: Any = None) -> Any:
        if out is not None:
            uncovered("out=")
        return ruled(v, z) if np.iscomplexobj(z) else real(v, z)

    return either


def _hankel(sign: int) -> Callable[..., Any]:
    def hankel(v: Any, z: Any) -> Any:
        from scipy import special

        return special.jv(v, z) + sign * 1j * special.yv(v, z)

    return hankel


def _yve(v: Any, z: Any) -> Any:
    from scipy import special

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
        if x.dtype.kind == "f":
            # Of an integer degree SciPy has loops of float64 only.
            x = x.astype(np.float64)
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


def _special() -> Table:
    module = sys.modules["scipy.special"]
    ruled = _special_rules.table()
    return {
        **ruled,
        module.spherical_yn: _half_order("yv", -1),
        module.spherical_in: _half_order("iv", 1),
        module.spherical_kn: _half_order("kv", -1),
        module.hankel1: _of_reals(_hankel(1), ruled[module.hankel1]),
        module.hankel2: _of_reals(_hankel(-1), ruled[module.hankel2]),
        module.yve: _of_reals(_yve, ruled[module.yve]),
        module.voigt_profile: _voigt_profile,
        module.agm: _agm,
        module.exp2: lambda x: np.exp2(x),
        module.cotdg: lambda x: 1 / module.tandg(x),
        module.round: lambda x: np.rint(x),
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


def _linear_filter(b: Any, a: Any, x: Any, axis: int, zi: Any = None) -> Any:
    """Direct form II transposed, as `lfilter` has it."""
    dtype = np.result_type(b, a, x) if zi is None else np.result_type(b, a, x, zi)
    if dtype.kind not in "fc":
        uncovered("a filter of integers")
    size = max(b.shape[0], a.shape[0])
    first = a[0]
    b = np.concatenate((b, np.zeros(size - b.shape[0]))).astype(dtype) / first
    a = np.concatenate((a, np.zeros(size - a.shape[0]))).astype(dtype) / first
    x = np.moveaxis(x, axis, 0).astype(dtype)
    state = np.zeros((size - 1, *x.shape[1:]), dtype)
    if zi is not None:
        state = state + np.moveaxis(zi, axis, 0)
    last = np.zeros((1, *x.shape[1:]), dtype)
    y = np.zeros(x.shape, dtype)
    for k in range(x.shape[0]):
        y[k] = b[0] * x[k] + state[0]
        moved = np.concatenate((state[1:], last))
        state = moved + np.multiply.outer(b[1:], x[k]) - np.multiply.outer(a[1:], y[k])
    y = np.moveaxis(y, 0, axis)
    return y if zi is None else (y, np.moveaxis(state, 0, axis))


def _sosfilt(sos: Any, x: Any, axis: int = -1, zi: Any = None) -> Any:
    """One section of second order after the other."""
    sos, x = np.asarray(sos), np.asarray(x)
    if sos.ndim != 2 or sos.shape[1] != 6:
        raise ValueError("sos array must be shape (n_sections, 6)")
    if np.any(sos[:, 3] != 1):
        raise ValueError("sos[:, 3] should be all ones")
    dtype = np.result_type(sos, x) if zi is None else np.result_type(sos, x, zi)
    if dtype.kind not in "fc":
        uncovered("a filter of integers")
    y = np.moveaxis(x, axis, 0).astype(dtype)
    states = []
    for section in range(sos.shape[0]):
        b0, b1, b2 = sos[section, 0], sos[section, 1], sos[section, 2]
        a1, a2 = sos[section, 4], sos[section, 5]
        first = second = np.zeros(y.shape[1:], dtype)
        if zi is not None:
            state = np.moveaxis(np.asarray(zi)[section], axis, 0).astype(dtype)
            first, second = state[0], state[1]
        out = np.zeros(y.shape, dtype)
        for k in range(y.shape[0]):
            given = y[k]
            now = b0 * given + first
            first = b1 * given - a1 * now + second
            second = b2 * given - a2 * now
            out[k] = now
        y = out
        states.append(np.moveaxis(np.stack((first, second)), 0, axis))
    y = np.moveaxis(y, 0, axis)
    return y if zi is None else (y, np.stack(states))


def _upfirdn(
    h: Any, x: Any, up: int = 1, down: int = 1, axis: int = -1, mode: str = "constant", cval: Any = 0
) -> Any:
    """Zeros between the samples, a filter, and every ``down``-th of the results."""
    h, x = np.asarray(h), np.asarray(x)
    if mode != "constant" or cval != 0 or h.ndim != 1:
        uncovered("an extension that is not zeros")
    x = np.moveaxis(x, axis, -1)
    count, taps = x.shape[-1], h.shape[0]
    dtype = np.result_type(h.dtype, x.dtype, np.float32)
    spread = np.zeros((*x.shape[:-1], (count - 1) * up + 1), dtype)
    spread[..., ::up] = x
    widths = [(0, 0)] * (x.ndim - 1) + [(taps - 1, taps - 1)]
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(spread, widths), taps, axis=-1)
    return np.moveaxis((windows @ h[::-1].astype(dtype))[..., ::down], -1, axis)


# `np.pad` by the codes of `scipy.signal._signaltools._boundarydict`.
_BOUNDARIES = {4: "symmetric", 8: "wrap"}


def _convolve_2d(x: Any, kernel: Any, turned: int, mode: int, boundary: int, fillvalue: Any) -> Any:
    """``turned`` says whether it is a convolution; the output is as large as fits, as ``x``, or full."""
    if boundary and boundary not in _BOUNDARIES:
        uncovered("this boundary")
    dtype = np.result_type(x, kernel)
    widths = []
    for size in kernel.shape:
        before, after = size - 1, size - 1
        if mode == 1:
            middle = (size - 1) // 2
            before, after = (size - 1 - middle, middle) if turned else (middle, size - 1 - middle)
        widths.append((before, after) if mode else (0, 0))
    if boundary:
        larger = np.pad(x, widths, mode=_BOUNDARIES[boundary])  # type: ignore[call-overload]
    else:
        larger = np.pad(x.astype(dtype), widths, constant_values=fillvalue)
    windows = np.lib.stride_tricks.sliding_window_view(larger, kernel.shape)
    weights = kernel[::-1, ::-1] if turned else kernel
    return np.tensordot(windows, weights, axes=([2, 3], [0, 1])).astype(dtype)


def _signal() -> Table:
    module = sys.modules["scipy.signal._signaltools"]
    # It fills an array that it is given.
    filling = {module._sigtools._correlateND: _correlate_nd}
    return filling | _transformed(
        {
            module._sigtools._convolve2d: _convolve_2d,
            module._sigtools._linear_filter: _linear_filter,
            module.sosfilt: _sosfilt,
            module.upfirdn: _upfirdn,
        }
    )


# -- scipy.fft ---------------------------------------------------------------------------------


def _along_each(name: str) -> Callable[..., Any]:
    """A cosine or sine transform along several axes, by that along one."""

    def transform(
        x: Any,
        type: int = 2,
        s: Any = None,
        axes: Any = None,
        norm: Any = None,
        overwrite_x: bool = False,
        workers: Any = None,
        *,
        orthogonalize: Any = None,
    ) -> Any:
        along = getattr(sys.modules["scipy.fft"], name)
        x = np.asarray(x)
        sizes = [s] if isinstance(s, int) else s
        if axes is None:
            axes = range(x.ndim) if sizes is None else range(x.ndim - len(sizes), x.ndim)
        axes = [axes] if isinstance(axes, int) else list(axes)
        if sizes is not None and len(sizes) != len(axes):
            uncovered("axes that do not fit the sizes")
        for k, axis in enumerate(axes):
            size = None if sizes is None or sizes[k] == -1 else sizes[k]
            x = along(x, type, size, axis, norm, orthogonalize=orthogonalize)
        return x

    return transform


_OTHER_NORM = {None: "forward", "backward": "forward", "forward": "backward", "ortho": "ortho"}


def _hermitian(name: str) -> Callable[..., Any]:
    """`hfftn` and its like: the inverse transform of the conjugate, without or with the other's factor."""

    def transform(
        x: Any,
        s: Any = None,
        axes: Any = None,
        norm: Any = None,
        overwrite_x: bool = False,
        workers: Any = None,
        *,
        plan: Any = None,
    ) -> Any:
        module = sys.modules["scipy.fft"]
        if axes is None and name.endswith("2"):
            axes = (-2, -1)
        if norm not in _OTHER_NORM:
            uncovered(f"norm {norm!r}")
        if name.startswith("i"):
            return np.conj(module.rfftn(x, s, axes, _OTHER_NORM[norm]))
        return module.irfftn(np.conj(x), s, axes, _OTHER_NORM[norm])

    return transform


def fourier() -> Table:
    """Of the transforms that `lazy._standins` does not find behind their backends."""
    module = sys.modules["scipy.fft"]
    several = {f"{name}n": _along_each(name) for name in ("dct", "idct", "dst", "idst")}
    hermitian = {name: _hermitian(name) for name in ("hfftn", "ihfftn", "hfft2", "ihfft2")}
    return _transformed({getattr(module, name): made for name, made in (several | hermitian).items()})


# -- what SciPy calls NumPy by -----------------------------------------------------------------


def _array_api() -> Table:
    module = sys.modules["scipy._lib.array_api_compat.numpy.linalg"]
    return {module.solve: lambda x1, x2, /: np.linalg.solve(x1, x2)}


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


# Windows of more elements than this are left to the compiled filters.
_MAX_WINDOW = 49


def _extreme1d(
    x: Any, size: int, axis: int, output: Any, mode: int, cval: Any, origin: int, minimum: Any
) -> None:
    if size > _MAX_WINDOW or x.dtype != output.dtype:
        uncovered("a long window, or a result of another dtype")
    before, count = size // 2 + origin, x.shape[axis]
    lines = _lines(x, before, size - 1 - before, axis, mode, cval)
    result = lines[..., :count]
    for k in range(1, size):
        shifted = lines[..., k : k + count]
        result = np.minimum(result, shifted) if minimum else np.maximum(result, shifted)
    output[...] = np.moveaxis(result, -1, axis)


def _neighbours(x: Any, footprint: Any, mode: int, cval: Any, origins: Any) -> Any:
    """The elements of the window of each place, last."""
    if footprint.size > _MAX_WINDOW:
        uncovered("a large window")
    for axis, (size, origin) in enumerate(zip(footprint.shape, origins, strict=True)):
        before = size // 2 + origin
        x = np.moveaxis(_lines(x, before, size - 1 - before, axis, mode, cval), -1, axis)
    windows = np.lib.stride_tricks.sliding_window_view(x, footprint.shape)
    windows = windows.reshape((*windows.shape[: footprint.ndim], footprint.size))
    return windows[..., np.flatnonzero(footprint)]


def _extreme(
    x: Any, footprint: Any, structure: Any, output: Any, mode: int, cval: Any, origins: Any, minimum: Any
) -> None:
    if structure is not None or x.dtype != output.dtype:
        uncovered("a structure, or a result of another dtype")
    windows = _neighbours(x, footprint, mode, cval, origins)
    output[...] = np.min(windows, axis=-1) if minimum else np.max(windows, axis=-1)


def _rank(x: Any, rank: int, footprint: Any, output: Any, mode: int, cval: Any, origins: Any) -> None:
    if x.dtype != output.dtype:
        uncovered("a result of another dtype")
    output[...] = np.sort(_neighbours(x, footprint, mode, cval, origins), axis=-1)[..., rank]


def _rank1d(x: Any, rank: int, size: int, output: Any, mode: int, cval: Any, origin: int) -> None:
    _rank(x, rank, np.ones(size, dtype=bool), output, mode, cval, [origin])


def _mapped(
    x: Any,
    mapping: Any,
    coordinates: Any,
    matrix: Any,
    offset: Any,
    output: Any,
    order: int,
    mode: int,
    cval: Any,
    npad: int,
    *extra: Any,
) -> None:
    """Linear interpolation between the corners around each place, or the nearest of them."""
    if coordinates is None or order > 1 or mode not in (0, 4) or x.dtype != output.dtype:
        uncovered("this geometric transformation")
    if x.dtype.kind != "f" or any(n < 2 for n in x.shape):
        uncovered("integers, or a single element")
    corners: Any = [(1.0, [])]
    inside: Any = True
    for axis in range(x.ndim):
        last = x.shape[axis] - 1
        place = coordinates[axis]
        inside = inside & (place >= 0) & (place <= last)
        place = np.clip(place, 0, last)
        if order == 0:
            corners = [(share, [*at, np.floor(place + 0.5).astype(np.intp)]) for share, at in corners]
            continue
        low = np.clip(np.floor(place).astype(np.intp), 0, last - 1)
        beyond = place - low
        below = [(share * (1 - beyond), [*at, low]) for share, at in corners]
        corners = below + [(share * beyond, [*at, low + 1]) for share, at in corners]
    total = 0.0
    for share, at in corners:
        total = total + share * x[tuple(at)]
    output[...] = total if mode == 0 else np.where(inside, total, cval)


def _ndimage_interpolation() -> Table:
    return {sys.modules["scipy.ndimage._interpolation"]._nd_image.geometric_transform: _mapped}


def _ndimage() -> Table:
    filters = sys.modules["scipy.ndimage._filters"]
    module = filters._nd_image
    return {
        module.correlate1d: _correlate1d,
        module.uniform_filter1d: _uniform_filter1d,
        module.min_or_max_filter1d: _extreme1d,
        module.min_or_max_filter: _extreme,
        module.rank_filter: _rank,
        filters._rank_filter_1d.rank_filter: _rank1d,
    }


# -- helpers -----------------------------------------------------------------------------------


def _arrays() -> Table:
    """A memory that is too large for what is in it is not looked for."""
    return {sys.modules["scipy._lib._util"]._prune_array: lambda array: array}


def _compatible(module: str) -> Callable[[], Table]:
    """Systems of equations by the interface of array libraries."""

    def table() -> Table:
        return {sys.modules[module].solve: lambda x1, x2, /: np.linalg.solve(x1, x2)}

    return table


_COMPATIBLE = ("scipy._lib.array_api_compat.numpy.linalg", "sklearn.externals.array_api_compat.numpy.linalg")

TABLES: dict[str, Callable[[], Table]] = {
    "scipy._lib.array_api_compat.numpy.linalg": _array_api,
    "scipy.ndimage._filters": _ndimage,
    "scipy.ndimage._interpolation": _ndimage_interpolation,
    "scipy.linalg": _linalg,
    "scipy.linalg.blas": _blas,
    "scipy.special": _special,
    "scipy.signal._signaltools": _signal,
    "scipy._lib._util": _arrays,
    **{module: _compatible(module) for module in _COMPATIBLE},
}
