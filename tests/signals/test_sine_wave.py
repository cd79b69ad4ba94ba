"""sine_wave_generator: exact length, exact samples, checked arguments."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit_utils import AudioFrame
from livekit_utils.rtc.utils import sine_wave_generator


def generate(*arguments: Any, **keywords: Any) -> list[AudioFrame]:
    async def main() -> list[AudioFrame]:
        return [frame async for frame in sine_wave_generator(*arguments, **keywords)]

    return asyncio.run(main())


@given(
    rate=st.integers(1000, 192000),
    duration=st.floats(1e-6, 0.3),
    share=st.floats(0, 0.999),
    amplitude=st.floats(0, 1),
)
def test_every_sample_and_the_length(rate: int, duration: float, share: float, amplitude: float) -> None:
    freq = 20 + share * (min(20000.0, rate / 2) - 20)
    frames = generate(freq, duration, rate, amplitude)
    n = round(duration * rate)
    assert sum(f.samples_per_channel for f in frames) == n
    assert all(f.samples_per_channel == rate // 100 for f in frames[:-1])
    assert all((f.sample_rate, f.num_channels) == (rate, 1) for f in frames)
    if n:
        samples = np.concatenate([np.asarray(f)[:, 0] for f in frames])
        ideal = amplitude * 32767 * np.sin(2 * np.pi * freq * np.arange(n) / rate)
        assert np.abs(samples - ideal).max() <= 0.5 + 1e-3


def test_defaults() -> None:
    frames = generate(440, 1.0)
    assert len(frames) == 100
    assert frames[0].samples_per_channel == 480
    assert max(max(f.data) for f in frames) == round(0.3 * 32767)


def test_the_phase_after_an_hour_is_right() -> None:
    async def last() -> AudioFrame:
        return [frame async for frame in sine_wave_generator(997, 3600, 8000, 1.0)][-1]

    samples = np.asarray(asyncio.run(last()))[:, 0]
    # The last 10 ms of a whole number of seconds, and 997 Hz is periodic in one.
    ideal = 32767 * np.sin(2 * np.pi * 997 * np.arange(8000 - 80, 8000) / 8000)
    assert np.abs(samples - ideal).max() <= 0.5 + 1e-2


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ((19.9, 1), "freq: expected a number from 20 to 20000, got 19.9"),
        ((20001, 1), "freq: expected a number from 20 to 20000"),
        ((24000.0, 1, 48000), "freq: expected a number from 20 to 20000"),
        ((4000, 1, 8000), "freq: expected a number below half the sample_rate of 8000 Hz, got 4000"),
        ((math.nan, 1), "freq: expected"),
        ((440, 0), "duration: expected a number above 0, got 0"),
        ((440, -1), "duration: expected"),
        ((440, math.inf), "duration: expected a finite number of samples"),
        ((440, math.nan), "duration: expected"),
        ((440, 1e307), "duration: expected a finite number of samples, got 1e[+]307 s"),
        ((440, 1, 999), "sample_rate: expected 1000 to 2147483647, got 999"),
        ((440, 1, 48000, 1.01), "amplitude: expected a number from 0 to 1, got 1.01"),
        ((440, 1, 48000, -0.01), "amplitude: expected"),
        ((440, 1, 48000, math.nan), "amplitude: expected"),
    ],
)
def test_out_of_range_is_refused_by_the_call(arguments: tuple[Any, ...], match: str) -> None:
    with pytest.raises(ValueError, match=f"^{match}"):
        sine_wave_generator(*arguments)


@pytest.mark.parametrize("number", [np.float32, np.int16, np.int32, np.float64])
def test_numbers_of_numpy(number: Any) -> None:
    plain = generate(440, 2, 16000, 1)
    wave = generate(number(440), number(2), np.int16(16000), number(1))
    assert [bytes(f) for f in wave] == [bytes(f) for f in plain]


def test_numbers_that_are_none() -> None:
    for arguments in ((440, 1, 48000.0), ("440", "x"), (None, 1), (440, 1, 48000, [])):
        with pytest.raises((TypeError, ValueError)):
            sine_wave_generator(*arguments)
