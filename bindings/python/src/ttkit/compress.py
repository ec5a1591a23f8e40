"""Compressing whole models by a recipe, in this process or by the workers of an executor."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import (
    Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, as_completed, wait,
)
from contextlib import ExitStack
from ctypes import sizeof
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from . import _abi
from ._call import Callback, call, text
from ._library import library as lib
from ._options import integer
from .calibration import Calibration
from .errors import TTKitError
from .model import Model
from .recipe import Entry, Recipe
from .report import WeightReport, weight_report

Source: TypeAlias = str | os.PathLike[str] | Mapping[str, npt.ArrayLike]
Progress: TypeAlias = Callable[[WeightReport, int, int], object]


def compress(
    source: Source,
    recipe: Recipe | Mapping[str, Entry],
    *,
    calibration: Calibration | str | os.PathLike[str] | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
    out: str | os.PathLike[str] | None = None,
    threads: int = 0,
    memory_limit: int | None = None,
    max_shard_nbytes: int | None = None,
) -> Model:
    """Compress a model by a recipe.

    Parameters
    ----------
    source : path, or mapping from name to array
        A safetensors file, a folder of them, an index of shards; or the weights themselves, which
        the `safetensors` package writes to a temporary file first.
    recipe : Recipe, or mapping as for `Recipe`
        Patterns that match no weight are no error, even if nothing is compressed in the end;
        `Model.report` tells what was.
    calibration : Calibration or path, optional
        What the layers see, from `calibrate`, or the file it was saved to. Linear weights in it are
        fitted to their inputs, integers and codebooks with error compensation, and their biases
        take up what the mean outputs lose.
    executor : concurrent.futures.Executor, optional
        Gets one part of the model for each of its workers, which must see `source` and `out`.
    progress : callable, optional
        ``progress(report, done, total)`` after each weight. False or an exception stops, and no
        output is left; the exception comes out.
    out : path, optional
        Folder of the result, made if missing; configuration files beside the weights come along.
        A temporary one, removed with the model, by default.
    threads : int, optional
        Of each worker. 0: all this process may use; under a local pool, an equal share.
    memory_limit, max_shard_nbytes : int, optional
        Bytes of weights in work at one time (1 GiB by default); bytes of an output file (no limit).

    Returns
    -------
    Model

    Raises
    ------
    OSError
        If a file cannot be read or written.
    TTKitError
        If `source` is no safetensors file or a damaged one, or `progress` stopped the run.
    ValueError, TypeError, MemoryError
    """
    made = recipe if isinstance(recipe, Recipe) else Recipe(recipe)
    sizes = {
        "memory_limit": integer(memory_limit or 0, "memory_limit", 0),
        "max_shard_nbytes": integer(max_shard_nbytes or 0, "max_shard_nbytes", 0)}
    threads = integer(threads, "threads", 0, 32)
    with ExitStack() as stack:
        path = _written(source, stack) if isinstance(source, Mapping) else \
            Path(os.fsdecode(text(source, "source")))
        inputs = _calibration_path(calibration, stack)
        removal = stack.enter_context(ExitStack())  # until the model owns its temporary folder
        if out is None:
            target = Path(tempfile.mkdtemp(prefix="ttkit-"))
            removal.callback(shutil.rmtree, target, True)
        else:
            target = Path(os.fsdecode(text(out, "out")))
        if executor is None:
            _compress_part(
                path, made, target, sizes, threads=threads, progress=progress, inputs=inputs)
        else:
            _compress_parts(path, made, target, sizes, threads, executor, progress, inputs)
        _copy_companions(path, target)
        model = Model(target, temporary=out is None)
        removal.pop_all()
        return model


def _compress_part(
    source: Path,
    recipe: Recipe,
    out: Path,
    sizes: Mapping[str, int],
    *,
    threads: int,
    part: int = 0,
    parts: int = 0,
    progress: Progress | None = None,
    inputs: bytes | None = None,
) -> list[WeightReport]:
    """Compress one part, in whichever process this runs; returns the reports of its weights."""
    reports: list[WeightReport] = []

    def weight_done(raw: object, done: int, total: int) -> object:
        reports.append(weight_report(raw.contents))  # type: ignore[attr-defined]
        return None if progress is None else progress(reports[-1], done, total)

    callback = Callback(_abi.ttk_weight_done, weight_done)
    options = _abi.ttk_compress_options(struct_size=sizeof(_abi.ttk_compress_options), **sizes)
    options.weight_done = callback.pointer
    options.part, options.parts, options.threads = part, parts, threads
    options.calibration = inputs
    arguments = text(source, "source"), recipe._handle, text(out, "out"), options
    call(lib.ttk_model_compress, *arguments, callbacks=(callback,))
    return reports


def _compress_parts(
    source: Path,
    recipe: Recipe,
    out: Path,
    sizes: Mapping[str, int],
    threads: int,
    executor: Executor,
    progress: Progress | None,
    inputs: bytes | None,
) -> None:
    """Have each worker compress a part, in a folder inside `out`; join the parts, move them up."""
    workers = int(getattr(executor, "_max_workers", None) or os.cpu_count() or 1)
    if threads == 0 and isinstance(executor, (ThreadPoolExecutor, ProcessPoolExecutor)):
        threads = max(1, (os.cpu_count() or 1) // workers)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".ttkit-", dir=out) as folder:
        shards = Path(folder)
        futures = [
            executor.submit(
                _compress_part, source, recipe, shards, sizes, threads=threads, part=part,
                parts=workers, inputs=inputs)
            for part in range(workers)
        ]
        try:
            _report_as_completed(futures, source, progress)
        finally:
            for future in futures:
                future.cancel()
            wait(futures)  # workers that still run write into the folder
        call(lib.ttk_model_join, text(shards, "out"), workers)
        for file in sorted(shards.iterdir(), key=lambda p: p.suffix == ".json"):
            os.replace(file, out / file.name)


def _report_as_completed(
    futures: list[Future[list[WeightReport]]], source: Path, progress: Progress | None
) -> None:
    """Hand the reports of each part on when it is over; raises what a part raised."""
    done, total = 0, 0
    if progress is not None:
        with Model(source, checksums=False) as model:
            total = len(model)
    for future in as_completed(futures):
        for report in future.result():
            done += 1
            if progress is not None and progress(report, done, total) is False:
                raise TTKitError("progress stopped the run")


def _calibration_path(
    calibration: Calibration | str | os.PathLike[str] | None, stack: ExitStack
) -> bytes | None:
    """The file of a calibration; one of our own is removed with the stack."""
    if calibration is None:
        return None
    if not isinstance(calibration, Calibration):
        return text(calibration, "calibration")
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ttkit-"))
    path = Path(folder, "calibration.safetensors")
    calibration.save(path, rows=False)
    return text(path, "calibration")


def _written(weights: Mapping[str, npt.ArrayLike], stack: ExitStack) -> Path:
    """A temporary safetensors file of given weights, removed with the stack."""
    try:
        from safetensors.numpy import save_file  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        raise ImportError(
            "compressing arrays needs the safetensors package: pip install safetensors, or give "
            "the path of a safetensors file") from None
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ttkit-"))
    path = Path(folder, "model.safetensors")
    save_file({name: np.ascontiguousarray(array) for name, array in weights.items()}, path)
    return path


def _copy_companions(source: Path, out: Path) -> None:
    """Copy configuration and vocabulary beside the weights, so that the result loads alone."""
    folder = source if source.is_dir() else source.parent
    if folder.resolve() == out.resolve():
        return
    if not (folder / "config.json").exists():
        return
    for file in sorted(folder.iterdir()):
        named = file.suffix in (".json", ".txt") and not file.name.endswith(".index.json")
        if named and file.is_file() and not (out / file.name).exists():
            shutil.copyfile(file, out / file.name)
