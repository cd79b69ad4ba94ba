"""Sounds for a speaker, and players of 10 ms blocks for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import numpy as np

from livekit_utils import AudioFrame, OutputPlayer
from tests.support.sound_card import SoundCard

RATE = 48000
BLOCK = 480


def player(**options: Any) -> OutputPlayer:
    return OutputPlayer(None, RATE, 1, None, blocksize=BLOCK, **options)


def ramp(num_samples: int, first: int = 1) -> np.ndarray:
    return (np.arange(first, first + num_samples) % 30000 + 1).astype(np.int16)


def frames(samples: np.ndarray, rate: int = RATE, size: int = BLOCK) -> list[AudioFrame]:
    pieces = [samples[i : i + size] for i in range(0, len(samples), size)]
    return [AudioFrame(piece.tobytes(), rate, 1, len(piece)) for piece in pieces]


def heard(card: SoundCard) -> np.ndarray:
    """What speakers were given, without the silence before and after."""
    sound = card.sound[:, 0]
    there = np.flatnonzero(sound)
    return sound[there[0] : there[-1] + 1] if len(there) else sound[:0]


async def at_once(samples: np.ndarray, size: int = BLOCK) -> AsyncIterator[AudioFrame]:
    for frame in frames(samples, size=size):
        yield frame


async def in_time(samples: np.ndarray, late: dict[int, float] | None = None) -> AsyncIterator[AudioFrame]:
    """Frame i is there 10 ms after the one before; those named come later by so much, and the ones after at once."""
    loop = asyncio.get_running_loop()
    start, delay = loop.time(), 0.0
    for i, frame in enumerate(frames(samples)):
        delay = (late or {}).get(i, 0.0)
        await asyncio.sleep(max(0.0, start + i * 0.01 + delay - loop.time()))
        yield frame
