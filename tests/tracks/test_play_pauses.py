"""AudioSource.play and a stream of another rate that pauses: what its conversion holds back is played before that."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from livekit_utils import AudioSource, AudioStream, LocalAudioTrack
from tests.support.utterances import check_utterances, utterances
from tests.support.virtual_time import run

RATE = 48000
SAY_S, PAUSE_S = 0.5, 1.5


@pytest.mark.parametrize("rate", [8000, 16000, 44100, RATE])
@pytest.mark.parametrize("ahead", [True, False])
@pytest.mark.parametrize("pauses", [False, True])
def test_an_utterance_is_played_to_its_end(rate: int, ahead: bool, pauses: bool) -> None:
    heard: list[tuple[float, np.ndarray]] = []

    async def main() -> None:
        source = AudioSource(RATE, 1)
        stream = AudioStream(LocalAudioTrack.create_audio_track("agent", source), sample_rate=RATE)
        time = asyncio.get_running_loop().time
        start = time()

        async def listen() -> None:
            async for event in stream:
                heard.append((time() - start, np.asarray(event.frame)[:, 0].copy()))

        listening = asyncio.create_task(listen())
        playing = asyncio.create_task(source.play(utterances(rate, SAY_S, PAUSE_S, ahead=ahead)))
        if pauses:
            await asyncio.sleep(0.2)
            source.pause()
            await asyncio.sleep(0.4)
            source.resume()
        await playing
        await source.wait_for_playout()
        await source.aclose()
        await listening

    run(main())
    # The first is over before the second begins.
    first = np.concatenate([samples for at, samples in heard if at < PAUSE_S - 0.1])
    assert abs(len(first) - SAY_S * RATE) <= 1
    silence = np.zeros(3000, np.int16)
    second = np.concatenate([samples for at, samples in heard if at >= PAUSE_S - 0.1])
    check_utterances(np.concatenate([silence, first, silence, second]), SAY_S * RATE)


def test_a_close_ends_the_wait_for_the_rest() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1)
        playing = asyncio.create_task(source.play(utterances(8000, SAY_S, PAUSE_S, ahead=True)))
        await asyncio.sleep(0.3)
        await source.aclose()
        with pytest.raises(RuntimeError, match="closed"):
            await playing
        await asyncio.sleep(1)

    run(main())
