"""Forward and backward passes of layers beside torch autograd on the same einsum.

One thread, float32. Each contender runs in a process of its own, which reports the least CPU time of one
forward + backward pass and how far the pass raised the peak of its memory. usage: gradients.py [--json]
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np  # noqa: E402

from layers import MODES, PAIRS, cores_of, layer  # noqa: E402

FORMATS = (("train", 32), ("train_matrix", 8), ("block_tensor_train", 4))


def equation(name, out, inputs):
    """The layer as one einsum: x (z, columns...), cores -> (z, rows...)."""
    letters = iter("abcdefghijklmnopqrstuvwxyABCDEFGHIJKLMNOPQRSTUVWXY")
    modes = PAIRS if name == "block_tensor_train" else MODES
    rows, columns = ([next(letters) for _ in modes[n]] for n in (out, inputs))
    if name == "block_tensor_train":
        bond = next(letters)
        terms = [rows[0] + rows[1] + columns[0] + bond, bond + rows[1] + columns[0] + columns[1]]
    else:
        middle = [*columns, *rows] if name == "train" else [r + c for r, c in zip(rows, columns)]
        bonds = [next(letters) for _ in range(len(middle) + 1)]
        terms = [bonds[k] + middle[k] + bonds[k + 1] for k in range(len(middle))]
    return ",".join(["z" + "".join(columns), *terms]) + "->z" + "".join(rows), modes


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure(run, turns):
    run()  # what libraries load and plan once is not the pass's
    before = peak()
    times = []
    for _ in range(turns):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times), before, peak()


def contender(kind, name, rank, out, inputs, rows):
    spec, shapes = layer(name, out, inputs, rank)
    cores = cores_of(shapes)
    random = np.random.default_rng(3)
    x = random.standard_normal((rows, inputs)).astype(np.float32)
    grad = random.standard_normal((rows, out)).astype(np.float32)
    base = peak()
    if kind == "ours":
        import ttkit as tk
        made = tk.Linear.from_cores(spec, cores, in_features=inputs, out_features=out)
        plan = made.prepare(rows, threads=1)
        base = peak()

        def run():
            plan(x)
            made.vjp(x, grad, threads=1)
    else:
        import torch
        torch.set_num_threads(1)
        text, modes = equation(name, out, inputs)
        given = torch.from_numpy(x).requires_grad_()
        weights = [torch.from_numpy(core).requires_grad_() for core in cores]
        above = torch.from_numpy(grad)
        base = peak()

        def run():
            y = torch.einsum(text, given.reshape(rows, *modes[inputs]), *weights)
            y.reshape(rows, out).backward(above)
            given.grad = None
            for weight in weights:
                weight.grad = None
    seconds, _, most = measure(run, 5 if rows > 100 else 15)
    print(json.dumps({"seconds": seconds, "peak": most - base}))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--contender", nargs=6)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if given.contender:
        kind, name, *numbers = given.contender
        contender(kind, name, *map(int, numbers))
        return 0
    for out, inputs in ((3072, 768), (4096, 4096)):
        for name, rank in FORMATS:
            for rows in (32, 512):
                found = {}
                for kind in ("ours", "torch"):
                    command = [sys.executable, __file__, "--contender", kind, name]
                    command += map(str, (rank, out, inputs, rows))
                    done = subprocess.run(command, capture_output=True, text=True)
                    if done.returncode == 0:
                        found[kind] = json.loads(done.stdout)
                    else:
                        print(f"{kind} {name}: {done.stderr.strip().splitlines()[-1]}",
                              file=sys.stderr)
                record = {"format": name, "rank": rank, "out": out, "in": inputs, "rows": rows,
                          **{f"{kind}_{key}": value for kind, one in found.items()
                             for key, value in one.items()}}
                if len(found) == 2:
                    record["speedup"] = found["torch"]["seconds"] / found["ours"]["seconds"]
                    record["memory"] = found["ours"]["peak"] / max(found["torch"]["peak"], 1)
                print(json.dumps(record), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
