"""Templates of arguments for the special functions of SciPy, where they have values, and at the edges."""

from __future__ import annotations

import numpy as np

from cases.arrays import Case, c

# Arguments at which every special function has a value, and counts where those are asked for.
POSITIVE = np.array([0.3, 0.8, 1.0, 2.5, 7.0])
COUNTS = np.array([0, 1, 2, 4, 5])
CASES: dict[str, list[Case]] = {
    "scipy.special.bdtr": [c(COUNTS + 0.5, 6, np.linspace(0.1, 0.9, 5)), c(2, COUNTS[2:], 0.25)],
    "scipy.special.bdtrc": [c(COUNTS + 0.5, 6, np.linspace(0.1, 0.9, 5)), c(2, COUNTS[2:], 0.25)],
    "scipy.special.nbdtr": [c(COUNTS, 6, np.linspace(0.1, 0.9, 5)), c(2, COUNTS[1:], 0.25)],
    "scipy.special.nbdtrc": [c(COUNTS, 6, np.linspace(0.1, 0.9, 5)), c(2, COUNTS[1:], 0.25)],
    "scipy.special.multigammaln": [c(POSITIVE + 3.0, 2), c(5.5, 4), c(POSITIVE + 3.0, 1)],
    "scipy.special.zeta": [c(POSITIVE + 1.5), c(POSITIVE + 1.5, POSITIVE[::-1]), c(3.0, 2), c(2)],
    "scipy.special.comb": [
        c(POSITIVE + 5, COUNTS),
        c(10, 3),
        c(COUNTS, 3, repetition=True),
        c(np.array([3.0, -1.0, np.nan]), np.array([5.0, 1.0, 2.0])),
    ],
    "scipy.special.spherical_jn": [
        c(COUNTS, POSITIVE),
        c(2, np.array([0.0, 0.2, 3.0, 12.0, -2.0])),
        c(COUNTS, POSITIVE, derivative=True),
    ],
}

# Compositions: SciPy's edges are its own, and float32 is rounded on the way.
COMPOSED_SPECIAL = {
    f"scipy.special.{f}"
    for f in [
        "fdtr",
        "fdtrc",
        "fdtri",
        "gdtr",
        "gdtrc",
        "chdtr",
        "chdtrc",
        "chdtri",
        "pdtr",
        "pdtrc",
        "radian",
        "powm1",
        "stdtrit",
    ]
}
EDGES = np.array([0.0, -0.0, 1.0, -1.0, 2.0, np.inf, -np.inf, np.nan, -0.5, -2.5])
KNOWN_SPECIAL = {f"scipy.special.{f}" for f in ("polygamma", "xlogy", "xlog1py")}
SPECIAL_UNARY = {"scipy.special.exprel"}
FIRST_IS_ORDER = {f"scipy.special.{f}" for f in ("expn", "jn", "yn", "kn", "spherical_jn")}


def special_templates(name: str, arity: int) -> list[Case]:
    """In general position, of float32, of a Python number, and at the edges of the domain."""
    first = COUNTS if name in FIRST_IS_ORDER else POSITIVE
    rest = [0.25 * POSITIVE[::-1] / (k + 1) for k in range(arity - 1)]
    parameters = [first, *rest[1:], rest[0]] if arity > 1 else [POSITIVE]
    whole = [a if a is COUNTS else a.astype(np.float32) for a in parameters]
    # A value at an edge beside parameters in the middle of things.
    edges = [np.full(10, 2 if a is COUNTS else 0.75) for a in parameters[:-1]]
    cases = [
        c(*parameters),
        c(*parameters[:-1], 0.5),
        c(*whole),
        c(*(a[:, None] for a in parameters[:-1]), rest[0] if rest else POSITIVE),
    ]
    return cases if name in COMPOSED_SPECIAL else [*cases, c(*edges, EDGES)]
