"""Tasks of the package begin when the loop comes to them, in programs whose own tasks begin at once as well."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

from livekit_utils import AudioFrame, AudioMixer, AudioSource, AudioStream, LocalAudioTrack
from livekit_utils._runtime.tasks import start_task
from tests.support.virtual_time import run

RATE = 48000
BLOCK = 480


def use_eager_tasks() -> None:
    asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined, unused-ignore]


with_eager_tasks = pytest.mark.skipif(not hasattr(asyncio, "eager_task_factory"), reason="none before Python 3.12")


def ramp(number: int) -> AudioFrame:
    return AudioFrame(np.arange(BLOCK * number, BLOCK * (number + 1), dtype=np.int16).tobytes(), RATE, 1, BLOCK)


async def frames(count: int, pause_s: float) -> AsyncIterator[AudioFrame]:
    for number in range(count):
        yield ramp(number)
        if pause_s:
            await asyncio.sleep(pause_s)


def test_a_factory_is_not_asked() -> None:
    """It may begin a task at once, or not at all."""
    steps = []

    async def work() -> str:
        steps.append("work")
        task = asyncio.current_task()
        assert task is not None
        return task.get_name()

    def factory(*_: Any, **__: Any) -> Any:
        raise AssertionError

    async def main() -> None:
        asyncio.get_running_loop().set_task_factory(factory)
        task = start_task(work(), "its name")
        steps.append("started")
        assert await task == "its name"
        asyncio.get_running_loop().set_task_factory(None)

    run(main())
    assert steps == ["started", "work"]


@with_eager_tasks
@pytest.mark.parametrize("pause_s", [0, 0.01])
def test_a_mix_is_the_exact_sum(pause_s: float) -> None:
    """The first stream is not read before the others are there."""

    async def main() -> bytes:
        use_eager_tasks()
        async with AudioMixer(RATE, 1, blocksize=BLOCK) as mixer:
            for _ in range(3):
                mixer.add_stream(frames(10, pause_s))
            mixer.end_input()
            return b"".join([bytes(frame.data) async for frame in mixer])

    mixed = np.frombuffer(run(main()), np.int16)
    assert np.array_equal(mixed, 3 * np.arange(10 * BLOCK))


@with_eager_tasks
def test_a_source_plays_everything_in_order() -> None:
    async def main() -> bytes:
        use_eager_tasks()
        async with AudioSource(RATE, 1) as source:
            stream = AudioStream(LocalAudioTrack.create_audio_track("sound", source))

            async def read() -> bytes:
                return b"".join([bytes(event.frame.data) async for event in stream])

            reading = asyncio.create_task(read())
            playing = [asyncio.create_task(source.play(frames(10, 0))), asyncio.create_task(source.wait_for_playout())]
            await asyncio.gather(*playing)
            await source.wait_for_playout()
            await source.aclose()
            return await reading

    assert run(main()) == np.arange(10 * BLOCK, dtype=np.int16).tobytes()


@with_eager_tasks
def test_a_stream_that_closes_its_mixer_as_soon_as_it_is_read() -> None:
    async def main() -> None:
        use_eager_tasks()
        mixer = AudioMixer(RATE, 1, blocksize=BLOCK)

        async def closing() -> AsyncIterator[AudioFrame]:
            await mixer.aclose()
            yield ramp(0)

        mixer.add_stream(closing())
        assert [frame async for frame in mixer] == []
        await mixer.aclose()

    run(main())
