"""Results never keep the caller's memory: what happens to an array after a call changes nothing."""

from collections.abc import Callable

import numpy as np
import pytest
import ttkit as tk

DECOMPOSITIONS: dict[str, Callable[[np.ndarray], object]] = {
    "train": tk.tensor_train,
    "train, qr": lambda a: tk.tensor_train(a, method="qr"),
    "Tucker": tk.tucker,
    "hierarchical Tucker": tk.hierarchical_tucker,
    "canonical": lambda a: tk.canonical(a, 1),
    "train matrix": lambda a: tk.tensor_train_matrix(
        a.reshape(a.shape[0], -1), (a.shape[0],), (a.size // a.shape[0],)),
    "dense layer": lambda a: tk.Linear.fit(a.reshape(a.shape[0], -1), tk.Dense()),
    "quantised": lambda a: tk.quantize(a, "float64"),
}


def dense(result: object) -> np.ndarray:
    for name in ("to_array", "dequantize", "dense"):
        if hasattr(result, name):
            return np.array(getattr(result, name)())
    return np.array(np.asarray(result))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(4,), (2, 3), (3, 2), (1, 5), (2, 3, 4), (8, 64, 64)])
@pytest.mark.parametrize("kind", DECOMPOSITIONS)
def test_results_are_their_own(
    kind: str, shape: tuple[int, ...], order: str, rng: np.random.Generator
) -> None:
    if kind == "dense layer" and len(shape) == 1:
        pytest.skip("a vector is no weight")
    a = np.array(rng.standard_normal(shape), order=order)
    result = DECOMPOSITIONS[kind](a)
    before = dense(result)
    a[...] = np.nan
    assert np.array_equal(dense(result), before)
