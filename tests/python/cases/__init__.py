"""Arguments for every name that is lifted: tables by family, and what follows from the kind of a name."""

from __future__ import annotations

import builtins
import importlib
import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from cases import linalg, main, special
from cases.arrays import DTYPES, INTS, NANS, Case, M, Placeholder, S, V, W, X, c, fill, pool
from cases.special import KNOWN_SPECIAL, SPECIAL_UNARY, special_templates

CASES: dict[str, list[Case]] = {**main.CASES, **linalg.CASES, **special.CASES}
CASES["operator.matmul"] = CASES["numpy.matmul"]
for _alias, _of in [("amax", "max"), ("amin", "min"), ("around", "round")]:
    CASES[f"numpy.{_alias}"] = CASES[f"numpy.{_of}"]
METHODS = """
    sum prod max min any all mean var std argmax argmin cumsum cumprod argsort dot trace ravel swapaxes
    squeeze repeat diagonal take nonzero round
"""
for _method in METHODS.split():
    CASES[f"numpy.ndarray.{_method}"] = [
        case for case in CASES[f"numpy.{_method}"] if isinstance(case[0][0], (np.ndarray, Placeholder))
    ]


BINARY_PAIRS: list[tuple[Any, Any]] = [
    *[(fill((3, 4), d, 1), fill((3, 4), d, 2)) for d in DTYPES],
    (fill((3, 4), "float64"), V),
    (fill((3, 4), "float32"), V.astype("float32")),
    (fill((3, 4), "float32"), 2.5),
    (fill((3, 4), "float32"), 2),
    (2, fill((3, 4), "float32")),
    (fill((3, 4), "int8"), 2),
    (fill((3, 4), "uint8"), 300),
    (fill((3, 4), "int64"), 2.0),
    (fill((3, 4), "bool"), 2),
    (fill((3, 4), "bool"), fill((3, 4), "int8")),
    (fill((3, 4), "int32"), fill((3, 4), "float32")),
    (fill((3, 4), "int64"), fill((3, 4), "uint64")),
    (fill((3, 4), "complex64"), fill((3, 4), "float64")),
    (fill((3, 1), "float64"), fill((1, 4), "float64")),
    (fill((0, 4), "float64"), V),
    (np.asfortranarray(fill((3, 4), "float64")), fill((6, 8), "float64")[::2, ::-2]),
    (np.array(1.5), np.array(2.5)),
    (S, 2),
    (np.float32(1.5), 2.5),
    (np.float32(1.5), np.float64(2.5)),
    (V, W),
    (NANS, 1.0),
    (2.0, 3.0),
    (V, [1, 2, 3, 4]),
]


def resolve(name: str) -> Callable[..., Any]:
    """What a name means in Python; attributes become functions of self."""
    parts = name.split(".")
    if parts[:2] == ["numpy", "ndarray"] and len(parts) == 3:
        attribute = getattr(np.ndarray, parts[2])
        if callable(attribute):
            return lambda self, *a, **k: getattr(np.asarray(self), parts[2])(*a, **k)
        return lambda self: getattr(np.asarray(self), parts[2])
    module = builtins if parts[0] == "builtins" else operator if parts[0] == "operator" else None
    if module is None:
        for cut in range(len(parts) - 1, 0, -1):
            try:
                module = importlib.import_module(".".join(parts[:cut]))
            except ImportError:
                continue
            break
        parts = parts[cut - 1 :]
    found: Any = module
    for part in parts[1:]:
        found = getattr(found, part)
    return found


def is_elementwise(name: str) -> bool:
    if "matmul" in name or "vecdot" in name:
        return False
    return isinstance(resolve(name), np.ufunc) or name.startswith(("operator.", "math."))


def templates(name: str) -> list[Case]:
    if name in CASES:
        return CASES[name]
    if name.endswith(".outer"):
        return [c(V, W), c(M, V), c(INTS, 2), c(INTS, INTS[0])]
    function = resolve(name)
    if name.startswith("math."):
        arity = 2 if name in {"math.pow", "math.atan2", "math.hypot", "math.fmod", "math.copysign"} else 1
        values = [np.float64(0.75), np.array(0.5), np.float32(0.25)]
        if name == "math.acosh":
            values = [np.float64(1.75)]
        return [c(v, 0.5) if arity == 2 else c(v) for v in values]
    arity = function.nin if isinstance(function, np.ufunc) else 2
    if name in {"operator.neg", "operator.pos", "operator.invert", "operator.abs"}:
        arity = 1
    if arity == 1 and name not in SPECIAL_UNARY:
        inside = [c(np.array([0.1, 0.5, 0.9])), c(np.array([1.5, 2.5])), c(NANS), c(0.5)]
        return [c(X), *inside]
    if name.startswith("scipy.special.") and name not in KNOWN_SPECIAL:
        return special_templates(name, arity)
    if name in {"scipy.special.polygamma"}:
        return [c(2, np.abs(V)), c(np.array([0, 1, 2, 1]), np.abs(V))]
    return [c(a, b) for a, b in BINARY_PAIRS]


def cases(name: str) -> Iterator[Case]:
    for args, keywords in templates(name):
        if any(a is X for a in args):
            for x in pool():
                yield tuple(x if a is X else a for a in args), keywords
        else:
            yield args, keywords


def describe(case: Case) -> str:
    def one(value: Any) -> str:
        if isinstance(value, np.ndarray):
            return f"{value.dtype}{list(value.shape)}"
        return repr(value).replace("\n", "")

    words = [one(a) for a in case[0]] + [f"{k}={one(v)}" for k, v in case[1].items()]
    return ", ".join(words)
