"""Orders found for einsums beside opt_einsum's and cotengra's: flops, and the time of planning.

usage: paths.py [--seconds 10] [--range FIRST LAST] [--peer NAME]; cotengra and opt_einsum where they are
installed. Ratios above 1 are ours being worse.
"""

import argparse
import json
import math
import random
import statistics
import sys
import time

import numpy as np

import ttkit as tk

try:
    import opt_einsum
except ImportError:
    opt_einsum = None
try:
    import cotengra
except ImportError:
    cotengra = None


def network(count, degree, seed, lengths_of, outer=2):
    """A random connected network of `count` tensors: axes of each, of the result, lengths."""
    draw = random.Random(seed)
    axes = [[] for _ in range(count)]
    lengths = {}

    def join(a, b):
        axis = f"x{len(lengths)}"
        lengths[axis] = draw.choice(lengths_of)
        axes[a].append(axis)
        axes[b].append(axis)

    for k in range(1, count):
        join(draw.randrange(k), k)
    while len(lengths) < count * degree // 2:
        a, b = draw.sample(range(count), 2)
        join(a, b)
    result = []
    for k in draw.sample(range(count), outer):
        axis = f"x{len(lengths)}"
        lengths[axis] = draw.choice([2, 3, 4])
        axes[k].append(axis)
        result.append(axis)
    return axes, result, lengths


def flops_of(axes, result, lengths, path):
    """Twice the multiply-adds of pairs numbered as opt_einsum's ssa paths."""
    nodes = {k: frozenset(one) for k, one in enumerate(axes)}
    total, new = 0, len(axes)
    for pair in path:
        if len(pair) == 1:
            nodes[new] = nodes.pop(pair[0])
            new += 1
            continue
        left, right = nodes.pop(pair[0]), nodes.pop(pair[1])
        outside = frozenset(result).union(*nodes.values())
        total += 2 * math.prod(lengths[axis] for axis in left | right)
        nodes[new] = (left | right) & outside
        new += 1
    return total


def problem(axes, result, lengths):
    """The equation as text, and the operands' shapes."""
    equation = (",".join("".join("{" + a + "}" for a in one) for one in axes) + "->"
                + "".join("{" + a + "}" for a in result))
    return equation, [tuple(lengths[a] for a in one) for one in axes]


def ours(axes, result, lengths, optimize):
    equation, shapes = problem(axes, result, lengths)
    start = time.thread_time()
    made = tk.plan(equation, *shapes, dtype="float32", optimize=optimize)
    seconds = time.thread_time() - start
    again = []
    for _ in range(5):
        start = time.thread_time()
        tk.plan(equation, *shapes, dtype="float32", optimize=optimize).close()
        again.append(time.thread_time() - start)
    return made.path, min(seconds, *again)


def cotengra_path(axes, result, lengths, seconds):
    optimizer = cotengra.HyperOptimizer(
        methods=["greedy"], max_time=seconds,
        max_repeats=4096, parallel=False, progbar=False, minimize="flops", reconf_opts={})
    tree = optimizer.search(axes, result, lengths)
    return tree.get_ssa_path()


def compared_in_time(axes, result, lengths, rng):
    """Seconds of a call in the order of least predicted time over that of fewest flops, and the flops."""
    equation, shapes = problem(axes, result, lengths)
    fast = tk.plan(equation, *shapes, dtype="float32", threads=1)
    lean = tk.plan(equation, *shapes, dtype="float32", threads=1, optimize="flops")
    operands = [rng.standard_normal(shape, dtype="float32") for shape in shapes]
    outs = [np.empty(fast.shape, "float32") for _ in range(2)]
    start = time.perf_counter()
    fast(*operands, out=outs[0])
    repeats = max(1, int(2e-4 / max(time.perf_counter() - start, 1e-6)))
    ratios = []
    for _ in range(25):
        seconds = []
        for made, out in zip((fast, lean), outs):
            start = time.perf_counter()
            for _ in range(repeats):
                made(*operands, out=out)
            seconds.append(time.perf_counter() - start)
        ratios.append(seconds[0] / seconds[1])
    return statistics.median(ratios), fast.flops / lean.flops, seconds[1] / repeats


def against_optimal(seed, rng):
    """Records of one network of up to 12 tensors."""
    count = 4 + seed % 9
    axes, result, lengths = network(count, 3, seed, [4, 8, 16, 32])
    inputs = [set(one) for one in axes]
    search = opt_einsum.paths.optimal if count <= 8 else opt_einsum.paths.dynamic_programming
    best = flops_of(axes, result, lengths, opt_einsum.paths.linear_to_ssa(
        search(inputs, set(result), lengths)))
    for optimize in ("quick", "flops"):
        path, seconds = ours(axes, result, lengths, optimize)
        yield {"tensors": count, "seed": seed, "peer": "opt_einsum optimal", "optimize": optimize,
               "ratio": flops_of(axes, result, lengths, path) / best, "milliseconds": seconds * 1e3}
    slower, flops, seconds = compared_in_time(axes, result, lengths, rng)
    yield {"tensors": count, "seed": seed, "peer": "time over that of fewest flops", "optimize": "quick",
           "ratio": slower, "flops": flops, "milliseconds": seconds * 1e3}


def against_cotengra(seed, networks, seconds):
    """Records of one network of 30 to 60 tensors."""
    count = 30 + seed * 30 // max(networks - 1, 1)
    axes, result, lengths = network(count, 3, 1000 + seed, [2, 3, 4, 6, 8])
    theirs = flops_of(axes, result, lengths, cotengra_path(axes, result, lengths, seconds))
    for optimize in ("quick", "thorough", "flops"):
        path, taken = ours(axes, result, lengths, optimize)
        yield {"tensors": count, "seed": seed, "peer": "cotengra", "optimize": optimize,
               "milliseconds": taken * 1e3, "ratio": flops_of(axes, result, lengths, path) / theirs}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=10, help="for cotengra, each network")
    parser.add_argument("--networks", type=int, default=20)
    parser.add_argument("--range", type=int, nargs=2, help="only networks FIRST to LAST - 1")
    parser.add_argument("--peer", choices=["opt_einsum", "cotengra"])
    given = parser.parse_args()
    records = []
    rng = np.random.default_rng(0)
    for seed in range(*(given.range or (0, given.networks))):
        if opt_einsum is not None and given.peer != "cotengra":
            records += against_optimal(seed, rng)
        if cotengra is not None and given.peer != "opt_einsum":
            records += against_cotengra(seed, given.networks, given.seconds)
        for record in records:
            if record["seed"] == seed:
                print(json.dumps(record), flush=True)
    for peer, optimize in dict.fromkeys((r["peer"], r["optimize"]) for r in records):
        some = [r for r in records if (r["peer"], r["optimize"]) == (peer, optimize)]
        ratios = [r["ratio"] for r in some]
        print(f"{peer}, {optimize}: {len(some)} networks, ratio median {statistics.median(ratios):.2f}, "
              f"{min(ratios):.2f} to {max(ratios):.2f}; at most "
              f"{max(r['milliseconds'] for r in some):.2f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
