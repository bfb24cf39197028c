"""Who shares memory with whom: one example for each thing that random programs found."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lazy
from programs import compare

V = np.array([0.5, 1.5, 2.5])
M = np.arange(9.0).reshape(3, 3) + 1


Pair = namedtuple("Pair", "count array")


class Box:
    def __init__(self) -> None:
        self.data = V.copy()
        self.grid = M.copy()


def agree(function: Callable[..., Any], *make: Callable[[], Any]) -> None:
    """Values, arguments and shared memory of a call are plain Python's."""
    wanted = compare.outcome(function, {}, [m() for m in make])
    jitted = lazy.jit(function)
    for _ in range(2):
        assert compare.alike(wanted, compare.outcome(jitted, {}, [m() for m in make]), 1e-12)


def v() -> np.ndarray:
    return V.copy()


def m() -> np.ndarray:
    return M.copy()


def strided() -> np.ndarray:
    return np.arange(36.0).reshape(6, 6)[::2, ::-2]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x[:],
        lambda x: x[...],
        lambda x: x.view(),
        lambda x: x.reshape(3, 3),
        lambda x: x.squeeze(),
        lambda x: np.asarray(x),
        lambda x: x.astype(float, copy=False),
        lambda x: np.ascontiguousarray(x.T),
        lambda x: np.asfortranarray(x),
        lambda x: np.diag(x),
        lambda x: np.lib.stride_tricks.sliding_window_view(x, 2, axis=0),
        lambda x: (x + 1, x + 1),
        lambda x: (x.copy(), x.copy()),
        lambda x: np.einsum("ij->ji", x),
    ],
)
def test_a_result_is_a_new_view_the_argument_itself_or_a_copy(function: Any) -> None:
    agree(function, m)


def test_views_of_one_array_made_by_the_function_share_memory() -> None:
    def f(x: Any) -> Any:
        y = x * 2
        return y, y[1:], y[::-1], x.sum()

    agree(f, v)


def test_attributes_that_share_memory_go_on_sharing_it() -> None:
    def f(box: Any) -> None:
        made = box.grid * 2
        box.data, box.grid = made[0], made

    agree(f, Box)


def test_a_flattened_array_is_returned_with_what_was_written_before() -> None:
    def f(x: Any) -> Any:
        x[:, 0] /= 2
        return x.ravel()

    agree(f, strided)
    agree(f, m)


def test_rows_are_read_when_the_loop_comes_to_them() -> None:
    def f(x: Any) -> None:
        for i, t in enumerate(x):
            x[2 - i] = t

    agree(f, v)


@pytest.mark.parametrize(
    "write",
    [
        lambda x: x.diagonal().fill(0),
        lambda x: np.broadcast_to(x, (3, 3)).fill(0),
        lambda x: x.imag.fill(1),
        lambda x: np.diag(x).sort(),
    ],
)
def test_what_is_read_only_is_not_written(write: Any) -> None:
    agree(write, m)


def test_a_write_is_seen_in_what_was_taken_before() -> None:
    def diagonal(x: Any) -> Any:
        line = np.diagonal(x)
        x[1, 1] = -1
        return line.sum()

    def windows(x: Any) -> Any:
        pairs = np.lib.stride_tricks.sliding_window_view(x, 2)
        x[1] = -1
        return pairs.sum()

    def parts(z: Any) -> Any:
        re = z.real
        z[1] = -1
        return re.sum()

    def through(z: Any) -> None:
        z.real[1:] = 7

    agree(diagonal, m)
    agree(windows, v)
    agree(parts, lambda: V + 1j)
    agree(through, lambda: V + 1j)


def test_a_strided_vector_is_copied_by_ravel() -> None:
    def f(x: Any) -> None:
        x[1:, 0].ravel()[0] = 9

    agree(f, m)


def test_flat_assignment_reads_what_it_has_written() -> None:
    def f(x: Any) -> None:
        x.flat[1:] = x[:-1]

    agree(f, v)


def test_an_out_that_numpy_refuses_is_refused() -> None:
    def dot(a: Any, b: Any) -> None:
        np.dot(a, b, b)

    def take(a: Any, b: Any) -> None:
        np.take(a, [0, 1, 1], out=b)

    def mask(a: Any, b: Any) -> None:
        np.putmask(b, a > 1, a)

    agree(dot, m, lambda: np.asfortranarray(M))
    agree(dot, m, m)
    agree(take, v, lambda: np.zeros(3, dtype=np.float32))
    agree(mask, v, lambda: np.zeros(3, dtype=np.float32))


def test_kinds_of_numbers_that_values_choose() -> None:
    def least(x: float) -> str:
        return f"{min(x, 2)} {max(x, 0)}"

    def late(x: Any, n: int) -> str:
        s = 0
        for i in range(n):
            s += x[i]
        return f"{s}"

    agree(least, lambda: 2.5)
    agree(least, lambda: -1.5)
    agree(late, v, lambda: 0)
    agree(late, v, lambda: 2)


def test_the_number_of_chosen_elements_within_nested_loops() -> None:
    def f(x: Any, a: Any) -> Any:
        for _ in x:
            for _ in range(3):
                a[len(x[x > 1]) % len(x)] += x * 0.2
        return a

    agree(f, v, m)


