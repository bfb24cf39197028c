"""Elementwise work in loops, which is one pass over arrays: equal to plain Python to the bit.

Random bodies of loops over two rows and a matrix, with slices that overlap what is written, steps,
reversed and broadcast operands, masks, numbers and arrays of other dtypes; by machine code where there
is some, and by kernels alone.
"""

import os
import random
import subprocess
import sys

import numpy as np
import pytest

import lazy

SIZE, ROWS, COLUMNS = 37, 7, 11


def row(r: random.Random) -> str:
    """An operand as long as a slice of ``a`` that starts at ``s`` and has ``n`` elements."""
    return r.choice(
        [
            "a[s:s+n]",
            "b[s:s+n]",
            "a[s+1:s+n+1]",
            "a[s-1:s+n-1]",
            "a[s:s+n][::-1]",
            "b[::2][:n]",
            "M[k % 7, :n]",
            "M[:, 0][:n]",
            "c[:n]",
            "i[:n]",
            "x",
            "2.5",
            "k",
            "a[k % 7]",
        ]
    )


def expression(r: random.Random, depth: int) -> str:
    if depth == 0:
        return row(r)
    x, y = expression(r, depth - 1), expression(r, r.randrange(depth))
    return r.choice(
        [
            f"({x} + {y})",
            f"({x} - {y})",
            f"({x} * {y})",
            f"({x} / (1.5 + abs({y})))",
            f"np.minimum({x}, {y})",
            f"np.maximum({x}, {y})",
            f"np.where({x} < {y}, {x}, {y})",
            f"np.where(({x} > {y}) & ({y} != 0.5), {x}, -({y}))",
            f"np.sqrt(abs({x}))",
            f"np.floor({x})",
        ]
    )


def program(seed: int) -> str:
    r = random.Random(seed)
    lines = []
    for _ in range(r.randint(1, 4)):
        value = expression(r, r.randint(1, 3))
        lines.append(
            r.choice(
                [
                    f"a[s:s+n] = {value}",
                    f"a[s:s+n] += {value}",
                    f"b[s:s+n] = {value}",
                    f"M[k % 7, :n] = {value}",
                    f"c[:n] = {value}",
                    "M[:, 3] = M[:, 2] * x + a[:7]",
                    "M[1:, :] = 0.5 * (M[:-1, :] + M[1:, :])",
                    "M[:, 1:-1] = 0.3 * M[:, :-2] - M[:, 2:] * b[:9]",
                    f"d = 0.25 * ({value}); a[s:s+n] = d - d * d",
                ]
            )
        )
    body = "\n        ".join(lines)
    return f"def f(a, b, c, i, M, x, n):\n    for k in range(20):\n        s = 1 + k % 3\n        {body}\n    return a[3]\n"


def arguments(seed: int) -> tuple:
    rng = np.random.default_rng(seed)
    dtype = np.float32 if seed % 3 == 0 else np.float64
    a, b = rng.normal(size=SIZE).astype(dtype), rng.normal(size=SIZE).astype(dtype)
    c = rng.normal(size=SIZE).astype(np.float32)
    i = rng.integers(-3, 4, SIZE)
    return a, b, c, i, rng.normal(size=(ROWS, COLUMNS)).astype(dtype), 0.75, 7


def check(seed: int) -> None:
    scope: dict = {"np": np}
    text = program(seed)
    exec(text, scope)
    expected, given = arguments(seed), arguments(seed)
    with np.errstate(all="ignore"):
        value = scope["f"](*expected)
        result = lazy.jit(scope["f"])(*given)
    np.testing.assert_array_equal(result, value, err_msg=text)
    for x, y in zip(given, expected, strict=True):
        np.testing.assert_array_equal(x, y, err_msg=text)


@pytest.mark.parametrize("first", range(0, 200, 20))
def test_random_passes(first: int) -> None:
    for seed in range(first, first + 20):
        check(seed)


def test_by_kernels_alone() -> None:
    code = "import test_passes as t\nfor seed in range(60): t.check(seed)"
    here = os.path.dirname(__file__)
    environment = {**os.environ, "LAZY_INTERPRET": "1"}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=here, env=environment)
