"""Sparse terms: fits, execution, gradients, files, and what is refused."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

import ttkit as tk

rng = np.random.default_rng(0)


def planted(rows: int, columns: int, share: float, size: float) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian numbers, and the same with a share of entries far out."""
    plain = rng.standard_normal((rows, columns)).astype(np.float32)
    places = rng.choice(plain.size, round(share * plain.size), replace=False)
    loud = plain.copy()
    loud.flat[places] = size * np.sign(loud.flat[places]) * (1 + rng.random(places.size))
    return plain, loud


def moment(inputs: np.ndarray) -> np.ndarray:
    return inputs.T @ inputs


def lost(layer: tk.Linear, weight: np.ndarray) -> float:
    return float(np.linalg.norm(weight - layer.dense()) / np.linalg.norm(weight))


def test_sparse_alone_keepsTheLargest() -> None:
    weight = rng.standard_normal((30, 40))
    layer = tk.Linear.fit(weight, tk.Sparse(0.1))
    most = np.argsort(-abs(weight), axis=None)[:120]
    wanted = np.zeros_like(weight)
    wanted.flat[most] = weight.flat[most]
    assert np.array_equal(layer.dense(), wanted)
    assert np.array_equal(layer.cores[0], wanted)
    assert layer.error == pytest.approx(lost(layer, weight), rel=1e-12)
    assert layer.nbytes == 120 * (8 + 2) + 31 * 4
    assert layer.flops(7) == 7 * 2 * 120
    assert layer.spec == "sparse(share=0.1)@float64"


def test_sparse_shareOne_isExact() -> None:
    weight = rng.standard_normal((9, 13)).astype(np.float32)
    for inputs in (None, rng.standard_normal((20, 13)).astype(np.float32)):
        layer = tk.Linear.fit(weight, tk.Sparse(1), inputs=inputs)
        assert np.array_equal(layer.dense(), weight)
        assert layer.error == 0


def test_sparse_ties_areBrokenByPlace() -> None:
    layer = tk.Linear.fit(np.ones((4, 5)), tk.Sparse(count=7))
    assert np.array_equal(layer.dense().ravel(), np.arange(20) < 7)


def test_sparse_ofZeros_isZero() -> None:
    layer = tk.Linear.fit(np.zeros((4, 5)), "sparse(count=3) + dense@int4(group=row)")
    assert layer.error == 0
    assert not layer.dense().any()
    assert not layer(np.ones((2, 5), np.float32)).any()


SPECS = [
    "sparse(share=0.05)@{}", "sparse(share=0.05)@{} + dense@int4(group=row)",
    "dense@int2(group=tensor) + sparse(share=0.05)@{}", "sparse(count=1)@{} + low_rank(rank=2)",
    "sparse(share=0.05)@{} + rotation@lloyd3", "sparse(share=0.05)@{} + kashin@kmeans3",
    "sparse(share=0.05)@{} + train_matrix(rows=8x8, columns=6x16, rank=3)",
    "sparse(share=0.02)@{} + sparse(share=0.03)@{} + dense@kmeans2",
    "sparse(share=0.7)@{} + monarch(blocks=4)",
]


