"""Times a training pass of a tensor train of few bits against the same composed in torch, one thread, in turn.

Usage: python benchmarks/lowbit/training.py [--rows 32 256 1024] [--repeats 15]

Forward and all gradients of train(rows=24x32, columns=32x24, ranks 24, 30, 24) and of a feed-forward one:
cores of 4 bits, outputs of 8. torch: _fake_quantize_learnable_per_tensor_affine on every core, the two halves
contracted, two products with the activations, the same operator on the result; autograd. Prints the medians
of processor time and their ratio, and how far the results are apart.
"""

import argparse

import numpy as np
import torch
from timing import cpu_milliseconds

import ttkit as tk

LAYERS = {"768 x 768": ((24, 32), (32, 24), 30), "3072 x 768": ((48, 64), (32, 24), 30)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[32, 256, 1024])
    parser.add_argument("--repeats", type=int, default=15)
    given = parser.parse_args()
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    for name, (out, into, rank) in LAYERS.items():
        spec = f"train(rows={out[0]}x{out[1]}, columns={into[0]}x{into[1]}, rank={rank})"
        layer = tk.Linear.initialize(spec, np.prod(into), np.prod(out))
        cores = [core.copy() for core in layer.cores]
        scales = [np.float32(np.abs(core).max() / 7) for core in cores]
        training = tk.QuantizedTraining(layer, 4, rule="plain", threads=1)
        leaves = [torch.tensor(core, requires_grad=True) for core in cores]
        steps = [torch.tensor([scale], requires_grad=True) for scale in scales]
        zeros = torch.zeros(1, requires_grad=True)
        for rows in given.rows:
            x = rng.normal(size=(rows, layer.in_features)).astype(np.float32)
            grad = rng.normal(size=(rows, layer.out_features)).astype(np.float32)
            end = np.float32(np.abs(layer(x)).max() / 127)
            last = torch.tensor([end], requires_grad=True)
            value, slope = torch.tensor(x, requires_grad=True), torch.tensor(grad)
            learnable = torch._fake_quantize_learnable_per_tensor_affine

            def theirs():
                a, b, c, d = (learnable(core, step, zeros, -8, 7, 1.0) for core, step in zip(leaves, steps))
                left = torch.einsum("ajb,bkc->ajkc", a, b).reshape(-1, c.shape[0])
                right = torch.einsum("cld,dme->clme", c, d).reshape(c.shape[0], -1)
                y = learnable(value @ left @ right, last, zeros, -128, 127, 1.0)
                return y, torch.autograd.grad(y, [value, *leaves, *steps, last], slope)

            def ours():
                y, made = training.forward(x, cores, scales, output_scale=end)
                return y, training.vjp(made, grad)

            (y, gradients), (z, found) = theirs(), ours()
            apart = float(np.mean(np.abs(y.detach().numpy() - z) > 0.5 * end))
            far = [float(np.linalg.norm(a.numpy() - b) / np.linalg.norm(b))
                   for a, b in zip(gradients[:5], [found.x, *found.cores])]
            for _ in range(2):
                theirs(), ours()
            times = [(cpu_milliseconds(theirs), cpu_milliseconds(ours)) for _ in range(given.repeats)]
            t, o = np.median(times, axis=0)
            print(f"{name}, {rows:5} rows: torch {t:8.3f} ms, ttkit {o:8.3f} ms, {t / o:5.2f}x; outputs a level "
                  f"apart {apart:.1e}, gradients {max(far):.1e}", flush=True)


if __name__ == "__main__":
    main()
