"""Tensor trains (matrix product states): decomposition, evaluation, files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from ctypes import byref, c_int64
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from . import _abi, _indexing
from ._algebra import Algebra
from ._array import Array, borrowed, dtype_of, view, views
from ._call import call, text
from ._handle import Closable, Owned, create
from ._library import library as lib
from ._numbers import Scalar, as_field
from ._rows import compact_address

if TYPE_CHECKING:
    from .decomposition import DecompositionInfo


class TensorTrain(Algebra):
    """A tensor held as a chain of small cores; it never changes.

    The element at ``(i_0, ..., i_{d-1})`` is the product of the matrices ``cores[k][:, i_k, :]``.
    Trains add, subtract and multiply element by element with ``+ - *``, exactly; ranks grow, and
    `round` brings them down again. ``np.asarray(train)`` is the whole tensor.

    Parameters
    ----------
    cores : sequence of array_like
        Core k of shape ``(rank[k], shape[k], rank[k+1])``, ``rank[0] == rank[-1] == 1``. Copied.

    Attributes
    ----------
    shape, ndim, dtype, nbytes
        As of an array; `nbytes` counts the cores, in bytes.
    rank : tuple of int
        ``(1, r_1, ..., r_{d-1}, 1)``.
    error : float
        Relative Frobenius error of the truncation that made it, achieved; 0 if none did. For a large
        tensor an upper bound, usually 1.1 to 1.5 times the error; at tolerances of 1e-6 and more
        (double precision) rounding of up to about 5e-8 comes on top.
    info : DecompositionInfo or None
        What `tensor_train` did, if it made this train.

    Raises
    ------
    ValueError
        If there is no core, one is not three-dimensional, or neighbouring ranks differ.
    TypeError
        If a core's dtype does not fit into float32, float64, complex64 or complex128.

    Examples
    --------
    >>> import numpy as np, ttkit as tk
    >>> t = tk.TensorTrain([np.ones((1, 2, 1)), np.arange(3.0).reshape(1, 3, 1)])
    >>> t
    TensorTrain(shape=(2, 3), rank=(1, 1, 1), dtype=float64)
    >>> np.asarray(t + t)
    array([[0., 2., 4.],
           [0., 2., 4.]])
    """

    __slots__ = ("shape", "rank", "dtype", "nbytes", "error", "info")
    shape: tuple[int, ...]
    rank: tuple[int, ...]
    dtype: np.dtype[Any]
    nbytes: int
    error: float
    info: DecompositionInfo | None

    def __init__(self, cores: Sequence[npt.ArrayLike]) -> None:
        each, kept = views(as_field(cores, "cores"))
        self._adopt(create(lib.ttk_train_destroy, lib.ttk_train_from_cores, len(kept), each))

    @classmethod
    def _made(cls, owned: Owned) -> Self:
        self = cls.__new__(cls)
        self._adopt(owned)
        return self

    def _adopt(self, owned: Owned) -> None:
        Closable.__init__(self, owned)
        order = lib.ttk_train_order(owned)
        shape, rank = (c_int64 * order)(), (c_int64 * (order + 1))()
        lib.ttk_train_shape(owned, shape)
        lib.ttk_train_ranks(owned, rank)
        self.shape, self.rank = tuple(shape), tuple(rank)
        self.dtype = dtype_of(lib.ttk_train_dtype(owned))
        self.nbytes = lib.ttk_train_nbytes(owned)
        self.error = lib.ttk_train_error(owned)
        self.info = None

    @property
    def ndim(self) -> int:
        """Number of modes."""
        return len(self.shape)

    @property
    def cores(self) -> tuple[Array, ...]:
        """The cores, as read-only views that keep the train's memory alive."""
        owned = self._handle
        return tuple(_core(owned, k) for k in range(self.ndim))

    @property
    def T(self) -> Self:
        """The modes in reverse order; exact."""
        return self.transpose()

    def evaluate(self, indices: npt.ArrayLike) -> Array:
        """Compute elements at many places.

        Parameters
        ----------
        indices : array_like of int, shape (..., ndim)
            0-based; negative ones do not count from the end here.

        Returns
        -------
        ndarray, shape (...)
            The same bits however many places are asked for at once.

        Raises
        ------
        ValueError
            If an index is out of range or the last dimension is not `ndim`.
        TypeError
            If `indices` are not integers.

        Examples
        --------
        >>> import numpy as np, ttkit as tk
        >>> t = tk.TensorTrain([np.arange(2.0).reshape(1, 2, 1), np.arange(3.0).reshape(1, 3, 1)])
        >>> t.evaluate([[0, 1], [1, 2]])
        array([0., 2.])
        """
        places = _indexing.places(indices, self.ndim)
        values = np.empty(places.shape[:-1], self.dtype)
        if values.size:
            arguments = values.size, compact_address(places), compact_address(values)
            call(lib.ttk_train_evaluate, self._handle, *arguments)
        return values

    def __getitem__(self, key: object) -> TensorTrain | Scalar:
        """``t[i, j, k]`` is an element; with slices, or fewer integers, the train of that part."""
        place = _indexing.place(self.shape, key)
        if place is not None:
            element = np.empty(1, self.dtype)
            call(lib.ttk_train_evaluate, self._handle, 1, place, compact_address(element))
            value: Scalar = element[0]
            return value
        chosen = _indexing.select(self.shape, key)
        first, counts, steps = _indexing.slices(self.shape, chosen)
        if any(counts):
            return self._new(lib.ttk_train_slice, self._handle, first, counts, steps)
        return self[tuple(first)]

    def astype(self, dtype: npt.DTypeLike) -> Self:
        """The same train in another dtype; itself when it has that dtype already."""
        wanted = np.dtype(dtype)
        if wanted == self.dtype:
            return self
        return type(self)([core.astype(wanted, casting="same_kind") for core in self.cores])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a safetensors file, which `load` reads; nothing is left behind on failure."""
        call(lib.ttk_train_save, self._handle, text(path, "path"))

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Array:
        if copy is False:
            raise ValueError("a train holds no such array to share; let NumPy copy (copy=None)")
        tensor = np.empty(self.shape, self.dtype)
        call(lib.ttk_train_to_array, self._handle, byref(view(tensor)))
        return tensor if dtype is None else tensor.astype(dtype, copy=False)

    def __reduce__(self) -> tuple[type[TensorTrain], tuple[list[Array]]]:
        return TensorTrain, ([np.array(core) for core in self.cores],)

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"TensorTrain(shape={self.shape}, rank={self.rank}, dtype={self.dtype})"


def _core(owned: Owned, k: int) -> Array:
    core = _abi.ttk_array()
    call(lib.ttk_train_core, owned, k, byref(core))
    return borrowed(core, owned)
