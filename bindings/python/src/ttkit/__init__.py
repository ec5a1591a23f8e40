"""Tensor trains, and neural-network weights made small and fast with them.

>>> import numpy as np, ttkit as tk
>>> t = tk.tensor_train(np.ones((4, 5, 6)))
>>> t.rank, t.nbytes
((1, 1, 1, 1), 120)
>>> layer = tk.Linear.fit(np.eye(8, dtype=np.float32), tk.Dense() @ tk.Int(8, group=8))
>>> layer(np.ones((3, 8), np.float32)).shape
(3, 8)
"""

from .apply import apply
from .attention import BlockTermAttention
from .calibration import Calibration, LayerInputs, calibrate
from .compress import compress
from .contraction import einsum, plan
from .contraction_plan import ContractionPlan
from .convolution import Conv2d
from .convolution_formats import CPConvolution, TrainConvolution, TuckerConvolution
from .convolution_plan import ConvolutionPlan
from .cross import CrossProgress, CrossResult, cross
from .eigen import Eigenpairs, eigsh
from .embedding import Embedding
from .embedding_plan import EmbeddingPlan
from .decomposition import DecompositionInfo, tensor_train
from .errors import TTKitError
from .fake_quantize import fake_quantize, fake_quantize_vjp
from .files import load
from .formats import (
    Dense, Format, Kashin, LowRank, Rotation, Sparse, Sum, TrainLinear, TrainMatrix,
)
from .kashin import KashinInfo, kashin, orthogonal_transform
from .integrate import Integral, integrate
from .linear import Linear
from .linear_plan import LinearPlan
from .maxvol import maxvol
from .model import Model, open
from .network import Network
from .network_fits import canonical, hierarchical_tucker, tucker
from .products import concatenate, dot, multiply
from .quantize import Quantized, quantize
from .recipe import Recipe
from .report import Report, WeightReport
from .solve import Solution, SolveProgress, solve
from .standard import eye, laplace, ones
from .storages import (
    BFloat16, Float16, Float32, Float64, Int, KMeans, Lloyd, Pairs, Quads, Storage,
)
from .structured_formats import (
    CP, BlockTensorTrain, HierarchicalTucker, Kronecker, Monarch, TokenTrain, TuckerLinear,
)
from .train import TensorTrain
from .train_matrix import TensorTrainMatrix, tensor_train_matrix
from .training import QuantizedTraining, TrainingGradients, TrainingPass

__version__ = "0.1.0"

__all__ = [
    "BFloat16",
    "BlockTensorTrain",
    "BlockTermAttention",
    "CP",
    "CPConvolution",
    "Calibration",
    "ContractionPlan",
    "Conv2d",
    "ConvolutionPlan",
    "CrossProgress",
    "CrossResult",
    "Dense",
    "Eigenpairs",
    "Embedding",
    "EmbeddingPlan",
    "Float16",
    "Float32",
    "Float64",
    "Format",
    "HierarchicalTucker",
    "Int",
    "Integral",
    "KMeans",
    "Kashin",
    "KashinInfo",
    "Kronecker",
    "LayerInputs",
    "Linear",
    "LinearPlan",
    "Lloyd",
    "LowRank",
    "Model",
    "Monarch",
    "Network",
    "Pairs",
    "Quads",
    "Quantized",
    "QuantizedTraining",
    "Recipe",
    "Report",
    "Rotation",
    "Solution",
    "SolveProgress",
    "Sparse",
    "Storage",
    "Sum",
    "TTKitError",
    "TensorTrain",
    "TensorTrainMatrix",
    "TokenTrain",
    "TrainConvolution",
    "TrainLinear",
    "TrainMatrix",
    "TrainingGradients",
    "TrainingPass",
    "TuckerConvolution",
    "TuckerLinear",
    "WeightReport",
    "apply",
    "calibrate",
    "canonical",
    "compress",
    "concatenate",
    "cross",
    "dot",
    "eigsh",
    "einsum",
    "eye",
    "fake_quantize",
    "fake_quantize_vjp",
    "hierarchical_tucker",
    "integrate",
    "kashin",
    "laplace",
    "load",
    "maxvol",
    "multiply",
    "ones",
    "open",
    "orthogonal_transform",
    "plan",
    "quantize",
    "solve",
    "tensor_train",
    "tensor_train_matrix",
    "tucker",
]
