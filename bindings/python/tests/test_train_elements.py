"""Elements and parts of trains against those of dense arrays."""

from __future__ import annotations

import numpy as np
import pytest
from test_train import close

import ttkit as tk


def test_evaluate_manyPlaces_areTheElements(train: tk.TensorTrain) -> None:
    a = np.asarray(train)
    places = np.stack(np.unravel_index(np.arange(a.size), a.shape), axis=-1)
    close(train.evaluate(places), a.reshape(-1))
    close(train.evaluate(places.reshape(3, 4, 5, 3).astype(np.uint8)), a)
    assert train.evaluate(places)[7] == train.evaluate(places[7])
    assert train.evaluate(np.empty((0, 3), int)).shape == (0,)


@pytest.mark.parametrize(
    ("indices", "error"),
    [([[0, 0, 5]], ValueError), ([[0, 0, -1]], ValueError), ([[0, 0]], ValueError), (3, ValueError),
     ([[0.0, 0, 0]], TypeError), ([["a", "b", "c"]], TypeError), (None, TypeError),
     (np.zeros((1, 3), np.uint64), TypeError)])
def test_evaluate_badIndices_areRefused(
    train: tk.TensorTrain, indices: object, error: type[Exception]
) -> None:
    with pytest.raises(error):
        train.evaluate(indices)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "key",
    [np.s_[1, 2, 3], np.s_[-1, -2, -3], np.s_[0], np.s_[..., 2], np.s_[1, ..., 2], np.s_[:, 1],
     np.s_[1:, ::2, ::-1], np.s_[...], np.s_[:, :, 1:2], np.s_[..., 1, 2, 3]])
def test_index_integersSlicesEllipsis_isThatPart(train: tk.TensorTrain, key: object) -> None:
    expected = np.asarray(train)[key]  # type: ignore[index]
    found = train[key]
    assert np.shape(found) == expected.shape
    close(np.asarray(found), expected, train.norm())
    assert isinstance(found, tk.TensorTrain if expected.ndim else np.float64)


@pytest.mark.parametrize(
    "key",
    [np.s_[3, 0, 0], np.s_[0, 0, -6], np.s_[0, 0, 0, 0], np.s_[..., ...], np.s_[0, None],
     np.s_[[0, 1]], np.s_[0.5], np.s_[True], np.s_[2:1], np.s_[np.array([0, 1])]])
def test_index_outOfRangeOrStrange_isAnIndexError(train: tk.TensorTrain, key: object) -> None:
    with pytest.raises(IndexError):
        train[key]
