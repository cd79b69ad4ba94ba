"""AudioMixerStats: what AudioMixer.stats() tells."""

from __future__ import annotations

from typing import NamedTuple

from livekit_utils.mixing.audio_mixer_stream_stats import AudioMixerStreamStats

__all__ = ["AudioMixerStats"]


class AudioMixerStats(NamedTuple):
    """What a mixer has done and holds."""

    blocks: int
    """Blocks mixed."""
    queued_blocks: int
    """Blocks that wait to be read."""
    streams: dict[str, AudioMixerStreamStats]
    """By name; a stream that has ended or was removed is not here any more."""
