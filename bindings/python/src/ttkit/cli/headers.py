"""The dtype of each weight, read from the headers of a model's files and from nothing else.

Only for files that `tk.open` has accepted: nothing is checked again.
"""

from __future__ import annotations

import json
from pathlib import Path

_NAMES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64",
    "I32": "int32", "I16": "int16", "I8": "int8", "U64": "uint64", "U32": "uint32", "U16": "uint16",
    "U8": "uint8", "BOOL": "bool", "C64": "complex64",
}
_INDEX = "model.safetensors.index.json"


def model_files(path: Path) -> list[Path]:
    """The safetensors files of a model: its own, those of an index or of a folder."""
    if path.is_dir():
        if (path / "model.safetensors").exists():
            return [path / "model.safetensors"]
        if not (path / _INDEX).exists():
            return sorted(path.glob("*.safetensors"))
        path = path / _INDEX
    if path.suffix != ".json":
        return [path]
    placed: dict[str, str] = json.loads(path.read_text("utf-8"))["weight_map"]
    return [path.parent / name for name in sorted(set(placed.values()))]


def dtypes(path: Path) -> dict[str, str]:
    """The dtype of each weight and tensor, of the original where it is compressed."""
    result: dict[str, str] = {}
    for file in model_files(path):
        for name, entry in _header(file).items():
            if name == "__metadata__":
                manifest = json.loads(entry.get("ttkit", "{}"))
                for weight, about in manifest.get("weights", {}).items():
                    result[weight] = about.get("dtype", "")
            else:
                result[name] = _NAMES.get(str(entry["dtype"]), str(entry["dtype"]).lower())
    return result


def _header(file: Path) -> dict[str, dict[str, str]]:
    with open(file, "rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        header: dict[str, dict[str, str]] = json.loads(stream.read(length))
    return header
