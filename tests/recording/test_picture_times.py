"""PictureTimes: when pictures came that an event loop could not take at once."""

from __future__ import annotations

import random

import pytest

from livekit_utils.recording.picture_times import PictureTimes

TICK_S = 0.1


def came(
    times: PictureTimes, begin: float, end: float, *, origin: float, stalls: tuple[float, float] | None
) -> list[float]:
    """Has pictures come 25 times a second while the loop runs, but for a stall; returns how much later each was said to
    have come than it has."""
    events = [(begin + i * TICK_S, "tick", 0.0) for i in range(round((end - begin) / TICK_S))]
    events += [
        (begin + 0.013 + i / 25, "picture", begin + 0.013 + i / 25) for i in range(round((end - begin) * 25) - 1)
    ]
    if stalls is not None:
        # What is due in the stall comes behind it; of ticks only one.
        late = [(at, kind, true) for at, kind, true in events if stalls[0] <= at < stalls[1]]
        events = [event for event in events if event not in late]
        events.append((stalls[1], "tick", 0.0))
        events += [(stalls[1] + 0.001, kind, true) for at, kind, true in late if kind == "picture"]
    off = []
    for at, kind, true in sorted(events):
        if kind == "tick":
            times.tick(at)
        else:
            off.append(times.came_at(true - origin, at) - true)
    return off


@pytest.mark.parametrize("origin", [0.0, 1000.0, -1e6])
def test_pictures_that_waited_for_a_loop_that_was_held_up(origin: float) -> None:
    off = came(PictureTimes(TICK_S), 50.0, 60.0, origin=origin, stalls=(53.0, 56.5))
    assert max(map(abs, off)) < 1e-3


def test_timestamps_do_not_count_while_the_loop_runs(rand: random.Random) -> None:
    times = PictureTimes(TICK_S)
    for i in range(1000):
        if i % 4 == 0:
            times.tick(i * 0.025)
        assert times.came_at(rand.uniform(-1e6, 1e6), i * 0.025) == i * 0.025


def test_timestamps_that_make_no_sense_are_bounded_by_the_stall(rand: random.Random) -> None:
    times = PictureTimes(TICK_S)
    times.tick(0.0)
    assert times.came_at(5.0, 0.0) == 0.0
    times.tick(3.0)
    for _ in range(100):
        assert 0.0 <= times.came_at(rand.uniform(-1e6, 1e6), 3.01) <= 3.01
    assert times.came_at(0.0, 3.08) == 3.08
