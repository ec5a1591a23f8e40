"""Output folders that appear complete or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MODEL_FILES = (".safetensors", ".safetensors.index.json")


def check_out(out: Path, source: Path, force: bool) -> None:
    """Refuse an output folder that would lose something.

    Raises
    ------
    OSError
        If it is not a folder, or not empty and not `force`.
    ValueError
        If it is the source's own, or lies in it and is not empty.
    """
    above = next((folder for folder in out.parents if folder.exists()), out)
    if above != out and not above.is_dir():
        raise NotADirectoryError(f"cannot make the output folder {out}: {above} is no folder")
    if out.exists() or out.is_symlink():
        if not out.is_dir():
            raise NotADirectoryError(f"the output {out} is no folder; choose another name")
        home, place = (source if source.is_dir() else source.parent).resolve(), out.resolve()
        if home == place:
            raise ValueError(f"the output folder {out} is that of the source; choose another")
        if not any(out.iterdir()):
            return
        if not force:
            raise FileExistsError(
                f"the output folder {out} is not empty; choose another, or replace the model in it "
                "with --force")
        if source.is_dir() and home in place.parents:
            raise ValueError(
                f"the output folder {out} lies in that of the source and is not empty; remove it "
                "or choose another")


@contextmanager
def staged(out: Path) -> Iterator[Path]:
    """A folder to write to, removed in the end; see `commit`.

    It lies inside `out` where that exists, else beside it, so that files can move by renaming.
    Folders above `out` that had to be made go again unless `out` stands in the end.
    """
    home = out if out.exists() else out.parent
    made = [folder for folder in (home, *home.parents) if not folder.exists()]
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".ttkit-", dir=home) as hidden:
            stage = Path(hidden, "model")  # inside, as it gets the usual permissions
            stage.mkdir()
            yield stage
    finally:
        if not out.exists():
            for folder in made:
                try:
                    folder.rmdir()
                except OSError:
                    break


def commit(stage: Path, out: Path) -> None:
    """Move what was written to its place: the whole folder, or its files, weights last.

    Weight files of an earlier model go; other files stay, or are replaced by those of their name.
    """
    if not out.exists():
        os.rename(stage, out)
        return
    files = sorted(
        (path for path in stage.rglob("*") if path.is_file()),
        key=lambda path: path.name.endswith(_MODEL_FILES))
    fresh = {path.name for path in files}
    stale = [path for path in out.iterdir()
             if path.name.endswith(_MODEL_FILES) and path.name not in fresh and path.is_file()]
    for path in files:
        place = out / path.relative_to(stage)
        place.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, place)
    for path in stale:
        path.unlink()
