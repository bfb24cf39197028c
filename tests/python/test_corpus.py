"""Each function of the corpus, through every way that computes it."""

from __future__ import annotations

import builtins
import copy
import types

import numpy as np
import pytest

import lazy
from conftest import load, names

FUNCTIONS = [name for name in names() if hasattr(load(name), "ARGNUMS")]
MODELS = [name for name in names() if hasattr(load(name), "GIVEN")]


def close(actual, expected, rtol=1e-12):
    np.testing.assert_allclose(np.asarray(actual), np.asarray(expected), rtol=rtol, atol=1e-300)
    assert np.asarray(actual).dtype == np.asarray(expected).dtype


def leaves(tree):
    if isinstance(tree, dict):
        return [leaf for item in tree.values() for leaf in leaves(item)]
    if isinstance(tree, (list, tuple)):
        return [leaf for item in tree for leaf in leaves(item)]
    return [tree]


def hidden(function):
    """The function with its source out of reach."""
    code = function.__code__.replace(co_filename="<hidden>")
    out = types.FunctionType(
        code, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    out.__kwdefaults__ = function.__kwdefaults__
    return out


@pytest.mark.parametrize("name", FUNCTIONS)
def test_same_values_every_way(name):
    module = load(name)
    function, args = getattr(module, name), module.arguments()
    expected = function(*copy.deepcopy(args))
    jitted = lazy.jit(function)
    close(jitted(*copy.deepcopy(args)), expected)
    assert jitted.lifts == 1, jitted.explain(*args)
    close(jitted.python(*copy.deepcopy(args)), expected)
    close(lazy.jit(hidden(function))(*copy.deepcopy(args)), expected)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_both_fronts_make_the_same_graph(name):
    module = load(name)
    function, args = getattr(module, name), module.arguments()
    assert lazy.jit(function).graph_for(*args) == lazy.jit(hidden(function)).graph_for(*args)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_arguments_are_left_alone(name):
    module = load(name)
    args, kept = module.arguments(), module.arguments()
    lazy.jit(getattr(module, name))(*args)
    for actual, expected in zip(leaves(args), leaves(kept), strict=True):
        np.testing.assert_array_equal(actual, expected)


def shifted(args, argnum, step):
    """The arguments with every leaf of one moved along its direction."""
    args = list(copy.deepcopy(args))

    def move(tree):
        if isinstance(tree, dict):
            return {key: move(item) for key, item in tree.items()}
        if isinstance(tree, (list, tuple)):
            return type(tree)(move(item) for item in tree)
        return tree + step * np.cos(1.0 + np.arange(np.size(tree))).reshape(np.shape(tree))

    args[argnum] = move(args[argnum])
    return args


def direction(leaf):
    return np.cos(1.0 + np.arange(np.size(leaf))).reshape(np.shape(leaf))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradient_matches_central_differences(name):
    module = load(name)
    function, args = getattr(module, name), module.arguments()
    single = any(np.asarray(leaf).dtype == np.float32 for leaf in leaves(args))
    for argnum in module.ARGNUMS:
        gradient = lazy.grad(function, argnums=argnum)(*copy.deepcopy(args))
        slope = sum(np.sum(g * direction(g)) for g in leaves(gradient))
        if single:
            wide = [np.asarray(a, dtype=float) if isinstance(a, np.ndarray) else a for a in args]
            at, tolerance = wide, 1e-5
        else:
            at, tolerance = args, 1e-7
        h = 1e-4
        value = lambda step: float(function(*shifted(at, argnum, step)))  # noqa: E731, B023
        # Fourth-order central difference: its error is below the tolerance for these functions.
        expected = (8 * (value(h) - value(-h)) - (value(2 * h) - value(-2 * h))) / (12 * h)
        assert slope == pytest.approx(expected, rel=tolerance, abs=tolerance)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradient_source_runs_without_lazy(name, monkeypatch):
    module = load(name)
    function, args = getattr(module, name), module.arguments()
    gradient = lazy.grad(function, argnums=module.ARGNUMS)
    expected = gradient(*copy.deepcopy(args))
    plain = gradient.python
    importing = builtins.__import__

    def refuse(name, *rest):
        assert name.partition(".")[0] != "lazy"
        return importing(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    for actual, wanted in zip(leaves(plain(*copy.deepcopy(args))), leaves(expected), strict=True):
        close(actual, wanted, rtol=1e-10)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_snapshots(name, snapshot):
    module = load(name)
    function, args = getattr(module, name), module.arguments()
    snapshot("ast", name, lazy._lazy._blocks(function, "source"))
    for stage, text in lazy.jit(function).stages_for(*args).items():
        snapshot(stage, name, text)
    snapshot("emit", name, lazy.jit(function).source_for(*args))
    snapshot("grad", name, lazy.grad(function, argnums=module.ARGNUMS).source_for(*args))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_second_derivatives(name):
    module = load(name)
    function, args = getattr(module, name), module.arguments()
    argnum = module.ARGNUMS[0]
    if not isinstance(args[argnum], np.ndarray) or args[argnum].ndim != 1 or args[argnum].dtype != float:
        pytest.skip("vectors only")
    hessian = lazy.hessian(function, argnums=argnum)(*copy.deepcopy(args))
    gradient = lazy.grad(function, argnums=argnum)
    h = 1e-5
    ahead, behind = gradient(*shifted(args, argnum, h)), gradient(*shifted(args, argnum, -h))
    expected = (ahead - behind) / (2 * h)
    np.testing.assert_allclose(hessian @ direction(args[argnum]), expected, rtol=1e-5, atol=1e-5)
    product = lazy.hvp(function, argnums=argnum)(*args, direction(args[argnum]))
    np.testing.assert_allclose(product, hessian @ direction(args[argnum]), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("name", MODELS)
def test_likelihood(name, snapshot):
    module = load(name)
    model, args = getattr(module, name), module.arguments()
    logp = lazy.likelihood(model, given=module.GIVEN)
    value = logp(dict(module.VALUES), *args)
    assert np.isfinite(value)
    snapshot("likelihood", name, logp.source)
    gradient = lazy.grad(logp)(dict(module.VALUES), *args)
    assert list(gradient) == list(module.VALUES)
    h = 1e-5
    for key, at in module.VALUES.items():
        ahead = logp({**module.VALUES, key: at + h}, *args)
        behind = logp({**module.VALUES, key: at - h}, *args)
        assert gradient[key] == pytest.approx((ahead - behind) / (2 * h), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_sampling_keeps_numpys_stream(name):
    module = load(name)
    model = getattr(module, name)
    jitted = lazy.jit(model)
    np.random.seed(7)
    expected = [model(*module.arguments()), model(*module.arguments()), np.random.random()]
    np.random.seed(7)
    actual = [jitted(*module.arguments()), jitted(*module.arguments()), np.random.random()]
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(a, e)


def test_bio_assay_log_density():
    from scipy import stats

    module = load("bio_assay")
    n, x = module.arguments()
    a, b = module.VALUES["alpha"], module.VALUES["beta"]
    theta = 1 / (1 + np.exp(-(a + b * x)))
    expected = (
        stats.norm.logpdf(a, 0, 10)
        + stats.norm.logpdf(b, 0, 10)
        + stats.binom.logpmf(module.GIVEN["deaths"], n, theta).sum()
    )
    logp = lazy.likelihood(module.bio_assay, given=module.GIVEN)
    assert logp(module.VALUES, n, x) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", ["logistic_loss", "gaussian_logpdf"])
def test_numba_compiles_the_gradient(name):
    numba = pytest.importorskip("numba")
    module = load(name)
    function, args = getattr(module, name), module.arguments()
    gradient = lazy.grad(function)
    expected = gradient(*args)
    compiled = numba.njit(gradient.python)
    np.testing.assert_allclose(compiled(*args), expected, rtol=1e-10)


def test_greeks_to_third_order():
    module = load("black_scholes")
    price, args = module.black_scholes, module.arguments()
    spot, volatility, strike, rate, time = args
    spread = volatility * np.sqrt(time)
    d1 = (np.log(spot / strike) + (rate + 0.5 * volatility**2) * time) / spread
    density = np.exp(-0.5 * d1**2) / np.sqrt(2 * np.pi)
    gamma = density / (spot * spread)
    vega = spot * density * np.sqrt(time)
    by_spot, by_volatility = lazy.grad(price), lazy.grad(price, 1)
    assert lazy.grad(by_spot)(*args) == pytest.approx(gamma, rel=1e-12)
    assert by_volatility(*args) == pytest.approx(vega, rel=1e-12)
    speed = -gamma / spot * (d1 / spread + 1)
    assert lazy.grad(lazy.grad(by_spot))(*args) == pytest.approx(speed, rel=1e-11)
    zomma = gamma * (d1 * (d1 - spread) - 1) / volatility
    assert lazy.grad(lazy.grad(by_spot), 1)(*args) == pytest.approx(zomma, rel=1e-11)
    ultima = (
        -vega / volatility**2 * (d1 * (d1 - spread) * (1 - d1 * (d1 - spread)) + d1**2 + (d1 - spread) ** 2)
    )
    third = lazy.grad(lazy.grad(by_volatility, 1), 1)
    assert third(*args) == pytest.approx(ultima, rel=1e-10)
