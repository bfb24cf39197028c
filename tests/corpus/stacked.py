"""Concatenating, stacking and reversing."""

import numpy as np


def stacked(a, b):
    both = np.concatenate([a, b[::-1]])
    grid = np.stack([both, both**2], axis=1)
    return (grid * np.arange(grid.size).reshape(grid.shape)).sum()


def arguments():
    rng = np.random.default_rng(0)
    return rng.normal(size=3), rng.normal(size=2)


ARGNUMS = (0, 1)
