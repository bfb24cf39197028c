"""Programs of loops as collections of benchmarks have them: lifted whole, once for all data, and right.

Each program is called with several sets of data. Result and arguments must be plain Python's every time,
and the first lift must serve all of them: no value of the data may decide what the graph looks like.
"""

import copy
import math

import numpy as np
import pytest

import lazy


def first_above(x, limit):
    for i in range(len(x)):
        if x[i] > limit:
            return i
    return -1


def bisection(sorted_values, wanted):
    low, high = 0, len(sorted_values) - 1
    while low <= high:
        middle = (low + high) // 2
        if sorted_values[middle] == wanted:
            return middle
        if sorted_values[middle] < wanted:
            low = middle + 1
        else:
            high = middle - 1
    return -1


def count_primes(n):
    count = 0
    for k in range(2, n):
        for d in range(2, int(k**0.5) + 1):
            if k % d == 0:
                break
        else:
            count += 1
    return count


def two_exits(x):
    total = 0.0
    for v in x:
        total += v
        if total > 5.0:
            total = -1.0
            break
        if v < 0.05:
            return total, "small"
    else:
        total += 100.0
    return total, "large"


def escape_time(re, im, limit):
    c = complex(re, im)
    z = 0j
    for k in range(limit):
        z = z * z + c
        if z.real * z.real + z.imag * z.imag > 4.0:
            return k
    return limit


def escape_image(width, height, limit):
    image = np.zeros((height, width), dtype=np.uint8)
    for i in range(height):
        for j in range(width):
            image[i, j] = escape_time(-2.0 + 3.0 * j / width, -1.0 + 2.0 * i / height, limit)
    return image


def until_stable(A, b, tolerance):
    x = np.zeros_like(b)
    steps = 0
    while True:
        new = (b - A @ x + np.diag(A) * x) / np.diag(A)
        steps += 1
        if np.max(np.abs(new - x)) < tolerance:
            return new, steps
        x = new


def dot_by_zip(x, y):
    total = 0.0
    for a, b in zip(x, y, strict=False):
        total += a * b
    return total


def numbered(x):
    out = np.empty_like(x)
    for i, v in enumerate(x, 1):
        out[i - 1] = v * i
    return out


def pairs_of_rows(weights, rows):
    out = np.zeros(rows.shape[1])
    for i, (w, row) in enumerate(zip(weights, rows)):  # noqa: B905
        out += w * row / (i + 1)
    return out


def checksum(data):
    a, b = 1, 0
    for byte in data:
        a = (a + int(byte)) % 65521
        b = (b + a) % 65521
    return b * 65536 + a


def cyclic_code(data):
    register = 0xFFFF
    for byte in data:
        register ^= int(byte)
        for _ in range(8):
            if register & 1:
                register = (register >> 1) ^ 0xA001
            else:
                register >>= 1
    return register


def mixed_integers(a, b):
    out = np.zeros_like(a)
    for i in range(a.shape[0]):
        x = a[i] * a[i] - b[i]
        out[i] = max(x, a[i]) % np.int32(7) + (a[i] >> 1) - (b[i] & a[i])
    return out


def small_unsigned(a):
    out = np.zeros_like(a)
    for i in range(1, a.shape[0]):
        out[i] = a[i] + out[i - 1] * np.uint8(3) - (a[i - 1] ^ np.uint8(85))
    return out


def singles(x):
    total = np.float32(0.0)
    for i in range(x.shape[0]):
        total = total * np.float32(0.5) + x[i] * x[i]
    return total


def rows_by_pointers(pointers, columns, values, x):
    y = np.zeros(len(pointers) - 1)
    for i in range(len(pointers) - 1):
        for k in range(pointers[i], pointers[i + 1]):
            y[i] += values[k] * x[columns[k]]
    return y


def bins(x, weights, count):
    sums = np.zeros(count)
    low, high = x.min(), x.max()
    for i in range(len(x)):
        at = int(count * (x[i] - low) / (high - low))
        if at == count:
            at = count - 1
        sums[at] += weights[i]
    return sums


