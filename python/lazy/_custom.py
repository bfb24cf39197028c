"""Functions whose derivative, or whose code, is their author's affair.

The machine that lifts knows `with_jvp`, `with_vjp`, `call_checkpointed`, `call_opaque`, `call_for_each` and
`enter_opaque` by name: called by plain Python they are the function and nothing else.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Sequence
from typing import Any, Generic, ParamSpec, Self, TypeVar, overload

P = ParamSpec("P")
R = TypeVar("R")

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def with_jvp(function: Any, rule: Any, fixed: tuple[int, ...], arguments: tuple[Any, ...]) -> Any:
    """``function(*arguments)``, of which ``rule`` is the derivative."""
    return function(*arguments)


def with_vjp(
    function: Any, forward: Any, backward: Any, fixed: tuple[int, ...], arguments: tuple[Any, ...]
) -> Any:
    """``function(*arguments)``, of which ``forward`` and ``backward`` are the derivative."""
    return function(*arguments)


def call_checkpointed(
    function: Any, arguments: tuple[Any, ...], keywords: dict[str, Any], loops: bool
) -> Any:
    """``function(*arguments, **keywords)``, whose way back computes it, or trips of its loops, again."""
    return function(*arguments, **keywords)


def call_opaque(function: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """``function(*arguments, **keywords)``, called by each run."""
    return function(*arguments, **keywords)


def call_for_each(function: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """As `call_opaque`, of a function that treats axes in front of its arguments' own as a batch."""
    return function(*arguments, **keywords)


def enter_opaque() -> None:
    """Nothing; what follows is not lifted."""


class _Wrapped(Generic[P, R]):
    """A function inside an object, which binds to instances as functions do."""

    __name__: str

    def __init__(self, function: Callable[P, R]) -> None:
        functools.update_wrapper(self, function)
        self.function = function

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.function(*args, **kwargs)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)


class _WithRule(_Wrapped[P, R]):
    def __init__(self, function: Callable[P, R], nondiff_argnums: Sequence[int] = ()) -> None:
        super().__init__(function)
        parameters = inspect.signature(function).parameters.values()
        self.names = tuple(p.name for p in parameters if p.kind in _POSITIONAL)
        self.defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
        self.nondiff_argnums = tuple(at % len(self.names) for at in nondiff_argnums)

    def _positional(self, args: Any, kwargs: Any) -> tuple[Any, ...]:
        """All arguments by position, as the rules take them."""
        out = list(args)
        for name in self.names[len(args) :]:
            if name in kwargs:
                out.append(kwargs.pop(name))
            elif name in self.defaults:
                out.append(self.defaults[name])
            else:
                raise TypeError(f"missing argument {name!r}")
        if kwargs:
            raise TypeError(f"unexpected keyword arguments {sorted(kwargs)}")
        return tuple(out)


