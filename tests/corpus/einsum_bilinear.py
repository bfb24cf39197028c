"""A bilinear form by einsum."""

import numpy as np


def einsum_bilinear(x, A, y):
    return np.einsum("i,ij,j->", x, A, y)


def arguments():
    rng = np.random.default_rng(0)
    return rng.normal(size=3), rng.normal(size=(3, 4)), rng.normal(size=4)


ARGNUMS = (0, 1, 2)
