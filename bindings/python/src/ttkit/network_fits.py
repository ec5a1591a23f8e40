"""Decompositions of arrays into networks that are not trains: canonical, Tucker, hierarchical."""

from __future__ import annotations

from ctypes import byref, sizeof
from typing import Any, SupportsIndex

import numpy as np
import numpy.typing as npt

from . import _abi
from ._array import view
from ._call import Callback
from ._handle import create
from ._library import library as lib
from ._numbers import field
from ._options import Progress, Rank, cap_ranks, integer, progress_callback
from .network import Network


def canonical(
    a: npt.ArrayLike,
    rank: SupportsIndex,
    *,
    tolerance: float = 0.0,
    max_steps: SupportsIndex = 0,
    seed: SupportsIndex = 0,
    threads: int = 0,
    progress: Progress | None = None,
) -> Network:
    """Decompose an array into a sum of `rank` products of vectors (CP, PARAFAC).

    Parameters
    ----------
    a : array_like, shape (n_0, ..., n_{d-1})
        Finite values, any strides, at most 64 modes.
    rank : int
        Number of terms.
    tolerance : float, optional
        Stop when a step changes the error by less, relatively; 0: 1e-8.
    max_steps : int, optional
        0: 200.
    seed : int, optional
        Of the random starts, from 0; the same seed gives the same bytes.
    threads, progress
        As for `tensor_train`.

    Returns
    -------
    Network
        ``cores[0]`` are the weights (rank,), descending; ``cores[1 + k]`` the factor
        (n_k, rank) of mode k, columns of norm 1. `error` is a stationary point's: a best
        approximation need not exist.

    Raises
    ------
    ValueError
        If `a` has no mode, an empty one, NaN or infinity, or an option is out of range.
    TypeError
        If the dtype of `a` fits into none of float32, float64, complex64, complex128.
    MemoryError

    References
    ----------
    .. [1] T. Kolda, B. Bader, "Tensor Decompositions and Applications", SIAM Review 51, 2009.
    .. [2] L. Sorber et al., "Optimization-based algorithms for tensor decompositions", SIAM J.
       Optim. 23, 2013.

    Examples
    --------
    >>> import numpy as np, ttkit as tk
    >>> x = np.einsum("i,j,k->ijk", [1.0, 2], [3.0, 4, 5], [6.0, 7])
    >>> network = tk.canonical(x, 1)
    >>> [core.shape for core in network.cores], network.error < 1e-12
    ([(1,), (2, 1), (3, 1), (2, 1)], True)
    """
    options, callbacks = _options(tolerance, max_steps, threads, progress)
    options.seed = integer(seed, "seed", 0)
    terms = integer(rank, "rank", 1)
    tensor = _tensor(a)
    return _network(lib.ttk_canonical, byref(tensor), terms, byref(options), callbacks=callbacks)


def tucker(
    a: npt.ArrayLike,
    rank: Rank = None,
    *,
    rtol: float = 0.0,
    atol: float = 0.0,
    tolerance: float = 0.0,
    max_steps: SupportsIndex = 0,
    threads: int = 0,
    progress: Progress | None = None,
) -> Network:
    """Decompose an array into a core and an orthonormal factor for each mode.

    Parameters
    ----------
    a : array_like, shape (n_0, ..., n_{d-1})
        Finite values, any strides, at most 64 modes.
    rank : int or sequence of int, optional
        Largest rank, or one for each of the d modes. Wins over the tolerances.
    rtol, atol : float, optional
        Allowed Frobenius error, relative and absolute; the looser applies. 0 drops only what
        rounding made.
    tolerance : float, optional
        With ranks alone given, orthogonal iteration follows the truncation, until a sweep changes
        the norm of the core by less, relatively; 0: 1e-8.
    max_steps : int, optional
        Sweeps at most; 0: 20.
    threads, progress
        As for `tensor_train`.

    Returns
    -------
    Network
        ``cores[0]`` is the core (r_0, ..., r_{d-1}); ``cores[1 + k]`` the factor (n_k, r_k), with
        orthonormal columns. Within sqrt(d) of the best at its ranks.

    Raises
    ------
    ValueError
        If `a` has no mode, an empty one, NaN or infinity, or an option is out of range.
    TypeError
        If the dtype of `a` fits into none of float32, float64, complex64, complex128.
    MemoryError, numpy.linalg.LinAlgError

    References
    ----------
    .. [1] N. Vannieuwenhoven, R. Vandebril, K. Meerbergen, "A new truncation strategy for the
       higher-order singular value decomposition", SIAM J. Sci. Comput. 34, 2012.
    .. [2] L. De Lathauwer, B. De Moor, J. Vandewalle, "On the best rank-1 and rank-(R1,...,RN)
       approximation of higher-order tensors", SIAM J. Matrix Anal. 21, 2000.

    Examples
    --------
    >>> import numpy as np, ttkit as tk
    >>> network = tk.tucker(np.ones((3, 4, 5)), 1)
    >>> network.cores[0].shape, round(network.norm() ** 2)
    ((1, 1, 1), 60)
    """
    options, callbacks = _options(tolerance, max_steps, threads, progress)
    tensor = _tensor(a)
    options.rtol, options.atol = rtol, atol
    cap_ranks(options, rank, tensor.ndim, "one a mode")
    return _network(lib.ttk_tucker, byref(tensor), byref(options), callbacks=callbacks)


