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


# --- the backward pass


def test_vjp_isTheDerivative(rng: np.random.Generator) -> None:
    given = parameters(rng, np.float64)
    layer = tk.BlockTermAttention(*given)
    for n in (1, 4, LENGTH):
        x = rng.normal(size=(2, n, FEATURES))
        grad = rng.normal(size=(2, n, OUTPUTS))
        grad_x, grads, grad_bias = layer.vjp(x, grad)
        assert grad_x.shape == x.shape and grad_bias is not None
        inputs, found = [*given, x], [*grads, grad_bias, grad_x]
        for k, (array, gradient) in enumerate(zip(inputs, found, strict=True)):
            assert gradient.shape == array.shape
            for _ in range(3):
                direction = rng.normal(size=array.shape)

                def value(step: float, k: int = k, direction: np.ndarray = direction) -> float:
                    moved = [a + step * direction if i == k else a for i, a in enumerate(inputs)]
                    y = np.stack([reference(moved[:-1], part) for part in moved[-1]])
                    return float((grad * y).sum())

                # Cubic in x, linear in the others: the error of the difference is the cube's.
                h = 1e-4
                slope = (8 * (value(h) - value(-h)) - (value(2 * h) - value(-2 * h))) / (12 * h)
                scale = np.abs(gradient * direction).sum() + np.abs(value(0))
                assert abs((gradient * direction).sum() - slope) <= 1e-8 * scale


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_vjp_isAdjoint(rng: np.random.Generator, dtype: type) -> None:
    """Linear in query, output and cores: <grad, layer(direction)> = <gradient, direction>."""
    given = parameters(rng, dtype)[:5]
    x = rng.normal(size=(3, 7, FEATURES)).astype(dtype)
    grad = rng.normal(size=(3, 7, OUTPUTS)).astype(dtype)
    _, grads, grad_bias = tk.BlockTermAttention(*given).vjp(x, grad)
    assert grad_bias is None
    for k in (0, 1, 2, 3, 4):
        direction = rng.normal(size=given[k].shape).astype(dtype)
        moved = [direction if i == k else a for i, a in enumerate(given)]
        y = tk.BlockTermAttention(*moved)(x)
        terms = grads[k] * direction
        assert grads[k].dtype == dtype
        error = abs(float((grad * y).sum(dtype=float)) - float(terms.sum(dtype=float)))
        # Sums of at most 7² pairs, 5 ranks and 4 outputs.
        assert error <= 4e3 * np.finfo(dtype).eps * (np.abs(grad * y).sum() + np.abs(terms).sum())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradientsOfEarlierOutputs_neverReachLaterTokens(
    rng: np.random.Generator, dtype: type
) -> None:
    """Bit for bit, even where a later token is NaN or infinite."""
    layer = tk.BlockTermAttention(*parameters(rng, dtype))
    x = rng.normal(size=(2, LENGTH, FEATURES)).astype(dtype)
    for t in range(LENGTH - 1):
        grad = rng.normal(size=(2, LENGTH, OUTPUTS)).astype(dtype)
        grad[0, t + 1:] = 0
        expected = layer.vjp(x, grad)
        assert np.all(expected[0][0, t + 1:] == 0)
        assert np.any(expected[0][0, t] != 0) and np.any(expected[0][1, LENGTH - 1] != 0)
        for bad in (0, 1e30, np.nan, np.inf):
            changed = x.copy()
            changed[0, t + 1:] = bad
            grad_x, grads, _ = layer.vjp(changed, grad)
            assert np.array_equal(grad_x, expected[0])
            assert all(np.array_equal(a, b) for a, b in zip(grads, expected[1], strict=True))


def test_vjp_badArguments_areRefused(rng: np.random.Generator) -> None:
    layer = tk.BlockTermAttention(*parameters(rng, np.float32))
    x = np.ones((3, FEATURES), np.float32)
    for shape in ((3, 5), (2, OUTPUTS), (1, 3, OUTPUTS)):
        with pytest.raises(ValueError, match="grad has shape"):
            layer.vjp(x, np.ones(shape, np.float32))
    with pytest.raises(TypeError, match="grad has dtype"):
        layer.vjp(x, np.ones((3, OUTPUTS)))
    grad_x, grads, grad_bias = layer.vjp(x[:0], np.ones((0, OUTPUTS), np.float32))
    assert grad_x.shape == (0, FEATURES) and grad_bias is not None
    assert all(np.all(g == 0) for g in [*grads, grad_bias])
