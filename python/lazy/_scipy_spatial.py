"""SciPy's distances and rotations that end in compiled code, as NumPy code: see `lazy._equivalents`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

Table = dict[Any, Callable[..., Any]]

# -- distances ---------------------------------------------------------------------------------


def pairs(n: int) -> Any:
    """The indices of all pairs, which lifting asks for rather than enters: `n` is known by then."""
    return np.triu_indices(n, 1)


def _pairs(between: Any) -> Any:
    def pdist(X: Any, w: Any = None, out: Any = None, p: Any = 2.0) -> Any:
        i, j = pairs(len(X))
        return _put(out, between(X[i], X[j], w, p))

    return pdist


def _all_pairs(between: Any) -> Any:
    def cdist(XA: Any, XB: Any, w: Any = None, out: Any = None, p: Any = 2.0) -> Any:
        return _put(out, between(XA[:, None, :], XB[None, :, :], w, p))

    return cdist


def _put(out: Any, result: Any) -> Any:
    if out is None:
        return result
    out[...] = result
    return out


def _sum(x: Any, w: Any) -> Any:
    return np.sum(x if w is None else x * w, axis=-1)


def _chebyshev(u: Any, v: Any, w: Any, p: Any) -> Any:
    size = np.abs(u - v)
    return np.max(size if w is None else size * (w > 0), axis=-1)


def _canberra(u: Any, v: Any, w: Any, p: Any) -> Any:
    total = np.abs(u) + np.abs(v)
    return _sum(np.where(total > 0, np.abs(u - v) / np.where(total > 0, total, 1.0), 0.0), w)


# Of two points, weights and a power.
_METRICS: dict[str, Callable[..., Any]] = {
    "sqeuclidean": lambda u, v, w, p: _sum((u - v) ** 2, w),
    "euclidean": lambda u, v, w, p: np.sqrt(_sum((u - v) ** 2, w)),
    "cityblock": lambda u, v, w, p: _sum(np.abs(u - v), w),
    "chebyshev": _chebyshev,
    "minkowski": lambda u, v, w, p: _sum(np.abs(u - v) ** p, w) ** (1 / p),
    "braycurtis": lambda u, v, w, p: _sum(np.abs(u - v), w) / _sum(np.abs(u + v), w),
    "canberra": _canberra,
}


def _cosine(u: Any, v: Any) -> Any:
    lengths = np.sqrt(np.sum(u * u, axis=-1) * np.sum(v * v, axis=-1))
    return 1.0 - np.sum(u * v, axis=-1) / lengths


def _jensen_shannon(u: Any, v: Any) -> Any:
    from scipy import special

    p, q = u / np.sum(u, axis=-1, keepdims=True), v / np.sum(v, axis=-1, keepdims=True)
    middle = (p + q) / 2
    return np.sqrt(np.sum(special.rel_entr(p, middle) + special.rel_entr(q, middle), axis=-1) / 2)


def _mahalanobis(u: Any, v: Any, VI: Any) -> Any:
    delta = u - v
    return np.sqrt(np.sum((delta @ VI) * delta, axis=-1))


_BETWEEN: dict[str, Callable[..., Any]] = {
    "cosine": _cosine,
    "jensenshannon": _jensen_shannon,
    "mahalanobis": _mahalanobis,
    "seuclidean": lambda u, v, V: np.sqrt(np.sum((u - v) ** 2 / V, axis=-1)),
}


def _fill_all_pairs(between: Callable[..., Any]) -> Callable[..., Any]:
    def cdist(XA: Any, XB: Any, dm: Any, **options: Any) -> None:
        dm[...] = between(XA[:, None, :], XB[None, :, :], **options)

    return cdist


def _fill_pairs(between: Callable[..., Any]) -> Callable[..., Any]:
    def pdist(X: Any, dm: Any, **options: Any) -> None:
        i, j = pairs(len(X))
        dm[...] = between(X[i], X[j], **options)

    return pdist


def _to_square(M: Any, v: Any) -> None:
    i, j = pairs(len(M))
    M[i, j] = v
    M[j, i] = v


def _to_vector(X: Any, v: Any) -> None:
    i, j = pairs(len(X))
    v[...] = X[i, j]


def _distances() -> Table:
    module = sys.modules["scipy.spatial.distance"]
    found: Table = {}
    for name, function in _METRICS.items():
        for kind, make in (("pdist", _pairs), ("cdist", _all_pairs)):
            compiled = getattr(module._distance_pybind, f"{kind}_{name}", None)
            if compiled is not None:
                found[compiled] = make(function)
    wrap = module._distance_wrap
    for name, between in _BETWEEN.items():
        found[getattr(wrap, f"cdist_{name}_double_wrap")] = _fill_all_pairs(between)
        found[getattr(wrap, f"pdist_{name}_double_wrap")] = _fill_pairs(between)
    found[wrap.to_squareform_from_vector_wrap] = _to_square
    found[wrap.to_vector_from_squareform_wrap] = _to_vector
    return found


# -- rotations ---------------------------------------------------------------------------------


def _rotations() -> Table:
    """SciPy's own functions for other kinds of arrays."""
    compiled = sys.modules["scipy.spatial.transform._rotation_cy"]
    general = sys.modules["scipy.spatial.transform._rotation_xp"]
    names = [name for name in vars(general) if not name.startswith("_") and hasattr(compiled, name)]
    functions = {name: getattr(general, name) for name in names}
    return {getattr(compiled, name): f for name, f in functions.items() if callable(f)}


TABLES: dict[str, Callable[[], Table]] = {
    "scipy.spatial.distance": _distances,
    "scipy.spatial.transform._rotation": _rotations,
}
