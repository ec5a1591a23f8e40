"""Reading trains and matrices in tensor-train form from files."""

from __future__ import annotations

import os

from ._call import text
from ._handle import create
from ._library import library as lib
from .errors import TTKitError
from .train import TensorTrain
from .train_matrix import TensorTrainMatrix


def load(path: str | os.PathLike[str]) -> TensorTrain | TensorTrainMatrix:
    """Read what `TensorTrain.save` or `TensorTrainMatrix.save` wrote.

    Raises
    ------
    OSError
        If the file cannot be read.
    TTKitError
        If it is no such file, or a damaged one.

    Examples
    --------
    >>> import tempfile, os, numpy as np, ttkit as tk
    >>> path = os.path.join(tempfile.mkdtemp(), "ones.safetensors")
    >>> tk.tensor_train(np.ones((2, 3))).save(path)
    >>> tk.load(path)
    TensorTrain(shape=(2, 3), rank=(1, 1, 1), dtype=float64)
    """
    name = text(path, "path")
    try:
        return TensorTrain._made(create(lib.ttk_train_destroy, lib.ttk_train_load, name))
    except (TTKitError, ValueError) as error:
        try:
            load_matrix = lib.ttk_train_matrix_load
            owned = create(lib.ttk_train_matrix_destroy, load_matrix, name)
        except TTKitError:
            raise error from None
        return TensorTrainMatrix._made(owned)
