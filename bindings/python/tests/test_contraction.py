"""Einsum and its plans against NumPy's; their gradients; what they refuse."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ttkit as tk

LENGTHS = {"a": 5, "b": 7, "c": 4, "d": 6, "e": 3, "i": 1}
EQUATIONS = [
    "ab,bc->ac", "ab,bc", "ab->ba", "ab->", "a,a->", "a,b->ab", "aab->ab", "aa->a", "aa->",
    "ab,bc,cd,de->ae", "abc,abd,abe->cde", "ab,ab->ab", "abc,bd->dca", "ab,i->ab", ",ab->ba",
    "ab,cd->", "ab,bc,ca->", "a,a,a->a", "eda,ebc,bd->ca",
]


def shapes_of(equation: str) -> list[tuple[int, ...]]:
    terms = equation.split("->")[0].split(",")
    return [tuple(LENGTHS[axis] for axis in term) for term in terms]


def operands_of(
    equation: str, rng: np.random.Generator, dtype: type = np.float64
) -> list[np.ndarray]:
    return [rng.normal(size=shape).astype(dtype) for shape in shapes_of(equation)]


def assert_close(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.shape == expected.shape
    # Sums of at most 7 * 6 * 5 * 4 * 3 products of numbers around 1.
    assert np.allclose(found, expected, rtol=0, atol=5e3 * np.finfo(found.dtype).eps)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("equation", EQUATIONS)
def test_einsum_equation_isNumPys(equation: str, dtype: type, rng: np.random.Generator) -> None:
    operands = operands_of(equation, rng, dtype)
    found = tk.einsum(equation, *operands)
    assert isinstance(found, np.ndarray) and found.dtype == dtype
    assert_close(found, np.einsum(equation, *operands))


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
@pytest.mark.parametrize("equation", EQUATIONS)
def test_einsum_complex_isNumPys(equation: str, dtype: type, rng: np.random.Generator) -> None:
    operands = [(a + 1j * b).astype(dtype) for a, b in zip(
        operands_of(equation, rng), operands_of(equation, rng), strict=True)]
    operands[0] = np.flip(np.conj(operands[0]))
    found = tk.einsum(equation, *operands)
    assert found.dtype == dtype
    expected = np.einsum(equation, *operands)
    assert found.shape == expected.shape
    assert np.allclose(found, expected, rtol=0, atol=4e4 * np.finfo(dtype).eps)


def test_plan_complex_mixesWithReal(rng: np.random.Generator) -> None:
    a, b = rng.normal(size=(3, 4)), rng.normal(size=(4, 2)) * 1j
    assert_close(tk.einsum("ab,bc->ac", a, b), a @ b)
    p = tk.plan("ab,bc->ac", (3, 4), (4, 2), dtype=complex)
    assert p.path == ((0, 1),) and p.shape == (3, 2) and "pairs of real" in p.explain()
    assert_close(p(a, b), a @ b)
    assert np.array_equal(tk.einsum("ab,b->a", np.ones((2, 0), complex), np.ones(0)), np.zeros(2))


def test_einsum_namesInBraces_areAxes(rng: np.random.Generator) -> None:
    a, b = rng.normal(size=(3, 4)), rng.normal(size=(4, 5))
    equation = "{row}{inner}, {inner}{column} -> {row}{column}"
    assert_close(tk.einsum(equation, a, b), a @ b)


def test_einsum_anyStrides_areRead(rng: np.random.Generator) -> None:
    a, b = rng.normal(size=(8, 10)), rng.normal(size=(6, 5))
    left, right = a[::-2, ::2], b.T[:, 1:5]
    assert_close(tk.einsum("ab,bc->ac", left, right), left @ right)
    wide = np.broadcast_to(rng.normal(size=5), (4, 5))
    assert_close(tk.einsum("ab,bc->ac", wide, right), wide @ right)
    misaligned = np.frombuffer(b"\0" + a.tobytes(), np.uint8)[1:].view(float).reshape(8, 10)
    assert_close(tk.einsum("ab->b", misaligned), a.sum(axis=0))
    assert_close(tk.einsum("ab->b", a.astype(">f8")), a.sum(axis=0))


def test_einsum_otherDtypes_becomeTheSmallestThatHoldsThem() -> None:
    ones = np.ones((2, 3))
    for dtype in (np.int8, np.int64, np.bool_, np.float64):
        assert tk.einsum("ab->a", ones.astype(dtype)).dtype == np.float64
    for dtype in (np.float16, np.float32):
        assert tk.einsum("ab->a", ones.astype(dtype)).dtype == np.float32
    mixed = tk.einsum("ab,ab->", ones.astype(np.float32), ones)
    assert mixed.dtype == np.float64 and mixed.shape == () and mixed == 6
    assert tk.einsum("ab->", [[1, 2], [3, 4]]) == 10


def test_einsum_emptyAxes_areSumsOfNothing() -> None:
    found = tk.einsum("ab,bc->ac", np.ones((2, 0)), np.ones((0, 3)))
    assert np.array_equal(found, np.zeros((2, 3)))
    assert tk.einsum("ab->ba", np.ones((0, 3))).shape == (3, 0)


@pytest.mark.parametrize("equation", ["ab,bc->ad", "a*b->a", "ab", "ab,bc,cd->a", "", "...a->a",
                                      "ab,bc->ac->", "ab,{c->a", "ab,bc->aa", "ab\0,bc"])
def test_einsum_equationThatDoesNotParse_isAValueError(equation: str) -> None:
    with pytest.raises(ValueError):
        tk.einsum(equation, np.ones((2, 3)), np.ones((3, 4)))


def test_einsum_lengthsThatDisagree_areNamed() -> None:
    with pytest.raises(ValueError, match="3.*4|4.*3"):
        tk.einsum("ab,bc->ac", np.ones((2, 3)), np.ones((4, 5)))
    with pytest.raises(ValueError):
        tk.einsum("ab->a", np.ones(3))
    with pytest.raises(ValueError):
        tk.einsum("ab->a")


@pytest.mark.parametrize(
    "a", [np.full((2, 3), "x"), [[object()] * 3] * 2])
def test_einsum_dtypeThatDoesNotFit_isATypeError(a: object) -> None:
    with pytest.raises(TypeError, match=r"operands\[0\] has dtype"):
        tk.einsum("ab->a", a)  # type: ignore[arg-type]


@pytest.mark.parametrize("equation", [None, 3, b"ab->a"])
def test_einsum_equationThatIsNoString_isATypeError(equation: object) -> None:
    with pytest.raises(TypeError, match="equation is a"):
        tk.einsum(equation, np.ones((2, 3)))  # type: ignore[arg-type]


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


LETTERS = "abcdefg"


@st.composite
def random_einsums(draw: st.DrawFn) -> tuple[str, list[tuple[int, ...]]]:
    lengths = {letter: draw(st.integers(1, 4)) for letter in LETTERS}
    terms = draw(st.lists(st.text(LETTERS, max_size=4), min_size=1, max_size=5))
    present = sorted(set("".join(terms)))
    result = "".join(draw(st.permutations(present))[: draw(st.integers(0, len(present)))])
    shapes = [tuple(lengths[letter] for letter in term) for term in terms]
    return ",".join(terms) + "->" + result, shapes


@settings(max_examples=150, deadline=None, derandomize=True)
@given(random_einsums(), st.integers(0, 2**31))
def test_einsum_anyEquation_isNumPys(
    problem: tuple[str, list[tuple[int, ...]]], seed: int
) -> None:
    equation, shapes = problem
    rng = np.random.default_rng(seed)
    operands = [rng.integers(-3, 4, size=shape).astype(float) for shape in shapes]
    # Small integers: every order is exact.
    assert np.array_equal(tk.einsum(equation, *operands), np.einsum(equation, *operands))


def test_einsum_badEquations_areRefused() -> None:
    letters = [chr(0x3B1 + k) for k in range(70)]
    with pytest.raises(ValueError, match="too many letters, expected at most 64 axes"):
        tk.einsum("".join(letters) + "->", np.ones((1,) * 64))
    for equation, words in (("ab->aa", "twice in the result"), ("ab->c", "occurs in no operand"),
                            ("ab,->->", "character 6"), ("a b c-", "expected '->'"),
                            ("a...->a", "is not known"), ("a1->a", "character 2")):
        with pytest.raises(ValueError, match=words):
            tk.einsum(equation, np.ones((2, 2)))
    with pytest.raises(ValueError, match="axis 'b' has length"):
        tk.einsum("ab,bc->ac", np.ones((2, 3)), np.ones((4, 2)))
    with pytest.raises(ValueError, match="address space|overflow|exceed"):
        tk.plan("ab,cd->abcd", (2**31, 2**31), (2**31, 2**31))
    a = np.ones((3, 3))
    p = tk.plan("ab,bc->ac", (3, 3), (3, 3))
    with pytest.raises(ValueError, match="overlap|share"):
        p(a, np.ones((3, 3)), out=a)
