#!/usr/bin/env python3
"""Compares the header, the library's exports and include/abi.txt; says what differs.

Usage: abi.py [--write] [--library PATH]
  --write   record the header in include/abi.txt instead of comparing with it
Exit code 0 only when everything agrees.
"""
from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import header as reader

RECORD = reader.INCLUDE / "abi.txt"
TITLE = "# The ABI; sizes and offsets in bytes. Written by scripts/abi.py --write."


def record(header: reader.Header) -> str:
    """The text of abi.txt."""
    lines = [TITLE]
    lines += [f"value {n} {v}" for enum in [header.macros, *header.enums] for n, v in enum.items()]
    lines += _layouts(header)
    lines += [f"callback {reader.prototype(n, f)}" for n, f in header.callbacks.items()]
    lines += [f"function {reader.prototype(n, f)}" for n, f in header.functions.items()]
    return "\n".join(lines) + "\n"


def repeated_values(header: reader.Header) -> list[str]:
    """Constants that share a number with another of the same enum."""
    problems = []
    for enum in header.enums:
        for name, value in enum.items():
            first = next(n for n, v in enum.items() if v == value)
            if first != name:
                problems.append(f"{name} and {first} are both {value}")
    return problems


def exports(library: Path) -> set[str]:
    """Names the library lets out, without their version node and without the node itself."""
    command = ["nm", "-D", "--defined-only", str(library)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return {line.split()[2].split("@")[0] for line in lines if line.split()[1] != "A"}


def differences(left: set[str], right: set[str], left_name: str, right_name: str) -> list[str]:
    """One line for each name that only one side has."""
    return [f"{name}: in {left_name}, not in {right_name}" for name in sorted(left - right)] + [
        f"{name}: in {right_name}, not in {left_name}" for name in sorted(right - left)]


def _layouts(header: reader.Header) -> list[str]:
    """Sizes and offsets, as the C compiler sees them."""
    prints = []
    for name, fields in header.structs.items():
        prints.append(f'printf("struct {name} %zu\\n", sizeof({name}));')
        prints += [f'printf("field {name}.{f.name} %zu\\n", offsetof({name}, {f.name}));'
                   for f in fields]
    body = "\n".join(prints)
    source = f'#include <stdio.h>\n#include "ttkit.h"\nint main(void) {{\n{body}\nreturn 0; }}\n'
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "layouts")
        command = ["cc", "-xc", "-", f"-I{reader.INCLUDE}", "-o", program]
        subprocess.run(command, input=source, check=True, text=True)
        printed = subprocess.run([program], check=True, capture_output=True, text=True)
        return printed.stdout.splitlines()


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare header, exports and include/abi.txt.")
    parser.add_argument("--write", action="store_true", help="record the header in include/abi.txt")
    parser.add_argument("--library", type=Path,
                        default=os.environ.get("TTKIT_LIBRARY", reader.ROOT / "build/libttkit.so"))
    arguments = parser.parse_args()
    header = reader.read()
    text = record(header)
    if arguments.write:
        RECORD.write_text(text)
    recorded = RECORD.read_text() if RECORD.exists() else ""
    problems = repeated_values(header)
    problems += differences(set(text.splitlines()), set(recorded.splitlines()), "header", "abi.txt")
    problems += differences(set(header.functions), exports(arguments.library), "header", "library")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
