"""The parser of the command line: argparse, with one-sentence errors that name the nearest."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

from .. import __version__
from .._library import library
from .messages import nearest
from .result import Result

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12,
          "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


class Command(NamedTuple):
    """A command: its line in the list, its examples, its arguments, what it does."""

    summary: str
    examples: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], Result]


class UsageError(Exception):
    """A command line that makes no sense."""

    def __init__(self, message: str, prog: str) -> None:
        super().__init__(message)
        self.prog = prog


class CommandParser(argparse.ArgumentParser):
    """A parser that raises UsageError; `commands` holds those of its commands."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(
            formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **settings)
        self.commands: dict[str, CommandParser] = {}

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, self.prog)

    def check_options(self, argv: Sequence[str]) -> None:
        """Name what is nearest to an unknown option, before anything else is complained about."""
        for word in argv:
            name = word.split("=")[0]
            if word == "--":
                return
            known = self._option_string_actions
            if re.match(r"--?[A-Za-z]", name) and name not in known:
                raise UsageError(f"unknown option {name}{nearest(name, known)}", self.prog)


def build(commands: Mapping[str, Command]) -> CommandParser:
    """The parser of all commands."""
    parser = CommandParser(
        prog="ttkit", description="Make the weights of neural networks small and fast.",
        epilog="examples:\n" + "\n".join(
            command.examples.splitlines()[0] for command in commands.values()))
    version = ".".join(map(str, library.version))
    parser.add_argument(
        "--version", action="version", version=f"ttkit {__version__} (library {version})")
    each = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name, command in commands.items():
        described = command.summary[0].upper() + command.summary[1:] + "."
        own = each.add_parser(
            name, help=command.summary, description=described,
            epilog=f"examples:\n{command.examples}")
        command.add_arguments(own)
        own.add_argument(
            "--json", action="store_true", help="print one JSON document instead of a table")
        own.set_defaults(quiet=False, prog=own.prog)
        parser.commands[name] = own
    return parser


def parse(parser: CommandParser, argv: Sequence[str]) -> argparse.Namespace:
    """The arguments of a command line.

    Raises
    ------
    UsageError
    SystemExit
        After --help or --version.
    """
    word = argv[0]
    if word in parser.commands:
        parser.commands[word].check_options(argv[1:])
    elif word.startswith("-"):
        parser.check_options(argv)
    else:
        names = ", ".join(parser.commands)
        hint = nearest(word, parser.commands) or f"; there are {names}"
        raise UsageError(f"unknown command {word}{hint}", parser.prog)
    arguments = parser.parse_args(argv)
    if arguments.command is None:
        raise UsageError("no command given", parser.prog)
    return arguments


def byte_count(text: str) -> int:
    """Bytes from text such as 1000000, 512MB or 2GiB."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?) *([kmgt]i?)?b?", text.strip().lower())
    count = 0.0
    if match:  # a double would round large whole numbers
        number = float(match[1]) if "." in match[1] or len(match[1]) > 18 else int(match[1])
        count = number * _UNITS[match[2] or ""]
    if not 1 <= count < 2**63:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no number of bytes, expected one such as 1000000, 512MB or 2GiB")
    return int(count)


def whole(text: str, least: int) -> int:
    """A whole number from `least` on."""
    if not re.fullmatch(r"\d{1,9}", text) or int(text) < least:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} on")
    return int(text)
