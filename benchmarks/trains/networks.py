"""Canonical and Tucker decompositions beside tensorly, in CPU time and error.

The tensors are sums of R random product tensors plus noise of 1e-6. Run with OPENBLAS_NUM_THREADS=1;
prints a table, and JSON with --json. tensorly is left out with a message where it is missing.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import numpy as np

import ttkit as tk

try:
    import tensorly
    from tensorly import decomposition as peer
except ImportError:
    peer = None

CASES = [((50, 60, 70), 10), ((100, 100, 100), 20), ((20, 20, 20, 20), 8)]


def sum_of_terms(shape: tuple[int, ...], rank: int) -> np.ndarray:
    """A tensor of `rank` terms and noise."""
    rng = np.random.default_rng(0)
    letters = "abcdef"[: len(shape)]
    factors = [rng.standard_normal((n, rank)) for n in shape]
    x = np.einsum(",".join(f"{c}r" for c in letters) + f"->{letters}", *factors, optimize=True)
    noise = rng.standard_normal(shape)
    return x + 1e-6 * np.linalg.norm(x) / np.linalg.norm(noise) * noise


def timed(work: Callable[[], object], rounds: int) -> tuple[float, object]:
    """Least CPU time of several rounds, and the result."""
    best, result = np.inf, None
    for _ in range(rounds):
        start = time.process_time()
        result = work()
        best = min(best, time.process_time() - start)
    return float(best), result


def error(x: np.ndarray, made: np.ndarray) -> float:
    """Relative Frobenius error."""
    return float(np.linalg.norm(made - x) / np.linalg.norm(x))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if peer is None:
        print("tensorly is not installed: ours alone (pip install tensorly)")
    rows = []
    for shape, rank in CASES:
        x = sum_of_terms(shape, rank)
        ranks = (5,) * len(shape)
        methods = {
            "canonical": (
                lambda: tk.canonical(x, rank, threads=1),
                lambda: tensorly.cp_to_tensor(peer.parafac(x, rank, n_iter_max=200, tol=1e-12))),
            "tucker": (
                lambda: tk.tucker(x, ranks, threads=1),
                lambda: tensorly.tucker_to_tensor(peer.tucker(x, ranks, n_iter_max=20, tol=1e-8))),
        }
        for method, (ours, theirs) in methods.items():
            seconds, network = timed(ours, options.rounds)
            row = {"method": method, "shape": shape, "rank": rank if method == "canonical" else 5,
                   "seconds": seconds, "error": error(x, np.asarray(network))}
            if peer is not None:
                other, made = timed(theirs, 1)
                row |= {"tensorly_seconds": other, "tensorly_error": error(x, made),
                        "ratio": seconds / other}
            rows.append(row)
    if options.json:
        print(json.dumps(rows))
        return
    for row in rows:
        print("  ".join(f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items()))


if __name__ == "__main__":
    main()
