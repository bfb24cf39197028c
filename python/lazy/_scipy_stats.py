"""The compiled functions of SciPy's distributions, with their derivatives: see `lazy._equivalents`.

Most are called as they are, with a rule for the derivative: of a distribution function by its place, which is
the density, and by its parameters. The inverses follow from these.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from lazy._custom import call_opaque, with_jvp
from lazy._equivalents import uncovered
from lazy._scipy_equivalents import _triangle

Table = dict[Any, Callable[..., Any]]

# Densities that `scipy.stats` has of Boost, by their logarithms.


def _beta_pdf(x: Any, a: Any, b: Any) -> Any:
    from scipy import special

    log = special.xlogy(a - 1.0, x) + special.xlog1py(b - 1.0, -np.asarray(x)[()])
    return np.exp(log - special.betaln(a, b))


def _binom_pmf(k: Any, n: Any, p: Any) -> Any:
    from scipy import special

    ways = special.gammaln(n + 1.0) - special.gammaln(k + 1.0) - special.gammaln(n - k + 1.0)
    return np.exp(ways + special.xlogy(k, p) + special.xlog1py(n - k, -p))


def _nbinom_pmf(k: Any, n: Any, p: Any) -> Any:
    from scipy import special

    ways = special.gammaln(n + k) - special.gammaln(k + 1.0) - special.gammaln(n)
    return np.exp(ways + special.xlogy(n, p) + special.xlog1py(k, -p))


_DENSITIES = {"_beta_pdf": _beta_pdf, "_binom_pmf": _binom_pmf, "_nbinom_pmf": _nbinom_pmf}


# Compiled functions of distributions, with their partial derivatives: each takes the value and the arguments.


def _with_partials(compiled: Any, *partials: Any) -> Callable[..., Any]:
    """The compiled function; by arguments whose partial derivative is ``None``, it is refused."""
    fixed = tuple(at for at, partial in enumerate(partials) if partial is None)
    moving = tuple(at for at, partial in enumerate(partials) if partial is not None)

    def inner(*args: Any) -> Any:
        return call_opaque(compiled, args, {})

    def rule(*given: Any) -> Any:
        held, primals, tangents = given[:-2], given[-2], given[-1]
        args = [held[fixed.index(at)] if at in fixed else primals[moving.index(at)] for at in _places]
        value = of(*args)
        total = np.zeros(np.shape(value))[()]
        for at, tangent in zip(moving, tangents, strict=True):
            total = total + partials[at](value, *args) * tangent
        return value, total

    def of(*args: Any, **options: Any) -> Any:
        if options or len(args) != len(partials):
            uncovered("out= or where=")
        return with_jvp(inner, rule, fixed, tuple([np.asarray(arg, dtype=np.float64)[()] for arg in args]))

    _places = range(len(partials))
    return of


def _distribution(
    prefix: str, density: Callable[..., Any], *slopes: Callable[..., Any] | None
) -> dict[str, Callable[..., Any]]:
    """Distribution function, its complement and the inverses of both, by names.

    ``density(x, *shape)`` is the derivative by x, each of ``slopes`` that by a parameter.
    Of the inverse: 0 = dF = f dx + sum(F_k dp_k) - dq.
    """

    def by_place(sign: int, slope: Any) -> Any:
        return None if slope is None else lambda value, x, *shape: sign * slope(x, *shape)

    def inverse(slope: Any) -> Any:
        if slope is None:
            return None
        return lambda value, q, *shape: -slope(value, *shape) / density(value, *shape)

    cdf = [by_place(1, slope) for slope in (density, *slopes)]
    sf = [by_place(-1, slope) for slope in (density, *slopes)]
    ppf = [lambda value, q, *shape: 1 / density(value, *shape), *map(inverse, slopes)]
    isf = [lambda value, q, *shape: -1 / density(value, *shape), *map(inverse, slopes)]
    compiled = sys.modules["scipy.special._ufuncs"]
    kinds = {"cdf": cdf, "sf": sf, "ppf": ppf, "isf": isf, "invcdf": ppf}
    found = {f"_{prefix}_{kind}": partials for kind, partials in kinds.items()}
    return {
        getattr(compiled, name): _with_partials(getattr(compiled, name), *partials)
        for name, partials in found.items()
        if hasattr(compiled, name)
    }


def _inverse(
    compiled: Any, at: int, density: Callable[..., Any], *slopes: Callable[..., Any] | None
) -> Table:
    """An inverse distribution function whose argument ``at`` is the probability."""

    def shape_of(args: Any) -> Any:
        return args[:at] + args[at + 1 :]

    def by_parameter(slope: Any) -> Any:
        if slope is None:
            return None
        return lambda value, *args: -slope(value, *shape_of(args)) / density(value, *shape_of(args))

    partials = [by_parameter(slope) for slope in slopes]
    partials.insert(at, lambda value, *args: 1 / density(value, *shape_of(args)))
    return {compiled: _with_partials(compiled, *partials)}


def _located(density: Any) -> tuple[Any, Any]:
    """The slopes of a distribution function by location and scale; other parameters follow these two."""

    def by_loc(x: Any, loc: Any, scale: Any, *shape: Any) -> Any:
        return -density(x, loc, scale, *shape)

    def by_scale(x: Any, loc: Any, scale: Any, *shape: Any) -> Any:
        return -(x - loc) / scale * density(x, loc, scale, *shape)

    return by_loc, by_scale


def _noncentral_chi2(special: Any, compiled: Any) -> Table:
    """By Bessel functions, and ``dF/dnc = -f(x; df + 2, nc)``."""
    pdf = compiled._ncx2_pdf

    def ratio(x: Any, df: Any, nc: Any) -> Any:
        order, z = df / 2 - 1, np.sqrt(nc * x)
        return special.ive(order + 1, z) / special.ive(order, z)

    def by_x(f: Any, x: Any, df: Any, nc: Any) -> Any:
        return f * ((df / 2 - 1) / x - 0.5 + 0.5 * np.sqrt(nc / x) * ratio(x, df, nc))

    def by_nc(f: Any, x: Any, df: Any, nc: Any) -> Any:
        return f * (-0.5 + 0.5 * np.sqrt(x / nc) * ratio(x, df, nc))

    def slope(x: Any, df: Any, nc: Any) -> Any:
        return -pdf(x, df + 2, nc)

    return {
        pdf: _with_partials(pdf, by_x, None, by_nc),
        **_distribution("ncx2", pdf, None, slope),
        **_inverse(special.chndtrix, 0, pdf, None, slope),
    }  # fmt: skip


def _noncentral_f(special: Any, compiled: Any) -> Table:
    """As a mixture of central ones by a Poisson variable, whose shift by one is `shifted`."""
    pdf = compiled._ncf_pdf

    def shifted(f: Any, x: Any, dfn: Any, dfd: Any, nc: Any) -> Any:
        scale = dfn / (dfn + 2)
        return f(x * scale, dfn + 2, dfd, nc)

    def by_x(f: Any, x: Any, dfn: Any, dfd: Any, nc: Any) -> Any:
        next_f = shifted(pdf, x, dfn, dfd, nc) * dfn / (dfn + 2)
        share = dfn / dfd / (1 + dfn * x / dfd)
        central = f * ((dfn / 2 - 1) / x - share * (dfn + dfd) / 2)
        return central + nc / 2 * next_f * (1 / x - share)

    def by_nc(f: Any, x: Any, dfn: Any, dfd: Any, nc: Any) -> Any:
        return (shifted(pdf, x, dfn, dfd, nc) * dfn / (dfn + 2) - f) / 2

    def slope(x: Any, dfn: Any, dfd: Any, nc: Any) -> Any:
        def cdf(x: Any, dfn: Any, dfd: Any, nc: Any) -> Any:
            return special.ncfdtr(dfn, dfd, nc, x)

        return (shifted(cdf, x, dfn, dfd, nc) - cdf(x, dfn, dfd, nc)) / 2

    def variance(dfn: Any, dfd: Any, nc: Any) -> Any:
        squares = (dfn + nc) ** 2 + (dfn + 2 * nc) * (dfd - 2)
        found = 2 * (dfd / dfn) ** 2 * squares / ((dfd - 2) ** 2 * (dfd - 4))
        return np.where(dfd > 4, found, np.inf)[()]

    def by_order(partial: Any) -> Any:
        return lambda value, dfn, dfd, nc, x: partial(x, dfn, dfd, nc)

    return {
        pdf: _with_partials(pdf, by_x, None, None, by_nc),
        **_distribution("ncf", pdf, None, None, slope),
        **_inverse(special.ncfdtri, 3, pdf, None, None, slope),
        special.ncfdtr: _with_partials(special.ncfdtr, None, None, by_order(slope), by_order(pdf)),
        compiled._ncf_mean: lambda a, b, nc: np.where(b > 2, b * (a + nc) / (a * (b - 2)), np.inf)[()],
        compiled._ncf_variance: variance,
    }


def _noncentral_t(special: Any, compiled: Any) -> Table:
    """With ``s**2`` a mean square of df normal variables: ``f(x) = E[s phi(x s - nc)]``."""
    pdf = compiled._nct_pdf

    def moment(m: int, x: Any, df: Any, nc: Any) -> Any:
        """``E[s**m phi(x s - nc)]``, as the density of a variable of other degrees of freedom."""
        other = df + m - 1
        log = (df / 2) * np.log(df / 2) - special.gammaln(df / 2)
        log = log - (other / 2) * np.log(other / 2) + special.gammaln(other / 2)
        log = log + (other + 1) / 2 * np.log(other / df)
        return np.exp(log) * pdf(x * np.sqrt(other / df), other, nc)

    def by_x(f: Any, x: Any, df: Any, nc: Any) -> Any:
        return nc * moment(2, x, df, nc) - x * moment(3, x, df, nc)

    def by_nc(f: Any, x: Any, df: Any, nc: Any) -> Any:
        return x * moment(2, x, df, nc) - nc * f

    def slope(x: Any, df: Any, nc: Any) -> Any:
        return -moment(0, x, df, nc)

    def mean(df: Any, nc: Any) -> Any:
        ratio = np.exp(special.gammaln((df - 1) / 2) - special.gammaln(df / 2))
        return np.where(df > 1, nc * np.sqrt(df / 2) * ratio, np.inf)[()]

    def variance(df: Any, nc: Any) -> Any:
        return np.where(df > 2, df * (1 + nc * nc) / (df - 2) - mean(df, nc) ** 2, np.inf)[()]

    return {
        pdf: _with_partials(pdf, by_x, None, by_nc),
        **_distribution("nct", pdf, None, slope),
        **_inverse(special.nctdtrit, 2, pdf, None, slope),
        special.nctdtr: _with_partials(
            special.nctdtr,
            None,
            lambda value, df, nc, x: slope(x, df, nc),
            lambda value, df, nc, x: pdf(x, df, nc),
        ),
        compiled._nct_mean: mean,
        compiled._nct_variance: variance,
    }


def _inverse_gaussian(special: Any) -> Table:
    def density(x: Any, mean: Any, scale: Any) -> Any:
        square = scale * (x - mean) ** 2 / (2 * mean * mean * x)
        return np.sqrt(scale / (2 * np.pi * x**3)) * np.exp(-square)

    def tail(x: Any, mean: Any, scale: Any) -> Any:
        """``exp(2 s/m) Phi(-sqrt(s/x) (x/m + 1))``, the second part of the distribution function."""
        return np.exp(2 * scale / mean + special.log_ndtr(-np.sqrt(scale / x) * (x / mean + 1)))

    def by_mean(x: Any, mean: Any, scale: Any) -> Any:
        return -2 * scale / mean**2 * tail(x, mean, scale)

    def by_scale(x: Any, mean: Any, scale: Any) -> Any:
        return 2 / mean * tail(x, mean, scale) - x / scale * density(x, mean, scale)

    return _distribution("invgauss", density, by_mean, by_scale)


def _skew_normal(special: Any) -> Table:
    def density(x: Any, loc: Any, scale: Any, a: Any) -> Any:
        z = (x - loc) / scale
        return np.sqrt(2 / np.pi) * np.exp(-z * z / 2) * special.ndtr(a * z) / scale

    def by_a(x: Any, loc: Any, scale: Any, a: Any) -> Any:
        z = (x - loc) / scale
        return -np.exp(-z * z * (1 + a * a) / 2) / (np.pi * (1 + a * a))

    return _distribution("skewnorm", density, *_located(density), by_a)


def _cauchy() -> Table:
    def density(x: Any, loc: Any, scale: Any) -> Any:
        z = (x - loc) / scale
        return 1 / (np.pi * scale * (1 + z * z))

    return _distribution("cauchy", density, *_located(density))


def _tukey_lambda(special: Any) -> Table:
    """The inverse is ``(q**k - (1 - q)**k) / k``."""

    def by_x(value: Any, x: Any, k: Any) -> Any:
        return 1 / (value ** (k - 1) + (1 - value) ** (k - 1))

    def by_k(value: Any, x: Any, k: Any) -> Any:
        slope = special.xlogy(value**k, value) - special.xlogy((1 - value) ** k, 1 - value)
        return -by_x(value, x, k) * (slope - x) / k

    return {special.tklmbda: _with_partials(special.tklmbda, by_x, by_k)}


def _counts(special: Any, compiled: Any) -> Table:
    """Discrete distributions, by their probabilities."""

    def binom(value: Any, k: Any, n: Any, p: Any) -> Any:
        return -(n - k) * _binom_pmf(k, n, p) / (1 - p)

    def nbinom(value: Any, k: Any, n: Any, p: Any) -> Any:
        return np.exp(special.xlogy(n - 1, p) + special.xlog1py(k, -p) - special.betaln(n, k + 1))

    def negative(partial: Any) -> Any:
        return lambda *args: -partial(*args)

    return {
        compiled._binom_cdf: _with_partials(compiled._binom_cdf, None, None, binom),
        compiled._binom_sf: _with_partials(compiled._binom_sf, None, None, negative(binom)),
        compiled._nbinom_cdf: _with_partials(compiled._nbinom_cdf, None, None, nbinom),
        compiled._nbinom_sf: _with_partials(compiled._nbinom_sf, None, None, negative(nbinom)),
        compiled._nbinom_mean: lambda n, p: n * (1 - p) / p,
        compiled._nbinom_variance: lambda n, p: n * (1 - p) / p**2,
    }


def _distributions() -> Table:
    special = sys.modules["scipy.special"]
    compiled = sys.modules["scipy.special._ufuncs"]

    def cosine(x: Any) -> Any:
        return (1 + np.cos(x)) / (2 * np.pi)

    return {
        **{getattr(compiled, name): f for name, f in _DENSITIES.items() if hasattr(compiled, name)},
        **_noncentral_chi2(special, compiled),
        **_noncentral_f(special, compiled),
        **_noncentral_t(special, compiled),
        **_inverse_gaussian(special),
        **_skew_normal(special),
        **_cauchy(),
        **_tukey_lambda(special),
        **_counts(special, compiled),
        **_distribution("cosine", cosine),
        **_distribution("landau", compiled._landau_pdf, *_located(compiled._landau_pdf)),
        compiled._kolmogc: _with_partials(compiled._kolmogc, lambda value, x: -compiled._kolmogp(x)),
        compiled._kolmogci: _with_partials(compiled._kolmogci, lambda x, q: -1 / compiled._kolmogp(x)),
        compiled._beta_ppf: lambda q, a, b: special.betaincinv(a, b, q),
    }


# -- kernel densities --------------------------------------------------------------------------


def _kernel_density(log: bool) -> Callable[..., Any]:
    def evaluate(kde: Any, points: Any) -> Any:
        from scipy import linalg, special

        points = np.atleast_2d(np.asarray(points))
        d, m = points.shape
        if d != kde.d:
            if d != 1 or m != kde.d:
                raise ValueError(f"points have dimension {d}, dataset has dimension {kde.d}")
            points = np.reshape(points, (kde.d, 1))
        factor = kde.cho_cov
        if points.dtype != np.float64 or factor.dtype != np.float64:
            uncovered("another dtype than float64")
        centers = linalg.solve_triangular(factor, np.asarray(kde.dataset), lower=True)
        whitened = linalg.solve_triangular(factor, points, lower=True)
        energy = np.sum((whitened[:, None, :] - centers[:, :, None]) ** 2, axis=0) / 2
        scale = np.sum(np.log(np.diag(factor))) + kde.d / 2 * np.log(2 * np.pi)
        weights = np.asarray(kde.weights)[:, None]
        if log:
            return special.logsumexp(-energy - scale, b=weights, axis=0)
        return np.sum(weights * np.exp(-energy - scale), axis=0)

    return evaluate


def _densities() -> Table:
    kde = sys.modules["scipy.stats._kde"].gaussian_kde
    return {kde.evaluate: _kernel_density(False), kde.logpdf: _kernel_density(True)}


# -- frozen distributions ----------------------------------------------------------------------


def _freeze(self: Any, dist: Any, *args: Any, **kwds: Any) -> None:
    """SciPy makes the distribution anew, which writes and compiles code; a copy has the same attributes."""
    self.args = args
    self.kwds = kwds
    cls: Any = type(dist)
    own = cls.__new__(cls)
    for name, value in vars(dist).items():
        object.__setattr__(own, name, value)
    own._ctor_param = dist._updated_ctor_param()
    self.dist = own
    shapes, _, _ = own._parse_args(*args, **kwds)
    self.a, self.b = own._get_support(*shapes)


def _frozen() -> Table:
    return {sys.modules["scipy.stats._distn_infrastructure"].rv_frozen.__init__: _freeze}


# -- normal distributions ----------------------------------------------------------------------


def _decomposed(matrix: Any, cond: Any, rcond: Any, lower: bool) -> Any:
    """Eigenvalues and vectors, the root ``u`` of the pseudo-inverse, and the pseudo-determinant's logarithm.

    The densities depend on ``u`` by ``u u^T`` only. So its derivative is chosen without the turn of the
    eigenvectors, which has none where eigenvalues meet; values and vectors decide, and have no derivative.
    """
    multivariate = sys.modules["scipy.stats._multivariate"]

    def value(matrix: Any) -> Any:
        w, v = sys.modules["scipy.linalg"].eigh(matrix, lower=lower)
        bound = multivariate._eigvalsh_to_eps(w, cond, rcond)
        root = v * np.sqrt(multivariate._pinv_1d(w, bound))
        return w, v, root, np.sum(np.log(w[w > bound]))

    def rule(primals: Any, tangents: Any) -> Any:
        w, v, root, _ = out = _decomposed(primals[0], cond, rcond, lower)
        move = _triangle(tangents[0], lower)
        turned = root @ (root.T @ move @ root)
        return out, (np.zeros_like(w), np.zeros_like(v), -0.5 * turned, np.sum(root.T * (root.T @ move)))

    return with_jvp(value, rule, (), (matrix,))


def _semidefinite(
    self: Any,
    M: Any,
    cond: Any = None,
    rcond: Any = None,
    lower: bool = True,
    check_finite: bool = True,
    allow_singular: bool = True,
) -> None:
    matrix = np.asarray(M)
    if matrix.ndim != 2 or matrix.dtype != np.float64 or not check_finite:
        uncovered("no matrix of float64")
    w, v, root, log = _decomposed(matrix, cond, rcond, lower)
    bound = sys.modules["scipy.stats._multivariate"]._eigvalsh_to_eps(w, cond, rcond)
    if np.min(w) < -bound:
        raise ValueError("The input matrix must be symmetric positive semidefinite.")
    rank = len(w[w > bound])
    if rank < len(w) and not allow_singular:
        message = "When `allow_singular is False`, the input matrix must be symmetric positive definite."
        raise np.linalg.LinAlgError(message)
    self._M, self.eps, self.V, self.rank = matrix, 1e3 * bound, v[:, w <= bound], rank
    self.U, self.log_pdet, self._pinv = root, log, None


def _multivariate() -> Table:
    return {sys.modules["scipy.stats._multivariate"]._PSD.__init__: _semidefinite}


TABLES: dict[str, Callable[[], Table]] = {
    "scipy.stats._distn_infrastructure": _frozen,
    "scipy.special": _distributions,
    "scipy.stats._kde": _densities,
    "scipy.stats._multivariate": _multivariate,
}
