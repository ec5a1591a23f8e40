"""Arguments that must be refused before they reach the library, and what signatures promise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ttkit as tk
from ttkit._options import integer

EYE = np.eye(4, dtype=np.float32)
RECIPE = {"*": "dense"}


def test_integer_inRange_isAnInt() -> None:
    assert integer(np.int8(3), "n", 0) == 3 and type(integer(np.uint64(3), "n", 0)) is int
    assert integer(2**31 - 1, "n", 0, 32) == 2**31 - 1 and integer(2**63 - 1, "n", 0) == 2**63 - 1


def test_integer_outOfRange_saysFoundAndExpected() -> None:
    with pytest.raises(ValueError, match="n is 0, expected at least 1"):
        integer(0, "n", 1)
    with pytest.raises(ValueError, match="n is 2147483648, expected at most 2147483647"):
        integer(2**31, "n", 0, 32)
    with pytest.raises(TypeError, match="n is a float, expected an integer"):
        integer(1.0, "n", 0)  # type: ignore[arg-type]


def linear() -> tk.Linear:
    return tk.Linear.fit(EYE, tk.Dense())


def embedding() -> tk.Embedding:
    return tk.Embedding.fit(EYE, tk.Dense())


def linear_of_cores(**sizes: int) -> tk.Linear:
    return tk.Linear.from_cores("dense", [EYE], **({"in_features": 4, "out_features": 4} | sizes))


def embedding_of_cores(**sizes: int) -> tk.Embedding:
    return tk.Embedding.from_cores("dense", [EYE], **({"rows": 4, "features": 4} | sizes))


@pytest.mark.parametrize(
    ("name", "use"),
    [
        ("max_rows", lambda: linear().prepare(2**64 + 1)),
        ("max_rows", lambda: embedding().prepare(2**64 + 1)),
        ("memory_limit", lambda: linear().prepare(1, memory_limit=2**64)),
        ("memory_limit", lambda: embedding().prepare(1, memory_limit=2**64 + 1)),
        ("threads", lambda: linear().prepare(1, threads=2**32)),
        ("threads", lambda: linear()(EYE, threads=2**32 + 1)),
        ("threads", lambda: embedding()([0], threads=2**32)),
        ("threads", lambda: tk.Linear.fit(EYE, tk.Dense(), threads=2**32)),
        ("threads", lambda: tk.tensor_train(EYE, threads=2**32)),
        ("threads", lambda: tk.tensor_train(EYE).round(threads=-1)),
        ("threads", lambda: tk.tensor_train_matrix(EYE, (2, 2), (2, 2), threads=2**32)),
        ("rank", lambda: tk.tensor_train(EYE, 2**64 + 1)),
        (r"rank\[0\]", lambda: tk.tensor_train(EYE, [2**64 + 1])),
        (r"row_shape\[1\]", lambda: tk.tensor_train_matrix(EYE, (2, 2**64 + 2), (2, 2))),
        ("in_features", lambda: linear_of_cores(in_features=2**64 + 4)),
        ("out_features", lambda: linear_of_cores(out_features=2**64 + 4)),
        ("rows", lambda: embedding_of_cores(rows=2**64 + 4)),
        ("features", lambda: embedding_of_cores(features=2**64 + 4)),
        ("rows", lambda: linear().flops(2**63)),
        ("rows", lambda: linear().flops(-1)),
        ("memory_limit", lambda: tk.compress("none", RECIPE, memory_limit=2**64)),
        ("max_shard_nbytes", lambda: tk.compress("none", RECIPE, max_shard_nbytes=2**64)),
        ("threads", lambda: tk.compress("none", RECIPE, threads=2**32)),
    ],
)
def test_numbers_tooLargeForC_areRefused(name: str, use: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=f"^{name} is -?[0-9]+, expected at (most|least) [0-9]+$"):
        use()


@pytest.mark.parametrize("fit", [tk.Linear.fit, tk.Embedding.fit])
def test_fit_uint16_isRefused(fit: Callable[..., object]) -> None:
    with pytest.raises(TypeError, match=r"dtype uint16, expected .*ml_dtypes.bfloat16.*astype"):
        fit(np.ones((4, 4), np.uint16), tk.Dense())


def test_fit_bfloat16_isReadExactly(rng: np.random.Generator) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    weight = rng.normal(size=(4, 6)).astype(ml_dtypes.bfloat16)
    layer = tk.Linear.fit(weight, tk.Dense())
    assert np.array_equal(layer.dense(), weight.astype(np.float32))
    assert layer.nbytes == weight.nbytes


def test_fit_bitsOfBfloat16_asTheMessageSays(rng: np.random.Generator) -> None:
    bits = (rng.normal(size=(4, 6)).astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    single = (bits.astype(np.uint32) << 16).view(np.float32)
    layer = tk.Linear.fit(single, tk.Dense(), storage=tk.BFloat16())
    assert np.array_equal(layer.dense(), single) and layer.nbytes == bits.nbytes


@pytest.mark.parametrize("rtol", [float("nan"), -0.1, 1.5, float("inf")])
def test_format_badRtol_isRefusedWhenMade(rtol: float) -> None:
    for make in (
        lambda: tk.LowRank(2, rtol), lambda: tk.TrainLinear((2, 2), (2, 2), 2, rtol=rtol),
        lambda: tk.TrainMatrix((2, 2), (2, 2), 2, rtol=rtol),
    ):
        with pytest.raises(ValueError, match=f"rtol is {rtol}, expected a number from 0 to 1"):
            make()


def test_format_storedAsAFormat_isRefusedWhenMade() -> None:
    with pytest.raises(TypeError, match="storage is a Dense, expected a storage or its spec"):
        tk.LowRank(2) @ tk.Dense()  # type: ignore[operator]


def test_trainLinear_cores_areOfColumnsThenRows(rng: np.random.Generator) -> None:
    layer = tk.Linear.fit(rng.normal(size=(6, 20)), tk.TrainLinear((2, 3), (4, 5), 99))
    assert [core.shape[1] for core in layer.cores] == [4, 5, 2, 3]
    assert layer.cores[0].shape[0] == layer.cores[-1].shape[2] == 1
    made = np.einsum("apb,bqc,cid,dje->ijpq", *layer.cores).reshape(6, 20)
    assert np.allclose(made, layer.dense(), rtol=0, atol=1e-12)


def test_sum_byNumpy_works(train: tk.TensorTrain) -> None:
    a = np.asarray(train)
    assert np.isclose(np.sum(train), a.sum())  # type: ignore[call-overload]
    assert np.allclose(np.asarray(np.sum(train, axis=1)), a.sum(1))  # type: ignore[call-overload]
    half = train.sum(axis=(0, 1), dtype=np.float32)
    assert half.dtype == np.float32
    assert np.allclose(np.asarray(half), a.sum((0, 1)), atol=1e-4)
    assert train.sum(dtype=complex).dtype == np.complex128  # type: ignore[union-attr]
    with pytest.raises(TypeError, match="out is a ndarray, expected None"):
        np.sum(train, out=np.empty(()))  # type: ignore[call-overload]
    with pytest.raises(TypeError):
        train.sum(dtype=int)


def test_tensorTrain_methodSeedOverwrite_areChecked(rng: np.random.Generator) -> None:
    a = rng.normal(size=(4, 5, 6))
    scratch, kept = a.copy(), a.copy()
    plain = tk.tensor_train(a, 3, overwrite=False)
    assert np.array_equal(kept, a)
    named = tk.tensor_train(scratch, 3, method="auto", seed=np.int64(5), overwrite=True)
    assert np.array_equal(np.asarray(named), np.asarray(plain))
    with pytest.raises(ValueError, match="method is 'rsvd', expected one of auto, sampled, qr"):
        tk.tensor_train(a, method="rsvd")
    with pytest.raises(TypeError, match="seed is a float, expected an integer"):
        tk.tensor_train(a, seed=0.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="seed is -1, expected at least 0"):
        tk.tensor_train(a, seed=-1)
    with pytest.raises(TypeError, match="overwrite is a int, expected a bool"):
        tk.tensor_train(a, overwrite=1)  # type: ignore[arg-type]


def test_save_besideAnotherModel_isRefused(tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    weights = {"a.weight": np.ones((64, 64), np.float32), "b.weight": np.ones((64, 64), np.float32)}
    target = tmp_path / "target"
    sharded = tk.compress(weights, RECIPE, max_shard_nbytes=20_000)
    whole = tk.compress(weights, RECIPE)
    sharded.save(target)
    before = {path.name: path.read_bytes() for path in target.iterdir()}
    with pytest.raises(FileExistsError, match="files of another model, such as model-0"):
        whole.save(target)
    assert {path.name: path.read_bytes() for path in target.iterdir()} == before
    sharded.save(target)  # replaces its own files
    (target / "notes.txt").write_text("mine")
    for path in target.glob("*.safetensors*"):
        path.unlink()
    whole.save(target)
    assert sorted(tk.open(target)) == ["a.weight", "b.weight"]


def test_compress_recipeThatMatchesNothing_leavesAllAsItIs(tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    with tk.compress({"a.weight": EYE}, {"b.*": "dense"}) as model:
        assert model.report_of("a.weight").spec is None


@pytest.mark.parametrize("several", [
    lambda ranks: np.array(ranks), lambda ranks: np.array(ranks, np.uint8),
    lambda ranks: [np.int32(r) for r in ranks], tuple, iter])
def test_ranks_ofAnyKindOfInteger_areTaken(rng: np.random.Generator, several: Any) -> None:
    a = rng.standard_normal((4, 5, 6))
    t = tk.tensor_train(a, several([2, 3]))
    assert t.rank == (1, 2, 3, 1)
    assert t.round(several([1, 2])).rank == (1, 1, 2, 1)
    assert tk.multiply(t, t, rank=several([2, 2])).rank == (1, 2, 2, 1)
    assert tk.tucker(a, several([2, 3, 4])).cores[0].shape == (2, 3, 4)
    assert t.transpose(several([2, 0, 1])).shape == (6, 4, 5)


@pytest.mark.parametrize("one", [np.int64(2), np.uint8(2), np.array(2)])
def test_rank_asANumPyInteger_capsEveryBond(rng: np.random.Generator, one: Any) -> None:
    a = rng.standard_normal((4, 5, 6))
    t = tk.tensor_train(a, one)
    assert t.rank == (1, 2, 2, 1) and t.round(one).rank == t.rank
    assert tk.cross(lambda i: i.sum(axis=1) * 1.0, (4, 5, 6), rank=one).train.rank == (1, 2, 2, 1)
    assert str(tk.TrainMatrix(np.array([2, 3]), [3, 2], one)) == str(
        tk.TrainMatrix((2, 3), (3, 2), 2))


@pytest.mark.parametrize("bad", ["12", b"12", np.array([2.0, 3.0]), [2, 2.5], 2.0])
def test_ranks_thatAreNoIntegers_areRefused(rng: np.random.Generator, bad: Any) -> None:
    with pytest.raises(TypeError, match="rank.* is a .*, expected an integer"):
        tk.tensor_train(rng.standard_normal((4, 5, 6)), bad)
