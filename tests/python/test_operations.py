"""Every elementwise operation of the table: values against NumPy, derivatives against differences."""

from __future__ import annotations

import operator
import warnings

import numpy as np
import pytest
from scipy import special

import lazy
from lazy import _lazy

TABLE = {name: (spellings, domain) for name, spellings, domain in _lazy.operations()}
DTYPES = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8", "c8", "c16"]
# Beyond the rounding of the last place that kernels may differ by, in units of it.
ULPS = {"f": 2, "d": 2, "F": 16, "D": 16}


# Near a root of these the reference itself is off by many units.
NEAR_ROOT = {"logaddexp": 1e-15, "logaddexp2": 1e-15, "gammaln": 1e-15}


# To the truth these are held by `tests/elementwise.rs`; SciPy's own values are off by as much, and its
# float32 loops round within.
EXACT = {"erf", "erfc", "gamma", "gammaln", "digamma", "expit", "log_expit", "xlogy", "xlog1py", "polygamma"}
INTEGRALS = {
    name
    for name, (spellings, _) in TABLE.items()
    if spellings and spellings[0].startswith("scipy.special.") and name not in EXACT
}


def numpys(spellings):
    """The function that the first usable spelling names."""
    for spelling in spellings:
        module, _, name = spelling.rpartition(".")
        found = getattr({"numpy": np, "scipy.special": special, "operator": operator}.get(module), name, None)
        if isinstance(found, np.ufunc):
            return found
    return None


UFUNCS = {name: numpys(spellings) for name, (spellings, _) in TABLE.items() if numpys(spellings)}


def samples(domain, dtype, shape, rng):
    """Numbers within the domain, as the dtype holds them."""
    low, high = max(domain[0], -50.0), min(domain[1], 50.0)
    x = rng.uniform(low, high, size=shape)
    if dtype == "?":
        return x > (low + high) / 2
    if dtype[0] in "iu":
        return np.clip(np.round(x), 0 if dtype[0] == "u" else -100, 100).astype(dtype)
    if dtype[0] == "c":
        return (x + 0.1j * rng.uniform(-1, 1, size=shape)).astype(dtype)
    return x.astype(dtype)


def layouts(x):
    """The same values, laid out in memory in several ways."""
    yield x
    yield np.asfortranarray(x)
    wide = np.repeat(x, 2, axis=-1)
    yield wide[..., ::2]
    yield x[::-1][::-1]


def plainly(function, arguments):
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return function(*arguments)


def same(actual, expected, absolute, times=1):
    assert type(actual) is type(expected)
    for a, e in zip(np.atleast_1d(actual).ravel(), np.atleast_1d(expected).ravel(), strict=True):
        assert a.dtype == e.dtype
        if e.dtype.char in ULPS:
            spacing = np.finfo(e.dtype).eps * ULPS[e.dtype.char] * times
            np.testing.assert_allclose(a, e, rtol=spacing, atol=max(absolute, spacing * 1e-3))
        else:
            np.testing.assert_array_equal(a, e)


def compare(function, arguments, absolute=0.0, times=1):
    jitted = lazy.jit(function)
    try:
        expected = plainly(function, arguments)
    except Exception as error:
        with pytest.raises(type(error)):
            plainly(jitted, arguments)
        return
    actual = plainly(jitted, arguments)
    if isinstance(expected, tuple):
        for a, e in zip(actual, expected, strict=True):
            same(a, e, absolute, times)
    else:
        same(actual, expected, absolute, times)


@pytest.mark.parametrize("name", UFUNCS)
def test_values(name):
    ufunc, domain = UFUNCS[name], TABLE[name][1]
    rng, near = np.random.default_rng(3), NEAR_ROOT.get(name, 0.0)
    times = 1024 if name in INTEGRALS else 1
    for dtype in DTYPES:
        arguments = [samples(d, dtype, (3, 4), rng) for d in domain]

        def function(*operands):
            return ufunc(*operands)

        for columns in zip(*(layouts(x) for x in arguments), strict=True):
            compare(function, columns, near, times)
        compare(function, [x[0, 0] for x in arguments], near, times)
        compare(function, [x[:0] for x in arguments])
        if len(arguments) == 2:
            compare(function, [arguments[0], arguments[1][0]], near, times)
            compare(function, [arguments[0][:, :1], arguments[1][:1]], near, times)


@pytest.mark.parametrize("name", UFUNCS)
def test_derivatives(name):
    ufunc, domain = UFUNCS[name], TABLE[name][1]
    if ufunc.nout != 1 or "d" * ufunc.nin + "->d" not in ufunc.types:
        pytest.skip("not a function of reals")
    rng = np.random.default_rng(5)
    arguments = [samples(d, "f8", (6,), rng) for d in domain]

    def function(*operands):
        return ufunc(*operands)

    for k in range(len(arguments)):
        tangents = [np.zeros(6) for _ in arguments]
        tangents[k] = np.ones(6)
        try:
            _, slope = lazy.jvp(function, arguments, tangents)
        except lazy.NotDifferentiable:
            continue

        def value(step, tangents=tangents):
            return ufunc(*(x + step * t for x, t in zip(arguments, tangents, strict=True)))

        h = 1e-4
        expected = (8 * (value(h) - value(-h)) - (value(2 * h) - value(-2 * h))) / (12 * h)
        np.testing.assert_allclose(slope, expected, rtol=1e-7, atol=1e-7)
