"""Puts the shared library into the wheel, which is then one for this platform."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NAME = "libttkit.so"


class SharedLibraryHook(BuildHookInterface[Any]):
    """Takes the library TTKIT_LIBRARY names, or builds it with ``make all``."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        target = root / "src" / "ttkit" / NAME
        # Replaced, never written into: a process may have the old one mapped.
        part = target.with_suffix(".part")
        shutil.copyfile(self._library(root.parent.parent), part)
        os.replace(part, target)
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{platform}"
        build_data["pure_python"] = False

    def _library(self, repository: Path) -> Path:
        named = os.environ.get("TTKIT_LIBRARY")
        if named:
            return Path(named)
        if not (repository / "Makefile").exists():
            raise RuntimeError(
                "the library's sources are not here: build it in the repository with `make all` "
                "and set TTKIT_LIBRARY to build/libttkit.so, or install a wheel")
        subprocess.run(["make", "all"], cwd=repository, check=True)
        return repository / "build" / NAME
