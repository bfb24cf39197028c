"""A window by cumulative sums."""

import numpy as np


def moving_average(x, width=3):
    total = np.cumsum(x)
    window = total[width:] - total[:-width]
    return np.sum((window / width) ** 2)


def arguments():
    rng = np.random.default_rng(0)
    return (rng.normal(size=9),)


ARGNUMS = (0,)
