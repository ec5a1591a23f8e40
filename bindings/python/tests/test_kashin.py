"""Orthogonal transforms against SciPy and dense algebra; Kashin's decomposition; law 19."""

import numpy as np
import pytest
import ttkit as tk

LENGTHS = [*range(1, 41), 64, 77, 96, 121, 128, 130, 169, 251, 256, 384, 1000]
TRANSFORMS = ["dct", "hadamard", "orthogonal"]


def signs(n: int, seed: int) -> np.ndarray:
    """Top bits of SplitMix64."""
    mask, state, found = (1 << 64) - 1, seed, []
    for _ in range(n):
        state = (state + 0x9E3779B97F4A7C15) & mask
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        found.append(-1.0 if (z ^ (z >> 31)) >> 63 else 1.0)
    return np.array(found)


def bound(x: np.ndarray, n: int) -> np.ndarray:
    """Of the error of an entry: a few roundings for each pass, factors of one pass add up."""
    return 8 * np.finfo(x.dtype).eps * (2 + np.log2(n)) * np.linalg.norm(x, axis=-1, keepdims=True)


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dct_agrees_with_scipy(rng: np.random.Generator, n: int, dtype: type) -> None:
    fft = pytest.importorskip("scipy.fft")
    for rows in [1, 2, 3, 15, 16, 17, 33]:
        x = rng.normal(size=(rows, n)).astype(dtype)
        exact = fft.dct(x.astype(np.float64), axis=1, norm="ortho") * signs(n, 5)
        expected = fft.idct(exact, axis=1, norm="ortho")
        found = tk.orthogonal_transform(x, seed=5)
        assert found.dtype == dtype
        assert (np.abs(found - expected) <= bound(x, n)).all()
        assert (np.abs(tk.orthogonal_transform(found, seed=5) - x) <= 2 * bound(x, n)).all()


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_hadamard_agrees_with_its_matrix(rng: np.random.Generator, n: int, dtype: type) -> None:
    linalg, fft = pytest.importorskip("scipy.linalg"), pytest.importorskip("scipy.fft")
    power = n & -n
    rest = min(power, 16) if power == n else n // power * min(power, 4)
    cosines, count = fft.dct(np.eye(rest), axis=0, norm="ortho"), n // rest
    half = np.kron(linalg.hadamard(count) / np.sqrt(count), cosines)
    matrix = half.T @ (signs(n, 9)[:, None] * half)
    x = rng.normal(size=(19, n)).astype(dtype)
    found = tk.orthogonal_transform(x, "hadamard", adjoint=True, seed=9)
    assert (np.abs(found - x.astype(np.float64) @ matrix.T) <= bound(x, n)).all()
    back = tk.orthogonal_transform(found, "hadamard", seed=9)
    assert (np.abs(back - x) <= 2 * bound(x, n)).all()


