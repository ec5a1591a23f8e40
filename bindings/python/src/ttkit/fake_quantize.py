"""The quantiser of a training loop: few levels, still in floats, with gradients for its scale."""

from __future__ import annotations

from ctypes import byref, sizeof
from typing import SupportsIndex

import numpy as np
import numpy.typing as npt

from . import _abi
from ._array import Array, view
from ._call import call
from ._library import library as lib
from ._options import integer

_RULES = {"lsq": _abi.TTK_GRADIENT_LSQ, "plain": _abi.TTK_GRADIENT_PLAIN}


def fake_quantize(
    x: npt.ArrayLike,
    scale: npt.ArrayLike,
    bits: SupportsIndex,
    *,
    group: SupportsIndex | None = None,
    unsigned: bool = False,
    out: Array | None = None,
) -> Array:
    """Round to the levels ``-2**(bits-1) .. 2**(bits-1)-1`` times `scale`, staying in floats.

    Parameters
    ----------
    x : array_like
        float32 or float64; NaN stays NaN, infinity becomes the outermost level.
    scale : array_like
        Positive: one number for the whole array; for a matrix also of shape ``(rows,)``,
        ``(rows, 1)`` or ``(rows, groups)``. Taken in the dtype of `x`.
    bits : int
        2 to 8.
    group : int, optional
        Elements of a row that share a scale; else as many as the shape of `scale` says.
    unsigned : bool
        Levels ``0 .. 2**bits-1``.
    out : ndarray, optional
        Gets the result; may be `x`.

    Returns
    -------
    ndarray, as `x`

    Raises
    ------
    ValueError, TypeError, MemoryError

    Examples
    --------
    >>> import ttkit as tk
    >>> tk.fake_quantize([0.24, -0.9, 0.04], 0.1, 4).tolist()
    [0.2, -0.8, 0.0]
    """
    given, scales = _operands(x, scale)
    options = _options(bits, group, unsigned, "lsq")
    y = np.empty(given.shape, given.dtype) if out is None else out
    call(lib.ttk_fake_quantize, byref(view(given)), byref(view(scales)), byref(options),
         byref(_writable(y, given, "out")))
    return y


def fake_quantize_vjp(
    x: npt.ArrayLike,
    scale: npt.ArrayLike,
    bits: SupportsIndex,
    grad: npt.ArrayLike,
    *,
    group: SupportsIndex | None = None,
    unsigned: bool = False,
    rule: str = "lsq",
) -> tuple[Array, Array]:
    """Gradients of `fake_quantize` for `grad`, the gradient of its result.

    Parameters
    ----------
    x, scale, bits, group, unsigned
        As given to `fake_quantize`.
    grad : array_like
        Shape of `x`.
    rule : str
        ``"lsq"`` divides gradients of a scale by the root of the elements that share it times the
        largest level [1]_; ``"plain"`` does not [2]_.

    Returns
    -------
    grad_x : ndarray, as `x`
        `grad` inside the range, 0 outside.
    grad_scale : ndarray, shape of `scale`

    Raises
    ------
    ValueError, TypeError, MemoryError

    References
    ----------
    .. [1] S. Esser et al., "Learned Step Size Quantization", ICLR 2020.
    .. [2] Z. Yang et al., "Quantization-Aware and Tensor-Compressed Training of Transformers",
       Interspeech 2023.

    Examples
    --------
    >>> import ttkit as tk
    >>> gx, gs = tk.fake_quantize_vjp([0.24, -0.9], 0.1, 4, [1.0, 1.0], rule="plain")
    >>> gx.tolist(), round(float(gs), 6)
    ([1.0, 0.0], -8.4)
    """
    given, scales = _operands(x, scale)
    slope = np.asarray(grad)
    if not np.can_cast(slope.dtype, given.dtype, "same_kind"):
        raise TypeError(f"grad has dtype {slope.dtype}, expected {given.dtype} as x")
    options = _options(bits, group, unsigned, rule)
    grad_x = np.empty(given.shape, given.dtype)
    grad_scale = np.empty(scales.shape, given.dtype)
    call(lib.ttk_fake_quantize_vjp, byref(view(given)), byref(view(scales)), byref(options),
         byref(view(slope.astype(given.dtype, copy=False))), byref(view(grad_x)),
         byref(view(grad_scale)))
    return grad_x, grad_scale


def _operands(x: npt.ArrayLike, scale: npt.ArrayLike) -> tuple[Array, Array]:
    """x in float32 or float64, and the scale in its dtype."""
    given = np.asarray(x)
    if given.dtype not in (np.float32, np.float64):
        if given.dtype.kind not in "iub" and given.dtype != np.float16:
            raise TypeError(f"x has dtype {given.dtype}, expected float32 or float64")
        given = given.astype(np.float32 if given.dtype == np.float16 else np.float64)
    scales = np.asarray(scale)
    if not np.can_cast(scales.dtype, given.dtype, "same_kind"):
        raise TypeError(f"scale has dtype {scales.dtype}, expected {given.dtype} as x")
    return given, scales.astype(given.dtype, copy=False)


def _writable(y: Array, x: Array, name: str) -> _abi.ttk_array:
    if not isinstance(y, np.ndarray) or y.dtype != x.dtype or y.shape != x.shape:
        raise ValueError(f"{name} is not an array of {x.dtype}, shape {x.shape}")
    if not y.flags.writeable or not y.flags.aligned or any(s % y.itemsize for s in y.strides):
        raise ValueError(f"{name} cannot be written by the library")
    return view(y)


def _options(
    bits: SupportsIndex, group: SupportsIndex | None, unsigned: bool, rule: str
) -> _abi.ttk_fake_quantize_options:
    options = _abi.ttk_fake_quantize_options(struct_size=sizeof(_abi.ttk_fake_quantize_options))
    options.bits = integer(bits, "bits", 1, 32)  # 0 means 8 to the library
    options.group = 0 if group is None else integer(group, "group", 1)
    options.is_unsigned = int(bool(unsigned))
    options.rule = rule_of(rule)
    return options


def rule_of(rule: str) -> int:
    """The ttk_gradient_rule of a name."""
    if rule not in _RULES:
        raise ValueError(f"rule is {rule!r}, expected 'lsq' or 'plain'")
    return _RULES[rule]