@pytest.mark.parametrize("values", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("spec", SPECS)
def test_layer_isItsDenseMatrix(spec: str, values: str) -> None:
    weight = rng.standard_normal((64, 96)).astype(np.float32)
    bias = rng.standard_normal(64).astype(np.float32)
    layer = tk.Linear.fit(weight, spec.replace("{}", values), bias=bias)
    dense = layer.dense().astype(np.float64)
    assert layer.error == pytest.approx(lost(layer, weight), rel=1e-5)
    for rows, limit in itertools.product((1, 2, 4, 5, 33, 150), (None, 20_000, 1)):
        x = rng.standard_normal((rows, 96)).astype(np.float32)
        plan = layer.prepare(rows, memory_limit=limit)
        bound = 200 * np.finfo(np.float32).eps * (abs(x) @ abs(dense).T + abs(bias)) * 4
        assert (abs(plan(x) - (x @ dense.T + bias)) <= bound).all(), (rows, limit, plan.explain())
        assert np.array_equal(layer.prepare(rows, memory_limit=limit, threads=1)(x), plan(x))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_layer_ofManyEntries_isScipys(dtype: type) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    weight = sparse.random(700, 900, 0.03, "csr", dtype, random_state=1)
    weight.data -= 0.5
    layer = tk.Linear.from_cores(
        tk.Sparse(count=weight.nnz), [weight.toarray()], in_features=900, out_features=700)
    assert np.array_equal(layer.dense(), weight.toarray())
    for rows in (1, 3, 4, 5, 8, 17, 40, 600):
        x = rng.standard_normal((rows, 900)).astype(dtype)
        bound = 2 * 60 * np.finfo(dtype).eps * (abs(x) @ abs(weight).T.toarray())
        assert (abs(layer(x) - x @ weight.T) <= bound).all()
        assert np.array_equal(layer(x, threads=1), layer(x, threads=2))


def test_layer_compute8_addsOutliersAsTheyAre() -> None:
    _, weight = planted(80, 128, 0.01, 100)
    for network in ("dense@int8(group=row)", "kashin(code=split)@int4(group=row)"):
        layer = tk.Linear.fit(weight, f"sparse(share=0.02) + {network}")
        for rows in (1, 9):
            x = rng.standard_normal((rows, 128)).astype(np.float32)
            # Rounded rows of x are half a step off, for the other term alone.
            rest = layer.dense() - layer.cores[0]
            step = abs(x).max(1, keepdims=True) / 127
            bound = 0.75 * step * abs(rest).sum(1) + 0.05 * (abs(x) @ abs(rest).T) + 1e-3
            found = layer.prepare(rows, compute="int8")(x)
            assert (abs(found - x @ layer.dense().T) <= bound).all()


@pytest.mark.parametrize("storage", [
    "int4(group=tensor)", "int4(group=row)", "int3(group=row)", "int2(group=row)", "kmeans3",
    "int4(group=32)"])
@pytest.mark.parametrize("calibrated", [False, True])
def test_plantedOutliers_costNothingMore(storage: str, calibrated: bool) -> None:
    plain, loud = planted(96, 160, 0.004, 60)
    inputs = None
    if calibrated:
        inputs = rng.standard_normal((400, 160)) * (0.3 + rng.random(160)) + 0.2
    fit = {"inputs": inputs}
    best = tk.Linear.fit(plain, f"dense@{storage}", **fit)
    without = tk.Linear.fit(loud, f"dense@{storage}", **fit)
    layer = tk.Linear.fit(loud, f"sparse(share=0.005) + dense@{storage}", **fit)
    size, loud_size = np.linalg.norm(plain), np.linalg.norm(loud)
    if calibrated:
        root = np.linalg.cholesky(moment(inputs))
        size, loud_size = np.linalg.norm(plain @ root), np.linalg.norm(loud @ root)
        assert layer.output_error * loud_size <= 1.02 * best.output_error * size
        assert layer.output_error < without.output_error
    else:
        # Places of outliers are free, and a few more: never worse than the matrix without them.
        assert layer.error * loud_size <= 1.02 * best.error * size
        assert layer.error < without.error


@pytest.mark.parametrize("calibrated", [False, True])
@pytest.mark.parametrize("network", [
    "dense@int4(group=row)", "dense@int2(group=tensor)", "dense@kmeans2(group=row)",
    "low_rank(rank=4)", "rotation@lloyd3", "dense@int3(group=16)"])
def test_sum_isNeverWorseThanWithout(network: str, calibrated: bool) -> None:
    for seed in range(3):
        own = np.random.default_rng(seed)
        weight = own.standard_t(3, (24, 32))
        mixed = own.standard_normal((32, 32)) + 3
        inputs = own.standard_normal((100, 32)) @ mixed if calibrated else None
        alone = tk.Linear.fit(weight, network, inputs=inputs)
        for spec in (f"sparse(count=5) + {network}", f"{network} + sparse(count=5)"):
            both = tk.Linear.fit(weight, spec, inputs=inputs)
            if calibrated:
                assert both.output_error <= alone.output_error * (1 + 1e-9)
            else:
                assert both.error <= alone.error * (1 + 1e-9)


@pytest.mark.parametrize("calibrated", [False, True])
def test_whatOthersHoldExactly_staysExact(calibrated: bool) -> None:
    low = rng.standard_normal((30, 3)) @ rng.standard_normal((3, 20))
    inputs = rng.standard_normal((50, 20)) if calibrated else None
    layer = tk.Linear.fit(low, "sparse(share=0.3) + low_rank(rank=3)", inputs=inputs)
    assert layer.error <= 1e-6


@pytest.mark.parametrize("order", ["low_rank(rank=2) + sparse(share=0.03)",
                                   "sparse(share=0.03) + low_rank(rank=2)"])
def test_lowRankAndSparse_areRecovered(order: str) -> None:
    own = np.random.default_rng(5)
    low = own.standard_normal((40, 2)) @ own.standard_normal((2, 30))
    few = np.where(own.random((40, 30)) < 0.02, 10 * own.standard_normal((40, 30)), 0)
    layer = tk.Linear.fit(low + few, order)
    assert layer.error <= 1e-3 < tk.Linear.fit(low + few, tk.LowRank(3)).error
    found = layer.cores[2 if order.startswith("low") else 0]
    large = abs(few) > 1
    assert np.linalg.norm((found - few)[large]) <= 0.01 * np.linalg.norm(few)


@pytest.mark.parametrize("spec", [
    "sparse(share=0.1)", "sparse(share=0.1) + dense@int8(group=row)",
    "low_rank(rank=3) + sparse(share=0.1)@float16", "sparse(share=0.1) + rotation@lloyd4"])
@pytest.mark.parametrize("rows", [1, 3, 40])
def test_vjp_isThatOfTheKeptEntries(spec: str, rows: int) -> None:
    weight = rng.standard_normal((20, 24)).astype(np.float32)
    layer = tk.Linear.fit(weight, spec)
    x = rng.standard_normal((rows, 24)).astype(np.float32)
    grad = rng.standard_normal((rows, 20)).astype(np.float32)
    grad_x, grad_cores, _ = layer.vjp(x, grad)
    assert np.allclose(grad_x, grad @ layer.dense(), atol=1e-4)
    index = [term.startswith("sparse") for term in spec.split(" + ")].index(True)
    core = 2 if spec.startswith("low") else index
    kept = layer.cores[core] != 0
    assert np.allclose(grad_cores[core], np.where(kept, grad.T @ x, 0), atol=1e-4)
    assert not grad_cores[core][~kept].any()


@pytest.mark.parametrize("spec", [
    "sparse(share=0.02)", "sparse(share=0.02)@float16 + dense@int4(group=row)",
    "sparse(share=0.02) + train_matrix(rows=10x10, columns=4x6, rank=4)",
    "dense@kmeans2 + sparse(count=9)", "sparse(share=0.02) + low_rank(rank=2) + dense@int2"])
def test_embedding_looksRowsUp(spec: str) -> None:
    table = rng.standard_normal((100, 24)).astype(np.float32)
    emb = tk.Embedding.fit(table, spec)
    dense = emb.dense()
    ids = rng.integers(0, 100, (7, 9))
    assert np.allclose(emb(ids), dense[ids], rtol=0, atol=1e-5)
    assert np.allclose(emb(np.arange(100)), dense, rtol=0, atol=1e-5)
    grad = rng.standard_normal((7, 9, 24)).astype(np.float32)
    sums = np.zeros_like(dense)
    np.add.at(sums, ids.ravel(), grad.reshape(-1, 24))
    cores = emb.vjp(ids, grad)
    place = 0 if spec.startswith("sparse") else 1
    kept = emb.cores[place] != 0
    assert np.allclose(cores[place], np.where(kept, sums, 0), atol=1e-4)


def test_initialized_hasItsVarianceAndCount() -> None:
    layer = tk.Linear.initialize(tk.Sparse(0.1), 200, 300, seed=3)
    assert np.count_nonzero(layer.cores[0]) == 6000
    assert np.var(layer.dense()) == pytest.approx(2 / 500, rel=0.05)
    again = tk.Linear.initialize(tk.Sparse(0.1), 200, 300, seed=3)
    assert np.array_equal(layer.dense(), again.dense())


def test_fromCores_takesAtMostItsCount() -> None:
    core = np.zeros((4, 6))
    core[1, 2], core[3, 5] = 2, -1
    layer = tk.Linear.from_cores("sparse(count=4)", [core], in_features=6, out_features=4)
    assert np.array_equal(layer.dense(), core)
    with pytest.raises(ValueError, match="2 entries other than 0, count=1 keeps 1"):
        tk.Linear.from_cores("sparse(count=1)", [core], in_features=6, out_features=4)


def test_layer_saved_comesBack(tmp_path: Path) -> None:
    weight = rng.standard_normal((40, 50)).astype(np.float32)
    spec = "sparse(share=0.01)@float16 + dense@int4(group=row)"
    layer = tk.Linear.fit(weight, spec)
    source = {"a.weight": weight, "a.bias": np.ones(40, np.float32)}
    model = tk.compress(source, tk.Recipe({"*.weight": spec}))
    model.save(tmp_path / "out")
    opened = tk.open(tmp_path / "out")
    assert np.array_equal(opened["a.weight"].dense(), layer.dense())
    assert opened["a.weight"].spec == layer.spec == spec
    report = opened.report()[1]
    assert report.spec == spec
    assert report.nbytes == layer.nbytes


@pytest.mark.parametrize(("spec", "message"), [
    ("sparse(share=0)", "character 8: share is 0, expected a number above 0"),
    ("sparse(share=-0.1)", "share is -0.1, expected a number above 0"),
    ("sparse(share=1.5)", "at most 1"), ("sparse(share=nan)", "share is nan"),
    ("sparse(share=inf)", "share is inf"), ("sparse(share=1e999)", "not a number"),
    ("sparse(count=0)", "count is 0, expected a whole number, at least 1"),
    ("sparse(count=21)", "count is 21, a matrix of 4 x 5 has 20 entries"),
    ("sparse(count=9223372036854775807)", "has 20 entries"),
    ("sparse", "sparse needs share or count"), ("sparse(shar=0.1)", "the nearest is share"),
    ("sparse(share=0.1, count=2)", "both given"),
    ("sparse(share=0.1)@int8", "cannot be held as int8"),
    ("sparse(share=0.1)@kmeans4", "cannot be held as kmeans4"),
])
def test_badSpecs_areRefused(spec: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tk.Linear.fit(np.ones((4, 5)), spec)
    with pytest.raises(ValueError, match=message):
        tk.Linear.initialize(spec, 5, 4)


@pytest.mark.parametrize("share", [0, -0.5, 1.5, float("nan"), float("inf")])
def test_format_badShares_areRefused(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        tk.Sparse(share)


def test_format_needsOneOfShareAndCount() -> None:
    with pytest.raises(ValueError, match="one of them"):
        tk.Sparse()
    with pytest.raises(ValueError, match="one of them"):
        tk.Sparse(0.1, count=4)
    assert str(tk.Sparse(count=np.int64(4))) == "sparse(count=4)"
    assert str(tk.Sparse(0.1) + tk.Dense()) == "sparse(share=0.1) + dense"


def test_hugeAndTinyValues_areKept() -> None:
    for scale in (1e-300, 1e300):
        weight = rng.standard_normal((8, 8)) * scale
        weight[2, 3] = 10 * scale
        layer = tk.Linear.fit(weight, "sparse(count=1)")
        assert np.count_nonzero(layer.dense()) == 1
        assert layer.dense()[2, 3] == 10 * scale


def test_valuesBeyondTheStorage_areRefused() -> None:
    weight = np.zeros((4, 4), np.float32)
    weight[1, 1] = 1e6
    with pytest.raises(ValueError, match="exceeds the largest float16"):
        tk.Linear.fit(weight, "sparse(count=1)@float16 + dense@int4")


def test_damagedFiles_areRefusedOrRead(tmp_path: Path) -> None:
    weight = rng.standard_normal((6, 8)).astype(np.float32)
    spec = "sparse(count=5)@float16 + low_rank(rank=1)"
    model = tk.compress({"a.weight": weight}, tk.Recipe({"*": spec}))
    model.save(tmp_path / "out")
    path = tmp_path / "out" / "model.safetensors"
    whole = path.read_bytes()
    start = 8 + int.from_bytes(whole[:8], "little")
    refused = 0
    for place in range(start, len(whole)):
        for bit in range(8):
            bytes_ = bytearray(whole)
            bytes_[place] ^= 1 << bit
            path.write_bytes(bytes_)
            with pytest.raises(tk.TTKitError, match="damaged"):
                tk.open(path)
            try:
                layer = tk.open(path, checksums=False)["a.weight"]
            except tk.TTKitError as error:
                assert "columns" in str(error) or "offsets" in str(error) or "column" in str(error)
                refused += 1
                continue
            # Values may be any, places are those of the matrix.
            assert layer.dense().shape == (6, 8)
            assert layer(np.ones((9, 8), np.float32)).shape == (9, 6)
    # Columns are below 8, offsets below 6: no bit above the third may change.
    assert refused >= 5 * 13 + 7 * 29
