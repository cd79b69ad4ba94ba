"""AVSynchronizer: gaps and jumps in the timestamps of the audio.

The samples of a frame tell their media time, and silence is 0. So a test sees when each part of the clip is heard.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from livekit_utils import AudioFrame, AudioSource, AVSynchronizer
from tests.support.clips import AUDIO_S, RATE, Picture, now, times
from tests.support.randomness import Rand
from tests.support.virtual_time import run

FPS = 25
IN_TIME_S = 0.02
MS = RATE // 1000

Ranges = list[tuple[float, float]]


def speech(end: float, seconds: float = AUDIO_S) -> AudioFrame:
    """A frame whose samples are 1 + the milliseconds of their media time."""
    count = round(RATE * seconds)
    media_ms = (np.arange(count) + round(end * RATE) - count) // MS
    return AudioFrame((media_ms % 30000 + 1).astype(np.int16), RATE, 1, count)


def off(when: float, media: float) -> float:
    """How much later than its timestamp something is heard: the samples tell the time modulo 30 s."""
    return (when - media + 15) % 30 - 15


def ends(ranges: Ranges, seconds: float = AUDIO_S) -> list[float]:
    return [start + (i + 1) * seconds for start, end in ranges for i in range(round((end - start) / seconds))]


@dataclass(repr=False)  # asyncio.Runner makes one, of all that was heard, whenever it is done with a signal
class Stage:
    """A synchronizer with our sources, and what comes out of it."""

    source: AudioSource
    sync: AVSynchronizer = None  # type: ignore[assignment]
    start: float = field(default_factory=now)
    shown: list[tuple[float, float]] = field(default_factory=list)
    """Seconds from the start, and the picture's time."""
    heard: list[tuple[float, float]] = field(default_factory=list)
    """Seconds from the start, and the media time that is heard; for each millisecond, without silence."""
    silence_s: float = 0.0
    last_audio_time: float = 0.0

    def capture_frame(self, frame: Any) -> None:
        self.shown.append((now() - self.start, frame.time))

    def _receive(self, frame: AudioFrame) -> None:
        samples = np.asarray(frame)[:, 0]
        when = now() - self.start
        for i in range(0, len(samples), MS):
            if samples[i]:
                self.heard.append((when + i / RATE, (samples[i] - 1) / 1000))
        self.silence_s += np.count_nonzero(samples == 0) / RATE

    def _on_idle(self) -> None: ...

    def _end(self) -> None: ...

    async def push_video(self, frame_times: Iterable[float]) -> None:
        for time in frame_times:
            await self.sync.push(Picture(time), time)

    async def push_audio(self, end_times: Iterable[float], seconds: float = AUDIO_S) -> None:
        for end in end_times:
            await self.sync.push(speech(end, seconds), end)

    async def push_in_turn(self, frame_times: Iterable[float], end_times: Iterable[float], ahead: float = 0.0) -> None:
        items = [(time, 0, time) for time in frame_times] + [
            (end - AUDIO_S - ahead + 1e-6, 1, end) for end in end_times
        ]
        for _, is_audio, time in sorted(items):
            await self.sync.push(speech(time) if is_audio else Picture(time), time)

    def check(self, frame_times: list[float], end_times: list[float], origin: float = 0.0) -> None:
        """Every picture was shown and every sound was heard, each `origin` after its timestamp."""
        assert [time for _, time in self.shown] == frame_times
        assert max(abs(when - time - origin) for when, time in self.shown) < IN_TIME_S
        assert len(self.heard) == len(end_times) * 20
        assert max(abs(when - media - origin) for when, media in self.heard) < IN_TIME_S
        stats = self.sync.stats()
        assert (stats.num_presented, stats.num_dropped, stats.num_late) == (len(frame_times), 0, 0)
        assert stats.offset_p99_ms < IN_TIME_S * 1000


Action = Callable[[Stage], Awaitable[object]]


def play(*actions: Action, queue_size_ms: float = 1000, fps: float = FPS, **options: Any) -> Stage:
    async def main() -> Stage:
        stage = Stage(AudioSource(RATE, 1, queue_size_ms))
        stage.sync = AVSynchronizer(audio_source=stage.source, video_source=stage, video_fps=fps, **options)
        stage.source._fan_out.attach(stage)
        await asyncio.gather(*(action(stage) for action in actions))
        await stage.sync.wait_for_playout()
        stage.last_audio_time = stage.sync.last_audio_time
        await stage.sync.aclose()
        await stage.source.aclose()
        return stage

    return run(main())


