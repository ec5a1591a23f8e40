"""`Linear.vjp`: against differences, the adjoint identity, and the dense layer's gradients."""

from __future__ import annotations

import numpy as np
import pytest

import ttkit as tk

SPECS = (
    "dense", "low_rank(rank=3)", "train_matrix(rows=4x6, columns=3x4, rank=3)",
    "train(rows=4x6, columns=3x4, rank=4)", "block_tensor_train(rows=4x6, columns=3x4, rank=2)",
    "monarch(blocks=3)", "kronecker(rows=4x6, columns=3x4)", "cp(rows=4x6, columns=3x4, rank=3)",
    "tucker(rows=4x6, columns=3x4, rank=2)", "low_rank(rank=2) + kronecker(rows=4x6, columns=3x4)",
)


def made(spec: str, rng: np.random.Generator) -> tk.Linear:
    return tk.Linear.fit(rng.standard_normal((24, 12)), spec, bias=rng.standard_normal(24))


def rebuilt(layer: tk.Linear, cores: list[np.ndarray], bias: np.ndarray) -> tk.Linear:
    return tk.Linear.from_cores(layer.spec, cores, bias, in_features=12, out_features=24)


@pytest.mark.parametrize("spec", SPECS)
def test_linearVjp_everyFormat_isTheDerivative(spec: str) -> None:
    rng = np.random.default_rng(4)
    layer = made(spec, rng)
    x, grad = rng.standard_normal((2, 5, 12)), rng.standard_normal((2, 5, 24))
    grad_x, grad_cores, grad_bias = layer.vjp(x, grad)
    # y is affine in x and in the bias: both gradients in closed form.
    assert np.allclose(grad_x, grad @ layer.dense(), rtol=1e-12, atol=1e-12)
    assert grad_bias is not None
    assert np.allclose(grad_bias, grad.sum((0, 1)), rtol=1e-12, atol=1e-12)
    cores = [np.array(core) for core in layer.cores]
    bias = layer.bias
    assert bias is not None and len(grad_cores) == len(cores)
    for k, core in enumerate(cores):
        assert grad_cores[k].shape == core.shape
        # y is affine in one core, so a central difference of any step is exact but for rounding.
        direction = rng.standard_normal(core.shape)
        sides = [rebuilt(layer, [*cores[:k], core + s * direction, *cores[k + 1 :]], bias)
                 for s in (0.5, -0.5)]
        change = float(np.sum(grad * (sides[0](x) - sides[1](x))))
        assert np.isclose(change, np.sum(grad_cores[k] * direction), rtol=1e-10, atol=1e-10)


def test_linearVjp_manyRows_areTheSumOverRows() -> None:
    rng = np.random.default_rng(5)
    layer = made("train_matrix(rows=4x6, columns=3x4, rank=3)", rng)
    x, grad = rng.standard_normal((700, 12)), rng.standard_normal((700, 24))
    grad_x, grad_cores, grad_bias = layer.vjp(x, grad, threads=2)
    parts = [layer.vjp(x[i : i + 100], grad[i : i + 100]) for i in range(0, 700, 100)]
    assert np.allclose(grad_x, np.concatenate([part[0] for part in parts]), atol=1e-12)
    for k, core in enumerate(grad_cores):
        assert np.allclose(core, sum(part[1][k] for part in parts), rtol=1e-11, atol=1e-10)
    assert np.allclose(grad_bias, grad.sum(0), atol=1e-11)


def test_linearVjp_noRows_isZero() -> None:
    layer = made("low_rank(rank=3)", np.random.default_rng(6))
    grad_x, grad_cores, grad_bias = layer.vjp(np.ones((0, 12)), np.ones((0, 24)))
    assert grad_x.shape == (0, 12) and not np.any(grad_bias)
    assert all(not core.any() for core in grad_cores)


def test_linearVjp_float32WithoutBias_hasNoGradientOfIt() -> None:
    rng = np.random.default_rng(7)
    layer = tk.Linear.fit(rng.standard_normal((6, 4)).astype(np.float32), "low_rank(rank=2)@int8")
    grad_x, _, grad_bias = layer.vjp(np.ones(4, np.float32), np.ones(6, np.float32))
    assert grad_bias is None and grad_x.shape == (4,) and grad_x.dtype == np.float32
    assert np.allclose(grad_x, layer.dense().sum(0), rtol=1e-5, atol=1e-5)


def test_linearVjp_wrongInput_isRefused() -> None:
    layer = made("low_rank(rank=3)", np.random.default_rng(8))
    with pytest.raises(ValueError, match="x has shape"):
        layer.vjp(np.ones((2, 11)), np.ones((2, 24)))
    with pytest.raises(ValueError, match="grad has shape"):
        layer.vjp(np.ones((2, 12)), np.ones((2, 23)))
    with pytest.raises(ValueError, match="grad has shape"):
        layer.vjp(np.ones((2, 12)), np.ones((3, 24)))
    with pytest.raises(TypeError, match="grad has dtype"):
        layer.vjp(np.ones((2, 12)), np.ones((2, 24), complex))
    layer.close()
    with pytest.raises(ValueError, match="closed"):
        layer.vjp(np.ones((2, 12)), np.ones((2, 24)))
