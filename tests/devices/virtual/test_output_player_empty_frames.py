"""OutputPlayer: frames without samples are as if nothing had come, on a sound card in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest

from livekit_utils import AudioFrame, AudioFrameEvent
from livekit_utils.devices.output_player import OutputPlayerStats
from tests.support.sound_card import SoundCard, plug_in
from tests.support.speakers import BLOCK, RATE, frames, player, ramp
from tests.support.virtual_time import run

EMPTY_FRAMES: dict[str, Callable[[], Any]] = {
    "plain": lambda: AudioFrame.create(RATE, 1, 0),
    "event": lambda: AudioFrameEvent(AudioFrame.create(RATE, 1, 0)),
    "other rate": lambda: AudioFrame.create(8000, 1, 0),
    "other channel count": lambda: AudioFrame.create(RATE, 2, 0),
}


async def stream(rate: int, make_empty: Callable[[], Any] | None) -> AsyncIterator[Any]:
    """12 s in real time, of which the first 80 ms come at once, with a stall and a pause."""
    for i, frame in enumerate(frames(ramp(12 * rate), rate, rate // 100)):
        if i >= 8:
            await asyncio.sleep({800: 0.15, 1000: 0.8}.get(i, 0.0) + 0.0095)
            if make_empty is not None:
                yield make_empty()
            await asyncio.sleep(0.0005)
        yield frame


@pytest.mark.parametrize("kind", EMPTY_FRAMES)
@pytest.mark.parametrize("rate", [RATE, 16000])
@pytest.mark.parametrize("live", [False, True])
def test_an_empty_frame_is_as_if_nothing_had_come(
    monkeypatch: pytest.MonkeyPatch, kind: str, rate: int, live: bool
) -> None:
    def played(make_empty: Callable[[], Any] | None) -> tuple[np.ndarray, OutputPlayerStats]:
        card = plug_in(monkeypatch, SoundCard())

        async def main() -> OutputPlayerStats:
            async with player() as speaker:
                speaker.add_stream(stream(rate, make_empty), live=live)
                await speaker.start()
                await asyncio.sleep(14)
                return speaker.stats()

        stats = run(main())
        return card.sound[:, 0], stats

    sound, stats = played(EMPTY_FRAMES[kind])
    expected_sound, expected_stats = played(None)
    assert stats == expected_stats
    assert np.array_equal(sound, expected_sound)
    assert np.count_nonzero(sound) > 11 * RATE - BLOCK
    if live:
        assert stats.dropped_ms > 0  # what came at once at the beginning is not needed
