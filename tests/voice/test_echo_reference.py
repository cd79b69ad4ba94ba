"""EchoReference: two streams that come at their own times are kept at one distance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from livekit_utils import AudioFrame, AudioProcessingModule
from livekit_utils.voice.echo_reference import EchoReference
from tests.support.acoustics import Samples, drifted, echo, erle_db, noise, samples, speech
from tests.support.randomness import Rand

RATE = 16000
BLOCK = 160


class Clock:
    """Where the reference looks for the time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.time = 1000.0
        monkeypatch.setattr("livekit_utils.voice.echo_reference.perf_counter", lambda: self.time)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def counting(start: int, num_samples: int) -> AudioFrame:
    """Samples that tell where in the stream they were, from 1."""
    values = (np.arange(start, start + num_samples) % 30000 + 1).astype(np.int16)
    return AudioFrame(values, RATE, 1, num_samples)


def first_of(block: bytearray) -> int:
    return int(np.frombuffer(block, np.int16)[0])


class Line:
    """Pushes and pops blocks of 10 ms, and follows the distance between what was pushed and what came out."""

    def __init__(self, clock: Clock) -> None:
        self.reference = EchoReference(RATE, 1)
        self.clock = clock
        self.pushed = self.popped = 0

    def push(self, times: int = 1, size: int = BLOCK) -> None:
        for _ in range(times):
            self.reference.push(counting(self.pushed, size))
            self.pushed += size

    def pop(self, times: int = 1) -> int:
        """The distance in samples at the last of them: how much later than the microphone the reference was."""
        for _ in range(times):
            block = self.reference.pop(BLOCK)
            self.popped += BLOCK
        return (self.popped - BLOCK - (first_of(block) - 1)) % 30000

    def run(self, num_blocks: int) -> None:
        for _ in range(num_blocks):
            self.push()
            self.pop()
            self.clock.time += 0.01


def test_what_goes_in_comes_out(clock: Clock) -> None:
    line = Line(clock)
    out = bytearray()
    for k in range(500):
        line.reference.push(counting(k * BLOCK % 30000, BLOCK))
        out += line.reference.pop(BLOCK)
        clock.time += 0.01
    assert np.array_equal(np.frombuffer(out, np.int16), np.arange(500 * BLOCK) % 30000 + 1)
    assert (line.reference.missing, line.reference.dropped, line.reference.queued) == (0, 0, 0)


def test_a_block_that_comes_late_now_and_then_is_there_in_time(clock: Clock, rand: Rand) -> None:
    line = Line(clock)
    line.reference.reserve_ms = 12
    line.run(50)
    line.push()
    distance = line.pop()
    for _ in range(100):
        clock.time += 0.01
        if rand.random() < 0.3:  # the microphone's block was first
            assert line.pop() == distance
            line.push()
        else:
            line.push()
            assert line.pop() == distance
    assert line.reference.missing == 0


def test_silence_before_anything(clock: Clock) -> None:
    reference = EchoReference(RATE, 2)
    assert reference.pop(BLOCK) == bytes(4 * BLOCK)
    assert reference.missing == BLOCK


@pytest.mark.parametrize("num_blocks", [50, 1000])
def test_after_a_pause_of_the_microphone_only_the_latest_is_kept(clock: Clock, num_blocks: int) -> None:
    line = Line(clock)
    line.push(num_blocks)
    assert line.reference.queued <= 1.1 * RATE
    assert first_of(line.reference.pop(BLOCK)) == (num_blocks - 1) * BLOCK % 30000 + 1


@pytest.mark.parametrize("num_blocks", [3, 30, 200])
@pytest.mark.parametrize("microphone_first", [False, True])
def test_a_loop_that_is_held_up_changes_nothing(clock: Clock, num_blocks: int, microphone_first: bool) -> None:
    line = Line(clock)
    line.run(150)
    clock.time += num_blocks * 0.01
    if microphone_first:
        line.pop(num_blocks)
        line.push(num_blocks)
    elif num_blocks <= 100:
        line.push(num_blocks)
        line.pop(num_blocks)
    else:
        return
    line.push()
    assert line.pop() == 0


@pytest.mark.parametrize("ahead", [0, 2, 4])
def test_bursts_make_the_distance_longer_once(clock: Clock, ahead: int) -> None:
    """Five blocks at once, before or amid the pops that want them."""
    line = Line(clock)
    missing, distances = [], []
    for k in range(600):
        if k % 5 == ahead:
            line.push(5)
        distances.append(line.pop())
        clock.time += 0.01
        missing.append(line.reference.missing)
    assert missing[-1] == missing[30] <= 15 * BLOCK
    assert len(set(distances[30:])) == 1
    assert 0 <= distances[-1] <= 5 * BLOCK


