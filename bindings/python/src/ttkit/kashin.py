"""Kashin's decomposition, and the orthogonal transforms it and rotated weights use."""

from __future__ import annotations

import operator
from ctypes import byref, sizeof
from dataclasses import dataclass
from typing import SupportsIndex

import numpy as np
import numpy.typing as npt

from . import _abi
from ._array import Array, view
from ._call import call
from ._library import library as lib
from ._options import integer

_TRANSFORMS = {
    "dct": _abi.TTK_TRANSFORM_DCT,
    "hadamard": _abi.TTK_TRANSFORM_HADAMARD,
    "orthogonal": _abi.TTK_TRANSFORM_ORTHOGONAL,
}
_METHODS = {"greedy": _abi.TTK_KASHIN_GREEDY, "alternating": _abi.TTK_KASHIN_ALTERNATING}
_AXES = ("rows", "columns", "whole")


@dataclass(frozen=True)
class KashinInfo:
    """How a decomposition went.

    Attributes
    ----------
    converged : bool
        Every vector was left with no more than the tolerance.
    steps : int
    error : float
        Largest ``||x - u - Q v|| / ||x||`` of a vector, computed from `u` and `v`.
    max_norm : float
        Largest entry of `u` and `v` times ``sqrt(n) / ||x||``, for vectors of n entries.
    """

    converged: bool
    steps: int
    error: float
    max_norm: float


def kashin(
    x: npt.ArrayLike,
    transform: str = "dct",
    *,
    method: str = "greedy",
    tol: float = 1e-6,
    max_steps: SupportsIndex = 200,
    axis: str = "rows",
    seed: SupportsIndex = 0,
    threads: SupportsIndex = 0,
) -> tuple[Array, Array, KashinInfo]:
    """Split vectors into ``x = u + Q v`` with all entries of `u` and `v` small.

    Parameters
    ----------
    x : array_like, one or two axes
        Finite, float32 or float64 (others become float64), any length.
    transform : str
        The orthogonal Q, as `orthogonal_transform` applies it: ``"dct"`` (cosine transform around
        random signs), ``"hadamard"`` or ``"orthogonal"`` (random, dense).
    method : str
        ``"greedy"`` [1]_ or ``"alternating"`` [2]_.
    tol : float
        What may be left of a vector, relative to its norm.
    max_steps : int
    axis : str
        The vectors of a matrix: its ``"rows"``, its ``"columns"``, or the ``"whole"`` as one vector,
        with Q on both sides.

    Returns
    -------
    u, v : ndarray, as `x`
    info : KashinInfo

    Raises
    ------
    ValueError
        If `x` is empty, has more axes, or holds NaN or infinity.
    TypeError, MemoryError

    References
    ----------
    .. [1] D. Merkulov et al., "Quantization of Large Language Models with an Overdetermined Basis",
       UAI 2024.
    .. [2] A. Cherniuk et al., "Structured transforms for low-overhead quantization of language
       models", 2026.

    Examples
    --------
    >>> import numpy as np, ttkit as tk
    >>> x = np.zeros(100); x[3] = 1.0
    >>> u, v, info = tk.kashin(x)
    >>> info.converged, bool(np.allclose(u + tk.orthogonal_transform(v), x, atol=1e-6))
    (True, True)
    """
    given, turned = _vectors(x, axis)
    options = _abi.ttk_kashin_options(struct_size=sizeof(_abi.ttk_kashin_options))
    options.seed = _seed(seed)
    options.transform = _choice(transform, "transform", _TRANSFORMS)
    options.method = _choice(method, "method", _METHODS)
    options.vectors = _abi.TTK_VECTORS_WHOLE if axis == "whole" else _abi.TTK_VECTORS_ROWS
    options.tolerance = _tolerance(tol)
    options.max_steps = integer(max_steps, "max_steps", 1)
    options.threads = integer(threads, "threads", 0, 32)
    report = _abi.ttk_kashin_report(struct_size=sizeof(_abi.ttk_kashin_report))
    u, v = np.empty_like(given), np.empty_like(given)
    call(lib.ttk_kashin, byref(view(turned(given))), byref(options), byref(view(turned(u))),
         byref(view(turned(v))), byref(report))
    info = KashinInfo(bool(report.converged), report.steps, report.error, report.max_norm)
    return u, v, info


def orthogonal_transform(
    x: npt.ArrayLike,
    transform: str = "dct",
    *,
    adjoint: bool = False,
    axis: str = "rows",
    seed: SupportsIndex = 0,
    threads: SupportsIndex = 0,
) -> Array:
    """Apply an orthogonal Q that spreads any vector over all its entries.

    ``"dct"`` is ``Q z = idct(signs * dct(z))``; ``"hadamard"`` the same with a Hadamard matrix
    times a short cosine transform (Kronecker product); both are symmetric. ``"orthogonal"`` is a
    random dense matrix. Signs and matrix follow from `seed`.

    Parameters
    ----------
    x, transform, axis, seed
        As in `kashin`.
    adjoint : bool
        Apply the transpose, which is the inverse.

    Returns
    -------
    ndarray, as `x`

    Raises
    ------
    ValueError, TypeError, MemoryError

    Examples
    --------
    >>> import numpy as np, ttkit as tk
    >>> z = tk.orthogonal_transform(np.eye(3)[0], "hadamard", seed=1)
    >>> bool(np.isclose(np.linalg.norm(z), 1.0))
    True
    """
    given, turned = _vectors(x, axis)
    options = _abi.ttk_transform_options(struct_size=sizeof(_abi.ttk_transform_options))
    options.seed = _seed(seed)
    options.transform = _choice(transform, "transform", _TRANSFORMS)
    options.vectors = _abi.TTK_VECTORS_WHOLE if axis == "whole" else _abi.TTK_VECTORS_ROWS
    options.is_adjoint = int(bool(adjoint))
    options.threads = integer(threads, "threads", 0, 32)
    y = np.empty_like(given)
    call(lib.ttk_transform_apply, byref(view(turned(given))), byref(options),
         byref(view(turned(y))))
    return y


def _vectors(x: npt.ArrayLike, axis: str) -> tuple[Array, _Turned]:
    """x in float32 or float64, and how its vectors become rows."""
    if axis not in _AXES:
        raise ValueError(f"axis is {axis!r}, expected one of {', '.join(_AXES)}")
    given = np.asarray(x)
    if given.dtype not in (np.float32, np.float64):
        if given.dtype.kind not in "iub" and given.dtype != np.float16:
            raise TypeError(f"x has dtype {given.dtype}, expected float32 or float64")
        given = given.astype(np.float64)
    return given, _Turned(axis == "columns")


class _Turned:
    """A view of an array whose vectors are rows."""

    def __init__(self, is_transposed: bool) -> None:
        self.is_transposed = is_transposed

    def __call__(self, array: Array) -> Array:
        return array.T if self.is_transposed else array


def _choice(value: str, name: str, choices: dict[str, int]) -> int:
    if value not in choices:
        raise ValueError(f"{name} is {value!r}, expected one of {', '.join(choices)}")
    return choices[value]


def _seed(value: SupportsIndex) -> int:
    found = operator.index(value)
    if not 0 <= found < 1 << 64:
        raise ValueError(f"seed is {found}, expected 0 to 2**64 - 1")
    return found


def _tolerance(value: float) -> float:
    found = float(value)
    if not 0 < found < 1:  # false of NaN
        raise ValueError(f"tol is {found}, expected a number between 0 and 1")
    return found
