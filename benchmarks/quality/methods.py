"""What the quality table compares: one line a method."""

from __future__ import annotations

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

TABLES: dict[str, list[Method]] = {
    "linears": [Method(name) for name in _LINEARS],
    "words": [Method(None, f"dense@{storage}", (False,)) for storage in _WORDS],
    "both": [Method(f"dense@{a}", f"dense@{b}") for a, b in _BOTH],
    "networks": [Method(name) for name in _NETWORKS],
}


def spec(name: str, rows: int, columns: int) -> str:
    """The spec for a matrix of this shape: `low_rank/2` is a low rank of half its numbers."""
    network, slash, rest = name.partition("/")
    if not slash:
        return name
    ratio, at, storage = rest.partition("@")
    budget = rows * columns / float(ratio)
    if network == "low_rank":
        found = f"low_rank(rank={int(budget / (rows + columns))})"
    elif network == "block_tensor_train":
        found = _two_cores(network, rows // 2, 2, 2, columns // 2, budget / 4)
    else:
        found = _two_cores(network, rows // 16, 16, columns // 16, 16, budget)
    return found + at + storage


def _two_cores(name: str, r1: int, r2: int, c1: int, c2: int, budget: float) -> str:
    """Two cores whose numbers are the budget, or that for each block of a block tensor train."""
    pair = r1 + c2 if name == "block_tensor_train" else r1 * c1 + r2 * c2
    return f"{name}(rows={r1}x{r2}, columns={c1}x{c2}, rank={max(int(budget / pair), 1)})"
