"""Parameters in a dictionary, results too."""

import numpy as np


def named_parameters(params, x):
    hidden = np.maximum(params["scale"] * x + params["shift"], 0.0)
    return np.sum(hidden * params["readout"])


def arguments():
    rng = np.random.default_rng(0)
    params = {"scale": rng.normal(size=4), "shift": 0.2, "readout": rng.normal(size=4)}
    return params, rng.normal(size=4)


ARGNUMS = (0,)
