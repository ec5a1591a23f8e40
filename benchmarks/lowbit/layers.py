"""Times low-bit layers beside ggml, ONNX Runtime, torch and OpenBLAS: interleaved in one run, one thread.

Usage: python benchmarks/lowbit/layers.py [--shapes 4096x4096 4096x11008 768x3072] [--rows 1 4 8 16 24 64 512]
       [--seconds 0.3] [--only TEXT...] [--copies] [--json FILE]

Shapes are out x in. Prints for each contestant the median milliseconds of processor time (quartiles in the
JSON), billions of operations a second, and the relative error of the product; ours also with the ratio to the
fastest peer of as many bits and to float32 by OpenBLAS (1 or less is a win). With one row, "hot" means that the weight has just
been used, so that what fits stays in the cache; "cold" that 96 MB were read in between, or with --copies that
copies of the layer, 96 MB together, take turns, so that interpreters stay warm. The share is of the rate of
NumPy's dot product of as many bytes with themselves, hot or cold in the same way. Missing packages are named and left out. TTK_ISA=v3 holds our side
at AVX2; peers stay as they are, but for ggml with GGML_FOLDER (see ggml.py).
"""

import os

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import argparse
import itertools
import json
import time

import numpy as np
import peers
import ttkit as tk

OURS = [
    ("int4(group=32)", "int8", "4-bit"), ("int4(group=128)", "int8", "4-bit"),
    ("int4(group=row)", "int8", "4-bit"), ("int4(group=32)", "float32", "4-bit"),
    ("kmeans4", "int8", "4-bit"), ("kmeans4", "float32", "4-bit"),
    ("kmeans4(group=row)", "int8", "4-bit"), ("kmeans4(group=64)", "int8", "4-bit"),
    ("kmeans3(group=row)", "int8", "3-bit"), ("kmeans3(group=64)", "int8", "3-bit"),
    ("int3(group=32)", "int8", "3-bit"), ("int2(group=64)", "int8", "2-bit"),
    ("int2(group=64)", "float32", "2-bit"),
    ("kmeans2(group=row)", "int8", "2-bit"), ("int8(group=row)", "int8", "8-bit"),
    ("int8(group=64)", "int8", "8-bit"), ("int7(group=row)", "int8", "8-bit"),
]
COLD = 96 << 20
GGML = [("q4_0", True), ("q4_K", True), ("q4_K", False), ("q8_0", True), ("q8_0", False), ("q3_K", False),
        ("q2_K", True), ("q2_K", False)]
NBITS = [(4, 32, 0), (4, 32, 4), (4, 128, 4), (8, 32, 4), (2, 64, 4)]


