"""``make bench``: lazy beside NumPy, and beside numexpr, numba and JAX where they are installed.

Each kernel is written once, as a NumPy user writes it. All peers of a row are measured in turn within one
run, so that they meet the same machine; the least time of many rounds is shown (the median, if the variable
``BENCH`` says ``median``: on a machine with other work it says little), and how many times lazy's it is.
First calls, with everything they compile, are rows of their own. ``bench.py a e`` runs two kernels.
"""

from __future__ import annotations

import importlib
import math
import os
import platform
import sys
import time
import types
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
from scipy.special import erf

import lazy

Row = dict[str, float]
Peers = dict[str, Callable[[], Any]]


# -- kernels -----------------------------------------------------------------------------------------


def a(x: Any, y: Any) -> Any:
    return 2 * x + 3 * y - x * y + 0.5


def b(y: Any, z: Any) -> Any:
    return -(y * np.log1p(np.exp(-z)) + (1 - y) * np.log1p(np.exp(z)))


def c(x: Any, mu: Any, s: Any) -> Any:
    return np.sum(-0.5 * ((x - mu) / s) ** 2 - np.log(s) - 0.9189385332046727)


def d(price: Any, strike: Any, years: Any, rate: Any, volatility: Any) -> Any:
    root = volatility * np.sqrt(years)
    up = (np.log(price / strike) + (rate + 0.5 * volatility**2) * years) / root
    down = up - root
    cdf_up = 0.5 * (1 + erf(up * 0.7071067811865476))
    cdf_down = 0.5 * (1 + erf(down * 0.7071067811865476))
    return price * cdf_up - strike * np.exp(-rate * years) * cdf_down


def e(x: Any) -> Any:
    weights = np.exp(x - np.max(x, axis=1, keepdims=True))
    return weights / np.sum(weights, axis=1, keepdims=True)


def f(w: Any, X: Any, y: Any) -> Any:
    hinge = np.maximum(0.0, 1.0 - y * (X @ w))
    return np.sum(hinge**2), X.T @ (-2.0 * (y * hinge))


def e_in_loops(x: Any) -> Any:
    """The softmax for numba, which knows no ``axis`` of ``max``."""
    out = np.empty_like(x)
    for i in prange(x.shape[0]):  # type: ignore[name-defined] # noqa: F821
        top = x[i].max()
        total = 0.0
        for j in range(x.shape[1]):
            out[i, j] = np.exp(x[i, j] - top)
            total += out[i, j]
        for j in range(x.shape[1]):
            out[i, j] /= total
    return out


EXPRESSIONS = {
    "a": "2*x + 3*y - x*y + 0.5",
    "b": "-(y*log1p(exp(-z)) + (1 - y)*log1p(exp(z)))",
    "c": "sum(-0.5*((x - mu)/s)**2 - log(s) - 0.9189385332046727)",
    "cv": "sum(-0.5*((x - mu)/s)**2 - log(s) - 0.9189385332046727)",
}


def inputs_of(kernel: str, n: int) -> tuple[Any, ...]:
    """Arguments with n elements, or n rows, where the kernel takes a matrix."""
    rng = np.random.default_rng(0)
    normal = rng.normal(size=n)
    match kernel:
        case "a":
            return normal, rng.normal(size=n)
        case "b":
            return (rng.random(n) < 0.5).astype(float), normal
        case "c":
            return normal, 0.3, 1.7
        case "cv":
            return normal, rng.normal(size=n), 0.5 + rng.random(n)
        case "d":
            return 50 + 100 * rng.random(n), 50 + 100 * rng.random(n), 0.1 + 2 * rng.random(n), 0.05, 0.2
        case "e":
            return (rng.normal(size=(n, 64)),)
        case "f":
            return rng.normal(size=50), rng.normal(size=(n, 50)), np.sign(normal)
    raise ValueError(f"there is no kernel {kernel}: name some of {', '.join(KERNELS)}")


KERNELS: dict[str, Callable[..., Any]] = {"a": a, "b": b, "c": c, "cv": c, "d": d, "e": e, "f": f}
SIZES = (10, 1_000, 100_000, 1_000_000, 10_000_000)
ROWS = (10, 1_000, 100_000)


# -- peers -------------------------------------------------------------------------------------------


