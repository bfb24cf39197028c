"""Recorded arrays."""

from __future__ import annotations

import numpy as np
import pytest

import lazy


def gram_schmidt(X):
    Q = []
    for j in range(X.shape[0]):
        q = X[j, :]
        for i in range(j):
            r = np.tensordot(np.conj(Q[i]), q, 1)
            q = q - r * Q[i]
        Q.append(q / np.linalg.norm(q, 2))
    return np.stack(tuple(Q), axis=0)


def test_gram_schmidt():
    X = np.random.default_rng(0).normal(size=(10, 10))
    Y = gram_schmidt(lazy.array(X))
    np.testing.assert_allclose(Y.compute(), gram_schmidt(X), rtol=1e-10)


OPERATIONS = {
    "operators": lambda a, b: (a + 2 * b - a / b) ** 2 % 3 // 0.7,
    "reflected": lambda a, b: np.float64(2) * a + np.ones(3) - b,
    "comparison": lambda a, b: (a < b) | (a == 1) & ~(b > 2),
    "ufunc": lambda a, b: np.logaddexp(np.exp(a), np.hypot(a, b)),
    "reduce": lambda a, b: np.add.reduce(np.add.outer(a, b)) + np.multiply.accumulate(a),
    "function": lambda a, b: np.concatenate([np.where(a > b, a, b), np.cumsum(a)]).reshape(2, 3),
    "methods": lambda a, b: a.sum() + b.mean() * a.max() - b.std() + a.dot(b),
    "index": lambda a, b: a[::-1] + b[1:].sum() + a[[2, 0, 1]] + a[-1],
    "matmul": lambda a, b: a @ np.outer(a, b) @ b,
    "dtype": lambda a, b: (a * 2).astype(np.float32) + np.float32(1),
    "mask": lambda a, b: a[b > 1.6] * 2,
    "unknown": lambda a, b: np.interp(0.5, a, b),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_as_numpy(name):
    function = OPERATIONS[name]
    a, b = np.array([1.0, 2.0, 3.5]), np.array([1.5, 2.5, 0.5])
    expected = function(a, b)
    actual = lazy.compute(function(lazy.array(a), lazy.array(b)))
    if isinstance(actual, tuple):
        (actual,) = actual
    np.testing.assert_allclose(actual, expected, rtol=1e-14)
    assert np.asarray(actual).dtype == expected.dtype
    assert type(actual) is type(expected)


def test_later_changes_of_the_source_are_not_seen():
    x = np.ones(3)
    y = lazy.array(x) + 1
    x[:] = 7
    np.testing.assert_array_equal(y.compute(), [2, 2, 2])


def test_results_are_the_callers_own():
    y = lazy.array(np.ones(3)) + 1
    y.compute()[:] = 0
    np.testing.assert_array_equal(y.compute(), [2, 2, 2])


def test_python_computes_when_it_looks():
    x = lazy.array([1.0, 2.0])
    assert x.sum() > 2
    assert float(x[1]) == 2.0
    assert len(x) == 2
    assert [float(v) for v in x] == [1.0, 2.0]
    np.testing.assert_array_equal(np.asarray(x), [1.0, 2.0])


def test_compute_several():
    x = lazy.array([3.0, 4.0])
    shared = np.sqrt((x**2).sum())
    norm, unit = lazy.compute([shared, x / shared])
    assert norm == 5.0 and isinstance(norm, np.float64)
    np.testing.assert_allclose(unit, [0.6, 0.8])


def test_deferred_and_force():
    a, b = lazy.deferred([np.ones(2), np.arange(2.0)])
    out = np.empty(2)
    assert lazy.force(a + b, out=out) is out
    np.testing.assert_array_equal(out, [1, 2])
    with pytest.raises(ValueError, match="shape"):
        lazy.force(a + b, out=np.empty(3))


def test_function_of_variables():
    x = lazy.Variable((6, 6), name="x")
    y = lazy.array(np.random.default_rng(1).normal(size=(6, 6)))
    y += y.T
    y **= 2
    f = lazy.Function(inputs=x, outputs=y / (x + 3))
    at = np.random.default_rng(2).normal(size=(6, 6))
    np.testing.assert_allclose(f(at), y.compute() / (at + 3), rtol=1e-14)
    g = lazy.grad(lambda z: f(z).sum())(at)
    np.testing.assert_allclose(g, -y.compute() / (at + 3) ** 2, rtol=1e-12)
    assert "def " in f.source


def test_a_computed_output_still_depends_on_the_input():
    x = lazy.array([1.0, 2.0])
    y = (x * x).sum()
    assert y.compute() == 5.0
    f = lazy.Function([x], [y])
    (value,) = f(np.array([3.0, 4.0]))
    assert value == 25.0


def test_variable_without_value():
    x = lazy.Variable(3, name="x")
    with pytest.raises(ValueError, match="x has no value"):
        (x + 1).compute()
    with pytest.raises(ValueError, match="x, which is not among the inputs"):
        lazy.Function(inputs=[lazy.Variable(3)], outputs=x + 1)


def test_shared_intermediates():
    x = lazy.array(np.ones((4, 4)))

    def twice():
        return (np.exp(x[0]) + np.exp(x[0])).history_num_nodes()

    apart = twice()
    with lazy.shared_intermediates():
        together = twice()
    assert (apart, together) == (8, 5)


def test_show(capsys):
    x = lazy.array(np.ones(3))
    y = np.exp(x)
    (y + y * x).show()
    assert capsys.readouterr().out.splitlines() == [
        "   0 add[3]",
        "   1 ├─exp[3]",
        "   2 │ ╰─←[3]",
        "   3 ╰─multiply[3]",
        "   4   ├─ ... (exp[3] from line 1)",
        "   5   ╰─←[3]",
    ]
    assert repr(x) == "<lazy.Array shape=(3,) dtype=float64 unevaluated>"


def test_mistakes_are_numpys():
    x = lazy.array(np.ones(3))
    with pytest.raises(ValueError, match="could not be broadcast"):
        x + np.ones(4)
    with pytest.raises(IndexError):
        x[3]
    with pytest.raises(np.exceptions.AxisError):
        x.sum(axis=1)
    with pytest.raises(TypeError, match="immutable"):
        x[0] = 1
    with pytest.raises(TypeError, match="float64 and complex"):
        lazy.array(np.array(["a"]))


def test_arrays_of_separate_recordings_meet_from_many_threads():
    from concurrent.futures import ThreadPoolExecutor

    base = lazy.array(np.arange(5.0))

    def work(k):
        y = base
        for i in range(50):
            y = y + lazy.array(np.full(5, float(k))) - k + i * 0
        return y.compute()

    with ThreadPoolExecutor(8) as pool:
        for result in pool.map(work, range(16)):
            np.testing.assert_array_equal(result, np.arange(5.0))
