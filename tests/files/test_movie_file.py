"""MovieFile: what is in it when it is closed, killed, or the disk is full."""

from __future__ import annotations

import asyncio
import errno
import logging
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from livekit_utils import VideoBufferType, VideoFrame, VideoRotation

pytest.importorskip("av")

from livekit_utils.files.growing_file import GrowingFile
from livekit_utils.files.movie_file import MovieFile
from livekit_utils.files.movie_writer import MovieWriter
from tests.support.media_files import number_of, pixels
from tests.support.movies import Movie, load_movie

RATE = 48000
UPRIGHT = VideoRotation.VIDEO_ROTATION_0

# Seconds from a picture to its sound, at most: Matroska counts in milliseconds, and Opus is no exact copy.
OFF_S = 0.0025


def picture(number: int, width: int = 64, height: int = 48) -> VideoFrame:
    return VideoFrame(width, height, VideoBufferType.RGB24, pixels(number, width, height).tobytes())


def beeps(begin: int, end: int, channels: int = 2, rate: int = RATE) -> bytes:
    """Samples with 10 ms of sound at the beginning of each second."""
    place = np.arange(begin, end)
    values = np.where(place % rate < rate // 100, 8000, 0).astype(np.int16)
    return values.repeat(channels).tobytes()


def film(file: MovieFile, seconds: float, begin_s: float = 0.0, per_s: int = 25) -> None:
    """Writes a picture for each 1/25 s, and its sound."""
    for i in range(round(begin_s * per_s), round((begin_s + seconds) * per_s)):
        while not file.picture(picture(i), UPRIGHT, i / per_s):
            time.sleep(0.01)
        step = file.sample_rate // per_s
        file.write(beeps(i * step, (i + 1) * step, file.num_channels, file.sample_rate))


def numbers(movie: Movie) -> list[int]:
    return [number_of(VideoFrame(64, 48, VideoBufferType.RGBA, rgba(rgb))) for rgb in movie.pictures]


def rgba(rgb: Any) -> bytes:
    return np.concatenate([rgb, np.full((*rgb.shape[:2], 1), 255, np.uint8)], 2).tobytes()


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize(("rate", "channels"), [(48000, 2), (16000, 1)])
def test_sound_and_pictures(tmp_path: Path, suffix: str, rate: int, channels: int) -> None:
    path = tmp_path / f"a.{suffix}"
    file = MovieFile(path, rate, channels)
    file.begin_pictures(64, 48)
    film(file, 6.2)
    file.silence(rate)
    file.close()
    with pytest.raises(RuntimeError, match="closed"):
        film(file, 1)
    assert (file.format, file.subtype) == (("MP4", "AAC") if suffix == "mp4" else ("MKV", "OPUS"))
    movie = load_movie(path)
    assert movie.codecs == ("h264", "aac" if suffix == "mp4" else "opus")
    assert movie.samples.shape[1] == channels
    assert numbers(movie) == [*range(155), 154]  # the last one stays until the end of the sound
    assert np.abs(np.array(movie.times[:-1]) - np.arange(155) / 25).max() <= 0.001
    assert movie.times[-1] == pytest.approx(7.16, abs=0.001)
    assert np.abs(np.array(movie.beeps()) - np.arange(7)[: len(movie.beeps())]).max() <= OFF_S
    assert len(movie.beeps()) == 7
    assert 7.2 <= movie.sound_s <= 7.2 + 2048 / rate
    assert movie.duration_s == pytest.approx(7.2, abs=0.04)
    assert np.diff([*movie.keys, 7.2]).max() <= 4.1
    if suffix == "mp4":  # an ordinary one, with an index, not only fragments
        data = path.read_bytes()
        assert data.count(b"moov") >= 1
        assert data.rfind(b"moov") > data.rfind(b"moof")


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_it_can_be_read_at_any_time(tmp_path: Path, suffix: str) -> None:
    """What a killed process leaves is what is in the file at that time."""
    path = tmp_path / f"a.{suffix}"
    file = MovieFile(path, RATE, 1)
    file.begin_pictures(64, 48)
    left: list[bytes] = []
    for second in range(4):
        film(file, 1, second)
        settle(file)
        left.append(path.read_bytes())
    file.close()
    for second, data in enumerate(left[1:], 2):
        movie = load_movie(data)
        assert movie.times[-1] >= second - 1
        assert movie.sound_s >= second - 1
        assert numbers(movie) == list(range(len(movie.times)))
        found = movie.beeps()
        assert len(found) >= second - 1
        assert np.abs(np.array(found) - np.arange(len(found))).max() <= OFF_S


def settle(file: MovieFile) -> None:
    """Waits until the thread has written what it was given."""
    written = threading.Event()
    file._behind.then(written.set, hurries=True)
    assert written.wait(60)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize("which", ["pictures", "sound"])
def test_one_of_both_may_be_missing_for_long(tmp_path: Path, suffix: str, which: str) -> None:
    """What is there is written all the same."""
    path = tmp_path / f"a.{suffix}"
    file = MovieFile(path, RATE, 1)
    file.begin_pictures(64, 48)
    film(file, 1)
    for i in range(25, 200):
        if which == "sound":
            file.picture(picture(i), UPRIGHT, i / 25)
        else:
            file.write(beeps(i * RATE // 25, (i + 1) * RATE // 25, 1))
    settle(file)
    data = path.read_bytes()
    if which == "sound":
        file.silence(7 * RATE)
    file.close()
    killed = load_movie(data)
    assert (killed.times[-1] if which == "sound" else killed.sound_s) > 6
    movie = load_movie(path)
    assert movie.sound_s == pytest.approx(8, abs=0.05)
    assert movie.times[-1] == pytest.approx(7.96, abs=0.01)
    assert len(movie.beeps()) == (1 if which == "sound" else 8)


def test_sound_before_the_size_is_known(tmp_path: Path) -> None:
    for name, begins in [("a.mkv", True), ("b.mkv", False)]:
        file = MovieFile(tmp_path / name, RATE, 1)
        file.write(beeps(0, RATE, 1))
        file.silence(RATE)
        if begins:
            file.begin_pictures(64, 48)
            file.picture(picture(5), UPRIGHT, 2.0)
        file.write(beeps(0, RATE, 1))
        file.close()
    movie = load_movie(tmp_path / "a.mkv")
    assert movie.times == pytest.approx([2.0, 2.96], abs=0.002)
    assert movie.beeps() == pytest.approx([0, 2], abs=OFF_S)
    assert not (tmp_path / "b.mkv").exists()


def test_places_that_are_the_same(tmp_path: Path) -> None:
    file = MovieFile(tmp_path / "a.mkv", RATE, 1)
    file.begin_pictures(64, 48)
    for i in range(5):
        file.picture(picture(i), UPRIGHT, 0.1 if i else -1.0)
    file.silence(RATE // 10)
    file.close()
    movie = load_movie(tmp_path / "a.mkv")
    assert movie.times == pytest.approx([0, 0.1, 0.101, 0.102, 0.103])
    assert numbers(movie) == list(range(5))


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_full_disk(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    append = GrowingFile.append

    def limited(self: GrowingFile, data: Any) -> None:
        room = 50_000 - self.size
        append(self, memoryview(data)[: max(room, 0)])
        if len(data) > room:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(GrowingFile, "append", limited)
    path = tmp_path / f"a.{suffix}"
    file = MovieFile(path, RATE, 1)
    file.begin_pictures(64, 48)
    for second in range(30):
        film(file, 1, second)
        settle_or_end(file)
        if file.error is not None:
            break
    assert file.error is not None
    film(file, 1)
    assert not file._behind._waiting
    with pytest.raises(OSError, match="No space left") as caught:
        file.close()
    assert caught.value.errno == errno.ENOSPC
    asyncio.run(file.aclose())
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert path.stat().st_size <= 50_000
    movie = load_movie(path)
    assert len(movie.times) > 25
    assert numbers(movie) == list(range(len(movie.times)))
    assert len(movie.beeps()) > 1


def settle_or_end(file: MovieFile) -> None:
    written = threading.Event()
    file._behind.then(written.set, hurries=True)
    while not (written.wait(0.01) or file._behind.done.happened):
        pass


def test_a_slow_encoder_costs_pictures_but_no_sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("livekit_utils.files.movie_file._MAX_WAITING_BYTES", 10 * 64 * 48 * 3)
    go, encode = threading.Event(), MovieWriter.picture

    def slow(self: MovieWriter, *arguments: Any) -> None:
        assert go.wait(60)
        encode(self, *arguments)

    monkeypatch.setattr(MovieWriter, "picture", slow)
    file = MovieFile(tmp_path / "a.mkv", RATE, 1)
    file.begin_pictures(64, 48)
    taken = []
    for i in range(100):
        taken.append(file.picture(picture(i), UPRIGHT, i / 25))
        file.write(beeps(i * RATE // 25, (i + 1) * RATE // 25, 1))
    assert taken == [True] * 10 + [False] * 90
    huge = VideoFrame(1000, 1000, VideoBufferType.RGB24, bytes(3_000_000))
    assert not file.picture(huge, UPRIGHT, 4.0)
    go.set()
    settle(file)
    assert [file.picture(huge, UPRIGHT, 4.0) for _ in range(4)] == [True] * 4  # a few of any size
    file.close()
    assert (file._num_waiting, file._num_waiting_bytes) == (0, 0)
    movie = load_movie(tmp_path / "a.mkv")
    assert len(movie.times) >= 14
    assert movie.beeps() == pytest.approx(range(4), abs=OFF_S)


def test_a_picture_that_cannot_be_converted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    file = MovieFile(tmp_path / "a.mkv", RATE, 1)
    file.begin_pictures(64, 48)
    monkeypatch.setattr("livekit_utils.files.picture_fitter._FORMATS", {VideoBufferType.RGB24: "rgb24"})
    for i in range(5):
        odd = VideoFrame(64, 48, VideoBufferType.I420, bytes(64 * 72))
        file.picture(odd if i in (1, 2) else picture(i), UPRIGHT, i / 25)
    file.silence(RATE // 5)
    file.close()
    assert file.num_refused == 2
    assert numbers(load_movie(tmp_path / "a.mkv")) == [0, 3, 4]
    assert len(caplog.records) == 1


def test_sizes_and_rotation_change(tmp_path: Path) -> None:
    file = MovieFile(tmp_path / "a.mp4", RATE, 1)
    file.begin_pictures(64, 48)
    sizes = [(64, 48), (128, 96), (33, 25), (48, 64), (1, 1), (500, 20)]
    for i, (width, height) in enumerate(sizes):
        white = VideoFrame(width, height, VideoBufferType.RGB24, b"\xff" * (width * height * 3))
        file.picture(white, VideoRotation(i % 4), i / 25)
    file.silence(RATE // 4)
    file.close()
    movie = load_movie(tmp_path / "a.mp4")
    assert [rgb.shape for rgb in movie.pictures] == [(48, 64, 3)] * 6
    means = [rgb.mean() for rgb in movie.pictures]
    assert means[0] > 250
    assert 160 > means[1] > 120  # on its side


@pytest.mark.parametrize(
    ("name", "rate", "channels", "message"),
    [
        ("a.mp4", 1000, 1, "sample_rate: expected one of 7350, .* for AAC in MP4, got 1000"),
        ("a.mkv", 44100, 1, "sample_rate: expected one of 8000, 12000, 16000, 24000, 48000 for OPUS in MKV, got 44100"),
        ("a.mkv", 48000, 3, "num_channels: expected 1 or 2 in MKV, got 3"),
        ("a.avi", 48000, 1, "file: expected a name that ends in .mp4, .mkv, got .avi"),
    ],
)
def test_what_a_file_cannot_hold(tmp_path: Path, name: str, rate: int, channels: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MovieFile(tmp_path / name, rate, channels)
    assert not list(tmp_path.iterdir())


def test_without_pyav(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ImportError, match=r'PyAV: pip install "\.\[video\]" in the source folder of the package'):
        MovieFile(tmp_path / "a.mp4", RATE, 1)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_without_h264(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with a build of FFmpeg that has no encoder of it."""
    has = MovieWriter._has
    monkeypatch.setattr(MovieWriter, "_has", lambda self, codec: "264" not in codec and has(self, codec))
    file = MovieFile(tmp_path / f"a.{suffix}", RATE, 1)
    file.begin_pictures(64, 48)
    film(file, 6)
    file.close()
    movie = load_movie(tmp_path / f"a.{suffix}")
    assert movie.codecs[0] == "mpeg4"
    assert numbers(movie) == list(range(150))
    assert np.abs(np.array(movie.times) - np.arange(150) / 25).max() <= 0.001
