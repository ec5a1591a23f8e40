"""Prepared embedding tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ._array import Array
from ._call import failure
from ._handle import Closable, Owned
from ._ids import bag_arguments, id_dtype, ids_in
from ._library import library as lib
from ._rows import compact_address, rows_out
from ._workspace import give, take

if TYPE_CHECKING:
    from .embedding import Embedding


class EmbeddingPlan(Closable):
    """An embedding prepared for up to `max_rows` ids; `Embedding.prepare` makes it.

    Any number of threads may call one plan at once.
    """

    __slots__ = ("features", "dtype", "max_rows", "_workspace_nbytes")
    features: int
    dtype: np.dtype[Any]
    max_rows: int

    def __init__(self, owned: Owned, layer: Embedding) -> None:
        super().__init__(owned)
        self.features, self.dtype = layer.features, layer.dtype
        self.max_rows = lib.ttk_embedding_plan_max_rows(owned)
        self._workspace_nbytes = lib.ttk_embedding_plan_workspace_size(owned)

    @property
    def resident_nbytes(self) -> int:
        """Bytes of packed cores it uses, shared with the embedding's other plans."""
        return int(lib.ttk_embedding_plan_resident_nbytes(self._handle))

    def __call__(self, ids: npt.ArrayLike, out: Array | None = None) -> Array:
        """Look rows up; see `Embedding.__call__`."""
        return self._apply(ids_in(ids), out)

    def _apply(self, ids: Array, out: Array | None) -> Array:
        owned = self._handle
        shape = (*ids.shape, self.features)
        y = np.empty(shape, self.dtype) if out is None else rows_out(out, shape, self.dtype)
        if y.size == 0:
            return y
        block = take(self._workspace_nbytes)
        status = lib.ttk_embedding_execute(
            owned.address, compact_address(ids),
            id_dtype(ids), ids.size,
            compact_address(y), block[0], block[1])
        if status:
            raise failure(status)
        give(block)
        return y

    def bags(
        self, ids: npt.ArrayLike, offsets: npt.ArrayLike, mode: str = "sum",
        out: Array | None = None,
    ) -> Array:
        """Sum or average bags of rows; see `Embedding.bags`."""
        return self._bags(*bag_arguments(ids, offsets, mode), out)

    def _bags(self, ids: Array, offsets: Array, mode: int, out: Array | None) -> Array:
        owned = self._handle
        shape = (offsets.size, self.features)
        y = np.empty(shape, self.dtype) if out is None else rows_out(out, shape, self.dtype)
        block = take(self._workspace_nbytes)
        each = [compact_address(a) if a.size else None for a in (ids, offsets, y)]
        status = lib.ttk_embedding_execute_bags(
            owned.address, each[0], id_dtype(ids), ids.size, each[1], offsets.size, mode, each[2],
            block[0], block[1])
        if status:
            raise failure(status)
        give(block)
        return y

    def __repr__(self) -> str:
        return f"EmbeddingPlan(features={self.features}, max_rows={self.max_rows})"
