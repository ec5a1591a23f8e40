"""Formats: small builders of spec strings such as "low_rank(rank=64)@int8(group=64)".

A spec string works wherever a format does; the library holds the one parser.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import SupportsIndex, TypeAlias

from ._spelling import spelled
from .storages import Storage

Lengths: TypeAlias = Sequence[SupportsIndex]
Ranks: TypeAlias = SupportsIndex | Sequence[SupportsIndex]


class Format:
    """How a weight is built of cores. Write ``format @ storage`` to say how they are stored."""

    _word = ""

    def __str__(self) -> str:
        return spelled(self, self._word)

    def __matmul__(self, storage: Storage | str) -> Stored:
        return Stored(self, storage)

    def __add__(self, other: Format) -> Sum:
        return Sum(self, other)


@dataclass(frozen=True)
class Dense(Format):
    """The matrix itself, one core.

    >>> import ttkit as tk
    >>> str(tk.Dense() @ tk.Int(8, group=64))
    'dense@int8(group=64)'
    """

    _word = "dense"


@dataclass(frozen=True)
class LowRank(Format):
    """Two factors of `rank` columns and rows.

    `rtol`, from 0 to 1, is the allowed relative Frobenius error.

    >>> import ttkit as tk
    >>> str(tk.LowRank(64))
    'low_rank(rank=64)'
    """

    rank: SupportsIndex
    rtol: float | None = None
    _word = "low_rank"

    def __post_init__(self) -> None:
        _check_rtol(self.rtol)


@dataclass(frozen=True)
class TrainLinear(Format):
    """A tensor train over the digits of the column number, then those of the row number.

    Core k has shape ``(r[k], n[k], r[k+1])`` with n the digits of `columns`, then those of `rows`,
    and ``r[0] == r[-1] == 1``; `rank` caps all inner bonds, or is a sequence, one for each of them.

    >>> import ttkit as tk
    >>> str(tk.TrainLinear(rows=(8, 8), columns=(4, 16), rank=8))
    'train(rows=8x8, columns=4x16, rank=8)'
    """

    rows: Lengths
    columns: Lengths
    rank: Ranks
    rtol: float | None = None
    _word = "train"

    def __post_init__(self) -> None:
        _check_rtol(self.rtol)


@dataclass(frozen=True)
class TrainMatrix(Format):
    """A matrix product operator: each core carries one digit of the row and of the column number.

    >>> import ttkit as tk
    >>> str(tk.TrainMatrix(rows=(8, 8), columns=(4, 16), rank=8))
    'train_matrix(rows=8x8, columns=4x16, rank=8)'
    """

    rows: Lengths
    columns: Lengths
    rank: Ranks
    rtol: float | None = None
    _word = "train_matrix"

    def __post_init__(self) -> None:
        _check_rtol(self.rtol)


@dataclass(frozen=True)
class Rotation(Format):
    """The matrix times an orthogonal transform, which activations then meet first.

    Outliers vanish in the crowd: numbers become Gaussian, so low bits lose the same on any weight.

    Parameters
    ----------
    transform : str
        ``"hadamard"`` (the default), ``"dct"`` or ``"orthogonal"``; see `orthogonal_transform`.
    seed : int, optional

    >>> import ttkit as tk
    >>> str(tk.Rotation(transform="dct") @ tk.Int(4, group=32))
    'rotation(transform=dct)@int4(group=32)'
    """

    transform: str = "hadamard"
    seed: SupportsIndex | None = None
    _word = "rotation"


@dataclass(frozen=True)
class Kashin(Format):
    """``U + V Q^T`` with the entries of both bunched around few values; Q as in `kashin`.

    Parameters
    ----------
    transform, seed
        As in `Rotation`; ``"dct"`` by default.
    code : str, optional
        ``"joint"``: a code of `KMeans` selects a pair of entries of U and V (the default);
        ``"split"``: U and V are stored side by side, each with scales or codebooks of its own.
    method : str, optional
        ``"alternating"`` (the default) or ``"greedy"``; see `kashin`.

    >>> import ttkit as tk
    >>> str(tk.Kashin() @ tk.KMeans(4))
    'kashin(transform=dct)@kmeans4'
    """

    transform: str = "dct"
    seed: SupportsIndex | None = None
    code: str | None = None
    method: str | None = None
    _word = "kashin"


@dataclass(frozen=True)
class Sparse(Format):
    """A few entries of the weight, anywhere in it, beside other terms of a sum: its outliers.

    Entries are kept where the other terms lose most [1]_; beside low bits that is what would stretch
    or leave their grids. The core has the weight's shape, with zeros elsewhere; values are stored as
    floats, each with its column in two bytes (four beyond 32768 columns).

    Parameters
    ----------
    share : float, optional
        Of all entries, above 0, at most 1.
    count : int, optional
        How many, in place of `share`.

    References
    ----------
    .. [1] T. Dettmers et al., "SpQR: A sparse-quantized representation for near-lossless LLM weight
       compression", ICLR 2024.

    >>> import ttkit as tk
    >>> str(tk.Sparse(0.005) @ tk.Float16() + tk.Dense() @ tk.Int(4, group="row"))
    'sparse(share=0.005)@float16 + dense@int4(group=row)'
    """

    share: float | None = None
    count: SupportsIndex | None = None
    _word = "sparse"

    def __post_init__(self) -> None:
        if (self.share is None) == (self.count is None):
            raise ValueError("sparse entries need a share or a count, one of them")
        if self.share is not None and not 0 < self.share <= 1:  # false of NaN
            raise ValueError(f"share is {self.share}, expected a number above 0, at most 1")


@dataclass(frozen=True)
class Stored(Format):
    """A format with the storage of its cores; ``format @ storage`` makes it."""

    format: Format | str
    storage: Storage | str

    def __post_init__(self) -> None:
        if not isinstance(self.format, (str, Format)):
            raise TypeError(
                f"format is a {type(self.format).__name__}, expected a format or a spec string")
        if not isinstance(self.storage, (str, Storage)):
            raise TypeError(
                f"storage is a {type(self.storage).__name__}, expected a storage or its spec")
        if "@" in str(self.format):
            raise ValueError(f"{self.format} names a storage already")
        if isinstance(self.format, str) and "+" in self.format:
            raise ValueError(f"{self.format} has several terms, expected a storage in each")

    def __str__(self) -> str:
        if isinstance(self.format, Sum):
            return " + ".join(f"{term}@{self.storage}" for term in self.format.terms)
        return f"{self.format}@{self.storage}"


@dataclass(frozen=True, init=False)
class Sum(Format):
    """The sum of several formats, each fitted to what the ones before it left over.

    >>> import ttkit as tk
    >>> str(tk.Sum(tk.LowRank(16), tk.Dense() @ tk.Int(8, group=64)))
    'low_rank(rank=16) + dense@int8(group=64)'
    """

    terms: tuple[Format | str, ...]

    def __init__(self, *terms: Format | str) -> None:
        if not terms:
            raise ValueError("a sum of no formats, expected at least one")
        object.__setattr__(self, "terms", terms)

    def __str__(self) -> str:
        return " + ".join(str(term) for term in self.terms)


def spec_of(format: Format | str, storage: Storage | str | None = None) -> str:
    """The spec string of a format, or a spec string itself, with an optional storage."""
    if not isinstance(format, (str, Format)):
        raise TypeError(f"format is a {type(format).__name__}, expected a format or a spec string")
    if storage is None:
        return str(format)
    return str(Stored(format, storage))


def _check_rtol(rtol: float | None) -> None:
    if rtol is not None and not 0 <= rtol <= 1:  # false of NaN
        raise ValueError(f"rtol is {rtol}, expected a number from 0 to 1")
