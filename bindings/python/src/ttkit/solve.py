"""Linear systems whose matrix, right side and solution are trains."""

from __future__ import annotations

from collections.abc import Callable
from ctypes import byref, sizeof
from dataclasses import dataclass
from math import isfinite
from typing import Any, SupportsIndex

import numpy as np
import numpy.typing as npt

from . import _abi
from ._call import Callback
from ._handle import Owned, create
from ._library import library as lib
from ._options import Rank, cap_ranks, choice, integer
from .train import TensorTrain
from .train_matrix import TensorTrainMatrix

_METHODS = {"amen": _abi.TTK_SOLVE_AMEN, "als": _abi.TTK_SOLVE_ALS, "mals": _abi.TTK_SOLVE_MALS}
_PROJECTIONS = {"galerkin": _abi.TTK_SOLVE_GALERKIN,
                "least_squares": _abi.TTK_SOLVE_LEAST_SQUARES}
_PRECONDITIONERS = {None: _abi.TTK_SOLVE_PLAIN, "left": _abi.TTK_SOLVE_LEFT_BLOCKS,
                    "right": _abi.TTK_SOLVE_RIGHT_BLOCKS}
REASONS = {
    _abi.TTK_SOLVE_CONVERGED: "converged", _abi.TTK_SOLVE_STALLED: "stalled",
    _abi.TTK_SOLVE_SWEEPS: "sweeps", _abi.TTK_SOLVE_STOPPED: "stopped",
    _abi.TTK_SOLVE_RANK: "rank",
}


@dataclass(frozen=True)
class SolveProgress:
    """What `solve` and `eigsh` tell their callback after a pass over all cores.

    Attributes
    ----------
    sweeps : int
    residual : float
        The largest relative residual that a local problem saw in this pass.
    rank : int
        Largest rank.
    """

    sweeps: int
    residual: float
    rank: int


class Solution(TensorTrain):
    """A train that `solve` found, and how good it is.

    What is computed from it, such as sums, are plain trains.

    Attributes
    ----------
    residual : float
        ``||m x - b|| / ||b||``, computed.
    reason : str
        "converged" (the residual is within `rtol`), "stalled" (sweeps no longer made it smaller),
        "rank" (it needs larger ranks than allowed), "sweeps" (`max_sweeps` are over), "stopped"
        (the callback returned False).
    sweeps : int
        Passes over all cores.
    """

    __slots__ = ("residual", "reason", "sweeps")
    residual: float
    reason: str
    sweeps: int

    @classmethod
    def _made(cls, owned: Owned) -> TensorTrain:  # type: ignore[override]
        return TensorTrain._made(owned)

    @classmethod
    def _solved(cls, owned: Owned, report: _abi.ttk_solve_report) -> Solution:
        self = cls.__new__(cls)
        self._adopt(owned)
        self.residual, self.sweeps = report.residual, report.sweeps
        self.reason = REASONS.get(report.reason, f"reason {report.reason}")
        return self

    def astype(self, dtype: npt.DTypeLike) -> TensorTrain:  # type: ignore[override]
        """The same train in another dtype; itself when it has that dtype already."""
        return self if np.dtype(dtype) == self.dtype else TensorTrain(self.cores).astype(dtype)


