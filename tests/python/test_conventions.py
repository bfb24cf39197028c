"""What a derivative is where calculus gives several answers or none: each line of docs/derivatives.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import special

import lazy

SIGNS = np.array([0.0, 1.0, -1.0])
NAN = float("nan")


def loss(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def summed(x: Any) -> Any:
        return np.sum(f(x))

    return summed


# A function, where, and its gradient there.
GRADIENTS: dict[str, tuple[Callable[[Any], Any], Any, Any]] = {
    "abs": (lambda x: np.abs(x), SIGNS, [0.0, 1.0, -1.0]),
    "maximum": (lambda x: np.maximum(x, 0.0), SIGNS, [0.5, 1.0, 0.0]),
    "minimum": (lambda x: np.minimum(x, 1.0), SIGNS, [1.0, 0.5, 1.0]),
    "fmax": (lambda x: np.fmax(x, 0.0), SIGNS, [0.5, 1.0, 0.0]),
    "max": (lambda x: np.max(x), np.array([1.0, 3.0, 3.0]), [0.0, 0.5, 0.5]),
    "min of three": (lambda x: np.min(x), np.array([1.0, 1.0, 1.0]), [1 / 3, 1 / 3, 1 / 3]),
    "max along an axis": (
        lambda x: np.max(x, axis=1),
        np.array([[2.0, 2.0], [0.0, 1.0]]),
        [[0.5, 0.5], [0, 1]],
    ),
    "clip": (lambda x: np.clip(x, 0.0, 1.0), SIGNS, [0.5, 0.5, 0.0]),
    "sort": (lambda x: np.sort(x) * np.arange(3), np.array([1.0, 1.0, 0.0]), [1.0, 2.0, 0.0]),
    "median": (lambda x: np.median(x), np.array([1.0, 2.0, 2.0, 5.0]), [0.0, 0.5, 0.5, 0.0]),
    "norm": (lambda x: np.linalg.norm(x), np.zeros(3), [0.0, 0.0, 0.0]),
    "norm squared": (lambda x: np.linalg.norm(x) ** 2, np.zeros(3), [0.0, 0.0, 0.0]),
    "hypot": (lambda x: np.hypot(x, x), np.zeros(1), [0.0]),
    "interp at a knot": (lambda x: np.interp(x, np.arange(3.0), np.arange(3.0) ** 2), np.ones(1), [3.0]),
    "floor": (lambda x: np.floor(x), np.array([1.0, 1.5]), [0.0, 0.0]),
    "round": (lambda x: np.round(x, 1), np.array([1.53]), [0.0]),
    "sign": (lambda x: np.sign(x), SIGNS, [0.0, 0.0, 0.0]),
    "comparison": (lambda x: (x > 0) * 1.0, SIGNS, [0.0, 0.0, 0.0]),
    "remainder": (lambda x: x % 0.75, np.array([2.0]), [1.0]),
    "x**0": (lambda x: x**0, SIGNS, [0.0, 0.0, 0.0]),
    "x**1": (lambda x: x**1, SIGNS, [1.0, 1.0, 1.0]),
    "sinc": (lambda x: np.sinc(x), np.zeros(1), [0.0]),
    "prod": (lambda x: np.prod(x), np.array([0.0, 2.0, 3.0]), [6.0, 0.0, 0.0]),
    "cumprod": (lambda x: np.cumprod(x), np.array([2.0, 0.0, 3.0]), [1.0, 8.0, 0.0]),
    "boxcox": (lambda x: special.boxcox(2.0, x), np.zeros(1), [np.log(2.0) ** 2 / 2]),
    "exprel": (lambda x: special.exprel(x), np.zeros(1), [0.5]),
    "ellipk": (lambda x: special.ellipk(x), np.zeros(1), [np.pi / 8]),
    "ellipe": (lambda x: special.ellipe(x), np.zeros(1), [-np.pi / 8]),
    "logarithm not chosen": (lambda x: np.where(x > 0, np.log(x), 0.0), SIGNS, [0.0, 1.0, 0.0]),
    "root not chosen": (lambda x: np.where(x > 0, np.sqrt(x), -x), SIGNS, [-1.0, 0.5, -1.0]),
    "quotient not chosen": (lambda x: np.where(x == 0, 1.0, np.sin(x) / x), np.zeros(1), [0.0]),
    "chain not chosen": (lambda x: np.where(x > 0, np.log(np.sqrt(x)) / x, 0.0), np.zeros(1), [0.0]),
    "select": (lambda x: np.select([x > 0], [np.log(x)], 0.0), SIGNS, [0.0, 1.0, 0.0]),
    "std": (lambda x: np.std(x) + np.std(x, ddof=1), np.full(3, 2.0), [0.0, 0.0, 0.0]),
    "nanstd": (lambda x: np.nanstd(x), np.array([NAN, 2.0, 2.0]), [0.0, 0.0, 0.0]),
    "nansum": (lambda x: np.nansum(x**2), np.array([NAN, 1.0, 2.0]), [0.0, 2.0, 4.0]),
    "nanmax": (lambda x: np.nanmax(x), np.array([NAN, 1.0, 2.0]), [0.0, 0.0, 1.0]),
    "sqrt": (lambda x: np.sqrt(x), np.array([0.0, 1.0]), [np.inf, 0.5]),
    "arctan2": (lambda x: np.arctan2(x, 0.0 * x), np.zeros(1), [NAN]),
    "logaddexp": (lambda x: np.logaddexp(x, 1.0 * x), np.array([np.inf, -np.inf, 1.0]), [1.0, 1.0, 1.0]),
    "logsumexp": (lambda x: special.logsumexp(x), np.array([-np.inf, 0.0]), [0.0, 1.0]),
    "argmax as a position": (lambda x: x[np.argmax(x)], np.array([1.5, 3.0, 2.0]), [0.0, 1.0, 0.0]),
    "empty": (lambda x: x**2, np.zeros((0, 3)), np.zeros((0, 3))),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradient(name: str) -> None:
    f, at, expected = GRADIENTS[name]
    with np.errstate(all="ignore"):
        gradient = lazy.grad(loss(f))(at)
    assert gradient.shape == at.shape
    np.testing.assert_allclose(gradient, expected, rtol=1e-14, atol=0.0)


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_of_float32_are_float32(name: str) -> None:
    f, at, _ = GRADIENTS[name]

    def single(x: Any) -> Any:
        return loss(f)(x)

    with np.errstate(all="ignore"):
        gradient = lazy.grad(single)(at.astype(np.float32))
    assert gradient.dtype == np.float32
    assert gradient.shape == at.shape


HESSIANS: dict[str, tuple[Callable[[Any], Any], Any, Any]] = {
    "norm squared": (lambda x: np.linalg.norm(x) ** 2, np.array([3.0, 4.0]), [[2.0, 0.0], [0.0, 2.0]]),
    "prod of two zeros": (lambda x: np.prod(x), np.array([0.0, 0.0, 3.0]), [[0, 3, 0], [3, 0, 0], [0, 0, 0]]),
    "prod of one zero": (lambda x: np.prod(x), np.array([0.0, 2.0, 3.0]), [[0, 3, 2], [3, 0, 0], [2, 0, 0]]),
    "cumprod of two zeros": (
        lambda x: np.cumprod(x),
        np.array([0.0, 0.0, 3.0]),
        [[0, 4, 0], [4, 0, 0], [0, 0, 0]],
    ),
    "logarithm not chosen": (lambda x: np.where(x > 0, np.log(x), 0.0), SIGNS, np.diag([0.0, -1.0, 0.0])),
    "sinc": (lambda x: np.sinc(x), np.zeros(1), [[-(np.pi**2) / 3]]),
    "spherical_jn": (lambda x: special.spherical_jn(2, x), np.zeros(1), [[2 / 15]]),
    "spence": (lambda x: special.spence(x), np.ones(1), [[0.5]]),
    "inv_boxcox": (lambda x: special.inv_boxcox(0.0 * x + 1.0, x), np.zeros(1), [[11 / 12 * np.e]]),
    "logaddexp": (lambda x: np.logaddexp(x[0], x[1]), np.zeros(2), [[0.25, -0.25], [-0.25, 0.25]]),
}


@pytest.mark.parametrize("name", HESSIANS)
def test_hessian(name: str) -> None:
    f, at, expected = HESSIANS[name]
    np.testing.assert_allclose(lazy.hessian(loss(f))(at), expected, rtol=1e-13, atol=1e-15)


def test_zero_to_a_power() -> None:
    by_base, by_exponent = lazy.grad(lambda x, y: np.sum(x**y), argnums=(0, 1))(
        np.zeros(2), np.array([0.0, 2.0])
    )
    np.testing.assert_array_equal(by_base, [0.0, 0.0])
    np.testing.assert_array_equal(by_exponent, [0.0, 0.0])


def test_only_floats_are_differentiated_by() -> None:
    for x in (np.array([1, 2]), np.array([True, False])):
        with pytest.raises(lazy.NotDifferentiable, match="no derivative with respect to x"):
            lazy.grad(lambda x: np.sum(x * 1.0))(x)
    gradient = lazy.grad(lambda x, i: np.sum(x[i] ** 2))(np.arange(3.0), np.array([1, 1]))
    np.testing.assert_array_equal(gradient, [0.0, 4.0, 0.0])


@pytest.mark.parametrize(
    "f",
    [
        lambda v: special.jv(v, 1.0),
        lambda v: special.kv(v, 1.0),
        lambda a: special.hyp1f1(a, 2.0, 0.5),
        lambda n: special.expn(n, 0.5),
    ],
)
def test_orders_are_refused(f: Callable[[Any], Any]) -> None:
    with pytest.raises(lazy.NotDifferentiable, match="derivative"):
        lazy.grad(f)(1.5)


def test_parameters_four_times() -> None:
    """The derivatives of `gammainc` in `a`, from 60 digits; the fifth is refused."""

    def f(a: Any) -> Any:
        return special.gammainc(a, 1.0)

    expected = [-0.37469000254932106, 0.17399071136775234, 0.15973831494411551, -0.45179251373803216]
    for value in expected:
        f = lazy.grad(f)
        np.testing.assert_allclose(f(1.5), value, rtol=1e-12)
    with pytest.raises(lazy.NotDifferentiable, match="fourth order"):
        lazy.grad(f)(1.5)


def test_complex_gradient() -> None:
    gradient = lazy.grad(lambda z: np.abs(z * z) ** 2)(1.0 + 2.0j)
    # |z|**4 by x and y is 4 |z|**2 (x, y).
    np.testing.assert_allclose(gradient, 20.0 - 40.0j)


def test_the_sum_of_no_copies_is_zero():
    def f(x):
        return np.sum(np.broadcast_to(x[0], (0, 3)))

    assert lazy.jit(f)(np.array([np.inf, 1.0])) == 0.0
