"""AudioStream and AudioSource where things go wrong around them: processors that are slow or fail, readers that nobody
holds, loops that are held up or gone, other threads."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from livekit_utils import AudioFrame, AudioMixer, AudioSource, AudioStream, LocalAudioTrack
from tests.filters.test_frame_processor import Plain, through
from tests.support.audio_filters import until
from tests.support.tape import RATE, Tape, constant, now, turns
from tests.support.virtual_time import VirtualTimeLoop, run


def track_of(source: AudioSource) -> LocalAudioTrack:
    return LocalAudioTrack.create_audio_track("voice", source)


# -- processors -------------------------------------------------------------------------------------------------------


def test_each_run_of_failures_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="livekit_utils")
    count = 0

    def process(frame: AudioFrame) -> AudioFrame:
        nonlocal count
        count += 1
        if count // 10 % 2:
            raise ValueError(count)
        return frame

    _, stream = through(Plain(process), [constant(1)] * 60)
    assert stream.stats().num_processor_failures == 30
    assert [record.levelname for record in caplog.records] == ["ERROR"] * 3


def test_failures_now_and_then_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="livekit_utils")
    count = 0

    def process(frame: AudioFrame) -> AudioFrame:
        nonlocal count
        count += 1
        if count < 1000 and count % 2:
            raise ValueError(count)
        return frame

    _, stream = through(Plain(process), [constant(1)] * 1200)
    assert stream.stats().num_processor_failures == 500
    assert [record.levelname for record in caplog.records] == ["ERROR"] * 5 + ["INFO"]
    assert "only counted" in caplog.records[4].getMessage()
    assert caplog.records[5].getMessage().endswith("works again")


def test_a_processor_that_raises_cancelled_error() -> None:
    def process(frame: AudioFrame) -> AudioFrame:
        raise asyncio.CancelledError

    values, stream = through(Plain(process), [constant(3)] * 20)
    assert values == [3] * 20
    assert stream.stats().num_processor_failures == 20


def test_a_processor_slower_than_the_audio_leaves_others_their_turn() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)

        def process(frame: AudioFrame) -> AudioFrame:
            loop.block(0.015)
            return frame

        source = AudioSource(RATE, 1, 10_000)
        stream = AudioStream(track_of(source), noise_cancellation=Plain(process))
        await source.capture_frame(constant(1, 10_000))
        ticks, longest, last = 0, 0.0, now()
        while source.queued_duration > 0:
            await asyncio.sleep(0.001)
            longest, last = max(longest, now() - last), now()
            ticks += 1
        assert ticks > 150
        assert longest < 0.05
        await source.aclose()
        await stream.aclose()

    run(main())


# -- readers ----------------------------------------------------------------------------------------------------------


def test_a_reader_whose_task_nobody_holds() -> None:
    """asyncio keeps no task alive, and neither does the source its streams: one that is waited for it does."""
    got: list[int] = []

    async def consume(stream: AudioStream) -> None:
        async for event in stream:
            got.append(event.frame.samples_per_channel)

    async def main() -> None:
        source = AudioSource(RATE, 1)
        asyncio.create_task(consume(AudioStream(track_of(source))))  # noqa: RUF006
        for _ in range(5):
            await source.capture_frame(constant(1, 20))
            await source.wait_for_playout()
            gc.collect()
        await source.aclose()
        await turns(3)

    run(main())
    assert got == [480] * 10


def test_a_mixer_that_nobody_holds() -> None:
    got: list[int] = []

    async def consume(mixer: AudioMixer) -> None:
        async for block in mixer:
            got.append(block.samples_per_channel)

    async def main() -> None:
        source = AudioSource(RATE, 1)
        mixer = AudioMixer(RATE, 1, blocksize=480)
        mixer.add_stream(AudioStream(track_of(source)))
        mixer.end_input()
        asyncio.create_task(consume(mixer))  # noqa: RUF006
        del mixer
        for _ in range(5):
            await source.capture_frame(constant(1, 20))
            await source.wait_for_playout()
            gc.collect()
        await source.aclose()
        await turns(10)

    run(main())
    assert got == [480] * 10


async def drain(mixer: AudioMixer) -> None:
    async for _ in mixer:
        pass


def test_for_the_mixer_a_source_that_rests_is_no_news(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="livekit_utils")

    async def main() -> None:
        sources = [AudioSource(RATE, 1) for _ in range(2)]
        streams = [AudioStream(track_of(source)) for source in sources]
        async with AudioMixer(RATE, 1, blocksize=480) as mixer:
            for stream in streams:
                mixer.add_stream(stream)
            mixer.end_input()
            reader = asyncio.create_task(drain(mixer))
            await sources[0].capture_frame(constant(1, 1000))
            capture = asyncio.create_task(sources[0].capture_frame(constant(1, 500)))
            await asyncio.sleep(0.3)
            assert [stream.idle for stream in streams] == [False, True]  # the other one has not begun
            await sources[1].capture_frame(constant(1, 300))
            await asyncio.sleep(0.9)
            assert [stream.idle for stream in streams] == [False, True]
            await sources[1].capture_frame(constant(1, 100))
            assert not streams[1].idle
            for source in sources:
                await source.wait_for_playout()
                await source.aclose()
            await asyncio.gather(reader, capture)

    run(main())
    assert {record.levelname for record in caplog.records} == {"INFO"}


# -- loops ------------------------------------------------------------------------------------------------------------


def test_after_a_blocked_loop_a_dry_source_starts_anew() -> None:
    """What was captured before was over long ago: what comes now is not overdue, and has its turn."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        source = AudioSource(RATE, 1, 1000)
        tape = Tape(source)
        await source.capture_frame(constant(1, 500))
        await asyncio.sleep(0.05)
        loop.block(3)
        begin = now()
        for i in range(30):
            await source.capture_frame(constant(i + 2, 100))
            assert source.queued_duration <= 1.000001
        assert now() - begin == pytest.approx(2.0, abs=0.011)
        assert source.clear_queue()
        assert tape.times[50] - begin == pytest.approx(0, abs=1e-6)
        assert tape.times[150] - begin == pytest.approx(1.0, abs=1e-6)
        await source.aclose()

    run(main())


