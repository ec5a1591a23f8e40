"""TT-SVD on arrays whose trains are known (cases A), and law 22 for what works on trains."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

import ttkit as tk


def relative(found: npt.ArrayLike, exact: np.ndarray) -> float:
    """Frobenius error, relative."""
    return float(np.linalg.norm(np.asarray(found) - exact) / np.linalg.norm(exact))


def low_rank(
    rng: np.random.Generator, shape: tuple[int, ...], rank: int, dtype: npt.DTypeLike = float
) -> np.ndarray:
    """A tensor of exact ranks `rank`, where the shape allows them, of norm near one."""
    whole = np.ones((1, 1), dtype)
    for k, n in enumerate(shape):
        columns = min(rank, whole.shape[0] * n, int(np.prod(shape[k + 1:])))
        core = rng.standard_normal((whole.shape[1], n * columns))
        if np.dtype(dtype).kind == "c":
            core = core + 1j * rng.standard_normal(core.shape)
        whole = (whole @ (core / np.sqrt(whole.shape[1]))).reshape(-1, columns)
    return whole.reshape(shape) / np.linalg.norm(whole)


def test_a1_rampInBinaryModes_hasRankTwo() -> None:
    ramp = np.arange(2.0**10).reshape((2,) * 10, order="F")
    t = tk.tensor_train(ramp, rtol=1e-14)
    assert t.rank == (1, *(2,) * 9, 1) and all(type(r) is int for r in t.rank)
    assert np.linalg.norm(np.asarray(t) - ramp) < 10 * 2**10 * 1e-14


def test_a2_handWrittenCores_giveTheRampExactly() -> None:
    # Row (sum so far, 1): least significant digit first.
    cores = [np.array([[[0.0, 1.0], [1.0, 1.0]]])]
    for k in range(1, 9):
        cores.append(np.stack([np.eye(2), [[1.0, 0.0], [2.0**k, 1.0]]], axis=1))
    cores.append(np.array([[[1.0], [1.0]], [[0.0], [2.0**9]]]))
    ramp = np.asarray(tk.TensorTrain(cores)).reshape(-1, order="F")
    assert np.abs(ramp - np.arange(1024)).max() < 1e-15


def test_a3_oneMode_isTheVectorItself() -> None:
    for values in (np.array([5.0]), np.arange(1.0, 8.0), -np.arange(1.0, 8.0)):
        t = tk.tensor_train(values)
        assert t.rank == (1, 1) and len(t.cores) == 1
        assert np.array_equal(t.cores[0], values.reshape(1, -1, 1))


@pytest.mark.parametrize("values", [
    np.array([[7.0]]), np.arange(1.0, 6.0)[None], np.arange(1.0, 6.0)[:, None],
    np.outer(np.arange(1.0, 6.0), [1.0, 2.0]), np.outer([1.0, 2.0], np.arange(1.0, 6.0))], ids=str)
def test_a4_a5_matricesOfRankOne_haveRankOne(values: np.ndarray) -> None:
    t = tk.tensor_train(values)
    assert t.rank == (1, 1, 1)
    product = t.cores[0].reshape(-1, 1) @ t.cores[1].reshape(1, -1)
    assert np.abs(product - values).max() < 1e-10


def test_a6_aMatrix_loses_theTailOfItsSingularValues(rng: np.random.Generator) -> None:
    a = rng.standard_normal((4, 5))
    s = np.linalg.svd(a, compute_uv=False)
    exact = tk.tensor_train(a)
    assert exact.rank == (1, 4, 1) and relative(exact, a) < 1e-14
    for rank in (1, 2, 3):
        t = tk.tensor_train(a, rank=rank)
        tail = np.linalg.norm(s[rank:])
        assert t.rank[1] == rank
        assert np.linalg.norm(np.asarray(t) - a) == pytest.approx(tail, rel=1e-12)
        assert t.error == pytest.approx(tail / np.linalg.norm(s), rel=1e-12)


def test_a7_distinctValues_andASingleOne() -> None:
    a = np.arange(60.0).reshape(3, 4, 5) ** 1.5
    assert np.abs(np.asarray(tk.tensor_train(a)) - a).max() < 1e-10
    unit = np.zeros((2, 3, 4, 2, 3))
    unit[1, 2, 0, 1, 1] = 1
    t = tk.tensor_train(unit)
    assert max(t.rank) == 1 and np.abs(np.asarray(t) - unit).max() < 1e-10


def test_a8_moreRank_neverMeansMoreError(rng: np.random.Generator) -> None:
    shape = (3, 4, 5, 4, 3)
    a = rng.standard_normal(shape)
    errors = []
    for rank in range(1, 13):
        t = tk.tensor_train(a, rank=rank)
        for k, r in enumerate(t.rank):
            assert r <= min(rank if 0 < k < 5 else 1, np.prod(shape[:k]), np.prod(shape[k:]))
        errors.append(relative(t, a))
    assert all(y <= x + 1e-15 for x, y in zip(errors, errors[1:])) and errors[-1] < 1e-13


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("rank", [1, 2])
def test_a11_a12_outerProducts_areFound(
    rng: np.random.Generator, dtype: npt.DTypeLike, rank: int
) -> None:
    for shape in ((4, 5, 6, 3), (2,) * 20 if dtype is float else (2,) * 14):
        a = low_rank(rng, shape, rank, dtype)
        t = tk.tensor_train(a, rtol=1e-13)
        assert max(t.rank) == rank and relative(t, a) < 1e-12


def test_a13_operators_haveRowsAndColumnsApart(rng: np.random.Generator) -> None:
    cores = [rng.standard_normal((a, 2 + k, 4 - k, b))
             for k, (a, b) in enumerate(((1, 2), (2, 3), (3, 1)))]
    dense = np.einsum("aijb,bklc,cmnd->ikmjln", *cores).reshape(2 * 3 * 4, 4 * 3 * 2)
    m = tk.tensor_train_matrix(dense, (2, 3, 4), (4, 3, 2))
    assert m.row_shape == (2, 3, 4) and m.column_shape == (4, 3, 2)
    assert m.rank == (1, 2, 3, 1) and relative(m, dense) < 1e-12


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a14_a15_noiseBelowTheTolerance_leavesTheRank(
    rng: np.random.Generator, dtype: npt.DTypeLike
) -> None:
    noise, rtol = (1e-8, 1e-6) if dtype == np.float64 else (1e-5, 1e-3)
    exact = low_rank(rng, (2,) * 18, 20)
    a = exact + noise * rng.standard_normal(exact.shape) / np.sqrt(exact.size)
    a = a.astype(dtype)
    t, capped = tk.tensor_train(a, rtol=rtol), tk.tensor_train(a, rank=20)
    assert max(t.rank) == 20 and relative(np.asarray(t).astype(float), a) < rtol
    # Nothing but the noise goes: no digits are lost to sums of squares in single precision.
    assert relative(np.asarray(capped).astype(float), a) < 1.2 * noise + 1e-7 * (rtol > 1e-6)


def test_law22_sameSeedAndAnyThreads_giveTheSameBytes(rng: np.random.Generator) -> None:
    def train(rank: int) -> tk.TensorTrain:
        ranks = (1, rank, rank, rank, 1)
        return tk.TensorTrain([
            rng.standard_normal((a, 30, b)) for a, b in zip(ranks, ranks[1:])])

    def same(x: tk.TensorTrain, y: tk.TensorTrain) -> bool:
        return all(np.array_equal(p, q) for p, q in zip(x.cores, y.cores))

    t, u = train(12), train(9)
    places = rng.integers(0, 30, (5000, 4))
    assert np.array_equal(t.evaluate(places), [t.evaluate(p) for p in places])
    sum_ = t + 0.5 * t
    assert same(sum_.round(rtol=1e-9, threads=1), sum_.round(rtol=1e-9, threads=2))
    for method in ("exact", "zip-up", "variational", "sketched"):
        first, again = (tk.multiply(t, u, rank=20, method=method) for _ in range(2))
        assert same(first, again), method
