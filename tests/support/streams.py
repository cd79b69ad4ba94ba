"""Streams and frames for the mixer's tests, and what their mix should be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import numpy as np

from livekit_utils import AudioFrame, AudioMixer, combine_audio_frames

RATE = 48000
TICK = 0.010


def frame(values: Any, channels: int = 1, rate: int = RATE) -> AudioFrame:
    samples = np.ascontiguousarray(values, dtype=np.int16)
    return AudioFrame(samples.tobytes(), rate, channels, samples.size // channels)


def constant(value: int, samples: int = 480, channels: int = 1, rate: int = RATE) -> AudioFrame:
    return frame(np.full(samples * channels, value), channels, rate)


async def ready(frames: Iterable[Any]) -> AsyncIterator[Any]:
    for item in frames:
        yield item


async def timed(frames: Iterable[Any], delay: Callable[[int], float] = lambda i: TICK) -> AsyncIterator[Any]:
    """Item i comes delay(i) seconds after the one before."""
    for i, item in enumerate(frames):
        await asyncio.sleep(delay(i))
        yield item


async def collect(mixer: AudioMixer) -> np.ndarray:
    frames = [f async for f in mixer]
    if not frames:
        return np.zeros(0, np.int16)
    assert all(f.samples_per_channel == frames[0].samples_per_channel for f in frames)
    return np.frombuffer(combine_audio_frames(frames).data, np.int16)


def oracle(signals: list[np.ndarray], gains: list[float], block: int, channels: int = 1) -> np.ndarray:
    """The exact mix: integers of any size, rounded once, saturated once."""
    longest = max(s.size for s in signals)
    size = -(-longest // (block * channels)) * block * channels
    total = [0] * size
    for signal, gain in zip(signals, gains, strict=True):
        fixed = round(gain * 2**24)
        for i, value in enumerate(signal.tolist()):
            total[i] += value * fixed
    return np.array([min(max((t + 2**23) >> 24, -32768), 32767) for t in total], np.int16)


def split(samples: np.ndarray, sizes: Iterable[int], channels: int = 1) -> list[AudioFrame]:
    frames, at = [], 0
    for size in sizes:
        frames.append(frame(samples[at : at + size * channels], channels))
        at += size * channels
        if at >= samples.size:
            break
    if at < samples.size:
        frames.append(frame(samples[at:], channels))
    return frames
