"""Arrays the library cannot read as they lie are copied."""

from __future__ import annotations

import numpy as np

import ttkit as tk
from ttkit._array import view


def test_train_ofAMisalignedArray_isThatOfItsCopy(rng: np.random.Generator) -> None:
    a = rng.normal(size=(3, 4, 5))
    crooked = np.frombuffer(b"\0" + a.tobytes(), np.uint8)[1:].view(a.dtype).reshape(a.shape)
    assert not crooked.flags.aligned
    assert np.allclose(np.asarray(tk.tensor_train(crooked)), a)


def test_view_ofAForeignScalar_keepsItsDimensions() -> None:
    assert view(np.array(1.5, ">f8")).ndim == 0
