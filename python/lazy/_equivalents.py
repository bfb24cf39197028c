"""NumPy's compiled functions as NumPy code, which is lifted in their place.

In: the arguments of the function. Out: what it returns, made of functions that have operations.
``np.interp(x, xp, fp)`` is a search, two reads and a line between them, so it has derivatives.

The code runs only while lifting, never on arrays: a call whose arguments are all known is NumPy's own.
What a function does not cover it says by `uncovered`, before anything else: the call is then lifted as
if there were no equivalent. The functions are part of the table of `lazy._standins`; methods are looked
up by name.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
from numpy._core import multiarray
from numpy.lib import _function_base_impl

from lazy._custom import call_for_each, call_opaque, with_jvp

FUNCTIONS: dict[Any, Callable[..., Any]] = {}
METHODS: dict[str, Callable[..., Any]] = {}


def _of(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(equivalent: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            FUNCTIONS[function] = equivalent
        return equivalent

    return register


def _method(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(equivalent: Callable[..., Any]) -> Callable[..., Any]:
        METHODS[name] = equivalent
        return equivalent

    return register


def uncovered(what: str) -> NoReturn:
    """Leaves the call to what it would be without the equivalent; known to the machine by name."""
    raise AssertionError(f"{what}: outside a lift")


def values_suffice() -> bool:
    """Whether nothing is differentiated or mapped, so that compiled code will do; answered by the machine."""
    return False


def unless_transformed(function: Callable[..., Any], code: Callable[..., Any]) -> Callable[..., Any]:
    """A function of which transforms see NumPy code; where there are none, it is called as it is."""

    def either(*args: Any, **kwargs: Any) -> Any:
        if values_suffice():
            return call_opaque(function, args, kwargs)
        return code(*args, **kwargs)

    return either


def _axis(axis: Any, rank: int) -> int:
    at = operator.index(axis)
    if not -rank <= at < rank:
        raise np.exceptions.AxisError(at, rank)
    return at % rank


def _product(sizes: Any) -> Any:
    product = 1
    for size in sizes:
        product = product * size
    return product


def _axes(axis: Any, rank: int) -> list[int]:
    if axis is None:
        return list(range(rank))
    if isinstance(axis, (tuple, list)):
        return [_axis(a, rank) for a in axis]
    return [_axis(axis, rank)]


# -- searching ---------------------------------------------------------------------------------


@_method("ndarray.view")
def _view(a: Any, dtype: Any = None, type: Any = None) -> Any:
    if type not in (None, np.ndarray) or not (dtype in (None, np.ndarray) or np.dtype(dtype) == a.dtype):
        uncovered("the elements read as another dtype")
    return a[...] if isinstance(a, np.ndarray) else a


@_of(np.repeat)
@_method("ndarray.repeat")
def _repeat(a: Any, repeats: Any, axis: Any = None) -> Any:
    a, repeats = np.asarray(a), np.asarray(repeats)
    if repeats.ndim != 1 or repeats.shape[0] == 1:
        uncovered("a number of repeats that is no array of them")
    if axis is None:
        a, axis = a.reshape(-1), 0
    axis = _axis(axis, a.ndim)
    if repeats.shape[0] != a.shape[axis]:
        shapes = f"({a.shape[axis]},) ({repeats.shape[0]},)"
        raise ValueError(f"operands could not be broadcast together with shape {shapes}")
    if np.any(repeats < 0):
        raise ValueError("repeats may not contain negative values.")
    ends = np.cumsum(repeats)
    place = np.searchsorted(ends, np.arange(int(np.sum(repeats))), side="right")
    return np.take(a, place, axis=axis)


@_of(np.digitize)
def _digitize(x: Any, bins: Any, right: bool = False) -> Any:
    x, bins = np.asarray(x), np.asarray(bins)
    if bins.ndim != 1 or bins.shape[0] == 0:
        uncovered("bins that are no vector")
    if x.dtype.kind == "c":
        raise TypeError("x may not be complex")
    rises, falls = np.any(bins[:-1] < bins[1:]), np.any(bins[:-1] > bins[1:])
    if values_suffice() and rises & falls:
        raise ValueError("bins must be monotonically increasing or decreasing")
    side: Any = "left" if right else "right"
    up = np.searchsorted(bins, x, side=side)
    down = bins.shape[0] - np.searchsorted(bins[::-1], x, side=side)
    return np.where(falls, down, up)[()]


@_of(np.interp)
def _interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    x = np.asarray(x, dtype=np.float64)
    xp = np.asarray(xp, dtype=np.float64)
    fp = np.asarray(fp)
    if not np.iscomplexobj(fp):
        fp = fp.astype(np.float64)
    if xp.ndim != 1 or fp.ndim != 1 or xp.shape[0] == 0:
        uncovered("data points that are no sequences of numbers")
    if xp.shape[0] != fp.shape[0]:
        raise ValueError("fp and xp are not of the same length." if period is None else _LENGTHS)
    if period is not None:
        if period == 0:
            raise ValueError("period must be a non-zero value")
        period = abs(period)
        x, xp = x % period, xp % period
        order = np.argsort(xp)
        xp, fp = xp[order], fp[order]
        xp = np.concatenate((xp[-1:] - period, xp, xp[0:1] + period))
        fp = np.concatenate((fp[-1:], fp, fp[0:1]))
        left = right = None
    left = fp[0] if left is None else left
    right = fp[-1] if right is None else right
    if not np.iscomplexobj(fp):
        return _interpolated(x, xp, fp, left, right)[()]
    out = np.empty(x.shape, np.complex128)
    out.real = _interpolated(x, xp, np.real(fp), np.real(left), np.real(right))
    out.imag = _interpolated(x, xp, np.imag(fp), np.imag(left), np.imag(right))
    return out[()]


_LENGTHS = "fp and xp are not of the same length"


def _interpolated(x: Any, xp: Any, fp: Any, left: Any, right: Any) -> Any:
    """Lines between real values; where these are not finite, as the compiled loop has it."""
    if xp.shape[0] == 1:
        # A nan is neither before nor after the point.
        return np.where(x > xp[0], right, np.where(x < xp[0], left, fp[0]))
    at = np.clip(np.searchsorted(xp, x, side="right") - 1, 0, xp.shape[0] - 2)
    low, high, first, second = xp[at], xp[at + 1], fp[at], fp[at + 1]
    slope = (second - first) / np.where(high == low, 1.0, high - low)
    middle = slope * (x - low) + first
    from_above = slope * (x - high) + second
    flat = np.isnan(from_above) & (first == second)
    middle = np.where(np.isnan(middle), np.where(flat, first, from_above), middle)
    middle = np.where((x == low) & ~np.isfinite(slope), first, middle)
    middle = np.where(x == xp[-1], fp[-1], middle)
    # In NumPy's order, which tells where `xp` does not increase.
    return np.where(np.isnan(x), x, np.where(x > xp[-1], right, np.where(x < xp[0], left, middle)))


@_of(np.isin)
def _isin(
    element: Any,
    test_elements: Any,
    assume_unique: bool = False,
    invert: bool = False,
    *,
    kind: Any = None,
) -> Any:
    element, test = np.asarray(element), np.asarray(test_elements).reshape(-1)
    test = np.sort(test)
    first = np.searchsorted(test, element, side="left")
    past = np.searchsorted(test, element, side="right")
    found = (past > first) & (element == element)
    return ~found if invert else found


@_of(np.bincount)
def _bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    x = np.asarray(x)
    size = minlength
    if x.shape[0] > 0:
        if x.min() < 0:
            raise ValueError("'list' argument must have no negative elements")
        size = max(int(x.max()) + 1, minlength)
    if weights is None:
        counts = np.zeros(size, dtype=np.intp)
        np.add.at(counts, x, 1)
        return counts
    sums = np.zeros(size)
    np.add.at(sums, x, np.asarray(weights, dtype=np.float64))
    return sums


@_of(np.fromiter)
def _fromiter(iter: Any, dtype: Any, count: int = -1, *, like: Any = None) -> Any:
    if count != -1 or like is not None:
        uncovered("count=")
    return np.array(list(iter), dtype=dtype)


@_of(np.corrcoef)
def _corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    c = np.cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    deviation = np.sqrt(np.real(np.diagonal(c)))
    c = c / deviation[:, None] / deviation[None, :]
    if np.iscomplexobj(c):
        return np.clip(np.real(c), -1, 1) + 1j * np.clip(np.imag(c), -1, 1)
    return np.clip(c, -1, 1)


@_of(np.lexsort)
def _lexsort(keys: Any, axis: int = -1) -> Any:
    order = np.argsort(keys[0], axis=axis, kind="stable")
    for k in range(1, len(keys)):
        key = np.take_along_axis(np.asarray(keys[k]), order, axis=axis)
        order = np.take_along_axis(order, np.argsort(key, axis=axis, kind="stable"), axis=axis)
    return order


@_method("ndarray.argpartition")
def _argpartition(a: Any, kth: Any, axis: Any = -1, kind: Any = None, order: Any = None) -> Any:
    """The order within the parts is NumPy's to choose; a transform sees them sorted."""
    if not values_suffice():
        return np.argsort(a, axis=axis)
    a, axis = (a.reshape(-1), -1) if axis is None else (a, _axis(axis, a.ndim) - a.ndim)
    return call_for_each(np.argpartition, (a, kth), {"axis": axis})


