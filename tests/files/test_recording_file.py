"""A recording is in its file, whatever ends it."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("soundfile")

import soundfile

from livekit_utils.files import wav_writer, write_behind
from livekit_utils.files.growing_file import GrowingFile
from livekit_utils.files.recording_file import RecordingFile
from livekit_utils.files.wav_writer import WavWriter
from livekit_utils.files.write_behind import WriteBehind
from tests.support.randomness import Rand

Samples = npt.NDArray[np.int16]

RATE = 48000
SUFFIXES = ["wav", "flac", "ogg"]
# The sound in FLAC's frame, and in a page of Ogg and the encoder.
UNWRITTEN = {"wav": 0, "flac": 4096, "ogg": RATE // 4}

linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="of Linux")

# Writes 480 samples at a time: seconds of sound, whose samples count, in 2 channels. Then it does what it is told.
PROGRAM = """
import sys, time
import numpy as np
from livekit_utils.files.recording_file import RecordingFile
path, seconds, end = sys.argv[1], float(sys.argv[2]), sys.argv[3]
file = RecordingFile(path, 48000, 2)
count = np.arange(round(seconds * 48000)) % 20000
samples = np.stack([count, -count], 1).astype(np.int16)
for begin in range(0, len(samples), 480):
    file.write(samples[begin : begin + 480])
print("written", flush=True)
if end == "wait":
    sys.stdin.read()
elif end == "close":
    try:
        file.close()
    except OSError as error:
        print(error.errno, flush=True)
