"""Storages of few bits on input that is wrong or odd: a sentence, or a defined result."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from lowbit_support import CODEBOOKS, INTEGERS, VECTORS

import ttkit as tk

FAMILIES: list[Callable[[int], tk.Storage]] = [tk.Int, tk.KMeans, tk.Lloyd, tk.Pairs, tk.Quads]
SPECS = ["dense@int2(group=row)", "dense@int3(group=16)", "dense@int4(group=tensor)",
         "dense@int4(group=row, symmetric=false)", "dense@kmeans2", "dense@kmeans3(group=row)",
         "dense@kmeans4(group=32)", "dense@lloyd3", "dense@pairs4", "dense@quads4(group=row)",
         "rotation@int3(group=16)", "rotation@lloyd2", "kashin@kmeans3",
         "kashin(code=split)@int2(group=row)", "low_rank(rank=2)@float16 + dense@int3(group=row)"]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("bits", [-1, 0, 9, 64, 2**63, 2**70])
def test_bitsOutOfRange_areNamed(family: Callable[[int], tk.Storage], bits: int) -> None:
    with pytest.raises(ValueError, match="bits|storage|int2|kmeans1|lloyd1|pairs1|quads1|character"):
        tk.quantize(np.ones((2, 4), np.float32), family(bits))


def test_oneBit_isForCodebooksAlone() -> None:
    a = np.array([[1.0, 2.0, 1.0, 2.0]], np.float32)
    with pytest.raises(ValueError, match="int2"):
        tk.quantize(a, tk.Int(1))
    for family in (tk.KMeans, tk.Lloyd, tk.Pairs, tk.Quads):
        assert np.isfinite(tk.quantize(a, family(1)).dequantize()).all()
    assert np.array_equal(tk.quantize(a, tk.KMeans(1)).dequantize(), a)


@pytest.mark.parametrize("storage", ["int4(group=-1)", "int4(group=0)", f"int4(group={2**64})", "int4(group=x)",
                                     "kmeans2(group=0)", "lloyd2(group=4)", "pairs4(group=0)",
                                     "int4(bits=3)", "int(group=4)", "int4.5", "int4(symmetric=maybe)"])
def test_groupsAndSettings_thatAreNone_areRefused(storage: str) -> None:
    with pytest.raises(ValueError):
        tk.quantize(np.ones((2, 8), np.float32), storage)


@pytest.mark.parametrize("kind", ["int4(group={})", "int3(group={}, symmetric=false)", "kmeans2(group={})"])
def test_groupsThatDoNotDivide_leaveAShorterOne(rng: np.random.Generator, kind: str) -> None:
    a = rng.normal(size=(3, 13)).astype(np.float32)
    for group in [1, 5, 12, 13, 14, 2**20]:
        q = tk.quantize(a, kind.format(group))
        groups = -(-13 // min(group, 13))
        assert q.parts["scales" if "int" in kind else "codebook"].shape[:2] == (3, groups)
        for start in range(0, 13, min(group, 13)):
            piece = a[:, start : start + group]
            alone = tk.quantize(piece, kind.format("row"))
            assert np.array_equal(q.dequantize()[:, start : start + group], alone.dequantize())


@pytest.mark.parametrize("storage", INTEGERS + CODEBOOKS + VECTORS)
@pytest.mark.parametrize("values", [
    [0.0], [-2.5], [5e-45], [0.0] * 33, [3.0] * 33, [-1e30] * 33, [1e30, -1e30, 1.0, 0.0] * 9,
    [3.4e38, -3.4e38, 1e-45], [1e-42, -3e-43, 0.0] * 11, [1.0, 1.0, 2.0] * 11, [1.0] + [0.0] * 40])
def test_oddRows_haveAFiniteResult(storage: str, values: list[float]) -> None:
    """No worse than storing nothing; what is constant or a few values is kept where that can be."""
    a = np.stack([values, values]).astype(np.float32)
    q = tk.quantize(a, storage)
    found = q.dequantize()
    assert np.isfinite(found).all() and 0 <= q.error <= 1
    assert np.array_equal(found[0], found[1]) or storage in VECTORS
    if storage.startswith("int"):
        assert (found[a == 0] == 0).all()  # zero is on every grid
    # 2^-9: scales and codebooks of 11 bits; below them denormals have fewer.
    small = 1e-44
    if len(set(values)) == 1:
        assert np.abs(found - a).max() <= 2.0**-9 * np.abs(a).max() + small
    if storage.startswith("kmeans") and len(set(values)) <= 2 ** int(storage[6]):
        scale = np.abs(a).max(axis=1, keepdims=True)
        assert (np.abs(found - a) <= 2.0**-9 * scale + small).all()


@pytest.mark.parametrize("storage", INTEGERS + CODEBOOKS + VECTORS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nonFiniteNumbers_areRefused(storage: str, bad: float) -> None:
    a = np.ones((4, 40), np.float32)
    a[3, 39] = bad
    with pytest.raises(ValueError, match="NaN or infinity"):
        tk.quantize(a, storage)
    with pytest.raises(ValueError, match="NaN or infinity"):
        tk.Linear.fit(a, "dense@" + storage)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(arrays(np.float32, st.tuples(st.integers(1, 5), st.integers(1, 40)), elements=st.one_of(
           st.just(0.0), st.floats(-2.0**99, 2.0**99, width=32, allow_subnormal=False),
           st.floats(-1, 1, width=32, allow_subnormal=False))),
       st.sampled_from(INTEGERS))
def test_zeros_stayZero_andErrorsWithinTheRange(a: np.ndarray, storage: str) -> None:
    """A grid chosen by squared error may clip, but never loses more than rounding all to zero does."""
    q = tk.quantize(a, storage)
    found = q.dequantize()
    assert (found[a == 0] == 0).all()
    assert np.linalg.norm((found - a).astype(np.float64)) <= np.linalg.norm(a.astype(np.float64)) * (1 + 1e-6)


@pytest.mark.parametrize("deviations", [35, 42])
@pytest.mark.parametrize("storage", ["int4(group=row)", "int4(group=row, symmetric=false)", "int3(group=row)",
                                     "int4(group=64)", "int4(group=tensor)", "kmeans4", "kmeans4(group=row)"])
def test_rowsOfFortyDeviations_keepTheirSums(
    rng: np.random.Generator, storage: str, deviations: int
) -> None:
    """A regression: a grid without a zero rounded nearly all weights of such rows the same way."""
    weight = rng.normal(size=(32, 1536)).astype(np.float32) * 0.02
    weight[::2, 700] = 0.02 * deviations
    weight[1::2, 300] = -0.02 * deviations
    rest = tk.Linear.fit(weight, "dense@" + storage).dense().astype(np.float64) - weight
    coherent = np.abs(rest.sum(axis=1)) / np.sqrt((rest * rest).sum(axis=1))
    # Of unrelated errors: a random walk. Of one sign: sqrt(1536), 39.
    assert coherent.max() <= 5


@pytest.mark.parametrize("spec", SPECS)
def test_momentsOfFewOrStrangeInputs_areDefined(rng: np.random.Generator, spec: str) -> None:
    """Of rank 0, 1 and 3, huge, tiny, and with columns never used."""
    weight = rng.normal(size=(12, 48)).astype(np.float32)
    plain = tk.Linear.fit(weight, spec).error
    rows = rng.normal(size=(100, 48))
    dead = rows.copy()
    dead[:, ::3] = 0
    for inputs in (np.ones((1, 48)), np.zeros((5, 48)), np.eye(48)[:3], rows[:3], rows * 1e100, dead,
                   rows * 1e-150):
        layer = tk.Linear.fit(weight, spec, inputs=inputs)
        assert np.isfinite(layer.dense()).all()
        # Compensation moves weights where inputs do not look, within the damping.
        assert layer.error <= 3 * plain + 0.1
    if "+" not in spec:  # low rank without a metric is any low rank
        assert tk.Linear.fit(weight, spec, inputs=np.zeros((5, 48))).error <= 1.02 * plain


@pytest.mark.parametrize("spec", SPECS)
def test_momentsThatDoNotFit_areRefused(spec: str) -> None:
    weight = np.ones((4, 32), np.float32)
    for inputs in (np.ones((9, 31)), np.ones((9, 33)), np.ones((0, 32)), np.full((9, 32), np.nan),
                   -np.eye(32)):
        with pytest.raises(ValueError):
            tk.Linear.fit(weight, spec, inputs=inputs)


@pytest.mark.parametrize("spec", [s for s in SPECS if "dense" not in s] + ["rotation(transform=dct)@int4(group=16)"])
@pytest.mark.parametrize("compute", ["float32", "int8"])
def test_rowsOfInputs_knowNothingOfEachOther(rng: np.random.Generator, spec: str, compute: str) -> None:
    """NaN, infinity and a huge row leave the rows beside them as they were, to rounding."""
    layer = tk.Linear.fit(rng.normal(size=(12, 48)).astype(np.float32), spec)
    for rows in (2, 3, 9):
        try:
            plan = layer.prepare(rows, compute=compute, memory_limit=4 * 12 * 48 - 1)
        except ValueError:
            continue  # not held as codes, or too small a limit
        x = rng.normal(size=(rows, 48)).astype(np.float32)
        y = plan(x)
        for bad in (np.nan, np.inf, 1e30):
            for r in range(rows):
                z = x.copy()
                z[r] = bad
                found = plan(z)[np.arange(rows) != r]
                # A rounding of the transform may move an activation to the next of 255 levels.
                step = 0.05 if compute == "int8" else 1e-4
                assert np.abs(found - y[np.arange(rows) != r]).max() <= step * np.abs(y).max()


@pytest.mark.parametrize("storage", ["kmeans2", "kmeans4", "kmeans4(group=32)", "kmeans2(group=row)"])
@pytest.mark.parametrize("size", [1e-45, 1e-43, 2.6e-43, 1e-38, 1e33])
def test_codebooksAtTheEndsOfTheRange_haveRoundedPlans(
    rng: np.random.Generator, storage: str, size: float,
) -> None:
    """A scale of few subnormal units holds no levels; what remains of such weights is below every output."""
    weight = (rng.uniform(-1, 1, (8, 64)) * size).astype(np.float32)
    layer = tk.Linear.fit(weight, "dense@" + storage)
    x = rng.uniform(-1, 1, (4, 64)).astype(np.float32)
    exact = x.astype(np.float64) @ layer.dense().astype(np.float64).T
    found = layer.prepare(4, compute="int8")(x)
    assert np.abs(found - exact).max() <= 64 * max(0.1 * size, 1e-36)


@pytest.mark.parametrize("storage", ["kmeans4", "kmeans3(group=32)", "kmeans2(group=row)"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_codebooksOfFiles_thatAreNotFinite_endNothing(
    tmp_path: Path, rng: np.random.Generator, storage: str, bad: float,
) -> None:
    weight = rng.normal(size=(8, 64)).astype(np.float32)
    tk.compress({"a.weight": weight}, {"a.weight": "dense@" + storage}).save(tmp_path / "m")
    path = next((tmp_path / "m").glob("*.safetensors")) if (tmp_path / "m").is_dir() else tmp_path / "m"
    data = bytearray(path.read_bytes())
    length = int.from_bytes(data[:8], "little")
    entry = json.loads(data[8:8 + length])["a.weight.codebook.0"]
    values = np.frombuffer(data, {"F16": np.float16, "F32": np.float32}[entry["dtype"]],
                           offset=8 + length)  # a view of the file's bytes
    values[entry["data_offsets"][0] // values.itemsize] = bad
    path.write_bytes(data)
    layer = tk.open(tmp_path / "m", checksums=False)["a.weight"]
    for compute in ("float32", "int8"):
        found = layer.prepare(4, compute=compute)(np.ones((4, 64), np.float32))
        assert not np.isfinite(found).all()