class _RoundingLoop(VirtualTimeLoop):
    """Timers of whole milliseconds, rounded to the nearest, as uvloop's are."""

    def call_at(self, when: float, callback: Callable[..., object], *args: Any, **options: Any) -> asyncio.TimerHandle:
        return super().call_at(self.time() + round((when - self.time()) * 1000) / 1000, callback, *args, **options)


def test_timers_that_fire_early_do_not_spin() -> None:
    calls = 0

    async def main() -> None:
        nonlocal calls
        source = AudioSource(44100, 1, 10_000)
        play = source._play

        def counted() -> None:
            nonlocal calls
            calls += 1
            assert calls < 3000, "it spins"
            play()

        source._play = counted  # type: ignore[method-assign]
        await source.capture_frame(AudioFrame.create(44100, 1, 44100 * 5 + 17))
        await source.wait_for_playout()
        await source.aclose()

    with asyncio.Runner(loop_factory=_RoundingLoop) as runner:
        runner.run(main())
    assert 500 <= calls < 1600


def test_a_capture_that_was_taken_and_is_cancelled_before_it_knows() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1, 100)
        tape = Tape(source)
        await source.capture_frame(constant(1, 100))
        task = asyncio.create_task(source.capture_frame(constant(2, 50)))
        await turns(2)
        source.pause()
        source.clear_queue()  # settles what waits, whose task has not gone on yet
        await source.capture_frame(constant(3, 100))
        second = asyncio.create_task(source.capture_frame(constant(4, 50)))
        await turns(2)
        source.resume()
        await asyncio.sleep(0.0499)
        asyncio.get_running_loop().call_at(now() + 0.0101, second.cancel)
        await asyncio.wait([task, second])
        await source.wait_for_playout()
        assert tape.values == ([1, 3] if second.cancelled() else [1, 3, 4])
        await source.aclose()

    run(main())


# -- threads ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def playing() -> Iterator[tuple[AudioSource, asyncio.AbstractEventLoop]]:
    """A source that plays in another thread."""
    source = AudioSource(RATE, 1, 300_000)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(source.capture_frame(constant(1, 200_000)), loop).result(60)
        yield source, loop
        asyncio.run_coroutine_threadsafe(source.aclose(), loop).result(60)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.mark.parametrize("use", [AudioSource.pause, AudioSource.resume, AudioSource.clear_queue])
def test_a_source_that_plays_in_another_thread_is_left_alone(
    playing: tuple[AudioSource, asyncio.AbstractEventLoop], use: Callable[[AudioSource], object]
) -> None:
    source, _ = playing
    with pytest.raises(RuntimeError, match="another thread"):
        use(source)

    async def inside() -> None:
        with pytest.raises(RuntimeError, match="another event loop"):
            use(source)
        with pytest.raises(RuntimeError, match="another event loop"):
            await source.aclose()

    asyncio.run(inside())
    assert source.queued_duration > 1


