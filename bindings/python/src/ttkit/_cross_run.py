"""What runs a cross approximation: its options, callbacks and results."""

from __future__ import annotations

from collections.abc import Callable
from ctypes import POINTER, addressof, byref, c_int64, c_void_p, memmove, sizeof
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, SupportsIndex, TypeAlias

import numpy as np
import numpy.typing as npt

from . import _abi, _indexing
from ._array import address
from ._call import Callback, call
from ._handle import Owned
from ._library import library as lib
from ._options import Rank, cap_ranks, choice, integer
from .train import TensorTrain

Function: TypeAlias = Callable[[npt.NDArray[np.int64]], npt.ArrayLike]
Condition: TypeAlias = Callable[[npt.NDArray[np.int64]], npt.ArrayLike]

_METHODS = {"tci": _abi.TTK_CROSS_TCI, "maxvol": _abi.TTK_CROSS_MAXVOL,
            "dmrg": _abi.TTK_CROSS_DMRG, "amen": _abi.TTK_CROSS_AMEN}
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


Watch: TypeAlias = Callable[[CrossProgress], object] | None


class CrossRun:
    """One run: options with the callbacks they point to, and what comes of it."""

    def __init__(
        self,
        ndim: int,
        *,
        rtol: float | None,
        atol: float | None,
        rank: Rank,
        max_evaluations: SupportsIndex | None,
        pivots: npt.ArrayLike | None,
        condition: Condition | None,
        method: str,
        search: str,
        seed: SupportsIndex,
        callback: Watch,
    ) -> None:
        if callback is not None and not callable(callback):
            raise TypeError(
                f"callback is a {type(callback).__name__}, expected a function or None")
        self.ndim = ndim
        self.callbacks: list[Callback] = []
        self.options = options = _abi.ttk_cross_options(
            struct_size=sizeof(_abi.ttk_cross_options))
        if rtol is not None and atol is not None:
            raise ValueError(f"rtol is {rtol} and atol is {atol}, expected only one of them")
        if atol is None:
            options.rtol = _tolerance("rtol", 1e-8 if rtol is None else rtol)
        else:
            options.atol = _tolerance("atol", atol)
        options.method = choice(method, _METHODS, "method")
        options.search = choice(search, _SEARCHES, "search")
        options.seed = integer(seed, "seed", 0, bits=65)  # the field is unsigned
        cap_ranks(options, rank, ndim - 1, "one for each bond")
        if max_evaluations is not None:
            options.max_evaluations = integer(max_evaluations, "max_evaluations", 1)
        if pivots is not None:
            # Held for the call: the pointer alone does not keep the array alive.
            self.pivots = _indexing.places(pivots, ndim).reshape(-1, ndim)
            options.pivot_count = len(self.pivots)
            options.pivots = self.pivots.ctypes.data_as(POINTER(c_int64))
        if condition is not None:
            if not callable(condition):
                raise TypeError(
                    f"condition is a {type(condition).__name__}, expected a function of indices")
            options.condition = self._callback(_abi.ttk_pivot_condition, _allower(condition, ndim))
        if callback is not None:
            options.watch = self._callback(_abi.ttk_cross_watch, _watcher(callback))

    def _callback(self, prototype: Any, function: Callable[..., object]) -> Any:
        self.callbacks.append(Callback(prototype, function))
        return self.callbacks[-1].pointer

    def result(
        self, function: Callable[..., int], prototype: Any, evaluate: Callable[..., object],
        *arguments: object,
    ) -> CrossResult:
        """Call `function`, which takes `arguments`, the callback, and what all such calls share."""
        out, found = c_void_p(), c_void_p()
        self.options.pivots_found = addressof(found)
        report = _abi.ttk_cross_report(struct_size=sizeof(_abi.ttk_cross_report))
        made: list[CrossResult] = []

        def partial() -> CrossResult | None:
            if not made and out.value is not None:
                made.append(_result(out.value, found.value, self.ndim, report))
            return made[0] if made else None

        pointer = self._callback(prototype, evaluate)
        call(function, *arguments, pointer, None, byref(self.options), byref(out), byref(report),
             callbacks=self.callbacks, partial=partial)
        whole = partial()
        assert whole is not None
        if whole.reason == "stopped" and not any(c.refused for c in self.callbacks):
            # A signal between ctypes and the callback stops the run too, and leaves no exception.
            raise KeyboardInterrupt
        return whole


def evaluator(f: Function, ndim: int, dtype: np.dtype[Any]) -> Callable[[int, int, int], None]:
    """`f` as the library calls it: on a copy of the indices, since theirs last for one call."""

    def evaluate(number: int, indices: int, values: int) -> None:
        asked = np.empty((number, ndim), np.int64)
        memmove(address(asked), indices, asked.nbytes)
        store(f(asked), number, dtype, values)

    return evaluate


def store(answer: npt.ArrayLike, number: int, dtype: np.dtype[Any], values: int) -> None:
    """Put what a function returned where the library wants it."""
    given = np.asarray(answer)
    if given.shape != (number,):
        raise ValueError(
            f"f returned shape {given.shape}, expected ({number},): one value for each row "
            "it was given")
    if given.dtype.kind not in "biufc" or not np.can_cast(given.dtype, dtype, "same_kind"):
        hint = "; pass dtype=complex" if given.dtype.kind == "c" else ""
        raise TypeError(f"f returned dtype {given.dtype}, which does not fit {dtype}{hint}")
    compact = np.ascontiguousarray(given, dtype)
    memmove(values, address(compact), compact.nbytes)


def _allower(condition: Condition, ndim: int) -> Callable[[int, int, int], None]:
    def allow(number: int, indices: int, allowed: int) -> None:
        asked = np.empty((number, ndim), np.int64)
        memmove(address(asked), indices, asked.nbytes)
        answer = np.asarray(condition(asked))
        if answer.shape != (number,) or answer.dtype != np.bool_:
            raise ValueError(
                f"condition returned {answer.dtype} of shape {answer.shape}, expected bool of "
                f"shape ({number},)")
        flags = np.ascontiguousarray(answer, np.uint8)  # named: alive while it is copied
        memmove(allowed, address(flags), number)

    return allow


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


def _tolerance(name: str, value: float) -> float:
    found = float(value)
    if not (isfinite(found) and found > 0):
        raise ValueError(f"{name} is {found}, expected a finite number above 0")
    return found
