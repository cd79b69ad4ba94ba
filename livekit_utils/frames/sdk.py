"""LiveKit's own package, the SDK: the one place that imports it."""

from __future__ import annotations

import importlib
from typing import Any


def load() -> Any:
    """The module `livekit.rtc`.

    Raises:
        ImportError: It is not installed.
    """
    try:
        return importlib.import_module("livekit.rtc")
    except ModuleNotFoundError as error:
        if error.name not in ("livekit", "livekit.rtc"):
            raise
        raise ImportError('frames for the LiveKit SDK need it: pip install "livekit>=1.0"', name="livekit") from error


def is_audio_track(track: Any) -> bool:
    """Whether an object is an audio track of the SDK; asks without an import of it."""
    kind = type(track)
    return kind.__module__.partition(".")[0] == "livekit" and kind.__name__.endswith("AudioTrack")


def open_audio_stream(track: Any, sample_rate: int, num_channels: int) -> Any:
    """Returns the SDK's AudioStream on one of its tracks, in the format asked for.

    Raises:
        ImportError: The SDK is not installed.
    """
    return load().AudioStream(track, sample_rate=sample_rate, num_channels=num_channels)
