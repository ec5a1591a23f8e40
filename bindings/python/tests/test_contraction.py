"""Einsum against NumPy's; what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from einsum_support import EQUATIONS, assert_close, operands_of
from hypothesis import given, settings
from hypothesis import strategies as st

import ttkit as tk


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