"""


def counting(num_samples: int) -> Samples:
    count = np.arange(num_samples) % 20000
    return np.stack([count, -count], 1).astype(np.int16)


def load(path: Path) -> Samples:
    samples: Samples = soundfile.read(path, dtype="int16", always_2d=True)[0]
    return samples


def is_like(samples: Samples, expected: Samples, suffix: str) -> bool:
    if suffix != "ogg":
        return np.array_equal(samples, expected)
    return len(samples) == len(expected)  # Opus changes the samples; see test_opus


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("num_channels", [1, 2, 5])
@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_every_sample(tmp_path: Path, rand: Rand, suffix: str, num_channels: int) -> None:
    path = tmp_path / f"a.{suffix}"
    samples = np.random.default_rng(rand.randrange(2**32)).integers(-32768, 32767, (10_007, num_channels), np.int16)
    file = RecordingFile(path, 44_100, num_channels)
    for begin in range(0, len(samples), 441):
        file.write(samples[begin : begin + 441].data)
    file.silence(70_000)
    file.write(samples[:5].tobytes())
    assert file.samples_per_channel == 80_012
    file.close()
    file.close()
    with pytest.raises(RuntimeError, match="closed"):
        file.write(b"")
    expected = np.concatenate([samples, np.zeros((70_000, num_channels), np.int16), samples[:5]])
    assert np.array_equal(load(path), expected)
    info = soundfile.info(path)
    assert (info.samplerate, info.format, info.subtype) == (44_100, suffix.upper(), "PCM_16")


@pytest.mark.parametrize("rate", [8000, 48_000])
@pytest.mark.parametrize("suffix", ["ogg", "opus"])
def test_opus(tmp_path: Path, suffix: str, rate: int) -> None:
    path = tmp_path / f"a.{suffix}"
    time_s = np.arange(2 * rate) / rate
    tone = (8000 * np.sin(2 * np.pi * 440 * time_s) * (time_s >= 1)).astype(np.int16)
    file = RecordingFile(path, rate, 1)
    file.write(tone)
    file.close()
    info = soundfile.info(path)
    assert (info.format, info.subtype, info.samplerate, info.frames) == ("OGG", "OPUS", rate, 2 * rate)
    got = load(path)[:, 0].astype(float)
    assert np.std(got[: rate - rate // 20]) < 100  # the tone is where it was
    assert np.corrcoef(got[rate + rate // 20 :], tone[rate + rate // 20 :])[0, 1] > 0.99


@linux_only
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_process_that_is_killed_leaves_all_but_the_last_moment(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    seconds = 3.3
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(path), str(seconds), "wait"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        least = round(seconds * RATE) - UNWRITTEN[suffix]

        def is_there() -> bool:
            try:
                return bool(least <= soundfile.info(path).frames < 2**40)  # the first frames of FLAC come before it
            except soundfile.LibsndfileError:
                return False  # a header without sound

        wait_for(is_there)
        process.send_signal(signal.SIGKILL)
    samples = load(path)
    assert len(samples) >= least
    assert is_like(samples, counting(len(samples)), suffix)
    assert list(tmp_path.iterdir()) == [path]


@linux_only
@pytest.mark.parametrize("limit_kb", [0, 1, 5, 40])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_that_may_not_grow(tmp_path: Path, suffix: str, limit_kb: int) -> None:
    path = tmp_path / f"a.{suffix}"
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[4]),) * 2)\n"
    result = subprocess.run(
        [sys.executable, "-c", "import sys\n" + limited + PROGRAM, str(path), "20", "close", str(limit_kb * 1024)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"written\n{errno.EFBIG}\n"
    assert result.stderr.count("ends here, and is kept: File too large") == 1
    check_what_is_left(path, suffix, limit_kb * 1024)


def check_what_is_left(path: Path, suffix: str, num_bytes: int) -> None:
    if not path.exists():  # there was no room for the header
        assert num_bytes < 100
        return
    if path.stat().st_size < 2000 and suffix != "wav":
        return  # there was no room for a whole frame or page
    assert num_bytes - 20_000 < path.stat().st_size <= num_bytes
    samples = load(path)
    assert len(samples) > 0
    assert is_like(samples, counting(len(samples)), suffix)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_full_file_system(tmp_path: Path, suffix: str, small_disk: Path, caplog: Any) -> None:
    path = small_disk / f"a.{suffix}"
    rng = np.random.default_rng(0)
    samples = rng.integers(-3000, 3000, (RATE * 40, 2), np.int16)
    file = RecordingFile(path, RATE, 2)
    for begin in range(0, len(samples), RATE):
        file.write(samples[begin : begin + RATE])
    with pytest.raises(OSError, match=path.name) as caught:
        file.close()
    assert caught.value.errno == errno.ENOSPC
    file.close()
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    got = load(path)
    assert len(got) > RATE
    assert is_like(got, samples[: len(got)], suffix)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 400 KB."""
    directory = tmp_path / "disk"
    directory.mkdir()
    mount = shutil.which("mount")
    if (
        mount is None
        or subprocess.run(
            [mount, "-t", "tmpfs", "-o", "size=400k", "tmpfs", directory], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("no file system can be mounted here")
    yield directory
    subprocess.run(["umount", directory], check=True)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("fails_at", [0, 1, 2, 3, 4, 5, 8, 13])
def test_an_error_of_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any, suffix: str, fails_at: int
) -> None:
    """Of the n-th write, half of which is done; the disk works again afterwards."""
    append = GrowingFile.append
    num_calls = 0

    def half(self: GrowingFile, data: Any) -> None:
        nonlocal num_calls
        num_calls += 1
        if num_calls - 1 == fails_at:
            append(self, memoryview(data)[: len(data) // 2])
            raise OSError(errno.EIO, "Input/output error")
        append(self, data)

    monkeypatch.setattr(GrowingFile, "append", half)
    path = tmp_path / f"a.{suffix}"
    file = RecordingFile(path, RATE, 2)
    samples = counting(300_000)
    for begin in range(0, len(samples), 4800):
        file.write(samples[begin : begin + 4800])
    with pytest.raises(OSError, match="Input/output error"):
        file.close()
    assert len(caplog.records) == 1
    if path.exists() and path.stat().st_size > 2000:
        got = load(path)
        assert is_like(got, samples[: len(got)], suffix)


def test_after_an_error_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: GrowingFile, data: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(GrowingFile, "append", fail)
    file = RecordingFile(tmp_path / "a.wav", RATE, 1)
    file.write(bytes(960))
    assert file._behind.done.wait(30)
    assert file.error is not None
    length = file.samples_per_channel
    file.write(bytes(960))
    file.silence(100)
    assert file.samples_per_channel == length

    async def main() -> None:
        with pytest.raises(OSError, match="No space left"):
            await file.aclose()
        await file.aclose()

    asyncio.run(main())
    assert not list(tmp_path.iterdir())


def test_an_error_of_the_encoder_keeps_its_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    def fail(self: Any, *arguments: Any) -> None:
        raise OSError("encoding failed: no such thing")

    monkeypatch.setattr(WavWriter, "write", fail)
    monkeypatch.setattr(WavWriter, "close", lambda self: 1 / 0)
    file = RecordingFile(tmp_path / "a.wav", RATE, 1)
    file.write(bytes(960))
    file.mark("before")
    with pytest.raises(OSError, match="encoding failed: no such thing"):
        file.close()
    assert file._behind._file._raw.closed
    assert "encoding failed: no such thing" in caplog.text


def test_marks_after_an_error_take_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: GrowingFile, data: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(GrowingFile, "append", fail)
    file = RecordingFile(tmp_path / "a.wav", RATE, 1)
    file.write(bytes(960))
    assert file._behind.done.wait(30)
    for _ in range(100):
        file.mark("late")
    assert not file._behind._waiting
    with pytest.raises(OSError, match="No space left"):
        file.close()


def test_samples_that_may_still_change(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    file = RecordingFile(path, RATE, 2)
    file.write(counting(1000))
    for length in (500, 30_000, 200):
        file.tail(counting(length))
        wait_for(lambda length=length: path.stat().st_size == 80 + 4 * max(1000 + length, 0) or length == 200)
    wait_for(lambda: soundfile.info(path).frames == 1200)
    assert np.array_equal(load(path), np.concatenate([counting(1000), counting(200)]))
    file.write(counting(50))
    wait_for(lambda: soundfile.info(path).frames == 1050)
    file.tail(counting(500))
    file.close()
    assert np.array_equal(load(path), np.concatenate([counting(1000), counting(50)]))


def test_more_than_a_riff_can_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wav_writer, "_MAX_RIFF_BYTES", 100_000)
    path = tmp_path / "a.wav"
    file = RecordingFile(path, RATE, 2)
    file.write(counting(24_900))
    file.write(counting(24_900))
    file.close()
    assert path.read_bytes()[:4] == b"RF64"
    assert np.array_equal(load(path), np.concatenate([counting(24_900)] * 2))


@linux_only
def test_more_than_4_gib(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    file = GrowingFile(path, overwrite=False)
    writer = WavWriter(file, RATE, 2)
    writer.write(counting(100))
    hole = (1 << 32) // 4
    os.truncate(path, file.size + hole * 4)
    file.size += hole * 4
    file.read(0, 0)  # goes to the end
    writer.write(counting(100))
    writer.close()
    file.close()
    assert soundfile.info(path).frames == 200 + hole
    with soundfile.SoundFile(path) as sound:
        sound.seek(100 + hole)
        assert np.array_equal(sound.read(dtype="int16"), counting(100))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_nothing_recorded(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    RecordingFile(path, RATE, 1).close()
    assert not path.exists()
    path.write_text("precious")
    RecordingFile(path, RATE, 1, overwrite=True).close()
    assert path.read_text() == "precious"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_exists(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(bytes(100_000))
    with pytest.raises(FileExistsError, match=path.name):
        RecordingFile(path, RATE, 1)
    assert path.read_bytes() == bytes(100_000)
    link = tmp_path / f"link.{suffix}"
    link.symlink_to(path.name)
    with pytest.raises(FileExistsError, match=link.name):
        RecordingFile(link, RATE, 1)
    file = RecordingFile(link, RATE, 2, overwrite=True)
    file.write(counting(1000))
    file.close()
    assert link.is_symlink()
    assert is_like(load(path), counting(1000), suffix)
    path.unlink()
    RecordingFile(link, RATE, 1).close()
    assert [entry.name for entry in tmp_path.iterdir()] == [link.name]


@pytest.mark.parametrize(
    ("name", "rate", "channels", "format", "message"),
    [
        ("a.mp3", RATE, 1, None, r"file: expected a name that ends in .wav, .flac, .ogg, .opus, got .mp3"),
        ("a", RATE, 1, None, "got none"),
        ("a.wav", RATE, 1, "mp3", "format: expected one of 'wav', 'flac', 'ogg', 'opus', got 'mp3'"),
        ("a.wav", 0, 1, None, "cannot hold 1 channels at 0 Hz"),
        ("a.wav", RATE, 40_000, None, "cannot hold 40000 channels"),
        ("a.wav", 2**31, 2, None, "cannot hold 2 channels at 2147483648 Hz"),
        ("a.flac", RATE, 9, None, "FLAC cannot hold 9 channels"),
        ("a.ogg", 44_100, 1, None, "expected one of 8000, 12000, 16000, 24000, 48000 for Ogg Opus, got 44100"),
    ],
)
def test_what_no_file_can_hold(
    tmp_path: Path, name: str, rate: int, channels: int, format: str | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        RecordingFile(tmp_path / name, rate, channels, format=format)
    assert not list(tmp_path.iterdir())
    (tmp_path / "dir.wav").mkdir()
    for overwrite in (False, True):
        with pytest.raises(ValueError, match="a directory or a device"):
            RecordingFile(tmp_path / "dir.wav", RATE, 1, overwrite=overwrite)
    with pytest.raises(FileNotFoundError):
        RecordingFile(tmp_path / "no" / "a.wav", RATE, 1)


def test_a_disk_that_hangs_costs_bounded_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    """What the disk is being given counts, too."""
    monkeypatch.setattr(write_behind, "_MAX_WAITING_BYTES", 100_000)
    begun, hangs, written = threading.Event(), threading.Event(), []

    class Slow:
        def write(self, samples: Any) -> None:
            begun.set()
            hangs.wait(30)
            written.append(bytes(samples))

        def settle(self) -> None:
            pass

        def write_tail(self, samples: Any) -> None:
            raise AssertionError("nothing may change")

        close = settle

    behind = WriteBehind(GrowingFile(tmp_path / "a.wav", overwrite=False), Slow(), 2)
    for number in range(1000):
        if number == 100:
            assert begun.wait(30)
        behind.write(b"ab" * 480)
    hangs.set()
    behind.end()
    assert behind.done.wait(30)
    sound = b"".join(written)
    assert len(sound) == 1000 * 960  # the file is as long as the clock
    assert behind.num_lost * 2 == sound.count(b"\0") >= 1000 * 960 - 100_000
    assert len(caplog.records) == 1


def test_closing_may_be_cancelled(tmp_path: Path) -> None:
    async def main() -> None:
        async with RecordingFile(tmp_path / "a.wav", RATE, 2) as file:
            file.write(counting(1000))
            task = asyncio.create_task(file.aclose())
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert np.array_equal(load(tmp_path / "a.wav"), counting(1000))

    asyncio.run(main())
