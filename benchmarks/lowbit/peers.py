"""The contestants of layers.py: every one takes a weight (out, in) and gives a product for rows x.

A contestant is made of `bytes`, those of its weight in memory or in its file, and `bind(x)`, which gives
a callable that computes y = x Wᵀ and one that returns y.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import numpy as np

Product = tuple[Callable[[], object], Callable[[], np.ndarray]]


@dataclass(frozen=True)
class Contestant:
    name: str
    group: str  # contestants of one group are compared: "4-bit", "8-bit", ...
    bytes: int
    bind: Callable[[np.ndarray], Product]
    ours: bool = False


def ours(weight: np.ndarray, storage: str, compute: str, group: str) -> Contestant:
    import ttkit as tk

    layer = tk.Linear.fit(weight, "dense", storage=storage)

    def bind(x: np.ndarray) -> Product:
        plan, y = layer.prepare(len(x), compute=compute, threads=1), np.empty((len(x), len(weight)), np.float32)
        return lambda: plan(x, out=y), lambda: y

    resident = layer.prepare(1, compute=compute, threads=1).resident_nbytes
    return Contestant(f"{storage} {compute}", group, resident, bind, True)


class Reading:
    """What reading so many bytes takes: a dot product of each piece of memory with itself."""

    def __init__(self, bytes: int, cold: int) -> None:
        self.pieces = [np.ones(bytes // 4, np.float32) for _ in range(1 + cold // bytes)]

    def contestant(self) -> Contestant:
        piece = self.pieces.pop()
        return Contestant("reading", "read", piece.nbytes,
                          lambda x: (lambda: np.dot(piece, piece), lambda: piece))


def blas(weight: np.ndarray) -> Contestant:
    def bind(x: np.ndarray) -> Product:
        y = np.empty((len(x), len(weight)), np.float32)
        return lambda: np.matmul(x, weight.T, out=y), lambda: y

    return Contestant("OpenBLAS float32", "float32", weight.nbytes, bind)


class OnnxRuntime:
    """Models of one product, run through bound arrays."""

    def __init__(self, weight: np.ndarray) -> None:
        import onnx
        import onnxruntime

        self.onnx, self.runtime, self.weight = onnx, onnxruntime, weight
        self.folder = tempfile.TemporaryDirectory()
        self.paths: dict[tuple[int, int, int], str] = {}

    def _save(self, node, constants: dict[str, np.ndarray]) -> str:
        (out, width), helper = self.weight.shape, self.onnx.helper
        real = self.onnx.TensorProto.FLOAT
        graph = helper.make_graph(
            [node], "product", [helper.make_tensor_value_info("x", real, ["rows", width])],
            [helper.make_tensor_value_info("y", real, ["rows", out])],
            [self.onnx.numpy_helper.from_array(value, name) for name, value in constants.items()])
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)])
        model.ir_version = 9
        path = str(Path(self.folder.name) / f"model{len(self.paths)}.onnx")
        self.onnx.save(model, path)
        return path

    def _contestant(self, name: str, group: str, path: str) -> Contestant:
        options = self.runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        session = self.runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        out = len(self.weight)

        def bind(x: np.ndarray) -> Product:
            y = np.empty((len(x), out), np.float32)
            binding = session.io_binding()
            wrap = self.runtime.OrtValue.ortvalue_from_numpy
            binding.bind_ortvalue_input("x", wrap(x))
            binding.bind_output("y", "cpu", 0, np.float32, y.shape, y.ctypes.data)
            return lambda: session.run_with_iobinding(binding), lambda: y

        return Contestant(name, group, Path(path).stat().st_size, bind)

    def _float_model(self) -> str:
        node = self.onnx.helper.make_node("MatMul", ["x", "w"], ["y"], name="product")
        return self._save(node, {"w": np.ascontiguousarray(self.weight.T)})

    def dynamic(self, seven_bits: bool) -> Contestant:
        from onnxruntime.quantization import QuantType, quantize_dynamic

        path = str(Path(self.folder.name) / "dynamic.onnx")
        quantize_dynamic(self._float_model(), path, weight_type=QuantType.QInt8,
                         reduce_range=seven_bits, per_channel=True)
        bits = 7 if seven_bits else 8
        return self._contestant(f"ORT dynamic int8, {bits}-bit rows", "8-bit", path)

    def few_bits(self, bits: int, block: int, level: int) -> Contestant:
        key = (bits, block, level)  # copies share a file
        if key not in self.paths:
            self.paths[key] = self._few_bits_model(*key)
        return self._contestant(f"ORT MatMulNBits {bits}b g{block} level {level}", f"{bits}-bit", self.paths[key])

    def _few_bits_model(self, bits: int, block: int, level: int) -> str:
        (out, width), half = self.weight.shape, 1 << (bits - 1)
        blocks = self.weight.reshape(out, width // block, block)
        scales = (np.abs(blocks).max(-1, keepdims=True) / (half - 0.5)).astype(np.float32)
        codes = np.clip(np.round(blocks / scales) + half, 0, 2 * half - 1).astype(np.uint8)
        in_byte = 8 // bits
        packed = sum(codes[..., i::in_byte] << (i * bits) for i in range(in_byte)).astype(np.uint8)
        node = self.onnx.helper.make_node(
            "MatMulNBits", ["x", "b", "s"], ["y"], domain="com.microsoft", K=width, N=out, bits=bits,
            block_size=block, accuracy_level=level)
        return self._save(node, {"b": packed, "s": scales.reshape(-1)})


def torch_dynamic(weight: np.ndarray) -> Contestant:
    import torch

    torch.set_num_threads(1)
    linear = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=False)
    linear.weight = torch.nn.Parameter(torch.from_numpy(weight), requires_grad=False)
    model = torch.ao.quantization.quantize_dynamic(
        torch.nn.Sequential(linear), {torch.nn.Linear}, dtype=torch.qint8)

    def bind(x: np.ndarray) -> Product:
        rows = torch.from_numpy(x)

        def run():
            with torch.inference_mode():
                return model(rows)

        return run, lambda: run().numpy()

    return Contestant("torch dynamic int8", "8-bit", weight.size, bind)


def ggml(weight: np.ndarray, runtime, kind: str, rearranged: bool) -> Contestant:
    tensor, size = runtime.weight(weight, kind, rearranged)
    group = {"q2": "2-bit", "q3": "3-bit", "q4": "4-bit", "q8": "8-bit"}[kind[:2]]
    return Contestant(f"ggml {kind}{'+r' if rearranged else ''}", group, size,
                      lambda x: runtime.product(tensor, x, len(weight)))
