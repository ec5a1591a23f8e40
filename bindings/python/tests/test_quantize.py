"""Arrays in few bits, fake quantisation, and trained scales on their way into packed storage."""

import numpy as np
import pytest
import ttkit as tk


def test_quantize_holds_what_it_says(rng: np.random.Generator) -> None:
    a = rng.normal(size=(6, 40)).astype(np.float32)
    q = tk.quantize(a, tk.Int(4, group=16))
    back = q.dequantize()
    assert back.shape == q.shape == (6, 40) and back.dtype == q.dtype == np.float32
    assert q.error == pytest.approx(np.linalg.norm(a - back) / np.linalg.norm(a), rel=1e-6)
    assert q.nbytes == 6 * 20 + 2 * 6 * 3
    assert q.bits_per_weight == 8 * q.nbytes / 240
    assert q.spec == "int4(group=16)" and "int4" in repr(q)
    # codes: the low nibble first.
    codes = np.stack([q.codes & 15, q.codes >> 4], -1).reshape(6, 40).astype(np.float32)
    scales = np.repeat(q.scales.astype(np.float32), 16, 1)[:, :40]
    assert np.array_equal((codes - 8) * scales, back)
    assert not q.codes.flags.writeable
    with pytest.raises(KeyError):
        _ = q.codebook


def test_quantize_parts_outlive_the_object(rng: np.random.Generator) -> None:
    q = tk.quantize(rng.normal(size=(3, 8)), "kmeans2")
    codebook, expected = q.codebook, q.codebook.copy()
    q.close()
    del q
    assert np.array_equal(codebook, expected) and codebook.shape == (1, 1, 4)


def test_quantize_takes_networks_too(rng: np.random.Generator) -> None:
    a = rng.normal(size=(12, 16)).astype(np.float32)
    with tk.quantize(a, tk.LowRank(16) @ tk.Int(8, group=4)) as q:
        assert q.error < 0.02 and q.shape == (12, 16)
        assert np.linalg.norm(q.dequantize() - a) < 0.02 * np.linalg.norm(a)
        with pytest.raises(ValueError, match="network"):
            _ = q.parts
    with pytest.raises(ValueError, match="closed"):
        q.dequantize()


@pytest.mark.parametrize("storage", ["int1", "int0", "int9", "kmeans9", "int4(group=0)", "dense", ""])
def test_quantize_refuses_storages(storage: str) -> None:
    with pytest.raises(ValueError):
        tk.quantize(np.ones(4), storage)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_quantize_refuses_what_is_not_finite(bad: float) -> None:
    with pytest.raises(ValueError, match="NaN or infinity"):
        tk.quantize([1.0, bad], "int4")


@pytest.mark.parametrize("storage", ["int2", "int4(group=row)", "int8(group=tensor)",
                                     "int3(group=7, symmetric=false)", "kmeans3", "float16"])
@pytest.mark.parametrize("values", [[0.0] * 20, [3.0] * 20, [-2.5], [1e30, -1e30, 1.0],
                                    [1e-42, -3e-43, 0.0], [1.0, 1.0, 2.0, 2.0, 2.0]])
def test_quantize_of_odd_arrays_is_finite(storage: str, values: list[float]) -> None:
    a = np.array(values, np.float32)
    if storage == "float16" and np.abs(a).max() > 65504:
        with pytest.raises(ValueError, match="float16"):
            tk.quantize(a, storage)
        return
    q = tk.quantize(a, storage)
    assert np.isfinite(q.dequantize()).all()
    assert 0 <= q.error <= 1
    if len(set(values)) == 1 and storage != "float16":
        assert q.error <= 2.0**-10  # scales of 11 bits


