"""Times low-bit weights with a few entries kept apart beside the same without.

Usage: python benchmarks/lowbit/sparse.py [--rows 1 8 64] [--shape 4096x4096] [--share 0.005] [--seconds 0.5]

Both of a pair take turns in one run, one thread; medians of processor time. Entries are of random places,
as outliers are; "ratio" is the time with them over that without.
"""

import os

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import argparse

import layers
import numpy as np
import ttkit as tk

STORAGES = (("int4(group=128)", None), ("int4(group=128)", "int8"), ("int2(group=row)", None))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--shape", default="4096x4096")
    parser.add_argument("--share", type=float, default=0.005)
    parser.add_argument("--seconds", type=float, default=0.5)
    given = parser.parse_args()
    out, width = (int(length) for length in given.shape.split("x"))
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(out, width)).astype(np.float32) * np.float32(0.02)
    few = np.where(rng.random((out, width)) < given.share, weight, 0)
    count = np.count_nonzero(few)
    for storage, compute in STORAGES:
        without = tk.Linear.from_cores(
            "dense", [weight], in_features=width, out_features=out, storage=storage)
        both = tk.Linear.from_cores(
            f"sparse(count={count})@float16 + dense@{storage}", [few, weight], in_features=width,
            out_features=out)
        for rows in given.rows:
            x = rng.normal(size=(rows, width)).astype(np.float32)
            y = np.empty((rows, out), np.float32)
            plans = [layer.prepare(rows, compute=compute, threads=1) for layer in (without, both)]
            times = layers.compare([lambda plan=plan: plan(x, out=y) for plan in plans], given.seconds)
            plain, kept = (middle for _, middle, _ in times)
            print(f"{storage:16} {compute or 'float32':8} {rows:4} rows  without {plain:8.4f} ms  with "
                  f"{count} entries {kept:8.4f} ms  ratio {kept / plain:.2f}  resident "
                  f"{plans[0].resident_nbytes / 1e6:.2f} and {plans[1].resident_nbytes / 1e6:.2f} MB",
                  flush=True)


if __name__ == "__main__":
    main()
