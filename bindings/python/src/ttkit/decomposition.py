"""Tensor trains of dense arrays, in memory or in files."""

from __future__ import annotations

import mmap
from ctypes import byref, c_int64, pointer, sizeof
from dataclasses import dataclass
from typing import Any, SupportsIndex

import numpy as np
import numpy.typing as npt

from . import _abi
from ._array import Array, address, code_of, view
from ._call import text
from ._handle import create
from ._library import library as lib
from ._numbers import field
from ._options import Progress, Rank, integer, svd_options
from .train import TensorTrain

_METHODS = {"auto": _abi.TTK_SVD_AUTO, "sampled": _abi.TTK_SVD_SAMPLED, "qr": _abi.TTK_SVD_QR}


@dataclass(frozen=True)
class DecompositionInfo:
    """What `tensor_train` did.

    Attributes
    ----------
    method : str
        The way the first, largest unfolding went: ``"sampled"`` or ``"qr"``.
    error : float
        Relative Frobenius error, as `TensorTrain.error`.
    passes : int
        Times the whole tensor was read.
    memory_nbytes : int
        Most bytes of tensor-sized memory held at once beside the input, the result included.
    """

    method: str
    error: float
    passes: int
    memory_nbytes: int


def tensor_train(
    a: npt.ArrayLike,
    rank: Rank = None,
    *,
    rtol: float = 0.0,
    atol: float = 0.0,
    method: str = "auto",
    seed: SupportsIndex = 0,
    overwrite: bool = False,
    threads: int = 0,
    memory_limit: SupportsIndex | None = None,
    progress: Progress | None = None,
) -> TensorTrain:
    """Decompose an array into a tensor train by truncated SVDs.

    Parameters
    ----------
    a : array_like, shape (n_0, ..., n_{d-1})
        Finite values, any strides. Copied only if its dtype is not one of trains. A compact
        `numpy.memmap` is read from its file in passes over blocks, so that it may be larger than
        memory.
    rank : int or sequence of int, optional
        Largest bond dimension, or one for each of the d - 1 bonds. Wins over the tolerances.
    rtol, atol : float, optional
        Allowed Frobenius error, relative and absolute; the looser applies, and never less than
        10 eps sqrt(d), what rounding may come to. 0 drops only singular values of rounding size, up
        to 4 eps sqrt(merged columns) of the norm; small tolerances keep those, so ranks can be
        larger than with 0.
    method : {"auto", "sampled", "qr"}, optional
        Where the singular vectors of large unfoldings come from. ``"sampled"``: from sums of random
        rows, checked on all elements; ``"qr"``: from Householder QR, slow and sure; ``"auto"``: from
        samples, and from QR where those do not suffice. The error bound holds for all three; in
        float32 and complex64, ``"auto"`` and ``"sampled"`` may check along random directions, with
        a chance below 1e-7 that it does not.
    seed : int, optional
        Of the samples, from 0. The same seed gives the same bits.
    overwrite : bool, optional
        Allows, but does not promise, that `a` serves as scratch memory; this version leaves `a` as
        it is.
    threads : int, optional
        0: all this process may use. The result does not depend on it.
    memory_limit : int, optional
        Most bytes of tensor-sized memory beside `a`.
    progress : callable, optional
        ``progress(stage, done, total)``, at most ten times a second. False or an exception stops;
        the exception comes out, with ``.partial`` (a train or None).

    Returns
    -------
    TensorTrain
        Same dtype as `a` after promotion; ``train.cores[k].shape == (r[k], n[k], r[k+1])``;
        ``train.info`` says what was done. ``train.error`` is an upper bound of the relative error,
        5 eps sqrt(d) for rounding included.

    Raises
    ------
    ValueError
        If `a` is 0-dimensional, has an empty axis, or holds NaN or infinity, if there is no such
        `method`, or if `memory_limit` is too small.
    TypeError
        If the dtype of `a` fits into none of float32, float64, complex64, complex128.
    MemoryError, OSError
    numpy.linalg.LinAlgError
        If ``method="sampled"`` does not reach the tolerance.

    References
    ----------
    .. [1] I. V. Oseledets, "Tensor-Train Decomposition", SIAM J. Sci. Comput. 33(5), 2011.
    .. [2] N. Halko, P.-G. Martinsson, J. A. Tropp, "Finding Structure with Randomness", SIAM
       Review 53(2), 2011.

    Examples
    --------
    >>> import numpy as np, ttkit as tk
    >>> x = np.add.outer(np.arange(4.0), np.arange(5.0))
    >>> tk.tensor_train(x, rtol=1e-12)
    TensorTrain(shape=(4, 5), rank=(1, 2, 1), dtype=float64)
    """
    if method not in _METHODS:
        raise ValueError(f"method is {method!r}, expected one of {', '.join(_METHODS)}")
    if not isinstance(overwrite, (bool, np.bool_)):
        raise TypeError(f"overwrite is a {type(overwrite).__name__}, expected a bool")
    given = a if isinstance(a, np.memmap) else np.asarray(a)
    options, callbacks = svd_options(given.ndim, rank, rtol, atol, threads, progress)
    options.method = _METHODS[method]
    options.seed = integer(seed, "seed", 0)
    options.overwrite = bool(overwrite)
    if memory_limit is not None:
        options.memory_limit = integer(memory_limit, "memory_limit", 1)
    report = _abi.ttk_svd_report(struct_size=sizeof(_abi.ttk_svd_report))
    options.report = pointer(report)
    dtype = field(given.dtype, "a")
    file = _file_of(given) if dtype == given.dtype else None
    function: Any
    arguments: tuple[object, ...]
    if file is None:
        tensor = view(np.asarray(given).astype(dtype, copy=False))
        function, arguments = lib.ttk_svd, (byref(tensor),)
    else:
        shape = (c_int64 * given.ndim)(*given.shape)
        function, arguments = lib.ttk_svd_file, (*file, code_of(dtype), given.ndim, shape)
    make = TensorTrain._made
    train = make(create(lib.ttk_train_destroy, function, *arguments, byref(options),
                        callbacks=callbacks, partial=make))
    train.info = DecompositionInfo(
        "sampled" if report.method == _abi.TTK_SVD_SAMPLED else "qr", report.error, report.passes,
        report.memory)
    return train


def _file_of(array: Array) -> tuple[bytes, int] | None:
    """Path and byte offset of a compact array that lies in a mapped file as it is, else None."""
    if not isinstance(array, np.memmap) or array.size == 0 or array.ndim == 0:
        return None
    mapping = array._mmap  # type: ignore[attr-defined]
    # Changes to a copy-on-write mapping are not in the file.
    if mapping is None or array.filename is None or array.mode == "c":
        return None
    if not (array.flags.c_contiguous and array.dtype.isnative):
        return None
    start = array.offset - array.offset % mmap.ALLOCATIONGRANULARITY
    within = address(array) - address(np.frombuffer(mapping, np.uint8))
    if not 0 <= within <= len(mapping) - array.nbytes:
        return None
    return text(array.filename, "filename"), start + within
