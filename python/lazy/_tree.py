"""Nested parameters as one vector, and back.

In: dicts, lists and tuples of float arrays and numbers. Out: a float64 vector and the form to restore it by.

>>> vector, form = flatten({"w": np.ones(2), "b": 0.5})
>>> vector
array([1. , 1. , 0.5])
>>> unflatten(form, vector * 2)
{'w': array([2., 2.]), 'b': 1.0}
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


def flatten(tree: Any) -> tuple[Vector, Any]:
    """The leaves, one after another, and the tree itself as the form."""
    parts = [_leaf(leaf).ravel() for leaf in leaves(tree)]
    vector = np.concatenate(parts) if parts else np.empty(0)
    return vector.astype(np.float64, copy=False), tree


def like(form: Any, tree: Any) -> Vector:
    """The leaves of ``tree``, which has the form ``form`` (dicts in its order), as a vector."""
    parts = [np.ravel(np.asarray(leaf, dtype=np.float64)) for leaf in in_order(form, tree)]
    return np.concatenate(parts) if parts else np.empty(0)


def in_order(form: Any, tree: Any) -> Iterator[Any]:
    """What ``tree`` has for each leaf of ``form``, dicts in the order of the form."""
    if isinstance(form, dict):
        for key in form:
            yield from in_order(form[key], tree[key])
    elif isinstance(form, (list, tuple)):
        for part, item in zip(form, tree, strict=True):
            yield from in_order(part, item)
    else:
        yield tree


def unflatten(form: Any, vector: Vector) -> Any:
    """A tree of the form with the vector's numbers, arrays in their own dtypes."""
    rest = iter(_split(form, vector))
    return _build(form, lambda leaf: next(rest))


def mapleaves(function: Callable[[Any], Any], tree: Any) -> Any:
    """The tree with every leaf replaced."""
    return _build(tree, function)


def _split(form: Any, vector: Vector) -> Iterator[Any]:
    start = 0
    for leaf in leaves(form):
        model = _leaf(leaf)
        part = vector[start : start + model.size]
        start += model.size
        yield part.reshape(model.shape).astype(model.dtype) if np.ndim(leaf) else type(leaf)(part[0])


def leaves(tree: Any) -> Iterator[Any]:
    """The leaves, one after another."""
    if isinstance(tree, dict):
        for item in tree.values():
            yield from leaves(item)
    elif isinstance(tree, (list, tuple)):
        for item in tree:
            yield from leaves(item)
    else:
        yield tree


def _build(tree: Any, leaf: Callable[[Any], Any]) -> Any:
    if isinstance(tree, dict):
        return {key: _build(item, leaf) for key, item in tree.items()}
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(_build(item, leaf) for item in tree))
    if isinstance(tree, (list, tuple)):
        return type(tree)(_build(item, leaf) for item in tree)
    return leaf(tree)


def _leaf(leaf: Any) -> NDArray[Any]:
    out = np.asarray(leaf)
    if not np.issubdtype(out.dtype, np.floating):
        raise TypeError(f"parameters must be floats, not {out.dtype}: {leaf!r}")
    return out
