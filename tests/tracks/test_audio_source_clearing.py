"""AudioSource: clear_queue, and calls from inside the delivery. Played and returned is what was captured."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from livekit_utils import AudioFrame, AudioSource, AudioStream, LocalAudioTrack
from tests.support.randomness import Rand
from tests.support.tape import EXACT, RATE, Tape, constant, now, read, samples_of, soon, turns
from tests.support.virtual_time import VirtualTimeLoop, run


@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize("queue_ms", [5, 100, 1000])
def test_played_and_returned_is_what_was_captured(rand: Rand, queue_ms: float, paused: bool) -> None:
    async def main() -> None:
        source = AudioSource(RATE, 2, queue_ms)
        tape = Tape(source)
        frames = [AudioFrame(rand.pcm(2 * n), RATE, 2, n) for n in rand.choices([1, 480, 777, 5000], k=30)]
        for i, frame in enumerate(frames):
            frame.userdata["number"] = i
        tasks = [asyncio.create_task(source.capture_frame(frame)) for frame in frames]
        await asyncio.sleep(rand.random() / 4)
        if paused:
            source.pause()
            await asyncio.sleep(1)
        unplayed = source.clear_queue()
        assert source.queued_duration <= 0.01
        await soon(asyncio.gather(*tasks))  # all captures return
        await soon(source.wait_for_playout())
        assert tape.data + samples_of(unplayed) == samples_of(frames)
        # Whole frames as they were captured, and of one that was begun the rest.
        numbers = [frame.userdata["number"] for frame in unplayed]
        assert numbers == list(range(30))[30 - len(numbers) :]
        for frame in unplayed[1:]:
            assert bytes(frame.data) == bytes(frames[frame.userdata["number"]].data)
        assert all(frame.samples_per_channel for frame in unplayed)
        played = len(tape.pieces)
        await asyncio.sleep(10)
        assert len(tape.pieces) == played
        await source.aclose()

    run(main())


def test_what_is_returned_belongs_to_the_caller(rand: Rand) -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1, 100)
        data = bytearray(rand.pcm(4800))
        captured = [AudioFrame(data, RATE, 1, 4800), AudioFrame(data, RATE, 1, 4800)]
        source.pause()
        tasks = [asyncio.create_task(source.capture_frame(frame)) for frame in captured]
        await turns(2)
        unplayed = source.clear_queue()
        expected = bytes(data)
        data[:] = bytes(len(data))  # captures have returned, or are about to
        assert [bytes(frame.data) for frame in unplayed] == [expected, expected]
        for frame in unplayed:
            np.asarray(frame)[:] = 7
        await soon(asyncio.gather(*tasks))
        await source.aclose()

    run(main())


def test_returned_frames_can_be_captured_again(rand: Rand) -> None:
    """An interruption that was none: everything comes out whole after all."""

    async def main() -> None:
        source = AudioSource(RATE, 1)
        tape = Tape(source)
        frame = AudioFrame(rand.pcm(RATE), RATE, 1, RATE)
        await source.capture_frame(frame)
        for _ in range(20):
            await asyncio.sleep(rand.random() / 20)
            for item in source.clear_queue():
                await source.capture_frame(item)
        await source.wait_for_playout()
        assert tape.data == bytes(frame.data)
        tape.assert_on_time()

    run(main())


def test_nothing_to_clear() -> None:
    async def main() -> None:
        for queue in (0, 1000):
            source = AudioSource(RATE, 1, queue)
            assert source.clear_queue() == []
            await source.capture_frame(constant(1))
            await asyncio.sleep(1)
            assert source.clear_queue() == source.clear_queue(fade_ms=50) == []
            source.pause()
            assert source.clear_queue(fade_ms=50) == []
            await soon(source.wait_for_playout())

    run(main())


@pytest.mark.parametrize("fade_ms", [-1, -0.001, math.nan, math.inf, -math.inf])
def test_a_wrong_fade_clears_nothing(fade_ms: float) -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1)
        await source.capture_frame(constant(1, 100))
        with pytest.raises(ValueError, match="fade_ms"):
            source.clear_queue(fade_ms)
        with pytest.raises(TypeError):
            source.clear_queue(None)  # type: ignore[arg-type]
        assert source.queued_duration == pytest.approx(0.1)
        await source.aclose()

    run(main())


def test_captures_right_after_a_clear_never_overlap(rand: Rand) -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1)
        tape = Tape(source)
        for _ in range(300):
            await source.capture_frame(AudioFrame(rand.pcm(960), RATE, 1, 960))
            await asyncio.sleep(rand.choice([0, 0.0001, 0.005, 0.01, 0.0137]))
            if rand.random() < 0.2:
                source.pause()
                await asyncio.sleep(rand.choice([0, 0.0001, 1]))
            source.clear_queue()
            source.resume()
        tape.assert_no_overlap()
        await source.aclose()

    run(main())


# -- fading -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("fade_ms", [0.02, 1, 10, 50, 80])
def test_a_fade_is_a_straight_line_to_zero(fade_ms: float, channels: int) -> None:
    async def main() -> None:
        source = AudioSource(RATE, channels)
        tape = Tape(source)
        frames = [constant(20_000, 100, channels=channels) for _ in range(3)]
        for frame in frames:
            await source.capture_frame(frame)
        await asyncio.sleep(0.1551)
        waiter = asyncio.create_task(source.wait_for_playout())
        await turns(2)
        faded = math.floor(fade_ms * 48)
        unplayed = source.clear_queue(fade_ms)
        assert sum(frame.samples_per_channel for frame in unplayed) == 300 * 48 - 160 * 48 - faded
        assert source.queued_duration == pytest.approx(0.0049 + faded / RATE if faded else 0, abs=1e-6)
        begin = now()
        await soon(waiter)
        assert now() == pytest.approx(begin + (0.0049 + faded / RATE if faded else 0), abs=1e-6)
        played = np.frombuffer(tape.data, np.int16).reshape(-1, channels)
        assert played.shape[0] == 160 * 48 + faded
        assert (played[: 160 * 48] == 20_000).all()
        line = 20_000 * (1 - np.arange(faded) / max(faded, 1))
        assert np.abs(played[160 * 48 :] - line[:, None]).max(initial=0) <= 1
        tape.assert_on_time()

    run(main())


def test_a_fade_that_is_longer_than_what_is_left() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1)
        tape = Tape(source)
        await source.capture_frame(constant(10_000, 30))
        assert source.clear_queue(fade_ms=500) == []
        await source.wait_for_playout()
        played = np.frombuffer(tape.data, np.int16).astype(int)
        assert played.size == 30 * 48
        assert np.abs(np.diff(played)).max() <= 11  # to zero in the 20 ms that there are
        assert played[-1] <= 11

    run(main())


def test_the_next_fade_is_one_of_its_own() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1)
        for _ in range(3):
            tape = Tape(source)
            await source.capture_frame(constant(10_000, 100))
            source.clear_queue(fade_ms=20)
            await source.wait_for_playout()
            played = np.frombuffer(tape.data, np.int16).astype(int)
            assert played.size == 30 * 48
            assert (played[:480] == 10_000).all()
            assert np.abs(np.diff(played)).max() <= 11

    run(main())


def test_in_a_pause_there_is_nothing_to_fade() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1)
        tape = Tape(source)
        await source.capture_frame(constant(10_000, 500))
        await asyncio.sleep(0.1)
        source.pause()
        waiter = asyncio.create_task(source.wait_for_playout())
        await turns(2)
        played = len(tape.data)
        returned = samples_of(source.clear_queue(fade_ms=100))
        assert played + len(returned) == 2 * 500 * 48
        await turns(2)
        assert waiter.done()
        source.resume()
        await asyncio.sleep(1)
        assert len(tape.data) == played

    run(main())


def test_a_capture_after_a_fade_follows_it() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1, 100)
        tape = Tape(source)
        tasks = [asyncio.create_task(source.capture_frame(constant(10_000, 100))) for _ in range(3)]
        await asyncio.sleep(0.025)
        unplayed = source.clear_queue(fade_ms=20)
        assert sum(frame.samples_per_channel for frame in unplayed) == 250 * 48
        await source.capture_frame(constant(-5, 40))
        await soon(asyncio.gather(*tasks))
        await source.wait_for_playout()
        played = np.frombuffer(tape.data, np.int16)
        assert played.size == (30 + 20 + 40) * 48
        assert (played[-40 * 48 :] == -5).all()
        assert np.abs(np.diff(played[: 50 * 48].astype(int))).max() <= 11
        tape.assert_on_time()

    run(main())


def test_a_second_clear_in_the_middle_of_a_fade() -> None:
    """What was captured after the first comes back, and nothing twice."""

    async def main() -> None:
        source = AudioSource(RATE, 1)
        tape = Tape(source)
        await source.capture_frame(constant(10_000, 500))
        first = source.clear_queue(fade_ms=100)
        await source.capture_frame(constant(5))
        await asyncio.sleep(0.0301)
        second = source.clear_queue(fade_ms=20)
        await source.wait_for_playout()
        played = np.frombuffer(tape.data, np.int16).astype(int)
        returned = sum(frame.samples_per_channel for frame in [*first, *second])
        assert played.size + returned == 510 * 48
        assert np.abs(np.diff(played)).max() <= 60
        assert bytes(second[-1].data) == bytes(constant(5).data)

    run(main())


def test_returned_audio_is_never_faded() -> None:
    """What comes back is to be played again later: it must be what was captured."""

    async def main() -> None:
        source = AudioSource(RATE, 1)
        await source.capture_frame(constant(10_000, 500))
        returned = source.clear_queue(fade_ms=100)
        await asyncio.sleep(0.03)
        returned += source.clear_queue()
        values = np.frombuffer(samples_of(returned), np.int16)
        assert set(values.tolist()) == {10_000}
        await source.aclose()

    run(main())


# -- calls from inside the delivery -----------------------------------------------------------------------------------


class Interfering:
    """A processor that calls the source from inside `_process`."""

    enabled = True

    def __init__(self, action: Callable[[int], Any]) -> None:
        self.action, self.count = action, 0

    def _process(self, frame: AudioFrame) -> AudioFrame:
        self.count += 1
        self.action(self.count)
        return frame


def played_with(actions: dict[int, Callable[[AudioSource, LocalAudioTrack], Any]], queue_ms: float = 1000) -> Any:
    """300 ms, with actions at the nth chunk: what two streams got, one before and one behind the processor's."""

    async def main() -> tuple[list[list[int]], list[Any], AudioSource]:
        source = AudioSource(RATE, 1, queue_ms)
        track = LocalAudioTrack.create_audio_track("t", source)
        results: list[Any] = []

        def act(count: int) -> None:
            if count in actions:
                results.append(actions[count](source, track))

        before = AudioStream(track)
        acting = AudioStream(track, noise_cancellation=Interfering(act))
        behind = AudioStream(track)
        tasks = [asyncio.create_task(source.capture_frame(constant(i))) for i in range(1, 31)]
        await asyncio.sleep(0.1)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        loop.block(0.1)  # ten chunks in one go
        await asyncio.sleep(0.5)
        source.resume()
        await soon(asyncio.gather(*tasks))
        await soon(source.wait_for_playout())
        await source.aclose()
        values = [[frame.data[0] for frame in await read(stream)] for stream in (before, acting, behind)]
        assert acting.stats().num_processor_failures == 0
        return values, results, source

    return run(main())


