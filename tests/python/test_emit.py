"""Emitted source computes what the evaluator does: values, dtypes and shapes, for every operation."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
import pytest

import lazy
from lazy import _lazy

ROWS = _lazy.operations()
DTYPES = ["bool", "int8", "int32", "int64", "uint8", "uint64", "float32", "float64", "complex128"]


def execute(text: str, inputs: list[Any]) -> tuple[list[Any], str]:
    source = _lazy._emit(text)
    namespace: dict[str, Any] = {}
    exec(compile(source, "<emitted>", "exec"), namespace)
    name = text.split("(")[0]
    result = namespace[name](*inputs)
    return (list(result) if isinstance(result, tuple) else [result]), source


def check(text: str, *inputs: Any) -> str:
    """Runs a graph both ways."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        copies = [x.copy() if isinstance(x, np.ndarray) else x for x in inputs]
        try:
            expected = _lazy._evaluate(text, list(inputs))
        except ValueError as error:  # an integer to a negative power
            with pytest.raises(ValueError, match=str(error)):
                execute(text, copies)
            return ""
        found, source = execute(text, copies)
    assert len(found) == len(expected), source
    for got, want in zip(found, expected, strict=True):
        assert type(got) is type(want) or np.ndim(got) == 0, source
        if not isinstance(want, (bool, int, float, complex)):
            assert np.asarray(got).dtype == want.dtype, f"{source}\n{np.asarray(got).dtype} {want.dtype}"
        else:
            assert type(got) is type(want), source
        assert np.shape(got) == np.shape(want), source
        single = np.asarray(want).dtype in (np.float32, np.complex64)
        tolerance = 2e-6 if single else 1e-13
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance, err_msg=source)
    return source


def sample(dtype: str, low: float, high: float, shape: tuple[int, ...], seed: int) -> Any:
    values = np.random.default_rng(seed).uniform(low, high, shape)
    if dtype == "bool":
        return values > (low + high) / 2
    if dtype.startswith("complex"):
        return (values + 0.25j * values).astype(dtype)
    if dtype.startswith("uint"):
        return np.abs(np.round(values)).astype(dtype)
    return (np.round(values) if dtype.startswith("int") else values).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_elementwise(row: tuple[str, list[str], list[tuple[float, float]]], dtype: str) -> None:
    name, _, domains = row
    if name in ("polygamma", "zeta") and dtype in ("bool", "int8", "uint8"):
        return  # SciPy computes in float64, the table in float32
    if name in ("spherical_jn", "item"):
        return  # its order is an integer, which these samples are not; what it is of is one number
    for shapes in ([(2, 3)] * 5, [(3,), (2, 1), (), (3,), (2, 1)]):
        shapes = shapes[: len(domains)]
        inputs = [sample(dtype, *d, s, k) for k, (d, s) in enumerate(zip(domains, shapes, strict=True))]
        lines = [f"%{k} x{k} = input : {dtype}[{', '.join(map(str, s))}]" for k, s in enumerate(shapes)]
        heads = [f"x{k}: {line.split(' : ')[1]}" for k, line in enumerate(lines)]
        operands = ", ".join(f"%{k}" for k in range(len(shapes)))
        body = f"%{len(shapes)} = {name}({operands}) return %{len(shapes)}"
        text = f"f({', '.join(heads)}) {{ {' '.join(lines)} {body} }}"
        if defined(text):
            check(text, *inputs)


def defined(text: str) -> bool:
    """Whether the operation has a loop for these dtypes, as NumPy says by a TypeError."""
    try:
        _lazy._emit(text)
    except (TypeError, lazy.LiftError):  # the latter for loops in float16, which are not lifted
        return False
    return True


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_python_numbers(row: tuple[str, list[str], list[tuple[float, float]]]) -> None:
    """Python scalars stay Python scalars, also beside float32."""
    name, _, domains = row
    if name in ("betaincinv", "betainccinv"):
        return  # SciPy finds them to 1e-12 only
    values = [float(np.mean(domain)) for domain in domains]
    lines = [f"%{k} x{k} = input : float64*[]" for k in range(len(values))]
    heads = [f"x{k}: float64*[]" for k in range(len(values))]
    n = len(values)
    operands = ", ".join(f"%{k}" for k in range(n))
    text = (
        f"f({', '.join(heads)}, y: float32[3]) {{ {' '.join(lines)} %{n} y = input : float32[3] "
        f"%{n + 1} = {name}({operands}) %{n + 2} = add(%{n}, %{n + 1}) return %{n + 1}, %{n + 2} }}"
    )
    if defined(text):
        check(text, *values, np.arange(3, dtype=np.float32))


