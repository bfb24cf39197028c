"""SciPy's optimisers with lazy's derivatives, over nested parameters.

In: functions of nested parameters. Out: SciPy's result, with parameters in the same form. SciPy sees
vectors; each function that it is given comes with its gradient, Jacobian or products with its Hessian.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lazy import _stochastic, _tree
from lazy._function import Function
from lazy._transforms import hvp, jacfwd, jacrev, value_and_grad

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
    constraints: Any = (),
    **options: Any,
) -> Any:
    """Minimises ``loss(x, *args)`` over ``x``, starting from ``x0``.

    Args:
        loss: gives a real scalar.
        x0: a float array or number, or nested dicts, lists and tuples of them.
        args: the remaining arguments, passed as they are.
        method: one of ``scipy.optimize.minimize``; by default SciPy's choice (BFGS, or L-BFGS-B with bounds,
            or SLSQP with constraints). Gradients, and Hessian products where the method takes them, come from
            lazy. Or ``"sgd"`` or ``"adam"``: see below.
        bounds: ``(low, high)`` for all parameters, or nested like ``x0`` with such pairs for leaves;
            ``None`` within a pair is no bound.
        constraints: SciPy's dicts (``{"type": "ineq", "fun": f}``), ``NonlinearConstraint`` and
            ``LinearConstraint``, or a list of them. Their functions take the parameters in the form of
            ``x0``, and their Jacobians, where none is given, come from lazy.
        **options: further keywords of ``scipy.optimize.minimize`` (``tol``, ``callback``, ``options``, ...).

    The methods ``"sgd"`` and ``"adam"`` take steps along gradients. Their options are ``steps``, ``rate``,
    ``batch`` (how many rows of the arrays in ``args`` a step sees; by default all), ``seed``, ``momentum``
    (of sgd), ``betas`` (of adam), ``progress`` (whether to print a bar) and ``callback``, which gets the
    step and the loss.

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
    return _optimize(loss, 1.0, x0, args, method, bounds, constraints, options)


