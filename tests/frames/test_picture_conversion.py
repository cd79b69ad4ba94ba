"""`VideoFrame.convert` and `VideoFrame.scale`: what users see of them, and the LiveKit SDK beside it."""

from __future__ import annotations

import importlib
import threading
from typing import Any

import numpy as np
import pytest

from livekit_utils import VideoBufferType, VideoFrame
from tests.support.pictures import num_bytes, random_picture
from tests.support.randomness import Rand

TYPES = list(VideoBufferType)

# Where the SDK converts by the formula, up to its lower precision. Others of its pairs end the process.
BESIDE = ["RGBA-I420", "ARGB-I420", "BGRA-I420", "I420-RGBA", "I420-ABGR", "I420-ARGB", "I420-BGRA", "I420-RGB24"]


def test_a_frame_of_its_own(rand: Rand) -> None:
    data = random_picture(rand, VideoBufferType.RGBA, 5, 3)
    frame = VideoFrame(5, 3, VideoBufferType.RGBA, data)
    for type in TYPES:
        made = frame.convert(int(type))
        assert (made.width, made.height, made.type) == (5, 3, type)
        assert made.data.nbytes == num_bytes(type, 5, 3)
        assert not made.data.readonly
    copied = frame.convert(VideoBufferType.RGBA)
    copied.data[0] ^= 255
    assert frame.data == data


@pytest.mark.parametrize("pair", BESIDE)
def test_bytes_lie_as_in_the_sdk(rand: Rand, pair: str) -> None:
    try:
        rtc: Any = importlib.import_module("livekit.rtc")
    except ImportError:
        pytest.skip("the LiveKit SDK is not installed")
    type, to = (VideoBufferType[name] for name in pair.split("-"))
    colours = rand.randbytes(4 * 20)
    if type is VideoBufferType.I420:  # within the range of colours, where both clip alike
        data = bytes([100]) * 96 + bytes(100 + value % 40 for value in colours[:48])
    else:
        data = b"".join(colours[4 * i : 4 * i + 4] * 2 for i in range(4)) * 2
        data = data[:32] * 2 + data[32:64] * 2
        data = (data * 4)[: num_bytes(type, 12, 8)]
    theirs = rtc.VideoFrame(12, 8, int(type), bytearray(data)).convert(int(to))
    ours = VideoFrame(12, 8, type, data).convert(to)
    difference = np.asarray(ours.data).astype(int) - np.frombuffer(theirs.data, np.uint8)
    assert np.abs(difference).max() <= 3


def test_a_flip_is_one_of_pixels(rand: Rand) -> None:
    for height in (1, 2, 3, 6):
        frame = VideoFrame(5, height, VideoBufferType.I420, random_picture(rand, VideoBufferType.I420, 5, height))
        flipped = frame.convert(VideoBufferType.I444, flip_y=True)
        assert flipped.data == frame.convert(VideoBufferType.I444).convert(VideoBufferType.I444, flip_y=True).data
        assert flipped.convert(VideoBufferType.I444, flip_y=True).data == frame.convert(VideoBufferType.I444).data


@pytest.mark.parametrize("type", TYPES, ids=lambda type: type.name)
def test_scaling_to_the_same_size_is_a_copy(rand: Rand, type: VideoBufferType) -> None:
    data = bytes(
        value & 3 if type is VideoBufferType.I010 else value for value in rand.randbytes(num_bytes(type, 7, 5))
    )
    frame = VideoFrame(7, 5, type, data)
    for name in ("auto", "box", "bilinear"):
        assert frame.scale(7, 5, filter=name).data == data


def test_wrong_arguments() -> None:
    frame = VideoFrame(2, 2, VideoBufferType.RGBA, bytes(16))
    calls: list[tuple[Any, str]] = [
        (lambda: frame.convert(11), "type: expected one of RGBA"),
        (lambda: frame.convert(5, matrix="bt2020"), "matrix: expected one of bt601, bt709"),  # type: ignore[arg-type]
        (lambda: frame.scale(0, 1), "width: expected 1 to 65535, got 0"),
        (lambda: frame.scale(1, 65536), "height: expected 1 to 65535, got 65536"),
        (lambda: frame.scale(1, 1, filter="cubic"), "filter: expected one of auto, box"),  # type: ignore[arg-type]
        (lambda: VideoFrame(70_000, 1, VideoBufferType.RGBA, bytes(280_000)).scale(1, 1), "scale: expected a frame"),
    ]
    for call, message in calls:
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(TypeError, match="flip_y"):
        frame.convert(5, flip_y=1)  # type: ignore[arg-type]


def test_more_than_memory_holds_is_an_error() -> None:
    frame = VideoFrame(1, 1, VideoBufferType.I420, bytes(3))
    try:
        made = frame.scale(65535, 1)
    except MemoryError:
        return
    assert made.data.nbytes == num_bytes(VideoBufferType.I420, 65535, 1)


def test_threads_convert_at_once(rand: Rand) -> None:
    data = random_picture(rand, VideoBufferType.RGBA, 320, 240)
    frame = VideoFrame(320, 240, VideoBufferType.RGBA, data)
    expected = frame.convert(VideoBufferType.NV12).data
    made: list[VideoFrame] = []
    threads = [threading.Thread(target=lambda: made.append(frame.convert(VideoBufferType.NV12))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(one.data == expected for one in made)
    assert len(made) == 4
