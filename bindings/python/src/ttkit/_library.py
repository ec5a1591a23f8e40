"""Finds and loads the shared library.

Looked for in this order: the file named by the environment variable TTKIT_LIBRARY, the copy that
ships beside this file, the system's. Functions get their signatures from `_abi` on first use.
"""

import ctypes
import os
import sys
from pathlib import Path
from typing import Any

from . import _abi
from .errors import TTKitError

_NAME = "libttkit.so"
_SONAME = "libttkit.so.0"


class Library:
    """The loaded library; its functions are attributes."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._handle = ctypes.CDLL(path)
        self._check_version()

    def __getattr__(self, name: str) -> Any:
        declared = _abi.FUNCTIONS.get(name)
        if declared is None:
            raise AttributeError(f"ttkit.h declares no function {name}")
        try:
            function = getattr(self._handle, name)
        except AttributeError:
            raise TTKitError(f"{self.path} lacks {name}; reinstall ttkit or rebuild it") from None
        function.restype, function.argtypes = declared
        setattr(self, name, function)  # the next access finds it at once
        return function

    @property
    def version(self) -> tuple[int, int, int]:
        """Version of the loaded library: major, minor, patch."""
        packed = int(self.ttk_version())
        return packed >> 16, packed >> 8 & 0xFF, packed & 0xFF

    def _check_version(self) -> None:
        wanted = (_abi.TTK_VERSION_MAJOR, _abi.TTK_VERSION_MINOR)
        found = self.version
        if found[0] != wanted[0] or found[1] < wanted[1]:
            raise ImportError(
                f"{self.path} is version {found[0]}.{found[1]}.{found[2]}, but this package was "
                f"made for {wanted[0]}.{wanted[1]}; reinstall ttkit, or point TTKIT_LIBRARY at a "
                f"library of version {wanted[0]}.{wanted[1]} or a later one of {wanted[0]}.x"
            )


def load() -> Library:
    """The first library found.

    Raises
    ------
    ImportError
        If there is none, or it is not of this package's version.
    """
    named = os.environ.get("TTKIT_LIBRARY")
    beside = Path(__file__).with_name(_NAME)
    candidate = named or (str(beside) if beside.exists() else _SONAME)
    try:
        return Library(candidate)
    except OSError as error:
        source = "named by TTKIT_LIBRARY" if named else "beside the package or on the system"
        raise ImportError(
            f"no usable {_NAME} {source}: {error}; build it with `make all` and set "
            f"TTKIT_LIBRARY=build/{_NAME}, or install the ttkit wheel"
        ) from error


def _for_program() -> Library:
    """The library; the program ttkit, which cannot catch what importing raises, ends in a sentence.

    Raises
    ------
    ImportError, or SystemExit in the program
    """
    try:
        return load()
    except ImportError as error:
        if not _is_program():
            raise
        raise SystemExit(f"ttkit: {error}") from None


def _is_program() -> bool:
    """Whether this process is ``ttkit`` or ``python -m ttkit``."""
    if Path(sys.argv[0] if sys.argv else "").name == "ttkit":
        return True
    given = sys.orig_argv[1:]
    return "-m" in given and given[given.index("-m") + 1 :][:1] == ["ttkit"]


library = _for_program()
