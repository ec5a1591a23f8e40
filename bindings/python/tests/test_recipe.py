"""Recipes say which weight becomes what."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

import ttkit as tk


def test_recipe_firstMatchingPattern_wins() -> None:
    recipe = tk.Recipe({
        "pooler.*": None,
        "*.query.weight": tk.LowRank(8),
        "layer.?.dense.weight": {"spec": tk.Dense() @ tk.Int(8, group=64), "transpose": True},
        "*.weight": "dense@float16",
    })
    assert recipe.spec("pooler.query.weight") is None
    assert recipe.spec("layer.0.query.weight") == "low_rank(rank=8)"
    assert recipe.spec("layer.3.dense.weight") == "dense@int8(group=64)"
    assert recipe.spec("layer.13.dense.weight") == "dense@float16"
    assert recipe.spec("layer.0.bias") is None
    assert repr(recipe) == "Recipe(4 patterns)"


def test_recipe_asJson_readsBack(tmp_path: Path) -> None:
    recipe = tk.Recipe({"a.*": "dense@int8(group=32)", "b": None})
    (tmp_path / "r.json").write_text(recipe.json)
    loaded = tk.Recipe.load(tmp_path / "r.json")
    for again in (loaded, tk.Recipe.parse(recipe.json), pickle.loads(pickle.dumps(recipe))):
        assert again.spec("a.b") == recipe.spec("a.b") == "dense@int8(group=32)"
        assert json.loads(again.json) == json.loads(recipe.json)


def test_recipe_builtin_isInt8() -> None:
    recipe = tk.Recipe.builtin("default")
    assert "int8" in str(recipe.spec("encoder.layer.0.attention.self.query.weight"))
    with pytest.raises(ValueError, match="default"):
        tk.Recipe.builtin("defualt")


@pytest.mark.parametrize(
    ("entries", "expected"),
    [({"*": "dens"}, "dense"), ({"*": {"spce": "dense"}}, "spec"),
     ({"*": {"spec": "dense@int"}}, ""), ({"*": {"kind": "linaer", "spec": "dense"}}, "linear"),
     ({"*": {"transpose": 1, "spec": "dense"}}, ""),
     ({"*": {}}, ""), ({"*": 3}, ""), ({"*": ["dense"]}, "")])
def test_recipe_badEntry_isAValueErrorThatHelps(entries: dict, expected: str) -> None:
    with pytest.raises(ValueError) as caught:
        tk.Recipe(entries)
    assert expected in str(caught.value)


def test_recipe_malformedJson_namesLineAndColumn() -> None:
    with pytest.raises(ValueError, match="line 2"):
        tk.Recipe.parse('{\n "a": }')


@pytest.mark.parametrize("entries", [None, "dense", [("a", "dense")], {"*": object()}])
def test_recipe_noMapping_isATypeError(entries: object) -> None:
    with pytest.raises(TypeError):
        tk.Recipe(entries)  # type: ignore[arg-type]


def test_recipe_missingFile_isAnOSError(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        tk.Recipe.load(tmp_path / "none.json")


def test_recipe_usedAfterClose_isAValueError() -> None:
    recipe = tk.Recipe({})
    recipe.close()
    with pytest.raises(ValueError, match="this Recipe is closed"):
        recipe.json
    assert repr(recipe) == "Recipe(closed)"
