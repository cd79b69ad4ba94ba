"""Recorder with real files: how it ends, and what is left when it does not."""

from __future__ import annotations

import asyncio
import errno
import gc
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("soundfile")

import soundfile

from livekit_utils import AudioFrame, AudioSource, LocalAudioTrack, Recorder
from livekit_utils.files.growing_file import GrowingFile
from tests.support.virtual_time import run

RATE = 48000

PROGRAM = """
import asyncio, sys
import numpy as np
from livekit_utils import AudioFrame, Recorder

async def live():
    samples, due = np.full((480, 2), 1000, np.int16), asyncio.get_running_loop().time()
    while True:
        due += 0.01
        await asyncio.sleep(due - asyncio.get_running_loop().time())
        yield AudioFrame(samples, 48000, 2, 480)

async def main():
    global recorders
    path, seconds, *others = sys.argv[1:]
    recorders = [Recorder(path) for path in (path, *others)]
    for recorder in recorders:
        recorder.add_stream(live())
    await asyncio.sleep(float(seconds))

asyncio.run(main())
"""


async def live(value: int = 1000) -> AsyncIterator[AudioFrame]:
    while True:
        await asyncio.sleep(0.01)
        yield AudioFrame(np.full(480, value, np.int16), RATE, 1, 480)


def load(path: Path) -> Any:
    return soundfile.read(path, dtype="int16", always_2d=True)[0]


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg"])
def test_a_call_in_two_files(tmp_path: Path, suffix: str) -> None:
    first, second = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}"

    async def main() -> None:
        async with Recorder(first) as recorder:
            recorder.add_stream(live(), channel=0)
            await asyncio.sleep(3)
            recorder.mark("here")
            with pytest.raises(FileExistsError):
                recorder.split(first)
            recorder.split(second)
            await asyncio.sleep(2)
        await recorder.aclose()
        assert "closed" in repr(recorder)
        assert recorder.duration_s == pytest.approx(5)

    run(main())
    assert [len(load(path)) for path in (first, second)] == [3 * RATE, 2 * RATE]
    if suffix != "ogg":
        assert (load(first)[:, 0] == 1000).all()
        assert not load(first)[:, 1].any()
    marks = tmp_path / f"a.{suffix}.marks.jsonl"
    assert json.loads(marks.read_text()) == {"at_s": 3.0, "text": "here"}
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([first.name, second.name, marks.name])
    for path in (first, marks.with_name(f"c.{suffix}")):
        (tmp_path / f"c.{suffix}.marks.jsonl").touch()
        with pytest.raises(FileExistsError):
            Recorder(path)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="of Linux")
