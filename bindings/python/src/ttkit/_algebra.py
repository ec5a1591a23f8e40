"""The arithmetic of trains: sums, products, norms, rounding, changes of gauge and order."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Sequence
from ctypes import byref, c_double, c_int32, c_int64
from typing import Any, Self, SupportsIndex, TypeGuard

import numpy as np
import numpy.typing as npt

from . import _indexing
from ._array import address, views
from ._call import call
from ._handle import Closable, Owned, create
from ._library import library as lib
from ._numbers import Scalar
from ._options import Rank, svd_options


class Algebra(Closable):
    """Base of `TensorTrain`: what makes new trains and numbers of trains."""

    __slots__ = ()
    __array_ufunc__ = None  # NumPy's operators hand over to ours
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @classmethod
    def _made(cls, owned: Owned) -> Self:
        raise NotImplementedError

    def astype(self, dtype: npt.DTypeLike) -> Self:
        """The same train in another dtype; itself when it has that dtype already."""
        raise NotImplementedError

    def round(
        self, rank: Rank = None, *, rtol: float = 0.0, atol: float = 0.0, threads: int = 0
    ) -> Self:
        """Find the closest train of smaller ranks, by truncation.

        Parameters are those of `tensor_train`; `rtol` is relative to this train's norm.

        Examples
        --------
        >>> import numpy as np, ttkit as tk
        >>> t = tk.tensor_train(np.ones((2, 3, 4)))
        >>> (t + t).rank, (t + t).round(rtol=1e-12).rank
        ((1, 2, 2, 1), (1, 1, 1, 1))
        """
        options, _ = svd_options(len(self.shape), rank, rtol, atol, threads)
        return self._new(lib.ttk_train_round, self._handle, byref(options))

    def norm(self) -> float:
        """Frobenius norm, accurate to rounding even where its square would overflow."""
        result = c_double()
        call(lib.ttk_train_norm, self._handle, byref(result))
        return result.value

    def sum(
        self,
        axis: SupportsIndex | Sequence[SupportsIndex] | None = None,
        weights: npt.ArrayLike | Sequence[npt.ArrayLike | None] | None = None,
        *,
        dtype: npt.DTypeLike | None = None,
        out: None = None,
    ) -> Self | Scalar:
        """Sum over axes; with weights, an integral by a quadrature rule. ``np.sum`` calls it.

        Parameters
        ----------
        axis : int or sequence of int, optional
            All by default. Negative ones count from the end.
        weights : array_like, or sequence of array_like and None, optional
            For an int `axis` one array of that axis' length, else one an axis; None means ones.
        dtype : dtype, optional
            To compute in, as by `astype`; that of the train by default.
        out : None
            There for ``np.sum``; a train cannot write into an array.

        Returns
        -------
        TensorTrain or scalar
            The train of the other modes; a scalar when none is left.

        Raises
        ------
        ValueError
            If an axis is out of range or named twice, or a weight has the wrong length.
        TypeError
            If `out` is given, or `dtype` is none of trains.
        """
        if out is not None:
            raise TypeError(
                f"out is a {type(out).__name__}, expected None: the sum of a train is a new train "
                "or a number")
        if dtype is not None and np.dtype(dtype) != self.dtype:
            return self.astype(dtype).sum(axis, weights=weights)
        axes = _indexing.axes(axis, len(self.shape))
        given = _indexing.weights(weights, axis, axes, self.shape, self.dtype)
        positions = (c_int32 * max(len(axes), 1))(*axes)
        each = None if given is None else views(given)[0]
        result = self._new(lib.ttk_train_sum, self._handle, len(axes), positions, each)
        if len(axes) < len(self.shape):
            return result
        value: Scalar = np.asarray(result).reshape(-1)[0]
        return value

    def orthogonalize(
        self, center: SupportsIndex, first: SupportsIndex = 0, last: SupportsIndex = -1
    ) -> Self:
        """Make cores before `center` left-orthogonal and those after it right-orthogonal.

        The tensor stays the same; the norm of the core at `center` is its norm. Given `first` and
        `last`, only cores from `first` up to and with `last` take part; the others keep their bits.
        """
        (k,), (low,), (high,) = (_indexing.axes(at, len(self.shape)) for at in (center, first, last))
        return self._new(lib.ttk_train_orthogonalize, self._handle, low, k, high)

    def reshape_modes(
        self,
        *shape: SupportsIndex | Sequence[SupportsIndex],
        rank: Rank = None,
        rtol: float = 0.0,
        atol: float = 0.0,
        threads: int = 0,
    ) -> Self:
        """Merge and split modes: the same elements, in row-major order, under another shape.

        Merging neighbours is exact. Splitting one mode into several ends in a rounding under
        `rank`, `rtol` and `atol`, as in `tensor_train`; zero drops only what rounding errors made.

        Parameters
        ----------
        *shape : int, or one sequence of int
            Lengths of at least 1; one may be -1, which the others determine.

        Raises
        ------
        ValueError
            If the shape has another number of elements.

        Examples
        --------
        >>> import numpy as np, ttkit as tk
        >>> t = tk.tensor_train(np.arange(24.0).reshape(4, 6))
        >>> t.reshape_modes(2, 2, 3, 2).rank
        (1, 2, 2, 2, 1)
        """
        wanted = _indexing.new_shape(self.shape, shape)
        options, _ = svd_options(len(wanted), rank, rtol, atol, threads)
        lengths = (c_int64 * len(wanted))(*wanted)
        arguments = self._handle, len(wanted), lengths, byref(options)
        return self._new(lib.ttk_train_reshape, *arguments)

    def quantics(self, *, rank: Rank = None, rtol: float = 0.0, atol: float = 0.0) -> Self:
        """Split every mode of length 2**q into q modes of length 2, the slowest bit first.

        Raises
        ------
        ValueError
            If a length is no power of two from 2 on.

        Examples
        --------
        >>> import numpy as np, ttkit as tk
        >>> tk.tensor_train(np.exp(np.arange(16.0))).quantics().rank
        (1, 1, 1, 1, 1)
        """
        for k, n in enumerate(self.shape):
            if n < 2 or n & (n - 1):
                raise ValueError(f"mode {k} has length {n}, expected a power of two from 2 on")
        bits = sum(n.bit_length() - 1 for n in self.shape)
        return self.reshape_modes((2,) * bits, rank=rank, rtol=rtol, atol=atol)

    def conj(self) -> Self:
        """The complex conjugate; a real train as it is."""
        if self.dtype.kind != "c":
            return self
        return self._new(lib.ttk_train_conjugate, self._handle)

    def transpose(
        self,
        axes: Sequence[SupportsIndex] | None = None,
        *,
        rank: Rank = None,
        rtol: float = 0.0,
        atol: float = 0.0,
        threads: int = 0,
    ) -> Self:
        """Put the modes in a new order: mode k of the result is mode ``axes[k]``.

        Reversing, the default, is exact; other orders exchange neighbours by truncated SVDs under
        `rank`, `rtol` and `atol`, whose meaning is that of `tensor_train`.
        """
        ndim = len(self.shape)
        order = (c_int32 * ndim)(*_indexing.permutation(axes, ndim))
        options, _ = svd_options(ndim, rank, rtol, atol, threads)
        return self._new(lib.ttk_train_transpose, self._handle, order, byref(options))

    def __add__(self, other: Self) -> Self:
        return self._with(other, lib.ttk_train_add) if _train(other) else NotImplemented

    def __sub__(self, other: Self) -> Self:
        return self._with(other, lib.ttk_train_subtract) if _train(other) else NotImplemented

    def __mul__(self, other: Self | Scalar) -> Self:
        if isinstance(other, numbers.Number):
            return self._scaled(other)
        return self._with(other, lib.ttk_train_hadamard) if _train(other) else NotImplemented

    def __rmul__(self, factor: Scalar) -> Self:
        return self._scaled(factor) if isinstance(factor, numbers.Number) else NotImplemented

    def __truediv__(self, divisor: Scalar) -> Self:
        if not isinstance(divisor, numbers.Number):
            return NotImplemented
        return self * (1 / divisor)

    def __neg__(self) -> Self:
        return self._scaled(-1)

    def _new(self, function: Callable[..., int], *arguments: object) -> Self:
        return self._made(create(lib.ttk_train_destroy, function, *arguments))

    def _with(self, other: Algebra, function: Callable[..., int]) -> Self:
        dtype = np.result_type(self.dtype, other.dtype)
        a, b = self.astype(dtype), other.astype(dtype)
        return self._new(function, a._handle, b._handle)

    def _scaled(self, factor: Any) -> Self:
        dtype = np.result_type(self.dtype, factor)
        scalar = np.array([factor], dtype)
        return self._new(lib.ttk_train_scale, self.astype(dtype)._handle, address(scalar))


def _train(value: object) -> TypeGuard[Algebra]:
    return isinstance(value, Algebra)
