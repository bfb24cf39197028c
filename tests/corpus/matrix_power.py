"""A loop over `range`."""

import numpy as np


def matrix_power(A, x, steps=4):
    for _ in range(steps):
        x = A @ x
        x = x / np.sqrt(x @ x)
    return x @ A @ x


def arguments():
    rng = np.random.default_rng(0)
    return rng.normal(size=(3, 3)), rng.normal(size=3)


ARGNUMS = (0, 1)