def solve(
    m: TensorTrainMatrix,
    b: TensorTrain,
    *,
    x0: TensorTrain | None = None,
    rtol: float = 1e-8,
    method: str = "amen",
    projection: str = "galerkin",
    preconditioner: str | None = None,
    rank: Rank = None,
    max_sweeps: SupportsIndex = 50,
    seed: SupportsIndex = 0,
    callback: Callable[[SolveProgress], object] | None = None,
) -> Solution:
    """Solve ``m x = b`` for a train x.

    Parameters
    ----------
    m : TensorTrainMatrix
        With ``row_shape == column_shape``.
    b : TensorTrain
        Of shape ``m.row_shape``.
    x0 : TensorTrain, optional
        Where to start; from `b`, cut to a small rank, by default.
    rtol : float, optional
        Allowed residual, relative to the norm of `b`; above 0.
    method : {"amen", "als", "mals"}, optional
        One core at a time with ranks grown by directions of the residual; one core at a time with
        fixed ranks (`rank`, or those of `x0` or `b`); two cores at a time, for modes of few
        indices.
    projection : {"galerkin", "least_squares"}, optional
        What the residual is made orthogonal to: the solution's own cores, for matrices that are not
        far from positive definite, or their images under `m`, for any matrix; the latter squares
        the condition number (Petrov-Galerkin, by the normal equations).
    preconditioner : {None, "left", "right"}, optional
        For local problems too large to factorise: inverted blocks that couple the modes with the
        rank on this side.
    rank : int or sequence of int, optional
        Largest rank, or one for each of the d - 1 bonds.
    max_sweeps : int, optional
        Passes over all cores.
    seed : int, optional
        The same seed gives the same result.
    callback : callable, optional
        ``callback(progress)`` after each pass but the last; see `SolveProgress`. False or an
        exception stops; the exception comes out, with ``.partial``: a Solution.

    Returns
    -------
    Solution
        A train with ``residual``, ``reason`` and ``sweeps``. Look at ``reason``: a run that ends
        unconverged, as with a singular matrix, is no exception.

    Raises
    ------
    ValueError
        If shapes do not fit or an argument is out of range.
    MemoryError

    References
    ----------
    .. [1] S. Dolgov, D. Savostyanov, "Alternating minimal energy methods for linear systems in
       higher dimensions", SIAM J. Sci. Comput. 36(5), 2014.
    .. [2] S. Holtz, T. Rohwedder, R. Schneider, "The alternating linear scheme for tensor
       optimization in the tensor train format", SIAM J. Sci. Comput. 34(2), 2012.

    Examples
    --------
    >>> import numpy as np, ttkit as tk
    >>> m = tk.tensor_train_matrix(np.diag(np.arange(1.0, 9.0)), (2, 2, 2), (2, 2, 2))
    >>> x = tk.solve(m, tk.tensor_train(np.arange(1.0, 9.0).reshape(2, 2, 2)))
    >>> x.reason, x.rank, np.allclose(x, 1)
    ('converged', (1, 1, 1, 1), True)
    """
    trains = {"b": b} if x0 is None else {"b": b, "x0": x0}
    for name, train in trains.items():
        if not isinstance(train, TensorTrain):
            raise TypeError(f"{name} is a {type(train).__name__}, expected a TensorTrain")
    dtype = np.result_type(require_matrix(m).dtype, *(t.dtype for t in trains.values()))
    matrix, side = m.astype(dtype), b.astype(dtype)
    options, watch = solve_options(b.ndim, rtol, rank, max_sweeps, seed, callback)
    options.method = choice(method, _METHODS, "method")
    options.projection = choice(projection, _PROJECTIONS, "projection")
    options.preconditioner = choice(preconditioner, _PRECONDITIONERS, "preconditioner")
    if x0 is not None:
        start = x0.astype(dtype)._handle  # held until the call is over
        options.x0 = start.address
    report = _abi.ttk_solve_report(struct_size=sizeof(_abi.ttk_solve_report))

    def made(owned: Owned) -> Solution:
        return Solution._solved(owned, report)

    out = _Reported(report)
    return made(create(
        lib.ttk_train_destroy, out.call, matrix._handle, side._handle, byref(options),
        callbacks=watch, partial=made))


class _Reported:
    """ttk_solve with its report behind the place for the result."""

    def __init__(self, report: _abi.ttk_solve_report) -> None:
        self.report = report

    def call(self, *arguments: object) -> int:
        status: int = lib.ttk_solve(*arguments, byref(self.report))
        return status


def require_matrix(m: TensorTrainMatrix) -> TensorTrainMatrix:
    """`m`, if it is a matrix in train form."""
    if not isinstance(m, TensorTrainMatrix):
        raise TypeError(f"m is a {type(m).__name__}, expected a TensorTrainMatrix")
    return m


def solve_options(
    order: int,
    rtol: float,
    rank: Rank,
    max_sweeps: SupportsIndex,
    seed: SupportsIndex,
    callback: Callable[[SolveProgress], object] | None,
) -> tuple[_abi.ttk_solve_options, tuple[Callback, ...]]:
    """Options that linear systems and eigenproblems share, and the callbacks they point to."""
    options = _abi.ttk_solve_options(struct_size=sizeof(_abi.ttk_solve_options))
    options.rtol = float(rtol)
    if not (isfinite(options.rtol) and options.rtol > 0):
        raise ValueError(f"rtol is {options.rtol}, expected a finite number above 0")
    options.max_sweeps = integer(max_sweeps, "max_sweeps", 1)
    options.seed = integer(seed, "seed", 0, bits=65)  # the field is unsigned
    cap_ranks(options, rank, order - 1, "one for each inner bond")
    if callback is None:
        return options, ()
    if not callable(callback):
        raise TypeError(f"callback is a {type(callback).__name__}, expected a function or None")
    wanted = callback

    def watch(report: Any) -> object:
        now = report.contents
        return wanted(SolveProgress(now.sweeps, now.residual, now.max_rank))

    guarded = Callback(_abi.ttk_solve_watch, watch)
    options.watch = guarded.pointer
    return options, (guarded,)
