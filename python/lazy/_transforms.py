"""The transforms, as functions of functions. Names and arguments are JAX's where JAX has them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar, overload
from weakref import WeakKeyDictionary

from lazy import _standins
from lazy._function import Function

P = ParamSpec("P")
R = TypeVar("R")

_made: WeakKeyDictionary[Any, dict[Any, Function[..., Any]]] = WeakKeyDictionary()


def _once(function: Callable[..., Any], transform: tuple[Any, ...]) -> Function[..., Any]:
    """The transform of a function, made once: for forms like ``jvp(f, primals, tangents)``."""
    try:
        known = _made.setdefault(function, {})
    except TypeError:  # Not hashable, or without weak references.
        return Function(function, transform)
    if transform not in known:
        known[transform] = Function(function, transform)
    return known[transform]


# Where a function is lifted that transforms another, there is nothing to keep.
_standins.TABLE[id(_once)] = Function


def _argnums(argnums: int | Sequence[int]) -> int | tuple[int, ...]:
    return argnums if isinstance(argnums, int) else tuple(argnums)


@overload
def jit(function: Callable[P, R], /, *, strict: bool = False, fast: bool = False) -> Function[P, R]: ...
@overload
def jit(*, strict: bool = False, fast: bool = False) -> Callable[[Callable[P, R]], Function[P, R]]: ...
def jit(function: Callable[..., Any] | None = None, /, *, strict: bool = False, fast: bool = False) -> Any:
    """The same function, faster: lifted, fused, and run by lazy's evaluator.

    Values, dtypes, shapes, exceptions and printed output are those of the plain function. What cannot
    be lifted runs as plain Python; ``jit(f).explain(*args)`` says what and why.

    Args:
        function: any function of NumPy arrays; without it, `jit` is a decorator with arguments.
        strict: the graph is rewritten only by rules that keep every bit, as ``x * 1`` to ``x``. Otherwise
            rules that keep values to a few units in the last place count too, as ``x + x`` to ``2 * x``,
            and those that come closer to the real numbers, as ``log(1 + x)`` to ``log1p(x)``.
        fast: rules count that are true of real numbers only, as ``x * 0`` to ``0``.

    Raises:
        ValueError: if both are asked for.

    >>> import numpy as np, lazy
    >>> @lazy.jit
    ... def softplus(x):
    ...     return np.log1p(np.exp(x))
    >>> softplus(np.zeros(2))
    array([0.69314718, 0.69314718])
    """
    if strict and fast:
        raise ValueError("strict keeps every bit and fast does not: ask for one of them")
    if function is None:
        return functools.partial(jit, strict=strict, fast=fast)
    return Function(function, ("jit", "exact") if strict else ("jit", "all") if fast else ("jit",))


def grad(
    function: Callable[P, Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
) -> Function[P, Any]:
    """The gradient of a function whose result is a scalar.

    Args:
        function: gives a real scalar; with ``has_aux``, a pair of that and anything else.
        argnums: the position of the argument to differentiate by, or a tuple of positions. Arguments may be
            nested dicts, lists and tuples of float or complex arrays and numbers.
        has_aux: whether the function also gives auxiliary results.
        holomorphic: whether it is a holomorphic function of complex numbers, whose result may be complex:
            what is given then is its complex derivative.

    Returns:
        A function of the same arguments that gives the derivatives, in the shape of the argument (a tuple of
        them for a tuple of positions); with ``has_aux``, a pair of that and the auxiliary results. Where the
        function is not differentiable it gives a subgradient, as ``np.abs`` has 0 at 0.

    Raises:
        lazy.NotDifferentiable: an integer argument, a result that is not a scalar, an operation without
            derivative. It is a ``TypeError``.
        lazy.GraphBreak: code that cannot be lifted, with its line.

    Reverse mode as linearisation followed by transposition: Radul et al., *You only linearize once* (2023).

    >>> import numpy as np, lazy
    >>> def loss(w, x):
    ...     return np.sum((x @ w) ** 2)
    >>> lazy.grad(loss)(np.array([1.0, 2.0]), np.eye(2))
    array([2., 4.])
    """
    return Function(function, ("grad", _argnums(argnums), has_aux, False, holomorphic))


def value_and_grad(
    function: Callable[P, Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
) -> Function[P, tuple[Any, Any]]:
    """As `grad`, giving the pair of value and gradient; the value of a holomorphic function is its real part.

    >>> import numpy as np, lazy
    >>> value, gradient = lazy.value_and_grad(lambda x: np.sum(x**2))(np.array([1.0, 3.0]))
    >>> float(value), gradient
    (10.0, array([2., 6.]))
    """
    return Function(function, ("grad", _argnums(argnums), has_aux, True, holomorphic))


def jvp(function: Callable[..., R], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[R, Any]:
    """The value at ``primals`` and the derivative in the direction ``tangents``: forward mode.

    Args:
        function: any function of arrays.
        primals: its arguments.
        tangents: one tangent per argument, each of its argument's shape.

    >>> import numpy as np, lazy
    >>> y, dy = lazy.jvp(np.sin, (0.0,), (1.0,))
    >>> float(dy)
    1.0
    """
    if len(primals) != len(tangents):
        raise TypeError(f"{len(primals)} primals need as many tangents, not {len(tangents)}")
    out: tuple[R, Any] = _once(function, ("jvp", len(primals)))(*primals, tuple(tangents))
    return out


def vjp(function: Callable[..., R], *primals: Any) -> tuple[R, Callable[[Any], tuple[Any, ...]]]:
    """The value at ``primals`` and a function that pulls cotangents back: reverse mode.

    Returns:
        ``(function(*primals), pull)``; ``pull(cotangent)`` takes a cotangent of the result's form and gives
        a tuple with one cotangent per argument.

    >>> import numpy as np, lazy
    >>> y, pull = lazy.vjp(lambda x: x**2, np.array([1.0, 3.0]))
    >>> pull(np.array([1.0, 1.0]))
    (array([2., 6.]),)
    """
    pullback = _once(function, ("vjp", len(primals)))
    value: R = _once(function, ("jit",))(*primals)
    return value, lambda cotangent: pullback(*primals, cotangent)


def linearize(function: Callable[..., R], *primals: Any) -> tuple[R, Callable[..., Any]]:
    """The value at ``primals`` and the linear function of tangents that approximates there.

    >>> import numpy as np, lazy
    >>> y, push = lazy.linearize(np.exp, 0.0)
    >>> float(push(2.0))
    2.0
    """
    push = _once(function, ("jvp", len(primals)))
    value: R = _once(function, ("jit",))(*primals)
    return value, lambda *tangents: push(*primals, tangents)[1]


def vmap(
    function: Callable[P, R], in_axes: int | Sequence[int | None] = 0, out_axes: int = 0
) -> Function[P, R]:
    """The function applied to each example of a batch, as one computation on whole arrays.

    Args:
        function: takes single examples.
        in_axes: the axis of every array among the arguments that runs over the examples, nested containers
            included; or one per argument, with ``None`` for those that all examples share. Python numbers
            are always shared.
        out_axes: the axis of the results that runs over the examples.

    Raises:
        ValueError: an argument without the axis, or axes of different sizes.
        lazy.GraphBreak: results whose size or branches depend on the example, and random draws.

    >>> import numpy as np, lazy
    >>> def distance(x, y):
    ...     return np.sqrt(np.sum((x - y) ** 2))
    >>> lazy.vmap(distance, in_axes=(0, None))(np.array([[3.0, 4.0], [0.0, 1.0]]), np.zeros(2))
    array([5., 1.])
    """
    axes = in_axes if isinstance(in_axes, int) else tuple(in_axes)
    return Function(function, ("vmap", axes, out_axes))


def jacfwd(function: Callable[P, Any], argnums: int | Sequence[int] = 0) -> Function[P, Any]:
    """The Jacobian by forward mode: one column at a time. For few inputs.

    The result has the shape of the function's result followed by that of the argument.
    """
    return Function(function, ("jacfwd", _argnums(argnums)))


def jacrev(function: Callable[P, Any], argnums: int | Sequence[int] = 0) -> Function[P, Any]:
    """The Jacobian by reverse mode: one row at a time. For few outputs.

    The result has the shape of the function's result followed by that of the argument.
    """
    return Function(function, ("jacrev", _argnums(argnums)))


jacobian = jacrev


def hessian(function: Callable[P, Any], argnums: int | Sequence[int] = 0) -> Function[P, Any]:
    """The matrix of second derivatives of a scalar function: forward mode over reverse mode.

    >>> import numpy as np, lazy
    >>> lazy.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])
    """
    return Function(function, ("hessian", _argnums(argnums)))


def hvp(function: Callable[..., Any], argnums: int = 0) -> Function[..., Any]:
    """The product of the Hessian with a vector, without the Hessian: ``hvp(f)(x, v)``.

    The vector has the form of the argument at ``argnums`` and is the last argument.
    """
    return Function(function, ("hvp", _argnums(argnums)))


def likelihood(model: Callable[..., Any], given: Mapping[str, Any] | None = None) -> Function[..., Any]:
    """The joint log-density of a sampling program.

    A random draw takes its name from the variable it is assigned to: ``alpha = rng.normal(0, 10)``.

    Args:
        model: a function that draws from ``np.random``, a ``Generator`` or a ``RandomState``.
        given: values of observed variables by name.

    Returns:
        ``logp(values, *args)``: ``values`` is a dict of the remaining random variables by name. Constants are
        kept, so that the densities are normalised; outside the support it is ``-inf``.

    Raises:
        lazy.NoDensity: a draw whose density is not known, or that is used in a way that has none.

    >>> import numpy as np, lazy
    >>> def model(x):
    ...     slope = np.random.normal(0.0, 10.0)
    ...     y = np.random.normal(slope * x, 1.0)
    ...     return y
    >>> x = np.array([1.0, 2.0])
    >>> logp = lazy.likelihood(model, given={"y": np.array([2.0, 4.0])})
    >>> round(float(lazy.grad(logp)({"slope": 2.0}, x)["slope"]), 6)
    -0.02
    """
    return Function(model, ("likelihood", dict(given) if given else None))


def explain(function: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    """What `jit` makes of a call: what is lifted, and what runs as plain Python and why."""
    lifted = function if isinstance(function, Function) else _once(function, ("jit",))
    return lifted.explain(*args, **kwargs)
