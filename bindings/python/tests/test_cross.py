"""Cross approximation: trains of functions, what stops them, and dominant rows."""

from __future__ import annotations

import traceback
from collections.abc import Callable

import numpy as np
import pytest

import ttkit as tk

SHAPE = (7, 8, 9, 6)


def smooth(indices: np.ndarray) -> np.ndarray:
    return 1 / (1 + indices.sum(axis=1))


def dense(f: Callable[[np.ndarray], np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    return f(np.indices(shape).reshape(len(shape), -1).T).reshape(shape)


@pytest.mark.parametrize("options", [
    {}, {"search": "full"}, {"method": "maxvol"}, {"method": "dmrg"}, {"method": "amen"}],
    ids=str)
def test_cross_ofASmoothFunction_isItWithinTheTolerance(options: dict[str, str]) -> None:
    r = tk.cross(smooth, SHAPE, rtol=1e-7, **options)  # type: ignore[arg-type]
    exact = dense(smooth, SHAPE)
    assert r.reason == "converged" and r.error <= 1e-7 and r.validation_count > 0
    # The sampled error estimates that of the whole grid: within a small factor.
    assert np.linalg.norm(np.asarray(r.train) - exact) <= 1e-6 * np.linalg.norm(exact)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_cross_eachDtype_isTheTrains(dtype: type) -> None:
    factor = 1 + 2j if np.dtype(dtype).kind == "c" else 2.0
    r = tk.cross(lambda i: factor * np.exp(-0.3 * i.sum(axis=1)), SHAPE, rtol=1e-4, dtype=dtype)
    assert r.train.dtype == dtype and r.train.shape == SHAPE
    exact = factor * dense(lambda i: np.exp(-0.3 * i.sum(axis=1)), SHAPE)
    assert np.allclose(np.asarray(r.train), exact, rtol=0, atol=1e-3 * abs(exact).max())


def test_cross_evaluations_areThoseAskedAndDistinct() -> None:
    asked: list[tuple[int, ...]] = []

    def f(indices: np.ndarray) -> np.ndarray:
        assert indices.dtype == np.int64 and indices.shape[1] == 4 and indices.flags.writeable
        asked.extend(map(tuple, indices.tolist()))
        indices[:] = -1  # the caller's own copy: changing it harms nobody
        return np.array([smooth(np.array([i]))[0] for i in asked[-len(indices):]])

    r = tk.cross(f, SHAPE)
    assert len(asked) == len(set(asked)) == r.evaluations < np.prod(SHAPE)


def test_cross_budget_isNeverExceeded() -> None:
    r = tk.cross(lambda i: np.cos(i[:, 0] * i[:, 1] + i[:, 2] ** 2 * i[:, 3]), (40,) * 4,
                 max_evaluations=500)
    assert r.evaluations <= 500 and r.reason == "budget" and r.error > 1e-8


def test_cross_budgetBelowRankOne_isALinAlgError() -> None:
    with pytest.raises(np.linalg.LinAlgError):
        tk.cross(smooth, SHAPE, max_evaluations=1)


def test_cross_rank_isACap() -> None:
    r = tk.cross(smooth, SHAPE, rank=2, rtol=1e-12)
    assert max(r.train.rank) == 2 and r.reason == "rank"


def test_cross_sameSeed_givesTheSameBits() -> None:
    a, b = (tk.cross(smooth, SHAPE, seed=2**64 - 1) for _ in range(2))
    assert a.evaluations == b.evaluations and np.array_equal(a.pivots, b.pivots)
    assert all(np.array_equal(x, y) for x, y in zip(a.train.cores, b.train.cores, strict=True))


def test_cross_narrowPeak_isFoundByAPivot() -> None:
    peak = np.array([17, 3, 29, 11, 5])

    def f(indices: np.ndarray) -> np.ndarray:
        return (indices == peak).all(axis=1).astype(float)

    r = tk.cross(f, (32,) * 5, pivots=[peak])
    assert r.train[17, 3, 29, 11, 5] == pytest.approx(1)
    assert r.train.norm() == pytest.approx(1)


def test_cross_pivots_areInterpolatedAndStartALaterRun() -> None:
    r = tk.cross(smooth, SHAPE, rtol=1e-3)
    assert r.pivots.dtype == np.int64 and r.pivots.shape[1] == 4 and len(r.pivots) > 0
    assert np.allclose(r.train.evaluate(r.pivots), smooth(r.pivots), rtol=1e-2)
    again = tk.cross(smooth, SHAPE, rtol=1e-3, pivots=r.pivots)
    assert again.reason == "converged"
    none = tk.cross(smooth, SHAPE, pivots=np.empty((0, 4)))
    assert none.reason == "converged"


def test_cross_callback_isToldEachSweep() -> None:
    told: list[tk.CrossProgress] = []
    r = tk.cross(smooth, SHAPE, callback=told.append)
    assert len(told) == r.sweeps and told[-1].sweeps == r.sweeps
    assert all(0 < p.evaluations <= r.evaluations and p.rank >= 1 for p in told)


def test_cross_callbackReturningFalse_stopsWithWhatThereIs() -> None:
    r = tk.cross(smooth, SHAPE, rtol=1e-12, callback=lambda progress: False)
    assert r.reason == "stopped" and r.sweeps == 1 and r.train.shape == SHAPE


def test_cross_functionRaising_isRaisedWithTracebackAndPartial() -> None:
    asked = 0

    def breaking(indices: np.ndarray) -> np.ndarray:
        nonlocal asked
        asked += len(indices)
        if asked > 200:
            raise LookupError("no more values")
        return smooth(indices)

    with pytest.raises(LookupError, match="no more values") as caught:
        tk.cross(breaking, SHAPE, rtol=1e-12)
    assert "in breaking" in "".join(traceback.format_exception(caught.value))
    partial = caught.value.partial  # type: ignore[attr-defined]
    assert isinstance(partial, tk.CrossResult) and partial.reason == "stopped"
    assert partial.train.shape == SHAPE and partial.evaluations == asked


def test_cross_functionRaisingAtOnce_hasNoPartial() -> None:
    def breaking(indices: np.ndarray) -> np.ndarray:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        tk.cross(breaking, SHAPE)
    assert caught.value.partial is None  # type: ignore[attr-defined]


def test_cross_callbackRaising_isRaisedWithPartial() -> None:
    def watch(progress: tk.CrossProgress) -> None:
        raise OSError("screen is gone")

    with pytest.raises(OSError, match="screen is gone") as caught:
        tk.cross(smooth, SHAPE, rtol=1e-12, callback=watch)
    assert isinstance(caught.value.partial, tk.CrossResult)  # type: ignore[attr-defined]


def test_cross_functionUsingTheLibrary_works() -> None:
    inner = tk.cross(smooth, SHAPE).train
    r = tk.cross(lambda i: inner.evaluate(i) ** 2, SHAPE, rtol=1e-6)
    assert np.allclose(np.asarray(r.train), dense(smooth, SHAPE) ** 2, atol=1e-5)


@pytest.mark.parametrize(("answer", "words"), [
    (lambda i: np.ones(len(i) + 1), r"f returned shape .* one value for each row"),
    (lambda i: 1.0, r"f returned shape \(\)"),
    (lambda i: np.ones((len(i), 1)), "one value for each row"),
    (lambda i: np.full(len(i), np.nan), "(?i)nan|finite"),
    (lambda i: np.full(len(i), -np.inf), "(?i)inf|finite"),
])
def test_cross_valuesThatAreNone_areAValueError(answer: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        tk.cross(answer, SHAPE)  # type: ignore[arg-type]


@pytest.mark.parametrize(("answer", "words"), [
    (lambda i: np.full(len(i), 1j), "pass dtype=complex"),
    (lambda i: np.full(len(i), "x"), "f returned dtype"),
    (lambda i: None, "f returned"),
])
def test_cross_valuesOfAnotherKind_areRefused(answer: object, words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        tk.cross(answer, SHAPE)  # type: ignore[arg-type]


@pytest.mark.parametrize(("options", "words"), [
    ({"rtol": 0}, "rtol is 0.0"), ({"rtol": -1e-3}, "rtol is -0.001"),
    ({"rtol": np.nan}, "rtol is nan"), ({"rtol": np.inf}, "rtol is inf"),
    ({"max_evaluations": 0}, "max_evaluations is 0"), ({"rank": 0}, "rank is 0"),
    ({"max_evaluations": -5}, "max_evaluations is -5"), ({"rank": 2**63}, "rank is"),
    ({"method": "als"}, "method is 'als', expected 'tci', 'maxvol', 'dmrg' or 'amen'"),
    ({"search": "queen"}, "search is 'queen', expected 'rook' or 'full'"),
    ({"method": None}, "method is None"),
    ({"seed": -1}, "seed is -1"), ({"seed": 2**64}, "seed is"),
    ({"rank": (2, 2)}, "2 entries, expected 3"), ({"rank": (2, 0, 2)}, r"rank\[1\] is 0"),
    ({"rtol": 1e-3, "atol": 1e-3}, "only one"), ({"atol": 0}, "atol is 0.0"),
    ({"condition": lambda i: np.ones(len(i))}, "condition returned float64"),
    ({"condition": lambda i: i > 3}, "condition returned bool of shape"),
    ({"condition": lambda i: np.zeros(len(i), bool)}, "condition holds at no"),
    ({"condition": lambda i: i[:, 0] > 0, "pivots": [[0, 0, 0, 0]]}, "pivot 0"),
    ({"condition": lambda i: i[:, 0] > 0, "method": "dmrg"}, "tci"),
    ({"pivots": [[0, 0, 0]]}, "expected"), ({"pivots": [[0, 0, 0, 6]]}, "6"),
    ({"pivots": [[0, -1, 0, 0]]}, "-1"),
])
def test_cross_argumentOutOfRange_isAValueError(options: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        tk.cross(smooth, SHAPE, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [
    {"rank": 2.5}, {"rank": (2, 2.5, 2)}, {"condition": 3}, {"seed": "a"},
    {"pivots": [[0.5, 0, 0, 0]]},
    {"dtype": "U3"}])
def test_cross_argumentOfAnotherType_isATypeError(options: dict[str, object]) -> None:
    with pytest.raises(TypeError):
        tk.cross(smooth, SHAPE, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(), (3, 0), (-1, 2), (2**24 + 1, 2), (2,) * 1025])
def test_cross_shapeOutOfRange_isAValueError(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError):
        tk.cross(smooth, shape)


def test_cross_notAFunction_isATypeError() -> None:
    with pytest.raises(TypeError, match="f is a ndarray, expected a function"):
        tk.cross(np.ones(3), SHAPE)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="callback is a int, expected a function"):
        tk.cross(smooth, SHAPE, callback=3)  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_maxvol_tallMatrix_isCoefficientsTimesRows(
    dtype: type, rng: np.random.Generator
) -> None:
    a = rng.normal(size=(40, 5)).astype(dtype)
    if a.dtype.kind == "c":
        a = a + 1j * rng.normal(size=a.shape).astype(a.real.dtype)
    for matrix in (a, np.asfortranarray(a), a[::-1]):
        rows, coefficients = tk.maxvol(matrix)
        assert len(set(rows.tolist())) == 5 and coefficients.shape == (40, 5)
        assert coefficients.dtype == matrix.dtype
        eps = np.finfo(a.dtype).eps
        assert np.allclose(coefficients @ matrix[rows], matrix, atol=200 * eps)
        assert abs(coefficients).max() <= 1.05 * (1 + 100 * eps)


def test_maxvol_extraRows_shrinkTheCoefficients(rng: np.random.Generator) -> None:
    a = rng.normal(size=(60, 4))
    rows, coefficients = tk.maxvol(a, max_extra=20, min_extra=2, row_tolerance=1.0)
    assert 6 <= len(rows) <= 24 and coefficients.shape == (60, len(rows))
    assert np.allclose(coefficients @ a[rows], a)
    assert len(tk.maxvol(a, max_extra=20, min_extra=5, row_tolerance=1e9)[0]) == 4 + 5
    square = tk.maxvol(a)[1]
    assert np.linalg.norm(coefficients, axis=1).max() < np.linalg.norm(square, axis=1).max()


@pytest.mark.parametrize(("a", "options"), [
    (np.ones((4, 2)), {}), (np.ones((2, 4)), {}), (np.ones(4), {}), (np.ones((2, 2, 2)), {}),
    (np.full((4, 1), np.nan), {}), (np.eye(4, 2), {"tolerance": 0.5}),
    (np.eye(4, 2), {"tolerance": 0}), (np.eye(4, 2), {"row_tolerance": np.nan}),
    (np.eye(4, 2), {"max_extra": 3}), (np.eye(4, 2), {"min_extra": 1}),
    (np.eye(4, 2), {"max_extra": -1}),
])
def test_maxvol_badInput_isAValueError(a: np.ndarray, options: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        tk.maxvol(a, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [
    {}, {"search": "full"}, {"method": "maxvol"}, {"method": "dmrg"}, {"method": "amen"}],
    ids=str)
def test_cross_rankOfEachBond_isACap(options: dict[str, str]) -> None:
    r = tk.cross(smooth, SHAPE, rank=(3, 1, 2), **options)  # type: ignore[arg-type]
    assert all(a <= b for a, b in zip(r.train.rank, (1, 3, 1, 2, 1), strict=True))
    assert r.train.rank[2] == 1 and r.reason != "converged"


def test_cross_absoluteTolerance_isOne() -> None:
    exact = dense(smooth, SHAPE)
    loose, tight = (tk.cross(smooth, SHAPE, atol=atol) for atol in (1e-3, 1e-9))
    for r, atol in ((loose, 1e-3), (tight, 1e-9)):
        wrong = np.asarray(r.train) - exact
        assert r.reason == "converged" and np.sqrt((wrong**2).mean()) <= 2 * atol
    assert loose.evaluations < tight.evaluations


def test_cross_conditionRaising_isRaised() -> None:
    def condition(indices: np.ndarray) -> np.ndarray:
        raise LookupError("nowhere")

    with pytest.raises(LookupError, match="nowhere"):
        tk.cross(smooth, SHAPE, condition=condition)
