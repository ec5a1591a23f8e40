"""Calibration, fits to inputs, compressing with both."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import ttkit as tk
from ttkit.calibration import SAMPLE_ROWS, Hook

pytest.importorskip("safetensors")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def correlated(rng: np.random.Generator, count: int, width: int) -> np.ndarray:
    mixing = rng.normal(size=(width, width)) / np.arange(1, width + 1)
    return (rng.normal(size=(count, width)) @ mixing + 0.3).astype(np.float32)


def lost(x: np.ndarray, w: np.ndarray, layer: tk.Linear, bias: np.ndarray | None = None) -> float:
    """Relative error of the outputs."""
    exact = x @ w.T + (0 if bias is None else bias)
    return float(np.linalg.norm(layer(x) - exact) / np.linalg.norm(x @ w.T))


def test_calibrate_sums(rng: np.random.Generator) -> None:
    data = rng.normal(size=(5000, 7)).astype(np.float32)

    def forward(texts: Sequence[str], hook: Hook) -> None:
        for part in np.array_split(data, 9):
            hook(["a.weight", "b.weight"], part)
            hook(["c.weight"], part[:, :2].reshape(1, -1, 2))

    seen = tk.calibrate(forward, ["x"])
    assert list(seen) == ["a.weight", "b.weight", "c.weight"] and len(seen) == 3
    assert seen["a.weight"] is seen["b.weight"]
    exact = data.astype(np.float64).T @ data
    np.testing.assert_allclose(seen["a.weight"].moment, exact, atol=1e-6 * exact.trace())
    np.testing.assert_allclose(seen["a.weight"].total, data.sum(0, dtype=np.float64), atol=1e-3)
    assert seen["a.weight"].count == 5000 and seen["c.weight"].moment.shape == (2, 2)
    rows = seen["a.weight"].rows
    assert rows.shape == (SAMPLE_ROWS, 7)
    assert len(np.unique(rows, axis=0)) == SAMPLE_ROWS and np.isin(rows[:, 0], data[:, 0]).all()
    # drawn from the whole, not from its beginning
    assert np.isin(rows[:, 0], data[4096:, 0]).sum() > 600


def test_calibration_roundTrip(tmp_path: Path, rng: np.random.Generator) -> None:
    seen = tk.calibrate(lambda _, hook: hook(["a", "b"], rng.normal(size=(9, 3))), ["x"])
    path = tmp_path / "seen.safetensors"
    for rows in (True, False):
        seen.save(path, rows=rows)
        back = tk.Calibration.load(path)
        assert back["a"] is back["b"] and back["a"].count == 9
        np.testing.assert_array_equal(back["a"].moment, seen["a"].moment)
        np.testing.assert_array_equal(back["a"].total, seen["a"].total)
        assert len(back["a"].rows) == (9 if rows else 0)
    from safetensors.numpy import save_file

    save_file({"x": np.zeros(1)}, path)
    with pytest.raises(ValueError, match="no calibration"):
        tk.Calibration.load(path)


@pytest.mark.parametrize(
    ("texts", "forward", "error", "match"),
    [
        ([], None, ValueError, "empty"), ("text", None, TypeError, "one string"),
        (["x"], 3, TypeError, "callable"), (["x"], lambda *_: None, ValueError, "no layer"),
        (["x"], lambda _, hook: hook(["a"], np.full((2, 2), np.nan)), ValueError, "NaN"),
        (["x"], lambda _, hook: (hook(["a"], np.ones((2, 2))), hook(["a"], np.ones((2, 3)))),
         ValueError, "3 numbers after ones of 2"),
    ])
def test_calibrate_refuses(texts: object, forward: object, error: type, match: str) -> None:
    with pytest.raises(error, match=match):
        tk.calibrate(forward, texts)  # type: ignore[arg-type]


def test_fit_inputs_ofEveryKind(rng: np.random.Generator) -> None:
    w, x = rng.normal(size=(40, 24)).astype(np.float32), correlated(rng, 500, 24)
    seen = tk.calibrate(lambda _, hook: hook(["w"], x), ["x"])["w"]
    plain = tk.Linear.fit(w, "dense@int3(group=row)")
    assert np.isnan(plain.output_error)
    for inputs in (x, x.astype(np.float64).T @ x, seen):
        layer = tk.Linear.fit(w, "dense@int3(group=row)", inputs=inputs)
        assert lost(x, w, layer) < 0.5 * lost(x, w, plain)
        assert layer.output_error == pytest.approx(lost(x, w, layer), rel=1e-3)
        assert layer.nbytes == plain.nbytes
    made = tk.quantize(w, "int3(group=row)", inputs=x)
    np.testing.assert_array_equal(
        made.dequantize(), tk.Linear.fit(w, "dense@int3(group=row)", inputs=x).dense())


def test_fit_bias_takesUpTheMean(rng: np.random.Generator) -> None:
    w, x = rng.normal(size=(16, 12)).astype(np.float32), correlated(rng, 300, 12)
    bias = rng.normal(size=16).astype(np.float32)
    layer = tk.Linear.fit(w, "dense@int2(group=row)", bias=bias, inputs=x)
    mean = (layer(x) - (x @ w.T + bias)).mean(0)
    assert np.abs(mean).max() < 1e-5 * np.abs(x @ w.T).max()
    moment = tk.Linear.fit(w, "dense@int2(group=row)", bias=bias, inputs=x.T @ x)
    np.testing.assert_array_equal(moment.bias, bias)  # its inputs' mean is not known
    assert lost(x, w, layer, bias) < lost(x, w, moment, bias)


@pytest.mark.parametrize(
    ("inputs", "error", "match"),
    [
        (np.ones((3, 5), np.float32), ValueError, "rows"), (np.ones(4), ValueError, "shape"),
        (np.ones((0, 4), np.float32), ValueError, "no rows"),
        (np.full((3, 4), np.inf), ValueError, "infinity"),
        (np.ones((3, 4), int), TypeError, "dtype"), (-np.eye(4), ValueError, "squares"),
    ])
def test_fit_badInputs(inputs: np.ndarray, error: type, match: str) -> None:
    with pytest.raises(error, match=match):
        tk.Linear.fit(np.ones((2, 4)), "dense@int4", inputs=inputs)


def test_fit_rankDeficientInputs_areDefined(rng: np.random.Generator) -> None:
    w = rng.normal(size=(6, 8)).astype(np.float32)
    for x in (np.ones((1, 8)), np.zeros((5, 8)), np.eye(8)[:3]):
        for spec in ("dense@int4", "low_rank(rank=2)", "dense@kmeans2"):
            assert np.isfinite(tk.Linear.fit(w, spec, inputs=x).dense()).all()


def test_compress_calibrated(tmp_path: Path, rng: np.random.Generator) -> None:
    from concurrent.futures import ThreadPoolExecutor

    w, x = rng.normal(size=(20, 12)).astype(np.float32), correlated(rng, 200, 12)
    bias = rng.normal(size=20).astype(np.float32)
    weights = {"a.weight": w, "a.bias": bias, "b.weight": w, "b.bias": bias.astype(np.float16),
               "word_embeddings.weight": w, "c.weight": w.T.copy()}
    names = ["a.weight", "b.weight", "word_embeddings.weight", "c.weight"]
    seen = tk.calibrate(lambda _, hook: hook(names, x), ["x"])
    recipe = {"c.weight": {"spec": "dense@int2(group=row)", "transpose": True},
              "*.weight": "dense@int2(group=row)"}
    with tk.compress(weights, recipe, calibration=seen) as model:
        expected = tk.Linear.fit(w, "dense@int2(group=row)", bias=bias, inputs=x)
        for name in ("a.weight", "b.weight"):
            layer = model[name]
            assert isinstance(layer, tk.Linear)
            np.testing.assert_array_equal(layer.dense(), expected.dense())
            np.testing.assert_allclose(layer.bias, expected.bias, atol=4e-3)
        plain = tk.Linear.fit(w, "dense@int2(group=row)", inputs=x)
        other = model["c.weight"]
        assert isinstance(other, tk.Linear)
        np.testing.assert_array_equal(other.dense(), plain.dense())
        reference = model.report()
    path = tmp_path / "seen.safetensors"
    seen.save(path)
    with ThreadPoolExecutor(2) as pool:
        for executor in (None, pool):
            with tk.compress(weights, recipe, calibration=path, executor=executor) as again:
                assert [r.error for r in again.report()] == [r.error for r in reference]
                np.testing.assert_array_equal(np.asarray(again["a.bias"]), expected.bias)
    with pytest.raises((ValueError, tk.TTKitError), match="3, 3|calibration"):
        tk.compress({"a.weight": w}, recipe, calibration=tk.calibrate(
            lambda _, hook: hook(["a.weight"], np.ones((2, 3))), ["x"]))
    with pytest.raises(OSError):
        tk.compress(weights, recipe, calibration=tmp_path / "nothing")
