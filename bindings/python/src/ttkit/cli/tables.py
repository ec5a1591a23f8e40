"""Tables, sizes and durations for people."""

from __future__ import annotations

from collections.abc import Sequence

from .messages import printable

_SIZES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
_DURATIONS = ((1.0, 1.0, "s"), (1e-3, 1e-3, "ms"), (0.0, 1e-6, "us"))


def table(rows: Sequence[Sequence[str]], left: Sequence[int] = (0,)) -> str:
    """Rows under a first row of titles, columns aligned: those in `left` to the left."""
    clean = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*clean, strict=True)]
    clean.insert(1, ["-" * width for width in widths])
    lines = [
        "  ".join(
            cell.ljust(width) if k in left else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True)))
        for row in clean
    ]
    return "\n".join(line.rstrip() for line in lines)


def size(nbytes: float) -> str:
    """A number of bytes with three digits: "90.9 MB"."""
    for unit, name in _SIZES:
        if nbytes >= unit * 0.9995:
            return f"{_three(nbytes / unit)} {name}"
    return f"{nbytes:.0f} B"


def count_text(count: float) -> str:
    """A large number with three digits: "1.23 M"."""
    for unit, name in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if count >= unit * 0.9995:
            return f"{_three(count / unit)}{name}"
    return f"{count:.0f}"


def duration(seconds: float) -> str:
    """A time with three digits: "12.3 us"."""
    for least, unit, name in _DURATIONS:
        if seconds >= least * 0.9995:
            break
    return f"{_three(seconds / unit)} {name}"


def shape_text(shape: Sequence[int]) -> str:
    """A shape as "384x1536"; nothing for a single number."""
    return "x".join(map(str, shape))


def times(numerator: float, denominator: float) -> str:
    """A ratio: "3.87x", or "-" without a denominator."""
    return f"{numerator / denominator:.2f}x" if denominator else "-"


def _three(value: float) -> str:
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{digits}f}"
