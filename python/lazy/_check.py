"""What is wrong with a derivative: compared with differences, and searched for NaN.

In: a function and arguments. Out: a report that names the argument, the entry, and the line.

>>> import numpy as np, lazy
>>> def f(x):
...     return np.sum(np.sqrt(x))
>>> print(lazy.explain_nan(lazy.grad(f), np.array([4.0, -1.0])))  # doctest: +ELLIPSIS
sqrt gives NaN in 1 of 2 entries, first at [1] at ...
"""

from __future__ import annotations

import inspect
import linecache
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lazy._errors import LazyError
from lazy._function import Function
from lazy._transforms import _once, vjp

# Two steps, of which the differences must agree before they are held against a derivative.
_STEPS = (1e-3, 5e-4)


@dataclass(frozen=True)
class Disagreement:
    """One entry of one argument by which a derivative is not what differences say."""

    argument: str
    entry: tuple[int, ...]
    derivative: float
    difference: float
    place: str = ""

    def __str__(self) -> str:
        at = f"[{', '.join(map(str, self.entry))}]" if self.entry else ""
        text = f"{self.argument}{at}: derivative {self.derivative:.6g}, difference {self.difference:.6g}"
        return f"{text}\n{self.place}" if self.place else text


@dataclass(frozen=True)
class GradientCheck:
    """What `check_grad` found. It is true if there is no disagreement."""

    entries: int
    disagreements: list[Disagreement] = field(default_factory=list)

    def __bool__(self) -> bool:
        return not self.disagreements

    def __str__(self) -> str:
        if self:
            return f"the derivatives by {self.entries} entries agree with differences"
        found = "\n".join(map(str, self.disagreements))
        return f"{len(self.disagreements)} of {self.entries} derivatives disagree with differences\n{found}"


def check_grad(
    function: Callable[..., Any],
    *args: Any,
    argnums: int | Sequence[int] | None = None,
    rtol: float = 1e-5,
    atol: float = 1e-7,
    seed: int = 0,
) -> GradientCheck:
    """Compares the derivatives of a function with differences, entry by entry.

    Args:
        function: any function of arrays; of a result that is not a scalar, a random weighted sum is taken.
        *args: where to compare. float64 and complex128: others are too coarse for differences.
        argnums: the arguments to compare by; by default all that hold floats.
        rtol, atol: how far they may be apart.
        seed: of the weights.

    Returns:
        A `GradientCheck`: true if they agree; printed, it tells for each disagreement the argument, the
        entry, and the first operation, with its line, whose own derivative disagrees. A disagreement need
        not be an error: at a kink there are several slopes, and differences give one between them.

    >>> import numpy as np, lazy
    >>> print(lazy.check_grad(lambda x, y: np.sum(x * np.sin(y)), np.ones(2), np.ones(2)))
    the derivatives by 4 entries agree with differences
    """
    if argnums is None:
        chosen = [i for i, arg in enumerate(args) if any(_is_inexact(leaf) for _, leaf in _leaves(arg))]
    else:
        chosen = [argnums] if isinstance(argnums, int) else list(argnums)
    names = _names(function, len(args))

    def at(*values: Any) -> Any:
        given = list(args)
        for i, value in zip(chosen, values, strict=True):
            given[i] = value
        return function(*given)

    here = [args[i] for i in chosen]
    value, pull = vjp(at, *here)
    rng = np.random.default_rng(seed)
    weights = _map(lambda leaf: _weights(rng, leaf), value)
    gradients = pull(weights)

    entries, found = 0, []
    for k, i in enumerate(chosen):
        derived = [leaf for _, leaf in _leaves(gradients[k])]
        for (path, leaf), gradient in zip(_leaves(args[i]), derived, strict=True):
            for entry in np.ndindex(np.shape(leaf)):
                entries += 1
                for unit in (1.0, 1j) if np.iscomplexobj(leaf) else (1.0,):

                    def along(
                        h: float, k: int = k, path: Any = path, entry: Any = entry, u: Any = unit
                    ) -> Any:
                        moved = list(here)
                        moved[k] = _moved(here[k], path, entry, h * u)
                        return _total(at(*moved), weights)

                    difference, error = _slope(along)
                    slope = float(np.real(np.asarray(gradient)[entry] * unit))
                    if not _agree(slope, difference, error, rtol, atol):
                        place = _first_disagreement(at, here, k, path, entry, unit, rtol, atol)
                        found.append(Disagreement(names[i] + path, entry, slope, difference, place))
    return GradientCheck(entries, found)


def explain_nan(function: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    """The first operation of a function that gives NaN though it is given none, with its line.

    Of a derivative, as in ``explain_nan(lazy.grad(loss), x)``, the operation may be one of the way back: the
    line is that of the operation it differentiates. Operations that made the infinity that a NaN comes from
    are told too.

    >>> import numpy as np, lazy
    >>> lazy.explain_nan(np.exp, np.ones(2))
    'no NaN'
    """
    infinite = ""
    for (_, _, operation, name), value, place in _nodes(function, args, kwargs):
        numbers = np.asarray(value)
        if numbers.dtype.kind not in "fc":
            continue
        subject = f"{name} = {operation}" if name else operation
        if np.isnan(numbers).any():
            count = int(np.isnan(numbers).sum())
            text = f"{subject} gives NaN"
            if numbers.ndim:
                first = tuple(int(i) for i in np.argwhere(np.isnan(numbers))[0])
                text += f" in {count} of {numbers.size} entries, first at {list(first)}"
            return f"{text} at {place}{infinite}"
        if not infinite and np.isinf(numbers).any():
            infinite = f"\nbefore it, {subject} gives infinity at {place}"
    return "no NaN"


def _nodes(
    function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]
) -> Iterator[tuple[Any, Any, str]]:
    nodes: Function[..., Any] = Function(function, ("nodes",))
    values = nodes(*args, **kwargs)
    places = nodes.places_for(*args, **kwargs)
    for place, value in zip(places, values, strict=True):
        yield place, value, _place(place)


