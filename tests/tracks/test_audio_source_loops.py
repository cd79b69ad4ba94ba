"""AudioSource: used in one event loop after the other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from livekit_utils import AudioFrame, AudioSource, AudioStream, LocalAudioTrack
from tests.support.tape import RATE, Tape, constant, now, read, samples_of, soon
from tests.support.virtual_time import VirtualTimeLoop, run

Use = Callable[[AudioSource], Awaitable[Any]]


def played_over_two_loops(first: Use, second: Use) -> bytes:
    source = AudioSource(RATE, 1, 1000)
    stream = AudioStream(LocalAudioTrack.create_audio_track("t", source))

    async def main() -> None:
        await soon(second(source))

    async def begin() -> None:
        await first(source)

    run(begin())
    run(main())
    run(source.aclose())
    return samples_of(run(read(stream)))


async def capture_and_leave(source: AudioSource) -> None:
    await source.capture_frame(constant(1, 300))
    await asyncio.sleep(0.105)


async def capture_pause_and_leave(source: AudioSource) -> None:
    await capture_and_leave(source)
    source.pause()
    await asyncio.sleep(0.1)


async def pause_and_leave(source: AudioSource) -> None:
    source.pause()
    await source.capture_frame(constant(1, 300))


async def leave_with_waiters(source: AudioSource) -> None:
    tasks = [asyncio.create_task(source.capture_frame(constant(i, 800))) for i in (1, 2, 3)]
    tasks.append(asyncio.create_task(source.wait_for_playout()))
    await asyncio.sleep(0.105)
    # and asyncio.run cancels them
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def finish(source: AudioSource) -> None:
    source.resume()
    await source.wait_for_playout()


async def go_on(source: AudioSource) -> None:
    await source.capture_frame(constant(2, 100))
    source.resume()
    await source.wait_for_playout()


async def resume_and_listen(source: AudioSource) -> None:
    """Nothing is captured and nobody waits for the end: resume alone has to bring it back."""
    source.resume()
    await asyncio.sleep(0.5)
    assert source.queued_duration == 0


@pytest.mark.parametrize("second", [finish, go_on])
@pytest.mark.parametrize("first", [capture_and_leave, capture_pause_and_leave, pause_and_leave])
def test_audio_left_in_the_queue_is_played_in_the_next_loop(first: Any, second: Any) -> None:
    expected = bytes(constant(1, 300).data) + (bytes(constant(2, 100).data) if second is go_on else b"")
    assert played_over_two_loops(first, second) == expected


@pytest.mark.parametrize("first", [capture_pause_and_leave, pause_and_leave])
def test_resume_in_the_next_loop_plays(first: Any) -> None:
    assert played_over_two_loops(first, resume_and_listen) == bytes(constant(1, 300).data)


def test_captures_that_were_cancelled_with_their_loop_are_gone() -> None:
    expected = bytes(constant(1, 800).data) + bytes(constant(2, 100).data)
    assert played_over_two_loops(leave_with_waiters, go_on) == expected


def test_audio_in_the_queue_is_cleared_or_closed_in_the_next_loop() -> None:
    source = AudioSource(RATE, 1, 1000)
    tape = Tape(source)
    run(capture_and_leave(source))

    async def clear() -> list[AudioFrame]:
        return source.clear_queue()

    assert len(tape.data) + len(samples_of(run(clear()))) == 2 * 300 * 48
    assert source.queued_duration == 0
    run(capture_and_leave(source))
    run(source.aclose())
    assert tape.ends == 1


def test_queued_duration_does_not_fall_while_no_loop_plays() -> None:
    """A second loop's clock has nothing to do with the first one's; real clocks go on between them."""
    source = AudioSource(RATE, 1, 1000)
    run(pause_and_leave(source))
    assert source.queued_duration == pytest.approx(0.3)
    asyncio.run(asyncio.sleep(0))
    assert source.queued_duration == pytest.approx(0.3)


@pytest.mark.parametrize("later", [True, False])
def test_the_clock_of_the_next_loop_may_be_any(later: bool) -> None:
    """What is left goes on at once, at the pace of the new clock, which may be hours before the old one."""
    source = AudioSource(RATE, 1, 1000)
    tape = Tape(source)

    async def begin() -> None:
        await asyncio.sleep(0 if later else 7200)
        await capture_and_leave(source)
        tape.times.clear()
        tape.pieces.clear()

    async def go_on_at_once() -> None:
        await asyncio.sleep(7200 if later else 0)
        begin = now()
        await finish(source)
        assert tape.times[0] == begin
        assert now() == pytest.approx(begin + 0.19, abs=1e-6)
        tape.assert_on_time()

    run(begin())
    run(go_on_at_once())


def test_rests_are_told_in_the_next_loop_as_well() -> None:
    source = AudioSource(RATE, 1, 1000)
    tape = Tape(source)

    async def play(wait: float) -> None:
        await source.capture_frame(constant(1, 25))
        await source.wait_for_playout()
        await asyncio.sleep(wait)

    run(play(0.001))  # its loop is gone before the rest
    assert not tape.idle_times
    run(play(1))
    assert len(tape.idle_times) == 1
    run(play(1))
    assert len(tape.idle_times) == 2


def test_queued_duration_does_not_fall_between_two_loops() -> None:
    """Nobody plays there, though the clock goes on."""
    source = AudioSource(RATE, 1, 1000)

    async def begin() -> asyncio.AbstractEventLoop:
        await source.capture_frame(constant(1, 300))
        return asyncio.get_running_loop()

    loop = run(begin())
    left = source.queued_duration
    assert left == pytest.approx(0.29, abs=0.010001)
    assert isinstance(loop, VirtualTimeLoop)
    loop.block(0.02)
    assert source.queued_duration == left
    run(source.aclose())


def test_two_running_loops_are_an_error() -> None:
    source = AudioSource(RATE, 1)
    started, over = threading.Event(), threading.Event()

    async def hold() -> None:
        await source.capture_frame(constant(1))
        started.set()
        await asyncio.get_running_loop().run_in_executor(None, over.wait)

    thread = threading.Thread(target=lambda: asyncio.run(hold()))
    thread.start()
    try:
        assert started.wait(60)

        async def use() -> None:
            with pytest.raises(RuntimeError, match="another event loop"):
                await source.capture_frame(constant(1))
            with pytest.raises(RuntimeError, match="another event loop"):
                await source.wait_for_playout()

        asyncio.run(use())
    finally:
        over.set()
        thread.join()
    run(source.capture_frame(constant(1)))
    run(source.aclose())
