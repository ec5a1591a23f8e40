"""Trains and matrices that problems are stated with: ones, the identity, the Laplace operator."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import SupportsIndex

import numpy as np
import numpy.typing as npt

from ._array import Array
from ._options import lengths
from .train import TensorTrain
from .train_matrix import TensorTrainMatrix


def ones(
    shape: Iterable[SupportsIndex] | SupportsIndex, *, dtype: npt.DTypeLike = float
) -> TensorTrain:
    """The tensor of ones, of ranks 1.

    Examples
    --------
    >>> import ttkit as tk
    >>> float(tk.ones((2, 3)).sum())
    6.0
    """
    return TensorTrain([np.ones((1, n, 1), dtype) for n in lengths(shape, "shape")])


def eye(
    shape: Iterable[SupportsIndex] | SupportsIndex, *, dtype: npt.DTypeLike = float
) -> TensorTrainMatrix:
    """The identity on tensors of this shape, of ranks 1.

    Examples
    --------
    >>> import ttkit as tk
    >>> tk.eye((2, 3))
    TensorTrainMatrix(rows=(2, 3), columns=(2, 3), rank=(1, 1, 1), dtype=float64)
    """
    return TensorTrainMatrix(
        [np.eye(n, dtype=dtype)[None, :, :, None] for n in lengths(shape, "shape")])


def laplace(
    shape: Iterable[SupportsIndex] | SupportsIndex,
    *,
    scale: float | Sequence[float] | None = None,
    quantics: bool = False,
) -> TensorTrainMatrix:
    """The discrete Laplace operator on a grid, zero beyond its ends.

    The sum over all axes of the stencil (1, -2, 1) times a factor.

    Parameters
    ----------
    shape : sequence of int
        Inner points of each axis.
    scale : float or sequence of float, optional
        Factor of the stencil, for all axes or for each; ``1 / (n + 1)`` by default. With the step h
        of the grid, ``1 / h**2`` gives second derivatives, and a minus a positive definite matrix.
    quantics : bool, optional
        Write the index of each axis in binary, one mode a digit, most significant first; lengths
        are powers of 2 then. Ranks are at most 5 instead of 2.

    Returns
    -------
    TensorTrainMatrix

    References
    ----------
    .. [1] V. Kazeev, B. Khoromskij, "Low-rank explicit QTT representation of the Laplace operator
       and its inverse", SIAM J. Matrix Anal. Appl. 33, 2012.

    Examples
    --------
    >>> import numpy as np, ttkit as tk
    >>> np.asarray(tk.laplace(3, scale=1.0))
    array([[-2.,  1.,  0.],
           [ 1., -2.,  1.],
           [ 0.,  1., -2.]])
    >>> tk.laplace((4, 8), quantics=True).rank
    (1, 4, 2, 4, 4, 1)
    """
    sizes = lengths(shape, "shape")
    factors = [1 / (n + 1) for n in sizes] if scale is None else np.broadcast_to(
        np.asarray(scale, float), (len(sizes),)).tolist()
    axes = [_digits(n) if quantics else [_stencil(n)[None, :, :, None]] for n in sizes]
    cores: list[Array] = []
    for k, (axis, factor) in enumerate(zip(axes, factors, strict=True)):
        for j, core in enumerate(axis):
            first, last = k == 0, k == len(axes) - 1
            cores.append(_summand(core * factor if j == 0 else core, first, last))
    return TensorTrainMatrix(cores)


def _stencil(n: int) -> Array:
    """(1, -2, 1) of order n."""
    result: Array = np.eye(n, k=1) - 2 * np.eye(n) + np.eye(n, k=-1)
    return result


def _digits(n: int) -> list[Array]:
    """The stencil of order n = 2^q in q cores of binary digits: ranks 3 (Kazeev, Khoromskij)."""
    q = n.bit_length() - 1
    if n != 1 << q or q < 1:
        raise ValueError(f"shape holds {n}, expected powers of 2 from 2 on for quantics=True")
    if q == 1:
        return [_stencil(2)[None, :, :, None]]
    same, up = np.eye(2), np.array([[0.0, 1.0], [0.0, 0.0]])
    down, zero = up.T, np.zeros((2, 2))
    blocks = [[same, down, up], [zero, up, zero], [zero, zero, down]]
    inner = np.array(blocks).transpose(0, 2, 3, 1)
    last = np.array([[up + down - 2 * same], [up], [down]]).transpose(0, 2, 3, 1)
    return [inner[:1], *[inner] * (q - 2), last]


def _summand(core: Array, first: bool, last: bool) -> Array:
    """A core of one axis inside the sum over axes.

    Bonds carry a state: the identity on all axes so far; a rank of this axis' own stencil; or some
    axis was the stencil already. The first axis has no other before it, the last none behind.
    """
    left, n, _, right = core.shape
    rows, columns = (2 if left == 1 else left + 2), (2 if right == 1 else right + 2)
    result = np.zeros((rows, n, n, columns))
    own_rows = slice(0, 1) if left == 1 else slice(1, left + 1)
    own_columns = slice(columns - 1, columns) if right == 1 else slice(1, right + 1)
    result[own_rows, :, :, own_columns] = core
    result[0, :, :, 0] = result[-1, :, :, -1] = np.eye(n)
    if first:  # nothing can be done yet where this axis is still going on
        result = result[:-1]
        result = result if right == 1 else result[..., :-1]
    if last:  # and where the last axis has begun, it must be the stencil, or another was
        result = result[..., 1:]
        result = result if left == 1 else result[1:]
    return result
