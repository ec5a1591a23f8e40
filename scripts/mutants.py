#!/usr/bin/env python3
"""Seeds faults into a copy of the tree, one at a time: the Swift tests must notice each.

The suites nearest to a fault run first, all others only where it survives those. Usage: mutants.py [NAME...].
Prints a table; exit 1 if a fault survives or no longer applies.
"""
from __future__ import annotations

import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COPY = ROOT / "build" / "mutants"


@dataclass(frozen=True)
class Fault:
    """One replacement; `old` must occur exactly once in the file. `suites`: a pattern of those to run first."""

    name: str
    file: str
    old: str
    new: str
    suites: str


FAULTS = [
    Fault("a sign in the tile", "Sources/CTTKKernels/tile.inc",
          "a[r][u][0] += value * low;", "a[r][u][0] -= value * low;",
          "TileTests|PackedMatrixTests"),
    Fault("an off-by-one column", "Sources/CTTKKernels/tile.inc",
          "for (ptrdiff_t j = 0; j < columns; j++) y[r * y_step + j] = tile[r * WIDTH + j];",
          "for (ptrdiff_t j = 0; j + 1 < columns; j++) y[r * y_step + j] = tile[r * WIDTH + j];",
          "TileTests|PackedMatrixTests"),
    Fault("a dropped scale", "Sources/CTTKKernels/level.inc",
          "out[i] = (float)codes[i] * scale;", "out[i] = (float)codes[i];",
          "CodesTests|StorageTests"),
    Fault("16-bit sums of one step too many", "Sources/CTTKKernels/lowbit.inc",
          "const int most = TOP <= 15 ? 8 : 2,",
          "const int most = TOP <= 15 ? 16 : 4,",
          "PackedCodesKernelTests|ExtremeCodesTests"),
    Fault("a forgotten zero point", "Sources/CTTKKernels/lowbit.inc",
          "#define LESS(top) ((top) > 127 ? 128 : 0)", "#define LESS(top) 0",
          "PackedCodesKernelTests|ExtremeCodesTests"),
    Fault("rounding half up", "Sources/CTTKKernels/half.h",
          "0xfffu + ((rest >> 13) & 1)", "0x1000u",
          "ConversionTests"),
    Fault("a forgotten block of k", "Sources/TTKit/LinearAlgebra/PackedMatrix+Kernels.swift",
          "start > 0 || accumulate)", "accumulate)",
          "PackedMatrixTests"),
    Fault("a skipped truncation", "Sources/TTKit/Train/Truncation.swift",
          "if next > limit { break }", "break",
          "TensorTrainSVDTests|TensorTrainRoundingTests"),
    Fault("an error bound too loose", "Sources/TTKit/Train/Truncation.swift",
          "allowed = bound * bound", "allowed = 4 * bound * bound",
          "TensorTrainSVDTests|TensorTrainRoundingTests"),
    Fault("a swapped index", "Sources/TTKit/Train/TensorTrain+Evaluation.swift",
          "(row[i], (i * n + index) * b)", "(row[i], (index * a + i) * b)",
          "TrainLaws|TensorTrainAlgebraTests"),
    Fault("a missing check of ids", "Sources/TTKit/Layers/EmbeddingPlan+Kernels.swift",
          "guard id >= 0, id < rows else {", "guard id >= 0, id <= rows else {",
          "EmbeddingTests|EmbeddingBoundaryTests"),
    Fault("an unchecked stride", "Sources/TTKit/Tensor/StridedView.swift",
          "guard !overflow, reach <= limit, extent + reach <= limit else {", "guard !overflow else {",
          "StridedViewTests|ArrayTests"),
    Fault("overlapping tensors", "Sources/TTKit/Models/SafetensorsHeader.swift",
          "guard entry.offset == end else {", "guard entry.offset <= end else {",
          "SafetensorsTests"),
    Fault("codes of one bit too few", "Sources/CTTKKernels/codes.c",
          "waiting |= (uint64_t)codes[i] << count;", "waiting |= (uint64_t)(codes[i] & ~1u) << count;",
          "CodesTests|IntegerStorageTests"),
    Fault("coordinates that are missing count", "Sources/TTKit/Quantization/VectorFit+Kernels.swift",
          "unsafe out[j] = mean }", "unsafe out[j] = 0 * mean }",
          "VectorStorageTests"),
    Fault("a codebook from coarse bins", "Sources/CTTKKernels/clusters.c",
          "enum { EXACT = 2048,", "enum { EXACT = 24,",
          "ClustersTests|KMeansStorageTests"),
    Fault("errors of a block not passed on", "Sources/TTKit/Quantization/Compensation+Kernels.swift",
          "Int32(end - start), -1, u + start * columns + end", "Int32(end - start), 0, u + start * columns + end",
          "CompensationTests"),
    Fault("a scale's gradient undivided", "Sources/TTKit/Quantization/FakeQuantizer+Kernels.swift",
          "1 / (Double(elements.count) * Double(high)).squareRoot()", "1 / Double(high).squareRoot()",
          "FakeQuantizerTests"),
    Fault("a fake level too many", "Sources/TTKit/Quantization/FakeQuantizer+Kernels.swift",
          "1 << (bits - 1) - 1 : 1 << bits - 1", "1 << (bits - 1) : 1 << bits - 1",
          "FakeQuantizerTests"),
    Fault("unknown options ignored", "Sources/TTKitC/Boundary.swift",
          "where bytes[i] != 0 {", "where bytes[i] != 0 && i < own {",
          "OptionsTests"),
]


def copy_tree() -> None:
    """The tracked and new files, with what is already built of them."""
    COPY.mkdir(parents=True, exist_ok=True)
    for name in ("Sources", "Tests", "include", "packaging"):
        shutil.rmtree(COPY / name, ignore_errors=True)
        shutil.copytree(ROOT / name, COPY / name)
    shutil.copy2(ROOT / "Package.swift", COPY)


def swift(*arguments: str) -> bool:
    """Run one command in the copy; the log of the last is kept. False on failure or after ten minutes."""
    with open(COPY / "log", "w") as log:
        try:
            return subprocess.run(
                ["swift", *arguments], cwd=COPY, stdout=log, stderr=log, timeout=600).returncode == 0
        except subprocess.TimeoutExpired:
            return False


def verdict(fault: Fault) -> str:
    """"caught", or what went wrong."""
    path = COPY / fault.file
    text = path.read_text()
    if text.count(fault.old) != 1:
        return f"DOES NOT APPLY: the text occurs {text.count(fault.old)} times in {fault.file}"
    path.write_text(text.replace(fault.old, fault.new))
    try:
        if not swift("build", "--build-tests"):
            return "DOES NOT BUILD"
        for tests in (["--filter", fault.suites], []):
            if not swift("test", "--skip-build", *tests):
                return "caught"
        return "SURVIVED"
    finally:
        path.write_text(text)


def main() -> int:
    wanted = set(sys.argv[1:])
    faults = [fault for fault in FAULTS if not wanted or fault.name in wanted]
    copy_tree()
    nearest = "|".join(sorted({fault.suites for fault in faults}))
    if not (swift("build", "--build-tests") and swift("test", "--skip-build", "--filter", nearest)):
        print(f"the tests fail without any fault; see {COPY / 'log'}", file=sys.stderr)
        return 1
    bad = 0
    for fault in faults:
        start = time.monotonic()
        found = verdict(fault)
        bad += found != "caught"
        print(f"{fault.name:28} {found:10} {time.monotonic() - start:5.0f} s", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
