"""tk.tensor_train of large arrays: methods, report, strides, files and memory limits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import ttkit as tk

SHAPE = (2,) * 18


def low_rank(rng: np.random.Generator, rank: int, noise: float, dtype: str = "float64") -> np.ndarray:
    """2^18 elements of ranks at most `rank`, norm 1, with noise of this relative size."""
    x = np.ones((1, 1))
    for k in range(len(SHAPE)):
        columns = min(2 * x.shape[0], 2 ** (len(SHAPE) - k - 1), rank)
        core = rng.standard_normal((x.shape[1], 2 * columns))
        if dtype.startswith("complex"):
            core = core + 1j * rng.standard_normal(core.shape)
        x = (x @ core).reshape(-1, columns)
    a = x.ravel() / np.linalg.norm(x)
    other = rng.standard_normal(a.size)
    return (a + noise * other / np.linalg.norm(other)).reshape(SHAPE).astype(dtype)


def distance(t: tk.TensorTrain, a: np.ndarray) -> float:
    wide = np.complex128 if np.iscomplexobj(a) else np.float64
    return float(np.linalg.norm(np.asarray(t).astype(wide) - a) / np.linalg.norm(a.astype(wide)))


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("method", ["auto", "sampled", "qr"])
def test_tensorTrain_rank20UnderNoise_givesRank20(
    rng: np.random.Generator, method: str, dtype: str
) -> None:
    a = low_rank(rng, 20, 1e-8, dtype)
    t = tk.tensor_train(a, rtol=1e-6, method=method)
    error = distance(t, a)
    assert max(t.rank) == 20
    # The tail of a rank-20 truncation is .9 of the noise; samples add to it, see the docs.
    assert 0.8e-8 < error < 2e-8
    assert error <= t.error * (1 + 1e-6) <= 3 * error
    assert t.info is not None and t.info.error == t.error
    assert t.info.method == ("qr" if method == "qr" else "sampled")
    if method != "qr":
        # Blocks and panels, whatever the size of the tensor, take up to half a megabyte.
        assert t.info.passes == 1 and t.info.memory_nbytes <= 0.3 * a.nbytes + 2**19


def test_tensorTrain_float32Rank20_losesOnlyTheNoise(rng: np.random.Generator) -> None:
    a = low_rank(rng, 20, 1e-5, "float32")
    capped, loose = tk.tensor_train(a, 20), tk.tensor_train(a, rtol=1e-3)
    assert max(capped.rank) == max(loose.rank) == 20
    assert distance(capped, a) < 1.3e-5 and distance(loose, a) <= 1e-3


def test_tensorTrain_spike_isNotMissed(rng: np.random.Generator) -> None:
    a = low_rank(rng, 20, 1e-8)
    a.flat[123_457] += 1e-3
    t = tk.tensor_train(a, rtol=1e-6)
    assert distance(t, a) <= 1e-6 and max(t.rank) == 21


def test_tensorTrain_samplesThatDoNotSuffice_areAnError(rng: np.random.Generator) -> None:
    a = rng.standard_normal(SHAPE)
    with pytest.raises(np.linalg.LinAlgError, match="samples do not reach the tolerance"):
        tk.tensor_train(a, rtol=1e-3, method="sampled")
    assert tk.tensor_train(a, rtol=0.9).error <= 0.9


def test_tensorTrain_ofAMemmap_readsTheFile(rng: np.random.Generator, tmp_path: Path) -> None:
    a = low_rank(rng, 8, 1e-9)
    path = tmp_path / "tensor.bin"
    with path.open("wb") as file:
        file.write(b"header--")
        file.write(a.tobytes())
    expected = tk.tensor_train(a, rtol=1e-7)
    mapped = np.memmap(path, a.dtype, "r", 8, SHAPE)
    t = tk.tensor_train(mapped, rtol=1e-7)
    assert all(np.array_equal(x, y) for x, y in zip(t.cores, expected.cores))
    # A part of the mapping that is compact, one that is not, and changes that are in no file.
    part = tk.tensor_train(mapped[1], rtol=1e-7)
    assert distance(part, a[1]) <= 1e-7
    strided = tk.tensor_train(mapped[..., 0], rtol=1e-7)
    assert distance(strided, a[..., 0]) <= 1e-7
    private = np.memmap(path, a.dtype, "c", 8, SHAPE)
    private[:] = 1.0
    assert tk.tensor_train(private, rtol=1e-7).rank == (1,) * 19


def test_tensorTrain_memoryLimit_isKeptOrRefused(rng: np.random.Generator, tmp_path: Path) -> None:
    a = low_rank(rng, 8, 1e-9)
    path = tmp_path / "tensor.bin"
    a.tofile(path)
    mapped = np.memmap(path, a.dtype, "r", 0, SHAPE)
    t = tk.tensor_train(mapped, rtol=1e-7)
    assert t.info is not None
    needed = t.info.memory_nbytes
    assert needed < 0.6 * a.nbytes
    again = tk.tensor_train(mapped, rtol=1e-7, memory_limit=needed)
    assert again.info is not None and again.info.memory_nbytes <= needed
    with pytest.raises(ValueError, match="memory_limit is 1000 bytes, but .* needs"):
        tk.tensor_train(mapped, rtol=1e-7, memory_limit=1000)
    path.write_bytes(a.tobytes()[:-8])
    with pytest.raises((tk.TTKitError, OSError), match="bytes"):
        tk.tensor_train(mapped, rtol=1e-7)


def test_tensorTrain_progress_stopsTheCall(rng: np.random.Generator) -> None:
    a = low_rank(rng, 4, 0.0)
    with pytest.raises(tk.TTKitError, match="stopped"):
        tk.tensor_train(a, rtol=1e-9, progress=lambda *_: False)


def test_tensorTrain_memoryLimit_holdsForTheTrainToo() -> None:
    a = np.ones((5, 5))  # two cores of rank 1: 80 bytes
    assert tk.tensor_train(a, memory_limit=80).info.memory_nbytes == 80
    for small in (np.ones(3), a, np.zeros((2, 3))):
        with pytest.raises(ValueError, match="memory_limit is 1 bytes"):
            tk.tensor_train(small, memory_limit=1)


@pytest.mark.parametrize("noise", [0.0, 3.0, 100.0])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_tensorTrain_smallTolerances_errorIsBelowWhatIsAllowedAndTold(
    rng: np.random.Generator, dtype: str, noise: float
) -> None:
    eps = float(np.finfo(dtype).eps)
    whole = low_rank(rng, 6, noise * eps, dtype).ravel()
    for _ in range(4):
        lengths = rng.integers(2, 9, size=rng.integers(2, 7))
        count = int(np.prod(lengths))
        a = whole[:count].reshape(lengths)
        order = len(lengths)
        for rtol in (0.0, 1.0, 8.4, 40.0, 1e4):
            for method in ("auto", "qr"):
                t = tk.tensor_train(a, rtol=rtol * eps, method=method)
                error = distance(t, a)
                assert error <= t.error * (1 + 1e-6)
                if rtol > 0:
                    assert error <= max(rtol, 10 * order**0.5) * eps
    t = tk.tensor_train(whole.reshape(SHAPE), rtol=8.4 * eps)
    error = distance(t, whole.reshape(SHAPE))
    assert error <= t.error * (1 + 1e-6) and error <= 10 * 18**0.5 * eps


@pytest.mark.parametrize("spike", [0.0, 1e-2])
@pytest.mark.parametrize("dtype", ["float32", "complex64"])
def test_tensorTrain_singlePrecision_measuresAlongRandomDirections(
    rng: np.random.Generator, dtype: str, spike: float
) -> None:
    # From 2^20 elements on, and between the tolerances that differences and exact losses serve.
    factors = [rng.standard_normal((1024, 20)) for _ in range(2)]
    a = factors[0] @ factors[1].T / np.linalg.norm(factors[0] @ factors[1].T)
    a = (a + 1e-5 * rng.standard_normal(a.shape) / 1024).astype(dtype).reshape((4,) * 10)
    a.flat[654_321] += spike
    t = tk.tensor_train(a, rtol=2e-4)
    assert t.info is not None and t.info.method == "sampled"
    assert t.info.passes == (2 if spike else 1)
    assert t.rank[5] == (21 if spike else 20)
    error = distance(t, a)
    assert error <= t.error <= 2e-4 and t.error <= 4 * error
