"""Times low-bit layers against the dense product of NumPy's BLAS, interleaved in one run, one thread.

Usage: OPENBLAS_NUM_THREADS=1 python benchmarks/lowbit/layers.py [--out 4096] [--in 4096] [--rows 1 8 64]
       [--seconds 1.0] [--json FILE]

Prints for each storage, compute precision and number of rows: milliseconds (median and quartiles), the
ratio of medians to BLAS, and the relative error of the product. Weights are hot: as much of them as fits
stays in cache between repetitions, for both sides.
"""

import argparse
import json
import os
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import ttkit as tk

STORAGES = ["int2(group=32)", "int4(group=32)", "int4(group=row)", "int8(group=64)", "int8(group=row)"]


def timed(call) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def compare(calls: dict, seconds: float) -> dict[str, list[float]]:
    """Milliseconds of each call, taken in turn, at least 20 times."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    end = time.perf_counter() + seconds * len(calls)
    while len(next(iter(times.values()))) < 20 or time.perf_counter() < end:
        for name, call in calls.items():
            times[name].append(timed(call) * 1e3)
    return {name: np.percentile(values, [25, 50, 75]).tolist() for name, values in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=int, default=4096, help="rows of the weight")
    parser.add_argument("--in", type=int, default=4096, dest="columns", help="columns of the weight")
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 2, 8, 16, 64])
    parser.add_argument("--seconds", type=float, default=0.5, help="for each measurement")
    parser.add_argument("--json", help="write the measurements there")
    given = parser.parse_args()
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(given.out, given.columns)).astype(np.float32)
    layers = {storage: tk.Linear.fit(weight, "dense", storage=storage) for storage in STORAGES}
    results = []
    print(f"{given.out} x {given.columns}")
    print(f"{'storage':22} {'compute':8} {'rows':>4} {'ms':>8} {'quartiles':>17} {'ratio':>6} {'error':>8}")
    for rows in given.rows:
        x = rng.normal(size=(rows, given.columns)).astype(np.float32)
        expected, y = x @ weight.T, np.empty((rows, given.out), np.float32)
        calls = {("float32", "BLAS"): lambda: np.matmul(x, weight.T, out=y)}
        errors = {("float32", "BLAS"): 0.0}
        for storage, layer in layers.items():
            for compute in ["float32", "int8"]:
                plan = layer.prepare(rows, compute=compute, threads=1)
                out = np.empty_like(y)
                calls[storage, compute] = lambda plan=plan, out=out: plan(x, out=out)
                found = plan(x)
                errors[storage, compute] = float(
                    np.linalg.norm(found - expected) / np.linalg.norm(expected))
        times = compare(calls, given.seconds)
        base = times["float32", "BLAS"][1]
        for (storage, compute), (low, middle, high) in times.items():
            ratio, error = middle / base, errors[storage, compute]
            print(f"{storage:22} {compute:8} {rows:4} {middle:8.3f} {low:8.3f}-{high:8.3f} "
                  f"{ratio:6.2f} {error:8.4f}")
            results.append({"storage": storage, "compute": compute, "rows": rows, "ms": middle,
                            "quartiles": [low, high], "ratio": ratio, "error": error})
    if given.json:
        with open(given.json, "w") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
