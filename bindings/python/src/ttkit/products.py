"""Functions of several trains: inner products, products truncated on the way, concatenation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ctypes import byref, c_double, c_void_p
from typing import SupportsIndex, TypeVar, overload

import numpy as np

from . import _abi, _indexing
from ._array import address
from ._call import call
from ._handle import create
from ._library import library as lib
from ._numbers import Scalar
from ._options import Rank, svd_options
from .train import TensorTrain
from .train_matrix import TensorTrainMatrix

_Operand = TypeVar("_Operand", TensorTrain, TensorTrainMatrix)
_FLOAT64 = np.dtype(np.float64)
_METHODS = {
    "exact": _abi.TTK_PRODUCT_EXACT,
    "sketched": _abi.TTK_PRODUCT_SKETCHED,
    "zip-up": _abi.TTK_PRODUCT_ZIP_UP,
    "variational": _abi.TTK_PRODUCT_VARIATIONAL,
}


def dot(a: TensorTrain, b: TensorTrain) -> Scalar:
    """Inner product ``sum(conj(a) * b)``, without forming either tensor.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> import numpy as np, ttkit as tk
    >>> t = tk.TensorTrain([np.ones((1, 2, 1)), np.ones((1, 3, 1))])
    >>> float(tk.dot(t, t))
    6.0
    """
    _require_trains(a=a, b=b)
    if a.dtype == b.dtype == _FLOAT64:  # small problems are in a hurry
        number = c_double()
        call(lib.ttk_train_dot, a._handle, b._handle, byref(number))
        return np.float64(number.value)
    left, right = _widened(a, b)
    result = np.empty(1, left.dtype)
    call(lib.ttk_train_dot, left._handle, right._handle, address(result))
    value: Scalar = result[0]
    return value


def concatenate(trains: Sequence[TensorTrain], axis: SupportsIndex = 0) -> TensorTrain:
    """Join trains one after the other along a mode, as ``np.concatenate`` does; exact, ranks add.

    Parameters
    ----------
    trains : sequence of TensorTrain
        Equal shapes but for mode `axis`.
    axis : int, optional
        Negative ones count from the end.

    Raises
    ------
    ValueError
        If there is no train, the axis is out of range, or shapes differ elsewhere.

    Examples
    --------
    >>> import numpy as np, ttkit as tk
    >>> t = tk.tensor_train(np.ones((2, 3)))
    >>> np.asarray(tk.concatenate([t, 2 * t], axis=1))
    array([[1., 1., 1., 2., 2., 2.],
           [1., 1., 1., 2., 2., 2.]])
    """
    each = list(trains)
    if not each:
        raise ValueError("trains is empty, expected at least one")
    _require_trains(**{f"trains[{k}]": train for k, train in enumerate(each)})
    dtype = np.result_type(*(train.dtype for train in each))
    (k,) = _indexing.axes(axis, each[0].ndim)
    same = [train.astype(dtype)._handle for train in each]
    handles = (c_void_p * len(same))(*(handle.address for handle in same))
    return each[0]._new(lib.ttk_train_concatenate, len(same), handles, k)


@overload
def multiply(
    a: TensorTrain, b: TensorTrain, *, rtol: float = ..., atol: float = ..., rank: Rank = ...,
    method: str = ..., threads: int = ...,
) -> TensorTrain: ...
@overload
def multiply(
    a: TensorTrainMatrix, b: TensorTrain, *, rtol: float = ..., atol: float = ..., rank: Rank = ...,
    method: str = ..., threads: int = ...,
) -> TensorTrain: ...
@overload
def multiply(
    a: TensorTrainMatrix, b: TensorTrainMatrix, *, rtol: float = ..., atol: float = ...,
    rank: Rank = ..., method: str = ..., threads: int = ...,
) -> TensorTrainMatrix: ...
def multiply(
    a: TensorTrain | TensorTrainMatrix,
    b: TensorTrain | TensorTrainMatrix,
    *,
    rtol: float = 0.0,
    atol: float = 0.0,
    rank: Rank = None,
    method: str = "sketched",
    threads: int = 0,
) -> TensorTrain | TensorTrainMatrix:
    """Multiply trains or matrices and truncate on the way: the product is never formed.

    Two trains are multiplied element by element, a matrix with a train or a matrix as by ``@``. For
    operands of rank r and a result of rank q the cost is O(n r^3 q), that of the exact product and
    its rounding O(n r^6).

    Parameters
    ----------
    a, b : TensorTrain or TensorTrainMatrix
        Two trains of one shape; or a matrix and a train or matrix whose (row) shape is the
        ``column_shape`` of the first.
    rtol, atol, rank
        As in `tensor_train`, relative to the product.
    method : {"sketched", "zip-up", "variational", "exact"}, optional
        Bases from random trains, doubled until they suffice; one sweep of SVDs over orthogonalised
        operands; that, improved by alternating least squares; the exact product, then rounding.

    Returns
    -------
    TensorTrain or TensorTrainMatrix
        Its `error` is estimated with random trains, for "exact" computed.

    Raises
    ------
    ValueError
        If shapes do not fit, or there is no such method.

    References
    ----------
    .. [1] E. M. Stoudenmire, S. R. White, "Minimally entangled typical thermal state algorithms",
       New J. Phys. 12, 2010 (zip-up).
    .. [2] H. Al Daas et al., "Randomized algorithms for rounding in the tensor-train format",
       SIAM J. Sci. Comput. 45, 2023.

    Examples
    --------
    >>> import numpy as np, ttkit as tk
    >>> t = tk.tensor_train(np.add.outer(np.arange(4.0), np.arange(5.0)))
    >>> tk.multiply(t, t, rtol=1e-12)
    TensorTrain(shape=(4, 5), rank=(1, 3, 1), dtype=float64)
    """
    if method not in _METHODS:
        raise ValueError(f"method is {method!r}, expected one of {', '.join(map(repr, _METHODS))}")
    for name, operand in (("a", a), ("b", b)):
        if not isinstance(operand, (TensorTrain, TensorTrainMatrix)):
            raise TypeError(
                f"{name} is a {type(operand).__name__}, expected a TensorTrain or TensorTrainMatrix")
    if isinstance(a, TensorTrain) and isinstance(b, TensorTrainMatrix):
        raise TypeError("a is a TensorTrain and b a TensorTrainMatrix; the matrix stands left")
    order = len(a.shape if isinstance(a, TensorTrain) else a.row_shape)
    options, _ = svd_options(order, rank, rtol, atol, threads)
    dtype = np.result_type(a.dtype, b.dtype)
    x, y = a.astype(dtype)._handle, b.astype(dtype)._handle
    function: Callable[..., int] = lib.ttk_train_multiply
    if isinstance(a, TensorTrainMatrix):
        function = lib.ttk_train_matrix_apply
        if isinstance(b, TensorTrainMatrix):
            owned = create(
                lib.ttk_train_matrix_destroy, lib.ttk_train_matrix_multiply, x, y,
                _METHODS[method], byref(options))
            return TensorTrainMatrix._made(owned)
    owned = create(lib.ttk_train_destroy, function, x, y, _METHODS[method], byref(options))
    return TensorTrain._made(owned)


def _widened(a: _Operand, b: _Operand) -> tuple[_Operand, _Operand]:
    dtype = np.result_type(a.dtype, b.dtype)
    return a.astype(dtype), b.astype(dtype)


def _require_trains(**trains: object) -> None:
    for name, train in trains.items():
        if not isinstance(train, TensorTrain):
            raise TypeError(f"{name} is a {type(train).__name__}, expected a TensorTrain")
