"""DriftFollower: the fill keeps its target for a day, the drift is found, and stalls and jumps do not mislead it."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from livekit_utils import AudioFrame
from livekit_utils.conversion.drift_follower import DriftFollower
from tests.support.long_runs import shortened

TARGET_S = 0.06


@dataclass
class Point:
    """What was true after a frame, in seconds and ppm."""

    time: float
    fill: float  # as if the frame had come at once
    ppm: float
    ratio: float


def follow(
    drift_ppm: Callable[[float], float],
    duration_s: float,
    *,
    rate: int = 8000,
    output_rate: int | None = None,
    frame_s: float = 0.1,
    delay: Callable[[float], float] = lambda time: 0.0,
    lost: Callable[[float], bool] = lambda time: False,
) -> list[Point]:
    """A stream whose frames are complete when its clock says so, and come `delay` later, in order; played evenly."""
    output_rate = output_rate or rate
    follower = DriftFollower(rate, output_rate, 1, target_s=TARGET_S, quality="quick")
    frame = AudioFrame.create(rate, 1, round(rate * frame_s))
    time = made_s = arrival = 0.0
    starts_at = None
    points = []
    while time < duration_s:
        time += frame_s / (1 + drift_ppm(time) * 1e-6)
        if lost(time):
            continue
        arrival = max(arrival, time + delay(time))
        if starts_at is None:
            starts_at = arrival + TARGET_S - frame_s
        frames = follower.push(frame, arrival, made_s - (arrival - starts_at))
        made_s += sum(made.samples_per_channel for made in frames) / output_rate
        points.append(Point(time, made_s - (time - starts_at), follower.ppm, follower.ratio))
    return points


def since(points: list[Point], time: float) -> list[Point]:
    return [point for point in points if point.time >= time]


@pytest.mark.parametrize("ppm", [1000, -1000, 20, 0])
def test_the_queue_keeps_its_target_for_a_day(ppm: float) -> None:
    points = follow(lambda time: ppm + 10 * math.sin(time / 3600), shortened(24 * 3600), frame_s=1.0, rate=1000)
    # A sample is 1 ms here, and the filter takes 8 of them once.
    assert all(abs(point.fill - TARGET_S) < 15e-3 for point in points)
    settled = since(points, 2000)
    assert all(abs(point.fill - TARGET_S) < 5e-3 for point in settled)
    assert all(abs(point.ppm - ppm - 10 * math.sin(point.time / 3600)) < 3 for point in settled)


@pytest.mark.parametrize("ppm", [1000, -1000, 20])
def test_it_locks_within_seconds_where_arrivals_are_exact(ppm: float) -> None:
    points = follow(lambda time: ppm, 120, rate=48000, frame_s=0.02)
    assert all(abs(point.fill - TARGET_S) < 5e-3 for point in points)
    assert all(abs(point.ppm - ppm) < 0.1 * abs(ppm) for point in since(points, 10))
    assert all(abs(point.ppm - ppm) < 2 for point in since(points, 30))
    assert all(abs(point.fill - TARGET_S) < 1e-3 for point in since(points, 60))


@pytest.mark.parametrize("ppm", [1000, -1000, 20])
def test_it_locks_where_arrivals_jitter(ppm: float, rand: random.Random) -> None:
    points = follow(lambda time: ppm, 600, frame_s=0.01, delay=lambda time: rand.uniform(0, 0.04))
    # The first slope is that of few arrivals: of 50 seeds, the largest error was 188 ppm.
    assert all(abs(point.ppm - ppm) < 350 for point in since(points, 20))
    assert all(abs(point.ppm - ppm) < 25 for point in since(points, 120))
    # The first frames were late by chance, and what is played started with them.
    assert all(abs(point.fill - TARGET_S) < 5e-3 for point in since(points, 120))


def test_an_equal_clock_is_copied() -> None:
    assert all(point.ratio == 1 for point in follow(lambda time: 1.0, 120))
    assert follow(lambda time: 5.0, 120, rate=48000)[-1].ratio == pytest.approx(1 - 5e-6, abs=4e-6)


def test_other_rates_are_converted_and_followed() -> None:
    points = follow(lambda time: 300, 120, rate=16000, output_rate=48000, frame_s=0.02)
    assert all(abs(point.fill - TARGET_S) < 2.5e-3 for point in points)
    assert points[-1].ratio == pytest.approx(3 * (1 - 300e-6), rel=5e-6)


@pytest.mark.parametrize("jitter_s", [0.0, 0.03])
def test_stalls_and_bursts_do_not_mislead_it(jitter_s: float, rand: random.Random) -> None:
    """For up to 4 s of each 20, nothing comes, and then all of it at once."""

    def delay(time: float) -> float:
        into = time % 20
        return max(0.0, 10 + ends[int(time // 20)] - into) * (into >= 10) + rand.uniform(0, jitter_s)

    ends = [rand.uniform(0.5, 4) for _ in range(100)]
    points = follow(lambda time: 250, 900, frame_s=0.02, delay=delay)
    assert all(abs(point.ppm - 250) < 25 for point in since(points, 120))
    assert all(abs(point.fill - TARGET_S) < 5e-3 for point in since(points, 120))


def test_one_late_second_changes_nothing() -> None:
    points = follow(lambda time: 100, 300, delay=lambda time: 0.05 if 200 <= time < 201 else 0.0)
    assert all(abs(point.ppm - 100) < 3 for point in since(points, 100))


@pytest.mark.parametrize("gap_s", [0.02, 0.5, 30, 3600])
def test_sound_that_was_lost_is_not_taken_for_drift(gap_s: float) -> None:
    points = follow(lambda time: 100, 400 + gap_s, frame_s=0.02, lost=lambda time: 200 <= time < 200 + gap_s)
    assert all(abs(point.ppm - 100) < 10 for point in since(points, 60))


def test_what_others_put_in_or_take_out_is_not_taken_for_drift() -> None:
    follower = DriftFollower(8000, 8000, 1, target_s=TARGET_S, quality="quick")
    frame = AudioFrame.create(8000, 1, 160)
    made_s, extra_s = 0.0, 0.0
    for k in range(1, 20_000):
        if k % 5000 == 0:
            extra_s += 0.1 if k == 5000 else -0.05
            follower.moved(0.1 if k == 5000 else -0.05)
        made = follower.push(frame, k * 0.02, made_s + extra_s + 0.04 - (k - 1) * 0.02)
        made_s += sum(part.samples_per_channel for part in made) / 8000
        assert abs(follower.ppm) < 0.1
    # And the rest of it is brought back, by 1500 ppm at most.
    assert abs(made_s + extra_s + 0.04 - 19_998 * 0.02 - TARGET_S) < 5e-3


def test_a_drift_that_changes_is_followed() -> None:
    points = follow(lambda time: 50 if time < 300 else 150, 600, rate=48000, frame_s=0.02)
    assert all(abs(point.fill - TARGET_S) < 2e-3 for point in since(points, 100))
    assert all(abs(point.ppm - 150) < 5 for point in since(points, 400))


def test_the_ratio_moves_smoothly(rand: random.Random) -> None:
    points = since(follow(lambda time: 400, 300, frame_s=0.01, delay=lambda time: rand.uniform(0, 0.02)), 30)
    steps = [abs(b.ratio - a.ratio) for a, b in itertools.pairwise(points)]
    assert max(steps) < 5e-6  # in 10 ms


def test_the_target_may_be_what_the_fill_is_at_first() -> None:
    follower = DriftFollower(8000, 8000, 1)
    frame = AudioFrame.create(8000, 1, 800)
    for k in range(30):
        follower.push(frame, k * 0.1, 0.2)
    assert follower.target_s == pytest.approx(0.3)


def test_a_tone_stays_a_tone_while_it_locks() -> None:
    """From a copy to a ratio that moves: the phase is continuous, so the slope of the tone is bounded."""
    rate, ppm = 48000, 300
    samples = np.round(16000 * np.sin(2 * np.pi * 440 * np.arange(20 * rate) / rate)).astype(np.int16)
    follower = DriftFollower(rate, rate, 1, target_s=TARGET_S)
    made: list[AudioFrame] = []
    made_s = 0.0
    for k in range(1000):
        arrival = (k + 1) * 0.02 / (1 + ppm * 1e-6)
        frame = AudioFrame(samples[960 * k : 960 * (k + 1)].tobytes(), rate, 1, 960)
        frames = follower.push(frame, arrival, made_s + 0.06 - arrival)
        made_s += sum(part.samples_per_channel for part in frames) / rate
        made += frames
    made += follower.flush()
    out = np.concatenate([np.asarray(part)[:, 0] for part in made]).astype(float)
    assert abs(len(out) - 20 * rate * (1 - ppm * 1e-6)) < 0.005 * rate
    # The second difference of a sine is the sine, times -w^2: a click would stand out.
    w = 2 * np.pi * 440 / rate
    residue = (out[2:] - 2 * math.cos(w) * out[1:-1] + out[:-2])[:-100]
    assert np.abs(residue).max() < 4
