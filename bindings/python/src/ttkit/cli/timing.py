"""Times of several ways to do the same, taken in turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

ROUNDS = 20
_MOST_ROUNDS = 2000
_SAMPLE_SECONDS = 2e-4


class Spread(NamedTuple):
    """Seconds of one call: median and quartiles."""

    low: float
    median: float
    high: float

    @property
    def iqr(self) -> float:
        """The interquartile range."""
        return self.high - self.low


def interleaved(ways: Sequence[Callable[[], object]], seconds: float) -> tuple[list[Spread], int]:
    """Time each way in turns, at least 20 rounds and until `seconds` have passed; and the rounds.

    A sample is so many calls that it lasts 0.2 ms, so that the clock does not matter. The order
    is reversed in every other round: threads that the BLAS in the middle leaves spinning slow down
    whoever comes next, so the ways at both ends must come next equally often.
    """
    repeats = [_repeats(way) for way in ways]
    samples: list[list[float]] = [[] for _ in ways]
    end = time.perf_counter() + seconds
    order = range(len(ways))
    rounds = 0
    while rounds < ROUNDS or (time.perf_counter() < end and rounds < _MOST_ROUNDS):
        for i in order if rounds % 2 == 0 else reversed(order):
            samples[i].append(_time(ways[i], repeats[i]) / repeats[i])
        rounds += 1
    return [Spread(*statistics.quantiles(own, n=4, method="inclusive")) for own in samples], rounds


def limited_blas(threads: int) -> tuple[AbstractContextManager[object], int | None]:
    """A context in which NumPy's BLAS uses so many threads, if threadpoolctl is there to see to it.

    Returns the context, and the threads that hold in it: None where NumPy decides.
    """
    if threads == 0:
        return nullcontext(), None
    try:
        from threadpoolctl import (  # type: ignore[import-not-found, import-untyped, unused-ignore]
            threadpool_limits,
        )
    except ImportError:
        return nullcontext(), None
    context: AbstractContextManager[object] = threadpool_limits(threads)
    return context, threads


def _repeats(way: Callable[[], object]) -> int:
    """Calls in a sample; also warms up."""
    way()
    way()
    return max(1, min(10_000, int(_SAMPLE_SECONDS / max(_time(way, 1), 1e-7))))


def _time(way: Callable[[], object], count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        way()
    return time.perf_counter() - start
