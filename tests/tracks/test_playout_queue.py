"""PlayoutQueue: what is still to be heard, and which frames it takes without further questions."""

from __future__ import annotations

from typing import Any

import pytest

from livekit_utils import AudioFrame
from livekit_utils.tracks.playout_queue import PlayoutQueue
from tests.support.randomness import Rand

RATE = 16000


def frame(samples: int, rate: int = RATE, channels: int = 1) -> AudioFrame:
    return AudioFrame(bytes(2 * samples * channels), rate, channels, samples)


def playing(waiting: int, size_s: float = 0.1) -> PlayoutQueue:
    """Returns a queue whose clock says at 100 s that 10 ms are being played, with so many samples behind them."""
    queue = PlayoutQueue(RATE, 1, size_s)
    queue.running = True
    queue.clock.start_run(100.0)
    queue.clock.advance(160, 100.0)
    if waiting:
        queue.take(frame(waiting), 0, 100.0)
    return queue


def test_what_is_left_falls_with_the_clock() -> None:
    queue = playing(320)
    assert queue.waiting_s == pytest.approx(0.02)
    assert queue.left_s(100.0) == pytest.approx(0.03)
    assert queue.left_s(100.025) == pytest.approx(0.005)
    assert (queue.left_s(100.05), queue.overdue_s(100.05)) == (0.0, pytest.approx(0.02))
    assert queue.has_audio(100.05)
    queue.pop(320)
    assert queue.has_audio(100.005)
    assert not queue.has_audio(100.01)
    queue.running = False
    assert (queue.left_s(100.0), queue.has_audio(100.0)) == (0.0, False)


def test_audio_that_is_overdue_takes_up_room_until_it_is_handed_out() -> None:
    queue = playing(1440)
    assert not queue.has_room(frame(160 + 1), 100.02)
    assert queue.has_room(frame(160), 100.02)
    assert not queue.has_room(frame(320), 100.09)
    queue.pop(1440)
    assert queue.has_room(frame(16000), 100.09)  # longer than the queue, which is empty


def test_samples_are_due_a_little_early_and_the_end_is_not() -> None:
    queue = playing(160)
    assert queue.is_due(100.0095, 0.00075)
    assert not queue.is_due(100.009, 0.00075)
    queue.pop(160)
    assert not queue.is_due(100.0095, 0.00075)
    assert queue.is_due(100.01, 0.00075)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (frame(160, 48000), "another rate"),
        (frame(160, channels=2), "other channels"),
        (frame(0), "nothing"),
        (frame(1440), "no room"),
        (object(), "no frame"),
        (None, "no frame"),
    ],
)
def test_frames_that_do_not_simply_follow(given: Any, why: str) -> None:
    queue = playing(160)
    assert not queue.follow(given, 100.0), why
    assert queue.samples_per_channel == 160


def test_what_no_frame_follows() -> None:
    assert not playing(0).follow(frame(160), 100.0)
    assert not playing(160).follow(frame(160), 100.021)  # all of it is over
    held = playing(160)
    held.running = False
    assert not held.follow(frame(160), 100.0)


def test_a_frame_that_follows_is_copied(rand: Rand) -> None:
    queue, data = playing(160), bytearray(rand.pcm(160))
    wanted = bytes(data)
    assert queue.follow(AudioFrame(data, RATE, 1, 160, userdata={"number": 7}), 100.0)
    data[:] = bytes(len(data))
    queue.pop(160)
    [taken] = queue.drain()
    assert (bytes(taken.data), taken.userdata) == (wanted, {"number": 7})
    assert queue.next_at == pytest.approx(100.01)


def test_what_lies_behind_the_first_samples_is_drained(rand: Rand) -> None:
    """With the places where sound rises from silence."""
    for _ in range(100):
        queue, all_of_it, rises = PlayoutQueue(RATE, 1, 10.0), b"", {}
        for number in range(rand.randrange(1, 6)):
            data = rand.pcm(rand.randint(1, 50))
            rises[len(all_of_it) // 2] = number
            all_of_it += data
            queue.take(AudioFrame(data, RATE, 1, len(data) // 2), number, 0.0)
        begun = rand.randrange(len(all_of_it) // 2)
        if begun:
            queue.pop(begun)
        behind = rand.randrange(0, 80)
        unplayed = b"".join(bytes(piece.data) for piece in queue.drain(behind))
        left = min(behind, len(all_of_it) // 2 - begun)
        assert queue.samples_per_channel == left
        assert unplayed == all_of_it[2 * (begun + left) :]
        if left:
            assert bytes(queue.pop(left).data) == all_of_it[2 * begun : 2 * (begun + left)]
            found = [
                (offset - begun, rise) for offset, rise in rises.items() if begun <= offset < begun + left and rise
            ]
            assert queue.rises == found
        assert queue.drain() == []
