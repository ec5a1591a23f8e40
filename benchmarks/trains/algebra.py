"""The algebra of trains beside a LAPACK way in NumPy and the Python peers found here, in CPU time.

Rounding: x + x/2 (redundant ranks) and random trains cut to half their ranks. Multiplying: element by
element with truncation, against the exact product rounded by us. Small: rank 10, 10 modes of 4.
Run with OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1; prints a table, and JSON with --json.
"""

from __future__ import annotations

import argparse
import importlib
import json
import time
from collections.abc import Callable, Iterator
from types import ModuleType

import numpy as np

import ttkit as tk

Cores = list[np.ndarray]
Work = Callable[[], object]
SUMS = {"d=50 n=4 64->32": (50, 4, 32), "d=10 n=100 128->64": (10, 100, 64)}


def found(name: str) -> ModuleType | None:
    """A peer's module, or None where it is not installed or does not load."""
    try:
        return importlib.import_module(name)
    except Exception:  # a peer may fail in any way: it is then not there
        return None


def random_cores(order: int, length: int, rank: int, seed: int) -> Cores:
    """Gaussian cores, scaled so that norms stay near one."""
    rng = np.random.default_rng(seed)
    ranks = [int(min(rank, float(length) ** k, float(length) ** (order - k)))
             for k in range(order + 1)]
    return [rng.standard_normal((r, length, s)) / np.sqrt(length * r)
            for r, s in zip(ranks, ranks[1:])]


def interleaved(works: dict[str, Work], rounds: int) -> dict[str, float]:
    """Least CPU seconds of each, the works taking turns; NaN for one that fails."""
    best = dict.fromkeys(works, np.inf)
    for _ in range(rounds):
        for name, work in works.items():
            repeats = 0
            start = time.process_time()
            try:
                while repeats == 0 or (time.process_time() - start < 0.02 and repeats < 2000):
                    work()
                    repeats += 1
            except Exception:  # a peer that cannot do this case
                best[name] = np.nan
                continue
            best[name] = min(best[name], (time.process_time() - start) / repeats)
    return best


def lapack_round(cores: Cores, rtol: float, rank: int | None) -> Cores:
    """QR from the right, truncated SVDs from the left, as a page of NumPy."""
    c, d = list(cores), len(cores)
    for k in range(d - 1, 0, -1):
        q, r = np.linalg.qr(c[k].reshape(c[k].shape[0], -1).T)
        c[k] = q.T.reshape(-1, c[k].shape[1], c[k].shape[2])
        c[k - 1] = np.tensordot(c[k - 1], r.T, 1)
    delta = rtol / np.sqrt(d - 1) * np.linalg.norm(c[0])
    for k in range(d - 1):
        left, length, _ = c[k].shape
        u, s, v = np.linalg.svd(c[k].reshape(left * length, -1), full_matrices=False)
        tail = np.sqrt(np.cumsum(s[::-1] ** 2))[::-1]
        keep = max(1, min(int((tail > delta).sum()), rank or len(s)))
        c[k] = u[:, :keep].reshape(left, length, keep)
        c[k + 1] = np.tensordot(s[:keep, None] * v[:keep], c[k + 1], 1)
    return c


def rounding(train: tk.TensorTrain, rtol: float, rank: int | None) -> dict[str, Work]:
    """Ways to round; 0 means no tolerance."""
    cores = [np.array(core) for core in train.cores]
    works: dict[str, Work] = {
        "ttkit": lambda: train.round(rank, rtol=rtol, threads=1),
        "numpy": lambda: lapack_round(cores, rtol, rank),
    }
    if teneva := found("teneva"):
        works["teneva"] = lambda: teneva.truncate(cores, e=rtol or 1e-14, r=rank or 1e12)
    if (torch := found("torch")) and (torchtt := found("torchtt")):
        x = torchtt.TT([torch.from_numpy(core) for core in cores])
        works["torchTT"] = lambda: x.round(rtol or 1e-14, rank or 1 << 20)
    if tt := found("tt"):
        z = tt.vector.from_list(cores)
        works["ttpy"] = lambda: z.round(rtol or 1e-14, rank or 1 << 20)
    if torch and (tn := found("tntorch")):
        y = tn.Tensor([torch.from_numpy(core) for core in cores])
        works["tntorch"] = lambda: tn.round_tt(y, eps=rtol or 1e-14, rmax=rank)
    return works


