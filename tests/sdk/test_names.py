"""`livekit_utils.rtc` is all of the SDK's `rtc`, with our names in it."""

from __future__ import annotations

import copy
import importlib
import pickle
import pkgutil
import sys
from typing import Any

import pytest

import livekit_utils
from livekit_utils import rtc as ours
from livekit_utils.rtc._names import SUBMODULES


def test_every_name_is_ours_or_theirs(rtc: Any) -> None:
    assert len(rtc.__all__) > 60
    for name in rtc.__all__:
        value = getattr(ours, name)
        assert value is (getattr(livekit_utils, name) if name in livekit_utils.__all__ else getattr(rtc, name)), name
        assert name in ours.__all__
        assert name in dir(ours)
    assert {*livekit_utils.__all__} <= {*ours.__all__} <= {*livekit_utils.__all__, *rtc.__all__}


def test_a_star_imports_both(rtc: Any) -> None:
    names: dict[str, Any] = {}
    exec("from livekit_utils.rtc import *", names)
    assert names["Room"] is rtc.Room
    assert names["AudioFrame"] is livekit_utils.AudioFrame


def test_every_submodule(rtc: Any) -> None:
    """A name that a submodule shares with `rtc` is ours where that one is."""
    found = [module.name for module in pkgutil.iter_modules(rtc.__path__)]
    assert {"room", "participant", "event_emitter", "_proto"} <= {*found}
    for name in found:
        try:
            theirs = importlib.import_module(f"livekit.rtc.{name}")
        except ModuleNotFoundError:  # jupyter needs IPython
            with pytest.raises(ModuleNotFoundError, match="IPython"):
                importlib.import_module(f"livekit_utils.rtc.{name}")
            continue
        module = importlib.import_module(f"livekit_utils.rtc.{name}")
        assert getattr(ours, name) is module
        for item, value in vars(theirs).items():
            if item.startswith("__"):
                continue
            public = item in livekit_utils.__all__ and (
                item in SUBMODULES.get(name, ()) or value is getattr(rtc, item, None)
            )
            assert getattr(module, item) is (getattr(livekit_utils, item) if public else value), (name, item)
            assert item.startswith("_") or item in dir(module)


def test_the_table_of_submodules_is_true_of_them(rtc: Any) -> None:
    """What it says is ours in a submodule is in the SDK's submodule of that name, where this version has one."""
    checked = 0
    for name, items in SUBMODULES.items():
        try:
            theirs = importlib.import_module(f"livekit.rtc.{name}")
        except ModuleNotFoundError:
            continue
        for item in items:
            if not (name == "utils" and item == "sine_wave_generator"):
                assert hasattr(theirs, item), (name, item)
                checked += 1
    assert checked > 15


def test_deeper_modules(rtc: Any) -> None:
    from livekit_utils.rtc._ffi_client import FfiHandle  # type: ignore[import-not-found]
    from livekit_utils.rtc._proto import room_pb2  # type: ignore[import-not-found]
    from livekit_utils.rtc._proto.audio_frame_pb2 import AudioStreamInfo  # type: ignore[import-not-found]

    assert FfiHandle is importlib.import_module("livekit.rtc._ffi_client").FfiHandle
    assert room_pb2.RoomOptions is importlib.import_module("livekit.rtc._proto.room_pb2").RoomOptions
    # Ours of this name is something else.
    assert AudioStreamInfo is importlib.import_module("livekit.rtc._proto.audio_frame_pb2").AudioStreamInfo


@pytest.mark.parametrize(
    "statement",
    [
        "import livekit_utils.rtc.nonsense",
        "import livekit_utils.rtc.room.nonsense",
        "from livekit_utils.rtc import nonsense",
        "from livekit_utils.rtc.audio_frame import nonsense",
        "from livekit_utils.rtc.room import nonsense",
    ],
)
def test_what_neither_has(rtc: Any, statement: str) -> None:
    with pytest.raises(ModuleNotFoundError, match=rf"nonsense'; neither has livekit {rtc.__version__}"):
        exec(statement)
    for module in (ours, ours.room, ours.audio_frame):
        with pytest.raises(AttributeError, match=f"has no attribute 'nonsense'; neither has livekit {rtc.__version__}"):
            module.nonsense  # noqa: B018


def test_ours_in_the_place_of_theirs(rtc: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who puts it there gets our names, and an error for the others: theirs cannot be reached any more."""
    monkeypatch.setitem(sys.modules, "livekit.rtc", ours)
    monkeypatch.delitem(vars(ours), "RoomOptions", raising=False)
    assert importlib.import_module("livekit.rtc").AudioFrame is livekit_utils.AudioFrame
    with pytest.raises(AttributeError, match=r"sys\.modules has livekit_utils\.rtc in the place of livekit\.rtc"):
        ours.RoomOptions  # noqa: B018


def test_their_values_pickle(rtc: Any) -> None:
    assert pickle.loads(pickle.dumps(ours.Room)) is rtc.Room
    assert copy.copy(ours.RoomOptions(auto_subscribe=False)).auto_subscribe is False
