"""Decisions by the values of the call: branches, loops, sizes and indices that arrays decide."""

from __future__ import annotations

import numpy as np
import pytest

import lazy


def branch(x):
    if x.sum() > 0:
        return (x**2).sum()
    return -(x**3).sum()


def newton(a):
    x = a
    while abs(x * x - a) > 1e-12:
        x = 0.5 * (x + a / x)
    return x


def first_match(x):
    for i in range(len(x)):
        if x[i] > 1:
            return x[i] ** 2
    return x.sum()


def position(x):
    i = int(np.argmax(x))
    return x[i] * 2 + x[:i].sum()


def selected(x):
    y = x[x > 0]
    if len(y) == 0:
        return (x**2).sum()
    return np.log(y).sum() * len(y)


def size_from_value(x):
    return np.sum(np.ones(int(x[0])) * x[1])


def validated(x):
    if np.any(x < 0):
        raise ValueError("negative")
    if not np.isfinite(x).all():
        raise ValueError("not finite")
    return np.sqrt(x).sum()


def pivot(x):
    a = x.copy()
    k = np.argmax(np.abs(a))
    a[[0, k]] = a[[k, 0]]
    return (a * np.arange(len(a))).sum() if a[0] != 0 else 0.0 * a[0]


POINTS = [
    np.array([1.5, 2.0, 0.5]),
    np.array([-1.5, -2.0, -0.5]),
    np.array([3.0, -1.0, 0.25]),
    np.array([0.5, 0.75, 4.0]),
]


def numerical(f, x):
    h = 1e-6
    out = np.zeros_like(x)
    for i in range(x.size):
        step = np.zeros_like(x)
        step.flat[i] = h
        out.flat[i] = (f(x + step) - f(x - step)) / (2 * h)
    return out


@pytest.mark.parametrize("f", [branch, first_match, position, selected, pivot], ids=lambda f: f.__name__)
def test_each_call_takes_its_own_path(f):
    jitted, gradient = lazy.jit(f), lazy.grad(f)
    for _ in range(2):
        for x in POINTS:
            assert jitted(x) == pytest.approx(f(x), rel=1e-14)
            np.testing.assert_allclose(gradient(x), numerical(f, x), rtol=1e-6, atol=1e-7)


def test_loops_run_as_often_as_the_call_needs():
    gradient = lazy.grad(newton)
    for a in (2.0, 9.0, 0.3, 1e4):
        assert gradient(a) == pytest.approx(0.5 / np.sqrt(a), rel=1e-9)
        assert lazy.jit(newton)(a) == newton(a)


def test_a_size_may_be_a_value():
    gradient = lazy.grad(size_from_value)
    np.testing.assert_array_equal(gradient(np.array([3.0, 1.0])), [0.0, 3.0])
    np.testing.assert_array_equal(gradient(np.array([5.0, 1.0])), [0.0, 5.0])


@pytest.mark.parametrize("transform", [lazy.jit, lazy.grad])
def test_validation_raises_for_the_call_that_fails(transform):
    f = transform(validated)
    good, bad = np.array([1.0, 4.0]), np.array([1.0, -4.0])
    expected = f(good)
    for _ in range(2):
        with pytest.raises(ValueError, match="negative"):
            f(bad)
        with pytest.raises(ValueError, match="not finite"):
            f(np.array([1.0, np.nan]))
        np.testing.assert_array_equal(f(good), expected)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.where(x > 1)[0].squeeze(),
        lambda x: np.squeeze(x[x > 1]) * 2,
        lambda x: x[1:].squeeze() * 2,
        lambda x: np.cov(np.outer(x[1:], x)),
        lambda x: np.linalg.svd(np.outer(x, x)[x > 1, :1], full_matrices=False)[1],
    ],
)
def test_an_axis_of_one_place_is_seen_on_each_call(f):
    jitted = lazy.jit(f)
    for x in ([0.5, 2.0, 0.25, 3.0], [0.5, 2.0], [0.5, 2.0, 3.0], [0.5, 0.25, 2.0], [2.0, 3.0]):
        found, expected = jitted(np.array(x)), f(np.array(x))
        assert np.shape(found) == np.shape(expected)
        np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_a_search_that_rounding_ends_is_differentiated_on_its_path():
    def root(a):
        low, high = 0.0, 3.0
        while True:
            middle = low + (high - low) / 2
            value = middle**3 - a
            if value == 0 or high - low < 4e-16 * middle:
                return middle * a
            low, high = (middle, high) if value < 0 else (low, middle)

    for a in (2.3, 1.7, 2.9, 0.4):
        assert lazy.grad(root)(a) == pytest.approx(root(a) / a, rel=1e-12)


def test_paths_of_one_function_are_kept():
    f = lazy.jit(branch)
    for _ in range(5):
        for x in POINTS:
            f(x)
    assert f.lifts == 2


def test_a_function_of_many_paths_runs_plain():
    def scan(x):
        total = 0.0
        for v in x:
            total = total + v if v > 0 else total - 2 * v
        return total

    f = lazy.jit(scan)
    rng = np.random.default_rng(0)
    for _ in range(40):
        x = rng.normal(size=9)
        assert f(x) == scan(x)
        np.testing.assert_array_equal(lazy.grad(scan)(x), np.where(x > 0, 1.0, -2.0))


