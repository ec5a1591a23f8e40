"""TT-SVD beside NumPy's chain of SVDs, in CPU time and in reads of the tensor.

One read is the CPU time of dot(a, a) over the whole tensor, measured in the same run. Run with
OPENBLAS_NUM_THREADS=1; prints a table, and JSON with --json.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import numpy as np

import ttkit as tk

CASES = {
    "2^22": (22, 2, 20),
    "2^24": (24, 2, 20),
    "10^7": (7, 10, 50),
    "4^12": (12, 4, 100),
}


def tensor(order: int, length: int, rank: int, noise: float) -> np.ndarray:
    """A tensor of exact ranks at most `rank`, plus noise of this relative size."""
    rng = np.random.default_rng(0)
    x = np.ones((1, 1))
    for k in range(order):
        left, right = x.shape[0] * length, length ** (order - k - 1)
        columns = min(left, right, rank)
        core = rng.standard_normal((x.shape[1], length * columns)) / np.sqrt(x.shape[1])
        x = (x @ core).reshape(left, columns)
    a = x.reshape(-1)
    if noise:
        a += noise * np.linalg.norm(a) / np.sqrt(a.size) * rng.standard_normal(a.size)
    return a.reshape((length,) * order)


def cpu_seconds(work: Callable[[], object], rounds: int) -> float:
    """Least CPU time of several rounds."""
    best = np.inf
    for _ in range(rounds):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return float(best)


def numpy_chain(a: np.ndarray, rtol: float) -> None:
    """TT-SVD as a page of NumPy."""
    delta = rtol * np.linalg.norm(a) / np.sqrt(a.ndim - 1)
    rest, rank = a, 1
    for length in a.shape[:-1]:
        _, s, v = np.linalg.svd(rest.reshape(rank * length, -1), full_matrices=False)
        tails = np.sqrt(np.cumsum(s[::-1] ** 2))[::-1]
        rank = max(1, int((tails > delta).sum()))
        rest = s[:rank, None] * v[:rank]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", default="2^22", help=f"of {', '.join(CASES)}; comma-separated")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--no-numpy", action="store_true", help="leave NumPy's chain out: it is slow")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    rows = []
    for name in options.cases.split(","):
        order, length, rank = CASES[name]
        for noise, rtol in ((1e-8, 1e-6), (0.0, 1e-12)):
            a = tensor(order, length, rank, noise)
            flat = a.reshape(-1)
            read = cpu_seconds(lambda: np.dot(flat, flat), 9)
            own = cpu_seconds(
                lambda: tk.tensor_train(a, rtol=rtol, threads=options.threads), options.rounds)
            train = tk.tensor_train(a, rtol=rtol, threads=options.threads)
            error = float(np.linalg.norm(np.asarray(train) - a) / np.linalg.norm(a))
            row = {"case": name, "noise": noise, "rtol": rtol, "reads": own / read,
                   "seconds": own, "largest rank": max(train.rank), "error": error}
            if not options.no_numpy:
                chain = cpu_seconds(lambda: numpy_chain(a, rtol), 1)
                row |= {"numpy reads": chain / read, "ratio": own / chain}
            rows.append(row)
    if options.json:
        print(json.dumps(rows))
        return
    print("| " + " | ".join(rows[0]) + " |")
    print("|" + "---|" * len(rows[0]))
    for row in rows:
        print("| " + " | ".join(f"{v:.3g}" if isinstance(v, float) else str(v)
                                for v in row.values()) + " |")


if __name__ == "__main__":
    main()
