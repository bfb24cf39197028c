"""Composed trigonometric and hyperbolic functions."""

import numpy as np


def trigonometric(x):
    y = np.sin(x) * np.cos(2 * x) + np.arctan2(x, 1.0 + x**2)
    return np.prod(np.cosh(0.1 * y) + np.hypot(x, 1.0))


def arguments():
    return (np.array([0.1, 0.7, -1.2]),)


ARGNUMS = (0,)
