"""Storages: small builders of the part of a spec string after the ``@``, such as "int8(group=64)".
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import SupportsIndex

from ._spelling import group_of, spelled


class Storage:
    """How the numbers of a core are held."""

    _word = ""

    def __str__(self) -> str:
        return spelled(self, self._word)


@dataclass(frozen=True)
class Float64(Storage):
    """Eight bytes a number."""

    _word = "float64"


@dataclass(frozen=True)
class Float32(Storage):
    """Four bytes a number."""

    _word = "float32"


@dataclass(frozen=True)
class Float16(Storage):
    """Two bytes a number, 11 bits of precision."""

    _word = "float16"


@dataclass(frozen=True)
class BFloat16(Storage):
    """Two bytes a number, 8 bits of precision, the range of float32."""

    _word = "bfloat16"


@dataclass(frozen=True)
class Int(Storage):
    """Integers of 2 to 8 bits, one scale for each `group` neighbours in a row.

    Parameters
    ----------
    bits : int
        2 to 8.
    group : int or str, optional
        Elements that share a scale, ``"row"`` or ``"tensor"``; 64 if not given.
    symmetric : bool
        False gives each group an integer zero point of its own.

    >>> import ttkit as tk
    >>> str(tk.Int(8, group=64))
    'int8(group=64)'
    >>> str(tk.Int(3, group="row", symmetric=False))
    'int3(group=row, symmetric=false)'
    """

    bits: SupportsIndex
    group: SupportsIndex | str | None = None
    symmetric: bool = True

    def __str__(self) -> str:
        given = [] if self.group is None else [group_of(self.group)]
        if not self.symmetric:
            given.append("symmetric=false")
        return f"int{operator.index(self.bits)}" + (f"({', '.join(given)})" if given else "")


@dataclass(frozen=True)
class KMeans(Storage):
    """Indices of 1 to 8 bits into the values that serve best: 1-d k-means.

    Parameters
    ----------
    bits : int
        1 to 8.
    group : int or str, optional
        Elements that share a codebook, ``"row"`` or ``"tensor"``; the tensor if not given.

    >>> import ttkit as tk
    >>> str(tk.KMeans(4)), str(tk.KMeans(2, group="row"))
    ('kmeans4', 'kmeans2(group=row)')
    """

    bits: SupportsIndex
    group: SupportsIndex | str | None = None

    def __str__(self) -> str:
        word = f"kmeans{operator.index(self.bits)}"
        return word if self.group is None else f"{word}({group_of(self.group)})"


@dataclass(frozen=True)
class Lloyd(Storage):
    """Indices of 1 to 8 bits into one codebook, with a scale for each row: 1-d k-means of rows of
    equal size.

    `group` is ``"tensor"`` (one codebook) or ``"row"``; `Pairs` and `Quads` hold vectors.

    >>> import ttkit as tk
    >>> str(tk.Rotation() @ tk.Lloyd(4))
    'rotation(transform=hadamard)@lloyd4'
    """

    bits: SupportsIndex
    group: str | None = None
    _family = "lloyd"

    def __str__(self) -> str:
        word = f"{self._family}{operator.index(self.bits)}"
        return word if self.group is None else f"{word}({group_of(self.group)})"


@dataclass(frozen=True)
class Pairs(Lloyd):
    """Indices into a codebook of pairs: `bits` for two numbers.

    >>> import ttkit as tk
    >>> str(tk.Pairs(4))
    'pairs4'
    """

    _family = "pairs"


@dataclass(frozen=True)
class Quads(Lloyd):
    """Indices into a codebook of four numbers each: `bits` for four.

    >>> import ttkit as tk
    >>> str(tk.Quads(8))
    'quads8'
    """

    _family = "quads"
