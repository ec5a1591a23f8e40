"""Monarch, block tensor train, Kronecker, CP and Tucker layers agree with NumPy."""

from __future__ import annotations

import math

import numpy as np
import pytest

import ttkit as tk

ROWS, COLUMNS = (4, 6), (3, 5)  # a weight of shape (24, 15)

# Each format, a NumPy equation of its cores for factors (a, b) and (c, e), and core shapes that
# make a weight the format holds exactly.
EXACT = [
    (tk.Monarch(3), "abcs,sbce->abce", [(8, 3, 3, 1), (1, 3, 3, 5)]),
    (tk.BlockTensorTrain(ROWS, COLUMNS, 2), "abcs,sbce->abce", [(4, 6, 3, 2), (2, 6, 3, 5)]),
    (tk.Kronecker(ROWS, COLUMNS), "ac,be->abce", [(4, 3), (6, 5)]),
    (tk.CP(ROWS, COLUMNS, 2), "ar,br,cr,er->abce", [(4, 2), (6, 2), (3, 2), (5, 2)]),
    (tk.TuckerLinear(ROWS, COLUMNS, (2, 3, 2, 3)), "pqrs,ap,bq,cr,es->abce",
     [(2, 3, 2, 3), (4, 2), (6, 3), (3, 2), (5, 3)]),
    (tk.HierarchicalTucker(ROWS, COLUMNS, 3), "uv,pqu,ap,bq,rsv,cr,es->abce",
     [(3, 3), (3, 3, 3), (4, 3), (6, 3), (3, 3, 3), (3, 3), (5, 3)]),
    (tk.TokenTrain(COLUMNS, 2), "iacb,ibed->ice", [(24, 1, 3, 2), (24, 2, 5, 1)]),
]
NAMES = [type(format).__name__ for format, _, _ in EXACT]


@pytest.mark.parametrize(
    ("given", "spec"),
    [
        (tk.Monarch(np.int64(4)), "monarch(blocks=4)"),
        (tk.BlockTensorTrain((2, 3), (4, 5), 6),
         "block_tensor_train(rows=2x3, columns=4x5, rank=6)"),
        (tk.BlockTensorTrain((2, 3, 2), (4, 5, 2), (6, 7), rtol=0.5),
         "block_tensor_train(rows=2x3x2, columns=4x5x2, rank=6x7, rtol=0.5)"),
        (tk.Kronecker((2, 3), (4, 5)), "kronecker(rows=2x3, columns=4x5)"),
        (tk.CP((2, 3), (4, 5), 6), "cp(rows=2x3, columns=4x5, rank=6)"),
        (tk.TuckerLinear((2, 3), (4, 5), 2), "tucker(rows=2x3, columns=4x5, rank=2)"),
        (tk.HierarchicalTucker((2, 3), (4, 5), 2),
         "hierarchical_tucker(rows=2x3, columns=4x5, rank=2)"),
        (tk.TokenTrain((4, 5), 2), "token_train(shape=4x5, rank=2)"),
        (tk.Monarch(4) @ tk.Int(8, group=8) + tk.LowRank(2) @ "float32",
         "monarch(blocks=4)@int8(group=8) + low_rank(rank=2)@float32"),
    ],
)
def test_format_asString_isItsSpec(given: tk.Format, spec: str) -> None:
    assert str(given) == spec


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("format", "equation", "shapes"), EXACT, ids=NAMES)
def test_fit_weightOfTheFormat_isExact(
    format: tk.Format, equation: str, shapes: list[tuple[int, ...]], dtype: type,
    rng: np.random.Generator,
) -> None:
    weight = np.einsum(equation, *(rng.normal(size=s) for s in shapes)).reshape(24, 15)
    weight, bias = weight.astype(dtype), rng.normal(size=24).astype(dtype)
    layer = tk.Linear.fit(weight, format, bias=bias)
    tolerance = 1e-4 if dtype is np.float32 else 1e-7  # CP and Tucker iterate
    size = np.linalg.norm(weight)
    assert layer.error <= tolerance
    assert np.linalg.norm(layer.dense() - weight) <= tolerance * size
    x = rng.normal(size=(11, 15)).astype(dtype)
    expected = x @ weight.T + bias
    assert np.abs(layer(x) - expected).max() <= 10 * tolerance * np.linalg.norm(expected)
    assert layer.dtype == dtype and layer.spec.startswith(str(format).split("(")[0])


