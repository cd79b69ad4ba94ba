"""AVSynchronizer: late pictures, sources and arguments of all kinds."""

from __future__ import annotations

import asyncio
import math
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest

from livekit_utils import AudioSource, AVSynchronizer, AVSynchronizerStats, LatePolicy, VideoSource
from tests.support.clips import Picture, Show, audio, ends, show, sound, times, video
from tests.support.virtual_time import run

# On the real clock of a machine that may be busy. Who does not follow the audio is 400 ms off in the end.
IN_TIME_MS = 50


def worst(watched: Show, start: float = 0.0, end: float = math.inf) -> float:
    found = [abs(offset) for when, offset in watched.offsets_ms() if start <= when < end]
    assert found
    return max(found)


def in_turn(seconds: float, fps: float) -> list[Any]:
    return [lambda watched: watched.push_in_turn(times(0, seconds, fps), ends(0, seconds))]


def two_tasks(seconds: float, fps: float) -> list[Any]:
    return [video(times(0, seconds, fps)), audio(ends(0, seconds))]


# -- late pictures ----------------------------------------------------------------------------------------------------


async def late_by_a_second(watched: Show) -> None:
    for time in times(0, 6, 30):
        if time == 2:
            await asyncio.sleep(1)
        await watched.push_video([time])


@pytest.mark.parametrize("policy", [LatePolicy.SHOW, "show"])
def test_late_pictures_are_shown_if_so_wished(policy: Any) -> None:
    watched = run(show(late_by_a_second, audio(ends(0, 6)), late_policy=policy))
    assert [time for _, time in watched.shown] == times(0, 6, 30)
    assert watched.stats.num_dropped == 0
    assert watched.stats.num_late > 10
    assert np.diff([when for when, _ in watched.shown]).min() >= 0.5 / 30 - 0.001
    assert worst(watched, 4.5) < 1


def test_pictures_that_are_always_late() -> None:
    """Somebody who is 2 s behind and pushes in real time: one is shown now and then, and nobody waits."""

    async def pictures(watched: Show) -> None:
        await asyncio.sleep(2)
        for time in times(0, 6, 30):
            await watched.push_video([time])
            await asyncio.sleep(1 / 30)

    watched = run(show(pictures, audio(ends(0, 10)), _max_delay_tolerance_ms=300))
    gaps = np.diff([when for when, _ in watched.shown])
    assert gaps.max() < 0.3 + 2 / 30
    assert watched.stats.num_dropped > 100
    assert watched.stats.num_presented + watched.stats.num_dropped == 180


# -- what is handed in and out ----------------------------------------------------------------------------------------


def test_frames_are_passed_on_as_they_are() -> None:
    seen: list[object] = []

    class Screen:
        def capture_frame(self, frame: object) -> None:
            seen.append(frame)

    async def main() -> None:
        source = AudioSource(48000, 1)
        async with AVSynchronizer(audio_source=source, video_source=Screen(), video_fps=30) as sync:
            picture = Picture(0)
            await sync.push(picture)
            assert seen == [picture]
            assert seen[0] is picture
        await source.aclose()

    run(main())


def test_a_video_source_that_raises(caplog: pytest.LogCaptureFixture) -> None:
    def fails(time: float) -> bool:
        return 1 <= time < 2 or 3 <= time < 3.5

    async def prepare(watched: Show) -> None:
        watched.fails = fails

    watched = run(show(prepare, *two_tasks(5, 30)))
    assert [time for _, time in watched.shown] == [time for time in times(0, 5, 30) if not fails(time)]
    assert worst(watched) < 1
    assert watched.stats.num_dropped == 45
    assert [record.message for record in caplog.records] == [
        "AVSynchronizer: the video source fails, pictures are lost: no screen"
    ] * 2


def test_an_audio_source_that_raises() -> None:
    async def action(watched: Show) -> None:
        with pytest.raises(ValueError, match="frame: expected 48000 Hz"):
            await watched.sync.push(sound(sample_rate=16000), 0.02)
        await watched.push_in_turn(times(0, 2, 30), ends(0, 2))

    assert worst(run(show(action))) < 1


@pytest.mark.parametrize("thing", ["garbage", None, 3, b"\0\0"])
def test_what_is_no_frame(thing: Any) -> None:
    async def action(watched: Show) -> None:
        with pytest.raises(TypeError, match="video or an audio frame"):
            await watched.sync.push(thing)

    run(show(action))


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *[("video_fps", fps) for fps in (0, -1, math.nan, math.inf, 5e-324, 1e300)],
        pytest.param("video_fps", 10**400, id="huge"),
        *[("video_queue_size_ms", size) for size in (-1, math.nan, math.inf)],
        ("_max_delay_tolerance_ms", -1),
        ("late_policy", "whatever"),
    ],
)
def test_values_out_of_range(option: str, value: Any) -> None:
    options: dict[str, Any] = {"video_fps": 30, option: value}
    with pytest.raises(ValueError, match=f"^{option}: expected "):
        AVSynchronizer(
            audio_source=AudioSource(48000, 1),
            video_source=VideoSource(2, 2),
            **options,
        )


@pytest.mark.parametrize("fps", ["30", None, 30j])
def test_frame_rates_that_are_no_numbers(fps: Any) -> None:
    with pytest.raises(TypeError, match="video_fps: expected a number"):
        AVSynchronizer(audio_source=AudioSource(48000, 1), video_source=VideoSource(2, 2), video_fps=fps)


