"""How much of third-party code lifts, and whether it then agrees with plain Python.

Calls functions of NumPy, SciPy, scikit-learn and statsmodels unmodified, with small synthetic
arguments. Each call is made by plain Python, through `lazy.jit` (equal results, lifted whole or not)
and, where a float array goes in and floats come out, through `lazy.jacobian` against central
differences. What is read from source and what is read from bytecode must give one graph. Prints the
shares per package and the most frequent reasons for refusal.

    python tests/survey.py [package ...] [--reasons N] [--list STATUS]

Run by `make survey`. It fails if a lifted result differs; what is refused is only counted.
"""

import argparse
import collections
import contextlib
import importlib
import inspect
import io
import random
import re
import signal
import sys
import types
import warnings

import numpy as np

import lazy

PACKAGES = {
    "numpy": """numpy numpy.linalg numpy.lib.stride_tricks numpy.polynomial.polynomial
        numpy.polynomial.chebyshev numpy.polynomial.legendre numpy.polynomial.hermite
        numpy.polynomial.laguerre numpy.polynomial.hermite_e numpy.fft""",
    "scipy": """scipy.optimize scipy.special scipy.linalg scipy.integrate scipy.interpolate
        scipy.signal scipy.signal.windows scipy.spatial.distance scipy.stats scipy.stats.mstats
        scipy.ndimage scipy.stats.contingency scipy.cluster.vq scipy.fft""",
    "sklearn": """sklearn.metrics sklearn.metrics.pairwise sklearn.preprocessing
        sklearn.utils.extmath sklearn.gaussian_process.kernels sklearn.covariance
        sklearn.feature_selection sklearn.utils.validation""",
    "statsmodels": """statsmodels.tools.tools statsmodels.robust.scale statsmodels.robust.norms
        statsmodels.tsa.stattools statsmodels.stats.stattools statsmodels.stats.weightstats
        statsmodels.nonparametric.kernels statsmodels.tsa.tsatools statsmodels.tsa.arima_process
        statsmodels.regression.linear_model statsmodels.stats.correlation_tools
        statsmodels.distributions.empirical_distribution statsmodels.tools.eval_measures
        statsmodels.stats.moment_helpers statsmodels.tools.numdiff statsmodels.tsa.filters.filtertools
        statsmodels.genmod.families.links statsmodels.stats.inter_rater""",
}

# They read files, start threads, plot, change settings, or never end.
SKIPPED = """
    save savez savez_compressed savetxt load loadtxt genfromtxt fromfile memmap show_config show_runtime
    test info get_include set_printoptions printoptions seterr seterrcall geterr setbufsize getbufsize input
    set_string_function fromregex lookfor source disp set_workers set_global_backend register_backend
    skip_backend set_backend fromfunction frompyfunc vectorize clear_data_home fetch_openml dual_annealing
    differential_evolution basinhopping brute shgo direct show_options
"""

SECONDS = 4


class Case:
    """A call: a package, what to call, and fresh arguments for each of its runs."""

    def __init__(self, package, name, function, make):
        self.package, self.name, self.function, self.make = package, name, function, make


def vectors():
    return [
        lambda: (np.array([0.3, 1.2, 0.7, 2.1, 1.6]),),
        lambda: (np.array([0.3, 1.2, 0.7, 2.1]), np.array([0.6, 0.2, 1.1, 0.9])),
        lambda: (
            np.array([[1.3, 0.2, 0.1], [0.2, 1.7, 0.3], [0.1, 0.3, 2.1]]),
            np.array([0.6, 0.2, 1.1]),
        ),
        lambda: (np.array([[1.3, 0.2, 0.1], [0.2, 1.7, 0.3], [0.1, 0.3, 2.1]]),),
        lambda: (
            np.array([[1.3, 0.2, 0.1], [0.2, 1.7, 0.3]]),
            np.array([[0.4, 0.8, 0.9], [1.2, 0.7, 0.5]]),
        ),
        lambda: (np.array([0.1, 0.4, 0.8]), np.array([0.9, 0.2, 0.4]), np.array([1.1, 1.4, 1.2])),
        lambda: (0.7,),
        lambda: (0.7, 1.3),
        lambda: (5,),
        lambda: (5, np.array([0.3, 1.2, 0.7])),
        lambda: (np.array([0.3, 1.2, 0.7, 2.1, 1.6]), 2),
        lambda: (np.array([0, 1, 1, 0, 1]), np.array([0, 1, 0, 0, 1])),
        lambda: ([np.array([0.3, 1.2]), np.array([0.7, 2.1])],),
        lambda: (lambda t: t * t, np.array([0.3, 1.2])),
    ]


