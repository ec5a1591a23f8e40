"""Indices, axes and selections of trains, checked and brought into one form."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from ctypes import c_int64
from typing import Any, SupportsIndex, TypeAlias

import numpy as np
import numpy.typing as npt

from ._array import Array
from ._options import several

Selection: TypeAlias = list[int | slice]
_INT64 = np.dtype(np.int64)


def places(indices: npt.ArrayLike, ndim: int) -> Array:
    """Places of elements as a compact int64 array of shape (..., ndim)."""
    given = np.asarray(indices)
    if given.dtype == _INT64 and given.flags.c_contiguous and given.flags.aligned:
        if given.ndim and given.shape[-1] == ndim:
            return given  # as it is, in a hurry
    if given.size == 0:
        given = given.astype(np.int64)
    if given.dtype.kind not in "iu" or not np.can_cast(given.dtype, np.int64, "safe"):
        raise TypeError(f"indices have dtype {given.dtype}, expected integers that fit int64")
    if given.ndim == 0 or given.shape[-1] != ndim:
        raise ValueError(f"indices have shape {given.shape}, expected (..., {ndim})")
    return np.ascontiguousarray(given, np.int64)


def axes(axis: SupportsIndex | Sequence[SupportsIndex] | None, ndim: int) -> tuple[int, ...]:
    """Distinct axes, counted from 0."""
    if axis is None:
        return tuple(range(ndim))
    entries = several(axis)
    given = (axis,) if entries is None else entries
    found = []
    for value in given:
        k = operator.index(value)
        if not -ndim <= k < ndim:
            raise ValueError(f"axis {k} is out of range for a train of {ndim} modes")
        found.append(k % ndim)
    if len(set(found)) != len(found):
        raise ValueError(f"axes {given} name one axis twice")
    return tuple(found)


def permutation(order: Sequence[SupportsIndex] | None, ndim: int) -> tuple[int, ...]:
    """All axes in a new order; reversed for None."""
    if order is None:
        return tuple(reversed(range(ndim)))
    found = axes(order, ndim)
    if len(found) != ndim:
        raise ValueError(f"axes {tuple(order)} name {len(found)} of {ndim} modes, expected all")
    return found


def weights(
    given: npt.ArrayLike | Sequence[npt.ArrayLike | None] | None,
    axis: SupportsIndex | Sequence[SupportsIndex] | None,
    found: tuple[int, ...],
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
) -> list[Array] | None:
    """One weight array for each axis found; ones where none is given."""
    if given is None:
        return None
    alone = axis is not None and several(axis) is None
    each: list[Any] = [given] if alone else list(given)  # type: ignore[arg-type]
    if len(each) != len(found):
        raise ValueError(f"{len(each)} weights for {len(found)} axes, expected one an axis")
    result: list[Array] = []
    for k, weight in zip(found, each, strict=True):
        array = np.ones(shape[k]) if weight is None else np.asarray(weight)
        if array.shape != (shape[k],):
            raise ValueError(
                f"weights of axis {k} have shape {array.shape}, expected ({shape[k]},)")
        if array.dtype.kind == "c" and dtype.kind != "c":
            raise TypeError(f"weights of axis {k} are complex, the train is {dtype}")
        result.append(array.astype(dtype))
    return result


def place(shape: tuple[int, ...], key: object) -> Any:
    """A C array of indices from 0 where `key` is one plain int for each mode, all in range; else None."""
    if type(key) is not tuple or len(key) != len(shape):
        return None
    found = []
    for i, n in zip(key, shape, strict=True):
        if type(i) is not int or not -n <= i < n:
            return None
        found.append(i if i >= 0 else i + n)
    return (c_int64 * len(shape))(*found)


def select(shape: tuple[int, ...], key: object) -> Selection:
    """An int from 0 or a slice for each mode."""
    keys: list[Any] = list(key) if isinstance(key, tuple) else [key]
    ellipses = [at for at, value in enumerate(keys) if value is Ellipsis]
    if len(ellipses) > 1:
        raise IndexError("a train takes one ellipsis (...) in an index")
    missing = len(shape) - len(keys) + len(ellipses)
    if missing < 0:
        raise IndexError(f"{len(keys)} indices for a train of {len(shape)} modes")
    at = ellipses[0] if ellipses else len(keys)
    keys[at : at + 1] = [slice(None)] * missing
    return [_one(value, n, k) for k, (value, n) in enumerate(zip(keys, shape, strict=True))]


def _one(value: Any, length: int, k: int) -> int | slice:
    if isinstance(value, slice):
        if not range(*value.indices(length)):
            raise IndexError(f"slice {value} of mode {k} is empty; a train has no mode of length 0")
        return value
    if isinstance(value, bool) or not hasattr(value, "__index__") or np.ndim(value):
        raise IndexError(
            f"mode {k} is indexed by a {type(value).__name__}; a train takes integers, slices and "
            "one ellipsis: use evaluate(indices) for many places")
    i = operator.index(value)
    if not -length <= i < length:
        raise IndexError(f"index {i} is out of range for mode {k} of length {length}")
    return i % length


def new_shape(
    old: tuple[int, ...], given: tuple[SupportsIndex | Sequence[SupportsIndex], ...]
) -> tuple[int, ...]:
    """A shape, given as integers or as one sequence, with -1 replaced by what the others leave."""
    one = given[0] if len(given) == 1 else None
    entries = several(one)
    values: Sequence[Any] = given if entries is None else entries
    wanted = [operator.index(value) for value in values]
    if not wanted:
        raise ValueError("the new shape is empty, expected at least one length")
    if wanted.count(-1) == 1:
        rest, others = math.prod(old), math.prod(n for n in wanted if n != -1)
        if others <= 0 or rest % others:
            raise ValueError(f"shape {old} cannot become {tuple(wanted)}: lengths do not divide")
        wanted[wanted.index(-1)] = rest // others
    if any(not 1 <= n < 1 << 63 for n in wanted):
        raise ValueError(f"lengths {tuple(wanted)}: each must be at least 1 and fit 64 bits")
    return tuple(wanted)


def slices(shape: tuple[int, ...], selection: Selection) -> tuple[Any, Any, Any]:
    """First index, count (0: the mode goes) and step of each mode, as C arrays."""
    first, counts, steps = [], [], []
    for n, chosen in zip(shape, selection, strict=True):
        if isinstance(chosen, slice):
            indices = range(*chosen.indices(n))
            first.append(indices[0])
            counts.append(len(indices))
            steps.append(indices.step if len(indices) > 1 else 1)
        else:
            first.append(chosen)
            counts.append(0)
            steps.append(1)
    array = c_int64 * len(shape)
    return array(*first), array(*counts), array(*steps)
