"""Every name that is lifted, against NumPy: value, dtype, shape, kind of result, or exception.

Each name has templates of arguments. Where a template says `X`, each array of a pool stands: all
dtypes, of rank 0 to 3, empty, Fortran-ordered and with negative strides. A name without a template
fails, and so does a template that NumPy accepts and `lazy` refuses, unless it is listed in `REFUSED`.
"""

from __future__ import annotations

import builtins
import importlib
import operator
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from lazy import _lazy


class _Placeholder:
    def __repr__(self) -> str:
        return "X"


X = _Placeholder()

DTYPES = [
    "bool",
    "int8",
    "int32",
    "int64",
    "uint8",
    "uint64",
    "float32",
    "float64",
    "complex64",
    "complex128",
]


def _fill(shape: tuple[int, ...], dtype: str, seed: int = 0) -> np.ndarray:
    """Small values of both signs, without zeros for floats, so that most functions are defined."""
    rng = np.random.default_rng(seed)
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype.startswith("uint"):
        return rng.integers(0, 7, shape).astype(dtype)
    if dtype.startswith("int"):
        return rng.integers(-5, 6, shape).astype(dtype)
    x = rng.normal(0.0, 2.0, shape)
    if dtype.startswith("complex"):
        return np.asarray(x + 1j * rng.normal(0.0, 2.0, shape)).astype(dtype)
    return np.asarray(x).astype(dtype)


def pool() -> Iterator[np.ndarray]:
    for dtype in DTYPES:
        yield _fill((3, 4), dtype)
    for dtype in ["int8", "float64"]:
        yield _fill((5,), dtype)
        yield np.asarray(_fill((), dtype))
        yield _fill((0, 4), dtype)
        yield _fill((4, 0), dtype)
        yield _fill((2, 3, 4), dtype)
        yield np.asfortranarray(_fill((3, 4), dtype))
        yield _fill((6, 8), dtype)[::2, ::-2]
        yield _fill((1, 3), dtype)


M = _fill((3, 4), "float64", 1)
N = _fill((4, 3), "float64", 2)
V = _fill((4,), "float64", 3)
W = _fill((3,), "float64", 4)
STACK = _fill((2, 3, 4), "float64", 5)
INTS = np.array([[0, -1, 2], [1, 1, 0]])
MASK = np.array([[True, False, True, False], [False, False, True, True], [True, True, True, False]])
NANS = np.array([[1.0, np.nan, 3.0, -2.0], [np.nan, np.nan, np.nan, np.nan], [0.5, 2.0, np.inf, np.nan]])
S = np.float64(1.5)


def _square(shape: tuple[int, ...], dtype: str = "float64", seed: int = 6) -> np.ndarray:
    """Matrices with inverses, and eigenvalues and singular values that are apart."""
    return _fill(shape, dtype, seed) + (5 * np.diag(np.arange(1, shape[-1] + 1))).astype(dtype)


def _positive(shape: tuple[int, ...], dtype: str = "float64") -> np.ndarray:
    x = _fill(shape, dtype, 7)
    return x @ np.swapaxes(x.conj(), -1, -2) + np.eye(shape[-1], dtype=dtype)


SQUARES = [
    *[_square((3, 3), d) for d in ["float64", "float32", "complex128", "complex64", "int64"]],
    _square((2, 4, 4)),
    _square((1, 1)),
    np.zeros((0, 0)),
    np.zeros((0, 2, 2)),
    np.asfortranarray(_square((3, 3))),
]
NOT_MATRICES = [M, V, S]
RECTANGLES = [M, N, STACK, _fill((3, 4), "complex128"), _fill((4, 3), "float32"), np.zeros((0, 3)), V]
POSITIVE = [
    *[_positive((3, 3), d) for d in ["float64", "float32", "complex128"]],
    _positive((2, 4, 4)),
    -np.eye(2),
    np.array([[2, 1], [1, 3]]),
    np.zeros((0, 0)),
]
Case = tuple[tuple[Any, ...], dict[str, Any]]


def c(*args: Any, **keywords: Any) -> Case:
    return args, keywords


AXES = [c(X), c(X, axis=0), c(X, axis=-1), c(X, axis=1, keepdims=True), c(X, keepdims=True)]
AXIS_TUPLES = [c(X, axis=(0, 1)), c(STACK, axis=(0, -1), keepdims=True), c(X, axis=(0, 0)), c(X, axis=7)]
SUMS = [
    *AXES,
    *AXIS_TUPLES,
    c(M, dtype=np.float32),
    c(INTS, dtype=float),
    c(M, initial=2.5),
    c(M, axis=0, where=MASK),
    c([[1, 2], [3, 4]]),
    c(M, 1, None, None, True),
    c(M, wrong=1),
]
EXTREMES = [
    *AXES,
    *AXIS_TUPLES,
    c(NANS, axis=1),
    c(M, initial=1.0),
    c(M, axis=0, where=MASK, initial=-3.0),
    c(M, where=MASK),
    c(np.zeros((0, 3)), axis=0, initial=2.0),
]
MEANS = [
    *AXES,
    *AXIS_TUPLES,
    c(M, dtype=np.float32),
    c(INTS, dtype=np.float32),
    c(M, axis=0, where=MASK),
    c([1, 2, 4]),
]
VARIANCES = [
    *MEANS,
    c(M, ddof=1),
    c(M, axis=0, ddof=2),
    c(M, correction=1),
    c(M, axis=1, ddof=0.5),
    c(W, ddof=5),
]
REDUCES = [c(X), c(X, axis=1), c(X, axis=None), c(X, 0, keepdims=True)]
CUMULATES = [c(X), c(X, axis=0), c(X, axis=-1), c(M, dtype=np.float32), c(X, axis=5)]
ARG_EXTREMES = [c(X), c(X, axis=0), c(X, axis=1, keepdims=True), c(X, keepdims=True), c(NANS, axis=1)]
NAN_AXES = [c(X), c(X, axis=0), c(NANS), c(NANS, axis=1), c(NANS, axis=0, keepdims=True), c(INTS)]
SPLITS = [c(M, 2, 1), c(STACK, [1, 2], -1), c(M, 3), c(M, 5), c(V, [1, 3]), c(V, [3, 1]), c(V, [-1, 9])]
LIKE = [c(X), c(X, dtype=np.float32), c(X, shape=(2, 2)), c(X, dtype="int")]
MAKE = [c(3), c((2, 3)), c((2, 0)), c(()), c((2,), dtype=np.int32), c([2, 3], "float32"), c(-1)]
CASTS = [c(X, np.float64), c(X, "int32"), c(X, bool), c(X, np.complex128), c(INTS, np.uint8)]
SCALAR_TYPE = [c(2.75), c(True), c(M), c(np.float32(1.25)), c()]
STACKS = [
    c([M, M]),
    c((V, V)),
    c([W, W.astype("float32")]),
    c([S, S]),
    c([1.0, 2.0]),
    c([M, INTS]),
    c([STACK, STACK]),
    c([V, W]),
]
INDEX_TEMPLATES: list[Case] = [
    c(X, 0),
    c(X, -1),
    c(X, 7),
    c(X, (0, 1)),
    c(X, (slice(None), 1)),
    c(X, slice(1, None)),
    c(X, slice(None, None, -1)),
    c(X, slice(-2, None, -1)),
    c(X, slice(10, 0, -2)),
    c(X, slice(1, -1)),
    c(X, slice(5, 2)),
    c(X, (slice(None, None, 2), slice(3, None, -2))),
    c(X, None),
    c(X, ...),
    c(X, ()),
    c(X, (..., 0)),
    c(X, (..., None)),
    c(X, (None, ..., 1)),
    c(X, (0, ..., 1)),
    c(X, (0, 0, 0, 0)),
    c(X, [0, 1]),
    c(X, [-1, 0, 0]),
    c(X, ([0, 1], [1, 2])),
    c(X, INTS[:, :2]),
    c(M, (slice(None), INTS)),
    c(STACK, (0, slice(None), [1, 2])),
    c(STACK, (slice(None), 0, [1, 2])),
    c(STACK, ([0, 1], slice(None), [1, 2])),
    c(STACK, ([0, 1], None, [1, 2])),
    c(STACK, ([0, 1], ..., [1, 2])),
    c(STACK, (..., [1, 2], slice(0, 2))),
    c(STACK, (slice(None), slice(1, 3), [0, 3, 1])),
    c(STACK, ([[0], [1]], [0, 2], slice(1, None))),
    c(M, MASK),
    c(M, (MASK[:, 0],)),
    c(M, (slice(None), MASK[0])),
    c(M, (MASK[:, 0], 1)),
    c(STACK, (0, MASK)),
    c(STACK, (slice(None), MASK)),
    c(STACK, (MASK[:2, 0], [1])),
    c(M, MASK.T),
    c(V, np.int64(2)),
    c(V, np.array(2)),
    c(V, [True, False, True, False]),
    c(V, []),
    c(M, 1.0),
    c(M, "a"),
    c(M, ([0, 1], [0, 1, 2])),
    c(V, [4]),
    c(V, True),
    c(np.arange(5), slice(None, None, 0)),
]