def small(a: tk.TensorTrain, b: tk.TensorTrain) -> Iterator[tuple[str, dict[str, Work]]]:
    """Inner product, sum, product and elements of two small trains."""
    x, y = ([np.array(core) for core in train.cores] for train in (a, b))
    one = np.zeros((1, a.ndim), np.int64)
    many = np.random.default_rng(0).integers(0, 4, (1000, a.ndim))
    dot: dict[str, Work] = {"ttkit": lambda: tk.dot(a, b)}
    add: dict[str, Work] = {"ttkit": lambda: a + b}
    multiply: dict[str, Work] = {"ttkit": lambda: a * b}
    single: dict[str, Work] = {"ttkit": lambda: a.evaluate(one)}
    batch: dict[str, Work] = {"ttkit": lambda: a.evaluate(many)}

    def numpy_dot() -> object:
        carry = np.ones((1, 1))
        for p, q in zip(x, y):
            carry = np.tensordot(p, np.tensordot(carry, q, 1), ((0, 1), (0, 1)))
        return carry

    def numpy_elements() -> object:
        rows = x[0][:, many[:, 0]][0]
        for k, core in enumerate(x[1:], 1):
            rows = np.einsum("ia,aib->ib", rows, core[:, many[:, k]])
        return rows

    dot["numpy"], batch["numpy"] = numpy_dot, numpy_elements
    if teneva := found("teneva"):
        dot["teneva"] = lambda: teneva.mul_scalar(x, y)
        add["teneva"] = lambda: teneva.add(x, y)
        multiply["teneva"] = lambda: teneva.mul(x, y)
        single["teneva"] = lambda: teneva.get(x, one[0])
        batch["teneva"] = lambda: teneva.get_many(x, many)
    if (torch := found("torch")) and (torchtt := found("torchtt")):
        p, q = (torchtt.TT([torch.from_numpy(core) for core in cores]) for cores in (x, y))
        dot["torchTT"] = lambda: torchtt.dot(p, q)
        add["torchTT"] = lambda: p + q
        multiply["torchTT"] = lambda: p * q
    if tt := found("tt"):
        v, w = (tt.vector.from_list(cores) for cores in (x, y))
        dot["ttpy"] = lambda: tt.dot(v, w)
        add["ttpy"] = lambda: v + w
        multiply["ttpy"] = lambda: v * w
        single["ttpy"] = lambda: v[tuple(one[0])]
    if torch and (tn := found("tntorch")):
        s, t = (tn.Tensor([torch.from_numpy(core) for core in cores]) for cores in (x, y))
        dot["tntorch"] = lambda: tn.dot(s, t)
        add["tntorch"] = lambda: s + t
        multiply["tntorch"] = lambda: s * t
    if qtn := found("quimb.tensor"):
        m, n = (qtn.MatrixProductState(
            [c[0][0].T, *(np.transpose(core, (0, 2, 1)) for core in c[1:-1]), c[-1][:, :, 0]])
            for c in (x, y))
        dot["quimb"] = lambda: m.H @ n
        add["quimb"] = lambda: m.add_MPS(n)
    if tl := found("tensorly.tt_tensor"):
        batch["tensorly"] = lambda: tl.tt_to_tensor(x)  # the whole tensor: it has no elements alone
    yield "dot", dot
    yield "add", add
    yield "multiply, exact", multiply
    yield "evaluate, 1 place", single
    yield "evaluate, 1000 places", batch


def products(rank: int) -> Iterator[tuple[str, dict[str, Work]]]:
    """The square of a train whose singular values fall, truncated on the way or afterwards."""
    cores = random_cores(8, 8, rank, 2)
    decayed = [core * np.logspace(0, -16, core.shape[2]) for core in cores[:-1]] + [cores[-1]]
    train = tk.TensorTrain(decayed)
    works: dict[str, Work] = {
        method: (lambda method=method: tk.multiply(train, train, rtol=1e-6, method=method))
        for method in ("sketched", "zip-up", "variational", "exact")}
    if (torch := found("torch")) and (torchtt := found("torchtt")):
        x = torchtt.TT([torch.from_numpy(core) for core in decayed])
        works["torchTT, exact"] = lambda: (x * x).round(1e-6)
    yield f"multiply to 1e-6, d=8 n=8 rank {rank}", works


def cases(wanted: str) -> Iterator[tuple[str, dict[str, Work]]]:
    """Names of the cases and the ways to do them."""
    if "round" in wanted:
        for name, (order, length, rank) in SUMS.items():
            half = tk.TensorTrain(random_cores(order, length, rank, 0))
            full = tk.TensorTrain(random_cores(order, length, 2 * rank, 1))
            for rtol in (1e-6, 1e-10):
                yield f"round a sum, {name}, {rtol:g}", rounding(half + 0.5 * half, rtol, None)
            yield f"cut a random train, {name}", rounding(full, 0.0, rank)
            # Nothing may go: all work is in the factorisations.
            yield f"keep a random train, {name}, 1e-10", rounding(full, 1e-10, None)
    if "small" in wanted:
        a, b = (tk.TensorTrain(random_cores(10, 4, 10, seed)) for seed in (3, 4))
        yield from small(a, b)
    if "multiply" in wanted:
        for rank in (15, 30):
            yield from products(rank)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", default="round,small,multiply", help="comma-separated")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = []
    for name, works in cases(options.cases):
        seconds = interleaved(works, options.rounds)
        own = next(iter(seconds.values()))
        for way, value in seconds.items():
            rows.append({"case": name, "way": way, "ms": value * 1e3, "ours / it": own / value})
            if not options.json:
                print(f"| {name} | {way} | {value * 1e3:.4g} | {own / value:.3g} |", flush=True)
    if options.json:
        print(json.dumps(rows))


if __name__ == "__main__":
    main()
