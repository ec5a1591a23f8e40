"""ggml's matrix product, driven through the shared library of the package llama-cpp-python by ctypes.

GGML_FOLDER names the folder of another build of libggml*.so, such as one for an older class of CPUs.
Only what one product needs is declared here: a tensor, a graph of one node, a CPU backend, and the buffer
type that rearranges weights when they are loaded, as llama.cpp does ("+r").
"""

import ctypes as c
import os
from pathlib import Path

import numpy as np

TYPES = {"q4_0": 2, "q8_0": 8, "q2_K": 10, "q3_K": 11, "q4_K": 12}
P, I64 = c.c_void_p, c.c_int64


class Parameters(c.Structure):
    _fields_ = [("size", c.c_size_t), ("memory", P), ("no_alloc", c.c_bool)]


SIGNATURES = {
    "ggml_init": (P, Parameters),
    "ggml_new_tensor_2d": (P, P, c.c_int, I64, I64),
    "ggml_mul_mat": (P, P, P, P),
    "ggml_new_graph": (P, P),
    "ggml_build_forward_expand": (None, P, P),
    "ggml_quantize_chunk": (c.c_size_t, c.c_int, P, P, I64, I64, I64, P),
    "ggml_row_size": (c.c_size_t, c.c_int, I64),
    "ggml_backend_alloc_ctx_tensors_from_buft": (P, P, P),
    "ggml_backend_buft_name": (c.c_char_p, P),
    "ggml_backend_tensor_set": (None, P, P, c.c_size_t, c.c_size_t),
    "ggml_backend_tensor_get": (None, P, P, c.c_size_t, c.c_size_t),
    "ggml_backend_graph_compute": (c.c_int, P, P),
    "ggml_backend_cpu_init": (P,),
    "ggml_backend_cpu_set_n_threads": (None, P, c.c_int),
    "ggml_backend_cpu_buffer_type": (P,),
    "ggml_backend_get_device": (P, P),
    "ggml_backend_dev_backend_reg": (P, P),
    "ggml_backend_reg_get_proc_address": (P, P, c.c_char_p),
}


def load() -> dict:
    """Functions by name.

    Raises
    ------
    ImportError
        Without llama-cpp-python or GGML_FOLDER.
    """
    if "GGML_FOLDER" in os.environ:
        folder = Path(os.environ["GGML_FOLDER"])
    else:
        import llama_cpp

        folder = Path(llama_cpp.__file__).parent / "lib"
    libraries = [c.CDLL(str(folder / f"libggml{part}.so"), c.RTLD_GLOBAL) for part in ("-base", "-cpu", "")]
    functions = {}
    for name, (result, *arguments) in SIGNATURES.items():
        function = next(getattr(library, name) for library in libraries if hasattr(library, name))
        function.restype, function.argtypes = result, arguments
        functions[name] = function
    return functions


class Ggml:
    def __init__(self) -> None:
        self.call = load()
        self.backend = self.call["ggml_backend_cpu_init"]()
        self.call["ggml_backend_cpu_set_n_threads"](self.backend, 1)
        self.plain = self.call["ggml_backend_cpu_buffer_type"]()
        self.codes: dict[tuple[int, str], np.ndarray] = {}  # by address and type: copies are encoded once

    def _context(self) -> int:
        return self.call["ggml_init"](Parameters(1 << 20, None, True))

    def _rearranging(self) -> list[int]:
        device = self.call["ggml_backend_get_device"](self.backend)
        registry = self.call["ggml_backend_dev_backend_reg"](device)
        address = self.call["ggml_backend_reg_get_proc_address"](
            registry, b"ggml_backend_dev_get_extra_bufts")
        found = c.CFUNCTYPE(c.POINTER(P), P)(address)(device) if address else None
        types = []
        while found and found[len(types)]:
            types.append(found[len(types)])
        return types

    def weight(self, values: np.ndarray, kind: str, rearranged: bool) -> tuple[int, int]:
        """A tensor of `values` (out, in), and its bytes. Raises ValueError where the type has no such form."""
        call, (out, width) = self.call, values.shape
        size = call["ggml_row_size"](TYPES[kind], width) * out
        key = (values.ctypes.data, kind)
        if key not in self.codes:
            data = self.codes[key] = np.empty(size, np.uint8)
            call["ggml_quantize_chunk"](TYPES[kind], values.ctypes.data, data.ctypes.data, 0, out, width, None)
        data = self.codes[key]
        choices = [t for t in self._rearranging() if b"REPACK" in call["ggml_backend_buft_name"](t)]
        if rearranged and not choices:
            raise ValueError("this build rearranges nothing")
        context = self._context()
        tensor = call["ggml_new_tensor_2d"](context, TYPES[kind], width, out)
        call["ggml_backend_alloc_ctx_tensors_from_buft"](context, choices[0] if rearranged else self.plain)
        if rearranged and not self._has_traits(tensor):
            raise ValueError(f"{kind} has no rearranged form here")
        call["ggml_backend_tensor_set"](tensor, data.ctypes.data, 0, size)
        return tensor, size

    @staticmethod
    def _has_traits(tensor: int) -> bool:
        """The last pointer of a tensor, `extra`, is set where a rearranged kernel was found."""
        words = (P * 42).from_address(tensor)  # a tensor has 336 bytes: 40 words, extra, padding
        return bool(words[40])

    def product(self, weight: int, x: np.ndarray, out: int):
        """A callable that computes x Wᵀ, and one that gives the result."""
        call, (rows, width) = self.call, x.shape
        context = self._context()
        activations = call["ggml_new_tensor_2d"](context, 0, width, rows)
        result = call["ggml_mul_mat"](context, weight, activations)
        graph = call["ggml_new_graph"](context)
        call["ggml_build_forward_expand"](graph, result)
        call["ggml_backend_alloc_ctx_tensors_from_buft"](context, self.plain)
        call["ggml_backend_tensor_set"](activations, x.ctypes.data, 0, x.nbytes)
        compute, backend = call["ggml_backend_graph_compute"], self.backend

        def read() -> np.ndarray:
            y = np.empty((rows, out), np.float32)
            call["ggml_backend_tensor_get"](result, y.ctypes.data, 0, y.nbytes)
            return y

        return lambda: compute(backend, graph), read
