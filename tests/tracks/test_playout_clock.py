"""PlayoutClock: it counts samples, and does not drift."""

from __future__ import annotations

from fractions import Fraction

import pytest

from livekit_utils.tracks.playout_clock import LATE_S, PlayoutClock
from tests.support.randomness import Rand


def test_before_anything_was_played() -> None:
    clock = PlayoutClock(48000)
    assert not clock.paused
    for now in (0.0, 1e9):
        assert clock.end < now
        assert clock.seconds_left(now) <= 0
    clock.pause(5.0)
    assert clock.seconds_left(5.0) <= 0
    clock.resume(6.0)
    assert clock.seconds_left(6.0) <= 0


@pytest.mark.parametrize("rate", [48000, 44100, 22050, 11025, 8000, 7])
def test_a_day_without_drift(rate: int) -> None:
    clock = PlayoutClock(rate)
    start = 1234.5
    clock.start_run(start)
    step, total = max(rate // 100, 1), 0
    for k in range(100_000):
        n = step if k % 1000 else step * 1000  # some chunks are long, so that it becomes a day
        clock.advance(n, clock.end)
        total += n
    exact = Fraction(start) + Fraction(total, rate)
    assert abs(Fraction(clock.end) - exact) < Fraction(1, 10**9)
    assert total / rate > 1900


def test_a_run_goes_on_behind_what_is_not_over() -> None:
    clock = PlayoutClock(1000)
    clock.start_run(10.0)
    clock.advance(10, clock.end)
    clock.start_run(10.004)
    assert clock.end == pytest.approx(10.010)
    assert clock.seconds_left(10.004) == pytest.approx(0.006)
    clock.start_run(10.010)
    assert clock.end == pytest.approx(10.010)
    clock.start_run(10.5)
    assert clock.end == 10.5


def test_seconds_left_falls_with_the_clock() -> None:
    clock = PlayoutClock(1000)
    clock.start_run(1.0)
    clock.advance(100, clock.end)
    assert [round(clock.seconds_left(t), 6) for t in (1.0, 1.025, 1.1, 1.2)] == [0.1, 0.075, 0.0, -0.1]


def test_a_pause_stands_still(rand: Rand) -> None:
    clock = PlayoutClock(1000)
    now = played = 100.0
    clock.start_run(now)
    clock.advance(50_000, clock.end)
    for _ in range(200):
        step, pause = rand.random() / 10, rand.random() * 10
        now += step
        played += step
        left = clock.seconds_left(now)
        assert left == pytest.approx(150.0 - played)
        clock.pause(now)
        assert clock.paused
        assert clock.seconds_left(now + pause / 2) == left
        now += pause
        clock.resume(now)
        assert not clock.paused
        assert clock.seconds_left(now) == pytest.approx(left, abs=1e-9)


def test_resume_without_a_pause_does_nothing() -> None:
    clock = PlayoutClock(1000)
    clock.start_run(1.0)
    clock.advance(10, clock.end)
    clock.resume(500.0)
    assert clock.end == pytest.approx(1.010)


def test_restart_in_a_pause_on_another_clock() -> None:
    clock = PlayoutClock(1000)
    clock.start_run(5000.0)
    clock.advance(10, clock.end)
    clock.pause(5000.005)
    clock.restart(3.0)
    assert clock.paused
    assert clock.seconds_left(7.0) == 0
    clock.advance(10, clock.end)
    clock.resume(9.0)
    assert clock.end == pytest.approx(9.010)


def test_a_run_is_over_when_nothing_came_for_a_while() -> None:
    clock = PlayoutClock(1000)
    clock.start_run(1.0)
    clock.advance(10, 1.0)
    assert clock.over_at == pytest.approx(1.010 + LATE_S)
    assert not clock.is_over(1.010)
    assert not clock.is_over(1.014)
    assert clock.is_over(1.016)
    clock.close_run()
    assert clock.is_over(1.011)


def test_a_run_is_not_over_because_the_look_at_it_is_late() -> None:
    clock = PlayoutClock(1000)
    clock.start_run(1.0)
    clock.advance(10, 1.0)
    assert not clock.is_over(1.032)  # the loop was held up
    clock.advance(10, 1.033)  # and the frame behind it is late for the same reason
    assert not clock.is_over(1.037)
    assert clock.is_over(1.039)
    clock.advance(10, 1.040)
    assert clock.is_over(2.0)  # nobody has waited for it so long


def test_a_pause_moves_the_end_of_a_run() -> None:
    clock = PlayoutClock(1000)
    clock.start_run(1.0)
    clock.advance(10, 1.0)
    clock.pause(1.005)
    clock.resume(2.005)
    assert clock.over_at == pytest.approx(2.010 + LATE_S)
