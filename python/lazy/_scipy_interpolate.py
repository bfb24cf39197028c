"""SciPy's interpolation that ends in compiled code, as NumPy code: see `lazy._equivalents`.

Piecewise polynomials and B-splines are evaluated as their compiled functions do: a search for the interval
of each place, and a recurrence on the coefficients of that interval. So they have derivatives by places,
breakpoints and coefficients.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from lazy._custom import call_opaque, with_jvp
from lazy._equivalents import uncovered

Table = dict[Any, Callable[..., Any]]

# -- piecewise polynomials ---------------------------------------------------------------------


def _interval(x: Any, at: Any, first: Any, last: Any) -> Any:
    """The interval of the breakpoints that each place is in; the outermost ones go on for ever."""
    return np.clip(np.searchsorted(x, at, side="right") - 1, first, last)


def _power(c: Any, s: Any, dx: int) -> Any:
    """The polynomials ``c[0] s**k + ... + c[k]``, derived ``dx`` times; negative: integrated."""
    degree = c.shape[0] - 1
    total = c[degree] * 0.0
    for power in range(degree, -1, -1):
        factor = 1.0
        for k in range(dx):
            factor = factor * (power - k)
        for k in range(-dx):
            factor = factor / (power + k + 1)
        if power >= dx:
            total = total * s + factor * c[degree - power]
    for _ in range(-dx):
        total = total * s
    return total


def _evaluate_pieces(c: Any, x: Any, xp: Any, dx: Any, extrapolate: Any, out: Any) -> None:
    if not isinstance(dx, int):
        uncovered("a computed order of derivative")
    if x[0] > x[-1]:
        uncovered("breakpoints that decrease")
    at = _interval(x, xp, 0, c.shape[1] - 1)
    values = _power(np.take(c, at, axis=1), (xp - x[at])[:, None], dx)
    outside = np.isnan(xp)
    if not extrapolate:
        outside = outside | (xp < x[0]) | (xp > x[-1])
    out[...] = np.where(outside[:, None], np.nan, values)


def _integrate_pieces(c: Any, x: Any, a: Any, b: Any, extrapolate: Any, out: Any) -> None:
    if not extrapolate or x[0] > x[-1]:
        uncovered("an integral that may end outside, or over breakpoints that decrease")
    widths = (x[1:] - x[:-1])[:, None]
    pieces = _power(c, widths, -1)
    before = np.concatenate((np.zeros((1, *pieces.shape[1:]), dtype=pieces.dtype), np.cumsum(pieces, axis=0)))

    def up_to(place: Any) -> Any:
        at = _interval(x, np.asarray(place).reshape(1), 0, c.shape[1] - 1)
        return before[at] + _power(np.take(c, at, axis=1), (place - x[at])[:, None], -1)

    out[...] = (up_to(b) - up_to(a)).reshape(out.shape)


# -- B-splines ---------------------------------------------------------------------------------


def _evaluate_spline(t: Any, c: Any, k: Any, xp: Any, nu: Any, extrapolate: Any) -> Any:
    """De Boor's recurrence; its first ``nu`` steps take differences instead of means."""
    k, nu = int(k), int(nu)
    n = t.shape[0] - k - 1
    left = _interval(t, xp, k, n - 1)
    local = [np.take(c, left - k + j, axis=0) for j in range(k + 1)]
    knots = [t[left - k + j] for j in range(2 * k + 1)]
    for step in range(1, k + 1):
        for j in range(k, step - 1, -1):
            low, high = knots[j], knots[j + k + 1 - step]
            if step <= nu:
                slope = (k - step + 1) / (high - low)
                local[j] = slope[:, None] * (local[j] - local[j - 1])
            else:
                share = ((xp - low) / (high - low))[:, None]
                local[j] = (1.0 - share) * local[j - 1] + share * local[j]
    values = local[k] * 0.0 if nu > k else local[k]
    outside = np.isnan(xp)
    if not extrapolate:
        outside = outside | (xp < t[k]) | (xp > t[n])
    return np.where(outside[:, None], np.nan, values)


def _bases(t: Any, k: int, left: Any, x: Any) -> list[Any]:
    """The ``k + 1`` splines that are not zero in the interval, at each place."""
    values = [np.ones(x.shape[0])]
    for degree in range(1, k + 1):
        following = [np.zeros(x.shape[0])]
        for r in range(degree):
            high, low = t[left + r + 1], t[left + r + 1 - degree]
            part = values[r] / (high - low)
            following[r] = following[r] + (high - x) * part
            following.append((x - low) * part)
        values = following
    return values