X = np.arange(12.0).reshape(3, 4) / 7
V = np.linspace(-1, 2, 4)
S = np.linspace(0.5, 1.5, 5)

# Graphs, their inputs, and what must be seen in the source.
STRUCTURAL: list[tuple[str, list[Any], list[str]]] = [
    ("%1 = transpose(%0) axes=[1, 0] return %1", [X], [".T"]),
    ("%1 = reshape(%0) shape=[n0, 1, n1] return %1", [X], ["x0[:, None, :]"]),
    ("%1 = reshape(%0) shape=[1, n0*n1] return %1", [X], ["reshape(1, -1)"]),
    ("%1 = reshape(%0) shape=[n0*n1] return %1", [X], ["x0.ravel()"]),
    ("%1 = broadcast_to(%0) shape=[2, n0, n1] return %1", [X], ["np.broadcast_to"]),
    (
        "%1 = constant 0.0 : float64[] %2 = broadcast_to(%1) shape=[n0, n1] return %2",
        [X],
        ["np.zeros_like(x0)"],
    ),
    ("%1 = constant 1.0 : float32[] %2 = broadcast_to(%1) shape=[n0, n1] return %2", [X], ["np.float32"]),
    ("%1 = constant 2 : int64[] %2 = broadcast_to(%1) shape=[n0] return %2", [X], ["np.full"]),
    ("%1 = constant inf : float64[] %2 = broadcast_to(%1) shape=[2] return %2", [X], ["np.inf"]),
    ("%1 = constant nan : float64*[] %2 = add(%0, %1) return %2", [X], ["np.nan"]),
    ("%1 = constant complex(-0.0, 1.0) : complex128[] %2 = add(%0, %1) return %1, %2", [X], ["complex("]),
    ("%1 = slice(%0) ranges=[n0, n1 - 1 from 1] return %1", [X], ["x0[:, 1:]"]),
    ("%1 = slice(%0) ranges=[n0 - 1] return %1", [V], ["x0[:-1]"]),
    ("%1 = slice(%0) ranges=[n0 from n0 - 1 step -1] return %1", [V], ["x0[::-1]"]),
    ("%1 = slice(%0) ranges=[((n0 + 1)//(2)) from 0 step 2] return %1", [S], ["x0[::2]"]),
    ("%1 = slice(%0) ranges=[2 from 3 step -2] return %1", [S], ["["]),
    ("%1 = slice(%0) ranges=[2 from 1 step 2] return %1", [S], ["["]),
    ("%1 = slice(%0) ranges=[2 from n0 - 2] return %1", [S], ["x0[-2:]"]),
    ("%1 = slice(%0) ranges=[1 from n0 - 1] %2 = reshape(%1) shape=[] return %2", [S], ["x0[-1]"]),
    ("%1 = slice(%0) ranges=[n0, 1 from 2] %2 = reshape(%1) shape=[n0] return %2", [X], ["x0[:, 2]"]),
    ("%1 = unslice(%0) shape=[n0 + 2] ranges=[n0 from 1] return %1", [V], ["[1:-1] ="]),
    (
        "%1 = slice(%0) ranges=[n0 - 1] %2 = unslice(%1) shape=[n0] ranges=[n0 - 1 from 1] "
        "%3 = unslice(%1) shape=[n0] ranges=[n0 - 1] %4 = add(%2, %3) %5 = add(%4, %0) return %5",
        [V],
        ["+="],
    ),
    ("%1 = concatenate(%0, %0) axis=1 return %1", [X], ["np.concatenate((x0, x0), axis=1)"]),
    (
        "%1 = reshape(%0) shape=[n0, 1] %2 = sin(%0) %3 = reshape(%2) shape=[n0, 1] "
        "%4 = concatenate(%1, %3) axis=1 return %4",
        [V],
        ["np.stack"],
    ),
    ("%1 = iota size=n0 dtype=int64 %2 = iota size=3 dtype=float32 return %1, %2", [V], ["np.arange"]),
    ("%1 = size n0 + 1 %2 = divide(%0, %1) return %1, %2", [V], ["x0.shape[0]"]),
    (
        "%1 = sum(%0) axes=[0] %2 = prod(%0) axes=[1] %3 = max(%0) axes=[0, 1] return %1, %2, %3",
        [X],
        ["axis=0"],
    ),
    ("%1 = sum(%0) axes=[1] %2 = reshape(%1) shape=[n0, 1] return %2", [X], ["keepdims=True"]),
    ("%1 = sum(%0) axes=[1] %2 = size n1 %3 = divide(%1, %2) return %3", [X], ["np.mean(x0, axis=1)"]),
    (
        "%1 = sum(%0) axes=[1] %2 = size n1 %3 = divide(%1, %2) %4 = reshape(%3) shape=[n0, 1] "
        "%5 = subtract(%0, %4) return %5",
        [X],
        ["np.mean(x0, axis=1, keepdims=True)"],
    ),
    ("%1 = cast(%0) to=int64 %2 = sum(%1) axes=[0] return %2", [V > 0], ["np.sum(x0)"]),
    ("%1 = sum(%0) axes=[0] return %1", [np.arange(4, dtype=np.int32)], ["dtype=np.int32"]),
    ("%1 = any(%0) axes=[0] %2 = all(%0) axes=[0] return %1, %2", [V > 0], ["np.any(x0)"]),
    ("%1 = argmin(%0) axis=1 %2 = argmax(%0) axis=0 return %1, %2", [X], ["np.argmin(x0, axis=1)"]),
    ("%1 = reshape(%0) shape=[n0*n1] %2 = argmax(%1) axis=0 return %2", [X], ["np.argmax(x0)"]),
    ("%1 = cumsum(%0) axis=1 %2 = cumprod(%0) axis=0 return %1, %2", [X], ["np.cumsum(x0, axis=1)"]),
    ("%1 = gather(%0, %0) axes=[0] at=0 return %1", [np.array([2, 0, -1])], ["x0[x0]"]),
    ("%2 = gather(%0, %1) axes=[1] at=1 return %2", [X, np.array([3, 0])], ["x0[:, x1]"]),
    ("%2 = gather(%0, %1) axes=[1] at=0 return %2", [X, np.array([3, 0])], [".T"]),
    (
        "%3 = gather(%0, %1, %2) axes=[0, 1] at=0 return %3",
        [X, np.array([1, 0]), np.array([3, 0])],
        ["x0[x1, x2]"],
    ),
    (
        "%2 = argwhere(%1) : int64[n2, 1] %3 = reshape(%2) shape=[n2] "
        "%4 = gather(%0, %3) axes=[0] at=0 return %4",
        [V, V > 0],
        ["x0[x1]"],
    ),
    ("%1 = argwhere(%0) : int64[n2, 2] %2 = size n2 return %1, %2", [X > 0.5], ["np.argwhere(x0)"]),
    ("%2 = slice_set(%0, %1) ranges=[1 from 1, n1] return %2", [X, np.ones((1, 4))], ["x0.copy()"]),
    ("%2 = slice_add(%0, %1) ranges=[n0, n1] return %2, %0", [X, np.ones((3, 4))], ["+="]),
    (
        "%2 = constant 5.0 : float64[] %3 = scatter_set(%0, %2, %1) axes=[0] at=0 return %3",
        [V, np.array([0, 2])],
        ["= 5.0"],
    ),
    (
        "%3 = scatter_add(%0, %2, %1) axes=[0] at=0 return %3",
        [V, np.array([0, 0, 2]), np.ones(3)],
        ["np.add.at"],
    ),
    (
        "%3 = scatter_add(%0, %2, %1) axes=[1] at=1 return %3",
        [X, np.array([0, 0]), np.ones((3, 2))],
        ["np.add.at"],
    ),
    ("%1 = argsort(%0) axis=1 %2 = argsort(%0) axis=0 return %1, %2", [-X], ['kind="stable"']),
    ("%1 = cast(%0) to=float32 %2 = cast(%0) to=int64 return %1, %2", [X], ["astype(np.float32)"]),
    (
        "%1 = cast(%0) to=float32 %2 = constant 2.0 : float32[] %3 = multiply(%1, %2) "
        "%4 = constant 2.0 : float64[] %5 = multiply(%1, %4) return %3, %5",
        [V],
        ["2.0 * ", "np.float64(2.0)"],
    ),
    (
        "%1 = constant array(int64[3], [1, 2, 3]) %2 = constant array(float32[2], [0.1, nan]) return %1, %2",
        [V],
        ["np.array([1, 2, 3])"],
    ),
]


