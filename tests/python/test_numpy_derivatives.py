"""Every name that is lifted, with all its keywords: derivatives to second order, dtypes, shapes and batches.

The rows are those of `cases`: each name, with each template of arguments, with each array of the pool. Without
`LAZY_ALL_ROWS` in the environment, one row in `STRIDE` is checked, from a start that the name decides.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from cases import cases, describe, resolve
from cases.arrays import Case
from cases.derivatives import check, leaves, program_of
from lazy import _lazy

STRIDE = 1 if os.environ.get("LAZY_ALL_ROWS") else 5


@dataclass(frozen=True)
class Exempt:
    """Rows for which the check ends with certain words, and why that is right, or known."""

    words: str
    why: str
    which: Callable[[Case], bool] = lambda case: True


def _complex(case: Case) -> bool:
    return np.iscomplexobj(case[0][0])


def _no_vectors(case: Case) -> bool:
    return np.shape(case[0][0])[-1] == 0


def _real(case: Case) -> bool:
    return not _complex(case) and not _no_vectors(case)


def _empty(case: Case) -> bool:
    return np.size(case[0][0]) == 0


def _rows_less_columns(case: Case) -> int:
    shape = np.shape(case[0][0])
    return shape[-2] - shape[-1] if len(shape) > 1 else 0


def _not_square(case: Case) -> bool:
    return _rows_less_columns(case) != 0


def _ones(case: Case) -> bool:
    return not _empty(case) and bool(np.all(np.equal(case[0][0], 1.0)))


def _more_than_numbers(case: Case) -> bool:
    """The residuals of a system with more rows than columns: there are none if its rank is too low."""
    return _rows_less_columns(case) > 0


FINE = Exempt(
    "tangent: 0 is not", "differences over steps of the rounding", lambda k: k[1].get("decimals") == 3
)
BRANCH = Exempt("each element may take another side", "whether it is complex depends on the values", _real)
NAN_BRANCH = Exempt("each element may take another side", "NumPy warns where all are NaN", _complex)
RANK_BRANCH = Exempt("each element may take another side", "the rank decides", _more_than_numbers)
NO_VECTORS = Exempt("argmax of an empty sequence", "no vector has a largest component", _no_vectors)
PHASE = Exempt(
    "^tangent: .*j is not", "a derivative keeps the phase of complex vectors, LAPACK its own", _complex
)
SINGULAR = Exempt("Singular matrix", "there is no second derivative of determinants there", _ones)
JUMP = Exempt("reverse over reverse", "the pseudoinverse jumps where the rank does", _ones)
NOT_SQUARE = Exempt("lu of a matrix that is not square", "its derivative is not written", _not_square)
NO_SIGNAL = Exempt("c2r has no derivative", "SciPy's own call, to raise", lambda k: k[0][1:2] == (0,))
ONE_NUMBER = Exempt("c2r has no derivative", "as of no numbers", lambda k: np.size(k[0][0]) == 1)
AT_EDGES = lambda k: np.shape(k[0][-1]) == (10,)  # noqa: E731
EXEMPT: dict[str, list[Exempt]] = {
    **{f"numpy.{f}": [FINE] for f in ["round", "around", "ndarray.round"]},
    **{f"numpy.linalg.{f}": [BRANCH, NO_VECTORS] for f in ["eig", "eigvals"]},
    **{f"scipy.linalg.{f}": [BRANCH] for f in ["sqrtm", "logm"]},
    **{f"numpy.{f}": [NAN_BRANCH] for f in ["nanmax", "nanmin"]},
    **{f"numpy.linalg.{f}": [SINGULAR] for f in ["det", "slogdet"]},
    **{f"{m}.linalg.pinv": [JUMP] for m in ["numpy", "scipy"]},
    **{f"scipy.linalg.{f}": [NOT_SQUARE] for f in ["lu", "lu_factor"]},
    **{f"scipy.fft.{f}": [NO_SIGNAL] for f in ["hfft", "irfft"]},
    "numpy.linalg.lstsq": [RANK_BRANCH],
    "numpy.linalg.eigh": [PHASE],
    "numpy.linalg.svd": [Exempt(PHASE.words, PHASE.why, lambda k: _complex(k) and "compute_uv" not in k[1])],
    "scipy.fft.irfftn": [ONE_NUMBER],
    "scipy.special.perm": [Exempt("second derivative: ", "it is 0 for negative k", AT_EDGES)],
    "scipy.special.ellipkinc": [Exempt("vjp", "infinite at parameter 1", AT_EDGES)],
    "scipy.special.fdtri": [
        Exempt("batch: ", "1e18 in float32, of numbers rounded before", lambda k: k[0][0].dtype == np.float32)
    ],
    "scipy.special.stdtrit": [
        Exempt(
            "second derivative by x0",
            "by the degrees of freedom, at the median",
            lambda k: np.ndim(k[0][1]) == 0,
        )
    ],
}

# Orders and parameters that have no derivative here are constants; that they are refused, `test_conventions.py` checks.
CONSTANT = {
    **{f"scipy.special.{f}": {0} for f in ["jv", "jve", "yv", "iv", "ive", "kv", "kve", "hyp0f1"]},
    "scipy.special.hyp1f1": {0, 1},
    "scipy.special.hyp2f1": {0, 1, 2},
}


def constant(name: str) -> frozenset[int]:
    return frozenset(CONSTANT.get(name, ()))


def rows(name: str) -> Iterator[Case]:
    """The cases that NumPy accepts, in which there are floats on both sides."""
    for case in cases(name):
        if not any(leaves([*case[0], *case[1].values()])):
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                result = resolve(name)(*case[0], **case[1])
        except Exception:
            continue
        if any(leaves(result)) and program_of(name, case, constant(name)).arguments:
            yield case


def check_row(name: str, case: Case) -> None:
    exempt = [e for e in EXEMPT.get(name, []) if e.which(case)]
    try:
        check(program_of(name, case, constant(name)))
    except Exception as error:
        if not any(re.search(e.words, str(error)) for e in exempt):
            raise
    else:
        assert not exempt, f"no longer an exception: {exempt[0].why}"


@pytest.mark.parametrize("name", sorted(_lazy.names()))
def test_derivatives(name: str) -> None:
    every = list(rows(name))
    failures = []
    for case in every[sum(name.encode()) % max(min(STRIDE, len(every)), 1) :: STRIDE]:
        try:
            check_row(name, case)
        except Exception as error:  # every failing row is listed, not only the first
            failures.append(f"{describe(case)}: {type(error).__name__} {str(error).strip()[:300]}")
    assert not failures, f"{len(failures)} of {len(every)} rows\n" + "\n".join(failures[:20])
