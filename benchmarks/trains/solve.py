"""Linear systems in trains beside torchTT's AMEn, and scikit_tt's ALS and MALS where they are installed.

    OPENBLAS_NUM_THREADS=1 python benchmarks/trains/solve.py [--rtol 1e-8] [--repeat 3] [--json]

Both solve the same cores. The residual is ours to compute, for all: ||A x - b|| / ||b|| of the trains.
CPU seconds are the least of the repetitions; peers and ttkit take turns.
"""
from __future__ import annotations

import argparse
import importlib
import json
import time
from collections.abc import Callable

import numpy as np

import ttkit as tk

Problem = tuple[tk.TensorTrainMatrix, tk.TensorTrain]
Solver = Callable[[Problem, float], list[np.ndarray]]


def random_system(d: int, n: int, rank: int) -> Problem:
    """The identity plus a random operator of ranks 2, and the image of a train of the given rank."""
    rng = np.random.default_rng(5)

    def cores(r: int, *modes: int) -> list[np.ndarray]:
        ranks = [1] + [r] * (d - 1) + [1]
        return [rng.normal(size=(ranks[k], *modes, ranks[k + 1])) for k in range(d)]

    noise, eye = cores(2, n, n), np.eye(n)[None, :, :, None]
    sums = []
    for k, core in enumerate(noise):
        core = core * (0.5 / np.linalg.norm(core))
        a, b = core.shape[0], core.shape[3]
        both = np.zeros((a + 1, n, n, b + 1))
        both[:a, :, :, :b], both[a:, :, :, b:] = core, eye
        both = both[a - 1:a] + both[a:] if k == 0 else both  # both summands start, and end
        sums.append(both[..., b - 1:b] + both[..., b:] if k == d - 1 else both)
    m = tk.TensorTrainMatrix(sums)
    return m, m @ tk.TensorTrain(cores(rank, n))


def poisson(d: int, n: int) -> Problem:
    return tk.laplace((n,) * d, scale=-1), tk.ones((n,) * d)


def quantics(axes: int, q: int) -> Problem:
    return tk.laplace((2**q,) * axes, scale=-1, quantics=True), tk.ones((2,) * (axes * q))


PROBLEMS: dict[str, Callable[[], Problem]] = {
    "random d3 n5 r3": lambda: random_system(3, 5, 3),
    "random d8 n10 r10": lambda: random_system(8, 10, 10),
    "Poisson d10 n16": lambda: poisson(10, 16),
    "quantics 1d 2^12": lambda: quantics(1, 12),
    "quantics 2d 2^8": lambda: quantics(2, 8),
    "quantics 3d 2^6": lambda: quantics(3, 6),
}


def ours(problem: Problem, rtol: float) -> list[np.ndarray]:
    return list(tk.solve(*problem, rtol=rtol).cores)


def torchtt(problem: Problem, rtol: float) -> list[np.ndarray]:
    import torch
    import torchtt as peer
    torch.set_num_threads(1)
    m = peer.TT([torch.tensor(np.array(core)) for core in problem[0].cores])
    b = peer.TT([torch.tensor(np.array(core)) for core in problem[1].cores])
    x = peer.solvers.amen_solve(m, b, eps=rtol, nswp=50, verbose=False)
    return [core.numpy() for core in x.cores]


def scikit_tt(problem: Problem, rtol: float) -> list[np.ndarray]:
    from scikit_tt.solvers import sle
    from scikit_tt.tensor_train import TT
    m = TT([np.array(core) for core in problem[0].cores])
    b = TT([np.array(core)[:, :, None, :] for core in problem[1].cores])
    x = sle.mals(m, b.copy(), b, threshold=rtol * 1e-2, repeats=4)
    return [core[:, :, 0, :] for core in x.cores]


PEERS: dict[str, tuple[str, Solver]] = {
    "torchTT": ("torchtt", torchtt), "scikit_tt": ("scikit_tt", scikit_tt)}


def importable(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rtol", type=float, default=1e-8)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--cases", default=",".join(PROBLEMS))
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    solvers: dict[str, Solver] = {"ttkit": ours}
    solvers |= {name: solver for name, (module, solver) in PEERS.items() if importable(module)}
    for case in args.cases.split(","):
        m, b = PROBLEMS[case]()
        seconds = dict.fromkeys(solvers, np.inf)
        found: dict[str, tk.TensorTrain] = {}
        for _ in range(args.repeat):
            for name, solver in solvers.items():
                start = time.process_time()
                cores = solver((m, b), args.rtol)
                seconds[name] = min(seconds[name], time.process_time() - start)
                found[name] = tk.TensorTrain(cores)
        for name, x in found.items():
            row = dict(case=case, solver=name, residual=(m @ x - b).norm() / b.norm(),
                       rank=max(x.rank), cpu_seconds=seconds[name],
                       ratio=seconds[name] / seconds["ttkit"])
            print(json.dumps(row) if args.json else
                  "{case:18} {solver:10} residual {residual:.1e}  rank {rank:3}  "
                  "{cpu_seconds:8.4f} s  {ratio:6.1f}x".format(**row), flush=True)


if __name__ == "__main__":
    main()
