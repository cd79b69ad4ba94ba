"""Sources and streams, audio and video: the same questions about their life and end to all of them."""

from __future__ import annotations

import asyncio
import gc
import io
import threading
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from livekit_utils import (
    AudioFile,
    AudioFrame,
    AudioMixer,
    AudioMixerOutput,
    AudioSource,
    AudioStream,
    AudioStreamDecoder,
    LocalAudioTrack,
    LocalVideoTrack,
    MediaPlayer,
    VideoBufferType,
    VideoFrame,
    VideoSource,
    VideoStream,
)
from tests.support import decoding
from tests.support.tape import RATE, Tape, constant, now, read, soon, turns
from tests.support.virtual_time import run


class Audio:
    """A source with two streams, and what one does with them."""

    def __init__(self, queue_ms: float = 50) -> None:
        self.source: Any = AudioSource(RATE, 1, queue_ms)
        self.track = LocalAudioTrack.create_audio_track("a", self.source)
        self.stream: Any = AudioStream(self.track, sample_rate=16000, frame_size_ms=20)
        self.other: Any = AudioStream(self.track)

    async def put(self) -> None:
        await self.source.capture_frame(constant(1, 25))

    async def finish(self) -> None:
        await self.source.wait_for_playout()


class Video:
    def __init__(self) -> None:
        self.source: Any = VideoSource(4, 2)
        self.track = LocalVideoTrack.create_video_track("v", self.source)
        self.stream: Any = VideoStream(self.track)
        self.other: Any = VideoStream(self.track)

    async def put(self) -> None:
        self.source.capture_frame(VideoFrame(4, 2, VideoBufferType.RGBA, bytearray(32)))
        await asyncio.sleep(0)

    async def finish(self) -> None:
        await asyncio.sleep(0)


setups = pytest.mark.parametrize("setup", [Audio, lambda: Audio(0), Video], ids=["audio", "no queue", "video"])
parts = pytest.mark.parametrize("part", ["source", "stream"])
Setup = Callable[[], Any]


@parts
@setups
def test_close_twice_and_at_once(setup: Setup, part: str) -> None:
    async def main() -> None:
        both = setup()
        item = getattr(both, part)
        await both.put()
        await asyncio.gather(*[item.aclose() for _ in range(3)])
        await item.aclose()
        assert "closed" in repr(item)

    run(main())


@parts
@setups
def test_close_before_anything_happened(setup: Setup, part: str) -> None:
    run(getattr(setup(), part).aclose())
    item = getattr(setup(), part)
    asyncio.run(item.aclose())
    asyncio.run(item.aclose())


@parts
@setups
def test_close_releases_readers_who_wait(setup: Setup, part: str) -> None:
    async def main() -> None:
        both = setup()
        readers = [asyncio.create_task(read(both.stream)) for _ in range(3)]
        await turns(3)
        await getattr(both, part).aclose()
        assert await soon(asyncio.gather(*readers)) == [[], [], []]
        for _ in range(5):
            with pytest.raises(StopAsyncIteration):
                await anext(both.stream)

    run(main())


@setups
def test_the_end_of_a_source_leaves_what_is_queued(setup: Setup) -> None:
    async def main() -> None:
        both = setup()
        for _ in range(4):
            await both.put()
        await both.finish()
        await both.source.aclose()
        assert len(await read(both.stream)) >= 4

    run(main())


@setups
def test_the_end_of_a_stream_drops_what_is_queued_and_leaves_the_others_alone(setup: Setup) -> None:
    async def main() -> None:
        both = setup()
        await both.put()
        await both.finish()
        reader = asyncio.create_task(read(both.other))
        await both.stream.aclose()
        assert len(both.source._fan_out) == 1
        assert await read(both.stream) == []
        await both.put()
        await both.finish()
        assert both.stream.stats().num_queued_frames == 0
        await both.source.aclose()
        assert len(await reader) >= 2

    run(main())


@setups
def test_use_after_close(setup: Setup) -> None:
    async def main() -> None:
        both = setup()
        await both.put()
        await both.source.aclose()
        for _ in range(2):
            with pytest.raises(RuntimeError, match="closed"):
                await both.put()
        await soon(both.finish())
        if isinstance(both, Audio):
            assert both.source.clear_queue() == []
            assert both.source.queued_duration == 0
            for call in (both.source.pause, both.source.resume):
                with pytest.raises(RuntimeError, match="closed"):
                    call()
        late = type(both.stream)(both.track)
        assert await soon(read(late)) == []

    run(main())


