"""What the command line says of recipes that do not fit the model, and without a library."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cli_support import model, refused, write_safetensors

from ttkit.cli import main
from ttkit.cli.baseline import dense_form
from ttkit.cli.parser import byte_count
from ttkit.report import WeightReport

__all__ = ["model"]  # a fixture


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """Where the test writes its recipe."""
    return tmp_path / "recipe.json"


def test_patterns_that_match_nothing_are_named(
    model: Path, recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe.write_text('{"*.wieght": "dense", "pool?": null, "dense.weight": "dense@int8"}')
    command = ["compress", str(model), "--recipe", str(recipe), "--out"]
    assert main([*command, str(tmp_path / "a"), "--json"]) == 0
    captured = capsys.readouterr()
    json.loads(captured.out)
    assert captured.err == (
        f'ttkit: in the recipe {recipe}, patterns "*.wieght", "pool?" match no weight\n')
    assert main([*command, str(tmp_path / "b"), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_recipe_that_compresses_nothing_fails(
    model: Path, recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], workers: int
) -> None:
    recipe.write_text('{"*.wieght": "dense@int8"}')
    command = [
        "compress", model, "--recipe", recipe, "--workers", workers, "--quiet", "--out",
        tmp_path / "new" / "out"]
    said = refused(capsys, *command)
    assert "none of the 4 weights" in said and 'pattern "*.wieght" matches no weight' in said
    recipe.write_text('{"*": null}')
    assert refused(capsys, *command).endswith("so nothing was written\n")
    assert sorted(os.listdir(tmp_path)) == ["model", "recipe.json"]


def test_the_default_recipe_may_find_nothing_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "one.safetensors"
    write_safetensors(source, {"a.bias": ("F32", np.ones(3, np.float32))})
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    assert "none of the 1 weights" in refused(capsys, "compress", source, "--out", out, "--force")
    assert os.listdir(out) == ["notes.txt"]


def test_weights_larger_than_dense_are_named(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for spec, noted in (("low_rank(rank=60)@float16", True), ("low_rank(rank=8)@float16", False),
                        ("dense@int8(group=1)", False)):
        out = str(tmp_path / f"out{len(os.listdir(tmp_path))}")
        assert main(["compress", str(model), "--recipe", spec, "--out", out]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert "written to" in lines[-1]
        note = lines[-2] if lines[-2].startswith("larger than dense: ") else ""
        assert ("dense.weight (19.2 kB, dense@float16 takes 12.3 kB)" in note) == noted


@pytest.mark.parametrize(("spec", "expected"), [
    (None, None), ("dense@int8(group=64)", None), ("cp(rank=4)@strange", None),
    ("low_rank(rank=4)@float64", ("dense@float64", 8 * 96 * 65)),
    ("low_rank(rank=4)@int8(group=32)", ("dense@int8(group=32)", 96 * (65 + 3 * 2))),
    ("low_rank(rank=4)@float16 + dense@int8(group=64)", ("dense@float16", 2 * 96 * 65)),
])
def test_dense_forms(spec: str | None, expected: tuple[str, int] | None) -> None:
    assert dense_form(WeightReport("w", "linear", spec, (96, 65), 0, 0, 0.0, 0.0)) == expected


def test_byte_counts_are_exact_and_bounded() -> None:
    assert byte_count("123456789012345678") == 123456789012345678
    assert byte_count("1.5kB") == 1500 and byte_count("2GiB") == 2**31
    for text in ("9" * 400, "9" * 400 + ".5", "9223372036854775808", "8388608TiB", "0", "0.5"):
        with pytest.raises(Exception, match="is no number of bytes"):
            byte_count(text)


def test_program_without_a_library_says_one_sentence(tmp_path: Path) -> None:
    script = tmp_path / "ttkit"  # as pip writes it
    script.write_text("import sys\nfrom ttkit.cli import main\nsys.exit(main())\n")
    for start in (["-m", "ttkit"], [str(script)]):
        done = subprocess.run(
            [sys.executable, *start, "--version"], capture_output=True, text=True, timeout=120,
            env=os.environ | {"TTKIT_LIBRARY": "/nowhere/libttkit.so"})
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("ttkit: no usable libttkit.so named by TTKIT_LIBRARY")
        assert done.stderr.count("\n") == 1
