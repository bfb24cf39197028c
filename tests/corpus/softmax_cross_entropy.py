"""Softmax cross-entropy with integer labels."""

import numpy as np


def softmax_cross_entropy(W, X, labels):
    logits = X @ W
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -log_probabilities[np.arange(len(labels)), labels].mean()


def arguments():
    rng = np.random.default_rng(0)
    return rng.normal(size=(4, 3)), rng.normal(size=(10, 4)), rng.integers(0, 3, size=10)


ARGNUMS = (0,)
