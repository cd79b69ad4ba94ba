"""A room with a loudspeaker and a microphone, the same each time: what echo cancellation is tried in."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import signal

Sound = NDArray[np.float64]
Samples = NDArray[np.int16]


def noise(rate: int, seconds: float, seed: int, rms: float = 2000) -> Sound:
    return np.random.default_rng(seed).normal(0, rms, int(rate * seconds))


def speech(rate: int, seconds: float, seed: int, rms: float = 2000) -> Sound:
    """Syllables of a gliding pitch, or of noise, through three resonances, with pauses between words."""
    random = np.random.default_rng(seed)
    out = np.zeros(int(rate * seconds))
    position = 0
    while position < len(out):
        length = int(rate * random.uniform(0.12, 0.35))
        time = np.arange(length) / rate
        pitch = random.uniform(90, 220) * (1 + 0.1 * np.sin(2 * np.pi * random.uniform(1, 4) * time))
        if random.random() < 0.75:
            pulses = np.diff(np.floor(np.cumsum(pitch) / rate), prepend=0) * math.sqrt(rate / 150)
            sound = pulses + random.normal(0, 0.1, length)
        else:
            sound = random.normal(0, 1, length)
        for low, high, width in ((300, 800, 90), (900, 2200, 130), (2300, 3400, 200)):
            radius = math.exp(-math.pi * width / rate)
            angle = 2 * math.pi * random.uniform(low, high) / rate
            resonance = [1, -2 * radius * math.cos(angle), radius**2]
            sound = signal.lfilter([1 - radius], resonance, sound) + 0.02 * sound
        sound *= np.sqrt(np.hanning(length))
        sound = (sound / np.sqrt(np.mean(sound**2)))[: len(out) - position]
        out[position : position + len(sound)] = sound
        position += length + int(rate * random.choice([0, 0.03, 0.05, 0.3], p=[0.3, 0.3, 0.3, 0.1]))
    return out / np.sqrt(np.mean(out**2)) * rms


def echo(sound: Sound, rate: int, delay_ms: float, *, decay_ms: float = 200, gain: float = 0.4, seed: int = 1) -> Sound:
    """What comes back: the direct path after the delay, then a tail that falls by 60 dB within `decay_ms`."""
    num_samples = int(rate * decay_ms / 1000)
    tail = np.random.default_rng(seed).normal(size=num_samples) * 10 ** (-3 * np.arange(num_samples) / num_samples)
    tail *= 0.35 / np.sqrt(np.sum(tail**2))
    tail[0] = 1
    tail *= gain / np.sqrt(np.sum(tail**2))
    response = np.concatenate([np.zeros(int(rate * delay_ms / 1000)), tail])
    return np.asarray(signal.fftconvolve(sound, response)[: len(sound)])


def drifted(sound: Sound, ppm: float) -> Sound:
    """The sound as recorded by a clock that is slower than the one that played it by so much."""
    fine = signal.resample_poly(sound, 8, 1)
    return np.interp(np.arange(len(sound)) * (1 + ppm * 1e-6) * 8, np.arange(len(fine)), fine)


def samples(sound: Sound) -> Samples:
    return np.clip(np.rint(sound), -32768, 32767).astype(np.int16)


def erle_db(before: Samples, after: Samples, rate: int, start_s: float, end_s: float) -> float:
    part = slice(int(start_s * rate), int(end_s * rate))
    energy_before, energy_after = (float(np.sum(x[part].astype(float) ** 2)) for x in (before, after))
    return 10 * math.log10(max(energy_before, 1) / max(energy_after, 1))


def what_is_kept(
    near: Sound, after: Samples, rate: int, delay_ms: float, start_s: float, end_s: float
) -> tuple[float, float]:
    """How much of a voice came through, in the band of speech: its level, and its level above all else, in dB."""
    band = signal.butter(4, [300, 3400], "bandpass", fs=rate, output="sos")
    voice, heard = signal.sosfilt(band, near), signal.sosfilt(band, after.astype(float))
    start, length = int(start_s * rate), int((end_s - start_s) * rate)
    voice = voice[start : start + length]
    lag = round(delay_ms * rate / 1000)
    heard = heard[start + lag : start + lag + length]
    share = float(np.dot(heard, voice) / np.dot(voice, voice))
    rest = heard - share * voice
    distortion = 10 * math.log10(share**2 * float(np.dot(voice, voice)) / float(np.dot(rest, rest)))
    return 20 * math.log10(abs(share)), distortion
