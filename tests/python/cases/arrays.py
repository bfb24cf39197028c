"""The arrays that stand in templates of arguments: a pool of all dtypes and layouts, and some by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np


class Placeholder:
    def __repr__(self) -> str:
        return "X"


X = Placeholder()

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


def fill(shape: tuple[int, ...], dtype: str, seed: int = 0) -> np.ndarray:
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
        yield fill((3, 4), dtype)
    for dtype in ["int8", "float64"]:
        yield fill((5,), dtype)
        yield np.asarray(fill((), dtype))
        yield fill((0, 4), dtype)
        yield fill((4, 0), dtype)
        yield fill((2, 3, 4), dtype)
        yield np.asfortranarray(fill((3, 4), dtype))
        yield fill((6, 8), dtype)[::2, ::-2]
        yield fill((1, 3), dtype)


M = fill((3, 4), "float64", 1)
N = fill((4, 3), "float64", 2)
V = fill((4,), "float64", 3)
W = fill((3,), "float64", 4)
STACK = fill((2, 3, 4), "float64", 5)
INTS = np.array([[0, -1, 2], [1, 1, 0]])
MASK = np.array([[True, False, True, False], [False, False, True, True], [True, True, True, False]])
NANS = np.array([[1.0, np.nan, 3.0, -2.0], [np.nan, np.nan, np.nan, np.nan], [0.5, 2.0, np.inf, np.nan]])
S = np.float64(1.5)


def square(shape: tuple[int, ...], dtype: str = "float64", seed: int = 6) -> np.ndarray:
    """Matrices with inverses, and eigenvalues and singular values that are apart."""
    return fill(shape, dtype, seed) + (5 * np.diag(np.arange(1, shape[-1] + 1))).astype(dtype)


def positive(shape: tuple[int, ...], dtype: str = "float64") -> np.ndarray:
    x = fill(shape, dtype, 7)
    return x @ np.swapaxes(x.conj(), -1, -2) + np.eye(shape[-1], dtype=dtype)


SQUARES = [
    *[square((3, 3), d) for d in ["float64", "float32", "complex128", "complex64", "int64"]],
    square((2, 4, 4)),
    square((1, 1)),
    np.zeros((0, 0)),
    np.zeros((0, 2, 2)),
    np.asfortranarray(square((3, 3))),
]
NOT_MATRICES = [M, V, S]
RECTANGLES = [M, N, STACK, fill((3, 4), "complex128"), fill((4, 3), "float32"), np.zeros((0, 3)), V]
DEFINITE = [
    *[positive((3, 3), d) for d in ["float64", "float32", "complex128"]],
    positive((2, 4, 4)),
    -np.eye(2),
    np.array([[2, 1], [1, 3]]),
    np.zeros((0, 0)),
]
Case = tuple[tuple[Any, ...], dict[str, Any]]


def c(*args: Any, **keywords: Any) -> Case:
    return args, keywords
