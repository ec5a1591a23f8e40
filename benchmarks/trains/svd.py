"""TT-SVD beside other libraries, in CPU time and in reads of the tensor.

One read is the CPU time of dot(a, a) over the whole tensor, measured in the same run. Run with
OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1; prints a table, and JSON with --json. Inputs: exact rank with
noise 1e-8 at rtol 1e-6 ("noise"), without at 1e-12 ("exact"), with one element raised by 1e-3 of the norm
("spike") and with singular values that fall by a tenth every five ranks ("decay"), both at 1e-6; "noise"
in float32 at 1e-4 with noise 1e-6 ("single").
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from svd_peers import Pitts, dense, peers

import ttkit as tk

CASES = {
    "2^22": (22, 2, 20),
    "2^24": (24, 2, 20),
    "10^7": (7, 10, 50),
    "4^12": (12, 4, 100),
    "2^27 r1": (27, 2, 1),
    "2^27 r5": (27, 2, 5),
    "2^27 r20": (27, 2, 20),
    "2^27 r50": (27, 2, 50),
}
INPUTS = {"noise": 1e-6, "exact": 1e-12, "spike": 1e-6, "decay": 1e-6, "single": 1e-4}


def tensor(order: int, length: int, rank: int, noise: float, decay: float = 1.0) -> np.ndarray:
    """A tensor of exact ranks at most `rank`, plus noise of this relative size.

    decay: factor from one column of a core to the next.
    """
    rng = np.random.default_rng(0)
    x = np.ones((1, 1))
    for k in range(order):
        left, right = x.shape[0] * length, length ** (order - k - 1)
        columns = min(left, right, rank)
        core = rng.standard_normal((x.shape[1], length * columns)) / np.sqrt(x.shape[1])
        x = (x @ core).reshape(left, columns)
        if decay < 1:
            x = np.linalg.qr(x)[0] if columns < left and left < 1 << 14 else x
            x *= decay ** np.arange(columns)
    a = x.reshape(-1)
    if noise:
        # In pieces: the noise of a large tensor needs no second one.
        scale = noise * np.linalg.norm(a) / np.sqrt(a.size)
        for start in range(0, a.size, 1 << 22):
            part = a[start : start + (1 << 22)]
            part += scale * rng.standard_normal(part.size)
    return a.reshape((length,) * order)


def made(name: str, kind: str) -> np.ndarray:
    """The input of a case."""
    order, length, rank = CASES[name]
    if kind == "decay":
        return tensor(order, length, 2 * rank, 1e-8, 10 ** (-5 / (5 * rank)))
    a = tensor(order, length, rank, {"exact": 0.0, "single": 1e-6}.get(kind, 1e-8))
    if kind == "spike":
        a.flat[a.size // 3] += 1e-3 * np.linalg.norm(a)
    return a.astype(np.float32) if kind == "single" else a


def cpu_seconds(work: Callable[[], object], rounds: int) -> float:
    """Least CPU time of several rounds."""
    best = np.inf
    for _ in range(rounds):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return float(best)


def extra_bytes(work: Callable[[], object]) -> float:
    """Growth of resident memory to its peak during a call; nan where the system does not tell."""
    def status(key: str) -> float:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(key):
                return 1024.0 * float(line.split()[1])
        return float("nan")

    try:
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")
        before = status("VmRSS")
        work()
        return status("VmHWM") - before
    except OSError:
        return float("nan")


def row(
    case: str, kind: str, who: str, a: np.ndarray, read: float, rounds: int,
    work: Callable[[], list[np.ndarray]], reported: float | None = None,
) -> dict[str, object]:
    """One line of the table."""
    seconds = cpu_seconds(work, rounds)
    memory = extra_bytes(work)
    cores = work()
    difference = dense(cores).astype(np.float64, copy=False)
    difference -= a.reshape(-1)
    return {
        "case": case, "input": kind, "library": who, "reads": seconds / read, "seconds": seconds,
        "largest rank": max(core.shape[2] for core in cores),
        "error": float(np.linalg.norm(difference) / np.linalg.norm(a.reshape(-1))),
        "reported": reported if reported is not None else float("nan"),
        "extra memory, tensors": memory / a.nbytes,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", default="2^22", help=f"of {', '.join(CASES)}; comma-separated")
    parser.add_argument("--inputs", default="noise,exact", help=f"of {', '.join(INPUTS)}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--method", default="auto")
    parser.add_argument("--peers", default="", help="names, or all; each runs once: they are slow")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    rows = []
    for name in options.cases.split(","):
        for kind in options.inputs.split(","):
            rtol = INPUTS[kind]
            a = made(name, kind)
            flat = a.reshape(-1)
            read = cpu_seconds(lambda: np.dot(flat, flat), 9)

            def own() -> tk.TensorTrain:
                return tk.tensor_train(
                    a, rtol=rtol, threads=options.threads, method=options.method)

            train = own()
            assert train.info is not None
            line = row(name, kind, "ttkit", a, read, options.rounds,
                       lambda: list(own().cores), train.error)
            line["method"] = train.info.method
            rows.append(line)
            for who, peer in peers(CASES[name][2]).items():
                if options.peers == "all" or who in options.peers.split(","):
                    line = row(name, kind, who, a, read, 1, lambda: peer(a, rtol))
                    if isinstance(peer, Pitts):  # it works in containers of its own
                        line |= {"seconds": peer.seconds, "reads": peer.seconds / read}
                    rows.append(line)
    if options.json:
        print(json.dumps(rows))
        return
    print("| " + " | ".join(rows[0]) + " |")
    print("|" + "---|" * len(rows[0]))
    for line in rows:
        print("| " + " | ".join(f"{v:.3g}" if isinstance(v, float) else str(v)
                                for v in line.values()) + " |")


if __name__ == "__main__":
    main()