CASES: dict[str, list[Case]] = {
    "numpy.sum": SUMS,
    "numpy.prod": SUMS,
    "numpy.add.reduce": REDUCES,
    "numpy.multiply.reduce": REDUCES,
    "numpy.max": EXTREMES,
    "numpy.min": EXTREMES,
    "numpy.maximum.reduce": REDUCES,
    "numpy.minimum.reduce": REDUCES,
    "numpy.any": [*AXES, c(X, axis=(0, 1)), c(M > 0, axis=0, where=MASK)],
    "numpy.all": [*AXES, c(X, axis=(0, 1)), c(M > 0, axis=0, where=MASK)],
    "numpy.logical_or.reduce": REDUCES,
    "numpy.logical_and.reduce": REDUCES,
    "numpy.mean": MEANS,
    "numpy.var": VARIANCES,
    "numpy.std": VARIANCES,
    "numpy.ptp": [c(X), c(X, axis=0), c(X, axis=1, keepdims=True)],
    "numpy.argmax": ARG_EXTREMES,
    "numpy.argmin": ARG_EXTREMES,
    "numpy.cumsum": CUMULATES,
    "numpy.cumprod": CUMULATES,
    "numpy.add.accumulate": [c(X), c(X, axis=1)],
    "numpy.multiply.accumulate": [c(X), c(X, axis=1)],
    "numpy.cumulative_sum": [
        c(X),
        c(X, axis=1),
        c(V, include_initial=True),
        c(M, axis=0, include_initial=True),
    ],
    "numpy.cumulative_prod": [
        c(X),
        c(X, axis=1),
        c(V, include_initial=True),
        c(M, axis=0, include_initial=True),
    ],
    "numpy.count_nonzero": [c(X), c(X, axis=0), c(X, axis=(0, 1), keepdims=True)],
    "numpy.average": [
        c(X),
        c(X, axis=0),
        c(M, weights=np.abs(M)),
        c(M, axis=1, weights=np.abs(V)),
        c(M, 0, [1, 2, 3]),
        c(M, 0, np.abs(W), True),
        c(M, 1, None, True),
        c(INTS, weights=INTS + 2, axis=0, keepdims=True),
        c(M, weights=V),
    ],
    "numpy.nansum": NAN_AXES,
    "numpy.nanprod": NAN_AXES,
    "numpy.nancumsum": [c(X), c(NANS), c(NANS, axis=1)],
    "numpy.nancumprod": [c(X), c(NANS), c(NANS, axis=1)],
    "numpy.nanmax": NAN_AXES,
    "numpy.nanmin": NAN_AXES,
    "numpy.nanmean": NAN_AXES,
    "numpy.nanvar": [*NAN_AXES, c(NANS, axis=1, ddof=1), c(NANS, axis=1, ddof=3)],
    "numpy.nanstd": [*NAN_AXES, c(NANS, axis=1, ddof=1)],
    "numpy.logaddexp.reduce": [c(M), c(M, axis=1), c(M, axis=1, keepdims=True)],
    "scipy.special.logsumexp": [
        c(M),
        c(M, axis=1),
        c(M, 0, keepdims=True),
        c(M, axis=1, b=np.abs(V)),
        c([-np.inf, -np.inf]),
        c([np.inf, 1.0]),
        c(M.astype("float32")),
    ],
    "scipy.special.softmax": [c(M), c(M, axis=1), c(STACK, axis=(0, 2)), c(M.astype("float32"), axis=0)],
    "scipy.special.log_softmax": [c(M), c(M, axis=1), c(STACK, axis=(0, 2))],
    "numpy.sort": [c(X), c(X, axis=0), c(X, axis=None), c(NANS), c(V, kind="stable")],
    "numpy.argsort": [c(X, kind="stable"), c(X, axis=0, stable=True), c(X, axis=None, kind="stable")],
    "numpy.searchsorted": [
        c(np.sort(V), X),
        c(V, X, side="right"),
        c(V, X, sorter=np.argsort(V)),
        c([0.5, 1.0, np.nan, np.nan], NANS),
        c(np.arange(3), 1.5),
        c(np.zeros(0), V, "right"),
        c(M, V),
    ],
    "numpy.ndarray.searchsorted": [c(np.sort(W), X), c(W, 1, side="right")],
    "numpy.median": [
        c(X),
        c(X, axis=0),
        c(X, axis=1, keepdims=True),
        c(NANS, axis=1),
        c(STACK, axis=(0, 2)),
        c(V),
        c(W),
    ],
    "numpy.dot": [
        c(M, N),
        c(M, V),
        c(W, M),
        c(V, V),
        c(X, 2),
        c(2.0, X),
        c(STACK, N),
        c(M, STACK.transpose(0, 2, 1)),
        c(INTS, INTS.T),
        c(INTS, M.astype("float32")),
        c(M, M),
        c(V, W),
        c(np.ones((2, 0)), np.ones((0, 3))),
    ],
    "numpy.inner": [c(M, M), c(V, V), c(M, V), c(STACK, M), c(X, 3), c(V, W), c(INTS, INTS)],
    "numpy.vdot": [c(M, M), c(M, N), c(V, V), c(V * 1j, V), c(V, W), c([1, 2], [3, 4])],
    "numpy.outer": [c(V, W), c(M, W), c(V, 2.0), c(INTS, V.astype("float32"))],
    "numpy.kron": [c(M, INTS), c(V, W), c(V, M), c(2.0, M), c(STACK, M)],
    "numpy.tensordot": [
        c(M, N, 1),
        c(STACK, M, 2),
        c(STACK, M, axes=([1, 2], [0, 1])),
        c(M, M, axes=(1, 1)),
        c(V, W, 0),
        c(V, V, axes=1),
        c(M, M, 1),
    ],
    "numpy.linalg.tensordot": [c(M, N, axes=1)],
    "numpy.matmul": [
        c(M, N),
        c(M, V),
        c(W, M),
        c(V, V),
        c(STACK, N),
        c(STACK, V),
        c(M, STACK.transpose(0, 2, 1)),
        c(V, STACK.transpose(0, 2, 1)),
        c(STACK, STACK.transpose(0, 2, 1)),
        c(STACK[:1], STACK.transpose(0, 2, 1)),
        c(STACK[None], STACK.transpose(0, 2, 1)),
        c(INTS, INTS.T),
        c(INTS.astype("int8"), M.astype("float32")[:, :2]),
        c(M > 0, N > 0),
        c(M * 1j, N),
        c(M, M),
        c(V, W),
        c(M, 2.0),
        c(STACK, np.ones((3, 4, 2))),
        c(np.ones((2, 0)), np.ones((0, 3))),
    ],
    "numpy.linalg.matmul": [c(M, N)],
    "numpy.vecdot": [c(M, V), c(M, M), c(M * 1j, M), c(STACK, M), c(M, M, axis=0)],
    "numpy.linalg.vecdot": [c(M, M), c(M, M, axis=0)],
    "numpy.linalg.multi_dot": [c([M, N, M]), c([W, M, V]), c([M, V])],
    "numpy.einsum": [
        c("ij,jk->ik", M, N),
        c("ij,jk", M, N),
        c("ij->ji", M),
        c("ji", M),
        c("ij->", M),
        c("ij->i", M),
        c("ii", M[:, :3]),
        c("ii->i", M[:, :3]),
        c("i,i", V, V),
        c("i,j->ij", V, W),
        c("ij,j->ij", M, V),
        c("ij,ij->i", M, M),
        c("ij,kj->ik", M, M),
        c("bij,bjk->bik", STACK, STACK.transpose(0, 2, 1)),
        c("bij,jk->bik", STACK, N),
        c("...ij,...jk->...ik", STACK, N),
        c("...j,j", STACK, V),
        c("...,...", M, 2.0),
        c("i...->...", STACK),
        c("...i->...", STACK),
        c("ij,jk,kl->il", M, N, M),
        c("ij,j,i", M, V, W),
        c("i,j,k->ijk", V, W, V),
        c("iij->j", STACK.transpose(2, 1, 0)[:3]),
        c("iii->i", np.arange(27.0).reshape(3, 3, 3)),
        c("iji->j", np.arange(36.0).reshape(3, 4, 3)),
        c(" i j , j k -> i k ", M, N),
        c("ij,ij->ij", M, M[:1]),
        c("ij,jk", M, M),
        c("ijk", M),
        c("i", M),
        c("ij->ik", M),
        c("ij->ii", M),
        c("ij,jk", M),
        c("ij", M, N),
        c("ij,jk->ik", INTS, INTS.T),
        c(M, [0, 1], N, [1, 2]),
        c(M, [0, 1], N, [1, 2], [2, 0]),
        c(STACK, [..., 0], [...]),
        c("ij,jk->ik", M, N, optimize=True),
        c("ij,j->i", M * 1j, V),
        c("ij,jk->ik", M.astype("float32"), N.astype("float32")),
    ],
    "numpy.trace": [c(X), c(X, 1), c(X, -1), c(STACK, 0, 1, 2), c(STACK, axis1=0, axis2=2)],
    "numpy.cross": [c(W, W[::-1]), c(np.ones((5, 3)), W), c(N, W), c(M, M[::-1], axis=0), c(INTS, INTS)],
    "numpy.linalg.norm": [
        c(X),
        c(X, axis=0),
        c(X, axis=1, keepdims=True),
        *[c(V, o) for o in [None, 2, 1, 0, np.inf, -np.inf, 3, 0.5, "fro"]],
        *[c(M, o) for o in [None, "fro", 1, -1, np.inf, -np.inf, 7]],
        c(STACK, axis=(0, 2)),
        c(STACK, 1, axis=(2, 1)),
        c(STACK, np.inf, axis=(0, 1), keepdims=True),
        c(STACK, 2),
        c(M, 3, axis=0),
        c(M * 1j + M),
        c(np.zeros(3)),
        c(M, keepdims=True),
    ],
    "numpy.linalg.vector_norm": [c(V), c(M), c(M, axis=0), c(M, ord=1), c(STACK, axis=(0, 1), keepdims=True)],
    "numpy.convolve": [
        c(V, W),
        c(W, V),
        c(V, W, "same"),
        c(V, W, "valid"),
        c(W, V, "valid"),
        c(W, V, "same"),
        c(INTS[0], V),
        c(V, 2.0),
        c(V, []),
    ],
    "numpy.correlate": [
        c(V, W),
        c(V, W, "same"),
        c(V, W, "full"),
        c(V * 1j, W * 2j, "full"),
        c(INTS[0], INTS[1], "full"),
    ],
    "numpy.reshape": [
        c(X, -1),
        c(X, (-1,)),
        c(X, (2, -1)),
        c(X, (4, 3)),
        c(X, 12, order="F"),
        c(X, (2, 6), order="F"),
        c(X, (5, 5)),
        c(X, (-1, -1)),
        c(X, (1, 0, -1)),
        c(X, ()),
        c(S, ()),
    ],
    "numpy.ndarray.reshape": [
        c(X, -1),
        c(X, 2, -1),
        c(X, (4, 3)),
        c(M, 2, 6, order="F"),
        c(M, 5, -1),
        c(M, 2, 2),
    ],
    "numpy.ravel": [c(X), c(X, order="F"), c(X, "C"), c([[1, 2], [3, 4]])],
    "numpy.ndarray.flat": [],  # an iterator in NumPy
    "numpy.ndarray.flatten": [c(X), c(X, "F")],
    "numpy.transpose": [
        c(X),
        c(X, (1, 0)),
        c(STACK, (2, 0, 1)),
        c(STACK, (-1, 0, 1)),
        c(M, (0, 0)),
        c(STACK, (1, 0)),
        c(S),
    ],
    "numpy.ndarray.transpose": [c(X), c(STACK, 2, 0, 1), c(STACK, (2, 0, 1)), c(M, 1, 0)],
    "numpy.ndarray.T": [c(X)],
    "numpy.matrix_transpose": [c(M), c(STACK), c(V)],
    "numpy.linalg.matrix_transpose": [c(M), c(STACK)],
    "numpy.ndarray.mT": [c(M), c(STACK), c(V)],
    "numpy.swapaxes": [c(X, 0, 1), c(STACK, 0, -1), c(STACK, 0, 5)],
    "numpy.moveaxis": [
        c(X, 0, -1),
        c(STACK, [0, 1], [-1, 0]),
        c(STACK, 2, 0),
        c(STACK, [0, 1], [1]),
        c(STACK, 4, 0),
    ],
    "numpy.rollaxis": [c(STACK, 2), c(STACK, 0, 3), c(STACK, 1, 2), c(STACK, -1, -2)],
    "numpy.squeeze": [
        c(X),
        c(X, axis=0),
        c(STACK[:1, :, :1], axis=(0, 2)),
        c(STACK[:1, :, :1]),
        c(STACK[:1], axis=1),
    ],
    "numpy.expand_dims": [c(X, 0), c(X, -1), c(X, (0, 2)), c(X, 9)],
    "numpy.broadcast_to": [c(X, (2, 3, 4)), c(X, (5,)), c(V, (3, 4)), c(2.0, (2, 2)), c(M, (4,)), c(W, 3)],
    "numpy.broadcast_arrays": [c(M, V), c(M, 2.0, V[None]), c(M, W)],
    "numpy.broadcast_shapes": [c((2, 1), (3,)), c((2,), (3,)), c(5, (1, 5))],
    "numpy.atleast_1d": [c(X), c(1.0, V), c(S)],
    "numpy.atleast_2d": [c(X), c(1.0, V)],
    "numpy.atleast_3d": [c(X), c(1.0, V)],
    "numpy.concatenate": [
        c([M, M]),
        c([M, M], axis=1),
        c([M, M[:1]], axis=0),
        c((V, W)),
        c([M, V], axis=None),
        c([M, INTS.T[:, :0]], 1),
        c([V, INTS[0]]),
        c([V.astype("float32"), INTS[0].astype("int8")]),
        c([M, V]),
        c([M, N]),
        c([]),
        c([S, S]),
        c([V, [1, 2]]),
        c(STACK),
        c([V, W], dtype=np.float32),
        c([V]),
        c([M, M], axis=2),
    ],
    "numpy.append": [c(V, 1.0), c(M, M, axis=0), c(M, [1, 2]), c(INTS, V)],
    "numpy.stack": [*STACKS, c([M, M], axis=-1), c([M, M], axis=1), c([]), c([M, M], axis=5)],
    "numpy.vstack": STACKS,
    "numpy.dstack": STACKS,
    "numpy.hstack": STACKS,
    "numpy.column_stack": STACKS,
    "numpy.split": SPLITS,
    "numpy.array_split": [*SPLITS, c(V, 3), c(np.arange(11.0), 4)],
    "numpy.hsplit": [c(M, 2), c(V, 2), c(M, [1])],
    "numpy.vsplit": [c(M, 3), c(V, 2)],
    "numpy.dsplit": [c(STACK, 2), c(M, 2)],
    "numpy.flip": [c(X), c(X, 0), c(X, (0, 1)), c(X, -1)],
    "numpy.flipud": [c(X)],
    "numpy.fliplr": [c(X)],
    "numpy.rot90": [c(X), c(X, 2), c(X, 3), c(X, -1), c(STACK, 1, (1, 2)), c(STACK, 3, (2, 0))],
    "numpy.roll": [
        c(X, 1),
        c(X, -2),
        c(X, 100),
        c(X, 1, 0),
        c(X, -1, 1),
        c(M, (1, 2), (0, 1)),
        c(M, 1, (0, 1)),
        c(X, 0),
    ],
    "numpy.tile": [c(X, 2), c(X, (2, 1)), c(X, (2, 1, 3)), c(X, 0)],
    "numpy.repeat": [
        c(X, 2),
        c(X, 3, axis=0),
        c(M, [1, 0, 2], axis=0),
        c(V, [1, 2, 3, 4]),
        c(M, 2, -1),
        c(V, [1, 2]),
        c(V, -1),
    ],
    "numpy.pad": [
        c(X, 1),
        c(X, (1, 2)),
        c(M, ((1, 2), (0, 3))),
        c(M, 2, constant_values=1.5),
        c(M, 1, "constant", constant_values=((1, 2), (3, 4))),
        c(M, 2, "edge"),
        c(M, ((1, 2), (2, 1)), "reflect"),
        c(M, 6, "reflect"),
        c(M, 2, mode="symmetric"),
        c(M, 7, mode="symmetric"),
        c(M, 3, "wrap"),
        c(M, -1),
        c(V, 0),
    ],
    "numpy.diagonal": [c(X), c(X, 1), c(X, -2), c(X, 9), c(STACK, 0, 1, 2), c(STACK, 0, 2, 0), c(M, 0, 0, 0)],
    "numpy.linalg.matrix_norm": [
        c(a, ord=o) for a in [M, STACK] for o in ["fro", "nuc", 1, -1, 2, -2, np.inf]
    ],
    "numpy.linalg.outer": [c(V, W)],
    "numpy.linalg.trace": [c(M), c(STACK), c(STACK, offset=1), c(INTS, dtype=float)],
    "numpy.linalg.cross": [c(M[:, :3], M[:, 1:]), c(W, W[::-1])],
    "numpy.linalg.solve": [
        *[c(a, np.ones(a.shape[-1])) for a in SQUARES],
        *[c(a, np.ones((*a.shape[:-1], 2))) for a in SQUARES],
        c(_square((2, 3, 3)), N[:3]),
        c(_square((3, 3)), _fill((2, 3, 2), "float64")),
        c(_square((3, 3), "float32"), INTS.T),
        c(np.zeros((2, 2)), np.ones(2)),
        c(_square((3, 3)), V),
        c(_square((3, 3)), S),
        *[c(a, V) for a in NOT_MATRICES],
    ],
    "numpy.linalg.inv": [c(a) for a in [*SQUARES, *NOT_MATRICES, np.ones((2, 2))]],
    "numpy.linalg.det": [c(a) for a in [*SQUARES, *NOT_MATRICES, np.ones((2, 2))]],
    "numpy.linalg.slogdet": [c(a) for a in [*SQUARES, *NOT_MATRICES, np.ones((2, 2))]],
    "numpy.linalg.cholesky": [c(a, upper=u) for a in [*POSITIVE, M] for u in [False, True]],
    "numpy.linalg.qr": [c(a, m) for a in RECTANGLES for m in ["reduced", "r", "complete", "wrong"]],
    "numpy.linalg.svd": [
        *[c(a, f) for a in RECTANGLES for f in [False, True]],
        *[c(a, compute_uv=False) for a in RECTANGLES],
    ],
    "numpy.linalg.svdvals": [c(a) for a in RECTANGLES],
    "numpy.linalg.eigh": [c(a, u) for a in [*SQUARES, M] for u in ["L", "U"]] + [c(_square((3, 3)), "x")],
    "numpy.linalg.eigvalsh": [c(a, u) for a in [*SQUARES, M] for u in ["L", "U"]],
    "numpy.linalg.eig": [c(a) for a in [*SQUARES, M]],
    "numpy.linalg.eigvals": [c(a) for a in [*SQUARES, M]],
    "numpy.linalg.pinv": [c(a) for a in RECTANGLES]
    + [c(M, 0.5), c(M, rtol=None), c(M, rtol=0.5), c(M, 0.1, rtol=0.1), c(np.ones((3, 2)))],
    "numpy.linalg.matrix_rank": [
        *[c(a) for a in RECTANGLES],
        c(np.ones((3, 3))),
        c(M, 0.5),
        c(M, rtol=0.5),
        c(np.zeros(3)),
    ],
    "numpy.linalg.lstsq": [
        c(M, W),
        c(M, N[:3]),
        c(_square((3, 3)), W),
        c(N, V),
        c(N, np.ones((4, 2))),
        c(M, V),
        c(STACK, V),
        c(M, W, 0.5),
        c(M.astype("float32"), W.astype("float32")),
    ],
    "numpy.linalg.matrix_power": [c(_square((3, 3)), n) for n in [0, 1, 2, 3, 7, -1, -3]]
    + [c(np.array([[1, 2], [3, 4]]), n) for n in [0, 1, 5, -2]]
    + [c(M, 2), c(_square((3, 3)), 0.5), c(_square((2, 3, 3)), 4)],
    "numpy.linalg.cond": [
        c(a, p)
        for a in [_square((3, 3)), _square((2, 3, 3)), M]
        for p in [None, 2, -2, 1, -1, np.inf, "fro", "nuc"]
    ],
    "numpy.linalg.tensorsolve": [
        c(_square((24, 24)).reshape(6, 4, 2, 3, 4), _fill((6, 4), "float64")),
        c(_square((6, 6)).reshape(2, 3, 6), _fill((2, 3), "float64")),
        c(_square((6, 6)).reshape(2, 6, 3), _fill((6,), "float64"), axes=(0, 2)),
        c(M, V),
    ],
    "numpy.linalg.tensorinv": [
        c(_square((24, 24)).reshape(24, 8, 3), 1),
        c(_square((6, 6)).reshape(2, 3, 6)),
        c(M, 0),
    ],
    "numpy.linalg.diagonal": [c(STACK), c(STACK, offset=1)],
    "numpy.diag": [c(X), c(X, 1), c(V, -2), c(V, 1), c(STACK)],
    "numpy.diagflat": [c(X), c(M, 1), c(V, -1)],
    "numpy.tril": [c(X), c(X, 1), c(STACK, -1), c(V)],
    "numpy.triu": [c(X), c(X, 1), c(STACK, -1), c(V)],
    "numpy.diff": [
        c(X),
        c(X, 2),
        c(X, axis=0),
        c(M, prepend=0.0),
        c(V, append=[1.0, 2.0]),
        c(M, n=0),
        c(M, n=9),
    ],
    "numpy.trapezoid": [c(M), c(V, dx=0.5), c(M, V), c(M, axis=0), c(M, M)],
    "numpy.choose": [c(INTS % 2, [INTS, -INTS]), c([0, 1, 0], [W, 2.0])],
    "numpy.ndarray.choose": [c(INTS % 2, [INTS, -INTS])],
    "operator.getitem": INDEX_TEMPLATES,
    "numpy.take": [
        c(X, 0),
        c(X, [0, 1], axis=0),
        c(X, INTS, axis=1),
        c(V, [5, -9], mode="wrap"),
        c(V, [5, -9], mode="clip"),
        c(V, W),
        c(V, 9),
        c(M, [1], 7),
    ],
    "numpy.take_along_axis": [
        c(M, np.argsort(M, 1), 1),
        c(M, np.argsort(M, 0), axis=0),
        c(V, np.array([1, 0]), -1),
        c(M, np.array([0, 1, 2]), None),
        c(M, INTS[:, :1][:1], 1),
        c(M, np.array([0]), 1),
    ],
    "numpy.compress": [c([True, False, True], M, 0), c([1, 0, 1, 1], M, axis=1), c([True, False, True], M)],
    "numpy.ndarray.compress": [c(M, [True, False, True], 0)],
    "numpy.extract": [c(MASK, M)],
    "numpy.nonzero": [c(X)],
    "numpy.argwhere": [c(M > 0), c(INTS), c(V)],
    "numpy.flatnonzero": [c(X)],
    "numpy.where": [
        c(MASK, M, 0.0),
        c(MASK, 1, 2),
        c(MASK),
        c(INTS, INTS, 1.5),
        c(MASK, M.astype("float32"), 2.0),
        c(MASK, M, INTS[:1, :1]),
        c(True, 1.0, M),
        c(MASK, M),
        c(MASK, V, N),
        c(S, 1.0, 2),
    ],
    "numpy.select": [c([M > 1, M > 0], [M, -M]), c([M > 1, MASK], [1, M], 7.0), c([], []), c([MASK], [1, 2])],
    "numpy.clip": [
        c(X, 0, 2),
        c(X, None, 1),
        c(X, 1, None),
        c(X),
        c(M, V, 2.0),
        c(M, min=0.0, max=1.0),
        c(NANS, 0, 1),
        c(INTS, 0.5, 1),
        c(M.astype("float32"), 0.0, 1.0),
        c(2.0, 0, 1),
    ],
    "numpy.ndarray.clip": [c(X, 0, 2), c(M, 0.5), c(M, max=0.5), c(M, min=0.5)],
    "numpy.round": [
        c(X),
        c(X, 1),
        c(M * 100, -1),
        c(INTS, 2),
        c(M, decimals=3),
        c(2.5),
        c(M.astype("float32"), 2),
    ],
    "numpy.nan_to_num": [c(X), c(NANS), c(NANS, nan=1.0, posinf=9.0, neginf=-9.0), c(NANS.astype("float32"))],
    "numpy.isclose": [
        c(M, M + 1e-9),
        c(NANS, NANS),
        c(NANS, NANS, equal_nan=True),
        c(M, 0.5, rtol=0.5),
        c(INTS, 1),
        c(V, W),
    ],
    "numpy.allclose": [c(M, M + 1e-9), c(NANS, NANS), c(M, 0.5, atol=100.0)],
    "numpy.array_equal": [c(M, M), c(M, N), c(NANS, NANS), c(NANS, NANS, equal_nan=True), c([1, 2], [1, 2])],
    "numpy.sinc": [c(M), c(np.array([0.0, 1.0, 0.5])), c(INTS)],
    "numpy.angle": [c(M * 1j + 1), c(M), c(INTS), c(M * 1j, deg=True), c(M.astype("complex64"), True)],
    "numpy.real": [c(X), c(S), c(1 + 2j)],
    "numpy.ndarray.real": [c(X)],
    "numpy.imag": [c(X), c(S), c(1 + 2j)],
    "numpy.ndarray.imag": [c(X)],
    "numpy.ndarray.conj": [c(X)],
    "numpy.ndarray.conjugate": [c(X)],
    "numpy.isreal": [c(X)],
    "numpy.iscomplex": [c(X)],
    "numpy.zeros": MAKE,
    "numpy.empty": [c((0, 3)), c((0,), "int8")],
    "numpy.ndarray": [c((0, 3)), c((0,), "int8")],
    "numpy.ones": MAKE,
    "numpy.full": [
        c(3, 2.5),
        c((2, 3), 7),
        c((2, 3), W),
        c((2, 2), 1, dtype="float32"),
        c((2,), True),
        c((2, 2), V),
        c((), 1.0),
    ],
    "numpy.zeros_like": LIKE,
    "numpy.empty_like": [c(np.zeros((0, 3)))],
    "numpy.ones_like": LIKE,
    "numpy.full_like": [c(X, 3), c(X, 2.5), c(M, V), c(INTS, 2.7), c(M, 1, dtype=int), c(M, 1, shape=(2,))],
    "numpy.arange": [
        c(5),
        c(2, 9),
        c(2, 9, 3),
        c(9, 2, -2),
        c(0.0, 1.0, 0.1),
        c(5.5),
        c(3, 1),
        c(1, 2, 0.25),
        c(5, dtype="float32"),
        c(0, 1, 0.1, dtype="float32"),
        c(0.5, 5, dtype=int),
        c(0),
        c(1, 5, 0),
        c(0, -3),
    ],
    "numpy.linspace": [
        c(0, 1),
        c(0, 1, 5),
        c(2.0, -3.0, 7),
        c(0, 1, 5, endpoint=False),
        c(0, 1, 5, retstep=True),
        c(0, 10, 5, dtype=int),
        c(V, 2 * V, 3),
        c(V, 2 * V, 3, axis=-1),
        c(W, 1.0, 4, endpoint=False),
        c(0, 1, 1),
        c(0, 1, 0),
        c(3, 3, 4),
        c(np.float32(0), np.float32(1), 3),
        c(S, 4.0, 6),
        c(0, 1, -1),
        c(V * 1j, V, 3),
    ],
    "numpy.logspace": [c(0, 2, 5), c(0, 2, 5, base=2.0), c(W, 2.0, 3), c(S, 2.0, 4, endpoint=False)],
    "numpy.geomspace": [c(1, 1000, 4), c(np.abs(W), 5.0, 3), c(-1.0, -8.0, 4), c(S, 4.0, 6, endpoint=False)],
    "numpy.eye": [c(3), c(2, 3), c(3, k=1), c(3, 4, -1), c(3, dtype=int), c(3, dtype=bool), c(0)],
    "numpy.identity": [c(3), c(2, dtype="float32")],
    "numpy.tri": [c(3), c(3, 4, 1), c(3, 2, -1, dtype=int)],
    "numpy.vander": [c(V), c(V, 3), c(INTS[0], increasing=True), c(M)],
    "numpy.meshgrid": [c(V, W), c(V, W, indexing="ij"), c(V, W, V), c(V, W, sparse=True), c(V)],
    "numpy.array": [
        c(X),
        c(X, dtype="float32"),
        c([V, W[[0, 1, 2, 0]]]),
        c([[1, 2], [3, 4]]),
        c([1, 2.5]),
        c([True, 2]),
        c([1j, 2]),
        c([]),
        c([[]]),
        c(2.0),
        c(V, ndmin=3),
        c([[1, 2], [3]]),
        c([S, 1, 2.5]),
        c([[S, 0.0], [0.0, S]]),
        c(300, dtype="uint8"),
    ],
    "numpy.asarray": [c(X), c(X, "complex128"), c([S, S]), c(1)],
    "numpy.asanyarray": [c(X)],
    "numpy.ascontiguousarray": [c(X)],
    "numpy.asfortranarray": [c(X)],
    "numpy.require": [c(X)],
    "numpy.ndarray.astype": CASTS,
    "numpy.astype": CASTS,
    "numpy.copy": [c(X), c(S)],
    "numpy.ndarray.copy": [c(X)],
    "numpy.ndarray.item": [c(np.array(2.5)), c(M, 3), c(M, 1, 2), c(M, (1, 2)), c(M), c(np.ones((1, 1)))],
    "numpy.ndarray.tolist": [c(np.array(2.5)), c(np.array(3))],
    **{f"numpy.{d}": SCALAR_TYPE for d in [*DTYPES, "int16", "uint16", "uint32"]},
    "numpy.shape": [c(X), c([[1, 2]]), c(1.0)],
    "numpy.ndarray.shape": [c(X)],
    "numpy.ndim": [c(X), c(2.0)],
    "numpy.ndarray.ndim": [c(X)],
    "numpy.size": [c(X), c(X, 0), c(X, -1)],
    "numpy.ndarray.size": [c(X)],
    "numpy.ndarray.dtype": [c(X)],
    "numpy.ndarray.itemsize": [c(X)],
    "numpy.ndarray.nbytes": [c(X)],
    "numpy.iscomplexobj": [c(X)],
    "numpy.isrealobj": [c(X)],
    "numpy.isscalar": [c(X), c(S), c(2)],
    "numpy.result_type": [c(X, 1.0), c(X, np.float32), c(M, INTS), c("int8", np.uint8), c(X, 1j)],
    "numpy.promote_types": [c("int8", "uint8"), c("float32", np.int64)],
    "numpy.can_cast": [
        c("int8", "int16"),
        c("float64", "float32"),
        c("float64", "float32", "same_kind"),
        c("int64", "uint64", "same_kind"),
    ],
    "builtins.abs": [c(X)],
    "builtins.pow": [c(M, 2), c(S, 2)],
    "builtins.divmod": [c(M, 2.0), c(INTS, 3), c(S, 0.7)],
    "builtins.bool": [c(np.array(2.0)), c(S), c(np.array(0))],
    "builtins.int": [c(np.array(2)), c(np.array(True))],
    "builtins.float": [c(np.array(2)), c(S), c(np.float32(1.1)), c(M)],
    "builtins.complex": [c(S), c(S, 2.0), c(np.array(1j))],
    "builtins.round": [c(S, 1), c(M, 2), c(M)],
    "builtins.max": [c(S, np.float64(2.5)), c(S, np.float64(0.5), np.float64(3.0)), c([S, np.float64(7)])],
    "builtins.min": [c(S, np.float64(2.5)), c(S, np.float64(0.5), np.float64(3.0))],
    "builtins.sum": [c(V), c(M), c([S, S, 1.0]), c([V, V], 1.0), c(MASK[0]), c(INTS.astype("int8"))],
    "builtins.len": [c(M), c(V), c(np.array(1.0))],
    "operator.not_": [c(np.array(2.0)), c(S)],
    "math.log": [c(np.float64(2.0)), c(np.float64(2.0), 10), c(np.array(3))],
}
SIGNALS = [
    *[_fill((3, 4), d) for d in ["float64", "float32", "complex128", "complex64", "int64", "bool"]],
    _fill((2, 7, 5), "float64")[:, ::2],
    _fill((1,), "float64"),
    _fill((13,), "complex128"),
]
REAL_SIGNALS = [a for a in SIGNALS if not np.iscomplexobj(a)]
NORMS: list[Any] = [None, "backward", "ortho", "forward"]
ONE_AXIS = [
    *[c(a, norm=n) for a in SIGNALS for n in NORMS],
    *[c(a, n, 0) for a in SIGNALS for n in [2, 3, 8]],
    c(M, 0),
    c(M, axis=2),
    c(M, norm="wrong"),
    c(np.zeros((0, 3))),
    c(np.zeros((0, 3)), axis=0),
]
SEVERAL_AXES = [
    *[c(a, norm=n) for a in SIGNALS for n in ["ortho", "forward"]],
    c(STACK),
    c(STACK, (2, 5)),
    c(STACK, axes=(2, 0)),
    c(STACK, (3, 2), (0, 1)),
    c(STACK, (-1, 6), (0, 2)),
    c(STACK, (2,), (0, 1)),
]
for _module in ["numpy", "scipy"]:
    for _name in ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"]:
        CASES[f"{_module}.fft.{_name}"] = ONE_AXIS
    for _name in ["fft", "ifft", "rfft", "irfft"]:
        CASES[f"{_module}.fft.{_name}n"] = CASES[f"{_module}.fft.{_name}2"] = SEVERAL_AXES
    for _name in ["fftshift", "ifftshift"]:
        CASES[f"{_module}.fft.{_name}"] = [c(V), c(W), c(M), c(STACK, axes=1), c(STACK, axes=(0, 2)), c(INTS)]
    for _name in ["fftfreq", "rfftfreq"]:
        CASES[f"{_module}.fft.{_name}"] = [c(n, d) for n in [1, 4, 5] for d in [1.0, 0.25, S]]
