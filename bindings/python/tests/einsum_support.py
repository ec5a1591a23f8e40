"""Equations, their operands and a tolerance, for tests of contractions."""

from __future__ import annotations

import numpy as np

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
