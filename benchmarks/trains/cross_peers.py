"""Other libraries' cross approximation behind one signature: (f, shape, rtol, budget) -> cores.

Each is asked for an error of rtol with what its documentation suggests; those not installed are left out.
"""
from __future__ import annotations

import importlib
import signal
from collections.abc import Callable

import numpy as np
from functions import Function

Peer = Callable[[Function, list[int], float, int], list[np.ndarray]]


def teneva(f: Function, shape: list[int], rtol: float, budget: int) -> list[np.ndarray]:
    import teneva as peer
    start = peer.rand(shape, 2, seed=1)
    train = peer.cross(f, start, m=budget, e=rtol, nswp=30, dr_min=1, dr_max=3, cache={})
    return list(peer.truncate(train, 0.1 * rtol))


def tntorch(f: Function, shape: list[int], rtol: float, budget: int) -> list[np.ndarray]:
    import tntorch as peer
    import torch
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(1)
    train = peer.cross(
        function=lambda x: torch.from_numpy(f(x.round().long().numpy())), function_arg="matrix",
        domain=[torch.arange(n, dtype=torch.float64) for n in shape], eps=rtol, rmax=100,
        max_iter=15, kickrank=3, verbose=False, suppress_warnings=True)
    return [core.numpy() for core in train.cores]


def torchtt(f: Function, shape: list[int], rtol: float, budget: int) -> list[np.ndarray]:
    import torch
    import torchtt as peer
    torch.manual_seed(1)
    train = peer.interpolate.dmrg_cross(
        lambda i: torch.from_numpy(f(i.numpy())), shape, eps=rtol, nswp=15, kick=2, rmax=100)
    return [core.numpy() for core in train.cores]


def ttpy(f: Function, shape: list[int], rtol: float, budget: int) -> list[np.ndarray]:
    import tt
    from tt.cross.rectcross import cross
    np.random.seed(1)
    start = tt.rand(shape, len(shape), 2)
    return list(tt.vector.to_list(cross(
        lambda i: f(np.asarray(i, int)), start, nswp=15, eps=rtol, kickrank=2, rf=2, verbose=False)))


def xfac(f: Function, shape: list[int], rtol: float, budget: int) -> list[np.ndarray]:
    import xfacpy
    wish = xfacpy.TensorCI2Param()
    wish.bondDim, wish.reltol, wish.useCachedFunction = 100, rtol, True
    wish.pivot1 = [n // 2 for n in shape]
    run = xfacpy.TensorCI2(lambda i: float(f(np.array([i]))[0]), shape, wish)
    for sweep in range(20):
        # Its own test looks at local errors: at least 8 sweeps, or it ends far too early.
        if sweep >= 8 and run.isDone():
            break
        run.iterate()
    return [np.asarray(core) for core in run.tt.core]


_MODULES: dict[Peer, str] = {teneva: "teneva", tntorch: "tntorch", torchtt: "torchtt",
                             ttpy: "tt.cross.rectcross", xfac: "xfacpy"}


def installed() -> dict[str, Peer]:
    """The peers that can be imported here."""
    found = {}
    for peer, module in _MODULES.items():
        try:
            importlib.import_module(module)
        except ImportError:
            continue
        found[peer.__name__] = peer
    return found


class TooLong(Exception):
    """A peer did not end within its CPU time."""


def within(seconds: int, call: Callable[[], list[np.ndarray]]) -> list[np.ndarray]:
    """What `call` returns, if it does in so much CPU time."""
    def stop(_signal: int, _frame: object) -> None:
        raise TooLong

    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        return call()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
