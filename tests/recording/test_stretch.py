"""A frame that is made longer or shorter by one sample sounds as before."""

from __future__ import annotations

import numpy as np
import pytest

from livekit_utils import AudioFrame
from livekit_utils.recording.stretch import stretched


@pytest.mark.parametrize("slip", [1, -1])
@pytest.mark.parametrize("hz", [100, 1000, 5000, 12_000, 15_000])
@pytest.mark.parametrize("length", [80, 480, 960])
def test_a_tone_stays_one(length: int, hz: int, slip: int) -> None:
    """It is the tone that is as much slower or faster, to -50 dB, and to -40 dB near the ends."""
    phases = 2 * np.pi * hz / 48000
    samples = np.stack([10_000 * np.sin(phases * np.arange(length)), 10_000 * np.cos(phases * np.arange(length))], 1)
    frame = AudioFrame(np.rint(samples).astype(np.int16), 48000, 2, length)
    made = stretched(frame, slip)
    assert (made.samples_per_channel, made.num_channels, made.sample_rate) == (length + slip, 2, 48000)
    places = np.linspace(0, length - 1, length + slip)
    expected = np.stack([10_000 * np.sin(phases * places), 10_000 * np.cos(phases * places)], 1)
    error = np.abs(np.asarray(made) - expected)
    assert error[20:-20].max() <= 10_000 * 10 ** (-50 / 20) if hz < 15_000 else error[20:-20].max() <= 300
    assert error.max() <= 10_000 * 0.1
    assert np.array_equal(np.asarray(made)[[0, -1]], np.asarray(frame)[[0, -1]])


def test_full_scale_is_clipped() -> None:
    square = np.where(np.arange(480) // 24 % 2, 32767, -32768).astype(np.int16)
    made = np.asarray(stretched(AudioFrame(square, 48000, 1, 480), 1))[:, 0]
    assert set(np.sign(made[:24])) == {-1}
