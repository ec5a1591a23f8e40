"""Whole numbers from callers, checked before ctypes would cut them to the width of a field."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import SupportsIndex


def count(value: SupportsIndex, name: str, least: int = 0, most: int = 2**63 - 1) -> int:
    """`value` as an int from `least` to `most`.

    Raises
    ------
    TypeError
        If it is no integer.
    ValueError
        If it is out of range.
    """
    try:
        found = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is a {type(value).__name__}, expected an integer") from None
    if not least <= found <= most:
        raise ValueError(f"{name} is {found}, expected {least} to {most}")
    return found


def counts(
    values: Iterable[SupportsIndex] | SupportsIndex, name: str, least: int
) -> tuple[int, ...]:
    """Lengths as a tuple of ints of at least `least`; an integer alone is one length.

    Raises
    ------
    TypeError, ValueError
        As `count`.
    """
    if isinstance(values, Iterable) and not isinstance(values, (str, bytes)):
        return tuple(count(value, f"{name}[{k}]", least) for k, value in enumerate(values))
    if isinstance(values, SupportsIndex):
        return (count(values, name, least),)
    raise TypeError(f"{name} is a {type(values).__name__}, expected integers")
