"""What documents name exists: specs, recipes, commands, names of Python and of C, files."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from conftest import ROOT

import ttkit as tk
from ttkit.cli import COMMANDS
from ttkit.cli.parser import build

FILES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", ROOT / "bindings/python/README.md",
         *sorted((ROOT / "docs").rglob("*.md"))]
_CODE = re.compile(r"`([^`\n]+)`")
# Made of lower-case words, with or without arguments, and with a storage or a second term.
_SPEC = re.compile(r"^[a-z_0-9]+(\([^()]*\))?(@[a-z0-9]+(\([^()]*\))?)?"
                   r"( \+ [a-z_0-9]+(\([^()]*\))?(@[a-z0-9]+(\([^()]*\))?)?)*$")
_FENCE = re.compile(r"^```(json|console|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _name(file: object) -> str | None:
    return str(file.relative_to(ROOT)) if isinstance(file, Path) else None


def _specs(text: str) -> list[str]:
    """Whole specs among the pieces of code: those with arguments or a storage, and no placeholder in them."""
    found = [code for code in _CODE.findall(text) if _SPEC.match(code) and ("=" in code or "@" in code)]
    return [code for code in found if not re.search(r"\.\.|=[A-Z]|=\)|[;:]", code)]


@pytest.mark.parametrize("file", FILES, ids=_name)
def test_specs_inADocument_parse(file: Path) -> None:
    for spec in _specs(file.read_text()):
        storage = re.match(r"(int|kmeans|lloyd|pairs|quads)\d", spec)
        try:
            tk.Recipe({"w": f"dense@{spec}" if storage else spec})
        except ValueError as error:
            # Formats of convolutions are read with a kernel.
            assert spec.startswith(("cp(", "tucker2(", "train(")), f"{spec}: {error}"


@pytest.mark.parametrize("file", FILES, ids=_name)
def test_names_inADocument_exist(file: Path) -> None:
    text = file.read_text()
    for name in re.findall(r"\btk\.([A-Za-z_]\w*)", text):
        assert hasattr(tk, name), name
    declared = "\n".join(header.read_text() for tree in ("include", "Sources")
                         for header in (ROOT / tree).rglob("*.h"))
    for name in set(re.findall(r"\b(?:ttk|TTK)_[A-Za-z0-9_]+\b(?!\*)", text)):
        known = name in declared or name.startswith(("TTK_ISA", "TTK_SEED", "TTK_FAULT", "TTK_GUARD"))
        assert known or name.endswith("_"), name


@pytest.mark.parametrize("file", FILES, ids=_name)
def test_files_thatADocumentLinks_exist(file: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", file.read_text(), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if "://" not in target:
            assert (file.parent / target).exists(), target


@pytest.mark.parametrize("file", FILES, ids=_name)
def test_recipesAndCommands_inADocument_areUnderstood(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for language, code in _FENCE.findall(file.read_text()):
        if language == "json":
            tk.Recipe(json.loads(code))
            continue
        for line in code.splitlines():
            command = line.removeprefix("$ ")
            if not command.startswith("ttkit ") or (language == "console" and command == line):
                continue
            words = [w.strip('"') for w in re.findall(r'"[^"]*"|\S+', command.split(" # ")[0])]
            parsed = build(COMMANDS).parse_args(words[1:])  # exits on what it does not know
            assert parsed.command == words[1]


def test_everyFormatAndStorage_isInTheDocuments() -> None:
    """Builders are in the page of formats by their words, storages in that of files too."""
    formats, files = ((ROOT / "docs" / name).read_text() for name in ("formats.md", "format.md"))
    for name in tk.__all__:
        thing = getattr(tk, name)
        if not isinstance(thing, type) or not issubclass(thing, (tk.Format, tk.Storage)):
            continue
        word = getattr(thing, "_word", "") or {"Int": "int2", "KMeans": "kmeans1", "Lloyd": "lloyd1",
                                               "Pairs": "pairs1", "Quads": "quads1"}.get(name, "")
        assert not word or f"`{word}" in formats, name
    for word in ("int8", "int2", "kmeans1", "lloyd1", "quads8", "float64", "bfloat16"):
        assert f"`{word}" in files