@_method("ndarray.partition")
def _partition(a: Any, kth: Any, axis: Any = -1, kind: Any = None, order: Any = None) -> None:
    axis = _axis(axis, a.ndim) - a.ndim

    def inner(a: Any) -> Any:
        return call_for_each(np.partition, (a, kth), {"axis": axis})

    def rule(primals: Any, tangents: Any) -> Any:
        """Which element went where is told by the order of both."""
        (a,), (tangent,) = primals, tangents
        parted = with_jvp(inner, rule, (), (a,))
        place = np.argsort(parted, axis=axis, kind="stable")
        source = np.argsort(a, axis=axis, kind="stable")
        which = np.zeros(a.shape, dtype=np.intp)
        np.put_along_axis(which, place, source, axis)
        return parted, np.take_along_axis(tangent, which, axis)

    a[...] = with_jvp(inner, rule, (), (a,))


# -- sets --------------------------------------------------------------------------------------


@_of(np.unique)
def _unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: Any = None,
    *,
    equal_nan: bool = True,
    sorted: bool = True,
) -> Any:
    ar = np.asarray(ar)
    if axis is not None:
        return _unique_rows(ar, _axis(axis, ar.ndim), return_index, return_inverse, return_counts)
    flat = ar.reshape(-1)
    order = np.argsort(flat, kind="stable")
    aux = flat[order]
    at = np.arange(aux.shape[0])
    before = aux[np.maximum(at - 1, 0)]
    new = aux != before
    if equal_nan and aux.dtype.kind in "fc":
        new = new & ~(np.isnan(aux) & np.isnan(before))
    new = new | (at == 0)
    first = np.flatnonzero(new)
    results = [aux[first]]
    if return_index:
        results.append(order[first])
    if return_inverse:
        group = np.cumsum(new) - 1
        results.append(group[np.argsort(order)].reshape(ar.shape))
    if return_counts:
        ends = np.concatenate([first[1:], np.full(1, aux.shape[0])])
        results.append(ends - first)
    return results[0] if len(results) == 1 else tuple(results)


def _unique_rows(ar: Any, axis: int, index: bool, inverse: bool, counts: bool) -> Any:
    rows = np.moveaxis(ar, axis, 0)
    flat = rows.reshape(rows.shape[0], -1)
    order = _lexsort([flat[:, k] for k in reversed(range(flat.shape[1]))])
    aux = flat[order]
    at = np.arange(aux.shape[0])
    new = np.any(aux != aux[np.maximum(at - 1, 0)], axis=1) | (at == 0)
    first = np.flatnonzero(new)
    results = [np.moveaxis(rows[order[first]], 0, axis)]
    if index:
        results.append(order[first])
    if inverse:
        results.append((np.cumsum(new) - 1)[np.argsort(order)])
    if counts:
        ends = np.concatenate([first[1:], np.full(1, aux.shape[0])])
        results.append(ends - first)
    return results[0] if len(results) == 1 else tuple(results)


@_of(np.unique_values)
def _unique_values(x: Any) -> Any:
    return _unique(x, equal_nan=False)