def two_tasks(frame_times: list[float], end_times: list[float]) -> list[Action]:
    return [lambda stage: stage.push_video(frame_times), lambda stage: stage.push_audio(end_times)]


def two_tasks_audio_first(frame_times: list[float], end_times: list[float]) -> list[Action]:
    return two_tasks(frame_times, end_times)[::-1]


def one_task(frame_times: list[float], end_times: list[float]) -> list[Action]:
    return [lambda stage: stage.push_in_turn(frame_times, end_times)]


def audio_ahead(frame_times: list[float], end_times: list[float]) -> list[Action]:
    """As in many files: the sound comes half a second before its pictures."""
    return [lambda stage: stage.push_in_turn(frame_times, end_times, ahead=0.5)]


WAYS = [two_tasks, two_tasks_audio_first, one_task, audio_ahead]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "ranges",
    [
        [(0, 2), (4, 6)],
        [(0, 2), (2.3, 4)],
        [(0, 2), (7, 8)],
        [(0, 2), (2.06, 4)],
        [(0, 2), (2.02, 4)],
        [(0, 1), (1.3, 2), (4, 4.5), (4.9, 6)],
        [(i * 0.1, i * 0.1 + 0.06) for i in range(40)],  # 40 gaps of 40 ms
        [(1, 4)],
        [(0.6, 1), (2, 4)],
        [(5, 8)],
    ],
    ids=lambda ranges: " ".join(f"{start:g}-{end:g}" for start, end in ranges[:4]),
)
@pytest.mark.parametrize("video_queue_size_ms", [100, 1000])
def test_a_gap_is_silence(
    way: Callable[[list[float], list[float]], list[Action]], ranges: Ranges, video_queue_size_ms: float
) -> None:
    frame_times, end_times = times(0, round(ranges[-1][1] + 0.1), FPS), ends(ranges)
    stage = play(*way(frame_times, end_times), video_queue_size_ms=video_queue_size_ms)
    stage.check(frame_times, end_times)
    assert stage.last_audio_time == pytest.approx(max(frame_times[-1], end_times[-1]), abs=0.05)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("begin", [0.3, 1.0, 3.0])
def test_video_that_starts_later_than_the_audio(
    way: Callable[[list[float], list[float]], list[Action]], begin: float
) -> None:
    frame_times, end_times = times(begin, begin + 3, FPS), ends([(0, begin + 3)])
    play(*way(frame_times, end_times)).check(frame_times, end_times)


@pytest.mark.parametrize("seconds", [12.0, 60.0])
@pytest.mark.parametrize("way", WAYS[:3])
def test_a_long_gap_is_silence_while_there_are_pictures(
    way: Callable[[list[float], list[float]], list[Action]], seconds: float
) -> None:
    frame_times, end_times = times(0, 4 + seconds, FPS), ends([(0, 2), (2 + seconds, 4 + seconds)])
    stage = play(*way(frame_times, end_times))
    assert [time for _, time in stage.shown] == frame_times
    assert max(abs(when - time) for when, time in stage.shown) < IN_TIME_S
    assert max(abs(off(when, media)) for when, media in stage.heard) < IN_TIME_S
    assert stage.sync.stats().num_dropped == 0


