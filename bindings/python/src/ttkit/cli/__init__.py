"""The command line: ``ttkit compress``, ``inspect``, ``bench`` and ``evaluate``.

Results go to standard output, as a table or with --json as one JSON document; progress and errors
to standard error. The exit code is 0 only on success, 1 after a failure, 2 for a wrong command line,
130 after Ctrl-C.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from . import bench, compress, evaluate, inspect
from .messages import sentence, warn
from .parser import Command, UsageError, build, parse
from .result import Result

COMMANDS: dict[str, Command] = {
    "compress": compress.COMMAND, "inspect": inspect.COMMAND, "bench": bench.COMMAND,
    "evaluate": evaluate.COMMAND,
}
_FAILURES = (OSError, ValueError, TypeError, LookupError, MemoryError, RuntimeError, ImportError)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        What follows the program's name; the process's own arguments by default.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _run(given)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # whoever read our output went away: nobody is left to tell
        _silence_stdout()
        return 141
    except UsageError as error:
        warn(f"{sentence(error)} (see {error.prog} --help)", error.prog)
        return 2
    except KeyboardInterrupt as error:
        warn("; ".join(["interrupted", *map(str, error.args)]))
        return 130
    except _FAILURES as error:
        warn(sentence(error))
        return 1


def _run(argv: list[str]) -> int:
    parser = build(COMMANDS)
    if not argv:
        print(parser.format_help(), end="", file=sys.stderr)
        return 2
    try:
        arguments = parse(parser, argv)
    except SystemExit as exit:  # --help and --version
        return int(exit.code or 0)
    _print(COMMANDS[arguments.command].run(arguments), arguments.json, arguments.quiet)
    return 0


def _print(result: Result, as_json: bool, quiet: bool) -> None:
    if as_json:
        print(result.json())
    elif not quiet:
        print(result.text)


def _silence_stdout() -> None:
    """Let the interpreter flush at exit without failing again."""
    try:
        descriptor = os.open(os.devnull, os.O_WRONLY)
        os.dup2(descriptor, sys.stdout.fileno())
        os.close(descriptor)
    except (OSError, ValueError):
        pass
