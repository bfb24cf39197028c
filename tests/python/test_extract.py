"""lazy.extract: functions of local variables."""

import numpy as np
import pytest

import lazy

SCALE = 3.0


def model(w, X, y, *, ridge=0.1):
    """The docstring stays out of the way."""
    residual = X @ w - y
    if ridge == 0:
        penalty = 0.0
        return np.sum(residual**2)
    penalty = ridge * np.sum(w**2)
    loss = np.sum(residual**2) * SCALE
    return loss + penalty


W, X, Y = np.array([1.0, 2.0]), np.array([[1.0, 2.0], [3.0, 4.0], [0.5, 0.1]]), np.array([1.0, 2.0, 3.0])


def test_outputs_of_the_same_arguments():
    np.testing.assert_allclose(lazy.extract(model, "residual")(W, X, Y), X @ W - Y)
    residual, loss = lazy.extract(model, ("residual", "loss"))(W, X, Y)
    np.testing.assert_allclose(loss, np.sum(residual**2) * SCALE)
    assert lazy.extract(model, "penalty")(W, X, Y, ridge=0) == 0.0
    np.testing.assert_allclose(lazy.extract(model, "penalty")(W, X, Y, ridge=2.0), 10.0)


def test_inputs_are_given_instead_of_computed():
    loss = lazy.extract(model, "loss", inputs="residual")
    given = np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(loss(given, W, X, Y), np.sum(given**2) * SCALE)
    np.testing.assert_allclose(lazy.grad(loss)(given, W, X, Y), 2 * given * SCALE)
    by_weights = lazy.extract(model, "loss", inputs="w")
    np.testing.assert_allclose(lazy.grad(by_weights)(W, X, Y), 2 * SCALE * X.T @ (X @ W - Y), rtol=1e-12)
    by_y = lazy.extract(model, "residual", inputs=["y", "w"])
    np.testing.assert_allclose(by_y(Y, W, X), X @ W - Y)


def test_loop_variables_closures_and_methods():
    offset = 5.0

    def sums(x):
        total = 0.0
        for row in x:
            doubled = 2 * row + offset
            total = total + doubled
        return total

    np.testing.assert_allclose(lazy.extract(sums, "doubled")(np.array([1.0, 4.0])), 13.0)
    np.testing.assert_allclose(lazy.extract(sums, "total", inputs="row")(1.5, np.zeros(3)), 24.0)

    class Model:
        factor = 2.0

        def predict(self, x):
            hidden = x * self.factor
            return hidden + 1

    np.testing.assert_allclose(lazy.extract(Model().predict, "hidden")(W), 2 * W)


def test_what_cannot_be_extracted_is_refused():
    with pytest.raises(ValueError, match="no variable 'missing'"):
        lazy.extract(model, "missing")
    with pytest.raises(TypeError, match="Python function"):
        lazy.extract(np.exp, "x")
    made = {}
    exec("def hidden(x):\n    y = x + 1\n    return y", made)
    with pytest.raises(lazy.LiftError, match="hidden"):
        lazy.extract(made["hidden"], "y")
