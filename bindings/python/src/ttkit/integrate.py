"""Integrals over boxes of many dimensions, from few values of the function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, SupportsIndex, TypeAlias

import numpy as np
import numpy.typing as npt

from ._array import Array
from ._cross_run import Watch
from ._options import Rank, integer
from .cross import cross
from .train import TensorTrain

Rule: TypeAlias = tuple[Array, Array, Array | None]
"""Nodes and weights on [-1, 1], and the weights of an embedded rule of lower degree."""

# Nodes >= 0 of the Kronrod rule with 15 points, and weights (R. Piessens et al., QUADPACK, 1983).
_KRONROD_NODES = (
    0.991455371120812639206854697526329, 0.949107912342758524526189684047851,
    0.864864423359769072789712788640926, 0.741531185599394439863864773280788,
    0.586087235467691130294144691693013, 0.405845151377397166906606412076961,
    0.207784955007898467600689403773245, 0.0)
_KRONROD_WEIGHTS = (
    0.022935322010529224963732008058970, 0.063092092629978553290700663189204,
    0.104790010322250183839876322541518, 0.140653259715525918745189590510238,
    0.169004726639267902826583426598550, 0.190350578064785409913256402421014,
    0.204432940075298892414161999234649, 0.209482141084727828012999174891714)


@dataclass(frozen=True)
class Integral:
    """What `integrate` found.

    Attributes
    ----------
    value : float or complex
    error : float
        Estimate of ``|value - integral|``: the difference to the embedded rule of 7 points, with
        "gauss-kronrod", plus what the error of the train may amount to.
    evaluations : int
        Points that `f` was asked for.
    reason : str
        As of `CrossResult`.
    train : TensorTrain
        `f` on the nodes.
    """

    value: Any
    error: float
    evaluations: int
    reason: str
    train: TensorTrain


def integrate(
    f: Callable[[npt.NDArray[np.float64]], npt.ArrayLike],
    bounds: Sequence[tuple[float, float]] | npt.ArrayLike,
    *,
    rtol: float = 1e-8,
    nodes: str = "gauss-kronrod",
    order: SupportsIndex = 15,
    rank: Rank = None,
    max_evaluations: SupportsIndex | None = None,
    method: str = "tci",
    seed: SupportsIndex = 0,
    dtype: npt.DTypeLike = float,
    callback: Watch = None,
) -> Integral:
    """Integrate a function over a box by cross approximation on a product of quadrature rules.

    Parameters
    ----------
    f : callable
        ``f(points) -> values``: float64 of shape (count, ndim) to ``count`` finite numbers.
    bounds : array_like, shape (ndim, 2)
        Lower and upper end of each axis, finite; exchanged ends change the sign.
    rtol : float, optional
        Allowed root-mean-square error of the train on the nodes, relative to `f`.
    nodes : {"gauss-kronrod", "gauss-legendre"}, optional
        The rule on each axis. Only the first gives an estimate of the rule's own error.
    order : int, optional
        Nodes on each axis: 15 for "gauss-kronrod", 1 to 1000 for "gauss-legendre".
    rank, max_evaluations, method, seed, dtype, callback
        As in `cross`; ``dtype=complex`` for complex values.

    Returns
    -------
    Integral

    Raises
    ------
    ValueError, TypeError, numpy.linalg.LinAlgError, MemoryError
        As `cross`; ValueError too for bounds or nodes out of range.

    References
    ----------
    .. [1] S. Dolgov, D. Savostyanov, "Parallel cross interpolation for high-precision calculation
       of high-dimensional integrals", Comput. Phys. Commun. 246, 2020.

    Examples
    --------
    >>> import numpy as np, ttkit as tk
    >>> r = tk.integrate(lambda x: np.exp(x.sum(axis=1)), [(0, 1)] * 6)
    >>> bool(abs(r.value - (np.e - 1) ** 6) < 1e-6), r.error < 1e-3
    (True, True)
    """
    if not callable(f):
        raise TypeError(f"f is a {type(f).__name__}, expected a function of points")
    box = np.asarray(bounds, float)
    if box.ndim != 2 or box.shape[1] != 2 or not len(box):
        raise ValueError(f"bounds have shape {box.shape}, expected (ndim, 2)")
    with np.errstate(over="ignore"):
        middle, half = box.mean(axis=1), np.diff(box, axis=1)[:, 0] / 2
    if not (np.isfinite(box).all() and np.isfinite(middle).all() and np.isfinite(half).all()):
        raise ValueError("bounds or their differences are not finite")
    x, weights, lower = _rule(nodes, integer(order, "order", 1, 32))
    grid = middle[:, None] + half[:, None] * x  # (ndim, order)
    axes = np.arange(len(box))

    def values(indices: npt.NDArray[np.int64]) -> npt.ArrayLike:
        return f(grid[axes, indices])

    found = cross(
        values, (len(x),) * len(box), rtol=rtol, rank=rank, max_evaluations=max_evaluations,
        method=method, seed=seed, dtype=dtype, callback=callback)
    value = _weighted(found.train, weights, half)
    # Cauchy-Schwarz: a residual of this norm, weighted.
    error = found.error * found.train.norm() * float(np.prod(np.linalg.norm(weights) * abs(half)))
    if lower is not None:
        error += float(abs(value - _weighted(found.train, lower, half)))
    return Integral(value, error, found.evaluations, found.reason, found.train)


def _weighted(train: TensorTrain, weights: Array, half: Array) -> Any:
    each = [(weights * h).astype(train.dtype) for h in half]
    return train.sum(weights=each)


def _rule(nodes: str, order: int) -> Rule:
    if nodes == "gauss-legendre":
        if order > 1000:  # NumPy finds them as eigenvalues: O(order^3)
            raise ValueError(f"order is {order}, expected at most 1000")
        x, weights = np.polynomial.legendre.leggauss(order)
        return x, weights, None
    if nodes != "gauss-kronrod":
        raise ValueError(f"nodes is {nodes!r}, expected 'gauss-kronrod' or 'gauss-legendre'")
    if order != 15:
        raise ValueError(f"order is {order}, expected 15 with 'gauss-kronrod'")
    x, weights = np.array(_KRONROD_NODES), np.array(_KRONROD_WEIGHTS)
    # Every second node is one of Gauss' seven.
    lower = np.zeros(15)
    lower[1::2] = np.polynomial.legendre.leggauss(7)[1]
    return np.r_[-x, x[-2::-1]], np.r_[weights, weights[-2::-1]], lower