def sweep(package, module_name):
    """Every public Python function of a module, with the first arguments that it accepts."""
    module = importlib.import_module(module_name)
    names = getattr(module, "__all__", None) or dir(module)
    for name in sorted(names):
        function = getattr(module, name, None)
        if name.startswith("_") or name in SKIPPED.split() or isinstance(function, (type, types.ModuleType)):
            continue
        if not callable(function) or isinstance(function, np.ufunc):
            continue
        inner = inspect.unwrap(function)
        if not isinstance(inner, types.FunctionType):
            continue
        for make in vectors():
            if (outcome := attempt(function, make()))[0] == "value" and outcome[1] is not None:
                yield Case(package, f"{module_name}.{name}", function, make)
                break


def samples():
    """Calls that a sweep does not find: methods, models, distributions, kernels."""
    yield from optimize_samples()
    yield from distribution_samples()
    yield from kernel_samples()
    yield from statsmodels_samples()


def optimize_samples():
    from scipy import integrate, optimize, special

    x = np.array([0.3, 1.2, 0.7, 2.1])
    for name in ("rosen", "rosen_der", "rosen_hess"):
        yield Case("scipy", f"scipy.optimize.{name}", getattr(optimize, name), lambda: (x.copy(),))
    for name in ("logsumexp", "softmax", "log_softmax"):
        f = getattr(special, name)
        yield Case("scipy", f"scipy.special.{name}", f, lambda: (x.copy(),))
        yield Case("scipy", f"scipy.special.{name} axis", f, lambda: (np.outer(x, x), 0))

    def step(y):
        solver = integrate.RK45(lambda t, y: -y * t, 0.0, y, 1.0)
        solver.step()
        return solver.y

    yield Case("scipy", "scipy.integrate.RK45.step", step, lambda: (x.copy(),))


def distribution_samples():
    from scipy import stats

    shapes = {"gamma": (2.3,), "t": (4.5,), "beta": (2.1, 3.2), "lognorm": (0.8,)}
    shapes |= {"chi2": (3.4,), "weibull_min": (1.7,), "pareto": (2.5,), "genextreme": (0.3,)}
    shapes |= {"poisson": (2.5,), "binom": (7, 0.3), "f": (3.0, 5.0), "invgamma": (2.2,)}
    names = """norm expon uniform laplace logistic cauchy gumbel_r gumbel_l rayleigh maxwell halfnorm
        arcsine cosine hypsecant anglit semicircular levy moyal wald gamma t beta lognorm chi2 weibull_min
        pareto genextreme f invgamma"""
    for name in names.split():
        made = getattr(stats, name)
        args = shapes.get(name, ())
        for method in ("_pdf", "_logpdf", "_cdf", "_logsf"):
            yield Case(
                "scipy.stats._",
                f"scipy.stats.{name}.{method}",
                getattr(made, method),
                lambda args=args: (np.array([0.3, 0.6, 0.8]), *args),
            )
        for method in ("pdf", "logpdf", "cdf", "sf", "logcdf"):
            yield Case(
                "scipy.stats",
                f"scipy.stats.{name}.{method}",
                getattr(made, method),
                lambda args=args: (np.array([0.3, 0.6, 0.8]), *args),
            )

        def shifted(x, loc, scale, made=made, args=args):
            return made.logpdf(x, *args, loc=loc, scale=scale)

        yield Case(
            "scipy.stats",
            f"scipy.stats.{name}.logpdf(loc, scale)",
            shifted,
            lambda: (np.array([0.7, 0.9]), 0.1, 1.5),
        )
    for name in ("poisson", "binom"):
        made = getattr(stats, name)
        for method in ("pmf", "logpmf", "cdf"):
            yield Case(
                "scipy.stats",
                f"scipy.stats.{name}.{method}",
                lambda p, made=made, method=method, first=shapes[name][:-1]: getattr(made, method)(
                    np.array([1.0, 2.0]), *first, p
                ),
                lambda name=name: (shapes[name][-1],),
            )
    covariance = np.array([[1.3, 0.2], [0.2, 0.7]])
    yield Case(
        "scipy.stats",
        "scipy.stats.multivariate_normal.logpdf",
        lambda x, m: stats.multivariate_normal.logpdf(x, m, covariance),
        lambda: (np.array([0.7, 0.9]), np.array([0.1, 0.2])),
    )


