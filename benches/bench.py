"""``make bench``: lazy beside NumPy, and beside numexpr, numba and JAX where they are installed.

All peers of a row are measured in turn within one run, so that they meet the same machine; the least time of
many rounds is shown. First calls, with everything they compile, are rows of their own.
"""

from __future__ import annotations

import importlib
import os
import platform
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import lazy

Row = dict[str, float]


def logistic(y: Any, z: Any) -> Any:
    return -(y * np.log1p(np.exp(-z)) + (1 - y) * np.log1p(np.exp(z)))


def reduced(y: Any, z: Any) -> Any:
    return np.sum((y - np.tanh(z)) ** 2)


EXPRESSION = "-(y * log1p(exp(-z)) + (1 - y) * log1p(exp(z)))"


def gram_schmidt(X: Any) -> Any:
    Q: list[Any] = []
    for j in range(X.shape[0]):
        q = X[j, :]
        for i in range(j):
            r = np.tensordot(np.conj(Q[i]), q, 1)
            q = q - r * Q[i]
        Q.append(q / np.linalg.norm(q, 2))
    return np.stack(tuple(Q), axis=0)


def optional(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def least(functions: dict[str, Callable[[], Any]], budget: float = 1.0) -> Row:
    """The least seconds of one call of each, measured in turn."""
    repeats = {}
    for name, function in functions.items():
        function()
        before = time.perf_counter()
        function()
        repeats[name] = max(1, int(2e-4 / max(time.perf_counter() - before, 1e-8)))
    out = dict.fromkeys(functions, np.inf)
    end = time.perf_counter() + budget
    while time.perf_counter() < end:
        for name, function in functions.items():
            count = repeats[name]
            before = time.perf_counter()
            for _ in range(count):
                function()
            out[name] = min(out[name], (time.perf_counter() - before) / count)
    return out


def once(functions: dict[str, Callable[[], Any]]) -> Row:
    """The seconds of the first call of each."""
    out = {}
    for name, function in functions.items():
        before = time.perf_counter()
        function()
        out[name] = time.perf_counter() - before
    return out


def inputs(size: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    return (rng.random(size) < 0.5).astype(float), rng.normal(size=size)


def peers(y: Any, z: Any) -> dict[str, Callable[[], Any]]:
    """The logistic kernel as each system writes it."""
    jitted = lazy.jit(logistic)
    out: dict[str, Callable[[], Any]] = {"numpy": lambda: logistic(y, z), "lazy": lambda: jitted(y, z)}
    numexpr, numba, jax = optional("numexpr"), optional("numba"), optional("jax")
    if numexpr:
        out["numexpr"] = lambda: numexpr.evaluate(EXPRESSION, local_dict={"y": y, "z": z})
    if numba:
        compiled = numba.njit(logistic, parallel=True, fastmath=True)
        out["numba"] = lambda: compiled(y, z)
    if jax:
        jax.config.update("jax_enable_x64", True)
        jnp = jax.numpy
        traced = jax.jit(lambda y, z: -(y * jnp.log1p(jnp.exp(-z)) + (1 - y) * jnp.log1p(jnp.exp(z))))
        device = jnp.asarray(y), jnp.asarray(z)
        out["jax"] = lambda: traced(*device).block_until_ready()
    return out


def table(rows: dict[str, Row]) -> str:
    """The rows as Markdown, times in the unit that suits each."""
    columns = list(dict.fromkeys(name for row in rows.values() for name in row))
    lines = ["| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for label, row in rows.items():
        lines.append(f"| {label} | " + " | ".join(show(row.get(name)) for name in columns) + " |")
    return "\n".join(lines)


def show(seconds: float | None) -> str:
    if seconds is None:
        return ""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def main() -> None:
    rows: dict[str, Row] = {}
    rows["logistic kernel, first call on 10"] = once(peers(*inputs(10)))
    for size in (10, 1_000, 100_000, 1_000_000, 10_000_000):
        print(f"logistic kernel on {size:,} ...", flush=True)
        rows[f"logistic kernel, {size:,}"] = least(peers(*inputs(size)))
    y, z = inputs(1_000_000)
    total = lazy.jit(reduced)
    rows["sum of squares of tanh, 1,000,000"] = least(
        {"numpy": lambda: reduced(y, z), "lazy": lambda: total(y, z)}
    )
    print("modified Gram-Schmidt, 100 x 100 ...", flush=True)
    X = np.random.default_rng(0).normal(size=(100, 100))
    rows["Gram-Schmidt 100 x 100, recorded and computed"] = least(
        {"numpy": lambda: gram_schmidt(X), "lazy": lambda: gram_schmidt(lazy.array(X)).compute()}, budget=3.0
    )
    print(f"\n{platform.processor() or platform.machine()}, {os.cpu_count()} CPUs, NumPy {np.__version__}\n")
    print(table(rows))


if __name__ == "__main__":
    main()