def reference(x, scale, bits, unsigned=False):
    low, high = (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    level = x / scale
    inner = np.clip(level, low, high)
    return np.round(inner) * scale, inner == level, np.round(inner) - np.where(inner == level, level, 0)


@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize("unsigned", [False, True])
@pytest.mark.parametrize("shape, group", [((), None), ((6,), None), ((6, 1), None), ((6, 5), None),
                                          ((6, 6), 7)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fake_quantize_and_gradients(rng: np.random.Generator, bits, unsigned, shape, group, dtype):
    x, grad = (rng.normal(size=(6, 40)).astype(dtype) for _ in range(2))
    scale = (0.05 + 0.2 * rng.random(shape)).astype(dtype)
    wide = scale if scale.ndim == 0 else scale.reshape(6, -1)
    run = 40 if wide.ndim == 0 else group or 40 // wide.shape[1]
    wide = wide if wide.ndim == 0 else np.repeat(wide, run, 1)[:, :40]
    y = tk.fake_quantize(x, scale, bits, group=group, unsigned=unsigned)
    expected, inside, slope = reference(x, wide, bits, unsigned)
    assert y.dtype == dtype and np.array_equal(y, expected)
    for rule in ["plain", "lsq"]:
        gx, gs = tk.fake_quantize_vjp(
            x, scale, bits, grad, group=group, unsigned=unsigned, rule=rule)
        assert np.array_equal(gx, np.where(inside, grad, 0))
        products = grad.astype(np.float64) * slope
        high = 2**bits - 1 if unsigned else 2 ** (bits - 1) - 1
        columns = [products[:, i : i + run] for i in range(0, 40, run)]
        if scale.ndim == 0:
            sums, counts = products.sum(), 240
        else:
            sums = np.stack([c.sum(1) for c in columns], 1).reshape(shape)
            counts = np.broadcast_to([c.shape[1] for c in columns], (6, len(columns))).reshape(shape)
        sums = sums / (np.sqrt(counts * high) if rule == "lsq" else 1)
        assert gs.shape == scale.shape and gs.dtype == dtype
        bound = 4 * np.finfo(dtype).eps * 40 * 2**bits
        assert np.allclose(gs, sums, rtol=0, atol=bound)


def test_fake_quantize_works_in_place(rng: np.random.Generator) -> None:
    x = rng.normal(size=(4, 9)).astype(np.float32)
    expected = tk.fake_quantize(x, 0.1, 4)
    assert tk.fake_quantize(x, 0.1, 4, out=x) is x and np.array_equal(x, expected)


@pytest.mark.parametrize("scale", [0.0, -1.0, np.nan, np.inf, [1.0, 2.0]])
def test_fake_quantize_refuses_scales(scale) -> None:
    with pytest.raises(ValueError, match="scale"):
        tk.fake_quantize(np.ones((3, 4)), scale, 4)


@pytest.mark.parametrize("bits", [-1, 0, 1, 9, 2**40])
def test_fake_quantize_refuses_bits(bits: int) -> None:
    with pytest.raises(ValueError, match="bits"):
        tk.fake_quantize(np.ones(3), 1.0, bits)
    with pytest.raises(ValueError, match="bits"):
        tk.fake_quantize_vjp(np.ones(3), 1.0, bits, np.ones(3))


def test_fake_quantize_refuses_other_arguments() -> None:
    x = np.ones((2, 3), np.float32)
    with pytest.raises(ValueError, match="rule"):
        tk.fake_quantize_vjp(x, 1.0, 4, x, rule="seed")
    with pytest.raises(ValueError, match="grad"):
        tk.fake_quantize_vjp(x, 1.0, 4, x[:1])
    with pytest.raises(TypeError, match="dtype"):
        tk.fake_quantize(x + 1j, 1.0, 4)
    with pytest.raises(ValueError, match="out"):
        tk.fake_quantize(x, 1.0, 4, out=np.ones((2, 3)))


@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize("sharing", ["tensor", "row", 5, 16])
@pytest.mark.parametrize("unsigned", [False, True])
def test_trained_scales_are_exported_bit_for_bit(rng, bits, sharing, unsigned) -> None:
    """Dequantised values are those of the training-time forward pass, the lowest level included."""
    a = rng.normal(size=(7, 40)).astype(np.float32)
    groups = {"tensor": 1, "row": 7, 5: 7 * 8, 16: 7 * 3}[sharing]
    scale = (0.4 / 2**bits * (1 + rng.random(groups))).astype(np.float32)
    scale = scale if sharing == "tensor" else scale.reshape(7, -1)
    storage = tk.Int(bits, group=sharing, symmetric=not unsigned)
    q = tk.quantize(a, storage, scales=scale)
    group = sharing if isinstance(sharing, int) else None
    assert np.array_equal(
        q.dequantize(), tk.fake_quantize(a, scale, bits, group=group, unsigned=unsigned))


def test_trained_train_is_exported_bit_for_bit(rng: np.random.Generator) -> None:
    """A TrainLinear from trained scales computes with the fake-quantised cores, also from a file."""
    shapes = [(1, 4, 3), (3, 4, 5), (5, 3, 4), (4, 4, 1)]
    cores = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    scales = [np.float32(np.abs(core).max() / 7) for core in cores]
    format = tk.TrainLinear(rows=(3, 4), columns=(4, 4), rank=(3, 5, 4))
    layer = tk.Linear.from_cores(format, cores, in_features=16, out_features=12,
                                 storage=tk.Int(4, group="tensor"), scales=scales)
    rounded = [tk.fake_quantize(core, scale, 4) for core, scale in zip(cores, scales)]
    for found, expected in zip(layer.cores, rounded):
        assert np.array_equal(found, expected)
    floats = tk.Linear.from_cores(format, rounded, in_features=16, out_features=12)
    x = rng.normal(size=(5, 16)).astype(np.float32)
    dense = floats.dense()
    bound = 4 * 16 * np.finfo(np.float32).eps * np.linalg.norm(x, axis=1)[:, None]
    bound = bound * np.linalg.norm(dense, axis=1)
    assert (np.abs(layer(x) - x.astype(np.float64) @ dense.astype(np.float64).T) <= bound).all()
    assert layer.nbytes < sum(core.nbytes for core in cores) / 3


def test_trained_scales_refuse_what_does_not_fit(rng: np.random.Generator) -> None:
    a = rng.normal(size=(4, 8)).astype(np.float32)
    for scales in [[0.0], [-1.0], [np.nan], [1.0, 1.0]]:
        with pytest.raises(ValueError, match="scale"):
            tk.quantize(a, "int4(group=tensor)", scales=scales)
    with pytest.raises(ValueError, match="int2 to int8"):
        tk.quantize(a, "kmeans4", scales=[1.0])
    with pytest.raises(TypeError, match="float32"):
        tk.quantize(a.astype(np.float64), "int4(group=tensor)", scales=[1.0])
    sizes = {"in_features": 8, "out_features": 4}
    with pytest.raises(ValueError, match="storage"):
        tk.Linear.from_cores("dense", [a], scales=[1.0], **sizes)
    with pytest.raises(ValueError, match="scales"):
        tk.Linear.from_cores("dense", [a], scales=[], storage="int4", **sizes)
    with pytest.raises(ValueError, match="core 0"):
        tk.Linear.from_cores("dense", [a.T.copy()], scales=[1.0], storage="int4(group=tensor)",
                             **sizes)
