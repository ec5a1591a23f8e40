"""Linear systems in trains: against dense solutions and closed forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ttkit as tk

METHODS = ("amen", "als", "mals")
PROJECTIONS = ("galerkin", "least_squares")


def random_cores(
    rng: np.random.Generator, rank: int, *modes: tuple[int, ...], dtype: Any = float
) -> list[np.ndarray]:
    """Random cores whose core k has shape (rank, *(m[k] for m in modes), rank)."""
    ranks = [1] + [rank] * (len(modes[0]) - 1) + [1]
    cores = []
    for k, lengths in enumerate(zip(*modes, strict=True)):
        core = rng.normal(size=(ranks[k], *lengths, ranks[k + 1])).astype(dtype)
        if np.dtype(dtype).kind == "c":
            core = core + 1j * rng.normal(size=core.shape)
        cores.append(core.astype(dtype))
    return cores


def residual(m: tk.TensorTrainMatrix, x: tk.TensorTrain, b: tk.TensorTrain) -> float:
    return (m @ x - b).norm() / b.norm()


@pytest.mark.parametrize("modes", [1, 2, 6])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("projection", PROJECTIONS)
def test_solve_identityAndOnes_givesOnes(modes: int, method: str, projection: str) -> None:
    # Cases E1 and E2, from a start that is not the solution.
    shape = (3,) * modes
    rng = np.random.default_rng(1)
    start = tk.TensorTrain(random_cores(rng, 2, shape))
    x = tk.solve(
        tk.eye(shape), tk.ones(shape), x0=start, method=method, projection=projection)
    assert x.reason == "converged" and x.residual <= 1e-8
    assert np.allclose(x, 1, rtol=0, atol=1e-8 * 3 ** (modes / 2))


def test_solve_toeplitzInBinaryModes_isTheDenseSolution() -> None:
    # Case E3: T_ij = |i - j| + 1 of order 2^10.
    n, binary = 1024, (2,) * 10
    dense = np.abs(np.subtract.outer(np.arange(n), np.arange(n))) + 1.0
    m = tk.tensor_train_matrix(dense, binary, binary, rtol=1e-14)
    exact = np.linalg.solve(dense, np.ones(n))
    ways: list[dict[str, Any]] = [
        {"method": "als", "rank": 5}, {"method": "mals", "rank": 10, "rtol": 1e-12},
        {"rtol": 1e-12}]
    for way in ways:
        x = tk.solve(m, tk.ones(binary), **way)
        assert x.residual < 1e-7 and x.reason == "converged", way
        error = np.linalg.norm(np.asarray(x).ravel() - exact) / np.linalg.norm(exact)
        assert error < 1e-7, way


@pytest.mark.parametrize("method", ["amen", "mals"])
@pytest.mark.parametrize("preconditioner", [None, "left", "right"])
@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_solve_randomTrains_leavesASmallResidual(
    method: str, preconditioner: str | None, dtype: type, rng: np.random.Generator
) -> None:
    # Case E4.
    shape = (4, 5, 6)
    m = tk.TensorTrainMatrix(random_cores(rng, 2, shape, shape, dtype=dtype))
    b = m @ tk.TensorTrain(random_cores(rng, 3, shape, dtype=dtype))
    x = tk.solve(m, b, rtol=1e-10, method=method, preconditioner=preconditioner)
    assert x.dtype == dtype and x.reason == "converged"
    assert residual(m, x, b) < 1e-10 + 1e-13  # it is the residual of x, rounding apart
    assert max(x.rank) <= 4


@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
def test_solve_singlePrecision_reachesItsTolerance(dtype: type, rng: np.random.Generator) -> None:
    shape = (4, 5, 6)
    m = tk.eye(shape, dtype=dtype) @ tk.ones(shape)
    matrix = tk.TensorTrainMatrix(random_cores(rng, 2, shape, shape, dtype=dtype))
    x = tk.solve(matrix, m.astype(dtype), rtol=1e-4)
    assert x.dtype == dtype and x.reason == "converged"
    x = tk.solve(matrix, m.astype(dtype), rtol=1e-12)
    assert x.reason == "stalled" and 1e-12 < x.residual < 1e-3


@pytest.mark.parametrize("size", [2, 10])
def test_solve_poisson_isTheClosedForm(size: int) -> None:
    # A product of sines is an eigenvector: x = b / (sum of the axes' eigenvalues).
    n = 6
    sine = np.sin(np.pi * 2 * np.arange(1, n + 1) / (n + 1))
    b = tk.TensorTrain([sine.reshape(1, n, 1)] * size) + tk.TensorTrain(
        [np.sin(np.pi * np.arange(1, n + 1) / (n + 1)).reshape(1, n, 1)] * size)
    values = [4 * np.sin(k * np.pi / (2 * (n + 1))) ** 2 for k in (2, 1)]
    x = tk.solve(tk.laplace((n,) * size, scale=-1), b, rtol=1e-10)
    exact = (1 / (size * values[0])) * tk.TensorTrain([sine.reshape(1, n, 1)] * size)
    exact = exact + (1 / (size * values[1])) * tk.TensorTrain(
        [np.sin(np.pi * np.arange(1, n + 1) / (n + 1)).reshape(1, n, 1)] * size)
    assert x.reason == "converged"
    # ‖A⁻¹‖ = 1 / (size · smallest eigenvalue).
    assert (x - exact).norm() <= 1e-10 * b.norm() / (size * values[1]) * 1.01


@pytest.mark.parametrize("method", ["amen", "mals"])
def test_solve_poissonInQuantics_isTheParabola(method: str) -> None:
    q = 10
    n = 2**q
    m = tk.laplace(n, scale=-1, quantics=True)
    x = tk.solve(m, tk.ones((2,) * q), method=method)
    i = np.arange(1, n + 1)
    exact = i * (n + 1 - i) / 2
    assert x.reason == "converged" and max(x.rank) <= 8
    assert np.abs(np.asarray(x).ravel() - exact).max() <= 1e-7 * exact.max()


def test_solve_zeroSide_isZero() -> None:
    x = tk.solve(tk.eye((2, 3)), 0 * tk.ones((2, 3)))
    assert not np.asarray(x).any() and x.reason == "converged" and x.residual == 0


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("projection", PROJECTIONS)
def test_solve_singularMatrix_saysSo(method: str, projection: str) -> None:
    diagonal = np.diag([0.0, 1, 2, 3, 0, 5, 6, 7])
    m = tk.tensor_train_matrix(diagonal, (2, 2, 2), (2, 2, 2))
    b = tk.ones((2, 2, 2))
    x = tk.solve(m, b, method=method, projection=projection, rank=3)
    # No x gets below ½: two of eight equations read 0 = 1. 0 would be 1.
    assert x.reason in ("stalled", "rank") and 0.5 - 1e-9 <= x.residual <= 1
    assert abs(x.residual - residual(m, x, b)) <= 0.05
    x = tk.solve(m, m @ b, method=method, projection=projection, rank=3)
    assert x.reason == "converged" and residual(m, x, m @ b) < 1e-8
    nothing = tk.TensorTrainMatrix([np.zeros((1, 2, 2, 1))] * 3)
    x = tk.solve(nothing, b, method=method, projection=projection)
    assert x.reason == "stalled" and abs(x.residual - 1) < 1e-12


@pytest.mark.parametrize("rank", [2, (2, 1, 2, 2, 2)])
@pytest.mark.parametrize("method", METHODS)
def test_solve_rankCap_holds(rank: int | tuple[int, ...], method: str) -> None:
    x = tk.solve(tk.laplace((4,) * 6, scale=-1), tk.ones((4,) * 6), rank=rank, method=method)
    caps = (rank,) * 5 if isinstance(rank, int) else rank
    assert all(r <= cap for r, cap in zip(x.rank[1:-1], caps, strict=True))
    assert x.residual > 1e-8 and x.reason in ("rank", "stalled")


def test_solve_callback_stopsWithWhatThereIs() -> None:
    m, b = tk.laplace((4,) * 6, scale=-1), tk.ones((4,) * 6)
    seen: list[tk.SolveProgress] = []
    x = tk.solve(m, b, rtol=1e-14, callback=lambda p: seen.append(p) or len(seen) < 2)
    assert x.reason == "stopped" and x.sweeps == len(seen) == 2
    assert 0 < seen[1].residual < 1 and seen[1].rank > 1

    def fail(progress: tk.SolveProgress) -> None:
        raise KeyError(progress.sweeps)

    with pytest.raises(KeyError) as caught:
        tk.solve(m, b, callback=fail)
    assert isinstance(caught.value.partial, tk.TensorTrain)  # type: ignore[attr-defined]


def test_solve_twice_givesTheSameBytes() -> None:
    m, b = tk.laplace((4,) * 5, scale=-1), tk.ones((4,) * 5)
    first, second = (tk.solve(m, b, seed=3) for _ in range(2))
    assert all(np.array_equal(a, c) for a, c in zip(first.cores, second.cores, strict=True))


def test_solution_inSums_isAPlainTrain() -> None:
    x = tk.solve(tk.eye((2, 3)), tk.ones((2, 3)))
    assert isinstance(x, tk.TensorTrain)
    assert type(x + x) is tk.TensorTrain and type(x.astype(np.float32)) is tk.TensorTrain
    assert x.astype(float) is x


@pytest.mark.parametrize(("arguments", "error"), [
    ({"rtol": 0}, ValueError), ({"rtol": float("nan")}, ValueError), ({"method": "lu"}, ValueError),
    ({"projection": None}, ValueError), ({"preconditioner": "c"}, ValueError),
    ({"rank": 0}, ValueError), ({"rank": (1, 1, 1)}, ValueError), ({"max_sweeps": 0}, ValueError),
    ({"seed": -1}, ValueError), ({"x0": np.ones((2, 3))}, TypeError), ({"callback": 3}, TypeError),
    ({"x0": tk.ones((3, 2))}, ValueError)], ids=str)
def test_solve_badArguments_areRefused(arguments: dict[str, Any], error: type) -> None:
    with pytest.raises(error):
        tk.solve(tk.eye((2, 3)), tk.ones((2, 3)), **arguments)


def test_solve_shapesThatDoNotFit_areRefused() -> None:
    with pytest.raises(ValueError, match="b has shape"):
        tk.solve(tk.eye((2, 3)), tk.ones((3, 2)))
    with pytest.raises(ValueError, match="rows"):
        tk.solve(tk.TensorTrainMatrix([np.ones((1, 2, 3, 1))]), tk.ones(2))
    with pytest.raises(TypeError):
        tk.solve(np.eye(3), tk.ones(3))  # type: ignore[arg-type]


def test_laplace_appliedToTrains_isTheDenseStencil(rng: np.random.Generator) -> None:
    # Case C11: (1, -2, 1) / (n + 1) with zeros beyond the ends.
    m = tk.laplace(5)
    assert np.allclose(m @ np.ones(5), [-1 / 6, 0, 0, 0, -1 / 6], rtol=0, atol=1e-15)
    for shape in [(5,), (3, 5), (4, 2, 8), (2, 4, 2, 8)]:
        assert not np.asarray(tk.laplace(shape) @ (0 * tk.ones(shape))).any()
        x = rng.normal(size=shape)
        padded = np.pad(x, 1)
        expected = np.zeros(shape)
        inner = (slice(1, -1),) * len(shape)
        for axis, n in enumerate(shape):
            second = np.roll(padded, 1, axis) + np.roll(padded, -1, axis) - 2 * padded
            expected += second[inner] / (n + 1)
        forms = [tk.laplace(shape)]
        if all(n & (n - 1) == 0 for n in shape):
            forms.append(tk.laplace(shape, quantics=True))
        for form in forms:
            assert np.allclose(form @ x.ravel(), expected.ravel(), rtol=0, atol=1e-14)


def test_laplace_inQuantics_hasSmallRanks() -> None:
    assert tk.laplace(256, quantics=True).rank == (1, 3, 3, 3, 3, 3, 3, 3, 1)
    assert max(tk.laplace((8, 8, 8), quantics=True).rank) == 5
    with pytest.raises(ValueError, match="powers of 2"):
        tk.laplace(6, quantics=True)
    with pytest.raises(ValueError):
        tk.laplace((4, 4), scale=[1, 2, 3])