def attraction(pos, vel, mass, dt):
    n = len(mass)
    for _ in range(10):
        for i in range(n):
            ax = ay = 0.0
            for j in range(n):
                if i != j:
                    dx = pos[j, 0] - pos[i, 0]
                    dy = pos[j, 1] - pos[i, 1]
                    r2 = dx * dx + dy * dy + 0.01
                    ax += mass[j] * dx / (r2 * math.sqrt(r2))
                    ay += mass[j] * dy / (r2 * math.sqrt(r2))
            vel[i, 0] += ax * dt
            vel[i, 1] += ay * dt
        pos += vel * dt


def spiral(start, steps):
    path = np.empty((steps, 3))
    x, y, z = start
    for i in range(steps):
        x, y, z = x - 0.1 * y, y + 0.1 * x, z * 0.99
        path[i] = x, y, z
    return path


def filters(images, weights, out):
    for n in range(images.shape[0]):
        for r in range(out.shape[2]):
            for c in range(out.shape[3]):
                for i in range(weights.shape[1]):
                    for j in range(weights.shape[2]):
                        for k in range(images.shape[3]):
                            for f in range(weights.shape[0]):
                                out[n, f, r, c] += images[n, r + i, c + j, k] * weights[f, i, j, k]


def self_energies(neighbours, left, right, out):
    for e in range(left.shape[0]):
        for w in range(right.shape[0]):
            for a in range(neighbours.shape[0]):
                for b in range(neighbours.shape[1]):
                    if e - w >= 0:
                        out[e, a] += left[e - w, neighbours[a, b]] @ right[w, a, b]


def reflections(A):
    n = A.shape[1]
    R = A.copy()
    for k in range(n):
        x = R[k:, k]
        e = np.zeros_like(x)
        e[0] = np.copysign(np.linalg.norm(x), -x[0])
        v = (x - e) / np.linalg.norm(x - e)
        R[k:, k:] -= 2.0 * np.outer(v, v @ R[k:, k:])
    return R


def masked_iteration(points, steps):
    z = np.zeros_like(points)
    n = np.zeros(points.shape, dtype=np.int64)
    for k in range(steps):
        inside = np.abs(z) < 2.0
        n[inside] = k
        z[inside] = z[inside] ** 2 + points[inside]
    return z, n


def rings(values, radius, count):
    out = np.zeros(count)
    for k in range(count):
        inside = np.logical_and(k <= radius, radius < k + 1)
        out[k] = values[inside].mean()
    return out


def centres(points, labels, count):
    out = np.zeros((count, points.shape[1]))
    for k in range(count):
        out[k] = points[labels == k].sum(axis=0)
    return out


def short_with_branches(x):
    best, at = x[0], 0
    for i in range(1, 6):
        if x[i] > best:
            best, at = x[i], i
    return best, at


def skipping(x):
    i = 0
    total = 0.0
    while i < 20:
        if x[i] < 0.3:
            i += 2
            continue
        total += x[i]
        i += 1
    return total


def product_by_elements(A, B, C):
    for i in range(A.shape[0]):
        for j in range(B.shape[1]):
            for k in range(A.shape[1]):
                C[i, j] += A[i, k] * B[k, j]


def elements_that_stay(v, w, counts, n):
    """Each is read and written at one place by all trips of a loop; some loops have no trip."""
    total = last = 0.0
    for i in range(12):
        for k in range(n):
            v[i % 3] = w[k]
        for k in range(5):
            total = total + w[k]
            v[i % 3] = total
        for k in range(5):
            last = v[0]
            v[0] = last + w[k]
            w[k] = last
        for k in range(5):
            v[1] += w[k]
            v[1] *= 0.5
        for k in range(5):
            counts[i % 3] += k
    return total, last


def elements_that_move(v, m, n):
    """What is read beside them may be in the same memory."""
    for i in range(12):
        row = m[i % 3]
        for k in range(1, 4):
            m[i % 3, 1] += row[k] * 0.5
        for k in range(n):
            v[0] += v[k]
        for _ in range(n):
            kept = v[0]
            v[0] = v[1] + 1.0
            v[1] = kept


def inverse_where_positive(x):
    x[x > 0] = x[x > 0] ** (-1.5)
    return x.sum()


def rng(seed):
    return np.random.default_rng(seed)


