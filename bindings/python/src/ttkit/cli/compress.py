"""``ttkit compress``: a model by a recipe into a folder."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from ..calibration import Calibration, calibrate
from ..compress import compress
from ..recipe import Recipe
from ..report import WeightReport
from .baseline import dense_form
from .encoders import encoder, sentences
from .interrupts import Interrupts, Workers
from .messages import existing, printable, warn
from .parser import Command, UsageError, byte_count, whole
from .progress import Progress
from .recipes import is_file, quoted, recipe_named, unmatched
from .result import Result
from .staging import check_out, commit, staged
from .tables import duration, shape_text, size, table, times

_EXAMPLES = """\
  ttkit compress MODEL --out small
  ttkit compress MODEL --recipe recipe.json --out small --memory-limit 512MB
  ttkit compress MODEL --recipe "low_rank(rank=64)@float16" --out small --json
  ttkit compress MODEL --calibrate sentences.txt --out small"""
_NAMED = 8  # weights in a note, before it says how many more there are


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a safetensors file, a folder, or an index")
    parser.add_argument("--out", metavar="DIR", required=True, help="folder of the result")
    parser.add_argument(
        "--recipe", default="default", metavar="RECIPE",
        help="a JSON file, a built-in name, or one spec for all weights (default: %(default)s)")
    parser.add_argument(
        "--calibrate", metavar="TEXTS",
        help="a file of sentences, one a line: weights are fitted to what layers see of them "
        "(BERT-type encoders)")
    parser.add_argument(
        "--threads", type=partial(whole, least=0), default=0, metavar="N",
        help="of each worker (default: all this process may use)")
    parser.add_argument(
        "--workers", type=partial(whole, least=1), default=1, metavar="N",
        help="processes, one part of the model and one output file each (default: %(default)s)")
    parser.add_argument(
        "--memory-limit", type=byte_count, metavar="BYTES",
        help="weights in work at one time, such as 512MB (default: 1GiB)")
    parser.add_argument(
        "--max-shard-size", type=byte_count, metavar="BYTES",
        help="split the output into files of at most this size")
    parser.add_argument(
        "--force", action="store_true", help="replace a model that is in DIR already")
    parser.add_argument("--quiet", action="store_true", help="no progress bar, no table")


def _run(arguments: argparse.Namespace) -> Result:
    if arguments.workers > 1 and arguments.max_shard_size is not None:
        raise UsageError(
            "--workers and --max-shard-size exclude each other; give one of them", arguments.prog)
    source, out = existing(arguments.model), Path(arguments.out)
    recipe = recipe_named(arguments.recipe)
    check_out(out, source, arguments.force)
    start = time.perf_counter()
    seen = None
    if arguments.calibrate is not None:
        seen = calibrate(encoder(source, arguments.threads), sentences(arguments.calibrate))
    weights = _compressed(source, recipe, out, arguments, seen)
    seconds = time.perf_counter() - start
    if is_file(arguments.recipe) and not arguments.quiet:
        idle = unmatched(recipe, [weight.name for weight in weights])
        if idle:
            warn(f"in the recipe {arguments.recipe}, {quoted(idle, 'match')} no weight")
    return _result(arguments, weights, seconds)


def _compressed(
    source: Path,
    recipe: Recipe,
    out: Path,
    arguments: argparse.Namespace,
    seen: Calibration | None,
) -> list[WeightReport]:
    """Compress, and put the output in its place; on any failure nothing of it is left."""
    weights: list[WeightReport] = []
    with ExitStack() as stack:
        interrupts = stack.enter_context(Interrupts(arguments.workers > 1))
        stage = stack.enter_context(staged(out))
        bar = stack.enter_context(Progress(not arguments.quiet, "weights"))

        def progress(report: WeightReport, done: int, total: int) -> None:
            interrupts.check()
            weights.append(report)
            bar.step(report.name, done, total)

        executor = None
        if arguments.workers > 1:
            executor = stack.enter_context(Workers(arguments.workers))
        compress(
            source, recipe, out=stage, threads=arguments.threads, executor=executor,
            memory_limit=arguments.memory_limit, max_shard_nbytes=arguments.max_shard_size,
            progress=progress, calibration=seen).close()
        _require_some(weights, recipe, arguments)
        interrupts.only_note()
        interrupts.check()
        commit(stage, out)
    return weights


def _require_some(
    weights: Sequence[WeightReport], recipe: Recipe, arguments: argparse.Namespace
) -> None:
    """Refuse a run in which the recipe compressed nothing.

    Raises
    ------
    ValueError
    """
    if any(weight.spec is not None for weight in weights):
        return
    idle = unmatched(recipe, [weight.name for weight in weights])
    why = f": {quoted(idle, 'match')} no weight" if idle else ""
    raise ValueError(
        f"the recipe {arguments.recipe} compresses none of the {len(weights)} weights of "
        f"{arguments.model}, so nothing was written{why}")


def _result(
    arguments: argparse.Namespace, weights: Sequence[WeightReport], seconds: float
) -> Result:
    before, after = sum(w.nbytes_before for w in weights), sum(w.nbytes for w in weights)
    document: dict[str, object] = {
        "command": "compress", "source": arguments.model, "out": arguments.out,
        "recipe": arguments.recipe, "calibrate": arguments.calibrate, "seconds": seconds, "nbytes_before": before, "nbytes": after,
        "ratio": before / after if after else None,
        "weights": [weight._asdict() for weight in weights],
    }
    rows = [("weight", "shape", "spec", "before", "after", "error", "time")]
    rows += [_row(weight) for weight in weights if weight.spec is not None]
    kept = [weight for weight in weights if weight.spec is None]
    kept_bytes = size(sum(w.nbytes for w in kept))
    rows += [(f"{len(kept)} left as they are", "", "", kept_bytes, kept_bytes, "", "")]
    rows += [("all", "", "", size(before), size(after), "", duration(seconds))]
    said = f"{times(before, after)} smaller, written to {arguments.out}"
    lines = [table(rows, left=(0, 1, 2)), *_notes(weights), said]
    return Result(document, "\n".join(lines))


def _notes(weights: Sequence[WeightReport]) -> list[str]:
    """A line that names the weights which the recipe made larger than it had to."""
    found = []
    for weight in weights:
        dense = dense_form(weight)
        if dense is not None and weight.nbytes > dense.nbytes:
            found.append(
                f"{printable(weight.name)} ({size(weight.nbytes)}, {dense.spec} takes "
                f"{size(dense.nbytes)})")
    rest = [f"{len(found) - _NAMED} more"] if len(found) > _NAMED else []
    return [f"larger than dense: {', '.join(found[:_NAMED] + rest)}"] if found else []


def _row(weight: WeightReport) -> tuple[str, str, str, str, str, str, str]:
    return (
        weight.name, shape_text(weight.shape), weight.spec or "", size(weight.nbytes_before),
        size(weight.nbytes), f"{weight.error:.2e}", duration(weight.seconds))


COMMAND = Command("compress a model by a recipe", _EXAMPLES, _add_arguments, _run)
