"""Code in the documents runs: Python blocks of a file in order, C blocks as programs."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT

from ttkit._library import library

# A block whose first line says `python skip` or `c skip` is shown, not run.
_BLOCK = re.compile(r"^```(python|c)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILES = [
    ROOT / "README.md", ROOT / "bindings/python/README.md", *sorted((ROOT / "docs").rglob("*.md")),
]


def _blocks(language: str) -> list[tuple[Path, list[str]]]:
    found = []
    for file in _FILES:
        text = file.read_text() if file.exists() else ""
        blocks = [code for name, code in _BLOCK.findall(text) if name == language]
        if blocks:
            found.append((file, blocks))
    return found


def _name(value: object) -> str | None:
    return str(value.relative_to(ROOT)) if isinstance(value, Path) else None


@pytest.mark.parametrize(("file", "blocks"), _blocks("python"), ids=_name)
def test_pythonBlocks_ofADocument_run(
    file: Path, blocks: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__main__"}
    for block in blocks:
        exec(compile(block, str(file), "exec"), names)


@pytest.mark.parametrize(
    ("file", "block"), [(f, block) for f, blocks in _blocks("c") for block in blocks], ids=_name)
def test_cBlock_ofADocument_compilesAndRuns(file: Path, block: str, tmp_path: Path) -> None:
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", f"-I{ROOT / 'include'}"]
    if "int main" not in block:  # a fragment: declarations and functions
        command = ["cc", "-xc", *flags, "-fsyntax-only", "-"]
        subprocess.run(command, input=block, text=True, check=True)
        return
    program = tmp_path / "program"
    for name in ("libttkit.so", "libttkit.so.0"):  # asked for when linking, and when running
        (tmp_path / name).symlink_to(os.path.abspath(library.path))
    subprocess.run(
        ["cc", "-xc", *flags, "-", f"-L{tmp_path}", "-lttkit", "-lm", "-o", str(program)],
        input=block, text=True, check=True)
    subprocess.run(
        [str(program)], check=True, cwd=tmp_path, timeout=120,
        env=os.environ | {"LD_LIBRARY_PATH": str(tmp_path)})
