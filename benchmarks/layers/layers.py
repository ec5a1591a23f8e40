"""Layers of every format with random cores, as specs and arrays."""

from __future__ import annotations

import math

import numpy as np

MODES = {768: (4, 4, 6, 8), 3072: (8, 8, 6, 8), 4096: (8, 8, 8, 8), 11008: (8, 8, 4, 43),
         25088: (2, 7, 8, 8, 7, 4), 1024: (4, 8, 8, 4)}
PAIRS = {768: (24, 32), 3072: (48, 64), 4096: (64, 64), 11008: (86, 128), 1024: (32, 32)}


def times(factors):
    return "x".join(map(str, factors))


def ranks_of(lengths, rank):
    """Inner ranks of a train, capped by the products of the lengths on either side."""
    inner = [min(rank, math.prod(lengths[:k]), math.prod(lengths[k:]))
             for k in range(1, len(lengths))]
    return [1, *inner, 1]


def layer(name, out, inputs, rank):
    """The spec and the core shapes of `name` for (out, inputs) at one rank."""
    rows, columns = MODES[out], MODES[inputs]
    if name == "dense":
        return "dense", [(out, inputs)]
    if name == "low_rank":
        return f"low_rank(rank={rank})", [(out, rank), (rank, inputs)]
    if name == "train_matrix":
        ranks = ranks_of([m * n for m, n in zip(rows, columns)], rank)
        shapes = [(ranks[k], rows[k], columns[k], ranks[k + 1]) for k in range(len(rows))]
        return f"train_matrix(rows={times(rows)}, columns={times(columns)}, rank={rank})", shapes
    if name == "train":
        modes = [*columns, *rows]
        ranks = ranks_of(modes, rank)
        shapes = [(ranks[k], modes[k], ranks[k + 1]) for k in range(len(modes))]
        return f"train(rows={times(rows)}, columns={times(columns)}, rank={rank})", shapes
    if name == "cp":
        shapes = [(mode, rank) for mode in (*rows, *columns)]
        return f"cp(rows={times(rows)}, columns={times(columns)}, rank={rank})", shapes
    rows, columns = PAIRS[out], PAIRS[inputs]
    if name == "kronecker":
        spec = f"kronecker(rows={times(rows)}, columns={times(columns)})"
        return spec, [*zip(rows, columns)]
    if name == "tucker":
        modes = [*rows, *columns]
        ranks = [min(rank, mode) for mode in modes]
        spec = f"tucker(rows={times(rows)}, columns={times(columns)}, rank={rank})"
        return spec, [tuple(ranks), *zip(modes, ranks)]
    if name == "block_tensor_train":
        rank = min(rank, rows[0], columns[1])
        shapes = [(*rows, columns[0], rank), (rank, rows[1], *columns)]
        spec = f"block_tensor_train(rows={times(rows)}, columns={times(columns)}, rank={rank})"
        return spec, shapes
    if name == "monarch":
        blocks = rank
        height, width = -(-out // blocks), inputs // blocks
        bond = max(min(height, width) // blocks, 1)
        shapes = [(height, blocks, blocks, bond), (bond, blocks, blocks, width)]
        return f"monarch(blocks={blocks})", shapes
    raise ValueError(name)


def cores_of(shapes, seed=0):
    """Cores whose product has entries of about unit size."""
    random = np.random.default_rng(seed)
    return [random.standard_normal(shape).astype(np.float32) / np.float32(math.sqrt(shape[-1]))
            for shape in shapes]


def structured(formats=None, ranks=(8, 64)):
    """(name, rank) of every format; rank is the number of blocks of Monarch."""
    for name in formats or ("low_rank", "train_matrix", "train", "block_tensor_train", "monarch",
                            "kronecker", "cp", "tucker"):
        if name == "kronecker":
            yield name, 1
        elif name == "monarch":
            yield from ((name, blocks) for blocks in (32, 64))
        elif name == "block_tensor_train":
            yield from ((name, rank) for rank in (1, 4, 8))
        else:
            yield from ((name, rank) for rank in ranks)