@pytest.mark.parametrize("thing", [None, "speaker", 3, object()])
@pytest.mark.parametrize("option", ["audio_source", "video_source"])
def test_sources_that_are_none(option: str, thing: Any) -> None:
    sources = {"audio_source": AudioSource(48000, 1), "video_source": VideoSource(2, 2), option: thing}
    with pytest.raises(TypeError, match=f"^{option}: expected an? .*Source, got "):
        AVSynchronizer(**sources, video_fps=30)


def test_sources_that_are_swapped() -> None:
    with pytest.raises(TypeError, match="audio_source: expected an AudioSource, got VideoSource"):
        AVSynchronizer(audio_source=VideoSource(2, 2), video_source=AudioSource(48000, 1), video_fps=30)  # type: ignore[arg-type]


def test_statistics_cannot_be_changed() -> None:
    stats = AVSynchronizer(audio_source=AudioSource(48000, 1), video_source=VideoSource(2, 2), video_fps=30).stats()
    with pytest.raises(FrozenInstanceError):
        stats.num_presented = 1  # type: ignore[misc]


def test_the_audio_source_is_asked_once_per_push() -> None:
    class Counting(AudioSource):
        num_asked = 0

        @property
        def queued_duration(self) -> float:
            self.num_asked += 1
            return super().queued_duration

    async def main() -> None:
        source = Counting(48000, 1)
        async with AVSynchronizer(audio_source=source, video_source=VideoSource(2, 2), video_fps=30) as sync:
            await sync.push(sound(), 0.02)
            await sync.push(Picture(10), 10)
            source.num_asked = 0
            for i in range(10):
                await sync.push(sound(), 0.04 + i * 0.02)
            assert source.num_asked == 10
        await source.aclose()

    run(main())


@pytest.mark.parametrize("queue_size_ms", [0, 1, 33, 50, 100, 1000])
def test_the_queue_takes_what_it_is_told(queue_size_ms: float) -> None:
    async def main() -> None:
        source = AudioSource(48000, 1)
        sync = AVSynchronizer(
            audio_source=source,
            video_source=VideoSource(2, 2),
            video_fps=30,
            video_queue_size_ms=queue_size_ms,
        )
        tasks = [asyncio.create_task(sync.push(Picture(i))) for i in range(100)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        size = max(1, int(queue_size_ms * 30 / 1000))
        assert sync.stats().num_queued_pictures == size
        assert sum(task.done() for task in tasks) == size + 1  # the first one is on the screen
        await asyncio.gather(*tasks)
        await sync.wait_for_playout()
        assert sync.stats().num_presented == 100
        await sync.aclose()
        await source.aclose()

    run(main())


def test_a_queue_of_one_in_time() -> None:
    watched = run(show(*two_tasks(10, 30), video_queue_size_ms=0))
    assert len(watched.shown) == 300
    assert worst(watched) < 1


def test_what_can_be_read() -> None:
    async def action(watched: Show) -> None:
        sync = watched.sync
        assert (sync.actual_fps, sync.last_video_time, sync.last_audio_time) == (
            0,
            0,
            0,
        )
        pushing = asyncio.gather(
            watched.push_video(times(10, 13, 25)),
            watched.push_audio(ends(10, 13)),
        )
        await asyncio.sleep(2.01)
        assert sync.last_video_time == 12
        assert sync.last_audio_time == pytest.approx(12.01, abs=0.002)
        assert sync.actual_fps == pytest.approx(25, rel=0.01)
        assert sync.stats().queued_audio_ms == pytest.approx(990, abs=2)
        await pushing
        await sync.wait_for_playout()
        await asyncio.sleep(4)
        assert sync.actual_fps < 6  # it is live: nothing is shown any more
        assert sync.last_audio_time == pytest.approx(13)

    run(show(action, fps=30))


def test_sdk_sources() -> None:
    """The SDK's sources and frames, which work without a server, on the real clock: 25 fps told 30, a task each."""
    rtc = pytest.importorskip("livekit.rtc")

    async def main() -> AVSynchronizerStats:
        audio_source, video_source = rtc.AudioSource(48000, 1), rtc.VideoSource(2, 2)
        picture = rtc.VideoFrame(2, 2, rtc.VideoBufferType.RGBA, bytes(16))
        async with AVSynchronizer(audio_source=audio_source, video_source=video_source, video_fps=30) as sync:

            async def push(frame: Any, timestamps: list[float]) -> None:
                for timestamp in timestamps:
                    await sync.push(frame, timestamp)

            await asyncio.gather(push(picture, times(0, 2, 25)), push(rtc.AudioFrame.create(48000, 1, 960), ends(0, 2)))
            await sync.wait_for_playout()
            stats = sync.stats()
            assert sync.last_audio_time == pytest.approx(2, abs=0.1)
        await audio_source.aclose()
        await video_source.aclose()
        return stats

    stats = asyncio.run(main())
    assert stats.num_presented + stats.num_dropped == 50
    assert abs(stats.offset_p50_ms) < IN_TIME_MS


def test_a_few_on_the_real_clock() -> None:
    watched = asyncio.run(show(*two_tasks(2, 25)))
    assert watched.stats.num_presented + watched.stats.num_dropped == 50
    assert sum(samples for _, samples in watched.heard) / 48000 == pytest.approx(2)
    assert abs(watched.stats.offset_p50_ms) < IN_TIME_MS
    offsets = sorted(offset for _, offset in watched.offsets_ms())
    assert abs(offsets[len(offsets) // 2]) < IN_TIME_MS