def _place(place: Any) -> str:
    file, line, _, _ = place
    if not file:
        return "a place without a line"
    text = linecache.getline(file, line).strip()
    return f"{file}:{line}" + (f"\n    {text}" if text else "")


def _first_disagreement(
    function: Callable[..., Any],
    here: Sequence[Any],
    k: int,
    path: str,
    entry: tuple[int, ...],
    unit: Any,
    rtol: float,
    atol: float,
) -> str:
    """The first node whose tangent is not what differences of its values say."""
    nodes: Function[..., Any] = Function(function, ("nodes",))
    tangents = [_map(np.zeros_like, argument) for argument in here]
    tangents[k] = _moved(tangents[k], path, entry, unit)
    try:
        values, slopes = _once(nodes, ("jvp", len(here)))(*here, tuple(tangents))
        places = nodes.places_for(*here)

        def along(h: float) -> Any:
            moved = list(here)
            moved[k] = _moved(here[k], path, entry, h * unit)
            return nodes(*moved)

        high, low = along(_STEPS[1]), along(-_STEPS[1])
    except LazyError:
        # The neighbours take other paths through the function.
        return "  where it branches by values"
    if not len(values) == len(high) == len(low) == len(places):
        return ""
    for place, slope, above, below in zip(places, slopes, high, low, strict=True):
        difference = (np.asarray(above) - np.asarray(below)) / (2 * _STEPS[1])
        if np.shape(difference) != np.shape(slope):
            continue
        coarse = max(100 * rtol, 1e-3)
        if not np.allclose(slope, difference, rtol=coarse, atol=max(100 * atol, 1e-5), equal_nan=True):
            return f"  first at {place[2]}, {_place(place)}"
    return ""


def _slope(along: Callable[[float], float]) -> tuple[float, float]:
    """The derivative at 0 from differences of fourth order, and how far two steps are apart."""

    def of(h: float) -> float:
        return (8 * (along(h) - along(-h)) - (along(2 * h) - along(-2 * h))) / (12 * h)

    coarse, fine = of(_STEPS[0]), of(_STEPS[1])
    return fine, abs(coarse - fine)


def _agree(slope: float, difference: float, error: float, rtol: float, atol: float) -> bool:
    if np.isnan(slope) or np.isnan(difference):
        return bool(np.isnan(slope) and np.isnan(difference))
    return abs(slope - difference) <= atol + rtol * max(abs(slope), abs(difference)) + 2 * error


def _total(value: Any, weights: Any) -> float:
    pairs = zip(_leaves(value), _leaves(weights), strict=True)
    return float(sum(np.sum(np.real(np.asarray(v) * w)) for (_, v), (_, w) in pairs if _is_inexact(v)))


def _weights(rng: np.random.Generator, leaf: Any) -> Any:
    w = rng.uniform(0.5, 1.5, np.shape(leaf))
    if np.iscomplexobj(leaf):
        w = w + 1j * rng.uniform(0.5, 1.5, np.shape(leaf))
    return np.asarray(w, dtype=np.asarray(leaf).dtype if _is_inexact(leaf) else None)[()]


def _names(function: Callable[..., Any], count: int) -> list[str]:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [p.name for p in parameters if p.kind in plain]
    return [names[i] if i < len(names) else f"argument {i}" for i in range(count)]


def _is_inexact(leaf: Any) -> bool:
    return np.asarray(leaf).dtype.kind in "fc"


def _leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Paths, as Python writes them, and leaves."""
    if isinstance(tree, dict):
        for key, item in tree.items():
            yield from _leaves(item, f"{path}[{key!r}]")
    elif isinstance(tree, (list, tuple)):
        for i, item in enumerate(tree):
            yield from _leaves(item, f"{path}[{i}]")
    else:
        yield path, tree


def _map(function: Callable[[Any], Any], tree: Any, path: str = "", at: str | None = None) -> Any:
    """The tree with its leaves replaced, or only the one at a path."""
    if isinstance(tree, dict):
        return {key: _map(function, item, f"{path}[{key!r}]", at) for key, item in tree.items()}
    if isinstance(tree, (list, tuple)):
        items = [_map(function, item, f"{path}[{i}]", at) for i, item in enumerate(tree)]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    return function(tree) if at is None or at == path else tree


def _moved(tree: Any, path: str, entry: tuple[int, ...], step: Any) -> Any:
    """The tree with one entry of one leaf moved."""

    def move(leaf: Any) -> Any:
        moved = np.array(leaf, dtype=np.result_type(leaf, 1.0 if np.isrealobj(step) else 1j))
        moved[entry] += step
        return moved[()] if np.ndim(leaf) == 0 else moved

    return _map(move, tree, "", path)
