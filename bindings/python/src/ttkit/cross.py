"""Cross approximation: tensor trains of functions from few of their values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ctypes import POINTER, addressof, byref, c_int64, c_void_p, memmove, sizeof
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, SupportsIndex, TypeAlias

import numpy as np
import numpy.typing as npt

from . import _abi, _indexing, _numbers
from ._array import Array, address, code_of
from ._call import Callback, call
from ._handle import Owned
from ._library import library as lib
from ._options import integer
from ._options import lengths as lengths_of
from .train import TensorTrain

Function: TypeAlias = Callable[[npt.NDArray[np.int64]], npt.ArrayLike]

_METHODS = {"tci": _abi.TTK_CROSS_TCI, "maxvol": _abi.TTK_CROSS_MAXVOL,
            "dmrg": _abi.TTK_CROSS_DMRG}
_SEARCHES = {"rook": _abi.TTK_SEARCH_ROOK, "full": _abi.TTK_SEARCH_FULL}
_REASONS = {
    _abi.TTK_CROSS_CONVERGED: "converged", _abi.TTK_CROSS_BUDGET: "budget",
    _abi.TTK_CROSS_RANK: "rank", _abi.TTK_CROSS_SWEEPS: "sweeps",
    _abi.TTK_CROSS_STOPPED: "stopped", _abi.TTK_CROSS_PRECISION: "precision",
}


@dataclass(frozen=True)
class CrossProgress:
    """What `cross` tells its callback after a sweep.

    Attributes
    ----------
    sweeps, evaluations : int
        Passes over all bonds, and distinct indices asked, so far.
    error : float
        Relative root-mean-square error on the points that steer the run.
    rank : int
        Largest rank.
    """

    sweeps: int
    evaluations: int
    error: float
    rank: int


@dataclass(frozen=True)
class CrossResult:
    """A train made by `cross`, and how it came about.

    Attributes
    ----------
    train : TensorTrain
    evaluations : int
        Distinct indices that `f` was asked for; never above `max_evaluations`.
    error : float
        Relative root-mean-square error on `validation_count` fresh random points that steered
        nothing; where that count is 0, on the points that steered the run.
    reason : str
        Why it ended: "converged" (the error is within `rtol`), "budget" (`max_evaluations` leaves
        no room for a step), "rank" (bonds that need more have reached `rank`), "sweeps" (200 are
        over), "stopped" (the callback returned False), "precision" (what is left is rounding noise
        of the dtype).
    pivots : ndarray of int64, shape (count, ndim)
        Indices where the train was pinned to `f`; start a later run with them.
    sweeps : int
    validation_count : int
    """

    train: TensorTrain
    evaluations: int
    error: float
    reason: str
    pivots: npt.NDArray[np.int64] = field(repr=False)
    sweeps: int
    validation_count: int


def cross(
    f: Function,
    shape: Iterable[SupportsIndex] | SupportsIndex,
    *,
    rtol: float = 1e-8,
    rank: SupportsIndex | None = None,
    max_evaluations: SupportsIndex | None = None,
    pivots: npt.ArrayLike | None = None,
    method: str = "tci",
    search: str = "rook",
    seed: SupportsIndex = 0,
    dtype: npt.DTypeLike = float,
    callback: Callable[[CrossProgress], object] | None = None,
) -> CrossResult:
    """Approximate a function of indices by a tensor train, asking for few of its values.

    Parameters
    ----------
    f : callable
        ``f(indices) -> values``: int64 of shape (count, ndim) to ``count`` finite numbers. Called
        on this thread, never twice for the same index; it may use ttkit. What it raises comes out
        with its traceback, and with ``.partial``: a CrossResult or None.
    shape : sequence of int
        Lengths of the modes, each 1 to 2**24.
    rtol : float, optional
        Allowed root-mean-square error over the grid, relative to that of `f`; above 0.
    rank : int, optional
        Largest rank of any bond.
    max_evaluations : int, optional
        Never exceeded, validation included.
    pivots : array_like of int, shape (count, ndim), optional
        Indices where `f` matters, such as narrow peaks, or an earlier run's ``pivots``.
    method : {"tci", "maxvol", "dmrg"}, optional
        Tensor cross interpolation; one-mode sweeps with maximum volume; two-mode sweeps with SVDs.
    search : {"rook", "full"}, optional
        How "tci" looks for pivots: alternating rows and columns, or all elements.
    seed : int, optional
        The same seed gives the same result.
    dtype : dtype, optional
        Of the train: float32, float64, complex64 or complex128.
    callback : callable, optional
        ``callback(progress)`` after each sweep; see `CrossProgress`. False or an exception stops.

    Returns
    -------
    CrossResult
        Always look at ``reason``: a run that ends unconverged is no exception. A feature too
        narrow for any sample to meet can be missed unless a pivot points at it.

    Raises
    ------
    ValueError
        If an argument is out of range, or `f` returns another number of values, NaN or infinity.
    TypeError
        If the values do not fit the dtype: complex ones in a real train.
    numpy.linalg.LinAlgError
        If `max_evaluations` do not suffice for rank 1.
    MemoryError

    References
    ----------
    .. [1] Y. Nunez Fernandez et al., "Learning tensor networks with tensor cross interpolation",
       SciPost Phys. 18, 2025.
    .. [2] I. Oseledets, E. Tyrtyshnikov, "TT-cross approximation for multidimensional arrays",
       Linear Algebra Appl. 432, 2010.
    .. [3] D. Savostyanov, I. Oseledets, "Fast adaptive interpolation of multi-dimensional arrays
       in tensor train format", nDS 2011.

    Examples
    --------
    >>> import numpy as np, ttkit as tk
    >>> r = tk.cross(lambda indices: np.sin(indices.sum(axis=1)), (20,) * 8)
    >>> r.reason, r.train.rank, r.error < 1e-8
    ('converged', (1, 2, 2, 2, 2, 2, 2, 2, 1), True)
    """
    if not callable(f):
        raise TypeError(f"f is a {type(f).__name__}, expected a function of indices")
    if callback is not None and not callable(callback):
        raise TypeError(f"callback is a {type(callback).__name__}, expected a function or None")
    lengths = lengths_of(shape, "shape")
    wanted = _numbers.field(np.dtype(dtype), "the train")
    options = _abi.ttk_cross_options(struct_size=sizeof(_abi.ttk_cross_options))
    options.rtol = _tolerance(rtol)
    options.method = _choice(method, _METHODS, "method")
    options.search = _choice(search, _SEARCHES, "search")
    options.seed = integer(seed, "seed", 0, bits=65)  # the field is unsigned
    if rank is not None:
        options.max_rank = integer(rank, "rank", 1)
    if max_evaluations is not None:
        options.max_evaluations = integer(max_evaluations, "max_evaluations", 1)
    if pivots is not None:
        given = _indexing.places(pivots, len(lengths)).reshape(-1, len(lengths))
        options.pivot_count = len(given)
        options.pivots = given.ctypes.data_as(POINTER(c_int64))  # keeps it alive
    return _run(f, lengths, wanted, options, callback)


def _run(
    f: Function,
    lengths: tuple[int, ...],
    dtype: np.dtype[Any],
    options: _abi.ttk_cross_options,
    callback: Callable[[CrossProgress], object] | None,
) -> CrossResult:
    evaluate = Callback(_abi.ttk_evaluate, _evaluator(f, len(lengths), dtype))
    watch = None
    if callback is not None:
        watch = Callback(_abi.ttk_cross_watch, _watcher(callback))
        options.watch = watch.pointer
    out, found = c_void_p(), c_void_p()
    options.pivots_found = addressof(found)
    report = _abi.ttk_cross_report(struct_size=sizeof(_abi.ttk_cross_report))
    made: list[CrossResult] = []

    def result() -> CrossResult | None:
        if not made and out.value is not None:
            made.append(_result(out.value, found.value, len(lengths), report))
        return made[0] if made else None

    sizes = (c_int64 * max(len(lengths), 1))(*lengths)
    arguments = len(lengths), sizes, code_of(dtype), evaluate.pointer, None
    callbacks = (evaluate,) if watch is None else (evaluate, watch)
    call(lib.ttk_cross, *arguments, byref(options), byref(out), byref(report),
         callbacks=callbacks, partial=result)
    whole = result()
    assert whole is not None
    if whole.reason == "stopped" and not (watch is not None and watch.refused):
        # A signal between ctypes and the callback stops the run too, and leaves no exception.
        raise KeyboardInterrupt
    return whole


def _evaluator(f: Function, ndim: int, dtype: np.dtype[Any]) -> Callable[[int, int, int], None]:
    """`f` as the library calls it: on a copy of the indices, since theirs last for one call."""

    def evaluate(number: int, indices: int, values: int) -> None:
        asked = np.empty((number, ndim), np.int64)
        memmove(address(asked), indices, asked.nbytes)
        answer = np.asarray(f(asked))
        if answer.shape != (number,):
            raise ValueError(
                f"f returned shape {answer.shape}, expected ({number},): one value for each row "
                f"of the indices, here of shape ({number}, {ndim})")
        if answer.dtype.kind not in "biufc" or not np.can_cast(answer.dtype, dtype, "same_kind"):
            hint = "; pass dtype=complex" if answer.dtype.kind == "c" else ""
            raise TypeError(f"f returned dtype {answer.dtype}, which does not fit {dtype}{hint}")
        compact = np.ascontiguousarray(answer, dtype)
        memmove(values, address(compact), compact.nbytes)

    return evaluate


def _watcher(callback: Callable[[CrossProgress], object]) -> Callable[[Any], object]:
    def watch(report: Any) -> object:
        now = report.contents
        return callback(
            CrossProgress(now.sweeps, now.evaluations, now.estimated_error, now.max_rank))

    return watch


def _result(train: int, found: int | None, ndim: int, report: _abi.ttk_cross_report) -> CrossResult:
    made = TensorTrain._made(Owned(train, lib.ttk_train_destroy))
    pivots = np.empty((lib.ttk_pivots_count(found), ndim), np.int64)
    if pivots.size:
        memmove(address(pivots), lib.ttk_pivots_indices(found), pivots.nbytes)
    lib.ttk_pivots_destroy(found)
    validated = report.validation_count > 0
    return CrossResult(
        train=made,
        evaluations=report.evaluations,
        error=report.validated_error if validated else report.estimated_error,
        reason=_REASONS.get(report.reason, f"reason {report.reason}"),
        pivots=pivots,
        sweeps=report.sweeps,
        validation_count=report.validation_count,
    )


def _tolerance(value: float) -> float:
    found = float(value)
    if not (isfinite(found) and found > 0):
        raise ValueError(f"rtol is {found}, expected a finite number above 0")
    return found


def _choice(value: str, choices: dict[str, int], name: str) -> int:
    code = choices.get(value) if isinstance(value, str) else None
    if code is None:
        *others, last = (repr(choice) for choice in choices)
        raise ValueError(f"{name} is {value!r}, expected {', '.join(others)} or {last}")
    return code
