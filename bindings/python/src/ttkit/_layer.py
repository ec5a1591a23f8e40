"""What linear layers and embeddings share: their description, their cores, their plans."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from ctypes import POINTER, byref, c_int32, c_int64, sizeof
from typing import Any, Self, SupportsIndex

import numpy as np
import numpy.typing as npt

from . import _abi
from ._array import Array, ArrayView, code_of, dtype_of, view
from ._call import call, text
from ._handle import Closable, Owned
from ._library import library as lib
from ._options import integer
from .formats import Format, spec_of
from .storages import Storage

_WEIGHT_NAMES = ("float16", "bfloat16", "float32", "float64")


class Layer(Closable):
    """Base of `Linear` and `Embedding`; `_noun` is the word in the names of their functions."""

    __slots__ = ("dtype", "spec", "nbytes", "error")
    _noun = ""
    dtype: np.dtype[Any]
    spec: str
    nbytes: int
    error: float

    def __init__(self) -> None:
        kind = type(self).__name__
        raise TypeError(f"make a {kind} with {kind}.fit(...) or {kind}.from_cores(...)")

    @classmethod
    def _made(cls, owned: Owned) -> Self:
        self = cls.__new__(cls)
        Closable.__init__(self, owned)
        self.dtype = dtype_of(self._ask("dtype"))
        self.spec = self._ask("spec").decode()
        self.nbytes = self._ask("nbytes")
        self.error = self._ask("error")
        return self

    def _ask(self, verb: str) -> Any:
        return getattr(lib, f"ttk_{self._noun}_{verb}")(self._handle)

    def _read(self, verb: str, array: Array, *arguments: int) -> Array:
        function = getattr(lib, f"ttk_{self._noun}_{verb}_to_array")
        call(function, self._handle, *arguments, byref(view(array)))
        return array

    def _dense(self, shape: tuple[int, int]) -> Array:
        result = np.empty(shape, self.dtype)
        call(getattr(lib, f"ttk_{self._noun}_to_array"), self._handle, byref(view(result)))
        return result

    @property
    def cores(self) -> tuple[Array, ...]:
        """The cores as the layer computes with them (storage decoded), read-only."""
        return tuple(self._core(k) for k in range(self._ask("core_count")))

    def _core(self, k: int) -> Array:
        ndim, shape = c_int32(), (c_int64 * _abi.TTK_MAX_NDIM)()
        function = getattr(lib, f"ttk_{self._noun}_core_shape")
        call(function, self._handle, k, byref(ndim), shape)
        core = self._read("core", np.empty(shape[: ndim.value], self.dtype), k)
        core.flags.writeable = False
        return core


def weight(array: npt.ArrayLike, name: str) -> Array:
    """A floating-point array the library can fit."""
    given = np.asarray(array)
    if given.dtype.name not in _WEIGHT_NAMES:
        hint = ""
        if given.dtype == np.uint16:
            hint = ("; bits of bfloat16 become float32 by "
                    "(bits.astype(numpy.uint32) << 16).view(numpy.float32)")
        raise TypeError(
            f"{name} has dtype {given.dtype}, expected one of {', '.join(_WEIGHT_NAMES)} "
            f"(bfloat16 as ml_dtypes.bfloat16){hint}")
    return given


def bias_view(bias: npt.ArrayLike | None, dtype: np.dtype[Any]) -> ArrayView | None:
    """A view of a bias in the weight's dtype."""
    if bias is None:
        return None
    given = np.asarray(bias)
    if not np.can_cast(given.dtype, dtype, "safe"):
        raise TypeError(f"bias has dtype {given.dtype}, expected {dtype} as the weight")
    return view(given.astype(dtype, copy=False))


def fit_options(threads: int, moment: Array | None = None) -> _abi.ttk_fit_options:
    """Options of fitting, with the moment of the inputs."""
    count = integer(threads, "threads", 0, 32)
    options = _abi.ttk_fit_options(struct_size=sizeof(_abi.ttk_fit_options), threads=count)
    if moment is not None:
        # ctypes keeps the view, and the view its array.
        options.moment = POINTER(_abi.ttk_array)(view(moment))
    return options


def prepare_options(
    max_rows: SupportsIndex, memory_limit: int | None, threads: int
) -> _abi.ttk_prepare_options:
    """Options of preparing."""
    options = _abi.ttk_prepare_options(struct_size=sizeof(_abi.ttk_prepare_options))
    options.max_rows = integer(max_rows, "max_rows", 1)
    if memory_limit is not None:
        options.memory_limit = integer(memory_limit, "memory_limit", 1)
    options.threads = integer(threads, "threads", 0, 32)
    return options


def start(
    format: Format | str, storage: Storage | str | None, rows: SupportsIndex,
    columns: SupportsIndex, dtype: npt.DTypeLike, seed: SupportsIndex,
) -> tuple[bytes, int, int, int, int]:
    """Arguments of a random start: spec, sizes of the weight, dtype, seed."""
    wanted = np.dtype(dtype)
    if wanted not in (np.float32, np.float64):
        raise TypeError(f"dtype is {wanted}, expected float32 or float64")
    number = operator.index(seed)
    if not 0 <= number < 1 << 64:
        raise ValueError(f"seed is {number}, expected 0 to 2**64 - 1")
    sizes = integer(rows, "the number of rows", 1), integer(columns, "the number of columns", 1)
    return text(spec_of(format, storage), "format"), *sizes, code_of(wanted), number


def bucket(rows: int) -> int:
    """The power of two that plans for so many rows are made for."""
    return 1 << (rows - 1).bit_length() if rows > 1 else 1


def common_dtype(cores: Sequence[npt.ArrayLike]) -> list[Array]:
    """Cores as arrays of one dtype, float32 or float64."""
    if isinstance(cores, (str, bytes)) or not isinstance(cores, Sequence):
        raise TypeError(f"cores is a {type(cores).__name__}, expected a sequence of arrays")
    if not cores:
        raise ValueError("cores is empty, expected at least one core")
    given = [np.asarray(core) for core in cores]
    for k, core in enumerate(given):
        if core.dtype not in (np.float32, np.float64):
            raise TypeError(f"cores[{k}] has dtype {core.dtype}, expected float32 or float64")
    dtype = np.result_type(*given)
    return [core.astype(dtype, copy=False) for core in given]
