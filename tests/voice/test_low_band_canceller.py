"""What lies above the canceller's band: an echo there goes with the rest, a voice stays."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from livekit_utils import AudioProcessingModule
from tests.support.acoustics import Samples, Sound, echo, noise, samples, speech
from tests.voice.test_echo_cancellation import through

_RATES = (22050, 24000, 32000, 44100, 48000, 96000)


def band(sound: Sound | Samples, rate: int, low: float, high: float) -> Sound:
    within = signal.butter(6, [low, min(high, 0.49 * rate)], "bandpass", fs=rate, output="sos")
    return np.asarray(signal.sosfilt(within, np.asarray(sound, float)))


def lowered_db(mic: Samples, out: Samples, rate: int, low: float, high: float, start_s: float) -> float:
    start = int(start_s * rate)
    before, after = (np.mean(band(x, rate, low, high)[start:] ** 2) for x in (mic, out))
    return float(10 * np.log10(before / after))


@pytest.mark.parametrize("rate", _RATES)
def test_a_voice_alone_comes_out_as_it_went_in(rate: int) -> None:
    """A block of 10 ms later, to the sample, even at rates of which a millisecond is no whole number of samples."""
    mic = samples(noise(rate // 100 * 100, 2, 5))
    apm = AudioProcessingModule(echo_cancellation=True)
    out = through(apm, mic, np.zeros(len(mic), np.int16), rate)
    assert apm.latency == 0.01
    size, half = rate // 100, len(mic) // 2
    before, after = (np.fft.rfft(x.astype(float)) for x in (mic[half - size : -size], out[half:]))
    frequency = np.fft.rfftfreq(len(mic) - half, 1 / rate)
    for low, high in ((4000, 6400), (6400, 9200), (9200, 20000)):  # within, across and above the edge of the low band
        place = (frequency > low) & (frequency < high)
        error = np.sum(np.abs(after - before)[place] ** 2) / np.sum(np.abs(before)[place] ** 2)
        assert 10 * np.log10(error) < -30
        assert 10 * np.log10(np.sum(np.abs(after)[place] ** 2) / np.sum(np.abs(before)[place] ** 2)) == pytest.approx(
            0, abs=0.2
        )


@pytest.mark.parametrize("rate", [32000, 44100, 48000])
def test_an_echo_above_the_low_band_goes(rate: int) -> None:
    """Whether it is louder up there than below, or is there alone."""
    hiss = band(noise(rate, 4, 3, rms=3000), rate, 9000, 20000)
    hiss *= np.arange(len(hiss)) % (rate // 4) < rate // 8
    for far in (hiss, speech(rate, 4, 3) + hiss):
        mic = samples(echo(far, rate, 60) + noise(rate, 4, 9, rms=5))
        out = through(AudioProcessingModule(echo_cancellation=True), mic, samples(far), rate)
        assert lowered_db(mic, out, rate, 10000, 15000, 0.3) > 25
        assert lowered_db(mic, out, rate, 10000, 15000, 2) > 25


def test_a_hiss_comes_back_after_an_echo() -> None:
    rate = 48000
    far, near = speech(rate, 4, 3), band(noise(rate, 4, 7, rms=1000), rate, 4000, 20000)
    far[2 * rate :] = near[: 9 * rate // 4] = 0
    mic = samples(echo(far, rate, 60) + near)
    out = through(AudioProcessingModule(echo_cancellation=True), mic, samples(far), rate)
    assert abs(lowered_db(mic, out, rate, 9000, 20000, 2.6)) < 0.5
