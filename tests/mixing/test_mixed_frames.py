"""mixed_frames gives what an AudioMixer gives, and reads no further ahead than it has to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import numpy as np
import pytest

from livekit_utils import AudioFrame, AudioMixer
from livekit_utils.mixing.mixed_frames import mixed_frames
from tests.support.randomness import Rand
from tests.support.virtual_time import run


def random_frames(rand: Rand, rate: int, channels: int, count: int) -> list[AudioFrame]:
    sizes = [rand.choice([0, 1, rate // 100, rate // 7]) for _ in range(count)]
    return [AudioFrame(rand.pcm(size * channels), rate, channels, size) for size in sizes]


async def streamed(frames: list[AudioFrame]) -> AsyncIterator[AudioFrame]:
    for frame in frames:
        yield frame


def mixed(inputs: list[tuple[list[AudioFrame], float]], rate: int, channels: int) -> list[AudioFrame]:
    async def main() -> list[AudioFrame]:
        async with AudioMixer(rate, channels, stream_timeout_ms=1e9) as mixer:
            for frames, gain in inputs:
                mixer.add_stream(streamed(frames), gain=gain)
            mixer.end_input()
            return [frame async for frame in mixer]

    return run(main())


@pytest.mark.parametrize("round_", range(20))
def test_it_is_what_the_mixer_gives(rand: Rand, round_: int) -> None:
    rand = Rand(rand.first_seed + round_)
    rate, channels = rand.choice([8000, 16000, 44100, 48000]), rand.choice([1, 2])
    inputs = []
    for _ in range(rand.randint(1, 4)):
        of_one = rand.choice([rate, 16000, 48000])
        frames = random_frames(rand, of_one, rand.choice([1, channels]), rand.randint(0, 12))
        inputs.append((frames, rand.choice([1.0, 0.0, rand.uniform(-2, 2)])))
    expected = mixed(inputs, rate, channels)
    found = list(mixed_frames(inputs, rate, channels))
    assert [frame.samples_per_channel for frame in found] == [rate // 10] * len(found)
    assert b"".join(bytes(frame.data) for frame in found) == b"".join(bytes(frame.data) for frame in expected)


def test_the_sum_saturates_once() -> None:
    loud = [AudioFrame(np.full(800, 30000, np.int16), 8000, 1, 800)]
    [frame] = mixed_frames([(loud, 1.0), (loud, 1.0), (loud, -1.0)], 8000, 1)
    assert set(frame.data) == {30000}


def test_one_block_is_read_ahead() -> None:
    num_read = 0

    def endless() -> Iterator[AudioFrame]:
        nonlocal num_read
        while True:
            num_read += 1
            yield AudioFrame.create(8000, 1, 80)

    frames = mixed_frames([(endless(), 1.0), (endless(), 1.0)], 8000, 1)
    for number in range(1, 5):
        next(frames)
        assert num_read == 2 * 10 * number


def test_an_error_of_a_stream_is_raised_behind_what_came_before() -> None:
    def failing() -> Iterator[AudioFrame]:
        yield AudioFrame.create(8000, 1, 1000)
        raise OSError("no more")

    frames = mixed_frames([(failing(), 1.0)], 8000, 1)
    assert next(frames).samples_per_channel == 800
    with pytest.raises(OSError, match="no more"):
        next(frames)


def test_nothing_is_nothing() -> None:
    assert list(mixed_frames([], 8000, 1)) == []
    assert list(mixed_frames([([], 1.0)], 8000, 1)) == []
