"""Files, read as docs/format.md describes them: by safetensors and a few lines, without our reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ROOT

safetensors = pytest.importorskip("safetensors")

GOLDEN = ROOT / "Tests" / "Golden" / "v1"
DTYPES = {"float64": "F64", "float32": "F32", "float16": "F16", "int8": "I8", "uint16": "U16"}


def crc32c(data: bytes, crc: int = 0) -> int:
    """CRC-32C, bit by bit."""
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any], dict[str, str]]:
    """Tensors, our description, all metadata."""
    with safetensors.safe_open(path, "np") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    return tensors, json.loads(metadata["ttkit"]), metadata


@pytest.mark.parametrize("name", ["model", "train", "train_matrix"])
def test_file_checksums_areAsDescribed(name: str) -> None:
    tensors, manifest, metadata = read(GOLDEN / f"{name}.safetensors")
    assert manifest["format_version"] == 1 and manifest["kind"] == name
    assert set(manifest["crc32c"]) == set(tensors)
    for tensor, crc in manifest["crc32c"].items():
        assert f"{crc32c(tensors[tensor].tobytes()):08x}" == crc
    text = metadata["ttkit"]
    for tensor in sorted(tensors, key=str.encode):
        values = tensors[tensor]
        shape = ",".join(map(str, values.shape))
        text += f"{tensor} {DTYPES[values.dtype.name]} [{shape}]\n"
    assert metadata["ttkit_crc32c"] == f"{crc32c(text.encode()):08x}"


@pytest.mark.parametrize("name", ["model", "train", "train_matrix"])
def test_file_tensors_beginAtMultiplesOfTheirSize(name: str) -> None:
    content = (GOLDEN / f"{name}.safetensors").read_bytes()
    length = int.from_bytes(content[:8], "little")
    assert length % 8 == 0
    header = json.loads(content[8 : 8 + length])
    sizes = {"F64": 8, "F32": 4, "F16": 2, "U16": 2, "I8": 1}
    for tensor, entry in header.items():
        if tensor != "__metadata__":
            assert entry["data_offsets"][0] % sizes[entry["dtype"]] == 0


def test_modelFile_cores_makeTheExpectedMatrices() -> None:
    tensors, manifest, _ = read(GOLDEN / "model.safetensors")
    expected = json.loads((GOLDEN / "model.json").read_text())
    wide = {name: values.astype(np.float64) for name, values in tensors.items()}

    table = np.einsum(
        "aicb,bjdz->ijcd", wide["word_embeddings.weight.core.0"],
        wide["word_embeddings.weight.core.1"]).reshape(12, 8)[:10]
    codes, scales = wide["layer.0.weight.codes.2"], wide["layer.0.weight.scales.2"]
    linear = wide["layer.0.weight.core.0"] @ wide["layer.0.weight.core.1"]
    linear += codes * np.repeat(scales, 4, axis=1)[:, : codes.shape[1]]
    for name, found in [("word_embeddings.weight", table), ("layer.0.weight", linear)]:
        weight = expected[name]
        assert manifest["weights"][name]["shape"] == weight["shape"] == list(found.shape)
        assert manifest["weights"][name]["spec"] == weight["spec"]
        assert np.allclose(found.ravel(), weight["values"], rtol=0, atol=1e-6)
    assert manifest["weights"]["head.weight"] == {
        "kind": "linear", "tied": "word_embeddings.weight"}
