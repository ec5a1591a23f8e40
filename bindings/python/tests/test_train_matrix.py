"""Matrices in tensor-train form against dense ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import ttkit as tk
from test_train import close, random


@pytest.fixture
def dense(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=(2 * 3 * 2, 4 * 1 * 3))


@pytest.fixture
def matrix(dense: np.ndarray) -> tk.TensorTrainMatrix:
    return tk.tensor_train_matrix(dense, (2, 3, 2), (4, 1, 3))


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_matrix_anyDtype_givesTheArrayBack(rng: np.random.Generator, dtype: str) -> None:
    a = random(rng, (6, 8), dtype)
    m = tk.tensor_train_matrix(a, (2, 3), (4, 2))
    assert (m.shape, m.ndim, m.dtype) == ((6, 8), 2, a.dtype)
    assert (m.row_shape, m.column_shape) == ((2, 3), (4, 2))
    assert m.nbytes == sum(core.nbytes for core in m.cores)
    close(m, a)


def test_matrix_timesArrays_againstDense(
    rng: np.random.Generator, dense: np.ndarray, matrix: tk.TensorTrainMatrix
) -> None:
    x, y = rng.normal(size=12), rng.normal(size=(12, 5))
    close(matrix @ x, dense @ x, np.linalg.norm(dense) * np.linalg.norm(x))
    close(matrix @ y, dense @ y, np.linalg.norm(dense) * np.linalg.norm(y))
    close(matrix @ y[:, ::2], dense @ y[:, ::2], np.linalg.norm(dense) * np.linalg.norm(y))
    close(x @ matrix, x @ dense, np.linalg.norm(dense) * np.linalg.norm(x))
    close(y.T @ matrix, y.T @ dense, np.linalg.norm(dense) * np.linalg.norm(y))
    assert (matrix @ np.empty((12, 0))).shape == (12, 0)


def test_matrix_timesATrain_againstDense(
    rng: np.random.Generator, dense: np.ndarray, matrix: tk.TensorTrainMatrix
) -> None:
    x = rng.normal(size=(4, 1, 3))
    product = matrix @ tk.tensor_train(x)
    assert isinstance(product, tk.TensorTrain) and product.shape == (2, 3, 2)
    close(product, (dense @ x.reshape(-1)).reshape(2, 3, 2), float(np.linalg.norm(dense) * 4))


def test_matrix_transposed_isTheDenseTranspose(
    dense: np.ndarray, matrix: tk.TensorTrainMatrix
) -> None:
    close(matrix.T, dense.T)
    assert matrix.T.row_shape == matrix.column_shape


def test_matrix_truncated_keepsTheTolerance(
    dense: np.ndarray, matrix: tk.TensorTrainMatrix
) -> None:
    m = tk.tensor_train_matrix(dense, (2, 3, 2), (4, 1, 3), rtol=0.4)
    error = np.linalg.norm(np.asarray(m) - dense) / np.linalg.norm(dense)
    assert error <= 0.4 and m.error == pytest.approx(error, abs=1e-7)
    assert tk.tensor_train_matrix(dense, (2, 3, 2), (4, 1, 3), 2).rank == (1, 2, 2, 1)
    assert max(matrix.round(2).rank) == 2


def test_matrix_ofCores_isTheirContraction(rng: np.random.Generator) -> None:
    a, b = rng.normal(size=(1, 2, 3, 4)), rng.normal(size=(4, 3, 2, 1))
    close(tk.TensorTrainMatrix([a, b]), np.einsum("aijb,bklc->ikjl", a, b).reshape(6, 6))


def test_matrix_savedAndLoaded_keepsItsBits(matrix: tk.TensorTrainMatrix, tmp_path: Path) -> None:
    matrix.save(tmp_path / "m")
    again = tk.load(tmp_path / "m")
    assert isinstance(again, tk.TensorTrainMatrix)
    assert all(np.array_equal(a, b) for a, b in zip(matrix.cores, again.cores, strict=True))


@pytest.mark.parametrize(
    ("rows", "columns"),
    [((2, 3), (4, 1, 3)), ((2, 3, 3), (4, 1, 3)), ((), ()), ((0, 3, 2), (4, 1, 3)),
     ((-2, 3, 2), (4, 1, 3))])
def test_matrix_digitsThatDoNotFit_areAValueError(
    dense: np.ndarray, rows: tuple, columns: tuple
) -> None:
    with pytest.raises(ValueError):
        tk.tensor_train_matrix(dense, rows, columns)


@pytest.mark.parametrize("x", [np.ones(11), np.ones((11, 2)), np.ones((12, 2, 2)), np.float64(1.0)])
def test_matrix_timesWrongShape_isAValueError(matrix: tk.TensorTrainMatrix, x: np.ndarray) -> None:
    with pytest.raises(ValueError):
        matrix @ x


def test_matrix_timesATrainOfOtherShape_isAValueError(matrix: tk.TensorTrainMatrix) -> None:
    with pytest.raises(ValueError):
        matrix @ tk.tensor_train(np.ones((4, 3, 1)))
