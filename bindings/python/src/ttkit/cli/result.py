"""What a command hands back: a document for programs, a text for people."""

from __future__ import annotations

import json
import math
from typing import NamedTuple, TypeAlias

Document: TypeAlias = dict[str, object]


class Result(NamedTuple):
    """The same facts twice."""

    document: Document
    text: str

    def json(self) -> str:
        """The document as JSON; numbers that JSON cannot hold become null."""
        return json.dumps(_plain(self.document), indent=2, allow_nan=False)


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
