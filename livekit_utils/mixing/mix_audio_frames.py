"""mix_audio_frames adds frames up, in one call."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from livekit_utils._kernels.gain_queue import GainQueue, mix
from livekit_utils._runtime.arguments import check_number
from livekit_utils._runtime.public_path import public
from livekit_utils.frames.audio_frame import AudioFrame, as_audio_frame

if TYPE_CHECKING:
    from livekit import rtc

__all__ = ["mix_audio_frames"]

# Mixed at a time, in samples of all channels of all frames: the GIL is held for as long as this takes.
_BLOCK = 32768

_MAX_FRAMES = 131071
_MAX_CHANNELS = 128
# The greatest gain of the mixer's fixed point below 128.
_MAX_GAIN = 128 - 2**-24


@public
def mix_audio_frames(frames: Iterable[AudioFrame | rtc.AudioFrame], gains: Iterable[float] | None = None) -> AudioFrame:
    """Adds frames up: the exact sum of all, saturated once at the end. For streams, use an `AudioMixer`.

    Args:
        frames: 1 to 131071 frames of one sample rate and one channel count (1 to 128). A frame that is shorter than the
            longest is followed by silence.
        gains: A factor for each frame, above -128 and below 128 (+42 dB); None for 1. A gain is rounded to 24 bits
            behind the point, the sum to the nearest integer.

    Returns:
        A new frame, as long as the longest.

    Raises:
        ValueError: There are no frames or too many, rates or channel counts differ, there are not as many gains as
            frames, or a gain is out of range.
        TypeError: An item is no frame, or a gain no number.

    Example:
        >>> loud = AudioFrame(b"\\x00\\x70" * 2, 48000, 1, 2)
        >>> mix_audio_frames([loud, loud]).data.tolist()
        [32767, 32767]
        >>> mix_audio_frames([loud, loud, loud], gains=[1, 1, -1]).data.tolist()
        [28672, 28672]
    """
    mixed = [as_audio_frame(frame) for frame in _listed("frames", frames)]
    if not 1 <= len(mixed) <= _MAX_FRAMES:
        raise ValueError(f"frames: expected 1 to {_MAX_FRAMES} frames, got {len(mixed)}")
    factors = [1.0] * len(mixed)
    if gains is not None:
        factors = [check_number("gains", gain, -_MAX_GAIN, _MAX_GAIN) for gain in _listed("gains", gains)]
    if len(factors) != len(mixed):
        raise ValueError(f"gains: expected {len(mixed)}, one for each frame, got {len(factors)}")
    first = mixed[0]
    if first.num_channels > _MAX_CHANNELS:
        raise ValueError(f"frames: expected 1 to {_MAX_CHANNELS} channels, got {first.num_channels}")
    for frame in mixed:
        if (frame.sample_rate, frame.num_channels) != (first.sample_rate, first.num_channels):
            raise ValueError(
                f"frames: expected frames of one format, got {first.sample_rate} Hz with {first.num_channels} channels "
                f"and {frame.sample_rate} Hz with {frame.num_channels}"
            )
    queues = [GainQueue(first.num_channels, factor) for factor in factors]
    num_samples = max(frame.samples_per_channel for frame in mixed)
    samples = _mix(mixed, queues, num_samples, first.num_channels)
    return AudioFrame(samples, first.sample_rate, first.num_channels, num_samples)


def _listed(name: str, items: Iterable[Any]) -> Sequence[Any]:
    try:
        return list(items)
    except TypeError:
        raise TypeError(f"{name}: expected an iterable, got {type(items).__name__}") from None


def _mix(frames: list[AudioFrame], queues: list[GainQueue], num_samples: int, num_channels: int) -> bytearray:
    rows = [frame.data for frame in frames]
    block = max(1, _BLOCK // (num_channels * len(frames)))
    if num_samples <= block:
        for queue, row in zip(queues, rows, strict=True):
            queue.push(row)
        return mix(queues, num_samples, num_channels)
    samples = bytearray()
    for start in range(0, num_samples, block):
        end = min(start + block, num_samples)
        for queue, row in zip(queues, rows, strict=True):
            queue.push(row[start * num_channels : end * num_channels])
        samples += mix(queues, end - start, num_channels)
    return samples