@pytest.mark.parametrize(("format", "equation", "shapes"), EXACT, ids=NAMES)
def test_fit_anyWeight_callIsDenseAndErrorIsTrue(
    format: tk.Format, equation: str, shapes: list[tuple[int, ...]], rng: np.random.Generator
) -> None:
    weight = rng.normal(size=(24, 15))
    layer = tk.Linear.fit(weight, format)
    dense = layer.dense()
    assert layer.error == pytest.approx(
        np.linalg.norm(dense - weight) / np.linalg.norm(weight), rel=1e-9)
    assert 0 < layer.error < 1
    built = np.einsum(equation, *layer.cores).reshape(24, 15)
    assert np.allclose(built, dense, rtol=0, atol=1e-12)
    for rows in (1, 2, 9):
        x = rng.normal(size=(rows, 15))
        assert np.allclose(layer(x), x @ dense.T, rtol=0, atol=1e-11)
        assert np.array_equal(layer(x, threads=1), layer(x, threads=4))


@pytest.mark.parametrize(("format", "equation", "shapes"), EXACT, ids=NAMES)
def test_fromCores_ofTheEquation_isTheirWeight(
    format: tk.Format, equation: str, shapes: list[tuple[int, ...]], rng: np.random.Generator
) -> None:
    cores = [rng.normal(size=shape) for shape in shapes]
    layer = tk.Linear.from_cores(format, cores, in_features=15, out_features=24)
    weight = np.einsum(equation, *cores).reshape(24, 15)
    assert np.allclose(layer.dense(), weight, rtol=0, atol=1e-11)
    x = rng.normal(size=(5, 15))
    assert np.allclose(layer(x), x @ weight.T, rtol=0, atol=1e-10)
    assert layer.nbytes == 8 * sum(math.prod(shape) for shape in shapes)
    assert math.isnan(layer.error)


@pytest.mark.parametrize("format", [
    tk.Monarch(4), tk.Monarch(0), tk.Kronecker((4, 6), (3, 4)), tk.Kronecker((24,), (3, 5)),
    tk.BlockTensorTrain((24,), (15,), 2), tk.BlockTensorTrain((4, 5), (3, 5), 2),
    tk.CP((4, 6), (3, 4), 2), tk.CP((4, 6), (3, 5), 0), tk.TuckerLinear((4, 6), (3, 5), (2, 2)),
], ids=str)
def test_fit_formatThatDoesNotFit_isAValueError(format: tk.Format) -> None:
    with pytest.raises(ValueError):
        tk.Linear.fit(np.ones((24, 15)), format)


def test_fit_monarchThatDoesNotDivide_namesTheNearest() -> None:
    with pytest.raises(ValueError, match="nearest that does is"):
        tk.Linear.fit(np.ones((24, 15)), tk.Monarch(4))


@pytest.mark.parametrize("rtol", [-0.1, 1.5, float("nan")])
def test_format_rtolOutOfRange_isAValueError(rtol: float) -> None:
    for format in (tk.BlockTensorTrain, tk.TuckerLinear):
        with pytest.raises(ValueError, match="rtol is"):
            format((2, 2), (2, 2), 2, rtol=rtol)