for _name in ["dct", "idct", "dst", "idst"]:
    CASES[f"scipy.fft.{_name}"] = [
        *[c(a, t, norm=n) for a in [V, M, M.astype("float32")] for t in [1, 2, 3, 4] for n in NORMS],
        *[c(STACK, t, n, 1) for t in [1, 2, 3, 4] for n in [2, 5]],
        c(INTS),
    ]
A3, B3, RHS = _square((3, 3)), _fill((3, 3), "float64", 8), _fill((3, 2), "float64", 9)
BANDS = _fill((3, 5), "float64", 10) + np.array([[0.0], [9.0], [0.0]])
CASES |= {
    "scipy.linalg.solve": [
        *[c(a, np.ones(a.shape[-1])) for a in SQUARES if a.size and a.ndim == 2],
        c(A3, RHS),
        c(A3, W, transposed=True),
        *[
            c(_positive((3, 3)), RHS, assume_a=k, lower=u)
            for k in ["gen", "sym", "her", "pos"]
            for u in [False, True]
        ],
        c(np.zeros((2, 2)), np.ones(2)),
    ],
    "scipy.linalg.inv": [c(a) for a in SQUARES if a.size] + [c(np.ones((2, 2)))],
    # Of single precision SciPy gives a float64 with the errors of a float32.
    "scipy.linalg.det": [c(a) for a in SQUARES if a.size and a.dtype.char not in "fF"],
    "scipy.linalg.cholesky": [c(a, u) for a in POSITIVE if a.size for u in [False, True]],
    "scipy.linalg.cho_factor": [c(_positive((3, 3)), u) for u in [False, True]],
    "scipy.linalg.cho_solve": [c((_square((3, 3)), u), b) for u in [False, True] for b in [W, RHS]],
    "scipy.linalg.solve_triangular": [
        c(A3, b, t, u, d)
        for b in [W, RHS]
        for t in [0, 1, "T", "C"]
        for u in [False, True]
        for d in [False, True]
    ]
    + [c(np.zeros((2, 2)), np.ones(2))],
    "scipy.linalg.lu": [
        c(a, p, p_indices=i) for a in [B3, M, N] for p in [False, True] for i in [False, True]
    ],
    "scipy.linalg.lu_factor": [c(a) for a in [B3, A3, M, N]],
    "scipy.linalg.lu_solve": [],
    "scipy.linalg.qr": [c(a, mode=m) for a in [B3, M, N] for m in ["full", "r", "economic"]],
    "scipy.linalg.svd": [c(a, f) for a in [B3, M, N] for f in [False, True]] + [c(M, compute_uv=False)],
    "scipy.linalg.svdvals": [c(a) for a in [B3, M, N]],
    "scipy.linalg.eigh": [
        *[c(_positive((3, 3)), lower=u, eigvals_only=True) for u in [False, True]],
        c(A3 + A3.T, _positive((3, 3)), eigvals_only=True),
    ],
    "scipy.linalg.eigvalsh": [c(_positive((3, 3)), lower=u) for u in [False, True]]
    + [c(A3, _positive((3, 3)))],
    "scipy.linalg.expm": [
        c(a) for a in [B3, 0.1 * B3, 8 * B3, A3 / 9, B3 + 1j * A3 / 9, B3.astype("float32")]
    ],
    "scipy.linalg.expm_frechet": [c(B3, A3), c(0.01 * B3, A3, compute_expm=False), c(5 * B3, A3)],
    "scipy.linalg.norm": [c(V), c(M), c(M, 2), c(M, "nuc"), c(M, 1, axis=0)],
    "scipy.linalg.pinv": [c(M), c(N), c(np.ones((3, 2))), c(M, rtol=0.5)],
    "scipy.linalg.block_diag": [c(M, N, V), c(INTS, M), c(S, [1.0, 2.0])],
    "scipy.linalg.toeplitz": [c(V), c(V, W), c(W * 1j), c(INTS[0], V)],
    "scipy.linalg.hankel": [c(V), c(V, W)],
    "scipy.linalg.circulant": [c(V), c(INTS[0])],
    "scipy.linalg.solve_banded": [
        c((1, 1), BANDS, np.ones(5)),
        c((2, 0), BANDS, np.ones((5, 2))),
        c((1, 2), BANDS, V),
    ],
    "scipy.linalg.solveh_banded": [
        c(np.array([[0.0, 1, 2, 1], [9, 8, 7, 6]]), V),
        c(np.array([[9.0, 8, 7, 6], [1, 2, 1, 0]]), V, lower=True),
    ],
}
CASES["operator.matmul"] = CASES["numpy.matmul"]
for _alias, _of in [("amax", "max"), ("amin", "min"), ("around", "round")]:
    CASES[f"numpy.{_alias}"] = CASES[f"numpy.{_of}"]
