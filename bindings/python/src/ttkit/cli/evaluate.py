"""``ttkit evaluate``: a compressed sentence encoder beside the dense one."""

from __future__ import annotations

import argparse
import statistics
import time
from functools import partial
from pathlib import Path

import numpy as np

from ..bert import Encoder
from .encoders import encoder, sentences
from .headers import model_files
from .messages import existing
from .parser import Command, whole
from .result import Result
from .tables import duration, size, table, times

_EXAMPLES = """\
  ttkit evaluate small --against MODEL --texts sentences.txt
  ttkit evaluate small --against MODEL --texts sentences.txt --rounds 15 --json"""
_NOTE = """\
cosine: between the two models' embeddings of a sentence; 1 is the same direction. Times are medians of
one sentence, one at a time and in a batch, both models in turns."""
_BATCH = 32


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="folder of a compressed encoder")
    parser.add_argument("--against", metavar="DENSE", required=True, help="folder of the original")
    parser.add_argument(
        "--texts", metavar="FILE", required=True, help="sentences, one a line")
    parser.add_argument(
        "--rounds", type=partial(whole, least=1), default=5, metavar="N",
        help="timed rounds of each model (default: %(default)s)")
    parser.add_argument(
        "--threads", type=partial(whole, least=0), default=0, metavar="N",
        help="of compressed layers (default: all this process may use)")
    parser.add_argument("--quiet", action="store_true", help="no table")


def _run(arguments: argparse.Namespace) -> Result:
    paths = [existing(arguments.against), existing(arguments.model)]
    texts = sentences(arguments.texts)
    dense, small = encoders = [encoder(path, arguments.threads) for path in paths]
    if dense.width != small.width:
        raise ValueError(
            f"{arguments.model} makes embeddings of {small.width} numbers, {arguments.against} of "
            f"{dense.width}; they are not the same model")
    a, b = (each.encode(texts) for each in encoders)
    cosine = np.einsum("ij,ij->i", a, b, dtype=np.float64)
    nbytes = [_nbytes(path) for path in paths]
    single = _seconds(encoders, texts[:1], 4 * arguments.rounds)
    batch = _seconds(encoders, texts[:_BATCH], arguments.rounds)
    worst = int(cosine.argmin())
    document: dict[str, object] = {
        "command": "evaluate", "model": arguments.model, "against": arguments.against,
        "texts": arguments.texts, "count": len(texts),
        "cosine": {
            "mean": float(cosine.mean()), "min": float(cosine[worst]), "worst": texts[worst]},
        "nbytes": {"dense": nbytes[0], "model": nbytes[1]},
        "seconds": {
            "single": {"dense": single[0], "model": single[1]},
            "batch": {"dense": batch[0], "model": batch[1], "size": min(_BATCH, len(texts))}},
    }
    rows = [
        ("", "dense", "compressed", "ratio"),
        ("file", size(nbytes[0]), size(nbytes[1]), times(*nbytes)),
        ("mean cosine", "1", f"{cosine.mean():.4f}", ""),
        ("minimum cosine", "1", f"{cosine[worst]:.4f}", ""),
        ("one sentence", duration(single[0]), duration(single[1]), times(*single)),
        (f"one of {min(_BATCH, len(texts))}", duration(batch[0]), duration(batch[1]),
         times(*batch)),
    ]
    return Result(document, f"{table(rows)}\n{_NOTE}")


def _nbytes(path: Path) -> int:
    return sum(file.stat().st_size for file in model_files(path))


def _seconds(encoders: list[Encoder], texts: list[str], rounds: int) -> list[float]:
    """Median time of one of the texts for each encoder, in turns; the first round warms up."""
    found: list[list[float]] = [[] for _ in encoders]
    for _ in range(rounds + 1):
        for own, each in zip(found, encoders, strict=True):
            start = time.perf_counter()
            each.encode(texts)
            own.append((time.perf_counter() - start) / len(texts))
    return [statistics.median(own[1:]) for own in found]


COMMAND = Command(
    "compare a compressed sentence encoder with the original", _EXAMPLES, _add_arguments, _run)
