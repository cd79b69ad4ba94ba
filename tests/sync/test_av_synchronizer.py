"""AVSynchronizer: pictures with their sound, whatever is pushed how."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from livekit_utils import AVSynchronizer
from tests.support.clips import Picture, Show, audio, ends, now, show, sound, times, video
from tests.support.long_runs import shortened
from tests.support.randomness import Rand
from tests.support.virtual_time import run


def worst(watched: Show, start: float = 0.0, end: float = math.inf) -> float:
    found = [abs(offset) for when, offset in watched.offsets_ms() if start <= when < end]
    assert found
    return max(found)


def in_turn(seconds: float, fps: float) -> list[Any]:
    return [lambda watched: watched.push_in_turn(times(0, seconds, fps), ends(0, seconds))]


def two_tasks(seconds: float, fps: float) -> list[Any]:
    return [video(times(0, seconds, fps)), audio(ends(0, seconds))]


def in_bursts(seconds: float, fps: float) -> list[Any]:
    async def action(watched: Show) -> None:
        frame_times = times(0, seconds, fps)
        for second in range(int(seconds)):
            await watched.push_audio(ends(second, second + 1))
            await watched.push_video([time for time in frame_times if second <= time < second + 1])

    return [action]


@pytest.mark.parametrize("pushes", [in_turn, two_tasks, in_bursts])
@pytest.mark.parametrize(
    ("content_fps", "told_fps"),
    [(25, 30), (30, 25), (30, 30), (60, 24), (12.5, 30), (29.97, 30)],
)
@pytest.mark.parametrize("queue_size_ms", [40, 1000])
def test_content_of_any_frame_rate(
    pushes: Callable[[float, float], list[Any]],
    content_fps: float,
    told_fps: float,
    queue_size_ms: float,
) -> None:
    if pushes is in_bursts and queue_size_ms < 1000:
        queue_size_ms = 1500  # a burst of audio is heard before its pictures are pushed if it has no room
    watched = run(show(*pushes(20, content_fps), fps=told_fps, queue_size_ms=queue_size_ms))
    assert [time for _, time in watched.shown] == times(0, 20, content_fps)
    assert worst(watched) < 1
    stats = watched.stats
    assert (stats.num_presented, stats.num_late, stats.num_dropped, stats.num_held) == (len(watched.shown), 0, 0, 0)
    assert watched.stats.offset_p99_ms < 1


def test_slightly_off_for_an_hour() -> None:
    """29.97 pictures per second, told 30: 3.6 s would come together."""
    offsets: list[float] = []
    seconds = shortened(3600)

    class Tank:
        """An audio source that is no more than its documented methods, and the time at which it is empty."""

        heard_until, pushed_s = 0.0, 0.0

        @property
        def queued_duration(self) -> float:
            return max(self.heard_until - now(), 0.0)

        async def capture_frame(self, frame: Any) -> None:
            await asyncio.sleep(max(0.0, self.queued_duration + frame.duration - 1))
            self.heard_until = max(self.heard_until, now()) + frame.duration
            self.pushed_s += frame.duration

        def clear_queue(self) -> None:
            self.heard_until = now()

        async def wait_for_playout(self) -> None:
            await asyncio.sleep(self.queued_duration)

    class Screen:
        def capture_frame(self, frame: Any) -> None:
            offsets.append(frame.time - (tank.pushed_s - tank.queued_duration))

    tank, half = Tank(), sound(0.5)

    async def main() -> None:
        async with AVSynchronizer(audio_source=tank, video_source=Screen(), video_fps=30) as sync:

            async def talk() -> None:
                for i in range(2 * seconds):
                    await sync.push(half, (i + 1) / 2)

            talking = asyncio.create_task(talk())
            for time in times(0, seconds, 30000 / 1001):
                await sync.push(Picture(time), time)
            await talking
            await sync.wait_for_playout()

    run(main())
    assert len(offsets) == round(seconds * 30000 / 1001)
    assert np.abs(offsets[1:]).max() < 0.001  # the first is on the screen before there is audio
    assert abs(np.polyfit(np.arange(len(offsets) - 1), offsets[1:], 1)[0]) * 30 < 1e-6


@pytest.mark.parametrize("sizes", [(0.005,), (0.1,), (1.0,), (5.0,), (0.02, 0.01, 0.3)])
def test_audio_frames_of_any_length(sizes: tuple[float, ...]) -> None:
    async def talk(watched: Show) -> None:
        end, i = 0.0, 0
        while end < 12:
            seconds = sizes[i % len(sizes)]
            i += 1
            end += seconds
            await watched.sync.push(sound(seconds), end)

    watched = run(show(video(times(0, 12, 25)), talk))
    assert len(watched.shown) == 300
    assert worst(watched) < 1


def test_variable_frame_rate(rand: Rand) -> None:
    frame_times = [0.0]
    while frame_times[-1] < 30:
        frame_times.append(frame_times[-1] + rand.choice([0.02, 0.04, 0.1, 1.3]))
    watched = run(show(video(frame_times), audio(ends(0, 32))))
    assert [time for _, time in watched.shown] == frame_times
    assert worst(watched) < 1


def test_random_pushing(rand: Rand) -> None:
    """Both sides are pushed in bursts with random pauses that their queues bridge."""

    async def uneven(watched: Show, push: Callable[[list[float]], Any], items: list[float]) -> None:
        while items:
            count = rand.randint(1, 6)
            await push(items[:count])
            del items[:count]
            await asyncio.sleep(rand.uniform(0, 0.08))

    async def pictures(watched: Show) -> None:
        await uneven(watched, watched.push_video, times(0, 30, 30))

    async def talk(watched: Show) -> None:
        await uneven(watched, watched.push_audio, ends(0, 30))

    watched = run(show(pictures, talk, video_queue_size_ms=400))
    assert watched.stats.num_presented + watched.stats.num_dropped == 900
    found = sorted(abs(offset) for _, offset in watched.offsets_ms())
    assert found[int(len(found) * 0.99) - 1] < 15


# -- stalls, gaps, pauses ---------------------------------------------------------------------------------------------


def test_no_audio_yet() -> None:
    """Pictures go by the wall clock until there is audio, which is the clock from then on."""
    watched = run(show(video(times(0, 10, 25)), audio(ends(0, 10), start=2)))
    before = [(when, time) for when, time in watched.shown if when < 1.99]
    assert len(before) == 50
    assert all(when == pytest.approx(time, abs=1e-3) for when, time in before)
    # The audio starts at 0 where the pictures are at 2 s: they wait for it.
    assert worst(watched, 2.05) < 1
    assert watched.stats.num_held >= 1


def test_no_audio_at_all() -> None:
    watched = run(show(video([0, 0.5, 0.6, 7.0, 7.1])))
    assert [when for when, _ in watched.shown] == pytest.approx([0, 0.5, 0.6, 7.0, 7.1])
    assert math.isnan(watched.stats.offset_ms)


def test_audio_that_ends_before_the_pictures() -> None:
    watched = run(show(video(times(0, 8, 25)), audio(ends(0, 3))))
    assert len(watched.shown) == 200
    assert all(when == pytest.approx(time, abs=2e-3) for when, time in watched.shown)


def test_audio_that_is_silent_for_a_while() -> None:
    """A speaker's pauses: there is no audio, and the timeline goes on."""

    async def talk(watched: Show) -> None:
        for start in (0, 3, 7):
            await asyncio.sleep(
                max(
                    0.0,
                    start - 0.5 - (asyncio.get_running_loop().time() - watched.start),
                )
            )
            await asyncio.sleep(max(0.0, start - (asyncio.get_running_loop().time() - watched.start)))
            await watched.push_audio(ends(start, start + 1))

    watched = run(show(video(times(0, 9, 25)), talk))
    assert len(watched.shown) == 225
    assert all(when == pytest.approx(time, abs=2e-3) for when, time in watched.shown)


