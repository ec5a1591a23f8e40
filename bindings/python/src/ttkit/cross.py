"""Cross approximation: tensor trains of functions from few of their values."""

from __future__ import annotations

from collections.abc import Iterable
from ctypes import c_int64
from typing import SupportsIndex

import numpy as np
import numpy.typing as npt

from . import _abi, _numbers
from ._array import code_of
from ._cross_run import Condition, CrossProgress, CrossResult, CrossRun, Function, Watch, evaluator
from ._library import library as lib
from ._options import Rank
from ._options import lengths as lengths_of

__all__ = ["CrossProgress", "CrossResult", "cross"]


def cross(
    f: Function,
    shape: Iterable[SupportsIndex] | SupportsIndex,
    *,
    rtol: float | None = None,
    atol: float | None = None,
    rank: Rank = None,
    max_evaluations: SupportsIndex | None = None,
    pivots: npt.ArrayLike | None = None,
    condition: Condition | None = None,
    method: str = "tci",
    search: str = "rook",
    seed: SupportsIndex = 0,
    dtype: npt.DTypeLike = float,
    callback: Watch = None,
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
    rtol, atol : float, optional
        Allowed root-mean-square error over the grid, relative to that of `f`, or absolute; above 0
        and not both. ``rtol=1e-8`` by default.
    rank : int or sequence of int, optional
        Largest rank of any bond, or one for each of the d - 1 bonds.
    max_evaluations : int, optional
        Never exceeded, validation included.
    pivots : array_like of int, shape (count, ndim), optional
        Indices where `f` matters, such as narrow peaks, or an earlier run's ``pivots``.
    condition : callable, optional
        ``condition(indices) -> bool array (count,)``: where pivots may be, with "tci". Errors are
        then judged there only.
    method : {"tci", "maxvol", "dmrg", "amen"}, optional
        Tensor cross interpolation; one-mode sweeps with maximum volume; two-mode sweeps with SVDs;
        one-mode sweeps that add directions of the residual.
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
        If an argument is out of range, `condition` holds at no point that was tried, or `f` returns
        another number of values, NaN or infinity.
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
    .. [4] S. Dolgov, D. Savostyanov, "Alternating minimal energy methods for linear systems in
       higher dimensions", SIAM J. Sci. Comput. 36, 2014.

    Examples
    --------
    >>> import numpy as np, ttkit as tk
    >>> r = tk.cross(lambda indices: np.sin(indices.sum(axis=1)), (20,) * 8)
    >>> r.reason, r.train.rank, r.error < 1e-8
    ('converged', (1, 2, 2, 2, 2, 2, 2, 2, 1), True)
    """
    if not callable(f):
        raise TypeError(f"f is a {type(f).__name__}, expected a function of indices")
    lengths = lengths_of(shape, "shape")
    wanted = _numbers.field(np.dtype(dtype), "the train")
    run = CrossRun(
        len(lengths), rtol=rtol, atol=atol, rank=rank, max_evaluations=max_evaluations,
        pivots=pivots, condition=condition, method=method, search=search, seed=seed,
        callback=callback)
    sizes = (c_int64 * max(len(lengths), 1))(*lengths)
    arguments = len(lengths), sizes, code_of(wanted)
    evaluate = evaluator(f, len(lengths), wanted)
    return run.result(lib.ttk_cross, _abi.ttk_evaluate, evaluate, *arguments)
