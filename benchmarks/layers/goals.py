"""Single figures that a layer must reach: preparing, planning, fitting, one row, two threads, two products.

float32; least CPU times of alternating turns, but for two threads, which are clock times.
usage: goals.py [--seconds 1]
"""

import argparse
import math
import sys
import time

import numpy as np
from dense import executor, sgemm, turns
from layers import cores_of, layer
from paths import network, ours

import ttkit as tk


def made(spec, shapes, out, inputs):
    return tk.Linear.from_cores(spec, cores_of(shapes), in_features=inputs, out_features=out)


def arrays(rows, out, inputs):
    random = np.random.default_rng(1)
    x = random.standard_normal((rows, inputs)).astype(np.float32)
    return x, np.empty((rows, out), np.float32)


def least(run, count, clock=time.thread_time):
    """Least seconds of so many calls."""
    best = math.inf
    for _ in range(count):
        start = clock()
        run()
        best = min(best, clock() - start)
    return best


def preparing():
    for name in ("low_rank", "train_matrix", "train", "cp", "tucker"):
        spec, shapes = layer(name, 4096, 4096, 64)
        cores = cores_of(shapes)

        def fresh(rows, spec=spec, cores=cores):
            one = tk.Linear.from_cores(spec, cores, in_features=4096, out_features=4096)
            start = time.thread_time()
            one.prepare(rows, threads=1)
            return time.thread_time() - start
        for rows in (1, 512):
            print(f"prepare {name}, 4096 x 4096, rank 64, {rows} rows: "
                  f"{min(fresh(rows) for _ in range(5)) * 1e3:.1f} ms")


def planning():
    for count in (6, 12, 20):
        taken = [ours(*network(count, 3, seed, [2, 3, 4, 8]), "quick")[1] for seed in range(8)]
        print(f"plan of {count} operands: {np.median(taken) * 1e3:.2f} ms, "
              f"of eight equations the slowest {max(taken) * 1e3:.2f} ms")


def one_row(seconds):
    rows, columns = (4, 4, 4, 4, 4, 4), (2, 7, 8, 8, 7, 4)
    ranks = [1, 4, 4, 4, 4, 4, 1]
    shapes = [(ranks[k], rows[k], columns[k], ranks[k + 1]) for k in range(6)]
    spec = "train_matrix(rows=4x4x4x4x4x4, columns=2x7x8x8x7x4, rank=4)"
    weight = np.random.default_rng(0).standard_normal((4096, 25088)).astype(np.float32)
    x, y = arrays(1, 4096, 25088)
    runs = {"layer": executor(made(spec, shapes, 4096, 25088).prepare(1, threads=1), x, y),
            "dense": executor(made("dense", [(4096, 25088)], 4096, 25088).prepare(1, threads=1), x, y),
            "numpy": lambda: np.matmul(x, weight.T, out=y)}
    times = turns(runs, seconds)
    print(f"train_matrix 25088 -> 4096, rank 4, one row: {times['layer'] * 1e3:.3f} ms; dense "
          f"{times['dense'] / times['layer']:.1f}, NumPy {times['numpy'] / times['layer']:.1f} times slower")


def two_threads():
    for name, rank in (("dense", 0), ("train_matrix", 8), ("low_rank", 64), ("block_tensor_train", 4)):
        spec, shapes = layer(name, 4096, 4096, rank)
        x, y = arrays(512, 4096, 4096)
        one = made(spec, shapes, 4096, 4096)
        runs = [executor(one.prepare(512, threads=t), x, y) for t in (1, 2)]
        best = [math.inf, math.inf]
        for _ in range(7):
            for k, run in enumerate(runs):
                best[k] = min(best[k], least(run, 2, time.perf_counter))
        print(f"{name} 4096 x 4096, rank {rank}, 512 rows: one thread {best[0] * 1e3:.2f} ms, "
              f"two {best[1] * 1e3:.2f} ms: {best[0] / best[1]:.2f}")


def two_products(seconds):
    left, right = cores_of([(4096, 256), (256, 4096)])
    one = made("low_rank(rank=256)", [(4096, 256), (256, 4096)], 4096, 4096)
    for rows in (2, 8, 16, 64):
        x, y = arrays(rows, 4096, 4096)
        between = np.empty((rows, 256), np.float32)
        products = sgemm(right, x, between), sgemm(left, between, y)
        if products[0] is None:
            return
        runs = {"layer": executor(one.prepare(rows, threads=1), x, y),
                "blas": lambda p=products: (p[0](), p[1]())}
        times = turns(runs, seconds)
        print(f"low rank 4096 x 4096, rank 256, {rows} rows: {times['layer'] * 1e3:.3f} ms, "
              f"of two OpenBLAS products {times['layer'] / times['blas']:.2f}")


def fitting():
    """1024 blocks of 32 x 32 at rank 4 beside numpy.linalg.svd on the stack."""
    weight = np.random.default_rng(0).standard_normal((1024, 1024)).astype(np.float32)
    stack = weight.reshape(32, 32, 32, 32).transpose(1, 2, 0, 3).reshape(1024, 32, 32)
    spec = "block_tensor_train(rows=32x32, columns=32x32, rank=4)"
    ours = least(lambda: tk.Linear.fit(weight, spec, threads=1), 9)
    bare = least(lambda: np.linalg.svd(stack, full_matrices=False), 5)
    values = np.linalg.svd(stack.astype(np.float64), compute_uv=False)
    best = math.sqrt((values[:, 4:] ** 2).sum() / (values ** 2).sum())
    error = tk.Linear.fit(weight, spec).error
    print(f"BTT fit 1024 x 1024, rank 4: {ours * 1e3:.1f} ms, numpy.linalg.svd {bare * 1e3:.1f} ms: "
          f"{bare / ours:.1f} times; error {error / best - 1:.1e} above the optimum")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0)
    given = parser.parse_args()
    preparing()
    planning()
    fitting()
    one_row(given.seconds)
    two_threads()
    two_products(given.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
