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
