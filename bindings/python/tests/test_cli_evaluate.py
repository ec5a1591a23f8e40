"""``ttkit evaluate`` and ``ttkit compress --calibrate``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from cli_support import document, refused
from test_bert import make_folder

pytest.importorskip("tokenizers")


@pytest.fixture
def dense(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "dense", np.random.default_rng(1))


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "texts.txt"
    path.write_text("a cat\n\na small dog runs\nthe dog\n", encoding="utf-8")
    return path


def test_calibrate_andEvaluate(
    dense: Path, texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {}
    for name, more in (("plain", ()), ("fitted", ("--calibrate", texts))):
        out = tmp_path / name
        made = document(
            capsys, "compress", dense, "--recipe", "dense@int3(group=row)", "--out", out, *more)
        assert made["calibrate"] == (str(texts) if more else None)
        found[name] = document(
            capsys, "evaluate", out, "--against", dense, "--texts", texts, "--rounds", 1)
    assert found["plain"]["count"] == 3
    assert set(found["plain"]) == {
        "command", "model", "against", "texts", "count", "cosine", "nbytes", "seconds"}
    for each in found.values():
        assert 0 < each["cosine"]["min"] <= each["cosine"]["mean"] <= 1 + 1e-6
        assert each["cosine"]["worst"] in texts.read_text().splitlines()
        assert each["nbytes"]["model"] == (tmp_path / "plain" / "model.safetensors").stat().st_size
        assert each["seconds"]["single"]["dense"] > 0
    assert found["fitted"]["cosine"]["mean"] > found["plain"]["cosine"]["mean"]


def test_otherModels_areRefused(
    dense: Path, texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate = ("--against", dense, "--texts", texts)
    assert "config.json" in refused(capsys, "evaluate", _bare(dense, tmp_path), *evaluate)
    assert "nothing" in refused(capsys, "evaluate", tmp_path / "nothing", *evaluate)
    empty = tmp_path / "empty.txt"
    empty.write_text(" \n")
    assert "no sentence" in refused(capsys, "evaluate", dense, "--against", dense, "--texts", empty)
    config = json.loads((dense / "config.json").read_text())
    (dense / "config.json").write_text(json.dumps(config | {"model_type": "gpt2"}))
    assert "model_type = 'gpt2'" in refused(capsys, "evaluate", dense, *evaluate)
    out = tmp_path / "out"
    assert "BERT" in refused(capsys, "compress", dense, "--out", out, "--calibrate", texts)
    assert not out.exists()


def _bare(dense: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "bare"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes((dense / "model.safetensors").read_bytes())
    return folder
