"""The founding examples, end to end: ``make demo``.

A linear SVM fitted with printed gradients; a sampling program turned into a log-density, differentiated and
sampled; a fused expression timed beside NumPy.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

import lazy


def heading(text: str) -> None:
    print(f"\n== {text}\n", flush=True)


# -- 1. the linear SVM of 2012 --------------------------------------------------------------------


def svm_loss(weights: Any, bias: Any, X: Any, y: Any, C: Any) -> Any:
    margins = y * (X @ weights + bias)
    hinge = np.maximum(0.0, 1.0 - margins)
    return 0.5 * np.dot(weights, weights) + 0.5 * bias**2 + C * np.sum(hinge**2)


def support_vector_machine() -> None:
    from sklearn.datasets import load_breast_cancer
    from sklearn.svm import LinearSVC

    table = load_breast_cancer()
    X = (table.data - table.data.mean(axis=0)) / table.data.std(axis=0)
    y = np.where(table.target == 1, 1.0, -1.0)
    C = 0.1

    def loss(params: Any, X: Any, y: Any, C: Any) -> Any:
        return svm_loss(params["weights"], params["bias"], X, y, C)

    start = {"weights": np.zeros(X.shape[1]), "bias": 0.0}
    before = time.perf_counter()
    result = lazy.minimize(loss, start, args=(X, y, C), method="L-BFGS-B", tol=1e-14)
    seconds = time.perf_counter() - before

    # scikit-learn penalises the bias too, as the weight of a constant feature: the same objective.
    reference = LinearSVC(loss="squared_hinge", C=C, tol=1e-10, max_iter=100_000).fit(X, y)
    optimum = svm_loss(reference.coef_[0], reference.intercept_[0], X, y, C)
    print(f"{X.shape[0]} tumours, {X.shape[1]} features; minimised in {seconds * 1000:.0f} ms")
    print(f"cost by lazy.minimize   {result.fun:.9f}")
    print(f"cost by scikit-learn    {optimum:.9f}")

    gradient = lazy.grad(svm_loss, argnums=(0, 1))
    gradient(result.x["weights"], result.x["bias"], X, y, C)
    print("\nlazy.grad(svm_loss, argnums=(0, 1)).source:\n")
    print(gradient.source)


# -- 2. a model, its log-density, its posterior ---------------------------------------------------


def bio_assay(n: Any, doses: Any) -> Any:
    alpha = np.random.normal(0, 10)
    beta = np.random.normal(0, 10)
    theta = 1 / (1 + np.exp(-(alpha + beta * doses)))
    deaths = np.random.binomial(n, theta)
    return deaths


def posterior() -> None:
    n, doses = np.array([5, 5, 5, 5]), np.array([-0.86, -0.3, -0.05, 0.73])
    given = {"deaths": np.array([0, 1, 3, 5])}
    logp = lazy.likelihood(bio_assay, given=given)
    gradient = lazy.grad(logp)
    at = {"alpha": 0.5, "beta": 5.0}
    print("grad(likelihood(bio_assay)) at", at)
    print({name: round(float(value), 6) for name, value in gradient(at, n, doses).items()})
    print("\nits source:\n")
    print(gradient.source)

    mode = lazy.maximize(logp, at, args=(n, doses))
    print("mode:      " + ", ".join(f"{name} = {float(value):.3f}" for name, value in mode.x.items()))

    before = time.perf_counter()
    draws = lazy.sample(bio_assay, (n, doses), given=given, draws=4000, tune=1000, chains=4, seed=1)
    seconds = time.perf_counter() - before
    alpha, beta = draws["alpha"].ravel(), draws["beta"].ravel()
    print(f"posterior: 4 x 4000 draws by NUTS in {seconds:.2f} s")
    print("                         lazy    published")
    rows = {
        "mean of alpha": (alpha.mean(), 0.956),
        "mean of beta": (beta.mean(), 8.893),
        "sd of alpha": (alpha.std(), 0.934),
        "sd of beta": (beta.std(), 3.933),
        "correlation": (np.corrcoef(alpha, beta)[0, 1], 0.582),
    }
    for name, (ours, published) in rows.items():
        print(f"  {name:16} {ours:10.3f} {published:12.3f}")


# -- 3. a fused expression ------------------------------------------------------------------------


def kernel(y: Any, z: Any) -> Any:
    return -(y * np.log1p(np.exp(-z)) + (1 - y) * np.log1p(np.exp(z)))


def best(functions: dict[str, Callable[[], Any]], rounds: int = 15) -> dict[str, float]:
    """The least seconds of each, measured in turn so that all meet the same machine."""
    least = dict.fromkeys(functions, np.inf)
    for _ in range(rounds):
        for name, function in functions.items():
            before = time.perf_counter()
            function()
            least[name] = min(least[name], time.perf_counter() - before)
    return least


def fused() -> None:
    rng = np.random.default_rng(0)
    y, z = (rng.random(1_000_000) < 0.5).astype(float), rng.normal(size=1_000_000)
    jitted = lazy.jit(kernel)
    before = time.perf_counter()
    first = jitted(y, z)
    lifting = time.perf_counter() - before
    np.testing.assert_allclose(first, kernel(y, z), rtol=1e-12)
    seconds = best({"numpy": lambda: kernel(y, z), "lazy": lambda: jitted(y, z)})
    ratio = seconds["numpy"] / seconds["lazy"]
    print("-(y*np.log1p(np.exp(-z)) + (1-y)*np.log1p(np.exp(z))) on 1,000,000 float64")
    print(f"  NumPy       {seconds['numpy'] * 1000:8.2f} ms")
    print(f"  lazy        {seconds['lazy'] * 1000:8.2f} ms   ({ratio:.1f} times faster)")
    print(f"  first call  {lifting * 1000:8.2f} ms   (reading, lifting, compiling, running)")


if __name__ == "__main__":
    heading("1. The linear SVM, on scikit-learn's breast-cancer table")
    support_vector_machine()
    heading("2. The bio-assay model: likelihood, gradient, mode, posterior")
    posterior()
    heading("3. A fused expression, beside NumPy")
    fused()