def csr(r):
    counts = r.integers(0, 4, 14)
    pointers = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    k = int(pointers[-1])
    return pointers, r.integers(0, 9, k).astype(np.int32), r.random(k), r.random(9)


def dominant(r, n):
    return r.random((n, n)) + n * np.eye(n)


# Program, and its arguments by a generator of data. What a call decides on may differ from call to call
# where the number of lifts is more than one.
PROGRAMS = [
    (first_above, lambda r: (r.random(20), 0.8), 2),
    (bisection, lambda r: (np.sort(r.integers(0, 40, 20)), 17), 2),
    (count_primes, lambda r: (60,), 1),
    (two_exits, lambda r: (r.random(int(r.integers(10, 30))),), 3),
    (escape_image, lambda r: (12, 13, 20), 1),
    (until_stable, lambda r: (dominant(r, 12), r.random(12), 1e-9), 1),
    (dot_by_zip, lambda r: (r.random(20), r.random(20)), 1),
    (dot_by_zip, lambda r: (r.random(20), r.random(25)), 1),
    (numbered, lambda r: (r.random(20),), 1),
    (pairs_of_rows, lambda r: (r.random(14), r.random((14, 3))), 1),
    (checksum, lambda r: (r.integers(0, 256, 30).astype(np.uint8),), 1),
    (cyclic_code, lambda r: (r.integers(0, 256, 30).astype(np.uint8),), 1),
    (mixed_integers, lambda r: tuple(r.integers(-(2**31), 2**31 - 1, (2, 20)).astype(np.int32)), 1),
    (small_unsigned, lambda r: (r.integers(0, 256, 20).astype(np.uint8),), 1),
    (singles, lambda r: (r.random(20).astype(np.float32),), 1),
    (rows_by_pointers, csr, 1),
    (bins, lambda r: (r.random(40), r.random(40), 10), 1),
    (attraction, lambda r: (r.random((10, 2)), r.random((10, 2)), r.random(10), 0.01), 1),
    (spiral, lambda r: (r.random(3), 20), 1),
    (
        filters,
        lambda r: (r.random((2, 9, 10, 3)), r.random((3, 2, 4, 3)), np.zeros((2, 3, 8, 7))),
        1,
    ),
    (
        self_energies,
        lambda r: (
            r.integers(0, 5, (5, 2)),
            r.random((4, 5, 3, 3)),
            r.random((2, 5, 2, 3, 3)),
            np.zeros((4, 5, 3, 3)),
        ),
        1,
    ),
    (reflections, lambda r: (r.normal(size=(14, 10)),), 1),
    (masked_iteration, lambda r: (r.normal(size=(12, 13)) + 1j * r.normal(size=(12, 13)), 14), 1),
    (rings, lambda r: (r.random(300), r.random(300) * 12, 12), 1),
    (centres, lambda r: (r.random((40, 3)), r.integers(0, 10, 40), 10), 1),
    (short_with_branches, lambda r: (r.random(6),), 1),
    (skipping, lambda r: (r.random(21),), 1),
    (product_by_elements, lambda r: (r.random((6, 7)), r.random((7, 5)), r.random((6, 5))), 1),
    (elements_that_stay, lambda r: (r.random(3), r.random(5), r.integers(0, 9, 3), 0), 1),
    (elements_that_move, lambda r: (r.random(5), r.random((3, 4)), 4), 1),
    (inverse_where_positive, lambda r: (r.normal(size=(8, 9)),), 1),
]


@pytest.mark.parametrize(("program", "make", "lifts"), PROGRAMS, ids=[p[0].__name__ for p in PROGRAMS])
@pytest.mark.parametrize("tier", ["machine code", "interpreter"])
def test_program(program, make, lifts, tier, monkeypatch):
    if tier == "interpreter":
        monkeypatch.setenv("LAZY_INTERPRET", "1")
    compiled = lazy.jit(program)
    for seed in range(6):
        expected_args = make(rng(seed))
        args = copy.deepcopy(expected_args)
        assert "runs as plain Python" not in compiled.explain(*copy.deepcopy(args))
        with np.errstate(all="ignore"):
            expected = program(*expected_args)
        same(compiled(*args), expected)
        same(args, expected_args)
    assert compiled.lifts <= lifts


