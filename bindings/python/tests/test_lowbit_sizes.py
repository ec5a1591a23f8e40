"""Layers of few bits are their matrices: every size, storage and compute precision."""

from __future__ import annotations

import numpy as np
import pytest
from lowbit_support import CODEBOOKS, INTEGERS, SIZES, STORAGES, excess, inputs_on_grid, is_rounded

import ttkit as tk

TRANSFORMED = [
    "rotation@int4(group=16)", "rotation(transform=dct)@lloyd4", "rotation@int2(group=row)",
    "kashin@kmeans3", "kashin(code=split)@int2(group=row)", "kashin(code=split)@int4(group=16)",
    "kashin(transform=hadamard, code=split)@kmeans2(group=row)",
]


@pytest.mark.parametrize("storage", STORAGES)
def test_everySize_multipliesAsItsMatrix(rng: np.random.Generator, storage: str) -> None:
    """Unpacked, packed where a limit below the floats asks for it, and with rounded activations."""
    for k in SIZES:
        outputs = k * 37 % 71 + (k > 70)  # each of 1 to 70 meets each of 1 to 70
        weight = rng.normal(size=(outputs, k)).astype(np.float32)
        layer = tk.Linear.fit(weight, "dense@" + storage)
        for rows in (1, 2 + k % 8):
            x = inputs_on_grid(rng, rows, k)
            plans = [layer.prepare(rows), layer.prepare(rows, memory_limit=4 * weight.size - 1)]
            where = f"{outputs} x {k}, {rows} rows"
            assert max(excess(layer, plan, x) for plan in plans) <= 1, where
            if is_rounded(storage, k):
                rounded = layer.prepare(rows, compute="int8")
                assert excess(layer, rounded, x, storage) <= 1, where
            else:
                with pytest.raises(ValueError, match="int8"):
                    layer.prepare(rows, compute="int8")


def _meets_rounded_rows(spec: str, columns: int) -> bool:
    """The halves of a split Kashin layer have scales or codebooks of their own: each fills blocks."""
    if "kashin(" in spec and "group=row" in spec:
        return columns % (32 if "kmeans" in spec else 16) == 0
    return not spec.endswith(("lloyd4", "kashin@kmeans3"))


@pytest.mark.parametrize("spec", TRANSFORMED)
def test_everySize_behindATransform(rng: np.random.Generator, spec: str) -> None:
    """The transform is exact to rounding; rounded, its result is off by half a step an element."""
    eps = np.finfo(np.float32).eps
    transform = "dct" if "dct" in spec or "kashin@" in spec or "kashin(code" in spec else "hadamard"
    for k in SIZES:
        weight = rng.normal(size=(k * 37 % 71 + (k > 70), k)).astype(np.float32)
        layer = tk.Linear.fit(weight, spec)
        dense = layer.dense().astype(np.float64)
        for rows in (1, 2 + k % 8):
            x = rng.normal(size=(rows, k)).astype(np.float32)
            exact = x @ dense.T
            norms = np.linalg.norm(x, axis=1)[:, None]
            size = norms * np.linalg.norm(dense, axis=1)
            bound = 8 * eps * (8 + k) * (size + 1e-3 * size.max())
            for limit in (None, 4 * weight.size - 1):
                error = np.abs(layer.prepare(rows, memory_limit=limit)(x) - exact)
                assert (error <= bound).all(), f"{weight.shape}, {rows} rows"
            if not _meets_rounded_rows(spec, k):
                with pytest.raises(ValueError, match="int8"):
                    layer.prepare(rows, compute="int8")
                continue
            moved = tk.orthogonal_transform(x, transform, adjoint=True)
            step = np.maximum(np.abs(moved).max(1), np.abs(x).max(1))[:, None] / 127
            sums = np.abs(layer.cores[0]).reshape(len(weight), -1).sum(1)
            # Several rows of Kashin meet the matrix itself in 8 bits by row.
            levels = (np.abs(layer.cores[0]).max() + np.abs(dense).max()) / 254
            bound = bound + 0.51 * step * sums + levels * (np.abs(x) + np.abs(moved)).sum(1)[:, None]
            error = np.abs(layer.prepare(rows, compute="int8")(x) - exact)
            assert (error <= bound).all(), f"{weight.shape}, {rows} rows, int8"


@pytest.mark.parametrize("storage", [s for s in INTEGERS + CODEBOOKS if is_rounded(s, 2000)])
def test_extremes_neverSaturate(storage: str) -> None:
    """Codes at the ends of their range, 0 and 255 among them, against activations of +-127."""
    for k in (64, 512, 2000):
        signs = np.stack([np.ones(k), np.where(np.arange(k) % 2, -1, 1),
                          np.where(np.arange(k) % 8 < 4, 1, -1)])
        # Rows of one sign, of the signs of x, all positive beside one zero, and one-sided ranges.
        weight = np.concatenate([signs, -signs, np.abs(signs) * (np.arange(k) > 0), (signs + 1) / 2,
                                 (signs - 1) / 2]).astype(np.float32)
        layer = tk.Linear.fit(weight, "dense@" + storage)
        for rows in (1, 3, 24):
            x = np.resize(np.concatenate([signs, -signs]), (rows, k)).astype(np.float32) * 127 / 8
            found = excess(layer, layer.prepare(rows, compute="int8"), x, storage)
            assert found <= 1, f"{k} inputs, {rows} rows"


@pytest.mark.parametrize("storage", ["int4(group=16)", "kmeans4", "kmeans2(group=row)", "int8(group=row)"])
@pytest.mark.parametrize("compute", ["float32", "int8"])
def test_weightsAndRowsOfZeros_giveZeros(storage: str, compute: str) -> None:
    """A scale of nothing divides nothing."""
    weight = np.zeros((6, 40), np.float32)
    weight[3] = 5
    layer = tk.Linear.fit(weight, "dense@" + storage, bias=np.arange(6, dtype=np.float32))
    x = np.ones((4, 40), np.float32)
    x[1], x[2] = 0, 1e-41
    for rows in (1, 4):
        found = layer.prepare(rows, compute=compute)(x[:rows] if rows > 1 else x[1])
        expected = (x @ weight.T + np.arange(6))[:rows] if rows > 1 else np.arange(6)
        assert np.abs(found - expected).max() <= 2.0**-9 * 200
        assert np.array_equal(np.atleast_2d(found)[:, [0, 1, 2, 4, 5]],
                              np.broadcast_to([0, 1, 2, 4, 5], (rows, 5)))