METHODS = """
    sum prod max min any all mean var std argmax argmin cumsum cumprod argsort dot trace ravel swapaxes
    squeeze repeat diagonal take nonzero round
"""
for _method in METHODS.split():
    CASES[f"numpy.ndarray.{_method}"] = [
        case for case in CASES[f"numpy.{_method}"] if isinstance(case[0][0], (np.ndarray, _Placeholder))
    ]


# Arguments at which every special function has a value, and counts where those are asked for.
POSITIVE = np.array([0.3, 0.8, 1.0, 2.5, 7.0])
COUNTS = np.array([0, 1, 2, 4, 5])
CASES.update(
    {
        "scipy.special.bdtr": [c(COUNTS + 0.5, 6, np.linspace(0.1, 0.9, 5)), c(2, COUNTS[2:], 0.25)],
        "scipy.special.bdtrc": [c(COUNTS + 0.5, 6, np.linspace(0.1, 0.9, 5)), c(2, COUNTS[2:], 0.25)],
        "scipy.special.nbdtr": [c(COUNTS, 6, np.linspace(0.1, 0.9, 5)), c(2, COUNTS[1:], 0.25)],
        "scipy.special.nbdtrc": [c(COUNTS, 6, np.linspace(0.1, 0.9, 5)), c(2, COUNTS[1:], 0.25)],
        "scipy.special.multigammaln": [c(POSITIVE + 3.0, 2), c(5.5, 4), c(POSITIVE + 3.0, 1)],
        "scipy.special.zeta": [c(POSITIVE + 1.5), c(POSITIVE + 1.5, POSITIVE[::-1]), c(3.0, 2), c(2)],
        "scipy.special.comb": [
            c(POSITIVE + 5, COUNTS),
            c(10, 3),
            c(COUNTS, 3, repetition=True),
            c(np.array([3.0, -1.0, np.nan]), np.array([5.0, 1.0, 2.0])),
        ],
        "scipy.special.spherical_jn": [
            c(COUNTS, POSITIVE),
            c(2, np.array([0.0, 0.2, 3.0, 12.0, -2.0])),
            c(COUNTS, POSITIVE, derivative=True),
        ],
    }
)
BINARY_PAIRS: list[tuple[Any, Any]] = [
    *[(_fill((3, 4), d, 1), _fill((3, 4), d, 2)) for d in DTYPES],
    (_fill((3, 4), "float64"), V),
    (_fill((3, 4), "float32"), V.astype("float32")),
    (_fill((3, 4), "float32"), 2.5),
    (_fill((3, 4), "float32"), 2),
    (2, _fill((3, 4), "float32")),
    (_fill((3, 4), "int8"), 2),
    (_fill((3, 4), "uint8"), 300),
    (_fill((3, 4), "int64"), 2.0),
    (_fill((3, 4), "bool"), 2),
    (_fill((3, 4), "bool"), _fill((3, 4), "int8")),
    (_fill((3, 4), "int32"), _fill((3, 4), "float32")),
    (_fill((3, 4), "int64"), _fill((3, 4), "uint64")),
    (_fill((3, 4), "complex64"), _fill((3, 4), "float64")),
    (_fill((3, 1), "float64"), _fill((1, 4), "float64")),
    (_fill((0, 4), "float64"), V),
    (np.asfortranarray(_fill((3, 4), "float64")), _fill((6, 8), "float64")[::2, ::-2]),
    (np.array(1.5), np.array(2.5)),
    (S, 2),
    (np.float32(1.5), 2.5),
    (np.float32(1.5), np.float64(2.5)),
    (V, W),
    (NANS, 1.0),
    (2.0, 3.0),
    (V, [1, 2, 3, 4]),
]
# Functions that NumPy defines by its own C library within a few units in the last place.
ELEMENTWISE_ULPS = 4
# Functions that nobody computes to a relative accuracy near their roots.
HAS_ROOTS = {"gammaln", "lgamma", "loggamma", "digamma", "psi"}


