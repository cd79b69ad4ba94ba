"""AVSynchronizer: sources that fail or are slow, timestamps that are wrong, laps that do not match."""

from __future__ import annotations

import asyncio
import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from livekit_utils import AudioSource, AVSynchronizer, AVSynchronizerStats, VideoSource
from tests.support.clips import AUDIO_S, Picture, Show, audio, ends, now, show, sound, times, video
from tests.support.virtual_time import VirtualTimeLoop, run


def worst(watched: Show, start: float = 0.0) -> float:
    found = [abs(offset) for when, offset in watched.offsets_ms() if when >= start]
    assert found
    return max(found)


class Panic(BaseException):
    """As PyO3's PanicException, no Exception."""


class Source:
    """An AudioSource whose documented methods may be replaced."""

    def __init__(self, source: AudioSource) -> None:
        self.source = source

    @property
    def queued_duration(self) -> float:
        return self.source.queued_duration

    async def capture_frame(self, frame: Any) -> None:
        await self.source.capture_frame(frame)

    def clear_queue(self) -> object:
        return self.source.clear_queue()

    async def wait_for_playout(self) -> None:
        await self.source.wait_for_playout()


# -- sources ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [OSError("unplugged"), Panic("down"), math.nan, math.inf, None, -1.0])
def test_an_audio_source_that_does_not_tell_its_time(answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    """For a second: pictures go on as long, and are in time again afterwards."""

    class Failing(Source):
        @property
        def queued_duration(self) -> float:
            if not 1001 < now() < 1002:
                return super().queued_duration
            if isinstance(answer, BaseException):
                raise answer
            return answer  # type: ignore[no-any-return]

    async def main() -> tuple[Show, AVSynchronizerStats]:
        source = AudioSource(48000, 1)
        watched = Show(None, source, now())  # type: ignore[arg-type]
        source._fan_out.attach(watched)
        sync = AVSynchronizer(audio_source=Failing(source), video_source=watched, video_fps=30)
        watched.sync = sync
        await asyncio.gather(watched.push_video(times(0, 4, 30)), watched.push_audio(ends(0, 4)))
        await sync.wait_for_playout()
        stats = sync.stats()
        await sync.aclose()
        await source.aclose()
        return watched, stats

    watched, stats = run(main())
    assert stats.num_presented + stats.num_dropped == 120
    assert (stats.num_audio_errors > 20) == (answer != -1.0)
    assert len([when for when, _ in watched.shown if 1 < when < 2]) > 20
    assert worst(watched, 2.5) < 1
    assert ["does not tell its time" in record.message for record in caplog.records] == [True] * (answer != -1.0)


@pytest.mark.parametrize("error", [asyncio.CancelledError(), Panic("down"), GeneratorExit(), BaseException("bare")])
def test_a_video_source_whose_error_is_no_exception(error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    """A CancelledError, too: as from a source that looks at a future, it has nothing to do with the task."""

    async def prepare(watched: Show) -> None:
        inner = watched.capture_frame

        def capture(frame: Any) -> None:
            if frame.time == 0.5:
                raise error
            inner(frame)

        watched.capture_frame = capture  # type: ignore[method-assign]

    watched = run(show(prepare, video(times(0, 2, 30)), audio(ends(0, 2))))
    assert watched.stats.num_presented == 59
    assert watched.stats.num_dropped == 1
    assert len(caplog.records) == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)])
def test_a_video_source_that_ends_the_program(error: BaseException) -> None:
    """The loop ends with the error. If it goes on, so do the pictures."""
    source = AudioSource(48000, 1)

    class Screen:
        def __init__(self) -> None:
            self.shown: list[float] = []

        def capture_frame(self, frame: Any) -> None:
            if frame.time == 0.2:
                raise error
            self.shown.append(frame.time)

    async def main() -> None:
        async with AVSynchronizer(audio_source=source, video_source=screen, video_fps=10) as sync:
            for i in range(6):
                await sync.push(Picture(i / 10), i / 10)
            await sync.wait_for_playout()
        await source.aclose()

    screen = Screen()
    loop = VirtualTimeLoop()
    task = loop.create_task(main())
    with pytest.raises(type(error)):
        loop.run_until_complete(task)
    loop.run_until_complete(task)
    loop.close()
    assert screen.shown == [0.0, 0.1, 0.3, 0.4, 0.5]


@pytest.mark.parametrize("busy_s", [0.02, 0.05, 0.2])
def test_a_video_source_that_is_slow(busy_s: float) -> None:
    """It computes in the event loop. Slower than the frame rate, it makes pictures late; but the loop goes on, and so
    does the audio."""

    async def prepare(watched: Show) -> None:
        inner = watched.capture_frame

        def capture(frame: Any) -> None:
            inner(frame)
            asyncio.get_running_loop().block(busy_s)  # type: ignore[attr-defined]

        watched.capture_frame = capture  # type: ignore[method-assign]

    watched = run(show(prepare, video(times(0, 6, 30)), audio(ends(0, 6))))
    assert watched.stats.num_presented + watched.stats.num_dropped == 180
    assert sum(samples for _, samples in watched.heard) == 6 * 48000
    assert watched.heard[-1][0] < 6 + 3 * busy_s  # never starved
    assert watched.stats.offset_p99_ms < 300 + 2000 * busy_s
    assert (watched.stats.num_dropped == 0) == (busy_s < 1 / 30)


