"""Sound from files is processed the same, however fast; sound by two clocks is known at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from livekit_utils import AudioFrame, AudioProcessingModule
from livekit_utils.voice.drift import CallOrder
from tests.support.acoustics import Samples, echo, noise, samples, speech
from tests.voice.test_echo_reference import Clock

RATE = 16000


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def from_files(
    clock: Clock,
    pace: Any,
    far: Samples,
    mic: Samples,
    far_rate: int,
    far_size: int,
    rate: int = RATE,
    **stages: bool,
) -> Samples:
    """Blocks of 10 ms of the microphone, before each as much of the far end as is needed; time passes by `pace`."""
    apm = AudioProcessingModule(echo_cancellation=True, **stages)
    out, position, size = mic.copy(), 0, rate // 100
    for start in range(0, len(out) - size + 1, size):
        while position * rate < (start + size) * far_rate:
            block = far[position : position + far_size]
            apm.process_reverse_stream(AudioFrame(block, far_rate, 1, len(block)))
            position += far_size
            clock.time += pace()
        apm.process_stream(AudioFrame(out[start : start + size], rate, 1, size))
        clock.time += pace()
    return out


@pytest.mark.parametrize(
    ("far_rate", "far_size"), [(16000, 160), (16000, 480), (16000, 100), (44100, 441), (44100, 1024)]
)
def test_files_are_processed_alike_at_any_pace(clock: Clock, rand: Any, far_rate: int, far_size: int) -> None:
    seconds = 12
    far = samples(speech(far_rate, seconds + 1, 3))
    mic = samples(echo(speech(RATE, seconds, 3), RATE, 60) + noise(RATE, seconds, 9, rms=5))
    paces = (lambda: 0.0, lambda: 0.0001, lambda: 0.006, lambda: rand.uniform(0, 0.02))
    first, *others = (from_files(clock, pace, far, mic, far_rate, far_size) for pace in paces)
    for other in others:
        assert np.array_equal(first, other)


@pytest.mark.parametrize("rate", [16000, 24000, 44100, 48000])
def test_all_stages_are_alike_at_any_pace(clock: Clock, rand: Any, rate: int) -> None:
    """In a noisy room, too: what is filled in for its noise is the same noise."""
    seconds = 5
    far = samples(speech(rate, seconds, 3))
    mic = samples(echo(speech(rate, seconds, 3), rate, 60) + noise(rate, seconds, 9, rms=184))
    stages = {"noise_suppression": True, "high_pass_filter": True, "auto_gain_control": True}
    paces = (lambda: 0.0, lambda: 0.006, lambda: rand.uniform(0, 0.02))
    first, *others = (from_files(clock, pace, far, mic, rate, rate // 100, rate, **stages) for pace in paces)
    assert first.any()
    for other in others:
        assert np.array_equal(first, other)


def order_of(events: list[tuple[float, bool]], arriving: int, taken: int) -> CallOrder:
    order = CallOrder()
    for _, arrives in sorted(events):
        if arrives:
            order.arrive(arriving)
        else:
            order.take(taken)
    return order


@pytest.mark.parametrize(("arriving", "taken"), [(160, 160), (480, 160), (371, 160), (100, 160), (80, 160)])
@pytest.mark.parametrize("ppm", [-200, 200])
def test_two_clocks_are_not_in_step(arriving: int, taken: int, ppm: int) -> None:
    """Without any jitter, once the clocks are a block and a half apart at the latest."""
    seconds = 1.5 * (arriving + taken) / RATE / 200e-6
    pushes = [(k * arriving / RATE * (1 + ppm * 1e-6) - 0.004, True) for k in range(int(seconds * RATE / arriving))]
    pops = [(k * taken / RATE, False) for k in range(int(seconds * RATE / taken))]
    assert order_of(pushes[: len(pushes) // 40] + pops[: len(pops) // 40], arriving, taken).in_step
    assert not order_of(pushes + pops, arriving, taken).in_step


def test_jitter_is_not_in_step(rand: Any) -> None:
    pushes = [(0.01 * k + rand.uniform(0, 0.004), True) for k in range(300)]
    pops = [(0.01 * k + rand.uniform(0, 0.004), False) for k in range(300)]
    assert not order_of(pushes + pops, 160, 160).in_step
