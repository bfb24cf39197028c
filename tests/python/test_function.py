"""What a transform returns, as a Python object."""

from __future__ import annotations

import inspect
import pickle
import subprocess
import sys
import traceback

import numpy as np
import pytest

import lazy


def double(x, times=2.0):
    """Twice."""
    return x * times


jitted_by_name = lazy.jit(double)


def test_looks_like_the_function():
    f = lazy.jit(double)
    assert (f.__name__, f.__doc__, f.__wrapped__) == ("double", "Twice.", double)
    assert inspect.signature(f) == inspect.signature(double)
    assert repr(f) == "<lazy.jit(double)>"
    assert repr(lazy.grad(lazy.jit(double))) == "<lazy.grad(jit(double))>"


def test_keywords_and_defaults():
    f = lazy.jit(double)
    assert f(3.0) == 6.0
    assert f(x=3.0, times=4.0) == 12.0
    with pytest.raises(TypeError):
        f()
    with pytest.raises(TypeError):
        f(1.0, 2.0, 3.0)


def test_source_before_any_call_says_what_to_do():
    with pytest.raises(LookupError, match="call it"):
        _ = lazy.jit(double).source
    assert "def" in lazy.jit(double).source_for(np.ones(3))


def test_python_is_a_genuine_function():
    f = lazy.jit(double)
    f(np.ones(3))
    plain = f.python
    assert inspect.isfunction(plain)
    assert inspect.getsource(plain).strip() in f.source
    np.testing.assert_array_equal(plain(np.ones(3)), [2, 2, 2])
    try:
        plain(None)
    except TypeError as error:
        lines = "".join(traceback.format_exception(error))
        assert "times" in lines or "x" in lines


class Model:
    def __init__(self, scale):
        self.scale = scale

    @lazy.jit
    def apply(self, x):
        return self.scale * x


def test_methods():
    np.testing.assert_array_equal(Model(3.0).apply(np.ones(2)), [3, 3])
    np.testing.assert_array_equal(Model(4.0).apply(np.ones(2)), [4, 4])


def test_pickled_by_reference():
    assert pickle.loads(pickle.dumps(jitted_by_name))(1.0) == 2.0


def test_pickled_by_value_into_another_process():
    scale = 3.0
    offset = np.array([1.0, 2.0])

    def local(x):
        return np.sum((scale * x + offset) ** 2)

    data = pickle.dumps(lazy.grad(local))
    code = (
        "import pickle, sys, numpy as np\n"
        "g = pickle.loads(sys.stdin.buffer.read())\n"
        "print(g(np.array([1.0, 0.0])).tolist())"
    )
    out = subprocess.run([sys.executable, "-c", code], input=data, capture_output=True, check=True)
    assert out.stdout.decode().strip() == "[24.0, 12.0]"


def test_recursive_function_by_value():
    def power(x, n):
        return x if n == 1 else x * power(x, n - 1)

    restored = pickle.loads(pickle.dumps(lazy.jit(power)))
    assert restored(2.0, 5) == 32.0


def test_callables_that_are_no_functions():
    import functools

    class Scale:
        def __call__(self, x):
            return 3 * x

    x = np.array([1.0, 4.0])
    np.testing.assert_array_equal(lazy.jit(np.sqrt)(x), [1, 2])
    np.testing.assert_array_equal(lazy.jit(functools.partial(double, times=5.0))(x), [5, 20])
    np.testing.assert_array_equal(lazy.jit(Scale())(x), [3, 12])
    np.testing.assert_allclose(lazy.grad(np.linalg.norm)(np.array([3.0, 4.0])), [0.6, 0.8])
    assert pickle.loads(pickle.dumps(lazy.jit(np.sqrt)))(4.0) == 2.0


def test_composition():
    f = lazy.grad(lazy.grad(lambda x: x**3))
    assert f(2.0) == 12.0


