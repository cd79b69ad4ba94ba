"""Speech and music are no digits. `make soak` listens to an hour of speech, other runs to minutes."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import wave
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from livekit_utils import AudioFrame, DtmfDetector, resample_audio
from tests.support.dtmf import found
from tests.support.paths import BESIDE

RECORDINGS = BESIDE / "examples" / "recordings"
IS_THOROUGH = os.environ.get("LIVEKIT_UTILS_HYPOTHESIS") == "thorough"

# Of the synthesiser: several voices and languages, as other people make other mistakes.
VOICES = (
    "en", "en-us", "en-us+f2", "en+m3", "en-gb-scotland+f4", "de", "fr+f3", "es", "it+m5", "en-us+m7", "en+croak",
    "en-us+whisper", "pl", "ru",
)  # fmt: skip


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings do not lie beside the tests")
@pytest.mark.parametrize("name", ["speech", "guest"])
def test_recorded_speech(name: str) -> None:
    """At every pitch from a deep voice to a child's: some four minutes each."""
    with wave.open(str(RECORDINGS / f"{name}.wav")) as file:
        rate, samples = file.getframerate(), np.frombuffer(file.readframes(file.getnframes()), np.int16)
    for percent in range(60, 181, 3):
        data = resample_audio(samples, rate * percent // 100, 8000)
        assert found(np.asarray(data, float).reshape(-1), 8000) == "", f"at {percent} %"
    for output_rate in (11025, 16000, 48000):
        data = resample_audio(samples, rate, output_rate)
        assert found(np.asarray(data, float).reshape(-1), output_rate) == ""


def chord(rand: random.Random, rate: int, seconds: float) -> NDArray[np.float64]:
    """Up to four notes of the tempered scale, each with the harmonics of an instrument; some fade away."""
    time = np.arange(round(seconds * rate)) / rate
    sound = np.zeros(time.size)
    for _ in range(rand.randint(1, 4)):
        hz = 440 * 2 ** (rand.randint(-29, 17) / 12)
        falls, odd_only = rand.uniform(0.5, 2), rand.random() < 0.3
        for harmonic in range(1, 30):
            if hz * harmonic < rate * 0.45 and not (odd_only and harmonic % 2 == 0):
                phase = rand.uniform(0, 2 * np.pi)
                sound += np.sin(2 * np.pi * hz * harmonic * time + phase) * harmonic**-falls * rand.uniform(0.5, 1)
    sound *= np.exp(-time * rand.choice((0, 5, 20)))
    return 20000 * sound / np.abs(sound).max()


def test_music(rand: Any) -> None:
    """Of 64000 chords, one was taken for a digit."""
    digits = [found(chord(rand, 8000, rand.uniform(0.05, 0.5)), 8000) for _ in range(400)]
    assert len("".join(digits)) <= 1, digits


def test_noise_is_no_digit(rand: Any) -> None:
    noise = np.random.default_rng(rand.randrange(2**32)).normal(0, 8000, 8000 * 600)
    assert found(noise, 8000) == ""


def speech(rand: random.Random, minutes: float) -> Iterator[tuple[str, NDArray[np.int16]]]:
    """The words of the documentation in random order, in pieces of a minute or so, at 8000 Hz."""
    words = re.findall(r"[A-Za-z']+", (BESIDE / "README.md").read_text("utf-8"))
    seconds = 0.0
    while seconds < minutes * 60:
        voice, speed, pitch = rand.choice(VOICES), rand.randint(100, 250), rand.randint(10, 90)
        command = ["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "--stdout"]
        text = " ".join(rand.choices(words, k=150))
        data = subprocess.run(command, input=text.encode(), capture_output=True, check=True).stdout[44:]
        samples = np.frombuffer(data[: len(data) // 2 * 2], np.int16)
        seconds += samples.size / 22050
        yield f"{command} with {text!r}", np.asarray(resample_audio(samples, 22050, 8000), np.int16).reshape(-1)


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
@pytest.mark.timeout(1800)
def test_speech(rand: Any) -> None:
    """As good as none: of so much chance, a digit comes by now and then, one in 7.6 hours when they were counted."""
    minutes = 60 if IS_THOROUGH else 3
    detector, digits = DtmfDetector(8000), []
    for made_by, samples in speech(rand, minutes):
        digits += [(digit, made_by) for digit in detector.push(AudioFrame(samples, 8000, 1, samples.size))]
    assert len(digits) <= 1 + minutes // 20, digits
