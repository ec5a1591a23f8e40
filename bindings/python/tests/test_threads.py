"""Many threads on one object, processes after a fork, and the host's thread counts."""

from __future__ import annotations

import ctypes
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import ttkit as tk

THREADS = 8


def together(work: Callable[[int], object]) -> list[object]:
    """Results of work(0..7) run at the same time."""
    barrier = threading.Barrier(THREADS)

    def one(i: int) -> object:
        barrier.wait()
        return work(i)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(one, range(THREADS)))


def test_train_usedByEightThreads_givesTheSameBits(rng: np.random.Generator) -> None:
    t = tk.tensor_train(rng.normal(size=(6, 7, 8)))
    places = rng.integers(0, 6, (500, 3))
    expected = t.evaluate(places), t.norm(), np.asarray(t), (t * t).round(rtol=1e-3).rank

    def work(_: int) -> bool:
        return all([
            np.array_equal(t.evaluate(places), expected[0]) and t.norm() == expected[1]
            and np.array_equal(np.asarray(t), expected[2])
            and (t * t).round(rtol=1e-3).rank == expected[3] for _ in range(5)])

    assert all(together(work))


def test_layerAndPlan_usedByEightThreads_giveTheSameBits(rng: np.random.Generator) -> None:
    layer = tk.Linear.fit(rng.normal(size=(48, 64)).astype(np.float32), tk.LowRank(16))
    plan = layer.prepare(33)
    xs = [rng.normal(size=(1 + 4 * i, 64)).astype(np.float32) for i in range(THREADS)]
    expected = [layer(x, threads=1) for x in xs], [plan(x) for x in xs]

    def work(i: int) -> bool:
        return all(np.array_equal(layer(xs[i], threads=1), expected[0][i])
                   and np.array_equal(plan(xs[i]), expected[1][i]) for _ in range(50))

    assert all(together(work))


def test_embedding_usedByEightThreads_givesTheSameBits(rng: np.random.Generator) -> None:
    embedding = tk.Embedding.fit(rng.normal(size=(50, 16)), tk.TrainMatrix((5, 10), (4, 4), 8))
    ids = rng.integers(0, 50, 40)
    expected = embedding(ids)
    assert all(together(lambda _: all(np.array_equal(embedding(ids), expected) for _ in range(50))))


def test_close_whileOthersCall_neverCrashes(rng: np.random.Generator) -> None:
    for _ in range(20):
        t = tk.tensor_train(rng.normal(size=(8, 9, 10)))

        def work(i: int, t: tk.TensorTrain = t) -> None:
            try:
                if i == THREADS - 1:
                    t.close()
                else:
                    t.norm()
            except ValueError as error:
                assert "closed" in str(error)

        together(work)


def test_errors_ofEachThread_areItsOwn(train: tk.TensorTrain) -> None:
    def work(i: int) -> bool:
        for _ in range(50):
            place = [[0, 0, 100 + i]]
            try:
                train.evaluate(place)
            except ValueError as error:
                if str(100 + i) not in str(error):
                    return False
        return True

    assert all(together(work))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # forking with threads, on purpose
def test_fork_afterUse_childUsesItAgain(rng: np.random.Generator) -> None:
    a = rng.normal(size=(40, 40, 20))
    t = tk.tensor_train(a)
    weight = rng.normal(size=(256, 256)).astype(np.float32)
    layer = tk.Linear.fit(weight, "dense@int8(group=64)")
    x = rng.normal(size=(512, 256)).astype(np.float32)
    y, norm = layer(x), t.norm()
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        good = t.norm() == norm and np.array_equal(layer(x), y)
        good = good and tk.tensor_train(a).rank == t.rank
        good = good and tk.Linear.fit(weight, tk.LowRank(8))(x).shape == y.shape
        os._exit(0 if good else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert np.array_equal(layer(x), y)


def openblas_counters() -> dict[str, Callable[[], int]]:
    """Functions that read the thread count of each OpenBLAS in this process."""
    with open("/proc/self/maps") as maps:
        paths = {line.split()[-1] for line in maps if "openblas" in line}
    found: dict[str, Callable[[], int]] = {}
    for path in paths:
        library = ctypes.CDLL(path)
        for prefix in ("", "scipy_"):
            for suffix in ("", "64_", "_64"):
                name = f"{prefix}openblas_get_num_threads{suffix}"
                if hasattr(library, name):
                    found[path] = getattr(library, name)
    return found


def test_openblas_threadCount_staysAsItWas(rng: np.random.Generator, train: tk.TensorTrain) -> None:
    layer = tk.Linear.fit(np.eye(64, dtype=np.float32), tk.LowRank(8))
    counters = openblas_counters()
    if not counters:
        pytest.skip("no OpenBLAS in this process")
    a, x = rng.normal(size=(40, 50, 60)), np.ones((300, 64), np.float32)
    calls: list[Callable[[], object]] = [
        lambda: tk.tensor_train(a, rtol=1e-3), lambda: tk.tensor_train(a, threads=1),
        lambda: train.round(2), train.norm, lambda: tk.dot(train, train), lambda: train + train,
        lambda: train * train, lambda: train.orthogonalize(1), lambda: train.transpose((1, 0, 2)),
        lambda: np.asarray(train), train.sum, lambda: layer(x), lambda: layer(x, threads=1),
        lambda: tk.Linear.fit(a[0], tk.TrainMatrix((5, 10), (6, 10), 4)),
        lambda: tk.Linear.fit(a[0], "dense@int8(group=60)"),
        lambda: tk.tensor_train_matrix(a[0], (5, 10), (6, 10)) @ np.ones(60),
    ]
    for call in calls:
        before = {path: count() for path, count in counters.items()}
        call()
        assert {path: count() for path, count in counters.items()} == before
