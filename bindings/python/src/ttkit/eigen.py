"""Eigenvalues of Hermitian matrices in train form."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ctypes import byref, c_double, c_void_p, sizeof
from dataclasses import dataclass
from typing import Any, SupportsIndex

import numpy as np
import numpy.typing as npt

from . import _abi
from ._call import call
from ._handle import Owned
from ._library import library as lib
from ._options import Rank, choice, integer
from .solve import REASONS, SolveProgress, require_matrix, solve_options
from .train import TensorTrain
from .train_matrix import TensorTrainMatrix

_WHICH = {"SA": 0, "LA": 1}


@dataclass(frozen=True)
class Eigenpairs:
    """Eigenvalues and vectors that `eigsh` found; unpacks as ``values, vectors``.

    Attributes
    ----------
    values : ndarray of float64
        Ascending for "SA", descending for "LA".
    vectors : list of TensorTrain
        Of norm 1, orthogonal to each other as far as the residuals say.
    residuals : ndarray of float64
        ``||m x - value x||`` relative to the size of `m`, computed.
    reason : str
        As of `Solution`.
    sweeps : int
    """

    values: npt.NDArray[np.float64]
    vectors: list[TensorTrain]
    residuals: npt.NDArray[np.float64]
    reason: str
    sweeps: int

    def __iter__(self) -> Iterator[Any]:
        return iter((self.values, self.vectors))


def eigsh(
    m: TensorTrainMatrix,
    k: SupportsIndex = 1,
    *,
    which: str = "SA",
    rtol: float = 1e-8,
    rank: Rank = None,
    max_sweeps: SupportsIndex = 50,
    seed: SupportsIndex = 0,
    callback: Callable[[SolveProgress], object] | None = None,
) -> Eigenpairs:
    """Find the smallest or largest eigenvalues of a Hermitian matrix and their vectors.

    All vectors are improved together, two cores at a time (block DMRG): for modes of few indices.

    Parameters
    ----------
    m : TensorTrainMatrix
        Hermitian, with ``row_shape == column_shape``.
    k : int, optional
        How many.
    which : {"SA", "LA"}, optional
        Smallest or largest algebraic, as in SciPy.
    rtol : float, optional
        Allowed residual ``||m x - value x||`` of unit vectors, relative to the size of `m`. The
        error of a value is at most that, and of the order of its square where eigenvalues lie
        apart.
    rank, max_sweeps, seed, callback
        As in `solve`.

    Returns
    -------
    Eigenpairs
        ``values, vectors = eigsh(...)``; look at ``.reason`` and ``.residuals``. That no smaller
        eigenvalue was missed is likely, not proved.

    Raises
    ------
    ValueError
        If `m` is not Hermitian or an argument is out of range.
    MemoryError, numpy.linalg.LinAlgError

    References
    ----------
    .. [1] S. White, "Density matrix formulation for quantum renormalization groups", Phys. Rev.
       Lett. 69, 1992.
    .. [2] S. Dolgov, B. Khoromskij, I. Oseledets, D. Savostyanov, "Computation of extreme
       eigenvalues in higher dimensions using block tensor train format", Comput. Phys. Commun.
       185, 2014.

    Examples
    --------
    >>> import numpy as np, ttkit as tk
    >>> m = tk.tensor_train_matrix(np.diag(np.arange(8.0)), (2, 2, 2), (2, 2, 2))
    >>> values, vectors = tk.eigsh(m, 2)
    >>> np.round(values, 6), vectors[0].rank
    (array([0., 1.]), (1, 1, 1, 1))
    """
    matrix = require_matrix(m)
    count = integer(k, "k", 1)
    largest = choice(which, _WHICH, "which")
    options, watch = solve_options(len(m.row_shape), rtol, rank, max_sweeps, seed, callback)
    if count > min(m.shape[0], 1 << 16):
        raise ValueError(f"k is {count}, expected at most {min(m.shape[0], 1 << 16)}")
    values, residuals = (c_double * count)(), (c_double * count)()
    handles = (c_void_p * count)()
    report = _abi.ttk_solve_report(struct_size=sizeof(_abi.ttk_solve_report))
    made: list[Eigenpairs] = []

    def result() -> Eigenpairs:
        if not made:
            trains = [TensorTrain._made(Owned(h, lib.ttk_train_destroy)) for h in handles if h]
            made.append(Eigenpairs(
                np.array(values), trains, np.array(residuals),
                REASONS.get(report.reason, f"reason {report.reason}"), report.sweeps))
        return made[0]

    call(lib.ttk_eigenpairs, matrix._handle, count, largest, byref(options), values, handles,
         residuals, byref(report), callbacks=watch, partial=result)
    return result()
