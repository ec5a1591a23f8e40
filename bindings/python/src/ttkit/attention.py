"""Block-term tensor attention: causal by definition."""

from __future__ import annotations

from ctypes import byref
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _layer
from ._array import Array, dtype_of, view, views
from ._call import call
from ._handle import Closable, create
from ._library import library as lib
from ._rows import rows_in, rows_out


class BlockTermAttention(Closable):
    """Attention by a third-order tensor of queries, keys and values.

    With ``q, k, v = x @ query.T, x @ key.T, x @ value.T`` and ``g = cores.mean(0)``, token i of a
    sequence gives ``y[i] = bias + sum(output[:, j, l] * sum(g * q[i] * k[j] * v[l]))`` over
    ``j, l <= i``. Changing a later token never changes an earlier output, bit for bit. A sequence
    of n tokens costs O(n**2 rank outputs).

    Parameters
    ----------
    query, key, value : array_like, shape (rank, features)
        All float32 or all float64, as are the others.
    cores : array_like, shape (blocks, rank)
        The diagonals of the blocks' cores, used as they are.
    output : array_like, shape (outputs, length, length)
        Weights of the pairs of tokens; `length` is the longest sequence.
    bias : array_like, shape (outputs,), optional

    Attributes
    ----------
    features, rank, outputs, length, nbytes : int
    dtype : dtype

    References
    ----------
    .. [1] X. Ma et al., "A Tensorized Transformer for Language Modeling", NeurIPS 2019.

    Examples
    --------
    >>> import numpy as np, ttkit as tk
    >>> eye = np.eye(2)
    >>> layer = tk.BlockTermAttention(eye, eye, eye, np.ones((1, 2)), np.ones((1, 3, 3)))
    >>> layer(np.ones((3, 2)))[:, 0]
    array([ 2.,  8., 18.])
    """

    __slots__ = ("features", "rank", "outputs", "length", "nbytes", "dtype", "_blocks", "_bias")
    features: int
    rank: int
    outputs: int
    length: int
    nbytes: int
    dtype: np.dtype[Any]
    _blocks: int
    _bias: bool

    def __init__(
        self,
        query: npt.ArrayLike,
        key: npt.ArrayLike,
        value: npt.ArrayLike,
        cores: npt.ArrayLike,
        output: npt.ArrayLike,
        bias: npt.ArrayLike | None = None,
    ) -> None:
        given = [query, key, value, cores, output, *([] if bias is None else [bias])]
        arrays = _layer.common_dtype(given)
        each = [byref(view(array)) for array in arrays]
        pointers = each if bias is not None else [*each, None]
        super().__init__(create(lib.ttk_attention_destroy, lib.ttk_attention_create, *pointers))
        for name in ("features", "rank", "outputs", "length", "nbytes"):
            setattr(self, name, getattr(lib, f"ttk_attention_{name}")(self._handle))
        self.dtype = dtype_of(lib.ttk_attention_dtype(self._handle))
        self._blocks, self._bias = len(arrays[3]), bias is not None

    def __call__(self, x: npt.ArrayLike, *, threads: int = 0, out: Array | None = None) -> Array:
        """Apply the layer to sequences.

        Parameters
        ----------
        x : array_like, shape (..., n, features)
            At most `length` tokens a sequence.
        threads : int, optional
            0: all this process may use; the result does not depend on it.
        out : ndarray, shape (..., n, outputs), optional

        Raises
        ------
        ValueError, TypeError, MemoryError
        """
        given = self._tokens(x)
        shape = (*given.shape[:-1], self.outputs)
        y = np.empty(shape, self.dtype) if out is None else rows_out(out, shape, self.dtype)
        count = int(np.prod(given.shape[:-2]))
        lines = given.reshape(count, *given.shape[-2:])
        call(
            lib.ttk_attention_apply, self._handle, byref(view(lines)),
            byref(_layer.fit_options(threads)), byref(view(y.reshape(count, *shape[-2:]))))
        return y

    def vjp(
        self, x: npt.ArrayLike, grad: npt.ArrayLike, *, threads: int = 0
    ) -> tuple[Array, tuple[Array, ...], Array | None]:
        """Gradients of ``sum(grad * layer(x))`` with respect to x, to the parameters, to the bias.

        As causal as the layer: where `grad` is zero after token t, no token after t has an
        influence, bit for bit.

        Parameters
        ----------
        x : array_like, shape (..., n, features)
        grad : array_like, shape of ``layer(x)``

        Returns
        -------
        grad_x, (grad_query, grad_key, grad_value, grad_cores, grad_output), grad_bias
            The last is None for a layer without a bias.

        Raises
        ------
        ValueError, TypeError, MemoryError
        """
        given = self._tokens(x)
        above = rows_in(grad, self.dtype, self.outputs, "grad")
        shape = (*given.shape[:-1], self.outputs)
        if above.shape != shape:
            raise ValueError(f"grad has shape {above.shape}, expected {shape}")
        lines = given.reshape(int(np.prod(given.shape[:-2])), *given.shape[-2:])
        wide = (self.rank, self.features)
        square = (self.outputs, self.length, self.length)
        shapes = [wide, wide, wide, (self._blocks, self.rank), square]
        results = [np.empty(one, self.dtype) for one in shapes]
        each, _kept = views(results)
        grad_x = np.empty(lines.shape, self.dtype)
        grad_bias = np.empty(self.outputs, self.dtype) if self._bias else None
        call(
            lib.ttk_attention_vjp, self._handle, byref(view(lines)),
            byref(view(above.reshape(*lines.shape[:-1], self.outputs))),
            byref(_layer.fit_options(threads)), byref(view(grad_x)), each,
            None if grad_bias is None else byref(view(grad_bias)))
        return grad_x.reshape(given.shape), tuple(results), grad_bias

    def _tokens(self, x: npt.ArrayLike) -> Array:
        given = rows_in(x, self.dtype, self.features)
        if given.ndim < 2:
            raise ValueError(f"x has shape {given.shape}, expected (..., n, {self.features})")
        return given

    def __repr__(self) -> str:
        return (f"BlockTermAttention(features={self.features}, rank={self.rank}, "
                f"outputs={self.outputs}, length={self.length})")
