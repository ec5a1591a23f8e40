"""``ttkit inspect``: what is in a model."""

from __future__ import annotations

import argparse

from ..model import open as open_model
from ..report import Report, WeightReport
from .headers import dtypes, model_files
from .messages import existing
from .parser import Command
from .result import Result
from .tables import shape_text, size, table, times

_EXAMPLES = """\
  ttkit inspect MODEL
  ttkit inspect small/model.safetensors --json"""


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="PATH", help="a safetensors file, a folder, or an index")
    parser.add_argument(
        "--skip-checksums", action="store_true",
        help="do not verify the checksums of a compressed model")


def _run(arguments: argparse.Namespace) -> Result:
    path = existing(arguments.model)
    with open_model(path, checksums=not arguments.skip_checksums) as model:
        report = model.report()
    known = dtypes(path)
    compressed = any(weight.spec is not None for weight in report)
    document: dict[str, object] = {
        "command": "inspect", "path": arguments.model, "compressed": compressed,
        "files": [{"name": file.name, "nbytes": file.stat().st_size} for file in model_files(path)],
        "nbytes": report.nbytes, "nbytes_before": report.nbytes_before,
        "weights": [_entry(weight, known.get(weight.name, "")) for weight in report],
    }
    text = _compressed(report, known) if compressed else _plain(report, known)
    return Result(document, text)


def _entry(weight: WeightReport, dtype: str) -> dict[str, object]:
    about: dict[str, object] = weight._asdict()
    del about["seconds"]  # nobody fitted anything
    return {**about, "dtype": dtype or None, "error": weight.error if weight.spec else None}


def _plain(report: Report, known: dict[str, str]) -> str:
    rows = [("name", "dtype", "shape", "bytes")]
    rows += [(w.name, known.get(w.name, ""), shape_text(w.shape), size(w.nbytes)) for w in report]
    rows += [(f"all {len(report)}", "", "", size(report.nbytes))]
    return table(rows, left=(0, 1, 2))


def _compressed(report: Report, known: dict[str, str]) -> str:
    rows = [("name", "spec", "shape", "before", "bytes", "error")]
    for w in report:
        spec = w.spec or known.get(w.name, "")
        error = f"{w.error:.2e}" if w.spec else ""
        rows.append(
            (w.name, spec, shape_text(w.shape), size(w.nbytes_before), size(w.nbytes), error))
    ratio = times(report.nbytes_before, report.nbytes)
    rows += [(f"all {len(report)}", "", "", size(report.nbytes_before), size(report.nbytes), "")]
    return f"{table(rows, left=(0, 1, 2))}\n{ratio} smaller than the original"


COMMAND = Command("list what is in a model, plain or compressed", _EXAMPLES, _add_arguments, _run)
