"""Einsum planned once, executed often."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ctypes import addressof, byref, c_int32, c_int64, c_void_p, sizeof
from typing import SupportsIndex, TypeAlias

import numpy as np
import numpy.typing as npt

from . import _abi
from ._array import Array, code_of
from ._call import text
from ._handle import create
from ._library import library as lib
from ._options import integer, lengths
from .contraction_plan import DTYPES, ContractionPlan, computed

_EFFORTS = {"quick": _abi.TTK_EFFORT_QUICK, "thorough": _abi.TTK_EFFORT_THOROUGH,
            "flops": _abi.TTK_EFFORT_FLOPS}
_GATHERED = re.compile(r"\{\s*(\w+)\s*\[")
Shape: TypeAlias = Iterable[SupportsIndex] | SupportsIndex


def plan(
    equation: str,
    *shapes: Shape,
    dtype: npt.DTypeLike = float,
    threads: SupportsIndex = 0,
    memory_limit: SupportsIndex | None = None,
    optimize: str = "quick",
) -> ContractionPlan:
    """Find the order in which arrays of given shapes contract fastest.

    Parameters
    ----------
    equation : str
        As of `einsum`.
    *shapes : sequence of int
        Shape of each operand, then of each index vector, at most 256 of them; () for a scalar.
    dtype : dtype, optional
        Of operands and result: float32, float64, complex64 or complex128.
    threads : int, optional
        0: all this process may use. The result does not depend on it.
    memory_limit : int, optional
        Bytes of scratch memory a call may take; as many as the fastest order needs by default.
    optimize : {"quick", "thorough", "flops"}, optional
        How long to search for the least predicted time, beyond 13 operands: about a millisecond or
        some tenths of a second. "flops" searches as long, for the fewest flops.

    Returns
    -------
    ContractionPlan

    Raises
    ------
    ValueError
        If `optimize` is another word, the equation does not parse (the message points at the
        character), lengths of one axis differ, no order keeps to the limit, or an intermediate
        exceeds the address space.
    TypeError
        If `dtype` is none of these.
    MemoryError

    Examples
    --------
    >>> import numpy as np, ttkit as tk
    >>> p = tk.plan("ab,bc,c->a", (30, 40), (40, 50), (50,))
    >>> p.shape, p.path
    ((30,), ((1, 2), (0, 3)))
    >>> float(p(np.ones((30, 40)), np.ones((40, 50)), np.ones(50))[0])
    2000.0
    """
    wanted = np.dtype(dtype)
    if wanted not in DTYPES:
        raise TypeError(f"dtype is {wanted}, expected float32, float64, complex64 or "
                        "complex128")
    encoded = _encoded(equation)
    given = tuple(lengths(shape, f"shapes[{k}]", 0) for k, shape in enumerate(shapes))
    options = _abi.ttk_contraction_options(struct_size=sizeof(_abi.ttk_contraction_options))
    options.threads = integer(threads, "threads", 0, bits=32)
    if optimize not in _EFFORTS:
        raise ValueError(f"optimize is {optimize!r}, expected 'quick', 'thorough' or 'flops'")
    options.optimize = _EFFORTS[optimize]
    if memory_limit is not None:
        options.memory_limit = integer(memory_limit, "memory_limit", 1)
    sizes = [(c_int64 * max(len(shape), 1))(*shape) for shape in given]
    ndims = (c_int32 * max(len(given), 1))(*map(len, given))
    places = (c_void_p * max(len(given), 1))(*map(addressof, sizes))
    arguments = encoded, len(given), ndims, places, code_of(wanted), byref(options)
    made = create(lib.ttk_contraction_destroy, lib.ttk_contraction_plan, *arguments)
    return ContractionPlan._made(made, equation, given, wanted)


def einsum(equation: str, *operands: npt.ArrayLike) -> Array:
    """Contract arrays in the order of least predicted time.

    Plans in each call; `plan` plans once for many.

    Parameters
    ----------
    equation : str
        The axes of each operand, then those of the result: ``"ab,bc->ac"``. A longer name stands
        in braces: ``"{row}{inner},{inner}{column}->{row}{column}"``. Without ``->`` the result has
        the axes that occur once, in alphabetical order. An axis that occurs twice in one operand
        is its diagonal; all axes that the result lacks are summed over. There is no ellipsis.

        A window ``"{2*y+i-1}"`` reads an axis of an operand at position ``2*y+i-1``, and zeros
        beyond both ends. One of its axes may have no length of its own: as many positions as fit,
        with as many zeros behind the end as before the start. ``"{i[n]}"`` reads an axis at the
        positions that an integer vector holds.
    *operands : array_like
        Any strides; integers count as float64, half precision as float32. Index vectors follow,
        in the order they are first named in the equation.

    Returns
    -------
    ndarray
        Of the widest operand's dtype, float32, float64, complex64 or complex128; 0-dimensional
        for a scalar.

    Raises
    ------
    ValueError
        As `plan`, or if a position is out of range.
    TypeError
        If an operand is of a dtype that does not fit into complex128, an index vector not of
        integers.
    MemoryError

    Examples
    --------
    >>> import numpy as np, ttkit as tk
    >>> a = np.arange(6.0).reshape(2, 3)
    >>> tk.einsum("ij,kj->ik", a, a)
    array([[ 5., 14.],
           [14., 50.]])
    >>> tk.einsum("{y+i},i->y", np.arange(6.0), [1, 1, 1])
    array([ 3.,  6.,  9., 12.])
    >>> tk.einsum("{i[n]}a->na", a, [1, 1])
    array([[3., 4., 5.],
           [3., 4., 5.]])
    """
    given = [np.asarray(operand) for operand in operands]
    vectors = len(set(_GATHERED.findall(equation))) if isinstance(equation, str) else 0
    own = given[: max(len(given) - vectors, 0)]
    dtypes = [computed(array.dtype, f"operands[{k}]") for k, array in enumerate(own)]
    dtype = np.result_type(*dtypes) if dtypes else np.dtype(float)
    with plan(equation, *(array.shape for array in given), dtype=dtype) as made:
        return made(*given)


def _encoded(equation: str) -> bytes:
    if not isinstance(equation, str):
        raise TypeError(f"equation is a {type(equation).__name__}, expected a string")
    return text(equation, "equation")
