"""One check of all that derivatives have to satisfy, for any program of NumPy's.

In: a `Program`, which is source text and the arrays that it is given. `check` compares values, dtypes and shapes with
NumPy, tangents with differences, cotangents with tangents, second derivatives with differences of first ones and with
those of reverse mode over reverse mode, float32 with float64, and a batch with a loop over its examples. Complex
numbers are pairs of reals: the gradient of a real loss by ``x + iy`` is ``df/dx - i df/dy``.
"""

from __future__ import annotations

import builtins
import math
import operator
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.fft
import scipy.linalg
import scipy.special

import lazy
from cases.arrays import Case

Arrays = Sequence[Any]
SCOPE = {
    "np": np,
    "numpy": np,
    "scipy": scipy,
    "math": math,
    "operator": operator,
    "builtins": builtins,
}
# Steps of differences of fourth order; where the two disagree, a kink or a pole is near.
STEPS = (2e-3, 1e-3)
# Tolerances of values, differences, and of what differs by rounding only: for float64, and for float32.
VALUES, DIFFERENCES, ROUNDING = (1e-9, 1e-4), (1e-6, 3e-4), (1e-8, 3e-3)


class RefusedAt(Exception):
    """lazy refuses a program, at a stage of the check."""

    def __init__(self, stage: str, error: lazy.LazyError) -> None:
        super().__init__(f"{stage}: {error}")
        self.stage = stage


@dataclass
class Program:
    """Statements over `x0`, `x1`..., the arrays that are differentiated by."""

    body: str
    arguments: list[Any]
    scope: dict[str, Any] = field(default_factory=dict)

    def define(self, body: str) -> Callable[..., Any]:
        parameters = ", ".join(f"x{i}" for i in range(len(self.arguments)))
        text = "\n    ".join(body.split("\n"))
        scope = {**SCOPE, **self.scope}
        exec(f"def program({parameters}):\n    {text}", scope)
        program: Callable[..., Any] = scope["program"]
        return program

    @property
    def function(self) -> Callable[..., Any]:
        return self.define(self.body)

    def loss(self, result: Any, rng: np.random.Generator) -> Callable[..., Any]:
        """A weighted sum of all floats of the result, so that no symmetry hides an error."""
        terms = []
        for path, leaf in leaves(result):
            weights = np.asarray(direction(rng, leaf, 0.5, 1.5))[()]
            self.scope[f"w{len(terms)}"] = weights
            terms.append(f"np.sum(np.real(w{len(terms)} * result{path}))")
        before, _, last = self.body.rpartition("return ")
        return self.define(f"{before}result = {last}\nreturn {' + '.join(terms)}")


def program_of(name: str, case: Case, constants: frozenset[int] = frozenset()) -> Program:
    """A call of a name; arrays of floats among its arguments are differentiated by, unless they are constants."""
    program = Program("", [])

    def spell(value: Any, fixed: bool = False) -> str:
        if is_float(value) and not fixed:
            program.arguments.append(value)
            return f"x{len(program.arguments) - 1}"
        if isinstance(value, list):
            return "[" + ", ".join(spell(v, fixed) for v in value) + "]"
        if isinstance(value, tuple):
            return "(" + "".join(spell(v, fixed) + ", " for v in value) + ")"
        if isinstance(value, (int, str, slice, type(None), type(...))) and not isinstance(value, np.generic):
            return "..." if value is ... else repr(value)
        constant = f"c{len(program.scope)}"
        program.scope[constant] = value
        return constant

    arguments = [spell(value, i in constants) for i, value in enumerate(case[0])]
    keywords = [f"{key}={spell(value)}" for key, value in case[1].items()]
    if name.startswith("numpy.ndarray."):
        attribute = name.split(".")[2]
        self = arguments.pop(0)
        given = ", ".join(arguments + keywords)
        call = f"({given})" if callable(getattr(np.ndarray, attribute)) else ""
        program.body = f"return np.asarray({self}).{attribute}{call}"
    else:
        program.body = f"return {name}({', '.join(arguments + keywords)})"
    return program


