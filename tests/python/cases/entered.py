"""Programs for NumPy's names that have no row of their own: their Python code is entered, or they are statements.

Each key is a name of NumPy's, each value bodies of programs over arrays `x0`, `x1`... of those in `ARRAYS`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cases.arrays import M, N, V, W, fill, positive
from cases.derivatives import Program

# What decides by values, or gives as much as values say, is no batch.
NO_BATCH = [
    "asarray_chkfinite",
    "emath",
    "nanargmax",
    "nanargmin",
    "poly1d",
    "polydiv",
    "polyfit",
    "polymul",
    "real_if_close",
    "roots",
    "row_stack",
    "trim_zeros",
    "unique_all",
    "unique_counts",
    "unique_inverse",
]
ARRAYS = {
    "M": M,
    "N": N,
    "V": V,
    "W": W,
    "U": fill((4,), "float64", 9),
    "SQUARE": positive((3, 3)),
    "Z": fill((4,), "complex128"),
}

# A body, and the names of the arrays that are x0, x1...
PROGRAMS: dict[str, list[tuple[str, str]]] = {
    "apply_over_axes": [("return np.apply_over_axes(np.sum, x0, [0, 1])", "M")],
    "argpartition": [("return x0[np.argpartition(x0, 2)[2]]", "V")],
    "asarray_chkfinite": [("return np.asarray_chkfinite(x0) * 2.0", "M")],
    "bartlett": [("return np.bartlett(4) * x0", "V")],
    "blackman": [("return np.blackman(4) * x0", "V")],
    "broadcast": [
        ("return np.ones(np.broadcast(x0, x1).shape) * x1", "M V"),
        (
            "total = 0.0\nfor a, b in np.broadcast(x0, x1[:2, None]):\n    total = total + a * b\nreturn total",
            "W V",
        ),
    ],
    "c_": [("return np.c_[x0, x1]", "V V")],
    "common_type": [("return x0.astype(np.common_type(x0, x1)) * x1", "V V")],
    "copyto": [("y = np.zeros(4)\nnp.copyto(y, x0, where=x1 > 0)\nreturn y * x1", "V V")],
    "corrcoef": [("return np.corrcoef(x0)", "M"), ("return np.corrcoef(x0, x1, rowvar=False)", "V U")],
    "cov": [
        ("return np.cov(x0)", "M"),
        ("return np.cov(x0, ddof=0, fweights=[1, 2, 1, 3])", "M"),
        ("return np.cov(x0, x1, bias=True)", "V V"),
        ("return np.cov(x0, rowvar=False)", "Z"),
    ],
    "diag_indices": [("return x0[np.diag_indices(3)]", "SQUARE")],
    "diag_indices_from": [("return x0[np.diag_indices_from(x0)]", "SQUARE")],
    "emath": [
        ("return np.emath.sqrt(x0)", "Z"),
        ("return np.emath.log(np.abs(x0))", "V"),
        ("return np.emath.power(x0, 2)", "V"),
        ("return np.emath.logn(2, np.abs(x0))", "V"),
    ],
    "errstate": [('with np.errstate(all="ignore"):\n    y = x0 / x1\nreturn y', "V V")],
    "fill_diagonal": [("y = x0 * 1.0\nnp.fill_diagonal(y, x1)\nreturn y", "SQUARE W")],
    "finfo": [("return x0 * np.finfo(x0.dtype).max ** 0.01", "V")],
    "fix": [("return np.fix(x0) * x0", "V")],
    "fromfunction": [("return np.fromfunction(lambda i, j: i + 2.0 * j, (3, 4)) * x0", "M")],
    "hamming": [("return np.hamming(4) * x0", "V")],
    "hanning": [("return np.hanning(4) * x0", "V")],
    "histogram2d": [("return np.histogram2d(x0, x0, 3, weights=x1)[0]", "V V")],
    "iinfo": [("return x0 * np.iinfo(np.int8).max", "V")],
    "index_exp": [("return x0[np.index_exp[1:, ::2]]", "M")],
    "indices": [("return np.indices((3, 4))[1] * x0", "M")],
    "isdtype": [('return x0 * 2.0 if np.isdtype(x0.dtype, "real floating") else x0', "V")],
    "isneginf": [("return np.where(np.isneginf(x0), 0.0, x0)", "V")],
    "isposinf": [("return np.where(np.isposinf(x0), 0.0, x0)", "V")],
    "issubdtype": [("return x0 * 2.0 if np.issubdtype(x0.dtype, np.floating) else x0", "V")],
    "iterable": [("return x0 * 2.0 if np.iterable(x0) else x0", "V")],
    "ix_": [("return x0[np.ix_([0, 2], [1, 3])]", "M")],
    "mask_indices": [("return x0[np.mask_indices(3, np.triu)]", "SQUARE")],
    "mgrid": [("return np.mgrid[0:3, 0:4][0] * x0", "M")],
    "min_scalar_type": [("return x0.astype(np.result_type(np.float64, np.min_scalar_type(3)))", "V")],
    "nanargmax": [("return x0[np.nanargmax(x0)]", "V")],
    "nanargmin": [("return x0[np.nanargmin(x0)]", "V")],
    "ndenumerate": [
        ("total = 0.0\nfor _, v in np.ndenumerate(x0):\n    total = total + v * v\nreturn total", "V")
    ],
    "ndindex": [
        ("total = 0.0\nfor i in np.ndindex(2, 2):\n    total = total + x0[i] ** 2\nreturn total", "M")
    ],
    "newaxis": [("return x0[:, np.newaxis] * x1", "W V")],
    "ogrid": [("i, j = np.ogrid[0:3, 0:4]\nreturn (i + j) * x0", "M")],
    "partition": [("return np.partition(x0, 2)[:3].sum()", "V")],
    "place": [("y = x0 * 1.0\nnp.place(y, y > 0, x1)\nreturn y", "V W")],
    "poly1d": [("return np.poly1d(x0)(x1)", "V W"), ("return np.poly1d(x0).deriv().coeffs", "V")],
    "polyder": [("return np.polyder(x0)", "V"), ("return np.polyder(x0, 2)", "V")],
    "polydiv": [("return np.polydiv(x0, x1)", "V W")],
    "polyfit": [("return np.polyfit(np.arange(4.0), x0, 2)", "V"), ("return np.polyfit(x0, x1, 1)", "V V")],
    "polymul": [("return np.polymul(x0, x1)", "V W")],
    "polyval": [("return np.polyval(x0, x1)", "V W")],
    "put": [("y = x0 * 1.0\nnp.put(y, [0, 3], x1[:2])\nreturn y", "V W")],
    "put_along_axis": [
        ("y = x0 * 1.0\nnp.put_along_axis(y, np.array([[0], [1], [2]]), x1[:, None], 1)\nreturn y", "M W")
    ],
    "putmask": [("y = x0 * 1.0\nnp.putmask(y, y > 0, x1)\nreturn y", "V V")],
    "r_": [("return np.r_[x0, 0.0, x1]", "V W"), ("return np.r_['-1', x0[:, None], x1[:, None]]", "V V")],
    "real_if_close": [("return np.real_if_close(x0)", "V")],
    "roots": [("return np.sum(np.abs(np.roots(x0)))", "W")],
    "row_stack": [("return np.row_stack((x0, x1))", "V V")],
    "s_": [("return x0[np.s_[1:, ::2]]", "M")],
    "sort_complex": [("return np.sort_complex(x0)", "V")],
    "tril_indices": [("return x0[np.tril_indices(3)]", "SQUARE")],
    "tril_indices_from": [("return x0[np.tril_indices_from(x0)]", "SQUARE")],
    "trim_zeros": [("return np.trim_zeros(x0)", "V")],
    "triu_indices": [("return x0[np.triu_indices(3)]", "SQUARE")],
    "triu_indices_from": [("return x0[np.triu_indices_from(x0)]", "SQUARE")],
    "ufunc": [("return np.multiply.reduce(x0)", "V")],
    "unique_all": [("return np.unique_all(x0)[0]", "V")],
    "unique_counts": [("return np.unique_counts(x0).values", "V")],
    "unique_inverse": [("return np.unique_inverse(x0).values", "V")],
    "unstack": [("a, b, c = np.unstack(x0)\nreturn a * b + c", "M")],
    "unwrap": [("return np.unwrap(x0)", "V"), ("return np.unwrap(2.0 * x0, axis=0)", "M")],
    "vectorize": [("return np.vectorize(lambda a, b: a * b + np.sin(a))(x0, x1)", "V V")],
    "linalg.LinAlgError": [
        ("try:\n    y = np.linalg.inv(x0)\nexcept np.linalg.LinAlgError:\n    y = x0\nreturn y", "SQUARE")
    ],
    "ndarray.fill": [("y = np.zeros(3)\ny.fill(x0[0])\nreturn y * x1", "V W")],
    "ndarray.put": [("y = x0 * 1.0\ny.put([0, 3], x1[:2])\nreturn y", "V W")],
    "ndarray.sort": [("y = x0 * 1.0\ny.sort()\nreturn y", "V")],
}


def programs(name: str) -> Iterator[Program]:
    """Each program over its arrays, over such of float32, over slices of larger ones, and over complex numbers.

    NumPy decides where it takes complex numbers.
    """
    for body, arrays in PROGRAMS[name]:
        given = [ARRAYS[a] for a in arrays.split()]
        yield Program(body, given)
        # How many coefficients are left depends on rounding.
        if name != "polydiv":
            yield Program(body, [x.astype("F" if x.dtype.kind == "c" else "f") for x in given])
        yield Program(body, [np.repeat(x, 2, axis=-1)[..., ::2] for x in given])
        complex_ = Program(body, [x + 0.3j * np.cos(x.real) for x in given])
        try:
            complex_.function(*[x.copy() for x in complex_.arguments])
        except (TypeError, ValueError, np.linalg.LinAlgError):
            continue
        yield complex_
