"""Linear regression with an unknown scale."""

import numpy as np


def linear_model(x, rng):
    slope = rng.normal(0.0, 2.0)
    offset = rng.normal(0.0, 2.0)
    sigma = rng.exponential(1.0)
    y = rng.normal(slope * x + offset, sigma)
    return y


def arguments():
    return np.linspace(0.0, 1.0, 6), np.random.default_rng(0)


GIVEN = {"y": np.array([0.1, 0.5, 0.7, 1.3, 1.4, 2.1])}
VALUES = {"slope": 2.0, "offset": 0.1, "sigma": 0.4}
