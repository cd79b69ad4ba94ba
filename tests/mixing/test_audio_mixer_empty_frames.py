"""AudioMixer: frames without samples are as if nothing had come, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest

from livekit_utils import AudioFrame, AudioFrameEvent, AudioMixer
from tests.support.streams import RATE, TICK, constant, ready, timed
from tests.support.virtual_time import run

EMPTY_FRAMES: dict[str, Callable[[], Any]] = {
    "plain": lambda: AudioFrame.create(RATE, 1, 0),
    "event": lambda: AudioFrameEvent(AudioFrame.create(RATE, 1, 0)),
    "other rate": lambda: AudioFrame.create(16000, 1, 0),
    "other channel count": lambda: AudioFrame.create(RATE, 2, 0),
    "other rate in an event": lambda: AudioFrameEvent(AudioFrame.create(8000, 1, 0)),
}

# When the stream delivers: before its first sound, around a stall, and with every frame, nothing comes or empty frames.
SCHEDULES: dict[str, list[tuple[float, float]]] = {
    "never a sound": [],
    "before the first sound": [(1.0, 1.5)],
    "around a stall": [(0.0, 0.5), (1.5, 2.0)],
    "always": [(0.0, 2.0)],
}


async def stream(
    sounds: list[tuple[float, float]], rate: int, make_empty: Callable[[], Any] | None
) -> AsyncIterator[Any]:
    """Frames of 10 ms in each of these times of the first 2 s, and an empty frame 4 ms after the begin of each one."""
    for i in range(200):
        await asyncio.sleep(0.4 * TICK)
        if make_empty is not None:
            yield make_empty()
        await asyncio.sleep(0.6 * TICK)
        if any(begin <= i * TICK < end for begin, end in sounds):
            yield constant(10, rate // 100, rate=rate)


@pytest.mark.parametrize("kind", EMPTY_FRAMES)
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("rate", [RATE, 24000])
def test_an_empty_frame_is_as_if_nothing_had_come(
    caplog: pytest.LogCaptureFixture, kind: str, schedule: str, rate: int
) -> None:
    def mixed(make_empty: Callable[[], Any] | None) -> tuple[list[tuple[float, bytes]], list[str]]:
        async def main() -> list[tuple[float, bytes]]:
            loop = asyncio.get_running_loop()
            async with AudioMixer(RATE, 1, blocksize=960, stream_timeout_ms=100) as mixer:
                mixer.add_stream(timed([constant(1)] * 220))
                mixer.add_stream(stream(SCHEDULES[schedule], rate, make_empty))
                mixer.end_input()
                return [(loop.time(), bytes(block.data)) async for block in mixer]

        caplog.clear()
        return run(main()), [record.getMessage() for record in caplog.records]

    blocks, messages = mixed(EMPTY_FRAMES[kind])
    expected_blocks, expected_messages = mixed(None)
    assert [when for when, _ in blocks] == pytest.approx([when for when, _ in expected_blocks], abs=1e-9)
    assert [data for _, data in blocks] == [data for _, data in expected_blocks]
    assert messages == expected_messages


def test_a_newcomer_that_sends_empty_frames_delays_nobody() -> None:
    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        async with AudioMixer(RATE, 1, blocksize=480) as mixer:
            mixer.add_stream(timed([constant(1)] * 100))
            await anext(mixer)
            start = loop.time()
            mixer.add_stream(timed([AudioFrame.create(RATE, 1, 0)] * 20, lambda i: 0.020))
            mixer.end_input()
            return [loop.time() - start - (i + 1) * TICK for i in range(99) if await anext(mixer)]

    assert max(run(main())) < 1e-6


def test_empty_frames_do_not_hold_back_the_end_of_an_utterance() -> None:
    """A part of a block goes out one timeout after the last sound."""

    async def main() -> float:
        loop = asyncio.get_running_loop()

        async def voice() -> AsyncIterator[AudioFrame]:
            yield constant(1, 700)
            for _ in range(1000):
                await asyncio.sleep(TICK)
                yield AudioFrame.create(RATE, 1, 0)

        async with AudioMixer(RATE, 1, blocksize=480, stream_timeout_ms=100) as mixer:
            mixer.add_stream(voice())
            start = loop.time()
            assert np.count_nonzero((await anext(mixer)).data) == 480
            assert np.count_nonzero((await anext(mixer)).data) == 220
            return loop.time() - start

    assert run(main()) == pytest.approx(0.100, abs=1e-6)


def test_an_empty_frame_of_another_format_does_not_break_the_sound_of_a_stream() -> None:
    """Of a stream that is converted, it must not end the sound before it."""
    wave = (10000 * np.sin(np.arange(4800) / 7)).astype(np.int16)
    frames = [AudioFrame(wave[i : i + 160].tobytes(), 16000, 1, 160) for i in range(0, 4800, 160)]

    def mixed(items: list[AudioFrame]) -> bytes:
        async def main() -> bytes:
            async with AudioMixer(RATE, 1, blocksize=480) as mixer:
                mixer.add_stream(ready(items))
                mixer.end_input()
                return b"".join([bytes(block.data) async for block in mixer])

        return run(main())

    for empty in (AudioFrame.create(RATE, 1, 0), AudioFrame.create(8000, 2, 0)):
        assert mixed([item for frame in frames for item in (frame, empty)]) == mixed(frames)
