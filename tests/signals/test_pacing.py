"""Generators in real time: the clock of the loop paces them without drift, and they leave nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from livekit_utils import AudioFrame, dtmf_generator, noise_generator, silence_generator, sine_wave_generator
from tests.support import virtual_time
from tests.support.long_runs import shortened
from tests.support.virtual_time import VirtualTimeLoop

GENERATORS: dict[str, Callable[[int], Any]] = {
    "sine_wave": lambda rate: sine_wave_generator(440, 3600.0, rate, realtime=True),
    "silence": lambda rate: silence_generator(None, rate, realtime=True),
    "noise": lambda rate: noise_generator(None, rate, realtime=True),
    "dtmf": lambda rate: dtmf_generator("1" * 600, sample_rate=rate, tone_ms=500, pause_ms=500, realtime=True),
}


@pytest.mark.parametrize("rate", [8000, 11025, 44100])
@pytest.mark.parametrize("name", GENERATORS)
def test_each_frame_comes_when_those_before_it_have_been_played(name: str, rate: int) -> None:
    async def main() -> None:
        now = asyncio.get_running_loop().time
        await asyncio.sleep(0.123)
        start, position = now(), 0
        frames = GENERATORS[name](rate)
        for _ in range(500):
            frame = await anext(frames)
            assert now() - start == pytest.approx(position / rate, abs=1e-6)
            position += frame.samples_per_channel
        await frames.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(frames)

    virtual_time.run(main())


def test_after_an_hour_it_has_not_drifted() -> None:
    seconds = shortened(3600)

    async def main() -> None:
        now = asyncio.get_running_loop().time
        start = now()
        # 110 samples of a frame are no whole number of milliseconds.
        async for frame in silence_generator(seconds, 11025, realtime=True):
            last = frame
        assert now() - start == pytest.approx(seconds - last.samples_per_channel / 11025, abs=1e-6)

    virtual_time.run(main())


def test_a_late_reader_gets_what_it_has_missed_at_once() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        frames, start, times = silence_generator(0.3, realtime=True), loop.time(), []
        async for _ in frames:
            times.append(round(loop.time() - start, 3))
            if len(times) == 5:
                loop.block(0.1)  # from 0.04 s to 0.14 s
        assert times == [0.0, 0.01, 0.02, 0.03, 0.04, *[0.14] * 10, *[round(0.01 * n, 3) for n in range(15, 30)]]

    virtual_time.run(main())


@pytest.mark.parametrize("name", GENERATORS)
def test_a_reader_that_is_cancelled_leaves_nothing(name: str) -> None:
    async def main() -> None:
        frames = GENERATORS[name](48000)

        async def read() -> list[AudioFrame]:
            return [frame async for frame in frames]

        reader = asyncio.create_task(read())
        await asyncio.sleep(1.005)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        now = asyncio.get_running_loop().time()
        await frames.aclose()
        assert asyncio.get_running_loop().time() == now

    virtual_time.run(main())


@pytest.mark.parametrize("realtime", [False, True])
def test_it_can_be_closed_before_it_starts(realtime: bool) -> None:
    async def main() -> None:
        frames: Any = silence_generator(realtime=realtime)
        await frames.aclose()
        await frames.aclose()
        assert [frame async for frame in frames] == []

    virtual_time.run(main())
