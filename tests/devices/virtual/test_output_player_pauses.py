"""OutputPlayer and streams of other rates: what their conversion holds back is heard in time, and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from livekit_utils import AudioFrame, OutputPlayer, resample_audio
from tests.support.randomness import Rand
from tests.support.sound_card import SoundCard, plug_in
from tests.support.speakers import BLOCK, RATE, frames, heard, player
from tests.support.utterances import LEVEL, check_utterances, utterances
from tests.support.virtual_time import run

SAY_S, PAUSE_S = 0.5, 1.0


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> SoundCard:
    return plug_in(monkeypatch, SoundCard())


@pytest.mark.parametrize(
    ("rate", "device_rate"), [(8000, RATE), (16000, RATE), (44100, RATE), (RATE, 44100), (16000, 44100)]
)
@pytest.mark.parametrize(("live", "ahead"), [(True, False), (False, False), (False, True)])
def test_an_utterance_is_heard_to_its_end(
    monkeypatch: pytest.MonkeyPatch, rate: int, device_rate: int, live: bool, ahead: bool
) -> None:
    card = plug_in(monkeypatch, SoundCard(device_rate))

    async def main() -> None:
        async with player() as speaker:
            speaker.add_stream(utterances(rate, SAY_S, PAUSE_S, ahead=ahead), live=live)
            await speaker.start()
            await asyncio.sleep(2.5)

    run(main())
    check_utterances(heard(card), SAY_S * device_rate)


async def in_time(samples: np.ndarray, rate: int, size: int) -> AsyncIterator[AudioFrame]:
    """Every frame when its last sample was recorded."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    for i, frame in enumerate(frames(samples, rate, size), 1):
        await asyncio.sleep(max(0.0, start + i * size / rate - loop.time()))
        yield frame


@pytest.mark.parametrize("frame_ms", [1, 10, 20])
@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_a_live_stream_of_another_rate_has_no_gap_whenever_it_comes(rate: int, frame_ms: int, rand: Rand) -> None:
    samples = np.random.default_rng(rand.getrandbits(32)).integers(-9000, 9000, 3 * rate).astype(np.int16)
    whole = resample_audio(samples, rate, RATE)

    async def main(wait_s: float) -> None:
        async with player() as speaker:
            await speaker.start()
            await asyncio.sleep(wait_s)
            speaker.add_stream(in_time(samples, rate, max(1, rate * frame_ms // 1000)), live=True)
            await asyncio.sleep(3.5)
            stats = speaker.stats()
            assert (stats.gap_ms, stats.num_stalls) == (0, 0)

    for i in range(8):
        with pytest.MonkeyPatch.context() as patch:
            card = plug_in(patch, SoundCard())
            run(main(2.5 + i * BLOCK / RATE / 8))
            assert np.array_equal(heard(card), np.trim_zeros(whole))


@pytest.mark.parametrize(("rate", "device_rate"), [(8000, RATE), (RATE, 44100), (16000, 44100)])
def test_what_is_cleared_is_not_heard_later(monkeypatch: pytest.MonkeyPatch, rate: int, device_rate: int) -> None:
    card = plug_in(monkeypatch, SoundCard(device_rate))
    num_before = 0

    async def main() -> None:
        nonlocal num_before
        async with player() as speaker:
            speaker.add_stream(utterances(rate, SAY_S, PAUSE_S, ahead=False), live=True)
            await speaker.start()
            await asyncio.sleep(SAY_S - 0.005)  # the last frame of the first has come
            speaker.clear()
            num_before = len(card.heard) + 1  # a block fades out
            await asyncio.sleep(2)

    run(main())
    assert np.frombuffer(b"".join(card.heard[:num_before]), np.int16).max() >= LEVEL
    assert np.frombuffer(b"".join(card.heard[num_before:]), np.int16).max() < LEVEL / 4


def test_the_end_of_one_is_heard_while_another_goes_on(card: SoundCard) -> None:
    """The other one is as quiet as can be; the first ends with all of its samples."""
    quiet = np.ones(3 * RATE, np.int16)

    async def main() -> None:
        async with OutputPlayer(None, RATE, 1, None, blocksize=BLOCK) as speaker:
            speaker.add_stream(in_time(quiet, RATE, BLOCK), live=True)
            speaker.add_stream(utterances(8000, SAY_S, PAUSE_S, ahead=False), live=True)
            await speaker.start()
            await asyncio.sleep(2.5)

    run(main())
    check_utterances(heard(card), SAY_S * RATE)
