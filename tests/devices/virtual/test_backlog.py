"""Backlog: the sound of a microphone that comes much too late is found, and nothing else."""

from __future__ import annotations

import pytest

from livekit_utils.devices.backend.backlog import Backlog
from tests.support.randomness import Rand

RATE = 48_000


def stale(times: list[float], size: int = 480) -> list[int]:
    """The numbers of the blocks that are stale, of those that come at these times."""
    backlog = Backlog(RATE)
    return [i for i, when in enumerate(times) if backlog.is_stale(size, round((when + 7) * 1e9))]


@pytest.mark.parametrize("stop_s", [0.3, 1.0, 20.0])
def test_what_was_kept_during_a_stop_is_stale_down_to_what_is_new(stop_s: float) -> None:
    at_once = 2 + stop_s
    times = [max(i * 0.01, at_once + (i - 200) * 0.0002) if i > 200 else i * 0.01 for i in range(4000)]
    found = stale(times)
    kept = round(stop_s * 100)
    assert found == list(range(201, 201 + len(found)))
    assert kept - 6 <= len(found) <= kept * 1.03


def test_after_a_stop_without_a_backlog_only_the_first_block_is_taken_for_one() -> None:
    assert stale([i * 0.01 + (1.0 if i > 200 else 0.0) for i in range(1000)]) == [201]


@pytest.mark.parametrize("burst", [2048, 4096, 8192])
def test_bursts_are_not_stale(burst: int, rand: Rand) -> None:
    times = [(i * 480 // burst + 1) * burst / RATE + rand.uniform(0, 0.005) for i in range(5000)]
    assert stale(sorted(times)) == []


@pytest.mark.parametrize("speed", [0.98, 1.0, 1.02])
def test_a_clock_of_its_own_and_callbacks_that_come_late_make_nothing_stale(speed: float, rand: Rand) -> None:
    times = [i * 0.01 / speed + rand.choice([0, 0, 0, rand.uniform(0, 0.1)]) for i in range(20_000)]
    assert stale(sorted(times)) == []


def test_two_stops() -> None:
    times = [i * 0.01 for i in range(1000)]
    times[200:300] = [3.0 + i * 0.0001 for i in range(100)]
    times[600:700] = [7.0 + i * 0.0001 for i in range(100)]
    found = stale(times)
    assert 90 <= sum(i < 400 for i in found) <= 100
    assert 90 <= sum(i > 400 for i in found) <= 100
