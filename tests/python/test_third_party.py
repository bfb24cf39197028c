"""Functions of SciPy and scikit-learn that end in compiled code: equal under `jit`, and right derivatives.

Each case is called unmodified. It must be lifted whole, equal plain Python, and have the derivatives that
differences have, by each float argument; those that are named after `refused` must be refused.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lazy


def draws(*shape: int, low: float = 0.3, high: float = 1.7) -> Any:
    return np.random.default_rng(sum(shape)).uniform(low, high, shape)


SEARCHES: set[str] = set()
CASES: dict[str, tuple[Callable[..., Any], tuple[Any, ...], tuple[int, ...]]] = {}


def case(name: str, function: Callable[..., Any], *args: Any, refused: tuple[int, ...] = ()) -> None:
    CASES[name] = (function, args, refused)


def distributions() -> None:
    from scipy import stats

    # The distribution, its parameters, and those by which derivatives are refused.
    rows: dict[str, tuple[tuple[float, ...], tuple[int, ...]]] = {
        "ncx2": ((4.0, 1.06), (0,)),
        "ncf": ((5.0, 7.0, 0.4), (0, 1)),
        "nct": ((6.0, 0.24), (0,)),
        "invgauss": ((0.7,), ()),
        "skewnorm": ((1.4,), ()),
        "cauchy": ((), ()),
        "cosine": ((), ()),
        "tukeylambda": ((0.6,), ()),
        "beta": ((2.3, 1.4), ()),
    }
    for name, (shape, refused) in rows.items():
        made = getattr(stats, name)
        places = made.ppf([0.2, 0.5, 0.8], *shape) * 1.3 + 0.2
        for method in ("pdf", "cdf", "sf", "ppf", "isf"):
            at = np.array([0.2, 0.6]) if method in ("ppf", "isf") else places
            bound = getattr(made, method)

            def call(x: Any, loc: float, scale: float, *shape: float, f: Any = bound) -> Any:
                return f(x, *shape, loc=loc, scale=scale)

            case(f"{name}.{method}", call, at, 0.2, 1.3, *shape, refused=tuple(3 + k for k in refused))
    for method in ("cdf", "sf", "pmf"):
        binom, nbinom = getattr(stats.binom, method), getattr(stats.nbinom, method)
        case(f"binom.{method}", lambda p, f=binom: f(np.array([1.0, 2.0, 4.0]), 7, p), 0.3)
        case(f"nbinom.{method}", lambda p, f=nbinom: f(np.array([1.0, 2.0, 4.0]), 5, p), 0.4)
    case("betabinom.cdf", lambda a, b: stats.betabinom.cdf(np.array([1.0, 3.0]), 6, a, b), 2.3, 0.7)
    case("trapezoid.pdf", lambda x: stats.trapezoid.pdf(x, 0.2, 0.8), np.array([0.1, 0.5]))

    def chances(p: Any) -> Any:
        return stats.multinomial.logpmf([2, 3, 1], 6, np.append(p, 1 - p.sum()))

    case("multinomial", chances, np.array([0.2, 0.3]))
    data = draws(9)
    case("kde", lambda d, x: stats.gaussian_kde(d)(x), data, np.array([0.5, 0.9]))
    case("kde.logpdf", lambda d, x: stats.gaussian_kde(d).logpdf(x), data, np.array([0.5, 0.9]))
    case("trimboth", lambda a: stats.trimboth(a, 0.2), data)


def frozen_distributions() -> None:
    from scipy import stats

    at = np.array([0.4, 0.9])
    case("frozen gamma", lambda x, a: stats.gamma(a, loc=0.1, scale=1.2).logpdf(x), at, 2.3)
    case("frozen norm", lambda x, s: stats.norm(scale=s).cdf(x), at, 1.3)
    case("frozen beta.ppf", lambda q, a: stats.beta(a, 1.4).ppf(q), at, 2.3)
    case("frozen poisson", lambda mu: stats.poisson(mu).logpmf(np.array([1.0, 3.0])), 2.3)
    case("frozen lognorm.var", lambda s: stats.lognorm(s).var(), 0.4)
    case("betabinom.ppf", lambda p: stats.betabinom.ppf(0.3, 5, p, 1.3), 2.31)
    # The side that is not chosen is NaN there.
    case("dgamma.ppf", lambda q, a: stats.dgamma.ppf(q, a), np.array([0.3, 0.8]), 1.7)


def roots() -> None:
    from scipy import optimize, stats

    for method in ("bisect", "brentq", "brenth", "ridder"):
        find = getattr(optimize, method)

        def with_args(a: float, b: float, find: Any = find) -> Any:
            return find(lambda x, a: np.exp(b * x) - a, 0.0, 3.0, args=(a,))

        def account(a: float, find: Any = find) -> Any:
            return find(lambda x: x**3 - a, 0.0, 3.0, full_output=True)[0]

        def slope(a: float, find: Any = find) -> Any:
            return lazy.grad(lambda a: find(lambda x: x**3 - a, 0.0, 3.0))(a)

        search(method, with_args, 2.3, 0.7)
        search(f"{method} full_output", account, 2.3)
        case(f"{method} slope", slope, 2.3)
    search("argus.ppf", lambda q, scale: stats.argus.ppf(q, 1.0, scale=scale), 0.4, 1.3)


def minima() -> None:
    from scipy import optimize

    def nearest(a: float, method: str) -> Any:
        return optimize.minimize(lambda t: (t[0] - a) ** 2, [0.0], method=method, tol=1e-3).x

    for method in ("Nelder-Mead", "Powell"):
        case(method, lambda a, m=method: nearest(a, m), 1.3, refused=(0,))


def integrals() -> None:
    from scipy import integrate, stats

    quad = integrate.quad
    search("quad", lambda a, b: quad(lambda t: np.exp(-a * t), 0.0, b)[0], 1.3, 2.0)
    search("quad backwards", lambda b: quad(np.sin, b, 0.3)[0], 1.3)
    search("quad args", lambda a: quad(lambda t, a: np.exp(-a * t * t), 0, np.inf, args=(a,))[0], 1.3)
    search("quad up to", lambda a, b: quad(lambda t: np.exp(a * t), -np.inf, b)[0], 1.3, 0.2)
    search("quad of all", lambda a: quad(lambda t: np.exp(-a * t * t), -np.inf, np.inf)[0], 1.3)
    search("quad of a peak", lambda a: quad(lambda t: np.exp(-((t - a) ** 2) / 2e-3), -10, 10)[0], 0.4)
    search("quad of a kink", lambda a: quad(lambda t: abs(t - a), 0, 1)[0], 0.4)
    search("quad of a root", lambda a: quad(lambda t: np.sqrt(t * a), 0, 1)[0], 0.4)
    search("quad of a branch", lambda a: quad(lambda t: a * t if t < 0.5 else a, 0, 1)[0], 0.4)
    search("dblquad", lambda a: integrate.dblquad(lambda s, t: a * s * t, 0, 1, 0, 1)[0], 1.3)
    search("expect", lambda loc: stats.norm.expect(lambda x: x**2, loc=loc), 0.3)


def search(name: str, function: Callable[..., Any], *args: Any) -> None:
    """A case whose values alone are compiled code's."""
    SEARCHES.add(name)
    case(name, function, *args)


