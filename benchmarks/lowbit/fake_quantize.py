"""Times fake quantisation with its gradients against torch's learnable operator, interleaved, one thread.

Usage: python benchmarks/lowbit/fake_quantize.py [--size 768 768] [--bits 4] [--repeats 21]

Forward and gradients of x and of the scale; per tensor and per row. Prints the CPU milliseconds of both
(the least and the median) and the ratio of the medians. torch's operator also returns a gradient of its
zero point, which stays 0 here.
"""

import argparse

import numpy as np
import torch
from timing import cpu_milliseconds

import ttkit as tk


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, nargs=2, default=[768, 768])
    parser.add_argument("--bits", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=21)
    given = parser.parse_args()
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    x, grad = (rng.normal(size=given.size).astype(np.float32) for _ in range(2))
    low, high = -(2 ** (given.bits - 1)), 2 ** (given.bits - 1) - 1
    # Half a step beyond the ends torch still counts as inside, the LSQ paper and we do not.
    beyond = np.maximum(x / 0.3 - high, low - x / 0.3)
    grad[(beyond > -1e-3) & (beyond < 0.501)] = 0
    for name, scale in [("tensor", np.full(1, 0.3, np.float32)),
                        ("row", np.full(given.size[0], 0.3, np.float32))]:
        leaves = [torch.tensor(a, requires_grad=True) for a in (x, scale, np.zeros_like(scale))]
        slope = torch.tensor(grad)

        def theirs():
            if name == "tensor":
                y = torch._fake_quantize_learnable_per_tensor_affine(*leaves, low, high, 1.0)
            else:
                y = torch._fake_quantize_learnable_per_channel_affine(*leaves, 0, low, high, 1.0)
            return y, torch.autograd.grad(y, leaves, slope)

        def ours():
            y = tk.fake_quantize(x, scale, given.bits)
            return y, tk.fake_quantize_vjp(x, scale, given.bits, grad, rule="plain")

        y, (gx, gs, _) = theirs()
        z, (hx, hs) = ours()
        # Values next to a border may fall on either side: x / s here, x * (1 / s) there.
        apart = np.mean(np.abs(y.detach().numpy() - z) > 1e-6)
        assert apart < 1e-4 and np.mean(gx.numpy() != hx) < 1e-4
        assert np.allclose(gs.numpy(), hs, rtol=2e-2, atol=1e-1)
        times = [(cpu_milliseconds(theirs), cpu_milliseconds(ours)) for _ in range(given.repeats)]
        (t, o), least = np.median(times, axis=0), np.min(times, axis=0)
        print(f"per {name:6} torch {t:7.3f} ms (least {least[0]:.3f}), ttkit {o:7.3f} ms "
              f"(least {least[1]:.3f}): {t / o:.1f}x")


if __name__ == "__main__":
    main()
