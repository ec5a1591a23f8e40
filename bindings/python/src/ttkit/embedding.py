"""Embedding tables whose rows are computed from a network of small cores."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import byref
from typing import Any, Self, SupportsIndex

import numpy as np
import numpy.typing as npt

from . import _abi, _layer
from ._array import Array, view, views
from ._call import call, text
from ._handle import Owned, create
from ._ids import bag_arguments, id_dtype, ids_in
from ._layer import Layer
from ._library import library as lib
from ._options import integer
from ._rows import compact_address, rows_in
from .embedding_plan import EmbeddingPlan
from .formats import Format, spec_of
from .storages import Storage


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
        given = ids_in(ids)
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
        arguments = bag_arguments(ids, offsets, mode)
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
        given = ids_in(ids)
        gradient = rows_in(grad, self.dtype, self.features, "grad")
        if gradient.shape[:-1] != given.shape:
            raise ValueError(
                f"grad has shape {gradient.shape}, expected {(*given.shape, self.features)}")
        grads = [np.empty(core.shape, self.dtype) for core in self.cores]
        each, _kept = views(grads)
        lines = view(gradient.reshape(given.size, self.features))
        where = compact_address(given) if given.size else None
        call(
            lib.ttk_embedding_vjp, self._handle, where, id_dtype(given), given.size, byref(lines),
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
