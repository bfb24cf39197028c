"""Functions whose derivative or whose code is their author's affair: custom_jvp, custom_vjp, opaque."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

import lazy

X = np.array([0.3, 0.4])


def twice_the_truth():
    """A sine whose derivative is said to be twice what it is, to see which one is taken."""

    @lazy.custom_jvp
    def wrong_sine(x):
        return np.sin(x)

    @wrong_sine.defjvp
    def rule(primals, tangents):
        (x,), (t,) = primals, tangents
        return wrong_sine(x), 2 * np.cos(x) * t

    return wrong_sine


def test_the_rule_is_the_derivative_in_both_modes():
    f = twice_the_truth()
    np.testing.assert_allclose(lazy.jit(f)(X), np.sin(X))
    np.testing.assert_allclose(f(X), np.sin(X))
    wanted = np.diag(2 * np.cos(X))
    np.testing.assert_allclose(lazy.jacfwd(f)(X), wanted)
    np.testing.assert_allclose(lazy.jacrev(f)(X), wanted)


def test_higher_orders_follow_the_rule():
    f = twice_the_truth()
    g = lazy.grad(f)
    for wanted in (2 * np.cos(0.3), -2 * np.sin(0.3), -2 * np.cos(0.3)):
        np.testing.assert_allclose(g(0.3), wanted)
        g = lazy.grad(g)


@pytest.mark.parametrize("cotangents", [lambda x, c: (None, None), lambda x, c: (3.0 + 0 * x, c)])
@pytest.mark.parametrize("x", [0.3, X])
def test_cotangents_that_are_constant(x, cotangents):
    @lazy.custom_vjp
    def f(x, y):
        return x * y

    f.defvjp(lambda x, y: (x * y, x), cotangents)

    def pulled(pair):
        return lazy.vjp(lambda x: f(x, 2.0), pair[0])[1](pair[1])[0]

    wanted = 0 * x if cotangents(x, x)[0] is None else 3.0 + 0 * x
    np.testing.assert_array_equal(pulled((x, x)), wanted)
    for part in lazy.vjp(pulled, (x, x))[1](x)[0]:
        np.testing.assert_array_equal(part, 0 * x)


def test_a_rule_within_its_own_rule_follows_it_again():
    @lazy.custom_jvp
    def f(x):
        return np.exp(x)

    f.defjvp(lambda p, t: (f(p[0]), 2 * f(p[0]) * t[0]))
    np.testing.assert_allclose(lazy.grad(f)(0.5), 2 * np.exp(0.5))
    np.testing.assert_allclose(lazy.grad(lazy.grad(f))(0.5), 4 * np.exp(0.5))
    np.testing.assert_allclose(lazy.grad(lazy.grad(lazy.grad(f)))(0.5), 8 * np.exp(0.5))
    deep = f
    for _ in range(5):
        deep = lazy.grad(deep)
    with pytest.raises(lazy.NotDifferentiable, match="higher order"):
        deep(0.5)


def test_rules_hold_under_vmap_and_in_loops():
    f = twice_the_truth()
    np.testing.assert_allclose(lazy.vmap(lazy.grad(f))(X), 2 * np.cos(X))
    np.testing.assert_allclose(lazy.grad(lambda x: lazy.vmap(f)(x).sum())(X), 2 * np.cos(X))

    def iterated(x):
        for _ in range(50):
            x = 0.9 * f(x)
        return x

    x, slope = 0.3, 1.0
    for _ in range(50):
        slope *= 0.9 * 2 * np.cos(x)
        x = 0.9 * np.sin(x)
    np.testing.assert_allclose(lazy.grad(iterated)(0.3), slope)


def test_several_arguments_and_results_in_containers():
    @lazy.custom_jvp
    def f(params, n):
        return {"sum": params["a"] * n + params["b"], "product": (params["a"] * params["b"],)}

    @f.defjvp
    def rule(primals, tangents):
        (params, n), (t, _) = primals, tangents
        return f(params, n), {"sum": 10 * t["a"], "product": (t["b"],)}

    def loss(params):
        out = f(params, 3)
        return out["sum"] + out["product"][0]

    found = lazy.grad(loss)({"a": 2.0, "b": 5.0})
    assert found == {"a": 10.0, "b": 1.0}


def test_rules_of_methods_and_keywords():
    class Scale:
        factor = 3.0

        @lazy.custom_jvp
        def apply(self, x, power=2):
            return self.factor * x**power

        @apply.defjvp
        def rule(primals, tangents):
            self, x, power = primals
            return self.apply(x, power), 7.0 * tangents[1]

    assert Scale().apply(2.0) == 12.0
    np.testing.assert_allclose(lazy.jit(lambda x: Scale().apply(x, power=3))(2.0), 24.0)
    np.testing.assert_allclose(lazy.grad(lambda x: Scale().apply(x, power=3))(2.0), 7.0)


def test_a_reverse_rule():
    @lazy.custom_vjp
    def clipped(x, low):
        return x * 1.0

    clipped.defvjp(lambda x, low: (x, low), lambda low, c: (np.clip(c, low, 1.0), None))
    found = lazy.grad(lambda x: np.sum(np.array([5.0, -5.0]) * clipped(x, -2.0)))(np.zeros(2))
    np.testing.assert_allclose(found, [1.0, -2.0])
    with pytest.raises(lazy.NotDifferentiable, match="backwards only"):
        lazy.jacfwd(lambda x: clipped(x, -2.0))(np.zeros(2))


def test_nondiff_argnums():
    @lazy.custom_vjp
    def f(n, x):
        return x**n

    f = lazy.custom_vjp(f.function, nondiff_argnums=(0,))
    f.defvjp(lambda n, x: (x**n, x), lambda n, x, c: (c * 100.0 * n,))
    np.testing.assert_allclose(lazy.grad(lambda x: f(3, x))(2.0), 300.0)


def test_what_a_rule_says_nothing_of_is_refused():
    a = np.array([1.0, 2.0])

    @lazy.custom_jvp
    def f(x):
        return a * x

    f.defjvp(lambda p, t: (f(p[0]), a * t[0]))
    np.testing.assert_allclose(lazy.grad(lambda x: np.sum(f(x)))(X), a)
    holder = {}
    g = lazy.custom_jvp(lambda x: holder["b"] * x)
    g.defjvp(lambda p, t: (g(p[0]), 1.0 * t[0]))

    def through_a_global(b):
        holder["b"] = b
        return np.sum(g(X))

    with pytest.raises(lazy.NotDifferentiable, match="reads from outside"):
        lazy.grad(through_a_global)(a)


def test_a_function_without_a_rule_says_so():
    @lazy.custom_jvp
    def f(x):
        return x

    with pytest.raises(TypeError, match="defjvp"):
        lazy.grad(f)(1.0)


def test_opaque_functions_are_called_by_each_run():
    seen = []

    @lazy.opaque
    def table(x):
        seen.append(x.copy())
        return np.array([{0.0: 1.0}.get(float(v), 2.0) for v in x])

    f = lazy.jit(lambda x: table(x) + x)
    for x in (np.array([0.0, 1.0]), np.array([3.0, 0.0])):
        np.testing.assert_array_equal(f(x), table(x) + x)
    assert f.lifts == 1
    with pytest.raises(lazy.NotDifferentiable, match="table"):
        lazy.grad(lambda x: np.sum(table(x) * x))(X)


def test_an_opaque_function_with_a_rule():
    @lazy.opaque
    def table(x):
        return np.array([{0.0: 1.0}.get(float(v), 2.0) for v in x])

    f = lazy.custom_jvp(table)
    f.defjvp(lambda p, t: (f(p[0]), 3.0 * t[0]))
    np.testing.assert_allclose(lazy.grad(lambda x: np.sum(f(x) * x))(np.array([0.0, 1.0])), [1.0, 5.0])


def test_an_opaque_block():
    def f(x):
        with lazy.opaque():
            y = x + 1
        return y

    np.testing.assert_array_equal(lazy.jit(f)(X), X + 1)
    assert "opaque" in lazy.explain(f, X)
    with pytest.raises(lazy.GraphBreak, match=r"with lazy\.opaque"):
        lazy.grad(lambda x: f(x).sum())(X)


class Named(NamedTuple):
    a: Any
    b: Any


@dataclass
class Fields:
    a: Any
    b: Any


@pytest.mark.parametrize("make", [Named, Fields])
def test_rules_through_namedtuples_and_dataclasses(make):
    @lazy.custom_jvp
    def f(p):
        return make(p.a * p.b, np.sin(p.a))

    @f.defjvp
    def rule(primals, tangents):
        (p,), (t,) = primals, tangents
        return f(p), make(10 * t.a, 100 * t.b)

    g = lazy.custom_vjp(f.function)
    g.defvjp(lambda p: (f.function(p), None), lambda _, c: (make(10 * c.a, 100 * c.b),))
    for ruled in (f, g):

        def loss(p, ruled=ruled):
            result = ruled(p)
            return np.sum(result.a) + np.sum(result.b)

        found = lazy.grad(loss)(make(X, X))
        assert type(found) is make
        np.testing.assert_allclose(found.a, [10.0, 10.0])
        np.testing.assert_allclose(found.b, [100.0, 100.0])
        # Made while lifting, and within another function that is lifted.
        inner = lazy.grad(lambda x, loss=loss: loss(make(x, 2 * x)))
        np.testing.assert_allclose(lazy.jit(lambda x, inner=inner: 2 * inner(x))(X), [420.0, 420.0])
        np.testing.assert_allclose(lazy.vmap(inner)(np.stack([X, X])), np.full((2, 2), 210.0))
    value = lazy.jit(f)(make(X, X))
    assert type(value) is make
    np.testing.assert_allclose(value.b, np.sin(X))


def test_a_dataclass_that_is_changed_is_refused():
    @lazy.custom_jvp
    def f(p):
        p.a = p.a * 2
        return p.a

    f.defjvp(lambda p, t: (p[0].a * 2, 2 * t[0].a))
    with pytest.raises(lazy.GraphBreak, match="changes its argument"):
        lazy.grad(lambda x: np.sum(f(Fields(x, x))))(X)
