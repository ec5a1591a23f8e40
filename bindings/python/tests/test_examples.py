"""Every program under examples/ runs."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ttkit._library import library

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A small model file: a linear weight with its bias, an embedding, a norm."""
    from safetensors.numpy import save_file

    rng = np.random.default_rng(5)
    path = tmp_path / "model.safetensors"
    save_file(
        {
            "words.embedding.weight": rng.standard_normal((30, 8)).astype(np.float32),
            "block.dense.weight": rng.standard_normal((6, 8)).astype(np.float32),
            "block.dense.bias": np.arange(6, dtype=np.float32),
            "norm.weight": np.ones(8, np.float32),
        },
        path,
    )
    return path


def build(source: Path, folder: Path) -> Path:
    """Compile a C example strictly, against the library these tests use."""
    shared = Path(library.path).resolve()
    (folder / "libttkit.so.0").symlink_to(shared)
    program = folder / source.stem
    subprocess.run(
        ["cc", "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'include'}",
         str(source), str(shared), f"-Wl,-rpath,{folder}", "-o", str(program)],
        check=True,
    )
    return program


def run(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in command], capture_output=True, text=True)


@pytest.mark.parametrize("path", sorted((EXAMPLES / "python").glob("*.py")), ids=lambda p: p.stem)
def test_pythonExample_runs(path: Path) -> None:
    found = run(sys.executable, path)
    assert found.returncode == 0, found.stderr
    assert len(found.stdout.splitlines()) >= 4


@pytest.mark.skipif("LD_PRELOAD" in os.environ, reason="C programs would need the sanitizer linked in")
def test_cExamples_compressAndRun(tmp_path: Path, model: Path) -> None:
    compress = build(EXAMPLES / "c" / "compress_model.c", tmp_path)
    found = run(compress, model, tmp_path / "small")
    assert found.returncode == 0, found.stderr
    assert "block.dense.weight" in found.stdout
    (tmp_path / "libttkit.so.0").unlink()
    layer = build(EXAMPLES / "c" / "run_layer.c", tmp_path)
    found = run(layer, tmp_path / "small", "block.dense.weight")
    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith("dense@int8(group=64): 8 -> 6")
    found = run(layer, tmp_path / "small", "block.dense.weigth")
    assert found.returncode == 1
    assert "block.dense.weight" in found.stderr