@pytest.mark.parametrize("paused", [False, True])
def test_close_releases_captures_and_playout_waiters(paused: bool) -> None:
    async def main() -> None:
        both = Audio()
        captures = [asyncio.create_task(both.put()) for _ in range(6)]
        waiters = [asyncio.create_task(both.finish()) for _ in range(3)]
        await asyncio.sleep(0.012)
        if paused:
            both.source.pause()
        waiters[0].cancel()
        captures[5].cancel()
        begin = now()
        await both.source.aclose()
        done = await soon(asyncio.gather(*captures[:5], *waiters[1:], return_exceptions=True))
        assert now() == begin
        assert [type(item).__name__ for item in done] == ["NoneType"] * 2 + ["RuntimeError"] * 3 + ["NoneType"] * 2  # type: ignore[attr-defined]
        assert "closed" in str(done[2])  # type: ignore[index]
        await asyncio.sleep(1)

    run(main())


@pytest.mark.parametrize("wait", [0, 0.012, 0.03])
@setups
def test_a_closed_source_leaves_no_timer(setup: Setup, wait: float) -> None:
    async def main() -> None:
        both = setup()
        await both.put()
        await asyncio.sleep(wait)
        await both.source.aclose()
        timers = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]
        assert all(timer.cancelled() for timer in timers)

    run(main())


@setups
def test_in_a_with_block(setup: Setup) -> None:
    async def main() -> None:
        both = setup()
        async with both.source as source, both.stream as stream:
            assert (source, stream) == (both.source, both.stream)
            await both.put()
        assert "closed" in repr(both.source)
        assert "closed" in repr(both.stream)
        both = setup()
        with pytest.raises(ZeroDivisionError):
            async with both.source, both.stream:
                raise ZeroDivisionError
        assert await read(both.stream) == []

    run(main())


@setups
def test_made_outside_of_a_loop_and_in_a_plain_thread(setup: Setup) -> None:
    made: list[Any] = []
    thread = threading.Thread(target=lambda: made.append(setup()))
    thread.start()
    thread.join()

    async def main() -> None:
        await made[0].put()
        await made[0].finish()
        await made[0].source.aclose()
        assert await read(made[0].stream)

    run(main())


# -- cancelled at every point -----------------------------------------------------------------------------------------


async def stepped(task: asyncio.Task[Any], steps: int) -> bool:
    """Goes so many steps, of the loop and of the clock, and cancels; whether there was still something to cancel."""
    for i in range(steps):
        await (asyncio.sleep(0.0013) if i % 4 == 3 else asyncio.sleep(0))
    return task.cancel()


@setups
def test_cancelled_at_every_point(setup: Setup) -> None:
    """Whatever is under way is cancelled at each step there is; afterwards all works as if it had never been."""

    async def scenario(both: Any) -> None:
        async with both.stream:
            for _ in range(4):
                await both.put()
            await both.finish()
            for _ in range(3):
                await anext(both.stream)
            await asyncio.gather(both.finish(), both.put(), anext(both.stream))

    async def main() -> int:
        for steps in range(2000):
            both = setup()
            task = asyncio.create_task(scenario(both))
            cancelled = await stepped(task, steps)
            await soon(asyncio.wait([task]))
            if not cancelled:
                assert task.exception() is None
                await both.source.aclose()
                return steps
            assert task.cancelled()
            before = both.other.stats().num_frames
            await soon(both.put())
            await soon(both.finish())
            assert both.other.stats().num_frames > before
            assert not getattr(both.source, "_pushes", None)
            assert not getattr(both.source, "_playout_waiters", None)
            await both.source.aclose()
            assert await soon(read(both.other))
        raise AssertionError("it does not end")

    assert run(main()) >= 3


