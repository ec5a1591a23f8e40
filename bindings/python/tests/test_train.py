"""Trains against dense arrays of NumPy."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ttkit as tk

DTYPES = ["float32", "float64", "complex64", "complex128"]
SHAPES = [(1,), (7,), (2, 3), (3, 4, 5), (2, 1, 3, 2), (2,) * 8]


def random(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    a = rng.normal(size=shape)
    if dtype.startswith("complex"):
        a = a + 1j * rng.normal(size=shape)
    return a.astype(dtype)


def close(found: object, expected: np.ndarray, scale: float = 1.0) -> None:
    """Frobenius error below 8 eps sqrt(n) times the norms that went in."""
    expected = np.asarray(expected)
    eps = np.finfo(np.asarray(found).dtype).eps
    bound = 8 * eps * np.sqrt(max(expected.size, 1)) * max(np.linalg.norm(expected), scale)
    assert np.linalg.norm(np.asarray(found) - expected) <= bound


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_tensorTrain_anyShapeAndDtype_givesTheArrayBack(
    rng: np.random.Generator, shape: tuple[int, ...], dtype: str
) -> None:
    a = random(rng, shape, dtype)
    t = tk.tensor_train(a)
    assert (t.shape, t.ndim, t.dtype) == (shape, len(shape), a.dtype)
    assert t.rank[0] == t.rank[-1] == 1 and len(t.rank) == t.ndim + 1
    assert t.nbytes == sum(core.nbytes for core in t.cores)
    assert [c.shape for c in t.cores] == list(zip(t.rank, t.shape, t.rank[1:]))
    close(t, a)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=5), st.floats(1e-3, 0.9), st.integers(0, 99))
def test_tensorTrain_withTolerance_keepsIt(shape: list[int], rtol: float, seed: int) -> None:
    a = np.random.default_rng(seed).normal(size=shape)
    t = tk.tensor_train(a, rtol=rtol)
    error = np.linalg.norm(np.asarray(t) - a) / np.linalg.norm(a)
    assert error <= rtol * (1 + 1e-12)
    assert abs(error - t.error) <= 1e-7


def test_tensorTrain_atol_isAbsolute(rng: np.random.Generator) -> None:
    a = rng.normal(size=(4, 5, 6))
    assert np.linalg.norm(np.asarray(tk.tensor_train(a, atol=3.0)) - a) <= 3.0
    assert max(tk.tensor_train(a, atol=2 * np.linalg.norm(a)).rank) == 1


def test_tensorTrain_rank_capsOneOrEachBond(rng: np.random.Generator) -> None:
    a = rng.normal(size=(4, 5, 6))
    assert tk.tensor_train(a, 2).rank == (1, 2, 2, 1)
    assert tk.tensor_train(a, (3, 2)).rank == (1, 3, 2, 1)
    assert tk.tensor_train(a, np.int64(2)).rank == (1, 2, 2, 1)


@pytest.mark.parametrize(
    "view",
    [lambda a: a[::2, ::-1], lambda a: a.transpose(2, 0, 1), lambda a: np.asfortranarray(a),
     lambda a: np.broadcast_to(a[:1], a.shape), lambda a: a.astype(">f8")],
)
def test_tensorTrain_anyStrides_readsThemInPlace(rng: np.random.Generator, view: object) -> None:
    a = view(rng.normal(size=(4, 5, 6)))  # type: ignore[operator]
    close(tk.tensor_train(a), a)


def test_tensorTrain_fieldOfARecord_isCopied(rng: np.random.Generator) -> None:
    records = np.zeros((4, 5), dtype=[("a", "u1"), ("x", "<f8")])
    records["x"] = rng.normal(size=(4, 5))
    close(tk.tensor_train(records["x"]), records["x"])


@pytest.mark.parametrize(
    ("dtype", "result"),
    [("int64", "float64"), ("bool", "float64"), ("uint8", "float64"), ("float16", "float32")])
def test_tensorTrain_otherDtypes_arePromoted(dtype: str, result: str) -> None:
    assert tk.tensor_train(np.ones((2, 3), dtype)).dtype == result


@pytest.mark.parametrize("given", [np.ones((2, 2), np.longdouble), np.array([["a"]]), [[object()]]])
def test_tensorTrain_dtypeThatWouldLose_isATypeError(given: object) -> None:
    with pytest.raises(TypeError, match="a has dtype"):
        tk.tensor_train(given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "message"),
    [(np.float64(3.0), "0|dim"), (np.ones((2, 0)), "0"), ([[1.0, np.nan]], "(?i)nan|finite"),
     ([[np.inf, 1.0]], "(?i)inf|finite")])
def test_tensorTrain_badValues_areAValueError(given: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tk.tensor_train(given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "error"),
    [({"rank": 0}, ValueError), ({"rank": -3}, ValueError), ({"rank": (1,)}, ValueError),
     ({"rank": (0, 1)}, ValueError), ({"rank": 2.5}, TypeError), ({"rank": "3"}, TypeError),
     ({"rtol": -1.0}, ValueError), ({"rtol": np.nan}, ValueError), ({"atol": -1.0}, ValueError),
     ({"rtol": "x"}, TypeError), ({"threads": -1}, ValueError), ({"threads": None}, TypeError)])
def test_tensorTrain_badOption_isRefused(options: dict, error: type[Exception]) -> None:
    with pytest.raises(error):
        tk.tensor_train(np.ones((2, 3, 4)), **options)


def test_trainOfCores_readBack_areTheSameBits(rng: np.random.Generator) -> None:
    cores = [rng.normal(size=s) for s in [(1, 3, 2), (2, 4, 5), (5, 2, 1)]]
    t = tk.TensorTrain(cores)
    assert t.rank == (1, 2, 5, 1) and t.error == 0
    assert all(np.array_equal(a, b) for a, b in zip(t.cores, cores))
    close(t, np.einsum("aib,bjc,ckd->ijk", *cores))


def test_trainOfCores_mixedDtypes_areHeldInTheWider() -> None:
    assert tk.TensorTrain([np.ones((1, 2, 1), "f4"), np.ones((1, 2, 1), "c8")]).dtype == "complex64"


@pytest.mark.parametrize(
    "cores",
    [[], [np.ones((2, 3))], [np.ones((1, 2, 2)), np.ones((3, 2, 1))], [np.ones((2, 2, 1))],
     [np.ones((1, 2, 2))]])
def test_trainOfCores_thatDoNotFit_isAValueError(cores: list) -> None:
    with pytest.raises(ValueError):
        tk.TensorTrain(cores)


@pytest.mark.parametrize("cores", [None, 3, "cores"])
def test_trainOfCores_noSequence_isATypeError(cores: object) -> None:
    with pytest.raises(TypeError):
        tk.TensorTrain(cores)  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", DTYPES)
def test_operators_againstDense_agree(rng: np.random.Generator, dtype: str) -> None:
    a, b = random(rng, (3, 4, 5), dtype), random(rng, (3, 4, 5), dtype)
    t, u = tk.tensor_train(a), tk.tensor_train(b)
    close(t + u, a + b)
    close(t - u, a - b)
    close(t * u, a * b)
    close(2 * t, 2 * a)
    close(t / 4, a / 4)
    close(-t, -a)
    close(np.float32(3) * t, 3 * a)
    assert (t + u).dtype == (2 * t).dtype == (t / 4).dtype == a.dtype
    assert (t + u).rank == (1, *(r + s for r, s in zip(t.rank[1:-1], u.rank[1:-1])), 1)
    close(np.array(tk.dot(t, u)), np.vdot(a, b), float(np.linalg.norm(a) * np.linalg.norm(b)))
    assert t.norm() == pytest.approx(np.linalg.norm(a), rel=100 * float(np.finfo(dtype).eps))


def test_operators_mixedDtypes_widen(rng: np.random.Generator) -> None:
    a, b = random(rng, (3, 4), "float32"), random(rng, (3, 4), "complex128")
    t, u = tk.tensor_train(a), tk.tensor_train(b)
    assert (t + u).dtype == "complex128" and (1j * t).dtype == "complex64"
    close(t.astype("float64") - u, np.asarray(t.astype("float64")) - np.asarray(u))
    assert np.allclose(np.asarray(t - u), a - b, rtol=0, atol=1e-5)  # a has rounded to float32
    close(1j * t, 1j * a)


@pytest.mark.parametrize("other", [None, "x", [1, 2], np.ones((3, 4, 5))])
def test_operators_withStrangers_areATypeError(train: tk.TensorTrain, other: object) -> None:
    for operation in ("__add__", "__sub__", "__mul__"):
        assert getattr(train, operation)(other) is NotImplemented
    with pytest.raises(TypeError):
        train + other  # type: ignore[operator]
    with pytest.raises(TypeError):
        other * train  # type: ignore[operator]


def test_operators_otherShape_isAValueError(train: tk.TensorTrain) -> None:
    other = tk.tensor_train(np.ones((3, 4, 6)))
    for operation in (lambda: train + other, lambda: train * other, lambda: tk.dot(train, other)):
        with pytest.raises(ValueError):
            operation()


def test_dot_ofNoTrain_isATypeError(train: tk.TensorTrain) -> None:
    with pytest.raises(TypeError, match="b is a NoneType"):
        tk.dot(train, None)  # type: ignore[arg-type]


def test_round_ofASum_bringsRanksDown(train: tk.TensorTrain) -> None:
    twice = train + train
    assert twice.round(rtol=1e-12).rank == train.rank
    close(twice.round(rtol=1e-12), 2 * np.asarray(train))
    assert twice.round(1).rank == (1, 1, 1, 1)
    assert twice.round((2, 3)).rank == (1, 2, 3, 1)


def test_sum_overAxes_againstDense(rng: np.random.Generator, train: tk.TensorTrain) -> None:
    a = np.asarray(train)
    close(np.array(train.sum()), a.sum(), float(np.linalg.norm(a)))
    close(train.sum(1), a.sum(1), float(np.linalg.norm(a)))
    close(train.sum((0, -1)), a.sum((0, 2)), float(np.linalg.norm(a)))
    w, v = rng.normal(size=4), rng.normal(size=5)
    close(train.sum(1, weights=w), np.einsum("ijk,j->ik", a, w), float(np.linalg.norm(a)))
    close(train.sum((1, 2), weights=[w, v]), np.einsum("ijk,j,k->i", a, w, v), 10.0)
    close(train.sum((1, 2), weights=[w, None]), np.einsum("ijk,j->i", a, w), 10.0)
    assert isinstance(train.sum(), np.float64)


@pytest.mark.parametrize(
    ("axis", "weights"),
    [(3, None), ((0, 0), None), ((0, -3), None), (0, np.ones(4)), ((0, 1), [np.ones(3)]),
     (None, [np.ones(3)])])
def test_sum_badAxesOrWeights_areAValueError(
    train: tk.TensorTrain, axis: object, weights: object
) -> None:
    with pytest.raises(ValueError):
        train.sum(axis, weights=weights)  # type: ignore[arg-type]


def test_orthogonalize_atEachCore_keepsTheTensor(train: tk.TensorTrain) -> None:
    for center in range(-3, 3):
        t = train.orthogonalize(center)
        close(t, np.asarray(train))
        left, right = t.cores[: center % 3], t.cores[center % 3 + 1 :]
        for core in left:
            q = core.reshape(-1, core.shape[2])
            close(q.T @ q, np.eye(core.shape[2]))
        for core in right:
            q = core.reshape(core.shape[0], -1)
            close(q @ q.T, np.eye(core.shape[0]))
    with pytest.raises(ValueError):
        train.orthogonalize(3)


def test_transpose_ofModes_againstDense(train: tk.TensorTrain) -> None:
    a = np.asarray(train)
    close(train.T, a.T)
    assert train.T.rank == train.rank[::-1]
    close(train.transpose((1, 2, 0)), a.transpose(1, 2, 0))
    for axes in [(0, 1), (0, 0, 1), (0, 1, 3)]:
        with pytest.raises(ValueError):
            train.transpose(axes)


def test_asarray_withDtypeOrCopy_followsNumPy(train: tk.TensorTrain) -> None:
    assert np.asarray(train, np.float32).dtype == "float32"
    assert np.array(train).flags.owndata
    with pytest.raises(ValueError, match="copy"):
        np.asarray(train, copy=False)


def test_saveAndLoad_anyDtype_keepBitsAndBytes(rng: np.random.Generator, tmp_path: Path) -> None:
    for dtype in DTYPES:
        t = tk.tensor_train(random(rng, (3, 4, 5), dtype), rtol=0.3)
        t.save(tmp_path / "a.safetensors")
        u = tk.load(str(tmp_path / "a.safetensors"))
        assert isinstance(u, tk.TensorTrain)
        assert all(np.array_equal(a, b) for a, b in zip(t.cores, u.cores, strict=True))
        u.save(tmp_path / "b.safetensors")
        first, second = (tmp_path / n for n in ("a.safetensors", "b.safetensors"))
        assert first.read_bytes() == second.read_bytes()


def test_load_missingOrDamaged_saysSo(tmp_path: Path, train: tk.TensorTrain) -> None:
    with pytest.raises(OSError):
        tk.load(tmp_path / "none")
    (tmp_path / "bad").write_bytes(b"no train at all")
    with pytest.raises(tk.TTKitError):
        tk.load(tmp_path / "bad")
    with pytest.raises(ValueError, match="null character"):
        tk.load("a\0b")
    with pytest.raises(TypeError, match="path is a NoneType"):
        tk.load(None)  # type: ignore[arg-type]
    with pytest.raises(OSError):
        train.save(tmp_path / "no such folder" / "x")


def test_pickle_ofATrain_isTheSameTrain(train: tk.TensorTrain) -> None:
    again = pickle.loads(pickle.dumps(train))
    assert all(np.array_equal(a, b) for a, b in zip(train.cores, again.cores, strict=True))


def test_astype_narrower_isSaidAloud(train: tk.TensorTrain) -> None:
    assert train.astype("float64") is train
    assert train.astype("float32").dtype == "float32"
    with pytest.raises(TypeError):
        (1j * train).astype("float64")