def test_a_stream_closed_in_another_thread_processes_nothing_more(
    playing: tuple[AudioSource, asyncio.AbstractEventLoop],
) -> None:
    source, _ = playing
    closed = wrong = False

    def process(frame: AudioFrame) -> AudioFrame:
        nonlocal wrong
        time.sleep(0.001)
        wrong = wrong or closed
        return frame

    class Closing(Plain):
        def _close(self) -> None:
            nonlocal closed
            closed = True

    async def main() -> None:
        nonlocal closed
        for _ in range(20):
            closed = False
            stream = AudioStream(track_of(source), frame_size_ms=1, noise_cancellation=Closing(process))
            await soon_real(anext(stream))
            await stream.aclose()
            assert closed
            with pytest.raises(StopAsyncIteration):
                await anext(stream)

    asyncio.run(main())
    assert not wrong


class Working:
    """A processor that is at work until it is released, and notes what is called."""

    def __init__(self) -> None:
        self.enabled = True
        self.entered, self.release = threading.Event(), threading.Event()
        self.calls: list[str] = []

    def _process(self, frame: AudioFrame) -> AudioFrame:
        self.calls.append("process")
        self.entered.set()
        assert self.release.wait(60)
        self.calls.append("processed")
        return frame

    def _on_credentials_cleared(self) -> None:
        self.calls.append("cleared")

    def _close(self) -> None:
        self.calls.append(f"close in {threading.current_thread().name}")


@pytest.mark.parametrize("auto_close", [True, False])
def test_a_processor_at_work_does_not_hold_up_the_loop_that_closes(
    playing: tuple[AudioSource, asyncio.AbstractEventLoop], auto_close: bool
) -> None:
    source, _ = playing
    processor = Working()

    async def main() -> None:
        stream = AudioStream(track_of(source), noise_cancellation=processor, auto_close_noise_cancellation=auto_close)
        reader = asyncio.create_task(read_all(stream))
        assert await asyncio.to_thread(processor.entered.wait, 60)
        closing = asyncio.create_task(stream.aclose())
        assert await soon_real(reader) == []  # the readers do not wait for the processor
        stream.clear_credentials()
        await stream.aclose()
        assert not closing.done()
        assert processor.calls == ["process"]
        processor.release.set()
        await soon_real(closing)
        assert processor.calls[:2] == ["process", "processed"]
        assert [call[:5] for call in processor.calls[2:]] == ["close"] * auto_close
        assert processor.calls[2:] != ["close in MainThread"]
        await asyncio.sleep(0.05)
        assert len(processor.calls) == 2 + auto_close

    try:
        asyncio.run(main())
    finally:
        processor.release.set()


def test_a_close_that_is_cancelled_closes_the_processor_all_the_same(
    playing: tuple[AudioSource, asyncio.AbstractEventLoop],
) -> None:
    source, _ = playing
    processor = Working()

    async def main() -> None:
        stream = AudioStream(track_of(source), noise_cancellation=processor)
        assert await asyncio.to_thread(processor.entered.wait, 60)
        closing = asyncio.create_task(stream.aclose())
        await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing

    try:
        asyncio.run(main())
    finally:
        processor.release.set()
    until(lambda: len(processor.calls) == 3)
    assert processor.calls[2].startswith("close")


def test_a_processor_that_does_not_return_is_left_to_its_thread(
    playing: tuple[AudioSource, asyncio.AbstractEventLoop],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("livekit_utils.filters.processor_guard._PATIENCE_S", 0.01)
    source, _ = playing
    processor = Working()

    async def main() -> None:
        stream = AudioStream(track_of(source), noise_cancellation=processor)
        assert await asyncio.to_thread(processor.entered.wait, 60)
        await soon_real(stream.aclose())
        assert processor.calls == ["process"]

    try:
        asyncio.run(main())
    finally:
        processor.release.set()
    assert "Working has not returned a frame within 0.01 s" in caplog.text
    until(lambda: len(processor.calls) == 3)


def test_a_processor_that_closes_its_stream() -> None:
    """From within a call of it: it is closed when that call has returned."""
    calls = []

    async def main() -> None:
        source = AudioSource(RATE, 1)

        class Ending(Plain):
            def _close(self) -> None:
                calls.append("close")

        def process(frame: AudioFrame) -> AudioFrame:
            closing = stream.aclose()
            closing.send(None)  # waits for this call
            closing.close()
            calls.append("processed")
            return frame

        stream = AudioStream(track_of(source), noise_cancellation=Ending(process))
        await source.capture_frame(constant(1, 50))
        await source.wait_for_playout()
        assert calls == ["processed", "close"]
        assert await read_all(stream) == []
        await source.aclose()

    run(main())


async def read_all(stream: AudioStream) -> list[AudioFrame]:
    return [event.frame async for event in stream]


async def soon_real(awaitable: Any) -> Any:
    return await asyncio.wait_for(awaitable, 10)
