"""Transforms of plain NumPy code.

Read a function, lift it to a graph, transform it, and get a function again::

    import numpy as np, lazy

    def loss(w, X, y):
        return np.mean(np.maximum(0.0, 1.0 - y * (X @ w)))

    gradient = lazy.grad(loss)
    gradient(w, X, y)          # fast
    print(gradient.source)     # readable NumPy
"""

from lazy._array import Variable, array, compute, deferred, force, shared_intermediates
from lazy._custom import custom_jvp, custom_vjp, opaque
from lazy._errors import (
    GraphBreak,
    GraphSyntaxError,
    LazyError,
    LiftError,
    NoDensity,
    NotDifferentiable,
)
from lazy._extract import extract
from lazy._function import Function
from lazy._lazy import Array, __version__
from lazy._minimize import maximize, minimize
from lazy._sample import sample
from lazy._transforms import (
    explain,
    grad,
    hessian,
    hvp,
    jacfwd,
    jacobian,
    jacrev,
    jit,
    jvp,
    likelihood,
    linearize,
    value_and_grad,
    vjp,
    vmap,
)

__all__ = [
    "Array",
    "Function",
    "GraphBreak",
    "GraphSyntaxError",
    "LazyError",
    "LiftError",
    "NoDensity",
    "NotDifferentiable",
    "Variable",
    "__version__",
    "array",
    "compute",
    "custom_jvp",
    "custom_vjp",
    "deferred",
    "explain",
    "extract",
    "force",
    "grad",
    "hessian",
    "hvp",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jit",
    "jvp",
    "likelihood",
    "linearize",
    "maximize",
    "minimize",
    "opaque",
    "sample",
    "shared_intermediates",
    "value_and_grad",
    "vjp",
    "vmap",
]