@pytest.mark.parametrize("n", [1, 2, 7, 64, 100])
def test_orthogonal_is_orthogonal_and_random(n: int) -> None:
    q = tk.orthogonal_transform(np.eye(n), "orthogonal", seed=3)
    assert np.abs(q @ q.T - np.eye(n)).max() <= 4 * n * np.finfo(float).eps
    other = tk.orthogonal_transform(np.eye(n), "orthogonal", adjoint=True, seed=3)
    assert np.abs(q - other.T).max() <= 4 * n * np.finfo(float).eps
    if n == 100:
        assert not np.allclose(q, tk.orthogonal_transform(np.eye(n), "orthogonal", seed=4))
        assert abs(np.trace(q)) < 6  # of a Haar matrix: standard normal


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_transforms_do_not_depend_on_threads_and_layout(rng, transform: str) -> None:
    x = rng.normal(size=(700, 96)).astype(np.float32)
    expected = tk.orthogonal_transform(x, transform, threads=1)
    assert np.array_equal(tk.orthogonal_transform(x, transform, threads=4), expected)
    assert np.array_equal(tk.orthogonal_transform(np.asfortranarray(x), transform), expected)
    assert np.array_equal(tk.orthogonal_transform(x.T, transform, axis="columns"), expected.T)
    # Two rows share a Fourier transform: a row alone rounds otherwise.
    alone = tk.orthogonal_transform(x[3], transform)
    assert (np.abs(alone - expected[3]) <= bound(x[3], 96)).all()


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("n", [1, 7, 64, 96, 128, 130, 384])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rowsOfAnySize_keepToThemselves(
    rng: np.random.Generator, transform: str, n: int, dtype: type
) -> None:
    """Rows that share a Fourier transform share neither NaN nor the rounding of the larger one."""
    x = rng.normal(size=(7, n)).astype(dtype)
    ends = np.finfo(dtype)
    x *= np.array([1, 1e-6, 1e9, 1, ends.tiny, np.sqrt(ends.max) / 1e4, 0], dtype)[:, None]
    y = tk.orthogonal_transform(x, transform, seed=5)
    for row, found in zip(x, y, strict=True):
        alone = tk.orthogonal_transform(row, transform, seed=5)
        small = ends.smallest_subnormal * 4 * n
        assert (np.abs(found - alone) <= 2 * bound(row, n) + small).all()
    for bad in (np.nan, np.inf, -np.inf):
        for r in range(7):
            z = x.copy()
            z[r, n // 2] = bad
            found = tk.orthogonal_transform(z, transform, seed=5)
            others = np.arange(7) != r
            assert not np.isfinite(found[r]).all() and np.isfinite(found[others]).all()
            assert (np.abs(found - y)[others] <= 2 * bound(x, n)[others] + small).all()


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("method", ["greedy", "alternating"])
@pytest.mark.parametrize("n", [64, 65, 96, 100, 127, 128, 384])
@pytest.mark.parametrize("heavy", [False, True])
def test_law_19(rng: np.random.Generator, transform: str, method: str, n: int, heavy: bool) -> None:
    """u + Q v returns the vector to 1e-6 in at most 60 steps; entries are at most 4 |x| / sqrt(n)."""
    x = rng.standard_t(5, size=(8, n)) if heavy else rng.normal(size=(8, n))
    for dtype in [np.float32, np.float64]:
        given = x.astype(dtype)
        u, v, info = tk.kashin(given, transform, method=method, max_steps=60, seed=2)
        assert info.converged and info.steps <= 60
        back = u + tk.orthogonal_transform(v, transform, seed=2)
        norms = np.linalg.norm(given, axis=1)
        errors = np.linalg.norm((given - back).astype(np.float64), axis=1) / norms
        assert errors.max() <= (1e-6 if dtype == np.float64 else 2e-6)
        assert info.error == pytest.approx(errors.max(), rel=1e-3, abs=2e-7)
        most = max((np.abs(w).max(axis=1) * np.sqrt(n) / norms).max() for w in (u, v))
        assert info.max_norm == pytest.approx(most, rel=1e-5) and most <= 4


@pytest.mark.parametrize("axis", ["rows", "columns", "whole"])
def test_kashin_of_axes(rng: np.random.Generator, axis: str) -> None:
    x = rng.normal(size=(48, 80))
    u, v, info = tk.kashin(x, "hadamard", axis=axis)
    assert info.converged
    back = u + tk.orthogonal_transform(v, "hadamard", axis=axis)
    assert np.linalg.norm(back - x) <= 1.01e-6 * np.linalg.norm(x)
    if axis != "whole":
        return
    sides = [tk.orthogonal_transform(np.eye(n), "hadamard", seed=s)  # rows: Q of unit vectors
             for n, s in [(48, (1 << 64) - 1), (80, 0)]]
    expected = sides[0].T @ v @ sides[1]
    assert np.abs(tk.orthogonal_transform(v, "hadamard", axis="whole") - expected).max() < 1e-13


def test_kashin_of_odd_vectors() -> None:
    for x in [np.zeros(8), np.ones(1), np.full((3, 70), 5.0), np.array([[0.0] * 64, [1.0] * 64]),
              np.full(64, 1e30, np.float32), np.full(64, 1e300), np.full(70, 1e-42, np.float32)]:
        u, v, info = tk.kashin(x, max_steps=60)
        assert np.isfinite(u).all() and np.isfinite(v).all()
        with np.errstate(over="ignore"):
            back = u.astype(np.longdouble) + tk.orthogonal_transform(v)
        small = np.finfo(x.dtype).smallest_subnormal * 60
        assert np.abs(back - x).max() <= 1e-5 * np.abs(x).max() + small
    u, v, info = tk.kashin(np.arange(1.0, 65.0), max_steps=3)
    assert not info.converged and info.steps == 3 and 1e-6 < info.error < 1


def test_kashin_refuses() -> None:
    x = np.ones((4, 4))
    for bad in [np.nan, np.inf]:
        with pytest.raises(ValueError, match="NaN"):
            tk.kashin([1.0, bad])
    for wrong in [{"transform": "fft"}, {"method": "slow"}, {"axis": "none"}, {"tol": 0.0},
                  {"tol": np.nan}, {"max_steps": 0}, {"seed": -1}, {"seed": 2**64}]:
        with pytest.raises(ValueError):
            tk.kashin(x, **wrong)
    for shape in [(), (0,), (2, 0), (2, 2, 2)]:
        with pytest.raises(ValueError):
            tk.kashin(np.ones(shape))
        with pytest.raises(ValueError):
            tk.orthogonal_transform(np.ones(shape))
    with pytest.raises(TypeError):
        tk.kashin(x + 1j)
