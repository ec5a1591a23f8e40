"""Formats of convolution kernels: builders of spec strings, as in `ttkit.formats`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import SupportsIndex

from .formats import Format, Ranks, _check_rtol


@dataclass(frozen=True)
class CPConvolution(Format):
    """Four small convolutions: 1 x 1, each channel along height, along width, 1 x 1.

    ``K[o, i, s, t] = sum_r O[o, r] I[r, i] S[r, s] T[r, t]``; cores in the order I, S, T, O.

    References
    ----------
    V. Lebedev et al., Speeding-up Convolutional Neural Networks Using Fine-tuned CP-Decomposition,
    ICLR 2015.

    >>> import ttkit as tk
    >>> str(tk.CPConvolution(64))
    'cp_convolution(rank=64)'
    """

    rank: SupportsIndex
    _word = "cp_convolution"


@dataclass(frozen=True, init=False)
class TuckerConvolution(Format):
    """Three convolutions: 1 x 1 to `inputs` channels, a dense window to `outputs`, 1 x 1 (Tucker-2).

    ``K[o, i, s, t] = sum_ab O[o, b] C[b, a, s, t] I[a, i]``; cores in the order I, C, O.

    References
    ----------
    Y.-D. Kim et al., Compression of Deep Convolutional Neural Networks for Fast and Low Power Mobile
    Applications, ICLR 2016.

    >>> import ttkit as tk
    >>> str(tk.TuckerConvolution((32, 48)))
    'tucker_convolution(in=32, out=48)'
    """

    inputs: SupportsIndex
    outputs: SupportsIndex
    _word = "tucker_convolution"

    def __init__(self, ranks: Ranks) -> None:
        try:
            inputs, outputs = ranks  # type: ignore[misc]
        except TypeError:
            inputs = outputs = ranks
        except ValueError:
            raise ValueError(f"ranks is {ranks}, expected two: of inputs, of outputs") from None
        object.__setattr__(self, "inputs", inputs)
        object.__setattr__(self, "outputs", outputs)

    def __str__(self) -> str:
        return super().__str__().replace("inputs=", "in=").replace("outputs=", "out=")


@dataclass(frozen=True)
class TrainConvolution(Format):
    """A tensor train over inputs, height, width, outputs: 1 x 1, h x 1, 1 x w, 1 x 1.

    ``K[o, i, s, t] = sum_abc A[a, i] B[b, a, s] C[c, b, t] D[o, c]``; `rank` caps the three bonds or
    is a sequence of three.

    >>> import ttkit as tk
    >>> str(tk.TrainConvolution((16, 24, 24)))
    'train_convolution(rank=16x24x24)'
    """

    rank: Ranks
    rtol: float | None = None
    _word = "train_convolution"

    def __post_init__(self) -> None:
        _check_rtol(self.rtol)
