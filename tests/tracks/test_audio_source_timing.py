"""AudioSource: when audio is handed out, to the sample; ten minutes in seconds on a clock that jumps."""

from __future__ import annotations

import asyncio
import math

import pytest

from livekit_utils import AudioFrame, AudioSource
from livekit_utils.tracks.audio_source import _IDLE_S
from livekit_utils.tracks.playout_clock import LATE_S
from tests.support.randomness import Rand
from tests.support.tape import EXACT, RATE, Tape, constant, now, samples_of, soon, turns
from tests.support.virtual_time import VirtualTimeLoop, run

QUEUE_SIZES = [1, 5, 10, 15, 25, 1000, 1000.5]


@pytest.mark.parametrize("rate", [48000, 44100, 22050, 11025])
def test_ten_minutes_without_drift(rate: int) -> None:
    """Chunk k is handed out k * 10 ms after the first, exactly; at 22050 and 11025 Hz 10 ms are rounded down."""
    step = rate // 100

    async def main() -> None:
        source = AudioSource(rate, 1, 25_000)
        tape = Tape(source)
        part, begin = AudioFrame.create(rate, 1, 10 * rate), now()
        for _ in range(60):
            await source.capture_frame(part)
        await source.wait_for_playout()
        assert now() == pytest.approx(begin + 600, abs=EXACT)
        assert sum(tape.sizes) == 600 * rate
        assert set(tape.sizes[:-1]) == {step}
        assert max(abs(when - begin - k * step / rate) for k, when in enumerate(tape.times)) < EXACT

    run(main())


@pytest.mark.parametrize("rate", [48000, 44100, 10, 99, 8000, 192_000])
def test_chunks_of_10_ms(rate: int) -> None:
    async def main() -> None:
        source = AudioSource(rate, 2)
        tape = Tape(source)
        await source.capture_frame(AudioFrame.create(rate, 2, rate * 3))
        await source.wait_for_playout()
        step = max(rate // 100, 1)
        assert tape.sizes == [step] * (3 * rate // step) + [n for n in [3 * rate % step] if n]
        for k, when in enumerate(tape.times):
            assert abs(when - tape.times[0] - k * step / rate) < EXACT

    run(main())


@pytest.mark.parametrize("frame_ms", [1, 2.5, 10, 17, 20, 300, 2500])
@pytest.mark.parametrize("queue_ms", QUEUE_SIZES)
def test_a_task_that_pushes_without_a_pause_is_paced(queue_ms: float, frame_ms: float) -> None:
    """At exactly real time, and gapless; no push returns before there is room, nor later than that."""
    count = min(math.ceil(5000 / frame_ms), 1000)

    async def main() -> None:
        source = AudioSource(RATE, 1, queue_ms)
        tape = Tape(source)
        begin = now()
        duration = frame_ms / 1000
        for i in range(count):
            await source.capture_frame(constant(i % 100 + 1, frame_ms))
            # Of what was captured before, so much may be left that this frame fits in as well.
            room = max(queue_ms / 1000 - duration, 0)
            assert now() - begin == pytest.approx(max(i * duration - room, 0), abs=0.0101)
            assert now() - begin >= max(i * duration - room, 0) - 1e-5
        end = begin + count * duration
        assert source.queued_duration == pytest.approx(end - now(), abs=1e-6)
        await source.wait_for_playout()
        assert now() == pytest.approx(end, abs=1e-6)
        tape.assert_on_time()
        assert tape.values == [i % 100 + 1 for i in range(count)]
        assert sum(tape.sizes) == count * round(frame_ms * 48)

    run(main())


def test_room_is_used_to_the_full() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1, 100)
        begin = now()
        for _ in range(10):
            await source.capture_frame(constant(1))
        assert now() == begin
        assert source.queued_duration == pytest.approx(0.1)
        await source.capture_frame(constant(1))
        assert now() == pytest.approx(begin + 0.01, abs=EXACT)
        assert source.queued_duration == pytest.approx(0.1)
        await source.aclose()

    run(main())


def test_a_blocked_loop_catches_up(rand: Rand) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        source = AudioSource(RATE, 1, 60_000)
        tape = Tape(source)
        frame = AudioFrame(rand.pcm(RATE * 50), RATE, 1, RATE * 50)
        begin = now()
        await source.capture_frame(frame)
        blocks = []
        while now() < begin + 40:
            await asyncio.sleep(rand.random())
            blocks.append((now(), seconds := rand.choice([0.001, 0.013, 0.3, 2.0])))
            loop.block(seconds)
        await source.wait_for_playout()
        assert now() == pytest.approx(begin + 50, abs=1e-6)
        assert tape.data == bytes(frame.data)
        for k, when in enumerate(tape.times):
            due = begin + k * 0.01
            # On time, or as soon as the loop was free again.
            held_up = [start + seconds for start, seconds in blocks if start - EXACT <= due <= start + seconds]
            free = max(held_up, default=due)
            assert due - EXACT <= when <= free + EXACT

    run(main())


def test_a_loop_blocked_at_the_very_end_with_pushes_that_wait() -> None:
    """What waits for room goes on without a gap, though the timer was late."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        source = AudioSource(RATE, 1, 100)
        tape = Tape(source)
        begin = now()
        tasks = [asyncio.create_task(source.capture_frame(constant(i, 100))) for i in range(1, 6)]
        await asyncio.sleep(0.055)
        loop.block(0.25)
        await soon(asyncio.gather(*tasks))
        await source.wait_for_playout()
        assert now() == pytest.approx(begin + 0.5)
        assert tape.values == [1, 2, 3, 4, 5]
        assert tape.times[-1] == pytest.approx(begin + 0.49)
        assert tape.times[35] == pytest.approx(begin + 0.35)

    run(main())


def test_queued_duration_falls_with_the_clock_while_the_loop_is_blocked() -> None:
    """Whoever computes for 35 ms and then looks must not see audio from 35 ms ago: AV synchronisation relies on it."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        source = AudioSource(RATE, 1)
        await source.capture_frame(constant(1, 500))
        end = now() + 0.5
        for seconds in (0.004, 0.035, 0.0001, 0.1, 1.0):
            loop.block(seconds)
            assert source.queued_duration == pytest.approx(max(end - now(), 0), abs=1e-6)
        await source.aclose()

    run(main())


def test_the_next_capture_after_a_rest_is_heard_at_once() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1)
        tape = Tape(source)
        expected = []
        for pause in (0.0, 0.5, 0.033, 3600.0, 0.0001):
            await asyncio.sleep(pause)
            expected.append(now())
            await source.capture_frame(constant(1))
            await source.wait_for_playout()
        assert tape.times == pytest.approx(expected, abs=EXACT)

    run(main())


