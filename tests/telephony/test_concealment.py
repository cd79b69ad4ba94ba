"""What is heard where packets were lost."""

from __future__ import annotations

import itertools
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from livekit_utils import TelephonyCodec, resample_audio
from tests.support.paths import BESIDE

RATE, PACKET = 8000, 160
RECORDINGS = BESIDE / "examples" / "recordings"

Sound = npt.NDArray[np.int16]


def received(samples: Sound, lost: Sequence[int], rate: int = RATE) -> Sound:
    """What is heard of samples in packets of 20 ms, of which some are lost."""
    codec = TelephonyCodec("s16le", sample_rate=rate, line_rate=rate)
    packet = rate // 50
    packets: list[bytes | None] = [samples[i : i + packet].tobytes() for i in range(0, samples.size, packet)]
    for number in lost:
        packets[number] = None
    return np.concatenate([np.frombuffer(codec.decode(each).data, np.int16) for each in packets])


def voice(freq: float, num_samples: int, rate: int = RATE) -> Sound:
    """A vowel of that pitch: harmonics that fall off."""
    angles = 2 * np.pi * freq * np.arange(num_samples) / rate
    return np.round(sum(5000 / k * np.sin(k * angles + k * k) for k in range(1, int(3400 / freq)))).astype(np.int16)


def steps(samples: Sound) -> Any:
    return np.abs(np.diff(samples.astype(int)))


@pytest.mark.parametrize("freq", [70, 100, 133.3, 180, 250, 320])
@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_a_steady_voice_goes_on(freq: float, rate: int) -> None:
    samples = voice(freq, rate // 2, rate)
    heard = received(samples, [12], rate)
    packet = rate // 50
    gap = slice(12 * packet, 12 * packet + packet // 2)  # full level
    error = heard[gap].astype(float) - samples[gap]
    assert np.sum(error**2) < 0.05 * np.sum(samples[gap].astype(float) ** 2)


@pytest.mark.parametrize("freq", [80, 111.1, 190])
@pytest.mark.parametrize("lost", [[7], [7, 8], [7, 8, 9, 10], [7, 9, 11], [0, 7]])
def test_no_click_at_the_edges(freq: float, lost: list[int]) -> None:
    samples = voice(freq, 20 * PACKET)
    assert steps(received(samples, lost)).max() <= 1.3 * steps(samples).max()


def test_a_long_gap_fades_to_silence_and_back() -> None:
    samples = voice(120, 30 * PACKET)
    heard = received(samples, range(10, 20)).astype(float)
    levels = [np.sqrt(np.mean(heard[i : i + 80] ** 2)) for i in range(10 * PACKET, 20 * PACKET, 80)]
    assert all(later <= earlier * 1.05 for earlier, later in itertools.pairwise(levels))
    assert levels[0] > 0.8 * np.sqrt(np.mean(samples.astype(float) ** 2))
    assert levels[6:] == [0.0] * 14  # after 60 ms
    assert (heard[20 * PACKET + 80 :] == samples[20 * PACKET + 80 :]).all()  # 10 ms later all is as it came


def test_what_is_not_lost_is_not_changed() -> None:
    samples = voice(120, 30 * PACKET)
    assert (received(samples, []) == samples).all()
    heard = received(samples, [10])
    assert (heard[: 10 * PACKET] == samples[: 10 * PACKET]).all()
    assert (heard[11 * PACKET + 80 :] == samples[11 * PACKET + 80 :]).all()


def test_silence_stays_silent() -> None:
    assert not received(np.zeros(10 * PACKET, np.int16), [0, 3, 4, 9]).any()
    assert not received(np.zeros(10 * PACKET, np.int16), range(10)).any()


def test_full_scale_stays_within(rand: Any) -> None:
    samples = np.frombuffer(rand.randbytes(2 * 40 * PACKET), np.int16) | 0x4000
    heard = received(samples, range(1, 40, 3))
    assert heard.size == samples.size


def spectra(samples: Sound) -> Any:
    """Levels in dB of 32 bands, every 8 ms."""
    windows = np.lib.stride_tricks.sliding_window_view(samples / 32768, 256)[::64] * np.hanning(256)
    power = np.abs(np.fft.rfft(windows, axis=1)[:, 1:]) ** 2
    return 10 * np.log10(power.reshape(len(power), 32, -1).sum(axis=2) + 1e-7)


def distance(samples: Sound, heard: Sound) -> float:
    return float(np.sqrt(np.mean((spectra(samples) - spectra(heard)) ** 2)))


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings do not lie beside the tests")
@pytest.mark.parametrize("name", ["speech.wav", "guest.wav"])
def test_speech_is_closer_to_itself_than_with_silence_in_the_gaps(name: str) -> None:
    samples = at_line_rate(RECORDINGS / name)
    with_silence = distances = 0.0
    for seed in range(12):
        lost = np.flatnonzero(np.random.default_rng(seed).random(samples.size // PACKET) < 0.1)
        silenced = samples.copy().reshape(-1, PACKET)
        silenced[lost] = 0
        with_silence += distance(samples, silenced.reshape(-1))
        distances += distance(samples, received(samples, lost.tolist()))
    assert distances < 0.9 * with_silence


def at_line_rate(path: Path) -> Sound:
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)[:: file.getnchannels()]
        line = resample_audio(samples, file.getframerate(), RATE)
    return line[: line.size // PACKET * PACKET]
