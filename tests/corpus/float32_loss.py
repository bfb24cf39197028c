"""Single precision stays single."""

import numpy as np


def float32_loss(w, x):
    return ((w * x + 1) ** 2).mean() / 2


def arguments():
    rng = np.random.default_rng(0)
    return rng.normal(size=5).astype(np.float32), rng.normal(size=5).astype(np.float32)


ARGNUMS = (0,)
