import asyncio
import logging
from collections.abc import AsyncIterator

from leaks import check

from livekit_utils import AudioFrame, AudioMixer

FRAMES = 100

logging.getLogger("livekit_utils").setLevel(logging.CRITICAL)
frame = AudioFrame(bytes(960), 48000, 1, 480)
foreign = AudioFrame(bytes(640), 16000, 2, 160)


async def stream(item: AudioFrame, frames: int = FRAMES) -> AsyncIterator[AudioFrame]:
    for _ in range(frames):
        yield item


async def failing() -> AsyncIterator[AudioFrame]:
    yield frame
    raise ValueError("on purpose")


async def mix_all() -> None:
    async with AudioMixer(48000, 1, blocksize=480) as mixer:
        mixer.add_stream(stream(frame), gain=0.5)
        mixer.add_stream(stream(frame))
        mixer.end_input()
        async for _ in mixer:
            pass


async def convert_and_fail() -> None:
    async with AudioMixer(48000, 1, blocksize=480) as mixer:
        mixer.add_stream(stream(foreign, 20))
        mixer.add_stream(failing())
        mixer.end_input()
        async for _ in mixer:
            pass


async def close_in_the_middle() -> None:
    mixer = AudioMixer(48000, 1, blocksize=480, capacity=3)
    mixer.add_stream(stream(frame))
    await anext(mixer)
    await mixer.aclose()
    del mixer
    for _ in range(3):  # the loop closes the generator that was left in the middle
        await asyncio.sleep(0)


async def read_outputs() -> None:
    async with AudioMixer(48000, 1, blocksize=480, num_loudest=1) as mixer:
        mixer.add_stream(stream(frame), name="a")
        mixer.add_stream(stream(frame), name="b")
        mixer.end_input()
        outputs = [mixer.output(without=name) for name in "ab"]
        async for _ in mixer.output():
            break
        for output in outputs:
            async for _ in output:
                pass


async def keep_time() -> None:
    async with AudioMixer(48000, 1, blocksize=24, realtime=True) as mixer:
        mixer.add_stream(stream(frame, 2), live=True)
        mixer.add_stream(stream(foreign, 2))
        output = mixer.output()
        for _ in range(3):
            await anext(output)
    for _ in range(3):
        await asyncio.sleep(0)


# One loop for all: a mixer that is done must leave nothing in it.
with asyncio.Runner() as runner:
    for case, rounds in (
        (mix_all, 500),
        (convert_and_fail, 400),
        (close_in_the_middle, 1000),
        (read_outputs, 300),
        (keep_time, 300),
    ):
        check(lambda case=case: runner.run(case()), rounds, frame, foreign)