def hierarchical_tucker(
    a: npt.ArrayLike,
    rank: SupportsIndex | None = None,
    *,
    rtol: float = 0.0,
    atol: float = 0.0,
    threads: int = 0,
    progress: Progress | None = None,
) -> Network:
    """Decompose an array over a balanced binary tree of its modes.

    Parameters
    ----------
    a : array_like, shape (n_0, ..., n_{d-1})
        Finite values, any strides, at most 64 modes.
    rank : int, optional
        Largest rank of any node. Wins over the tolerances.
    rtol, atol : float, optional
        Allowed Frobenius error, relative and absolute; the looser applies. 0 drops only what
        rounding made.
    threads, progress
        As for `tensor_train`.

    Returns
    -------
    Network
        A factor (n_k, r_k) for each mode, then transfer cores (left, right, own rank) level by
        level, the root (left, right) last; all but the root are orthonormal. Within sqrt(2d - 2)
        of the best at its ranks.

    Raises
    ------
    ValueError
        If `a` has no mode, an empty one, NaN or infinity, or an option is out of range.
    TypeError
        If the dtype of `a` fits into none of float32, float64, complex64, complex128.
    MemoryError, numpy.linalg.LinAlgError

    References
    ----------
    .. [1] L. Grasedyck, "Hierarchical Singular Value Decomposition of Tensors", SIAM J. Matrix
       Anal. 31, 2010.

    Examples
    --------
    >>> import numpy as np, ttkit as tk
    >>> tk.hierarchical_tucker(np.ones((2, 3, 4, 5)), rtol=1e-12).equation
    '{i0}{r0},{i1}{r1},{i2}{r2},{i3}{r3},{r0}{r1}{r4},{r2}{r3}{r5},{r4}{r5}->{i0}{i1}{i2}{i3}'
    """
    options, callbacks = _options(0.0, 0, threads, progress)
    options.rtol, options.atol = rtol, atol
    if rank is not None:
        options.max_rank = integer(rank, "rank", 1)
    tensor = _tensor(a)
    return _network(lib.ttk_hierarchical_tucker, byref(tensor), byref(options), callbacks=callbacks)


def _tensor(a: npt.ArrayLike) -> Any:
    given = np.asarray(a)
    return view(given.astype(field(given.dtype, "a"), copy=False))


def _network(function: Any, *arguments: Any, callbacks: tuple[Callback, ...]) -> Network:
    return Network._made(
        create(lib.ttk_network_destroy, function, *arguments, callbacks=callbacks))


def _options(
    tolerance: float, max_steps: SupportsIndex, threads: int, progress: Progress | None
) -> tuple[_abi.ttk_network_options, tuple[Callback, ...]]:
    options = _abi.ttk_network_options(struct_size=sizeof(_abi.ttk_network_options))
    options.tolerance = tolerance
    options.max_steps = integer(max_steps, "max_steps", 0)
    options.threads = integer(threads, "threads", 0, 32)
    callbacks = progress_callback(progress)
    if callbacks:
        options.progress = callbacks[0].pointer
    return options, callbacks
