"""The demo's report.html: one file, its plots inside as SVG."""

from __future__ import annotations

import html
import io
from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot  # noqa: E402 (the backend is chosen first)

import ttkit as tk  # noqa: E402
from ttkit.cli.contenders import Contender  # noqa: E402
from ttkit.cli.race import race  # noqa: E402

ROWS = 32
SECONDS = 0.05  # spent on timing one layer

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 60em; padding: 0 1em }}
table {{ border-collapse: collapse; margin: 1em 0 }}
td, th {{ padding: .2em .8em; text-align: right; border-bottom: 1px solid #ddd }}
td:first-child, th:first-child {{ text-align: left }}
svg {{ max-width: 100%; height: auto }}
.layers {{ font-size: 13px }}
</style></head><body>
<h1>{title}</h1>
{body}
</body></html>
"""


def write(path: Path, title: str, summary: Sequence[tuple[str, str, str]], model: tk.Model) -> None:
    """Write the report of a compressed model.

    Parameters
    ----------
    path : Path
    title : str
    summary : sequence of (name, dense, compressed)
        The table that the demo prints, its heading first.
    model : Model
        Every compressed layer of it is timed beside a dense one, `ROWS` rows at a time.
    """
    weights = [weight for weight in model.report() if weight.spec is not None]
    names = [_short(weight.name) for weight in weights]
    races = []
    for weight in weights:
        layer = model[weight.name]
        assert isinstance(layer, (tk.Linear, tk.Embedding))
        races.append(race(Contender(layer, 1), ROWS, SECONDS))
    dense_times = [run.dense[run.best].median * 1e6 for run in races]
    times = [run.compressed.median * 1e6 for run in races]
    body = [
        _table(summary),
        "<h2>Error by layer</h2>",
        "<p>Relative Frobenius error of each weight, as stored.</p>",
        _bars(names, {"compressed": [weight.error for weight in weights]}, "relative error"),
        "<h2>Size by layer</h2>",
        _bars(names, {
            "dense": [weight.nbytes_before / 1e6 for weight in weights],
            "compressed": [weight.nbytes / 1e6 for weight in weights]}, "MB", log=True),
        f"<h2>Time by layer</h2><p>One call with {ROWS} rows on one thread, median; dense is the "
        "faster of NumPy's BLAS and a dense ttkit layer.</p>",
        _bars(names, {"dense": dense_times, "compressed": times}, "microseconds", log=True),
        "<h2>Layers</h2>",
        _table([
            ("weight", "shape", "spec", "MB", "was", "error", "us", "dense us"),
            *((w.name, "x".join(map(str, w.shape)), w.spec or "", f"{w.nbytes / 1e6:.3f}",
               f"{w.nbytes_before / 1e6:.3f}", f"{w.error:.4f}", f"{t:.1f}", f"{d:.1f}")
              for w, t, d in zip(weights, times, dense_times, strict=True))], "layers"),
    ]
    path.write_text(_PAGE.format(title=html.escape(title), body="\n".join(body)), encoding="utf-8")


def _short(name: str) -> str:
    for long, short in (
        ("encoder.layer.", ""), ("attention.self.", ""), ("attention.output.dense", "attention out"),
        ("intermediate.dense", "up"), ("output.dense", "down"), ("embeddings.", ""),
        ("_embeddings", ""), (".weight", ""),
    ):
        name = name.replace(long, short)
    return name


def _bars(
    names: Sequence[str], series: dict[str, Sequence[float]], unit: str, *, log: bool = False
) -> str:
    """Groups of horizontal bars, one a layer, as SVG."""
    figure, axes = pyplot.subplots(figsize=(9, 0.6 + 0.2 * len(names)), layout="constrained")
    height = 0.8 / len(series)
    for k, (label, values) in enumerate(series.items()):
        places = [i + k * height for i in range(len(names))]
        color = "#bbbbbb" if label == "dense" else "#2b6cb0"
        axes.barh(places, values, height, label=label, color=color)
    axes.set_yticks([i + 0.4 - height / 2 for i in range(len(names))], names, fontsize=7)
    axes.invert_yaxis()
    axes.margins(y=0.01)
    axes.set_xlabel(unit)
    if log:
        axes.set_xscale("log")
    if len(series) > 1:
        axes.legend()
    text = io.StringIO()
    figure.savefig(text, format="svg")
    pyplot.close(figure)
    drawing = text.getvalue()
    return drawing[drawing.index("<svg"):]


def _table(rows: Sequence[Sequence[str]], kind: str = "summary") -> str:
    """An HTML table; the first row is its heading."""
    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"
    heading, *rest = rows
    lines = [line(heading, "th"), *(line(row, "td") for row in rest)]
    return f'<table class="{kind}">' + "\n".join(lines) + "</table>"
