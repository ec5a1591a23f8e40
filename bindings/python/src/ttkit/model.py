"""Whole models on disk: their layers, tensors, sizes."""

from __future__ import annotations

import difflib
import os
import shutil
import weakref
from collections.abc import Callable, Iterator, Mapping
from ctypes import byref, sizeof
from pathlib import Path
from typing import TypeAlias

from . import _abi
from ._array import Array, borrowed
from ._call import call, text
from ._handle import Closable, create
from ._library import library as lib
from .embedding import Embedding
from .linear import Linear
from .report import Report, WeightReport, weight_report

Weight: TypeAlias = Linear | Embedding | Array
_INDEX = ".index.json"


class Model(Closable, Mapping[str, Weight]):
    """A mapping from weight names to layers and arrays, read from disk on first use.

    ``model[name]`` is a `Linear` or an `Embedding` where the weight was compressed, else a
    read-only array. `tk.open` and `tk.compress` make models.
    """

    __slots__ = ("path", "_names", "_layers", "_removal")
    path: Path
    _removal: Callable[[], object]

    def __init__(
        self,
        path: Path,
        *,
        checksums: bool = True,
        temporary: bool = False,
    ) -> None:
        arguments = text(path, "path"), not checksums
        super().__init__(create(lib.ttk_model_destroy, lib.ttk_model_open, *arguments))
        self.path = path
        count = lib.ttk_model_count(self._handle)
        self._names = {lib.ttk_model_name(self._handle, i).decode(): i for i in range(count)}
        self._layers: dict[str, Linear | Embedding] = {}
        self._removal = lambda: None
        if temporary:  # goes with the model
            self._removal = weakref.finalize(self, shutil.rmtree, path, True)

    @property
    def nbytes(self) -> int:
        """Bytes of all weights as stored."""
        return int(lib.ttk_model_nbytes(self._handle))

    def report(self) -> Report:
        """What became of each weight; printing it shows a table."""
        return Report(self.report_of(name) for name in self)

    def report_of(self, name: str) -> WeightReport:
        """What became of one weight.

        Raises
        ------
        KeyError
            If there is no such weight; the message names the nearest.
        """
        raw = _abi.ttk_weight_report(struct_size=sizeof(_abi.ttk_weight_report))
        call(lib.ttk_model_report, self._handle, self._position(name), byref(raw))
        return weight_report(raw)

    def __getitem__(self, name: str) -> Weight:
        kind = self.report_of(name).kind
        if kind == "linear":
            return self.linear(name)
        return self.embedding(name) if kind == "embedding" else self.tensor(name)

    def linear(self, name: str) -> Linear:
        """A weight and the bias beside it as a linear layer; a plain matrix as a dense one."""
        layer = self._layers.get(name)
        if not isinstance(layer, Linear) or layer.closed:
            arguments = self._handle, text(name, "name")
            layer = Linear._made(create(lib.ttk_linear_destroy, lib.ttk_model_linear, *arguments))
            self._layers[name] = layer
        return layer

    def embedding(self, name: str) -> Embedding:
        """A weight as an embedding; a plain matrix as a dense one."""
        layer = self._layers.get(name)
        if not isinstance(layer, Embedding) or layer.closed:
            arguments = lib.ttk_model_embedding, self._handle, text(name, "name")
            layer = Embedding._made(create(lib.ttk_embedding_destroy, *arguments))
            self._layers[name] = layer
        return layer

    def tensor(self, name: str) -> Array:
        """An untouched tensor, as a read-only view that keeps the model's memory alive."""
        self._position(name)
        owned, array = self._handle, _abi.ttk_array()
        call(lib.ttk_model_tensor, owned, text(name, "name"), byref(array))
        return borrowed(array, owned)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Copy the model's files to a folder, made if missing; weights appear last, by renaming.

        Raises
        ------
        FileExistsError
            If the folder holds weights or an index of another model, which would mix with these.
        OSError
            If a file cannot be read or written.
        """
        self._handle  # noqa: B018 (raises when closed)
        target, files = Path(path), self._files()
        target.mkdir(parents=True, exist_ok=True)
        ours = {file.name for file in files}
        others = sorted(file.name for file in target.iterdir()
                        if file.name.endswith((".safetensors", _INDEX)) and file.name not in ours)
        if others:
            raise FileExistsError(
                f"the folder {target} holds files of another model, such as {others[0]}; remove "
                "them or choose another folder")
        for file in files:
            part = target / (file.name + ".part")
            try:
                shutil.copyfile(file, part)
                os.replace(part, target / file.name)
            finally:
                part.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        """The model's files, weights after what describes them."""
        if not self.path.is_dir() and not self.path.name.endswith(_INDEX):
            return [self.path]
        folder = self.path if self.path.is_dir() else self.path.parent
        files = [path for path in folder.iterdir() if path.is_file()]
        return sorted(files, key=lambda path: (path.suffix == ".safetensors", path.name))

    def close(self) -> None:
        """Free the memory now; may be repeated. Layers taken from the model stay usable."""
        super().close()
        self._layers.clear()
        self._removal()

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def _position(self, name: str) -> int:
        try:
            return self._names[name]
        except KeyError:
            near = difflib.get_close_matches(str(name), self._names, 1)
            hint = f"; the nearest is {near[0]!r}" if near else ""
            raise KeyError(f"no weight is called {name!r}{hint}") from None

    def __repr__(self) -> str:
        return f"Model({str(self.path)!r}, {len(self)} weights)"


def open(path: str | os.PathLike[str], *, checksums: bool = True) -> Model:  # noqa: A001
    """Open a model: a safetensors file, a folder of them, or an index of shards; compressed or not.

    Parameters
    ----------
    path : path
    checksums : bool, optional
        Verify the checksums of compressed weights.

    Raises
    ------
    OSError
        If a file cannot be read.
    TTKitError
        If it is no safetensors file, is damaged, or was made by a newer library.
    """
    return Model(Path(os.fsdecode(text(path, "path"))), checksums=checksums)