def kernel_samples():
    from sklearn.gaussian_process import kernels as k

    X = np.array([[0.1, 0.4], [0.9, 0.3], [0.5, 0.8]])
    made = {
        "RBF": k.RBF(0.7),
        "RBF ARD": k.RBF([0.7, 1.2]),
        "Constant": k.ConstantKernel(0.8),
        "White": k.WhiteKernel(0.3),
        "Matern 0.5": k.Matern(0.6, nu=0.5),
        "Matern 1.5": k.Matern(0.6, nu=1.5),
        "Matern 2.5": k.Matern(0.6, nu=2.5),
        "RationalQuadratic": k.RationalQuadratic(0.5, 1.1),
        "ExpSineSquared": k.ExpSineSquared(0.5, 1.3),
        "DotProduct": k.DotProduct(0.4),
        "sum and product": k.ConstantKernel(0.8) * k.RBF(0.7) + k.WhiteKernel(0.2),
        "exponentiation": k.RBF(0.7) ** 2,
        "pairwise": k.PairwiseKernel(metric="rbf", gamma=0.4),
    }
    for name, kernel in made.items():

        def of_theta(theta, kernel=kernel):
            return kernel.clone_with_theta(theta)(X)

        yield Case("sklearn", f"gp {name} K(X)", kernel, lambda: (X.copy(),))
        yield Case("sklearn", f"gp {name} K(X, Y)", kernel, lambda: (X.copy(), X[:2] + 0.1))
        yield Case("sklearn", f"gp {name} diag", kernel.diag, lambda: (X.copy(),))
        yield Case("sklearn", f"gp {name} theta", of_theta, lambda theta=kernel.theta: (theta,))

    from sklearn import linear_model, preprocessing

    y = np.array([0.3, 1.2, 0.4])
    fitted = {
        "LinearRegression": linear_model.LinearRegression().fit(X, y),
        "Ridge": linear_model.Ridge(0.4).fit(X, y),
    }
    for name, model in fitted.items():
        yield Case("sklearn", f"{name}.predict", model.predict, lambda: (X.copy(),))
    for name in ("StandardScaler", "MinMaxScaler", "MaxAbsScaler", "PolynomialFeatures"):
        model = getattr(preprocessing, name)().fit(X)
        yield Case("sklearn", f"{name}.transform", model.transform, lambda: (X.copy(),))


def statsmodels_samples():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import statsmodels.api as sm
        from statsmodels.genmod.families import links, varfuncs
        from statsmodels.robust import norms

    draw = np.random.default_rng(3)
    X = np.column_stack([np.ones(12), draw.normal(size=(12, 2))])
    binary = (draw.random(12) > 0.4).astype(float)
    counts = draw.poisson(2.0, 12).astype(float)
    y = draw.normal(size=12)
    beta = np.array([0.2, -0.4, 0.3])
    families = sm.families
    models = {
        "Logit": (sm.Logit(binary, X), beta),
        "Probit": (sm.Probit(binary, X), beta),
        "Poisson": (sm.Poisson(counts, X), beta),
        "NegativeBinomial": (sm.NegativeBinomial(counts, X), np.append(beta, 0.5)),
        "GeneralizedPoisson": (sm.GeneralizedPoisson(counts, X), np.append(beta, 0.3)),
        "OLS": (sm.OLS(y, X), beta),
        "WLS": (sm.WLS(y, X, weights=np.linspace(1, 2, 12)), beta),
        "GLS": (sm.GLS(y, X), beta),
        "GLM Poisson": (sm.GLM(counts, X, family=families.Poisson()), beta),
        "GLM Binomial": (sm.GLM(binary, X, family=families.Binomial()), beta),
        "GLM Gamma": (
            sm.GLM(counts + 1, X, family=families.Gamma(links.Log())),
            beta,
        ),
        "GLM Gaussian": (sm.GLM(y, X, family=families.Gaussian()), beta),
    }
    for name, (model, params) in models.items():
        for method in ("loglike", "loglikeobs", "score", "score_obs", "hessian", "predict"):
            bound = getattr(model, method, None)
            if bound is not None:
                yield Case("statsmodels.models", f"{name}.{method}", bound, lambda p=params: (p.copy(),))
    z = np.array([0.4, -2.3, 1.7, 5.1])
    for name in ("LeastSquares", "HuberT", "RamsayE", "AndrewWave", "TrimmedMean", "Hampel"):
        norm = getattr(norms, name)()
        for method in ("rho", "psi", "weights", "psi_deriv"):
            yield Case("statsmodels", f"norms.{name}.{method}", getattr(norm, method), lambda: (z.copy(),))
    norm = norms.TukeyBiweight()
    for method in ("rho", "psi", "weights", "psi_deriv"):
        yield Case("statsmodels", f"norms.Tukey.{method}", getattr(norm, method), lambda: (z.copy(),))
    p = np.array([0.2, 0.5, 0.7])
    for name in ("Logit", "Probit", "Log", "CLogLog", "LogLog", "Identity", "Sqrt", "InversePower"):
        link = getattr(links, name)()
        for method in ("__call__", "inverse", "deriv", "inverse_deriv"):
            yield Case("statsmodels", f"links.{name}.{method}", getattr(link, method), lambda: (p.copy(),))
    for name in ("constant", "mu", "mu_squared", "binary", "nbinom"):
        yield Case("statsmodels", f"varfuncs.{name}", getattr(varfuncs, name), lambda: (p.copy(),))


