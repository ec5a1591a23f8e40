"""Arrays of rows into and out of layers: checked, copied only where they must be."""

from __future__ import annotations

from ctypes import addressof, c_char
from typing import Any

import numpy as np
import numpy.typing as npt

from ._array import Array, address


def compact_address(array: Array) -> int:
    """Where a compact array that is not empty lies.

    Five times as fast as by the array's interface, where the array is writeable.
    """
    try:
        return addressof(c_char.from_buffer(array))  # type: ignore[arg-type, unused-ignore]
    except TypeError:  # not writeable
        return address(array)


def compact_in(x: npt.ArrayLike, dtype: np.dtype[Any], name: str) -> Array:
    """`x` as a compact array of the layer's dtype, copied only where it is neither."""
    given: Array = np.asarray(x)
    if given.dtype != dtype or not given.flags.c_contiguous:
        if not np.can_cast(given.dtype, dtype, "safe"):
            raise TypeError(
                f"{name} has dtype {given.dtype}, but the layer computes in {dtype}; convert it with "
                f"{name}.astype({dtype.name!r}) if losing precision is meant")
        given = np.ascontiguousarray(given, dtype).reshape(given.shape)
    return given


def rows_in(
    x: npt.ArrayLike, dtype: np.dtype[Any], features: int, name: str = "x"
) -> Array:
    """`x` as compact rows of the layer's dtype, copied only where it is neither."""
    given = compact_in(x, dtype, name)
    if given.ndim == 0 or given.shape[-1] != features:
        raise ValueError(f"{name} has shape {given.shape}, expected (..., {features})")
    return given if given.flags.aligned else given.copy()


def rows_out(out: Array, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """`out`, when it can take the result as it is; the library refuses overlaps."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out is a {type(out).__name__}, expected an array")
    if out.dtype != dtype:
        raise TypeError(f"out has dtype {out.dtype}, expected {dtype}")
    if out.shape != shape:
        raise ValueError(f"out has shape {out.shape}, expected {shape}")
    if not (out.flags.c_contiguous and out.flags.aligned and out.flags.writeable):
        raise ValueError("out is not compact and writeable (C order), as the result must be")
    return out
