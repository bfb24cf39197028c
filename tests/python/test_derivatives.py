"""Derivatives of NumPy's and SciPy's names to second order, against differences.

Each row is an expression of `x` (5 numbers in general position), `p` (5 positive numbers below one),
`A` (3 by 4) and `S` (4 increasing numbers). What is differentiated is a weighted sum of its result;
its value, gradient, `jvp` against `vjp`, and the Hessian along a direction are checked.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from scipy import special, stats

import lazy

X = np.array([0.3, 1.7, -0.4, 2.2, 0.9])
P = np.array([0.31, 0.72, 0.14, 0.55, 0.87])
A = np.array([[0.41, -0.83, 1.27, 0.19], [-0.35, 0.68, -1.12, 1.54], [0.93, -0.27, 0.06, -0.71]])
S = np.array([0.1, 0.5, 1.2, 2.5])
I = np.array([1, 3, 1, 0, 2])  # noqa: E741
ARGUMENTS = (X, P, A, S)

NUMPY = """
np.unique(x)
np.unique(x, return_inverse=True)[0]
np.searchsorted(S, x) * x
np.digitize(x, S) * x
np.interp(x, S, S**2 + x[0])
np.interp(x, S, S**2, left=x[1], right=0.0)
np.interp(x, S, S**2, period=2.7)
np.union1d(x, p)
np.setdiff1d(x, S)
np.partition(x, 2).sum()
np.percentile(x, 30)
np.percentile(A, [10, 50], axis=1)
np.percentile(x, 40, weights=p, method="inverted_cdf")
np.unique(A, axis=0) ** 2
np.vectorize(lambda a, b: a * b**2)(x, p)
np.pad(x, 2, mode="reflect", reflect_type="odd") ** 2
np.insert(x, np.array([1, 3]), p[:2]) ** 2
np.add.reduceat(x * x, np.array([0, 2]))
np.linalg.slogdet(A[:, :3]).logabsdet
np.linalg.svd(A, full_matrices=False).Vh ** 2
np.quantile(A, 0.3, axis=(0, 1))
np.quantile(x, 0.3, method="lower")
np.quantile(x, 0.7, method="hazen")
np.nanquantile(A, 0.35, axis=0, keepdims=True)
np.nanmedian(A, axis=1)
np.median(A, axis=(0, 1))
np.histogram(x, 4, range=(-1, 3), weights=p)[0]
np.histogram(x, bins=4)[1]
np.histogramdd(A, 2, weights=p[:3])[0]
np.lexsort((p, x)) * x
np.delete(x, 1)
np.delete(A, [0, 2], axis=1)
np.delete(x, slice(1, 3))
np.delete(x, x > 1)
np.insert(x, 1, p[0])
np.insert(A, 1, p[:3], axis=1)
np.ediff1d(x, to_begin=p[0])
np.resize(x, (2, 4))
np.block([[A, 2.0 * A], [A, A * A]])
np.lib.stride_tricks.sliding_window_view(x, 3)
np.pad(x, 2, mode="mean")
np.pad(A, 1, mode="linear_ramp")
np.pad(x, 2, mode="reflect")
np.pad(x, (1, 2), mode="wrap")
np.piecewise(x, [x < 0, x >= 0], [lambda v: v**2, lambda v: np.sin(v)])
np.apply_along_axis(lambda r: r[0] * r, 1, A)
np.apply_over_axes(np.sum, A, [0, 1])
np.choose(np.array([0, 5, 1, 0, 1]), [x, x * x], mode="clip")
np.polyadd(x, S)
np.polysub(S, x)
np.polyint(x)
np.polyder(x * x)
np.poly(S * x[0])
np.polyval(x, S)
np.kaiser(5, p[0])
np.matvec(A, S * x[0])
np.vecmat(S, A.T * x[0])
np.gradient(x * x)
np.gradient(x, p.cumsum())
np.gradient(A * A, 2.0, S, edge_order=2)[1]
np.unwrap(x * 3.0)
np.cov(A)
np.corrcoef(A)
np.cov(x, p, ddof=0)
np.average(A, axis=1, weights=S * x[0])
np.trapezoid(x * x, p)
np.cumulative_sum(x * x, include_initial=True)
np.diff(A * A, n=2, prepend=1.0)
np.maximum.accumulate(x) * x
np.minimum.reduce(A, axis=0) ** 2
np.hypot.reduce(A, axis=1)
np.logaddexp.reduce(x)
np.logaddexp.accumulate(x)
np.subtract.reduce(A * A, axis=1)
np.divide.accumulate(p)
np.multiply.accumulate(x)
np.add.reduceat(x * x, [0, 2, 1])
np.multiply.reduceat(x, [0, 2])
np.add.reduce(A * A, axis=(0, 1), where=A > 0)
np.power.outer(p, x)
np.hypot.outer(x, p)
np.kron(A, A)
np.vander(x, 4)
np.cross(A[:, :3], A[:, 1:])
np.sinc(x)
np.i0(x)
np.select([x > 1, x > 0], [x * x, x], 3.0 * x)
np.where(x > 0, np.log(np.abs(x)), x**2)
np.nan_to_num(x * x)
np.clip(x, 0.1, 1.5) ** 2
np.prod(A, axis=1)
np.cumprod(A, axis=1)
np.nanprod(A, axis=0)
np.std(A, axis=1, ddof=1)
np.var(A, axis=(0, 1))
np.ptp(A, axis=0) ** 2
np.sort(A, axis=None) ** 2
np.take_along_axis(A, np.argsort(A, axis=1), axis=1) ** 2
np.einsum("ij,kj->ik", A, A)
np.convolve(x, p, "same")
np.correlate(x, p, "full")
np.roll(A, (1, 2), axis=(0, 1)) ** 2
np.geomspace(p[0], p[1], 4)
np.logspace(x[0], x[1], 4)
np.linspace(x, p, 4) ** 2
np.logaddexp2(x, p)
np.arctan2(x, p)
np.hypot(x, p)
np.float_power(p, x)
np.heaviside(x, p)
np.modf(x)[0] ** 2
np.remainder(x, p + 0.05)
np.copysign(p, x) ** 2
np.linalg.norm(A, axis=1)
np.meshgrid(x, p)[0] ** 2
np.r_[x, p] ** 2
np.c_[x, p] ** 2
x[np.ix_(np.array([0, 2]))] ** 2
A[np.triu_indices(3)] ** 2
A[np.diag_indices(3)] ** 2
""".strip().split("\n")

SPECIAL = """
erf(x) | erfc(x) | erfcx(x) | erfinv(p) | erfcinv(p) | dawsn(x) | ndtr(x) | log_ndtr(x) | ndtri(p)
ndtri_exp(-p) | owens_t(x, p) | owens_t(0.0, x) | gamma(x) | gammaln(x) | loggamma(p) | rgamma(x)
digamma(x) | polygamma(1, p) | poch(p, x) | beta(p, p + 1.0) | betaln(p, 2.0 * p) | binom(p + 3.0, p)
zeta(p + 2.0, p) | zeta(p + 2.0) | zetac(p + 2.0) | gammainc(p, p * p) | gammaincc(p + 1.0, 3.0 * p)
gammaincinv(p + 1.0, p) | gammainccinv(p + 1.0, p) | betainc(p, p + 1.0, 0.5 * p) | betaincc(p, 2.0, p)
betaincinv(p + 1.0, 2.0, p) | betainccinv(p + 1.0, 2.0, p) | stdtr(p + 1.0, x) | stdtrit(p + 1.0, 0.5 * p)
entr(p) | rel_entr(p, 2.0 * p) | kl_div(p, p * p) | huber(0.5, x) | pseudo_huber(p, x) | logit(p)
expit(x) | log_expit(x) | exprel(x) | exprel(x - x) | boxcox(p, x) | boxcox(p, 0.0) | boxcox1p(p, x)
inv_boxcox(p, p) | inv_boxcox1p(p, p) | cosm1(x) | sindg(30.0 * x) | cosdg(30.0 * x) | tandg(30.0 * x)
radian(x, p, p) | xlogy(p, p) | xlog1py(p, p) | j0(x) | j1(x) | jv(1.5, p) | jv(2, x) | jn(3, x)
y0(p) | y1(p) | yv(1.5, p) | yn(2, p) | i0(x) | i0e(x) | i1(x) | i1e(x) | iv(1.5, p) | ive(2, x)
k0(p) | k1(p) | k0e(p) | k1e(p) | kv(2.5, p) | kve(1.5, p) | kn(2, p) | spherical_jn(2, x)
spherical_jn(1, x, derivative=True) | hyp0f1(1.5, x) | hyp1f1(1.5, 2.5, x) | hyp2f1(0.5, 1.5, 2.5, -p)
hyp2f1(0.5, 1.5, 2.0, p) | expn(2, p) | exp1(p) | expi(x) | sici(x)[0] | sici(p)[1] | shichi(x)[0]
shichi(p)[1] | fresnel(x)[0] | fresnel(x)[1] | spence(p) | ellipk(p) | ellipk(-2.0 * p) | ellipkm1(p)
ellipe(p) | ellipkinc(x, 0.5 * p) | ellipeinc(x, 0.5 * p) | comb(p + 5.0, 2) | perm(p + 5.0, 2)
factorial(p) | multigammaln(p + 2.0, 3) | bdtr(2, 5, p) | bdtrc(2, 5, p) | nbdtr(2, 5, p)
nbdtrc(2, 5, p) | pdtr(2, p) | pdtrc(2, p) | chdtr(p + 1.0, 2.0 * p) | chdtrc(p + 1.0, 2.0 * p)
chdtri(p + 1.0, p) | gdtr(p, 1.5, p) | gdtrc(p, 1.5, p) | fdtr(p + 1.0, p + 2.0, p) | fdtrc(3.0, p, p)
fdtri(p + 1.0, p + 2.0, p) | powm1(p, x) | exp10(x) | logsumexp(x) | softmax(x) | log_softmax(x)
logsumexp(A, axis=1, b=np.abs(A) + 1.0)
"""
ROWS = NUMPY + [f"special.{row.strip()}" for line in SPECIAL.strip().split("\n") for row in line.split(" | ")]


def function_of(row: str) -> Any:
    """The row as a function of the arguments; a weighted sum, so that no symmetry hides an error."""
    source = f"""
