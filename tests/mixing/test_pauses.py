"""AudioMixer and streams of other rates that pause: what their conversion holds back is mixed before the pause."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from livekit_utils import AudioFrame, AudioMixer
from tests.support.utterances import check_utterances, utterances
from tests.support.virtual_time import run

RATE, BLOCK = 48000, 480
SAY_S, PAUSE_S = 0.5, 1.5


async def ones() -> AsyncIterator[AudioFrame]:
    loop = asyncio.get_running_loop()
    start = loop.time()
    for i in range(300):
        await asyncio.sleep(max(0.0, start + i * 0.01 - loop.time()))
        yield AudioFrame(np.ones(BLOCK, np.int16), RATE, 1, BLOCK)


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
@pytest.mark.parametrize("others", [True, False])
@pytest.mark.parametrize(
    ("ahead", "realtime", "live"),
    [
        *((ahead, realtime, live) for ahead in (True, False) for realtime, live in ((False, None), (True, False))),
        *((False, True, True), (False, True, None), (True, True, None)),
    ],
)
def test_an_utterance_is_mixed_to_its_end(
    rate: int, others: bool, ahead: bool, realtime: bool, live: bool | None
) -> None:
    async def main() -> np.ndarray:
        async with AudioMixer(RATE, 1, blocksize=BLOCK, realtime=realtime) as mixer:
            if others:
                mixer.add_stream(ones())
            mixer.add_stream(utterances(rate, SAY_S, PAUSE_S, ahead=ahead), live=live)
            mixer.end_input()
            blocks = []
            async for block in mixer:
                blocks.append(np.asarray(block)[:, 0])
                if len(blocks) == 300:
                    break
            return np.concatenate(blocks)

    # A live stream fades out over what is left of it.
    tolerance = 0.003 * RATE if realtime and live is not False else 6
    check_utterances(run(main()), SAY_S * RATE, tolerance)
