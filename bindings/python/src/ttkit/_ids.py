"""Ids of embeddings: integers of two widths, and bags of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from . import _abi
from ._array import Array


def id_dtype(ids: Array) -> int:
    return _abi.TTK_INT64 if ids.itemsize == 8 else _abi.TTK_INT32


def bag_arguments(
    ids: npt.ArrayLike, offsets: npt.ArrayLike, mode: str
) -> tuple[Array, Array, int]:
    """Ids and offsets of one dtype, and the number of the mode."""
    given, starts = ids_in(ids), ids_in(offsets, "offsets")
    if given.ndim != 1 or starts.ndim != 1:
        raise ValueError(
            f"ids and offsets have shapes {given.shape} and {starts.shape}, expected one axis each")
    if mode not in ("sum", "mean"):
        raise ValueError(f"mode is {mode!r}, expected 'sum' or 'mean'")
    number = _abi.TTK_BAG_SUM if mode == "sum" else _abi.TTK_BAG_MEAN
    if given.dtype != starts.dtype:
        given, starts = given.astype(np.int64), starts.astype(np.int64)
    return given, starts, number


def ids_in(ids: npt.ArrayLike, name: str = "ids") -> Array:
    """Ids as a compact array of int32 or int64."""
    given = np.asarray(ids)
    if given.size == 0 and not isinstance(ids, np.ndarray):
        given = given.astype(np.int64)  # an empty list has no dtype of its own
    if given.dtype.kind not in "iu" or not np.can_cast(given.dtype, np.int64, "safe"):
        raise TypeError(f"{name} have dtype {given.dtype}, expected integers that fit int64")
    if given.dtype == np.int32:
        return given if given.flags.carray else np.array(given, np.int32, order="C")
    compact = np.ascontiguousarray(given, np.int64).reshape(given.shape)
    return compact if compact.flags.aligned else compact.copy()