def is_float(value: Any) -> bool:
    return isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "fc"


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The arrays of floats in a result, each with the subscripts that lead to it."""
    if isinstance(tree, (list, tuple)):
        for i, item in enumerate(tree):
            yield from leaves(item, f"{path}[{i}]")
    elif is_float(tree):
        yield path, tree


def arrays(tree: Any) -> list[np.ndarray]:
    return [np.asarray(leaf) for _, leaf in leaves(tree)]


def at_leaves(tree: Any, like: Any) -> list[np.ndarray]:
    """What a tree of the form of a result holds where that has arrays of floats."""
    if isinstance(like, (list, tuple)):
        return [leaf for u, t in zip(tree, like, strict=True) for leaf in at_leaves(u, t)]
    return [np.asarray(tree)] if is_float(like) else []


def direction(rng: np.random.Generator, like: Any, low: float = -1.0, high: float = 1.0) -> Any:
    """Random numbers of a dtype and a shape; none where NaN or infinity would be moved."""
    numbers: Any = rng.uniform(low, high, np.shape(like))
    if np.iscomplexobj(like):
        numbers = numbers + 1j * rng.uniform(low, high, np.shape(like))
    numbers = np.asarray(np.where(np.isfinite(like), numbers, 0.0), dtype=like.dtype)
    return numbers if isinstance(like, np.ndarray) else numbers[()]


def moved(xs: Arrays, ds: Arrays, h: float) -> list[Any]:
    """Arrays moved along a direction, each in its own layout."""
    result = []
    for x, d in zip(xs, ds, strict=True):
        if isinstance(x, np.ndarray):
            y = np.empty_like(x)
            y[...] = x + h * d
            result.append(y)
        else:
            result.append(x + h * d)
    return result


def double(xs: Arrays) -> list[Any]:
    return [
        np.asarray(x).astype(np.result_type(x.dtype, np.float64))[()] if x.ndim == 0 else x * 1.0 for x in xs
    ]


def inner(xs: Arrays, ys: Arrays) -> float:
    """The sum over all pairs of numbers that both are finite."""
    total = 0.0
    for x, y in zip(xs, ys, strict=True):
        product = np.asarray(x, dtype=np.complex128) * np.asarray(y)
        total += float(np.sum(product.real, where=np.isfinite(product)))
    return total


def differences(f: Callable[..., Any], xs: Arrays, ds: Arrays) -> list[tuple[Any, Any]]:
    """The derivatives of all results along a direction, and how far two steps are apart."""

    def slopes(h: float) -> list[Any]:
        near = [arrays(f(*moved(xs, ds, k * h))) for k in (1, -1, 2, -2)]
        return [(8 * (a - b) - (c - d)) / (12 * h) for a, b, c, d in zip(*near, strict=True)]

    coarse, fine = (slopes(h) for h in STEPS)
    return [(b, np.abs(a - b)) for a, b in zip(coarse, fine, strict=True)]


def same_form(what: str, ours: Any, theirs: Any) -> None:
    u, t = np.asarray(ours), np.asarray(theirs)
    assert u.dtype == t.dtype, f"{what}: dtype {u.dtype} is not {t.dtype}"
    assert u.shape == t.shape, f"{what}: shape {u.shape} is not {t.shape}"


def close(
    what: str, ours: Any, theirs: Any, rtol: float, atol: float, error: Any = 0.0, where: Any = True
) -> None:
    """Relative to the largest number of an array, as sums are rounded; ``error`` is that of the reference."""
    u, t = np.asarray(ours), np.asarray(theirs)
    compared = np.isfinite(t) & where
    scale = np.max(np.abs(t), initial=0.0, where=compared)
    wrong = compared & ~(np.abs(u - t) <= rtol * scale + atol + 3 * error)
    if wrong.any():
        at = int(np.argmax(wrong))
        pair = f"{u.ravel()[at]:.8g} is not {t.ravel()[at]:.8g}"
        raise AssertionError(f"{what}: {pair}, {wrong.sum()} of {wrong.size} numbers")


def attempt(stage: str, call: Callable[[], Any]) -> Any:
    try:
        return call()
    except lazy.LazyError as error:
        raise RefusedAt(stage, error) from error


def check(program: Program, batches: bool = True) -> None:
    """All of it; ``batches`` is whether `vmap` belongs to it.

    Raises:
        AssertionError: something is not as it should be.
        RefusedAt: lazy refuses it.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        xs = program.arguments
        theirs = program.function(*moved(xs, [np.zeros_like(x) for x in xs], 0.0))
        single = any(np.asarray(a).dtype.char in "fF" for a in [*xs, *arrays(theirs)])
        rng = np.random.default_rng(5)
        ds = [direction(rng, x) for x in xs]
        _first_order(program, ds, theirs, single, rng)
        _second_order(program, ds, theirs, single, rng)
        if batches:
            _batches(program, ds, theirs, single)


