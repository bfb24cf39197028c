"""Transforms of functions that call transformed functions, and the containers that they take and give."""

from __future__ import annotations

import dataclasses
from collections import namedtuple
from functools import partial

import numpy as np
import pytest

import lazy

X = np.array([0.3, 1.7, 2.2])
Pair = namedtuple("Pair", "a b")


@dataclasses.dataclass
class Point:
    a: np.ndarray
    b: float


def cubes(v):
    return np.sum(v**3)


# Ways to the gradient of a scalar function, within a function that is lifted.
GRADIENTS = {
    "grad": lambda f, x: lazy.grad(f)(x),
    "value_and_grad": lambda f, x: lazy.value_and_grad(f)(x)[1],
    "vjp": lambda f, x: lazy.vjp(f, x)[1](1.0)[0],
    "jacrev": lambda f, x: lazy.jacrev(f)(x),
    "jacfwd": lambda f, x: lazy.jacfwd(f)(x),
    "jvp": lambda f, x: np.stack([lazy.jvp(f, (x,), (e,))[1] for e in np.eye(3)]),
    "linearize": lambda f, x: np.stack([lazy.linearize(f, x)[1](e) for e in np.eye(3)]),
    "vmap of jvp": lambda f, x: lazy.vmap(lambda e: lazy.jvp(f, (x,), (e,))[1])(np.eye(3)),
    "grad of jit": lambda f, x: lazy.grad(lazy.jit(f))(x),
    "jit of grad": lambda f, x: lazy.jit(lazy.grad(f))(x),
}


@pytest.mark.parametrize("inner", GRADIENTS)
@pytest.mark.parametrize("outer", GRADIENTS)
def test_every_pair_of_modes_over_closures(outer, inner):
    def slope(x, scale):
        # `scale` is a constant of the inner derivative and an argument of the outer one.
        return np.sum(GRADIENTS[inner](lambda v: scale * cubes(v), x) ** 2)

    by_x = GRADIENTS[outer](lambda x: slope(x, 2.0), X)
    np.testing.assert_allclose(by_x, 4 * 36 * X**3)
    by_scale = lazy.grad(slope, 1)(X, 2.0)
    np.testing.assert_allclose(by_scale, 4 * np.sum(9 * X**4))


def test_second_derivatives_within():
    np.testing.assert_allclose(
        lazy.jit(lambda x: lazy.hessian(lambda v: x[0] * cubes(v))(x))(X), np.diag(6 * X[0] * X)
    )
    np.testing.assert_allclose(
        lazy.grad(lambda x: np.sum(lazy.hvp(cubes)(x, np.ones(3))))(X), np.full(3, 6.0)
    )


def test_a_derivative_within_a_loop():
    def descend(x, rate):
        for i in range(50):
            x = x - rate * lazy.grad(lambda v, i: np.sum((v - i) ** 2))(x, i)
        return x

    np.testing.assert_allclose(lazy.jit(descend)(X, 0.1), descend(X, 0.1))
    rows = lazy.jacobian(descend)(X, 0.1)
    np.testing.assert_allclose(rows, np.eye(3) * 0.8**50)


def test_a_derivative_by_branches_and_of_computed_sizes():
    def f(x):
        inner = lazy.grad(lambda v: v**2 if v > 1 else v**3)
        return inner(x[0]) + np.sum(lazy.grad(cubes)(x[x > 1]))

    np.testing.assert_allclose(lazy.grad(f)(X), [6 * 0.3, 6 * 1.7, 6 * 2.2])
    np.testing.assert_allclose(lazy.grad(f)(X + 1), [2 + 6 * 1.3, 6 * 2.7, 6 * 3.2])


def test_methods_partials_and_keywords_within():
    class Model:
        def __init__(self, w):
            self.w = w

        def loss(self, v):
            return np.sum(self.w * v**2)

        def step(self, v):
            return v - lazy.grad(self.loss)(v)

    np.testing.assert_allclose(lazy.jacobian(Model(X).step)(X), np.diag(1 - 2 * X))

    def power(v, k, *, scale):
        return scale * np.sum(v**k)

    got = lazy.grad(lambda x: np.sum(lazy.grad(partial(power, k=3))(x, scale=x[0])))(X)
    np.testing.assert_allclose(got, 6 * X[0] * X + np.array([np.sum(3 * X**2), 0, 0]))


def test_what_is_drawn_within_is_drawn_once():
    def f(x, rng):
        noise = rng.normal(size=3)
        return lazy.grad(lambda v: np.sum(noise * v**2))(x), noise

    gradient, noise = lazy.jit(f)(X, np.random.default_rng(3))
    np.testing.assert_array_equal(noise, np.random.default_rng(3).normal(size=3))
    np.testing.assert_allclose(gradient, 2 * noise * X)


