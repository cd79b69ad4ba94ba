"""AudioFile where files change or fail, and where readers and decoders get in each other's way."""

from __future__ import annotations

import asyncio
import io
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from livekit_utils import AudioFile, AudioMixer
from livekit_utils.files import audio_file
from tests.support import decoding
from tests.support.sound_card import SoundCard, plug_in
from tests.support.sound_files import encode, signal
from tests.support.speakers import heard, player

SAMPLES = (np.arange(96000) * 7 % 20000 + 1).astype(np.int16)
DATA = encode(SAMPLES, 48000, "WAV")


def values(frames: Any) -> Any:
    return np.frombuffer(b"".join(bytes(frame.data) for frame in frames), np.int16)


class Slow(io.BytesIO):
    """A file on a disk that does not answer while `answers` is not set."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.answers, self.is_asked = threading.Event(), threading.Event()
        self.answers.set()

    def readinto(self, buffer: Any) -> int:
        self.is_asked.set()
        assert self.answers.wait(10)
        return super().readinto(buffer)

    def read(self, size: int | None = -1) -> bytes:
        self.is_asked.set()
        assert self.answers.wait(10)
        return super().read(size)


def test_a_seek_does_not_wait_for_the_decoder() -> None:
    async def main() -> None:
        source = Slow(DATA)
        async with AudioFile(source) as file:
            source.answers.clear()
            source.is_asked.clear()
            reading = asyncio.ensure_future(anext(file))
            await asyncio.sleep(0)
            assert source.is_asked.wait(10)
            file.seek(1)
            file.seek(1.5)
            assert file.position_s == 1.5
            source.answers.set()
            assert np.array_equal(values([await reading]), SAMPLES[72000:72480])
            assert np.array_equal(values([frame async for frame in file]), SAMPLES[72480:])

    with decoding.nothing_is_left():
        asyncio.run(main())


def test_a_close_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio_file, "_CLOSE_S", 0)

    async def main() -> None:
        source = Slow(DATA)
        file = AudioFile(source)
        source.answers.clear()
        source.is_asked.clear()
        reading = asyncio.ensure_future(anext(file, None))
        await asyncio.sleep(0)
        assert source.is_asked.wait(10)
        await file.aclose()
        assert await reading is None
        assert not file._ahead.released.happened
        source.answers.set()
        assert file._ahead.released.wait(10)

    with decoding.nothing_is_left():
        asyncio.run(main())


def test_no_more_is_read_ahead_than_half_a_second() -> None:
    async def main() -> None:
        source = io.BytesIO(encode(np.tile(SAMPLES, 30), 48000, "WAV"))
        async with AudioFile(source) as file:
            for number in range(200):
                await anext(file)
                assert decoding.no_thread_is_left()
                ahead = source.tell() - 44 - 2 * 480 * (number + 1)
                assert 2 * 480 * 20 < ahead <= 2 * 480 * 70

    asyncio.run(main())


def test_many_readers_seeks_and_closes_at_once(rand: Any) -> None:
    """Frames are whole and from where they say, whoever does what when."""

    async def read(file: AudioFile, seed: int) -> None:
        for step in range(seed % 40):
            frame = await anext(file, None)
            if frame is None:
                return
            assert set(np.diff(values([frame])) % 20000) == {7}
            if step % 7 == seed % 7:
                file.seek((seed % 100) / 50)
            if step % 3 == 0:
                await asyncio.sleep(0)

    async def main() -> None:
        for _ in range(15):
            async with AudioFile(io.BytesIO(DATA)) as file:
                tasks = [asyncio.ensure_future(read(file, rand.randrange(1000))) for _ in range(4)]
                for _ in range(rand.randrange(8)):
                    await asyncio.sleep(0)
                if rand.random() < 0.5:
                    tasks[0].cancel()
                await asyncio.wait(tasks, timeout=None if rand.random() < 0.5 else 0)
            done, pending = await asyncio.wait(tasks, timeout=10)
            assert not pending
            assert all(task.cancelled() or task.exception() is None for task in done)

    with decoding.nothing_is_left():
        asyncio.run(main())


def test_a_file_that_grows_is_read_as_far_as_it_went_at_first(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(DATA[: 44 + 2 * 40000])
    with AudioFile(path) as file:
        frames = [next(file)]
        with path.open("ab") as more:
            more.write(DATA[44 + 2 * 40000 :])
        assert np.array_equal(values([*frames, *file]), SAMPLES[:40000])
    with AudioFile(path) as file:
        assert np.array_equal(values(file), SAMPLES)


@pytest.mark.parametrize("format", ["WAV", "FLAC", "AIFF"])
@pytest.mark.parametrize("way", ["plain", "async"])
def test_a_file_that_is_cut_off_meanwhile(format: str, way: str, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(encode(signal(1, 480000), 48000, format))

    async def main() -> None:
        with AudioFile(path) as file:
            next(file)
            os.truncate(path, 5000)
            with pytest.raises(ValueError, match=r"a: (damaged or cut off|decoding failed)"):
                assert list(file) if way == "plain" else [frame async for frame in file]
            assert list(file) == []

    with decoding.nothing_is_left():
        asyncio.run(main())


def test_a_file_that_fails_is_raised_to_every_reader_and_can_be_read_again() -> None:
    class Failing(io.BytesIO):
        broken = False

        def readinto(self, buffer: Any) -> int:
            if self.broken:
                raise OSError(5, "the disk is broken")
            return super().readinto(buffer)

        def read(self, size: int | None = -1) -> bytes:
            if self.broken:
                raise OSError(5, "the disk is broken")
            return super().read(size)

    async def main() -> None:
        source = Failing(DATA)
        async with AudioFile(source) as file:
            source.broken = True
            for _ in range(2):
                with pytest.raises(OSError, match="the disk is broken"):
                    await anext(file)
            source.broken = False
            file.seek(0.5)
            assert np.array_equal(values([frame async for frame in file]), SAMPLES[24000:])

    asyncio.run(main())


@pytest.mark.parametrize("format", ["WAV", "MP3", "OGG"])
def test_a_part_that_is_not_there_is_no_endless_loop(format: str) -> None:
    data = encode(SAMPLES[:4800], 48000, format)
    expected = pytest.raises(ValueError, match=r"start_s: expected a number|sound to repeat, got none")
    with expected, AudioFile(io.BytesIO(data), start_s=5, end_s=6, loop=True) as file:
        next(file)

    async def main() -> None:
        async with AudioFile(io.BytesIO(data), start_s=5, end_s=6, loop=True) as file:
            await anext(file)

    with pytest.raises(ValueError, match=r"start_s: expected a number|sound to repeat, got none"):
        asyncio.run(main())


def test_a_wav_without_sound() -> None:
    data = encode(SAMPLES[:0], 48000, "WAV")
    with AudioFile(io.BytesIO(data)) as file:
        assert list(file) == []
        assert file.duration_s == 0
    with AudioFile(io.BytesIO(data), loop=True) as file, pytest.raises(ValueError, match="expected sound to repeat"):
        next(file)


def test_a_mixer_that_is_closed_leaves_the_file_open(rand: Any) -> None:
    async def main() -> None:
        async with AudioFile(io.BytesIO(DATA), loop=True) as file:
            for _ in range(3):
                async with AudioMixer(48000, 1, blocksize=480) as mixer:
                    mixer.add_stream(file)
                    for _ in range(rand.randrange(1, 20)):
                        await anext(mixer)
            file.seek(0)
            assert np.array_equal(values([await anext(file)]), SAMPLES[:480])

    with decoding.nothing_is_left():
        asyncio.run(main())


def test_as_a_stream_of_a_player(monkeypatch: pytest.MonkeyPatch) -> None:
    card = plug_in(monkeypatch, SoundCard())

    async def main() -> None:
        async with player() as speaker, AudioFile(io.BytesIO(DATA), start_s=0.5) as file:
            speaker.add_stream(file)
            await speaker.start()
            await asyncio.wait_for(speaker.wait_for_playout(), 10)
            assert speaker.stats().gap_ms == 0

    with decoding.nothing_is_left():
        decoding.run(main())
    assert np.array_equal(heard(card), SAMPLES[24000:])


def test_libraries_that_are_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    for name in list(sys.modules):
        if name.startswith("livekit_utils.files.") and name.endswith((".sound_reader", ".decoder")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(
        ImportError, match=r'need soundfile: pip install "\.\[files\]" in the source folder of the package'
    ):
        AudioFile(io.BytesIO(DATA))
