"""The commands of the command line, in this process."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from cli_support import COMPRESSED, document, model, refused, small, tensors, write_safetensors

import ttkit as tk
from ttkit.cli import main
from ttkit.cli.headers import dtypes
from ttkit.cli.recipes import BUILTIN
from ttkit.cli.tables import duration, size, table
from ttkit.cli.timing import interleaved, limited_blas

__all__ = ["model", "small"]  # fixtures


@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16"])
def test_compress_each_dtype(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], dtype: str
) -> None:
    source = tmp_path / "one.safetensors"
    write_safetensors(source, tensors(dtype))
    found = document(capsys, "compress", source, "--out", tmp_path / "out")
    assert set(found) == {
        "command", "source", "out", "recipe", "calibrate", "seconds", "nbytes_before", "nbytes",
        "ratio", "weights"}
    assert found["command"] == "compress" and found["recipe"] == "default"
    weights = {weight["name"]: weight for weight in found["weights"]}
    assert {name for name, weight in weights.items() if weight["spec"]} == COMPRESSED
    assert set(weights["dense.weight"]) == {
        "name", "kind", "spec", "shape", "nbytes_before", "nbytes", "error", "seconds"}
    assert 0 < weights["dense.weight"]["error"] < 0.02
    assert weights["embeddings.word_embeddings.weight"]["kind"] == "embedding"
    with tk.open(tmp_path / "out") as made:
        assert made["dense.weight"](np.zeros((1, 64), np.float32)).shape == (1, 96)
        assert made["steps"][0] == 7
        assert sum(weight["nbytes"] for weight in found["weights"]) == made.nbytes
    names = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}
    assert dtypes(tmp_path / "out")["dense.weight"] == names[dtype]


def test_compress_table(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compress", str(model), "--out", str(tmp_path / "out")]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""  # no bar: this is no terminal
    lines = captured.out.splitlines()
    assert lines[0].split() == ["weight", "shape", "spec", "before", "after", "error", "time"]
    assert any(line.startswith("dense.weight ") and "96x64" in line for line in lines)
    assert "smaller, written to" in lines[-1]
    assert (tmp_path / "out" / "config.json").exists()
    assert sorted(os.listdir(tmp_path)) == ["model", "out"]


def test_compress_quiet_prints_nothing(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compress", str(model), "--out", str(tmp_path / "out"), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_compress_by_file_and_by_spec(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "recipe.json"
    recipe.write_text('{"*bias": null, "dense.weight": "low_rank(rank=8)@float16"}')
    found = document(capsys, "compress", model, "--recipe", recipe, "--out", tmp_path / "a")
    specs = {weight["name"]: weight["spec"] for weight in found["weights"]}
    assert specs["dense.weight"] == "low_rank(rank=8)@float16"
    assert specs["embeddings.word_embeddings.weight"] is None
    spec = "low_rank(rank=4) + dense@int8(group=64)"
    found = document(capsys, "compress", model, "--recipe", spec, "--out", tmp_path / "b")
    assert {weight["name"] for weight in found["weights"] if weight["spec"]} == COMPRESSED
    found = document(capsys, "compress", model, "--recipe", "dense", "--out", tmp_path / "c")
    assert {weight["name"] for weight in found["weights"] if weight["spec"]} == COMPRESSED


def test_builtin_recipes_are_there() -> None:
    for name in BUILTIN:
        tk.Recipe.builtin(name)


def test_compress_shards_and_inspect_them(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    document(capsys, "compress", model, "--out", out, "--max-shard-size", "5kB")
    assert (out / "model.safetensors.index.json").exists()
    for path in (out, out / "model.safetensors.index.json"):
        found = document(capsys, "inspect", path)
        assert len(found["files"]) > 1
        assert {weight["name"] for weight in found["weights"] if weight["spec"]} == COMPRESSED


def test_compress_with_workers_gives_the_same_weights(
    model: Path, small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "parts"
    document(capsys, "compress", model, "--out", out, "--workers", 2, "--threads", 1)
    with tk.open(out) as parts, tk.open(small) as whole:
        assert set(parts) == set(whole)
        for name in COMPRESSED:
            assert np.array_equal(parts[name].dense(), whole[name].dense())


def test_compress_force_replaces_the_model(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["compress", str(model), "--out", str(out), "--max-shard-size", "5kB"]) == 0
    (out / "notes.txt").write_text("mine")
    capsys.readouterr()
    before = sorted(os.listdir(out))
    assert "--force" in refused(capsys, "compress", model, "--out", out)
    assert sorted(os.listdir(out)) == before
    (model / "sub").mkdir()
    (model / "sub" / "extra.txt").write_text("beside")
    for _ in range(2):
        document(capsys, "compress", model, "--out", out, "--force")
        assert sorted(os.listdir(out)) == ["config.json", "model.safetensors", "notes.txt", "sub"]
        assert os.listdir(out / "sub") == ["extra.txt"]


def test_compress_into_an_empty_folder(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    assert main(["compress", str(model), "--out", str(out), "--quiet"]) == 0
    assert sorted(os.listdir(out)) == ["config.json", "model.safetensors"]


def test_inspect_plain(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "inspect", model)
    assert set(found) == {
        "command", "path", "compressed", "files", "nbytes", "nbytes_before", "weights"}
    assert found["compressed"] is False
    weights = {weight["name"]: weight for weight in found["weights"]}
    assert set(weights["steps"]) == {
        "name", "kind", "spec", "shape", "dtype", "nbytes_before", "nbytes", "error"}
    assert weights["steps"]["dtype"] == "int64"
    assert weights["dense.weight"]["shape"] == [96, 64]
    assert found["nbytes"] == 4 * (96 + 96 * 64 + 50 * 64) + 8
    assert main(["inspect", str(model)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["name", "dtype", "shape", "bytes"]
    assert lines[-1].startswith("all 4 ")


def test_inspect_compressed(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "inspect", small)
    assert found["compressed"] is True and found["nbytes_before"] > 3 * found["nbytes"]
    weights = {weight["name"]: weight for weight in found["weights"]}
    assert weights["dense.weight"]["spec"] == "dense@int8(group=64)"
    assert weights["dense.weight"]["dtype"] == "float32"
    assert weights["dense.bias"]["error"] is None
    assert main(["inspect", str(small / "model.safetensors")]) == 0
    captured = capsys.readouterr().out
    assert captured.split()[:6] == ["name", "spec", "shape", "before", "bytes", "error"]


def test_bench(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "bench", small, "--rows", "1,3", "--seconds", 0, "--threads", 1)
    assert set(found) == {"command", "model", "recipe", "threads", "numpy_threads", "layers"}
    assert {layer["kind"] for layer in found["layers"]} == {"linear", "embedding"}
    for layer in found["layers"]:
        assert [race["rows"] for race in layer["races"]] == [1, 3]
        for race in layer["races"]:
            assert race["rounds"] >= 20
            assert set(race["compressed"]) == {"low", "median", "high"}
            assert race["dense_by"] in race["dense"]
            best = min(spread["median"] for spread in race["dense"].values())
            assert race["ratio"] == pytest.approx(race["compressed"]["median"] / best)
            assert race["dense_nbytes"] == 4 * np.prod(layer["shape"])
    assert main(["bench", str(small), "--rows", "2", "--seconds", "0"]) == 0
    captured = capsys.readouterr().out
    assert "96x64 dense@int8(group=64)" in captured and "NumPy ids/s" in captured


def test_bench_compresses_first(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = document(
        capsys, "bench", model, "--recipe", "low_rank(rank=4)", "--rows", 2, "--seconds", 0)
    assert {layer["spec"] for layer in found["layers"]} == {"low_rank(rank=4)@float32"}
    assert sorted(os.listdir(model)) == ["config.json", "model.safetensors"]


def test_tables() -> None:
    assert [size(n) for n in (0, 999, 1000, 999_499, 12_345_678)] == [
        "0 B", "999 B", "1.00 kB", "999 kB", "12.3 MB"]
    assert [duration(s) for s in (1.5e-6, 2e-3, 12.34)] == ["1.50 us", "2.00 ms", "12.3 s"]
    assert table([("a", "b"), ("xx", "1")]) == "a   b\n--  -\nxx  1"


def test_threads_also_hold_for_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    assert limited_blas(0)[1] is None
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    assert limited_blas(2)[1] is None
    asked = []
    there = SimpleNamespace(threadpool_limits=lambda n: asked.append(n) or nullcontext())
    monkeypatch.setitem(sys.modules, "threadpoolctl", there)
    with limited_blas(2)[0]:
        assert asked == [2]


def test_interleaved_takes_turns() -> None:
    calls = []
    spreads, rounds = interleaved([lambda: calls.append("a"), lambda: calls.append("b")], 0)
    assert rounds == 20 and len(spreads) == 2 and {"a", "b"} == set(calls)
    assert all(0 < s.low <= s.median <= s.high and s.iqr == s.high - s.low for s in spreads)
