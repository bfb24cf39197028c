"""SciPy's roots and integrals of functions that the user gives: see `lazy._equivalents`.

Where a value is all that is wanted, SciPy's compiled code has it. A derivative is that of what defines the
result: ``f(x, p) = 0`` gives ``f_x dx + f_p dp = 0``, and the integral of ``f`` moves by that of ``f_p``.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from lazy._custom import enter_opaque, with_jvp
from lazy._equivalents import uncovered, values_suffice

Table = dict[Any, Callable[..., Any]]

# -- roots -------------------------------------------------------------------------------------


def _bracketed(f: Any, low: Any, high: Any) -> Any:
    """The ends with their values, or one of the ends, which is a root."""
    low, high = 1.0 * low, 1.0 * high
    of_low = f(low)
    if of_low == 0:
        return low, None
    of_high = f(high)
    if of_high == 0:
        return high, None
    if (of_low < 0) == (of_high < 0):
        raise ValueError("f(a) and f(b) must have different signs")
    return None, (low, high, of_low, of_high)


def _brent(hyperbolic: bool) -> Callable[..., Any]:
    """Brent's method as SciPy has it, which extrapolates by a parabola or by a hyperbola.

    Source: Brent, *Algorithms for Minimization Without Derivatives*, 1973, chapter 4.
    """

    def search(f: Any, low: Any, high: Any, xtol: Any, rtol: Any, maxiter: int) -> Any:
        root, ends = _bracketed(f, low, high)
        if ends is None:
            return root, 0
        xpre, xcur, fpre, fcur = ends
        xblk, fblk, spre, scur = 0.0, 0.0, 0.0, 0.0
        for trip in range(maxiter):
            if fpre != 0 and fcur != 0 and (fpre < 0) != (fcur < 0):
                xblk, fblk = xpre, fpre
                spre = scur = xcur - xpre
            if abs(fblk) < abs(fcur):
                xpre, xcur, xblk = xcur, xblk, xcur
                fpre, fcur, fblk = fcur, fblk, fcur
            delta = (xtol + rtol * abs(xcur)) / 2
            sbis = (xblk - xcur) / 2
            if fcur == 0 or abs(sbis) < delta:
                return xcur, trip
            if abs(spre) > delta and abs(fcur) < abs(fpre):
                if xpre == xblk:
                    step = -fcur * (xcur - xpre) / (fcur - fpre)
                else:
                    dpre, dblk = (fpre - fcur) / (xpre - xcur), (fblk - fcur) / (xblk - xcur)
                    if hyperbolic:
                        step = -fcur * (fblk - fpre) / (fblk * dpre - fpre * dblk)
                    else:
                        step = -fcur * (fblk * dblk - fpre * dpre) / (dblk * dpre * (fblk - fpre))
                if 2 * abs(step) < min(abs(spre), 3 * abs(sbis) - delta):
                    spre, scur = scur, step
                else:
                    spre = scur = sbis
            else:
                spre = scur = sbis
            xpre, fpre = xcur, fcur
            least = delta if sbis > 0 else -delta
            xcur = xcur + (scur if abs(scur) > delta else least)
            fcur = f(xcur)
        uncovered("a search that does not end")

    return search


def _bisection(f: Any, low: Any, high: Any, xtol: Any, rtol: Any, maxiter: int) -> Any:
    root, ends = _bracketed(f, low, high)
    if ends is None:
        return root, 0
    start, end, of_start, _ = ends
    length = end - start
    for trip in range(maxiter):
        length = length / 2
        middle = start + length
        value = f(middle)
        if (value < 0) == (of_start < 0):
            start = middle
        if value == 0 or abs(length) < xtol + rtol * abs(middle):
            return middle, trip + 1
    uncovered("a search that does not end")


def _ridder(f: Any, low: Any, high: Any, xtol: Any, rtol: Any, maxiter: int) -> Any:
    """Source: Ridders, *A new algorithm for computing a single root*, 1979."""
    root, ends = _bracketed(f, low, high)
    if ends is None:
        return root, 0
    start, end, of_start, of_end = ends
    least = xtol + rtol * min(abs(start), abs(end))
    for trip in range(maxiter):
        half = (end - start) / 2
        middle = start + half
        value = f(middle)
        step = half * value / np.sqrt(value * value - of_start * of_end)
        if of_end < of_start:
            step = -step
        size = min(abs(step), abs(half) - least / 2)
        at = middle - (size if step > 0 else -size)
        of_at = f(at)
        if (of_at < 0) != (value < 0):
            start, of_start, end, of_end = at, of_at, middle, value
        elif (of_at < 0) != (of_start < 0):
            end, of_end = at, of_at
        else:
            start, of_start = at, of_at
        least = xtol + rtol * abs(at)
        if of_at == 0 or abs(end - start) < least:
            return at, trip + 1
    uncovered("a search that does not end")


def _still(primals: Any, tangents: Any) -> Any:
    return primals[0], 0.0 * tangents[0]


def _root_near(f: Any, x: Any) -> Any:
    """How a search came here is of no account: Newton's steps make the root one of the parameters.

    Each of them doubles the order of the derivatives that are right.
    """
    import lazy

    x = with_jvp(lambda x: x, _still, (), (x,))
    for _ in range(3):
        x = x - f(x) / lazy.grad(f)(x)
    return x


def _root(search: Callable[..., Any], method: str) -> Callable[..., Any]:
    def root(
        f: Any,
        a: Any,
        b: Any,
        args: Any = (),
        xtol: Any = 2e-12,
        rtol: Any = 8.881784197001252e-16,
        maxiter: int = 100,
        full_output: bool = False,
        disp: bool = True,
    ) -> Any:
        if values_suffice():
            uncovered("a value alone")
        args = args if isinstance(args, tuple) else (args,)
        calls = 0

        def counted(x: Any) -> Any:
            nonlocal calls
            calls += 1
            return f(x, *args)

        def of(x: Any) -> Any:
            return f(x, *args)

        x, trips = search(counted, a, b, xtol, rtol, maxiter)
        x = _root_near(of, x)
        if not full_output:
            return x
        found = sys.modules["scipy.optimize"].RootResults(
            root=x, iterations=trips, function_calls=calls, flag=0, method=method
        )
        return x, found

    return root


# -- minima ------------------------------------------------------------------------------------


def _minimum(self: Any, full_output: bool = False) -> Any:
    """What Brent's search found: where the slope is zero."""
    import lazy

    if values_suffice():
        uncovered("a value alone")

    def of(x: Any) -> Any:
        return self.func(x, *self.args)

    x = _root_near(lambda x: lazy.grad(of)(x), self.xmin)
    return (x, of(x), self.iter, self.funcalls) if full_output else x


