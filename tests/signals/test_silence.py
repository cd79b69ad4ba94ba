"""silence_generator: exact lengths, any channel count, checked arguments."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import numpy as np
import pytest

from livekit_utils import AudioFrame, silence_generator


def generate(*arguments: Any, **keywords: Any) -> list[AudioFrame]:
    async def main() -> list[AudioFrame]:
        return [frame async for frame in silence_generator(*arguments, **keywords)]

    return asyncio.run(main())


@pytest.mark.parametrize(("rate", "num_channels"), [(48000, 1), (44100, 2), (11025, 6), (8000, 128), (1000, 1)])
def test_length_and_format(rate: int, num_channels: int) -> None:
    frames = generate(0.1234, rate, num_channels)
    assert sum(frame.samples_per_channel for frame in frames) == round(0.1234 * rate)
    assert {frame.samples_per_channel for frame in frames[:-1]} == {rate // 100}
    assert {(frame.sample_rate, frame.num_channels) for frame in frames} == {(rate, num_channels)}
    assert not any(np.asarray(frame).any() for frame in frames)


def test_frames_share_no_memory() -> None:
    first, second = generate(0.02)
    first.data[0] = 1
    assert second.data[0] == 0


def test_without_a_duration_it_never_ends() -> None:
    async def main() -> None:
        silence = silence_generator()
        for _ in range(1000):
            await anext(silence)
        await silence.aclose()  # type: ignore[attr-defined]

    asyncio.run(main())


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ((0,), "duration: expected a number above 0, got 0"),
        ((float("inf"),), "duration: expected a finite number of samples"),
        ((1, 999), "sample_rate: expected 1000 to 2147483647, got 999"),
        ((1, 48000, 129), "num_channels: expected 1 to 128, got 129"),
    ],
)
def test_out_of_range_is_refused_by_the_call(arguments: Any, match: str) -> None:
    with pytest.raises(ValueError, match=f"^{match}"):
        silence_generator(*arguments)


def test_an_endless_loop_lets_others_run() -> None:
    """Also the one that only reads the generator: the timeout can end it."""

    async def main() -> int:
        counter = itertools.count()
        try:
            async with asyncio.timeout(0):
                async for _ in silence_generator():
                    next(counter)
        except TimeoutError:
            return next(counter)
        return -1

    assert 0 < asyncio.run(main()) <= 200
