"""Recorded arrays: NumPy's protocols on the arrays of `lazy._lazy`, and what makes and computes them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from lazy import _lazy
from lazy._lazy import Array

_sharing: ContextVar[bool] = ContextVar("lazy_sharing", default=False)


def array(x: Any, dtype: Any = None, *, copy: bool = True, name: str = "") -> Array:
    """An array that records what is done to it.

    NumPy functions, operators and methods applied to it give recorded arrays again; `compute` evaluates
    them. Reading a value (``bool(a)``, ``float(a)``, ``len``, iteration, ``np.asarray``) computes it.
    Recorded arrays are immutable: ``a += b`` makes a new array.

    Args:
        x: anything ``np.asarray`` takes.
        dtype: as in ``np.array``.
        copy: with ``False``, later changes of ``x`` are seen by what is computed after them.
        name: what the array is called in source made from it.

    >>> import numpy as np, lazy
    >>> a = lazy.array([1.0, 2.0, 3.0])
    >>> b = (a * a).sum()
    >>> b
    <lazy.Array shape=() dtype=float64 unevaluated>
    >>> float(b)
    14.0
    """
    if isinstance(x, Array):
        return x if dtype is None else x.astype(dtype)
    return _lazy.wrap(np.asarray(x, dtype=dtype), copy, name)


def deferred(arrays: Sequence[Any]) -> list[Array]:
    """Several arrays as recorded arrays: ``a, b = lazy.deferred([a, b])``."""
    return [array(x) for x in arrays]


def Variable(shape: int | Sequence[int], dtype: Any = float, name: str = "") -> Array:
    """A recorded array without a value: an argument of a `lazy.Function` to be.

    Args:
        shape: sizes of the axes.
        dtype: any that lazy lifts.
        name: what the argument is called.
    """
    sizes = [shape] if isinstance(shape, int) else list(shape)
    return _lazy.variable(sizes, np.dtype(dtype), name)


def compute(arrays: Any) -> Any:
    """The value of a recorded array, or of several at once (a tuple), what they share computed once.

    >>> import lazy
    >>> a = lazy.array([3.0, 4.0])
    >>> lazy.compute([a[0], -a[1]])
    (np.float64(3.0), np.float64(-4.0))
    """
    if isinstance(arrays, Array):
        return arrays.compute()
    if not isinstance(arrays, (list, tuple)):
        return arrays  # NumPy has computed it already.
    every = list(arrays)
    values = iter(_lazy.compute_all([x for x in every if isinstance(x, Array)]))
    return tuple(next(values) if isinstance(x, Array) else x for x in every)


def force(x: Any, out: np.ndarray[Any, Any] | None = None) -> Any:
    """The value of ``x``, written to ``out`` if it is given.

    Raises:
        ValueError: if ``out`` has another shape.
        TypeError: if the value cannot be cast to ``out``'s dtype as NumPy's ufuncs would.
    """
    value = x.compute() if isinstance(x, Array) else np.asarray(x)
    if out is None:
        return value
    if out.shape != np.shape(value):
        raise ValueError(f"out has shape {out.shape}, the value {np.shape(value)}")
    np.copyto(out, value)
    return out


@contextmanager
def shared_intermediates() -> Iterator[None]:
    """Within this context, what is recorded twice with the same inputs becomes one node."""
    token = _sharing.set(True)
    try:
        yield
    finally:
        _sharing.reset(token)


# -- NumPy's protocols ---------------------------------------------------------------------------

_REDUCTIONS = {
    "add": "sum",
    "multiply": "prod",
    "maximum": "max",
    "minimum": "min",
    "logical_and": "all",
    "logical_or": "any",
}
_ACCUMULATIONS = {"add": "cumsum", "multiply": "cumprod"}


def _computed(x: Any) -> Any:
    """``x`` with every recorded array in it computed."""
    if isinstance(x, Array):
        return x.compute()
    if type(x) in (list, tuple):
        return type(x)(map(_computed, x))
    if type(x) is slice:
        return slice(_computed(x.start), _computed(x.stop), _computed(x.step))
    return x


def _plainly(function: Callable[..., Any], args: Any, keywords: dict[str, Any]) -> Any:
    """NumPy itself, on computed arrays: for what is not recorded."""
    return function(*_computed(tuple(args)), **{k: _computed(v) for k, v in keywords.items()})


def _record(name: str, function: Callable[..., Any], args: Any, keywords: dict[str, Any]) -> Any:
    result = _lazy.record(name, list(args), keywords or None, _sharing.get())
    return _plainly(function, args, keywords) if result is NotImplemented else result


def _operator(name: str, args: tuple[Any, ...]) -> Any:
    """An operator by its dotted name, on computed arrays."""
    module, _, function = name.rpartition(".")
    return _plainly(getattr({"operator": operator, "numpy": np}[module], function), args, {})


def _ufunc_name(ufunc: np.ufunc) -> str:
    is_numpys = getattr(np, ufunc.__name__, None) is ufunc
    return f"numpy.{ufunc.__name__}" if is_numpys else f"scipy.special.{ufunc.__name__}"


def _array_ufunc(self: Array, ufunc: np.ufunc, method: str, *args: Any, **keywords: Any) -> Any:
    function = getattr(ufunc, method)
    out = keywords.get("out")
    if out is not None:
        if any(isinstance(target, Array) for target in out):
            raise TypeError("recorded arrays are immutable and cannot be written to with out=")
        return _plainly(function, args, keywords)
    if method == "__call__":
        return _record(_ufunc_name(ufunc), function, args, keywords)
    name = ufunc.__name__ if getattr(np, ufunc.__name__, None) is ufunc else ""
    if method == "reduce" and name in _REDUCTIONS and len(args) <= 2:
        keywords.setdefault("axis", args[1] if len(args) == 2 else 0)
        return _record(f"numpy.{_REDUCTIONS[name]}", function, args[:1], keywords)
    if method == "accumulate" and name in _ACCUMULATIONS and len(args) <= 2:
        keywords.setdefault("axis", args[1] if len(args) == 2 else 0)
        return _record(f"numpy.{_ACCUMULATIONS[name]}", function, args[:1], keywords)
    if method == "outer" and len(args) == 2:
        a, b = (x if isinstance(x, Array) else np.asarray(x) for x in args)
        return ufunc(a.reshape(a.shape + (1,) * b.ndim), b, **keywords)
    return _plainly(function, args, keywords)


def _array_function(
    self: Array, function: Callable[..., Any], types: Any, args: Any, keywords: dict[str, Any]
) -> Any:
    if keywords.get("out") is not None:
        return _plainly(function, args, keywords)
    return _record(f"{function.__module__}.{function.__name__}", function, args, keywords)


def _array(self: Array, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
    return np.asarray(self.compute(), dtype=dtype)


# -- operators, methods, attributes ---------------------------------------------------------------


def _binary(function: Callable[..., Any], name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def forward(self: Array, other: Any) -> Any:
        return _record(name, function, (self, other), {})

    def reflected(self: Array, other: Any) -> Any:
        return _record(name, function, (other, self), {})

    return forward, reflected


def _unary(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    def method(self: Array) -> Any:
        return _record(name, function, (self,), {})

    return method


def _method(name: str) -> Callable[..., Any]:
    plain = getattr(np.ndarray, name)

    def method(self: Array, *args: Any, **keywords: Any) -> Any:
        return _record(f"numpy.ndarray.{name}", plain, (self, *args), keywords)

    method.__name__ = name
    method.__qualname__ = f"Array.{name}"
    method.__doc__ = f"As ``np.ndarray.{name}``, recorded."
    return method


def _attribute(name: str) -> property:
    plain = operator.attrgetter(name)

    def get(self: Array) -> Any:
        return _record(f"numpy.ndarray.{name}", plain, (self,), {})

    return property(get, doc=f"As ``np.ndarray.{name}``, recorded.")


def _converted(kind: Callable[[Any], Any]) -> Callable[[Array], Any]:
    return lambda self: kind(self.compute())


def _len(self: Array) -> int:
    if not self.shape:
        raise TypeError("len() of unsized object")
    return int(self.shape[0])


def _iter(self: Array) -> Iterator[Any]:
    if not self.shape:
        raise TypeError("iteration over a 0-d array")
    return (self[i] for i in range(self.shape[0]))


def _setitem(self: Array, key: Any, value: Any) -> None:
    raise TypeError("recorded arrays are immutable: use np.where, or write to the computed array")


def _show(self: Array, max_lines: int = 200) -> None:
    """Prints what the array is made of, as a tree."""
    print(self.listing(max_lines))


_BINARY = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "lshift", "rshift"]
_LOGIC = {"and": operator.and_, "or": operator.or_, "xor": operator.xor}
_COMPARISONS = ["lt", "le", "eq", "ne", "gt", "ge"]
METHODS = [
    "all",
    "any",
    "argmax",
    "argmin",
    "argsort",
    "astype",
    "choose",
    "clip",
    "compress",
    "conj",
    "conjugate",
    "copy",
    "cumprod",
    "cumsum",
    "diagonal",
    "dot",
    "flatten",
    "max",
    "mean",
    "min",
    "nonzero",
    "prod",
    "ptp",
    "ravel",
    "repeat",
    "reshape",
    "round",
    "searchsorted",
    "sort",
    "squeeze",
    "std",
    "sum",
    "swapaxes",
    "take",
    "trace",
    "transpose",
    "var",
]


def _attach() -> None:
    def put(name: str, value: Any) -> None:
        setattr(Array, name, value)

    for name in _BINARY:
        forward, reflected = _binary(getattr(operator, name), f"operator.{name}")
        put(f"__{name}__", forward)
        put(f"__r{name}__", reflected)
    for name, function in _LOGIC.items():
        forward, reflected = _binary(function, f"operator.{name}{'' if name == 'xor' else '_'}")
        put(f"__{name}__", forward)
        put(f"__r{name}__", reflected)
    forward, reflected = _binary(divmod, "numpy.divmod")
    put("__divmod__", forward)
    put("__rdivmod__", reflected)
    for name in _COMPARISONS:
        put(f"__{name}__", _binary(getattr(operator, name), f"operator.{name}")[0])
    for name in ("neg", "pos", "invert"):
        put(f"__{name}__", _unary(getattr(operator, name), f"operator.{name}"))
    put("__abs__", _unary(abs, "numpy.absolute"))
    put("__getitem__", _binary(operator.getitem, "operator.getitem")[0])
    for name in METHODS:
        if hasattr(np.ndarray, name):
            put(name, _method(name))
    for name in ("T", "mT", "real", "imag"):
        put(name, _attribute(name))
    for kind in (bool, int, float, complex):
        put(f"__{kind.__name__}__", _converted(kind))
    put("__index__", _converted(operator.index))
    put("item", lambda self, *args: np.asarray(self.compute()).item(*args))
    put("tolist", lambda self: self.compute().tolist())
    put("__len__", _len)
    put("__iter__", _iter)
    put("__setitem__", _setitem)
    put("__hash__", None)
    put("__array__", _array)
    put("__array_ufunc__", _array_ufunc)
    put("__array_function__", _array_function)
    put("show", _show)


_attach()
