"""Python functions the library calls: what they raise comes out as it was."""

from __future__ import annotations

import os
from ctypes import byref, sizeof

import numpy as np
import pytest

import ttkit as tk
from ttkit import _abi
from ttkit._call import Callback, call


def big() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(12,) * 5)


def test_progress_told_getsStageAndCounts() -> None:
    calls: list[tuple[str, int, int]] = []
    tk.tensor_train(big(), progress=lambda *given: calls.append(given))
    for stage, done, total in calls:
        assert isinstance(stage, str) and 0 <= done and (total == 0 or done <= total)


def test_progress_raising_isRaisedWithItsTraceback() -> None:
    calls = []

    def progress(stage: str, done: int, total: int) -> None:
        calls.append(stage)
        raise LookupError("enough of it")

    try:
        tk.tensor_train(big(), progress=progress)
    except LookupError as error:
        assert str(error) == "enough of it" and len(calls) == 1
        partial = error.partial  # type: ignore[attr-defined]
        assert partial is None or isinstance(partial, tk.TensorTrain)
        frame = error.__traceback__
        while frame is not None and frame.tb_next is not None:
            frame = frame.tb_next
        assert frame is not None and frame.tb_frame.f_code.co_name == "progress"
    else:
        assert not calls, "an exception in a callback was lost"


def test_callback_raisingWithAResult_attachesIt() -> None:
    def stopped() -> None:
        raise KeyError("k")

    callback = Callback(_abi.ttk_progress, lambda *_: stopped())

    def function() -> int:
        assert callback.pointer(None, b"stage", 0, 0) == 1
        assert callback.pointer(None, b"stage", 1, 0) == 1  # asked again: still a stop
        return _abi.TTK_OK

    with pytest.raises(KeyError) as caught:
        call(function, callbacks=(callback,), partial=lambda: "the result so far")
    assert caught.value.partial == "the result so far"  # type: ignore[attr-defined]


def test_callback_callingTheLibrary_works(train: tk.TensorTrain) -> None:
    norms = []
    tk.tensor_train(big(), progress=lambda *_: norms.append(train.norm()))
    assert all(norm == train.norm() for norm in norms)


def test_callback_failingCallInside_keepsItsOwnMessage() -> None:
    def progress(*_: object) -> None:
        tk.tensor_train([[np.nan, 1.0]])

    try:
        tk.tensor_train(big(), progress=progress)
    except ValueError as error:
        assert "finite" in str(error).lower() or "nan" in str(error).lower()


def test_call_unknownStatus_isATTKitError() -> None:
    with pytest.raises(tk.TTKitError):
        call(lambda: 4711)


@pytest.mark.parametrize(
    ("status", "error"),
    [("ARGUMENT", ValueError), ("DTYPE", TypeError), ("SIZE", ValueError), ("MEMORY", MemoryError),
     ("NONFINITE", ValueError), ("CONVERGENCE", np.linalg.LinAlgError),
     ("CANCELLED", tk.TTKitError), ("IO", OSError), ("FORMAT", tk.TTKitError), ("VERSION", tk.TTKitError),
     ("INTERNAL", tk.TTKitError)])
def test_call_eachStatus_raisesItsException(status: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        call(lambda: getattr(_abi, f"TTK_ERROR_{status}"))


def test_options_ofANewerHeader_areAVersionError() -> None:
    class Newer(_abi.ttk_svd_options):
        _fields_ = [("unknown", _abi.c_int64)]

    from ttkit._array import view
    from ttkit._handle import create
    from ttkit._library import library as lib
    from ctypes import POINTER, cast

    for unknown in (0, 1):
        options = Newer(struct_size=sizeof(Newer), unknown=unknown)
        pointer = cast(byref(options), POINTER(_abi.ttk_svd_options))
        arguments = lib.ttk_svd, byref(view(np.ones((2, 2)))), pointer
        if unknown:
            with pytest.raises(tk.TTKitError, match="does not know"):
                create(lib.ttk_train_destroy, *arguments)
        else:
            create(lib.ttk_train_destroy, *arguments)


def test_path_notUtf8_isRefusedOrFound(tmp_path: object, train: tk.TensorTrain) -> None:
    path = os.path.join(os.fsencode(str(tmp_path)), b"\xff.safetensors")
    with pytest.raises((ValueError, TypeError)):
        train.save(os.fsdecode(path))
