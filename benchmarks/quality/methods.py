"""What the quality table compares: one line a method."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple


class Method(NamedTuple):
    """Specs of the linears and of the word embedding; None leaves a part as it is.

    `calibrated`: fits of the linears, without and with what they see.
    """

    linears: str | None
    words: str | None = None
    calibrated: tuple[bool, ...] = (False, True)


_LINEARS = (
    "dense@int4(group=tensor)", "dense@int4(group=row)", "dense@int4(group=64)", "dense@kmeans4",
    "dense@kmeans4(group=row)", "rotation@lloyd4", "kashin(method=greedy)@kmeans4",
    "kashin@kmeans4", "kashin(code=split)@kmeans2(group=row)",
    "dense@int3(group=tensor)", "dense@int3(group=row)", "dense@int3(group=64)", "dense@kmeans3",
    "rotation@lloyd3", "dense@pairs6", "rotation@pairs6", "kashin(method=greedy)@kmeans3",
    "kashin@kmeans3",
    "dense@int2(group=tensor)", "dense@int2(group=row)", "dense@int2(group=64)", "dense@kmeans2",
    "rotation@lloyd2", "dense@pairs4", "rotation@pairs4", "rotation@quads8",
    "kashin(method=greedy)@kmeans2", "kashin@kmeans2",
)
# The outliers of low bits apart, in float16.
_SPARSE = tuple(
    f"sparse(share={share})@float16 + dense@{grid}"
    for share, grid in (
        (0.005, "int4(group=tensor)"), (0.005, "int4(group=row)"), (0.005, "int3(group=tensor)"),
        (0.005, "int3(group=row)"), (0.005, "int2(group=row)"), (0.02, "int2(group=row)")))
_WORDS = (
    "int4(group=row)", "kmeans4", "lloyd4", "int3(group=row)", "kmeans3", "lloyd3", "pairs6",
    "int2(group=row)", "kmeans2", "lloyd2", "pairs4", "quads8", "kmeans1",
)
_BOTH = (  # the targets are 4.1, 3.1, 2.5 and 2.1 bits a weight
    ("int4(group=row)", "int4(group=row)"), ("int5(group=row)", "kmeans3"),
    ("int3(group=row)", "kmeans3"), ("int3(group=row)", "kmeans2"),
    ("int2(group=row)", "kmeans2"),
)
# Half and a quarter of the numbers, in float32; then a quarter of the bits, in other ways.
_NETWORKS = (
    "low_rank/2", "block_tensor_train/2", "train_matrix/2", "low_rank/4", "block_tensor_train/4",
    "train_matrix/4", "low_rank/1@int8(group=64)", "low_rank/2@int4(group=64)",
)

# Every format at half and at a quarter of the numbers, in float32.
_FORMATS = tuple(
    f"{name}/{ratio}" for ratio in (2, 4)
    for name in ("low_rank", "monarch", "block_tensor_train", "kronecker", "train", "train_matrix",
                 "cp", "tucker", "hierarchical_tucker"))
# A train for each token beside tables that share their cores, of as many numbers: 56 and 160 a token.
_TOKENS = (
    "token_train(shape=8x6x8, rank=2)", "train_matrix(rows=32x30x32, columns=8x6x8, rank=97)",
    "train_matrix(rows=192x160, columns=16x24, rank=253)", "low_rank(rank=55)",
    "token_train(shape=8x6x8, rank=4)", "train_matrix(rows=32x30x32, columns=8x6x8, rank=165)",
    "low_rank(rank=158)",
)

TABLES: dict[str, list[Method]] = {
    "linears": [Method(name) for name in _LINEARS + _SPARSE],
    "words": [Method(None, f"dense@{storage}", (False,)) for storage in _WORDS],
    "both": [Method(f"dense@{a}", f"dense@{b}") for a, b in _BOTH],
    "networks": [Method(name) for name in _NETWORKS],
    "formats": [Method(name) for name in _FORMATS],
    "tokens": [Method(None, name, (False,)) for name in _TOKENS],
}


def spec(name: str, rows: int, columns: int) -> str:
    """The spec for a matrix of this shape: `low_rank/2` is a low rank of half its numbers."""
    network, slash, rest = name.partition("/")
    if not slash:
        return name
    ratio, at, storage = rest.partition("@")
    budget = rows * columns / float(ratio)
    found = SPECS[network](rows, columns, budget)
    return found + at + storage


def _two_cores(name: str, r1: int, r2: int, c1: int, c2: int, budget: float) -> str:
    """Two cores whose numbers are the budget, or that for each block of a block tensor train."""
    pair = r1 + c2 if name == "block_tensor_train" else r1 * c1 + r2 * c2
    return f"{name}(rows={r1}x{r2}, columns={c1}x{c2}, rank={max(int(budget / pair), 1)})"


def _monarch(rows: int, columns: int, budget: float) -> str:
    """The fewest blocks within the budget: bond * blocks * (rows + columns) numbers."""
    def count(blocks: int) -> int:
        return max(min(rows, columns) // blocks**2, 1) * blocks * (rows + columns)
    return f"monarch(blocks={min(b for b in (2, 4, 8, 16, 32) if count(b) <= budget)})"


def _ranked(name: str, modes: tuple[int, ...], count: Callable[[int], int], budget: float) -> str:
    """The largest rank within the budget."""
    rank = 1
    while count(rank + 1) <= budget and rank < 4096:
        rank += 1
    half = len(modes) // 2
    return (f"{name}(rows={modes[0]}x{modes[1]}, columns={modes[half]}x{modes[half + 1]}, "
            f"rank={rank})")


def _capped(modes: tuple[int, ...], rank: int) -> list[int]:
    return [min(rank, n) for n in modes]


def _tucker(rows: int, columns: int, budget: float) -> str:
    modes = (rows // 16, 16, columns // 16, 16)

    def count(rank: int) -> int:
        ranks = _capped(modes, rank)
        return math.prod(ranks) + sum(map(math.prod, zip(modes, ranks)))
    return _ranked("tucker", modes, count, budget)


def _tree(rows: int, columns: int, budget: float) -> str:
    """Frames of the four modes, a transfer tensor for rows and one for columns, and the root."""
    modes = (rows // 16, 16, columns // 16, 16)

    def count(rank: int) -> int:
        ranks = _capped(modes, rank)
        pairs = [min(rank, ranks[0] * ranks[1]), min(rank, ranks[2] * ranks[3])]
        return (sum(map(math.prod, zip(modes, ranks))) + ranks[0] * ranks[1] * pairs[0]
                + ranks[2] * ranks[3] * pairs[1] + math.prod(pairs))
    return _ranked("hierarchical_tucker", modes, count, budget)


def _train(rows: int, columns: int, budget: float) -> str:
    """Cores of the columns' modes, then of the rows'."""
    modes = (rows // 16, 16, columns // 16, 16)
    order = (*modes[2:], *modes[:2])

    def count(rank: int) -> int:
        ranks = [1, *(min(rank, math.prod(order[:k]), math.prod(order[k:])) for k in (1, 2, 3)), 1]
        return sum(ranks[k] * order[k] * ranks[k + 1] for k in range(4))
    return _ranked("train", modes, count, budget)


def _cp(rows: int, columns: int, budget: float) -> str:
    """One factor of rows and two of columns: two and two would need ranks of a thousand."""
    c1 = columns // 16
    return f"cp(rows={rows}, columns={c1}x16, rank={int(budget / (rows + c1 + 16))})"


def _kronecker(rows: int, columns: int, budget: float) -> str:
    ratio = round(rows * columns / budget)
    return f"kronecker(rows={rows}x1, columns={columns // ratio}x{ratio})"


SPECS: dict[str, Callable[[int, int, float], str]] = {
    "low_rank": lambda m, n, budget: f"low_rank(rank={int(budget / (m + n))})",
    "block_tensor_train": lambda m, n, budget: _two_cores(
        "block_tensor_train", m // 2, 2, 2, n // 2, budget / 4),
    "train_matrix": lambda m, n, budget: _two_cores(
        "train_matrix", m // 16, 16, n // 16, 16, budget),
    "monarch": _monarch, "kronecker": _kronecker, "train": _train, "cp": _cp, "tucker": _tucker,
    "hierarchical_tucker": _tree,
}
