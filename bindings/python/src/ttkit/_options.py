"""Options structs of the library, filled from keyword arguments."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from ctypes import c_int64, sizeof
from typing import Any, SupportsIndex, TypeAlias

import numpy as np

from . import _abi
from ._call import Callback

Rank: TypeAlias = SupportsIndex | Iterable[SupportsIndex] | None
"""None: unbounded; an integer: one cap for every bond; several, or an array: one for each inner bond."""

Progress: TypeAlias = Callable[[str, int, int], object]
"""Called with the stage, the steps done and their total (0: unknown); False or raising stops."""


def svd_options(
    order: int,
    rank: Rank,
    rtol: float,
    atol: float,
    threads: int,
    progress: Progress | None = None,
) -> tuple[_abi.ttk_svd_options, tuple[Callback, ...]]:
    """Options of a truncation of a train with `order` modes, and the callbacks they point to."""
    options = _abi.ttk_svd_options(struct_size=sizeof(_abi.ttk_svd_options))
    options.rtol, options.atol = rtol, atol
    options.threads = integer(threads, "threads", 0, 32)
    cap_ranks(options, rank, order - 1, "one for each inner bond")
    callbacks = progress_callback(progress)
    if callbacks:
        options.progress = callbacks[0].pointer
    return options, callbacks


def cap_ranks(options: Any, rank: Rank, count: int, meaning: str) -> None:
    """Set `max_rank`, or `max_ranks` to `count` caps, in any options struct that has both."""
    given = several(rank)
    if given is not None:
        caps = [integer(r, f"rank[{k}]", 1) for k, r in enumerate(given)]
        if len(caps) != count:
            raise ValueError(f"rank has {len(caps)} entries, expected {count}: {meaning}")
        options.max_ranks = (c_int64 * max(len(caps), 1))(*caps)
    elif rank is not None:
        options.max_rank = integer(rank, "rank", 1)  # type: ignore[arg-type]


def several(value: object) -> tuple[Any, ...] | None:
    """The entries of a sequence, an array or another iterable; None for a single value.

    NumPy's integers and arrays without axes are single values, and so is text.
    """
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        return None
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return None
    return tuple(value)


def progress_callback(progress: Progress | None) -> tuple[Callback, ...]:
    """The callback that reports to `progress`, to be kept alive for the call; none for None."""
    if progress is None:
        return ()
    wanted = progress

    def report(stage: bytes, done: int, total: int) -> object:
        return wanted(stage.decode(), done, total)

    return (Callback(_abi.ttk_progress, report),)


def integer(value: SupportsIndex, name: str, low: int, bits: int = 64) -> int:
    """An int from `low` on that a signed C integer of so many bits holds; ctypes would cut it off.

    Raises
    ------
    TypeError
        If it is no integer.
    ValueError
        If it is smaller than `low`, or too large.
    """
    try:
        found = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is a {type(value).__name__}, expected an integer") from None
    high = (1 << (bits - 1)) - 1
    if found < low:
        raise ValueError(f"{name} is {found}, expected at least {low}")
    if found > high:
        raise ValueError(f"{name} is {found}, expected at most {high}")
    return found


def lengths(
    values: Iterable[SupportsIndex] | SupportsIndex, name: str, low: int = 1
) -> tuple[int, ...]:
    """Lengths as a tuple of ints of at least `low`; an integer alone is one length."""
    given = several(values)
    if given is not None:
        return tuple(integer(value, f"{name}[{k}]", low) for k, value in enumerate(given))
    return (integer(values, name, low),)  # type: ignore[arg-type]


def choice(value: Any, choices: dict[Any, int], name: str) -> int:
    """The code of one of some words."""
    code = choices.get(value) if value is None or isinstance(value, str) else None
    if code is None:
        *others, last = (repr(one) for one in choices)
        raise ValueError(f"{name} is {value!r}, expected {', '.join(others)} or {last}")
    return code
