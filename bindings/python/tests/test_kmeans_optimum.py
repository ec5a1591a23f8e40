"""Codebooks of single numbers against the exact optimum, computed here by dynamic programming."""

from __future__ import annotations

import numpy as np
import pytest

import ttkit as tk

SAMPLES = ["normal", "student", "uniform", "two heaps", "outlier", "repeats", "one side"]


def sample(rng: np.random.Generator, kind: str, n: int) -> np.ndarray:
    x = {
        "normal": rng.normal(size=n), "student": rng.standard_t(5, size=n), "uniform": rng.random(n),
        "two heaps": rng.normal(size=n) + 9 * (rng.random(n) < 0.2),
        "outlier": np.append(rng.normal(size=n - 1), 1e4), "repeats": rng.integers(-40, 40, n) / 7,
        "one side": np.exp(2 * rng.normal(size=n)),
    }[kind]
    return np.asarray(x, np.float32)


def optimum(values: np.ndarray, k: int) -> float:
    """Least squared error of k intervals of the sorted numbers: all starts of the last one are tried."""
    x = np.sort(values.astype(np.float64))
    x = x - x.mean()
    one, two = (np.concatenate([[0], np.cumsum(x**p)]) for p in (1, 2))
    ends = np.arange(len(x) + 1)
    # cost[i, j] of the numbers i to j - 1.
    count = np.maximum(ends[None, :] - ends[:, None], 1)
    cost = (two[None, :] - two[:, None]) - (one[None, :] - one[:, None]) ** 2 / count
    cost = np.where(ends[None, :] > ends[:, None], np.maximum(cost, 0), np.inf)
    np.fill_diagonal(cost, 0)
    best = cost[0]
    for _ in range(k - 1):
        best = (best[:, None] + cost).min(axis=0)
    return float(best[-1])


@pytest.mark.parametrize("kind", SAMPLES)
@pytest.mark.parametrize("bits", [1, 2, 3, 4])
def test_kmeans_isTheOptimum(rng: np.random.Generator, kind: str, bits: int) -> None:
    """At most 1.002 times its error, below and above the 2048 numbers that go into bins."""
    for n in (1, 2, 16, 17, 300, 2047, 2048, 2049, 2600):
        if n == 1 and kind == "outlier":
            continue
        values = sample(rng, kind, n)
        exact = np.sqrt(optimum(values, 2**bits))
        found = tk.quantize(values, tk.KMeans(bits)).dequantize().astype(np.float64)
        error = np.linalg.norm(found - values)
        # The codebook of a tensor is of float32.
        assert error <= 1.002 * exact + 2.0**-23 * np.linalg.norm(values.astype(np.float64)), n


@pytest.mark.parametrize("kind", SAMPLES)
def test_kmeansOfRows_isTheOptimumOfEach(rng: np.random.Generator, kind: str) -> None:
    a = np.stack([sample(rng, kind, 384) for _ in range(6)])
    for bits in (2, 3, 4):
        found = tk.quantize(a, tk.KMeans(bits, group="row")).dequantize().astype(np.float64)
        for row, back in zip(a, found, strict=True):
            exact = np.sqrt(optimum(row, 2**bits))
            # Codebooks of rows are of float16.
            bound = 1.002 * exact + 2.0**-11 * np.linalg.norm(row.astype(np.float64))
            assert np.linalg.norm(back - row) <= bound


def test_lloyd_isNextToTheOptimumOfGaussians(rng: np.random.Generator) -> None:
    """One codebook and a scale a row: within 1 % of the best codebook of the normalised numbers."""
    a = rng.normal(size=(16, 160)).astype(np.float32) * np.exp(rng.normal(size=(16, 1))).astype(np.float32)
    level = (a / np.sqrt(np.mean(a.astype(np.float64) ** 2, axis=1, keepdims=True))).astype(np.float32)
    for bits in (2, 3, 4):
        exact = np.sqrt(optimum(level.ravel(), 2**bits) / level.size)
        back = tk.quantize(a, tk.Lloyd(bits)).dequantize()
        error = np.sqrt(np.mean(((back - a) / np.linalg.norm(a, axis=1, keepdims=True)) ** 2) * 160)
        assert error <= 1.01 * exact + 2.0**-10
