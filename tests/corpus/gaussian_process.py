"""The log marginal likelihood of a Gaussian process with a squared-exponential covariance."""

import numpy as np


def gaussian_process(log_params, x, y):
    amplitude, length, noise = np.exp(log_params)
    distance = (x[:, None] - x[None, :]) / length
    covariance = amplitude**2 * np.exp(-0.5 * distance**2) + noise**2 * np.eye(len(x))
    L = np.linalg.cholesky(covariance)
    alpha = np.linalg.solve(covariance, y)
    return -0.5 * y @ alpha - np.sum(np.log(np.diag(L))) - 0.5 * len(x) * np.log(2 * np.pi)


def arguments():
    rng = np.random.default_rng(0)
    x = np.sort(rng.uniform(0.0, 5.0, size=12))
    return np.array([0.1, -0.3, -1.5]), x, np.sin(x)


ARGNUMS = (0,)
