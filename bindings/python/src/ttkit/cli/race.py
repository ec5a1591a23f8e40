"""One compressed layer against its dense rivals at one number of rows."""

from __future__ import annotations

from typing import NamedTuple

from .contenders import Contender
from .timing import Spread, interleaved


class Race(NamedTuple):
    """Times of one call, and the bytes that the compressed and the dense layer keep in memory."""

    rows: int
    rounds: int
    compressed: Spread
    dense: dict[str, Spread]
    resident_nbytes: int
    dense_nbytes: int

    @property
    def best(self) -> str:
        """The faster dense rival."""
        return min(self.dense, key=lambda name: self.dense[name].median)

    @property
    def ratio(self) -> float:
        """Median time of the compressed layer over that of the faster dense one."""
        return self.compressed.median / self.dense[self.best].median

    def document(self) -> dict[str, object]:
        """The race for programs; times are seconds of one call."""
        best = self.dense[self.best].median
        return {
            "rows": self.rows, "rounds": self.rounds, "compressed": self.compressed._asdict(),
            "dense": {name: spread._asdict() for name, spread in self.dense.items()},
            "dense_by": self.best, "ratio": self.ratio,
            "rows_per_second": self.rows / self.compressed.median,
            "dense_rows_per_second": self.rows / best,
            "resident_nbytes": self.resident_nbytes, "dense_nbytes": self.dense_nbytes,
        }


def race(contender: Contender, rows: int, seconds: float) -> Race:
    """Time the layer and its rivals in turns."""
    contest = contender.contest(rows)
    spreads, rounds = interleaved([contest.compressed, *contest.rivals.values()], seconds)
    dense = dict(zip(contest.rivals, spreads[1:], strict=True))
    return Race(rows, rounds, spreads[0], dense, contest.resident_nbytes, contest.dense_nbytes)
