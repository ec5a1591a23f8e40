"""Convolutions against the definition, written with NumPy alone."""

from __future__ import annotations

import numpy as np
import pytest

import ttkit as tk

FORMATS = [
    "dense", "cp_convolution(rank=5)", "tucker_convolution(in=3, out=4)",
    "train_convolution(rank=3x4x4)",
]


def reference(
    x: np.ndarray, kernel: np.ndarray, bias: np.ndarray | None, stride: tuple[int, int],
    padding: tuple[int, int], dilation: tuple[int, int],
) -> np.ndarray:
    """The convolution in float64, window element by window element."""
    kh, kw = kernel.shape[2:]
    (ph, pw), (sh, sw), (dh, dw) = padding, stride, dilation
    padded = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    height = (padded.shape[2] - (kh - 1) * dh - 1) // sh + 1
    width = (padded.shape[3] - (kw - 1) * dw - 1) // sw + 1
    y = np.zeros((x.shape[0], kernel.shape[0], height, width))
    for s in range(kh):
        for t in range(kw):
            part = padded[:, :, s * dh:s * dh + (height - 1) * sh + 1:sh,
                          t * dw:t * dw + (width - 1) * sw + 1:sw]
            y += np.einsum("nihw,oi->nohw", part, kernel[:, :, s, t].astype(np.float64))
    return y if bias is None else y + bias[:, None, None]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("kernel", "size", "steps"), [
        ((6, 4, 3, 3), (9, 11), {"padding": 1}),
        ((6, 4, 3, 3), (9, 11), {"stride": 2, "padding": 1}),
        ((6, 4, 3, 3), (9, 70), {"padding": (0, 2), "dilation": (1, 2)}),
        ((6, 4, 3, 2), (12, 13), {"stride": (3, 2), "padding": (2, 1), "dilation": (2, 3)}),
        ((5, 4, 1, 1), (7, 5), {}),
        ((5, 4, 1, 1), (7, 5), {"stride": 2}),
        ((7, 4, 2, 5), (40, 37), {"padding": (1, 4)}),
        ((13, 4, 3, 3), (3, 3), {}),
        ((6, 4, 3, 3), (1, 1), {"padding": 1}),
        ((6, 4, 2, 2), (31, 33), {"stride": (5, 4)}),
    ], ids=str)
def test_conv2d_isTheConvolutionWithItsDenseKernel(
    rng: np.random.Generator, form: str, dtype: type, kernel: tuple[int, ...],
    size: tuple[int, int], steps: dict,
) -> None:
    weight, bias = rng.normal(size=kernel).astype(dtype), rng.normal(size=kernel[0]).astype(dtype)
    x = rng.normal(size=(3, 4, *size)).astype(dtype)
    for offsets in (None, bias):
        layer = tk.Conv2d.fit(weight, form, bias=offsets, **steps)
        expected = reference(
            x, layer.dense(), offsets, layer.stride, layer.padding, layer.dilation)
        y = layer(x)
        assert y.shape == expected.shape and y.dtype == dtype
        assert layer.output_size(*size) == y.shape[2:]
        bound = 64 * np.finfo(dtype).eps * np.abs(expected).max() * kernel[1]
        assert np.abs(y - expected).max() <= bound
        assert np.array_equal(layer(x, threads=1), layer(x, threads=2))
        assert np.array_equal(layer(x[1], threads=2), y[1])
        lost = np.linalg.norm(layer.dense() - weight) / np.linalg.norm(weight)
        assert layer.error == pytest.approx(lost, rel=1e-3, abs=1e-5)


def test_fits_areExactAtFullRank(rng: np.random.Generator) -> None:
    kernel = rng.normal(size=(6, 5, 3, 2))
    for form in ("dense", "tucker_convolution(in=5, out=6)", "train_convolution(rank=100)"):
        layer = tk.Conv2d.fit(kernel, form)
        assert layer.error <= 1e-13 and np.allclose(layer.dense(), kernel, rtol=0, atol=1e-12)
    parts = [rng.normal(size=(n, 4)) for n in kernel.shape]
    sum_of_four = np.einsum("or,ir,sr,tr->oist", *parts)
    assert tk.Conv2d.fit(sum_of_four, tk.CPConvolution(4)).error <= 1e-6