def contestants(weight: np.ndarray, only: list[str], copies: bool = False) -> list[list[peers.Contestant]]:
    """Each contestant, and its copies."""
    made: list[list[peers.Contestant]] = []

    def attempt(name: str, make) -> None:
        if only and not any(text in name for text in only):
            return
        try:
            first = make()
            more = COLD // first.bytes if copies else 0
            made.append([first, *(make() for _ in range(more))])
        except Exception as problem:
            print(f"left out: {name}: {str(problem).splitlines()[0][:100]}")

    read = peers.Reading(weight.size // 2, COLD if copies else 0)
    made.append([read.contestant() for _ in range(1 + COLD // (weight.size // 2) * copies)])
    attempt("OpenBLAS", lambda: peers.blas(weight))
    for storage, compute, group in OURS:
        attempt(f"{storage} {compute}", lambda: peers.ours(weight, storage, compute, group))
    try:
        runtime = peers.OnnxRuntime(weight)
        for seven in (True, False):
            attempt("ORT dynamic", lambda: runtime.dynamic(seven))
        for bits, block, level in NBITS:
            attempt(f"ORT MatMulNBits {bits}b g{block} level {level}",
                    lambda: runtime.few_bits(bits, block, level))
    except ImportError as problem:
        print(f"left out: {problem}")
    attempt("torch dynamic int8", lambda: peers.torch_dynamic(weight))
    try:
        import ggml

        library = ggml.Ggml()
        for kind, rearranged in GGML:
            attempt(f"ggml {kind}{'+r' if rearranged else ''}",
                    lambda: peers.ggml(weight, library, kind, rearranged))
    except ImportError as problem:
        print(f"left out: {problem}")
    return made


def timed(call) -> float:
    start = time.thread_time()
    call()
    return time.thread_time() - start


def compare(calls: list, seconds: float, between=None) -> np.ndarray:
    """Quartiles of the milliseconds of each call. Turns of 3 after 3 that do not count, since a cache that
    holds what others leave fills slowly; or of one after `between`."""
    times: list[list[float]] = [[] for _ in calls]
    end = time.perf_counter() + seconds * len(calls)
    while len(times[0]) < 5 or time.perf_counter() < end:
        for call, found in zip(calls, times):
            if between is not None:
                between()
                found.append(timed(call))
            else:
                found.extend([timed(call) for _ in range(6)][3:])
    return np.array([np.percentile(found, [25, 50, 75]) * 1e3 for found in times])


def report(shape, rows, state, field, times, errors) -> list[dict]:
    results, flops = [], 2 * rows * shape[0] * shape[1]
    bandwidth = field[0].bytes / times[0][1] / 1e6
    print(f"\n{shape[0]} x {shape[1]}, {rows} rows" + (f", {state}" if state else ""))
    dense = next((t[1] for one, t in zip(field, times) if one.group == "float32"), float("nan"))
    for one, (low, middle, high), error in zip(field, times, errors):
        rivals = [t[1] for other, t in zip(field, times) if other.group == one.group and not other.ours]
        ratio = middle / min(rivals) if one.ours and rivals else float("nan")
        share = one.bytes / middle / 1e6 / bandwidth
        print(f"  {one.group:8}{one.name:32} {middle:9.3f} ms {flops / middle / 1e6:7.0f} Gop/s  error {error:7.4f}"
              + (f"  {one.bytes / middle / 1e6:5.1f} GB/s, share {share:4.2f}" if state else "")
              + (f"  peer {ratio:5.2f}  float32 {middle / dense:5.2f}" if one.ours else ""), flush=True)
        results.append({"shape": shape, "rows": rows, "state": state, "name": one.name, "group": one.group,
                        "ms": [low, middle, high], "error": error, "ratio": ratio, "ours": one.ours,
                        "share": share})
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", nargs="+", default=["4096x4096", "4096x11008", "768x3072"])
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 4, 8, 16, 24, 64, 512])
    parser.add_argument("--seconds", type=float, default=0.3, help="for each measurement")
    parser.add_argument("--only", nargs="+", default=[], help="contestants whose names hold one of these")
    parser.add_argument("--copies", action="store_true", help="cold: copies of the layer in turn")
    parser.add_argument("--json", help="write the measurements there")
    given = parser.parse_args()
    rng, results = np.random.default_rng(0), []
    large = np.ones(24 << 20, np.float32)
    for text in given.shapes:
        shape = [int(length) for length in text.split("x")]
        weight = rng.normal(size=shape).astype(np.float32) * np.float32(0.02)
        made = contestants(weight, given.only, given.copies)
        field = [each[0] for each in made]
        for rows in given.rows:
            x = rng.normal(size=(rows, shape[1])).astype(np.float32)
            expected = x @ weight.T
            bound = [[one.bind(x) for one in each] for each in made]
            errors = [float("nan")]
            for (run, read), *_ in bound[1:]:
                run()
                errors.append(float(np.linalg.norm(read() - expected) / np.linalg.norm(expected)))
            calls = [each[0][0] for each in bound]
            times = compare(calls, given.seconds)
            results += report(shape, rows, "hot" if rows <= 4 else "", field, times, errors)
            if rows <= 4 and given.copies:
                turns = [itertools.cycle([run for run, _ in each]) for each in bound]
                times = compare([lambda turn=turn: next(turn)() for turn in turns], given.seconds, lambda: None)
                results += report(shape, rows, "cold", field, times, errors)
            elif rows == 1:
                times = compare(calls, given.seconds, lambda: np.dot(large, large))
                results += report(shape, rows, "cold", field, times, errors)
    if given.json:
        with open(given.json, "w") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
