"""The C header as Python data: constants, structs, callbacks and functions, read by pycparser."""
from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from pycparser import c_ast, c_generator, c_parser

ROOT = Path(__file__).resolve().parent.parent
INCLUDE = ROOT / "include"

# Stand-ins for the system headers: the types are all the header takes from them.
_TYPES = """
typedef unsigned long size_t;
typedef signed char int8_t; typedef short int16_t; typedef int int32_t; typedef long int64_t;
typedef unsigned char uint8_t; typedef unsigned short uint16_t;
typedef unsigned int uint32_t; typedef unsigned long uint64_t;
"""
_SYSTEM_HEADERS = ("stddef.h", "stdint.h")


@dataclass
class Header:
    """Everything the header declares, in its order."""

    enums: list[dict[str, int]] = field(default_factory=list)
    macros: dict[str, int] = field(default_factory=dict)
    aliases: dict[str, c_ast.Node] = field(default_factory=dict)  # typedefs of numbers
    types: dict[str, c_ast.FuncDecl | list[c_ast.Decl]] = field(default_factory=dict)
    functions: dict[str, c_ast.FuncDecl] = field(default_factory=dict)

    @property
    def callbacks(self) -> dict[str, c_ast.FuncDecl]:
        """Types of functions the caller hands in."""
        return {n: t for n, t in self.types.items() if isinstance(t, c_ast.FuncDecl)}

    @property
    def structs(self) -> dict[str, list[c_ast.Decl]]:
        """Fields of each struct."""
        return {n: t for n, t in self.types.items() if isinstance(t, list)}


def read() -> Header:
    """Parse include/ttkit.h."""
    header = Header()
    tree = c_parser.CParser().parse(_preprocessed("ttkit.h"), "ttkit.h")
    for node in tree.ext:
        if isinstance(node, c_ast.Typedef):
            _read_typedef(header, node)
        elif isinstance(node.type, c_ast.Enum):
            values = _enum_values(node.type)
            if any(name.startswith("macro_") for name in values):
                header.macros = {name.removeprefix("macro_"): v for name, v in values.items()}
            else:
                header.enums.append(values)
        elif isinstance(node.type, c_ast.FuncDecl):
            header.functions[node.name] = node.type
    return header


def text(node: c_ast.Node) -> str:
    """C text of a type or an expression."""
    return str(c_generator.CGenerator().visit(node))


def prototype(name: str, function: c_ast.FuncDecl) -> str:
    """'ttk_status ttk_svd(const ttk_array *, ...)': a signature without the parameters' names."""
    types = ", ".join(text(_unnamed(p.type)) for p in parameters(function)) or "void"
    return f"{text(_unnamed(function.type))} {name}({types})"


def parameters(function: c_ast.FuncDecl) -> list[c_ast.Decl]:
    """Parameters of a function; none for (void)."""
    if function.args is None:
        return []
    given = list(function.args.params)
    return [] if len(given) == 1 and text(given[0].type) == "void" else given


def _preprocessed(name: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        for system in _SYSTEM_HEADERS:
            guard = f"#ifndef FAKE_TYPES\n#define FAKE_TYPES\n{_TYPES}\n#endif\n"
            Path(folder, system).write_text(guard)
        command = ["cc", "-E", "-P", "-nostdinc", f"-I{folder}", f"-I{INCLUDE}", "-xc"]
        source = str(INCLUDE / name)
        macros = _output([*command, "-dM", source])
        names = [line.split()[1] for line in macros.splitlines()
                 if line.startswith("#define TTK_") and len(line.split()) > 2]
        values = ", ".join(f"macro_{name} = ({name})" for name in sorted(names))
        wanted = f'#include "{source}"\nenum {{ {values} }};\n'
        return _output([*command, "-"], wanted)


def _output(command: list[str], given: str = "") -> str:
    """What a command prints when given some text."""
    return subprocess.run(
        command, input=given, check=True, stdout=subprocess.PIPE, text=True).stdout


def _read_typedef(header: Header, node: c_ast.Typedef) -> None:
    kind = node.type
    if isinstance(kind, c_ast.PtrDecl) and isinstance(kind.type, c_ast.FuncDecl):
        header.types[node.name] = kind.type
    elif isinstance(kind.type, c_ast.Struct):
        if kind.type.decls:  # else a handle
            header.types[node.name] = kind.type.decls
    elif node.name.startswith("ttk_"):
        header.aliases[node.name] = kind


def _enum_values(enum: c_ast.Enum) -> dict[str, int]:
    values: dict[str, int] = {}
    following = 0
    for item in enum.values.enumerators:
        if item.value is not None:  # integer expressions read the same in C and in Python
            following = int(eval(text(item.value), {"__builtins__": {}}, dict(values)))
        values[item.name] = following
        following += 1
    return values


def _unnamed(node: c_ast.Node) -> c_ast.Node:
    inner = node
    while not isinstance(inner, c_ast.TypeDecl):
        inner = inner.type
    inner.declname = None
    return node
