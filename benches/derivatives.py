"""``make bench``: gradients and products of Hessians with vectors, beside autograd and JAX where they are.

The programs are those of ``tests/corpus``, unchanged, on arguments of a size that is worth a measurement. The
loops of two of them JAX does not compile within minutes, since it writes out their trips: for it they are its
own, ``lax.scan``, in programs that are written here (`ROLLED`).
A gradient and a product are compared with lazy's before they are timed. As in ``bench.py`` all peers are
measured in turn, and first calls, with everything they compile, are rows of their own.
"""

from __future__ import annotations

import importlib.util
import itertools
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from bench import Peers, Row, least, once, optional, show, with_globals

import lazy

CORPUS = Path(__file__).parents[1] / "tests" / "corpus"
PROGRAMS = (
    "deep_perceptron",
    "kalman_filter",
    "gaussian_process",
    "spring",
    "black_scholes",
    "softmax_regression",
)


def load(name: str) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(name, CORPUS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def arguments_of(name: str, module: types.ModuleType) -> tuple[Any, ...]:
    """Those of the corpus, larger where these are tiny."""
    rng = np.random.default_rng(0)
    match name:
        case "deep_perceptron":
            sizes = [64, 128, 128, 64, 10]
            layers = [
                {"weights": 0.1 * rng.normal(size=(m, n)), "bias": rng.normal(size=n)}
                for m, n in itertools.pairwise(sizes)
            ]
            data = rng.normal(size=(256, 64)), rng.normal(size=(256, 10))
            return {"hidden": layers[:-1], "out": layers[-1]}, *data
        case "gaussian_process":
            x = np.sort(rng.uniform(0.0, 20.0, size=200))
            return np.array([0.1, -0.3, -1.5]), x, np.sin(x)
        case "softmax_regression":
            params = {"weights": 0.1 * rng.normal(size=(50, 10)), "bias": rng.normal(size=10)}
            return params, rng.normal(size=(1000, 50)), rng.integers(0, 10, size=1000), 0.1
        case _:
            arguments: tuple[Any, ...] = module.arguments()
            return arguments


def like(tree: Any, rng: np.random.Generator) -> Any:
    """A direction: random numbers of the form of a tree."""
    if isinstance(tree, dict):
        return {key: like(item, rng) for key, item in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(like(item, rng) for item in tree)
    return rng.normal(size=np.shape(tree))[()]


def within(module: types.ModuleType, name: str, **names: Any) -> Callable[..., Any]:
    """A program of the corpus whose NumPy is another library's, in the functions that it calls too."""
    known = {key: value for key, value in names.items() if key in vars(module)}
    helpers = {
        key: with_globals(value, **known)
        for key, value in vars(module).items()
        if isinstance(value, types.FunctionType) and value.__module__ == module.__name__ and key != name
    }
    function: Callable[..., Any] = with_globals(getattr(module, name), **known, **helpers)
    return function


def rolled_filter(jax: Any) -> Callable[..., Any]:
    np = jax.numpy

    def kalman_filter(log_noise: Any, observations: Any) -> Any:
        F = np.array([[1.0, 0.1], [0.0, 1.0]])
        Q = np.exp(log_noise[0]) * np.array([[0.0025, 0.05], [0.05, 1.0]])
        r = np.exp(log_noise[1])

        def step(carried: Any, y: Any) -> Any:
            mean, cov, total = carried
            mean = F @ mean
            cov = F @ cov @ F.T + Q
            innovation = y - mean[0]
            s = cov[0, 0] + r
            gain = cov[:, 0] / s
            mean = mean + gain * innovation
            cov = cov - np.outer(gain, cov[0])
            return (mean, cov, total - 0.5 * (np.log(2 * np.pi * s) + innovation**2 / s)), None

        start = np.zeros(2), np.eye(2), np.zeros(())
        return jax.lax.scan(step, start, observations)[0][2]

    return kalman_filter


def rolled_spring(jax: Any) -> Callable[..., Any]:
    acceleration = within(load("spring"), "acceleration", np=jax.numpy)

    def spring(params: Any, target: Any) -> Any:
        h = 0.05

        def step(state: Any, _: Any) -> Any:
            k1 = acceleration(state, *params)
            k2 = acceleration(state + h / 2 * k1, *params)
            k3 = acceleration(state + h / 2 * k2, *params)
            k4 = acceleration(state + h * k3, *params)
            return state + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4), None

        state, _ = jax.lax.scan(step, jax.numpy.array([1.0, 0.0]), None, length=50)
        return (state[0] - target) ** 2

    return spring


ROLLED: dict[str, Callable[[Any], Callable[..., Any]]] = {
    "kalman_filter": rolled_filter,
    "spring": rolled_spring,
}


def peers(name: str) -> tuple[Peers, Peers]:
    """Calls of the gradient, and of the product of the Hessian with a vector, by the first argument."""
    module = load(name)
    function = getattr(module, name)
    args = arguments_of(name, module)
    direction = like(args[0], np.random.default_rng(1))
    gradient_of, product_of = lazy.grad(function), lazy.hvp(function)
    gradients: Peers = {"lazy": lambda: gradient_of(*args)}
    products: Peers = {"lazy": lambda: product_of(*args, direction)}
    if autograd := optional("autograd"):
        special, stats = optional("autograd.scipy.special"), optional("autograd.scipy.stats")
        theirs = within(module, name, np=autograd.numpy, logsumexp=special.logsumexp, ndtr=stats.norm.cdf)
        autograds = autograd.grad(theirs)
        product = autograd.make_hvp(theirs)
        gradients["autograd"] = lambda: autograds(*args)
        products["autograd"] = lambda: product(*args)[0](direction)
    if jax := optional("jax"):
        jax.config.update("jax_enable_x64", True)
        special = jax.scipy.special
        theirs = within(module, name, np=jax.numpy, logsumexp=special.logsumexp, ndtr=special.ndtr)
        if name in ROLLED:
            theirs = ROLLED[name](jax)
        slope = jax.grad(theirs)
        traced = jax.jit(slope)
        pushed = jax.jit(lambda v, x, *rest: jax.jvp(lambda x: slope(x, *rest), (x,), (v,))[1])
        placed, along = jax.tree.map(jax.numpy.asarray, (args, direction))
        gradients["jax"] = lambda: jax.block_until_ready(traced(*placed))
        products["jax"] = lambda: jax.block_until_ready(pushed(along, *placed))
    return gradients, products


def flat(tree: Any) -> np.ndarray:
    """All numbers of a tree."""
    if isinstance(tree, dict):
        tree = [tree[key] for key in sorted(tree)]
    if isinstance(tree, (list, tuple)):
        return np.concatenate([flat(item) for item in tree])
    return np.ravel(tree)


def compare(calls: Peers) -> None:
    ours = flat(calls["lazy"]())
    for name, call in calls.items():
        np.testing.assert_allclose(flat(call()), ours, rtol=1e-6, atol=1e-8, err_msg=name)


def table(rows: dict[str, Row]) -> str:
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    others = [name for name in names if name != "lazy"]
    head = ["", *names, *(f"{name} / lazy" for name in others)]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for label, row in rows.items():
        ratios = [f"{row[name] / row['lazy']:.2f}" if name in row else "" for name in others]
        lines.append("| " + " | ".join([label, *(show(row.get(n)) for n in names), *ratios]) + " |")
    return "\n".join(lines)


def main(chosen: list[str]) -> None:
    first: dict[str, Row] = {}
    rows: dict[str, Row] = {}
    for name in chosen or PROGRAMS:
        for what, calls in zip(("gradient", "Hessian product"), peers(name), strict=True):
            print(f"{name}, {what} ...", file=sys.stderr, flush=True)
            first[f"{name}, {what}, first call"] = once(calls)
            compare(calls)
            rows[f"{name}, {what}"] = least(calls)
    print(table(rows), table(first), sep="\n\n")
    if rolled := [name for name in chosen or PROGRAMS if name in ROLLED]:
        print(f"\nJAX runs {' and '.join(rolled)} by `lax.scan`: their trips, written out, take it minutes.")


if __name__ == "__main__":
    main(sys.argv[1:])
