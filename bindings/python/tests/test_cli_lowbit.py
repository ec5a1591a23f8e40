"""What ``ttkit compress`` and ``ttkit evaluate`` say of low-bit recipes and texts that cannot be."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from cli_support import model, refused, run
from test_bert import make_folder

__all__ = ["model"]  # a fixture


@pytest.mark.parametrize("recipe", [
    "dense@int0", "dense@int1", "dense@int9", "dense@int", "dense@int-4", "dense@int4(group=0)",
    "dense@int4(group=-8)", "dense@int4(group=1e9)", "dense@int4(group=99999999999999999999)",
    "dense@int4(symmetric=2)", "dense@int4(bits=4)", "dense@kmeans0", "dense@kmeans9",
    "dense@kmeans4(group=none)", "dense@lloyd0", "dense@lloyd9", "dense@lloyd4(group=8)",
    "dense@pairs9", "dense@quads0", "dense@quads4(group=4)", "rotation(transform=fft)@int4",
    "rotation(seed=-1)@int4", "kashin(code=none)@kmeans4", "kashin@kmeans4(group=8)",
    "dense@int4@int3", "dense@", "@int4", "dense@int4 +", "low_rank(rank=0)@int4",
])
def test_lowBitRecipes_thatCannotBe(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], recipe: str
) -> None:
    said = refused(capsys, "compress", model, "--out", tmp_path / "o", "--recipe", recipe)
    assert len(said) < 600 and "Traceback" not in said
    assert os.listdir(tmp_path) == ["model"]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("storage", ["int4", "kmeans3", "pairs4", "int2(group=row, symmetric=false)"])
def test_weightsThatAreNotFinite_areNamed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], storage: str, value: float
) -> None:
    save_file = pytest.importorskip("safetensors.numpy").save_file
    weight = np.ones((8, 32), np.float32)
    weight[7, 31] = value
    save_file({"some.weight": weight}, tmp_path / "in.safetensors")
    said = refused(capsys, "compress", tmp_path / "in.safetensors", "--out", tmp_path / "o",
                   "--recipe", "dense@" + storage)
    assert "some.weight" in said and not (tmp_path / "o").exists()


@pytest.mark.parametrize(("content", "words"), [
    (b"", "no sentence"), (b"\n \n\t\n", "no sentence"), (b"\xff\xfe\x00bad", "UTF-8"), (None, "no such")])
def test_texts_thatAreNone_areRefused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, words: str
) -> None:
    pytest.importorskip("tokenizers")
    dense = make_folder(tmp_path / "dense", np.random.default_rng(1))
    texts = tmp_path / "texts.txt"
    if content is not None:
        texts.write_bytes(content)
    commands = (("compress", dense, "--out", tmp_path / "o", "--recipe", "dense@int4", "--calibrate", texts),
                ("evaluate", dense, "--against", dense, "--texts", texts))
    for command in commands:
        said = refused(capsys, *command)
        assert words.lower() in said.lower() and str(texts) in said, said
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("arguments", [
    ("evaluate",), ("evaluate", "m"), ("evaluate", "m", "--against", "d"),
    ("evaluate", "m", "--texts", "t"), ("evaluate", "m", "--against", "d", "--texts", "t", "--rounds", "0"),
    ("evaluate", "m", "--against", "d", "--texts", "t", "--rounds", "-3"),
    ("evaluate", "m", "--against", "d", "--texts", "t", "--rounds", "x"),
    ("evaluate", "m", "--against", "d", "--texts", "t", "--threads", "-1"),
    ("compress", "m", "--out", "o", "--calibrate"), ("compress", "--out", "o"),
])
def test_argumentsThatCannotBe(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    refused(capsys, *arguments, code=2)


def test_theProgram_endsWithItsCode(tmp_path: Path) -> None:
    """As a shell sees it: one sentence on the error stream, no result, a code that is not 0."""
    missing = tmp_path / "missing"
    for arguments, code in ((("compress", missing, "--out", tmp_path / "o"), 1),
                            (("evaluate", missing, "--against", missing, "--texts", missing), 1),
                            (("evaluate", missing), 2)):
        found = run(*arguments)
        assert found.returncode == code and found.stdout == ""
        assert found.stderr.startswith("ttkit") and found.stderr.count("\n") == 1
