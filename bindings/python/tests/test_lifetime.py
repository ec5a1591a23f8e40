"""Objects free themselves, close, and refuse to be used after that."""

from __future__ import annotations

import copy
import gc
import weakref

import numpy as np
import pytest

import ttkit as tk


def test_close_repeated_isFine(train: tk.TensorTrain) -> None:
    assert not train.closed
    train.close()
    train.close()
    assert train.closed


def test_train_usedAfterClose_isAValueError(train: tk.TensorTrain) -> None:
    train.close()
    uses = [
        lambda: train.norm(), lambda: train.cores, lambda: np.asarray(train), lambda: train + train,
        lambda: train[0, 0, 0], lambda: train.round(), lambda: 2 * train, lambda: train.sum(),
        lambda: tk.dot(train, train), lambda: train.T, lambda: train.save("x"),
        lambda: train.orthogonalize(0), lambda: train.__enter__(),
    ]
    for use in uses:
        with pytest.raises(ValueError, match="this TensorTrain is closed"):
            use()


def test_repr_evenClosed_fitsALine(train: tk.TensorTrain) -> None:
    train.close()
    assert repr(train) == "TensorTrain(shape=(3, 4, 5), rank=(1, 3, 5, 1), dtype=float64)"


def test_with_leftByAnException_closes(train: tk.TensorTrain) -> None:
    with pytest.raises(KeyError), train as same:
        assert same is train
        raise KeyError
    assert train.closed


def test_cores_ofAClosedTrain_stayReadable(train: tk.TensorTrain) -> None:
    copies = [core.copy() for core in train.cores]
    cores = train.cores
    part = cores[1][:, 1:, :]
    train.close()
    del train
    gc.collect()
    tk.tensor_train(np.ones((30, 30)))  # would use freed memory again
    assert all(np.array_equal(a, b) for a, b in zip(cores, copies, strict=True))
    assert np.array_equal(part, copies[1][:, 1:, :])


def test_cores_written_isAValueError(train: tk.TensorTrain) -> None:
    with pytest.raises(ValueError, match="read-only"):
        train.cores[0][0, 0, 0] = 1.0


def test_train_dropped_isFreed(train: tk.TensorTrain) -> None:
    owned = weakref.ref(train._handle)
    cores = train.cores
    train.close()
    assert owned() is not None
    del cores
    gc.collect()
    assert owned() is None


def test_layer_copied_isRefused() -> None:
    layer = tk.Linear.fit(np.eye(3), tk.Dense())
    with pytest.raises(TypeError, match="lives in its process"):
        copy.deepcopy(layer)


def test_layer_usedAfterClose_isAValueError() -> None:
    layer = tk.Linear.fit(np.eye(3), tk.Dense())
    plan = layer.prepare(4)
    y = layer(np.ones((2, 3)))
    layer.close()
    x = np.ones((2, 3))
    for use in (lambda: layer(x), lambda: layer.cores, layer.dense, lambda: layer.prepare(1)):
        with pytest.raises(ValueError, match="this Linear is closed"):
            use()
    assert np.array_equal(plan(np.ones((2, 3))), y)  # a plan holds its layer
    plan.close()
    with pytest.raises(ValueError, match="this LinearPlan is closed"):
        plan(np.ones((2, 3)))
    assert "Linear(" in repr(layer)


def test_layer_madeDirectly_isRefused() -> None:
    for kind in (tk.Linear, tk.Embedding):
        with pytest.raises(TypeError, match=r"\.fit\("):
            kind()
