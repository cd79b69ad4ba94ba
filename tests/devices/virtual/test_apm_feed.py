"""A player with an AudioProcessingModule of its own, which has to know what the speaker is given."""

from __future__ import annotations

import asyncio
import logging

import numpy as np
import pytest

from livekit_utils import AudioFrame
from tests.support.sound_card import SoundCard, plug_in
from tests.support.speakers import RATE, at_once, player, ramp
from tests.support.virtual_time import run


class Listener:
    """In place of an AudioProcessingModule."""

    def __init__(self, num_failures: int = 0) -> None:
        self.told: list[np.ndarray] = []
        self.num_failures = num_failures

    def process_reverse_stream(self, frame: AudioFrame) -> None:
        if self.num_failures:
            self.num_failures -= 1
            raise ValueError("not now")
        self.told.append(np.array(frame).ravel())


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> SoundCard:
    return plug_in(monkeypatch, SoundCard())


def test_it_is_told_what_the_speaker_is_given(card: SoundCard) -> None:
    listener = Listener()

    async def main() -> None:
        async with player(apm_for_reverse=listener) as speaker:
            await speaker.start()
            await asyncio.sleep(0.1)
            assert np.concatenate(listener.told).size >= 8 * RATE // 100  # silence as well
            speaker.add_stream(at_once(ramp(RATE)))
            await speaker.wait_for_playout()
            await asyncio.sleep(0.05)

    run(main())
    told = np.concatenate(listener.told)
    assert np.array_equal(told, card.sound[: len(told), 0])
    assert np.count_nonzero(told) == RATE


def test_what_it_raises_is_logged_once(card: SoundCard, caplog: pytest.LogCaptureFixture) -> None:
    listener = Listener(num_failures=5)

    async def main() -> None:
        async with player(apm_for_reverse=listener) as speaker:
            speaker.add_stream(at_once(ramp(RATE)))
            await speaker.start()
            await speaker.wait_for_playout()

    with caplog.at_level(logging.ERROR):
        run(main())
    assert [record.message for record in caplog.records] == ["OutputPlayer: apm_for_reverse failed: not now"]
    assert len(listener.told) >= 90