@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg"])
def test_a_process_that_is_killed_leaves_all_but_the_last_second(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    with subprocess.Popen([sys.executable, "-c", PROGRAM, str(path), "60"]) as process:
        deadline = time.monotonic() + 60
        frames = 0
        while not 3 * RATE <= frames < 2**40:  # the first frames of FLAC come before their number
            assert time.monotonic() < deadline
            time.sleep(0.05)
            try:
                frames = soundfile.info(path).frames
            except soundfile.LibsndfileError:
                continue
        process.send_signal(signal.SIGKILL)
    samples = load(path)
    assert len(samples) >= 3 * RATE
    if suffix != "ogg":
        # A stream that a busy machine holds up leaves silence.
        assert set(np.unique(samples[100:])) <= {0, 1000}
        assert (samples == 1000).any()


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg"])
def test_a_recorder_that_nobody_closes(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    result = subprocess.run(
        [sys.executable, "-W", "always", "-c", PROGRAM, str(path), "1.5"], capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("ResourceWarning: Recorder(") == 1
    assert 1.4 < len(load(path)) / RATE < 30


def test_recorders_that_nobody_closes_where_warnings_are_errors(tmp_path: Path) -> None:
    paths = [tmp_path / "a.wav", tmp_path / "b.wav"]
    command = [sys.executable, "-W", "error", "-c", PROGRAM, str(paths[0]), "1.5", str(paths[1])]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert "was not closed" in result.stderr
    for path in paths:
        assert len(load(path)) / RATE > 1.4


def test_a_recorder_that_is_collected(tmp_path: Path) -> None:
    async def main() -> None:
        recorder = Recorder(tmp_path / "a.wav")
        recorder.add_stream(live())
        await asyncio.sleep(1)

    with pytest.warns(ResourceWarning, match="was not closed"):  # noqa: PT031  the end of some loops collects it
        asyncio.run(main())
        gc.collect()
    deadline = time.monotonic() + 30
    while soundfile.info(tmp_path / "a.wav").frames < RATE * 0.9:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    append = GrowingFile.append

    def limited(self: GrowingFile, data: Any) -> None:
        room = 300_000 - self.size
        append(self, memoryview(data)[:room])
        if len(data) > room:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(GrowingFile, "append", limited)

    async def main() -> None:
        recorder = Recorder(tmp_path / "a.wav")
        recorder.add_stream(live())
        assert recorder.stats().error is None
        await asyncio.sleep(20)
        # Virtual time is faster than the thread that writes.
        recorder._files._file._behind.done.wait()
        error = recorder.stats().error
        assert error is not None
        recorder.split(tmp_path / "b.wav")  # on a disk that has room, say
        await asyncio.sleep(1)
        assert recorder.stats().error == error
        with pytest.raises(OSError, match="No space left") as caught:
            await recorder.aclose()
        assert str(caught.value) == error
        assert caught.value.errno == errno.ENOSPC
        await recorder.aclose()
        assert recorder.stats().error == error

    run(main())
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert len(load(tmp_path / "a.wav")) == (300_000 - 80) // 4
    assert len(load(tmp_path / "b.wav")) == RATE


def test_marks_of_a_recording_that_is_overwritten(tmp_path: Path) -> None:
    path, marks = tmp_path / "a.wav", tmp_path / "a.wav.marks.jsonl"
    path.touch()
    marks.write_text("old\n")

    async def main(*texts: str) -> None:
        async with Recorder(path, overwrite=True) as recorder:
            await asyncio.sleep(1)
            for text in texts:
                recorder.mark(text)

    run(Recorder(path, overwrite=True).aclose())
    assert marks.read_text() == "old\n"
    run(main("one", "two"))
    assert [json.loads(line)["text"] for line in marks.read_text().splitlines()] == ["one", "two"]
    run(main())
    assert not marks.exists()


def test_nothing_recorded(tmp_path: Path) -> None:
    run(Recorder(tmp_path / "a.wav").aclose())
    assert not list(tmp_path.iterdir())
    recorder = Recorder(tmp_path / "a.wav")
    with pytest.raises(RuntimeError, match="no running event loop"):
        recorder.add_stream(live())
    run(recorder.aclose())


def test_after_the_close(tmp_path: Path) -> None:
    async def main() -> None:
        recorder = Recorder(tmp_path / "a.wav")
        await asyncio.gather(*[recorder.aclose() for _ in range(3)])
        source = AudioSource(RATE, 1)
        track = LocalAudioTrack.create_audio_track("a", source)
        for call in (
            lambda: recorder.add_stream(live()),
            lambda: recorder.add_track(track),
            lambda: recorder.write(AudioFrame.create(RATE, 1, 480), at_s=0),
            lambda: recorder.mark("a"),
            lambda: recorder.split(tmp_path / "b.wav"),
            recorder.pause,
            recorder.resume,
        ):
            with pytest.raises(RuntimeError, match="closed"):
                call()
        assert recorder.stats().duration_s == 0
        await source.aclose()

    run(main())


def test_closing_may_be_cancelled(tmp_path: Path) -> None:
    """The recording has ended all the same, and its streams are released."""

    async def stubborn() -> AsyncIterator[AudioFrame]:
        try:
            async for frame in live():
                yield frame
        finally:
            await asyncio.sleep(0.5)

    async def main() -> None:
        recorder = Recorder(tmp_path / "a.wav")
        recorder.add_stream(stubborn())
        await asyncio.sleep(1)
        closing = asyncio.create_task(recorder.aclose())
        await asyncio.sleep(0.01)
        closing.cancel()
        await asyncio.gather(closing, return_exceptions=True)
        await recorder.aclose()

    run(main())
    assert len(load(tmp_path / "a.wav")) == RATE


def test_a_track_of_another_thread(tmp_path: Path) -> None:
    """Its source is used in a loop of its own."""
    source = AudioSource(RATE, 1)
    track = LocalAudioTrack.create_audio_track("a", source)

    async def play() -> None:
        await source.capture_frame(AudioFrame(np.full(RATE // 2, 1000, np.int16), RATE, 1, RATE // 2))
        await source.wait_for_playout()
        await source.aclose()

    async def main() -> None:
        async with Recorder(tmp_path / "a.wav", num_channels=1) as recorder:
            recorder.add_track(track)
            await asyncio.to_thread(lambda: asyncio.run(play()))
            await asyncio.sleep(0.1)
            assert recorder.stats().streams == {}

    asyncio.run(main())
    assert np.count_nonzero(load(tmp_path / "a.wav")) == RATE // 2


def test_files_that_are_whole_are_forgotten(tmp_path: Path) -> None:
    """As of a recorder that begins a new file every minute, for days."""

    async def main() -> None:
        async with Recorder(tmp_path / "0.wav", sample_rate=8000) as recorder:
            for number in range(1, 9):
                recorder.write(AudioFrame.create(8000, 1, 80), at_s=recorder.duration_s)
                await asyncio.sleep(0.3)
                recorder.split(tmp_path / f"{number}.wav")
            await asyncio.sleep(0.4)
            for file in recorder._files._full:
                assert await file._behind.done.happens(10)
            recorder.split(tmp_path / "last.wav")
            await asyncio.sleep(0.4)
            assert len(recorder._files._full) == 1

    asyncio.run(main())
    assert sum(len(load(path)) for path in tmp_path.glob("*.wav")) > 8000


def test_memory_is_bounded(tmp_path: Path) -> None:
    """Ten minutes need no more than one."""
    if not sys.platform.startswith("linux"):
        pytest.skip("peak memory is read from /proc")
    code = (
        "import asyncio, sys, time\n"
        "from livekit_utils import AudioFrame, Recorder\n"
        "from tests.support.virtual_time import run\n"
        "async def live():\n"
        "    while True:\n"
        "        await asyncio.sleep(0.1)\n"
        "        yield AudioFrame.create(8000, 1, 800)\n"
        "async def main():\n"
        "    async with Recorder(sys.argv[1], sample_rate=8000) as recorder:\n"
        "        recorder.add_stream(live())\n"
        "        for _ in range(int(sys.argv[2]) // 60):\n"
        "            await asyncio.sleep(60)\n"
        "            while recorder._files._file._behind._num_waiting:\n"  # virtual time is faster than a disk
        "                time.sleep(0.001)\n"
        "run(main())\n"
        "print([line for line in open('/proc/self/status') if line.startswith('VmHWM')][0].split()[1])\n"
    )

    def peak_mb(seconds: int) -> float:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        result = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / f"{seconds}.wav"), str(seconds)],
            capture_output=True, text=True, timeout=100, env=environment, check=False,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        return int(result.stdout) / 1024

    assert peak_mb(600) < peak_mb(60) + 8  # which are 19 MB
