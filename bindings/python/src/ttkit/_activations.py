"""Element-wise parts of a transformer in float32, in place and in blocks that stay in cache."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

_BLOCK = 16384  # elements: three scratch blocks of 64 KiB stay in the second-level cache

# erfc(z) = (a1 t + ... + a5 t^5) exp(-z^2), t = 1 / (1 + p z), z >= 0; error below 1.5e-7.
# Source: M. Abramowitz, I. A. Stegun, Handbook of Mathematical Functions, 7.1.26.
_P = np.float32(0.3275911)
_A = [np.float32(a) for a in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592)]
_SQRT_HALF = np.float32(math.sqrt(0.5))


def gelu(x: Floats) -> Floats:
    """Replace x by x Phi(x), Phi the normal distribution function; `x` must be compact.

    The absolute error is below 2e-7 (1 + abs(x)).
    """
    flat = x.reshape(-1)
    z, t, p = (np.empty(min(_BLOCK, flat.size), np.float32) for _ in range(3))
    for first in range(0, flat.size, _BLOCK):
        v = flat[first : first + _BLOCK]
        _gelu_block(v, z[: v.size], t[: v.size], p[: v.size])
    return x


def _gelu_block(v: Floats, z: Floats, t: Floats, p: Floats) -> None:
    """x Phi(x) = (x + abs(x) - abs(x) erfc(abs(x) / sqrt 2)) / 2, which loses nothing at x < 0."""
    np.abs(v, out=z)
    np.multiply(z, _P * _SQRT_HALF, out=t)
    t += np.float32(1)
    np.divide(np.float32(1), t, out=t)
    np.multiply(t, _A[0], out=p)
    for a in _A[1:]:
        p += a
        p *= t
    np.multiply(z, z, out=t)
    t *= np.float32(-0.5)
    np.exp(t, out=t)
    p *= t
    p *= z
    v += z
    v -= p
    v *= np.float32(0.5)


def layer_norm(x: Floats, scale: Floats, offset: Floats, eps: float) -> Floats:
    """Replace each row by (row - mean) / sqrt(variance + eps) * scale + offset."""
    x -= x.mean(-1, keepdims=True)
    variance = np.einsum("...i,...i->...", x, x)[..., None] / np.float32(x.shape[-1])
    x /= np.sqrt(variance + np.float32(eps))
    x *= scale
    x += offset
    return x


def softmax(x: Floats) -> Floats:
    """Replace each row by exp(row) / sum(exp(row))."""
    x -= x.max(-1, keepdims=True)
    np.exp(x, out=x)
    x /= x.sum(-1, keepdims=True)
    return x
