"""Descent along gradients of mini-batches: ``minimize(..., method="adam")``.

In: a loss, nested parameters, arrays whose rows are examples. Out: SciPy's result.

Sources: Robbins and Monro (1951); Kingma and Ba, *Adam: a method for stochastic optimization* (2015).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from lazy import _tree
from lazy._transforms import value_and_grad

METHODS = {"sgd": 1e-2, "adam": 1e-3}


def descend(
    function: Callable[..., Any],
    sign: float,
    x0: Any,
    args: tuple[Any, ...],
    method: str,
    *,
    steps: int = 1000,
    rate: float | None = None,
    batch: int | None = None,
    seed: int | None = None,
    momentum: float = 0.0,
    betas: tuple[float, float] = (0.9, 0.999),
    progress: bool = False,
    callback: Callable[[int, float], Any] | None = None,
) -> Any:
    """The parameters after ``steps`` steps against the gradient of ``sign * function``."""
    from scipy.optimize import OptimizeResult

    rate = METHODS[method] if rate is None else rate
    both = value_and_grad(function)
    vector, form = _tree.flatten(x0)
    mean, square = np.zeros_like(vector), np.zeros_like(vector)
    value, gradient, step = np.nan, np.zeros_like(vector), 0
    batches = _batches(args, batch, np.random.default_rng(seed))
    for step in range(1, steps + 1):
        value, tree = both(_tree.unflatten(form, vector), *next(batches))
        value, gradient = sign * float(value), sign * _tree.like(form, tree)
        if method == "sgd":
            mean = momentum * mean + gradient
            vector = vector - rate * mean
        else:
            mean = betas[0] * mean + (1 - betas[0]) * gradient
            square = betas[1] * square + (1 - betas[1]) * gradient**2
            spread = np.sqrt(square / (1 - betas[1] ** step)) + 1e-8
            vector = vector - rate * (mean / (1 - betas[0] ** step)) / spread
        if progress:
            _show(step, steps, value)
        if callback is not None and callback(step, value):
            break
    finite = bool(np.isfinite(vector).all())
    return OptimizeResult(
        x=_tree.unflatten(form, vector),
        fun=value,
        jac=_tree.unflatten(form, sign * gradient),
        nit=step,
        nfev=step,
        success=finite,
        status=0 if finite else 1,
        message="all steps were taken" if finite else "the parameters are no longer finite",
    )


def _batches(args: tuple[Any, ...], batch: int | None, rng: np.random.Generator) -> Iterator[tuple[Any, ...]]:
    """Rows of the arrays, shuffled anew in each pass; what has no rows is given as it is."""
    rows = {len(arg) for arg in args if isinstance(arg, np.ndarray) and arg.ndim}
    if batch is None or not rows:
        while True:
            yield args
    if len(rows) > 1:
        raise ValueError(f"batches need arrays of as many rows each, not {sorted(rows)}")
    count = rows.pop()
    size = min(batch, count)
    while True:
        order = rng.permutation(count)
        for start in range(0, count - size + 1, size):
            chosen = order[start : start + size]
            yield tuple(arg[chosen] if isinstance(arg, np.ndarray) and arg.ndim else arg for arg in args)


def _show(step: int, steps: int, value: float) -> None:
    width = 30
    done = width * step // steps
    end = "\n" if step == steps else ""
    sys.stderr.write(f"\r[{'#' * done}{'.' * (width - done)}] {step}/{steps}  loss {value:.6g}{end}")
    sys.stderr.flush()
