#!/usr/bin/env python3
"""Looking rows of compressed tables up: microseconds a row, against numpy.take and the tltorch layer.

Usage: embeddings.py [--json]. One thread. Every pair is timed in turns; the minimum of many counts.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np  # noqa: E402
from timing import race  # noqa: E402

import ttkit as tk  # noqa: E402


def cores(rng: np.random.Generator, rows: list[int], columns: list[int], rank: int) -> list:
    ranks = [1, *[rank] * (len(rows) - 1), 1]
    return [
        rng.normal(size=(a, i, j, b)).astype(np.float32) / rank
        for a, i, j, b in zip(ranks, rows, columns, ranks[1:], strict=False)]


def large(rng: np.random.Generator) -> dict[str, float]:
    """The table of TT-Rec's example: 11 million rows of 64."""
    made = cores(rng, [200, 220, 250], [4, 4, 4], 32)
    emb = tk.Embedding.from_cores(
        "train_matrix(rows=200x220x250, columns=4x4x4, rank=32)", made, rows=11_000_000, features=64)
    result = {}
    for count in (512, 10_240, 65_536):
        ids = rng.permutation(11_000_000)[:count]
        out = np.empty((count, 64), np.float32)
        plan = emb.prepare(count, threads=1)
        roomy = emb.prepare(count, memory_limit=256 << 20, threads=1)
        times = race({"tight": lambda: plan(ids, out), "roomy": lambda: roomy(ids, out)}, 15)
        result[f"{count} ids, us a row"] = times["tight"] / count * 1e6
        result[f"{count} ids, halves in {roomy.resident_nbytes >> 20} MiB, us a row"] = (
            times["roomy"] / count * 1e6)
    return result


def real(rng: np.random.Generator) -> dict[str, float]:
    """A table of 30522 rows of 384, ranks 32, and the same cores in tltorch."""
    shape = [31, 31, 32], [6, 8, 8]
    made = cores(rng, *shape, 32)
    emb = tk.Embedding.from_cores(
        "train_matrix(rows=31x31x32, columns=6x8x8, rank=32)", made, rows=30522, features=384)
    count = 4096
    ids = rng.integers(0, 30522, count)
    out = np.empty((count, 384), np.float32)
    plan = emb.prepare(count, threads=1)
    tight = emb.prepare(count, threads=1, memory_limit=1_200_000)
    calls: dict[str, Callable[[], object]] = {
        "ttkit": lambda: plan(ids, out), "tight": lambda: tight(ids, out)}
    try:
        import tltorch
        import torch
        torch.set_num_threads(1)
        layer = tltorch.FactorizedEmbedding(
            31 * 31 * 32, 384, auto_tensorize=False, tensorized_num_embeddings=tuple(shape[0]),
            tensorized_embedding_dim=tuple(shape[1]), rank=(1, 32, 32, 1), factorization="blocktt")
        given = torch.from_numpy(ids)

        def peer() -> object:
            with torch.no_grad():
                return layer(given)
        peer()
        calls["tltorch"] = peer
    except Exception as error:
        print(f"tltorch does not run: {type(error).__name__}: {error}", file=sys.stderr)
    times = race(calls, 7)
    result = {
        f"{plan.resident_nbytes} bytes, us a row": times["ttkit"] / count * 1e6,
        f"{tight.resident_nbytes} bytes, us a row": times["tight"] / count * 1e6}
    if "tltorch" in times:
        result["tltorch, us a row"] = times["tltorch"] / count * 1e6
        result["tltorch / ttkit"] = times["tltorch"] / times["ttkit"]
        result["tltorch / ttkit in little memory"] = times["tltorch"] / times["tight"]
    return result


def quantised(rng: np.random.Generator) -> dict[str, float]:
    """Dense tables of integers against numpy.take of the float32 table."""
    table = rng.normal(size=(30522, 384)).astype(np.float32)
    result = {}
    for spec in ("dense@int8(group=64)", "dense@int8(group=row)", "dense@int4(group=32)",
                 "dense@int4(group=64, symmetric=false)", "dense@float16", "dense"):
        emb = tk.Embedding.fit(table, spec)
        for count in (128, 4096):
            ids = rng.integers(0, 30522, count)
            out = np.empty((count, 384), np.float32)
            plan = emb.prepare(count, threads=1)
            times = race({
                "ttkit": lambda: plan(ids, out),
                "numpy": lambda: np.take(table, ids, axis=0, out=out, mode="clip")}, 40)
            result[f"{spec}, {count} ids / numpy.take"] = times["ttkit"] / times["numpy"]
    return result


def main() -> None:
    rng = np.random.default_rng(0)
    results = {
        "11 M x 64, ranks 32": large(rng), "30522 x 384, ranks 32": real(rng),
        "30522 x 384, integers": quantised(rng)}
    if "--json" in sys.argv:
        print(json.dumps(results, indent=1))
        return
    for title, lines in results.items():
        print(title)
        for name, value in lines.items():
            print(f"  {name:55} {value:8.3f}")


if __name__ == "__main__":
    main()
