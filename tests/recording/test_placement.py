"""Placement: every frame has one place, in order, by the times at which they come."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from livekit_utils.recording.placement import Placement
from tests.support.randomness import Rand


def places(arrivals: Sequence[float], durations: Sequence[float], begin_s: float = 0.0) -> list[float]:
    """Where each frame lies; settled every 100 ms, and at the end."""
    placement: Placement[int] = Placement(begin_s)
    found: dict[int, float] = {}
    next_s = begin_s

    def note(placed: list[tuple[int, float | None]]) -> None:
        nonlocal next_s
        for number, at_s in placed:
            assert number == len(found)
            if at_s is not None:
                assert at_s > next_s
                next_s = at_s
            found[number] = next_s
            next_s += durations[number]

    clock = begin_s
    for number, (at_s, duration_s) in enumerate(zip(arrivals, durations, strict=True)):
        while clock + 0.1 < at_s:
            clock += 0.1
            note(placement.settle(clock))
        note(placement.arrive(number, duration_s, at_s))
        assert placement.is_undecided == (len(found) <= number)
    note(placement.settle(math.inf))
    assert placement.end_s == pytest.approx(next_s)
    return [found[number] for number in range(len(arrivals))]


def test_frames_in_time_follow_each_other() -> None:
    assert places([0.01, 0.02, 0.03], [0.01] * 3) == pytest.approx([0, 0.01, 0.02])


@pytest.mark.parametrize("gap_s", [0.02, 0.5, 3.0, 100.0])
def test_a_pause_moves_on(gap_s: float) -> None:
    arrivals = [0.01 * n for n in range(1, 101)] + [1 + gap_s + 0.01 * n for n in range(1, 301)]
    found = places(arrivals, [0.01] * 400)
    assert found == pytest.approx([at - 0.01 for at in arrivals])


@pytest.mark.parametrize("stall_s", [0.02, 0.5, 3.0, 9.0])
@pytest.mark.parametrize("spread_s", [0.0, 0.001, 0.005])
def test_a_burst_fills_the_stall(stall_s: float, spread_s: float) -> None:
    """Also one that comes bit by bit, up to twice as fast as it is heard."""
    arrivals: list[float] = []
    for n in range(1, 4001):
        due = 0.01 * n
        if due > 1:
            due = max(due, 1 + stall_s + spread_s * (n - 100))
        arrivals.append(due)
    assert places(arrivals, [0.01] * 4000) == pytest.approx([0.01 * n for n in range(4000)])


def test_a_stall_of_which_a_part_is_lost() -> None:
    """What comes in the burst is what was said last."""
    arrivals = [0.01 * n for n in range(1, 101)] + [4.0] * 100 + [4 + 0.01 * n for n in range(1, 201)]
    found = places(arrivals, [0.01] * 400)
    assert found[:100] == pytest.approx([0.01 * n for n in range(100)])
    assert found[100:] == pytest.approx([3 + 0.01 * n for n in range(300)])


def test_short_pauses_in_a_row_are_told_apart() -> None:
    arrivals: list[float] = []
    now = 0.0
    for length in (5, 3, 8, 2):
        now += 0.15
        for _ in range(length):
            now += 0.01
            arrivals.append(now)
    assert places(arrivals, [0.01] * 18) == pytest.approx([at - 0.01 for at in arrivals])


def test_any_arrivals(rand: Rand) -> None:
    """In order, none lost, never later than it came by more than is tolerated, and never before the stream began."""
    for _ in range(200):
        now, arrivals, durations = 0.0, [], []
        for _ in range(rand.randint(1, 200)):
            now += rand.choice([0.0, 0.01, 0.01, 0.01, rand.uniform(0, 0.05), rand.uniform(0, 3)])
            arrivals.append(now)
            durations.append(rand.choice([0.01, 0.02, 0.1]))
        found = places(arrivals, durations)
        for number, at_s in enumerate(found):
            contiguous = number == 0 or at_s == pytest.approx(found[number - 1] + durations[number - 1])
            assert contiguous or at_s <= arrivals[number] - durations[number] + 1e-6
