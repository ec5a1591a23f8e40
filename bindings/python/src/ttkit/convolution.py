"""Two-dimensional convolutions whose kernels are networks of small cores."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import byref, c_int64, sizeof
from typing import Any, Self, SupportsIndex

import numpy as np
import numpy.typing as npt

from . import _abi, _layer
from ._array import Array, view, views
from ._call import call, text
from ._handle import Owned, create
from ._layer import Layer
from ._library import library as lib
from ._options import integer, several
from .convolution_plan import ConvolutionPlan, images_in
from .formats import Format, spec_of
from .storages import Storage

Pair = SupportsIndex | Sequence[SupportsIndex]


class Conv2d(Layer):
    """A convolution layer with a compressed kernel; it never changes.

    Images are arrays (..., channels, height, width), as ``torch.nn.Conv2d`` has them. Calling the
    layer applies it; the plan for each size is made once and kept.

    Attributes
    ----------
    in_channels, out_channels : int
    kernel_shape, stride, padding, dilation : tuple of two int
    dtype, spec, nbytes, error
        As of `Linear`.

    Examples
    --------
    >>> import numpy as np, ttkit as tk
    >>> kernel = np.ones((2, 3, 3, 3))
    >>> layer = tk.Conv2d.fit(kernel, tk.CPConvolution(1), padding=1)
    >>> layer(np.ones((1, 3, 4, 5))).shape
    (1, 2, 4, 5)
    """

    __slots__ = ("in_channels", "out_channels", "kernel_shape", "stride", "padding", "dilation",
                 "_bias", "_plans")
    _noun = "convolution"
    in_channels: int
    out_channels: int
    kernel_shape: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    _bias: bool
    _plans: dict[tuple[int, int, int, int], ConvolutionPlan]

    @classmethod
    def fit(
        cls,
        kernel: npt.ArrayLike,
        format: Format | str,
        *,
        stride: Pair = 1,
        padding: Pair = 0,
        dilation: Pair = 1,
        bias: npt.ArrayLike | None = None,
        storage: Storage | str | None = None,
        threads: int = 0,
    ) -> Self:
        """Fit the cores to a dense kernel.

        Parameters
        ----------
        kernel : array_like, shape (out_channels, in_channels, height, width)
            float16, bfloat16, float32 or float64; finite.
        format : Format or str
            `CPConvolution`, `TuckerConvolution`, `TrainConvolution`, `Dense`, or a spec string.
        stride, padding, dilation : int or two int, optional
            Along height and width.
        bias : array_like, shape (out_channels,), optional
        storage : Storage or str, optional
            How the cores are held; the kernel's own dtype by default.
        threads : int, optional

        Raises
        ------
        ValueError, TypeError, MemoryError, numpy.linalg.LinAlgError
        """
        given = _layer.weight(kernel, "kernel")
        steps = _steps(stride, padding, dilation)
        spec = text(spec_of(format, storage), "format")
        offsets = _layer.bias_view(bias, given.dtype)
        pointer = None if offsets is None else byref(offsets)
        options = _layer.fit_options(threads)
        arguments = byref(view(given)), spec, pointer, byref(steps), byref(options)
        made = create(lib.ttk_convolution_destroy, lib.ttk_convolution_fit, *arguments)
        return cls._convolution(made, steps, bias is not None)

    @classmethod
    def from_cores(
        cls,
        format: Format | str,
        cores: Sequence[npt.ArrayLike],
        bias: npt.ArrayLike | None = None,
        *,
        kernel_shape: Sequence[SupportsIndex],
        stride: Pair = 1,
        padding: Pair = 0,
        dilation: Pair = 1,
        storage: Storage | str | None = None,
    ) -> Self:
        """Make a layer of given cores, for instance trained ones.

        Parameters
        ----------
        cores : sequence of array_like
            float32 or float64, in the order of the format's convolutions; see `cores`.
        kernel_shape : sequence of four int
            out_channels, in_channels, height, width of the kernel they make.

        Others are those of `fit`; ranks are read off the cores.
        """
        given = _layer.common_dtype(cores)
        each, kept = views(given)
        lengths = [integer(n, "kernel_shape", 1) for n in kernel_shape]
        if len(lengths) != 4:
            raise ValueError(f"kernel_shape has {len(lengths)} lengths, expected 4")
        steps = _steps(stride, padding, dilation)
        spec = text(spec_of(format, storage), "format")
        offsets = _layer.bias_view(bias, given[0].dtype)
        pointer = None if offsets is None else byref(offsets)
        arguments = spec, (c_int64 * 4)(*lengths), len(kept), each, pointer, byref(steps)
        made = create(lib.ttk_convolution_destroy, lib.ttk_convolution_from_cores, *arguments)
        return cls._convolution(made, steps, bias is not None)

    @classmethod
    def _convolution(cls, owned: Owned, steps: _abi.ttk_convolution_steps, bias: bool) -> Self:
        self = super()._made(owned)
        shape = (c_int64 * 4)()
        call(lib.ttk_convolution_kernel_shape, owned, shape)
        self.out_channels, self.in_channels = shape[0], shape[1]
        self.kernel_shape = (shape[2], shape[3])
        self.stride = (steps.stride_height, steps.stride_width)
        self.padding = (steps.padding_height, steps.padding_width)
        self.dilation = (steps.dilation_height, steps.dilation_width)
        self._bias = bias
        self._plans = {}
        return self

    def __call__(self, x: npt.ArrayLike, *, threads: int = 0, out: Array | None = None) -> Array:
        """Apply the layer.

        Parameters
        ----------
        x : array_like, shape (..., in_channels, height, width)
            Converted to the layer's dtype where that loses nothing.
        threads : int, optional
            0: all this process may use; the result does not depend on it.
        out : ndarray, shape (..., out_channels, out_height, out_width), optional
            Gets the result; compact, of the layer's dtype, apart from `x`.

        Raises
        ------
        ValueError
            If a shape does not fit, or the window is larger than the padded image.
        TypeError
            If converting `x` would lose precision.
        """
        given = images_in(x, self.dtype, self.in_channels)
        height, width = given.shape[-2:]
        images = given.size // max(self.in_channels * height * width, 1)
        key = _layer.bucket(images), height, width, threads
        plan = self._plans.get(key)
        if plan is None or self._owned is None:
            made = self.prepare(height, width, max_images=key[0], threads=threads)
            plan = self._plans.setdefault(key, made)
        return plan._apply(given, out)

    def prepare(
        self,
        height: SupportsIndex,
        width: SupportsIndex,
        *,
        max_images: SupportsIndex = 1,
        threads: int = 0,
    ) -> ConvolutionPlan:
        """Make a plan for up to `max_images` images of one size."""
        options = _layer.prepare_options(max_images, None, threads)
        size = integer(height, "height", 1), integer(width, "width", 1)
        arguments = self._handle, *size, byref(options)
        destroy = lib.ttk_convolution_plan_destroy
        made = create(destroy, lib.ttk_convolution_prepare, *arguments)
        return ConvolutionPlan(made, self, *size)

    def output_size(self, height: SupportsIndex, width: SupportsIndex) -> tuple[int, int]:
        """Height and width of the output for an input of this size."""
        found = c_int64(), c_int64()
        size = integer(height, "height", 1), integer(width, "width", 1)
        call(lib.ttk_convolution_output_size, self._handle, *size, byref(found[0]), byref(found[1]))
        return found[0].value, found[1].value

    def flops(self, height: SupportsIndex, width: SupportsIndex) -> int:
        """Floating-point operations (a multiply-add is two) for one image of this size."""
        size = integer(height, "height", 1), integer(width, "width", 1)
        return int(lib.ttk_convolution_flops(self._handle, *size))

    def vjp(
        self, x: npt.ArrayLike, grad: npt.ArrayLike, *, threads: int = 0
    ) -> tuple[Array, tuple[Array, ...], Array | None]:
        """Gradients of ``sum(grad * layer(x))`` with respect to x, to the cores, to the bias.

        Parameters
        ----------
        x : array_like, shape (..., in_channels, height, width)
        grad : array_like, shape of ``layer(x)``

        Returns
        -------
        grad_x, grad_cores, grad_bias
            The last is None for a layer without a bias.
        """
        given = images_in(x, self.dtype, self.in_channels)
        lines = given.reshape(-1, *given.shape[-3:])
        shape = (self.out_channels, *self.output_size(*given.shape[-2:]))
        gradient = images_in(grad, self.dtype, self.out_channels, "grad")
        if gradient.shape != (*given.shape[:-3], *shape):
            raise ValueError(
                f"grad has shape {gradient.shape}, expected {(*given.shape[:-3], *shape)}")
        grad_x = np.empty(lines.shape, self.dtype)
        grads = [np.empty(core.shape, self.dtype) for core in self.cores]
        each, _kept = views(grads)
        grad_bias = np.empty(self.out_channels, self.dtype) if self._bias else None
        call(
            lib.ttk_convolution_vjp, self._handle, byref(view(lines)),
            byref(view(gradient.reshape(-1, *shape))), byref(_layer.fit_options(threads)),
            byref(view(grad_x)), each, None if grad_bias is None else byref(view(grad_bias)))
        return grad_x.reshape(given.shape), tuple(grads), grad_bias

    def dense(self) -> Array:
        """The kernel, shape (out_channels, in_channels, height, width), in the layer's dtype."""
        shape = (self.out_channels, self.in_channels, *self.kernel_shape)
        result = np.empty(shape, self.dtype)
        call(lib.ttk_convolution_to_array, self._handle, byref(view(result)))
        return result

    def close(self) -> None:
        """Free the memory now; may be repeated. Every later use raises ValueError."""
        super().close()
        self._plans.clear()

    def __repr__(self) -> str:
        return (f"Conv2d(in_channels={self.in_channels}, out_channels={self.out_channels}, "
                f"kernel_shape={self.kernel_shape}, spec={self.spec!r})")


def _pair(value: Pair, name: str, least: int) -> tuple[int, int]:
    entries = several(value)
    if entries is not None:
        if len(entries) != 2:
            raise ValueError(f"{name} has {len(entries)} values, expected one or two")
        return integer(entries[0], name, least), integer(entries[1], name, least)
    one = integer(value, name, least)  # type: ignore[arg-type]
    return one, one


def _steps(stride: Pair, padding: Pair, dilation: Pair) -> _abi.ttk_convolution_steps:
    steps = _abi.ttk_convolution_steps(struct_size=sizeof(_abi.ttk_convolution_steps))
    steps.stride_height, steps.stride_width = _pair(stride, "stride", 1)
    steps.padding_height, steps.padding_width = _pair(padding, "padding", 0)
    steps.dilation_height, steps.dilation_width = _pair(dilation, "dilation", 1)
    return steps