def test_an_audio_source_that_never_takes_a_frame() -> None:
    """What waits for it is released by the close, which does not wait itself."""

    class Stuck(Source):
        async def capture_frame(self, frame: Any) -> None:
            await asyncio.get_running_loop().create_future()

        async def wait_for_playout(self) -> None:
            await asyncio.get_running_loop().create_future()

    async def main() -> None:
        source = AudioSource(48000, 1)
        watched = Show(None, source, now())  # type: ignore[arg-type]
        sync = AVSynchronizer(audio_source=Stuck(source), video_source=watched, video_fps=30)
        audio_push = asyncio.create_task(sync.push(sound(), 0.02))
        await sync.push(Picture(0), 0)
        playout = asyncio.create_task(sync.wait_for_playout())
        await sync.push(Picture(1), 1)
        await asyncio.sleep(2)
        assert [time for _, time in watched.shown] == [0, 1]
        assert not audio_push.done()
        assert not playout.done()
        await asyncio.wait_for(sync.aclose(), 0.001)
        with pytest.raises(RuntimeError, match="was closed"):
            await asyncio.wait_for(audio_push, 0.001)
        await asyncio.wait_for(playout, 0.001)
        await source.aclose()

    run(main())


def test_a_time_out_of_the_audio_source_is_its_own() -> None:
    class Slow(Source):
        async def capture_frame(self, frame: Any) -> None:
            async with asyncio.timeout(0.5):
                await asyncio.sleep(1)

    async def main() -> None:
        source = AudioSource(48000, 1)
        async with AVSynchronizer(audio_source=Slow(source), video_source=VideoSource(2, 2), video_fps=30) as sync:
            with pytest.raises(TimeoutError):
                await sync.push(sound(), 0.02)
        await source.aclose()

    run(main())


# -- timestamps -------------------------------------------------------------------------------------------------------


async def talk_with_a_stall(watched: Show) -> None:
    """Audio that runs dry at 5 s and goes on there a second later: whoever does not follow it is a second off."""
    await watched.push_audio(ends(0, 5))
    await watched.audio.wait_for_playout()
    await asyncio.sleep(1)
    await watched.push_audio(ends(5, 10))


@pytest.mark.parametrize("wrong", [1e9, -50.0, 0.0, 700.0])
def test_one_wrong_timestamp_of_a_picture(wrong: float) -> None:
    """The pictures behind it belong to the same audio as those before."""
    watched = run(show(video([*times(0, 2, 30), wrong, *times(2, 10, 30)]), talk_with_a_stall))
    assert watched.stats.num_presented + watched.stats.num_dropped == 301
    assert len(watched.shown) >= 300
    assert max(abs(offset) for when, offset in watched.offsets_ms() if when > 7.2) < 1


@pytest.mark.parametrize("wrong", [1e9, -50.0, 0.02, 2.5])
def test_one_wrong_timestamp_of_audio(wrong: float) -> None:
    """One that is a little ahead looks like a gap, and costs that much silence, once."""
    silence = wrong - 2.02 if wrong == 2.5 else 0

    async def talk(watched: Show) -> None:
        await watched.push_audio(ends(0, 2))
        await watched.sync.push(sound(), wrong)
        await watched.push_audio(ends(2 + AUDIO_S, 5))
        await watched.audio.wait_for_playout()
        await asyncio.sleep(1)
        await watched.push_audio(ends(5, 10))

    watched = run(show(video(times(0, 10, 30)), talk))
    assert len(watched.shown) == 300
    assert max(abs(offset + 1000 * silence) for when, offset in watched.offsets_ms() if when > 7.2) < 1


def test_a_clip_without_audio_between_two_with() -> None:
    """Each starts at 0. The audio of the third belongs to the pictures of the third."""

    async def play(watched: Show) -> None:
        await watched.push_in_turn(times(0, 3, 30), ends(0, 3))
        await watched.push_in_turn(times(0, 3, 30), [])
        await watched.push_in_turn(times(0, 2, 30), ends(0, 2))
        await watched.audio.wait_for_playout()
        await asyncio.sleep(1)  # the audio stalls, and with it the one who pushes
        await watched.push_in_turn(times(2, 5, 30), ends(2, 5))

    watched = run(show(play))
    # The audio of the third is heard at once, while a queue of pictures of the second is still to be shown.
    assert watched.stats.num_presented >= 330 - 4
    third = [(time, heard - 3) for when, time, heard in watched.heard_with() if when > 6.1]
    assert len(third) >= 140
    assert max(abs(time - heard) for time, heard in third) < 0.002