def maximize(
    gain: Callable[..., Any],
    x0: Any,
    args: Sequence[Any] = (),
    method: str | None = None,
    bounds: Any = None,
    constraints: Any = (),
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
    result = _optimize(gain, -1.0, x0, args, method, bounds, constraints, options)
    result.fun = -result.fun
    return result


def _optimize(
    function: Callable[..., Any],
    sign: float,
    x0: Any,
    args: Sequence[Any],
    method: str | None,
    bounds: Any,
    constraints: Any,
    options: dict[str, Any],
) -> Any:
    """The minimum of ``sign * function``."""
    optimize = _scipy()
    start, form = _tree.flatten(x0)
    chosen = (method or "").lower()
    if chosen in _stochastic.METHODS:
        if bounds is not None or _listed(constraints):
            raise ValueError(f"{method} takes neither bounds nor constraints")
        return _stochastic.descend(function, sign, x0, tuple(args), chosen, **options)
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
    if _listed(constraints):
        options["constraints"] = [_constraint(c, form, chosen) for c in _listed(constraints)]

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


def _scipy() -> Any:
    try:
        from scipy import optimize
    except ImportError as error:
        raise ImportError("lazy.minimize needs SciPy: pip install 'lazy-transforms[scipy]'") from error
    return optimize


# -- constraints -------------------------------------------------------------------------------


def _listed(constraints: Any) -> list[Any]:
    return list(constraints) if isinstance(constraints, (list, tuple)) else [constraints]


def _constraint(constraint: Any, form: Any, method: str) -> Any:
    """A constraint of vectors, with derivatives."""
    optimize = _scipy()
    if isinstance(constraint, dict):
        made = dict(constraint)
        fun, rest = made["fun"], tuple(made.get("args", ()))
        made["fun"] = _of_vectors(fun, form, rest)
        made["args"] = ()
        if not callable(made.get("jac")) and method not in _DERIVATIVE_FREE:
            made["jac"] = _jacobian(fun, form, rest)
        elif callable(made.get("jac")):
            made["jac"] = _of_vectors(made["jac"], form, rest)
        return made
    if isinstance(constraint, optimize.NonlinearConstraint):
        jac = constraint.jac
        derived = _jacobian(constraint.fun, form, ())
        second = {}
        if method in _SECOND_ORDER:
            hess = constraint.hess
            second["hess"] = hess if callable(hess) else _weighted_hessian(constraint.fun, form)
            second["keep_feasible"] = constraint.keep_feasible
        return optimize.NonlinearConstraint(
            _of_vectors(constraint.fun, form, ()),
            constraint.lb,
            constraint.ub,
            jac=_of_vectors(jac, form, ()) if callable(jac) else derived,
            **second,
        )
    return constraint


def _of_vectors(function: Callable[..., Any], form: Any, rest: tuple[Any, ...]) -> Callable[..., Any]:
    return lambda vector: np.asarray(function(_tree.unflatten(form, vector), *rest))


def _jacobian(function: Callable[..., Any], form: Any, rest: tuple[Any, ...]) -> Callable[..., Any]:
    """The Jacobian by the vector: rows for the results, if there are several."""
    rows, columns = jacrev(function), jacfwd(function)

    def jacobian(vector: _tree.Vector) -> Any:
        point = _tree.unflatten(form, vector)
        results = np.asarray(function(point, *rest))
        derived = (rows if results.size <= vector.size else columns)(point, *rest)
        shape = (results.size, -1)
        blocks = [np.reshape(np.asarray(block), shape) for block in _tree.in_order(form, derived)]
        joined = np.concatenate(blocks, axis=1)
        return joined[0] if results.ndim == 0 else joined

    return jacobian


def _weighted_hessian(function: Callable[..., Any], form: Any) -> Callable[..., Any]:
    """The Hessian of the product of the results with multipliers."""

    def weighted(point: Any, multipliers: Any) -> Any:
        return np.sum(function(point) * multipliers)

    product = hvp(weighted)

    def hess(vector: _tree.Vector, multipliers: Any) -> Any:
        point = _tree.unflatten(form, vector)
        shaped = np.reshape(multipliers, np.shape(function(point)))
        columns = [
            _tree.like(form, product(point, shaped, _tree.unflatten(form, unit)))
            for unit in np.eye(vector.size)
        ]
        return np.stack(columns)

    return hess


# -- least squares and roots -------------------------------------------------------------------


def least_squares(
    residuals: Callable[..., Any], x0: Any, args: Sequence[Any] = (), bounds: Any = None, **options: Any
) -> Any:
    """Minimises the sum of squares of ``residuals(x, *args)``, whose Jacobian is derived.

    Args:
        residuals: gives an array of floats.
        x0: a float array or number, or nested dicts, lists and tuples of them.
        args: the remaining arguments.
        bounds: as for `minimize`.
        **options: further keywords of ``scipy.optimize.least_squares`` (``method``, ``loss``, ``ftol``, ...).

    Returns:
        SciPy's ``OptimizeResult``; its ``x`` has the form of ``x0``.

    >>> import numpy as np, lazy
    >>> t = np.linspace(0.0, 1.0, 5)
    >>> residuals = lambda p: p["a"] * np.exp(p["b"] * t) - 2.0 * np.exp(t)
    >>> fit = lazy.least_squares(residuals, {"a": 1.0, "b": 0.5})
    >>> bool(abs(fit.x["a"] - 2.0) < 1e-6 and abs(fit.x["b"] - 1.0) < 1e-6)
    True
    """
    start, form = _tree.flatten(x0)
    rest = tuple(args)
    if bounds is not None:
        pairs = _bounds(bounds, form)
        low = [-np.inf if pair[0] is None else pair[0] for pair in pairs]
        high = [np.inf if pair[1] is None else pair[1] for pair in pairs]
        options["bounds"] = (low, high)
    inner = _jacobian(residuals, form, rest)
    options.setdefault("jac", lambda vector: np.atleast_2d(inner(vector)))
    flat = _of_vectors(residuals, form, rest)
    result = _scipy().least_squares(lambda vector: np.ravel(flat(vector)), start, **options)
    result.x = _tree.unflatten(form, result.x)
    return result


def root(
    function: Callable[..., Any], x0: Any, args: Sequence[Any] = (), method: str = "hybr", **options: Any
) -> Any:
    """Finds ``x`` at which ``function(x, *args)`` is zero, by its derived Jacobian.

    Args:
        function: gives as many numbers as there are parameters, in any form.
        x0: a float array or number, or nested dicts, lists and tuples of them.
        args: the remaining arguments.
        method: one of ``scipy.optimize.root``.
        **options: its further keywords.

    Returns:
        SciPy's ``OptimizeResult``; its ``x`` has the form of ``x0``.

    >>> import numpy as np, lazy
    >>> bool(abs(lazy.root(lambda x: np.cos(x) - x, 1.0).x - 0.7390851332) < 1e-8)
    True
    """
    start, form = _tree.flatten(x0)
    rest = tuple(args)

    def joined(point: Any, *others: Any) -> Any:
        leaves = [np.ravel(leaf) for leaf in _tree.leaves(function(point, *others))]
        return np.concatenate(leaves)

    flat = _of_vectors(joined, form, rest)
    if method in ("hybr", "lm"):
        options.setdefault("jac", _jacobian(joined, form, rest))
    result = _scipy().root(flat, start, method=method, **options)
    result.x = _tree.unflatten(form, result.x)
    return result
