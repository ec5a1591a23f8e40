"""Ctrl-C and termination during long calls.

A Python signal handler that raises would do so inside a callback of the library, where nobody can
catch it. Ours only takes a note while the library works; `check` raises it at the next weight.
"""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from types import FrameType
from typing import ParamSpec, Self, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Interrupts:
    """Notes SIGINT and SIGTERM while it is entered.

    Parameters
    ----------
    workers : bool
        Whether worker processes do the work: they are stopped at once, and the signal raises.
    """

    def __init__(self, workers: bool) -> None:
        self._workers = workers
        self._noted = 0
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def check(self) -> None:
        """Raise what was noted.

        Raises
        ------
        KeyboardInterrupt
        SystemExit
            With 143, for SIGTERM.
        """
        if self._noted == signal.SIGTERM:
            raise SystemExit(128 + signal.SIGTERM)
        if self._noted:
            raise KeyboardInterrupt("no output is left")

    def only_note(self) -> None:
        """From here on never raise by itself: what follows must not be cut in two."""
        self._workers = False

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self._noted = self._noted or number
        if self._workers:
            for worker in multiprocessing.active_children():
                worker.terminate()
            self.check()


class Workers(ProcessPoolExecutor):
    """Worker processes that Ctrl-C does not reach: `Interrupts` ends them."""

    def __init__(self, count: int) -> None:
        # Not forked: the library's threads would not be in the copy.
        super().__init__(count, multiprocessing.get_context("spawn"))

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Submit a call; the process this may start inherits the blocked signal."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return super().submit(fn, *args, **kwargs)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
