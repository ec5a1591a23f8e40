"""Errors as one sentence."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable
from pathlib import Path


def sentence(error: BaseException) -> str:
    """What an exception says, on one line."""
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        said = f"cannot use {error.filename}: {error.strerror}"
    else:
        said = str(error.args[0] if len(error.args) == 1 else error)
    return printable(said) or ("out of memory" if isinstance(error, MemoryError)
                               else type(error).__name__)


def warn(message: str, prog: str = "ttkit") -> None:
    """Write to standard error; losing that is no failure."""
    try:
        print(f"{prog}: {message}", file=sys.stderr, flush=True)
    except OSError:
        pass


def printable(text: str) -> str:
    """Text of unknown origin for a terminal: one line, control characters escaped."""
    joined = " ".join(text.split("\n")) if "\n" in text else text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in joined)


def nearest(word: str, known: Iterable[str]) -> str:
    """"; did you mean X?", or nothing when nothing is near."""
    near = difflib.get_close_matches(word, list(known), 1)
    return f"; did you mean {near[0]}?" if near else ""


def existing(path: str) -> Path:
    """A path that is there.

    Raises
    ------
    FileNotFoundError
        If it is not; the message names the nearest name in its folder.
    """
    given = Path(path)
    if given.exists():
        return given
    try:
        names = [entry.name for entry in given.parent.iterdir()]
    except OSError:
        names = []
    near = difflib.get_close_matches(given.name, names, 1)
    hint = f"; did you mean {given.with_name(near[0])}?" if near else ""
    raise FileNotFoundError(f"cannot open {path}: there is no such file or folder{hint}")
