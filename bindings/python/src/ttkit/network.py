"""Arrays as small networks that are not trains: canonical, Tucker, hierarchical Tucker."""

from __future__ import annotations

from ctypes import byref, c_double, c_int64
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from . import _abi
from ._array import Array, borrowed, dtype_of, view
from ._call import call
from ._handle import Closable, Owned, create
from ._library import library as lib
from ._options import Rank, svd_options
from .train import TensorTrain


class Network(Closable):
    """A tensor held as a few cores that share named bonds; it never changes.

    ``np.asarray(network)`` is the whole tensor; ``tk.einsum(network.equation, *network.cores)`` is
    the same. Made by `canonical`, `tucker` and `hierarchical_tucker`.

    Attributes
    ----------
    shape, ndim, dtype, nbytes
        As of an array; `nbytes` counts the cores, in bytes.
    error : float
        Relative Frobenius error of the decomposition, achieved.
    steps : int
        Steps of the iteration; 0 where none was needed.
    converged : bool
        Whether the iteration stood still before it ran out of steps.
    equation : str
        How the cores contract, as `tk.einsum` reads it.

    Examples
    --------
    >>> import numpy as np, ttkit as tk
    >>> x = np.add.outer(np.add.outer(np.arange(3.0), np.arange(4.0)), np.arange(5.0))
    >>> network = tk.tucker(x, rtol=1e-12)
    >>> network
    Network(shape=(3, 4, 5), cores=[(2, 2, 2), (3, 2), (4, 2), (5, 2)], dtype=float64)
    >>> bool(np.allclose(network, x))
    True
    """

    __slots__ = ("shape", "dtype", "nbytes", "error", "steps", "converged", "equation", "_whole")
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    nbytes: int
    error: float
    steps: int
    converged: bool
    equation: str
    _whole: TensorTrain | None  # for evaluate, made once

    @classmethod
    def _made(cls, owned: Owned) -> Self:
        self = cls.__new__(cls)
        Closable.__init__(self, owned)
        shape = (c_int64 * lib.ttk_network_order(owned))()
        lib.ttk_network_shape(owned, shape)
        self.shape = tuple(shape)
        self.dtype = dtype_of(lib.ttk_network_dtype(owned))
        self.nbytes = lib.ttk_network_nbytes(owned)
        self.error = lib.ttk_network_error(owned)
        self.steps = lib.ttk_network_steps(owned)
        self.converged = bool(lib.ttk_network_converged(owned))
        self.equation = lib.ttk_network_equation(owned).decode()
        self._whole = None
        return self

    @property
    def ndim(self) -> int:
        """Number of modes."""
        return len(self.shape)

    @property
    def cores(self) -> tuple[Array, ...]:
        """The cores, as read-only views that keep the network's memory alive."""
        owned = self._handle
        return tuple(_core(owned, k) for k in range(lib.ttk_network_core_count(owned)))

    def norm(self) -> float:
        """The Frobenius norm."""
        result = c_double()
        call(lib.ttk_network_norm, self._handle, byref(result))
        return result.value

    def train(
        self, rank: Rank = None, *, rtol: float = 0.0, atol: float = 0.0, threads: int = 0
    ) -> TensorTrain:
        """The same tensor as a tensor train.

        Parameters
        ----------
        rank, rtol, atol, threads
            As for `tensor_train`; without them only what rounding made is dropped.
        """
        options, _ = svd_options(self.ndim, rank, rtol, atol, threads)
        arguments = self._handle, byref(options)
        return TensorTrain._made(create(lib.ttk_train_destroy, lib.ttk_network_to_train, *arguments))

    def evaluate(self, indices: npt.ArrayLike) -> Array:
        """Compute elements at many places; see `TensorTrain.evaluate`.

        Parameters
        ----------
        indices : array_like of int, shape (..., ndim)

        Returns
        -------
        ndarray, shape (...)
        """
        self._handle  # noqa: B018 (raises when closed)
        if self._whole is None:
            self._whole = self.train()
        return self._whole.evaluate(indices)

    def close(self) -> None:
        """Free the memory now; may be repeated. Every later use raises ValueError."""
        self._whole = None
        super().close()

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Array:
        if copy is False:
            raise ValueError("a network holds no such array to share; let NumPy copy (copy=None)")
        tensor = np.empty(self.shape, self.dtype)
        call(lib.ttk_network_to_array, self._handle, byref(view(tensor)))
        return tensor if dtype is None else tensor.astype(dtype, copy=False)

    def __repr__(self) -> str:
        shapes = [core.shape for core in self.cores]
        return f"Network(shape={self.shape}, cores={shapes}, dtype={self.dtype})"


def _core(owned: Owned, k: int) -> Array:
    core = _abi.ttk_array()
    call(lib.ttk_network_core, owned, k, byref(core))
    return borrowed(core, owned)
