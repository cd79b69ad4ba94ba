"""Voices, noises, and how much of each a noise suppressor leaves."""

from __future__ import annotations

import io
import subprocess
import time
import wave
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from livekit_utils import AudioFrame, AudioProcessingModule, VoiceProcessor, resample_audio

Sound = npt.NDArray[np.float64]
RATE = 48000
VOICES = ("en", "en-us+f2", "de+f3", "fr+m3", "es")
TEXTS = (
    "Hello there, how are you today? I would like to book a table.",
    "She sells sea shells by the sea shore.",
)
# The noise is known after a while; what comes before is not measured.
LEAD_S = 3.0
VOICE_RMS = 2500.0


def voice(name: str) -> Sound:
    parts = [np.zeros(int(LEAD_S * RATE))]
    for text in TEXTS:
        made = subprocess.run(["espeak-ng", "-v", name, "--stdout", text], check=True, capture_output=True).stdout
        with wave.open(io.BytesIO(made)) as wav:
            sound = resample_audio(np.frombuffer(wav.readframes(10**7), np.int16), wav.getframerate(), RATE)
        parts += [sound.astype(float), np.zeros(RATE)]
    whole = np.concatenate(parts)
    level = float(np.sqrt(np.mean(whole[np.abs(whole) > 50] ** 2)))
    return np.asarray(whole * (VOICE_RMS / level), np.float64)


def shaped(num_samples: int, seed: int, shape: Callable[[Any], Any]) -> Sound:
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=num_samples))
    shaped_spectrum = spectrum * shape(np.fft.rfftfreq(num_samples, 1 / RATE))
    return np.asarray(np.fft.irfft(shaped_spectrum, num_samples), np.float64)


def noises(num_samples: int) -> Iterator[tuple[str, Sound]]:
    """Steady ones: white, pink, a fan (low-passed, with hum and its harmonics), and a car (rumble)."""
    time_s = np.arange(num_samples) / RATE
    yield "white", shaped(num_samples, 1, np.ones_like)
    yield "pink", shaped(num_samples, 2, lambda hz: 1 / np.sqrt(np.maximum(hz, 20)))
    fan = shaped(num_samples, 3, lambda hz: 1 / (1 + (hz / 800) ** 2))
    hum = sum(np.sin(2 * np.pi * 120 * number * time_s) / number for number in range(1, 8))
    yield "fan", fan / fan.std() + 0.5 * hum
    yield "car", shaped(num_samples, 4, lambda hz: 1 / (1 + (hz / 120) ** 2))


def with_ours(level: int) -> Callable[[npt.NDArray[np.int16]], tuple[npt.NDArray[np.int16], float]]:
    def process(pcm: npt.NDArray[np.int16]) -> tuple[npt.NDArray[np.int16], float]:
        # Without the high-pass filter, which turns the phase: SI-SDR would count that as noise.
        processor = VoiceProcessor(noise_suppression_level=level, high_pass_filter=False)
        out = [
            np.asarray(processor._process(AudioFrame(pcm[i : i + 480].tobytes(), RATE, 1, 480))).ravel()
            for i in range(0, len(pcm) - 479, 480)
        ]
        return np.concatenate(out), processor.latency_ms

    return process


def with_module(level: int) -> Callable[[npt.NDArray[np.int16]], tuple[npt.NDArray[np.int16], float]]:
    def process(pcm: npt.NDArray[np.int16]) -> tuple[npt.NDArray[np.int16], float]:
        module = AudioProcessingModule(noise_suppression=True, noise_suppression_level=level)
        out = []
        for i in range(0, len(pcm) - 479, 480):
            frame = AudioFrame(pcm[i : i + 480].tobytes(), RATE, 1, 480)
            module.process_stream(frame)
            out.append(np.asarray(frame).ravel())
        return np.concatenate(out), 1000 * module.latency

    return process


def delay_of(out: Sound, sound: Sound) -> int:
    """Samples by which the output lags, found by correlation; the stages' own figures differ by some samples."""
    size = 1 << (2 * len(sound) - 1).bit_length()
    correlation = np.fft.irfft(np.fft.rfft(out, size) * np.fft.rfft(sound, size).conj())
    return int(np.argmax(correlation[: RATE // 10]))


def spectrogram(sound: Sound) -> npt.NDArray[np.complex128]:
    window = np.hanning(961)[:-1]
    return np.fft.rfft(np.lib.stride_tricks.sliding_window_view(sound, 960)[::480] * window, axis=1)


def si_sdr_db(out: Sound, clean: Sound) -> float:
    target = clean * np.dot(out, clean) / np.dot(clean, clean)
    return float(10 * np.log10(np.sum(target**2) / np.sum((out - target) ** 2)))


def measure(process: Callable[..., Any], clean: Sound, noise: Sound) -> tuple[float, float, float, float, float]:
    """Returns SI-SDR before and after, noise reduction in the pauses, speech loss, and ms per 10 ms."""
    mixture = clean + noise
    pcm = np.clip(np.round(mixture), -32768, 32767).astype(np.int16)
    start = time.perf_counter()
    processed, _ = process(pcm)
    cost_ms = 1000 * (time.perf_counter() - start) / (len(pcm) / 480)
    out = processed.astype(float)
    delay = delay_of(out, mixture)
    first = int(LEAD_S * RATE)
    length = min(len(out) - delay, len(mixture)) - first
    out = out[delay + first : delay + first + length]
    clean, noise, mixture = (sound[first : first + length] for sound in (clean, noise, mixture))
    mixed, given = spectrogram(mixture), spectrogram(out)
    gains = np.minimum(np.abs(given) / np.maximum(np.abs(mixed), 1e-3), 1.0)
    voiced = spectrogram(clean)
    hz = np.fft.rfftfreq(960, 1 / RATE)
    heard = (hz >= 150) & (hz <= 8000)  # the high-pass filter takes hum, which is no loss of speech
    energy = np.sum(np.abs(voiced[:, heard]) ** 2, axis=1)
    speaks, pauses = energy > energy.max() * 1e-3, energy < energy.max() * 1e-7
    kept = np.sum((gains * np.abs(voiced))[speaks][:, heard] ** 2) / np.sum(np.abs(voiced)[speaks][:, heard] ** 2)
    left = np.sum(np.abs(given[pauses]) ** 2) / np.sum(np.abs(mixed[pauses]) ** 2)
    return (
        si_sdr_db(mixture, clean),
        si_sdr_db(out, clean),
        -10 * np.log10(left),
        -10 * np.log10(kept),
        cost_ms,
    )
