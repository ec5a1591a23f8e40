"""Tensor trains, and neural-network weights made small and fast with them.

>>> import numpy as np, ttkit as tk
>>> t = tk.tensor_train(np.ones((4, 5, 6)))
>>> t.rank, t.nbytes
((1, 1, 1, 1), 120)
>>> layer = tk.Linear.fit(np.eye(8, dtype=np.float32), tk.Dense() @ tk.Int(8, group=8))
>>> layer(np.ones((3, 8), np.float32)).shape
(3, 8)
"""

from .attention import BlockTermAttention
from .compress import compress
from .contraction import einsum, plan
from .contraction_plan import ContractionPlan
from .convolution import Conv2d, ConvolutionPlan
from .convolution_formats import CPConvolution, TrainConvolution, TuckerConvolution
from .cross import CrossProgress, CrossResult, cross
from .embedding import Embedding, EmbeddingPlan
from .errors import TTKitError
from .fake_quantize import fake_quantize, fake_quantize_vjp
from .files import load
from .formats import (
    BFloat16, Dense, Float16, Float32, Float64, Format, Int, KMeans, LowRank, Storage, Sum,
    TrainLinear, TrainMatrix,
)
from .linear import Linear, LinearPlan
from .maxvol import maxvol
from .model import Model, open
from .network import Network, canonical, hierarchical_tucker, tucker
from .quantize import Quantized, quantize
from .recipe import Recipe
from .report import Report, WeightReport
from .structured_formats import (
    CP, BlockTensorTrain, HierarchicalTucker, Kronecker, Monarch, TokenTrain, TuckerLinear,
)
from .train import TensorTrain, dot, tensor_train
from .train_matrix import TensorTrainMatrix, tensor_train_matrix

__version__ = "0.1.0"

__all__ = [
    "BFloat16", "BlockTensorTrain", "BlockTermAttention", "CP", "CPConvolution",
    "ContractionPlan", "Conv2d", "ConvolutionPlan", "CrossProgress", "CrossResult", "Dense",
    "Embedding", "EmbeddingPlan", "Float16", "Float32", "Float64", "Format",
    "HierarchicalTucker", "Int", "KMeans", "Kronecker", "Linear", "LinearPlan", "LowRank",
    "Model", "Monarch", "Network", "Quantized", "Recipe", "Report", "Storage", "Sum",
    "TTKitError", "TensorTrain", "TensorTrainMatrix", "TokenTrain", "TrainConvolution",
    "TrainLinear", "TrainMatrix", "TuckerConvolution", "TuckerLinear", "WeightReport",
    "canonical", "compress", "cross", "dot", "einsum", "fake_quantize", "fake_quantize_vjp",
    "hierarchical_tucker", "load", "maxvol", "open", "plan", "quantize", "tensor_train",
    "tensor_train_matrix", "tucker",
]
