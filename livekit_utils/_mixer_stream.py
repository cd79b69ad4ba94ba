"""MixerStream: what an AudioMixer knows of one of its streams."""

from __future__ import annotations

import asyncio
import math

from livekit_utils._frame_converter import FrameConverter
from livekit_utils._kernels.mix_input import MixInput
from livekit_utils.audio_mixer_stream_stats import AudioMixerStreamStats


class MixerStream(MixInput):
    """A stream of an AudioMixer: its queue and gain, and where it stands."""

    def __init__(self, num_channels: int, gain: float, stream: object, name: str) -> None:
        self.stream = stream
        self.name = name
        self.converter: FrameConverter | None = None
        self.task: asyncio.Task[None] | None = None
        self.room: asyncio.Future[None] | None = None  # its task waits for this while enough is queued
        self.joining = False  # not waited for until it delivers: late, or new to a mix that is running
        self.late = False
        self.late_blocks = 0
        self.ended = False

    def stats(self, sample_rate: int) -> AudioMixerStreamStats:
        peak, rms = self.level
        return AudioMixerStreamStats(
            samples_in=self.frames_in,
            late_blocks=self.late_blocks,
            queued_ms=self.num_frames * 1000 / sample_rate,
            peak_dbfs=_dbfs(peak),
            rms_dbfs=_dbfs(rms),
        )


def _dbfs(amplitude: float) -> float:
    return 20 * math.log10(amplitude / 32768) if amplitude else -math.inf