def interpolation() -> None:
    from scipy import interpolate as ip

    x, y = np.cumsum(draws(8)), draws(8, low=-1.0)
    at = x[:3] + 0.21
    for name in ("CubicSpline", "PchipInterpolator", "Akima1DInterpolator"):
        make = getattr(ip, name)
        case(name, lambda y, at, make=make: make(x, y)(at), y, at)
        case(f"{name} by x", lambda x, make=make: make(x, y)(at), x)
        case(f"{name} slope", lambda y, at, make=make: make(x, y)(at, 1), y, at)
    fixed = ip.CubicSpline(x, y)
    case("CubicSpline.integrate", lambda a, b: fixed.integrate(a, b), x[0] + 0.3, x[4] + 0.1)
    case(
        "PPoly outside",
        lambda c: ip.PPoly(c, np.arange(4.0), extrapolate=True)(np.array([-1.0, 3.5])),
        draws(3, 3),
    )
    case("make_interp_spline", lambda y, at: ip.make_interp_spline(x, y, k=3)(at), y, at)
    spline = ip.make_interp_spline(x, y, k=3)
    case("BSpline", lambda c, at: ip.BSpline(spline.t, c, 3)(at), spline.c, at)
    case("BSpline slope", lambda c, at: ip.BSpline(spline.t, c, 3)(at, 2), spline.c, at)
    for kind in ("slinear", "quadratic", "cubic"):
        case(f"interp1d {kind}", lambda y, at, kind=kind: ip.interp1d(x, y, kind=kind)(at), y, at)
    points = draws(8, 2)
    for kernel in ("thin_plate_spline", "gaussian", "multiquadric"):

        def radial(y: Any, at: Any, kernel: str = kernel) -> Any:
            return ip.RBFInterpolator(points, y, kernel=kernel, epsilon=1.3)(at)

        case(f"RBF {kernel}", radial, y, draws(3, 2) + 0.05)
    grid = (np.arange(4.0), np.arange(3.0))
    case(
        "RegularGridInterpolator",
        lambda v, at: ip.RegularGridInterpolator(grid, v)(at),
        draws(4, 3),
        draws(3, 2),
    )


