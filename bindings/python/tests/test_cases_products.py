"""Truncated products of trains and matrices against exact ones, and entries of extreme size."""

from __future__ import annotations

import numpy as np
import pytest
from test_cases_algebra import eps_of, matrix_of, train_of
from test_train import DTYPES

import ttkit as tk

METHODS = ["sketched", "zip-up", "variational", "exact"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("method", METHODS)
def test_f12_elementwiseProducts_equalExactOnesRounded(
    rng: np.random.Generator, method: str, dtype: str
) -> None:
    t, u = (train_of(rng, (5,) * 5, (6, 7, 8, 5), dtype) for _ in range(2))
    for rtol in (1e-2, 1e-4):
        expected = np.asarray(t) * np.asarray(u)
        product = tk.multiply(t, u, rtol=rtol, method=method)
        error = np.linalg.norm(np.asarray(product) - expected) / np.linalg.norm(expected)
        assert error <= rtol + 64 * eps_of(t)
        assert product.error == pytest.approx(error, rel=2, abs=64 * eps_of(t))
        exact = (t * u).round(rtol=rtol)
        assert all(r <= s + 2 for r, s in zip(product.rank, exact.rank, strict=True))


@pytest.mark.parametrize("dtype", ["float64", "complex64"])
@pytest.mark.parametrize("method", METHODS)
def test_f12_matrixProducts_equalExactOnesRounded(
    rng: np.random.Generator, method: str, dtype: str
) -> None:
    digits = (3, 4, 3, 2)
    m, w = (matrix_of(rng, digits, digits, 6, dtype) for _ in range(2))
    t = train_of(rng, digits, (3, 6, 2), dtype)
    rtol = 1e-3
    for found, expected in (
        (tk.multiply(m, t, rtol=rtol, method=method),
         (np.asarray(m) @ np.asarray(t).reshape(-1)).reshape(digits)),
        (tk.multiply(m, w, rtol=rtol, method=method), np.asarray(m) @ np.asarray(w))):
        error = np.linalg.norm(np.asarray(found) - expected) / np.linalg.norm(expected)
        assert error <= rtol + 64 * np.finfo(dtype).eps


@pytest.mark.parametrize("method", METHODS)
def test_f12_smoothFunctions_haveTheRanksOfTheirProduct(method: str) -> None:
    grid = np.indices((8,) * 6).sum(axis=0) / 8
    t = tk.tensor_train(np.sin(grid) + np.exp(-grid) + grid**3, rtol=1e-13)
    power = tk.multiply(t, t, rtol=1e-9, method=method)
    expected = np.asarray(t) ** 2
    assert np.linalg.norm(np.asarray(power) - expected) <= 1.5e-9 * np.linalg.norm(expected)
    assert max(power.rank) <= max((t * t).round(rtol=1e-9).rank) + 1


def test_multiply_withARankCap_holdsIt(rng: np.random.Generator) -> None:
    t, u = (train_of(rng, (4,) * 6, (6,) * 5) for _ in range(2))
    best = (t * u).round(5).error
    for method in METHODS:
        product = tk.multiply(t, u, rank=5, method=method)
        assert max(product.rank) <= 5
        assert (product - t * u).norm() <= 1.1 * best * (t * u).norm()


def test_multiply_badInput_isRefused(train: tk.TensorTrain) -> None:
    m = tk.tensor_train_matrix(np.ones((6, 6)), (2, 3), (2, 3))
    for arguments, options, error in (
        ((train, 3), {}, TypeError), ((train, m), {}, TypeError), ((m, train), {}, ValueError),
        ((train, train[:2]), {}, ValueError), ((train, train), {"method": "fast"}, ValueError),
        ((train, train), {"rtol": -1.0}, ValueError), ((train, train), {"rank": 0}, ValueError)):
        with pytest.raises(error):
            tk.multiply(*arguments, **options)  # type: ignore[call-overload]


@pytest.mark.parametrize("dtype", DTYPES)
def test_law13_fiveHundredModesOfExtremeEntries_surviveAll(dtype: str) -> None:
    extreme = 1e30 if np.dtype(dtype).itemsize // (1 + (dtype[0] == "c")) == 4 else 1e300
    values = [extreme if k < 250 else 1 / extreme for k in range(500)]
    cores = [np.full((1, 2, 1), value, dtype) for value in values]
    for core in cores:
        core[0, 1, 0] = 0
    t = tk.TensorTrain(cores)
    eps = 4000 * float(np.finfo(dtype).eps)
    two = (t + t).round()
    assert two.rank == (1,) * 501 and two.norm() == pytest.approx(2, rel=eps)
    assert t.norm() == pytest.approx(1, rel=eps)
    assert complex(tk.dot(t, t)) == pytest.approx(1, rel=eps)
    assert complex(t[(0,) * 500]) == pytest.approx(1, rel=eps)
    assert complex(t.evaluate([[0] * 500])[0]) == pytest.approx(1, rel=eps)
    assert complex(t.sum()) == pytest.approx(1, rel=eps)
    assert np.asarray(t[(0,) * 499])[0] == pytest.approx(1, rel=eps)
    assert t.conj().norm() == pytest.approx(1, rel=eps)
    assert t.reshape_modes((4,) * 250).norm() == pytest.approx(1, rel=eps)
    assert t.reshape_modes((4,) * 250).quantics().norm() == pytest.approx(1, rel=eps)
    assert tk.concatenate([t, t]).norm() == pytest.approx(np.sqrt(2), rel=eps)
    for method in METHODS:
        square = tk.multiply(t + t, t, rtol=1e-3, method=method)
        assert square.norm() == pytest.approx(2, rel=1e-2)
