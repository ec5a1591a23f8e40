"""How builders of specs are spelled: a word and its settings in brackets."""

from __future__ import annotations

import operator
from dataclasses import fields
from typing import Any, SupportsIndex

from ._options import several


def spelled(value: Any, word: str) -> str:
    """The word with the fields of a dataclass that are given: ``low_rank(rank=64)``."""
    given = [(f.name, getattr(value, f.name)) for f in fields(value)]
    pairs = ", ".join(f"{name}={_value(v)}" for name, v in given if v is not None)
    return f"{word}({pairs})" if pairs else word


def group_of(group: SupportsIndex | str) -> str:
    """The setting of a group: ``group=64``, ``group=row``."""
    return f"group={group if isinstance(group, str) else operator.index(group)}"


def _value(value: object) -> str:
    if isinstance(value, str):
        return value
    entries = several(value)
    if entries is not None:
        return "x".join(str(operator.index(v)) for v in entries)
    if isinstance(value, float):
        return repr(value)
    return str(operator.index(value))  # type: ignore[arg-type]
