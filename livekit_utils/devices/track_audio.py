"""What a player does with tracks and streams that others made."""

from __future__ import annotations

import importlib
import logging
from typing import Any

from livekit_utils.tracks.audio_stream import AudioStream
from livekit_utils.tracks.track import LocalAudioTrack

logger = logging.getLogger("livekit_utils")


def open_track(track: Any, sample_rate: int, num_channels: int) -> Any:
    """A stream on an audio track, of this package or the LiveKit SDK.

    Raises:
        TypeError: Not an audio track.
    """
    if isinstance(track, LocalAudioTrack):
        return AudioStream(track, sample_rate=sample_rate, num_channels=num_channels)
    if type(track).__module__.partition(".")[0] == "livekit" and type(track).__name__.endswith("AudioTrack"):
        sdk = importlib.import_module("livekit.rtc")
        return sdk.AudioStream(track, sample_rate=sample_rate, num_channels=num_channels)
    raise TypeError(f"expected an audio track, got {track!r}")


async def close_iterator(iterator: Any) -> None:
    """Closes what nobody else can."""
    if not hasattr(iterator, "aclose"):
        return
    try:
        await iterator.aclose()
    except Exception as error:
        logger.error("OutputPlayer: %r does not close: %s", iterator, error, exc_info=error)
