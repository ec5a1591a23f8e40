"""TT-SVD of a function on a grid: what a tolerance costs in numbers kept."""

import numpy as np

import ttkit as tk

x = np.linspace(0, 1, 12)
grid = np.meshgrid(x, x, x, x, x, indexing="ij")
a = 1 / (1 + sum(grid))                       # 12^5 values

for rtol in (1e-2, 1e-4, 1e-8, 1e-12):
    train = tk.tensor_train(a, rtol=rtol)
    error = np.linalg.norm(np.asarray(train) - a) / np.linalg.norm(a)
    print(f"rtol {rtol:g}: ranks {train.rank}, {a.nbytes / train.nbytes:.0f}x smaller, error {error:.1e}")

mean = train.sum() / a.size
print(f"mean {mean:.12f}, element (3, 1, 4, 1, 5) {train[3, 1, 4, 1, 5]:.12f}")