class Late(BaseException):
    """A call took too long."""


@contextlib.contextmanager
def limited(seconds):
    def late(*_):
        raise Late

    signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def attempt(function, args):
    """The value, the exception or a timeout, and what was printed."""
    out = io.StringIO()
    random.seed(1)
    np.random.seed(1)
    try:
        with limited(SECONDS), contextlib.redirect_stdout(out), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return "value", function(*args), out.getvalue()
    except Late:
        return "late", None, ""
    except Exception as error:
        return "raises", error, out.getvalue()


def equal(a, b):
    """Whether two results are the same to a user: type, shape, dtype, values up to rounding."""
    if isinstance(a, np.ma.MaskedArray) or type(a).__module__.startswith("pandas"):
        return type(a) is type(b) and repr(a) == repr(b)
    if type(a) is not type(b):
        return False
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(map(equal, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(equal(a[k], b[k]) for k in a)
    if isinstance(a, np.ndarray) and a.dtype.kind in "biufc":
        same = a.shape == b.shape and a.dtype == b.dtype
        return same and np.allclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True)
    if np.isscalar(a) and np.asarray(a).dtype.kind in "biufc":
        return bool(np.isclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True))
    if isinstance(a, np.ndarray) or np.isscalar(a) or a is None:
        return bool(np.all(a == b))
    # Other objects are equal if they look so; few classes define more.
    return a is b or equal(getattr(a, "__dict__", {}), getattr(b, "__dict__", {}))


def jit(case):
    """`whole`, `raises`, `differs`, or the reason for a refusal."""
    wanted = attempt(case.function, (expected_args := case.make()))
    if wanted[0] == "late":
        return "late", ""
    compiled = lazy.jit(case.function)
    reason = attempt(compiled.explain, case.make())
    if reason[0] != "value":
        return "error", f"{type(reason[1]).__name__}: {reason[1]}"
    found = attempt(compiled, (args := case.make()))
    if found[0] != wanted[0] or found[2] != wanted[2]:
        return "differs", f"{wanted[0]} {wanted[1]!r}, but {found[0]} {found[1]!r}"
    if wanted[0] == "value":
        same = equal(found[1], wanted[1]) and equal(args, expected_args)
    else:
        same = type(found[1]) is type(wanted[1]) and str(found[1]) == str(wanted[1])
    if not same:
        return "differs", f"{wanted[1]!r}, but {found[1]!r}"
    if "runs as plain Python" in reason[1]:
        return "refused", reason[1].split("\n", 1)[1]
    return "whole", reason[1]


def differences(function, args):
    """The jacobian of the flattened result by the first argument, and once more with half the step."""

    def of(x):
        result = function(x, *args[1:])
        return np.asarray(result, dtype=float).ravel()

    x = args[0]
    estimates = []
    for h in (1e-5, 5e-6):
        columns = []
        for i in np.ndindex(x.shape):
            up, down = x.copy(), x.copy()
            up[i] += h
            down[i] -= h
            columns.append((of(up) - of(down)) / (2 * h))
        estimates.append(np.array(columns).T)
    return estimates


