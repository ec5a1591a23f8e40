"""Orders found for einsums beside opt_einsum's and cotengra's: flops, and the time of planning.

usage: paths.py [--seconds 10] [--json]; cotengra and opt_einsum where they are installed. Ratios above 1
are ours being worse.
"""

import argparse
import json
import math
import random
import statistics
import sys
import time

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


def ours(axes, result, lengths, optimize):
    equation = (",".join("".join("{" + a + "}" for a in one) for one in axes) + "->"
                + "".join("{" + a + "}" for a in result))
    shapes = [tuple(lengths[a] for a in one) for one in axes]
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


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=10, help="for cotengra, each network")
    parser.add_argument("--networks", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    records = []
    for seed in range(given.networks):
        if opt_einsum is not None:
            count = 4 + seed % 9
            axes, result, lengths = network(count, 3, seed, [4, 8, 16, 32])
            path, seconds = ours(axes, result, lengths, "quick")
            inputs = [set(one) for one in axes]
            optimal = opt_einsum.paths.optimal(inputs, set(result), lengths) if count <= 8 else \
                opt_einsum.paths.dynamic_programming(inputs, set(result), lengths)
            ssa = opt_einsum.paths.linear_to_ssa(optimal)
            records.append({"tensors": count, "seed": seed, "peer": "opt_einsum optimal",
                            "ratio": flops_of(axes, result, lengths, path)
                            / flops_of(axes, result, lengths, ssa), "milliseconds": seconds * 1e3})
            print(json.dumps(records[-1]), flush=True)
        if cotengra is not None:
            count = 30 + seed * 30 // max(given.networks - 1, 1)
            axes, result, lengths = network(count, 3, 1000 + seed, [2, 3, 4, 6, 8])
            theirs = flops_of(axes, result, lengths,
                              cotengra_path(axes, result, lengths, given.seconds))
            for optimize in ("quick", "thorough"):
                path, seconds = ours(axes, result, lengths, optimize)
                records.append({"tensors": count, "seed": seed, "peer": "cotengra",
                                "optimize": optimize, "milliseconds": seconds * 1e3,
                                "ratio": flops_of(axes, result, lengths, path) / theirs})
                print(json.dumps(records[-1]), flush=True)
    for peer, optimize in (("opt_einsum optimal", None), ("cotengra", "quick"),
                           ("cotengra", "thorough")):
        some = [r for r in records if r["peer"] == peer and r.get("optimize") == optimize]
        if some:
            ratios = [r["ratio"] for r in some]
            print(f"{peer} {optimize or ''}: ratio median {statistics.median(ratios):.2f}, most "
                  f"{max(ratios):.2f}; planning most {max(r['milliseconds'] for r in some):.2f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
