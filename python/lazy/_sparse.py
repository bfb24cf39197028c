"""Sparse Jacobians and Hessians: what depends on what, and few products for all of it.

In: a function of one array. Out: matrices of `scipy.sparse`. Columns that no row has both of are computed by
one product together.

Sources: Curtis, Powell and Reid, *On the estimation of sparse Jacobian matrices* (1974); Griewank and Mitev,
*Detecting Jacobian sparsity patterns by Bayesian probing* (2002), for patterns from products with sets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lazy._function import Function
from lazy._transforms import grad

# Marks that are pushed through a function at a time, and into how many parts a block of columns is divided.
_BLOCK = 512
_PARTS = 8


def sparsity(function: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    """Which elements of a function's result may depend on which elements of an argument.

    Args:
        function: any function whose result is one array.
        argnums: the position of the argument, a float array.

    Returns:
        A function of the same arguments that gives a ``scipy.sparse.csr_array`` of booleans, with a row for
        each element of the result and a column for each element of the argument. It follows from the
        operations alone, so that it is right for all values; of decompositions, Fourier transforms and loops
        every element is taken to depend on all.

    Raises:
        ImportError: if SciPy is not installed.
        lazy.NotDifferentiable, lazy.GraphBreak: as `lazy.jacobian`.

    >>> import numpy as np, lazy
    >>> lazy.sparsity(np.diff)(np.ones(3)).toarray().astype(int)
    array([[1, 1, 0],
           [0, 1, 1]])
    """
    marked: Function[..., Any] = Function(function, ("sparsity", argnums))

    def pattern(*args: Any, **kwargs: Any) -> Any:
        x = np.asarray(args[argnums])

        def depends(marks: NDArray[np.bool_]) -> NDArray[np.bool_]:
            """For each row of marks, a set of elements of the argument, what depends on one of them."""
            parts = []
            for start in range(0, max(len(marks), 1), _BLOCK):
                block = marks[start : start + _BLOCK]
                found = np.asarray(marked(*args, block.reshape(-1, *x.shape), **kwargs))
                parts.append(found.reshape(block.shape[0], -1))
            return np.concatenate(parts)

        return _refined(depends, x.size)

    return pattern


def _refined(depends: Callable[[NDArray[np.bool_]], NDArray[np.bool_]], size: int) -> Any:
    """The pattern, from what depends on sets of columns: blocks of them, which are divided again and again.

    Blocks that no row depends on both of are marked together: what their parts have in a row is then told
    apart by the block that the row is known to depend on. A band takes a few marks for each division, a full
    matrix as many as it has columns, and a seventh more.
    """
    from scipy import sparse

    columns, width = np.arange(size), 1
    while width < size:
        width *= _PARTS
    whole = depends(np.ones((1, size), dtype=bool))
    pattern = sparse.coo_array(whole.T)
    while width > 1:
        colors, width = _colors(pattern), width // _PARTS
        count = int(colors.max(initial=-1)) + 1
        part = columns // width % _PARTS
        color = colors[columns // (width * _PARTS)]
        marks = (color * _PARTS + part) == np.arange(count * _PARTS)[:, None]
        mark, row = np.nonzero(depends(marks))
        # The block of each colour that a row depends on.
        rows, blocks = pattern.coords
        owner = np.zeros((count, pattern.shape[0]), dtype=np.int64)
        owner[colors[blocks], rows] = blocks
        place = owner[mark // _PARTS, row] * _PARTS + mark % _PARTS
        ones = np.ones(row.size, dtype=bool)
        pattern = sparse.coo_array((ones, (row, place)), shape=(pattern.shape[0], -(-size // width)))
    return pattern.tocsr()


def sparse_jacobian(function: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    """The Jacobian as a ``scipy.sparse.csr_array``, by a product for each colour of its columns.

    Its rows are the elements of the result, its columns those of the argument. The pattern is found at the
    first call for each shape.

    >>> import numpy as np, lazy
    >>> lazy.sparse_jacobian(lambda x: x[1:] * x[:-1])(np.array([1.0, 2.0, 3.0])).toarray()
    array([[2., 1., 0.],
           [0., 3., 2.]])
    """
    find = sparsity(function, argnums)
    plans: dict[Any, tuple[Any, NDArray[np.intp]]] = {}

    def jacobian(*args: Any, **kwargs: Any) -> Any:
        from scipy import sparse

        x = np.asarray(args[argnums])
        key = tuple(np.shape(arg) for arg in args)
        if key not in plans:
            pattern = find(*args, **kwargs)
            plans[key] = pattern, _colors(pattern)
        pattern, colors = plans[key]
        count = int(colors.max(initial=-1)) + 1

        def of(part: Any) -> Any:
            given = list(args)
            given[argnums] = part
            return function(*given, **kwargs)

        push: Function[..., Any] = Function(of, ("jvp", 1))
        products = []
        for color in range(count):
            seed = (colors == color).astype(x.dtype).reshape(x.shape)
            products.append(np.ravel(push(x, (seed,))[1]))
        coordinates = pattern.tocoo()
        row, column = coordinates.coords
        dtype = products[0].dtype if products else x.dtype
        values = np.array(products)[colors[column], row] if products else np.empty(0, dtype)
        return sparse.csr_array((values, (row, column)), shape=pattern.shape)

    return jacobian


def sparse_hessian(function: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    """The matrix of second derivatives of a scalar function, as `sparse_jacobian` of its gradient.

    >>> import numpy as np, lazy
    >>> lazy.sparse_hessian(lambda x: np.sum(x[1:] * x[:-1] ** 2))(np.array([1.0, 2.0, 3.0])).toarray()
    array([[4., 2., 0.],
           [2., 6., 4.],
           [0., 4., 0.]])
    """
    return sparse_jacobian(grad(function, argnums), argnums)


def _colors(pattern: Any) -> NDArray[np.intp]:
    """A colour for each column, so that no two columns of a colour meet in a row: the first that is free."""
    by_column = pattern.tocsc()
    starts, indices = by_column.indptr.tolist(), by_column.indices.tolist()
    # Sets of colours as the bits of a number.
    taken = [0] * pattern.shape[0]
    colors = []
    for column in range(pattern.shape[1]):
        rows = indices[starts[column] : starts[column + 1]]
        used = 0
        for row in rows:
            used |= taken[row]
        first = ~used & (used + 1)
        for row in rows:
            taken[row] |= first
        colors.append(first.bit_length() - 1)
    return np.array(colors, dtype=np.intp)