@pytest.mark.parametrize("stall_s", [0.25, 1.0, 4.0])
def test_a_stall_of_the_video(stall_s: float) -> None:
    async def pictures(watched: Show) -> None:
        for time in times(0, 15, 30):
            if time == 5:
                await asyncio.sleep(stall_s)
            await watched.push_video([time])

    watched = run(show(pictures, audio(ends(0, 15))))
    # It stalls when the picture before is pushed, which is earlier than it is shown by the queue.
    back = next(when for when, time in watched.shown if time >= 5)
    assert worst(watched, 0, back) < 1
    assert worst(watched, back + 0.5) < 1
    assert watched.stats.num_presented + watched.stats.num_dropped == 450
    gaps = np.diff([when for when, _ in watched.shown])
    assert gaps.min() >= 0.5 / 30 - 0.001  # no burst


@pytest.mark.parametrize("content_goes_on", [False, True])
def test_a_stall_of_the_audio(content_goes_on: bool) -> None:
    """It runs dry for 1 s; afterwards it goes on where it stopped, or where it would be without the stall."""

    async def talk(watched: Show) -> None:
        await watched.push_audio(ends(0, 5))
        await watched.audio.wait_for_playout()
        await asyncio.sleep(1)
        await watched.push_audio(ends(6, 15) if content_goes_on else ends(5, 15))

    watched = run(show(video(times(0, 15, 30)), talk))
    shown = np.array(watched.shown)
    assert len(shown) == 450
    # The pictures went on by the wall clock, so what is shown before the audio has come to where they are is ahead.
    late = 0.0 if content_goes_on else 1.0
    after = shown[shown[:, 0] > 7.1]
    assert np.abs(after[:, 0] - after[:, 1] - late).max() < 0.002
    during = shown[(shown[:, 0] > 5.1) & (shown[:, 0] < 5.9)]
    assert np.abs(during[:, 0] - during[:, 1]).max() < 0.002