def resolve(name: str) -> Callable[..., Any]:
    """What a name means in Python; attributes become functions of self."""
    parts = name.split(".")
    if parts[:2] == ["numpy", "ndarray"] and len(parts) == 3:
        attribute = getattr(np.ndarray, parts[2])
        if callable(attribute):
            return lambda self, *a, **k: getattr(np.asarray(self), parts[2])(*a, **k)
        return lambda self: getattr(np.asarray(self), parts[2])
    module = builtins if parts[0] == "builtins" else operator if parts[0] == "operator" else None
    if module is None:
        for cut in range(len(parts) - 1, 0, -1):
            try:
                module = importlib.import_module(".".join(parts[:cut]))
            except ImportError:
                continue
            break
        parts = parts[cut - 1 :]
    found: Any = module
    for part in parts[1:]:
        found = getattr(found, part)
    return found


def is_elementwise(name: str) -> bool:
    if "matmul" in name or "vecdot" in name:
        return False
    return isinstance(resolve(name), np.ufunc) or name.startswith(("operator.", "math."))


def templates(name: str) -> list[Case]:
    if name in CASES:
        return CASES[name]
    if name.endswith(".outer"):
        return [c(V, W), c(M, V), c(INTS, 2), c(INTS, INTS[0])]
    function = resolve(name)
    if name.startswith("math."):
        arity = 2 if name in {"math.pow", "math.atan2", "math.hypot", "math.fmod", "math.copysign"} else 1
        values = [np.float64(0.75), np.array(0.5), np.float32(0.25)]
        if name == "math.acosh":
            values = [np.float64(1.75)]
        return [c(v, 0.5) if arity == 2 else c(v) for v in values]
    arity = function.nin if isinstance(function, np.ufunc) else 2
    if name in {"operator.neg", "operator.pos", "operator.invert", "operator.abs"}:
        arity = 1
    if arity == 1 and name not in SPECIAL_UNARY:
        inside = [c(np.array([0.1, 0.5, 0.9])), c(np.array([1.5, 2.5])), c(NANS), c(0.5)]
        return [c(X), *inside]
    if name.startswith("scipy.special.") and name not in KNOWN_SPECIAL:
        return special_templates(name, arity)
    if name in {"scipy.special.polygamma"}:
        return [c(2, np.abs(V)), c(np.array([0, 1, 2, 1]), np.abs(V))]
    return [c(a, b) for a, b in BINARY_PAIRS]


