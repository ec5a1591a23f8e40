"""Sentence encoders and files of sentences for commands that run a model."""

from __future__ import annotations

from pathlib import Path

from ..bert import Encoder
from .messages import existing


def encoder(path: Path, threads: int = 0) -> Encoder:
    """The encoder in a model folder, or beside a model file.

    Raises
    ------
    ValueError
        If it is no BERT-type encoder.
    """
    folder = path if path.is_dir() else path.parent
    if not (folder / "config.json").exists():
        raise ValueError(
            f"cannot run {path}: there is no config.json beside the weights; only BERT-type "
            f"encoders can be run")
    return Encoder(folder, threads=threads)


def sentences(path: str) -> list[str]:
    """The lines of a file that are not blank.

    Raises
    ------
    OSError, ValueError
    """
    file = existing(path)
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise ValueError(f"{path} is no UTF-8 text") from None
    found = [line.strip() for line in lines if line.strip()]
    if not found:
        raise ValueError(f"{path} holds no sentence, expected one a line")
    return found
