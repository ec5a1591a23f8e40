"""Prepared linear layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ._array import Array
from ._call import failure
from ._handle import Closable, Owned
from ._library import library as lib
from ._rows import compact_address, rows_in, rows_out
from ._workspace import give, take

if TYPE_CHECKING:
    from .linear import Linear


class LinearPlan(Closable):
    """A linear layer prepared for up to `max_rows` rows; `Linear.prepare` makes it.

    Any number of threads may call one plan at once.
    """

    __slots__ = ("in_features", "out_features", "dtype", "max_rows", "_workspace_nbytes")
    in_features: int
    out_features: int
    dtype: np.dtype[Any]
    max_rows: int

    def __init__(self, owned: Owned, layer: Linear) -> None:
        super().__init__(owned)
        self.in_features, self.out_features = layer.in_features, layer.out_features
        self.dtype = layer.dtype
        self.max_rows = lib.ttk_linear_plan_max_rows(owned)
        self._workspace_nbytes = lib.ttk_linear_plan_workspace_size(owned)

    @property
    def resident_nbytes(self) -> int:
        """Bytes of packed weights it uses, shared with the layer's other plans."""
        return int(lib.ttk_linear_plan_resident_nbytes(self._handle))

    def explain(self) -> str:
        """The form chosen for each range of rows, with the predicted times."""
        lines: bytes = lib.ttk_linear_plan_explain(self._handle)
        return lines.decode()

    def __call__(self, x: npt.ArrayLike, out: Array | None = None) -> Array:
        """Apply the layer.

        Parameters
        ----------
        x : array_like, shape (..., in_features)
            At most `max_rows` rows, of the layer's dtype or one that fits into it.
        out : ndarray, shape (..., out_features), optional
            Gets the result; compact, of the layer's dtype, apart from `x`.

        Returns
        -------
        ndarray, shape (..., out_features)

        Raises
        ------
        TypeError
            If `x` would lose precision: float64 into a float32 layer.
        ValueError
            If a shape is wrong, or there are more than `max_rows` rows.
        """
        return self._apply(rows_in(x, self.dtype, self.in_features), out)

    def _apply(self, x: Array, out: Array | None) -> Array:
        owned = self._handle
        shape = (*x.shape[:-1], self.out_features)
        y = np.empty(shape, self.dtype) if out is None else rows_out(out, shape, self.dtype)
        if y.size == 0 or x.size == 0:
            return y
        rows = x.size // self.in_features
        block = take(self._workspace_nbytes)
        status = lib.ttk_linear_execute(
            owned.address, compact_address(x), rows, compact_address(y), block[0], block[1])
        if status:
            raise failure(status)
        give(block)
        return y

    def __repr__(self) -> str:
        return (f"LinearPlan(in_features={self.in_features}, out_features={self.out_features}, "
                f"max_rows={self.max_rows})")