def test_a_stall_of_both() -> None:
    async def action(watched: Show) -> None:
        await watched.push_in_turn(times(0, 3, 30), ends(0, 3))
        await asyncio.sleep(2)
        await watched.push_in_turn(times(3, 6, 30), ends(3, 6))

    watched = run(show(action))
    assert [time for _, time in watched.shown] == times(0, 3, 30) + times(3, 6, 30)
    assert worst(watched) < 1


def test_a_pause_of_the_audio_source() -> None:
    async def pause(watched: Show) -> None:
        await asyncio.sleep(2)
        watched.audio.pause()
        await asyncio.sleep(3)
        watched.audio.resume()

    watched = run(show(*two_tasks(6, 25), pause))
    assert len(watched.shown) == 150
    assert not [when for when, _ in watched.shown if 2.02 < when < 4.98]
    after = [(when, time) for when, time in watched.shown if when > 5]
    assert all(when == pytest.approx(time + 3, abs=0.002) for when, time in after)


def test_a_blocked_event_loop() -> None:
    async def block(watched: Show) -> None:
        await asyncio.sleep(3)
        asyncio.get_running_loop().block(0.6)  # type: ignore[attr-defined]

    watched = run(show(*two_tasks(8, 30), block))
    assert worst(watched, 3.7) < 1
    assert watched.stats.num_dropped >= 15 - 3


# -- timestamps -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("audio_s", [9.86, 10.0, 10.2])
@pytest.mark.parametrize("one_task", [False, True])
def test_a_clip_that_starts_over(audio_s: float, one_task: bool) -> None:
    laps = 6

    async def action(watched: Show) -> None:
        for _ in range(laps):
            await watched.push_in_turn(times(0, 10, 30), ends(0, audio_s))

    if one_task:
        watched = run(show(action))
    else:
        watched = run(show(video(times(0, 10, 30) * laps), audio(ends(0, audio_s) * laps)))
    # What is heard is counted through all laps; at the seams a picture may belong to either.
    in_lap = [(time - heard) % audio_s for _, time, heard in watched.heard_with() if 0.3 < heard % audio_s < 9.8]
    assert max(min(offset, audio_s - offset) for offset in in_lap) < 0.002
    assert len(watched.shown) >= laps * 300 - laps * 6


