"""Arrays in few bits, by themselves: for comparing storages and for exporting trained scales."""

from __future__ import annotations

from ctypes import byref, c_int64
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _abi
from ._array import Array, borrowed, dtype_of, view
from ._call import call, text
from ._handle import Closable, Owned, create
from ._layer import weight
from ._library import library as lib
from ._trained import on_grid
from .formats import Dense, Format, Stored
from .linear import Linear
from .storages import Storage


class Quantized(Closable):
    """An array in a storage, or a matrix in a network of cores; `ttkit.quantize` makes it.

    Attributes
    ----------
    shape : tuple of int
    dtype : dtype
        Of the values that come back: float32, or float64 for storage float64.
    spec : str
        The storage, or the spec of the network, with everything written out.
    nbytes : int
        Codes, scales, zero points and codebooks.
    error : float
        ``||a - a'|| / ||a||``, computed.
    """

    __slots__ = ("shape", "dtype", "spec", "nbytes", "error", "_layer")
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    spec: str
    nbytes: int
    error: float
    _layer: Linear | None

    def __init__(self) -> None:
        raise TypeError("make a Quantized with ttkit.quantize(...)")

    @classmethod
    def _of_storage(cls, owned: Owned) -> Quantized:
        self = cls.__new__(cls)
        Closable.__init__(self, owned)
        shape = (c_int64 * max(lib.ttk_quantized_ndim(owned), 1))()
        lib.ttk_quantized_shape(owned, shape)
        self.shape = tuple(shape[: lib.ttk_quantized_ndim(owned)])
        self.dtype = dtype_of(lib.ttk_quantized_dtype(owned))
        self.spec = lib.ttk_quantized_storage(owned).decode()
        self.nbytes = int(lib.ttk_quantized_nbytes(owned))
        self.error = float(lib.ttk_quantized_error(owned))
        self._layer = None
        return self

    @classmethod
    def _of_network(cls, layer: Linear) -> Quantized:
        self = cls.__new__(cls)
        Closable.__init__(self, layer._handle)
        self.shape = (layer.out_features, layer.in_features)
        self.dtype, self.spec = layer.dtype, layer.spec
        self.nbytes, self.error = layer.nbytes, layer.error
        self._layer = layer
        return self

    @property
    def bits_per_weight(self) -> float:
        """Bits of everything that is stored, for each element of the array."""
        return 8 * self.nbytes / int(np.prod(self.shape, dtype=np.int64))

    def dequantize(self) -> Array:
        """The values, as an array of the original's shape."""
        owned = self._handle
        if self._layer is not None:
            return self._layer.dense()
        values = np.empty(self.shape, self.dtype)
        call(lib.ttk_quantized_to_array, owned, byref(view(values)))
        return values

    @property
    def parts(self) -> dict[str, Array]:
        """What the storage keeps, read-only, as files have it: packed ``codes``, ``scales``, ...

        ValueError for a network, which may have several cores.
        """
        owned = self._handle
        if self._layer is not None:
            raise ValueError(f"{self.spec} is a network of cores; quantize with a storage alone")
        parts = {}
        for k in range(lib.ttk_quantized_part_count(owned)):
            part = _abi.ttk_array()
            call(lib.ttk_quantized_part, owned, k, byref(part))
            parts[lib.ttk_quantized_part_name(owned, k).decode()] = borrowed(part, owned)
        return parts

    @property
    def scales(self) -> Array:
        """Scales, shape (rows, groups of a row); KeyError where the storage has none."""
        return self.parts["scales"]

    @property
    def codes(self) -> Array:
        """Packed codes as the storage keeps them; KeyError for floats."""
        return self.parts["codes"]

    @property
    def codebook(self) -> Array:
        """Values that codes stand for; KeyError where the storage has none."""
        return self.parts["codebook"]

    def close(self) -> None:
        """Free the memory now; may be repeated. Every later use raises ValueError."""
        super().close()
        self._layer = None

    def __repr__(self) -> str:
        return f"Quantized(shape={self.shape}, spec={self.spec!r}, error={self.error:.4g})"


def quantize(
    a: npt.ArrayLike,
    storage: Storage | Format | str,
    *,
    inputs: Any = None,
    scales: npt.ArrayLike | None = None,
) -> Quantized:
    """Put an array into few bits.

    Parameters
    ----------
    a : array_like
        Finite, not empty; float16, bfloat16, float32 or float64. A matrix has its rows; an array of
        other than two axes is one row.
    storage : Storage, Format or str
        A storage such as ``"int4(group=32)"``, or for matrices a format with one, such as
        ``"kashin(transform=dct)@kmeans4"``.
    inputs : optional
        Rows or second moment of the activations that a matrix will meet; see `Linear.fit`.
    scales : array_like, optional
        Trained scales, one for each group of an integer storage: the values are then those of
        `fake_quantize`, bit for bit. `a` must be float32.

    Raises
    ------
    ValueError
        If `a` holds NaN or infinity, or the storage does not parse or does not fit.
    TypeError, MemoryError

    Examples
    --------
    >>> import numpy as np, ttkit as tk
    >>> q = tk.quantize(np.linspace(-1.0, 1.0, 64, dtype=np.float32), tk.Int(4, group=32))
    >>> q.nbytes, q.bits_per_weight
    (36, 4.5)
    >>> q.error < 0.06
    True
    """
    if not isinstance(storage, (str, Storage, Format)):
        raise TypeError(
            f"storage is a {type(storage).__name__}, expected a storage, a format or a spec string")
    given = weight(a, "a")
    is_network = isinstance(storage, Format) or "@" in str(storage)
    if scales is not None:
        if is_network or inputs is not None:
            raise ValueError("scales are given: expected a storage of integers and no inputs")
        return Quantized._of_storage(on_grid(given, str(storage), scales))
    if is_network or inputs is not None:
        format = storage if is_network else Stored(Dense(), str(storage))
        assert not isinstance(format, Storage)
        return Quantized._of_network(Linear.fit(given, format, inputs=inputs))
    name = text(str(storage), "storage")
    return Quantized._of_storage(
        create(lib.ttk_quantized_destroy, lib.ttk_quantize, byref(view(given)), name))
