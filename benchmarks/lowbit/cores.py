"""Times networks whose cores have few bits beside the same with float32 cores, and Kashin beside plain codes.

Usage: python benchmarks/lowbit/cores.py [--rows 1 8 32 128] [--shape 4096x4096] [--only TEXT...] [--repeats 30]

All contestants of a shape take turns in one run, one thread; medians of processor time. "float32" is the
ratio to float32 cores of the same network with the same plan options, "plain" that to dense@int4(group=row)
of the same compute. Resident bytes are what a plan keeps.
"""

import os

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import argparse

import layers
import numpy as np
import ttkit as tk

LOW = ("int4(group=row)", "int4(group=32)", "int8(group=row)", "kmeans4", "float16")


def networks(out: int, width: int) -> list[str]:
    a, b = 2 ** (out.bit_length() // 2), 2 ** (width.bit_length() // 2)
    return [
        f"low_rank(rank={min(out, width) // 8})", f"low_rank(rank={min(out, width) // 4})",
        f"block_tensor_train(rows={out // a}x{a}, columns={width // b}x{b}, rank=4)",
        f"block_tensor_train(rows={out // a}x{a}, columns={width // b}x{b}, rank=16)",
        f"train(rows={out // a}x{a}, columns={width // b}x{b}, rank={min(out, width) // 8})",
        "monarch(blocks=16)",
        f"tucker(rows={out // a}x{a}, columns={width // b}x{b}, rank={a // 2})",
        f"train_matrix(rows={out // a}x{a}, columns={width // b}x{b}, rank={a})",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 8, 32, 128])
    parser.add_argument("--shape", default="4096x4096")
    parser.add_argument("--only", nargs="+", default=[""], help="networks whose name holds one of these")
    parser.add_argument("--seconds", type=float, default=0.3)
    given = parser.parse_args()
    out, width = (int(length) for length in given.shape.split("x"))
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(out, width)).astype(np.float32) * np.float32(0.02)
    groups: list[tuple[str, list[tuple[str, tk.Linear, str | None]]]] = []
    for network in networks(out, width):
        if any(text in network for text in given.only):
            dense = tk.Linear.initialize(network, width, out)
            made: list[tuple[str, tk.Linear, str | None]] = [(network, dense, None)]
            for storage in LOW:
                layer = tk.Linear.from_cores(
                    network, dense.cores, in_features=width, out_features=out, storage=storage)
                made.append((f"{network}@{storage}", layer, None))
                try:
                    layer.prepare(1, compute="int8")
                    made.append((f"{network}@{storage} int8", layer, "int8"))
                except ValueError:
                    pass
            groups.append(("float32", made))
    if any(text in "kashin" for text in given.only):
        kinds = [("dense@int4(group=row)", tk.Linear.fit(weight, "dense@int4(group=row)"))] + [
            (f"kashin {transform}, {storage}", tk.Linear.fit(
                weight, f"kashin(transform={transform}, code=split)@{storage}(group=row)"))
            for transform, storage in (("hadamard", "int2"), ("dct", "int2"), ("dct", "kmeans2"))]
        groups.append(("plain", [
            (f"{name} {compute or 'float32'}", layer, compute) for compute in ("int8", None)
            for name, layer in kinds]))
    for word, group in groups:
        for rows in given.rows:
            x = rng.normal(size=(rows, width)).astype(np.float32)
            plans = [layer.prepare(rows, compute=compute, threads=1) for _, layer, compute in group]
            y = np.empty((rows, out), np.float32)
            times = layers.compare([lambda plan=plan: plan(x, out=y) for plan in plans], given.seconds)
            print(f"\n{given.shape}, {rows} rows")
            for i, ((name, _, _), plan, (_, middle, _)) in enumerate(zip(group, plans, times)):
                base = times[0 if word == "float32" else i // 4 * 4][1]
                print(f"  {name:70} {middle:8.4f} ms  {word} {middle / base:5.2f}  "
                      f"resident {plan.resident_nbytes / 1e6:6.2f} MB", flush=True)


if __name__ == "__main__":
    main()
