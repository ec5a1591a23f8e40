"""Functions of trains, and integrals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ttkit as tk

SHAPE = (5, 6, 7)


def some_trains(count: int, dtype: type = float) -> list[tk.TensorTrain]:
    """Positive trains of ranks 2."""
    rng = np.random.default_rng(count)
    ranks = (1, 2, 2, 1)
    return [tk.TensorTrain([
        rng.uniform(0.5, 1.5, (ranks[k], n, ranks[k + 1])).astype(dtype)
        for k, n in enumerate(SHAPE)]) for _ in range(count)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_apply_squareRoot_isNumPys(dtype: type) -> None:
    (t,) = some_trains(1, dtype)
    r = tk.apply(np.sqrt, t, rtol=1e-4)
    exact = np.sqrt(np.asarray(t, complex))
    assert r.reason == "converged" and r.train.dtype == dtype
    assert np.linalg.norm(np.asarray(r.train) - exact) <= 1e-3 * np.linalg.norm(exact)


def test_apply_severalTrains_areArgumentsInOrder() -> None:
    a, b = some_trains(2)
    r = tk.apply(lambda x, y: x - 2 * y, a, b)
    assert np.allclose(r.train, np.asarray(a) - 2 * np.asarray(b), atol=1e-6)
    mixed = tk.apply(lambda x, y: x * y, a, (1 + 2j) * b)
    assert mixed.train.dtype == complex
    assert np.allclose(mixed.train, (1 + 2j) * np.asarray(a) * np.asarray(b), atol=1e-5)
    phase = tk.apply(lambda x: np.exp(1j * x), a, dtype=complex, rtol=1e-6)
    assert np.allclose(phase.train, np.exp(1j * np.asarray(a)), atol=1e-4)


def test_apply_functionRaising_isRaisedWithPartial() -> None:
    asked = 0

    def breaking(x: np.ndarray) -> np.ndarray:
        nonlocal asked
        asked += len(x)
        if asked > 1000:
            raise LookupError("enough")
        return np.exp(np.sin(9 * x))

    sums = np.add.outer(np.add.outer(np.arange(30.0), np.arange(31)), np.arange(32))
    wide = tk.tensor_train(sums)
    with pytest.raises(LookupError, match="enough") as caught:
        tk.apply(breaking, wide, rtol=1e-12)
    assert isinstance(caught.value.partial, tk.CrossResult)  # type: ignore[attr-defined]


def test_apply_budgetAndCallback_endTheRun() -> None:
    (t,) = some_trains(1)
    r = tk.apply(lambda x: np.sin(50 * x), t, rtol=1e-12, max_evaluations=100)
    assert r.reason == "budget" and r.evaluations <= 100
    r = tk.apply(lambda x: np.sin(50 * x), t, rtol=1e-12, callback=lambda p: False)
    assert r.reason == "stopped"


def test_apply_functionUsingTheLibrary_works() -> None:
    a, b = some_trains(2)
    r = tk.apply(lambda x: x + tk.dot(a, b) * 0, a)
    assert np.allclose(r.train, np.asarray(a), atol=1e-6)


@pytest.mark.parametrize(("answer", "error"), [
    (lambda x: np.full(len(x), np.nan), ValueError), (lambda x: x[1:], ValueError),
    (lambda x: 1j * x, TypeError), (lambda x, y: x, TypeError)])
def test_apply_answersThatAreNone_areRefused(answer: Any, error: type) -> None:
    with pytest.raises(error):
        tk.apply(answer, *some_trains(1))


def test_apply_badArguments_areRefused() -> None:
    (t,) = some_trains(1)
    with pytest.raises(ValueError, match="no trains"):
        tk.apply(np.sqrt)
    with pytest.raises(ValueError, match="differ"):
        tk.apply(np.add, t, tk.ones((2, 3)))
    with pytest.raises(TypeError, match="train 1 is a ndarray"):
        tk.apply(np.add, t, np.ones(SHAPE))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="f is a TensorTrain"):
        tk.apply(t, t)  # type: ignore[arg-type]
    for options in ({"rtol": -1}, {"rtol": 1e-3, "atol": 1}, {"rank": 0}, {"max_evaluations": 0}):
        with pytest.raises(ValueError):
            tk.apply(np.sqrt, t, **options)  # type: ignore[arg-type]


def test_integrate_exponential_isTheClosedForm() -> None:
    box = [(0.0, 1.0), (-1.0, 2.0), (3.0, 2.0), (0.5, 0.5 + 1e-3)]
    exact = np.prod([np.exp(b) - np.exp(a) for a, b in box])
    for nodes, order in (("gauss-kronrod", 15), ("gauss-legendre", 8), ("gauss-legendre", 21)):
        r = tk.integrate(lambda x: np.exp(x.sum(axis=1)), box, nodes=nodes, order=order)
        assert abs(r.value - exact) <= 1e-9 * abs(exact) and r.value < 0
        assert r.reason == "converged"
        if nodes == "gauss-kronrod":
            assert abs(r.value - exact) <= r.error + 16 * np.finfo(float).eps * abs(exact)
        assert r.evaluations < order**4 and r.train.shape == (order,) * 4


def test_integrate_kink_hasAnHonestEstimate() -> None:
    # No rule of this kind is exact for |x - .3|; the two rules differ by about their errors.
    r = tk.integrate(lambda x: np.abs(x - 0.3).prod(axis=1), [(0, 1)] * 3)
    exact = ((0.3**2 + 0.7**2) / 2) ** 3
    assert 1e-6 < abs(r.value - exact) <= 3 * r.error < 0.2 * exact


@pytest.mark.parametrize(("bounds", "options"), [
    ([(0, 1, 2)], {}), ([], {}), ((0, 1), {}), ([(0, np.inf)], {}), ([(np.nan, 1)], {}),
    ([(-1e308, 1e308)], {}), ([(0, 1)], {"nodes": "simpson"}), ([(0, 1)], {"order": 14}),
    ([(0, 1)], {"order": 0, "nodes": "gauss-legendre"}),
    ([(0, 1)], {"order": 10**9, "nodes": "gauss-legendre"}), ([(0, 1)], {"rtol": 0})], ids=str)
def test_integrate_badArguments_areRefused(bounds: Any, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        tk.integrate(lambda x: x[:, 0], bounds, **options)
    with pytest.raises(TypeError):
        tk.integrate(3, [(0, 1)])  # type: ignore[arg-type]
