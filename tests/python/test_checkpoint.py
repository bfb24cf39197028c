"""`lazy.checkpoint`: the same values and derivatives, in less memory."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import lazy

RNG = np.random.default_rng(0)
W, X = RNG.normal(size=(4, 4)), RNG.normal(size=(3, 4))


def block(w: Any, x: Any) -> Any:
    y = np.tanh(x @ w)
    for _ in range(3):
        y = np.cumsum(np.sin(y), axis=0) * np.exp(-y * y)
    return y


def chain(step: Any) -> Any:
    def loss(w: Any, x: Any) -> Any:
        return np.sum(step(w, step(w, step(w, x))) ** 2)

    return loss


PLAIN, CHECKPOINTED = chain(block), chain(lazy.checkpoint(block))


@pytest.mark.parametrize(
    "of",
    [
        lambda f: lazy.jit(f)(W, X),
        lambda f: lazy.grad(f, argnums=(0, 1))(W, X),
        lambda f: lazy.jvp(f, (W, X), (X.T @ X, X)),
        lambda f: lazy.hvp(f)(W, X, X.T @ X),
        lambda f: lazy.grad(lambda w, x: np.sum(lazy.grad(f)(w, x) ** 2))(W, X),
        lambda f: lazy.vmap(lazy.grad(f), in_axes=(None, 0))(W, np.stack([X, 2.0 * X])),
        lambda f: lazy.hessian(f, argnums=1)(W, X),
        lambda f: lazy.grad(f)(W.astype(np.float32), X.astype(np.float32)),
    ],
    ids=["value", "grad", "jvp", "hvp", "grad of grad", "vmap of grad", "hessian", "float32"],
)
def test_derivatives_are_those_of_the_function(of: Any) -> None:
    ours, theirs = of(CHECKPOINTED), of(PLAIN)
    pairs = zip(ours, theirs, strict=True) if isinstance(theirs, tuple) else [(ours, theirs)]
    for ours, theirs in pairs:
        assert np.asarray(ours).dtype == np.asarray(theirs).dtype
        rtol = 1e-4 if np.asarray(theirs).dtype == np.float32 else 1e-10
        np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol)


def test_containers_sizes_found_within_and_results_that_are_arguments() -> None:
    @lazy.checkpoint
    def several(x: Any, *, scale: float) -> Any:
        return {"kept": x[x > 0] * scale, "sum": np.sum(np.exp(x)), "same": x, "count": len(x)}

    def loss(x: Any) -> Any:
        out = several(x, scale=2.0)
        return np.sum(out["kept"] ** 2) + out["sum"] * out["count"] + np.sum(out["same"])

    x = np.array([-1.0, 0.5, 2.0])
    np.testing.assert_allclose(lazy.grad(loss)(x), np.where(x > 0, 8 * x, 0.0) + 3 * np.exp(x) + 1.0)


def test_writes_to_an_argument_reach_it() -> None:
    @lazy.checkpoint
    def doubled(x: Any) -> Any:
        x *= 2.0
        return x

    def f(x: Any) -> Any:
        y = x + 1.0
        doubled(y)
        return np.sum(y**2)

    np.testing.assert_allclose(lazy.grad(f)(np.ones(2)), 8 * np.full(2, 2.0))


def test_branches_by_values() -> None:
    @lazy.checkpoint
    def step(x: Any) -> Any:
        return np.sin(x) if np.sum(x) > 0 else x**2

    slope = lazy.grad(lambda x: np.sum(step(step(x))))
    for x in (np.array([0.5, 0.7]), np.array([-0.5, -0.7])):
        first = np.sin(x) if x.sum() > 0 else x**2
        inner = np.cos(x) if x.sum() > 0 else 2 * x
        np.testing.assert_allclose(slope(x), np.cos(first) * inner)


def test_a_loop_of_loops_keeps_the_square_root() -> None:
    def run(n: int, step: Any) -> Any:
        def loss(x: Any) -> Any:
            for _ in range(n):
                x = step(x)
            return np.sum(x)

        return loss

    def inner(x: Any) -> Any:
        for _ in range(32):
            x = np.sin(x) + 0.1 * x * x
        return x

    x = np.array([0.1, 0.4])
    np.testing.assert_allclose(lazy.grad(run(32, lazy.checkpoint(inner)))(x), lazy.grad(run(32, inner))(x))


@pytest.mark.skipif(sys.platform == "win32", reason="the peak of memory is POSIX's to tell")
def test_a_gradient_takes_less_memory() -> None:
    # Written out: of a loop the way back keeps what each trip starts from anyway.
    line = "    x = {}\n"
    program = f"""
import resource, sys
import numpy as np, lazy

def block(x):
{line.format("np.cumsum(np.sin(x), axis=0) * 1e-3") * 16}
    return x