def test_a_cancelled_capture_at_every_point_is_whole_or_not_there() -> None:
    async def main() -> None:
        seen = set()
        for steps in range(200):
            source = AudioSource(RATE, 1, 30)
            tape = Tape(source)
            await source.capture_frame(constant(1, 30))
            task = asyncio.create_task(source.capture_frame(constant(2, 20)))
            behind = asyncio.create_task(source.capture_frame(constant(3, 10)))
            cancelled = await stepped(task, steps)
            await soon(behind)
            await source.wait_for_playout()
            await soon(asyncio.wait([task]))
            counts = [tape.data.count(bytes([value, 0])) for value in (1, 2, 3)]
            assert counts[::2] == [1440, 480]
            assert counts[1] in (0, 960)
            assert counts[1] == 960 or task.cancelled()
            seen.add((cancelled, counts[1]))
            await source.aclose()
        assert seen >= {(True, 0), (False, 960)}

    run(main())


# -- nothing is kept --------------------------------------------------------------------------------------------------


@setups
def test_nothing_is_kept(setup: Setup) -> None:
    async def main() -> list[weakref.ref[Any]]:
        both = setup()
        await both.put()
        await both.finish()
        await asyncio.sleep(1)
        return [weakref.ref(item) for item in (both.source, both.track, both.stream, both.other)]

    async def outer() -> None:
        references = await main()
        gc.collect()
        assert [reference() for reference in references] == [None] * 4  # without a close

    run(outer())


def test_a_paused_source_and_a_waiting_reader_that_are_given_up() -> None:
    async def main() -> list[weakref.ref[Any]]:
        both = Audio()
        await both.put()
        both.source.pause()
        reader = asyncio.create_task(read(both.stream))
        await turns(2)
        reader.cancel()
        await asyncio.wait([reader])
        return [weakref.ref(item) for item in (both.source, both.stream)]

    async def outer() -> None:
        references = await main()
        await asyncio.sleep(1)
        gc.collect()
        assert [reference() for reference in references] == [None] * 2

    run(outer())


def test_frames_are_not_kept(checkref: Any) -> None:
    data = bytearray(constant(1, 20).data)
    frame = AudioFrame(data, RATE, 1, 960)
    frame.userdata["a"] = 1
    pixels = VideoFrame(4, 2, VideoBufferType.RGBA, bytes(32))
    metadata = object()

    async def main() -> None:
        for queue_ms in (0, 15, 1000):
            both, video = Audio(queue_ms), Video()
            for _ in range(3):
                await both.source.capture_frame(frame)
                video.source.capture_frame(pixels, metadata=metadata)
            task = asyncio.create_task(both.source.capture_frame(frame))
            await turns(2)
            task.cancel()
            both.source.clear_queue(5)
            await both.finish()
            await asyncio.wait([task])
            await both.source.aclose()
            await video.source.aclose()
            await read(both.stream)
            await read(video.stream)
            await both.other.aclose()
            await video.other.aclose()

    with checkref(frame, frame.userdata, pixels, metadata, data):
        run(main())


@pytest.mark.parametrize("runner", [run, asyncio.run], ids=["virtual", "real"])
@setups
def test_usable_in_a_second_loop(setup: Setup, runner: Callable[[Awaitable[Any]], Any]) -> None:
    both = setup()

    async def once() -> None:
        await both.put()
        await both.finish()
        assert await anext(both.other)

    for _ in range(3):
        runner(once())
    runner(both.source.aclose())
    assert runner(read(both.stream))


# -- what decodes in a thread -----------------------------------------------------------------------------------------


def endless_file() -> AudioFile:
    return AudioFile(io.BytesIO(constant(1, 100).to_wav_bytes()), loop=True)


async def frames(item: Any, most: int = 100) -> list[AudioFrame]:
    return [frame for _ in range(most) if (frame := await anext(item, None)) is not None]


def half_a_stream() -> AudioStreamDecoder:
    decoder = AudioStreamDecoder()
    decoder.push(constant(1, 100).to_wav_bytes() * 30)
    return decoder


decoders = pytest.mark.parametrize("make", [endless_file, half_a_stream], ids=["file", "stream"])


