"""Cross approximation of functions whose ranks, values or integrals are known (cases D)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import ttkit as tk

Values = Callable[[np.ndarray], np.ndarray]


def true_error(f: Values, train: tk.TensorTrain, count: int = 10_000) -> float:
    """Relative root-mean-square error at random points that the run never saw."""
    rng = np.random.default_rng(99)
    points = np.stack([rng.integers(0, n, count) for n in train.shape], axis=1)
    exact = f(points)
    return float(np.linalg.norm(train.evaluate(points) - exact) / np.linalg.norm(exact))


@pytest.mark.parametrize("search", ["rook", "full"])
def test_d1_sumPlusCosine_hasRank4(search: str) -> None:
    def f(i: np.ndarray) -> np.ndarray:
        s = i.sum(axis=1)
        return s + np.cos(s)

    r = tk.cross(f, (10,) * 5, search=search)
    assert r.reason == "converged" and max(r.train.rank) == 4 and r.evaluations < 6400
    assert true_error(f, r.train) < 1e-13


def test_d2_sumOfIndices_keepsBudgetsAndSweeps() -> None:
    def f(i: np.ndarray) -> np.ndarray:
        return i.sum(axis=1).astype(float)

    shape = (20, 18, 16, 14, 12)
    for method in ("tci", "maxvol", "dmrg", "amen"):
        r = tk.cross(f, shape, max_evaluations=10_000, method=method)
        assert r.evaluations <= 10_000 and true_error(f, r.train.round(rtol=1e-8)) < 1e-7
        stopped = tk.cross(f, shape, rtol=1e-15, method=method, callback=lambda p: p.sweeps < 2)
        assert stopped.sweeps <= 2


@pytest.mark.parametrize("method", ["tci", "maxvol", "dmrg", "amen"])
def test_d3_reciprocal_isWithin1e6(method: str) -> None:
    def f(i: np.ndarray) -> np.ndarray:
        return 1 / (2 + (i + 1).sum(axis=1))

    r = tk.cross(f, (20,) * 4, rtol=1e-7, method=method)
    assert r.reason == "converged" and true_error(f, r.train) < 1e-6
    one_by_one = tk.cross(
        lambda i: np.array([1 / (2 + sum(j + 1 for j in row)) for row in i.tolist()]), (20,) * 4,
        rtol=1e-7, method=method)
    assert np.array_equal(one_by_one.pivots, r.pivots)


@pytest.mark.parametrize("method", ["tci", "maxvol", "dmrg", "amen"])
def test_d4_zeroFunction_isZero(method: str) -> None:
    r = tk.cross(lambda i: np.zeros(len(i)), (5, 4, 3), method=method)
    assert r.train.norm() < 1e-12 and r.train.shape == (5, 4, 3)


def test_d5_reciprocalOnBinaryModes_isWithin1e5() -> None:
    def f(i: np.ndarray) -> np.ndarray:
        return 1 / (1 + i.sum(axis=1))

    r = tk.cross(f, (2,) * 12, rtol=1e-6)
    assert true_error(f, r.train) < 1e-5


def test_d6_logarithmOfATrain_isWithin1e6() -> None:
    n, d = 20, 4
    whole = np.arange(1.0, n**d + 1).reshape((n,) * d)
    r = tk.apply(np.log, tk.tensor_train(whole, rtol=1e-14), rtol=1e-7)
    assert r.reason == "converged"
    exact = np.log(whole)
    assert np.linalg.norm(np.asarray(r.train) - exact) < 1e-6 * np.linalg.norm(exact)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_d7_functionOfSeveralTrains_isWithin1e7(count: int) -> None:
    # Three modes: fewer and more arguments than that.
    rng = np.random.default_rng(count)
    ranks, shape = (1, 2, 2, 1), (8, 7, 6)
    trains = [tk.TensorTrain([
        rng.uniform(0.5, 1.5, (ranks[k], n, ranks[k + 1])) for k, n in enumerate(shape)])
        for _ in range(count)]

    def f(*x: np.ndarray) -> np.ndarray:
        return 1 / (1 + sum(each**2 for each in x))

    r = tk.apply(f, *trains, rtol=1e-8)
    exact = f(*(np.asarray(t) for t in trains))
    assert np.linalg.norm(np.asarray(r.train) - exact) < 1e-7 * np.linalg.norm(exact)


def binary(bits: int) -> np.ndarray:
    """Weights of binary digits, most significant first: x = digits @ binary(bits) in [0, 1)."""
    return 0.5 ** np.arange(1, bits + 1)


@pytest.mark.parametrize(("f", "rtol"), [
    (lambda x: np.exp(-x), 1e-8),  # D9
    (lambda x: np.exp(-x) + 1e-4 * np.exp(-2 * x), 1e-10)])  # D10
def test_d9_d10_exponentialInQuantics_ofRank1(f: Values, rtol: float) -> None:
    r = tk.cross(lambda i: f(i @ binary(8)), (2,) * 8, rank=1, rtol=rtol)
    assert r.train.rank == (1,) * 9
    places = np.round(np.array([0.1, 0.3, 0.6, 0.9]) * 256).astype(int)
    digits = (places[:, None] >> np.arange(7, -1, -1)) & 1
    assert np.abs(r.train.evaluate(digits) - f(places / 256)).max() < 1e-4


def test_d12_tolerancesThatConflict_areRefused() -> None:
    for options in ({"rtol": 0}, {"atol": 0}, {"rtol": 1e-3, "atol": 1e-3}):
        with pytest.raises(ValueError):
            tk.cross(lambda i: np.ones(len(i)), (3, 3), **options)


def test_d15_separatedScales_areRightOnAllPoints() -> None:
    bits = 20
    t = -100 + 200 * np.arange(2**bits) / (2**bits - 1)
    exact = (10 * np.exp(-(t**2)) + 1) * np.cos(t)

    def f(i: np.ndarray) -> np.ndarray:
        return exact[i @ (1 << np.arange(bits - 1, -1, -1))]

    r = tk.cross(f, (2,) * bits, rank=12, rtol=1e-6)
    # Rank 12 represents it to about 1e-7 of its largest value.
    assert np.abs(np.asarray(r.train).ravel() - exact).max() < 1e-4 * 11
    assert r.evaluations < 2**bits / 20


@pytest.mark.parametrize("search", ["rook", "full"])
def test_d18_pivotsOnlyWhereTheConditionHolds(search: str) -> None:
    n, d = 8, 4

    def inside(i: np.ndarray) -> np.ndarray:
        return i.sum(axis=1) <= n - 1

    def f(i: np.ndarray) -> np.ndarray:
        return np.exp(-i.sum(axis=1) / n) + 1 / (1 + (i**2).sum(axis=1))

    r = tk.cross(f, (n,) * d, rtol=1e-6, condition=inside, search=search)
    assert len(r.pivots) > 1 and inside(r.pivots).all()
    everywhere = np.indices((n,) * d).reshape(d, -1).T
    where = everywhere[inside(everywhere)]
    exact = f(where)
    assert np.linalg.norm(r.train.evaluate(where) - exact) < 1e-4 * np.linalg.norm(exact)
    with pytest.raises(ValueError, match="condition"):
        tk.cross(f, (n,) * d, condition=lambda i: np.zeros(len(i), bool))


@pytest.mark.parametrize("is_complex", [False, True])
def test_d21_polynomials_integrateExactly(is_complex: bool, rng: np.random.Generator) -> None:
    d = 5
    c = rng.normal(size=15) + (1j * rng.normal(size=15) if is_complex else 0)
    antiderivative = np.polynomial.polynomial.polyint(c)
    for box in (np.array([[0.0, 1.0]] * d), np.sort(rng.uniform(-1, 2, (d, 2)), axis=1)):
        r = tk.integrate(
            lambda x: np.polynomial.polynomial.polyval(x, c).prod(axis=1), box,
            dtype=complex if is_complex else float)
        ends = np.polynomial.polynomial.polyval(box, antiderivative)
        exact = np.prod(ends[:, 1] - ends[:, 0])
        assert abs(r.value - exact) <= 1.5e-8 * abs(exact)
        assert isinstance(r.value, complex) == is_complex


def line(low: float, high: float) -> np.ndarray:
    return np.linspace(low, high, 16)


def rosenbrock(i: np.ndarray) -> np.ndarray:
    x = line(-2.048, 2.048)[i]
    return (100 * (x[:, 1:] - x[:, :-1] ** 2) ** 2 + (1 - x[:, :-1]) ** 2).sum(axis=1)


def rastrigin(i: np.ndarray) -> np.ndarray:
    x = line(-5.12, 5.12)[i]
    return 10 * i.shape[1] + (x**2 - 10 * np.cos(2 * np.pi * x)).sum(axis=1)


def sine_sum(i: np.ndarray) -> np.ndarray:
    return np.sin(line(0, 1)[i].sum(axis=1))


@pytest.mark.parametrize(("f", "d", "rank", "most"), [
    (rosenbrock, 10, 3, 10_000), (rosenbrock, 50, 3, 63_000),  # D22
    (rastrigin, 100, 2, 61_000),  # D23
    (sine_sum, 100, 2, 73_000)])  # D24
def test_d22_to_d24_exactRanks_areFound(f: Values, d: int, rank: int, most: int) -> None:
    r = tk.cross(f, (16,) * d, rtol=1e-8)
    assert r.reason == "converged" and max(r.train.rank) == rank and r.evaluations <= most
    # Sums of d numbers on the way to f, and d products of cores.
    assert true_error(f, r.train) < 100 * d * np.finfo(float).eps


def test_d25_genzFunctions_integrateToTheirClosedForms() -> None:
    d = 8
    rng = np.random.default_rng(7)
    u, c = rng.random(d), rng.random(d)

    def scaled(total: float) -> np.ndarray:
        return c / c.sum() * total

    a = scaled(9.0)
    oscillatory = np.real(np.exp(2j * np.pi * u[0]) * np.prod((np.exp(1j * a) - 1) / (1j * a)))
    r = tk.integrate(lambda x: np.cos(2 * np.pi * u[0] + x @ a), [(0, 1)] * d,
                     nodes="gauss-legendre")
    assert max(r.train.rank) == 2 and abs(r.value - oscillatory) < 1e-14 * 10
    a = scaled(7.25)
    peak = np.prod(a * (np.arctan(a * (1 - u)) + np.arctan(a * u)))
    r = tk.integrate(lambda x: np.prod(1 / (a**-2 + (x - u) ** 2), axis=1), [(0, 1)] * d,
                     nodes="gauss-legendre")
    assert max(r.train.rank) == 1 and abs(r.value / peak - 1) < 1e-13
    r = tk.integrate(lambda x: np.exp(-((x - u) ** 2).sum(axis=1)), [(0, 1)] * d,
                     nodes="gauss-legendre")
    from math import erf
    gaussian = np.prod([np.sqrt(np.pi) / 2 * (erf(1 - v) + erf(v)) for v in u])
    assert max(r.train.rank) == 1 and abs(r.value / gaussian - 1) < 1e-14 * 10


@pytest.mark.parametrize("is_told", [False, True])
def test_d27_narrowPeak_isNotMissed(is_told: bool) -> None:
    bits = 30

    def f(i: np.ndarray) -> np.ndarray:
        x = i @ binary(bits)
        return np.exp(-x) + np.exp(-(((x - 0.3) * 1e3) ** 2))

    pivot = (int(0.3 * 2**bits) >> np.arange(bits - 1, -1, -1)) & 1
    r = tk.cross(f, (2,) * bits, rtol=1e-6, pivots=[pivot] if is_told else None)
    x = np.linspace(0.297, 0.303, 1001)
    digits = (np.round(x * 2**bits).astype(np.int64)[:, None] >> np.arange(bits - 1, -1, -1)) & 1
    assert np.abs(r.train.evaluate(digits) - f(digits)).max() < 1e-3
    assert true_error(f, r.train) < 1e-5


def test_d19_sphericalExponential_integratesToEightPi() -> None:
    # exp(-|x|) on [-40, 40]^3, 30 binary digits a coordinate: a cusp of size 1 in a cube of 5e5.
    bits, width = 30, 80 / 2**30

    def point(digits: np.ndarray) -> np.ndarray:
        return digits.reshape(len(digits), 3, bits) @ 0.5 ** np.arange(1, bits + 1) * 80 - 40

    def f(digits: np.ndarray) -> np.ndarray:
        return np.exp(-np.linalg.norm(point(digits), axis=1))

    seeds = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    places = np.round((seeds + 40) / width).astype(np.int64)
    digits = (places[:, :, None] >> np.arange(bits - 1, -1, -1)) & 1
    # Random points lie where f is 1e-17: only an absolute tolerance means anything.
    r = tk.cross(f, (2,) * (3 * bits), atol=1e-7, rank=40, method="amen",
                 pivots=digits.reshape(8, -1), max_evaluations=400_000)
    assert r.train.sum() * width**3 == pytest.approx(8 * np.pi, rel=2e-3)
