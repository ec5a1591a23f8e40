"""Finding and loading the library."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ttkit as tk
from ttkit import _abi
from ttkit._library import Library, library


def _python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | environment)


def test_import_namedLibraryMissing_saysWhatToDo() -> None:
    result = _python("import ttkit", TTKIT_LIBRARY="/nowhere/libttkit.so")
    assert result.returncode == 1
    assert "ImportError: no usable libttkit.so named by TTKIT_LIBRARY" in result.stderr
    assert "make all" in result.stderr


def test_import_ofAnotherVersion_explainsTheMismatch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_abi, "TTK_VERSION_MINOR", 9)
    message = r"is version 0\.1\.0, but this package was made for 0\.9"
    with pytest.raises(ImportError, match=message):
        Library(library.path)


def test_import_libraryElsewhere_isLoaded(tmp_path: Path) -> None:
    copy = shutil.copy(library.path, tmp_path / "libttkit.so")
    code = "import ttkit._library as l; print(l.library.path)"
    assert _python(code, TTKIT_LIBRARY=str(copy)).stdout.strip() == str(copy)


def test_library_unknownFunction_isAnAttributeError() -> None:
    with pytest.raises(AttributeError, match="ttk_nothing"):
        library.ttk_nothing


def test_import_withoutTorch_importsNoTorchNorPrints() -> None:
    result = _python("import sys, ttkit; assert 'torch' not in sys.modules")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_numpyAndScipy_inOneProcess_work() -> None:
    code = """
import numpy, scipy.linalg, ttkit as tk
a = numpy.random.default_rng(0).normal(size=(60, 50))
u = scipy.linalg.svd(a)[0]
t = tk.tensor_train(a)
assert abs(t.norm() - numpy.linalg.norm(a)) < 1e-10 * numpy.linalg.norm(a)
assert numpy.allclose(u @ u.T, numpy.eye(60)) and numpy.allclose(numpy.asarray(t), a)
"""
    result = _python(code)
    assert result.returncode == 0, result.stderr


def test_names_listedInAll_exist() -> None:
    for name in tk.__all__:
        assert hasattr(tk, name), name