@_of(np.union1d)
def _union1d(ar1: Any, ar2: Any) -> Any:
    return _unique(np.concatenate((np.asarray(ar1).reshape(-1), np.asarray(ar2).reshape(-1))))


@_of(np.setdiff1d)
def _setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    ar1 = np.asarray(ar1).reshape(-1) if assume_unique else _unique(ar1)
    return ar1[_isin(ar1, ar2, invert=True)]


@_of(np.intersect1d)
def _intersect1d(ar1: Any, ar2: Any, assume_unique: bool = False, return_indices: bool = False) -> Any:
    if return_indices:
        uncovered("the places of common elements")
    if not assume_unique:
        ar1, ar2 = _unique(ar1), _unique(ar2)
    aux = np.sort(np.concatenate((np.asarray(ar1).reshape(-1), np.asarray(ar2).reshape(-1))))
    return aux[:-1][aux[1:] == aux[:-1]]


@_of(np.setxor1d)
def _setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    if not assume_unique:
        ar1, ar2 = _unique(ar1), _unique(ar2)
    aux = np.sort(np.concatenate((np.asarray(ar1).reshape(-1), np.asarray(ar2).reshape(-1))))
    at = np.arange(aux.shape[0])
    last = aux.shape[0] - 1
    alone = (aux != aux[np.maximum(at - 1, 0)]) | (at == 0)
    alone = alone & ((aux != aux[np.minimum(at + 1, last)]) | (at == last))
    return aux[alone]


# -- quantiles ---------------------------------------------------------------------------------

# alpha and beta of the continuous methods (Hyndman and Fan, *Sample quantiles*, 1996).
_CONTINUOUS = {
    "linear": (1.0, 1.0),
    "interpolated_inverted_cdf": (0.0, 1.0),
    "hazen": (0.5, 0.5),
    "weibull": (0.0, 0.0),
    "median_unbiased": (1.0 / 3.0, 1.0 / 3.0),
    "normal_unbiased": (3.0 / 8.0, 3.0 / 8.0),
}


def _virtual_index(n: Any, q: Any, method: str) -> tuple[Any, Any]:
    """The position among n sorted elements, and how far it is to the next."""
    if method in _CONTINUOUS:
        alpha, beta = _CONTINUOUS[method]
        at = (n - 1) * q if method == "linear" else n * q + (alpha + q * (1 - alpha - beta)) - 1
        low = np.floor(np.clip(at, 0, n - 1))
        return low, np.clip(at, 0, n - 1) - low
    at = (n - 1) * q
    if method == "lower":
        return np.floor(at), at * 0
    if method == "higher":
        return np.ceil(at), at * 0
    if method == "nearest":
        # Halves to the even neighbour.
        return np.round(at), at * 0
    if method == "midpoint":
        return np.floor(at), np.where(at == np.floor(at), 0.0, 0.5)
    at = n * q - 1
    low = np.clip(np.floor(at), 0, n - 1)
    if method == "inverted_cdf":
        return np.clip(np.ceil(at), 0, n - 1), at * 0
    if method == "averaged_inverted_cdf":
        between = np.where(at == np.floor(at), 0.5, 1.0)
        return low, np.where(at < 0, 0.0, between)
    if method == "closest_observation":
        at = n * q - 1.5
        odd = (at == np.floor(at)) & (np.floor(at) % 2 == 1)
        return np.clip(np.floor(at) + np.where(odd, 0.0, 1.0), 0, n - 1), at * 0
    raise ValueError(f"{method!r} is not a valid method")


def _quantiles(a: Any, q: Any, axis: Any, method: str, keepdims: bool, skip_nan: bool) -> Any:
    a = np.asarray(a)
    axes = _axes(axis, a.ndim)
    kept = [k for k in range(a.ndim) if k not in axes]
    lines = np.transpose(a, kept + axes).reshape((*tuple(a.shape[k] for k in kept), -1))
    lines = np.sort(lines, axis=-1)
    is_float = lines.dtype.kind == "f"
    if method == "linear" and not isinstance(q, float) and np.asarray(q).dtype.kind in "iu":
        # Whole quantiles are elements themselves.
        method = "lower"
    if isinstance(q, (int, float)):
        if not 0 <= q <= 1:
            raise ValueError("Quantiles must be in the range [0, 1]")
        q = np.asarray(q, dtype=lines.dtype) if is_float else np.asarray(q, dtype=np.float64)
    else:
        q = np.asarray(q, dtype=np.float64)
    n = lines.shape[-1]
    if skip_nan and is_float:
        n = np.sum(~np.isnan(lines), axis=-1)[..., None]
    # One row of places per quantile, the quantiles last.
    places, step = _virtual_index(n, q.reshape(-1), method)
    shape = (*lines.shape[:-1], q.size)
    low = np.broadcast_to(np.maximum(places.astype(np.intp), 0), shape)
    step = np.broadcast_to(step.astype(q.dtype), shape)
    high = np.minimum(low + 1, np.maximum(n - 1, 0))
    first = np.take_along_axis(lines, low, axis=-1)
    if method in ("lower", "higher", "nearest", "inverted_cdf", "closest_observation"):
        found = first
    else:
        second = np.take_along_axis(lines, high, axis=-1)
        gap = second - first
        found = np.where(step >= 0.5, second - gap * (1 - step), first + gap * step)
        found = found.astype(np.result_type(lines.dtype, q.dtype if not is_float else found.dtype))
    if is_float and not skip_nan:
        # NaN sorts to the end.
        found = np.where(np.isnan(lines[..., -1:]), lines[..., -1:], found)
    elif is_float:
        found = np.where(n == 0, np.nan, found)
    found = np.moveaxis(found, -1, 0)
    shape = tuple(1 if k in axes else a.shape[k] for k in range(a.ndim))
    if not keepdims:
        shape = tuple(a.shape[k] for k in kept)
    return found.reshape(q.shape + shape)[()]


