"""Patterns of dependence against dense derivatives, and sparse matrices of derivatives."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import rosen

import lazy

X = np.array([0.3, 1.7, -0.4, 2.2, 0.9, 1.1])
A = np.arange(12.0).reshape(2, 6) % 5.0 + 1.0

FUNCTIONS = {
    "elementwise": lambda x: np.sin(x) * x + 2.0,
    "broadcast": lambda x: x[:, None] * x[None, :3],
    "slices": lambda x: x[1:] * x[:-1],
    "strides": lambda x: x[::-2] + x[4::-2],
    "gather": lambda x: x[np.array([3, 3, 0])] ** 2,
    "choice": lambda x: np.where(np.arange(6) > 2, np.concatenate([x[3:], x[:3]]), 0.0),
    "cumulative": lambda x: np.cumsum(x**2),
    "reduction": lambda x: np.sum(x.reshape(2, 3) ** 2, axis=0),
    "product": lambda x: (A * x)[:, :3] @ x[:3],
    "product of parts": lambda x: x.reshape(2, 3) @ x.reshape(3, 2),
    "sorting": lambda x: np.sort(x)[:2] + np.max(x[3:]),
    "transposed": lambda x: np.diff(x.reshape(2, 3).T, axis=0),
    "padded": lambda x: np.pad(x, 2, mode="reflect"),
    "constant": lambda x: np.ones(3),
    "fourier": lambda x: np.abs(np.fft.rfft(x[:4])),
    "solved": lambda x: np.linalg.solve(np.eye(3) * 4 + x[:3], x[:3]),
}


def in_place(x):
    y = np.zeros(6)
    y[1:5] += x[:4] ** 2
    y[2] = x[5]
    np.add.at(y, np.array([0, 0, 3]), x[:3])
    return y


FUNCTIONS["in place"] = in_place


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_pattern_covers_the_jacobian(name):
    f = FUNCTIONS[name]
    dense = lazy.jacobian(f)(X).reshape(-1, X.size)
    pattern = lazy.sparsity(f)(X).toarray()
    assert pattern.shape == dense.shape
    assert not np.any((dense != 0) & ~pattern)
    # What a choice does not take may be taken at other values.
    exact = name not in ("choice", "sorting", "fourier", "solved")
    assert not exact or np.count_nonzero(pattern) == np.count_nonzero(dense)
    np.testing.assert_allclose(lazy.sparse_jacobian(f)(X).toarray(), dense, atol=1e-12)


def test_the_hessian_of_rosenbrock_takes_a_handful_of_products():
    n = 2000
    x = np.linspace(-1.0, 2.0, n)
    pattern = lazy.sparsity(lazy.grad(rosen))(x)
    assert pattern.nnz == 3 * n - 2
    hessian = lazy.sparse_hessian(rosen)(x)
    np.testing.assert_allclose(hessian.diagonal(1), -400 * x[:-1])
    inner = 1200 * x[1:-1] ** 2 - 400 * x[2:] + 202
    np.testing.assert_allclose(hessian.diagonal()[1:-1], inner)
    assert lazy._sparse._colors(pattern).max() == 2


def test_other_arguments_and_sizes():
    jacobian = lazy.sparse_jacobian(lambda w, x: w[0] * x**2, argnums=1)
    for n in (2, 5):
        x = np.arange(1.0, n + 1)
        np.testing.assert_allclose(jacobian(np.array([3.0]), x).toarray(), np.diag(6 * x))
