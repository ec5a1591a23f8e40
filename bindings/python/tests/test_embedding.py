"""Embedding tables against gathering from dense ones."""

from __future__ import annotations

import numpy as np
import pytest

import ttkit as tk

FORMATS: list[tk.Format | str] = [
    tk.Dense(), tk.LowRank(4), tk.TrainMatrix((5, 5), (2, 4), 8), tk.TrainLinear((5, 5), (2, 4), 6),
    "dense@int8(group=8)", "low_rank(rank=4)@float16",
]


@pytest.fixture
def table(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=(23, 8)).astype(np.float32)


@pytest.fixture
def embedding(table: np.ndarray) -> tk.Embedding:
    return tk.Embedding.fit(table, tk.LowRank(4))


@pytest.mark.parametrize("form", FORMATS, ids=str)
def test_embedding_ofEachFormat_gathersFromItsDenseTable(
    rng: np.random.Generator, table: np.ndarray, form: tk.Format | str
) -> None:
    embedding = tk.Embedding.fit(table, form)
    dense = embedding.dense()
    assert (embedding.rows, embedding.features, dense.shape) == (23, 8, (23, 8))
    error = np.linalg.norm(dense - table) / np.linalg.norm(table)
    assert embedding.error == pytest.approx(error, abs=1e-5)
    for shape in [(), (1,), (7,), (2, 3), (0,), (2, 0), (64,)]:
        ids = rng.integers(0, 23, shape)
        found = embedding(ids)
        assert found.shape == (*shape, 8) and found.dtype == "float32"
        assert np.allclose(found, dense[ids], rtol=0, atol=1e-5 * np.abs(dense).max())


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "int64", "uint32", ">i8"])
def test_embedding_idsOfAnyIntegers_areTaken(embedding: tk.Embedding, dtype: str) -> None:
    ids = [[0, 22], [7, 7]]
    assert np.array_equal(embedding(np.array(ids, dtype)), embedding(ids))
    assert np.array_equal(embedding(np.array(ids, dtype).T), embedding(ids).transpose(1, 0, 2))


def test_embedding_noIds_givesNoRows(embedding: tk.Embedding) -> None:
    assert embedding([]).shape == (0, 8)


@pytest.mark.parametrize("ids", [[0, 23], [-1], [2**31], [2**62], np.array([0, 23], np.int32)])
def test_embedding_idOutOfRange_namesItsPosition(embedding: tk.Embedding, ids: object) -> None:
    with pytest.raises(ValueError, match=str(len(ids) - 1)):  # type: ignore[arg-type]
        embedding(ids)  # type: ignore[arg-type]


@pytest.mark.parametrize("ids", [1.0, [0.5], None, "a", np.ones(2, bool), np.ones(2, np.uint64)])
def test_embedding_idsNoIntegers_areATypeError(embedding: tk.Embedding, ids: object) -> None:
    with pytest.raises(TypeError, match="ids have dtype"):
        embedding(ids)  # type: ignore[arg-type]


def test_embedding_withOut_fillsIt(embedding: tk.Embedding) -> None:
    out = np.empty((2, 8), np.float32)
    assert embedding([3, 4], out=out) is out and np.array_equal(out, embedding([3, 4]))
    with pytest.raises(ValueError, match="out has shape"):
        embedding([3], out=out)
    memory = np.zeros(8)
    with pytest.raises(ValueError, match="overlap"):
        embedding(memory[:1].view(np.int64), out=memory[:4].view(np.float32).reshape(1, 8))


def test_embedding_plan_refusesMoreIds(embedding: tk.Embedding) -> None:
    plan = embedding.prepare(3)
    assert plan.max_rows == 3 and plan.resident_nbytes >= 0
    assert np.array_equal(plan([1, 2, 3]), embedding([1, 2, 3]))
    with pytest.raises(ValueError):
        plan([1, 2, 3, 4])


def test_embedding_ofItsCores_isTheSame(embedding: tk.Embedding) -> None:
    again = tk.Embedding.from_cores("low_rank(rank=4)", embedding.cores, rows=23, features=8)
    assert np.array_equal(again([5, 6]), embedding([5, 6]))


@pytest.mark.parametrize(
    ("table", "error"),
    [(np.ones(3), ValueError), (np.array([[np.nan]]), ValueError),
     (np.ones((3, 3), int), TypeError), (np.ones((0, 3)), ValueError)])
def test_embedding_badTable_isRefused(table: np.ndarray, error: type[Exception]) -> None:
    with pytest.raises(error):
        tk.Embedding.fit(table, tk.Dense())


@pytest.mark.parametrize("form", FORMATS, ids=str)
@pytest.mark.parametrize("mode", ["sum", "mean"])
def test_bags_areSumsAndMeansOfRows(
    rng: np.random.Generator, table: np.ndarray, form: tk.Format | str, mode: str
) -> None:
    embedding = tk.Embedding.fit(table, form)
    dense = embedding.dense().astype(np.float64)
    for count, offsets in [(7, [0, 3, 3, 6]), (5, [0]), (0, [0, 0]), (200, list(range(0, 200, 9)))]:
        ids = rng.integers(0, 23, count)
        ends = [*offsets[1:], count]
        parts = [dense[ids[a:b]] for a, b in zip(offsets, ends, strict=True)]
        expected = [getattr(np, mode)(part, axis=0) if len(part) else np.zeros(8) for part in parts]
        found = embedding.bags(ids, offsets, mode)
        assert found.shape == (len(offsets), 8)
        assert np.allclose(found, expected, rtol=0, atol=1e-6 * max(count, 1) * np.abs(dense).max())
        assert np.array_equal(found, embedding.bags(ids.astype(np.int32), offsets, mode, threads=1))


