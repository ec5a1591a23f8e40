"""Plans of contractions: cost, limits, gradients, threads, life, and what they refuse."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from einsum_support import EQUATIONS, assert_close, operands_of, shapes_of

import ttkit as tk


def test_plan_ofAChain_knowsItsPathAndCost(rng: np.random.Generator) -> None:
    p = tk.plan("ab,bc,c->a", (30, 40), (40, 50), (50,), dtype=np.float32)
    assert p.path == ((1, 2), (0, 3)) and p.shape == (30,) and p.dtype == np.float32
    assert p.flops == 2 * (40 * 50 + 30 * 40) and p.bytes >= 4 * (30 * 40 + 40 * 50 + 50 + 30)
    assert p.workspace_nbytes >= 4 * 40 and len(p.explain().splitlines()) >= 2
    assert "ab,bc,c->a" in repr(p) and "\n" not in repr(p)
    operands = [rng.normal(size=shape).astype(np.float32) for shape in p.shapes]
    assert np.allclose(p(*operands), np.linalg.multi_dot(operands), rtol=1e-4)


def test_plan_ofOneOperand_hasNoPairs() -> None:
    p = tk.plan("ab->ba", (2, 3))
    assert p.path == () and p.dtype == np.float64
    assert np.array_equal(p([[1, 2, 3], [4, 5, 6]]), [[1, 4], [2, 5], [3, 6]])
    assert tk.plan("a->", 3)(np.arange(3)) == 3


def test_plan_out_getsTheResult(rng: np.random.Generator) -> None:
    a, b = rng.normal(size=(3, 4)), rng.normal(size=(4, 5))
    p = tk.plan("ab,bc->ac", a.shape, b.shape)
    for out in (np.empty((3, 5)), np.empty((5, 3)).T, np.empty((6, 10))[::2, ::-2]):
        assert p(a, b, out=out) is out
        assert_close(out, a @ b)


def test_plan_outThatCannotTakeTheResult_isRefused() -> None:
    p = tk.plan("ab,bc->ac", (3, 3), (3, 3))
    a = np.ones((3, 3))
    locked = np.empty((3, 3))
    locked.flags.writeable = False
    crooked = np.empty(73, np.uint8)[1:].view(np.float64).reshape(3, 3)
    same_place = np.lib.stride_tricks.as_strided(np.empty(3), (3, 3), (0, 8))
    for out in (np.empty((3, 4)), locked, crooked, a, same_place):
        with pytest.raises(ValueError):
            p(a, np.ones((3, 3)), out=out)
    for wrong in (np.empty((3, 3), np.float32), np.empty((3, 3), ">f8"), [[0.0]]):
        with pytest.raises(TypeError, match="out"):
            p(a, a, out=wrong)  # type: ignore[arg-type]


def test_plan_operandsOtherThanPlanned_areRefused() -> None:
    p = tk.plan("ab,bc->ac", (2, 3), (3, 4), dtype=np.float32)
    a, b = np.ones((2, 3), np.float32), np.ones((3, 4), np.float32)
    with pytest.raises(ValueError, match="1 operands, expected 2"):
        p(a)
    with pytest.raises(ValueError, match=r"operands\[1\] has shape \(4, 3\)"):
        p(a, b.T)
    with pytest.raises(TypeError, match=r"operands\[0\] has dtype float64"):
        p(a.astype(float), b)
    assert p(a.astype(np.float16), b).dtype == np.float32


@pytest.mark.parametrize("equation", EQUATIONS)
def test_vjp_equation_isTheDerivative(equation: str, rng: np.random.Generator) -> None:
    operands = operands_of(equation, rng)
    p = tk.plan(equation, *shapes_of(equation))
    grad = rng.normal(size=p.shape)
    found = p.vjp(operands, grad)
    assert [g.shape for g in found] == list(p.shapes)
    for k, gradient in enumerate(found):
        # The result is linear in each operand: <grad, result(direction)> = <gradient, direction>.
        direction = rng.normal(size=p.shapes[k])
        moved = p(*operands[:k], direction, *operands[k + 1:])
        expected = float((grad * moved).sum())
        size = float(np.abs(gradient * direction).sum())
        slope = float((gradient * direction).sum())
        assert slope == pytest.approx(expected, abs=1e-12 * (1 + size))


def test_vjp_wrongInput_isRefused() -> None:
    p = tk.plan("ab,bc->ac", (2, 3), (3, 4))
    operands = np.ones((2, 3)), np.ones((3, 4))
    with pytest.raises(ValueError, match="grad has shape"):
        p.vjp(operands, np.ones((4, 2)))
    with pytest.raises(ValueError, match="operands"):
        p.vjp(operands[:1], np.ones((2, 4)))
    with pytest.raises(TypeError, match="grad has dtype"):
        p.vjp(operands, np.ones((2, 4), complex))


def test_plan_memoryLimit_isKeptOrRefused() -> None:
    shapes = [(20, 30), (30, 40), (40, 10)]
    free = tk.plan("ab,bc,cd->ad", *shapes)
    kept = tk.plan("ab,bc,cd->ad", *shapes, memory_limit=free.workspace_nbytes)
    assert kept.workspace_nbytes <= free.workspace_nbytes
    with pytest.raises(ValueError):
        tk.plan("ab,bc,cd->ad", *shapes, memory_limit=1)


@pytest.mark.parametrize(("options", "error"), [
    ({"memory_limit": 0}, ValueError), ({"memory_limit": -1}, ValueError),
    ({"memory_limit": 2**63}, ValueError), ({"memory_limit": 1.5}, TypeError),
    ({"threads": -1}, ValueError), ({"threads": 2**32}, ValueError), ({"threads": 1.0}, TypeError),
    ({"dtype": np.int32}, TypeError),
    ({"dtype": ">f8"}, TypeError),
])
def test_plan_optionOutOfRange_isRefused(
    options: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        tk.plan("ab->a", (2, 3), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(("shape", "error"), [
    ((-1, 3), ValueError), ((2.0, 3), TypeError), ("ab", TypeError), (None, TypeError),
    ((2**62, 2**62), ValueError), ((2,), ValueError)])
def test_plan_shapeThatIsNone_isRefused(shape: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        tk.plan("ab->a", shape)  # type: ignore[arg-type]


def test_plan_threads_doNotChangeTheBits(rng: np.random.Generator) -> None:
    shapes = [(64, 90), (90, 70), (70, 33)]
    operands = [rng.normal(size=shape) for shape in shapes]
    alone, many = (tk.plan("ab,bc,cd->ad", *shapes, threads=n)(*operands) for n in (1, 4))
    assert np.array_equal(alone, many)


def test_plan_usedByEightThreads_givesTheSameBits(rng: np.random.Generator) -> None:
    p = tk.plan("ab,bc,cd->ad", (16, 24), (24, 20), (20, 8))
    sets = [[rng.normal(size=shape) for shape in p.shapes] for _ in range(8)]
    grad = np.ones(p.shape)
    expected = [p(*operands) for operands in sets]

    def work(i: int) -> bool:
        first = p.vjp(sets[i], grad)
        return all(np.array_equal(p(*sets[i]), expected[i])
                   and np.array_equal(p.vjp(sets[i], grad)[1], first[1]) for _ in range(50))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))


def test_plan_closed_saysSo() -> None:
    with tk.plan("ab->a", (2, 3)) as p:
        p.vjp([np.ones((2, 3))], np.ones(2))
    p.close()
    assert p.closed and "ab->a" in repr(p)
    a, grad = np.ones((2, 3)), np.ones(2)
    for use in (lambda: p(a), p.explain, lambda: p.vjp([a], grad)):
        with pytest.raises(ValueError, match="this ContractionPlan is closed"):
            use()


def test_plan_madeByItsClass_isATypeError() -> None:
    with pytest.raises(TypeError, match="ttkit.plan"):
        tk.ContractionPlan()


def test_plan_optimize_isASearchOfTheSameResult(rng: np.random.Generator) -> None:
    # A ring of sixteen matrices with chords: beyond the exact search.
    terms = [f"{{x{k}}}{{x{(k + 1) % 16}}}" for k in range(16)]
    for k in range(0, 12, 3):
        terms[k] += f"{{y{k}}}"
        terms[k + 4] += f"{{y{k}}}"
    equation = ",".join(terms) + "->{x0}{x8}"
    shapes = [(3,) * term.count("{") for term in terms]
    operands = [rng.normal(size=shape) for shape in shapes]
    quick = tk.plan(equation, *shapes)
    thorough = tk.plan(equation, *shapes, optimize="thorough")
    assert thorough.flops <= quick.flops
    found, other = quick(*operands), thorough(*operands)
    assert np.allclose(found, other, rtol=1e-9, atol=1e-9 * np.abs(found).max())
    with pytest.raises(ValueError, match="optimize is 'best', expected 'quick', 'thorough' or"):
        tk.plan("ab->a", (2, 2), optimize="best")
