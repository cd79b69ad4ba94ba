"""Recorder with pictures, in virtual time: each is where it was on the clock, and in the right file."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

from livekit_utils import (
    LocalVideoTrack,
    Recorder,
    VideoBufferType,
    VideoFrame,
    VideoFrameEvent,
    VideoRotation,
    VideoSource,
)
from tests.recording.test_recorder import bursts, stalls
from tests.support.long_runs import shortened
from tests.support.recordings import MemoryMovie, Microphone, clicks, movies_in_memory
from tests.support.virtual_time import VirtualTimeLoop, run

RATE = 8000


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> list[MemoryMovie]:
    return movies_in_memory(monkeypatch)


def recorder(**options: Any) -> Recorder:
    return Recorder("a.mp4", **{"sample_rate": RATE, "num_channels": 1, **options})


def picture(number: int, width: int = 4, height: int = 2) -> VideoFrame:
    """A picture whose first bytes are a number."""
    data = number.to_bytes(4, "big").ljust(width * height * 4, b"\0")
    return VideoFrame(width, height, VideoBufferType.RGBA, data)


def number_of(frame: VideoFrame) -> int:
    return int.from_bytes(frame.data[:4], "big")


def seen(file: MemoryMovie) -> list[tuple[float, int]]:
    """Where each picture is, and its number; -1 for black."""
    return [
        (round(at_s, 6), number_of(frame) if frame.type is VideoBufferType.RGBA else -1)
        for at_s, frame, _ in file.pictures
    ]


class Camera:
    """A track with numbered pictures."""

    def __init__(self, width: int = 4, height: int = 2) -> None:
        self.source = VideoSource(width, height)
        self.track = LocalVideoTrack.create_video_track("camera", self.source)
        self.count = 0

    def shoot(self, size: tuple[int, int] = (4, 2), **options: Any) -> None:
        self.source.capture_frame(picture(self.count, *size), **options)
        self.count += 1

    async def film(self, seconds: float, per_s: int = 25) -> None:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        for i in range(round(seconds * per_s)):
            await asyncio.sleep(max(0.0, begin + i / per_s - loop.time()))
            self.shoot()
        await asyncio.sleep(max(0.0, begin + seconds - loop.time()))


@pytest.mark.parametrize(("ppm", "lateness"), [(300, stalls), (-300, bursts)])
def test_pictures_are_with_their_sound_after_an_hour(files: list[MemoryMovie], ppm: float, lateness: Any) -> None:
    microphone = Microphone(RATE, ppm=ppm, lateness=lateness, per_s=50)
    camera, seconds = Camera(), shortened(3600)

    async def main() -> None:
        async with recorder() as recording:
            recording.add_video(camera.track)
            recording.add_stream(microphone.frames())
            await camera.film(seconds, per_s=5)
            stats = recording.stats().video
            assert stats is not None
            assert (stats.num_pictures, stats.num_dropped, stats.num_refused) == (seconds * 5, 0, 0)

    run(main())
    (file,) = files
    assert len(file.samples) == seconds * RATE
    places = np.array([at_s for at_s, _ in seen(file)])
    assert [number for _, number in seen(file)] == list(range(seconds * 5))
    off_s = places - np.arange(seconds * 5) / 5
    found = clicks(file.samples, RATE)
    sound_off_s = found - np.array(microphone.clicks)[: len(found)]
    assert len(found) > seconds - 10
    print(f"pictures off by {np.abs(off_s).max() * 1000:.2f} ms, sound by {np.abs(sound_off_s).max() * 1000:.2f} ms")
    assert np.abs(off_s).max() < 1e-3
    assert np.abs(off_s).max() + np.abs(sound_off_s).max() < 1 / 25


@pytest.mark.parametrize("timestamp_us", [0, 1, -(10**15), 10**15])
def test_pictures_lie_where_they_come_whatever_their_timestamps_say(
    files: list[MemoryMovie], timestamp_us: int
) -> None:
    camera = Camera()

    async def main() -> None:
        async with recorder() as recording:
            await asyncio.sleep(1)
            recording.add_video(camera.track)
            for _ in range(3):
                camera.shoot(timestamp_us=timestamp_us)
                await asyncio.sleep(0.5)

    run(main())
    assert seen(files[0]) == [(0.0, -1), (1.0, 0), (1.5, 1), (2.0, 2)]


def test_a_pause_takes_no_time(files: list[MemoryMovie]) -> None:
    camera = Camera()

    async def main() -> None:
        async with recorder() as recording:
            recording.add_video(camera.track)
            camera.shoot()
            await asyncio.sleep(1)
            recording.pause()
            camera.shoot()
            await asyncio.sleep(30)
            camera.shoot()
            recording.resume()
            await asyncio.sleep(1)
            camera.shoot()
            await asyncio.sleep(1)

    run(main())
    assert seen(files[0]) == [(0.0, 0), (2.0, 3)]
    assert len(files[0].samples) == 3 * RATE


def test_the_clock_stops(files: list[MemoryMovie]) -> None:
    camera = Camera()

    async def main() -> None:
        async with recorder(max_duration_s=2) as recording:
            recording.add_video(camera.track)
            await camera.film(4, per_s=2)

    run(main())
    assert seen(files[0]) == [(0.0, 0), (0.5, 1), (1.0, 2), (1.5, 3)]
    assert len(files[0].samples) == 2 * RATE


def test_a_split_loses_no_picture(files: list[MemoryMovie]) -> None:
    camera = Camera()

    async def main() -> None:
        async with recorder() as recording:
            recording.add_video(camera.track)
            filming = asyncio.create_task(camera.film(9))
            await asyncio.sleep(3.015)
            recording.split("b.mp4")
            await asyncio.sleep(3)
            recording.split("c.mkv")
            with pytest.raises(ValueError, match="file with pictures"):
                recording.split("d.wav")
            await filming
            await asyncio.sleep(1)

    run(main())
    assert [file.path.name for file in files] == ["a.mp4", "b.mp4", "c.mkv"]
    assert [file.size for file in files] == [(4, 2)] * 3
    numbers = [[number for _, number in seen(file)] for file in files]
    assert numbers[0] == list(range(76))
    assert numbers[1] == list(range(75, 151))  # it begins with the picture that is seen
    assert numbers[2] == list(range(150, 225))
    begins = np.cumsum([0, *(len(file.samples) for file in files)]) / RATE
    for begin, file in zip(begins, files, strict=False):
        assert seen(file)[0][0] == 0
        for at_s, number in seen(file)[1:]:
            assert at_s + begin == pytest.approx(number / 25)


def test_splits_while_nothing_moves(files: list[MemoryMovie]) -> None:
    """Each file begins with the picture that is seen, however short it is."""
    camera = Camera()

    async def main() -> None:
        async with recorder() as recording:
            recording.add_video(camera.track)
            camera.shoot()
            for name in "bcd":
                await asyncio.sleep(0.25 if name == "c" else 3)
                recording.split(f"{name}.mp4")
            await asyncio.sleep(0.1)

    run(main())
    assert [seen(file) for file in files] == [[(0.0, 0)]] * 4


def test_a_picture_that_stays_is_repeated_for_players_that_begin_later(files: list[MemoryMovie]) -> None:
    camera = Camera()

    async def main() -> None:
        async with recorder() as recording:
            recording.add_video(camera.track)
            camera.shoot()
            await asyncio.sleep(60)
            camera.shoot()
            await asyncio.sleep(1)
            stats = recording.stats().video
            assert stats is not None
            assert stats.num_pictures == 2

    run(main())
    shown = seen(files[0])
    assert shown[-1] == (60.0, 1)
    places = np.array([at_s for at_s, _ in shown])
    assert np.diff(places).max() < 8.2
    assert len(places) < 40


def test_a_track_that_never_begins(files: list[MemoryMovie]) -> None:
    async def main() -> None:
        camera = Camera(321, 241)
        async with recorder() as recording:
            recording.add_video(camera.track)
            await asyncio.sleep(5)
            camera.shoot()
            await asyncio.sleep(1)
        async with recorder() as recording:
            assert recording.stats().video is not None
            await asyncio.sleep(0.1)
        async with Recorder("b.mkv") as recording:
            recording.add_video(camera.track)

    run(main())
    assert [file.size for file in files] == [(320, 240), (1280, 720), (320, 240)]
    assert seen(files[0]) == [(0.0, -1), (5.0, 0)]
    assert seen(files[1]) == []
    assert seen(files[2]) == []


def test_the_size_is_that_of_the_first_picture(files: list[MemoryMovie]) -> None:
    camera = Camera(640, 480)
    quarter = VideoRotation.VIDEO_ROTATION_90

    async def main() -> None:
        for size, options in [((7, 5), {}), ((7, 5), {"rotation": quarter}), ((1, 1), {}), ((10_000, 2), {})]:
            async with recorder() as recording:
                recording.add_video(camera.track)
                camera.shoot(size, **options)
                camera.shoot((9, 9))
        async with recorder(video_size=(64, 48)) as recording:
            recording.add_video(camera.track)
            camera.shoot()

    run(main())
    assert [file.size for file in files] == [(6, 4), (4, 6), (2, 2), (4096, 2), (64, 48)]
    assert files[1].pictures[0][2] is quarter
    assert [len(file.pictures) for file in files] == [2, 2, 2, 2, 1]


def test_a_track_that_ends_is_muted_or_is_removed(files: list[MemoryMovie]) -> None:
    """The last picture stays."""
    first, second = Camera(), Camera()

    async def main() -> None:
        async with recorder() as recording:
            recording.add_video(first.track)
            first.shoot()
            with pytest.raises(ValueError, match="remove_video ends that"):
                recording.add_video(second.track)
            with pytest.raises(ValueError, match="remove_video ends that"):
                recording.add_video(first.track)
            with pytest.raises(ValueError, match="expected one of this Recorder"):
                recording.remove_video(second.track)
            await asyncio.sleep(1)
            first.track.mute()
            first.shoot()
            await first.source.aclose()
            recording.remove_video(first.track)  # it has ended by itself
            recording.remove_track(first.track)
            await asyncio.sleep(1)
            recording.add_video(second.track)
            second.shoot()
            await asyncio.sleep(1)
            recording.remove_track(second.track)
            second.shoot()
            with pytest.raises(ValueError, match="expected one of this Recorder"):
                recording.remove_video(second.track)
            await asyncio.sleep(1)
            recording.add_video(second.track)
            second.shoot()
            await asyncio.sleep(1)
        second.shoot()

    run(main())
    assert seen(files[0]) == [(0.0, 0), (2.0, 0), (4.0, 2)]


def test_an_encoder_that_does_not_keep_up(files: list[MemoryMovie], caplog: pytest.LogCaptureFixture) -> None:
    """Pictures are left out and counted; the newest one is seen as soon as it does."""
    camera = Camera()

    async def main() -> None:
        async with recorder() as recording:
            recording.add_video(camera.track)
            camera.shoot()
            await asyncio.sleep(1)
            files[0].is_full = True
            for _ in range(5):
                camera.shoot()
                await asyncio.sleep(0.05)
            await asyncio.sleep(0.725)
            files[0].is_full = False
            await asyncio.sleep(1)
            stats = recording.stats().video
            assert stats is not None
            assert (stats.num_pictures, stats.num_dropped) == (6, 5)
            files[0].is_full = True
            camera.shoot()
            files[0].is_full = False

    run(main())
    assert seen(files[0]) == [(0.0, 0), (2.0, 5), (2.975, 6)]
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_pictures_of_another_thread(files: list[MemoryMovie], monkeypatch: pytest.MonkeyPatch) -> None:
    """They lie where they were captured, however late the loop takes them. Few wait."""
    monkeypatch.setattr("livekit_utils.recording.recorded_video._MAX_WAITING_BYTES", 100)
    camera = Camera()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)

        def shoot() -> None:
            thread = threading.Thread(target=camera.shoot)
            thread.start()
            thread.join()

        async with recorder() as recording:
            recording.add_video(camera.track)
            for _ in range(5):  # the loop is held up
                shoot()
                loop.block(0.5)
            await asyncio.sleep(1)
            stats = recording.stats().video
            assert stats is not None
            assert (stats.num_pictures, stats.num_dropped) == (5, 2)
            shoot()
            await asyncio.sleep(0.5)
            shoot()
        shoot()

    run(main())
    assert seen(files[0]) == [(0.0, 0), (0.5, 1), (1.0, 2), (3.5, 5)]


@pytest.mark.parametrize("error", [OSError("lost"), asyncio.CancelledError(), None])
def test_a_track_of_the_sdk_that_fails_or_ends(
    files: list[MemoryMovie], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Any
) -> None:
    closed: list[Any] = []

    class Stream:
        def __init__(self, track: Any) -> None:
            self._events = self._read()

        async def _read(self) -> AsyncIterator[VideoFrameEvent]:
            for number in range(3):
                yield VideoFrameEvent(picture(number), 5_000_000 + number, VideoRotation.VIDEO_ROTATION_0)
                await asyncio.sleep(0.5)
            if error is not None:
                raise error

        async def __anext__(self) -> VideoFrameEvent:
            return await anext(self._events)

        async def aclose(self) -> None:
            closed.append(self)

    monkeypatch.setattr("livekit_utils.recording.recorded_video.VideoStream", Stream)
    track: Any = type("Track", (), {})()

    async def main() -> None:
        async with recorder() as recording:
            recording.add_video(track)
            await asyncio.sleep(2)
            recording.remove_video(track)  # it has ended by itself
            recording.add_video(track)
            recording.remove_video(track)
            recording.add_video(track)
            await asyncio.sleep(0.7)
        assert len(closed) == 3

    run(main())
    assert seen(files[0]) == [(0.0, 0), (0.5, 1), (1.0, 2), (2.0, 0), (2.5, 1)]
    assert [record.levelno for record in caplog.records] == ([] if error is None else [logging.ERROR])


def test_what_cannot_be_recorded(files: list[MemoryMovie], tmp_path: Any) -> None:
    camera = Camera()

    async def main() -> None:
        async with recorder() as recording:
            with pytest.raises(TypeError, match="track: expected"):
                recording.add_video("camera")  # type: ignore[arg-type]
            recording.add_video(camera.track)
        with pytest.raises(RuntimeError, match="closed"):
            recording.add_video(camera.track)
        async with Recorder(tmp_path / "a.wav") as recording:
            with pytest.raises(ValueError, match="sound alone"):
                recording.add_video(camera.track)
            assert recording.stats().video is None
            with pytest.raises(ValueError, match="sound alone"):
                recording.split(tmp_path / "b.mp4")

    run(main())
    size: Any
    for size, error in [((3, 4), ValueError), ((0, 4), ValueError), ((4, 5000), ValueError), (4, TypeError)]:
        with pytest.raises(error, match="video_size"):
            recorder(video_size=size)
    with pytest.raises(TypeError, match="video_size"):
        recorder(video_size=(4, "4"))
    with pytest.raises(ValueError, match=r"expected a name that ends in .wav, .flac, .ogg, .opus, .mp4, .mkv, got"):
        Recorder("a.avi")
