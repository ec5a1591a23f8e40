"""Functions of trains, element by element."""

from __future__ import annotations

from collections.abc import Callable
from ctypes import c_void_p, memmove
from typing import SupportsIndex

import numpy as np
import numpy.typing as npt

from . import _abi, _numbers
from ._array import Array, address
from ._cross_run import CrossResult, CrossRun, Watch, store
from ._library import library as lib
from ._options import Rank
from .train import TensorTrain


def apply(
    f: Callable[..., npt.ArrayLike],
    *trains: TensorTrain,
    rtol: float | None = None,
    atol: float | None = None,
    rank: Rank = None,
    max_evaluations: SupportsIndex | None = None,
    pivots: npt.ArrayLike | None = None,
    method: str = "tci",
    search: str = "rook",
    seed: SupportsIndex = 0,
    dtype: npt.DTypeLike | None = None,
    callback: Watch = None,
) -> CrossResult:
    """Compute a function of trains element by element, as a train, by cross approximation.

    Parameters
    ----------
    f : callable
        ``f(a, b, ...) -> values``: for each train an array (count,) of its values at the same
        places, to ``count`` finite numbers.
    *trains : TensorTrain
        At least one, of equal shapes.
    rtol, atol, rank, max_evaluations, pivots, method, search, seed, callback
        As in `cross`.
    dtype : dtype, optional
        Of the result, and what the trains are converted to first; theirs by default.

    Returns
    -------
    CrossResult
        ``.train`` is the train; look at ``.reason``.

    Raises
    ------
    ValueError, TypeError, numpy.linalg.LinAlgError, MemoryError
        As `cross`; ValueError too if shapes differ or there are no trains.

    Examples
    --------
    >>> import numpy as np, ttkit as tk
    >>> t = tk.tensor_train(np.add.outer(np.arange(1.0, 5.0), np.arange(5.0)))
    >>> r = tk.apply(np.log, t)
    >>> bool(np.allclose(r.train, np.log(np.asarray(t)))), r.reason
    (True, 'converged')
    """
    if not callable(f):
        raise TypeError(f"f is a {type(f).__name__}, expected a function of arrays")
    if not trains:
        raise ValueError("there are no trains, expected at least one")
    for k, train in enumerate(trains):
        if not isinstance(train, TensorTrain):
            raise TypeError(f"train {k} is a {type(train).__name__}, expected a TensorTrain")
    own = np.result_type(*(train.dtype for train in trains))
    wanted = own if dtype is None else _numbers.field(np.dtype(dtype), "the train")
    run = CrossRun(
        trains[0].ndim, rtol=rtol, atol=atol, rank=rank, max_evaluations=max_evaluations,
        pivots=pivots, condition=None, method=method, search=search, seed=seed, callback=callback)
    handles = [train.astype(wanted)._handle for train in trains]
    places = (c_void_p * len(handles))(*(handle.address for handle in handles))

    def evaluate(number: int, values: int, results: int) -> None:
        pointers = (c_void_p * len(handles)).from_address(values)
        given = [_copied(pointer, number, wanted) for pointer in pointers]
        store(f(*given), number, wanted, results)

    return run.result(
        lib.ttk_apply, _abi.ttk_train_function, evaluate, len(handles), places)


def _copied(pointer: int | None, number: int, dtype: np.dtype[np.generic]) -> Array:
    """Values of one train, in memory of Python's own."""
    result: Array = np.empty(number, dtype)
    assert pointer is not None
    memmove(address(result), pointer, result.nbytes)
    return result
