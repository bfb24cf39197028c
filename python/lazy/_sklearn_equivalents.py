"""scikit-learn's functions that end in compiled code, as NumPy code: see `lazy._equivalents`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from lazy._equivalents import uncovered

Table = dict[Any, Callable[..., Any]]

# -- losses ------------------------------------------------------------------------------------


def _signs(error: Any, below: Any, above: Any) -> Any:
    return np.where(error >= 0, above, below)


def _squared_error(loss: Any, y: Any, raw: Any) -> Any:
    return 0.5 * (raw - y) ** 2, raw - y, np.ones_like(raw)


def _absolute_error(loss: Any, y: Any, raw: Any) -> Any:
    return np.abs(raw - y), np.where(raw > y, 1.0, -1.0), np.ones_like(raw)


def _pinball(loss: Any, y: Any, raw: Any) -> Any:
    share = loss.closs.quantile
    value = np.where(y >= raw, share * (y - raw), (1.0 - share) * (raw - y))
    return value, _signs(y - raw, 1.0 - share, -share), np.ones_like(raw)


def _huber(loss: Any, y: Any, raw: Any) -> Any:
    delta, error = loss.closs.delta, y - raw
    near = np.abs(error) <= delta
    value = np.where(near, 0.5 * error**2, delta * (np.abs(error) - 0.5 * delta))
    return value, np.where(near, -error, _signs(error, delta, -delta)), np.where(near, 1.0, 0.0)


def _poisson(loss: Any, y: Any, raw: Any) -> Any:
    mean = np.exp(raw)
    return mean - y * raw, mean - y, mean


def _gamma(loss: Any, y: Any, raw: Any) -> Any:
    ratio = y * np.exp(-raw)
    return raw + ratio, 1.0 - ratio, ratio


def _tweedie(loss: Any, y: Any, raw: Any) -> Any:
    power = loss.closs.power
    if power == 0.0:
        mean = np.exp(raw)
        return 0.5 * (mean - y) ** 2, mean * (mean - y), mean * (2 * mean - y)
    if power == 1.0:
        return _poisson(loss, y, raw)
    if power == 2.0:
        return _gamma(loss, y, raw)
    one, two = np.exp((1.0 - power) * raw), np.exp((2.0 - power) * raw)
    value = two / (2.0 - power) - y * one / (1.0 - power)
    return value, two - y * one, (2.0 - power) * two - (1.0 - power) * y * one


def _binomial(loss: Any, y: Any, raw: Any) -> Any:
    from scipy import special

    p = special.expit(raw)
    return np.logaddexp(0.0, raw) - y * raw, p - y, p * (1.0 - p)


def _exponential(loss: Any, y: Any, raw: Any) -> Any:
    down, up = y * np.exp(-raw), (1.0 - y) * np.exp(raw)
    return down + up, up - down, down + up


def _multinomial(loss: Any, y: Any, raw: Any) -> Any:
    from scipy import special

    p = special.softmax(raw, axis=1)
    chosen = np.arange(raw.shape[1]) == y[:, None]
    value = special.logsumexp(raw, axis=1) - np.sum(np.where(chosen, raw, 0.0), axis=1)
    return value, p - chosen, p * (1.0 - p)


_LOSSES: dict[str, Callable[..., Any]] = {
    "HalfSquaredError": _squared_error,
    "AbsoluteError": _absolute_error,
    "PinballLoss": _pinball,
    "HuberLoss": _huber,
    "HalfPoissonLoss": _poisson,
    "HalfGammaLoss": _gamma,
    "HalfTweedieLoss": _tweedie,
    "HalfBinomialLoss": _binomial,
    "ExponentialLoss": _exponential,
    "HalfMultinomialLoss": _multinomial,
}


def _parts(loss: Any, y: Any, raw: Any, weights: Any) -> Any:
    """The loss, its gradient and its second derivatives, weighted."""
    name = type(loss).__name__
    if name not in _LOSSES:
        uncovered(f"the loss {name}")
    if name != "HalfMultinomialLoss" and raw.ndim == 2:
        raw = raw.reshape(-1)
    value, gradient, hessian = _LOSSES[name](loss, y, raw)
    if weights is None:
        return value, gradient, hessian
    rows = weights[:, None] if name == "HalfMultinomialLoss" else weights
    return value * weights, gradient * rows, hessian * rows


def _put(out: Any, result: Any, like: Any) -> Any:
    if out is None:
        return result.reshape(like.shape).astype(like.dtype)
    out[...] = result.reshape(out.shape)
    return out


def _loss(
    self: Any,
    y_true: Any,
    raw_prediction: Any,
    sample_weight: Any = None,
    loss_out: Any = None,
    n_threads: int = 1,
) -> Any:
    value, _, _ = _parts(self, y_true, raw_prediction, sample_weight)
    return _put(loss_out, value, y_true)


def _loss_gradient(
    self: Any,
    y_true: Any,
    raw_prediction: Any,
    sample_weight: Any = None,
    loss_out: Any = None,
    gradient_out: Any = None,
    n_threads: int = 1,
) -> Any:
    value, gradient, _ = _parts(self, y_true, raw_prediction, sample_weight)
    return _put(loss_out, value, y_true), _put(gradient_out, gradient, raw_prediction)


def _gradient(
    self: Any,
    y_true: Any,
    raw_prediction: Any,
    sample_weight: Any = None,
    gradient_out: Any = None,
    n_threads: int = 1,
) -> Any:
    _, gradient, _ = _parts(self, y_true, raw_prediction, sample_weight)
    return _put(gradient_out, gradient, raw_prediction)


def _gradient_hessian(
    self: Any,
    y_true: Any,
    raw_prediction: Any,
    sample_weight: Any = None,
    gradient_out: Any = None,
    hessian_out: Any = None,
    n_threads: int = 1,
) -> Any:
    _, gradient, hessian = _parts(self, y_true, raw_prediction, sample_weight)
    return _put(gradient_out, gradient, raw_prediction), _put(hessian_out, hessian, raw_prediction)


def _losses() -> Table:
    base = sys.modules["sklearn._loss.loss"].BaseLoss
    return {
        base.loss: _loss,
        base.loss_gradient: _loss_gradient,
        base.gradient: _gradient,
        base.gradient_hessian: _gradient_hessian,
    }


# -- distances and kernels ---------------------------------------------------------------------


def _additive_chi2(X: Any, Y: Any, result: Any) -> None:
    total, delta = X[:, None, :] + Y[None, :, :], X[:, None, :] - Y[None, :, :]
    some = total != 0
    result[...] = -np.sum(np.where(some, delta * delta / np.where(some, total, 1.0), 0.0), axis=-1)


def _haversine(X: Any, Y: Any = None) -> Any:
    X = np.asarray(X, dtype=np.float64)
    Y = X if Y is None else np.asarray(Y, dtype=np.float64)
    if X.ndim != 2 or X.shape[1] != 2 or Y.ndim != 2 or Y.shape[1] != 2:
        uncovered("points that are no pairs")
    half = np.sin((X[:, None, :] - Y[None, :, :]) / 2) ** 2
    cosines = np.cos(X[:, None, 0]) * np.cos(Y[None, :, 0])
    square = half[..., 0] + cosines * half[..., 1]
    # Of a point and itself there is no slope.
    apart = square > 0
    return np.where(apart, 2 * np.arcsin(np.sqrt(np.where(apart, square, 0.25))), 0.0)


def _pairwise() -> Table:
    module = sys.modules["sklearn.metrics.pairwise"]
    return {module._chi2_kernel_fast: _additive_chi2, module.haversine_distances: _haversine}


# -- support vectors ---------------------------------------------------------------------------


def _kernel(X: Any, vectors: Any, kernel: str, degree: Any, gamma: Any, coef0: Any) -> Any:
    if kernel == "rbf":
        return np.exp(-gamma * np.sum((X[:, None, :] - vectors[None, :, :]) ** 2, axis=-1))
    products = X @ vectors.T
    if kernel == "poly":
        return (gamma * products + coef0) ** degree
    if kernel == "sigmoid":
        return np.tanh(gamma * products + coef0)
    if kernel != "linear":
        uncovered(f"the kernel {kernel}")
    return products


def _decision(wanted: tuple[int, ...]) -> Callable[..., Any]:
    """The sum over the support vectors, for these types of machines; of two classes."""

    def decision(
        X: Any,
        support: Any,
        SV: Any,
        nSV: Any,
        sv_coef: Any,
        intercept: Any,
        probA: Any,
        probB: Any,
        svm_type: int = 0,
        kernel: str = "rbf",
        degree: Any = 3,
        gamma: Any = 0.1,
        coef0: Any = 0.0,
        cache_size: Any = 100.0,
    ) -> Any:
        if svm_type not in wanted or len(sv_coef) != 1:
            uncovered("a machine of several classes, or their names")
        values = _kernel(X, SV, kernel, degree, gamma, coef0) @ np.transpose(sv_coef) + intercept
        return values if wanted[0] == 0 else values[:, 0]

    return decision


def _machines() -> Table:
    module = sys.modules["sklearn.svm._libsvm"]
    return {module.decision_function: _decision((0, 1, 2)), module.predict: _decision((3, 4))}


# -- callbacks ---------------------------------------------------------------------------------


def _fit_context(
    cls: Any, estimator: Any, task_name: Any, task_id: Any, max_subtasks: Any, sequential_subtasks: Any
) -> Any:
    """Of an estimator without callbacks, whom nobody tells when it began and by which name."""
    if len(getattr(estimator, "_skl_callbacks", [])) > 0 or hasattr(estimator, "_parent_callback_ctx"):
        uncovered("callbacks")
    made = cls.__new__(cls)
    made._callbacks = []
    made.estimator_name = estimator.__class__.__name__
    made.task_name = task_name
    made.task_id = task_id
    made.max_subtasks = max_subtasks
    made.sequential_subtasks = sequential_subtasks
    made.parent = None
    made.root_uuid = made.init_time = None
    made._children_map = {}
    made.source_estimator_name = made.source_task_name = None
    made._propagation_depth = 0
    return made


def _callbacks() -> Table:
    context = sys.modules["sklearn.callback._callback_context"].CallbackContext
    return {vars(context)["_from_estimator"].__func__: _fit_context}


TABLES: dict[str, Callable[[], Table]] = {
    "sklearn.callback._callback_context": _callbacks,
    "sklearn.svm._libsvm": _machines,
    "sklearn._loss.loss": _losses,
    "sklearn.metrics.pairwise": _pairwise,
}
