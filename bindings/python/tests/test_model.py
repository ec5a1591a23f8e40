"""Whole models: compressing, opening, reading, saving."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

import ttkit as tk
from ttkit._array import single

save_file = pytest.importorskip("safetensors.numpy").save_file
load_file = pytest.importorskip("safetensors.numpy").load_file

RECIPE = {
    "words.weight": {"spec": "dense@int8(group=16)", "kind": "embedding"},
    "a.weight": tk.LowRank(4),
    "b.*": "dense@float16",
}


@pytest.fixture
def weights(rng: np.random.Generator) -> dict[str, np.ndarray]:
    shapes = {
        "words.weight": (20, 16), "a.weight": (12, 16), "a.bias": (12,), "b.weight": (8, 12),
        "norm.weight": (16,), "c.weight": (4, 4)}
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


@pytest.fixture
def source(tmp_path: Path, weights: dict[str, np.ndarray]) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    save_file(weights, folder / "model.safetensors")
    (folder / "config.json").write_text('{"model_type": "none"}')
    return folder


@pytest.fixture
def model(source: Path, tmp_path: Path) -> Iterator[tk.Model]:
    with tk.compress(source, RECIPE, out=tmp_path / "out") as made:
        yield made


def check(model: tk.Model, weights: dict[str, np.ndarray]) -> None:
    """Each weight is what the recipe makes of it."""
    a, b, words = model["a.weight"], model["b.weight"], model["words.weight"]
    assert isinstance(a, tk.Linear) and isinstance(b, tk.Linear) and isinstance(words, tk.Embedding)
    assert np.array_equal(a.bias, weights["a.bias"])
    assert np.array_equal(a.dense(), tk.Linear.fit(weights["a.weight"], tk.LowRank(4)).dense())
    assert np.array_equal(b.dense(), weights["b.weight"].astype(np.float16).astype(np.float32))
    assert np.abs(words([3]) - weights["words.weight"][3]).max() < 0.05
    for name in ("norm.weight", "c.weight"):
        assert np.array_equal(model[name], weights[name])  # type: ignore[arg-type]
    x = np.ones((3, 16), np.float32)
    assert np.allclose(a(x), x @ a.dense().T + weights["a.bias"], atol=1e-5)


def test_compress_aFolder_makesLayersOfWhatMatches(
    model: tk.Model, weights: dict[str, np.ndarray], tmp_path: Path
) -> None:
    check(model, weights)
    assert set(model) == set(weights) and len(model) == len(weights)
    assert (tmp_path / "out" / "config.json").exists()
    assert repr(model).endswith("out', 6 weights)")


def test_compress_arraysFileOrFolder_isTheSame(
    source: Path, weights: dict[str, np.ndarray], model: tk.Model
) -> None:
    check(tk.compress(weights, RECIPE), weights)
    check(tk.compress(source / "model.safetensors", tk.Recipe(RECIPE)), weights)


def test_compress_byAnExecutor_isTheSame(
    source: Path, weights: dict[str, np.ndarray], tmp_path: Path
) -> None:
    told: list[str] = []
    with ThreadPoolExecutor(2) as threads:
        model = tk.compress(
            source, RECIPE, executor=threads, out=tmp_path / "t",
            progress=lambda report, done, total: told.append(report.name))
    check(model, weights)
    assert len(told) == len(set(told)) > 0
    with ProcessPoolExecutor(2, get_context("spawn")) as processes:
        check(tk.compress(source, RECIPE, executor=processes), weights)


def test_compress_executorWithProgressThatStops_leavesNothing(source: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as threads, pytest.raises(tk.TTKitError, match="stopped"):
        tk.compress(source, RECIPE, executor=threads, out=tmp_path / "t",
                    progress=lambda *_: False)
    assert not list((tmp_path / "t").iterdir())


def test_compress_intoShards_opensByTheirIndex(
    source: Path, weights: dict[str, np.ndarray], tmp_path: Path
) -> None:
    model = tk.compress(source, RECIPE, out=tmp_path / "out", max_shard_nbytes=1024)
    assert len(list((tmp_path / "out").glob("*.safetensors"))) > 1
    check(model, weights)
    model.save(tmp_path / "copy")
    check(tk.open(tmp_path / "copy"), weights)
    check(tk.open(next((tmp_path / "copy").glob("*.index.json"))), weights)


def test_compress_temporary_livesWithTheModelAndIsSaved(
    source: Path, weights: dict[str, np.ndarray], tmp_path: Path
) -> None:
    with tk.compress(source, RECIPE) as model:
        folder = model.path
        assert folder.exists()
        model.save(tmp_path / "saved")
    assert not folder.exists()
    with tk.open(tmp_path / "saved") as again:
        check(again, weights)
    with pytest.raises(ValueError, match="this Model is closed"):
        model.save(tmp_path / "again")


def test_compress_withProgress_tellsOfEachWeight(source: Path) -> None:
    calls: list[tuple[tk.WeightReport, int, int]] = []
    model = tk.compress(source, RECIPE, progress=lambda *given: calls.append(given))
    assert [done for _, done, _ in calls] == list(range(1, len(calls) + 1))
    assert calls[-1][1] == calls[-1][2]
    for report, _, _ in calls:
        kept = model.report_of(report.name)
        assert (kept.spec, kept.nbytes, kept.shape) == (report.spec, report.nbytes, report.shape)


def test_compress_progressRaising_raisesItAndLeavesNothing(source: Path, tmp_path: Path) -> None:
    class Stop(BaseException):
        pass

    def progress(*_: object) -> None:
        raise Stop("enough")

    with pytest.raises(Stop, match="enough") as caught:
        tk.compress(source, RECIPE, out=tmp_path / "out", progress=progress)
    assert caught.traceback[-1].name == "progress"
    assert caught.value.partial is None  # type: ignore[attr-defined]
    out = tmp_path / "out"
    assert not out.exists() or not list(out.iterdir())


def test_compress_progressFalse_isAStop(source: Path, tmp_path: Path) -> None:
    with pytest.raises(tk.TTKitError):
        tk.compress(source, RECIPE, out=tmp_path / "out", progress=lambda *_: False)


@pytest.mark.parametrize(
    ("options", "error"),
    [({"threads": -1}, ValueError), ({"memory_limit": -1}, ValueError),
     ({"max_shard_nbytes": -1}, ValueError), ({"recipe": None}, TypeError),
     ({"source": "/no/such/file"}, OSError), ({"source": None}, TypeError),
     ({"out": 3}, TypeError)])
def test_compress_badArgument_isRefused(
    source: Path, options: dict, error: type[Exception]
) -> None:
    with pytest.raises(error):
        tk.compress(**({"source": source, "recipe": RECIPE} | options))


def test_compress_notFiniteWeight_isAValueErrorThatNamesIt(
    weights: dict[str, np.ndarray], tmp_path: Path
) -> None:
    weights["a.weight"][3, 3] = np.nan
    with pytest.raises(ValueError, match="a.weight"):
        tk.compress(weights, RECIPE, out=tmp_path / "out")


def test_model_report_countsBytesAndErrors(model: tk.Model) -> None:
    report = model.report()
    by_name = {weight.name: weight for weight in report}
    a = by_name["a.weight"]
    assert (a.kind, a.spec, a.shape) == ("linear", "low_rank(rank=4)@float32", (12, 16))
    assert a.nbytes_before == 4 * 12 * 16 and 0 < a.error < 1
    assert by_name["words.weight"].kind == "embedding"
    assert by_name["norm.weight"][1:3] == ("tensor", None) and by_name["norm.weight"].error == 0
    assert report.nbytes == model.nbytes
    assert str(report).splitlines()[-1].startswith("all")
    assert "low_rank(rank=4)" in str(report)


def test_model_unknownName_isAKeyErrorWithTheNearest(model: tk.Model) -> None:
    with pytest.raises(KeyError, match="the nearest is 'a.weight'"):
        model["a.wieght"]
    with pytest.raises(ValueError, match="norm.weight"):
        model.linear("norm.wieght")
    assert "a.weight" in model and "nothing" not in model


def test_model_plainMatrix_isADenseLayer(model: tk.Model, weights: dict[str, np.ndarray]) -> None:
    assert np.array_equal(model.linear("c.weight").dense(), weights["c.weight"])


def test_model_layers_outliveIt(model: tk.Model, weights: dict[str, np.ndarray]) -> None:
    layer, norm = model["a.weight"], model["norm.weight"]
    model.close()
    with pytest.raises(ValueError, match="this Model is closed"):
        model["a.weight"]
    assert isinstance(layer, tk.Linear) and layer(np.ones((1, 16), np.float32)).shape == (1, 12)
    assert np.array_equal(norm, weights["norm.weight"])  # type: ignore[arg-type]


def test_model_files_areReadableSafetensors(
    model: tk.Model, weights: dict[str, np.ndarray]
) -> None:
    tensors = load_file(model.path / "model.safetensors")
    assert np.array_equal(tensors["norm.weight"], weights["norm.weight"])


def test_open_damaged_isATTKitError(model: tk.Model) -> None:
    path = model.path / "model.safetensors"
    content = bytearray(path.read_bytes())
    model.close()
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.raises(tk.TTKitError):
        opened = tk.open(path)
        for name in opened:
            opened[name]
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(tk.TTKitError):
        tk.open(path)
    with pytest.raises(OSError):
        tk.open(path.parent / "none")


def test_open_bfloat16Model_isReadAsBitsOrMlDtypes(tmp_path: Path) -> None:
    header = b'{"w":{"dtype":"BF16","shape":[2,2],"data_offsets":[0,8]}}'.ljust(64)
    bits = np.array([0x3F80, 0x4000, 0xC000, 0x3E00], "<u2")  # 1, 2, -2, 0.125
    (tmp_path / "b.safetensors").write_bytes(
        len(header).to_bytes(8, "little") + header + bits.tobytes())
    with tk.open(tmp_path / "b.safetensors") as model:
        found = model["w"]
        assert isinstance(found, np.ndarray) and found.dtype.name in ("uint16", "bfloat16")
        assert single(found).tolist() == [[1.0, 2.0], [-2.0, 0.125]]
        assert model.linear("w").dense().tolist() == [[1.0, 2.0], [-2.0, 0.125]]


def test_open_halfPrecisionModel_keepsItsBits(tmp_path: Path, rng: np.random.Generator) -> None:
    half = {"w.weight": rng.normal(size=(4, 6)).astype(np.float16), "n": np.arange(3)}
    save_file(half, tmp_path / "h.safetensors")
    with tk.open(tmp_path / "h.safetensors") as model:
        for name, array in half.items():
            found = model[name]
            assert isinstance(found, np.ndarray) and found.dtype == array.dtype
            assert np.array_equal(found, array) and not found.flags.writeable


STORAGES = ["int4(group=5, symmetric=false)", "int8(group=row)", "int3(group=tensor)", "kmeans3",
            "kmeans2(group=row)", "bfloat16"]


@pytest.mark.parametrize("storage", STORAGES)
def test_storages_come_back_from_a_file(
    tmp_path: Path, rng: np.random.Generator, storage: str
) -> None:
    weight = rng.normal(size=(12, 32)).astype(np.float32)
    save_file({"w": weight}, tmp_path / "in.safetensors")
    with tk.compress(tmp_path / "in.safetensors", {"w": f"dense@{storage}"}, out=tmp_path / "out"):
        pass
    with tk.open(tmp_path / "out") as model:
        layer = model["w"]
        assert isinstance(layer, tk.Linear)
        assert np.array_equal(layer.dense(), tk.quantize(weight, storage).dequantize())
