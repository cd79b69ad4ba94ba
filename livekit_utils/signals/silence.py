"""silence_generator makes silence."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from livekit_utils._runtime.arguments import check_int
from livekit_utils._runtime.public_path import public
from livekit_utils.frames.audio_frame import AudioFrame
from livekit_utils.signals.pacing import blocks, check_num_samples, paced

__all__ = ["silence_generator"]


@public
def silence_generator(
    duration: float | None = None, sample_rate: int = 48000, num_channels: int = 1, *, realtime: bool = False
) -> AsyncIterator[AudioFrame]:
    """Generates silence as frames of 10 ms.

    Each frame has memory of its own, which its reader may change.

    Args:
        duration: Seconds, above 0; None has no end. The frames add up to `round(duration * sample_rate)` samples per
            channel exactly; the last frame may be shorter.
        sample_rate: Hz, from 1000.
        num_channels: 1 to 128.
        realtime: As for `sine_wave_generator`.

    Yields:
        Frames of `sample_rate // 100` samples per channel.

    Raises:
        ValueError: A number is out of range.
        TypeError: An argument is of another type. The call raises both.

    Example:
        >>> import asyncio
        >>> async def count() -> int:
        ...     return sum([frame.samples_per_channel async for frame in silence_generator(0.025)])
        >>> asyncio.run(count())
        1200
    """
    sample_rate = check_int("sample_rate", sample_rate, 1000)
    num_channels = check_int("num_channels", num_channels, 1, 128)
    num_samples = None if duration is None else check_num_samples(duration, sample_rate)
    return paced(_generate(num_samples, sample_rate, num_channels), realtime)


def _generate(num_samples: int | None, sample_rate: int, num_channels: int) -> Iterator[AudioFrame]:
    for _, n in blocks(num_samples, sample_rate):
        yield AudioFrame.create(sample_rate, num_channels, n)
