"""DtmfDetector: the limits of Q.24, noise, G.711, every rate, any chunking."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit_utils import AudioFrame, DtmfDetector, DtmfDigit, dtmf_generator
from tests.support.dtmf import (
    DIGITS,
    HIGH,
    LOW,
    RATES,
    Samples,
    amplitude,
    detect,
    found,
    frame,
    noise,
    silence,
    through_ulaw,
    tone,
)


def generator(rand: Any) -> np.random.Generator:
    return np.random.default_rng(rand.randrange(2**32))


def phases(rng: np.random.Generator) -> tuple[float, float]:
    low, high = rng.uniform(0, 2 * math.pi, 2)
    return float(low), float(high)


def all_digits(
    rate: int, ms: float, rng: np.random.Generator, pause_ms: float = 60, **how: Any
) -> tuple[Samples, list[float]]:
    """Every digit once, and the times in seconds at which they start; nothing lies on a grid of milliseconds."""
    parts, starts = [silence(rate, rng.uniform(0, 40))], []
    for digit in DIGITS:
        starts.append(sum(map(len, parts)) / rate)
        parts.append(tone(rate, digit, ms, phases=phases(rng), **how))
        parts.append(silence(rate, pause_ms + rng.uniform(0, 5)))
    return np.concatenate(parts), starts


def with_noise(samples: Samples, rate: int, snr_db: float, power: float, rng: np.random.Generator) -> Samples:
    return samples + noise(rate, len(samples) * 1000 / rate, power / 10 ** (snr_db / 10), rng)


def power(samples: Samples) -> float:
    """Of the tones: most of the time there is none."""
    return float(np.mean(samples[np.abs(samples) > 0] ** 2))


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("ulaw", [False, True])
@pytest.mark.parametrize("snr_db", [None, 15])
def test_all_digits_of_40_ms(rate: int, snr_db: float | None, ulaw: bool, rand: Any) -> None:
    rng = generator(rand)
    samples, starts = all_digits(rate, 40, rng, pause_ms=40)
    if snr_db is not None:
        samples = with_noise(samples, rate, snr_db, power(samples), rng)
    if ulaw:
        samples = through_ulaw(samples)
    digits = detect(samples, rate)
    assert "".join(digit.digit for digit in digits) == DIGITS
    for digit, start in zip(digits, starts, strict=True):
        assert digit.start_s == pytest.approx(start, abs=0.002)
        assert digit.duration_s == pytest.approx(0.04, abs=0.0035)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("snr_db", [None, 15])
def test_what_is_shorter_than_24_ms_is_no_digit(rate: int, snr_db: float | None, rand: Any) -> None:
    rng = generator(rand)
    for ms in (10, 20, 23, 24):
        samples, _ = all_digits(rate, ms, rng)
        if snr_db is not None:
            samples = with_noise(samples, rate, snr_db, power(samples), rng)
        assert found(samples, rate) == ""


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize(("low", "high"), [(0.015, 0.015), (-0.015, -0.015), (0.015, -0.015), (-0.015, 0.015)])
def test_frequencies_may_be_off_by_1_5_percent(rate: int, low: float, high: float, rand: Any) -> None:
    rng = generator(rand)
    samples, _ = all_digits(rate, 40, rng, low_off=low, high_off=high)
    assert found(samples, rate) == DIGITS
    assert found(with_noise(samples, rate, 15, power(samples), rng), rate) == DIGITS


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize(("low", "high"), [(0.035, 0), (-0.035, 0), (0, 0.035), (0, -0.035), (0.035, 0.035)])
def test_a_tone_that_is_off_by_3_5_percent_is_no_digit(rate: int, low: float, high: float, rand: Any) -> None:
    rng = generator(rand)
    samples, _ = all_digits(rate, 200, rng, low_off=low, high_off=high)
    assert found(samples, rate) == ""
    assert found(with_noise(samples, rate, 15, power(samples), rng), rate) == ""


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("twist_db", [-8, -4, 0, 2, 4])
@pytest.mark.parametrize("dbm0", [0, -10, -25])
def test_twist_and_levels(rate: int, twist_db: float, dbm0: float, rand: Any) -> None:
    """Both tones together at 0 dBm0 are beyond full scale, and are clipped. -25 dBm0 is that of the weaker tone."""
    stronger = dbm0 + abs(twist_db) if dbm0 == -25 else dbm0
    samples, _ = all_digits(rate, 40, generator(rand), dbm0=stronger, twist_db=twist_db)
    assert found(samples, rate) == DIGITS
    assert found(through_ulaw(np.clip(samples, -32768, 32767)), rate) == DIGITS


def test_what_is_too_weak_or_too_uneven_is_no_digit(rand: Any) -> None:
    for how in ({"dbm0": -55}, {"dbm0": -45}, {"twist_db": 12}, {"twist_db": -14}):
        samples, _ = all_digits(8000, 100, generator(rand), **how)
        assert found(samples, 8000) == "", how


@pytest.mark.parametrize("rate", RATES)
def test_one_tone_or_three_are_no_digit(rate: int) -> None:
    n = np.arange(rate)
    for hz in (*LOW, *HIGH):
        assert found(10000 * np.sin(2 * math.pi * hz * n / rate), rate) == ""
    third = amplitude(-10) * np.sin(2 * math.pi * 1000 * n / rate)
    assert found(tone(rate, "5", 1000) + third, rate) == ""
    for first, second in (("1", "5"), ("3", "4"), ("1", "2"), ("*", "1")):  # two keys at once
        assert found(tone(rate, first, 1000) + tone(rate, second, 1000), rate) == ""


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("digit", ["1", "D"])
def test_a_break_of_10_ms_belongs_to_the_digit_and_a_pause_of_40_ms_ends_it(rate: int, digit: str, rand: Any) -> None:
    rng = generator(rand)
    for _ in range(10):
        edge = silence(rate, rng.uniform(0, 40))
        parts = [tone(rate, digit, ms, phases=phases(rng)) for ms in (60, 60)]
        for gap_ms, expected in ((10, digit), (40, digit * 2)):
            samples = np.concatenate([edge, parts[0], silence(rate, gap_ms), parts[1], silence(rate, 100)])
            digits = detect(samples, rate)
            assert "".join(one.digit for one in digits) == expected
            length_s = (120 + gap_ms) / 1000 if gap_ms == 10 else 0.06
            assert digits[0].duration_s == pytest.approx(length_s, abs=0.002)


def test_digits_without_a_pause(rand: Any) -> None:
    order = list(DIGITS)
    rand.shuffle(order)
    samples = np.concatenate([tone(8000, digit, 60) for digit in order] + [silence(8000, 100)])
    digits = detect(samples, 8000)
    assert [digit.digit for digit in digits] == order
    for number, digit in enumerate(digits):
        assert digit.start_s == pytest.approx(0.06 * number, abs=0.006)
        assert digit.duration_s == pytest.approx(0.06, abs=0.01)
    ends = [digit.start_s + digit.duration_s for digit in digits]
    assert all(end <= digit.start_s + 1e-9 for end, digit in zip(ends, digits[1:], strict=False))


def test_a_key_that_is_held_is_one_digit_however_its_level_moves() -> None:
    held = tone(8000, "7", 10_000, dbm0=-6) * (1 + 0.5 * np.sin(np.arange(80_000) / 3000))
    [digit] = detect(np.concatenate([silence(8000, 500), held, silence(8000, 500)]), 8000)
    assert (digit.digit, digit.start_s, digit.duration_s) == (
        "7",
        pytest.approx(0.5, abs=3e-3),
        pytest.approx(10, abs=5e-3),
    )


@given(st.data())
def test_any_chunking_gives_the_same_digits(data: Any) -> None:
    rate = data.draw(st.sampled_from(RATES))
    spell = st.tuples(st.sampled_from(DIGITS), st.floats(15, 120), st.floats(0, 80))
    parts = []
    for digit, tone_ms, pause_ms in data.draw(st.lists(spell, max_size=5)):
        parts += [tone(rate, digit, tone_ms), silence(rate, pause_ms)]
    samples = np.concatenate([*parts, np.zeros(0)])
    cuts = sorted(data.draw(st.lists(st.integers(0, samples.size), max_size=20)))
    detector, got = DtmfDetector(rate), []
    for start, end in zip([0, *cuts], [*cuts, samples.size], strict=True):
        got += detector.push(frame(samples[start:end], rate))
    assert got + detector.flush() == detect(samples, rate)


def test_a_digit_comes_40_ms_after_its_end() -> None:
    samples, detector = np.concatenate([tone(8000, "4", 100), silence(8000, 100)]), DtmfDetector(8000)
    for position in range(0, 1600, 80):
        if detector.push(frame(samples[position : position + 80], 8000)):
            assert 0.1 < (position + 80) / 8000 <= 0.1 + 0.045
            return
    pytest.fail("it did not come")


def test_several_channels_are_averaged() -> None:
    left, right = tone(8000, "1", 60), silence(8000, 60)
    stereo = np.stack([left, right], axis=1).astype(np.int16)
    detector = DtmfDetector(8000)
    detector.push(AudioFrame(stereo, 8000, 2, len(stereo)))
    [digit] = detector.flush()
    assert (digit.digit, digit.start_s) == ("1", pytest.approx(0, abs=2e-3))


def test_offset_and_silence(rand: Any) -> None:
    for offset in (-2000, 0, 2000):
        assert found(np.full(80_000, float(offset)), 8000) == ""
        samples, _ = all_digits(8000, 60, generator(rand))
        assert found(samples + offset, 8000) == DIGITS


@pytest.mark.parametrize("rate", RATES)
def test_what_the_generator_makes_is_found(rate: int) -> None:
    async def main() -> list[DtmfDigit]:
        detector, digits = DtmfDetector(rate), []
        async for tone_frame in dtmf_generator(DIGITS, sample_rate=rate, tone_ms=50, pause_ms=45):
            digits += detector.push(tone_frame)
        return digits + detector.flush()

    digits = asyncio.run(main())
    assert "".join(digit.digit for digit in digits) == DIGITS
    for number, digit in enumerate(digits):
        assert digit.start_s == pytest.approx(0.095 * number, abs=0.002)
        assert digit.duration_s == pytest.approx(0.05, abs=0.003)


def test_flush_and_reset() -> None:
    detector, sounding = DtmfDetector(8000), frame(tone(8000, "8", 200), 8000)
    assert detector.push(sounding) == []
    [digit] = detector.flush()
    assert digit.start_s + digit.duration_s <= 0.2
    detector.push(sounding)
    detector.reset()
    assert detector.flush() == []
    detector.push(sounding)
    assert detector.flush() == [digit]


def test_a_digit_is_a_plain_value() -> None:
    digit = DtmfDigit(digit="1", start_s=0.5, duration_s=0.1)
    assert repr(digit) == "DtmfDigit(digit='1', start_s=0.5, duration_s=0.1)"
    with pytest.raises(AttributeError):
        digit.digit = "2"  # type: ignore[misc]
    with pytest.raises(TypeError):
        DtmfDigit("1", 0.5, 0.1)  # type: ignore[misc]


def test_wrong_frames_are_refused_and_nothing_is_lost() -> None:
    detector = DtmfDetector(8000)
    detector.push(frame(tone(8000, "2", 60), 8000))
    with pytest.raises(ValueError, match="frame: expected a sample rate of 8000 Hz, got 16000"):
        detector.push(AudioFrame.create(16000, 1, 160))
    for wrong in (None, b"12", 1, object()):
        with pytest.raises(TypeError, match="expected an AudioFrame, got"):
            detector.push(wrong)  # type: ignore[arg-type]
    assert detector.push(AudioFrame.create(8000, 1, 0)) == []
    assert [digit.digit for digit in detector.flush()] == ["2"]
    assert repr(detector) == "DtmfDetector(sample_rate=8000)"
    assert detector.sample_rate == 8000
