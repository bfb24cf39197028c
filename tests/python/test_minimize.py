"""SciPy's optimisers with our gradients."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from scipy.optimize import rosen

import lazy


@pytest.mark.parametrize(
    "method",
    [None, "BFGS", "L-BFGS-B", "CG", "Newton-CG", "trust-ncg", "trust-exact", "Nelder-Mead"],
)
def test_rosenbrock(method):
    result = lazy.minimize(rosen, np.array([-1.2, 1.0]), method=method, tol=1e-8)
    np.testing.assert_allclose(result.x, [1.0, 1.0], atol=1e-3)
    assert result.success


def test_dogleg_takes_the_hessian():
    result = lazy.minimize(lambda x: np.sum(np.cosh(x - 1.0)), np.zeros(3), method="dogleg")
    np.testing.assert_allclose(result.x, np.ones(3), atol=1e-4)


def test_nested_parameters():
    def loss(params, target):
        return (
            np.sum((params["matrix"] - target) ** 2) + (params["pair"][0] - 2.0) ** 2 + params["pair"][1] ** 2
        )

    start = {"matrix": np.zeros((2, 2)), "pair": (0.0, 1.0)}
    target = np.arange(4.0).reshape(2, 2)
    result = lazy.minimize(loss, start, args=(target,))
    np.testing.assert_allclose(result.x["matrix"], target, atol=1e-5)
    assert isinstance(result.x["pair"], tuple)
    assert result.x["pair"][0] == pytest.approx(2.0, abs=1e-5)
    assert result.jac["matrix"].shape == (2, 2)


def test_bounds():
    result = lazy.minimize(lambda x: np.sum((x - 3.0) ** 2), np.zeros(2), bounds=(None, 1.0))
    np.testing.assert_allclose(result.x, [1.0, 1.0])
    nested = lazy.minimize(
        lambda p: (p["a"] - 3.0) ** 2 + np.sum((p["b"] + 1.0) ** 2),
        {"a": 0.0, "b": np.zeros(2)},
        bounds={"a": (None, 2.0)},
    )
    assert nested.x["a"] == pytest.approx(2.0)
    np.testing.assert_allclose(nested.x["b"], [-1.0, -1.0], atol=1e-5)


def test_integer_parameters_are_refused():
    with pytest.raises(TypeError, match="floats"):
        lazy.minimize(lambda x: np.sum(x**2), np.arange(3))


def test_without_scipy(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(ImportError, match=r"lazy-transforms\[scipy\]"):
        lazy.minimize(lambda x: x**2, 1.0)


def test_maximize():
    result = lazy.maximize(lambda p: -((p["a"] - 1.0) ** 2) + 2.0, {"a": 0.0}, method="Newton-CG")
    assert result.x["a"] == pytest.approx(1.0)
    assert result.fun == pytest.approx(2.0)