def _colocation(x: Any, t: Any, k: Any, ab: Any, offset: Any = 0) -> None:
    """The matrix of all splines at all places, as the transpose of LAPACK's bands."""
    k, offset = int(k), int(offset)
    left = _interval(t, x, k, t.shape[0] - k - 2)
    row = np.arange(x.shape[0]) + offset
    for j, values in enumerate(_bases(t, k, left, x)):
        column = left - k + j
        ab[column, 2 * k + row - column] = values


def _banded(ab: Any, kl: int, ku: int) -> Any:
    """The matrix whose bands LAPACK is given, with room for fill above them."""
    n = ab.shape[1]
    i, j = np.arange(n)[:, None], np.arange(n)[None, :]
    inside = (i - j <= kl) & (j - i <= ku)
    return np.where(inside, ab[np.clip(kl + ku + i - j, 0, ab.shape[0] - 1), j], 0.0)


def _solve_bands(compiled: Any) -> Callable[..., Any]:
    def solve(kl: Any, ku: Any, ab: Any, b: Any, overwrite_ab: Any = 0, overwrite_b: Any = 0) -> Any:
        kl, ku = int(kl), int(ku)

        def inner(ab: Any, b: Any) -> Any:
            return call_opaque(compiled, (kl, ku, ab, b), {})[2]

        def rule(primals: Any, tangents: Any) -> Any:
            (ab, b), (d_ab, d_b) = primals, tangents
            x = with_jvp(inner, rule, (), (ab, b))
            change = d_b - _banded(d_ab, kl, ku) @ x
            return x, np.linalg.solve(_banded(ab, kl, ku), change)

        lu, piv, _, info = call_opaque(compiled, (kl, ku, ab, b), {})
        return lu, piv, with_jvp(inner, rule, (), (ab, b)), info

    return solve


def _interpolate() -> Table:
    pieces = sys.modules["scipy.interpolate._ppoly"]
    splines = sys.modules["scipy.interpolate._dierckx"]
    return {
        pieces.evaluate: _evaluate_pieces,
        pieces.integrate: _integrate_pieces,
        splines.evaluate_spline: _evaluate_spline,
        splines._coloc: _colocation,
    }


def _bands() -> Table:
    compiled = sys.modules["scipy.linalg._flapack"].dgbsv
    return {compiled: _solve_bands(compiled)}


# -- radial basis functions and grids ----------------------------------------------------------


def _radial() -> Table:
    """SciPy's own functions for other kinds of arrays."""
    compiled = sys.modules["scipy.interpolate._rbfinterp_np"]
    general = sys.modules["scipy.interpolate._rbfinterp_xp"]
    names = ("_build_and_solve_system", "_build_evaluation_coefficients", "compute_interpolation")
    return {getattr(compiled, name): getattr(general, name) for name in names if hasattr(compiled, name)}


def _find_indices(grid: Any, xi: Any) -> Any:
    indices, distances = [], []
    for breakpoints, places in zip(grid, xi, strict=True):
        breakpoints = np.asarray(breakpoints)
        if breakpoints.shape[0] < 2:
            uncovered("a grid of one point")
        at = _interval(breakpoints, places, 0, breakpoints.shape[0] - 2)
        low, high = breakpoints[at], breakpoints[at + 1]
        indices.append(at)
        distances.append((places - low) / (high - low))
    return np.stack(indices), np.stack(distances)


def _evaluate_linear(values: Any, indices: Any, distances: Any, grid: Any, out: Any) -> Any:
    (i, j), (y, x) = indices, distances
    out[...] = (
        values[i, j] * (1 - y) * (1 - x)
        + values[i, j + 1] * (1 - y) * x
        + values[i + 1, j] * y * (1 - x)
        + values[i + 1, j + 1] * y * x
    )
    return out


def _coordinates(points: Any, ndim: Any = None) -> Any:
    if isinstance(points, tuple) and len(points) == 1:
        points = points[0]
    if isinstance(points, tuple):
        return np.stack([np.asarray(p, dtype=float) for p in np.broadcast_arrays(*points)], axis=-1)
    points = np.asarray(points)
    if points.ndim == 1:
        return points.reshape(-1, 1 if ndim is None else ndim)
    return points


def _grids() -> Table:
    module = sys.modules["scipy.interpolate._rgi"]
    return {
        module._ndim_coords_from_arrays: _coordinates,
        module.find_indices: _find_indices,
        module.evaluate_linear_2d: _evaluate_linear,
    }


TABLES: dict[str, Callable[[], Table]] = {
    "scipy.interpolate._bsplines": _interpolate,
    "scipy.interpolate._rbfinterp": _radial,
    "scipy.interpolate._rgi": _grids,
    "scipy.linalg._flapack": _bands,
}
