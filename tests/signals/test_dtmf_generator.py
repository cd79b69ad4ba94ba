"""dtmf_generator: frequencies, twist and lengths of Q.23 and Q.24; exact lengths, no clicks."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from livekit_utils import dtmf_generator

# Written out, as the Recommendation has them.
KEYS = {
    "1": (697, 1209), "2": (697, 1336), "3": (697, 1477), "A": (697, 1633),
    "4": (770, 1209), "5": (770, 1336), "6": (770, 1477), "B": (770, 1633),
    "7": (852, 1209), "8": (852, 1336), "9": (852, 1477), "C": (852, 1633),
    "*": (941, 1209), "0": (941, 1336), "#": (941, 1477), "D": (941, 1633),
}  # fmt: skip


def generate(digits: str, **keywords: Any) -> NDArray[np.int16]:
    async def main() -> NDArray[np.int16]:
        frames = [frame async for frame in dtmf_generator(digits, **keywords)]
        rate = keywords.get("sample_rate", 48000)
        assert {(frame.sample_rate, frame.num_channels) for frame in frames} <= {(rate, 1)}
        assert {frame.samples_per_channel for frame in frames[:-1]} <= {rate // 100}
        return np.concatenate([np.zeros(0, np.int16)] + [np.asarray(frame)[:, 0] for frame in frames])

    return asyncio.run(main())


@pytest.mark.parametrize("rate", [8000, 11025, 48000])
@pytest.mark.parametrize("digit", KEYS)
def test_the_two_frequencies_and_the_twist(digit: str, rate: int) -> None:
    tone = generate(digit, sample_rate=rate, tone_ms=1010, pause_ms=0, amplitude=0.8)[5 * rate // 1000 :][:rate]
    spectrum = np.abs(np.fft.rfft(tone)) / rate * 2  # a line for each Hz
    low, high = KEYS[digit]
    assert set(np.argsort(spectrum)[-2:]) == {low, high}
    assert 20 * np.log10(spectrum[high] / spectrum[low]) == pytest.approx(2, abs=0.01)
    assert spectrum[low] + spectrum[high] == pytest.approx(0.8 * 32767, abs=2)
    others = np.delete(spectrum, [low, high])
    assert 20 * np.log10(np.max(others) / spectrum[low]) < -80
    assert np.abs(tone).max() <= 0.8 * 32767 + 0.5


@given(
    digits=st.text("0123456789ABCDabcd*#", max_size=4),
    rate=st.integers(8000, 50000),
    tone_ms=st.floats(0.5, 60),
    pause_ms=st.floats(0, 60),
)
def test_every_tone_lies_where_it_belongs(digits: str, rate: int, tone_ms: float, pause_ms: float) -> None:
    samples = generate(digits, sample_rate=rate, tone_ms=tone_ms, pause_ms=pause_ms)
    period = tone_ms + pause_ms
    assert samples.size == round(len(digits) * period * rate / 1000)
    expected = np.zeros(samples.size)
    for number, digit in enumerate(digits.upper()):
        start, end = (round((number * period + ms) * rate / 1000) for ms in (0, tone_ms))
        high = 1 / (1 + 10 ** (-2 / 20))
        for i in range(start, min(end, samples.size)):
            fade = min(1, min(i - start + 1, end - i) / (rate / 1000))
            low_turns, high_turns = (hz * (i - start) / rate for hz in KEYS[digit])
            tone = high * np.sin(2 * np.pi * high_turns) + (1 - high) * np.sin(2 * np.pi * low_turns)
            expected[i] = 0.3 * 32767 * fade * tone
    assert np.abs(samples - expected).max(initial=0) <= 0.5 + 1e-3


def test_full_scale_does_not_saturate() -> None:
    for digit in KEYS:
        tone = generate(digit, amplitude=1.0, tone_ms=1000)
        assert 32000 < np.abs(tone.astype(int)).max() <= 32767


def test_no_digits_are_no_frames() -> None:
    assert generate("").size == 0


@pytest.mark.parametrize("digits", ["12 3", "E", "1,2", "\u0131", "+49", "\uff11"])
def test_what_is_no_digit_is_refused_by_the_call(digits: str) -> None:
    with pytest.raises(ValueError, match="digits: expected digits of 0-9, A-D, \\* and #, got"):
        dtmf_generator(digits)


def test_the_error_shows_what_came() -> None:
    with pytest.raises(ValueError, match="got 'x'"):
        dtmf_generator("1ax")
