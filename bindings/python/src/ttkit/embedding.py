"""Embedding tables whose rows are computed from a network of small cores."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import byref
from typing import Any, Self, SupportsIndex

import numpy as np
import numpy.typing as npt

from . import _abi, _layer
from ._array import Array, view, views
from ._call import failure, text
from ._handle import Closable, Owned, create
from ._layer import Layer
from ._library import library as lib
from ._options import integer
from ._rows import compact_address, rows_out
from ._workspace import give, take
from .formats import Format, Storage, spec_of


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
        return self._apply(_ids(ids), out)

    def _apply(self, ids: Array, out: Array | None) -> Array:
        owned = self._handle
        shape = (*ids.shape, self.features)
        y = np.empty(shape, self.dtype) if out is None else rows_out(out, shape, self.dtype)
        if y.size == 0:
            return y
        block = take(self._workspace_nbytes)
        status = lib.ttk_embedding_execute(
            owned.address, compact_address(ids),
            _abi.TTK_INT64 if ids.itemsize == 8 else _abi.TTK_INT32, ids.size,
            compact_address(y), block[0], block[1])
        if status:
            raise failure(status)
        give(block)
        return y

    def __repr__(self) -> str:
        return f"EmbeddingPlan(features={self.features}, max_rows={self.max_rows})"


class Embedding(Layer):
    """A table of `rows` embeddings of `features` numbers as a network of cores; it never changes.

    Attributes
    ----------
    rows, features : int
    dtype, spec, nbytes, error
        As of `Linear`.

    Examples
    --------
    >>> import numpy as np, ttkit as tk
    >>> table = np.arange(12.0).reshape(6, 2)
    >>> tk.Embedding.fit(table, tk.Dense())([[0, 5]])
    array([[[ 0.,  1.],
            [10., 11.]]])
    """

    __slots__ = ("rows", "features", "_plans")
    _noun = "embedding"
    rows: int
    features: int
    _plans: dict[tuple[int, int], EmbeddingPlan]

    @classmethod
    def fit(
        cls,
        table: npt.ArrayLike,
        format: Format | str,
        *,
        storage: Storage | str | None = None,
        threads: int = 0,
    ) -> Self:
        """Fit the cores to a dense table of shape (rows, features).

        Parameters and errors are those of `Linear.fit`; the digits of a format may multiply to more
        than `rows`.
        """
        given = _layer.weight(table, "table")
        spec = text(spec_of(format, storage), "format")
        options = _layer.fit_options(threads)
        arguments = byref(view(given)), spec, byref(options)
        return cls._made(create(lib.ttk_embedding_destroy, lib.ttk_embedding_fit, *arguments))

    @classmethod
    def from_cores(
        cls,
        format: Format | str,
        cores: Sequence[npt.ArrayLike],
        *,
        rows: SupportsIndex,
        features: SupportsIndex,
        storage: Storage | str | None = None,
    ) -> Self:
        """Make an embedding of given cores; see `Linear.from_cores`."""
        each, kept = views(_layer.common_dtype(cores))
        spec = text(spec_of(format, storage), "format")
        sizes = integer(rows, "rows", 1), integer(features, "features", 1)
        arguments = spec, *sizes, len(kept), each
        make = lib.ttk_embedding_from_cores
        return cls._made(create(lib.ttk_embedding_destroy, make, *arguments))

    @classmethod
    def _made(cls, owned: Owned) -> Self:
        self = super()._made(owned)
        self.rows, self.features = self._ask("rows"), self._ask("features")
        self._plans = {}
        return self

    def __call__(self, ids: npt.ArrayLike, *, threads: int = 0, out: Array | None = None) -> Array:
        """Look rows up.

        Parameters
        ----------
        ids : array_like of int, any shape
            From 0 to ``rows - 1``.
        threads : int, optional
            0: all this process may use.
        out : ndarray, shape (..., features), optional
            Gets the result; compact, of the embedding's dtype.

        Returns
        -------
        ndarray, shape (..., features)

        Raises
        ------
        ValueError
            If an id is out of range; the message names its position.
        TypeError
            If `ids` are not integers.
        """
        given = _ids(ids)
        key = _layer.bucket(given.size), threads
        plan = self._plans.get(key)
        if plan is None or self._owned is None:
            plan = self._plans.setdefault(key, self.prepare(key[0], threads=threads))
        return plan._apply(given, out)

    def prepare(
        self, max_rows: SupportsIndex, *, memory_limit: int | None = None, threads: int = 0
    ) -> EmbeddingPlan:
        """Make a plan for up to `max_rows` ids; parameters are those of `Linear.prepare`."""
        options = _layer.prepare_options(max_rows, memory_limit, threads)
        arguments = self._handle, byref(options)
        made = create(lib.ttk_embedding_plan_destroy, lib.ttk_embedding_prepare, *arguments)
        return EmbeddingPlan(made, self)

    def dense(self) -> Array:
        """The table, shape (rows, features), in the embedding's dtype."""
        return self._dense((self.rows, self.features))

    def close(self) -> None:
        """Free the memory now; may be repeated. Every later use raises ValueError."""
        super().close()
        self._plans.clear()

    def __repr__(self) -> str:
        return f"Embedding(rows={self.rows}, features={self.features}, spec={self.spec!r})"


def _ids(ids: npt.ArrayLike) -> Array:
    """Ids as a compact array of int32 or int64."""
    given = np.asarray(ids)
    if given.size == 0 and not isinstance(ids, np.ndarray):
        given = given.astype(np.int64)  # an empty list has no dtype of its own
    if given.dtype.kind not in "iu" or not np.can_cast(given.dtype, np.int64, "safe"):
        raise TypeError(f"ids have dtype {given.dtype}, expected integers that fit int64")
    if given.dtype == np.int32:
        return given if given.flags.carray else np.array(given, np.int32, order="C")
    compact = np.ascontiguousarray(given, np.int64).reshape(given.shape)
    return compact if compact.flags.aligned else compact.copy()
