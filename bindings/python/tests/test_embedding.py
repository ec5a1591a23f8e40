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


def test_embedding_described_fitsALine(embedding: tk.Embedding) -> None:
    assert repr(embedding) == "Embedding(rows=23, features=8, spec='low_rank(rank=4)@float32')"
    assert embedding.nbytes == 4 * 4 * (23 + 8)