def test_bags_badArguments_areRefused(embedding: tk.Embedding) -> None:
    for ids, offsets, message in [
        ([0, 23], [0], "ids.1. is 23"), ([0, 1], [1], "offsets.0. is 1"),
        ([0, 1], [0, 2, 1], "offsets.2. is 1"), ([0, 1], [0, 3], "offsets.1. is 3"),
        ([[0, 1]], [0], "one axis"), ([1], [], "no bag"),
    ]:
        with pytest.raises(ValueError, match=message):
            embedding.bags(ids, offsets)
    with pytest.raises(ValueError, match="mode"):
        embedding.bags([1], [0], "max")
    with pytest.raises(TypeError, match="offsets have dtype"):
        embedding.bags([1], [0.5])
    assert embedding.bags([], []).shape == (0, 8)


@pytest.mark.parametrize("form", [
    "dense", "low_rank(rank=3)", "train_matrix(rows=3x2x4, columns=2x2x2, rank=3)",
    "train(rows=4x6, columns=2x4, rank=3)", "block_tensor_train(rows=4x6, columns=2x4, rank=2)",
    "cp(rows=4x6, columns=2x4, rank=3)", "low_rank(rank=2) + kronecker(rows=4x6, columns=2x4)",
])
def test_vjp_isTheGradientOfTheDenseTable(rng: np.random.Generator, form: str) -> None:
    """<grad, d table[ids]> along a random direction, by central differences in float64."""
    embedding = tk.Embedding.fit(rng.normal(size=(23, 8)), form)
    ids = rng.integers(0, 23, (20, 30))  # many repeats, more than one batch of ids
    ids[0, :23] = np.arange(23)
    grad = rng.normal(size=(20, 30, 8))
    cores = [np.asarray(core) for core in embedding.cores]
    grads = embedding.vjp(ids, grad)
    assert [g.shape for g in grads] == [core.shape for core in cores]
    step = 1e-6
    for k, core in enumerate(cores):
        way = rng.normal(size=core.shape)
        values = []
        for sign in (1, -1):
            moved = [c + sign * step * way if i == k else c for i, c in enumerate(cores)]
            other = tk.Embedding.from_cores(embedding.spec, moved, rows=23, features=8)
            values.append(np.sum(grad * other.dense()[ids]))
        expected = (values[0] - values[1]) / (2 * step)
        scale = np.abs(grads[k]).max() * np.linalg.norm(way)
        assert abs(np.sum(grads[k] * way) - expected) <= 1e-6 * scale
    for threads in (1, 2):
        again = embedding.vjp(ids, grad, threads=threads)
        assert all(np.array_equal(a, b) for a, b in zip(again, grads, strict=True))


def test_vjp_badArguments_areRefused(embedding: tk.Embedding) -> None:
    with pytest.raises(ValueError, match="ids.1. is 23"):
        embedding.vjp([0, 23], np.zeros((2, 8), np.float32))
    with pytest.raises(ValueError, match="grad has shape"):
        embedding.vjp([0, 1], np.zeros((3, 8), np.float32))
    with pytest.raises(TypeError, match="grad has dtype"):
        embedding.vjp([0], np.zeros((1, 8)))
    assert all(not g.any() for g in embedding.vjp([], np.zeros((0, 8), np.float32)))


def test_embedding_repeatedIds_giveEqualRows(rng: np.random.Generator) -> None:
    table = rng.normal(size=(600, 64)).astype(np.float32)
    embedding = tk.Embedding.fit(table, tk.TrainMatrix((10, 10, 6), (4, 4, 4), 32))
    plans = [embedding.prepare(700, memory_limit=limit) for limit in (None, 1 << 30, 700_000)]
    for plan in plans:
        ids = rng.integers(0, 600, 700)
        ids[::3] = 599
        found = plan(ids)
        assert np.allclose(found, embedding.dense()[ids], rtol=0, atol=1e-4)
        assert np.array_equal(found, np.concatenate([plan(ids[i:i + 1]) for i in range(700)]))
    sizes = [plan.resident_nbytes for plan in plans]
    assert sizes[2] < sizes[0] and sizes[2] <= 700_000


@pytest.mark.parametrize("spec", [
    *(f"dense@int{bits}(group={group})" for bits in range(2, 9) for group in (1, 7, 32, "row")),
    "dense@int4(group=8, symmetric=false)", "dense@int8(group=8, symmetric=false)",
    "dense@int3(group=5, symmetric=false)", "dense@int8(group=tensor)",
])
def test_embedding_ofIntegers_decodesWholeRows(rng: np.random.Generator, spec: str) -> None:
    """The kernel for rows against the decoder of the whole table, bit for bit."""
    for width in (1, 31, 33, 70):
        embedding = tk.Embedding.fit(rng.normal(size=(9, width)).astype(np.float32), spec)
        ids = rng.integers(0, 9, 40)
        assert np.array_equal(embedding(ids), embedding.dense()[ids])


def test_embedding_described_fitsALine(embedding: tk.Embedding) -> None:
    assert repr(embedding) == "Embedding(rows=23, features=8, spec='low_rank(rank=4)@float32')"
    assert embedding.nbytes == 4 * 4 * (23 + 8)