def test_tucker_isNoWorseThanItsTruncatedSvdBound(rng: np.random.Generator) -> None:
    """Within the sum of what the two unfoldings lose, the bound of the truncated HOSVD."""
    kernel = rng.normal(size=(12, 10, 3, 3))
    layer = tk.Conv2d.fit(kernel, tk.TuckerConvolution((6, 7)))
    out = np.linalg.svd(kernel.reshape(12, -1), compute_uv=False)
    inner = np.linalg.svd(kernel.transpose(1, 0, 2, 3).reshape(10, -1), compute_uv=False)
    bound = np.sqrt((out[7:] ** 2).sum() + (inner[6:] ** 2).sum()) / np.linalg.norm(kernel)
    best = np.sqrt(max((out[7:] ** 2).sum(), (inner[6:] ** 2).sum())) / np.linalg.norm(kernel)
    assert best <= layer.error <= bound


def test_cp_ofAHardKernel_beatsAlternatingLeastSquares(rng: np.random.Generator) -> None:
    """The same numbers as a linear CP, whose fit is alternating least squares alone."""
    kernel = rng.normal(size=(16, 12, 3, 3))
    ours = tk.Conv2d.fit(kernel, tk.CPConvolution(20))
    plain = tk.Linear.fit(
        kernel.reshape(16, -1), tk.CP(rows=(16,), columns=(12, 3, 3), rank=20))
    assert ours.error <= plain.error * 1.01
    norms = [np.linalg.norm(core) for core in ours.cores]
    assert max(norms) <= 20 * np.linalg.norm(kernel)  # bounded terms


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("steps", [
    {"padding": 1}, {"stride": 2, "padding": (1, 0)}, {"dilation": (2, 1), "padding": 2}], ids=str)
def test_vjp_agreesWithCentralDifferences(
    rng: np.random.Generator, form: str, steps: dict
) -> None:
    kernel, bias = rng.normal(size=(5, 4, 3, 2)), rng.normal(size=5)
    layer = tk.Conv2d.fit(kernel, form, bias=bias, **steps)
    x = rng.normal(size=(2, 4, 7, 6))
    grad = rng.normal(size=layer(x).shape)
    grad_x, grad_cores, grad_bias = layer.vjp(x, grad)
    cores = [np.asarray(core) for core in layer.cores]
    step = 1e-6

    def value(x: np.ndarray, cores: list[np.ndarray], bias: np.ndarray) -> float:
        made = tk.Conv2d.from_cores(layer.spec, cores, bias, kernel_shape=kernel.shape, **steps)
        return float(np.sum(grad * made(x)))

    def check(found: np.ndarray, move: object) -> None:
        way = rng.normal(size=found.shape)
        expected = (value(*move(step * way)) - value(*move(-step * way))) / (2 * step)
        assert abs(np.sum(found * way) - expected) <= 1e-6 * (1 + abs(expected)) * 10

    check(grad_x, lambda d: (x + d, cores, bias))
    assert grad_bias is not None
    check(grad_bias, lambda d: (x, cores, bias + d))
    for k, found in enumerate(grad_cores):
        assert found.shape == cores[k].shape
        check(found, lambda d, k=k: (
            x, [c + d if i == k else c for i, c in enumerate(cores)], bias))


def test_vjp_withoutBias_hasNone(rng: np.random.Generator) -> None:
    layer = tk.Conv2d.fit(rng.normal(size=(2, 3, 1, 1)).astype(np.float32), "dense")
    x = rng.normal(size=(3, 2, 2)).astype(np.float32)
    grad_x, grad_cores, grad_bias = layer.vjp(x, np.ones((2, 2, 2), np.float32))
    assert grad_x.shape == x.shape and grad_cores[0].shape == (2, 3, 1, 1) and grad_bias is None


def test_conv2d_inStorages_keepsTheirError(rng: np.random.Generator) -> None:
    kernel = rng.normal(size=(16, 8, 3, 3)).astype(np.float32)
    layer = tk.Conv2d.fit(kernel, tk.TuckerConvolution(8) @ tk.Int(8, group=16), padding=1)
    assert layer.nbytes < 8 * 8 + 8 * 8 * 9 + 16 * 8 + 300 and "int8" in layer.spec
    x = rng.normal(size=(8, 10, 10)).astype(np.float32)
    expected = reference(x[None], layer.dense(), None, (1, 1), (1, 1), (1, 1))[0]
    assert np.allclose(layer(x), expected, rtol=0, atol=1e-4)
    again = tk.Conv2d.from_cores(
        layer.spec, layer.cores, kernel_shape=kernel.shape, padding=1)
    assert again.spec == layer.spec