# Compositions: SciPy's edges are its own, and float32 is rounded on the way.
COMPOSED_SPECIAL = {
    f"scipy.special.{f}"
    for f in [
        "fdtr",
        "fdtrc",
        "fdtri",
        "gdtr",
        "gdtrc",
        "chdtr",
        "chdtrc",
        "chdtri",
        "pdtr",
        "pdtrc",
        "radian",
        "powm1",
        "stdtrit",
    ]
}
EDGES = np.array([0.0, -0.0, 1.0, -1.0, 2.0, np.inf, -np.inf, np.nan, -0.5, -2.5])
KNOWN_SPECIAL = {f"scipy.special.{f}" for f in ("polygamma", "xlogy", "xlog1py")}
SPECIAL_UNARY = {"scipy.special.exprel"}
FIRST_IS_ORDER = {f"scipy.special.{f}" for f in ("expn", "jn", "yn", "kn", "spherical_jn")}


def special_templates(name: str, arity: int) -> list[Case]:
    """In general position, of float32, of a Python number, and at the edges of the domain."""
    first = COUNTS if name in FIRST_IS_ORDER else POSITIVE
    rest = [0.25 * POSITIVE[::-1] / (k + 1) for k in range(arity - 1)]
    parameters = [first, *rest[1:], rest[0]] if arity > 1 else [POSITIVE]
    whole = [a if a is COUNTS else a.astype(np.float32) for a in parameters]
    # A value at an edge beside parameters in the middle of things.
    edges = [np.full(10, 2 if a is COUNTS else 0.75) for a in parameters[:-1]]
    cases = [
        c(*parameters),
        c(*parameters[:-1], 0.5),
        c(*whole),
        c(*(a[:, None] for a in parameters[:-1]), rest[0] if rest else POSITIVE),
    ]
    return cases if name in COMPOSED_SPECIAL else [*cases, c(*edges, EDGES)]


