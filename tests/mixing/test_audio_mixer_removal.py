"""AudioMixer.remove_stream: of streams that deliver, have ended, failed, or were never there."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest

from livekit_utils import AudioFrame, AudioMixer
from livekit_utils._runtime.finished_streams import FinishedStreams
from tests.support.streams import RATE, constant, frame, ready, timed
from tests.support.virtual_time import run


class Slotted:
    """A stream that takes no weak references."""

    __slots__ = ("left",)

    def __init__(self, num_frames: int) -> None:
        self.left = num_frames

    def __aiter__(self) -> Slotted:
        return self

    async def __anext__(self) -> AudioFrame:
        if not self.left:
            raise StopAsyncIteration
        self.left -= 1
        return constant(1)


async def failing() -> AsyncIterator[AudioFrame]:
    yield constant(1)
    raise OSError("cable pulled")


async def read_all(mixer: AudioMixer) -> np.ndarray:
    """Everything that comes until a second has passed without a block."""
    blocks = []
    while True:
        try:
            async with asyncio.timeout(1):
                blocks.append(np.frombuffer((await anext(mixer)).data, np.int16))
        except (TimeoutError, StopAsyncIteration):
            return np.concatenate(blocks) if blocks else np.zeros(0, np.int16)


STREAMS: list[Callable[[], object]] = [lambda: ready([constant(1)]), lambda: Slotted(1), failing]


@pytest.mark.parametrize("make", STREAMS)
@pytest.mark.parametrize("when", ["at once", "when it is mixed", "twice", "after the end of the input"])
def test_of_one_that_has_ended_it_is_no_error(make: Callable[[], AsyncIterator[AudioFrame]], when: str) -> None:
    async def main() -> np.ndarray:
        async with AudioMixer(RATE, 1, blocksize=4800) as mixer:
            stream = make()
            mixer.add_stream(stream)
            if when == "after the end of the input":
                mixer.end_input()
            await asyncio.sleep(0.001)
            if when == "when it is mixed":
                mixed = await read_all(mixer)
                mixer.remove_stream(stream)
                return mixed
            mixer.remove_stream(stream)
            if when == "twice":
                mixer.remove_stream(stream)
            return await read_all(mixer)

    assert run(main()).sum() == 480


@pytest.mark.parametrize("rate", [RATE, 16000])
@pytest.mark.parametrize("num_samples", [1, 100, 4799, 4800, 4801, 11000])
def test_a_clip_is_heard_to_its_end(rate: int, num_samples: int) -> None:
    """As a player of background sounds does it: the clip says that it is over when its last frame was taken, and is
    removed then."""
    samples = np.full(num_samples, 1000, np.int16)

    async def main() -> np.ndarray:
        over = asyncio.Event()

        async def clip() -> AsyncIterator[AudioFrame]:
            for at in range(0, num_samples, rate // 100):
                yield frame(samples[at : at + rate // 100], rate=rate)
            over.set()

        async with AudioMixer(RATE, 1, blocksize=4800, capacity=1) as mixer:
            stream = clip()
            mixer.add_stream(stream)

            async def play() -> None:
                try:
                    await over.wait()
                finally:
                    mixer.remove_stream(stream)

            player = asyncio.ensure_future(play())
            mixed = await read_all(mixer)
            await player
            return mixed

    mixed = run(main())
    expected = round(num_samples * RATE / rate)
    assert mixed.size == -(-expected // 4800) * 4800
    if rate == RATE:
        assert mixed[:expected].tolist() == samples.tolist()
    assert not mixed[expected:].any()
    if expected > 4800:
        assert abs(int(mixed[expected - 2000]) - 1000) <= 2


def test_of_one_that_delivers_it_takes_effect_at_once() -> None:
    async def main() -> np.ndarray:
        async with AudioMixer(RATE, 1, blocksize=480, capacity=1) as mixer:
            stream = ready([constant(1)] * 100)
            mixer.add_stream(stream)
            await anext(mixer)
            mixer.remove_stream(stream)
            with pytest.raises(ValueError, match="not a stream of this AudioMixer"):
                mixer.remove_stream(stream)
            return await read_all(mixer)

    assert run(main()).size <= 480  # the block that was mixed already


@pytest.mark.parametrize("stop", [False, True])
def test_a_stream_that_is_always_ready_is_not_read_far_ahead(stop: bool) -> None:
    """Whoever stops such a stream at its source stops it soon: what was read of it is still heard."""
    read = 0

    async def clip() -> AsyncIterator[AudioFrame]:
        nonlocal read
        for _ in range(1000):
            yield constant(1)
            read += 1

    async def main() -> int:
        async with AudioMixer(RATE, 1, blocksize=480, capacity=1, stream_timeout_ms=500) as mixer:
            mixer.add_stream(clip())
            heard = 0
            for _ in range(50):
                await asyncio.sleep(0.01)
                heard += (await anext(mixer)).samples_per_channel
                # One block is being mixed, one waits to be read, one is the stream's part of the next.
                assert read * 480 - heard <= 3 * 480
            return heard

    assert run(main()) == 50 * 480


def test_a_live_stream_flows_on_while_another_keeps_the_mix_waiting() -> None:
    async def main() -> None:
        taken = 0

        async def live() -> AsyncIterator[AudioFrame]:
            nonlocal taken
            async for item in timed([constant(1)] * 200):
                yield item
                taken += 1

        async with AudioMixer(RATE, 1, blocksize=480, stream_timeout_ms=500) as mixer:
            mixer.add_stream(live())
            mixer.add_stream(timed([constant(0)] * 100, lambda i: 0.01 if i != 50 else 0.4))
            for _ in range(50):
                await anext(mixer)
            before = taken
            await asyncio.sleep(0.3)
            assert taken - before >= 29

    run(main())


def test_a_stream_may_be_added_again_when_it_has_ended() -> None:
    class Twice:
        def __aiter__(self) -> AsyncIterator[AudioFrame]:
            return ready([constant(1)] * 2)

    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=480) as mixer:
            stream = Twice()
            mixer.add_stream(stream)
            assert (await read_all(mixer)).sum() == 960
            mixer.remove_stream(stream)
            mixer.add_stream(stream)
            assert (await read_all(mixer)).sum() == 960
            slow = timed([constant(1)] * 100)
            mixer.add_stream(slow)
            mixer.remove_stream(slow)
            with pytest.raises(ValueError, match="not a stream"):
                mixer.remove_stream(slow)

    run(main())


def test_one_that_was_never_added_is_refused() -> None:
    async def main() -> None:
        async with AudioMixer(RATE, 1) as mixer:
            for stream in (ready([]), Slotted(1), object()):
                with pytest.raises(ValueError, match="not a stream of this AudioMixer"):
                    mixer.remove_stream(stream)  # type: ignore[arg-type]

    run(main())


def test_streams_that_have_ended_are_not_kept_alive() -> None:
    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=480) as mixer:
            for _ in range(50):
                stream = ready([constant(1)])
                mixer.add_stream(stream)
                gone = weakref.ref(stream)
                await anext(mixer)
                await asyncio.sleep(0)
                del stream
                gc.collect()
                assert gone() is None
            assert len(mixer._streams._finished) == 0

    run(main())


def test_what_takes_no_weak_reference_is_remembered_in_bounds() -> None:
    finished = FinishedStreams()
    kept = [Slotted(0) for _ in range(3000)]
    for stream in kept:
        finished.add(stream)
        finished.add(stream)
    assert len(finished) == 1000
    assert kept[-1] in finished
    assert kept[0] not in finished
