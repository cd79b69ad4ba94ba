"""LiveKit's own package, the SDK: the one place that imports it."""

from __future__ import annotations

import importlib
from typing import Any

_INSTALL = 'pip install "livekit>=1.0"'

# From this version on, an audio source without a queue passes frames of 10 ms straight on. Earlier ones end the
# process.
_FIRST_DIRECT = (1, 1, 3)


def load() -> Any:
    """The module `livekit.rtc`.

    Raises:
        ImportError: It is not installed, or cannot be imported.
    """
    try:
        return importlib.import_module("livekit.rtc")
    except ModuleNotFoundError as error:
        if error.name in ("livekit", "livekit.rtc"):
            raise ImportError(f"this needs the LiveKit SDK: {_INSTALL}", name="livekit") from error
        raise _unusable(error) from error
    except Exception as error:  # a library that does not load, or files of several versions
        raise _unusable(error) from error


def load_media() -> Any:
    """`load` for tracks and streams, which need an SDK of version 1.0 or later.

    Raises:
        ImportError: It is not installed, cannot be imported, or is too old.
    """
    rtc = load()
    if _version(rtc) < (1,):
        raise ImportError(f"this needs a later LiveKit SDK than {rtc.__version__}: {_INSTALL}", name="livekit")
    return rtc


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


def _unusable(error: Exception) -> ImportError:
    return ImportError(
        f"the LiveKit SDK is installed, but cannot be imported ({error}): {_INSTALL} --force-reinstall", name="livekit"
    )
