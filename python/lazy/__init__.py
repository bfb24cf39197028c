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
from lazy._check import GradientCheck, check_grad, explain_nan
from lazy._config import config
from lazy._custom import checkpoint, custom_jvp, custom_vjp, opaque
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
from lazy._minimize import least_squares, maximize, minimize, root
from lazy._sample import sample
from lazy._sparse import sparse_hessian, sparse_jacobian, sparsity
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
    "GradientCheck",
    "GraphBreak",
    "GraphSyntaxError",
    "LazyError",
    "LiftError",
    "NoDensity",
    "NotDifferentiable",
    "Variable",
    "__version__",
    "array",
    "check_grad",
    "checkpoint",
    "compute",
    "config",
    "custom_jvp",
    "custom_vjp",
    "deferred",
    "explain",
    "explain_nan",
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
    "least_squares",
    "likelihood",
    "linearize",
    "maximize",
    "minimize",
    "opaque",
    "root",
    "sample",
    "shared_intermediates",
    "sparse_hessian",
    "sparse_jacobian",
    "sparsity",
    "value_and_grad",
    "vjp",
    "vmap",
]
