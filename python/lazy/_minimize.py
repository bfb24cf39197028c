"""SciPy's optimisers with lazy's derivatives, over nested parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lazy import _tree
from lazy._function import Function
from lazy._transforms import hvp, value_and_grad

# Methods of scipy.optimize.minimize that take a Hessian or its products, and those without derivatives.
_SECOND_ORDER = {"newton-cg", "trust-ncg", "trust-krylov", "trust-constr"}
_NEEDS_MATRIX = {"dogleg", "trust-exact"}
_DERIVATIVE_FREE = {"nelder-mead", "powell", "cobyla", "cobyqa"}


def minimize(
    loss: Callable[..., Any],
    x0: Any,
    args: Sequence[Any] = (),
    method: str | None = None,
    bounds: Any = None,
    **options: Any,
) -> Any:
    """Minimises ``loss(x, *args)`` over ``x``, starting from ``x0``.

    Args:
        loss: gives a real scalar.
        x0: a float array or number, or nested dicts, lists and tuples of them.
        args: the remaining arguments, passed as they are.
        method: one of ``scipy.optimize.minimize``; by default SciPy's choice (BFGS, or L-BFGS-B with bounds).
            Gradients, and Hessian products where the method takes them, come from lazy.
        bounds: ``(low, high)`` for all parameters, or nested like ``x0`` with such pairs for leaves;
            ``None`` within a pair is no bound.
        **options: further keywords of ``scipy.optimize.minimize`` (``tol``, ``callback``, ``options``, ...).

    Returns:
        SciPy's ``OptimizeResult``; its ``x`` and ``jac`` have the form of ``x0``.

    Raises:
        ImportError: if SciPy is not installed.
        lazy.NotDifferentiable, lazy.GraphBreak: as `lazy.grad`.

    >>> import numpy as np, lazy
    >>> loss = lambda p: (p["a"] - 1.0) ** 2 + np.sum(p["b"] ** 2)
    >>> result = lazy.minimize(loss, {"a": 0.0, "b": np.ones(2)})
    >>> bool(abs(result.x["a"] - 1.0) < 1e-5)
    True
    """
    return _optimize(loss, 1.0, x0, args, method, bounds, options)


def maximize(
    gain: Callable[..., Any],
    x0: Any,
    args: Sequence[Any] = (),
    method: str | None = None,
    bounds: Any = None,
    **options: Any,
) -> Any:
    """Maximises ``gain(x, *args)``: as `minimize`, for log-densities.

    >>> import numpy as np, lazy
    >>> def model(x):
    ...     slope = np.random.normal(0.0, 10.0)
    ...     y = np.random.normal(slope * x, 1.0)
    ...     return y
    >>> x = np.array([1.0, 2.0, 3.0])
    >>> logp = lazy.likelihood(model, given={"y": 2.0 * x})
    >>> mode = lazy.maximize(logp, {"slope": 0.0}, args=(x,)).x
    >>> bool(abs(mode["slope"] - 2.0) < 0.01)
    True
    """
    result = _optimize(gain, -1.0, x0, args, method, bounds, options)
    result.fun = -result.fun
    return result


def _optimize(
    function: Callable[..., Any],
    sign: float,
    x0: Any,
    args: Sequence[Any],
    method: str | None,
    bounds: Any,
    options: dict[str, Any],
) -> Any:
    """The minimum of ``sign * function``."""
    try:
        from scipy import optimize
    except ImportError as error:
        raise ImportError("lazy.minimize needs SciPy: pip install 'lazy-transforms[scipy]'") from error

    start, form = _tree.flatten(x0)
    chosen = (method or "").lower()
    rest = tuple(args)
    if chosen not in _DERIVATIVE_FREE and "jac" not in options:
        both = value_and_grad(function)

        def objective(vector: _tree.Vector) -> Any:
            value, gradient = both(_tree.unflatten(form, vector), *rest)
            return sign * float(value), sign * _tree.like(form, gradient)

        options["jac"] = True
    else:

        def objective(vector: _tree.Vector) -> Any:
            return sign * float(function(_tree.unflatten(form, vector), *rest))

    products = _hessian_products(hvp(function), sign, form, rest)
    if chosen in _SECOND_ORDER and "hess" not in options and "hessp" not in options:
        options["hessp"] = products
    if chosen in _NEEDS_MATRIX and "hess" not in options:
        options["hess"] = _matrix(products)
    if bounds is not None:
        options["bounds"] = _bounds(bounds, form)

    result = optimize.minimize(objective, start, method=method, **options)
    result.x = _tree.unflatten(form, result.x)
    if isinstance(result.get("jac"), np.ndarray) and result["jac"].shape == start.shape:
        result.jac = _tree.unflatten(form, sign * result["jac"])
    return result


def _hessian_products(
    product: Function[..., Any], sign: float, form: Any, rest: tuple[Any, ...]
) -> Callable[..., Any]:
    def hessp(vector: _tree.Vector, direction: _tree.Vector) -> _tree.Vector:
        out = product(_tree.unflatten(form, vector), *rest, _tree.unflatten(form, direction))
        return sign * _tree.like(form, out)

    return hessp


def _matrix(products: Callable[..., Any]) -> Callable[..., Any]:
    def hess(vector: _tree.Vector) -> Any:
        return np.stack([products(vector, unit) for unit in np.eye(vector.size)])

    return hess


def _bounds(bounds: Any, form: Any) -> list[tuple[Any, Any]]:
    """One pair per number."""
    out: list[tuple[Any, Any]] = []

    def walk(part: Any, sub: Any) -> None:
        is_pair = (
            isinstance(part, tuple)
            and len(part) == 2
            and not any(isinstance(x, (dict, list, tuple)) for x in part)
        )
        if isinstance(sub, dict):
            for key in sub:
                walk(part if is_pair else part.get(key, (None, None)), sub[key])
        elif isinstance(sub, (list, tuple)):
            for i, item in enumerate(sub):
                walk(part if is_pair else part[i], item)
        elif is_pair:
            low, high = (None if p is None else np.broadcast_to(p, np.shape(sub)).ravel() for p in part)
            for i in range(np.size(sub)):
                out.append((None if low is None else low[i], None if high is None else high[i]))
        else:
            pairs = list(part)
            if len(pairs) != np.size(sub):
                raise ValueError(f"{len(pairs)} bounds for {np.size(sub)} parameters")
            out.extend((low, high) for low, high in pairs)

    walk(bounds, form)
    return out
