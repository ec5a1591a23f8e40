"""What the layers of a model see: second moments of their inputs, for fits that heed activations."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Hook: TypeAlias = Callable[[Sequence[str], npt.NDArray[Any]], object]
"""Called with the names of the weights that meet an input, and the input, shape (rows, in)."""

Forward: TypeAlias = Callable[[Sequence[str], Hook], object]
"""Runs texts through a model and calls the hook at every linear layer."""

SAMPLE_ROWS = 4096
_KEY = "ttkit_calibration"
_VERSION = 1


@dataclass(frozen=True, eq=False)
class LayerInputs:
    """What one layer saw.

    Attributes
    ----------
    moment : ndarray, shape (in, in), float64
        The sum of x x^T over all inputs x.
    total : ndarray, shape (in,), float64
        The sum of all inputs.
    count : int
        How many inputs there were.
    rows : ndarray, shape (at most 4096, in), float32
        Inputs drawn at random.
    """

    moment: npt.NDArray[np.float64]
    total: npt.NDArray[np.float64]
    count: int
    rows: npt.NDArray[np.float32]

    @property
    def augmented(self) -> npt.NDArray[np.float64]:
        """Moment of the inputs with a 1 appended, shape (in + 1, in + 1)."""
        edge = self.total[:, None]
        return np.block([[self.moment, edge], [edge.T, np.full((1, 1), float(self.count))]])


class Calibration(Mapping[str, LayerInputs]):
    """Inputs by the name of the weight that meets them; `calibrate` makes it.

    >>> import numpy as np, ttkit as tk
    >>> def forward(texts, hook):
    ...     hook(["a.weight"], np.ones((len(texts), 3), np.float32))
    >>> seen = tk.calibrate(forward, ["one", "two"])
    >>> seen["a.weight"].count, seen["a.weight"].moment[0]
    (2, array([2., 2., 2.]))
    """

    def __init__(self, layers: Mapping[str, LayerInputs]) -> None:
        self._layers = dict(layers)

    def __getitem__(self, name: str) -> LayerInputs:
        return self._layers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._layers)

    def __len__(self) -> int:
        return len(self._layers)

    def __repr__(self) -> str:
        counts = {inputs.count for inputs in self._layers.values()}
        return f"Calibration({len(self)} weights, {max(counts, default=0)} inputs)"

    def save(self, path: str | os.PathLike[str], *, rows: bool = True) -> None:
        """Write a safetensors file; without `rows` the samples stay out."""
        from safetensors.numpy import save_file  # type: ignore[import-not-found, unused-ignore]

        places: dict[int, int] = {}
        tensors: dict[str, npt.NDArray[Any]] = {}
        for inputs in self._layers.values():
            k = places.setdefault(id(inputs), len(places))
            if f"moment.{k}" in tensors:
                continue
            tensors[f"moment.{k}"] = inputs.moment
            tensors[f"total.{k}"] = inputs.total
            tensors[f"count.{k}"] = np.array([inputs.count], np.int64)
            if rows:
                tensors[f"rows.{k}"] = inputs.rows
        names = {name: places[id(inputs)] for name, inputs in self._layers.items()}
        about = json.dumps({"version": _VERSION, "weights": names})
        save_file(tensors, os.fspath(path), {_KEY: about})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Calibration:
        """Read what `save` wrote; ValueError for another file."""
        from safetensors import safe_open  # type: ignore[import-not-found, unused-ignore]

        with safe_open(os.fspath(Path(path)), "numpy") as file:
            about = json.loads((file.metadata() or {}).get(_KEY, "{}"))
            if about.get("version") != _VERSION:
                raise ValueError(f"{path} is no calibration of this version of ttkit")
            held = set(file.keys())
            made: dict[int, LayerInputs] = {}
            for k in about["weights"].values():
                if k in made:
                    continue
                moment = file.get_tensor(f"moment.{k}")
                rows = file.get_tensor(f"rows.{k}") if f"rows.{k}" in held else \
                    np.zeros((0, len(moment)), np.float32)
                made[k] = LayerInputs(
                    moment, file.get_tensor(f"total.{k}"), int(file.get_tensor(f"count.{k}")[0]),
                    rows)
        return cls({name: made[k] for name, k in about["weights"].items()})


def calibrate(forward: Any, texts: Sequence[str], *, seed: int = 0) -> Calibration:
    """Run texts through a model and note what its linear layers see.

    Parameters
    ----------
    forward : ttkit.bert.Encoder, or callable
        ``forward(texts, hook)`` runs the texts and calls ``hook(names, x)`` wherever the weights of
        these names multiply x, shape (rows, in); an encoder does so by itself.
    texts : sequence of str
        A few hundred sentences of the kind the model will meet.
    seed : int, optional
        Of the choice of sample rows.

    Returns
    -------
    Calibration

    Raises
    ------
    ValueError
        If there are no texts, no layer saw anything, or an input holds NaN or infinity.
    TypeError
    """
    if isinstance(texts, str):
        raise TypeError("texts is one string, expected a sequence of strings")
    if not len(texts):
        raise ValueError("texts is empty, expected at least one sentence")
    run: Forward = getattr(forward, "observe", forward)
    if not callable(run):
        raise TypeError(f"forward is a {type(forward).__name__}, expected an encoder or a callable")
    found: dict[str, _Sums] = {}
    generator = np.random.default_rng(seed)

    def hook(names: Sequence[str], x: npt.NDArray[Any]) -> None:
        first = found.get(names[0])
        if first is None:
            first = _Sums(x.shape[-1], generator)
            found.update(dict.fromkeys(names, first))
        first.add(names[0], x.reshape(-1, x.shape[-1]))

    run(texts, hook)
    if not found:
        raise ValueError("forward called its hook nowhere, so no layer was seen")
    made = {id(sums): sums.finished() for sums in found.values()}
    return Calibration({name: made[id(sums)] for name, sums in found.items()})


class _Sums:
    """The running sums of one layer, and the rows with the smallest of random keys."""

    def __init__(self, width: int, generator: np.random.Generator) -> None:
        self.moment = np.zeros((width, width))
        self.total = np.zeros(width)
        self.count = 0
        self._generator = generator
        self._keys = np.zeros(0)
        self._rows = np.zeros((0, width), np.float32)

    def add(self, name: str, x: npt.NDArray[Any]) -> None:
        if x.shape[1] != len(self.total):
            raise ValueError(
                f"{name} saw inputs of {x.shape[1]} numbers after ones of {len(self.total)}")
        x = np.asarray(x, np.float32)
        product = x.T @ x  # one batch in float32, batches together in float64
        if not np.isfinite(product.trace()):
            raise ValueError(f"an input of {name} holds NaN, infinity or a number beyond 1e19")
        self.moment += product
        self.total += x.sum(0, dtype=np.float64)
        self.count += len(x)
        keys = self._generator.random(len(x))
        full = len(self._keys) == SAMPLE_ROWS
        taken = keys < self._keys.max() if full else np.ones(len(x), bool)
        if not taken.any():
            return
        keys, rows = np.concatenate([self._keys, keys[taken]]), np.vstack([self._rows, x[taken]])
        if len(keys) > SAMPLE_ROWS:
            best = np.argpartition(keys, SAMPLE_ROWS)[:SAMPLE_ROWS]
            keys, rows = keys[best], rows[best]
        self._keys, self._rows = keys, rows

    def finished(self) -> LayerInputs:
        return LayerInputs(self.moment, self.total, self.count, self._rows)


def moment_of(inputs: Any, width: int) -> npt.NDArray[np.float64]:
    """The moment that the library fits with, of what a caller calls inputs.

    Parameters
    ----------
    inputs : LayerInputs, or array_like
        Rows (n, width), or their moment (width, width): a square array that equals its transpose
        is taken for a moment.
    width : int
        Columns of the weight.

    Returns
    -------
    ndarray, shape (width + 1, width + 1), or (width, width) for a moment
    """
    if isinstance(inputs, LayerInputs):
        given: npt.NDArray[Any] = inputs.augmented
        if len(inputs.total) != width:
            raise ValueError(
                f"inputs are of {len(inputs.total)} numbers, the weight has {width} columns")
        return given
    given = np.asarray(inputs)
    if given.dtype.kind != "f":
        raise TypeError(f"inputs has dtype {given.dtype}, expected floating-point numbers")
    if given.ndim != 2 or given.shape[1] != width:
        raise ValueError(
            f"inputs has shape {given.shape}, expected rows (n, {width}) or a moment "
            f"({width}, {width})")
    if not len(given):
        raise ValueError("inputs has no rows, expected at least one")
    if not np.isfinite(given).all():
        raise ValueError("inputs holds NaN or infinity, expected finite values")
    wide = given.astype(np.float64)
    if len(wide) == width and np.allclose(wide, wide.T, rtol=1e-6, atol=0.0):
        return wide
    total = wide.sum(0)
    return LayerInputs(wide.T @ wide, total, len(wide), np.zeros((0, width), np.float32)).augmented
