"""DemandMeter and PlayoutDepth: how much sound has to be ready, from when a device takes it and when it comes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from livekit_utils.devices.backend.demand import DemandMeter
from livekit_utils.devices.playout_depth import DelayMeter, PlayoutDepth
from tests.support.randomness import Rand

RATE = 48_000


def calls(
    block: int, seconds: float, burst: int = 1, rate: int = RATE, start: float = 5.0
) -> Iterator[tuple[float, int]]:
    """The times of a device's calls, and what it takes in each: `burst` samples at once, in blocks."""
    taken = 0
    while taken < seconds * rate:
        yield start + taken // burst * burst / rate, block
        taken += block


def take(meter: DemandMeter, times: Iterator[tuple[float, int]]) -> tuple[int, float, float]:
    result = 0, 0, 0
    for when, size in times:
        result = meter.take(size, round(when * 1e9))
    return result[0], result[1] / 1e9, result[2] / 1e9


@pytest.mark.parametrize(("block", "rate"), [(480, 48_000), (441, 44_100), (512, 48_000), (1, 1000)])
def test_the_lines_of_an_even_flow_are_one(block: int, rate: int) -> None:
    taken, earliest, latest = take(DemandMeter(rate), calls(block, 3, block, rate))
    assert taken >= 3 * rate
    assert (earliest, latest) == (pytest.approx(5, abs=1e-6), pytest.approx(5, abs=1e-6))


@pytest.mark.parametrize("burst", [2048, 4096])
def test_the_lines_of_bursts_are_a_burst_apart(burst: int) -> None:
    meter = DemandMeter(RATE)
    _, earliest, latest = take(meter, calls(480, 5, burst))
    # The first block of a burst comes last, the last one first.
    assert (latest - earliest) * RATE == pytest.approx(burst, abs=480)


def test_what_a_device_takes_when_it_starts_is_forgotten() -> None:
    meter = DemandMeter(RATE)
    for _ in range(3):
        meter.take(480, 5_000_000_000)
    _, earliest, latest = take(meter, calls(480, 0.5, start=5.05))
    assert latest - earliest < 0.001


def test_bursts_are_forgotten_after_two_seconds() -> None:
    meter = DemandMeter(RATE)
    _, earliest, latest = take(meter, calls(480, 3, 2048))
    assert latest - earliest > 0.03
    _, earliest, latest = take(meter, calls(480, 2.1, 480, start=8.1))
    assert latest - earliest < 0.001


def seen(block: int, burst: int | None = None, buffer: int | None = None, rate: int = RATE) -> PlayoutDepth:
    """What is known of a device that has been taking sound for three seconds, until about 8.0."""
    depth = PlayoutDepth(rate, block, buffer)
    depth.see_device(block, *take(DemandMeter(rate), calls(block, 3, burst or block, rate)))
    return depth


def test_the_depth_is_a_burst_and_what_came_late() -> None:
    assert PlayoutDepth(RATE, 480).depth(0) == 480 + 480
    assert seen(480).depth(8) == pytest.approx(480 + 480, abs=1)
    assert seen(480, 4096).depth(8) == pytest.approx(4096 + 480, abs=480)
    depth = seen(480, buffer=0)
    assert depth.depth(8) == pytest.approx(480, abs=1)  # one block
    depth.see_delay(0.02, 8)
    assert depth.depth(8) == pytest.approx(480 + 960, abs=1)
    depth.see_delay(0.005, 8.1)  # less than what is remembered
    assert depth.depth(8.1) == pytest.approx(480 + 960, abs=5)
    assert depth.depth(28) == pytest.approx(480 + 480, abs=1)  # half of it
    assert depth.depth(300) == pytest.approx(480, abs=1)
    depth.see_delay(3.0, 300)
    assert depth.depth(300) == pytest.approx(480 + 1920, abs=1)  # what takes this long cannot be bridged


def test_the_buffer_of_the_user_is_the_least() -> None:
    assert seen(480, buffer=4800).depth(8) == 4800
    assert seen(480, 4096, buffer=480).depth(8) == pytest.approx(4096, abs=480)
    assert seen(480, buffer=4800).surplus(4320, 480, 7.999) == 0
    # A device that is 100 ms late has not taken 4800 samples, which are no surplus.
    assert seen(480, buffer=4800).surplus(4320 + 4800, 480, 8.1) == pytest.approx(0, abs=1)


def test_a_gone_device_is_forgotten() -> None:
    depth = seen(480, 4096)
    depth.forget_device()
    assert depth.depth(8) == 960
    assert depth.surplus(700, 480, 8) == 700  # there is nothing to be in time for


@pytest.mark.parametrize("block", [104, 240, 441, 480, 512, 1000, 2048, 4096])
@pytest.mark.parametrize("frame", [160, 480, 960, 2880])
def test_without_the_surplus_nothing_comes_late_and_with_less_something_does(
    block: int, frame: int, rand: Rand
) -> None:
    """Against the obvious: frames come and blocks go for a minute, and the least that is left is looked at."""
    for _ in range(5):
        depth = PlayoutDepth(RATE, block)
        now, queued = rand.uniform(0, block / RATE) + 0.002, rand.randrange(10_000)
        depth.see_device(block, 0, 0.0, 0.0)
        next_take = 0.0
        while next_take < now:  # those before the first frame, from a ring that has enough
            next_take += block / RATE
        depth.see_device(block, round(next_take * RATE), 0.0, 0.0)
        surplus = depth.surplus(queued, frame, now)
        level, least, comes = queued, 10**9, now + 0.002  # by which it is promised to be in time
        for i in range(2000):
            when = next_take + i * block / RATE
            while comes <= when + 1e-9:
                level += frame
                comes += frame / RATE
            level -= block
            least = min(least, level)
        assert surplus == pytest.approx(least, abs=1)


def test_delays_that_are_made_up_for() -> None:
    meter = DelayMeter()
    delays = []
    for i in range(300):
        late = {100: 0.02, 101: 0.01}.get(i, 0.0)
        delays.append(meter.come(i * 0.01, i * 0.01 + late))
    assert max(delays) == pytest.approx(0.02)
    assert max(delays[:101]) == pytest.approx(0)


@pytest.mark.parametrize("pause_s", [0.03, 0.3, 3.0])
def test_a_pause_of_the_sender_is_no_delay(pause_s: float) -> None:
    meter = DelayMeter()
    delays = [meter.come(i * 0.01, i * 0.01 + (pause_s if i >= 100 else 0)) for i in range(300)]
    assert max(delays) == pytest.approx(0, abs=1e-9)


def test_what_a_stream_had_ready_at_its_start_is_no_delay() -> None:
    meter = DelayMeter()
    delays = [meter.come(i * 0.01, max(0.0, i - 20) * 0.01) for i in range(300)]
    assert max(delays) == pytest.approx(0, abs=1e-9)


def test_a_clock_that_drifts_is_no_delay() -> None:
    for rate in (0.999, 1.001):
        meter = DelayMeter()
        delays = [meter.come(i * 0.01, i * 0.01 * rate) for i in range(10_000)]
        assert max(delays) < 0.001
