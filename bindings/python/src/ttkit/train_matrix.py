"""Matrices in tensor-train form (matrix product operators)."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from ctypes import byref, c_int32, c_int64
from typing import Any, Self, SupportsIndex, overload

import numpy as np
import numpy.typing as npt

from . import _abi, _indexing
from ._array import Array, borrowed, dtype_of, view, views
from ._call import call, text
from ._handle import Closable, Owned, create
from ._library import library as lib
from ._numbers import Scalar, as_field, field
from ._options import Progress, Rank, lengths, svd_options
from .train import TensorTrain


class TensorTrainMatrix(Closable):
    """A matrix held as a chain of four-dimensional cores; it never changes.

    Row and column numbers are written in mixed radix, last digit fastest; core k carries digit k of
    both. ``m @ x`` multiplies arrays, trains and matrices, ``np.asarray(m)`` is the dense matrix.

    Parameters
    ----------
    cores : sequence of array_like
        Core k of shape ``(rank[k], row_shape[k], column_shape[k], rank[k+1])``. Copied.

    Attributes
    ----------
    shape : tuple of int
        ``(prod(row_shape), prod(column_shape))``.
    row_shape, column_shape, rank : tuple of int
    dtype, nbytes, error
        As of `TensorTrain`.

    Raises
    ------
    ValueError
        If there is no core, one is not four-dimensional, or neighbouring ranks differ.
    TypeError
        If a core's dtype does not fit into float32, float64, complex64 or complex128.

    Examples
    --------
    >>> import numpy as np, ttkit as tk
    >>> m = tk.TensorTrainMatrix([np.eye(2).reshape(1, 2, 2, 1)] * 2)
    >>> m
    TensorTrainMatrix(rows=(2, 2), columns=(2, 2), rank=(1, 1, 1), dtype=float64)
    >>> m @ np.arange(4.0)
    array([0., 1., 2., 3.])
    """

    __slots__ = ("row_shape", "column_shape", "rank", "dtype", "nbytes", "error")
    __array_ufunc__ = None  # NumPy's operators hand over to ours
    row_shape: tuple[int, ...]
    column_shape: tuple[int, ...]
    rank: tuple[int, ...]
    dtype: np.dtype[Any]
    nbytes: int
    error: float

    def __init__(self, cores: Sequence[npt.ArrayLike]) -> None:
        each, kept = views(as_field(cores, "cores"))
        self._adopt(_matrix(lib.ttk_train_matrix_from_cores, len(kept), each))

    @classmethod
    def _made(cls, owned: Owned) -> Self:
        self = cls.__new__(cls)
        self._adopt(owned)
        return self

    def _adopt(self, owned: Owned) -> None:
        Closable.__init__(self, owned)
        order = lib.ttk_train_matrix_order(owned)
        rows, columns, rank = (c_int64 * order)(), (c_int64 * order)(), (c_int64 * (order + 1))()
        lib.ttk_train_matrix_rows(owned, rows)
        lib.ttk_train_matrix_columns(owned, columns)
        lib.ttk_train_matrix_ranks(owned, rank)
        self.row_shape, self.column_shape, self.rank = tuple(rows), tuple(columns), tuple(rank)
        self.dtype = dtype_of(lib.ttk_train_matrix_dtype(owned))
        self.nbytes = lib.ttk_train_matrix_nbytes(owned)
        self.error = lib.ttk_train_matrix_error(owned)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the dense matrix."""
        return math.prod(self.row_shape), math.prod(self.column_shape)

    @property
    def ndim(self) -> int:
        """2, as of a matrix."""
        return 2

    @property
    def cores(self) -> tuple[Array, ...]:
        """The cores, as read-only views that keep the matrix' memory alive."""
        owned = self._handle
        return tuple(_core(owned, k) for k in range(len(self.row_shape)))

    @property
    def T(self) -> Self:
        """The transpose, not conjugated; exact."""
        return self._made(_matrix(lib.ttk_train_matrix_transpose, self._handle))

    def conj(self) -> Self:
        """The complex conjugate, not transposed; a real matrix as it is."""
        if self.dtype.kind != "c":
            return self
        return self._made(_matrix(lib.ttk_train_matrix_conjugate, self._handle))

    def trace(self) -> Scalar:
        """Sum of the diagonal; every digit must have as many rows as columns.

        Examples
        --------
        >>> import numpy as np, ttkit as tk
        >>> round(float(tk.tensor_train_matrix(np.eye(6), (2, 3), (2, 3)).trace()), 12)
        6.0
        """
        value: Scalar = np.asarray(self.partial_trace(range(len(self.row_shape))))[0, 0]
        return value

    def partial_trace(self, axes: SupportsIndex | Sequence[SupportsIndex]) -> Self:
        """Trace over some digits, exact: the matrix over the others, 1 x 1 when none is left.

        Raises
        ------
        ValueError
            If an axis is out of range or named twice, or its digit has unlike rows and columns.
        """
        found = _indexing.axes(axes, len(self.row_shape))
        positions = (c_int32 * max(len(found), 1))(*found)
        arguments = self._handle, len(found), positions
        return self._made(_matrix(lib.ttk_train_matrix_trace, *arguments))

    def round(
        self, rank: Rank = None, *, rtol: float = 0.0, atol: float = 0.0, threads: int = 0
    ) -> Self:
        """Find the closest matrix of smaller ranks, by truncation; see `TensorTrain.round`."""
        options, _ = svd_options(len(self.row_shape), rank, rtol, atol, threads)
        return self._made(_matrix(lib.ttk_train_matrix_round, self._handle, byref(options)))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a safetensors file, which `load` reads; nothing is left behind on failure."""
        call(lib.ttk_train_matrix_save, self._handle, text(path, "path"))

    def astype(self, dtype: npt.DTypeLike) -> Self:
        """The same matrix in another dtype; itself when it has that dtype already."""
        wanted = np.dtype(dtype)
        if wanted == self.dtype:
            return self
        return type(self)([core.astype(wanted, casting="same_kind") for core in self.cores])

    @overload
    def __matmul__(self, other: TensorTrain) -> TensorTrain: ...
    @overload
    def __matmul__(self, other: TensorTrainMatrix) -> TensorTrainMatrix: ...
    @overload
    def __matmul__(self, other: npt.ArrayLike) -> Array: ...
    def __matmul__(
        self, other: TensorTrain | TensorTrainMatrix | npt.ArrayLike
    ) -> TensorTrain | TensorTrainMatrix | Array:
        if isinstance(other, TensorTrainMatrix):
            dtype = np.result_type(self.dtype, other.dtype)
            a, b = self.astype(dtype), other.astype(dtype)
            multiply = lib.ttk_train_matrix_product
            return self._made(_matrix(multiply, a._handle, b._handle))
        if isinstance(other, TensorTrain):
            dtype = np.result_type(self.dtype, other.dtype)
            m, t = self.astype(dtype), other.astype(dtype)
            multiply = lib.ttk_train_matrix_multiply_train
            destroy = lib.ttk_train_destroy
            return TensorTrain._made(create(destroy, multiply, m._handle, t._handle))
        return self._times(np.asarray(other))

    def __rmatmul__(self, other: npt.ArrayLike) -> Array:
        given = np.asarray(other)
        return self.T._times(given.T).T if given.ndim <= 2 else self._times(given)

    def _times(self, x: Array) -> Array:
        if x.ndim not in (1, 2) or x.shape[0] != self.shape[1]:
            raise ValueError(
                f"a matrix of {self.shape[0]} x {self.shape[1]} cannot multiply shape {x.shape}, "
                f"expected ({self.shape[1]},) or ({self.shape[1]}, n)")
        dtype = np.result_type(self.dtype, field(x.dtype, "x"))
        matrix = self.astype(dtype)
        columns = np.ascontiguousarray(x.reshape(x.shape[0], -1), dtype)
        result = np.empty((self.shape[0], columns.shape[1]), dtype)
        arguments = byref(view(columns)), byref(view(result))
        call(lib.ttk_train_matrix_multiply_array, matrix._handle, *arguments)
        return result.reshape(self.shape[0], *x.shape[1:])

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Array:
        if copy is False:
            raise ValueError("a matrix of cores has no array to share; let NumPy copy (copy=None)")
        dense = np.empty(self.shape, self.dtype)
        call(lib.ttk_train_matrix_to_array, self._handle, byref(view(dense)))
        return dense if dtype is None else dense.astype(dtype, copy=False)

    def __reduce__(self) -> tuple[type[TensorTrainMatrix], tuple[list[Array]]]:
        return TensorTrainMatrix, ([np.array(core) for core in self.cores],)

    def __repr__(self) -> str:
        return (f"TensorTrainMatrix(rows={self.row_shape}, columns={self.column_shape}, "
                f"rank={self.rank}, dtype={self.dtype})")


def _matrix(function: Any, *arguments: object, **rest: Any) -> Owned:
    return create(lib.ttk_train_matrix_destroy, function, *arguments, **rest)


def _core(owned: Owned, k: int) -> Array:
    core = _abi.ttk_array()
    call(lib.ttk_train_matrix_core, owned, k, byref(core))
    return borrowed(core, owned)


def tensor_train_matrix(
    a: npt.ArrayLike,
    row_shape: Sequence[SupportsIndex],
    column_shape: Sequence[SupportsIndex],
    rank: Rank = None,
    *,
    rtol: float = 0.0,
    atol: float = 0.0,
    threads: int = 0,
    progress: Progress | None = None,
) -> TensorTrainMatrix:
    """Decompose a matrix into tensor-train form by truncated SVDs.

    Parameters
    ----------
    a : array_like, shape (prod(row_shape), prod(column_shape))
        Finite values, any strides.
    row_shape, column_shape : sequence of int
        Digits of the row and column numbers, equally many, last fastest.
    rank, rtol, atol, threads, progress
        As in `tensor_train`.

    Returns
    -------
    TensorTrainMatrix

    Raises
    ------
    ValueError
        If the shapes do not fit, or `a` holds NaN or infinity.
    TypeError
        If the dtype of `a` fits into none of float32, float64, complex64, complex128.
    MemoryError, numpy.linalg.LinAlgError

    Examples
    --------
    >>> import numpy as np, ttkit as tk
    >>> tk.tensor_train_matrix(np.eye(6), (2, 3), (2, 3))
    TensorTrainMatrix(rows=(2, 3), columns=(2, 3), rank=(1, 1, 1), dtype=float64)
    """
    given = np.asarray(a)
    dense = view(given.astype(field(given.dtype, "a"), copy=False))
    rows, columns = lengths(row_shape, "row_shape"), lengths(column_shape, "column_shape")
    if len(rows) != len(columns):
        raise ValueError(
            f"row_shape has {len(rows)} digits and column_shape {len(columns)}, expected as many")
    order = len(rows)
    options, callbacks = svd_options(order, rank, rtol, atol, threads, progress)
    digits = (c_int64 * max(order, 1))(*rows), (c_int64 * max(order, 1))(*columns)
    made = TensorTrainMatrix._made
    return made(_matrix(
        lib.ttk_train_matrix_from_array, byref(dense), order, *digits, byref(options),
        callbacks=callbacks, partial=made))