@pytest.mark.parametrize("queue_ms", [0, 5, 1000])
@pytest.mark.parametrize("at", [1, 2, 14, 15, 30])
def test_pause_from_inside(at: int, queue_ms: float) -> None:
    values, _, _ = played_with({at: lambda source, track: source.pause()}, queue_ms)
    assert values == [list(range(1, 31))] * 3


@pytest.mark.parametrize("queue_ms", [0, 5, 1000])
@pytest.mark.parametrize("at", [1, 2, 14, 15, 30])
def test_pause_and_resume_from_inside(at: int, queue_ms: float) -> None:
    """Chunks must not overtake each other."""
    values, _, _ = played_with({at: lambda source, track: (source.pause(), source.resume())}, queue_ms)
    assert values == [list(range(1, 31))] * 3


@pytest.mark.parametrize("queue_ms", [5, 1000])
@pytest.mark.parametrize("at", [1, 2, 14, 15, 30])
def test_clear_from_inside(at: int, queue_ms: float) -> None:
    values, [unplayed], _ = played_with({at: lambda source, track: source.clear_queue()}, queue_ms)
    cleared = [frame.data[0] for frame in unplayed]
    for got in values:
        assert sorted(got + cleared) == list(range(1, 31))
        assert got == sorted(got)
    assert values[0] == values[1] == values[2]


