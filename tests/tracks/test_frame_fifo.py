"""FrameFifo: against a string of samples."""

from __future__ import annotations

import numpy as np
import pytest

from livekit_utils import AudioFrame
from livekit_utils.tracks.frame_fifo import FrameFifo
from tests.support.randomness import Rand

RATE = 16000


def frame(rand: Rand, samples_per_channel: int, channels: int, **userdata: int) -> AudioFrame:
    return AudioFrame(rand.pcm(samples_per_channel * channels), RATE, channels, samples_per_channel, userdata=userdata)


@pytest.mark.parametrize("channels", [1, 2, 7])
def test_against_bytes(rand: Rand, channels: int) -> None:
    width = 2 * channels
    for _ in range(60):
        fifo, model = FrameFifo(), b""
        for _ in range(rand.randrange(60)):
            item = frame(rand, rand.choice([0, 1, 2, 3, 160, 161, 1000]), channels)
            fifo.push(item)
            model += bytes(item.data)
            if model and rand.random() < 0.7:
                n = rand.choice([1, 2, 159, 160, 161, 320, 5000])
                taken = fifo.pop(n)
                assert (taken.sample_rate, taken.num_channels) == (RATE, channels)
                assert bytes(taken.data) == model[: n * width]
                assert taken.samples_per_channel == len(model[: n * width]) // width
                model = model[n * width :]
            assert fifo.samples_per_channel == len(model) // width
        rest = fifo.drain()
        assert b"".join(bytes(piece.data) for piece in rest) == model
        assert all(piece.samples_per_channel for piece in rest)
        assert (fifo.samples_per_channel, fifo.drain()) == (0, [])


def test_drain_gives_back_the_frames_themselves(rand: Rand) -> None:
    fifo = FrameFifo()
    frames = [frame(rand, 10, 1, number=i) for i in range(4)]
    for item in frames:
        fifo.push(item)
    assert bytes(fifo.pop(13).data) == bytes(frames[0].data) + bytes(frames[1].data)[:6]
    begun, *whole = fifo.drain()
    assert whole == frames[2:]  # AudioFrame has no __eq__: these are the same objects
    assert bytes(begun.data) == bytes(frames[1].data)[6:]
    assert begun.userdata == {"number": 1}


def test_drained_it_begins_anew(rand: Rand) -> None:
    fifo = FrameFifo()
    for _ in range(3):
        first, second = frame(rand, 10, 1), frame(rand, 10, 1)
        fifo.push(first)
        fifo.pop(4)
        fifo.drain()
        fifo.push(second)
        assert fifo.pop(10) is second


def test_a_frame_that_is_wanted_whole_is_not_cut(rand: Rand) -> None:
    fifo = FrameFifo()
    items = [frame(rand, 160, 1) for _ in range(3)]
    for item in items:
        fifo.push(item)
    assert [fifo.pop(160) for _ in range(3)] == items


def test_pieces_share_memory(rand: Rand) -> None:
    data = bytearray(320)
    fifo = FrameFifo()
    fifo.push(AudioFrame(data, RATE, 1, 160))
    piece = fifo.pop(100)
    data[0:2] = b"\x07\x00"
    assert np.asarray(piece)[0, 0] == 7


def test_nothing_is_kept(checkref, rand: Rand) -> None:  # type: ignore[no-untyped-def]
    item = frame(rand, 100, 2)
    fifo = FrameFifo()
    with checkref(item):
        for _ in range(3):
            fifo.push(item)
        fifo.pop(50)
        fifo.pop(100)
        fifo.pop(1)
        fifo.drain()
