"""Scratch memory for executing plans: one block a call, used again by later calls of any plan."""

from __future__ import annotations

import numpy as np

from ._array import Array, address

KEPT_NBYTES = 64 << 20  # larger blocks are freed after the call; the work on them outweighs that

_free: list[tuple[int, int, Array | None]] = []  # address, bytes, owner; append and pop are atomic


def take(nbytes: int) -> tuple[int, int, Array | None]:
    """A block of at least `nbytes` bytes that nobody else uses; give it back with `give`."""
    try:
        block = _free.pop()
    except IndexError:
        block = (0, 0, None)
    if block[1] >= nbytes:
        return block
    memory = np.empty(nbytes, np.uint8)
    return address(memory), nbytes, memory


def give(block: tuple[int, int, Array | None]) -> None:
    """Let the next call use the block."""
    if block[1] <= KEPT_NBYTES:
        _free.append(block)