@pytest.mark.parametrize("at", [1, 2, 14, 15, 29, 30])
def test_a_fade_from_inside(at: int) -> None:
    values, [unplayed], _ = played_with({at: lambda source, track: source.clear_queue(fade_ms=10)})
    cleared = [frame.data[0] for frame in unplayed]
    assert values[0] == values[1] == values[2]
    assert sorted(values[0] + cleared) == list(range(1, 31))


def test_clear_from_inside_while_a_queueless_source_takes_those_who_waited() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1, 0)
        track = LocalAudioTrack.create_audio_track("t", source)
        cleared: list[AudioFrame] = []
        stream = AudioStream(track, noise_cancellation=Interfering(lambda count: cleared.extend(source.clear_queue())))
        source.pause()
        tasks = [asyncio.create_task(source.capture_frame(constant(i))) for i in (1, 2, 3)]
        await turns(2)
        source.resume()
        await soon(asyncio.gather(*tasks))
        await source.aclose()
        assert [f.data[0] for f in await read(stream)] == [1]
        assert [f.data[0] for f in cleared] == [2, 3]

    run(main())


def test_mute_from_inside() -> None:
    values, _, _ = played_with({10: lambda source, track: track.mute(), 20: lambda source, track: track.unmute()})
    assert values == [[*range(1, 11), *[0] * 10, *range(21, 31)]] * 3


