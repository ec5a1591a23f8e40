"""Windows and gathered axes of drawn equations against NumPy's indexing."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import ttkit as tk

LETTERS = "abcd"


@st.composite
def read_einsums(draw: st.DrawFn) -> tuple[str, str, list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
    """An equation with readings and its operands; the plain equation and the operands as read."""
    lengths = {letter: draw(st.integers(1, 4)) for letter in LETTERS}
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    terms, plain, operands, read = [], [], [], []
    vectors: list[np.ndarray] = []
    for _ in range(draw(st.integers(1, 3))):
        term, letters, shape = "", "", []
        views: list[tuple[str, np.ndarray]] = []
        for _ in range(draw(st.integers(0, 3))):
            letter = draw(st.sampled_from(LETTERS))
            kind = draw(st.sampled_from(["plain", "window", "gathered"]))
            if kind == "plain":
                length, term = lengths[letter], term + letter
                views.append((letter, np.arange(length)))
            elif kind == "gathered":
                length, vector = draw(st.integers(1, 5)), len(vectors)
                vectors.append(rng.integers(0, length, lengths[letter]))
                views.append((letter, vectors[-1]))
                term += f"{{v{vector}[{letter}]}}"
            else:
                other = draw(st.sampled_from([x for x in LETTERS if x != letter]))
                factors = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
                padding = draw(st.integers(-2, 2))
                position = (factors[0] * np.arange(lengths[letter])[:, None]
                            + factors[1] * np.arange(lengths[other]) - padding)
                length = max(position.max() + 1 - max(padding, 0), 1) + draw(st.integers(0, 2))
                term += f"{{{factors[0]}*{letter}+{factors[1]}*{other}{-padding:+d}}}"
                views.append((letter + other, position))
            letters += views[-1][0]
            shape.append(int(length))
        array = rng.integers(-3, 4, shape).astype(float)
        if letters and len(set(letters)) != len(letters):
            letters = ""  # a diagonal: left to other tests
            term, array, views = "", rng.integers(-3, 4, ()).astype(float), []
        seen = array
        for k in range(len(views) - 1, -1, -1):
            position = views[k][1]
            inside = (position >= 0) & (position < seen.shape[k])
            taken = np.take(seen, np.where(inside, position, 0), axis=k)
            mask = inside.reshape(inside.shape + (1,) * (seen.ndim - 1 - k))
            seen = np.where(mask, taken, 0)
        terms.append(term)
        plain.append(letters)
        operands.append(array)
        read.append(seen)
    # Every length is known.
    terms += list(LETTERS)
    ones = [np.ones(lengths[letter]) for letter in LETTERS]
    used = [v for k, v in enumerate(vectors) if f"{{v{k}[" in ",".join(terms)]
    out = "".join(draw(st.permutations(LETTERS))[: draw(st.integers(0, 4))])
    return (",".join(terms) + "->" + out, ",".join(plain + list(LETTERS)) + "->" + out,
            operands + ones + used, read + ones, operands + ones)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(read_einsums())
def test_readings_areNumPysIndexing(
    problem: tuple[str, str, list[np.ndarray], list[np.ndarray], list[np.ndarray]]
) -> None:
    equation, plain, given_operands, read, own = problem
    # Small integers: every order is exact.
    expected = np.einsum(plain, *read)
    p = tk.plan(equation, *(a.shape for a in given_operands))
    assert np.array_equal(p(*given_operands), expected)
    # The adjoint: the result is linear in each operand.
    gradients = p.vjp(given_operands, np.ones(p.shape))
    for gradient, operand in zip(gradients, own, strict=True):
        assert gradient.shape == operand.shape
        assert (gradient * operand).sum() == expected.sum()
