"""TT-SVD by other libraries, as functions (array, rtol) -> cores, found at run time.

PITTS is a C++ library: build pitts.cpp as its first lines say, and name it in TTKIT_PITTS.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable

import numpy as np

Cores = list[np.ndarray]
Peer = Callable[[np.ndarray, float], Cores]


def numpy_chain(a: np.ndarray, rtol: float) -> Cores:
    """TT-SVD as a page of NumPy."""
    delta = rtol * np.linalg.norm(a) / np.sqrt(a.ndim - 1)
    cores, rest, rank = [], a, 1
    for length in a.shape[:-1]:
        u, s, v = np.linalg.svd(rest.reshape(rank * length, -1), full_matrices=False)
        tails = np.sqrt(np.cumsum(s[::-1] ** 2))[::-1]
        kept = max(1, int((tails > delta).sum()))
        cores.append(u[:, :kept].reshape(rank, length, kept))
        rest, rank = s[:kept, None] * v[:kept], kept
    return [*cores, rest.reshape(rank, -1, 1)]


def _teneva() -> Peer:
    import teneva
    return lambda a, rtol: teneva.svd(a, e=rtol, r=1e12)


def _torchtt() -> Peer:
    import torch
    import torchtt
    return lambda a, rtol: [
        c.numpy() for c in torchtt.TT(torch.from_numpy(a), eps=rtol, rmax=1 << 30).cores]


def _tntorch() -> Peer:
    import tntorch
    import torch
    return lambda a, rtol: [
        c.numpy() for c in tntorch.round_tt(tntorch.Tensor(torch.from_numpy(a)), eps=rtol).cores]


def _ttpy() -> Peer:
    import tt
    return lambda a, rtol: tt.vector.to_list(tt.vector(a, rtol, 100000))


def _scikit_tt() -> Peer:
    from scikit_tt.tensor_train import TT

    def run(a: np.ndarray, rtol: float) -> Cores:
        # Its threshold is relative to the largest singular value of each unfolding.
        train = TT(a.reshape(a.shape + (1,) * a.ndim), threshold=rtol / np.sqrt(a.ndim - 1))
        return [core[:, :, 0, :] for core in train.cores]

    return run


class Pitts:
    """PITTS; `seconds` is the CPU time of its latest call alone, without the copy into its container."""

    def __init__(self, rank: int) -> None:
        if "TTKIT_PITTS" not in os.environ:
            raise ImportError("TTKIT_PITTS names no library")
        self._svd = ctypes.CDLL(os.environ["TTKIT_PITTS"]).pitts_layer_svd
        self._rank = rank
        self.seconds = float("nan")

    def _thick(self, shape: tuple[int, ...]) -> list[int]:
        """Modes merged at both ends until they exceed twice the rank, as its own benchmark does."""
        merged, least = list(shape), max(2 * self._rank, 10)
        while len(merged) > 2 and merged[0] <= least:
            merged[:2] = [merged[0] * merged[1]]
        while len(merged) > 2 and merged[-1] <= least:
            merged[-2:] = [merged[-2] * merged[-1]]
        return merged

    def __call__(self, a: np.ndarray, rtol: float) -> Cores:
        # Its first index is the fastest: the same memory with the modes reversed.
        shape = self._thick(a.shape[::-1])
        lengths = (ctypes.c_int * len(shape))(*shape)
        ranks = (ctypes.c_longlong * (len(shape) + 1))()
        cores = np.empty(min(a.size, 1 << 24))
        seconds = ctypes.c_double()
        failed = self._svd(
            a.ctypes.data_as(ctypes.c_void_p), len(shape), lengths, ctypes.c_double(rtol),
            ctypes.byref(seconds), ranks, cores.ctypes.data_as(ctypes.c_void_p),
            ctypes.c_longlong(cores.size))
        if failed:
            raise MemoryError("its cores are larger than expected")
        self.seconds = seconds.value
        result, start = [], 0
        for left, n, right in zip(ranks, shape, ranks[1:]):
            size = left * n * right
            # Column-major (left, n, right) is row-major (right, n, left): the core seen from the other end.
            result.append(cores[start : start + size].reshape(right, n, left))
            start += size
        return result[::-1]


def _quimb() -> Peer:
    import quimb.tensor as qtn

    def run(a: np.ndarray, rtol: float) -> Cores:
        state = qtn.MatrixProductState.from_dense(
            a, dims=list(a.shape), cutoff=rtol**2 / (a.ndim - 1), cutoff_mode="rsum2",
            max_bond=None)
        state.permute_arrays("lpr")
        arrays = [np.asarray(state[k].data) for k in range(a.ndim)]
        return [arrays[0][None], *arrays[1:-1], arrays[-1][:, :, None]]

    return run


def _tensorly(rank: int) -> Peer:
    from tensorly.decomposition import tensor_train

    def run(a: np.ndarray, _rtol: float) -> Cores:
        left = np.cumprod([1.0, *a.shape])
        ranks = [int(min(x, left[-1] / x, rank)) for x in left]  # it knows no tolerance
        return [np.asarray(core) for core in tensor_train(a, rank=ranks).factors]

    return run


def peers(rank: int) -> dict[str, Peer]:
    """Every library that can be imported here; `rank` is told to those that know no tolerance."""
    makers: dict[str, Callable[[], Peer]] = {
        "numpy": lambda: numpy_chain, "teneva": _teneva, "torchTT": _torchtt, "tntorch": _tntorch,
        "ttpy": _ttpy, "scikit_tt": _scikit_tt, "quimb": _quimb,
        "tensorly": lambda: _tensorly(rank), "PITTS": lambda: Pitts(rank),
    }
    found = {}
    for name, make in makers.items():
        try:
            found[name] = make()
        except ImportError:
            continue
    return found


def dense(cores: Cores) -> np.ndarray:
    """The whole tensor, flat."""
    x = np.ones((1, 1), cores[0].dtype)
    for core in cores:
        x = (x @ core.reshape(core.shape[0], -1)).reshape(-1, core.shape[2])
    return x.ravel()