def _first_order(program: Program, ds: Arrays, theirs: Any, single: bool, rng: np.random.Generator) -> None:
    f, xs = program.function, program.arguments
    value, pull = attempt("derivative", lambda: lazy.vjp(f, *xs))
    cotangent = _cotangent(rng, theirs)
    gradient = attempt("derivative", lambda: pull(cotangent))
    finite = [np.isfinite(t) for t in arrays(theirs)]
    inside = all(f.all() for f in finite) and all(np.isfinite(x).all() for x in xs)
    for i, (x, g) in enumerate(zip(xs, gradient, strict=True)):
        same_form(f"gradient by x{i}", g, x)
        # In the domain derivatives are finite.
        assert not inside or np.isfinite(g).all(), f"gradient by x{i}: {g}"
    ds = where_finite(gradient, ds)
    primal, tangent = attempt("derivative", lambda: lazy.jvp(f, tuple(xs), tuple(ds)))
    tangents = at_leaves(tangent, theirs)
    for u, v, w in zip(at_leaves(value, theirs), at_leaves(primal, theirs), arrays(theirs), strict=True):
        for what, ours in [("value", u), ("primal", v)]:
            same_form(what, ours, w)
            close(what, ours, w, VALUES[single], 1e-30)
    wide = differences(f, double(xs), double(ds))
    for v, w, (slope, error), settled in zip(tangents, arrays(theirs), wide, finite, strict=True):
        same_form("tangent", v, w)
        compared = settled & (inside | np.isfinite(v))
        close("tangent", v, slope, DIFFERENCES[single], 1e-4 if single else 1e-8, error, compared)
    parts = [np.where(settled, v, 0) for v, settled in zip(tangents, finite, strict=True)]
    forward, backward = inner(parts, arrays(cotangent)), inner(gradient, ds)
    size = inner([np.abs(p) for p in parts], [np.abs(c) for c in arrays(cotangent)])
    rtol = ROUNDING[single]
    assert abs(forward - backward) <= rtol * (size + 1e-3), f"vjp {backward} is not jvp {forward}"


def where_finite(slopes: Arrays, ds: Arrays) -> list[Any]:
    """Outside of the domain there is no derivative, and nothing moves."""
    pairs = zip(slopes, ds, strict=True)
    return [np.where(np.isfinite(g), d, 0)[()].astype(d.dtype) for g, d in pairs]


def _cotangent(rng: np.random.Generator, result: Any) -> Any:
    """Of the form of a result, with zeros where that is not finite and for integers."""
    if isinstance(result, (list, tuple)):
        items = [_cotangent(rng, item) for item in result]
        return type(result)(*items) if hasattr(result, "_fields") else type(result)(items)
    if is_float(result):
        return direction(rng, result)
    return np.zeros_like(result)[()] if isinstance(result, (np.ndarray, np.generic)) else result


def _second_order(program: Program, ds: Arrays, theirs: Any, single: bool, rng: np.random.Generator) -> None:
    xs, every = program.arguments, tuple(range(len(program.arguments)))
    inside = all(np.isfinite(a).all() for a in [*xs, *arrays(theirs)])
    gradient_of = lazy.grad(program.loss(theirs, rng), argnums=every)
    gradient = attempt("second derivative", lambda: gradient_of(*xs))
    ds = where_finite(gradient, ds)
    _, second = attempt("second derivative", lambda: lazy.jvp(gradient_of, tuple(xs), tuple(ds)))
    for i, (x, g, h) in enumerate(zip(xs, gradient, second, strict=True)):
        same_form(f"gradient by x{i}", g, x)
        same_form(f"second derivative by x{i}", h, x)
        assert not inside or np.isfinite(h).all(), f"second derivative by x{i}: {h}"
    if single:
        wide = attempt(
            "second derivative", lambda: lazy.jvp(gradient_of, tuple(double(xs)), tuple(double(ds)))
        )
        for what, u, v in [("gradient", gradient, wide[0]), ("second derivative", second, wide[1])]:
            for a, b in zip(u, v, strict=True):
                close(f"float32 {what}", a, b, ROUNDING[single], 1e-3, 0.0, inside | np.isfinite(a))
    else:
        slopes = differences(gradient_of, xs, ds)
        for h, (slope, error) in zip(second, slopes, strict=True):
            close("second derivative", h, slope, 1e-5, 1e-7, error, inside | np.isfinite(h))
    program.scope |= {f"d{i}": d for i, d in enumerate(ds)} | {"gradient_of": gradient_of}
    terms = " + ".join(f"np.sum(np.real(g[{i}] * d{i}))" for i in every)
    along = program.define(f"g = gradient_of({', '.join(f'x{i}' for i in every)})\nreturn {terms}")
    reverse = attempt("second derivative", lambda: lazy.grad(along, argnums=every)(*xs))
    for r, h in zip(reverse, second, strict=True):
        same_form("reverse over reverse", r, h)
        atol = 1e-3 if single else 1e-9
        close("reverse over reverse", r, h, ROUNDING[single], atol, 0.0, inside | np.isfinite(r))


def _batches(program: Program, ds: Arrays, theirs: Any, single: bool) -> None:
    f, xs = program.function, program.arguments
    batch = [np.stack([x, x + np.asarray(0.125 * d).astype(x.dtype)]) for x, d in zip(xs, ds, strict=True)]
    examples = [
        arrays(f(*(b[k][()] if x.ndim == 0 else b[k] for x, b in zip(xs, batch, strict=True))))
        for k in range(2)
    ]
    # Results whose sizes differ from example to example are no batch.
    if any(a.shape != b.shape for a, b in zip(*examples, strict=True)):
        return
    together = attempt("vmap", lambda: lazy.vmap(f)(*batch))
    for ours, *two in zip(at_leaves(together, theirs), *examples, strict=True):
        same_form("batch", ours, np.stack(two))
        close("batch", ours, np.stack(two), VALUES[single], 1e-30)
