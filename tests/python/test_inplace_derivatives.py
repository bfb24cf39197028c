"""Writes in place of every kind, through the same check of derivatives as names: `cases.derivatives`.

Each row is a body over `x0` (4 by 5), `x1` (5) and `x2` (4); where it writes to an argument, NumPy's own call is given a copy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cases.arrays import fill
from cases.derivatives import Program, RefusedAt, check

A, B, C = fill((4, 5), "float64", 11), fill((5,), "float64", 12), fill((4,), "float64", 13)

ROWS = """
slice | y = x0.copy(); y[1:3] = x1; return y * y
slice with step | y = x0.copy(); y[::2, ::-2] = x1[:3]; return y * y
column | y = x0.copy(); y[:, 2] = x2 * x2; return y * y
row times number | y = x0.copy(); y[1] *= 3.0; return y * y
one element | y = x0.copy(); y[1, 2] = x1[0] * x1[1]; return y * y
negative index | y = x1.copy(); y[-1] = y[0] * y[1]; return y * y
ellipsis | y = x0.copy(); y[..., 0] = x2; return y * y
newaxis | y = x0.copy(); y[:, None, 1] = x2[:, None] ** 2; return y * y
whole array | y = np.empty_like(x0); y[...] = x0 * x1; return y * y
mask | y = x0.copy(); y[x0 > 0] = 0.5; return y * y * x0
mask with values | y = x0.copy(); y[x0 > 0] = x0[x0 > 0] ** 2; return y
mask of rows | y = x0.copy(); y[x2 > 0] = x1; return y * y
mask added to | y = x0.copy(); y[x0 < 0] += x1[0]; return y * y
integers | y = x1.copy(); y[np.array([0, 3])] = x2[:2] * x2[2:]; return y * y
integers twice | y = x1.copy(); y[np.array([0, 3, 0])] = x2[:3]; return y * y
integers added to | y = x1.copy(); y[np.array([4, 1])] += x2[:2] ** 2; return y * y
integers of both axes | y = x0.copy(); y[np.array([0, 2]), np.array([1, 4])] *= x2[:2]; return y * y
grid of integers | y = x0.copy(); y[np.ix_([0, 2], [1, 3])] = x0[:2, :2] ** 2; return y * y
integer list and slice | y = x0.copy(); y[[0, 3], 1:3] = x1[:2]; return y * y
add | y = x0.copy(); y += x1; return y * y
subtract | y = x0.copy(); y -= x1 * x1; return y * y
multiply | y = x0.copy(); y *= x1; return y * y
divide | y = x0.copy(); y /= 2.0 + x1 * x1; return y * y
power | y = x0 * x0 + 1.0; y **= x1; return y
matmul | y = x0.copy(); y @= np.outer(x1, x1); return y * y
remainder | y = x0.copy(); y %= 1.75; return y * y
array itself | y = x0.copy(); y *= y; y += y; return y
out | y = np.empty_like(x0); np.multiply(x0, x1, out=y); return y * y
out is operand | y = x0.copy(); np.exp(y, out=y); np.add(y, x1, y); return y * y
out of a reduction | y = np.zeros(5); np.sum(x0 * x0, axis=0, out=y); return y * y
out of a slice | y = x0.copy(); np.multiply(x1, x1, out=y[1]); return y * y
out of matmul | y = np.empty(4); np.matmul(x0, x1, out=y); return y * y
out of cumsum | y = np.empty_like(x0); np.cumsum(x0 * x0, axis=1, out=y); return y * y
out and where | y = x0.copy(); np.square(x0, out=y, where=x0 > 0); return y * y
out of clip | y = x0.copy(); np.clip(y, -0.5, 1.5, out=y); return y * y
out of take | y = np.empty(3); np.take(x1, [0, 4, 2], out=y); return y * y
out of concatenate | y = np.empty(9); np.concatenate([x1, x2], out=y); return y * y
out of dot | y = np.empty(4); np.dot(x0, x1, out=y); return y * y
add.at | y = x1.copy(); np.add.at(y, [0, 2, 0], x2[:3] ** 2); return y * y
subtract.at | y = x1.copy(); np.subtract.at(y, [0, 2, 0], x2[:3]); return y * y
multiply.at | y = x1.copy(); np.multiply.at(y, [0, 2, 3], x2[:3]); return y * y
add.at of rows | y = x0.copy(); np.add.at(y, [0, 2, 0], x1 * x1); return y * y
maximum.at | y = x1.copy(); np.maximum.at(y, [0, 2], x2[:2]); return y * y
negative.at | y = x1.copy(); np.negative.at(y, [0, 2]); return y * y * y
view of a row | y = x0.copy(); row = y[1]; row[2:] = x1[:3] ** 2; return y * y
view of a view | y = x0.copy(); v = y[1:][:, ::2]; v *= 2.0; return y * y
view of the transpose | y = x0.copy(); y.T[0] = x2; return y * y
view of reshape | y = x0.copy(); y.reshape(-1)[3:8] = x1; return y * y
view of ravel | y = x0.copy(); y.ravel()[::7] = 2.0 * x1[:3]; return y * y
view of diagonal | y = x0.copy(); np.einsum("ii->i", y[:, :4])[...] = x2 ** 2; return y * y
view written before | y = x0.copy(); v = y[0]; y[0, 1] = x1[1]; return v * v
view of real part | y = x0 + 1j * x1; y.real *= x1; return np.abs(y) ** 2
view of flat | y = x0.copy(); y.flat[2] = x1[0]; return y * y
swapaxes | y = x0.copy(); np.swapaxes(y, 0, 1)[1] += x2; return y * y
rows in a loop | y = x0.copy(); for i in range(1, 4): y[i] += y[i - 1] * x1; return y
elements in a loop | y = x1.copy(); for i in range(1, 5): y[i] = y[i] * y[i - 1] + 0.5; return y
overlap forwards | y = x1.copy(); y[1:] = y[:-1] * y[1:]; return y * y
overlap backwards | y = x1.copy(); y[:-1] += y[1:] ** 2; return y * y
reversed onto itself | y = x1.copy(); y[::-1] = y * x1; return y * y
swap of rows | y = x0.copy(); y[[0, 2]] = y[[2, 0]]; return y * y * x1
swap by tuple | y = x1.copy(); y[0], y[3] = y[3] * 2.0, y[0] * 3.0; return y * y
fill | y = x0.copy(); y.fill(1.5); y[0] = x1; return y * y
copyto | y = x0.copy(); np.copyto(y, x1); return y * y
copyto where | y = x0.copy(); np.copyto(y, x1 ** 2, where=x0 > 0); return y * y
put | y = x0.copy(); np.put(y, [0, 7, 9], x1[:3] ** 2); return y * y
put cyclic | y = x0.copy(); y.put([0, 7, 9, 3], x1[:2]); return y * y
put_along_axis | y = x0.copy(); np.put_along_axis(y, np.argmax(x0, 1)[:, None], 9.0 * x2[:, None], 1); return y * y
place | y = x0.copy(); np.place(y, x0 > 0, x1[:3] ** 2); return y * y
putmask | y = x0.copy(); np.putmask(y, x0 > 0, x0 ** 2); return y * y
fill_diagonal | y = x0.copy(); np.fill_diagonal(y, x1[0] ** 2); return y * y
fill_diagonal by array | y = x0.copy(); np.fill_diagonal(y, x2 ** 2); return y * y
sort | y = x0.copy(); y.sort(axis=0); return y * y * x1
sort rows | y = x0.copy(); y.sort(); return y * y * x1
partition | y = x1.copy(); y.partition(2); return y[2] ** 2 * x1
sort of a slice | y = x1.copy(); y[1:4].sort(); return y * y * x1
resize | y = x1.copy(); y.resize((2, 2), refcheck=False); return y * y
shape | y = x0.copy(); y.shape = (5, 4); y[0] = x2; return y * y
nan_to_num | y = x0.copy(); y[0, 0] = np.nan; np.nan_to_num(y, copy=False, nan=2.0); return y * y
argument of a function | write = lambda a: a.__setitem__(0, x1); y = x0.copy(); write(y); return y * y
accumulating in a list | rows = list(x0); rows[1] = rows[1] * x1; return np.stack(rows) ** 2
random shuffle | y = x1.copy(); np.random.default_rng(3).shuffle(y); return y * y * x1
float into integers | y = np.zeros(5, dtype=int); y[:] = 2; y[1] = 3; return y * x1 * x1
delete and insert | y = np.delete(x1, 2); y = np.insert(y, 1, x2[0] ** 2); return y * y
append | y = np.append(x1, x2[0]); y[-1] *= y[0]; return y * y
out of a bound function | y = np.empty(5); f = np.sin; f(x1, out=y); return y * y
triangle | y = x0.copy(); y[np.triu_indices(4)] *= 2.0; y[np.tril_indices(4, -1)] = 0.5; return y * y
where argument | y = np.zeros(5); np.divide(x1, x1 ** 2 + 1.0, out=y, where=x1 > 0); return y * y
""".strip().split("\n")


# The searches that a mask needs give each example of a batch a size of its own.
NO_BATCHES = {"mask with values", "mask added to"}
# What is refused, with a message, in all layouts or in those whose reshapes are copies.
REFUSED = {
    "view of real part": "real or the imaginary part",
    "resize": "ndarray.resize",
    "shape": "assignment to ndarray.shape",
    "random shuffle": "Generator.shuffle",
}
REFUSED_OUT_OF_ORDER = dict.fromkeys(
    ["view of reshape", "view of ravel"],
    "depends on how its elements lie in memory",
)


def check_row(row: str, arguments: list[Any], refused: dict[str, str]) -> None:
    name, body = row.split(" | ")
    program = Program(body.replace("; ", "\n"), arguments)
    if name not in refused:
        check(program, batches=name not in NO_BATCHES)
        return
    with pytest.raises(RefusedAt, match=refused[name]):
        check(program)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split(" | ")[0])
def test_in_place(row: str) -> None:
    check_row(row, [A, B, C], REFUSED)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split(" | ")[0])
def test_in_place_out_of_order(row: str) -> None:
    wide = np.zeros((8, 10))[::2, ::-2]
    wide[...] = A
    check_row(row, [wide, B[::-1], C], REFUSED | REFUSED_OUT_OF_ORDER)
