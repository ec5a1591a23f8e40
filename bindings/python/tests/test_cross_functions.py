"""The functions that libraries of cross approximation are compared on, each to 1e-6, by two methods."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import ttkit as tk

_FILE = Path(__file__).parents[3] / "benchmarks" / "trains" / "functions.py"


def benchmark_functions() -> ModuleType:
    """The module with their definitions, which lies outside the package."""
    spec = importlib.util.spec_from_file_location("cross_functions", _FILE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CASES = benchmark_functions().CASES if _FILE.exists() else {}


@pytest.mark.parametrize("method", ["tci", "amen"])
@pytest.mark.parametrize("name", [name for name in CASES if name != "gk15_d5"])
def test_benchmarkFunction_isWithin1e6(name: str, method: str) -> None:
    f, shape = CASES[name]()
    budget = 150_000
    r = tk.cross(f, shape, rtol=1e-6, method=method, max_evaluations=budget)
    assert r.reason == "converged" and r.evaluations <= budget
    rng = np.random.default_rng(5)
    points = np.stack([rng.integers(0, n, 10_000) for n in shape], axis=1)
    exact = f(points)
    assert np.linalg.norm(r.train.evaluate(points) - exact) <= 1e-6 * np.linalg.norm(exact)


def test_amenAddsDirectionsOfTheResidual_soFewerSweepsThanMaxvol() -> None:
    f, shape = CASES["ackley_d10"]()
    runs = {m: tk.cross(f, shape, rtol=1e-4, method=m, max_evaluations=150_000)
            for m in ("maxvol", "amen")}
    assert runs["amen"].reason == "converged"
    assert runs["amen"].sweeps * 3 < runs["maxvol"].sweeps
    assert runs["amen"].evaluations < runs["maxvol"].evaluations
