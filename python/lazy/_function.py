"""What every transform returns: a function that can be called, read, printed and transformed further."""

from __future__ import annotations

import functools
import inspect
import itertools
import linecache
import types
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast, overload

import numpy as np

from lazy import _lazy, _pickle

P = ParamSpec("P")
R = TypeVar("R", covariant=True)

_numbers = itertools.count()


class Function(_lazy.Dispatcher, Generic[P, R]):
    """A transformed function.

    Call it like the function it was made from. Beside that:

    - `source`: readable NumPy that computes the same;
    - `python`: a genuine function compiled from it, which does not need lazy;
    - `graph`: the graph, as text;
    - `explain(*args)`: what was lifted, what was not, and why.

    ``lazy.Function(inputs, outputs)`` makes one from recorded arrays: a function of the arrays
    ``inputs`` that computes ``outputs``, one array or a sequence of them. Other arrays that the outputs
    depend on become constants.

    >>> import numpy as np, lazy
    >>> x = lazy.Variable((3,), name="x")
    >>> f = lazy.Function(inputs=x, outputs=np.exp(x).sum())
    >>> float(f(np.zeros(3)))
    3.0
    """

    def __new__(
        cls,
        function: Any = None,
        transform: Any = ("jit",),
        options: dict[str, Any] | None = None,
        *,
        inputs: Any = None,
        outputs: Any = None,
        name: str = "function",
    ) -> Function[P, R]:
        if inputs is None and outputs is None and not callable(function):
            inputs, outputs, transform = function, transform, ("jit",)
        if inputs is not None or outputs is not None:
            function = _recorded(inputs, outputs, name)
            transform = ("jit",)
        made = super().__new__(cls, function, transform, options or {})
        return cast("Function[P, R]", made)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Not the dict of a function that is itself a Function: what follows is our own.
        functools.update_wrapper(self, self.function, updated=())
        self._transform: tuple[Any, ...] = ("jit",)
        if len(args) > 1 and callable(args[0]):
            self._transform = args[1]
        self._compiled: dict[str, types.FunctionType] = {}

    if TYPE_CHECKING:
        __name__: str
        __qualname__: str

        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...

    @property
    def source(self) -> str:
        """Readable NumPy source of the last lift.

        A function is lifted for the dtypes and ranks it is called with, so call it first, or ask
        ``source_for(*args)``.

        Raises:
            LookupError: if the function has not been lifted yet.
        """
        self._require_lift("source")
        return self.source_for()

    @property
    def graph(self) -> str:
        """The graph of the last lift, as text.

        Raises:
            LookupError: if the function has not been lifted yet.
        """
        self._require_lift("graph")
        return self.graph_for()

    @property
    def python(self) -> Callable[P, R]:
        """The function compiled by CPython from `source`. Its globals are NumPy and captured values only.

        Raises:
            LookupError: if the function has not been lifted yet.
        """
        self._require_lift("python")
        return self.python_for()

    def python_for(self, *args: Any, **kwargs: Any) -> Callable[P, R]:
        """As `python`, for the dtypes and ranks of these arguments."""
        source = self.source_for(*args, **kwargs)
        if source not in self._compiled:
            self._compiled[source] = _compile(source, self.captured_for(*args, **kwargs))
        return self._compiled[source]

    def explain(self, *args: Any, **kwargs: Any) -> str:
        """What lifting this call did: inputs, guards, functions entered, or why it runs as plain Python."""
        return self.explain_for(*args, **kwargs)

    def show(self) -> None:
        """Prints `source`."""
        print(self.source)

    def _require_lift(self, what: str) -> None:
        if self.lifts == 0:
            name = getattr(self, "__name__", "the function")
            raise LookupError(
                f"{name} has not been lifted yet, and its {what} depends on the arguments' dtypes and ranks: "
                f"call it, or ask .{what}_for(*args)"
            )

    @property
    def __signature__(self) -> inspect.Signature:
        return _signature(self.function, self._transform)

    @overload
    def __get__(self, instance: None, owner: type | None = None) -> Function[P, R]: ...
    @overload
    def __get__(self, instance: object, owner: type | None = None) -> Callable[..., R]: ...
    def __get__(self, instance: object, owner: type | None = None) -> Any:
        """A method, when the function is an attribute of a class."""
        return self if instance is None else types.MethodType(self, instance)

    def __reduce__(self) -> Any:
        if _pickle.importable(self):
            return self.__qualname__
        return _rebuild, (_pickle.pack(self.function), self._transform)

    def __repr__(self) -> str:
        name = getattr(self.function, "__qualname__", None) or repr(self.function)
        inner = repr(self.function)[len("<lazy.") : -1] if isinstance(self.function, Function) else name
        return f"<lazy.{self._transform[0]}({inner})>"


def _rebuild(packed: Any, transform: tuple[Any, ...]) -> Function[..., Any]:
    return Function(_pickle.restore(packed), transform)


def _signature(function: Callable[..., Any], transform: tuple[Any, ...]) -> inspect.Signature:
    """The parameters of the transformed function."""
    signature = inspect.signature(function)
    parameters = list(signature.parameters.values())
    ordinary = inspect.Parameter.POSITIONAL_ONLY
    if transform[0] == "likelihood":
        parameters = [inspect.Parameter("values", ordinary), *(p.replace(kind=p.kind) for p in parameters)]
    last = {"jvp": "tangents", "vjp": "cotangent", "hvp": "vector"}.get(transform[0])
    if last:
        parameters = [
            p.replace(kind=ordinary, default=inspect.Parameter.empty)
            for p in parameters
            if p.kind in (ordinary, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        ]
        parameters.append(inspect.Parameter(last, ordinary))
    result = signature.return_annotation if transform[0] == "jit" else inspect.Signature.empty
    return inspect.Signature(parameters, return_annotation=result)


def _compile(source: str, captured: dict[str, Any]) -> types.FunctionType:
    """The function that ``source`` defines, with its source known to tracebacks and ``inspect``."""
    filename = f"<lazy {next(_numbers)}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    scope: dict[str, Any] = {"__name__": "lazy.emitted", "np": np, **captured}
    before = set(scope)
    exec(compile(source, filename, "exec"), scope)
    functions = [v for k, v in scope.items() if k not in before and isinstance(v, types.FunctionType)]
    return functions[-1]


def _recorded(inputs: Any, outputs: Any, name: str) -> types.FunctionType:
    """A plain function of recorded arrays."""
    form = type(outputs).__name__ if isinstance(outputs, (list, tuple)) else "array"
    source, constants = _lazy.recorded_source(_as_list(inputs), _as_list(outputs), name, form)
    return _compile(source, constants)


def _as_list(arrays: Any) -> list[Any]:
    if arrays is None:
        return []
    if isinstance(arrays, _lazy.Array):
        return [arrays]
    if isinstance(arrays, Iterable):
        return list(arrays)
    raise TypeError(f"expected recorded arrays, got {type(arrays).__name__}")