def cases(name: str) -> Iterator[Case]:
    for args, keywords in templates(name):
        if any(a is X for a in args):
            for x in pool():
                yield tuple(x if a is X else a for a in args), keywords
        else:
            yield args, keywords


def recorded(value: Any) -> Any:
    """Arrays, in lists too, as recorded arrays."""
    if isinstance(value, np.ndarray):
        return _lazy.wrap(value)
    if isinstance(value, (list, tuple)):
        return type(value)(recorded(v) for v in value)
    return value


def computed(value: Any) -> Any:
    if isinstance(value, _lazy.Array):
        return value.compute()
    if isinstance(value, (list, tuple)):
        return type(value)(computed(v) for v in value)
    return value


class Refused(Exception):
    pass


def run_numpy(name: str, case: Case) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return resolve(name)(*case[0], **case[1])


def run_lazy(name: str, case: Case) -> Any:
    args, keywords = case
    # The keys of an index and the arguments of builtins are Python's, not arrays.
    lifted = [recorded(a) for a in args]
    out = _lazy.record(name, lifted, {k: recorded(v) for k, v in keywords.items()})
    if out is NotImplemented:
        raise Refused
    return computed(out)


def tolerance(name: str, dtype: np.dtype[Any]) -> float:
    eps = float(np.finfo(dtype).eps)
    if name in INTEGRALS:
        return 4096 * eps if dtype == np.float64 or name in COMPOSED_SPECIAL else 128 * eps
    return eps * (ELEMENTWISE_ULPS if is_elementwise(name) and dtype.kind == "f" else 64)


