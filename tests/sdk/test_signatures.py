"""Whoever calls our classes as the SDK's, by position or by name, finds the arguments there."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator
from inspect import Parameter
from typing import Any

import pytest

import livekit_utils

# Made by LiveKit's client from what its server says; not by users.
MADE_BY_THE_SDK = {"Track", "LocalAudioTrack", "LocalVideoTrack", "InputCapture"}
# What needs a room: livekit_utils may or may not have it.
OF_ROOMS = {"get_stats", "from_participant"}
# The documentation has another number than the SDK, and we have that; or ours is better, as the docstring says.
OTHER_DEFAULTS = {"MediaDevices(blocksize)": 2400, "OutputPlayer(blocksize)": 0}
NOT_YET = {"VideoFrame.convert"}

HOMES = ["livekit.rtc", "livekit.rtc.media_devices", "livekit.rtc.utils"]


def theirs(name: str) -> Any:
    for home in HOMES:
        try:
            return getattr(importlib.import_module(home), name)
        except (ImportError, AttributeError):
            continue
    return None


def callables() -> Iterator[tuple[str, Callable[..., Any], Callable[..., Any]]]:
    """Every class, method and function of ours that the SDK has too."""
    pytest.importorskip("livekit.rtc")
    for name in livekit_utils.__all__:
        our, their = getattr(livekit_utils, name), theirs(name)
        if not callable(our) or their is None or type(their).__name__ == "EnumTypeWrapper":
            continue
        if name not in MADE_BY_THE_SDK:
            yield name, our, their
        if isinstance(their, type) and not issubclass(their, str):
            for method in vars(their):
                if (method.startswith("_") and method not in ("_process", "_close")) or method in OF_ROOMS:
                    continue
                if callable(getattr(their, method)) and f"{name}.{method}" not in NOT_YET:
                    assert hasattr(our, method), f"{name}.{method}"
                    yield f"{name}.{method}", getattr(our, method), getattr(their, method)


def of_kind(function: Callable[..., Any], *kinds: Any) -> dict[str, Parameter]:
    return {name: item for name, item in inspect.signature(function).parameters.items() if item.kind in kinds}


def test_what_they_take_by_position_is_taken_by_position(rtc: Any, old: bool) -> None:
    if old:
        pytest.skip("later versions put arguments between those of this one")
    found = 0
    for path, our, their in callables():
        names = list(of_kind(their, Parameter.POSITIONAL_OR_KEYWORD, Parameter.POSITIONAL_ONLY))
        assert list(of_kind(our, Parameter.POSITIONAL_OR_KEYWORD, Parameter.POSITIONAL_ONLY))[: len(names)] == names, (
            path
        )
        found += 1
    assert found > 40


def test_what_they_take_by_name_is_taken_by_name(rtc: Any) -> None:
    for path, our, their in callables():
        named = of_kind(our, Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
        for name, expected in of_kind(their, Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY).items():
            assert name in named, f"{path}({name})"
            default = OTHER_DEFAULTS.get(f"{path}({name})", expected.default)
            if expected.default is not Parameter.empty:
                assert named[name].default == default, f"{path}({name})"


def test_nothing_else_has_to_be_given(rtc: Any) -> None:
    for path, our, their in callables():
        needed = {
            name
            for name, item in inspect.signature(our).parameters.items()
            if item.default is Parameter.empty and item.kind not in (Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL)
        }
        assert needed <= {*inspect.signature(their).parameters}, path
