"""How far a damped spring is from where it should be, by 50 Runge-Kutta steps."""

import numpy as np


def acceleration(state, stiffness, damping):
    position, velocity = state
    return np.array([velocity, -stiffness * position - damping * velocity])


def spring(params, target):
    stiffness, damping = params[0], params[1]
    state = np.array([1.0, 0.0])
    h = 0.05
    for _ in range(50):
        k1 = acceleration(state, stiffness, damping)
        k2 = acceleration(state + h / 2 * k1, stiffness, damping)
        k3 = acceleration(state + h / 2 * k2, stiffness, damping)
        k4 = acceleration(state + h * k3, stiffness, damping)
        state = state + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return (state[0] - target) ** 2


def arguments():
    return np.array([4.0, 0.3]), 0.2


ARGNUMS = (0,)
