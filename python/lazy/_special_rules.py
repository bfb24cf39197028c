"""Compiled functions of `scipy.special` that have no kernel here, with their derivatives.

In: the arguments of the function. Out: what SciPy's own code gives, called by each run, under a rule that
says what calculus knows of it. ``special.struve(1.5, x)`` is one call forward, and two more on the way back.

Arguments that a rule has no slope for are integers, or have no derivative that is known: one by them is
refused.

Source: *NIST Digital Library of Mathematical Functions*, chapters 10 to 13, 19, 22 and 26.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from lazy._custom import call_opaque, with_jvp
from lazy._equivalents import uncovered

# The tangents of all results, of the arguments, the tangents of those that have slopes, and the results.
Rule = Callable[..., tuple[Any, ...]]


def _ruled(function: Any, fixed: tuple[int, ...], tangents: Rule) -> Callable[..., Any]:
    """A ufunc with a rule; arguments at ``fixed`` have no derivative."""
    count, several = function.nin, function.nout > 1

    def value(*arguments: Any) -> Any:
        return call_opaque(function, arguments, {})

    def rule(*given: Any) -> Any:
        *constants, primals, moves = given
        arguments, left, right = [], list(constants), list(primals)
        for at in range(count):
            arguments.append(left.pop(0) if at in fixed else right.pop(0))
        results = ruled(*arguments)
        out = tangents(arguments, moves, results if several else (results,))
        return (results, out) if several else (results, out[0])

    def ruled(*arguments: Any, out: Any = None) -> Any:
        if out is not None or len(arguments) != count:
            uncovered("out=")
        return with_jvp(value, rule, fixed, arguments)

    return ruled


def _by_last(slope: Callable[..., Any]) -> Rule:
    """The rule of a function of one result that is analytic in its last argument."""

    def tangents(arguments: Any, moves: Any, results: Any) -> Any:
        return (slope(*arguments, results[0]) * moves[0],)

    return tangents


# -- Bessel functions --------------------------------------------------------------------------


def _neighbours(name: str, before: float, after: float) -> Callable[..., Any]:
    """A combination of the functions of the orders before and after."""

    def slope(v: Any, z: Any, w: Any) -> Any:
        function = getattr(_special(), name)
        return before * function(v - 1, z) + after * function(v + 1, z)

    return slope


def _scaled(name: str, before: float, after: float, more: complex) -> Callable[..., Any]:
    """The same, of a function times an exponential."""
    free = _neighbours(name, before, after)

    def slope(v: Any, z: Any, w: Any) -> Any:
        return free(v, z, w) + more * w

    return slope


def _damped(name: str, after: float, part: Callable[[Any], Any]) -> Rule:
    """The rule of a function times ``exp(-abs(part(z)))``, which is not analytic."""
    free = _neighbours(name, 0.5, after)

    def tangents(arguments: Any, moves: Any, results: Any) -> Any:
        (v, z), (move,), (w,) = arguments, moves, results
        return (free(v, z, w) * move - np.sign(part(z)) * part(move) * w,)

    return tangents


def _struve(name: str, sign: float) -> Callable[..., Any]:
    def slope(v: Any, x: Any, w: Any) -> Any:
        special = _special()
        function = getattr(special, name)
        own = special.rgamma(v + 1.5) / np.sqrt(np.pi) * np.power(x / 2, v)
        return 0.5 * (function(v - 1, x) + sign * function(v + 1, x) + own)

    return slope


# -- Kelvin functions --------------------------------------------------------------------------


def _kelvin_four(kind: str) -> Callable[..., Any]:
    """ber, bei and their derivatives, or ker and kei and theirs.

    With ``w = ber + i bei`` the equation is ``w'' = i w - w' / x``.
    """
    names = [kind + part for part in ("r", "i", "rp", "ip")]

    def value(x: Any) -> Any:
        return tuple([call_opaque(getattr(_special(), name), (x,), {}) for name in names])

    def rule(primals: Any, tangents: Any) -> Any:
        (x,), (move,) = primals, tangents
        real, imaginary, by_real, by_imaginary = four = of(x)
        zero = x == 0
        away = np.where(zero, 1.0, x)
        bent = -imaginary - by_real / away, real - by_imaginary / away
        if kind == "be":
            # At 0 the start of the series, so that it has derivatives.
            bent = np.where(zero, -0.1875 * x * x, bent[0]), np.where(zero, 0.5 + 0.0 * x, bent[1])
        return four, tuple([slope * move for slope in (by_real, by_imaginary, *bent)])

    def of(x: Any) -> Any:
        return with_jvp(value, rule, (), (x,))

    return of


_BE, _KE = _kelvin_four("be"), _kelvin_four("ke")


def _part_of(four: Callable[..., Any], at: int) -> Callable[..., Any]:
    def part(x: Any, out: Any = None) -> Any:
        if out is not None:
            uncovered("out=")
        return four(x)[at]

    return part


def _kelvin(x: Any, out: Any = None) -> Any:
    if out is not None:
        uncovered("out=")
    (ber, bei, berp, beip), (ker, kei, kerp, keip) = _BE(x), _KE(x)
    return ber + 1j * bei, ker + 1j * kei, berp + 1j * beip, kerp + 1j * keip


# -- elliptic functions ------------------------------------------------------------------------


def _jacobi(arguments: Any, moves: Any, results: Any) -> Any:
    """By the amplitude, whose derivatives are those of an inverse: ``ellipkinc(ph, m) = u``."""
    from lazy._transforms import jvp

    (_, m), (by_u, by_m), (sn, cn, dn, ph) = arguments, moves, results
    special = _special()
    _, slope = jvp(lambda k: special.ellipkinc(ph, k), (m + 0.0 * ph,), (1.0 + 0.0 * ph,))
    turn = dn * (by_u - slope * by_m)
    return cn * turn, -sn * turn, -(m * sn * cn * turn + 0.5 * sn * sn * by_m) / dn, turn


# -- the gamma function ------------------------------------------------------------------------

# B(2k), and how far the recurrence goes before the asymptotic series is exact.
_BERNOULLI = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510]
_SHIFT = 16


def _trigamma(z: Any) -> Any:
    """The derivative of digamma, of complex numbers: by recurrence and asymptotic series (DLMF 5.15)."""
    left = np.real(z) < 0.5
    right = np.where(left, 1.0 - z, z)
    total = 0.0 * right
    for k in range(_SHIFT):
        total = total + 1.0 / (right + k) ** 2
    w = right + _SHIFT
    square = 1.0 / (w * w)
    tail = 0.0 * w
    for number in reversed(_BERNOULLI):
        tail = (tail + number) * square
    total = total + (1.0 + tail + 0.5 / w) / w
    # The reflection formula.
    sine = np.sin(np.pi * np.where(left, z, 0.5))
    return np.where(left, (np.pi / sine) ** 2 - total, total)[()]


# -- distributions -----------------------------------------------------------------------------


def _noncentral(arguments: Any, moves: Any, results: Any) -> Any:
    """The non-central chi-square distribution: by x, its density, and by its non-centrality."""
    special = _special()
    (x, df, nc), (by_x, by_nc) = arguments, moves
    gap = np.sqrt(x) - np.sqrt(nc)
    scale = 0.5 * np.exp(-0.5 * gap * gap) * np.power(x / nc, 0.25 * df - 0.5)
    density = scale * special.ive(0.5 * df - 1, np.sqrt(x * nc))
    return (density * by_x + 0.5 * (special.chndtr(x, df + 2, nc) - results[0]) * by_nc,)


def _implicit(name: str, at: int) -> Rule:
    """The rule of an inverse, by argument ``at``, of a distribution function; the level stands there."""

    def tangents(arguments: Any, moves: Any, results: Any) -> Any:
        from lazy._transforms import jvp

        function, still = getattr(_special(), name), 0.0 * results[0]
        there = tuple([(results[0] if k == at else x) + still for k, x in enumerate(arguments)])
        along = tuple([still if k == at else move + still for k, move in enumerate(moves)])
        alone = tuple([still + 1.0 if k == at else still for k in range(len(moves))])
        _, moved = jvp(function, there, along)
        _, slope = jvp(function, there, alone)
        return ((moves[at] - moved) / slope,)

    return tangents


# -- the tables --------------------------------------------------------------------------------


def _special() -> Any:
    return sys.modules["scipy.special"]


# Of the last argument alone; what is before it has no derivative.
_BY_LAST: dict[str, Callable[..., Any]] = {
    "jv": _neighbours("jv", 0.5, -0.5),
    "yv": _neighbours("yv", 0.5, -0.5),
    "iv": _neighbours("iv", 0.5, 0.5),
    "kv": _neighbours("kv", -0.5, -0.5),
    "kve": _scaled("kve", -0.5, -0.5, 1.0),
    "hankel1": _neighbours("hankel1", 0.5, -0.5),
    "hankel2": _neighbours("hankel2", 0.5, -0.5),
    "hankel1e": _scaled("hankel1e", 0.5, -0.5, -1j),
    "hankel2e": _scaled("hankel2e", 0.5, -0.5, 1j),
    "struve": _struve("struve", -1.0),
    "modstruve": _struve("modstruve", 1.0),
    "itstruve0": lambda x, w: _special().struve(0, x),
    "it2struve0": lambda x, w: -_special().struve(0, x) / x,
    "itmodstruve0": lambda x, w: _special().modstruve(0, x),
    "gamma": lambda z, w: w * _special().digamma(z),
    "rgamma": lambda z, w: -w * _special().digamma(z),
    "loggamma": lambda z, w: _special().digamma(z),
    "digamma": lambda z, w: _trigamma(z),
    "hyp0f1": lambda v, z, w: _special().hyp0f1(v + 1, z) / v,
    "hyp1f1": lambda a, b, z, w: a / b * _special().hyp1f1(a + 1, b + 1, z),
    "hyp2f1": lambda a, b, c, z, w: a * b / c * _special().hyp2f1(a + 1, b + 1, c + 1, z),
    "hyperu": lambda a, b, x, w: -a * _special().hyperu(a + 1, b + 1, x),
    "wright_bessel": lambda a, b, x, w: _special().wright_bessel(a, b + a, x),
    "log_wright_bessel": lambda a, b, x, w: np.exp(_special().log_wright_bessel(a, b + a, x) - w),
}

# Of two results each: the second is the derivative of the first, and the factor of the first in its own.
_EQUATIONS: dict[str, Callable[..., Any]] = {
    "pbdv": lambda v, x: 0.25 * x * x - v - 0.5,
    "pbvv": lambda v, x: 0.25 * x * x - v - 0.5,
    "pbwa": lambda a, x: a - 0.25 * x * x,
}

# The integrands of functions that are integrals, one for each result.
_INTEGRALS: dict[str, Callable[..., tuple[Any, ...]]] = {
    "itj0y0": lambda x: (_special().j0(x), _special().y0(x)),
    "iti0k0": lambda x: (_special().i0(x), _special().k0(x)),
    "it2j0y0": lambda x: ((1 - _special().j0(x)) / x, -_special().y0(x) / x),
    "it2i0k0": lambda x: ((_special().i0(x) - 1) / x, -_special().k0(x) / x),
    "itairy": lambda x: (
        *(_special().airy(x)[0], _special().airy(x)[2]),
        *(_special().airy(-x)[0], _special().airy(-x)[2]),
    ),
}

# The distribution functions that are inverted, and by which argument.
_INVERSES: dict[str, tuple[str, int]] = {
    "stdtridf": ("stdtr", 0),
    "chdtriv": ("chdtr", 0),
    "gdtrib": ("gdtr", 1),
    "btdtria": ("betainc", 0),
    "btdtrib": ("betainc", 1),
}


def _equation(factor: Callable[..., Any]) -> Rule:
    def tangents(arguments: Any, moves: Any, results: Any) -> Any:
        (move,), (first, second) = moves, results
        return second * move, factor(*arguments) * first * move

    return tangents


def _integral(integrands: Callable[..., tuple[Any, ...]]) -> Rule:
    def tangents(arguments: Any, moves: Any, results: Any) -> Any:
        return tuple([integrand * moves[0] for integrand in integrands(arguments[0])])

    return tangents


def table() -> dict[Any, Callable[..., Any]]:
    """What stands for each function; NumPy code of the others is in `lazy._scipy_equivalents`."""
    special = _special()
    rules: dict[str, tuple[tuple[int, ...], Rule]] = {}
    for name, slope in _BY_LAST.items():
        last = getattr(special, name).nin - 1
        rules[name] = tuple(range(last)), _by_last(slope)
    rules["jve"] = (0,), _damped("jve", -0.5, np.imag)
    rules["yve"] = (0,), _damped("yve", -0.5, np.imag)
    rules["ive"] = (0,), _damped("ive", 0.5, np.real)
    rules["ellipj"] = (), _jacobi
    rules["chndtr"] = (1,), _noncentral
    rules |= {name: ((0,), _equation(factor)) for name, factor in _EQUATIONS.items()}
    rules |= {name: ((), _integral(integrands)) for name, integrands in _INTEGRALS.items()}
    rules |= {name: ((), _implicit(*of)) for name, of in _INVERSES.items()}
    return {
        special.kelvin: _kelvin,
        **{
            getattr(special, kind + part): _part_of(four, at)
            for kind, four in (("be", _BE), ("ke", _KE))
            for at, part in enumerate(("r", "i", "rp", "ip"))
        },
        special.gdtrix: lambda a, b, p: special.gammaincinv(b, p) / a,
        special.gdtria: lambda p, b, x: special.gammaincinv(b, p) / x,
        special.bdtri: lambda k, n, y: 1 - special.betaincinv(n - np.floor(k), np.floor(k) + 1, y),
        special.nbdtri: lambda k, n, y: special.betaincinv(n, np.floor(k) + 1, y),
        special.pdtri: lambda k, y: special.gammainccinv(np.floor(k) + 1, y),
        special.nrdtrimn: lambda p, std, x: x - std * special.ndtri(p),
        special.nrdtrisd: lambda mn, p, x: (x - mn) / special.ndtri(p),
        **{getattr(special, name): _ruled(getattr(special, name), *rule) for name, rule in rules.items()},
    }
