"""A matrix product and a sum."""

import numpy as np


def affine(A, x, b):
    return (A @ x + b).sum()


def arguments():
    rng = np.random.default_rng(0)
    return rng.normal(size=(3, 4)), rng.normal(size=4), rng.normal(size=3)


ARGNUMS = (0, 1, 2)
