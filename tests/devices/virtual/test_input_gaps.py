"""Sound that a microphone does not deliver is measured by the times of its blocks."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from livekit_utils import InputCapture, InputGap, MediaDevices
from tests.support.sound_card import FakeWorker, SoundCard, plug_in, refusal
from tests.support.virtual_time import VirtualTimeLoop, run

PLAIN = {"enable_aec": False, "noise_suppression": False, "high_pass_filter": False, "auto_gain_control": False}


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> SoundCard:
    return plug_in(monkeypatch, SoundCard())


def open_it(block: int = 480, **options: Any) -> InputCapture:
    return MediaDevices(blocksize=block).open_input(**PLAIN, **options)


def block_the_loop(seconds: float) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    loop.block(seconds)


def end_s(worker: FakeWorker) -> float:
    """The time of its last block."""
    return worker.start + worker.num_blocks * worker.block / 48000


@pytest.mark.parametrize("block", [256, 480, 4800])
@pytest.mark.parametrize("late_s", [0.0, 0.3])
def test_a_device_that_was_away(card: SoundCard, block: int, late_s: float) -> None:
    gaps: list[InputGap] = []

    async def main() -> None:
        async with open_it(block) as capture:
            capture.on_gap(gaps.append)
            await asyncio.sleep(1.0)
            card.refusals += [refusal()] * 5
            first = card.workers[0]
            block_the_loop(late_s)
            first.lose()
            lost_at = end_s(first)
            assert capture.away_ms >= 0
            await asyncio.sleep(0.001)
            while len(card.workers) < 2:
                away_ms = (asyncio.get_running_loop().time() - lost_at) * 1000
                assert capture.away_ms == pytest.approx(away_ms, abs=10)
                await asyncio.sleep(0.001)
            block_the_loop(late_s)
            await asyncio.sleep(0.5)
            assert capture.away_ms == 0
            left_ms = first.num_blocks * block % 480 / 48
            (gap,) = gaps
            assert gap.num_frames == first.num_blocks * block // 480
            expected_ms = (card.workers[1].start - lost_at) * 1000 + left_ms
            # A block that the loop is late for comes late in this sound card, too.
            assert gap.duration_ms == pytest.approx(expected_ms, abs=late_s * 1000 + 0.001)
            given_ms = capture.stats().num_frames * 10 + gap.duration_ms
            assert given_ms == pytest.approx((end_s(card.workers[1]) - first.start) * 1000, abs=10 + late_s * 1000)
            await capture.source.aclose()

    run(main())


def test_sound_that_was_dropped(card: SoundCard) -> None:
    """The loop sees nothing for so long that not all of it is kept."""
    gaps: list[InputGap] = []

    async def main() -> None:
        async with open_it(queue_capacity=20) as capture:
            stop = capture.on_gap(gaps.append)
            await asyncio.sleep(1.0)
            worker = card.workers[0]
            worker.memory.ring.write(np.zeros(48000 * 6 // 10, np.int16))
            await asyncio.sleep(0.1)
            (gap,) = gaps
            assert gap.num_frames in (99, 100)
            assert gap.duration_ms == capture.stats().dropped_ms > 390
            worker.memory.ring.write(np.zeros(48000 * 3, np.int16))
            await asyncio.sleep(0.1)
            assert sum(gap.duration_ms for gap in gaps) == capture.stats().dropped_ms
            assert len(gaps) == 2
            stop()
            stop()
            worker.memory.ring.write(np.zeros(48000, np.int16))
            await asyncio.sleep(0.1)
            assert len(gaps) == 2
            await capture.source.aclose()

    run(main())


def test_listeners(card: SoundCard, caplog: Any) -> None:
    def fail(gap: InputGap) -> None:
        raise ValueError("no")

    gaps: list[InputGap] = []

    async def main() -> None:
        async with open_it() as capture:
            with pytest.raises(TypeError, match="listener: expected a callable, got 1"):
                capture.on_gap(1)  # type: ignore[arg-type]
            capture.on_gap(fail)
            capture.on_gap(gaps.append)
            await asyncio.sleep(0.5)
            card.workers[0].lose()
            await asyncio.sleep(0.5)
            card.workers[1].lose()
            await asyncio.sleep(0.5)
            assert len(gaps) == 2
            await capture.source.aclose()

    run(main())
    assert sum("failed" in record.getMessage() for record in caplog.records) == 2
