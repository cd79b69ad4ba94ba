"""The defaults of MediaDevices, which LiveKit documents; importing them loads nothing else."""

from __future__ import annotations

__all__ = ["BLOCKSIZE", "DEFAULT_CHANNELS", "DEFAULT_SAMPLE_RATE", "FRAME_SAMPLES"]

DEFAULT_SAMPLE_RATE: int = 48000
"""The sample rate of `MediaDevices` by default, of microphones and of speakers, in Hz."""

DEFAULT_CHANNELS: int = 1
"""The channel count of `MediaDevices` by default."""

BLOCKSIZE: int = 2400
"""The `blocksize` of `MediaDevices` by default, in samples per channel: 50 ms at 48 kHz."""

FRAME_SAMPLES: int = 480
"""The length of a microphone's frame at 48 kHz, in samples per channel: 10 ms."""
