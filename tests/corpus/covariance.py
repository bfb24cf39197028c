"""A covariance matrix and its quadratic form."""

import numpy as np


def covariance(samples, direction):
    centered = samples - samples.mean(axis=0)
    matrix = centered.T @ centered / (samples.shape[0] - 1)
    return direction @ matrix @ direction


def arguments():
    rng = np.random.default_rng(0)
    return rng.normal(size=(9, 3)), rng.normal(size=3)


ARGNUMS = (0, 1)
