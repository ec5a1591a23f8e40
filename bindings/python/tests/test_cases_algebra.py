"""Known cases of the field: canonical forms, rounding, algebra, other shapes."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import pytest
from test_train import DTYPES, close, random

import ttkit as tk


def train_of(
    rng: np.random.Generator, shape: Sequence[int], rank: Sequence[int], dtype: str = "float64"
) -> tk.TensorTrain:
    """A train of random cores, scaled so that its norm is near that of its number of elements."""
    bonds = (1, *rank, 1)
    return tk.TensorTrain([
        random(rng, (r, n, s), dtype) / np.sqrt(r).astype(np.dtype(dtype).char.lower())
        for r, n, s in zip(bonds, shape, bonds[1:], strict=False)])


def matrix_of(
    rng: np.random.Generator, rows: Sequence[int], columns: Sequence[int], rank: int, dtype: str
) -> tk.TensorTrainMatrix:
    bonds = (1, *[rank] * (len(rows) - 1), 1)
    return tk.TensorTrainMatrix([
        random(rng, (r, m, n, s), dtype)
        for r, m, n, s in zip(bonds, rows, columns, bonds[1:], strict=False)])


def eps_of(train: tk.TensorTrain) -> float:
    return float(np.finfo(train.dtype).eps)


def unfolded_errors(train: tk.TensorTrain, center: int) -> list[float]:
    """How far cores left of the center are from orthonormal columns, right of it from rows."""
    errors = []
    for k, core in enumerate(train.cores):
        if k == center:
            continue
        q = core.reshape(-1, core.shape[2]) if k < center else core.reshape(core.shape[0], -1).T
        errors.append(float(np.abs(q.conj().T @ q - np.eye(q.shape[1])).max()))
    return errors


@pytest.mark.parametrize("dtype", DTYPES)
def test_b2_orthogonalizing_leavesTheTensor(rng: np.random.Generator, dtype: str) -> None:
    t = train_of(rng, (4, 3, 5, 2), (3, 4, 2), dtype)
    for center in (0, 2, 3):
        u = t.orthogonalize(center)
        assert max(unfolded_errors(u, center)) <= 16 * eps_of(t)
        close(u, np.asarray(t), t.norm())
        assert np.linalg.norm(u.cores[center]) == pytest.approx(t.norm(), rel=64 * eps_of(t))


@pytest.mark.parametrize("shape", [(4, 5, 6), (2, 7, 3, 5)])
def test_b3_onesOfRankThree_haveRankOneAndTheirNorm(shape: tuple[int, ...]) -> None:
    t = tk.TensorTrain([np.ones((1, n, 1)) for n in shape])
    u = (t + t + t) / 3
    assert max(u.round().rank) == 1
    assert u.round().norm() == pytest.approx(np.sqrt(np.prod(shape)), rel=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
@pytest.mark.parametrize("order", [2, 10])
def test_b4_aSweepOfTolerances_isKept(rng: np.random.Generator, order: int, dtype: str) -> None:
    t = train_of(rng, (20,) * 2 if order == 2 else (3,) * 10, (9,) * (order - 1), dtype)
    for exponent in range(14):
        rtol = 10.0**-exponent
        u = t.round(rtol=rtol)
        error = (u - t).norm() / t.norm()
        assert error <= rtol + 64 * eps_of(t)
        assert u.error == pytest.approx(error, abs=256 * eps_of(t))
        assert all(a <= b for a, b in zip(u.rank, t.rank, strict=True))


def test_b5_reversedTrains_areMirrorImages(rng: np.random.Generator) -> None:
    t = train_of(rng, (4, 3, 5), (3, 4))
    left, right = t.orthogonalize(2), t.T.orthogonalize(0).T
    for a, b in zip(left.cores, right.cores, strict=True):
        assert np.linalg.norm(a) == pytest.approx(np.linalg.norm(b), rel=1e-13)
    close(left, np.asarray(right), t.norm())


def test_b6_aRangeOfCores_leavesTheOthersBits(rng: np.random.Generator) -> None:
    t = train_of(rng, (4, 3, 5, 2, 3), (3, 4, 2, 3))
    u = t.orthogonalize(2, first=1, last=3)
    for k in (0, 4):
        assert np.array_equal(t.cores[k].view(np.uint64), u.cores[k].view(np.uint64))
    close(u, np.asarray(t), t.norm())
    q = u.cores[1].reshape(-1, u.cores[1].shape[2])
    assert np.abs(q.T @ q - np.eye(q.shape[1])).max() < 1e-14
    with pytest.raises(ValueError):
        t.orthogonalize(0, first=1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_b7_twiceATrain_hasItsRanks(rng: np.random.Generator, dtype: str) -> None:
    t = train_of(rng, (4, 5, 6, 4), (3, 4, 3), dtype)
    u = (t + t).round(rtol=max(1e-10, 16 * eps_of(t)))
    assert u.rank == t.rank
    close(u, 2 * np.asarray(t), 4 * t.norm())
    close((t + t / 2).round(), 1.5 * np.asarray(t), 4 * t.norm())


def test_b8_roundingToTheOwnRank_changesNothing(rng: np.random.Generator) -> None:
    t = train_of(rng, (5, 6, 7), (3, 3))
    u = t.round(3)
    assert u.rank == t.rank and (u - t).norm() < 1e-14 * t.norm()
    assert (u.round(3) - u).norm() < 1e-14 * t.norm()


def test_rounding_ofCancellingTrains_keepsWhatIsLeft(rng: np.random.Generator) -> None:
    a, small = train_of(rng, (4,) * 6, (9,) * 5), train_of(rng, (4,) * 6, (3,) * 5)
    difference = (a + 1e-8 * small) - a
    u = difference.round(rtol=1e-5)
    assert max(u.rank) == 3
    assert (u - 1e-8 * small).norm() <= 1e-14 * a.norm()


def test_rounding_ofDecayingValues_isExactAtEveryTolerance(rng: np.random.Generator) -> None:
    bonds = (1, 6, 36, 36, 6, 1)
    cores = [rng.normal(size=(r, 6, s)) * np.logspace(0, -14, s)
             for r, s in zip(bonds, bonds[1:], strict=False)]
    t = tk.TensorTrain(cores)
    for rtol in (1e-3, 1e-6, 1e-9, 1e-12):
        u = t.round(rtol=rtol)
        error = (u - t).norm() / t.norm()
        assert error <= rtol and u.error == pytest.approx(error, abs=1e-14)
        assert max(unfolded_errors(u, 4)) < 1e-14


@pytest.mark.parametrize("dtype", DTYPES)
def test_c1_arithmetic_agreesWithDense(rng: np.random.Generator, dtype: str) -> None:
    t = train_of(rng, (3, 4, 2, 3), (2, 3, 2), dtype)
    u = train_of(rng, (3, 4, 2, 3), (3, 1, 2), dtype)
    a, b = np.asarray(t), np.asarray(u)
    scale = t.norm() + u.norm()
    close(t + u, a + b, scale)
    close(t - u, a - b, scale)
    close(t * u, a * b, scale**2)
    assert (t + u).rank == (1, 5, 4, 4, 1) and (t * u).rank == (1, 6, 3, 4, 1)
    close(np.array(tk.dot(t, u)), np.vdot(a, b), scale**2)
    close(t.conj(), a.conj(), scale)


def test_c2_normOfOnes_isTheRootOfTheirNumber() -> None:
    t = tk.TensorTrain([np.ones((1, n, 1)) for n in (3, 4, 5, 6)])
    assert t.norm() ** 2 == pytest.approx(360, rel=1e-14)
    assert (2 * t).norm() ** 2 == pytest.approx(1440, rel=1e-14)


def test_c3_partialSums_ofAComplexTrain_areTheDenseOnes() -> None:
    grid = np.indices((3, 4, 2, 3, 2)).sum(axis=0)
    a = np.exp(np.exp(1j * grid))
    close(tk.tensor_train(a).sum(axis=(0, 2, 3)), a.sum(axis=(0, 2, 3)), np.linalg.norm(a))
    weights = [np.linspace(1, 2, 3), None, np.array([2.0, 0, 1])]
    expected = np.einsum("abcde,a,d->be", a, weights[0], weights[2])
    close(tk.tensor_train(a).sum((0, 2, 3), weights), expected, 4 * np.linalg.norm(a))


def test_c4_reversedTrain_atReversedIndices_isEqual(rng: np.random.Generator) -> None:
    t = train_of(rng, (3, 4, 5), (2, 3))
    places = np.stack(np.unravel_index(np.arange(60), t.shape), axis=-1)
    close(t.T.evaluate(places[:, ::-1]), t.evaluate(places), t.norm())


@pytest.mark.parametrize("dtype", DTYPES)
def test_c5_elements_singleListAndBatch_areTheDenseOnes(
    rng: np.random.Generator, dtype: str
) -> None:
    t = train_of(rng, (10,) * 5, (3,) * 4, dtype)
    dense = np.asarray(t)
    places = rng.integers(0, 10, (500, 5))
    batch = t.evaluate(places)
    bound = 8 * eps_of(t) * np.prod([np.linalg.norm(c) for c in t.cores])
    assert np.abs(batch - dense[tuple(places.T)]).max() <= bound
    assert np.array_equal(batch, [t[tuple(p)] for p in places])
    assert np.array_equal(batch, t.evaluate(places.tolist()))
    assert np.array_equal(t.evaluate(np.tile(places, (20, 1))), np.tile(batch, 20))


def test_c7_copies_areDeep(rng: np.random.Generator) -> None:
    t = train_of(rng, (3, 4), (2,))
    cores = [np.array(core) for core in t.cores]
    u = tk.TensorTrain(cores)
    cores[0][0, 0, 0] += 1
    assert u[0, 0] == t[0, 0]
    assert copy.deepcopy(t)[1, 1] == t[1, 1]


def test_c8_leftAndRightMultiIndices_giveTheSameBits(rng: np.random.Generator) -> None:
    t = train_of(rng, (10,) * 3, (4, 4))
    left, right = rng.integers(0, 10, (6, 1)), rng.integers(0, 10, (5, 2))
    grid = np.array([[[*a, *b] for b in right] for a in left])
    assert np.array_equal(t.evaluate(grid).reshape(-1), t.evaluate(grid.reshape(-1, 3)))


SHAPES = [((4, 6), (2, 2, 3, 2)), ((2, 2, 2, 2, 2), (4, 8)), ((4, 9), (6, 6)), ((6, 4, 5), (120,)),
          ((120,), (2, 3, 4, 5)), ((2, 3, 4), (1, 2, 1, 12, 1)), ((1, 6, 1, 2), (3, 4)),
          ((8, 4), (2, -1, 4)), ((1, 1), (1,)), ((5,), (1, 5))]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("old", "new"), SHAPES)
def test_reshapeModes_isTheDenseReshape(
    rng: np.random.Generator, old: tuple[int, ...], new: tuple[int, ...], dtype: str
) -> None:
    a = random(rng, old, dtype)
    t = tk.tensor_train(a).reshape_modes(*new)
    assert t.shape == a.reshape(new).shape
    close(t, a.reshape(new))
    assert all(r <= min(np.prod(t.shape[:k]), np.prod(t.shape[k:])) for k, r in enumerate(t.rank))


def test_reshapeModes_beyondAnyInteger_works() -> None:
    t = tk.TensorTrain([np.ones((1, 2, 1))] * 200)
    assert t.reshape_modes((4,) * 100).shape == (4,) * 100
    assert t.reshape_modes((4,) * 100).quantics().rank == (1,) * 201
    with pytest.raises(ValueError, match="differ"):
        t.reshape_modes((4,) * 99)


@pytest.mark.parametrize("new", [(5, 5), (0,), (-1, -1), (), (2, -1, 5), (24, 2)])
def test_reshapeModes_toAnotherSize_isAValueError(new: tuple[int, ...]) -> None:
    with pytest.raises(ValueError):
        tk.tensor_train(np.ones((4, 6))).reshape_modes(new)


def test_quantics_ofKnownFunctions_haveKnownRanks() -> None:
    x = np.arange(1024.0) / 1024
    for values, rank in ((np.exp(x), 1), (np.sin(9 * x), 2), (x**3 + x, 4)):
        t = tk.tensor_train(values).quantics(rtol=1e-12)
        assert t.shape == (2,) * 10 and max(t.rank) == rank
        assert np.linalg.norm(np.asarray(t).reshape(-1) - values) <= 1e-12 * np.linalg.norm(values)
    with pytest.raises(ValueError, match="power of two"):
        tk.tensor_train(np.ones((4, 6))).quantics()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_concatenate_isTheDenseOne(rng: np.random.Generator, axis: int, dtype: str) -> None:
    arrays = [random(rng, s, dtype) for s in ((3, 4, 5), (3, 4, 5))]
    wider = np.concatenate([arrays[1]] * 2, axis)
    t = tk.concatenate([tk.tensor_train(arrays[0]), tk.tensor_train(wider)], axis)
    close(t, np.concatenate([arrays[0], wider], axis))
    close(tk.concatenate([tk.tensor_train(arrays[0][0, 0])] * 2), np.tile(arrays[0][0, 0], 2))


def test_concatenate_badInput_isRefused(train: tk.TensorTrain) -> None:
    for trains, axis, error in (
        ([], 0, ValueError), ([train], 3, ValueError), ([train, train[0]], 0, ValueError),
        ([train, train[:, :2]], 0, ValueError), ([train, 3], 0, TypeError)):
        with pytest.raises(error):
            tk.concatenate(trains, axis)  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", DTYPES)
def test_slicing_commutesWithDense(rng: np.random.Generator, dtype: str) -> None:
    a = random(rng, (6, 4, 5, 7), dtype)
    t = tk.tensor_train(a)
    for key in (np.s_[1:5, :, 3, ::2], np.s_[::-1], np.s_[5:1:-2, 1, ..., -1], np.s_[..., 2:3],
                np.s_[-3:, :2, 4, 6:0:-3]):
        close(t[key], a[key], float(np.linalg.norm(a)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_matrices_productsTracesConjugates_agreeWithDense(
    rng: np.random.Generator, dtype: str
) -> None:
    m = matrix_of(rng, (2, 3, 2), (3, 2, 4), 3, dtype)
    w = matrix_of(rng, (3, 2, 4), (2, 3, 2), 2, dtype)
    a, b = np.asarray(m), np.asarray(w)
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    assert (m @ w).rank == (1, 6, 6, 1)
    close(m @ w, a @ b, size)
    close(np.array((m @ w).trace()), np.trace(a @ b), size)
    square = np.asarray(m @ w).reshape(2, 3, 2, 2, 3, 2)
    partial = np.einsum("iajibj->ab", square)
    close((m @ w).partial_trace((0, 2)), partial, size)
    close(m.conj(), a.conj(), size)
    close(m.T @ b.T[:, :1], a.T @ b.T[:, :1], size)
    with pytest.raises(ValueError):
        m.trace()
    with pytest.raises(ValueError):
        m @ m
