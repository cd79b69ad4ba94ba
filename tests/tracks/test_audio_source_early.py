"""AudioSource: timers are set a little early, which moves nothing else."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from livekit_utils import AudioFrame, AudioSource
from tests.support.tape import Tape, constant, now
from tests.support.virtual_time import run

EARLY = 0.00075


@pytest.fixture(autouse=True)
def early_timers(exact_timers: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("livekit_utils.tracks.audio_source._EARLY_S", EARLY)
    monkeypatch.setattr("livekit_utils._runtime.loop_timers._EARLY_S", EARLY)


def errors(tape: Tape, rate: int) -> np.ndarray:
    """How late each piece was against the first, by the samples before it."""
    before = np.cumsum([0, *tape.sizes[:-1]]) / rate
    return np.array(tape.times) - tape.times[0] - before


@pytest.mark.parametrize("rate", [48000, 44100, 11025])
def test_ten_minutes_are_early_by_no_more_and_does_not_drift(rate: int) -> None:
    async def main() -> None:
        source = AudioSource(rate, 1, 500)
        tape = Tape(source)
        for _ in range(1200):
            await source.capture_frame(AudioFrame.create(rate, 1, rate // 2))
        await source.wait_for_playout()
        late = errors(tape, rate)
        assert late.min() >= -EARLY - 1e-6
        assert late.max() <= 1e-6
        assert abs(np.median(late[-100:]) - np.median(late[1:100])) < 1e-6
        assert now() - tape.times[0] == pytest.approx(1200 * (rate // 2) / rate, abs=1e-6)  # the end is not told early
        await source.aclose()

    run(main())


def test_the_end_is_not_early() -> None:
    async def main() -> None:
        source = AudioSource(48000, 1)
        start = now()
        await source.capture_frame(constant(1, 35))
        await source.wait_for_playout()
        assert now() - start == pytest.approx(0.035, abs=1e-9)
        assert source.queued_duration == 0
        # The next run starts when it comes.
        await source.capture_frame(constant(2))
        assert source.queued_duration == pytest.approx(0.010)
        await source.aclose()

    run(main())


def test_captures_in_real_time_are_handed_out_at_once() -> None:
    async def main() -> None:
        source = AudioSource(48000, 1)
        tape = Tape(source)
        for i in range(100):
            await source.capture_frame(constant(i))
            assert len(tape.pieces) == i + 1
            await asyncio.sleep(0.0101)
        await source.aclose()

    run(main())
