"""Sentence embeddings of BERT-type encoders with NumPy, dense or compressed.

Needs the `tokenizers` package: ``pip install ttkit[bert]``. Models are folders with config.json,
tokenizer.json and safetensors weights, as sentence-transformers writes them and `tk.compress`
leaves them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ._activations import Floats, gelu, layer_norm, softmax
from ._array import single
from .calibration import Hook
from .embedding import Embedding
from .linear import Linear
from .model import Weight
from .model import open as open_model

_WORDS = "embeddings.word_embeddings.weight"


class Encoder:
    """Turns sentences into unit vectors: BERT, mean pooling, L2 normalisation.

    Parameters
    ----------
    path : path
        A model folder, dense or compressed.
    max_length : int, optional
        Tokens of a sentence that count; the model's own limit by default.
    batch_size : int, optional
        Sentences computed at once; all of one length, so that no mask is needed.
    threads : int, optional
        Of compressed layers. 0: all this process may use.
    compute : str, optional
        ``"int8"`` rounds what meets integer weights to 8 bits, a scale for each token: faster, and
        a little less faithful. Layers of other weights compute as always.

    Attributes
    ----------
    width : int
        Length of an embedding.

    Raises
    ------
    ValueError
        If the model is of another architecture.
    ImportError
        If the `tokenizers` package is missing.

    Examples
    --------
    >>> encoder = Encoder("all-MiniLM-L6-v2")                       # doctest: +SKIP
    >>> encoder.encode(["a cat", "a small cat"]).shape              # doctest: +SKIP
    (2, 384)
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        max_length: int | None = None,
        batch_size: int = 64,
        threads: int = 0,
        compute: str | None = None,
    ) -> None:
        folder = Path(path)
        self.config = _config(folder)
        self.width: int = self.config["hidden_size"]
        self._tokenizer = _tokenizer(folder, max_length or _max_length(folder, self.config))
        if compute not in (None, "float32", "int8"):
            raise ValueError(f"compute is {compute!r}, expected 'float32' or 'int8'")
        self._batch_size, self._threads, self._compute = batch_size, threads, compute
        self._computes: dict[str, str | None] = {}
        self._model = open_model(folder)
        self._prefix = "" if _WORDS in self._model else "bert."
        self._weights: dict[str, Weight] = {}
        self._dense: dict[str, Floats] = {}
        self._hook: Hook | None = None

    def observe(self, texts: Sequence[str], hook: Hook) -> None:
        """Encode sentences and show every linear layer's input to a hook; see `ttkit.calibrate`.

        Parameters
        ----------
        texts : sequence of str
        hook : callable
            ``hook(names, x)``: the weights that meet x, shape (rows, in).
        """
        self._hook = hook
        try:
            self.encode(texts)
        finally:
            self._hook = None

    def encode(self, texts: Sequence[str]) -> Floats:
        """Embed sentences.

        Parameters
        ----------
        texts : sequence of str

        Returns
        -------
        ndarray, shape (len(texts), width), float32
            Rows of length 1.
        """
        if isinstance(texts, str):
            raise TypeError("texts is one string, expected a sequence of strings")
        ids = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        result = np.zeros((len(ids), self.width), np.float32)
        order = sorted(range(len(ids)), key=lambda j: len(ids[j]))
        while order:
            length = len(ids[order[0]])
            batch = [j for j in order[: self._batch_size] if len(ids[j]) == length]
            order = order[len(batch) :]
            if length:
                hidden = self.hidden(np.array([ids[j] for j in batch]))
                result[batch] = _unit(hidden.mean(1))
        return result

    def hidden(self, ids: npt.NDArray[np.integer[Any]]) -> Floats:
        """The last layer's states, shape (sentences, length, width), of token ids of one length."""
        count, length = ids.shape
        x = self._words(ids)
        x += self._array("embeddings.position_embeddings.weight")[:length]
        x += self._array("embeddings.token_type_embeddings.weight")[0]
        x = self._norm("embeddings.LayerNorm", x).reshape(count * length, self.width)
        for i in range(self.config["num_hidden_layers"]):
            x = self._block(f"encoder.layer.{i}.", x, count)
        return x.reshape(count, length, self.width)

    def _block(self, name: str, x: Floats, count: int) -> Floats:
        """One transformer block on (count * length, width)."""
        mixed = self._attention(name, x, count)
        self._show(mixed, name + "attention.output.dense")
        attended = self._linear(name + "attention.output.dense", mixed)
        attended += x
        x = self._norm(name + "attention.output.LayerNorm", attended)
        self._show(x, name + "intermediate.dense")
        inner = gelu(self._linear(name + "intermediate.dense", x))
        self._show(inner, name + "output.dense")
        outer = self._linear(name + "output.dense", inner)
        outer += x
        return self._norm(name + "output.LayerNorm", outer)

    def _attention(self, name: str, x: Floats, count: int) -> Floats:
        heads = self.config["num_attention_heads"]
        split = (count, -1, heads, self.width // heads)
        self._show(x, *(f"{name}attention.self.{part}" for part in ("query", "key", "value")))
        q, k, v = (
            self._linear(f"{name}attention.self.{part}", x).reshape(split).transpose(0, 2, 1, 3)
            for part in ("query", "key", "value")
        )
        scores = q @ k.transpose(0, 1, 3, 2)
        scores *= np.float32((self.width // heads) ** -0.5)
        mixed: Floats = (softmax(scores) @ v).transpose(0, 2, 1, 3)
        return mixed.reshape(x.shape)

    def _show(self, x: Floats, *names: str) -> None:
        if self._hook is not None:
            self._hook([f"{self._prefix}{name}.weight" for name in names], x)

    def _linear(self, name: str, x: Floats) -> Floats:
        layer = self._weight(name + ".weight")
        if isinstance(layer, Linear):
            return layer(x, threads=self._threads, compute=self._computed(name, layer))
        result: Floats = x @ self._array(name + ".weight").T
        result += self._array(name + ".bias")
        return result

    def _computed(self, name: str, layer: Linear) -> str | None:
        """How a layer computes: as asked where its weights are integers or codes, else in floats."""
        if self._compute != "int8":
            return None
        if name not in self._computes:
            try:
                layer.prepare(1, compute="int8").close()
            except ValueError:
                self._computes[name] = None
            else:
                self._computes[name] = "int8"
        return self._computes[name]

    def _words(self, ids: npt.NDArray[np.integer[Any]]) -> Floats:
        table = self._weight(_WORDS)
        if isinstance(table, Embedding):
            return table(ids, threads=self._threads)
        rows: Floats = self._array(_WORDS)[ids]
        return rows

    def _norm(self, name: str, x: Floats) -> Floats:
        scale, offset = self._array(name + ".weight"), self._array(name + ".bias")
        return layer_norm(x, scale, offset, self.config.get("layer_norm_eps", 1e-12))

    def _weight(self, name: str) -> Weight:
        found = self._weights.get(name)
        if found is None:
            found = self._weights[name] = self._model[self._prefix + name]
        return found

    def _array(self, name: str) -> Floats:
        """A tensor in float32, dense whatever it is stored as."""
        found = self._dense.get(name)
        if found is None:
            weight = self._weight(name)
            values = weight.dense() if isinstance(weight, (Linear, Embedding)) else weight
            found = single(values)
            self._dense[name] = found
        return found

    def __repr__(self) -> str:
        return f"Encoder(width={self.width}, layers={self.config['num_hidden_layers']})"


def _config(folder: Path) -> dict[str, Any]:
    """config.json, if it describes a model this module computes."""
    config: dict[str, Any] = json.loads((folder / "config.json").read_text())
    wanted = {
        "model_type": "bert", "hidden_act": "gelu", "position_embedding_type": "absolute",
    }
    for key, value in wanted.items():
        if config.get(key, value if key != "model_type" else None) != value:
            raise ValueError(
                f"ttkit.bert computes BERT encoders with gelu and absolute positions, but "
                f"{folder / 'config.json'} says {key} = {config.get(key)!r}")
    pooling = folder / "1_Pooling" / "config.json"
    if pooling.exists() and not json.loads(pooling.read_text()).get("pooling_mode_mean_tokens"):
        raise ValueError(f"ttkit.bert pools by the mean, but {pooling} asks for another way")
    return config


def _max_length(folder: Path, config: Mapping[str, Any]) -> int:
    limit = int(config["max_position_embeddings"])
    own = folder / "sentence_bert_config.json"
    return min(limit, int(json.loads(own.read_text())["max_seq_length"])) if own.exists() else limit


def _tokenizer(folder: Path, max_length: int) -> Any:
    try:
        from tokenizers import Tokenizer  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        raise ImportError("ttkit.bert needs tokenizers: pip install ttkit[bert]") from None
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length)
    return tokenizer


def _unit(x: Floats) -> Floats:
    length = np.sqrt(np.einsum("...i,...i->...", x, x))[..., None]
    unit: Floats = x / np.maximum(length, np.float32(1e-12))
    return unit
