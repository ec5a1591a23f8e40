"""Trained arrays on the grids of their trained scales."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import byref, c_void_p
from typing import Any

import numpy as np
import numpy.typing as npt

from ._array import Array, view
from ._call import text
from ._handle import Owned, create
from ._library import library as lib


def on_grid(a: Array, storage: str, scales: npt.ArrayLike) -> Owned:
    """A ttk_quantized of an array whose values are those of its fake quantisation."""
    trained = np.asarray(scales)
    if not np.can_cast(trained.dtype, np.float32, "same_kind"):
        raise TypeError(f"scales has dtype {trained.dtype}, expected float32")
    return create(
        lib.ttk_quantized_destroy, lib.ttk_quantize_with_scales, byref(view(a)),
        text(storage, "storage"), byref(view(trained.astype(np.float32, copy=False))))


def encoded_cores(
    cores: list[Array], storage: str, scales: Sequence[npt.ArrayLike]
) -> tuple[Any, list[Owned]]:
    """A C array of encoded cores, and the objects to keep alive beside it."""
    if isinstance(scales, (str, bytes)) or not isinstance(scales, Sequence):
        raise TypeError(f"scales is a {type(scales).__name__}, expected a sequence, one for a core")
    if len(scales) != len(cores):
        raise ValueError(f"{len(scales)} scales for {len(cores)} cores, expected one for each")
    made = [on_grid(core, storage, scale) for core, scale in zip(cores, scales)]
    return (c_void_p * len(made))(*(each.address for each in made)), made
