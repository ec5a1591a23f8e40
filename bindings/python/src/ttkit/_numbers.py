"""Which dtypes trains compute in, and how other ones become them without loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ._array import Array

Scalar: TypeAlias = int | float | complex | np.number[Any]

_FIELDS = tuple(np.dtype(t) for t in (np.float32, np.float64, np.complex64, np.complex128))


def field(dtype: np.dtype[Any], name: str) -> np.dtype[Any]:
    """float32, float64, complex64 or complex128: the smallest that holds the values of `dtype`.

    Raises
    ------
    TypeError
        If none does. 64-bit integers become float64, as everywhere in NumPy.
    """
    if dtype in _FIELDS:
        return dtype
    if dtype.name == "bfloat16":
        return np.dtype(np.float32)
    if dtype.kind in "iub":
        return np.dtype(np.float64)
    for wanted in _FIELDS:
        if np.can_cast(dtype, wanted, "safe") and dtype.kind in "fc":
            return wanted
    raise TypeError(
        f"{name} has dtype {dtype}, expected float32, float64, complex64, complex128 or one that "
        "fits into them")


def as_field(arrays: Sequence[npt.ArrayLike], name: str) -> list[Array]:
    """Arrays of one dtype that trains compute in; not copied where they have it."""
    if isinstance(arrays, (str, bytes)) or not isinstance(arrays, Sequence):
        raise TypeError(f"{name} is a {type(arrays).__name__}, expected a sequence of arrays")
    given = [np.asarray(array) for array in arrays]
    if not given:
        raise ValueError(f"{name} is empty, expected at least one core")
    dtypes = [field(array.dtype, f"{name}[{k}]") for k, array in enumerate(given)]
    return [array.astype(np.result_type(*dtypes), copy=False) for array in given]
