"""Exceptions. A failed call of the library raises the Python exception of its status."""

import numpy as np

from . import _abi


class TTKitError(RuntimeError):
    """A failure that no built-in exception describes: a damaged file, a stop, a defect."""


_BY_STATUS: dict[int, type[Exception]] = {
    _abi.TTK_ERROR_ARGUMENT: ValueError,
    _abi.TTK_ERROR_DTYPE: TypeError,
    _abi.TTK_ERROR_SIZE: ValueError,
    _abi.TTK_ERROR_MEMORY: MemoryError,
    _abi.TTK_ERROR_NONFINITE: ValueError,
    _abi.TTK_ERROR_CONVERGENCE: np.linalg.LinAlgError,
    _abi.TTK_ERROR_IO: OSError,
}


def exception(status: int, message: str) -> Exception:
    """The exception of a status; unknown ones are errors of the library."""
    return _BY_STATUS.get(status, TTKitError)(message)
