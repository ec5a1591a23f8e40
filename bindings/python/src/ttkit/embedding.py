"""Embedding tables whose rows are computed from a network of small cores."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import byref
from typing import Any, Self, SupportsIndex

import numpy as np
import numpy.typing as npt

from . import _abi, _layer
from ._array import Array, view, views
from ._call import call, failure, text
from ._handle import Closable, Owned, create
from ._layer import Layer
from ._library import library as lib
from ._options import integer
from ._rows import compact_address, rows_in, rows_out
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
            _id_dtype(ids), ids.size,
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
        return self._bags(*_bag_arguments(ids, offsets, mode), out)

    def _bags(self, ids: Array, offsets: Array, mode: int, out: Array | None) -> Array:
        owned = self._handle
        shape = (offsets.size, self.features)
        y = np.empty(shape, self.dtype) if out is None else rows_out(out, shape, self.dtype)
        block = take(self._workspace_nbytes)
        each = [compact_address(a) if a.size else None for a in (ids, offsets, y)]
        status = lib.ttk_embedding_execute_bags(
            owned.address, each[0], _id_dtype(ids), ids.size, each[1], offsets.size, mode, each[2],
            block[0], block[1])
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
    def initialize(
        cls,
        format: Format | str,
        rows: SupportsIndex,
        features: SupportsIndex,
        *,
        dtype: npt.DTypeLike = np.float32,
        storage: Storage | str | None = None,
        seed: SupportsIndex = 0,
    ) -> Self:
        """Make a table of random cores to train from; see `Linear.initialize`."""
        arguments = _layer.start(format, storage, rows, features, dtype, seed)
        make = lib.ttk_embedding_initialize
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
        return self._plan(given.size, threads)._apply(given, out)

    def bags(
        self,
        ids: npt.ArrayLike,
        offsets: npt.ArrayLike,
        mode: str = "sum",
        *,
        threads: int = 0,
        out: Array | None = None,
    ) -> Array:
        """Sum or average bags of rows, as ``torch.nn.EmbeddingBag`` does.

        Parameters
        ----------
        ids : array_like of int, shape (count,)
            The ids of all bags, one bag after the other.
        offsets : array_like of int, shape (bags,)
            Where each bag begins: the first at 0, none before the one before it. The last bag
            reaches to the end; an empty bag gives zeros.
        mode : str, optional
            ``"sum"`` or ``"mean"``.
        threads, out
            As of `__call__`; `out` has shape (bags, features).

        Returns
        -------
        ndarray, shape (bags, features)

        Raises
        ------
        ValueError
            If an id or an offset is out of range.
        TypeError
            If `ids` or `offsets` are not integers.
        """
        arguments = _bag_arguments(ids, offsets, mode)
        return self._plan(arguments[0].size, threads)._bags(*arguments, out)

    def vjp(
        self, ids: npt.ArrayLike, grad: npt.ArrayLike, *, threads: int = 0
    ) -> tuple[Array, ...]:
        """Gradients of ``sum(grad * emb(ids))`` with respect to the cores as decoded.

        Parameters
        ----------
        ids : array_like of int, any shape
        grad : array_like, shape (..., features)
            The gradient of ``emb(ids)``. Those of repeated ids add up in the order of the ids.
        threads : int, optional
            0: all this process may use; the result does not depend on it.

        Returns
        -------
        tuple of ndarray
            One gradient a core, of its shape.

        Raises
        ------
        ValueError, TypeError
        """
        given = _ids(ids)
        gradient = rows_in(grad, self.dtype, self.features, "grad")
        if gradient.shape[:-1] != given.shape:
            raise ValueError(
                f"grad has shape {gradient.shape}, expected {(*given.shape, self.features)}")
        grads = [np.empty(core.shape, self.dtype) for core in self.cores]
        each, _kept = views(grads)
        lines = view(gradient.reshape(given.size, self.features))
        where = compact_address(given) if given.size else None
        call(
            lib.ttk_embedding_vjp, self._handle, where, _id_dtype(given), given.size, byref(lines),
            byref(_layer.fit_options(threads)), each)
        return tuple(grads)

    def _plan(self, count: int, threads: int) -> EmbeddingPlan:
        key = _layer.bucket(count), threads
        plan = self._plans.get(key)
        if plan is None or self._owned is None:
            plan = self._plans.setdefault(key, self.prepare(key[0], threads=threads))
        return plan

    def prepare(
        self, max_rows: SupportsIndex, *, memory_limit: int | None = None, threads: int = 0
    ) -> EmbeddingPlan:
        """Make a plan for up to `max_rows` ids; parameters are those of `Linear.prepare`.

        Neighbouring cores of a `TrainMatrix` are multiplied beforehand where that fits `memory_limit`
        (16 MiB by default).
        """
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


def _id_dtype(ids: Array) -> int:
    return _abi.TTK_INT64 if ids.itemsize == 8 else _abi.TTK_INT32


def _bag_arguments(
    ids: npt.ArrayLike, offsets: npt.ArrayLike, mode: str
) -> tuple[Array, Array, int]:
    """Ids and offsets of one dtype, and the number of the mode."""
    given, starts = _ids(ids), _ids(offsets, "offsets")
    if given.ndim != 1 or starts.ndim != 1:
        raise ValueError(
            f"ids and offsets have shapes {given.shape} and {starts.shape}, expected one axis each")
    if mode not in ("sum", "mean"):
        raise ValueError(f"mode is {mode!r}, expected 'sum' or 'mean'")
    number = _abi.TTK_BAG_SUM if mode == "sum" else _abi.TTK_BAG_MEAN
    if given.dtype != starts.dtype:
        given, starts = given.astype(np.int64), starts.astype(np.int64)
    return given, starts, number


def _ids(ids: npt.ArrayLike, name: str = "ids") -> Array:
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
