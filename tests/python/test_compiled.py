"""Calls of compiled code that lazy has no operation for: made by each run, with real arrays."""

from __future__ import annotations

import numpy as np
import pytest

import lazy


def digitized(x, bins):
    k = np.digitize(x, bins)
    return np.bincount(k, minlength=5) * 2.0 + k.sum()


def packed(x):
    bits = np.packbits(x > 0)
    return bits.astype(float) + x.sum()


def several(x):
    keys = np.unravel_index(np.argmax(x), x.shape)
    return x[keys] * 2.0 + x.sum()


def from_position(x):
    k = np.searchsorted(np.sort(x), 0.5)
    return (x[k:] ** 2).sum()


POINTS = np.array([0.7, -1.5, 0.2, 3.0, 0.9, 2.5, -0.1])


@pytest.mark.parametrize("size", [5, 7, 3])
def test_values_are_those_of_plain_python(size):
    x = POINTS[:size].copy()
    bins = np.array([0.0, 0.5, 1.0])
    for f, args in [(digitized, (x, bins)), (packed, (x,)), (several, (x,)), (from_position, (x,))]:
        jitted = lazy.jit(f)
        for _ in range(2):
            np.testing.assert_array_equal(jitted(*args), f(*args))
        assert "plain Python" not in jitted.explain(*args)


def test_one_lift_serves_the_sizes_that_follow_the_operands():
    f = lazy.jit(lambda x: np.interp(np.packbits(x > 0).sum() * 0.0, x, x) + np.digitize(x, [0.0]).sum())
    for size in (4, 5, 6, 7):
        f(np.sort(POINTS[:size]))
    assert f.lifts <= 2


def test_the_derivative_goes_around_a_call_of_integers():
    gradient = lazy.grad(from_position)
    np.testing.assert_array_equal(gradient(POINTS), [0.0, 0.0, 0.0, 6.0, 1.8, 5.0, -0.2])


def test_a_derivative_through_a_call_is_refused_by_name():
    special = pytest.importorskip("scipy.special")

    def cylinder(x):
        value, slope = special.mathieu_cem(1, 0.5, x)
        return (value * slope).sum()

    assert lazy.jit(cylinder)(POINTS) == cylinder(POINTS)
    with pytest.raises(lazy.NotDifferentiable, match="mathieu_cem"):
        lazy.grad(cylinder)(POINTS)


def test_what_a_call_raises_is_raised():
    def f(x, n):
        return np.bincount(np.digitize(x, [0.0]) - n).sum() + x.sum()

    jitted = lazy.jit(f)
    assert jitted(POINTS, 0) == f(POINTS, 0)
    for _ in range(2):
        with pytest.raises(ValueError, match="negative"):
            jitted(POINTS, 3)


def test_later_writes_are_not_seen_by_earlier_calls():
    def f(x):
        before = np.digitize(x, [0.0, 1.0])
        x[:] = -1.0
        return before.sum() + x.sum()

    ours, theirs = POINTS.copy(), POINTS.copy()
    assert lazy.jit(f)(ours) == f(theirs)
    np.testing.assert_array_equal(ours, theirs)

    def g(x):
        x[:] = x * 2
        return np.digitize(x, [0.0, 1.0]).sum()

    ours, theirs = POINTS.copy(), POINTS.copy()
    assert lazy.jit(g)(ours) == g(theirs)
    np.testing.assert_array_equal(ours, theirs)


def test_a_caught_exception_of_values_is_not_frozen():
    def f(x):
        try:
            return np.bincount(np.digitize(x, [0.0]) - 1).sum() + x.sum()
        except ValueError:
            return x.sum() * 2

    jitted = lazy.jit(f)
    for x in (POINTS, np.abs(POINTS), -np.abs(POINTS), np.abs(POINTS)):
        assert jitted(x) == f(x)


SIGNAL = np.cos(np.arange(24.0) ** 1.3).reshape(4, 6)


def fills() -> list:
    """Functions that end in compiled code which writes into arrays that it is given."""
    ndimage = pytest.importorskip("scipy.ndimage")
    signal = pytest.importorskip("scipy.signal")
    sections = signal.butter(3, 0.3, output="sos")
    return [
        lambda x: ndimage.minimum_filter(x, 3) + x,
        lambda x: ndimage.median_filter(x, 3).sum(axis=0),
        lambda x: ndimage.spline_filter(x * 2),
        lambda x: ndimage.shift(x, 0.5),
        lambda x: ndimage.gaussian_filter(x, 1.2) + x,
        lambda x: signal.sosfilt(sections, x, axis=1) * 2,
        lambda x: ndimage.sobel(x),
    ]


@pytest.mark.parametrize("which", range(7))
def test_compiled_code_that_fills_arrays_is_called_with_arrays_of_its_own(which):
    f = fills()[which]
    jitted = lazy.jit(f)
    for x in (SIGNAL, SIGNAL[:, :5] - 1, SIGNAL[::2, ::-1]):
        given = x.copy()
        np.testing.assert_allclose(jitted(given), f(x), rtol=1e-12, atol=1e-14)
        np.testing.assert_array_equal(given, x)
    assert "plain Python" not in jitted.explain(SIGNAL)


def test_filled_arguments_are_seen_by_the_caller():
    ndimage = pytest.importorskip("scipy.ndimage")

    def f(x, out):
        ndimage.minimum_filter(x, 3, output=out)
        return out.sum()

    ours, theirs = np.zeros((4, 6)), np.zeros((4, 6))
    assert lazy.jit(f)(SIGNAL, ours) == f(SIGNAL, theirs)
    np.testing.assert_array_equal(ours, theirs)


def test_compiled_code_that_writes_through_bare_pointers_is_left_to_python():
    ndimage = pytest.importorskip("scipy.ndimage")
    found, count = lazy.jit(lambda x: ndimage.label(x > 0))(SIGNAL)
    wanted, number = ndimage.label(SIGNAL > 0)
    np.testing.assert_array_equal(found, wanted)
    assert count == number


@pytest.mark.parametrize("mode", ["reflect", "mirror", "nearest", "wrap", "constant"])
def test_derivatives_of_linear_filters_of_ndimage(mode):
    ndimage = pytest.importorskip("scipy.ndimage")
    x = SIGNAL[:3, :5]
    for f in (
        lambda x: ndimage.gaussian_filter(x, 0.8, mode=mode),
        lambda x: ndimage.uniform_filter(x, (2, 3), mode=mode, origin=(0, 1)),
        lambda x: ndimage.convolve1d(x, [0.2, 1.0, -0.4, 0.1], axis=0, mode=mode),
    ):
        np.testing.assert_allclose(lazy.jit(f)(x), f(x), rtol=1e-12, atol=1e-14)
        slopes = [(f(x + d) - f(x)).ravel() for d in np.eye(15).reshape(15, 3, 5)]
        found = lazy.jacobian(f)(x).reshape(15, 15)
        np.testing.assert_allclose(found, np.transpose(slopes), atol=1e-12)


def test_a_derivative_through_a_filled_array_is_refused_by_name():
    ndimage = pytest.importorskip("scipy.ndimage")
    with pytest.raises(lazy.NotDifferentiable, match="spline_filter1d"):
        lazy.grad(lambda x: ndimage.spline_filter1d(x).sum())(SIGNAL)
