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


def away(p):
    return (p["a"] - 2.0) ** 2 + np.sum((p["b"] - 1.0) ** 2)


START = {"b": np.zeros(2), "a": 0.1}
# At the minimum with a + sum(b) <= 1, all three parameters have moved by 1 from (2, 1, 1).
MOVED = {"a": 1.0, "b": np.zeros(2)}


def room(p):
    return 1.0 - p["a"] - np.sum(p["b"])


def constraints(kind):
    from scipy import optimize

    return {
        "dict": {"type": "ineq", "fun": room},
        "arguments": {"type": "ineq", "fun": lambda p, top: top + room(p) - 1.0, "args": (1.0,)},
        "equality": {"type": "eq", "fun": lambda p: np.stack([room(p), room(p)])[:1]},
        "nonlinear": optimize.NonlinearConstraint(lambda p: np.exp(room(p)), 1.0, np.inf),
        "linear": optimize.LinearConstraint(np.ones((1, 3)), -np.inf, 1.0),
    }[kind]


@pytest.mark.parametrize("kind", ["dict", "arguments", "equality", "nonlinear", "linear"])
@pytest.mark.parametrize("method", [None, "SLSQP", "trust-constr"])
# SciPy's own Hessian of a dict's function, which is linear here.
@pytest.mark.filterwarnings("ignore:delta_grad")
def test_constraints(kind, method):
    result = lazy.minimize(away, START, method=method, constraints=constraints(kind))
    assert result.x["a"] == pytest.approx(MOVED["a"], abs=1e-3)
    np.testing.assert_allclose(result.x["b"], MOVED["b"], atol=1e-3)


def test_least_squares():
    t = np.linspace(0.0, 2.0, 20)
    y = 3.0 * np.exp(-1.5 * t) + 0.5

    def residuals(p, t, y):
        return p["scale"] * np.exp(-p["rate"] * t) + p["offset"] - y

    start = {"offset": 0.0, "scale": 1.0, "rate": 1.0}
    for options in ({}, {"method": "lm"}, {"loss": "soft_l1"}, {"bounds": (0.0, 5.0)}):
        fit = lazy.least_squares(residuals, start, args=(t, y), **options)
        assert fit.x == {
            k: pytest.approx(v, abs=1e-5) for k, v in {"offset": 0.5, "scale": 3.0, "rate": 1.5}.items()
        }


@pytest.mark.parametrize("method", ["hybr", "lm", "krylov"])
def test_root(method):
    def circle_and_line(p):
        return {"circle": p["x"] ** 2 + p["y"] ** 2 - 2.0, "line": p["x"] - p["y"]}

    found = lazy.root(circle_and_line, {"x": 2.0, "y": 0.5}, method=method)
    assert found.x["x"] == pytest.approx(1.0, abs=1e-5)
    assert found.x["y"] == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("method, rate", [("sgd", 0.1), ("adam", 0.05)])
def test_descent_on_batches(method, rate, capsys):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    w = np.array([1.0, -2.0, 0.5])

    def loss(p, X, y):
        return np.mean((X @ p["w"] + p["b"] - y) ** 2)

    seen = []
    result = lazy.minimize(
        loss,
        {"w": np.zeros(3), "b": 1.0},
        args=(X, X @ w),
        method=method,
        steps=500,
        rate=rate,
        batch=20,
        seed=1,
        progress=True,
        callback=lambda step, value: seen.append(value),
    )
    np.testing.assert_allclose(result.x["w"], w, atol=1e-3)
    assert result.x["b"] == pytest.approx(0.0, abs=1e-3)
    assert len(seen) == result.nit == 500 and seen[-1] < 1e-4 < seen[0]
    assert "500/500" in capsys.readouterr().err
    with pytest.raises(ValueError, match="neither bounds"):
        lazy.minimize(away, START, method=method, bounds=(0.0, 1.0))
