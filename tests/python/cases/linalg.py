"""Templates of arguments for linear algebra and Fourier transforms, of NumPy and of SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from cases.arrays import (
    DEFINITE,
    INTS,
    NOT_MATRICES,
    RECTANGLES,
    SQUARES,
    STACK,
    Case,
    M,
    N,
    S,
    V,
    W,
    X,
    c,
    fill,
    positive,
    square,
)

CASES: dict[str, list[Case]] = {
    "numpy.linalg.tensordot": [c(M, N, axes=1)],
    "numpy.linalg.matmul": [c(M, N)],
    "numpy.linalg.vecdot": [c(M, M), c(M, M, axis=0)],
    "numpy.linalg.multi_dot": [c([M, N, M]), c([W, M, V]), c([M, V])],
    "numpy.linalg.norm": [
        c(X),
        c(X, axis=0),
        c(X, axis=1, keepdims=True),
        *[c(V, o) for o in [None, 2, 1, 0, np.inf, -np.inf, 3, 0.5, "fro"]],
        *[c(M, o) for o in [None, "fro", 1, -1, np.inf, -np.inf, 7]],
        c(STACK, axis=(0, 2)),
        c(STACK, 1, axis=(2, 1)),
        c(STACK, np.inf, axis=(0, 1), keepdims=True),
        c(STACK, 2),
        c(M, 3, axis=0),
        c(M * 1j + M),
        c(np.zeros(3)),
        c(M, keepdims=True),
    ],
    "numpy.linalg.vector_norm": [c(V), c(M), c(M, axis=0), c(M, ord=1), c(STACK, axis=(0, 1), keepdims=True)],
    "numpy.linalg.matrix_transpose": [c(M), c(STACK)],
    "numpy.linalg.matrix_norm": [
        c(a, ord=o) for a in [M, STACK] for o in ["fro", "nuc", 1, -1, 2, -2, np.inf]
    ],
    "numpy.linalg.outer": [c(V, W)],
    "numpy.linalg.trace": [c(M), c(STACK), c(STACK, offset=1), c(INTS, dtype=float)],
    "numpy.linalg.cross": [c(M[:, :3], M[:, 1:]), c(W, W[::-1])],
    "numpy.linalg.solve": [
        *[c(a, np.ones(a.shape[-1])) for a in SQUARES],
        *[c(a, np.ones((*a.shape[:-1], 2))) for a in SQUARES],
        c(square((2, 3, 3)), N[:3]),
        c(square((3, 3)), fill((2, 3, 2), "float64")),
        c(square((3, 3), "float32"), INTS.T),
        c(np.zeros((2, 2)), np.ones(2)),
        c(square((3, 3)), V),
        c(square((3, 3)), S),
        *[c(a, V) for a in NOT_MATRICES],
    ],
    "numpy.linalg.inv": [c(a) for a in [*SQUARES, *NOT_MATRICES, np.ones((2, 2))]],
    "numpy.linalg.det": [c(a) for a in [*SQUARES, *NOT_MATRICES, np.ones((2, 2))]],
    "numpy.linalg.slogdet": [c(a) for a in [*SQUARES, *NOT_MATRICES, np.ones((2, 2))]],
    "numpy.linalg.cholesky": [c(a, upper=u) for a in [*DEFINITE, M] for u in [False, True]],
    "numpy.linalg.qr": [c(a, m) for a in RECTANGLES for m in ["reduced", "r", "complete", "wrong"]],
    "numpy.linalg.svd": [
        *[c(a, f) for a in RECTANGLES for f in [False, True]],
        *[c(a, compute_uv=False) for a in RECTANGLES],
    ],
    "numpy.linalg.svdvals": [c(a) for a in RECTANGLES],
    "numpy.linalg.eigh": [c(a, u) for a in [*SQUARES, M] for u in ["L", "U"]] + [c(square((3, 3)), "x")],
    "numpy.linalg.eigvalsh": [c(a, u) for a in [*SQUARES, M] for u in ["L", "U"]],
    "numpy.linalg.eig": [c(a) for a in [*SQUARES, M]],
    "numpy.linalg.eigvals": [c(a) for a in [*SQUARES, M]],
    "numpy.linalg.pinv": [c(a) for a in RECTANGLES]
    + [c(M, 0.5), c(M, rtol=None), c(M, rtol=0.5), c(M, 0.1, rtol=0.1), c(np.ones((3, 2)))],
    "numpy.linalg.matrix_rank": [
        *[c(a) for a in RECTANGLES],
        c(np.ones((3, 3))),
        c(M, 0.5),
        c(M, rtol=0.5),
        c(np.zeros(3)),
    ],
    "numpy.linalg.lstsq": [
        c(M, W),
        c(M, N[:3]),
        c(square((3, 3)), W),
        c(N, V),
        c(N, np.ones((4, 2))),
        c(M, V),
        c(STACK, V),
        c(M, W, 0.5),
        c(M.astype("float32"), W.astype("float32")),
    ],
    "numpy.linalg.matrix_power": [c(square((3, 3)), n) for n in [0, 1, 2, 3, 7, -1, -3]]
    + [c(np.array([[1, 2], [3, 4]]), n) for n in [0, 1, 5, -2]]
    + [c(M, 2), c(square((3, 3)), 0.5), c(square((2, 3, 3)), 4)],
    "numpy.linalg.cond": [
        c(a, p)
        for a in [square((3, 3)), square((2, 3, 3)), M]
        for p in [None, 2, -2, 1, -1, np.inf, "fro", "nuc"]
    ],
    "numpy.linalg.tensorsolve": [
        c(square((24, 24)).reshape(6, 4, 2, 3, 4), fill((6, 4), "float64")),
        c(square((6, 6)).reshape(2, 3, 6), fill((2, 3), "float64")),
        c(square((6, 6)).reshape(2, 6, 3), fill((6,), "float64"), axes=(0, 2)),
        c(M, V),
    ],
    "numpy.linalg.tensorinv": [
        c(square((24, 24)).reshape(24, 8, 3), 1),
        c(square((6, 6)).reshape(2, 3, 6)),
        c(M, 0),
    ],
    "numpy.linalg.diagonal": [c(STACK), c(STACK, offset=1)],
}
SIGNALS = [
    *[fill((3, 4), d) for d in ["float64", "float32", "complex128", "complex64", "int64", "bool"]],
    fill((2, 7, 5), "float64")[:, ::2],
    fill((1,), "float64"),
    fill((13,), "complex128"),
]
REAL_SIGNALS = [a for a in SIGNALS if not np.iscomplexobj(a)]
NORMS: list[Any] = [None, "backward", "ortho", "forward"]
ONE_AXIS = [
    *[c(a, norm=n) for a in SIGNALS for n in NORMS],
    *[c(a, n, 0) for a in SIGNALS for n in [2, 3, 8]],
    c(M, 0),
    c(M, axis=2),
    c(M, norm="wrong"),
    c(np.zeros((0, 3))),
    c(np.zeros((0, 3)), axis=0),
]
SEVERAL_AXES = [
    *[c(a, norm=n) for a in SIGNALS for n in ["ortho", "forward"]],
    c(STACK),
    c(STACK, (2, 5)),
    c(STACK, axes=(2, 0)),
    c(STACK, (3, 2), (0, 1)),
    c(STACK, (-1, 6), (0, 2)),
    c(STACK, (2,), (0, 1)),
]
for _module in ["numpy", "scipy"]:
    for _name in ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"]:
        CASES[f"{_module}.fft.{_name}"] = ONE_AXIS
    for _name in ["fft", "ifft", "rfft", "irfft"]:
        CASES[f"{_module}.fft.{_name}n"] = CASES[f"{_module}.fft.{_name}2"] = SEVERAL_AXES
    for _name in ["fftshift", "ifftshift"]:
        CASES[f"{_module}.fft.{_name}"] = [c(V), c(W), c(M), c(STACK, axes=1), c(STACK, axes=(0, 2)), c(INTS)]
    for _name in ["fftfreq", "rfftfreq"]:
        CASES[f"{_module}.fft.{_name}"] = [c(n, d) for n in [1, 4, 5] for d in [1.0, 0.25, S]]
for _name in ["dct", "idct", "dst", "idst"]:
    CASES[f"scipy.fft.{_name}"] = [
        *[c(a, t, norm=n) for a in [V, M, M.astype("float32")] for t in [1, 2, 3, 4] for n in NORMS],
        *[c(STACK, t, n, 1) for t in [1, 2, 3, 4] for n in [2, 5]],
        c(INTS),
    ]
A3, B3, RHS = square((3, 3)), fill((3, 3), "float64", 8), fill((3, 2), "float64", 9)
BANDS = fill((3, 5), "float64", 10) + np.array([[0.0], [9.0], [0.0]])
CASES |= {
    "scipy.linalg.solve": [
        *[c(a, np.ones(a.shape[-1])) for a in SQUARES if a.size and a.ndim == 2],
        c(A3, RHS),
        c(A3, W, transposed=True),
        *[
            c(positive((3, 3)), RHS, assume_a=k, lower=u)
            for k in ["gen", "sym", "her", "pos"]
            for u in [False, True]
        ],
        c(np.zeros((2, 2)), np.ones(2)),
    ],
    "scipy.linalg.inv": [c(a) for a in SQUARES if a.size] + [c(np.ones((2, 2)))],
    # Of single precision SciPy gives a float64 with the errors of a float32.
    "scipy.linalg.det": [c(a) for a in SQUARES if a.size and a.dtype.char not in "fF"],
    "scipy.linalg.cholesky": [c(a, u) for a in DEFINITE if a.size for u in [False, True]],
    "scipy.linalg.cho_factor": [c(positive((3, 3)), u) for u in [False, True]],
    "scipy.linalg.cho_solve": [c((square((3, 3)), u), b) for u in [False, True] for b in [W, RHS]],
    "scipy.linalg.solve_triangular": [
        c(A3, b, t, u, d)
        for b in [W, RHS]
        for t in [0, 1, "T", "C"]
        for u in [False, True]
        for d in [False, True]
    ]
    + [c(np.zeros((2, 2)), np.ones(2))],
    "scipy.linalg.lu": [
        c(a, p, p_indices=i) for a in [B3, M, N] for p in [False, True] for i in [False, True]
    ],
    "scipy.linalg.lu_factor": [c(a) for a in [B3, A3, M, N]],
    "scipy.linalg.lu_solve": [],
    "scipy.linalg.qr": [c(a, mode=m) for a in [B3, M, N] for m in ["full", "r", "economic"]],
    "scipy.linalg.svd": [c(a, f) for a in [B3, M, N] for f in [False, True]] + [c(M, compute_uv=False)],
    "scipy.linalg.svdvals": [c(a) for a in [B3, M, N]],
    "scipy.linalg.eigh": [
        *[c(positive((3, 3)), lower=u, eigvals_only=True) for u in [False, True]],
        c(A3 + A3.T, positive((3, 3)), eigvals_only=True),
    ],
    "scipy.linalg.eigvalsh": [c(positive((3, 3)), lower=u) for u in [False, True]]
    + [c(A3, positive((3, 3)))],
    "scipy.linalg.expm": [
        c(a) for a in [B3, 0.1 * B3, 8 * B3, A3 / 9, B3 + 1j * A3 / 9, B3.astype("float32")]
    ],
    **{
        f"scipy.linalg.{f}": [
            *[c(a) for a in [positive((3, 3)), A3 / 9, B3 + 1j * A3 / 9]],
            *[c(-positive((3, 3))), c(square((2, 3, 3)))],
        ]
        for f in ["sqrtm", "logm"]
    },
    "scipy.linalg.expm_frechet": [c(B3, A3), c(0.01 * B3, A3, compute_expm=False), c(5 * B3, A3)],
    "scipy.linalg.norm": [c(V), c(M), c(M, 2), c(M, "nuc"), c(M, 1, axis=0)],
    "scipy.linalg.pinv": [c(M), c(N), c(np.ones((3, 2))), c(M, rtol=0.5)],
    "scipy.linalg.block_diag": [c(M, N, V), c(INTS, M), c(S, [1.0, 2.0])],
    "scipy.linalg.toeplitz": [c(V), c(V, W), c(W * 1j), c(INTS[0], V)],
    "scipy.linalg.hankel": [c(V), c(V, W)],
    "scipy.linalg.circulant": [c(V), c(INTS[0])],
    "scipy.linalg.solve_banded": [
        c((1, 1), BANDS, np.ones(5)),
        c((2, 0), BANDS, np.ones((5, 2))),
        c((1, 2), BANDS, V),
    ],
    "scipy.linalg.solveh_banded": [
        c(np.array([[0.0, 1, 2, 1], [9, 8, 7, 6]]), V),
        c(np.array([[9.0, 8, 7, 6], [1, 2, 1, 0]]), V, lower=True),
    ],
}
