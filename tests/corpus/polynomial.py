"""Horner's rule over a list of coefficients."""

import numpy as np


def polynomial(coefficients, x):
    total = 0.0
    for c in coefficients:
        total = total * x + c
    return total.sum()


def arguments():
    return [1.5, -2.0, 0.5, 3.0], np.linspace(-1.0, 1.0, 5)


ARGNUMS = (0, 1)