@pytest.mark.parametrize(("video_s", "audio_s"), [(10, 3), (3, 10), (60, 3), (3, 60)])
def test_laps_that_have_nothing_to_do_with_each_other(video_s: float, audio_s: float) -> None:
    """Two clips, each looped on its own: no picture is lost, none stands for long, and there is no burst."""
    laps = 60 // video_s, 60 // audio_s
    watched = run(show(video(times(0, video_s, 30) * int(laps[0])), audio(ends(0, audio_s) * int(laps[1]))))
    assert len(watched.shown) == 1800
    assert watched.stats.num_dropped == 0
    gaps = np.diff([when for when, _ in watched.shown])
    assert gaps.min() > 0.015
    assert gaps.max() < 2.1


def test_fifty_loops_of_unequal_length() -> None:
    """Video of 2.00 s with audio of 1.86 s: 7 s would come together, but each lap is in time."""
    watched = run(show(video(times(0, 2, 30) * 50), audio(ends(0, 1.86) * 50)))
    in_lap = [(time - heard) % 1.86 for _, time, heard in watched.heard_with() if 0.3 < heard % 1.86 < 1.8]
    assert len(in_lap) > 2000
    assert max(min(offset, 1.86 - offset) for offset in in_lap) < 0.002
    assert watched.shown[-1][0] < 100


@pytest.mark.parametrize("stamp", [Fraction(1, 2), np.float32(0.5), np.int64(0), True])
def test_timestamps_of_any_numeric_type(stamp: Any) -> None:
    async def action(watched: Show) -> None:
        await watched.sync.push(sound(), stamp)
        await watched.sync.push(Picture(0.5), stamp)

    watched = run(show(action))
    assert type(watched.sync.last_video_time) is float
    assert watched.sync.last_video_time == float(stamp)


@pytest.mark.parametrize("stamp", ["0.5", Decimal("0.5"), 1j, [0.5]])
def test_timestamps_that_are_no_numbers(stamp: Any) -> None:
    """Nothing of it gets into the queue, where it would hold up all that follows."""

    async def action(watched: Show) -> None:
        for frame in (Picture(0), sound()):
            with pytest.raises(TypeError, match="timestamp: expected a number, got"):
                await watched.sync.push(frame, stamp)
        with pytest.raises(ValueError, match="timestamp: expected a finite number, got"):
            await watched.sync.push(Picture(0), 10**400)
        await watched.push_in_turn(times(0, 1, 30), ends(0, 1))

    watched = run(show(action))
    assert len(watched.shown) == 30
    assert worst(watched) < 1


def test_audio_frames_of_no_samples() -> None:
    async def talk(watched: Show) -> None:
        for end in ends(0, 3):
            await watched.sync.push(sound(0), end - AUDIO_S)
            await watched.push_audio([end])

    watched = run(show(video(times(0, 3, 30)), talk))
    assert len(watched.shown) == 90
    assert worst(watched) < 1


def test_an_audio_source_without_a_queue() -> None:
    """It passes audio on as it comes, and so cannot be a clock: the wall clock is."""

    async def talk(watched: Show) -> None:
        for end in ends(0, 4):
            await asyncio.sleep(watched.start + end - AUDIO_S - now())
            await watched.push_audio([end])

    watched = run(show(video(times(0, 4, 30)), talk, queue_size_ms=0))
    assert [when for when, _ in watched.shown] == pytest.approx(times(0, 4, 30), abs=0.001)
    watched = run(show(lambda watched: watched.push_in_turn(times(0, 4, 30), ends(0, 4)), queue_size_ms=0))
    assert [when for when, _ in watched.shown] == pytest.approx(times(0, 4, 30), abs=0.001)


def test_a_loop_that_stops_in_the_middle() -> None:
    """One that is closed without a word to its tasks: in the next, the synchronizer goes on, and closes."""
    source = AudioSource(48000, 1)
    shown: list[float] = []

    class Screen:
        def capture_frame(self, frame: Any) -> None:
            shown.append(frame.time)

    sync = AVSynchronizer(audio_source=source, video_source=Screen(), video_fps=30)
    loop = VirtualTimeLoop()
    waiting: list[asyncio.Task[None]] = []

    async def begin() -> None:
        await sync.push(sound(1), 1)
        for i in range(10):
            waiting.append(loop.create_task(sync.push(Picture(i / 10), i / 10)))
        waiting.append(loop.create_task(sync.push(sound(1), 2)))
        waiting.append(loop.create_task(sync.wait_for_playout()))
        await asyncio.sleep(0.25)

    loop.run_until_complete(begin())
    assert shown == [0, 0.1, 0.2]
    loop.close()

    async def go_on() -> None:
        await sync.push(sound(1), 2)
        await sync.push(Picture(3), 3)
        assert shown == [i / 10 for i in range(10)]  # the pushes that waited in the old loop were not cancelled
        await sync.aclose()
        with pytest.raises(RuntimeError, match="closed"):
            await sync.push(Picture(4), 4)
        await source.aclose()

    run(go_on())
    for task in waiting:
        task._log_destroy_pending = False  # type: ignore[attr-defined]
