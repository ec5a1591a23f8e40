"""Training a layer of few bits: all roundings and the contraction in one call forward and one back."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import byref, sizeof
from typing import Any, NamedTuple, SupportsIndex

import numpy as np
import numpy.typing as npt

from . import _abi
from ._array import Array, view, views
from ._call import call
from ._handle import Closable, Owned, create
from ._library import library as lib
from ._options import integer
from ._rows import rows_in
from .fake_quantize import rule_of
from .linear import Linear


def _point(struct: Any, fields: dict[str, list[Array]]) -> list[object]:
    """Point fields of a struct to views of arrays; returns what to keep alive."""
    kept: list[object] = []
    for name, arrays in fields.items():
        each, alive = views(arrays)
        setattr(struct, name, each)
        kept += [each, *alive]
    return kept


class TrainingPass(NamedTuple):
    """What one forward pass needs on the way back."""

    owned: Owned
    shape: tuple[int, ...]
    """Of x."""
    out_features: int
    cores: tuple[tuple[int, ...], ...]
    """Shapes of the cores."""
    scales: tuple[tuple[int, ...], ...]
    """Shapes of the scales."""
    has_input_scale: bool
    has_output_scale: bool
    has_bias: bool


class TrainingGradients(NamedTuple):
    """Gradients of one pass, each in the shape of what it belongs to; None for what was not given."""

    x: Array
    cores: tuple[Array, ...]
    scales: tuple[Array, ...]
    input_scale: Array | None
    output_scale: Array | None
    bias: Array | None


class QuantizedTraining(Closable):
    """A linear layer whose cores, inputs and outputs are rounded while it is trained [1]_.

    ``y = Q(Q(x, input_scale) @ W(Q(cores, scales)).T + bias, output_scale)`` with `Q` the fake
    quantisation of `fake_quantize`. Nothing is kept between calls but plans: cores and scales are
    the optimiser's arrays.

    Parameters
    ----------
    layer : Linear
        Gives the format, the shapes of the cores and the dtype; for instance from
        `Linear.initialize`.
    bits : int
        Of the cores, 2 to 8.
    activation_bits : int
        Of inputs and outputs, where they have scales.
    rule : str
        Of the gradients of scales, ``"lsq"`` or ``"plain"``; see `fake_quantize_vjp`.
    threads : int
        0: all this process may use.

    Raises
    ------
    ValueError, TypeError

    References
    ----------
    .. [1] Z. Yang et al., "Quantization-Aware and Tensor-Compressed Training of Transformers",
       Interspeech 2023.

    Examples
    --------
    >>> import numpy as np, ttkit as tk
    >>> layer = tk.Linear.initialize("train(rows=4x4, columns=4x4, rank=6)", 16, 16)
    >>> cores = [core.copy() for core in layer.cores]
    >>> scales = [np.abs(core).max() / 7 for core in cores]
    >>> training = tk.QuantizedTraining(layer, 4)
    >>> y, made = training.forward(np.ones((2, 16), np.float32), cores, scales)
    >>> training.vjp(made, np.ones_like(y)).cores[0].shape
    (1, 4, 4)
    >>> packed = tk.Linear.from_cores("train(rows=4x4, columns=4x4, rank=6)", cores,
    ...     in_features=16, out_features=16, storage="int4(group=tensor)", scales=scales)
    """

    __slots__ = ("dtype", "in_features", "out_features", "core_shapes")

    def __init__(
        self,
        layer: Linear,
        bits: SupportsIndex,
        *,
        activation_bits: SupportsIndex = 8,
        rule: str = "lsq",
        threads: SupportsIndex = 0,
    ) -> None:
        options = _abi.ttk_training_options(struct_size=sizeof(_abi.ttk_training_options))
        options.core_bits = integer(bits, "bits", 2, 32)
        options.activation_bits = integer(activation_bits, "activation_bits", 2, 32)
        options.rule = rule_of(rule)
        options.threads = integer(threads, "threads", 0, 32)
        arguments = layer._handle, byref(options)
        super().__init__(create(lib.ttk_training_destroy, lib.ttk_training_create, *arguments))
        self.dtype = layer.dtype
        self.in_features, self.out_features = layer.in_features, layer.out_features
        self.core_shapes = tuple(core.shape for core in layer.cores)

    def __call__(self, x: npt.ArrayLike, *arguments: Any, **options: Any) -> Array:
        """The result of `forward` alone."""
        return self._run(x, False, *arguments, **options)[0]

    def forward(
        self,
        x: npt.ArrayLike,
        cores: Sequence[npt.ArrayLike],
        scales: Sequence[npt.ArrayLike],
        *,
        input_scale: npt.ArrayLike | None = None,
        output_scale: npt.ArrayLike | None = None,
        bias: npt.ArrayLike | None = None,
    ) -> tuple[Array, TrainingPass]:
        """Apply the layer, and keep what the gradients need.

        Parameters
        ----------
        x : array_like, shape (..., in_features)
        cores : sequence of array_like
            Of the shapes `core_shapes`.
        scales : sequence of array_like
            One for each core: one positive number, or for a core of two axes also one for each
            row or group, as `fake_quantize` takes them.
        input_scale, output_scale : array_like, optional
            One positive number; None leaves inputs or outputs as they are.
        bias : array_like, shape (out_features,), optional

        Returns
        -------
        y : ndarray, shape (..., out_features)
        made : TrainingPass
            For `vjp`; holds copies, so arrays may change in between.

        Raises
        ------
        ValueError, TypeError, MemoryError
        """
        y, made = self._run(
            x, True, cores, scales, input_scale=input_scale, output_scale=output_scale, bias=bias)
        assert made is not None
        return y, made

    def _run(
        self,
        x: npt.ArrayLike,
        wants_pass: bool,
        cores: Sequence[npt.ArrayLike],
        scales: Sequence[npt.ArrayLike],
        *,
        input_scale: npt.ArrayLike | None = None,
        output_scale: npt.ArrayLike | None = None,
        bias: npt.ArrayLike | None = None,
    ) -> tuple[Array, TrainingPass | None]:
        given = rows_in(x, self.dtype, self.in_features)
        count = len(self.core_shapes)
        if len(cores) != count or len(scales) != count:
            raise ValueError(
                f"{len(cores)} cores and {len(scales)} scales, expected {count} of each")
        values = [self._array(core, f"cores[{k}]") for k, core in enumerate(cores)]
        grids = [self._array(scale, f"scales[{k}]") for k, scale in enumerate(scales)]
        inputs = _abi.ttk_training_inputs(struct_size=sizeof(_abi.ttk_training_inputs))
        single = {"input_scale": input_scale, "output_scale": output_scale, "bias": bias}
        kept = _point(inputs, {
            "x": [given.reshape(-1, self.in_features)], "cores": values, "core_scales": grids,
            **{k: [self._array(v, k)] for k, v in single.items() if v is not None}})
        y = np.empty((*given.shape[:-1], self.out_features), self.dtype)
        target = view(y.reshape(-1, self.out_features))
        if not wants_pass:
            call(lib.ttk_training_forward, self._handle, byref(inputs), byref(target), None)
            return y, None
        owned = create(
            lib.ttk_training_pass_destroy, lib.ttk_training_forward, self._handle, byref(inputs),
            byref(target))
        del kept
        return y, TrainingPass(
            owned, given.shape, self.out_features, self.core_shapes,
            tuple(grid.shape for grid in grids), input_scale is not None, output_scale is not None, bias is not None)

    def vjp(self, made: TrainingPass, grad: npt.ArrayLike) -> TrainingGradients:
        """Gradients of ``sum(grad * y)`` for a pass of `forward`.

        Values pass a rounding unchanged inside its range and not at all outside; scales get what
        `fake_quantize_vjp` says.

        Raises
        ------
        ValueError, TypeError, MemoryError
        """
        mine = (self.in_features, self.out_features, self.core_shapes)
        if (made.shape[-1], made.out_features, made.cores) != mine:
            raise ValueError("this pass was made by the training of another layer")
        above = rows_in(grad, self.dtype, self.out_features, "grad")
        if above.shape[:-1] != made.shape[:-1]:
            raise ValueError(
                f"grad has shape {above.shape}, expected {(*made.shape[:-1], self.out_features)}")
        found = TrainingGradients(
            np.empty(made.shape, self.dtype),
            tuple(np.empty(shape, self.dtype) for shape in made.cores),
            tuple(np.empty(shape, self.dtype) for shape in made.scales),
            np.empty((), self.dtype) if made.has_input_scale else None,
            np.empty((), self.dtype) if made.has_output_scale else None,
            np.empty(self.out_features, self.dtype) if made.has_bias else None)
        wanted = _abi.ttk_training_gradients(struct_size=sizeof(_abi.ttk_training_gradients))
        single = {name: getattr(found, name) for name in ("input_scale", "output_scale", "bias")}
        kept = _point(wanted, {
            "x": [found.x.reshape(-1, self.in_features)], "cores": list(found.cores),
            "core_scales": list(found.scales),
            **{name: [array] for name, array in single.items() if array is not None}})
        upper = view(above.reshape(-1, self.out_features))
        call(lib.ttk_training_vjp, made.owned, byref(upper), byref(wanted))
        del kept
        return found

    def _array(self, value: npt.ArrayLike, name: str) -> Array:
        array = np.asarray(value)
        if not np.can_cast(array.dtype, self.dtype, "same_kind"):
            raise TypeError(f"{name} has dtype {array.dtype}, expected {self.dtype}")
        return array.astype(self.dtype, copy=False)

    def __repr__(self) -> str:
        return (f"QuantizedTraining(in_features={self.in_features}, "
                f"out_features={self.out_features}, cores={len(self.core_shapes)})")
