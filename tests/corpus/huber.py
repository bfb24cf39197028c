"""Huber's loss by a choice between two pieces."""

import numpy as np


def huber(residual, delta=1.0):
    size = np.abs(residual)
    quadratic = 0.5 * residual**2
    linear = delta * (size - 0.5 * delta)
    return np.where(size <= delta, quadratic, linear).sum()


def arguments():
    return (np.array([-3.0, -0.4, 0.2, 2.5]),)


ARGNUMS = (0,)
