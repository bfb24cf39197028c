"""Poisson counts with a gamma rate."""

import numpy as np


def counts(exposure):
    rate = np.random.gamma(2.0, 1.5)
    events = np.random.poisson(rate * exposure)
    return events


def arguments():
    return (np.array([1.0, 2.0, 0.5]),)


GIVEN = {"events": np.array([3, 7, 1])}
VALUES = {"rate": 2.5}