step = lazy.checkpoint(block) if sys.argv[1] == "checkpoint" else block

def loss(x):
{line.format("step(x)") * 16}
    return np.sum(x)

gradient, x = lazy.grad(loss), np.ones((500, 500))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(float(gradient(x).sum()), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""

    def peak(how: str) -> tuple[float, float]:
        command = [sys.executable, "-c", program, how]
        value, size = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        return float(value), float(size)

    (plain, much), (checkpointed, little) = peak("plain"), peak("checkpoint")
    np.testing.assert_allclose(checkpointed, plain, rtol=1e-9)
    assert little < 0.4 * much, f"{little} of {much}"


# -- long loops that keep few states -----------------------------------------------------------


def simulated(x: Any, w: Any, n: int) -> Any:
    for k in range(n):
        x = (x + 0.01 * np.sin(w * x)) * (1.0 - 1e-4 * k)
    return x


def settled(x: Any, w: Any, n: int) -> Any:
    trips = 0
    while np.sum(x * x) > 1e-3 and trips < n:
        x, trips = x - 0.02 * np.tanh(w * x), trips + 1
    return x * trips


def nested(x: Any, w: Any, n: int) -> Any:
    for i in range(n):
        for j in range(i % 40):
            x = x + 1e-3 * np.cos(w * x + j)
    return x


def recorded(x: Any, w: Any, n: int) -> Any:
    path = np.zeros((n, 3))
    for k in range(n):
        x = x - 0.01 * w * x**3
        path[k] = x
    return path


def branched(x: Any, w: Any, n: int) -> Any:
    for k in range(n):
        x = x + 0.01 * np.sin(w * x) if x[0] > 0.35 else x * 1.01 + 1e-3 * k
    return x


@pytest.mark.parametrize("n", [0, 1, 2, 3, 40, 257])
@pytest.mark.parametrize("program", [simulated, settled, nested, recorded, branched])
def test_loops_that_keep_few_states(program: Any, n: int) -> None:
    x, w = np.array([0.3, 0.4, 1.2]), np.array([1.0, 2.0, 0.5])
    few = lazy.checkpoint(loops=True)(program)
    theirs = lazy.grad(lambda x, w: np.sum(program(x, w, n) ** 2), argnums=(0, 1))(x, w)
    ours = lazy.grad(lambda x, w: np.sum(few(x, w, n) ** 2), argnums=(0, 1))(x, w)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "of",
    [
        lambda f: lazy.hessian(lambda x: np.sum(f(x, X[0, :3], 100) ** 2))(X[1, :3]),
        lambda f: lazy.jvp(lambda x: f(x, X[0, :3], 100), (X[1, :3],), (X[2, :3],)),
        lambda f: lazy.grad(lambda x: np.sum(lazy.grad(lambda y: np.sum(f(y, X[0, :3], 60)))(x) ** 2))(
            X[1, :3]
        ),
        lambda f: lazy.vmap(lazy.grad(lambda x: np.sum(f(x, X[0, :3], 100))))(X[:, :3]),
        lambda f: lazy.grad(lambda x: np.sum(f(x, 0.5, 100)))(X[1].astype(np.float32)),
    ],
    ids=["hessian", "jvp", "grad of grad", "vmap of grad", "float32"],
)
def test_transforms_of_loops_that_keep_few_states(of: Any) -> None:
    ours, theirs = of(lazy.checkpoint(loops=True)(simulated)), of(simulated)
    pairs = zip(ours, theirs, strict=True) if isinstance(theirs, tuple) else [(ours, theirs)]
    for a, b in pairs:
        assert np.asarray(a).dtype == np.asarray(b).dtype
        rtol = 1e-4 if np.asarray(b).dtype == np.float32 else 1e-10
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells the peak of memory")
def test_the_memory_of_a_long_loop_is_logarithmic() -> None:
    program = """
import sys
import numpy as np, lazy

def peak():
    # Of this process alone: what the operating system says of its children begins with the parent's.
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

def simulated(x):
    for _ in range(1000):
        x = x + 0.01 * np.sin(x)
    return x

f = lazy.checkpoint(loops=True)(simulated) if sys.argv[1] == "few" else simulated
gradient = lazy.grad(lambda x: np.sum(f(x)))
gradient(np.ones(4))
before = peak()
value = gradient(np.linspace(0.0, 1.0, 10_000))
print(float(value.sum()), peak() - before)
"""

    def peak(how: str) -> tuple[float, float]:
        command = [sys.executable, "-c", program, how]
        value, size = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        return float(value), float(size)

    (every, much), (few, little) = peak("every"), peak("few")
    np.testing.assert_allclose(few, every, rtol=1e-12)
    # A thousand states of 80 kB, or thirteen.
    assert much > 40_000
    assert little < 0.25 * much, f"{little} of {much}"
