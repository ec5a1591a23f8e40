"""Cross approximation of known functions: evaluations, true error, rank, CPU time.

    python benchmarks/trains/cross.py [--rtol 1e-6] [--seeds 3] [--cases a,b] [--method 1] [--json]
        [--peers teneva,tntorch | all] [--timeout 60]

Peers that are installed follow on the same functions; all of them count every point asked.

The true error is the relative root-mean-square error on 10^4 random points that the library never saw.
"""
from __future__ import annotations

import argparse
import ctypes
import json
import time

import cross_peers
import numpy as np
from functions import CASES, Function

from ttkit import TensorTrain, _abi
from ttkit._library import library

REASONS = {value: name.removeprefix("TTK_CROSS_").lower() for name, value in vars(_abi).items()
           if name in ("TTK_CROSS_CONVERGED", "TTK_CROSS_BUDGET", "TTK_CROSS_RANK",
                       "TTK_CROSS_SWEEPS", "TTK_CROSS_STOPPED", "TTK_CROSS_PRECISION")}


def run(f: Function, shape: list[int], args: argparse.Namespace, seed: int) -> dict[str, object]:
    """One approximation and what came of it."""
    order = len(shape)
    calls = 0

    def evaluate(_context: int, count: int, indices: int, values: int) -> int:
        nonlocal calls
        calls += 1
        given = (ctypes.c_int64 * (count * order)).from_address(indices)
        out = (ctypes.c_double * count).from_address(values)
        np.frombuffer(out)[:] = f(np.frombuffer(given, np.int64).reshape(count, order))
        return 0

    options = _abi.ttk_cross_options(
        struct_size=ctypes.sizeof(_abi.ttk_cross_options), rtol=args.rtol, seed=seed,
        method=args.method, max_evaluations=args.budget)
    report = _abi.ttk_cross_report(struct_size=ctypes.sizeof(_abi.ttk_cross_report))
    train = ctypes.c_void_p()
    lengths = np.array(shape, np.int64)
    start = time.process_time()
    status = library.ttk_cross(
        order, lengths.ctypes.data, _abi.TTK_FLOAT64, _abi.ttk_evaluate(evaluate), None, options,
        ctypes.addressof(train), report)
    seconds = time.process_time() - start
    if status != 0:
        raise SystemExit(library.ttk_last_error().decode())
    points = unseen(shape)
    values = np.empty(len(points))
    library.ttk_train_evaluate(train, len(points), points.ctypes.data, values.ctypes.data)
    library.ttk_train_destroy(train)
    exact = f(points)
    return dict(
        evaluations=report.evaluations, calls=calls, cpu_seconds=seconds,
        error=float(np.linalg.norm(values - exact) / np.linalg.norm(exact)),
        validated=report.validated_error, rank=report.max_rank, sweeps=report.sweeps,
        reason=REASONS[report.reason])


def unseen(shape: list[int]) -> np.ndarray:
    """Random points of a grid, the same for all."""
    points = np.stack(
        [np.random.default_rng(11 + k).integers(0, n, 10_000) for k, n in enumerate(shape)], axis=1)
    return np.ascontiguousarray(points, np.int64)


def run_peer(
    name: str, peer: cross_peers.Peer, f: Function, shape: list[int], args: argparse.Namespace
) -> dict[str, object]:
    """One approximation by another library."""
    asked = 0

    def counted(indices: np.ndarray) -> np.ndarray:
        nonlocal asked
        asked += len(indices)
        return f(np.asarray(indices, np.int64))

    start = time.process_time()
    try:
        cores = cross_peers.within(
            args.timeout, lambda: peer(counted, shape, args.rtol, args.budget))
    except cross_peers.TooLong:
        return dict(solver=name, evaluations=asked, reason="timeout")
    except Exception as error:  # a peer's failure is a result
        return dict(solver=name, evaluations=asked, reason=f"{type(error).__name__}: {error}")
    seconds = time.process_time() - start
    train = TensorTrain([np.asarray(core, float) for core in cores])
    points = unseen(shape)
    exact = f(points)
    error = float(np.linalg.norm(train.evaluate(points) - exact) / np.linalg.norm(exact))
    return dict(solver=name, evaluations=asked, cpu_seconds=seconds, error=error,
                rank=max(train.rank))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rtol", type=float, default=1e-6)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--method", type=int, default=0, help="1 tci, 2 maxvol, 3 dmrg, 4 amen")
    parser.add_argument("--budget", type=int, default=5_000_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--peers", default="", help="names, or all that are installed")
    parser.add_argument("--timeout", type=int, default=60, help="CPU seconds for each run of a peer")
    args = parser.parse_args()
    peers = cross_peers.installed()
    if args.peers != "all":
        peers = {name: peers[name] for name in args.peers.split(",") if name in peers}
    for case in args.cases.split(","):
        f, shape = CASES[case]()
        for seed in range(args.seeds):
            result = dict(case=case, seed=seed, **run(f, shape, args, seed))
            if args.json:
                print(json.dumps(result))
            else:
                print("{case:22} {seed:2} {evaluations:8} evaluations {calls:5} calls "
                      "{cpu_seconds:8.4f} s  error {error:.1e} (said {validated:.1e})  rank {rank:3} "
                      " {sweeps:3} sweeps  {reason}".format(**result), flush=True)
        for name, peer in peers.items():
            result = dict(case=case, **run_peer(name, peer, f, shape, args))
            if args.json or "error" not in result:
                print(json.dumps(result), flush=True)
            else:
                print("{case:22} {solver:10} {evaluations:8} evaluations {cpu_seconds:8.4f} s  "
                      "error {error:.1e}  rank {rank:3}".format(**result), flush=True)


if __name__ == "__main__":
    main()
