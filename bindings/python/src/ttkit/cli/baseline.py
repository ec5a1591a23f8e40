"""What a weight would take as a plain matrix, in the storage its cores have."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from ..report import WeightReport

_FLOATS = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}
_STORAGE = re.compile(r"@(\w+)(?:\(group=(\d+)\))?")
_SCALE_NBYTES = 2
_GROUP = 64


class DenseForm(NamedTuple):
    """A spec without structure, and the bytes it takes."""

    spec: str
    nbytes: int


def dense_form(weight: WeightReport) -> DenseForm | None:
    """The dense form of a compressed weight; in the widest storage where its terms differ.

    None for a weight that is not compressed, is dense, or has a storage we do not know.
    """
    spec = weight.spec
    if spec is None or len(weight.shape) != 2 or re.fullmatch(r"dense@[^+]*", spec):
        return None
    forms = [_form(weight.shape, *match.groups()) for match in _STORAGE.finditer(spec)]
    known = [form for form in forms if form is not None]
    return max(known, key=lambda form: form.nbytes) if known and len(known) == len(forms) else None


def _form(shape: tuple[int, ...], storage: str, group: str | None) -> DenseForm | None:
    count = math.prod(shape)
    if storage in _FLOATS:
        return DenseForm(f"dense@{storage}", count * _FLOATS[storage])
    if storage == "int8":
        width = int(group) if group else _GROUP
        scales = shape[0] * -(-shape[1] // width) * _SCALE_NBYTES
        return DenseForm(f"dense@int8(group={width})", count + scales)
    return None
