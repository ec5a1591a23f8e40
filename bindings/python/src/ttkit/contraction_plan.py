"""What `ttkit.plan` makes: an einsum of known shapes, ready to execute."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import byref, c_int32, c_int64
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _abi
from ._array import Array, view, views
from ._call import call
from ._handle import Closable, Owned
from ._library import library as lib
from ._workspace import give, take

DTYPES = (np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.complex64),
          np.dtype(np.complex128))


class ContractionPlan(Closable):
    """An einsum of arrays of known shapes, in the order of least predicted time; `plan` makes it.

    Any number of threads may call one plan at once; the result does not depend on the number of
    threads it uses itself.

    Attributes
    ----------
    equation : str
    shapes : tuple of tuple of int
        Shapes of the operands, then of the index vectors.
    shape : tuple of int
        Shape of the result.
    dtype : dtype
        Of operands and result: float32, float64, complex64 or complex128.
    path : tuple of (int, int)
        The pairs contracted, in order. Numbers below the number of operands are operands; that
        number plus i is the result of pair i.
    flops : int
        Floating-point operations of a call, a multiply-add counting two.
    bytes : int
        Bytes a call reads and writes at least.
    workspace_nbytes : int
        Bytes of scratch memory a call takes.
    """

    __slots__ = ("equation", "shapes", "shape", "dtype", "path", "flops", "bytes",
                 "workspace_nbytes", "_own")
    equation: str
    shapes: tuple[tuple[int, ...], ...]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    path: tuple[tuple[int, int], ...]
    flops: int
    bytes: int
    workspace_nbytes: int
    _own: int  # operands without index vectors

    def __init__(self) -> None:
        raise TypeError("make a ContractionPlan with ttkit.plan(equation, *shapes)")

    @classmethod
    def _made(
        cls,
        owned: Owned,
        equation: str,
        shapes: tuple[tuple[int, ...], ...],
        dtype: np.dtype[Any],
    ) -> ContractionPlan:
        self = cls.__new__(cls)
        Closable.__init__(self, owned)
        self.equation, self.shapes, self.dtype = equation, shapes, dtype
        ndim, shape = c_int32(), (c_int64 * _abi.TTK_MAX_NDIM)()
        call(lib.ttk_contraction_result_shape, owned, byref(ndim), shape)
        self.shape = tuple(shape[: ndim.value])
        self._own = lib.ttk_contraction_operand_count(owned)
        pairs = (c_int32 * (2 * self._own))()
        lib.ttk_contraction_path(owned, pairs)
        self.path = tuple((pairs[2 * i], pairs[2 * i + 1]) for i in range(self._own - 1))
        self.flops = lib.ttk_contraction_flops(owned)
        self.bytes = lib.ttk_contraction_bytes(owned)
        self.workspace_nbytes = lib.ttk_contraction_workspace_size(owned)
        return self

    def __call__(self, *operands: npt.ArrayLike, out: Array | None = None) -> Array:
        """Contract arrays of the planned shapes.

        Parameters
        ----------
        *operands : array_like
            Any strides, of the plan's dtype or one that fits into it; then the index vectors.
        out : ndarray, optional
            Gets the result: of its shape and the plan's dtype, apart from the operands.

        Returns
        -------
        ndarray
            `out` where it was given; 0-dimensional for a scalar.

        Raises
        ------
        TypeError
            If an operand would lose precision.
        ValueError
            If the number of operands or a shape is another than planned, a position is out of
            range, or `out` overlaps an operand.
        """
        owned = self._handle
        given = self._operands(operands)
        result = np.empty(self.shape, self.dtype) if out is None else self._target(out)
        return _execute(owned, self.workspace_nbytes, given, result)

    def vjp(self, operands: Sequence[npt.ArrayLike], grad: npt.ArrayLike) -> tuple[Array, ...]:
        """Gradients with respect to each operand but the index vectors.

        Of complex numbers the derivatives are conjugated: with z = x + iy the gradient of a real
        function L is dL/dx + i dL/dy, as in torch. (jax has no conjugates here: the conjugate of
        its vjp of ``grad.conj()`` is this one.)

        Parameters
        ----------
        operands : sequence of array_like
            As of a call.
        grad : array_like
            The gradient with respect to the result, in its shape.

        Returns
        -------
        tuple of ndarray
            One for each operand, in its shape. Products that several share are made once; the plan
            is made in the first call and kept.

        Raises
        ------
        TypeError, ValueError
            As of a call.
        """
        owned = self._handle
        given = self._operands(operands)
        above = _fitting(grad, self.dtype, self.shape, "grad")
        results = [np.empty(shape, self.dtype) for shape in self.shapes[: self._own]]
        inputs, kept = views(given)
        outputs, _ = views(results)
        gradients = lib.ttk_contraction_gradients
        call(gradients, owned, len(kept), inputs, byref(view(above)), outputs)
        return tuple(results)

    def explain(self) -> str:
        """The steps as text, one a line."""
        steps: bytes = lib.ttk_contraction_explain(self._handle)
        return steps.decode()

    def __repr__(self) -> str:
        return (f"ContractionPlan({self.equation!r}, shape={self.shape}, dtype={self.dtype}, "
                f"flops={self.flops})")

    def _operands(self, operands: Sequence[npt.ArrayLike]) -> list[Array]:
        if len(operands) != len(self.shapes):
            raise ValueError(
                f"{len(operands)} operands, expected {len(self.shapes)} for {self.equation!r}")
        return [_fitting(operand, self.dtype, shape, f"operands[{k}]") if k < self._own
                else _positions(operand, shape, f"operands[{k}]")
                for k, (operand, shape) in enumerate(zip(operands, self.shapes, strict=True))]

    def _target(self, out: Array) -> Array:
        if not isinstance(out, np.ndarray):
            raise TypeError(f"out is a {type(out).__name__}, expected an array")
        if out.dtype != self.dtype:
            raise TypeError(f"out has dtype {out.dtype}, expected {self.dtype}")
        if out.shape != self.shape:
            raise ValueError(f"out has shape {out.shape}, expected {self.shape}")
        whole = all(step % out.itemsize == 0 for step in out.strides)
        if not (out.flags.writeable and out.flags.aligned and out.dtype.isnative and whole):
            raise ValueError("out is not writeable and aligned, as the result must be")
        return out


def computed(dtype: np.dtype[Any], name: str) -> np.dtype[Any]:
    """The smallest of `DTYPES` that holds the values; all integers count as float64."""
    if dtype.name == "bfloat16":
        return DTYPES[0]
    if dtype.kind in "iub":
        return DTYPES[1]
    for wanted in DTYPES:
        if dtype.kind in "fc" and np.can_cast(dtype, wanted, "safe"):
            return wanted
    raise TypeError(f"{name} has dtype {dtype}, expected one that fits into complex128")


def _positions(value: npt.ArrayLike, shape: tuple[int, ...], name: str) -> Array:
    """An index vector as the library takes it."""
    given = np.asarray(value)
    if given.dtype.kind not in "iu" and given.size:
        raise TypeError(f"{name} is an index vector of {given.dtype}, expected integers")
    if given.shape != shape:
        raise ValueError(f"{name} has shape {given.shape}, expected {shape}")
    if given.dtype in (np.dtype(np.int32), np.dtype(np.int64)):
        return given
    if given.dtype == np.uint64 and given.size and given.max() > np.iinfo(np.int64).max:
        raise ValueError(f"{name} holds {given.max()}, which is out of range")
    return given.astype(np.int64)


def _fitting(
    value: npt.ArrayLike, dtype: np.dtype[Any], shape: tuple[int, ...], name: str
) -> Array:
    """`value` in the plan's dtype, copied only where it is of another."""
    given = np.asarray(value)
    if given.dtype != dtype:
        if not np.can_cast(computed(given.dtype, name), dtype, "safe"):
            raise TypeError(
                f"{name} has dtype {given.dtype}, but the plan computes in {dtype}; convert it "
                f"with astype({dtype.name!r}) if losing precision is meant")
        given = given.astype(dtype)
    if given.shape != shape:
        raise ValueError(f"{name} has shape {given.shape}, expected {shape}")
    return given


def _execute(owned: Owned, nbytes: int, operands: list[Array], result: Array) -> Array:
    each, kept = views(operands)
    block = take(max(nbytes, 1))
    try:
        target = byref(view(result))
        call(lib.ttk_contraction_execute, owned, len(kept), each, target, block[0], block[1])
    finally:
        give(block)
    return result
