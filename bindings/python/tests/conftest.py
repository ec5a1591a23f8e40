"""What several tests need."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import ttkit as tk

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers, the same in each run."""
    return np.random.default_rng(7)


@pytest.fixture
def train(rng: np.random.Generator) -> tk.TensorTrain:
    """A train of three modes and full ranks."""
    return tk.tensor_train(rng.normal(size=(3, 4, 5)))


@pytest.fixture
def data() -> Path:
    """The folder of data sets."""
    named = os.environ.get("TTKIT_DATA")
    if not named:
        pytest.skip("needs data: set TTKIT_DATA to the folder of data sets")
    return Path(named)
