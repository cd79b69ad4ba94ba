"""Draws docs/voice.png: a voice in a noisy room before and after VoiceProcessor, and when it speaks.

    .venv/bin/python -m tools.draw_voice docs/voice.png

Both sounds are written beside it, as voice-before.wav and voice-after.wav. `make docs` does that for the
site. It needs matplotlib and, for a real sentence, espeak-ng; without that, a voice is made up.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from PIL import Image

from livekit_utils import AudioFrame, VoiceActivityDetector, VoiceProcessor, resample_audio
from tools.colours import BLUE, shrink

mpl.use("Agg")
import matplotlib.pyplot as plt

RATE = 16000
TEXT = "Hello there, how are you today?     I would like to book a table for four."
LEAD_S = 1.5
NOISE_RMS = 250.0


def sentence() -> npt.NDArray[np.int16]:
    if shutil.which("espeak-ng"):
        made = subprocess.run(["espeak-ng", "-v", "en-us", "--stdout", TEXT], check=True, capture_output=True).stdout
        with wave.open(io.BytesIO(made)) as wav:
            return resample_audio(np.frombuffer(wav.readframes(10**7), np.int16), wav.getframerate(), RATE)
    time_s = np.arange(4 * RATE) / RATE
    syllables = np.maximum(0, np.sin(2 * np.pi * 2.5 * time_s)) * (time_s % 2 < 1.6)
    harmonics = sum(np.sin(2 * np.pi * 140 * number * time_s) / number for number in range(1, 25))
    return (3000 * syllables * harmonics).astype(np.int16)


def noisy() -> npt.NDArray[np.int16]:
    """The voice with pink noise and the hum of the mains."""
    spoken = sentence() * 0.5
    lead = np.zeros(int(LEAD_S * RATE))
    voice = np.concatenate([lead, spoken, lead])
    spectrum = np.fft.rfft(np.random.default_rng(1).normal(size=len(voice)))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    noise = np.fft.irfft(spectrum, len(voice))
    hum = np.sin(2 * np.pi * 50 * np.arange(len(voice)) / RATE)
    return np.clip(voice + NOISE_RMS * (noise / noise.std() + hum), -32768, 32767).astype(np.int16)


def frames(samples: npt.NDArray[np.int16]) -> list[AudioFrame]:
    size = RATE // 100
    return [
        AudioFrame(samples[start : start + size].tobytes(), RATE, 1, size)
        for start in range(0, len(samples) // size * size, size)
    ]


def draw(path: Path) -> None:
    before = noisy()
    processor, detector = VoiceProcessor(noise_suppression_level=2), VoiceActivityDetector(RATE)
    activities = [activity for frame in frames(before) for activity in detector.push(frame)] + detector.flush()
    after = np.concatenate([np.asarray(processor._process(frame)).ravel() for frame in frames(before)])
    figure, axes = plt.subplots(3, 1, figsize=(9, 6), sharex=True, height_ratios=(2, 2, 0.5), layout="constrained")
    for axis, samples, title in zip(axes, (before, after), ("before", "after VoiceProcessor"), strict=False):
        image = spectrogram(axis, samples, title)
    figure.colorbar(image, ax=list(axes[:2]), label="level in dB per Hz; 0 is full scale")
    axis = axes[2]
    times = [activity.at_s for activity in activities]
    for start, end in zip(times[::2], times[1::2], strict=True):
        axis.axvspan(start, end, color=BLUE)
    axis.set(yticks=[], xlabel="time in s", ylabel="speech", xlim=(0, len(before) / RATE))
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=90)
    shrink(Image.open(drawn).convert("RGB")).save(path, optimize=True)
    for name, samples in (("before", before), ("after", after)):
        with wave.open(str(path.with_name(f"{path.stem}-{name}.wav")), "wb") as wav:
            wav.setparams((1, 2, RATE, 0, "NONE", ""))
            wav.writeframes(samples.tobytes())


def spectrogram(axis: Any, samples: npt.NDArray[np.int16], title: str) -> Any:
    image = axis.specgram(samples / 32768, NFFT=512, noverlap=384, Fs=RATE, vmin=-125, vmax=-45, cmap="magma")[3]
    axis.set(ylabel="frequency in Hz", title=title)
    return image


if __name__ == "__main__":
    draw(Path(sys.argv[1] if len(sys.argv) > 1 else "voice.png"))
