"""AudioFile on pipes: WAV as it comes, and readers that wait for one that is silent."""

from __future__ import annotations

import asyncio
import io
import os
import socket
import threading
from typing import Any

import numpy as np
import pytest

from livekit_utils import AudioFile
from tests.support.decoding import nothing_is_left
from tests.support.sound_files import encode

pytestmark = pytest.mark.skipif(os.name != "posix", reason="only POSIX waits for a pipe and a signal together")

SAMPLES = (np.arange(4800) * 7 % 20000).astype(np.int16)
DATA = encode(SAMPLES, 48000, "WAV")


def values(*frames: Any) -> Any:
    return np.frombuffer(b"".join(bytes(frame.data) for frame in frames), np.int16)


class Pipe:
    """A pipe, a socket or a non-blocking pipe, which delivers what is written, and ends when it is told so."""

    def __init__(self, kind: str) -> None:
        if kind == "socket":
            self._ours, theirs = socket.socketpair()
            self.file: Any = theirs.makefile("rb")
            theirs.close()
            self.write, self.end = self._ours.sendall, self._ours.close
            return
        reader, writer = os.pipe()
        os.set_blocking(reader, kind != "non-blocking")
        self.file = os.fdopen(reader, "rb", buffering=0 if kind == "raw" else -1)
        self.write = lambda data: os.write(writer, data)
        self.end = lambda: os.close(writer)


kinds = pytest.mark.parametrize("kind", ["buffered", "raw", "socket", "non-blocking"])


@kinds
def test_frames_come_with_the_bytes(kind: str) -> None:
    async def main() -> None:
        pipe = Pipe(kind)
        pipe.write(DATA[:100])
        with pipe.file, AudioFile(pipe.file) as file:
            reading = asyncio.ensure_future(anext(file))
            for start in range(100, 100 + 960, 96):
                assert not reading.done()
                pipe.write(DATA[start : start + 96])
                await asyncio.sleep(0)
            frames = [await reading]
            pipe.write(DATA[1060:])
            pipe.end()
            frames += [frame async for frame in file]
            assert np.array_equal(values(*frames), SAMPLES)

    with nothing_is_left():
        asyncio.run(main())


@kinds
def test_a_reader_that_waits_is_released_by_a_close(kind: str) -> None:
    async def main() -> None:
        pipe = Pipe(kind)
        pipe.write(DATA[:1004])
        with pipe.file:
            file = AudioFile(pipe.file)
            assert np.array_equal(values(await anext(file)), SAMPLES[:480])
            reading = asyncio.ensure_future(anext(file, None))
            await asyncio.sleep(0)
            with pytest.raises(io.UnsupportedOperation, match="expected a file to seek in, got a pipe"):
                file.seek(0)
            assert not reading.done()
            await file.aclose()
            assert file._ahead.released.happened
            assert await reading is None
        pipe.end()

    with nothing_is_left():
        asyncio.run(main())


@kinds
def test_plain_code_that_waits_is_released_by_a_close(kind: str) -> None:
    with nothing_is_left():
        pipe = Pipe(kind)
        pipe.write(DATA[:1004])
        with pipe.file:
            file = AudioFile(pipe.file)
            got: list[Any] = []
            thread = threading.Thread(target=lambda: got.extend(file))
            thread.start()
            while not got:
                thread.join(0.001)
            file.close()
            thread.join(10)
            assert not thread.is_alive()
            assert np.array_equal(values(*got), SAMPLES[:480])
        pipe.end()


def test_what_lies_in_the_buffer_of_a_pipe_that_is_silent() -> None:
    """The system does not know of bytes that Python has read already."""
    with nothing_is_left():
        pipe = Pipe("buffered")
        pipe.write(b"a line before\n" + DATA[:2004])
        with pipe.file:
            assert pipe.file.readline() == b"a line before\n"
            with AudioFile(pipe.file) as file:
                assert np.array_equal(values(next(file), next(file)), SAMPLES[:960])
                pipe.write(DATA[2004:])
                pipe.end()
                assert len(values(*file)) == 4800 - 960


def test_a_named_pipe(tmp_path: Any) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    writer = threading.Thread(target=lambda: path.write_bytes(DATA))
    writer.start()
    with AudioFile(path, start_s=0.02, end_s=0.05) as file:
        assert file.duration_s is None
        assert np.array_equal(values(*file), SAMPLES[960:2400])
    writer.join()


@pytest.mark.parametrize("format", ["FLAC", "OGG", "MP3", "AIFF"])
def test_others_come_from_a_temporary_file(format: str) -> None:
    data = encode(SAMPLES, 48000, format)
    with AudioFile(io.BytesIO(data)) as file:
        whole = values(*file)

    def write(pipe: Pipe) -> None:
        pipe.write(data)
        pipe.end()

    for kind in ("buffered", "non-blocking"):
        with nothing_is_left():
            pipe = Pipe(kind)
            writer = threading.Thread(target=write, args=(pipe,))
            writer.start()
            with pipe.file, AudioFile(pipe.file) as file:
                assert np.array_equal(values(*file), whole)
                file.seek(0.05)
                assert np.array_equal(values(*file), whole[2400:])
            writer.join()


class OddPipe:
    """An object of the user's that reads, and nothing more."""

    def __init__(self, data: bytes, size: int) -> None:
        self._file, self._size = io.BytesIO(data), size

    def read(self, num_bytes: int) -> bytes:
        return self._file.read(min(num_bytes, self._size))


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_objects_that_give_few_bytes_at_a_time(size: int) -> None:
    for data in (DATA, encode(SAMPLES, 48000, "FLAC")):
        with AudioFile(OddPipe(data, size)) as file:  # type: ignore[arg-type]
            assert np.array_equal(values(*file), SAMPLES)


def test_a_pipe_that_breaks() -> None:
    class Broken(OddPipe):
        def read(self, num_bytes: int) -> bytes:
            if data := super().read(num_bytes):
                return data
            raise ConnectionResetError("the other side is gone")

    with AudioFile(Broken(DATA[:1004], 100)) as file:  # type: ignore[arg-type]
        frame = next(file)
        assert np.array_equal(values(frame), SAMPLES[:480])
        with pytest.raises(ConnectionResetError):
            next(file)
        assert list(file) == []
    with pytest.raises(ValueError, match="cut off"):
        AudioFile(OddPipe(DATA[:30], 7))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="empty"):
        AudioFile(OddPipe(b"", 7))  # type: ignore[arg-type]