def _weighted_quantiles(a: Any, q: Any, axis: Any, method: str, keepdims: bool, weights: Any) -> Any:
    """The first element at which the weights so far reach the share ``q`` of all."""
    if method != "inverted_cdf":
        raise ValueError(f"only method 'inverted_cdf' supports weights, not {method!r}")
    a, weights, q = np.asarray(a), np.asarray(weights), np.asarray(q, dtype=np.float64)
    axes = _axes(axis, a.ndim)
    if weights.shape != a.shape:
        (only,) = axes
        weights = weights.reshape([-1 if k == only else 1 for k in range(a.ndim)])
    kept = [k for k in range(a.ndim) if k not in axes]
    outer = tuple(a.shape[k] for k in kept)
    lines = np.transpose(a, kept + axes).reshape((*outer, -1))
    shares = np.transpose(np.broadcast_to(weights, a.shape), kept + axes).reshape((*outer, -1))
    order = np.argsort(lines, axis=-1, kind="stable")
    so_far = np.cumsum(np.take_along_axis(shares, order, axis=-1), axis=-1, dtype=np.float64)
    so_far = so_far / so_far[..., -1:]
    wanted = np.where(q.reshape(-1) == 0, np.nextafter(0.0, 1.0), q.reshape(-1))
    place = np.sum(so_far[..., None, :] < wanted[:, None], axis=-1)
    place = np.minimum(place, lines.shape[-1] - 1)
    found = np.take_along_axis(np.take_along_axis(lines, order, axis=-1), place, axis=-1)
    shape = tuple(1 if k in axes else a.shape[k] for k in range(a.ndim)) if keepdims else outer
    return np.moveaxis(found, -1, 0).reshape(q.shape + shape)


@_of(np.quantile)
def _quantile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Any:
    if out is not None:
        uncovered("out=")
    if weights is not None:
        return _weighted_quantiles(a, q, axis, method, keepdims, weights)
    return _quantiles(a, q, axis, method, keepdims, False)


@_of(np.percentile)
def _percentile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Any:
    if out is not None:
        uncovered("out=")
    q = q / 100 if isinstance(q, (int, float)) else np.asarray(q) / 100
    if weights is not None:
        return _weighted_quantiles(a, q, axis, method, keepdims, weights)
    return _quantiles(a, q, axis, method, keepdims, False)


@_of(np.nanquantile)
def _nanquantile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Any:
    if weights is not None or out is not None:
        uncovered("weighted quantiles")
    return _quantiles(a, q, axis, method, keepdims, True)


@_of(np.nanpercentile)
def _nanpercentile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Any:
    if weights is not None or out is not None:
        uncovered("weighted percentiles")
    q = q / 100 if isinstance(q, (int, float)) else np.asarray(q) / 100
    return _quantiles(a, q, axis, method, keepdims, True)


@_of(np.nanmedian)
def _nanmedian(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: bool = False
) -> Any:
    if out is not None:
        uncovered("out=")
    return _quantiles(a, 0.5, axis, "midpoint", bool(keepdims), True)


# -- histograms --------------------------------------------------------------------------------


def _edges(a: Any, bins: Any, range: Any) -> Any:
    if isinstance(bins, str):
        uncovered("the number of bins by a rule")
    if np.ndim(bins) == 1:
        return np.asarray(bins)
    if range is not None:
        first, last = range
    elif a.size == 0:
        first, last = 0.0, 1.0
    else:
        first, last = a.min(), a.max()
    same = first == last
    first, last = np.where(same, first - 0.5, first), np.where(same, last + 0.5, last)
    return np.linspace(first, last, operator.index(bins) + 1, dtype=np.result_type(first, last, 1.0))


def _bin(a: Any, edges: Any, bins: Any) -> tuple[Any, Any]:
    """The bin of each element, and whether it is in any; the last bin has both its ends."""
    inside = (a >= edges[0]) & (a <= edges[-1])
    last = edges.shape[0] - 2
    if np.ndim(bins) == 1:
        return np.clip(np.searchsorted(edges, a, side="right") - 1, 0, last), inside
    # Bins of one width: by division, which rounding may leave one off.
    scaled = (a - edges[0]) * ((last + 1) / (edges[-1] - edges[0]))
    at = np.where(inside, scaled, 0).astype(np.intp).clip(0, last)
    at = at - (a < edges[at])
    return np.clip(at + ((a >= edges[at + 1]) & (at < last)), 0, last), inside


@_of(np.histogram_bin_edges)
def _histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    return _edges(np.asarray(a).reshape(-1), bins, range)


