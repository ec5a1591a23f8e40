"""Relative errors of low-bit codecs on Gaussian, Student-t(5) and real weights.

Usage: python benchmarks/lowbit/codecs.py [--model FILE.safetensors] [--json FILE]

Each line is a codec, each column a kind of weight: two random 256 x 256 matrices and, of a model, the
weights whose names --pattern matches (of MiniLM: all linear ones, FFN-down alone). The error of a model is
that of all its weights together, bits count codes, scales and codebooks. The best of a width is starred.
"""

import argparse
import json
import math
import re

import numpy as np
import ttkit as tk

CODECS = {
    2: ["dense@int2(group=tensor)", "dense@int2(group=row)", "dense@int2(group=64)", "dense@kmeans2",
        "dense@kmeans2(group=row)", "dense@lloyd2", "rotation@int2(group=64)", "rotation@lloyd2",
        "kashin(method=greedy)@kmeans2", "kashin@kmeans2", "dense@pairs4", "rotation@pairs4",
        "rotation@quads8"],
    3: ["dense@int3(group=tensor)", "dense@int3(group=row)", "dense@int3(group=64)", "dense@kmeans3",
        "dense@kmeans3(group=row)", "dense@lloyd3", "rotation@int3(group=64)", "rotation@lloyd3",
        "kashin(method=greedy)@kmeans3", "kashin@kmeans3", "dense@pairs6", "rotation@pairs6"],
    4: ["dense@int4(group=tensor)", "dense@int4(group=row)", "dense@int4(group=64)", "dense@kmeans4",
        "dense@kmeans4(group=row)", "dense@lloyd4", "rotation@int4(group=64)", "rotation@lloyd4",
        "kashin(method=greedy)@kmeans4", "kashin@kmeans4", "kashin(code=split)@kmeans2(group=row)",
        "rotation@pairs8"],
}


def weights(given: argparse.Namespace) -> dict[str, list[np.ndarray]]:
    rng = np.random.default_rng(0)
    found = {
        "Gaussian": [rng.normal(size=(256, 256)).astype(np.float32)],
        "Student-t(5)": [rng.standard_t(5, size=(256, 256)).astype(np.float32)],
    }
    if given.model:
        from safetensors.numpy import load_file

        tensors = load_file(given.model)
        for name, pattern in given.pattern:
            found[name] = [tensors[key] for key in sorted(tensors) if re.search(pattern, key)]
    return found


def measure(spec: str, group: list[np.ndarray]) -> tuple[float, float]:
    """Relative error and bits of a number, of all weights together."""
    lost = whole = nbytes = count = 0.0
    for weight in group:
        quantized = tk.quantize(weight, spec)
        norm = float(np.linalg.norm(weight))
        lost += (quantized.error * norm) ** 2
        whole += norm**2
        nbytes += quantized.nbytes
        count += weight.size
    return math.sqrt(lost / whole), 8 * nbytes / count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="safetensors file of a real model")
    parser.add_argument("--pattern", nargs=2, action="append", metavar=("NAME", "REGEX"), default=None,
                        help="a column: the weights whose names match")
    parser.add_argument("--bits", type=int, nargs="+", default=[2, 3, 4])
    parser.add_argument("--json", help="write the measurements there")
    given = parser.parse_args()
    given.pattern = given.pattern or [
        ("linears", r"encoder\.layer\..*(query|key|value|dense)\.weight"),
        ("FFN-down", r"encoder\.layer\.\d+\.output\.dense\.weight")]
    groups, results = weights(given), []
    print("| codec | " + " | ".join(f"{name} | bits" for name in groups) + " |")
    print("|---" * (1 + 2 * len(groups)) + "|")
    for bits in given.bits:
        table = {spec: [measure(spec, group) for group in groups.values()] for spec in CODECS[bits]}
        best = [min(row[k][0] for row in table.values()) for k in range(len(groups))]
        for spec, row in table.items():
            cells = [f"{e:.4f}{'*' if e == b else ''} | {w:.2f}" for (e, w), b in zip(row, best)]
            print(f"| `{spec}` | " + " | ".join(cells) + " |", flush=True)
            results += [{"spec": spec, "weights": name, "error": e, "bits": w}
                        for name, (e, w) in zip(groups, row)]
    if given.json:
        with open(given.json, "w") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