def test_what_lies_there_without_need_goes(clock: Clock) -> None:
    line = Line(clock)
    line.run(10)
    line.push(20)
    line.run(110)
    assert line.reference.queued == 0
    assert line.reference.dropped == 20 * BLOCK


def test_a_loudspeaker_that_rests_begins_anew(clock: Clock) -> None:
    line = Line(clock)
    line.run(50)
    for _ in range(1000):
        line.pop()
        clock.time += 0.01
    line.run(50)
    missing = line.reference.missing
    line.run(100)
    assert line.reference.missing == missing
    assert line.reference.queued <= BLOCK


@pytest.mark.parametrize("ppm", [-200, -50, 0, 50, 200])
def test_drift_is_followed_by_single_samples(clock: Clock, rand: Any, ppm: int) -> None:
    """Both clocks run for five minutes, and every block comes up to 4 ms late."""
    line = Line(clock)
    pushes = [(1000 + (0.01 * k - 0.012) / (1 + ppm * 1e-6) + rand.uniform(0, 0.004), True) for k in range(30_100)]
    pops = [(1000 + 0.01 * k + rand.uniform(0, 0.004), False) for k in range(30_000)]
    queued, missing = [], []
    for clock.time, is_push in sorted(pushes + pops):
        if is_push:
            line.push()
        else:
            line.pop()
            queued.append(line.reference.queued)
            missing.append(line.reference.missing)
    # In the end the queue is as long as in the second minute, where otherwise it would be 48 ms off, or short.
    early, late = np.mean(queued[9_000:12_000]), np.mean(queued[27_000:])
    assert abs(early - late) < 0.003 * RATE
    assert missing[-1] - missing[9_000] < 0.01 * RATE


def test_more_and_less_is_held_back(clock: Clock) -> None:
    line = Line(clock)
    line.run(50)
    line.reference.set_delay_ms(450)
    line.run(1)
    assert line.reference.held_ms == 0
    line.reference.set_delay_ms(800)
    assert line.reference.held_ms == 500
    line.run(60)
    line.push()
    assert line.pop() == 0.5 * RATE
    line.run(300)
    assert line.reference.queued == 0.5 * RATE
    line.reference.set_delay_ms(700)
    line.reference.set_delay_ms(600)
    assert line.reference.held_ms == 500
    line.reference.set_delay_ms(590)
    assert line.reference.held_ms == 290
    line.push()
    assert line.pop() == pytest.approx(0.29 * RATE)
    line.reference.set_delay_ms(0)
    line.push()
    assert (line.reference.held_ms, line.pop()) == (0, 0)


def test_held_back_from_the_beginning(clock: Clock) -> None:
    line = Line(clock)
    line.reference.set_delay_ms(1000)
    line.run(100)
    line.push()
    assert line.pop() == line.reference.queued == 0.7 * RATE


def duplex(apm: AudioProcessingModule, clock: Clock, far: Samples, mic: Samples, ppm: float) -> Samples:
    """The loudspeaker's blocks come by its clock, the microphone's by theirs."""
    out = mic.copy()
    events = [((k * 0.01 - 0.004) / (1 + ppm * 1e-6), False, k) for k in range(len(far) // BLOCK)]
    events += [(k * 0.01, True, k) for k in range(len(mic) // BLOCK)]
    for time, is_microphone, k in sorted(events):
        clock.time = 1000 + time
        block = (out if is_microphone else far)[k * BLOCK : (k + 1) * BLOCK]
        process = apm.process_stream if is_microphone else apm.process_reverse_stream
        process(AudioFrame(block, RATE, 1, BLOCK))
    return out


def test_drift_costs_little(clock: Clock) -> None:
    seconds = 70
    sound = speech(RATE, seconds, 3)
    room = echo(sound, RATE, 100)
    levels = {}
    for ppm in (0, -200, 200):
        mic = samples(drifted(room, ppm) + noise(RATE, seconds, 9, rms=5))
        apm = AudioProcessingModule(echo_cancellation=True)
        out = duplex(apm, clock, samples(sound), mic, ppm)
        levels[ppm] = np.mean([erle_db(mic, out, RATE, start, start + 2) for start in range(40, seconds, 2)])
    assert levels[-200] > levels[0] - 3
    assert levels[200] > levels[0] - 3
