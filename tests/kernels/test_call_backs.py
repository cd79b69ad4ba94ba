"""Arguments in Python that call back while they are asked for their value or their buffer."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from livekit_utils import AudioFrame, RingBuffer, combine_audio_frames
from livekit_utils._kernels.gain_queue import GainQueue
from livekit_utils._kernels.linear import LinearInterpolator
from livekit_utils._kernels.sample_queue import SampleQueue

needs_exporters = pytest.mark.skipif(sys.version_info < (3, 12), reason="no buffers from Python code before 3.12")


class Exporter:
    """A buffer that calls back when it is asked for, and when it is given back."""

    def __init__(self, call: Callable[[], Any], num_bytes: int = 960) -> None:
        self.call, self.data, self.num_given = call, bytearray(num_bytes), 0

    def __buffer__(self, flags: int) -> memoryview:
        self.num_given += 1
        self.call()
        return memoryview(self.data)

    def __release_buffer__(self, view: memoryview) -> None:
        self.num_given -= 1
        self.call()


class Number:
    def __init__(self, call: Callable[[], Any], value: int = 4) -> None:
        self.call, self.value = call, value

    def __index__(self) -> int:
        self.call()
        return self.value


RING_METHODS = ["read", "read_padded", "acquire_write", "acquire_read", "commit_write", "commit_read"]


@pytest.mark.parametrize("name", RING_METHODS)
def test_a_number_that_releases_the_ring(name: str) -> None:
    ring = RingBuffer(64)
    ring.write(bytes(32))
    with pytest.raises(ValueError, match="released"):
        getattr(ring, name)(Number(ring.release))


def test_a_number_that_initialises_the_ring() -> None:
    ring = RingBuffer.__new__(RingBuffer)
    with pytest.raises(RuntimeError, match="initialised already"):
        ring.__init__(Number(lambda: ring.__init__(64)))  # type: ignore[misc]
    assert ring.capacity == 64


@needs_exporters
@pytest.mark.parametrize("name", ["write", "read_into"])
def test_a_buffer_that_releases_the_ring(name: str) -> None:
    ring = RingBuffer(64)
    ring.write(bytes(32))
    data = Exporter(ring.release)
    with pytest.raises(ValueError, match="released"):
        getattr(ring, name)(data)
    assert data.num_given == 0


@needs_exporters
def test_a_buffer_that_initialises_the_frame() -> None:
    frame = AudioFrame.__new__(AudioFrame)
    inner = bytearray(b"\x07\x00" * 480)

    def call() -> None:
        if not frame.samples_per_channel:
            frame.__init__(inner, 8000, 1, 2)  # type: ignore[misc]

    data = Exporter(call)
    with pytest.raises(RuntimeError, match="initialised already"):
        frame.__init__(data, 48000, 1, 480)  # type: ignore[misc]
    assert (frame.sample_rate, frame.data.tolist(), data.num_given) == (8000, [7, 7], 0)


@needs_exporters
@pytest.mark.parametrize("make", [SampleQueue, GainQueue])
def test_a_buffer_that_uses_the_queue(make: Any) -> None:
    queue = make(1)

    def call() -> None:
        queue.clear()
        queue.push(bytes(40_000))
        queue.pop(7)

    queue.push(Exporter(call))
    assert queue.samples_per_channel == 19_993  # the last call came when the buffer was given back


@needs_exporters
def test_a_buffer_that_uses_the_converter() -> None:
    converter = LinearInterpolator(3, 1, 1)
    converter.process(Exporter(lambda: converter.process(bytes(4000))))
    assert len(converter.process(bytes(600))) == 200
    converter.process(Exporter(converter.reset))


class Foreign:
    """A frame of another library, which empties the list that it is in when it is looked at."""

    sample_rate, num_channels, samples_per_channel = 48000, 1, 2

    def __init__(self, frames: list[Any]) -> None:
        self.frames = frames

    @property
    def data(self) -> bytearray:
        self.frames.clear()
        return bytearray(b"\x05\x00" * 2)


def test_a_frame_that_empties_the_list_of_frames() -> None:
    frames: list[Any] = []
    frames += [AudioFrame(b"\x01\x00", 48000, 1, 1), Foreign(frames), AudioFrame(b"\x02\x00", 48000, 1, 1)]
    assert combine_audio_frames(frames).data.tolist() == [1, 5, 5, 2]
    assert not frames
