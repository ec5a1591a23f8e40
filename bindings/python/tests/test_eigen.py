"""Eigenvalues of matrices in train form: against NumPy and closed forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ttkit as tk


def heisenberg(sites: int) -> tuple[tk.TensorTrainMatrix, np.ndarray]:
    """The open spin-1/2 chain, sum of S_i . S_(i+1), as a train and dense."""
    up = np.array([[0, 1], [0, 0]], complex)
    spins = [(up + up.T) / 2, (up - up.T) / 2j, np.diag([0.5, -0.5])]
    zero, same = np.zeros((2, 2)), np.eye(2)
    rows = [[same, *spins, zero]]
    rows += [[zero, zero, zero, zero, s] for s in spins]
    rows += [[zero, zero, zero, zero, same]]
    core = np.array(rows).transpose(0, 2, 3, 1)
    cores = [core[:1], *[core] * (sites - 2), core[..., -1:]]
    dense = np.zeros((2**sites, 2**sites), complex)
    for i in range(sites - 1):
        for s in spins:
            bond = np.kron(s, s)
            dense += np.kron(np.kron(np.eye(2**i), bond), np.eye(2 ** (sites - 2 - i)))
    return tk.TensorTrainMatrix(cores), dense


def check(m: tk.TensorTrainMatrix, pairs: tk.Eigenpairs, size: float, rtol: float) -> None:
    """What a result says of itself is true."""
    for value, x, said in zip(pairs.values, pairs.vectors, pairs.residuals, strict=True):
        found = (m @ x - float(value) * x).norm()
        # `size` bounds the size that residuals are relative to.
        assert found <= said * size * (1 + 1e-6) + 1e-12 * size
        assert abs(x.norm() - 1) < 1e-12
    assert pairs.reason == "converged" and pairs.residuals.max() <= rtol


def test_eigsh_laplaceInQuantics_isTheClosedForm() -> None:
    # Case E6.
    n, k, rtol = 2**8, 6, 1e-6
    m = tk.laplace(n, scale=-1, quantics=True)
    pairs = tk.eigsh(m, k, rtol=rtol)
    exact = 4 * np.sin(np.arange(1, k + 1) * np.pi / (2 * (n + 1))) ** 2
    values, vectors = pairs
    check(m, pairs, 4.0, rtol)
    # The error of a value is at most the residual, 4 rtol, and about its square over the gap.
    assert np.abs(values - exact).max() <= (4 * rtol) ** 2 / (exact[1] - exact[0])
    i = np.arange(1, n + 1)
    for j, x in enumerate(vectors):
        sine = np.sin((j + 1) * np.pi * i / (n + 1)) * np.sqrt(2 / (n + 1))
        assert abs(abs(np.asarray(x).ravel() @ sine) - 1) < 1e-3


@pytest.mark.parametrize("which", ["SA", "LA"])
def test_eigsh_heisenbergChain_isNumPys(which: str) -> None:
    m, dense = heisenberg(10)
    exact = np.linalg.eigvalsh(dense)
    pairs = tk.eigsh(m, 4, which=which, rtol=1e-7)
    expected = exact[:4] if which == "SA" else exact[::-1][:4]
    assert pairs.vectors[0].dtype == complex
    assert np.abs(pairs.values - expected).max() < 1e-7 * 10
    check(m, pairs, np.abs(exact).max(), 1e-7)
    inner = [[abs(tk.dot(x, y)) for x in pairs.vectors] for y in pairs.vectors]
    assert np.allclose(inner, np.eye(4), atol=1e-5)


@pytest.mark.parametrize("shape", [(7,), (3, 4), (2, 3, 4)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_eigsh_randomMatrix_isNumPys(
    shape: tuple[int, ...], dtype: type, rng: np.random.Generator
) -> None:
    n = int(np.prod(shape))
    a = rng.normal(size=(n, n)).astype(complex)
    if np.dtype(dtype).kind == "c":
        a = a + 1j * rng.normal(size=(n, n))
    else:
        a = a.real
    a = (a + a.conj().T).astype(dtype)
    m = tk.tensor_train_matrix(a, shape, shape)
    single = np.dtype(dtype).itemsize in (4, 8) and dtype is not np.float64
    rtol = 1e-4 if single else 1e-9
    for k, which in [(1, "SA"), (3, "LA"), (n, "SA")]:
        pairs = tk.eigsh(m, k, which=which, rtol=rtol)
        exact = np.linalg.eigvalsh(a.astype(complex))
        expected = exact[:k] if which == "SA" else exact[::-1][:k]
        assert np.abs(pairs.values - expected).max() <= 2 * rtol * np.abs(exact).max()
        assert pairs.vectors[0].dtype == dtype and len(pairs.vectors) == k


def test_eigsh_largePairs_areIterated() -> None:
    # Two modes of 30 indices beside ranks above 1: more unknowns than are factorised.
    shape = (30, 30, 30)
    m = tk.laplace(shape, scale=-1)
    line = np.sort(4 * np.sin(np.arange(1, 31) * np.pi / 62) ** 2)
    exact = np.sort((line[:4, None, None] + line[:4, None] + line[:4]).ravel())[:4]
    pairs = tk.eigsh(m, 4, which="SA", rtol=1e-4)
    assert np.abs(pairs.values - exact).max() <= 1e-4 * 12
    check(m, pairs, 12.0, 1e-4)


def test_eigsh_rankCap_holdsAndIsSaid() -> None:
    m, _ = heisenberg(10)
    pairs = tk.eigsh(m, 1, rank=3)
    assert max(pairs.vectors[0].rank) <= 3
    assert pairs.reason in ("rank", "stalled") and pairs.residuals[0] > 1e-8
    with pytest.raises(ValueError, match="do not fit"):
        tk.eigsh(m, 30, rank=2)


def test_eigsh_callback_stopsWithWhatThereIs() -> None:
    m, _ = heisenberg(8)
    pairs = tk.eigsh(m, 2, rtol=1e-12, callback=lambda p: False)
    assert pairs.reason == "stopped" and pairs.sweeps == 1 and len(pairs.vectors) == 2

    def fail(progress: tk.SolveProgress) -> None:
        raise KeyError(progress.rank)

    with pytest.raises(KeyError) as caught:
        tk.eigsh(m, 2, rtol=1e-12, callback=fail)
    assert len(caught.value.partial.vectors) == 2  # type: ignore[attr-defined]


@pytest.mark.parametrize("arguments", [
    {"k": 0}, {"k": 7}, {"which": "SM"}, {"rtol": 0}, {"rank": 0}, {"max_sweeps": 0}], ids=str)
def test_eigsh_badArguments_areRefused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        tk.eigsh(tk.eye((2, 3)), **arguments)


def test_eigsh_otherMatrices_areRefused() -> None:
    with pytest.raises(ValueError, match="Hermitian"):
        tk.eigsh(tk.tensor_train_matrix(np.triu(np.ones((4, 4))), (2, 2), (2, 2)))
    with pytest.raises(ValueError, match="rows"):
        tk.eigsh(tk.TensorTrainMatrix([np.ones((1, 2, 3, 1))]))
    with pytest.raises(TypeError):
        tk.eigsh(np.eye(4))  # type: ignore[arg-type]


def test_eigsh_zeroMatrix_hasZeroEigenvalues() -> None:
    pairs = tk.eigsh(tk.TensorTrainMatrix([np.zeros((1, 2, 2, 1))] * 3), 2)
    assert not pairs.values.any() and len(pairs.vectors) == 2
