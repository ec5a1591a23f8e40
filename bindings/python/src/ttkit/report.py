"""What became of each weight of a model."""

from __future__ import annotations

from typing import Any, NamedTuple

from . import _abi

KINDS = {
    _abi.TTK_WEIGHT_TENSOR: "tensor",
    _abi.TTK_WEIGHT_LINEAR: "linear",
    _abi.TTK_WEIGHT_EMBEDDING: "embedding",
}


class WeightReport(NamedTuple):
    """One weight: `spec` is None and `error` 0 where it is untouched; bytes, seconds of fitting."""

    name: str
    kind: str
    spec: str | None
    shape: tuple[int, ...]
    nbytes_before: int
    nbytes: int
    error: float
    seconds: float


class Report(tuple[WeightReport, ...]):
    """All weights of a model; ``str(report)`` is a table."""

    __slots__ = ()

    @property
    def nbytes_before(self) -> int:
        """Bytes before compression."""
        return sum(weight.nbytes_before for weight in self)

    @property
    def nbytes(self) -> int:
        """Bytes as stored."""
        return sum(weight.nbytes for weight in self)

    def __str__(self) -> str:
        rows = [("weight", "shape", "spec", "MB", "was", "error")]
        rows += [_row(w.name, "x".join(map(str, w.shape)), w) for w in self if w.spec is not None]
        kept = [weight for weight in self if weight.spec is None]
        rest = WeightReport(
            f"{len(kept)} untouched", "tensor", None, (),
            sum(w.nbytes_before for w in kept), sum(w.nbytes for w in kept), 0.0, 0.0)
        total = rest._replace(name="all", nbytes_before=self.nbytes_before, nbytes=self.nbytes)
        rows += [_row(rest.name, "", rest), _row(total.name, "", total)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [[cell.rjust(w) if k > 2 else cell.ljust(w)
                  for k, (cell, w) in enumerate(zip(row, widths, strict=True))] for row in rows]
        return "\n".join("  ".join(line) for line in lines)


def weight_report(raw: _abi.ttk_weight_report) -> WeightReport:
    """The library's report as Python values."""
    spec: Any = raw.spec
    return WeightReport(
        raw.name.decode(), KINDS.get(raw.kind, "tensor"), None if spec is None else spec.decode(),
        tuple(raw.shape[: raw.ndim]), raw.nbytes_before, raw.nbytes, raw.error, raw.seconds)


def _row(name: str, shape: str, weight: WeightReport) -> tuple[str, str, str, str, str, str]:
    error = "" if weight.spec is None else f"{weight.error:.2e}"
    before, after = f"{weight.nbytes_before / 1e6:.2f}", f"{weight.nbytes / 1e6:.2f}"
    return name, shape, weight.spec or "", after, before, error