@pytest.mark.parametrize("case", STRUCTURAL, ids=[case[0] for case in STRUCTURAL])
def test_structural(case: tuple[str, list[Any], list[str]]) -> None:
    body, inputs, seen = case
    symbols = itertools.count()
    avals = [f"{x.dtype}[{', '.join(f'n{next(symbols)}' for _ in x.shape)}]" for x in inputs]
    heads = ", ".join(f"x{k}: {aval}" for k, aval in enumerate(avals))
    lines = " ".join(f"%{k} x{k} = input : {aval}" for k, aval in enumerate(avals))
    # The number of places found is the last symbol, whatever the inputs have.
    body = body.replace("n2", f"n{next(symbols)}") if "argwhere" in body else body
    source = check(f"f({heads}) {{ {lines} {body} }}", *inputs)
    for word in seen:
        assert word in source, source


PRODUCTS = [
    ((3,), (3,), [], [(0, 0)], "x0 @ x1"),
    ((2, 3), (3,), [], [(1, 0)], "x0 @ x1"),
    ((3, 2), (3,), [], [(0, 0)], "x0.T @ x1"),
    ((3,), (2, 3), [], [(0, 1)], "x1 @ x0"),
    ((2, 3), (3, 4), [], [(1, 0)], "x0 @ x1"),
    ((3, 2), (3, 4), [], [(0, 0)], "x0.T @ x1"),
    ((2, 3), (4, 3), [], [(1, 1)], "x0 @ x1.T"),
    ((3, 2), (4, 3), [], [(0, 1)], "x0.T @ x1.T"),
    ((3,), (4,), [], [], "np.outer"),
    ((), (4,), [], [], "x0 * x1"),
    ((2, 3), (4,), [], [], "np.multiply.outer"),
    ((5, 2, 3), (3,), [], [(2, 0)], "x0 @ x1"),
    ((5, 2, 3), (3, 4), [], [(2, 0)], "x0 @ x1"),
    ((5, 2, 3), (2, 3, 4), [], [(1, 0), (2, 1)], "np.tensordot"),
    ((5, 2, 3), (5, 3, 4), [(0, 0)], [(2, 1)], "x0 @ x1"),
    ((5, 3, 2), (5, 4, 3), [(0, 0)], [(1, 2)], "np.swapaxes"),
    ((5, 3), (5, 3), [(0, 0)], [(1, 1)], "np.sum(x0 * x1, axis=1)"),
    ((5, 3), (5, 4), [(0, 0)], [], "np.einsum"),
    ((3, 5), (5, 3, 2), [(1, 0)], [(0, 1)], "np.einsum"),
    ((5,), (5,), [(0, 0)], [], "x0 * x1"),
]


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
@pytest.mark.parametrize("case", PRODUCTS, ids=str)
def test_products(case: Any, dtype: str) -> None:
    left, right, batch, contract, word = case
    x, y = (sample(dtype, -3, 3, shape, k) for k, shape in enumerate((left, right)))
    a, b = (f"{dtype}[{', '.join(map(str, shape))}]" for shape in (left, right))
    pairs = (f"batch={batch} " if batch else "") + f"contract={contract}"
    head = f"f(x0: {a}, x1: {b}) {{ %0 x0 = input : {a} %1 x1 = input : {b}"
    text = f"{head} %2 = contract(%0, %1) {pairs} return %2 }}"
    assert word in check(text, x, y)


def test_names_hide_nothing() -> None:
    text = """np(special: float64[3], sum: float64[3]) {
        %0 special = input : float64[3]
        %1 sum = input : float64[3]
        %2 lambda = gammaln(%0)
        %3 np = multiply(%2, %1)
        %4 "a b[0]" = multiply(%3, %3)
        %5 sum = sum(%4) axes=[0]
        return %5, %4
    }"""
    source = _lazy._emit(text)
    assert "import numpy as np" in source
    namespace: dict[str, Any] = {}
    exec(source, namespace)
