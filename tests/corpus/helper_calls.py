"""Calls of other functions, a closure and a lambda."""

import numpy as np


def square(x):
    return x * x


def make_penalty(strength):
    return lambda v: strength * square(v).sum()


penalty = make_penalty(0.3)


def helper_calls(x):
    return square(x - 1.0).mean() + penalty(x)


def arguments():
    rng = np.random.default_rng(0)
    return (rng.normal(size=4),)


ARGNUMS = (0,)
