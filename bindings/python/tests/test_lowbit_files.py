"""Codes of every storage: as the format describes them, and the same again from a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lowbit_support import CODEBOOKS, INTEGERS, STORAGES

import ttkit as tk

safetensors = pytest.importorskip("safetensors.numpy")
SHAPE = (7, 37)  # no width of codes ends with a byte


def unpacked(codes: np.ndarray, bits: int, width: int) -> np.ndarray:
    """Rows of codes, lowest bits first, as docs/format.md has them."""
    stream = np.unpackbits(codes.view(np.uint8), axis=1, bitorder="little")[:, : width * bits]
    return (stream.reshape(len(codes), width, bits).astype(np.int64) << np.arange(bits)).sum(-1)


def spread(values: np.ndarray, width: int, group: int | None) -> np.ndarray:
    """One value for each group as one for each element."""
    if values.size == 1:
        return np.broadcast_to(values.ravel(), (SHAPE[0], width))
    return np.repeat(values.reshape(SHAPE[0], -1), group or width, axis=1)[:, :width]


SHIFTED = [f"int{bits}(group=7, symmetric=false)" for bits in range(2, 9)]


@pytest.mark.parametrize("storage", INTEGERS + SHIFTED + CODEBOOKS)
def test_codes_areReadAsTheFormatSays(rng: np.random.Generator, storage: str) -> None:
    q = tk.quantize(rng.normal(size=SHAPE).astype(np.float32), storage)
    parts, width = q.parts, SHAPE[1]
    word = storage.split("group=")[-1].split(",")[0].rstrip(")")
    group = min(int(word), width) if word.isdigit() else None
    bits = int(storage[3]) if storage.startswith("int") else int(storage[6])
    if storage.startswith("int"):
        scales = spread(parts["scales"].astype(np.float32), width, group)
        zeros: np.ndarray | int = 2 ** (bits - 1)
        if "zeros" in parts:
            packed = unpacked(parts["zeros"], bits, parts["scales"].shape[-1])
            zeros = spread(packed, width, group)
        if parts["codes"].dtype == np.int8:  # eight bits, symmetric: the numbers themselves
            levels = parts["codes"].astype(np.int64)
        else:
            levels = unpacked(parts["codes"], bits, width) - zeros
        expected = levels.astype(np.float32) * scales
    else:
        codes, book = unpacked(parts["codes"], bits, width), parts["codebook"].astype(np.float32)
        books = np.arange(book.reshape(-1, 2**bits).shape[0]).reshape(book.shape[:-1])
        which = spread(books, width, group) if books.size > 1 else np.zeros(SHAPE, int)
        expected = book.reshape(-1, 2**bits)[which, codes]
    assert np.array_equal(q.dequantize(), expected)


def test_codes_comeBackFromAFile(tmp_path: Path, rng: np.random.Generator) -> None:
    """The bytes of codes, scales and codebooks; the layer that multiplies; and a file of the same bytes."""
    weights = {f"w{k}": rng.normal(size=SHAPE).astype(np.float32) for k in range(len(STORAGES))}
    recipe = {f"w{k}": "dense@" + storage for k, storage in enumerate(STORAGES)}
    safetensors.save_file(weights, tmp_path / "in.safetensors")
    with tk.compress(tmp_path / "in.safetensors", recipe, out=tmp_path / "out"):
        pass
    stored = safetensors.load_file(next((tmp_path / "out").glob("*.safetensors")))
    x = rng.normal(size=(3, SHAPE[1])).astype(np.float32)
    with tk.open(tmp_path / "out") as model:
        for k, storage in enumerate(STORAGES):
            weight = weights[f"w{k}"]
            for name, part in tk.quantize(weight, storage).parts.items():
                found = stored[f"w{k}.{name}.0"]
                assert found.dtype == part.dtype and np.array_equal(found, part), (storage, name)
            layer, fitted = model[f"w{k}"], tk.Linear.fit(weight, "dense@" + storage)
            assert isinstance(layer, tk.Linear) and layer.spec == fitted.spec
            assert np.array_equal(layer(x), fitted(x))
        model.save(tmp_path / "again")
    first = next((tmp_path / "out").glob("*.safetensors")).read_bytes()
    assert next((tmp_path / "again").glob("*.safetensors")).read_bytes() == first
