"""The founding example: a linear SVM's mean hinge loss with an L2 penalty."""

import numpy as np


def svm_loss(weights, bias, X, y):
    margins = y * (X @ weights + bias)
    hinge = np.maximum(0.0, 1.0 - margins)
    return hinge.mean() + 0.5 * 0.01 * np.dot(weights, weights)


def arguments():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 3))
    y = np.where(rng.random(20) < 0.5, -1.0, 1.0)
    return rng.normal(size=3), 0.3, X, y


ARGNUMS = (0, 1)
