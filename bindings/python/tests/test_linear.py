"""Linear layers against dense products of NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import ttkit as tk

FORMATS: list[tk.Format | str] = [
    tk.Dense(), tk.LowRank(5), tk.TrainLinear((4, 3), (2, 7), 6), tk.TrainMatrix((4, 3), (2, 7), 6),
    tk.Sum(tk.LowRank(3), tk.Dense() @ tk.Int(8, group=7)), "low_rank(rank=5)@float16",
    "dense@int8(group=7)", "dense@bfloat16",
]
DTYPES = ["float32", "float64"]


def near(found: np.ndarray, x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None) -> None:
    """Within the rounding error of products summed in float32 or float64."""
    wide = np.asarray(x, float) @ np.asarray(weight, float).T
    bound = np.abs(np.asarray(x, float)) @ np.abs(np.asarray(weight, float)).T
    if bias is not None:
        wide, bound = wide + bias, bound + np.abs(bias)
    # Cores may be several times as large as the weight they multiply to.
    eps = 64 * np.sqrt(x.shape[-1]) * np.finfo(found.dtype).eps
    assert np.all(np.abs(found - wide) <= eps * (bound + np.abs(bound).max(initial=0)))


@pytest.fixture
def layer(rng: np.random.Generator) -> tk.Linear:
    weight = rng.normal(size=(12, 14)).astype(np.float32)
    return tk.Linear.fit(weight, tk.LowRank(5), bias=rng.normal(size=12).astype(np.float32))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", FORMATS, ids=str)
def test_layer_ofEachFormat_computesWithItsDenseWeight(
    rng: np.random.Generator, form: tk.Format | str, dtype: str
) -> None:
    weight, bias = rng.normal(size=(12, 14)).astype(dtype), rng.normal(size=12).astype(dtype)
    layer = tk.Linear.fit(weight, form, bias=bias)
    dense = layer.dense()
    assert (layer.in_features, layer.out_features, dense.shape) == (14, 12, (12, 14))
    assert np.array_equal(layer.bias, bias.astype(layer.dtype))
    error = np.linalg.norm(dense.astype(float) - weight) / np.linalg.norm(weight)
    assert layer.error == pytest.approx(error, abs=1e-5)
    for rows in (1, 2, 3, 15, 16, 17, 65):
        x = rng.normal(size=(rows, 14)).astype(layer.dtype)
        y = layer(x)
        assert y.dtype == layer.dtype
        near(y, x, dense, bias)


def test_layer_anyLeadingDimensions_areKept(rng: np.random.Generator, layer: tk.Linear) -> None:
    x = rng.normal(size=(2, 3, 4, 14)).astype(np.float32)
    y = layer(x)
    assert y.shape == (2, 3, 4, 12)
    # Products of different row counts may take different paths through the same cores.
    assert np.allclose(y[1, 2], layer(x[1, 2]), rtol=0, atol=1e-5)
    assert np.allclose(y[1, 2, 3], layer(x[1, 2, 3]), rtol=0, atol=1e-5)


@pytest.mark.parametrize("shape", [(0, 14), (3, 0, 14), (0, 5, 14)])
def test_layer_noRows_givesNone(layer: tk.Linear, shape: tuple[int, ...]) -> None:
    assert layer(np.empty(shape, np.float32)).shape == (*shape[:-1], 12)
    assert layer.prepare(4)(np.empty(shape, np.float32)).shape == (*shape[:-1], 12)


def test_layer_anyThreads_giveTheSameBits(rng: np.random.Generator, layer: tk.Linear) -> None:
    x = rng.normal(size=(200, 14)).astype(np.float32)
    assert np.array_equal(layer(x), layer(x, threads=1))
    assert np.array_equal(layer(x, threads=3), layer(x, threads=1))


@pytest.mark.parametrize(
    "form", [lambda x: x[:, ::2], lambda x: np.asfortranarray(x[:, :14]), lambda x: x[::-1, 14:]])
def test_layer_inputNotCompact_isCopied(
    rng: np.random.Generator, layer: tk.Linear, form: object
) -> None:
    x = form(rng.normal(size=(6, 28)).astype(np.float32))  # type: ignore[operator]
    assert np.array_equal(layer(x), layer(x.copy(order="C")))


def test_layer_inputReadOnlyOrMisaligned_works(rng: np.random.Generator, layer: tk.Linear) -> None:
    x = rng.normal(size=(6, 14)).astype(np.float32)
    expected = layer(x)
    x.flags.writeable = False
    assert np.array_equal(layer(x), expected)
    shifted = np.empty(x.nbytes + 1, np.uint8)[1:].view(np.float32).reshape(6, 14)
    shifted[...] = x
    assert np.array_equal(layer(shifted), expected)


def test_layer_inputOfOtherDtypes_neverLosesPrecision(rng: np.random.Generator) -> None:
    weight = rng.normal(size=(12, 14))
    single, double = (tk.Linear.fit(weight.astype(d), tk.Dense()) for d in DTYPES)
    assert (single.dtype, double.dtype) == ("float32", "float64")
    x = rng.normal(size=(2, 14))
    with pytest.raises(TypeError, match="x has dtype float64, but the layer computes in float32"):
        single(x)
    assert np.array_equal(double(x.astype(np.float32)), double(x.astype(np.float32).astype(float)))
    assert single(x.astype(np.float16)).dtype == "float32"
    assert double(np.ones(14, np.int32)).dtype == "float64"
    for bad in (np.ones(14, np.complex64), np.ones(14, np.int64), ["a"] * 14, None):
        with pytest.raises(TypeError):
            single(bad)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(), (13,), (14, 13), (2, 0)])
def test_layer_inputOfWrongShape_isAValueError(layer: tk.Linear, shape: tuple[int, ...]) -> None:
    for apply in (layer, layer.prepare(16)):
        with pytest.raises(ValueError, match=r"expected \(\.\.\., 14\)"):
            apply(np.ones(shape, np.float32))


def test_layer_withOut_fillsIt(rng: np.random.Generator, layer: tk.Linear) -> None:
    x, out = rng.normal(size=(3, 14)).astype(np.float32), np.empty((3, 12), np.float32)
    assert layer(x, out=out) is out and np.array_equal(out, layer(x))
    plan = layer.prepare(3)
    assert plan(x, out) is out and np.array_equal(out, layer(x))


@pytest.mark.parametrize(
    ("out", "error"),
    [(np.empty((3, 11), np.float32), ValueError), (np.empty((3, 12)), TypeError),
     (np.empty((12, 3), np.float32).T, ValueError), ([[0.0]], TypeError),
     (np.broadcast_to(np.float32(0), (3, 12)), ValueError)])
def test_layer_badOut_isRefused(layer: tk.Linear, out: object, error: type[Exception]) -> None:
    with pytest.raises(error, match="out"):
        layer(np.ones((3, 14), np.float32), out=out)  # type: ignore[arg-type]


def test_layer_outOverlappingInput_isRefused() -> None:
    layer = tk.Linear.fit(np.eye(4), tk.Dense())
    memory = np.zeros((3, 4))
    with pytest.raises(ValueError, match="overlap"):
        layer(memory[:2], out=memory[1:])


def test_plan_moreRowsThanPrepared_isAValueError(layer: tk.Linear) -> None:
    plan = layer.prepare(4)
    assert plan.max_rows == 4 and plan.resident_nbytes > 0
    assert plan(np.ones((4, 14), np.float32)).shape == (4, 12)
    with pytest.raises(ValueError):
        plan(np.ones((5, 14), np.float32))


@pytest.mark.parametrize(
    ("options", "error"),
    [({"max_rows": 0}, ValueError), ({"max_rows": -1}, ValueError), ({"max_rows": 2.0}, TypeError),
     ({"max_rows": 4, "memory_limit": 0}, ValueError), ({"max_rows": 4, "threads": -1}, ValueError),
     ({"max_rows": 4, "compute": "int8"}, ValueError), ({"max_rows": 2**62}, ValueError)])
def test_prepare_badOption_isRefused(
    layer: tk.Linear, options: dict, error: type[Exception]
) -> None:
    with pytest.raises(error):
        layer.prepare(**options)


def test_prepare_memoryLimit_isKept(rng: np.random.Generator) -> None:
    layer = tk.Linear.fit(rng.normal(size=(64, 64)).astype(np.float32), tk.LowRank(4))
    plan = layer.prepare(256, memory_limit=12_000)
    assert plan.resident_nbytes <= 12_000


def test_fromCores_ofAFittedLayer_isTheSameLayer(
    rng: np.random.Generator, layer: tk.Linear
) -> None:
    again = tk.Linear.from_cores(
        tk.LowRank(5), layer.cores, layer.bias, in_features=14, out_features=12)
    x = rng.normal(size=(3, 14)).astype(np.float32)
    assert np.array_equal(again(x), layer(x))
    assert np.isnan(again.error) and again.spec == layer.spec and again.nbytes == layer.nbytes
    assert all(not core.flags.writeable for core in layer.cores)


@pytest.mark.parametrize(
    "change",
    [{"cores": []}, {"in_features": 15}, {"out_features": 0}, {"bias": np.ones(11, np.float32)},
     {"cores": [np.ones((12, 14), np.float32)]}, {"format": "low_rank(rank=5"}])
def test_fromCores_thatDoNotFit_isAValueError(layer: tk.Linear, change: dict) -> None:
    given = {"format": tk.LowRank(5), "cores": layer.cores, "in_features": 14, "out_features": 12}
    with pytest.raises(ValueError):
        tk.Linear.from_cores(**(given | change))


@pytest.mark.parametrize(
    "cores", [None, 5, [np.ones((12, 5), "c16"), np.ones((5, 14), "c16")], [None], ["a"]])
def test_fromCores_badTypes_areATypeError(cores: object) -> None:
    with pytest.raises(TypeError):
        tk.Linear.from_cores(
            "dense", cores, in_features=14, out_features=12)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("weight", "error"),
    [(np.ones(3), ValueError), (np.ones((2, 3, 4)), ValueError), (np.ones((0, 3)), ValueError),
     (np.array([[1.0, np.nan]]), ValueError), (np.array([[1.0, np.inf]]), ValueError),
     (np.ones((3, 3), int), TypeError), (np.ones((3, 3), complex), TypeError), (None, TypeError)])
def test_fit_badWeight_isRefused(weight: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        tk.Linear.fit(weight, tk.Dense())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("bias", "error"),
    [(np.ones(4, np.float32), ValueError), (np.ones((3, 1), np.float32), ValueError),
     (np.ones(3), TypeError), (np.array([1, np.nan, 1], np.float32), ValueError)])
def test_fit_badBias_isRefused(bias: np.ndarray, error: type[Exception]) -> None:
    with pytest.raises(error):
        tk.Linear.fit(np.ones((3, 3), np.float32), tk.Dense(), bias=bias)


def test_fit_halfPrecisionWeights_areRead(rng: np.random.Generator) -> None:
    weight = rng.normal(size=(4, 6)).astype(np.float32)
    half = weight.astype(np.float16)
    layer = tk.Linear.fit(half, tk.Dense())
    assert layer.dtype == "float32" and np.array_equal(layer.dense(), half.astype(np.float32))
    assert layer.nbytes == half.nbytes


@pytest.mark.parametrize(
    ("spec", "expected"),
    [("low_rnk(rank=4)", "low_rank"), ("low_rank(rnk=4)", "rank"), ("low_rank(rank=4", ""),
     ("low_rank(rank=)", ""), ("low_rank(rank=0)", ""), ("low_rank(rank=-1)", ""), ("", ""),
     ("dense@int9", "int2"), ("dense@int8(grop=4)", "group"), ("dense +", ""), ("dense@", ""),
     ("train_matrix(rows=2x2, columns=3, rank=2)", ""), ("dense dense", ""),
     ("train(rows=2x7, columns=3x2, rank=2)", ""), ("low_rank(rank=99999999999999999999)", ""),
     ("low_rank", "rank")])
def test_fit_malformedSpec_saysWhereAndWhatIsMeant(spec: str, expected: str) -> None:
    with pytest.raises(ValueError) as caught:
        tk.Linear.fit(np.ones((12, 6), np.float32), spec)
    assert expected in str(caught.value)


def test_fit_malformedSpec_pointsAtTheCharacter() -> None:
    with pytest.raises(ValueError, match=r"character 9"):
        tk.Linear.fit(np.ones((12, 6), np.float32), "low_rank[rank=4]")


@pytest.mark.parametrize("spec", [None, 4, b"dense"])
def test_fit_noSpec_isATypeError(spec: object) -> None:
    with pytest.raises(TypeError):
        tk.Linear.fit(np.ones((3, 3)), spec)  # type: ignore[arg-type]


def test_fit_nullCharacterInSpec_isAValueError() -> None:
    with pytest.raises(ValueError, match="null character at position 5"):
        tk.Linear.fit(np.ones((3, 3)), "dense\0@int8")


def test_layer_described_hasItsNumbers(layer: tk.Linear) -> None:
    assert repr(layer) == "Linear(in_features=14, out_features=12, spec='low_rank(rank=5)@float32')"
    assert layer.nbytes == 4 * (12 * 5 + 5 * 14 + 12)
    assert layer.flops(3) == 3 * layer.flops(1) > 0
    assert 0 < layer.error < 1
    assert [core.dtype for core in layer.cores] == [np.float32] * 2


@pytest.mark.parametrize(
    "storage",
    [
        tk.Int(2, group=32),
        tk.Int(3, group=32),
        tk.Int(4, group=32),
        tk.Int(8),
        "kmeans4",
        "kmeans2(group=row)",
    ],
)
def test_prepare_computeInt8_staysNearFloats(storage: tk.Storage | str) -> None:
    rng = np.random.default_rng(8)
    layer = tk.Linear.fit(rng.normal(size=(40, 96)).astype(np.float32), "dense", storage=storage)
    x = rng.normal(size=(5, 96)).astype(np.float32)
    expected = x @ layer.dense().T
    found = layer.prepare(5, compute="int8")(x)
    # Half a step of 1/127 of each row's largest value, random in sign; and for codebooks of four values half a
    # step of 1/31 of their largest, beside an error of .34 that is theirs.
    bound = 0.01 + (1 / 62 if storage == "kmeans2(group=row)" else 0)
    assert np.linalg.norm(found - expected) <= bound * np.linalg.norm(expected)
