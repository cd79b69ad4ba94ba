"""Speech that pauses: one utterance of a positive and one of a negative level."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import numpy as np

from livekit_utils import AudioFrame

LEVEL = 8000


async def utterances(rate: int, say_s: float, pause_s: float, *, ahead: bool) -> AsyncIterator[AudioFrame]:
    """The second begins `pause_s` after the first. Frames of 10 ms, in real time, or all of an utterance at once."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    size = rate // 100
    for i, level in enumerate((LEVEL, -LEVEL)):
        for j in range(round(say_s * 100)):
            await asyncio.sleep(max(0.0, start + i * pause_s + (0.0 if ahead else j * 0.01) - loop.time()))
            yield AudioFrame(np.full(size, level, np.int16), rate, 1, size)
    await asyncio.sleep(pause_s)


def check_utterances(sound: np.ndarray, said: float, tolerance: float = 6) -> None:
    """Each is there, of `said` samples and without a gap, and nothing of the first is heard behind the pause. The edges
    of the levels are as steep as the filters let them be."""
    loud = np.flatnonzero(np.abs(sound.astype(int)) > LEVEL / 2)
    first, second = loud[sound[loud] > 0], loud[sound[loud] < 0]
    for what, there in (("first", first), ("second", second)):
        length = there[-1] + 1 - there[0]
        assert len(there) == length, f"a gap in the {what}"
        assert abs(length - said) <= tolerance, f"{length} of {said:.0f} samples of the {what}"
    assert second[0] > first[-1]
    assert np.all(sound[first[-1] + 100 : second[0] + 2000] < LEVEL / 4), "what was said is heard after the pause"
