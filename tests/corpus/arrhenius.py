"""Physical constants from the module, powers of scalars."""

import numpy as np


GAS_CONSTANT = 8.314462618


def arrhenius(log_prefactor, energy, temperature):
    rate = np.exp(log_prefactor - energy / (GAS_CONSTANT * temperature))
    return np.log1p(rate).sum()


def arguments():
    return 3.0, 5000.0, np.array([280.0, 300.0, 320.0])


ARGNUMS = (0, 1, 2)
