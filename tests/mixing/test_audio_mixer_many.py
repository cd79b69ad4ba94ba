"""AudioMixer with very many streams: what they cost grows with their number, not with its square."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest

from livekit_utils import AudioFrame, AudioMixer
from tests.support.streams import RATE, constant, ready
from tests.support.virtual_time import run

FEW, MANY = 100, 400


@contextmanager
def counted_steps() -> Iterator[list[int]]:
    """Counts the instructions of Python that the mixer runs."""
    steps = [0]

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if "livekit_utils" not in frame.f_code.co_filename:
            return None
        frame.f_trace_opcodes = True
        steps[0] += event == "opcode"
        return trace

    before = sys.gettrace()
    sys._getframe().f_trace_opcodes = True  # Python 3.12 looks for the first such frame in settrace only
    sys.settrace(trace)
    try:
        yield steps
    finally:
        sys.settrace(before)


async def silent() -> AsyncIterator[AudioFrame]:
    await asyncio.get_running_loop().create_future()
    yield constant(0)


async def live() -> AsyncIterator[AudioFrame]:
    while True:
        yield constant(1)
        await asyncio.sleep(0.01)


async def add(mixer: AudioMixer, count: int, steps: Callable[[], Any]) -> None:
    with steps():
        for _ in range(count):
            mixer.add_stream(silent())


async def refuse(mixer: AudioMixer, count: int, steps: Callable[[], Any]) -> None:
    streams = [silent() for _ in range(count)]
    for i, stream in enumerate(streams):
        mixer.add_stream(stream, name=f"s{i}")
    with steps():
        for i, stream in enumerate(streams):
            with pytest.raises(ValueError, match="already"):
                mixer.add_stream(stream)
            with pytest.raises(ValueError, match="name"):
                mixer.add_stream(silent(), name=f"s{i}")


async def remove(mixer: AudioMixer, count: int, steps: Callable[[], Any]) -> None:
    streams = [silent() for _ in range(count)]
    for stream in streams:
        mixer.add_stream(stream)
    await asyncio.sleep(0)
    with steps():
        for stream in streams[::2] + streams[::-2]:
            mixer.set_gain(stream, 0.5)
            mixer.remove_stream(stream)
        await asyncio.sleep(0.01)
    assert not mixer.stats().streams


async def end(mixer: AudioMixer, count: int, steps: Callable[[], Any]) -> None:
    """Each in a turn of its own."""

    async def short(number: int) -> AsyncIterator[AudioFrame]:
        yield constant(1, 1)
        await asyncio.sleep(0.001 + number / 1e6)

    for number in range(count):
        mixer.add_stream(short(number))
    mixer.add_stream(silent())
    await asyncio.sleep(0)
    with steps():
        await asyncio.sleep(0.01)
    assert mixer.stats().num_blocks == 0


async def join(mixer: AudioMixer, count: int, steps: Callable[[], Any]) -> None:
    """A mix that is running."""
    mixer.add_stream(live())
    for _ in range(3):
        await anext(mixer)
    with steps():
        for _ in range(count):
            mixer.add_stream(ready([constant(1, 100)]))
        await asyncio.sleep(0)
        await asyncio.sleep(0)


async def close(mixer: AudioMixer, count: int, steps: Callable[[], Any]) -> None:
    for _ in range(count):
        mixer.add_stream(silent())
    await asyncio.sleep(0)
    with steps():
        await mixer.aclose()


@pytest.mark.parametrize("act", [add, refuse, remove, end, join, close])
def test_many_streams_cost_as_much_each_as_a_few(
    act: Callable[[AudioMixer, int, Callable[[], Any]], Awaitable[None]],
) -> None:
    def cost(count: int) -> int:
        total = 0

        @contextmanager
        def steps() -> Iterator[None]:
            nonlocal total
            with counted_steps() as found:
                yield
            total = found[0]

        async def main() -> None:
            async with AudioMixer(RATE, 1, blocksize=480, stream_timeout_ms=60_000) as mixer:
                await act(mixer, count, steps)

        run(main())
        return total

    few, many = cost(FEW), cost(MANY)
    assert few > 10 * FEW
    assert many < 1.25 * few * MANY / FEW