def test_a_capture_while_the_last_10_ms_are_on_follows_without_a_gap(rand: Rand) -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1)
        tape = Tape(source)
        for _ in range(200):
            await source.capture_frame(AudioFrame(rand.pcm(480), RATE, 1, 480))
            await asyncio.sleep(rand.random() * 0.0099)
        await source.wait_for_playout()
        tape.assert_on_time()

    run(main())


def test_streams_are_told_of_a_rest() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1)
        tape = Tape(source)
        await source.capture_frame(constant(1, 25))
        await asyncio.sleep(0.025 + _IDLE_S - 0.001)
        assert tape.idle_times == []
        await source.capture_frame(constant(1, 25))  # just in time
        begin = now()
        await asyncio.sleep(5)
        assert tape.idle_times == pytest.approx([begin + 0.025 + _IDLE_S], abs=1e-3)
        await source.capture_frame(constant(1, 25))
        begin = now()
        source.clear_queue()
        await asyncio.sleep(5)
        assert tape.idle_times[1:] == pytest.approx([begin + 0.01 + _IDLE_S], abs=1e-3)
        await source.aclose()

    run(main())


def test_a_pause_is_a_rest_as_well() -> None:
    """One that lasts: what streams hold back is not held back for as long as the pause."""

    async def main() -> None:
        source = AudioSource(RATE, 1)
        tape = Tape(source)
        await source.capture_frame(constant(1, 500))
        await asyncio.sleep(0.055)
        source.pause()
        begin = now()
        await asyncio.sleep(5)
        assert tape.idle_times == pytest.approx([begin + 0.005 + _IDLE_S], abs=1e-3)
        source.resume()
        for _ in range(20):
            source.pause()
            await asyncio.sleep(_IDLE_S - 0.005)
            source.resume()
            await asyncio.sleep(0.01)
        assert len(tape.idle_times) == 1  # none of these lasted
        await source.wait_for_playout()
        assert tape.sizes == [480] * 50
        # With the last of it: nothing came for so long.
        assert tape.idle_times[1:] == [pytest.approx(now() - 0.01, abs=1e-3)]
        source.pause()  # with nothing on, it changes nothing
        source.resume()
        await asyncio.sleep(5)
        assert len(tape.idle_times) == 2
        await source.aclose()

    run(main())


