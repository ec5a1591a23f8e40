"""Linear layers ``y = x W^T + b`` whose weight is a network of small cores."""

from __future__ import annotations

from ctypes import byref
from typing import Any, Self, SupportsIndex

import numpy as np
import numpy.typing as npt

from . import _abi, _layer
from ._array import Array, view, views
from ._call import call
from ._handle import Owned, create
from ._library import library as lib
from ._linear_makers import LinearMakers
from ._options import integer
from ._rows import rows_in
from .linear_plan import LinearPlan


class Linear(LinearMakers):
    """A linear layer whose weight is a network of cores in a storage; it never changes.

    Calling it applies it; the plan for each power of two of rows is made once and kept. Any number
    of threads may call one layer at once.

    Attributes
    ----------
    in_features, out_features : int
    dtype : dtype
        Of inputs and outputs: float32, or float64 for layers of float64 cores.
    spec : str
        The spec with the ranks that were reached.
    nbytes : int
        Bytes of cores, scales and bias as stored.
    error : float
        Relative Frobenius error of the weight, computed after storage; NaN if made from cores.

    Examples
    --------
    >>> import numpy as np, ttkit as tk
    >>> w = np.outer(np.arange(1.0, 4.0), np.ones(5))
    >>> layer = tk.Linear.fit(w, tk.LowRank(1), bias=np.ones(3))
    >>> layer(np.ones((2, 5))).round(12)
    array([[ 6., 11., 16.],
           [ 6., 11., 16.]])
    """

    __slots__ = ("in_features", "out_features", "_plans")
    _noun = "linear"
    in_features: int
    out_features: int
    _plans: dict[tuple[int, int, str | None], LinearPlan]

    @classmethod
    def _made(cls, owned: Owned) -> Self:
        self = super()._made(owned)
        self.in_features = self._ask("in_features")
        self.out_features = self._ask("out_features")
        self._plans = {}
        return self

    @property
    def output_error(self) -> float:
        """Relative error of the outputs on the inputs of the fit; NaN for a fit without."""
        return float(lib.ttk_linear_output_error(self._handle))

    def __call__(
        self,
        x: npt.ArrayLike,
        *,
        threads: int = 0,
        compute: str | None = None,
        out: Array | None = None,
    ) -> Array:
        """Apply the layer to any number of rows; see `LinearPlan.__call__` and `prepare`.

        `threads` 0 means all this process may use; the result does not depend on it.
        """
        given = rows_in(x, self.dtype, self.in_features)
        key = _layer.bucket(given.size // self.in_features), threads, compute
        plan = self._plans.get(key)
        if plan is None or self._owned is None:
            made = self.prepare(key[0], threads=threads, compute=compute)
            plan = self._plans.setdefault(key, made)
        return plan._apply(given, out)

    def prepare(
        self,
        max_rows: SupportsIndex,
        *,
        memory_limit: int | None = None,
        compute: str | None = None,
        threads: int = 0,
    ) -> LinearPlan:
        """Make a plan for up to `max_rows` rows.

        Parameters
        ----------
        memory_limit : int, optional
            Bytes the prepared weights may take; those of the dense matrix by default.
        compute : str, optional
            The layer's dtype (the default), or ``"int8"``: rows of `x` are rounded to 255 levels
            where they meet weights stored as integers or as codes of codebooks (``kmeans1`` to
            ``kmeans4``, by groups of multiples of 32), whose values are rounded to 255 levels too
            (``kmeans1`` and ``kmeans2``: to 63); several rows meet a Kashin layer's matrix in 8
            bits by row. ValueError for layers without.
        threads : int, optional
            0: all this process may use.
        """
        if compute not in (None, self.dtype.name, "int8"):
            raise ValueError(f"compute is {compute!r}, expected {self.dtype.name!r} or 'int8'")
        options = _layer.prepare_options(max_rows, memory_limit, threads)
        if compute == "int8":
            options.compute = _abi.TTK_COMPUTE_INT8
        arguments = self._handle, byref(options)
        made = create(lib.ttk_linear_plan_destroy, lib.ttk_linear_prepare, *arguments)
        return LinearPlan(made, self)

    def vjp(
        self, x: npt.ArrayLike, grad: npt.ArrayLike, *, threads: int = 0
    ) -> tuple[Array, tuple[Array, ...], Array | None]:
        """Gradients of ``sum(grad * self(x))``, for training.

        Parameters
        ----------
        x : array_like, shape (..., in_features)
            As of a call; any number of rows.
        grad : array_like, shape (..., out_features)
            The gradient with respect to the layer's result.
        threads : int, optional
            0: all this process may use. The result does not depend on it.

        Returns
        -------
        grad_x : ndarray, shape (..., in_features)
        grad_cores : tuple of ndarray
            With respect to `cores`, in their shapes: what storage rounds away is passed through.
        grad_bias : ndarray, shape (out_features,), or None
            None for a layer without bias.

        Raises
        ------
        TypeError
            If `x` or `grad` would lose precision.
        ValueError
            If a shape is wrong.
        """
        given = rows_in(x, self.dtype, self.in_features)
        above = rows_in(grad, self.dtype, self.out_features, "grad")
        if given.shape[:-1] != above.shape[:-1]:
            raise ValueError(
                f"grad has shape {above.shape}, expected {(*given.shape[:-1], self.out_features)}")
        grad_x = np.empty(given.shape, self.dtype)
        grad_cores = [np.empty(core.shape, self.dtype) for core in self.cores]
        has_bias = self._ask("has_bias")
        grad_bias = np.empty(self.out_features, self.dtype) if has_bias else None
        flat = [array.reshape(-1, array.shape[-1]) for array in (given, above, grad_x)]
        each, _ = views(grad_cores)
        bias = None if grad_bias is None else byref(view(grad_bias))
        options = _layer.fit_options(threads)
        rows, upper, target = (byref(view(array)) for array in flat)
        call(lib.ttk_linear_vjp, self._handle, rows, upper, byref(options), target, each, bias)
        return grad_x, tuple(grad_cores), grad_bias

    def dense(self) -> Array:
        """The weight, shape (out_features, in_features), in the layer's dtype."""
        return self._dense((self.out_features, self.in_features))

    @property
    def bias(self) -> Array | None:
        """The bias, or None."""
        if not self._ask("has_bias"):
            return None
        return self._read("bias", np.empty(self.out_features, self.dtype))

    def flops(self, rows: SupportsIndex) -> int:
        """Floating-point operations (a multiply-add is two) of applying it to so many rows."""
        return int(lib.ttk_linear_flops(self._handle, integer(rows, "rows", 0)))

    def close(self) -> None:
        """Free the memory now; may be repeated. Every later use raises ValueError."""
        super().close()
        self._plans.clear()

    def __repr__(self) -> str:
        return (f"Linear(in_features={self.in_features}, out_features={self.out_features}, "
                f"spec={self.spec!r})")
