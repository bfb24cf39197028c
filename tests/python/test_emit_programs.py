"""Random NumPy programs: what is emitted for them gives what they give, dtype and shape included."""

from __future__ import annotations

import random
import warnings

import numpy as np
import pytest

import lazy

UNARY = [
    "np.sin({a})",
    "-{a}",
    "np.exp(-np.abs({a}))",
    "{a}**2",
    "np.sqrt(np.abs({a}) + 1)",
    "({a} > 0.3)",
    "{a}.astype(np.float32)",
    "np.maximum({a}, 0)",
    "{a} / 3",
    "2 * {a}",
    "1 - {a}",
    "{a} * np.float32(1.5)",
]
BINARY = [
    "{a} + {b}",
    "{a} * {b}",
    "{a} - {b} / {a}.size",
    "np.where({a} > {b}, {a}, 0)",
    "np.arctan2({a}, 1 + {b})",
    "{a} * (1 / (2 + np.cos({b})))",
    "-({a} * {b})",
    "np.minimum({a}, {b})",
    "{a} - -{b}",
]
SHAPE = [
    "{a}[:, None] * {b}[None, :]",
    "{a}[::-1] + {b}[0]",
    "np.concatenate(({a}[1:], {b}[:1]))",
    "np.stack(({a}, {b})).sum(axis=0)",
    "np.cumsum({a}) - {b}",
    "{a}.mean() + {b}",
    "{a} - {a}.max()",
    "np.outer({a}, {b}) @ {b}",
    "np.array([{a}[0], {b}[-1], {a}.sum(), 1.0, 2.0])",
    "{a}[np.argsort({b})]",
    "np.sum({a}) / {a}.shape[0] * np.ones_like({b})",
    "np.reshape(np.outer({a}, {b}).T, -1)[: {a}.shape[0]]",
]
REDUCE = ["np.sum({v})", "{v}.mean()", "{v} @ {v}", "np.max({v}) - {v}[-1]", "{v}"]


def program(seed: int) -> str:
    dice = random.Random(seed)
    names = ["x", "y", "i"]
    lines = []
    for k in range(dice.randint(2, 8)):
        form = dice.choice(dice.choice([UNARY, BINARY, SHAPE]))
        value = form.format(a=dice.choice(names), b=dice.choice(names))
        target = dice.choice([f"t{k}", "x", "total"])
        if form.startswith("{a}[:, None]"):
            value = f"np.sum({value}, axis={dice.randint(0, 1)})"
        lines.append(f"    {target} = {value}")
        if dice.random() < 0.2:
            lines.append(f"    {target} = {target}.copy()")
            lines.append(
                f"    {target}[1:] += {target}[:-1]" if dice.random() < 0.5 else f"    {target}[0] = 2"
            )
        names.append(target)
    result = ", ".join(
        dice.choice(REDUCE).format(v=dice.choice(names[2:])) for _ in range(dice.randint(1, 2))
    )
    return "import numpy as np\ndef f(x, y, i):\n" + "\n".join(lines) + f"\n    return {result}\n"


@pytest.mark.parametrize("seed", range(150))
def test_programs(seed: int) -> None:
    source = program(seed)
    namespace: dict[str, object] = {}
    exec(compile(source, f"<program {seed}>", "exec"), namespace)
    f = namespace["f"]
    assert callable(f)
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=5), rng.normal(size=5).astype(rng.choice(["float32", "float64"]))
    args = (x, y, rng.permutation(5) - 2)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            expected = f(*(a.copy() for a in args))
        except (TypeError, ValueError, IndexError):
            return  # a program that NumPy refuses
        fast = lazy.jit(f)
        try:
            fast(*(a.copy() for a in args))
            emitted = fast.python
        except LookupError:
            return  # it runs as plain Python
        found = emitted(*(a.copy() for a in args))
    pairs = zip(found, expected, strict=True) if isinstance(expected, tuple) else [(found, expected)]
    for got, want in pairs:
        assert np.asarray(got).dtype == np.asarray(want).dtype, f"{source}\n{fast.source}"
        assert np.shape(got) == np.shape(want), f"{source}\n{fast.source}"
        tolerance = 1e-5 if np.asarray(want).dtype == np.float32 or y.dtype == np.float32 else 1e-12
        np.testing.assert_allclose(got, want, tolerance, tolerance, err_msg=f"{source}\n{fast.source}")