def test_a_task_that_captures_in_real_time_gives_no_rest(rand: Rand) -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1)
        tape = Tape(source)
        begin = now()
        for i in range(500):
            await asyncio.sleep(max(begin + i * 0.02 + rand.random() * 0.015 - now(), 0))
            await source.capture_frame(constant(1, 20))
        assert not tape.idle_times
        await source.aclose()

    run(main())


def test_without_a_queue_frames_go_straight_through() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1, 0)
        tape = Tape(source)
        counted = 0

        async def other() -> None:
            nonlocal counted
            while True:
                counted += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        begin = now()
        frames = [constant(i + 1, 1 + 13 * (i % 7)) for i in range(50)]
        for frame in frames:
            await source.capture_frame(frame)
            assert tape.pieces[-1] == bytes(frame.data)
            assert source.queued_duration == 0
        assert now() == begin
        assert counted >= 49  # whoever reads gets a turn for each frame
        assert tape.data == samples_of(frames)
        assert len(tape.pieces) == 50
        await soon(source.wait_for_playout())
        assert now() == begin
        task.cancel()
        await asyncio.wait([task])
        await asyncio.sleep(0.2)
        assert len(tape.idle_times) == 1

    run(main())


def test_without_a_queue_a_pause_holds_captures() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1, 0)
        tape = Tape(source)
        source.pause()
        tasks = [asyncio.create_task(source.capture_frame(constant(i))) for i in (1, 2, 3)]
        waiter = asyncio.create_task(source.wait_for_playout())
        await asyncio.sleep(10)
        assert not any(task.done() for task in [*tasks, waiter])
        assert not tape.pieces
        tasks[1].cancel()
        await turns(2)
        source.resume()
        await soon(asyncio.gather(tasks[0], tasks[2], waiter))
        assert tape.values == [1, 3]
        await soon(source.wait_for_playout())

    run(main())


def test_without_a_queue_nobody_waits_for_a_capture_that_was_cancelled() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1, 0)
        source.pause()
        pushes = [asyncio.create_task(source.capture_frame(constant(1))) for _ in range(2)]
        await turns(2)
        waiter = asyncio.create_task(source.wait_for_playout())
        await turns(2)
        pushes[0].cancel()
        await asyncio.sleep(1)
        assert not waiter.done()  # there is another
        pushes[1].cancel()
        await soon(waiter)
        await source.aclose()

    run(main())


# -- queued_duration --------------------------------------------------------------------------------------------------


def test_queued_duration_against_a_model(rand: Rand) -> None:
    """Captures, pauses, sleeps of any length: it is what was captured and has not been heard, on a straight line.

    What is captured a little late goes on where the last frame ended."""

    async def main() -> None:
        source = AudioSource(RATE, 1, 1e6)
        end = paused_at = 0.0  # when it would all have been heard; when the pause began
        waited = False
        for _ in range(1500):
            action = rand.choice(["capture", "sleep", "sleep", "pause", "resume", "turn"])
            begin = paused_at if source.paused else now()
            # The timer that ends a run is no more exact than a millisecond.
            if action == "capture" and abs(begin - end - LATE_S) > 0.0011:
                n = rand.randrange(1, 2000)
                await source.capture_frame(AudioFrame.create(RATE, 1, n))
                end = (end if begin - end <= LATE_S else begin) + n / RATE
            elif action == "sleep":
                await asyncio.sleep(rand.choice([0.0004, 0.01, 0.0237, 0.1]))
            elif action == "pause" and not source.paused:
                source.pause()
                paused_at = now()
            elif action == "resume" and source.paused:
                source.resume()
                end += now() - paused_at
            else:
                await turns(1)
            expected = max(end - (paused_at if source.paused else now()), 0)
            assert source.queued_duration == pytest.approx(expected, abs=1e-6)
            waited = waited or expected > 0.1
        assert waited
        await source.aclose()
        assert source.queued_duration == 0

    run(main())


def test_queued_duration_does_not_count_who_waits_for_room() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1, 50)
        tasks = [asyncio.create_task(source.capture_frame(constant(1, 40))) for _ in range(4)]
        await turns(3)
        assert source.queued_duration == pytest.approx(0.04)
        tasks[3].cancel()
        for _ in range(200):
            assert 0 <= source.queued_duration <= 0.05 + 1e-6
            await asyncio.sleep(0.00051)
        await asyncio.wait(tasks)
        assert source.queued_duration == pytest.approx(0.12 - 200 * 0.00051, abs=1e-6)
        await source.aclose()

    run(main())
