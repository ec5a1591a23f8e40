"""Prepared convolutions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ._array import Array
from ._call import failure
from ._handle import Closable, Owned
from ._library import library as lib
from ._rows import compact_address, compact_in, rows_out
from ._workspace import give, take

if TYPE_CHECKING:
    from .convolution import Conv2d


class ConvolutionPlan(Closable):
    """A convolution prepared for images of one size; `Conv2d.prepare` makes it.

    Any number of threads may call one plan at once.
    """

    __slots__ = ("in_shape", "out_shape", "dtype", "max_images", "_workspace_nbytes")
    in_shape: tuple[int, int, int]
    out_shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    max_images: int

    def __init__(self, owned: Owned, layer: Conv2d, height: int, width: int) -> None:
        super().__init__(owned)
        self.in_shape = (layer.in_channels, height, width)
        self.out_shape = (layer.out_channels, *layer.output_size(height, width))
        self.dtype = layer.dtype
        self.max_images = lib.ttk_convolution_plan_max_images(owned)
        self._workspace_nbytes = lib.ttk_convolution_plan_workspace_size(owned)

    @property
    def resident_nbytes(self) -> int:
        """Bytes of prepared weights."""
        return int(lib.ttk_convolution_plan_resident_nbytes(self._handle))

    def __call__(self, x: npt.ArrayLike, out: Array | None = None) -> Array:
        """Apply the layer; see `Conv2d.__call__`."""
        return self._apply(images_in(x, self.dtype, self.in_shape[0]), out)

    def _apply(self, x: Array, out: Array | None) -> Array:
        owned = self._handle
        if x.shape[-3:] != self.in_shape:
            raise ValueError(f"x has shape {x.shape}, this plan is for (..., {self.in_shape})")
        shape = (*x.shape[:-3], *self.out_shape)
        y = np.empty(shape, self.dtype) if out is None else rows_out(out, shape, self.dtype)
        if y.size == 0:
            return y
        images = y.size // int(np.prod(self.out_shape))
        block = take(self._workspace_nbytes)
        status = lib.ttk_convolution_execute(
            owned.address, compact_address(x), images, compact_address(y), block[0], block[1])
        if status:
            raise failure(status)
        give(block)
        return y

    def __repr__(self) -> str:
        return f"ConvolutionPlan(in_shape={self.in_shape}, max_images={self.max_images})"


def images_in(x: npt.ArrayLike, dtype: np.dtype[Any], channels: int, name: str = "x") -> Array:
    """`x` as compact images of the layer's dtype, copied only where it is neither."""
    given = compact_in(x, dtype, name)
    if given.ndim < 3 or given.shape[-3] != channels:
        raise ValueError(
            f"{name} has shape {given.shape}, expected (..., {channels}, height, width)")
    return given if given.flags.aligned else given.copy()
