"""Bad input: one clear message each, at the user's line; nothing half-written."""

from __future__ import annotations

import re

import numpy as np
import pytest

import lazy


def vector_loss(x):
    return x * 2


async def coroutine(x):
    return x


def branch(x):
    if x.sum() > 0:
        return x.sum()
    return -x.sum()


def wrong_shapes(x):
    y = x + np.ones(5)
    return y.sum()


def text_loss(x):
    return "text"


MESSAGES = {
    "non_scalar_loss": (vector_loss, np.ones(3)),
    "integer_argument": (branch, np.arange(3)),
    "async": (coroutine, np.ones(3)),
    "text_loss": (text_loss, np.ones(3)),
    "string_argument": (branch, np.array(["a"])),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_grad_refuses(name, snapshot):
    function, argument = MESSAGES[name]
    with pytest.raises((lazy.LazyError, TypeError)) as caught:
        lazy.grad(function)(argument)
    snapshot("error", name, f"{type(caught.value).__name__}: {caught.value}")


def test_numpys_exception_at_the_users_line():
    for transform in (lazy.jit, lazy.grad):
        with pytest.raises(ValueError, match=re.escape("operands could not be broadcast together")):
            transform(wrong_shapes)(np.ones(3))


def test_jit_runs_what_it_cannot_lift():
    f = lazy.jit(generator)
    assert list(f(3)) == [3]
    assert "plain Python" in f.explain(3)


def generator(x):
    yield x


def test_arguments_are_not_half_written():
    def fails(x):
        x[:] = 0
        return x + np.ones(5)

    x = np.ones(3)
    plain = np.ones(3)
    with pytest.raises(ValueError):
        fails(plain)
    with pytest.raises(ValueError):
        lazy.jit(fails)(x)
    np.testing.assert_array_equal(x, plain)


@pytest.mark.parametrize("bad", [3, None, "f", [1]])
def test_not_a_function(bad):
    with pytest.raises(TypeError):
        lazy.grad(bad)


@pytest.mark.parametrize("argnums", [5, -3, (0, 7)])
def test_argnums_out_of_range(argnums):
    with pytest.raises((ValueError, TypeError)):
        lazy.grad(lambda x: x.sum(), argnums=argnums)(np.ones(2))


ODD = [
    np.array(1.0),
    np.empty((0,)),
    np.empty((2, 0)),
    np.ones(3, dtype=np.float16),
    np.array([None, 1], dtype=object),
    np.ones(3, dtype=">f8"),
    np.ma.masked_array([1.0, 2.0], mask=[0, 1]),
    np.asfortranarray(np.ones((2, 3))),
    np.ones((4, 4))[::2, ::-1],
    np.broadcast_to(np.float64(2.0), (3, 2)),
    np.zeros(2, dtype=[("a", float)]),
    2**70,
    None,
    {"a": 1.0},
    [1.0, 2.0],
    "text",
    1j,
    True,
]


@pytest.mark.parametrize("value", ODD, ids=[f"{type(v).__name__}{i}" for i, v in enumerate(ODD)])
def test_odd_arguments_do_as_python_does(value):
    def f(x):
        return np.sum(x * 2)

    try:
        expected = f(value)
    except Exception as error:
        with pytest.raises(type(error)):
            lazy.jit(f)(value)
    else:
        actual = lazy.jit(f)(value)
        assert type(actual) is type(expected)
        np.testing.assert_array_equal(actual, expected)
