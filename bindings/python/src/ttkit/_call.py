"""The one way into the library: a status becomes an exception.

ctypes keeps every argument referenced until the call returns, and lets go of the interpreter lock
meanwhile. The library's sentence on a failure belongs to the calling thread until its next call, so
it is read at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from ._abi import TTK_ERROR_CANCELLED
from ._library import library
from .errors import exception


class Callback:
    """A Python function the library may call; what it raises stops the call and comes out of it."""

    def __init__(self, prototype: Any, function: Callable[..., object]) -> None:
        self.error: BaseException | None = None
        self.refused = False

        def guarded(_context: int | None, *arguments: object) -> int:
            try:
                self.refused = self.refused or function(*arguments) is False
                return 1 if self.error is not None or self.refused else 0
            except BaseException as error:  # must not cross C: kept, and raised again by `call`
                self.error = error
                return 1

        self.pointer = prototype(guarded)


def call(
    function: Callable[..., int],
    *arguments: object,
    callbacks: Sequence[Callback] = (),
    partial: Callable[[], object] | None = None,
) -> None:
    """Call a function that returns a status.

    Parameters
    ----------
    function : a function of `_library.library`
    arguments : what ctypes accepts for its parameters
    callbacks : those among the arguments; their exceptions are raised again as they were
    partial : makes the result of a call that a callback stopped, for ``error.partial``; the
        attribute is None where there is none
    """
    status = function(*arguments)
    for callback in callbacks:
        if callback.error is not None:
            raise _with_partial(callback.error, partial if status == 0 else None)
    if status == TTK_ERROR_CANCELLED and callbacks and not any(c.refused for c in callbacks):
        # A signal between ctypes and `guarded` stops the call too, and leaves no exception behind.
        raise KeyboardInterrupt
    if status != 0:
        raise failure(status)


def failure(status: int) -> Exception:
    """The exception of the call that this thread made last."""
    return exception(status, library.ttk_last_error().decode("utf-8", "replace"))


def text(value: str | os.PathLike[str], name: str) -> bytes:
    """A string or path as the library takes it.

    Raises
    ------
    TypeError, ValueError
        If it is no string, or holds a null character.
    """
    if not isinstance(value, (str, os.PathLike)):
        raise TypeError(f"{name} is a {type(value).__name__}, expected a string or a path")
    plain = os.fspath(value)
    encoded = plain if isinstance(plain, bytes) else plain.encode("utf-8", "surrogateescape")
    if b"\0" in encoded:
        raise ValueError(f"{name} holds a null character at position {encoded.index(0)}")
    return encoded


def _with_partial(error: BaseException, partial: Callable[[], object] | None) -> BaseException:
    try:
        error.partial = None if partial is None else partial()  # type: ignore[attr-defined]
    except AttributeError:  # an exception class with slots takes no attribute
        pass
    return error
