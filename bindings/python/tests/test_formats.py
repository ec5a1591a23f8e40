"""Formats and storages spell spec strings."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import ttkit as tk
from ttkit.formats import spec_of


@pytest.mark.parametrize(
    ("given", "spec"),
    [
        (tk.Dense(), "dense"),
        (tk.LowRank(64), "low_rank(rank=64)"),
        (tk.LowRank(np.int64(64)), "low_rank(rank=64)"),
        (tk.LowRank(64, rtol=1e-3), "low_rank(rank=64, rtol=0.001)"),
        (tk.TrainLinear((8, 8), (4, 16), 8), "train(rows=8x8, columns=4x16, rank=8)"),
        (tk.TrainMatrix((2, 3), (4, 5), (6,)), "train_matrix(rows=2x3, columns=4x5, rank=6)"),
        (tk.TrainMatrix((2, 3, 2), (4, 5, 1), (6, 7)),
         "train_matrix(rows=2x3x2, columns=4x5x1, rank=6x7)"),
        (tk.LowRank(4) @ tk.Float16(), "low_rank(rank=4)@float16"),
        (tk.Dense() @ "int8(group=32)", "dense@int8(group=32)"),
        (tk.Sum(tk.LowRank(4), tk.Dense() @ tk.Int(8, group=64)),
         "low_rank(rank=4) + dense@int8(group=64)"),
        (tk.LowRank(4) + tk.Dense(), "low_rank(rank=4) + dense"),
    ],
)
def test_format_asString_isItsSpec(given: tk.Format, spec: str) -> None:
    assert str(given) == spec


@pytest.mark.parametrize(
    ("storage", "spec"),
    [
        (tk.Float64(), "float64"), (tk.Float32(), "float32"), (tk.Float16(), "float16"),
        (tk.BFloat16(), "bfloat16"), (tk.Int(8), "int8"), (tk.Int(8, group=64), "int8(group=64)"),
        (tk.Int(2, group="row"), "int2(group=row)"), (tk.KMeans(4), "kmeans4"),
        (tk.Int(4, symmetric=False), "int4(symmetric=false)"),
        (tk.KMeans(3, group=16), "kmeans3(group=16)"),
    ],
)
def test_storage_asString_isItsSpec(storage: tk.Storage, spec: str) -> None:
    assert str(storage) == spec


def test_spec_sumWithStorage_storesEachTerm() -> None:
    given = tk.Sum(tk.LowRank(4), tk.Dense())
    assert spec_of(given, tk.Int(8)) == "low_rank(rank=4)@int8 + dense@int8"


def test_spec_storageTwice_isRefused() -> None:
    with pytest.raises(ValueError, match="names a storage already"):
        spec_of(tk.Dense() @ tk.Float16(), tk.Float32())


def test_spec_stringOfTermsWithStorage_isRefused() -> None:
    with pytest.raises(ValueError, match="several terms"):
        spec_of("dense + dense", "float16")


@pytest.mark.parametrize("given", [None, 3, b"dense"])
def test_spec_neitherFormatNorString_isATypeError(given: object) -> None:
    with pytest.raises(TypeError, match="expected a format or a spec string"):
        spec_of(given)  # type: ignore[arg-type]


def test_format_changed_isRefused() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        tk.LowRank(4).rank = 5  # type: ignore[misc]


def test_formats_ofTheSameFields_areEqual() -> None:
    assert tk.LowRank(4) == tk.LowRank(4) != tk.LowRank(5)
    assert len({tk.Dense(), tk.Dense()}) == 1
