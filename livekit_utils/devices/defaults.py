"""The defaults of MediaDevices, which LiveKit documents; importing them loads nothing else."""

from __future__ import annotations

__all__ = ["BLOCKSIZE", "DEFAULT_CHANNELS", "DEFAULT_SAMPLE_RATE", "FRAME_SAMPLES"]

DEFAULT_SAMPLE_RATE: int = 48000  # Hz
DEFAULT_CHANNELS: int = 1
BLOCKSIZE: int = 2400  # samples per channel: 50 ms at 48 kHz
FRAME_SAMPLES: int = 480  # samples per channel of a frame from a microphone: 10 ms at 48 kHz