def derivative(case):
    """As `jit`, of the jacobian with respect to the first argument; `None` where that has no meaning."""
    args = case.make()
    if not args or not isinstance(args[0], np.ndarray) or args[0].dtype.kind != "f":
        return None
    value = attempt(case.function, case.make())[1]
    if not isinstance(value, (float, np.floating, np.ndarray)) or np.asarray(value).dtype.kind != "f":
        return None
    if np.isnan(value).any():
        # Outside the domain there are no differences to compare with.
        return None
    found = attempt(lazy.jacobian(case.function), args)
    if found[0] != "value":
        return "refused", str(found[1])
    outcome = attempt(lambda: differences(case.function, case.make()), ())
    if outcome[0] != "value":
        return None
    coarse, fine = outcome[1]
    scale = np.maximum(1.0, np.abs(fine))
    smooth = np.abs(coarse - fine) < 1e-6 * scale
    if np.size(found[1]) != fine.size:
        return "differs", f"differences {fine!r}, but {found[1]!r}"
    close = np.abs(np.reshape(found[1], fine.shape) - fine) < 1e-5 * scale
    if np.all(close | ~smooth):
        return "whole", ""
    return "differs", f"differences {fine!r}, but {found[1]!r}"


def nodes(graph):
    """The nodes of a graph without their numbers: where a constant stands depends on when it was needed."""
    return sorted(re.sub(r"%\d+|site=\d+", "", line) for line in graph.splitlines())


def fronts(case):
    """As `jit`, of reading all code once from its source and once from its bytecode: equal graphs."""
    graphs = []
    for front in ("source", "bytecode"):
        function = lazy.Function(case.function, ("jit",), {"front": front})
        graphs.append(attempt(function.graph_for, case.make()))
    source, bytecode = graphs
    if source[0] == bytecode[0] == "value":
        same = nodes(source[1]) == nodes(bytecode[1])
        return ("whole", "") if same else ("differs", f"{source[1]}\n{bytecode[1]}")
    # Source that does not parse is left to the other front.
    return "refused", str(source[1])


def summary(text):
    """A reason without its place: what the most frequent ones are counted by."""
    for line in text.splitlines():
        if "^" in line:
            return line.split("^")[-1].strip()
    return text.splitlines()[0] if text else ""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("packages", nargs="*", default=list(PACKAGES))
    parser.add_argument("--reasons", type=int, default=25)
    parser.add_argument("--list", choices=["whole", "refused", "differs", "error", "late"])
    parser.add_argument("--only", default="", help="part of the names to call")
    options = parser.parse_args()
    cases = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for package in options.packages:
            for module in PACKAGES[package].split():
                cases.extend(sweep(package, module))
        cases.extend(c for c in samples() if c.package.split(".")[0] in options.packages)
    counts = collections.defaultdict(collections.Counter)
    reasons = collections.Counter()
    example = {}
    wrong = []
    for case in cases:
        if options.only not in case.name:
            continue
        for kind, check in (("jit", jit), ("jacobian", derivative), ("fronts", fronts)):
            outcome = check(case)
            if outcome is None:
                continue
            status, text = outcome
            counts[case.package, kind][status] += 1
            if status in ("refused", "error") and kind == "jit":
                reasons[summary(text)] += 1
                example.setdefault(summary(text), case.name)
            if status == "differs":
                wrong.append(f"{kind} of {case.name}: {text[:400]}")
            if status == options.list:
                print(f"-- {kind} {case.name}\n{text}")
        if options.list is None and sys.stderr.isatty():
            print(case.name, file=sys.stderr)
    print(f"{'package':28} {'calls':>5} {'whole':>6} {'refused':>7} {'differs':>7} {'error':>5} {'late':>4}")
    for (package, kind), counter in counts.items():
        numbers = [counter[s] for s in ("whole", "refused", "differs", "error", "late")]
        whole = f"{100 * numbers[0] / counter.total():.0f} %"
        print(f"{package + ' ' + kind:28} {counter.total():5} {whole:>6}", *numbers[1:], sep="  ")
    for reason, count in reasons.most_common(options.reasons):
        print(f"{count:4}  {reason}   ({example[reason]})")
    for line in wrong:
        print("DIFFERS", line)
    return bool(wrong)


if __name__ == "__main__":
    raise SystemExit(main())