def test_parts_changed_in_place():
    """`x[key] += y` changes a part of `x` once, whatever picks it."""

    def rows(A, B, k):
        for i in range(1, A.shape[0] - 1):
            A[i, 1:-1] += B[i - 1, :-2] * 0.5
            A[i, ::2] *= 1.5
            A[1:-1, i % 3] -= 0.25
            A[i, : i + 1] += B[i, : i + 1]
            A[i] += k
        part = A[2, 1:-1]
        part -= 1.0
        A[2, 1:-1] = part
        A[3, 1:-1] = part
        A[1:-1, 1:-1] += part[0]

    rng = np.random.default_rng(5)
    A, B = rng.random((7, 7)), rng.random((7, 7))
    expected, found = A.copy(), A.copy()
    rows(expected, B, 2.0)
    compiled = lazy.jit(rows)
    compiled(found, B, 2.0)
    np.testing.assert_array_equal(found, expected)
    direction = rng.random((7, 7))

    def loss(A):
        A = A.copy()
        rows(A, B, 2.0)
        return np.sum(A**3)

    slope = np.sum(lazy.grad(loss)(A) * direction)
    step = 1e-6
    np.testing.assert_allclose(
        slope, (loss(A + step * direction) - loss(A - step * direction)) / (2 * step), rtol=1e-6
    )


def test_elements_follow_each_other_as_they_lie_in_memory() -> None:
    def as_in_memory(m: Any) -> Any:
        return m.ravel("K"), np.ravel(m.T, order="K"), m.T.reshape(-1, order="A"), m.flatten("A")

    agree(as_in_memory, m)
    agree(as_in_memory, lambda: np.asfortranarray(m()))

    def of_chosen_columns(m: Any, k: Any) -> Any:
        # Its columns, and not its rows, lie in one piece: what `ravel` gives is a copy.
        chosen = m[:, k]
        np.ravel(chosen)[0] = 7.0
        return chosen

    agree(of_chosen_columns, m, lambda: np.array([0, 2, 2]))


def test_a_write_of_what_is_there_needs_a_writeable_array() -> None:
    def unchanged(v: Any) -> Any:
        v[1:] = v[1:]
        return v.sum()

    def read_only() -> Any:
        v = V.copy()
        v.flags.writeable = False
        return v

    agree(unchanged, v)
    agree(unchanged, read_only)


def test_a_named_tuple_holds_the_array_that_is_written_later() -> None:
    def f(v: Any, box: Any) -> Any:
        a = v * 2
        box.pair = Pair(3, a)
        print(len(vars(box)))
        np.add(a, v, a)
        return v

    agree(f, v, Box)


def test_reversed_rows_are_read_when_they_are_asked_for() -> None:
    def f(v: Any, m: Any) -> Any:
        for t in reversed(v):
            v[0] += t * 0.5
        for row in reversed(m):
            m[1] += row
        return v

    agree(f, v, m)


def test_each_side_of_a_branch_goes_on_with_the_same_items() -> None:
    """In a function that a loop calls, a short loop over known items is unrolled, with branches on values."""

    def largest(v: Any) -> Any:
        best = -np.inf
        for i in range(len(v)):
            if v[i] > best:
                best = v[i]
        return best

    def first_above(v: Any, t: float) -> Any:
        for u in v[:3]:
            if u > t:
                if u > 2 * t:
                    return u
                t = t * 1.25
        return t

    def f(v: Any) -> Any:
        for k in range(1, 16):
            v[k % len(v)] = first_above(v, 0.25) - largest(v)
        return v

    agree(f, v)
    agree(f, lambda: np.array([0.5, 1.5, 2.5, 0.1]))


def test_variables_of_inner_functions_count_once() -> None:
    # The head of the loop, which assigns such a variable, is looked at before the loop is run.
    source = """
def f(v, n):
    c = 0
    while c < n:
        c += 1
        if c > 15:
            break
        v[c % len(v)] += 0.5
        seen = [v[c % len(v)] for _ in range(2)]
    return seen
"""
    scope: dict[str, Any] = {}
    exec(source, scope)
    agree(scope["f"], v, lambda: 3)


def test_a_cotangent_without_an_axis_meets_one_of_a_part() -> None:
    def f(m: Any) -> Any:
        turned = m.ravel()[::-1].reshape(m.shape)
        return turned.sum(axis=0)[2] + turned.sum()

    expected = np.ones((3, 3))
    expected[:, 0] += 1
    np.testing.assert_array_equal(lazy.grad(f)(M), expected)


def test_sums_at_places_are_rounded_one_by_one() -> None:
    def halves(k: Any) -> Any:
        np.subtract.at(k, [0, 0], 0.5)
        return k

    agree(halves, lambda: np.array([1, 2, 3]))


def test_complex_numbers_of_python_have_no_order() -> None:
    def ordered(z: Any) -> Any:
        return z < 2 * z

    def listed(x: Any) -> Any:
        items = x.tolist()
        items.sort()
        return items

    agree(ordered, lambda: 1 + 2j)
    agree(ordered, lambda: np.complex128(1 + 2j))
    agree(listed, lambda: V + 1j)
