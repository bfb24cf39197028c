"""Lennard-Jones energy over pairs of points."""

import numpy as np


def pairwise(points, epsilon=1.0, sigma=0.9):
    difference = points[:, None, :] - points[None, :, :]
    squared = (difference**2).sum(axis=-1)
    squared = squared + np.eye(len(points))
    ratio = (sigma**2 / squared) ** 3
    energy = 4.0 * epsilon * (ratio**2 - ratio)
    return 0.5 * (energy.sum() - np.trace(energy))


def arguments():
    return (np.array([[0.0, 0.0], [1.1, 0.2], [0.4, 1.3], [2.0, 1.5]]),)


ARGNUMS = (0,)
