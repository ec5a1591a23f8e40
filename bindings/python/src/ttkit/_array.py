"""NumPy arrays in and out of the library's array views, without copies where the dtype allows."""

from __future__ import annotations

from ctypes import c_int64
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from . import _abi

Array: TypeAlias = npt.NDArray[Any]

_CODES: dict[np.dtype[Any], int] = {
    np.dtype(np.float32): _abi.TTK_FLOAT32,
    np.dtype(np.float64): _abi.TTK_FLOAT64,
    np.dtype(np.complex64): _abi.TTK_COMPLEX64,
    np.dtype(np.complex128): _abi.TTK_COMPLEX128,
    np.dtype(np.float16): _abi.TTK_FLOAT16,
    np.dtype(np.int8): _abi.TTK_INT8,
    np.dtype(np.int32): _abi.TTK_INT32,
    np.dtype(np.int64): _abi.TTK_INT64,
    np.dtype(np.uint8): _abi.TTK_UINT8,
    np.dtype(np.int16): _abi.TTK_INT16,
    np.dtype(np.bool_): _abi.TTK_BOOL,
}
_DTYPES = {code: dtype for dtype, code in _CODES.items()}


class ArrayView(_abi.ttk_array):
    """A ttk_array that keeps the array it points into alive."""

    owner: Array


def bfloat16() -> np.dtype[Any]:
    """The dtype of bfloat16 values: ml_dtypes' where it is installed, else their bits in uint16."""
    try:
        import ml_dtypes  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return np.dtype(np.uint16)
    dtype: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
    return dtype


def dtype_of(code: int) -> np.dtype[Any]:
    """NumPy's dtype of a ttk_dtype."""
    return bfloat16() if code == _abi.TTK_BFLOAT16 else _DTYPES[code]


def code_of(dtype: np.dtype[Any]) -> int:
    """The ttk_dtype of NumPy's dtype.

    Raises
    ------
    TypeError
        If the library has no such dtype.
    """
    code = _CODES.get(dtype)
    if code is not None:
        return code
    if dtype.name == "bfloat16":
        return _abi.TTK_BFLOAT16
    raise TypeError(f"dtype {dtype} is not one ttkit computes with")


def view(array: Array) -> ArrayView:
    """A view of an array of any strides; copied only where the library could not read it."""
    size = array.itemsize
    if not (array.dtype.isnative and array.flags.aligned) or any(s % size for s in array.strides):
        array = array.astype(array.dtype.newbyteorder("="), order="C")  # aligned, same ndim
    ndim = array.ndim
    shape = (c_int64 * ndim)(*array.shape)
    strides = (c_int64 * ndim)(*(s // size for s in array.strides))
    # ctypes keeps both length arrays alive with the struct.
    result = ArrayView(address(array), shape, strides, ndim, code_of(array.dtype))
    result.owner = array
    return result


def views(arrays: list[Array]) -> tuple[Any, list[ArrayView]]:
    """A C array of views, and the views to keep alive beside it."""
    each = [view(array) for array in arrays]
    return (_abi.ttk_array * max(len(each), 1))(*each), each


def address(array: Array) -> int:
    """Where an array's first element lies."""
    return int(array.__array_interface__["data"][0])


def single(array: Array) -> npt.NDArray[np.float32]:
    """Values in float32; uint16 holds the bits of bfloat16, the upper half of a float32."""
    if array.dtype == np.uint16:
        return (array.astype(np.uint32) << 16).view(np.float32)
    return array.astype(np.float32, copy=False)


class _Borrowed:
    """Memory of the library as NumPy sees it, read-only; keeps its owner alive."""

    def __init__(self, array: _abi.ttk_array, owner: object) -> None:
        dtype = dtype_of(array.dtype)
        stored = np.dtype(np.uint16) if array.dtype == _abi.TTK_BFLOAT16 else dtype
        self.owner = owner
        self.dtype = dtype
        self.__array_interface__ = {
            "version": 3,
            "data": (array.data, True),
            "typestr": stored.str,
            "shape": tuple(array.shape[: array.ndim]),
            "strides": None if not array.strides
            else tuple(s * stored.itemsize for s in array.strides[: array.ndim]),
        }


def borrowed(array: _abi.ttk_array, owner: object) -> Array:
    """A read-only array over memory that lives as long as `owner`."""
    shape = tuple(array.shape[: array.ndim])
    if 0 in shape:
        return np.empty(shape, dtype_of(array.dtype))
    memory = _Borrowed(array, owner)
    return np.asarray(memory).view(memory.dtype)
