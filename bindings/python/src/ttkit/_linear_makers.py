"""How linear layers are made: fitted to a weight, of given cores, of random ones."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import byref
from typing import Self, SupportsIndex

import numpy as np
import numpy.typing as npt

from . import _layer
from ._array import view, views
from ._call import text
from ._handle import create
from ._layer import Layer
from ._library import library as lib
from ._options import integer
from ._trained import encoded_cores
from .calibration import LayerInputs, moment_of
from .formats import Format, spec_of
from .storages import Storage


class LinearMakers(Layer):
    """The ways to a `Linear`."""

    __slots__ = ()

    @classmethod
    def fit(
        cls,
        weight: npt.ArrayLike,
        format: Format | str,
        *,
        storage: Storage | str | None = None,
        bias: npt.ArrayLike | None = None,
        inputs: LayerInputs | npt.ArrayLike | None = None,
        threads: int = 0,
    ) -> Self:
        """Fit the cores to a dense weight.

        Parameters
        ----------
        weight : array_like, shape (out_features, in_features)
            float16, ml_dtypes' bfloat16, float32 or float64, any strides, finite.
        format : Format or str
            Such as ``tk.LowRank(64)`` or ``"low_rank(rank=64)@int8(group=64)"``.
        storage : Storage or str, optional
            How cores are stored; the weight's dtype by default.
        bias : array_like, shape (out_features,), optional
        inputs : LayerInputs or array_like, optional
            What the layer will see: rows (n, in_features), their second moment X^T X (a square array
            that equals its transpose is one), or an entry of a `Calibration`. The fit then makes
            the error of the outputs small, rounds with error compensation, and lets the bias, if
            there is one and the inputs' mean is known, take up what the mean output loses.
        threads : int, optional
            0: all this process may use. The result does not depend on it.

        Raises
        ------
        ValueError
            If a shape is wrong, a value is not finite, or the spec is malformed (the message points
            at the character) or does not fit the weight.
        TypeError
            If a dtype is not supported.
        MemoryError, numpy.linalg.LinAlgError
        """
        given = _layer.weight(weight, "weight")
        spec = text(spec_of(format, storage), "format")
        offsets = _layer.bias_view(bias, given.dtype)
        pointer = None if offsets is None else byref(offsets)
        if inputs is not None and given.ndim != 2:
            raise ValueError(f"weight has shape {given.shape}, expected two axes")
        moment = None if inputs is None else moment_of(inputs, given.shape[1])
        options = _layer.fit_options(threads, moment)
        arguments = byref(view(given)), spec, pointer, byref(options)
        return cls._made(create(lib.ttk_linear_destroy, lib.ttk_linear_fit, *arguments))

    @classmethod
    def from_cores(
        cls,
        format: Format | str,
        cores: Sequence[npt.ArrayLike],
        bias: npt.ArrayLike | None = None,
        *,
        in_features: SupportsIndex,
        out_features: SupportsIndex,
        storage: Storage | str | None = None,
        scales: Sequence[npt.ArrayLike] | None = None,
    ) -> Self:
        """Make a layer of given cores, for instance trained ones.

        Parameters
        ----------
        format, storage
            As in `fit`; ranks are read off the cores.
        cores : sequence of array_like
            float32 or float64, in the order of the format's equation; see `cores`.
        bias : array_like, shape (out_features,), optional
        scales : sequence of array_like, optional
            Trained scales, for each core as `fake_quantize` took them; `storage` then is one of
            integers with as many groups, and the layer's cores are the fake-quantised ones, bit
            for bit. Cores must be float32.

        Raises
        ------
        ValueError, TypeError, MemoryError
        """
        given = _layer.common_dtype(cores)
        each, kept = views(given)
        spec = text(spec_of(format, storage), "format")
        offsets = _layer.bias_view(bias, given[0].dtype)
        pointer = None if offsets is None else byref(offsets)
        sizes = integer(out_features, "out_features", 1), integer(in_features, "in_features", 1)
        if scales is None:
            arguments = spec, *sizes, len(kept), each, pointer
            return cls._made(create(lib.ttk_linear_destroy, lib.ttk_linear_from_cores, *arguments))
        if storage is None:
            raise ValueError("scales are given without a storage, expected one of integers")
        encoded, owners = encoded_cores(given, str(storage), scales)
        arguments = spec, *sizes, len(owners), encoded, pointer
        return cls._made(create(lib.ttk_linear_destroy, lib.ttk_linear_from_quantized, *arguments))

    @classmethod
    def initialize(
        cls,
        format: Format | str,
        in_features: SupportsIndex,
        out_features: SupportsIndex,
        *,
        bias: bool = False,
        dtype: npt.DTypeLike = np.float32,
        storage: Storage | str | None = None,
        seed: SupportsIndex = 0,
    ) -> Self:
        """Make a layer of random cores to train from.

        Cores are Gaussian and depend on the seed alone. Dense weights, trains, CP, Tucker and
        Kronecker products get entries of variance ``2 / (in_features + out_features)`` [1]_; low
        rank, Monarch and block tensor trains start each dense block as a layer of its own, with
        deviation ``sqrt(1 / fan_in) * min(1, sqrt(fan_out / fan_in))`` [2]_.

        Parameters
        ----------
        bias : bool, optional
            Whether the layer has a bias, which is zero.
        dtype : dtype, optional
            float32 or float64.
        seed : int, optional
            From 0 to 2**64 - 1.

        References
        ----------
        .. [1] A. Novikov et al., "Tensorizing Neural Networks", NIPS 2015.
        .. [2] S. Qiu et al., "Compute Better Spent", ICML 2024.

        >>> import ttkit as tk
        >>> tk.Linear.initialize(tk.LowRank(4), 16, 8).cores[0].shape
        (8, 4)
        """
        zeros = np.zeros(integer(out_features, "out_features", 1) if bias else 0, np.dtype(dtype))
        pointer = byref(view(zeros)) if bias else None
        spec, *numbers = _layer.start(format, storage, out_features, in_features, dtype, seed)
        arguments = spec, *numbers, pointer
        return cls._made(create(lib.ttk_linear_destroy, lib.ttk_linear_initialize, *arguments))
