"""Storages of few bits, and layers of them against dense algebra in float64."""

from __future__ import annotations

import numpy as np

import ttkit as tk

# Every width of integers in every grouping: whole rows, the tensor, groups of whole blocks of codes, and
# groups that fit no block (5 and 24).
INTEGERS = [f"int{bits}({kind})" for bits in range(2, 9) for kind in (
    "group=row", "group=tensor", "group=16", "group=48, symmetric=false", "group=row, symmetric=false",
    "group=5")]
CODEBOOKS = [f"kmeans{bits}({kind})" for bits in range(1, 5) for kind in (
    "group=tensor", "group=row", "group=32", "group=24")] + ["kmeans5", "kmeans8(group=row)"]
VECTORS = ["lloyd1", "lloyd3(group=row)", "lloyd4", "lloyd8", "pairs4", "pairs5(group=row)",
           "pairs8", "quads3", "quads8", "quads6(group=row)"]
STORAGES = INTEGERS + CODEBOOKS + VECTORS

# Every size to 70, and around the blocks of 512 codes and of 128 columns.
SIZES = [*range(1, 71), 127, 128, 129, 511, 512, 513, 1023, 1025]


def is_rounded(storage: str, columns: int) -> bool:
    """Whether ``compute="int8"`` takes a storage: integers and codebooks up to 4 bits by whole blocks."""
    if storage in VECTORS or storage in ("kmeans5", "kmeans8(group=row)"):
        return False
    group = storage.split("group=")[1].split(",")[0].rstrip(")")
    if not group.isdigit() or int(group) >= columns:
        return True
    return int(group) % (16 if storage.startswith("int") else 32) == 0


def inputs_on_grid(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """Eighths from -127 to 127, the largest in each row: rounding to 255 levels changes nothing."""
    levels = rng.integers(-127, 128, (rows, columns))
    levels[np.arange(rows), rng.integers(0, columns, rows)] = rng.choice([-127, 127], rows)
    return (levels / 8).astype(np.float32)


def excess(layer: tk.Linear, plan: tk.LinearPlan, x: np.ndarray, storage: str = "") -> float:
    """Largest error of a plan's outputs in units of their bound; at most 1 is right.

    Sums of n products in any order: 2 n eps sum |x w| (law 23). With rounded activations, given by
    `storage`, x lies on its grid, so that integers add no error of their own; values of codebooks are
    rounded to 255 levels, or 63 of two or four values, half a step of the largest each.
    """
    weight = layer.dense().astype(np.float64)
    n = x.shape[1]
    exact = x.astype(np.float64) @ weight.T
    bound = 2 * (n + 8) * np.finfo(np.float32).eps * (np.abs(x).astype(np.float64) @ np.abs(weight).T)
    if storage.startswith("kmeans"):
        levels = 62 if storage.startswith(("kmeans1", "kmeans2")) else 254
        bound += 1.001 * np.abs(weight).max() / levels * np.abs(x).sum(axis=1, keepdims=True)
    error = np.abs(plan(x) - exact)
    assert np.isfinite(error).all() and (error[bound == 0] == 0).all()
    return float((error / np.where(bound == 0, 1, bound)).max())