@decoders
def test_a_decoder_is_closed_twice_at_once_and_in_a_with_block(make: Callable[[], Any]) -> None:
    async def main() -> None:
        unused = make()
        await unused.aclose()
        async with make() as item:
            assert await anext(item)
            await asyncio.gather(*[item.aclose() for _ in range(3)])
        await item.aclose()
        assert "closed" in repr(item)
        assert await frames(item) == []
        with pytest.raises(ZeroDivisionError):
            async with make() as item:
                raise ZeroDivisionError
        assert await frames(item) == []

    with decoding.nothing_is_left():
        asyncio.run(main())


@decoders
def test_a_decoder_that_is_closed_releases_its_readers(make: Callable[[], Any]) -> None:
    async def main() -> None:
        for steps in range(6):
            item = make()
            readers = [asyncio.create_task(frames(item)) for _ in range(3)]
            await turns(steps)
            await item.aclose()
            await soon(asyncio.gather(*readers))
            with pytest.raises(StopAsyncIteration):
                await anext(item)

    with decoding.nothing_is_left():
        asyncio.run(main())


@decoders
def test_a_decoder_whose_reader_is_cancelled_at_every_point(make: Callable[[], Any]) -> None:
    async def main() -> None:
        for steps in range(12):
            async with make() as item:
                task = asyncio.create_task(frames(item, 30))
                await stepped(task, steps)
                await asyncio.wait([task])
                assert await soon(frames(item, 3))

    with decoding.nothing_is_left():
        asyncio.run(main())


@decoders
def test_a_decoder_in_a_second_loop_and_given_up(make: Callable[[], Any]) -> None:
    item = make()
    for _ in range(3):
        assert len(asyncio.run(frames(item, 2))) == 2
    asyncio.run(item.aclose())
    reference = weakref.ref(item)
    del item
    gc.collect()
    assert reference() is None


# -- what mixes -------------------------------------------------------------------------------------------------------


def an_output(realtime: bool) -> AudioMixerOutput:
    async def ready() -> Any:
        while True:
            yield constant(1, 10)

    mixer = AudioMixer(RATE, 1, realtime=realtime)
    mixer.add_stream(ready())
    return mixer.output()


@pytest.mark.parametrize("realtime", [False, True])
def test_an_output_is_closed_twice_at_once_and_in_a_with_block(realtime: bool) -> None:
    """tests/mixing/test_outputs.py has the other ways in which one ends."""

    async def main() -> None:
        for steps in range(6):
            async with an_output(realtime) as output:
                mixer: Any = output.mixer
                reader = asyncio.create_task(frames(output))
                await turns(steps)
                await asyncio.gather(*[output.aclose() for _ in range(3)])
                await soon(reader)
                await output.aclose()
                assert "closed" in repr(output)
                assert mixer.stats().num_outputs == 0
                assert await anext(mixer)
            await mixer.aclose()
            assert all(timer.cancelled() for timer in asyncio.get_running_loop()._scheduled)  # type: ignore[attr-defined]

    run(main())


@pytest.mark.parametrize("realtime", [False, True])
def test_an_output_whose_reader_is_cancelled_at_every_point(realtime: bool) -> None:
    async def main() -> None:
        for steps in range(12):
            async with an_output(realtime) as output:
                mixer: Any = output.mixer
                task = asyncio.create_task(frames(output, 30))
                await stepped(task, steps)
                await asyncio.wait([task])
                assert await soon(frames(output, 3))
            await mixer.aclose()

    run(main())


# -- what plays -------------------------------------------------------------------------------------------------------


def test_a_player_is_closed_twice_at_once_and_in_a_with_block() -> None:
    """tests/playback/test_media_player_troubles.py closes and cancels it at every point."""
    pytest.importorskip("av")

    def made() -> MediaPlayer:
        return MediaPlayer(io.BytesIO(constant(1, 100).to_wav_bytes()), loop=True)

    async def main() -> None:
        await made().aclose()
        async with made() as player:
            await player.play()
            waiting = [asyncio.create_task(player.wait_for_playout()) for _ in range(3)]
            await turns(3)
            await asyncio.gather(*[player.aclose() for _ in range(3)])
            await soon(asyncio.gather(*waiting))
        assert "closed" in repr(player)
        with pytest.raises(ZeroDivisionError):
            async with made() as player:
                raise ZeroDivisionError
        with pytest.raises(RuntimeError, match="closed"):
            await player.play()

    with decoding.nothing_is_left():
        decoding.run(main())
