"""AudioMixer: starting, ending, closing, cancelling; nothing hangs and nothing stays behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import weakref
from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest

from livekit_utils import AudioFrame, AudioMixer
from tests.support.streams import RATE, collect, constant, ready
from tests.support.virtual_time import run


def silent() -> AudioFrame:
    return AudioFrame.create(RATE, 1, 480)


async def endless(delay: float = 0.010) -> AsyncIterator[AudioFrame]:
    while True:
        await asyncio.sleep(delay)
        yield silent()


async def finite(n: int, delay: float = 0.010) -> AsyncIterator[AudioFrame]:
    for _ in range(n):
        await asyncio.sleep(delay)
        yield silent()


async def never() -> AsyncIterator[AudioFrame]:
    await asyncio.get_running_loop().create_future()
    yield silent()


async def drain(mixer: AudioMixer) -> int:
    return sum([1 async for _ in mixer])


@pytest.mark.parametrize("stream", [None, never, endless])
def test_close_ends_all_who_wait(stream: Callable[[], AsyncIterator[AudioFrame]] | None) -> None:
    async def main() -> None:
        mixer = AudioMixer(RATE, 1)
        if stream is not None:
            mixer.add_stream(stream())
        readers = [asyncio.create_task(drain(mixer)) for _ in range(3)]
        await asyncio.sleep(0.015)
        await mixer.aclose()
        await asyncio.wait_for(asyncio.gather(*readers), 1)
        for _ in range(100):
            with pytest.raises(StopAsyncIteration):
                await anext(mixer)

    run(main())


def test_close_twice_and_at_once() -> None:
    async def main() -> None:
        mixer = AudioMixer(RATE, 1)
        mixer.add_stream(endless())
        await asyncio.gather(mixer.aclose(), mixer.aclose())
        await mixer.aclose()

    run(main())


def test_close_before_anything_started() -> None:
    async def main() -> None:
        await AudioMixer(RATE, 1).aclose()

    run(main())
    asyncio.run(AudioMixer(RATE, 1).aclose())


def test_after_close_and_after_end_input_no_stream_is_taken() -> None:
    async def main() -> None:
        mixer = AudioMixer(RATE, 1)
        mixer.end_input()
        with pytest.raises(RuntimeError, match="ending"):
            mixer.add_stream(endless())
        await mixer.aclose()
        with pytest.raises(RuntimeError, match="closed"):
            mixer.add_stream(endless())

    run(main())


def test_end_input_with_no_streams_ends_a_waiting_iteration() -> None:
    async def main() -> None:
        mixer = AudioMixer(RATE, 1)
        reader = asyncio.create_task(drain(mixer))
        await asyncio.sleep(1)
        mixer.end_input()
        assert await asyncio.wait_for(reader, 1) == 0
        assert await drain(mixer) == 0  # a second iteration ends at once

    run(main())


def test_without_end_input_it_stays_open_for_new_streams() -> None:
    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=480) as mixer:
            mixer.add_stream(finite(3))
            for _ in range(3):
                await anext(mixer)
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(anext(mixer), 1000)
            mixer.add_stream(finite(2))
            mixer.end_input()
            assert await drain(mixer) == 2

    run(main())


def test_close_runs_the_cleanup_of_the_streams_once() -> None:
    cleaned = []

    async def with_cleanup() -> AsyncIterator[AudioFrame]:
        try:
            async for item in endless():
                yield item
        finally:
            await asyncio.sleep(0.5)
            cleaned.append(1)

    async def main() -> None:
        mixer = AudioMixer(RATE, 1)
        mixer.add_stream(with_cleanup())
        await asyncio.sleep(0.025)
        await mixer.aclose()
        assert cleaned == [1]

    run(main())


def test_close_does_not_wait_for_ever_for_a_stream_that_ignores_cancellation(caplog: pytest.LogCaptureFixture) -> None:
    release = asyncio.Event()

    async def stubborn() -> AsyncIterator[AudioFrame]:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        yield silent()

    async def main() -> None:
        mixer = AudioMixer(RATE, 1)
        mixer.add_stream(stubborn(), name="mule")
        await asyncio.sleep(0.1)
        await asyncio.wait_for(mixer.aclose(), 10)
        assert "'mule'" in caplog.text
        release.set()
        await asyncio.sleep(0.1)

    run(main())


def test_cancelled_readers_lose_no_block_and_are_not_kept() -> None:
    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=480) as mixer:
            mixer.add_stream(finite(200))
            mixer.end_input()
            got = 0
            while True:
                try:
                    await asyncio.wait_for(anext(mixer), 0.003)
                    got += 1
                except TimeoutError:
                    assert len(mixer._readers.main._readers) == 0
                except StopAsyncIteration:
                    break
            assert got == 200

    run(main())


def test_a_reader_cancelled_while_being_woken_passes_the_block_on() -> None:
    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=480) as mixer:
            first, second = (asyncio.create_task(anext(mixer)) for _ in range(2))  # type: ignore[arg-type]
            await asyncio.sleep(0)

            async def one() -> AsyncIterator[AudioFrame]:
                yield silent()
                first.cancel()  # the block just mixed has woken the first reader
                await asyncio.sleep(1000)

            mixer.add_stream(one())
            frame = await asyncio.wait_for(second, 1)
            assert frame.samples_per_channel == 480

    run(main())


def test_several_readers_share_the_blocks() -> None:
    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=480) as mixer:
            mixer.add_stream(finite(100))
            mixer.end_input()
            assert sum(await asyncio.gather(*[drain(mixer) for _ in range(4)])) == 100

    run(main())


def test_remove_stream_is_immediate_and_the_others_go_on() -> None:
    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=480) as mixer:
            stuck, live = never(), finite(10)
            mixer.add_stream(stuck)
            mixer.add_stream(live)
            await asyncio.sleep(0.035)
            mixer.remove_stream(stuck)
            assert mixer.stats().num_queued_blocks == 3
            mixer.end_input()
            assert await drain(mixer) == 10

    run(main())


def test_a_stream_may_remove_itself_or_close_its_mixer() -> None:
    async def main() -> None:
        mixer = AudioMixer(RATE, 1, blocksize=480)

        async def leaving() -> AsyncIterator[AudioFrame]:
            yield silent()
            mixer.remove_stream(stream)
            yield silent()

        async def closing() -> AsyncIterator[AudioFrame]:
            await asyncio.sleep(1)
            await mixer.aclose()
            yield silent()

        stream = leaving()
        mixer.add_stream(stream)
        mixer.add_stream(closing())
        await asyncio.wait_for(drain(mixer), 10)

    run(main())


def test_made_and_filled_outside_of_a_loop() -> None:
    mixer = AudioMixer(RATE, 1, blocksize=480)
    removed = finite(5, 0)
    mixer.add_stream(finite(5, 0))
    mixer.add_stream(removed)
    mixer.remove_stream(removed)
    mixer.end_input()
    assert asyncio.run(drain(mixer)) == 5


def test_belongs_to_one_loop() -> None:
    mixer = AudioMixer(RATE, 1, blocksize=480)

    async def first() -> None:
        mixer.add_stream(finite(1, 0))
        await anext(mixer)

    async def second() -> None:
        with pytest.raises(RuntimeError, match="another event loop"):
            await anext(mixer)

    asyncio.run(first())
    asyncio.run(second())


def test_cancelling_the_close_leaves_it_closed() -> None:
    async def slow() -> AsyncIterator[AudioFrame]:
        try:
            yield silent()
            await asyncio.sleep(1000)
        finally:
            await asyncio.sleep(3)

    async def main() -> None:
        mixer = AudioMixer(RATE, 1)
        mixer.add_stream(slow())
        await asyncio.sleep(0.1)
        closing = asyncio.create_task(mixer.aclose())
        await asyncio.sleep(0.1)
        closing.cancel()
        await asyncio.wait([closing])
        with pytest.raises(StopAsyncIteration):
            await anext(mixer)
        await mixer.aclose()  # and again: waits for the rest

    run(main())


def test_nothing_keeps_a_mixer_or_its_frames_alive() -> None:
    class Frame(AudioFrame):
        pass

    references: list[weakref.ref[object]] = []

    async def tracked() -> AsyncIterator[AudioFrame]:
        for _ in range(3):
            item = Frame(bytes(960), RATE, 1, 480)
            references.append(weakref.ref(item))
            yield item
            del item

    async def main() -> None:
        mixer = AudioMixer(RATE, 1, blocksize=480)
        references.append(weakref.ref(mixer))
        mixer.add_stream(tracked())
        mixer.end_input()
        await drain(mixer)
        await mixer.aclose()

    run(main())
    gc.collect()
    assert len(references) == 4
    assert [reference() for reference in references] == [None] * 4


def test_an_idle_mixer_sets_no_timer() -> None:
    async def main() -> None:
        async with AudioMixer(RATE, 1) as mixer:
            mixer.add_stream(never())
            reader = asyncio.create_task(drain(mixer))
            await asyncio.sleep(1)
            assert mixer._blocks.patience.deadline._timer is None
            await mixer.aclose()
            await reader

    run(main())


def test_a_removed_stream_is_read_no_more() -> None:
    """Not even one that removes itself and never waits, or that swallows its cancellation."""
    reads = {"self": 0, "deaf": 0}

    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=480) as mixer:

            async def removes_itself() -> AsyncIterator[AudioFrame]:
                for i in range(1000):
                    if i == 10:
                        mixer.remove_stream(own)
                    reads["self"] += 1
                    yield silent()

            async def deaf() -> AsyncIterator[AudioFrame]:
                while True:
                    with contextlib.suppress(asyncio.CancelledError):
                        await asyncio.sleep(0.01)
                    reads["deaf"] += 1
                    yield silent()

            own, other = removes_itself(), deaf()
            mixer.add_stream(own)
            mixer.add_stream(other)
            await asyncio.sleep(0.05)
            mixer.remove_stream(other)
            so_far = reads["deaf"]
            await asyncio.sleep(1)
            assert reads == {"self": 11, "deaf": so_far + 1}

    run(main())


def test_a_block_that_cannot_be_made_is_an_error_for_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(*_: object) -> bytearray:
        raise MemoryError

    monkeypatch.setattr("livekit_utils.mixing.block_mixer.mix", no_memory)

    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=480) as mixer:
            mixer.add_stream(finite(3))
            with pytest.raises(MemoryError):
                await asyncio.wait_for(anext(mixer), 5)

    run(main())


def test_the_end_leaves_no_timer() -> None:
    async def main() -> None:
        mixer = AudioMixer(RATE, 1, blocksize=480, stream_timeout_ms=60_000)
        mixer.add_stream(finite(3))
        mixer.add_stream(finite(5))
        mixer.end_input()
        assert await drain(mixer) == 5
        assert mixer._blocks.patience.deadline._timer is None

    run(main())


@pytest.mark.parametrize("fails", [False, True])
def test_an_iterator_that_the_mixer_made_is_closed_with_it(fails: bool, caplog: pytest.LogCaptureFixture) -> None:
    closed = []

    class Iterable:
        async def __aiter__(self) -> AsyncIterator[AudioFrame]:
            try:
                while True:
                    yield silent()
            finally:
                await asyncio.sleep(0.1)
                closed.append(1)
                if fails:
                    raise OSError("cannot close")

    async def main() -> None:
        mixer = AudioMixer(RATE, 1, blocksize=480, capacity=1)
        mixer.add_stream(Iterable())
        await asyncio.sleep(1)  # it waits for room now, suspended at its yield
        await mixer.aclose()
        assert closed == [1]

    run(main())
    assert ("cannot close" in caplog.text) == fails


def test_a_generator_belongs_to_whoever_added_it() -> None:
    async def main() -> None:
        mixer = AudioMixer(RATE, 1, blocksize=480, capacity=1)

        async def counting() -> AsyncIterator[AudioFrame]:
            while True:
                yield silent()

        stream = counting()
        mixer.add_stream(stream)
        await asyncio.sleep(1)
        await mixer.aclose()
        assert (await anext(stream)).samples_per_channel == 480
        await stream.aclose()  # type: ignore[attr-defined]

    run(main())


def test_a_mixer_is_no_stream_of_its_own() -> None:
    """Not by way of other mixers either: all would wait for each other without end."""

    async def main() -> None:
        async with AudioMixer(RATE, 1) as mixer, AudioMixer(RATE, 1) as second, AudioMixer(RATE, 1) as third:
            second.add_stream(mixer)
            third.add_stream(second)
            third.add_stream(ready([]))
            for stream in (mixer, aiter(mixer), second, third):
                with pytest.raises(ValueError, match=r"^stream: "):
                    mixer.add_stream(stream)
            assert not mixer.stats().streams
            mixer.add_stream(ready([constant(1)]))

    run(main())


def test_a_mixer_is_a_stream_of_another_one() -> None:
    async def main() -> np.ndarray:
        async with AudioMixer(RATE, 1, blocksize=480) as first, AudioMixer(RATE, 1, blocksize=480) as second:
            second.add_stream(first)
            second.add_stream(ready([constant(1)] * 5))
            first.add_stream(ready([constant(10)] * 5))
            first.end_input()
            second.end_input()
            return await collect(second)

    assert run(main()).tolist() == [11] * 5 * 480


def test_a_stream_without_a_name_gets_one_that_is_free() -> None:
    async def main() -> list[str]:
        async with AudioMixer(RATE, 1) as mixer:
            for name in ("stream 1", None, "stream 3", None):
                mixer.add_stream(ready([constant(1)]), name=name)
            return list(mixer.stats().streams)

    assert run(main()) == ["stream 1", "stream 2", "stream 3", "stream 4"]


def test_a_removed_stream_that_ignores_its_cancellation_does_not_wait_for_room(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nobody would make room for it any more."""

    async def stubborn() -> AsyncIterator[AudioFrame]:
        yield constant(1, 2 * RATE)
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(10)
        while True:
            yield constant(1)

    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=480, stream_timeout_ms=10_000) as mixer:
            mixer.add_stream(never())
            stream = stubborn()
            mixer.add_stream(stream)
            await asyncio.sleep(1)
            mixer.remove_stream(stream)
            await asyncio.sleep(0)
        await stream.aclose()

    run(main())
    assert not caplog.records