def distances() -> None:
    from scipy.spatial import distance
    from scipy.spatial.transform import Rotation

    a, b = draws(3, 4), draws(2, 4) + 0.05
    for metric in ("cosine", "jensenshannon", "correlation", "braycurtis", "canberra", "seuclidean"):
        case(f"cdist {metric}", lambda a, b, m=metric: distance.cdist(a, b, m), a, b)
        case(f"pdist {metric}", lambda a, m=metric: distance.pdist(a, m), a)
    inverse = np.eye(4) + 0.1
    case("cdist mahalanobis", lambda a, b: distance.cdist(a, b, "mahalanobis", VI=inverse), a, b)
    case("Rotation", lambda v: Rotation.from_rotvec(v).as_matrix(), np.array([0.1, 0.2, 0.3]))


def sklearn_losses() -> None:
    from sklearn import metrics
    from sklearn._loss import loss

    y, labels, raw, weights = draws(6), np.array([0.0, 1, 1, 0, 1, 0]), draws(6, low=-1.0), draws(6) + 0.1
    made = [
        *((loss.HalfSquaredError(), y), (loss.AbsoluteError(), y), (loss.PinballLoss(quantile=0.3), y)),
        *((loss.HuberLoss(delta=0.4), y), (loss.HalfPoissonLoss(), y), (loss.HalfGammaLoss(), y)),
        *((loss.HalfTweedieLoss(power=1.5), y), (loss.HalfBinomialLoss(), labels)),
        *((loss.ExponentialLoss(), labels),),
    ]
    for of, target in made:
        name = type(of).__name__
        case(f"{name}.loss", lambda raw, w, of=of, t=target: of.loss(t, raw, w), raw, weights)
        case(f"{name}.gradient", lambda raw, of=of, t=target: of.gradient(t, raw), raw)
        case(f"{name} both", lambda raw, of=of, t=target: of.loss_gradient(t, raw)[1], raw)
        case(f"{name} second", lambda raw, of=of, t=target: of.gradient_hessian(t, raw)[1], raw)
    several = loss.HalfMultinomialLoss(n_classes=3)
    case("multinomial loss", lambda raw: several.loss(np.array([0.0, 2, 1, 1]), raw), draws(4, 3))
    a, b = draws(3, 2), draws(2, 2) + 0.05
    case("chi2", lambda a, b: metrics.pairwise.chi2_kernel(a, b), a, b)
    case("haversine", lambda a, b: metrics.pairwise.haversine_distances(a, b), a, b)


def filters() -> None:
    from scipy import ndimage, signal

    image, line = draws(6, 5), draws(20)
    for name, args in {
        "maximum_filter": (3,),
        "minimum_filter": ((2, 3),),
        "median_filter": (3,),
        "percentile_filter": (30, 3),
        "maximum_filter1d": (4,),
    }.items():
        function = getattr(ndimage, name)
        case(f"ndimage.{name}", lambda x, f=function, args=args: f(x, *args), image)
    for order, mode in ((0, "nearest"), (1, "nearest"), (1, "constant")):

        def mapped(x: Any, at: Any, order: int = order, mode: str = mode) -> Any:
            return ndimage.map_coordinates(x, at, order=order, mode=mode, cval=0.5)

        case(f"map_coordinates {order} {mode}", mapped, image, draws(2, 3, low=0.2, high=4.8))
    case("medfilt", lambda x: signal.medfilt(x, 5), line)
    case("upfirdn", lambda h, x: signal.upfirdn(h, x, 2, 3), draws(4), line)
    case("resample_poly", lambda x: signal.resample_poly(x, 3, 2), line)
    case("welch", lambda x: signal.welch(x, nperseg=8)[1], line)


