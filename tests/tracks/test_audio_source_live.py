"""AudioSource: frames that are captured as they come, by a task with a clock of its own, are not delayed."""

from __future__ import annotations

import asyncio

import pytest

from livekit_utils import AudioSource
from livekit_utils.tracks.playout_clock import LATE_S
from tests.support.randomness import Rand
from tests.support.tape import EXACT, RATE, Tape, constant, now
from tests.support.virtual_time import VirtualTimeLoop, run


async def capture_at(source: AudioSource, times: list[float]) -> None:
    for i, when in enumerate(times):
        await asyncio.sleep(max(0.0, when - now()))
        await source.capture_frame(constant(i % 30_000))


def test_a_frame_that_comes_late_does_not_delay_those_that_follow(rand: Rand) -> None:
    """It would, if each began a new run: the latest would set the time for all that follow."""

    async def main() -> None:
        source = AudioSource(RATE, 1)
        tape = Tape(source)
        begin = now()
        times = [begin + i * 0.01 + rand.random() * (LATE_S - 0.001) * (i > 0) for i in range(1000)]
        await capture_at(source, times)
        await source.wait_for_playout()
        assert tape.times == pytest.approx(times, abs=EXACT)
        assert source.queued_duration == 0

    run(main())


@pytest.mark.parametrize("held_up_s", [0.004, 0.012, 0.02, 0.035])
@pytest.mark.parametrize("source_first", [True, False])
def test_an_event_loop_that_was_held_up_leaves_no_delay(held_up_s: float, source_first: bool) -> None:
    """The frames that come at once after it go out at once, and those after them as they come."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        source = AudioSource(RATE, 1)
        tape = Tape(source)
        begin = now()
        times = [begin + i * 0.01 for i in range(300)]
        capturing = asyncio.create_task(capture_at(source, times))
        for at in (0.5, 1.5):
            # Either the end of what was played or the next frame is due first.
            await asyncio.sleep(begin + at + (0.0085 if source_first else 0.0015) - now())
            loop.block(held_up_s)
        await capturing
        await source.wait_for_playout()
        assert len(tape.times) == 300
        late = [when - due for when, due in zip(tape.times, times, strict=True)]
        assert max(late) <= held_up_s + EXACT
        assert max(late[100:150]) <= EXACT
        assert max(late[-100:]) <= EXACT

    run(main())


@pytest.mark.parametrize("pause_s", [0.006, 0.03, 0.3])
def test_what_follows_a_pause_of_the_sender_is_paced_from_there(pause_s: float) -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1)
        tape = Tape(source)
        await source.capture_frame(constant(1, 50))
        await source.wait_for_playout()
        await asyncio.sleep(pause_s)
        again = now()
        await source.capture_frame(constant(2, 100))
        await source.wait_for_playout()
        assert tape.times[5:] == pytest.approx([again + i * 0.01 for i in range(10)], abs=EXACT)

    run(main())


def test_a_run_has_the_length_of_its_audio_whenever_its_end_is_looked_at() -> None:
    """The end of a run is noted later, for frames that come late; who waits for it does not."""

    async def main() -> None:
        source = AudioSource(RATE, 1)
        begin = now()
        await source.capture_frame(constant(1, 30))
        await asyncio.sleep(0.0299)
        await source.wait_for_playout()
        assert now() == pytest.approx(begin + 0.03, abs=EXACT)
        assert source.queued_duration == 0
        await source.wait_for_playout()
        assert now() == pytest.approx(begin + 0.03, abs=EXACT)
        await source.capture_frame(constant(2, 10))
        assert source.queued_duration == pytest.approx(0.01, abs=EXACT)

    run(main())