def test_a_write_to_the_argument_within_is_refused():
    def inner(v):
        v[0] = 1.0
        return np.sum(v**2)

    with pytest.raises(lazy.GraphBreak, match="writes to its arguments"):
        lazy.grad(lambda x: np.sum(lazy.grad(inner)(x)))(X)


def test_one_array_in_two_places_is_two_arguments():
    np.testing.assert_allclose(lazy.grad(lambda a, b: np.sum(a * b))(X, X), X)
    np.testing.assert_allclose(lazy.grad(lambda a: np.sum(a * X))(X), X)
    _, tangent = lazy.jvp(lambda a, b: a * b, (X, X), (np.ones(3), np.zeros(3)))
    np.testing.assert_allclose(tangent, X)
    shared = {"w": X}
    np.testing.assert_allclose(lazy.grad(lambda p, q: np.sum(p["w"] * q["w"]))(shared, shared)["w"], X)

    def write(a, b):
        a[0] = 7.0
        return np.sum(a * b)

    with pytest.raises(lazy.GraphBreak, match="share memory"):
        lazy.grad(write)(X, X)


def test_what_is_returned_as_it_came_has_its_tangent():
    ones = np.ones(3)
    value, tangent = lazy.jvp(lambda d: (d, d["a"] * 2, 1.5), ({"a": X},), ({"a": ones},))
    np.testing.assert_array_equal(value[0]["a"], X)
    np.testing.assert_array_equal(tangent[0]["a"], ones)
    assert tangent[2] == 0.0
    _, pull = lazy.vjp(lambda x: {"a": x, "b": [x, 3 * x]}, X)
    np.testing.assert_allclose(pull({"a": ones, "b": [ones, ones]})[0], 5 * ones)

    def write(x):
        x[1] = 5.0
        return x

    np.testing.assert_array_equal(lazy.jvp(write, (X.copy(),), (ones,))[1], [1.0, 0.0, 1.0])


def test_integers_among_results_have_no_cotangent():
    _, pull = lazy.vjp(lambda x: (2 * x, x > 1, np.argmax(x)), X)
    np.testing.assert_allclose(pull((np.ones(3), None, None))[0], np.full(3, 2.0))
    _, pull = lazy.vjp(lambda x: x > 1, X)
    np.testing.assert_array_equal(pull(np.zeros(3, bool))[0], np.zeros(3))


def test_a_loss_of_one_element_and_one_that_is_constant():
    np.testing.assert_allclose(lazy.grad(lambda x: np.sum(x**2, keepdims=True))(X), 2 * X)
    np.testing.assert_array_equal(lazy.grad(lambda x: 3.0)(X), np.zeros(3))
    with pytest.raises(lazy.NotDifferentiable):
        lazy.grad(lambda x: 2 * x)(X)


@pytest.mark.parametrize("make", [Pair, Point, lambda a, b: {"a": a, "b": b}])
def test_containers(make):
    def get(p, name):
        return p[name] if isinstance(p, dict) else getattr(p, name)

    def loss(p):
        return np.sum(get(p, "a") ** 2) * get(p, "b")

    point = make(X, 2.0)
    gradient = lazy.grad(loss)(point)
    assert type(gradient) is type(point)
    np.testing.assert_allclose(get(gradient, "a"), 4 * X)
    assert get(gradient, "b") == pytest.approx(np.sum(X**2))

    def both(p):
        return make(get(p, "a") * get(p, "b"), get(p, "b") ** 2)

    value, tangent = lazy.jvp(both, (point,), (make(np.ones(3), 1.0),))
    assert type(value) is type(tangent) is type(point)
    np.testing.assert_allclose(get(tangent, "a"), 2 + X)
    assert get(tangent, "b") == pytest.approx(4.0)
    _, pull = lazy.vjp(both, point)
    np.testing.assert_allclose(get(pull(make(np.ones(3), 0.0))[0], "a"), np.full(3, 2.0))
    rows = lazy.jacobian(both)(point)
    assert type(rows) is type(get(rows, "a")) is type(point)
    np.testing.assert_allclose(get(get(rows, "a"), "a"), 2 * np.eye(3))
    again = lazy.grad(lambda p: np.sum(get(lazy.grad(loss)(p), "a")))(point)
    np.testing.assert_allclose(get(again, "a"), np.full(3, 4.0))


def test_collecting_garbage_while_a_function_is_made():
    import gc

    before = gc.get_threshold()
    gc.set_threshold(1)
    try:
        made = [lazy.grad(cubes) for _ in range(50)]
    finally:
        gc.set_threshold(*before)
    assert len(made) == 50