def test_draws_before_a_decision_keep_the_stream():
    def walk(rng, x):
        step = rng.normal()
        if step > 0:
            return step * x
        return rng.normal() - step * x

    f = lazy.jit(walk)
    for make in (np.random.default_rng, np.random.RandomState):
        ours, theirs = make(3), make(3)
        for _ in range(30):
            assert f(ours, 1.5) == walk(theirs, 1.5)


def test_a_model_that_branches_on_a_draw_has_no_density():
    def model():
        a = np.random.normal(0, 1)
        b = np.random.normal(a, 1) if a > 0 else np.random.normal(-a, 2)
        return b

    with pytest.raises(lazy.LazyError, match="branches on the value of a random variable"):
        lazy.likelihood(model, given={"b": 1.0})({"a": 0.5})


def test_the_source_says_which_calls_it_is_for():
    gradient = lazy.grad(branch)
    gradient(POINTS[0])
    assert "assert np.sum(x) > 0" in gradient.source
    np.testing.assert_array_equal(gradient.python(POINTS[0]), 2 * POINTS[0])
    with pytest.raises(AssertionError, match="branch another way"):
        gradient.python(POINTS[1])


def test_decisions_of_transformed_functions():
    def outer(x):
        slope = lazy.grad(branch)(x)
        return (slope**2).sum()

    for x in POINTS:
        np.testing.assert_allclose(lazy.grad(outer)(x), numerical(outer, x), rtol=1e-5, atol=1e-6)


def test_explain_names_decisions():
    text = lazy.jit(branch).explain(POINTS[0])
    assert "decided at test_decide.py:" in text and ": True" in text


def over_values(x):
    total = 0.0
    for k in np.unique(np.round(x)):
        total = total + k * x[np.round(x) == k].sum()
    return total


def over_lists(x):
    order = np.argsort(x).tolist()
    return [x[i] * k for k, i in enumerate(order)], x.tolist()


def membership(x):
    return np.where(x > 1, x, 0.0) if 0 in np.round(x) else x * 2


def repeated(x):
    return np.repeat(x, np.round(x).astype(int)) * 1.5


def counted(x):
    n = np.round(x[0]).astype(int)
    return np.arange(n + 1) * x[1], np.arange(-n, n, dtype=float)


def indexed_by_ranges(x):
    a = np.zeros((4, 4))
    a[range(1, 4), range(3)] = x[0]
    return a, {*range(3), 7}, len(range(len(x)))


def collected(x):
    n = int(np.sum(x > 0.5))
    order = np.argsort(x)[::-1]
    rows = [x[order[i]] for i in range(n)]
    table = {i: x[order[i]] for i in range(n)}
    seen = set()
    for i in range(n):
        seen.add(i % 2)
    return rows, np.asarray(np.transpose(rows)), list(table), sorted(seen)


@pytest.mark.parametrize(
    "function",
    [over_values, over_lists, membership, repeated, counted, indexed_by_ranges, collected],
)
def test_what_values_decide_of_iteration_and_sizes(function):
    jitted = lazy.jit(function)
    for x in ([3.2, 1.1, 0.9, 2.0], [1.0, 2.6, 2.4, 1.2, 0.2], [3.2, 1.1, 0.9, 2.0]):
        assert_same(jitted(np.array(x)), function(np.array(x)))
    assert jitted.lifts > 0


def assert_same(found, wanted):
    if isinstance(wanted, (list, tuple)):
        assert type(found) is type(wanted)
        for f, w in zip(found, wanted, strict=True):
            assert_same(f, w)
    else:
        assert type(found) is type(wanted)
        np.testing.assert_array_equal(found, wanted)


def test_code_that_looks_at_functions_is_followed():
    import functools
    import inspect

    class Model:
        def score(self, x, scale=2.0):
            return x * scale

    calls = []

    @functools.lru_cache
    def constant(n):
        calls.append(n)
        return n * 2.0

    def f(x):
        names = list(inspect.signature(Model().score).parameters)
        found = inspect.getattr_static(x, "shape", None) is not None
        bound = Model().score
        again = bound.__func__(bound.__self__, x)
        return again * len(names) * constant(3) if found and x.flags["C_CONTIGUOUS"] else x

    x = np.array([1.0, 2.0])
    jitted = lazy.jit(f)
    np.testing.assert_array_equal(jitted(x), f(x))
    assert jitted.lifts == 1
    assert calls == [3]


@pytest.mark.parametrize("function", [np.linalg.inv, np.linalg.det, np.rot90, np.linalg.cholesky])
def test_a_known_function_is_its_operation(function):
    a = np.array([[2.0, 0.3], [0.3, 1.5]])
    assert "entered" not in lazy.explain(function, a)
    found = lazy.jacobian(function)(a)
    step = 1e-6
    for at in np.ndindex(a.shape):
        d = np.zeros_like(a)
        d[at] = step
        if function is np.linalg.cholesky:
            d = (d + d.T) / 2
            slope = np.tensordot(found, d / step, axes=2)
        else:
            slope = found[(..., *at)]
        wanted = (function(a + d) - function(a - d)) / (2 * step)
        np.testing.assert_allclose(slope, wanted, atol=1e-7)
