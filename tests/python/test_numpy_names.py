"""Every name that is lifted, against NumPy: value, dtype, shape, kind of result, or exception.

Each name has templates of arguments. Where a template says `X`, each array of a pool stands: all
dtypes, of rank 0 to 3, empty, Fortran-ordered and with negative strides. A name without a template
fails, and so does a template that NumPy accepts and `lazy` refuses, unless it is listed in `REFUSED`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cases import cases, describe, is_elementwise, resolve
from cases.arrays import DTYPES, Case, V
from cases.special import COMPOSED_SPECIAL
from lazy import _lazy

# Functions that NumPy defines by its own C library within a few units in the last place.
ELEMENTWISE_ULPS = 4
# Functions that nobody computes to a relative accuracy near their roots.
HAS_ROOTS = {"gammaln", "lgamma", "loggamma", "digamma", "psi"}


def recorded(value: Any) -> Any:
    """Arrays, in lists too, as recorded arrays."""
    if isinstance(value, np.ndarray):
        return _lazy.wrap(value)
    if isinstance(value, (list, tuple)):
        return type(value)(recorded(v) for v in value)
    return value


def computed(value: Any) -> Any:
    if isinstance(value, _lazy.Array):
        return value.compute()
    if isinstance(value, (list, tuple)):
        return type(value)(computed(v) for v in value)
    return value


class Refused(Exception):
    pass


def run_numpy(name: str, case: Case) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return resolve(name)(*case[0], **case[1])


def run_lazy(name: str, case: Case) -> Any:
    args, keywords = case
    # The keys of an index and the arguments of builtins are Python's, not arrays.
    lifted = [recorded(a) for a in args]
    out = _lazy.record(name, lifted, {k: recorded(v) for k, v in keywords.items()})
    if out is NotImplemented:
        raise Refused
    return computed(out)


def tolerance(name: str, dtype: np.dtype[Any]) -> float:
    eps = float(np.finfo(dtype).eps)
    if name in INTEGRALS:
        return 4096 * eps if dtype == np.float64 or name in COMPOSED_SPECIAL else 128 * eps
    return eps * (ELEMENTWISE_ULPS if is_elementwise(name) and dtype.kind == "f" else 64)


# Neither SciPy's nor our values are right to the last digits; `elementwise.rs` holds ours to the truth.
INTEGRALS = {
    name
    for name in _lazy.names()
    if name.startswith("scipy.special.")
    and name.rsplit(".", 1)[-1]
    not in {"erf", "erfc", "expm1", "log1p", "xlogy", "xlog1py", "expit", "softmax", "log_softmax"}
}


def agree(name: str, ours: Any, theirs: Any) -> None:
    if isinstance(theirs, (list, tuple)):
        assert type(ours) is type(theirs) or isinstance(ours, (list, tuple)), (ours, theirs)
        assert len(ours) == len(theirs)
        for u, t in zip(ours, theirs, strict=True):
            agree(name, u, t)
        return
    assert type(ours) is type(theirs), f"{type(ours)} is not {type(theirs)}"
    if not isinstance(theirs, (np.ndarray, np.generic, float, complex)):
        assert ours == theirs
        return
    u, t = np.asarray(ours), np.asarray(theirs)
    assert u.dtype == t.dtype, f"{u.dtype} is not {t.dtype}"
    assert u.shape == t.shape, f"{u.shape} is not {t.shape}"
    if t.dtype.kind not in "fc":
        np.testing.assert_array_equal(u, t)
        return
    scale = 1.0 if name.rsplit(".", 1)[-1] in HAS_ROOTS else 0.0
    if not is_elementwise(name):
        scale = np.max(np.abs(t[np.isfinite(t)]), initial=0.0)
    rtol = tolerance(name, t.dtype)
    np.testing.assert_allclose(u, t, rtol=rtol, atol=float(scale) * rtol)


def is_lifted_result(value: Any) -> bool:
    """Whether all dtypes in a result are among those that are lifted."""
    if isinstance(value, (list, tuple)):
        return all(is_lifted_result(v) for v in value)
    if isinstance(value, (np.ndarray, np.generic)):
        return value.dtype.name in {*DTYPES, "int16", "uint16", "uint32"}
    return True


# Cases that NumPy accepts and that are refused: (name, why), matched by a predicate on the case.
def _complex(case: Case) -> bool:
    return any(np.iscomplexobj(a) for a in case[0])


REFUSED: dict[str, tuple[str, Callable[[Case], bool]]] = {
    **{
        f"scipy.fft.{f}": (
            "a transform of no numbers",
            lambda k: k[0][1:2] == (0,) or np.shape(k[0][0]) == (1,),
        )
        for f in ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft", "irfftn", "irfft2"]
    },
    **{
        f"scipy.special.{f}": ("complex numbers", _complex)
        for f in [
            "digamma",
            "psi",
            "erf",
            "erfc",
            "expm1",
            "log1p",
            "xlogy",
            "xlog1py",
            "gamma",
            "gammaln",
            "loggamma",
            *[
                "dawsn",
                "erfcx",
                "exp1",
                "expi",
                "fresnel",
                "log_ndtr",
                "ndtr",
                "rgamma",
                "shichi",
                "sici",
                "spence",
            ],
        ]
    },
    **{
        f"scipy.linalg.{f}": ("whether it is complex depends on the values", lambda k: not _complex(k))
        for f in ["sqrtm", "logm"]
    },
    "numpy.linalg.eig": ("whether it is complex depends on the values", lambda k: not _complex(k)),
    "numpy.linalg.eigvals": ("whether it is complex depends on the values", lambda k: not _complex(k)),
    "numpy.linalg.lstsq": (
        "whether there are residuals depends on the rank",
        lambda k: k[0][0].shape[0] > k[0][0].shape[1],
    ),
    "numpy.nan_to_num": ("complex numbers", _complex),
    "numpy.nanmax": ("complex numbers", _complex),
    "numpy.nanmin": ("complex numbers", _complex),
    "numpy.median": ("empty arrays", lambda k: np.size(k[0][0]) == 0),
    "builtins.round": ("gives an int", lambda k: len(k[0]) == 1),
}


def check(name: str, case: Case) -> None:
    try:
        theirs = run_numpy(name, case)
    except Exception as error:
        try:
            ours = run_lazy(name, case)
        except Refused:
            return
        except Exception as raised:
            # NumPy's own subclasses of TypeError have no constructor that we could call.
            assert isinstance(error, type(raised)), f"{raised!r} instead of {error!r}"
            return
        raise AssertionError(f"no {error!r}, but {ours!r}") from None
    try:
        ours = run_lazy(name, case)
    except Refused:
        why = REFUSED.get(name)
        assert not is_lifted_result(theirs) or (why is not None and why[1](case)), "refused"
        return
    agree(name, ours, theirs)


# What has no meaning in a single call: tested elsewhere.
COMPOSED = {"numpy.ndarray.flat", "scipy.linalg.lu_solve"}


@pytest.mark.parametrize("name", sorted(_lazy.names()))
def test_agrees_with_numpy(name: str) -> None:
    some = list(cases(name))
    assert some or name in COMPOSED, "no case for this name"
    failures = []
    for case in some:
        try:
            check(name, case)
        except Exception as error:  # every failing case is listed, not only the first
            failures.append(f"{describe(case)}: {type(error).__name__} {str(error).strip()[:300]}")
    assert not failures, f"{len(failures)} of {len(some)} cases\n" + "\n".join(failures[:20])


def test_unknown_names_are_not_implemented() -> None:
    assert _lazy.record("numpy.no_such_function", [_lazy.wrap(V)], {}) is NotImplemented
