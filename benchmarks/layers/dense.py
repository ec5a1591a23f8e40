"""Layers of every format beside the fastest dense product of the same run.

One thread, float32, through the C interface with raw pointers. For each layer and number of rows,
turns of our layer, our dense layer, the linked OpenBLAS and NumPy's BLAS alternate; the ratio is that
of medians. usage: dense.py [--shapes 768x3072,..] [--formats a,b] [--ranks 8,64] [--rows 1,32] [--json]
"""

import argparse
import ctypes
import json
import os
import statistics
import sys
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np  # noqa: E402

import ttkit as tk  # noqa: E402
from layers import cores_of, layer, structured  # noqa: E402
from ttkit._library import library as lib  # noqa: E402


def pointer(array):
    return ctypes.c_void_p(array.ctypes.data)


def executor(plan, x, y):
    """A call of the C function with everything made beforehand."""
    size = lib.ttk_linear_plan_workspace_size(plan._handle)
    space = np.empty(size + 64, np.uint8)
    arguments = (plan._handle, pointer(x), len(x), pointer(y), pointer(space), size)

    def run(keep=(x, y, space, plan)):
        if lib.ttk_linear_execute(*arguments):
            raise RuntimeError(lib.ttk_last_error())
    return run


def sgemm(weight, x, y):
    """The linked OpenBLAS; None where its name is not found."""
    try:
        function = ctypes.CDLL("libopenblas.so.0").cblas_sgemm
    except (OSError, AttributeError):
        return None
    out, inputs = weight.shape
    one, zero = ctypes.c_float(1), ctypes.c_float(0)
    arguments = (101, 111, 112, len(x), out, inputs, one, pointer(x), inputs, pointer(weight),
                 inputs, zero, pointer(y), out)
    return lambda: function(*arguments)


def turns(runs, seconds, count=21):
    """Seconds of each run, turns alternating: medians."""
    samples = {name: [] for name in runs}
    inner = {}
    for name, run in runs.items():
        run()
        start = time.perf_counter()
        run()
        inner[name] = max(1, int(2e-4 / max(time.perf_counter() - start, 1e-7)))
    end = time.perf_counter() + seconds
    for turn in range(count):
        for name, run in runs.items():
            start = time.perf_counter()
            for _ in range(inner[name]):
                run()
            samples[name].append((time.perf_counter() - start) / inner[name])
        if time.perf_counter() > end and turn >= 4:
            break
    return {name: statistics.median(times) for name, times in samples.items()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shapes", default="768x3072,3072x768,4096x4096,4096x11008")
    parser.add_argument("--formats", default="")
    parser.add_argument("--ranks", default="8,64")
    parser.add_argument("--rows", default="1,8,32,512")
    parser.add_argument("--max-rows", type=int, default=0, help="prepare for so many rows")
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    shapes = [tuple(map(int, shape.split("x"))) for shape in given.shapes.split(",")]
    ranks = list(map(int, given.ranks.split(",")))
    rows = list(map(int, given.rows.split(",")))
    formats = given.formats.split(",") if given.formats else None
    random = np.random.default_rng(1)
    for out, inputs in shapes:
        weight = random.standard_normal((out, inputs)).astype(np.float32)
        dense = tk.Linear.from_cores("dense", [weight], in_features=inputs, out_features=out)
        for count in rows:
            x = random.standard_normal((count, inputs)).astype(np.float32)
            y = np.empty((count, out), np.float32)
            transposed = weight.T
            base = {"ours": executor(dense.prepare(count, threads=1), x, y),
                    "numpy": lambda x=x, w=transposed, y=y: np.matmul(x, w, out=y)}
            linked = sgemm(weight, x, y)
            if linked is not None:
                base["openblas"] = linked
            for name, rank in structured(formats, ranks):
                spec, core_shapes = layer(name, out, inputs, rank)
                made = tk.Linear.from_cores(
                    spec, cores_of(core_shapes), in_features=inputs, out_features=out)
                start = time.perf_counter()
                plan = made.prepare(given.max_rows or count, threads=1)
                prepared = time.perf_counter() - start
                times = turns({"layer": executor(plan, x, y), **base}, given.seconds)
                blas = min(times[k] for k in times if k in ("numpy", "openblas"))
                record = {
                    "format": name, "rank": rank, "out": out, "in": inputs, "rows": count,
                    "milliseconds": times["layer"] * 1e3, "dense_blas": blas * 1e3,
                    "dense_ours": times["ours"] * 1e3, "ratio_blas": times["layer"] / blas,
                    "ratio": times["layer"] / min(blas, times["ours"]),
                    "prepare_milliseconds": prepared * 1e3,
                    "resident": plan.resident_nbytes, "nbytes": made.nbytes}
                form = getattr(plan, "explain", lambda: "")()
                record["form"] = form.split("\n")[0]
                if given.json:
                    print(json.dumps(record), flush=True)
                else:
                    print("{format:18s} {rank:3d} {out:5d}x{in:5d} {rows:3d} rows: {milliseconds:8.3f} ms"
                          ", of BLAS {ratio_blas:5.2f}, of dense {ratio:5.2f}, prepare "
                          "{prepare_milliseconds:6.1f} ms, {resident:9d} bytes {form}".format(**record),
                          flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