def test_emitted_source_needs_no_lazy():
    gradient = lazy.grad(lambda w, X: np.sum((X @ w) ** 2))
    w, X = np.array([1.0, 2.0]), np.eye(2)
    gradient(w, X)
    code = (
        "import sys; sys.modules['lazy'] = None\n"
        "import numpy as np\n" + gradient.source + "\n"
        f"print({gradient.python.__name__}(np.array([1.0, 2.0]), np.eye(2)).tolist())"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert out.stdout.strip() == "[2.0, 4.0]"


def test_global_is_not_frozen():
    scope = {"np": np, "k": 2.0}
    exec("def f(x):\n    return k * x\n", scope)
    f = lazy.jit(scope["f"])
    assert f(np.ones(1))[0] == 2.0
    scope["k"] = 5.0
    assert f(np.ones(1))[0] == 5.0


def test_prints_on_every_call(capsys):
    @lazy.jit
    def loud(x):
        y = x + 1
        print("y is", y)
        return y

    loud(np.zeros(2))
    loud(np.ones(2))
    assert capsys.readouterr().out == "y is [1. 1.]\ny is [2. 2.]\n"


def test_jvp_vjp_linearize():
    f = lambda x, y: np.sin(x) * y  # noqa: E731
    out, tangent = lazy.jvp(f, (0.5, 2.0), (1.0, 0.0))
    assert out == np.sin(0.5) * 2 and tangent == pytest.approx(np.cos(0.5) * 2)
    out, pull = lazy.vjp(f, 0.5, 2.0)
    assert pull(1.0) == pytest.approx((np.cos(0.5) * 2, np.sin(0.5)))
    out, push = lazy.linearize(f, 0.5, 2.0)
    assert push(0.0, 1.0) == pytest.approx(np.sin(0.5))
    with pytest.raises(TypeError, match="as many tangents"):
        lazy.jvp(f, (1.0, 2.0), (1.0,))


def test_jacobians():
    f = lambda x: np.array([1.0, 2.0])[:, None] @ (x**2)[None, :]  # noqa: E731
    x = np.array([1.0, 2.0, 3.0])
    expected = np.einsum("i,jk->ijk", [1.0, 2.0], np.diag(2 * x))
    np.testing.assert_allclose(lazy.jacfwd(f)(x), expected)
    np.testing.assert_allclose(lazy.jacrev(f)(x), expected)


def test_value_and_grad_with_aux():
    f = lambda x: (np.sum(x**2), {"twice": 2 * x})  # noqa: E731
    (value, aux), gradient = lazy.value_and_grad(f, has_aux=True)(np.array([1.0, 2.0]))
    assert value == 5.0
    np.testing.assert_array_equal(aux["twice"], [2, 4])
    np.testing.assert_array_equal(gradient, [2, 4])
    gradient, aux = lazy.grad(f, has_aux=True)(np.array([1.0, 2.0]))
    np.testing.assert_array_equal(gradient, [2, 4])


def test_threads():
    from concurrent.futures import ThreadPoolExecutor

    f = lazy.jit(lambda x: np.exp(x).sum())
    with ThreadPoolExecutor(8) as pool:
        for n, value in enumerate(pool.map(lambda n: f(np.zeros(n)), range(40))):
            assert value == n


def test_how_true_the_rules_are():
    def f(x, y):
        return (x + y) + y

    x, y = np.array([0.1, 0.7]), np.array([0.3, 1e-17])
    strict, usual = lazy.jit(f, strict=True), lazy.jit(f)
    np.testing.assert_array_equal(strict(x, y), f(x, y))
    np.testing.assert_allclose(usual(x, y), f(x, y), rtol=1e-15)
    assert "multiply" in usual.graph and "multiply" not in strict.graph
    fast = lazy.jit(fast=True)(lambda x: x * 0.0 + 1.0)
    assert fast(np.array([np.inf, 1.0])).tolist() == [1.0, 1.0]
    with pytest.raises(ValueError, match="strict"):
        lazy.jit(f, strict=True, fast=True)


def test_sums_of_outer_products():
    rng = np.random.default_rng(3)
    x, w, v = rng.normal(size=(4, 5, 3)), rng.normal(size=(5, 3, 2)), rng.normal(size=(4, 2))

    def f(x, w, v):
        product = np.sum(x[..., None] * w[None], axis=(1, 2))
        return product, np.sum(v[:, None, :] * product[None], axis=1), (x[:, :, None, :] * x[:, None]).sum(-1)

    for result, expected in zip(lazy.jit(f)(x, w, v), f(x, w, v), strict=True):
        np.testing.assert_allclose(result, expected, rtol=1e-13, atol=1e-13)


def test_threads_are_counted():
    usual = lazy.config.threads
    x = np.linspace(0.0, 1.0, 300_000)
    f = lazy.jit(lambda x: np.exp(x) * np.sin(x))
    many = f(x)
    try:
        lazy.config.threads = 1
        assert lazy.config.threads == 1
        np.testing.assert_array_equal(f(x), many)
    finally:
        lazy.config.threads = None
    assert lazy.config.threads == usual
    with pytest.raises(ValueError, match="at least one thread"):
        lazy.config.threads = 0
