"""Derivatives held against differences, and the search for NaN."""

from __future__ import annotations

import numpy as np

import lazy

X = np.array([0.3, 1.7, 2.2])


def smooth(params, x):
    return np.sum(np.tanh(params["w"] * x)) * params["b"]


def test_agreement():
    found = lazy.check_grad(smooth, {"w": X, "b": 2.0}, X)
    assert found
    assert found.entries == 7
    assert str(found) == "the derivatives by 7 entries agree with differences"
    assert lazy.check_grad(lambda x: np.outer(x, x), X)
    assert lazy.check_grad(lambda z: np.exp(z) * np.conj(z), X + 1j)
    assert lazy.check_grad(lambda x, n: x**n, X, 3).entries == 3


def test_a_kink_is_found_with_its_line():
    def kinked(x, y):
        doubled = 2.0 * y
        return np.sum(np.abs(x - 1.7) * doubled)

    found = lazy.check_grad(kinked, np.array([0.3, 1.7 - 2e-4]), np.ones(2))
    assert not found
    (wrong,) = found.disagreements
    assert (wrong.argument, wrong.entry) == ("x", (1,))
    assert "first at absolute" in str(found)
    assert "np.abs(x - 1.7)" in str(found)


def test_nan_forward_and_backward():
    def loss(x):
        ratio = x / np.sum(x)
        return np.sum(np.sqrt(ratio))

    assert lazy.explain_nan(loss, X) == "no NaN"
    forward = lazy.explain_nan(loss, np.array([3.0, -1.0]))
    assert forward.startswith("sqrt gives NaN in 1 of 2 entries, first at [1] at ")
    assert "np.sum(np.sqrt(ratio))" in forward

    def root(x):
        return np.sum(np.sqrt(x * x))

    backward = lazy.explain_nan(lazy.grad(root), np.array([0.0, 1.0]))
    assert "gives NaN" in backward
    assert "np.sqrt(x * x)" in backward
    assert "gives infinity" in backward
