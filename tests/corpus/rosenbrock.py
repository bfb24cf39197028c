"""The Rosenbrock function, with slices."""

import numpy as np


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def arguments():
    return (np.array([1.3, 0.7, 0.8, 1.9, 1.2]),)


ARGNUMS = (0,)
