"""In-place arithmetic on a copy."""

import numpy as np


def normalized(x):
    out = x.copy()
    out -= out.mean()
    out /= np.sqrt((out**2).mean() + 1e-8)
    return (out**3).sum()


def arguments():
    rng = np.random.default_rng(0)
    return (rng.normal(size=8),)


ARGNUMS = (0,)
