"""``ttkit bench``: how fast compressed layers are, against dense ones in the same run."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from functools import partial
from typing import NamedTuple

from ..compress import compress
from ..embedding import Embedding
from ..linear import Linear
from ..model import Model, Weight
from ..model import open as open_model
from ..report import WeightReport
from .contenders import Contender
from .messages import existing
from .parser import Command, whole
from .progress import Progress
from .race import Race, race
from .recipes import recipe_named
from .result import Result
from .tables import count_text, duration, shape_text, size, table
from .timing import limited_blas

_EXAMPLES = """\
  ttkit bench small
  ttkit bench small --rows 1,8,128 --threads 1 --json
  ttkit bench MODEL --recipe "low_rank(rank=64)"      compress first, keep nothing"""
_LINEAR_TITLES = (
    "linear", "weights", "rows", "compressed", "iqr", "dense", "iqr", "by", "ratio", "stored",
    "packed", "dense")
_EMBEDDING_TITLES = (
    "embedding", "weights", "ids", "ids/s", "NumPy ids/s", "ratio", "stored", "packed", "dense")
_NOTE = """\
Times are of one call: median and interquartile range. ratio: compressed over the faster dense one,
NumPy's BLAS or a dense ttkit layer; less than 1 is faster. Bytes in memory: of the cores as stored,
of what a plan packs of them, of the dense weight."""


class Layer(NamedTuple):
    """The races of one kind of layer; `first` is one of so many `weights`."""

    first: WeightReport
    weights: int
    races: list[Race]


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a compressed model")
    parser.add_argument("--recipe", metavar="RECIPE", help="compress a plain model by it first")
    parser.add_argument(
        "--rows", type=_rows, default=(1, 32, 512), metavar="N,N,...",
        help="rows of a batch, ids of a lookup (default: 1,32,512)")
    parser.add_argument(
        "--threads", type=partial(whole, least=0), default=0, metavar="N",
        help="of ttkit, and of NumPy's BLAS where threadpoolctl is installed (default: all)")
    parser.add_argument(
        "--seconds", type=_seconds, default=0.5, metavar="S",
        help="spent on each line, 20 rounds at least (default: %(default)s)")
    parser.add_argument("--quiet", action="store_true", help="no progress bar, no table")


def _run(arguments: argparse.Namespace) -> Result:
    path = existing(arguments.model)
    with ExitStack() as stack:
        if arguments.recipe is None:
            model = stack.enter_context(open_model(path))
        else:
            model = stack.enter_context(compress(path, recipe_named(arguments.recipe)))
        kinds = _kinds(model)
        if not kinds:
            raise ValueError(
                f"{arguments.model} holds no compressed layer; compress it first, or give --recipe")
        bar = stack.enter_context(Progress(not arguments.quiet, "layers"))
        blas, blas_threads = limited_blas(arguments.threads)
        stack.enter_context(blas)
        layers: list[Layer] = []
        for done, (first, count) in enumerate(kinds):
            contender = Contender(_made(model[first.name]), arguments.threads)
            races = [race(contender, rows, arguments.seconds) for rows in arguments.rows]
            layers.append(Layer(first, count, races))
            bar.step(first.name, done + 1, len(kinds))
    document: dict[str, object] = {
        "command": "bench", "model": arguments.model, "recipe": arguments.recipe,
        "threads": arguments.threads, "numpy_threads": blas_threads,
        "layers": [_document(layer) for layer in layers],
    }
    return Result(document, _text(layers))


def _kinds(model: Model) -> list[tuple[WeightReport, int]]:
    """The first weight of each kind, shape and spec, and how many there are of it."""
    found: dict[tuple[object, ...], tuple[WeightReport, int]] = {}
    for weight in model.report():
        if weight.spec is not None:
            key = weight.kind, weight.shape, weight.spec
            first, count = found.get(key, (weight, 0))
            found[key] = first, count + 1
    return list(found.values())


def _made(weight: Weight) -> Linear | Embedding:
    assert isinstance(weight, (Linear, Embedding))  # only such have a spec
    return weight


def _document(layer: Layer) -> dict[str, object]:
    first = layer.first
    return {
        "kind": first.kind, "shape": first.shape, "spec": first.spec, "example": first.name,
        "count": layer.weights, "nbytes": first.nbytes,
        "races": [each.document() for each in layer.races],
    }


def _text(layers: list[Layer]) -> str:
    """A table for each kind of layer that there is."""
    linear = [_linear_row(layer, each) for layer in layers for each in layer.races
              if layer.first.kind == "linear"]
    embedding = [_embedding_row(layer, each) for layer in layers for each in layer.races
                 if layer.first.kind == "embedding"]
    tables = [table([titles, *rows]) for titles, rows in
              ((_LINEAR_TITLES, linear), (_EMBEDDING_TITLES, embedding)) if rows]
    return "\n\n".join([*tables, _NOTE])


def _linear_row(layer: Layer, each: Race) -> tuple[str, ...]:
    dense = each.dense[each.best]
    return (
        _title(layer), str(layer.weights), str(each.rows), duration(each.compressed.median),
        duration(each.compressed.iqr), duration(dense.median), duration(dense.iqr), each.best,
        f"{each.ratio:.2f}", *_bytes(layer, each))


def _embedding_row(layer: Layer, each: Race) -> tuple[str, ...]:
    ours, numpy = (each.rows / spread.median for spread in (each.compressed, each.dense[each.best]))
    return (
        _title(layer), str(layer.weights), str(each.rows), count_text(ours), count_text(numpy),
        f"{each.ratio:.2f}", *_bytes(layer, each))


def _bytes(layer: Layer, each: Race) -> tuple[str, str, str]:
    return size(layer.first.nbytes), size(each.resident_nbytes), size(each.dense_nbytes)


def _title(layer: Layer) -> str:
    return f"{shape_text(layer.first.shape)} {layer.first.spec}"


def _rows(text: str) -> tuple[int, ...]:
    """Numbers of rows from text such as 1,32,512."""
    return tuple(whole(part.strip(), 1) for part in text.split(","))


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 0 to 3600")
    return value


COMMAND = Command(
    "time the layers of a compressed model against dense ones", _EXAMPLES, _add_arguments, _run)
