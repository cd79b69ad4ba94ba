"""LiveKit's own package, the SDK: the one place that imports it."""

from __future__ import annotations

import importlib
from typing import Any

# From this version on, an audio source without a queue passes frames of 10 ms straight on. Earlier ones end the
# process.
_FIRST_DIRECT = (1, 1, 3)


def load(submodule: str = "") -> Any:
    """The module `livekit.rtc`, or a submodule of it.

    Raises:
        ModuleNotFoundError: The SDK is not installed, and `name` is "livekit"; or it has no such submodule.
        ImportError: The SDK does not load, which is the cause, or is too old.
    """
    try:
        sdk = importlib.import_module("livekit.rtc")
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and error.name in ("livekit", "livekit.rtc"):
            raise ModuleNotFoundError(
                'LiveKit\'s own package is not installed: pip install "livekit>=1.0"', name="livekit"
            ) from error
        raise ImportError(
            f"LiveKit's own package is installed, but does not load ({type(error).__name__}: {error}): "
            'pip install --force-reinstall "livekit>=1.0"',
            name="livekit.rtc",
        ) from error
    if sdk.__name__ != "livekit.rtc":
        raise ImportError(
            f"sys.modules has {sdk.__name__} in the place of livekit.rtc, whose names are not to be had then"
        )
    if (0,) <= _version(sdk) < (1,):
        raise ImportError(
            f'expected LiveKit\'s own package from 1.0 on, got {sdk.__version__}: pip install "livekit>=1.0"'
        )
    return importlib.import_module(f"livekit.rtc.{submodule}") if submodule else sdk


def has_direct_sources(rtc: Any) -> bool:
    """Whether the SDK's AudioSource can do without a queue."""
    return _version(rtc) >= _FIRST_DIRECT


def is_audio_track(track: Any) -> bool:
    """Whether an object is an audio track of the SDK; asks without an import of it."""
    return _is_one_of(track, "LocalAudioTrack", "RemoteAudioTrack")


def is_video_track(track: Any) -> bool:
    """Whether an object is a video track of the SDK; asks without an import of it."""
    return _is_one_of(track, "LocalVideoTrack", "RemoteVideoTrack")


def is_participant(participant: Any) -> bool:
    """Whether an object is a participant of the SDK; asks without an import of it."""
    return _is_one_of(participant, "Participant")


def _is_one_of(value: Any, *names: str) -> bool:
    return any(
        kind.__name__ in names and kind.__module__.partition(".")[0] == "livekit" for kind in type(value).__mro__
    )


def _version(rtc: Any) -> tuple[int, ...]:
    """Returns the numbers at the start of a version: those of "1.1.3rc1" are 1 and 1."""
    numbers: list[int] = []
    for part in str(getattr(rtc, "__version__", "")).split("."):
        if not part.isdecimal():
            break
        numbers.append(int(part))
    return tuple(numbers)
