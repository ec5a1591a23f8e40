"""What the command line says of bad input, and that it leaves nothing behind."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from cli_support import model, refused, small, tensors, write_safetensors

from ttkit.cli import main

__all__ = ["model", "small"]  # fixtures


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
def test_wrong_command_lines(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert said in refused(capsys, *arguments, code=2)


@pytest.mark.parametrize(("recipe", "said"), [
    ("defalt", "did you mean default?"),
    ("dens@int8", "the nearest is dense"),
    ("dense@int8(gruop=64)", "the nearest is group"),
    ("missing.json", "no such file"),
])
def test_unknown_recipes(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], recipe: str, said: str
) -> None:
    assert said in refused(capsys, "compress", model, "--out", tmp_path / "o", "--recipe", recipe)
    assert os.listdir(tmp_path) == ["model"]


def test_malformed_recipe_names_line_and_column(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "recipe.json"
    recipe.write_text('{\n  "*.weight": "dense",,\n}')
    said = refused(capsys, "compress", model, "--out", tmp_path / "o", "--recipe", recipe)
    assert "line 2, column" in said and str(recipe) in said
    assert not (tmp_path / "o").exists()


def test_missing_model_names_the_nearest(
    model: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for command in (["inspect"], ["bench"], ["compress", "--out", str(tmp_path / "o")]):
        assert f"did you mean {model}?" in refused(capsys, *command, tmp_path / "modle")


def test_damaged_models(small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
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


def test_compress_needs_a_plain_model_and_bench_a_compressed_one(
    model: Path, small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "compressed already" in refused(capsys, "compress", small, "--out", tmp_path / "o")
    assert "no compressed layer" in refused(capsys, "bench", model)
    assert not (tmp_path / "o").exists()


def test_outputs_that_cannot_be(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
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
def test_unwritable_out(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    assert str(locked) in refused(capsys, "compress", model, "--out", locked / "a" / "b")


def test_failure_while_compressing_leaves_nothing(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = tensors()
    changed["dense.weight"][1][3, 3] = np.nan
    write_safetensors(model / "model.safetensors", changed)
    said = refused(capsys, "compress", model, "--out", tmp_path / "new" / "deep")
    assert "dense.weight" in said
    assert os.listdir(tmp_path) == ["model"]


def test_names_cannot_steer_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "one.safetensors"
    write_safetensors(source, {"a\x1b[31m\nb": tensors()["steps"]})
    assert main(["inspect", str(source)]) == 0
    captured = capsys.readouterr().out
    assert "\x1b" not in captured and "a\\x1b[31m b" in captured
