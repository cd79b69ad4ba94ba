"""AudioMixer and streams of other rates that pause: what their conversion holds back is mixed before the pause."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from livekit_utils import AudioFrame, AudioMixer
from tests.support.virtual_time import run

RATE, BLOCK = 48000, 480
LEVEL = 8000
SAY_S, PAUSE_S = 0.5, 1.5


async def utterances(rate: int, ahead: bool) -> AsyncIterator[AudioFrame]:
    """One of a positive and one of a negative level; in real time, or each at once."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    size = rate // 100
    for i, level in enumerate((LEVEL, -LEVEL)):
        for j in range(round(SAY_S * 100)):
            await asyncio.sleep(max(0.0, start + i * PAUSE_S + (0.0 if ahead else j * 0.01) - loop.time()))
            yield AudioFrame(np.full(size, level, np.int16), rate, 1, size)
    await asyncio.sleep(PAUSE_S)


async def ones() -> AsyncIterator[AudioFrame]:
    loop = asyncio.get_running_loop()
    start = loop.time()
    for i in range(300):
        await asyncio.sleep(max(0.0, start + i * 0.01 - loop.time()))
        yield AudioFrame(np.ones(BLOCK, np.int16), RATE, 1, BLOCK)


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
@pytest.mark.parametrize("ahead", [True, False])
@pytest.mark.parametrize("others", [True, False])
@pytest.mark.parametrize(("realtime", "live"), [(False, None), (True, True), (True, False), (True, None)])
def test_an_utterance_is_mixed_to_its_end(
    rate: int, ahead: bool, others: bool, realtime: bool, live: bool | None
) -> None:
    if live and ahead:
        pytest.skip("what is live does not come ahead")

    async def main() -> np.ndarray:
        async with AudioMixer(RATE, 1, blocksize=BLOCK, realtime=realtime) as mixer:
            if others:
                mixer.add_stream(ones())
            mixer.add_stream(utterances(rate, ahead), live=live)
            mixer.end_input()
            blocks = []
            async for block in mixer:
                blocks.append(np.asarray(block)[:, 0])
                if len(blocks) == 300:
                    break
            return np.concatenate(blocks)

    sound = run(main())
    loud = np.flatnonzero(np.abs(sound.astype(int)) > LEVEL / 2)
    first, second = (loud[sound[loud] > 0], loud[sound[loud] < 0])
    said = SAY_S * RATE
    # The edges of the level are as steep as the filters let them be; a live stream fades out over what is left of it.
    tolerance = 0.003 * RATE if realtime and live is not False else 6
    for there in (first, second):
        assert abs(len(there) - said) <= tolerance, f"{len(there)} of {said:.0f} samples"
    assert second[0] > first[-1]
    assert np.all(sound[first[-1] + 1000 : second[0] + 2000] < LEVEL / 4), "what was said is heard after the pause"