def test_conv2d_plans_serveImagesOfTheirSize(rng: np.random.Generator) -> None:
    layer = tk.Conv2d.fit(rng.normal(size=(4, 3, 3, 3)), tk.CPConvolution(4), padding=1)
    plan = layer.prepare(6, 7, max_images=2)
    x = rng.normal(size=(2, 3, 6, 7))
    out = np.empty((2, 4, 6, 7))
    assert plan(x, out) is out and np.array_equal(out, layer(x)) and plan.max_images == 2
    assert plan.resident_nbytes > 0 and layer.flops(6, 7) == 2 * 42 * 4 * (3 + 6 + 4)
    assert layer(np.empty((0, 3, 6, 7))).shape == (0, 4, 6, 7)
    with pytest.raises(ValueError, match="this plan is for"):
        plan(rng.normal(size=(2, 3, 7, 6)))
    with pytest.raises(ValueError, match="prepared for"):
        plan(rng.normal(size=(3, 3, 6, 7)))
    with pytest.raises(ValueError, match="overlap"):
        layer(x[:1], out=x.reshape(-1)[:168].reshape(1, 4, 6, 7))
    assert repr(plan) == "ConvolutionPlan(in_shape=(3, 6, 7), max_images=2)"


@pytest.mark.parametrize(
    ("kernel", "form", "steps", "message"), [
        (np.ones((2, 2, 3)), "dense", {}, "out, in, height, width"),
        (np.ones((2, 2, 0, 3)), "dense", {}, "at least 1"),
        (np.full((1, 1, 1, 1), np.nan), "dense", {}, "NaN"),
        (np.ones((2, 2, 3, 3)), "cp_convolution", {}, "rank"),
        (np.ones((2, 2, 3, 3)), "cp_convolutoin(rank=2)", {}, "nearest is cp_convolution"),
        (np.ones((2, 2, 3, 3)), "low_rank(rank=2)", {}, "unknown convolution format"),
        (np.ones((2, 2, 3, 3)), "dense + dense", {}, "one term"),
        (np.ones((2, 2, 3, 3)), "train_convolution(rank=2x2)", {}, "3 bonds"),
        (np.ones((2, 2, 3, 3)), "dense", {"stride": 0}, "stride"),
        (np.ones((2, 2, 3, 3)), "dense", {"padding": -1}, "padding"),
        (np.ones((2, 2, 3, 3)), "dense", {"dilation": (1, 2, 3)}, "dilation"),
        (np.ones((2, 2, 3, 3)), "dense", {"bias": np.ones(3)}, "bias has 3"),
    ])
def test_conv2d_badArguments_areRefused(
    kernel: np.ndarray, form: str, steps: dict, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        tk.Conv2d.fit(kernel, form, **steps)


def test_conv2d_badImages_areRefused(rng: np.random.Generator) -> None:
    layer = tk.Conv2d.fit(rng.normal(size=(2, 3, 3, 3)).astype(np.float32), "dense")
    with pytest.raises(ValueError, match="3, height, width"):
        layer(np.ones((2, 8, 8), np.float32))
    with pytest.raises(ValueError, match="pad more"):
        layer(np.ones((3, 2, 8), np.float32))
    with pytest.raises(TypeError, match="losing precision"):
        layer(np.ones((3, 8, 8)))
    with pytest.raises(ValueError, match="grad has shape"):
        layer.vjp(np.ones((3, 8, 8), np.float32), np.ones((2, 8, 8), np.float32))
    cores = [rng.normal(size=(2, 3)), rng.normal(size=(2, 3)), rng.normal(size=(2, 3))]
    with pytest.raises(ValueError, match="cores of 2, 2, 2, 2 axes"):
        tk.Conv2d.from_cores("cp_convolution(rank=2)", cores, kernel_shape=(2, 3, 3, 3))
    with pytest.raises(ValueError, match="core 3"):
        tk.Conv2d.from_cores(
            "cp_convolution(rank=2)", [*cores, cores[0]], kernel_shape=(2, 3, 3, 3))
    assert repr(layer) == (
        "Conv2d(in_channels=3, out_channels=2, kernel_shape=(3, 3), spec='dense@float32')")