def test_blockTensorTrain_ofThreeCores_isItsEquation(rng: np.random.Generator) -> None:
    """Each core shares nothing over the digits it passes by (papers: general BTT)."""
    format = tk.BlockTensorTrain((2, 3, 4), (3, 2, 5), (2, 3))
    shapes = [(2, 3, 4, 3, 2), (2, 3, 4, 3, 2, 3), (3, 4, 3, 2, 5)]
    cores = [rng.normal(size=shape) for shape in shapes]
    weight = np.einsum("abcxs,sbcxyt,tcxyz->abcxyz", *cores).reshape(24, 30)
    layer = tk.Linear.from_cores(format, cores, in_features=30, out_features=24)
    assert np.allclose(layer.dense(), weight, rtol=0, atol=1e-12)
    fitted = tk.Linear.fit(weight, format)
    assert fitted.error <= 1e-12 and [core.shape for core in fitted.cores] == shapes
    x = rng.normal(size=(7, 30))
    assert np.allclose(fitted(x), x @ weight.T, rtol=0, atol=1e-10)
    random = rng.normal(size=(24, 30))
    errors = [tk.Linear.fit(random, tk.BlockTensorTrain((2, 3, 4), (3, 2, 5), r)).error
              for r in (1, 2, 4, 10)]
    assert errors == sorted(errors, reverse=True) and errors[-1] <= 1e-12


def test_blockTensorTrain_fit_reachesTheOptimum(rng: np.random.Generator) -> None:
    """The sum of what the SVDs of all blocks discard, within 1e-5 in float32."""
    for spread in (0.0, 0.3, 3.0):
        w = rng.normal(size=(96, 80)) * np.exp(spread * rng.normal(size=(1, 80)))
        w = w.astype(np.float32)
        blocks = w.reshape(12, 8, 8, 10).transpose(1, 2, 0, 3).reshape(64, 12, 10)
        s = np.linalg.svd(blocks.astype(np.float64), compute_uv=False)
        for rank in (1, 3, 9, 10):
            best = np.sqrt((s[:, rank:] ** 2).sum()) / np.linalg.norm(w)
            layer = tk.Linear.fit(w, tk.BlockTensorTrain((12, 8), (8, 10), rank))
            assert layer.error == pytest.approx(best, rel=1e-5, abs=1e-6)


def test_vggLayer_ofRanks4_has2016Parameters() -> None:
    """The first dense layer of VGG-16 (Tensorizing Neural Networks, table 2)."""
    format = tk.TrainMatrix(rows=(4,) * 6, columns=(2, 7, 8, 8, 7, 4), rank=4)
    layer = tk.Linear.initialize(format, 25088, 4096)
    assert sum(core.size for core in layer.cores) == 2016 and layer.nbytes == 4 * 2016


INITIALIZED = [
    "dense", "low_rank(rank=24)", "train(rows=12x16, columns=16x10, rank=20)",
    "train_matrix(rows=12x16, columns=16x10, rank=20)", "kronecker(rows=12x16, columns=16x10)",
    "cp(rows=12x16, columns=16x10, rank=40)", "tucker(rows=12x16, columns=16x10, rank=8)",
    "hierarchical_tucker(rows=12x16, columns=16x10, rank=8)", "monarch(blocks=4)",
    "block_tensor_train(rows=12x16, columns=16x10, rank=3)", "token_train(shape=16x10, rank=4)",
    "low_rank(rank=24) + dense",
]


@pytest.mark.parametrize("spec", INITIALIZED)
def test_initialize_startsWithTheRightVariance(spec: str) -> None:
    """The mean over seeds of the squared entries, against the rule of the format."""
    rows, columns = 192, 160
    draws = [
        tk.Linear.initialize(spec, columns, rows, seed=seed, dtype=np.float64) for seed in range(24)]
    found = np.mean([np.mean(layer.dense() ** 2) for layer in draws])
    glorot = 2 / (rows + columns)
    own = {  # products of the deviations of the dense blocks, times the terms of the bond
        "low_rank(rank=24)": 24 * (24 / 160 / 160) * (1 / 24),
        "monarch(blocks=4)": 10 * (1 / 40) * (1 / 40),
        "block_tensor_train(rows=12x16, columns=16x10, rank=3)": 3 * (1 / 10) * (12 / 48) / 48,
        "low_rank(rank=24) + dense": (24 * (24 / 160 / 160) * (1 / 24) + glorot) / 2,
    }
    # Products of few Gaussians have heavy tails: a factor of 2, where a wrong rule is off by more.
    assert found == pytest.approx(own.get(spec, glorot), rel=0.5)
    again = tk.Linear.initialize(spec, columns, rows, seed=3, dtype=np.float64)
    assert all(np.array_equal(a, b) for a, b in zip(again.cores, draws[3].cores, strict=True))
    assert not np.array_equal(draws[3].cores[0], draws[4].cores[0])


