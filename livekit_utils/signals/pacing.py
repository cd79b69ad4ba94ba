"""Cuts a generated signal into frames of 10 ms, and hands them out as fast as they are read or in real time."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterable, Iterator

from livekit_utils._runtime.arguments import check_number
from livekit_utils.frames.audio_frame import AudioFrame

# Frames after which a generator that is not paced lets other tasks run. A loop that only reads it would otherwise block
# the event loop, for ever if the signal has no end.
_FRAMES_IN_A_ROW = 100


def check_num_samples(duration: float, sample_rate: int) -> int:
    """Returns the samples of a duration in seconds, which is above 0."""
    duration = check_number("duration", duration, 0, above=True)
    if duration * sample_rate == float("inf"):
        raise ValueError(f"duration: expected a finite number of samples, got {duration} s")
    return round(duration * sample_rate)


def blocks(num_samples: int | None, sample_rate: int) -> Iterator[tuple[int, int]]:
    """Yields the position of each frame of 10 ms, and its number of samples. None has no end."""
    block = sample_rate // 100
    for start in itertools.count(0, block) if num_samples is None else range(0, num_samples, block):
        yield start, block if num_samples is None else min(block, num_samples - start)


async def paced(frames: Iterable[AudioFrame], realtime: bool) -> AsyncIterator[AudioFrame]:
    """Yields the frames. In real time, each comes when those before it have been played.

    The times are counted from the first frame in samples, so that they never drift from the clock of the event loop.
    """
    if not realtime:
        for number, frame in enumerate(frames, 1):
            yield frame
            if number % _FRAMES_IN_A_ROW == 0:
                await asyncio.sleep(0)
        return
    now = asyncio.get_running_loop().time
    start, position = now(), 0
    for frame in frames:
        await asyncio.sleep(max(0.0, start + position / frame.sample_rate - now()))
        position += frame.samples_per_channel
        yield frame
