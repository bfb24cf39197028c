"""vmap against a Python loop over the examples."""

from __future__ import annotations

import numpy as np
import pytest

import lazy

RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 3))
W = RNG.normal(size=(3, 2))
B = RNG.normal(size=(5, 2))


def dense(x, w, b):
    return np.tanh(x @ w + b)


def loss(x, w, b):
    return np.sum(dense(x, w, b) ** 2)


def looped(f, *args, axes):
    examples = []
    count = next(np.shape(a)[k] for a, k in zip(args, axes, strict=True) if k is not None)
    for i in range(count):
        examples.append(f(*(a if k is None else np.take(a, i, k) for a, k in zip(args, axes, strict=True))))
    return np.stack(examples)


@pytest.mark.parametrize("f", [dense, loss], ids=lambda f: f.__name__)
@pytest.mark.parametrize("axes", [(0, None, 0), (0, None, None)])
def test_some_arguments_are_shared(f, axes):
    args = (X, W, B if axes[2] == 0 else B[0])
    np.testing.assert_allclose(lazy.vmap(f, in_axes=axes)(*args), looped(f, *args, axes=axes), rtol=1e-14)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_any_axis_of_arguments_and_results(axis):
    x = np.moveaxis(X, 0, axis)
    got = lazy.vmap(np.cumsum, in_axes=axis, out_axes=axis)(x)
    np.testing.assert_allclose(got, np.moveaxis(np.cumsum(X, axis=1), 0, axis), rtol=1e-15)


def test_numbers_are_examples_of_vectors():
    def f(a, b):
        return a * b + np.sin(a)

    a, b = X[:, 0], X[:, 1]
    np.testing.assert_allclose(lazy.vmap(f)(a, b), a * b + np.sin(a), rtol=1e-15)
    np.testing.assert_allclose(lazy.vmap(f)(a, 2.0), a * 2.0 + np.sin(a), rtol=1e-15)


def test_derivatives_per_example_and_of_batches():
    per_example = lazy.vmap(lazy.grad(loss), in_axes=(0, None, 0))(X, W, B)
    np.testing.assert_allclose(per_example, looped(lazy.grad(loss), X, W, B, axes=(0, None, 0)), rtol=1e-13)

    def total(w):
        return lazy.vmap(loss, in_axes=(0, None, 0))(X, w, B).sum()

    plain = sum(lazy.grad(loss, argnums=1)(x, W, b) for x, b in zip(X, B, strict=True))
    np.testing.assert_allclose(lazy.grad(total)(W), plain, rtol=1e-13)
    hessians = lazy.vmap(lazy.hessian(lambda v: np.sum(v**4)))(X)
    np.testing.assert_allclose(hessians, np.stack([np.diag(12 * v**2) for v in X]), rtol=1e-13)


def test_vmap_of_vmap():
    def pair(x, y):
        return np.dot(x, y)

    rows = lazy.vmap(lazy.vmap(pair, in_axes=(None, 0)), in_axes=(0, None))
    np.testing.assert_allclose(rows(X, X), X @ X.T, rtol=1e-14)


def test_containers():
    def f(params, x):
        return {"y": x @ params["w"], "n": [x.sum(), params["c"][0]]}

    params = {"w": RNG.normal(size=(5, 3)), "c": (RNG.normal(size=5),)}
    got = lazy.vmap(f)(params, X)
    np.testing.assert_allclose(got["y"], np.einsum("ij,ij->i", X, params["w"]), rtol=1e-14)
    np.testing.assert_allclose(got["n"][0], X.sum(axis=1), rtol=1e-14)
    np.testing.assert_array_equal(got["n"][1], params["c"][0])


def test_one_lift_serves_all_batches():
    f = lazy.vmap(loss, in_axes=(0, None, None))
    for count in (2, 3, 5):
        f(X[:count], W, B[0])
    assert f.lifts == 1


def test_what_differs_from_example_to_example_is_refused():
    def branches(x):
        return x if x > 0 else -x

    with pytest.raises(lazy.LazyError, match="each element may take another side"):
        lazy.vmap(branches)(X[:, 0])
    with pytest.raises(ValueError, match="axis 1"):
        lazy.vmap(np.sin, in_axes=1)(X[:, 0])
    with pytest.raises(ValueError, match="different sizes: 5 and 3"):
        lazy.vmap(np.add)(X, X[:3])


def test_searches_in_one_row_and_in_many():
    rows = np.array([[0.0, 1.0, 2.0], [0.5, 0.6, 3.0]])
    values = np.array([[0.7, 2.5], [0.55, -1.0]])
    np.testing.assert_array_equal(
        lazy.vmap(np.searchsorted)(rows, values),
        [np.searchsorted(a, v) for a, v in zip(rows, values, strict=True)],
    )
    one = lazy.vmap(lambda a, v: np.searchsorted(a, v), in_axes=(None, 0))
    np.testing.assert_array_equal(one(rows[0], values), np.searchsorted(rows[0], values))
    assert "np.searchsorted" in one.source