def _copied(function: Any) -> Any:
    """The same code under no name that anything stands for."""
    made = types.FunctionType(function.__code__, function.__globals__, function.__name__)
    made.__defaults__, made.__kwdefaults__ = function.__defaults__, function.__kwdefaults__
    return made


def _settled(search: Any) -> Callable[..., Any]:
    """A search of one variable, whose last place is then made the one where the slope is zero."""
    inner = _copied(search)

    def minimize(func: Any, *given: Any, **options: Any) -> Any:
        import lazy

        if values_suffice():
            uncovered("a value alone")
        args = options.get("args", given[1] if len(given) > 1 else ())
        found = inner(func, *given, **options)

        def of(x: Any) -> Any:
            return func(x, *args)

        x = _root_near(lambda x: lazy.grad(of)(x), found.x)
        if abs(x - found.x) > 1e-3 * (1 + abs(x)):
            # At a bound.
            enter_opaque()
        found.x, found.fun = x, of(x)
        return found

    return minimize


def _stepwise(*args: Any, **kwargs: Any) -> Any:
    """A search whose places do not move with the parameters, but jump: its own slopes are no minimum's."""
    if values_suffice():
        uncovered("a value alone")
    enter_opaque()


def _minima() -> Table:
    module = sys.modules["scipy.optimize._optimize"]
    searches = {getattr(module, f"_minimize_{name}"): _stepwise for name in ("neldermead", "powell")}
    for name in ("scalar_bounded", "scalar_golden"):
        search = getattr(module, f"_minimize_{name}")
        searches[search] = _settled(search)
    return {module.Brent.get_result: _minimum, **searches}


def _optimize() -> Table:
    module = sys.modules["scipy.optimize"]
    searches = {
        "brentq": _brent(hyperbolic=False),
        "brenth": _brent(hyperbolic=True),
        "bisect": _bisection,
        "ridder": _ridder,
    }
    return {getattr(module, name): _root(search, name) for name, search in searches.items()}


