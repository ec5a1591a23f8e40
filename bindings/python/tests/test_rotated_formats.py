"""Weights behind an orthogonal transform: rotation, Kashin; storages of codebooks of vectors."""

from ctypes import byref
from pathlib import Path

import numpy as np
import pytest
import ttkit as tk
from ttkit._array import view, views
from ttkit._call import call
from ttkit._library import library as lib

SPECS = [
    "rotation@float32", "rotation@lloyd4", "rotation(transform=dct, seed=3)@int4(group=16)",
    "rotation(transform=orthogonal)@float16", "kashin@float32", "kashin@kmeans4",
    "kashin(transform=hadamard, code=split)@kmeans2(group=row)",
    "kashin(code=split)@int4(group=16)", "kashin(method=greedy)@kmeans3(group=row)",
    "low_rank(rank=3)@float32 + rotation@int4(group=16)",
]


def relative(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("shape", [(24, 64), (33, 97), (5, 1), (1, 48)])
def test_layers_compute_with_their_matrix(rng, spec: str, shape: tuple[int, int]) -> None:
    weight = rng.normal(size=shape).astype(np.float32)
    layer = tk.Linear.fit(weight, spec)
    dense = layer.dense().astype(np.float64)
    assert layer.error == pytest.approx(relative(dense, weight), abs=2e-6)
    again = tk.Linear.fit(weight, layer.spec)
    assert again.spec == layer.spec and np.array_equal(again.dense(), layer.dense())
    for rows in [1, 2, 17, 70]:
        x = rng.normal(size=(rows, shape[1])).astype(np.float32)
        size = np.linalg.norm(x, axis=1)[:, None] * np.linalg.norm(dense, axis=1)
        bound = 8 * np.finfo(np.float32).eps * (8 + shape[1]) * (size + 1e-3 * size.max())
        for limit in [None, 1, 4 * weight.size // 3]:
            plan = layer.prepare(rows, memory_limit=limit)
            assert (np.abs(plan(x) - x @ dense.T) <= bound).all()
            if limit is not None:
                assert plan.resident_nbytes <= max(limit, 1)


@pytest.mark.parametrize("spec", ["rotation@float64", "kashin(transform=hadamard)@float64",
                                  "kashin@float64 + low_rank(rank=2)@float64"])
def test_gradients_pass_the_transform(rng: np.random.Generator, spec: str) -> None:
    layer = tk.Linear.fit(rng.normal(size=(7, 12)), spec)
    assert layer.dtype == np.float64 and layer.error < 1e-12
    x, grad = rng.normal(size=(5, 12)), rng.normal(size=(5, 7))
    grad_x, grad_cores = np.empty_like(x), [np.empty_like(core) for core in layer.cores]
    array, _kept = views(grad_cores)
    call(lib.ttk_linear_vjp, layer._handle, byref(view(x)), byref(view(grad)), None,
         byref(view(grad_x)), array, None)
    assert np.allclose(grad_x, grad @ layer.dense(), atol=1e-12)
    cores = [core.copy() for core in layer.cores]
    step = 1e-6
    for k, core in enumerate(cores):
        direction = rng.normal(size=core.shape)
        value = []
        for sign in (1, -1):
            moved = [c + sign * step * direction if i == k else c for i, c in enumerate(cores)]
            made = tk.Linear.from_cores(layer.spec, moved, in_features=12, out_features=7)
            value.append((made(x) * grad).sum())
        expected = (value[0] - value[1]) / (2 * step)
        assert (grad_cores[k] * direction).sum() == pytest.approx(expected, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("spec", SPECS[:-1])
def test_embeddings_look_rows_up(rng: np.random.Generator, spec: str) -> None:
    table = rng.normal(size=(40, 48)).astype(np.float32)
    layer = tk.Embedding.fit(table, spec)
    expected = layer.dense()
    found = layer(np.arange(40))
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()
    assert layer.prepare(40).resident_nbytes == 0


@pytest.mark.parametrize("spec", SPECS + [f"dense@{s}" for s in
                                          ["lloyd3", "pairs4", "pairs5(group=row)", "quads8"]])
def test_files_hold_the_seed(tmp_path: Path, rng: np.random.Generator, spec: str) -> None:
    save_file = pytest.importorskip("safetensors.numpy").save_file
    weight = rng.normal(size=(24, 64)).astype(np.float32)
    save_file({"w": weight}, tmp_path / "in.safetensors")
    with tk.compress(tmp_path / "in.safetensors", {"w": spec}, out=tmp_path / "out"):
        pass
    with tk.open(tmp_path / "out") as model:
        layer = model["w"]
        assert isinstance(layer, tk.Linear)
        fitted = tk.Linear.fit(weight, spec)
        assert layer.spec == fitted.spec and layer.nbytes == fitted.nbytes
        assert np.array_equal(layer.dense(), fitted.dense())


def test_codes_of_rotated_integers_stay_packed(rng: np.random.Generator) -> None:
    weight = rng.normal(size=(512, 512)).astype(np.float32)
    for spec in ["rotation@int4(group=32)", "kashin(code=split)@int2(group=row)"]:
        layer = tk.Linear.fit(weight, spec)
        plan = layer.prepare(1)
        assert plan.resident_nbytes < weight.nbytes / 4
        x = rng.normal(size=(1, 512)).astype(np.float32)
        assert relative(plan(x), x @ layer.dense().T) < 1e-5
        eight = layer.prepare(3, compute="int8")
        y = rng.normal(size=(3, 512)).astype(np.float32)
        assert relative(eight(y), y @ layer.dense().T) < 0.03
    # Twice the columns: many rows meet the matrix itself.
    assert layer.prepare(64).resident_nbytes >= weight.nbytes


@pytest.mark.parametrize("storage", ["int2(group=row)", "kmeans2(group=row)"])
def test_kashin_with_rows_of_8_bits(rng: np.random.Generator, storage: str) -> None:
    """One row meets the codes, several the matrix in 8 bits, where memory allows."""
    weight = rng.normal(size=(256, 512)).astype(np.float32)
    layer = tk.Linear.fit(weight, "kashin(code=split)@" + storage)
    x = rng.normal(size=(40, 512)).astype(np.float32)
    one, many = (layer.prepare(rows, compute="int8") for rows in (1, 40))
    assert one.resident_nbytes < 0.6 * weight.size
    assert one.resident_nbytes + weight.size <= many.resident_nbytes < 1.1 * weight.size + one.resident_nbytes
    tight = layer.prepare(40, compute="int8", memory_limit=one.resident_nbytes + weight.size // 2)
    assert tight.resident_nbytes == one.resident_nbytes
    exact = x @ layer.dense().T
    assert relative(many(x), exact) < 0.015 and relative(tight(x), exact) < 0.015
    assert np.array_equal(many(x[:1]), one(x[:1]))


@pytest.mark.parametrize("heavy", [False, True])
def test_known_errors_at_four_bits(rng: np.random.Generator, heavy: bool) -> None:
    """Of 256 x 256 Gaussian and Student-t(5) numbers, as published and in closed form."""
    shape = (256, 256)
    weight = rng.standard_t(5, size=shape) if heavy else rng.normal(size=shape)
    weight = weight.astype(np.float32)
    for method in ["alternating", "greedy"]:
        found = tk.quantize(weight, f"kashin(method={method})@kmeans4")
        assert found.error == pytest.approx(0.131 if heavy else 0.130, abs=0.005)
        assert found.bits_per_weight < 4.1
    assert tk.quantize(weight, "rotation@kmeans4").error == pytest.approx(0.0975, abs=0.002)
    assert tk.quantize(weight, "rotation@lloyd4").error < 0.0975 + 0.002


def test_vectors_beat_single_numbers(rng: np.random.Generator) -> None:
    """At equal bits, codebooks counted: 2 bits a number."""
    weight = rng.normal(size=(512, 512)).astype(np.float32)
    single, pairs, quads = (tk.quantize(weight, s) for s in ["lloyd2", "pairs4", "quads8"])
    assert single.error == pytest.approx(0.3428, abs=0.004)  # Lloyd and Max
    assert pairs.error < 0.972 * single.error and quads.error < 0.95 * single.error
    for found in [single, pairs]:
        assert found.bits_per_weight < 2.04
    assert quads.bits_per_weight < 2.11
    assert pairs.parts["codebook"].shape == (1, 16, 2)
    assert pairs.parts["scales"].shape == (512, 1)


@pytest.mark.parametrize("width", [*range(1, 20), 63, 64, 65, 255, 1030])
@pytest.mark.parametrize("storage", ["lloyd3", "pairs4", "quads5", "pairs3(group=row)"])
def test_vector_codes_decode_by_planes(rng, width: int, storage: str) -> None:
    a = rng.normal(size=(5, width)).astype(np.float32)
    q = tk.quantize(a, storage)
    d, bits = {"l": 1, "p": 2, "q": 4}[storage[0]], int(storage[5])
    plane = -(-width // d)
    stream = np.unpackbits(q.codes, axis=1, bitorder="little")[:, : plane * bits]
    codes = (stream.reshape(5, plane, bits) << np.arange(bits)).sum(-1)
    books = np.broadcast_to(q.codebook.astype(np.float32), (5, 2**bits, d))
    scale = q.scales.astype(np.float32)
    vectors = np.stack([books[r][codes[r]] * scale[r] for r in range(5)])  # (5, plane, d)
    assert np.array_equal(q.dequantize(), vectors.transpose(0, 2, 1).reshape(5, -1)[:, :width])


@pytest.mark.parametrize("storage", ["lloyd4", "pairs4", "quads8", "pairs8(group=row)"])
@pytest.mark.parametrize("values", [[0.0] * 20, [3.0] * 20, [-2.5], [1e30, -1e30, 1.0, 0.0],
                                    [3e38] * 9, [1e-42, -3e-43, 0.0], [1.0, 1.0, 2.0, 2.0, 2.0]])
def test_vectors_of_odd_arrays_are_finite(storage: str, values: list[float]) -> None:
    q = tk.quantize(np.array(values, np.float32), storage)
    assert np.isfinite(q.dequantize()).all()
    assert 0 <= q.error <= 1
    if len(set(values)) == 1:
        assert q.error < 2.0**-9


@pytest.mark.parametrize("spec", ["kashin(transform=fft)", "kashin(code=three)", "kashin(seed=-1)",
                                  "rotation(rank=3)", "kashin@kmeans4(group=32)", "dense@pairs9",
                                  "dense@pairs4(group=3)", "dense@quads0", "rotation(seed=0.5)"])
def test_wrong_specs_are_refused(spec: str) -> None:
    with pytest.raises(ValueError):
        tk.Linear.fit(np.ones((4, 64), np.float32), spec)


@pytest.mark.parametrize("spec", ["rotation@lloyd3", "rotation(transform=dct)@int3(group=16)",
                                  "kashin(code=split)@kmeans2(group=row)", "kashin@kmeans4",
                                  "dense@pairs4", "rotation@quads8", "dense@pairs6(group=row)"])
def test_inputs_lower_the_error_of_outputs(rng: np.random.Generator, spec: str) -> None:
    """Error compensation in the moment of transformed activations."""
    weight = rng.normal(size=(48, 64)).astype(np.float32)
    inputs = (rng.normal(size=(400, 20)) @ rng.normal(size=(20, 64))).astype(np.float32)
    inputs += 0.1 * rng.normal(size=inputs.shape).astype(np.float32)
    exact = inputs @ weight.T
    plain, fitted = tk.quantize(weight, spec), tk.quantize(weight, spec, inputs=inputs)
    errors = [relative(inputs @ q.dequantize().T, exact) for q in (plain, fitted)]
    assert errors[1] < 0.8 * errors[0]
    assert fitted.nbytes == plain.nbytes
