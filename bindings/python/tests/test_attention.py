"""Block-term attention against its definition, and strictly causal."""

from __future__ import annotations

import numpy as np
import pytest

import ttkit as tk

FEATURES, RANK, OUTPUTS, LENGTH = 6, 5, 4, 9


def parameters(rng: np.random.Generator, dtype: type) -> list[np.ndarray]:
    shapes = [(RANK, FEATURES)] * 3 + [(2, RANK), (OUTPUTS, LENGTH, LENGTH), (OUTPUTS,)]
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


def reference(given: list[np.ndarray], x: np.ndarray) -> np.ndarray:
    query, key, value, cores, output, bias = [a.astype(np.float64) for a in given]
    q, k, v = x @ query.T, x @ key.T, x @ value.T
    n = len(x)
    cube = np.einsum("r,ir,jr,lr->ijl", cores.mean(0), q, k, v)
    i, j, l = np.ogrid[:n, :n, :n]
    cube[(j > i) | (l > i)] = 0
    return np.einsum("ijl,ojl->io", cube, output[:, :n, :n]) + bias


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_attention_isItsDefinition(rng: np.random.Generator, dtype: type) -> None:
    given = parameters(rng, dtype)
    layer = tk.BlockTermAttention(*given)
    assert (layer.features, layer.rank, layer.outputs, layer.length) == (6, 5, 4, 9)
    for n in (1, 2, 8, 9):
        x = rng.normal(size=(3, n, FEATURES)).astype(dtype)
        expected = np.stack([reference(given, part.astype(np.float64)) for part in x])
        y = layer(x)
        scale = np.abs(expected).max() * n * n
        assert y.shape == (3, n, OUTPUTS) and y.dtype == dtype
        assert np.abs(y - expected).max() <= 32 * np.finfo(dtype).eps * scale
        assert np.array_equal(layer(x, threads=1), y) and np.array_equal(layer(x[1]), y[1])
    without = tk.BlockTermAttention(*given[:5])
    assert np.allclose(without(x) + given[5], y, rtol=0, atol=1e-4 * scale)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_laterTokens_neverChangeEarlierOutputs(rng: np.random.Generator, dtype: type) -> None:
    """Bit for bit, even where a later token is NaN, infinite, or missing."""
    layer = tk.BlockTermAttention(*parameters(rng, dtype))
    x = rng.normal(size=(LENGTH, FEATURES)).astype(dtype)
    y = layer(x)
    for i in range(LENGTH - 1):
        assert np.array_equal(layer(x[:i + 1]), y[:i + 1])
        for bad in (0, 1e30, np.nan, np.inf):
            changed = x.copy()
            changed[i + 1:] = bad
            assert np.array_equal(layer(changed)[:i + 1], y[:i + 1])
        changed = x.copy()
        changed[i] += 1
        assert np.any(layer(changed)[i] != y[i])


def test_attention_badArguments_areRefused(rng: np.random.Generator) -> None:
    given = parameters(rng, np.float32)
    layer = tk.BlockTermAttention(*given)
    for shape in ((10, 6), (3, 5), (6,)):
        with pytest.raises(ValueError, match="x has shape"):
            layer(np.ones(shape, np.float32))
    with pytest.raises(TypeError, match="x has dtype"):
        layer(np.ones((3, 6)))
    assert layer(np.ones((0, 6), np.float32)).shape == (0, 4)
    for k, (shape, message) in enumerate([
        ((5,), "query"), ((5, 7), "key"), ((4, 6), "value"), ((2, 4), "cores"), ((4, 9, 8), "output"),
        ((5,), "bias"),
    ]):
        bad = [np.ones(shape, np.float32) if i == k else a for i, a in enumerate(given)]
        with pytest.raises(ValueError, match=f"{message} has shape"):
            tk.BlockTermAttention(*bad)
    given[3] = np.full((2, 5), np.nan, np.float32)
    with pytest.raises(ValueError, match="NaN"):
        tk.BlockTermAttention(*given)
    layer.close()
    with pytest.raises(ValueError, match="closed"):
        layer(np.ones((3, 6), np.float32))
