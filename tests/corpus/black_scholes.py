"""The price of a call by Black and Scholes, whose derivatives are the greeks."""

import numpy as np
from scipy.special import ndtr


def black_scholes(spot, volatility, strike, rate, time):
    spread = volatility * np.sqrt(time)
    d1 = (np.log(spot / strike) + (rate + 0.5 * volatility**2) * time) / spread
    d2 = d1 - spread
    return spot * ndtr(d1) - strike * np.exp(-rate * time) * ndtr(d2)


def arguments():
    return 100.0, 0.2, 95.0, 0.03, 0.5


ARGNUMS = (0, 1)