class custom_jvp(_WithRule[P, R]):
    """A function with a derivative of its own, in forward mode; reverse mode is its transpose.

    The rule is ``rule(primals, tangents)``: two tuples with an entry per argument. It returns the pair of
    the value and its tangent, and must be linear in the tangents. Arguments at ``nondiff_argnums`` come
    before the two, one by one. The rule may call the function itself: derivatives of higher order follow it
    up to the third such call within each other.

    Raises:
        TypeError: no rule was given, or it returns something else.
        lazy.NotDifferentiable: a derivative by a value that the function reads from outside.

    >>> import numpy as np, lazy
    >>> @lazy.custom_jvp
    ... def log1pexp(x):
    ...     return np.log1p(np.exp(x))
    >>> @log1pexp.defjvp
    ... def rule(primals, tangents):
    ...     (x,), (t,) = primals, tangents
    ...     return log1pexp(x), t * (1 - 1 / (1 + np.exp(x)))
    >>> float(lazy.grad(log1pexp)(0.0))
    0.5
    """

    rule: Callable[..., Any] | None = None

    def defjvp(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Gives the rule; a decorator."""
        self.rule = rule
        return rule

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        if self.rule is None:
            raise TypeError(f"{self.__name__} has no derivative yet: give it one with defjvp")
        arguments = self._positional(args, kwargs)
        out: R = with_jvp(self.function, self.rule, self.nondiff_argnums, arguments)
        return out


class custom_vjp(_WithRule[P, R]):
    """A function with a derivative of its own, in reverse mode only.

    ``forward(*args)`` returns the pair of the value and residuals, anything that ``backward`` needs.
    ``backward(residuals, cotangent)`` returns a tuple with the cotangent of each argument; ``None`` is
    zero. Arguments at ``nondiff_argnums`` come before the two, and have no cotangent.

    Raises:
        TypeError: no rule was given, or it returns something else.
        lazy.NotDifferentiable: forward mode, and derivatives by a value that is read from outside.

    >>> import numpy as np, lazy
    >>> @lazy.custom_vjp
    ... def clipped(x):
    ...     return x
    >>> clipped.defvjp(lambda x: (x, None), lambda _, c: (np.clip(c, -1.0, 1.0),))
    >>> lazy.grad(lambda x: np.sum(5.0 * clipped(x)))(np.zeros(2))
    array([1., 1.])
    """

    forward: Callable[..., Any] | None = None
    backward: Callable[..., Any] | None = None

    def defvjp(self, forward: Callable[..., Any], backward: Callable[..., Any]) -> None:
        """Gives both halves of the rule."""
        self.forward, self.backward = forward, backward

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        if self.forward is None:
            raise TypeError(f"{self.__name__} has no derivative yet: give it one with defvjp")
        arguments = self._positional(args, kwargs)
        out: R = with_vjp(self.function, self.forward, self.backward, self.nondiff_argnums, arguments)
        return out


class opaque(_Wrapped[P, R]):
    """A function that lazy does not look into: each run of a lifted function calls it, with real arrays.

    It must be a function of its arguments: lifting calls it as well, to learn what it returns, and a call
    whose result is not needed may be left out. What it returns are arrays and numbers, or tuples and
    lists of them. It has no derivative unless `custom_jvp` or `custom_vjp` gives it one. As a context,
    ``with lazy.opaque():``, a block is left alone: `jit` then runs the function that contains it as plain
    Python, and derivatives are refused.

    Raises:
        lazy.NotDifferentiable: a derivative through it.

    >>> import numpy as np, lazy
    >>> @lazy.opaque
    ... def lookup(x):
    ...     return np.array([{0.0: 1.0}.get(float(v), 2.0) for v in x])
    >>> lazy.jit(lambda x: lookup(x) + x)(np.array([0.0, 1.0]))
    array([1., 3.])
    """

    def __init__(self, function: Callable[P, R] | None = None) -> None:
        if function is not None:
            super().__init__(function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        out: R = call_opaque(self.function, args, kwargs)
        return out

    def __enter__(self) -> None:
        enter_opaque()

    def __exit__(self, *raised: object) -> None:
        pass


class checkpoint(_Wrapped[P, R]):
    """The same function, of which the way back keeps the arguments only and computes the rest again.

    Values and derivatives are those of the function. A gradient takes less memory, by what the function
    computes on the way, and more time, by one evaluation of it. A function that draws random numbers or
    prints is called as it is.

    With ``loops=True``, ``@lazy.checkpoint(loops=True)``, it is long loops within the function that keep
    less: of the values that n trips start from about ``log2(n)``, from which the others are computed again,
    each about ``log2(n) / 2`` times (Griewank and Walther, *Evaluating Derivatives*, chapter 12).

    >>> import numpy as np, lazy
    >>> @lazy.checkpoint
    ... def layer(w, x):
    ...     return np.tanh(w @ x)
    >>> lazy.grad(lambda w, x: np.sum(layer(w, layer(w, x))))(np.eye(2), np.zeros(2))
    array([[0., 0.],
           [0., 0.]])
    >>> @lazy.checkpoint(loops=True)
    ... def simulated(x):
    ...     for _ in range(1000):
    ...         x = x - 0.001 * x**3
    ...     return x
    >>> round(float(lazy.grad(simulated)(1.0)), 3)
    0.192
    """

    @overload
    def __new__(cls, function: Callable[P, R], *, loops: bool = ...) -> Self: ...

    @overload
    def __new__(  # type: ignore[misc]
        cls, function: None = ..., *, loops: bool = ...
    ) -> Callable[[Callable[P, R]], checkpoint[P, R]]: ...

    def __new__(cls, function: Any = None, *, loops: bool = False) -> Any:
        return super().__new__(cls) if function is not None else functools.partial(cls, loops=loops)

    def __init__(self, function: Callable[P, R], *, loops: bool = False) -> None:
        super().__init__(function)
        self.loops = loops

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        out: R = call_checkpointed(self.function, args, kwargs, self.loops)
        return out
