"""Models and helpers for tests of the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ttkit.cli import main

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
