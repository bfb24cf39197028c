"""The stable logarithm of a sum of exponentials."""

import numpy as np


def log_sum_exp(x):
    top = np.max(x)
    return top + np.log(np.sum(np.exp(x - top)))


def arguments():
    return (np.array([1.0, -2.0, 30.0, 29.5]),)


ARGNUMS = (0,)
