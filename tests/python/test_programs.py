"""Random programs: under `lazy.jit` each does what plain Python does, or runs as plain Python.

A program is called four times (lifting, from the cache, with other sizes, with arguments of another
kind); result, printed text, warnings, exception, shared memory and what became of the arguments must
equal plain Python's. The derivatives of smooth programs match difference quotients, or are refused.

`LAZY_PROGRAMS=100000 pytest tests/python/test_programs.py` runs more of them, `LAZY_SEED` others; a
difference names its seed, and `python tests/python/test_programs.py memory 1000017` shows it.
"""

import os
import random
import sys
from functools import partial

import pytest

from programs import compare, everyday, flow, memory

COUNT = int(os.environ.get("LAZY_PROGRAMS", "500"))
SEED = int(os.environ.get("LAZY_SEED", "1"))

SUBJECTS = {"everyday": everyday, "memory": memory, "flow": flow}


def differences(name, seed):
    """What differs between plain Python and `jit`, and whether the program was lifted."""
    subject = SUBJECTS[name]
    text = subject.PRELUDE + subject.Writer(seed).program(most=6 if name == "flow" else 9)
    patterns = random.Random(seed).choices(subject.PATTERNS, k=2)
    calls = [(3, patterns[0]), (3, patterns[0]), (4, patterns[0]), (4, patterns[1])]
    return compare.jit(text, [partial(subject.arguments, size=n, pattern=p) for n, p in calls])


def wrong_slopes(name, seed):
    """What differs between difference quotients and derivatives, and whether there were any."""
    subject = SUBJECTS[name]
    text = subject.PRELUDE + subject.Writer(seed, smooth=True).program(most=6 if name == "memory" else 4)
    by = random.Random(seed).choice([0, 1, 2] if name == "memory" else [0, 1, 2, 4])
    return compare.derivative(text, partial(subject.arguments, size=3), by)


@pytest.mark.parametrize("part", range(2))
@pytest.mark.parametrize("subject", SUBJECTS)
def test_random_programs_do_what_python_does(subject, part):
    run(partial(differences, subject), part)


@pytest.mark.parametrize("part", range(2))
@pytest.mark.parametrize("subject", ["memory", "flow"])
def test_derivatives_of_random_programs_are_their_slopes(subject, part):
    run(partial(wrong_slopes, subject), part)


def run(check, part):
    done = 0
    numbers = range(SEED * 1_000_000 + part, SEED * 1_000_000 + COUNT, 2)
    for seed in numbers:
        difference, lifted = check(seed)
        assert difference is None, f"seed {seed}: {difference}"
        done += lifted
    # The rest raises or is refused: a generator that lifts nothing tests nothing.
    assert done > len(numbers) / 4, f"{done} of {len(numbers)} lifted"
    print(f"{done} of {len(numbers)} programs lifted")


if __name__ == "__main__":
    check = wrong_slopes if "smooth" in sys.argv else differences
    print(check(sys.argv[1], int(sys.argv[2]))[0])
