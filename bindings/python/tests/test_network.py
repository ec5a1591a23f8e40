"""Canonical, Tucker and hierarchical Tucker decompositions against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import ttkit as tk

DTYPES = [np.float32, np.float64, np.complex64, np.complex128]


def gaussian(shape, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * rng.standard_normal(shape)
    return x.astype(dtype)


def canonical_tensor(shape, rank, dtype=np.float64, seed=0):
    factors = [gaussian((n, rank), dtype, seed + k) for k, n in enumerate(shape)]
    letters = "abcdefg"[: len(shape)]
    return np.einsum(",".join(f"{c}r" for c in letters) + "->" + letters, *factors)


def tucker_tensor(shape, ranks, dtype=np.float64, seed=0):
    x = gaussian(ranks, dtype, seed)
    for k, (n, r) in enumerate(zip(shape, ranks, strict=True)):
        basis = np.linalg.qr(gaussian((n, r), np.complex128 if x.dtype.kind == "c" else float, k))[0]
        x = np.moveaxis(np.tensordot(basis.astype(dtype), x, (1, k)), 0, k)
    return x


def distance(a, b):
    return np.linalg.norm(np.asarray(a) - b) / np.linalg.norm(b)


def tail(x, mode, rank):
    """Norm of the dropped singular values of an unfolding."""
    s = np.linalg.svd(np.moveaxis(x, mode, 0).reshape(x.shape[mode], -1), compute_uv=False)
    return np.sqrt((s[rank:] ** 2).sum())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape, ranks", [((7, 6, 5), (3, 2, 4)), ((4, 3, 5, 6), (2, 3, 2, 2)), ((9,), (1,)), ((5, 4), (2, 2))])
def test_tucker_finds_exactRanks(dtype, shape, ranks):
    x = tucker_tensor(shape, ranks, dtype)
    network = tk.tucker(x, rtol=1e-5)
    assert network.cores[0].shape == ranks
    assert network.dtype == dtype
    assert distance(network, x) <= 100 * np.finfo(dtype).eps
    for k, factor in enumerate(network.cores[1:]):
        gram = factor.conj().T @ factor
        assert np.abs(gram - np.eye(ranks[k])).max() <= 100 * np.finfo(dtype).eps
    assert np.isclose(network.norm(), np.linalg.norm(x), rtol=100 * np.finfo(dtype).eps)


@pytest.mark.parametrize("rtol", [0.5, 0.1, 1e-3])
def test_tucker_keepsItsTolerance_andReportsItsError(rtol):
    x = tucker_tensor((12, 11, 10), (12, 11, 10)) * np.exp(-np.arange(12.0))[:, None, None]
    network = tk.tucker(x, rtol=rtol)
    found = distance(network, x)
    assert found <= rtol
    assert np.isclose(network.error, found, rtol=1e-9)


def test_tucker_atFixedRanks_isWithinRootOfD_andNoWorseThanTruncation():
    x = gaussian((8, 9, 10))
    ranks = (3, 4, 5)
    network = tk.tucker(x, ranks)
    found = distance(network, x) * np.linalg.norm(x)
    tails = [tail(x, k, r) for k, r in enumerate(ranks)]
    assert max(tails) <= found * (1 + 1e-12) <= np.sqrt(np.square(tails).sum()) * (1 + 1e-12)
    assert np.isclose(network.error, distance(network, x), rtol=1e-9)
    # The plain truncated HOSVD of NumPy: orthogonal iteration must not lose to it.
    core, bases = x, []
    for k, r in enumerate(ranks):
        bases.append(np.linalg.svd(np.moveaxis(x, k, 0).reshape(x.shape[k], -1))[0][:, :r])
    plain = np.einsum("abc,ai,bj,ck,xi,yj,zk->xyz", core, *bases, *bases, optimize=True)
    assert found <= np.linalg.norm(x - plain) * (1 + 1e-12)
    assert network.steps > 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(5,), (4, 6), (3, 4, 5), (3, 4, 2, 5), (2, 3, 2, 3, 4), (2, 2, 3, 2, 2, 2, 3)])
def test_hierarchicalTucker_isExact_withoutTolerance(dtype, shape):
    x = gaussian(shape, dtype)
    network = tk.hierarchical_tucker(x)
    eps = np.finfo(dtype).eps
    assert distance(network, x) <= 200 * eps
    assert distance(tk.einsum(network.equation, *network.cores)
                    if np.dtype(dtype).kind == "f" else network, x) <= 200 * eps
    assert np.isclose(network.norm(), np.linalg.norm(x), rtol=100 * eps)


@pytest.mark.parametrize("rtol", [0.3, 1e-2, 1e-6])
def test_hierarchicalTucker_keepsItsTolerance(rtol):
    i = np.indices((6, 7, 5, 6, 4)).sum(0)
    x = 1.0 / (1.0 + i)
    network = tk.hierarchical_tucker(x, rtol=rtol)
    found = distance(network, x)
    assert found <= rtol
    assert np.isclose(network.error, found, rtol=1e-6, atol=1e-14)
    assert network.nbytes < x.nbytes


def test_hierarchicalTucker_findsTheRanksOfASum():
    x = np.indices((5, 4, 6, 3, 4)).sum(0).astype(float)
    network = tk.hierarchical_tucker(x, rtol=1e-12)
    assert max(max(core.shape[2:]) for core in network.cores if core.ndim == 3) == 2
    assert network.train(rtol=1e-12).rank == (1, 2, 2, 2, 2, 1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape, rank", [((8, 7, 6), 3), ((20, 25, 30), 5), ((4, 5, 3, 6), 3), ((6, 5), 2), ((7,), 1)])
def test_canonical_findsExactTerms(dtype, shape, rank):
    x = canonical_tensor(shape, rank, dtype)
    network = tk.canonical(x, rank)
    eps = np.finfo(dtype).eps
    assert distance(network, x) <= 100 * eps
    assert abs(network.error - distance(network, x)) <= 100 * eps
    weights, *factors = network.cores
    assert np.all(np.diff(weights.real) <= 0)
    for factor in factors:
        assert np.allclose(np.linalg.norm(factor, axis=0), 1, rtol=100 * eps)


def test_canonical_escapesASwamp():
    # Two nearly parallel terms in every mode: alternating least squares alone creeps for thousands of sweeps.
    rng = np.random.default_rng(3)
    factors = []
    for n in (10, 11, 12):
        base = rng.standard_normal((n, 1))
        factors.append(np.hstack([base, base + 0.05 * rng.standard_normal((n, 1)),
                                  rng.standard_normal((n, 1))]))
    x = np.einsum("ar,br,cr->abc", *factors)
    network = tk.canonical(x, 3)
    assert network.error <= 1e-10
    assert network.steps < 200


def test_canonical_withNoise_endsAtTheNoise():
    rng = np.random.default_rng(5)
    x = canonical_tensor((15, 16, 17), 4)
    noise = rng.standard_normal(x.shape)
    noise *= 1e-3 * np.linalg.norm(x) / np.linalg.norm(noise)
    network = tk.canonical(x + noise, 4)
    assert network.error <= 1e-3
    assert np.isclose(network.error, distance(network, x + noise), rtol=1e-6)
    assert network.converged


def test_canonical_sameSeed_sameBytes():
    x = gaussian((5, 6, 7))
    first, second = tk.canonical(x, 4, seed=3), tk.canonical(x, 4, seed=3, threads=1)
    for a, b in zip(first.cores, second.cores, strict=True):
        assert a.tobytes() == b.tobytes()


def test_canonical_oneTerm_isAtLeastAsGoodAsNumPy():
    x = gaussian((6, 7))
    s = np.linalg.svd(x, compute_uv=False)
    best = np.sqrt((s[2:] ** 2).sum()) / np.linalg.norm(x)
    assert np.isclose(tk.canonical(x, 2).error, best, rtol=1e-6)


@pytest.mark.parametrize("make", [lambda x: tk.canonical(x, 3), tk.tucker, tk.hierarchical_tucker])
@pytest.mark.parametrize("x", [np.zeros((3, 4, 5)), np.ones((3, 4, 5)) * 1e-300, np.ones((3, 4, 5)) * 1e300, np.ones((1, 1, 1))])
def test_network_ofExtremeTensors(make, x):
    network = make(x)
    assert np.allclose(np.asarray(network), x, rtol=1e-12, atol=0)


@pytest.mark.parametrize("make", [lambda x: tk.canonical(x, 3), lambda x: tk.tucker(x, 2), lambda x: tk.hierarchical_tucker(x, 2)])
def test_network_agreesWithItsTrain_itsEquation_andItsElements(make):
    x = gaussian((4, 5, 3, 4))
    network = make(x)
    dense = np.asarray(network)
    scale = 1e-12 * np.abs(dense).max()
    assert np.allclose(tk.einsum(network.equation, *network.cores), dense, atol=scale)
    assert np.allclose(np.asarray(network.train()), dense, atol=scale)
    places = np.array([[0, 0, 0, 0], [3, 4, 2, 3], [1, 2, 1, 0]])
    assert np.allclose(network.evaluate(places), dense[tuple(places.T)], atol=scale)
    assert np.isclose(network.norm(), np.linalg.norm(dense))
    assert max(network.train(2).rank) <= 2


def test_network_readsStridedInput():
    x = gaussian((6, 8, 5)).transpose(2, 0, 1)[:, ::2]
    assert distance(tk.tucker(x), x) <= 1e-13


@pytest.mark.parametrize(
    "call, text",
    [
        (lambda: tk.tucker(np.ones(())), "shape"),
        (lambda: tk.tucker(np.ones((3, 0))), "shape"),
        (lambda: tk.tucker(np.array([1.0, np.nan])), "NaN"),
        (lambda: tk.tucker(np.ones((3, 4)), (1,)), "one a mode"),
        (lambda: tk.tucker(np.ones((3, 4)), 0), "rank"),
        (lambda: tk.tucker(np.ones((3, 4)), rtol=-1.0), "rtol"),
        (lambda: tk.tucker(np.ones((3, 4)), tolerance=2.0), "tolerance"),
        (lambda: tk.canonical(np.ones((3, 4)), 0), "rank"),
        (lambda: tk.canonical(np.ones((3, 4)), 2**40), "exceeds"),
        (lambda: tk.canonical(np.ones((3, 4)), 2, max_steps=-1), "max_steps"),
        (lambda: tk.hierarchical_tucker(np.ones((1,) * 65)), "64"),
    ],
)
def test_network_refusesBadInput(call, text):
    with pytest.raises((ValueError, MemoryError), match=text):
        call()


def test_network_progressStops():
    with pytest.raises(RuntimeError, match="enough"):
        def progress(stage, done, total):
            raise RuntimeError("enough")
        tk.canonical(gaussian((5, 5, 5)), 3, progress=progress)


def test_network_closed_saysSo():
    network = tk.tucker(np.ones((2, 3)))
    network.close()
    with pytest.raises(ValueError, match="closed"):
        network.norm()
