"""Dominant rows of matrices."""

from __future__ import annotations

from ctypes import byref, c_int64, sizeof
from typing import SupportsIndex

import numpy as np
import numpy.typing as npt

from . import _abi
from ._array import Array, address, view
from ._call import call
from ._library import library as lib
from ._numbers import field
from ._options import integer


def maxvol(
    a: npt.ArrayLike,
    *,
    tolerance: float = 1.05,
    row_tolerance: float = 1.1,
    min_extra: SupportsIndex = 0,
    max_extra: SupportsIndex = 0,
) -> tuple[npt.NDArray[np.int64], Array]:
    """Find rows of a tall matrix from which all its rows follow with small coefficients.

    Parameters
    ----------
    a : array_like, shape (n, r), n >= r
        Real or complex, finite, of full column rank.
    tolerance : float, optional
        Bound on the absolute coefficients with respect to the first r rows; at least 1.
    row_tolerance : float, optional
        Rows are added, up to `max_extra`, while a row of coefficients has a larger norm; at
        least 1.
    min_extra, max_extra : int, optional
        How many rows beyond r, at least and at most; 0 and 0 is the square method.

    Returns
    -------
    rows : ndarray of int64, shape (k,)
        Distinct, r <= k <= r + max_extra.
    coefficients : ndarray, shape (n, k)
        ``a == coefficients @ a[rows]`` within rounding.

    Raises
    ------
    ValueError
        If `a` is not such a matrix, holds NaN or infinity, or an option is out of range.
    TypeError
        If the dtype of `a` fits into none of float32, float64, complex64, complex128.
    MemoryError

    References
    ----------
    .. [1] S. Goreinov et al., "How to find a good submatrix", 2010.
    .. [2] A. Mikhalev, I. Oseledets, "Rectangular maximum-volume submatrices and their
       applications", Linear Algebra Appl. 538, 2018.

    Examples
    --------
    >>> import numpy as np, ttkit as tk
    >>> rows, coefficients = tk.maxvol([[1.0, 0.0], [9.0, 1.0], [2.0, 5.0], [1.0, 1.0]])
    >>> sorted(rows.tolist()), bool(abs(coefficients).max() <= 1.05)
    ([1, 2], True)
    """
    given = np.asarray(a)
    matrix = given.astype(field(given.dtype, "a"), copy=False)
    if matrix.ndim != 2:
        raise ValueError(f"a has shape {matrix.shape}, expected (n, r)")
    options = _abi.ttk_maxvol_options(struct_size=sizeof(_abi.ttk_maxvol_options))
    options.tolerance = _bound(tolerance, "tolerance")
    options.row_tolerance = _bound(row_tolerance, "row_tolerance")
    n, r = matrix.shape
    options.max_extra = most = integer(max_extra, "max_extra", 0)
    options.min_extra = integer(min_extra, "min_extra", 0)
    if most > max(n - r, 0):  # refused before memory is taken for them
        raise ValueError(f"max_extra is {most}, expected at most {max(n - r, 0)}, the rows left")
    rows, found = np.empty(r + most, np.int64), c_int64()
    coefficients = np.empty((n, r + most), matrix.dtype)
    places = address(rows), byref(found), byref(view(coefficients))
    call(lib.ttk_maxvol, byref(view(matrix)), byref(options), *places)
    return rows[: found.value], coefficients[:, : found.value]


def _bound(value: float, name: str) -> float:
    found = float(value)
    if not 1 <= found < float("inf"):
        raise ValueError(f"{name} is {found}, expected a finite number of at least 1")
    return found