def test_a_wait_that_is_too_short_for_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is queued is the difference of two times, which may be off by a rounding: a wait for that ends at once."""
    exact = AudioSource.queued_duration.fget  # type: ignore[attr-defined]

    def rounded(source: AudioSource) -> float:
        queued_s: float = exact(source)
        return queued_s + 1e-14 if abs(queued_s - 0.02) < 1e-9 else queued_s

    monkeypatch.setattr(AudioSource, "queued_duration", property(rounded))
    frame_times, end_times = times(0, 16, FPS), ends([(0, 2), (14, 16)])
    play(*two_tasks(frame_times, end_times)).check(frame_times, end_times)


@pytest.mark.parametrize("jump", [30.0, 100.0, 5000.0])
@pytest.mark.parametrize("video_queue_size_ms", [0, 100])
def test_a_long_gap_of_both_is_skipped(jump: float, video_queue_size_ms: float) -> None:
    frame_times = times(0, 3, FPS) + times(jump, jump + 3, FPS)
    stage = play(*two_tasks(frame_times, ends([(0, 3), (jump, jump + 3)])), video_queue_size_ms=video_queue_size_ms)
    assert [time for _, time in stage.shown] == frame_times
    assert [when for when, _ in stage.shown] == pytest.approx(times(0, 6, FPS), abs=IN_TIME_S)
    assert stage.silence_s <= 0.02


def test_a_long_gap_of_audio_without_pictures_is_skipped() -> None:
    stage = play(lambda stage: stage.push_audio(ends([(0, 2), (15, 17)])))
    assert stage.silence_s == 0
    assert stage.heard[-1][0] == pytest.approx(4, abs=IN_TIME_S)


def test_a_short_gap_of_audio_without_pictures_is_silence() -> None:
    stage = play(lambda stage: stage.push_audio(ends([(0, 2), (4, 6)])))
    assert stage.silence_s == pytest.approx(2)


def test_a_gap_between_frames_of_odd_lengths() -> None:
    """The silence is exact to the sample."""

    async def talk(stage: Stage) -> None:
        await stage.sync.push(speech(0.5, 0.5), 0.5)
        await stage.sync.push(speech(1.2345, 0.3), 1.2345)

    stage = play(talk)
    assert stage.silence_s == pytest.approx(1.2345 - 0.3 - 0.5, abs=1 / RATE)


@pytest.mark.parametrize("way", WAYS[:3])
def test_a_jump_back_of_the_audio_alone(way: Callable[[list[float], list[float]], list[Action]]) -> None:
    """It repeats 0.6 s. The pictures wait for it, and are in time again."""
    frame_times = times(0, 6, FPS)
    end_times = ends([(0, 3), (2.4, 6)])
    stage = play(lambda stage: stage.push_video(frame_times), lambda stage: stage.push_audio(end_times))
    assert [time for _, time in stage.shown] == frame_times
    assert max(abs(when - time - (0.6 if time > 3 else 0)) for when, time in stage.shown if abs(time - 3) > 0.01) < 0.02
    assert stage.sync.stats().num_dropped == 0
    assert stage.silence_s == 0


def test_a_far_jump_back_of_the_audio_alone_is_not_called_in_time() -> None:
    """Pictures whose sound is not there have no offset."""
    stage = play(*two_tasks(times(0, 20, FPS), ends([(0, 10), (3, 13)])))
    assert len(stage.shown) == 20 * FPS
    assert stage.sync.stats().num_dropped == 0
    assert stage.sync._record._offsets.maxlen == 1000
    assert len(stage.sync._record._offsets) < 12 * FPS


@pytest.mark.parametrize("way", [two_tasks, one_task])
@pytest.mark.parametrize("back", [0.5, 2.0, 5.0])
def test_a_jump_back_of_both(way: Callable[[list[float], list[float]], list[Action]], back: float) -> None:
    halves = [(times(start, end, FPS), ends([(start, end)])) for start, end in ((0, 6), (6 - back, 8))]
    frame_times = halves[0][0] + halves[1][0]

    async def in_turn(stage: Stage) -> None:
        for half in halves:
            await stage.push_in_turn(*half)

    stage = play(*([in_turn] if way is one_task else two_tasks(frame_times, halves[0][1] + halves[1][1])))
    assert [time for _, time in stage.shown] == frame_times
    assert [when for when, _ in stage.shown] == pytest.approx([i / FPS for i in range(len(frame_times))], abs=IN_TIME_S)
    assert stage.silence_s == 0


def test_audio_without_timestamps_mixed_in() -> None:
    """It continues the audio before, and so does what comes after it."""
    end_times = ends([(0, 2), (3, 6)])

    async def talk(stage: Stage) -> None:
        for i, end in enumerate(end_times):
            gap_begins = end == 3 + AUDIO_S
            await stage.sync.push(speech(end), end if i % 3 == 0 or gap_begins else None)

    stage = play(lambda stage: stage.push_video(times(0, 6, FPS)), talk)
    stage.check(times(0, 6, FPS), end_times)


def test_audio_without_timestamps_before_the_first_with() -> None:
    async def talk(stage: Stage) -> None:
        for _ in range(25):
            await stage.sync.push(AudioFrame.create(RATE, 1, 960))
        await stage.push_audio(ends([(1, 3)]))

    stage = play(lambda stage: stage.push_video(times(0, 3, FPS)), talk)
    stage.check(times(0, 3, FPS), ends([(1, 3)]))


@pytest.mark.parametrize("jitter_ms", [5, 20, 45])
def test_jitter_is_no_gap(jitter_ms: float, rand: Rand) -> None:
    """As where audio is stamped by the wall clock: silence would come up to the jitter once, but not again."""

    async def talk(stage: Stage) -> None:
        for end in ends([(0, 60)]):
            await stage.sync.push(speech(end), end + rand.uniform(-jitter_ms, jitter_ms) / 1000)

    stage = play(talk)
    assert stage.silence_s <= 4 * jitter_ms / 1000


@pytest.mark.parametrize(("skew", "duration"), [(0.99, 80.0), (0.9999, 400.0), (1.0001, 400.0), (1.01, 80.0)])
def test_timestamps_by_another_clock(skew: float, duration: float) -> None:
    """The timestamps run faster or slower than the samples. Sound and picture stay together, and small gaps are found
    after any time."""

    async def talk(stage: Stage) -> None:
        for end in ends([(0, duration)]):
            await stage.sync.push(speech(end), end * skew)

    frame_times = times(0, duration * skew, FPS)
    stage = play(lambda stage: stage.push_video(frame_times), talk)
    assert stage.sync.stats().num_dropped == 0
    assert len(stage.shown) == len(frame_times)
    assert stage.sync.stats().offset_p99_ms < 20
    assert stage.silence_s == pytest.approx(max(duration * (skew - 1), 0), abs=0.02)
    ends_at = max(duration, duration * skew)
    assert stage.shown[-1][0] == pytest.approx(ends_at, abs=0.2)


def test_live_audio_with_pauses() -> None:
    """It is pushed in real time, and not at all in pauses: nothing is delayed."""

    async def talk(stage: Stage) -> None:
        for end in ends([(0, 2), (3, 5), (20, 22)]):
            await asyncio.sleep(max(0.0, stage.start + end - AUDIO_S - now()))
            await stage.sync.push(speech(end), end)

    stage = play(lambda stage: stage.push_video(times(0, 22, FPS)), talk)
    stage.check(times(0, 22, FPS), ends([(0, 2), (3, 5), (20, 22)]))
    assert stage.silence_s == 0


def test_an_audio_source_without_a_queue_gets_no_silence() -> None:
    """It would pass it on at once."""

    async def talk(stage: Stage) -> None:
        for end in ends([(0, 2), (3, 5)]):
            await asyncio.sleep(max(0.0, stage.start + end - AUDIO_S - 0.05 - now()))
            await stage.sync.push(speech(end), end)

    stage = play(lambda stage: stage.push_video(times(0, 5, FPS)), talk, queue_size_ms=0)
    assert stage.silence_s == 0
    assert [time for _, time in stage.shown] == times(0, 5, FPS)


@pytest.mark.parametrize("queue_size_ms", [10, 100, 5000])
def test_audio_sources_of_any_queue(queue_size_ms: float) -> None:
    frame_times, end_times = times(0, 8, FPS), ends([(0, 2), (4, 6), (6.5, 8)])
    play(*two_tasks(frame_times, end_times), queue_size_ms=queue_size_ms).check(frame_times, end_times)


# -- clearing, closing, cancelling ------------------------------------------------------------------------------------


async def in_a_gap(stage: Stage, gap_s: float) -> list[asyncio.Task[None]]:
    """Audio up to 2 s, then three pushes whose first waits for a gap to pass, and one who waits for playout."""
    await stage.push_audio(ends([(0, 1)]))
    await stage.push_video([0.0, 0.5])
    tasks = [
        asyncio.create_task(stage.sync.push(speech(1 + gap_s + end, AUDIO_S), 1 + gap_s + end))
        for end in ends([(0, 3 * AUDIO_S)])
    ]
    if gap_s > 10:
        tasks.append(asyncio.create_task(stage.push_video(times(1, 1 + gap_s, FPS))))
    tasks.append(asyncio.create_task(stage.sync.wait_for_playout()))
    await asyncio.sleep(1.5)
    assert not any(task.done() for task in tasks)
    return tasks


@pytest.mark.parametrize("gap_s", [5.0, 40.0])
@pytest.mark.parametrize("forgets", [False, True])
def test_clearing_in_a_gap(gap_s: float, forgets: bool) -> None:
    async def action(stage: Stage) -> None:
        tasks = await in_a_gap(stage, gap_s)
        if forgets:
            stage.sync.reset()
            assert stage.sync.last_audio_time == 0
        else:
            await stage.sync.clear_queue()
        await asyncio.wait_for(asyncio.gather(*tasks[:3], tasks[-1]), 0.001)
        for task in tasks[3:-1]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert stage.source.queued_duration == 0
        await stage.sync.clear_queue()
        heard = len(stage.heard)
        assert heard == 1000
        await stage.push_in_turn(times(7, 8, FPS), ends([(7, 8)]))
        await stage.sync.wait_for_playout()
        assert len(stage.heard) == 2000

    play(action)


@pytest.mark.parametrize("gap_s", [5.0, 40.0])
def test_closing_in_a_gap(gap_s: float) -> None:
    async def action(stage: Stage) -> None:
        tasks = await in_a_gap(stage, gap_s)
        await asyncio.wait_for(stage.sync.aclose(), 0.001)
        results = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 2)
        assert [type(result) for result in results[:3]] == [RuntimeError] * 3
        assert results[-1] is None

    play(action)


@pytest.mark.parametrize("gap_s", [5.0, 40.0])
@pytest.mark.parametrize("victim", [0, 1])
def test_cancelling_in_a_gap(gap_s: float, victim: int) -> None:
    """What was cancelled is not heard, and all else is heard at its time."""

    async def action(stage: Stage) -> None:
        tasks = await in_a_gap(stage, gap_s)
        tasks[victim].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [isinstance(result, asyncio.CancelledError) for result in results[:3]] == [
            number == victim for number in range(3)
        ]

    stage = play(action)
    assert len(stage.heard) == 1000 + 2 * 20
    assert max(abs(off(when, media)) for when, media in stage.heard) < IN_TIME_S


def test_an_audio_source_that_refuses_the_frame_after_a_gap() -> None:
    async def action(stage: Stage) -> None:
        await stage.push_audio(ends([(0, 1)]))
        with pytest.raises(ValueError, match="frame: expected 48000 Hz"):
            await stage.sync.push(AudioFrame.create(16000, 1, 320), 3.0)
        await stage.push_audio(ends([(1, 2)]))

    stage = play(action)
    assert stage.silence_s == 0
    assert stage.heard[-1][0] == pytest.approx(2, abs=IN_TIME_S)


def test_the_memory_is_bounded() -> None:
    """The silence of a long gap is never in the queue as a whole."""
    queued: list[float] = []

    async def watch(stage: Stage) -> None:
        for _ in range(90):
            await asyncio.sleep(0.1)
            queued.append(stage.source.queued_duration)

    play(watch, *two_tasks(times(0, 12, FPS), ends([(0, 2), (11, 12)])))
    assert max(queued) < 1.1


@pytest.mark.parametrize("stamp", [0.6, 2.5])
def test_the_time_that_is_heard_in_a_gap(stamp: float) -> None:
    async def look(stage: Stage) -> None:
        await asyncio.sleep(0.005)
        for _ in range(60):
            await asyncio.sleep(0.1)
            assert stage.sync.last_audio_time == pytest.approx(now() - stage.start, abs=0.011)

    play(look, *two_tasks(times(0, 7, FPS), ends([(0, 1), (1 + stamp, 7)])))


def test_gaps_at_random(rand: Rand) -> None:
    for _ in range(5):
        ranges: Ranges = []
        at = rand.choice([0.0, 0.5])
        while at < 20:
            end = at + rand.randint(1, 150) * AUDIO_S
            ranges.append((at, end))
            at = end + rand.choice([0.02, 0.1, 0.3, 1.0, 5.0]) * rand.randint(1, 2)
        frame_times, end_times = times(0, round(ranges[-1][1] + 0.5), FPS), ends(ranges)
        play(*rand.choice(WAYS)(frame_times, end_times)).check(frame_times, end_times)
