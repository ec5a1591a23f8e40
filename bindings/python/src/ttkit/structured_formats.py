"""Formats of structured matrices: Monarch, block tensor train, Kronecker, canonical, Tucker.

Builders of spec strings, as in `ttkit.formats`; the equations below say how the cores, as
`Linear.cores` and `Linear.from_cores` have them, make the weight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import SupportsIndex

from .formats import Format, Lengths, Ranks, _check_rtol


@dataclass(frozen=True)
class Monarch(Format):
    """The product of two block-diagonal matrices with a permutation between and after them.

    Two cores, ``W[(a b), (c e)] = sum_s L[a, b, c, s] R[s, b, c, e]`` with `b` and `c` below
    `blocks`, which divides the number of columns; rows are padded to a multiple.

    >>> import ttkit as tk
    >>> str(tk.Monarch(32))
    'monarch(blocks=32)'
    """

    blocks: SupportsIndex
    _word = "monarch"


@dataclass(frozen=True)
class BlockTensorTrain(Format):
    """A tensor train whose cores share no numbers over the digits they pass by.

    As many factors of rows as of columns, at least two. With two cores,
    ``W[(a b), (c e)] = sum_s L[a, b, c, s] R[s, b, c, e]``, as Monarch, of any factors and rank.

    >>> import ttkit as tk
    >>> str(tk.BlockTensorTrain(rows=(32, 32), columns=(32, 32), rank=4))
    'block_tensor_train(rows=32x32, columns=32x32, rank=4)'
    """

    rows: Lengths
    columns: Lengths
    rank: Ranks
    rtol: float | None = None
    _word = "block_tensor_train"

    def __post_init__(self) -> None:
        _check_rtol(self.rtol)


@dataclass(frozen=True)
class Kronecker(Format):
    """The Kronecker product of small matrices; core k has shape ``(rows[k], columns[k])``.

    >>> import ttkit as tk
    >>> str(tk.Kronecker(rows=(32, 24), columns=(24, 32)))
    'kronecker(rows=32x24, columns=24x32)'
    """

    rows: Lengths
    columns: Lengths
    _word = "kronecker"


@dataclass(frozen=True)
class CP(Format):
    """A sum of `rank` product tensors over the factors of rows and columns (canonical).

    One core a factor, those of the rows first, of shape ``(factor, rank)``; with two of each,
    ``W[(a b), (c e)] = sum_r A[a, r] B[b, r] C[c, r] E[e, r]``.

    >>> import ttkit as tk
    >>> str(tk.CP(rows=(24, 32), columns=(32, 24), rank=16))
    'cp(rows=24x32, columns=32x24, rank=16)'
    """

    rows: Lengths
    columns: Lengths
    rank: SupportsIndex
    _word = "cp"


@dataclass(frozen=True)
class TuckerLinear(Format):
    """A small full core with one thin matrix for each factor of rows and columns.

    The full core comes first, then those of shape ``(factor, rank)``, the rows' before the
    columns'. A sequence of ranks has one for each factor, in that order.

    >>> import ttkit as tk
    >>> str(tk.TuckerLinear(rows=(24, 32), columns=(32, 24), rank=(8, 12, 12, 8)))
    'tucker(rows=24x32, columns=32x24, rank=8x12x12x8)'
    """

    rows: Lengths
    columns: Lengths
    rank: Ranks
    rtol: float | None = None
    _word = "tucker"

    def __post_init__(self) -> None:
        _check_rtol(self.rtol)


@dataclass(frozen=True)
class HierarchicalTucker(Format):
    """A balanced binary tree of small cores over the factors of rows, then those of columns.

    Cores from the root on, left sides first: inner nodes have shape ``(rank of left, rank of right,
    own rank)``, leaves ``(factor, rank)``; the root has no own rank.

    >>> import ttkit as tk
    >>> str(tk.HierarchicalTucker(rows=(24, 32), columns=(32, 24), rank=12))
    'hierarchical_tucker(rows=24x32, columns=32x24, rank=12)'
    """

    rows: Lengths
    columns: Lengths
    rank: Ranks
    rtol: float | None = None
    _word = "hierarchical_tucker"

    def __post_init__(self) -> None:
        _check_rtol(self.rtol)


@dataclass(frozen=True)
class TokenTrain(Format):
    """A tensor train for each row of a table; rows share nothing (TensorGPT).

    Core k has shape ``(rows, r[k], shape[k], r[k+1])``; `shape` multiplies to the length of a row. A
    `TrainMatrix` shares its cores between rows and needs fewer numbers at equal error.

    >>> import ttkit as tk
    >>> str(tk.TokenTrain(shape=(8, 8, 12), rank=2))
    'token_train(shape=8x8x12, rank=2)'
    """

    shape: Lengths
    rank: Ranks
    _word = "token_train"
