"""Equations with windows and index vectors, and block-term attention, beside layers made for them and torch.

usage: readings.py; torch where it is installed. Least milliseconds of a call, one thread.
"""

import sys
import time

import numpy as np
from timing import race

import ttkit as tk

try:
    import torch
    torch.set_num_threads(1)
except ImportError:
    torch = None

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.standard_normal(shape, dtype="float32")


def show(name, turns=9, **calls):
    """Calls by name, one after the other, again and again."""
    least = race(calls, turns, time.perf_counter)
    print(f"{name}: " + ", ".join(f"{key} {1e3 * value:.2f}" for key, value in least.items()), flush=True)


def convolution():
    x, kernel = normal(1, 64, 56, 56), normal(128, 64, 3, 3)
    layer = tk.Conv2d.fit(kernel, tk.Dense(), padding=1)
    p = tk.plan("zc{y+i-1}{x+j-1},ocij->zoyx", x.shape, kernel.shape, dtype="float32", threads=1)
    grad = normal(*p.shape)
    calls = {"einsum": lambda: p(x, kernel), "Conv2d": lambda: layer(x, threads=1)}
    back = {"einsum": lambda: p.vjp([x, kernel], grad), "Conv2d": lambda: layer.vjp(x, grad, threads=1)}
    if torch is not None:
        given = [torch.from_numpy(a).requires_grad_() for a in (x, kernel)]

        def forward():
            return torch.nn.functional.conv2d(*given, padding=1)

        calls["torch"] = forward
        back["torch_with_forward"] = lambda: torch.autograd.grad(forward(), given, torch.from_numpy(grad))
    show("3 x 3 convolution of 64 to 128 channels, 56 x 56", **calls)
    show("its gradients", **back)


def lookups():
    cores = [normal(200, 4, 32), normal(32, 220, 4, 32), normal(32, 250, 4)]
    ids = RNG.integers(0, 200 * 220 * 250, 1024)
    vectors = [np.ascontiguousarray(v) for v in np.unravel_index(ids, (200, 220, 250))]
    p = tk.plan("{i[n]}ar,r{j[n]}bs,s{k[n]}c->nabc", *(a.shape for a in [*cores, *vectors]),
                dtype="float32", threads=1)
    layer = tk.Embedding.from_cores(
        tk.TrainMatrix((200, 220, 250), (4, 4, 4), (32, 32)),
        [cores[0][None], cores[1], cores[2][..., None]], rows=200 * 220 * 250, features=64)
    calls = {"einsum": lambda: p(*cores, *vectors), "Embedding": lambda: layer(ids)}
    if torch is not None:
        a, b, c = (torch.from_numpy(core) for core in cores)
        i, j, k = (torch.from_numpy(v) for v in vectors)
        calls["torch"] = lambda: torch.einsum("nar,rnbs,snc->nabc", a[i], b[:, j], c[:, k])
    show("1024 rows of 11 M x 64, ranks 32", **calls)


def attention():
    for features, rank, outputs, length, sequences in ((256, 32, 256, 64, 8), (128, 16, 128, 128, 4)):
        parts = [normal(*shape) / 8 for shape in
                 [(rank, features)] * 3 + [(4, rank), (outputs, length, length)]]
        layer = tk.BlockTermAttention(*parts)
        x, grad = normal(sequences, length, features), normal(sequences, length, outputs)
        show(f"attention, {length} tokens of {features}, rank {rank}, {sequences} sequences",
             forward=lambda: layer(x, threads=1), backward=lambda: layer.vjp(x, grad, threads=1))


if __name__ == "__main__":
    convolution()
    lookups()
    attention()
    sys.exit(0)