@pytest.mark.parametrize("jump", [7.0, 100.0, 5000.0])
@pytest.mark.parametrize("one_task", [False, True])
def test_a_jump_forward(jump: float, one_task: bool) -> None:
    """One of 2 s is a gap, which is silent; a far one is skipped."""
    frame_times = times(0, 5, 30) + times(jump, jump + 5, 30)
    end_times = ends(0, 5) + ends(jump, jump + 5)

    async def action(watched: Show) -> None:
        await watched.push_in_turn(times(0, 5, 30), ends(0, 5))
        await watched.push_in_turn(times(jump, jump + 5, 30), ends(jump, jump + 5))

    watched = run(show(action) if one_task else show(video(frame_times), audio(end_times)))
    assert [time for _, time in watched.shown] == frame_times
    gap = 2 if jump == 7 else 0
    assert [when for when, _ in watched.shown] == pytest.approx(
        times(0, 5, 30) + times(5 + gap, 10 + gap, 30), abs=0.002
    )


def test_equal_timestamps() -> None:
    watched = run(show(video([0.0] * 10 + [1.0] * 10 + [1.5]), audio(ends(0, 3))))
    assert watched.stats.num_presented + watched.stats.num_dropped == 21
    assert [time for _, time in watched.shown][-1] == 1.5
    assert watched.shown[-1][0] == pytest.approx(1.5, abs=0.002)


@pytest.mark.parametrize("time", [math.nan, math.inf, -math.inf])
def test_timestamps_that_are_none(time: float) -> None:
    async def action(watched: Show) -> None:
        for frame in (Picture(0), sound()):
            with pytest.raises(ValueError, match=r"timestamp: expected a .*number, got"):
                await watched.sync.push(frame, time)
        await watched.push_in_turn(times(0, 1, 30), ends(0, 1))

    assert worst(run(show(action))) < 1


def test_one_wild_timestamp_holds_nobody_up_for_good() -> None:
    frame_times = [*times(0, 2, 30), 1e9, *times(2, 6, 30)]
    watched = run(show(video(frame_times), audio(ends(0, 6))))
    assert len(watched.shown) >= 170
    assert watched.shown[-1][0] < 8


def test_timestamps_below_zero_and_huge() -> None:
    for base in (-10.0, 1.7e9):
        watched = run(show(video(times(base, base + 3, 25)), audio(ends(base, base + 3))))
        assert [time for _, time in watched.shown] == times(base, base + 3, 25)
        assert all(when == pytest.approx(time - base, abs=0.002) for when, time in watched.shown)


# -- without timestamps -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fps", "seconds"), [(30, shortened(3600)), (25.0, 300), (Fraction(30000, 1001), 1001), (120, 100)]
)
def test_pacing_without_timestamps(fps: Any, seconds: int) -> None:
    """At the exact rate, however long."""
    count = round(fps * seconds)
    watched = run(show(video(range(count), stamped=False), fps=fps))
    when = np.array([when for when, _ in watched.shown])
    assert len(when) == count
    assert np.abs(when - np.arange(count) / float(fps)).max() < 0.001
    assert np.percentile(np.abs(np.diff(when) - 1 / float(fps)), 99) < 0.002


def test_pacing_after_a_stall() -> None:
    """Short ones are caught up with, at twice the rate at most; long ones are not."""

    async def pictures(watched: Show) -> None:
        for i in range(200):
            if i in (50, 120):
                await asyncio.sleep(0.3 if i == 50 else 2)
            await watched.sync.push(Picture(i))

    watched = run(show(pictures, fps=25))
    when = np.array([when for when, _ in watched.shown])
    assert len(when) == 200
    assert np.diff(when).min() >= 0.5 / 25 - 0.001
    assert when[110] == pytest.approx(110 / 25, abs=0.001)
    assert when[199] - when[120] == pytest.approx(79 / 25, abs=0.001)


def test_audio_without_timestamps_goes_its_own_way() -> None:
    async def talk(watched: Show) -> None:
        for _ in range(100):
            await watched.sync.push(sound())

    watched = run(show(video(times(0, 2, 30)), talk))
    assert len(watched.shown) == 60
    assert sum(samples for _, samples in watched.heard) == 100 * 960
    assert watched.sync.last_audio_time == 0
