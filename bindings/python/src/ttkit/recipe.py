"""Recipes: which weight of a model becomes what."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Self, TypeAlias

from ._call import text
from ._handle import Closable, Owned, create
from ._library import library as lib
from .formats import Format

Entry: TypeAlias = str | Format | None | Mapping[str, str | bool | Format]


class Recipe(Closable):
    """A list of weight-name patterns and what becomes of the weights they match; it never changes.

    The first pattern that matches a name wins. In a pattern ``*`` stands for any run of characters,
    ``?`` for any one.

    Parameters
    ----------
    entries : mapping from pattern to entry, in order
        An entry is a spec string or a format; None, which leaves the weight alone; or a mapping
        with ``"spec"``, ``"transpose": True`` where the checkpoint stores (in, out), ``"kind"``
        (``"linear"`` or ``"embedding"``), ``"tied"`` (the name of the same matrix elsewhere).

    Raises
    ------
    ValueError
        If an entry is malformed; every spec is checked.

    Examples
    --------
    >>> import ttkit as tk
    >>> recipe = tk.Recipe({"pooler.*": None, "*.weight": tk.Dense() @ tk.Int(8, group=64)})
    >>> recipe.spec("encoder.layer.0.output.dense.weight")
    'dense@int8(group=64)'
    >>> recipe.spec("pooler.dense.weight") is None
    True
    """

    __slots__ = ()

    def __init__(self, entries: Mapping[str, Entry]) -> None:
        if not isinstance(entries, Mapping):
            raise TypeError(
                f"entries is a {type(entries).__name__}, expected a mapping from pattern to spec")
        super().__init__(_parsed(json.dumps(entries, default=_plain)))

    @classmethod
    def parse(cls, source: str) -> Self:
        """Read a recipe from JSON text; an error names line and column."""
        return cls._made(_parsed(source))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a recipe from a JSON file."""
        arguments = lib.ttk_recipe_load, text(path, "path")
        return cls._made(create(lib.ttk_recipe_destroy, *arguments))

    @classmethod
    def builtin(cls, name: str) -> Self:
        """Take a recipe that comes with the library.

        ``"default"`` is int8 in groups of 64, for any transformer; ``"encoder"`` is 4 bits, for
        BERT-type sentence encoders, and wants calibration.
        """
        arguments = lib.ttk_recipe_builtin, text(name, "name")
        return cls._made(create(lib.ttk_recipe_destroy, *arguments))

    @classmethod
    def _made(cls, owned: Owned) -> Self:
        self = cls.__new__(cls)
        Closable.__init__(self, owned)
        return self

    @property
    def json(self) -> str:
        """The recipe as JSON text."""
        return str(lib.ttk_recipe_json(self._handle).decode())

    def spec(self, name: str) -> str | None:
        """The spec a weight of this name gets; None when it stays as it is."""
        found = lib.ttk_recipe_spec(self._handle, text(name, "name"))
        return None if found is None else str(found.decode())

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Recipe.parse, (self.json,)

    def __repr__(self) -> str:
        if self.closed:
            return "Recipe(closed)"
        try:
            count = len(json.loads(self.json))
        except ValueError:
            count = 0
        return f"Recipe({count} patterns)"


def _parsed(source: str) -> Owned:
    return create(lib.ttk_recipe_destroy, lib.ttk_recipe_parse, text(source, "recipe"))


def _plain(value: object) -> object:
    if isinstance(value, Format):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a recipe entry holds a {type(value).__name__}, expected a spec or a format")
