"""The bio-assay model of Gelman et al., *Bayesian Data Analysis*, section 3.7."""

import numpy as np


def bio_assay(n, doses):
    alpha = np.random.normal(0, 10)
    beta = np.random.normal(0, 10)
    theta = 1 / (1 + np.exp(-(alpha + beta * doses)))
    deaths = np.random.binomial(n, theta)
    return deaths


def arguments():
    return np.array([5, 5, 5, 5]), np.array([-0.86, -0.3, -0.05, 0.73])


GIVEN = {"deaths": np.array([0, 1, 3, 5])}
VALUES = {"alpha": 0.9, "beta": 8.0}