def weighted(x, p, A, S):
    result = {row}
    weights = 1.0 + 0.3 * np.cos(1.0 + np.arange(np.size(result)).reshape(np.shape(result)))
    return np.sum(result * weights)
"""
    scope = {"np": np, "special": special, "stats": stats}
    exec(source, scope)
    return scope["weighted"]


def moved(arguments: tuple[np.ndarray, ...], by: tuple[np.ndarray, ...], h: float) -> list[np.ndarray]:
    return [a + h * d for a, d in zip(arguments, by, strict=True)]


def inner(a: Any, b: Any) -> float:
    return float(sum(np.sum(u * v) for u, v in zip(a, b, strict=True)))


@pytest.mark.parametrize("row", ROWS)
def test_derivatives_to_second_order(row: str) -> None:
    f = function_of(row)
    rng = np.random.default_rng(7)
    direction = tuple(rng.normal(size=a.shape) for a in ARGUMENTS)
    other = tuple(rng.normal(size=a.shape) for a in ARGUMENTS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = f(*ARGUMENTS)
        h = 1e-6
        slope = (f(*moved(ARGUMENTS, direction, h)) - f(*moved(ARGUMENTS, direction, -h))) / (2 * h)
    value, gradient = lazy.value_and_grad(f, argnums=(0, 1, 2, 3))(*ARGUMENTS)
    np.testing.assert_allclose(value, expected, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(inner(gradient, direction), slope, rtol=2e-6, atol=2e-8)
    forward = lazy.jvp(f, ARGUMENTS, direction)[1]
    np.testing.assert_allclose(forward, inner(gradient, direction), rtol=1e-10, atol=1e-12)

    gradient_of = lazy.grad(f, argnums=(0, 1, 2, 3))

    def moved_gradient(step: float) -> float:
        return inner(gradient_of(*moved(ARGUMENTS, direction, step)), other)

    curvature = (moved_gradient(1e-5) - moved_gradient(-1e-5)) / 2e-5
    second = inner(lazy.jvp(gradient_of, ARGUMENTS, direction)[1], other)
    np.testing.assert_allclose(second, curvature, rtol=2e-5, atol=2e-7)

    def slope_along(x: Any, p: Any, A: Any, S: Any) -> Any:
        d = gradient_of(x, p, A, S)
        return sum(np.sum(u * v) for u, v in zip(d, other, strict=True))

    backward = inner(lazy.grad(slope_along, argnums=(0, 1, 2, 3))(*ARGUMENTS), direction)
    np.testing.assert_allclose(backward, second, rtol=1e-9, atol=1e-11)


def test_argnums_of_variadic_functions_count_what_is_passed_by_position():
    def f(*args, flag=False, scale=2.0):
        return np.sum(args[0] * args[1]) * scale if not flag else 0.0

    x, y = np.array([1.0, 2.0]), np.array([3.0, 5.0])
    np.testing.assert_allclose(lazy.grad(f)(x, y), 2 * y)
    np.testing.assert_allclose(lazy.grad(f, argnums=1)(x, y, scale=3.0), 3 * x)


# Functions that NumPy or SciPy compute without an operation of lazy's: complex arguments, and those whose
# results satisfy a differential equation.
COMPILED = """
special.airy(x)[0] + special.airy(x)[3] | special.airye(p)[0] * special.airye(p)[1] | special.airye(p)[2]
special.wrightomega(x) | np.real(special.lambertw(p)) | np.real(special.lambertw(x - 3.0, 1)) | special.erfi(x)
special.voigt_profile(x, p, 2.0 * p) | np.real(special.wofz(x)) | special.spherical_yn(2, p)
special.spherical_in(0, p, derivative=True) | special.spherical_kn(2, p) | np.real(special.hankel1(1.5, p))
np.imag(special.hankel2(2, p)) | special.yve(1, p) | special.agm(p, S[0] + p) | special.cotdg(30.0 * p)
special.eval_legendre(4, p) | special.eval_chebyt(3, p) | special.eval_chebyu(3, p) | special.eval_hermite(4, x)
special.eval_hermitenorm(4, x) | special.eval_laguerre(3, p) | special.eval_genlaguerre(3, 0.5, p)
special.eval_gegenbauer(3, 0.7, p) | special.eval_jacobi(3, 0.5, 1.5, p) | special.exp2(x)
stats.beta.pdf(p, 2.0 + p, 3.0) | stats.binom.pmf(2, 5, p) | stats.nbinom.pmf(3, 2.0 + p, p)
np.real(special.erf(x + 1j * p)) | np.imag(special.erfc(x - 1j * p)) | np.real(special.erfcx(x + 1j * p))
np.imag(special.dawsn(x + 1j * p)) | np.real(special.exp1(p + 1j * x)) | np.imag(special.wofz(x + 1j * p))
"""


@pytest.mark.parametrize(
    "row", [row.strip() for line in COMPILED.strip().split("\n") for row in line.split(" | ")]
)
def test_functions_without_an_operation(row: str) -> None:
    test_derivatives_to_second_order(row)


def test_holomorphic_functions() -> None:
    z = np.array([0.3 + 1.1j, -0.7 + 0.2j])
    for f, slope in [
        (np.exp, np.exp),
        (lambda z: z**3, lambda z: 3 * z**2),
        (np.tan, lambda z: 1 / np.cos(z) ** 2),
    ]:
        gradient = lazy.grad(lambda z, f=f: np.sum(f(z)), holomorphic=True)(z)
        np.testing.assert_allclose(gradient, slope(z), rtol=1e-12)
        np.testing.assert_allclose(lazy.jacrev(f)(z), np.diag(slope(z)), rtol=1e-12)
        np.testing.assert_allclose(lazy.jacfwd(f)(z), np.diag(slope(z)), rtol=1e-12)
    gradient, rest = lazy.grad(lambda z: (np.prod(z), z.shape[0]), has_aux=True, holomorphic=True)(z)
    np.testing.assert_allclose(gradient, z[::-1], rtol=1e-12)
    assert rest == 2
