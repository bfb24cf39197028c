"""A beta prior on a coin."""

import numpy as np


def coin(tosses):
    bias = np.random.beta(2.0, 2.0)
    heads = np.random.binomial(tosses, bias)
    return heads


def arguments():
    return (10,)


GIVEN = {"heads": 7}
VALUES = {"bias": 0.6}
