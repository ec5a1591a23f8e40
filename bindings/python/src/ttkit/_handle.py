"""Library objects that free themselves, once, when nobody uses them any more."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from ctypes import byref, c_void_p
from typing import NoReturn, Self

from ._call import Callback, call


class Owned:
    """Sole owner of a library object; passes as an argument, which keeps it alive for the call."""

    __slots__ = ("_as_parameter_", "address", "__weakref__")

    def __init__(self, address: int, destroy: Callable[[int], None]) -> None:
        self.address = self._as_parameter_ = address  # the latter is what ctypes passes
        weakref.finalize(self, destroy, address).atexit = False  # the process frees all by ending

    def __reduce__(self) -> NoReturn:
        raise TypeError("a ttkit object lives in its process: save it to a file and open that")


def create(
    destroy: Callable[[int], None],
    function: Callable[..., int],
    *arguments: object,
    callbacks: tuple[Callback, ...] = (),
    partial: Callable[[Owned], object] | None = None,
) -> Owned:
    """Call a function whose last parameter is the place for a new object."""
    out = c_void_p()

    def stopped() -> object:
        return None if out.value is None or partial is None else partial(Owned(out.value, destroy))

    call(function, *arguments, byref(out), callbacks=callbacks, partial=stopped)
    assert out.value is not None
    return Owned(out.value, destroy)


class Closable:
    """Base of the public classes: `close()`, `with`, and a clear error after closing.

    Closing lets go of the library object; a call that another thread is in still ends well.
    """

    __slots__ = ("_owned", "__weakref__")
    _owned: Owned | None

    def __init__(self, owned: Owned) -> None:
        self._owned = owned

    @property
    def _handle(self) -> Owned:
        owned = self._owned
        if owned is None:
            raise ValueError(f"this {type(self).__name__} is closed")
        return owned

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._owned is None

    def close(self) -> None:
        """Free the memory now; may be repeated. Every later use raises ValueError."""
        self._owned = None

    def __enter__(self) -> Self:
        self._handle  # noqa: B018 (raises when closed)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
