"""What the sides of a branch within a loop leave behind: arrays made there and written to, objects held across it."""

import numpy as np
import pytest

import lazy


class Doubler:
    def __init__(self, x):
        self.x = x

    def wrap(self, y):
        return y * 2 + self.x.sum()


def broken_out(x):
    x = x.copy()
    for _ in range(3):
        p = x * 2
        if np.all(p > 0):
            x = p
            break
        x = p.copy()
        x[0] = 1
    return x


def either(x):
    x = x.copy()
    for _ in range(3):
        if np.all(x > 0):
            x = x * 2
        else:
            x = x * 0.5
            x[0] = 1
            x[1:] += 0.25
    return x


def nested(x):
    total = np.zeros(2)
    for i in range(4):
        if x[i % 2] > 0.4:
            part = x * i
            if part[0] > 1.1:
                part = part + 1
                part[1] *= 3
            part[0] = 2
            total = total + part
        else:
            total[1] -= 1
    return total


def nearest(x):
    """Projections as those of a nearest correlation matrix."""
    m = np.outer(x, x) - 0.3
    moved = np.zeros(m.shape)
    at = np.arange(len(x))
    for _ in range(5):
        adjusted = m - moved
        values, vectors = np.linalg.eigh(adjusted)
        clipped = np.any(values < 0)
        projected = (vectors * np.maximum(values, 0)) @ vectors.T
        if not clipped:
            m = projected
            break
        moved = projected - adjusted
        m = projected.copy()
        m[at, at] = 1
    return m


def held(x):
    holder = Doubler(x)
    y = np.zeros(x.shape[0])
    b = np.arange(60.0)
    for i in range(x.shape[0]):
        y[i] = np.dot(b[1 : -i - 2][: x[i + 1 : -1].shape[0]], x[i + 1 : -1])
    return holder.wrap(y)


FUNCTIONS = (broken_out, either, nested, nearest, held)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("x", [np.array([0.7, 0.9]), np.array([-1.0, -1.2]), np.array([0.5, -0.3])])
def test_values_and_derivatives(function, x):
    np.testing.assert_allclose(lazy.jit(function)(x), function(x), rtol=1e-12, atol=1e-13)
    h = 1e-6
    steps = h * np.eye(2)
    wanted = np.stack([(function(x + s) - function(x - s)) / (2 * h) for s in steps], axis=-1)
    np.testing.assert_allclose(lazy.jacobian(function)(x), wanted, rtol=1e-6, atol=1e-7)