def optional(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def with_globals(function: Any, **names: Any) -> Any:
    """The same function, whose global names mean something else."""
    return types.FunctionType(function.__code__, function.__globals__ | names, function.__name__)


def compiled(kernel: str) -> dict[str, Callable[..., Any]]:
    """The kernel as each system runs it, before the first call."""
    function = KERNELS[kernel]
    out: dict[str, Callable[..., Any]] = {"numpy": function, "lazy": lazy.jit(function)}
    numexpr, numba, jax = optional("numexpr"), optional("numba"), optional("jax")
    if numexpr and kernel in EXPRESSIONS:
        expression, names = EXPRESSIONS[kernel], function.__code__.co_varnames
        out["numexpr"] = lambda *args: numexpr.evaluate(expression, dict(zip(names, args, strict=True)))
    if numba:
        scalar_erf = numba.vectorize(["float64(float64)"])(lambda x: math.erf(x))
        source = with_globals(e_in_loops if kernel == "e" else function, erf=scalar_erf, prange=numba.prange)
        out["numba"] = numba.njit(source, parallel=True, fastmath=True)
    if jax:
        jax.config.update("jax_enable_x64", True)
        traced = jax.jit(with_globals(function, np=jax.numpy, erf=jax.scipy.special.erf))
        out["jax"] = lambda *args: jax.block_until_ready(traced(*args))
    return out


def calls(functions: dict[str, Callable[..., Any]], inputs: tuple[Any, ...]) -> Peers:
    """The calls to be measured; JAX gets its own arrays, converted before."""
    out: Peers = {}
    for name, function in functions.items():
        args = inputs
        if name == "jax":
            args = tuple(optional("jax").numpy.asarray(x) for x in inputs)
        out[name] = lambda function=function, args=args: function(*args)  # type: ignore[misc]
    return out


# -- measuring ---------------------------------------------------------------------------------------


def least(functions: Peers, budget: float = 1.5) -> Row:
    """The least seconds of one call of each, measured in turn."""
    repeats = {}
    for name, function in functions.items():
        function()
        before = time.perf_counter()
        function()
        repeats[name] = max(1, int(2e-4 / max(time.perf_counter() - before, 1e-8)))
    times: dict[str, list[float]] = {name: [] for name in functions}
    end = time.perf_counter() + budget
    while time.perf_counter() < end or len(times["lazy"]) < 5:
        for name, function in functions.items():
            count = repeats[name]
            before = time.perf_counter()
            for _ in range(count):
                function()
            times[name].append((time.perf_counter() - before) / count)
    of = median if os.environ.get("BENCH") == "median" else min
    return {name: of(t) for name, t in times.items()}


def once(functions: Peers) -> Row:
    """The seconds of the first call of each."""
    out = {}
    for name, function in functions.items():
        before = time.perf_counter()
        function()
        out[name] = time.perf_counter() - before
    return out


def gram_schmidt(X: Any) -> Any:
    Q: list[Any] = []
    for j in range(X.shape[0]):
        q = X[j, :]
        for i in range(j):
            r = np.tensordot(np.conj(Q[i]), q, 1)
            q = q - r * Q[i]
        Q.append(q / np.linalg.norm(q, 2))
    return np.stack(tuple(Q), axis=0)


# -- the table ---------------------------------------------------------------------------------------


def show(seconds: float | None) -> str:
    if seconds is None:
        return ""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def table(rows: dict[str, Row]) -> str:
    """The rows as Markdown: times in the unit that suits each, then how many times lazy's the others take."""
    columns = list(dict.fromkeys(name for row in rows.values() for name in row))
    head = ["", *columns, "NumPy / lazy", "best peer / lazy"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for label, row in rows.items():
        peers = [t for name, t in row.items() if name not in ("lazy", "numpy")]
        ratios = [row["numpy"] / row["lazy"], *([min(peers) / row["lazy"]] if peers else [])]
        cells = [label, *(show(row.get(name)) for name in columns), *(f"{r:.1f}" for r in ratios)]
        lines.append("| " + " | ".join(cells) + " |" * (len(head) - len(cells) + 1))
    return "\n".join(lines)


def main(chosen: list[str]) -> None:
    rows: dict[str, Row] = {}
    for kernel in chosen or KERNELS:
        functions = compiled(kernel)
        rows[f"{kernel}, first call on 10"] = once(calls(functions, inputs_of(kernel, 10)))
        for n in ROWS if kernel in "ef" else SIZES:
            print(f"{kernel} on {n:,} ...", file=sys.stderr, flush=True)
            rows[f"{kernel}, {n:,}"] = least(calls(functions, inputs_of(kernel, n)))
    if not chosen:
        X = np.random.default_rng(0).normal(size=(100, 100))
        recorded: Peers = {
            "numpy": lambda: gram_schmidt(X),
            "lazy": lambda: gram_schmidt(lazy.array(X)).compute(),
        }
        rows["Gram-Schmidt 100 x 100, recorded and computed"] = least(recorded, budget=3.0)
    print(f"\n{platform.processor() or platform.machine()}, {os.cpu_count()} CPUs, NumPy {np.__version__}\n")
    print(table(rows))


if __name__ == "__main__":
    main(sys.argv[1:])