@_of(np.histogram)
def _histogram(a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    a = np.asarray(a).reshape(-1)
    edges = _edges(a, bins, range)
    at, inside = _bin(a, edges, bins)
    if weights is None:
        counts = np.zeros(edges.shape[0] - 1, dtype=np.intp)
        np.add.at(counts, at, inside.astype(np.intp))
    else:
        weights = np.asarray(weights).reshape(-1)
        counts = np.zeros(edges.shape[0] - 1, dtype=weights.dtype)
        np.add.at(counts, at, np.where(inside, weights, 0).astype(weights.dtype))
    if density:
        return counts / np.diff(edges) / counts.sum(), edges
    return counts, edges


@_of(np.histogramdd)
def _histogramdd(
    sample: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> Any:
    columns = [np.asarray(s) for s in sample] if isinstance(sample, (list, tuple)) else None
    if columns is None:
        sample = np.asarray(sample)
        sample = sample[:, None] if sample.ndim == 1 else sample
        columns = [sample[:, k] for k in _count(sample.shape[1])]
    rank = len(columns)
    bins = [bins] * rank if isinstance(bins, int) else list(bins)
    ranges = [None] * rank if range is None else list(range)
    edges = [_edges(columns[k], bins[k], ranges[k]) for k in _count(rank)]
    flat, inside = 0, True
    for k in _count(rank):
        at, within = _bin(columns[k], edges[k], edges[k])
        flat = flat * (edges[k].shape[0] - 1) + at
        inside = within & inside
    shape = tuple(e.shape[0] - 1 for e in edges)
    counts = np.zeros(_product(shape))
    np.add.at(counts, flat, np.where(inside, 1.0 if weights is None else weights, 0.0))
    hist = counts.reshape(shape)
    if density:
        total = hist.sum()
        for k in _count(rank):
            widths = np.diff(edges[k])
            hist = hist / widths.reshape([-1 if j == k else 1 for j in _count(rank)])
        hist = hist / total
    return hist, edges


def _count(n: int) -> Any:
    """``range``, which a parameter of NumPy's hides."""
    return range(n)


# -- positions ---------------------------------------------------------------------------------


@_of(np.unravel_index)
def _unravel_index(indices: Any, shape: Any, order: str = "C") -> Any:
    sizes = list(shape) if isinstance(shape, (tuple, list)) else [shape]
    rest = np.asarray(indices)
    if order == "C":
        sizes = sizes[::-1]
    out = []
    for size in sizes[:-1]:
        out.append(rest % size)
        rest = rest // size
    out.append(rest)
    return tuple(out[::-1] if order == "C" else out)


@_of(np.ravel_multi_index)
def _ravel_multi_index(multi_index: Any, dims: Any, mode: Any = "raise", order: str = "C") -> Any:
    parts = [np.asarray(i) for i in multi_index]
    dims = list(dims) if isinstance(dims, (tuple, list)) else [dims]
    modes = list(mode) if isinstance(mode, (tuple, list)) else [mode] * len(parts)
    for k in range(len(parts)):
        if modes[k] == "clip":
            parts[k] = np.clip(parts[k], 0, dims[k] - 1)
        elif modes[k] == "wrap":
            parts[k] = parts[k] % dims[k]
    if order == "F":
        parts, dims = parts[::-1], dims[::-1]
    flat = parts[0]
    for k in range(1, len(parts)):
        flat = flat * dims[k] + parts[k]
    return flat[()]


# -- joining and cutting -----------------------------------------------------------------------


@_of(np.delete)
def _delete(arr: Any, obj: Any, axis: Any = None) -> Any:
    arr = np.asarray(arr)
    if axis is None:
        arr, axis = arr.reshape(-1), 0
    axis = _axis(axis, arr.ndim)
    n = arr.shape[axis]
    if isinstance(obj, int):
        obj = [obj]
    if isinstance(obj, slice):
        gone = list(range(n))[obj]
    elif isinstance(obj, (list, tuple)):
        if any(isinstance(i, bool) for i in obj):
            return np.compress(~np.asarray(obj), arr, axis=axis)
        gone = []
        for i in obj:
            if not -n <= i < n:
                raise IndexError(f"index {i} is out of bounds for axis {axis} with size {n}")
            gone.append(i % n)
    else:
        obj = np.asarray(obj)
        if obj.dtype == bool:
            return np.compress(~obj, arr, axis=axis)
        keep = np.ones(n, dtype=bool)
        keep[obj] = False
        return np.compress(keep, arr, axis=axis)
    kept = [i for i in range(n) if i not in gone]
    return np.take(arr, np.array(kept, dtype=np.intp), axis=axis)


@_of(np.insert)
def _insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    arr = np.asarray(arr)
    if axis is None:
        arr, axis = arr.reshape(-1), 0
    axis = _axis(axis, arr.ndim)
    n = arr.shape[axis]
    values = np.asarray(values).astype(arr.dtype)
    if isinstance(obj, int):
        # As NumPy: the first axis of the values is the new one.
        while values.ndim < arr.ndim:
            values = values[None]
        values = np.moveaxis(values, 0, axis)
        obj = [obj] * values.shape[axis]
    if isinstance(obj, slice):
        uncovered("insertion where a slice says")
    at: Any = np.asarray(obj)
    if at.ndim != 1 or (at.shape[0] > 0 and at.dtype.kind not in "iu"):
        uncovered("insertion where a mask says")
    if np.any((at < -n) | (at > n)):
        raise IndexError(f"index out of bounds for axis {axis} with size {n}")
    at = np.where(at < 0, at + n, at)
    count = at.shape[0]
    values = np.broadcast_to(values, tuple(count if k == axis else arr.shape[k] for k in range(arr.ndim)))
    # The new elements come before the old one at the same place.
    places = np.concatenate([2 * np.arange(n) + 1, 2 * at])
    joined = np.concatenate([arr, values], axis=axis)
    return np.take(joined, np.argsort(places, kind="stable"), axis=axis)


@_of(np.ediff1d)
def _ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    ary = np.asarray(ary).reshape(-1)
    parts = [ary[1:] - ary[:-1]]
    if to_begin is not None:
        parts.insert(0, np.asarray(to_begin).reshape(-1).astype(ary.dtype))
    if to_end is not None:
        parts.append(np.asarray(to_end).reshape(-1).astype(ary.dtype))
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


@_of(np.resize)
def _resize(a: Any, new_shape: Any) -> Any:
    shape = tuple(new_shape) if isinstance(new_shape, (tuple, list)) else (new_shape,)
    flat = np.asarray(a).reshape(-1)
    size = _product(shape)
    if size == 0 or flat.shape[0] == 0:
        return np.zeros(shape, dtype=flat.dtype)
    return flat[np.arange(size) % flat.shape[0]].reshape(shape)


@_of(np.block)
def _block(arrays: Any) -> Any:
    def depth(part: Any) -> int:
        return 1 + depth(part[0]) if isinstance(part, list) else 0

    def rank(part: Any) -> int:
        return max(rank(p) for p in part) if isinstance(part, list) else np.ndim(part)

    levels = depth(arrays)
    ndim = max(levels, rank(arrays))

    def joined(part: Any, level: int) -> Any:
        if isinstance(part, list):
            return np.concatenate([joined(p, level + 1) for p in part], axis=level - levels)
        part = np.asarray(part)
        return part.reshape((1,) * (ndim - part.ndim) + part.shape)

    return joined(arrays, 0)


@_of(np.pad)
def _pad(array: Any, pad_width: Any, mode: Any = "constant", **options: Any) -> Any:
    """The modes that depend on values; the others are operations."""
    array = np.asarray(array)
    odd = options.get("reflect_type") == "odd"
    if mode not in ("maximum", "minimum", "mean", "median", "linear_ramp") and not odd:
        uncovered(f"mode {mode!r}")
    lengths = _pairs(options.get("stat_length"), array.ndim)
    for axis, (before, after) in enumerate(_pairs(pad_width, array.ndim)):
        lines = np.moveaxis(array, axis, 0)
        if mode == "linear_ramp":
            low, high = _pairs(options.get("end_values", 0), array.ndim)[axis]
            start = np.linspace(low, lines[0], before, endpoint=False)
            end = np.linspace(high, lines[-1], after, endpoint=False)[::-1]
        elif odd:
            # Symmetric reflection repeats the edge.
            skip = 1 if mode == "reflect" else 0
            if max(before, after) > lines.shape[0] - skip:
                uncovered("more reflections than one")
            start = 2 * lines[:1] - lines[skip : before + skip][::-1]
            end = 2 * lines[-1:] - lines[lines.shape[0] - after - skip : lines.shape[0] - skip][::-1]
        else:
            stat: dict[str, Any] = {
                "maximum": np.max,
                "minimum": np.min,
                "mean": np.mean,
                "median": np.median,
            }
            low, high = lengths[axis]
            sides = []
            last = lines if high is None else lines[lines.shape[0] - high :]
            for size, part in ((before, lines[:low]), (after, last)):
                value = stat[mode](part, axis=0, keepdims=True)
                if lines.dtype.kind in "iu":
                    value = np.round(value)
                sides.append(np.broadcast_to(value, (size, *lines.shape[1:])))
            start, end = sides
        parts = [start.astype(array.dtype), lines, end.astype(array.dtype)]
        array = np.moveaxis(np.concatenate(parts), 0, axis)
    return array


def _pairs(widths: Any, rank: int) -> list[Any]:
    """Before and after, for each axis."""
    if not isinstance(widths, (tuple, list)):
        return [(widths, widths)] * rank
    first = widths[0]
    if not isinstance(first, (tuple, list)):
        pair = (first, first) if len(widths) == 1 else tuple(widths)
        return [pair] * rank
    pairs = [tuple(w) if len(w) == 2 else (w[0], w[0]) for w in widths]
    return pairs * rank if len(pairs) == 1 else pairs


# -- choices -----------------------------------------------------------------------------------


@_of(np.choose)
def _choose(a: Any, choices: Any, out: Any = None, mode: str = "raise") -> Any:
    n = len(choices)
    if mode not in ("clip", "wrap") or out is not None:
        uncovered(f"mode {mode!r}")
    return np.choose(np.clip(a, 0, n - 1) if mode == "clip" else np.asarray(a) % n, choices)


@_of(np.piecewise)
def _piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    x = np.asarray(x)
    if not isinstance(condlist, (list, tuple)):
        condlist = [condlist]
    conditions = [np.asarray(c).astype(bool) for c in condlist]
    if len(conditions) == len(funclist) - 1:
        none = ~conditions[0]
        for condition in conditions[1:]:
            none = none & ~condition
        conditions.append(none)
    if len(conditions) != len(funclist):
        raise ValueError("with one condition more or none there must be as many functions")
    y = np.zeros(x.shape, dtype=x.dtype)
    for condition, function in zip(conditions, funclist, strict=True):
        if isinstance(function, (int, float, complex, np.generic, np.ndarray)):
            y[condition] = function
        else:
            y[condition] = function(x[condition], *args, **kw)
    return y


@_of(np.apply_along_axis)
def _apply_along_axis(func1d: Any, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    arr = np.asarray(arr)
    axis = _axis(axis, arr.ndim)
    lines = np.moveaxis(arr, axis, -1)
    outer = lines.shape[:-1]
    if _product(outer) > 256:
        uncovered("more than 256 lines: each becomes its own piece of the graph")
    lines = lines.reshape((-1, *lines.shape[-1:]))
    results = [np.asarray(func1d(lines[k], *args, **kwargs)) for k in range(lines.shape[0])]
    inner = results[0].shape
    whole = np.stack(results).reshape(outer + inner)
    # The axes of a result take the place of the axis that was given.
    order = list(range(axis)) + list(range(len(outer), len(outer) + len(inner)))
    return np.transpose(whole, order + list(range(axis, len(outer))))


def _element(column: Any, k: int) -> Any:
    return column[k] if isinstance(column, list) else column[k].item()


@_of(np.vectorize._vectorize_call)  # type: ignore[attr-defined]
def _vectorize_call(vectorized: Any, func: Any, args: Any) -> Any:
    """Of one element after the other."""
    if vectorized.signature is not None:
        uncovered("a signature")
    if not args:
        return func()
    plain = (np.ndarray, np.generic, bool, int, float, complex, list, tuple)
    given = np.broadcast_arrays(*[arg for arg in args if isinstance(arg, plain)])
    if not given:
        uncovered("no arrays")
    shape, count = given[0].shape, given[0].size
    if count > 256 or (count == 0 and vectorized.otypes is None):
        uncovered("more than 256 elements: each becomes its own piece of the graph")
    if count == 0:
        empty = [np.zeros(shape, dtype=np.dtype(t)) for t in vectorized.otypes]
        return tuple(empty) if len(empty) > 1 else empty[0]
    elements = iter([a.reshape(-1) for a in given])
    # Other objects go to each call as they are.
    columns = [next(elements) if isinstance(arg, plain) else [arg] * count for arg in args]
    results = [func(*[_element(c, k) for c in columns]) for k in range(count)]
    types = vectorized.otypes
    if isinstance(results[0], tuple):
        outputs = [np.stack([np.asarray(r[i]) for r in results]) for i in range(len(results[0]))]
    else:
        outputs = [np.stack([np.asarray(r) for r in results])]
    if types is None:
        types = [output.dtype for output in outputs]
    outputs = [o.astype(np.dtype(t)).reshape(shape) for o, t in zip(outputs, types, strict=True)]
    return tuple(outputs) if isinstance(results[0], tuple) else outputs[0]


@_of(_function_base_impl._parse_input_dimensions)  # type: ignore[attr-defined]
def _parse_input_dimensions(args: Any, input_core_dims: Any) -> Any:
    """Of a vectorized function with a signature: the shape of its loop, and the sizes by name."""
    sizes: dict[str, Any] = {}
    outer = []
    for arg, core_dims in zip(args, input_core_dims, strict=False):
        _function_base_impl._update_dim_sizes(sizes, arg, core_dims)  # type: ignore[attr-defined]
        outer.append(arg.shape[: arg.ndim - len(core_dims)])
    return np.broadcast_shapes(*outer), sizes


@_of(np.array_equiv)
def _array_equiv(a1: Any, a2: Any) -> Any:
    a1, a2 = np.broadcast_arrays(a1, a2)
    return np.array_equal(a1, a2)


# -- polynomials, windows, products ------------------------------------------------------------


def _aligned(a1: Any, a2: Any) -> tuple[Any, Any]:
    """Coefficients of the same number, by zeros in front."""
    a1, a2 = np.atleast_1d(a1), np.atleast_1d(a2)
    n, m = a1.shape[0], a2.shape[0]
    if n < m:
        a1 = np.concatenate((np.zeros(m - n, dtype=a1.dtype), a1))
    elif m < n:
        a2 = np.concatenate((np.zeros(n - m, dtype=a2.dtype), a2))
    return a1, a2


@_of(np.polyadd)
def _polyadd(a1: Any, a2: Any) -> Any:
    a1, a2 = _aligned(a1, a2)
    return a1 + a2


@_of(np.polysub)
def _polysub(a1: Any, a2: Any) -> Any:
    a1, a2 = _aligned(a1, a2)
    return a1 - a2


@_of(np.polyint)
def _polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    p = np.asarray(p)
    constants = [0] * m if k is None else list(np.atleast_1d(k))
    constants = constants * m if len(constants) == 1 else constants
    for step in range(m):
        p = p / np.arange(p.shape[0], 0, -1)
        p = np.concatenate((p, np.atleast_1d(np.asarray(constants[step], dtype=p.dtype))))
    return p


@_of(np.poly)
def _poly(seq_of_zeros: Any) -> Any:
    zeros = np.asarray(seq_of_zeros)
    if zeros.ndim != 1 or zeros.dtype.kind == "c":
        uncovered("the polynomial of a matrix, or of complex zeros")
    a = np.ones(1, dtype=np.result_type(zeros.dtype, np.float64))
    for k in range(zeros.shape[0]):
        shifted = np.concatenate((np.zeros(1, dtype=a.dtype), a))
        a = np.concatenate((a, np.zeros(1, dtype=a.dtype))) - zeros[k] * shifted
    return a


@_of(np.kaiser)
def _kaiser(M: int, beta: Any) -> Any:
    if M == 1:
        return np.ones(1)
    n = np.arange(0, M)
    alpha = (M - 1) / 2.0
    return np.i0(beta * np.sqrt(1 - ((n - alpha) / alpha) ** 2.0)) / np.i0(beta)


def _special_order(ord: Any, orders: tuple[Any, ...]) -> Any:
    """The order that a computed number is, on this call; ``None`` if it is none of them."""
    if not isinstance(ord, (float, np.floating)):
        uncovered("this `ord`")
    for order in orders:
        if ord == order:
            return order
    return None


@_of(np.linalg.norm)
def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    x = np.asarray(x)
    rank = x.ndim if axis is None else len(_axes(axis, x.ndim))
    if rank != 1:
        order = _special_order(ord, (np.inf, -np.inf, 1, -1, 2, -2))
        if order is None:
            raise ValueError("Invalid norm order for matrices.")
        return np.linalg.norm(x, order, axis, keepdims)
    order = _special_order(ord, (np.inf, -np.inf, 0))
    if order is not None:
        return np.linalg.norm(x, order, axis, keepdims)
    return np.sum(np.abs(x) ** ord, axis=axis, keepdims=keepdims) ** (1 / ord)


@_of(np.linalg.cond)
def _cond(x: Any, p: Any = None) -> Any:
    order = _special_order(p, (np.inf, -np.inf, 1, -1, 2, -2))
    if order is None:
        raise ValueError("Invalid norm order for matrices.")
    return np.linalg.cond(x, order)


@_of(multiarray.c_einsum)
def _c_einsum(*operands: Any, **options: Any) -> Any:
    """One step of a path."""
    return np.einsum(*operands, **options)


@_of(np.matvec)
def _matvec(x1: Any, x2: Any, /) -> Any:
    return np.matmul(x1, np.asarray(x2)[..., None])[..., 0]


@_of(np.vecmat)
def _vecmat(x1: Any, x2: Any, /) -> Any:
    return np.matmul(np.conj(x1)[..., None, :], x2)[..., 0, :]


@_of(np.gradient)
def _gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    f = np.asarray(f)
    axes = _axes(axis, f.ndim)
    if len(varargs) == 0:
        spacings = [1.0] * len(axes)
    elif len(varargs) == 1 and np.ndim(varargs[0]) == 0:
        spacings = list(varargs) * len(axes)
    elif len(varargs) == len(axes):
        spacings = list(varargs)
    else:
        raise TypeError("invalid number of arguments")
    if edge_order > 2:
        raise ValueError("'edge_order' greater than 2 not supported")
    if f.dtype.kind in "iub":
        f = f.astype(np.float64)
    results = []
    for at, spacing in zip(axes, spacings, strict=True):
        y = np.moveaxis(f, at, 0)
        if y.shape[0] < edge_order + 1:
            raise ValueError("Shape of array too small to calculate a numerical gradient")
        if np.ndim(spacing) == 0:
            slope = _uniform_gradient(y, spacing, edge_order)
        else:
            slope = _gradient_at(y, np.asarray(spacing, dtype=y.dtype), edge_order)
        results.append(np.moveaxis(slope, 0, at))
    return results[0] if len(results) == 1 else tuple(results)


def _uniform_gradient(y: Any, h: Any, edge_order: int) -> Any:
    inner = (y[2:] - y[:-2]) / (2.0 * h)
    if edge_order == 1:
        first, last = (y[1] - y[0]) / h, (y[-1] - y[-2]) / h
    else:
        first = -1.5 / h * y[0] + 2.0 / h * y[1] - 0.5 / h * y[2]
        last = 0.5 / h * y[-3] - 2.0 / h * y[-2] + 1.5 / h * y[-1]
    return np.concatenate((first[None], inner, last[None]))


def _gradient_at(y: Any, x: Any, edge_order: int) -> Any:
    dx = np.diff(x).reshape((-1,) + (1,) * (y.ndim - 1))
    before, after = dx[:-1], dx[1:]
    inner = (
        -after / (before * (before + after)) * y[:-2]
        + (after - before) / (before * after) * y[1:-1]
        + before / (after * (before + after)) * y[2:]
    )
    if edge_order == 1:
        first, last = (y[1] - y[0]) / dx[0], (y[-1] - y[-2]) / dx[-1]
    else:
        one, two = dx[0], dx[1]
        first = (
            -(2.0 * one + two) / (one * (one + two)) * y[0]
            + (one + two) / (one * two) * y[1]
            - one / (two * (one + two)) * y[2]
        )
        one, two = dx[-2], dx[-1]
        last = (
            two / (one * (one + two)) * y[-3]
            - (two + one) / (one * two) * y[-2]
            + (2.0 * two + one) / (two * (one + two)) * y[-1]
        )
    return np.concatenate((first[None], inner, last[None]))


# -- methods of ufuncs -------------------------------------------------------------------------

_ASSOCIATIVE = (
    np.add, np.multiply, np.maximum, np.minimum, np.fmax, np.fmin, np.logaddexp, np.logaddexp2,
    np.hypot, np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.logical_and, np.logical_or,
    np.logical_xor, np.gcd, np.lcm,
)  # fmt: skip


@_method("ufunc.outer")
def _outer(ufunc: Any, A: Any, B: Any, /, **options: Any) -> Any:
    A, B = np.asarray(A), np.asarray(B)
    return ufunc(A.reshape(A.shape + (1,) * B.ndim), B, **options)


@_method("ufunc.reduce")
def _reduce(
    ufunc: Any,
    a: Any,
    axis: Any = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = np._NoValue,
    where: Any = True,
) -> Any:
    a = np.asarray(a, dtype=dtype)
    start = ufunc.identity if initial is np._NoValue else initial
    if out is not None or (where is not True and start is None):
        uncovered("this reduction")
    if where is not True:
        a = np.where(where, a, start).astype(a.dtype)
    axes = _axes(axis, a.ndim)
    if len(axes) > 1 and ufunc not in _ASSOCIATIVE:
        raise ValueError("reduction operation is not reorderable, so at most one axis may be specified")
    kept = tuple(1 if k in axes else a.shape[k] for k in range(a.ndim))
    others = [k for k in range(a.ndim) if k not in axes]
    lines = np.transpose(a, axes + others).reshape((-1, *tuple(a.shape[k] for k in others)))
    n = lines.shape[0]
    if n == 0:
        uncovered("an empty reduction")
    if ufunc is np.subtract:
        total = lines[0] - np.sum(lines[1:], axis=0)
    elif ufunc is np.divide:
        total = lines[0] / np.prod(lines[1:], axis=0)
    elif ufunc in _ASSOCIATIVE:
        # Halves are combined, so that the graph grows with the logarithm.
        while n > 1:
            half = n // 2
            pairs = ufunc(lines[:half], lines[half : 2 * half])
            lines = pairs if n % 2 == 0 else np.concatenate([pairs, lines[2 * half :]])
            n = n - half
        total = lines[0]
    else:
        uncovered("the order of its steps is NumPy's own")
    if initial is not np._NoValue:
        total = ufunc(initial, total)
    return np.reshape(total, kept)[()] if keepdims else total[()]


@_method("ufunc.accumulate")
def _accumulate(ufunc: Any, array: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
    array = np.asarray(array, dtype=dtype)
    if out is not None:
        uncovered("out=")
    axis = _axis(axis, array.ndim)
    lines = np.moveaxis(array, axis, 0)
    n = lines.shape[0]
    if ufunc is np.subtract:
        lines = np.concatenate([lines[:1], lines[:1] - np.cumsum(lines[1:], axis=0)])
    elif ufunc is np.divide:
        lines = np.concatenate([lines[:1], lines[:1] / np.cumprod(lines[1:], axis=0)])
    elif ufunc in _ASSOCIATIVE:
        # Prefixes of doubling length (Hillis and Steele, *Data parallel algorithms*, 1986).
        shift = 1
        while shift < n:
            lines = np.concatenate([lines[:shift], ufunc(lines[:-shift], lines[shift:])])
            shift = 2 * shift
    else:
        if n > 256:
            uncovered("more than 256 steps: each becomes its own piece of the graph")
        rows = [lines[0]]
        for k in range(1, n):
            rows.append(ufunc(rows[-1], lines[k]))
        lines = np.stack(rows)
    return np.moveaxis(lines, 0, axis)


@_method("ufunc.reduceat")
def _reduceat(ufunc: Any, array: Any, indices: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
    array = np.asarray(array, dtype=dtype)
    if out is not None:
        uncovered("out=")
    indices = [int(i) for i in indices]
    axis = _axis(axis, array.ndim)
    lines = np.moveaxis(array, axis, 0)
    n = lines.shape[0]
    ends = [*list(indices[1:]), n]
    parts = []
    for start, end in zip(indices, ends, strict=True):
        if not 0 <= start < n:
            raise IndexError(f"index {start} out-of-bounds in {ufunc.__name__}.reduceat [0, {n})")
        parts.append(ufunc.reduce(lines[start:end], axis=0) if start < end else lines[start])
    return np.moveaxis(np.stack(parts), 0, axis)


@_method("ufunc.at")
def _at(ufunc: Any, a: Any, indices: Any, b: Any = None, /) -> None:
    """One index after the other, since an element may be met several times."""
    key = indices if isinstance(indices, tuple) else (indices,)
    if any(k is None or k is ... or isinstance(k, slice) for k in key):
        uncovered("indices that are not arrays")
    arrays = [np.asarray(k) for k in key]
    if any(k.dtype.kind not in "iu" for k in arrays):
        uncovered("indices that are not integers")
    places = np.broadcast_arrays(*arrays)
    shape = places[0].shape
    rows = [place.reshape(-1) for place in places]
    if len(rows) > 3:
        uncovered("more than three arrays of indices")
    i, j, k = rows[0], rows[min(1, len(rows) - 1)], rows[-1]
    inner = a.shape[len(rows) :]
    values = None if ufunc.nin == 1 else np.broadcast_to(b, shape + inner).reshape((-1, *inner))
    for n in range(i.shape[0]):
        if len(rows) == 1:
            a[i[n]] = ufunc(a[i[n]]) if values is None else ufunc(a[i[n]], values[n])
        elif len(rows) == 2:
            a[i[n], j[n]] = ufunc(a[i[n], j[n]]) if values is None else ufunc(a[i[n], j[n]], values[n])
        else:
            old = a[i[n], j[n], k[n]]
            a[i[n], j[n], k[n]] = ufunc(old) if values is None else ufunc(old, values[n])
