"""AudioMixer.remove_stream, of streams in every state, and how soon a stop is heard."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable

import numpy as np
import pytest

from livekit_utils import AudioFrame, AudioMixer
from tests.support.streams import RATE, TICK, collect, constant, ready, timed
from tests.support.virtual_time import run

NO_STREAM = "not a stream of this AudioMixer"


class Slotted:
    """A stream that cannot be referred to weakly."""

    __slots__ = ("_frames",)

    def __init__(self, frames: Iterable[AudioFrame]) -> None:
        self._frames = iter(frames)

    def __aiter__(self) -> Slotted:
        return self

    async def __anext__(self) -> AudioFrame:
        for frame in self._frames:
            return frame
        raise StopAsyncIteration


class Equal:
    """Equal to all, and not hashable."""

    def __init__(self, frames: Iterable[AudioFrame]) -> None:
        self._frames = iter(frames)

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]
    __aiter__ = Slotted.__aiter__
    __anext__ = Slotted.__anext__


async def failing(frames: Iterable[AudioFrame]) -> AsyncIterator[AudioFrame]:
    for frame in frames:
        yield frame
    raise OSError("on purpose")


@pytest.mark.parametrize("kind", [ready, failing, Slotted, Equal])
@pytest.mark.parametrize("num_samples", [100, 480, 700, 4800])
def test_what_a_stream_that_has_ended_delivered_is_mixed_although_it_is_removed(kind: type, num_samples: int) -> None:
    """Whether a rest of it waits for the other stream, or all is mixed."""

    async def main() -> int:
        async with AudioMixer(RATE, 1, blocksize=480) as mixer:
            ended = kind([constant(10, num_samples)])
            mixer.add_stream(ended)
            mixer.add_stream(timed([constant(1)] * 20))
            await asyncio.sleep(TICK / 2)
            mixer.remove_stream(ended)
            mixer.remove_stream(ended)
            await asyncio.sleep(12 * TICK)
            mixer.remove_stream(ended)
            mixer.end_input()
            mixer.remove_stream(ended)
            mixed = await collect(mixer)
            await mixer.aclose()
            mixer.remove_stream(ended)
            return int(np.count_nonzero(mixed >= 10))

    assert run(main()) == num_samples


def test_the_tail_of_a_converted_stream_is_mixed_although_it_is_removed() -> None:
    async def main(*, removes: bool) -> np.ndarray:
        async with AudioMixer(RATE, 1, blocksize=480) as mixer:
            ended = ready([constant(1000, 500, rate=16000)])
            mixer.add_stream(ended)
            mixer.add_stream(timed([constant(0)] * 10))
            await asyncio.sleep(TICK / 2)
            if removes:
                mixer.remove_stream(ended)
            mixer.end_input()
            return await collect(mixer)

    assert np.array_equal(run(main(removes=True)), run(main(removes=False)))


def test_a_stream_that_delivers_is_removed_at_once() -> None:
    async def main() -> np.ndarray:
        async with AudioMixer(RATE, 1, blocksize=480, capacity=1) as mixer:
            endless = ready([constant(10)] * 1000)
            mixer.add_stream(endless)
            mixer.add_stream(timed([constant(1)] * 10))
            reader = asyncio.create_task(collect(mixer))
            await asyncio.sleep(3.5 * TICK)
            mixer.remove_stream(endless)
            with pytest.raises(ValueError, match=NO_STREAM):
                mixer.remove_stream(endless)
            mixer.end_input()
            return await reader

    assert run(main())[::480].tolist() == [11] * 3 + [1] * 7


def test_what_was_never_added_cannot_be_removed() -> None:
    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=480) as mixer:
            mixer.add_stream(ready([constant(1)]))
            mixer.add_stream(Equal([constant(1)]))
            for _ in range(2):
                for stream in (None, ready([]), Equal([]), 1, mixer, ready):
                    with pytest.raises(ValueError, match=NO_STREAM):
                        mixer.remove_stream(stream)  # type: ignore[arg-type]
                await asyncio.sleep(1)

    run(main())


def test_a_stream_that_has_ended_may_start_over() -> None:
    """At once, while the rest of its first turn is not mixed yet, under the same name."""

    class Clip:
        def __aiter__(self) -> AsyncIterator[AudioFrame]:
            return ready([constant(10, 700)])

    async def main() -> int:
        async with AudioMixer(RATE, 1, blocksize=480) as mixer:
            clip = Clip()
            mixer.add_stream(timed([constant(1)] * 50))
            await asyncio.sleep(1.5 * TICK)
            for _ in range(3):
                mixer.add_stream(clip, name="clip")
                with pytest.raises(ValueError, match="already"):
                    mixer.add_stream(clip)
                await asyncio.sleep(0.1 * TICK)
                mixer.remove_stream(clip)
            mixer.add_stream(clip, name="clip")
            mixer.remove_stream(clip)  # before it has delivered anything
            with contextlib.suppress(ValueError):
                mixer.remove_stream(clip)
            mixer.end_input()
            return int((await collect(mixer)).sum()) - 50 * 480

    assert run(main()) == 3 * 7000


class Player:
    """Plays clips the way players of background sounds do: one task for each clip, which removes it at its end."""

    def __init__(self, mixer: AudioMixer) -> None:
        self._mixer = mixer

    async def play(self, clip: AsyncIterator[AudioFrame]) -> None:
        done = asyncio.get_running_loop().create_future()

        async def wrapped() -> AsyncIterator[AudioFrame]:
            try:
                async for frame in clip:
                    yield frame
            finally:
                done.set_result(None)

        stream = wrapped()
        try:
            self._mixer.add_stream(stream)
            await done
        finally:
            self._mixer.remove_stream(stream)


@pytest.mark.parametrize("num_samples", [1, 480, 4799, 4800, 4801, 30000])
@pytest.mark.parametrize("paced", [False, True])
def test_clips_are_heard_to_their_end(num_samples: int, paced: bool) -> None:
    async def main() -> int:
        heard = 0

        async def read(mixer: AudioMixer) -> None:
            nonlocal heard
            async for block in mixer:
                heard += sum(block.data)
                if paced:
                    await asyncio.sleep(block.duration)

        async with AudioMixer(RATE, 1, blocksize=4800, capacity=1, stream_timeout_ms=200) as mixer:
            reader = asyncio.create_task(read(mixer))
            player = Player(mixer)
            for _ in range(3):
                whole, rest = divmod(num_samples, 480)
                await player.play(ready([constant(1)] * whole + [constant(1, rest)]))
            await asyncio.sleep(5)
            await mixer.aclose()
            await reader
        return heard

    assert run(main()) == 3 * num_samples


@pytest.mark.parametrize(("block", "ahead_s"), [(480, 0.02), (4800, 0.1)])
def test_of_a_stream_that_is_always_ready_little_is_read_ahead(block: int, ahead_s: float) -> None:
    """So that it is heard soon that it is stopped; while a stream that stalls keeps the mix waiting, too."""

    async def main() -> float:
        given = 0

        async def clip() -> AsyncIterator[AudioFrame]:
            nonlocal given
            while True:
                given += 480
                yield constant(1)

        async with AudioMixer(RATE, 1, blocksize=block, capacity=1, stream_timeout_ms=1000) as mixer:
            mixer.add_stream(clip())
            mixer.add_stream(timed([constant(10)] * 300, lambda i: 0.9 if i % 100 == 99 else TICK))
            mixed, ahead = 0, []
            async for frame in mixer:
                mixed += frame.samples_per_channel
                if mixed > RATE / 2:
                    ahead.append((given - mixed) / RATE)
                if mixed >= 2.9 * RATE:
                    break
            return max(ahead)

    assert run(main()) <= ahead_s + 1e-9


def test_little_is_read_ahead_of_a_clip_that_joins_a_live_mix() -> None:
    async def main() -> int:
        given = 0

        async def clip() -> AsyncIterator[AudioFrame]:
            nonlocal given
            while True:
                given += 1
                yield constant(1)

        async with AudioMixer(RATE, 1, blocksize=480, stream_timeout_ms=1000) as mixer:
            mixer.add_stream(timed([constant(10)] * 300))
            for _ in range(200):
                await anext(mixer)
            mixer.add_stream(clip())
            await asyncio.sleep(TICK / 2)
            return given

    assert run(main()) == 2


def test_a_live_stream_flows_on_while_another_stalls() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        late = []

        async def live() -> AsyncIterator[AudioFrame]:
            start = loop.time()
            for i in range(300):
                await asyncio.sleep(TICK)
                late.append(loop.time() - start - (i + 1) * TICK)
                yield constant(1)

        async with AudioMixer(RATE, 1, blocksize=480, stream_timeout_ms=500) as mixer:
            mixer.add_stream(live())
            mixer.add_stream(timed([constant(10)] * 200, lambda i: 0.4 if i == 50 else TICK))
            mixer.end_input()
            await collect(mixer)
            return max(late)

    assert run(main()) < 1e-6