def test_initialize_takesBiasStorageAndDtype() -> None:
    layer = tk.Linear.initialize(tk.LowRank(2), 6, 4, bias=True, storage="int8(group=row)")
    assert layer.dtype == "float32" and layer.spec == "low_rank(rank=2)@int8(group=row)"
    assert layer.bias is not None and not layer.bias.any() and np.isnan(layer.error)
    emb = tk.Embedding.initialize(tk.TokenTrain((2, 3), 2), 10, 6, dtype=np.float64, seed=2**64 - 1)
    assert emb([3]).shape == (1, 6) and emb.dtype == "float64"
    with pytest.raises(TypeError, match="expected float32 or float64"):
        tk.Linear.initialize(tk.LowRank(2), 6, 4, dtype=np.float16)
    with pytest.raises(ValueError, match="seed"):
        tk.Linear.initialize(tk.LowRank(2), 6, 4, seed=-1)
    with pytest.raises(ValueError, match="nearest factors are 3x2"):
        tk.Linear.initialize(tk.TrainMatrix((2, 2), (2, 2), 2), 6, 4)


@pytest.mark.parametrize(("spec", "message"), [
    ("token_train(shape=2x2, rank=2)", "nearest factors are 5x3"),
    ("token_train(rank=2)", "needs shape"),
    ("token_train(shape=3x5, rtol=0.1)", "rtol"),
    ("hierarchical_tucker(rows=4x6, columns=3x4, rank=2)", "nearest factors are 5x3"),
    ("hierarchical_tucker(rows=4x6, columns=3x5, rank=2x2)", "6"),
])
def test_newFormats_thatDoNotFit_nameTheNearest(
    spec: str, message: str, rng: np.random.Generator
) -> None:
    with pytest.raises(ValueError, match=message):
        tk.Linear.fit(rng.normal(size=(24, 15)), spec)


def test_tokenTrain_needsMoreNumbersThanASharedTable(rng: np.random.Generator) -> None:
    """Rows that share structure: one train for all rows beats a train a row at equal error."""
    shared = rng.normal(size=(20, 4)) @ rng.normal(size=(4, 24))
    alone = tk.Embedding.fit(shared, tk.TokenTrain((4, 6), 2))
    together = tk.Embedding.fit(shared, tk.TrainMatrix((4, 5), (4, 6), 40))
    assert alone.error > 1e-3 > 1e-12 >= tk.Embedding.fit(shared, tk.LowRank(4)).error
    assert together.error <= 1e-12
    ids = rng.integers(0, 20, 50)
    for emb in (alone, together):
        assert np.allclose(emb(ids), emb.dense()[ids], rtol=0, atol=1e-12)


@pytest.mark.parametrize("spec", [
    "hierarchical_tucker(rows=4x6, columns=3x5, rank=2)", "token_train(shape=3x5, rank=2)",
    "block_tensor_train(rows=2x3x4, columns=3x5x1, rank=2)"])
def test_newFormats_surviveAModelFile(spec: str, rng: np.random.Generator, tmp_path: object) -> None:
    model = tk.compress({"w": rng.normal(size=(24, 15)).astype(np.float32)},
                        tk.Recipe({"w": f"{spec}@int8(group=row)"}))
    model.save(f"{tmp_path}/m.safetensors")
    again = tk.open(f"{tmp_path}/m.safetensors")
    assert again["w"].spec == model["w"].spec
    assert np.array_equal(again["w"].dense(), model["w"].dense())
