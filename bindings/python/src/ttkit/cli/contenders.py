"""What `ttkit bench` compares: a compressed layer and its dense rivals, on the same rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..embedding import Embedding
from ..linear import Linear

Call = Callable[[], object]


class Contest(NamedTuple):
    """Calls that compute the same, and the bytes each keeps in memory."""

    compressed: Call
    rivals: dict[str, Call]
    resident_nbytes: int
    dense_nbytes: int


class Contender:
    """A layer with its dense weight.

    Parameters
    ----------
    layer : Linear or Embedding
    threads : int
        Of both ttkit's plans; 0: all.
    """

    def __init__(self, layer: Linear | Embedding, threads: int) -> None:
        self._layer, self._threads = layer, threads
        self._weight: npt.NDArray[Any] = layer.dense()
        self._random = np.random.default_rng(0)
        self._bias = layer.bias if isinstance(layer, Linear) else None
        self._dense = None if isinstance(layer, Embedding) else Linear.fit(
            self._weight, f"dense@{layer.dtype.name}", bias=self._bias, threads=threads)

    def contest(self, rows: int) -> Contest:
        """The calls for so many rows, or ids."""
        if isinstance(self._layer, Linear):
            return self._linear(self._layer, rows)
        return self._embedding(self._layer, rows)

    def _linear(self, layer: Linear, rows: int) -> Contest:
        x = self._random.standard_normal((rows, layer.in_features)).astype(layer.dtype)
        y = np.empty((rows, layer.out_features), layer.dtype)
        plan = layer.prepare(rows, threads=self._threads)
        weight, bias = self._weight.T, self._bias

        def with_numpy() -> None:
            np.matmul(x, weight, out=y)
            if bias is not None:
                np.add(y, bias, out=y)

        rivals: dict[str, Call] = {"numpy": with_numpy}
        if self._dense is not None:
            dense = self._dense.prepare(rows, threads=self._threads)
            rivals["ttkit"] = lambda: dense(x, out=y)
        return Contest(lambda: plan(x, out=y), rivals, plan.resident_nbytes, weight.nbytes)

    def _embedding(self, layer: Embedding, rows: int) -> Contest:
        ids = self._random.integers(0, layer.rows, rows)
        y = np.empty((rows, layer.features), layer.dtype)
        plan = layer.prepare(rows, threads=self._threads)
        table = self._weight
        rivals: dict[str, Call] = {"numpy": lambda: np.take(table, ids, axis=0, out=y)}
        return Contest(lambda: plan(ids, out=y), rivals, plan.resident_nbytes, table.nbytes)
