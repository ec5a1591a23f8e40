"""Compresses one matrix in several ways and prints size, error and the product's error."""

import numpy as np

import ttkit as tk

rng = np.random.default_rng(0)
# Rank 24 and some noise: half way between a random and a trained weight.
weight = rng.standard_normal((96, 24)) @ rng.standard_normal((24, 64)) / 5
weight = (weight + 0.05 * rng.standard_normal(weight.shape)).astype(np.float32)
x = rng.standard_normal((10, 64)).astype(np.float32)

for spec in (
    tk.Dense(),
    "dense@int8(group=64)",
    tk.LowRank(24),
    "low_rank(rank=24)@int8(group=24)",
    "low_rank(rank=8) + dense@int8(group=64)",
    tk.TrainMatrix(rows=(8, 12), columns=(8, 8), rank=32),
):
    layer = tk.Linear.fit(weight, spec)
    exact = x @ weight.T
    difference = np.linalg.norm(layer(x) - exact) / np.linalg.norm(exact)
    print(f"{layer.spec:45s} {layer.nbytes:6d} bytes  weight {layer.error:.1e}  output {difference:.1e}")