# -- integrals ---------------------------------------------------------------------------------


def _panel(f: Any, low: Any, high: Any, points: int) -> Any:
    """The integral by a rule of Gauss and Kronrod, and QUADPACK's estimates of its error and of rounding.

    Source: Piessens et al., *QUADPACK*, 1983, section 2.2.
    """
    places, weights, lower = _rule(points)
    middle, half = (low + high) / 2, (high - low) / 2
    values = np.empty(len(places))
    for k in range(len(places)):
        values[k] = f(float(middle + half * places[k]))
    mean = np.sum(weights * values) / 2
    whole, size = half * 2 * mean, abs(half)
    spread = size * np.sum(weights * np.abs(values - mean))
    rounding = 50 * np.finfo(np.float64).eps * size * np.sum(weights * np.abs(values))
    error = size * np.abs(np.sum(weights * values) - np.sum(lower * values))
    if spread != 0 and error != 0:
        error = spread * min(1.0, (200 * error / spread) ** 1.5)
    return whole, max(error, rounding), rounding


def _rule(points: int) -> Any:
    """Places, weights, and the weights of the rule of Gauss, zero where it has no place."""
    return _RULES[points]


def _adaptive(f: Any, low: Any, high: Any, points: int, epsabs: Any, epsrel: Any, limit: int) -> Any:
    """Halves the panel with the largest error until the sum of the errors is small enough.

    A slope of the integrand may be less smooth than itself: panels are smaller than the value alone asks for.
    """
    epsabs, epsrel = _SHARE * epsabs, _SHARE * epsrel
    ends = [(low, high)]
    panels = [_panel(f, low, high, points)]
    while True:
        whole, errors, rounding = np.array(panels).T
        whole, error = np.sum(whole), np.sum(errors)
        if error <= max(epsabs, epsrel * abs(whole), 2 * np.sum(rounding)):
            return float(whole), float(error)
        if len(panels) >= min(limit, _MOST_PANELS):
            uncovered("an integral that does not converge by halving intervals")
        worst = int(np.argmax(errors))
        start, end = ends[worst]
        middle = (start + end) / 2
        ends[worst], panels[worst] = (start, middle), _panel(f, start, middle, points)
        ends.append((middle, end))
        panels.append(_panel(f, middle, end, points))


# Graphs of more are not worth having.
_MOST_PANELS = 40
_SHARE = 1e-5


def _finite_integral(
    func: Any, a: Any, b: Any, args: Any, full_output: Any, epsabs: Any, epsrel: Any, limit: int
) -> Any:
    if full_output or values_suffice():
        uncovered("an account of the integration, or a value alone")
    whole, error = _adaptive(lambda x: func(x, *args), a, b, 21, epsabs, epsrel, limit)
    return whole, error, 0


def _infinite_integral(
    func: Any, bound: Any, kind: int, args: Any, full_output: Any, epsabs: Any, epsrel: Any, limit: int
) -> Any:
    """With ``x = bound + (1 - t) / t``; ``kind`` is 1, -1, or 2 for both sides of zero."""
    if full_output or values_suffice():
        uncovered("an account of the integration, or a value alone")

    def of(t: Any) -> Any:
        away = (1.0 - t) / t
        one = func((bound if kind != 2 else 0.0) + (away if kind != -1 else -away), *args)
        value = one + func(-away, *args) if kind == 2 else one
        return value / t / t

    whole, error = _adaptive(of, 0.0, 1.0, 15, epsabs, epsrel, limit)
    return whole, error, 0


_RULES: dict[int, Any] = {}


def _integrals() -> Table:
    from scipy.integrate._rules import GaussKronrodQuadrature

    for points in (15, 21):
        rule = GaussKronrodQuadrature(points)
        places, weights = rule.nodes_and_weights
        lower = np.zeros(points)
        # Every other place is one of the rule of Gauss.
        lower[1::2] = rule.lower_nodes_and_weights[1]
        _RULES[points] = (np.asarray(places), np.asarray(weights), lower)
    module = sys.modules["scipy.integrate._quadpack"]
    return {module._qagse: _finite_integral, module._qagie: _infinite_integral}


TABLES: dict[str, Callable[[], Table]] = {
    "scipy.optimize": _optimize,
    "scipy.optimize._optimize": _minima,
    "scipy.integrate._quadpack": _integrals,
}
