"""A progress bar on standard error, on a terminal only."""

from __future__ import annotations

import sys
from typing import Any, Self

from .messages import printable

_WIDTH = 30


class Progress:
    """A bar from the first step on, wiped at the end; tqdm's where it is installed."""

    def __init__(self, shown: bool, unit: str) -> None:
        self._shown = shown and sys.stderr.isatty()
        self._unit = unit
        self._bar: Any = None
        self._length = 0

    def step(self, name: str, done: int, total: int) -> None:
        """Show that `done` of `total` are done, the last of them `name`."""
        if not self._shown:
            return
        if self._bar is None and not self._length:
            self._bar = _tqdm(total, self._unit)
        if self._bar is None:
            self._plain(name, done, total)
        else:
            self._bar.set_postfix_str(printable(name)[-40:], refresh=False)
            self._bar.update(done - self._bar.n)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
        elif self._length:
            print("\r" + " " * self._length + "\r", end="", file=sys.stderr, flush=True)

    def _plain(self, name: str, done: int, total: int) -> None:
        filled = _WIDTH * done // max(total, 1)
        line = f"[{'#' * filled:{_WIDTH}}] {done}/{total} {printable(name)[-35:]}"
        padded = line.ljust(self._length)
        self._length = len(line)
        print("\r" + padded, end="", file=sys.stderr, flush=True)


def _tqdm(total: int, unit: str) -> Any:
    try:
        from tqdm import tqdm  # type: ignore[import-untyped, import-not-found, unused-ignore]
    except ImportError:
        return None
    return tqdm(total=total, unit=f" {unit}", leave=False, file=sys.stderr, dynamic_ncols=True)
