"""Recorder with pictures and real files: what is in them, played again, and left by a process that is killed."""

from __future__ import annotations

import asyncio
import errno
import gc
import logging
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from livekit_utils import AudioFrame, LocalVideoTrack, MediaPlayer, Recorder, VideoBufferType, VideoFrame, VideoSource
from tests.support.decoding import run as run_decoding
from tests.support.media_files import Audience, number_of, pixels
from tests.support.movies import load_movie
from tests.support.virtual_time import run

pytest.importorskip("av")

from livekit_utils.files.growing_file import GrowingFile

RATE = 48000
FPS = 25

PROGRAM = """
import asyncio, sys
from livekit_utils import Recorder
from tests.recording.test_recorder_video_files import beeps, counter

async def main():
    source, track = counter()
    recorder = Recorder(sys.argv[1], num_channels=1)
    recorder.add_video(track)
    recorder.add_stream(beeps())
    begin, number = asyncio.get_running_loop().time(), 0
    from tests.recording.test_recorder_video_files import picture
    while number < 25 * float(sys.argv[2]):
        await asyncio.sleep(max(0, begin + number / 25 - asyncio.get_running_loop().time()))
        source.capture_frame(picture(number))
        number += 1

asyncio.run(main())
"""


def counter() -> tuple[VideoSource, LocalVideoTrack]:
    source = VideoSource(64, 48)
    return source, LocalVideoTrack.create_video_track("counter", source)


def picture(number: int) -> VideoFrame:
    return VideoFrame(64, 48, VideoBufferType.RGB24, pixels(number, 64, 48).tobytes())


async def beeps() -> AsyncIterator[AudioFrame]:
    """A live stream with 10 ms of sound at the beginning of each second."""
    loop = asyncio.get_running_loop()
    begin, number = loop.time(), 0
    while True:
        samples = np.full(480, 8000 if number % 100 == 0 else 0, np.int16)
        number += 1
        await asyncio.sleep(max(0.0, begin + number / 100 - loop.time()))
        yield AudioFrame(samples, RATE, 1, 480)


async def film(source: VideoSource, seconds: float, first: int = 0) -> None:
    loop = asyncio.get_running_loop()
    begin = loop.time()
    for i in range(round(seconds * FPS)):
        await asyncio.sleep(max(0.0, begin + i / FPS - loop.time()))
        source.capture_frame(picture(first + i))
    await asyncio.sleep(max(0.0, begin + seconds - loop.time()))


def numbers(pictures: list[Any]) -> list[int]:
    found = []
    for rgb in pictures:
        data = np.concatenate([rgb, np.full((*rgb.shape[:2], 1), 255, np.uint8)], 2)
        found.append(number_of(VideoFrame(rgb.shape[1], rgb.shape[0], VideoBufferType.RGBA, data.tobytes())))
    return found


