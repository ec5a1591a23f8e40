"""Windows and gathered axes of equations against NumPy, Conv2d and Embedding; gradients of complex plans."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

import ttkit as tk

DTYPES = [np.float32, np.float64, np.complex64, np.complex128]


def random_array(rng: np.random.Generator, shape: tuple[int, ...], dtype: type) -> np.ndarray:
    a = rng.normal(size=shape)
    if np.issubdtype(dtype, np.complexfloating):
        a = a + 1j * rng.normal(size=shape)
    return a.astype(dtype)


def assert_close(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.shape == expected.shape
    # Sums of at most some hundred products of numbers around 1.
    assert np.allclose(found, expected, rtol=0, atol=4e3 * np.finfo(found.dtype).eps)


def assert_gradients(
    p: tk.ContractionPlan, operands: list[np.ndarray], indices: list[np.ndarray],
    rng: np.random.Generator,
) -> None:
    """Element by element: the result is linear in each operand, so a difference is exact to rounding."""
    grad = random_array(rng, p.shape, p.dtype.type)
    found = p.vjp([*operands, *indices], grad)
    assert [g.shape for g in found] == [a.shape for a in operands]
    units = [1, 1j] if p.dtype.kind == "c" else [1]
    for k, gradient in enumerate(found):
        expected = np.zeros(operands[k].shape, p.dtype)
        for at in np.ndindex(operands[k].shape):
            for unit in units:
                step = np.zeros(operands[k].shape, p.dtype)
                step[at] = unit
                up, down = (p(*operands[:k], operands[k] + sign * step, *operands[k + 1:], *indices)
                            for sign in (1, -1))
                # dL of L = Re <grad, result> along the unit.
                expected[at] += unit * ((up - down).conj() * grad).sum().real / 2
        assert_close(gradient, expected)


# --- gathered axes


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("ids", [np.int32, np.int64, np.uint8])
def test_gathered_isTake(rng: np.random.Generator, dtype: type, ids: type) -> None:
    table = random_array(rng, (7, 5), dtype)
    m = random_array(rng, (5, 4), dtype)
    n = np.array([3, 0, 6, 3, 3], ids)
    assert_close(tk.einsum("{i[n]}a->na", table, n), table[n])
    assert_close(tk.einsum("{i[n]}a,ab->bn", table, m, n), (table[n] @ m).T)
    assert_close(tk.einsum("{i[n]}a,ab->nb", table[::-1], m, n[::-1]), table[::-1][n[::-1]] @ m)
    assert_close(tk.einsum("{i[n]}{j[n]}->n", table, n, n[::-1] % 5), table[n, n[::-1] % 5])
    assert_close(tk.einsum("a{j[n]}->", table, np.array([1, 1])), 2 * table[:, 1].sum())
    assert tk.einsum("{i[n]}a,ab->nb", table, m, np.zeros(0, ids)).shape == (0, 4)


def cores_of(rng: np.random.Generator) -> list[np.ndarray]:
    return [rng.normal(size=shape) for shape in ((3, 2, 4), (4, 5, 2, 3), (3, 4, 3))]


TABLE = "{i[n]}ar,r{j[n]}bs,s{k[n]}c->nabc"


def test_gathered_trainOfCores_isTheEmbedding(rng: np.random.Generator) -> None:
    cores = cores_of(rng)
    shapes = [(1, 3, 2, 4), (4, 5, 2, 3), (3, 4, 3, 1)]
    layer = tk.Embedding.from_cores(
        tk.TrainMatrix((3, 5, 4), (2, 2, 3), (4, 3)), [
            core.reshape(shape) for core, shape in zip(cores, shapes, strict=True)],
        rows=60, features=12)
    ids = rng.integers(0, 60, 40)
    vectors = np.unravel_index(ids, (3, 5, 4))
    found = tk.einsum(TABLE, *cores, *vectors).reshape(40, 12)
    assert_close(found, layer(ids))
    p = tk.plan(TABLE, *(a.shape for a in cores), *(v.shape for v in vectors))
    grad = rng.normal(size=(40, 12))
    for ours, theirs in zip(
            p.vjp([*cores, *vectors], grad.reshape(40, 2, 2, 3)), layer.vjp(ids, grad), strict=True):
        assert_close(ours, theirs.reshape(ours.shape))


@pytest.mark.parametrize("bad", [-1, 7, 2**40])
def test_gathered_positionOutOfRange_isNamed(bad: int) -> None:
    p = tk.plan("{i[n]}a->na", (7, 2), (3,))
    out = np.full((3, 2), 5.0)
    with pytest.raises(ValueError, match=f"'i' holds {bad} at 1, expected 0 to 6"):
        p(np.ones((7, 2)), [0, bad, 1], out=out)
    assert np.all(out == 5)
    with pytest.raises(ValueError, match="'i' holds"):
        p.vjp([np.ones((7, 2)), [0, bad, 1]], np.ones((3, 2)))


def test_gathered_badIndexVectors_areRefused() -> None:
    a = np.ones((7, 2))
    for ids in ([0.0, 1.0], ["a", "b"], [True, False]):
        with pytest.raises(TypeError, match="is an index vector of"):
            tk.einsum("{i[n]}a->na", a, ids)
    with pytest.raises(ValueError, match="index vector 'i' has shape"):
        tk.einsum("{i[n]}a->na", a, [[0, 1]])
    with pytest.raises(ValueError, match="1 operands and 1 index vectors, 1 were given"):
        tk.einsum("{i[n]}a->na", a)
    with pytest.raises(ValueError, match="2 in operand 0 and 3 in index vector 'i'"):
        tk.einsum("n{i[n]}->n", np.ones((2, 5)), [0, 1, 2])
    with pytest.raises(ValueError, match="out of range"):
        tk.einsum("{i[n]}a->na", a, np.array([2**63], np.uint64))
    with pytest.raises(ValueError, match="overlaps"):
        p = tk.plan("{i[n]}->n", (7,), (3,))
        ids = np.zeros(3, np.int64)
        p(np.ones(7), ids, out=ids.view(np.float64))


# --- windows


@pytest.mark.parametrize("dtype", DTYPES)
def test_window_isSlidingWindowView(rng: np.random.Generator, dtype: type) -> None:
    x, w = random_array(rng, (3, 11), dtype), random_array(rng, (4,), dtype)
    assert_close(tk.einsum("a{y+i},i->ay", x, w), sliding_window_view(x, 4, axis=1) @ w)
    wide = sliding_window_view(x, 7, axis=1)[:, ::3, ::2]
    assert_close(tk.einsum("a{3*y+2*i},i->ay", x, w), wide @ w)
    assert_close(tk.einsum("a{2*y+1}->ya", x), x[:, 1::2].T)
    assert_close(tk.einsum("{y+i-3},i->y", x[0], w), np.convolve(x[0], w[::-1]))
    assert_close(tk.einsum("{y+i-3},i->y", x[0, ::-2], w), np.convolve(x[0, ::-2], w[::-1]))
    # A length given elsewhere: fewer positions than fit.
    ones = np.ones(2, dtype)
    assert_close(tk.einsum("{y+i},i,y->y", x[0], w, ones), sliding_window_view(x[0], 4)[:2] @ w)
    # Three axes in one window.
    v = random_array(rng, (3,), dtype)
    assert_close(tk.einsum("{y+i+j},i,j->y", x[0], w, v),
                 np.convolve(np.convolve(x[0], w[::-1], "valid"), v[::-1], "valid"))


@pytest.mark.parametrize(("stride", "padding", "dilation"), [
    ((1, 1), (0, 0), (1, 1)), ((2, 1), (1, 2), (1, 1)), ((3, 2), (0, 4), (2, 3))])
def test_windows_areConv2d(
    rng: np.random.Generator, stride: tuple[int, int], padding: tuple[int, int],
    dilation: tuple[int, int],
) -> None:
    x, kernel = rng.normal(size=(2, 3, 12, 11)), rng.normal(size=(4, 3, 3, 2))
    layer = tk.Conv2d.fit(kernel, tk.Dense(), stride=stride, padding=padding, dilation=dilation)
    rows = f"{{{stride[0]}*y+{dilation[0]}*i-{padding[0]}}}"
    columns = f"{{{stride[1]}*x+{dilation[1]}*j-{padding[1]}}}"
    p = tk.plan(f"zc{rows}{columns},ocij->zoyx", x.shape, kernel.shape)
    y = layer(x)
    assert_close(p(x, kernel), y)
    grad = rng.normal(size=y.shape)
    theirs, cores, _ = layer.vjp(x, grad)
    ours = p.vjp([x, kernel], grad)
    assert_close(ours[0], theirs)
    assert_close(ours[1], cores[0].reshape(kernel.shape))


def test_window_thatDoesNotFit_isRefused() -> None:
    with pytest.raises(ValueError, match="reaches beyond an axis of length 3"):
        tk.einsum("{y+i},i->y", np.ones(3), np.ones(4))
    with pytest.raises(ValueError, match="with 1 zeros on either side"):
        tk.einsum("{y+i-1},i->y", np.ones(3), np.ones(6))
    with pytest.raises(ValueError, match="reaches beyond"):
        tk.einsum("{y+i},i,y->y", np.ones(5), np.ones(4), np.ones(3))
    with pytest.raises(ValueError, match="only one axis of a window"):
        tk.einsum("{y+i}->y", np.ones(5))
    with pytest.raises(ValueError, match="length 0, expected at least 1"):
        tk.einsum("{y+i},i->y", np.ones(5), np.ones(0))
    with pytest.raises(ValueError, match="reaches beyond"):
        tk.einsum("{y+i},i->y", np.ones(0), np.ones(1))
    with pytest.raises(ValueError, match="reaches beyond|address space|exceed"):
        tk.plan("{2147483647*y+i},iy->y", (5,), (2**31, 2**31))


@pytest.mark.parametrize(("equation", "words"), [
    ("{a[n]}->{n+n}", "plain axes only|twice"), ("a->{a[n]}", "plain axes only"),
    ("{y+y}->y", "twice in one window"), ("{2*}->y", "expected a name"),
    ("{0*y}->y", "expected a name"), ("{y+i->y", "expected a name"), ("{y-}->y", "expected a name"),
    ("{99999999999*y}->y", "below 2"), ("{y-99999999999}->y", "below 2"), ("{i[n}->n", "expected the"),
    ("{i[]}->", "expected the"), ("{i[n]}{i[m]}->nm", "has the axis 'n', found another"),
    ("{-y}->y", "expected a name"), ("{+}->y", "expected a name"), ("{[n]}->n", "expected a name"),
])
def test_readings_thatDoNotParse_sayWhere(equation: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        tk.einsum(equation, np.ones((2, 3)))


# --- gradients


@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
@pytest.mark.parametrize(("equation", "shapes", "limits"), [
    ("{i[n]}a,ab->nb", [(4, 3), (3, 2)], [(5, 4)]),
    ("{i[n]}{j[n]}a->na", [(4, 3, 2)], [(6, 4), (6, 3)]),
    ("{i[n]}a,a{j[m]}->nm", [(4, 3), (3, 4)], [(5, 4), (3, 4)]),
    ("{i[n]}n->n", [(4, 3)], [(3, 4)]),
    ("{i[n]}a->a", [(4, 3)], [(5, 4)]),
    ("{i[n]},{i[n]}->", [(4,), (4,)], [(5, 4)]),
    ("{y+i},i->y", [(7,), (3,)], []),
    ("a{2*y+i-1},iab->by", [(2, 6), (3, 2, 2)], []),
    ("{y+i-2}{x+2*j-1},ij->xy", [(4, 5), (3, 2)], []),
    ("{2*y+1}->y", [(8,)], []), ("{2*y}->", [(8,)], []),
    ("{y+i}{i[n]},i->ny", [(5, 4), (3,)], [(2, 4)]),
    ("{y+i-1},i,yb->b", [(4,), (3,), (4, 2)], []),
])
def test_vjp_ofReadings_isTheDerivative(
    rng: np.random.Generator, dtype: type, equation: str, shapes: list[tuple[int, ...]],
    limits: list[tuple[int, int]],
) -> None:
    operands = [random_array(rng, shape, dtype) for shape in shapes]
    indices = [rng.integers(0, most, count) for count, most in limits]
    p = tk.plan(equation, *shapes, *(v.shape for v in indices), dtype=dtype)
    assert_gradients(p, operands, indices, rng)


@pytest.mark.parametrize("equation", [
    "ab,bc->ac", "ab,bc,cd->ad", "aab->ab", "ab->", "a,a,a->a", "ab,ab->ab", "ab->ba"])
def test_vjp_complex_isTorchs(rng: np.random.Generator, equation: str) -> None:
    lengths = {"a": 3, "b": 2, "c": 4, "d": 3}
    shapes = [tuple(lengths[a] for a in term) for term in equation.split("->")[0].split(",")]
    operands = [random_array(rng, shape, np.complex128) for shape in shapes]
    p = tk.plan(equation, *shapes, dtype=complex)
    assert_gradients(p, operands, [], rng)
    if equation == "ab,bc->ac":
        # torch: A.grad = G @ B^H, B.grad = A^H @ G.
        a, b = operands
        grad = random_array(rng, p.shape, np.complex128)
        for found, expected in zip(
                p.vjp(operands, grad), (grad @ b.conj().T, a.conj().T @ grad), strict=True):
            assert_close(found, expected)


def test_readings_memoryLimit_countsPaddedOperandsAndPositions() -> None:
    shapes = ("a{y+i-2},iab,{j[n]}b->ny", (3, 400), (5, 3, 7), (9, 7), (6,))
    free = tk.plan(*shapes)
    assert free.workspace_nbytes > 3 * 404 * 8
    kept = tk.plan(*shapes, memory_limit=free.workspace_nbytes + 256)
    assert kept.workspace_nbytes <= free.workspace_nbytes + 256
    with pytest.raises(ValueError, match="smallest workspace found is") as caught:
        tk.plan(*shapes, memory_limit=2 * 3 * 404 * 8)
    least = int(str(caught.value).split("found is ")[1].split(";")[0])
    assert tk.plan(*shapes, memory_limit=least).workspace_nbytes <= least
