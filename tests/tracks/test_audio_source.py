"""AudioSource: what is captured is played once and in order, whatever is cancelled, cleared or paused meanwhile."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import numpy as np
import pytest

from livekit_utils import AudioFrame, AudioSource, AudioStream, LocalAudioTrack
from tests.support.randomness import Rand
from tests.support.tape import RATE, Tape, constant, now, soon, turns
from tests.support.virtual_time import run

# -- what goes in -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        {"sample_rate": 0},
        {"sample_rate": 9},
        {"sample_rate": -48000},
        {"sample_rate": 2**31},
        {"sample_rate": 10**30},
        {"num_channels": 0},
        {"num_channels": -1},
        {"num_channels": 129},
        {"queue_size_ms": -1},
        {"queue_size_ms": -1e-9},
        {"queue_size_ms": math.nan},
        {"queue_size_ms": math.inf},
        {"queue_size_ms": -math.inf},
        {"queue_size_ms": 1e300},
    ],
    ids=str,
)
def test_numbers_out_of_range(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"^{next(iter(arguments))}: expected"):
        AudioSource(**{"sample_rate": RATE, "num_channels": 1, **arguments})


@pytest.mark.parametrize(
    "arguments",
    [
        {"sample_rate": "48000"},
        {"sample_rate": 48000.0},
        {"sample_rate": None},
        {"num_channels": 1.0},
        {"num_channels": None},
        {"queue_size_ms": None},
        {"queue_size_ms": [1]},
        {"queue_size_ms": 1j},
        {"queue_size_ms": "1000"},
    ],
    ids=str,
)
def test_things_of_another_kind(arguments: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        AudioSource(**{"sample_rate": RATE, "num_channels": 1, **arguments})


def test_positional_as_in_the_sdk() -> None:
    source = AudioSource(44100, 2, 1003, None)
    assert (source.sample_rate, source.num_channels, source.queued_duration, source.paused) == (44100, 2, 0.0, False)
    assert repr(source) == "AudioSource(sample_rate=44100, num_channels=2, idle)"


@pytest.mark.parametrize(
    "item", [None, 3, b"\x00\x00", "frame", [], object(), np.zeros(480, np.int16)], ids=lambda item: type(item).__name__
)
def test_not_a_frame(item: Any) -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1)
        with pytest.raises(TypeError, match="AudioFrame"):
            await source.capture_frame(item)
        assert source.queued_duration == 0

    run(main())


@pytest.mark.parametrize(("rate", "channels"), [(44100, 1), (RATE, 2), (8000, 128)])
def test_a_frame_of_another_format_says_both(rate: int, channels: int) -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1, 20)
        tape = Tape(source)
        await source.capture_frame(constant(1))
        with pytest.raises(ValueError, match=f"48000 Hz and 1 channels, got {rate} Hz and {channels}"):
            await source.capture_frame(AudioFrame.create(rate, channels, 10))
        await source.capture_frame(constant(2))
        await source.wait_for_playout()
        assert tape.values == [1, 2]

    run(main())


def test_empty_frames_are_nothing() -> None:
    async def main() -> None:
        for queue in (0, 1, 1000):
            source = AudioSource(RATE, 1, queue)
            tape = Tape(source)
            for _ in range(3):
                await soon(source.capture_frame(AudioFrame.create(RATE, 1, 0)))
            await soon(source.wait_for_playout())
            assert not tape.pieces

    run(main())


def test_frames_from_numpy(rand: Rand) -> None:
    samples = np.frombuffer(rand.pcm(2 * 960), np.int16).reshape(960, 2).copy()

    async def main() -> None:
        source = AudioSource(RATE, 2)
        tape = Tape(source)
        await source.capture_frame(AudioFrame(samples, RATE, 2, 960))
        await source.wait_for_playout()
        assert tape.data == samples.tobytes()

    run(main())


def test_frames_of_the_sdk(rand: Rand) -> None:
    rtc = pytest.importorskip("livekit.rtc")
    data = rand.pcm(960)

    async def main() -> None:
        for queue in (0, 1000):
            source = AudioSource(RATE, 1, queue)
            tape = Tape(source)
            await source.capture_frame(rtc.AudioFrame(data, RATE, 1, 960, userdata={"a": 1}))
            await source.wait_for_playout()
            assert tape.data == data
            source.pause()
            task = asyncio.create_task(source.capture_frame(rtc.AudioFrame(data, RATE, 1, 960, userdata={"a": 1})))
            await turns(2)
            (unplayed,) = source.clear_queue()
            assert isinstance(unplayed, AudioFrame)
            assert (bytes(unplayed.data), unplayed.userdata) == (data, {"a": 1})
            await soon(task)

    run(main())


@pytest.mark.parametrize("queue_ms", [1000, 15, 1])
def test_a_frame_may_be_used_again_when_capture_returns(queue_ms: float) -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1, queue_ms)
        tape = Tape(source)
        data = bytearray(2 * 480)
        frame = AudioFrame(data, RATE, 1, 480)
        for value in range(1, 50):
            np.asarray(frame)[:] = value
            await source.capture_frame(frame)
        data[:] = bytes(960)
        await source.wait_for_playout()
        assert tape.values == list(range(1, 50))

    run(main())


@pytest.mark.parametrize("queue_ms", [1000, 0])
def test_memory_is_given_back_with_the_frame(queue_ms: float) -> None:
    """Not when the sound has been played: a `bytearray` can then be resized."""

    async def main() -> None:
        source = AudioSource(RATE, 1, queue_ms)
        track = LocalAudioTrack.create_audio_track("a", source)
        streams = [AudioStream(track), AudioStream(track, sample_rate=16000, frame_size_ms=25)]
        for num_samples in (480, 100, 4800):
            data = bytearray(2 * num_samples)
            frame = AudioFrame(data, RATE, 1, num_samples)
            await source.capture_frame(frame)
            del frame
            data.clear()
        await source.aclose()
        for stream in streams:
            await stream.aclose()

    run(main())


# -- order, and cancelled captures ------------------------------------------------------------------------------------


@pytest.mark.parametrize("queue_ms", [1, 10, 35, 500])
def test_twenty_at_once_with_random_cancels(rand: Rand, queue_ms: float) -> None:
    """In the order in which they came; a cancelled frame whole or not at all; then everything works as before."""
    for _ in range(8):

        async def main() -> None:
            source = AudioSource(RATE, 1, queue_ms)
            tape = Tape(source)
            sizes = {value: rand.choice([1, 48, 480, 481, 2000, 30_000]) for value in range(1, 21)}

            def push(value: int) -> asyncio.Task[None]:
                frame = AudioFrame(np.full(sizes[value], value, np.int16).tobytes(), RATE, 1, sizes[value])
                return asyncio.create_task(source.capture_frame(frame), name=str(value))

            tasks = [push(value) for value in sizes]
            cancelled = set()
            for task in rand.sample(tasks, 10):
                await asyncio.sleep(rand.choice([0, 0, 0.003, 0.01, 0.1]))
                if task.cancel():
                    cancelled.add(int(task.get_name()))
            await soon(asyncio.wait(tasks))
            returned = {int(task.get_name()) for task in tasks if not task.cancelled()}
            assert returned >= sizes.keys() - cancelled
            assert all(task.exception() is None for task in tasks if not task.cancelled())
            sizes[21] = 480
            await soon(push(21))
            await source.wait_for_playout()
            played = np.frombuffer(tape.data, np.int16)
            counts = {value: int((played == value).sum()) for value in sizes}
            assert sum(counts.values()) == played.size
            for value, count in counts.items():
                assert count == sizes[value] or (count == 0 and value not in returned | {21}), (value, count)
            assert tape.values == sorted(tape.values)
            tape.assert_no_overlap()

        run(main())


@pytest.mark.parametrize("paused", [False, True])
def test_the_one_behind_a_cancelled_capture_goes_on_if_there_is_room(paused: bool) -> None:
    """A long frame waits, a short one behind it that would fit; the long one is cancelled."""

    async def main() -> None:
        source = AudioSource(RATE, 1, 100)
        if paused:
            source.pause()
        await source.capture_frame(constant(1, 50))
        long = asyncio.create_task(source.capture_frame(constant(2, 80)))
        short = asyncio.create_task(source.capture_frame(constant(3, 20)))
        await turns(3)
        begin = now()
        long.cancel()
        await soon(short)
        assert now() == begin
        await source.aclose()

    run(main())


def test_a_capture_in_the_moment_of_anothers_cancellation() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1, 100)
        source.pause()
        await source.capture_frame(constant(1, 50))
        long = asyncio.create_task(source.capture_frame(constant(2, 80)))
        await turns(2)
        long.cancel()
        await soon(source.capture_frame(constant(3, 20)))
        assert source.queued_duration == pytest.approx(0.07)
        await source.aclose()

    run(main())


def test_a_capture_that_timed_out_has_taken_nothing() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1, 100)
        tape = Tape(source)
        await source.capture_frame(constant(1, 3000))
        for _ in range(5):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(source.capture_frame(constant(9)), 0.1)
        assert source.queued_duration == pytest.approx(2.5, abs=1e-6)
        await source.capture_frame(constant(2))
        await source.wait_for_playout()
        assert tape.values == [1, 2]

    run(main())


# -- wait_for_playout -------------------------------------------------------------------------------------------------


def test_wait_for_playout_returns_at_the_very_end() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1)
        await soon(source.wait_for_playout(), 0.001)
        begin = now()
        await source.capture_frame(constant(1, 123))
        waiters = [asyncio.create_task(source.wait_for_playout()) for _ in range(4)]
        await asyncio.sleep(0.05)
        waiters[0].cancel()
        waiters.append(asyncio.create_task(source.wait_for_playout()))
        await asyncio.sleep(0.0729)
        assert not any(waiter.done() for waiter in waiters[1:])
        await asyncio.gather(*waiters[1:])
        assert now() == pytest.approx(begin + 0.123, abs=1e-6)
        assert not source._playout_waiters
        await soon(source.wait_for_playout(), 0.001)

    run(main())


def test_wait_for_playout_waits_for_those_who_wait_for_room() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1, 20)
        begin = now()
        tasks = [asyncio.create_task(source.capture_frame(constant(1, 20))) for _ in range(5)]
        await turns(2)
        await source.wait_for_playout()
        assert now() == pytest.approx(begin + 0.1, abs=1e-6)
        await soon(asyncio.gather(*tasks), 0.001)

    run(main())


@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize("how", ["clear", "close"])
def test_wait_for_playout_ends_with_the_audio(how: str, paused: bool) -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1)
        await source.capture_frame(constant(1, 500))
        waiters = [asyncio.create_task(source.wait_for_playout()) for _ in range(3)]
        await asyncio.sleep(0.1)
        if paused:
            source.pause()
            await asyncio.sleep(100)
        assert not any(waiter.done() for waiter in waiters)
        begin = now()
        if how == "clear":
            source.clear_queue()
        else:
            await source.aclose()
        await soon(asyncio.gather(*waiters))
        assert now() == begin
        await soon(source.wait_for_playout())

    run(main())


# -- pause and resume -------------------------------------------------------------------------------------------------


def test_a_pause_moves_everything_by_its_length(rand: Rand) -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1, 100_000)
        tape = Tape(source)
        frame = AudioFrame(rand.pcm(RATE * 2), RATE, 1, RATE * 2)
        begin = now()
        await source.capture_frame(frame)
        pauses, played = [], 0.0
        while played < 1.8:
            await asyncio.sleep(step := rand.random() / 10)
            played += step
            source.pause()
            source.pause()
            handed_out = len(tape.pieces)
            assert source.paused
            await asyncio.sleep(pause := rand.choice([0, 0.001, 0.01, 7.0]))
            assert len(tape.pieces) == handed_out
            pauses.append((played, pause))
            source.resume()
            source.resume()
            assert not source.paused
        await source.wait_for_playout()
        assert now() == pytest.approx(begin + 2 + sum(pause for _, pause in pauses), abs=1e-6)
        assert tape.data == bytes(frame.data)
        for k, when in enumerate(tape.times):
            due = k * 0.01
            before = sum(pause for at, pause in pauses if at < due - 1e-7)
            upto = sum(pause for at, pause in pauses if at < due + 1e-7)
            assert begin + due + before - 1e-6 <= when <= begin + due + upto + 1e-6

    run(main())


def test_a_pause_when_idle_keeps_what_is_captured() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1, 100)
        tape = Tape(source)
        source.pause()
        assert "paused" in repr(source)
        tasks = [asyncio.create_task(source.capture_frame(constant(i, 30))) for i in range(1, 6)]
        waiter = asyncio.create_task(source.wait_for_playout())
        await asyncio.sleep(50)
        assert [task.done() for task in tasks] == [True, True, True, False, False]
        assert source.queued_duration == pytest.approx(0.09)
        assert not tape.pieces
        assert not waiter.done()
        begin = now()
        source.resume()
        await soon(asyncio.gather(waiter, *tasks))
        assert now() == pytest.approx(begin + 0.15, abs=1e-6)
        assert tape.values == [1, 2, 3, 4, 5]
        tape.assert_on_time()

    run(main())


def test_pause_and_resume_with_nothing_there() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1)
        source.resume()
        source.pause()
        await asyncio.sleep(1)
        source.resume()
        tape = Tape(source)
        await source.capture_frame(constant(1))
        assert tape.times == [now()]
        await source.aclose()

    run(main())


def test_a_pause_for_ever_keeps_no_timer() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1)
        await source.capture_frame(constant(1, 100))
        source.pause()
        await asyncio.sleep(0.1)  # until the streams were told of it
        timers = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]
        assert all(timer.cancelled() for timer in timers)

    run(main())
