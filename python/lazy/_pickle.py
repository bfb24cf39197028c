"""Functions as data: by reference if they can be imported, otherwise by value.

In: a function. Out: ``(kind, payload)`` that pickle can store, and back. A function by value is its
marshalled code, defaults, closure and those globals its code names:

>>> restore(pack(lambda x: x + 1))(2)
3
"""

from __future__ import annotations

import builtins
import importlib
import marshal
import sys
import types
from collections.abc import Callable
from typing import Any

_VERSION = sys.version_info[:2]


def importable(value: Any) -> bool:
    """Whether another process finds this very object under its module and name."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str) or module == "__main__":
        return False
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found is value


def pack(function: Callable[..., Any]) -> Any:
    """A form of ``function`` that pickle can store."""
    return _pack(function, {})


def restore(packed: Any) -> Any:
    """The inverse of `pack`."""
    return _restore(packed, {})


def _pack(value: Any, seen: dict[int, int]) -> Any:
    if isinstance(value, types.ModuleType):
        return ("module", value.__name__)
    if isinstance(value, types.MethodType):
        return ("method", (_pack(value.__func__, seen), value.__self__))
    if not isinstance(value, types.FunctionType) or importable(value):
        return ("object", value)
    if id(value) in seen:
        return ("again", seen[id(value)])
    seen[id(value)] = number = len(seen)
    cells = [_pack_cell(cell, seen) for cell in value.__closure__ or ()]
    needed = {n: value.__globals__[n] for n in _names(value.__code__) if n in value.__globals__}
    return (
        "function",
        {
            "number": number,
            "version": _VERSION,
            "code": marshal.dumps(value.__code__),
            "name": value.__name__,
            "qualname": value.__qualname__,
            "module": value.__module__,
            "doc": value.__doc__,
            "defaults": value.__defaults__,
            "kwdefaults": value.__kwdefaults__,
            "annotations": {k: v for k, v in value.__annotations__.items() if isinstance(v, str)},
            "cells": cells,
            "globals": {name: _pack(item, seen) for name, item in needed.items()},
        },
    )


def _pack_cell(cell: types.CellType, seen: dict[int, int]) -> Any:
    try:
        return _pack(cell.cell_contents, seen)
    except ValueError:  # A cell that is not filled yet.
        return None


def _restore(packed: Any, made: dict[int, types.FunctionType]) -> Any:
    kind, payload = packed
    if kind == "module":
        return importlib.import_module(payload)
    if kind == "method":
        return types.MethodType(_restore(payload[0], made), payload[1])
    if kind == "object":
        return payload
    if kind == "again":
        return made[payload]
    if tuple(payload["version"]) != _VERSION:
        stored = ".".join(map(str, payload["version"]))
        raise RuntimeError(
            f"{payload['name']} was pickled by value under Python {stored}, whose bytecode this Python "
            "does not read; put the function into a module that both can import"
        )
    cells = tuple(types.CellType() for _ in payload["cells"])
    scope: dict[str, Any] = {"__builtins__": builtins, "__name__": payload["module"]}
    function = types.FunctionType(
        marshal.loads(payload["code"]), scope, payload["name"], payload["defaults"], cells
    )
    made[payload["number"]] = function
    function.__qualname__ = payload["qualname"]
    function.__module__ = payload["module"]
    function.__doc__ = payload["doc"]
    function.__kwdefaults__ = payload["kwdefaults"]
    function.__annotations__ = payload["annotations"]
    for cell, content in zip(cells, payload["cells"], strict=True):
        if content is not None:
            cell.cell_contents = _restore(content, made)
    scope.update({name: _restore(item, made) for name, item in payload["globals"].items()})
    return function


def _names(code: types.CodeType) -> set[str]:
    """Global names that the code and the functions defined in it may use."""
    inner = (constant for constant in code.co_consts if isinstance(constant, types.CodeType))
    return set(code.co_names).union(*map(_names, inner))