def same(found, expected):
    assert type(found) is type(expected)
    if isinstance(expected, tuple):
        assert len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            same(a, b)
    elif expected is None or isinstance(expected, str):
        assert found == expected
    else:
        assert np.asarray(found).dtype == np.asarray(expected).dtype
        rtol = 1e-5 if np.asarray(expected).dtype == np.float32 else 1e-9
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=1e-12)


class Signal:
    def __init__(self, values):
        self.values = values

    def energy(self, n):
        total = 0.0
        for i in range(n):
            total += self.values[i] * WEIGHTS[i]
        return total


WEIGHTS = np.linspace(0.0, 1.0, 30)


def test_arrays_that_a_loop_meets_first():
    signal = Signal(np.arange(20.0))
    compiled = lazy.jit(signal.energy)
    assert "runs as plain Python" not in compiled.explain(20)
    assert compiled(20) == pytest.approx(signal.energy(20))
    signal.values = np.arange(25.0)
    assert compiled(20) == pytest.approx(signal.energy(20))
    assert " loop(" in compiled.graph


def test_machine_code_raises_as_python():
    """An index out of bounds, a division by zero, and an integer that does not fit, within a loop."""

    def reads(x, at):
        total = 0.0
        for i in range(20):
            total += x[at[i]]
        return total

    compiled = lazy.jit(reads)
    x, at = np.arange(10.0), np.arange(20) % 10
    assert compiled(x, at) == reads(x, at)
    at[7] = -3
    assert compiled(x, at) == reads(x, at)
    at[7] = 10
    with pytest.raises(IndexError, match="index 10 is out of bounds for axis 0 with size 10"):
        compiled(x, at)

    def divides(a, n):
        total = 0
        for i in range(n):
            total += 100 // (a - i)
        return total

    compiled = lazy.jit(divides)
    assert compiled(50, 20) == divides(50, 20)
    assert compiled(-3, 20) == divides(-3, 20)
    with pytest.raises(ZeroDivisionError):
        compiled(10, 20)

    def grows(a, n):
        for _ in range(n):
            a = a * 3
        return a

    compiled = lazy.jit(grows)
    assert compiled(2, 20) == grows(2, 20)
    assert compiled(2, 60) == grows(2, 60)


def test_comparisons_of_what_is_no_number():
    def counts(x, y):
        less = most = equal = other = 0
        for a, b in zip(x, y, strict=True):
            if a < b:
                less += 1
            if a <= b:
                most += 1
            if a == b:
                equal += 1
            if a != b:
                other += 1
        return less, most, equal, other, max(x[0], y[0]), min(x[1], y[1])

    special = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0])
    x, y = np.repeat(special, 6), np.tile(special, 6)
    assert lazy.jit(counts)(x, y)[:4] == counts(x, y)[:4]


def test_elements_of_innermost_loops():
    """Bounds of a loop's elements are checked at once where they can be; where that fails, one by one."""

    def moving(C, A, at, skip):
        for i in range(C.shape[0]):
            for j in range(C.shape[1]):
                C[i, j] += A[j + at - 1, i] * A[i, i]
                if A[i, j] > skip:
                    C[i, j] -= A[j, i - at]

    def branches(a, b, n):
        k = 0
        total = 0
        for i in range(n):
            if a[i] > 2:
                k = i + 1
            total += b[k] - a[n - 1 - i]
        return total

    rng = np.random.default_rng(3)
    for at, skip in [(1, 0.5), (0, 0.9), (1, -1.0), (3, 0.5)]:
        A = rng.random((9, 9))
        expected, found = np.zeros((7, 5)), np.zeros((7, 5))
        moving(expected, A, at, skip)
        lazy.jit(moving)(found, A, at, skip)
        np.testing.assert_array_equal(found, expected)
        turned = np.zeros((5, 7)).T
        lazy.jit(moving)(turned, A[::-1].copy()[::-1], at, skip)
        np.testing.assert_array_equal(turned, expected)
    wide = np.zeros((7, 9))
    with pytest.raises(IndexError):
        lazy.jit(moving)(wide, rng.random((9, 9)), 3, 0.5)
    a, b = rng.integers(0, 5, 40), rng.integers(0, 100, 60)
    assert lazy.jit(branches)(a, b, 40) == branches(a, b, 40)
