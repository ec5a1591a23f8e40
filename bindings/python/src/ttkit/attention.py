"""Block-term tensor attention: causal by definition."""

from __future__ import annotations

from ctypes import byref
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _layer
from ._array import Array, dtype_of, view
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

    __slots__ = ("features", "rank", "outputs", "length", "nbytes", "dtype")
    features: int
    rank: int
    outputs: int
    length: int
    nbytes: int
    dtype: np.dtype[Any]

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
        given = rows_in(x, self.dtype, self.features)
        if given.ndim < 2:
            raise ValueError(f"x has shape {given.shape}, expected (..., n, {self.features})")
        shape = (*given.shape[:-1], self.outputs)
        y = np.empty(shape, self.dtype) if out is None else rows_out(out, shape, self.dtype)
        count = int(np.prod(given.shape[:-2]))
        lines = given.reshape(count, *given.shape[-2:])
        call(
            lib.ttk_attention_apply, self._handle, byref(view(lines)),
            byref(_layer.fit_options(threads)), byref(view(y.reshape(count, *shape[-2:]))))
        return y

    def __repr__(self) -> str:
        return (f"BlockTermAttention(features={self.features}, rank={self.rank}, "
                f"outputs={self.outputs}, length={self.length})")
