"""Idioms of other people's code, one function each: lifted whole, and equal to plain Python."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.polynomial import Polynomial

import lazy

X = np.array([0.3, 1.7, 0.4, 2.2])
M = np.arange(12.0).reshape(3, 4)


def mask_of_rank_0(x):
    y = x.copy()
    y[y.sum() > 3] = 0
    total = x[x.sum() > 100]
    return y, total


def mask_of_rank_0_among_others(m):
    p = np.array(m, dtype=float, copy=True)
    for rows in (p, p[0]):
        off = np.abs(1 - rows.sum(axis=-1)) > 0.1
        rest = 1.0 - rows[..., :-1].sum(axis=-1)
        rows[off, -1] = rest[off]
    return p


def true_as_an_index(x):
    y = x[True]
    y[...] = 9
    return y, x[True, [0, 1]], x[False], x[None, True]


def range_of_floats(a, b, step):
    return np.arange(a, b, step), np.arange(b + 1), np.arange(b, a, step)


def place_nothing(x):
    y = x.copy()
    for chosen in (y > 10, y > 1):
        np.place(y, chosen, y[chosen] * 2)
    return y


def rows_and_lists(x):
    return np.array([x, [1, 2, 3, 4], list(x)]), np.array([[x, [1.0, 2, 3, 4]]])


def layout(x):
    y = x * 2
    turned = np.outer(y, y).T
    flags = [y[::-1].flags, y[1:].flags, y.reshape(2, 2).T.flags, turned.flags, turned[:1].flags]
    flags += [np.zeros((6, 2), order="c").flags, x[::2].flags, x[:0].flags]
    return [f.c_contiguous for f in flags], [f.f_contiguous for f in flags], [f.forc for f in flags]


def made_read_only(x):
    y = x * 2
    y.setflags(write=False)
    kept = y[:2]
    try:
        kept[0] = 1
    except ValueError as error:
        message = str(error)
    y.setflags(write=True)
    y[1] = 0
    return message, y.flags.writeable, y + kept.sum()


def errors_that_raise(x):
    with np.errstate(divide="raise", over="raise", invalid="raise"):
        y = np.log(x) / x.sum()
    return np.sqrt(y - 1 / (x - x[0] + 1))


def counted_by_an_array(m):
    return sum(i * j * value for (i, j), value in np.ndenumerate(m)), np.fromiter(
        (v * 2 for v in m[0]), float
    )


def common_shape(x, m):
    shapes = np.broadcast(x, m)
    return np.ones(shapes.shape) * shapes.ndim + shapes.size


def quotient_of_instances(x):
    quotient, rest = divmod(Polynomial(x), Polynomial([1.0, 2.0]))
    return quotient.coef, rest.coef


def rows_by_a_signature(m):
    return np.vectorize(lambda row, w: (row * w).sum(), signature="(n),()->()")(m, m[:, 0])


def parts(m):
    return np.partition(m, 2, axis=1), np.partition(m[::-1], 1, axis=0), m[0][np.argpartition(m[0], 1)]


def part_of_a_number(x):
    n = int(x.sum() * 30 / 100.0)
    return x[:n] * n


FUNCTIONS = [
    *((mask_of_rank_0, (X,)), (mask_of_rank_0_among_others, (M / 9,)), (true_as_an_index, (X,))),
    *((range_of_floats, (0.1, 2.3, 0.2)), (place_nothing, (X,)), (rows_and_lists, (X,)), (layout, (X,))),
    *((made_read_only, (X,)), (errors_that_raise, (X,)), (counted_by_an_array, (M,)), (common_shape, (X, M))),
    *((quotient_of_instances, (X,)), (rows_by_a_signature, (M,)), (parts, (np.sin(M * 7),))),
    (part_of_a_number, (X,)),
]


def agree(found, wanted):
    assert type(found) is type(wanted)
    if isinstance(wanted, (list, tuple)):
        assert len(found) == len(wanted)
        for f, w in zip(found, wanted, strict=True):
            agree(f, w)
    elif isinstance(wanted, np.ndarray):
        assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape)
        np.testing.assert_allclose(found, wanted, rtol=1e-14)
    else:
        assert found == wanted or np.isclose(found, wanted, rtol=1e-14)


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize(("function", "args"), FUNCTIONS, ids=lambda v: getattr(v, "__name__", ""))
def test_is_lifted_whole_and_does_what_python_does(function, args):
    lifted = lazy.jit(function)
    assert "plain Python" not in lifted.explain(*[np.copy(a) if np.ndim(a) else a for a in args])
    agree(lifted(*args), function(*args))


def test_an_error_under_errstate_is_raised_by_numpy():
    lifted = lazy.jit(errors_that_raise)
    lifted(X)
    for bad in (np.zeros(4), np.array([np.nan, 0.0, 1.0, 1.0]), -X):
        with pytest.raises(FloatingPointError):
            lifted(bad)
    with pytest.raises(lazy.GraphBreak, match="floating-point error"):
        lazy.grad(lambda x: errors_that_raise(x).sum())(np.zeros(4))
    found = lazy.grad(lambda x: np.nansum(errors_that_raise(x)))(X + 5)
    assert np.isfinite(found).all()


def test_underflow_is_left_to_numpy():
    def f(x):
        with np.errstate(under="raise"):
            return x * 1e-300

    assert "underflow" in lazy.jit(f).explain(X)
    with pytest.raises(FloatingPointError):
        lazy.jit(f)(X * 1e-30)


def test_one_lift_for_all_numbers_of_indices():
    def f(r, i, b):
        np.multiply.at(r, i, b)
        np.maximum.at(r, (i,), b)
        return r

    lifted = lazy.jit(f)
    for n in (3, 4, 9, 40):
        given = np.arange(1.0, 6.0), np.arange(n) % 5, np.linspace(0.5, 2, n)
        wanted = f(given[0].copy(), *given[1:])
        np.testing.assert_array_equal(lifted(given[0].copy(), *given[1:]), wanted)
    assert lifted.lifts == 1


@pytest.mark.parametrize("quantile", [0.3, 0.5])
def test_what_takes_no_part_has_no_slope_beside_infinity(quantile):
    def placed(scale):
        bound = -np.inf * scale
        out = np.zeros(2)
        chosen = np.array([False, scale > 100])
        np.place(out, chosen, np.full(2, bound)[chosen])
        return out.sum() + quantile * scale

    assert lazy.grad(placed)(2.0) == quantile


def test_a_decision_behind_a_rule_of_its_own():
    @lazy.custom_jvp
    def twice(x):
        return 2 * x

    twice.defjvp(lambda primals, tangents: (2 * primals[0], 7 * tangents[0]))

    def f(x):
        y = twice(x)
        return y.sum() if y[0] > 1 else -y.sum()

    for x in (X, X + 1):
        assert lazy.jit(f)(x) == f(x)
        assert np.array_equal(np.abs(lazy.grad(f)(x)), np.full(4, 7.0))


MASKED = {
    "mean": lambda a: a.mean(),
    "filled": lambda a: np.ma.masked_where(a > 1, a).filled(0.0),
    "sum of two": lambda a: a + np.ma.masked_less(a, 0.4),
    "anomalies": lambda a: np.ma.anom(a, axis=0),
    "compressed": lambda a: np.ma.sqrt(a).compressed(),
    "written": lambda a: a.__setitem__(0, np.ma.masked),
}


@pytest.mark.parametrize("name", MASKED)
def test_masked_arrays_run_as_plain_python(name):
    """Given to the function, or made by it."""
    function = MASKED[name]
    given, expected = (np.ma.masked_array(X.copy(), mask=X > 2) for _ in range(2))
    lifted = lazy.jit(function)
    assert "plain Python" in lifted.explain(np.ma.masked_array(X.copy(), mask=X > 2))
    found, wanted = lifted(given), function(expected)
    assert type(found) is type(wanted)
    assert repr(found) == repr(wanted)
    assert repr(given) == repr(expected)
    with pytest.raises((lazy.GraphBreak, TypeError)):
        lazy.grad(lambda a: np.sum(np.asarray(function(a))))(given)
