"""NumPy code that stands for NumPy's functions, against them: value, dtype and shape.

Each row of `lazy._equivalents` has cases; a row without one fails. The code is called as Python, then lifted.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from numpy._core import multiarray
from numpy.lib import _function_base_impl

import lazy
from lazy import _equivalents

X = np.array([0.3, 1.7, -0.4, 2.2, 0.9, 0.3])
A = np.arange(12.0).reshape(3, 4) * 0.37 % 1.3 - 0.4
B = np.abs(A) + 0.5
S = np.array([0.1, 0.5, 1.2, 2.0])
C = np.arange(24.0).reshape(2, 3, 4) % 7.0
HOLES = np.array([[1.0, np.nan, 3.0, 2.0], [np.nan] * 4])
COUNTS = np.array([1, 3, 1, 0])
NOT_FINITE = [
    np.array([1.0, np.nan, 2.0, 3.0]),
    np.array([1.0, np.inf, np.inf, 2.0]),
    np.array([1.0, 2.0, -np.inf, np.nan]),
    np.array([1.0, np.inf, 2.0, 3.0]) + 1j * S,
]
METHODS = [
    "linear",
    "lower",
    "higher",
    "nearest",
    "midpoint",
    "inverted_cdf",
    "averaged_inverted_cdf",
    "closest_observation",
    "interpolated_inverted_cdf",
    "hazen",
    "weibull",
    "median_unbiased",
    "normal_unbiased",
]
Case = tuple[tuple[Any, ...], dict[str, Any]]


def c(*args: Any, **keywords: Any) -> Case:
    return args, keywords


def quantiles(scale: float) -> list[Case]:
    levels = [0.0, 0.1, 0.25, 0.3, 0.5, 0.77, 1.0]
    return [
        *(c(X, q * scale, method=m) for m in METHODS for q in levels),
        *(c(np.arange(7), q * scale, method=m) for m in METHODS for q in levels[1::2]),
        *(c(X.astype("float32"), q * scale, method=m) for m in METHODS for q in levels[1::2]),
        *(c(A, [0.2 * scale, 0.8 * scale], axis=1, method=m) for m in METHODS),
        c(C, 0.3 * scale, axis=(0, 2), keepdims=True),
        *(c(values, q) for values in (X, COUNTS) for q in (0, 1, np.array([0, 1]))),
        c(HOLES, 0.3 * scale, axis=1),
        *(c(X, q * scale, method="inverted_cdf", weights=X + 1) for q in levels),
        c(A, [0.3 * scale, 0.6 * scale], axis=0, method="inverted_cdf", weights=S[:3], keepdims=True),
        c(A, 0.4 * scale, axis=1, method="inverted_cdf", weights=B),
    ]


FUNCTIONS: dict[Any, list[Case]] = {
    np.repeat: [c(S, COUNTS), c(A, np.array([0, 2, 1]), axis=0), c(A[0], np.arange(len(A[0])))],
    np.digitize: [
        *(c(x, bins, right=right) for x in (X, S, 0.5) for bins in (S, S[::-1]) for right in (False, True)),
        *(c(COUNTS, bins) for bins in ([0, 1, 1, 3], [3, 1, 1, 0], [1, 1], [2])),
    ],
    np.interp: [
        c(X, S, S**2),
        c(X, S, S**2, left=-1.0, right=9.0),
        c(X, S, S**2, period=1.5),
        c(1.0, S, S),
        c(X, S, S + 1j * S),
        c(np.array([np.nan, 0.1, 2.0]), S, S),
        c(np.array([0.1, 0.4, 0.8]), np.array([0.9, 0.2, 0.4]), np.array([1.1, 1.4, 1.2])),
        *(c(np.concatenate([X, S, [np.nan, np.inf]]), S, fp) for fp in NOT_FINITE),
        *(c(x, [0.3], [2.0], left=-1.0) for x in (np.nan, X)),
    ],
    np.isin: [c(X, [0.3, 1.7]), c(X, [0.3, 1.7], invert=True), c(COUNTS, COUNTS[:2]), c(X, [np.nan])],
    np.bincount: [c(COUNTS), c(COUNTS, S), c(COUNTS, minlength=8)],
    np.fromiter: [c([0.5, 1.5], float), c((1, 2, 3), np.float32), c(range(3), "int64")],
    np.corrcoef: [c(A), c(X, S[[0, 1, 2, 3, 0, 1]]), c(A, rowvar=False), c(A + 1j * B), c(X)],
    np.lexsort: [c((X, X > 0)), c((A, B)), c((A, B), axis=0)],
    np.unique: [
        c(X),
        c(X, return_index=True, return_inverse=True, return_counts=True),
        c(np.round(A, 1), return_inverse=True),
        c(HOLES),
        c(HOLES, equal_nan=False),
        c(X[:0]),
        c(np.round(A, 0), axis=0),
        c(np.array([[2, 1, 2], [0, 3, 0]]), True, True, True, axis=1),
        c(C[[0, 1, 0]], return_counts=True, axis=0),
    ],
    np.unique_values: [c(X), c(HOLES)],
    np.union1d: [c(X, S)],
    np.setdiff1d: [c(X, S), c([1, 2, 3], [2, 5])],
    np.intersect1d: [c([1, 2, 3], [2, 5]), c(X, X[:2])],
    np.setxor1d: [c([1, 2, 3], [2, 5]), c(X, S)],
    np.quantile: quantiles(1.0),
    np.percentile: quantiles(100.0),
    np.nanquantile: [c(HOLES, 0.3, axis=1), c(HOLES, [0.2, 0.6]), c(X, 0.3, method="hazen")],
    np.nanpercentile: [c(HOLES, 30, axis=0), c(HOLES, [20, 60])],
    np.nanmedian: [c(HOLES), c(HOLES, axis=0), c(A, axis=1, keepdims=True)],
    np.histogram_bin_edges: [c(X, 4), c(X, S), c(X, 3, range=(0, 3))],
    np.histogram: [
        c(X, 4),
        c(X, 4, density=True, weights=X),
        c(X, bins=S),
        c(np.arange(5), 3, range=(0, 3)),
        c(np.ones(3), 2),
    ],
    np.histogramdd: [c(A, 3), c(A[:, :2], [2, S], weights=S[:3]), c((X, X**2), 2, density=True)],
    np.unravel_index: [c(np.array([3, 7]), (3, 4)), c(np.array([3, 7]), (3, 4), "F"), c(5, (2, 3))],
    np.ravel_multi_index: [
        c((np.array([1, 2]), np.array([3, 1])), (3, 4)),
        c((np.array([1, 2]), np.array([3, 5])), (3, 4), mode="clip"),
        c((np.array([1, 2]), np.array([3, 5])), (3, 4), mode="wrap", order="F"),
    ],
    np.delete: [c(A, 1, 1), c(X, [0, -1]), c(X, slice(1, 4, 2)), c(X, X > 0.5), c(A, -1)],
    np.insert: [
        c(X, 1, 5.0),
        c(A, 1, [1.0, 2.0, 3.0], 1),
        c(A, [0, 2], 9.0, axis=1),
        c(X, [3, 1], [7.0, 8.0]),
        c(X, 2, [1.0, 2.0]),
        c(COUNTS, -1, 2.7),
        c(X, np.array([3, 1, 3]), [7.0, 8.0, 9.0]),
        c(A, np.array([-1, 0]), B[:, :2], axis=1),
    ],
    np.ediff1d: [c(X), c(A, to_begin=1.0, to_end=[2.0, 3.0])],
    np.resize: [c(X, (3, 4)), c(A, 5), c(X, (0, 2))],
    np.block: [c([[A, A], [B, B]]), c([X, X]), c([1.0, X]), c(A)],
    np.pad: [
        c(A, 1, "mean"),
        c(A, ((1, 2), (0, 3)), "linear_ramp", end_values=2.0),
        c(X, (1, 2), "median"),
        c(COUNTS, 2, "maximum"),
        c(A, 1, "minimum"),
        c(A, 2, "mean", stat_length=((1, 2), (3, 1))),
        c(A, ((1, 0), (2, 3)), "reflect", reflect_type="odd"),
        c(X, (2, 1), "symmetric", reflect_type="odd"),
    ],
    np.choose: [
        c(np.array([0, 5, -1]), [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], mode="wrap"),
        c(np.array([0, 5, -1]), [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], mode="clip"),
    ],
    np.piecewise: [
        c(X, [X < 0, X > 1], [lambda v: -v, 2.0, lambda v: v**2]),
        c(X, [X < 0, X >= 0], [1.0, 2.0]),
        c(COUNTS, COUNTS > 0, [1.5, 2.5]),
    ],
    np.apply_along_axis: [c(np.cumsum, 0, A), c(np.sum, 1, A), c(lambda r: np.outer(r, r), 1, C)],
    np.vectorize._vectorize_call: [
        c(np.vectorize(max), max, [X, 1.0]),
        c(np.vectorize(divmod), divmod, [A, B[0]]),
        c(np.vectorize(abs, otypes="f"), abs, [A]),
    ],
    np.array_equiv: [c(X, X), c(A, A[:1]), c(A, B)],
    np.polyadd: [c(X, S), c(S, X)],
    np.polysub: [c(S, X)],
    np.polyint: [c(X), c(X, 2, [1.0, 2.0]), c(COUNTS)],
    np.poly: [c(S), c(COUNTS)],
    np.kaiser: [c(6, 3.0), c(1, 2.0)],
    np.linalg.norm: [
        *(c(X, ord) for ord in (3.5, 2.0, 1.0, 0.0, np.inf, -np.inf)),
        *(c(A, ord) for ord in (1.0, -1.0, 2.0, -2.0, np.float64(np.inf), -np.inf)),
        c(A, 2.5, 0),
        c(A, 3.0, 1, True),
    ],
    np.linalg.cond: [c(A[:, :3] + 2 * np.eye(3), ord) for ord in (1.0, -1.0, 2.0, -2.0, np.inf, -np.inf)],
    multiarray.c_einsum: [c("ij,kj->ik", A, B), c("ij->j", A)],
    _function_base_impl._parse_input_dimensions: [
        c((A, S), [("n",), ("n",)]),
        c((C, A), [("m", "n"), ("m", "n")]),
    ],
    np.matvec: [c(A, S), c(C, S)],
    np.vecmat: [c(S, A.T), c(1j * S, A.T)],
    np.gradient: [
        c(A),
        c(X, np.cumsum(np.abs(X))),
        c(X, np.cumsum(np.abs(X)), edge_order=2),
        c(A, 2.0, S, edge_order=2),
        c(COUNTS),
        c(A, axis=1),
    ],
}


def agree(ours: Any, theirs: Any) -> None:
    if isinstance(theirs, dict):
        ours, theirs = list(ours.items()), list(theirs.items())
    if isinstance(theirs, str):
        assert ours == theirs
        return
    if isinstance(theirs, (list, tuple)):
        assert len(ours) == len(theirs)
        for u, t in zip(ours, theirs, strict=True):
            agree(u, t)
        return
    u, t = np.asarray(ours), np.asarray(theirs)
    assert u.dtype == t.dtype
    assert u.shape == t.shape
    tolerance = 1e-6 if t.dtype == np.float32 else 1e-13
    np.testing.assert_allclose(u, t, rtol=tolerance, atol=tolerance * 1e-2)


def test_every_row_has_cases() -> None:
    assert set(_equivalents.FUNCTIONS) == set(FUNCTIONS)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_function(function: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for args, keywords in FUNCTIONS[function]:
            agree(_equivalents.FUNCTIONS[function](*args, **keywords), function(*args, **keywords))


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_function_lifted(function: Any) -> None:
    """The first array is an argument, the rest is known."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for args, keywords in FUNCTIONS[function]:
            at = next((k for k, a in enumerate(args) if isinstance(a, np.ndarray)), None)
            if at is None:
                continue

            def call(x: Any, args: Any = args, keywords: Any = keywords, at: int = at) -> Any:
                return function(*args[:at], x, *args[at + 1 :], **keywords)

            agree(lazy.jit(call)(args[at]), function(*args, **keywords))


UFUNCS = [np.maximum, np.minimum, np.hypot, np.logaddexp, np.subtract, np.divide, np.fmax]


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda f: f.__name__)
def test_ufunc_methods(ufunc: np.ufunc) -> None:
    rows = _equivalents.METHODS
    for axis in (0, 1, -1):
        agree(rows["ufunc.reduce"](ufunc, B, axis=axis), ufunc.reduce(B, axis=axis))
        agree(rows["ufunc.accumulate"](ufunc, B, axis=axis), ufunc.accumulate(B, axis=axis))
    agree(rows["ufunc.reduce"](ufunc, B, keepdims=True), ufunc.reduce(B, keepdims=True))
    agree(rows["ufunc.reduceat"](ufunc, B, [0, 2, 1], axis=1), ufunc.reduceat(B, [0, 2, 1], axis=1))
    agree(rows["ufunc.outer"](ufunc, S, X), ufunc.outer(S, X))


def test_array_methods() -> None:
    rows = _equivalents.METHODS
    parted = X.copy()
    rows["ndarray.partition"](parted, 2)
    assert np.array_equal(parted, np.partition(X, 2))
    assert X[rows["ndarray.argpartition"](X, 2)[2]] == parted[2]
