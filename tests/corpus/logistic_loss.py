"""Logistic regression, written stably."""

import numpy as np


def logistic_loss(w, X, y):
    z = X.dot(w)
    return np.sum(np.logaddexp(0.0, z) - y * z)


def arguments():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(15, 4))
    return rng.normal(size=4), X, (rng.random(15) < 0.5).astype(float)


ARGNUMS = (0,)