def test_close_from_inside() -> None:
    def close(source: AudioSource) -> None:
        coroutine = source.aclose()
        with pytest.raises(StopIteration):
            coroutine.send(None)

    async def main() -> None:
        source = AudioSource(RATE, 1)
        tape = Tape(source, lambda count: close(source) if count == 5 else None)
        other = Tape(source)
        await source.capture_frame(constant(1, 100))
        waiter = asyncio.create_task(source.wait_for_playout())
        await soon(waiter)
        await asyncio.sleep(1)
        assert len(tape.pieces) == 5
        assert (tape.ends, other.ends) == (1, 1)
        with pytest.raises(RuntimeError, match="closed"):
            await source.capture_frame(constant(1))

    run(main())


def test_random_calls_lose_and_double_nothing(rand: Rand) -> None:
    """Everything at once: several pushers, pauses, clears with and without fade, a blocked loop, cancels."""
    for _ in range(10):

        async def main() -> None:
            loop = asyncio.get_running_loop()
            assert isinstance(loop, VirtualTimeLoop)
            source = AudioSource(RATE, 1, rand.choice([1, 10, 100, 1000]))
            tape = Tape(source)
            taken = returned = 0

            async def pusher() -> None:
                nonlocal taken
                for _ in range(30):
                    n = rand.choice([1, 480, 960, 4001])
                    before = now()
                    await source.capture_frame(AudioFrame.create(RATE, 1, n))
                    assert now() >= before - EXACT
                    taken += n
                    await asyncio.sleep(rand.choice([0, 0, 0.01, 0.1]))

            tasks = [asyncio.create_task(pusher()) for _ in range(5)]
            while not all(task.done() for task in tasks):
                await asyncio.sleep(rand.choice([0, 0.001, 0.01, 0.05]))
                match rand.randrange(8):
                    case 0:
                        source.pause()
                    case 1 | 2:
                        source.resume()
                    case 3:
                        returned += sum(f.samples_per_channel for f in source.clear_queue(rand.choice([0, 3, 20])))
                    case 4:
                        loop.block(rand.choice([0.001, 0.03]))
                assert source.queued_duration >= 0
            source.resume()
            await soon(source.wait_for_playout())
            await asyncio.gather(*tasks)
            assert sum(tape.sizes) + returned == taken

        run(main())
