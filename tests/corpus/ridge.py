"""Least squares with a penalty, by keyword."""

import numpy as np


def ridge(beta, X, y, *, strength=0.1):
    residual = y - X @ beta
    return residual @ residual / len(y) + strength * np.sum(beta**2)


def arguments():
    rng = np.random.default_rng(0)
    return rng.normal(size=3), rng.normal(size=(12, 3)), rng.normal(size=12)


ARGNUMS = (0,)