# Neither SciPy's nor our values are right to the last digits; `elementwise.rs` holds ours to the truth.
INTEGRALS = {
    name
    for name in _lazy.names()
    if name.startswith("scipy.special.")
    and name.rsplit(".", 1)[-1]
    not in {"erf", "erfc", "expm1", "log1p", "xlogy", "xlog1py", "expit", "softmax", "log_softmax"}
}


def agree(name: str, ours: Any, theirs: Any) -> None:
    if isinstance(theirs, (list, tuple)):
        assert type(ours) is type(theirs) or isinstance(ours, (list, tuple)), (ours, theirs)
        assert len(ours) == len(theirs)
        for u, t in zip(ours, theirs, strict=True):
            agree(name, u, t)
        return
    assert type(ours) is type(theirs), f"{type(ours)} is not {type(theirs)}"
    if not isinstance(theirs, (np.ndarray, np.generic, float, complex)):
        assert ours == theirs
        return
    u, t = np.asarray(ours), np.asarray(theirs)
    assert u.dtype == t.dtype, f"{u.dtype} is not {t.dtype}"
    assert u.shape == t.shape, f"{u.shape} is not {t.shape}"
    if t.dtype.kind not in "fc":
        np.testing.assert_array_equal(u, t)
        return
    scale = 1.0 if name.rsplit(".", 1)[-1] in HAS_ROOTS else 0.0
    if not is_elementwise(name):
        scale = np.max(np.abs(t[np.isfinite(t)]), initial=0.0)
    rtol = tolerance(name, t.dtype)
    np.testing.assert_allclose(u, t, rtol=rtol, atol=float(scale) * rtol)


def is_lifted_result(value: Any) -> bool:
    """Whether all dtypes in a result are among those that are lifted."""
    if isinstance(value, (list, tuple)):
        return all(is_lifted_result(v) for v in value)
    if isinstance(value, (np.ndarray, np.generic)):
        return value.dtype.name in {*DTYPES, "int16", "uint16", "uint32"}
    return True


# Cases that NumPy accepts and that are refused: (name, why), matched by a predicate on the case.
def _complex(case: Case) -> bool:
    return any(np.iscomplexobj(a) for a in case[0])


REFUSED: dict[str, tuple[str, Callable[[Case], bool]]] = {
    **{
        f"scipy.fft.{f}": (
            "a transform of no numbers",
            lambda k: k[0][1:2] == (0,) or np.shape(k[0][0]) == (1,),
        )
        for f in ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft", "irfftn", "irfft2"]
    },
    **{
        f"scipy.special.{f}": ("complex numbers", _complex)
        for f in [
            "digamma",
            "psi",
            "erf",
            "erfc",
            "expm1",
            "log1p",
            "xlogy",
            "xlog1py",
            "gamma",
            "gammaln",
            "loggamma",
            *[
                "dawsn",
                "erfcx",
                "exp1",
                "expi",
                "fresnel",
                "log_ndtr",
                "ndtr",
                "rgamma",
                "shichi",
                "sici",
                "spence",
            ],
        ]
    },
    "numpy.linalg.eig": ("whether it is complex depends on the values", lambda k: not _complex(k)),
    "numpy.linalg.eigvals": ("whether it is complex depends on the values", lambda k: not _complex(k)),
    "numpy.linalg.lstsq": (
        "whether there are residuals depends on the rank",
        lambda k: k[0][0].shape[0] > k[0][0].shape[1],
    ),
    "numpy.nan_to_num": ("complex numbers", _complex),
    "numpy.nanmax": ("complex numbers", _complex),
    "numpy.nanmin": ("complex numbers", _complex),
    "numpy.median": ("empty arrays", lambda k: np.size(k[0][0]) == 0),
    "builtins.round": ("gives an int", lambda k: len(k[0]) == 1),
}


def check(name: str, case: Case) -> None:
    try:
        theirs = run_numpy(name, case)
    except Exception as error:
        try:
            ours = run_lazy(name, case)
        except Refused:
            return
        except Exception as raised:
            # NumPy's own subclasses of TypeError have no constructor that we could call.
            assert isinstance(error, type(raised)), f"{raised!r} instead of {error!r}"
            return
        raise AssertionError(f"no {error!r}, but {ours!r}") from None
    try:
        ours = run_lazy(name, case)
    except Refused:
        why = REFUSED.get(name)
        assert not is_lifted_result(theirs) or (why is not None and why[1](case)), "refused"
        return
    agree(name, ours, theirs)


# What has no meaning in a single call: tested elsewhere.
COMPOSED = {"numpy.ndarray.flat", "scipy.linalg.lu_solve"}


@pytest.mark.parametrize("name", sorted(_lazy.names()))
def test_agrees_with_numpy(name: str) -> None:
    some = list(cases(name))
    assert some or name in COMPOSED, "no case for this name"
    failures = []
    for case in some:
        try:
            check(name, case)
        except Exception as error:  # every failing case is listed, not only the first
            failures.append(f"{describe(case)}: {type(error).__name__} {str(error).strip()[:300]}")
    assert not failures, f"{len(failures)} of {len(some)} cases\n" + "\n".join(failures[:20])


def describe(case: Case) -> str:
    def one(value: Any) -> str:
        if isinstance(value, np.ndarray):
            return f"{value.dtype}{list(value.shape)}"
        return repr(value).replace("\n", "")

    words = [one(a) for a in case[0]] + [f"{k}={one(v)}" for k, v in case[1].items()]
    return ", ".join(words)


def test_unknown_names_are_not_implemented() -> None:
    assert _lazy.record("numpy.no_such_function", [_lazy.wrap(V)], {}) is NotImplemented