def support_vectors() -> None:
    from sklearn import svm

    X, y = draws(12, 3), draws(12)
    for kernel in ("rbf", "linear", "poly", "sigmoid"):
        case(f"SVR {kernel}", svm.SVR(kernel=kernel, C=2.0).fit(X, y).predict, X[:4] + 0.03)
        case(f"SVC {kernel}", svm.SVC(kernel=kernel).fit(X, y > y.mean()).decision_function, X[:4] + 0.03)


def preprocessing() -> None:
    from sklearn import metrics, preprocessing

    X, labels = draws(7, 3), np.array([0, 1, 1, 0, 2, 0, 2])
    case("StandardScaler", lambda X: preprocessing.StandardScaler().fit_transform(X), X)
    p = draws(7, 3)
    case("log_loss", lambda p: metrics.log_loss(labels, p / p.sum(axis=1, keepdims=True)), p)


for made in (
    frozen_distributions,
    minima,
    integrals,
    preprocessing,
    support_vectors,
    filters,
    roots,
    distributions,
    interpolation,
    distances,
    sklearn_losses,
):
    made()


def differences(function: Callable[..., Any], args: tuple[Any, ...], at: int) -> Any:
    x, h = np.asarray(args[at], dtype=float), 1e-4

    def of(change: Any) -> Any:
        moved = x + change
        given = moved if isinstance(args[at], np.ndarray) else float(moved)
        return np.asarray(function(*args[:at], given, *args[at + 1 :])).ravel()

    columns = []
    for place in np.ndindex(x.shape):
        step = np.zeros(x.shape)
        step[place] = h
        # Of fourth order.
        columns.append((8 * (of(step) - of(-step)) - (of(2 * step) - of(-2 * step))) / (12 * h))
    return np.array(columns).T


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_lifted_whole_and_equal(name: str) -> None:
    function, args, _ = CASES[name]
    lifted = lazy.jit(function)
    assert ("plain Python" in lifted.explain(*args)) == (name in SEARCHES)
    np.testing.assert_allclose(lifted(*args), function(*args), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", CASES)
def test_derivatives(name: str) -> None:
    function, args, refused = CASES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for at, value in enumerate(args):
            if not isinstance(value, (float, np.ndarray)):
                continue
            jacobian = lazy.jacobian(function, argnums=at)
            if at in refused:
                with pytest.raises((lazy.NotDifferentiable, lazy.GraphBreak)):
                    jacobian(*args)
                continue
            wanted = differences(function, args, at)
            found = np.reshape(jacobian(*args), wanted.shape)
            np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-7, err_msg=f"by argument {at}")


def test_a_minimum_moves_with_the_parameters_and_not_with_the_search() -> None:
    from scipy import optimize, stats

    def least(a: float, method: str) -> Any:
        bounds = (0, 3) if method == "bounded" else None
        return optimize.minimize_scalar(lambda t: np.exp(t) - a * t + t**4, bounds=bounds, method=method).x

    for method in ("brent", "golden", "bounded"):
        x = least(1.3, method)
        assert lazy.grad(least)(1.3, method) == pytest.approx(1 / (np.exp(x) + 12 * x**2), rel=1e-4)
    with pytest.raises(lazy.GraphBreak):
        lazy.grad(lambda a: least(-a, "bounded"))(1.3)
    # Differences of a minimum have few digits; its condition has more.
    data, found = draws(9), stats.yeojohnson_normmax(draws(9))
    slope = lazy.grad(stats.yeojohnson_llf)
    by_data = lazy.jacobian(slope, argnums=1)(found, data)
    wanted = -by_data / lazy.grad(slope)(found, data)
    np.testing.assert_allclose(lazy.grad(stats.yeojohnson_normmax)(data), wanted, rtol=1e-5)
