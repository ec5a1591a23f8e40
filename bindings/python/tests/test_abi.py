"""The header, the library, the recorded ABI and the ctypes declarations agree."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

from conftest import ROOT

from ttkit import _abi
from ttkit._library import library

SCRIPTS = ROOT / "scripts"


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True)


def test_declarations_regenerated_areThoseCommitted() -> None:
    result = _run(str(SCRIPTS / "generate_abi.py"), "--stdout")
    assert result.returncode == 0, result.stderr
    assert result.stdout == Path(_abi.__file__).read_text()


def test_header_comparedWithLibraryAndRecord_agrees() -> None:
    result = _run(str(SCRIPTS / "abi.py"), "--library", library.path)
    assert result.returncode == 0, result.stderr


def test_structs_laidOutByCtypes_haveTheRecordedOffsets() -> None:
    recorded = (ROOT / "include" / "abi.txt").read_text().splitlines()
    checked = 0
    lines = [line.split() for line in recorded if line.startswith(("struct ", "field "))]
    for kind, name, number in lines:
        struct, _, member = name.partition(".")
        declared = getattr(_abi, struct)
        found = ctypes.sizeof(declared) if kind == "struct" else getattr(declared, member).offset
        assert found == int(number), name
        checked += 1
    assert checked > 30


def test_constants_ofTheHeader_areThoseDeclared() -> None:
    for line in (ROOT / "include" / "abi.txt").read_text().splitlines():
        if line.startswith("value "):
            _, name, number = line.split()
            assert getattr(_abi, name) == int(number), name


def test_version_ofTheLibrary_isTheHeaders() -> None:
    assert library.ttk_version() == _abi.TTK_VERSION


def test_library_withDlopen_exportsOnlyOurNames() -> None:
    names = subprocess.run(
        ["nm", "-D", "--defined-only", library.path], capture_output=True, text=True, check=True)
    for line in names.stdout.splitlines():
        _, kind, name = line.split()
        assert kind == "A" or name.startswith("ttk_"), line
    ctypes.CDLL(library.path, mode=ctypes.RTLD_LOCAL).ttk_version()
