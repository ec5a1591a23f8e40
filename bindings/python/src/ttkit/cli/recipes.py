"""The recipe of a command line: a file, the name of a built-in one, or one spec for all weights."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from ..recipe import Recipe
from .messages import existing, nearest

BUILTIN = ("default", "encoder")


def recipe_named(text: str) -> Recipe:
    """The recipe that `text` means.

    Raises
    ------
    OSError
        If it names a file that is not there or cannot be read.
    ValueError
        If it is malformed, or no such recipe is built in.
    """
    if text in BUILTIN:
        return Recipe.builtin(text)
    if os.path.isfile(text):  # False for names too long for a file
        return _loaded(Path(text))
    if text.endswith(".json") or text.endswith(os.sep):
        return _loaded(existing(text))
    return _everywhere(text)


def is_file(text: str) -> bool:
    """Whether `recipe_named` reads a file, which somebody wrote for a model."""
    return text not in BUILTIN and os.path.isfile(text)


def unmatched(recipe: Recipe, names: Iterable[str]) -> list[str]:
    """The patterns of a recipe that match none of the names."""
    known = list(names)
    return [pattern for pattern in json.loads(recipe.json)
            if not any(map(Recipe({pattern: "dense"}).spec, known))]


def quoted(patterns: list[str], verb: str) -> str:
    """The patterns as the beginning of a sentence, such as: pattern "a.*" matches."""
    many = len(patterns) > 1
    words = ", ".join(f'"{pattern}"' for pattern in patterns)
    return f"{'patterns' if many else 'pattern'} {words} {verb if many else verb + 'es'}"


def _loaded(path: Path) -> Recipe:
    try:
        return Recipe.load(path)
    except ValueError as error:
        said = str(error)
        raise ValueError(said if str(path) in said else f"{path}: {said}") from None


def _everywhere(spec: str) -> Recipe:
    """One spec for every weight that the default recipe compresses."""
    default = json.loads(Recipe.builtin("default").json)
    try:
        return Recipe({key: None if entry is None else spec for key, entry in default.items()})
    except ValueError as error:
        said = str(error).partition("spec, ")[2] or str(error)
        if spec.isidentifier():
            names = ", ".join(BUILTIN)
            raise ValueError(
                f"unknown recipe {spec}{nearest(spec, BUILTIN)} (expected a JSON file, a built-in "
                f"recipe ({names}), or a spec such as \"dense@int8(group=64)\")") from None
        raise ValueError(f"the recipe {spec!r} is no file and no spec: {said}") from None
