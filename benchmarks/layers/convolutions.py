#!/usr/bin/env python3
"""A 64 -> 128, 3 x 3 convolution of a 56 x 56 image at 4 times fewer multiply-adds, against dense ones.

Usage: convolutions.py [--json]. One thread; pairs are timed in turns, the minimum of many counts.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np  # noqa: E402
from timing import race  # noqa: E402

import ttkit as tk  # noqa: E402


def dense(kernel: np.ndarray, x: np.ndarray) -> dict[str, Callable[[], object]]:
    """Dense convolutions of whatever is installed."""
    calls: dict[str, Callable[[], object]] = {}
    try:
        import torch
        torch.set_num_threads(1)
        weight, image = torch.from_numpy(kernel), torch.from_numpy(x)
        last = image.to(memory_format=torch.channels_last)
        wide = weight.to(memory_format=torch.channels_last)

        def run(a: object, w: object) -> object:
            with torch.no_grad():
                return torch.nn.functional.conv2d(a, w, padding=1)
        calls["torch"] = lambda: run(image, weight)
        calls["torch, channels last"] = lambda: run(last, wide)
    except ImportError as error:
        print(error, file=sys.stderr)
    try:
        import onnx
        import onnxruntime
        from onnx import TensorProto, helper, numpy_helper
        node = helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])
        graph = helper.make_graph(
            [node], "conv", [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
            [numpy_helper.from_array(kernel, "w")])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        model.ir_version = 9
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        calls["onnxruntime"] = lambda: session.run(None, {"x": x})
    except ImportError as error:
        print(error, file=sys.stderr)
    return calls


def main() -> None:
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(128, 64, 3, 3)).astype(np.float32) / 24
    x = rng.normal(size=(1, 64, 56, 56)).astype(np.float32)
    calls = dense(kernel, x)
    out = np.empty((1, 128, 56, 56), np.float32)
    flops: dict[str, int] = {}
    backward: dict[str, Callable[[], object]] = {}
    rank, inner = 93, (27, 42)
    shapes = {
        f"cp_convolution(rank={rank})": [(rank, 64), (rank, 3), (rank, 3), (128, rank)],
        f"tucker_convolution(in={inner[0]}, out={inner[1]})": [
            (inner[0], 64), (inner[1], inner[0], 3, 3), (128, inner[1])],
        "train_convolution(rank=32x32x64)": [(32, 64), (32, 32, 3), (64, 32, 3), (128, 64)],
        "dense": [(128, 64, 3, 3)],
    }
    for spec, cores in shapes.items():
        given = [rng.normal(size=shape).astype(np.float32) for shape in cores]
        layer = tk.Conv2d.from_cores(spec, given, kernel_shape=kernel.shape, padding=1)
        plan = layer.prepare(56, 56, threads=1)
        calls[spec] = lambda plan=plan: plan(x, out)
        flops[spec] = layer.flops(56, 56)
        grad = rng.normal(size=(1, 128, 56, 56)).astype(np.float32)
        backward[spec] = lambda layer=layer, grad=grad: layer.vjp(x, grad, threads=1)
    times = race(calls, 40)
    back = race(backward, 10)
    best = min(times[name] for name in times if name not in flops)
    results = {
        name: {
            "milliseconds": 1e3 * seconds, "dense / this": best / seconds,
            "Gflop/s": flops.get(name, flops["dense"]) / seconds / 1e9,
            "fewer multiply-adds": flops["dense"] / flops.get(name, flops["dense"]),
            **({"backward / forward": back[name] / seconds} if name in back else {})}
        for name, seconds in times.items()}
    if "--json" in sys.argv:
        print(json.dumps(results, indent=1))
        return
    for name, line in results.items():
        print(f"{name:40}", "  ".join(f"{key} {value:7.2f}" for key, value in line.items()))


if __name__ == "__main__":
    main()