def record(path: Path, seconds: float, **options: Any) -> None:
    async def main() -> None:
        source, track = counter()
        async with Recorder(path, num_channels=1, **options) as recorder:
            recorder.add_video(track)
            recorder.add_stream(beeps())
            await film(source, seconds)
            stats = recorder.stats().video
            assert stats is not None
            assert (stats.num_pictures, stats.num_dropped) == (round(seconds * FPS), 0)

    run(main())


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_clip_of_20_s(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    record(path, 20)
    movie = load_movie(path)
    assert numbers(movie.pictures) == list(range(20 * FPS))
    off = np.array(movie.times) - np.arange(20 * FPS) / FPS
    beep_off = np.array(movie.beeps()) - np.arange(20)
    print(f"pictures off by {np.abs(off).max() * 1000:.2f} ms, sound by {np.abs(beep_off).max() * 1000:.2f} ms")
    assert np.abs(off).max() < 2e-3
    assert np.abs(beep_off).max() < 3e-3
    assert movie.sound_s == pytest.approx(20, abs=0.03)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_it_is_played_as_it_was_recorded(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    record(path, 5)
    seen: list[tuple[float, int]] = []
    heard: list[float] = []

    async def main() -> None:
        async with MediaPlayer(path) as player:
            audience = Audience(player)
            audience.keeps = False
            await player.play()
            audience.start = asyncio.get_running_loop().time()
            await player.wait_for_playout()
            seen.extend(audience.shown)
            heard.extend(when for when, _ in audience.heard)

    run_decoding(main())
    assert len(seen) == 5 * FPS
    begins = [at for i, at in enumerate(heard) if i == 0 or at - heard[i - 1] > 0.5]
    for second, begin in enumerate(begins[:5]):
        shown = next(when for when, number in seen if number >= second * FPS)
        assert abs(shown - begin) < 1 / FPS


def test_a_split_is_played_as_one(tmp_path: Path) -> None:
    async def main() -> None:
        source, track = counter()
        async with Recorder(tmp_path / "a.mp4", num_channels=1) as recorder:
            recorder.add_video(track)
            recorder.add_stream(beeps())
            filming = asyncio.create_task(film(source, 6))
            await asyncio.sleep(3.5)
            recorder.split(tmp_path / "b.mkv")
            await filming

    run(main())
    first, second = load_movie(tmp_path / "a.mp4"), load_movie(tmp_path / "b.mkv")
    assert numbers(first.pictures) == list(range(88))
    assert numbers(second.pictures) == list(range(87, 150))
    assert second.keys[0] == second.times[0] == 0
    assert second.times[1] == pytest.approx(0.02, abs=0.002)
    assert second.beeps() == pytest.approx([0.5, 1.5], abs=0.003)
    assert first.sound_s + second.sound_s == pytest.approx(6, abs=0.05)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="of Linux")
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_process_that_is_killed_leaves_all_but_the_last_second(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    with subprocess.Popen([sys.executable, "-c", PROGRAM, str(path), "60"], cwd=Path(__file__).parents[2]) as process:
        deadline = time.monotonic() + 60
        size = 0
        while size < 20_000:
            assert time.monotonic() < deadline
            time.sleep(0.05)
            size = path.stat().st_size if path.exists() else 0
        process.send_signal(signal.SIGKILL)
    movie = load_movie(path)
    found = numbers(movie.pictures)
    assert found == list(range(len(found)))
    assert len(found) > FPS
    assert abs(movie.times[-1] - movie.sound_s) < 1.2
    assert movie.beeps() == pytest.approx(range(len(movie.beeps())), abs=0.1)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_recorder_that_nobody_closes(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    result = subprocess.run(
        [sys.executable, "-W", "always", "-c", PROGRAM, str(path), "1.5"],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("ResourceWarning: Recorder(") == 1
    movie = load_movie(path)
    assert numbers(movie.pictures)[:37] == list(range(37))
    assert movie.duration_s is not None


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    append = GrowingFile.append

    def limited(self: GrowingFile, data: Any) -> None:
        room = 30_000 - self.size
        append(self, memoryview(data)[: max(0, room)])
        if len(data) > room:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(GrowingFile, "append", limited)

    async def main() -> None:
        source, track = counter()
        recorder = Recorder(tmp_path / "a.mp4", num_channels=1)
        recorder.add_video(track)
        recorder.add_stream(beeps())
        await film(source, 60)
        with pytest.raises(OSError, match="No space left") as caught:
            await recorder.aclose()
        assert caught.value.errno == errno.ENOSPC
        assert "No space left" in str(recorder.stats().error)

    run(main())
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    movie = load_movie(tmp_path / "a.mp4")
    assert numbers(movie.pictures) == list(range(len(movie.times)))


def test_a_recorder_that_is_collected(tmp_path: Path) -> None:
    async def main() -> None:
        source, track = counter()
        recorder = Recorder(tmp_path / "a.mkv", num_channels=1)
        recorder.add_video(track)
        await film(source, 1)

    with pytest.warns(ResourceWarning, match="was not closed"):  # noqa: PT031  the end of some loops collects it
        asyncio.run(main())
        gc.collect()
    deadline = time.monotonic() + 30
    while True:
        assert time.monotonic() < deadline
        time.sleep(0.05)
        if (tmp_path / "a.mkv").exists() and b"matroska" in (data := (tmp_path / "a.mkv").read_bytes()):
            movie = load_movie(data)
            if movie.duration_s is not None:
                break
    assert numbers(movie.pictures)[:24] == list(range(24))


def test_nothing_recorded(tmp_path: Path) -> None:
    run(Recorder(tmp_path / "a.mp4").aclose())
    run(Recorder(tmp_path / "a.mkv").aclose())
    assert not list(tmp_path.iterdir())
