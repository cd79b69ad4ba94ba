"""The instruments themselves, on recordings of which it is known what is wrong with them."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.randomness import Rand
from tests.support.sound_tools import RAMP_PERIOD, RampReport, Samples, find_ramp, gaps_ms, pitch, ramp, runs

N = 3 * RAMP_PERIOD + 777


def silence(num_samples: int) -> Samples:
    return np.zeros(num_samples, np.int16)


def heard(*pieces: Samples) -> Samples:
    """Somewhere in a recording."""
    return np.concatenate([silence(1000), *pieces, silence(500)])


def test_an_intact_ramp() -> None:
    report = find_ramp(heard(ramp(N)), N)
    assert report == RampReport(0, 0, 0, 0, [], 1000)
    assert report.is_intact
    assert find_ramp(ramp(N), N).is_intact


@pytest.mark.parametrize("at", [100, RAMP_PERIOD - 3, RAMP_PERIOD, 2 * RAMP_PERIOD + 5])
@pytest.mark.parametrize("length", [1, 2, 480, 14_000])
def test_what_can_happen_to_a_ramp(at: int, length: int) -> None:
    whole = ramp(N)
    before, after = whole[:at], whole[at:]
    cut = find_ramp(heard(before, after[length:]), N)
    assert cut == RampReport(length, 0, 0, 0, [], 1000)
    gap = find_ramp(heard(before, silence(length), after), N)
    assert gap == RampReport(0, 0, 0, length, [length], 1000)
    muted = find_ramp(heard(before, silence(length), after[length:]), N)
    assert muted == RampReport(length, 0, 0, length, [length], 1000)
    other = find_ramp(heard(before, np.full(length, -5, np.int16), after[length:]), N)
    assert other == RampReport(0, length, 0, 0, [], 1000)
    if 16 <= length <= at:
        again = find_ramp(heard(before, before[-length:], after), N)
        assert again == RampReport(0, 0, length, 0, [], 1000)


def test_a_ramp_without_its_ends() -> None:
    whole = ramp(N)
    assert find_ramp(heard(whole[5:]), N).lost == 5
    assert find_ramp(heard(whole[:-7]), N).lost == 7
    assert find_ramp(whole[5:-7], N).lost == 12
    whole[-3:] = -9
    assert find_ramp(heard(whole), N) == RampReport(0, 3, 0, 0, [], 1000)
    assert find_ramp(silence(100), N) == RampReport(N, 0, 0, 0, [], 100)
    assert find_ramp(silence(0), N).lost == N


def test_several_faults_at_once(rand: Rand) -> None:
    whole, pieces, at, lost, gaps, noise = ramp(N), [], 0, 0, [], 0
    while at + 3000 < N:
        stop = at + rand.randint(20, 2000)
        pieces.append(whole[at:stop])
        at = stop
        kind, length = rand.randrange(3), rand.randint(1, 500)
        if kind == 0:
            at, lost = at + length, lost + length
        elif kind == 1:
            pieces.append(silence(length))
            gaps.append(length)
        else:
            pieces.append(np.full(length, -1, np.int16))
            at, noise = at + length, noise + length
    report = find_ramp(heard(*pieces, whole[at:]), N)
    assert report == RampReport(lost, noise, 0, sum(gaps), gaps, 1000)


def test_runs() -> None:
    assert runs(np.array([True, False, True, True, False, False, True])) == [1, 2, 1]
    assert runs(np.zeros(3, bool)) == runs(np.zeros(0, bool)) == []


def test_gaps_are_inside_of_what_is_heard() -> None:
    tone = np.full(480, 99, np.int16)
    assert gaps_ms(np.concatenate([silence(99), tone, silence(96), tone, np.ones(48, np.int16), tone])) == [2.0, 1.0]
    assert gaps_ms(silence(48)) == []
    assert gaps_ms(tone) == []


def test_silence_has_no_pitch() -> None:
    assert pitch(silence(480)) == 0


@pytest.mark.parametrize("frequency", [50.0, 440.0, 1000.3, 7999.0])
def test_the_pitch_of_a_tone(frequency: float) -> None:
    times = np.arange(16_000) / 16_000
    sound = (8000 * np.sin(2 * np.pi * frequency * times + 1)).astype(np.int16)
    assert pitch(sound, 16_000) == pytest.approx(frequency, abs=1.0 if frequency == 7999 else 0.05)
