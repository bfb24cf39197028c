"""Every public name of NumPy has rows in a test of derivatives, or a reason to be left out of the docs' list."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path

import numpy as np
import pytest

from cases.derivatives import check
from cases.entered import NO_BATCH, PROGRAMS, programs

SPEC = importlib.util.spec_from_file_location(
    "operations", Path(__file__).parents[2] / "docs" / "operations.py"
)
assert SPEC is not None and SPEC.loader is not None
operations = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(operations)


@pytest.mark.parametrize("name", PROGRAMS)
def test_derivatives(name: str) -> None:
    assert PROGRAMS[name]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        every = list(programs(name))
    for program in every:
        check(program, name not in NO_BATCH)


def test_every_name_is_tested_or_left_out_for_a_reason() -> None:
    left_out = [name for names in operations.LEFT_OUT.values() for name in names.split()]
    covered = operations.covered()
    assert sorted(operations.public() - covered - set(PROGRAMS) - set(left_out)) == []
    # Nothing is listed twice, or listed although it is there.
    assert len(left_out) == len(set(left_out))
    assert sorted(set(left_out) & (covered | set(PROGRAMS))) == []
